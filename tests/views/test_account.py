"""One's own account: changing the password, name and e-mail; and what being somebody costs."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from models.users import User
from security.lockout import TRIES
from security.passwords import check_password_rules, one_time_password
from tests.views.counting import statements

Login = Callable[[str], FlaskClient]
FORM = "/account/password/form"
OLD, NEW = "secreto-impres", "Nueva-clave-2026"


def user(db: Session, username: str) -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).one()


def given(**changes: str) -> dict[str, str]:
    return {"current": OLD, "password": NEW, "confirmation": NEW, **changes}


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Nueva-clave-2026", 0), ("Corta-1aB", 1), ("nueva-clave-2026", 1), ("NUEVA-CLAVE-2026", 1),
        ("Nueva-clave-dos", 1), ("", 4), ("Impres-clave-2026", 1), ("ÑANDÚ-clave-2026", 0),
    ],
)  # fmt: skip
def test_each_rule_of_a_password_is_named(password: str, broken: int) -> None:
    assert len(check_password_rules(password, "impres")) == broken


def test_one_time_passwords_keep_the_rules_and_differ() -> None:
    made = {one_time_password("impres") for _ in range(200)}
    assert len(made) == 200
    assert not any(check_password_rules(password, "impres") for password in made)


def test_a_changed_password_ends_the_other_sessions_and_tokens_but_not_this_one(
    login: Login, app: Flask, db: Session, token: Callable[[str], dict[str, str]]
) -> None:
    here, elsewhere, bearer = login("impres"), login("impres"), token("impres")
    assert app.test_client().get("/api/v1/cases", headers=bearer).status_code != 401
    assert here.post(FORM, data=given()).status_code == 303
    changed = user(db, "impres")
    assert check_password_hash(str(changed.password), NEW)
    assert not changed.must_change_password
    assert changed.password_changed_at is not None
    assert here.get(FORM).status_code == 200
    assert elsewhere.get(FORM).status_code == 302
    assert app.test_client().get("/api/v1/cases", headers=bearer).status_code == 401
    assert app.test_client().post("/login/", data={"username": "impres", "password": OLD}).status_code == 401
    assert app.test_client().post("/login/", data={"username": "impres", "password": NEW}).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"current": "no"}, {"current": ""}, {"password": "corta", "confirmation": "corta"}, {"confirmation": "otra"},
        {"password": OLD, "confirmation": OLD}, {"password": "Impres-2026-x", "confirmation": "Impres-2026-x"},
    ],
    ids=str,
)  # fmt: skip
def test_a_password_that_will_not_do_is_refused_saying_why(wrong: dict[str, str], login: Login, db: Session) -> None:
    before = user(db, "impres").password
    page = login("impres").post(FORM, data=given(**wrong))
    assert page.status_code == 200
    assert 'class="field-error"' in page.text
    assert user(db, "impres").password == before


def test_wrong_present_passwords_count_as_failed_log_ins(login: Login, app: Flask, db: Session) -> None:
    client = login("impres")
    for _ in range(TRIES):
        client.post(FORM, data=given(current="no"))
    assert user(db, "impres").fail_login_count == TRIES
    assert 'class="field-error"' in client.post(FORM, data=given()).text
    assert app.test_client().post("/login/", data={"username": "impres", "password": OLD}).status_code == 401


def test_the_rules_are_on_the_page(login: Login) -> None:
    page = login("impres").get(FORM).text
    assert page.split('id="rules"', 1)[1].split("</ul>", 1)[0].count("<li>") == 5
    assert page.count('type="password"') == 3
    assert 'autocomplete="new-password"' in page


def test_a_forced_change_lets_one_go_on_afterwards(login: Login, db: Session) -> None:
    forced = user(db, "impres")
    forced.must_change_password = True
    db.commit()
    client = login("impres")
    assert client.get("/account/data/form").location.endswith(FORM)
    assert client.post(FORM, data=given()).status_code == 303
    assert client.get("/account/data/form").status_code == 200


def test_own_data_are_name_and_address_and_nothing_else(login: Login, db: Session) -> None:
    client = login("impres")
    form = client.get("/account/data/form").text
    assert 'value="impres@example.org"' in form
    changes = {
        "first_name": "Marisela", "last_name": "Tzunux", "email": "m@example.org", "username": "otro", "cui": "1",
        "active": "", "roles": "1",
    }  # fmt: skip
    assert client.post("/account/data/form", data=changes).status_code == 303
    changed = user(db, "impres")
    assert (changed.first_name, changed.last_name, changed.email) == ("Marisela", "Tzunux", "m@example.org")
    assert changed.cui is None
    assert [role.name for role in changed.roles] == ["IMPRES"]


@pytest.mark.parametrize("email", ["nada", "concal@example.org", ""])
def test_an_address_that_is_none_or_anothers_is_refused(email: str, login: Login, db: Session) -> None:
    page = login("impres").post("/account/data/form", data={"first_name": "M", "last_name": "T", "email": email})
    assert page.status_code == 200
    assert 'class="field-error"' in page.text
    assert user(db, "impres").email == "impres@example.org"


def test_being_somebody_costs_one_statement_whatever_the_menu_shows(login: Login, connection: Connection) -> None:
    client = login("admadm")
    with statements(connection) as seen:
        page = client.get(FORM)
    assert page.status_code == 200
    assert page.text.count("menu-number") > 10
    assert len(seen) == 1, "\n".join(seen)


def test_nobody_reaches_these_pages_without_logging_in(app: Flask, db: Session) -> None:
    for path in (FORM, "/account/data/form"):
        assert "/login/" in app.test_client().get(path).location
        assert app.test_client().post(path).status_code == 302
