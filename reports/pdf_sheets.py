"""The pages of a report as PDF: their size, a head on the later ones, a foot on all, and a pen for many texts.

The foot says how many pages there are, which is known only when all lines were read. Each page therefore shows a form
(a drawing with a name, ISO 32000-1, 8.10) that is drawn at the end: neither are the lines read twice nor pages kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose
from typing import Any, BinaryIO

from reportlab.lib.pagesizes import LETTER, landscape
from reportlab.lib.rl_accel import escapePDF
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from printing.paper_sheet import BOLD, GREY, RULE, TEXT, cut, printable, width_of
from reports.document import Document

MARGIN = 14 * mm
SMALL = 7.0  # letters of head and foot
_FOOT, _HEAD = 8 * mm, 8 * mm  # kept at the lower edge of each page, at the upper edge of the later ones
_OTHER = 0x100  # no code, as those are of one byte


class _Codes(dict[int, int]):
    """The codes of letters in the first subset of a document's font, found as they are asked for; _OTHER of others."""

    def __init__(self, split: Callable[[str], list[tuple[int, bytes]]]) -> None:
        self._split = split

    def __missing__(self, letter: int) -> int:
        ((subset, code),) = self._split(chr(letter))
        self[letter] = _OTHER if subset else code[0]
        return self[letter]


class Pen:
    """Writes texts of one face and size as the operators of a page, of which reportlab makes too many for a table.

    The letters are kept apart by reportlab in subsets of 256; a page begins with the first, `begin`, which `shown`
    leaves only for letters that stand in another.
    """

    def __init__(self, canvas: Canvas, face: str, size: float) -> None:
        font: Any = pdfmetrics.getFont(face)  # a dynamic one, of which the stub knows nothing
        self._font, self._document = font, canvas._doc  # type: ignore[attr-defined]
        self._codes = _Codes(self._split)
        self.face, self.size = face, size
        self.begin = self._taken(0)

    def shown(self, text: str) -> str:
        """The operators that write a printable line where the page is."""
        try:
            return f"({escapePDF(text.translate(self._codes).encode('latin-1'))}) Tj"
        except UnicodeEncodeError:
            return self._mixed(text)

    def _mixed(self, text: str) -> str:
        operators, now = [], 0
        for subset, codes in self._split(text):
            if subset != now:
                operators.append(self._taken(subset))
            operators.append(f"({escapePDF(codes)}) Tj")
            now = subset
        return " ".join([*operators, self.begin] if now else operators)

    def _split(self, text: str) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = self._font.splitString(text, self._document)
        return found

    def _taken(self, subset: int) -> str:
        return f"{self._font.getSubsetInternalName(subset, self._document)} {self.size:g} Tf"


@dataclass(frozen=True)
class Lines:
    """Lines of text below each other: from `x`, or up to it."""

    lines: Sequence[str]
    x: float
    size: float
    face: str = TEXT
    grey: float = 0.0
    right: bool = False


class Sheets:
    """The pages, one after the other; `y` is how far down the present one is written (points from its lower edge)."""

    def __init__(self, document: Document, target: BinaryIO, *, wide: bool) -> None:
        self.document = document
        self.width, self.height = landscape(LETTER) if wide else LETTER
        self.canvas = canvas = Canvas(
            target,
            pagesize=(self.width, self.height),
            invariant=1,
            initialFontName=TEXT,  # type: ignore[arg-type]  # its stub takes a name for a number
            lang=document.words.language,
        )
        canvas.setTitle(document.title)
        canvas.setAuthor(document.office)
        canvas.setSubject(document.number)
        canvas.setCreator(document.office)
        canvas.setViewerPreference("DisplayDocTitle", "true")
        self.left, self.right, self.bottom = MARGIN, self.width - MARGIN, MARGIN + _FOOT
        self.page, self.y = 1, self.height - MARGIN

    @property
    def inner(self) -> float:
        """The width between the margins."""
        return self.right - self.left

    @cached_property
    def body(self) -> float:
        """The height of a later page between its head and its foot."""
        return self.height - MARGIN - _HEAD - self.bottom

    @property
    def fresh(self) -> bool:
        """Whether nothing but the head is on a later page yet."""
        return self.page > 1 and isclose(self.y, self.bottom + self.body)

    def need(self, height: float) -> None:
        """Go on to the next page unless that height is left here, or would not be there either."""
        if self.y - height < self.bottom and not self.fresh:
            self.turn()

    def turn(self) -> None:
        """Go on to the next page."""
        self._close()
        self.page += 1
        self.y = self.bottom + self.body
        self._running_head()

    def write(self, columns: Sequence[Lines], leading: float) -> None:
        """Write columns side by side and go down, over as many pages as their lines need."""
        deepest = max((len(column.lines) for column in columns), default=0)
        self.need(min(deepest * leading, self.body))
        for at in range(deepest):
            self.need(leading)
            for column in columns:
                if at < len(column.lines):
                    self._put(column, column.lines[at], self.y - 0.76 * leading)
            self.y -= leading

    def rule(self, grey: float = RULE, width: float = 0.4, right: float | None = None) -> None:
        """A line from margin to margin, or up to `right`."""
        self.canvas.setStrokeGray(grey)
        self.canvas.setLineWidth(width)
        self.canvas.line(self.left, self.y, right or self.right, self.y)

    def finish(self) -> None:
        """Close the last page, draw the feet and write the file."""
        self._close()
        for page in range(1, self.page + 1):
            self._foot(page)
        self.canvas.save()

    def _close(self) -> None:
        self.canvas.doForm(_foot_of(self.page))
        self.canvas.showPage()

    def _put(self, column: Lines, line: str, y: float) -> None:
        self.canvas.setFont(column.face, column.size)
        self.canvas.setFillGray(column.grey)
        (self.canvas.drawRightString if column.right else self.canvas.drawString)(column.x, y, line)

    def _running_head(self) -> None:
        y = self.height - MARGIN - SMALL
        title = cut(self.document.title, 0.6 * self.inner, SMALL + 1, BOLD)
        office = cut(self.document.office, 0.38 * self.inner, SMALL)
        self._put(Lines((), self.left, SMALL + 1, BOLD), title, y)
        self._put(Lines((), self.right, SMALL, grey=GREY, right=True), office, y)
        self.canvas.setFillGray(0)

    def _foot(self, page: int) -> None:
        words = printable(self.document.words.page % {"page": page, "pages": self.page})
        left = self.inner - width_of(words, SMALL) - 8 * mm
        self.canvas.beginForm(_foot_of(page))
        self.y = MARGIN + 1.6 * SMALL
        self.rule()
        called = cut(f"{self.document.number} · {self.document.title}", left, SMALL)
        self._put(Lines((), self.left, SMALL, grey=GREY), called, MARGIN)
        self._put(Lines((), self.right, SMALL, grey=GREY, right=True), words, MARGIN)
        self.canvas.endForm()


def _foot_of(page: int) -> str:
    return f"foot{page}"
