"""The services outside the house as a demonstration has them: a small server that answers with invented people.

It answers from the table `registry_person`, in the form of workflow.outside.mapping, and can be told to differ, to be
slow or to fail, for everybody or for one CUI. Each start has a port and a secret of its own, which it writes into the
parameters of the services. It never starts outside a demonstration.
"""

import json
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from models.base import SessionLocal
from models.enrolments import RegistryPerson
from models.services import Service
from workflow.outside import parameters

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROOT = "/simulator"
REGISTRY, LISTS, BEHAVIOUR = f"{ROOT}/registry", f"{ROOT}/watch-lists", f"{ROOT}/behaviour"
LARGEST = 16_384
CONNECTION = "simulator.connection"


class Behaviour(StrEnum):
    """What the simulator does instead of answering as it should."""

    ANSWERS = "answers"
    DIFFERS = "differs"
    DECEASED = "deceased"
    UNKNOWN = "unknown"
    LISTED = "listed"
    SLOW = "slow"
    FAILS = "fails"
    DROPS = "drops"
    HALF = "half"
    GARBLED = "garbled"


@dataclass(frozen=True)
class Told:
    """What the simulator was told to do, and for how long each answer takes when it is slow."""

    behaviour: Behaviour = Behaviour.ANSWERS
    seconds: float = 30.0


class Simulator:
    """The WSGI application; `secret` is the bearer's."""

    def __init__(self, secret: str) -> None:
        self._secret = f"Bearer {secret}"
        self._for_all, self._for_one = Told(), dict[str, Told]()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """POST of JSON to REGISTRY, LISTS or BEHAVIOUR."""
        if not secrets.compare_digest(environ.get("HTTP_AUTHORIZATION", ""), self._secret):
            return _send(start_response, "401 Unauthorized", {})
        answers = {REGISTRY: self._registry, LISTS: self._lists}
        path, body = environ["PATH_INFO"], _body(environ)
        if environ["REQUEST_METHOD"] != "POST" or path not in (*answers, BEHAVIOUR) or body is None:
            return _send(start_response, "404 Not Found", {})
        if path == BEHAVIOUR:
            return _send(start_response, "200 OK", self._behave(body))
        cui = str(body.get("cui"))
        told = self._for_one.get(cui, self._for_all)
        data = answers[path](cui, told.behaviour)
        return _misbehave(told, environ, start_response, data)

    def _behave(self, body: dict[str, Any]) -> dict[str, Any]:
        told = Told(Behaviour(body.get("behaviour", "answers")), float(body.get("seconds", 30)))
        if body.get("cui"):
            self._for_one[str(body["cui"])] = told
        else:
            self._for_all, self._for_one = told, {}
        return {"behaviour": told.behaviour}

    def _registry(self, cui: str, behaviour: Behaviour) -> dict[str, Any]:
        with SessionLocal() as session:
            known = session.get(RegistryPerson, cui)
        if known is None or behaviour == Behaviour.UNKNOWN:
            return {"found": False}
        person = {**known.data, "cui": cui}
        if behaviour == Behaviour.DIFFERS:
            person["firstSurname"] = "Otrapellido"
        if behaviour == Behaviour.DECEASED:
            person["deceasedOn"] = "2020-02-29"
        return {"found": True, "person": person}

    def _lists(self, cui: str, behaviour: Behaviour) -> dict[str, Any]:
        hit = {"list": "INT", "name": "INTERPOL (simulador)", "reference": f"SIM-{cui[:6]}", "grade": "EXACT"}
        return {"hits": [hit] if behaviour == Behaviour.LISTED else []}


def _body(environ: "WSGIEnvironment") -> dict[str, Any] | None:
    try:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), LARGEST)
        body = json.loads(environ["wsgi.input"].read(length))
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _misbehave(
    told: Told, environ: "WSGIEnvironment", start_response: "StartResponse", data: dict[str, Any]
) -> Iterable[bytes]:
    if told.behaviour == Behaviour.SLOW:
        time.sleep(told.seconds)
    if told.behaviour == Behaviour.FAILS:
        return _send(start_response, "503 Service Unavailable", {})
    if told.behaviour == Behaviour.DROPS:
        environ[CONNECTION].shutdown(socket.SHUT_RDWR)
    text = json.dumps(data).encode()
    if told.behaviour == Behaviour.GARBLED:
        return _send(start_response, "200 OK", text[:-1] + b"?")
    if told.behaviour == Behaviour.HALF:
        return [b"".join(_send(start_response, "200 OK", text))[: len(text) // 2]]
    return _send(start_response, "200 OK", text)


def _send(start_response: "StartResponse", status: str, data: dict[str, Any] | bytes) -> list[bytes]:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


class _Handler(WSGIRequestHandler):
    """Says nothing in the log, and lets the application drop the connection."""

    def get_environ(self) -> Any:
        return {**super().get_environ(), CONNECTION: self.connection}

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a question, so that a slow answer keeps nobody else waiting."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone, or was dropped on purpose."""


def listen(port: int = 0) -> tuple[WSGIServer, str, str]:
    """A server on the loopback address, not yet serving; its root address and its secret."""
    secret = secrets.token_urlsafe(32)
    server = make_server("127.0.0.1", port, Simulator(secret), _Server, _Handler)
    return server, f"http://127.0.0.1:{server.server_port}", secret


def serve(port: int = 0) -> None:
    """Serve until told to stop by TERM or Ctrl-C, having written address and secret into the parameters."""
    server, root, secret = listen(port)
    with SessionLocal.begin() as session:
        addresses = {Service.CIVIL_REGISTRY: root + REGISTRY, Service.WATCH_LISTS: root + LISTS}
        parameters.use_simulator(session, addresses, secret, mark=ROOT)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    sys.exit(0)
