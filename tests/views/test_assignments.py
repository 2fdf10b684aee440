"""What a user holds at one site or for a time, on his page; his warehouse; unused accounts closed many at once."""

import datetime as dt
import re
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import UserAssignment
from models.base import utc_now
from models.clock import local_date
from models.users import Role, User
from security.actor import load_actor
from security.permissions import Permission

Login = Callable[[str], FlaskClient]
TODAY = local_date(utc_now())
DAY = dt.timedelta(days=1)


def user(db: Session, username: str) -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).one()


def role_id(db: Session, name: str) -> int:
    return db.scalars(select(Role.id).where(Role.name == name)).one()


def form(db: Session, profile: str = "ENTREGA", **changes: str) -> dict[str, str]:
    return {
        "profile": str(role_id(db, profile)), "site": "PET", "valid_from": TODAY.isoformat(),
        "valid_until": (TODAY + 3 * DAY).isoformat(), "reason": "Vacaciones de otro", **changes,
    }  # fmt: skip


def test_a_profile_is_given_for_a_time_shown_marked_prolonged_and_ended(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "atenc").id
    assert client.post(f"/users/{target}/assignments/give", data=form(db)).status_code == 303
    given = db.scalars(select(UserAssignment)).one().id
    page = client.get(f"/users/{target}/assignments").text
    assert "Termina pronto" in page
    assert "Vacaciones de otro" in page
    assert "atenc" in client.get("/users/list/").text.split("Asignaciones que terminan", 1)[1]
    until = (TODAY + 60 * DAY).isoformat()
    path = f"/users/{target}/assignments/{given}"
    assert client.post(f"{path}/prolong", data={"valid_until": until}).status_code == 303
    assert "Termina pronto" not in client.get(f"/users/{target}/assignments").text
    assert client.post(f"{path}/end").status_code == 303
    assert "Terminadas" in client.get(f"/users/{target}/assignments").text
    actor = load_actor(db, username="atenc")
    assert actor is not None
    assert not actor.may(Permission.DELIVER)


def test_a_refused_assignment_comes_back_filled_in(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "atenc").id
    page = client.post(f"/users/{target}/assignments/give", data=form(db, valid_until="2020-01-01"))
    assert page.status_code == 400
    assert "Vacaciones de otro" in page.text
    assert 'class="field-error"' in page.text


def test_what_lets_one_carry_a_case_alone_is_given_only_once_that_was_read(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "impres")
    target.roles = [db.get_one(Role, role_id(db, name)) for name in ("IMPRES", "SUPERVISOR", "CONCAL")]
    db.commit()
    path = f"/users/{target.id}/assignments/give"
    assert client.post(path, data=form(db)).status_code == 303, "at another site it lets nobody"
    page = client.post(path, data=form(db, site="GUA"))
    assert page.status_code == 200
    assert 'name="aware"' in page.text
    assert db.scalars(select(UserAssignment).where(UserAssignment.site_code == "GUA")).all() == []
    assert client.post(path, data=form(db, site="GUA", aware="y")).status_code == 303


def test_general_profiles_warn_alike(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "impres").id
    chosen = {"profiles": [role_id(db, n) for n in ("IMPRES", "SUPERVISOR", "CONCAL", "ENTREGA")], "sites": ["GUA"]}
    page = client.post(f"/users/{target}/assignments", data=chosen)
    assert page.status_code == 200
    assert 'name="aware"' in page.text
    assert client.post(f"/users/{target}/assignments", data={**chosen, "aware": "y"}).status_code == 303


def test_the_warehouse_is_of_one_of_the_users_sites_and_goes_with_it(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "impres").id
    person = {"first_name": "Otra", "last_name": "Persona", "email": "otra@example.org"}
    refused = client.post(f"/users/edit/{target}", data={**person, "warehouse_code": "PROD-PET"})
    assert "no es de una de las sedes" in refused.text
    assert client.post(f"/users/edit/{target}", data={**person, "warehouse_code": "PROD-GUA"}).status_code == 303
    assert user(db, "impres").warehouse_code == "PROD-GUA"
    moved = {"profiles": [role_id(db, "IMPRES")], "sites": ["PET"]}
    assert client.post(f"/users/{target}/assignments", data=moved).status_code == 303
    assert user(db, "impres").warehouse_code is None


def test_stock_documents_begin_with_the_users_warehouse(login: Login, db: Session) -> None:
    user(db, "jpgu").warehouse_code = "PROD-PET"
    db.commit()
    client = login("jpgu")
    for path in ("/issues/new", "/transfers/new", "/closings/"):
        assert re.search(r'value="PROD-PET" selected', client.get(path).text), path


def test_the_list_tells_who_is_unused_and_its_total(login: Login, db: Session) -> None:
    client = login("admadm")
    user(db, "impres").last_login = utc_now().replace(tzinfo=None) - 60 * DAY
    user(db, "concal").last_login = utc_now().replace(tzinfo=None) - DAY
    db.commit()

    def listed(days: str) -> set[str]:
        page = client.get(f"/users/list/?_flt_0_last_login={days}&psize_UserView=100")
        return set(re.findall(r">(impres|concal|entrega)</a>", page.text))

    assert listed("45") == {"impres", "entrega"}
    assert listed("90") == {"entrega"}
    assert listed("never") == {"entrega"}
    assert client.get("/users/list/?_flt_0_last_login=x").status_code == 400
    assert "Total:" in client.get("/users/list/").text


def test_many_are_disabled_at_once_after_a_question(login: Login, db: Session) -> None:
    client, his = login("admadm"), login("impres")
    ids = {name: user(db, name).id for name in ("impres", "concal", "admadm")}
    asked = client.post("/users/action_post", data={"action": "disable_many", "rowid": list(ids.values())})
    assert asked.status_code == 200
    assert set(re.findall(r'name="user" value="(\d+)"', asked.text)) == {str(ids["concal"]), str(ids["impres"])}
    assert user(db, "impres").active, "only asked so far"
    assert client.post("/users/disable", data={"user": [ids["impres"], ids["concal"]]}).status_code == 303
    assert not user(db, "impres").active
    assert not user(db, "concal").active
    assert his.get("/account/data/form").status_code == 302
    mine = client.post("/users/disable", data={"user": [ids["admadm"], user(db, "entrega").id]})
    assert mine.status_code == 409
    assert user(db, "entrega").active, "all or none"
    assert login("jpgu").post("/users/disable", data={"user": ids["impres"]}).status_code == 403


def test_a_disabled_users_token_and_waiting_report_end(
    login: Login, app: Flask, db: Session, token: Callable[[str], dict[str, str]]
) -> None:
    import pytest

    from models.report_runs import ReportRun
    from reports import making
    from security.errors import NotAllowed

    bearer, client = token("concal"), login("admadm")
    assert app.test_client().get("/api/v1/cases?number=GUA000000001", headers=bearer).status_code in (200, 404)
    assert client.post(f"/users/action/disable/{user(db, 'concal').id}").status_code == 303
    assert app.test_client().get("/api/v1/cases?number=GUA000000001", headers=bearer).status_code == 401
    actor = load_actor(db, username="concal")
    with pytest.raises(NotAllowed):
        making._refuse(actor, ReportRun(sites=["GUA"]), Permission.REPORT_VOIDED)


def test_the_page_of_assignments_is_for_who_edits_users(login: Login, db: Session) -> None:
    target = user(db, "impres").id
    assert login("jpgu").get(f"/users/{target}/assignments").status_code == 403
    assert login("jpgu").post(f"/users/{target}/assignments/give", data=form(db)).status_code == 403
