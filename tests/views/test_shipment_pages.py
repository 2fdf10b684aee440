"""Dirección USA on the screen, scanner first: booklet, address, label, tracking number, receipt."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.cases import PassportCase, State
from models.catalogs import Site
from models.shipments import Shipment, ShipmentState
from tests.printing.invented import run
from tests.views.desk import again, hidden
from tests.workflow.test_shipments import HOUSTON, USPS, consular

Login = Callable[[str], FlaskClient]


@pytest.fixture
def case(db: Session) -> PassportCase:
    return consular(db)


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("entrega")


def prepared(db: Session, client: FlaskClient, case: PassportCase, **changes: str) -> Shipment:
    answer = client.post(f"/shipments/cases/{case.number}", data={**HOUSTON, **changes})
    assert answer.status_code == 303, answer.text
    return db.scalars(select(Shipment).order_by(Shipment.id.desc())).first()  # type: ignore[return-value]


def now(db: Session, shipment: Shipment) -> ShipmentState:
    return db.get_one(Shipment, shipment.id, populate_existing=True).state


def done(client: FlaskClient, shipment: Shipment, name: str, **values: str) -> int:
    version = hidden(client.get(f"/shipments/{shipment.id}").text, "version")
    return client.post(f"/shipments/{shipment.id}/{name}", data={"version": version, **values}).status_code


def test_from_the_scanned_booklet_to_the_receipt(db: Session, client: FlaskClient, case: PassportCase) -> None:
    page = client.get("/shipments/?site=ATL").text
    assert f"/shipments/cases/{case.number}" in page
    assert client.post("/shipments/", data={"raw": "F5000001"}).location == f"/shipments/cases/{case.number}"
    form = client.get(f"/shipments/cases/{case.number}").text
    assert 'value="4890 Old Quarry Road"' in form
    assert '<option value="TX" selected>' in form
    shipment = prepared(db, client, case)
    assert client.post("/shipments/", data={"raw": case.number}).location == f"/shipments/{shipment.id}"
    assert done(client, shipment, "send", tracking=USPS, courier="") == 303
    assert now(db, shipment) == ShipmentState.SENT
    page = client.get(f"/shipments/{shipment.id}").text
    assert f"tools.usps.com/go/TrackConfirmAction?tLabels={USPS}" in page
    assert done(client, shipment, "confirm", collector="HOLDER") == 303
    assert again(db, case).state == State.ENTREGADA
    assert "Constancia de entrega de la mensajería" in client.get(f"/delivery/{case.number}").text
    assert str(shipment.id) in client.get("/shipments/?tab=ended&site=ATL").text


def test_a_refused_address_comes_back_as_typed(db: Session, client: FlaskClient, case: PassportCase) -> None:
    answer = client.post(f"/shipments/cases/{case.number}", data={**HOUSTON, "zip_code": "7708", "city": "Katy"})
    assert answer.status_code == 400
    assert 'id="f-zip_code-error"' in answer.text
    assert 'value="Katy"' in answer.text
    shipment = prepared(db, client, case)
    version = hidden(client.get(f"/shipments/{shipment.id}").text, "version")
    answer = client.post(
        f"/shipments/{shipment.id}/address", data={**HOUSTON, "us_state": "XX", "city": "Katy", "version": version}
    )
    assert (answer.status_code, 'id="f-us_state-error"' in answer.text) == (400, True)
    assert done(client, shipment, "address", **{**HOUSTON, "city": "Katy"}) == 303
    assert "<del>Houston</del> <ins>Katy</ins>" in client.get(f"/shipments/{shipment.id}").text


def test_what_is_no_tracking_number_is_told_at_its_field(db: Session, client: FlaskClient, case: PassportCase) -> None:
    shipment = prepared(db, client, case)
    answer = client.post(f"/shipments/{shipment.id}/send", data={"tracking": "F5000001", "courier": "", "version": "1"})
    assert answer.status_code in (400, 409)
    assert 'id="f-tracking-error"' in answer.text
    assert 'value="F5000001"' in answer.text
    assert client.post("/shipments/", data={"raw": "F9999999"}).status_code == 409


def test_the_label_has_sender_recipient_and_case_number_and_nothing_secret(
    db: Session, client: FlaskClient, case: PassportCase
) -> None:
    db.get_one(Site, "GUA").return_address = "6a. avenida 3-11 zona 4, Guatemala 01004"
    db.commit()
    shipment = prepared(db, client, case)
    for paper, pages in (("label", 1), ("letter", 1)):
        answer = client.post("/shipments/labels", data={"shipments": str(shipment.id), "paper": paper})
        assert answer.mimetype == "application/pdf"
        text = run("pdftotext", "-layout", "-", "-", stdin=answer.data).decode()
        assert text.count("\f") == pages
        for said in ("MARISELA ODILIA", "4890 OLD QUARRY ROAD", "HOUSTON TX 77081", case.number, "zona 4, Guatemala"):
            assert said in text, said
        for secret in (case.cui, "F5000001", case.birth_date):
            assert secret not in text
    assert db.get_one(Shipment, shipment.id, populate_existing=True).labels == 2
    assert client.post("/shipments/labels", data={}).status_code == 400


def test_one_that_comes_back_and_one_that_is_given_up(db: Session, client: FlaskClient, case: PassportCase) -> None:
    first = prepared(db, client, case)
    assert done(client, first, "cancel", remarks="") == 400
    assert done(client, first, "cancel", remarks="Vino por él") == 303
    second = prepared(db, client, case)
    assert done(client, second, "send", tracking=USPS, courier="USPS") == 303
    assert done(client, second, "return", remarks="Se mudó") == 303
    assert (now(db, first), now(db, second)) == (ShipmentState.CANCELLED, ShipmentState.RETURNED)
    assert str(second.id) in client.get("/shipments/?tab=returned&site=ATL").text


def test_one_lost_in_the_mail_is_reported_by_who_may_void(
    db: Session, client: FlaskClient, login: Login, case: PassportCase
) -> None:
    shipment = prepared(db, client, case)
    done(client, shipment, "send", tracking=USPS, courier="")
    loss = {"kind": "LOST", "lost_on": "2026-02-01", "police_reference": "", "remarks": "No llegó"}
    assert "/lose" not in client.get(f"/shipments/{shipment.id}").text
    assert done(client, shipment, "lose", **loss) == 403
    assert done(login("jpgu"), shipment, "lose", **{**loss, "lost_on": "2999-01-01"}) == 400
    assert done(login("jpgu"), shipment, "lose", **loss) == 303
    assert (now(db, shipment), again(db, case).state) == (ShipmentState.LOST, State.AUTORIZADA)


def test_the_counter_is_told_that_a_passport_goes_by_mail(db: Session, client: FlaskClient, case: PassportCase) -> None:
    prepared(db, client, case)
    form = {"collector": "HOLDER", "document_type": "DPI", "document_number": "1"}
    answer = client.post(f"/delivery/{case.number}/deliver", data=form)
    assert answer.status_code == 409
    assert "va por correo" in answer.text
    assert 'value="COURIER"' not in client.get(f"/delivery/{case.number}").text


def test_others_do_not_see_shipments(db: Session, client: FlaskClient, login: Login, case: PassportCase) -> None:
    shipment = prepared(db, client, case)
    for path in ("/shipments/", f"/shipments/{shipment.id}", f"/shipments/cases/{case.number}"):
        assert login("impres").get(path).status_code == 403
    assert client.get("/shipments/99999").status_code == 404
