"""The box and the enquiries at their desk: by key, by reader, by name, on a phone, without fault."""

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from models.cases import State
from models.enrolments import FormerCase
from tests.browser.conftest import PHONE, Server
from tests.build import make_case
from tests.workflow.test_machine import Office
from workflow import pages


def former(number: str, surname: str) -> FormerCase:
    return FormerCase(
        number=number, first_surname=surname, first_name="IXCHEL", search_name=f"{surname} IXCHEL", state="ENTREGADO",
        source="prueba.csv", source_row=int(hashlib.sha256(number.encode()).hexdigest()[:6], 16), booklet_number="Q77",
    )  # fmt: skip


def test_a_key_the_name_misspelt_and_the_case_opens(desk, records: Session):
    case = make_case(records, first_surname="Xicará", second_surname="Vásquez", first_name="Benjamín")
    records.add(former("BRW0001", "XICARA"))
    records.commit()
    place = desk("supersu")
    page = place.go("/")
    page.keyboard.press("/")
    page.keyboard.type("bazques venjamin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find?q=bazques+venjamin")
    expect(page.get_by_role("heading", name="Con nombres parecidos")).to_be_visible()
    place.look("found-alike")
    page.keyboard.press("/")
    page.keyboard.type("xicara")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find?q=xicara")
    expect(page.get_by_role("heading", name="Sistema anterior")).to_be_visible()
    place.look("found")
    page.get_by_role("link", name=case.number).click()
    page.wait_for_url(f"**/cases/{case.number}/")
    expect(page.get_by_text("Un supervisor debe autorizarlo o rechazarlo.")).to_be_visible()
    place.look("case-waiting")


def test_a_reader_types_two_lines_each_with_enter_and_the_address_holds_neither(
    desk, records: Session, office: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "_press", None)
    keys = Path(office.environment["PASAPORTES_HOME"]) / "keys"
    pages.configure(keys, ocrb_font=None, specimen=True)  # that of the server, which signs too
    world = Office(records)
    case = world.case_in(State.ENTREGADA)
    records.commit()
    use = world.use(case)
    place = desk("supersu")
    page = place.go("/")
    page.keyboard.press("/")
    for line in (use.mrz_line_1, use.mrz_line_2):
        page.keyboard.type(line)
        page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case.number}/")
    page.keyboard.press("/")
    page.keyboard.type(use.mrz_line_1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/find")
    expect(page.get_by_role("link", name=case.number)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(use.seal_text)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{case.number}/")
    place.look("case-delivered")


def test_enquiries_fit_a_phone(desk, records: Session):
    make_case(records, first_surname="Yaxcal")
    records.add(former("BRW0002", "YAXCAL"))
    records.commit()
    place = desk("supersu", viewport=PHONE)
    for number, path in enumerate(
        ("/find?q=yaxcal", "/enquiries/people/?q=yaxcal", "/former/?names=yaxcal", "/former/BRW0002")
    ):
        place.go(path)
        place.look(f"enquiry-phone-{number}")
