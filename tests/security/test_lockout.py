"""Lock-outs: strangers lock strangers, known places wait for their own failures only, no count is lost to a race."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from models.base import make_engine, utc_now
from models.sessions import LoginSource
from models.users import User
from security.lockout import KNOWN_FOR, STRANGERS_TRIES, TRIES, got_in, may_try, network_of
from tests.together import at_once

Login = Callable[[str], FlaskClient]
DESK, OUTSIDER = "10.1.1.7", "203.0.113.9"


@pytest.fixture(autouse=True)
def quick(app: Flask) -> Iterator[None]:
    """What takes as long as a true hash does not here."""
    dear = app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
    app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"] = generate_password_hash("-", "pbkdf2:sha256:1")
    yield
    app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"] = dear


def enter(app: Flask, address: str, password: str, username: str = "impres") -> int:
    client = app.test_client()
    given = {"username": username, "password": password}
    return client.post("/login/", data=given, environ_base={"REMOTE_ADDR": address}).status_code


def opens(app: Flask, address: str) -> bool:
    return enter(app, address, "secreto-impres") == 303


def guess(app: Flask, address: str, times: int) -> None:
    for _ in range(times):
        assert enter(app, address, "no") == 401


def wait_over(db: Session) -> None:
    """Every wait that there is now is over. A test is one transaction, whose now() stands still."""
    past = utc_now() - dt.timedelta(hours=1)
    db.execute(update(LoginSource).where(LoginSource.locked_until.is_not(None)).values(locked_until=past))
    db.execute(update(User).where(User.locked_until.is_not(None)).values(locked_until=past))
    db.commit()


def test_an_outsider_who_guesses_for_ever_never_locks_the_user_out_of_his_desk(app: Flask, db: Session) -> None:
    assert opens(app, DESK)
    for _ in range(4):
        guess(app, OUTSIDER, TRIES)
        assert opens(app, DESK), "at once, while the outsider waits"
        wait_over(db)
    guess(app, OUTSIDER, TRIES)
    assert not opens(app, OUTSIDER), "not even with the right password"


def test_an_outsider_with_many_addresses_locks_strangers_only(app: Flask, db: Session) -> None:
    assert opens(app, DESK)
    for number in range(STRANGERS_TRIES):
        guess(app, f"198.51.100.{number}", 1)
    assert not opens(app, "192.0.2.1"), "a stranger who did not fail waits for the others"
    assert opens(app, DESK)
    assert opens(app, "192.0.2.1"), "the user has shown that he is there"


def test_failures_at_ones_own_desk_lock_that_desk(app: Flask, db: Session) -> None:
    assert opens(app, DESK)
    guess(app, DESK, TRIES)
    assert not opens(app, DESK)
    assert opens(app, "10.1.1.8"), "another desk is free"
    wait_over(db)
    assert opens(app, DESK)


def test_a_place_is_known_for_a_while(app: Flask, db: Session) -> None:
    assert opens(app, DESK)
    db.execute(update(LoginSource).values(known_at=utc_now() - KNOWN_FOR - dt.timedelta(hours=1)))
    db.commit()
    for number in range(STRANGERS_TRIES):
        guess(app, f"198.51.100.{number}", 1)
    assert not opens(app, DESK)


def test_what_failed_yesterday_is_not_held_against_one(app: Flask, db: Session) -> None:
    guess(app, DESK, TRIES - 1)
    db.execute(update(LoginSource).values(failed_at=utc_now() - dt.timedelta(days=2)))
    db.commit()
    guess(app, DESK, 1)
    row = db.scalars(select(LoginSource).execution_options(populate_existing=True)).one()
    assert (row.failures, row.locked_until) == (1, None)
    assert opens(app, DESK)


def test_the_administrators_new_password_opens_every_place(
    app: Flask, db: Session, login: Callable[[str], FlaskClient]
):
    guess(app, DESK, TRIES)
    user = db.scalars(select(User).where(User.username == "impres")).one()
    page = login("admadm").post(f"/users/action/renew/{user.id}").text
    password = page.split('<code class="one-time" translate="no">')[1].split("<")[0]
    assert enter(app, DESK, password) == 303


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.1.7", "10.1.1.7"), ("::ffff:10.1.1.7", "10.1.1.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), (None, "-"), ("unix:", "-"),
    ],
)  # fmt: skip
def test_an_address_counts_as_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_of_many_tries_at_once_no_more_are_judged_than_are_allowed(fresh_database: Callable[[str], str]) -> None:
    engine = make_engine(fresh_database("lockout"), pool_size=20)
    with Session(engine) as session:
        user = session.scalars(select(User.id).where(User.username == "impres")).one()

    def attempt(address: str) -> bool:
        with Session(engine) as session:
            judged = may_try(session, user, address)
            session.commit()
            return judged

    judged = at_once(*(lambda: attempt(OUTSIDER) for _ in range(16)))
    assert sum(judged) == TRIES
    with Session(engine) as session:
        got_in(session, user, DESK)
        session.commit()
    many = at_once(*(lambda place=f"198.51.100.{number}": attempt(place) for number in range(STRANGERS_TRIES + 10)))
    assert sum(many) == STRANGERS_TRIES
    assert attempt(DESK)
    with Session(engine) as session:
        counted = session.get_one(User, user)
        assert counted.fail_login_count == STRANGERS_TRIES + 1
    engine.dispose()
