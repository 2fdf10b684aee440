"""What a warehouse's blanks should be and what was counted: figures by category, missing and surplus numbers.

Blanks of a warehouse are the new booklets in it and in the hands of its printers. All is set-based: numbers are
compared as multiranges of PostgreSQL, so that half a million booklets cost one walk along an index.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from models.closings import DayClosing
from models.stock import ACCOUNT_LABELS, Account, DocumentState
from models.text import N_
from workflow.stock import ledger
from workflow.stock.serials import Run

BLANKS = (Account.WAREHOUSE, Account.HANDS)
PRINTED, VOIDED = "EGRESO_PERSONALIZACION", "EGRESO_ANULACION"
#: Kinds that move blanks within the warehouse: to its printers' hands and back.
WITHIN = [kind.code for kind in ledger.KINDS.values() if {*kind.sources, *kind.targets} <= set(BLANKS)]
#: Ranges of a category that its figures carry; one more says that there are more.
SHOWN = 10
UNKNOWN = N_("Unknown: never received")


@dataclass(frozen=True)
class Figures:
    """One category of a day closing, in booklets; `missing_runs`, `surplus_runs`: the first SHOWN + 1 ranges."""

    category_code: str
    category: str
    opening: int
    received: int
    sent: int
    printed: int
    voided: int
    expected: int
    counted: int
    missing: int
    surplus: int
    missing_runs: tuple[Run, ...] = ()
    surplus_runs: tuple[Run, ...] = ()

    @property
    def balanced(self) -> bool:
        return not self.missing and not self.surplus


@dataclass(frozen=True)
class Found:
    """Numbers and where the ledger had them when they were counted; `place` None: it does not know them."""

    run: Run
    place: str | None

    @property
    def label(self) -> str:
        """The message id of what kind of place it is."""
        return UNKNOWN if self.place is None else ACCOUNT_LABELS[ledger.account_of(self.place)]

    @property
    def owner(self) -> str:
        """The warehouse, site or transfer of the place; blank where it has none."""
        return "" if self.place is None else ledger.owner_of(self.place)


def statement(sql: str) -> TextClause:
    """`sql`, in which `::` is PostgreSQL's cast."""
    return text(sql.replace("::", "\\:\\:"))


def runs_in(prefix: str, numbers: Iterable[Any] | None) -> list[Run]:
    """A multirange of serials as runs, lowest first."""
    return [Run(prefix, part.lower, part.upper - part.lower) for part in numbers or ()]


_COMPARED = """
    held as (
        select left(number, 1) as prefix,
               range_agg(int4range(substr(number, 2)::int, substr(number, 2)::int + 1)) as numbers
          from booklet
         where state = 'NUEVA' and place = any('WAREHOUSE:' || :warehouse
               || array(select 'HANDS:' || :warehouse || ':' || id from ab_user))
         group by 1),
    counted as (
        select prefix, range_agg(int4range(first_serial, first_serial + quantity)) as numbers
          from closing_range where closing_id = :closing and kind = 'COUNTED' group by 1),
    compared as (
        select prefix, coalesce(k.numbers, '{}'::int4multirange) as counted,
               coalesce(h.numbers, '{}'::int4multirange) - coalesce(k.numbers, '{}'::int4multirange) as missing,
               coalesce(k.numbers, '{}'::int4multirange) - coalesce(h.numbers, '{}'::int4multirange) as surplus
          from held h full join counted k using (prefix))
"""


def _size(numbers: str) -> str:
    return f"(select coalesce(sum(upper(r) - lower(r)), 0)::bigint from unnest({numbers}) r)"  # noqa: S608


def _first(numbers: str) -> str:
    return f"(select range_agg(r) from (select r from unnest({numbers}) r limit {SHOWN + 1}) f)"  # noqa: S608


