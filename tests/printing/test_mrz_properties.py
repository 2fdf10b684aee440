"""The zone for every case that can exist: what holds for all names, dates, documents; reading gives them back."""

import re
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printing.mrz import EmptyName, MrzChoices, TravelDocument, Untransliterable, check_digit, name_field, td3
from printing.mrz_reading import parse
from printing.transliteration import CHOICES_OF, transliterate

LATIN = [chr(code) for code in (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC0, 0x180), 0x1E9E, 0x218, 0x1EA4)]
LETTERS = st.sampled_from([letter for letter in LATIN if letter.isalpha()])
words = st.text(LETTERS, min_size=1, max_size=20)
mayan = st.tuples(words, st.sampled_from(["'", "’", "ʼ", "`", "ꞌ"]), words).map("".join)
accented = st.tuples(words, st.sampled_from(["\u0301", "\u0303", "\u0308", "\u0327"])).map("".join)
initials = st.text(st.sampled_from("ABCÑ"), min_size=1, max_size=1)
parts = st.one_of(words, mayan, accented, initials)
separators = st.sampled_from([" ", "  ", "-", " - ", ", ", "‐", "\u00a0"])
names = st.lists(st.tuples(parts, separators), min_size=1, max_size=24).map(
    lambda pairs: "".join(part + separator for part, separator in pairs)
)
choices = st.builds(MrzChoices, **{name: st.sampled_from(allowed) for name, (_, allowed) in CHOICES_OF.items()})
births = st.one_of(
    st.dates(date(1900, 1, 1), date(2027, 12, 31)).map(date.isoformat),
    st.dates(date(1900, 1, 1), date(2027, 12, 31)).map(lambda day: day.isoformat()[:7]),
    st.integers(1900, 2027).map(str),
    st.just(""),
)
numbers = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), min_size=1, max_size=9)
documents = st.builds(
    TravelDocument,
    document_code=st.sampled_from(["P<", "PP", "PO", "PD", "PE"]),
    issuer=st.just("GTM"),
    primary=names,
    secondary=st.one_of(st.just(""), names),
    number=numbers,
    nationality=st.sampled_from("GTM D GBD GBN RKS EUE UNO UNA XOM XPO XXA XXB XXC XXX UTO".split()),
    birth=births,
    sex=st.sampled_from("MFX"),
    expires=st.dates(date(2026, 1, 1), date(2049, 12, 31)),
    personal_number=st.one_of(st.just(""), st.from_regex("[0-9]{13}", fullmatch=True), numbers),
)
many = settings(max_examples=300, deadline=None)


@many
@given(names, st.one_of(st.just(""), names), choices)
def test_every_name_fills_the_field_by_the_rules(primary: str, secondary: str, chosen: MrzChoices):
    field = name_field(primary, secondary, chosen)
    assert re.fullmatch("[A-Z<]{39}", field)
    first, both, second = field.rstrip("<").partition("<<")
    assert first[0] != "<"
    assert bool(both) == bool(secondary)
    assert "<<" not in second
    assert not secondary or second[0] == transliterate(secondary, chosen)[0]


@many
@given(names, st.one_of(st.just(""), names))
def test_a_name_is_cut_only_when_it_must_be_and_then_the_last_place_is_a_letter(primary: str, secondary: str):
    whole = transliterate(primary) + ("<<" + transliterate(secondary) if secondary else "")
    field = name_field(primary, secondary)
    assert field == whole.ljust(39, "<") if len(whole) <= 39 else field[-1].isalpha()


@many
@given(names, st.one_of(st.just(""), names))
def test_case_and_normalisation_make_no_difference(primary: str, secondary: str):
    field = name_field(primary, secondary)
    for form in ("NFC", "NFD"):
        changed = [unicodedata.normalize(form, text) for text in (primary, secondary)]
        assert name_field(*changed) == field
        assert name_field(*(text.upper() for text in changed)) == field
    assert name_field(f" {primary} ", f"  {secondary}") == field


@many
@given(names, st.one_of(st.just(""), names))
def test_what_stands_in_the_field_written_again_is_the_same(primary: str, secondary: str):
    field = name_field(primary, secondary)
    first, _, second = field.rstrip("<").partition("<<")
    assert name_field(first.replace("<", " "), second.replace("<", " ")) == field


@many
@given(documents, st.sampled_from("<0"))
def test_what_is_written_is_read_back_right(document: TravelDocument, empty: str):
    lines = td3(document, MrzChoices(empty_optional_digit=empty))
    reading = parse(*lines)
    assert reading.ok
    assert [len(line) for line in lines] == [44, 44]
    said = {name: reading.value(name) for name in ("document_code", "number", "nationality", "personal_number")}
    assert {name: value.rstrip("<") for name, value in said.items()} == {
        name: getattr(document, name).rstrip("<") for name in said
    }
    assert reading.value("sex") == document.sex.replace("X", "<")
    assert reading.value("expiry") == document.expires.strftime("%y%m%d")
    assert "<<".join(filter(None, reading.names)).replace(" ", "<") == lines[0][5:].rstrip("<")


@given(births)
@settings(deadline=None)
def test_what_is_unknown_of_a_birth_is_filled_and_under_its_digit(birth: str):
    document = TravelDocument("P<", "GTM", "TZOC", "NOLA", "F0000001", "GTM", birth, "F", date(2031, 1, 1))
    reading = parse(*td3(document))
    year, month, day = (birth.replace("-", "") + "________")[2:4], (birth + "-__")[5:7], (birth + "-__-__")[8:10]
    known = "".join(part if part.isdigit() else "<<" for part in (year, month, day))
    assert reading.value("birth") == known
    assert reading.value("birth_digit") == check_digit(known)
    assert reading.ok


@pytest.mark.parametrize("wrong", ["1987-13", "1987-00", "1987-02-29", "1987-04-31", "1987-1-1", "--", "1987-", "87"])
def test_what_is_no_date_is_never_written(wrong: str):
    with pytest.raises(ValueError, match="birth"):
        TravelDocument("P<", "GTM", "TZOC", "NOLA", "F0000001", "GTM", wrong, "F", date(2031, 1, 1))


def test_every_day_of_four_years_is_written_and_read_as_itself():
    for after in range(4 * 366):
        day = date(1996, 1, 1) + timedelta(after)
        document = TravelDocument("P<", "GTM", "TZOC", "", "F0000001", "GTM", day.isoformat(), "X", date(2031, 1, 1))
        assert parse(*td3(document)).value("birth") == day.strftime("%y%m%d")


@many
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_written_by_the_rules_or_refused_by_name(primary: str, secondary: str):
    refused = None
    try:
        field = name_field(primary, secondary)
    except Untransliterable as error:
        refused = error
    except EmptyName:
        assert not re.search("[A-Za-zÁÉÍÓÚÑáéíóúñ]", primary + secondary)
    else:
        assert re.fullmatch(r"(?=.{39}$)[A-Z]+(<[A-Z]+)*(<<[A-Z]+(<[A-Z]+)*)?<*", field)
        return
    if refused:
        assert refused.name in (primary, secondary)
        assert not re.fullmatch("[A-Z]", refused.character)


def test_the_digits_catch_every_wrong_character_that_differs_by_no_multiple_of_ten():
    """Weights 7-3-1 are coprime to 10: a digit misses exactly the exchanges whose values differ by tens."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for place in range(3):
        for one in alphabet:
            for other in alphabet:
                texts = ("<" * place + letter + "<" * (5 - place) for letter in (one, other))
                same = (alphabet.index(one) - alphabet.index(other)) % 10 == 0
                assert (len({check_digit(text) for text in texts}) == 1) == same
