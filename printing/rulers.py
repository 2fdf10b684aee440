"""The test page of a printer: rulers on the edges and the outlines of everything that has its true place."""

from printing.drawing import BLACK, Line, Sheet
from printing.fonts import PageFonts, load_fonts
from printing.geometry import Box, PageGeometry
from printing.layout import DEFAULT_GEOMETRY, draw_mrz, embed_fonts
from printing.mrz import LINE_LENGTH
from printing.pdf import PdfDocument

_CODE_MODULES = 48
_SAMPLE = ("P<GTM".ljust(LINE_LENGTH, "<"), "0123456789".ljust(LINE_LENGTH - 1, "<") + "0")


def render_rulers(geometry: PageGeometry = DEFAULT_GEOMETRY, fonts: PageFonts | None = None) -> bytes:
    """A PDF page to lay a ruler on: what it misses, in millimetres, goes into the printer's offsets."""
    faces = fonts or load_fonts()
    pdf = PdfDocument("Página de prueba")
    sheet = Sheet(pdf, geometry, faces)
    _draw_scales(sheet)
    _draw_places(sheet)
    _draw_explanation(sheet)
    draw_mrz(sheet, _SAMPLE)
    sheet.finish(embed_fonts(pdf, faces))
    return pdf.finish()


def _draw_scales(sheet: Sheet) -> None:
    width, height = sheet.geometry.width, sheet.geometry.height
    sheet.outline(Box(0, 0, width, height))
    for mm in range(1, int(width)):
        length = _tick(mm)
        sheet.line((mm, 0), (mm, length), 0.1, BLACK)
        sheet.line((mm, height), (mm, height - length), 0.1, BLACK)
    for mm in range(1, int(height)):
        length = _tick(mm)
        sheet.line((0, mm), (length, mm), 0.1, BLACK)
        sheet.line((width, mm), (width - length, mm), 0.1, BLACK)
    for mm in range(10, int(width), 10):
        _write(sheet, mm + 0.3, height - 3.4, str(mm))
    for mm in range(10, int(height), 10):
        _write(sheet, 3.0, mm + 0.3, str(mm))


def _tick(mm: int) -> float:
    return 2.6 if mm % 10 == 0 else 1.8 if mm % 5 == 0 else 1.0


def _draw_places(sheet: Sheet) -> None:
    geometry = sheet.geometry
    code = geometry.code(_CODE_MODULES)
    for name, box in (("Fotografía", geometry.portrait), ("Firma", geometry.signature), ("Código 2D", code)):
        sheet.outline(box)
        _write(sheet, box.x + 1, box.top - 3, name)
    sheet.line((0, geometry.mrz_height), (geometry.width, geometry.mrz_height), 0.1, BLACK)
    row = Box(geometry.mrz_left, 0, LINE_LENGTH * geometry.mrz_pitch, 0)
    for centre in geometry.mrz_centres:
        sheet.line((row.x, centre), (row.right, centre), 0.05, BLACK)
    for cell in range(LINE_LENGTH + 1):
        x = row.x + cell * geometry.mrz_pitch
        sheet.line((x, geometry.mrz_centres[1] - 2.5), (x, geometry.mrz_centres[0] + 2.5), 0.05, BLACK)


def _draw_explanation(sheet: Sheet) -> None:
    geometry = sheet.geometry
    turned = f"giro {geometry.rotation}°"
    lines = (
        "Página de prueba: imprima al 100 %, sin ajustar al papel.",
        "El marco debe coincidir con el borde de la hoja; cada raya es 1 mm.",
        f"Ajustes de esta página: derecha {geometry.offset_x:g} mm, arriba {geometry.offset_y:g} mm, {turned}.",
    )
    for place, text in enumerate(lines):
        _write(sheet, 44, 62 - 4 * place, text)
    sheet.line((57.5, 75), (67.5, 75), 0.1, BLACK)
    sheet.line((62.5, 70), (62.5, 80), 0.1, BLACK)


def _write(sheet: Sheet, x: float, y: float, text: str) -> None:
    sheet.text(x, y, Line(sheet.fonts.printable(text), 1.9, 1.0), "text", BLACK)
