"""Workbooks of reports, read back with another library than the one that makes them, and part by part as XML."""

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.workbook import Workbook

from reports import sheet_rows, xlsx
from reports.document import Chart, Document, Heading, Kind, Series, Shape, Value, Words

UTC = dt.UTC
COLUMNS = (
    Heading("Caso", Kind.CODE, 13),
    Heading("Nombre", Kind.TEXT, 34),
    Heading("Copias", Kind.INTEGER, 10, total=1234567),
    Heading("Nacimiento", Kind.DATE, 4),
    Heading("Enrolado", Kind.MOMENT, 4),
    Heading("Móvil", Kind.FLAG, 8),
)
LINE: tuple[Value, ...] = (
    "007", "Ajú", 1234, dt.date(1984, 2, 29), dt.datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC), True,
)  # fmt: skip
NAMES = (Heading("Nombre"),)
BARS = Chart(
    "Libretas", Shape.BARS, ("GUA", "XEL", "PET"), (Series("Buenas", (5, 7, 9)), Series("Anuladas", (0, 1, 2)))
)
LINE_CHART = Chart("Días", Shape.LINE, ("20/11", "21/11"), (Series("Impresas", (3, 4)),))
HOSTILE = [
    '=cmd|" /C calc"!A0', "=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x", "#REF!", "TRUE", "007", "1e5", "http://x.gt",
    "<&>\"'", "]]>", "&#x41;", "  dos  ", " ", "a\nb", "ñÁ", "👩🏽‍🚀", "\u202eatrás", "_x0041_", "x\x00\x07\x0b\x1fy",
    "\ufffe\uffff", "\ud800",
]  # fmt: skip
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def test_cells_are_of_the_type_of_their_column() -> None:
    sheet = read(document([LINE]))["Datos"]
    code, name, copies, born, enrolled, mobile = sheet[2]
    assert (code.value, code.data_type, code.number_format) == ("007", "s", "@")
    assert (name.value, name.data_type, name.number_format) == ("Ajú", "s", "@")
    assert (copies.value, copies.data_type, copies.number_format) == (1234, "n", "#,##0")
    assert (born.value, born.number_format) == (dt.datetime(1984, 2, 29), "dd/mm/yyyy")
    assert (enrolled.value, enrolled.number_format) == (dt.datetime(2026, 11, 19, 21, 4, 5), "dd/mm/yyyy hh:mm:ss")
    assert (mobile.value, mobile.data_type) == ("Sí", "s")
    assert born.is_date
    assert enrolled.is_date


def test_cells_of_the_sheet_are_in_their_places() -> None:
    sheet = read(document([LINE] * 1203))["Datos"]
    assert [row[0].row for row in sheet.iter_rows()] == list(range(1, 1206))


def test_nothing_is_an_empty_cell_and_no_is_said() -> None:
    sheet = read(document([(None,) * 6, ("8", "", 0, None, None, False)]))["Datos"]
    assert [cell.value for cell in sheet[2]] == [None] * 6
    assert [cell.value for cell in sheet[3]][2:] == [0, None, None, "No"]


@pytest.mark.parametrize("second", [0, 1, 21_599, 21_600, 43_201, 86_399])
def test_every_second_of_a_day_is_kept(second: int) -> None:
    moment = dt.datetime(2026, 11, 20, 0, 0, 0, 999_999, tzinfo=UTC) + dt.timedelta(seconds=second)
    sheet = read(document([("1", "", 1, None, moment, None)]))["Datos"]
    assert sheet["E2"].value == (moment - dt.timedelta(hours=6)).replace(tzinfo=None, microsecond=0)


@pytest.mark.parametrize(
    ("moment", "wall"),
    [
        (dt.datetime(2006, 4, 30, 5, 59, 59, tzinfo=UTC), dt.datetime(2006, 4, 29, 23, 59, 59)),
        (dt.datetime(2006, 4, 30, 6, 0, 0, tzinfo=UTC), dt.datetime(2006, 4, 30, 1, 0, 0)),
        (dt.datetime(2006, 10, 1, 5, 0, 0, tzinfo=UTC), dt.datetime(2006, 9, 30, 23, 0, 0)),
        (dt.datetime(1969, 12, 31, 23, 59, 59, 500, tzinfo=UTC), dt.datetime(1969, 12, 31, 17, 59, 59)),
        (dt.datetime(2026, 1, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=5.5))), dt.datetime(2025, 12, 31, 14, 0)),
    ],
)
def test_moments_are_on_the_clock_of_guatemala_also_in_its_summer_time(moment: dt.datetime, wall: dt.datetime) -> None:
    assert read(document([("1", "", 1, None, moment, None)]))["Datos"]["E2"].value == wall


