"""Entradas: receipts of booklets, drafted, listed and closed for good (module 8; M:L758-L836)."""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet, DocumentState, StockDocument, StockLine
from models.catalogs import StockCategory, Warehouse
from models.text import N_
from security.actor import Actor
from security.permissions import Permission
from workflow.errors import BadValue, NotAllowed, NotFound, Unavailable, WrongState

SERIALS = 10_000_000
_BOOKLETS = text(
    """
    insert into booklet (number, category_code, state, warehouse_code, state_since)
    select l.prefix || lpad(n::text, 7, '0'), l.category_code, 'NUEVA', d.warehouse_code, :at
      from stock_line l join stock_document d on d.id = l.document_id,
           generate_series(l.first_serial, l.first_serial + l.quantity - 1) n
     where d.id = :document
    """
)
_MOVEMENTS = text(
    """
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id)
    select l.prefix || lpad(n::text, 7, '0'), 'INGRESO', 'SUPPLIER', 'WAREHOUSE:' || d.warehouse_code, :at, :user, d.id
      from stock_line l join stock_document d on d.id = l.document_id,
           generate_series(l.first_serial, l.first_serial + l.quantity - 1) n
     where d.id = :document
    """
)


def _may(actor: Actor, permission: Permission) -> None:
    if not actor.may(permission):
        raise NotAllowed()


def open_receipts(session: Session, actor: Actor) -> list[StockDocument]:
    """Receipts not closed yet, newest first."""
    _may(actor, Permission.READ_STOCK)
    query = select(StockDocument).where(StockDocument.kind == "INGRESO", StockDocument.state == DocumentState.ABIERTO)
    return list(session.scalars(query.order_by(StockDocument.id.desc()).limit(200)))


def closed_receipts(session: Session, actor: Actor) -> list[StockDocument]:
    """The last receipts that were closed."""
    _may(actor, Permission.READ_STOCK)
    query = select(StockDocument).where(StockDocument.kind == "INGRESO", StockDocument.state == DocumentState.CERRADO)
    return list(session.scalars(query.order_by(StockDocument.id.desc()).limit(50)))


def receipt(session: Session, document_id: int, actor: Actor) -> StockDocument:
    """The receipt of that number, or `NotFound`."""
    _may(actor, Permission.READ_STOCK)
    document = session.get(StockDocument, document_id)
    if document is None or document.kind != "INGRESO":
        raise NotFound(N_("There is no receipt %(number)s."), number=document_id)
    return document


def draft_receipt(
    session: Session,
    actor: Actor,
    *,
    category: str,
    on: dt.date,
    warehouse: str,
    reference: str | None = None,
    remarks: str | None = None,
    document: StockDocument | None = None,
) -> StockDocument:
    """Start a receipt, or change the head of an open one."""
    _may(actor, Permission.RECEIVE_STOCK)
    place = session.get(Warehouse, warehouse)
    if place is None or not place.active:
        raise BadValue(N_("%(value)s is not one of the choices."), field="warehouse", value=warehouse[:16])
    kind = session.get(StockCategory, category)
    if kind is None or not kind.active:
        raise BadValue(N_("%(value)s is not one of the choices."), field="category", value=category[:16])
    if document is None:
        document = StockDocument(kind="INGRESO", created_by_id=actor.user_id, created_at=utc_now())
        session.add(document)
    else:
        _still_open(session, document)
    document.category_code, document.on, document.warehouse_code = category, on, warehouse
    document.reference, document.remarks = reference or None, remarks or None
    session.flush()
    return document


def add_line(
    session: Session, document: StockDocument, actor: Actor, *, category: str, prefix: str, first: int, quantity: int
) -> StockLine:
    """Put a range on an open receipt; refused whole when it overlaps booklets or lines that exist, naming them."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document)
    kind = session.get(StockCategory, category)
    if kind is None or kind.prefix != prefix.upper():
        raise BadValue(
            N_("Category %(category)s does not use the prefix %(prefix)s."),
            field="prefix",
            category=category[:16],
            prefix=prefix[:4],
        )
    if not 0 < quantity <= SERIALS or not 0 <= first <= SERIALS - quantity:
        raise BadValue(N_("The range does not fit into seven digits."), field="quantity")
    line = StockLine(
        document_id=document.id, category_code=category, prefix=kind.prefix, first=first, quantity=quantity
    )
    clashes = clashing_ranges(session, line)
    if clashes:
        raise Unavailable(N_("These numbers exist already: %(ranges)s."), field="first", ranges=", ".join(clashes))
    document.lines.append(line)
    session.flush()
    return line


def drop_line(session: Session, document: StockDocument, line_id: int, actor: Actor) -> None:
    """Take a range off an open receipt."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document)
    document.lines[:] = [line for line in document.lines if line.id != line_id]
    session.flush()


def drop_receipt(session: Session, document: StockDocument, actor: Actor) -> None:
    """Delete an open receipt."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document)
    session.delete(document)
    session.flush()


def close_receipt(session: Session, document: StockDocument, actor: Actor) -> int:
    """Close for good: every booklet becomes NUEVA in the warehouse, with its ledger entry. Returns how many."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document)
    if not document.lines:
        raise BadValue(N_("The document has no lines."))
    at = utc_now()
    made: int = session.execute(_BOOKLETS, {"document": document.id, "at": at}).rowcount  # type: ignore[attr-defined]
    session.execute(_MOVEMENTS, {"document": document.id, "at": at, "user": actor.user_id})
    document.state, document.closed_by_id, document.closed_at = DocumentState.CERRADO, actor.user_id, at
    session.flush()
    return made


def clashing_ranges(session: Session, line: StockLine) -> list[str]:
    """The runs of numbers of `line` that exist as booklets or stand on an open document, as `F0000001–F0000009`."""
    rows = session.execute(
        text(
            """
            with taken as (
                select substr(number, 2)::int n from booklet where number between :first and :last
                union select n from stock_line l join stock_document d on d.id = l.document_id,
                       generate_series(greatest(l.first_serial, :low),
                                       least(l.first_serial + l.quantity - 1, :high)) n
                 where l.prefix = :prefix and d.state = 'ABIERTO')
            select min(n), max(n) from (select n, n - row_number() over (order by n) g from taken) t
             group by g order by 1 limit 10
            """
        ),
        {
            "first": line.first_number,
            "last": line.last_number,
            "prefix": line.prefix,
            "low": line.first,
            "high": line.first + line.quantity - 1,
        },
    )
    return [f"{line.prefix}{low:07d}–{line.prefix}{high:07d}" for low, high in rows]


def offered_booklets(session: Session, warehouse_site: str, category: str, count: int = 5) -> list[str]:
    """The next new booklets of a category in the warehouse of a site, lowest first."""
    query = (
        select(Booklet.number)
        .join(Warehouse, Warehouse.code == Booklet.warehouse_code)
        .where(Booklet.state == "NUEVA", Warehouse.site_code == warehouse_site, Booklet.category_code == category)
    )
    return list(session.scalars(query.order_by(Booklet.number).limit(count)))


def _still_open(session: Session, document: StockDocument) -> None:
    session.refresh(document, with_for_update=True)
    if document.state != DocumentState.ABIERTO:
        raise WrongState(N_("Document %(number)s is closed."), number=document.id)
