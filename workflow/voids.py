"""Anular Libreta for one booklet, blank or used, and its counterpart, reactivation (M:L1225; SPEC 2).

A blank is voided by the stock's rules, a booklet of a case by the case's transition. Of a delivered passport a report
of loss or theft takes effect at once; any other reason is asked for, and a second person approves it.
"""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest
from models.booklets import Booklet, BookletState
from models.cases import CaseEvent, PassportCase
from models.stock import StockMovement
from models.text import N_
from security.actor import Actor
from security.errors import DomainError, NotFound, Unavailable
from workflow import requests, second_person
from workflow.amendments import VOID_TYPE, reactivate_booklet, reactivation, void_booklet
from workflow.booklets import GONE, LOST_OR_STOLEN, moved
from workflow.controls import DECLARED, mode
from workflow.fields import choices
from workflow.machine import TRANSITIONS, lock_case, perform, wrong_state
from workflow.stock import blanks
from workflow.stock.booklet_card import Card, UsedFor

VOID, REACTIVATE = TRANSITIONS[void_booklet.__name__], TRANSITIONS[reactivate_booklet.__name__]
_TWO_PEOPLE = next(control for control in DECLARED if VOID.name in control.acts and control.two_people)


@dataclass(frozen=True)
class Offer:
    """What an actor may do with a booklet now.

    `types`: the void types it takes, none where he cannot void it; `second_person`: those but LOST_OR_STOLEN wait for
    one; `reactivable`: he can undo its void, or `obstacle` says why not; `waiting`: a request on its case.
    """

    types: list[tuple[str, str]] = field(default_factory=list)
    second_person: bool = False
    at_once: frozenset[str] = LOST_OR_STOLEN
    reactivable: bool = False
    obstacle: DomainError | None = None
    waiting: AmendmentRequest | None = None


def offer(session: Session, card: Card, actor: Actor) -> Offer:
    """What `actor` may do with the booklet of `card`."""
    if card.voidable:
        return Offer(types=[(kind.code, kind.name) for kind in blanks.void_types(session) if kind.code not in GONE])
    if card.reactivable:
        return Offer(reactivable=True)
    if not (card.uses and card.uses[-1].opens_case and actor.may(VOID.permission, REACTIVATE.permission)):
        return Offer()
    case = card.case
    if case is None or case.id != card.case_id or not actor.sees(case.site_code, case.print_site_code):
        return Offer()
    return (_voided if card.state == BookletState.ANULADA else _used)(session, card, case, actor)


def _used(session: Session, card: Card, case: UsedFor, actor: Actor) -> Offer:
    if not actor.may(VOID.permission) or case.state not in VOID.from_states or case.booklet_number != card.number:
        return Offer()
    delivered = card.state == BookletState.ENTREGADA
    return Offer(
        types=void_types(session, card.state),
        second_person=delivered and mode(session, _TWO_PEOPLE, case.site_code) == "enforce",
        waiting=requests.waiting_on(session, case.id),
    )


def _voided(session: Session, card: Card, used: UsedFor, actor: Actor) -> Offer:
    if not actor.may(REACTIVATE.permission):
        return Offer()
    case, booklet = session.get_one(PassportCase, used.id), session.get_one(Booklet, card.number)
    try:
        if case.state not in REACTIVATE.from_states:
            raise wrong_state(session, case)
        reactivation(session, case, booklet, actor)
    except DomainError as obstacle:
        return Offer(obstacle=obstacle)
    return Offer(reactivable=True)


def void_types(session: Session, state: BookletState) -> list[tuple[str, str]]:
    """The void types of this module that a booklet in `state` takes, as (code, name)."""
    offered = choices(session, VOID_TYPE, booklet_states=state)
    return [(code, label.partition(" · ")[2]) for code, label in offered]


def void(
    session: Session, actor: Actor, number: str, *, void_type: str, comment: str
) -> CaseEvent | AmendmentRequest | StockMovement:
    """Void booklet `number`, or ask for it where a second person must approve; says which by what it returns."""
    case = _case_of(session, number)
    if case is None:
        return blanks.void_blank(session, actor, number, void_type=void_type, remarks=comment)
    values = {"void_type": void_type, "comment": comment}
    if lock_case(session, case.number).booklet_number != number:
        raise moved(session, session.get_one(Booklet, number))
    if second_person.needs_second(session, VOID.name, case.number, actor, values):
        return second_person.ask(session, VOID.name, case.number, actor, values)
    return perform(session, VOID.name, case.number, actor, **values)


def reactivate(session: Session, actor: Actor, number: str, *, comment: str) -> CaseEvent | StockMovement:
    """Undo the void of booklet `number` by a reversing entry; another person than who voided it."""
    case = _case_of(session, number)
    if case is None:
        return blanks.reactivate_blank(session, actor, number, remarks=comment)
    return perform(session, REACTIVATE.name, case.number, actor, booklet=number, comment=comment)


def _case_of(session: Session, number: str) -> PassportCase | None:
    """The case that booklet `number` belongs to, None for a blank; `Unavailable` where the actor does not see it."""
    booklet = session.get(Booklet, number)
    if booklet is None:
        raise NotFound(N_("There is no booklet %(number)s in stock."), number=number[:20], field="raw")
    if booklet.case_id is None:
        return None
    case = session.scalars(select(PassportCase).where(PassportCase.id == booklet.case_id)).first()
    if case is None:
        raise Unavailable(N_("Booklet %(number)s belongs to a case of another site, which must do it."), number=number)
    return case
