"""The register of report runs: asking, cancelling, how far they are, their files while they last, who sees them.

Nothing here commits: the request, the command or the worker does. How a worker makes a run is in `reports.execution`,
what asks by itself in `reports.schedules`.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, and_, delete, insert, select, true, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.report_runs import CHUNK_BYTES, ENDED, ReportChunk, ReportRun, ReportSchedule, RunState
from models.text import N_
from reports import queue
from security.actor import Actor
from security.errors import NotFound, WrongState
from security.permissions import BY_PAIR

#: Runs on a page of the list.
PAGE = 50
#: How long a file is kept unless a setting says otherwise.
KEPT = dt.timedelta(days=7)
#: A run that so many workers took up and none finished is given up: it may be what kills them.
MOST_ATTEMPTS = 5
#: Files purged in one transaction.
_PURGED_AT_ONCE = 50
_NUMBER = re.compile(r"R([0-9]{8,18})")

#: Whether an actor may see the report of that name: its permission, which only the declarations know.
May = Callable[[Actor, str], bool]


class Cancelled(Exception):
    """Somebody asked to cancel the run that is being made."""


class Lost(Exception):
    """The run is in other hands: this worker was taken for dead, and another took it up."""


@dataclass(frozen=True)
class Made:
    """What a maker made: lines in the file, SHA-256 (64 hexadecimal digits) of the data, name of the file."""

    lines: int
    sha256: str
    file_name: str


def number_of(run: ReportRun) -> str:
    """The number of a run as people write it: `R00000042`."""
    return f"R{run.id:08d}"


def run_called(number: str) -> int | None:
    """The id of the run with that number; None for what is no number of a run."""
    match = _NUMBER.fullmatch(number.strip().upper())
    return int(match[1]) if match else None


def ask(
    session: Session, actor: Actor, *, report: str, format: str, filters: Mapping[str, str], as_of: dt.datetime,
    language: str, repeats: ReportRun | None = None, schedule: ReportSchedule | None = None,
    due_on: dt.date | None = None,
) -> ReportRun:  # fmt: skip
    """Enter a run into the register, waiting its turn; `enqueue` it, or make it at once.

    Its scope is what `actor` sees now; that of the run it `repeats`, which must be of the same report, filters and
    moment: only then equal hashes prove something.
    """
    held = reader(actor, report).sites
    sites = None if held is None else sorted(held)
    run = ReportRun(
        report=report,
        format=format,
        filters=dict(filters),
        language=language,
        requested_by_id=actor.user_id,
        requested_at=utc_now(),
        sites=repeats.sites if repeats else sites,
        as_of=as_of,
        repeats_id=repeats.id if repeats else None,
        schedule_id=schedule.id if schedule else None,
        due_on=due_on,
    )
    session.add(run)
    session.flush()
    return run


def ask_again(session: Session, actor: Actor, run: ReportRun, *, format: str = "", language: str = "") -> ReportRun:
    """Ask for the same as `run`, as of then, in its format and language unless said."""
    return ask(
        session, actor, report=run.report, format=format or run.format, filters=run.filters, as_of=run.as_of,
        language=language or run.language, repeats=run,
    )  # fmt: skip


def enqueue(session: Session, run: ReportRun) -> None:
    """Leave the job that makes `run` in the queue, in the same transaction."""
    queue.defer(session, run.id)


def begin(session: Session, run_id: int) -> ReportRun | None:
    """Take up a run: one attempt more; None when there is nothing to make.

    That is: it has ended, it was cancelled while its worker was dead, or too many have tried.
    """
    run = session.get(ReportRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.state in ENDED:
        return None
    if run.cancel_requested_at:
        _end(run, RunState.CANCELLED)
    elif run.attempt >= MOST_ATTEMPTS:
        _fail(run, N_("It was begun %(count)s times and never finished."), {"count": run.attempt})
    else:
        run.state, run.attempt, run.started_at = RunState.RUNNING, run.attempt + 1, utc_now()
        run.lines_done, run.lines_total = 0, None
    session.flush()
    return run if run.state == RunState.RUNNING else None


def progress(session: Session, run: ReportRun, done: int, total: int | None) -> None:
    """Note how many lines of how many are done. Raises `Cancelled`, or `Lost` when the run is in other hands."""
    noted = (
        update(ReportRun)
        .where(ReportRun.id == run.id, ReportRun.state == RunState.RUNNING, ReportRun.attempt == run.attempt)
        .values(lines_done=done, lines_total=total)
        .returning(ReportRun.cancel_requested_at)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(noted).one_or_none()
    if found is None:
        raise Lost()
    if found[0] is not None:
        raise Cancelled()


def finish(session: Session, run: ReportRun, made: Made, file: BinaryIO, *, kept: dt.timedelta = KEPT) -> None:
    """Store the file, read from where it stands to its end, and that the run is done, in place of an earlier attempt's.

    It stays for `kept`. Raises `Cancelled` or `Lost`.
    """
    held = _held(session, run)
    if held.cancel_requested_at:
        raise Cancelled()
    session.execute(delete(ReportChunk).where(ReportChunk.run_id == held.id))
    size = _store(session, held.id, file)
    _end(held, RunState.DONE)
    held.lines = held.lines_done = held.lines_total = made.lines
    held.sha256, held.file_name, held.file_size = made.sha256, made.file_name, size
    held.expires_at = utc_now() + kept
    session.flush()


def _store(session: Session, run_id: int, file: BinaryIO) -> int:
    size = 0
    while data := file.read(CHUNK_BYTES):
        piece = {"run_id": run_id, "position": size // CHUNK_BYTES, "data": data}
        session.execute(insert(ReportChunk).values(piece))
        size += len(data)
    return size


def fail(session: Session, run: ReportRun, message_id: str, params: Mapping[str, Any] | None = None) -> None:
    """End the run that is being made with what went wrong, a message id and what goes into it. Raises `Lost`."""
    _fail(_held(session, run), message_id, params or {})
    session.flush()


def end_cancelled(session: Session, run: ReportRun) -> None:
    """End the run that is being made, as somebody asked. Raises `Lost`."""
    _end(_held(session, run), RunState.CANCELLED)
    session.flush()


def _held(session: Session, run: ReportRun) -> ReportRun:
    """The row of a run that this worker took up, locked; raises `Lost` when another has taken it up since."""
    held = session.get_one(ReportRun, run.id, with_for_update=True, populate_existing=True)
    if held.state != RunState.RUNNING or held.attempt != run.attempt:
        raise Lost()
    return held


def _fail(run: ReportRun, message_id: str, params: Mapping[str, Any]) -> None:
    _end(run, RunState.FAILED)
    run.failure = message_id
    plain = {name: value if isinstance(value, str | int) else str(value) for name, value in params.items()}
    run.failure_params = plain or None


def _end(run: ReportRun, state: RunState) -> None:
    run.state, run.finished_at = state, utc_now()


def cancel(session: Session, run: ReportRun) -> None:
    """Cancel a run: at once while it waits, else its worker is asked to stop. Raises `WrongState` when it has ended."""
    held = session.get_one(ReportRun, run.id, with_for_update=True, populate_existing=True)
    if held.state in ENDED:
        raise WrongState(N_("Report %(number)s has already ended."), number=number_of(held))
    held.cancel_requested_at = held.cancel_requested_at or utc_now()
    if held.state == RunState.QUEUED:
        _end(held, RunState.CANCELLED)
    session.flush()


def expire(session: Session, now: dt.datetime | None = None) -> int:
    """Purge files that were kept long enough, at most 50; how many. Their rows stay."""
    now = now or utc_now()
    due = (
        select(ReportRun.id)
        .where(ReportRun.removed_at.is_(None), ReportRun.expires_at <= now)
        .order_by(ReportRun.expires_at)
        .limit(_PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    purged = list(session.scalars(due))
    if purged:
        marked = update(ReportRun).where(ReportRun.id.in_(purged)).values(removed_at=now)
        session.execute(marked.execution_options(synchronize_session=False))
        session.execute(delete(ReportChunk).where(ReportChunk.run_id.in_(purged)))
    return len(purged)


def has_file(run: ReportRun, now: dt.datetime | None = None) -> bool:
    """Whether the file of `run` can be had."""
    return run.expires_at is not None and run.removed_at is None and run.expires_at > (now or utc_now())


def chunks(session: Session, run: ReportRun) -> Iterator[bytes]:
    """The file of `run` in pieces, one in memory at a time. Raises `NotFound` when it is not there (any more)."""
    if not has_file(run):
        raise NotFound(N_("The file of report %(number)s is no longer kept."), number=number_of(run))
    return _pieces(session, run)


def _pieces(session: Session, run: ReportRun) -> Iterator[bytes]:
    for position in range(-(-(run.file_size or 0) // CHUNK_BYTES)):
        piece = select(ReportChunk.data).where(ReportChunk.run_id == run.id, ReportChunk.position == position)
        data = session.scalars(piece).one_or_none()
        if data is None:  # purged meanwhile: a file cut short must not look whole
            raise NotFound(N_("The file of report %(number)s is no longer kept."), number=number_of(run))
        yield data


def of_user(
    session: Session, actor: Actor, before: int | None = None, *, reports: Collection[str] | None = None
) -> Sequence[ReportRun]:
    """At most 50 runs that `actor` asked for and may still see, the latest first, those before the id `before`.

    `reports`: the names of the reports he may see, None for all.
    """
    mine = select(ReportRun).where(ReportRun.requested_by_id == actor.user_id, _within(actor))
    if before is not None:
        mine = mine.where(ReportRun.id < before)
    if reports is not None:
        mine = mine.where(ReportRun.report.in_(reports))
    return session.scalars(mine.order_by(ReportRun.id.desc()).limit(PAGE)).all()


def run_seen(session: Session, actor: Actor, run_id: int, may: May) -> ReportRun:
    """The run, fresh, if `actor` may see its report and every site it was made of; else raises `NotFound`.

    Having asked for it gives no right that was taken since.
    """
    found = select(ReportRun).where(ReportRun.id == run_id, _within(actor)).execution_options(populate_existing=True)
    run = session.scalars(found).one_or_none()
    if run is None or not may(actor, run.report) or not covered(reader(actor, run.report), run):
        raise NotFound(N_("There is no report %(number)s."), number=f"R{run_id:08d}")
    return run


def reader(actor: Actor, report: str) -> Actor:
    """`actor`, seeing only the sites where he may see the report of that name."""
    permission = BY_PAIR.get((f"can_{report}", "Reports"))
    return actor.by(permission) if permission and actor.may(permission) else actor


def covered(actor: Actor, run: ReportRun) -> bool:
    """Whether every site the run was made of is one of the actor's."""
    return actor.sites is None or (run.sites is not None and actor.sites.issuperset(run.sites))


def _within(actor: Actor) -> ColumnElement[bool]:
    """The condition on runs that every site of theirs is one of the actor's."""
    if actor.sites is None:
        return true()
    return and_(ReportRun.sites.is_not(None), ReportRun.sites.contained_by(sorted(actor.sites)))
