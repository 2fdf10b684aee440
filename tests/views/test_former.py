"""Histórico: found by case, booklet, CUI and names, shown whole and apart, linked to our cases; each look logged."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app import history
from models.enrolments import FormerCase
from models.users import AccessLog
from tests.build import PERSON, make_case
from tests.views.counting import statements
from tests.workflow.test_former_system import COLUMNS, HEADER, changed
from workflow import name_search
from workflow.persons import search_name

Login = Callable[[str], FlaskClient]
CUI = PERSON["cui"]
LIMIT = 12


def former(db: Session, number: str = "GU00000001", **values: Any) -> FormerCase:
    given = {
        "first_surname": "Tzunux", "first_name": "MARISELA", "cui": CUI, "identification_type_code": "CUI",
        "identification_number": CUI, "booklet_number": "F1234567", "passport_type_code": "ORD", "site_code": "GUA",
        "site_label": "CENTRAL", "state": "ENTREGADO", "source": "casos.csv", "source_row": 7, "sex_code": "F",
        "birth_date": "1990-05-17", "issued_on": dt.date(2010, 1, 5), "expires_on": dt.date(2015, 1, 5),
    } | values  # fmt: skip
    names = (given["first_surname"], given.get("second_surname"), given.get("first_name"))
    case = FormerCase(number=number, search_name=search_name(*names), **given)
    db.add(case)
    db.commit()
    return case


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("consultas")


def looks(db: Session) -> list[AccessLog]:
    return list(db.scalars(select(AccessLog).where(AccessLog.screen == "former").order_by(AccessLog.id)))


@pytest.mark.parametrize("typed", ["GU00000001", " gu0000 0001 ", "F1234567", CUI])
def test_a_number_of_the_former_system_opens_its_case(db: Session, client: FlaskClient, typed: str) -> None:
    former(db)
    assert client.get("/former/", query_string={"number": typed}).location == "/former/GU00000001"


def test_names_find_by_their_beginnings_in_any_order(db: Session, client: FlaskClient) -> None:
    former(db)
    former(db, "GU00000002", first_surname="BATZ")
    page = client.get("/former/?names=mariséla tzun").text
    assert "GU00000001" in page
    assert "GU00000002" not in page
    assert "1 caso del sistema anterior encontrado" in page
    assert "no hay ningún caso «Nadie»" in client.get("/former/?names=Nadie").text


def test_what_two_cases_share_lists_both(db: Session, client: FlaskClient) -> None:
    former(db)
    former(db, "GU00000002")
    page = client.get("/former/?number=F1234567").text
    assert "/former/GU00000001" in page
    assert "/former/GU00000002" in page


def test_at_most_fifty_are_shown_and_not_counted(db: Session, client: FlaskClient) -> None:
    for n in range(60):
        former(db, f"GU{n:08d}", booklet_number=None)
    page = client.get("/former/?names=tzunux").text
    assert page.count('href="/former/GU') == 50
    assert "Se muestran 50 casos" in page


@pytest.mark.parametrize(
    "query", ["number=%00", "number=%27%3B--", "names=%26%7C%21%28", "number=" + "9" * 60, "names="]
)
def test_odd_questions_find_nothing(client: FlaskClient, query: str) -> None:
    assert client.get(f"/former/?{query}").status_code in (200, 400)


def test_each_look_is_logged_with_what_was_asked_and_shown(db: Session, client: FlaskClient) -> None:
    former(db)
    client.get("/former/?names=tzunux")
    client.get("/former/GU00000001")
    asked, seen = looks(db)
    assert asked.detail == {"asked": "tzunux", "cases": ["GU00000001"]}
    assert seen.case_number == "GU00000001"


def test_the_page_shows_all_that_the_export_had_and_says_whose_it_is(
    db: Session, client: FlaskClient, tmp_path: Path
) -> None:
    path = tmp_path / "casos.csv"
    row = changed(NOMBRE2="<b>O'</b>", SEDE="Central ", TIPO_IDENT="CUI", NUM_IDENT="6000 00008 0101")
    path.write_text(f"{HEADER};NOTA\n{row};=1+1\n", "utf-8")
    history.import_history([path], tmp_path / "out", say=lambda _line: None)
    page = client.get("/former/GU00000001").text
    assert "Sistema anterior" in page
    assert "&lt;b&gt;O&#39;&lt;/b&gt;" in page
    assert "casos.csv" in page
    for text in (*COLUMNS, "NOTA", "=1+1", "6000 00008 0101", "6000000080101", "01/02/2009"):
        assert text in page, text


def test_a_case_without_anything_has_a_page(db: Session, client: FlaskClient) -> None:
    nothing = dict.fromkeys(
        "first_name cui identification_type_code identification_number booklet_number passport_type_code site_code "
        "site_label sex_code birth_date issued_on expires_on".split()
    )
    former(db, first_surname="", state="", **nothing)
    former(
        db, "GU00000002", first_surname=" ", birth_date="1938", passport_type_code="ZZZ", identification_type_code="?"
    )
    assert "(sin nombre)" in client.get("/former/GU00000001").text
    assert "XX/XX/1938" in client.get("/former/GU00000002").text
    assert client.get("/former/?number=GU00000002").location


def test_a_case_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    for number in ("GU99999999", "%00", "x" * 200, "<b>"):
        assert client.get(f"/former/{number}").status_code in (400, 404)


def test_our_cases_of_the_same_cui_or_that_name_its_booklet_are_linked(db: Session, client: FlaskClient) -> None:
    former(db)
    former(db, "GU00000002", cui=None)
    mine = make_case(db)
    naming = make_case(db, cui="6000000090101", identification_number="6000000090101", previous_booklet="F1234567")
    other = make_case(db, cui="6000000100101", identification_number="6000000100101")
    db.commit()
    page = client.get("/former/GU00000001").text
    assert f"/cases/{mine.number}" in page
    assert f"/cases/{naming.number}" in page
    assert f"/cases/{other.number}" not in page
    assert "/former/GU00000002" in page


def test_our_cases_of_other_sites_are_not_shown(db: Session, login: Login) -> None:
    former(db)
    case = make_case(db, site_code="LAX", print_site_code="LAX")
    db.commit()
    assert case.number not in login("supervisor").get("/former/GU00000001").text
    assert case.number in login("consultas").get("/former/GU00000001").text


@pytest.mark.parametrize(("user", "status"), [("supervisor", 200), ("mre", 200), ("impres", 403), ("atenc", 403)])
def test_who_holds_the_permission_may_look(db: Session, login: Login, user: str, status: int) -> None:
    former(db)
    for path in ("/former/", "/former/GU00000001"):
        assert login(user).get(path).status_code == status
    assert ('href="/former/"' in login(user).get("/").text) == (status == 200)


def test_the_pages_are_in_english_too(db: Session, client: FlaskClient) -> None:
    former(db)
    client.get("/lang/en")
    assert "As the export had it" in client.get("/former/GU00000001").text
    assert "1 case of the former system found" in client.get("/former/?names=tzunux").text


def test_pages_ask_few_statements(db: Session, client: FlaskClient, connection: Connection) -> None:
    former(db)
    for n in range(3):
        former(db, f"GU0000001{n}")
        make_case(db, cui=CUI)
    db.commit()
    for path in ("/former/GU00000001", "/former/?names=tzunux"):
        with statements(connection) as asked:
            assert client.get(path).status_code == 200
        assert len(asked) <= LIMIT, asked


# The booklet's page (module 13)


@pytest.mark.parametrize("booklet", ["F1234567", "1048738"])
def test_a_booklet_of_the_former_system_leads_to_its_case(db: Session, client: FlaskClient, booklet: str) -> None:
    former(db, booklet_number=booklet)
    answer = client.post("/booklets/", data={"raw": booklet})
    page = client.get(answer.location) if answer.location else answer
    assert f"La libreta {booklet} es del sistema anterior." in page.text
    assert "/former/GU00000001" in page.text
    assert [look.detail for look in looks(db)] == [{"asked": booklet, "cases": ["GU00000001"]}]


def test_who_may_not_look_it_up_is_told_without_a_link(db: Session, login: Login) -> None:
    former(db)
    page = login("impres").get("/booklets/F1234567")
    assert (page.status_code, "es del sistema anterior" in page.text) == (404, True)
    assert "/former/" not in page.text


def test_names_that_hold_no_letter_find_nothing(db: Session) -> None:
    assert name_search.find_former(db, "¿?", most=50) == name_search.FoundFormer()
