"""The test page of a printer: from where the paper's edge cuts it, the operator reads what to type in."""

import io
import re
from collections.abc import Iterator
from datetime import date

import pytest
from pypdf import PdfReader

from printing.fonts import Unprintable, load_fonts
from printing.geometry import PageGeometry
from printing.rulers import render_rulers
from tests.printing.invented import run

WIDTH, HEIGHT = 125.0, 88.0


def text_of(pdf: bytes) -> str:
    return " ".join(run("pdftotext", "-layout", "-", "-", stdin=pdf).decode().split())


def steps(pdf: bytes) -> Iterator[tuple[str, float, float]]:
    """The steps of the stairs: axis, where the long line lies on the sheet in millimetres, and the number beside it."""
    signs = {code: sign for sign, code in load_fonts().text.hexadecimal.items()}
    operators = PdfReader(io.BytesIO(pdf)).pages[0].get_contents().get_data().decode("ascii").split("\n")
    scale, _b, _c, _d, right, up = map(float, operators[0].split()[:6])
    line = None
    for operator in operators[1:]:
        if drawn := re.fullmatch(r"0\.15 w 0 G (\S+) (\S+) m (\S+) (\S+) l S", operator):
            line = tuple(map(float, drawn.groups()))
        elif line and (written := re.search(r"<([0-9A-F]+)> Tj", operator)):
            number = "".join(signs[code] for code in re.findall("....", written[1]))
            axis = "x" if line[0] == line[2] else "y"
            place = (line[0] * scale + right) if axis == "x" else (line[1] * scale + up)
            yield axis, place * 25.4 / 72, float(number)
            line = None


def test_it_names_the_printer_its_settings_and_the_day() -> None:
    page = PageGeometry(offset_x=1.5, offset_y=-0.25)
    text = text_of(render_rulers(page, printer="GUA-1 · Impresora Ñ", on=date(2026, 11, 22)))
    assert "Página de prueba GUA-1 · Impresora Ñ · 22/11/2026" in text
    assert "derecha 1.5 mm, arriba -0.25 mm, giro 0°" in text
    assert "dice el ajuste que debe escribirse" in text


def test_it_shows_the_places_of_everything_and_fits_a_long_name() -> None:
    text = text_of(render_rulers(printer="GUA-1 · " + "Impresora de libretas " * 5, on=date(2026, 11, 22)))
    for place in ("Fotografía", "Firma", "Código 2D", "P<GTM" + "<" * 39, "22/11/2026"):
        assert place in text


def test_it_is_the_same_bytes_on_the_same_day() -> None:
    made = [render_rulers(PageGeometry(), printer="GUA-1", on=date(2026, 11, 22)) for _time in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize("rotation", [0, 180])
@pytest.mark.parametrize(("right", "up"), [(0.0, 0.0), (1.5, -2.0), (-3.25, 4.0)])
def test_the_number_at_the_papers_edge_is_the_offset_the_printer_needs(right: float, up: float, rotation: int) -> None:
    """A printer that misses by m cuts at its edges what the page has at -m, or at the far edge less m: it needs -m."""
    stairs: dict[tuple[str, bool], set[float]] = {}
    for axis, place, number in steps(render_rulers(PageGeometry(offset_x=right, offset_y=up, rotation=rotation))):
        length, offset = (WIDTH, right) if axis == "x" else (HEIGHT, up)
        far = place > length / 2
        assert place - (length if far else 0.0) == pytest.approx(number, abs=0.001), (axis, place)
        stairs.setdefault((axis, far), set()).add(round(abs(number - offset), 2))
    assert stairs == {(axis, far): {0, 1, 2, 3, 4, 5, 6} for axis in "xy" for far in (False, True)}


def test_a_name_with_a_letter_that_cannot_be_printed_is_told() -> None:
    with pytest.raises(Unprintable) as refusal:
        render_rulers(printer="打印机")
    assert refusal.value.characters == "打印机"
