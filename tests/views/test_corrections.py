"""Corrección on the screen: typed once, seen before and after, asked for with evidence, decided by another."""

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.amendments import AmendmentRequest, Evidence
from models.booklets import Personalisation
from models.cases import CaseEvent, PassportCase, State
from models.control import ControlSetting
from models.users import AccessLog
from tests.build import make_case
from tests.views.desk import again
from tests.views.test_preview_pages import zone
from tests.workflow.test_machine import Office
from tests.workflow.test_second_person import PDF, picture
from workflow.previews import preview

Login = Callable[[str], FlaskClient]
WHY = {"reason": "C01", "comment": "Según el DPI", "requester_kind": "APPLICANT"}
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


def hidden(page: str) -> dict[str, Any]:
    pairs = re.findall(r'<input type="hidden" name="(was-[^"]*|seen)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in pairs}


def confirmed(page: str) -> dict[str, str]:
    """What the form that asks for a previewed correction sends."""
    form = page[page.index("<form", page.index('class="preview-sides"')) :]
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[: form.index("</form>")])
    return {name: html.unescape(value) for name, value in pairs if name != "csrf_token"}


def file(data: bytes = PDF, name: str = "dpi.pdf") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def previewed(client: FlaskClient, case: PassportCase, typed: dict[str, Any], *files: tuple[Any, str]) -> TestResponse:
    """The answer to the button of the form, with what its hidden fields hold."""
    sent = hidden(client.get(f"/corrections/{case.number}").text) | WHY | typed | {"files": list(files)}
    return client.post(f"/corrections/{case.number}/preview", data=sent)


def asked(client: FlaskClient, case: PassportCase, **changes: str) -> int:
    """The number of a request that is asked for on the screen."""
    page = previewed(client, case, {f"change-{name}": value for name, value in changes.items()}, file()).text
    done = client.post(f"/corrections/{case.number}", data=confirmed(page))
    assert done.status_code == 303, done.text
    return int(done.location.rsplit("/", 1)[1])


def correction(db: Session, case: PassportCase) -> CaseEvent | None:
    query = select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.event == "CORRECCION")
    return db.scalars(query).first()


# ---- the form and its preview


