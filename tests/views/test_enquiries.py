"""Consultas: a case by its number, cases by names, and the box that finds whatever is typed or scanned."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import CasePicture, PassportCase, State
from models.clock import local_date
from models.stock import DocumentKind, StockDocument
from models.users import AccessLog, User
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from tests.workflow.test_machine import Office

Login = Callable[[str], FlaskClient]


def found(client: FlaskClient, typed: str) -> list[str]:
    """The numbers of the cases that the box in the header leads to, without those whose names are only alike."""
    answer = client.get("/find", query_string={"q": typed})
    if answer.status_code == 302:
        return [answer.location.strip("/").split("/")[-1]]
    named = answer.text.split("Con nombres parecidos")[0]
    return sorted(row.split("/")[0] for row in named.split('<a href="/cases/')[1:])


def arrived(db: Session, warehouse: str = "PROD-GUA") -> int:
    """The number of a receipt of a few booklets that is still a draft."""
    user = db.scalars(select(User.id).where(User.username == "produccion")).one()
    document = StockDocument(
        kind=DocumentKind.INGRESO, category_code="ORDINARIA", on=local_date(utc_now()), warehouse_code=warehouse,
        created_by_id=user, created_at=utc_now(),
    )  # fmt: skip
    db.add(document)
    db.flush()
    return document.id


@pytest.fixture
def printed(db: Session) -> PassportCase:
    """A case whose booklet was printed and checked."""
    case = Office(db).case_in(State.POST_IMPRESION, payment_slip="078512023")
    db.commit()
    return case


def test_the_box_finds_a_case_by_each_of_its_numbers(db: Session, login: Login, printed: PassportCase) -> None:
    make_case(db, cui="6000000160101", payment_slip="9")
    db.commit()
    client, booklet = login("supervisor"), str(printed.booklet_number)
    for typed in (printed.number, printed.number.lower(), f" {printed.number[:3]}-{printed.number[3:]} ",
                  booklet, booklet.lower(), printed.cui, "6000 00008 0101", "078512023"):  # fmt: skip
        assert found(client, typed) == [printed.number], typed


def test_the_box_understands_a_machine_readable_zone(db: Session, login: Login, printed: PassportCase) -> None:
    use = Office(db).use(printed)
    client = login("supervisor")
    assert found(client, use.mrz_line_2) == [printed.number]
    assert found(client, f"{use.mrz_line_1}\n{use.mrz_line_2}") == [printed.number]


def test_a_voided_booklet_still_leads_to_its_case(db: Session, login: Login) -> None:
    office = Office(db)
    case = office.case_in(State.POST_IMPRESION)
    number = str(case.booklet_number)
    office.does("admadm", "void_booklet", case, void_type="DEF", comment="Hoja doblada")
    db.commit()
    assert found(login("supervisor"), number) == [case.number]


def test_the_box_finds_people_by_beginnings_of_their_names(db: Session, login: Login) -> None:
    one = make_case(db, first_name="Ixchel", second_name=None, first_surname="Tz'unün", second_surname="Peñate-Cruz")
    make_case(db, first_name="Rigoberta")
    db.commit()
    client = login("supervisor")
    for typed in ("ixch", "tzunun ixchel", "PENATE cruz", "tz'unun", "ixchel  peñ"):
        assert found(client, typed) == [one.number], typed


@pytest.mark.parametrize("typed", ["", "   ", "'", "\\", "a:* & !", "%", "((", "x" * 500, "999999999999999999999"])
def test_the_box_answers_anything(login: Login, typed: str) -> None:
    answer = login("supervisor").get("/find", query_string={"q": typed})
    assert answer.status_code == 200
    assert "Nada se encontró" in answer.text or "No se encontró" in answer.text


@pytest.mark.parametrize("url", ["/find?q=", "/enquiries/case/?number=", "/enquiries/search/?first_name=m"])
def test_control_characters_are_a_bad_request(login: Login, url: str) -> None:
    assert login("supervisor").get(f"{url}%00").status_code == 400
    assert login("supervisor").get(f"{url}%1b").status_code == 400


def test_nobody_finds_cases_of_sites_that_are_not_his(db: Session, login: Login) -> None:
    case = make_case(db, site_code="QTZ", first_name="Ixchel", payment_slip="777")
    db.commit()
    for typed in (case.number, case.cui, "777", "ixchel"):
        assert found(login("supervisor"), typed) == [], typed
        assert found(login("supersu"), typed) == [case.number], typed


def test_the_enquiry_by_number_opens_the_case_or_says_clearly_that_there_is_none(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("supervisor")
    assert client.get("/enquiries/case/").status_code == 200
    assert client.get(f"/enquiries/case/?number={case.number}").location == f"/cases/{case.number}/"
    assert "GUA999999999" in client.get("/enquiries/case/?number=GUA999999999").text


def test_a_number_of_several_cases_lists_them(db: Session, login: Login) -> None:
    cases = [make_case(db, payment_slip="555").number for _ in range(2)]
    db.commit()
    assert found(login("supervisor"), "555") == sorted(cases)


def test_each_of_the_four_names_is_searched_in_its_own_place(db: Session, login: Login) -> None:
    first = make_case(db, first_surname="Álvarez", second_surname="Núñez")
    second = make_case(db, first_surname="Núñez", second_surname="Álvarez")
    db.commit()
    client = login("supervisor")
    page = client.get("/enquiries/search/?first_surname=alva").text
    assert first.number in page
    assert second.number not in page
    page = client.get("/enquiries/search/?second_surname=ALVAREZ&first_name=maris").text
    assert second.number in page
    assert first.number not in page
    assert "nunez" in client.get("/enquiries/search/?first_name=nunez").text
    assert client.get("/enquiries/search/?first_name=100%25&second_name=_").status_code == 200


def test_results_show_portraits_as_thumbnails_only_to_who_may_see_them(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    thumbnail = f'src="/cases/{case.number}/pictures/PORTRAIT/thumbnail"'
    assert thumbnail in login("supervisor").get("/enquiries/search/?first_name=Marisela").text
    assert thumbnail not in login("atenc").get("/enquiries/search/?first_name=Marisela").text


def test_a_search_is_logged_with_what_was_asked_and_found(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    login("supervisor").get("/enquiries/search/?first_name=Marisela")
    look = db.scalars(select(AccessLog).order_by(AccessLog.id.desc())).first()
    assert look is not None
    assert look.detail == {"asked": {"first_name": "Marisela"}, "cases": [case.number]}


def test_results_cost_the_same_however_many_they_are(db: Session, login: Login, connection: Connection) -> None:
    make_case(db)
    db.commit()
    costs = []
    for more in (0, 20):
        for _ in range(more):
            make_case(db)
        db.commit()
        client = login("supervisor")
        with statements(connection) as sent:
            client.get("/find?q=marisela")
        costs.append(len(sent))
    assert costs[0] == costs[1] <= 12


def test_who_may_find_nothing_has_no_box(login: Login) -> None:
    client = login("estacion")
    assert client.get("/find?q=x").status_code == 403
    assert client.post("/find", data={"q": "x"}).status_code == 403
    assert "data-find" not in client.get("/account/sessions/", follow_redirects=True).text


def test_who_sees_only_stock_finds_only_stock(db: Session, login: Login, printed: PassportCase) -> None:
    document = arrived(db)
    db.commit()
    client = login("reporte")
    assert client.get(f"/find?q={document}").location == f"/receipts/{document}"
    for typed in (printed.number, printed.cui, printed.booklet_number, "marisela"):
        assert f"/cases/{printed.number}" not in client.get(f"/find?q={typed}").text, typed


def test_a_stock_document_opens_by_its_number_and_by_the_code_of_its_manifest(db: Session, login: Login) -> None:
    document = arrived(db)
    db.commit()
    client = login("produccion")
    assert client.get(f"/find?q={document}").location == f"/receipts/{document}"
    assert client.post("/find", data={"q": f"T{document};7;0123456789abcdef"}).status_code == 303


def test_a_slip_that_is_also_a_document_number_shows_both(db: Session, login: Login) -> None:
    document = arrived(db)
    case = make_case(db, payment_slip=str(document))
    db.commit()
    page = login("jpgu").get(f"/find?q={document}").text
    assert f'href="/cases/{case.number}/"' in page
    assert f'href="/receipts/{document}"' in page


def test_a_blank_booklet_opens_its_card(db: Session, login: Login) -> None:
    (booklet,) = make_booklets(db, count=1)
    db.commit()
    assert login("impres").get(f"/find?q={booklet.lower()}").location == f"/booklets/{booklet}"
    assert "No se encontró" in login("supervisor").get(f"/find?q={booklet}").text


def test_what_is_scanned_is_posted_and_stands_in_no_address(db: Session, login: Login, printed: PassportCase) -> None:
    use, client = Office(db).use(printed), login("supervisor")
    for scan in (use.seal_text, use.mrz_line_2, use.mrz_line_1 + use.mrz_line_2, f"{use.mrz_line_1} {use.mrz_line_2}"):
        answer = client.post("/find", data={"q": scan})
        assert (answer.status_code, answer.location) == (303, f"/cases/{printed.number}/"), scan
    names = client.post("/find", data={"q": use.mrz_line_1})
    assert (names.status_code, printed.number in names.text) == (200, True), "the first line alone has the names"


def test_a_zone_of_a_passport_that_is_not_ours_finds_the_person_by_the_number_in_it(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    line = f"ZZ00000010GTM9005171F3001010{case.cui}<00"
    answer = login("supervisor").post("/find", data={"q": line})
    assert answer.location == f"/cases/{case.number}/"


def test_a_damaged_code_is_said_to_be_damaged(db: Session, login: Login, printed: PassportCase) -> None:
    seal = Office(db).use(printed).seal_text
    page = login("supervisor").post("/find", data={"q": seal[:-20]}).text
    assert "no se leyó completo" in page


def test_what_is_typed_goes_to_an_address_that_can_be_gone_back_to(login: Login) -> None:
    answer = login("supervisor").post("/find", data={"q": "  ixchel tz'unun "})
    assert (answer.status_code, answer.location) == (303, "/find?q=ixchel+tz'unun")


def test_results_offer_the_acts_that_this_user_may_do_now(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    act = f'href="/cases/{case.number}/review"'
    assert act in login("supervisor").get("/find?q=marisela").text
    assert act not in login("entrega").get("/find?q=marisela").text


def test_people_are_searched_with_portrait_signature_and_fingerprints(db: Session, login: Login) -> None:
    case = make_case(db)
    portrait = db.scalars(select(CasePicture.picture_id).where(CasePicture.case_id == case.id)).first()
    db.add(CasePicture(case_id=case.id, kind="RIGHT_INDEX", picture_id=portrait))
    db.commit()
    client = login("supervisor")
    for typed in ("marisela", "barrondo tzunux", case.number, case.cui):
        page = client.get("/enquiries/people/", query_string={"q": typed}).text
        for kind in ("PORTRAIT", "SIGNATURE", "RIGHT_INDEX"):
            assert f"/cases/{case.number}/pictures/{kind}/thumbnail" in page, (typed, kind)
    assert "pictures" not in login("atenc").get("/enquiries/people/?q=marisela").text
