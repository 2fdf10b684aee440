"""Makes a run: one worker at a time, its progress told, its file stored whole or not at all, whatever kills whom.

Two things keep a run from being made twice. Whoever works on it holds an advisory lock on a connection of its own,
which the server takes back when the worker dies; the alternative, a time-out in the row, makes the next one wait for
minutes or robs a worker that is slow. And each attempt has its number: what a worker writes that was wrongly taken for
dead finds no row of its attempt and is refused.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.report_runs import ReportRun
from models.text import N_
from reports import runs
from reports.queue import LOCK
from reports.runs import KEPT, Cancelled, Lost, Made
from security.errors import DomainError

__all__ = ["AtWork", "Interrupted", "Made", "Maker", "OnProgress", "execute", "make_now"]

log = logging.getLogger(__name__)

FAULT = N_("It could not be made because of a fault.")
#: Seconds between two notes of the progress; asked to cancel, a maker that reports often stops within this time.
NOTED_EVERY = 0.5
#: A host that vanished is noticed after about half a minute; PostgreSQL's own default is two hours.
_KEEPALIVE = ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 4")
_TRY_LOCK = text("select pg_try_advisory_lock(:lock, :run)")
OnProgress = Callable[[int, int | None], None]


class Maker(Protocol):
    """Writes the file of a run into `target`, open for binary writing and reading, and says what it made.

    It calls `on_progress(done, total)` as lines come, `total` None when unknown, as often as it likes; what that raises
    it lets pass. It leaves `target` open. A `DomainError` it raises is told to whoever asked.
    """

    def __call__(self, run: ReportRun, target: BinaryIO, on_progress: OnProgress, /) -> Made: ...


class Interrupted(Exception):
    """The run was left half-way, to be taken up anew: the worker is stopping, or lost the database."""


class AtWork(Exception):
    """Another worker is making the run now."""


def execute(
    run_id: int, maker: Maker, *, engine: Engine, kept: dt.timedelta = KEPT,
    stopping: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Make the run `run_id` to its end: done, failed or cancelled. Nothing when it has ended already.

    Its file is kept for `kept`. Raises `AtWork`, or `Interrupted` once `stopping` says so; the run is then to be
    executed again. Commits by itself: it is the work of a job. Takes two connections of `engine`, besides the maker's.
    """
    with _alone(engine, run_id):
        with Session(engine, expire_on_commit=False) as session, session.begin():
            run = runs.begin(session, run_id)
        if run is not None:
            _make(run, maker, engine, kept, stopping)


def _make(run: ReportRun, maker: Maker, engine: Engine, kept: dt.timedelta, stopping: Callable[[], bool]) -> None:
    try:
        with TemporaryFile() as target:  # without a name: nothing is left of it whatever ends this process
            made = maker(run, target, _Notes(engine, run, stopping))
            target.seek(0)
            with Session(engine) as session, session.begin():
                runs.finish(session, run, made, target, kept=kept)
    except Interrupted:
        raise
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise Interrupted() from error
        _end(engine, run, error)


def _end(engine: Engine, run: ReportRun, error: Exception) -> None:
    """End a run that was not made, saying why."""
    try:
        with Session(engine) as session, session.begin():
            if isinstance(error, Lost):
                raise error
            if isinstance(error, Cancelled):
                runs.end_cancelled(session, run)
            elif isinstance(error, DomainError):
                runs.fail(session, run, error.message_id, error.params)
            else:
                log.error("Run %s failed", runs.number_of(run), exc_info=error)
                runs.fail(session, run, FAULT)
    except Lost:
        log.warning("Run %s was taken over from attempt %s", runs.number_of(run), run.attempt)


class _Notes:
    """What a maker calls with its progress: notes it now and then, and hears whether to stop."""

    def __init__(self, engine: Engine, run: ReportRun, stopping: Callable[[], bool]) -> None:
        self._engine, self._run, self._stopping = engine, run, stopping
        self._next = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        if self._stopping():
            raise Interrupted()
        if time.monotonic() >= self._next:
            with Session(self._engine) as session, session.begin():
                runs.progress(session, self._run, done, total)
            self._next = time.monotonic() + NOTED_EVERY


@contextmanager
def _alone(engine: Engine, run_id: int) -> Iterator[None]:
    """Run the block while nobody else works on the run; raises `AtWork`. In no transaction: those hold vacuum back."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # its end closes it for good, and the lock with it
        for setting in _KEEPALIVE:
            connection.execute(text(f"set {setting}"))
        if not connection.execute(_TRY_LOCK, {"lock": LOCK, "run": run_id}).scalar_one():
            raise AtWork()
        yield


def make_now(session: Session, run: ReportRun, maker: Maker, *, kept: dt.timedelta = KEPT) -> None:
    """Make a run that was asked for in this same transaction, which nobody else sees yet: no lock, no queue.

    For short reports, in the request. What the maker raises passes: the caller rolls back, and there is no run.
    """
    if runs.begin(session, run.id) is None:
        raise LookupError(f"run {run.id} has ended")
    with TemporaryFile() as target:
        made = maker(run, target, lambda done, total: None)
        target.seek(0)
        runs.finish(session, run, made, target, kept=kept)
