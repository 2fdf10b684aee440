"""The register of report runs: made once whatever is killed, cancelled, kept for its time, seen by who may."""

import datetime as dt
import hashlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from flask import Flask
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.migrating import differences, downgrade, migrate
from models.base import make_engine, utc_now
from models.report_runs import CHUNK_BYTES, ReportRun, RunState
from models.text import N_
from reports import runs
from reports.execution import FAULT, AtWork, Interrupted, Maker, OnProgress, execute, make_now
from reports.runs import Lost, Made
from security.actor import Actor, load_actor
from security.errors import BadValue, NotFound, WrongState

processes = multiprocessing.get_context("fork")
HASH = hashlib.sha256(b"data").hexdigest()
#: SHA-256 of the queue's schema that migration 0008 was written for.
QUEUE_SCHEMA = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


def made(lines: int = 3) -> Made:
    return Made(lines, HASH, "libretas.xlsx")


def short(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
    """A maker of three lines."""
    for line in range(3):
        target.write(b"%d\n" % line)
        on_progress(line + 1, 3)
    return made()


def large(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
    """A maker of two and a half chunks that all differ."""
    for letter in b"abc":
        target.write(bytes([letter]) * CHUNK_BYTES)
    target.truncate(CHUNK_BYTES * 5 // 2)
    return made()


class Endless:
    """A maker that goes on until it is stopped from outside, and says when it has begun."""

    def __init__(self) -> None:
        self.begun = processes.Event()

    def __call__(self, run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        target.write(b"half a file")
        for line in range(10_000):
            on_progress(line, 10_000)
            self.begun.set()
            time.sleep(0.01)
        raise AssertionError("nobody stopped it")


@pytest.fixture(scope="module")
def register(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    """A register of its own, whose rows stay."""
    engine = make_engine(fresh_database("runs"), pool_size=8)
    yield engine
    engine.dispose()


def actor_of(session: Session, username: str = "supervisor", **changes: Any) -> Actor:
    actor = load_actor(session, username=username)
    assert actor is not None
    return replace(actor, **changes)


def asked(session: Session, actor: Actor | None = None, **changes: Any) -> ReportRun:
    values: dict[str, Any] = {
        "report": "voided", "format": "xlsx", "filters": {"first": "2026-11-01"}, "as_of": utc_now(), "language": "es",
    }  # fmt: skip
    return runs.ask(session, actor or actor_of(session), **values | changes)


def entered(register: Engine, **changes: Any) -> int:
    with Session(register) as session, session.begin():
        return asked(session, **changes).id


def found(register: Engine, run_id: int) -> ReportRun:
    with Session(register) as session:
        return session.get_one(ReportRun, run_id)


def pieces(register: Engine, run_id: int) -> int:
    with register.connect() as connection:
        return int(connection.execute(text(f"select count(*) from report_chunk where run_id = {run_id}")).scalar_one())


def bytes_of(register: Engine, run_id: int) -> bytes:
    with Session(register) as session:
        return b"".join(runs.chunks(session, session.get_one(ReportRun, run_id)))


# Asking.


def test_a_number_is_written_in_one_way_and_read_back(db: Session) -> None:
    run = asked(db)
    assert runs.number_of(run) == f"R{run.id:08d}"
    assert runs.run_called(f" r{run.id:08d} ") == run.id
    assert [runs.run_called(text) for text in ("", "R1", "12345678", "R0000001x", "R" + "9" * 30)] == [None] * 5


def test_a_run_keeps_what_was_asked_and_the_scope_of_who_asked(db: Session) -> None:
    run = asked(db, filters={"first": "2026-11-01", "site": "GUA"})
    assert (run.state, run.attempt, run.filters["site"], run.sites) == ("QUEUED", 0, "GUA", ["GUA"])
    assert asked(db, actor_of(db, "admadm", sites=None)).sites is None


def test_the_same_is_asked_again_as_of_then_with_the_scope_of_then(db: Session) -> None:
    run = asked(db, as_of=utc_now() - dt.timedelta(days=400))
    again = runs.ask_again(db, actor_of(db, "admadm", sites=None), run, format="pdf")
    assert (again.repeats_id, again.as_of, again.sites, again.filters) == (run.id, run.as_of, ["GUA"], run.filters)
    assert (again.format, again.language) == ("pdf", "es")
    with pytest.raises(DBAPIError, match="asked something else"), db.begin_nested():
        asked(db, repeats=run, filters={}, as_of=run.as_of)


def jobs_of(register: Engine, run_id: int) -> int:
    query = text("select count(*) from procrastinate_jobs where args ->> 'run_id' = :run")
    with register.connect() as connection:
        return int(connection.execute(query, {"run": str(run_id)}).scalar_one())


def test_a_run_and_its_job_are_there_together_or_not_at_all(register: Engine) -> None:
    kept = []
    for commit in (False, True):
        with Session(register) as session:
            run = asked(session)
            runs.enqueue(session, run)
            kept.append((run.id, commit))
            if commit:
                session.commit()
    for run_id, commit in kept:
        with Session(register) as session:
            assert (session.get(ReportRun, run_id) is not None) == commit
        assert jobs_of(register, run_id) == commit


# Making.


def test_a_file_of_several_pieces_comes_out_as_it_was_made(register: Engine) -> None:
    run_id = entered(register)
    execute(run_id, large, engine=register, kept=dt.timedelta(days=2))
    run = found(register, run_id)
    assert (run.state, run.attempt, run.lines, run.sha256, run.file_name) == ("DONE", 1, 3, HASH, "libretas.xlsx")
    assert run.file_size == CHUNK_BYTES * 5 // 2
    assert run.expires_at is not None
    assert run.finished_at is not None
    assert dt.timedelta(0) <= run.expires_at - run.finished_at - dt.timedelta(days=2) < dt.timedelta(seconds=5)
    assert bytes_of(register, run_id) == b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES + b"c" * (CHUNK_BYTES // 2)
    with Session(register) as session:
        assert [len(piece) for piece in runs.chunks(session, run)] == [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES // 2]


def test_a_short_report_is_made_in_the_transaction_that_asks_for_it(db: Session) -> None:
    run = asked(db)
    make_now(db, run, short)
    db.execute(text("set constraints all immediate"))
    assert (run.state, run.lines, run.attempt) == ("DONE", 3, 1)
    assert b"".join(runs.chunks(db, run)) == b"0\n1\n2\n"


def test_others_see_how_far_a_run_is(register: Engine) -> None:
    run_id, seen = entered(register), []

    def maker(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        on_progress(10, 40)
        now = found(register, run_id)
        seen.append((now.state, now.lines_done, now.lines_total))
        on_progress(20, 40)  # too soon after the first to be written
        seen.append(found(register, run_id).lines_done)
        target.write(b"x")
        return made(40)

    execute(run_id, maker, engine=register)
    assert seen == [("RUNNING", 10, 40), 10]
    assert found(register, run_id).lines_done == 40


def test_what_may_not_be_is_told_and_a_fault_is_told_without_its_details(
    register: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def refusing(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        raise BadValue(N_("%(lines)s lines are too many."), lines=7, since=dt.date(2026, 1, 2))

    def broken(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        raise ZeroDivisionError("secret of a person")

    told, fault = entered(register), entered(register)
    execute(told, refusing, engine=register)
    execute(fault, broken, engine=register)
    run = found(register, told)
    assert (run.state, run.failure) == ("FAILED", "%(lines)s lines are too many.")
    assert run.failure_params == {"lines": 7, "since": "2026-01-02"}
    assert (found(register, fault).failure, found(register, fault).failure_params) == (FAULT, None)
    assert "ZeroDivisionError" in caplog.text
    assert (pieces(register, told), pieces(register, fault)) == (0, 0)


def test_an_ended_run_is_not_made_again(register: Engine) -> None:
    def never(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        raise AssertionError("made again")

    run_id = entered(register)
    execute(run_id, short, engine=register)
    execute(run_id, never, engine=register)
    assert found(register, run_id).attempt == 1


def test_a_run_that_nobody_could_finish_is_given_up(register: Engine) -> None:
    run_id = entered(register)
    for _attempt in range(runs.MOST_ATTEMPTS):
        with pytest.raises(Interrupted):
            execute(run_id, short, engine=register, stopping=lambda: True)
    execute(run_id, short, engine=register)
    run = found(register, run_id)
    assert (run.state, run.failure_params) == ("FAILED", {"count": 5})


def test_a_worker_that_lost_the_database_leaves_the_run_to_be_taken_up(register: Engine) -> None:
    def losing(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        with Session(register) as session:
            session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        raise AssertionError("not lost")

    run_id = entered(register)
    with pytest.raises(Interrupted):
        execute(run_id, losing, engine=register)
    execute(run_id, short, engine=register)
    assert (found(register, run_id).state, found(register, run_id).attempt) == ("DONE", 2)


# Two workers, and killed ones.


def test_two_workers_do_not_work_on_one_run_at_the_same_time(register: Engine) -> None:
    run_id, go = entered(register), threading.Event()

    def waiting(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        on_progress(0, None)
        begun.set()
        assert go.wait(10)
        return short(run, target, on_progress)

    begun = threading.Event()
    first = threading.Thread(target=execute, args=(run_id, waiting), kwargs={"engine": register})
    first.start()
    assert begun.wait(10)
    with pytest.raises(AtWork):
        execute(run_id, short, engine=register)
    go.set()
    first.join(10)
    assert (found(register, run_id).state, found(register, run_id).attempt) == ("DONE", 1)
    assert bytes_of(register, run_id) == b"0\n1\n2\n"


def test_what_a_worker_writes_that_was_wrongly_taken_for_dead_is_refused(register: Engine, tmp_path: Path) -> None:
    run_id = entered(register)
    with Session(register, expire_on_commit=False) as session, session.begin():
        first = runs.begin(session, run_id)
    assert first is not None
    execute(run_id, short, engine=register)
    (tmp_path / "file").write_bytes(b"of the first")
    acts: list[Callable[[Session], None]] = [
        lambda session: runs.progress(session, first, 1, 2),
        lambda session: runs.fail(session, first, "late"),
        lambda session: runs.end_cancelled(session, first),
    ]
    with (tmp_path / "file").open("rb") as file:
        for act in (*acts, lambda session: runs.finish(session, first, made(), file)):
            with pytest.raises(Lost), Session(register) as session, session.begin():
                act(session)
    assert (found(register, run_id).attempt, bytes_of(register, run_id)) == (2, b"0\n1\n2\n")


def killed_while(register: Engine, run_id: int, maker: Maker, when: Callable[[], bool]) -> None:
    """A process of its own executes the run and is killed as soon as `when`, or kills itself."""
    url = register.url

    def program() -> None:
        engine = make_engine(url.render_as_string(hide_password=False))
        execute(run_id, maker, engine=engine)

    worker = processes.Process(target=program)
    worker.start()
    assert worker.pid is not None
    if when():
        os.kill(worker.pid, signal.SIGKILL)
    worker.join(20)
    assert worker.exitcode == -signal.SIGKILL


def taken_up(register: Engine, run_id: int, maker: Maker) -> float:
    """Seconds until another worker could take the run up; it is then made."""
    since = time.monotonic()
    while time.monotonic() - since < 10:
        try:
            execute(run_id, maker, engine=register)
        except AtWork:  # the server has not noticed yet that the other is gone
            time.sleep(0.02)
        else:
            return time.monotonic() - since
    raise AssertionError("the lock of a killed worker stayed")


def test_a_run_whose_worker_was_killed_is_made_once_by_another_and_nothing_is_left_over(
    register: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    run_id, maker = entered(register), Endless()
    killed_while(register, run_id, maker, lambda: maker.begun.wait(20))
    assert (found(register, run_id).state, found(register, run_id).attempt) == ("RUNNING", 1)
    assert taken_up(register, run_id, large) < 5
    run = found(register, run_id)
    assert (run.state, run.attempt, pieces(register, run_id)) == ("DONE", 2, 3)
    assert list(tmp_path.iterdir()) == []
    locks = text("select count(*) from pg_locks where locktype = 'advisory' and objid = :run")
    with register.connect() as connection:
        assert connection.execute(locks, {"run": run_id}).scalar_one() == 0


def test_a_worker_killed_while_it_stores_the_file_leaves_no_half_of_it(
    register: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, store = entered(register), runs._store

    class Deadly:
        def __init__(self, file: BinaryIO) -> None:
            self.file, self.reads = file, 0

        def read(self, size: int) -> bytes:
            self.reads += 1
            if self.reads == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return self.file.read(size)

    monkeypatch.setattr(runs, "_store", lambda session, run, file: store(session, run, Deadly(file)))  # type: ignore[arg-type]
    killed_while(register, run_id, large, lambda: False)
    monkeypatch.undo()
    assert (found(register, run_id).state, pieces(register, run_id)) == ("RUNNING", 0)
    taken_up(register, run_id, short)
    assert (found(register, run_id).attempt, bytes_of(register, run_id)) == (2, b"0\n1\n2\n")


# Cancelling.


def test_a_run_that_waits_is_cancelled_at_once(register: Engine) -> None:
    with Session(register) as session, session.begin():
        run = asked(session)
        runs.enqueue(session, run)
        run_id = run.id
    with Session(register) as session, session.begin():
        runs.cancel(session, session.get_one(ReportRun, run_id))
    assert found(register, run_id).state == "CANCELLED"
    execute(run_id, short, engine=register)
    assert (found(register, run_id).state, found(register, run_id).attempt) == ("CANCELLED", 0)
    with Session(register) as session, pytest.raises(WrongState):
        runs.cancel(session, session.get_one(ReportRun, run_id))


def test_a_run_being_made_stops_within_a_second_of_being_cancelled(register: Engine) -> None:
    run_id, maker = entered(register), Endless()
    worker = threading.Thread(target=execute, args=(run_id, maker), kwargs={"engine": register})
    worker.start()
    assert maker.begun.wait(10)
    with Session(register) as session, session.begin():
        runs.cancel(session, session.get_one(ReportRun, run_id))
    assert found(register, run_id).state == "RUNNING"
    since = time.monotonic()
    worker.join(10)
    assert time.monotonic() - since < 2.5
    assert (found(register, run_id).state, pieces(register, run_id)) == ("CANCELLED", 0)


def test_a_run_cancelled_while_its_worker_was_dead_is_not_taken_up(register: Engine) -> None:
    run_id = entered(register)
    with Session(register) as session, session.begin():
        runs.begin(session, run_id)
        runs.cancel(session, session.get_one(ReportRun, run_id))
    execute(run_id, short, engine=register)
    assert (found(register, run_id).state, found(register, run_id).attempt) == ("CANCELLED", 1)


def test_a_run_cancelled_when_its_file_was_ready_gets_none(register: Engine) -> None:
    def cancelled(run: ReportRun, target: BinaryIO, on_progress: OnProgress) -> Made:
        with Session(register) as session, session.begin():
            runs.cancel(session, session.get_one(ReportRun, run.id))
        return large(run, target, on_progress)

    run_id = entered(register)
    execute(run_id, cancelled, engine=register)
    assert (found(register, run_id).state, pieces(register, run_id)) == ("CANCELLED", 0)


# Keeping.


def test_a_file_goes_when_it_expires_and_its_row_stays(db: Session) -> None:
    run, other = asked(db), asked(db)
    make_now(db, run, short, kept=dt.timedelta(days=1))
    make_now(db, other, short, kept=dt.timedelta(days=3))
    assert runs.expire(db) == 0
    later = utc_now() + dt.timedelta(days=2)
    assert not runs.has_file(run, later)
    assert runs.expire(db, later) == 1
    assert runs.expire(db, later) == 0
    db.execute(text("set constraints all immediate"))
    db.refresh(run)
    assert (run.state, run.sha256, run.removed_at) == ("DONE", HASH, later)
    assert b"".join(runs.chunks(db, other)) == b"0\n1\n2\n"
    with pytest.raises(NotFound):
        runs.chunks(db, run)


def test_a_file_that_expires_while_it_is_sent_is_not_cut_short_silently(db: Session) -> None:
    run = asked(db)
    make_now(db, run, large)
    sent = runs.chunks(db, run)
    next(sent)
    runs.expire(db, utc_now() + dt.timedelta(days=30))
    with pytest.raises(NotFound):
        list(sent)


def test_a_file_that_has_expired_is_not_given_out_though_nobody_has_purged_it_yet(db: Session) -> None:
    run = asked(db)
    make_now(db, run, short, kept=dt.timedelta(microseconds=1))
    with pytest.raises(NotFound):
        runs.chunks(db, run)


# Seeing.


def test_a_run_is_seen_by_who_may_see_its_report_and_every_site_it_was_made_of(db: Session) -> None:
    who = actor_of(db)
    here, everywhere = asked(db, who), asked(db, replace(who, sites=None))
    both, none = asked(db, replace(who, sites=frozenset({"GUA", "ZAC"}))), asked(db, replace(who, sites=frozenset()))

    def sees(actor: Actor, run: ReportRun, permitted: bool = True) -> bool:
        try:
            return runs.run_seen(db, actor, run.id, lambda _actor, report: permitted and report == "voided") is run
        except NotFound:
            return False

    other = actor_of(db, "admadm")
    every_run = (here, everywhere, both, none)
    assert [sees(replace(other, sites=None), run) for run in every_run] == [True] * 4
    assert [sees(replace(other, sites=frozenset({"GUA"})), run) for run in every_run] == [True, False, False, True]
    assert [sees(replace(who, sites=frozenset({"ZAC", "GUA", "QUE"})), run) for run in every_run] == [
        True, False, True, True,
    ]  # fmt: skip
    assert [sees(replace(who, sites=frozenset()), run) for run in every_run] == [False, False, False, True]
    assert not sees(replace(who, sites=None), here, permitted=False)
    with pytest.raises(NotFound):
        runs.run_seen(db, other, 99_999_999, lambda _actor, _report: True)


def test_the_list_of_my_runs_comes_in_pages_without_those_of_others_and_those_i_may_no_longer_see(db: Session) -> None:
    who = actor_of(db)
    mine = [asked(db, who).id for _run in range(runs.PAGE + 5)]
    asked(db, actor_of(db, "admadm"))
    asked(db, replace(who, sites=None))
    other = asked(db, who, report="issued").id
    first = runs.of_user(db, who)
    assert [run.id for run in first] == [other, *reversed(mine)][: runs.PAGE]
    rest = runs.of_user(db, who, first[-1].id)
    assert [run.id for run in (*first, *rest)] == [other, *reversed(mine)]
    assert runs.of_user(db, replace(who, sites=frozenset())) == []
    assert [run.id for run in runs.of_user(db, who, reports={"issued"})] == [other]


# What the database refuses.


@pytest.fixture
def three(db: Session) -> dict[str, int]:
    """One run that waits, one that is being made, one that is done with its file."""
    waiting, running, done = asked(db), asked(db), asked(db)
    runs.begin(db, running.id)
    make_now(db, done, large)
    db.execute(text("set constraints all immediate"))
    return {"waiting": waiting.id, "running": running.id, "done": done.id}


LIES = [
    ("waiting", "state = 'PERHAPS'", "run_state_is_known"),
    ("waiting", "state = 'DONE', finished_at = now()", "run_has_its_file_when_done"),
    ("waiting", f"sha256 = '{HASH}'", "run_has_its_file_when_done"),
    ("waiting", "state = 'CANCELLED'", "ended_run_says_when"),
    ("waiting", "finished_at = now()", "ended_run_says_when"),
    ("waiting", "state = 'FAILED', finished_at = now()", "failed_run_says_why"),
    ("waiting", "failure = 'x'", "failed_run_says_why"),
    ("waiting", "state = 'RUNNING'", "started_run_counts_its_attempts"),
    ("waiting", "attempt = 1, started_at = now()", "started_run_counts_its_attempts"),
    ("waiting", "lines_done = -1", "run_counts_are_counts"),
    ("running", "state = 'DONE', finished_at = now(), lines = 1, file_size = 1, file_name = 'x', expires_at = now(),"
     " sha256 = 'x'", "run_hash_is_a_sha256"),
    ("running", f"state = 'DONE', finished_at = now(), lines = 1, file_size = 1, file_name = 'x', expires_at = now(),"
     f" sha256 = '{HASH}'", "run_and_its_file_agree"),
    ("running", "state = 'QUEUED', attempt = 0, started_at = null", "23001"),
    ("running", "attempt = 0, started_at = null", "23001"),
    ("running", "removed_at = now()", "removed_file_was_there"),
    ("running", "schedule_id = null, due_on = current_date", "23001"),
    ("done", f"sha256 = '{'0' * 64}'", "23001"),
    ("done", "state = 'RUNNING'", "23001"),
    ("done", "expires_at = expires_at + interval '1 day'", "23001"),
    ("done", "removed_at = now()", "no_file_is_removed_before_it_expires"),
    ("done", "removed_at = expires_at", "run_and_its_file_agree"),
    *(("done", f"{column} = {value}", "23001") for column, value in {
        "report": "'issued'", "format": "'pdf'", "filters": "'{}'", "language": "'en'", "sites": "null",
        "as_of": "as_of - interval '1 s'", "requested_by_id": "requested_by_id + 1", "repeats_id": "id",
        "requested_at": "requested_at - interval '1 s'",
    }.items()),
]  # fmt: skip


def refusal(db: Session, statement: str) -> str:
    """The name of the constraint, or the SQLSTATE, with which the database refuses `statement`."""
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
    return error.value.orig.diag.constraint_name or error.value.orig.sqlstate  # type: ignore[union-attr]


@pytest.mark.parametrize(("which", "change", "name"), LIES, ids=lambda value: str(value)[:60])
def test_the_database_refuses_a_lie_about_a_run(
    db: Session, three: dict[str, int], which: str, change: str, name: str
) -> None:
    assert refusal(db, f"update report_run set {change} where id = {three[which]}") == name


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("delete from report_run where id = {waiting}", "23001"),
        ("truncate report_run cascade", "23001"),
        ("truncate report_chunk", "23001"),
        ("delete from report_chunk where run_id = {done}", "23001"),
        ("update report_chunk set data = sha256(data) where run_id = {done}", "23001"),
        ("insert into report_chunk values ({done}, 3, 'x')", "run_and_its_file_agree"),
        ("insert into report_chunk values ({running}, 0, 'x')", "run_and_its_file_agree"),
        ("insert into report_chunk values ({running}, 0, '')", "chunk_is_no_longer_than_a_mebibyte"),
        ("insert into report_chunk values ({running}, -1, 'x')", "chunk_position_is_a_count"),
        ("insert into report_run (report, format, filters, language, requested_by_id, requested_at, as_of, state,"
         " attempt, lines_done) select 'x', 'xlsx', '{{}}', 'es', requested_by_id, now(), now() + interval '1 hour',"
         " 'QUEUED', 0, 0 from report_run where id = {done}", "no_report_is_of_the_future"),
        ("insert into report_run (report, format, filters, language, requested_by_id, requested_at, as_of, state,"
         " attempt, lines_done) select 'x', 'ods', '{{}}', 'es', requested_by_id, now(), now(), 'QUEUED', 0, 0"
         " from report_run where id = {done}", "run_format_is_known"),
        ("insert into report_run (report, format, filters, language, requested_by_id, requested_at, as_of, state,"
         " attempt, lines_done, due_on) select 'x', 'pdf', '{{}}', 'es', requested_by_id, now(), now(), 'QUEUED', 0, 0,"
         " now() from report_run where id = {done}", "scheduled_run_has_its_day"),
        ("insert into report_run (report, format, filters, language, requested_by_id, requested_at, as_of, state,"
         " attempt, lines_done, started_at) select 'x', 'pdf', '{{}}', 'es', requested_by_id, now(), now(), 'RUNNING',"
         " 1, 0, now() from report_run where id = {done}", "run_begins_in_the_queue"),
    ],
)  # fmt: skip
def test_the_database_keeps_runs_and_files_as_they_are(
    db: Session, three: dict[str, int], statement: str, name: str
) -> None:
    assert refusal(db, statement.format(**three)) == name


# Migrations.


OF_THE_QUEUE = """
select relname from pg_class where starts_with(relname, 'procrastinate') or starts_with(relname, 'idx_procrastinate')
union all select proname from pg_proc where starts_with(proname, 'procrastinate')
union all select typname from pg_type where starts_with(ltrim(typname, '_'), 'procrastinate')
union all select tgname from pg_trigger where starts_with(tgname, 'procrastinate')
union all select proname from pg_proc where proname in ('refuse_false_run', 'refuse_broken_file', 'refuse_changed_file')
"""


def test_the_register_and_the_queue_go_without_a_trace_and_come_again(register: Engine) -> None:
    def objects() -> int:
        with register.connect() as connection:
            return len(connection.execute(text(OF_THE_QUEUE)).all())

    execute(entered(register), short, engine=register)
    there = objects()
    assert there > 40
    assert differences(register) == []
    downgrade(register, "0007")
    assert objects() == 0
    assert not {"report_run", "report_chunk", "report_schedule"} & set(inspect(register).get_table_names())
    migrate(register)
    assert objects() == there
    assert differences(register) == []
    execute(entered(register), short, engine=register)


def test_the_queue_has_the_schema_that_the_migration_was_written_for() -> None:
    """When this fails, a new migration must bring databases of the former schema to the package's present one."""
    assert hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest() == QUEUE_SCHEMA


def test_states_are_labelled() -> None:
    from models.report_runs import PERIOD_LABELS, RUN_LABELS, Period

    assert set(RUN_LABELS) == set(RunState)
    assert set(PERIOD_LABELS) == set(Period)
