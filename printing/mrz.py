"""The machine readable zone of a passport (TD3): names, check digits, both lines.

Own code of two pages because the free packages either never truncate, refuse unknown birth dates or have a licence
that does not fit. Rules: ICAO Doc 9303-3 section 4 and 9303-4 section 4.2.
"""

import re
from dataclasses import dataclass
from datetime import date

from printing.transliteration import DEFAULT_CHOICES, MrzChoices, MrzError, Untransliterable, transliterate

__all__ = [
    "COMPOSITE", "DEFAULT_CHOICES", "FIELDS", "LINE_LENGTH", "NAME_LENGTH", "EmptyName", "Field", "MrzChoices",
    "MrzError", "TravelDocument", "Untransliterable", "check_digit", "document_code", "name_field", "td3",
    "transliterate",
]  # fmt: skip

LINE_LENGTH = 44
NAME_LENGTH = 39
TWO_LETTER_CODES_FROM = date(2028, 1, 1)
_WEIGHTS = (7, 3, 1)
_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}


@dataclass(frozen=True)
class Field:
    """A field of the zone: `line` 1 or 2, columns `first`..`last` counted from 1, and the digit that protects it."""

    name: str
    line: int
    first: int
    last: int
    digit: str | None = None

    def of(self, lines: tuple[str, str]) -> str:
        """The field's characters in two lines."""
        return lines[self.line - 1][self.first - 1 : self.last]


FIELDS = (
    Field("document_code", 1, 1, 2),
    Field("issuer", 1, 3, 5),
    Field("name", 1, 6, 44),
    Field("number", 2, 1, 9, "number_digit"),
    Field("number_digit", 2, 10, 10),
    Field("nationality", 2, 11, 13),
    Field("birth", 2, 14, 19, "birth_digit"),
    Field("birth_digit", 2, 20, 20),
    Field("sex", 2, 21, 21),
    Field("expiry", 2, 22, 27, "expiry_digit"),
    Field("expiry_digit", 2, 28, 28),
    Field("personal_number", 2, 29, 42, "personal_number_digit"),
    Field("personal_number_digit", 2, 43, 43),
    Field("composite_digit", 2, 44, 44),
)
COMPOSITE = (slice(0, 10), slice(13, 20), slice(21, 43))
"""The parts of line 2 under the composite digit: columns 1-10, 14-20, 22-43."""


class EmptyName(MrzError):
    """Nothing of the name is left to write."""


@dataclass(frozen=True)
class TravelDocument:
    """What both lines say.

    `document_code`: `P<`, `PP`, `PO`, `PD`…; `issuer`, `nationality`: 9303-3 section 5, one to three letters; `number`:
    at most 9 of A-Z 0-9; `birth`: ISO with what is known, `YYYY[-MM[-DD]]` or empty; `sex`: M, F or X;
    `personal_number`: at most 14, may be empty. `secondary` is empty for a person with a single name.
    """

    document_code: str
    issuer: str
    primary: str
    secondary: str
    number: str
    nationality: str
    birth: str
    sex: str
    expires: date
    personal_number: str = ""

    def __post_init__(self) -> None:
        for name, (pattern, wanted) in _SHAPES.items():
            if not re.fullmatch(pattern, getattr(self, name)):
                raise MrzError(f"{name} must be {wanted}, not {getattr(self, name)!r}")
        _whole_date(self.birth)


_SHAPES = {
    "document_code": (r"P[A-Z<]", "P and a capital or '<'"),
    "issuer": (r"[A-Z]{1,3}", "one to three capitals"),
    "number": (r"[A-Z0-9]{1,9}", "one to nine of A-Z and 0-9"),
    "nationality": (r"[A-Z]{1,3}", "one to three capitals"),
    "birth": (r"([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?", "YYYY, YYYY-MM, YYYY-MM-DD or empty"),
    "sex": (r"[MFX]", "M, F or X"),
    "personal_number": (r"[A-Z0-9<]{0,14}", "at most fourteen of A-Z, 0-9 and '<'"),
}


def _whole_date(partial: str) -> None:
    parts = [int(part) for part in partial.split("-")] if partial else []
    try:
        date(*(parts + [2000, 1, 1][len(parts) :]))
    except ValueError as error:
        raise MrzError(f"birth {partial!r} is no date") from error


def document_code(current: str, later: str, issued_on: date) -> str:
    """The code for a day of issue: `later` (of two letters) is obligatory from 2028-01-01 (Doc 9303-4)."""
    return later if issued_on >= TWO_LETTER_CODES_FROM else current


