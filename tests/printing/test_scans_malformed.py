"""Malformed scans, thousands of them: none crashes the comparison, none passes for the page that was printed."""

import random
import string
from collections.abc import Callable, Iterator

import pytest

from printing.comparison import SPANISH_HOST_MAP, compare_mrz, compare_seal, read_kind
from printing.keys import KeyStore
from printing.messages import CAUSE_LABELS, SEAL_LABELS
from printing.mrz import td3
from printing.mrz_reading import parse
from tests.printing.invented import BOOKLET, HOLDER

LINES = td3(HOLDER)
KINDS = {"mrz", "seal", "booklet", "unknown"}
ODD = [
    *map(chr, range(32)), "\x7f", "\x80", "\x85", "\xa0", "\xad", "\u00d1", "\u0130", "\u0131", "\u017f", "\u0660",
    "\u200b", "\u200e", "\u2028", "\u202e", "\u3000", "\ufeff", "\uff10", "\uff21", "\uff1c", "\ufffd", "\U0001f600",
    "\U0001d7ce", "\ud800", "\udfff", "\u0301", "<", ";", ">", "&lt;", "%3C", "\\", '"', "'", "$(", "--",
]  # fmt: skip
# A Spanish host with a US reader, and the other way round; a German and a French host.
LAYOUTS = [
    str.maketrans("<-/'", ";/-´"),
    str.maketrans("<;", "><"),
    str.maketrans("YZyz<", "ZYzy;"),
    str.maketrans("AQZWM1234567890<", "QAWZ?&é\"'(-è_çà."),
]
#: What a reader may add without having misread: framing and the ends of rows.
FRAMING = str.maketrans("", "", "\r\n\t\x02\x03")


def spoilt(whole: str, chance: random.Random) -> str:
    """One scan that went wrong: cut, doubled, swapped, retyped, glued to another, or with odd signs."""
    ways: list[Callable[[str, random.Random], str]] = [_cut, _doubled, _rows, _layout, _odd, _exchanged, _glued, _noise]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        whole = chance.choice(ways)(whole, chance)
    return whole


