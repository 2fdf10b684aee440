"""What all stock documents share: who may write at a warehouse, drafts and their lines, versions, the second person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from models.base import utc_now
from models.catalogs import StockCategory, Warehouse
from models.stock import DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from workflow.stock.serials import SERIALS, Run, runs_text


def allow(actor: Actor, *permissions: Permission) -> Actor:
    """`actor`, seeing only the sites where he holds one of `permissions`; `NotAllowed` when he holds none."""
    if not actor.may(*permissions):
        raise NotAllowed()
    return actor.by(*permissions)


def acts_at(actor: Actor, warehouse: Warehouse | None, permission: Permission) -> bool:
    """Whether `actor` holds the permission at the site of the warehouse, if it is one."""
    return warehouse is not None and acts_for(actor, warehouse.site_code, permission)


def acts_for(actor: Actor, site: str | None, permission: Permission) -> bool:
    """Whether `actor` holds the permission at a warehouse of `site`; None: of one without a site."""
    return actor.may(permission) and _sees(actor.by(permission), site)


def allow_at(session: Session, actor: Actor, warehouse: str, permission: Permission) -> None:
    """Raise `NotAllowed` unless `actor` holds the permission at the site of the warehouse."""
    allow(actor, permission)
    place = session.get_one(Warehouse, warehouse)
    if not acts_at(actor, place, permission):
        raise NotAllowed(N_("You do not act at %(warehouse)s."), warehouse=place.name)


def sees(actor: Actor, warehouse: Warehouse) -> bool:
    """Whether the warehouse is of one of his sites; one without a site is only of who sees every site."""
    return _sees(actor, warehouse.site_code)


def _sees(actor: Actor, site: str | None) -> bool:
    return actor.sites is None or (site is not None and actor.sees(site))


def warehouse_named(session: Session, code: str, actor: Actor | None, *, field: str = "warehouse") -> Warehouse:
    """The warehouse in use of that code, which `actor` (None: anybody) may act at; `BadValue` naming `field`."""
    place = session.get(Warehouse, code)
    if place is None or not place.active or (actor is not None and not sees(actor, place)):
        raise BadValue(N_("%(value)s is not one of the choices."), field=field, value=code[:16])
    return place


def category_named(session: Session, code: str) -> StockCategory:
    """The category in use of that code."""
    kind = session.get(StockCategory, code)
    if kind is None or not kind.active:
        raise BadValue(N_("%(value)s is not one of the choices."), field="category", value=code[:16])
    return kind


def find(session: Session, number: int, actor: Actor, *kinds: DocumentKind) -> StockDocument:
    """The document of that number and one of `kinds`, at a warehouse `actor` sees; `NotFound` otherwise."""
    allow(actor, Permission.READ_STOCK, Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE)
    # The column is a 32-bit integer; an address may hold any.
    found = session.get(StockDocument, number) if number < 2**31 else None
    if found is None or found.kind not in kinds or not concerns(session, found, actor):
        raise NotFound(N_("There is no document %(number)s here."), number=number)
    return found


def concerns(session: Session, document: StockDocument, actor: Actor) -> bool:
    """Whether the document is of a warehouse whose stock `actor` may see, or he is the printer it names."""
    if document.printer_id == actor.user_id:
        return True
    codes = [code for code in (document.warehouse_code, document.to_warehouse_code) if code]
    places = session.scalars(select(Warehouse).where(Warehouse.code.in_(codes)))
    reader = actor.by(Permission.READ_STOCK)
    return actor.may(Permission.READ_STOCK) and any(sees(reader, place) for place in places)


def lock(session: Session, document: StockDocument, version: int | None, state: DocumentState) -> None:
    """Lock the document until the transaction ends; raise unless it is in `state` and still at `version`.

    `version` is the document's as the person saw it: who looks at an older one changes nothing. None: unseen.
    """
    number = document.id
    try:
        session.refresh(document, with_for_update=True)
    except InvalidRequestError as gone:
        raise NotFound(N_("There is no document %(number)s here."), number=number) from gone
    if document.state != state:
        raise _other_state(session, document)
    if version is not None and document.version != version:
        raise WrongState(N_("Document %(number)s was changed meanwhile: look at it again and repeat."), number=number)


def _other_state(session: Session, document: StockDocument) -> WrongState:
    number = document.id
    if document.state == DocumentState.CERRADO:
        return WrongState(
            N_("Document %(number)s is closed: %(user)s closed it at %(at)s."),
            number=number, user=username(session, document.closed_by_id), at=document.closed_at,
        )  # fmt: skip
    if document.state == DocumentState.POR_CONFIRMAR:
        return WrongState(
            N_("Document %(number)s is signed by %(user)s since %(at)s and waits for the second person."),
            number=number, user=username(session, document.signed_by_id), at=document.signed_at,
        )  # fmt: skip
    return WrongState(N_("Document %(number)s is a draft."), number=number)


def username(session: Session, user_id: int | None) -> str:
    user = session.get(User, user_id)
    return user.username if user else "?"


def free_text(name: str, value: str | None, longest: int) -> str | None:
    """What was typed, without blanks around it; None when there is nothing; `BadValue` when it is too long."""
    value = (value or "").replace("\x00", "").strip()
    if len(value) > longest:
        raise BadValue(N_("This is longer than %(longest)s characters."), field=name, longest=longest)
    return value or None


def fill_head(
    session: Session,
    document: StockDocument | None,
    kind: DocumentKind,
    actor: Actor,
    version: int | None,
    **columns: Any,
) -> StockDocument:
    """Start a document of `kind`, or change the head of an open one; `columns` are set as they are."""
    if document is None:
        document = StockDocument(kind=kind, created_by_id=actor.user_id, created_at=utc_now())
        session.add(document)
    else:
        lock(session, document, version, DocumentState.ABIERTO)
    columns["reference"] = free_text("reference", columns.get("reference"), 80)
    columns["remarks"] = free_text("remarks", columns.get("remarks"), 2000)
    for name, value in columns.items():
        setattr(document, name, value)
    session.flush()
    return document


def new_line(
    session: Session, document: StockDocument, *, category: str, prefix: str, first: int, quantity: int
) -> StockLine:
    """A line for the locked draft `document`, not added yet; refused when it is no range or overlaps another line."""
    kind = session.get(StockCategory, category)
    if kind is None or kind.prefix != prefix.upper():
        raise BadValue(
            N_("Category %(category)s does not use the prefix %(prefix)s."),
            field="prefix", category=category[:16], prefix=prefix[:4],
        )  # fmt: skip
    if not 0 < quantity <= SERIALS or not 0 <= first <= SERIALS - quantity:
        raise BadValue(N_("The range does not fit into seven digits."), field="quantity")
    run = Run(kind.prefix, first, quantity)
    own = overlap(run, runs(document))
    if own:
        raise Unavailable(
            N_("These numbers are on this document already: %(ranges)s."), field="first", ranges=runs_text(own)
        )
    return StockLine(
        document_id=document.id, category_code=category, prefix=kind.prefix, first=first, quantity=quantity
    )


def runs(document: StockDocument) -> list[Run]:
    """The lines of the document as runs."""
    return [Run(line.prefix, line.first, line.quantity) for line in document.lines]


def overlap(run: Run, others: Sequence[Run]) -> list[Run]:
    """The parts of `run` that are in one of `others` too."""
    parts = []
    for other in others:
        low, high = max(run.first, other.first), min(run.first + run.quantity, other.first + other.quantity)
        if run.prefix == other.prefix and low < high:
            parts.append(Run(run.prefix, low, high - low))
    return sorted(parts)


def append(session: Session, document: StockDocument, line: StockLine) -> None:
    document.lines.append(line)
    touch(session, document)


def drop_line(
    session: Session, document: StockDocument, line_id: int, actor: Actor, *permissions: Permission,
    version: int | None = None,
) -> None:  # fmt: skip
    """Take a range off an open document; `version` as in `lock`."""
    allow(actor, *permissions)
    lock(session, document, version, DocumentState.ABIERTO)
    kept = [line for line in document.lines if line.id != line_id]
    if len(kept) == len(document.lines):
        raise NotFound(N_("Document %(number)s has no such line."), number=document.id)
    document.lines[:] = kept
    touch(session, document)


def touch(session: Session, document: StockDocument) -> None:
    """Count a change of the lines as a change of the document, so that its version tells of it."""
    flag_modified(document, "state")
    session.flush()


def drop_draft(
    session: Session, document: StockDocument, actor: Actor, *permissions: Permission, version: int | None = None
) -> None:
    """Delete an open document; `version` as in `lock`."""
    allow(actor, *permissions)
    lock(session, document, version, DocumentState.ABIERTO)
    session.delete(document)
    session.flush()


def sign(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """The first person says that the document is right: it is frozen until a second one closes it or gives it back."""
    lock(session, document, version, DocumentState.ABIERTO)
    refuse_empty(document)
    document.state, document.signed_by_id, document.signed_at = (
        DocumentState.POR_CONFIRMAR, actor.user_id, utc_now()
    )  # fmt: skip
    session.flush()


def give_back(session: Session, document: StockDocument, *, version: int | None = None) -> None:
    """Make a signed document a draft again; its signature is gone."""
    lock(session, document, version, DocumentState.POR_CONFIRMAR)
    document.state, document.signed_by_id, document.signed_at = DocumentState.ABIERTO, None, None
    session.flush()


def refuse_same_person(document: StockDocument, actor: Actor) -> None:
    """Raise `Refused` when who signed first would be the second person too."""
    if document.signed_by_id == actor.user_id:
        raise Refused(N_("You signed this document: a second person must count and close it."))


def refuse_reversed(session: Session, document: StockDocument) -> None:
    """Raise `WrongState` when the locked document was reversed already, saying by whom: it can be once."""
    reversal = session.scalars(select(StockDocument).where(StockDocument.reverses_id == document.id)).first()
    if reversal is not None:
        raise WrongState(
            N_("Document %(number)s was reversed already: %(user)s closed %(reversal)s at %(at)s."),
            number=document.id, user=username(session, reversal.closed_by_id), reversal=reversal.id,
            at=reversal.closed_at,
        )  # fmt: skip


def refuse_empty(document: StockDocument) -> None:
    if not document.lines:
        raise BadValue(N_("The document has no lines."))


def close(session: Session, document: StockDocument, actor: Actor) -> None:
    """Close the locked document for good; its movements are posted next, in the same transaction."""
    document.state, document.closed_by_id, document.closed_at = DocumentState.CERRADO, actor.user_id, utc_now()
    session.flush()


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until no other transaction works on `what`; until the end of this one."""
    session.execute(text("select pg_advisory_xact_lock(hashtext(:what))"), {"what": what})
