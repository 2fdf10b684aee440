"""Reads a printed page as a scanner would: from the picture of it, not from what made it."""

import io
import re
import subprocess

import zxingcpp
from PIL import Image


def scan_zone(pdf: bytes) -> str:
    """Both rows of the MRZ as a reader types them."""
    text = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()
    rows = [line.strip().replace(" ", "") for line in text.splitlines()]
    return "\n".join(row for row in rows if re.fullmatch("[A-Z0-9<]{44}", row))


def scan_code(pdf: bytes) -> str:
    """The text of the 2D code, read from the page at 300 dpi."""
    picture = subprocess.run(["pdftoppm", "-r", "300", "-png", "-"], input=pdf, capture_output=True, check=True).stdout
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)), formats=zxingcpp.BarcodeFormat.DataMatrix)
    return found.text
