"""The demo's enrolments: valid, invented, repeatable, and wrong only where they say so."""

import base64
import csv
import io
import json
import random
import re
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from PIL import Image

from app.demo import agenda, names, people, places, requests
from app.demo.enrolments import DemoEnrolment, make_enrolments, write_folder
from app.demo.flaws import Flaw
from workflow.picture_process import Question, decode

TODAY = date(2026, 11, 22)
COUNT = 150


@pytest.fixture(scope="module")
def enrolments() -> list[DemoEnrolment]:
    return list(make_enrolments(7, COUNT, today=TODAY))


def test_every_body_keeps_the_profile_of_the_intake(enrolments):
    schema = json.loads((files("workflow") / "intake.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    wrong = [
        (e.enrollment_id, fault.json_path, fault.message[:80])
        for e in enrolments
        for fault in validator.iter_errors(e.body)
    ]
    assert wrong == []


def test_every_code_is_an_active_entry_of_its_catalog(enrolments):
    codes = {name: active_codes(name) for name in {"requisitos", *(catalog for _, catalog in CODED)}}
    for enrolment in enrolments:
        for path, catalog in CODED:
            assert value_at(enrolment.body, path) in codes[catalog] | {None}, (enrolment.enrollment_id, path)
        assert {r["code"] for r in enrolment.body["requestData"]["requirements"]} <= codes["requisitos"]


def test_the_same_seed_makes_the_same_enrolments_and_another_seed_others():
    first, again, other = (list(make_enrolments(seed, 12, today=TODAY)) for seed in (3, 3, 4))
    assert first == again
    assert not {e.enrollment_id for e in first} & {e.enrollment_id for e in other}


def test_identifiers_are_unique_and_name_day_station_and_time(enrolments):
    assert len({e.enrollment_id for e in enrolments}) == COUNT
    for enrolment in enrolments:
        context = enrolment.body["contextualData"]
        when = datetime.fromisoformat(context["enrollmentDate"])
        assert enrolment.enrollment_id == f"{when:%Y%m%d}-{context['station']}-{when:%H%M}"


def test_enrolments_come_in_the_order_of_time_and_all_before_today(enrolments):
    times = [datetime.fromisoformat(e.body["contextualData"]["enrollmentDate"]) for e in enrolments]
    assert times == sorted(times)
    assert TODAY - timedelta(days=agenda.DAYS) <= min(t.date() for t in times)
    assert max(t.date() for t in times) < TODAY


def test_no_cui_is_in_the_range_of_the_samples(enrolments):
    everybody = [cui for e in enrolments for cui in all_cuis(e)]
    assert all("60000000" <= cui[:8] <= "69999999" for cui in everybody)


def test_check_digits_are_right_but_where_they_must_be_wrong(enrolments):
    for enrolment in enrolments:
        cui = enrolment.body["biographicData"]["cui"]
        right = people.check_digit(cui[:8]) == int(cui[8])
        assert right == ("CUI_CHECK_DIGIT" not in enrolment.expected)


def test_check_digits_agree_with_a_published_example():
    assert people.check_digit("23493134") == 5
    assert people.check_digit("10000007") == 10


def test_the_cui_ends_in_the_municipality_of_birth_but_where_it_must_not(enrolments):
    known = {row["code"] for row in places.seed_rows("municipios")}
    for enrolment in enrolments:
        data = enrolment.body["biographicData"]
        assert data["cui"][-4:] in known
        if "birthMunicipality" in data:
            assert (data["cui"][-4:] == data["birthMunicipality"]) == ("CUI_BIRTH_PLACE" not in enrolment.expected)


def test_only_one_person_stands_behind_a_cui_unless_the_case_is_a_duplicate(enrolments):
    counted = Counter(e.body["biographicData"]["cui"] for e in enrolments if "DUPLICATE_CASE" not in e.expected)
    assert set(counted.values()) == {1}
    for enrolment in expecting(enrolments, "DUPLICATE_CASE"):
        earlier = by_id(enrolments, enrolment.follows)
        assert earlier.body["biographicData"]["cui"] == enrolment.body["biographicData"]["cui"]
        assert earlier.body["requestData"]["passportType"] == enrolment.body["requestData"]["passportType"]
        assert earlier.expected == ()


def test_payment_slips_are_used_once_but_where_they_must_not(enrolments):
    paid = Counter(slip_number(e) for e in enrolments)
    twice = {number for number, times in paid.items() if times > 1}
    assert twice == {slip_number(e) for e in expecting(enrolments, "PAYMENT_USED")}
    for enrolment in expecting(enrolments, "PAYMENT_USED"):
        assert slip_number(by_id(enrolments, enrolment.follows)) == slip_number(enrolment)


def test_every_finding_that_can_be_made_is_made(enrolments):
    made = Counter(code for e in enrolments for code in e.expected)
    assert set(made) == {code for flaw in Flaw for code in flaw.findings}
    flawed = sum(1 for e in enrolments if e.expected)
    assert len(Flaw) <= flawed <= 0.2 * COUNT


def test_the_registry_differs_from_the_enrolment_only_where_it_must(enrolments):
    for enrolment in enrolments:
        if "DUPLICATE_CASE" not in enrolment.expected:
            expected = {"REGISTRY_MISMATCH"} & {*enrolment.expected, *enrolment.may_also}
            assert bool(registry_differences(enrolment)) == bool(expected), enrolment.enrollment_id


def test_a_minor_has_the_consent_of_its_guardians_but_where_it_must_not(enrolments):
    minors = [e for e in enrolments if e.body["requestData"]["passportType"] == "ORM"]
    assert len(minors) >= 10
    for enrolment in minors:
        assert consent_is_complete(enrolment) == ("MINOR_CONSENT" not in enrolment.expected)


def test_types_ages_and_validities_go_together(enrolments):
    for enrolment in enrolments:
        request, birth = enrolment.body["requestData"], enrolment.body["biographicData"]["dateOfBirth"]
        captured_on = date.fromisoformat(enrolment.body["contextualData"]["enrollmentDate"][:10])
        minor = len(birth) == 10 and people.age(date.fromisoformat(birth), captured_on) < 18
        assert minor == (request["passportType"] == "ORM")
        assert request["validityYears"] == 5 or request["passportType"] == "ORD"


def test_a_former_passport_matches_but_where_it_must_not(enrolments):
    for enrolment in enrolments:
        previous = enrolment.body["requestData"].get("previousPassport")
        if previous is not None:
            same = [row for row in enrolment.former_rows if holds(row, enrolment)]
            assert bool(same) == ("RENEWAL_MISMATCH" not in enrolment.expected), enrolment.enrollment_id
            assert all(row["LIBRETA"] == previous["bookletNumber"] for row in enrolment.former_rows)


def test_who_must_have_a_valid_passport_has_one_of_that_type(enrolments):
    for enrolment in expecting(enrolments, "VALID_PASSPORT"):
        (row,) = enrolment.former_rows
        assert holds(row, enrolment)
        assert (row["TIPO_PASAPORTE"], row["ESTADO"]) == ("ORDINARIO", "ENTREGADO")
        assert row["FECHA_VENCE"] > enrolment.body["contextualData"]["enrollmentDate"][:10]
        assert enrolment.body["requestData"]["procedure"] == "NUEVO"


def test_former_numbers_are_of_their_own_range_and_unique(enrolments):
    rows = [row for e in enrolments for row in e.former_rows]
    assert all(
        re.fullmatch("F4[0-9]{6}", row["LIBRETA"]) and re.fullmatch("[A-Z]{2}9[0-9]{7}", row["CASO"]) for row in rows
    )
    assert len({row["LIBRETA"] for row in rows}) == len({row["CASO"] for row in rows}) == len(rows) > 30
    assert {tuple(row) for row in rows} == {requests.FORMER_COLUMNS}


def test_a_birth_known_in_part_has_zeros_in_the_former_system():
    birth = people.birth_for(random_of("old"), TODAY, 80, 81)
    person = invented(birth=birth, precision="year")
    row = requests.former_row(random_of("row"), requests.Numbers(), person, places.SITES[0], TODAY, TODAY)
    assert row["FECHA_NAC"] == f"{birth.year}-00-00"


def test_the_mix_is_that_of_a_working_office(enrolments):
    sites = Counter(e.body["contextualData"]["site"] for e in enrolments)
    kinds = Counter(e.body["requestData"]["procedure"] for e in enrolments)
    assert 0.38 <= sites["GUA"] / COUNT <= 0.62
    assert len(sites) >= 10
    assert {e.body["contextualData"]["stationKind"] for e in at_site(enrolments, "MOV")} == {"MOBILE"}
    assert set(kinds) == {"NUEVO", "RENOVACION", "REPOSICION"}
    assert any("deliveryAddress" in e.body["requestData"] for e in enrolments)


def test_names_have_apostrophes_and_n_with_tilde_and_match_the_sex(enrolments):
    text = json.dumps([e.body["biographicData"] for e in enrolments], ensure_ascii=False)
    assert "'" in text
    assert re.search("[ñÑ]", text)
    given = {"M": {*names.MALE, *names.MAYAN_MALE}, "F": {*names.FEMALE, *names.MAYAN_FEMALE}}
    assert not given["M"] & given["F"]
    for data in (e.body["biographicData"] for e in enrolments):
        assert data.get("firstName") in given.get(data["gender"], {data.get("firstName")}) | {None}


def test_pictures_are_what_the_enrolment_says(enrolments):
    for item in {item["image"]: item for e in enrolments for item in pictures(e)}.values():
        if item["compression"] != "WSQ":
            picture = Image.open(io.BytesIO(base64.b64decode(item["image"])))
            picture.load()
            assert (picture.format, picture.size) == (item["compression"], (item["width"], item["height"]))


def test_portraits_weigh_little_and_signatures_have_sixteen_colours(enrolments):
    for item in (item for e in enrolments for item in pictures(e)):
        if item["biometricType"] == "FACE":
            assert 15_000 < len(base64.b64decode(item["image"])) < 45_000
        if item["biometricType"] == "SIGNATURE":
            assert base64.b64decode(item["image"])[24] == item["bitdepth"] == 4


def test_fingerprints_in_wsq_decode_in_a_process_of_their_own(enrolments):
    prints = {item["image"] for e in enrolments for item in pictures(e) if item["compression"] == "WSQ"}
    sizes = decode([Question(base64.b64decode(text), "image/wsq") for text in prints])
    assert len(sizes) == len(prints) > 10
    assert {(answer.width, answer.height) for answer in sizes} == {(320, 400)}


def test_a_folder_holds_one_file_for_each_body(tmp_path):
    written = write_folder(tmp_path / "enrolments", 5, 4, TODAY)
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "enrolments").iterdir()}
    assert found == {e.enrollment_id: e.body for e in written}


