"""The workers: they make the reports that were asked for, and keep house for the register and the queue.

A worker makes one report at a time; more workers make more at once. When it is told to stop it finishes the report
under way, or leaves it for another when that takes long. What a worker did not finish because it was killed is taken up
again by another as soon as its heartbeat was missed for a while.
"""

import asyncio
import contextlib
import datetime as dt
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from flask import Flask
from flask_babel import force_locale
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app import create_app
from app.settings import Settings
from models.base import SessionLocal, utc_now
from models.base import session as db
from models.clock import local_date
from models.report_runs import ReportRun
from reports import queue, runs, schedules
from reports.execution import AtWork, Interrupted, Maker, OnProgress, execute
from reports.making import make
from reports.runs import KEPT, Made, May
from views.report_files import may, press
from workflow.outside import waiting

log = logging.getLogger(__name__)

KEEP_HOUSE = "keep_house"


@dataclass(frozen=True)
class Pace:
    """How quickly workers notice things, in seconds.

    A report of a killed worker goes on at the latest `stalled` and the interval of `rounds` after the kill: 45 s. A
    worker that was told to stop gives no signs of life, so `stalled` is at least `heartbeat` + `grace` + `cut`.
    """

    #: Between two signs of life of a worker.
    heartbeat: float = 5.0
    #: Without a sign of life a worker counts as dead.
    stalled: float = 30.0
    #: When house is kept, as a cron expression whose sixth field is seconds.
    rounds: str = "* * * * * */15"
    #: Between two looks into the queue; a new job is heard of at once.
    poll: float = 5.0
    #: For the report under way when the worker is told to stop.
    grace: float = 20.0
    #: After that for a report that does not hear: it is cut off.
    cut: float = 5.0
    #: Between two tries to take up a run that another worker has.
    at_work: int = 10
    #: Between two looks whether the process that started this one lives.
    orphan: float = 1.0


@dataclass(frozen=True)
class Office:
    """What the jobs need: the database, how a report is made, who may see it, how long files are kept."""

    engine: Engine
    maker: Maker
    may: May
    kept: dt.timedelta = KEPT

    def make_report(self, run_id: int, stopping: Callable[[], bool] = lambda: False) -> None:
        """Make a run to its end; raises `AtWork` or `Interrupted` when it must be tried again."""
        execute(run_id, self.maker, engine=self.engine, kept=self.kept, stopping=stopping)

    def keep_house(self) -> None:
        """Ask for what schedules are due, purge what expired, leave jobs for what lost its own; each by itself."""
        for chore in (self.run_schedules, self.purge, self.requeue, self.ask_services):
            try:
                chore()
            except Exception:
                log.exception("Could not %s", chore.__name__)

    def run_schedules(self) -> None:
        """Run the schedules that are due, each in a transaction of its own."""
        today = local_date(utc_now())
        with self._session() as session:
            due = schedules.due(session, today)
        for schedule_id in due:
            try:
                with self._session() as session:
                    schedules.run_due(session, schedule_id, today, self.may)
            except Exception:
                log.exception("Could not run schedule %s", schedule_id)

    def purge(self) -> None:
        """Purge the files that expired."""
        purged = 1
        while purged:
            with self._session() as session:
                purged = runs.expire(session)

    def ask_services(self) -> None:
        """Ask outside services about the cases that wait for them, for a while."""
        waiting.ask_again()

    def requeue(self) -> None:
        """Leave jobs for runs that nobody works on or will."""
        with self._session() as session:
            for run_id in queue.requeue(session):
                log.warning("Run %s had no job and got one", run_id)

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session


class _Again(BaseRetryStrategy):
    """A job is tried again when its run was left half-way or is in other hands; how a run failed is its own matter."""

    def __init__(self, at_work: int) -> None:
        self._at_work = at_work

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, Interrupted | AtWork):
            return RetryDecision(retry_in={"seconds": self._at_work if isinstance(exception, AtWork) else 0})
        return None


