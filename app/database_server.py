"""The database a process uses: the server of DATABASE_URL, or the embedded PostgreSQL, started when it does not run.

The embedded server belongs to PASAPORTES_HOME and to no process. Whoever calls `ensure_database` holds a shared lock
until it ends, its forks included; when the last one is gone a keeper (`app.database_keeper`) stops the server. The
package that brings PostgreSQL has a `get_server()`, not used here: it opens all folders above the data to everybody,
lets every local user in as superuser, and lists its users by process id, so kill -9 leaves the server on for good.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from app import database_keeper
from app.database_place import PORT, DatabaseServerError, Place, find_place, program_folder
from app.settings import Settings

DATABASE = "pasaportes"
READY_SECONDS = 600.0  # recovery after a crash of a large database takes its time
_STARTS = 3
_PRIVATE = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "shared_buffers": "128MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
    # The server's own log must not repeat personal data: neither the failed statement nor its detail line.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_held: dict[Path, int] = {}
_starting = threading.Lock()


@dataclass(frozen=True)
class _Locks:
    """The files of a home that the processes around one of its servers lock."""

    home: Path
    name: str

    @property
    def users(self) -> Path:
        """Shared by every process that uses the server."""
        return self.home / f".{self.name}.users"

    @property
    def start(self) -> Path:
        """Held by the one that starts or stops it."""
        return self.home / f".{self.name}.start"

    @property
    def keeper(self) -> Path:
        """Held by its keeper as long as it lives."""
        return self.home / f".{self.name}.keeper"


@dataclass(frozen=True)
class _Server:
    """One embedded server: its locks and its place."""

    locks: _Locks
    place: Place

    @property
    def throwaway(self) -> bool:
        return self.locks.name == _name(throwaway=True)

    def url(self) -> str:
        query = {"host": str(self.place.socket_folder), "port": str(PORT)}
        url = URL.create("postgresql+psycopg", username=DATABASE, database=DATABASE, query=query)
        return url.render_as_string(hide_password=False)


def _name(*, throwaway: bool) -> str:
    return "postgres-throwaway" if throwaway else "postgres"


def ensure_database(settings: Settings, *, throwaway: bool = False) -> str:
    """SQLAlchemy URL of a database that answers; starts the embedded server when there is no DATABASE_URL.

    The server stays up until every process that called this, and its forks, have ended. `throwaway` is a second server
    of the same home, for tests: it does not wait for the disk, and its data go with it. Raises DatabaseServerError.
    """
    if settings.database_url:
        return settings.database_url
    locks = _Locks(settings.home, _name(throwaway=throwaway))
    with _starting:
        _hold(locks.users)
        with _locked(locks.start):
            server = _Server(locks, find_place(locks.home, locks.name))
            _ensure_keeper(server)  # first: whatever ends this process from here on, the server is stopped in the end
            _prepare(server)
        return server.url()


def stop_database(settings: Settings, *, throwaway: bool = False) -> bool:
    """Stop the embedded server even under those who use it; False when none ran."""
    locks = _Locks(settings.home, _name(throwaway=throwaway))
    if not locks.start.exists():
        return False
    with _locked(locks.start):
        return database_keeper.stop_server(find_place(locks.home, locks.name).data)


def create_database(url: str, name: str) -> str:
    """Make the database `name` on the server of `url`, ordered by code point, and return its URL."""
    with _maintenance(url) as connection:
        builtin = connection.dialect.server_version_info >= (17,)  # type: ignore[operator]
        order = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'" if builtin else "LOCALE 'C.UTF-8'"
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8' {order}"))
        return connection.engine.url.set(database=name).render_as_string(hide_password=False)


def drop_database(url: str, name: str) -> None:
    """Drop the database `name`, when it exists, of the server of `url`, whoever is connected to it."""
    with _maintenance(url) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.execute(text(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)"))


@contextlib.contextmanager
def _maintenance(url: str) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _hold(path: Path) -> None:
    """Count this process among the users of a server; the kernel forgets it when the process and its forks end."""
    if path not in _held:
        descriptor = _open_lock(path)
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits while the keeper stops the server
        _held[path] = descriptor


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseServerError(f"PASAPORTES_HOME must be a folder this user can write: {error}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prepare(server: _Server) -> None:
    """Bring the server to answer, with its role and database; called under the start lock."""
    for attempt in range(1, _STARTS + 1):
        if not _listens(server.place):
            _start(server, last=attempt == _STARTS)
        connection = _superuser(server.place)
        if connection is not None:
            break
    else:
        raise DatabaseServerError(f"The embedded PostgreSQL keeps stopping. Its log: {server.place.data / 'log'}")
    with connection:
        _ensure_role_and_database(connection)


def _listens(place: Place) -> bool:
    """Whether somebody answers at the socket, which tells more than a process id."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fsencode(place.socket)) == 0


