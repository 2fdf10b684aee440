"""The charts of a report, from all its lines: by day or month in their order, others from largest to smallest."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from models.text import N_
from reports import reading
from reports.declaration import Asked, ChartOf, Report
from reports.document import Chart, Series, Shape
from reports.names import Names
from reports.presenting import Translate

#: Of more days than this a chart shows months; of fewer, the days without lines too.
DAYS_DRAWN = 92
#: A lying chart shows so many bars; the others are added up.
BARS_DRAWN = 25

Numbers = dict[tuple[Any, str], int]


def charts(session: Session, asked: Asked, names: Names, translate: Translate) -> tuple[Chart, ...]:
    """The declared charts of a question; none of those that would show nothing."""
    drawn = (_chart(session, asked, each, names, translate) for each in asked.report.charts)
    return tuple(chart for chart in drawn if chart is not None)


def _chart(session: Session, asked: Asked, chart: ChartOf, names: Names, translate: Translate) -> Chart | None:
    numbers = _numbers(session, asked, chart, names, translate)
    if not any(numbers.values()):
        return None
    dated = isinstance(next(iter(numbers))[0], dt.date)
    numbers, categories, shown = _calendar(numbers) if dated else _ranking(numbers, translate(N_("Others")))
    title = translate(chart.title)
    series = tuple(
        Series(name or title, tuple(numbers.get((category, name), 0) for category in categories))
        for name in sorted({name for _category, name in numbers})
    )
    return Chart(title, chart.shape if dated else Shape.LYING, shown, series)


def _numbers(session: Session, asked: Asked, chart: ChartOf, names: Names, translate: Translate) -> Numbers:
    """Category and name of the series, and their number."""
    by, apart = (_namer(asked.report, key, names, translate) for key in (chart.by, chart.series))
    numbers: Numbers = {}
    for category, series, number in reading.groups(session, asked, chart.by, chart.series, chart.value):
        key = (category if isinstance(category, dt.date) else by(category), apart(series) if chart.series else "")
        numbers[key] = numbers.get(key, 0) + int(number or 0)
    return numbers


def _namer(report: Report, key: str, names: Names, translate: Translate) -> Callable[[Any], str]:
    column = next((column for column in report.columns if column.key == key), None)
    if column is not None and column.labels:
        labels = column.labels
        return lambda code: translate(labels.get(code, str(code)))
    words = names.get(column.names, {}) if column is not None and column.names else {}
    return lambda code: words.get(code, "" if code is None else str(code))


def _merged(numbers: Mapping[tuple[Any, str], int], into: Callable[[Any], Any]) -> Numbers:
    """The numbers of categories that become the same, added up."""
    merged: Numbers = {}
    for (category, series), number in numbers.items():
        key = (into(category), series)
        merged[key] = merged.get(key, 0) + number
    return merged


def _calendar(numbers: Numbers) -> tuple[Numbers, Sequence[dt.date], tuple[str, ...]]:
    """Each day from the first to the last, or the months when they are many."""
    days = [day for day, _series in numbers]
    first, last = min(days), max(days)
    if (last - first).days < DAYS_DRAWN:
        every = [first + dt.timedelta(days=after) for after in range((last - first).days + 1)]
        return numbers, every, tuple(f"{day:%d/%m}" for day in every)
    months = _merged(numbers, lambda day: day.replace(day=1))
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    every = [dt.date(first.year + at // 12, at % 12 + 1, 1) for at in range(first.month - 1, first.month - 1 + count)]
    return months, every, tuple(f"{month:%m/%Y}" for month in every)


def _ranking(numbers: Numbers, others: str) -> tuple[Numbers, Sequence[str], tuple[str, ...]]:
    """From the largest to the smallest; of too many the small ones together."""
    sums: dict[str, int] = {}
    for (name, _series), number in numbers.items():
        sums[name] = sums.get(name, 0) + number
    ranked = sorted(sums, key=lambda name: (-sums[name], name))
    if len(ranked) > BARS_DRAWN:
        large = set(ranked[:BARS_DRAWN])
        numbers = _merged(numbers, lambda name: name if name in large else others)
        ranked = [*ranked[:BARS_DRAWN], others]
    return numbers, ranked, tuple(name or "—" for name in ranked)
