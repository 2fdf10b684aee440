"""Destruction of voided booklets: minutes numbered like their document, signed by two people (module 9; SPEC 3.9)."""

import datetime as dt

from sqlalchemy.orm import Session

from models.catalogs import VoidType, Warehouse
from models.stock import Account, DocumentKind, DocumentState, StockDocument
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotAllowed
from security.permissions import Permission
from workflow.stock import document_lists, documents, draft_lines, holdings, ledger
from workflow.stock.document_lists import DocumentRow
from workflow.stock.serials import Run

WRITE = Permission.DESTROY_BOOKLETS
KIND = DocumentKind.DESTRUCCION


def draft_destruction(
    session: Session,
    actor: Actor,
    *,
    on: dt.date,
    warehouse: str,
    reference: str | None = None,
    remarks: str | None = None,
    document: StockDocument | None = None,
    version: int | None = None,
) -> StockDocument:
    """Start the minutes of a destruction at a warehouse, or change the head of an open one."""
    actor = documents.allow(actor, WRITE)
    place = documents.warehouse_named(session, warehouse, actor)
    if document is not None:
        _refuse_elsewhere(session, document, actor)
        if document.lines and document.warehouse_code != place.code:
            raise BadValue(N_("The document has lines that lie elsewhere: take them off first."), field="warehouse")
    return documents.fill_head(
        session, document, KIND, actor, version,
        on=on, warehouse_code=place.code, reference=reference, remarks=remarks,
    )  # fmt: skip


def add_runs(
    session: Session, document: StockDocument, actor: Actor, runs: list[Run], *, version: int | None = None
) -> int:
    """Put ranges on the draft; refused whole with those not voided and in custody. Returns how many booklets."""
    _open_to_write(session, document, actor, version)
    return draft_lines.add(session, document, _custody(document), runs)


def add_voided(
    session: Session,
    document: StockDocument,
    actor: Actor,
    *,
    void_type: str | None = None,
    until: dt.date | None = None,
    version: int | None = None,
) -> int:
    """Put all voided booklets in custody (of one kind, voided up to the day `until`) on the draft; returns how many.

    At most `draft_lines.MOST_LINES` runs come at once; repeating brings the rest.
    """
    if void_type is not None and session.get(VoidType, void_type) is None:
        raise BadValue(N_("%(value)s is not one of the choices."), field="void_type", value=void_type[:16])
    _open_to_write(session, document, actor, version)
    draft_lines.one_document_at_a_time(session, document)
    held = holdings.voided(session, document.warehouse_code, void_type=void_type, until=until)
    return draft_lines.append(session, document, draft_lines.free(session, document, held)[: draft_lines.MOST_LINES])


def drop_line(
    session: Session, document: StockDocument, line_id: int, actor: Actor, *, version: int | None = None
) -> None:
    """Take a range off the draft."""
    _refuse_elsewhere(session, document, actor)
    documents.drop_line(session, document, line_id, actor, WRITE, version=version)


def drop_draft(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Delete the draft."""
    _refuse_elsewhere(session, document, actor)
    documents.drop_draft(session, document, actor, WRITE, version=version)


def sign(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """The first of the two says what is to be destroyed; what was reactivated since is named."""
    _open_to_write(session, document, actor, version)
    documents.refuse_empty(document)
    draft_lines.refuse_gone(session, documents.runs(document), _custody(document))
    documents.sign(session, document, actor)


def confirm(
    session: Session, document: StockDocument, actor: Actor, *, counted: int, version: int | None = None
) -> int:
    """The second of the two counted and saw them destroyed: they are, for good. Returns how many."""
    _refuse_elsewhere(session, document, actor)
    documents.lock(session, document, version, DocumentState.POR_CONFIRMAR)
    documents.refuse_same_person(document, actor)
    draft_lines.refuse_wrong_count(document, counted)
    documents.close(session, document, actor)
    assert document.closed_at is not None
    return ledger.post_runs(
        session, actor, "DESTRUCCION", documents.runs(document), document=document,
        source=_custody(document), target=Account.DESTROYED, at=document.closed_at,
    )  # fmt: skip


def give_back(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Either of the two finds a difference: the document is a draft again."""
    _refuse_elsewhere(session, document, actor)
    documents.give_back(session, document, version=version)


def writes(session: Session, document: StockDocument | DocumentRow, actor: Actor) -> bool:
    """Whether `actor` destroys at the document's warehouse."""
    return documents.acts_at(actor, session.get_one(Warehouse, document.warehouse_code), WRITE)


def may_confirm(session: Session, document: StockDocument | DocumentRow, actor: Actor) -> bool:
    """Whether the signed document waits for `actor`."""
    signed = document.state == DocumentState.POR_CONFIRMAR and document.signed_by_id != actor.user_id
    return signed and writes(session, document, actor)


def to_confirm(session: Session, actor: Actor) -> list[DocumentRow]:
    """The signed destructions that wait for `actor` to count, newest first."""
    return [row for row in document_lists.pending(session, actor, KIND) if may_confirm(session, row, actor)]


def _custody(document: StockDocument) -> str:
    return ledger.voided_place(document.warehouse_code)


def _refuse_elsewhere(session: Session, document: StockDocument, actor: Actor) -> None:
    if not writes(session, document, actor):
        raise NotAllowed()


def _open_to_write(session: Session, document: StockDocument, actor: Actor, version: int | None) -> None:
    _refuse_elsewhere(session, document, actor)
    documents.lock(session, document, version, DocumentState.ABIERTO)
