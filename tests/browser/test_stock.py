"""The stock's day in a browser: an entry, a transfer that arrives with a difference, a shift's issue, a day closed."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.closings import ClosingRange, DayClosing
from tests.browser.conftest import Desk
from workflow.stock.stock_audit import audit

FIRST = 6_300_001


def number(serial: int) -> str:
    return f"F{FIRST + serial:07d}"


def confirm(page: Page) -> None:
    """Say yes to the question that a button asks before it acts."""
    expect(page.locator("#confirm-dialog")).to_be_visible()
    page.click("#confirm-accept")


def choose(page: Page, name: str, words: str) -> None:
    """Pick an entry of a list by typing a part of its name."""
    page.fill(f"#f-{name}-combo", words)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def scan(page: Page, text: str) -> None:
    """What a reader does: it types a number and presses Enter."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def saved(page: Page) -> str:
    """The number of the document that the page shows."""
    found = re.search(r"/(\d+)$", page.url)
    assert found, page.url
    return found.group(1)


def enter(desk: Desk, quantity: int) -> None:
    """An entry of `quantity` booklets at the central warehouse, closed."""
    page = desk.go("/receipts/new")
    page.fill("input[name=reference]", "Lote de la prueba")
    page.click("main form[data-keep] button[type=submit]")
    page.fill("input[name=first]", str(FIRST))
    page.fill("input[name=quantity]", str(quantity))
    page.keyboard.press("Enter")
    expect(page.locator("main table").first).to_contain_text(number(quantity - 1))
    page.click("button[accesskey=c]")
    expect(page.locator("#confirm-text")).to_contain_text(str(quantity))
    confirm(page)
    expect(page.locator("h1")).to_contain_text("Cerrado")


def send(desk: Desk, quantity: int) -> str:
    """A transfer of the first booklets from the central warehouse to Guatemala's, sent. Returns its number."""
    page = desk.go("/transfers/new")
    choose(page, "from_warehouse", "CENTRAL DE PASAPORTES")
    choose(page, "to_warehouse", "IMPRESIÓN GUATEMALA")
    page.click("main form[data-keep] button[type=submit]")
    page.fill("input[name=first]", str(FIRST))
    page.fill("input[name=quantity]", str(quantity))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(number(quantity - 1))
    desk.look("transfer-draft")
    page.click("button[accesskey=c]")
    expect(page.locator("#confirm-text")).to_contain_text(saved(page))
    confirm(page)
    expect(page.locator("h1")).to_contain_text("En tránsito")
    desk.look("transfer-sent")
    return saved(page)


@pytest.fixture
def stock(desk) -> tuple[Desk, str]:
    """The keeper at his desk, and a transfer of ten booklets of his that is on the road."""
    keeper = desk("produccion")
    enter(keeper, 30)
    return keeper, send(keeper, 10)


def test_an_entry_a_transfer_with_a_difference_an_issue_and_the_day_is_closed(stock, desk, records: Session) -> None:
    keeper, transfer = stock
    printer = desk("impres")
    receive_all_but_one(printer, transfer)
    issue(keeper, printer)
    close_the_day(printer, desk("jpgu"), records)
    assert audit(records) == []


def receive_all_but_one(desk: Desk, transfer: str) -> None:
    """The receiver scans nine of ten and one that nobody sent, then declares the tenth missing."""
    page = desk.go(f"/transfers/{transfer}")
    page.click("a[accesskey=r]")
    page.wait_for_load_state("networkidle")
    for serial in range(9):
        scan(page, number(serial))
    scan(page, number(20))
    expect(page.locator("textarea[name=numbers]")).to_have_value(re.compile(number(8)))
    desk.look("transfer-receiving")
    page.click("button[name=what][value=numbers]")
    confirm(page)
    expect(page.locator("main")).to_contain_text("Sobrante")
    page.click("a[accesskey=r]")
    page.fill("#f-missing-remarks", "El paquete llegó con una libreta menos")
    page.click("button.btn-danger")
    confirm(page)
    expect(page.locator("main")).to_contain_text("Faltante")
    expect(page.locator("main")).to_contain_text(number(9))
    desk.look("transfer-difference")
    minutes = page.locator("a[href*='minutes'], a[href$='.pdf']").first.get_attribute("href")
    answer = desk.context.request.get(f"{desk.office.url}{minutes}")
    assert answer.headers["content-type"] == "application/pdf"


def issue(keeper: Desk, printer: Desk) -> None:
    """Three booklets go into the printer's hands: the keeper signs, the printer counts."""
    page = keeper.go("/issues/new")
    choose(page, "warehouse", "IMPRESIÓN GUATEMALA")
    page.select_option("#f-printer", label=page.locator("#f-printer option", has_text="impres · ").inner_text())
    page.click("main form[data-keep] button[type=submit]")
    page.fill("[name=numbers]", f"{number(0)}-{number(2)}")
    page.click("main form[action$='/lines'] button[type=submit]")
    expect(page.locator("main table").first).to_contain_text(number(2))
    page.click("button[accesskey=c]")
    confirm(page)
    expect(page.locator("h1")).to_contain_text("Espera a la segunda persona")
    document = saved(page)
    page = printer.go(f"/issues/{document}")
    page.fill("input[name=counted]", "2")
    page.click("button[accesskey=c]")
    confirm(page)
    expect(page.locator("main")).to_contain_text("Su conteo difiere")
    page.fill("input[name=counted]", "3")
    page.click("button[accesskey=c]")
    confirm(page)
    expect(page.locator("h1")).to_contain_text("Cerrado")
    printer.look("issue-closed")


def close_the_day(first: Desk, second: Desk, records: Session) -> None:
    """One counts all but the last, says why, signs; the other closes."""
    page = first.go("/closings/")
    first.look("closings")
    page.click("button[aria-label*='IMPRESIÓN GUATEMALA']")
    page.wait_for_load_state("networkidle")
    closing = saved(page)
    here = records.scalars(
        select(Booklet.number).where(Booklet.state == "NUEVA", Booklet.warehouse_code == "PROD-GUA")
        .where(Booklet.place.not_like("TRANSIT:%")).order_by(Booklet.number)
    ).all()  # fmt: skip
    records.rollback()
    for counted in here[:-1]:
        scan(page, counted)
        expect(page.locator("[data-told]")).to_contain_text(counted)
    page.reload()
    expect(page.locator("#live")).to_contain_text(here[-1])
    first.look("closing-counted")
    page.click("button[accesskey=f]")
    confirm(page)
    expect(page.locator("main")).to_contain_text("diga por qué")
    page.fill("textarea[name=reason]", "Una libreta quedó en la impresora dañada")
    page.click("button[accesskey=f]")
    confirm(page)
    expect(page.locator("h1")).to_contain_text("Espera a la segunda persona")
    page = second.go(f"/closings/{closing}")
    page.click("button[accesskey=c]")
    confirm(page)
    expect(page.locator("h1")).to_contain_text("Cerrado")
    second.look("closing-closed")
    found = records.get_one(DayClosing, int(closing))
    assert (found.signed_by_id, found.warned) != (found.closed_by_id, True)
    missing = select(ClosingRange).where(ClosingRange.closing_id == found.id, ClosingRange.kind == "MISSING")
    assert [f"{run.prefix}{run.first:07d}" for run in records.scalars(missing)] == [here[-1]]
    answer = second.context.request.get(f"{second.office.url}/closings/{closing}/minutes")
    assert answer.body().startswith(b"%PDF")
