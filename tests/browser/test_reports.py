"""Reports in a browser: asked for by keyboard, seen, taken as files; a long one awaited; one made by itself."""

import datetime as dt
import io
import re

import openpyxl
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from security.actor import system_actor
from security.scope import acting_as
from tests.browser.conftest import PHONE, Server
from tests.build import make_case
from views.report_files import PICTURES_AT_ONCE

#: More than are made at once as a PDF with pictures.
FEW, MANY = 4, PICTURES_AT_ONCE + 3


@pytest.fixture(scope="module")
def received(office: Server) -> dict[str, list[str]]:
    """Cases that were received today in Chiquimula, few, and in zone 9, many; in their order."""
    with Session(office.engine) as session, acting_as(system_actor(session)):
        numbers = {
            site: [make_case(session, site_code=site).number for _case in range(count)]
            for site, count in (("CHQ", FEW), ("GU9", MANY))
        }
        session.commit()
    return numbers


def download(page: Page, selector: str) -> tuple[str, bytes]:
    """The name and the bytes of the file that a click brings."""
    with page.expect_download() as waiting:
        page.click(selector)
    path = waiting.value.path()
    return waiting.value.suggested_filename, path.read_bytes()


def test_a_head_asks_for_some_days_by_keyboard_sees_them_and_takes_the_workbook(desk, received):
    head, today = desk("jpgu"), local_date(utc_now())
    page = head.go("/reports/")
    head.look("reports")
    page.click("main a[href='/reports/received/']")
    expect(page.locator("h1")).to_have_text("Recibidos")
    page.focus("#f-first")
    begin = dt.date(today.year - 1, today.month, today.month)  # day or month first, as this Chromium has it
    page.keyboard.type(f"{begin:%d%m%Y}")
    page.focus("#f-site-combo")
    page.keyboard.type("chiquimula")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.focus("#f-last")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"first={begin}&last={today}&site=CHQ"))
    expect(page.locator(".list-count")).to_contain_text(f"{FEW} líneas")
    expect(page.locator("main tbody tr")).to_have_count(FEW)
    expect(page.locator("main tbody tr").first).to_contain_text(received["CHQ"][0])
    expect(page.locator("svg.chart title").first).to_have_text("Recibidos por día")
    page.wait_for_function("document.querySelector('.report-picture').naturalWidth > 0")
    head.look("report-received")
    name, data = download(page, "button[accesskey=x]")
    rows = list(openpyxl.load_workbook(io.BytesIO(data))["Datos"].iter_rows(min_row=2, values_only=True))
    assert [row[1] for row in rows] == received["CHQ"]
    number = re.findall(r"received-(R\d+)\.xlsx", name)[0]
    page.click("main a[href='/reports/files/']")
    page.fill("input[name=number]", number.lower())
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(number)
    expect(page.locator("main")).to_contain_text(re.compile("[0-9a-f]{64}"))
    head.look("report-file")


def test_a_long_one_is_awaited_on_its_page_and_made_again_the_same(desk, received):
    place = desk("jpgu", viewport=PHONE, scheme="dark")
    page = place.go("/reports/received/?site=CHQ")
    place.look("report-phone")
    place.go("/reports/received/?site=GU9")
    page.click("button[accesskey=p]")
    page.wait_for_url(re.compile(r"/reports/files/R\d+$"))
    page.wait_for_selector("a[accesskey=d]", timeout=60_000)
    name, data = download(page, "a[accesskey=d]")
    assert name.endswith(".pdf")
    assert data.startswith(b"%PDF")
    page.click("main form[action$='/again'] button")
    page.wait_for_selector("a[accesskey=d]", timeout=60_000)
    expect(page.locator(".alert-success").last).to_contain_text("la huella SHA-256 coincide")
    place.look("report-again-phone")


def test_a_report_is_sorted_by_its_heads_and_made_by_itself_until_it_is_stopped(desk, received):
    place = desk("supersu")
    page = place.go("/reports/received/?site=GU9")
    for order, first in (("ascending", received["GU9"][0]), ("descending", received["GU9"][-1])):
        page.focus("th a.sort:has-text('Caso')")
        page.keyboard.press("Enter")
        expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", order)
        expect(page.locator("main tbody tr").first).to_contain_text(first)
    page.click("a[rel=next]")
    expect(page.locator("main tbody tr")).to_have_count(MANY - 50)
    page.click(".report-plan summary")
    page.select_option("#f-period", "WEEK")
    place.look("report-plan")
    page.click(".report-plan button[type=submit]")
    expect(page.locator("main")).to_contain_text("Activo")
    place.look("report-files")
    page.click("main form[action*='/schedules/'] button")
    expect(page.locator("main")).to_contain_text("Detenido")
