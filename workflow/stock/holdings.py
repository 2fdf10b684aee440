"""What lies where, as runs: the blanks of a place, what each printer still holds, the voided booklets in custody."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from models.catalogs import Warehouse
from models.clock import GUATEMALA
from models.stock import DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from security.actor import Actor
from security.errors import BadValue
from security.permissions import Permission
from workflow.stock.documents import allow, sees
from workflow.stock.ledger import voided_place
from workflow.stock.printers import PRINTS
from workflow.stock.serials import SERIALS, Run, runs_text

#: Documents whose lines are booklets that exist.
MOVING = (DocumentKind.TRASLADO, DocumentKind.SALIDA, DocumentKind.DEVOLUCION, DocumentKind.DESTRUCCION)


@dataclass(frozen=True)
class Held:
    """Consecutive booklets of a category."""

    category_code: str
    run: Run


@dataclass(frozen=True)
class InHands:
    """Consecutive booklets that a printer holds since one document; None: they came back to him by another act."""

    printer_id: int
    printer: str
    name: str
    warehouse_code: str
    warehouse: str
    category_code: str
    run: Run
    since: dt.datetime
    document: int | None


@dataclass(frozen=True)
class Custody:
    """The voided booklets of one kind in a warehouse's custody, and when the first and the last of them were voided."""

    void_type_code: str
    void_type: str
    booklets: int
    oldest: dt.datetime
    newest: dt.datetime


_RUNS = """
    select category_code, prefix, min(n), count(*)
      from (select category_code, prefix, n, n - row_number() over (partition by category_code, prefix order by n) g
              from (select b.category_code, left(b.number, 1) prefix, substr(b.number, 2)\\:\\:int n from booklet b
                     where {where} order by b.number limit :count) b) t
     group by category_code, prefix, g order by prefix, min(n)
"""


def _held(session: Session, where: dict[str, Any], count: int | None) -> list[Held]:
    """The runs of the booklets for which `where` holds: conditions and values; one without a value is left out.

    Left out, so that the partial indexes of blanks and of voided booklets serve: a condition that may be true of any
    booklet makes the planner walk all there ever were.
    """
    given = {condition: value for condition, value in where.items() if value is not None}
    values = {f"v{at}": value for at, value in enumerate(given.values())}
    conditions = " and ".join(condition.format(f":v{at}") for at, condition in enumerate(given))
    rows = session.execute(text(_RUNS.format(where=conditions)), {**values, "count": count})
    return [Held(code, Run(prefix, first, quantity)) for code, prefix, first, quantity in rows]


def blanks(
    session: Session, place: str, *, within: Run | None = None, category: str | None = None, count: int | None = None
) -> list[Held]:
    """The first `count` new booklets at `place` (of a category, within a run), lowest first."""
    where = {"b.state = 'NUEVA' and b.place = {}": place, "b.category_code = {}": category, **_bounds(within)}
    return _held(session, where, count)


def voided(
    session: Session,
    warehouse: str,
    *,
    within: Run | None = None,
    void_type: str | None = None,
    until: dt.date | None = None,
    count: int | None = None,
) -> list[Held]:
    """The first `count` voided booklets in the custody of `warehouse`: of a kind, voided up to the day `until`."""
    before = _end_of(until) if until else None
    where = {"b.state = 'ANULADA' and b.place = {}": voided_place(warehouse), **_bounds(within)}
    return _held(session, {**where, "b.void_type_code = {}": void_type, "b.state_since < {}": before}, count)


def _bounds(within: Run | None) -> dict[str, str]:
    return {"b.number >= {}": within.first_number, "b.number <= {}": within.last_number} if within else {}


def _end_of(day: dt.date) -> dt.datetime:
    """The first instant after `day` in Guatemala."""
    if day == dt.date.max:
        raise BadValue(N_("This is not a date."), field="until")
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), GUATEMALA)


_CUSTODY = text(
    """
    select b.void_type_code, v.name, count(*), min(b.state_since), max(b.state_since)
      from booklet b join void_type v on v.code = b.void_type_code
     where b.state = 'ANULADA' and b.place = :place
       and (cast(:before as timestamptz) is null or b.state_since < :before)
     group by 1, 2 order by 4, 1
    """
)


def in_custody(session: Session, warehouse: str, until: dt.date | None = None) -> list[Custody]:
    """The voided booklets that `warehouse` keeps, by the kind of void, those with the oldest first."""
    values = {"place": voided_place(warehouse), "before": _end_of(until) if until else None}
    return [Custody(*row) for row in session.execute(_CUSTODY, values)]


def first_numbers(session: Session, warehouse: str, entry: Custody) -> str:
    """The lowest numbers of what is in custody, as a few runs."""
    held = voided(session, warehouse, void_type=entry.void_type_code, count=200)
    more = sum(one.run.quantity for one in held) < entry.booklets
    return runs_text([one.run for one in held], 3) + (" …" if more and len(held) <= 3 else "")


