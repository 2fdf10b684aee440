"""Where everything of a chart stands, worked out once for the screen and for paper.

Widths are those of the papers' letters, which are wider than what browsers usually take, so that names that do not meet
on paper do not meet on the screen either.
"""

from collections.abc import Callable
from math import ceil, sqrt

from printing.paper_sheet import BOLD, wrapped
from reports.chart_parts import (
    AIR,
    NAME,
    NUMBER,
    TITLE,
    Bar,
    Curve,
    Drawing,
    Label,
    Mark,
    Plot,
    Rule,
    fitted,
    highest,
    one_line,
    said,
    ticks,
    tone_of,
    totals,
    wide,
    widest,
)
from reports.document import Chart, Shape

_TITLE_LEADING, _KEY_LEADING, _KEY = 12.5, 12.0, 7.0
_PITCH = 1.2 * NAME  # between names below each other
_TURNED_PITCH = _PITCH * sqrt(2)  # along the axis, between names turned by 45 degrees
_LONGEST, _LONGEST_TURNED, _LONGEST_LYING = 110.0, 84.0, 0.36  # points, points, part of the width
_WIDEST_BAR, _BAR = 48.0, 0.72  # points; part of a category's place
_LYING_PITCH, _STANDING, _EMPTY, _SMALLEST = 15.0, 215.0, 110.0, 12.0
_MOST_STEPS, _STEP = 5, 26.0  # of the scale of bars that stand; points, at least
_MOST_NUMBERS = 12  # written along a line, which passes through them

# A bar of a category (place), that begins after `before` points and has a length, of a series (place).
_BarOf = Callable[[int, float, float, int], Bar]


def lay_out(chart: Chart, width: float, height: float, nothing: str) -> Drawing:
    """The chart in a place of that size; `nothing` is what it says when all numbers are zero.

    ValueError for numbers that have no place: negative ones, and when there is not one for each category.
    """
    _check(chart)
    drawing = Drawing(width, height)
    top = _head(chart, drawing)
    (_lying if chart.shape is Shape.LYING else _standing)(chart, drawing, top)
    if not highest(chart):
        drawing.labels.append(Label(width / 2, (top + height) / 2, nothing, NAME, "middle", "pale"))
    return drawing


def natural_height(chart: Chart, width: float) -> float:
    """How high the chart should be at that width."""
    top = _head(chart, Drawing(width, 0))
    if not highest(chart):
        return top + _EMPTY
    if chart.shape is Shape.LYING:
        return top + max(1, len(chart.categories)) * _LYING_PITCH + NAME + 3 * AIR
    return top + _STANDING


def _check(chart: Chart) -> None:
    for series in chart.series:
        if len(series.values) != len(chart.categories):
            raise ValueError(f"{len(series.values)} numbers of {series.name} for {len(chart.categories)} categories")
        if min(series.values, default=0) < 0:
            raise ValueError(f"a negative number of {series.name}, which has no bar")


def _head(chart: Chart, drawing: Drawing) -> float:
    """Title and, with several series, their colours; gives where the plot begins."""
    title, y = one_line(chart.title), 0.0
    for line in [title] if wide(title, TITLE, BOLD) <= drawing.width else wrapped(title, drawing.width, TITLE, BOLD):
        drawing.labels.append(Label(0, y + TITLE, line, TITLE, look="title"))
        y += _TITLE_LEADING
    return (_legend(chart, drawing, y + AIR) if len(chart.series) > 1 else y) + 2 * AIR


def _legend(chart: Chart, drawing: Drawing, y: float) -> float:
    x, side = 0.0, 3 * _KEY if chart.shape is Shape.LINE else _KEY
    for place, series in enumerate(chart.series):
        name, full = fitted(series.name, drawing.width / 2 - side - AIR)
        across = side + AIR + wide(name, NAME)
        if x and x + across > drawing.width:
            x, y = 0.0, y + _KEY_LEADING
        if chart.shape is Shape.LINE:
            drawing.curves.append(Curve(((x, y + _KEY / 2), (x + side, y + _KEY / 2)), tone_of(place)))
            drawing.marks.append(Mark(x + side / 2, y + _KEY / 2, tone_of(place)))
        else:
            drawing.bars.append(Bar(x, y, side, _KEY, tone_of(place)))
        drawing.labels.append(Label(x + side + AIR, y + _KEY - 0.7, name, NAME, full=full))
        x += across + 3.5 * AIR
    return y + _KEY_LEADING


def _standing(chart: Chart, drawing: Drawing, top: float) -> None:
    """Bars that stand, or lines: numbers at the left, names below."""
    scales = [ticks(highest(chart), steps) for steps in range(1, _MOST_STEPS + 1)]
    left, count = max(map(widest, scales)) + 1.5 * AIR, max(1, len(chart.categories))
    pitch, length = _manner(chart, (drawing.width - left - AIR) / count)
    turned = pitch == _TURNED_PITCH
    reach = length / sqrt(2) if turned else length / 2 if pitch else 0.0  # of the first name, to the left
    below = (length / sqrt(2) if turned else 0.0) + NAME + 1.5 * AIR
    bottom = max(drawing.height - below, top + NUMBER + _SMALLEST)
    plot = Plot(
        left=max(left, reach),
        top=top + NUMBER,
        right=drawing.width - (AIR if turned else max(AIR, reach)),
        bottom=bottom,
        scale=scales[max(0, min(_MOST_STEPS, int((bottom - top - NUMBER) / _STEP)) - 1)],
    )
    for number in plot.scale:
        y = plot.bottom - plot.up(number)
        drawing.rules.append(Rule((plot.left, y), (plot.right, y), axis=number == 0))
        drawing.labels.append(Label(plot.left - AIR, y + 0.35 * NUMBER, f"{number:,}", NUMBER, "end", "pale"))
    slot = plot.width / count
    _names_below(chart, drawing, plot, slot, ceil(pitch / slot) or 1, turned=turned)
    (_curves if chart.shape is Shape.LINE else _standing_bars)(chart, drawing, plot, slot)


