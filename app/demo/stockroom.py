"""Booklets for the demonstration: closed receipts in the warehouse of every printing site and a draft to play with."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import StockDocument
from models.catalogs import Warehouse
from security.actor import Actor
from workflow import stock
from workflow.clock import local_date

#: First serial and booklets per warehouse, by category; far from the numbers of the former system (F1000000-F3999999).
LOTS = {"ORDINARIA": ("F", 5_000_001, 500), "OFICIAL": ("S", 5_000_001, 50), "DIPLOMATICA": ("D", 5_000_001, 50)}
REFERENCE = "Demostración"


def stock_up(session: Session, actor: Actor) -> int:
    """Close one receipt per category and printing warehouse; returns how many booklets, 0 when it was done before."""
    if session.scalars(select(StockDocument.id).limit(1)).first() is not None:
        return 0
    warehouses = session.scalars(select(Warehouse.code).where(Warehouse.kind == "PRODUCCION").order_by(Warehouse.code))
    made = 0
    for place, warehouse in enumerate(warehouses.all()):
        for category, (prefix, first, quantity) in LOTS.items():
            document = _draft(session, actor, category, warehouse)
            stock.add_line(
                session, document, actor,
                category=category, prefix=prefix, first=first + place * quantity, quantity=quantity,
            )  # fmt: skip
            made += stock.close_receipt(session, document, actor)
    _draft(session, actor, "ORDINARIA", "CENTRAL")
    return made


def _draft(session: Session, actor: Actor, category: str, warehouse: str) -> StockDocument:
    return stock.draft_receipt(
        session, actor, category=category, on=local_date(utc_now()), warehouse=warehouse, reference=REFERENCE
    )
