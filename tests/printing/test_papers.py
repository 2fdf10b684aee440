"""Office papers as their readers get them: poppler reads the text, zxing-cpp the code, pypdf the metadata."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import process_time

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from printing.geometry import PageError
from printing.papers import Column, Paper, Signature, Table, draw
from tests.printing.invented import run

LINES = (
    Column("No.", 12, numeric=True),
    Column("Categoría"),
    Column("Desde", 30, numeric=True),
    Column("Cantidad", 24, numeric=True),
)
HANDS = (
    Signature("Entrega", "María José Muñoz Ixcoy", "mmunoz · 22/11/2026 08:15"),
    Signature("Recibe", "Ángel Güitz Pérez", "aguitz · 22/11/2026 09:40"),
    Signature("Testigo", None),
)
PAPER = Paper(
    title="Acta de recepción No. 2011-1",
    office=("Instituto Guatemalteco de Migración", "Subdirección de Documentos — Guatemala"),
    facts=(("Traslado", "TR-2026-00041"), ("Bodega de destino", "Quetzaltenango"), ("Transportista", "Ñandú & <Peña>")),
    blocks=(
        "La caja “B” presentaba un sello roto; ¿quién la abrió?\nSe contó número por número.",
        Table(LINES, (("1", "Ordinario", "60000500", "500"),), "Libretas recibidas", ("", "Total", "", "500")),
    ),
    signatures=HANDS,
    code="TRASLADO TR-2026-00041",
    footer="Emitido por mlopez el 22/11/2026 08:15",
)


def pages(pdf: bytes) -> list[str]:
    """The text of each page, as it is laid out."""
    return run("pdftotext", "-layout", "-", "-", stdin=pdf).decode().split("\f")[:-1]


def listing(count: int, **more: object) -> Table:
    """A table whose rows are called fila 0, fila 1 …"""
    columns = (Column("Libreta"), Column("Folio", 30, numeric=True))
    return Table(columns, tuple((f"fila {at}", str(at)) for at in range(count)), **more)


def rows_of(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"fila (\d+)", page)]


def test_all_texts_are_read_back_with_accents_dashes_and_quotes():
    (page,) = pages(draw(PAPER))
    for text in (
        "Acta de recepción No. 2011-1",
        "Subdirección de Documentos — Guatemala",
        "La caja “B” presentaba un sello roto; ¿quién la abrió?",
        "Libretas recibidas",
        "María José Muñoz Ixcoy",
        "mmunoz · 22/11/2026 08:15",
        "Emitido por mlopez el 22/11/2026 08:15",
        "Página 1 de 1",
    ):
        assert text in page
    assert re.search(r"Traslado +TR-2026-00041 +Bodega de destino +Quetzaltenango\n", page)
    assert re.search(r"1 +Ordinario +60000500 +500\n", page)
    assert re.search(r"Total +500\n", page)


def test_nothing_in_a_text_is_taken_as_markup():
    trap = "Muñoz & Hijos <b>x</b> &amp; <font size=90> %(page)s"
    paper = replace(
        PAPER,
        title=trap,
        office=(trap, trap),
        facts=((trap[:13], trap),),
        blocks=(trap, Table((Column(trap),), ((trap,),), trap)),
        signatures=(Signature("Entrega", trap, trap),),
        footer=trap,
        marked=None,
    )
    pdf = draw(paper)
    (page,) = pages(pdf)
    spaced = " ".join(page.split())
    assert spaced.count("<b>x</b> &amp; <font size=90> %(page)s") >= 9
    assert PdfReader(io.BytesIO(pdf)).metadata["/Title"] == trap


def test_a_sign_that_the_font_lacks_does_not_stop_the_minutes():
    (page,) = pages(draw(replace(PAPER, blocks=("Xẍ’oyob’ \u202eżółć 日\x07 a\u0301 ﬁn№5",))))
    assert "Xx’oyob’ zółć ? á" in page
    assert "Nº5" in page


@pytest.mark.parametrize("dpi", [100, 150, 300])
def test_the_code_is_read_from_the_printed_paper(rasterised: Callable[..., Image.Image], dpi: int):
    for text in (PAPER.code, "Traslado ñ — 日本", "\n".join(f"P{60000000 + 500 * at}-{at}" for at in range(20))):
        image = rasterised(draw(replace(PAPER, code=text)), dpi)
        (symbol,) = zxingcpp.read_barcodes(image)
        assert symbol.text == text


def test_the_code_stands_at_the_top_right_and_measures_22_mm_at_least(rasterised: Callable[..., Image.Image]):
    image = rasterised(draw(PAPER), 254)  # ten pixels a millimetre
    (symbol,) = zxingcpp.read_barcodes(image)
    left, right, top = symbol.position.top_left.x, symbol.position.top_right.x, symbol.position.top_left.y
    assert right - left >= 220
    assert abs(image.width - right - 180) < 10
    assert abs(top - 180) < 10


def test_a_paper_without_a_code_has_none(rasterised: Callable[..., Image.Image]):
    assert not zxingcpp.read_barcodes(rasterised(draw(replace(PAPER, code=None)), 150))


def test_a_long_table_repeats_its_head_and_loses_no_row():
    table = listing(200, title="Números faltantes", totals=("Suma", "200"))
    read = pages(draw(replace(PAPER, blocks=(table,))))
    assert [number for page in read for number in rows_of(page)] == list(range(200))
    assert len(read) >= 4
    for at, page in enumerate(read, start=1):
        assert page.count("Números faltantes") == 1
        assert re.search(r"Libreta +Folio\n", page)
        assert f"Página {at} de {len(read)}" in page
        assert all(text in page for text in (PAPER.title, PAPER.office[0], PAPER.footer))
        assert (PAPER.office[1] in page) == (at == 1)
        assert ("Suma" in page) == (at == len(read))


@pytest.mark.parametrize("totals", [None, ("Suma", "9")])
@pytest.mark.parametrize("signatures", [(), HANDS])
def test_totals_and_signatures_are_never_alone_and_together_whatever_the_length(
    totals: tuple[str, ...] | None, signatures: tuple[Signature, ...]
):
    for count in range(24, 44):
        blocks = (listing(count, totals=totals),)
        read = pages(draw(replace(PAPER, blocks=blocks, signatures=signatures)))
        assert [number for page in read for number in rows_of(page)] == list(range(count))
        assert all(rows_of(page) and page.count("Folio") == 1 for page in read)
        assert totals is None or "Suma" in read[-1]
        assert all((hand.role in read[-1]) and not any(hand.role in page for page in read[:-1]) for hand in signatures)


def test_the_last_lines_of_a_long_paragraph_go_with_the_signatures():
    for count in range(480, 620, 10):
        read = pages(draw(replace(PAPER, blocks=("palabra " * count + "FIN.",))))
        assert sum(page.count("palabra") for page in read) == count
        assert all(mark in read[-1] for mark in ("palabra", "FIN.", "Entrega", "Recibe", "Testigo"))


def test_signatures_stand_two_on_a_line_with_a_line_to_sign_on(rasterised: Callable[..., Image.Image]):
    pdf = draw(PAPER)
    (page,) = pages(pdf)
    assert re.search(r"María José Muñoz Ixcoy +Ángel Güitz Pérez\n", page)
    assert re.search(r"Entrega +Recibe\n", page)
    image = rasterised(pdf, 254)
    words = run("pdftotext", "-bbox", "-", "-", stdin=pdf).decode()
    for name, left in (("María", 180), ("Ángel", 1125)):
        top = float(re.search(rf'yMin="([\d.]+)"[^>]*>{name}<', words)[1]) * 254 / 72
        strip = image.crop((left, int(top) - 25, left + 850, int(top) + 4))
        inked = [y for y in range(strip.height) if strip.crop((0, y, 850, y + 1)).getextrema()[1] < 140]
        assert inked, f"no line over {name}"


def test_a_row_higher_than_a_page_goes_on_over_the_next():
    long = " ".join(f"palabra{at}" for at in range(3000))
    for paper in (
        replace(PAPER, blocks=(Table((Column("Comentario"), Column("x", 20)), ((long, "y"),)),)),
        replace(PAPER, facts=(("Observaciones", long),)),
    ):
        read = pages(draw(paper))
        assert len(read) > 2
        assert {int(at) for page in read for at in re.findall(r"palabra(\d+)", page)} == set(range(3000))


def test_5000_rows_take_seconds_not_minutes():
    rows = tuple((str(at), "Ordinario", str(60000000 + at), "1") for at in range(5000))
    began = process_time()
    pdf = draw(replace(PAPER, blocks=(Table(LINES, rows),)))
    assert process_time() - began < 3
    assert "60004999" in pages(pdf)[-1]


def test_a_paper_of_almost_nothing_is_drawn():
    bare = Paper("Acta", (), (), ())
    empty = Table(LINES, ())
    for blocks in ((), (empty,), (empty, replace(empty, totals=("", "", "", "0")))):
        for signatures in ((), HANDS[:1]):
            (page,) = pages(draw(replace(bare, blocks=blocks, signatures=signatures)))
            assert "Acta" in page


def test_a_draft_is_marked_on_every_page_and_stays_readable(rasterised: Callable[..., Image.Image]):
    marked = draw(replace(PAPER, blocks=(listing(60),), marked="BORRADOR"))
    plain = draw(replace(PAPER, blocks=(listing(60),)))
    assert ["BORRADOR" in page.extract_text() for page in PdfReader(io.BytesIO(marked)).pages] == [True, True]
    assert rasterised(marked).histogram()[229] > 10 * rasterised(plain).histogram()[229]
    (symbol,) = zxingcpp.read_barcodes(rasterised(marked, 150))
    assert symbol.text == PAPER.code


def test_the_file_says_its_title_language_and_office():
    reader = PdfReader(io.BytesIO(draw(PAPER)), strict=True)
    assert (reader.metadata["/Title"], reader.metadata["/Author"]) == (PAPER.title, PAPER.office[0])
    assert reader.trailer["/Root"]["/Lang"] == "es-GT"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert [float(edge) for edge in reader.pages[0].mediabox[2:]] == [612, 792]


def test_all_fonts_of_a_paper_are_embedded():
    rows = run("pdffonts", "-", stdin=draw(replace(PAPER, blocks=(listing(90),)))).decode().splitlines()[2:]
    assert rows
    assert all("yes yes yes" in row for row in rows)


def test_everything_stays_within_the_margins(rasterised: Callable[..., Image.Image]):
    wide = replace(PAPER, title="Título larguísimo " * 9, footer="Emitido " * 60, blocks=("W" * 400, listing(50)))
    image = rasterised(draw(replace(wide, facts=(("W" * 60, "W" * 300), *PAPER.facts))), 254)
    left, top, right, bottom = image.point([255] * 200 + [0] * 56).getbbox()
    assert (left >= 175, top >= 175) == (True, True)
    assert (right <= image.width - 175, bottom <= image.height - 175) == (True, True)


def test_equal_papers_are_equal_bytes():
    assert draw(PAPER) == draw(replace(PAPER))
    assert draw(PAPER) != draw(replace(PAPER, footer="Emitido por otra"))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns as often as can be, so that what they share is caught half done."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_draw_at_once_do_not_disturb_each_other():
    letters = "".join(chr(code) for code in (*range(33, 127), *range(192, 256)))
    papers = [Paper(letters[at:], (), (), (letters[at:] + letters[:at],)) for at in range(150)]
    alone = [draw(paper) for paper in papers]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, papers)) == alone


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (Table((Column("a", 100), Column("b", 90)), ()), "do not fit"),
        (Table((Column("a", 175), Column("b")), ()), "do not fit"),
        (Table((), ()), "do not fit"),
        (Table(LINES, (("1", "2"),)), "2 cells under 4 columns"),
        (Table(LINES, (), totals=("1",)), "1 cells under 4 columns"),
    ],
)
def test_a_table_that_cannot_be_set_says_why(block: Table, said: str):
    with pytest.raises(PageError, match=said):
        draw(replace(PAPER, blocks=(block,)))


def test_a_text_too_long_for_a_code_says_so():
    with pytest.raises(PageError, match="makes no code"):
        draw(replace(PAPER, code="x" * 5000))
