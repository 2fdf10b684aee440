"""A report as PDF: what it is, who asked for it and its charts on the first page, then its lines, then their seal.

The lines go to the pages as they come, as text operators of our own: a table of platypus wants all lines at once and
makes a paragraph of every cell, and even one call of the canvas for each cell takes longer than all of this.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from printing.paper_sheet import BOLD, GREY, printable, width_of, wrapped
from reports import chart
from reports.document import Document, Fact, Shape
from reports.pdf_sheets import Lines, Sheets
from reports.pdf_table import Table, arranged

_OFFICE, _TITLE, _FACT, _NOTE = 8.0, 15.0, 7.8, 7.4  # sizes of letters
_LEADING = 1.34  # of the size
_GUTTER, _AIR = 16.0, 6.0
_LABELS = 0.42  # of the width of a fact, at most
_LOWER = 0.6  # of its natural height, at least, when a chart is drawn lower
_SIDE_BY_SIDE = 600.0  # points that two charts beside each other need


def write(document: Document, target: BinaryIO) -> None:
    """Write `document` to `target` as a PDF, the same bytes for the same document.

    Raises ValueError when its lines are not as many as it says or lack values; nothing was written then.
    """
    layout = arranged(document)
    sheets = Sheets(document, target, wide=layout.wide)
    _opening(document, sheets)
    Table(document, sheets, layout).write()
    sheets.y -= _AIR
    _facts(sheets, document.closing())
    sheets.finish()


def _opening(document: Document, sheets: Sheets) -> None:
    """Office, title and number, then facts, notes and charts."""
    number = printable(document.number)
    room = sheets.inner - width_of(number, _OFFICE, BOLD) - _GUTTER
    office = Lines(wrapped(document.office, room, _OFFICE), sheets.left, _OFFICE, grey=GREY)
    sheets.write([office, Lines([number], sheets.right, _OFFICE, BOLD, right=True)], _OFFICE * _LEADING)
    sheets.y -= 0.5 * _AIR
    sheets.write([Lines(wrapped(document.title, sheets.inner, _TITLE, BOLD), sheets.left, _TITLE, BOLD)], _TITLE * 1.3)
    sheets.y -= 0.6 * _AIR
    sheets.rule(0, 0.9)
    sheets.y -= _AIR
    _facts(sheets, [*document.facts, (document.words.lines, f"{document.count:,}")])
    for note in document.notes:
        sheets.y -= 0.5 * _AIR
        lines = wrapped(note, sheets.inner, _NOTE)
        sheets.write([Lines(lines, sheets.left, _NOTE, grey=0.25)], _NOTE * _LEADING)
    sheets.y -= _AIR
    _charts(sheets, document)


def _facts(sheets: Sheets, facts: Sequence[Fact]) -> None:
    """Labels and values, two beside each other where both fit in a line of half the width."""
    half = (sheets.inner - _GUTTER) / 2
    labels = min(max((width_of(printable(label), _FACT) for label, _ in facts), default=0.0), _LABELS * half)
    for row in _rows(facts, half - labels - _AIR):
        room = (half if len(row) > 1 else sheets.inner) - labels - _AIR
        columns: list[Lines] = []
        for at, (label, value) in enumerate(row):
            x = sheets.left + at * (half + _GUTTER)
            columns.append(Lines(wrapped(label, labels, _FACT), x, _FACT, grey=GREY))
            columns.append(Lines(wrapped(value, room, _FACT), x + labels + _AIR, _FACT))
        sheets.write(columns, _FACT * _LEADING + 1)


def _rows(facts: Sequence[Fact], room: float) -> Iterator[list[Fact]]:
    """The facts in their order, alone or in pairs of values that fit in `room`."""
    first: Fact | None = None
    for fact in facts:
        if len(wrapped(fact[1], room, _FACT)) > 1:
            yield from ([first], [fact]) if first else ([fact],)
            first = None
        elif first:
            yield [first, fact]
            first = None
        else:
            first = fact
    if first:
        yield [first]


def _charts(sheets: Sheets, document: Document) -> None:
    """Each over the whole width, or two beside each other where the page is wide and both stand.

    One that is a little too high for what is left of the page is drawn lower instead of on the next one.
    """
    two = sheets.inner >= _SIDE_BY_SIDE
    waiting = list(document.charts)
    while waiting:
        row = [waiting.pop(0)]
        if two and waiting and Shape.LYING not in (row[0].shape, waiting[0].shape):
            row.append(waiting.pop(0))
        width = (sheets.inner - (len(row) - 1) * _GUTTER) / len(row)
        height = min(max(chart.natural_height(each, width) for each in row), sheets.body)
        left = sheets.y - sheets.bottom - _AIR
        height = left if _LOWER * height <= left < height else height
        sheets.need(height + _AIR)
        sheets.y -= height
        for at, each in enumerate(row):
            x = sheets.left + at * (width + _GUTTER)
            chart.draw(each, sheets.canvas, x, sheets.y, width, height, words=document.words)
        sheets.y -= 2 * _AIR
