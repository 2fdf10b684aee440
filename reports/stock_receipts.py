"""23 Inv. Ingresos: the booklets received into stock, by the day on which the document was closed (M:L1027)."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from models.catalogs import Warehouse as W
from models.stock import DocumentKind
from models.stock import StockDocument as D
from models.stock import StockLine as L
from models.text import N_
from reports.columns import CATEGORY, WAREHOUSE, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, Tie, day_of
from reports.filters import Choice, Days
from reports.stock_documents import DOCUMENT, FIRST, LAST, QUANTITY, serials
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    undoing = aliased(D)
    reversal = (
        select(undoing.id)
        .where(undoing.reverses_id == D.id, undoing.closed_at <= asked.as_of)
        .correlate(D)
        .scalar_subquery()
    )
    return (
        lines_of(
            D.closed_at.label("at"),
            D.id.label("document"),
            D.on.label("on"),
            D.reference.label("reference"),
            D.warehouse_code.label("warehouse"),
            L.category_code.label("category"),
            *serials(),
            D.closed_by_id.label("user"),
            reversal.label("reversal"),
            day_of(D.closed_at).label("day"),
        )
        .join(D, D.id == L.document_id)
        .join(W, W.code == D.warehouse_code)
        .where(D.kind == DocumentKind.INGRESO, D.closed_at.is_not(None), D.closed_at <= asked.as_of)
    )


REPORT = Report(
    number=23,
    permission=Permission.REPORT_RECEIPTS,
    about=N_(
        "The booklets received into the warehouses on those days, by the moment their document was closed. Documents "
        "reversed since stay, with the number of the reversal. It equals the receipts of the ledger."
    ),
    source="M:L1027",
    icon="box-arrow-in-down",
    columns=(
        Column("at", N_("Closed"), Kind.MOMENT, 18),
        replace(DOCUMENT, opens="receipt"),
        Column("on", N_("Date"), Kind.DATE, 11),
        Column("reference", N_("Reference"), width=20),
        WAREHOUSE,
        CATEGORY,
        FIRST,
        LAST,
        QUANTITY,
        Column("user", N_("Closed by"), width=14, names="user"),
        Column("reversal", N_("Reversed by"), Kind.CODE, 12),
    ),
    filters=(
        Days("days", N_("Closed"), D.closed_at, default=31),
        Choice("warehouse", N_("Warehouse"), D.warehouse_code, "warehouse"),
    ),
    lines=_lines,
    sites=(W.site_code,),
    order=lambda asked: Order(D.closed_at, L.id, by_site=False),
    charts=(ChartOf(N_("Booklets received by day"), Shape.BARS, "day", series="category", value="quantity"),),
    tie=Tie("INGRESO", "WAREHOUSE", put=True, owner="warehouse", values=("quantity",)),
)
