"""What happened when a transfer arrived: each confirmation, and the numbers that came otherwise than they were sent."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.stock import among
from models.text import N_


class StockArrival(Base):
    """One confirmation of a transfer by its receiver: how many came, and whether it declared the rest missing.

    `number` counts the arrivals of a transfer from 1; its minutes are `<document>-<number>`. Append-only.
    """

    __tablename__ = "stock_arrival"

    id: Mapped[BigId]
    document_id: Mapped[int] = mapped_column(ForeignKey("stock_document.id"))
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    received: Mapped[int] = mapped_column(Integer)
    remarks: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("received >= 0", name="arrival_counts"),
        Index("uq_stock_arrival_number", "document_id", "number", unique=True),
    )


class Difference(StrEnum):
    """How what arrived differs from what was sent."""

    MISSING = "MISSING"
    SURPLUS = "SURPLUS"
    DAMAGED = "DAMAGED"


DIFFERENCE_LABELS = {
    Difference.MISSING: N_("Missing"),
    Difference.SURPLUS: N_("Surplus"),
    Difference.DAMAGED: N_("Damaged booklet"),
}


class StockDifference(Base):
    """One number that did not arrive as it was sent; of a surplus nothing need be known. Append-only."""

    __tablename__ = "stock_difference"

    id: Mapped[BigId]
    arrival_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stock_arrival.id"))
    booklet_number: Mapped[str] = mapped_column(String(8), index=True)
    kind: Mapped[Difference] = mapped_column(String(8))
    remarks: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint(among("kind", Difference), name="difference_kind_is_known"),
        Index("uq_stock_difference_booklet_number", "arrival_id", "booklet_number", "kind", unique=True),
    )
