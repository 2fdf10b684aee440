"""The filters of reports: what is typed is read, checked, kept as text for the next time, and becomes a condition.

All raise `BadValue` naming the field that is wrong.
"""

import calendar
import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, func, true
from sqlalchemy.sql.expression import SQLColumnExpression

from models.clock import GUATEMALA
from models.text import N_
from security.errors import BadValue

Typed = Mapping[str, str]
Expression = SQLColumnExpression[Any]
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
LONGEST = 40
#: The days that a report is about; their fields are called `first` and `last`.
MAIN = "days"


def midnight(day: dt.date) -> dt.datetime:
    """The moment at which a day begins in Guatemala."""
    return dt.datetime.combine(day, dt.time(), GUATEMALA)


@dataclass(frozen=True)
class Filter(ABC):
    """One filter: `name` in addresses and forms, `label` before its field."""

    name: str
    label: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields in a form."""
        return (self.name,)

    @abstractmethod
    def read(self, typed: Typed, today: dt.date) -> Any:
        """The value of what was typed; None when nothing was and it has no default."""

    @abstractmethod
    def settled(self, value: Any) -> dict[str, str]:
        """The texts that mean `value`, whatever the day: what a run keeps."""

    def condition(self, value: Any) -> ColumnElement[bool]:
        """What lines must be; true for a filter that the report's query reads itself."""
        return true()

    def of_period(self, first: dt.date, last: dt.date) -> dict[str, str]:
        """The texts that mean those days; none for a filter that is not of the days a report is about."""
        return {}


@dataclass(frozen=True)
class Days(Filter):
    """From a day to a day, both included, in Guatemala.

    `default`: so many days up to today, None: not needed; `gives_way`: not even those when something else narrows.
    """

    column: Expression | None = None
    default: int | None = 1
    gives_way: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        return (self._named("first"), self._named("last"))

    def _named(self, end: str) -> str:
        return end if self.name == MAIN else f"{self.name}_{end}"

    def read(self, typed: Typed, today: dt.date) -> tuple[dt.date, dt.date] | None:
        first, last = (read_day(name, typed.get(name, "")) for name in self.fields)
        if first is None and last is None:
            return None if self.default is None else (today - dt.timedelta(days=self.default - 1), today)
        begin, end = first or last, last or first
        if begin > end:  # type: ignore[operator]
            raise BadValue(N_("The first day is after the last."), field=self.fields[0])
        return begin, end  # type: ignore[return-value]

    def settled(self, value: tuple[dt.date, dt.date]) -> dict[str, str]:
        return {name: day.isoformat() for name, day in zip(self.fields, value, strict=True)}

    def of_period(self, first: dt.date, last: dt.date) -> dict[str, str]:
        return self.settled((first, last)) if self.name == MAIN else {}

    def condition(self, value: tuple[dt.date, dt.date]) -> ColumnElement[bool]:
        if self.column is None:
            return true()
        return and_(self.column >= midnight(value[0]), self.column < midnight(value[1] + dt.timedelta(days=1)))


@dataclass(frozen=True)
class Month(Filter):
    """A whole month, as YYYY-MM; this one when nothing is typed."""

    column: Expression | None = None

    def read(self, typed: Typed, today: dt.date) -> tuple[dt.date, dt.date]:
        text = typed.get(self.name, "").strip() or f"{today:%Y-%m}"
        if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text):
            raise BadValue(N_("Write the month as YYYY-MM."), field=self.name)
        year, month = int(text[:4]), int(text[5:])
        return dt.date(year, month, 1), dt.date(year, month, calendar.monthrange(year, month)[1])

    def settled(self, value: tuple[dt.date, dt.date]) -> dict[str, str]:
        return {self.name: f"{value[0]:%Y-%m}"}

    def of_period(self, first: dt.date, last: dt.date) -> dict[str, str]:
        return self.settled((last, last))

    def condition(self, value: tuple[dt.date, dt.date]) -> ColumnElement[bool]:
        return Days("days", self.label, self.column).condition(value)


