"""Entradas: receipts of booklets, drafted, listed and closed for good (module 8; M:L758-L836); and their reversal."""

import datetime as dt

from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.stock import Account, DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from security.actor import Actor
from security.errors import Refused, Unavailable
from security.permissions import Permission
from workflow.stock import documents, ledger
from workflow.stock.serials import Run, runs_text

WRITE = Permission.RECEIVE_STOCK


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
    """Start a receipt, or change the head of an open one; `version` as in `documents.lock`."""
    actor = documents.allow(actor, WRITE)
    place = documents.warehouse_named(session, warehouse, actor)
    kind = documents.category_named(session, category)
    return documents.fill_head(
        session, document, DocumentKind.INGRESO, actor, version,
        category_code=kind.code, on=on, warehouse_code=place.code, reference=reference, remarks=remarks,
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
    """Put a range on an open receipt; refused whole when it overlaps booklets or lines that exist, naming them."""
    documents.allow_at(session, actor, document.warehouse_code, WRITE)
    documents.lock(session, document, version, DocumentState.ABIERTO)
    line = documents.new_line(
        session, document, category=category, prefix=prefix, first=first, quantity=quantity
    )  # fmt: skip
    # Two drafts at once would not see each other's lines, and one would only be told by the constraint.
    documents.one_at_a_time(session, f"stock_line {line.prefix}")
    clashes = clashing_runs(session, Run(line.prefix, line.first, line.quantity))
    if clashes:
        raise Unavailable(N_("These numbers exist already: %(ranges)s."), field="first", ranges=runs_text(clashes))
    line.receives = True
    documents.append(session, document, line)
    return line


def close_receipt(session: Session, document: StockDocument, actor: Actor, *, version: int | None = None) -> int:
    """Close for good: every booklet becomes NUEVA in the warehouse, with its ledger entry. Returns how many."""
    documents.allow_at(session, actor, document.warehouse_code, WRITE)
    documents.lock(session, document, version, DocumentState.ABIERTO)
    documents.refuse_empty(document)
    documents.close(session, document, actor)
    return ledger.post_runs(
        session, actor, "INGRESO", documents.runs(document), document=document,
        source=Account.SUPPLIER, target=ledger.warehouse_place(document.warehouse_code), at=_closed_at(document),
    )  # fmt: skip


def _closed_at(document: StockDocument) -> dt.datetime:
    assert document.closed_at is not None
    return document.closed_at


def reverse_receipt(session: Session, document: StockDocument, actor: Actor, *, remarks: str) -> StockDocument:
    """Undo a receipt closed by mistake, by another person: its booklets go back to the supplier, by new entries.

    Only while every booklet of it lies where the receipt put it; afterwards the numbers may be received again.
    Returns the reversing document.
    """
    documents.allow_at(session, actor, document.warehouse_code, Permission.REVERSE_STOCK)
    documents.lock(session, document, None, DocumentState.CERRADO)
    if document.closed_by_id == actor.user_id:
        raise Refused(N_("Who closed a document cannot reverse it: a second person must."))
    documents.refuse_reversed(session, document)
    gone = ledger.astray(session, documents.runs(document), ledger.warehouse_place(document.warehouse_code))
    if gone:
        raise Unavailable(N_("These booklets are not in the warehouse any more: %(ranges)s."), ranges=runs_text(gone))
    reversal = documents.fill_head(
        session, None, DocumentKind.REVERSION, actor, None, on=document.on, warehouse_code=document.warehouse_code,
        reverses_id=document.id, reference=document.reference, remarks=remarks,
    )  # fmt: skip
    documents.close(session, reversal, actor)
    used = Unavailable(N_("Some of these booklets were used since: the receipt cannot be reversed."))
    try:
        with session.begin_nested():
            done = ledger.post_reversal(session, actor, reversal, document.id, "INGRESO", _closed_at(reversal))
    except IntegrityError as moved:
        raise used from moved
    # Somebody may have taken one after it was looked for and before it was locked.
    if done != sum(line.quantity for line in document.lines):
        raise used
    session.execute(update(StockLine).where(StockLine.document_id == document.id).values(receives=False))
    return reversal


def clashing_runs(session: Session, run: Run) -> list[Run]:
    """The runs of numbers of `run` that are in stock or stand on an open receipt; eleven mean there may be more."""
    rows = session.execute(
        text(
            """
            with taken as (
                select substr(number, 2)::int n from booklet
                 where number between :first and :last and state <> 'NO_INGRESADA'
                union select n from stock_line l join stock_document d on d.id = l.document_id,
                       generate_series(greatest(l.first_serial, :low),
                                       least(l.first_serial + l.quantity - 1, :high)) n
                 where l.prefix = :prefix and l.receives and d.kind = 'INGRESO' and d.state = 'ABIERTO')
            select min(n), count(*) from (select n, n - row_number() over (order by n) g from taken) t
             group by g order by 1 limit 11
            """.replace("::", "\\:\\:")
        ),
        {
            "first": run.first_number,
            "last": run.last_number,
            "prefix": run.prefix,
            "low": run.first,
            "high": run.first + run.quantity - 1,
        },
    )
    return [Run(run.prefix, low, count) for low, count in rows]
