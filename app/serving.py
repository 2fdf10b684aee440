"""The web server: gunicorn in this process, its workers forked from it after the application is loaded.

Sync workers, one request at a time each: Flask-AppBuilder keeps the filters of a list on one shared object, so threads
would show one user another's rows. The port is taken before the application is built, so that a port in use is said at
once and in words instead of after gunicorn's five tries.
"""

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

from app.settings import Settings

TIMEOUT_SECONDS = 60  # of one request; longer work runs in the background
ORPHAN_SECONDS = 1.0  # between two looks of an idle worker at whether its master lives
GRACE_SECONDS = 30  # for the requests under way when the server is told to stop
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 -- only for the workers' heartbeat, which must never wait for a disk

Application = Callable[..., Any]


class Companion(Protocol):
    """What lives beside the server and ends with it."""

    def tend(self) -> None:
        """Called every second or so by the master; must not wait."""

    def dismiss(self) -> None:
        """Told to end; must not wait, and may come twice."""

    def await_end(self) -> None:
        """Wait until it has ended."""


class CannotServe(Exception):
    """The address cannot be listened on; the message says which and what to set."""


def serve(
    settings: Settings, factory: Callable[[], Application], *, on_fork: Callable[[], None],
    companion: Companion | None = None,
) -> NoReturn:  # fmt: skip
    """Serve the WSGI application that `factory` makes until Ctrl-C or TERM, then end the process (status 0).

    `factory` runs once, before the workers are forked; `on_fork` runs in each worker and must let go of what it
    inherited, database connections first. `companion` lives as long as the server. Ends the process with status 1 when
    the port is taken.
    """
    try:
        listener = listen(settings)
    except CannotServe as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    _Arbiter(_Server(settings, factory, on_fork, listener), companion).run()
    sys.exit(0)


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the address of the settings; raises CannotServe."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.bind, settings.port))
        listener.listen()  # two servers may bind at once, only one listens
    except OSError as error:
        listener.close()
        raise CannotServe(_explained(settings, error)) from error
    return listener


def _explained(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} of {settings.bind} is taken by another program."
            " Stop it, or set PASAPORTES_PORT to a free port."
        )
    if error.errno == errno.EACCES:
        return f"Port {settings.port} needs root. Set PASAPORTES_PORT to 1024 or more."
    return f"Cannot listen on {settings.bind}: {error.strerror}. Set PASAPORTES_BIND to an address of this machine."


class _Server(BaseApplication):  # type: ignore[misc]
    """The product as gunicorn wants it."""

    def __init__(
        self,
        settings: Settings,
        factory: Callable[[], Application],
        on_fork: Callable[[], None],
        listener: socket.socket,
    ) -> None:
        self._settings, self._factory, self._on_fork = settings, factory, on_fork
        self._address = _shown(listener)
        self._descriptor = listener.detach()
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"fd://{self._descriptor}",
            "workers": self._settings.workers,
            "worker_class": "sync",
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "preload_app": True,
            "timeout": TIMEOUT_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": "warning",
            "errorlog": "-",
            "control_socket_disable": True,
            "post_fork": lambda server, worker: self._on_fork(),
            "post_worker_init": _ready,
            "when_ready": lambda server: print(f"Serving {self._address} (Ctrl-C stops)", flush=True),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        return self._factory()


class _Arbiter(Arbiter):  # type: ignore[misc]
    """gunicorn's master, for which Ctrl-C lets the requests under way finish as TERM does; with a companion."""

    def __init__(self, server: _Server, companion: Companion | None) -> None:
        self._companion = companion
        super().__init__(server)

    def handle_int(self) -> None:
        self.handle_term()

    def manage_workers(self) -> None:
        super().manage_workers()
        if self._companion:
            self._companion.tend()

    def stop(self, graceful: bool = True) -> None:
        if self._companion:
            self._companion.dismiss()
        super().stop(graceful)
        if self._companion:
            self._companion.await_end()


def _ready(worker: Any) -> None:
    """Ctrl-C in a terminal reaches the workers too and must not cut a request; orphans must not keep the port."""
    signal.signal(signal.SIGINT, worker.handle_exit)
    signal.siginterrupt(signal.SIGINT, False)
    worker.timeout = ORPHAN_SECONDS


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
