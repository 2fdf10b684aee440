"""Reading transfers: what is still in transit and since when, arrivals and their differences, the out/in pairs."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session, aliased

from models.arrivals import Difference, StockArrival, StockDifference
from models.base import utc_now
from models.booklets import Booklet, BookletState
from models.clock import local_date
from models.stock import DocumentKind, StockMovement
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotFound
from workflow.stock import document_lists, ledger
from workflow.stock.document_lists import DocumentRow, Listed
from workflow.stock.serials import Run

#: Days in transit after which a transfer is marked.
LATE_AFTER = 3


@dataclass(frozen=True)
class Waiting:
    """A transfer in transit: since how many days, how many booklets, how many of them were declared missing."""

    document: DocumentRow
    days: int
    left: int
    missing: int

    @property
    def late(self) -> bool:
        return self.days > LATE_AFTER


@dataclass(frozen=True)
class Arrival:
    """One confirmation of a transfer, with how many differences of each kind it found."""

    id: int
    number: int
    at: dt.datetime
    user: str
    name: str
    received: int
    remarks: str | None
    missing: int
    surplus: int
    damaged: int


@dataclass(frozen=True)
class DifferenceRow:
    """A number that did not arrive as sent: where its ledger had it then, and has it now; None: in no stock."""

    arrival: int
    number: str
    kind: Difference
    was_at: str | None
    is_at: str | None


@dataclass(frozen=True)
class Pair:
    """One booklet of a transfer, out and in: where it is now, and when it came in by this transfer."""

    booklet: Listed
    place: str | None
    came_at: dt.datetime | None


def waiting(session: Session, actor: Actor) -> list[Waiting]:
    """The transfers in transit that concern `actor`, the oldest first."""
    rows = [*document_lists.in_transit(session, actor), *_back_in_transit(session, actor)]
    left, missing = _left(session, rows), _missing(session, rows)
    today = local_date(utc_now())
    return [
        Waiting(row, (today - local_date(row.closed_at)).days, left.get(row.number, 0), missing.get(row.number, 0))
        for row in rows
        if row.closed_at is not None
    ]


#: From one place to the next along the index: there are few places and many booklets.
_PLACES = text(
    """
    with recursive place (place) as (
        (select b.place from booklet b where b.state = 'NUEVA' and b.place > 'TRANSIT:' order by b.place limit 1)
        union all
        select (select b.place from booklet b where b.state = 'NUEVA' and b.place > p.place order by b.place limit 1)
          from place p where p.place like 'TRANSIT:%')
    select d.id from place p join stock_document d on d.id = split_part(p.place, ':', 2)\\:\\:int
     where p.place like 'TRANSIT:%' and d.received_at is not null order by 1
    """
)


def _back_in_transit(session: Session, actor: Actor) -> Iterator[DocumentRow]:
    """Transfers received to the end on which a booklet is again: it was voided as lost, and that was undone."""
    for number in session.scalars(_PLACES).all():
        with suppress(NotFound):
            yield document_lists.row(session, number, actor, DocumentKind.TRASLADO)


def _left(session: Session, rows: Iterable[DocumentRow]) -> dict[int, int]:
    places = {ledger.transit_place(row.number): row.number for row in rows}
    query = select(Booklet.place, func.count()).where(Booklet.state == BookletState.NUEVA, Booklet.place.in_(places))
    return {places[place]: count for place, count in session.execute(query.group_by(Booklet.place))}


def _missing(session: Session, rows: Iterable[DocumentRow]) -> dict[int, int]:
    numbers = [row.number for row in rows]
    query = (
        select(StockArrival.document_id, func.count())
        .join(StockDifference, StockDifference.arrival_id == StockArrival.id)
        .join(Booklet, Booklet.number == StockDifference.booklet_number)
        .where(StockArrival.document_id.in_(numbers), StockDifference.kind == Difference.MISSING)
        .where(Booklet.place == func.concat("TRANSIT:", StockArrival.document_id))
    )
    return {number: count for number, count in session.execute(query.group_by(StockArrival.document_id))}


_RUNS_AT = text(
    """
    select prefix, min(n), count(*) from (
        select left(number, 1) as prefix, substr(number, 2)::int as n,
               substr(number, 2)::int - row_number() over (partition by left(number, 1) order by number) as g
          from booklet where state = 'NUEVA' and place = :place) t
     group by prefix, g order by 1, 2
    """.replace("::", "\\:\\:")
)
_RUNS_IN = text(
    """
    select prefix, min(n), count(*) from (
        select left(booklet_number, 1) as prefix, substr(booklet_number, 2)::int as n,
               substr(booklet_number, 2)::int
                   - row_number() over (partition by left(booklet_number, 1) order by booklet_number) as g
          from stock_movement
         where document_id = :document and kind = 'TRASLADO_INGRESA'
           and (cast(:at as timestamptz) is null or at = :at)) t
     group by prefix, g order by 1, 2
    """.replace("::", "\\:\\:")
)


def runs_in_transit(session: Session, document_id: int) -> list[Run]:
    """The numbers of a transfer that are still in transit, lowest first."""
    rows = session.execute(_RUNS_AT, {"place": ledger.transit_place(document_id)})
    return [Run(*row) for row in rows]


def runs_received(session: Session, document_id: int, at: dt.datetime | None = None) -> list[Run]:
    """The numbers of a transfer that came in (by the arrival of the time `at`), lowest first."""
    rows = session.execute(_RUNS_IN, {"document": document_id, "at": at})
    return [Run(*row) for row in rows]


def arrivals(session: Session, document_id: int) -> list[Arrival]:
    """The confirmations of a transfer, the first one first."""
    counts = [func.count(StockDifference.id).filter(StockDifference.kind == kind) for kind in Difference]
    query = (
        select(
            StockArrival.id, StockArrival.number, StockArrival.at, User.username,
            func.concat_ws(" ", User.first_name, User.last_name), StockArrival.received, StockArrival.remarks, *counts,
        )
        .join(User, User.id == StockArrival.user_id)
        .outerjoin(StockDifference, StockDifference.arrival_id == StockArrival.id)
        .where(StockArrival.document_id == document_id)
        .group_by(StockArrival.id, User.id)
        .order_by(StockArrival.number)
    )  # fmt: skip
    return [Arrival(*row) for row in session.execute(query)]


def arrival(session: Session, document_id: int, number: int) -> Arrival:
    """The confirmation `number` of a transfer, or `NotFound`."""
    for found in arrivals(session, document_id):
        if found.number == number:
            return found
    raise NotFound(N_("Transfer %(document)s has no arrival %(number)s."), document=document_id, number=number)


def differences(
    session: Session, document_id: int, number: int | None = None, limit: int | None = None
) -> list[DifferenceRow]:
    """The first `limit` differences of a transfer (of its arrival `number`), one row for each number and kind."""
    before = aliased(StockMovement)
    was_at = (
        select(before.to_place)
        .where(before.booklet_number == StockDifference.booklet_number, before.at < StockArrival.at)
        .order_by(before.id.desc()).limit(1).correlate(StockDifference, StockArrival).scalar_subquery()
    )  # fmt: skip
    query = (
        select(StockArrival.number, StockDifference.booklet_number, StockDifference.kind, was_at, Booklet.place)
        .join(StockArrival, StockArrival.id == StockDifference.arrival_id)
        .outerjoin(Booklet, Booklet.number == StockDifference.booklet_number)
        .where(StockArrival.document_id == document_id)
        .order_by(StockArrival.number, StockDifference.kind, StockDifference.booklet_number)
        .limit(limit)
    )
    if number is not None:
        query = query.where(StockArrival.number == number)
    return [DifferenceRow(*row) for row in session.execute(query)]


def pairs(session: Session, document: DocumentRow, shown: Sequence[Listed]) -> list[Pair]:
    """`shown` booklets of a transfer with what became of each."""
    came = and_(
        StockMovement.booklet_number == Booklet.number,
        StockMovement.document_id == document.number,
        StockMovement.kind == "TRASLADO_INGRESA",
    )
    query = select(Booklet.number, Booklet.place, StockMovement.at).outerjoin(StockMovement, came)
    query = query.where(Booklet.number.in_([booklet.number for booklet in shown]))
    known = {number: (place, at) for number, place, at in session.execute(query)}
    return [Pair(booklet, *known.get(booklet.number, (None, None))) for booklet in shown]
