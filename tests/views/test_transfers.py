"""Traslados: the transfer drafted, sent, received with its differences; nothing scanned is lost."""

import subprocess
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from models.arrivals import StockArrival, StockDifference
from models.booklets import Booklet
from models.catalogs import Site
from models.stock import DocumentState, StockDocument, StockLine
from models.users import User
from tests.build import make_booklets
from tests.views.counting import statements
from tests.views.desk import hidden
from workflow.stock import arrivals, transfer_lists

Login = Callable[[str], FlaskClient]
HEAD = {
    "from_warehouse": "CENTRAL", "to_warehouse": "PROD-GUA", "on": "2026-11-20", "reference": "Caja 7", "remarks": "",
}  # fmt: skip
LINE = {"category": "ORDINARIA", "prefix": "F", "first": "5000001", "quantity": "10"}


@pytest.fixture
def sender(db: Session, login: Login) -> FlaskClient:
    make_booklets(db, 5_000_001, 150, warehouse="CENTRAL")
    db.commit()
    return login("produccion")


@pytest.fixture
def draft(sender: FlaskClient) -> int:
    """The number of an open transfer with ten booklets."""
    number = int(sender.post("/transfers/new", data=HEAD).location.rsplit("/", 1)[1])
    assert sender.post(f"/transfers/{number}/lines", data=LINE | version(sender, number)).status_code == 303
    return number


@pytest.fixture
def sent(sender: FlaskClient, draft: int) -> int:
    """The number of a transfer in transit to Guatemala."""
    assert sender.post(f"/transfers/{draft}/close", data=version(sender, draft)).status_code == 303
    return draft


@pytest.fixture
def receiver(login: Login) -> FlaskClient:
    return login("impres")


def version(client: FlaskClient, number: int) -> dict[str, str]:
    return {"version": hidden(client.get(f"/transfers/{number}").text, "version")}


def there(db: Session, place: str) -> int:
    return db.scalar(select(func.count()).where(Booklet.place == place)) or 0


