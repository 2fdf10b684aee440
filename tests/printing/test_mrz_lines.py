"""Both lines of the zone: published examples, check digits, every kind of document."""

from dataclasses import replace
from datetime import date

import pytest

from printing.mrz import MrzChoices, MrzError, TravelDocument, check_digit, document_code, td3
from printing.mrz_reading import parse

# ICAO Doc 9303-4, appendix B and figure 4: the specimen of the State of Utopia.
SPECIMEN = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
ERIKSSON = TravelDocument(
    "P<", "UTO", "ERIKSSON", "ANNA MARIA", "L898902C3", "UTO", "1974-08-12", "F", date(2012, 4, 15), "ZE184226B"
)


def test_the_specimen_of_doc_9303_comes_out_as_published():
    assert td3(ERIKSSON) == SPECIMEN


@pytest.mark.parametrize(("text", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("HA672242<", "6"), ("<<<<", "0")])
def test_check_digits_are_those_of_doc_9303_part_3(text: str, digit: str):
    assert check_digit(text) == digit


def test_a_check_digit_of_a_foreign_character_is_refused_by_name():
    with pytest.raises(MrzError, match="'ñ'"):
        check_digit("12ñ4")


@pytest.mark.parametrize(
    ("birth", "written"),
    [("1974-08-12", "740812"), ("1951-07", "5107<<"), ("1948", "48<<<<"), ("", "<<<<<<"), ("2000-02-29", "000229")],
)
def test_unknown_parts_of_a_birth_date_are_filled(birth: str, written: str):
    lower = td3(replace(ERIKSSON, birth=birth))[1]
    assert lower[13:19] == written
    assert lower[19] == check_digit(written)


@pytest.mark.parametrize(("sex", "written"), [("M", "M"), ("F", "F"), ("X", "<")])
def test_sex_x_is_a_filler(sex: str, written: str):
    assert td3(replace(ERIKSSON, sex=sex))[1][20] == written


@pytest.mark.parametrize("digit", ["<", "0"])
def test_the_digit_of_an_empty_personal_number_is_the_states_choice(digit: str):
    lower = td3(replace(ERIKSSON, personal_number=""), MrzChoices(empty_optional_digit=digit))[1]
    assert lower[28:43] == "<" * 14 + digit
    assert parse(SPECIMEN[0], lower).ok


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "1234567890"},
        {"number": "AB-12"},
        {"number": ""},
        {"document_code": "V<"},
        {"issuer": "GTMX"},
        {"nationality": "gtm"},
        {"sex": "<"},
        {"birth": "1974-13-01"},
        {"birth": "1974-02-30"},
        {"birth": "74-02-03"},
        {"personal_number": "123456789012345"},
    ],
)
def test_what_cannot_stand_in_a_zone_is_refused(wrong: dict[str, str]):
    with pytest.raises(MrzError, match=next(iter(wrong))):
        replace(ERIKSSON, **wrong)


def test_a_german_issuer_is_filled_to_three_places():
    upper, lower = td3(replace(ERIKSSON, issuer="D", nationality="D"))
    assert upper[2:5] == "D<<"
    assert lower[10:13] == "D<<"


def test_codes_of_two_letters_begin_in_2028():
    assert document_code("P<", "PO", date(2027, 12, 31)) == "P<"
    assert document_code("P<", "PO", date(2028, 1, 1)) == "PO"


def test_reading_gives_the_specimen_back_field_by_field():
    reading = parse(*SPECIMEN)
    assert reading.ok
    assert reading.names == ("ERIKSSON", "ANNA MARIA")
    assert {name: reading.value(name) for name in ("number", "birth", "expiry", "personal_number")} == {
        "number": "L898902C3",
        "birth": "740812",
        "expiry": "120415",
        "personal_number": "ZE184226B<<<<<",
    }


def test_reading_names_the_digits_that_fail():
    spoilt = SPECIMEN[1].replace("740812", "740821")
    assert parse(SPECIMEN[0], spoilt).failing_digits == ("birth_digit", "composite_digit")


def test_reading_judges_each_field():
    reading = parse("V<U1OERIKSSON<<<ANNA", "")
    assert not reading.well_sized
    reading = parse("V<U1O<ERIKSSON".ljust(44, "<"), "L898902C36UTO7413122Q1204159ze184226B<<<<<10")
    wrong = {field.field.name: field.problem for field in reading.fields if not field.ok}
    assert wrong == {
        "document_code": "FORM",
        "issuer": "FORM",
        "name": "FORM",
        "birth": "DATE",
        "sex": "FORM",
        "personal_number": "CHARACTERS",
    }


def test_reading_answers_any_text():
    for text in ("", "\0" * 44, "Ñ" * 44, "<" * 44, "²" * 44, "٣" * 44, "\ud800" * 44):
        assert not parse(text, text).ok
