"""Requests that wait for a second person, and what became of them: found, listed, compared with their cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest, Evidence, RequestState
from models.booklets import Booklet
from models.cases import CaseEvent, PassportCase
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotAllowed, NotFound, WrongState
from workflow import evidence
from workflow.amendments import correct, correct_issued, void_booklet
from workflow.changes import Change, in_words, label_of, ordered, word
from workflow.labels import Labels, read_labels, usernames
from workflow.machine import TRANSITIONS, Transition, wrong_state
from workflow.succession import value_of

CORRECTIONS = (correct.__name__, correct_issued.__name__)
VOIDS = (void_booklet.__name__,)
#: Decided requests on one page of a list; more that wait than the other are not shown.
PAGE, MOST_WAITING = 50, 200


@dataclass(frozen=True)
class Difference:
    """What changed on a case since a request was made: label as message id; states are codes."""

    label: str
    then: Any
    now: Any
    column: str | None = None


@dataclass(frozen=True)
class RequestRow:
    """A request as lists show it; no data of the person."""

    request: AmendmentRequest
    case: PassportCase
    asked_by: str
    decided_by: str | None

    @property
    def move(self) -> Transition:
        return TRANSITIONS[self.request.kind]

    @property
    def changed(self) -> list[str]:
        """The labels of what a correction changes."""
        return [label_of(name) for name in ordered(self.request.proposed)]


@dataclass(frozen=True)
class RequestFile(RequestRow):
    """All about a request; `differences`: what is otherwise on the case by now, while it waits."""

    changes: list[Change]
    differences: list[Change]
    reason: str
    files: list[Evidence]
    event: CaseEvent | None
    labels: Labels


def correction_of(session: Session, case: PassportCase) -> Transition:
    """How `case` is corrected in its state, or `WrongState` saying who brought it there."""
    for name in CORRECTIONS:
        if case.state in TRANSITIONS[name].from_states:
            return TRANSITIONS[name]
    raise wrong_state(session, case)


def waiting_on(session: Session, case_id: int) -> AmendmentRequest | None:
    """The request that waits on the case of that id, if any."""
    return session.scalars(_waiting(), {"case_id": case_id}).first()


@cache
def _waiting() -> Select[AmendmentRequest]:
    query = select(AmendmentRequest).where(AmendmentRequest.case_id == bindparam("case_id"))
    return query.where(AmendmentRequest.state == RequestState.PENDING).execution_options(populate_existing=True)


def find(session: Session, number: int, actor: Actor) -> tuple[AmendmentRequest, PassportCase]:
    """A request and its case, for who may do what it asks and sees the case; `NotFound` otherwise."""
    request = session.get(AmendmentRequest, number)
    case = None
    if request is not None:
        if not actor.may(TRANSITIONS[request.kind].permission):
            raise NotAllowed()
        case = session.scalars(select(PassportCase).where(PassportCase.id == request.case_id)).first()
    if request is None or case is None:
        raise NotFound(N_("There is no request No. %(number)s at your sites."), number=number)
    return request, case


def whole(session: Session, number: int, actor: Actor) -> RequestFile:
    """All about a request, for who may do what it asks; who calls logs the look."""
    request, case = find(session, number, actor)
    changed = differences(session, request, case) if request.state == RequestState.PENDING else []
    reasons = "void_type" if request.kind in VOIDS else "decision_reason"
    labels = read_labels(session, [request.requested_by_id, request.decided_by_id])
    return RequestFile(
        request, case, labels.user(request.requested_by_id) or "?", labels.user(request.decided_by_id),
        in_words(labels, request.before, request.proposed), [_in_words(labels, one) for one in changed],
        labels.name(reasons, request.reason_code) or "", evidence.of_request(session, request.id),
        session.get(CaseEvent, request.event_id) if request.event_id else None, labels,
    )  # fmt: skip


def _in_words(labels: Labels, one: Difference) -> Change:
    if one.column is None:
        return Change(one.label, one.then, one.now)
    return Change(one.label, word(labels, one.column, one.then), word(labels, one.column, one.now))


def waiting(session: Session, kinds: Sequence[str]) -> list[RequestRow]:
    """Requests of `kinds` that wait, on cases that the actor sees, the oldest first."""
    query = _listed(kinds).where(AmendmentRequest.state == RequestState.PENDING)
    return _rows(session, query.order_by(AmendmentRequest.id).limit(MOST_WAITING))


def decided(
    session: Session, kinds: Sequence[str], *, before: int | None = None
) -> tuple[list[RequestRow], int | None]:
    """Requests of `kinds` that are over, newest first, and the number before which the next page starts."""
    query = _listed(kinds).where(AmendmentRequest.state != RequestState.PENDING)
    if before is not None:
        query = query.where(AmendmentRequest.id < before)
    found = _rows(session, query.order_by(AmendmentRequest.id.desc()).limit(PAGE + 1))
    return found[:PAGE], found[PAGE - 1].request.id if len(found) > PAGE else None


def _listed(kinds: Sequence[str]) -> Any:
    joined = select(AmendmentRequest, PassportCase).join(PassportCase, PassportCase.id == AmendmentRequest.case_id)
    return joined.where(AmendmentRequest.kind.in_(kinds))


def _rows(session: Session, query: Any) -> list[RequestRow]:
    found = session.execute(query).all()
    ids = [user for request, _case in found for user in (request.requested_by_id, request.decided_by_id)]
    people = usernames(session, ids)
    return [
        RequestRow(request, case, people.get(request.requested_by_id, "?"), people.get(request.decided_by_id or 0))
        for request, case in found
    ]


def differences(session: Session, request: AmendmentRequest, case: PassportCase) -> list[Difference]:
    """What is otherwise on `case` than when the request was made."""
    found = []
    if case.state != request.from_state:
        found.append(Difference(N_("State of the case"), request.from_state, case.state))
    if case.booklet_number != request.booklet_number:
        found.append(Difference(N_("Booklet"), request.booklet_number, case.booklet_number))
    elif case.booklet_number is not None:
        state = session.scalars(select(Booklet.state).where(Booklet.number == case.booklet_number)).one()
        if state != request.booklet_state:
            found.append(Difference(N_("State of the booklet"), request.booklet_state, state))
    for name in ordered(request.before):
        then, now = request.before[name], value_of(session, case, name)
        if now != then:
            found.append(Difference(label_of(name), then, now, name))
    return found


def refuse_if_changed(session: Session, request: AmendmentRequest, case: PassportCase) -> None:
    """Raise `WrongState` with the first difference; the page of the request shows them all."""
    for one in differences(session, request, case):
        raise WrongState(
            N_("The case changed since request No. %(number)s: “%(label)s” was %(expected)s and is %(state)s."
               " Withdraw the request, or ask anew."),
            number=request.id, label=one.label, expected=_shown(one.then), state=_shown(one.now),
        )  # fmt: skip


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)


def username(session: Session, user: int | None) -> str:
    """The name of a user; a question mark for none."""
    found = session.get(User, user) if user else None
    return found.username if found else "?"