def test_the_registry_file_has_the_columns_of_the_rows(enrolments):
    with (files("app.demo") / "registry.csv").open(encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        kept = {row["cui"] for row in reader}
    assert tuple(reader.fieldnames or ()) == people.REGISTRY_COLUMNS
    rows = [row for e in enrolments for row in e.registry_rows]
    assert {tuple(row) for row in rows} == {people.REGISTRY_COLUMNS}
    assert not kept & {row["cui"] for row in rows}


CODED = (
    ("contextualData.site", "sedes"),
    ("biographicData.identificationType", "tipos_identificacion"),
    ("biographicData.birthCountry", "paises"),
    ("biographicData.birthMunicipality", "municipios"),
    ("biographicData.maritalStatus", "estado_civil"),
    ("biographicData.occupation", "ocupaciones"),
    ("biographicData.eyeColor", "color_ojos"),
    ("biographicData.skinTone", "color_tez"),
    ("biographicData.hairColor", "color_cabello"),
    ("biographicData.address.municipality", "municipios"),
    ("requestData.replacementReason", "tipos_anulacion"),
)


def active_codes(catalog):
    return {row["code"] for row in places.seed_rows(catalog) if row.get("active", "1") == "1"}


def value_at(body, path):
    for step in path.split("."):
        body = body.get(step) if body else None
    return body


def expecting(enrolments, code):
    found = [e for e in enrolments if code in e.expected]
    assert found
    return found


def by_id(enrolments, enrollment_id):
    return next(e for e in enrolments if e.enrollment_id == enrollment_id)


def at_site(enrolments, code):
    return [e for e in enrolments if e.body["contextualData"]["site"] == code]


def slip_number(enrolment):
    return enrolment.body["requestData"]["paymentSlip"]["number"]


def pictures(enrolment):
    return [item for item in enrolment.body["biometricData"] if "image" in item]


def all_cuis(enrolment):
    data = enrolment.body["biographicData"]
    yield data["cui"]
    yield from (guardian["cui"] for guardian in data.get("guardians", ()))
    yield from (row["cui"] for row in enrolment.registry_rows)
    yield from (row["NUM_IDENT"] for row in enrolment.former_rows)


def registry_differences(enrolment):
    """Names of what the registry has otherwise; `cui` when it does not know the person."""
    data = enrolment.body["biographicData"]
    known = [row for row in enrolment.registry_rows if row["cui"] == data["cui"]]
    if not known:
        return ["cui"]
    compared = set(people.REGISTRY_COLUMNS[1:9])
    return [name for name in compared if known[0][name] != data.get(name, "")]


def consent_is_complete(enrolment):
    guardians = enrolment.body["biographicData"].get("guardians", ())
    here = any(guardian["present"] for guardian in guardians)
    return here and all(guardian["present"] or "consentDocument" in guardian for guardian in guardians)


def holds(row, enrolment):
    """Whether the row of the former system is of the applicant, letters apart."""
    data = enrolment.body["biographicData"]
    pairs = {
        "APELLIDO1": "firstSurname",
        "APELLIDO2": "secondSurname",
        "APELLIDO_CASADA": "marriedSurname",
        "NOMBRE1": "firstName",
        "NOMBRE2": "secondName",
    }
    names_agree = all(row[column].lower() == data.get(name, "").lower() for column, name in pairs.items())
    born = (data["dateOfBirth"] + "-00-00")[:10]
    return names_agree and (row["FECHA_NAC"], row["SEXO"], row["NUM_IDENT"]) == (born, data["gender"], data["cui"])


def random_of(seed):
    return random.Random(seed)


def invented(**changes):
    person = people.make_person(random_of("who"), people.CuiIssuer(), places.SITES[0], TODAY, 70, 90)
    return replace(person, **changes)
