"""Traslados: transfers between warehouses drafted, given lines, sent (module 10; M:L840-L925); and recalled."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.catalogs import TransferRoute
from models.stock import Account, DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, Refused, Unavailable
from security.permissions import Permission
from workflow.stock import documents, draft_lines, holdings, ledger
from workflow.stock.arrivals import nothing_left, settle
from workflow.stock.serials import Run, runs_text
from workflow.stock.transfer_lists import runs_in_transit

WRITE = Permission.TRANSFER_STOCK


def draft_transfer(
    session: Session,
    actor: Actor,
    *,
    on: dt.date,
    from_warehouse: str,
    to_warehouse: str,
    reference: str | None = None,
    remarks: str | None = None,
    document: StockDocument | None = None,
    version: int | None = None,
) -> StockDocument:
    """Start a transfer, or change the head of an open one; `version` as in `documents.lock`.

    The sender is a warehouse of the actor's; it changes no more once there are lines, whose booklets lie in it.
    """
    actor = documents.allow(actor, WRITE)
    sender = documents.warehouse_named(session, from_warehouse, actor, field="from_warehouse")
    receiver = documents.warehouse_named(session, to_warehouse, None, field="to_warehouse")
    if sender is receiver:
        raise BadValue(N_("A transfer goes to another warehouse."), field="to_warehouse")
    if document is not None:
        _open_draft(session, document, actor, version)
        if document.lines and document.warehouse_code != sender.code:
            raise BadValue(N_("The booklets of its lines lie elsewhere: take them off first."), field="from_warehouse")
    return documents.fill_head(
        session, document, DocumentKind.TRASLADO, actor, version,
        on=on, warehouse_code=sender.code, to_warehouse_code=receiver.code, reference=reference, remarks=remarks,
    )  # fmt: skip


def add_line(
    session: Session,
    document: StockDocument,
    actor: Actor,
    *,
    category: str,
    prefix: str,
    first: int,
    quantity: int,
    version: int | None = None,
) -> StockLine:
    """Put a range on an open transfer; refused whole, naming ranges, unless it lies free in the sender's warehouse."""
    _open_draft(session, document, actor, version)
    line = documents.new_line(session, document, category=category, prefix=prefix, first=first, quantity=quantity)
    run = Run(line.prefix, line.first, line.quantity)
    draft_lines.one_document_at_a_time(session, document)
    refuse_elsewhere(session, [run], document.warehouse_code)
    _refuse_promised(session, run, document)
    documents.append(session, document, line)
    return line


def add_quantity(
    session: Session,
    document: StockDocument,
    actor: Actor,
    *,
    category: str,
    quantity: int,
    version: int | None = None,
) -> list[StockLine]:
    """Put the `quantity` lowest free booklets of a category on an open transfer, a line for each run of them."""
    _open_draft(session, document, actor, version)
    place = ledger.warehouse_place(document.warehouse_code)
    chosen = draft_lines.add_lowest(session, document, place, category, quantity)
    return document.lines[-len(chosen) :]


def drop_line(
    session: Session, document: StockDocument, line_id: int, actor: Actor, *, version: int | None = None
) -> None:
    """Take a range off an open transfer."""
    _open_draft(session, document, actor, version)
    documents.drop_line(session, document, line_id, actor, WRITE, version=version)