def test_a_case_is_found_by_number_booklet_or_cui(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    client = login("jpgu")
    for typed in (case.number, case.booklet_number, f" {case.number.lower()} "):
        assert client.post("/corrections/", data={"raw": typed}).location == f"/corrections/{case.number}", typed
    other = make_case(db)
    db.commit()
    several = client.post("/corrections/", data={"raw": case.cui})
    assert all(f"/corrections/{each.number}" in several.text for each in (case, other))
    nothing = client.post("/corrections/", data={"raw": "GUA999999999"})
    assert nothing.status_code == 400
    assert 'id="f-raw-error"' in nothing.text


def test_a_correction_is_shown_before_and_after_and_nothing_is_asked_for(
    db: Session, login: Login, case: PassportCase
) -> None:
    page = previewed(
        login("admadm"), case, {"change-first_name": "Mariseli", "change-occupation_code": "OC002"}, file()
    ).text
    before, after = zone(page)
    assert before == list(preview(db, case).mrz_lines or ())
    assert after[0].startswith("P<GTMTZUNUX<BARRONDO<<MARISELI<ODILIA")
    assert after[1] == before[1]
    assert page.count('<mark class="wrong">A</mark>') == 1
    assert page.count("data:image/svg+xml;base64,") == 2
    assert 'value="Mariseli"' in page
    assert "Según el DPI</textarea>" in page
    assert again(db, case).first_name == "Marisela"
    assert db.scalar(select(func.count(CaseEvent.id)).where(CaseEvent.case_id == case.id)) == 1
    assert db.scalar(select(func.count(AmendmentRequest.id))) == 0


def test_a_correction_sends_only_what_was_changed(db: Session, login: Login, case: PassportCase) -> None:
    client = login("jpgu")
    before = hidden(client.get(f"/corrections/{case.number}").text)
    same = {name.replace("was-", "change-"): value for name, value in before.items() if name != "seen"}
    typed = same | {"change-first_name": "Mariseli", "change-height_cm": "158", "change-second_name": " "}
    page = previewed(client, case, typed | {"change-birth_date": "1990-05"}, file()).text
    done = client.post(f"/corrections/{case.number}", data=confirmed(page))
    request = db.get_one(AmendmentRequest, int(done.location.rsplit("/", 1)[1]))
    assert request.proposed == {
        "first_name": "Mariseli", "height_cm": 158, "second_name": None, "birth_date": "1990-05",
    }  # fmt: skip


def test_what_was_previewed_is_what_is_carried_out(db: Session, login: Login, case: PassportCase) -> None:
    client = login("jpgu")
    typed = {"change-first_surname": "Muñoz", "change-second_surname": "B'atz'anil", "change-height_cm": "158"}
    page = previewed(client, case, {**typed, "comment": "Según <el> DPI"}, file()).text
    after = zone(page)[1]
    done = client.post(f"/corrections/{case.number}", data=confirmed(page))
    approved = login("jusa").post(f"{done.location}/approve", data={})
    assert approved.location == done.location
    saved = again(db, case)
    assert (saved.first_surname, saved.second_surname) == ("Muñoz", "B'atz'anil")
    assert list(preview(db, saved).mrz_lines or ()) == after


def test_a_correction_that_cuts_a_name_shows_the_cut(db: Session, login: Login) -> None:
    case = make_case(db, **LONG, second_name=None)
    db.commit()
    page = previewed(login("admadm"), case, {"change-second_name": "Hermenegilda"}, file()).text
    after = zone(page)[1]
    assert not after[0].endswith("<")
    assert html.escape(after[0][5:]) in page[: page.index("<pre")]


def test_a_correction_of_a_delivered_passport_says_that_a_booklet_is_needed(
    db: Session, login: Login, office: Office
) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    uses = db.scalar(select(func.count(Personalisation.id)))
    page = previewed(login("admadm"), case, {"change-first_name": "Mariseli"}, file()).text
    assert str(case.booklet_number) in page[page.index('class="panel') :]
    assert (again(db, case).state, db.scalar(select(func.count(Personalisation.id)))) == (State.ENTREGADA, uses)


@pytest.mark.parametrize(
    ("column", "value"),
    [("birth_date", "17/05/1990"), ("birth_date", "1990-02-30"), ("height_cm", "alta"), ("height_cm", "0"),
     ("first_surname", ""), ("cui", "123"), ("sex_code", "Z"), ("first_name", "x" * 61), ("occupation_code", "")],
)  # fmt: skip
def test_a_correction_that_cannot_be_is_refused_at_its_field_and_nothing_typed_is_lost(
    db: Session, login: Login, case: PassportCase, column: str, value: str
) -> None:
    typed = {f"change-{column}": value, "change-second_name": "Otilia"}
    refused = previewed(login("admadm"), case, typed, file())
    assert refused.status_code == 400
    assert f'id="f-change-{column}-error"' in refused.text
    assert 'value="Otilia"' in refused.text
    assert "Según el DPI</textarea>" in refused.text
    assert re.search(r'<option value="C01" selected>', refused.text)
    kept = db.scalars(select(Evidence.id)).one()
    assert f'name="evidence" value="{kept}" checked' in refused.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"reason": ""}, "correction-reason"), ({"comment": " "}, "correction-comment"), ({"requester_kind": ""},
     "f-requester_kind"), ({"requester_kind": "GUARDIAN"}, "f-requester_name")],
)  # fmt: skip
def test_what_is_missing_is_said_at_its_field(
    login: Login, case: PassportCase, typed: dict[str, str], field: str
) -> None:
    refused = previewed(login("admadm"), case, {"change-second_name": "Otilia", **typed}, file())
    assert refused.status_code == 400
    assert f'id="{field}-error"' in refused.text
    assert 'value="Otilia"' in refused.text


def test_a_correction_without_a_change_is_refused(login: Login, case: PassportCase) -> None:
    refused = previewed(login("admadm"), case, {}, file())
    assert refused.status_code == 400


def test_a_case_that_changed_meanwhile_is_told_and_nothing_typed_is_lost(
    db: Session, login: Login, case: PassportCase
) -> None:
    client = login("admadm")
    typed = hidden(client.get(f"/corrections/{case.number}").text) | WHY
    login("jusa").post(f"/amendments/{asked(login('jpgu'), case, first_name='Marta')}/approve", data={})
    assert again(db, case).first_name == "Marta"
    late = typed | {"change-second_name": "Otilia"}
    for address in (f"/corrections/{case.number}/preview", f"/corrections/{case.number}"):
        refused = client.post(address, data=late)
        assert refused.status_code == 409
        assert 'value="Otilia"' in refused.text
        assert "Según el DPI</textarea>" in refused.text
    assert again(db, case).second_name == "Odilia"


def test_a_state_that_takes_no_correction_says_so_in_words(db: Session, login: Login) -> None:
    case = make_case(db, State.AUTORIZADA)
    db.commit()
    page = login("jpgu").get(f"/corrections/{case.number}")
    assert page.status_code == 200
    assert "Este caso no se puede corregir en su estado actual." in page.text
    assert "change-first_name" not in page.text


def test_only_who_corrects_comes_here(db: Session, login: Login, case: PassportCase) -> None:
    client = login("supervisor")
    for address in ("/corrections/", f"/corrections/{case.number}"):
        assert client.get(address).status_code == 403
    assert client.post(f"/corrections/{case.number}/preview", data={}).status_code == 403
    assert login("admadm").get(f"/corrections/{case.number}/preview").location == f"/corrections/{case.number}"


