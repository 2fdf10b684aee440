"""Reads a report: a page of it, how many lines there are and their totals, all lines in order for a file.

A page is found by an index however many lines there are: the first lines of each site, merged, from a key on. Counting
stops at COUNT_CAP, and only what is counted whole may be sorted otherwise or drawn; a file counts and reads everything.
"""

import base64
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select, text, true, tuple_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from models.catalogs import Site
from models.text import N_
from reports.columns import AS_OF_NAME
from reports.declaration import Asked, Column, Kind, Order
from security.errors import BadValue

PAGE = 50
COUNT_CAP = 20_000
#: A page of which a statement takes longer than so many milliseconds is given up.
PAGE_TIMEOUT = 15_000
TOO_LONG = N_("This takes too long on screen. Narrow the filters, or ask for the file.")
_CANCELED = "57014"
_SORTED = frozenset({Kind.CODE, Kind.DATE, Kind.MOMENT, Kind.INTEGER})


@dataclass(frozen=True)
class Counted:
    """How many lines, and the sum of each column that has one; `capped`: there are more than were counted."""

    lines: int
    totals: dict[str, int]
    capped: bool = False


@dataclass(frozen=True)
class Page:
    """Some lines of a report, `following` the token of the next page if there is one."""

    rows: Sequence[Row[Any]]
    following: str | None
    counted: Counted
    sort: str = ""
    descending: bool = False
    #: The order asked for was not given because there are too many lines.
    unsorted: bool = False


def sortable(column: Column) -> bool:
    """Whether a page may be sorted by `column`: what is shown is what is sorted by."""
    return not column.names and not column.labels and (column.kind in _SORTED or column.key == "name")


def page(session: Session, asked: Asked, *, after: str = "", sort: str = "", descending: bool = False) -> Page:
    """The lines of `asked` after the token `after`, sorted by the column `sort` or in the natural order."""
    counted = count(session, asked, cap=COUNT_CAP)
    order = asked.report.order(asked) if asked.report.order else None
    chosen = next((each.key for each in asked.report.columns if each.key == sort and sortable(each)), "")
    if order is None or (chosen and not counted.capped):
        rows, following = _sorted_page(session, asked, after, chosen, descending=descending)
        return Page(rows, following, counted, chosen, descending)
    rows, following = _natural_page(session, asked, order, after)
    return Page(rows, following, counted, unsorted=bool(chosen))


@contextmanager
def in_time(session: Session) -> Iterator[None]:
    """Read what a page shows; raises `BadValue` of no field when a statement takes longer than PAGE_TIMEOUT."""
    session.execute(text(f"set local statement_timeout = {PAGE_TIMEOUT}"))
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        session.rollback()
        raise BadValue(TOO_LONG) from error
    session.execute(text("set local statement_timeout = 0"))


def count(session: Session, asked: Asked, *, cap: int | None = None) -> Counted:
    """Lines and totals of `asked`, at most `cap` lines of it."""
    summed = [column.key for column in asked.report.columns if column.total]
    lines = _limited(asked, cap + 1 if cap else None, summed).subquery()
    sums = [func.coalesce(func.sum(lines.c[key]), 0) for key in summed]
    found, *totals = _run(session, asked, select(func.count(), *sums).select_from(lines)).one()
    capped = cap is not None and found > cap
    return Counted(min(found, cap or found), dict(zip(summed, map(int, totals), strict=True)), capped)


def groups(session: Session, asked: Asked, by: str, series: str, value: str) -> list[tuple[Any, Any, Any]]:
    """Lines counted (or `value` summed) by the value `by`, and apart by `series` where given: by, series, number."""
    wanted = [key for key in dict.fromkeys((by, series, value)) if key]
    lines = _limited(asked, None, wanted).subquery()
    number = func.sum(lines.c[value]) if value else func.count()
    apart = lines.c[series] if series else literal_column("null")
    keys = [lines.c[by], *([lines.c[series]] if series else [])]
    grouped = select(lines.c[by], apart, number).group_by(*keys).order_by(*keys)
    return [(category, part, found) for category, part, found in _run(session, asked, grouped)]


def every_line(session: Session, asked: Asked, batch: int = 2000) -> Iterator[Row[Any]]:
    """All lines in the natural order, `batch` in memory at a time."""
    report = asked.report
    lines = report.lines(asked).where(*asked.conditions, *_held(asked))
    if report.order:
        order = report.order(asked)
        lines = lines.order_by(order.by, order.key)
    else:
        whole = lines.subquery()
        lines = select(whole).order_by(*(whole.c[key] for key in report.sorted_by))
    yield from _run(session, asked, lines, yield_per=batch)


def _run(session: Session, asked: Asked, statement: Select[Any], **options: Any) -> Any:
    """The statement as of the moment asked for."""
    return session.execute(statement, {AS_OF_NAME: asked.as_of}, execution_options=options)