@dataclass(frozen=True)
class OnDay(Filter):
    """The end of a past day; None is now."""

    def read(self, typed: Typed, today: dt.date) -> dt.date | None:
        day = read_day(self.name, typed.get(self.name, ""))
        if day is not None and day > today:
            raise BadValue(N_("This day is still to come."), field=self.name)
        return day

    def settled(self, value: dt.date) -> dict[str, str]:
        return {self.name: value.isoformat()}

    def of_period(self, first: dt.date, last: dt.date) -> dict[str, str]:
        return self.settled(last)


@dataclass(frozen=True)
class Span(Filter):
    """From a number to a number, both included; the first alone means that one.

    `form` is what a number looks like. Both have the same length, so that the order of texts is that of numbers.
    """

    column: Expression | None = None
    form: str = r"[0-9A-Z-]{1,20}"
    scan: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, typed: Typed, today: dt.date) -> tuple[str, str] | None:
        first, last = (typed.get(name, "").strip().upper()[:LONGEST] for name in self.fields)
        if not first and not last:
            return None
        for name, text in zip(self.fields, (first, last), strict=True):
            if not re.fullmatch(self.form, text) and (text or name == self.fields[0]):
                raise BadValue(N_("“%(value)s” is no such number."), field=name, value=text)
        last = last or first
        if len(first) != len(last) or first > last:
            raise BadValue(N_("The last number must be as long as the first and not before it."), field=self.fields[1])
        return first, last

    def settled(self, value: tuple[str, str]) -> dict[str, str]:
        return dict(zip(self.fields, value, strict=True))

    def condition(self, value: tuple[str, str]) -> ColumnElement[bool]:
        if self.column is None:
            return true()
        between = self.column.between(*value)
        return between if value[0] == value[1] else and_(between, func.length(self.column) == len(value[0]))


@dataclass(frozen=True)
class Choice(Filter):
    """One entry of a list: of a catalog by the name of its list in `reports.names`, or of fixed words."""

    column: Expression | None = None
    names: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def read(self, typed: Typed, today: dt.date) -> str | None:
        text = typed.get(self.name, "").strip()[:LONGEST]
        if text and not re.fullmatch(r"[\w .,/()-]+", text):
            raise BadValue(N_("%(value)s is not one of the choices."), field=self.name, value=text)
        if text and self.names == "user" and not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise BadValue(N_("%(value)s is not one of the choices."), field=self.name, value=text)
        return text or None

    def settled(self, value: str) -> dict[str, str]:
        return {self.name: value}

    def condition(self, value: str) -> ColumnElement[bool]:
        wanted: str | int = int(value) if self.names == "user" else value
        return true() if self.column is None else self.column == wanted


@dataclass(frozen=True)
class SiteChoice(Choice):
    """A site among those of the actor; the engine holds it against the report's own `site`."""

    names: str = "site"


@dataclass(frozen=True)
class Exact(Filter):
    """A number that must be given: a report about one thing."""

    column: Expression | None = None
    form: str = r"[FSD][0-9]{7}"

    def read(self, typed: Typed, today: dt.date) -> str | None:
        text = typed.get(self.name, "").strip().upper()[:LONGEST]
        if text and not re.fullmatch(self.form, text):
            raise BadValue(N_("“%(value)s” is no such number."), field=self.name, value=text)
        return text or None

    def settled(self, value: str) -> dict[str, str]:
        return {self.name: value}

    def condition(self, value: str) -> ColumnElement[bool]:
        return true() if self.column is None else self.column == value


@dataclass(frozen=True)
class Literal(Filter):
    """A text that must be met as it stands."""

    column: Expression | None = None
    form: str = r"[\w./ @-]{1,40}"

    def read(self, typed: Typed, today: dt.date) -> str | None:
        text = typed.get(self.name, "").strip()
        if text and not re.fullmatch(self.form, text):
            raise BadValue(N_("“%(value)s” is no such number."), field=self.name, value=text[:LONGEST])
        return text or None

    def settled(self, value: str) -> dict[str, str]:
        return {self.name: value}

    def condition(self, value: str) -> ColumnElement[bool]:
        return true() if self.column is None else self.column == value


def read_day(name: str, typed: str) -> dt.date | None:
    """The day typed as YYYY-MM-DD, None for nothing."""
    text = typed.strip()[:LONGEST]
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = dt.date.max
    if not FIRST_DAY <= day <= LAST_DAY:
        raise BadValue(N_("%(value)s is not a date."), field=name, value=text)
    return day