# ---- evidence


def test_a_file_of_another_kind_is_named_and_the_good_one_is_kept(
    db: Session, login: Login, case: PassportCase
) -> None:
    files = file(picture(), "boleta.png"), file(b"<html>hola</html>", "nota.pdf")
    refused = previewed(login("jpgu"), case, {"change-first_name": "Mariseli"}, *files)
    assert refused.status_code == 400
    assert "nota.pdf" in refused.text.split('id="f-files-error"')[1].split("</p>")[0]
    assert list(db.scalars(select(Evidence.name))) == ["boleta.png"]
    assert "boleta.png" in refused.text


def test_three_files_of_five_megabytes_are_taken_and_a_fourth_is_not(
    db: Session, login: Login, case: PassportCase
) -> None:
    whole = PDF[: PDF.rindex(b"startxref")]
    padded = whole + b"\n" * (5 * 1024 * 1024 - len(PDF)) + PDF[PDF.rindex(b"startxref") :]
    client = login("jpgu")
    answer = previewed(client, case, {"change-first_name": "Mariseli"}, *(file(padded, f"{n}.pdf") for n in "123"))
    assert answer.status_code == 200
    assert len(confirmed(answer.text)) > 0
    kept = list(db.scalars(select(Evidence.id)))
    assert len(kept) == 3
    more = hidden(answer.text) | WHY | {"change-first_name": "Mariseli", "evidence": [str(one) for one in kept]}
    refused = client.post(f"/corrections/{case.number}/preview", data=more | {"files": [file()]})
    assert refused.status_code == 400
    assert db.scalar(select(func.count(Evidence.id))) == 3
    too_big = previewed(client, case, {"change-first_name": "Mariseli"}, file(PDF[:-7] + padded, "grande.pdf"))
    assert too_big.status_code == 400
    assert "grande.pdf" in too_big.text


def test_evidence_is_handed_out_as_a_download_that_nothing_runs(db: Session, login: Login, case: PassportCase) -> None:
    asked(login("jpgu"), case, first_name="Mariseli")
    number = db.scalars(select(Evidence.id)).one()
    answer = login("jusa").get(f"/amendments/evidence/{number}")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{case.number}-evidencia-{number}.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert looks(db, case)[-1] == "evidence"
    for who in ("supervisor", "produccion", "consultas"):
        assert login(who).get(f"/amendments/evidence/{number}").status_code == 403, who
    assert login("jusa").get("/amendments/evidence/999999").status_code == 404


# ---- the request, and what becomes of it


def test_a_request_is_listed_marked_and_approved_by_another(db: Session, login: Login, case: PassportCase) -> None:
    client = login("jpgu")
    number = asked(client, case, first_name="Mariseli")
    mine, theirs = client.get("/corrections/").text, login("jusa").get("/corrections/").text
    assert f"/amendments/{number}" in mine
    assert ("suya" in mine, "suya" in theirs) == (True, False)
    page = client.get(f"/amendments/{number}").text
    assert "Marisela" in page
    assert "Mariseli" in page
    assert f"/amendments/{number}/withdraw" in page
    assert f"/amendments/{number}/approve" not in page
    own = client.post(f"/amendments/{number}/approve", data={})
    assert own.status_code == 409
    assert "dos personas" in own.text
    other = login("jusa")
    page = other.get(f"/amendments/{number}").text
    assert f"/amendments/{number}/approve" in page
    assert f"/amendments/{number}/withdraw" not in page
    done = other.post(f"/amendments/{number}/approve", data={"decision": "Visto"}, follow_redirects=True).text
    assert "Solicitud aprobada" in done
    assert again(db, case).first_name == "Mariseli"
    event = correction(db, case)
    assert event is not None
    assert (event.username, event.data["asked"]["by"]) == ("jusa", "jpgu")
    assert "amendment" in looks(db, case)


