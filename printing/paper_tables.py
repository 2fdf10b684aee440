"""Tables of office papers: what one holds, its cells broken into lines, its rows dealt out to the pages.

Cells are lines broken here beforehand, not paragraphs of platypus: those are parsed as markup, one by one. The rows of
a page are counted out here too: platypus' own table copies all that follow for every page it fills, which made 20,000
rows take fifteen times as long as 5,000.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, LongTable

from printing.geometry import PageError
from printing.paper_sheet import BOLD, HEIGHT, RULE, TEXT, WIDTH, grey, wrapped

CELL_SIZE, CELL_SIDE = 8.2, 3.0  # points: letters of a cell, room beside them
_LEADING, _PAD = 10.2, 2.4  # points: a line, room above and below
_HIGHEST = 40  # lines; a longer row is cut in pieces, as it could not be broken over two pages
_NARROWEST = 10 * mm
_ALL = ((0, 0), (-1, -1))
_CELLS: list[Any] = [
    ("VALIGN", *_ALL, "TOP"),
    ("FONT", *_ALL, TEXT, CELL_SIZE, _LEADING),
    *((f"{side}PADDING", *_ALL, CELL_SIDE) for side in ("LEFT", "RIGHT")),
    *((f"{side}PADDING", *_ALL, _PAD) for side in ("TOP", "BOTTOM")),
]

Commands = Sequence[tuple[Any, ...]]  # of the style of a table of platypus


@dataclass(frozen=True)
class Column:
    """A column of a table: `width` in millimetres, None for an equal share of the rest; numbers stand at the right."""

    title: str
    width: float | None = None
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of as many texts as there are columns; `totals` is a last row in bold."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[str, ...]]
    title: str | None = None
    totals: tuple[str, ...] | None = None


class Rows:
    """Rows whose cells are broken into lines, to be set as a table together or in part."""

    def __init__(self, widths: Sequence[float]) -> None:
        self.widths = widths
        self.cells: list[list[str]] = []
        self.heights: list[float] = []
        self.head = 0

    def add(self, cells: Sequence[str], face: str = TEXT) -> None:
        """Add a row, in pieces when it is very high; PageError when it has not a text for each column."""
        if len(cells) != len(self.widths):
            raise PageError(f"a row of {len(cells)} cells under {len(self.widths)} columns")
        rooms = [width - 2 * CELL_SIDE for width in self.widths]
        lines = [wrapped(text, room, CELL_SIZE, face) for text, room in zip(cells, rooms, strict=True)]
        for at in range(0, max(map(len, lines)), _HIGHEST):
            self._append([column[at : at + _HIGHEST] for column in lines])

    def add_title(self, title: str) -> None:
        """Add a row with one bold text across all columns."""
        lines = wrapped(title, sum(self.widths) - 2 * CELL_SIDE, CELL_SIZE, BOLD)
        self._append([lines, *([] for _ in self.widths[1:])])

    def _append(self, lines: list[list[str]]) -> None:
        self.cells.append(["\n".join(column) for column in lines])
        self.heights.append(max(map(len, lines)) * _LEADING + 2 * _PAD)

    def set(self, rows: Sequence[int], style: Commands, head: int = 0, after: float = 0.0) -> Flowable:
        """The chosen rows as a table, of which the first `head` come again on each page."""
        return LongTable(
            [self.cells[at] for at in rows],
            self.widths,
            [self.heights[at] for at in rows],
            style=[*_CELLS, *style],
            repeatRows=head,
            hAlign="LEFT",
            spaceAfter=after,
        )


def _widths(columns: Sequence[Column]) -> list[float]:
    """Points of each column; PageError when the sheet is too narrow for them."""
    rest = WIDTH - sum(column.width * mm for column in columns if column.width is not None)
    share = rest / max(1, sum(column.width is None for column in columns))
    widths = [share if column.width is None else column.width * mm for column in columns]
    if not columns or rest < -0.01 or min(widths) < _NARROWEST:
        raise PageError(f"{len(columns)} columns do not fit in {WIDTH / mm:.1f} mm")
    return widths


class Listing:
    """A table of a paper, which can be set with its last rows apart.

    Rows count from 0: the title (`titled` rows), the head to before `rows.head`, the body to before `end`, the totals
    to before `last`; `tops` is how far each row is from the first (points).
    """

    def __init__(self, table: Table) -> None:
        self.rows = Rows(_widths(table.columns))
        if table.title:
            self.rows.add_title(table.title)
        self.titled = len(self.rows.cells)
        self.numeric = [at for at, column in enumerate(table.columns) if column.numeric]
        self.rows.add([column.title for column in table.columns], BOLD)
        self.rows.head = len(self.rows.cells)
        for row in table.rows:
            self.rows.add(row)
        self.end = len(self.rows.cells)
        if table.totals:
            self.rows.add(table.totals, BOLD)
        self.last = len(self.rows.cells)
        self.tops = [0.0, *accumulate(self.rows.heights)]

    def set(self, first: int, last: int, *, headed: bool = True, after: float = 0.0) -> Flowable:
        """Rows from `first` to before `last`, counted with the head, and the head above them."""
        head = self.rows.head if headed else 0
        return self.rows.set([*range(head), *range(first, last)], self._style(head, last), head, after)

    def fitting(self, first: int, last: int, height: float) -> int:
        """The end of the rows from `first` that fit in `height` points under the head; the totals never stay alone."""
        end = bisect_right(self.tops, self.tops[first] + height - self.tops[self.rows.head]) - 1
        return end if end < min(self.end, last) else last if end >= last else self.end - 1

    def _style(self, head: int, last: int) -> Commands:
        commands: list[tuple[Any, ...]] = [("LINEBELOW", (0, head), (-1, -1), 0.3, grey(RULE))]
        commands += [("ALIGN", (at, self.titled if head else 0), (at, -1), "RIGHT") for at in self.numeric]
        if head:
            commands.append(("FONT", (0, 0), (-1, head - 1), BOLD))
            commands.append(("LINEBELOW", (0, head - 1), (-1, head - 1), 0.8, "black"))
        if last > self.end:
            bold = self.end - last
            commands.append(("FONT", (0, bold), (-1, -1), BOLD))
            commands.append(("LINEABOVE", (0, bold), (-1, bold), 0.8, "black"))
        return commands


class Pages(Flowable):
    """Rows of a listing, set page by page: platypus' own table copies all that follow for every page it fills."""

    def __init__(self, listing: Listing, first: int, last: int, after: float = 0.0) -> None:
        super().__init__()
        self.listing, self.first, self.last, self.after = listing, first, last, after

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Never small enough, so that platypus asks for the parts."""
        return width, 10 * HEIGHT

    def split(self, _width: float, height: float) -> list[Flowable]:
        """What fits in `height` points, then the others; nothing if not even one row fits."""
        end = self.listing.fitting(self.first, self.last, height)
        if end <= self.first and self.first < self.last:
            return []
        if end < self.last:
            return [self.listing.set(self.first, end), Pages(self.listing, end, self.last, self.after)]
        return [self.listing.set(self.first, end, after=self.after)]
