"""A correction from the form to the paper, by two people in two browsers; its pages without fault."""

from playwright.sync_api import expect

from models.cases import PassportCase
from tests.browser.conftest import PHONE
from tests.build import make_case
from tests.workflow.test_second_person import PDF


def test_a_correction_is_asked_for_by_one_and_approved_by_another(desk, records, tmp_path):
    number = make_case(records).number
    records.commit()
    (tmp_path / "dpi.pdf").write_bytes(PDF)
    asker, approver = desk("jpgu"), desk("admadm", viewport=PHONE, scheme="dark")
    page = asker.go("/corrections/")
    page.fill("[name=raw]", number)
    page.keyboard.press("Enter")
    page.fill('[name="change-first_name"]', "Mariseli")
    page.fill("textarea[name=comment]", "Así consta en el DPI")
    page.select_option("[name=reason]", "C01")
    page.check('[name=requester_kind][value="GUARDIAN"]')
    page.set_input_files("[name=files]", tmp_path / "dpi.pdf")
    page.click("text=Ver la corrección")
    expect(page.locator("#f-requester_name-error")).to_be_visible()
    asker.look("correction-refused")
    page.fill("[name=requester_name]", "Ana Lucía Tzul")
    page.fill("[name=requester_identification]", "6000000080101")
    page.click("text=Ver la corrección")
    expect(page.locator(".preview-sides")).to_be_visible()
    asker.look("correction-preview")
    page.click("text=Solicitar esta corrección")
    expect(page.locator("h1")).to_contain_text("Espera a la segunda persona")
    asker.look("correction-request")
    other = approver.go(page.url.removeprefix(asker.office.url))
    approver.look("correction-decision")
    other.click("text=Aprobar y ejecutar")
    other.click("#confirm-accept")
    expect(other.locator("h1")).to_contain_text("Solicitud aprobada")
    records.expire_all()
    assert records.query(PassportCase).filter_by(number=number).one().first_name == "Mariseli"
