"""The list of lost and stolen documents sent to INTERPOL's SLTD: in batches, each entry once.

The five fields are those ICAO Doc 9303-2 asks for when a State reports such documents: number, type, issuing State,
status, and the country of the theft, which only a stolen blank must have. No person is in it. What was sent and is
withdrawn since is deleted there by a second file with the same fields.
"""

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import xlsxwriter
from sqlalchemy import BigInteger, ColumnElement, Select, any_, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from models.base import utc_now
from models.lost_documents import LostDocument, SltdExport
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotFound, Refused, Unavailable
from security.looks import log_look
from security.permissions import Permission
from workflow.sltd import PAGE, READ, STAGES, Stage
from workflow.stock.documents import allow, one_at_a_time

EXPORT = Permission.EXPORT_LOST_DOCUMENTS
HEADER = ("document_number", "document_type", "issuing_country", "status", "country_of_theft")
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Row = tuple[str, str, str, str, str]
_D = LostDocument


class Part(StrEnum):
    """The two files of a batch: what SLTD is to add, what it is to delete."""

    ADDITIONS = "additions"
    DELETIONS = "deletions"


_OF_PART = {Part.ADDITIONS: _D.export_id, Part.DELETIONS: _D.withdrawal_export_id}


@dataclass(frozen=True)
class Batch:
    """A batch with the name of who made it."""

    number: int
    made_by: str
    made_at: dt.datetime
    additions: int
    deletions: int
    additions_sha256: str
    deletions_sha256: str


def to_send(session: Session) -> tuple[int, int]:
    """How many entries a batch made now would add and delete."""
    counted = (select(func.count()).select_from(_D).where(*STAGES[stage]) for stage in (Stage.TO_SEND, Stage.TO_DELETE))
    additions, deletions = (session.scalar(query) or 0 for query in counted)
    return additions, deletions


def make_batch(session: Session, actor: Actor) -> SltdExport:
    """Put all that is to be sent into a new batch; `Refused` when there is nothing. Logged. The caller commits.

    One at a time: who waits for another finds nothing left of what that one took.
    """
    allow(actor, EXPORT)
    one_at_a_time(session, "sltd_export")
    waiting = {
        Part.ADDITIONS: list(session.scalars(_waiting(Stage.TO_SEND))),
        Part.DELETIONS: list(session.scalars(_waiting(Stage.TO_DELETE))),
    }
    if not any(waiting.values()):
        raise Refused(N_("Nothing is to be sent: every entry is in a batch already."))
    digests = {part: _digest(rows_of(session, _among(ids))) for part, ids in waiting.items()}
    batch = SltdExport(
        made_by_id=actor.user_id, made_at=utc_now(), additions=len(waiting[Part.ADDITIONS]),
        deletions=len(waiting[Part.DELETIONS]), additions_sha256=digests[Part.ADDITIONS],
        deletions_sha256=digests[Part.DELETIONS],
    )  # fmt: skip
    session.add(batch)
    session.flush()
    for part, ids in waiting.items():
        session.execute(update(_D).where(_among(ids)).values({_OF_PART[part].key: batch.id}))
    log_look(session, actor, "sltd_export", None, batch=batch.id, additions=batch.additions, deletions=batch.deletions)
    return batch


def _waiting(stage: Stage) -> Select[Any]:
    return select(_D.id).where(*STAGES[stage]).order_by(_D.id).with_for_update()


def _among(ids: list[int]) -> ColumnElement[bool]:
    """As one array: a batch may hold more entries than a statement takes parameters."""
    return _D.id == any_(cast(literal(ids, ARRAY(BigInteger)), ARRAY(BigInteger)))


def rows_of(session: Session, which: ColumnElement[bool]) -> Iterator[Row]:
    """The five fields of the entries for which `which` holds, in the order of their numbers."""
    query = select(_D.booklet_number, _D.document_type, _D.issuing_country, _D.status, _D.country_code)
    for number, kind, issuer, status, country in session.execute(query.where(which).order_by(_D.booklet_number, _D.id)):
        yield number, kind, issuer, status, country or ""


def batches(session: Session, actor: Actor, before: int | None = None) -> tuple[list[Batch], int | None]:
    """Up to PAGE batches, the latest first, numbered below `before`; and where the next page starts."""
    allow(actor, READ)
    query = _batches().order_by(SltdExport.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(SltdExport.id < before)
    found = [Batch(*row) for row in session.execute(query)]
    return found[:PAGE], found[PAGE - 1].number if len(found) > PAGE else None


def _batches() -> Select[Any]:
    e = SltdExport
    columns: tuple[Any, ...] = (
        e.id, User.username, e.made_at, e.additions, e.deletions, e.additions_sha256, e.deletions_sha256
    )  # fmt: skip
    return select(*columns).join(User, User.id == e.made_by_id)


def file_of(session: Session, actor: Actor, number: int, part: str, kind: str) -> tuple[str, bytes]:
    """Name and bytes of one file of batch `number`, the same each time it is taken. Logged.

    `NotFound` for no such file; `Unavailable` when the entries are no longer those whose digest the batch keeps.
    """
    allow(actor, EXPORT)
    row = session.execute(_batches().where(SltdExport.id == number)).first() if number < 2**31 else None
    if row is None or part not in set(Part) or kind not in FORMATS:
        raise NotFound(N_("There is no such file."))
    batch, which = Batch(*row), Part(part)
    rows = list(rows_of(session, _OF_PART[which] == number))
    expected = batch.additions_sha256 if which is Part.ADDITIONS else batch.deletions_sha256
    if _digest(rows) != expected:
        raise Unavailable(N_("The entries of batch %(number)s are not those that were sent."), number=number)
    log_look(session, actor, "sltd_file", None, batch=number, part=part, format=kind)
    name = f"SLTD-GTM-{number:06d}-{part}.{kind}"
    return name, as_csv(rows) if kind == "csv" else as_xlsx(rows, batch.made_at)


def _digest(rows: Iterable[Row]) -> str:
    return hashlib.sha256(as_csv(rows)).hexdigest()


def as_csv(rows: Iterable[Row]) -> bytes:
    """The rows below their header as RFC 4180 has it, UTF-8."""
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n").writerows([HEADER, *rows])
    return target.getvalue().encode()


def as_xlsx(rows: Iterable[Row], made_at: dt.datetime) -> bytes:
    """The same as a workbook, all cells text; equal bytes for equal rows."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": made_at.astimezone(dt.UTC).replace(tzinfo=None)})
    sheet = book.add_worksheet("SLTD")
    text, bold = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bold": True})
    sheet.set_column(0, len(HEADER) - 1, 20, text)
    for at, row in enumerate([HEADER, *rows]):
        for column, value in enumerate(row):
            sheet.write_string(at, column, value, text if at else bold)
    sheet.freeze_panes(1, 0)
    book.close()
    return target.getvalue()