def test_an_approved_correction_after_printing_leads_to_the_new_case(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    number = asked(login("jpgu"), case, first_name="Mariseli")
    page = login("jusa").post(f"/amendments/{number}/approve", data={}, follow_redirects=True).text
    event = correction(db, case)
    assert event is not None
    assert again(db, case).state == State.CORREGIDA
    assert f"Se creó el caso {event.data['new_case']}." in page
    assert f"/cases/{event.data['new_case']}/" in page


def test_a_refusal_says_why_and_a_withdrawal_is_its_askers(db: Session, login: Login, case: PassportCase) -> None:
    client, other = login("jpgu"), login("jusa")
    number = asked(client, case, first_name="Mariseli")
    refused = other.post(f"/amendments/{number}/refuse", data={"decision": " "})
    assert refused.status_code == 400
    assert 'id="f-decision-error"' in refused.text
    assert other.post(f"/amendments/{number}/refuse", data={"decision": "El DPI no lo dice"}).status_code == 303
    assert "El DPI no lo dice" in client.get(f"/amendments/{number}").text
    second = asked(client, case, first_name="Mariseli")
    assert client.post(f"/amendments/{second}/withdraw").status_code == 303
    assert db.get_one(AmendmentRequest, second).state == "WITHDRAWN"
    assert again(db, case).first_name == "Marisela"


def test_the_second_who_asks_is_told_who_asked_what_when(db: Session, login: Login, case: PassportCase) -> None:
    number = asked(login("jpgu"), case, first_name="Mariseli")
    client = login("jusa")
    assert f"/amendments/{number}" in client.get(f"/corrections/{case.number}").text
    late = previewed(client, case, {"change-first_name": "María"}, file())
    assert late.status_code == 409
    told = late.text.split('class="alert alert-danger"')[1].split("</div>")[0]
    assert "jpgu solicitó" in told
    assert f"No. {number}" in told
    assert 'value="María"' in late.text


def test_a_case_that_moved_on_is_said_on_the_request_and_asked_anew_with_what_was_typed(
    db: Session, login: Login, case: PassportCase
) -> None:
    client = login("jpgu")
    number = asked(client, case, height_cm="158")
    again(db, case).applicant.height_cm = 170
    db.commit()
    other = login("jusa")
    page = other.get(f"/amendments/{number}").text
    assert "El caso cambió desde que se solicitó" in page
    assert "data-confirm" not in page.split('data-keep="decision"')[1].split("</form>")[0]
    assert other.post(f"/amendments/{number}/approve", data={}).status_code == 409
    form = client.get(f"/corrections/{case.number}?from={number}").text
    assert 'name="change-height_cm" value="158"' in form
    assert "Según el DPI</textarea>" in form
    kept = re.findall(r'name="evidence" value="(\d+)" checked', form)
    sent = hidden(form) | WHY | {"change-height_cm": "158", "evidence": kept}
    preview_page = client.post(f"/corrections/{case.number}/preview", data=sent).text
    done = client.post(f"/corrections/{case.number}", data=confirmed(preview_page))
    assert done.status_code == 303
    assert db.get_one(AmendmentRequest, number, populate_existing=True).state == "LAPSED"


def test_where_one_person_may_the_correction_is_done_at_once(db: Session, login: Login, case: PassportCase) -> None:
    db.add(ControlSetting(control="correction_two_people", site_code="*", mode="warn"))
    db.commit()
    number = asked(login("jpgu"), case, first_name="Mariseli")
    page = login("jpgu").get(f"/amendments/{number}").text
    assert "Una sola persona" in page
    assert again(db, case).first_name == "Mariseli"


def test_requests_are_paged_by_number(db: Session, login: Login, case: PassportCase, monkeypatch: Any) -> None:
    monkeypatch.setattr("workflow.requests.PAGE", 2)
    client = login("jpgu")
    numbers = []
    for _turn in range(3):
        numbers.append(asked(client, case, first_name="Mariseli"))
        client.post(f"/amendments/{numbers[-1]}/withdraw")
    first = client.get("/corrections/").text
    assert f"?before={numbers[1]}" in first
    assert f'href="/amendments/{numbers[0]}"' not in first
    assert f'href="/amendments/{numbers[0]}"' in client.get(f"/corrections/?before={numbers[1]}").text


# ---- the paper


def paper(client: FlaskClient, number: int) -> str:
    answer = client.get(f"/amendments/{number}/paper")
    assert answer.mimetype == "application/pdf"
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)


def test_the_paper_has_what_changed_who_asked_who_approved_and_the_zone(
    db: Session, login: Login, office: Office
) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    client = login("jpgu")
    number = asked(client, case, first_name="Mariseli", occupation_code="OC002")
    waiting = paper(client, number)
    assert "jusa" not in waiting
    login("jusa").post(f"/amendments/{number}/approve", data={"decision": "Visto el DPI"})
    said = paper(client, number)
    event = correction(db, case)
    assert event is not None
    for words in (
        case.number, case.full_name, event.data["new_case"], str(case.booklet_number), "Marisela", "Mariseli", "jpgu",
        "jusa", "Según el DPI", "Visto el DPI", "6000000080101", "P<GTMTZUNUX<BARRONDO<<MARISELI<ODILIA", "dpi.pdf",
        "Error de captura", "Primer nombre",
    ):  # fmt: skip
        assert words in said, words
    assert "correction_paper" in looks(db, case)
    assert client.get(f"/amendments/{number}/paper").data == client.get(f"/amendments/{number}/paper").data
    assert login("produccion").get(f"/amendments/{number}/paper").status_code == 403
