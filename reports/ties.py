"""Reports of stock held against the ledger: what a report says and what the ledger's movements add up to.

Whole days are read from the turnover that the database keeps, the begun day from the movements themselves, so that the
comparison is of one moment too.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Date, DateTime, Text, bindparam, text
from sqlalchemy.orm import Session

from models.clock import local_date
from reports.declaration import Asked, Tie
from reports.filters import midnight
from reports.reading import Counted

_MOVED = text(
    """
    select coalesce(sum(n), 0)::bigint from (
        select case when :put then put else taken end as n from stock_turnover
         where span = 'DAY' and account = :account and kind = :kind and turnover_on >= :first
           and turnover_on <= least(cast(:last as date), cast(:today as date) - 1)
           and (cast(:owners as text[]) is null or owner = any(cast(:owners as text[])))
        union all
        select count(*) from stock_movement m
         where m.at >= greatest(cast(:midnight as timestamptz), cast(:since as timestamptz)) and m.at < :until
           and m.at <= :as_of and m.kind = :kind
           and split_part(case when :put then m.to_place else m.from_place end, ':', 1) = :account
           and (cast(:owners as text[]) is null
                or split_part(case when :put then m.to_place else m.from_place end, ':', 2)
                   = any(cast(:owners as text[]))
               )) moved
    """
).bindparams(bindparam("owners", type_=ARRAY(Text)))

#: What lies outside our stock: the other side of every movement into and out of it.
OUTSIDE = ("SUPPLIER", "PRINTING", "HOLDER", "OUTSIDE", "DESTROYED")
_BALANCE = text(
    """
    select -coalesce(sum(n), 0)::bigint from (
        select put - taken as n from stock_turnover
         where span = 'MONTH' and turnover_on < date_trunc('month', cast(:today as date)) and account = any(:outside)
        union all
        select put - taken from stock_turnover
         where span = 'DAY' and turnover_on >= date_trunc('month', cast(:today as date)) and turnover_on < :today
           and account = any(:outside)
        union all
        select (split_part(to_place, ':', 1) = any(:outside))::int
               - (split_part(from_place, ':', 1) = any(:outside))::int
          from stock_movement where at >= :midnight and at <= :moment) moved
    """.replace("::int", "\\:\\:int").replace("::bigint", "\\:\\:bigint")
).bindparams(bindparam("outside", list(OUTSIDE), type_=ARRAY(Text)))

_MOMENT = DateTime(timezone=True)


@dataclass(frozen=True)
class Tied:
    """What the report says, and the ledger."""

    said: int
    ledger: int

    @property
    def holds(self) -> bool:
        return self.said == self.ledger


def tied(session: Session, asked: Asked, counted: Counted) -> Tied | None:
    """The comparison with the ledger; None where the report declares none or more is filtered by than it knows."""
    tie = asked.report.tie
    if tie is None or counted.capped or not _comparable(asked, tie):
        return None
    said = sum(counted.totals[value] for value in tie.values) if tie.values else counted.lines
    return Tied(said, _moved(session, asked, tie) if tie.kind else _balance(session, asked))


def _comparable(asked: Asked, tie: Tie) -> bool:
    known = ("days", tie.owner) if tie.kind else ("on",)
    others = [name for name, value in asked.values.items() if value is not None and name not in known]
    held = asked.sites is None or tie.owner == "site"
    return not others and held and (not tie.kind or asked.values.get("days") is not None)


def _balance(session: Session, asked: Asked) -> int:
    today = local_date(asked.moment)
    bound = _BALANCE.bindparams(
        bindparam("today", today, Date()),
        bindparam("midnight", midnight(today), _MOMENT),
        bindparam("moment", asked.moment, _MOMENT),
    )
    return int(session.execute(bound).scalar_one())


def _moved(session: Session, asked: Asked, tie: Tie) -> int:
    first, last = asked.values["days"]
    today = local_date(asked.as_of)
    values: dict[str, Any] = {
        "put": tie.put,
        "account": tie.account,
        "kind": tie.kind,
        "owners": _owners(asked, tie),
        "as_of": asked.as_of,
        "first": first,
        "last": last,
        "today": today,
        "midnight": midnight(today),
        "since": midnight(first),
        "until": midnight(last + dt.timedelta(days=1)),
    }
    typed = [bindparam(name, type_=Date()) for name in ("first", "last", "today")]
    typed += [bindparam(name, type_=_MOMENT) for name in ("as_of", "midnight", "since", "until")]
    return int(session.execute(_MOVED.bindparams(*typed), values).scalar_one())


def _owners(asked: Asked, tie: Tie) -> list[str] | None:
    chosen = asked.values.get(tie.owner) if tie.owner else None
    if chosen:
        return [chosen]
    return None if asked.sites is None else list(asked.sites)
