"""Two administrators at once, each on his own connection: one wins, the other is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models.accounts import AccessReview, UserAssignment
from models.base import make_engine, utc_now
from models.clock import local_date
from models.users import Role, User
from security.actor import load_actor
from security.errors import BadValue, WrongState
from tests.together import at_once
from workflow import assignments, reviews, user_import

TODAY = local_date(utc_now())


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("account_races"), pool_size=5)
    with Session(engine) as session:
        second = session.scalars(select(User).where(User.username == "impres")).one()
        second.roles = [session.scalars(select(Role).where(Role.name == "ADMADM")).one()]
        session.commit()
    yield engine
    engine.dispose()


def both(office: Engine, act: Callable[[Session, Any], Any]) -> list[Any]:
    """What `act` gave to each of two administrators."""

    def by(username: str) -> Any:
        with Session(office) as session:
            actor = load_actor(session, username=username)
            done = act(session, actor)
            session.commit()
            return done

    return at_once(lambda: by("admadm"), lambda: by("impres"))


def kinds(results: list[Any], refusal: type) -> list[bool]:
    return sorted(isinstance(result, refusal) for result in results)


def test_the_same_assignment_is_given_once(office: Engine) -> None:
    with Session(office) as session:
        target = session.scalars(select(User.id).where(User.username == "atenc")).one()
        profile = session.scalars(select(Role.id).where(Role.name == "ENTREGA")).one()

    def give(session: Session, actor: Any) -> Any:
        return assignments.give(
            session, actor, target, profile=profile, site="PET", valid_from=TODAY, valid_until=None, reason="Prueba"
        ).id

    assert kinds(both(office, give), BadValue) == [False, True]
    with Session(office) as session:
        assert len(session.scalars(select(UserAssignment)).all()) == 1


def test_a_review_is_opened_and_signed_once(office: Engine) -> None:
    results = both(office, lambda session, actor: reviews.open_review(session, actor, "PET").id)
    assert kinds(results, WrongState) == [False, True]
    (number,) = [result for result in results if isinstance(result, int)]
    with Session(office) as session:
        for username in ("admadm", "impres"):
            actor = load_actor(session, username=username)
            assert actor is not None
            lines = reviews.find(session, actor, number).lines
            others = {line.id: ("KEEP", "") for line in lines if line.user_id != actor.user_id and not line.decision}
            reviews.decide(session, actor, number, others)
        session.commit()
    results = both(office, lambda session, actor: reviews.sign(session, actor, number).id)
    assert kinds(results, WrongState) == [False, True]
    with Session(office) as session:
        assert session.get_one(AccessReview, number).signed_at is not None


def test_the_same_file_is_imported_once(office: Engine) -> None:
    cells = ("m.tzunux", "Marisela", "Tzunux", "m.tzunux@example.org", "", "", "", "IMPRES", "GUA")
    rows = [dict(zip(user_import.COLUMNS, cells, strict=True))]
    with Session(office) as session:
        actor = load_actor(session, username="admadm")
        assert actor is not None
        digest = user_import.plan(session, actor, rows).digest
    results = both(office, lambda session, actor: user_import.carry_out(session, actor, rows, digest))
    assert kinds(results, WrongState) == [False, True]
