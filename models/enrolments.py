"""What stations send: enrolments in progress and their buffers (OSIA); former system; the simulated registry."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, BigId


class Enrollment(Base):
    """One enrolment as OSIA has it. Pictures stand in `enrollment_buffer`, not in `body`."""

    __tablename__ = "enrollment"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[str] = mapped_column(String(12), default="IN_PROGRESS")
    body: Mapped[dict[str, Any]]
    site_code: Mapped[str | None] = mapped_column(String(16))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    finalized_at: Mapped[dt.datetime | None]
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"), unique=True)

    __table_args__ = (
        CheckConstraint("status in ('IN_PROGRESS', 'FINALIZED')", name="enrollment_status_is_known"),
        CheckConstraint("(status = 'FINALIZED') = (case_id is not null)", name="finalized_enrollment_made_a_case"),
        Index("ix_enrollment_created_at", "created_at", "id"),
        Index("ix_enrollment_body", "body", postgresql_using="gin", postgresql_ops={"body": "jsonb_path_ops"}),
    )


class EnrollmentBuffer(Base):
    """Bytes sent for an enrolment, by `POST …/buffer` or taken out of its body."""

    __tablename__ = "enrollment_buffer"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    enrollment_id: Mapped[str] = mapped_column(ForeignKey("enrollment.id", ondelete="CASCADE"), index=True)
    media_type: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    inline: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]
    data: Mapped[bytes] = deferred(mapped_column(LargeBinary), raiseload=True)


class FormerCase(Base):
    """A case of the former system as its export has it; names as typed, compared by `search_name`."""

    __tablename__ = "former_case"

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    first_surname: Mapped[str] = mapped_column(String(80))
    second_surname: Mapped[str | None] = mapped_column(String(80))
    married_surname: Mapped[str | None] = mapped_column(String(80))
    first_name: Mapped[str | None] = mapped_column(String(80))
    second_name: Mapped[str | None] = mapped_column(String(80))
    search_name: Mapped[str] = mapped_column(Text)
    identification_type_code: Mapped[str | None] = mapped_column(String(16))
    identification_number: Mapped[str | None] = mapped_column(String(30))
    cui: Mapped[str | None] = mapped_column(String(13))
    birth_date: Mapped[str | None] = mapped_column(String(10))
    sex_code: Mapped[str | None] = mapped_column(String(1))
    booklet_number: Mapped[str | None] = mapped_column(String(20))
    passport_type_code: Mapped[str | None] = mapped_column(String(16))
    issued_on: Mapped[dt.date | None] = mapped_column(Date)
    expires_on: Mapped[dt.date | None] = mapped_column(Date)
    site_code: Mapped[str | None] = mapped_column(String(16))
    site_label: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12))
    #: The file and the line of it, the import that read it, and its cells as they stood there.
    source: Mapped[str] = mapped_column(String(120))
    source_row: Mapped[int] = mapped_column(Integer)
    import_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("former_import.id"))
    source_cells: Mapped[list[str] | None]

    __table_args__ = (
        Index("ix_former_case_booklet_number", "booklet_number"),
        Index("ix_former_case_cui", "cui", postgresql_where=text("cui is not null")),
        Index("ix_former_case_search_name", text("to_tsvector('simple', search_name)"), postgresql_using="gin"),
    )


class FormerImport(Base):
    """An import of one export by one mapping: how far it came, and what became of the rows up to there.

    `next_byte` and `next_line` are where the next row begins; the two lengths, in bytes, are those of its report and of
    its rejected rows at that place. Never deleted, so that `former_case.import_id` needs no index.
    """

    __tablename__ = "former_import"

    id: Mapped[BigId]
    file_name: Mapped[str] = mapped_column(String(120))
    file_sha256: Mapped[str] = mapped_column(String(64))
    mapping_name: Mapped[str] = mapped_column(String(120))
    mapping_sha256: Mapped[str] = mapped_column(String(64))
    #: Whether cases that changed were to be replaced.
    updates: Mapped[bool]
    header: Mapped[list[str]]
    #: The folder of the two files, on the machine where the import ran.
    folder: Mapped[str] = mapped_column(Text)
    next_byte: Mapped[int] = mapped_column(BigInteger)
    next_line: Mapped[int] = mapped_column(BigInteger)
    report_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    rejects_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    rows: Mapped[int] = mapped_column(BigInteger, default=0)
    imported: Mapped[int] = mapped_column(BigInteger, default=0)
    updated: Mapped[int] = mapped_column(BigInteger, default=0)
    there_already: Mapped[int] = mapped_column(BigInteger, default=0)
    repeated: Mapped[int] = mapped_column(BigInteger, default=0)
    in_both: Mapped[int] = mapped_column(BigInteger, default=0)
    not_imported: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Account of the operating system and machine.
    started_by: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[dt.datetime]
    progress_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]

    __table_args__ = (
        UniqueConstraint("file_sha256", "mapping_sha256", "updates", name="uq_former_import_same"),
        CheckConstraint(
            "rows = imported + updated + there_already + repeated + in_both + not_imported",
            name="no_row_of_an_export_is_lost",
        ),
        CheckConstraint("updates or updated = 0", name="cases_change_only_when_asked_for"),
        CheckConstraint("progress_at >= started_at and finished_at >= started_at", name="import_ends_after_its_start"),
        CheckConstraint("next_byte >= 0 and next_line >= 1", name="import_has_a_place_in_its_file"),
    )


class RegistryPerson(Base):
    """A person as the simulated civil registry knows him; columns as the samples' registry has them."""

    __tablename__ = "registry_person"

    cui: Mapped[str] = mapped_column(String(13), primary_key=True)
    data: Mapped[dict[str, Any]]
