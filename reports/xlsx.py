"""A report as a workbook: what it is and who asked for it, its charts, its lines as typed cells.

xlsxwriter makes the whole workbook twice, with data sheets that have no lines. The lines are streamed into the sheets
of the first making, in flat memory however many they are; all other parts are of the second, which knows what can be
said only when the lines were read. Both makings number their styles alike. The obvious way, xlsxwriter's own constant
memory, writes a file of the same content in several times the time.
"""

import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_range

from reports.document import Chart, Document, Fact, Heading, Kind, Shape, Value
from reports.sheet_rows import Cells, content_of, printable, write_rows

LINES = 1_000_000  # of a sheet; Excel has 1,048,576 rows
_LEVEL = 3  # of compression: 6 makes files an eighth smaller and takes half as long again
_MANY_CELLS = 5_000_000  # of a sheet which might exceed 2 GiB, and so needs the larger fields of ZIP64
#: First in the file, as programs tell a workbook from another archive by them.
_FIRST_PARTS = ("[Content_Types].xml", "_rels/.rels")
_LETTER_PAPER = 1
_LINE_PIXELS = 20
_CHART_WIDTH, _CHART_HEIGHT = 760, 380  # pixels

_TEXT = {"num_format": "@"}  # what a text looks like, "=1+1" or "007", is not read anew when its cell is edited
_INTEGER = {"num_format": "#,##0"}
_KINDS: dict[Kind, dict[str, Any]] = {
    Kind.INTEGER: _INTEGER,
    Kind.DATE: {"num_format": "dd/mm/yyyy", "align": "left"},
    Kind.MOMENT: {"num_format": "dd/mm/yyyy hh:mm:ss", "align": "left"},
}
_HEAD = _TEXT | {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E4EEFA", "bottom": 1}
_TOTALS = {"bold": True, "top": 1}
#: Characters that a value of the kind takes: Excel shows a number or date that does not fit as ####.
_NARROWEST = {Kind.DATE: 11, Kind.MOMENT: 20}
_SHAPES = {
    Shape.BARS: {"type": "column", "subtype": "stacked"},
    Shape.LYING: {"type": "bar", "subtype": "stacked"},
    Shape.LINE: {"type": "line"},
}
_DIMENSION = re.compile(rb'(?<=<dimension ref=")[^"]*')
_STYLE = re.compile(rb'<c r="[A-Z]+(\d)" s="(\d+)"/>')
_HEAD_ROW, _LINE_ROW, _TOTALS_ROW = b"1", b"2", b"3"


def write(document: Document, target: BinaryIO) -> None:
    """Write `document` to `target`, which must be seekable, as an Office Open XML workbook.

    Raises ValueError when its lines are not as many as it says or lack values; what was written then is no workbook.
    """
    first = _made(document, ())
    rows = iter(document.rows)
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as book:
        _copy(first, book, _FIRST_PARTS)
        for at, size in enumerate(_sizes(document)):
            _Sheet(document, first, at, size).write(book, rows)
        if next(rows, None) is not None:
            raise ValueError(f"more lines came than the {document.count} announced")
        whole = _made(document, document.closing())
        _copy(whole, book, [name for name in whole.namelist() if name not in book.NameToInfo])


def _copy(source: ZipFile, book: ZipFile, names: Sequence[str]) -> None:
    for name in names:
        book.writestr(name, source.read(name))


def _sizes(document: Document) -> list[int]:
    """How many lines each data sheet has; a report without lines has a sheet as well."""
    return [min(LINES, document.count - start) for start in range(0, max(1, document.count), LINES)]


def _charts(document: Document) -> list[Chart]:
    return [chart for chart in document.charts if chart.series and chart.categories]


class _Sheet:
    """A data sheet: xlsxwriter's, whose three rows show the styles of head, lines and totals, and what it becomes."""

    def __init__(self, document: Document, made: ZipFile, at: int, size: int) -> None:
        self.document, self.size = document, size
        self.totalled = document.totalled and at == len(_sizes(document)) - 1
        self.name = f"xl/worksheets/sheet{at + (3 if _charts(document) else 2)}.xml"
        self.head, _, rest = made.read(self.name).partition(b"<sheetData>")
        model, _, self.tail = rest.partition(b"</sheetData>")
        self.styles: dict[bytes, list[str]] = {}
        for row, style in _STYLE.findall(model):
            self.styles.setdefault(row, []).append(style.decode())

    def write(self, book: ZipFile, rows: Iterator[Sequence[Value]]) -> None:
        """Write the sheet with as many of `rows` as it holds; ValueError when there are fewer."""
        columns = self.document.columns
        last = 1 + self.size + self.totalled
        with book.open(self.name, "w", force_zip64=last * len(columns) > _MANY_CELLS) as part:
            area = xl_range(0, 0, last - 1, len(columns) - 1).encode()
            part.write(_DIMENSION.sub(area, self.head) + b"<sheetData>")
            write_rows(part, self._cells(_HEAD_ROW), iter([[column.title for column in columns]]), 1)
            found = write_rows(part, self._cells(_LINE_ROW), islice(rows, self.size), 2)
            if found != self.size:
                raise ValueError(f"{self.size - found} lines are missing of the {self.document.count} announced")
            if self.totalled:
                write_rows(part, self._cells(_TOTALS_ROW), iter([_totals(self.document)]), last)
            part.write(b"</sheetData>" + self.tail)

    def _cells(self, row: bytes) -> list[Cells]:
        kinds = [Kind.TEXT if row == _HEAD_ROW else column.kind for column in self.document.columns]
        return [
            Cells(xl_col_to_name(at), style, content_of(kind, self.document.words))
            for at, (style, kind) in enumerate(zip(self.styles[row], kinds, strict=True))
        ]


def _totals(document: Document) -> list[Value]:
    """The totals, and their name in the first column that has none."""
    totals: list[Value] = [column.total for column in document.columns]
    if None in totals:
        totals[totals.index(None)] = document.words.total
    return totals


def _made(document: Document, closing: Sequence[Fact]) -> ZipFile:
    """The workbook but for its lines; which styles its sheets use, and so their numbers, depends on no fact."""
    made, words = io.BytesIO(), document.words
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    title, number = printable(document.title), printable(document.number)
    book.set_properties({"title": title, "author": printable(document.office), "comments": number})
    about = book.add_worksheet(words.about_sheet)
    drawn = book.add_worksheet(words.chart_sheet) if _charts(document) else None
    for at, size in enumerate(_sizes(document)):
        sheet = book.add_worksheet(words.data_sheet if at == 0 else f"{words.data_sheet} {at + 1}")
        _prepare(book, sheet, document.columns, size)
    for sheet in book.worksheets():
        _set_paper(sheet, document)
    _write_about(book, about, document, closing)
    if drawn is not None:
        _write_charts(book, drawn, _charts(document))
    book.close()
    return ZipFile(made)


def _prepare(book: Any, sheet: Any, columns: Sequence[Heading], size: int) -> None:
    """Set up a data sheet of `size` lines, with a row of each style."""
    for at, column in enumerate(columns):
        kind = _KINDS.get(column.kind, _TEXT)
        aligned = {"align": "right"} if column.kind is Kind.INTEGER else {}
        for row, style in enumerate((_HEAD | aligned, kind, kind | _TOTALS)):
            sheet.write_blank(row, at, None, book.add_format(style))
        sheet.set_column(at, at, max(column.width, _NARROWEST.get(column.kind, 1)))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, size, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": xl_range(1, 0, max(1, size), len(columns) - 1)})
    sheet.set_landscape()
    sheet.repeat_rows(0)


def _set_paper(sheet: Any, document: Document) -> None:
    sheet.set_paper(_LETTER_PAPER)
    sheet.fit_to_pages(1, 0)
    number = printable(document.number).replace("&", "&&")
    sheet.set_footer(f"&L{number}&R{document.words.page % {'page': '&P', 'pages': '&N'}}")


def _write_about(book: Any, sheet: Any, document: Document, closing: Sequence[Fact]) -> None:
    """Title, number and office; then the facts, the notes, how many lines, the closing facts."""
    name = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
    text = book.add_format(_TEXT | {"valign": "top", "text_wrap": True})
    count = book.add_format(_INTEGER | {"align": "left"})
    sheet.set_column(0, 0, 30, name)  # the styles are in the sheet whatever facts there are, so their numbers stay
    sheet.set_column(1, 1, 90, text)
    sheet.write_string(0, 0, printable(document.title), book.add_format({"bold": True, "font_size": 16}))
    sheet.write_string(1, 0, printable(document.number), book.add_format({"bold": True}))
    sheet.write_string(2, 0, printable(document.office))
    facts = [*document.facts, *(("", note) for note in document.notes), (document.words.lines, ""), *closing]
    for row, fact in enumerate(facts, 4):
        for at, (said, style) in enumerate(zip(fact, (name, text), strict=True)):
            if said:
                sheet.write_string(row, at, printable(said), style)
    sheet.write_number(4 + len(document.facts) + len(document.notes), 1, document.count, count)


def _write_charts(book: Any, sheet: Any, charts: Sequence[Chart]) -> None:
    """Each chart beside its numbers: a title, the names of the series, a row for each category."""
    bold, number = book.add_format({"bold": True, "text_wrap": True}), book.add_format(_INTEGER)
    sheet.set_column(0, 0, 30)
    top = 0
    for chart in charts:
        sheet.write_string(top, 0, printable(chart.title), bold)
        for row, category in enumerate(chart.categories, top + 2):
            sheet.write_string(row, 0, printable(category))
        for at, series in enumerate(chart.series, 1):
            sheet.write_string(top + 1, at, printable(series.name), bold)
            for row, (_, value) in enumerate(zip(chart.categories, series.values, strict=True), top + 2):
                sheet.write_number(row, at, value, number)
        height = max(_CHART_HEIGHT, _LINE_PIXELS * len(chart.categories) if chart.shape is Shape.LYING else 0)
        drawing = _drawing(book, sheet.name, chart, top)
        drawing.set_size({"width": _CHART_WIDTH, "height": height})
        sheet.insert_chart(top, len(chart.series) + 2, drawing)
        top += max(len(chart.categories) + 2, height // _LINE_PIXELS) + 2


def _drawing(book: Any, sheet: str, chart: Chart, top: int) -> Any:
    """A chart whose texts and numbers are those in the cells from row `top` (from 0) on."""
    drawing = book.add_chart(_SHAPES[chart.shape])
    first, last = top + 2, top + 1 + len(chart.categories)
    for at in range(1, len(chart.series) + 1):
        drawing.add_series({
            "name": [sheet, top + 1, at],
            "categories": [sheet, first, 0, last, 0],
            "values": [sheet, first, at, last, at],
        })  # fmt: skip
    drawing.set_title({"name": [sheet, top, 0], "overlay": False})
    if chart.shape is Shape.LYING:
        drawing.set_y_axis({"reverse": True, "crossing": "max"})  # the first category on top, as in the cells
    drawing.set_legend({"none": True} if len(chart.series) == 1 else {"position": "bottom"})
    return drawing
