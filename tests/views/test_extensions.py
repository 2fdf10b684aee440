"""Prórroga on the screen: whether a passport can be extended, in words, and the new case it leads to."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import PassportCase, State
from models.clock import local_date
from models.users import AccessLog, Site, User
from tests.build import make_case
from tests.workflow.test_machine import Office, wait_until_it_expires
from workflow import extensions

Login = Callable[[str], FlaskClient]


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


@pytest.fixture
def old(db: Session, office: Office) -> PassportCase:
    """A delivered passport with a hundred days left."""
    case = office.case_in(State.ENTREGADA)
    wait_until_it_expires(db, office.use(case), local_date(utc_now()) + dt.timedelta(days=100))
    db.commit()
    return case


@pytest.fixture
def window() -> Iterator[None]:
    yield
    extensions.configure(6)


@pytest.mark.parametrize(
    ("expires", "months", "first"),
    [((2027, 8, 31), 6, (2027, 2, 28)), ((2028, 8, 31), 6, (2028, 2, 29)), ((2027, 3, 15), 6, (2026, 9, 15)),
     ((2027, 1, 1), 12, (2026, 1, 1)), ((2027, 1, 1), 0, (2027, 1, 1))],
)  # fmt: skip
def test_the_last_months_begin_on_the_same_day_of_the_month(
    window: None, expires: tuple[int, int, int], months: int, first: tuple[int, int, int]
) -> None:
    extensions.configure(months)
    assert extensions.opens_on(dt.date(*expires)) == dt.date(*first)


def test_a_passport_is_found_by_case_booklet_or_cui(db: Session, login: Login, old: PassportCase) -> None:
    client = login("supersu")
    for typed in (old.number, old.booklet_number, old.cui):
        assert client.post("/extensions/", data={"raw": typed}).location == f"/extensions/{old.number}", typed
    other = make_case(db)
    db.commit()
    several = client.post("/extensions/", data={"raw": old.cui}).text
    assert f"/extensions/{other.number}" in several
    assert "Enrolada" in several
    assert client.post("/extensions/", data={"raw": "F0000000"}).status_code == 400
    assert login("supervisor").get("/extensions/").status_code == 403


def test_what_can_be_extended_is_said_and_leads_to_the_new_case(db: Session, login: Login, old: PassportCase) -> None:
    client = login("supersu")
    page = client.get(f"/extensions/{old.number}").text
    assert "Se puede prorrogar." in page
    assert "data-confirm=" in page
    refused = client.post(f"/extensions/{old.number}", data={"comment": ""})
    assert refused.status_code == 400
    assert 'id="extend-comment-error"' in refused.text
    done = client.post(f"/extensions/{old.number}", data={"comment": "Viaja pronto"})
    new = db.scalars(select(PassportCase).where(PassportCase.parent_id == old.id).execution_options(every_site=True))
    made = new.one()
    assert done.location == f"/cases/{made.number}/"
    assert (made.state, made.procedure_code, made.previous_booklet) == ("AUTORIZADA", "PRORROGA", old.booklet_number)
    again = client.get(f"/extensions/{old.number}").text
    assert made.number in again
    assert 'name="comment"' not in again
    assert client.post(f"/extensions/{old.number}", data={"comment": "Otra vez"}).status_code == 409
    assert "extension" in set(db.scalars(select(AccessLog.screen).where(AccessLog.case_number == old.number)))


def test_too_early_says_from_which_day_on_and_in_which_window(
    db: Session, login: Login, office: Office, window: None
) -> None:
    case = office.case_in(State.ENTREGADA)
    until = office.use(case).expires_on
    db.commit()
    client = login("supersu")
    page = client.get(f"/extensions/{case.number}").text
    assert f"{extensions.opens_on(until):%d/%m/%Y}" in page
    assert 'name="comment"' not in page
    extensions.configure(24)
    wait_until_it_expires(db, office.use(case), local_date(utc_now()) + dt.timedelta(days=400))
    db.commit()
    assert "Se puede prorrogar." in client.get(f"/extensions/{case.number}").text


@pytest.mark.parametrize(("void_type", "said"), [("ROB", "debe enrolarse una reposición"), ("DET", "está anulado")])
def test_a_passport_that_was_voided_lost_or_stolen_is_not_extended(
    db: Session, login: Login, office: Office, old: PassportCase, void_type: str, said: str
) -> None:
    office.does("produccion", "void_booklet", old, void_type=void_type, comment="Denuncia 55")
    db.commit()
    client = login("supersu")
    page = client.get(f"/extensions/{old.number}").text
    assert "Este pasaporte no se puede prorrogar." in page
    assert said in page
    assert client.post(f"/extensions/{old.number}", data={"comment": "Viaja"}).status_code == 409


def test_who_does_not_see_the_case_finds_no_passport(db: Session, login: Login, old: PassportCase) -> None:
    head = db.scalars(select(User).where(User.username == "jpgu")).one()
    head.sites = [db.get_one(Site, "QTZ")]
    for role in head.roles:
        role.permissions = [pair for pair in role.permissions if pair.permission.name != "can_every_site"]
    db.commit()
    client = login("jpgu")
    assert client.get(f"/extensions/{old.number}").status_code == 404
    assert client.post(f"/extensions/{old.number}", data={"comment": "Viaja"}).status_code == 404
    assert client.post("/extensions/", data={"raw": old.cui}).status_code == 400
