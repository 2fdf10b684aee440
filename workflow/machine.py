"""The state machine of a case: transitions are declared once, one `perform` carries each out.

A transition is one decorated function: the decorator says from where, to where, who, and which values it takes; the
body is guards, then effects; its name is its identity. Buttons, forms, routes, REST verbs, the log, the diagram and the
tests come from the declaration. A library of state machines (transitions, python-statemachine) was weighed: both hold
states, but none of permission, row lock, controls and log, which are the work here (docs/decisions/0003).
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import BookletState as B
from models.cases import CaseEvent, Event, PassportCase, State
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, HeldByAnother, NotAllowed, NotFound, WrongState
from security.permissions import Permission
from workflow.fields import Field, clean

#: A case that somebody took and left is free again after this long.
HOLD_LASTS = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Asked:
    """Who asked for an act that somebody else carries out, and in which request; the event names both."""

    user_id: int
    username: str
    request: int | None = None


@dataclass
class Act:
    """One transition being carried out: what the body may read, and what the event will say."""

    session: Session
    transition: "Transition"
    case: PassportCase
    actor: Actor
    at: dt.datetime
    booklet_number: str | None = None
    reason_code: str | None = None
    comment: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    to_state: State | None = None
    warnings: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    asked: Asked | None = None


@dataclass(frozen=True)
class Transition:
    """A declared move of the machine. `to_state` None: the case stays where it is; `ends` says where it does not."""

    name: str
    codes: tuple[str, ...]
    from_states: tuple[State, ...]
    to_state: State | None
    permission: Permission
    label: str
    event: Event
    module: str
    fields: tuple[Field, ...]
    booklet: tuple[B | None, B | None]
    confirm: str | None
    danger: bool
    applies: Callable[[PassportCase], bool]
    body: Callable[..., None]
    ends: Mapping[State, State]

    def end_of(self, state: State) -> State:
        """Where a case that is in `state` stands after this move."""
        return self.ends.get(state) or self.to_state or state


@dataclass(frozen=True)
class Creation:
    """A way for a case to come to be; `by` is the transition, on another case, that makes it."""

    code: str
    to_state: State
    event: Event
    label: str
    by: str | None = None


#: Reception itself is in workflow.intake; the others in workflow.succession.
CREATIONS = (
    Creation("T01", State.ENROLADA, Event.RECEPCION, N_("Received from a capture station")),
    Creation("T22", State.AUTORIZADA, Event.CREADO_POR_CORRECCION, N_("Made by a correction"), "correct_issued"),
    Creation("T23", State.AUTORIZADA, Event.CREADO_POR_PRORROGA, N_("Made by an extension"), "extend"),
)
TRANSITIONS: dict[str, Transition] = {}
#: Checks of SPEC 5 run before every body; workflow.controls adds them, so that the machine does not know them.
CONTROLS: list[Callable[[Act], None]] = []


def transition(
    *codes: str,
    from_states: tuple[State, ...],
    to_state: State | None,
    permission: Permission,
    label: str,
    event: Event,
    module: str,
    fields: tuple[Field, ...] = (),
    booklet: tuple[B | None, B | None] = (None, None),
    confirm: str | None = None,
    danger: bool = False,
    applies: Callable[[PassportCase], bool] = lambda case: True,
    ends: Mapping[State, State] = MappingProxyType({}),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare the decorated function as a transition; `codes` are those of models/seed/transiciones.csv."""

    def declare(body: Callable[..., None]) -> Callable[..., None]:
        TRANSITIONS[body.__name__] = Transition(
            body.__name__,
            codes,
            from_states,
            to_state,
            permission,
            label,
            event,
            module,
            fields,
            booklet,
            confirm,
            danger,
            applies,
            body,
            ends,
        )
        return body

    return declare


def perform(
    session: Session, name: str, number: str, actor: Actor, asked: Asked | None = None, /, **values: Any
) -> CaseEvent:
    """Carry transition `name` out on the case `number`, as `asked` for by another person if so; the caller commits.

    Permission, row lock, hold, state, controls, body, event, new state: all or nothing. Raises a `DomainError`.
    """
    act = prepare(session, name, number, actor, values, asked)
    for control in CONTROLS:
        control(act)
    act.transition.body(act, **act.values)
    return record(act)