def _superuser(place: Place) -> psycopg.Connection | None:
    """A connection as the superuser, waiting while the server recovers; None when it went away."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return psycopg.connect(
                host=str(place.socket_folder), port=PORT, user="postgres", dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError as error:
            if not _listens(place):
                return None
            if time.monotonic() > deadline:
                raise DatabaseServerError(f"The embedded PostgreSQL does not get ready: {error}") from error
            time.sleep(0.05)


def _start(server: _Server, *, last: bool) -> None:
    """Start the server, removing what a crash left; its failure is an error only when it is the `last` attempt."""
    data = server.place.data
    if not data.exists():
        _initialise(server)
    database_keeper.stop_server(data)  # one that nobody can reach
    server.place.make_socket_folder()
    if Path("/proc/self").exists():  # we know that none runs; the numbers a crash leaves may be other processes' by now
        for left in (data / "postmaster.pid", server.place.socket, Path(f"{server.place.socket}.lock")):
            left.unlink(missing_ok=True)
    chosen = _PRIVATE | (_THROWAWAY if server.throwaway else {})
    chosen["unix_socket_directories"] = str(server.place.socket_folder)
    options = " ".join(shlex.join(["-c", f"{name}={value}"]) for name, value in chosen.items())
    log = data / "log"
    try:
        _run(server.place, "pg_ctl", "start", "-D", data, "-l", log, "-w", "-t", int(READY_SECONDS), "-o", options)
    except DatabaseServerError:
        if last:
            raise DatabaseServerError(f"The embedded PostgreSQL does not start:\n{_tail(log)}") from None
        if server.throwaway:
            shutil.rmtree(data)
        time.sleep(0.5)


def _initialise(server: _Server) -> None:
    """Make the data folder under another name first, so that a half-made one is never taken for whole."""
    draft = server.place.data.with_name(f"{server.place.data.name}.new")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir()
    server.place.give(draft)
    order = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    doors = ("--username=postgres", "--auth-local=trust", "--auth-host=reject")  # the socket's mode is the lock
    _run(server.place, "initdb", "-D", draft, *order, *doors, *(["--no-sync"] if server.throwaway else []))
    draft.rename(server.place.data)


def _run(place: Place, program: str, *arguments: object) -> None:
    command = [str(program_folder(place.account) / program), *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, no shell
        command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, umask=0o077, **place.run_as(),
    )  # fmt: skip
    if done.returncode:
        raise DatabaseServerError(f"PostgreSQL's {program} failed: {done.stderr.strip()}")


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else f"(no {log})"


def _ensure_keeper(server: _Server) -> None:
    """Start a keeper unless one lives: it holds its own lock, which it inherits, from its first moment to its last."""
    descriptor = _open_lock(server.locks.keeper)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        command = [sys.executable, "-I", "-S", database_keeper.__file__]
        doomed = server.place.remains(server.locks.home) if server.throwaway else []
        paths = [str(server.locks.users), str(server.place.data), str(descriptor), *map(str, doomed)]
        subprocess.run(  # noqa: S603 -- our own script
            [*command, *paths], check=True, cwd="/", pass_fds=(descriptor,), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    finally:
        os.close(descriptor)


def _ensure_role_and_database(connection: psycopg.Connection) -> None:
    """The product's own role is no superuser, so the triggers and rules of the database bind it too."""
    name = sql.Identifier(DATABASE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (DATABASE,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(name))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        connection.execute(sql.SQL(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'"
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        ).format(name, name))  # fmt: skip
