"""What a report is made of, declared once: columns, filters, where its lines come from; the engine derives the rest.

A report is one file with one `REPORT`, and one entry among the permissions (`security.permissions`), whose name is the
report's and whose label is its title. Menu, form, screen, XLSX, PDF, background run, reference and tests follow. The
obvious alternative, a view and an export for each, is what made today's seventeen disagree with each other.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, cast, func
from sqlalchemy.sql.expression import SQLColumnExpression

from reports.document import Kind, Shape
from reports.filters import Filter, OnDay, SiteChoice, midnight
from security.permissions import Permission

#: A column or anything computed from columns.
Expression = SQLColumnExpression[Any]
_TICK = dt.timedelta(microseconds=1)
__all__ = ["Asked", "ChartOf", "Column", "Expression", "Kind", "Order", "Report", "Shape", "Tie", "day_of"]


@dataclass(frozen=True)
class Column:
    """A column of a report; `key` is the label of the value in the report's query.

    `names`: the value is a code or id, shown by its name in that list (`reports.names`); `labels`: it is one of these
    words; `opens`: what it leads to on screen (case, booklet, receipt, transfer); `total`: its sum is shown.
    """

    key: str
    label: str
    kind: Kind = Kind.TEXT
    width: int = 14
    total: bool = False
    names: str = ""
    labels: Mapping[Any, str] = field(default_factory=lambda: MappingProxyType({}))
    opens: str = ""


@dataclass(frozen=True)
class Order:
    """An order that an index gives: by `by`, a value that is never null, then by `key`, which is unique.

    `by_site`: the index gives it for each site apart, so a page reads the first lines of each and no others.
    """

    by: Expression
    key: Expression
    by_site: bool = True


@dataclass(frozen=True)
class ChartOf:
    """A chart: the lines counted (or `value` summed) by the column `by`, apart by `series` where given."""

    title: str
    shape: Shape
    by: str
    series: str = ""
    value: str = ""


@dataclass(frozen=True)
class Tie:
    """What must equal the ledger: the lines (or the sum of `values`) and its movements of `kind` on those days.

    `account` and `put` say on which side of a movement it is looked for; `owner` is the filter that names its owner, a
    site or a warehouse. It can be told as long as nothing else is filtered by. Without a kind: what there is must equal
    what came from the supplier less what left our stock.
    """

    kind: str
    account: str = ""
    put: bool = False
    owner: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """One report. `source` is the manual's line, `number` its place in the menu, `about` its definition.

    `lines` gives the select of a question: values labelled with the columns' keys, nothing after `asked.as_of`, in no
    order. `sites` are the sites that a line belongs to: the actor's are held against them; a report
    without any is for who sees every site. `order` is the natural
    order; a report without one has few lines however long the office works, and is sorted whole by `sorted_by`.
    `pictures`: its lines are cases, shown with their pictures.
    """

    number: int | None
    permission: Permission
    about: str
    source: str
    icon: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    lines: Callable[["Asked"], Select[Any]]
    sites: tuple[Expression, ...]
    order: Callable[["Asked"], Order] | None = None
    sorted_by: tuple[str, ...] = ()
    pictures: bool = False
    charts: tuple[ChartOf, ...] = ()
    tie: Tie | None = None

    @property
    def key(self) -> str:
        """Its name in addresses, files and the register of runs."""
        return self.permission.value.act

    @property
    def title(self) -> str:
        return self.permission.label

    @property
    def personal(self) -> bool:
        """Whether its lines name people, so that looking at it is logged."""
        return self.pictures or not self.sites or any(column.key in ("name", "case") for column in self.columns)

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)


@dataclass(frozen=True)
class Asked:
    """A question to a report. `values`: by filter, what was read; `sites`: None for every site."""

    report: Report
    values: Mapping[str, Any]
    sites: tuple[str, ...] | None
    as_of: dt.datetime

    @property
    def settled(self) -> dict[str, str]:
        """The filters as texts that mean the same on any day."""
        return {
            name: typed
            for each in self.report.filters
            if self.values.get(each.name) is not None
            for name, typed in each.settled(self.values[each.name]).items()
        }

    @property
    def moment(self) -> dt.datetime:
        """The moment that is looked at: the end of the past day that was asked for, else the moment it is of."""
        days = (self.values.get(each.name) for each in self.report.filters if isinstance(each, OnDay))
        on = next(days, None)
        return self.as_of if on is None else min(self.as_of, midnight(on + dt.timedelta(days=1)) - _TICK)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What the filters demand of a line, but for the sites."""
        return [
            each.condition(self.values[each.name])
            for each in self.report.filters
            if self.values.get(each.name) is not None and not isinstance(each, SiteChoice)
        ]

    @property
    def held_to(self) -> tuple[str, ...] | None:
        """The sites whose lines are shown: the one chosen, else the actor's; None for all."""
        chosen = next(
            (self.values.get(each.name) for each in self.report.filters if isinstance(each, SiteChoice)), None
        )
        return (chosen,) if chosen else self.sites


def day_of(instant: Expression) -> ColumnElement[dt.date]:
    """The calendar day in Guatemala of a time."""
    return cast(func.timezone("America/Guatemala", instant), Date)
