"""24 Inv. Traslados: the booklets sent between warehouses, by date and warehouse (M:L1029)."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, or_, select
from sqlalchemy.orm import aliased

from models.catalogs import Warehouse as W
from models.stock import DocumentKind
from models.stock import StockDocument as D
from models.stock import StockLine as L
from models.text import N_
from reports.columns import CATEGORY, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, Tie, day_of
from reports.filters import Choice, Days
from reports.stock_documents import DOCUMENT, FIRST, LAST, QUANTITY, serials
from security.permissions import Permission

To = aliased(W)
STATES = {"RECEIVED": N_("Received"), "TRANSIT": N_("In transit"), "REVERSED": N_("Recalled")}


@dataclass(frozen=True)
class EitherWarehouse(Choice):
    """A warehouse that sends or receives."""

    def condition(self, value: str) -> ColumnElement[bool]:
        return or_(D.warehouse_code == value, D.to_warehouse_code == value)


def _lines(asked: Asked) -> Select[Any]:
    undoing = aliased(D)
    recalled = (
        select(undoing.id).where(undoing.reverses_id == D.id, undoing.closed_at <= asked.as_of).correlate(D).exists()
    )
    received = case((D.received_at <= asked.as_of, D.received_at))
    state = case((recalled, "REVERSED"), (received.is_not(None), "RECEIVED"), else_="TRANSIT")
    return (
        lines_of(
            D.closed_at.label("at"),
            D.id.label("document"),
            D.reference.label("reference"),
            D.warehouse_code.label("source"),
            D.to_warehouse_code.label("target"),
            L.category_code.label("category"),
            *serials(),
            D.closed_by_id.label("user"),
            state.label("state"),
            received.label("received"),
            day_of(D.closed_at).label("day"),
        )
        .join(D, D.id == L.document_id)
        .join(W, W.code == D.warehouse_code)
        .join(To, To.code == D.to_warehouse_code)
        .where(D.kind == DocumentKind.TRASLADO, D.closed_at.is_not(None), D.closed_at <= asked.as_of)
    )


REPORT = Report(
    number=24,
    permission=Permission.REPORT_TRANSFERS,
    about=N_(
        "The booklets sent from one warehouse to another on those days, and whether they had arrived. It equals what "
        "left on transfers in the ledger."
    ),
    source="M:L1029",
    icon="truck",
    columns=(
        Column("at", N_("Sent"), Kind.MOMENT, 18),
        replace(DOCUMENT, opens="transfer"),
        Column("reference", N_("Reference"), width=18),
        Column("source", N_("From warehouse"), width=28, names="warehouse"),
        Column("target", N_("To warehouse"), width=28, names="warehouse"),
        CATEGORY,
        FIRST,
        LAST,
        QUANTITY,
        Column("user", N_("Sent by"), width=14, names="user"),
        Column("state", N_("State"), width=12, labels=STATES),
        Column("received", N_("Received"), Kind.MOMENT, 18),
    ),
    filters=(
        Days("days", N_("Sent"), D.closed_at, default=31),
        EitherWarehouse("warehouse", N_("Warehouse"), names="warehouse"),
    ),
    lines=_lines,
    sites=(W.site_code, To.site_code),
    order=lambda asked: Order(D.closed_at, L.id, by_site=False),
    charts=(ChartOf(N_("Booklets sent by warehouse"), Shape.LYING, "target", value="quantity"),),
    tie=Tie("TRASLADO_SALE", "WAREHOUSE", put=False, owner="", values=("quantity",)),
)
