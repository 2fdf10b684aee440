"""Office papers (minutes, manifests) on Letter sheets: what stands on one, and its PDF, equal bytes for equal papers.

platypus of reportlab breaks the pages; `paper_tables` deals the rows of long tables out to them, `paper_sheet` has the
sheets and the letters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, FrameBreak, HRFlowable, KeepTogether, Spacer
from reportlab.platypus import Table as Grid

from printing.paper_sheet import (
    BOLD,
    GREY,
    HEIGHT,
    RULE,
    TEXT,
    WIDTH,
    Code,
    Sheets,
    build,
    grey,
    paragraph,
    printable,
    width_of,
)
from printing.paper_tables import CELL_SIDE, CELL_SIZE, Column, Listing, Pages, Rows, Table

__all__ = ("Column", "Paper", "Signature", "Table", "draw")

_TAIL = 3  # rows, or lines of a paragraph, that go with the signatures to another page
_GAP = 9 * mm  # between two columns of facts or signatures
_SIGNING, _NAMING = 17 * mm, 8 * mm  # room to sign, and to write a name
_ALL = ((0, 0), (-1, -1))
_CLOSE: list[Any] = [
    ("VALIGN", *_ALL, "TOP"),
    ("FONT", *_ALL, TEXT),  # of empty cells too, or Helvetica would stand in the file, not embedded
    *((f"{side}PADDING", *_ALL, 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
]


@dataclass(frozen=True)
class Signature:
    """A place to sign: `role` as "Entrega", `name` under the line or None for a line to write it, `detail` in small."""

    role: str
    name: str | None
    detail: str | None = None


@dataclass(frozen=True)
class Paper:
    """A paper in order of reading; all texts are plain, nothing in them is markup.

    `office`: lines of the heading, the first is the file's author; `facts`: label and value; `blocks`: tables and
    paragraphs; `code`: text of a QR code at the top right; `footer`: left of every foot; `page_words`: with %(page)s
    and %(pages)s; `language`: BCP 47; `marked`: a word across every page.
    """

    title: str
    office: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Table | str, ...]
    signatures: tuple[Signature, ...] = ()
    code: str | None = None
    footer: str = ""
    page_words: str = "Página %(page)s de %(pages)s"
    language: str = "es-GT"
    marked: str | None = None


def draw(paper: Paper) -> bytes:
    """The paper as a PDF; threads may draw at once.

    PageError for columns wider than the sheet, a row of another length than the columns, a text too long for a code. A
    letter that Vera lacks is printed without its accent, another sign as a question mark.
    """
    author = paper.office[0] if paper.office else ""
    sheets = Sheets(paper.title, author, paper.language, paper.footer, paper.page_words, paper.marked)
    return build(sheets, [*_head(paper), *_facts(paper.facts), *_body(paper)])


def _head(paper: Paper) -> list[Flowable]:
    words: list[Flowable] = [paragraph(line, 8.4, level=GREY) for line in paper.office[1:]]
    if paper.office:
        words.insert(0, paragraph(paper.office[0], 10, BOLD))
    words += [Spacer(0, 4.5 * mm), paragraph(paper.title, 14.5, BOLD)]
    rule = HRFlowable(WIDTH, 1.1, color="black", lineCap="butt", spaceBefore=3 * mm, spaceAfter=3 * mm)
    if paper.code is None:
        return [*words, rule]
    code = Code(paper.code)
    style = [*_CLOSE, ("RIGHTPADDING", (0, 0), (0, 0), _GAP)]
    return [Grid([[words, code]], [WIDTH - code.side, code.side], style=style), rule]


def _facts(facts: Sequence[tuple[str, str]]) -> list[Flowable]:
    """Label and value beside each other, two pairs on a line, a rule below all."""
    if not facts:
        return []
    half = (WIDTH - _GAP) / 2
    label = min(max(width_of(printable(label), CELL_SIZE) for label, _ in facts) + 3 * CELL_SIDE, 0.45 * half)
    rows = Rows((label, half - label, _GAP, label, half - label))
    for left, right in zip_longest(facts[::2], facts[1::2], fillvalue=("", "")):
        rows.add((*left, "", *right))
    labels = [((column, 0), (column, -1)) for column in (0, 3)]
    style = [command for place in labels for command in (("TEXTCOLOR", *place, grey(GREY)), ("LEFTPADDING", *place, 0))]
    rule = HRFlowable(WIDTH, 0.4, color=grey(RULE), lineCap="butt", spaceBefore=2 * mm, spaceAfter=4 * mm)
    return [rows.set(range(len(rows.cells)), style), rule]


def _body(paper: Paper) -> list[Flowable]:
    last = len(paper.blocks) - 1 if paper.signatures else len(paper.blocks)
    parts = [part for block in paper.blocks[:last] for part in _block(block)]
    if not paper.signatures:
        return parts
    alone, here, there = _parted(paper.blocks[last] if paper.blocks else "")
    return [*parts, *alone, _Ending(here, there, _signatures(paper.signatures))]


def _block(block: Table | str) -> list[Flowable]:
    if isinstance(block, str):
        return [paragraph(block, 9.2, after=3 * mm)]
    listing = Listing(block)
    return [Pages(listing, listing.rows.head, listing.last, after=5 * mm)]


def _parted(block: Table | str) -> tuple[list[Flowable], list[Flowable], list[Flowable]]:
    """A block in what may stand alone, and its last lines as they follow that on the same page and on another one."""
    if isinstance(block, Table):
        listing = Listing(block)
        head, first, last = listing.rows.head, listing.end - _TAIL, listing.last
        if first <= head + 1:
            whole = [listing.set(head, last)]
            return [], whole, whole
        return [Pages(listing, head, first)], [listing.set(first, last, headed=False)], [listing.set(first, last)]
    text = paragraph(block, 9.2)
    _, height = text.wrap(WIDTH, HEIGHT)
    pieces: list[Flowable] = [*text.split(WIDTH, height - _TAIL * text.style.leading)] or [Spacer(0, 0), text]
    return pieces[:1], pieces[1:], pieces[1:]


class _Ending(Flowable):
    """The last lines and the signatures, together on this page or on the next."""

    def __init__(self, here: list[Flowable], there: list[Flowable], signatures: list[Flowable]) -> None:
        super().__init__()
        self.here = [*here, *signatures]
        self.there = [*there, KeepTogether(signatures)]

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Never small enough, so that platypus asks for the parts."""
        return width, 10 * HEIGHT

    def split(self, width: float, height: float) -> list[Flowable]:
        """The parts, and a new page before them where they do not fit in `height` points."""
        needed = sum(part.wrap(width, height)[1] for part in self.here)
        return self.here if needed <= height else [FrameBreak(), *self.there]


def _signatures(signatures: Sequence[Signature]) -> list[Flowable]:
    """Places to sign, two on a line."""
    half = (WIDTH - _GAP) / 2
    places = [_place(signature) for signature in signatures]
    lines = [[left, "", right] for left, right in zip_longest(places[::2], places[1::2], fillvalue="")]
    return [Spacer(0, 3 * mm), Grid(lines, [half, _GAP, half], style=_CLOSE)]


def _place(signature: Signature) -> list[Flowable]:
    line = HRFlowable("100%", 0.7, color="black", lineCap="butt", spaceAfter=1 * mm)
    parts: list[Flowable] = [Spacer(0, _SIGNING), line]
    if signature.name is None:
        parts += [Spacer(0, _NAMING), HRFlowable("100%", 0.7, color=grey(RULE), dash=(1, 2), spaceAfter=1 * mm)]
    else:
        parts.append(paragraph(signature.name, 8.8, BOLD))
    parts.append(paragraph(signature.role, 8.8))
    return parts if signature.detail is None else [*parts, paragraph(signature.detail, 7.4, level=GREY)]