#: What the turnover says since the sums of all earlier closings, beside what is there and what was counted.
_FIGURES = f"""
    with {_COMPARED},
    turned as (
        select category_code,
               coalesce(sum(put) filter (where kind <> all(:within)), 0)::bigint as received,
               coalesce(sum(taken) filter (where kind <> all(:within) and kind <> all(array[:print, :void])), 0)::bigint
                   as sent,
               coalesce(sum(taken) filter (where kind = :print), 0)::bigint as printed,
               coalesce(sum(taken) filter (where kind = :void), 0)::bigint as voided
          from stock_turnover
         where span = 'MONTH' and account = any(:blanks) and owner = :warehouse group by 1),
    closed as (select id from day_closing where warehouse_code = :warehouse and state = 'CERRADO'),
    told as (
        select category_code, sum(received)::bigint as received, sum(sent)::bigint as sent,
               sum(printed)::bigint as printed, sum(voided)::bigint as voided,
               max(expected) filter (where closing_id = (select max(id) from closed)) as opening
          from closing_line where closing_id in (select id from closed) group by 1),
    period as (
        select c.code, c.name, c.prefix, coalesce(b.opening, 0) as opening,
               coalesce(t.received, 0) - coalesce(b.received, 0) as received,
               coalesce(t.sent, 0) - coalesce(b.sent, 0) as sent,
               coalesce(t.printed, 0) - coalesce(b.printed, 0) as printed,
               coalesce(t.voided, 0) - coalesce(b.voided, 0) as voided
          from stock_category c
          left join turned t on t.category_code = c.code
          left join told b on b.category_code = c.code
         where c.active or t.category_code is not null or c.prefix in (select prefix from compared))
    select p.code as category_code, p.name as category, p.opening, p.received, p.sent, p.printed, p.voided,
           p.opening + p.received - p.sent - p.printed - p.voided as expected,
           {_size("x.counted")} as counted, {_size("x.missing")} as missing, {_size("x.surplus")} as surplus,
           {_first("x.missing")} as missing_runs, {_first("x.surplus")} as surplus_runs, p.prefix
      from period p left join compared x on x.prefix = p.prefix
     order by p.code
"""  # noqa: S608
_NOW = statement(_FIGURES)
_FREEZE = statement(
    f"""
    insert into closing_line (closing_id, category_code, opening, received, sent, printed, voided, expected, counted,
                              missing, surplus)
    select :closing, category_code, opening, received, sent, printed, voided, expected, counted, missing, surplus
      from ({_FIGURES}) f
    """  # noqa: S608
)
_FREEZE_NUMBERS = statement(
    f"""
    with {_COMPARED}
    insert into closing_range (closing_id, kind, prefix, first_serial, quantity)
    select :closing, d.kind, x.prefix, lower(r), upper(r) - lower(r)
      from compared x
     cross join lateral (values ('MISSING', x.missing), ('SURPLUS', x.surplus)) d(kind, numbers)
     cross join lateral unnest(d.numbers) r
    """  # noqa: S608
)


def _kept(kind: str) -> str:
    return f"""(select range_agg(r) from (
        select int4range(first_serial, first_serial + quantity) as r from closing_range
         where closing_id = l.closing_id and kind = '{kind}' and prefix = c.prefix
         order by first_serial limit {SHOWN + 1}) f)"""  # noqa: S608


_FROZEN = statement(
    f"""
    select c.code as category_code, c.name as category, l.opening, l.received, l.sent, l.printed, l.voided,
           l.expected, l.counted, l.missing, l.surplus, {_kept("MISSING")} as missing_runs,
           {_kept("SURPLUS")} as surplus_runs, c.prefix
      from closing_line l join stock_category c on c.code = l.category_code
     where l.closing_id = :closing order by c.code
    """  # noqa: S608
)


def figures(session: Session, closing: DayClosing) -> list[Figures]:
    """The figures by category: as they are now while it is counted, as they were frozen once it is signed."""
    if closing.state == DocumentState.ABIERTO:
        rows = session.execute(_NOW, _values(closing))
    else:
        rows = session.execute(_FROZEN, {"closing": closing.id})
    return [_figures(dict(row)) for row in rows.mappings()]


def _figures(values: dict[str, Any]) -> Figures:
    prefix = values.pop("prefix")
    values |= {name: tuple(runs_in(prefix, values[name])) for name in ("missing_runs", "surplus_runs")}
    return Figures(**values)


