"""The printed page: true size, true places, readable by machines, the same bytes again."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw
from pypdf import PdfReader

from printing.drawing import DoesNotFit, fitted
from printing.fonts import Unprintable, load_fonts
from printing.geometry import SLOTS, Box, PageError, PageGeometry
from printing.layout import PageData, page_date, render, render_batch
from printing.rulers import render_rulers
from tests.printing.invented import run, sample_images

MM = 300 / 25.4


def test_printing_again_gives_the_same_bytes(page: PageData):
    first = render(page)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(render, [page] * 8)) == {first}


def test_the_page_is_125_by_88_mm_and_not_to_be_scaled(page: PageData):
    reader = PdfReader(io.BytesIO(render(page)), strict=True)
    width, height = (float(edge) * 25.4 / 72 for edge in reader.pages[0].mediabox[2:])
    assert (round(width, 3), round(height, 3)) == (125.0, 88.0)
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/PrintScaling"] == "/None"


def test_all_fonts_are_embedded(page: PageData):
    rows = run("pdffonts", "-", stdin=render(page)).decode().splitlines()[2:]
    assert len(rows) == 3
    assert all(row.split()[4:7] == ["yes", "yes", "yes"] for row in rows)


def test_text_tools_read_both_lines_of_the_zone_and_the_fields(page: PageData):
    text = run("pdftotext", "-layout", "-", "-", stdin=render(page)).decode()
    rows = [row.strip() for row in text.splitlines()]
    assert all(line in rows for line in page.mrz_lines)
    for value in ("MUÑOZ B'ATZ'ANIL", "ÍNGRID NOEMÍ", "XX SEPT 1987", "6000 00119 0101", "19 NOV 2031"):
        assert value in text


@pytest.mark.parametrize("dpi", [200, 300, 600])
def test_the_2d_code_is_read_from_the_printed_page(page: PageData, rasterised: Callable[..., Image.Image], dpi: int):
    (symbol,) = zxingcpp.read_barcodes(rasterised(render(page), dpi), formats=zxingcpp.BarcodeFormat.DataMatrix)
    assert symbol.text == page.seal


def test_each_character_of_the_zone_stands_in_its_cell(page: PageData, rasterised: Callable[..., Image.Image]):
    """Every cell shows the character's own glyph: it differs least from that one among all that occur."""
    image = rasterised(render(page))
    cells = [[_cell(image, row, column) for column in range(44)] for row in range(2)]
    templates = {page.mrz_lines[row][column]: cells[row][column] for row in (0, 1) for column in range(44)}
    for row, line in enumerate(page.mrz_lines):
        for column, character in enumerate(line):
            nearest = min(templates, key=lambda sign: _unlike(cells[row][column], templates[sign]))
            assert nearest == character


def test_the_rows_stand_on_their_centre_lines_and_begin_at_6_mm(page: PageData, rasterised: Callable[..., Image.Image]):
    image = rasterised(render(replace(page, mrz_lines=("P" + "H" * 43, "H" * 44))))
    for row, centre in enumerate((15.75, 9.40)):
        band = image.crop((0, int((88 - centre - 3) * MM), image.width, int((88 - centre + 3) * MM)))
        left, top, right, bottom = band.point(lambda value: 255 * (value < 128)).getbbox()
        middle = 88 - (int((88 - centre - 3) * MM) + (top + bottom) / 2) / MM
        assert middle == pytest.approx(centre, abs=0.1), row
        assert 5.0 <= left / MM <= 7.0
        assert right / MM <= 6.0 + 44 * 2.54


def test_nothing_but_the_zone_is_printed_in_the_zone(page: PageData, rasterised: Callable[..., Image.Image]):
    image = rasterised(render(replace(page, mrz_lines=("<" * 44, "<" * 44)), specimen=True))
    for bottom, top in ((0, 7.5), (11.5, 13.8), (17.8, 23.2)):
        assert image.crop((0, int((88 - top) * MM), image.width, int((88 - bottom) * MM))).getextrema() == (255, 255)


def test_the_portraits_bytes_are_passed_through(page: PageData):
    assert page.portrait in render(page)


