"""What is typed for a name, word by word, and which words of all names it may mean: four tiers, the nearest first.

The words come from `name_word`: some hundred thousand for ten million cases, so that a misspelling is looked for among
words, not among people. Compared with what is typed: a regular expression over the vocabulary reads it whole each
time; trigrams find words that are far away and miss short ones (docs/decisions/0021).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Text, cast, func, literal, or_, text
from sqlalchemy.orm import Session

from workflow.persons import search_name
from workflow.watch_lists.sounds import PARTICLES

#: No name has more words, no word more letters; what goes beyond is not looked at.
WORDS, LETTERS = 12, 40
#: So many words are asked for one that is typed; an index that is asked for many common ones reads them all.
BEGINNINGS, EXPANDED = 12, 24
#: In a shorter word an error makes another name of it: Ana, Ada, Eva.
SLIP_LETTERS = 4


class Tier(IntEnum):
    """How near a name is to what was typed."""

    WHOLE = 0
    BEGUN = 1
    TWIN = 2
    SLIP = 3


@dataclass(frozen=True)
class Word:
    """A word that was typed, in small letters, and the words of names that it may mean.

    `broad`: it begins more words than `meant` lists. `joins`: a particle, like DE, beside other words: it is asked for
    whole, and names that are only alike need not have it.
    """

    typed: str
    joins: bool = False
    broad: bool = False
    meant: Mapping[str, Tier] = field(default_factory=dict)

    def within(self, tier: Tier) -> list[str]:
        """The words that are at least so near, the nearest first."""
        return [word for word, nearness in self.meant.items() if nearness <= tier]

    def known(self, tier: Tier) -> bool:
        """Whether some name has a word so near to it."""
        return (self.joins and tier >= Tier.TWIN) or (self.broad and tier >= Tier.BEGUN) or bool(self.within(tier))

    def tier_in(self, words: Sequence[str]) -> Tier:
        """How near the nearest of a name's `words` is."""
        near = [self.meant[word] for word in words if word in self.meant]
        if self.broad and any(word.startswith(self.typed) for word in words):
            near.append(Tier.BEGUN)
        return min(near, default=Tier.TWIN if self.joins else Tier.SLIP)

    def query(self, tier: Tier) -> str:
        """As a `tsquery` of exact words, which an index answers by skipping; a prefix makes it collect all of them."""
        parts = [quoted(word) for word in self.within(tier)]
        if self.broad and tier >= Tier.BEGUN:
            parts.append(f"{quoted(self.typed)}:*")
        return f"({' | '.join(parts)})"

    def held_by(self, name: ColumnElement[str], tier: Tier) -> ColumnElement[bool]:
        """The condition that a normalised name has such a word, for rows that are read without the index.

        For dozens of words a regular expression costs two to three times as much.
        """
        words = func.string_to_array(func.translate(name, ".,", "  "), " ")
        whole = words.op("&&", is_comparison=True)(cast([word.upper() for word in self.within(tier)], ARRAY(Text)))
        if not (self.broad and tier >= Tier.BEGUN):
            return whole
        return or_(whole, literal(" ").op("||")(name).contains(f" {self.typed.upper()}"))


@dataclass(frozen=True)
class Asked:
    """All words typed, each known."""

    words: tuple[Word, ...]
    #: The highest id of a case.
    last: int = 0

    @property
    def broad(self) -> bool:
        """Whether some word is."""
        return any(word.broad for word in self.words)

    def required(self, tier: Tier) -> list[Word]:
        """The words that a name must have to be so near."""
        return [word for word in self.words if not (word.joins and tier >= Tier.TWIN)]

    def tiers(self) -> list[Tier]:
        """Those in which there may be a name."""
        return [tier for tier in Tier if all(word.known(tier) for word in self.words)] if self.words else []

    def query(self, tier: Tier) -> str:
        """The `tsquery` of names that are so near, or nearer, but for the words that are `left`."""
        left = self.left(tier)
        return " & ".join(word.query(tier) for word in self.required(tier) if word not in left)

    def left(self, tier: Tier) -> list[Word]:
        """The words too broad for an index, when others are not; many rows have them, so that rows are asked."""
        required = self.required(tier)
        broad = [word for word in required if word.broad and tier >= Tier.BEGUN]
        return broad if len(broad) < len(required) else []

    def tier_of(self, name: str) -> Tier:
        """How near a normalised name is that is known to be near: as near as its farthest word."""
        words = re.split("[ .,]+", name.lower())
        return max(word.tier_in(words) for word in self.words)


