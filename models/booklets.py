"""Booklets, what became of each, and the stock documents and ledger that account for them."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.text import N_

BOOKLET_NUMBER = r"^[FSD][0-9]{7}$"


class BookletState(StrEnum):
    """What a booklet is (models/seed/estados_libreta.csv)."""

    NUEVA = "NUEVA"
    ASIGNADA = "ASIGNADA"
    IMPRESA = "IMPRESA"
    ENTREGADA = "ENTREGADA"
    ANULADA = "ANULADA"


BOOKLET_LABELS = {
    BookletState.NUEVA: N_("New"),
    BookletState.ASIGNADA: N_("Assigned"),
    BookletState.IMPRESA: N_("Printed"),
    BookletState.ENTREGADA: N_("Delivered"),
    BookletState.ANULADA: N_("Voided"),
}
_states = ", ".join(f"'{state}'" for state in BookletState)


class Booklet(Base):
    """One numbered booklet. `warehouse_code` says where a blank lies; a used one lies nowhere in stock."""

    __tablename__ = "booklet"

    number: Mapped[str] = mapped_column(String(8), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"))
    state: Mapped[BookletState] = mapped_column(String(12))
    warehouse_code: Mapped[str | None] = mapped_column(ForeignKey("warehouse.code"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    site_code: Mapped[str | None] = mapped_column(ForeignKey("site.code"))
    state_since: Mapped[dt.datetime]
    void_type_code: Mapped[str | None] = mapped_column(ForeignKey("void_type.code"))
    issued_on: Mapped[dt.date | None] = mapped_column(Date)
    expires_on: Mapped[dt.date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint(f"number ~ '{BOOKLET_NUMBER}'", name="booklet_number_has_its_form"),
        CheckConstraint(f"state in ({_states})", name="booklet_state_is_known"),
        CheckConstraint("(state = 'NUEVA') = (warehouse_code is not null)", name="new_booklet_lies_in_a_warehouse"),
        CheckConstraint(
            "state not in ('ASIGNADA', 'IMPRESA', 'ENTREGADA') or case_id is not null",
            name="used_booklet_belongs_to_a_case",
        ),
        CheckConstraint("(state = 'ANULADA') = (void_type_code is not null)", name="voided_booklet_says_why"),
        Index("ix_booklet_new", "warehouse_code", "category_code", "number", postgresql_where=text("state = 'NUEVA'")),
        Index("ix_booklet_case_id", "case_id", postgresql_where=text("case_id is not null")),
        Index(
            "uq_booklet_live_case",
            "case_id",
            unique=True,
            postgresql_where=text("state in ('ASIGNADA', 'IMPRESA', 'ENTREGADA')"),
        ),
    )


class Personalisation(Base):
    """One use of a booklet for a case: what was printed, by whom, and how it ended.

    The MRZ lines, the text of the 2D code and the page's SHA-256 are what quality control compares with.
    """

    __tablename__ = "personalisation"

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    booklet_number: Mapped[str] = mapped_column(ForeignKey("booklet.number"))
    site_code: Mapped[str] = mapped_column(ForeignKey("site.code"))
    assigned_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    assigned_at: Mapped[dt.datetime]
    issued_on: Mapped[dt.date] = mapped_column(Date)
    expires_on: Mapped[dt.date] = mapped_column(Date)
    mrz_line_1: Mapped[str] = mapped_column(String(44))
    mrz_line_2: Mapped[str] = mapped_column(String(44))
    seal_text: Mapped[str] = mapped_column(Text)
    page_sha256: Mapped[str | None] = mapped_column(String(64))
    copies: Mapped[int] = mapped_column(Integer, default=0)
    printed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    printed_at: Mapped[dt.datetime | None]
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    checked_at: Mapped[dt.datetime | None]
    collected: Mapped[dict[str, Any] | None]
    delivered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    delivered_at: Mapped[dt.datetime | None]
    voided_at: Mapped[dt.datetime | None]

    __table_args__ = (
        CheckConstraint("(printed_at is null) = (printed_by_id is null)", name="printed_by_somebody_at_a_time"),
        CheckConstraint("(checked_at is null) = (checked_by_id is null)", name="checked_by_somebody_at_a_time"),
        CheckConstraint("(delivered_at is null) = (delivered_by_id is null)", name="delivered_by_somebody_at_a_time"),
        CheckConstraint("checked_at is null or printed_at is not null", name="no_quality_control_before_the_print"),
        CheckConstraint("delivered_at is null or checked_at is not null", name="no_delivery_without_quality_control"),
        Index("ix_personalisation_case_id", "case_id", "id"),
        Index("uq_personalisation_live_case", "case_id", unique=True, postgresql_where=text("voided_at is null")),
        Index(
            "uq_personalisation_live_booklet", "booklet_number", unique=True, postgresql_where=text("voided_at is null")
        ),
        Index("ix_personalisation_booklet_number", "booklet_number"),
    )


class QualityScan(Base):
    """One reading at quality control: raw text as the scanner typed it, and the verdict. Append-only."""

    __tablename__ = "quality_scan"

    id: Mapped[BigId]
    personalisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("personalisation.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(String(8))
    raw: Mapped[str] = mapped_column(Text)
    passed: Mapped[bool]
    verdict: Mapped[dict[str, Any]]


class DocumentState(StrEnum):
    """How far a stock document is (models/seed/estados_documento_inventario.csv)."""

    ABIERTO = "ABIERTO"
    CERRADO = "CERRADO"


class StockDocument(Base):
    """A receipt, transfer or issue: a draft until it is closed for good."""

    __tablename__ = "stock_document"

    id: Mapped[int] = mapped_column(Integer, Identity(start=2001), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[DocumentState] = mapped_column(String(12), default=DocumentState.ABIERTO)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"))
    on: Mapped[dt.date] = mapped_column("document_on", Date)
    reference: Mapped[str | None] = mapped_column(String(80))
    warehouse_code: Mapped[str] = mapped_column(ForeignKey("warehouse.code"))
    remarks: Mapped[str | None] = mapped_column(Text)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    closed_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(Integer, default=1)

    lines: Mapped[list["StockLine"]] = relationship(
        order_by="StockLine.id", cascade="all, delete-orphan", back_populates="document"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("kind in ('INGRESO', 'TRASLADO', 'SALIDA')", name="document_kind_is_known"),
        CheckConstraint("(state = 'CERRADO') = (closed_at is not null)", name="closed_document_says_when"),
        CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed_document_says_who"),
        Index("ix_stock_document_state", "kind", "state", "id"),
    )


class StockLine(Base):
    """A range of serial numbers on a document: `quantity` booklets from `prefix``first`."""

    __tablename__ = "stock_line"

    id: Mapped[BigId]
    document_id: Mapped[int] = mapped_column(ForeignKey("stock_document.id"), index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"))
    prefix: Mapped[str] = mapped_column(String(1))
    first: Mapped[int] = mapped_column("first_serial", Integer)
    quantity: Mapped[int] = mapped_column(Integer)

    document: Mapped[StockDocument] = relationship(back_populates="lines")

    __table_args__ = (
        CheckConstraint("quantity > 0", name="line_has_booklets"),
        CheckConstraint("first_serial >= 0 and first_serial + quantity <= 10000000", name="line_fits_seven_digits"),
        CheckConstraint("prefix in ('F', 'S', 'D')", name="prefix_is_known"),
    )

    @property
    def first_number(self) -> str:
        return f"{self.prefix}{self.first:07d}"

    @property
    def last_number(self) -> str:
        return f"{self.prefix}{self.first + self.quantity - 1:07d}"


class StockMovement(Base):
    """One booklet out of one place and into another. Append-only: the database refuses update and delete.

    A place is `SUPPLIER`, `WAREHOUSE:<code>`, `PRINTING:<site>` (and whoever it was delivered to), `VOIDED`.
    """

    __tablename__ = "stock_movement"

    id: Mapped[BigId]
    booklet_number: Mapped[str] = mapped_column(ForeignKey("booklet.number"))
    kind: Mapped[str] = mapped_column(ForeignKey("stock_movement_type.code"))
    from_place: Mapped[str] = mapped_column(String(32))
    to_place: Mapped[str] = mapped_column(String(32))
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("stock_document.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    reverses_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stock_movement.id"), unique=True)

    __table_args__ = (
        CheckConstraint("from_place <> to_place", name="movement_goes_somewhere"),
        Index(
            "uq_stock_movement_first", "booklet_number", unique=True, postgresql_where=text("from_place = 'SUPPLIER'")
        ),
        Index("ix_stock_movement_booklet_number", "booklet_number", "id"),
        Index("ix_stock_movement_document_id", "document_id", postgresql_where=text("document_id is not null")),
    )