def prepare(
    session: Session, name: str, number: str, actor: Actor, values: Mapping[str, Any], asked: Asked | None = None
) -> Act:
    """The act about to be carried out: its case locked, its values checked; nothing is changed yet."""
    move = TRANSITIONS.get(name)
    if move is None:
        raise NotFound(N_("There is no act called %(name)s."), name=name)
    if not actor.may(move.permission):
        raise NotAllowed()
    case = lock_case(session, number)
    if not may_here(actor, move, case):
        raise NotAllowed(N_("You may not do this at the sites of case %(number)s."), number=number)
    refuse_if_held(session, case, actor)
    if case.state not in move.from_states:
        raise wrong_state(session, case)
    if not move.applies(case):
        raise WrongState(
            N_("“%(label)s” (%(act)s) is not for case %(number)s."), label=move.label, act=name, number=number
        )
    act = Act(session, move, case, actor, utc_now(), booklet_number=case.booklet_number, asked=asked)
    act.to_state = move.end_of(case.state)
    act.values = clean(session, move.fields, values)
    if asked is not None:
        act.data["asked"] = {"by_id": asked.user_id, "by": asked.username, "request": asked.request}
    return act


def lock_case(session: Session, number: str, *, every_site: bool = False) -> PassportCase:
    """The case, locked until the transaction ends; read anew even if the session knows it.

    `every_site` is for acts that reach a case the actor need not see, as the void of the passport a new one follows.
    """
    case = session.scalars(
        select(PassportCase)
        .where(PassportCase.number == number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True, every_site=every_site)
    ).first()
    if case is None:
        raise NotFound(N_("There is no case %(number)s at your sites."), number=number)
    return case


def record(act: Act) -> CaseEvent:
    """Write the event of `act` and put the case into its new state."""
    case, before = act.case, act.case.state
    after = act.to_state or before
    started = case.held_at if case.held_by_id == act.actor.user_id and case.held_at else act.at
    entry = CaseEvent(
        case_id=case.id,
        event=act.transition.event,
        transition=act.transition.name,
        from_state=before,
        to_state=after,
        started_at=started,
        at=act.at,
        user_id=act.actor.user_id,
        username=act.actor.username,
        site_code=case.print_site_code if act.transition.booklet[1] else case.site_code,
        address=act.actor.address,
        booklet_number=act.booklet_number,
        reason_code=act.reason_code,
        comment=act.comment,
        data=act.data,
    )
    if after != before:
        case.state, case.state_since = after, act.at
        case.held_by_id = case.held_at = None
    act.session.add(entry)
    act.session.flush()
    return entry


def refuse_if_held(session: Session, case: PassportCase, actor: Actor) -> None:
    """Raise `HeldByAnother` while somebody else has taken the case."""
    if case.held_by_id in (None, actor.user_id) or case.held_at is None or utc_now() - case.held_at > HOLD_LASTS:
        return
    holder = session.get(User, case.held_by_id)
    raise HeldByAnother(
        N_("%(user)s has been working on case %(number)s since %(at)s."),
        user=holder.username if holder else "?",
        number=case.number,
        at=case.held_at,
    )


def wrong_state(session: Session, case: PassportCase) -> WrongState:
    """The error that says in which state the case is, and who put it there, when."""
    last = session.scalars(
        select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc()).limit(1)
    ).first()
    if last is None:
        return WrongState(N_("Case %(number)s is %(state)s."), number=case.number, state=case.state)
    return WrongState(
        N_("Case %(number)s is %(state)s: %(user)s recorded “%(event)s” at %(at)s."),
        number=case.number,
        state=case.state,
        user=last.username,
        event=last.event,
        at=last.at,
    )


def available(case: PassportCase, actor: Actor) -> list[Transition]:
    """The transitions `actor` may try on `case` now, in the order they were declared."""
    return [
        move
        for move in TRANSITIONS.values()
        if case.state in move.from_states and may_here(actor, move, case) and move.applies(case)
    ]


def may_here(actor: Actor, move: Transition, case: PassportCase) -> bool:
    """Whether `actor` holds the permission of `move` at the case's site or at the one that prints for it."""
    return actor.may_at(move.permission, case.site_code, case.print_site_code)


def required(value: Any, name: str) -> Any:
    """`value`, or `BadValue` naming the field when it is missing."""
    if value in (None, ""):
        raise BadValue(N_("This is missing."), field=name)
    return value