def _manner(chart: Chart, slot: float) -> tuple[float, float]:
    """How far from each other names have to be, 0 when they fit in places `slot` wide, and how long the longest is.

    Days may be skipped, so a line over days keeps them level; names of other things are turned before they are skipped.
    """
    longest = max((wide(fitted(name, _LONGEST)[0], NAME) for name in chart.categories), default=0.0)
    if longest + AIR <= slot:
        return 0.0, longest
    if chart.shape is Shape.LINE:
        return longest + 2 * AIR, longest
    return _TURNED_PITCH, min(longest, _LONGEST_TURNED)


def _names_below(chart: Chart, drawing: Drawing, plot: Plot, slot: float, every: int, *, turned: bool) -> None:
    y = plot.bottom + NAME + 0.5 * AIR
    for at in range(0, len(chart.categories), every):
        name, full = fitted(chart.categories[at], _LONGEST_TURNED if turned else _LONGEST)
        x = plot.left + (at + 0.5) * slot
        if turned:
            drawing.labels.append(Label(x + NAME / 2, y, name, NAME, "end", turned=True, full=full))
        else:
            drawing.labels.append(Label(x, y, name, NAME, "middle", full=full))


def _standing_bars(chart: Chart, drawing: Drawing, plot: Plot, slot: float) -> None:
    width = min(_WIDEST_BAR, _BAR * slot)

    def bar(at: int, before: float, length: float, place: int) -> Bar:
        x = plot.left + (at + 0.5) * slot - width / 2
        return Bar(x, plot.bottom - before - length, width, length, tone_of(place), said(chart, place, at))

    ends = _stack(chart, drawing, plot.up, bar)
    numbers = totals(chart)
    if any(numbers) and widest(numbers) + AIR / 2 <= slot:
        for at, (end, number) in enumerate(zip(ends, numbers, strict=True)):
            x, y = plot.left + (at + 0.5) * slot, plot.bottom - end - AIR / 2
            drawing.labels.append(Label(x, y, f"{number:,}", NUMBER, "middle", "number"))


def _stack(chart: Chart, drawing: Drawing, length_of: Callable[[int], float], bar: _BarOf) -> list[float]:
    """Draw the series of each category one after the other; gives how far each category reaches."""
    ends = [0.0] * len(chart.categories)
    for place, series in enumerate(chart.series):
        for at, value in enumerate(series.values):
            length = length_of(value)
            if value:
                drawing.bars.append(bar(at, ends[at], length, place))
            ends[at] += length
    return ends


def _curves(chart: Chart, drawing: Drawing, plot: Plot, slot: float) -> None:
    for place, series in enumerate(chart.series):
        points = [
            (plot.left + (at + 0.5) * slot, plot.bottom - plot.up(value)) for at, value in enumerate(series.values)
        ]
        drawing.curves.append(Curve(tuple(points), tone_of(place)))
        drawing.marks += [Mark(x, y, tone_of(place), said(chart, place, at)) for at, (x, y) in enumerate(points)]
        if len(chart.series) == 1 and len(points) <= _MOST_NUMBERS and widest(series.values) + AIR <= slot:
            for (x, y), value in zip(points, series.values, strict=True):
                drawing.labels.append(Label(x, y - 1.3 * AIR, f"{value:,}", NUMBER, "middle", "number"))


def _lying(chart: Chart, drawing: Drawing, top: float) -> None:
    """Bars that lie: names at the left, numbers below."""
    names = [fitted(name, _LONGEST_LYING * drawing.width) for name in chart.categories]
    left = max((wide(name, NAME) for name, _ in names), default=0.0) + 1.5 * AIR
    room = max(drawing.width - left - widest(totals(chart)) - 2 * AIR, _SMALLEST)
    steps = int(room / (widest([10 * highest(chart)]) + 2 * AIR))
    bottom = max(drawing.height - NAME - 2 * AIR, top + _SMALLEST)
    plot = Plot(left, top, left + room, bottom, ticks(highest(chart), max(1, min(6, steps))))
    for number in plot.scale:
        x = plot.left + plot.along(number)
        drawing.rules.append(Rule((x, plot.top), (x, plot.bottom), axis=number == 0))
        drawing.labels.append(Label(x, plot.bottom + NUMBER + AIR / 2, f"{number:,}", NUMBER, "middle", "pale"))
    slot = plot.height / max(1, len(names))
    for at in range(0, len(names), ceil(_PITCH / slot)):
        y = plot.top + (at + 0.5) * slot + 0.35 * NAME
        drawing.labels.append(Label(plot.left - AIR, y, names[at][0], NAME, "end", full=names[at][1]))
    _lying_bars(chart, drawing, plot, slot)


def _lying_bars(chart: Chart, drawing: Drawing, plot: Plot, slot: float) -> None:
    width = _BAR * slot

    def bar(at: int, before: float, length: float, place: int) -> Bar:
        y = plot.top + (at + 0.5) * slot - width / 2
        return Bar(plot.left + before, y, length, width, tone_of(place), said(chart, place, at))

    ends = _stack(chart, drawing, plot.along, bar)
    if any(ends) and slot >= _PITCH:
        for at, (end, number) in enumerate(zip(ends, totals(chart), strict=True)):
            x, y = plot.left + end + AIR, plot.top + (at + 0.5) * slot + 0.35 * NUMBER
            drawing.labels.append(Label(x, y, f"{number:,}", NUMBER, "start", "number"))
