"""Former passwords are not chosen again, old ones expire, and both hold at every door."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from models.base import utc_now
from models.sessions import FormerPassword
from models.users import User
from security.errors import BadValue
from security.passwords import REMEMBERED, hash_password, is_reused, set_password

Login = Callable[[str], FlaskClient]
FORM = "/account/password/form"
QUICK = "pbkdf2:sha256:1"


def given(old: str, new: str) -> dict[str, str]:
    return {"current": old, "password": new, "confirmation": new}


def user(db: Session, username: str = "impres") -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).one()


def test_none_of_the_last_passwords_is_chosen_again(login: Login, db: Session) -> None:
    client, passwords = (
        login("impres"),
        ["secreto-impres", *(f"Nueva-clave-{number}xx" for number in range(REMEMBERED))],
    )
    for old, new in pairwise(passwords):
        assert client.post(FORM, data=given(old, new)).status_code == 303
    for former in passwords[1:-1]:
        page = client.post(FORM, data=given(passwords[-1], former))
        assert page.status_code == 200
        assert 'class="field-error"' in page.text
        assert check_password_hash(str(user(db).password), passwords[-1])
    assert client.post(FORM, data=given(passwords[-1], "Nueva-clave-final-1")).status_code == 303
    assert client.post(FORM, data=given("Nueva-clave-final-1", passwords[1])).status_code == 200, "six ago, five before"


def test_only_the_latest_are_kept_and_only_as_hashes(db: Session) -> None:
    owner = user(db).id
    for number in range(REMEMBERED + 3):
        set_password(db, owner, hash_password(f"clave {number}", QUICK), must_change=False)
    kept = list(db.scalars(select(FormerPassword.password).where(FormerPassword.user_id == owner)))
    assert len(kept) == REMEMBERED
    assert all(line.startswith(QUICK + "$") for line in kept)
    assert not is_reused(db, owner, "clave 1")
    assert is_reused(db, owner, "clave 2")
    assert is_reused(db, owner, f"clave {REMEMBERED + 2}"), "the present one"


def test_one_time_passwords_do_not_push_the_chosen_ones_out(db: Session) -> None:
    owner = user(db).id
    for number in range(REMEMBERED + 3):
        set_password(db, owner, hash_password(f"once {number}", QUICK), must_change=True)
    assert is_reused(db, owner, "secreto-impres")


def test_who_does_not_know_the_present_password_learns_nothing_of_the_former(login: Login, db: Session) -> None:
    client = login("impres")
    assert client.post(FORM, data=given("secreto-impres", "Nueva-clave-2026")).status_code == 303
    assert client.post(FORM, data=given("Nueva-clave-2026", "Nueva-clave-2027")).status_code == 303
    known, unknown = (client.post(FORM, data=given("no", new)).text for new in ("Nueva-clave-2026", "Otra-clave-2026"))
    assert known.count("field-error") == unknown.count("field-error") == 1


def test_the_manager_refuses_what_the_form_refuses(app: Flask, db: Session) -> None:
    with app.test_request_context(), pytest.raises(BadValue):
        app.appbuilder.sm.reset_password(user(db).id, "secreto-impres")


# ---- expiry


@pytest.fixture
def ninety(app: Flask) -> Iterator[None]:
    app.config["PASSWORD_DAYS"] = 90
    yield
    app.config["PASSWORD_DAYS"] = 0


def age(db: Session, days: float, username: str = "impres") -> None:
    changed = utc_now() - dt.timedelta(days=days)
    db.execute(update(User).where(User.username == username).values(password_changed_at=changed))
    db.commit()


def test_an_expired_password_is_changed_before_all_else(ninety: None, login: Login, app: Flask, db: Session) -> None:
    client = login("impres")
    age(db, 89)
    assert client.get("/").status_code == 200
    age(db, 91)
    assert client.get("/").location == FORM
    assert client.post("/account/data/form").location == FORM
    page = client.get(FORM).text
    assert "venció" in page
    assert client.post(FORM, data=given("secreto-impres", "secreto-impres")).status_code == 200
    assert client.get("/").location == FORM
    assert client.post(FORM, data=given("secreto-impres", "Nueva-clave-2026")).status_code == 303
    assert client.get("/").status_code == 200


def test_an_expired_password_gets_no_token_and_stops_those_it_got(
    ninety: None, token: Callable[[str], dict[str, str]], app: Flask, db: Session
) -> None:
    bearer = token("supervisor")
    age(db, 91, "supervisor")
    client, asked = app.test_client(), {"username": "supervisor", "password": "secreto-supervisor"}
    assert client.post("/api/v1/security/login", json=asked).status_code == 403
    assert client.get("/api/v1/cases?number=X", headers=bearer).status_code == 403


@pytest.mark.parametrize(("days", "said"), [(70, None), (82.9, "7 días"), (88.5, "1 día"), (89.5, "hoy")])
def test_one_is_told_some_days_before(ninety: None, app: Flask, db: Session, days: float, said: str | None) -> None:
    age(db, days)
    client = app.test_client()
    client.post("/login/", data={"username": "impres", "password": "secreto-impres"})
    page = client.get("/").text
    assert ("vence" in page) == (said is not None)
    assert said is None or said in page


def test_zero_days_are_for_ever(login: Login, db: Session) -> None:
    age(db, 5000)
    assert login("impres").get("/").status_code == 200


def test_every_account_has_a_day_from_which_its_password_ages(db: Session) -> None:
    query = "select is_nullable from information_schema.columns where table_name = 'ab_user'"
    assert db.scalar(text(f"{query} and column_name = 'password_changed_at'")) == "NO"
