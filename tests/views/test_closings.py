"""The pages of day closings: begun from the list, counted by the reader, signed, closed by another, kept as minutes."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from models.closings import ClosingRange, DayClosing
from models.control import ControlSetting
from models.stock import DocumentState
from tests.build import make_booklets
from tests.views.counting import statements
from tests.views.desk import hidden

Login = Callable[[str], FlaskClient]
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("jpgu")


def begin(client: FlaskClient, warehouse: str = "PROD-GUA") -> int:
    data = {"warehouse": warehouse, "on": local_date(utc_now()).isoformat()}
    return int(client.post("/closings/", data=data).location.rsplit("/", 1)[1])


@pytest.fixture
def number(db: Session, client: FlaskClient) -> int:
    """The number of a closing of a warehouse that has the booklets F5000001 to F5000010."""
    make_booklets(db, 5_000_001, 10)
    db.commit()
    return begin(client)


def count(client: FlaskClient, number: int, typed: str) -> str:
    return client.post(f"/closings/{number}/count", data={"numbers": typed}, follow_redirects=True).text


def seen(client: FlaskClient, number: int) -> dict[str, str]:
    return {"version": hidden(client.get(f"/closings/{number}").text, "version")}


def sign(client: FlaskClient, number: int, reason: str = "") -> None:
    answer = client.post(f"/closings/{number}/sign", data={**seen(client, number), "reason": reason})
    assert answer.status_code == 303


def closing(db: Session, number: int) -> DayClosing:
    query = select(DayClosing).where(DayClosing.id == number)
    return db.scalars(query.execution_options(populate_existing=True)).one()


def figures(page: str) -> list[str]:
    """The figures of the ordinary booklets: opening to surplus."""
    line = page.split("Libreta Ordinaria</th>")[1].split("</tr>")[0]
    return re.findall(r">(\d+)<", line)


def test_a_warehouse_that_waits_is_offered_and_begun_with_a_button(client: FlaskClient, number: int) -> None:
    page = client.get("/closings/").text
    assert f'href="/closings/{number}"' in page
    waiting = page.split("data-rows")[2]
    assert 'name="warehouse" value="PROD-GU9"' in waiting
    assert 'name="warehouse" value="PROD-GUA"' not in waiting


def test_a_second_closing_of_the_warehouse_is_refused_naming_who_began(client: FlaskClient, number: int) -> None:
    data = {"warehouse": "PROD-GUA", "on": local_date(utc_now()).isoformat()}
    back = {"Referer": "http://localhost/closings/"}
    answer = client.post("/closings/", data=data, headers=back, follow_redirects=True)
    assert "jpgu" in answer.text.split('class="messages"')[1].split("</div></div>")[0]


def test_a_day_that_is_none_is_refused_at_its_field(client: FlaskClient) -> None:
    answer = client.post("/closings/", data={"warehouse": "PROD-GUA", "on": "ayer"})
    assert answer.status_code == 400
    assert 'id="f-on-error"' in answer.text


def test_the_cursor_is_in_the_field_and_what_was_counted_is_shown_with_what_is_missing(
    client: FlaskClient, number: int
) -> None:
    page = count(client, number, "F5000001-F5000004 F5000006")
    field = page.split('id="f-numbers"')[1].split(">")[0]
    assert "autofocus" in field
    assert 'data-scan-lines="1"' in field
    assert figures(page) == ["0", "10", "0", "0", "0", "10", "5", "5", "0"]
    assert ">F5000005</td>" in page
    assert ">F5000007–F5000010</td>" in page
    assert 'name="numbers" value="F5000001-F5000004"' in page, "a range is taken off with a button"


def test_the_reader_is_answered_without_a_page(db: Session, client: FlaskClient, number: int) -> None:
    for typed, status, kind in (("F5000001", 200, "success"), ("F5000001", 200, "warning"), ("F50", 400, "danger")):
        answer = client.post(f"/closings/{number}/count", data={"numbers": typed}, headers=JSON)
        assert (answer.status_code, answer.json and answer.json["kind"]) == (status, kind)
        assert typed in (answer.json or {})["text"]
    assert [run.quantity for run in db.scalars(select(ClosingRange))] == [1]


def test_what_cannot_be_read_stays_in_the_field(client: FlaskClient, number: int) -> None:
    answer = client.post(f"/closings/{number}/count", data={"numbers": "F5000001 5000002"})
    assert answer.status_code == 400
    assert 'id="f-numbers-error"' in answer.text
    assert ">F5000001 5000002</textarea>" in answer.text


def test_numbers_are_taken_off(client: FlaskClient, number: int) -> None:
    count(client, number, "F5000001-F5000010")
    data = {**seen(client, number), "numbers": "F5000003"}
    page = client.post(f"/closings/{number}/take-off", data=data, follow_redirects=True).text
    assert figures(page)[-3:] == ["9", "1", "0"]
    assert client.post(f"/closings/{number}/take-off", data=data).status_code == 409


def test_surplus_numbers_are_told_with_where_the_ledger_has_them(db: Session, client: FlaskClient, number: int) -> None:
    make_booklets(db, 5_500_001, 2, warehouse="PROD-GU9")
    db.commit()
    page = count(client, number, "F5000001-F5000010 F5500002 F9000001")
    told = page.split(">F5500002</td>")[1].split("</tr>")[0]
    assert "PROD-GU9" in told
    assert figures(page)[-3:] == ["12", "0", "2"]


def test_a_difference_without_a_reason_is_refused_at_its_field_and_signed_with_one(
    db: Session, client: FlaskClient, number: int
) -> None:
    count(client, number, "F5000001-F5000009")
    answer = client.post(f"/closings/{number}/sign", data={**seen(client, number), "reason": "  "})
    assert answer.status_code == 400
    assert 'id="f-reason-error"' in answer.text
    sign(client, number, "Se busca la F5000010")
    page = client.get(f"/closings/{number}").text
    assert "Se busca la F5000010" in page
    assert f"/closings/{number}/count" not in page
    assert closing(db, number).state == DocumentState.POR_CONFIRMAR


def test_signing_and_closing_ask_first_and_name_the_closing(client: FlaskClient, login: Login, number: int) -> None:
    count(client, number, "F5000001-F5000010")

    def asked(page: str, act: str) -> str:
        return page.split(f'action="/closings/{number}/{act}"')[1].split('data-confirm="')[1].split('"')[0]

    assert str(number) in asked(client.get(f"/closings/{number}").text, "sign")
    sign(client, number)
    page = login("produccion").get(f"/closings/{number}").text
    assert str(number) in asked(page, "close")
    assert str(number) in asked(page, "give-back")
    assert 'name="alone"' not in page


def test_a_second_person_closes_and_the_minutes_are_kept(
    db: Session, client: FlaskClient, login: Login, number: int
) -> None:
    assert client.get(f"/closings/{number}/minutes").status_code == 409
    count(client, number, "F5000001-F5000010")
    sign(client, number)
    second = login("produccion")
    answer = second.post(f"/closings/{number}/close", data=seen(second, number))
    assert answer.location == f"/closings/{number}"
    assert closing(db, number).warned is False
    minutes = second.get(f"/closings/{number}/minutes")
    assert minutes.mimetype == "application/pdf"
    said = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(minutes.data)).pages)
    assert "F5000001–F5000010" in said
    page = second.get("/closings/").text
    assert f'href="/closings/{number}"' in page.split('id="closed"')[1]
    assert f'href="/closings/{number}"' not in second.get("/closings/?warehouse=PROD-GU9").text


def test_who_signed_closes_alone_after_saying_so_a_second_time(db: Session, client: FlaskClient, number: int) -> None:
    count(client, number, "F5000001-F5000010")
    sign(client, number)
    page = client.get(f"/closings/{number}").text
    assert 'name="alone"' in page
    answer = client.post(f"/closings/{number}/close", data=seen(client, number))
    assert answer.status_code == 400
    assert 'id="f-alone-error"' in answer.text
    client.post(f"/closings/{number}/close", data={**seen(client, number), "alone": "y"})
    assert closing(db, number).warned is True
    assert client.get(f"/closings/{number}").status_code == 200


def test_where_two_are_enforced_who_signed_has_no_button(db: Session, client: FlaskClient, number: int) -> None:
    db.add(ControlSetting(control="day_closing_two_people", site_code="*", mode="enforce"))
    db.commit()
    count(client, number, "F5000001-F5000010")
    sign(client, number)
    page = client.get(f"/closings/{number}").text
    assert f'action="/closings/{number}/close"' not in page
    assert client.post(f"/closings/{number}/close", data={**seen(client, number), "alone": "y"}).status_code == 409


def test_what_is_given_back_is_counted_again_with_its_reason(db: Session, client: FlaskClient, number: int) -> None:
    sign(client, number, "Nadie contó")
    client.post(f"/closings/{number}/give-back", data=seen(client, number))
    page = client.get(f"/closings/{number}").text
    assert ">Nadie contó</textarea>" in page
    assert closing(db, number).state == DocumentState.ABIERTO
    client.post(f"/closings/{number}/delete", data=seen(client, number))
    assert client.get(f"/closings/{number}").status_code == 404


def test_long_lists_have_pages_of_their_own(client: FlaskClient, number: int) -> None:
    count(client, number, " ".join(f"F{serial}" for serial in range(6_000_000, 6_000_260, 2)))
    page = client.get(f"/closings/{number}").text
    for kind in ("COUNTED", "SURPLUS"):
        assert f'href="/closings/{number}/ranges/{kind}"' in page
        first = client.get(f"/closings/{number}/ranges/{kind}").text
        assert f"/closings/{number}/ranges/{kind}?after=F6000198" in first
        assert ">F6000258</td>" in client.get(f"/closings/{number}/ranges/{kind}?after=F6000198").text
    assert ">F5000001–F5000010</td>" in client.get(f"/closings/{number}/ranges/MISSING").text
    assert client.get(f"/closings/{number}/ranges/OTHER").status_code == 404
    assert client.get(f"/closings/{number}/ranges/COUNTED?after=x").status_code == 400


def test_a_form_without_its_version_is_not_understood(client: FlaskClient, number: int) -> None:
    for act in ("sign", "take-off", "delete"):
        assert client.post(f"/closings/{number}/{act}", data={"numbers": "F5000001"}).status_code == 400


def test_who_only_reads_stock_sees_no_buttons_and_may_not_write(login: Login, client: FlaskClient, number: int) -> None:
    reader = login("reporte")
    page = reader.get(f"/closings/{number}").text
    assert figures(page)[5] == "10"
    assert f'action="/closings/{number}/' not in page
    assert 'action="/closings/"' not in reader.get("/closings/").text.split('id="closed"')[0]
    assert reader.post(f"/closings/{number}/count", data={"numbers": "F5000001"}).status_code == 403
    assert login("concal").get("/closings/").status_code == 403
    assert login("impdep").get(f"/closings/{number}").status_code == 200
    elsewhere = begin(client, "PROD-ZAC")
    assert login("impdep").get(f"/closings/{elsewhere}").status_code == 404
    assert login("impdep").get(f"/closings/{elsewhere}/minutes").status_code == 404


def test_a_closing_costs_no_more_statements_when_much_was_counted(
    client: FlaskClient, number: int, connection: Connection
) -> None:
    client.get(f"/closings/{number}")
    count(client, number, "F9000001")
    with statements(connection) as few:
        client.get(f"/closings/{number}")
    count(client, number, " ".join(f"F{serial}" for serial in range(6_000_000, 6_000_080, 2)))
    with statements(connection) as many:
        client.get(f"/closings/{number}")
    assert len(many) == len(few) <= 12
