"""Pre-Impresión and En-Impresión on one page: booklet, data page, print accepted or refused."""

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState
from models.cases import CaseEvent, PassportCase, State
from models.users import AccessLog
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from tests.views.desk import act, again, hidden, in_printing, printed, use_of

Login = Callable[[str], FlaskClient]


@pytest.fixture
def waiting(db: Session) -> PassportCase:
    """An authorised case, and three booklets for it."""
    make_booklets(db)
    case = make_case(db, State.AUTORIZADA)
    db.commit()
    return case


def assign(client: FlaskClient, case: PassportCase, booklet: str, **more: str) -> str:
    answer = client.post(f"/printing/{case.number}/assign", data={"booklet": booklet, **more}, follow_redirects=True)
    return answer.text


def test_the_page_offers_the_next_booklets_of_the_category_in_the_warehouse(
    db: Session, login: Login, waiting: PassportCase
) -> None:
    make_booklets(db, 5_000_001, 1, category="OFICIAL")
    make_booklets(db, 4_000_001, 1, warehouse="PROD-GU9")
    db.commit()
    page = login("impres").get(f"/printing/{waiting.number}").text
    assert all(f">F500000{n}</button>" in page for n in (1, 2, 3))
    assert "S5000001" not in page
    assert "F4000001" not in page
    assert waiting.full_name in page
    assert f"/cases/{waiting.number}/pictures/PORTRAIT" in page


def test_a_scanned_booklet_is_assigned_and_the_page_comes_next(
    db: Session, login: Login, waiting: PassportCase
) -> None:
    page = assign(login("impres"), waiting, " f5000002 ")
    assert again(db, waiting).state == State.EN_IMPRESION
    assert again(db, waiting).booklet_number == "F5000002"
    assert 'aria-current="step"' in page
    assert "Imprimir" in page


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("F9999999", "No existe la libreta F9999999"),
        ("12345", "12345 no es un número de libreta"),
        ("S5000001", "La libreta S5000001 es de categoría OFICIAL"),
        ("", "Falta este dato"),
    ],
)
def test_a_refused_number_stands_in_its_field_with_the_reason(
    db: Session, login: Login, waiting: PassportCase, typed: str, reason: str
) -> None:
    make_booklets(db, 5_000_001, 1, category="OFICIAL")
    db.commit()
    answer = login("impres").post(f"/printing/{waiting.number}/assign", data={"booklet": typed})
    assert answer.status_code in (400, 409)
    assert f'value="{typed}"' in answer.text
    error = answer.text.split('id="f-booklet-error"')[1].split("</p>")[0]
    assert reason in error
    assert again(db, waiting).state == State.AUTORIZADA


def test_who_comes_second_to_a_case_reads_who_did_what(db: Session, login: Login, waiting: PassportCase) -> None:
    client = login("impdep")
    seen = hidden(client.get(f"/printing/{waiting.number}").text, "seen")
    act(db, "impres", "assign_booklet", waiting.number, booklet="F5000001")
    answer = client.post(
        f"/printing/{waiting.number}/assign",
        data={"booklet": "F5000002", "seen": seen},
        headers={"Referer": f"http://localhost/printing/{waiting.number}"},
        follow_redirects=True,
    )
    assert "impres" in answer.text
    assert "Impresión (libreta asignada)" in answer.text
    assert db.get_one(Booklet, "F5000002").state == BookletState.NUEVA


def test_who_comes_second_to_a_booklet_reads_whose_it_is(db: Session, login: Login, waiting: PassportCase) -> None:
    other = make_case(db, State.AUTORIZADA)
    db.commit()
    act(db, "impres", "assign_booklet", other.number, booklet="F5000001")
    page = assign(login("impdep"), waiting, "F5000001")
    error = page.split('id="f-booklet-error"')[1].split("</p>")[0]
    assert "impres" in error
    assert "F5000001" in error


