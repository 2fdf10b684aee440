"""Reports as PDF, as their readers get them: poppler reads the text and where it stands, pypdf pages and pictures."""

import datetime as dt
import io
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from PIL import Image
from pypdf import PdfReader
from reportlab.pdfbase import pdfmetrics

from printing.paper_sheet import TEXT, printable
from reports.document import Chart, Document, Heading, Kind, Series, Shape, Value, Words
from reports.pdf import write
from tests.printing.invented import run

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
COLUMNS = (
    Heading("Libreta", Kind.CODE, 12),
    Heading("Sede", Kind.TEXT, 24),
    Heading("Impresa", Kind.DATE, 10),
    Heading("Minutos", Kind.INTEGER, 9),
)
WIDE = tuple(Heading(f"Columna {at}", Kind.TEXT, 16) for at in range(9))
CHART = Chart("Casos por mes", Shape.BARS, ("Enero", "Febrero"), (Series("Casos", (1200, 34)),))


def report(rows: list[tuple[Value, ...]], columns: tuple[Heading, ...] = COLUMNS, **more: object) -> Document:
    """A report of these rows."""
    return Document(
        **{
            "title": "Impresiones detalladas",
            "number": "R27-2026-000341",
            "office": "Instituto Guatemalteco de Migración",
            "facts": (("Del", "03/11/2026"), ("Pedido por", "María José Muñoz Ixcoy")),
            "notes": ("Casos impresos cuya libreta no se anuló después.",),
            "columns": columns,
            "rows": iter(rows),
            "count": len(rows),
            "closing": lambda: (("Huella", HASH),),
        }
        | more
    )


def plain(count: int) -> list[tuple[Value, ...]]:
    """Rows of COLUMNS whose booklets are called F0, F1 …"""
    return [(f"F{at}", "Guatemala", dt.date(2026, 11, 3), at) for at in range(count)]


def made(document: Document) -> bytes:
    target = io.BytesIO()
    write(document, target)
    return target.getvalue()


def pages(pdf: bytes) -> list[str]:
    """The text of each page, as it is laid out."""
    return run("pdftotext", "-layout", "-", "-", stdin=pdf).decode().split("\f")[:-1]


def words(pdf: bytes) -> list[list[tuple[str, float, float, float, float]]]:
    """Of each page its words and their boxes: left, top, right, bottom in points from the upper left corner."""
    text = run("pdftotext", "-bbox", "-", "-", stdin=pdf).decode().replace('xmlns="http://www.w3.org/1999/xhtml"', "")
    root = ElementTree.fromstring(re.sub("<!DOCTYPE[^>]*>", "", text))
    sides = ("xMin", "yMin", "xMax", "yMax")
    return [
        [(w.text or "", *(float(w.get(side)) for side in sides)) for w in p.iter("word")] for p in root.iter("page")
    ]


def booklets(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"\bF(\d+)\b", page)]


def joined(page: str) -> str:
    """The text without blanks and line ends, which breaking adds."""
    return "".join(page.split())


def test_the_first_page_says_what_the_report_is_and_the_file_too():
    pdf = made(report(plain(1)))
    (page,) = pages(pdf)
    for text in (
        "Impresiones detalladas",
        "Instituto Guatemalteco de Migración",
        "R27-2026-000341",
        "Casos impresos cuya libreta no se anuló después.",
    ):
        assert text in page
    assert re.search(r"Del +03/11/2026 +Pedido por +María José Muñoz Ixcoy\n", page)
    assert re.search(r"Líneas +1\n", page)
    reader = PdfReader(io.BytesIO(pdf), strict=True)
    about = reader.metadata
    assert (about.title, about.author, about.subject) == (
        "Impresiones detalladas",
        "Instituto Guatemalteco de Migración",
        "R27-2026-000341",
    )
    assert reader.trailer["/Root"]["/Lang"] == "es-GT"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]


