"""Charts of reports: as SVG in a page, whose colours are in app/static/charts.css, and on a page of a PDF.

Drawn here rather than by a library of charts: those of the screen want scripts or styles in the page, which its policy
forbids, reportlab's is for paper alone, and the same report should not look different on both.
"""

import re
from functools import partial
from html import escape
from math import cos, pi, sin
from typing import Final, NamedTuple

from reportlab.pdfgen.canvas import Canvas

from printing.paper_sheet import BOLD, TEXT, printable
from reports.chart_layout import lay_out, natural_height
from reports.chart_parts import Bar, Curve, Drawing, Label, Look, Mark, Point, Rule, one_line, said
from reports.document import Chart, Words

__all__ = ["draw", "natural_height", "svg"]

_WIDTH = 560.0  # of the screen's drawing, whose letters so become about as large as the page's
_MOST_SAID = 60  # numbers read out one by one
_RADIUS = 2.3  # of marks
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2


class Colours(NamedTuple):
    """A surface and, where that is too pale beside white paper, its edge."""

    surface: str
    edge: str


# Greys of 5 steps of 100 between any two, of 18 between neighbours, and apart for eyes that lack red, green or blue.
# charts.css repeats them.
TONE_COLOURS = (
    Colours("#0f559f", "#0f559f"),
    Colours("#f6bf4f", "#8a5a00"),
    Colours("#049673", "#049673"),
    Colours("#45195c", "#45195c"),
    Colours("#79bdf0", "#2d6f9e"),
    Colours("#bb584e", "#bb584e"),
    Colours("#dcebab", "#6b7a2e"),
    Colours("#dc6fac", "#9c3f74"),
)
DASHES = ((), (6, 2), (2.5, 1.5), (8, 2, 2, 2), (4, 3), (10, 2), (1.2, 1.2), (6, 2, 2, 2, 2, 2))  # of the curves
# Of the marks: corners, direction of the first. Many make a circle, then square, triangle, rhombus and so on.
_MARKS = ((16, 0.0), (4, pi / 4), (3, pi / 2), (4, 0.0), (3, -pi / 2), (5, pi / 2), (6, 0.0), (5, -pi / 2))
_GREYS: dict[Look, float] = {"title": 0.0, "name": 0.0, "number": 0.0, "pale": 0.36}
_GRID, _AXIS = 0.84, 0.35  # of white
_HALO = 2.2  # points around a number
_OUTLINE: Final = 1  # as PDF is told to draw only the outlines of letters


def svg(chart: Chart, width: float = _WIDTH, height: float | None = None, *, words: Words | None = None) -> str:
    """The chart as an `svg` element to be put into a page, as large as its place; ValueError as `lay_out`."""
    said = words or Words()
    drawing = lay_out(chart, width, height or natural_height(chart, width), said.nothing)
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}"',
        f' role="img">{_named("title", one_line(chart.title))}{_named("desc", _described(chart, said.total))}',
        *map(_rule, drawing.rules),
        *map(_bar, drawing.bars),
        *map(_curve, drawing.curves),
        *map(_mark, drawing.marks),
        *map(_label, drawing.labels),
        "</svg>",
    ])  # fmt: skip


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _named(element: str, text: str) -> str:
    return f"<{element}>{escape(_FORBIDDEN.sub(' ', text))}</{element}>" if text else ""


def _described(chart: Chart, total: str) -> str:
    """The numbers in words; of many only their sums."""
    if len(chart.series) * len(chart.categories) <= _MOST_SAID:
        return "; ".join(said(chart, place, at) for place in range(len(chart.series)) for at in _places(chart))
    return "; ".join(f"{one_line(series.name)}, {total}: {sum(series.values):,}" for series in chart.series)


def _places(chart: Chart) -> range:
    return range(len(chart.categories))


def _rule(rule: Rule) -> str:
    (x1, y1), (x2, y2) = rule.start, rule.end
    look = "axis" if rule.axis else "step"
    return f'<line class="chart-{look}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _bar(bar: Bar) -> str:
    place = f'x="{_n(bar.x)}" y="{_n(bar.y)}" width="{_n(bar.width)}" height="{_n(bar.height)}"'
    return f'<rect class="chart-bar chart-{bar.tone}" {place}>{_named("title", bar.says)}</rect>'


def _curve(curve: Curve) -> str:
    dashes = " ".join(map(_n, DASHES[curve.tone - 1]))
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline class="chart-curve chart-{curve.tone}" points="{_joined(curve.points)}"{dashed}/>'


