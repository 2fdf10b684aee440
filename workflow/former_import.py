"""An import of an export of the former system, batch by batch: begun or gone on with, one at a time, accounted for.

The edge commits each batch with its place, so that nothing is read, remarked upon or imported twice.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.enrolments import FormerImport
from workflow import former_export
from workflow.former_export import Export, Record
from workflow.former_mapping import FormerMapping
from workflow.former_report import ReportFiles
from workflow.former_rows import Row, reader
from workflow.former_system import COUNTS, Outcome, Shelf

BATCH = 5000
#: The advisory lock of whoever imports, and how long another one waits for it, in seconds: a process that was killed
#: may hold it for a moment.
IMPORTING, PATIENCE = 7204, 3.0


class ImportRunning(Exception):
    """Another import is running; the message says which, whose, since when."""


@dataclass(frozen=True)
class Batch:
    """Rows of an export, and the byte and line where the next one begins."""

    rows: list[Row]
    next_byte: int
    next_line: int


@contextmanager
def alone(session: Session) -> Iterator[None]:
    """Run the block while nobody else imports. Raises `ImportRunning` when somebody does."""
    with session.get_bind().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until = time.monotonic() + PATIENCE
        while not connection.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": IMPORTING}):
            if time.monotonic() > until:
                raise ImportRunning(_running(session))
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": IMPORTING})


def _running(session: Session) -> str:
    unfinished = select(FormerImport).where(FormerImport.finished_at.is_(None))
    found = session.scalars(unfinished.order_by(FormerImport.progress_at.desc()).limit(1)).first()
    if found is None:
        return "Another import is running; it has just begun, or is a check."
    return (
        f"Another import is running: {found.file_name}, begun by {found.started_by} at "
        f"{found.started_at:%Y-%m-%d %H:%M} UTC, {found.rows} rows done."
    )


def begun(
    session: Session, export: Export, mapping: FormerMapping, *, updates: bool, folder: Path, by: str
) -> FormerImport:
    """The import of this very file by this very mapping: one begun before, finished or not, or a new one."""
    same = select(FormerImport).where(
        FormerImport.file_sha256 == export.sha256,
        FormerImport.mapping_sha256 == mapping.sha256,
        FormerImport.updates == updates,
    )
    found = session.scalars(same).first()
    if found is None:
        found = new(export, mapping, updates=updates, folder=folder, by=by)
        session.add(found)
        session.flush()
    return found


def new(export: Export, mapping: FormerMapping, *, updates: bool, folder: Path, by: str) -> FormerImport:
    """An import at its beginning, as yet of no session; a check keeps none."""
    now = utc_now()
    return FormerImport(
        file_name=export.name, file_sha256=export.sha256, mapping_name=mapping.name, mapping_sha256=mapping.sha256,
        updates=updates, header=export.header, folder=str(folder), next_byte=len(export.head), next_line=2,
        report_bytes=0, rejects_bytes=0, started_by=by[:120], started_at=now, progress_at=now,
        **dict.fromkeys(COUNTS, 0),
    )  # fmt: skip


def files(run: FormerImport, export: Export, *, check: bool = False) -> ReportFiles:
    """The report and the rejected rows of an import, open where it is."""
    name = f"{'check' if check else format(run.id, '06d')}-{export.path.stem}"
    folder = Path(run.folder)
    lengths = (run.report_bytes, run.rejects_bytes)
    return ReportFiles(folder / f"{name}.report.csv", folder / f"{name}.rejects.csv", export.head, lengths)


def batches(run: FormerImport, export: Export, mapping: FormerMapping) -> Iterator[Batch]:
    """The rows from where the import is, in parts of BATCH."""
    read, byte, line = reader(export, mapping), run.next_byte, run.next_line
    records = former_export.records(export, byte, line)
    while part := list(islice(records, BATCH)):
        byte += sum(len(record.raw) for record in part)
        line = part[-1].line + part[-1].lines
        yield Batch(_rows(part, read), byte, line)


def _rows(records: list[Record], read: Callable[[Record], Row | None]) -> list[Row]:
    return [row for row in map(read, records) if row is not None]


def take(shelf: Shelf, run: FormerImport, batch: Batch, report: ReportFiles) -> Outcome:
    """Keep a batch, write its remarks down and move the import on; the edge commits."""
    outcome = shelf.keep(batch.rows)
    report.add(outcome)
    run.report_bytes, run.rejects_bytes = report.kept()
    run.next_byte, run.next_line, run.progress_at = batch.next_byte, batch.next_line, utc_now()
    for name in COUNTS:
        setattr(run, name, getattr(run, name) + getattr(outcome, name))
    return outcome


def finish(run: FormerImport) -> None:
    """All rows were taken."""
    run.finished_at = run.progress_at = utc_now()
