"""The pages of a case: all about it, the applicant, the decision, the form of any transition, and its pictures."""

import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import CaseEvent, CaseFinding, CasePicture, CaseRequirement, Finding, PassportCase, Picture, State
from models.catalogs import DecisionReason
from models.control import ControlSetting
from models.enrolments import FormerCase
from models.users import AccessLog, User
from tests.build import make_case
from tests.views.counting import statements
from tests.workflow.test_machine import Office

Login = Callable[[str], FlaskClient]
QUEUE = "/queues/supervision/GUA/"
SECONDARY = "/queues/secondary/GUA/"


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


def again(db: Session, case: PassportCase) -> PassportCase:
    query = select(PassportCase).where(PassportCase.id == case.id)
    return db.scalars(query.execution_options(populate_existing=True, every_site=True)).one()


def last_event(db: Session, case: PassportCase) -> CaseEvent:
    return db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc())).first()


def looks(db: Session, case: PassportCase) -> list[str]:
    return list(db.scalars(select(AccessLog.screen).where(AccessLog.case_number == case.number).order_by(AccessLog.id)))


def with_findings(db: Session) -> PassportCase:
    """A renewal whose former passport says otherwise, and whose payment slip was used."""
    case = make_case(db, State.VALIDACION_SECUNDARIA, procedure_code="RENOVACION", previous_booklet="A123456",
                     second_surname="Ixmatal", birth_date="1951-07", payment_slip="077")  # fmt: skip
    pairs = {"secondSurname": {"captured": "Ixmatal", "known": "IXMATOL"},
             "dateOfBirth": {"captured": "1951-07", "known": "1951-07-12"}}  # fmt: skip
    other = make_case(db, payment_slip="077")
    cases = [{"number": other.number, "state": other.state, "site": "GUA"}]
    found = ((Finding.RENEWAL_MISMATCH, list(pairs), pairs), (Finding.PAYMENT_USED, ["paymentSlip"], {"cases": cases}))
    for code, fields, detail in found:
        db.add(CaseFinding(case_id=case.id, code=code, fields=fields, detail=detail, found_at=utc_now()))
    db.add(former(cui=None, booklet_number="A123456", second_surname="IXMATOL", birth_date="1951-07-12"))
    db.commit()
    return case


def former(**changes: Any) -> FormerCase:
    values = {
        "number": "GU00012345", "first_surname": "TZUNUX", "second_surname": "BARRONDO", "first_name": "MARISELA",
        "second_name": "ODILIA", "search_name": "", "cui": "6000000080101", "birth_date": "1990-05-17", "sex_code": "F",
        "booklet_number": "A123456", "passport_type_code": "ORD", "issued_on": dt.date(2012, 3, 4),
        "expires_on": dt.date(2017, 3, 4), "site_code": "GUA", "state": "ENTREGADO", "source": "x.csv", "source_row": 1,
    }  # fmt: skip
    return FormerCase(**(values | changes))


def finding_ids(db: Session, case: PassportCase) -> list[int]:
    return list(db.scalars(select(CaseFinding.id).where(CaseFinding.case_id == case.id).order_by(CaseFinding.id)))


# ---- all about a case


def test_the_case_page_says_why_the_case_is_where_it_is(db: Session, login: Login) -> None:
    holder = db.scalars(select(User.id).where(User.username == "supersu")).one()
    case = make_case(db, held_by_id=holder, held_at=utc_now())
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/").text
    assert "lo tiene supersu desde el" in page
    assert "Enrolada" in page


def test_the_case_page_names_codes_and_counts_age_at_enrolment(db: Session, login: Login) -> None:
    case = make_case(db, birth_date="1990-05", enrolled_at=dt.datetime(2026, 5, 20, 18, tzinfo=dt.UTC))
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/").text
    for text in ("Abogado(a) y notario(a)", "XX/05/1990", "35 años", "160 cm", "Soltero(a)", "Calle 1"):
        assert text in page, text


def test_the_log_has_the_columns_of_the_manual(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.POST_IMPRESION)
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/").text
    for heading in ("Estado", "Evento", "Creación", "Actualización", "Fecha y hora", "Usuario"):
        assert heading in page, heading
    table = page[page.index('<table class="table-data log">') : page.index("Detalle de Libretas")]
    events = ("Recepción (enrolamiento)", "Autorización", "Impresión Aceptada", "DocuCheck")
    places = [table.index(event) for event in events]
    assert places == sorted(places)
    assert "concal" in table
    assert str(case.booklet_number) in page[page.index("Detalle de Libretas") :]


