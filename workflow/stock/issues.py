"""Salidas: booklets issued to the printer of the shift and returned by him, counted by two people (module 9; M:L837).

One of the two is the printer, the other a keeper of the warehouse. Who must come second follows from the document: from
who signed it first and whom it names.
"""

import datetime as dt

from sqlalchemy.orm import Session

from models.catalogs import Warehouse
from models.stock import DocumentKind, DocumentState, StockDocument
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotAllowed, Refused, WrongState
from security.permissions import Permission
from workflow.stock import document_lists, documents, draft_lines, holdings, ledger
from workflow.stock.document_lists import DocumentRow
from workflow.stock.printers import PRINTS, printer_named
from workflow.stock.run_sets import size
from workflow.stock.serials import Run

KEEP = Permission.ISSUE_STOCK
KINDS = (DocumentKind.SALIDA, DocumentKind.DEVOLUCION)
#: As it is changed, or as it is listed.
AnyDocument = StockDocument | DocumentRow


def draft_issue(
    session: Session,
    actor: Actor,
    *,
    on: dt.date,
    warehouse: str,
    printer: str | int,
    reference: str | None = None,
    remarks: str | None = None,
    document: StockDocument | None = None,
    version: int | None = None,
) -> StockDocument:
    """Start an issue to a printer (his user name or id), or change the head of an open one; by a keeper."""
    actor = documents.allow(actor, KEEP)
    place = documents.warehouse_named(session, warehouse, actor)
    receiver = printer_named(session, printer)
    if not documents.sees(receiver.by(*PRINTS), place):
        raise BadValue(
            N_("%(user)s does not work at the site of this warehouse."), field="printer", user=receiver.username
        )
    _refuse_stranger(session, document, actor)
    _refuse_other_place(session, document, place.code, None)
    return documents.fill_head(
        session, document, DocumentKind.SALIDA, actor, version, on=on, warehouse_code=place.code,
        printer_id=receiver.user_id, reference=reference, remarks=remarks,
    )  # fmt: skip


def draft_return(
    session: Session,
    actor: Actor,
    *,
    on: dt.date,
    warehouse: str,
    printer: str | int,
    reference: str | None = None,
    remarks: str | None = None,
    document: StockDocument | None = None,
    version: int | None = None,
) -> StockDocument:
    """Start a return of what `printer` holds of a warehouse, or change its head; by him or by a keeper."""
    documents.allow(actor, KEEP, *PRINTS)
    giver = printer_named(session, printer, returns=True)
    own = giver.user_id == actor.user_id
    keeper = None if own else documents.allow(actor, KEEP)
    place = documents.warehouse_named(session, warehouse, keeper)
    _refuse_stranger(session, document, actor)
    _refuse_other_place(session, document, place.code, giver.user_id)
    if not holdings.blanks(session, ledger.hands_place(place.code, giver.user_id), count=1):
        raise BadValue(
            N_("%(user)s holds no booklets of %(warehouse)s."),
            field="printer", user=giver.username, warehouse=place.name,
        )  # fmt: skip
    return documents.fill_head(
        session, document, DocumentKind.DEVOLUCION, actor, version, on=on, warehouse_code=place.code,
        printer_id=giver.user_id, reference=reference, remarks=remarks,
    )  # fmt: skip


def add_runs(
    session: Session, document: StockDocument, actor: Actor, runs: list[Run], *, version: int | None = None
) -> int:
    """Put ranges on the draft; refused whole with those that are not where they must be. Returns how many booklets."""
    _open_to_write(session, document, actor, version)
    return draft_lines.add(session, document, source_of(document), runs)


def add_lowest(
    session: Session, document: StockDocument, actor: Actor, *, category: str, quantity: int, version: int | None = None
) -> int:
    """Put the lowest `quantity` free booklets of a category on the draft, as the runs they make."""
    _open_to_write(session, document, actor, version)
    chosen = draft_lines.add_lowest(session, document, source_of(document), category, quantity)
    return size(entry.run for entry in chosen)


