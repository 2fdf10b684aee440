"""Mis sesiones and access tokens: listed, ended one by one or all at once, and written down."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.sessions import UserSession
from models.users import AccessLog, Role, User
from security.sessions import hash_of, label_of
from tests.views.counting import statements

Login = Callable[[str], FlaskClient]
Token = Callable[[str], dict[str, str]]
PAGE, TOKENS = "/account/sessions/", "/tokens/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"


def user(db: Session, username: str) -> User:
    return db.scalars(select(User).where(User.username == username).execution_options(populate_existing=True)).one()


def row_of(db: Session, client: FlaskClient) -> int:
    with client.session_transaction() as cookie:
        return db.scalars(select(UserSession.id).where(UserSession.key_hash == hash_of(cookie["sid"]))).one()


def events(db: Session, username: str) -> list[tuple[str, dict]]:
    """What was written down of an account, the latest last, without the looks at people."""
    query = select(AccessLog).where(AccessLog.user_id == user(db, username).id).order_by(AccessLog.id)
    return [(line.screen, line.detail or {}) for line in db.scalars(query)]


def alive(client: FlaskClient) -> bool:
    return client.get("/account/sessions/alive").status_code == 204


def works(app: Flask, bearer: dict[str, str]) -> bool:
    return app.test_client().get("/api/v1/cases?number=NO", headers=bearer).status_code != 401


def test_logging_in_makes_a_row_and_logging_out_ends_it(app: Flask, db: Session) -> None:
    client = app.test_client()
    given = {"username": "impres", "password": "secreto-impres"}
    agent = {"User-Agent": FIREFOX}
    assert (
        client.post("/login/", data=given, headers=agent, environ_base={"REMOTE_ADDR": "10.1.1.7"}).status_code == 303
    )
    row = db.get_one(UserSession, row_of(db, client))
    assert (row.kind, row.label, str(row.address)) == ("web", "Firefox 143 · Windows", "10.1.1.7")
    with client.session_transaction() as cookie:
        key, stolen = cookie["sid"], dict(cookie)
    assert key.encode() not in row.key_hash
    assert client.post("/logout/").status_code == 303
    db.refresh(row)
    assert row.ended_why == "logout"
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie.update(stolen)
    assert not alive(thief), "a copy of the cookie is worth nothing after the log-out"
    assert [screen for screen, _detail in events(db, "impres")] == ["session.login", "session.logout"]


def test_one_sees_ones_own_sessions_and_ends_one(login: Login, token: Token, app: Flask, db: Session) -> None:
    here, there, bearer = login("impres"), login("impres"), token("impres")
    other = login("concal")
    page = here.get(PAGE).text
    assert page.count('/end"') == 2, "two that can be ended: not this one, not another's"
    assert page.count("Esta sesión<") == 1
    assert here.post(f"{PAGE}{row_of(db, there)}/end").status_code == 303
    assert alive(here)
    assert not alive(there)
    assert works(app, bearer)
    assert alive(other)
    screen, detail = events(db, "impres")[-1]
    assert (screen, detail["kind"]) == ("session.ended", "web")
    assert here.get(PAGE).text.count('/end"') == 1


def test_nobody_ends_anothers_session_and_nobody_his_own_by_that_button(login: Login, db: Session) -> None:
    mine, others = login("impres"), login("concal")
    assert mine.post(f"{PAGE}{row_of(db, others)}/end").status_code == 404
    assert mine.post(f"{PAGE}99999999/end").status_code == 404
    assert alive(others)
    assert mine.post(f"{PAGE}{row_of(db, mine)}/end").status_code == 409
    assert alive(mine)


def test_all_others_end_at_once(login: Login, token: Token, app: Flask, db: Session) -> None:
    here, there, bearer, stranger = login("impres"), login("impres"), token("impres"), login("concal")
    assert here.post(f"{PAGE}end-others").status_code == 303
    assert alive(here)
    assert not alive(there)
    assert not works(app, bearer)
    assert alive(stranger)
    assert '/end"' not in here.get(PAGE).text
    assert events(db, "impres")[-1][0] == "session.ended_all"


def test_who_may_edit_users_sees_and_ends_anothers(login: Login, app: Flask, db: Session, token: Token) -> None:
    admin, his, again, bearer = login("admadm"), login("impres"), login("impres"), token("impres")
    target = user(db, "impres").id
    assert admin.get(f"/users/show/{target}").text.count("/users/action/sessions/") == 1
    page = admin.get(f"{PAGE}of/{target}/").text
    assert page.count('/end"') == 4
    answer = admin.post(f"{PAGE}{row_of(db, his)}/end")
    assert answer.location == f"{PAGE}of/{target}/"
    assert (alive(his), alive(again)) == (False, True)
    assert events(db, "impres")[-1][1]["by"] == user(db, "admadm").id
    assert admin.post(f"{PAGE}of/{target}/end").status_code == 303
    assert not alive(again)
    assert not works(app, bearer)
    for path in (f"of/{target}/", f"of/{user(db, 'sistema').id}/"):
        assert login("jpgu").get(PAGE + path).status_code == 403
    assert admin.get(f"{PAGE}of/{user(db, 'sistema').id}/").status_code == 404
    assert login("jpgu").post(f"{PAGE}of/{target}/end").status_code == 403


def test_seen_is_written_once_a_minute_and_who_asks_costs_one_statement(
    login: Login, db: Session, connection: Connection
) -> None:
    client = login("impres")
    row = row_of(db, client)
    with statements(connection) as seen:
        assert alive(client)
    assert len(seen) == 1
    db.execute(update(UserSession).values(seen_at=utc_now() - dt.timedelta(minutes=2)))
    db.commit()
    with statements(connection) as seen:
        assert alive(client)
    assert len(seen) == 2
    with statements(connection) as seen:
        assert alive(client)
    assert len(seen) == 1
    assert utc_now() - db.get_one(UserSession, row, populate_existing=True).seen_at < dt.timedelta(seconds=30)


@pytest.mark.parametrize(
    "change",
    [
        "ended_at = null, ended_why = null, ended_by_id = null", "seen_at = now()", "kind = 'token'",
        "expires_at = now() + interval '1 year'", "key_hash = '\\x00'",
    ],
)  # fmt: skip
def test_a_session_that_has_ended_stays_ended(login: Login, db: Session, change: str) -> None:
    client = login("impres")
    row = row_of(db, client)
    client.post("/logout/")
    with pytest.raises(DBAPIError) as refusal, db.begin_nested():
        db.execute(text(f"update user_session set {change} where id = {row}"))
    assert refusal.value.orig.sqlstate == "23001"


def test_an_open_session_changes_neither_owner_nor_end(login: Login, db: Session) -> None:
    row = row_of(db, login("impres"))
    for change in ("expires_at = expires_at + interval '1 hour'", "user_id = user_id + 1", "kind = 'token'"):
        with pytest.raises(DBAPIError), db.begin_nested():
            db.execute(text(f"update user_session set {change} where id = {row}"))


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox 143 · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome 140 · Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge 140 · Windows"),
        ("Mozilla/5.0 (iPhone; OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari 18 · iPhone"),
        ("python-requests/2.32", "python-requests/2.32"), ("", ""), ("<b>\x00ñ" + "x" * 99, "<b>" + "x" * 37),
    ],
)  # fmt: skip
def test_a_session_is_called_by_its_browser(agent: str, label: str) -> None:
    assert label_of(agent) == label


# ---- tokens of stations


def issue(client: FlaskClient, **values: str):
    return client.post(TOKENS, data={"account": "estacion", "name": "GUA-E01", "days": "30", **values})


def issued(page: str) -> dict[str, str]:
    found = re.search(r"<textarea[^>]*>([^<]+)</textarea>", page)
    assert found
    return {"Authorization": f"Bearer {found[1]}"}


def station_answers(app: Flask, bearer: dict[str, str]) -> int:
    return app.test_client().get("/osia/enrollment/v1/enrollments/none?transactionId=t", headers=bearer).status_code


def test_a_station_works_with_its_token_until_that_is_revoked(login: Login, app: Flask, db: Session) -> None:
    admin = login("admadm")
    page = issue(admin).text
    bearer, other = issued(page), issued(issue(admin, name="GUA-E02").text)
    assert station_answers(app, bearer) == 404
    listed = admin.get(TOKENS).text
    assert "GUA-E01" in listed
    assert "GUA-E02" in listed
    assert bearer["Authorization"].split()[1] not in listed
    row = db.scalars(select(UserSession).where(UserSession.label == "GUA-E01")).one()
    assert (row.kind, row.issued_by_id) == ("station", user(db, "admadm").id)
    assert dt.timedelta(days=29) < row.expires_at - utc_now() <= dt.timedelta(days=30)
    assert admin.post(f"{TOKENS}{row.id}/revoke").status_code == 303
    assert station_answers(app, bearer) == 401
    assert station_answers(app, other) == 404
    assert [screen for screen, _ in events(db, "estacion")] == ["token.issued", "token.issued", "token.revoked"]
    assert events(db, "estacion")[0][1] == {"by": user(db, "admadm").id, "name": "GUA-E01", "days": 30}
    assert admin.post(f"{TOKENS}{row.id}/revoke").status_code == 409


def test_a_stations_token_asks_for_no_new_password_and_ends_with_the_account(login: Login, app: Flask, db: Session):
    admin = login("admadm")
    db.execute(update(User).where(User.username == "estacion").values(must_change_password=True))
    db.execute(update(Role).where(Role.name == "ESTACION").values(second_factor=True))
    db.commit()
    bearer = issued(issue(admin).text)
    assert station_answers(app, bearer) == 404
    admin.post(f"/users/action/disable/{user(db, 'estacion').id}")
    assert station_answers(app, bearer) == 401
    admin.post(f"/users/action/enable/{user(db, 'estacion').id}")
    assert station_answers(app, bearer) == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "impres"}, {"account": "admadm"}, {"account": "nadie"}, {"account": "sistema"}, {"name": " "},
        {"name": "x" * 61}, {"days": "0"}, {"days": "731"}, {"days": "1.5"}, {"days": ""}, {"days": "9" * 30},
    ],
    ids=str,
)  # fmt: skip
def test_no_token_is_issued_to_a_person_or_for_ever(login: Login, db: Session, wrong: dict[str, str]) -> None:
    page = issue(login("admadm"), **wrong)
    assert page.status_code == 400
    assert "field-error" in page.text
    assert db.scalars(select(UserSession).where(UserSession.kind == "station")).first() is None


def test_tokens_are_for_who_may_edit_users(login: Login) -> None:
    client = login("jpgu")
    assert client.get(TOKENS).status_code == 403
    assert issue(client).status_code == 403
    assert client.post(f"{TOKENS}1/revoke").status_code == 403


def test_the_list_of_tokens_pages_by_key(login: Login, db: Session) -> None:
    owner = user(db, "estacion")
    for number in range(60):
        db.add(UserSession(key_hash=bytes([number]), user_id=owner.id, epoch=owner.session_epoch, kind="token",
                           label=f"programa-{number:02d}", expires_at=utc_now() + dt.timedelta(hours=1)))  # fmt: skip
    db.commit()
    client = login("admadm")
    first = client.get(TOKENS).text
    onwards = re.search(r'href="(/tokens/\?before=\d+)"', first)
    assert onwards
    second = client.get(onwards[1]).text
    found = [set(re.findall(r"programa-\d\d", page)) for page in (first, second)]
    assert not found[0] & found[1]
    assert len(found[0] | found[1]) == 60
    assert client.get(f"{TOKENS}?before=x").status_code == 200


def test_a_token_without_a_session_is_none_of_ours(app: Flask, db: Session) -> None:
    with app.app_context():
        made = create_access_token(str(user(db, "supervisor").id))
    assert not works(app, {"Authorization": f"Bearer {made}"})