def test_all_rows_come_in_order_under_the_head_on_pages_that_know_how_many_they_are():
    pdf = made(report(plain(500)))
    read = pages(pdf)
    assert len(read) == len(PdfReader(io.BytesIO(pdf)).pages) > 5
    assert [number for page in read for number in booklets(page)] == list(range(500))
    for at, page in enumerate(read, start=1):
        assert len(re.findall(r"Libreta +Sede +Impresa +Minutos\n", page)) == 1
        last = page.rstrip().splitlines()[-1]
        assert re.fullmatch(rf"R27-2026-000341 · Impresiones detalladas +Página {at} de {len(read)}", last.strip())
        assert page.count("Instituto Guatemalteco de Migración") == 1


@pytest.mark.parametrize("count", [*range(36, 52), *range(95, 101)])
def test_whatever_the_length_totals_and_seal_have_a_row_with_them(count: int):
    columns = (*COLUMNS[:3], replace(COLUMNS[3], total=98_765))
    read = pages(made(report(plain(count), columns)))
    assert [number for page in read for number in booklets(page)] == list(range(count))
    assert all(booklets(page) for page in read)
    assert re.search(r"Total +98,765\n+ *Huella +" + HASH, read[-1])


def test_values_are_written_as_they_are_read_in_guatemala():
    columns = tuple(Heading(kind.value, kind, 20) for kind in Kind)
    at = dt.datetime(2026, 11, 4, 5, 7, 9, tzinfo=dt.UTC)
    rows: list[tuple[Value, ...]] = [
        ("uno", "0012345", 1_234_567, dt.date(2026, 2, 3), at, True),
        ("dos", "7", -5, "XX/XX/1950", at, False),
        (None, None, None, None, None, None),
        (12345, "", 0, at, None, None),
    ]
    (page,) = pages(made(report(rows, columns)))
    assert re.search(r"uno +0012345 +1,234,567 +03/02/2026 +03/11/2026 23:07:09 +Sí\n", page)
    assert re.search(r"dos +7 +-5 +XX/XX/1950 +03/11/2026 23:07:09 +No\n", page)
    assert re.search(r"12345 +0 +03/11/2026\n", page)
    assert "None" not in page


def test_numbers_end_below_each_other_and_below_their_title():
    rows: list[tuple[Value, ...]] = [("F1", "Petén", None, number) for number in (7, 1234, 1_234_567)]
    columns = (*COLUMNS[:3], replace(COLUMNS[3], total=1_235_808))
    (page,) = words(made(report(rows, columns)))
    ends = [right for text, _, _, right, _ in page if text in ("Minutos", "7", "1,234", "1,234,567", "1,235,808")]
    assert len(ends) == 5
    assert max(ends) - min(ends) < 0.6  # points, by which the boxes of poppler are wider than bold letters


def test_few_columns_keep_the_page_upright_and_many_turn_it():
    for columns, size in ((COLUMNS, (612, 792)), (WIDE, (792, 612))):
        rows: list[tuple[Value, ...]] = [("x",) * len(columns)] * 90
        reader = PdfReader(io.BytesIO(made(report(rows, columns))))
        assert len(reader.pages) > 1
        assert {(float(page.mediabox.width), float(page.mediabox.height)) for page in reader.pages} == {size}


@pytest.mark.parametrize("count", [1, 2, 5, 9, 14, 30, 60])
def test_however_many_the_columns_all_stay_between_the_margins_and_apart(count: int):
    kinds = (Kind.TEXT, Kind.INTEGER, Kind.MOMENT)
    columns = tuple(Heading(f"Encabezado {at}", kinds[at % 3], 14) for at in range(count))
    row = ("texto de una celda", 123_456, dt.datetime(2026, 11, 3, 20, tzinfo=dt.UTC)) * 20
    pdf = made(report([row[:count]] * 3, columns))
    width = float(PdfReader(io.BytesIO(pdf)).pages[0].mediabox.width)
    for page in words(pdf):
        assert all(left >= 39 and right <= width - 39 for _, left, _, right, _ in page)
        by_line: dict[float, list[tuple[float, float]]] = {}
        for _, left, top, right, _ in page:
            by_line.setdefault(round(top, 1), []).append((left, right))
        for line in map(sorted, by_line.values()):
            assert all(one[1] < other[0] + 0.1 for one, other in pairwise(line))
    if count <= 14:  # no number is broken yet
        assert "".join(pages(pdf)).count("123,456") == 3 * len(range(1, count, 3))


