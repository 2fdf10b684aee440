"""What the reports of stock documents (23, 24) share: a line for each range of serials."""

from sqlalchemy import ColumnElement, String, cast, func

from models.stock import StockLine as L
from models.text import N_
from reports.declaration import Column, Expression, Kind

DOCUMENT = Column("document", N_("Document"), Kind.CODE, 11)
FIRST = Column("first", N_("First booklet"), Kind.CODE, 12, opens="booklet")
LAST = Column("last", N_("Last booklet"), Kind.CODE, 12, opens="booklet")
QUANTITY = Column("quantity", N_("Booklets"), Kind.INTEGER, 11, total=True)


def _number(serial: Expression) -> ColumnElement[str]:
    return L.prefix + func.lpad(cast(serial, String), 7, "0")


def serials() -> tuple[Expression, ...]:
    """The first and the last booklet of a line, and how many there are."""
    return (
        _number(L.first).label("first"),
        _number(L.first + L.quantity - 1).label("last"),
        L.quantity.label("quantity"),
    )
