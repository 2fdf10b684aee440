"""What ICAO Doc 9303 publishes, to the letter: names, truncation, transliteration table, check digits.

Sources: Doc 9303-3, 8th edition, sections 4.6 (names and punctuation), 4.9 (check digits), 5 (codes), 6.A (Latin
letters); Doc 9303-4, 8th edition, sections 4.2.2 (truncation) and 4.2.3 (examples of names), appendix B (specimen).
"""

import re
from datetime import date

import pytest

from printing.mrz import MrzChoices, TravelDocument, check_digit, name_field, td3, transliterate
from printing.mrz_reading import parse

# 9303-4 section 4.2.3: names in the upper line of a passport of Utopia, columns 6 to 44.
NAMES = [
    ("ERIKSSON", "ANNA MARIA", "ERIKSSON<<ANNA<MARIA"),
    ("HENG", "DEBORAH MING LO", "HENG<<DEBORAH<MING<LO"),
    ("SMITH-JONES", "SUSIE MARGARET", "SMITH<JONES<<SUSIE<MARGARET"),
    ("O'CONNOR", "ENYA SIOBHAN", "OCONNOR<<ENYA<SIOBHAN"),
    ("VAN DER MUELLEN", "MARTIN", "VAN<DER<MUELLEN<<MARTIN"),
    ("AL-BASRI", "HUDA MUHAMMAD JAWAD", "AL<BASRI<<HUDA<MUHAMMAD<JAWAD"),
    ("VILARCHAO FERNANDEZ", "JOSE RAMON", "VILARCHAO<FERNANDEZ<<JOSE<RAMON"),
    ("ARKFREITH", "", "ARKFREITH"),
    ("SATRIYA SUDARPA", "", "SATRIYA<SUDARPA"),
    # Names that just fit and are not truncated, though they end in a letter.
    ("PAPANDROPOULOUS", "JONATHON WARREN TREVOR", "PAPANDROPOULOUS<<JONATHON<WARREN<TREVOR"),
    # Secondary identifier truncated: to initials, and in its last part.
    ("NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KRASUANG", "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K"),
    ("NILAVADHANANANDA", "ARNPOL PETCH CHARONGUANG", "NILAVADHANANANDA<<ARNPOL<PETCH<CHARONGU"),
]
# The same section's three ways to truncate a primary identifier; each State has its own.
BENNELONG = ("BENNELONG WOOLOOMOOLOO WARRANDYTE WARNAMBOOL", "DINGO POTOROO")
THREE_WAYS = (
    "BENNELONG<WOOLOOMOOLOO<WARRANDYTE<W<<DI",
    "BENNELONG<WOOLOOM<WARRAND<WARNAM<<DINGO",
    "BENNEL<WOOLOO<WARRAN<WARNAM<<DINGO<POTO",
)
# 9303-3 section 6.A, all of it; where it gives a choice, ours comes first.
TABLE = {
    "A": "ÀÁÂÃĀĂĄ", "C": "ÇĆĈĊČ", "D": "ÐĎĐ", "E": "ÈÉÊËĒĔĖĘĚ", "G": "ĜĞĠĢ", "H": "ĤĦ", "I": "ÌÍÎÏĨĪĬĮİı", "J": "Ĵ",
    "K": "Ķ", "L": "ĹĻĽĿŁ", "N": "ŃŅŇŊ", "O": "ÒÓÔÕŌŎŐ", "R": "ŔŖŘ", "S": "ŚŜŞŠ", "T": "ŢŤŦ", "U": "ÙÚÛŨŪŬŮŰŲ",
    "W": "Ŵ", "Y": "ÝŶŸ", "Z": "ŹŻŽ", "AE": "Æ", "OE": "ØŒ", "IJ": "Ĳ", "TH": "Þ", "SS": "ẞß",
}  # fmt: skip
CHOSEN = {"Ñ": ("N", "NXX"), "Ü": ("U", "UE", "UXX"), "Ä": ("A", "AE"), "Ö": ("O", "OE"), "Å": ("AA", "A")}
FIELDS = {"Ñ": "enye", "Ü": "u_diaeresis", "Ä": "a_diaeresis", "Ö": "o_diaeresis", "Å": "a_ring"}


@pytest.mark.parametrize(("primary", "secondary", "written"), NAMES)
def test_the_names_of_doc_9303_part_4_come_out_as_published(primary: str, secondary: str, written: str):
    assert name_field(primary, secondary) == written.ljust(39, "<")
    assert name_field(primary.title(), secondary.lower()) == written.ljust(39, "<")


