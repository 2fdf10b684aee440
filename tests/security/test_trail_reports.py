"""What auditors read: acts, looks and changes, on screen and as files, for nobody else and for who sees every site."""

import io
from collections.abc import Callable

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from models.users import AccessLog, User, user_site
from reports.catalogue import REPORTS, TRAILS
from security.actor import Actor
from tests.build import CAST, make_case
from workflow import machine

Login = Callable[[str], FlaskClient]


@pytest.fixture
def number(db: Session, as_user: Callable[[str], Actor]) -> str:
    """A case that was authorised and looked at today, and a site whose name was changed."""
    case = make_case(db)
    machine.perform(db, "authorise", case.number, as_user("supervisor"), comment="Papeles completos")
    as_user("admadm")
    db.execute(text("update site set name = 'Sede Nueva' where code = 'GUA'"))
    db.commit()
    return case.number


def test_the_trail_is_apart_from_the_reports_of_the_manual() -> None:
    assert set(TRAILS) == {"audit_acts", "audit_looks", "audit_changes"}
    assert not set(TRAILS) & set(REPORTS)


@pytest.mark.parametrize("key", TRAILS)
def test_only_whom_the_profile_lets_reads_the_trail(login: Login, number: str, key: str) -> None:
    for name in ("jpgu", "supervisor", "consultas"):
        assert TRAILS[key].permission not in CAST[name].permissions
        client = login(name)
        assert client.get(f"/reports/{key}/").status_code == 403
        assert client.post(f"/reports/files/{key}", data={"format": "xlsx"}).status_code == 403


@pytest.mark.parametrize("key", TRAILS)
def test_who_does_not_see_every_site_does_not_read_it_even_with_the_permission(
    db: Session, login: Login, number: str, key: str
) -> None:
    db.execute(
        text(
            "delete from ab_permission_view_role g using ab_role r, ab_permission_view pv, ab_view_menu v"
            " where r.id = g.role_id and r.name = 'AUDITOR' and pv.id = g.permission_view_id and v.id = pv.view_menu_id"
            " and v.name = 'Sites'"
        )
    )
    db.execute(
        delete(user_site).where(
            user_site.c.user_id == select(User.id).where(User.username == "auditor").scalar_subquery()
        )
    )
    db.commit()
    assert login("auditor").get(f"/reports/{key}/").status_code == 403


def test_acts_looks_and_changes_say_who_what_and_when_and_are_exported(db: Session, login: Login, number: str) -> None:
    login("supervisor").get(f"/cases/{number}")
    client = login("auditor")
    acts = client.get("/reports/audit_acts/").text
    for said in (number, "supervisor", "Autorización", "Papeles completos"):
        assert said in acts
    looks = client.get("/reports/audit_looks/?cases_from=" + number).text
    assert number in looks
    assert "supervisor" in looks
    changes = client.get("/reports/audit_changes/?subject=site&row=GUA").text
    for said in ("admadm", "Sede Nueva", "Cambiado"):
        assert said in changes
    made = client.post("/reports/files/audit_changes", data={"format": "xlsx", "subject": "site", "row": "GUA"})
    book = openpyxl.load_workbook(io.BytesIO(client.get(made.location).data))
    head, _seeded, line = book["Datos"].iter_rows(values_only=True)
    told = dict(zip(head, line, strict=True))
    assert (told["Usuario"], told["Cuál"], told["Acto"]) == ("admadm", "GUA", "Cambiado")
    assert "Sede Nueva" in told["Después"]


def test_reading_the_trail_is_itself_in_the_trail(db: Session, login: Login, number: str) -> None:
    login("auditor").get("/reports/audit_changes/")
    looks = db.scalars(select(AccessLog.screen)).all()
    assert "report:audit_changes" in looks


def test_the_page_of_a_catalog_entry_and_of_a_user_tells_its_changes(db: Session, login: Login, number: str) -> None:
    client = login("admadm")
    page = client.get("/catalogs/site/show/GUA").text
    assert "Sede Nueva</ins>" in page
    user = db.scalars(select(User).where(User.username == "impres")).one()
    client.post(f"/users/edit/{user.id}", data={
        "first_name": "Otra", "last_name": "Persona", "email": "otra@example.org", "cui": "", "desk": "7",
    })  # fmt: skip
    page = client.get(f"/users/show/{user.id}").text
    assert "<ins>Otra</ins>" in page
    assert "Perfil de un usuario" in page
