"""Quality control: what a reader typed against what was sent to the printer, character by character.

Check digits alone would pass many wrong pages: they miss every error in line 1 and one in six in line 2. So the verdict
rests on the characters; digits and likely cause only help the person who reads it. Nothing is ever corrected: a scan
passes as it is, or after the mapping that the station declares for its reader, or not at all.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from printing.mrz import FIELDS, LINE_LENGTH
from printing.mrz_reading import parse
from printing.seal import PREFIX, PublicKey, SealContents, SealError, verify

NO_MAP: Mapping[str, str] = MappingProxyType({})
SPANISH_HOST_MAP: Mapping[str, str] = MappingProxyType({";": "<"})
"""What a reader with US layout types on a Spanish host."""

BOOKLET = r"[FSD][0-9]{7}"
_ENDS = "\r\n\t\x02\x03 "
_CONTROL = str.maketrans("", "", "\x02\x03")
_BREAKS = re.compile(r"[\r\n\t]+")
_LOOK_ALIKE = frozenset(map(frozenset, "O0 OQ 0Q OD 0D I1 1L IL B8 S5 Z2 G6 UV <K".split()))
_LONGEST_SCAN = 4096
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<")


@dataclass(frozen=True)
class Difference:
    """One wrong character: `line` 1 or 2, `column` from 1, its field, what was printed and what was read."""

    line: int
    column: int
    field: str
    expected: str
    read: str


@dataclass(frozen=True)
class MrzVerdict:
    """The zone as read against the zone as printed.

    `readable` is false for a failed read, which calls for another scan and says nothing about the page. `cause` is a
    key of `messages.CAUSE_LABELS`; `failing_digits` are fields of `messages.FIELD_LABELS`.
    """

    ok: bool
    readable: bool
    raw: str
    normalised: tuple[str, ...]
    differences: tuple[Difference, ...]
    failing_digits: tuple[str, ...]
    cause: str


@dataclass(frozen=True)
class SealVerdict:
    """The 2D code as read; `cause` is NONE, CAPS_LOCK or a key of `messages.SEAL_LABELS`; `contents` if genuine."""

    ok: bool
    raw: str
    normalised: str
    contents: SealContents | None
    differences: tuple[Difference, ...]
    cause: str
    detail: str


def read_kind(raw: str, booklet: str = BOOKLET) -> str:
    """`seal`, `booklet`, `mrz` or `unknown`: what a scan is, also when it is spoilt; `booklet` is a pattern."""
    text = raw[:_LONGEST_SCAN].translate(_CONTROL).strip(_ENDS).upper()
    if text.startswith(PREFIX[:4]):
        return "seal"
    if raw.isascii() and re.fullmatch(booklet, text):  # the capital of ſ is S
        return "booklet"
    typical = sum(character.isascii() and (character.isalnum() or character in "<;") for character in text)
    looks_like_zone = len(text) >= LINE_LENGTH - 10 and typical >= 0.9 * len(text) and re.search("[<;]", text)
    return "mrz" if looks_like_zone or re.match(r"P[A-Z<;][A-Z<;]{3}[A-Z]", text) else "unknown"


def compare_mrz(raw: str, expected: tuple[str, str], reader_map: Mapping[str, str] = NO_MAP) -> MrzVerdict:
    """Compare a scan of any kind with the lines stored at print time; `reader_map` is the station's declared mapping.

    Never raises for a scan; ValueError when `expected` is not two lines of 44.
    """
    if [len(line) for line in expected] != [LINE_LENGTH] * 2:
        raise ValueError("the expected zone has two lines of 44 characters")
    rows = _rows(raw, reader_map)
    failure = _failed_read(raw, rows)
    if failure:
        return MrzVerdict(False, False, raw, tuple(rows), (), (), failure)
    lines = _as_lines(rows)
    differences = _differences(lines, expected)
    failing = parse(*lines).failing_digits
    return MrzVerdict(
        ok=not differences,
        readable=True,
        raw=raw,
        normalised=lines,
        differences=differences,
        failing_digits=failing if differences else (),
        cause=_cause(lines, expected, differences, failing),
    )


def _rows(raw: str, reader_map: Mapping[str, str]) -> list[str]:
    # Letters, digits and `<` are never mapped: a map must not be a way to turn O into 0.
    safe = {ord(sign): mapped for sign, mapped in reader_map.items() if sign not in _ALPHABET and len(sign) == 1}
    mapped = raw[:_LONGEST_SCAN].translate(safe)
    return [row for row in _BREAKS.split(mapped.translate(_CONTROL)) if row]


def _failed_read(raw: str, rows: list[str]) -> str:
    if "\x1d" in raw:
        return "GS"
    if not rows:
        return "EMPTY"
    lengths = [len(row) for row in rows]
    if lengths == [LINE_LENGTH]:
        return "ONE_ROW"
    whole = len(raw) <= _LONGEST_SCAN and lengths in ([2 * LINE_LENGTH], [LINE_LENGTH] * 2)
    return "" if whole else "LENGTH"


def _as_lines(rows: list[str]) -> tuple[str, str]:
    text = "".join(rows)
    return text[:LINE_LENGTH], text[LINE_LENGTH:]


def _differences(lines: tuple[str, str], expected: tuple[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(line, column, _field_at(line, column), wanted, read)
        for line in (1, 2)
        for column, (wanted, read) in enumerate(zip(expected[line - 1], lines[line - 1], strict=True), start=1)
        if wanted != read
    )


def _field_at(line: int, column: int) -> str:
    return next(field.name for field in FIELDS if field.line == line and field.first <= column <= field.last)


def _cause(
    lines: tuple[str, str], expected: tuple[str, str], differences: tuple[Difference, ...], failing: tuple[str, ...]
) -> str:
    """The likeliest reason; a guess for the person, without any effect on the verdict."""
    if not differences:
        return "NONE"
    text = "".join(lines)
    if text.islower():
        return "CAPS_LOCK"
    if lines == expected[::-1]:
        return "ROWS_SWAPPED"
    if "<" not in text and _one_sign_for_filler(differences):
        return "KEYBOARD_LAYOUT"
    return _cause_in_characters(differences, failing)


def _one_sign_for_filler(differences: tuple[Difference, ...]) -> bool:
    """Most of the `<` became one and the same sign that no zone has."""
    read = Counter(difference.read for difference in differences if difference.expected == "<")
    return any(not sign.isalnum() and 2 * count > read.total() for sign, count in read.most_common(1))


def _cause_in_characters(differences: tuple[Difference, ...], failing: tuple[str, ...]) -> str:
    pairs = {frozenset((difference.expected, difference.read)) for difference in differences}
    if pairs == {frozenset("O0")}:
        return "O_ZERO"
    if pairs <= _LOOK_ALIKE:
        return "LOOK_ALIKE"
    number_differs = any(difference.field == "number" for difference in differences)
    return "OTHER_DOCUMENT" if number_differs and not failing else "DIFFERENT"


def compare_seal(
    text: str,
    expected: tuple[str, str],
    booklet: str,
    public_keys: Mapping[str, PublicKey],
    kind: str | None = None,
) -> SealVerdict:
    """Prove a scanned 2D code and compare it with zone, booklet number and kind as printed; never raises for a scan.

    `kind` None leaves the kind unjudged.
    """
    normalised = text[:_LONGEST_SCAN].strip(_ENDS if len(text) <= _LONGEST_SCAN else "")
    try:
        contents = verify(normalised, public_keys)
    except SealError as error:
        swapped = normalised.swapcase().startswith(PREFIX)
        return SealVerdict(False, text, normalised, None, (), "CAPS_LOCK" if swapped else error.fact, str(error))
    differences = _differences(contents.mrz_lines, expected)
    cause, detail = "NONE", ""
    if differences:
        cause, detail = "OTHER_MRZ", f"{len(differences)} characters"
    elif contents.booklet != booklet:
        cause, detail = "OTHER_BOOKLET", contents.booklet
    elif kind is not None and contents.kind != kind:
        cause, detail = "OTHER_KIND", contents.kind
    return SealVerdict(cause == "NONE", text, normalised, contents, differences, cause, detail)
