"""Booklets for the demonstration: received centrally, sent to every printing site, some still on the road; drafts."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.catalogs import Warehouse
from models.clock import local_date
from models.stock import StockDocument
from security.actor import Actor, load_actor
from workflow.stock import arrivals, blanks, issues, receipts, transfers
from workflow.stock.document_lists import CENTRAL
from workflow.stock.serials import Run

#: First serial, booklets per printing warehouse and booklets that stay in the central one, by category; far from the
#: numbers of the former system (F1000000-F3999999).
LOTS = {
    "ORDINARIA": ("F", 5_000_001, 500, 20_000), "OFICIAL": ("S", 5_000_001, 50, 500),
    "DIPLOMATICA": ("D", 5_000_001, 50, 500),
}  # fmt: skip
REFERENCE = "Demostración"
#: The warehouse of the demonstration's printer.
HOME = "PROD-GUA"


@dataclass(frozen=True)
class Staff:
    """Who sends, who receives, who prints: no two of them the same."""

    sender: Actor
    receiver: Actor
    printer: Actor


def stock_up(session: Session, actor: Actor) -> int:
    """Fill the warehouses as an office would; returns how many booklets, 0 when it was done before."""
    if session.scalars(select(StockDocument.id).limit(1)).first() is not None:
        return 0
    staff = Staff(*(_user(session, name) for name in ("produccion", "jpgu", "impres")))
    production = select(Warehouse.code).where(Warehouse.kind == "PRODUCCION").order_by(Warehouse.code)
    places = list(session.scalars(production))
    made = sum(_receive(session, actor, category, len(places)) for category in LOTS)
    for place, warehouse in enumerate(places):
        runs = {
            category: Run(prefix, first + place * quantity, quantity)
            for category, (prefix, first, quantity, _more) in LOTS.items()
        }
        arrivals.receive(session, _send(session, staff, warehouse, runs), staff.receiver, everything=True)
    _leave_work(session, actor, staff, places)
    return made


def _user(session: Session, username: str) -> Actor:
    actor = load_actor(session, username=username)
    if actor is None:
        raise LookupError(username)
    return actor


def _receive(session: Session, actor: Actor, category: str, places: int) -> int:
    prefix, first, quantity, more = LOTS[category]
    document = _draft(session, actor, category)
    receipts.add_line(
        session, document, actor, category=category, prefix=prefix, first=first, quantity=places * quantity + more
    )
    return receipts.close_receipt(session, document, actor)


def _draft(session: Session, actor: Actor, category: str) -> StockDocument:
    return receipts.draft_receipt(
        session, actor, category=category, on=local_date(utc_now()), warehouse=CENTRAL, reference=REFERENCE
    )


def _send(session: Session, staff: Staff, warehouse: str, runs: dict[str, Run]) -> StockDocument:
    document = transfers.draft_transfer(
        session, staff.sender, on=local_date(utc_now()), from_warehouse=CENTRAL, to_warehouse=warehouse,
        reference=REFERENCE,
    )  # fmt: skip
    for category, run in runs.items():
        transfers.add_line(
            session, document, staff.sender,
            category=category, prefix=run.prefix, first=run.first, quantity=run.quantity,
        )  # fmt: skip
    transfers.send(session, document, staff.sender)
    return document


def _leave_work(session: Session, actor: Actor, staff: Staff, places: list[str]) -> None:
    """What a morning begins with: a transfer on the road, one with a difference, an issue to count, a draft, a void."""
    prefix, first, quantity, _more = LOTS["ORDINARIA"]
    free = first + len(places) * quantity
    _send(session, staff, "PROD-QTZ", {"ORDINARIA": Run(prefix, free, 300)})
    late = _send(session, staff, "PROD-PET", {"ORDINARIA": Run(prefix, free + 300, 200)})
    arrivals.receive(session, late, staff.receiver, runs=[Run(prefix, free + 300, 197)])
    arrivals.declare_missing(session, late, staff.receiver, remarks="El paquete 4 llegó abierto")
    issue = issues.draft_issue(
        session, staff.sender, on=local_date(utc_now()), warehouse=HOME, printer=staff.printer.username
    )
    issues.add_runs(session, issue, staff.sender, [Run(prefix, first + places.index(HOME) * quantity + 400, 50)])
    issues.sign(session, issue, staff.sender)
    blanks.void_blank(
        session, actor, f"{prefix}{free + 999:07d}", void_type="DEF", remarks="Páginas pegadas de fábrica"
    )
    _draft(session, actor, "ORDINARIA")
