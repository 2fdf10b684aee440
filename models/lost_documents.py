"""Lost and stolen documents: what was reported, the list for INTERPOL's SLTD, and the batches in which it was sent.

SLTD is the database of stolen and lost travel documents; ICAO Doc 9303-2 has the five fields a State gives it.
"""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.stock import among
from models.text import N_


class LossKind(StrEnum):
    """How documents were lost, as it is reported."""

    LOST = "LOST"
    STOLEN = "STOLEN"


class LostStatus(StrEnum):
    """The status of a document in SLTD. A blank was never personalised; a lost one is LOST as any other."""

    LOST = "LOST"
    STOLEN = "STOLEN"
    STOLEN_BLANK = "STOLEN_BLANK"


KIND_LABELS = {LossKind.LOST: N_("Lost"), LossKind.STOLEN: N_("Stolen")}
STATUS_LABELS = {
    LostStatus.LOST: N_("Lost"),
    LostStatus.STOLEN: N_("Stolen"),
    LostStatus.STOLEN_BLANK: N_("Stolen blank"),
}


class LossReport(Base):
    """What somebody reported of booklets that are gone. They are blocked at once; a second person confirms it later."""

    __tablename__ = "loss_report"

    id: Mapped[int] = mapped_column(Integer, Identity(start=1), primary_key=True)
    kind: Mapped[LossKind] = mapped_column(String(8))
    lost_on: Mapped[dt.date] = mapped_column(Date)
    country_code: Mapped[str] = mapped_column(ForeignKey("country.code"))
    place: Mapped[str | None] = mapped_column(String(120))
    police_reference: Mapped[str | None] = mapped_column(String(60))
    remarks: Mapped[str] = mapped_column(Text)
    booklets: Mapped[int] = mapped_column(Integer)
    reported_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    reported_at: Mapped[dt.datetime]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    confirmed_at: Mapped[dt.datetime | None]

    __table_args__ = (
        CheckConstraint(among("kind", LossKind), name="loss_kind_is_known"),
        CheckConstraint("booklets > 0", name="loss_report_has_booklets"),
        CheckConstraint("(confirmed_at is null) = (confirmed_by_id is null)", name="confirmed_by_somebody_at_a_time"),
        CheckConstraint("confirmed_by_id <> reported_by_id", name="a_second_person_confirms_a_loss"),
    )


class SltdExport(Base):
    """A batch of the list: how many entries it adds to SLTD and deletes from it, the SHA-256 of both files (CSV)."""

    __tablename__ = "sltd_export"

    id: Mapped[int] = mapped_column(Integer, Identity(start=1), primary_key=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    made_at: Mapped[dt.datetime]
    additions: Mapped[int] = mapped_column(Integer)
    deletions: Mapped[int] = mapped_column(Integer)
    additions_sha256: Mapped[str] = mapped_column(String(64))
    deletions_sha256: Mapped[str] = mapped_column(String(64))

    __table_args__ = (CheckConstraint("additions + deletions > 0", name="export_has_entries"),)


class LostDocument(Base):
    """A booklet on the list: written by the database at the very void (`movement_id`) that says it is gone.

    Its facts never change. A reactivation withdraws it (`withdrawal_id`); a batch takes it along, and one more takes
    its withdrawal. `country_code` is where it was lost, which SLTD demands of stolen blanks only.
    """

    __tablename__ = "lost_document"

    id: Mapped[BigId]
    booklet_number: Mapped[str] = mapped_column(ForeignKey("booklet.number"))
    movement_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stock_movement.id"))
    report_id: Mapped[int | None] = mapped_column(ForeignKey("loss_report.id"))
    document_type: Mapped[str] = mapped_column(String(2))
    issuing_country: Mapped[str] = mapped_column(String(3))
    status: Mapped[LostStatus] = mapped_column(String(12))
    country_code: Mapped[str | None] = mapped_column(ForeignKey("country.code"))
    lost_on: Mapped[dt.date] = mapped_column(Date)
    listed_at: Mapped[dt.datetime]
    export_id: Mapped[int | None] = mapped_column(ForeignKey("sltd_export.id"))
    withdrawn_at: Mapped[dt.datetime | None]
    withdrawal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stock_movement.id"))
    withdrawal_export_id: Mapped[int | None] = mapped_column(ForeignKey("sltd_export.id"))

    __table_args__ = (
        CheckConstraint(among("status", LostStatus), name="lost_status_is_known"),
        CheckConstraint("status <> 'STOLEN_BLANK' or country_code is not null", name="stolen_blank_says_where"),
        CheckConstraint("(withdrawn_at is null) = (withdrawal_id is null)", name="withdrawn_by_a_reactivation"),
        CheckConstraint(
            "withdrawal_export_id is null or (withdrawn_at is not null and export_id is not null"
            " and withdrawal_export_id <> export_id)",
            name="only_what_was_sent_is_deleted",
        ),
        Index("uq_lost_document_movement_id", "movement_id", unique=True),
        Index(
            "uq_lost_document_standing", "booklet_number", unique=True, postgresql_where=text("withdrawn_at is null")
        ),
        Index("ix_lost_document_lost_on", "lost_on", "id"),
        Index("ix_lost_document_report_id", "report_id", "booklet_number"),
        Index(
            "ix_lost_document_export_id",
            "export_id",
            "booklet_number",
            postgresql_where=text("export_id is not null"),
        ),
        Index(
            "ix_lost_document_withdrawal_export_id",
            "withdrawal_export_id",
            "booklet_number",
            postgresql_where=text("withdrawal_export_id is not null"),
        ),
        Index("ix_lost_document_to_send", "id", postgresql_where=text("export_id is null and withdrawn_at is null")),
        Index(
            "ix_lost_document_to_delete",
            "id",
            postgresql_where=text(
                "withdrawn_at is not null and export_id is not null and withdrawal_export_id is null"
            ),
        ),
        Index("ix_lost_document_withdrawn", "id", postgresql_where=text("withdrawn_at is not null")),
    )