def read(pdf: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def manifest_of(db: Session, number: int) -> str:
    code = arrivals.manifest_code(db.get_one(StockDocument, number))
    db.commit()
    return code


def move_to(db: Session, username: str, site: str) -> None:
    """The user works at `site` alone."""
    user = db.scalars(select(User).where(User.username == username)).one()
    user.sites = [db.get_one(Site, site)]
    db.commit()


def test_closing_asks_with_the_number_and_puts_the_booklets_in_transit(
    db: Session, sender: FlaskClient, draft: int
) -> None:
    page = sender.get(f"/transfers/{draft}").text
    question = page.split('data-confirm="')[2].split('"')[0]
    assert str(draft) in question
    assert "10" in question
    closed = sender.post(f"/transfers/{draft}/close", data=version(sender, draft), follow_redirects=True).text
    assert there(db, f"TRANSIT:{draft}") == 10
    assert "/close" not in closed
    assert f"/transfers/{draft}/manifest.pdf" in closed
    assert f"/transfers/{draft}/receive" not in closed, "who sent does not receive"


def test_each_booklet_is_shown_going_out_and_coming_in(sender: FlaskClient, receiver: FlaskClient, sent: int) -> None:
    page = sender.get(f"/transfers/{sent}").text
    rows = page.split('id="booklets"')[1].split("<tr>")[2:]
    assert len(rows) == 20
    assert "CENTRAL DE PASAPORTES" in rows[0]
    assert "CENTRO DE IMPRESIÓN GUATEMALA" in rows[1]
    assert all("F5000001" in row for row in rows[:2])
    assert ">1<" in rows[0]
    assert ">2<" in rows[1]
    assert f"TRANSIT:{sent}" not in page
    receiver.post(f"/transfers/{sent}/receive", data={"numbers": "F5000001", "what": "numbers"})
    after = sender.get(f"/transfers/{sent}").text.split('id="booklets"')[1].split("<tr>")[2:]
    assert 'class="mark' not in after[1]
    assert 'class="mark' in after[3]


def test_a_hundred_booklets_are_shown_at_a_time(sender: FlaskClient) -> None:
    number = int(sender.post("/transfers/new", data=HEAD).location.rsplit("/", 1)[1])
    sender.post(f"/transfers/{number}/lines", data={**LINE, "quantity": "150", **version(sender, number)})
    first, second = sender.get(f"/transfers/{number}").text, sender.get(f"/transfers/{number}?from=101").text
    assert first.split('id="booklets"')[1].count('class="code">F') == 200
    assert second.split('id="booklets"')[1].count('class="code">F') == 100
    assert f"/transfers/{number}?from=101" in first


def test_a_proposed_transfer_is_filled_in_and_takes_its_lines(db: Session, sender: FlaskClient) -> None:
    page = sender.get("/transfers/new?from=CENTRAL&to=PROD-PET&category=ORDINARIA&quantity=120").text
    assert '<option value="CENTRAL" selected>' in page
    assert '<option value="PROD-PET" selected>' in page
    assert 'name="quantity" value="120"' in page
    data = {**HEAD, "to_warehouse": "PROD-PET", "category": "ORDINARIA", "quantity": "120"}
    number = int(sender.post("/transfers/new", data=data).location.rsplit("/", 1)[1])
    line = db.scalars(select(StockLine).where(StockLine.document_id == number)).one()
    assert (line.first_number, line.quantity) == ("F5000001", 120)
    refused = sender.post("/transfers/new", data={**data, "quantity": "9000", "reference": "Urgente"})
    assert refused.status_code == 409
    assert 'id="f-quantity-error"' in refused.text
    assert 'value="Urgente"' in refused.text
    assert db.scalar(select(func.count()).where(StockDocument.kind == "TRASLADO")) == 1


def test_a_line_that_is_not_in_the_warehouse_is_told_at_its_field(sender: FlaskClient, sent: int) -> None:
    number = int(sender.post("/transfers/new", data=HEAD).location.rsplit("/", 1)[1])
    answer = sender.post(f"/transfers/{number}/lines", data=LINE | version(sender, number))
    assert answer.status_code == 409
    assert str(sent) in answer.text.split('id="f-first-error"')[1].split("</p>")[0]
    assert 'name="first" value="5000001"' in answer.text


def test_a_head_to_the_same_warehouse_is_refused_and_keeps_what_was_typed(sender: FlaskClient) -> None:
    answer = sender.post("/transfers/new", data={**HEAD, "to_warehouse": "CENTRAL"})
    assert answer.status_code == 400
    assert 'id="f-to_warehouse-error"' in answer.text
    assert 'value="Caja 7"' in answer.text


def test_the_head_of_a_draft_is_changed(db: Session, sender: FlaskClient, draft: int) -> None:
    page = sender.get(f"/transfers/{draft}/edit").text
    assert '<option value="PROD-GUA" selected>' in page
    data = {**HEAD, "to_warehouse": "PROD-PET", "version": hidden(page, "version")}
    assert sender.post(f"/transfers/{draft}/edit", data=data).location == f"/transfers/{draft}"
    assert db.get_one(StockDocument, draft).to_warehouse_code == "PROD-PET"


def test_part_is_received_and_the_rest_stays_in_transit(db: Session, receiver: FlaskClient, sent: int) -> None:
    assert f"/transfers/{sent}/receive" in receiver.get("/transfers/").text
    page = receiver.get(f"/transfers/{sent}/receive").text
    assert "F5000001–F5000010" in page
    data = {
        "numbers": "F5000001\nF5000002-F5000004 F9999999", "damaged": "F5000005", "remarks": "Mojada",
        "what": "numbers",
    }  # fmt: skip
    answer = receiver.post(f"/transfers/{sent}/receive", data=data)
    assert answer.location == f"/transfers/{sent}"
    shown = receiver.get(answer.location).text
    assert f"/transfers/{sent}/arrivals/1.pdf" in shown
    assert "F9999999" in shown.split('id="differences"')[1]
    assert there(db, "WAREHOUSE:PROD-GUA") == 5
    assert "F5000006–F5000010" in shown
    minutes = receiver.get(f"/transfers/{sent}/arrivals/1.pdf")
    assert minutes.mimetype == "application/pdf"
    assert "F9999999 Sobrante" in read(minutes.data)
    assert receiver.get(f"/transfers/{sent}/arrivals/2.pdf").status_code == 404


def test_a_refused_receipt_keeps_what_was_scanned(db: Session, receiver: FlaskClient, sent: int) -> None:
    for numbers, damaged, field in (
        ("F5000001 F50000", "", "numbers"),
        ("F5000001", "F9999999", "damaged"),
        ("", "", "numbers"),
    ):
        data = {"numbers": numbers, "damaged": damaged, "remarks": "Caja 2", "what": "numbers"}
        answer = receiver.post(f"/transfers/{sent}/receive", data=data)
        assert answer.status_code == 400
        assert f'id="f-{field}-error"' in answer.text
        assert f">{numbers}</textarea>" in answer.text
        assert ">Caja 2</textarea>" in answer.text
    assert db.scalar(select(func.count(StockArrival.id))) == 0


def test_a_second_confirmation_of_the_same_is_told_who_confirmed_it(
    login: Login, receiver: FlaskClient, sent: int
) -> None:
    data = {"numbers": "F5000001-F5000003", "what": "numbers"}
    receiver.post(f"/transfers/{sent}/receive", data=data)
    answer = login("jpgu").post(f"/transfers/{sent}/receive", data=data)
    assert answer.status_code == 409
    error = answer.text.split('id="f-numbers-error"')[1].split("</p>")[0]
    assert "F5000001–F5000003" in error
    assert "impres" in error


def test_a_scanned_manifest_opens_its_transfer_and_offers_everything(
    db: Session, receiver: FlaskClient, sent: int
) -> None:
    code = manifest_of(db, sent)
    opened = receiver.post("/transfers/find", data={"manifest": code})
    assert opened.location.startswith(f"/transfers/{sent}/receive?manifest=")
    page = receiver.get(opened.location).text
    offer = page.split('class="columns-side"')[0]
    assert 'name="what" value="everything"' in offer
    assert "data-confirm" in offer
    assert receiver.post(f"/transfers/{sent}/receive", data={"what": "everything"}).status_code == 303
    assert there(db, "WAREHOUSE:PROD-GUA") == 10
    assert db.get_one(StockDocument, sent).received_at is not None


def test_an_altered_or_foreign_manifest_offers_nothing(db: Session, receiver: FlaskClient, sent: int) -> None:
    code = manifest_of(db, sent)
    for wrong in (code[:-1] + ("0" if code[-1] != "0" else "1"), f"T9;{code.split(';', 1)[1]}", "T"):
        answer = receiver.get(f"/transfers/{sent}/receive", query_string={"manifest": wrong})
        assert answer.status_code in (400, 409)
        assert "alert-danger" in answer.text
        assert 'name="what" value="everything"' not in answer.text.split('class="columns-side"')[0]


def test_a_scanned_booklet_opens_the_transfer_it_is_on(receiver: FlaskClient, sent: int) -> None:
    assert receiver.post("/transfers/find", data={"manifest": "F5000003"}).location == f"/transfers/{sent}/receive"
    back = {"Referer": "http://localhost/transfers/"}
    for raw in ("F5000011", "F9999999", "hola"):
        assert receiver.post("/transfers/find", data={"manifest": raw}, headers=back).location.endswith("/transfers/")


def test_the_manifest_is_printed_once_the_transfer_was_sent(sender: FlaskClient, draft: int) -> None:
    assert sender.get(f"/transfers/{draft}/manifest.pdf").status_code == 409
    sender.post(f"/transfers/{draft}/close", data=version(sender, draft))
    paper = sender.get(f"/transfers/{draft}/manifest.pdf")
    assert paper.mimetype == "application/pdf"
    assert f"Manifiesto del traslado No. {draft}" in read(paper.data)


def test_the_rest_is_declared_missing_with_minutes(db: Session, receiver: FlaskClient, sent: int) -> None:
    receiver.post(f"/transfers/{sent}/receive", data={"numbers": "F5000001-F5000008", "what": "numbers"})
    back = {"Referer": f"http://localhost/transfers/{sent}/receive"}
    receiver.post(f"/transfers/{sent}/missing", data={"remarks": ""}, headers=back)
    assert db.scalar(select(func.count(StockDifference.id))) == 0
    answer = receiver.post(f"/transfers/{sent}/missing", data={"remarks": "Caja abierta"}, follow_redirects=True)
    assert f"/transfers/{sent}/arrivals/2.pdf" in answer.text
    assert "F5000009 Faltante" in read(receiver.get(f"/transfers/{sent}/arrivals/2.pdf").data)
    assert "exclamation-octagon" in receiver.get("/transfers/").text
    assert (
        receiver.post(f"/transfers/{sent}/receive", data={"numbers": "F5000009", "what": "numbers"}).status_code == 303
    )
    assert there(db, f"TRANSIT:{sent}") == 1


def test_a_long_transit_is_marked_in_the_list(
    receiver: FlaskClient, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "exclamation-triangle-fill" not in receiver.get("/transfers/").text
    monkeypatch.setattr(transfer_lists, "LATE_AFTER", -1)
    assert "exclamation-triangle-fill" in receiver.get("/transfers/").text


def test_a_transfer_is_recalled_by_another_person(db: Session, login: Login, sender: FlaskClient, sent: int) -> None:
    assert "/recall" not in sender.get(f"/transfers/{sent}").text
    assert sender.post(f"/transfers/{sent}/recall", data={"remarks": "Error"}).status_code == 403
    head = login("jpgu")
    assert "/recall" in head.get(f"/transfers/{sent}").text
    shown = head.post(f"/transfers/{sent}/recall", data={"remarks": "Iba a Petén"}, follow_redirects=True).text
    assert "/recall" not in shown
    assert there(db, "WAREHOUSE:CENTRAL") == 150
    assert f'href="/transfers/{sent}/receive"' not in head.get("/transfers/").text


def test_who_sent_may_not_receive_by_the_address_either(db: Session, sender: FlaskClient, sent: int) -> None:
    assert sender.get(f"/transfers/{sent}/receive").status_code == 409
    assert sender.post(f"/transfers/{sent}/receive", data={"what": "everything"}).status_code == 409
    assert there(db, f"TRANSIT:{sent}") == 10


def test_a_user_of_another_site_finds_no_transfer(db: Session, login: Login, sent: int) -> None:
    move_to(db, "impdep", "PET")
    stranger = login("impdep")
    assert stranger.get(f"/transfers/{sent}").status_code == 404
    assert stranger.get(f"/transfers/{sent}/receive").status_code == 404
    assert stranger.get(f"/transfers/{sent}/manifest.pdf").status_code == 404
    assert stranger.post(f"/transfers/{sent}/receive", data={"what": "everything"}).status_code == 404
    assert f"/transfers/{sent}" not in stranger.get("/transfers/").text
    assert there(db, f"TRANSIT:{sent}") == 10


def test_who_receives_sees_a_draft_but_does_not_write_it(login: Login, draft: int) -> None:
    reader = login("impres")
    page = reader.get(f"/transfers/{draft}").text
    assert "F5000001" in page
    assert "/close" not in page
    assert "/lines" not in page
    assert reader.post(f"/transfers/{draft}/close", data={"version": "1"}).status_code == 403
    assert reader.get(f"/transfers/{draft}/receive").status_code in (403, 409)


def test_a_draft_is_deleted(db: Session, sender: FlaskClient, draft: int) -> None:
    assert sender.post(f"/transfers/{draft}/delete", data=version(sender, draft)).location == "/transfers/"
    assert sender.get(f"/transfers/{draft}").status_code == 404


def test_a_line_is_taken_off(db: Session, sender: FlaskClient, draft: int) -> None:
    line = db.scalars(select(StockLine.id).where(StockLine.document_id == draft)).one()
    assert sender.post(f"/transfers/{draft}/lines/{line}/drop", data=version(sender, draft)).status_code == 303
    assert db.scalars(select(StockLine.id).where(StockLine.document_id == draft)).all() == []
    assert db.get_one(StockDocument, draft).state == DocumentState.ABIERTO


def test_who_does_not_read_stock_sees_no_transfers(login: Login, sent: int) -> None:
    assert login("concal").get("/transfers/").status_code == 403
    assert login("reporte").get(f"/transfers/{sent}/receive").status_code == 403


def test_a_long_list_costs_no_more_statements_than_a_short_one(
    sender: FlaskClient, sent: int, connection: Connection
) -> None:
    sender.get("/transfers/")
    with statements(connection) as few:
        sender.get("/transfers/")
    for at in range(4):
        number = int(sender.post("/transfers/new", data=HEAD).location.rsplit("/", 1)[1])
        line = {**LINE, "first": str(5_000_020 + at), "quantity": "1", **version(sender, number)}
        sender.post(f"/transfers/{number}/lines", data=line)
        sender.post(f"/transfers/{number}/close", data=version(sender, number))
    with statements(connection) as many:
        sender.get("/transfers/")
    assert len(many) == len(few) <= 9
