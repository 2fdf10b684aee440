"""Quality control: only the true page passes, each failure has its place and likely cause, no scan crashes it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printing.comparison import SPANISH_HOST_MAP, compare_mrz, compare_seal, read_kind
from printing.keys import KeyStore
from printing.messages import CAUSE_LABELS, FIELD_LABELS, SEAL_LABELS
from printing.mrz import FIELDS, td3
from printing.seal import SealFact
from tests.printing.invented import HOLDER

LINES = td3(HOLDER)


@pytest.mark.parametrize("ends", ["", "\r", "\n", "\r\n", "\t", "\x03"])
@pytest.mark.parametrize("between", ["", "\r", "\n", "\r\n", "\t"])
def test_the_true_page_passes_however_the_reader_ends_its_rows(between: str, ends: str):
    verdict = compare_mrz("\x02" + LINES[0] + between + LINES[1] + ends, LINES)
    assert verdict.ok
    assert verdict.normalised == LINES
    assert (verdict.cause, verdict.differences, verdict.failing_digits) == ("NONE", (), ())


def test_every_single_wrong_character_is_refused_and_shown_in_its_place():
    text = "".join(LINES)
    for place, expected in enumerate(text):
        for read in "ABDEIMNOQSZ0123578<;":
            if read == expected:
                continue
            verdict = compare_mrz(text[:place] + read + text[place + 1 :], LINES)
            (difference,) = verdict.differences
            assert not verdict.ok
            assert verdict.readable
            assert (difference.line, difference.column) == (place // 44 + 1, place % 44 + 1)
            assert (difference.expected, difference.read) == (expected, read)


@pytest.mark.parametrize(
    ("line", "column", "field"),
    [(1, 1, "document_code"), (1, 44, "name"), (2, 9, "number"), (2, 28, "expiry_digit"), (2, 44, "composite_digit")],
)
def test_a_wrong_character_is_named_by_its_field(line: int, column: int, field: str):
    spoilt = list(LINES)
    spoilt[line - 1] = spoilt[line - 1][: column - 1] + "Q" + spoilt[line - 1][column:]
    (difference,) = compare_mrz("".join(spoilt), LINES).differences
    assert (difference.line, difference.column, difference.field) == (line, column, field)


def test_the_failing_digits_are_named():
    verdict = compare_mrz(LINES[0] + LINES[1].replace("8709", "8907"), LINES)
    assert verdict.failing_digits == ("birth_digit", "composite_digit")


@pytest.mark.parametrize(
    ("spoil", "cause", "readable"),
    [
        (lambda text: "", "EMPTY", False),
        (lambda text: "\r\n", "EMPTY", False),
        (lambda text: text[:44], "ONE_ROW", False),
        (lambda text: text[44:] + "\r", "ONE_ROW", False),
        (lambda text: text[:87], "LENGTH", False),
        (lambda text: text[:40] + "\r" + text[40:], "LENGTH", False),
        (lambda text: text + text, "LENGTH", False),
        (lambda text: text + "\n" * 9000 + "X", "LENGTH", False),
        (lambda text: text[:44] + "\x1d" + text[44:], "GS", False),
        (lambda text: text.replace("<", ";"), "KEYBOARD_LAYOUT", True),
        (lambda text: text.lower(), "CAPS_LOCK", True),
        (lambda text: text[44:] + text[:44], "ROWS_SWAPPED", True),
        (lambda text: text.replace("0", "O"), "O_ZERO", True),
        (lambda text: text.replace("8", "B"), "LOOK_ALIKE", True),
        (lambda text: text.replace("INGRID", "ASTRID"), "DIFFERENT", True),
    ],
)
def test_the_likely_cause_is_named(spoil, cause: str, readable: bool):
    raw = spoil("".join(LINES))
    verdict = compare_mrz(raw, LINES)
    assert (verdict.ok, verdict.cause, verdict.readable, verdict.raw) == (False, cause, readable, raw)


def test_another_passport_is_recognised_by_its_sound_digits():
    other = td3(replace(HOLDER, primary="Xicayul", secondary="Mateo", number="F0012346"))
    assert compare_mrz("".join(other), LINES).cause == "OTHER_DOCUMENT"


def test_a_station_can_declare_the_layout_of_its_reader_but_no_other_correction():
    typed = "".join(LINES).replace("<", ";")
    assert compare_mrz(typed, LINES, SPANISH_HOST_MAP).ok
    wrong = "".join(LINES).replace("0", "O")
    assert not compare_mrz(wrong, LINES, {"O": "0"}).ok


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("".join(LINES), "mrz"),
        (LINES[0], "mrz"),
        (LINES[1], "mrz"),
        ("\r".join(LINES).replace("<", ";"), "mrz"),
        ("\x1d".join(LINES), "mrz"),
        ("P<GTMMUNOZ", "mrz"),
        ("RDB1BQJBQ", "seal"),
        ("rdb1bqjbq\r", "seal"),
        ("F0012345\r\n", "booklet"),
        (" s0012345", "booklet"),
        ("F001234", "unknown"),
        ("GUA001747004", "unknown"),
        ("", "unknown"),
        ("¿Qué es esto?" * 8, "unknown"),
    ],
)
def test_scans_are_told_apart(raw: str, kind: str):
    assert read_kind(raw) == kind


def test_a_genuine_code_of_this_page_passes(store: KeyStore, seal: str, lines: tuple[str, str]):
    verdict = compare_seal(seal + "\r", lines, "F0012345", store.public_keys(), "P")
    assert verdict.ok
    assert verdict.cause == "NONE"


def test_a_genuine_code_of_another_page_says_what_differs(store: KeyStore, seal: str, lines: tuple[str, str]):
    keys = store.public_keys()
    other = compare_seal(seal, (lines[0], lines[1][:-1] + "X"), "F0012345", keys)
    assert (other.ok, other.cause, [difference.column for difference in other.differences]) == (
        False,
        "OTHER_MRZ",
        [44],
    )
    assert compare_seal(seal, lines, "F0012346", keys).cause == "OTHER_BOOKLET"
    assert compare_seal(seal, lines, "F0012345", keys, "D").cause == "OTHER_KIND"
    assert compare_seal(seal.lower(), lines, "F0012345", keys).cause == "CAPS_LOCK"
    assert compare_seal(seal, lines, "F0012345", {}).cause == "UNKNOWN_CERTIFICATE"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_crashes_or_passes(raw: str):
    assert not compare_mrz(raw, LINES).ok
    assert not compare_seal(raw, LINES, "F0012345", {}).ok
    assert read_kind(raw) in ("mrz", "seal", "booklet", "unknown")


def test_thousands_of_spoilt_scans_never_crash_and_never_pass(store: KeyStore, seal: str, lines: tuple[str, str]):
    chance, keys = random.Random(4), store.public_keys()
    for whole in ("\r".join(lines), seal):
        for _ in range(1500):
            spoilt = _spoilt(whole, chance)
            if spoilt.translate(str.maketrans("", "", "\r\n\t\x02\x03")) == whole.replace("\r", ""):
                continue
            assert not compare_mrz(spoilt, lines).ok
            assert not compare_seal(spoilt, lines, "F0012345", keys).ok
            assert read_kind(spoilt)


def _spoilt(text: str, chance: random.Random) -> str:
    """Drop, double, exchange or replace a piece of the text, as bad cables and worn codes do."""
    start, length = chance.randrange(len(text)), chance.randrange(1, 30)
    piece = text[start : start + length]
    odd = "".join(chance.choice("<;>&\x1d\x00ñÑ AO01\ud800") for _ in range(chance.randrange(1, 4)))
    new = chance.choice(["", piece * 2, piece[::-1], piece.lower(), odd, piece + odd])
    return text[:start] + new + text[start + length :]


def test_everything_a_verdict_can_say_has_words():
    assert {field.name for field in FIELDS} == set(FIELD_LABELS)
    assert {fact.value for fact in SealFact} <= set(SEAL_LABELS)
    assert {"NONE", "KEYBOARD_LAYOUT", "ONE_ROW", "O_ZERO", "GS", "CAPS_LOCK"} <= set(CAUSE_LABELS)
