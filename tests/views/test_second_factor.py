"""The second factor: set up with a first code, asked for after the password, replayed never, recovered once."""

import re
import time
from collections.abc import Callable

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine
from models.sessions import LoginSource, RecoveryCode, SecondFactor
from models.users import Role, User
from security import factors
from security.lockout import TRIES
from security.roles import BY_CODE
from security.sealed import unseal
from tests.together import at_once
from tests.views.test_sessions import alive, events
from workflow import users

Login = Callable[[str], FlaskClient]
PAGE, CODE = "/account/second-factor/", "/login/code"
PASSWORD = {"username": "impres", "password": "secreto-impres"}


class Clock:
    """The time that codes are made from; it stands still until it is moved on."""

    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def on(self) -> None:
        """To the next step."""
        self.now += factors.STEP_SECONDS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    standing = Clock()
    monkeypatch.setattr(factors, "time", standing)
    return standing


def user(db: Session, username: str = "impres") -> User:
    return db.scalars(select(User).where(User.username == username).execution_options(populate_existing=True)).one()


@pytest.fixture
def secret(db: Session, clock: Clock) -> str:
    """The authenticator of `impres`, who has just set it up."""
    made = factors.new_secret()
    codes = factors.enrol(db, user(db).id, made, pyotp.TOTP(made).at(int(clock.now)))
    assert codes
    db.commit()
    clock.on()
    return made


def code(secret: str, clock: Clock, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(clock.now) + steps * factors.STEP_SECONDS)


def half_way(app: Flask, query: str = "") -> FlaskClient:
    client = app.test_client()
    answer = client.post(f"/login/{query}", data=PASSWORD)
    assert answer.status_code == 303
    assert answer.location.startswith(CODE)
    return client


def ask_of(db: Session, profile: str) -> None:
    db.execute(update(Role).where(Role.name == profile).values(second_factor=True))
    db.commit()


# ---- logging in


def test_the_code_follows_the_password_and_leads_where_one_came_from(
    app: Flask, db: Session, secret: str, clock: Clock
) -> None:
    client = app.test_client()
    sent = client.get("/account/data/form").location
    there = client.post(sent, data=PASSWORD).location
    assert client.get(there).status_code == 200
    assert client.post(there, data={"code": "000000"}).status_code == 401
    entered = client.post(there, data={"code": code(secret, clock)})
    assert (entered.status_code, entered.location) == (303, "/account/data/form")
    assert alive(client)
    assert user(db).fail_login_count == 0


def test_between_password_and_code_nothing_else_is_reached(app: Flask, db: Session, secret: str, clock: Clock) -> None:
    client = half_way(app)
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint not in {
            "AuthDBView.login", "AuthDBView.code", "AuthDBView.logout", "LocaleView.index", "UtilView.back",
        }:  # fmt: skip
            answer = client.get(rule.rule)
            assert answer.status_code in (301, 302, 308, 401, 404), rule.rule
            assert answer.status_code != 302 or "/login/" in answer.location, rule.rule
    assert client.post(PAGE, data={"code": "1"}).location.startswith("/login/")


def test_a_half_way_log_in_is_forgotten_after_a_while_or_with_a_new_password(
    app: Flask, db: Session, secret: str, clock: Clock
) -> None:
    client = half_way(app)
    with client.session_transaction() as cookie:
        half = dict(cookie["half"])
        cookie["half"] = {**half, "at": "2026-01-01T00:00:00+00:00"}
    assert client.post(CODE, data={"code": code(secret, clock)}).location == "/login/"
    client = half_way(app)
    db.execute(update(User).where(User.username == "impres").values(session_epoch="another"))
    db.commit()
    assert client.post(CODE, data={"code": code(secret, clock)}).location == "/login/"
    assert app.test_client().post(CODE, data={"code": code(secret, clock)}).location == "/login/"


def test_a_code_is_used_once_even_within_its_step(app: Flask, db: Session, secret: str, clock: Clock) -> None:
    used = code(secret, clock)
    assert half_way(app).post(CODE, data={"code": used}).status_code == 303
    assert half_way(app).post(CODE, data={"code": used}).status_code == 401
    assert half_way(app).post(CODE, data={"code": code(secret, clock, -1)}).status_code == 401, "nor an older one"
    clock.on()
    assert half_way(app).post(CODE, data={"code": code(secret, clock)}).status_code == 303


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 303), (1, 303), (2, 401)])
def test_clocks_may_differ_by_one_step(
    app: Flask, db: Session, secret: str, clock: Clock, steps: int, status: int
) -> None:
    for _ in range(3):
        clock.on()
    assert half_way(app).post(CODE, data={"code": code(secret, clock, steps)}).status_code == status


def test_wrong_codes_lock_like_wrong_passwords_and_the_right_password_does_not_help(
    app: Flask, db: Session, secret: str, clock: Clock
) -> None:
    for _ in range(TRIES):
        assert half_way(app).post(CODE, data={"code": "000000"}).status_code == 401
    assert app.test_client().post("/login/", data=PASSWORD).status_code == 401
    row = db.scalars(select(LoginSource).execution_options(populate_existing=True)).one()
    assert row.failures == TRIES
    assert row.locked_until is not None


