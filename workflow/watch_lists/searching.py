"""Who of the lists may be meant by somebody who enrols: by CUI, document, the same name, or a similar name and birth.

Each way has its index, so that a list of a million entries is not read. A similar name alone is no hit: half the
country would be on some list.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import ColumnElement, func, literal_column, or_, select
from sqlalchemy.orm import Session

from models.catalogs import ListType
from models.watch_lists import WatchListEntry as Entry
from workflow.persons import PartialDate
from workflow.watch_lists.hits import Grade, Hit
from workflow.watch_lists.sounds import name_key, sounds

#: Most hits that a finding lists, the surest first, and most similar names that are looked at.
MOST, LOOKED_AT = 20, 500
#: Years by which dates of birth may differ and still be a mistake of one of the two.
YEARS = 1
#: Effect of a list type that refers nobody.
INFORMS = "INFORMATIVO"
SIMPLE: ColumnElement[str] = literal_column("'simple'")
SOUND_WORDS: ColumnElement[bool] = func.to_tsvector(SIMPLE, Entry.sound_words)


def search(
    session: Session, *, cui: str, documents: Sequence[str], surnames: str, own_surnames: str, given_names: str,
    birth_date: str, on: dt.date,
) -> list[Hit]:  # fmt: skip
    """The entries of active list types, valid on the day `on`, that may mean the person, the surest first, to MOST.

    `own_surnames`: without the married one. `birth_date` may be partial.
    """
    keys = {name_key(surnames, given_names), name_key(own_surnames, given_names)}
    born = PartialDate.parse(birth_date)
    sure = or_(
        Entry.cui == cui, Entry.name_key.in_(sorted(keys)),
        *([Entry.document_number.in_(sorted(documents))] if documents else []),
    )  # fmt: skip
    words = sounds(surnames, given_names)
    rows = _rows(session, sure, on)
    rows += _similar(session, words, born, on) if len(rows) < MOST else []
    wanted = _Wanted(cui, frozenset(documents), frozenset(keys), frozenset(words), born)
    hits = {row.id: hit for row, kind in rows if (hit := wanted.hit(row, kind))}
    order = list(Grade)
    return sorted(hits.values(), key=lambda hit: (order.index(hit.grade), hit.entry or 0))[:MOST]


def _rows(session: Session, meant: ColumnElement[bool], on: dt.date) -> list[tuple[Entry, ListType]]:
    query = (
        select(Entry, ListType)
        .join(ListType, ListType.code == Entry.list_type_code)
        .where(meant, ListType.active)
        .where(or_(Entry.valid_from.is_(None), Entry.valid_from <= on))
        .where(or_(Entry.valid_until.is_(None), Entry.valid_until >= on))
        .order_by(Entry.id)
        .limit(LOOKED_AT)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def _similar(session: Session, words: list[str], born: PartialDate, on: dt.date) -> list[tuple[Entry, ListType]]:
    """Entries born about then whose names share two words with the person's."""
    pairs = " | ".join(f"({first} & {second})" for first, second in combinations(words[:8], 2))
    if not pairs:
        return []
    years = " | ".join(f"y{born.year + shift}" for shift in range(-YEARS, YEARS + 1))
    query = func.to_tsquery(SIMPLE, f"({years}) & ({pairs})")
    return _rows(session, SOUND_WORDS.op("@@", is_comparison=True)(query), on)


@dataclass(frozen=True)
class _Wanted:
    """The person in the forms that entries are compared with."""

    cui: str
    documents: frozenset[str]
    keys: frozenset[str]
    words: frozenset[str]
    born: PartialDate

    def hit(self, row: Entry, kind: ListType) -> Hit | None:
        """What `row` says of the person; None when it means somebody else."""
        fields = ["cui"] if row.cui == self.cui else []
        fields += ["identificationNumber"] if row.document_number in self.documents else []
        grade = Grade.EXACT if fields else self._by_name(row)
        if grade is None:
            return None
        informs = kind.effect == INFORMS
        return Hit(row.id, kind.code, kind.name, grade, tuple(fields or ["name"]), row.reference, row.source, informs)

    def _by_name(self, row: Entry) -> Grade | None:
        if row.name_key is None:
            return None
        theirs = PartialDate.parse(row.birth_date) if row.birth_date else None
        if theirs is None or not _fits(self.born, theirs):
            return Grade.NAME if theirs is None and row.name_key in self.keys else None
        if row.name_key in self.keys:
            return Grade.NAME_AND_BIRTH
        known = {word for word in (row.sound_words or "").split() if not word.startswith("y")}
        return Grade.SIMILAR if len(known) > 1 and (known <= self.words or self.words <= known) else None


def _fits(one: PartialDate, other: PartialDate) -> bool:
    """Whether two dates of birth may be of one person: what both know agrees, but for one mistake.

    The mistakes that are made: the year off by one, day and month exchanged, one of the two wrong.
    """
    if abs(one.year - other.year) > YEARS:
        return False
    if None in (one.month, other.month, one.day, other.day):
        return one.month is None or other.month is None or one.month == other.month or one.year == other.year
    apart = (one.year != other.year) + (one.month != other.month) + (one.day != other.day)
    return apart <= 1 or (one.year == other.year and (one.month, one.day) == (other.day, other.month))
