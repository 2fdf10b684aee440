"""Names into the letters of the machine readable zone: Doc 9303-3 section 6.A with the State's choices.

Written here because the known packages drop what they do not know; a letter lost from a name is worse than an error.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

APOSTROPHES = frozenset("'`´‘’‛ʹʻʼʽʾʿˀˁˈˊˋ′‵＇Ꞌꞌ")
"""Signs written for the apostrophe of Mayan names; in the zone it is left out and its neighbours joined."""

CHOICES_OF = MappingProxyType(
    {
        "enye": ("Ñ", ("N", "NXX")),
        "u_diaeresis": ("Ü", ("U", "UE", "UXX")),
        "a_diaeresis": ("Ä", ("A", "AE")),
        "o_diaeresis": ("Ö", ("O", "OE")),
        "a_ring": ("Å", ("A", "AA")),
    }
)

EMPTY_OPTIONAL_DIGITS = ("<", "0")

FIXED = MappingProxyType(
    {
        "Æ": "AE", "Œ": "OE", "Ø": "OE", "Þ": "TH", "Ð": "D", "Đ": "D", "Ł": "L", "Ħ": "H", "Ŧ": "T", "Ŋ": "N",
        "Ŀ": "L", "Ĳ": "IJ", "ĸ": "K", "ẞ": "SS", "ß": "SS", "ı": "I", "Ǆ": "DZ", "Ǉ": "LJ", "Ǌ": "NJ", "Ǳ": "DZ",
    }
)  # fmt: skip


@dataclass(frozen=True)
class MrzChoices:
    """What Doc 9303 leaves to the State.

    Letters: one of the transliterations of 9303-3 section 6.A. `empty_optional_digit`: check digit of an empty
    personal number, `<` or `0` (9303-4 section 4.2.2). Raises ValueError for anything else.
    """

    enye: str = "N"
    u_diaeresis: str = "U"
    a_diaeresis: str = "A"
    o_diaeresis: str = "O"
    a_ring: str = "AA"
    empty_optional_digit: str = "<"

    def __post_init__(self) -> None:
        for name, (letter, allowed) in CHOICES_OF.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: {letter} may become {' or '.join(allowed)}, not {getattr(self, name)!r}")
        if self.empty_optional_digit not in EMPTY_OPTIONAL_DIGITS:
            raise ValueError(f"empty_optional_digit: '<' or '0', not {self.empty_optional_digit!r}")


DEFAULT_CHOICES = MrzChoices()


class MrzError(ValueError):
    """Data that cannot be written in a machine readable zone."""


class Untransliterable(MrzError):
    """A name has a character without a transliteration; `character` is it, `name` the whole name."""

    def __init__(self, character: str, name: str) -> None:
        self.character = character
        self.name = name
        called = unicodedata.name(character, "unnamed character")
        super().__init__(f"{character!r} (U+{ord(character):04X}, {called}) of {name!r} has no transliteration")


def transliterate(name: str, choices: MrzChoices = DEFAULT_CHOICES) -> str:
    """Return `name` in A-Z with `<` between its parts, without `<` at the ends; empty when nothing is left.

    Apostrophes are dropped and their neighbours joined; blank, hyphen and comma separate; other punctuation is
    dropped. Raises Untransliterable for digits, signs and letters of other scripts (Doc 9303-3 sections 4.6, 6.A).
    """
    capitals = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).upper())
    letters = "".join(_letters(character, name, choices) for character in capitals)
    return "<".join(part for part in letters.split("<") if part)


def _letters(character: str, name: str, choices: MrzChoices) -> str:
    if "A" <= character <= "Z":
        return character
    written = _written(character, choices)
    if written is None:
        raise Untransliterable(character, name)
    return written


@lru_cache(maxsize=4096)
def _written(character: str, choices: MrzChoices) -> str | None:
    """What stands in the zone for a capital or sign; None when Doc 9303 has nothing for it."""
    known = _table(choices).get(character)
    if known is not None or "A" <= character <= "Z":
        return character if known is None else known
    category = unicodedata.category(character)
    if category == "Pd" or character.isspace():
        return "<"
    # A mark that composes with nothing, or any punctuation that does not separate, leaves no trace.
    if category.startswith(("P", "M")):
        return ""
    # One accent after the other is taken off, so that Ǿ is written as Ø and Ǘ as the State writes Ü.
    base, *accents = unicodedata.decomposition(character).split() or [""]
    return _written(chr(int(base, 16)), choices) if accents and not base.startswith("<") else None


@lru_cache
def _table(choices: MrzChoices) -> dict[str, str]:
    chosen = {letter: getattr(choices, name) for name, (letter, _) in CHOICES_OF.items()}
    return {**FIXED, **dict.fromkeys(APOSTROPHES, ""), **chosen, ",": "<"}
