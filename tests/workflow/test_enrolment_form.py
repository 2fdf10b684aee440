"""The form of an enrolment: what is taken, what is refused, and that the path and the sentence name the fault."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.enrolment_form import (
    SCHEMA,
    BadEnrolment,
    check_complete,
    check_draft,
    coded_values,
    merge_patch,
    moment,
    normalise,
    parse_json,
)

SHARED = Path(__file__).parents[2].parent / "shared"
SAMPLES = sorted((SHARED / "samples/enrolments").glob("*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_complete_and_survives_normalising(path):
    body = normalise(parse_json(path.read_bytes()))
    check_complete(body)
    assert body == json.loads(path.read_text("utf-8"))


def test_an_invented_adult_is_complete():
    check_complete(adult())


def test_an_empty_object_is_a_draft_but_not_complete():
    check_draft({})
    assert refusal(check_complete, {}).path == "$.biographicData"


DELETE = object()

FAULTS = [
    ("biographicData.cui", "12345", "This does not have its form: ^[0-9]{13}$."),
    ("biographicData.cui", "6000000020101\n", "This does not have its form: ^[0-9]{13}$."),
    ("biographicData.cui", 6000000020101, "This must be text."),
    ("biographicData.cui", None, "This must be text."),
    ("biographicData.firstName", "<b>Ana</b>", "This is not a name: letters"),
    ("biographicData.firstName", "", "This text is shorter than 1."),
    ("biographicData.firstName", "A" * 61, "This text is longer than 60."),
    ("biographicData.address.line", "a\tb", "This text has a control character."),
    ("biographicData.address.line", "a\n", "This text has a control character."),
    ("biographicData.dateOfBirth", "1990-02-30", "This is no date of birth: YYYY-MM-DD"),
    ("biographicData.dateOfBirth", "1990-00-00", "This is no date of birth: YYYY-MM-DD"),
    ("biographicData.gender", "H", "This must be one of: M, F, X."),
    ("biographicData.heightCm", "170", "This must be a whole number."),
    ("biographicData.heightCm", True, "This must be a whole number."),
    ("biographicData.heightCm", 251, "This number is above 250."),
    ("biographicData.email", "nobody", "This is no e-mail address."),
    ("biographicData.nickname", "Nita", "This member is not known."),
    ("biographicData.birthMunicipality", "0901", "This municipality is not in"),
    ("biographicData.address.municipality", "0901", "This municipality is not in"),
    ("biographicData", [], "This must be an object."),
    ("contextualData.enrollmentDate", "2026-11-03", "This is no date and time with offset"),
    ("contextualData.enrollmentDate", "2026-11-03T08:00:00", "This is no date and time with offset"),
    ("contextualData.enrollmentDate", "0001-01-01T00:00:00+14:00", "This is no date and time"),
    ("requestData.paymentSlip.paidOn", "2026-02-30", "This is no date of the calendar"),
    ("requestData.paymentSlip.amount", "65.0", "This does not have its form"),
    ("requestData.requirements", [], "This list has fewer items than 1."),
    ("requestData.requirements.1.presented", "yes", "This must be true or false."),
    ("biometricData.0.width", 9000, "This number is above 6000."),
    ("biometricData.0.biometricType", "IRIS", "This must be one of: FACE, SIGNATURE, FINGER."),
    ("biometricData.0.biometricType", DELETE, "This is missing."),
    ("biometricData.0.resolution", DELETE, "This is missing."),
    ("biometricData.0.compression", "PNG", "This must be one of: JPEG."),
    ("biometricData.0.mimeType", "image/png", "This must be one of: image/jpeg, image/jp2."),
    ("biometricData.0.template", "AAAA", "Only pictures are taken, no templates."),
    ("biometricData.0.encryption", {}, "Encrypted enrolments are not taken."),
    ("biometricData.1.biometricSubType", "PORTRAIT", "This may not be given here."),
    ("biometricData.2.biometricSubType", "PORTRAIT", "This may not be given here."),
    ("enrollmentFlags", {str(n): n for n in range(51)}, "This object has more members than 50."),
    ("encryption", {"type": "JWE"}, "Encrypted enrolments are not taken."),
    ("enrollmentType", "VISA", "This must be one of: PASSPORT."),
]

FAULTS_ELSEWHERE = [
    (
        "biographicData.guardians",
        [{"relation": "MOTHER", "name": "Eva Tzoc"}],
        "$.biographicData.guardians[0].present",
        "This is missing.",
    ),
    (
        "biometricData.0.imageRef",
        "buffer/1",
        "$.biometricData[0]",
        "Either the picture or the address of its buffer, not both.",
    ),
    (
        "biometricData.2.missing",
        [{"biometricSubType": "RIGHT_INDEX", "presence": "LOST"}],
        "$.biometricData[2].missing[0].presence",
        "This must be one of: BANDAGED",
    ),
    (
        "enrollmentFlags",
        {"a": [1, {"b c": "x\0"}]},
        '$.enrollmentFlags.a[1]["b c"]',
        "This text has a sign that cannot be kept",
    ),
    ("enrollmentFlags", {"a": {"\ud800": 1}}, "$.enrollmentFlags.a", "This text has a sign that cannot be kept"),
    ("enrollmentFlags", {"a": 2**53}, "$.enrollmentFlags.a", "This number is too large, or none at all."),
    ("enrollmentFlags", {"a": float("nan")}, "$.enrollmentFlags.a", "This number is too large, or none at all."),
    ("enrollmentFlags", {"a": float("-inf")}, "$.enrollmentFlags.a", "This number is too large, or none at all."),
    ("enrollmentFlags", {"a": 10**400}, "$.enrollmentFlags.a", "This number is too large, or none at all."),
    ("<script>" + "x" * 99, 1, '$["<script>' + "x" * 32 + '"]', "This member is not known."),
]


@pytest.mark.parametrize(("member", "value", "sentence"), FAULTS)
def test_a_fault_of_form_is_refused_even_in_a_draft(member, value, sentence):
    path = "$" + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in member.split("."))
    found = refusal(check_draft, adult(member, value))
    assert found.path == path
    assert str(found).startswith(f"{path}: {sentence}")


@pytest.mark.parametrize(("member", "value", "path", "sentence"), FAULTS_ELSEWHERE)
def test_the_path_of_a_fault_leads_to_its_very_place(member, value, path, sentence):
    found = refusal(check_draft, adult(member, value))
    assert found.path == path
    assert str(found).startswith(f"{path}: {sentence}")


INCOMPLETE = [
    ("requestData", DELETE, "$.requestData", "This is missing."),
    ("biographicData.cui", DELETE, "$.biographicData.cui", "This is missing."),
    ("biographicData.birthDepartment", DELETE, "$.biographicData.birthDepartment", "This is missing."),
    ("biographicData.birthCountry", "USA", "$.biographicData.birthDepartment", "This may not be given here."),
    ("biographicData.identificationType", "PAS", "$.biographicData.identificationNumber", "This is missing."),
    ("requestData.procedure", "RENOVACION", "$.requestData.previousPassport", "This is missing."),
    ("requestData.replacementReason", "DET", "$.requestData.replacementReason", "This may not be given here."),
    ("biometricData.0.image", DELETE, "$.biometricData[0]", "This needs a picture, or the reason why there is none."),
    ("biometricData.2.biometricSubType", "LEFT_INDEX", "$.biometricData", "Exactly one item RIGHT_INDEX is needed."),
    ("biometricData.1", DELETE, "$.biometricData", "Exactly one item SIGNATURE is needed."),
    ("biometricData.0", DELETE, "$.biometricData", "Exactly one item FACE with a picture is needed."),
]


@pytest.mark.parametrize(("member", "value", "path", "sentence"), INCOMPLETE)
def test_what_a_draft_may_lack_is_refused_when_it_is_finalized(member, value, path, sentence):
    body = adult(member, value)
    check_draft(body)
    found = refusal(check_complete, body)
    assert found.path == path
    assert str(found) == f"{path}: {sentence}"


def test_a_replacement_of_a_stolen_passport_needs_its_report():
    body = adult("requestData.procedure", "REPOSICION")
    body["requestData"] |= {"previousPassport": {"bookletNumber": "F1234567"}, "replacementReason": "ROB"}
    assert refusal(check_complete, body).path == "$.requestData.report"


def test_the_first_fault_in_the_order_of_the_body_is_told():
    body = adult("biographicData.cui", "1")
    body["biographicData"]["address"]["line"] = ""
    body["requestData"]["validityYears"] = 7
    assert refusal(check_complete, body).path == "$.biographicData.cui"
    assert refusal(check_complete, dict(reversed(body.items()))).path == "$.requestData.validityYears"


def test_a_refusal_repeats_nothing_that_was_sent():
    for member in ("biographicData.cui", "biographicData.firstName", "biographicData.gender", "requestData", "status"):
        assert "SECRET!" not in str(refusal(check_draft, adult(member, "SECRET!")))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": -Infinity}', b"{'a': 1}", b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000, b"[" * 42 + b"]" * 42, "{}".encode("utf-16"), b"[" + b"0," * 6000 + b"0]",
    ],
)  # fmt: skip
def test_what_is_not_sane_json_is_refused_at_the_root(raw):
    with pytest.raises(BadEnrolment) as found:
        parse_json(raw)
    assert found.value.path == "$"


def test_a_number_that_overflows_is_refused_where_it_stands():
    with pytest.raises(BadEnrolment) as found:
        parse_json(b'{"enrollmentFlags": {"a": 1e999}}')
    assert found.value.path == "$.enrollmentFlags.a"


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_is_not():
    assert parse_json(rb'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}
    with pytest.raises(BadEnrolment):
        parse_json(rb'{"a": "\ud83d"}')


@pytest.mark.parametrize("body", [None, [], "text", 1, [{}]])
def test_a_body_that_is_no_object_is_refused(body):
    assert str(refusal(check_draft, body)) == "$: This must be an object."


def test_text_is_normalised_to_nfc_everywhere():
    assert normalise({"n\u0303": ["e\u0301", {"a": "\u212b"}], "b": 1.0, "c": 1.5, "d": True}) == {
        "ñ": ["é", {"a": "Å"}], "b": 1, "c": 1.5, "d": True,
    }  # fmt: skip
    assert type(normalise(170.0)) is int


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_rfc_7396_come_out_as_it_says(target, patch, merged):
    before = copy.deepcopy(target)
    assert merge_patch(target, patch) == merged
    assert target == before


def test_every_code_list_of_the_schema_is_walked():
    body = adult("biographicData.guardians", [guardian(), guardian()])
    codes = {path: (catalogue, value) for path, catalogue, value in coded_values(body)}
    assert codes["$.biographicData.nationality"] == ("paises", "GTM")
    assert codes["$.biographicData.address.municipality"] == ("municipios", "0101")
    assert codes["$.biographicData.guardians[1].consentDocument.code"] == ("requisitos", "MANDATO")
    assert codes["$.contextualData.site"] == ("sedes", "GUA")
    assert codes["$.requestData.requirements[1].code"] == ("requisitos", "BOLETA")
    used = {catalogue for catalogue, _ in codes.values()} | {"tipos_anulacion"}
    assert {f"{catalogue}.csv#code" for catalogue in used} == set(code_lists(SCHEMA))


def test_a_moment_keeps_its_offset():
    assert moment("2026-11-03T08:12:00.5-06:00").isoformat() == "2026-11-03T08:12:00.500000-06:00"
    assert moment("2026-11-03t08:12:00z").utcoffset().total_seconds() == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)
places = st.sampled_from([row[0] for row in FAULTS + FAULTS_ELSEWHERE + INCOMPLETE])


@settings(max_examples=150, deadline=None)
@given(places, json_values)
def test_any_value_anywhere_is_taken_or_refused_but_never_a_crash(member, value):
    try:
        check_complete(normalise(adult(member, value)))
    except BadEnrolment as refused:
        told = str(refused)
    else:
        told = "$: taken"
    assert told.startswith("$")


def refusal(check, body) -> BadEnrolment:
    with pytest.raises(BadEnrolment) as found:
        check(body)
    return found.value


def code_lists(schema):
    """Every x-codeList of the schema, by a walk of its own."""
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "x-codeList")
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from code_lists(part)


def guardian():
    return {
        "relation": "FATHER", "name": "Elmo Tzoc", "present": False, "identificationType": "PAS",
        "consentDocument": {"code": "MANDATO", "number": "12"},
    }  # fmt: skip


def adult(member=None, value=None):
    """A complete enrolment; with `member` set to `value`, or without it."""
    body = {
        "biographicData": {
            "firstName": "Nola", "firstSurname": "Tzoc", "dateOfBirth": "1990-05", "gender": "F", "nationality": "GTM",
            "identificationType": "CUI", "cui": "6000000070101", "birthCountry": "GTM", "birthDepartment": "01",
            "birthMunicipality": "0101", "maritalStatus": "SOL", "occupation": "OC045", "eyeColor": "CAF",
            "skinTone": "MOC", "hairColor": "NEG", "heightCm": 160,
            "address": {"line": "1 calle", "department": "01", "municipality": "0101", "country": "GTM"},
        },
        "contextualData": {
            "enrollmentDate": "2026-11-03T08:12:00-06:00", "site": "GUA", "station": "GUA-E03", "stationKind": "FIXED",
            "operator": "nobody",
        },
        "requestData": {
            "procedure": "NUEVO", "passportType": "ORD", "validityYears": 5,
            "paymentSlip": {"number": "1", "amount": "65.00", "currency": "USD", "paidOn": "2026-11-02"},
            "requirements": [{"code": "FORM", "presented": True}, {"code": "BOLETA", "presented": True}],
        },
        "biometricData": [
            {
                "biometricType": "FACE", "biometricSubType": "PORTRAIT", "image": "AAAA", "mimeType": "image/jpeg",
                "compression": "JPEG", "width": 413, "height": 531, "resolution": 300,
            },
            {"biometricType": "SIGNATURE", "comment": "does not sign"},
            {"biometricType": "FINGER", "biometricSubType": "RIGHT_INDEX", "comment": "none"},
            {"biometricType": "FINGER", "biometricSubType": "LEFT_INDEX", "comment": "none"},
        ],
    }  # fmt: skip
    if member is not None:
        *way, last = member.split(".")
        holder = body
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else step]
        key = int(last) if isinstance(holder, list) else last
        if value is DELETE:
            del holder[key]
        else:
            holder[key] = value
    return body
