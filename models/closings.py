"""Day closings: the count of a warehouse's blanks against its ledger, signed by one person and closed by another."""

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.stock import SERIAL_RANGE, DocumentState, among


class DayClosing(Base):
    """The count of a warehouse's blanks at the end of a day: entered, signed by one, closed by another.

    Signing freezes the figures (`lines`) and the differences as of `signed_at`; what moves later belongs to the next.
    """

    __tablename__ = "day_closing"

    id: Mapped[int] = mapped_column(Integer, Identity(start=1), primary_key=True)
    warehouse_code: Mapped[str] = mapped_column(ForeignKey("warehouse.code"))
    on: Mapped[dt.date] = mapped_column("closing_on", Date)
    state: Mapped[DocumentState] = mapped_column(String(16), default=DocumentState.ABIERTO)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    signed_at: Mapped[dt.datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    closed_at: Mapped[dt.datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    warned: Mapped[bool] = mapped_column(server_default="false", default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)

    lines: Mapped[list["ClosingLine"]] = relationship(
        order_by="ClosingLine.category_code", cascade="all, delete-orphan"
    )
    counts: Mapped[list["ClosingRange"]] = relationship(
        order_by="ClosingRange.prefix, ClosingRange.first", cascade="all, delete-orphan", viewonly=False
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(among("state", DocumentState), name="closing_state_is_known"),
        CheckConstraint("(state = 'CERRADO') = (closed_at is not null)", name="closed_closing_says_when"),
        CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed_closing_says_who"),
        CheckConstraint("(signed_at is null) = (signed_by_id is null)", name="signed_closing_says_who"),
        CheckConstraint("state = 'ABIERTO' or signed_at is not null", name="closing_is_signed_first"),
        CheckConstraint("closed_by_id <> signed_by_id or warned", name="closing_alone_was_warned_about"),
        Index(
            "uq_day_closing_open", "warehouse_code", unique=True, postgresql_where=text("state <> 'CERRADO'")
        ),
        Index("ix_day_closing_warehouse_code", "warehouse_code", "id"),
    )  # fmt: skip


class ClosingLine(Base):
    """The figures of one category in a day closing, in booklets."""

    __tablename__ = "closing_line"

    closing_id: Mapped[int] = mapped_column(ForeignKey("day_closing.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"), primary_key=True)
    opening: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger)
    sent: Mapped[int] = mapped_column(BigInteger)
    printed: Mapped[int] = mapped_column(BigInteger)
    voided: Mapped[int] = mapped_column(BigInteger)
    expected: Mapped[int] = mapped_column(BigInteger)
    counted: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[int] = mapped_column(BigInteger)
    surplus: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("opening + received - sent - printed - voided = expected", name="closing_adds_up"),
        CheckConstraint("expected - missing + surplus = counted", name="closing_explains_its_count"),
    )


class ClosingRange(Base):
    """Numbers of a day closing: those counted, as ranges or scans; after signing those missing and surplus."""

    __tablename__ = "closing_range"

    id: Mapped[BigId]
    closing_id: Mapped[int] = mapped_column(ForeignKey("day_closing.id"))
    kind: Mapped[str] = mapped_column(String(8))
    prefix: Mapped[str] = mapped_column(String(1))
    first: Mapped[int] = mapped_column("first_serial", Integer)
    quantity: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("kind in ('COUNTED', 'MISSING', 'SURPLUS')", name="range_kind_is_known"),
        CheckConstraint("quantity > 0", name="range_has_booklets"),
        CheckConstraint("first_serial >= 0 and first_serial + quantity <= 10000000", name="range_fits_seven_digits"),
        CheckConstraint("prefix in ('F', 'S', 'D')", name="range_prefix_is_known"),
        ExcludeConstraint(
            (text("int4range(closing_id, closing_id, '[]')"), "&&"),
            (text(SERIAL_RANGE.format("first_serial")), "&&"),
            where=text("kind = 'COUNTED'"),
            using="gist",
            name="nothing_is_counted_twice",
        ),
        Index("ix_closing_range_kind", "closing_id", "kind", "prefix", "first_serial"),
    )
