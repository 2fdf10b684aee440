"""Cases by the words of a name, newest first, in a time that does not grow with how common the name is.

The database cannot read an index of words in the order of the cases' age. Left to choose, it walks all cases backwards
for a name that nobody bears, or fetches a hundred thousand for one that many bear. So the newest cases are looked at
first, where a common name is found at once; then the index, whole words before beginnings of words, is asked for no
more cases than may be sorted; and a name that has more than that is common enough to walk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import TSQUERY, array
from sqlalchemy.orm import Session

from models.cases import PassportCase, State
from models.enrolments import FormerCase
from security.actor import Actor
from workflow.persons import words_query

#: How many of the newest cases are looked at before the index is asked.
RECENT = 3000
#: How many hits are sorted by age; walking past more cases than that without finding a page of hits is unlikely.
SORTED = 10_000

# Spelt with constants, as the index is: what is a parameter matches no index in a prepared statement.
_AT: ColumnElement[str] = literal_column("'@'")
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
#: Of the table, not of the class: how many cases there are is nobody's secret, and the scope would make it slow.
_ids: ColumnElement[int] = PassportCase.__table__.c.id
_sites = [_AT.op("||")(PassportCase.site_code), _AT.op("||")(PassportCase.print_site_code)]


def _words(marks: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    names = func.to_tsvector(_SIMPLE, PassportCase.search_name)
    return func.array_to_tsvector(array(marks)).op("||")(names).self_group()


_all_words = _words(_sites)
_open_words = _words([*_sites, _AT.op("||")(PassportCase.state)])


def waiting(names: str, actor: Actor, state: State) -> ColumnElement[bool] | None:
    """The condition that a case that waits in `state` has names beginning with each word of `names`; None for none.

    An index holds those that wait; it is used beside the condition on the state itself.
    """
    query = _query(names, actor)
    return None if query is None else _open_words.op("@@", is_comparison=True)(_and(query, f"'@{state}'"))


def _matches(names: str, actor: Actor, *, whole: bool = False) -> ColumnElement[bool] | None:
    query = _query(names, actor, whole=whole)
    return None if query is None else _all_words.op("@@", is_comparison=True)(query)


def _query(names: str, actor: Actor, *, whole: bool = False) -> ColumnElement[str] | None:
    wanted = words_query(names, whole=whole)
    if not wanted:
        return None
    query: ColumnElement[str] = func.to_tsquery(_SIMPLE, wanted)
    if actor.sites is not None:
        # The index holds the sites too; the scope itself is still kept by security.scope.
        sites = " | ".join(f"'@{site}'" for site in sorted(actor.sites)) or "'@'"
        return _and(query, sites)
    return query


def _and(query: ColumnElement[str], marks: str) -> ColumnElement[str]:
    return query.op("&&")(cast(literal(marks), TSQUERY))


def newest(
    session: Session, actor: Actor, names: str, *conditions: ColumnElement[bool], most: int
) -> list[PassportCase]:
    """Up to `most` cases whose names begin with each word of `names`, for which `conditions` hold, newest first.

    When not all can be shown, those that bear the very words go before those whose names only begin so.
    """
    beginning, whole = _matches(names, actor), _matches(names, actor, whole=True)
    if beginning is None or whole is None:
        return []
    last = session.execute(select(func.max(_ids))).scalar() or 0
    found = _cases(session, _newest(most).where(PassportCase.id > last - RECENT, beginning, *conditions))
    if len(found) < most:
        hits = _hits(session, whole, conditions)
        named, hits = (whole, hits) if len(hits) >= most else (beginning, _hits(session, beginning, conditions))
        best = PassportCase.id.in_(sorted(hits)[-most:]) if len(hits) <= SORTED else and_(named, *conditions)
        found = _cases(session, _newest(most).where(best)) if hits else []
    return found


def _hits(session: Session, named: ColumnElement[bool], conditions: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    return session.scalars(select(PassportCase.id).where(named, *conditions).limit(SORTED + 1)).all()


def _newest(most: int) -> Select[PassportCase]:
    return select(PassportCase).order_by(PassportCase.id.desc()).limit(most)


def _cases(session: Session, query: Select[PassportCase]) -> list[PassportCase]:
    return list(session.scalars(query))


@dataclass(frozen=True)
class Found:
    """Cases found by name: `exact` by the words or their beginnings, `alike` by a twin or a typing error."""

    exact: list[PassportCase] = field(default_factory=list)
    alike: list[PassportCase] = field(default_factory=list)


@dataclass(frozen=True)
class FoundFormer:
    """As `Found`, of the former system."""

    exact: list[FormerCase] = field(default_factory=list)
    alike: list[FormerCase] = field(default_factory=list)


def find(session: Session, actor: Actor, names: str, *conditions: ColumnElement[bool], most: int) -> Found:
    return Found(newest(session, actor, names, *conditions, most=most))


def find_former(session: Session, names: str, *, most: int) -> FoundFormer:
    wanted = words_query(names)
    if not wanted:
        return FoundFormer()
    words = func.to_tsvector(_SIMPLE, FormerCase.search_name).op("@@", is_comparison=True)
    query = select(FormerCase).where(words(func.to_tsquery(_SIMPLE, wanted))).limit(most)
    return FoundFormer(list(session.scalars(query)))
