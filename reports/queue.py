"""The queue of jobs, which is Procrastinate's: what a transaction leaves there for a worker, and what got lost there.

A job is written on the session's own connection, so a run and its job are there together or not at all. The tasks
themselves are declared where the workers are (`app.jobs`); here they are known by name.
"""

from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

QUEUE = "reports"
MAKE_REPORT = "make_report"
#: First key of the advisory lock that whoever works on a run holds; the second is the number of the run.
LOCK = 7310
_REQUEUEING = 7311
#: A run that a request makes itself has no job: only after so long it counts as left behind.
_LEFT_BEHIND = "60 seconds"

#: Opened by nobody: it only writes jobs on connections that it is given.
_deferring = App(connector=SyncPsycopgConnector())

_WITHOUT_JOB = text(
    f"""
    select r.id from report_run r
     where r.state in ('QUEUED', 'RUNNING')
       and coalesce(r.started_at, r.requested_at) < now() - interval '{_LEFT_BEHIND}'
       and not exists (select from procrastinate_jobs j
                        where j.status in ('todo', 'doing') and j.lock = 'report_run:' || r.id)
       and not exists (select from pg_locks l
                        where l.locktype = 'advisory' and l.classid = {LOCK} and l.objid = r.id and l.objsubid = 2
                          and l.database = (select oid from pg_database where datname = current_database()))
     order by r.id
    """  # noqa: S608 -- constants of this module
)


def configure(url: str | URL) -> App:
    """Procrastinate's application of one worker, without tasks, for the database of the SQLAlchemy URL `url`."""
    parsed = make_url(url)
    _, how = parsed.get_dialect()().create_connect_args(parsed)
    pool: dict[str, Any] = {"min_size": 1, "max_size": 4, "timeout": 30.0}
    kwargs = {**how, "application_name": "pasaportes jobs", "options": "-c timezone=UTC -c jit=off"}
    return App(connector=PsycopgConnector(kwargs=kwargs, **pool))


def defer(session: Session, run_id: int) -> None:
    """Leave the job that makes the run `run_id`, in the transaction of `session`.

    The job's lock keeps Procrastinate from giving two workers jobs of the same run.
    """
    connection = session.connection().connection.driver_connection
    job = _deferring.configure_task(MAKE_REPORT, queue=QUEUE, lock=f"report_run:{run_id}", connection=connection)
    job.defer(run_id=run_id)


def requeue(session: Session) -> list[int]:
    """Leave jobs for the runs that wait or were begun, and that nobody works on or will; their numbers.

    That a run and its job are one transaction makes this rare: a request killed while it made a run itself, a job
    thrown away by hand or by a fault.
    """
    alone = text("select pg_try_advisory_xact_lock(:lock)")
    if not session.execute(alone, {"lock": _REQUEUEING}).scalar_one():
        return []
    lost = list(session.execute(_WITHOUT_JOB).scalars())
    for run_id in lost:
        defer(session, run_id)
    return lost
