"""The workers beside the web server: started with it, started again when killed, gone when it is gone."""

import http.client
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from app import cli, worker_keeper
from app.serving import serve
from app.settings import Settings
from app.worker_keeper import WorkerKeeper, keeper_of
from models.base import make_engine

ROOT = Path(__file__).parent.parent.parent
processes = multiprocessing.get_context("fork")
#: Stands for a worker: lives until told to end.
IDLE = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
#: One that does not hear.
DEAF = [sys.executable, "-S", "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"]
#: One that dies at once.
DYING = [sys.executable, "-S", "-c", "raise SystemExit(1)"]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> float:
    """Wait for `condition`; how many seconds that took."""
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - since


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int, *words: str) -> list[int]:
    """The living children of a process whose command line has all `words`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            command = (stat.parent / "cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid and set(words) <= set(command) and alive(int(stat.parent.name)):
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def keeper() -> Iterator[Callable[..., WorkerKeeper]]:
    """Call for a keeper whose workers are gone in the end."""
    made: list[WorkerKeeper] = []

    def make(count: int = 2, command: list[str] = IDLE) -> WorkerKeeper:
        made.append(WorkerKeeper(count, command, os.environ))
        return made[-1]

    yield make
    for one in made:
        for pid in one.pids:
            os.kill(pid, signal.SIGKILL)


def tended(keeper: WorkerKeeper, count: int) -> Callable[[], bool]:
    def look() -> bool:
        keeper.tend()
        return len(keeper.pids) == count

    return look


# The keeper.


def test_as_many_workers_are_started_as_the_settings_say(keeper: Callable[..., WorkerKeeper]) -> None:
    two, none = keeper(2), keeper(0)
    for one in (two, none):
        one.tend()
        one.tend()
    assert (len(two.pids), none.pids) == (2, [])
    assert keeper_of(Settings(job_workers=0)).pids == []


def test_a_killed_worker_is_started_again_after_a_pause(
    keeper: Callable[..., WorkerKeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_keeper, "GROWN_UP", 0.0)
    two = keeper(2)
    two.tend()
    first, second = two.pids
    os.kill(first, signal.SIGKILL)
    until(lambda: two.pids == [second])
    two.tend()
    assert two.pids == [second]
    assert 0.8 < until(tended(two, 2)) < 3
    assert second in two.pids
    assert first not in two.pids


def test_a_worker_that_dies_young_again_and_again_is_started_ever_more_seldom(
    keeper: Callable[..., WorkerKeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_keeper, "PAUSE", 0.1)
    one, starts = keeper(1, DYING), []
    one._places[0].pause = 0.1
    start = one._start
    monkeypatch.setattr(one, "_start", lambda place: (starts.append(time.monotonic()), start(place)))

    def four() -> bool:
        one.tend()
        return len(starts) == 4

    until(four)
    waits = [after - before for before, after in pairwise(starts)]
    assert waits[0] >= 0.2
    assert waits[1] >= 0.4
    assert waits[2] >= 0.8


def test_a_death_is_seen_though_somebody_else_has_waited_for_the_child(keeper: Callable[..., WorkerKeeper]) -> None:
    one = keeper(1)
    one.tend()
    (pid,) = one.pids
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)  # as the master of the web server does
    assert one.pids == []


def test_dismissed_workers_end_and_no_other_is_started(
    keeper: Callable[..., WorkerKeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_keeper, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(worker_keeper, "LONGEST_PAUSE", 0.0)
    willing, deaf = keeper(2), keeper(1, DEAF)
    for one in (willing, deaf):
        one.tend()
    pids = [*willing.pids, *deaf.pids]
    time.sleep(0.3)  # until the deaf one does not hear
    for one in (willing, deaf, willing):
        one.dismiss()
    for one in (willing, deaf):
        one.await_end()
        for _second in range(3):
            one.tend()
        assert one.pids == []
    assert not any(map(alive, pids))


def test_a_fork_of_the_server_leaves_the_workers_alone(keeper: Callable[..., WorkerKeeper]) -> None:
    one = keeper(1)
    one.tend()

    def fork() -> None:
        one.dismiss()
        one.await_end()

    forked = processes.Process(target=fork)
    forked.start()
    forked.join(5)
    assert forked.exitcode == 0
    assert len(one.pids) == 1


def test_a_command_that_cannot_be_started_does_not_end_the_server(keeper: Callable[..., WorkerKeeper]) -> None:
    one = keeper(1, ["/nowhere/python"])
    one.tend()
    one.tend()
    assert one.pids == []


# The server with workers.


def application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_workers_are_kept_while_the_server_runs_and_end_with_it(how: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def program() -> None:
        keeper = WorkerKeeper(2, IDLE, os.environ)
        serve(Settings(port=port, workers=1), lambda: application, on_fork=lambda: None, companion=keeper)

    server = processes.Process(target=program)
    server.start()
    assert server.pid is not None
    pid = server.pid
    until(lambda: len(children(pid, *IDLE)) == 2)
    first, second = children(pid, *IDLE)
    os.kill(first, signal.SIGKILL)
    until(lambda: len(children(pid, *IDLE)) == 2 and first not in children(pid, *IDLE))
    workers = children(pid, *IDLE)
    assert second in workers
    os.kill(pid, how)
    server.join(10)
    assert server.exitcode == 0
    assert not any(map(alive, workers))


class Office:
    """`pasaportes serve` as a program, with one worker."""

    def __init__(self, url: str, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log, self.engine = home / "log", make_engine(url)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PASAPORTES_")} | {
            "PASAPORTES_HOME": str(home), "PASAPORTES_DEMO": "1", "PASAPORTES_PORT": str(self.port),
            "DATABASE_URL": url, "PASAPORTES_WORKERS": "1", "PASAPORTES_JOB_WORKERS": "1",
            "PASAPORTES_REGISTRY": "off",
        }  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def workers(self) -> list[int]:
        return children(self.process.pid, "work")

    def at_work(self) -> int:
        """How many workers have begun to work."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("select count(*) from procrastinate_workers")).scalar_one())

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/login/")
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.fixture
def office(database_url: str, tmp_path: Path, app: Any) -> Iterator[Office]:
    office = Office(database_url, tmp_path)  # nothing is committed there, for a worker to do or by a simulator
    yield office
    if office.process.poll() is None:
        os.killpg(office.process.pid, signal.SIGKILL)
        office.process.wait()
    office.engine.dispose()


def test_the_real_server_restarts_a_killed_worker_and_leaves_no_orphan_when_it_is_killed(office: Office) -> None:
    until(office.workers, 60)
    (first,) = office.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: office.answers() and office.at_work(), 60)
    (second,) = office.workers()
    assert second != first
    os.kill(office.process.pid, signal.SIGKILL)
    office.process.wait()
    until(lambda: not alive(second), 10)
    assert "Traceback" not in office.log.read_text()


# The command.


def test_the_command_says_what_is_wrong_in_a_line(tmp_path: Path) -> None:
    environ = {"PASAPORTES_HOME": str(tmp_path), "DATABASE_URL": "", "PASAPORTES_DEMO": "", "PASAPORTES_SECRET_KEY": ""}
    result = CliRunner().invoke(cli.main, ["work"], env=environ)
    assert result.exit_code == 1
    assert "PASAPORTES_SECRET_KEY" in result.output


def test_a_server_of_workers_started_by_other_means_starts_none() -> None:
    keeper = keeper_of(replace(Settings(), job_workers=0))
    keeper.tend()
    assert keeper.pids == []
