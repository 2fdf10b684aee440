"""The printed page read by others: its 2D code by zxing-cpp, its zone by pdftotext and by the shapes of OCR-B.

The shapes are drawn here from the font itself, at the nominal size and place of Doc 9303-4, so that font conversion,
size, pitch and centre lines are all proved by each cell.
"""

import io
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageStat
from pypdf import PdfReader

from printing.fonts import DEBIAN_OCRB, MRZ_CHARACTERS
from printing.geometry import PageGeometry
from printing.keys import KeyStore
from printing.layout import PageData, render, render_batch
from printing.mrz import TravelDocument, td3
from printing.seal import sign
from tests.printing.invented import BOOKLET, HOLDER, SIGNED_ON, run

LEFT, PITCH, CENTRES, HEIGHT = 6.0, 2.54, (15.75, 9.40), 88.0  # mm, Doc 9303-4 figure 3
ADVANCE, CAPITAL = 0.723, 0.713  # of OCR-B, parts of its size
EVERY = (MRZ_CHARACTERS * 3)[:88]
HOLDERS = {
    "plain": HOLDER,
    "one name": replace(HOLDER, primary="Ixk’ulumatz", secondary="", birth="", sex="X", personal_number=""),
    "cut name": replace(
        HOLDER, primary="Xochitzalampec de la Encarnación de Montesclarosierra", secondary="Guadalupe", birth="1948"
    ),
    "official": replace(HOLDER, document_code="PO", number="S0999999", nationality="D", sex="M", birth="1990-12-31"),
    "diplomatic": replace(HOLDER, document_code="PD", number="D0000001", expires=date(2036, 2, 29)),
}
Rasterise = Callable[..., Image.Image]


def page_of(holder: TravelDocument, page: PageData, store: KeyStore) -> PageData:
    """The page with the zone and the genuine 2D code of another holder."""
    lines, key = td3(holder), store.current()
    code = sign(key.private, key.ref, lines, holder.number, holder.document_code[1].replace("<", "P"), SIGNED_ON)
    return replace(page, number=holder.number, mrz_lines=lines, seal=code)


@cache
def shape(character: str, dpi: int) -> Image.Image:
    """A cell with a character of OCR-B at nominal size: capitals centred on the middle, the left edge at the left."""
    scale = 4  # drawn larger and reduced, for edges between two dots
    unit = dpi * scale / 25.4
    image = Image.new("L", (cell_size(dpi)[0] * scale, cell_size(dpi)[1] * scale), 255)
    font = ImageFont.truetype(DEBIAN_OCRB, PITCH / ADVANCE * unit)
    baseline = image.height / 2 + PITCH / ADVANCE * CAPITAL / 2 * unit
    ImageDraw.Draw(image).text((0, baseline), character, fill=0, font=font, anchor="ls")
    return image.reduce(scale)


def cell_size(dpi: int) -> tuple[int, int]:
    return round(PITCH * dpi / 25.4), 2 * round(1.9 * dpi / 25.4)


