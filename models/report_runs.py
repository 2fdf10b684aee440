"""Runs of reports: who asked, as of when, how far it is, the file in pieces; schedules that ask by themselves."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CHAR,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.text import N_

#: Bytes of a piece of a file; the last one is shorter.
CHUNK_BYTES = 1 << 20


class RunState(StrEnum):
    """How far a run is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


RUN_LABELS = {
    RunState.QUEUED: N_("Waiting its turn"),
    RunState.RUNNING: N_("Being made"),
    RunState.DONE: N_("Ready"),
    RunState.FAILED: N_("Failed"),
    RunState.CANCELLED: N_("Cancelled"),
}
#: What a run ends in, for good.
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


class RunFormat(StrEnum):
    """The kinds of file a report is made as."""

    XLSX = "xlsx"
    PDF = "pdf"


class Period(StrEnum):
    """How often a schedule asks, and the days it asks about: the day, week or month that has just ended."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


PERIOD_LABELS = {
    Period.DAY: N_("Every day, about the day before"),
    Period.WEEK: N_("Every Monday, about the week before"),
    Period.MONTH: N_("On the first of the month, about the month before"),
}


class ReportRun(Base):
    """One export of a report. What was asked never changes, how it ended neither, and no row is ever deleted.

    `filters` are the texts typed, by name; `sites` the scope it was made with, None for every site; `as_of` the moment
    it is of. `attempt` counts the workers that took it up. `sha256` is of the data, whatever the format; `file_size` is
    in bytes. `failure` is a message id with its `failure_params`. The file is there until `expires_at`, or a little
    longer, and gone for good since `removed_at`.
    """

    __tablename__ = "report_run"

    id: Mapped[BigId]
    report: Mapped[str] = mapped_column(String(32))
    format: Mapped[RunFormat] = mapped_column(String(4))
    filters: Mapped[dict[str, str]] = mapped_column(JSONB)
    language: Mapped[str] = mapped_column(String(5))
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    requested_at: Mapped[dt.datetime]
    sites: Mapped[list[str] | None] = mapped_column(ARRAY(String(16)))
    as_of: Mapped[dt.datetime]
    state: Mapped[RunState] = mapped_column(String(9), default=RunState.QUEUED)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    lines_total: Mapped[int | None] = mapped_column(Integer)
    lines_done: Mapped[int] = mapped_column(Integer, default=0)
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    lines: Mapped[int | None] = mapped_column(Integer)
    sha256: Mapped[str | None] = mapped_column(CHAR(64))
    file_name: Mapped[str | None] = mapped_column(String(120))
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    failure: Mapped[str | None] = mapped_column(Text)
    failure_params: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    cancel_requested_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime | None]
    removed_at: Mapped[dt.datetime | None]
    repeats_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("report_run.id"))
    schedule_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("report_schedule.id"))
    due_on: Mapped[dt.date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint("state in ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')", name="run_state_is_known"),
        CheckConstraint("format in ('xlsx', 'pdf')", name="run_format_is_known"),
        CheckConstraint("as_of <= requested_at + interval '1 minute'", name="no_report_is_of_the_future"),
        CheckConstraint(
            "num_nonnulls(sha256, lines, file_name, file_size, expires_at) = case state when 'DONE' then 5 else 0 end",
            name="run_has_its_file_when_done",
        ),
        CheckConstraint(
            "(state in ('DONE', 'FAILED', 'CANCELLED')) = (finished_at is not null)", name="ended_run_says_when"
        ),
        CheckConstraint(
            "(state = 'FAILED') = (failure is not null) and (failure is not null or failure_params is null)",
            name="failed_run_says_why",
        ),
        CheckConstraint(
            "(attempt > 0) = (started_at is not null)"
            " and case state when 'QUEUED' then attempt = 0 when 'RUNNING' then attempt > 0"
            " when 'DONE' then attempt > 0 else true end",
            name="started_run_counts_its_attempts",
        ),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="run_hash_is_a_sha256"),
        CheckConstraint(
            "attempt >= 0 and lines >= 0 and lines_done >= 0 and lines_total >= 0 and file_size > 0",
            name="run_counts_are_counts",
        ),
        CheckConstraint("removed_at >= expires_at", name="no_file_is_removed_before_it_expires"),
        CheckConstraint("removed_at is null or state = 'DONE'", name="removed_file_was_there"),
        CheckConstraint("(schedule_id is null) = (due_on is null)", name="scheduled_run_has_its_day"),
        UniqueConstraint("schedule_id", "due_on"),
        Index("ix_report_run_requested_by_id_id", "requested_by_id", "id"),
        Index("ix_report_run_open", "id", postgresql_where=text("state in ('QUEUED', 'RUNNING')")),
        Index(
            "ix_report_run_expiring",
            "expires_at",
            postgresql_where=text("removed_at is null and expires_at is not null"),
        ),
    )


class ReportChunk(Base):
    """A piece of the file of a run, `position` from 0: CHUNK_BYTES each, the last one what is left.

    Files are in the database, so that state and file change together and every server and worker sees them.
    """

    __tablename__ = "report_chunk"

    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("report_run.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("position >= 0", name="chunk_position_is_a_count"),
        CheckConstraint("octet_length(data) between 1 and 1048576", name="chunk_is_no_longer_than_a_mebibyte"),
    )


class ReportSchedule(Base):
    """A report asked for at the end of each period, as its owner and with what he may see then.

    `filters` are without the days, which come from the period. `next_on` is the day, in Guatemala, on which it runs
    next. `last_failure`, a message id, says why it was switched off by itself.
    """

    __tablename__ = "report_schedule"

    id: Mapped[BigId]
    report: Mapped[str] = mapped_column(String(32))
    format: Mapped[RunFormat] = mapped_column(String(4))
    filters: Mapped[dict[str, str]] = mapped_column(JSONB)
    period: Mapped[Period] = mapped_column(String(5))
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    language: Mapped[str] = mapped_column(String(5))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime]
    next_on: Mapped[dt.date] = mapped_column(Date)
    last_run_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("report_run.id", use_alter=True))
    last_failure: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("period in ('DAY', 'WEEK', 'MONTH')", name="schedule_period_is_known"),
        CheckConstraint("format in ('xlsx', 'pdf')", name="schedule_format_is_known"),
        CheckConstraint(
            "case period when 'WEEK' then extract(isodow from next_on) = 1"
            " when 'MONTH' then extract(day from next_on) = 1 else true end",
            name="schedule_runs_when_its_period_has_ended",
        ),
        CheckConstraint("last_failure is null or not active", name="schedule_that_failed_is_off"),
        Index("ix_report_schedule_owner_id_id", "owner_id", "id"),
        Index("ix_report_schedule_due", "next_on", postgresql_where=text("active")),
    )