def test_looking_at_a_case_is_logged_and_kept(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("supersu")
    for screen in ("", "applicant", "review"):
        assert client.get(f"/cases/{case.number}/{screen}").status_code == 200
    assert looks(db, case) == ["case", "applicant", "review"]


def test_buttons_are_what_the_user_may_do_now(db: Session, login: Login, office: Office) -> None:
    enrolled, delivered = make_case(db), office.case_in(State.ENTREGADA)
    db.commit()
    page = login("admadm").get(f"/cases/{enrolled.number}/").text
    assert f"/corrections/{enrolled.number}" in page
    assert f"/cases/{enrolled.number}/review" not in page
    page = login("admadm").get(f"/cases/{delivered.number}/").text
    for address in ("corrections", "extensions"):
        assert f"/{address}/{delivered.number}" in page
    assert f"/booklets/{delivered.booklet_number}#void" in page
    assert "/corrections/" not in login("atenc").get(f"/cases/{delivered.number}/").text


def test_who_may_not_see_pictures_sees_none_on_the_case_page(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("atenc")
    assert "/pictures/" not in client.get(f"/cases/{case.number}/").text
    assert client.get(f"/cases/{case.number}/pictures/PORTRAIT").status_code == 403


def test_a_case_of_another_site_is_not_there(db: Session, login: Login) -> None:
    case = make_case(db, site_code="QTZ")
    db.commit()
    client = login("supervisor")
    for page in ("", "applicant", "review", "authorise", "pictures/PORTRAIT", "pictures/PORTRAIT/thumbnail"):
        assert client.get(f"/cases/{case.number}/{page}").status_code == 404, page
    assert client.post(f"/cases/{case.number}/authorise", data={}).status_code == 404


def test_a_case_made_by_correction_and_its_parent_lead_to_each_other(db: Session, login: Login, office: Office) -> None:
    old = office.case_in(State.CORREGIDA)
    children = select(PassportCase).where(PassportCase.parent_id == old.id)
    new = db.scalars(children.execution_options(every_site=True)).one()
    db.commit()
    client = login("supersu")
    assert f'href="/cases/{new.number}/"' in client.get(f"/cases/{old.number}/").text
    page = client.get(f"/cases/{new.number}/").text
    assert "Casos originados unos de otros" in page
    assert f'href="/cases/{old.number}/"' in page
    log = client.get(f"/cases/{old.number}/").text
    assert '<span class="diff-before">Marisela</span>' in log
    assert '<span class="diff-after">Mariseli</span>' in log


def test_the_whole_lineage_is_shown_from_either_end(db: Session, login: Login) -> None:
    first = make_case(db, cui="6000000160101")
    second = make_case(db, parent_id=first.id, procedure_code="CORRECCION")
    third = make_case(db, parent_id=second.id, procedure_code="PRORROGA")
    other = make_case(db)
    db.commit()
    for case in (first, second, third):
        page = login("supervisor").get(f"/cases/{case.number}/").text
        lineage = re.search(r'<ol class="lineage">.*?</ol>', page, re.DOTALL)
        assert lineage, case.number
        assert re.findall(r"GUA[0-9]{9}</(?:a|strong)>", lineage[0]) == [
            f"{each.number}</{'strong' if each is case else 'a'}>" for each in (first, second, third)
        ]
    assert other.number in page, "another case of the same CUI is told of apart"
    assert other.number not in lineage[0]


def test_a_case_says_what_it_waits_for_and_who_may_act(db: Session, login: Login, office: Office) -> None:
    def said(case: PassportCase, username: str = "supervisor") -> str:
        page = login(username).get(f"/cases/{case.number}/").text
        panel = re.search(r"<section[^>]*standing-panel.*?</section>", page, re.DOTALL)
        return re.sub(r"<[^>]*>", "", panel[0]) if panel else ""

    enrolled, referred, printed = make_case(db), with_findings(db), office.case_in(State.IMPRESA)
    delivered = office.case_in(State.ENTREGADA)
    db.commit()
    assert "Un supervisor debe autorizarlo o rechazarlo." in said(enrolled)
    assert re.search(r"Autorizar: .*Supervisor.*usted puede", said(enrolled))
    assert "usted puede" not in said(enrolled, "entrega")
    assert "Hallazgos sin resolver: " in said(referred)
    assert f"Control de calidad debe comprobar la libreta {printed.booklet_number}." in said(printed)
    assert "Aceptar calidad: Control Calidad" in said(printed)
    assert said(delivered) == ""


def test_the_states_of_a_case_are_told_with_how_long_each_lasted(db: Session, login: Login, office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/").text
    line = re.search(r'<ol class="stages".*?</ol>', page, re.DOTALL)
    assert line
    assert line[0].count("<li") == line[0].count("<time") == 6
    assert line[0].count("stages-lasted") == 5, "the last is for good"


def test_the_pages_of_a_case_cost_the_same_however_much_happened_to_it(
    db: Session, login: Login, office: Office, connection: Connection
) -> None:
    short, long = make_case(db), office.case_in(State.ENTREGADA)
    for n in range(3):
        db.add(former(number=f"GU{n:08}"))
    db.commit()
    costs = []
    for case in (short, long):
        client = login("supervisor")
        with statements(connection) as sent:
            assert client.get(f"/cases/{case.number}/").status_code == 200
        costs.append(len(sent))
    assert max(costs) <= 12, costs


# ---- the decision


def test_the_review_shows_everything_needed_to_decide(db: Session, login: Login) -> None:
    case = with_findings(db)
    db.add_all([
        CaseRequirement(case_id=case.id, requirement_code="FORM", presented=True),
        CaseRequirement(case_id=case.id, requirement_code="DPI", presented=False, note="No lo trajo"),
        CasePicture(case_id=case.id, kind="RIGHT_INDEX", missing="AMPUTATED"),
    ])  # fmt: skip
    db.commit()
    page = login("supersu").get(f"/cases/{case.number}/review").text
    for text in ("El pasaporte anterior no coincide", "RENEWAL_MISMATCH", "IXMATOL", "12/07/1951", "XX/07/1951",
                 "No lo trajo", "No presentado", "Índice derecho: Amputado"):  # fmt: skip
        assert text in page, text
    for kind in ("PORTRAIT", "SIGNATURE"):
        assert f'<img src="/cases/{case.number}/pictures/{kind}" alt=' in page
    assert 'loading="lazy"' in page


def test_former_passports_stand_beside_the_captured_data_with_differences_marked(db: Session, login: Login) -> None:
    case = make_case(db, previous_booklet="A123456", second_surname="Bárrondo", sex_code="F")
    db.add(former(second_surname="BARRONDO", sex_code="M"))
    make_case(db, first_name="Otra")
    db.commit()
    page = login("supersu").get(f"/cases/{case.number}/review").text
    table = page[page.index("compare-wrap") : page.index("</table>", page.index("compare-wrap"))]
    marked = re.findall(r'class="differs"><svg.*?</svg>(.*?)</span>', table)
    assert marked == ["Otra", "Masculino"]


def test_a_case_is_authorised_and_its_queue_is_next(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("supervisor")
    page = client.get(f"/cases/{case.number}/review").text
    assert 'data-confirm="¿Autorizar el pasaporte de este caso?' in page
    sent = client.post(f"/cases/{case.number}/authorise", data=form_of(page, "authorise"))
    assert (sent.status_code, sent.location) == (303, QUEUE)
    assert again(db, case).state == State.AUTORIZADA
    assert f"Caso {case.number}: Autorización." in client.get(QUEUE).text


def form_of(page: str, act: str) -> dict[str, str]:
    """The hidden values of a transition's form, as a browser would send them."""
    form = page[page.index(f'id="act-{act}"') :]
    form = form[: form.index("</form>")]
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: value for name, value in hidden if name != "csrf_token"}


def test_decide_and_next_goes_on_with_the_next_case(db: Session, login: Login) -> None:
    first, second = make_case(db), make_case(db)
    db.commit()
    client = login("supervisor")
    sent = client.post(f"/cases/{first.number}/authorise", data={"from": "review", "then": "next"})
    assert sent.location == f"/cases/{second.number}/review"
    sent = client.post(f"/cases/{second.number}/authorise", data={"from": "review", "then": "next"})
    assert sent.location == QUEUE


def test_a_rejection_needs_a_coded_reason_and_loses_nothing_typed(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    client = login("supervisor")
    data = {"from": "review", "comment": "El solicitante <no> volvió"}
    refused = client.post(f"/cases/{case.number}/reject", data=data)
    assert refused.status_code == 400
    form = refused.text[refused.text.index('id="act-reject"') :]
    assert "El solicitante &lt;no&gt; volvió</textarea>" in form
    assert 'id="reject-reason-error"' in form
    assert again(db, case).state == State.ENROLADA
    done = client.post(f"/cases/{case.number}/reject", data=data | {"reason": "R01"})
    assert done.status_code == 303
    assert (again(db, case).state, last_event(db, case).reason_code) == (State.RECHAZADA, "R01")


def test_a_reason_of_another_desk_is_refused_at_its_field(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    refused = login("supervisor").post(f"/cases/{case.number}/authorise", data={"from": "review", "reason": "A02"})
    assert refused.status_code == 400
    assert 'id="authorise-reason-error"' in refused.text


def test_findings_are_resolved_one_by_one(db: Session, login: Login) -> None:
    case = with_findings(db)
    renewal, payment = finding_ids(db, case)
    client = login("supersu")
    page = client.get(f"/cases/{case.number}/review").text
    assert f'name="resolution-{renewal}"' in page
    assert 'form="act-accept_secondary"' in page
    data = form_of(page, "accept_secondary") | {"reason": "A02", "comment": ""}
    one = {f"resolution-{renewal}": "DPI a la vista"}
    refused = client.post(f"/cases/{case.number}/accept_secondary", data=data | one)
    assert refused.status_code == 400
    assert "DPI a la vista</textarea>" in refused.text
    given = {f"resolution-{renewal}": "DPI a la vista", f"resolution-{payment}": "Boleta del mismo solicitante"}
    done = client.post(f"/cases/{case.number}/accept_secondary", data=data | given | {"comment": "Aclarado"})
    assert (done.status_code, done.location) == (303, SECONDARY)
    query = select(CaseFinding.resolution).where(CaseFinding.case_id == case.id).order_by(CaseFinding.id)
    assert list(db.scalars(query)) == ["DPI a la vista", "Boleta del mismo solicitante"]
    assert "Boleta del mismo solicitante" in client.get(f"/cases/{case.number}/").text


def test_a_finding_without_resolution_is_named_at_its_place(db: Session, login: Login) -> None:
    case = with_findings(db)
    renewal, payment = finding_ids(db, case)
    db.get_one(DecisionReason, "A05").needs_comment = False
    db.commit()
    data = {"from": "review", "reason": "A05", f"resolution-{renewal}": "DPI a la vista"}
    refused = login("supersu").post(f"/cases/{case.number}/accept_secondary", data=data)
    assert refused.status_code == 400
    assert f'id="f-resolution-{payment}-error"' in refused.text
    assert f'id="f-resolution-{renewal}-error"' not in refused.text


def test_a_decision_on_a_case_that_changed_meanwhile_is_refused_with_what_was_written(
    db: Session, login: Login
) -> None:
    case = make_case(db)
    db.commit()
    slow, quick = login("supervisor"), login("supersu")
    data = form_of(slow.get(f"/cases/{case.number}/review").text, "reject")
    quick.post(f"/cases/{case.number}/authorise", data={})
    late = slow.post(f"/cases/{case.number}/reject", data=data | {"reason": "R01", "comment": "Falta la denuncia"})
    assert late.status_code == 409
    assert "supersu" in late.text
    assert "Falta la denuncia" in late.text
    assert again(db, case).state == State.AUTORIZADA


def test_a_case_that_somebody_else_has_cannot_be_decided(db: Session, login: Login) -> None:
    holder = db.scalars(select(User.id).where(User.username == "supersu")).one()
    case = make_case(db, held_by_id=holder, held_at=utc_now())
    db.commit()
    client = login("supervisor")
    page = client.get(f"/cases/{case.number}/review").text
    assert "Otra persona trabaja en este caso." in page
    assert 'id="act-authorise"' not in page
    assert client.post(f"/cases/{case.number}/authorise", data={"from": "review"}).status_code == 409


def test_a_control_that_only_warns_lets_it_pass_and_says_so(db: Session, login: Login) -> None:
    case = make_case(db, operator="supervisor")
    db.add(ControlSetting(control="captured_not_authorised", site_code="*", mode="warn"))
    db.commit()
    client = login("supervisor")
    page = client.post(f"/cases/{case.number}/authorise", data={}, follow_redirects=True).text
    assert "Advertencia, anotada en la bitácora." in page
    assert again(db, case).state == State.AUTORIZADA


def test_a_form_goes_on_only_to_a_path_of_this_application(db: Session, login: Login) -> None:
    client = login("supervisor")
    for elsewhere in ("https://example.org/", "//example.org", "/\\example.org", "/a\nb", "javascript:x"):
        case = make_case(db)
        db.commit()
        sent = client.post(f"/cases/{case.number}/authorise", data={"next": elsewhere})
        assert sent.location == f"/cases/{case.number}/", elsewhere


# ---- the form of any transition


def test_every_transition_has_a_form_page(db: Session, login: Login, office: Office) -> None:
    from views.case_acts import OWN_PAGES
    from workflow.machine import TRANSITIONS

    case = office.case_in(State.ENTREGADA)
    db.commit()
    client = login("admadm")
    for name in TRANSITIONS:
        answer = client.get(f"/cases/{case.number}/{name}", follow_redirects=True)
        assert answer.status_code == 200, name
        assert (answer.request.path != f"/cases/{case.number}/{name}") is (name in OWN_PAGES), name
        if name in OWN_PAGES:
            assert client.post(f"/cases/{case.number}/{name}", data={}).location == answer.request.path, name
    assert client.get(f"/cases/{case.number}/nothing").status_code == 404
    assert [event.event for event in office.events(case)][-1] == "ENTREGA"


def test_an_act_one_may_not_do_is_forbidden(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    assert login("supervisor").post(f"/cases/{case.number}/correct", data={}).status_code == 403
    assert login("supervisor").post(f"/cases/{case.number}/void_booklet", data={}).status_code == 403
    assert login("atenc").post(f"/cases/{case.number}/authorise", data={}).status_code == 403


# ---- pictures


def test_a_picture_is_private_and_each_look_at_it_is_logged(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    answer = login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT")
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert looks(db, case) == ["picture"]


def test_a_thumbnail_is_small(db: Session, login: Login) -> None:
    case = make_case(db)
    db.commit()
    answer = login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT/thumbnail")
    picture = Image.open(io.BytesIO(answer.data))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 120
    assert looks(db, case) == ["thumbnail"]


def put_picture(db: Session, case: PassportCase, kind: str, data: bytes, media_type: str) -> None:
    picture = Picture(media_type=media_type, width=64, height=64, sha256=hashlib.sha256(data).digest(), data=data)
    db.add(picture)
    db.flush()
    db.add(CasePicture(case_id=case.id, kind=kind, picture_id=picture.id))
    db.commit()


def test_a_fingerprint_in_wsq_is_shown_as_png(db: Session, login: Login) -> None:
    import wsq  # noqa: F401  (registers the format)

    data = io.BytesIO()
    Image.linear_gradient("L").resize((256, 256)).save(data, "WSQ")
    case = make_case(db)
    put_picture(db, case, "RIGHT_INDEX", data.getvalue(), "image/wsq")
    answer = login("supervisor").get(f"/cases/{case.number}/pictures/RIGHT_INDEX")
    assert (answer.mimetype, Image.open(io.BytesIO(answer.data)).size) == ("image/png", (256, 256))


def test_a_portrait_in_jpeg_2000_is_shown_as_jpeg(db: Session, login: Login) -> None:
    data = io.BytesIO()
    Image.new("RGB", (64, 80), "brown").save(data, "JPEG2000")
    case = make_case(db)
    put_picture(db, case, "PORTRAIT_2", data.getvalue(), "image/jp2")
    answer = login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT_2")
    assert (answer.mimetype, Image.open(io.BytesIO(answer.data)).format) == ("image/jpeg", "JPEG")


def test_a_picture_that_is_missing_or_unheard_of_is_not_found(db: Session, login: Login) -> None:
    case = make_case(db)
    db.add(CasePicture(case_id=case.id, kind="LEFT_INDEX", missing="AMPUTATED"))
    db.commit()
    client = login("supervisor")
    for kind in ("LEFT_INDEX", "LEFT_TOE", "..", "%00"):
        assert client.get(f"/cases/{case.number}/pictures/{kind}").status_code in (400, 404), kind