def _cut(text: str, chance: random.Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return chance.choice((text[:start], text[end:], text[start:end], text[:start] + text[end:]))


def _doubled(text: str, chance: random.Random) -> str:
    place, length = chance.randrange(len(text) + 1), chance.randrange(1, 50)
    return chance.choice((text + text, text[: place + length] + text[place:], text * chance.randrange(2, 40)))


def _rows(text: str, chance: random.Random) -> str:
    rows = [text[:44], text[44:]]
    chance.shuffle(rows)
    end = chance.choice(("\r", "\n", "\r\n", "\t", "\x1d", "\x1e", "\x0b", "\u2028", " ", ""))
    return chance.choice((end.join(rows), rows[0], rows[0] + end + rows[0], end.join((rows[0][:30], rows[1]))))


def _layout(text: str, chance: random.Random) -> str:
    return chance.choice((text.translate(chance.choice(LAYOUTS)), text.lower(), text.swapcase(), text.title()))


def _odd(text: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(ODD) + text[place + chance.randrange(2) :]
    return text


def _exchanged(text: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(text) or 1)
        text = text[:place] + chance.choice(string.ascii_uppercase + string.digits + "<") + text[place + 1 :]
    return text


def _glued(text: str, chance: random.Random) -> str:
    return chance.choice((BOOKLET + text, text + BOOKLET, text + "".join(LINES), "".join(LINES) + text, text[::-1]))


def _noise(text: str, chance: random.Random) -> str:
    return "".join(chr(chance.randrange(0x250)) for _ in range(chance.choice((0, 1, 8, 44, 88, 250))))


def scans(whole: str, count: int) -> Iterator[str]:
    """`count` spoilt scans of `whole`, the same in every run; those that only have other framing are left out."""
    chance = random.Random(f"{count} {whole[:9]}")
    while count:
        text = spoilt(whole, chance)
        if text.translate(FRAMING).strip() != whole:
            count -= 1
            yield text


def test_thousands_of_spoilt_zones_never_crash_and_never_pass():
    causes = set()
    for raw in scans("".join(LINES), 6000):
        for reader_map in ({}, SPANISH_HOST_MAP):
            verdict = compare_mrz(raw, LINES, reader_map)
            if verdict.ok:  # the station's declared map alone may set a reader's layout right
                assert reader_map
                assert raw.translate(str.maketrans(dict(SPANISH_HOST_MAP))).translate(FRAMING) == "".join(LINES)
                continue
            assert verdict.raw == raw
            assert verdict.differences or not verdict.readable
            assert not parse(raw[:44], raw[44:]).ok or "".join(LINES) != raw
            causes.add(verdict.cause)
        assert read_kind(raw) in KINDS
    assert causes <= set(CAUSE_LABELS)
    assert {"ONE_ROW", "LENGTH", "EMPTY", "GS", "CAPS_LOCK", "ROWS_SWAPPED", "KEYBOARD_LAYOUT", "DIFFERENT"} <= causes


def test_thousands_of_spoilt_codes_never_crash_and_never_pass(store: KeyStore, seal: str, lines: tuple[str, str]):
    keys, causes = store.public_keys(), set()
    for raw in scans(seal, 4000):
        verdict = compare_seal(raw, lines, BOOKLET, keys)
        assert not verdict.ok, raw
        assert verdict.raw == raw
        causes.add(str(verdict.cause))
        assert read_kind(raw) in KINDS
    assert causes - {"CAPS_LOCK"} <= set(SEAL_LABELS)
    assert {"NOT_A_SEAL", "LENGTH", "ENCODING", "SIGNATURE"} <= causes


def test_thousands_of_spoilt_booklet_numbers_are_never_taken_for_another():
    for raw in scans(BOOKLET, 4000):
        kind = read_kind(raw)
        assert kind in KINDS
        if kind == "booklet":
            number = raw.strip("\r\n\t\x02\x03 ").translate(FRAMING).upper()
            assert raw.isascii()
            assert (len(number), number[0] in "FSD", number[1:].isdigit()) == (8, True, True)


def test_any_scan_may_be_given_to_any_comparison(store: KeyStore, seal: str, lines: tuple[str, str]):
    keys = store.public_keys()
    for whole in ("\r".join(LINES), seal, BOOKLET):
        for raw in (whole, *scans(whole, 300)):
            assert not compare_seal(raw, lines, BOOKLET, keys).ok or raw == seal
            assert not compare_mrz(raw, LINES).ok or raw.translate(FRAMING) == "".join(LINES)


@pytest.mark.parametrize("sign", [*ODD, "A", "0", "P<GTM", "RDB1B", BOOKLET])
def test_a_million_characters_of_one_sign_are_refused(sign: str, store: KeyStore, seal: str, lines: tuple[str, str]):
    keys = store.public_keys()
    long = sign * (1_000_000 // len(sign))
    for raw in (long, "".join(LINES) + long, long + "".join(LINES), seal + long, long + seal, BOOKLET + long):
        assert not compare_mrz(raw, LINES).ok
        assert not compare_seal(raw, lines, BOOKLET, keys).ok
        assert read_kind(raw) in KINDS


@pytest.mark.parametrize(
    "raw", ["ſ0012345", "Ｆ0012345", "F００12345", "F٠٠12345", "F00\x0012345", "F0012345\x1dX", "fF0012345"]
)
def test_what_only_looks_like_a_booklet_number_is_none(raw: str):
    assert read_kind(raw) != "booklet"


def test_a_reader_map_can_set_a_layout_right_but_never_a_letter_or_digit():
    for sign in string.ascii_uppercase + string.digits + "<":
        for wanted in string.ascii_uppercase + string.digits + "<":
            wrong = "".join(LINES).replace(wanted, sign, 1)
            if wrong != "".join(LINES):
                assert not compare_mrz(wrong, LINES, {sign: wanted}).ok