def _held(asked: Asked) -> list[ColumnElement[bool]]:
    if asked.held_to is None:
        return []
    return [or_(*(site.in_(asked.held_to) for site in asked.report.sites))]


def _limited(asked: Asked, limit: int | None, keys: Sequence[str]) -> Select[Any]:
    """At most `limit` lines with the values `keys` alone, those of each site found apart where an index has them so."""
    lines = asked.report.lines(asked).where(*asked.conditions)
    order = asked.report.order(asked) if asked.report.order else None
    if order is None:
        whole = lines.where(*_held(asked)).subquery()
        return (
            select(literal_column("1").label("one_"), *(whole.c[key] for key in keys)).select_from(whole).limit(limit)
        )
    lines = _only(lines, keys)
    if limit is None or not order.by_site:
        return lines.where(*_held(asked)).limit(limit)
    return _each_site(asked, lines.limit(limit)).limit(limit)


def _only(lines: Select[Any], keys: Sequence[str]) -> Select[Any]:
    """The same lines with the values `keys` alone."""
    kept = [column for column in lines.selected_columns if column.key in keys]
    return lines.with_only_columns(literal_column("1").label("one_"), *kept, maintain_column_froms=True)


def _each_site(asked: Asked, lines: Select[Any]) -> Select[Any]:
    """`lines` of each site that the question is held to, found site by site."""
    (site,) = asked.report.sites
    if asked.held_to is not None and len(asked.held_to) == 1:
        return select(lines.where(site == asked.held_to[0]).subquery())
    places = select(Site.code)
    if asked.held_to is not None:
        places = places.where(Site.code.in_(asked.held_to))
    place = places.subquery("place")
    each = lines.where(site == place.c.code).correlate(place).lateral("each")
    return select(each).select_from(place).join(each, true())


def _natural_page(session: Session, asked: Asked, order: Order, after: str) -> tuple[Sequence[Row[Any]], str | None]:
    lines = asked.report.lines(asked).where(*asked.conditions)
    lines = lines.add_columns(order.by.label("by_"), order.key.label("key_"))
    if after:
        lines = lines.where(tuple_(order.by, order.key) > tuple_(*_position(after, order)))
    lines = lines.order_by(order.by, order.key).limit(PAGE + 1)
    if order.by_site:
        lines = _each_site(asked, lines)
        lines = lines.order_by(literal_column("by_"), literal_column("key_")).limit(PAGE + 1)
    else:
        lines = lines.where(*_held(asked))
    rows = _run(session, asked, lines).all()
    if len(rows) <= PAGE:
        return rows, None
    return rows[:PAGE], _token([rows[PAGE - 1].by_, rows[PAGE - 1].key_])


def _sorted_page(
    session: Session, asked: Asked, after: str, sort: str, *, descending: bool
) -> tuple[Sequence[Row[Any]], str | None]:
    """A page of lines that are few enough to be sorted whole; it starts after so many lines as the token says."""
    report = asked.report
    lines = report.lines(asked).where(*asked.conditions, *_held(asked))
    if report.order:
        natural = report.order(asked)
        lines = lines.add_columns(natural.by.label("by_"), natural.key.label("key_"))
    whole = lines.subquery()
    rest = [whole.c.by_, whole.c.key_] if report.order else [whole.c[key] for key in report.sorted_by]
    first = [whole.c[sort].desc().nulls_last() if descending else whole.c[sort].nulls_last()] if sort else []
    start = _offset(after)
    rows = _run(session, asked, select(whole).order_by(*first, *rest).offset(start).limit(PAGE + 1)).all()
    return rows[:PAGE], _token([start + PAGE]) if len(rows) > PAGE else None


def _token(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def _read_token(token: str) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        values = None
    if not isinstance(values, list):
        raise BadValue(N_("This page does not exist any more."), field="after")
    return values


def _position(token: str, order: Order) -> tuple[Any, Any]:
    """Where a page starts, as values of the types that the order is by."""
    try:
        by, key = _read_token(token)
        return _typed(by, order.by), _typed(key, order.key)
    except (ValueError, TypeError, OverflowError):
        raise BadValue(N_("This page does not exist any more."), field="after") from None


def _typed(value: Any, expression: Any) -> Any:
    kind = expression.type.python_type
    if kind is dt.datetime:
        return dt.datetime.fromisoformat(str(value))
    if kind is dt.date:
        return dt.date.fromisoformat(str(value))
    if kind is str and (not isinstance(value, str) or "\x00" in value):
        raise ValueError
    if kind is int and not -(2**63) <= int(value) < 2**63:
        raise ValueError
    return kind(value)


def _offset(token: str) -> int:
    values = _read_token(token) if token else [0]
    if len(values) != 1 or not isinstance(values[0], int) or not 0 <= values[0] <= COUNT_CAP:
        raise BadValue(N_("This page does not exist any more."), field="after")
    return int(values[0])
