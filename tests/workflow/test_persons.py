"""CUI, names, partial dates and ages, against the published examples and the former system's ways of writing."""

import csv
from datetime import date
from pathlib import Path

import pytest

from workflow.persons import (
    PartialDate,
    cui_check_digit_ok,
    cui_municipality,
    expiry,
    normalised,
    search_name,
)

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.mark.parametrize(
    ("cui", "right"),
    [
        ("2349313450808", True),
        ("5555555500101", True),  # check digit 0
        ("1580352240101", True),
        ("1680352240101", False),
        ("5486270650101", False),
        ("1000000700101", False),  # remainder 10 is never issued
        ("12345678", False),
        ("12345678011011", False),
        ("ABCDEFGHIJKLM", False),
        ("１５８０３５２２４０１０１", False),  # digits, but not ASCII
        ("", False),
    ],
)
def test_the_check_digit_of_a_cui_is_the_weighted_sum_modulo_11(cui, right):
    assert cui_check_digit_ok(cui) is right


def published_cuis():
    """Rows of cui_ejemplos.csv but those that are wrong in their municipality, which the check digit does not see."""
    path = SHARED / "data/cui_ejemplos.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    return [(row["cui"], row["valid"] == "1") for row in rows if row["source"] != "P" or row["valid"] == "1"]


@pytest.mark.parametrize(("cui", "valid"), published_cuis())
def test_the_published_examples_of_cui_are_judged_as_published(cui, valid):
    assert cui_check_digit_ok(cui) is valid


def test_one_wrong_digit_in_the_serial_is_always_found():
    cui = "2349313450808"
    wrong = [cui[:i] + str((int(cui[i]) + 1) % 10) + cui[i + 1 :] for i in range(9)]
    assert not any(cui_check_digit_ok(other) for other in wrong)


def test_the_last_four_digits_of_a_cui_are_its_municipality():
    assert cui_municipality("2349313450808") == "0808"


@pytest.mark.parametrize(
    ("captured", "compared"),
    [
        ("Muñoz", "MUNOZ"),
        ("Mun\u0303oz", "MUNOZ"),
        ("  josé   ÁNGEL ", "JOSE ANGEL"),
        ("Ju'", "JU"),
        ("Q’anil", "QANIL"),
        ("K\u02bciche\u02bc", "KICHE"),
        ("Martiní-Gamboa", "MARTINI GAMBOA"),
        ("Straße", "STRASSE"),
        ("Łukasz Ødegård", "LUKASZ ODEGARD"),
        ("Güell", "GUELL"),
        ("", ""),
    ],
)
def test_names_are_compared_in_capitals_without_accents_apostrophes_and_hyphens(captured, compared):
    assert normalised(captured) == compared


def test_a_search_name_has_no_trace_of_missing_parts():
    assert search_name("Ana", None, "", "de León", " ") == "ANA DE LEON"


@pytest.mark.parametrize("text", ["1951", "1951-07", "1951-07-15"])
def test_a_partial_date_is_written_as_it_was_read(text):
    assert str(PartialDate.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "51", "1951-7", "1951-13", "1951-00", "1951-02-30", "1951-07-00", "0000", "1951-07-15\n", "１９５１"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"not|day|month|year"):
        PartialDate.parse(text)


def test_a_day_without_its_month_is_no_date():
    with pytest.raises(ValueError, match="month"):
        PartialDate(1951, None, 15)


def test_partial_dates_are_equal_only_when_equally_partial():
    assert PartialDate.parse("1951-07") == PartialDate.parse_former("1951-07-00") == PartialDate(1951, 7)
    assert PartialDate.parse("1951-07") != PartialDate.parse("1951-07-01")
    assert PartialDate.parse("1951") != PartialDate.parse("1951-01")
    assert PartialDate.of(date(1951, 7, 15)) == PartialDate.parse("1951-07-15")


@pytest.mark.parametrize(
    ("former", "meaning"),
    [
        ("00/00/1938", "1938"),
        ("1938-00-00", "1938"),
        ("1951-07-00", "1951-07"),
        ("00/07/1951", "1951-07"),
        ("03/12/1954", "1954-12-03"),
        (" 1954-12-03 ", "1954-12-03"),
    ],
)
def test_dates_of_the_former_system_are_read_in_both_formats(former, meaning):
    assert str(PartialDate.parse_former(former)) == meaning


def test_an_empty_date_of_the_former_system_is_none():
    assert PartialDate.parse_former("  ") is None


@pytest.mark.parametrize(
    "former", ["30/02/1975", "1975-02-30", "15/00/1975", "00/00/0000", "1/2/1975", "12/31/1975", "hoy"]
)
def test_impossible_dates_of_the_former_system_are_refused(former):
    with pytest.raises(ValueError, match=r"not|day|month|year"):
        PartialDate.parse_former(former)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("1948", date(1948, 1, 1), date(1948, 12, 31)),
        ("1948-02", date(1948, 2, 1), date(1948, 2, 29)),
        ("1948-02-10", date(1948, 2, 10), date(1948, 2, 10)),
    ],
)
def test_a_partial_date_knows_the_days_it_can_mean(text, earliest, latest):
    born = PartialDate.parse(text)
    assert (born.earliest(), born.latest()) == (earliest, latest)


@pytest.mark.parametrize(
    ("born", "on", "age", "minor"),
    [
        ("2008-11-05", date(2026, 11, 4), 17, True),
        ("2008-11-05", date(2026, 11, 5), 18, False),
        ("2008-11", date(2026, 11, 29), 17, True),
        ("2008-11", date(2026, 11, 30), 18, False),
        ("2008", date(2026, 12, 30), 17, True),
        ("2008", date(2026, 12, 31), 18, False),
        ("2008-02-29", date(2026, 2, 28), 17, True),
        ("2026-06-01", date(2026, 11, 1), 0, True),
    ],
)
def test_a_person_is_a_minor_unless_surely_eighteen(born, on, age, minor):
    date_of_birth = PartialDate.parse(born)
    assert (date_of_birth.age_on(on), date_of_birth.is_minor_on(on)) == (age, minor)


@pytest.mark.parametrize(
    ("issued", "years", "expires"),
    [
        (date(2000, 1, 11), 5, date(2005, 1, 11)),
        (date(2004, 2, 29), 5, date(2009, 2, 28)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2026, 11, 30), 10, date(2036, 11, 30)),
    ],
)
def test_a_passport_expires_on_the_same_day_years_later(issued, years, expires):
    assert expiry(issued, years) == expires


def former_rows():
    folder = SHARED / "samples/former_system"
    for name, encoding, separator in [
        ("casos_1998_2013.csv", "latin-1", ";"),
        ("casos_2013_2024.csv", "utf-8", ","),
    ]:
        if (folder / name).exists():
            with (folder / name).open(encoding=encoding, newline="") as file:
                yield from csv.DictReader(file, delimiter=separator)


def test_every_expiry_of_the_former_system_follows_the_same_rule():
    for row in former_rows():
        issued, expires = (PartialDate.parse_former(row[column]) for column in ("FECHA_EMISION", "FECHA_VENCE"))
        if issued and expires:
            assert expires.latest() in (expiry(issued.latest(), 5), expiry(issued.latest(), 10)), row["CASO"]
