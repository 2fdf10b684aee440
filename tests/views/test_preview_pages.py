"""The preview on the screen: who may look, what is logged, and a correction that is looked at before it is saved."""

import html
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.booklets import Personalisation
from models.cases import CaseEvent, PassportCase, State
from models.users import AccessLog
from tests.build import make_case
from tests.workflow.test_machine import Office
from views.previews import runs
from workflow.previews import preview

Login = Callable[[str], FlaskClient]
LONG = {"first_surname": "Ixcamparij", "second_surname": "Chuvajchuvaj", "first_name": "Maximiliana"}


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


@pytest.fixture
def case(db: Session) -> PassportCase:
    made = make_case(db)
    db.commit()
    return made


def again(db: Session, case: PassportCase) -> PassportCase:
    query = select(PassportCase).where(PassportCase.id == case.id)
    return db.scalars(query.execution_options(populate_existing=True, every_site=True)).one()


def looks(db: Session, case: PassportCase) -> list[str]:
    return list(db.scalars(select(AccessLog.screen).where(AccessLog.case_number == case.number).order_by(AccessLog.id)))


def hidden(page: str) -> dict[str, str]:
    pairs = re.findall(r'<input type="hidden" name="(was-[^"]*|seen)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in pairs}


def zone(page: str) -> list[list[str]]:
    """The lines of each MRZ on a page, without marks."""
    found = re.findall(r'<pre class="mrz"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return [html.unescape(re.sub(r"</?mark[^>]*>", "", text)).split("\n") for text in found]


def confirmed(page: str) -> dict[str, str]:
    """What the form that saves a previewed correction sends."""
    form = page[page.index("<form", page.index('class="preview-sides"')) :]
    form = form[: form.index("</form>")]
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in pairs if name != "csrf_token"}


# ---- before a case is authorised


def test_the_preview_has_both_lines_and_the_fields_as_text(db: Session, login: Login, case: PassportCase) -> None:
    page = login("supervisor").get(f"/cases/{case.number}/preview").text
    shown = preview(db, case)
    assert zone(page) == [list(shown.mrz_lines or ())]
    for _slot, text in shown.fields:
        assert html.escape(text, quote=False).replace("'", "&#39;") in page


def test_the_review_has_a_panel_that_leads_to_the_preview(login: Login, case: PassportCase) -> None:
    client = login("supervisor")
    page = client.get(f"/cases/{case.number}/review").text
    address = f"/cases/{case.number}/preview"
    assert f'data-preview="{address}"' in page
    assert f'href="{address}"' in page
    assert 'id="preview"' in client.get(address).text


def test_the_page_is_shown_as_picture_and_as_pdf_and_kept_by_no_cache(login: Login, case: PassportCase) -> None:
    client = login("supervisor")
    picture = client.get(f"/cases/{case.number}/preview.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.data.startswith(b"<svg")
    document = client.get(f"/cases/{case.number}/preview.pdf")
    assert document.mimetype == "application/pdf"
    assert "F0000000" in PdfReader(io.BytesIO(document.data)).pages[0].extract_text()
    assert {answer.headers["Cache-Control"] for answer in (picture, document)} == {"private, no-store"}


def test_each_look_is_logged(db: Session, login: Login, case: PassportCase) -> None:
    client = login("supervisor")
    for screen in ("preview", "preview.svg", "preview.pdf"):
        assert client.get(f"/cases/{case.number}/{screen}").status_code == 200
    assert looks(db, case) == ["preview", "preview.svg", "preview.pdf"]


def test_who_may_not_see_pictures_sees_none(login: Login, case: PassportCase) -> None:
    address = f"/cases/{case.number}/preview.svg"
    assert login("supervisor").get(address).data.count(b"<image") == 2
    assert login("atenc").get(address).data.count(b"<image") == 1


@pytest.mark.parametrize("screen", ["preview", "preview.svg", "preview.pdf"])
def test_who_may_not_see_cases_is_refused(login: Login, case: PassportCase, screen: str) -> None:
    assert login("reporte").get(f"/cases/{case.number}/{screen}").status_code == 403


@pytest.mark.parametrize("screen", ["preview", "preview.svg", "preview.pdf"])
def test_a_case_of_another_site_is_not_there(db: Session, login: Login, screen: str) -> None:
    case = make_case(db, site_code="ZAC", print_site_code="ZAC")
    db.commit()
    assert login("supervisor").get(f"/cases/{case.number}/{screen}", headers={"Accept": "*/*"}).status_code != 200
    assert looks(db, case) == []
    assert login("supersu").get(f"/cases/{case.number}/{screen}").status_code == 200


def test_a_page_that_cannot_be_printed_says_which_field(db: Session, login: Login) -> None:
    case = make_case(db, second_surname="Ивановна")
    db.commit()
    client = login("supervisor")
    page = client.get(f"/cases/{case.number}/preview").text
    assert "<strong>Segundo apellido:</strong>" in page
    assert "preview.svg" not in page
    assert zone(page) == []
    assert client.get(f"/cases/{case.number}/preview.pdf").status_code != 200


# ---- before a correction is saved


def test_the_form_of_a_correction_leads_to_its_preview(login: Login, case: PassportCase) -> None:
    page = login("admadm").get(f"/cases/{case.number}/correct").text
    assert f'action="/cases/{case.number}/correct/preview"' in page


def test_a_correction_is_shown_before_and_after_and_not_saved(db: Session, login: Login, case: PassportCase) -> None:
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct").text)
    typed |= {"change-first_name": "Mariseli", "change-occupation_code": "OC002", "comment": "Según el DPI"}
    page = client.post(f"/cases/{case.number}/correct/preview", data=typed).text
    before, after = zone(page)
    assert before == list(preview(db, case).mrz_lines or ())
    assert after[0].startswith("P<GTMTZUNUX<BARRONDO<<MARISELI<ODILIA")
    assert after[1] == before[1]
    assert page.count('<mark class="wrong">A</mark>') == 1
    assert page.count('<mark class="wrong">I</mark>') == 1
    assert page.count("data:image/svg+xml;base64,") == 2
    assert 'value="Mariseli"' in page
    assert "Según el DPI</textarea>" in page
    assert again(db, case).first_name == "Marisela"
    assert db.scalar(select(func.count(CaseEvent.id)).where(CaseEvent.case_id == case.id)) == 1


def test_what_was_previewed_is_what_is_saved(db: Session, login: Login, case: PassportCase) -> None:
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct").text)
    typed |= {"change-first_surname": "Muñoz", "change-second_surname": "B'atz'anil", "change-height_cm": "158",
              "comment": "Según <el> DPI"}  # fmt: skip
    page = client.post(f"/cases/{case.number}/correct/preview", data=typed).text
    after = zone(page)[1]
    sent = confirmed(page)
    assert sent == typed
    assert client.post(f"/cases/{case.number}/correct", data=sent).status_code == 303
    saved = again(db, case)
    assert (saved.first_surname, saved.second_surname) == ("Muñoz", "B'atz'anil")
    assert list(preview(db, saved).mrz_lines or ()) == after


def test_a_correction_that_cuts_a_name_shows_the_cut(db: Session, login: Login) -> None:
    case = make_case(db, **LONG, second_name=None)
    db.commit()
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct").text)
    typed |= {"change-second_name": "Hermenegilda", "comment": "DPI"}
    page = client.post(f"/cases/{case.number}/correct/preview", data=typed).text
    before, after = zone(page)
    assert before[0].endswith("MAXIMILIANA".ljust(len(before[0]) - before[0].index("<<") - 2, "<"))
    assert not after[0].endswith("<")
    assert html.escape(after[0][5:]) in page[: page.index("<pre")]


def test_a_correction_of_a_delivered_passport_says_that_a_booklet_is_needed(
    db: Session, login: Login, office: Office
) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    uses = db.scalar(select(func.count(Personalisation.id)))
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct_issued").text)
    typed |= {"change-first_name": "Mariseli", "comment": "DPI"}
    page = client.post(f"/cases/{case.number}/correct_issued/preview", data=typed).text
    assert str(case.booklet_number) in page[page.index('class="panel') :]
    assert 'data-confirm-kind="danger"' in page
    assert (again(db, case).state, db.scalar(select(func.count(Personalisation.id)))) == (State.ENTREGADA, uses)


def test_a_case_that_changed_meanwhile_is_told_and_nothing_typed_is_lost(
    db: Session, login: Login, case: PassportCase
) -> None:
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct").text)
    login("jpgu").post(f"/cases/{case.number}/correct", data=typed | {"change-first_name": "Marta", "comment": "Así"})
    late = typed | {"change-second_name": "Otilia", "comment": "Según el DPI"}
    for address in ("correct/preview", "correct"):
        refused = client.post(f"/cases/{case.number}/{address}", data=late)
        assert refused.status_code == 409
        assert 'value="Otilia"' in refused.text
        assert "Según el DPI</textarea>" in refused.text
    assert again(db, case).second_name == "Odilia"


@pytest.mark.parametrize(("column", "value"), [("birth_date", "17/05/1990"), ("sex_code", "Z"), ("height_cm", "alta")])
def test_a_wrong_value_is_said_at_its_field(login: Login, case: PassportCase, column: str, value: str) -> None:
    client = login("admadm")
    typed = hidden(client.get(f"/cases/{case.number}/correct").text)
    typed |= {f"change-{column}": value, "change-second_name": "Otilia", "comment": "DPI"}
    refused = client.post(f"/cases/{case.number}/correct/preview", data=typed)
    assert refused.status_code == 400
    assert f'id="f-change-{column}-error"' in refused.text
    assert 'value="Otilia"' in refused.text


def test_only_who_corrects_previews_a_correction_and_only_a_correction(login: Login, case: PassportCase) -> None:
    assert login("supervisor").post(f"/cases/{case.number}/correct/preview", data={}).status_code == 403
    other = login("admadm").post(f"/cases/{case.number}/authorise/preview", data={}, follow_redirects=True)
    assert 'class="preview-sides"' not in other.text
    opened = login("admadm").get(f"/cases/{case.number}/correct/preview")
    assert opened.location == f"/cases/{case.number}/correct"


def test_characters_that_differ_are_marked_in_runs() -> None:
    assert runs("ABCD", "AXXD") == [("A", False), ("BC", True), ("D", False)]
    assert runs("AB", "AB") == [("AB", False)]