def test_a_program_sends_its_code_as_otp(app: Flask, db: Session, secret: str, clock: Clock) -> None:
    client = app.test_client()
    without = client.post("/api/v1/security/login", json=PASSWORD)
    assert (without.status_code, without.json["field"]) == (401, "otp")
    for wrong in ("000000", 123456, None, "", "\ud800"):
        assert client.post("/api/v1/security/login", json={**PASSWORD, "otp": wrong}).status_code == 401
    right = {**PASSWORD, "otp": code(secret, clock)}
    assert client.post("/api/v1/security/login", json=right).status_code == 200
    assert client.post("/api/v1/security/login", json=right).status_code == 401


def test_a_program_without_the_password_is_not_asked_for_a_code(app: Flask, db: Session, secret: str) -> None:
    answer = app.test_client().post("/api/v1/security/login", json={**PASSWORD, "password": "no"})
    assert (answer.status_code, answer.json.get("field")) == (401, None)


# ---- setting up


def test_setting_up_shows_symbol_and_key_and_gives_ten_codes_once(
    login: Login, app: Flask, db: Session, clock: Clock
) -> None:
    client, elsewhere = login("impres"), login("impres")
    page = client.get(PAGE).text
    key = re.search(r'<code class="factor-key"[^>]*>([^<]+)<', page)
    assert key
    assert 'src="data:image/svg+xml;base64,' in page
    assert client.get(PAGE).text.count(key[1]) == 1, "a reload shows the same"
    secret = key[1].replace(" ", "")
    refused = client.post(PAGE, data={"code": "000000"})
    assert refused.status_code == 400
    assert key[1] in refused.text
    done = client.post(PAGE, data={"code": code(secret, clock)}).text
    codes = re.findall(r'<li><code translate="no">([a-z0-9]{5}-[a-z0-9]{5})<', done)
    assert len(set(codes)) == 10
    kept = db.get_one(SecondFactor, user(db).id)
    assert secret not in kept.sealed_secret
    assert unseal(kept.sealed_secret) == secret
    assert not any(found in client.get(PAGE).text for found in [secret, *codes])
    assert alive(client)
    assert not alive(elsewhere), "sessions begun without it have ended"
    assert events(db, "impres")[-1][0] == "factor.enrolled"
    assert client.post(PAGE, data={"code": "000000"}).status_code == 409, (
        "another takes its place only after it is gone"
    )


def test_the_key_that_one_user_was_shown_is_not_the_next_ones(app: Flask, db: Session) -> None:
    client = app.test_client()
    shown = []
    for username in ("impres", "concal"):
        client.post("/login/", data={"username": username, "password": f"secreto-{username}"})
        shown.append(re.findall(r'<code class="factor-key"[^>]*>([^<]+)<', client.get(PAGE).text)[0])
        client.delete_cookie("other")
        with client.session_transaction() as cookie:
            cookie.pop("_user_id")  # the session ends by itself, without a log-out
    assert shown[0] != shown[1]


def test_a_profile_that_asks_for_it_lets_nobody_go_on_without(
    login: Login, app: Flask, db: Session, token: Callable[[str], dict[str, str]], clock: Clock
) -> None:
    client, bearer = login("supervisor"), token("supervisor")
    assert client.get("/account/data/form").status_code == 200
    ask_of(db, "SUPERVISOR")
    for path in ("/", "/account/data/form", "/account/sessions/", "/queues/supervision/"):
        assert client.get(path).location == PAGE
    assert client.post("/account/data/form").location == PAGE
    assert app.test_client().get("/api/v1/cases?number=X", headers=bearer).status_code == 403
    asked = {"username": "supervisor", "password": "secreto-supervisor"}
    assert app.test_client().post("/api/v1/security/login", json=asked).status_code == 403
    key = re.findall(r'<code class="factor-key"[^>]*>([^<]+)<', client.get(PAGE).text)[0].replace(" ", "")
    assert client.post(PAGE, data={"code": code(key, clock)}).status_code == 200
    assert client.get("/account/data/form").status_code == 200
    assert login("impres").get("/").status_code == 200, "others are not asked"


def test_whoever_edits_profiles_switches_it(login: Login, db: Session) -> None:
    role = db.scalars(select(Role.id).where(Role.name == "IMPRES")).one()
    client, asks = login("admadm"), select(Role.second_factor).where(Role.id == role)
    assert 'name="second_factor"' in client.get(f"/profiles/edit/{role}").text
    assert client.post(f"/profiles/edit/{role}", data={"title": "Impresor", "second_factor": "y"}).status_code == 303
    assert db.scalar(asks)
    assert client.post(f"/profiles/edit/{role}", data={"title": "Impresor"}).status_code == 303
    assert not db.scalar(asks)


def test_administrators_are_asked_for_it_where_a_database_is_made_new(db: Session) -> None:
    from security.seeding import seed_security

    db.execute(text("update ab_role set name = name || '-OLD'"))
    seed_security(db, unusable_password="-")
    asked = set(db.scalars(select(Role.name).where(Role.second_factor)))
    assert asked == {"ADMADM"}
    assert asked < set(BY_CODE)