@pytest.mark.parametrize("size", [(413, 531), (300, 531), (600, 531)])
def test_a_portrait_is_never_stretched(page: PageData, rasterised: Callable[..., Image.Image], size: tuple[int, int]):
    square = Image.new("L", size, 128)
    ImageDraw.Draw(square).rectangle((100, 100, 200, 200), fill=0)
    jpeg = io.BytesIO()
    square.save(jpeg, "JPEG", quality=95)
    box = PageGeometry().portrait
    edges = tuple(int(edge * MM) for edge in (box.x - 1, 88 - box.top - 1, box.right + 1, 88 - box.y + 1))
    printed = rasterised(render(replace(page, portrait=jpeg.getvalue()))).crop(edges)
    left, top, right, bottom = printed.point(lambda value: 255 * (value < 64)).getbbox()
    assert right - left == pytest.approx(bottom - top, abs=3)
    assert right - left > 60


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA"])
def test_a_signature_of_any_mode_is_flattened_to_ink_on_paper(
    page: PageData, rasterised: Callable[..., Image.Image], mode: str
):
    printed = _signature_area(rasterised(render(replace(page, signature=_stroke(mode)))))
    assert printed.getextrema()[0] < 100
    assert printed.histogram()[200:] != [0] * 56


def test_who_does_not_sign_leaves_the_place_empty(page: PageData, rasterised: Callable[..., Image.Image]):
    blank = io.BytesIO()
    Image.new("L", (600, 200), 255).save(blank, "PNG")
    for signature in (None, blank.getvalue()):
        assert _signature_area(rasterised(render(replace(page, signature=signature)))).getextrema() == (255, 255)


@pytest.mark.parametrize(
    "wrong",
    [
        {"portrait": b""},
        {"portrait": b"\xff\xd8\xff\xe0\x00\x04ab"},
        {"portrait": b"\x89PNG\r\n\x1a\n" + bytes(40)},
        {"signature": b"GIF89a"},
        {"signature": b"\x89PNG\r\n\x1a\n" + bytes(40)},
        {"mrz_lines": ("P<GTM", "F0012345")},
        {"mrz_lines": ("p" * 44, "<" * 44)},
        {"seal": ""},
        {"seal": "ñ"},
        {"birth_place": "M" * 200},
    ],
)
def test_what_cannot_be_printed_is_refused(page: PageData, wrong):
    with pytest.raises(PageError):
        render(replace(page, **wrong))


def test_a_letter_that_the_font_lacks_is_never_a_black_box(page: PageData):
    with pytest.raises(Unprintable, match=r"U\+4E2D"):
        render(replace(page, surnames="MUÑOZ 中"))


def test_a_batch_has_a_page_for_each_and_the_fonts_once(page: PageData):
    batch = render_batch([replace(page, number=f"F000000{place}") for place in range(5)])
    reader = PdfReader(io.BytesIO(batch), strict=True)
    assert [f"F000000{place}" in sheet.extract_text() for place, sheet in enumerate(reader.pages)] == [True] * 5
    assert batch.count(b"/FontFile2") == 3
    with pytest.raises(PageError):
        render_batch([])


def test_offsets_and_rotation_move_the_whole_page(page: PageData, rasterised: Callable[..., Image.Image]):
    plain = rasterised(render(page), 254)
    moved = rasterised(render(page, PageGeometry(offset_x=2.0, offset_y=-1.0)), 254)
    _assert_alike(ImageChops.offset(plain, 20, 10).crop((30, 20, 1240, 870)), moved.crop((30, 20, 1240, 870)))
    turned = rasterised(render(page, PageGeometry(rotation=180)), 254)
    _assert_alike(plain, turned.rotate(180))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": 90},
        {"offset_x": 30.0},
        {"portrait": Box(4, 25, 20, 30)},
        {"portrait": Box(0, 25, 34, 43)},
        {"signature": Box(60, 15, 30, 9)},
        {"mrz_left": 9.0},
    ],
)
def test_a_geometry_against_doc_9303_is_refused(wrong):
    with pytest.raises(PageError):
        PageGeometry(**wrong)


def test_nothing_overlaps_in_the_visual_zone():
    geometry = PageGeometry()
    boxes = [geometry.portrait, geometry.signature, geometry.code(48)]
    boxes += [Box(slot.x, slot.top - 5.0, slot.width, 6.0) for slot in SLOTS]
    assert all(box.is_within(geometry.visual_zone) for box in boxes)
    assert not [(one, two) for place, one in enumerate(boxes) for two in boxes[:place] if one.touches(two)]


