"""The list of lost and stolen documents for INTERPOL's SLTD, as pages read it; and the reports it comes from."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from models.catalogs import Country
from models.lost_documents import LossReport, LostDocument, LostStatus
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotFound
from security.permissions import Permission
from workflow.stock.documents import allow

PAGE = 50
READ = Permission.READ_LOST_DOCUMENTS
Word = TypeVar("Word", bound=StrEnum)


class Stage(StrEnum):
    """How far an entry is; what was withdrawn before it was sent never is."""

    TO_SEND = "TO_SEND"
    SENT = "SENT"
    TO_DELETE = "TO_DELETE"
    WITHDRAWN = "WITHDRAWN"


STAGE_LABELS = {
    Stage.TO_SEND: N_("To be sent"),
    Stage.SENT: N_("Sent"),
    Stage.TO_DELETE: N_("Withdrawn, deletion to be sent"),
    Stage.WITHDRAWN: N_("Withdrawn"),
}
_D = LostDocument
#: The condition that each stage is; by indexes of their own, but for what was sent: nearly all.
STAGES: dict[Stage, tuple[ColumnElement[bool], ...]] = {
    Stage.TO_SEND: (_D.export_id.is_(None), _D.withdrawn_at.is_(None)),
    Stage.SENT: (_D.export_id.is_not(None), _D.withdrawn_at.is_(None)),
    Stage.TO_DELETE: (_D.withdrawn_at.is_not(None), _D.export_id.is_not(None), _D.withdrawal_export_id.is_(None)),
    Stage.WITHDRAWN: (_D.withdrawn_at.is_not(None),),
}


@dataclass(frozen=True)
class Entry:
    """An entry of the list with the names of what it refers to."""

    id: int
    number: str
    document_type: str
    issuing_country: str
    status: LostStatus
    country: str | None
    lost_on: dt.date
    listed_at: dt.datetime
    report: int | None
    export: int | None
    withdrawn_at: dt.datetime | None
    withdrawal_export: int | None

    @property
    def stage(self) -> Stage:
        if self.withdrawn_at is None:
            return Stage.TO_SEND if self.export is None else Stage.SENT
        return Stage.TO_DELETE if self.export and self.withdrawal_export is None else Stage.WITHDRAWN


@dataclass(frozen=True)
class Filters:
    """What of the list is asked for, as it was typed: a Stage, a LostStatus, the day of the loss from and to."""

    stage: str = ""
    status: str = ""
    first: str = ""
    last: str = ""


def entries(
    session: Session, actor: Actor, filters: Filters = Filters(), before: int | None = None
) -> tuple[list[Entry], int | None]:
    """Up to PAGE entries, the latest first, listed before `before`; and where the next page starts.

    `BadValue` names the filter that cannot be taken.
    """
    allow(actor, READ)
    query = _entries().order_by(_D.id.desc()).limit(PAGE + 1)
    if filters.stage:
        query = query.where(*STAGES[_word(Stage, "stage", filters.stage)])
    if filters.status:
        query = query.where(_D.status == _word(LostStatus, "status", filters.status))
    if filters.first:
        query = query.where(_D.lost_on >= _day("first", filters.first))
    if filters.last:
        query = query.where(_D.lost_on <= _day("last", filters.last))
    if before is not None:
        query = query.where(_D.id < before)
    found = [Entry(*row) for row in session.execute(query)]
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def _entries() -> Select[Any]:
    columns: tuple[Any, ...] = (
        _D.id, _D.booklet_number, _D.document_type, _D.issuing_country, _D.status, Country.name, _D.lost_on,
        _D.listed_at, _D.report_id, _D.export_id, _D.withdrawn_at, _D.withdrawal_export_id,
    )  # fmt: skip
    return select(*columns).outerjoin(Country, Country.code == _D.country_code)


def _word(words: type[Word], field: str, text: str) -> Word:
    if text not in set(words):
        raise BadValue(N_("%(value)s is not one of the choices."), field=field, value=text[:16])
    return words(text)


def _day(field: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadValue(N_("This is not a date."), field=field) from None


@dataclass(frozen=True)
class ReportRow:
    """A loss report with the names of what it refers to."""

    report: LossReport
    reported_by: str
    confirmed_by: str | None
    country: str


def reports(session: Session, actor: Actor, before: int | None = None) -> tuple[list[ReportRow], int | None]:
    """Up to PAGE loss reports, the latest first, numbered below `before`; and where the next page starts."""
    query = _reports(actor).order_by(LossReport.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(LossReport.id < before)
    found = [ReportRow(*row) for row in session.execute(query)]
    return found[:PAGE], found[PAGE - 1].report.id if len(found) > PAGE else None


def report_called(session: Session, actor: Actor, number: int) -> ReportRow:
    """The loss report of that number, or `NotFound`."""
    row = session.execute(_reports(actor).where(LossReport.id == number)).first() if number < 2**31 else None
    if row is None:
        raise NotFound(N_("There is no loss report %(number)s."), number=number)
    return ReportRow(*row)


def _reports(actor: Actor) -> Select[Any]:
    allow(actor, READ)
    second = aliased(User)
    columns: tuple[Any, ...] = (LossReport, User.username, second.username, Country.name)
    return (
        select(*columns)
        .join(User, User.id == LossReport.reported_by_id)
        .outerjoin(second, second.id == LossReport.confirmed_by_id)
        .join(Country, Country.code == LossReport.country_code)
    )


def numbers_of(session: Session, report: int, most: int) -> list[str]:
    """The first `most` booklets of a report that are still lost, lowest first."""
    standing = select(_D.booklet_number).where(_D.report_id == report, _D.withdrawn_at.is_(None))
    return list(session.scalars(standing.order_by(_D.booklet_number).limit(most)))
