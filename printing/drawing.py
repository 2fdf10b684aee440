"""Drawing operators in millimetres: text that fits its place, lines, pictures."""

import zlib
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from printing.fonts import EmbeddedFont, PageFonts
from printing.geometry import Box, PageError, PageGeometry
from printing.pdf import POINTS_PER_MM, PdfDocument, Picture, number

BLACK = "0 g"  # the black ink alone: reads in infra-red
INK = "0.09 0.11 0.16 rg"
LABEL = "0.22 0.34 0.52 rg"
PALE = "0.88 0.90 0.93 rg"
SQUEEZE, LAST_SQUEEZE = 0.88, 0.70
FULL, SMALLEST_ALONE, SMALLEST = 2.75, 2.0, 1.2
HEIGHT = 3.9  # of all lines of a broken value together


class DoesNotFit(PageError):
    """A text too long for its place even in the smallest print."""


@dataclass(frozen=True)
class Line:
    """A line of text: font size in millimetres, `squeeze` the part of its natural width."""

    text: str
    size: float
    squeeze: float


def fitted(text: str, font: EmbeddedFont, width: float) -> list[Line]:
    """Up to three lines that fit `width`: first narrower, then smaller, then broken at blanks; DoesNotFit else."""
    whole = _line(text, font, width, FULL, SQUEEZE)
    if whole.size >= SMALLEST_ALONE:
        return [whole]
    for count, squeeze in ((2, SQUEEZE), (3, SQUEEZE), (3, LAST_SQUEEZE)):
        pieces = _broken(text, font, count)
        size = min(_line(piece, font, width, HEIGHT / count, squeeze).size for piece in pieces)
        if size >= SMALLEST:
            return [_line(piece, font, width, size, squeeze) for piece in pieces]
    raise DoesNotFit(f"{text!r} does not fit in {width} mm")


def _line(text: str, font: EmbeddedFont, width: float, largest: float, squeeze: float) -> Line:
    natural = max(font.width(text), 1e-6)
    size = min(largest, width / (natural * squeeze))
    return Line(text, size, min(1.0, width / (natural * size)))


def _broken(text: str, font: EmbeddedFont, count: int) -> list[str]:
    """The text in `count` pieces as equal as can be, broken at blanks, or anywhere when it has too few."""
    words = text.split(" ")
    if len(words) < count:
        length = -(-len(text) // count)
        return [text[at : at + length].strip() for at in range(0, len(text), length)]
    cuts = combinations(range(1, len(words)), count - 1)
    breaks = ([" ".join(words[a:b]) for a, b in pairwise((0, *cut, len(words)))] for cut in cuts)
    return min(breaks, key=lambda pieces: max(map(font.width, pieces)))


def written(fonts: PageFonts, x: float, baseline: float, line: Line, face: str, colour: str) -> str:
    """The operators that write a line."""
    font: EmbeddedFont = getattr(fonts, face)
    place = f"1 0 0 1 {number(x)} {number(baseline)} Tm {number(line.squeeze * 100)} Tz"
    return f"BT {colour} /{face} {number(line.size)} Tf {place} <{font.codes(line.text)}> Tj ET"


@dataclass
class Sheet:
    """One page being drawn; `finish` adds it to the document."""

    pdf: PdfDocument
    geometry: PageGeometry
    fonts: PageFonts
    _operators: list[str] = field(default_factory=list)
    _pictures: dict[str, int] = field(default_factory=dict)

    def draw(self, operators: str) -> None:
        """Add operators as they are."""
        self._operators.append(operators)

    def text(self, x: float, baseline: float, line: Line, face: str = "text", colour: str = INK) -> None:
        """Write a line; `face` is mrz, text or bold."""
        self.draw(written(self.fonts, x, baseline, line, face, colour))

    def picture(self, picture: Picture, box: Box) -> None:
        """Draw a picture in the middle of a box, as large as fits, never stretched."""
        name = f"P{len(self._pictures)}"
        self._pictures[name] = picture.number
        at = box.fitted(picture.width, picture.height)
        matrix = f"{number(at.width)} 0 0 {number(at.height)} {number(at.x)} {number(at.y)}"
        self.draw(f"q {matrix} cm /{name} Do Q")

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, colour: str = LABEL) -> None:
        """Draw a straight line."""
        path = f"{number(start[0])} {number(start[1])} m {number(end[0])} {number(end[1])} l S"
        self.draw(f"{number(width)} w {colour.upper()} {path}")

    def outline(self, box: Box, width: float = 0.1) -> None:
        """Draw the edge of a box."""
        edges = " ".join(map(number, (box.x, box.y, box.width, box.height)))
        self.draw(f"{number(width)} w 0 G {edges} re S")

    def drawn(self) -> str:
        """The operators so far."""
        return "\n".join(self._operators)

    def finish(self, fonts: dict[str, int]) -> None:
        """Add the page with everything drawn."""
        content = f"{_matrix(self.geometry)}\n{self.drawn()}".encode("ascii")
        stream = self.pdf.add_stream("/Filter/FlateDecode", zlib.compress(content, 1))
        size = (self.geometry.width * POINTS_PER_MM, self.geometry.height * POINTS_PER_MM)
        self.pdf.add_page(size, stream, fonts, self._pictures)


def _matrix(geometry: PageGeometry) -> str:
    """From millimetres of the upright page to points of the printer's sheet."""
    scale, x, y = POINTS_PER_MM, geometry.offset_x, geometry.offset_y
    if geometry.rotation == 180:
        scale, x, y = -scale, geometry.width + x, geometry.height + y
    return f"{scale:.8f} 0 0 {scale:.8f} {number(x * POINTS_PER_MM)} {number(y * POINTS_PER_MM)} cm"
