"""The rows whose names bear certain words, the nearest first and of them the newest, in a time that does not grow with
how common a name is.

The database cannot read an index of words in the order of age. Left to choose, it walks all cases backwards for a name
that nobody bears, or fetches a hundred thousand for one that many bear. So the newest cases are looked at first, where
a common name is found at once; then the index, tier by tier and no further than to a full page, is asked for no more
rows than may be sorted; and a name that has more than that is common enough to walk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY, array
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.cases import PassportCase
from models.enrolments import FormerCase
from workflow.name_words import Asked, Tier

#: How many of the newest cases are looked at before the index is asked; DEEP for a beginning that many words have, of
#: which the index would have to collect all.
RECENT, DEEP = 3000, 30_000
#: How many hits of all tiers are told apart by their names; when there are more, each tier is asked.
FEW = 1000
#: How many hits are sorted by age. When more bear a name, a page of them is sought in the newest cases, one of WALKED,
#: which hold four such pages when they are like the others.
SORTED, WALKED = 10_000, 50

Bearer = TypeVar("Bearer", PassportCase, FormerCase)
Hits = list[tuple[Tier, Any]]
Conditions = Sequence[ColumnElement[bool]]

# Spelt with constants, as the indexes are: what is a parameter matches no index in a prepared statement.
SIMPLE: ColumnElement[str] = literal_column("'simple'")
_AT: ColumnElement[str] = literal_column("'@'")


def marked(*marks: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """The words of a case's names and, behind an @, its sites and `marks`, as the indexes hold them."""
    signs = [_AT.op("||")(mark) for mark in (PassportCase.site_code, PassportCase.print_site_code, *marks)]
    names = func.to_tsvector(SIMPLE, PassportCase.search_name)
    return func.array_to_tsvector(array(signs)).op("||")(names).self_group()


def at_sites(sites: frozenset[str]) -> str:
    """As a `tsquery`: the index holds the sites too; the scope itself is still kept by security.scope."""
    return " | ".join(f"'@{site}'" for site in sorted(sites)) or "'@'"


