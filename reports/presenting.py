"""Turns what a report reads into what a person reads: names for codes, words of his language, filters in a sentence."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from models.clock import local
from models.text import N_
from reports.declaration import Asked, Column, Report
from reports.document import Fact, Value
from reports.filters import Choice, Days, Exact, Filter, Literal, Month, OnDay, Span
from reports.names import Names

#: Translates a message id into the reader's language.
Translate = Callable[[str], str]


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
    if isinstance(each, Exact | Literal):
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
