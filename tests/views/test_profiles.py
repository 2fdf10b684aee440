"""Perfiles: the list of the manual, creating, closing, and what a profile allows."""

import re
from collections.abc import Callable, Iterable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.accounts import UserAssignment
from models.base import utc_now
from models.clock import local_date
from models.users import Role, User
from security.actor import Actor, load_actor
from security.errors import Refused
from security.permissions import WHOLE_LIFE, Permission
from workflow import profiles

Login = Callable[[str], FlaskClient]


def role(db: Session, name: str) -> Role:
    query = select(Role).where(Role.name == name).execution_options(populate_existing=True)
    found = db.scalars(query).first()
    assert found is not None, name
    return found


def allowed(db: Session, username: str) -> frozenset[Permission]:
    actor = load_actor(db, username=username)
    assert actor is not None
    return actor.permissions


def change(client: FlaskClient, profile: int, permissions: Iterable[str], **more: str) -> TestResponse:
    """Send a set of permissions, and confirm what the page then says it would change."""
    data = {"permissions": list(permissions), **more}
    asked = client.post(f"/profiles/{profile}/permissions", data=data)
    seen = re.search(r'name="seen" value="(\w+)"', asked.text)
    assert seen, asked.text
    return client.post(f"/profiles/{profile}/permissions", data={**data, "seen": seen[1]})


def marked(page: str) -> set[str]:
    return set(re.findall(r'name="permissions" value="(\w+)" checked', page))


def test_the_list_has_the_columns_of_the_manual(login: Login) -> None:
    page = login("admadm").get("/profiles/list/").text
    assert "Jefe Pasaportes Guatemala" in page
    assert "JPGU" in page
    assert "/profiles/edit/" in page
    assert "/profiles/action/allow/" in page
    assert "True" not in re.sub(r"<script.*?</script>", "", page)


def test_the_list_says_how_many_hold_a_profile_in_few_statements(login: Login, db: Session) -> None:
    from tests.views.counting import statements

    client = login("admadm")
    with statements(db.connection()) as seen:
        page = client.get("/profiles/list/?q=impresor").text
    assert "<span>1</span>" in page
    assert len(seen) <= 6, "\n".join(seen)


def test_a_new_profile_allows_nothing_until_it_is_told(login: Login, db: Session) -> None:
    client = login("admadm")
    answer = client.post("/profiles/add", data={"title": "Archivo general", "name": "ARCHIVO"})
    made = role(db, "ARCHIVO")
    assert answer.status_code == 303
    assert answer.location.endswith(f"/profiles/{made.id}/permissions")
    assert marked(client.get(answer.location).text) == set()
    assert change(client, made.id, ["READ_CASES", "SEARCH_CASES"]).status_code == 303
    assert marked(client.get(answer.location).text) == {"READ_CASES", "SEARCH_CASES"}


@pytest.mark.parametrize("wrong", [{"name": "impres"}, {"name": "X"}, {"name": "IMPRES"}, {"title": " "}], ids=str)
def test_what_cannot_be_is_refused(wrong: dict[str, str], login: Login, db: Session) -> None:
    page = login("admadm").post("/profiles/add", data={"title": "Archivo general", "name": "ARCHIVO", **wrong})
    assert page.status_code == 200
    assert 'class="field-error"' in page.text
    assert db.scalars(select(Role).where(Role.name == "ARCHIVO")).first() is None


def test_editing_changes_the_description_and_never_the_abbreviation(login: Login, db: Session) -> None:
    target = role(db, "CONSULTAS").id
    given = {"title": "Consultas internas", "name": "OTRO", "permissions": ["EDIT_USERS"]}
    assert login("admadm").post(f"/profiles/edit/{target}", data=given).status_code == 303
    assert role(db, "CONSULTAS").title == "Consultas internas"
    assert Permission.EDIT_USERS not in allowed(db, "consultas")


def test_every_permission_is_offered_in_words_by_screen(login: Login, db: Session) -> None:
    page = login("admadm").get(f"/profiles/{role(db, 'IMPRES').id}/permissions").text
    assert set(re.findall(r'name="permissions" value="(\w+)"', page)) == {permission.name for permission in Permission}
    assert page.count('<fieldset class="permission-set">') == len({permission.screen for permission in Permission})
    assert "can_" not in page


def test_what_is_given_or_taken_holds_at_once(login: Login, db: Session) -> None:
    target, his = role(db, "CONCAL").id, login("concal")
    assert his.get("/catalogs/country/list/").status_code == 403
    names = ["READ_CASES", "CHECK_QUALITY", "READ_CATALOGS"]
    assert change(login("admadm"), target, names).status_code == 303
    assert his.get("/catalogs/country/list/").status_code == 200
    assert allowed(db, "concal") == {Permission[name] for name in names}


def test_a_set_for_a_whole_life_is_kept_only_once_the_warning_was_read(login: Login, db: Session) -> None:
    client, target = login("admadm"), role(db, "CONCAL").id
    chosen = {"permissions": [permission.name for permission in WHOLE_LIFE]}
    page = change(client, target, chosen["permissions"])
    assert page.status_code == 200
    assert 'name="aware"' in page.text
    assert "Control Calidad Prueba (concal)" in page.text
    assert set(re.findall(r'name="permissions" value="(\w+)"', page.text)) == set(chosen["permissions"])
    assert not allowed(db, "concal") >= WHOLE_LIFE
    assert change(client, target, chosen["permissions"], aware="y").status_code == 303
    assert allowed(db, "concal") >= WHOLE_LIFE
    assert "de principio a fin" in client.get(f"/profiles/{target}/permissions").text
    assert "mark-warning" in client.get("/profiles/list/?q=concal").text