def test_our_truncation_keeps_the_rules_that_the_three_published_ways_keep():
    rules = re.compile(r"(?=.{39}$)[A-Z]+(<[A-Z]+)*<<[A-Z]+(<[A-Z]+)*")
    assert all(rules.fullmatch(way) for way in (*THREE_WAYS, name_field(*BENNELONG)))
    assert name_field(*BENNELONG) == "BENNELONG<WOOLOOMOOL<W<W<<DINGO<POTOROO"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("D'ARTAGNAN", "DARTAGNAN"),
        ("MARIE-ELISE", "MARIE<ELISE"),
        ("ANNA, MARIA", "ANNA<MARIA"),
        ("A. (B) C/D", "A<B<CD"),
    ],
)
def test_punctuation_is_that_of_9303_3_section_4_6(name: str, written: str):
    assert transliterate(name) == written


@pytest.mark.parametrize(("written", "letters"), TABLE.items())
def test_every_row_of_the_transliteration_table_is_kept(written: str, letters: str):
    for letter in letters:
        assert transliterate(letter) == written, letter
        assert transliterate(letter.lower()) == written, letter


@pytest.mark.parametrize(("letter", "allowed"), CHOSEN.items())
def test_where_the_table_gives_a_choice_each_can_be_chosen(letter: str, allowed: tuple[str, ...]):
    assert transliterate(letter) == allowed[0]
    for written in allowed:
        choices = MrzChoices(**{FIELDS[letter]: written})
        assert transliterate(f"x{letter}{letter.lower()}", choices) == f"X{written}{written}"
    with pytest.raises(ValueError, match=f"{FIELDS[letter]}: {letter} may become"):
        MrzChoices(**{FIELDS[letter]: "QQ"})


def test_the_table_has_its_95_rows():
    assert len("".join(TABLE.values()).replace("ß", "")) + len(CHOSEN) == 95


def test_the_name_of_9303_3_appendix_b_is_written_as_there():
    assert name_field("CAÑON", "Térèsa", MrzChoices(enye="NXX")) == "CANXXON<<TERESA".ljust(39, "<")


@pytest.mark.parametrize(
    ("letters", "written"),
    [("Ǿ", "OE"), ("Ǽ", "AE"), ("Ǘ", "U"), ("Ậ", "A"), ("Ơ", "O"), ("Ș", "S"), ("Ț", "T"), ("ǆ", "DZ"), ("ǈ", "LJ"),
     ("ŉ", "N"), ("ẚ", "A"), ("ſ", "S"), ("ﬁ", "FI"), ("l·l", "LL"), ("i\u0307", "I"), ("x\u0304", "X")],
)  # fmt: skip
def test_letters_beyond_the_table_are_taken_apart(letters: str, written: str):
    assert transliterate(letters) == written


def test_an_accent_on_a_letter_of_choice_leaves_the_choice():
    choices = MrzChoices(u_diaeresis="UXX", a_diaeresis="AE", a_ring="A", o_diaeresis="OE")
    assert transliterate("Ǘ Ǟ Ǻ Ȫ", choices) == "UXX<AE<A<OE"


@pytest.mark.parametrize("apostrophe", "'’‘ʼʻ`´ʹʾʿˈ′ˀˁ＇Ꞌꞌ")
def test_every_sign_for_the_glottal_stop_is_dropped_and_its_neighbours_joined(apostrophe: str):
    assert name_field(f"B{apostrophe}atz{apostrophe}", f"Ix{apostrophe}ik") == "BATZ<<IXIK".ljust(39, "<")


# 9303-3 section 4.9 and the worked examples of its appendix A; then the specimen of 9303-4 field by field.
@pytest.mark.parametrize(
    ("text", "digit"),
    [
        ("520727", "3"),
        ("AB2134<<<", "5"),
        ("D231458907<<<<<<<<<<<<<<<34071279507122<<<<<<<<<<", "2"),
        ("HA672242<658022549601086<<<<<<<<<<<<<<0", "8"),
        ("L898902C3", "6"),
        ("740812", "2"),
        ("120415", "9"),
        ("ZE184226B<<<<<", "1"),
        ("L898902C3674081221204159ZE184226B<<<<<1", "0"),
    ],
)
def test_check_digits_are_those_published(text: str, digit: str):
    assert check_digit(text) == digit


def test_the_specimen_reads_right_in_every_field_and_digit():
    lines = td3(
        TravelDocument("P<", "UTO", "ERIKSSON", "ANNA MARIA", "L898902C3", "UTO", "1974-08-12", "F", date(2012, 4, 15),
                       "ZE184226B")
    )  # fmt: skip
    assert lines == (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    )
    assert parse(*lines).ok
    assert all(digit.printed == digit.computed for digit in parse(*lines).digits)
