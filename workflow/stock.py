"""Entradas: receipts of booklets, drafted, listed and closed for good (module 8; M:L758-L836)."""

import datetime as dt

from sqlalchemy import select, text, true
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from models.base import utc_now
from models.booklets import Booklet, DocumentState, StockDocument, StockLine
from models.catalogs import StockCategory, Warehouse
from models.text import N_
from models.users import User
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


def receipt(session: Session, document_id: int, actor: Actor) -> StockDocument:
    """The receipt of that number, or `NotFound`."""
    _may(actor, Permission.READ_STOCK)
    # The column is a 32-bit integer; an address may hold any.
    document = session.get(StockDocument, document_id) if document_id < 2**31 else None
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
    version: int | None = None,
) -> StockDocument:
    """Start a receipt, or change the head of an open one; `version` as in `add_line`."""
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
        _still_open(session, document, version)
    document.category_code, document.on, document.warehouse_code = category, on, warehouse
    document.reference = _free_text("reference", reference, 80)
    document.remarks = _free_text("remarks", remarks, 2000)
    session.flush()
    return document


def _free_text(name: str, value: str | None, longest: int) -> str | None:
    value = (value or "").replace("\x00", "").strip()
    if len(value) > longest:
        raise BadValue(N_("This is longer than %(longest)s characters."), field=name, longest=longest)
    return value or None


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
    """Put a range on an open receipt; refused whole when it overlaps booklets or lines that exist, naming them.

    `version` is the document's as the person saw it: who looks at an older one changes nothing. None: unseen.
    """
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document, version)
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
    # Two drafts at once would not see each other's lines.
    session.execute(text("select pg_advisory_xact_lock(hashtext('stock_line ' || :prefix))"), {"prefix": kind.prefix})
    clashes = clashing_ranges(session, line)
    if clashes:
        raise Unavailable(N_("These numbers exist already: %(ranges)s."), field="first", ranges=", ".join(clashes))
    document.lines.append(line)
    _touch(session, document)
    return line


def drop_line(
    session: Session, document: StockDocument, line_id: int, actor: Actor, *, version: int | None = None
) -> None:
    """Take a range off an open receipt; `version` as in `add_line`."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document, version)
    kept = [line for line in document.lines if line.id != line_id]
    if len(kept) == len(document.lines):
        raise NotFound(N_("Document %(number)s has no such line."), number=document.id)
    document.lines[:] = kept
    _touch(session, document)


def _touch(session: Session, document: StockDocument) -> None:
    """Count a change of the lines as a change of the document, so that its version tells of it."""
    flag_modified(document, "state")
    session.flush()


def drop_receipt(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Delete an open receipt; `version` as in `add_line`."""
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document, version)
    session.delete(document)
    session.flush()


def close_receipt(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> int:
    """Close for good: every booklet becomes NUEVA in the warehouse, with its ledger entry. Returns how many.

    `version` as in `add_line`.
    """
    _may(actor, Permission.RECEIVE_STOCK)
    _still_open(session, document, version)
    if not document.lines:
        raise BadValue(N_("The document has no lines."))
    at = utc_now()
    made: int = session.execute(_BOOKLETS, {"document": document.id, "at": at}).rowcount  # type: ignore[attr-defined]
    session.execute(_MOVEMENTS, {"document": document.id, "at": at, "user": actor.user_id})
    document.state, document.closed_by_id, document.closed_at = DocumentState.CERRADO, actor.user_id, at
    session.flush()
    return made


def clashing_ranges(session: Session, line: StockLine) -> list[str]:
    """The runs of numbers of `line` that exist as booklets or stand on an open document, as `F0000001–F0000009`.

    The ten lowest; a further `…` says that there are more.
    """
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
             group by g order by 1 limit 11
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
    runs = [_run(line.prefix, low, high) for low, high in rows]
    return runs if len(runs) <= 10 else [*runs[:10], "…"]


def _run(prefix: str, low: int, high: int) -> str:
    return f"{prefix}{low:07d}" if low == high else f"{prefix}{low:07d}–{prefix}{high:07d}"


def offered_booklets(session: Session, warehouse_site: str, category: str, count: int = 5) -> list[str]:
    """The next new booklets of a category in the warehouse of a site, lowest first."""
    # Per warehouse: a join would let the planner walk all booklets ever used, in the order of their numbers.
    lowest = (
        select(Booklet.number)
        .where(Booklet.state == "NUEVA", Booklet.warehouse_code == Warehouse.code, Booklet.category_code == category)
        .order_by(Booklet.number).limit(count).correlate(Warehouse).lateral()
    )  # fmt: skip
    query = select(lowest.c.number).select_from(Warehouse).join(lowest, true())
    query = query.where(Warehouse.site_code == warehouse_site).order_by(lowest.c.number).limit(count)
    return list(session.scalars(query))


def _still_open(session: Session, document: StockDocument, version: int | None) -> None:
    number = document.id
    try:
        session.refresh(document, with_for_update=True)
    except InvalidRequestError as gone:
        raise NotFound(N_("There is no receipt %(number)s."), number=number) from gone
    if document.state != DocumentState.ABIERTO:
        raise WrongState(
            N_("Document %(number)s is closed: %(user)s closed it at %(at)s."),
            number=number,
            user=_name_of(session, document.closed_by_id),
            at=document.closed_at,
        )
    if version is not None and document.version != version:
        raise WrongState(N_("Document %(number)s was changed meanwhile: look at it again and repeat."), number=number)


def _name_of(session: Session, user_id: int | None) -> str:
    user = session.get(User, user_id)
    return user.username if user else "?"