def freeze(session: Session, closing: DayClosing) -> None:
    """Keep the figures of this moment, and every missing and surplus number, with the open `closing`."""
    session.execute(_FREEZE, _values(closing))
    session.execute(_FREEZE_NUMBERS, _values(closing))


_THAW = (
    text("delete from closing_range where closing_id = :closing and kind <> 'COUNTED'"),
    text("delete from closing_line where closing_id = :closing"),
)


def thaw(session: Session, closing: DayClosing) -> None:
    """Let go of what `freeze` kept."""
    for each in _THAW:
        session.execute(each, {"closing": closing.id})


def _values(closing: DayClosing) -> dict[str, Any]:
    return {
        "closing": closing.id, "warehouse": closing.warehouse_code, "within": WITHIN, "print": PRINTED, "void": VOIDED,
        "blanks": [str(account) for account in BLANKS],
    }  # fmt: skip


_AFTER = "(:prefix, :first) < (prefix, {0}) order by prefix, {0} limit :limit"
_COMPARED_PAGE = {
    kind: statement(
        f"with {_COMPARED} select prefix, lower(r), upper(r) - lower(r)"  # noqa: S608
        f" from compared, unnest({kind.lower()}) r where {_AFTER.format('lower(r)')}"
    )
    for kind in ("MISSING", "SURPLUS")
}
_KEPT_PAGE = text(
    "select prefix, first_serial, quantity from closing_range where closing_id = :closing and kind = :kind"  # noqa: S608
    f" and {_AFTER.format('first_serial')}"
)


def numbers(session: Session, closing: DayClosing, kind: str, limit: int, after: Run | None = None) -> list[Run]:
    """Up to `limit` ranges of `kind` (COUNTED, MISSING, SURPLUS), lowest first, that begin after `after` does."""
    values = _values(closing) | {
        "kind": kind, "limit": limit, "prefix": after.prefix if after else "", "first": after.first if after else 0,
    }  # fmt: skip
    page = _KEPT_PAGE
    if closing.state == DocumentState.ABIERTO:
        page = _COMPARED_PAGE.get(kind, _KEPT_PAGE)
    return [Run(*row) for row in session.execute(page, values)]


_WHEREABOUTS = statement(
    """
    with wanted as (
        select prefix, first, quantity
          from unnest(:prefixes::varchar[], :firsts::int[], :quantities::int[]) w(prefix, first, quantity)),
    known as (
        select w.prefix, substr(b.number, 2)::int as n,
               case when :at::timestamptz is null then b.place
                    else (select m.to_place from stock_movement m
                           where m.booklet_number = b.number and m.at <= :at::timestamptz order by m.id desc limit 1)
               end as place
          from wanted w
          join booklet b on b.number between w.prefix || lpad(w.first::text, 7, '0')
                                         and w.prefix || lpad((w.first + w.quantity - 1)::text, 7, '0')),
    placed as (
        select prefix, place, range_agg(int4range(n, n + 1)) as numbers
          from known where place is not null group by 1, 2),
    every as (
        select prefix, place, numbers from placed
        union all
        select w.prefix, null, range_agg(int4range(w.first, w.first + w.quantity))
               - coalesce((select range_agg(p) from placed k, unnest(k.numbers) p where k.prefix = w.prefix), '{}')
          from wanted w group by 1)
    select prefix, lower(r), upper(r) - lower(r), place from every, unnest(numbers) r order by 1, 2 limit :limit
    """
)


def whereabouts(session: Session, runs: Sequence[Run], limit: int, at: dt.datetime | None = None) -> list[Found]:
    """Where the ledger has the numbers of `runs` (had them `at`), lowest first, at most `limit` ranges."""
    if not runs:
        return []
    values = {
        "prefixes": [run.prefix for run in runs], "firsts": [run.first for run in runs],
        "quantities": [run.quantity for run in runs], "at": at, "limit": limit,
    }  # fmt: skip
    return [Found(Run(*run), place) for *run, place in session.execute(_WHEREABOUTS, values)]