def test_letters_are_never_smaller_than_six_points():
    columns = tuple(Heading(f"Encabezado {at}", Kind.TEXT, 30) for at in range(25))
    (page, *_) = words(made(report([("texto",) * 25], columns)))
    heights = {round(bottom - top, 1) for _, _, top, _, bottom in page}
    assert min(heights) >= 5.9  # the face is as high as its size


ODD = {
    "a word wider than its column": "palabra" * 60,
    "accents and the glottal stop": "ñandú, Xẍ’oyob, Poqomchi’, ¿güe?",
    "markup": "<b>negrita</b> &amp; <font size=90>",
    "what PDF has its own use for": r"(paréntesis) \barra\ ) ( %d %(page)s",
    "many words": " ".join(f"palabra{at}" for at in range(150)),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_nothing_of_an_odd_text_is_lost(text: str):
    trap = report(
        [("F0", text, None, None), ("F1", "después", None, None)],
        title=text[:300],
        facts=((text[:20], text),),
        notes=(text,),
    )
    read = "".join(joined(page) for page in pages(made(trap)))
    shown = joined(text.replace("ẍ", "x"))
    assert read.count(shown) >= 3  # fact, note, cell
    assert "después" in read


def test_signs_that_the_font_lacks_and_line_ends_do_not_stop_the_report():
    text = "Poqomchiʼ 😀 日\x07\u202e fin\nsegunda\r\ntercera"
    (page,) = pages(made(report([("F0", text, None, 1)], title=text, number=text, office=text, facts=((text, text),))))
    assert "Poqomchi’ ? ?" in page
    assert re.search(r"^ +segunda$", page, re.MULTILINE)
    assert re.search(r"^ +tercera$", page, re.MULTILINE)


def test_letters_of_more_than_one_subset_of_the_font_are_all_right():
    known = sorted(chr(code) for code in pdfmetrics.getFont(TEXT).face.charToGlyph if code > 0xA0)
    letters = [letter for letter in known if printable(letter) == letter]
    rows: list[tuple[Value, ...]] = [(f"F{at}", f"a{letter}b{letter}c", None, 1) for at, letter in enumerate(letters)]
    pdf = made(report(rows + rows[::-1]))
    assert run("pdffonts", "-", stdin=pdf).count(b"BitstreamVeraSans-Roman") > 1
    read = "".join(pages(pdf))
    for letter in letters:
        assert read.count(f"a{letter}b{letter}c") == 2


def test_a_row_is_never_broken_over_two_pages():
    rows: list[tuple[Value, ...]] = [
        (f"F{at}", " ".join(f"r{at}p{part}" for part in range(at % 60)), None, at) for at in range(120)
    ]
    for page in pages(made(report(rows))):
        present = booklets(page)
        found = {(int(row), int(part)) for row, part in re.findall(r"\br(\d+)p(\d+)\b", page)}
        assert found == {(at, part) for at in present for part in range(at % 60)}


def test_a_row_higher_than_a_page_goes_on_over_the_next_under_the_head():
    long = " ".join(f"palabra{at}" for at in range(3000))
    read = pages(made(report([("F0", "x", None, 1), ("F1", long, None, 2), ("F2", "y", None, 3)])))
    assert len(read) > 5
    assert [at for page in read for at in re.findall(r"palabra(\d+)", page)] == [str(at) for at in range(3000)]
    assert all("Minutos" in page for page in read)
    assert [number for page in read for number in booklets(page)] == [0, 1, 2]


def test_an_empty_report_has_its_head_its_totals_and_its_seal():
    columns = (*COLUMNS[:3], replace(COLUMNS[3], total=0))
    (page,) = pages(made(report([], columns)))
    assert re.search(r"Libreta +Sede +Impresa +Minutos\n", page)
    assert re.search(r"Total +0\n", page)
    assert "Líneas: 0" in page
    assert HASH in page


def test_a_report_of_nothing_at_all_is_a_page():
    bare = Document("T", "N", "", (), (), (), iter(()), 0)
    (page,) = pages(made(bare))
    assert "Página 1 de 1" in page


@pytest.mark.parametrize(("came", "announced", "said"), [(3, 4, "fewer"), (4, 3, "more"), (0, 1, "fewer")])
def test_rows_that_are_not_as_many_as_announced_are_refused_and_nothing_is_written(
    came: int, announced: int, said: str
):
    target, closed = io.BytesIO(), []
    document = report(plain(came), count=announced, closing=lambda: closed.append(1) or ())
    with pytest.raises(ValueError, match=f"{said} lines came than the {announced} announced"):
        write(document, target)
    assert (target.getvalue(), closed) == (b"", [])


def test_a_row_without_a_value_for_each_column_is_refused():
    with pytest.raises(ValueError, match="zip"):
        made(report([("F0", "Petén")]))


def test_the_seal_is_asked_for_when_all_rows_were_read_to_the_end():
    finished: list[bool] = []

    def rows() -> Iterator[tuple[Value, ...]]:
        yield from plain(60)
        finished.append(True)

    document = replace(report([]), rows=rows(), count=60, closing=lambda: (("Terminado", str(finished)),))
    (*_, page) = pages(made(document))
    assert "Terminado" in page
    assert "[True]" in page


def test_totals_are_named_in_the_first_column_or_not_at_all():
    first = (Heading("Casos", Kind.INTEGER, 12, total=12), Heading("Sede"), Heading("Libretas", Kind.INTEGER, total=9))
    (page,) = pages(made(report([(12, "Petén", 9)], first)))
    assert re.search(r"12 +9\n", page)
    assert "Total" not in page
    later = (Heading("Sede"), Heading("Casos", Kind.INTEGER, 12, total=1234), Heading("Nota"))
    (page,) = pages(made(report([("Petén", 1234, "x")], later, words=Words(total="Suma de todo"))))
    assert re.search(r"Suma de todo +1,234\n", page)


def test_a_black_line_stands_over_the_totals_and_a_pale_one_between_rows(rasterised: Callable[..., Image.Image]):
    pdf = made(report(plain(2), (*COLUMNS[:3], replace(COLUMNS[3], total=3))))
    tops = {text: top for text, _, top, _, _ in words(pdf)[0]}
    image = rasterised(pdf, 288)

    def above(text: str) -> list[int]:
        """The greys, 0 to 255, of a line just above the text, in a place where no letters stand."""
        top = int(4 * tops[text])
        return [grey for y in range(top - 14, top + 8) if (grey := image.getpixel((2000, y))) < 235]

    assert len(above("Total")) >= 3
    assert sorted(above("Total"))[2] < 60
    assert 100 < min(above("F1")) < 230


def jpeg(shade: int, size: tuple[int, int] = (60, 80), mode: str = "L", **options: object) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, shade if mode == "L" else (shade, 10, 200)).save(target, "JPEG", **options)
    return target.getvalue()


