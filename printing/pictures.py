"""Portrait, signature and 2D code as PDF objects and drawing operators, with as little work as possible.

The portrait's JPEG bytes go into the file as they are; decoding them would cost more than the rest of the page.
"""

import io
import re
import zlib
from functools import lru_cache
from typing import Any

import zxingcpp
from PIL import Image, UnidentifiedImageError

from printing.geometry import Box, PageError
from printing.pdf import PdfDocument, Picture, number

MAX_SIGNATURE_PIXELS = 4_000_000
_SPACES = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK/Decode[1 0 1 0 1 0 1 0]"}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BLACK = re.compile(rb"\0+")
_INK = 232  # a darker pixel of a signature is ink, a lighter one paper


def add_portrait(pdf: PdfDocument, jpeg: bytes) -> Picture:
    """Embed JPEG bytes unread; PageError when they are not a JPEG of one, three or four components."""
    width, height, components = _jpeg_frame(jpeg)
    entries = f"/Width {width}/Height {height}/BitsPerComponent 8/Filter/DCTDecode/ColorSpace{_SPACES[components]}"
    return Picture(pdf.add_stream(f"/Type/XObject/Subtype/Image{entries}", jpeg), width, height)


def _jpeg_frame(jpeg: bytes) -> tuple[int, int, int]:
    """Width, height and components from the frame header (ITU-T T.81, B.2.2)."""
    at = 2 if jpeg.startswith(b"\xff\xd8\xff") else len(jpeg)
    while at + 10 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in _FRAMES:
            height, width = (int.from_bytes(jpeg[at + place : at + place + 2], "big") for place in (5, 7))
            if width and height and jpeg[at + 4] == 8 and jpeg[at + 9] in _SPACES:
                return width, height, jpeg[at + 9]
            break
        at += 1 if jpeg[at + 1] == 0xFF else 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise PageError("the portrait is not a JPEG that can be printed")


def add_signature(pdf: PdfDocument, image: bytes) -> Picture | None:
    """Embed a PNG or JPEG as grey ink on white, cut to the ink; None when there is none, PageError if unreadable."""
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MAX_SIGNATURE_PIXELS:
                raise PageError(f"a signature of {opened.width} x {opened.height} pixels is too large")
            grey = _flattened(opened)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise PageError(f"the signature cannot be read: {error}") from error
    ink = grey.point([255] * _INK + [0] * (256 - _INK)).getbbox()
    if ink is None:
        return None
    cut = grey.crop(ink)
    entries = f"/Width {cut.width}/Height {cut.height}/BitsPerComponent 8/Filter/FlateDecode/ColorSpace/DeviceGray"
    data = zlib.compress(cut.tobytes(), 4)
    return Picture(pdf.add_stream(f"/Type/XObject/Subtype/Image{entries}", data), cut.width, cut.height)


def _flattened(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("L")
    return image.convert("L")


@lru_cache(maxsize=256)
def data_matrix(text: str) -> tuple[int, bytes]:
    """A DataMatrix (ECC 200) of an ASCII text: modules a side, then one byte a module, 0 for black, top row first."""
    if not re.fullmatch(r"[ -~]+", text):
        raise PageError("the text of the code is not plain ASCII")
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, eci="-1")
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)  # has the buffer protocol, its stub does not say so
    rows, columns = image.shape
    if rows != columns:
        raise PageError(f"a code of {columns} x {rows} modules does not fit the page")
    return rows, memoryview(image).tobytes()


def code_path(modules: int, pixels: bytes, box: Box) -> str:
    """Operators that fill the code as one path, a rectangle for each run of black, so that no seams show."""
    runs = []
    for row in range(modules):
        rest = f" {modules - 1 - row} "
        spans = (run.span() for run in _BLACK.finditer(pixels, row * modules, (row + 1) * modules))
        runs += [f"{start - row * modules}{rest}{end - start} 1 re" for start, end in spans]
    scale = f"{box.width / modules:.6f}"
    return f"q 0 g {scale} 0 0 {scale} {number(box.x)} {number(box.y)} cm {' '.join(runs)} f Q"
