"""The embedded PostgreSQL: who starts it, who stops it, what it survives. Each process here is a real one."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from app import database_keeper
from app.database_keeper import server_pid
from app.database_server import create_database, drop_database, ensure_database, stop_database
from app.settings import Settings

processes = multiprocessing.get_context("fork")


def test_the_url_of_a_server_of_ones_own_is_used_as_it_is(home):
    url = "postgresql+psycopg://igm@db.example/pasaportes"
    assert ensure_database(Settings(home=home, database_url=url)) == url
    assert list(home.iterdir()) == []


def test_the_database_is_durable_private_and_ordered_by_code_point(home):
    with user(home) as one:
        assert one.ask("SHOW fsync") == "on"
        assert one.ask("SHOW synchronous_commit") == "on"
        assert one.ask("SHOW listen_addresses") == ""
        assert one.ask("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert one.ask("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'pasaportes'") == "UTF8"
        assert one.ask("SELECT string_agg(x, '' ORDER BY x) FROM unnest('{ñ,a,Z,Ñ,b}'::text[]) x") == "ZabÑñ"
        assert one.ask("SELECT upper('peñalonzo güitz')") == "PEÑALONZO GÜITZ"
        assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres" / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_a_throwaway_server_is_another_one_does_not_wait_for_the_disk_and_leaves_nothing(home):
    with user(home, throwaway=True) as one:
        assert one.ask("SHOW fsync") == "off"
        assert not (home / "postgres").exists()
        data = home / "postgres-throwaway"
        assert data.exists()
    wait_until(lambda: not data.exists())


def test_a_throwaway_server_in_a_private_folder_leaves_nothing_elsewhere(home):
    inner = home / "private" / "home"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    with user(inner, throwaway=True) as one:
        data = Path(str(make_url(one.url).query["host"]))
        assert data.exists()
    wait_until(lambda: not data.exists() and not (data.parent != inner and data.parent.exists()))
    with user(inner, throwaway=True) as one:
        assert one.ask("SELECT 1") == 1
    wait_until(lambda: not list(inner.glob("postgres-throwaway*")))


def test_processes_that_start_at_once_on_a_new_home_use_one_server(home):
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(user(home, wait=False)) for _ in range(4)]
        started = "SELECT pg_postmaster_start_time()"
        assert len({each.ask(started) for each in users}) == 1


def test_the_server_outlives_a_killed_user_and_ends_with_the_last(home):
    with user(home) as one, user(home) as other:
        one.kill()
        time.sleep(0.3)
        assert other.ask("SELECT 1") == 1
        other.kill()
        assert ends(home)


def test_a_fork_keeps_the_server_up_after_its_parent(home):
    with user(home) as one:
        fork = one.call(forked)
        one.kill()
        time.sleep(0.3)
        assert server_pid(home / "postgres")
        os.kill(fork, signal.SIGKILL)
        assert ends(home)


def test_a_killed_keeper_is_replaced_by_the_next_user(home):
    with user(home) as one:
        os.kill(keeper_pid(home), signal.SIGKILL)
        with user(home) as other:
            one.kill()
            other.kill()
        assert ends(home)


def test_what_was_committed_survives_the_killing_of_the_server(home):
    with user(home) as one:
        one.ask("CREATE TABLE kept AS SELECT 42 AS answer", returning=False)
        os.kill(server_pid(home / "postgres"), signal.SIGKILL)
        with user(home) as other:
            assert other.ask("SELECT answer FROM kept") == 42


def test_a_process_id_left_by_a_crash_and_now_another_process_does_not_hinder(home):
    with user(home) as one:
        one.kill()
    assert ends(home)
    for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (home / "postgres" / left).write_text(f"{os.getpid()}\n{home / 'postgres'}\n")
    with user(home) as one:
        assert one.ask("SELECT 1") == 1


def test_a_half_made_data_folder_is_made_again(home):
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    with user(home) as one:
        assert one.ask("SELECT 1") == 1
        assert not (home / "postgres.new").exists()


def test_stopping_is_at_once_and_the_next_user_starts_it_again(home):
    assert stop_database(Settings(home=home)) is False
    with user(home):
        assert stop_database(Settings(home=home)) is True
        assert server_pid(home / "postgres") is None
        assert stop_database(Settings(home=home)) is False
        with user(home) as other:
            assert other.ask("SELECT 1") == 1


def test_a_path_too_long_or_too_odd_for_a_socket_works(home):
    deep = home / ("d" * 60) / ("e" * 60) / "con espacio y ñ"
    deep.mkdir(parents=True)
    for folder in (deep.parent.parent, deep.parent):
        folder.chmod(0o755)
    with user(deep) as one:
        assert one.ask("SELECT 1") == 1
        folder = Path(str(make_url(one.url).query["host"]))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        one.kill()
        assert ends(deep)
    folder.rmdir()


def test_a_home_inside_a_private_folder_works_and_the_folder_stays_private(home):
    private = home / "private"
    private.mkdir(mode=0o700)
    inner = private / "home"
    inner.mkdir()
    with user(inner) as one:
        assert one.ask("SELECT 1") == 1
        data = Path(str(make_url(one.url).query["host"]))
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        one.kill()
        wait_until(lambda: server_pid(data) is None)
    if data.parent != inner:
        assert (inner / "postgres.elsewhere").read_text().startswith(f"{data}\n")
        shutil.rmtree(data.parent)


def test_a_database_is_made_and_dropped_under_its_users(home):
    with user(home) as one:
        url = create_database(one.url, "prueba_1")
        assert ask(url, "SELECT current_database()") == "prueba_1"
        with connected(url):
            drop_database(one.url, "prueba_1")
        assert one.ask("SELECT count(*) FROM pg_database WHERE datname = 'prueba_1'") == 0
        drop_database(one.url, "prueba_1")


# Plumbing: a user is a process that holds the database of a home until it is told to end or is killed.


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path that every account may pass through, as in an ordinary installation."""
    folder = Path(tempfile.mkdtemp(prefix="db-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for name in ("postgres", "postgres-throwaway"):
        assert ends(folder, name)
    shutil.rmtree(folder)


@dataclass
class User:
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    answer: str | None = None

    @property
    def url(self) -> str:
        if self.answer is None:
            assert self.pipe.poll(60), "the database did not start"
            self.answer = self.pipe.recv()
        return self.answer

    def call(self, function: Callable[[], int]) -> int:
        self.pipe.send(function)
        return self.pipe.recv()

    def ask(self, query: str, *, returning: bool = True) -> object:
        return ask(self.url, query) if returning else run(self.url, query)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


@contextlib.contextmanager
def user(home: Path, *, throwaway: bool = False, wait: bool = True) -> Iterator[User]:
    ours, theirs = processes.Pipe()
    process = processes.Process(target=use, args=(home, throwaway, theirs), daemon=True)
    process.start()
    theirs.close()
    one = User(process, ours)
    if wait:
        assert one.url
    yield one
    if process.is_alive():
        one.kill()


def use(home: Path, throwaway: bool, pipe: Connection) -> None:
    pipe.send(ensure_database(Settings(home=home), throwaway=throwaway))
    while True:
        pipe.send(pipe.recv()())


def forked() -> int:
    fork = os.fork()
    if fork == 0:
        signal.pause()
    return fork


def connected(url: str) -> psycopg.Connection:
    parts = make_url(url)
    return psycopg.connect(host=parts.query["host"], user=parts.username, dbname=parts.database, autocommit=True)


def ask(url: str, query: str) -> object:
    with connected(url) as connection:
        return connection.execute(sql.SQL(query)).fetchone()[0]


def run(url: str, query: str) -> None:
    with connected(url) as connection:
        connection.execute(sql.SQL(query))


def ends(home: Path, name: str = "postgres") -> bool:
    wait_until(lambda: server_pid(home / name) is None)
    return True


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 20 seconds"
        time.sleep(0.02)


def keeper_pid(home: Path) -> int:
    """The keeper is the process that names the users' lock of `home` on its command line."""
    wanted = {os.fsencode(database_keeper.__file__), os.fsencode(home / ".postgres.users")}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if wanted <= set(entry.read_bytes().split(b"\0")):
                return int(entry.parent.name)
    raise AssertionError("no keeper")
