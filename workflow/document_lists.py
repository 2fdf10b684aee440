"""Reading receipts of booklets: the lists, the head, the booklets on the lines one page at a time (M:L758-L836)."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from models.booklets import DocumentState, StockDocument, StockLine
from models.catalogs import StockCategory, Warehouse
from models.text import N_
from models.users import User
from security.actor import Actor
from security.permissions import Permission
from workflow.errors import NotAllowed, NotFound

OPEN_AT_MOST = 200
CLOSED_PAGE = 50
#: Booklets of a document shown at once; a line may have 100,000.
BOOKLETS_PAGE = 100
CENTRAL = "CENTRAL"


@dataclass(frozen=True)
class Receipt:
    """A receipt with the names of what it refers to and the number of booklets on its lines."""

    number: int
    version: int
    state: DocumentState
    on: dt.date
    reference: str | None
    remarks: str | None
    category_code: str
    category: str
    prefix: str
    warehouse_code: str
    warehouse: str
    created_by: str
    created_at: dt.datetime
    closed_by: str | None
    closed_at: dt.datetime | None
    booklets: int

    @property
    def is_open(self) -> bool:
        return self.state == DocumentState.ABIERTO


@dataclass(frozen=True)
class Listed:
    """One booklet of a document: its place in it, from 1, its number, its category's code."""

    position: int
    number: str
    category_code: str


def open_receipts(session: Session, actor: Actor) -> list[Receipt]:
    """Receipts not closed yet, newest first, at most OPEN_AT_MOST."""
    query = _receipts(actor).where(StockDocument.state == DocumentState.ABIERTO).limit(OPEN_AT_MOST)
    return [Receipt(*row) for row in session.execute(query)]


def closed_receipts(session: Session, actor: Actor, *, before: int | None = None) -> tuple[list[Receipt], int | None]:
    """Up to CLOSED_PAGE closed receipts, newest first, numbered below `before`; and where the next page starts."""
    query = _receipts(actor).where(StockDocument.state == DocumentState.CERRADO).limit(CLOSED_PAGE + 1)
    if before is not None:
        query = query.where(StockDocument.id < before)
    rows = [Receipt(*row) for row in session.execute(query)]
    return rows[:CLOSED_PAGE], rows[CLOSED_PAGE - 1].number if len(rows) > CLOSED_PAGE else None


def receipt(session: Session, number: int, actor: Actor) -> Receipt:
    """The receipt of that number, or `NotFound`."""
    # The column is a 32-bit integer; an address may hold any.
    row = session.execute(_receipts(actor).where(StockDocument.id == number)).first() if number < 2**31 else None
    if row is None:
        raise NotFound(N_("There is no receipt %(number)s."), number=number)
    return Receipt(*row)


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


def warehouses(session: Session) -> list[Warehouse]:
    """The warehouses in use, those that usually take receipts first."""
    order = (Warehouse.takes_receipts.desc(), Warehouse.name)
    return list(session.scalars(select(Warehouse).where(Warehouse.active).order_by(*order)))


def _receipts(actor: Actor) -> Select[Any]:
    if not actor.may(Permission.READ_STOCK):
        raise NotAllowed()
    closer = aliased(User)
    booklets = select(func.coalesce(func.sum(StockLine.quantity), 0)).where(StockLine.document_id == StockDocument.id)
    columns: tuple[Any, ...] = (
        StockDocument.id,
        StockDocument.version,
        StockDocument.state,
        StockDocument.on,
        StockDocument.reference,
        StockDocument.remarks,
        StockDocument.category_code,
        StockCategory.name,
        StockCategory.prefix,
        StockDocument.warehouse_code,
        Warehouse.name,
        User.username,
        StockDocument.created_at,
        closer.username,
        StockDocument.closed_at,
        booklets.scalar_subquery(),
    )
    return (
        select(*columns)
        .join(StockCategory, StockCategory.code == StockDocument.category_code)
        .join(Warehouse, Warehouse.code == StockDocument.warehouse_code)
        .join(User, StockDocument.created_by_id == User.id)
        .outerjoin(closer, StockDocument.closed_by_id == closer.id)
        .where(StockDocument.kind == "INGRESO")
        .order_by(StockDocument.id.desc())
    )
