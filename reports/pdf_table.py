"""The lines of a report on the pages of a PDF: columns, head on every page, rows as high as their texts, totals.

Rows are drawn as they come and forgotten. What a cell becomes is kept for as long as its text is likely to come again,
as sites, states and days do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from math import ceil

from reportlab.lib.pagesizes import LETTER

from printing.paper_sheet import BOLD, TEXT, printable, width_of, wrapped
from reports.document import Document, Heading, Kind, Value
from reports.pdf_cells import PICTURE, draw_picture, said
from reports.pdf_sheets import MARGIN, Pen, Sheets

#: Tried in this order: a wide page or not, the size of letters, the part that columns of text have to keep.
_TRIED = (
    (False, 8.0, 1.0), (False, 7.5, 1.0), (True, 8.0, 1.0), (True, 7.5, 1.0),
    (True, 7.0, 0.75), (True, 6.5, 0.65), (True, 6.0, 0.4),
)  # fmt: skip
SIDE, PAD = 3.0, 1.9  # points beside and above a text
LEADING = 1.22  # of the size
_WIDENED = 2.0  # what columns at most become on a page that has more room
_LONGEST_WORD = 90.0  # points: of a title that has to stay whole in its column
_KEPT = 4096  # cells of a column
_TAIL = 36.0  # points left below the last row, so that what closes the report does not stand alone
_ASCENT = 0.93  # of the size: from the upper edge of a line to the base line
_BAND, _HAIR = 0.92, 0.78  # greys: of the head, between rows
_HEAD = "columns"
_USUAL = re.compile("[ -~¡-¬®-ÿ]*").fullmatch  # Latin 1 without its control signs and soft hyphen, all in the font

# A line of a cell: operators before and after the height of its base line.
Line = tuple[str, str]
Cell = tuple[Line, ...]


@dataclass(frozen=True)
class Layout:
    """How the lines are laid out: on wide pages or not, in which size, how wide the columns are (points)."""

    wide: bool
    size: float
    pictures: tuple[float, ...]
    widths: tuple[float, ...]


def arranged(document: Document) -> Layout:
    """The layout that keeps the page upright, the letters large and the columns wide, in this order, if it may be."""
    for wide, size, share in _TRIED:
        pictures = tuple(max(PICTURE[0], _word(title, size)) + 2 * SIDE for title in document.picture_titles)
        room = LETTER[wide] - 2 * MARGIN - sum(pictures)
        widths = _fitted(document.columns, size, share, room)
        if sum(widths) <= room + 0.01:
            break
    return Layout(wide, size, pictures, tuple(width * min(1.0, room / sum(widths)) for width in widths))


def _fitted(columns: Sequence[Heading], size: float, share: float, room: float) -> list[float]:
    """The widths: up to twice as wide in a large room, in a small one with columns of text, which breaks, narrower."""
    widths = [_natural(column, size) for column in columns]
    if sum(widths) <= room:
        factor = min(room / sum(widths), _WIDENED) if widths else 1.0
        return [width * factor for width in widths]
    loose = sum(width for width, column in zip(widths, columns, strict=True) if column.kind is Kind.TEXT)
    part = 1 - (sum(widths) - room) / loose if loose else 0.0
    if part < share:
        return widths
    return [width * part if column.kind is Kind.TEXT else width for width, column in zip(widths, columns, strict=True)]


def _natural(column: Heading, size: float) -> float:
    """The width of a column before it is fitted to the page: never less than its total and the words of its title."""
    total = "" if column.total is None else f"{column.total:,}"
    content = column.width * width_of("0", size)
    return max(content, _word(column.title, size), width_of(total, size, BOLD)) + 2 * SIDE


def _word(title: str, size: float) -> float:
    widths = [width_of(word, size, BOLD) for word in printable(title).split()]
    return min(max(widths, default=0.0), _LONGEST_WORD)


def _broken(text: str, room: float, pen: Pen) -> list[str]:
    """The text in lines; the usual one, of letters that the font has and short enough, without further ado."""
    if _USUAL(text) and width_of(text, pen.size, pen.face) <= room:
        return [text]
    return wrapped(text, room, pen.size, pen.face)


class Table:
    """The table as it grows from page to page."""

    def __init__(self, document: Document, sheets: Sheets, layout: Layout) -> None:
        self.document, self.sheets = document, sheets
        self.pen, self.bold = (Pen(sheets.canvas, face, layout.size) for face in (TEXT, BOLD))
        self.leading = LEADING * layout.size
        self.places = list(pairwise(accumulate((*layout.pictures, *layout.widths), initial=sheets.left)))
        self.right = self.places[-1][1] if self.places else sheets.right
        self.cells = self._columns(self.pen)
        self.titles = self._titles()
        self.head = self._height(self.titles)
        self.tail = (self.leading + 2 * PAD) * document.totalled + _TAIL
        self.texts: list[str] = []
        self.hairs: list[str] = []
        self.opened = False

    def _columns(self, pen: Pen) -> list[Callable[[Value], Cell]]:
        places = self.places[len(self.document.picture_titles) :]
        return [
            self._column(pen, column.kind, left, right)
            for column, (left, right) in zip(self.document.columns, places, strict=True)
        ]

    def _column(self, pen: Pen, kind: Kind, left: float, right: float) -> Callable[[Value], Cell]:
        """How values become cells of a column."""
        room, words = right - left - 2 * SIDE, self.document.words

        @lru_cache(_KEPT, typed=True)
        def cell(value: Value) -> Cell:
            return self._cell(pen, said(value, kind, words), left, room, right=kind is Kind.INTEGER)

        return cell

    def _cell(self, pen: Pen, text: str, left: float, room: float, *, right: bool = False) -> Cell:
        lines = []
        for line in _broken(text, room, pen) if text else ():
            x = left + SIDE + (room - width_of(line, pen.size, pen.face) if right else 0)
            lines.append((f"1 0 0 1 {x:.2f} ", pen.shown(line)))
        return tuple(lines)

    def _titles(self) -> list[Cell]:
        titles = [(title, False) for title in self.document.picture_titles]
        titles += [(column.title, column.kind is Kind.INTEGER) for column in self.document.columns]
        return [
            self._cell(self.bold, title, left, after - left - 2 * SIDE, right=right)
            for (title, right), (left, after) in zip(titles, self.places, strict=True)
        ]

    def write(self) -> None:
        """Write all rows and the totals; ValueError when the rows are not as many as announced or lack values."""
        found = 0
        for found, row in enumerate(self.document.rows, start=1):
            if found > self.document.count:
                break
            cells = [cell(value) for cell, value in zip(self.cells, row, strict=True)]
            self._row(cells, found - 1)
        if found != self.document.count:
            few = "fewer" if found < self.document.count else "more"
            raise ValueError(f"{few} lines came than the {self.document.count} announced")
        if not self.places:
            return
        if not found:
            words = f"{self.document.words.lines}: 0"
            self._row([self._cell(self.pen, words, self.sheets.left, self.sheets.inner)])
        self._flush()
        self._totals()

    def _row(self, cells: Sequence[Cell], position: int | None = None) -> None:
        """A row on this page or the next; what is higher than a page goes on over as many as it needs."""
        pictures = self.document.pictures(position) if self.document.pictures and position is not None else ()
        least = PICTURE[1] + 2 * PAD if pictures else 0.0
        for at, part in enumerate(self._parts(cells)):
            height = max(self._height(part), least)
            self._place(height, self.tail if position == self.document.count - 1 else 0.0)
            if at == 0:
                self._pictures(pictures)
            self.texts += self._lines(part, self.sheets.y)
            self.sheets.y -= height
            self.hairs.append(f"{self.sheets.left:.2f} {self.sheets.y:.2f} m {self.right:.2f} {self.sheets.y:.2f} l")

    def _height(self, cells: Sequence[Cell]) -> float:
        return (max(map(len, cells), default=0) or 1) * self.leading + 2 * PAD

    def _parts(self, cells: Sequence[Cell]) -> Sequence[Sequence[Cell]]:
        most = max(1, int((self.sheets.body - self.head - 2 * PAD) / self.leading))
        deepest = max(map(len, cells), default=0)
        if deepest <= most:
            return (cells,)
        return [[cell[at : at + most] for cell in cells] for at in range(0, deepest, most)]

    def _place(self, height: float, tail: float) -> None:
        """Make room for a row and, if it may be had, for what must not stand without it."""
        if height + tail <= self.sheets.body - self.head:
            height += tail
        if not self.opened:
            self._open(height)
        elif self.sheets.y - height < self.sheets.bottom:
            self._flush()
            self.sheets.turn()
            self._draw_head()

    def _open(self, height: float) -> None:
        """Begin the table where there is room for its head and the first row."""
        self.opened = True
        self._define_head()
        self.sheets.need(self.head + height)
        self._draw_head()

    def _lines(self, cells: Sequence[Cell], top: float) -> list[str]:
        """The operators of a row whose upper edge is at `top`."""
        first = top - PAD - _ASCENT * self.pen.size
        heights = [f"{first - at * self.leading:.2f} Tm " for at in range(max(map(len, cells), default=0))]
        return [
            before + height + shown for cell in cells for height, (before, shown) in zip(heights, cell, strict=False)
        ]

    def _pictures(self, pictures: Sequence[bytes | None]) -> None:
        for (left, _), data in zip(self.places, pictures, strict=False):
            if data is not None:
                draw_picture(self.sheets.canvas, data, left + SIDE, self.sheets.y - PAD - PICTURE[1])

    def _define_head(self) -> None:
        canvas = self.sheets.canvas
        canvas.beginForm(_HEAD, 0, -ceil(self.head + 1), ceil(self.sheets.width), 0)
        canvas.setFillGray(_BAND)
        canvas.rect(self.sheets.left, -self.head, self.right - self.sheets.left, self.head, stroke=0, fill=1)
        canvas.setStrokeGray(0)
        canvas.setLineWidth(0.8)
        canvas.line(self.sheets.left, -self.head, self.right, -self.head)
        deepest = max(map(len, self.titles), default=0)
        for title in self.titles:
            self._write(self.bold, self._lines([title], (len(title) - deepest) * self.leading))
        canvas.endForm()

    def _draw_head(self) -> None:
        canvas = self.sheets.canvas
        canvas.saveState()
        canvas.translate(0, self.sheets.y)
        canvas.doForm(_HEAD)
        canvas.restoreState()
        self.sheets.y -= self.head

    def _totals(self) -> None:
        """Totals in bold, their name in the columns before the first."""
        if not self.document.totalled:
            return
        bold = self._columns(self.bold)
        cells = [
            () if column.total is None else cell(column.total)
            for cell, column in zip(bold, self.document.columns, strict=True)
        ]
        named = len(self.document.picture_titles) + next(at for at, cell in enumerate(cells) if cell)
        room = self.places[named][0] - self.sheets.left - 2 * SIDE
        if room > 0:
            cells.append(self._cell(self.bold, self.document.words.total, self.sheets.left, room))
        self._place(self._height(cells), 0.0)
        self.sheets.rule(0, 0.8, self.right)
        self._write(self.bold, self._lines(cells, self.sheets.y))
        self.sheets.y -= self._height(cells)

    def _write(self, pen: Pen, texts: Sequence[str]) -> None:
        self.sheets.canvas.addLiteral("\n".join(["q 0 g BT", pen.begin, *texts, "ET Q"]))

    def _flush(self) -> None:
        """Hand the page's texts and the lines between its rows to the page."""
        if self.texts:
            self._write(self.pen, self.texts)
            self.sheets.canvas.addLiteral(f"q {_HAIR} G 0.3 w {' '.join(self.hairs)} S Q")
        self.texts, self.hairs = [], []