def check_digit(text: str) -> str:
    """Weights 7-3-1, modulo 10, over A-Z, 0-9 and `<`; MrzError for any other character (9303-3 section 4.9)."""
    try:
        total = sum(_VALUES[character] * _WEIGHTS[place % 3] for place, character in enumerate(text))
    except KeyError as error:
        raise MrzError(f"{error.args[0]!r} cannot stand in a machine readable zone") from None
    return str(total % 10)


def td3(document: TravelDocument, choices: MrzChoices = DEFAULT_CHOICES) -> tuple[str, str]:
    """Both lines, 44 characters each; Untransliterable or EmptyName for a name that cannot be written."""
    names = name_field(document.primary, document.secondary, choices)
    upper = f"{document.document_code}{document.issuer:<<3}{names}"
    birth = document.birth.replace("-", "")[2:].ljust(6, "<")
    lower = _with_digit(document.number.ljust(9, "<")) + document.nationality.ljust(3, "<") + _with_digit(birth)
    lower += document.sex.replace("X", "<") + _with_digit(document.expires.strftime("%y%m%d"))
    lower += _optional(document.personal_number.ljust(14, "<"), choices)
    return upper, lower + check_digit("".join(lower[part] for part in COMPOSITE))


def _with_digit(text: str) -> str:
    return text + check_digit(text)


def _optional(text: str, choices: MrzChoices) -> str:
    return text + (check_digit(text) if text.strip("<") else choices.empty_optional_digit)


def name_field(primary: str, secondary: str, choices: MrzChoices = DEFAULT_CHOICES) -> str:
    """The 39 characters of columns 6-44 of line 1: PRIMARY<<SECONDARY, filled with `<`.

    `secondary` is empty for a single name. A name of 39 or fewer is never shortened. A longer one fills the field and
    ends in a letter, so that a reader knows it is cut; at least one letter of the secondary stays (9303-4 section
    4.2.3). The State's method: primary parts after the first become initials, from the last back; the one that made
    room grows again by what is left over; only then is the end of the secondary cut.
    """
    first = [part for part in transliterate(primary, choices).split("<") if part]
    second = [part for part in transliterate(secondary, choices).split("<") if part]
    if not first:
        first, second = second, []
    if not first:
        raise EmptyName(f"no letter is left of {primary!r}, {secondary!r}")
    whole = _joined(first, second)
    if len(whole) > NAME_LENGTH:
        whole = _shortened(first, second)
    return whole.ljust(NAME_LENGTH, "<")


def _joined(first: list[str], second: list[str]) -> str:
    return "<".join(first) + ("<<" + "<".join(second) if second else "")


def _shortened(first: list[str], second: list[str]) -> str:
    kept, place = list(first), len(first) - 1
    while place > 0 and len(_joined(kept, second)) > NAME_LENGTH:
        kept[place] = first[place][0]
        place -= 1
    tail = list(second)
    if len(_joined(kept, second)) > NAME_LENGTH:
        kept, tail = _cut(kept, second)
    _give_back(kept, first, NAME_LENGTH - len(_joined(kept, tail)))
    if len(_joined(kept, tail)) < NAME_LENGTH:
        _borrow(kept, first, tail, second)
    return _joined(kept, tail)


def _cut(kept: list[str], second: list[str]) -> tuple[list[str], list[str]]:
    """Cut the end of the secondary, and of the primary too when no letter of the secondary would stay."""
    if not second:
        return _first_characters(kept, NAME_LENGTH), []
    head = _first_characters(kept, NAME_LENGTH - len("<<X"))
    return head, _first_characters(second, NAME_LENGTH - len("<".join(head)) - len("<<"))


def _first_characters(parts: list[str], room: int) -> list[str]:
    return "<".join(parts)[:room].strip("<").split("<")


def _give_back(kept: list[str], original: list[str], spare: int) -> None:
    """Let shortened primary parts grow again by the `spare` characters."""
    for place, part in enumerate(kept):
        kept[place] = original[place][: len(part) + spare]
        spare -= len(kept[place]) - len(part)


def _borrow(kept: list[str], first: list[str], tail: list[str], second: list[str]) -> None:
    """Fill the one place left by a cut at a separator: a part gives a letter for the initial of the next one.

    Single letters have none to give, and fill even numbers of places only. As the field shall end in a letter, the
    last two initials are then written together.
    """
    grown, source = (tail, second) if len(tail) < len(second) else (kept, first)
    initial = source[len(grown)][0]
    for parts in (tail, kept):
        for place in reversed(range(len(parts))):
            if len(parts[place]) > 1:
                parts[place] = parts[place][:-1]
                grown.append(initial)
                return
    grown[-1] += initial