def test_what_excel_cannot_count_is_written_as_text() -> None:
    old = dt.datetime(1899, 5, 6, 12, 0, tzinfo=UTC)
    first = dt.datetime(1900, 3, 1, 12, 0, tzinfo=UTC)
    rows: list[tuple[Value, ...]] = [
        ("1", "", 10**15, dt.date(1900, 2, 28), old, None), ("2", "", 10**15 - 1, dt.date(1900, 3, 1), first, None),
    ]  # fmt: skip
    sheet = read(document(rows))["Datos"]
    assert [cell.value for cell in sheet[2]][2:4] == ["1000000000000000", "28/02/1900"]
    assert str(sheet["E2"].value).startswith("06/05/1899 05:5")  # as far from UTC as the sun was, until 1918
    assert [cell.value for cell in sheet[3]][2:4] == [10**15 - 1, dt.datetime(1900, 3, 1)]
    assert sheet["E3"].is_date


def test_a_text_in_a_column_of_dates_stays_a_text_and_a_number_of_a_thing_is_one() -> None:
    sheet = read(document([(12, "", "varias", "00/00/1984", "ayer", "¿?")]))["Datos"]
    assert [cell.value for cell in sheet[2]] == ["12", None, "varias", "00/00/1984", "ayer", "¿?"]
    assert {cell.data_type for cell in sheet[2] if cell.value} == {"s"}


