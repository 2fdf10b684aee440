"""Each automatic check finds what its condition says and names the fields, and nothing else."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import Finding, State
from models.enrolments import FormerCase, RegistryPerson
from security.actor import Actor
from tests.build import make_case, make_entry
from tests.enrolment_bodies import DELETE, cui, enrolment
from workflow import checks
from workflow.checks import Facts, Found, find
from workflow.enrolment_form import moment
from workflow.persons import search_name
from workflow.registry import RegistryDown, RegistryRecord, SimulatedRegistry

SERIAL = 60000101
CUI = cui(SERIAL)
NEVER = dt.date(2099, 1, 1)


class Registry:
    """Answers one record, nobody, or not at all."""

    def __init__(self, answer: RegistryRecord | type[Exception] | None) -> None:
        self.answer = answer

    def look_up(self, cui: str) -> RegistryRecord | None:
        if isinstance(self.answer, type):
            raise self.answer
        return self.answer


def findings(db: Session, registry: Any = None, **changes: Any) -> list[Found]:
    body = enrolment(SERIAL, **changes)
    return find(Facts(db, body, moment(body["contextualData"]["enrollmentDate"]), registry))


def former(db: Session, number: str = "GU00000001", **changes: Any) -> FormerCase:
    values = {
        "first_name": "NOLA", "first_surname": "tzoc", "second_surname": " Chub ", "cui": CUI, "sex_code": "F",
        "birth_date": "1990-05-17", "booklet_number": "F1234567", "passport_type_code": "ORD", "state": "ENTREGADO",
        "expires_on": dt.date(2020, 1, 1), "source": "x.csv", "source_row": 2,
    } | changes  # fmt: skip
    case = FormerCase(number=number, search_name=search_name(values["first_surname"]), **values)
    db.add(case)
    db.flush()
    return case


RENEWAL = {"requestData__procedure": "RENOVACION", "requestData__previousPassport": {"bookletNumber": "F1234567"}}
MINOR = {"biographicData__dateOfBirth": "2019-02-28", "requestData__passportType": "ORM"}
PARENT = {"relation": "MOTHER", "name": "Ana Tzoc", "present": True}


def test_a_clean_enrolment_has_no_finding(db: Session) -> None:
    assert findings(db, Registry(record())) == []


def test_every_kind_of_finding_has_a_check() -> None:
    names = {function.__name__.upper() for function in checks.CHECKS}
    assert set(Finding) - {Finding(name) for name in names & set(Finding)} == {
        Finding.REGISTRY_MISMATCH, Finding.REGISTRY_UNAVAILABLE,
    }  # fmt: skip


def test_a_wrong_check_digit_is_found(db: Session) -> None:
    wrong = CUI[:8] + str((int(CUI[8]) + 1) % 10) + CUI[9:]
    [found] = findings(db, biographicData__cui=wrong)
    assert (found.code, found.fields) == (Finding.CUI_CHECK_DIGIT, ["cui"])


@pytest.mark.parametrize("issued", ["0901", "9999"])
def test_the_cui_must_be_of_the_municipality_of_birth(db: Session, issued: str) -> None:
    [found] = findings(db, biographicData__cui=cui(SERIAL, issued))
    assert found.code == Finding.CUI_BIRTH_PLACE
    assert found.detail == {"birthMunicipality": {"captured": "0101", "known": issued}}


def test_a_birth_abroad_has_no_municipality_to_compare(db: Session) -> None:
    abroad = {"biographicData__birthCountry": "USA", "biographicData__birthPlace": "Los Angeles",
              "biographicData__birthDepartment": DELETE, "biographicData__birthMunicipality": DELETE}  # fmt: skip
    assert findings(db, biographicData__cui=cui(SERIAL, "9999"), **abroad) == []


# Civil registry


def record(**changes: str) -> RegistryRecord:
    known = {"firstName": "NOLA", "firstSurname": "Tzóc", "secondSurname": "chub"}
    return RegistryRecord(cui=CUI, **(known | {"dateOfBirth": "1990-05-17", "gender": "F"} | changes))


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        (None, ["cui"]),
        ({"firstName": "Ana"}, ["firstName"]),
        ({"secondName": "María", "gender": "M"}, ["secondName", "gender"]),
        ({"dateOfBirth": "1990-05"}, ["dateOfBirth"]),
        ({"marriedSurname": "de Pop"}, ["marriedSurname"]),
        ({"deceasedOn": "2025-06-30"}, ["deceasedOn"]),
    ],
)
def test_the_registry_says_otherwise(db: Session, answer: dict[str, str] | None, fields: list[str]) -> None:
    [found] = findings(db, Registry(record(**answer) if answer else None))
    assert (found.code, found.fields) == (Finding.REGISTRY_MISMATCH, fields)


def test_what_the_registry_knows_stands_beside_what_was_captured(db: Session) -> None:
    [found] = findings(db, Registry(record(secondSurname="Choc")))
    assert found.detail == {"secondSurname": {"captured": "Chub", "known": "Choc"}}


def test_a_death_after_the_capture_is_no_finding(db: Session) -> None:
    assert findings(db, Registry(record(deceasedOn="2026-11-04"))) == []


def test_a_silent_registry_is_a_finding_of_its_own(db: Session) -> None:
    assert [found.code for found in findings(db, Registry(RegistryDown))] == [Finding.REGISTRY_UNAVAILABLE]


def test_the_simulated_registry_answers_from_its_table(db: Session) -> None:
    db.add(RegistryPerson(cui=CUI, data={"firstName": "Nola", "dateOfBirth": "1990"}))
    db.flush()
    answer = SimulatedRegistry(db).look_up(CUI)
    assert answer is not None
    assert (answer.firstName, answer.dateOfBirth, answer.secondSurname) == ("Nola", "1990", "")
    assert SimulatedRegistry(db).look_up("6999999990101") is None


# Former passport


def test_a_renewal_that_matches_has_no_finding(db: Session) -> None:
    former(db)
    assert findings(db, **RENEWAL) == []


def test_an_unknown_former_passport_is_found(db: Session) -> None:
    [found] = findings(db, **RENEWAL)
    assert (found.code, found.fields) == (Finding.RENEWAL_MISMATCH, ["bookletNumber"])


@pytest.mark.parametrize(
    ("known", "fields"),
    [
        ({"second_surname": None}, ["secondSurname"]),
        ({"birth_date": "1990-05"}, ["dateOfBirth"]),
        ({"birth_date": None}, ["dateOfBirth"]),
        ({"sex_code": "M", "cui": "6000000080101"}, ["gender", "cui"]),
        ({"cui": None}, []),
        ({"married_surname": "DE POP"}, ["marriedSurname"]),
    ],
)
def test_a_renewal_names_the_fields_that_differ(db: Session, known: dict[str, Any], fields: list[str]) -> None:
    former(db, **known)
    assert [found.fields for found in findings(db, **RENEWAL)] == ([fields] if fields else [])


def test_further_names_of_the_former_system_stand_with_the_second(db: Session) -> None:
    former(db, second_name="MARIA JOSE")
    names = {"biographicData__secondName": "María", "biographicData__otherNames": "José"}
    assert findings(db, **RENEWAL, **names) == []
    assert [found.fields for found in findings(db, **RENEWAL, **(names | {"biographicData__otherNames": "Inés"}))] == [
        ["secondName", "otherNames"]
    ]


def test_of_two_cases_on_one_booklet_the_one_that_was_named_is_meant(db: Session) -> None:
    former(db, "GU00000001")
    former(db, "GU00000002", first_name="OTRA", sex_code="M")
    assert findings(db, **RENEWAL) == []
    named = RENEWAL | {"requestData__previousPassport": {"bookletNumber": "F1234567", "caseNumber": "GU00000002"}}
    assert [found.fields for found in findings(db, **named)] == [["firstName", "gender"]]


# What the person holds


def test_a_valid_passport_of_the_former_system_is_found(db: Session) -> None:
    former(db, expires_on=NEVER)
    [found] = findings(db)
    assert found.code == Finding.VALID_PASSPORT
    assert found.detail["bookletNumber"] == {"captured": None, "known": "F1234567"}


@pytest.mark.parametrize(
    "known",
    [
        {"expires_on": dt.date(2026, 11, 2)}, {"passport_type_code": "ORM"}, {"state": "IMPRESO"},
        {"cui": "6000000080101"}, {"expires_on": None},
    ],
)  # fmt: skip
def test_other_passports_do_not_count(db: Session, known: dict[str, Any]) -> None:
    former(db, **({"expires_on": NEVER} | known))
    assert findings(db) == []


def test_the_last_day_of_validity_still_counts(db: Session) -> None:
    former(db, expires_on=dt.date(2026, 11, 3))
    assert [found.code for found in findings(db)] == [Finding.VALID_PASSPORT]


def test_the_passport_that_is_named_does_not_count(db: Session) -> None:
    former(db, expires_on=NEVER)
    assert findings(db, **RENEWAL) == []


def test_a_passport_that_was_reported_lost_before_does_not_count(db: Session) -> None:
    former(db, expires_on=NEVER)
    case = make_case(db, State.RECHAZADA, cui=CUI, procedure_code="REPOSICION", previous_booklet="F1234567")
    case.applicant.replacement_reason = "ROB"
    db.flush()
    assert findings(db) == []


# Other cases


def test_an_open_case_of_the_same_person_and_type_is_found_at_any_site(
    db: Session, as_user: Callable[[str], Actor]
) -> None:
    case = make_case(db, site_code="LAX", cui=CUI)
    as_user("supervisor")
    [found] = findings(db)
    assert (found.code, found.detail["cases"][0]["number"]) == (Finding.DUPLICATE_CASE, case.number)


@pytest.mark.parametrize(
    "changes", [{"passport_type_code": "OFI"}, {"cui": "6000000080101"}, {"state": State.RECHAZADA}]
)
def test_other_cases_are_no_duplicates(db: Session, changes: dict[str, Any]) -> None:
    make_case(db, **({"cui": CUI} | changes))
    assert findings(db) == []


@pytest.mark.parametrize(
    ("state", "used"), [(State.ENROLADA, True), (State.AUTORIZADA, True), (State.RECHAZADA, False)]
)
def test_a_payment_slip_serves_one_case_that_was_not_refused(db: Session, state: State, used: bool) -> None:
    make_case(db, state, payment_slip=str(SERIAL))
    assert [found.code for found in findings(db)] == ([Finding.PAYMENT_USED] if used else [])


def test_leading_zeros_of_a_slip_count(db: Session) -> None:
    make_case(db, payment_slip=f"0{SERIAL}")
    assert findings(db) == []


# Minors


@pytest.mark.parametrize(
    ("guardians", "found"),
    [
        ([PARENT], False),
        ([PARENT, PARENT | {"relation": "FATHER"}], False),
        ([PARENT, PARENT | {"present": False, "consentDocument": {"code": "MANDATO", "number": "1"}}], False),
        ([PARENT, PARENT | {"present": False}], True),
        ([PARENT | {"present": False, "consentDocument": {"code": "MANDATO", "number": "1"}}], True),
        ([], True),
        (None, True),
    ],
)
def test_a_minor_needs_consent(db: Session, guardians: list[dict[str, Any]] | None, found: bool) -> None:
    changes = MINOR | ({} if guardians is None else {"biographicData__guardians": guardians})
    assert [one.code for one in findings(db, **changes)] == ([Finding.MINOR_CONSENT] if found else [])


@pytest.mark.parametrize(
    ("born", "minor"), [("2008-11-03", False), ("2008-11-04", True), ("2008-11", True), ("2008", True), ("2007", False)]
)
def test_a_person_is_a_minor_unless_surely_eighteen(db: Session, born: str, minor: bool) -> None:
    assert [one.code for one in findings(db, biographicData__dateOfBirth=born)] == (
        [Finding.MINOR_CONSENT] if minor else []
    )


def test_the_day_is_the_one_of_the_site(db: Session) -> None:
    late = {"contextualData__enrollmentDate": "2026-11-03T23:30:00-06:00", "biographicData__dateOfBirth": "2008-11-04"}
    assert [one.code for one in findings(db, **late)] == [Finding.MINOR_CONSENT]


# Lists and the machine readable zone


@pytest.mark.parametrize(
    ("entry", "fields"),
    [
        ({"cui": CUI}, ["cui"]),
        ({"surnames": "TZOC CHUB", "given_names": "NOLA"}, ["name"]),
        ({"surnames": "NOLA TZOC", "given_names": "CHUB"}, ["name"]),
        ({"surnames": "TZOC", "given_names": "NOLA"}, None),
    ],
)
def test_a_name_or_cui_on_a_list_is_found(db: Session, entry: dict[str, Any], fields: list[str] | None) -> None:
    db.add(make_entry(**entry))
    db.flush()
    found = findings(db, biographicData__marriedSurname="de Pop")
    assert [one.fields for one in found] == ([fields] if fields else [])


def test_a_name_that_cannot_be_written_in_the_mrz_is_found(db: Session) -> None:
    [found] = findings(db, biographicData__firstSurname="Ǝgbe")
    assert found.code == Finding.NAME_NOT_PRINTABLE


def test_findings_come_in_the_order_of_the_checks(db: Session) -> None:
    make_case(db, cui=CUI, payment_slip=str(SERIAL), created_at=utc_now())
    codes = [found.code for found in findings(db, Registry(None), **MINOR, biographicData__birthMunicipality="0102")]
    assert codes == ["CUI_BIRTH_PLACE", "REGISTRY_MISMATCH", "PAYMENT_USED", "MINOR_CONSENT"]
