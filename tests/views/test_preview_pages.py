"""The preview on the screen: who may look, what is logged, and how the sides of a correction are marked."""

import html
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.cases import PassportCase
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


def looks(db: Session, case: PassportCase) -> list[str]:
    return list(db.scalars(select(AccessLog.screen).where(AccessLog.case_number == case.number).order_by(AccessLog.id)))


def zone(page: str) -> list[list[str]]:
    """The lines of each MRZ on a page, without marks."""
    found = re.findall(r'<pre class="mrz"[^>]*>(.*?)</pre>', page, re.DOTALL)
    return [html.unescape(re.sub(r"</?mark[^>]*>", "", text)).split("\n") for text in found]


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


def test_characters_that_differ_are_marked_in_runs() -> None:
    assert runs("ABCD", "AXXD") == [("A", False), ("BC", True), ("D", False)]
    assert runs("AB", "AB") == [("AB", False)]
