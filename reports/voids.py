"""What the reports of voided booklets (26, 29, 31) share: the voids of the ledger that were not undone."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, select
from sqlalchemy.orm import aliased

from models.booklets import Booklet as B
from models.booklets import Personalisation as P
from models.cases import CaseEvent as E
from models.cases import PassportCase as C
from models.catalogs import Warehouse as W
from models.stock import StockMovement as M
from models.text import N_
from reports.columns import BOOKLET, CASE, CATEGORY, FULL_NAME, MARKED, NAME, VOID_TYPE, WAREHOUSE, lines_of
from reports.declaration import Asked, Column, Kind, Order, day_of
from reports.filters import Choice, Span

VOID = "EGRESO_ANULACION"
#: The warehouse that took it into custody; of what was beyond our custody, the one that held it last.
WAREHOUSE_THEN = case((M.to_place.like("VOIDED:%"), func.split_part(M.to_place, ":", 2)), else_=B.warehouse_code)
AT = Column("at", N_("Voided"), Kind.MOMENT, 18)
USER = Column("user", N_("Voided by"), Kind.TEXT, 14, names="user")
BOOKLETS = Span("booklets", N_("Booklets"), M.booklet_number, r"[FSD][0-9]{7}")
TYPE = Choice("void_type", N_("Void type"), M.void_type_code, "void_type")
COLUMNS = (AT, BOOKLET, CATEGORY, VOID_TYPE, CASE, NAME, WAREHOUSE, USER)


def standing_void(asked: Asked) -> ColumnElement[bool]:
    """Whether the movement `M` is a void that nothing had undone by then (M:L1038 shows undone ones today)."""
    undoing = aliased(M)
    # Looked up for each void: as a join it would be planned as a walk through all reversals there ever were.
    undone = select(undoing.id).where(undoing.reverses_id == M.id, undoing.at <= asked.as_of).limit(1).correlate(M)
    return and_(M.kind == VOID, M.at <= asked.as_of, undone.scalar_subquery().is_(None))


def voids(asked: Asked, *more: ColumnElement[Any]) -> Select[Any]:
    """A line for each booklet voided and not taken up again: with the case it was used for, if it was."""
    return (
        lines_of(
            M.at.label("at"),
            M.booklet_number.label("booklet"),
            B.category_code.label("category"),
            M.void_type_code.label("void_type"),
            C.number.label("case"),
            func.nullif(FULL_NAME, "").label("name"),
            C.payment_slip.label("slip"),
            C.enrolled_at.label("enrolled"),
            case((P.printed_at <= asked.as_of, P.printed_at)).label("printed"),
            WAREHOUSE_THEN.label("warehouse"),
            W.site_code.label("site"),
            M.user_id.label("user"),
            func.coalesce(M.remarks, _said(asked)).label("remarks"),
            MARKED.label("mark"),
            day_of(M.at).label("day"),
            *more,
        )
        .select_from(M)
        .join(B, B.number == M.booklet_number)
        .outerjoin(W, W.code == WAREHOUSE_THEN)
        .outerjoin(C, C.id == M.case_id)
        .outerjoin(P, and_(P.booklet_number == M.booklet_number, P.case_id == M.case_id))
        .where(standing_void(asked))
    )


def _said(asked: Asked) -> ScalarSelect[Any]:
    """The reason that was given with a void of a case's booklet, which the case's log holds."""
    said = select(E.comment).where(E.case_id == M.case_id, E.booklet_number == M.booklet_number, E.at <= asked.as_of)
    return said.where(E.data.has_key("booklet_was")).order_by(E.id.desc()).limit(1).correlate(M).scalar_subquery()


def by_void(_asked: Asked) -> Order:
    """In the order in which they were voided."""
    return Order(M.at, M.id, by_site=False)
