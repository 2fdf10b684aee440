"""Finding things: whatever was typed or read leads to cases, a booklet, a stock document, cases of the former system.

Each kind of thing is looked for only for who may see it, and of each only what he may see is found. Every look is
logged, with what was asked and whom it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import or_, select, union
from sqlalchemy.orm import Session

from models.booklets import Booklet, Personalisation
from models.cases import PassportCase
from models.enrolments import FormerCase
from models.stock import DocumentKind, StockDocument
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow import former_enquiries, name_search, name_words
from workflow.enquiries import FOUND_AT_MOST
from workflow.name_search import Found, FoundFormer
from workflow.stock import documents
from workflow.typed import Typed, read

#: The names that module 15 asks for (M:L1003).
NAMES = ("first_name", "second_name", "first_surname", "second_surname")
#: One of these opens the box.
BOX = (
    Permission.READ_CASES, Permission.SEARCH_CASES, Permission.READ_BOOKLETS, Permission.READ_STOCK,
    Permission.SEARCH_FORMER,
)  # fmt: skip


@dataclass(frozen=True)
class Things:
    """What was found, of each kind. `alike`: whose names are only like those asked for."""

    cases: list[PassportCase] = field(default_factory=list)
    alike: list[PassportCase] = field(default_factory=list)
    booklet: Booklet | None = None
    document: StockDocument | None = None
    former: list[FormerCase] = field(default_factory=list)
    former_alike: list[FormerCase] = field(default_factory=list)

    @property
    def only(self) -> PassportCase | Booklet | StockDocument | FormerCase | None:
        """The one thing that was found; a booklet goes before its case only where the case is not seen."""
        if self.alike or self.former_alike:
            return None
        things: list[PassportCase | StockDocument | FormerCase] = [*self.cases, *self.former]
        every = things + ([self.document] if self.document else [])
        if not every:
            return self.booklet
        return every[0] if len(every) == 1 else None


def anything(session: Session, actor: Actor, typed: Typed) -> Things:
    """What the box in the header finds; `NotAllowed` for who may see nothing of the kind."""
    if not actor.may(*BOX):
        raise NotAllowed()
    if typed.number:
        found = Things(
            cases=_cases(session, actor, typed) if _finds_cases(actor) else [],
            booklet=_booklet(session, actor, typed), document=_document(session, actor, typed),
            former=_former(session, actor, typed.number, typed.cui),
        )  # fmt: skip
    else:
        found = _named(session, actor, typed.names)
    if typed.number or typed.names:
        _log(session, actor, "find", typed.number or typed.names, found)
    return found


def cases_by_number(session: Session, actor: Actor, text: str) -> list[PassportCase]:
    """Cases that a number, zone or 2D code names: case, booklet (voided ones too), CUI, payment slip; newest first."""
    if not _finds_cases(actor):
        raise NotAllowed()
    typed = read(text)
    if not typed.number:
        return []
    found = Things(cases=_cases(session, actor, typed))
    _log(session, actor, "find", typed.number, found)
    return found.cases


def cases_by_names(session: Session, actor: Actor, names: Mapping[str, str]) -> Found:
    """Cases by beginnings of any of the four NAMES, each in its own place."""
    places = {column: names[column] for column in NAMES if names.get(column, "").strip()}
    columns = {getattr(PassportCase, column): words for column, words in places.items()}
    mine = _searcher(actor)
    return _logged(session, actor, name_search.find_in_place(session, mine, columns, most=FOUND_AT_MOST), places)


def cases_of_people(session: Session, actor: Actor, names: str) -> Found:
    """Cases by names in any order: those that begin with each word, then those whose names are like them."""
    found = name_search.find(session, _searcher(actor), names, most=FOUND_AT_MOST)
    return _logged(session, actor, found, {"names": names})


def _searcher(actor: Actor) -> Actor:
    if not actor.may(Permission.SEARCH_CASES):
        raise NotAllowed()
    return actor.by(Permission.SEARCH_CASES)


def _logged(session: Session, actor: Actor, found: Found, asked: dict[str, str]) -> Found:
    numbers = [case.number for case in (*found.exact, *found.alike)]
    log_look(session, actor, "search", None, asked=asked, cases=numbers)
    return found


def _named(session: Session, actor: Actor, names: str) -> Things:
    cases, former = Found(), FoundFormer()
    if names and actor.may(Permission.SEARCH_CASES, Permission.SEARCH_FORMER):
        asked = name_words.look_up(session, names)
        if actor.may(Permission.SEARCH_CASES):
            cases = name_search.find(session, actor.by(Permission.SEARCH_CASES), asked, most=FOUND_AT_MOST)
        if actor.may(Permission.SEARCH_FORMER):
            former = name_search.find_former(session, asked, most=FOUND_AT_MOST)
    return Things(cases=cases.exact, alike=cases.alike, former=former.exact, former_alike=former.alike)


def _finds_cases(actor: Actor) -> bool:
    return actor.may(Permission.SEARCH_CASES, Permission.READ_CASES)


def _cases(session: Session, actor: Actor, typed: Typed) -> list[PassportCase]:
    used = select(Personalisation.case_id).where(Personalisation.booklet_number == typed.number)
    own = or_(PassportCase.number == typed.number, PassportCase.payment_slip == typed.number)
    same = [PassportCase.cui == typed.cui] if typed.cui and not typed.scanned else []
    which = union(used, *(select(PassportCase.id).where(condition) for condition in (own, *same)))
    mine = actor.by(Permission.SEARCH_CASES, Permission.READ_CASES)
    # Sorted here: asked for the newest, the database may walk all cases from the newest on.
    some = session.scalars(select(PassportCase).where(PassportCase.id.in_(which)).limit(20 * FOUND_AT_MOST)).all()
    seen = [case for case in some if mine.sees(case.site_code, case.print_site_code)]
    found = sorted(seen, key=lambda case: -case.id)[:FOUND_AT_MOST]
    if found or not (typed.scanned and typed.cui):
        return found
    return _cases(session, actor, Typed(typed.text, number=typed.cui, cui=typed.cui))


def _booklet(session: Session, actor: Actor, typed: Typed) -> Booklet | None:
    return session.get(Booklet, typed.number) if actor.may(Permission.READ_BOOKLETS) else None


def _document(session: Session, actor: Actor, typed: Typed) -> StockDocument | None:
    kinds = [kind for kind in DocumentKind if kind != DocumentKind.REVERSION]
    if typed.document is None or not actor.may(Permission.READ_STOCK):
        return None
    try:
        return documents.find(session, typed.document, actor, *kinds)
    except NotFound:
        return None


def _former(session: Session, actor: Actor, number: str, cui: str | None) -> list[FormerCase]:
    return former_enquiries.of_number(session, number, cui) if actor.may(Permission.SEARCH_FORMER) else []


def _log(session: Session, actor: Actor, screen: str, asked: str, found: Things) -> None:
    former = [case.number for case in (*found.former, *found.former_alike)]
    cases = [case.number for case in (*found.cases, *found.alike)]
    log_look(session, actor, screen, None, asked=asked, cases=cases, **({"former": former} if former else {}))
