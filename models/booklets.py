"""Booklets and what became of each: its state, its place, its personalisations and the scans of quality control."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.seals import SealKey
from models.text import N_

BOOKLET_NUMBER = r"^[FSD][0-9]{7}$"


class BookletState(StrEnum):
    """What a booklet is (models/seed/estados_libreta.csv)."""

    NO_INGRESADA = "NO_INGRESADA"
    NUEVA = "NUEVA"
    ASIGNADA = "ASIGNADA"
    IMPRESA = "IMPRESA"
    ENTREGADA = "ENTREGADA"
    ANULADA = "ANULADA"


BOOKLET_LABELS = {
    BookletState.NO_INGRESADA: N_("Not received"),
    BookletState.NUEVA: N_("New"),
    BookletState.ASIGNADA: N_("Assigned"),
    BookletState.IMPRESA: N_("Printed"),
    BookletState.ENTREGADA: N_("Delivered"),
    BookletState.ANULADA: N_("Voided"),
}
#: Who collects a passport.
COLLECTOR_LABELS = {"HOLDER": N_("Holder"), "PARENT": N_("Father, mother or guardian"), "PROXY": N_("Proxy")}
_states = ", ".join(f"'{state}'" for state in BookletState)
PLACE_OF_STATE = """case state when 'NO_INGRESADA' then place = 'SUPPLIER'
    when 'NUEVA' then split_part(place, ':', 1) in ('WAREHOUSE', 'HANDS', 'TRANSIT')
    when 'ENTREGADA' then place = 'HOLDER'
    when 'ANULADA' then split_part(place, ':', 1) in ('VOIDED', 'OUTSIDE', 'DESTROYED')
    else split_part(place, ':', 1) = 'PRINTING' end"""


class Booklet(Base):
    """One numbered booklet, as its ledger has it: `state`, `place` and `warehouse_code` follow its last movement.

    The database moves it (trigger `booklets_follow_their_ledger`) and refuses any other change of its place.
    `warehouse_code` is the warehouse that holds it, or held it last.
    """

    __tablename__ = "booklet"

    number: Mapped[str] = mapped_column(String(8), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("stock_category.code"))
    state: Mapped[BookletState] = mapped_column(String(12))
    place: Mapped[str] = mapped_column(String(40), server_default="SUPPLIER")
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
        CheckConstraint(PLACE_OF_STATE, name="booklet_is_where_its_state_says"),
        CheckConstraint(
            "state not in ('ASIGNADA', 'IMPRESA', 'ENTREGADA') or case_id is not null",
            name="used_booklet_belongs_to_a_case",
        ),
        CheckConstraint("(state = 'ANULADA') = (void_type_code is not null)", name="voided_booklet_says_why"),
        Index("ix_booklet_new", "place", "category_code", "number", postgresql_where=text("state = 'NUEVA'")),
        Index("ix_booklet_voided", "place", "number", postgresql_where=text("state = 'ANULADA'")),
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
    seal_key_ref: Mapped[str | None] = mapped_column(ForeignKey(SealKey.ref))
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
        Index("ix_personalisation_assigned", "site_code", "assigned_at", "id"),
        Index(
            "ix_personalisation_printed",
            "site_code",
            "printed_at",
            "id",
            postgresql_where=text("printed_at is not null"),
        ),
        Index(
            "ix_personalisation_delivered",
            "site_code",
            "delivered_at",
            "id",
            postgresql_where=text("delivered_at is not null"),
        ),
        Index(
            "ix_personalisation_ended",
            text("coalesce(printed_at, voided_at)"),
            postgresql_where=text("coalesce(printed_at, voided_at) is not null"),
        ),
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
