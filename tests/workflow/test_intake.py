"""An enrolment becomes a case once, whole or not at all, whoever else sends it at the same time."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from models.base import make_engine
from models.booklets import Booklet, BookletState, Personalisation
from models.cases import CaseEvent, CaseFinding, CasePicture, CaseRequirement, PassportCase, Picture, State
from models.catalogs import Site
from models.enrolments import Enrollment, EnrollmentBuffer
from models.stock import Account
from security.actor import Actor, load_actor
from security.errors import DomainError, NotAllowed, NotFound
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.enrolment_bodies import DELETE, base64_of, cui, enrolment, jpeg, png, raw
from workflow import intake, registry
from workflow.enrolment_form import BadEnrolment
from workflow.stock import ledger

ROUNDS = 8


@pytest.fixture(autouse=True)
def _no_registry() -> Iterator[None]:
    registry.configure("off")
    yield
    registry.configure("off")


@pytest.fixture
def station(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("estacion")


def case_of(db: Session, enrollment_id: str) -> PassportCase:
    return db.scalars(select(PassportCase).where(PassportCase.enrollment_id == enrollment_id)).one()


def counts(db: Session) -> list[int]:
    tables = (Enrollment, EnrollmentBuffer, PassportCase, CaseEvent, CaseFinding, Picture, CaseRequirement)
    return [db.scalars(select(func.count()).select_from(table.__table__)).one() for table in tables]


# What becomes of an enrolment


def test_a_complete_enrolment_becomes_a_case_with_everything_it_says(db: Session, station: Actor) -> None:
    body = enrolment(requestData__priority=2, contextualData__desk="M2", biographicData__marriedSurname="de Pop")
    made = intake.create(db, station, "e1", raw(body), finalize=True, transaction="t-7")
    case = case_of(db, "e1")
    assert (made.status, made.case_id) == ("FINALIZED", case.id)
    assert (case.state, case.priority, case.desk, case.operator) == (State.ENROLADA, 2, "M2", "nobody")
    assert (case.surnames, case.search_name) == ("Tzoc Chub de Pop", "TZOC CHUB DE POP NOLA")
    assert case.identification_number == case.cui == cui(60000001)
    assert case.enrolled_at == dt.datetime(2026, 11, 3, 14, 12, tzinfo=dt.UTC)
    assert case.applicant.payment == body["requestData"]["paymentSlip"]
    assert {paper.requirement_code for paper in case.requirements} == {"FORM", "BOLETA"}
    [received] = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id))
    assert (received.event, received.transition, received.username) == ("RECEPCION", "receive", "estacion")
    assert received.data["transaction"] == "t-7"


def test_who_captured_a_case_cannot_authorise_it(db: Session, as_user: Callable[[str], Actor], station: Actor) -> None:
    from security.errors import Refused
    from workflow.machine import perform

    intake.create(db, station, "e1", raw(enrolment(contextualData__operator="supervisor")), finalize=True)
    supervisor = as_user("supervisor")
    with pytest.raises(Refused):
        perform(db, "authorise", case_of(db, "e1").number, supervisor)


def test_pictures_are_kept_once_and_the_portrait_is_ready_for_the_page(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()), finalize=True)
    kept = {one.kind: one for one in db.scalars(select(CasePicture).where(CasePicture.case_id == case_of(db, "e1").id))}
    assert set(kept) == {"PORTRAIT", "SIGNATURE", "RIGHT_INDEX", "LEFT_INDEX"}
    assert kept["PORTRAIT"].print_picture_id == kept["PORTRAIT"].picture_id
    assert (kept["SIGNATURE"].picture_id, kept["SIGNATURE"].missing) == (None, "does not sign")
    assert "image" not in kept["PORTRAIT"].captured
    assert kept["PORTRAIT"].captured["resolution"] == 300
    assert counts(db)[1] == 0


def test_names_are_kept_as_captured_in_nfc(db: Session, station: Actor) -> None:
    body = enrolment(biographicData__firstName="Jose\u0301", biographicData__secondSurname="Q’uq’um")
    intake.create(db, station, "e1", raw(body), finalize=True)
    case = case_of(db, "e1")
    assert (case.first_name, case.second_surname, case.search_name) == ("José", "Q’uq’um", "TZOC QUQUM JOSE")


def test_findings_refer_the_case_in_the_same_transaction(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment(60000001)), finalize=True)
    second = enrolment(60000021, requestData__paymentSlip__number="60000001")
    intake.create(db, station, "e2", raw(second), finalize=True)
    case = case_of(db, "e2")
    assert (case.state, [one.code for one in case.findings]) == (State.VALIDACION_SECUNDARIA, ["PAYMENT_USED"])
    last = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc())).first()
    assert last is not None
    assert (last.event, last.username, last.comment) == ("INCONSISTENCIA", "sistema", "PAYMENT_USED")


def test_a_case_is_printed_where_its_site_has_it_printed(db: Session, station: Actor) -> None:
    body = enrolment(contextualData__site="MIA", contextualData__stationKind="MOBILE")
    intake.create(db, station, "e1", raw(body), finalize=True)
    case = case_of(db, "e1")
    assert (case.site_code, case.print_site_code, case.mobile) == ("MIA", "GUA", True)
    assert case.number.startswith("MIA")


# Retries, drafts and changes


def test_an_identifier_is_taken_for_good(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()), finalize=True)
    with pytest.raises(intake.AlreadyEnrolled):
        intake.create(db, station, "e1", raw(enrolment(60000005)), finalize=True)


def test_finalizing_twice_makes_one_case(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()))
    first = intake.finalize(db, station, "e1").case_id
    before = counts(db)
    assert intake.finalize(db, station, "e1").case_id == first
    assert counts(db) == before


def test_a_draft_needs_nothing_and_becomes_complete_by_patches(db: Session, station: Actor) -> None:
    whole = enrolment()
    intake.create(db, station, "e1", b"{}")
    with pytest.raises(BadEnrolment) as refusal:
        intake.finalize(db, station, "e1")
    assert refusal.value.path == "$.biographicData"
    for member, value in whole.items():
        intake.patch(db, station, "e1", raw({member: value}))
    intake.patch(db, station, "e1", raw({"biographicData": {"secondSurname": None, "heightCm": 171}}), finalize=True)
    case = case_of(db, "e1")
    assert (case.second_surname, case.applicant.height_cm) == (None, 171)
    assert intake.read(db, station, "e1")["biometricData"] == whole["biometricData"]


def test_put_replaces_body_and_pictures(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()))
    assert counts(db)[1] == 3
    other = enrolment(biometricData__0__image=base64_of(jpeg(colour="navy")), biographicData__gender="M")
    intake.update(db, station, "e1", raw(other))
    assert counts(db)[1] == 3
    assert intake.read(db, station, "e1") == {**other, "enrollmentId": "e1", "status": "IN_PROGRESS"}


def test_what_was_read_can_be_sent_back(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()))
    shown = intake.read(db, station, "e1")
    intake.update(db, station, "e1", raw(shown), finalize=True)
    assert intake.read(db, station, "e1") == {**shown, "status": "FINALIZED"}


def test_a_finalized_enrolment_is_neither_changed_nor_deleted(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", raw(enrolment()), finalize=True)
    for change in (intake.update, intake.patch):
        with pytest.raises(NotAllowed, match="e1 is finalized"):
            change(db, station, "e1", raw(enrolment(60000009)))
    with pytest.raises(NotAllowed):
        intake.remove(db, station, "e1")
    with pytest.raises(NotAllowed):
        intake.create_buffer(db, station, "e1", b"x", "image/png", None)


def test_a_deleted_draft_leaves_nothing(db: Session, station: Actor) -> None:
    before = counts(db)
    intake.create(db, station, "e1", raw(enrolment()))
    intake.create_buffer(db, station, "e1", png(), "image/png", None)
    intake.remove(db, station, "e1")
    assert counts(db) == before
    with pytest.raises(NotFound):
        intake.read(db, station, "e1")


# Buffers


def test_a_picture_may_come_as_a_buffer_and_is_still_read_after_finalizing(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", b"{}")
    name = intake.create_buffer(db, station, "e1", jpeg(), "image/jpeg", None)
    body = enrolment(biometricData__0__image=DELETE)
    body["biometricData"][0]["imageRef"] = f"https://host/osia/enrollment/v1/enrollments/e1/buffer/{name}"
    intake.update(db, station, "e1", raw(body), finalize=True)
    assert db.scalars(select(func.length(EnrollmentBuffer.data))).one() == 0
    assert intake.read_buffer(db, station, "e1", name) == (jpeg(), "image/jpeg")
    assert intake.read(db, station, "e1")["biometricData"] == body["biometricData"]


@pytest.mark.parametrize(
    "address", ["nowhere", "/enrollments/other/buffer/%s", "http://[/buffer/%s", "http://h/image?id=%s"]
)
def test_only_buffers_of_the_enrolment_itself_count(db: Session, station: Actor, address: str) -> None:
    intake.create(db, station, "other", b"{}")
    name = intake.create_buffer(db, station, "other", jpeg(), "image/jpeg", None)
    body = enrolment(biometricData__0__image=DELETE)
    body["biometricData"][0]["imageRef"] = address.replace("%s", name)
    with pytest.raises(BadEnrolment) as refusal:
        intake.create(db, station, "e1", raw(body))
    assert refusal.value.path == "$.biometricData[0].imageRef"


def test_a_buffer_that_is_not_what_the_item_claims_is_refused(db: Session, station: Actor) -> None:
    intake.create(db, station, "e1", b"{}")
    name = intake.create_buffer(db, station, "e1", png(), "image/jpeg", None)
    body = enrolment(biometricData__0__image=DELETE)
    body["biometricData"][0]["imageRef"] = name
    with pytest.raises(BadEnrolment) as refusal:
        intake.update(db, station, "e1", raw(body), finalize=True)
    assert refusal.value.path == "$.biometricData[0].imageRef"


# Refusals: the path, and nothing kept

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"biographicData__eyeColor": "ZZZ"}, "$.biographicData.eyeColor"),
    ({"requestData__requirements__0__code": "NADA"}, "$.requestData.requirements[0].code"),
    ({"requestData__procedure": "CORRECCION"}, "$.requestData.procedure"),
    ({"requestData__passportType": "ORM", "requestData__validityYears": 10}, "$.requestData.validityYears"),
    ({"requestData__caseNumber": "LAX000000001"}, "$.requestData.caseNumber"),
    ({"biographicData__identificationType": "PAS", "biographicData__identificationNumber": "A 1234-5"},
     "$.biographicData.identificationNumber"),
    ({"biometricData__0__image": "AAAA"}, "$.biometricData[0].image"),
    ({"biometricData__0__image": base64_of(jpeg())[:-8]}, "$.biometricData[0].image"),
    ({"biometricData__0__image": base64_of(jpeg()) + "\n"}, "$.biometricData[0].image"),
    ({"biometricData__0__image": base64_of(png())}, "$.biometricData[0].image"),
    ({"biometricData__2__width": 321}, "$.biometricData[2].image"),
    ({"biometricData__0__image": "sha256:" + "0" * 64}, "$.biometricData[0].image"),
    ({"enrollmentId": "another"}, "$.enrollmentId"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "path"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_refusal_names_its_place_and_keeps_nothing(
    db: Session, station: Actor, changes: dict[str, Any], path: str
) -> None:
    before = counts(db)
    with pytest.raises(BadEnrolment) as refusal:
        intake.create(db, station, "e1", raw(enrolment(**changes)), finalize=True)
    assert refusal.value.path == path
    db.rollback()
    assert counts(db) == before


def test_an_inactive_code_is_refused_like_an_unknown_one(db: Session, station: Actor) -> None:
    from models.catalogs import Occupation

    db.get_one(Occupation, "OC045").active = False
    db.flush()
    with pytest.raises(BadEnrolment) as refusal:
        intake.create(db, station, "e1", raw(enrolment()))
    assert refusal.value.path == "$.biographicData.occupation"


def test_a_site_that_does_not_enrol_is_refused(db: Session, station: Actor) -> None:
    db.get_one(Site, "GUA").enrols = False
    db.flush()
    with pytest.raises(BadEnrolment, match="does not enrol"):
        intake.create(db, station, "e1", raw(enrolment()))


def test_a_station_number_that_is_taken_is_refused(db: Session, station: Actor) -> None:
    taken = make_case(db)
    with pytest.raises(BadEnrolment, match="is taken") as refusal:
        intake.create(db, station, "e1", raw(enrolment(requestData__caseNumber=taken.number)), finalize=True)
    assert refusal.value.path == "$.requestData.caseNumber"


def test_the_same_finger_twice_is_refused_when_finalized(db: Session, station: Actor) -> None:
    body = enrolment()
    body["biometricData"] += [{**body["biometricData"][2], "biometricSubType": "RIGHT_THUMB"}] * 2
    intake.create(db, station, "e1", raw(body))
    with pytest.raises(BadEnrolment) as refusal:
        intake.finalize(db, station, "e1")
    assert refusal.value.path == "$.biometricData[5]"


def test_a_station_enrols_only_for_its_sites(db: Session, station: Actor) -> None:
    from dataclasses import replace

    elsewhere = replace(station, sites=frozenset({"LAX"}))
    with pytest.raises(NotAllowed, match="GUA"):
        intake.create(db, elsewhere, "e1", raw(enrolment()))
    intake.create(db, station, "e1", raw(enrolment()))
    for reach in (intake.read, intake.finalize, intake.remove):
        with pytest.raises(NotAllowed, match="GUA"):
            reach(db, elsewhere, "e1")


def test_without_the_permission_nothing_is_enrolled(db: Session, as_user: Callable[[str], Actor]) -> None:
    with pytest.raises(NotAllowed):
        intake.create(db, as_user("supervisor"), "e1", raw(enrolment()))


# Replacement of a lost passport of ours


def delivered_passport(db: Session, serial: int, number: int) -> PassportCase:
    [booklet] = make_booklets(db, number, 1)
    person = {"first_name": "Nola", "second_name": None, "first_surname": "Tzoc", "second_surname": "Chub"}
    case = make_case(db, State.ENROLADA, cui=cui(serial), **person)
    case.booklet_number, case.state = booklet, State.ENTREGADA
    at, on = case.created_at, case.created_at.date()
    user = load_actor(db, username="estacion")
    assert user is not None
    used = db.get_one(Booklet, booklet)
    ledger.post(db, user, "EGRESO_PERSONALIZACION", used, ledger.printing_place("GUA"), at=at, case_id=case.id)
    ledger.post(db, user, "ENTREGA", used, Account.HOLDER, at=at, case_id=case.id)
    used.issued_on, used.expires_on = on, on.replace(year=on.year + 5, day=1)
    use = Personalisation(
        case_id=case.id, booklet_number=booklet, site_code="GUA", assigned_by_id=user.user_id, assigned_at=at,
        issued_on=on, expires_on=used.expires_on, mrz_line_1="", mrz_line_2="", seal_text="", delivered_at=at,
        printed_by_id=user.user_id, printed_at=at, checked_by_id=user.user_id, checked_at=at,
        delivered_by_id=user.user_id,
    )  # fmt: skip
    db.add(use)
    db.flush()
    return case


def replacement(former: PassportCase, reason: str, serial: int) -> dict[str, Any]:
    report = {"number": "PNC-1", "authority": "PNC", "date": "2026-11-01"}
    return enrolment(
        serial, requestData__procedure="REPOSICION", requestData__replacementReason=reason,
        requestData__report=report, requestData__previousPassport={"bookletNumber": former.booklet_number},
    )  # fmt: skip


def test_a_lost_passport_of_ours_is_void_at_once(db: Session, station: Actor) -> None:
    former = delivered_passport(db, 60000011, 5000100)
    intake.create(db, station, "e1", raw(replacement(former, "ROB", 60000011)), finalize=True)
    lost = db.get_one(Booklet, former.booklet_number)
    assert (lost.state, lost.void_type_code) == (BookletState.ANULADA, "ROB")
    last = db.scalars(select(CaseEvent).where(CaseEvent.case_id == former.id).order_by(CaseEvent.id.desc())).first()
    assert last is not None
    assert (last.event, last.reason_code) == ("ANULACION", "ROB")


def test_a_damaged_passport_stays_until_the_new_one_is_delivered(db: Session, station: Actor) -> None:
    former = delivered_passport(db, 60000011, 5000100)
    intake.create(db, station, "e1", raw(replacement(former, "DET", 60000011)), finalize=True)
    assert db.get_one(Booklet, former.booklet_number).state == BookletState.ENTREGADA


def test_nobody_voids_the_passport_of_another_by_naming_it(db: Session, station: Actor) -> None:
    former = delivered_passport(db, 60000011, 5000100)
    intake.create(db, station, "e1", raw(replacement(former, "ROB", 60000031)), finalize=True)
    assert db.get_one(Booklet, former.booklet_number).state == BookletState.ENTREGADA
    [finding] = case_of(db, "e1").findings
    assert (finding.code, "cui" in finding.fields) == ("RENEWAL_MISMATCH", True)


# What it costs


def test_one_finalize_costs_a_bounded_number_of_statements(db: Session, station: Actor) -> None:
    statements: list[str] = []
    connection = db.connection()
    listener = lambda _c, _cursor, statement, *_rest: statements.append(statement)  # noqa: E731
    event.listen(connection, "before_cursor_execute", listener)
    try:
        intake.create(db, station, "e1", raw(enrolment()), finalize=True)
    finally:
        event.remove(connection, "before_cursor_execute", listener)
    assert len([s for s in statements if "SAVEPOINT" not in s]) <= 22


# Two at once, on real connections


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database of this module's own: what is committed in a race cannot be undone."""
    engine = make_engine(fresh_database("intake"), pool_size=6)
    yield engine
    engine.dispose()