def holds(words: ColumnElement[str], query: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that `words` are as `query` asks."""
    return words.op("@@", is_comparison=True)(query)


def tsquery(query: str) -> ColumnElement[str]:
    """`query` as it stands: no word is parsed."""
    return cast(literal(query), TSQUERY)


@dataclass(frozen=True)
class Table(Generic[Bearer]):
    """Where names are searched: what identifies a row, the words that an index holds, and the order of age.

    `recent`: the keys are numbers that grow with time.
    """

    entity: type[Bearer]
    key: InstrumentedAttribute[Any]
    words: ColumnElement[str]
    name: ColumnElement[str]
    #: What tells ages apart, and the order of it, newest first, in the table or what was read of it.
    age: Sequence[InstrumentedAttribute[Any]]
    newest: Callable[[Any], Sequence[ColumnElement[Any]]]
    recent: bool = False


CASES = Table(
    PassportCase,
    PassportCase.id,
    marked(),
    PassportCase.search_name.expression,
    [PassportCase.id],
    lambda rows: [rows.id.desc()],
    recent=True,
)
FORMER = Table(
    FormerCase,
    FormerCase.number,
    func.to_tsvector(SIMPLE, FormerCase.search_name),
    FormerCase.search_name.expression,
    [FormerCase.number, FormerCase.issued_on],
    lambda rows: [rows.issued_on.desc().nulls_last(), rows.number.desc()],
)


@dataclass(frozen=True)
class Search(Generic[Bearer]):
    """One search: what was asked, and the conditions of what is exact and of what is alike."""

    session: Session
    table: Table[Bearer]
    asked: Asked
    most: int
    exact: Conditions
    alike: Conditions
    sites: frozenset[str] | None

    def found(self) -> tuple[list[Bearer], list[Bearer]]:
        """What is exact and what is alike, newest first, together at most `most`."""
        near = self._nearest()
        if not near:
            return [], []
        table = self.table
        query = select(table.entity).where(table.key.in_(near)).order_by(*table.newest(table.entity))
        rows = [(near[getattr(row, table.key.key)], row) for row in self.session.scalars(query)]
        return [row for tier, row in rows if tier < Tier.TWIN], [row for tier, row in rows if tier >= Tier.TWIN]

    def _nearest(self) -> dict[Any, Tier]:
        """The keys of the `most` nearest rows, of equally near ones the newest."""
        tiers = self._tiers()
        recent: Hits = []
        if tiers and self.table.recent:
            recent, tiers = self._among_the_newest(tiers)
        hits: Hits = self._of_index(tiers) if tiers else []
        nearest: dict[Any, Tier] = {}
        for tier, key in [*hits, *recent]:
            if len(nearest) < self.most:
                nearest.setdefault(key, tier)
        return nearest

    def _tiers(self) -> Sequence[Tier]:
        """The tiers worth asking, without those that only repeat a nearer one."""
        distinct: dict[tuple[str, ...], Tier] = {}
        for tier in self.asked.tiers():
            left: list[str] = [word.query(tier) for word in self.asked.left(tier)]
            apart = "in place" if self.exact is not self.alike and tier < Tier.TWIN else ""
            distinct.setdefault((self.asked.query(tier), apart, *left), tier)
        return list(distinct.values())

    def _conditions(self, tier: Tier) -> Conditions:
        return self.exact if tier < Tier.TWIN else self.alike

    def _bears(self, tier: Tier) -> list[ColumnElement[bool]]:
        query, name = self.asked.query(tier), self.table.name
        if self.sites is not None:
            query += f" & ({at_sites(self.sites)})"
        left: list[ColumnElement[bool]] = [word.held_by(name, tier) for word in self.asked.left(tier)]
        return [holds(self.table.words, tsquery(query)), *left, *self._conditions(tier)]

    def _read(self, tier: Tier) -> list[ColumnElement[bool]]:
        """The same for rows that are read without the index: costs little, and is said to hold for every other row."""
        name = self.table.name
        words = and_(*(word.held_by(name, tier) for word in self.asked.required(tier)))
        return [case((words, true()), else_=false()), *self._conditions(tier)]

    def _among_the_newest(self, tiers: Sequence[Tier]) -> tuple[Hits, Sequence[Tier]]:
        """The hits of the first tier that the newest cases fill, and the tiers before it; else no hits and all tiers.

        What the newest cases do not fill is asked of the index, the newest included.
        """
        widest = max((tier for tier in tiers if tier < Tier.TWIN), default=tiers[-1])  # few words: quick
        recent = self._recent(widest, RECENT)
        if self.asked.broad and self.most > len(recent) >= self.most * RECENT / DEEP:
            recent = self._recent(widest, DEEP)
        for place, tier in enumerate(tiers):
            hits = [hit for hit in recent if hit[0] <= tier]
            if len(hits) >= self.most:
                return hits, tiers[:place]
        return [], tiers

    def _recent(self, widest: Tier, depth: int) -> Hits:
        query = self._named().where(self.table.key > self.asked.last - depth, *self._read(widest))
        return self._told_apart(query.subquery())

    def _named(self) -> Select[Any]:
        in_place = and_(true(), *self.exact) if self.exact is not self.alike else true()
        return select(*self.table.age, self.table.entity.search_name, in_place.label("in_place"))

    def _told_apart(self, hits: Subquery) -> Hits:
        """How near each of `hits` is: the nearest first, of equally near ones the newest."""
        query = select(hits.c[self.table.key.key], hits.c.search_name, hits.c.in_place)
        rows = self.session.execute(query.order_by(*self.table.newest(hits.c)))
        near = [(max(self.asked.tier_of(name), Tier.WHOLE if exact else Tier.TWIN), key) for key, name, exact in rows]
        return sorted(near, key=itemgetter(0))

    def _of_index(self, tiers: Sequence[Tier]) -> Hits:
        """The nearest first, of equally near ones the newest; no farther than to a full page."""
        hits = self._hits(tiers[0])
        if len(hits) < self.most and len(tiers) > 1:
            everything = self._told_apart(self._named().where(*self._bears(tiers[-1])).limit(FEW + 1).subquery())
            hits += self._tier_by_tier(tiers[1:]) if len(everything) > FEW else everything
        return hits

    def _tier_by_tier(self, tiers: Sequence[Tier]) -> Hits:
        *nearer, last = tiers
        hits: Hits = []
        for tier in nearer:
            found = self._hits(tier)
            hits += found
            if len(found) >= self.most:  # a tier holds those before it
                return hits
        recent = self._recent(last, RECENT) if self.table.recent else []
        return hits + (recent if len(recent) >= self.most else self._hits(last))

    def _hits(self, tier: Tier) -> Hits:
        """The newest `most` of a tier."""
        found = select(*self.table.age).where(*self._bears(tier)).limit(SORTED + 1).subquery()
        newest = select(found.c[self.table.key.key].label("key"), func.count().over().label("hits"))
        rows = self.session.execute(newest.order_by(*self.table.newest(found.c)).limit(self.most)).all()
        many = bool(rows) and rows[0].hits > SORTED
        return [(tier, key) for key in (self._newest(tier) if many else [row.key for row in rows])]

    def _newest(self, tier: Tier) -> Sequence[Any]:
        """The newest `most` of a tier that many bear: of the newest cases, where they ought to be; else all sorted."""
        table = self.table
        found: Sequence[Any] = []
        if table.recent:
            near = table.key > self.asked.last - self.asked.last // WALKED
            walk = select(table.key).where(near, *self._read(tier)).order_by(*table.newest(table.entity))
            found = self.session.scalars(walk.limit(self.most)).all()
        if len(found) < self.most:
            hits = select(*table.age).where(*self._bears(tier)).offset(0).subquery()  # or it might walk all rows
            newest = select(hits.c[table.key.key]).order_by(*table.newest(hits.c)).limit(self.most)
            found = self.session.scalars(newest).all()
        return found
