"""Anular Libreta on the screen: one booklet by its card, a second person for delivered ones, and the way back."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest
from models.booklets import Booklet
from models.cases import PassportCase, State
from models.users import Site, User
from tests.build import make_booklets
from tests.views.desk import again
from tests.workflow.test_machine import Office

Login = Callable[[str], FlaskClient]


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


@pytest.fixture
def delivered(db: Session, office: Office) -> PassportCase:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    return case


def state(db: Session, number: str | None) -> str:
    return db.scalars(select(Booklet.state).where(Booklet.number == number)).one()


def offered(page: str) -> set[str]:
    return set(re.findall(r'<option value="([A-Z]{3})"', page.split('id="void"')[1].split("</form>")[0]))


def test_a_booklet_is_found_by_its_number_its_zone_or_its_case(
    db: Session, login: Login, office: Office, delivered: PassportCase
) -> None:
    client, use = login("produccion"), office.use(delivered)
    for typed in (delivered.booklet_number, f"{use.mrz_line_1}\n{use.mrz_line_2}", delivered.number):
        found = client.post("/voids/", data={"raw": typed})
        assert found.location == f"/booklets/{delivered.booklet_number}#void", typed
    assert client.post("/voids/", data={"raw": "mañana"}).status_code == 400
    assert client.get("/voids/").status_code == 200
    assert login("impres").get("/voids/").status_code == 403


def test_the_card_offers_the_void_types_of_the_booklets_state(
    db: Session, login: Login, office: Office, delivered: PassportCase
) -> None:
    client, printed = login("produccion"), office.case_in(State.POST_IMPRESION)
    (blank,) = make_booklets(db, 5_900_001, 1)
    db.commit()
    theirs = offered(client.get(f"/booklets/{delivered.booklet_number}").text)
    assert theirs == {"REP", "ROB", "HUR", "EXT", "DET", "CES", "FAL", "FRA", "JUD"}
    ours = offered(client.get(f"/booklets/{printed.booklet_number}").text)
    assert "NRC" in ours
    assert "ROB" not in ours
    assert "PRU" in offered(client.get(f"/booklets/{blank}").text)
    assert 'id="void"' not in login("impres").get(f"/booklets/{printed.booklet_number}").text


def test_before_delivery_one_person_voids_and_the_case_goes_back(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.POST_IMPRESION)
    number = case.booklet_number
    db.commit()
    client = login("produccion")
    assert "data-confirm=" in client.get(f"/booklets/{number}").text
    refused = client.post(f"/booklets/{number}/void", data={"void_type": "NRC", "remarks": " "})
    assert refused.status_code == 400
    assert 'id="f-remarks-error"' in refused.text
    assert re.search(r'<option value="NRC" selected>', refused.text)
    done = client.post(f"/booklets/{number}/void", data={"void_type": "NRC", "remarks": "Nadie vino"})
    assert done.location == f"/booklets/{number}"
    assert (state(db, number), again(db, case).state) == ("ANULADA", "AUTORIZADA")


@pytest.mark.parametrize("void_type", ["ROB", "EXT"])
def test_a_report_of_loss_or_theft_voids_a_delivered_passport_at_once(
    db: Session, login: Login, delivered: PassportCase, void_type: str
) -> None:
    number = delivered.booklet_number
    data = {"void_type": void_type, "remarks": "Denuncia 55"}
    assert login("produccion").post(f"/booklets/{number}/void", data=data).location == f"/booklets/{number}"
    assert state(db, number) == "ANULADA"


def test_any_other_void_of_a_delivered_passport_is_asked_for_and_approved_by_another(
    db: Session, login: Login, delivered: PassportCase
) -> None:
    number, client = delivered.booklet_number, login("produccion")
    done = client.post(f"/booklets/{number}/void", data={"void_type": "JUD", "remarks": "Oficio 12"})
    request = db.scalars(select(AmendmentRequest)).one()
    assert done.location == f"/amendments/{request.id}"
    assert state(db, number) == "ENTREGADA"
    assert f"/amendments/{request.id}" in client.get("/voids/").text
    assert f"/amendments/{request.id}" in client.get(f"/booklets/{number}").text
    assert f'href="/amendments/{request.id}"' not in login("jpgu").get("/corrections/").text
    page = login("jpgu").get(f"/amendments/{request.id}").text
    assert "Oficio 12" in page
    assert "Orden judicial" in page
    assert client.post(f"/amendments/{request.id}/approve", data={}).status_code == 409
    assert login("jpgu").post(f"/amendments/{request.id}/approve", data={}).status_code == 303
    assert state(db, number) == "ANULADA"
    assert login("jpgu").get(f"/amendments/{request.id}/paper").status_code == 404


def test_a_void_by_mistake_is_undone_from_the_card_by_another_person(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.POST_IMPRESION)
    number = case.booklet_number
    db.commit()
    login("admadm").post(f"/booklets/{number}/void", data={"void_type": "ERR", "remarks": "Se confundió"})
    page = login("admadm").get(f"/booklets/{number}").text
    assert "Quien anuló una libreta" in page.split('id="void"')[1]
    assert f"/booklets/{number}/reactivate" not in page
    assert login("produccion").post(f"/booklets/{number}/reactivate", data={}).status_code == 403
    other = db.scalars(select(User).where(User.username == "jusa")).one()
    other.roles = list(db.scalars(select(User).where(User.username == "admadm")).one().roles)
    db.commit()
    client = login("jusa")
    assert f'action="/booklets/{number}/reactivate"' in client.get(f"/booklets/{number}").text
    assert client.post(f"/booklets/{number}/reactivate", data={"remarks": ""}).status_code == 400
    assert client.post(f"/booklets/{number}/reactivate", data={"remarks": "No era esa"}).status_code == 303
    assert (state(db, number), again(db, case).state) == ("IMPRESA", "POST_IMPRESION")


def test_what_cannot_come_back_says_why(db: Session, login: Login, office: Office, delivered: PassportCase) -> None:
    number = delivered.booklet_number
    login("produccion").post(f"/booklets/{number}/void", data={"void_type": "ROB", "remarks": "Denuncia 55"})
    page = login("admadm").get(f"/booklets/{number}").text
    assert "No puede reactivarla." in page
    assert "ROB" in page.split('id="void"')[1].split("</section>")[0]


def test_a_booklet_that_the_case_no_longer_has_voids_nothing_else(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.POST_IMPRESION)
    old = case.booklet_number
    office.does("produccion", "void_booklet", case, void_type="ERR", comment="Se confundió")
    office.bring(case, State.IMPRESA)
    db.commit()
    data = {"void_type": "ERR", "remarks": "Otra vez"}
    answer = login("produccion").post(f"/booklets/{old}/void", data=data)
    assert answer.status_code == 409
    assert state(db, case.booklet_number) == "IMPRESA"


def test_a_booklet_of_another_site_is_voided_there(db: Session, login: Login, delivered: PassportCase) -> None:
    elsewhere = db.scalars(select(User).where(User.username == "impdep")).one()
    elsewhere.sites = [db.get_one(Site, "PET")]
    elsewhere.roles = list(db.scalars(select(User).where(User.username == "jpgu")).one().roles)
    for role in elsewhere.roles:
        role.permissions = [pair for pair in role.permissions if pair.permission.name != "can_every_site"]
    db.commit()
    client = login("impdep")
    assert 'id="void"' not in client.get(f"/booklets/{delivered.booklet_number}").text
    data = {"void_type": "ROB", "remarks": "Denuncia 55"}
    assert client.post(f"/booklets/{delivered.booklet_number}/void", data=data).status_code == 409
    assert state(db, delivered.booklet_number) == "ENTREGADA"
