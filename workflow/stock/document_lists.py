"""Reading stock documents: the lists, the head with its names, the booklets on the lines one page at a time."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from models.catalogs import StockCategory, Warehouse
from models.stock import DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotFound
from security.permissions import Permission
from workflow.stock.documents import allow, sees

OPEN_AT_MOST = 200
CLOSED_PAGE = 50
#: Booklets of a document shown at once; a line may have 100,000.
BOOKLETS_PAGE = 100
CENTRAL = "CENTRAL"


@dataclass(frozen=True)
class DocumentRow:
    """A stock document with the names of what it refers to and the number of booklets on its lines."""

    number: int
    version: int
    kind: DocumentKind
    state: DocumentState
    on: dt.date
    reference: str | None
    remarks: str | None
    category_code: str | None
    category: str | None
    warehouse_code: str
    warehouse: str
    to_warehouse_code: str | None
    to_warehouse: str | None
    printer_id: int | None
    printer: str | None
    reverses: int | None
    created_by: str
    created_at: dt.datetime
    signed_by_id: int | None
    signed_by: str | None
    signed_at: dt.datetime | None
    closed_by_id: int | None
    closed_by: str | None
    closed_at: dt.datetime | None
    at_once: bool
    received_at: dt.datetime | None
    reversed_by: int | None
    booklets: int

    @property
    def is_open(self) -> bool:
        return self.state == DocumentState.ABIERTO

    @property
    def in_transit(self) -> bool:
        """Whether it is a transfer that its receiver has not confirmed to the end."""
        return self.kind == DocumentKind.TRASLADO and self.closed_at is not None and self.received_at is None


@dataclass(frozen=True)
class Listed:
    """One booklet of a document: its place in it, from 1, its number, its category's code."""

    position: int
    number: str
    category_code: str


def pending(session: Session, actor: Actor, *kinds: DocumentKind) -> list[DocumentRow]:
    """Documents of `kinds` not closed yet, newest first, at most OPEN_AT_MOST."""
    query = _documents(actor, kinds).where(StockDocument.state != DocumentState.CERRADO).limit(OPEN_AT_MOST)
    return [DocumentRow(*row) for row in session.execute(query)]


def closed(
    session: Session, actor: Actor, *kinds: DocumentKind, before: int | None = None
) -> tuple[list[DocumentRow], int | None]:
    """Up to CLOSED_PAGE closed documents, newest first, numbered below `before`; and where the next page starts."""
    query = _documents(actor, kinds).where(StockDocument.state == DocumentState.CERRADO).limit(CLOSED_PAGE + 1)
    if before is not None:
        query = query.where(StockDocument.id < before)
    rows = [DocumentRow(*row) for row in session.execute(query)]
    return rows[:CLOSED_PAGE], rows[CLOSED_PAGE - 1].number if len(rows) > CLOSED_PAGE else None


def in_transit(session: Session, actor: Actor) -> list[DocumentRow]:
    """Transfers that were sent and not received to the end, the oldest first, at most OPEN_AT_MOST."""
    query = _documents(actor, (DocumentKind.TRASLADO,)).where(
        StockDocument.state == DocumentState.CERRADO, StockDocument.received_at.is_(None)
    )
    query = query.order_by(None).order_by(StockDocument.id).limit(OPEN_AT_MOST)
    return [DocumentRow(*row) for row in session.execute(query)]


def row(session: Session, number: int, actor: Actor, *kinds: DocumentKind) -> DocumentRow:
    """The document of that number and one of `kinds`, or `NotFound`."""
    # The column is a 32-bit integer; an address may hold any.
    query = _documents(actor, kinds).where(StockDocument.id == number)
    found = session.execute(query).first() if number < 2**31 else None
    if found is None:
        raise NotFound(N_("There is no document %(number)s here."), number=number)
    return DocumentRow(*found)


def lines(session: Session, number: int) -> list[StockLine]:
    """The ranges of the document, in the order they were entered."""
    return list(session.scalars(select(StockLine).where(StockLine.document_id == number).order_by(StockLine.id)))


def listed(ranges: Sequence[StockLine], start: int, count: int = BOOKLETS_PAGE) -> Iterator[Listed]:
    """`count` booklets of `ranges` from the position `start`, counted from 1; the numbers follow from the ranges."""
    position = 1
    for line in ranges:
        first, last = max(start, position), min(start + count, position + line.quantity)
        for place in range(first, last):
            serial = line.first + place - position
            yield Listed(place, f"{line.prefix}{serial:07d}", line.category_code)
        position += line.quantity


def categories(session: Session) -> list[StockCategory]:
    """The categories of booklets in use."""
    return list(session.scalars(select(StockCategory).where(StockCategory.active).order_by(StockCategory.prefix)))


def warehouses(session: Session, actor: Actor | None = None) -> list[Warehouse]:
    """The warehouses in use (that `actor` may act at), those that usually take receipts first."""
    order = (Warehouse.takes_receipts.desc(), Warehouse.name)
    found = session.scalars(select(Warehouse).where(Warehouse.active).order_by(*order))
    return [place for place in found if actor is None or sees(actor, place)]


def _documents(actor: Actor, kinds: Sequence[DocumentKind]) -> Select[Any]:
    allow(actor, Permission.READ_STOCK, Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE)
    closer, signer, printer, author = (aliased(User) for _user in range(4))
    receiver, undo = aliased(Warehouse), aliased(StockDocument)
    booklets = select(func.coalesce(func.sum(StockLine.quantity), 0)).where(StockLine.document_id == StockDocument.id)
    reversal = select(func.max(undo.id)).where(undo.reverses_id == StockDocument.id)
    columns: tuple[Any, ...] = (
        StockDocument.id, StockDocument.version, StockDocument.kind, StockDocument.state, StockDocument.on,
        StockDocument.reference, StockDocument.remarks, StockDocument.category_code, StockCategory.name,
        StockDocument.warehouse_code, Warehouse.name, StockDocument.to_warehouse_code, receiver.name,
        StockDocument.printer_id, printer.username, StockDocument.reverses_id,
        author.username, StockDocument.created_at,
        StockDocument.signed_by_id, signer.username, StockDocument.signed_at,
        StockDocument.closed_by_id, closer.username, StockDocument.closed_at,
        StockDocument.at_once, StockDocument.received_at, reversal.scalar_subquery(), booklets.scalar_subquery(),
    )  # fmt: skip
    return (
        select(*columns)
        .join(Warehouse, Warehouse.code == StockDocument.warehouse_code)
        .join(author, StockDocument.created_by_id == author.id)
        .outerjoin(StockCategory, StockCategory.code == StockDocument.category_code)
        .outerjoin(receiver, receiver.code == StockDocument.to_warehouse_code)
        .outerjoin(printer, StockDocument.printer_id == printer.id)
        .outerjoin(signer, StockDocument.signed_by_id == signer.id)
        .outerjoin(closer, StockDocument.closed_by_id == closer.id)
        .where(StockDocument.kind.in_(kinds), _visible(actor, receiver))
        .order_by(StockDocument.id.desc())
    )


def _visible(actor: Actor, receiver: Any) -> ColumnElement[bool]:
    """A document concerns who sees one of its warehouses, and the printer it names."""
    if actor.sites is None:
        return true()
    sites = sorted(actor.by(Permission.READ_STOCK).sites or ())
    here = (
        or_(Warehouse.site_code.in_(sites), receiver.site_code.in_(sites)) if actor.may(Permission.READ_STOCK) else None
    )
    own = StockDocument.printer_id == actor.user_id
    return own if here is None else or_(here, own)
