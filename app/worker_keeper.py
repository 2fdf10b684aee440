"""Keeps other programs beside the web server, workers first: started with it, again when they die, ended with it.

They are programs of their own, not forks: a fork would hold the server's port and its connections to the database. The
server calls `tend` every second from its own loop, so there is neither a thread nor a third process that could die. Its
master reaps every child by itself; that is how a death shows here, as a child that is no longer there to wait for.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.settings import PROJECT_ROOT, Settings

log = logging.getLogger(__name__)

#: Seconds before a worker that died is started again; doubled each time it dies young, up to the longest.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: A worker that lived so many seconds did not die young.
GROWN_UP = 60.0
#: Seconds a worker has to end once told to; it has its own, shorter, for the report under way.
GRACE_SECONDS = 28.0


@dataclass
class _Place:
    """One worker and when it may be started again, on the monotonic clock."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    pause: float = PAUSE


class WorkerKeeper:
    """Keeps `count` processes of `command` alive; its forks cannot reach them, for they are not their children."""

    def __init__(self, count: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = list(command), dict(environment)
        self._places = [_Place() for _ in range(count)]
        self._dismissed = False

    @property
    def pids(self) -> list[int]:
        """The processes that are alive."""
        return [place.process.pid for place in self._places if place.process and place.process.poll() is None]

    def tend(self) -> None:
        """Start what is missing and may be started; returns at once."""
        for place in () if self._dismissed else self._places:
            self._bury(place)
            if place.process is None and time.monotonic() >= place.not_before:
                self._start(place)

    def _bury(self, place: _Place) -> None:
        if place.process is None or place.process.poll() is None:
            return
        young = time.monotonic() - place.started < GROWN_UP
        place.pause = min(place.pause * 2, LONGEST_PAUSE) if young else PAUSE
        place.not_before = time.monotonic() + place.pause
        log.warning("Worker %s ended; another is started in %.0f s", place.process.pid, place.pause)
        place.process = None

    def _start(self, place: _Place) -> None:
        place.started = time.monotonic()
        try:
            place.process = subprocess.Popen(  # noqa: S603 -- our own program
                self._command, env=self._environment, stdin=subprocess.DEVNULL
            )
        except OSError:
            log.exception("A worker cannot be started")
            place.not_before = place.started + LONGEST_PAUSE

    def dismiss(self) -> None:
        """Tell the workers to end, and start no others; returns at once."""
        self._dismissed = True
        for place in self._places:
            if place.process is not None:
                place.process.terminate()

    def await_end(self) -> None:
        """Wait until the workers that were dismissed have ended; kill what does not."""
        deadline = time.monotonic() + GRACE_SECONDS
        for place in self._places:
            if place.process is not None:
                try:
                    place.process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    place.process.kill()
                    place.process.wait()


class Companions:
    """Several keepers as one companion of the server."""

    def __init__(self, *keepers: WorkerKeeper) -> None:
        self._keepers = keepers

    def tend(self) -> None:
        """As of each keeper."""
        for keeper in self._keepers:
            keeper.tend()

    def dismiss(self) -> None:
        """As of each keeper."""
        for keeper in self._keepers:
            keeper.dismiss()

    def await_end(self) -> None:
        """As of each keeper."""
        for keeper in self._keepers:
            keeper.await_end()


def companions_of(settings: Settings) -> Companions:
    """The workers and, in a demonstration, the simulated outside services."""
    simulated = settings.demo and settings.registry == "service"
    return Companions(keeper_of(settings), *([_keeper(1, settings, "registry-simulator")] if simulated else []))


def keeper_of(settings: Settings) -> WorkerKeeper:
    """The keeper of as many `pasaportes work` as `settings` say."""
    return _keeper(settings.job_workers, settings, "work")


def _keeper(count: int, settings: Settings, command: str) -> WorkerKeeper:
    path = os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "PASAPORTES_DEMO": "1" if settings.demo else "0"}
    # -P: never a package called `app` of the folder the server happened to be started in
    line = [sys.executable, "-P", "-m", "app.cli", command, "--parent", str(os.getpid())]
    return WorkerKeeper(count, line, environment)