def test_pictures_stand_before_their_row_and_are_the_files_that_were_given():
    faces = [jpeg(10 * at, mode="RGB", progressive=bool(at % 2)) for at in range(25)]
    sign = jpeg(250, (300, 100))
    asked: list[int] = []

    def pictures(row: int) -> list[bytes | None]:
        asked.append(row)
        return [faces[row], sign if row % 2 else None]

    pdf = made(report(plain(25), picture_titles=("Fotografía", "Firma"), pictures=pictures))
    assert asked == list(range(25))
    reader = PdfReader(io.BytesIO(pdf))
    read = pages(pdf)
    assert len(read) > 1
    for page, text in zip(reader.pages, read, strict=True):
        assert re.search(r"Fotografía +Firma +Libreta", text)
        rows = booklets(text)
        stored = {image.indirect_reference.get_object().get_data() for image in page.images}
        assert stored == {faces[row] for row in rows} | ({sign} if any(row % 2 for row in rows) else set())
    assert pdf.count(b"/DCTDecode") == 26  # what is the same is stored once


def test_rows_with_pictures_are_as_high_as_the_pictures():
    pdf = made(report(plain(8), picture_titles=("Firma",), pictures=lambda _: [jpeg(0)]))
    tops = [top for text, _, top, _, _ in words(pdf)[0] if re.fullmatch(r"F\d", text)]
    steps = [after - before for before, after in pairwise(tops)]
    assert min(steps) > 14 * 72 / 25.4
    assert max(steps) - min(steps) < 0.1


