"""How many printed booklets were refused, by printer, site, day and batch of booklets: figures of quality control.

A booklet counts on the day, in Guatemala, on which its print ended: accepted by the printer, or refused by him. Refused
are those voided as IMP (at the printer) or CCA (at quality control, be it at the second inspection). One pass over an
index on that moment answers all four groupings; a batch is a thousand serials of one receipt.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from models.base import utc_now
from models.catalogs import Site
from models.clock import GUATEMALA, local_date
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotAllowed
from security.permissions import Permission

#: Quality control, and the heads who answer for voided booklets; printers do not read each other's figures.
READERS = (Permission.CHECK_QUALITY, Permission.VOID_BOOKLETS)
DAYS_AT_MOST = 92
DAYS = 7
#: Groups of a kind that a page shows: those with most refusals. Totals count all.
SHOWN = 100


@dataclass(frozen=True)
class Rate:
    """Booklets printed (well or badly) under one heading, and how many of them were refused where."""

    key: str
    label: str
    printed: int
    at_print: int
    at_quality: int

    @property
    def refused(self) -> int:
        return self.at_print + self.at_quality

    @property
    def percentage(self) -> float | None:
        """Refused in a hundred printed; None of none."""
        return 100 * self.refused / self.printed if self.printed else None


@dataclass(frozen=True)
class Grouping:
    """The rates by one heading, `rates` of `found`: the days in their order, the rest by refusals."""

    rates: tuple[Rate, ...]
    found: int


@dataclass(frozen=True)
class Rates:
    """The figures of a span of days, both included, at one site or all that the actor sees."""

    first: dt.date
    last: dt.date
    site: str
    total: Rate
    printers: Grouping
    sites: Grouping
    days: Grouping
    batches: Grouping


_RATES = text(
    """
    with ended as materialized (
        select coalesce(p.printed_by_id, p.assigned_by_id) as printer, p.site_code,
               (coalesce(p.printed_at, p.voided_at) at time zone 'America/Guatemala')::date as ended_on,
               ascii(p.booklet_number)::bigint * 10000000 + substr(p.booklet_number, 2)::bigint as serial,
               v.void_type_code, p.printed_at is not null as printed
          from personalisation p
          left join booklet v on v.number = case when p.voided_at is not null then p.booklet_number end
                             and v.void_type_code in ('CCA', 'IMP')
         where coalesce(p.printed_at, p.voided_at) >= :since and coalesce(p.printed_at, p.voided_at) < :until
           and (cast(:sites as varchar[]) is null or p.site_code = any(:sites))
    ), counted as (
        select e.*, e.serial / 1000 as thousand from ended e where e.printed or e.void_type_code = 'IMP'
    ), lots as (
        select t.thousand, l.document_id,
               ascii(l.prefix)::bigint * 10000000 + l.first_serial as first,
               ascii(l.prefix)::bigint * 10000000 + l.first_serial + l.quantity as beyond
          from (select distinct thousand from counted) t
          join stock_line l on l.receives
           and int8range(ascii(l.prefix)::bigint * 10000000 + l.first_serial,
                         ascii(l.prefix)::bigint * 10000000 + l.first_serial + l.quantity)
               && int8range(t.thousand * 1000, t.thousand * 1000 + 1000)
    )
    select grouping(c.printer, c.site_code, c.ended_on, c.thousand) as what, c.printer, c.site_code, c.ended_on,
           l.document_id, c.thousand,
           count(*) as printed, count(*) filter (where c.void_type_code = 'IMP') as at_print,
           count(*) filter (where c.void_type_code = 'CCA') as at_quality
      from counted c
      left join lots l on l.thousand = c.thousand and c.serial >= l.first and c.serial < l.beyond
     group by grouping sets ((c.printer), (c.site_code), (c.ended_on), (l.document_id, c.thousand), ())
    """
).bindparams(bindparam("sites", type_=ARRAY(Text)))
#: Values of SQL's grouping(): a bit is set for each column that the row is not grouped by.
_PRINTER, _SITE, _DAY, _BATCH, _TOTAL = 0b0111, 0b1011, 0b1101, 0b1110, 0b1111
_NAMES = {
    _PRINTER: "select id::text, username || ' · ' || first_name || ' ' || last_name from ab_user"
    " where id = any(cast(:keys as int[]))",
    _SITE: "select code, name from site where code = any(:keys)",
}


def rates(session: Session, actor: Actor, *, first: str = "", last: str = "", site: str = "") -> Rates:
    """The rates of the days `first` to `last` (ISO dates; blank: the last DAYS days) at `site`, or wherever he sees.

    Raises `BadValue` naming the field for days that are none, that are in the wrong order or too many.
    """
    if not actor.may(*READERS):
        raise NotAllowed()
    actor = actor.by(*READERS)
    begin, end = _span(first, last)
    found: dict[int, list[Any]] = {what: [] for what in (_PRINTER, _SITE, _DAY, _BATCH, _TOTAL)}
    span = {"since": _midnight(begin), "until": _midnight(end + dt.timedelta(days=1)), "sites": _sites(actor, site)}
    for row in session.execute(_RATES, span):
        found[row.what].append(row)
    printers = [(str(row.printer), row) for row in found[_PRINTER]]
    places = [(row.site_code, row) for row in found[_SITE]]
    days = [(row.ended_on.isoformat(), row) for row in found[_DAY]]
    (total,) = found[_TOTAL]
    return Rates(
        begin,
        end,
        site,
        _rate("", "", total),
        _worst([_rate(key, name, row) for key, name, row in _named(session, _PRINTER, printers)]),
        _worst([_rate(key, name, row) for key, name, row in _named(session, _SITE, places)]),
        Grouping(tuple(_rate(day, day, row) for day, row in sorted(days, key=lambda pair: pair[0])), len(days)),
        _worst([_rate(str(row.document_id or ""), _batch(row.thousand), row) for row in found[_BATCH]]),
    )


def sites(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """Code and name of the printing sites that `actor` sees, by name."""
    query = select(Site.code, Site.name).where(Site.prints).order_by(Site.name)
    actor = actor.by(*READERS)
    if actor.sites is not None:
        query = query.where(Site.code.in_(sorted(actor.sites)))
    return [(code, name) for code, name in session.execute(query)]


def _span(first: str, last: str) -> tuple[dt.date, dt.date]:
    end = _day("last", last) or local_date(utc_now())
    begin = _day("first", first) or end - dt.timedelta(days=DAYS - 1)
    if begin > end:
        raise BadValue(N_("The first day is after the last."), field="first")
    if (end - begin).days >= DAYS_AT_MOST:
        raise BadValue(N_("At most %(most)s days are counted at once."), field="first", most=DAYS_AT_MOST)
    return begin, end


def _day(name: str, typed: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(typed.strip()) if typed.strip() else None
    except ValueError:
        day = dt.date.max
    if day is not None and not dt.date(2000, 1, 1) <= day <= dt.date(2100, 1, 1):
        raise BadValue(N_("%(value)s is not a date."), field=name, value=typed[:20])
    return day


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), GUATEMALA)


def _sites(actor: Actor, site: str) -> list[str] | None:
    if site:
        return [site] if actor.sees(site) else []
    return None if actor.sites is None else sorted(actor.sites)


def _rate(key: str, label: str, row: Any) -> Rate:
    return Rate(key, label, row.printed, row.at_print, row.at_quality)


def _named(session: Session, what: int, rows: Sequence[tuple[str, Any]]) -> list[tuple[str, str, Any]]:
    keys = bindparam("keys", [key for key, _row in rows], type_=ARRAY(Text))
    names = {key: name for key, name in session.execute(text(_NAMES[what]).bindparams(keys))}
    return [(key, names.get(key, key), row) for key, row in rows]


def _worst(found: list[Rate]) -> Grouping:
    ordered = sorted(found, key=lambda rate: (-rate.refused, rate.printed, rate.label))
    return Grouping(tuple(ordered[:SHOWN]), len(found))


def _batch(thousand: int) -> str:
    """A thousand serials as a person writes them: F5000000-F5000999."""
    prefix, first = chr(thousand // 10_000), thousand % 10_000 * 1000
    return f"{prefix}{first:07d}-{prefix}{first + 999:07d}"