def worker_app(office: Office, pace: Pace) -> App:
    """Procrastinate's application with the two tasks there are."""
    app = queue.configure(office.engine.url)

    @app.task(name=queue.MAKE_REPORT, queue=queue.QUEUE, pass_context=True, retry=_Again(pace.at_work))
    def make_report(context: JobContext, run_id: int) -> None:
        office.make_report(run_id, context.should_abort)

    @app.periodic(cron=pace.rounds)
    @app.task(name=KEEP_HOUSE, queue=queue.QUEUE, queueing_lock=KEEP_HOUSE, priority=1)
    async def keep_house(timestamp: int) -> None:
        await retry_stalled(app, pace.stalled)
        await asyncio.to_thread(office.keep_house)

    return app


async def retry_stalled(app: App, seconds: float) -> None:
    """Give the jobs of workers without a sign of life for `seconds` to others. Housekeeping comes by itself again."""
    jobs = app.job_manager
    for job in await jobs.get_stalled_jobs(queue=queue.QUEUE, seconds_since_heartbeat=seconds):
        try:
            if job.task_name == queue.MAKE_REPORT:
                log.warning("The worker of job %s %s is gone: it is tried again", job.id, job.task_kwargs)
                await jobs.retry_job(job)
            else:
                await jobs.finish_job(job, Status.FAILED, delete_job=True)
        except ConnectorException:  # another worker was first
            log.info("Job %s is no longer stalled", job.id)


def work(
    settings: Settings, *, parent: int | None = None, maker: Maker | None = None, permitted: May | None = None,
    pace: Pace | None = None,
) -> None:  # fmt: skip
    """Work until told to stop by TERM or Ctrl-C; then the process may end. Ends it when it cannot go on (status 1).

    `parent`: the process without which this one ends too. `maker`, `permitted`: in place of the reports there are.
    """
    pace = pace or Pace()
    if parent is not None:
        threading.Thread(target=end_with, args=(parent, pace.orphan), daemon=True).start()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    flask_app = create_app(settings)
    engine = SessionLocal.kw["bind"]
    kept = dt.timedelta(days=settings.report_days)
    office = Office(engine, in_context(flask_app, maker or _report), permitted or may, kept)
    if parent is None:
        print("Working (Ctrl-C stops)", flush=True)
    try:
        told_to_stop = asyncio.run(_run(worker_app(office, pace), pace))
    except ConnectorException as error:
        log.error("The database does not answer: %s", error.__cause__ or error)
        told_to_stop = False
    if not told_to_stop:
        sys.exit(1)


def end_with(parent: int, every: float) -> None:
    """End this process, as a kill would, once `parent` is gone."""
    while os.getppid() == parent:
        time.sleep(every)
    os._exit(1)


async def _run(app: App, pace: Pace) -> bool:
    """Work until told to stop; False when the worker ended because it lost the database."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(
                queues=[queue.QUEUE],
                name=f"{os.uname().nodename}-{os.getpid()}",
                install_signal_handlers=False,  # Procrastinate's end the process at the second signal
                shutdown_graceful_timeout=pace.grace,
                update_heartbeat_interval=pace.heartbeat,
                stalled_worker_timeout=pace.stalled,
                fetch_job_polling_interval=pace.poll,
                delete_jobs="always",  # the register keeps what became of a run
            )
        )
        telling = asyncio.create_task(told.wait())
        await asyncio.wait((working, telling), return_when=asyncio.FIRST_COMPLETED)
        if told.is_set():
            _cut_off(pace.grace + pace.cut)
            working.cancel()  # which Procrastinate takes as a polite request
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return told.is_set()


def _cut_off(seconds: float) -> None:
    """End the process after `seconds` whatever it does: what it was at is then like that of a killed worker."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def in_context(flask_app: Flask, make: Maker) -> Maker:
    """`make` as the web edge would call it: in the application, in the language of the run, its session ended."""

    def made(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        with flask_app.app_context(), force_locale(run.language):
            try:
                return make(run, target, on_progress)
            finally:
                db.remove()

    return made


def _report(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
    """The file of one of the reports there are."""
    return make(press(), run, target, on_progress)
