"""Logging in and out, on the page and for a token; lock-out, time-outs, and what ends a session or a token."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from app import create_app
from app.settings import Settings
from models.base import SessionLocal, utc_now
from models.sessions import LoginSource, UserSession
from models.users import User
from security.lockout import LONGEST_WAIT, TRIES
from security.passwords import FAKE_HASH, HASH_METHOD
from security.sessions import hash_of
from views.login import local_path

Login = Callable[[str], FlaskClient]
OWN_PAGE = "/account/data/form"


def user(db: Session, username: str) -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).one()


def change(db: Session, username: str, **values: object) -> None:
    db.execute(update(User).where(User.username == username).values(**values))
    db.commit()


def enter(client: FlaskClient, username: str, password: str, query: str = "") -> int:
    return client.post(f"/login/{query}", data={"username": username, "password": password}).status_code


def bearer(client: FlaskClient, username: str, password: str) -> int:
    return client.post("/api/v1/security/login", json={"username": username, "password": password}).status_code


def source(db: Session, username: str, network: str = "127.0.0.1") -> LoginSource:
    key = (user(db, username).id, network)
    return db.get_one(LoginSource, key, populate_existing=True)


@pytest.fixture
def guest(app: Flask, db: Session) -> FlaskClient:
    return app.test_client()


def test_the_right_password_opens_the_page_one_came_from(guest: FlaskClient, db: Session) -> None:
    sent_away = guest.get("/users/list/?q=x")
    assert "/login/?next=" in sent_away.location
    answer = guest.post(sent_away.location, data={"username": " ADMADM ", "password": "secreto-admadm"})
    assert answer.status_code == 303
    assert answer.location == "/users/list/?q=x"
    assert guest.get(OWN_PAGE).status_code == 200
    assert user(db, "admadm").login_count == 1
    assert guest.get("/login/").status_code == 302


@pytest.mark.parametrize(("username", "password"), [("impres", "no"), ("nadie", "no"), ("impres", ""), ("a\0b", "no")])
def test_a_wrong_password_is_a_401_that_says_no_more(username: str, password: str, guest: FlaskClient) -> None:
    page = guest.post("/login/", data={"username": username, "password": password or "\0"})
    assert page.status_code in (400, 401)
    assert guest.get(OWN_PAGE).status_code == 302
    token = guest.post("/api/v1/security/login", json={"username": username, "password": password})
    assert token.status_code == 401
    assert token.content_type == "application/problem+json"
    known = guest.post("/login/", data={"username": "impres", "password": "otra"})
    unknown = guest.post("/login/", data={"username": "nadie", "password": "otra"})
    assert _message(known.text) == _message(unknown.text) != ""


def test_the_page_is_spanish_and_says_to_sign_in(guest: FlaskClient) -> None:
    page = guest.get("/login/").text
    assert 'lang="es"' in page
    assert "Registrarse" not in page
    assert 'autocomplete="current-password"' in page


@pytest.mark.parametrize("enters", [enter, bearer])
def test_an_account_is_locked_after_five_failures_and_opens_by_itself(
    enters: Callable[[FlaskClient, str, str], int], guest: FlaskClient, db: Session
) -> None:
    for _ in range(TRIES):
        assert enters(guest, "impres", "no") == 401
    assert user(db, "impres").fail_login_count == TRIES
    assert source(db, "impres").locked_until is not None
    assert enter(guest, "impres", "secreto-impres") == 401
    assert bearer(guest, "impres", "secreto-impres") == 401
    assert user(db, "impres").fail_login_count == TRIES, "waiting is not made longer by trying"
    db.execute(update(LoginSource).values(locked_until=utc_now() - dt.timedelta(hours=1)))
    db.commit()
    assert enter(guest, "impres", "secreto-impres") == 303
    assert user(db, "impres").fail_login_count == 0


def test_the_wait_doubles_and_has_an_end(guest: FlaskClient, db: Session) -> None:
    waits = []
    assert enter(guest, "impres", "no") == 401
    for failures in (TRIES - 1, TRIES, TRIES + 1, 500_000):
        db.execute(update(LoginSource).values(failures=failures, locked_until=None))
        db.commit()
        assert enter(guest, "impres", "no") == 401
        until = source(db, "impres").locked_until
        assert until is not None
        waits.append(round((until - utc_now()).total_seconds() / 60))
    assert waits == [1, 2, 4, LONGEST_WAIT.total_seconds() / 60]


def test_a_disabled_account_gets_in_nowhere(guest: FlaskClient, db: Session) -> None:
    change(db, "impres", active=False)
    assert enter(guest, "impres", "secreto-impres") == 401
    assert bearer(guest, "impres", "secreto-impres") == 401


def test_the_unknown_costs_as_much_as_the_known() -> None:
    assert FAKE_HASH.startswith(HASH_METHOD + "$")
    assert not check_password_hash(FAKE_HASH, "password")


def test_a_link_does_not_log_out_but_the_button_does(login: Login, app: Flask) -> None:
    client = login("impres")
    assert client.get("/logout/").status_code == 302
    assert client.get(OWN_PAGE).status_code == 200
    assert client.post("/logout/").status_code == 303
    assert client.get(OWN_PAGE).status_code == 302


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/users/list/?q=a", "/users/list/?q=a"), ("", ""), ("https://evil.example/x", ""), ("//evil.example/x", ""),
        ("/\\evil.example", ""), ("javascript:alert(1)", ""), ("http://localhost//evil.example", "/evil.example"),
        ("http://localhost/users/list/", "/users/list/"), ("http://[bad", ""), ("/a\nb", ""),
        ("///evil.example", "/evil.example"),
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_logging_in(url: str, target: str, app: Flask) -> None:
    with app.test_request_context("/login/"):
        assert local_path(url) == target


def shift(db: Session, client: FlaskClient, **back: dt.timedelta) -> None:
    """Let the session of the client begin, or be seen, earlier than it was."""
    with client.session_transaction() as cookie:
        row = UserSession.key_hash == hash_of(cookie["sid"])
    db.execute(text("alter table user_session disable trigger session_stays_as_it_is"))
    values = {name: getattr(UserSession, name) - by for name, by in back.items()}
    db.execute(update(UserSession).where(row).values(**values))
    db.execute(text("alter table user_session enable trigger session_stays_as_it_is"))
    db.commit()


def test_a_session_ends_after_twelve_hours_however_busy(guest: FlaskClient, db: Session) -> None:
    assert enter(guest, "impres", "secreto-impres") == 303
    almost = dt.timedelta(hours=11, minutes=59)
    shift(db, guest, started_at=almost, expires_at=almost)
    assert guest.get(OWN_PAGE).status_code == 200
    shift(db, guest, started_at=dt.timedelta(minutes=2), expires_at=dt.timedelta(minutes=2))
    assert guest.get(OWN_PAGE).status_code == 302


def test_an_idle_session_ends_by_itself(guest: FlaskClient, app: Flask, db: Session, settings: Settings) -> None:
    assert app.config["PERMANENT_SESSION_LIFETIME"] == dt.timedelta(minutes=settings.session_minutes)
    assert enter(guest, "impres", "secreto-impres") == 303
    with guest.session_transaction() as cookie:
        assert cookie.permanent
    shift(db, guest, seen_at=dt.timedelta(minutes=settings.session_minutes))
    assert guest.get(OWN_PAGE).status_code == 200, "and is written down as seen"
    shift(db, guest, seen_at=dt.timedelta(minutes=settings.session_minutes + 3))
    assert guest.get(OWN_PAGE).status_code == 302, "although the cookie is as new as can be"


def test_a_cookie_without_a_session_of_that_user_is_nobodys(guest: FlaskClient, login: Login, db: Session) -> None:
    assert enter(guest, "impres", "secreto-impres") == 303
    with login("admadm").session_transaction() as others, guest.session_transaction() as cookie:
        mine, cookie["sid"] = cookie["sid"], others["sid"]
    assert guest.get(OWN_PAGE).status_code == 302
    for broken in ("", "x", 7, None, mine + "x"):
        with guest.session_transaction() as cookie:
            cookie.update(sid=broken, _user_id=str(user(db, "impres").id))
        assert guest.get(OWN_PAGE).status_code == 302


def test_a_token_dies_with_the_epoch_of_its_account(guest: FlaskClient, db: Session, app: Flask) -> None:
    given = {"username": "estacion", "password": "secreto-estacion", "refresh": True, "provider": "db"}
    tokens = guest.post("/api/v1/security/login", json=given).get_json()
    headers = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    renewed = guest.post("/api/v1/security/refresh", headers=headers)
    assert renewed.status_code == 200
    api = app.test_client()
    access = {"Authorization": f"Bearer {renewed.get_json()['access_token']}"}
    alive = api.get("/api/v1/cases", headers=access).status_code
    assert alive != 401
    change(db, "estacion", session_epoch="another")
    assert api.get("/api/v1/cases", headers=access).status_code == 401
    assert guest.post("/api/v1/security/refresh", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [None, [], "x", {"username": "impres"}, {"username": 1, "password": "x"}, {"username": "\ud800", "password": "x"},
     {"username": "x", "password": "\ud800"}],
)  # fmt: skip
def test_a_token_is_asked_for_with_name_and_password(body: object, guest: FlaskClient) -> None:
    assert guest.post("/api/v1/security/login", json=body).status_code == 400


def test_a_cookie_is_no_token_and_a_token_is_no_cookie(
    login: Login, app: Flask, token: Callable[[str], dict[str, str]]
) -> None:
    assert login("admadm").get("/api/v1/cases").status_code == 401
    page = app.test_client().get("/users/list/", headers=token("admadm"))
    assert page.status_code in (302, 401)


def test_whoever_must_change_his_password_gets_no_token_and_no_page(
    guest: FlaskClient, db: Session, token: Callable[[str], dict[str, str]]
) -> None:
    change(db, "admadm", must_change_password=True)
    refused = guest.post("/api/v1/security/login", json={"username": "admadm", "password": "secreto-admadm"})
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    assert guest.get("/api/v1/cases", headers=token("admadm")).status_code == 403
    assert enter(guest, "admadm", "secreto-admadm", "?next=/users/list/") == 303
    for path in ("/", "/users/list/", OWN_PAGE, "/catalogs/country/list/"):
        answer = guest.get(path)
        assert answer.status_code == 302
        assert answer.location.endswith("/account/password/form")
    assert guest.post("/users/add", data={}).status_code == 302
    assert guest.get("/account/password/form").status_code == 200
    assert guest.get("/static/app.css").status_code == 200
    assert guest.get("/lang/en").status_code == 302
    assert guest.post("/logout/").status_code == 303


@pytest.fixture
def strict(settings: Settings, database_url: str, db: Session) -> Flask:
    """The application as it is outside tests: forms carry tokens, log-ins are limited."""
    bound = dict(SessionLocal.kw)
    app = create_app(
        settings, database_url=database_url, TESTING=True, AUTH_RATE_LIMITED=True, RATELIMIT_ENABLED=True,
        FAB_PASSWORD_HASH_METHOD="pbkdf2:sha256:1",
    )  # fmt: skip
    SessionLocal.kw.update(bound)
    return app


def test_logging_in_and_out_needs_the_forms_token(strict: Flask) -> None:
    client = strict.test_client()
    assert enter(client, "impres", "secreto-impres") == 400
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)
    assert hidden
    given = {"username": "impres", "password": "secreto-impres", "csrf_token": hidden[1]}
    assert client.post("/login/", data=given).status_code == 303
    assert client.post("/logout/").status_code == 400
    before = {"csrf_token": hidden[1]}
    assert client.post("/logout/", data=before).status_code == 400, "the token from before logging in is void"
    assert client.get(OWN_PAGE).status_code == 200


def test_the_eleventh_log_in_of_a_minute_is_refused(strict: Flask) -> None:
    client = strict.test_client()
    tokens = [bearer(client, f"nadie{number}", "no") for number in range(11)]
    assert tokens[:10] == [401] * 10
    assert tokens[10] == 429
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)
    assert hidden
    given = {"username": "nadie", "password": "no", "csrf_token": hidden[1]}
    pages = [client.post("/login/", data=given).status_code for _ in range(11)]
    assert pages[:10] == [401] * 10
    assert pages[10] == 429
    assert client.get("/login/").status_code == 200


def _message(page: str) -> str:
    found = re.search(r'<div class="alert alert-danger".*?</svg><div>(.*?)</div>', page, re.S)
    return found[1].strip() if found else ""
