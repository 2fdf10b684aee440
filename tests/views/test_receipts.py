"""Entradas: the receipt drafted, given lines, closed; what was typed is never lost."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.stock import DocumentState, StockDocument, StockLine
from tests.build import make_booklets
from tests.views.counting import statements
from tests.views.desk import hidden

Login = Callable[[str], FlaskClient]
HEAD = {"category": "ORDINARIA", "on": "2026-11-20", "warehouse": "CENTRAL", "reference": "Lote 7", "remarks": ""}
LINE = {"category": "ORDINARIA", "prefix": "F", "first": "3000400", "quantity": "5"}


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("produccion")


@pytest.fixture
def number(client: FlaskClient) -> int:
    """The number of a draft."""
    return int(client.post("/receipts/new", data=HEAD).location.rsplit("/", 1)[1])


def version(client: FlaskClient, number: int) -> str:
    return hidden(client.get(f"/receipts/{number}").text, "version")


def add(client: FlaskClient, number: int, **change: str) -> str:
    data = {**LINE, "version": version(client, number), **change}
    return client.post(f"/receipts/{number}/lines", data=data, follow_redirects=True).text


def document(db: Session, number: int) -> StockDocument:
    return db.scalars(
        select(StockDocument).where(StockDocument.id == number).execution_options(populate_existing=True)
    ).one()


def test_a_new_receipt_goes_to_the_central_warehouse_today_unless_said_otherwise(client: FlaskClient) -> None:
    page = client.get("/receipts/new").text
    assert '<option value="CENTRAL" selected>' in page
    assert 'type="date"' in page


def test_a_head_that_is_refused_keeps_what_was_typed(db: Session, client: FlaskClient) -> None:
    answer = client.post("/receipts/new", data={**HEAD, "on": "mañana", "remarks": "Cajas 1 a 3"})
    assert answer.status_code == 400
    assert 'id="f-on-error"' in answer.text
    assert 'value="Lote 7"' in answer.text
    assert "Cajas 1 a 3" in answer.text
    assert db.scalars(select(StockDocument.id)).all() == []


def test_open_receipts_are_listed_to_edit_or_delete(client: FlaskClient, number: int) -> None:
    page = client.get("/receipts/").text
    assert f'href="/receipts/{number}"' in page
    assert f'href="/receipts/{number}/edit"' in page
    assert f'action="/receipts/{number}/delete"' in page
    assert "Lote 7" in page


def test_the_head_of_a_draft_is_changed(db: Session, client: FlaskClient, number: int) -> None:
    page = client.get(f"/receipts/{number}/edit").text
    assert 'value="Lote 7"' in page
    data = {**HEAD, "reference": "Lote 8", "warehouse": "PROD-GUA", "version": hidden(page, "version")}
    assert client.post(f"/receipts/{number}/edit", data=data).location == f"/receipts/{number}"
    assert document(db, number).reference == "Lote 8"
    assert document(db, number).warehouse_code == "PROD-GUA"


def test_a_line_lists_its_booklets(client: FlaskClient, number: int) -> None:
    page = add(client, number)
    assert all(f">F300040{n}</b>" in page for n in range(5))
    assert 'data-prefix="S"' in page, "the prefix follows the type"


def test_a_clash_is_named_at_its_field_and_nothing_typed_is_lost(db: Session, client: FlaskClient, number: int) -> None:
    make_booklets(db, 3_000_402, 2)
    db.commit()
    answer = client.post(f"/receipts/{number}/lines", data={**LINE, "version": version(client, number)})
    assert answer.status_code == 409
    assert "F3000402–F3000403" in answer.text.split('id="f-first-error"')[1].split("</p>")[0]
    assert 'value="3000400"' in answer.text
    assert 'name="quantity" value="5"' in answer.text
    assert db.scalars(select(StockLine.id).where(StockLine.document_id == number)).all() == []


@pytest.mark.parametrize(
    ("field", "typed"),
    [("first", ""), ("first", "12a"), ("quantity", "-1"), ("quantity", "9" * 40), ("quantity", "0"), ("prefix", "S")],
)
def test_a_value_that_is_no_number_or_no_prefix_is_named(
    client: FlaskClient, number: int, field: str, typed: str
) -> None:
    answer = client.post(f"/receipts/{number}/lines", data={**LINE, field: typed, "version": version(client, number)})
    assert answer.status_code == 400
    assert f'id="f-{field}-error"' in answer.text


def test_a_hundred_thousand_booklets_are_shown_a_hundred_at_a_time(client: FlaskClient, number: int) -> None:
    page = add(client, number, first="5000000", quantity="100000")
    assert page.count('<b class="code">F') == 100
    assert f"/receipts/{number}?from=101" in page
    last = client.get(f"/receipts/{number}?from=99901").text
    assert "F5099999" in last
    assert last.count('<b class="code">F') == 100
    assert "from=100001" not in last
    assert client.get(f"/receipts/{number}?from=x").status_code == 200
    assert client.get(f"/receipts/{number}?from=999999").status_code == 200


def test_a_line_is_taken_off(db: Session, client: FlaskClient, number: int) -> None:
    add(client, number)
    line = db.scalars(select(StockLine.id)).one()
    data = {"version": version(client, number)}
    assert client.post(f"/receipts/{number}/lines/{line}/drop", data=data).status_code == 303
    assert db.scalars(select(StockLine.id).where(StockLine.document_id == number)).all() == []


def test_closing_asks_first_and_shows_number_and_count(db: Session, client: FlaskClient, number: int) -> None:
    page = add(client, number)
    assert f"Confirme el Cierre del Documento No. {number} con 5 libretas" in page
    closed = client.post(
        f"/receipts/{number}/close", data={"version": version(client, number)}, follow_redirects=True
    ).text
    assert f"El documento {number} se cerró con 5 libretas." in closed
    assert "/lines" not in closed
    assert "/close" not in closed
    assert document(db, number).state == DocumentState.CERRADO
    assert db.scalar(select(func.count()).select_from(Booklet)) == 5
    assert client.get(f"/receipts/{number}/edit").location == f"/receipts/{number}"
    assert f'href="/receipts/{number}"' in client.get("/receipts/").text


def test_a_second_click_reads_who_closed_it(db: Session, client: FlaskClient, number: int) -> None:
    add(client, number)
    data = {"version": version(client, number)}
    back = {"Referer": f"http://localhost/receipts/{number}"}
    client.post(f"/receipts/{number}/close", data=data)
    answer = client.post(f"/receipts/{number}/close", data=data, headers=back, follow_redirects=True)
    assert "produccion" in answer.text.split('class="messages"')[1].split('class="columns"')[0]
    assert db.scalar(select(func.count()).select_from(Booklet)) == 5


def test_a_line_added_twice_by_a_double_click_is_there_once(db: Session, client: FlaskClient, number: int) -> None:
    data = {**LINE, "version": version(client, number)}
    for _click in range(2):
        answer = client.post(f"/receipts/{number}/lines", data=data)
    assert answer.status_code == 409
    assert len(db.scalars(select(StockLine.id)).all()) == 1


def test_a_receipt_changed_meanwhile_is_not_closed(db: Session, client: FlaskClient, number: int) -> None:
    add(client, number)
    seen = version(client, number)
    add(client, number, first="3000500")
    assert client.post(f"/receipts/{number}/close", data={"version": seen}).status_code == 409
    assert document(db, number).state == DocumentState.ABIERTO


def test_a_draft_is_deleted_and_then_is_not_there(client: FlaskClient, number: int) -> None:
    add(client, number)
    data = {"version": version(client, number)}
    assert client.post(f"/receipts/{number}/delete", data=data).location == "/receipts/"
    assert client.get(f"/receipts/{number}").status_code == 404
    assert client.post(f"/receipts/{number}/delete", data=data).status_code == 404
    assert client.get(f"/receipts/{10**15}").status_code == 404


def test_a_form_without_its_version_is_not_understood(client: FlaskClient, number: int) -> None:
    assert client.post(f"/receipts/{number}/close").status_code == 400


def test_who_only_reads_stock_sees_no_buttons_and_may_not_write(login: Login, client: FlaskClient, number: int) -> None:
    add(client, number)
    reader = login("reporte")
    page = reader.get(f"/receipts/{number}").text
    assert "F3000400" in page
    assert "/close" not in page
    assert "/receipts/new" not in reader.get("/receipts/").text
    assert reader.get("/receipts/new").status_code == 403
    assert reader.post(f"/receipts/{number}/close", data={"version": "1"}).status_code == 403
    assert login("concal").get("/receipts/").status_code == 403


def test_a_long_list_costs_no_more_statements_than_a_short_one(
    client: FlaskClient, number: int, connection: Connection
) -> None:
    client.get("/receipts/")
    with statements(connection) as few:
        client.get("/receipts/")
    for _more in range(6):
        client.post("/receipts/new", data=HEAD)
    with statements(connection) as many:
        client.get("/receipts/")
    assert len(many) == len(few) <= 5
