"""Every address and verb, as every profile and as nobody, against what is declared."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.routes import Route, routes
from models.cases import State
from reports.catalogue import EVERY
from security.permissions import Permission
from tests.build import CAST, make_case
from workflow.machine import TRANSITIONS

Login = Callable[[str], FlaskClient]
Header = dict[str, str]
#: Interfaces for programs: a bearer token, never the cookie.
INTERFACES = re.compile(r"/api/v1/(cases|booklets)|/osia/")
#: What ends the session that asks; its own tests are in tests/views/test_login.py.
ENDS = {"AuthDBView.logout"}
#: Acts whose form is a page of its own, to which only who may do them is led.
ELSEWHERE = {"void_booklet", "reactivate_booklet", "correct", "correct_issued", "extend"}
_PLACE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")


@dataclass(frozen=True)
class Call:
    """A request: where and how; of each of `asks` one permission is needed, none of an empty one but being somebody."""

    method: str
    path: str
    asks: tuple[frozenset[Permission], ...]
    open: bool
    closed: bool
    form: dict[str, str] = field(default_factory=dict)

    @property
    def interface(self) -> bool:
        return INTERFACES.match(self.path) is not None

    def expects(self, held: frozenset[Permission]) -> bool:
        """Whether somebody who holds `held` is let in."""
        return not self.closed and all(not any_of or not any_of.isdisjoint(held) for any_of in self.asks)


def calls(app: Flask, number: str) -> Iterator[Call]:
    """Every route and verb, on a case that exists; those of all acts, reports and actions for each of them."""
    for route in routes(app):
        if route.endpoint in ENDS or route.endpoint.endswith("static"):
            continue
        view = getattr(app.view_functions[route.endpoint], "__self__", None)
        for method in route.methods:
            for path, more, form in _variants(route, method, view, number):
                asks = tuple(frozenset(asked) for asked in (route.permissions or (), more))
                yield Call(method, _filled(path), asks, route.permissions is None, route.closed, form)


def _variants(
    route: Route, method: str, view: Any, number: str
) -> Iterator[tuple[str, tuple[Permission, ...], dict[str, str]]]:
    """The addresses a route has, what each asks for besides, and the form to send."""
    path = route.path.replace("<number>", number) if "/cases/" in route.path else route.path
    if "<transition>" in path:
        for name, move in TRANSITIONS.items():
            correcting = move.permission is Permission.CORRECT_CASES
            if correcting or not path.endswith("/preview"):
                asked = (move.permission,) if method == "POST" or name in ELSEWHERE else ()
                yield path.replace("<transition>", name), asked, {}
    elif path.startswith("/reports/") and "<key>" in path:
        for key, report in EVERY.items():
            yield path.replace("<key>", key), (report.permission,), {"format": "xlsx", "period": "DAY"}
    else:
        yield from _of_generated(route, path, view)


def _of_generated(route: Route, path: str, view: Any) -> Iterator[tuple[str, tuple[Permission, ...], dict[str, str]]]:
    """The same for a generated view, whose actions are called by name."""
    if route.endpoint.endswith(".action"):
        for name in view.actions:
            yield path.replace("<string:name>", name), (), {}
    elif route.endpoint.endswith(".action_post"):
        yield from ((path, (), {"action": name}) for name, action in view.actions.items() if action.multiple)
    else:
        yield path, (), {}


def _filled(path: str) -> str:
    return _PLACE.sub(lambda place: "999999" if place[1] == "int" else "NONE", path)


def refused(answer: TestResponse) -> bool:
    """By a status that says so, or by being sent to log in."""
    to_log_in = answer.status_code in (302, 303) and "/login/" in (answer.location or "")
    return answer.status_code in (401, 403) or to_log_in


@pytest.fixture
def number(db: Session) -> str:
    number = make_case(db, State.ENROLADA).number
    db.commit()
    return number


@pytest.fixture
def unchecked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Pages are not drawn, nor is their form checked: other tests do."""
    monkeypatch.setattr("flask.templating._render", lambda *_template: "")
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
    before, app.test_client_class = app.test_client_class, FlaskClient
    yield app
    app.test_client_class = before


def test_nobody_gets_in_anywhere_without_logging_in(unchecked: Flask, db: Session, number: str) -> None:
    client, let_in = unchecked.test_client(), []
    for call in calls(unchecked, number):
        answer = client.open(call.path, method=call.method, data=call.form)
        if not call.open and not refused(answer):
            let_in.append((call.method, call.path, answer.status_code))
    assert let_in == []


@pytest.mark.parametrize("name", CAST)
def test_a_profile_gets_in_where_it_may_and_nowhere_else(
    unchecked: Flask, db: Session, login: Login, token: Callable[[str], Header], number: str, name: str
) -> None:
    held, wrong = CAST[name].permissions, []
    client, program, header = login(name), unchecked.test_client(), token(name)
    for call in sorted(calls(unchecked, number), key=lambda call: not call.interface):  # some pages end tokens
        if call.interface:
            answer = program.open(call.path, method=call.method, headers=header)
        else:
            answer = client.open(call.path, method=call.method, data=call.form)
        if not call.open and refused(answer) == call.expects(held):
            wrong.append((call.method, call.path, answer.status_code, "may" if call.expects(held) else "may not"))
    assert wrong == []


def test_a_session_cookie_is_nothing_to_the_interfaces(unchecked: Flask, login: Login, number: str) -> None:
    client = login("admadm")
    let_in = [
        call
        for call in calls(unchecked, number)
        if call.interface and not call.closed and client.open(call.path, method=call.method).status_code != 401
    ]
    assert let_in == []
