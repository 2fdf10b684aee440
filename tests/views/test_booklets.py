"""Libreta: the card found by number or scan, blanks voided and brought back with a confirmation, the interface."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState
from models.users import AccessLog
from security.actor import load_actor
from tests.build import make_booklets
from tests.views.counting import statements
from tests.views.desk import act, checked, in_printing, use_of
from workflow.stock import blanks

Login = Callable[[str], FlaskClient]
NUMBER = "F5000001"
WHY = {"void_type": "DAB", "remarks": "Caja mojada"}


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("produccion")


def state(db: Session, number: str = NUMBER) -> BookletState:
    return db.get_one(Booklet, number, populate_existing=True).state


def voided(db: Session, number: str = NUMBER) -> None:
    keeper = load_actor(db, username="produccion")
    assert keeper is not None
    blanks.void_blank(db, keeper, number, **WHY)
    db.commit()


def movements(page: str) -> str:
    return page.split('id="movements"')[1].split("</table>")[0]


def test_a_scanned_number_opens_its_card(db: Session, client: FlaskClient) -> None:
    make_booklets(db)
    db.commit()
    assert 'name="raw"' in client.get("/booklets/").text
    for typed in (NUMBER, " f500-0001 ", "f5000001\n"):
        assert client.post("/booklets/", data={"raw": typed}).location == f"/booklets/{NUMBER}"


def test_a_scanned_zone_opens_the_card_and_stays_in_no_address(db: Session, client: FlaskClient) -> None:
    use = use_of(db, checked(db))
    db.commit()
    answer = client.post("/booklets/", data={"raw": f"{use.mrz_line_1}\n{use.mrz_line_2}"})
    assert answer.location == f"/booklets/{NUMBER}"


def test_what_is_no_booklet_is_told_at_the_field_and_stays_there(client: FlaskClient) -> None:
    answer = client.post("/booklets/", data={"raw": "Tzunux"})
    assert answer.status_code == 400
    assert 'id="f-raw-error"' in answer.text
    assert ">Tzunux</textarea>" in answer.text


def test_a_number_that_does_not_exist_is_not_found_and_stays_in_the_field(client: FlaskClient) -> None:
    answer = client.get("/booklets/F9999999")
    assert answer.status_code == 404
    assert 'id="f-raw-error"' in answer.text
    assert ">F9999999</textarea>" in answer.text
    assert client.get("/booklets/nada").status_code == 404


def test_the_card_shows_the_columns_of_the_manual_and_links_document_and_case(db: Session, client: FlaskClient) -> None:
    case = in_printing(db)
    receipt = db.scalars(select(func.max(Booklet.number))).one()
    assert receipt == NUMBER
    page = client.get(f"/booklets/{NUMBER}").text
    table = movements(page)
    assert table.count('scope="col"') == 8
    assert table.count("<tr>") == 3, "a heading and a row for each side of our stock"
    assert 'href="/receipts/' in table
    assert f'href="/cases/{case.number}/"' in table
    assert case.full_name in page
    assert "PRODUCCIÓN | CENTRO DE IMPRESIÓN GUATEMALA" in table


def test_the_holder_is_shown_to_who_sees_the_case_and_that_is_logged(db: Session, login: Login) -> None:
    case = in_printing(db, site_code="PET", print_site_code="GUA")
    db.commit()
    assert case.full_name in login("impres").get(f"/booklets/{NUMBER}").text
    (look,) = db.scalars(select(AccessLog).where(AccessLog.screen == "booklet")).all()
    assert look.case_number == case.number
    assert login("entrega").get(f"/booklets/{NUMBER}").status_code == 403


def test_a_case_of_another_site_is_named_and_not_linked(db: Session, login: Login) -> None:
    (number,) = make_booklets(db, 6_000_001, 1, warehouse="PROD-PET")
    from models.cases import State
    from models.users import Site, User
    from tests.build import make_case

    case = make_case(db, State.AUTORIZADA, site_code="PET")
    printer = db.scalars(select(User).where(User.username == "impdep")).one()
    printer.sites = [db.get_one(Site, "PET")]
    db.commit()
    act(db, "impdep", "assign_booklet", case.number, booklet=number)
    page = login("impres").get(f"/booklets/{number}").text
    assert case.number in page
    assert f"/cases/{case.number}" not in page
    assert case.full_name not in page
    assert db.scalars(select(AccessLog).where(AccessLog.screen == "booklet")).all() == []


def test_a_void_asks_first_names_its_type_and_is_done_once(db: Session, client: FlaskClient) -> None:
    make_booklets(db)
    db.commit()
    page = client.get(f"/booklets/{NUMBER}").text
    assert "data-confirm=" in page.split(f'action="/booklets/{NUMBER}/void"')[1][:40]
    assert client.post(f"/booklets/{NUMBER}/void", data=WHY).location == f"/booklets/{NUMBER}"
    assert state(db) == BookletState.ANULADA
    page = client.get(f"/booklets/{NUMBER}").text
    assert "Daño en bodega o traslado" in movements(page)
    assert "Caja mojada" in movements(page)
    assert f"/booklets/{NUMBER}/void" not in page
    back = {"Referer": f"http://localhost/booklets/{NUMBER}"}
    again = client.post(f"/booklets/{NUMBER}/void", data=WHY, headers=back, follow_redirects=True)
    assert "produccion" in again.text.split('class="messages"')[1].split('class="columns"')[0]


@pytest.mark.parametrize(("field", "typed"), [("void_type", ""), ("void_type", "ROB"), ("remarks", " ")])
def test_a_void_that_is_refused_keeps_what_was_typed(db: Session, client: FlaskClient, field: str, typed: str) -> None:
    make_booklets(db)
    db.commit()
    answer = client.post(f"/booklets/{NUMBER}/void", data={**WHY, field: typed})
    assert answer.status_code == 400
    assert f'id="f-{field}-error"' in answer.text
    assert ("Caja mojada" in answer.text) is (field != "remarks")
    assert state(db) == BookletState.NUEVA


def test_another_person_reactivates_and_the_entry_says_what_it_undoes(db: Session, login: Login) -> None:
    make_booklets(db)
    voided(db)
    assert "/reactivate" not in login("produccion").get(f"/booklets/{NUMBER}").text
    assert login("produccion").post(f"/booklets/{NUMBER}/reactivate", data=WHY).status_code == 403
    admin = login("admadm")
    assert f'action="/booklets/{NUMBER}/reactivate"' in admin.get(f"/booklets/{NUMBER}").text
    assert admin.post(f"/booklets/{NUMBER}/reactivate", data={"remarks": ""}).status_code == 400
    assert admin.post(f"/booklets/{NUMBER}/reactivate", data={"remarks": "Otra caja"}).status_code == 303
    assert state(db) == BookletState.NUEVA
    assert movements(admin.get(f"/booklets/{NUMBER}").text).count("<tr>") == 4


def test_a_pack_is_voided_whole_or_not_at_all(db: Session, client: FlaskClient) -> None:
    make_booklets(db, count=50)
    voided(db, "F5000010")
    assert "data-confirm=" in client.get("/booklets/void").text
    form = {**WHY, "numbers": "F5000001-F5000050"}
    answer = client.post("/booklets/void", data=form)
    assert answer.status_code == 409
    assert "F5000010" in answer.text.split('id="f-numbers-error"')[1].split("</p>")[0]
    assert ">F5000001-F5000050</textarea>" in answer.text
    assert client.post("/booklets/void", data={**form, "numbers": "mañana"}).status_code == 400
    done = client.post("/booklets/void", data={**form, "numbers": "F5000001-F5000009"}, follow_redirects=True)
    assert "F5000001–F5000009" in done.text
    assert db.scalar(select(func.count()).where(Booklet.state == BookletState.ANULADA)) == 10


def test_who_only_reads_booklets_is_offered_nothing(db: Session, login: Login) -> None:
    make_booklets(db)
    db.commit()
    reader = login("impres")
    assert "/void" not in reader.get(f"/booklets/{NUMBER}").text
    assert "/booklets/void" not in reader.get("/booklets/").text
    assert reader.get("/booklets/void").status_code == 403
    assert reader.post(f"/booklets/{NUMBER}/void", data=WHY).status_code == 403
    assert login("entrega").get("/booklets/").status_code == 403


def test_a_long_ledger_is_paged(db: Session, client: FlaskClient) -> None:
    make_booklets(db)
    keeper, admin = (load_actor(db, username=name) for name in ("produccion", "admadm"))
    assert keeper is not None
    assert admin is not None
    for _turn in range(26):
        blanks.void_blank(db, keeper, NUMBER, **WHY)
        blanks.reactivate_blank(db, admin, NUMBER, remarks="Otra caja")
    db.commit()
    page = client.get(f"/booklets/{NUMBER}").text
    following = page.split(f"/booklets/{NUMBER}?after=")[1].split("#")[0]
    assert movements(page).count("<tr>") == 51
    assert movements(client.get(f"/booklets/{NUMBER}?after={following}").text).count("<tr>") == 4
    assert client.get(f"/booklets/{NUMBER}?after={'9' * 18}").status_code == 200
    assert client.get(f"/booklets/{NUMBER}?after=x").status_code == 200


def test_the_whole_page_takes_nine_statements_three_of_them_for_who_may_void(
    db: Session, client: FlaskClient, connection: Connection
) -> None:
    checked(db)
    db.commit()
    client.get(f"/booklets/{NUMBER}")
    with statements(connection) as sent:
        client.get(f"/booklets/{NUMBER}")
    assert len(sent) <= 9, sent


def test_the_interface_tells_the_same(db: Session, client: FlaskClient, token: Callable[[str], dict[str, str]]) -> None:
    case = in_printing(db)
    db.commit()
    card = client.get(f"/api/v1/booklets/{NUMBER}", headers=token("impres")).get_json()
    assert (card["number"], card["state"], card["place"]) == (NUMBER, "ASIGNADA", "PRINTING:GUA")
    assert card["cases"][0]["case"] == case.number
    assert card["cases"][0]["assigned"]["username"] == "impres"
    assert [(entry["kind"], entry["balance"]) for entry in card["movements"]] == [
        ("INGRESO", 1), ("EGRESO_PERSONALIZACION", 0)
    ]  # fmt: skip
    assert card["movements"][0]["rows"][0]["in"] == 1
    assert card["movements"][0]["at"].endswith("Z")
    assert card["next"] is None
    (look,) = db.scalars(select(AccessLog).where(AccessLog.screen == "api")).all()
    assert look.case_number == case.number


def test_the_interface_refuses_as_it_should(client: FlaskClient, token: Callable[[str], dict[str, str]]) -> None:
    missing = client.get("/api/v1/booklets/F9999999", headers=token("impres"))
    assert (missing.status_code, missing.get_json()["title"]) == (404, "NotFound")
    assert client.get(f"/api/v1/booklets/{NUMBER}", headers=token("entrega")).status_code == 403
    assert client.get(f"/api/v1/booklets/{NUMBER}").status_code == 401