def drop_draft(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Delete an open transfer."""
    _open_draft(session, document, actor, version)
    documents.drop_draft(session, document, actor, WRITE, version=version)


def send(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> int:
    """Close for good: every booklet leaves the sender's warehouse and is in transit. Returns how many.

    Between two warehouses with a route of their own (`TransferRoute`) all is received in the same moment, as the manual
    does (M:L892).
    """
    _open_draft(session, document, actor, version)
    documents.refuse_empty(document)
    receiver = documents.warehouse_named(session, str(document.to_warehouse_code), None, field="to_warehouse")
    runs = documents.runs(document)
    refuse_elsewhere(session, runs, document.warehouse_code)
    document.at_once = received_at_once(session, document.warehouse_code, receiver.code)
    documents.close(session, document, actor)
    assert document.closed_at is not None
    here, there = ledger.warehouse_place(document.warehouse_code), ledger.transit_place(document.id)
    at = document.closed_at
    sent = ledger.post_runs(session, actor, "TRASLADO_SALE", runs, document=document, source=here, target=there, at=at)
    if document.at_once:
        target = ledger.warehouse_place(receiver.code)
        ledger.post_runs(
            session, actor, "TRASLADO_INGRESA", runs, document=document, source=there, target=target, at=at
        )  # fmt: skip
        settle(session, document.id)
    return sent


def received_at_once(session: Session, sender: str, receiver: str) -> bool:
    """Whether transfers between the two warehouses are received in the moment they are sent."""
    route = select(TransferRoute.code).where(
        TransferRoute.active,
        TransferRoute.from_warehouse_code == sender,
        TransferRoute.to_warehouse_code == receiver,
    )
    return session.scalar(route) is not None


def recall(session: Session, document: StockDocument, actor: Actor, *, remarks: str) -> StockDocument:
    """Bring back what is still in transit of a transfer sent by mistake, by another person and by new entries.

    Returns the reversing document. What was received stays received.
    """
    documents.allow_at(session, actor, document.warehouse_code, Permission.REVERSE_STOCK)
    documents.lock(session, document, None, DocumentState.CERRADO)
    if document.closed_by_id == actor.user_id:
        raise Refused(N_("Who closed a document cannot reverse it: a second person must."))
    documents.refuse_reversed(session, document)
    if documents.free_text("remarks", remarks, 2000) is None:
        raise BadValue(N_("Say why."), field="remarks")
    if not runs_in_transit(session, document.id):
        raise nothing_left(session, document)
    reversal = documents.fill_head(
        session, None, DocumentKind.REVERSION, actor, None, on=document.on, warehouse_code=document.warehouse_code,
        reverses_id=document.id, reference=document.reference, remarks=remarks,
    )  # fmt: skip
    documents.close(session, reversal, actor)
    assert reversal.closed_at is not None
    try:
        with session.begin_nested():
            ledger.post_reversal(session, actor, reversal, document.id, "TRASLADO_SALE", reversal.closed_at)
    except IntegrityError as moved:
        raise Unavailable(N_("Some of these booklets were used since: the transfer cannot be recalled.")) from moved
    settle(session, document.id)
    return reversal


def refuse_elsewhere(session: Session, runs: Sequence[Run], warehouse: str) -> None:
    """Raise `Unavailable` unless every number of `runs` lies in the warehouse; it says where the first one is."""
    gone = ledger.astray(session, runs, ledger.warehouse_place(warehouse))
    if not gone:
        return
    number = gone[0].first_number
    booklet = session.get(Booklet, number, populate_existing=True)
    account = ledger.account_of(booklet.place) if booklet else Account.SUPPLIER
    raise Unavailable(
        _WHERE.get(account, N_("Not in this warehouse: %(ranges)s. Booklet %(number)s is %(state)s.")),
        field="first",
        ranges=runs_text(gone),
        number=number,
        state=booklet.state if booklet else "",
        place=ledger.owner_of(booklet.place) if booklet else "",
        user=_printer(session, booklet.place) if booklet else "",
    )


_WHERE = {
    Account.SUPPLIER: N_("Not in this warehouse: %(ranges)s. Booklet %(number)s does not exist in stock."),
    Account.WAREHOUSE: N_("Not in this warehouse: %(ranges)s. Booklet %(number)s is at %(place)s."),
    Account.HANDS: N_("Not in this warehouse: %(ranges)s. Booklet %(number)s was issued to %(user)s."),
    Account.TRANSIT: N_("Not in this warehouse: %(ranges)s. Booklet %(number)s is in transit on transfer %(place)s."),
}


def _printer(session: Session, place: str) -> str:
    """Who has the booklets of a place in his hands; blank for any other place."""
    held = ledger.account_of(place) == Account.HANDS
    return documents.username(session, int(place.rpartition(":")[2])) if held else ""


def _refuse_promised(session: Session, run: Run, document: StockDocument) -> None:
    """Raise `Unavailable` when numbers of `run` stand on another open document of the warehouse; names it."""
    for number, other in holdings.spoken_for(session, document.warehouse_code, document.id):
        shared = documents.overlap(run, [other])
        if shared:
            raise Unavailable(
                N_("These booklets are on document %(document)s, which is open: %(ranges)s."),
                field="first", document=number, ranges=runs_text(shared),
            )  # fmt: skip


def _open_draft(session: Session, document: StockDocument, actor: Actor, version: int | None) -> None:
    """Lock an open transfer for who acts at the warehouse that sends."""
    documents.allow_at(session, actor, document.warehouse_code, WRITE)
    documents.lock(session, document, version, DocumentState.ABIERTO)