def test_printing_records_the_copy_and_shows_the_page(db: Session, login: Login) -> None:
    case = in_printing(db)
    client = login("impres")
    answer = client.post(f"/printing/{case.number}/print", follow_redirects=True)
    assert f'src="/printing/{case.number}/page.pdf#' in answer.text
    assert "Copias impresas: 1" in answer.text
    page = client.get(f"/printing/{case.number}/page.pdf")
    assert page.mimetype == "application/pdf"
    assert page.data.startswith(b"%PDF")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Content-Disposition"].startswith("inline")
    looks = db.scalars(select(AccessLog.screen).where(AccessLog.case_number == case.number)).all()
    assert "page.pdf" in looks


def test_a_double_click_prints_one_copy(db: Session, login: Login) -> None:
    case = in_printing(db)
    client = login("impres")
    seen = hidden(client.get(f"/printing/{case.number}").text, "seen")
    back = {"Referer": f"http://localhost/printing/{case.number}"}
    for _click in range(2):
        answer = client.post(f"/printing/{case.number}/print", data={"seen": seen}, headers=back, follow_redirects=True)
    assert "Página generada" in answer.text or "impres" in answer.text
    assert use_of(db, case).copies == 1


def test_a_page_not_sent_to_the_printer_or_already_accepted_is_not_shown(db: Session, login: Login) -> None:
    fresh, done = in_printing(db), printed(db, 5_000_002)
    client = login("impres")
    assert client.get(f"/printing/{fresh.number}/page.pdf").status_code == 409
    assert client.get(f"/printing/{done.number}/page.pdf").status_code == 409


def test_an_accepted_print_leads_to_the_case_behind_it(db: Session, login: Login) -> None:
    hour = dt.datetime(2026, 11, 2, 14, tzinfo=dt.UTC)
    first = make_case(db, State.AUTORIZADA, enrolled_at=hour)
    case = in_printing(db, enrolled_at=hour + dt.timedelta(minutes=1))
    behind = make_case(db, State.AUTORIZADA, enrolled_at=hour + dt.timedelta(minutes=2))
    db.commit()
    act(db, "impres", "print_page", case.number)
    client = login("impres")
    answer = client.post(f"/printing/{case.number}/accept")
    assert answer.location == f"/printing/{behind.number}"
    assert again(db, case).state == State.IMPRESA
    assert again(db, first).state == State.AUTORIZADA


def test_an_urgent_case_comes_before_the_one_behind(db: Session, login: Login) -> None:
    case = in_printing(db)
    make_case(db, State.AUTORIZADA)
    urgent = make_case(db, State.AUTORIZADA, priority=1)
    db.commit()
    assert login("impres").post(f"/printing/{case.number}/accept").location == f"/printing/{urgent.number}"


def test_after_the_last_case_the_queue_is_shown(db: Session, login: Login) -> None:
    case = in_printing(db)
    assert login("impres").post(f"/printing/{case.number}/accept").location == "/queues/printing/GUA/"


def test_a_refused_print_voids_the_booklet_and_asks_for_another(db: Session, login: Login) -> None:
    case = in_printing(db)
    page = login("impres").get(f"/printing/{case.number}").text
    assert "Se anula la libreta F5000001" in page
    answer = login("impres").post(
        f"/printing/{case.number}/refuse", data={"void_type": "IMP", "comment": "Manchada"}, follow_redirects=True
    )
    assert 'name="booklet"' in answer.text
    assert again(db, case).state == State.AUTORIZADA
    assert db.get_one(Booklet, "F5000001").state == BookletState.ANULADA
    last = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc())).first()
    assert last is not None
    assert last.comment == "Manchada"


def test_a_void_type_of_another_screen_is_refused_at_its_field(db: Session, login: Login) -> None:
    case = in_printing(db)
    answer = login("impres").post(f"/printing/{case.number}/refuse", data={"void_type": "ROB", "comment": "La robaron"})
    assert answer.status_code == 400
    assert 'id="f-void_type-error"' in answer.text
    assert "La robaron" in answer.text
    assert again(db, case).state == State.EN_IMPRESION


