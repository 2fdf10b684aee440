"""Workers: real processes that make reports, are killed, told to stop and left alone; and the house they keep."""

import datetime as dt
import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import pytest
from flask import Flask
from flask_babel import gettext
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.jobs import Office, Pace, work
from app.settings import Settings
from models.base import make_engine, utc_now
from models.clock import local_date
from models.report_runs import Period, ReportRun, ReportSchedule
from reports import queue, runs, schedules
from reports.execution import Made, Maker, OnProgress, make_now
from security.actor import Actor, load_actor

processes = multiprocessing.get_context("fork")
#: Everything that a test would wait for is quick.
QUICK = Pace(heartbeat=0.3, stalled=1.2, rounds="* * * * * *", poll=0.5, grace=0.7, cut=0.5, at_work=1, orphan=0.2)


def steady(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
    """Writes as many lines as the filter says, fifty a second, the first in the language of the run."""
    lines = int(run.filters["lines"])
    target.write(gettext("Done").encode())
    for line in range(lines):
        on_progress(line, lines)
        target.write(b"\n%d" % line)
        time.sleep(0.02)
    return Made(lines, hashlib.sha256(b"data").hexdigest(), "prueba.xlsx")


def deaf(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
    """Begins, and never asks whether to stop."""
    on_progress(0, None)
    time.sleep(60)
    raise AssertionError("not cut off")


def allowed(_actor: Actor, _report: str) -> bool:
    return True


@pytest.fixture(scope="module")
def house(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("jobs"), pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def worker(house: Engine, settings: Settings) -> Iterator[Callable[..., Any]]:
    """Call to start a worker process; those that still live are killed in the end."""
    url = house.url.render_as_string(hide_password=False)
    started: list[Any] = []

    def start(maker: Maker | None = steady, pace: Pace = QUICK, parent: int | None = None) -> Any:
        def program() -> None:
            os.environ.pop("PYTEST_CURRENT_TEST", None)
            work(replace(settings, database_url=url), maker=maker, permitted=allowed, pace=pace, parent=parent)

        started.append(processes.Process(target=program))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        if process.is_alive():
            process.kill()
        process.join(10)


def entered(house: Engine, lines: int = 3, *, enqueued: bool = True, **changes: Any) -> int:
    with Session(house) as session, session.begin():
        actor = load_actor(session, username="supervisor")
        assert actor is not None
        values = {"report": "voided", "format": "xlsx", "as_of": utc_now(), "language": "es"}
        run = runs.ask(session, actor, **{"filters": {"lines": str(lines)}, **values, **changes})
        if enqueued:
            runs.enqueue(session, run)
        return run.id


def found(house: Engine, run_id: int) -> ReportRun:
    with Session(house) as session:
        return session.get_one(ReportRun, run_id)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait for `condition`; how many seconds that took."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - since


def state(house: Engine, run_id: int, *wanted: str) -> Callable[[], bool]:
    return lambda: found(house, run_id).state in wanted


def under_way(house: Engine, run_id: int) -> Callable[[], bool]:
    return lambda: found(house, run_id).lines_done > 0 or found(house, run_id).attempt > 1


def jobs(house: Engine, run_id: int) -> list[str]:
    """The states of the jobs of a run."""
    query = text("select status::text from procrastinate_jobs where args ->> 'run_id' = :run")
    with house.connect() as connection:
        return list(connection.execute(query, {"run": str(run_id)}).scalars())


def file_of(house: Engine, run_id: int) -> bytes:
    with Session(house) as session:
        return b"".join(runs.chunks(session, session.get_one(ReportRun, run_id)))


# Processes.


def test_a_report_is_made_at_once_in_its_language_and_leaves_no_job(house: Engine, worker: Callable[..., Any]) -> None:
    worker(pace=replace(QUICK, poll=600.0, rounds="0 0 1 1 *"))  # so it can only have heard of it
    first = entered(house)
    until(state(house, first, "DONE"))
    english = entered(house, language="en")
    until(state(house, english, "DONE"))
    assert file_of(house, first) == b"Hecho\n0\n1\n2"
    assert file_of(house, english) == b"Done\n0\n1\n2"
    until(lambda: jobs(house, english) == [])
    run = found(house, english)
    assert run.expires_at is not None
    assert run.finished_at is not None
    assert (run.expires_at - run.finished_at).days in (6, 7)


def test_a_killed_workers_report_goes_on_in_another_with_one_file_and_no_remains(
    house: Engine, worker: Callable[..., Any]
) -> None:
    first = worker()
    run_id = entered(house, 50)
    until(under_way(house, run_id))
    worker()
    os.kill(first.pid, signal.SIGKILL)
    first.join()
    killed = time.monotonic()
    until(lambda: found(house, run_id).attempt == 2)
    assert time.monotonic() - killed < 10
    until(state(house, run_id, "DONE"))
    assert file_of(house, run_id).count(b"\n") == 50
    until(lambda: jobs(house, run_id) == [])
    with house.connect() as connection:
        assert connection.execute(text("select count(*) from report_run where attempt > 1")).scalar_one() == 1
        assert connection.execute(text("select count(*) from pg_locks where classid = 7310")).scalar_one() == 0


def test_a_report_under_way_is_finished_when_its_worker_is_told_to_stop_twice(
    house: Engine, worker: Callable[..., Any]
) -> None:
    first = worker()
    run_id = entered(house, 20)
    until(under_way(house, run_id))
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):  # Ctrl-C reaches it, then the server's word
        os.kill(first.pid, how)
        time.sleep(0.05)
    first.join(10)
    assert (first.exitcode, found(house, run_id).state, found(house, run_id).attempt) == (0, "DONE", 1)
    assert jobs(house, run_id) == []


def test_a_report_that_takes_longer_than_the_grace_is_left_to_another(
    house: Engine, worker: Callable[..., Any]
) -> None:
    first = worker()
    run_id = entered(house, 70)
    until(under_way(house, run_id))
    first.terminate()
    first.join(10)
    assert (first.exitcode, found(house, run_id).state, jobs(house, run_id)) == (0, "RUNNING", ["todo"])
    worker()
    until(state(house, run_id, "DONE"))
    assert found(house, run_id).attempt == 2


def test_a_report_that_does_not_hear_is_cut_off_and_taken_up(house: Engine, worker: Callable[..., Any]) -> None:
    first = worker(deaf)
    run_id = entered(house)
    until(state(house, run_id, "RUNNING"))
    told = time.monotonic()
    first.terminate()
    first.join(10)
    assert 1.1 < time.monotonic() - told < 10
    worker()
    until(state(house, run_id, "DONE"))
    assert (found(house, run_id).attempt, jobs(house, run_id) in ([], ["doing"])) == (2, True)


def test_a_worker_wrongly_taken_for_dead_keeps_its_report(house: Engine, worker: Callable[..., Any]) -> None:
    """It gives no sign of life, so its job goes to another, which finds the run in its hands."""
    worker(pace=replace(QUICK, heartbeat=60.0))
    run_id = entered(house, 130)
    until(under_way(house, run_id))
    worker()
    given = text("select count(*) from procrastinate_jobs where args ->> 'run_id' = :run and attempts > 0")
    with house.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until(lambda: connection.execute(given, {"run": str(run_id)}).scalar_one())
    assert found(house, run_id).state == "RUNNING"
    until(state(house, run_id, "DONE"))
    assert (found(house, run_id).attempt, file_of(house, run_id).count(b"\n")) == (1, 130)
    until(lambda: jobs(house, run_id) == [])


def test_a_report_under_way_is_cancelled_within_about_a_second(house: Engine, worker: Callable[..., Any]) -> None:
    worker()
    run_id = entered(house, 1000)
    until(under_way(house, run_id))
    with Session(house) as session, session.begin():
        runs.cancel(session, session.get_one(ReportRun, run_id))
    assert until(state(house, run_id, "CANCELLED")) < 2.5


def test_a_worker_without_its_parent_ends_by_itself(house: Engine, worker: Callable[..., Any]) -> None:
    gone = worker(parent=1)  # not the process that started it
    assert until(lambda: not gone.is_alive()) < 5
    assert gone.exitcode == 1


def test_a_worker_that_lost_the_database_goes_on_or_ends_to_be_started_again(
    house: Engine, worker: Callable[..., Any]
) -> None:
    first = worker()
    run_id = entered(house)
    until(state(house, run_id, "DONE"))
    with house.begin() as connection:
        connection.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pasaportes jobs'")
        )
    run_id = entered(house)
    until(lambda: found(house, run_id).state == "DONE" or not first.is_alive())
    assert first.is_alive() or first.exitcode == 1


def test_a_worker_keeps_house_by_itself(house: Engine, worker: Callable[..., Any]) -> None:
    with Session(house) as session, session.begin():
        actor = load_actor(session, username="supervisor")
        assert actor is not None
        schedule = schedules.plan(
            session, actor, report="voided", format="xlsx", filters={"lines": "2"}, period=Period.DAY, language="es",
            today=local_date(utc_now()) - dt.timedelta(days=3),
        )  # fmt: skip
        schedule_id = schedule.id
    worker()

    def there() -> bool:
        with Session(house) as session:
            run = session.get(ReportRun, session.get_one(ReportSchedule, schedule_id).last_run_id or 0)
            return run is not None and run.state == "DONE"

    until(there)


def test_a_worker_makes_the_reports_there_are(house: Engine, worker: Callable[..., Any]) -> None:
    worker(None)
    ids = [entered(house, report="received", format=kind, filters={"first": "2026-01-01"}) for kind in ("xlsx", "pdf")]
    until(lambda: all(found(house, run_id).finished_at for run_id in ids))
    assert [found(house, run_id).failure for run_id in ids] == [None, None]
    assert [file_of(house, run_id)[:4] for run_id in ids] == [b"PK\3\4", b"%PDF"]


# Housekeeping, called.


@pytest.fixture
def office(house: Engine) -> Office:
    return Office(house, steady, allowed)


def test_what_expired_is_purged_however_much_it_is(house: Engine, office: Office) -> None:
    ids = []
    with Session(house) as session, session.begin():
        actor = load_actor(session, username="supervisor")
        assert actor is not None
        for _run in range(60):
            run = runs.ask(session, actor, report="voided", format="pdf", filters={}, as_of=utc_now(), language="es")
            make_now(session, run, lambda run, target, _on: _one(target), kept=dt.timedelta(microseconds=1))
            ids.append(run.id)
    office.keep_house()
    with house.connect() as connection:
        left = text("select count(*) from report_chunk where run_id = any(:ids)")
        assert connection.execute(left, {"ids": ids}).scalar_one() == 0
    assert all(found(house, run_id).removed_at and found(house, run_id).state == "DONE" for run_id in ids)


def _one(target: BinaryIO) -> Made:
    target.write(b"1")
    return Made(1, "0" * 64, "x.pdf")


def test_a_run_that_lost_its_job_gets_another_but_not_while_somebody_works_on_it(house: Engine, office: Office) -> None:
    fresh, left = entered(house, enqueued=False), entered(house, enqueued=False)
    begun, held = entered(house, enqueued=False), entered(house, enqueued=False)
    with Session(house) as session, session.begin():
        for run_id in (begun, held):
            runs.begin(session, run_id)
        session.execute(text("alter table report_run disable trigger report_run_is_true"))
        session.execute(
            text(
                "update report_run set requested_at = requested_at - interval '2 minutes',"
                " as_of = as_of - interval '2 minutes', started_at = started_at - interval '2 minutes'"
                " where id = any(:ids)"
            ),
            {"ids": [left, begun, held]},
        )
        session.execute(text("alter table report_run enable trigger report_run_is_true"))
    with house.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock, :run)"), {"lock": queue.LOCK, "run": held})
        office.keep_house()
        office.keep_house()
        connection.execute(text("select pg_advisory_unlock_all()"))
    assert [jobs(house, run_id) for run_id in (fresh, left, begun, held)] == [[], ["todo"], ["todo"], []]
    for run_id in (left, begun):
        office_in_context(office, run_id)
        assert found(house, run_id).state == "DONE"


def office_in_context(office: Office, run_id: int) -> None:
    """Make a run without the words of a language."""
    replace(office, maker=lambda run, target, _on: _one(target)).make_report(run_id)


def test_a_chore_that_fails_keeps_no_other_from_being_done(
    house: Engine, office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    monkeypatch.setattr(Office, "purge", lambda self: 1 / 0)
    monkeypatch.setattr(Office, "requeue", lambda self: done.append("requeue"))
    office.keep_house()
    assert done == ["requeue"]
    assert "ZeroDivisionError" in caplog.text