@pytest.mark.parametrize("broken", [b"", b"no picture", jpeg(9)[:40]])
def test_what_is_no_picture_becomes_a_crossed_box(broken: bytes, rasterised: Callable[..., Image.Image]):
    def ink(picture: bytes | None) -> int:
        pdf = made(report(plain(1), picture_titles=("Firma",), pictures=lambda _: [picture]))
        return sum(rasterised(pdf).histogram()[:200])

    assert ink(broken) > ink(None)


@pytest.fixture
def rasterised(tmp_path) -> Callable[..., Image.Image]:
    """Turn a PDF's first page into a grey image."""

    def rasterise(pdf: bytes, dpi: int = 100) -> Image.Image:
        (tmp_path / "page.pdf").write_bytes(pdf)
        run("pdftoppm", "-r", str(dpi), "-gray", "-singlefile", str(tmp_path / "page.pdf"), str(tmp_path / "page"))
        with Image.open(tmp_path / "page.pgm") as image:
            return image.convert("L")

    return rasterise


def test_charts_stand_between_the_facts_and_the_rows():
    (page,) = words(made(report(plain(3), charts=(CHART, CHART))))
    tops = {text: top for text, _, top, _, _ in reversed(page)}
    assert tops["Pedido"] < tops["Enero"] < tops["F0"]
    assert [text for text, *_ in page].count("1,200") == 2 + 2 * (1_200 in (0, 500, 1_000, 1_500))


def test_a_chart_of_more_names_than_a_page_has_lines_still_fits_on_one():
    names = tuple(f"Sede {at}" for at in range(200))
    high = Chart("Por sede", Shape.LYING, names, (Series("Casos", tuple(range(200))),))
    for columns in (COLUMNS, WIDE):
        read = pages(made(report([("x",) * len(columns)], columns, charts=(high,))))
        assert len(read) <= 3
        assert sum("Sede 0" in page for page in read) == 1


def test_all_fonts_are_embedded():
    rows = run("pdffonts", "-", stdin=made(report(plain(90), charts=(CHART,)))).decode().splitlines()[2:]
    assert rows
    assert all("yes yes yes" in row for row in rows)


def test_the_same_report_is_the_same_bytes():
    def document(title: str = "Impresiones") -> Document:
        return report(plain(90), title=title, charts=(CHART,), picture_titles=("F",), pictures=lambda at: [jpeg(at)])

    assert made(document()) == made(document())
    assert made(document()) != made(document("Otras"))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns as often as can be, so that what they share is caught half done."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_reports_drawn_at_once_do_not_disturb_each_other():
    letters = "".join(chr(code) for code in (*range(33, 127), *range(192, 256)))

    def document(at: int) -> Document:
        rows: list[tuple[Value, ...]] = [(f"F{row}", letters[at + row :], None, row) for row in range(40)]
        return report(rows, title=letters[at:], charts=(CHART,))

    alone = [made(document(at)) for at in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda at: made(document(at)), range(40))) == alone
