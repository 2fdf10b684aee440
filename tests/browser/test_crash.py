"""A server killed between assignment and acceptance loses nobody's work: En-Impresión lists the case and resumes it."""

from playwright.sync_api import expect
from sqlalchemy import select

from models.cases import CaseEvent, PassportCase, State
from tests.build import make_booklets, make_case


def test_a_case_left_in_printing_by_a_crash_is_listed_and_resumed(office, desk, records):
    case = make_case(records, State.AUTORIZADA, first_surname="Paxtor", cui="6000000160101")
    (booklet,) = make_booklets(records, 6_100_001, 1)
    records.commit()
    number = case.number

    printer = desk("impres")
    page = printer.go(f"/printing/{number}")
    page.keyboard.type(booklet + "\n")
    expect(page.locator(".booklet-number")).to_have_text(booklet)
    office.kill()
    office.start()
    printer.page.wait_for_load_state("networkidle")
    printer.faults.clear()  # what the browser says of a server that dies is no fault of ours

    page = printer.go("/queues/in-printing/GUA/")
    expect(page.locator("main")).to_contain_text(number)
    printer.look("in-printing")
    page.locator("main a", has_text=number).first.click()
    expect(page.locator(".booklet-number")).to_have_text(booklet)
    page.click("button[accesskey=i]")
    expect(page.locator("#page")).to_be_visible()
    page.click("button[accesskey=a]")
    expect(page.locator("#page")).to_have_count(0)

    records.rollback()
    assert state_of(records, number) == State.IMPRESA
    uses = records.scalars(select(CaseEvent.booklet_number).where(CaseEvent.event == "IMPRESION_ACEPTADA"))
    assert booklet in set(uses)


def test_the_loser_of_a_race_reads_who_did_what(office, desk, records):
    case = make_case(records, first_surname="Xitumul", cui="6000000240101")
    records.commit()
    number = case.number
    first, second = desk("supervisor"), desk("supersu")
    first.go(f"/cases/{number}/review")
    second.go(f"/cases/{number}/review")
    for place in (first, second):
        place.page.click("#act-authorise button[accesskey=a]")
        place.page.click("#confirm-accept")
        expect(place.page.locator("#act-authorise")).to_have_count(0)
    expect(second.page.locator("main")).to_contain_text("supervisor")
    expect(second.page.locator("main")).to_contain_text("Autorización")
    records.rollback()
    assert state_of(records, number) == State.AUTORIZADA


def state_of(records, number: str) -> str:
    return records.scalars(select(PassportCase.state).where(PassportCase.number == number)).one()
