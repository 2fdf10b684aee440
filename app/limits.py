"""How often one may ask: limits of the interfaces, of searches and of files, by account, else by address.

Flask-Limiter counts (its storage is a setting, shared by all processes); which address counts as what is said here, in
one table, instead of by a decorator at each view. Log-ins are limited by address in views.security. When the storage
is away nothing is refused: lock-outs are counted in the database.
"""

import logging
from dataclasses import dataclass
from math import ceil
from threading import Timer
from time import monotonic, time

from flask import Flask, current_app, request, session
from flask_jwt_extended import decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage
from werkzeug.exceptions import TooManyRequests

log = logging.getLogger(__name__)
#: Pages that look for persons, cases or booklets.
SEARCHES = frozenset(
    "EnquiryView.search EnquiryView.case EnquiryView.find CaseView.show QueueView.find BookletView.find"
    " BookletView.show".split()
)
#: Files that leave the office, and asking for them.
EXPORTS = frozenset("FileView.make FileView.file FileView.again".split())
_BEARER = "Bearer "
SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Kind:
    """What is counted together: its name, and the configuration's key of its rate."""

    name: str
    rate: str


API, SEARCH, EXPORT = Kind("api", "API_RATE"), Kind("search", "SEARCH_RATE"), Kind("export", "EXPORT_RATE")


class PatientMemory(MemoryStorage):
    """`limits` with counts in the memory of this process, under the same name (`memory://`).

    The original starts a thread 10 ms after nearly every count, to forget what has expired: that costs more than the
    count. Here it does so once a minute; what is counted is right without it.
    """

    STORAGE_SCHEME = ["memory"]  # noqa: RUF012  (as the original has it)
    _due = 0.0

    @property  # type: ignore[override]
    def timer(self) -> "PatientMemory":
        """What the original asks whether it still waits (`is_alive`), and starts if not."""
        return self

    @timer.setter
    def timer(self, sweep: Timer) -> None:
        self._sweep = sweep

    def is_alive(self) -> bool:
        """Whether the next sweep is yet to come."""
        return monotonic() < self._due

    def start(self) -> None:
        """Sweep soon, then not for a minute."""
        self._due = monotonic() + SWEEP_SECONDS
        self._sweep.start()


def install(app: Flask) -> None:
    """Count every request that is of a kind; called after the views were added, whose names are proved to exist."""
    missing = (SEARCHES | EXPORTS) - app.view_functions.keys()
    if missing:
        raise LookupError(f"limited, but not there: {sorted(missing)}")
    app.before_request(count)


def kind_of(path: str, endpoint: str) -> Kind | None:
    """As what a request counts."""
    if path.startswith(("/api/v1/", "/osia/")):
        return API
    if endpoint in SEARCHES:
        return SEARCH
    return EXPORT if endpoint in EXPORTS else None


def count() -> None:
    """Refuse with 429, and the seconds to wait, whoever asks too often."""
    limiter = current_app.appbuilder.sm.limiter  # type: ignore[attr-defined]
    kind = kind_of(request.path, request.endpoint or "")
    if kind is None or not limiter.enabled:
        return
    rate, key = parse(current_app.config[kind.rate]), (kind.name, who_asks())
    try:
        if limiter.limiter.hit(rate, *key):
            return
        opens_at = limiter.limiter.get_window_stats(rate, *key).reset_time
    except StorageError:
        log.exception("rate limits are not counted")
        return
    raise TooManyRequests(retry_after=max(1, ceil(opens_at - time())))


def who_asks() -> str:
    """The account of the cookie or of the token, by their signatures alone; else the address."""
    user = session.get("_user_id") or _bearer_of(request.headers.get("Authorization", ""))
    return f"user {user}" if user else f"address {request.remote_addr}"


def _bearer_of(header: str) -> str | None:
    if not header.startswith(_BEARER):
        return None
    try:
        return str(decode_token(header.removeprefix(_BEARER))["sub"])
    except (JWTExtendedException, PyJWTError, KeyError, ValueError):
        return None
