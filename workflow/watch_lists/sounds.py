"""Names as they sound in the Spanish of Guatemala, so that Gonzales finds González and Ximénez finds Jiménez.

The embedded PostgreSQL has neither pg_trgm nor fuzzystrmatch (docs/decisions/0009); a word that is coded once when it
is loaded can be found by any index.
"""

import re
from functools import lru_cache

from workflow.persons import search_name

#: Words that join names and tell nobody apart.
PARTICLES = frozenset("DE DEL LA LAS LOS Y E VDA VIUDA".split())
#: In this order; spellings of one sound become one letter. X stands for the CH that is left.
_SPELLINGS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"CH", "X"), (r"SH", "S"), (r"PH", "F"), (r"TZ", "S"), (r"TH", "T"), (r"^X(?=[EI])", "J"), (r"H", ""),
        (r"QU(?=[EI])", "K"), (r"Q", "K"), (r"GU(?=[EI])", "G"), (r"G(?=[EI])", "J"), (r"C(?=[EI])", "S"), (r"C", "K"),
        (r"Z", "S"), (r"V", "B"), (r"W", "U"), (r"LL", "Y"), (r"Y", "I"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


@lru_cache(maxsize=50_000)  # a list has the same words again and again
def sound(word: str) -> str:
    """The word, normalised by `persons`, as it sounds; never empty for a word with letters."""
    coded = word
    for pattern, letters in _SPELLINGS:
        coded = pattern.sub(letters, coded)
    return coded or word


def sounds(*names: str | None) -> list[str]:
    """The words of the names as they sound, without particles, each once, in their order."""
    return sounds_of(search_name(*names))


def sounds_of(name: str) -> list[str]:
    """As `sounds`, of a name that is normalised already."""
    words = (word for word in re.findall(r"[A-Z0-9]+", name) if word not in PARTICLES)
    return list(dict.fromkeys(sound(word) for word in words))


def name_key(*names: str | None) -> str:
    """The words of the names, normalised, in the order of the alphabet: the same for any order of the same words."""
    return key_of(search_name(*names))


def key_of(name: str) -> str:
    """As `name_key`, of a name that is normalised already."""
    return " ".join(sorted(name.split()))


def sound_words(birth_date: str | None, name: str) -> str:
    """What an entry is searched by: the sounds of its normalised name, and the year of birth as y1990."""
    return " ".join([*([f"y{birth_date[:4]}"] if birth_date else []), *sounds_of(name)])