#: From one place to the next along the index: there are few places and many booklets.
_IN_HANDS = text(
    """
    with recursive place (place) as (
        (select b.place from booklet b where b.state = 'NUEVA' order by b.place limit 1)
        union all
        select (select b.place from booklet b where b.state = 'NUEVA' and b.place > p.place order by b.place limit 1)
          from place p where p.place is not null),
    hands as (
        select place, split_part(place, ':', 2) warehouse, split_part(place, ':', 3)\\:\\:int printer from place
         where split_part(place, ':', 1) = 'HANDS'),
    held as (
        select h.warehouse, h.printer, b.category_code, left(b.number, 1) prefix, substr(b.number, 2)\\:\\:int n,
               m.at, m.document_id
          from hands h
          join booklet b on b.state = 'NUEVA' and b.place = h.place
          join lateral (select at, document_id from stock_movement m where m.booklet_number = b.number
                         order by m.id desc limit 1) m on true
         where (cast(:printer as int) is null or h.printer = :printer)
           and (cast(:warehouses as varchar[]) is null or h.warehouse = any(:warehouses)))
    select t.printer, u.username, u.first_name || ' ' || u.last_name, t.warehouse, w.name, t.category_code, t.prefix,
           t.first, t.quantity, t.at, t.document_id
      from (select warehouse, printer, category_code, prefix, min(n) first, count(*) quantity, at, document_id
              from (select *, n - row_number() over (
                        partition by warehouse, printer, category_code, prefix, at, document_id order by n) g
                      from held) h
             group by warehouse, printer, category_code, prefix, at, document_id, g) t
      join ab_user u on u.id = t.printer
      join warehouse w on w.code = t.warehouse
     order by w.name, u.username, t.prefix, t.first
    """
).bindparams(bindparam("warehouses", type_=ARRAY(String)))


def who_holds_what(session: Session, actor: Actor) -> list[InHands]:
    """The blanks in printers' hands: of the warehouses `actor` reads, and his own."""
    allow(actor, Permission.READ_STOCK, *PRINTS)
    mine = _in_hands(session, actor.user_id, None) if actor.may(*PRINTS) else []
    if not actor.may(Permission.READ_STOCK):
        return mine
    reader = actor.by(Permission.READ_STOCK)
    places = [place.code for place in session.scalars(select(Warehouse)) if sees(reader, place)]
    others = _in_hands(session, None, places if reader.sites is not None else None)
    return [*(own for own in mine if own not in others), *others]


def _in_hands(session: Session, printer: int | None, warehouses: Sequence[str] | None) -> list[InHands]:
    rows = session.execute(_IN_HANDS, {"printer": printer, "warehouses": warehouses})
    return [
        InHands(user, username, name, code, warehouse, category, Run(prefix, first, quantity), since, document)
        for user, username, name, code, warehouse, category, prefix, first, quantity, since, document in rows
    ]


def spoken_for(session: Session, warehouse: str, but: int | None = None) -> list[tuple[int, Run]]:
    """The runs on documents of `warehouse` that are not closed yet, with the document's number; not those of `but`."""
    query = (
        select(StockDocument.id, StockLine.prefix, StockLine.first, StockLine.quantity)
        .join(StockDocument, StockDocument.id == StockLine.document_id)
        .where(
            StockDocument.kind.in_(MOVING),
            StockDocument.state.in_((DocumentState.ABIERTO, DocumentState.POR_CONFIRMAR)),
            StockDocument.warehouse_code == warehouse,
            StockDocument.id != (but or 0),
        )
    )
    return [(number, Run(prefix, first, quantity)) for number, prefix, first, quantity in session.execute(query)]


def _span(run: Run) -> tuple[int, int]:
    """First and one past the last serial, on one line over all prefixes."""
    start = ord(run.prefix) * SERIALS + run.first
    return start, start + run.quantity


def _run(start: int, end: int) -> Run:
    prefix, first = divmod(start, SERIALS)
    return Run(chr(prefix), first, end - start)


def joined(runs: Iterable[Run]) -> list[Run]:
    """`runs` in order, those that overlap or touch as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(map(_span, runs)):
        # A span never reaches over the end of its prefix: the next prefix in use is further off.
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return [_run(*span) for span in found]


def without(held: Sequence[Held], runs: Iterable[Run]) -> list[Held]:
    """What is left of `held`, which is in the order of its numbers, when `runs` are taken out."""
    taken, place = [_span(run) for run in joined(runs)], 0
    left = []
    for entry in held:
        start, end = _span(entry.run)
        while place < len(taken) and taken[place][1] <= start:
            place += 1
        at = place
        while at < len(taken) and taken[at][0] < end:
            if start < taken[at][0]:
                left.append(Held(entry.category_code, _run(start, taken[at][0])))
            start = max(start, taken[at][1])
            at += 1
        if start < end:
            left.append(Held(entry.category_code, _run(start, end)))
    return left


def first_of(held: Sequence[Held], quantity: int) -> list[Held]:
    """The lowest `quantity` booklets of `held`; fewer when there are not so many."""
    chosen = []
    for entry in held:
        if quantity <= 0:
            break
        run = entry.run
        chosen.append(Held(entry.category_code, Run(run.prefix, run.first, min(run.quantity, quantity))))
        quantity -= run.quantity
    return chosen
