"""The ground of office papers: letters and their widths, Letter sheets with head, foot and page numbers, QR codes.

reportlab keeps the letters that a document uses apart for each document, but cuts all subsets with one read position in
the font's file, so that two documents finished at once spoil each other's letters. The obvious cure, one lock around
the drawing, would let a long list hold up every other paper; here only the cutting waits its turn.
"""

import io
import re
import unicodedata
from dataclasses import dataclass
from functools import partial
from math import atan2, degrees, hypot
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

import zxingcpp
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

from printing.geometry import PageError

TEXT, BOLD = "Paper", "PaperBold"
_CUTTING = Lock()  # held while a document's letters are cut out of a font
_TYPOGRAPHIC = str.maketrans({"\u2011": "-", "№": "Nº"} | dict.fromkeys("ʼꞌʹʾ", "’"))
MARGIN = 18 * mm
WIDTH = LETTER[0] - 2 * MARGIN
FOOT, RUNNING = 9 * mm, 9 * mm  # kept for the foot of each page, for the head of the later ones
HEIGHT = LETTER[1] - 2 * MARGIN - FOOT - RUNNING  # of a later page, the lower ones
GREY, RULE, PALE = 0.38, 0.62, 0.90  # of white; the text that matters is black
_SMALL, _LEADING, _FOOT_LINES = 7.0, 8.6, 2  # of the foot: points, points, how many at most
_MODULE, _SMALLEST_CODE, _LARGEST_CODE = 0.6 * mm, 24 * mm, 44 * mm
_BLACK = re.compile(rb"\0+")


class PaperFont(TTFont):
    """A TrueType font that several documents may use at the same time."""

    def addObjects(self, doc: PDFDocument) -> None:
        """Cut the subset of one document at a time and embed it."""
        with _CUTTING:
            super().addObjects(doc)


def _register(name: str, file: str) -> frozenset[int]:
    """The characters of a face, once it is known to reportlab."""
    font = PaperFont(name, file)
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


# While the module is imported, not at the first paper: two threads would register two fonts under one name.
_PRINTABLE = _register(TEXT, "Vera.ttf") & _register(BOLD, "VeraBd.ttf")


def printable(text: str) -> str:
    """The text composed; a letter that Vera lacks loses its accent, a sign that it lacks becomes a question mark."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).translate(_TYPOGRAPHIC)
    return "".join(map(_printable_sign, composed))


def _printable_sign(sign: str) -> str:
    if sign == "\n" or (ord(sign) in _PRINTABLE and sign.isprintable()):
        return sign
    if unicodedata.category(sign) == "Cf":  # without a width of its own, or turning the direction of what follows
        return ""
    if unicodedata.category(sign)[0] in "CZ":
        return " "
    plain = (part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    return "".join(part for part in plain if ord(part) in _PRINTABLE) or "?"


def width_of(text: str, size: float, face: str = TEXT) -> float:
    """Width of one line in points."""
    return pdfmetrics.stringWidth(text, face, size)


def wrapped(text: str, width: float, size: float, face: str = TEXT) -> list[str]:
    """The printable text in lines no wider than `width`: broken at blanks, and inside a word that is wider alone."""
    return [line for part in printable(text).split("\n") for line in _broken(part, width, size, face)]


def _broken(text: str, width: float, size: float, face: str) -> list[str]:
    if width_of(text, size, face) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if width_of(joined, size, face) <= width:
            line = joined
            continue
        *full, line = ([line] if line else []) + _pieces(word, width, size, face)
        lines += full
    return [*lines, line]


def _pieces(word: str, width: float, size: float, face: str) -> list[str]:
    pieces, piece = [], ""
    for sign in word:
        if piece and width_of(piece + sign, size, face) > width:
            pieces.append(piece)
            piece = ""
        piece += sign
    return [*pieces, piece]


def cut(text: str, width: float, size: float, face: str = TEXT) -> str:
    """The text in one line, its end left out for an ellipsis when it is wider."""
    line = " ".join(printable(text).split())
    if width_of(line, size, face) <= width:
        return line
    while line and width_of(line + "…", size, face) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def grey(level: float) -> Color:
    """A grey as the styles of platypus take it: 0 black, 1 white."""
    return Color(level, level, level)


def paragraph(text: str, size: float, face: str = TEXT, level: float = 0.0, after: float = 0.0) -> Paragraph:
    """A paragraph of plain text as wide as its place, `after` points of space below it; line ends stay."""
    look = ParagraphStyle(
        "", fontName=face, fontSize=size, leading=1.36 * size, textColor=grey(level), spaceAfter=after
    )
    return Paragraph(escape(printable(text)).replace("\n", "<br/>"), look)


class Code(Flowable):
    """A QR code: unlike the page's DataMatrix, every phone's camera reads it. PageError for a text too long for one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        try:
            symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        except ValueError as error:
            raise PageError(f"a text of {len(text)} characters makes no code: {error}") from error
        image: Any = symbol.to_image(scale=1, add_quiet_zones=False)  # a buffer, which its stub does not say
        self.modules: int = image.shape[0]
        self.pixels = memoryview(image).tobytes()
        self.side = min(max(self.modules * _MODULE, _SMALLEST_CODE), _LARGEST_CODE)

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """As large as its modules need."""
        return self.side, self.side

    def draw(self) -> None:
        """Fill one path, a rectangle for each run of black, so that no seams show."""
        step, path = self.side / self.modules, self.canv.beginPath()
        for row in range(self.modules):
            for run in _BLACK.finditer(self.pixels, row * self.modules, (row + 1) * self.modules):
                start, length = run.start() - row * self.modules, len(run[0])
                path.rect(start * step, self.side - (row + 1) * step, length * step, step)
        self.canv.setFillGray(0)
        self.canv.drawPath(path, stroke=0, fill=1)


