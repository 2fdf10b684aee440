"""People by the words of their names: in any order, by beginnings, by spelling twins and past one typing error a word.

The vocabulary of all names is asked first what the words may mean (`workflow.name_words`): what no name has is not
looked for. Then cases are asked for those words (`workflow.name_hits`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.cases import PassportCase, State
from models.enrolments import FormerCase
from security.actor import Actor
from workflow.name_hits import CASES, FORMER, SIMPLE, Search, at_sites, holds, marked, tsquery
from workflow.name_words import Asked, Tier, look_up, typed_words
from workflow.persons import search_name, words_query

#: No name column has more letters.
LONGEST = 80

_open_words = marked(PassportCase.state)


@dataclass(frozen=True)
class Found:
    """Cases that bear the words or names beginning with them; and those that bear twins or misspellings of them.

    Both newest first. When there are more than were asked for, whole words go before beginnings, and twins before
    errors.
    """

    exact: list[PassportCase] = field(default_factory=list)
    alike: list[PassportCase] = field(default_factory=list)


@dataclass(frozen=True)
class FoundFormer:
    """As `Found`, of the former system."""

    exact: list[FormerCase] = field(default_factory=list)
    alike: list[FormerCase] = field(default_factory=list)


def waiting(names: str, actor: Actor, state: State) -> ColumnElement[bool] | None:
    """The condition that a case that waits in `state` has names beginning with each word of `names`; None for none.

    An index holds those that wait; it is used beside the condition on the state itself.
    """
    wanted = words_query(names)
    if not wanted:
        return None
    query: ColumnElement[str] = func.to_tsquery(SIMPLE, wanted)
    for marks in (f"'@{state}'", None if actor.sites is None else at_sites(actor.sites)):
        query = query if marks is None else query.op("&&")(tsquery(marks))
    return holds(_open_words, query)


def find(session: Session, actor: Actor, names: str | Asked, *conditions: ColumnElement[bool], most: int) -> Found:
    """Up to `most` cases whose names have each word of `names`, in any order, for which `conditions` hold.

    Who looks in both tables saves a statement by handing over the words `look_up` already.
    """
    asked = look_up(session, names) if isinstance(names, str) else names
    return Found(*Search(session, CASES, asked, most, conditions, conditions, actor.sites).found())


def find_in_place(
    session: Session,
    actor: Actor,
    places: Mapping[InstrumentedAttribute[Any], str],
    *conditions: ColumnElement[bool],
    most: int,
) -> Found:
    """As `find`, each name in the column it is given for: exact when the column begins with it, letter by letter."""
    typed = {column: words for column, names in places.items() if (words := search_name(names[:LONGEST]))}
    asked = look_up(session, " ".join(typed.values()))
    exact = [plain(column).startswith(words, autoescape=True) for column, words in typed.items()]
    alike = [alike_in_place(column, asked, words) for column, words in typed.items()]
    search = Search(session, CASES, asked, most, [*exact, *conditions], [*alike, *conditions], actor.sites)
    return Found(*search.found())


def find_former(session: Session, names: str | Asked, *, most: int) -> FoundFormer:
    """As `find`, of all cases of the former system; who calls checks the permission."""
    asked = look_up(session, names) if isinstance(names, str) else names
    return FoundFormer(*Search(session, FORMER, asked, most, (), (), None).found())


def plain(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """A name column as `persons.normalised` has it, for the signs that names here have."""
    return func.translate(func.upper(column), "ÁÀÂÄÉÈÊËÍÌÎÏÓÒÔÖÚÙÛÜÑÇ-‐'’‘ʼ", "AAAAEEEEIIIIOOOOUUUUNC  ")


def alike_in_place(column: InstrumentedAttribute[Any], asked: Asked, words: str) -> ColumnElement[bool]:
    """The condition that `column` has each of `words`, which were among those `asked`, or one that it may mean."""
    here = set(typed_words(words))
    required = [word for word in asked.required(Tier.SLIP) if word.typed in here]
    return and_(true(), *(word.held_by(plain(column), Tier.SLIP) for word in required))
