"""One question to a service as JSON over HTTP: time-outs, retries with a growing pause, a bounded answer.

Every question here is a look-up, which may be asked twice. TLS is verified; a redirection is not followed, so that the
secret goes to the host of the parameters and to no other.
"""

import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

from models.services import Outcome
from security.errors import BadValue
from workflow.json_body import parse_json
from workflow.outside.parameters import Parameters

#: Largest answer, in bytes.
LARGEST = 16_384
#: Seconds before the second attempt; doubled for each further one, and varied by half.
PAUSE = 0.2
#: Worth another attempt: it may be over in a moment. After a time-out a station has waited enough; a worker asks again.
_PASSING = frozenset({Outcome.UNREACHABLE, Outcome.FAILED})
_authority: list[Path] = []


def configure(authority: Path | None) -> None:
    """Verify services by the certificates of the PEM file `authority`; None: those of the system."""
    _authority[:] = [authority] if authority else []
    _tls.cache_clear()


@dataclass(frozen=True)
class Reply:
    """How a conversation ended: `body` is the JSON object of an answer of status 200."""

    outcome: Outcome
    status: int | None = None
    body: dict[str, Any] | None = None
    attempts: int = 0
    took_ms: int = 0


def converse(parameters: Parameters, question: dict[str, Any], *, sleep: Callable[[float], None] = time.sleep) -> Reply:
    """Ask `question`; never raises. Takes up to `timeout_seconds` for each of `retries` + 1 attempts, and pauses."""
    if not parameters.url or not parameters.secret:
        return Reply(Outcome.MISCONFIGURED)
    begun, attempt = time.monotonic(), 0
    while True:
        attempt += 1
        reply = _attempt(parameters, question)
        if reply.outcome not in _PASSING or attempt > parameters.retries:
            took = round((time.monotonic() - begun) * 1000)
            return Reply(reply.outcome, reply.status, reply.body, attempt, took)
        sleep(PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 -- not a secret


def _attempt(parameters: Parameters, question: dict[str, Any]) -> Reply:
    headers = {"Authorization": f"Bearer {parameters.secret}", "Accept": "application/json"}
    headers |= {"X-Client-Id": parameters.client_id} if parameters.client_id else {}
    headers |= {"Accept-Encoding": "identity", "Connection": "close"}
    limit = urllib3.Timeout(total=parameters.timeout_seconds)
    deadline = time.monotonic() + parameters.timeout_seconds
    try:
        with urllib3.PoolManager(ssl_context=_tls()) as pool:
            answer = pool.request(
                "POST", str(parameters.url), json=question, headers=headers, timeout=limit, retries=False,
                redirect=False, preload_content=False,
            )  # fmt: skip
            return _read(answer, deadline)
    except NewConnectionError:  # which counts as a time-out in urllib3's tree of errors
        return Reply(Outcome.UNREACHABLE)
    except TimeoutError:
        return Reply(Outcome.TIMED_OUT)
    except (HTTPError, OSError, ValueError):  # ValueError: what http.client says of a header it cannot send
        return Reply(Outcome.UNREACHABLE)


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> Reply:
    status = answer.status
    if status != 200:
        return Reply(Outcome.FAILED if status >= 500 or status == 429 else Outcome.REFUSED, status)
    data = b""
    while chunk := answer.read1(LARGEST + 1 - len(data), decode_content=False):
        data += chunk
        if time.monotonic() > deadline:
            return Reply(Outcome.TIMED_OUT, status)
        if len(data) > LARGEST:
            return Reply(Outcome.BAD_ANSWER, status)
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) != len(data):
        return Reply(Outcome.UNREACHABLE, status)
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = _object(data) if media_type == "application/json" else None
    return Reply(Outcome.BAD_ANSWER, status) if body is None else Reply(Outcome.ANSWERED, status, body)


def _object(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`, fit to be kept; None for anything else."""
    try:
        body = parse_json(data)
    except BadValue:
        return None
    return body if isinstance(body, dict) else None


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(_authority[0]) if _authority else None)
