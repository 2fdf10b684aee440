"""What could not be printed is found at intake and refused in a correction; what passes both, is printed."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale, gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.settings import BadSetting, Settings
from models.base import utc_now
from models.booklets import Personalisation
from models.cases import Applicant, CaseFinding, Finding, PassportCase
from models.catalogs import Country, Municipality, PassportType
from printing.mrz import MrzChoices
from printing.mrz_reading import parse
from printing.seal import verify
from security.errors import BadValue
from tests.build import make_case
from tests.enrolment_bodies import DELETE, enrolment
from workflow import correction_form, pages, printable
from workflow.checks import Facts, Found, find
from workflow.enrolment_form import check_complete, moment
from workflow.succession import CORRECTABLE, CORRECTABLE_APPLICANT, apply_changes

SERIAL = 60000801
ABROAD = {"biographicData__birthDepartment": DELETE, "biographicData__birthMunicipality": DELETE}


def found(db: Session, **changes: Any) -> Found | None:
    """The finding of an enrolment that the form lets pass."""
    body = enrolment(SERIAL, **changes)
    check_complete(body)
    facts = Facts(db, body, moment(body["contextualData"]["enrollmentDate"]), None)
    return next((one for one in find(facts) if one.code == Finding.NAME_NOT_PRINTABLE), None)


@pytest.fixture
def chosen() -> Iterator[None]:
    """What the State chose is put back afterwards."""
    before = pages.press()
    yield
    pages.configure(before.keys.path, ocrb_font=before.ocrb_font, specimen=before.specimen, choices=before.choices)


@pytest.mark.parametrize(
    ("changes", "fields", "message", "params"),
    [
        ({"firstSurname": "Ǝgbe"}, ["name"], printable.NOT_IN_MRZ, {"signs": "Ǝ"}),
        ({"firstName": "Ana", "otherNames": "ɂAja"}, ["name"], printable.NOT_IN_MRZ, {"signs": "Ɂ"}),
        ({"firstSurname": "Đurđević"}, ["name"], printable.NO_GLYPH, {"signs": "Đ"}),
        ({"marriedSurname": "de Nguyễn"}, ["name"], printable.NO_GLYPH, {"signs": "Ễ"}),
        ({"secondName": "M\u0327aria"}, ["name"], printable.NO_GLYPH, {"signs": "\u0327"}),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_printed_is_found_at_intake(
    db: Session, changes: dict[str, str], fields: list[str], message: str, params: dict[str, str]
) -> None:
    finding = found(db, **{f"biographicData__{name}": value for name, value in changes.items()})
    assert finding is not None
    assert finding.fields == fields
    assert finding.detail["reasons"] == [{"message": message, "params": params}]
    assert next(iter(changes.values())).split()[0] in finding.detail["name"]["captured"]


@pytest.mark.parametrize(
    "name",
    ["B'atz'anil", "Tzʼokan", "Q’uqum", "Ixtz'ünün", "Cáceres-Güitzal", "D'Ávila", "Núñez", "Müller", "Gonçalves",
     "Ångström", "Łukaszewski", "Žáková", "St. Clair", "Mun\u0303oz"],
)  # fmt: skip
def test_names_of_guatemala_and_its_neighbours_are_printed(db: Session, name: str) -> None:
    assert found(db, biographicData__firstSurname=name, biographicData__marriedSurname=f"de {name}") is None


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("Łódź 中", printable.NO_GLYPH),
        ("Żory", printable.NO_GLYPH),
        ("W" * 60, printable.TOO_LONG),
        ("🏠", printable.NO_GLYPH),
    ],
)
def test_a_place_of_birth_that_cannot_be_printed_is_found_at_intake(db: Session, place: str, message: str) -> None:
    finding = found(db, **ABROAD, biographicData__birthCountry="USA", biographicData__birthPlace=place)
    assert finding is not None
    assert (finding.fields, finding.detail["birthPlace"]["captured"]) == (["birthPlace"], place)
    assert finding.detail["reasons"][0]["message"] == message
    assert found(db, **ABROAD, biographicData__birthCountry="POL", biographicData__birthPlace="Zory") is None


def test_a_nationality_without_code_is_found_at_intake(db: Session) -> None:
    db.get_one(Country, "ALB").mrz_code = "al"
    db.flush()
    finding = found(db, biographicData__nationality="ALB")
    assert finding is not None
    assert finding.fields == ["nationality"]
    assert finding.detail["reasons"] == [{"message": printable.NO_CODE, "params": {"code": "ALB"}}]


def test_all_that_is_wrong_is_said_at_once(db: Session) -> None:
    abroad = ABROAD | {"biographicData__birthCountry": "POL", "biographicData__birthPlace": "Żory"}
    finding = found(db, biographicData__firstSurname="Żur", **abroad)
    assert finding is not None
    assert finding.fields == ["name", "birthPlace"]
    assert len(finding.detail["reasons"]) == 2


def test_a_finding_says_in_words_why(app: Flask, db: Session, login: Any) -> None:
    case = make_case(db)
    reasons = [{"message": printable.NO_GLYPH, "params": {"signs": "Ć"}}]
    db.add(CaseFinding(
        case_id=case.id, code=Finding.NAME_NOT_PRINTABLE, fields=["name"], found_at=utc_now(),
        detail={"name": {"captured": "Ć", "known": None}, "reasons": reasons},
    ))  # fmt: skip
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/").get_data(as_text=True)
    with app.test_request_context(), force_locale("es"):
        said = gettext(printable.NO_GLYPH, signs="Ć")
    assert f'<p class="text-secondary">{said}</p>' in page


def test_no_name_of_an_enrolment_is_too_long_but_longer_ones_are(app: Any) -> None:
    assert printable.in_names(" ".join(["W" * 60] * 3), " ".join(["ß" * 60] * 3)) is None
    assert printable.in_names("W" * 600, "Ana") == printable.Obstacle(printable.TOO_LONG, {})
    assert printable.in_names("-", "’") == printable.Obstacle(printable.NO_LETTER, {})


@pytest.mark.parametrize("catalog", [Country, Municipality])
def test_every_country_and_municipality_can_be_printed(db: Session, catalog: Any) -> None:
    case = make_case(db)
    applicant = db.get_one(Applicant, case.id)
    for entry in db.scalars(select(catalog)):
        if catalog is Country:
            applicant.nationality_code = applicant.birth_country_code = entry.code
            applicant.birth_department_code = applicant.birth_municipality_code = None
            applicant.birth_place = "San Francisco del Rincón de la Asunción de María, Guanajuato"
            assert printable.in_nationality(db, applicant) is None, entry.code
        else:
            applicant.birth_department_code, applicant.birth_municipality_code = entry.department_code, entry.code
        assert printable.in_birth_place(db, applicant) is None, entry.code


# Corrections


@pytest.mark.parametrize(
    ("changes", "column", "message"),
    [
        ({"first_surname": "Ǝgbe"}, "first_surname", printable.NOT_IN_MRZ),
        ({"second_name": "Ana", "married_surname": "de Đurić"}, "married_surname", printable.NO_GLYPH),
        ({"birth_place": "Żory"}, "birth_place", printable.NO_GLYPH),
        ({"birth_place": "W" * 60, "birth_country_code": "USA", "birth_department_code": None,
          "birth_municipality_code": None}, "birth_country_code", printable.TOO_LONG),
        ({"nationality_code": "ALB"}, "nationality_code", printable.NO_CODE),
    ],
)  # fmt: skip
def test_a_correction_cannot_write_what_cannot_be_printed(
    db: Session, changes: dict[str, Any], column: str, message: str
) -> None:
    db.get_one(Country, "ALB").mrz_code = "al"
    with pytest.raises(BadValue) as refused:
        apply_changes(db, make_case(db), changes)
    assert (refused.value.message_id, refused.value.params["name"]) == (message, column)
    assert refused.value.params["label"]


def test_a_correction_of_something_else_does_not_look_at_the_name_again(db: Session) -> None:
    case = make_case(db, first_surname="Đurić")
    apply_changes(db, case, {"sex_code": "M"})
    assert case.sex_code == "M"
    with pytest.raises(BadValue):
        apply_changes(db, case, {"second_surname": "López"})
    apply_changes(db, case, {"first_surname": "Duric"})
    assert case.first_surname == "Duric"


def test_the_columns_named_are_columns_that_can_be_corrected() -> None:
    assert set(CORRECTABLE) >= correction_form._NAMES
    assert set(CORRECTABLE_APPLICANT) >= correction_form._BIRTH_PLACE


# What passed intake is printed, with the State's choices and the code of its day


def composed(db: Session, case: PassportCase, booklet: str = "F0000801") -> Personalisation:
    use = Personalisation(case_id=case.id, booklet_number=booklet)
    pages.compose(db, case, use)
    return use


@pytest.mark.parametrize(
    "person",
    [
        {"first_surname": "Muñoz", "second_surname": "B'atz'anil", "first_name": "Íngrid", "birth_date": "1987-09"},
        {"first_surname": "Ixk’ulumatz", "second_surname": None, "first_name": None, "birth_date": "1948"},
        {"first_surname": "Xochitzalampec de la Encarnación", "second_surname": "de Montesclarosierra",
         "married_surname": "viuda de Ibarrondo", "first_name": "Guadalupe", "second_name": "Esperanza"},
        {"first_surname": "W" * 60, "second_surname": "W" * 60, "married_surname": "W" * 60, "first_name": "M" * 60,
         "second_name": "M" * 60, "other_names": "M" * 60},
    ],
)  # fmt: skip
def test_who_passes_the_check_is_printed(db: Session, person: dict[str, Any]) -> None:
    case = make_case(db, **person)
    assert printable.in_names(case.surnames, case.given_names) is None
    use = composed(db, case)
    assert parse(use.mrz_line_1, use.mrz_line_2).ok
    assert len(use.page_sha256) == 64


@pytest.mark.parametrize("kind", [row["code"] for row in csv.DictReader(
    Path(pages.__file__).parents[1].joinpath("models/seed/tipos_pasaporte.csv").read_text("utf-8").splitlines()
)])  # fmt: skip
def test_each_passport_type_has_the_code_of_its_day(db: Session, kind: str) -> None:
    case = make_case(db, passport_type_code=kind)
    later = db.get_one(PassportType, kind).document_code_2028
    use = composed(db, case)
    assert later == {"OFI": "PO", "DIP": "PD"}.get(kind, "PP")
    for day, code in (("2027-12-31", "P<"), ("2028-01-01", later), ("2031-06-30", later)):
        issued = use.issued_on.fromisoformat(day)
        lines = pages.mrz_lines(db, case, "F0000801", issued, use.expires_on)
        assert lines[0][:5] == code + "GTM"
        assert parse(*lines).ok
    assert verify(use.seal_text, pages.press().keys.public_keys()).kind == later[1]


def test_every_nationality_can_be_written_in_the_zone(db: Session) -> None:
    case = make_case(db)
    applicant, use = db.get_one(Applicant, case.id), composed(db, case)
    written = {}
    for country in db.scalars(select(Country)):
        applicant.nationality_code = country.code
        lines = pages.mrz_lines(db, case, "F0000801", use.issued_on, use.expires_on)
        assert parse(*lines).ok
        written[country.code] = lines[1][10:13]
    assert len(set(written.values())) == len(written) > 250
    special = ("DEU", "GBD", "GBO", "RKS", "EUE", "UNO", "UNA", "XOM", "XPO", "XXA", "XXB", "XXC", "XXX", "UTO")
    assert [written[code] for code in special] == ["D<<", *special[1:]]


def test_the_states_choices_are_printed(db: Session, chosen: None) -> None:
    case = make_case(db, first_surname="Núñez", second_surname="Güitzal")
    before = pages.press()
    assert "NUNEZ<GUITZAL" in composed(db, case).mrz_line_1
    choices = MrzChoices(enye="NXX", u_diaeresis="UE")
    pages.configure(before.keys.path, ocrb_font=before.ocrb_font, specimen=before.specimen, choices=choices)
    assert "NUNXXEZ<GUEITZAL" in composed(db, case).mrz_line_1


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("PASAPORTES_MRZ_ENYE", "NXX", "enye"),
        ("PASAPORTES_MRZ_U_DIAERESIS", "UE", "u_diaeresis"),
        ("PASAPORTES_MRZ_A_DIAERESIS", "AE", "a_diaeresis"),
        ("PASAPORTES_MRZ_O_DIAERESIS", "OE", "o_diaeresis"),
        ("PASAPORTES_MRZ_A_RING", "A", "a_ring"),
        ("PASAPORTES_MRZ_EMPTY_OPTIONAL_DIGIT", "0", "empty_optional_digit"),
    ],
)
def test_each_choice_of_the_state_is_a_setting(tmp_path: Path, variable: str, value: str, field: str) -> None:
    home = {"PASAPORTES_HOME": str(tmp_path)}
    assert Settings.from_environment(home).mrz_choices == MrzChoices()
    assert Settings.from_environment(home | {variable: value}).mrz_choices == MrzChoices(**{field: value})
    with pytest.raises(BadSetting, match=f"^{variable} must be .* or .*, not 'Q'"):
        Settings.from_environment(home | {variable: "Q"})
