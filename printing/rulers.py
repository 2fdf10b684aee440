"""The test page of a printer: rulers on the edges, the outlines of everything that has its true place, and four stairs.

A stair begins at an edge of the page and goes inwards, 1 mm a step. Where the edge of the paper cuts it, the step says
what to type into the printer's offset, so that nobody has to measure, add or think of signs.
"""

from datetime import date

from printing.drawing import BLACK, Line, Sheet
from printing.fonts import PageFonts, load_fonts
from printing.geometry import Box, PageGeometry
from printing.layout import DEFAULT_GEOMETRY, draw_mrz, embed_fonts
from printing.mrz import LINE_LENGTH
from printing.pdf import PdfDocument

_CODE_MODULES = 48
_TEXT = 1.9
#: Steps of a stair, and the height of one in millimetres.
_STEPS, _STAIR = 7, 2.6
_SAMPLE = ("P<GTM".ljust(LINE_LENGTH, "<"), "0123456789".ljust(LINE_LENGTH - 1, "<") + "0")


def render_rulers(
    geometry: PageGeometry = DEFAULT_GEOMETRY,
    fonts: PageFonts | None = None,
    *,
    printer: str = "",
    on: date | None = None,
) -> bytes:
    """A PDF page from which to read the printer's offsets; it names the printer and the day when they are given.

    Raises `Unprintable` for a name with letters that the font lacks.
    """
    faces = fonts or load_fonts()
    pdf = PdfDocument("Página de prueba")
    sheet = Sheet(pdf, geometry, faces)
    _draw_scales(sheet)
    _draw_places(sheet)
    _draw_stairs(sheet)
    _draw_explanation(sheet, printer, on)
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
    for mm in (mm for mm in range(10, int(width), 10) if mm not in range(40, 95)):  # there stands a stair
        _write(sheet, mm + 0.3, height - 3.4, str(mm))
    for mm in (mm for mm in range(10, int(height), 10) if mm not in range(44, 66)):
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


def _draw_stairs(sheet: Sheet) -> None:
    geometry = sheet.geometry
    turned = -1 if geometry.rotation else 1  # the offsets are the paper's; on a turned page they grow the other way
    for step in range(_STEPS):
        low, left = 62.0 - _STAIR * step, 41.0 + 7.5 * step
        for sign, edge in ((1, 0.0), (-1, geometry.width)):
            x = edge + sign * step
            sheet.line((x, low), (x, low + _STAIR), 0.15, BLACK)
            sheet.line((x + sign * 0.5, low), (x + sign * 0.5, low + _STAIR / 2), 0.08, BLACK)
            text = _offset(geometry.offset_x + turned * sign * step)
            _write(sheet, x + 0.8 if sign > 0 else x - 0.8 - _width(sheet, text), low + 0.2, text)
        for sign, edge in ((1, 0.0), (-1, geometry.height)):
            y = edge + sign * step
            sheet.line((left, y), (left + 2, y), 0.15, BLACK)
            sheet.line((left, y + sign * 0.5), (left + 1, y + sign * 0.5), 0.08, BLACK)
            text = _offset(geometry.offset_y + turned * sign * step)
            _write(sheet, left + 2.3, y + 0.1 if sign > 0 else y - 1.6, text)


def _offset(millimetres: float) -> str:
    shown = round(millimetres, 2)
    return f"{shown:+g}" if shown else "0"


def _width(sheet: Sheet, text: str) -> float:
    return sheet.fonts.text.width(text) * _TEXT


def _draw_explanation(sheet: Sheet, printer: str, on: date | None) -> None:
    geometry = sheet.geometry
    named = " · ".join(filter(None, (printer, f"{on:%d/%m/%Y}" if on else "")))
    lines = (
        f"Página de prueba {named}".strip(),
        f"Ajustes de esta página: derecha {geometry.offset_x:g} mm, arriba {geometry.offset_y:g} mm,"
        f" giro {geometry.rotation}°.",
        "Imprima al 100 %, sin ajustar al papel. El marco debe coincidir con el",
        "borde de la hoja; cada raya es 1 mm.",
        "Si no coincide, mire las escaleras de los cuatro lados. La raya larga más",
        "cercana al borde del papel dice el ajuste que debe escribirse: a los lados",
        "el de «derecha», abajo o arriba el de «arriba»; la raya corta es medio mm",
        "hacia el número siguiente. Vale el lado donde falta un pedazo del marco.",
    )
    for place, text in enumerate(lines):
        squeeze = min(1.0, 64.0 / max(_width(sheet, sheet.fonts.printable(text)), 1.0))
        sheet.text(44, 66 - 2.9 * place, Line(sheet.fonts.printable(text), _TEXT, squeeze), "text", BLACK)
    sheet.line((57.5, 73), (67.5, 73), 0.1, BLACK)
    sheet.line((62.5, 70.5), (62.5, 75.5), 0.1, BLACK)


def _write(sheet: Sheet, x: float, y: float, text: str) -> None:
    sheet.text(x, y, Line(sheet.fonts.printable(text), _TEXT, 1.0), "text", BLACK)
