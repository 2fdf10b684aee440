"""The page on the screen is the page of the PDF."""

import base64
import io
from dataclasses import replace
from itertools import pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest
from PIL import Image

from printing.fonts import load_fonts
from printing.layout import PageData, render
from printing.pdf import PdfDocument
from printing.svg import page_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(page: PageData) -> Element:
    return fromstring(page_svg(render(page, specimen=True), load_fonts()))


def pictures(drawn: Element) -> list[tuple[str, bytes]]:
    hrefs = [image.get("href", "").removeprefix("data:").split(";base64,") for image in drawn.iter(f"{SVG}image")]
    return [(media_type, base64.b64decode(data)) for media_type, data in hrefs]


def test_it_has_the_proportions_of_the_page(drawn: Element):
    width, height = map(float, drawn.get("viewBox", "").split()[2:])
    assert round(width * 25.4 / 72, 2) == 125.0
    assert round(height * 25.4 / 72, 2) == 88.0


def test_each_character_of_the_zone_is_drawn_with_its_own_outline(drawn: Element, page: PageData):
    rows = [group for group in drawn.iter(f"{SVG}g") if any(use.get("href", "").startswith("#m") for use in group)]
    glyphs = load_fonts().mrz.glyphs
    for row, line in zip(rows, page.mrz_lines, strict=True):
        assert [use.get("href") for use in row] == [f"#m{glyphs[sign]}" for sign in line]
        places = [int(use.get("x", "")) for use in row]
        assert len({right - left for left, right in pairwise(places)}) == 1


def test_every_outline_that_is_used_is_there(drawn: Element):
    known = {f"#{path.get('id')}" for path in drawn.iter(f"{SVG}path") if path.get("id")}
    assert {use.get("href") for use in drawn.iter(f"{SVG}use")} == known


def test_portrait_and_signature_are_inside(drawn: Element, page: PageData):
    (portrait_type, portrait), (signature_type, signature) = pictures(drawn)
    assert (portrait_type, portrait) == ("image/jpeg", page.portrait)
    assert signature_type == "image/png"
    with Image.open(io.BytesIO(signature)) as image:
        assert image.mode == "L"
        assert image.getextrema()[0] < 128


def test_the_code_is_one_path_of_its_modules(drawn: Element):
    shapes = [path for path in drawn.iter(f"{SVG}path") if not path.get("id")]
    (code,) = (path for path in shapes if path.get("d", "").count("z") > 300)
    assert code.get("fill") == "#000000"


def test_a_page_without_signature_has_one_picture(page: PageData):
    bare = fromstring(page_svg(render(replace(page, signature=None)), load_fonts()))
    assert len(pictures(bare)) == 1


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.6\n", PdfDocument("nothing").finish()])
def test_another_file_is_refused(pdf: bytes):
    with pytest.raises(ValueError, match="of ours"):
        page_svg(pdf, load_fonts())
