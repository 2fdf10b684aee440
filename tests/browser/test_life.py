"""One real case goes through the whole office: five people, a refused print and a failed quality control on the way."""

import datetime as dt
import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.enrolments import make_enrolments
from models.booklets import Booklet
from models.cases import CaseEvent, PassportCase
from models.enrolments import RegistryPerson
from tests.browser.conftest import Desk, Server
from tests.browser.paper import scan_code, scan_zone

TODAY = dt.date(2026, 11, 20)
WRONG_ZONE = "P<GTMOTRO<APELLIDO<<NOMBRE<<<<<<<<<<<<<<<<<<\nF600000299GTM9001011F3111200<<<<<<<<<<<<<<04"


def send(office: Server, enrolment: Any) -> None:
    """What a capture station does: log in, post the enrolment, done."""
    login = {"username": "estacion", "password": "secreto-estacion", "provider": "db"}
    token = call(office, "/api/v1/security/login", login)["access_token"]
    call(
        office,
        f"/osia/enrollment/v1/enrollments/{enrolment.enrollment_id}?finalize=true&transactionId=t1",
        enrolment.body,
        token,
    )


def call(office: Server, path: str, body: Any, token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(office.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


@pytest.fixture
def case_number(office: Server, records: Session) -> str:
    """A clean enrolment at GUA of an invented adult, sent by the station."""
    clean = next(
        one
        for one in make_enrolments(7, 60, today=TODAY)
        if not one.expected and not one.former_rows
        and one.body["contextualData"]["site"] == "GUA" and one.body["requestData"]["passportType"] == "ORD"
        and "image" in one.body["biometricData"][1]
    )  # fmt: skip
    for row in clean.registry_rows:
        records.add(RegistryPerson(cui=row["cui"], data={k: v for k, v in row.items() if v and k != "cui"}))
    records.commit()
    send(office, clean)
    found = records.scalars(select(PassportCase).where(PassportCase.enrollment_id == clean.enrollment_id)).one()
    return found.number


def confirm(desk: Desk) -> None:
    """Say yes to the question that a button asks before it acts."""
    expect(desk.page.locator("#confirm-dialog")).to_be_visible()
    desk.page.click("#confirm-accept")


def receive_booklets(desk: Desk) -> list[str]:
    """Production enters five booklets into the warehouse of GUA and closes the document."""
    page = desk.go("/receipts/")
    desk.look("receipts")
    page.click("a[href$='/receipts/new']")
    page.fill("#f-warehouse-combo", "IMPRESIÓN GUATEMALA")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.fill("input[name=reference]", "Lote de prueba")
    page.click("main form[data-keep] button[type=submit]")
    page.fill("input[name=first]", "6000001")
    page.fill("input[name=quantity]", "5")
    desk.look("receipt-draft")
    page.keyboard.press("Enter")
    expect(page.locator("table", has_text="F6000005")).to_be_visible()
    page.click("button[accesskey=c]")
    expect(page.locator("#confirm-text")).to_contain_text("5")
    confirm(desk)
    expect(page.locator("button[accesskey=c]")).to_have_count(0)
    desk.look("receipt-closed")
    return [f"F600000{n}" for n in range(1, 6)]


def scan(desk: Desk, text: str) -> None:
    """What a reader does: it types the text with an Enter after each row, once the page is there."""
    desk.page.wait_for_load_state("networkidle")
    desk.page.keyboard.type(text + "\n")
    desk.page.wait_for_load_state("networkidle")


def print_with(desk: Desk, number: str, booklet: str) -> None:
    """The printer scans the booklet, prints the page and sees it."""
    page = desk.go(f"/printing/{number}")
    page.keyboard.type(booklet)
    page.keyboard.press("Enter")
    expect(page.locator(".booklet-number")).to_have_text(booklet)
    page.click("button[accesskey=i]")
    expect(page.locator("#page")).to_be_visible()


def read_page(desk: Desk, number: str, office: Server) -> tuple[str, str]:
    """What a scanner reads on the printed page: both rows of the MRZ, and the 2D code."""
    answer = desk.context.request.get(f"{office.url}/printing/{number}/page.pdf")
    assert answer.ok
    return scan_zone(answer.body()), scan_code(answer.body())


def test_one_real_case_goes_from_intake_to_delivery(office, desk, records, case_number):
    production, supervisor, printer = desk("produccion"), desk("supervisor"), desk("impres")
    booklets = receive_booklets(production)

    page = supervisor.go("/queues/supervision/")
    expect(page.locator("main")).to_contain_text(case_number)
    supervisor.look("queue")
    page.click("button[accesskey=s]")
    expect(page.locator("h1")).to_contain_text(case_number)
    expect(page.locator("img").first).to_be_visible()
    supervisor.look("review")
    page.click("#act-authorise button[accesskey=a]")
    confirm(supervisor)
    page.wait_for_url(lambda url: "/queues/" in url)

    print_with(printer, case_number, booklets[0])
    printer.look("printing")
    page = printer.page
    page.click("details.refuse summary")
    page.fill("details.refuse textarea", "Página manchada")
    page.click("details.refuse button.btn-danger")
    confirm(printer)
    expect(page.locator("input[name=booklet]").first).to_be_visible()

    print_with(printer, case_number, booklets[1])
    printer.page.click("button[accesskey=a]")
    expect(printer.page.locator("#page")).to_have_count(0)

    quality = desk("concal")
    page = quality.go("/quality/")
    quality.look("quality-start")
    scan(quality, booklets[1])
    expect(page.locator("h1")).to_contain_text(case_number)
    scan(quality, WRONG_ZONE)
    expect(page.locator("#check-mrz")).to_contain_text("Difiere")
    quality.look("quality-differs")
    page.click("details.refuse summary")
    page.fill("details.refuse textarea", "La zona impresa es de otra persona")
    page.click("details.refuse button.btn-danger")
    confirm(quality)
    expect(page.locator("details.refuse")).to_have_count(0)

    print_with(printer, case_number, booklets[2])
    zone, code = read_page(printer, case_number, office)
    printer.page.click("button[accesskey=a]")
    expect(printer.page.locator("#page")).to_have_count(0)

    page = quality.go("/quality/")
    scan(quality, booklets[2])
    expect(page.locator("h1")).to_contain_text(case_number)
    for kind, text in (("mrz", zone), ("seal", code)):
        scan(quality, text)
        expect(page.locator(f"#check-{kind}")).to_contain_text("Concuerda")
    for box in page.locator(".looks input[type=checkbox]").all():
        box.check()
    quality.look("quality-agrees")
    page.click("button[accesskey=a]")
    expect(page.locator("#check-mrz")).to_have_count(0)

    delivery = desk("entrega")
    page = delivery.go("/delivery/")
    page.keyboard.type(booklets[2])
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(case_number)
    page.check("input[name=collector][value=PARENT]")
    page.fill("input[name=collector_name]", "Rosalba Tzunux")
    page.fill("input[name=document_number]", "6000000160101")
    delivery.look("delivery")
    page.click("button[accesskey=a]")
    confirm(delivery)
    expect(page.locator("main")).to_contain_text("Rosalba Tzunux")
    delivery.look("delivered")

    page = supervisor.go(f"/cases/{case_number}/")
    expect(page.locator("main")).to_contain_text("DocuCheck")
    supervisor.look("case")
    assert trail(records, case_number) == [
        ("RECEPCION", "estacion"), ("REVISION", "supervisor"), ("AUTORIZACION", "supervisor"),
        ("IMPRESION", "impres"), ("IMPRESION_GENERADA", "impres"), ("IMPRESION_RECHAZADA", "impres"),
        ("IMPRESION", "impres"), ("IMPRESION_GENERADA", "impres"), ("IMPRESION_ACEPTADA", "impres"),
        ("CONTROL_CALIDAD_RECHAZADO", "concal"),
        ("IMPRESION", "impres"), ("IMPRESION_GENERADA", "impres"), ("IMPRESION_ACEPTADA", "impres"),
        ("DOCUCHECK", "concal"), ("ENTREGA", "entrega"),
    ]  # fmt: skip
    states = dict(records.execute(select(Booklet.number, Booklet.state).where(Booklet.number.in_(booklets))).all())
    assert [states[number] for number in booklets] == ["ANULADA", "ANULADA", "ENTREGADA", "NUEVA", "NUEVA"]


def trail(records: Session, number: str) -> list[tuple[str, str]]:
    records.rollback()
    case = records.scalars(select(PassportCase).where(PassportCase.number == number)).one()
    events = records.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id))
    return [(entry.event, entry.username) for entry in events]