# ---- when it is lost


def recovery(db: Session) -> list[str]:
    codes = factors.renew_codes(db, user(db).id)
    db.commit()
    return codes


def test_each_recovery_code_works_once(app: Flask, db: Session, secret: str, clock: Clock) -> None:
    codes = recovery(db)
    assert half_way(app).post(CODE, data={"code": f" {codes[0].upper()} "}).status_code == 303
    assert half_way(app).post(CODE, data={"code": codes[0]}).status_code == 401
    assert half_way(app).post(CODE, data={"code": codes[1].replace("-", "")}).status_code == 303
    used = [detail for screen, detail in events(db, "impres") if screen == "factor.recovery"]
    assert used == [{"left": 9}, {"left": 8}]
    assert not any(
        found.replace("-", "").encode() in row.code_hash for found in codes for row in db.query(RecoveryCode)
    )


def test_new_recovery_codes_void_the_old_and_need_a_code(
    login: Login, app: Flask, db: Session, secret: str, clock: Clock
) -> None:
    old, client = recovery(db), login("impres")
    assert client.post(f"{PAGE}codes", data={"code": "000000"}).status_code == 400
    page = client.post(f"{PAGE}codes", data={"code": code(secret, clock)}).text
    new = re.findall(r'<code translate="no">([^<]+)<', page)
    assert len(new) == 10
    assert half_way(app).post(CODE, data={"code": old[0]}).status_code == 401
    assert half_way(app).post(CODE, data={"code": new[0]}).status_code == 303


def test_one_takes_it_away_with_a_code_only(login: Login, db: Session, secret: str, clock: Clock) -> None:
    client = login("impres")
    assert client.post(f"{PAGE}remove", data={"code": "000000"}).status_code == 400
    assert client.post(f"{PAGE}remove", data={"code": code(secret, clock)}).status_code == 303
    assert not factors.is_enrolled(db, user(db).id)
    assert not list(db.scalars(select(RecoveryCode)))
    assert events(db, "impres")[-1][0] == "factor.removed"


def test_an_administrator_takes_anothers_away_and_leaves_a_trace(
    login: Login, app: Flask, db: Session, secret: str
) -> None:
    admin, his, target = login("admadm"), login("impres"), user(db).id
    assert "/users/action/factor/" in admin.get(f"/users/show/{target}").text
    assert admin.post(f"/users/action/factor/{target}").status_code == 303
    assert not alive(his)
    screen, detail = events(db, "impres")[-1]
    assert (screen, detail) == ("factor.reset", {"by": user(db, "admadm").id})
    assert app.test_client().post("/login/", data=PASSWORD).location == "/"
    assert admin.post(f"/users/action/factor/{target}").status_code == 409, "there is none left"
    assert admin.post(f"/users/action/factor/{user(db, 'admadm').id}").status_code == 409, "nobody his own"
    assert login("jpgu").post(f"/users/action/factor/{target}").status_code == 403


def test_the_console_takes_the_last_administrators_away(db: Session, secret: str) -> None:
    users.make_administrator(db, "impres")
    assert not factors.is_enrolled(db, user(db).id)


# ---- in the database


def test_of_two_log_ins_with_one_code_at_once_one_gets_in(fresh_database: Callable[[str], str], app: Flask) -> None:
    engine = make_engine(fresh_database("factor"), pool_size=10)
    made, now = factors.new_secret(), int(time.time())
    with Session(engine) as session:
        owner = session.scalars(select(User.id).where(User.username == "impres")).one()
        codes = factors.enrol(session, owner, made, pyotp.TOTP(made).at(now - factors.STEP_SECONDS))
        session.commit()
    assert codes

    def use(given: str) -> str | None:
        with Session(engine) as session:
            found = factors.use_code(session, owner, given)
            session.commit()
            return found

    for given, kind in ((pyotp.TOTP(made).at(now), "authenticator"), (codes[0], "recovery")):
        used = at_once(*(lambda given=given: use(given) for _ in range(6)))
        assert sorted(map(str, used)) == sorted([kind, *["None"] * 5])
    engine.dispose()


@pytest.mark.parametrize(
    "change",
    ["update second_factor set last_step = last_step", "update second_factor set last_step = last_step - 1",
     "update recovery_code set used_at = null", "update recovery_code set code_hash = '\\x00'"],
)  # fmt: skip
def test_the_database_takes_no_code_twice(db: Session, secret: str, change: str) -> None:
    db.execute(text("update recovery_code set used_at = now()"))
    with pytest.raises(DBAPIError) as refusal, db.begin_nested():
        db.execute(text(change))
    assert refusal.value.orig.sqlstate == "23001"


def test_with_another_secret_key_no_code_works_and_nothing_breaks(
    app: Flask, db: Session, secret: str, clock: Clock
) -> None:
    from security import sealed

    sealed.configure("another secret key, as long as that")
    try:
        assert half_way(app).post(CODE, data={"code": code(secret, clock)}).status_code == 401
    finally:
        sealed.configure(app.config["SECRET_KEY"])