@dataclass(frozen=True)
class Sheets:
    """What every sheet of a paper shows, and what the file says of itself; texts as `printing.papers.Paper`."""

    title: str
    author: str
    language: str
    footer: str
    page_words: str
    marked: str | None


def build(sheets: Sheets, story: list[Flowable]) -> bytes:
    """Break the story into sheets and return the PDF, the same bytes for the same story."""
    target = io.BytesIO()
    document = BaseDocTemplate(
        target,
        pagesize=LETTER,
        invariant=1,
        initialFontName=TEXT,
        title=sheets.title,
        author=sheets.author,
        lang=sheets.language,
        pageTemplates=[
            PageTemplate("first", _frame(HEIGHT + RUNNING), partial(_open, sheets), autoNextPageTemplate="later"),
            PageTemplate("later", _frame(HEIGHT), partial(_open_later, sheets)),
        ],
    )
    document.build(story, canvasmaker=partial(_CountedCanvas, sheets=sheets))
    return target.getvalue()


def _frame(height: float) -> Frame:
    return Frame(MARGIN, MARGIN + FOOT, WIDTH, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)


def _open(sheets: Sheets, canvas: Canvas, _document: object) -> None:
    canvas.setViewerPreference("DisplayDocTitle", "true")
    if sheets.marked:
        _mark(canvas, printable(sheets.marked))


def _open_later(sheets: Sheets, canvas: Canvas, document: object) -> None:
    _open(sheets, canvas, document)
    top = LETTER[1] - MARGIN
    title = cut(sheets.title, WIDTH * 0.58, _SMALL + 1, BOLD)
    canvas.setFont(BOLD, _SMALL + 1)
    canvas.drawString(MARGIN, top - _SMALL, title)
    canvas.setFont(TEXT, _SMALL)
    canvas.setFillGray(GREY)
    canvas.drawRightString(MARGIN + WIDTH, top - _SMALL, cut(sheets.author, WIDTH * 0.40, _SMALL))
    _rule(canvas, top - _SMALL - 4)


def _mark(canvas: Canvas, word: str) -> None:
    """A pale word from corner to corner, below everything else."""
    width, height = LETTER
    size = min(150.0, 0.72 * hypot(width, height) / max(width_of(word, 1, BOLD), 0.1))
    canvas.saveState()
    canvas.setFillGray(PALE)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(degrees(atan2(height, width)))
    canvas.setFont(BOLD, size)
    canvas.drawCentredString(0, -0.36 * size, word)
    canvas.restoreState()


def _rule(canvas: Canvas, y: float) -> None:
    canvas.setStrokeGray(RULE)
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, y, MARGIN + WIDTH, y)


class _CountedCanvas(Canvas):
    """A canvas that closes its pages at the end, when their number is known; platypus would lay all out twice."""

    def __init__(self, *arguments: Any, sheets: Sheets, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sheets = sheets
        self._open_pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Put the page aside and start another."""
        self._open_pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Write the foot of every page, then the file."""
        for page in self._open_pages:
            self.__dict__.update(page)
            self._foot(len(self._open_pages))
            super().showPage()
        super().save()

    def _foot(self, pages: int) -> None:
        words = printable(self._sheets.page_words % {"page": self.getPageNumber(), "pages": pages})
        left = WIDTH - width_of(words, _SMALL) - 6 * mm
        baseline = MARGIN + FOOT - 5 * mm
        _rule(self, baseline + _LEADING)
        self.setFillGray(GREY)
        self.setFont(TEXT, _SMALL)
        self.drawRightString(MARGIN + WIDTH, baseline, words)
        lines = wrapped(self._sheets.footer, left, _SMALL)
        if len(lines) > _FOOT_LINES:
            lines[_FOOT_LINES - 1 :] = [cut(" ".join(lines[_FOOT_LINES - 1 :]), left, _SMALL)]
        for line in lines:
            self.drawString(MARGIN, baseline, line)
            baseline -= _LEADING
