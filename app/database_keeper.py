"""The small process that stops the embedded PostgreSQL when the last process that uses it is gone.

Every process that uses the server holds a shared lock on a file. The kernel gives a lock back however its holder ends,
so waiting for the exclusive one means waiting for the last user, kill -9 included; a list of process ids goes stale.
Run as a script, and with the standard library alone, so that it stays a few megabytes and imports none of the product.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from pathlib import Path

STOP_SECONDS = 60.0
_PROCESSES = Path("/proc")


def server_pid(data: Path) -> int | None:
    """Process id of the server that runs on the folder `data`, None when there is none."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if _serves(pid, data) else None


def _serves(pid: int, data: Path) -> bool:
    """Whether `pid` is really that server: after a crash its number may belong to something else."""
    if not (_PROCESSES / "self").exists():
        return True
    try:
        command = (_PROCESSES / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.path.basename(command[0]) == b"postgres" and os.fsencode(data) in command


def stop_server(data: Path) -> bool:
    """Stop the server of `data` and wait until it is gone; False when none ran."""
    if server_pid(data) is None:
        return False
    for how in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast, then immediate shutdown
        pid = server_pid(data)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        if _gone(data, STOP_SECONDS):
            return True
    raise TimeoutError(f"the PostgreSQL server of {data} does not stop")


def _gone(data: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while server_pid(data) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def keep(users: Path, data: Path, keeper_lock: int, doomed: list[Path]) -> None:
    """Wait for the last user to let go of the file `users`, stop the server of `data`, remove the paths in `doomed`.

    The descriptor `keeper_lock` is closed before the users' lock, so that the next user finds no keeper and starts one.
    """
    with users.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _answers_to_another(users, data, lock.fileno()):
            stop_server(data)
            for path in doomed:
                _remove(path)
        os.close(keeper_lock)


def _answers_to_another(users: Path, data: Path, lock: int) -> bool:
    """Whether the home was removed and made anew meanwhile, so that another keeper has a server at this path."""
    return data.parent == users.parent and users.exists() and not os.path.samestat(users.stat(), os.fstat(lock))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _main(users: str, data: str, keeper_lock: str, *doomed: str) -> None:
    if os.fork():
        os._exit(0)  # whoever started us waits for this one only, and is left with no child
    keep(Path(users), Path(data), int(keeper_lock), [Path(path) for path in doomed])


if __name__ == "__main__":
    _main(*sys.argv[1:])