def at_once(office: Engine, *acts: Callable[[Session, Actor], Any]) -> list[Any]:
    """The results of `acts` or their refusals, begun in the same moment, each on a connection of its own."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int, act: Callable[[Session, Actor], Any]) -> None:
        with Session(office, expire_on_commit=False) as session:
            actor = load_actor(session, username="estacion")
            assert actor is not None
            gate.wait()
            try:
                with acting_as(actor):
                    results[place] = act(session, actor)
                    session.commit()
            except DomainError as refusal:
                session.rollback()
                results[place] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def sending(enrollment_id: str, body: dict[str, Any]) -> Callable[[Session, Actor], Enrollment]:
    return lambda session, actor: intake.create(session, actor, enrollment_id, raw(body), finalize=True)


def findings(office: Engine, *enrollment_ids: str) -> list[list[str]]:
    with Session(office) as session:
        cases = select(PassportCase).where(PassportCase.enrollment_id.in_(enrollment_ids))
        found = session.scalars(cases.execution_options(every_site=True)).all()
        return sorted([finding.code for finding in case.findings] for case in found)


def test_two_stations_that_send_one_identifier_make_one_case(office: Engine) -> None:
    for turn in range(ROUNDS):
        name, body = f"same-{turn}", enrolment(61000000 + 20 * turn)
        results = at_once(office, *[sending(name, body)] * 3)
        assert sorted(type(result).__name__ for result in results) == ["AlreadyEnrolled"] * 2 + ["Enrollment"]
        assert findings(office, name) == [[]]


def test_finalizing_twice_at_once_makes_one_case(office: Engine) -> None:
    for turn in range(ROUNDS):
        name, body = f"draft-{turn}", enrolment(62000000 + 20 * turn)
        at_once(office, lambda session, actor, name=name, body=body: intake.create(session, actor, name, raw(body)))
        again = lambda session, actor, name=name: intake.finalize(session, actor, name).case_id  # noqa: E731
        assert len(set(at_once(office, again, again, again))) == 1
        assert findings(office, name) == [[]]


def test_of_two_with_one_payment_slip_at_once_the_later_has_the_finding(office: Engine) -> None:
    for turn in range(ROUNDS):
        slip = f"63{turn:07d}"
        bodies = [enrolment(63000000 + 40 * turn + 20 * n, requestData__paymentSlip__number=slip) for n in (0, 1)]
        at_once(office, *[sending(f"slip-{turn}-{n}", body) for n, body in enumerate(bodies)])
        assert findings(office, f"slip-{turn}-0", f"slip-{turn}-1") == [[], ["PAYMENT_USED"]]


def test_of_two_cases_of_one_person_at_once_the_later_has_the_finding(office: Engine) -> None:
    for turn in range(ROUNDS):
        bodies = [enrolment(64000000 + 20 * turn, requestData__paymentSlip__number=f"64{turn:03d}{n}") for n in (0, 1)]
        at_once(office, *[sending(f"person-{turn}-{n}", body) for n, body in enumerate(bodies)])
        assert findings(office, f"person-{turn}-0", f"person-{turn}-1") == [[], ["DUPLICATE_CASE"]]


def test_of_two_with_one_case_number_at_once_one_is_refused(office: Engine) -> None:
    for turn in range(ROUNDS):
        number = f"GUA65{turn:07d}"
        bodies = [enrolment(65000000 + 40 * turn + 20 * n, requestData__caseNumber=number) for n in (0, 1)]
        results = at_once(office, *[sending(f"number-{turn}-{n}", body) for n, body in enumerate(bodies)])
        assert sorted(type(result).__name__ for result in results) == ["BadEnrolment", "Enrollment"]
