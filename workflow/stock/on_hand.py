"""Existencia: what stock there is, now and at any past date, how long it lasts, what to send where (report 16).

Figures are sums of the turnover that the database keeps: booklets are counted only while they travel.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import select, text, true
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet
from models.catalogs import Site, StockCategory, Warehouse
from models.clock import GUATEMALA, local_date
from models.stock import Account
from security.actor import Actor
from security.permissions import Permission
from workflow.stock.documents import allow, sees

#: Consumption is the mean of so many days with work, the latest ones, not further back than so many days.
WORK_DAYS, LOOK_BACK = 30, 120
#: A warehouse with blanks for fewer days than this is marked.
LOW_DAYS = 5
#: Transfers are proposed in whole packs.
PACK = 50

Key = tuple[str, str]


@dataclass(frozen=True)
class Figures:
    """Booklets: lying in the warehouse, in its printers' hands, voided in its custody, in transit to it."""

    lying: int = 0
    in_hands: int = 0
    voided: int = 0
    in_transit: int = 0

    @property
    def blanks(self) -> int:
        """What the warehouse has to work with."""
        return self.lying + self.in_hands

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.lying + other.lying, self.in_hands + other.in_hands, self.voided + other.voided,
            self.in_transit + other.in_transit,
        )  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """A transfer that would reach the days of stock the warehouse is to keep."""

    source: Warehouse
    quantity: int


@dataclass(frozen=True)
class OnHand:
    """The stock of a category in a warehouse. `daily`: blanks personalised on a day with work; None: none lately."""

    warehouse: Warehouse
    category: StockCategory
    figures: Figures
    daily: float | None = None
    proposal: Proposal | None = None

    @property
    def days_left(self) -> int | None:
        """For how many whole days of work the blanks last."""
        return None if self.daily is None else int(self.figures.blanks / self.daily)

    @property
    def low(self) -> bool:
        return self.days_left is not None and self.days_left < LOW_DAYS


@dataclass(frozen=True)
class Stock:
    """Existencia at the end of the day `on`: rows by warehouse and category, sums by category, empty warehouses."""

    on: dt.date
    rows: tuple[OnHand, ...]
    totals: Mapping[StockCategory, Figures] = field(default_factory=dict)
    empty: tuple[Warehouse, ...] = ()


def on_hand(session: Session, actor: Actor, on: dt.date | None = None) -> Stock:
    """The stock of the warehouses `actor` sees, now or as it was at the end of a past day in Guatemala.

    Transfers are proposed only for now. Five statements, however many warehouses.
    """
    actor = allow(actor, Permission.READ_STOCK)
    today = local_date(utc_now())
    now, day = on is None or on >= today, min(on or today, today)
    every = _rows(session, day, now=now)
    if now:
        every = _with_proposals(every)
    rows = tuple(row for row in every if sees(actor, row.warehouse))
    totals: dict[StockCategory, Figures] = {}
    for row in rows:
        totals[row.category] = totals.get(row.category, Figures()) + row.figures
    filled = {row.warehouse.code for row in rows}
    places = session.scalars(select(Warehouse).where(Warehouse.active).order_by(Warehouse.name))
    empty = tuple(place for place in places if place.code not in filled and sees(actor, place))
    return Stock(day, rows, totals, empty)


def _rows(session: Session, day: dt.date, *, now: bool) -> list[OnHand]:
    """Every warehouse and category that has anything, by warehouse's name."""
    figures, daily = _figures(session, day, now=now), _consumption(session, day)
    query = select(Warehouse, StockCategory).join(StockCategory, true()).order_by(Warehouse.name, StockCategory.prefix)
    return [
        OnHand(place, kind, figures.get(key, Figures()), daily.get(key))
        for place, kind in session.execute(query)
        if (key := (place.code, kind.code)) in figures or key in daily
    ]


_SUMS = text(
    """
    select owner, category_code,
           sum(put - taken) filter (where account = 'WAREHOUSE'), sum(put - taken) filter (where account = 'HANDS'),
           sum(put - taken) filter (where account = 'VOIDED')
      from (select * from stock_turnover where span = 'MONTH' and turnover_on < date_trunc('month', cast(:day as date))
            union all
            select * from stock_turnover
             where span = 'DAY' and turnover_on between date_trunc('month', cast(:day as date)) and :day) t
     where account in ('WAREHOUSE', 'HANDS', 'VOIDED')
     group by owner, category_code
    """
)
#: From one place to the next along the index: there are few places in transit, and many booklets.
_IN_TRANSIT = text(
    """
    with recursive place (place) as (
        (select b.place from booklet b where b.state = 'NUEVA' and b.place > 'TRANSIT:' order by b.place limit 1)
        union all
        select (select b.place from booklet b where b.state = 'NUEVA' and b.place > p.place order by b.place limit 1)
          from place p where p.place like 'TRANSIT:%')
    select d.to_warehouse_code, b.category_code, sum(b.n)
      from place p join stock_document d on d.id = split_part(p.place, ':', 2)\\:\\:int
      cross join lateral (select b.category_code, count(*) as n from booklet b
                           where b.state = 'NUEVA' and b.place = p.place group by 1) b
     where p.place like 'TRANSIT:%'
     group by 1, 2
    """
)
#: What had left on transfers that were not received to the end then, and had not moved on.
_WAS_IN_TRANSIT = text(
    """
    select d.to_warehouse_code, c.code, sum(m.n)
      from stock_document d
      cross join lateral (
           select left(m.booklet_number, 1) as prefix, count(*) as n from stock_movement m
            where m.document_id = d.id and m.kind = 'TRASLADO_SALE'
              and not exists (select from stock_movement n
                               where n.booklet_number = m.booklet_number and n.id > m.id and n.at < :until)
            group by 1) m
      join stock_category c on c.prefix = m.prefix
     where d.kind = 'TRASLADO' and d.closed_at < :until and (d.received_at is null or d.received_at >= :until)
     group by 1, 2
    """
)


