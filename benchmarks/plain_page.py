"""The data page drawn the way of reportlab's manual, without care for speed: what the product's page is compared with.

Canvas with its defaults, one document a page, TrueType fonts registered once for the process, pictures by `drawImage`
from their bytes, the 2D code from zxing-cpp as a square for each black module, as reportlab's own ECC200DataMatrix
draws it (a picture of a pixel a module is cheaper, but viewers and printers smooth it, and so it is not the same page).
Texts, places and sizes are those of `printing.layout`; values that are too wide are made smaller.
"""

import io
from functools import lru_cache
from importlib.resources import files
from typing import Any

import zxingcpp
from reportlab.lib.colors import Color
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from printing.font_conversion import cut_down
from printing.fonts import DEBIAN_OCRB, MRZ_CHARACTERS
from printing.geometry import SIGNATURE_LABEL, SLOTS, Box, PageGeometry
from printing.layout import PageData

_INK, _LABEL = Color(0.09, 0.11, 0.16), Color(0.22, 0.34, 0.52)
_VALUE_SIZE, _LABEL_SIZE, _VALUE_DROP = 2.75, 1.5, 3.3  # millimetres


@lru_cache(maxsize=1)
def register_fonts() -> float:
    """Make the faces known to reportlab, OCR-B converted, for it takes no CFF; returns the cap height of OCR-B's H."""
    vera = files("reportlab") / "fonts"
    pdfmetrics.registerFont(TTFont("PlainText", str(vera / "Vera.ttf")))
    pdfmetrics.registerFont(TTFont("PlainBold", str(vera / "VeraBd.ttf")))
    zone = TTFont("PlainZone", io.BytesIO(cut_down(DEBIAN_OCRB.read_bytes(), MRZ_CHARACTERS)))
    pdfmetrics.registerFont(zone)
    return float(zone.face.capHeight) / 1000


def draw_plain(page: PageData) -> bytes:
    """The page as a PDF of its own."""
    register_fonts()
    geometry = PageGeometry()
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(geometry.width * mm, geometry.height * mm))
    canvas.setTitle(page.document)
    _draw_texts(canvas, page, geometry)
    _draw_picture(canvas, page.portrait, geometry.portrait)
    if page.signature:
        _draw_picture(canvas, page.signature, geometry.signature)
    _draw_code(canvas, page.seal, geometry)
    _draw_zone(canvas, page, geometry)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _draw_texts(canvas: Canvas, page: PageData, geometry: PageGeometry) -> None:
    left, right = geometry.portrait.x, geometry.code_right
    _write(canvas, page.state, left, 82.2, "PlainBold", 3.4, _INK)
    canvas.setFont("PlainBold", 2.7 * mm)
    canvas.setFillColor(_LABEL)
    canvas.drawRightString(right * mm, 82.2 * mm, page.document)
    canvas.setStrokeColor(_LABEL)
    canvas.setLineWidth(0.25 * mm)
    canvas.line(left * mm, 80.4 * mm, right * mm, 80.4 * mm)
    for slot in SLOTS:
        face = "PlainBold" if slot.strong else "PlainText"
        _write(canvas, slot.label, slot.x, slot.top, "PlainText", _LABEL_SIZE, _LABEL, slot.width)
        _write(canvas, page.value(slot), slot.x, slot.top - _VALUE_DROP, face, _VALUE_SIZE, _INK, slot.width)
    box = geometry.signature
    _write(canvas, SIGNATURE_LABEL, box.x, box.top + 1.15, "PlainText", _LABEL_SIZE, _LABEL, box.width)


def _write(
    canvas: Canvas, text: str, x: float, y: float, face: str, size: float, colour: Color, width: float = 200.0
) -> None:
    natural = pdfmetrics.stringWidth(text, face, size)
    canvas.setFont(face, size * min(1.0, width / max(natural, 1e-6)) * mm)
    canvas.setFillColor(colour)
    canvas.drawString(x * mm, y * mm, text)


def _draw_picture(canvas: Canvas, content: bytes, box: Box) -> None:
    canvas.drawImage(
        ImageReader(io.BytesIO(content)),
        box.x * mm, box.y * mm, box.width * mm, box.height * mm,
        mask="auto", preserveAspectRatio=True, anchor="c",
    )  # fmt: skip


def _draw_code(canvas: Canvas, seal: str, geometry: PageGeometry) -> None:
    symbol = zxingcpp.create_barcode(seal, zxingcpp.BarcodeFormat.DataMatrix, eci="-1")
    pixels: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    grid = memoryview(pixels)
    rows, columns = pixels.shape
    box = geometry.code(rows)
    module = geometry.code_module * mm
    canvas.setFillGray(0)
    for row in range(rows):
        for column in range(columns):
            if not grid[row, column]:
                x, y = box.x * mm + column * module, box.top * mm - (row + 1) * module
                canvas.rect(x, y, module, module, stroke=0, fill=1)


def _draw_zone(canvas: Canvas, page: PageData, geometry: PageGeometry) -> None:
    size = geometry.mrz_pitch / pdfmetrics.stringWidth("<", "PlainZone", 1)
    canvas.setFont("PlainZone", size * mm)
    canvas.setFillGray(0)
    for line, centre in zip(page.mrz_lines, geometry.mrz_centres, strict=True):
        canvas.drawString(geometry.mrz_left * mm, (centre - register_fonts() * size / 2) * mm, line)
