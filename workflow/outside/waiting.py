"""Cases for which a service did not answer: asked again by the workers when it is back, and moved on by the system.

A case is claimed by moving its next time on, so that two workers never ask about the same one; a worker that is killed
between claim and answer leaves nothing but that time. The answer is written under the lock of the case, once: whoever
comes later finds that it no longer waits. What one round does is bounded, and ends when the breaker opens.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, select, text, update
from sqlalchemy.orm import Session

from models.base import SessionLocal, read_rows, utc_now
from models.cases import CaseEvent, CaseFinding, Event, Finding, PassportCase, State
from models.clock import local_date
from models.services import Outcome, Service, ServiceWait
from models.text import N_
from security.actor import Actor, system_actor
from security.errors import DomainError
from security.scope import acting_as
from workflow import cases, checks, registry
from workflow.facts import Found
from workflow.machine import lock_case, perform, refuse_if_held
from workflow.outside import consulting, parameters
from workflow.outside.consulting import Answer
from workflow.outside.mapping import Person

log = logging.getLogger(__name__)

#: The finding that says that a service did not answer.
FINDINGS = {
    Service.CIVIL_REGISTRY: Finding.REGISTRY_UNAVAILABLE,
    Service.WATCH_LISTS: Finding.WATCH_LIST_UNAVAILABLE,
}
ANSWERED_LATER = N_("The service answered later.")
#: States in which an answer still decides something.
DECIDABLE = (State.ENROLADA, State.VALIDACION_SECUNDARIA)
#: Until a case is asked about again: doubled each time, from the shortest to the longest. A claim lasts as long.
SHORTEST, LONGEST = dt.timedelta(minutes=1), dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Claimed:
    """A case that waits for `service`, and whom to ask about."""

    service: Service
    case_id: int
    number: str
    person: Person
    decidable: bool


def enlist(session: Session, case: PassportCase, answer: Answer) -> None:
    """Let the case wait for a service that did not answer."""
    if not answer.known:
        now = utc_now()
        session.add(ServiceWait(case_id=case.id, service=answer.service, since=now, next_at=now + SHORTEST))
        session.flush()


def ask_again(seconds: float = 8.0) -> int:
    """Ask about cases that wait, for about so many seconds; how many were settled. No transaction is to be open.

    A service whose breaker is open is left alone at the first that it does not admit.
    """
    settled, services = 0, _enabled()
    for service in services:
        deadline = time.monotonic() + seconds / len(services)
        while time.monotonic() < deadline and (claimed := _claim(service)) is not None:
            answer = consulting.ask(service, claimed.person) if claimed.decidable else None
            if answer and answer.call and answer.call.reply.outcome == Outcome.BREAKER_OPEN:
                _release(claimed)
                break
            settled += _settled(claimed, answer)
    return settled


def _enabled() -> list[Service]:
    if registry.configured() != "service":
        return []
    with SessionLocal.begin() as session:
        return parameters.asked(session)


def _claim(service: Service) -> Claimed | None:
    """The case that waits longest for its turn, put off for others; None when none is due."""
    with SessionLocal.begin() as session:
        due = (
            select(ServiceWait.case_id)
            .where(ServiceWait.service == service, ServiceWait.next_at <= utc_now())
            .order_by(ServiceWait.next_at, ServiceWait.case_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        case_id = session.execute(due).scalar()
        if case_id is None:
            return None
        wait = session.get_one(ServiceWait, (case_id, service))
        wait.attempts = min(wait.attempts + 1, 1000)
        wait.next_at = utc_now() + min(SHORTEST * 2 ** min(wait.attempts - 1, 10), LONGEST)
        case = session.get_one(PassportCase, case_id, execution_options={"every_site": True})
        return Claimed(service, case.id, case.number, _person(case), case.state in DECIDABLE)


def _release(claimed: Claimed) -> None:
    """Nobody was asked: the case is the first again."""
    with SessionLocal.begin() as session:
        session.execute(
            update(ServiceWait).where(_row(claimed)).values(next_at=utc_now(), attempts=ServiceWait.attempts - 1)
        )


def _row(claimed: Claimed) -> ColumnElement[bool]:
    return and_(ServiceWait.case_id == claimed.case_id, ServiceWait.service == claimed.service)


def _settled(claimed: Claimed, answer: Answer | None) -> bool:
    """Write what came of a claim; whether the case waits no longer. Somebody working on it makes it wait on."""
    try:
        with SessionLocal.begin() as session:
            system = system_actor(session)
            with acting_as(system):
                return _settle(session, system, claimed, answer)
    except DomainError as refusal:
        log.info("Case %s waits on: %s", claimed.number, refusal)
        return False


def _settle(session: Session, system: Actor, claimed: Claimed, answer: Answer | None) -> bool:
    case = lock_case(session, claimed.number)
    if answer is not None:
        consulting.keep(session, system, answer, case.id)
    if answer is not None and not answer.known and case.state in DECIDABLE:
        return False
    waits = session.execute(delete(ServiceWait).where(_row(claimed)).returning(ServiceWait.case_id)).first()
    if waits is None or answer is None or case.state not in DECIDABLE:
        return waits is not None
    refuse_if_held(session, case, system)
    hear(session, system, case, answer)
    return True


def hear(session: Session, system: Actor, case: PassportCase, answer: Answer) -> None:
    """The answer that was missing: the finding that said so is resolved, what it brings is found, the case moves on."""
    now, late = utc_now(), FINDINGS[answer.service]
    for finding in _open_findings(session, case):
        if finding.code == late:
            finding.resolved_at, finding.resolved_by_id, finding.resolution = now, system.user_id, ANSWERED_LATER
    found = _found(case, answer)
    if found:
        session.add(
            CaseFinding(case_id=case.id, code=found.code, fields=found.fields, detail=found.detail, found_at=now)
        )
    session.add(_event(case, system, now, found))
    session.flush()
    session.expire(case, ["findings"])
    if case.state == State.ENROLADA and found and found.refers:
        perform(session, cases.refer.__name__, case.number, system, comment=str(found.code))
    elif case.state == State.VALIDACION_SECUNDARIA and cases.all_resolved(case):
        perform(session, cases.return_to_supervision.__name__, case.number, system)


def _found(case: PassportCase, answer: Answer) -> Found | None:
    if answer.service == Service.WATCH_LISTS:
        return checks.on_lists(list(answer.hits))
    return checks.beside_record(_members(case), answer.record, local_date(case.enrolled_at))


def _open_findings(session: Session, case: PassportCase) -> Iterable[CaseFinding]:
    still = (CaseFinding.case_id == case.id, CaseFinding.resolved_at.is_(None))
    return session.scalars(select(CaseFinding).where(*still)).all()


def _event(case: PassportCase, system: Actor, now: dt.datetime, found: Found | None) -> CaseEvent:
    """The log's line of the late answer; the move that follows, if one does, has its own."""
    return CaseEvent(
        case_id=case.id, event=Event.INCONSISTENCIA if found else Event.REVISION, transition="hear",
        from_state=case.state, to_state=case.state, started_at=now, at=now, user_id=system.user_id,
        username=system.username, site_code=case.site_code, comment=str(found.code) if found else ANSWERED_LATER,
    )  # fmt: skip


