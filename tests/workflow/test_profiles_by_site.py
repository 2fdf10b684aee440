"""A profile held at one site acts there and nowhere else, by page, by POST, by the interface; its days are kept."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from models.accounts import UserAssignment
from models.base import utc_now
from models.cases import PassportCase, State
from models.catalogs import Site
from models.clock import local_date
from models.users import Role, User
from reports.asking import ask, horizon
from reports.catalogue import REPORTS
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, WrongState
from security.permissions import Permission as P
from tests.build import make_booklets, make_case
from workflow import assignments, enquiries, machine, queues
from workflow.stock import document_lists, issues, printers, receipts

AsUser = Callable[[str], Actor]
Login = Callable[[str], FlaskClient]
TODAY = local_date(utc_now())
DAY = dt.timedelta(days=1)


def user(db: Session, username: str) -> User:
    return db.scalars(select(User).where(User.username == username)).one()


def role_id(db: Session, name: str) -> int:
    return db.scalars(select(Role.id).where(Role.name == name)).one()


def hold(db: Session, username: str, *held: tuple[str, str | None], sites: tuple[str, ...] = ()) -> None:
    """Let the user hold exactly these profiles at these sites, by assignments of today without an end."""
    somebody, giver = user(db, username), user(db, "admadm")
    somebody.roles, somebody.sites = [], [db.get_one(Site, code) for code in sites]
    for profile, site in held:
        db.add(
            UserAssignment(
                user_id=somebody.id, role_id=role_id(db, profile), site_code=site, valid_from=TODAY, reason="Prueba",
                given_by_id=giver.id, given_at=utc_now(),
            )
        )  # fmt: skip
    db.commit()


@pytest.fixture
def printer(db: Session) -> str:
    """`impres`: printer at GUA, only reader at PET."""
    hold(db, "impres", ("IMPRES", "GUA"), ("ATENC", "PET"), ("MRELOC", "PET"))
    return "impres"


def case_at(db: Session, site: str, state: State = State.AUTORIZADA) -> PassportCase:
    """A case captured and printed at `site`."""
    case = make_case(db, state, site_code=site, print_site_code=site)
    db.commit()
    return case


def test_each_permission_holds_where_its_profile_is_held(db: Session, as_user: AsUser, printer: str) -> None:
    actor = as_user(printer)
    assert actor.sites == {"GUA", "PET"}
    assert actor.sites_for(P.PRINT_BOOKLETS) == {"GUA"}
    assert actor.sites_for(P.READ_CASES) == {"GUA", "PET"}
    assert actor.may(P.PRINT_BOOKLETS)
    assert actor.may_at(P.PRINT_BOOKLETS, "GUA")
    assert not actor.may_at(P.PRINT_BOOKLETS, "PET")
    assert not actor.may_at(P.DELIVER, "GUA")
    assert actor.by(P.PRINT_BOOKLETS).by(P.READ_CASES).sites == {"GUA"}, "what was narrowed stays narrow"


def test_what_is_held_everywhere_and_at_one_site_is_told_apart(db: Session, as_user: AsUser) -> None:
    hold(db, "impres", ("IMPRES", "GUA"), ("CONSULTAS", None))
    actor = as_user("impres")
    assert actor.sites is None
    assert actor.sites_for(P.READ_CASES) is None
    assert actor.sites_for(P.PRINT_BOOKLETS) == {"GUA"}
    assert actor.covers(P.READ_CASES, None)
    assert not actor.covers(P.PRINT_BOOKLETS, None)


def test_a_profile_of_the_whole_office_held_at_one_site_gives_none_of_it(db: Session, as_user: AsUser) -> None:
    hold(db, "impres", ("ADMADM", "PET"))
    actor = as_user("impres")
    assert actor.sites == {"PET"}
    assert not actor.may(P.EDIT_USERS, P.EDIT_PROFILES, P.EDIT_CATALOGS, P.SEE_EVERY_SITE)
    assert actor.may(P.CORRECT_CASES)


def test_general_profiles_hold_at_each_of_ones_sites_besides(db: Session, as_user: AsUser) -> None:
    hold(db, "impres", ("ENTREGA", "PET"))
    somebody = user(db, "impres")
    somebody.roles, somebody.sites = [db.get_one(Role, role_id(db, "IMPRES"))], [db.get_one(Site, "GUA")]
    db.commit()
    actor = as_user("impres")
    assert actor.sites_for(P.PRINT_BOOKLETS) == {"GUA"}
    assert actor.sites_for(P.DELIVER) == {"PET"}
    assert actor.sites_for(P.READ_CASES) == {"GUA", "PET"}


def test_a_printer_of_one_site_prints_no_case_of_another(db: Session, as_user: AsUser, printer: str) -> None:
    here, there = case_at(db, "GUA"), case_at(db, "PET")
    (booklet,) = make_booklets(db, 5_000_001, 1)
    actor = as_user(printer)
    with pytest.raises(NotAllowed):
        machine.perform(db, "assign_booklet", there.number, actor, booklet=booklet)
    assert machine.available(there, actor) == []
    assert "assign_booklet" in {move.name for move in machine.available(here, actor)}
    assert machine.perform(db, "assign_booklet", here.number, actor, booklet=booklet).to_state == State.EN_IMPRESION
    assert enquiries.case_seen(db, there.number, actor), "it may be read"


def test_he_cannot_by_page_by_post_or_by_the_interface(
    app: Flask, db: Session, login: Login, token: Callable[[str], dict[str, str]], printer: str
) -> None:
    there = case_at(db, "PET").number
    (booklet,) = make_booklets(db, 5_000_001, 1)
    db.commit()
    client = login(printer)
    shown = client.get(f"/cases/{there}/")
    assert shown.status_code == 200
    assert "assign_booklet" not in shown.text
    assert client.get(f"/printing/{there}").status_code == 404
    assert client.get("/queues/printing/PET/").status_code == 404
    assert client.post(f"/printing/{there}/assign", data={"booklet": booklet}).status_code == 404
    assert client.post(f"/cases/{there}/assign_booklet", data={"booklet": booklet}).status_code == 404
    answer = app.test_client().post(
        f"/api/v1/cases/{there}/assign_booklet", json={"booklet": booklet}, headers=token(printer)
    )
    assert answer.status_code == 403
    anywhere = select(PassportCase.state).where(PassportCase.number == there).execution_options(every_site=True)
    assert db.scalars(anywhere).one() == State.AUTORIZADA


def test_queues_show_and_deal_only_where_one_works(db: Session, as_user: AsUser, printer: str) -> None:
    here, there = case_at(db, "GUA"), case_at(db, "PET")
    actor, queue = as_user(printer), queues.QUEUES["printing"]
    assert {count.code for count in queues.site_counts(db, queue, actor)} >= {"GUA"}
    assert "PET" not in {count.code for count in queues.site_counts(db, queue, actor)}
    assert queues.page(db, queue, "PET", actor)[0] == []
    assert queues.deal_next(db, queue, "PET", actor) is None
    assert queues.find_in_queue(db, queue, actor, words="Tzunux") == [here]
    with pytest.raises(NotFound):
        queues.site_called(db, queue, "PET", actor)
    with pytest.raises(NotAllowed):
        queues.take(db, queue, there.number, actor)


def test_stock_is_written_where_one_keeps_it(db: Session, as_user: AsUser) -> None:
    hold(db, "impres", ("PRODUCCION", "GUA"), ("IMPRES", "PET"))
    actor = as_user("impres")
    values: dict[str, Any] = {"on": TODAY, "category": "ORDINARIA"}
    keeper = actor.by(P.RECEIVE_STOCK)
    warehouses = {place.site_code: place.code for place in document_lists.warehouses(db)}
    assert warehouses["GUA"] in {place.code for place in document_lists.warehouses(db, keeper)}
    draft = receipts.draft_receipt(db, actor, warehouse=warehouses["GUA"], **values)
    assert draft.id
    with pytest.raises(BadValue):
        receipts.draft_receipt(db, actor, warehouse=warehouses["PET"], **values)
    draft.warehouse_code = warehouses["PET"]
    db.flush()
    with pytest.raises(NotAllowed):
        receipts.add_line(db, draft, actor, category="ORDINARIA", prefix="F", first=1, quantity=1)
    with pytest.raises(BadValue):
        issues.draft_issue(db, actor, on=TODAY, warehouse=warehouses["PET"], printer="impres")


def test_booklets_are_issued_to_who_prints_at_the_site(db: Session, as_user: AsUser, printer: str) -> None:
    keeper = as_user("produccion")
    assert printer in {one.username for one in printers.printers(db, keeper)}
    there = Actor(keeper.user_id, "x", "x", keeper.permissions, frozenset({"PET"}))
    assert printer not in {one.username for one in printers.printers(db, there)}


def test_a_report_is_held_to_the_sites_of_its_permission(db: Session, as_user: AsUser, printer: str) -> None:
    actor = as_user(printer)
    assert ask(REPORTS["printed"], actor, {}, horizon(db)).sites == ("GUA",)


# ---- days


@pytest.fixture
def target(db: Session) -> int:
    return user(db, "atenc").id


def give(db: Session, actor: Actor, target: int, **changes: Any) -> UserAssignment:
    values: dict[str, Any] = {
        "profile": role_id(db, "ENTREGA"), "site": "PET", "valid_from": TODAY, "valid_until": TODAY + 5 * DAY,
        "reason": "Vacaciones",
    }  # fmt: skip
    return assignments.give(db, actor, target, **(values | changes))


def may_deliver(db: Session) -> bool:
    actor = load_actor(db, username="atenc")
    assert actor is not None
    return actor.may_at(P.DELIVER, "PET")


def test_an_assignment_holds_from_its_first_to_its_last_day(db: Session, as_user: AsUser, target: int) -> None:
    admin = as_user("admadm")
    given = give(db, admin, target, valid_until=TODAY)
    assert may_deliver(db)
    db.execute(text("alter table user_assignment disable trigger assignment_stays"))
    for first, last, holds in ((TODAY + DAY, None, False), (TODAY - 3 * DAY, TODAY - DAY, False), (TODAY, None, True)):
        given.valid_from, given.valid_until = first, last
        db.flush()
        assert may_deliver(db) is holds, (first, last)


def test_an_assignment_is_ended_at_once_and_for_good(db: Session, as_user: AsUser, target: int) -> None:
    admin = as_user("admadm")
    given = give(db, admin, target)
    assignments.end(db, admin, given.id)
    assert not may_deliver(db)
    with pytest.raises(WrongState):
        assignments.prolong(db, admin, given.id, valid_until=None)
    assert give(db, admin, target).id, "another may be given for the same days"


def test_an_assignment_may_end_on_another_day(db: Session, as_user: AsUser, target: int) -> None:
    admin = as_user("admadm")
    given = give(db, admin, target, valid_until=TODAY + 30 * DAY)
    assert not assignments.ends_soon(given, TODAY)
    assignments.prolong(db, admin, given.id, valid_until=TODAY + 2 * DAY)
    assert assignments.ends_soon(given, TODAY)
    assert [one.id for one in assignments.ending_soon(db)] == [given.id]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"valid_until": TODAY - DAY}, "valid_until"),
        ({"valid_from": TODAY + 9 * DAY}, "valid_until"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"site": "NOPE"}, "site"),
        ({"site": None, "valid_until": None}, "site"),
        ({"profile": 0}, "profile"),
        ({"valid_from": dt.date(1, 1, 1)}, "valid_from"),
    ],
    ids=str,
)
def test_what_cannot_be_given_names_its_field(
    wrong: dict[str, Any], field: str, db: Session, as_user: AsUser, target: int
) -> None:
    with pytest.raises(BadValue) as refusal:
        give(db, as_user("admadm"), target, **wrong)
    assert refusal.value.field == field


def test_two_of_the_same_at_once_are_refused_by_words_and_by_the_database(
    db: Session, as_user: AsUser, target: int
) -> None:
    admin = as_user("admadm")
    first = give(db, admin, target)
    with pytest.raises(BadValue) as refusal:
        give(db, admin, target, valid_from=TODAY + 5 * DAY, valid_until=None)
    assert refusal.value.field == "profile"
    assert give(db, admin, target, site="QTZ").id
    assert give(db, admin, target, valid_from=TODAY + 6 * DAY, valid_until=None).id
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(
            text(
                "insert into user_assignment (user_id, role_id, site_code, valid_from, reason, given_by_id, given_at)"
                " select user_id, role_id, site_code, valid_from, reason, given_by_id, given_at from user_assignment"
                " where id = :id"
            ),
            {"id": first.id},
        )


@pytest.mark.parametrize(
    "change", ["reason = 'otra'", "valid_from = '2020-01-01'", "site_code = null", "user_id = user_id + 1"]
)
def test_an_assignment_stays_as_it_was_given(change: str, db: Session, as_user: AsUser, target: int) -> None:
    given = give(db, as_user("admadm"), target)
    for statement in (f"update user_assignment set {change}", "delete from user_assignment"):
        with pytest.raises(DBAPIError), db.begin_nested():
            db.execute(text(f"{statement} where id = :id"), {"id": given.id})


def test_nobody_gives_himself_anything_and_only_administrators_give(db: Session, as_user: AsUser, target: int) -> None:
    admin = as_user("admadm")
    with pytest.raises(Refused):
        give(db, admin, admin.user_id)
    with pytest.raises(NotAllowed):
        give(db, as_user("jpgu"), target)


def test_no_account_is_erased(db: Session, target: int) -> None:
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text("delete from ab_user where id = :id"), {"id": target})
