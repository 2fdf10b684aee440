"""A client as cheap as can be, for it shares the processors with the servers: one socket for each GET, read to its end.

gunicorn's sync workers close the connection after each answer, so there is nothing to keep alive.
"""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

#: One socket's patience beyond that of the statements behind it.
_MARGIN = 5.0


@dataclass(frozen=True)
class Site:
    """A server on this machine, and the cookie by which one is logged in there ("" where none is asked for)."""

    port: int
    cookie: str = ""
    host: str = "127.0.0.1"

    def get(self, path: str, patience: float) -> tuple[int, bytes]:
        """Status and body; (0, b"") when no answer came within `patience` seconds and a little more."""
        asked = f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {self.cookie}\r\n\r\n"
        try:
            with socket.create_connection((self.host, self.port), patience + _MARGIN) as connection:
                connection.sendall(asked.encode())
                parts = []
                while part := connection.recv(1 << 18):
                    parts.append(part)
        except TimeoutError:
            return 0, b""
        head, _, body = b"".join(parts).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


@dataclass
class Timing:
    """Seconds of answers in the order in which they ended, and how long all took together."""

    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    def add(self, other: "Timing") -> None:
        """Count another run as part of this one."""
        self.seconds += other.seconds
        self.took += other.took

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.took

    def quantile(self, share: float) -> float:
        """The time within which `share` of the answers came."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


def ask(site: Site, paths: Sequence[str], clients: int, lasting: float, patience: float) -> Timing:
    """Let `clients` ask for `paths` in turn, each again as soon as it is answered, for about `lasting` seconds.

    Each asks at least once; an answer that is no page counts as one of `patience` seconds.
    """
    timing, together = Timing(), threading.Barrier(clients + 1)
    until = time.perf_counter() + lasting

    def client(number: int) -> None:
        mine = cycle([*paths[number % len(paths) :], *paths[: number % len(paths)]])
        together.wait()
        for path in mine:
            start = time.perf_counter()
            status, _body = site.get(path, patience)
            now = time.perf_counter()
            timing.seconds.append(now - start if status in (200, 302) else max(now - start, patience))
            if now > until:
                return

    crowd = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for one in crowd:
        one.start()
    start = time.perf_counter()
    together.wait()
    for one in crowd:
        one.join()
    timing.took = time.perf_counter() - start
    return timing