def _members(case: PassportCase) -> dict[str, str]:
    """The person of a case in the members that the checks compare, as they stand now."""
    known = {
        "firstName": case.first_name, "secondName": case.second_name, "otherNames": case.other_names,
        "firstSurname": case.first_surname, "secondSurname": case.second_surname,
        "marriedSurname": case.married_surname, "dateOfBirth": case.birth_date, "gender": case.sex_code,
        "cui": case.cui,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value}


def _person(case: PassportCase) -> Person:
    previous = {"previousPassport": {"bookletNumber": case.previous_booklet}}
    return Person.of(_members(case) | {"identificationNumber": case.identification_number}, previous)


_WAITS = text("select case_id, service from service_wait where case_id = any(:cases) order by service")


def waits_of(session: Session, case_ids: Iterable[int]) -> dict[int, list[Service]]:
    """Of these cases, those that wait for a service, and for which."""
    asked, found = list(case_ids), dict[int, list[Service]]()
    if asked:
        for case_id, service in read_rows(session, _WAITS, {"cases": asked}):
            found.setdefault(case_id, []).append(Service(service))
    return found


def how_many_wait(session: Session, service: Service, *, cap: int = 10_000) -> int:
    """How many cases wait for the service, counted up to `cap` + 1."""
    some = select(text("1")).select_from(ServiceWait).where(ServiceWait.service == service).limit(cap + 1).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()