def add_everything(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> int:
    """Put all that the printer still holds and no open document has on the return. Returns how many booklets."""
    _open_to_write(session, document, actor, version)
    if document.kind != DocumentKind.DEVOLUCION:
        raise WrongState(N_("Document %(number)s is not a return."), number=document.id)
    draft_lines.one_document_at_a_time(session, document)
    held = draft_lines.free(session, document, holdings.blanks(session, source_of(document)))
    return draft_lines.append(session, document, held[: draft_lines.MOST_LINES])


def drop_line(
    session: Session, document: StockDocument, line_id: int, actor: Actor, *, version: int | None = None
) -> None:
    """Take a range off the draft."""
    _refuse_stranger(session, document, actor)
    documents.drop_line(session, document, line_id, actor, KEEP, *PRINTS, version=version)


def drop_draft(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Delete the draft."""
    _refuse_stranger(session, document, actor)
    documents.drop_draft(session, document, actor, KEEP, *PRINTS, version=version)


def sign(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """The first of the two: a keeper; of a return the printer as well. Booklets that moved since are named."""
    _refuse_stranger(session, document, actor)
    documents.lock(session, document, version, DocumentState.ABIERTO)
    documents.refuse_empty(document)
    draft_lines.refuse_gone(session, documents.runs(document), source_of(document))
    documents.sign(session, document, actor)


def confirm(
    session: Session, document: StockDocument, actor: Actor, *, counted: int, version: int | None = None
) -> int:
    """The second of the two counted: the document is closed and its booklets change hands. Returns how many.

    A wrong count raises `BadValue` that does not tell the right one.
    """
    documents.lock(session, document, version, DocumentState.POR_CONFIRMAR)
    documents.refuse_same_person(document, actor)
    _refuse_not_the_other(session, document, actor)
    draft_lines.refuse_wrong_count(document, counted)
    documents.close(session, document, actor)
    assert document.closed_at is not None
    issue = document.kind == DocumentKind.SALIDA
    places = _warehouse_place(document), _hands_place(document)
    source, target = places if issue else places[::-1]
    return ledger.post_runs(
        session, actor, "SALIDA" if issue else "REINGRESO_SALIDA", documents.runs(document), document=document,
        source=source, target=target, at=document.closed_at,
    )  # fmt: skip


def give_back(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> None:
    """Either of the two finds a difference: the document is a draft again."""
    if document.printer_id != actor.user_id:
        _refuse_other_keeper(session, document, actor)
    documents.give_back(session, document, version=version)


def writes(session: Session, document: AnyDocument, actor: Actor) -> bool:
    """Whether `actor` may change and sign the draft: a keeper of its warehouse; a return also the printer it names."""
    if document.kind == DocumentKind.DEVOLUCION and document.printer_id == actor.user_id:
        return actor.may(KEEP, *PRINTS)
    return _keeps(session, document, actor)


def may_confirm(session: Session, document: AnyDocument, actor: Actor) -> bool:
    """Whether the signed document waits for `actor`."""
    if document.state != DocumentState.POR_CONFIRMAR or document.signed_by_id == actor.user_id:
        return False
    try:
        _refuse_not_the_other(session, document, actor)
    except (NotAllowed, Refused):
        return False
    return True


def to_confirm(session: Session, actor: Actor) -> list[DocumentRow]:
    """The signed issues and returns that wait for `actor` to count, newest first."""
    return [row for row in document_lists.pending(session, actor, *KINDS) if may_confirm(session, row, actor)]


def source_of(document: StockDocument) -> str:
    """The place where the booklets of the document lie until it is closed."""
    return _warehouse_place(document) if document.kind == DocumentKind.SALIDA else _hands_place(document)


def _warehouse_place(document: StockDocument) -> str:
    return ledger.warehouse_place(document.warehouse_code)


def _hands_place(document: StockDocument) -> str:
    assert document.printer_id is not None
    return ledger.hands_place(document.warehouse_code, document.printer_id)


def _keeps(session: Session, document: AnyDocument, actor: Actor) -> bool:
    return documents.acts_at(actor, session.get_one(Warehouse, document.warehouse_code), KEEP)


def _refuse_other_keeper(session: Session, document: AnyDocument, actor: Actor) -> None:
    if not _keeps(session, document, actor):
        raise NotAllowed()


def _refuse_not_the_other(session: Session, document: AnyDocument, actor: Actor) -> None:
    """One of the two is the printer, the other a keeper: raise unless `actor` is the one who is missing.

    What a printer left behind whose account was disabled, two keepers count.
    """
    if document.printer_id == actor.user_id:
        documents.allow(actor, *PRINTS)
        return
    _refuse_other_keeper(session, document, actor)
    if document.signed_by_id != document.printer_id and not _printer_is_gone(session, document):
        raise Refused(
            N_("Only %(user)s, whom the document names, can count and confirm it."),
            user=documents.username(session, document.printer_id),
        )


def _printer_is_gone(session: Session, document: AnyDocument) -> bool:
    printer = session.get(User, document.printer_id)
    return document.kind == DocumentKind.DEVOLUCION and printer is not None and not printer.active


def _refuse_stranger(session: Session, document: StockDocument | None, actor: Actor) -> None:
    if document is not None and not writes(session, document, actor):
        raise NotAllowed()


def _open_to_write(session: Session, document: StockDocument, actor: Actor, version: int | None) -> None:
    _refuse_stranger(session, document, actor)
    documents.lock(session, document, version, DocumentState.ABIERTO)


def _refuse_other_place(session: Session, document: StockDocument | None, warehouse: str, printer: int | None) -> None:
    """The lines of a draft lie where its head says: another head needs other lines."""
    if document is None or not document.lines:
        return
    if document.warehouse_code != warehouse or (printer is not None and document.printer_id != printer):
        raise BadValue(
            N_("The document has lines that lie elsewhere: take them off first."),
            field="warehouse" if document.warehouse_code != warehouse else "printer",
        )