def quoted(word: str) -> str:
    """The word as a `tsquery` has it."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def typed_words(names: str) -> list[str]:
    """The words of `names` in small letters, each once, as far as they are looked at."""
    words = re.findall(r"[a-z0-9]+", search_name(names[: WORDS * LETTERS * 2]).lower())
    return list(dict.fromkeys(word[:LETTERS] for word in words))[:WORDS]


#: Each way reads its index, no further than to its limit. U+10FFFF: after every letter.
_MEANT = text("""
    with typed as materialized (
        select word, name_sound(word) as sound, stem, name_slips(word, name_sound(word)) as slips
          from unnest(cast(:words as text[]), cast(:stems as text[])) as t (word, spelt),
               lateral (select name_sound(spelt) as stem) s)
    select typed.word as typed, typed.sound as typed_sound, way.way, way.word, way.sound,
           (select max(id) from passport_case) as last
      from typed left join lateral (
        (select 0 as way, word, sound from name_word v where v.word = typed.word limit 1)
        union all
        (select 1, word, sound from name_word v
          where v.word > typed.word and v.word < typed.word || U&'\\+10FFFF' limit :begun)
        union all
        (select 2, word, sound from name_word v where v.sound = typed.sound order by word limit :twins)
        union all
        (select 3, word, sound from name_word v
          where length(typed.stem) > 2 and v.sound > typed.stem and v.sound < typed.stem || U&'\\+10FFFF'
          order by length(sound), word limit :twins)
        union all
        (select 4, word, sound from name_word v
          where length(typed.word) >= :letters and v.slips && typed.slips
          order by abs(length(word) - length(typed.word)), word limit :slips)
      ) way on true
""")


def look_up(session: Session, names: str) -> Asked:
    """What the words of `names` may mean, in one statement."""
    typed = typed_words(names)
    if not typed:
        return Asked(())
    stems = [re.sub(r"(?<=[qg])u$", "", word) for word in typed]  # what follows decides how QU and GU sound
    limits = {"begun": BEGINNINGS + 1, "twins": EXPANDED, "slips": 20 * EXPANDED, "letters": SLIP_LETTERS}
    rows = session.execute(_MEANT, {"words": typed, "stems": stems} | limits).all()
    joining = {word for word in typed if len(word) > 1 and word.upper() in PARTICLES}  # Y and E are initials here
    found = [
        _word(one, [row for row in rows if row.typed == one], joins=one in joining and len(joining) < len(typed))
        for one in typed
    ]
    return Asked(tuple(found), rows[0].last or 0)


def _word(typed: str, rows: Sequence[Row[Any]], *, joins: bool) -> Word:
    ways: list[list[str]] = [[row.word for row in rows if row.way == way] for way in range(4)]
    if joins:
        return Word(typed, joins, meant=dict.fromkeys(ways[0], Tier.WHOLE))
    broad = len(ways[1]) > BEGINNINGS
    slips = [row.word for row in rows if row.way == 4 and _is_slip(typed, row.word, row.typed_sound, row.sound)]
    slips.sort(key=lambda word: (not one_slip(typed, word), abs(len(typed) - len(word)), word))
    meant: dict[str, Tier] = {}
    for words, tier in (
        (ways[0], Tier.WHOLE),
        ([] if broad else ways[1], Tier.BEGUN),
        (ways[2] + ways[3], Tier.TWIN),
        ([word for word in slips if word not in ways[2]][:EXPANDED], Tier.SLIP),
    ):
        for word in words:
            meant.setdefault(word, tier)
    return Word(typed, joins, broad, meant)


def _is_slip(typed: str, word: str, its_sound: str, sound: str) -> bool:
    """One error in the letters, or in the sound of words about as long: CASTILLO and CASTRO sound too much alike."""
    near = len(its_sound) >= SLIP_LETTERS and abs(len(typed) - len(word)) <= 1
    return one_slip(typed, word) or (near and one_slip(its_sound, sound))


def one_slip(typed: str, meant: str) -> bool:
    """Whether one typing error at most is between the words: a letter missing, too many or wrong, or two swapped.

    This is an optimal string alignment distance of at most 1.
    """
    while typed and meant and typed[0] == meant[0]:
        typed, meant = typed[1:], meant[1:]
    while typed and meant and typed[-1] == meant[-1]:
        typed, meant = typed[:-1], meant[:-1]
    return (len(typed) <= 1 and len(meant) <= 1) or (len(typed) == 2 and typed == meant[::-1])
