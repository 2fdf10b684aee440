"""Usuarios: the list of the manual, creating, editing, closing and opening accounts, profiles, sites, passwords."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from models.users import Role, User
from security.actor import SYSTEM_USERNAME, Actor, load_actor
from security.errors import NotAllowed, Refused
from workflow import users

Login = Callable[[str], FlaskClient]
NEW = {
    "username": "m.tzunux", "first_name": "Marisela", "last_name": "Tzunux", "email": "m.tzunux@example.org",
    "cui": "6000000080101", "desk": "M-3",
}  # fmt: skip


def user(db: Session, username: str) -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    found = db.scalars(query).first()
    assert found is not None, username
    return found


def role_id(db: Session, name: str) -> int:
    return db.scalars(select(Role.id).where(Role.name == name)).one()


def one_time(page: str) -> str:
    found = re.search(r'<code class="one-time"[^>]*>([^<]+)</code>', page)
    assert found, "the page shows no password"
    return found[1]


def test_the_list_has_the_columns_of_the_manual(login: Login) -> None:
    page = login("admadm").get("/users/list/").text
    heads = [re.sub(r"<[^>]+>|\s", "", head) for head in re.findall(r"<th scope=\"col\".*?</th>", page, re.S)]
    assert len([head for head in heads if head]) == 7
    assert "/users/edit/" in page
    assert "/users/action/disable/" in page
    assert "/users/action/profiles/" in page
    assert "/users/action/renew/" in page
    assert "/users/delete" not in page


def test_a_search_finds_by_name_whatever_its_accents(login: Login, db: Session) -> None:
    page = login("admadm").get("/users/list/?q=consultas prueba").text
    assert f"/users/show/{user(db, 'consultas').id}" in page
    assert f"/users/show/{user(db, 'impres').id}" not in page


def test_neither_order_nor_search_reaches_the_password(login: Login) -> None:
    client = login("admadm")
    assert client.get("/users/list/?_oc_UserView=password&_od_UserView=asc").status_code == 400
    everybody = client.get("/users/list/").text.count("/users/show/")
    filtered = client.get("/users/list/?_flt_0_password=scrypt")
    assert filtered.status_code == 400 or filtered.text.count("/users/show/") == everybody
    assert "pbkdf2" not in client.get("/users/list/").text


def test_a_new_user_gets_a_password_shown_once(login: Login, db: Session) -> None:
    client = login("admadm")
    given = {**NEW, "roles": [role_id(db, "IMPRES"), role_id(db, "ENTREGA")], "sites": ["GUA", "PET"]}
    page = client.post("/users/add", data=given)
    assert page.status_code == 200
    password = one_time(page.text)
    made = user(db, "m.tzunux")
    assert check_password_hash(str(made.password), password)
    assert made.must_change_password
    assert made.active
    assert {role.name for role in made.roles} == {"IMPRES", "ENTREGA"}
    assert [site.code for site in made.sites] == ["GUA", "PET"]
    assert made.created_by_fk == user(db, "admadm").id
    for path in ("/users/list/", f"/users/show/{made.id}", f"/users/edit/{made.id}"):
        assert password not in client.get(path).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "Marisela"}, {"username": "m"}, {"username": "con espacio"}, {"username": "x" * 41},
        {"username": "impres"}, {"email": "nada"}, {"email": "impres@example.org"}, {"cui": "123"}, {"first_name": " "},
        {"roles": ["999999"]}, {"sites": ["QQQ"]}, {"desk": "demasiado larga"},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_form_kept(wrong: dict[str, str], login: Login, db: Session) -> None:
    page = login("admadm").post("/users/add", data={**NEW, **wrong})
    assert page.status_code == 200
    assert 'class="field-error"' in page.text
    assert "Tzunux" in page.text
    assert db.scalars(select(User).where(User.last_name == "Tzunux")).first() is None


def test_a_user_name_that_exists_is_refused_naming_its_owner(login: Login) -> None:
    page = login("admadm").post("/users/add", data={**NEW, "username": "impres"}).text
    assert "Impresor Prueba" in page


def test_editing_changes_names_but_never_the_user_name_or_the_profiles(login: Login, db: Session) -> None:
    target = user(db, "impres")
    given = {
        "first_name": "Otra", "last_name": "Persona", "email": "otra@example.org", "desk": "M-9", "username": "otra",
        "roles": [role_id(db, "ADMADM")], "active": "", "password": "x",
    }  # fmt: skip
    before = target.password
    assert login("admadm").post(f"/users/edit/{target.id}", data=given).status_code == 303
    changed = user(db, "impres")
    assert (changed.first_name, changed.desk, changed.email) == ("Otra", "M-9", "otra@example.org")
    assert [role.name for role in changed.roles] == ["IMPRES"]
    assert changed.active
    assert changed.password == before
    assert changed.changed_by_fk == user(db, "admadm").id


def test_a_disabled_user_is_out_at_once_and_can_come_back(
    login: Login, app: Flask, db: Session, token: Callable[[str], dict[str, str]]
) -> None:
    admin, his, bearer = login("admadm"), login("impres"), token("impres")
    assert his.get("/").status_code == 200
    target = user(db, "impres").id
    assert admin.post(f"/users/action/disable/{target}").status_code == 303
    assert not user(db, "impres").active
    assert his.get("/account/data/form").status_code == 302
    assert app.test_client().post("/api/v1/security/refresh", headers=bearer).status_code == 401
    assert admin.post(f"/users/action/enable/{target}").status_code == 303
    assert user(db, "impres").active
    assert his.get("/account/data/form").status_code == 302, "what had been open stays ended"
    assert login("impres").get("/account/data/form").status_code == 200


def test_a_new_password_ends_the_sessions_unlocks_and_must_be_changed(login: Login, db: Session) -> None:
    admin, his = login("admadm"), login("impres")
    target = user(db, "impres")
    target.fail_login_count = 9
    db.commit()
    page = admin.post(f"/users/action/renew/{target.id}")
    changed = user(db, "impres")
    assert check_password_hash(str(changed.password), one_time(page.text))
    assert changed.must_change_password
    assert changed.fail_login_count == 0
    assert his.get("/account/data/form").status_code == 302


def test_profiles_and_sites_are_given_and_taken(login: Login, db: Session) -> None:
    admin, target = login("admadm"), user(db, "impres").id
    page = admin.get(f"/users/{target}/assignments").text
    assert page.count('type="checkbox"') > 40
    chosen = {"profiles": [role_id(db, "CONCAL"), role_id(db, "ATENC")], "sites": ["PET"]}
    assert admin.post(f"/users/{target}/assignments", data=chosen).status_code == 303
    changed = user(db, "impres")
    assert {role.name for role in changed.roles} == {"CONCAL", "ATENC"}
    assert [site.code for site in changed.sites] == ["PET"]
    actor = load_actor(db, username="impres")
    assert actor is not None
    assert actor.sites == {"PET"}


def test_a_closed_profile_cannot_be_given_but_stays_with_who_has_it(login: Login, db: Session) -> None:
    admin = login("admadm")
    db.get_one(Role, role_id(db, "ATENC")).active = False
    db.commit()
    mine, other = user(db, "atenc").id, user(db, "impres").id
    both = {"profiles": [role_id(db, "ATENC"), role_id(db, "CONCAL")]}
    refused = admin.post(f"/users/{other}/assignments", data=both)
    assert refused.status_code == 200
    assert [role.name for role in user(db, "impres").roles] == ["IMPRES"]
    assert admin.post(f"/users/{mine}/assignments", data=both).status_code == 303
    assert {role.name for role in user(db, "atenc").roles} == {"ATENC", "CONCAL"}


@pytest.mark.parametrize("act", ["disable", "enable", "renew"])
def test_nobody_closes_or_renews_his_own_account(act: str, login: Login, db: Session) -> None:
    me = user(db, "admadm")
    before = (me.password, me.session_epoch)
    answer = login("admadm").post(f"/users/action/{act}/{me.id}")
    assert answer.status_code == 409
    after = user(db, "admadm")
    assert after.active
    assert (after.password, after.session_epoch) == before


def test_nobody_gives_himself_a_profile_or_a_site(login: Login, db: Session) -> None:
    me = user(db, "admadm").id
    given = {"profiles": [role_id(db, "ADMADM"), role_id(db, "IMPRES")], "sites": ["GUA"]}
    assert login("admadm").post(f"/users/{me}/assignments", data=given).status_code == 409
    assert [role.name for role in user(db, "admadm").roles] == ["ADMADM"]


def test_the_last_administrator_stays_one(login: Login, db: Session, as_user: Callable[[str], Actor]) -> None:
    helper = user(db, "impres")
    helper.roles = [db.get_one(Role, role_id(db, "ADMADM"))]
    db.commit()
    actor = as_user("impres")
    users.disable(db, actor, user(db, "admadm").id)
    db.rollback()
    helper = user(db, "impres")
    helper.active = False
    db.commit()
    with pytest.raises(Refused):
        users.disable(db, actor, user(db, "admadm").id)


@pytest.mark.parametrize("path", ["edit/{id}", "show/{id}", "{id}/assignments"])
def test_the_systems_account_is_out_of_reach(path: str, login: Login, db: Session) -> None:
    client, system = login("admadm"), user(db, SYSTEM_USERNAME).id
    assert client.get("/users/" + path.format(id=system)).status_code == 404
    for act in ("disable", "enable", "renew", "profiles"):
        assert client.post(f"/users/action/{act}/{system}").status_code == 404
    assert f"/users/show/{system}" not in client.get("/users/list/?q=sistema").text


def test_who_only_reads_users_changes_none(login: Login, db: Session, as_user: Callable[[str], Actor]) -> None:
    client, target = login("jpgu"), user(db, "impres").id
    page = client.get("/users/list/")
    assert page.status_code == 200
    assert "/users/action/" not in page.text
    assert client.get("/users/add").status_code == 403
    assert client.post(f"/users/edit/{target}", data=NEW).status_code == 403
    assert client.get(f"/users/{target}/assignments").status_code == 403
    for act in ("disable", "renew", "profiles"):
        assert client.post(f"/users/action/{act}/{target}").status_code == 403
    with pytest.raises(NotAllowed):
        users.disable(db, as_user("jpgu"), target)


def test_who_may_not_see_users_is_refused(login: Login) -> None:
    assert login("concal").get("/users/list/").status_code == 403


def test_actions_are_for_one_user_and_posted(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "impres").id
    assert client.get(f"/users/action/disable/{target}").status_code == 405
    assert client.post("/users/action_post", data={"action": "disable", "rowid": [target]}).status_code == 404
    assert client.post(f"/users/action/resetpasswords/{target}").status_code == 404
    assert client.get(f"/users/delete/{target}").status_code == 404
    assert client.get(f"/resetpassword/form?pk={target}").status_code == 404


def test_the_list_costs_at_most_eight_statements(login: Login, db: Session) -> None:
    from tests.views.counting import statements

    client = login("admadm")
    with statements(db.connection()) as seen:
        assert client.get("/users/list/").status_code == 200
    assert len(seen) <= 8, "\n".join(seen)