@pytest.mark.parametrize("value", [1.5, b"x", dt.datetime(2026, 1, 1)])  # the last without a zone
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_value_that_no_report_has_is_refused(value: Any, at: int) -> None:
    line = [*LINE]
    line[at] = value
    with pytest.raises(TypeError):
        write(document([tuple(line)]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    hostile = Chart(text, Shape.LYING, (text,), (Series(text, (1,)),))
    made = write(document(
        [(text,), ("x",)], columns=(Heading(text),), title=text, number=text, office=text, facts=[(text, text)],
        notes=[text], charts=(hostile,), closing=lambda: [(text, text)],
    ))  # fmt: skip
    parts = xml(made)
    assert not [name for name, part in parts.items() if list(part.iter(f"{SHEET}f"))]
    book = openpyxl.load_workbook(io.BytesIO(made))
    expected = sheet_rows.printable(text)
    cells = [book["Datos"]["A1"], book["Datos"]["A2"], *(book["Reporte"][at] for at in ("A1", "A5", "B5", "B6", "B8"))]
    for cell in [*cells, book["Gráfica"]["A1"], book["Gráfica"]["B2"], book["Gráfica"]["A3"]]:
        assert cell.data_type in {"s", "inlineStr"}
        assert str(cell.value).replace("_x005F_", "_") == expected
    assert book["Datos"]["A3"].value == "x"


@given(st.lists(st.text(st.characters(codec=None)) | st.none(), min_size=1))
def test_any_text_comes_back_as_it_can_be_printed(texts: list[str | None]) -> None:
    target = io.BytesIO()
    cells = sheet_rows.Cells("A", "1", sheet_rows.content_of(Kind.TEXT, Words()))
    assert sheet_rows.write_rows(target, [cells], iter([(text,) for text in texts]), 1) == len(texts)
    found = ElementTree.fromstring(b"<x>" + target.getvalue() + b"</x>").findall("row")
    assert [row.get("r") for row in found] == [str(at) for at in range(1, len(texts) + 1)]
    read_back = [row.find("c/is/t") for row in found]
    assert [None if element is None else (element.text or "").replace("_x005F_", "_") for element in read_back] == [
        sheet_rows.printable(text).replace("_x005F_", "_") if text else None for text in texts
    ]


def test_forbidden_characters_are_marked_blanks_are_kept_and_line_ends_are_one() -> None:
    assert sheet_rows.printable(" a\x00b\ud83d\ufffe ") == " a\ufffdb\ufffd\ufffd "
    assert sheet_rows.printable("a\r\nb\rc\td") == "a\nb\nc\td"
    assert "_x005F_x0041_" in part(write(document([("_x0041_",)], columns=NAMES)), "xl/worksheets/sheet2.xml")


@pytest.mark.parametrize("unit", ["a", "ñ", "&", "😀"])
def test_a_long_text_is_cut_with_an_ellipsis_at_what_excel_holds(unit: str) -> None:
    pair = len(unit.encode("utf-16-le")) // 2
    fits, cut = unit * (32_767 // pair), unit * (32_767 // pair + 1)
    sheet = read(document([(fits,), (cut,)], columns=NAMES))["Datos"]
    assert sheet["A2"].value == fits
    assert sheet["A3"].value == unit * (32_766 // pair) + "…"
    assert len(sheet["A3"].value.encode("utf-16-le")) // 2 <= 32_767


def test_the_data_sheet_is_ready_to_be_read_filtered_and_printed() -> None:
    sheet = read(document([LINE] * 3))["Datos"]
    assert [cell.value for cell in sheet[1]] == [column.title for column in COLUMNS]
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F4"
    assert sheet.calculate_dimension() == "A1:F5"
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 1)
    assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.oddFooter.left.text, sheet.oddFooter.right.text) == ("CASOS-1", "Página &P de &N")


def test_columns_are_as_wide_as_asked_and_never_too_narrow_for_a_date() -> None:
    sheet = read(document([LINE]))["Datos"]
    widths = [round(sheet.column_dimensions[letter].width - 0.71) for letter in "ABCDEF"]
    assert widths == [13, 34, 10, 11, 20, 8]


def test_totals_stand_below_the_filtered_lines() -> None:
    sheet = read(document([LINE] * 2))["Datos"]
    assert [cell.value for cell in sheet[4]] == ["Total", None, 1234567, None, None, None]
    assert (sheet["C4"].number_format, sheet["C4"].font.bold, sheet["A4"].font.bold) == ("#,##0", True, True)
    assert sheet.auto_filter.ref == "A1:F3"


def test_the_word_for_totals_takes_the_first_column_that_has_none() -> None:
    columns = (Heading("a", Kind.INTEGER, total=1), Heading("b", Kind.INTEGER), Heading("c", Kind.INTEGER, total=0))
    assert [cell.value for cell in read(document([(1, 2, 0)], columns=columns))["Datos"][3]] == [1, "Total", 0]
    assert [cell.value for cell in read(document([(1,)], columns=columns[:1]))["Datos"][3]] == [1]


def test_without_totals_the_lines_are_the_last() -> None:
    assert read(document([("x",)] * 2, columns=NAMES))["Datos"].max_row == 3


def test_the_about_sheet_says_what_it_is_who_asked_when_and_closes_with_the_hash() -> None:
    passed: list[int] = []
    lines = ((str(at),) for at in range(3) if passed.append(at) is None)
    made = replace(document([], columns=NAMES, closing=lambda: [("Hash", f"{passed}")]), rows=lines, count=3)
    found = [(row[0].value, row[1].value) for row in read(made)["Reporte"].iter_rows(max_col=2)]
    assert found == [
        ("Casos", None), ("CASOS-1", None), ("Oficina", None), (None, None),
        ("Sede", "Guatemala"), ("Usuario", "impres"), ("Hora", "20/11/2026 09:00"), (None, "Definición."),
        ("Líneas", 3), ("Hash", "[0, 1, 2]"),
    ]  # fmt: skip


def test_facts_known_only_at_the_end_change_no_style() -> None:
    made = document([LINE], facts=(), notes=(), closing=lambda: [("Hash", "abc")])
    assert read(made)["Datos"]["D2"].is_date


def test_the_workbook_has_its_properties() -> None:
    properties = read(document([LINE])).properties
    assert (properties.title, properties.creator, properties.description) == ("Casos", "Oficina", "CASOS-1")


def test_more_lines_than_a_sheet_holds_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LINES", 4)
    columns = (Heading("Nombre"), Heading("Copias", Kind.INTEGER, total=45))
    made = document([(f"n{at}", at) for at in range(10)], columns=columns, charts=(BARS,))
    book = read(made)
    assert book.sheetnames == ["Reporte", "Gráfica", "Datos", "Datos 2", "Datos 3"]
    sheets = [book[name] for name in book.sheetnames[2:]]
    assert [[row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in sheets] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 45],
    ]  # fmt: skip
    assert [sheet.auto_filter.ref for sheet in sheets] == ["A1:B5", "A1:B5", "A1:B3"]
    assert [(sheet["A1"].value, sheet.freeze_panes) for sheet in sheets] == [("Nombre", "A2")] * 3
    assert xml(write(document([("n", 1)] * 10, columns=columns)))


def test_a_full_sheet_is_the_last_when_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LINES", 4)
    assert read(document([("n",)] * 8, columns=NAMES)).sheetnames == ["Reporte", "Datos", "Datos 2"]


def test_a_sheet_with_very_many_cells_is_written_with_the_larger_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "_MANY_CELLS", 1)
    assert read(document([LINE]))["Datos"]["A2"].value == "007"


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 9])
def test_lines_that_are_not_as_many_as_announced_are_refused(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LINES", 2)
    with pytest.raises(ValueError, match="announced"):
        write(document([("n",)] * 3, columns=NAMES, count=count))


def test_a_line_without_a_value_for_each_column_is_refused() -> None:
    for rows in ([LINE, LINE[:5]], [LINE[:5]], [(*LINE, "x")]):
        with pytest.raises(ValueError, match="zip"):
            write(document(rows))


def test_an_empty_report_has_its_head_and_its_totals() -> None:
    made = document([], charts=(Chart("Nada", Shape.BARS, (), (Series("x", ()),)),))
    book = read(made)
    assert book.sheetnames == ["Reporte", "Datos"]
    assert book["Datos"].auto_filter.ref == "A1:F1"
    assert [row[0].value for row in book["Datos"].iter_rows()] == ["Caso", "Total"]
    assert xml(write(document([])))


def test_charts_are_drawn_from_the_cells_beside_them() -> None:
    lying = Chart("Sedes", Shape.LYING, tuple(f"Sede {at}" for at in range(60)), (Series("Casos", tuple(range(60))),))
    made = write(document([LINE], charts=(BARS, LINE_CHART, lying)))
    sheet = openpyxl.load_workbook(io.BytesIO(made))["Gráfica"]
    assert [[cell.value for cell in row] for row in sheet["A1:C5"]] == [
        ["Libretas", None, None], [None, "Buenas", "Anuladas"], ["GUA", 5, 0], ["XEL", 7, 1], ["PET", 9, 2],
    ]  # fmt: skip
    bars, line, lied = (part(made, f"xl/charts/chart{at}.xml") for at in (1, 2, 3))
    for reference in ("$A$1", "$B$2", "$C$2", "$A$3:$A$5", "$B$3:$B$5", "$C$3:$C$5"):
        assert f"<c:f>Gráfica!{reference}</c:f>" in bars
    assert '<c:barDir val="col"/><c:grouping val="stacked"/>' in bars
    assert '<c:barDir val="bar"/><c:grouping val="stacked"/>' in lied
    assert "<c:lineChart>" in line
    assert len(sheet._charts) == 3
    spans = sorted((chart.anchor._from.row, chart.anchor.to.row) for chart in sheet._charts)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert [sheet.cell(top + 1, 1).value for top, _ in spans] == ["Libretas", "Días", "Sedes"]


def test_every_part_is_xml_and_every_sheet_is_listed() -> None:
    made = write(document([LINE] * 3, charts=(BARS,)))
    parts = xml(made)
    types = {each.get("PartName"): each.get("ContentType", "") for each in parts["[Content_Types].xml"]}
    sheets = [name for name in parts if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 3
    assert all(types[f"/{name}"].endswith("spreadsheetml.worksheet+xml") for name in sheets)
    assert all(name in parts for name in (key[1:] for key in types if key))
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        assert book.testzip() is None
        assert book.namelist()[:2] == ["[Content_Types].xml", "_rels/.rels"]
        assert len(set(book.namelist())) == len(book.namelist())


def test_words_are_those_of_the_document() -> None:
    words = Words(yes="Yes", no="No", total="Sum", lines="Lines", page="%(page)s/%(pages)s", about_sheet="About",
                  data_sheet="Data", chart_sheet="Chart", language="en")  # fmt: skip
    book = read(document([LINE], words=words, charts=(BARS,)))
    assert book.sheetnames == ["About", "Chart", "Data"]
    assert (book["Data"]["F2"].value, book["Data"]["A3"].value, book["About"]["A9"].value) == ("Yes", "Sum", "Lines")
    assert book["Data"].oddFooter.right.text == "&P/&N"


def document(rows: Sequence[tuple[Value, ...]], **changes: Any) -> Document:
    facts = [("Sede", "Guatemala"), ("Usuario", "impres"), ("Hora", "20/11/2026 09:00")]
    values = {
        "title": "Casos", "number": "CASOS-1", "office": "Oficina", "facts": facts, "notes": ["Definición."],
        "columns": COLUMNS, "rows": iter(rows), "count": len(rows),
    }  # fmt: skip
    return Document(**(values | changes))


def write(made: Document) -> bytes:
    target = io.BytesIO()
    xlsx.write(made, target)
    return target.getvalue()


def read(made: Document) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(write(made)))


def part(made: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        return book.read(name).decode()


def xml(made: bytes) -> dict[str, ElementTree.Element]:
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        return {name: ElementTree.fromstring(book.read(name)) for name in book.namelist()}