def _mark(mark: Mark) -> str:
    points = _joined(outline(mark))
    return f'<polygon class="chart-mark chart-{mark.tone}" points="{points}">{_named("title", mark.says)}</polygon>'


def _joined(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _label(label: Label) -> str:
    x, y = _n(label.x), _n(label.y)
    turned = f' transform="rotate(-45 {x} {y})"' if label.turned else ""
    place = f'x="{x}" y="{y}" font-size="{_n(label.size)}" text-anchor="{label.anchor}"{turned}'
    text = escape(_FORBIDDEN.sub(" ", label.text))
    return f'<text class="chart-text chart-{label.look}" {place}>{text}{_named("title", label.full or "")}</text>'


def outline(mark: Mark) -> tuple[Point, ...]:
    """The corners of a mark."""
    corners, first = _MARKS[mark.tone - 1]
    radius = _RADIUS * (1.0 if corners > 6 else 1.3)
    angles = [first + 2 * pi * at / corners for at in range(corners)]
    return tuple((mark.x + radius * cos(angle), mark.y - radius * sin(angle)) for angle in angles)


def draw(
    chart: Chart, canvas: Canvas, x: float, y: float, width: float, height: float, *, words: Words | None = None
) -> None:
    """Draw the chart into the place whose lower left corner is at `x`, `y`; ValueError as `lay_out`."""
    drawing = lay_out(chart, width, height, (words or Words()).nothing)
    canvas.saveState()
    canvas.translate(x, y + height)
    canvas.setLineJoin(1)
    for painter in (_paint_rules, _paint_bars, _paint_curves, _paint_marks, _paint_labels):
        painter(canvas, drawing)
    canvas.restoreState()


def _paint_rules(canvas: Canvas, drawing: Drawing) -> None:
    for rule in sorted(drawing.rules, key=lambda rule: rule.axis):
        canvas.setStrokeGray(_AXIS if rule.axis else _GRID)
        canvas.setLineWidth(0.7 if rule.axis else 0.4)
        canvas.line(rule.start[0], -rule.start[1], rule.end[0], -rule.end[1])


def _paint_bars(canvas: Canvas, drawing: Drawing) -> None:
    canvas.setLineWidth(0.5)
    for bar in drawing.bars:
        _take(canvas, bar.tone)
        canvas.rect(bar.x, -bar.y - bar.height, bar.width, bar.height, stroke=1, fill=1)


def _take(canvas: Canvas, tone: int) -> None:
    canvas.setFillColor(TONE_COLOURS[tone - 1].surface)
    canvas.setStrokeColor(TONE_COLOURS[tone - 1].edge)


def _paint_curves(canvas: Canvas, drawing: Drawing) -> None:
    canvas.setLineWidth(1.3)
    for curve in drawing.curves:
        canvas.setStrokeColor(TONE_COLOURS[curve.tone - 1].edge)
        canvas.setDash(list(DASHES[curve.tone - 1]))
        _path(canvas, curve.points, stroke=1, fill=0)
    canvas.setDash([])


def _paint_marks(canvas: Canvas, drawing: Drawing) -> None:
    canvas.setLineWidth(0.7)
    for mark in drawing.marks:
        _take(canvas, mark.tone)
        _path(canvas, outline(mark), stroke=1, fill=1)


def _path(canvas: Canvas, points: tuple[Point, ...], *, stroke: int, fill: int) -> None:
    path = canvas.beginPath()
    for at, (x, y) in enumerate(points):
        (path.lineTo if at else path.moveTo)(x, -y)
    if fill:
        path.close()
    canvas.drawPath(path, stroke=stroke, fill=fill)


def _paint_labels(canvas: Canvas, drawing: Drawing) -> None:
    canvas.setStrokeGray(1)
    canvas.setLineWidth(_HALO)
    for label in drawing.labels:
        write = partial(_WRITERS[label.anchor], canvas, 0, 0, printable(label.text))
        canvas.saveState()
        canvas.setFont(BOLD if label.look == "title" else TEXT, label.size)
        canvas.setFillGray(_GREYS[label.look])
        canvas.translate(label.x, -label.y)
        canvas.rotate(45 if label.turned else 0)
        if label.look == "number":  # over bars and lines
            write(mode=_OUTLINE)
        write()
        canvas.restoreState()


_WRITERS = {"start": Canvas.drawString, "middle": Canvas.drawCentredString, "end": Canvas.drawRightString}
