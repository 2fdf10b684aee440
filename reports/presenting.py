"""Turns what a report reads into what a person reads: names for codes, words of his language, filters in a sentence."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from models.clock import local
from models.text import N_
from reports import reading
from reports.asking import Asked
from reports.declaration import ChartOf, Column, Report
from reports.document import Chart, Fact, Series, Shape, Value
from reports.filters import Choice, Days, Exact, Filter, Month, OnDay, Span
from reports.names import Names

#: Translates a message id into the reader's language.
Translate = Callable[[str], str]
#: A chart by day shows days without lines too, as long as there are not more than so many.
_DAYS_DRAWN = 92
#: A lying chart shows so many bars; the others are added up.
_BARS_DRAWN = 25


class Presenter:
    """How the lines of `report` are shown, by the names of codes and in a language."""

    def __init__(self, report: Report, names: Names, translate: Translate) -> None:
        self.report, self.names, self.translate = report, names, translate
        self._words = [self._dictionary(column) for column in report.columns]

    def _dictionary(self, column: Column) -> Mapping[Any, str] | None:
        if column.labels:
            return {code: self.translate(label) for code, label in column.labels.items()}
        return self.names[column.names] if column.names else None

    def picker(self, keys: Sequence[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """Takes the values of the columns, in their order, out of a row whose values are called `keys`."""
        at = [list(keys).index(column.key) for column in self.report.columns]
        picked: Callable[[Sequence[Any]], tuple[Any, ...]] = itemgetter(*at)
        return picked if len(at) > 1 else lambda row: (row[at[0]],)

    def shown(self, values: Sequence[Any]) -> tuple[Value, ...]:
        """The values of a line, codes as names."""
        return tuple(
            value if words is None or value is None else words.get(value, str(value))
            for value, words in zip(values, self._words, strict=True)
        )


def lists_of(report: Report) -> set[str]:
    """The lists of names that a report's columns, filters and charts need."""
    wanted = {column.names for column in report.columns}
    return wanted | {each.names for each in report.filters if isinstance(each, Choice)}


def filter_facts(asked: Asked, names: Names, translate: Translate) -> list[Fact]:
    """Each filter that holds, as label and text; and the sites that the report is held to."""
    facts = [
        (translate(each.label), in_words(each, asked.values[each.name], names, translate))
        for each in asked.report.filters
        if asked.values.get(each.name) is not None
    ]
    if asked.sites is not None:
        sites = names.get("site", {})
        facts.append((translate(N_("Sites")), ", ".join(sites.get(code, code) for code in asked.sites)))
    return facts


def in_words(each: Filter, value: Any, names: Names, translate: Translate) -> str:
    """The value of a filter as a person writes it."""
    if isinstance(each, Days):
        first, last = (day_text(day) for day in value)
        return first if first == last else f"{first} – {last}"
    if isinstance(each, Month):
        return f"{value[0]:%m/%Y}"
    if isinstance(each, OnDay):
        return day_text(value)
    if isinstance(each, Span):
        return value[0] if value[0] == value[1] else f"{value[0]} – {value[1]}"
    if isinstance(each, Exact):
        return str(value)
    return _chosen(each, value, names, translate)


def _chosen(each: Filter, value: Any, names: Names, translate: Translate) -> str:
    if not isinstance(each, Choice):
        return str(value)
    if each.labels:
        return translate(each.labels.get(value, value))
    key: Any = int(value) if each.names == "user" else value
    return names.get(each.names, {}).get(key, str(value))


def day_text(day: dt.date) -> str:
    return f"{day:%d/%m/%Y}"


def moment_text(instant: dt.datetime) -> str:
    """A time on the clock of Guatemala, to the second."""
    return f"{local(instant):%d/%m/%Y %H:%M:%S}"


def charts(session: Session, asked: Asked, names: Names, translate: Translate) -> tuple[Chart, ...]:
    """The declared charts of a question, drawn from all its lines; none where there are no lines."""
    drawn = (_chart(session, asked, each, names, translate) for each in asked.report.charts)
    return tuple(chart for chart in drawn if chart is not None)


def _chart(session: Session, asked: Asked, chart: ChartOf, names: Names, translate: Translate) -> Chart | None:
    by, apart = (_namer(asked.report, key, names, translate) for key in (chart.by, chart.series))
    numbers: dict[tuple[Any, str], int] = {}
    for category, series, number in reading.groups(session, asked, chart.by, chart.series, chart.value):
        key = (category if isinstance(category, dt.date) else by(category), apart(series) if chart.series else "")
        numbers[key] = numbers.get(key, 0) + int(number or 0)
    if not any(numbers.values()):
        return None
    categories = _categories({category for category, _series in numbers}, numbers)
    names_of_series = sorted({series for _category, series in numbers})
    title = translate(chart.title)
    rows = [Series(name or title, _values(categories, name, numbers)) for name in names_of_series]
    shown = tuple(day_text(one)[:5] if isinstance(one, dt.date) else one or "—" for one in categories[:_BARS_DRAWN])
    if isinstance(categories[0], dt.date) or len(categories) <= _BARS_DRAWN:
        shown = tuple(day_text(one)[:5] if isinstance(one, dt.date) else one or "—" for one in categories)
        return Chart(title, chart.shape, shown, tuple(rows))
    rest = translate(N_("Others"))
    cut = [Series(row.name, (*row.values[:_BARS_DRAWN], sum(row.values[_BARS_DRAWN:]))) for row in rows]
    return Chart(title, Shape.LYING, (*shown, rest), tuple(cut))


def _values(categories: Sequence[Any], series: str, numbers: Mapping[tuple[Any, str], int]) -> tuple[int, ...]:
    return tuple(numbers.get((category, series), 0) for category in categories)


def _namer(report: Report, key: str, names: Names, translate: Translate) -> Callable[[Any], str]:
    column = next((column for column in report.columns if column.key == key), None)
    if column is not None and column.labels:
        labels = column.labels
        return lambda code: translate(labels.get(code, str(code)))
    words = names.get(column.names, {}) if column is not None and column.names else {}
    return lambda code: words.get(code, "" if code is None else str(code))


def _categories(found: Iterable[Any], numbers: Mapping[tuple[Any, str], int]) -> list[Any]:
    """Days in their order, those without lines between them too; others from the largest to the smallest."""
    listed = list(found)
    if not isinstance(listed[0], dt.date):
        sums: dict[Any, int] = {}
        for (category, _series), number in numbers.items():
            sums[category] = sums.get(category, 0) + number
        return sorted(listed, key=lambda one: (-sums[one], one))
    first, last = min(listed), max(listed)
    if (last - first).days >= _DAYS_DRAWN:
        return sorted(listed)
    return [first + dt.timedelta(days=day) for day in range((last - first).days + 1)]