def cell(image: Image.Image, row: int, column: int, dpi: int, right: float = 0.0, up: float = 0.0) -> Image.Image:
    """The cell of the zone, or the same area moved by millimetres."""
    width, height = cell_size(dpi)
    left = round((LEFT + PITCH * column + right) * dpi / 25.4)
    middle = round((HEIGHT - CENTRES[row] - up) * dpi / 25.4)
    return image.crop((left, middle - height // 2, left + width, middle + height // 2))


def unlike(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two cells, 0 to 255."""
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


def read_zone(image: Image.Image, dpi: int) -> tuple[str, str]:
    """Both lines by the nearest shape in each of the 88 nominal cells."""
    rows = []
    for row in (0, 1):
        cells = [cell(image, row, column, dpi) for column in range(44)]
        rows.append("".join(min(MRZ_CHARACTERS, key=lambda sign: unlike(shape(sign, dpi), each)) for each in cells))
    return rows[0], rows[1]


def dusty(image: Image.Image) -> Image.Image:
    """The page with a thousand specks of a quarter of a millimetre, black and white, the same each time."""
    chance, marked = random.Random(5), image.copy()
    for _ in range(1000):
        x, y = chance.randrange(image.width), chance.randrange(image.height)
        ImageDraw.Draw(marked).rectangle((x, y, x + 2, y + 2), fill=chance.choice((0, 255)))
    return marked


@pytest.mark.parametrize("dpi", [300, 600])
@pytest.mark.parametrize("who", HOLDERS)
def test_code_and_zone_are_read_from_the_picture_of_the_page(
    page: PageData, store: KeyStore, rasterised: Rasterise, who: str, dpi: int
):
    printed = page_of(HOLDERS[who], page, store)
    image = rasterised(render(printed), dpi)
    (symbol,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.DataMatrix)
    assert symbol.text == printed.seal
    assert read_zone(image, dpi) == printed.mrz_lines


@pytest.mark.parametrize("dpi", [300, 600])
@pytest.mark.parametrize("turn", range(0, 37, 6))
def test_each_character_of_the_zone_is_read_wherever_it_stands(
    page: PageData, rasterised: Rasterise, turn: int, dpi: int
):
    text = EVERY[turn:] + EVERY[:turn]
    image = rasterised(render(replace(page, mrz_lines=(text[:44], text[44:]))), dpi)
    assert "".join(read_zone(image, dpi)) == text


def test_the_shapes_stand_where_they_should_within_a_fifth_of_a_millimetre(page: PageData, rasterised: Rasterise):
    image, blank = rasterised(render(page), 600), Image.new("L", cell_size(600), 255)
    for row, line in enumerate(page.mrz_lines):
        for column, character in enumerate(line):
            wanted = shape(character, 600)
            here = unlike(wanted, cell(image, row, column, 600))
            moved = [(0.2, 0.0), (-0.2, 0.0), (0.0, 0.2), (0.0, -0.2)]
            assert here < unlike(wanted, blank) / 2, (row, column, character)
            assert all(here < unlike(wanted, cell(image, row, column, 600, *by)) for by in moved), (row, column)


@pytest.mark.parametrize("who", HOLDERS)
def test_text_tools_read_the_zone_exactly(page: PageData, store: KeyStore, who: str):
    printed = page_of(HOLDERS[who], page, store)
    pdf = render(printed)
    rows = [row.strip() for row in run("pdftotext", "-layout", "-", "-", stdin=pdf).decode().splitlines()]
    text = PdfReader(io.BytesIO(pdf), strict=True).pages[0].extract_text()
    for line in printed.mrz_lines:
        assert rows.count(line) == 1
        assert line in text


@pytest.mark.parametrize(
    "worn",
    [
        lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
        lambda image: image.point(lambda value: 60 + value // 2),
        lambda image: image.rotate(1.5, fillcolor=255),
        lambda image: image.rotate(180),
        dusty,
    ],
    ids=["blurred", "pale", "askew", "upside down", "dusty"],
)
def test_the_code_is_read_from_a_page_that_is_worn_or_laid_badly(page: PageData, rasterised: Rasterise, worn):
    symbol = zxingcpp.read_barcode(worn(rasterised(render(page), 300)), formats=zxingcpp.BarcodeFormat.DataMatrix)
    assert symbol is not None
    assert symbol.text == page.seal


def test_a_printers_correction_moves_the_zone_by_so_much_and_it_is_still_read(page: PageData, rasterised: Rasterise):
    moved = rasterised(render(page, PageGeometry(offset_x=2.54, offset_y=1.27)), 600)
    back = ImageChops.offset(moved, -60, 30)
    assert read_zone(back, 600) == page.mrz_lines
    assert read_zone(rasterised(render(page, PageGeometry(rotation=180)), 600).rotate(180), 600) == page.mrz_lines


def test_a_specimen_is_read_like_a_true_page(page: PageData, rasterised: Rasterise):
    image = rasterised(render(page, specimen=True), 300)
    assert zxingcpp.read_barcode(image, formats=zxingcpp.BarcodeFormat.DataMatrix).text == page.seal
    assert read_zone(image, 300) == page.mrz_lines


def test_each_page_of_a_batch_is_the_page_alone(page: PageData, store: KeyStore, tmp_path):
    pages = [page_of(holder, page, store) for holder in HOLDERS.values()]
    (tmp_path / "batch.pdf").write_bytes(render_batch(pages))
    run("pdftoppm", "-r", "300", "-gray", str(tmp_path / "batch.pdf"), str(tmp_path / "page"))
    sheets = sorted(tmp_path.glob("page-*.pgm"))
    assert len(sheets) == len(pages)
    for printed, sheet in zip(pages, sheets, strict=True):
        with Image.open(sheet) as image:
            assert read_zone(image.convert("L"), 300) == printed.mrz_lines
            assert zxingcpp.read_barcode(image.convert("L")).text == printed.seal


def test_the_booklet_of_the_fixtures_is_the_one_of_the_zone():
    assert HOLDER.number == BOOKLET