def test_what_a_change_adds_removes_and_whom_it_affects_is_said_before_it_is_saved(login: Login, db: Session) -> None:
    client, target = login("admadm"), role(db, "CONCAL").id
    before = allowed(db, "concal")
    page = client.post(f"/profiles/{target}/permissions", data={"permissions": ["CHECK_QUALITY", "READ_CATALOGS"]}).text
    assert "<ins>Catálogos: Ver catálogos</ins>" in page
    assert "<del>" in page
    assert "concal" in page
    assert 'name="aware"' not in page
    assert allowed(db, "concal") == before
    edited = client.post(
        f"/profiles/{target}/permissions", data={"permissions": ["CHECK_QUALITY", "READ_CATALOGS"], "edit": "y"}
    )
    assert marked(edited.text) == {"CHECK_QUALITY", "READ_CATALOGS"}


def test_a_change_that_was_overtaken_is_shown_again(login: Login, db: Session) -> None:
    client, target = login("admadm"), role(db, "CONCAL").id
    data = {"permissions": ["CHECK_QUALITY"], "seen": "0" * 16}
    page = client.post(f"/profiles/{target}/permissions", data=data)
    assert page.status_code == 200
    assert "cambió mientras tanto" in page.text


def test_who_would_carry_a_case_by_two_profiles_is_named(login: Login, db: Session) -> None:
    """Nobody's profile alone would do; what he holds besides counts."""
    both = db.scalars(select(User).where(User.username == "impres")).one()
    both.roles = [role(db, "IMPRES"), role(db, "ENTREGA"), role(db, "SUPERVISOR")]
    db.commit()
    target = role(db, "ENTREGA")
    wanted = [permission.name for permission in allowed(db, "entrega") | {Permission.CHECK_QUALITY}]
    page = change(login("admadm"), target.id, wanted)
    assert page.status_code == 200
    assert "Impresor Prueba (impres)" in page.text.split("(1)", 1)[1]
    assert Permission.CHECK_QUALITY not in allowed(db, "entrega")


def test_a_closed_profile_allows_nothing_and_is_never_deleted(login: Login, db: Session) -> None:
    client, target = login("admadm"), role(db, "CONCAL").id
    assert client.post(f"/profiles/action/deactivate/{target}").status_code == 303
    assert allowed(db, "concal") == frozenset()
    assert client.get(f"/profiles/delete/{target}").status_code == 404
    assert client.post(f"/profiles/delete/{target}").status_code == 404
    assert client.post(f"/profiles/action/reactivate/{target}").status_code == 303
    assert Permission.CHECK_QUALITY in allowed(db, "concal")


def test_the_only_administrators_profile_cannot_be_closed_or_emptied(login: Login, db: Session) -> None:
    client, target = login("admadm"), role(db, "ADMADM").id
    assert client.post(f"/profiles/action/deactivate/{target}").status_code == 409
    without = [permission.name for permission in allowed(db, "admadm") - {Permission.EDIT_USERS}]
    assert change(client, target, without).status_code == 409
    assert Permission.EDIT_USERS in allowed(db, "admadm")


def test_nobody_adds_to_a_profile_he_holds(login: Login, db: Session, as_user: Callable[[str], Actor]) -> None:
    target = role(db, "ADMADM").id
    more = [permission.name for permission in allowed(db, "admadm") | {Permission.DELIVER}]
    assert change(login("admadm"), target, more, aware="y").status_code == 409
    assert Permission.DELIVER not in allowed(db, "admadm")
    closed = role(db, "ENTREGA")
    closed.active = False
    me = db.scalars(select(User).where(User.username == "admadm")).one()
    me.roles = [*me.roles, closed]
    db.flush()
    with pytest.raises(Refused):
        profiles.set_active(db, as_user("admadm"), closed.id, active=True)


def test_who_holds_a_profile_for_a_time_adds_nothing_to_it_either(
    login: Login, db: Session, as_user: Callable[[str], Actor]
) -> None:
    me, target = db.scalars(select(User).where(User.username == "admadm")).one(), role(db, "ENTREGA").id
    db.add(
        UserAssignment(
            user_id=me.id, role_id=target, site_code="GUA", valid_from=local_date(utc_now()), reason="Prueba",
            given_by_id=me.id, given_at=utc_now(),
        )
    )  # fmt: skip
    db.commit()
    more = allowed(db, "entrega") | {Permission.VOID_BOOKLETS, Permission.RESUME_PRINTS, Permission.PRINT_MOBILE}
    with pytest.raises(Refused):
        profiles.set_permissions(db, as_user("admadm"), target, more)
    assert profiles.holders(db)[target] == 2


def test_who_only_reads_profiles_changes_none(login: Login, db: Session) -> None:
    client, target = login("jpgu"), role(db, "CONCAL").id
    page = client.get(f"/profiles/{target}/permissions")
    assert page.status_code == 200
    assert "checkbox" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert client.post(f"/profiles/{target}/permissions", data={"permissions": ["DELIVER"]}).status_code == 403
    assert client.post(f"/profiles/action/deactivate/{target}").status_code == 403
    assert client.get("/profiles/add").status_code == 403
    assert login("concal").get("/profiles/list/").status_code == 403
