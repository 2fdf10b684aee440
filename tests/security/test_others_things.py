"""What belongs to another site or another person, asked for by its number: as if it were not there."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.cases import CasePicture, State
from tests.build import make_case

Login = Callable[[str], FlaskClient]
Header = dict[str, str]


@pytest.fixture
def far(db: Session) -> str:
    """A case of another site than that of the local cast."""
    number = make_case(db, State.ENROLADA, site_code="PET", print_site_code="PET").number
    db.commit()
    return number


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("supervisor", "/cases/{0}/"),
        ("supervisor", "/cases/{0}/review"),
        ("supervisor", "/cases/{0}/preview"),
        ("supervisor", "/cases/{0}/preview.svg"),
        ("supervisor", "/cases/{0}/preview.pdf"),
        ("entrega", "/delivery/{0}"),
        ("concal", "/quality/{0}"),
    ],
)
def test_a_case_of_another_site_is_not_there_on_any_page(login: Login, far: str, name: str, path: str) -> None:
    assert login(name).get(path.format(far)).status_code == 404


def test_its_pictures_are_not_there(db: Session, login: Login, far: str) -> None:
    picture = db.query(CasePicture.kind).limit(1).scalar()
    client = login("supervisor")
    for kind in ("PORTRAIT", "SIGNATURE", picture or "RIGHT_INDEX"):
        for path in (f"/cases/{far}/pictures/{kind}", f"/cases/{far}/pictures/{kind}/thumbnail"):
            assert client.get(path).status_code == 404


def test_nothing_can_be_done_to_it(
    login: Login, app: Flask, token: Callable[[str], Header], far: str, db: Session
) -> None:
    before = db.execute(text("select count(*) from case_event")).scalar_one()
    form = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
    assert login("entrega").post(f"/cases/{far}/deliver", data=form).status_code == 404
    program = app.test_client()
    for path, method in ((f"/api/v1/cases/{far}", "GET"), (f"/api/v1/cases/{far}/deliver", "POST")):
        answer = program.open(path, method=method, json=form if method == "POST" else None, headers=token("entrega"))
        assert answer.status_code == 404
    assert db.execute(text("select count(*) from case_event")).scalar_one() == before


def test_the_file_of_a_report_and_its_progress_are_its_owners_and_of_who_sees_as_much(login: Login, far: str) -> None:
    owner, other = login("jpgu"), login("supervisor")
    made = owner.post("/reports/files/received", data={"format": "xlsx"}).location.split("/")[3]
    for path in ("", "/file", "/state"):
        assert owner.get(f"/reports/files/{made}{path}").status_code == 200
        assert other.get(f"/reports/files/{made}{path}").status_code in (403, 404)
    for act in ("cancel", "again"):
        assert other.post(f"/reports/files/{made}/{act}", data={"format": "xlsx"}).status_code in (403, 404)


def test_whoever_sends_a_token_is_not_taken_for_the_owner_of_a_cookie(
    login: Login, token: Callable[[str], Header], far: str
) -> None:
    client = login("admadm")
    assert client.get(f"/api/v1/cases/{far}", headers=token("supervisor")).status_code == 404
    assert client.get(f"/api/v1/cases/{far}", headers=token("jpgu")).status_code == 200
