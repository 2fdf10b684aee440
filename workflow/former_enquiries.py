"""Histórico: cases of the former system found by case, booklet, CUI and names, and one of them with all about it.

They belong to no site: whoever may look them up sees all of them. What he sees of our cases beside them is his alone.
"""

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.cases import PassportCase
from models.enrolments import FormerCase, FormerImport
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow import name_search
from workflow.enquiries import FOUND_AT_MOST
from workflow.labels import Labels, read_labels
from workflow.name_search import FoundFormer

#: How many related cases of either system a page shows.
RELATED_AT_MOST = 20
#: Case, booklet and CUI numbers of the former system.
_NUMBER = re.compile(r"[A-Z0-9-]{3,20}")


@dataclass(frozen=True)
class FormerFile:
    """A case of the former system with what belongs to it.

    `cells`: columns and cells as the export had them, empty when they were not kept. `ours`: cases here of the same CUI
    or that name its booklet, of those the actor may read; `others`: further cases of the former system, likewise.
    """

    case: FormerCase
    run: FormerImport | None
    cells: list[tuple[str, str]]
    ours: list[PassportCase]
    others: list[FormerCase]
    labels: Labels


def find(session: Session, actor: Actor, *, number: str = "", names: str = "") -> FoundFormer:
    """Cases by `number` (case, booklet or CUI), else by names, at most FOUND_AT_MOST; the look is logged."""
    _ask(actor)
    asked = number.strip() or names.strip()
    if not asked:
        return FoundFormer()
    text = _number(number)
    if number.strip():
        found = FoundFormer(of_number(session, text) if text else [])
    else:
        found = name_search.find_former(session, names, most=FOUND_AT_MOST)
    log_look(session, actor, "former", None, asked=asked, cases=[case.number for case in found.exact + found.alike])
    return found


def of_number(session: Session, number: str, cui: str | None = None) -> list[FormerCase]:
    """Cases of that number, booklet or CUI, or of the person whose CUI is `cui`; who calls checks the permission."""
    person = FormerCase.cui.in_({number, cui or number})
    return _cases(session, or_(FormerCase.number == number, FormerCase.booklet_number == number, person))


def with_booklet(session: Session, actor: Actor, typed: str) -> list[FormerCase]:
    """The cases of the former system that stand on a booklet, for who may look up booklets; logged."""
    number = _number(typed)
    if number is None or not actor.may(Permission.READ_BOOKLETS):
        return []
    found = _cases(session, FormerCase.booklet_number == number)
    if found:
        log_look(session, actor, "former", None, asked=number, cases=[case.number for case in found])
    return found


def read(session: Session, number: str, actor: Actor) -> FormerFile:
    """A case of the former system with all that belongs to it; the look is logged. Raises `NotFound`."""
    _ask(actor)
    case = session.get(FormerCase, number)
    if case is None:
        raise NotFound(N_("There is no case %(number)s of the former system."), number=number)
    log_look(session, actor, "former", case.number)
    run = session.get(FormerImport, case.import_id) if case.import_id is not None else None
    ours, others = _ours(session, case, actor), _others(session, case)
    return FormerFile(case, run, _cells(case, run), ours, others, read_labels(session))


def _ask(actor: Actor) -> None:
    if not actor.may(Permission.SEARCH_FORMER):
        raise NotAllowed()


def _number(typed: str) -> str | None:
    text = re.sub(r"\s", "", typed).upper()
    return text if _NUMBER.fullmatch(text) else None


def _cases(session: Session, which: ColumnElement[bool], most: int = FOUND_AT_MOST) -> list[FormerCase]:
    return sorted(session.scalars(select(FormerCase).where(which).limit(most)), key=lambda case: case.number)


def _same(case: FormerCase, cui: ColumnElement[bool], booklet: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """The condition that either names the person or the booklet of `case`, as far as it has them."""
    known = ([cui] if case.cui else []) + ([booklet] if case.booklet_number else [])
    return or_(*known) if known else None


def _others(session: Session, case: FormerCase) -> list[FormerCase]:
    same = _same(case, FormerCase.cui == case.cui, FormerCase.booklet_number == case.booklet_number)
    if same is None:
        return []
    return [other for other in _cases(session, same, RELATED_AT_MOST) if other.number != case.number]


def _ours(session: Session, case: FormerCase, actor: Actor) -> list[PassportCase]:
    same = _same(case, PassportCase.cui == case.cui, PassportCase.previous_booklet == case.booklet_number)
    if same is None or not actor.may(Permission.READ_CASES):
        return []
    found = session.scalars(select(PassportCase).where(same).limit(RELATED_AT_MOST))
    seen = [each for each in found if actor.may_at(Permission.READ_CASES, each.site_code, each.print_site_code)]
    return sorted(seen, key=lambda each: each.id, reverse=True)


def _cells(case: FormerCase, run: FormerImport | None) -> list[tuple[str, str]]:
    if case.source_cells is None or run is None:
        return []
    return list(zip(run.header, case.source_cells, strict=False))