def test_who_looks_at_a_voided_booklet_cannot_accept_the_next(db: Session, login: Login) -> None:
    case = in_printing(db)
    client = login("impdep")
    seen = hidden(client.get(f"/printing/{case.number}").text, "seen")
    act(db, "impres", "refuse_print", case.number)
    (second,) = make_booklets(db, 5_000_009, 1)
    act(db, "impres", "assign_booklet", case.number, booklet=second)
    answer = client.post(f"/printing/{case.number}/accept", data={"seen": seen})
    assert answer.status_code == 409
    assert again(db, case).state == State.EN_IMPRESION


def test_a_stuck_case_says_who_left_it_and_is_resumed_with_the_same_booklet(db: Session, login: Login) -> None:
    case = in_printing(db)
    act(db, "impres", "print_page", case.number)
    client = login("impdep")
    page = client.get(f"/printing/{case.number}").text
    assert "Este caso se detuvo en impresión." in page
    assert "impres asignó la libreta F5000001" in page
    assert "Copias impresas: 1" in page
    client.post(f"/printing/{case.number}/print")
    assert use_of(db, case).copies == 2
    answer = client.post(f"/printing/{case.number}/accept", data={"stuck": "1"})
    assert answer.location == "/queues/in-printing/GUA/"
    assert again(db, case).booklet_number == "F5000001"
    assert again(db, case).state == State.IMPRESA


def test_his_own_print_is_not_stuck_until_half_an_hour_passed(db: Session, login: Login) -> None:
    case = in_printing(db)
    assert "se detuvo" not in login("impres").get(f"/printing/{case.number}").text
    db.connection().exec_driver_sql("alter table case_event disable trigger case_event_is_append_only")
    db.execute(update(CaseEvent).where(CaseEvent.case_id == case.id).values(at=CaseEvent.at - dt.timedelta(minutes=31)))
    db.commit()
    assert "se detuvo" in login("impres").get(f"/printing/{case.number}").text


def test_who_only_resumes_may_print_again_but_not_accept(db: Session, login: Login) -> None:
    case = in_printing(db)
    act(db, "impres", "print_page", case.number)
    client = login("produccion")
    page = client.get(f"/printing/{case.number}").text
    assert "Imprimir de nuevo" in page
    assert "/accept" not in page
    assert client.post(f"/printing/{case.number}/accept").status_code == 403


def test_a_mobile_case_is_printed_by_who_prints_mobile_cases(db: Session, login: Login) -> None:
    make_booklets(db)
    case = make_case(db, State.AUTORIZADA, mobile=True)
    db.commit()
    client = login("impres")
    assert hidden(client.get(f"/printing/{case.number}").text, "mobile") == "1"
    assign(client, case, "F5000001", mobile="1")
    assert again(db, case).state == State.EN_IMPRESION


def test_a_case_of_another_site_is_not_there(db: Session, login: Login) -> None:
    case = make_case(db, State.AUTORIZADA, site_code="LAX")
    db.commit()
    client = login("impres")
    assert client.get(f"/printing/{case.number}").status_code == 404
    assert client.post(f"/printing/{case.number}/assign", data={"booklet": "F5000001"}).status_code == 404


def test_a_case_that_does_not_wait_here_says_where_it_is(db: Session, login: Login) -> None:
    case = make_case(db, State.ENROLADA)
    db.commit()
    page = login("impres").get(f"/printing/{case.number}").text
    assert "state-ENROLADA" in page
    assert 'name="booklet"' not in page


def test_others_do_not_print(db: Session, login: Login, waiting: PassportCase) -> None:
    assert login("entrega").get(f"/printing/{waiting.number}").status_code == 403


def test_the_page_asks_little_of_the_database(
    db: Session, login: Login, waiting: PassportCase, connection: Connection
) -> None:
    client = login("impres")
    client.get(f"/printing/{waiting.number}")
    with statements(connection) as sent:
        client.get(f"/printing/{waiting.number}")
    assert len(sent) <= 14, "\n".join(sent)