letters = st.text(alphabet="ABCDEFGHIJKLMNÑOPQRSTUVWXYZÁÉÍÓÚ'- ", min_size=1, max_size=182)


@settings(max_examples=300, deadline=None)
@given(letters.map(lambda text: " ".join(text.split())))
def test_every_name_of_an_enrolment_fits_its_field(text: str):
    font = load_fonts().bold
    lines = fitted(text, font, 78.5)
    assert " ".join(line.text for line in lines).replace(" ", "") == text.replace(" ", "")
    assert sum(line.size for line in lines) <= 3.9001
    assert all(font.width(line.text) * line.size * line.squeeze <= 78.5001 for line in lines)


def test_even_the_widest_name_of_an_enrolment_fits():
    assert len(fitted(" ".join(["W" * 60] * 3), load_fonts().bold, 78.5)) == 3
    with pytest.raises(DoesNotFit):
        fitted("W" * 600, load_fonts().bold, 78.5)


@pytest.mark.parametrize(
    ("partial", "printed"),
    [
        ("1974-11-05", "05 NOV 1974"),
        ("1974-05-01", "01 MAYO 1974"),
        ("2026-09-30", "30 SEPT 2026"),
        ("1951-07", "XX JUL 1951"),
        ("1948", "XX XX 1948"),
        ("", "XX XX XXXX"),
    ],
)
def test_dates_are_printed_with_spanish_months_and_xx(partial: str, printed: str):
    assert page_date(partial) == printed


def test_a_specimen_says_so_and_still_reads(page: PageData, rasterised: Callable[..., Image.Image]):
    printed = render(page, specimen=True)
    assert "ESPÉCIMEN" in PdfReader(io.BytesIO(printed)).pages[0].extract_text()
    assert zxingcpp.read_barcode(rasterised(printed)).text == page.seal


def test_the_test_page_shows_rulers_and_the_printers_settings():
    pdf = render_rulers(PageGeometry(offset_x=1.5, rotation=180))
    text = PdfReader(io.BytesIO(pdf), strict=True).pages[0].extract_text()
    assert "derecha 1.5 mm" in text
    assert "giro 180°" in text
    assert pdf == render_rulers(PageGeometry(offset_x=1.5, rotation=180))


def test_dates_of_the_page_are_those_given(page: PageData):
    printed = render(replace(page, issued_on=date(2027, 5, 3), birth="1948"))
    text = run("pdftotext", "-layout", "-", "-", stdin=printed).decode()
    assert "03 MAYO 2027" in text
    assert "XX XX 1948" in text


def test_a_single_name_leaves_the_given_names_empty(page: PageData):
    images = sample_images("20261116-OKC-E01-0900")
    printed = render(replace(page, surnames="IXK'ULUMATZ", given_names="", portrait=images["FACE"]))
    assert "IXK'ULUMATZ" in run("pdftotext", "-", "-", stdin=printed).decode()


def _cell(image: Image.Image, row: int, column: int) -> Image.Image:
    left, middle = (6.0 + 2.54 * column) * MM, (88 - (15.75, 9.40)[row]) * MM
    box = (round(left), round(middle - 1.8 * MM), round(left) + 30, round(middle + 1.8 * MM))
    return image.crop(box)


def _unlike(one: Image.Image, other: Image.Image) -> int:
    return sum(place * count for place, count in enumerate(ImageChops.difference(one, other).histogram()))


def _stroke(mode: str) -> bytes:
    image = Image.new("RGBA", (300, 100), (255, 255, 255, 0))
    ImageDraw.Draw(image).line((20, 80, 150, 20, 280, 80), fill=(20, 30, 90, 255), width=6)
    paper = Image.new("RGBA", image.size, "white")
    source = image if mode in ("LA", "RGBA") else Image.alpha_composite(paper, image)
    target = io.BytesIO()
    source.convert("RGB").convert("P").save(target, "PNG") if mode == "P" else source.convert(mode).save(target, "PNG")
    return target.getvalue()


def _signature_area(image: Image.Image) -> Image.Image:
    box = PageGeometry().signature
    return image.crop(tuple(int(edge * MM) for edge in (box.x, 88 - box.top, box.right, 88 - box.y)))


def _assert_alike(one: Image.Image, other: Image.Image) -> None:
    """The same page but for a pixel at the edges: their square millimetres are about as dark."""
    assert ImageChops.difference(one.reduce(10), other.reduce(10)).getextrema()[1] < 48