def _figures(session: Session, day: dt.date, *, now: bool) -> dict[Key, Figures]:
    until = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), GUATEMALA)
    travelling = session.execute(_IN_TRANSIT) if now else session.execute(_WAS_IN_TRANSIT, {"until": until})
    found = {(owner, kind): Figures(in_transit=int(count)) for owner, kind, count in travelling}
    for owner, kind, *sums in session.execute(_SUMS, {"day": day}):
        key = (owner, kind)
        found[key] = found.get(key, Figures()) + Figures(*(int(number or 0) for number in sums))
    return {key: figures for key, figures in found.items() if figures != Figures()}


_CONSUMPTION = text(
    """
    with work as (
        select t.owner, t.category_code, t.turnover_on, sum(t.taken) as taken
          from stock_turnover t
         where t.span = 'DAY' and t.account in ('WAREHOUSE', 'HANDS') and t.kind = 'EGRESO_PERSONALIZACION'
           and t.turnover_on > :since and t.turnover_on <= :day
         group by t.owner, t.category_code, t.turnover_on),
    days as (
        select owner, turnover_on, row_number() over (partition by owner order by turnover_on desc) as place,
               count(*) over (partition by owner) as days
          from work group by owner, turnover_on)
    select w.owner, w.category_code, sum(w.taken) / least(max(d.days), :days)
      from work w join days d on d.owner = w.owner and d.turnover_on = w.turnover_on and d.place <= :days
     group by w.owner, w.category_code
    """
)


def _consumption(session: Session, day: dt.date) -> dict[Key, float]:
    """Blanks personalised a day: the mean of the warehouse's last WORK_DAYS days with any work."""
    values = {"day": day, "since": day - dt.timedelta(days=LOOK_BACK), "days": WORK_DAYS}
    return {(owner, kind): float(mean) for owner, kind, mean in session.execute(_CONSUMPTION, values)}


def _with_proposals(rows: list[OnHand]) -> list[OnHand]:
    """Transfers from the central warehouse, the most urgent first, as far as it has booklets."""
    proposed: dict[Key, Proposal] = {}
    for kind in {row.category.code for row in rows}:
        of_kind = [row for row in rows if row.category.code == kind and row.warehouse.active]
        centrals = [row for row in of_kind if row.warehouse.kind == "CENTRAL" and row.figures.lying]
        source = max(centrals, key=lambda row: row.figures.lying, default=None)
        if source is not None:
            proposed |= _proposals(source, [row for row in of_kind if row.warehouse.kind != "CENTRAL"])
    return [replace(row, proposal=proposed.get((row.warehouse.code, row.category.code))) for row in rows]


def _proposals(source: OnHand, rows: Iterable[OnHand]) -> dict[Key, Proposal]:
    left, found = source.figures.lying, {}
    for row in sorted((row for row in rows if row.daily), key=lambda row: (row.days_left, row.warehouse.code)):
        quantity = min(_wanted(row), left)
        if quantity > 0:
            found[row.warehouse.code, row.category.code] = Proposal(source.warehouse, quantity)
            left -= quantity
    return found


def _wanted(row: OnHand) -> int:
    """What the warehouse lacks of its target, what is on the way to it counted, in whole packs."""
    lacking = math.ceil((row.daily or 0) * row.warehouse.target_days) - row.figures.blanks - row.figures.in_transit
    return math.ceil(max(lacking, 0) / PACK) * PACK


def offered_booklets(
    session: Session, site: str, category: str, actor: Actor, count: int = 5, *, first: str = ""
) -> list[str]:
    """The next new booklets of a category for a printer of `site`, lowest first: those issued to him before others.

    Where printers use only what was issued to them, the warehouse's are not offered. `first`: none before that number.
    """
    hands = _lowest(session, site, category, count, f"{Account.HANDS}:", f":{actor.user_id}", first)
    if len(hands) == count or session.get_one(Site, site).shift_issue:
        return hands
    return hands + _lowest(session, site, category, count - len(hands), f"{Account.WAREHOUSE}:", "", first)


def _lowest(session: Session, site: str, category: str, count: int, account: str, rest: str, first: str) -> list[str]:
    # Per warehouse: a join would let the planner walk all booklets ever used, in the order of their numbers.
    lowest = (
        select(Booklet.number)
        .where(Booklet.state == "NUEVA", Booklet.place == account + Warehouse.code + rest)
        .where(Booklet.category_code == category, Booklet.number >= first)
        .order_by(Booklet.number).limit(count).correlate(Warehouse).lateral()
    )  # fmt: skip
    query = select(lowest.c.number).select_from(Warehouse).join(lowest, true())
    query = query.where(Warehouse.site_code == site).order_by(lowest.c.number).limit(count)
    return list(session.scalars(query))
