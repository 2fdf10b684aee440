"""Two correctors, two approvers, an approver and a withdrawal at once, each on a connection of his own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest
from models.base import make_engine
from models.cases import CaseEvent, State
from models.control import ControlSetting
from security.actor import Actor
from security.errors import DomainError, WrongState
from security.scope import acting_as
from tests.together import at_once
from tests.workflow.test_races import actor_called, committed_cases, seen
from workflow import second_person
from workflow.second_person import Requester

ROUNDS = 12


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("request_races"), pool_size=10)
    with Session(engine) as session:
        session.add(ControlSetting(control="correction_evidence", site_code="*", mode="off"))
        session.commit()
    yield engine
    engine.dispose()


def asking(office: Engine, actor: Actor, number: str, name: str) -> Callable[[], int]:
    def do() -> int:
        values = {"changes": {"first_name": name}, "reason": "C01", "comment": "Así consta"}
        with acting_as(actor), Session(office) as session, session.begin():
            asker = Requester("APPLICANT")
            return second_person.ask(session, "correct", number, actor, values, requester=asker).id

    return do


def deciding(office: Engine, actor: Actor, how: Callable[..., Any], request: int, *said: str) -> Callable[[], str]:
    def do() -> str:
        with acting_as(actor), Session(office) as session, session.begin():
            how(session, request, actor, *said)
        return how.__name__

    return do


def one_each(results: list[Any]) -> tuple[Any, WrongState]:
    lost = [result for result in results if isinstance(result, DomainError)]
    won = [result for result in results if not isinstance(result, DomainError)]
    assert (len(won), len(lost)) == (1, 1), results
    assert isinstance(lost[0], WrongState)
    return won[0], lost[0]


def test_of_two_correctors_at_once_one_request_stands_and_the_other_reads_whose(office: Engine) -> None:
    first, other = actor_called(office, "jpgu"), actor_called(office, "jusa")
    for turn, number in enumerate(committed_cases(office, State.ENROLADA, ROUNDS)):
        acts = [asking(office, first, number, "Mariseli"), asking(office, other, number, "María")]
        won, lost = one_each(at_once(*(acts if turn % 2 else acts[::-1])))
        with Session(office) as session:
            standing = session.get_one(AmendmentRequest, won)
            assert (lost.params["request"], lost.params["at"]) == (won, standing.requested_at)
            mine = select(func.count(AmendmentRequest.id)).where(AmendmentRequest.case_id == standing.case_id)
            assert session.scalar(mine) == 1


def test_of_two_approvers_at_once_one_wins_and_the_correction_is_done_once(office: Engine) -> None:
    approvers = actor_called(office, "jusa"), actor_called(office, "admadm")
    asker = actor_called(office, "jpgu")
    for turn, number in enumerate(committed_cases(office, State.ENROLADA, ROUNDS)):
        request = asking(office, asker, number, "Mariseli")()
        acts = [deciding(office, who, second_person.approve, request) for who in approvers]
        _won, lost = one_each(at_once(*(acts if turn % 2 else acts[::-1])))
        case, log = seen(office, number)
        corrections = [event for event in log if event.event == "CORRECCION"]
        assert (case.first_name, len(corrections)) == ("Mariseli", 1)
        assert lost.params["user"] == corrections[0].username


def test_a_request_is_approved_or_withdrawn_or_refused_never_two_of_them(office: Engine) -> None:
    asker, one, other = (actor_called(office, name) for name in ("jpgu", "jusa", "admadm"))
    for number in committed_cases(office, State.ENROLADA, ROUNDS):
        request = asking(office, asker, number, "Mariseli")()
        results = at_once(
            deciding(office, asker, second_person.withdraw, request),
            deciding(office, one, second_person.approve, request),
            deciding(office, other, second_person.refuse, request, "No"),
        )
        (won,) = [result for result in results if isinstance(result, str)]
        state = {"withdraw": "WITHDRAWN", "approve": "APPROVED", "refuse": "REFUSED"}[won]
        with Session(office) as session:
            assert session.get_one(AmendmentRequest, request).state == state
        assert (seen(office, number)[0].first_name == "Mariseli") is (won == "approve")


def test_an_approval_and_an_authorisation_at_once_never_both_go_by_the_old_data(office: Engine) -> None:
    from workflow.machine import perform

    asker, approver, supervisor = (actor_called(office, name) for name in ("jpgu", "jusa", "supervisor"))

    def authorise(number: str) -> Callable[[], CaseEvent]:
        def do() -> CaseEvent:
            with acting_as(supervisor), Session(office, expire_on_commit=False) as session, session.begin():
                return perform(session, "authorise", number, supervisor)

        return do

    for number in committed_cases(office, State.ENROLADA, ROUNDS):
        request = asking(office, asker, number, "Mariseli")()
        at_once(authorise(number), deciding(office, approver, second_person.approve, request))
        case, log = seen(office, number)
        assert case.state == "AUTORIZADA"
        acts = [event.event for event in log[1:]]
        assert acts in (["CORRECCION", "AUTORIZACION"], ["AUTORIZACION"])
        assert (case.first_name == "Mariseli") is (len(acts) == 2)
