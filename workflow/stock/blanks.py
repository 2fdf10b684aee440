"""Blanks made unusable before they belong to a case: one or a damaged pack is voided, a mistake is undone by another.

Blanks lost on a transfer are voided here too, once their receiver has declared them missing.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.arrivals import Difference, StockArrival, StockDifference
from models.base import utc_now
from models.booklets import Booklet, BookletState
from models.catalogs import VoidType, Warehouse
from models.stock import Account, StockDocument, StockMovement
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, Refused, Unavailable
from security.permissions import Permission
from workflow.booklets import lock_booklet, moved, void_place
from workflow.stock import arrivals, ledger
from workflow.stock.documents import allow, concerns, free_text, sees
from workflow.stock.holdings import joined
from workflow.stock.run_sets import size
from workflow.stock.serials import Run, runs_of, runs_text

#: Booklets voided at once, in one transaction: a box of twenty packs.
AT_MOST = 1000


def void_types(session: Session) -> list[VoidType]:
    """The void types in use that apply to a blank."""
    found = session.scalars(select(VoidType).where(VoidType.active).order_by(VoidType.name))
    return [entry for entry in found if _applies(entry)]


def void_blank(session: Session, actor: Actor, number: str, *, void_type: str, remarks: str) -> StockMovement:
    """Void the blank `number`: it goes into its warehouse's custody, or out of ours when it is lost.

    Raises `Unavailable` when it is no blank any more, saying who did what, or lies where the actor may not act.
    """
    actor = allow(actor, Permission.VOID_BOOKLETS)
    kind, why = _void_type(session, void_type), reason(remarks)
    _lock_transfers(session, [number])
    booklet = lock_booklet(session, number)
    if booklet.state != BookletState.NUEVA:
        raise moved(session, booklet)
    _refuse_elsewhere(session, actor, booklet)
    target = void_place(booklet, kind.code)
    entry = ledger.post(session, actor, "EGRESO_ANULACION", booklet, target, void_type=kind.code, remarks=why)
    _end_transfers(session, [entry.from_place])
    return entry


def void_blanks(session: Session, actor: Actor, runs: Sequence[Run], *, void_type: str, remarks: str) -> int:
    """Void every blank of `runs`, at most AT_MOST; returns how many.

    `Unavailable` names the ranges that cannot be voided; then nothing is.
    """
    actor = allow(actor, Permission.VOID_BOOKLETS)
    kind, why, numbers = _void_type(session, void_type), reason(remarks), _numbers(runs)
    _lock_transfers(session, numbers)
    found = _lock(session, numbers)
    able = _voidable(session, actor, found)
    if len(able) < len(numbers):
        wrong = runs_of(set(numbers).difference(able))
        raise Unavailable(
            N_("Nothing was voided. These are not new booklets at your warehouses: %(ranges)s."),
            field="numbers", ranges=runs_text(wrong),
        )  # fmt: skip
    places = {booklet.place for booklet in found}
    moves = [(booklet, void_place(booklet, kind.code)) for booklet in found]
    ledger.post_each(session, actor, "EGRESO_ANULACION", moves, at=utc_now(), void_type=kind.code, remarks=why)
    _end_transfers(session, places)
    return len(found)


def reactivate_blank(session: Session, actor: Actor, number: str, *, remarks: str) -> StockMovement:
    """Undo the void of a blank by an entry that names it: it is back where it was.

    Another person than who voided it; never a destroyed one, nor one voided for a reason that cannot be undone.
    """
    actor = allow(actor, Permission.REACTIVATE_BOOKLETS)
    why = reason(remarks)
    booklet = lock_booklet(session, number)
    if booklet.place == Account.DESTROYED:
        raise Unavailable(N_("Booklet %(number)s was destroyed: it cannot come back."), field="booklet", number=number)
    entry = ledger.last_movement(session, number)
    if entry.kind != "EGRESO_ANULACION":
        raise moved(session, booklet)
    _refuse_reactivation(session, actor, booklet, entry)
    return ledger.post(
        session, actor, "REINGRESO_REACTIVACION", booklet, entry.from_place, reverses=entry, remarks=why
    )  # fmt: skip


def _refuse_reactivation(session: Session, actor: Actor, booklet: Booklet, entry: StockMovement) -> None:
    if entry.case_id is not None:
        raise Unavailable(
            N_("Booklet %(number)s was voided on a case: reactivate it there."), field="booklet", number=booklet.number
        )
    if not session.get_one(VoidType, entry.void_type_code).reversible:
        raise BadValue(
            N_("A booklet voided as %(code)s cannot be reactivated."), field="booklet", code=entry.void_type_code
        )
    if not sees(actor, session.get_one(Warehouse, booklet.warehouse_code)):
        raise _not_yours(session, booklet)
    if entry.user_id == actor.user_id:
        raise Refused(N_("Who voided a booklet cannot reactivate it: a second person must."))


def reason(remarks: str) -> str:
    """What was typed as the reason; `BadValue` when it is missing or longer than 2,000 characters."""
    text = free_text("remarks", remarks, 2000)
    if text is None:
        raise BadValue(N_("This is missing."), field="remarks")
    return text


def _applies(entry: VoidType) -> bool:
    return BookletState.NUEVA in entry.booklet_states.split(";")


def _void_type(session: Session, code: str) -> VoidType:
    entry = session.get(VoidType, code)
    if entry is None or not entry.active or not _applies(entry):
        raise BadValue(N_("%(value)s is not one of the choices."), field="void_type", value=code[:16])
    return entry


def _numbers(runs: Sequence[Run]) -> list[str]:
    apart = joined(runs)
    if not apart:
        raise BadValue(N_("This is missing."), field="numbers")
    if size(apart) > AT_MOST:
        raise BadValue(
            N_("These are %(count)s booklets: at most %(most)s are voided at once."),
            field="numbers", count=size(apart), most=AT_MOST,
        )  # fmt: skip
    return [number for run in apart for number in run.numbers()]


def _lock(session: Session, numbers: Collection[str]) -> list[Booklet]:
    """Those of `numbers` that there are, locked in their order until the transaction ends."""
    query = select(Booklet).where(Booklet.number.in_(numbers)).order_by(Booklet.number).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _lock_transfers(session: Session, numbers: Collection[str]) -> None:
    """Lock the transfers these booklets are on: their receiver, too, takes the document before the booklets."""
    on_the_way = select(Booklet.place).where(Booklet.number.in_(numbers), Booklet.place.like("TRANSIT:%")).distinct()
    for transfer in sorted(int(ledger.owner_of(place)) for place in session.scalars(on_the_way)):
        arrivals.hold(session, transfer)


def _voidable(session: Session, actor: Actor, booklets: Sequence[Booklet]) -> set[str]:
    """The numbers of those that are blanks where `actor` may act, or that are missing on a transfer of his."""
    lying = [booklet for booklet in booklets if booklet.state == BookletState.NUEVA]
    moving = [booklet for booklet in lying if ledger.account_of(booklet.place) == Account.TRANSIT]
    missing = _missing(session, [booklet.number for booklet in moving]) if moving else set()
    here = {place: _acts_at(session, actor, booklet) for place, booklet in {b.place: b for b in lying}.items()}
    stuck = {booklet.number for booklet in moving}.difference(missing)
    return {booklet.number for booklet in lying if here[booklet.place] and booklet.number not in stuck}


def _acts_at(session: Session, actor: Actor, booklet: Booklet) -> bool:
    if ledger.account_of(booklet.place) == Account.TRANSIT:
        return concerns(session, session.get_one(StockDocument, int(ledger.owner_of(booklet.place))), actor)
    return sees(actor, session.get_one(Warehouse, booklet.warehouse_code))


def _missing(session: Session, numbers: Collection[str]) -> set[str]:
    """Those of `numbers`, all in transit, that the receiver of the transfer they are on declared missing."""
    query = (
        select(StockDifference.booklet_number)
        .join(StockArrival, StockArrival.id == StockDifference.arrival_id)
        .join(Booklet, Booklet.number == StockDifference.booklet_number)
        .where(StockDifference.booklet_number.in_(numbers), StockDifference.kind == Difference.MISSING)
        .where(Booklet.place == func.concat("TRANSIT:", StockArrival.document_id))
    )
    return set(session.scalars(query))


def _refuse_elsewhere(session: Session, actor: Actor, booklet: Booklet) -> None:
    if not _acts_at(session, actor, booklet):
        raise _not_yours(session, booklet)
    if booklet.number not in _voidable(session, actor, [booklet]):
        raise Unavailable(
            N_("Booklet %(number)s is in transit on transfer %(document)s: its receiver must declare it missing."),
            field="booklet", number=booklet.number, document=ledger.owner_of(booklet.place),
        )  # fmt: skip


def _not_yours(session: Session, booklet: Booklet) -> Unavailable:
    return Unavailable(
        N_("Booklet %(number)s is of %(warehouse)s, which is not a warehouse of your sites."),
        field="booklet", number=booklet.number, warehouse=session.get_one(Warehouse, booklet.warehouse_code).name,
    )  # fmt: skip


def _end_transfers(session: Session, places: Iterable[str]) -> None:
    """A transfer of which nothing is on the way any more is received to the end."""
    for place in sorted(place for place in set(places) if ledger.account_of(place) == Account.TRANSIT):
        arrivals.settle(session, int(ledger.owner_of(place)))
