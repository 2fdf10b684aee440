"""A form that another site makes a browser send: refused at every address that a cookie opens."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models.cases import State
from tests.build import make_case
from tests.security.test_matrix import calls, unchecked

__all__ = ["unchecked"]


def test_whatever_changes_something_is_refused_without_the_token_of_its_form(
    unchecked: Flask, db: Session, login: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = make_case(db, State.ENROLADA).number
    db.commit()
    monkeypatch.setitem(unchecked.config, "WTF_CSRF_ENABLED", True)
    client = login("admadm")
    sent = [call for call in calls(unchecked, number) if call.method != "GET" and not call.interface]
    answers = {
        (call.method, call.path): client.open(call.path, method=call.method, data=call.form) for call in sent
        if not call.path.startswith("/api/")
    }  # fmt: skip
    assert len(answers) > 100
    assert {
        where: answer.status_code for where, answer in answers.items() if answer.status_code not in (400, 405)
    } == {}


def test_the_cookie_is_not_sent_along_from_elsewhere_nor_shown_to_scripts(app: Flask) -> None:
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert app.config["SESSION_COOKIE_HTTPONLY"]
