"""Asking the services about a person before the transaction that needs the answers; calls are kept with the case.

`consult` opens short transactions of its own, before and after a call, and none during it. What it brings back is a
port like any other for the checks: one that knows one person.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.base import AnyRow, SessionLocal, read_rows, utc_now
from models.services import Outcome, Service, ServiceCall
from security.actor import Actor
from workflow import registry
from workflow.outside import breaker, parameters
from workflow.outside.conversation import Reply, converse
from workflow.outside.mapping import MAPPINGS, BadAnswer, Person
from workflow.outside.parameters import Parameters
from workflow.registry import CivilRegistry, RegistryDown, RegistryRecord, SimulatedRegistry
from workflow.watch_lists.hits import Hit, ListsDown, WatchLists


@dataclass(frozen=True)
class Call:
    """A call as it is kept: `request` and `answer` without credentials."""

    service: Service
    asked_at: dt.datetime
    request: dict[str, Any]
    reply: Reply


@dataclass(frozen=True)
class Answer:
    """What a service said of a person. `call` is None when nobody asked it; then, too, nothing is known."""

    service: Service
    cui: str
    call: Call | None = None
    record: RegistryRecord | None = None
    hits: Sequence[Hit] = ()
    goes_on: bool = False

    @property
    def known(self) -> bool:
        """Whether the service answered."""
        return self.call is not None and self.call.reply.outcome in breaker.WORKING

    def look_up(self, cui: str) -> RegistryRecord | None:
        """As `CivilRegistry`; it knows one person."""
        if not self.known or cui != self.cui:
            raise RegistryDown(goes_on=self.goes_on)
        return self.record

    def search(self, cui: str) -> list[Hit]:
        """As `WatchLists`; it knows one person."""
        if not self.known or cui != self.cui:
            raise ListsDown(goes_on=self.goes_on)
        return list(self.hits)


@dataclass(frozen=True)
class Consulted:
    """The answers about a person. A service that is not enabled has none."""

    person: Person
    answers: dict[Service, Answer] = field(default_factory=dict)
    simulated: CivilRegistry | None = None

    @property
    def registry(self) -> CivilRegistry | None:
        return self.simulated or self.answers.get(Service.CIVIL_REGISTRY)

    @property
    def lists(self) -> WatchLists | None:
        return self.answers.get(Service.WATCH_LISTS)

    def about(self, person: Person) -> "Consulted":
        """The same when it is about `person`; else as if nobody had answered, for the enrolment changed meanwhile."""
        if person == self.person or self.simulated:
            return self
        return Consulted(person, {service: replace(one, call=None) for service, one in self.answers.items()})


def consult(person: Person) -> Consulted:
    """Ask every enabled service about `person`. Call it while no transaction is open; it never raises for a service."""
    kind = registry.configured()
    if kind == "simulator":
        with SessionLocal.begin() as session:
            return _simulated(session, person)
    services = _enabled() if kind == "service" else []
    return Consulted(person, {service: ask(service, person) for service in services})


def unasked(session: Session, person: Person) -> Consulted:
    """What is known when nobody consulted: the simulator answers, an enabled service counts as silent."""
    kind = registry.configured()
    if kind == "simulator":
        return Consulted(person, simulated=SimulatedRegistry(session))
    services = parameters.asked(session) if kind == "service" else []
    found = {service: parameters.read(session, service) for service in services}
    return Consulted(person, {name: Answer(name, person.cui, goes_on=one.goes_on) for name, one in found.items()})


def _simulated(session: Session, person: Person) -> Consulted:
    record = SimulatedRegistry(session).look_up(person.cui)
    outcome = Outcome.NOT_FOUND if record is None else Outcome.ANSWERED
    answer = _reading(Service.CIVIL_REGISTRY, person, Reply(outcome, attempts=0))
    return Consulted(person, {Service.CIVIL_REGISTRY: replace(answer, record=record)})


def _enabled() -> list[Service]:
    with SessionLocal.begin() as session:
        return parameters.asked(session)


def ask(service: Service, person: Person, *, even_if_open: bool = False) -> Answer:
    """Ask one service, unless its breaker is open; `even_if_open` for somebody who tests it. No transaction is open."""
    with SessionLocal.begin() as session:
        said = parameters.read(session, service)
        admitted = even_if_open or breaker.admits(session, service)
    answer = _asked(said, person) if admitted else _reading(service, person, Reply(Outcome.BREAKER_OPEN))
    with SessionLocal.begin() as session:
        reply = answer.call.reply if answer.call else Reply(Outcome.BREAKER_OPEN)
        breaker.note(session, said, reply.outcome, reply.status)
    return replace(answer, goes_on=said.goes_on)


def _asked(said: Parameters, person: Person) -> Answer:
    mapping, asked_at = MAPPINGS[said.service], utc_now()
    question = mapping.question(person)
    reply = converse(said, question)
    found: RegistryRecord | list[Hit] | None = None
    if reply.body is not None:
        try:
            found = mapping.answer(person, reply.body)
        except BadAnswer:
            reply = replace(reply, outcome=Outcome.BAD_ANSWER)
        else:
            reply = replace(reply, outcome=Outcome.ANSWERED if found else Outcome.NOT_FOUND)
    call = Call(said.service, asked_at, question, reply)
    record = found if isinstance(found, RegistryRecord) else None
    return Answer(said.service, person.cui, call, record, found if isinstance(found, list) else ())


def _reading(service: Service, person: Person, reply: Reply) -> Answer:
    """An answer that came without a conversation."""
    return Answer(service, person.cui, Call(service, utc_now(), MAPPINGS[service].question(person), reply))


def keep(session: Session, actor: Actor, answer: Answer, case_id: int | None) -> ServiceCall | None:
    """Keep what was asked and answered, with the case or, for a test, without; None when nobody was asked."""
    call = answer.call
    if call is None:
        return None
    reply = call.reply
    kept = ServiceCall(
        case_id=case_id, service=call.service, asked_at=call.asked_at, took_ms=reply.took_ms, outcome=reply.outcome,
        status=reply.status, attempts=reply.attempts, request=call.request, answer=reply.body, user_id=actor.user_id,
    )  # fmt: skip
    session.add(kept)
    session.flush()
    return kept


def calls_of(session: Session, case_id: int) -> Sequence[AnyRow]:
    """What was asked about the person of a case, oldest first: the columns of `ServiceCall`."""
    return read_rows(session, _calls_of, {"case_id": case_id})


_calls: Any = ServiceCall.__table__
_calls_of = select(_calls).where(_calls.c.case_id == bindparam("case_id")).order_by(_calls.c.id)


def latest_tests(session: Session, service: Service, most: int = 10) -> list[ServiceCall]:
    """The last tests of a service, newest first."""
    tests = select(ServiceCall).where(ServiceCall.service == service, ServiceCall.case_id.is_(None))
    return list(session.scalars(tests.order_by(ServiceCall.id.desc()).limit(most)))
