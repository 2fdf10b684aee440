"""What a chart is made of before anybody draws it: bars, lines, marks, texts; its scale and how its texts are fitted.

All lengths are points, counted from the upper left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from printing.paper_sheet import TEXT, cut, printable, width_of
from reports.document import Chart, Shape

TONES = 8  # colours; a ninth series begins again with the first
TITLE, NAME, NUMBER = 9.5, 7.5, 7.0  # sizes of letters
AIR = 4.0  # between what stands side by side

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
Look = Literal["title", "name", "number", "pale"]


@dataclass(frozen=True)
class Label:
    """A line of text from, around or up to `x` on the base line `y`; turned, it rises by 45 degrees.

    `full` is the whole text where only its beginning had room.
    """

    x: float
    y: float
    text: str
    size: float
    anchor: Anchor = "start"
    look: Look = "name"
    turned: bool = False
    full: str | None = None


@dataclass(frozen=True)
class Rule:
    """A straight line: where the bars begin or, pale, a step of the scale."""

    start: Point
    end: Point
    axis: bool = False


@dataclass(frozen=True)
class Bar:
    """A filled rectangle in one of the eight colours; `says` is what it means in words."""

    x: float
    y: float
    width: float
    height: float
    tone: int
    says: str = ""


@dataclass(frozen=True)
class Curve:
    """The line of a series."""

    points: tuple[Point, ...]
    tone: int


@dataclass(frozen=True)
class Mark:
    """A point of a curve; its shape tells the series too."""

    x: float
    y: float
    tone: int
    says: str = ""


@dataclass
class Drawing:
    """All of a chart. Bars and marks that only explain the colours stand in the same lists and say nothing."""

    width: float
    height: float
    rules: list[Rule] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class Plot:
    """The place of the data, and the numbers written along the side on which they are measured."""

    left: float
    top: float
    right: float
    bottom: float
    scale: list[int]

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def up(self, value: int) -> float:
        """The length of a value that stands."""
        return value / self.scale[-1] * self.height

    def along(self, value: int) -> float:
        """The length of a value that lies."""
        return value / self.scale[-1] * self.width


def ticks(most: int, steps: int) -> list[int]:
    """From 0 to `most` or the step above it, in at most `steps` steps of 1, 2 or 5 times a power of ten."""
    step, at = 1, 0
    while step * steps < most:
        at += 1
        step = (1, 2, 5)[at % 3] * 10 ** (at // 3)
    return [place * step for place in range(max(1, ceil(most / step)) + 1)]


def totals(chart: Chart) -> list[int]:
    """Of each category, all series together."""
    return [sum(values) for values in zip(*(series.values for series in chart.series), strict=True)]


def highest(chart: Chart) -> int:
    """The largest number that has to be shown: bars stand on each other, lines do not."""
    if chart.shape is Shape.LINE:
        return max((value for series in chart.series for value in series.values), default=0)
    return max(totals(chart), default=0)


def one_line(text: str) -> str:
    """The text with single blanks for all that separates words."""
    return " ".join(text.split())


def wide(text: str, size: float, face: str = TEXT) -> float:
    """The width that a text takes on paper, where signs that the font lacks are replaced."""
    return width_of(printable(text), size, face)


def widest(numbers: Sequence[int]) -> float:
    """The width of the longest of the numbers."""
    return max((wide(f"{number:,}", NUMBER) for number in numbers), default=0.0)


def fitted(text: str, room: float) -> tuple[str, str | None]:
    """A name in one line and, where only its beginning fits, the whole."""
    text = one_line(text)
    return (text, None) if wide(text, NAME) <= room else (cut(text, room, NAME), text)


def tone_of(place: int) -> int:
    """The colour of the series at that place, from 0."""
    return place % TONES + 1


def said(chart: Chart, place: int, at: int) -> str:
    """A number in words: "Guatemala, Ordinario: 1,234"."""
    series = chart.series[place]
    names = [chart.categories[at], series.name] if len(chart.series) > 1 else [chart.categories[at]]
    return f"{', '.join(map(one_line, names))}: {series.values[at]:,}"
