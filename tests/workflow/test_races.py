"""Two people at once, each on his own connection, and processes killed half-way: one wins, nothing is half done."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.settings import Settings
from models.base import make_engine
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, PassportCase, State
from models.stock import StockMovement
from models.users import Role, User
from security.actor import Actor, load_actor
from security.errors import DomainError, Unavailable, WrongState
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.together import at_once
from workflow.machine import perform
from workflow.queues import QUEUES, deal_next, page

ROUNDS = 30
DEALERS = [f"supervisor{number}" for number in range(1, 7)]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def office_url(fresh_database: Callable[[str], str]) -> str:
    """A database of this module's own, with a crowd of supervisors."""
    url = fresh_database("races")
    engine = make_engine(url)
    with Session(engine) as session:
        role = session.scalars(select(Role).where(Role.name == "SUPERVISOR")).one()
        sites = session.scalars(select(User).where(User.username == "supervisor")).one().sites
        for username in DEALERS:
            session.add(
                User(username=username, first_name="Supervisor", last_name="Prueba", email=f"{username}@example.org",
                     active=True, password="-", must_change_password=False, roles=[role], sites=list(sites))
            )  # fmt: skip
        session.commit()
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def office(office_url: str, app: Flask) -> Iterator[Engine]:
    engine = make_engine(office_url, pool_size=10)
    yield engine
    engine.dispose()


def committed_cases(office: Engine, state: State, count: int = 1) -> list[str]:
    with Session(office) as session:
        numbers = [make_case(session, state).number for _number in range(count)]
        session.commit()
    return numbers


def committed_booklet(office: Engine, serial: int) -> str:
    with Session(office) as session:
        (number,) = make_booklets(session, serial, 1)
        session.commit()
    return number


def actor_called(office: Engine, username: str) -> Actor:
    with Session(office) as session:
        actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def doing(office: Engine, actor: Actor, act: str, number: str, **values: str) -> Callable[[], CaseEvent]:
    """One request: its own session and connection, committed when it ends well."""

    def do() -> CaseEvent:
        with acting_as(actor), Session(office, expire_on_commit=False) as session, session.begin():
            return perform(session, act, number, actor, **values)

    return do


def winner_and_loser(results: list[Any]) -> tuple[CaseEvent, DomainError]:
    won = [result for result in results if isinstance(result, CaseEvent)]
    lost = [result for result in results if isinstance(result, DomainError)]
    assert (len(won), len(lost)) == (1, 1), results
    return won[0], lost[0]


def seen(office: Engine, number: str) -> tuple[PassportCase, list[CaseEvent]]:
    """The case as a fresh connection sees it, and its log."""
    with Session(office, expire_on_commit=False) as session:
        wanted = select(PassportCase).where(PassportCase.number == number).execution_options(every_site=True)
        case = session.scalars(wanted).one()
        log = select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)
        return case, list(session.scalars(log))


@pytest.mark.parametrize(("second", "values"), [("authorise", {}), ("reject", {"reason": "R01"})])
def test_of_two_who_decide_one_case_one_wins_and_the_other_reads_who_did_what(
    office: Engine, second: str, values: dict[str, str]
) -> None:
    one, other = actor_called(office, "supervisor"), actor_called(office, "supersu")
    winners = set()
    for turn, number in enumerate(committed_cases(office, State.ENROLADA, ROUNDS)):
        acts = [doing(office, one, "authorise", number), doing(office, other, second, number, **values)]
        won, lost = winner_and_loser(at_once(*(acts if turn % 2 else acts[::-1])))
        case, log = seen(office, number)
        assert isinstance(lost, WrongState)
        assert (lost.params["user"], lost.params["event"], lost.params["at"]) == (won.username, won.event, won.at)
        assert case.state == won.to_state
        assert [event.id for event in log[1:]] == [won.id]
        winners.add(won.username)
    assert winners <= {"supervisor", "supersu"}


def test_of_two_who_take_one_booklet_one_wins_and_the_other_reads_who_has_it(office: Engine) -> None:
    printers = actor_called(office, "impres"), actor_called(office, "impdep")
    cases = committed_cases(office, State.AUTORIZADA, 2 * ROUNDS)
    for turn in range(ROUNDS):
        booklet = committed_booklet(office, 5_200_001 + turn)
        mine = cases[2 * turn : 2 * turn + 2]
        acts = [
            doing(office, who, "assign_booklet", number, booklet=booklet)
            for who, number in zip(printers, mine, strict=True)
        ]
        won, lost = winner_and_loser(at_once(*acts))
        assert isinstance(lost, Unavailable)
        assert (lost.params["user"], lost.params["event"], lost.params["at"]) == (won.username, won.event, won.at)
        states = {seen(office, number)[0].state: seen(office, number)[0].booklet_number for number in mine}
        assert states == {"EN_IMPRESION": booklet, "AUTORIZADA": None}
        with Session(office) as session:
            uses = select(Personalisation.case_id).where(Personalisation.booklet_number == booklet)
            moves = select(StockMovement.id).where(StockMovement.booklet_number == booklet)
            assert list(session.scalars(uses)) == [won.case_id]
            assert len(list(session.scalars(moves))) == 2


def test_two_who_give_one_case_a_booklet_each_leave_the_losers_booklet_new(office: Engine) -> None:
    printers = actor_called(office, "impres"), actor_called(office, "impdep")
    for turn, number in enumerate(committed_cases(office, State.AUTORIZADA, ROUNDS)):
        booklets = [committed_booklet(office, 5_300_001 + 2 * turn + place) for place in (0, 1)]
        acts = [
            doing(office, who, "assign_booklet", number, booklet=booklet)
            for who, booklet in zip(printers, booklets, strict=True)
        ]
        won, lost = winner_and_loser(at_once(*acts))
        assert isinstance(lost, WrongState)
        assert lost.params["user"] == won.username
        with Session(office) as session:
            states = {session.get_one(Booklet, booklet).state for booklet in booklets}
        assert states == {"ASIGNADA", "NUEVA"}


def test_the_next_case_is_never_dealt_twice(office: Engine) -> None:
    waiting = set(committed_cases(office, State.ENROLADA, 60))
    dealt: list[tuple[str, str]] = []

    def work(actor: Actor) -> Callable[[], None]:
        def deal() -> None:
            while True:
                with acting_as(actor), Session(office) as session, session.begin():
                    case = deal_next(session, QUEUES["supervision"], "GUA", actor)
                    if case is None:
                        return
                    dealt.append((case.number, actor.username))
                    number = case.number
                doing(office, actor, "authorise", number)()

        return deal

    assert at_once(*(work(actor_called(office, username)) for username in DEALERS)) == [None] * len(DEALERS)
    assert sorted(number for number, _who in dealt) == sorted(waiting)
    for number, who in dealt:
        log = seen(office, number)[1]
        assert [(event.event, event.username) for event in log[1:]] == [("REVISION", who), ("AUTORIZACION", who)]


def numbers_in_printing(office: Engine, actor: Actor) -> set[str]:
    """What the queue of cases in printing shows, on all its pages."""
    numbers: set[str] = set()
    after = None
    with acting_as(actor), Session(office) as session:
        while True:
            cases, after = page(session, QUEUES["in-printing"], "GUA", actor, after=after)
            numbers |= {case.number for case in cases}
            if after is None:
                return numbers


# A process that dies.


@pytest.fixture
def killed(office_url: str, settings: Settings) -> Callable[[str, str, bool], None]:
    """Start a process that assigns a booklet to a case, and kill it: before its commit, or right after."""
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from sqlalchemy.orm import Session
        from models.base import make_engine
        from security.actor import load_actor
        from security.scope import acting_as
        from workflow import pages
        from workflow.machine import perform

        url, keys, font, number, booklet, commits = sys.argv[1:]
        pages.configure(Path(keys), ocrb_font=Path(font) if font else None, specimen=True)
        with Session(make_engine(url)) as session:
            actor = load_actor(session, username="impres")
            with acting_as(actor):
                perform(session, "assign_booklet", number, actor, booklet=booklet)
            if commits == "True":
                session.commit()
            print("assigned", flush=True)
            time.sleep(60)
    """)

    def run(number: str, booklet: str, commits: bool) -> None:
        font = str(settings.ocrb_font or "")
        arguments = [office_url, str(settings.home / "keys"), font, number, booklet, str(commits)]
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == "assigned\n"
            process.send_signal(signal.SIGKILL)
            process.wait()

    return run


def test_a_process_killed_before_its_commit_leaves_nothing(
    office: Engine, killed: Callable[[str, str, bool], None]
) -> None:
    (number,), booklet = committed_cases(office, State.AUTORIZADA), committed_booklet(office, 5_400_001)
    killed(number, booklet, False)
    with Session(office) as session:
        found = session.get_one(Booklet, booklet)
        assert (found.state, found.warehouse_code, found.case_id) == ("NUEVA", "PROD-GUA", None)
        assert not list(session.scalars(select(Personalisation).where(Personalisation.booklet_number == booklet)))
    case, log = seen(office, number)
    assert (case.state, case.booklet_number, len(log)) == ("AUTORIZADA", None, 1)
    won = doing(office, actor_called(office, "impres"), "assign_booklet", number, booklet=booklet)()
    assert won.to_state == "EN_IMPRESION"


def test_a_process_killed_after_the_assignment_leaves_a_case_that_is_listed_and_resumed(
    office: Engine, killed: Callable[[str, str, bool], None]
) -> None:
    (number,), booklet = committed_cases(office, State.AUTORIZADA), committed_booklet(office, 5_400_002)
    killed(number, booklet, True)
    printer = actor_called(office, "impdep")
    listed = numbers_in_printing(office, printer)
    case, log = seen(office, number)
    assert number in listed
    assert (case.state, case.booklet_number, log[-1].event) == ("EN_IMPRESION", booklet, "IMPRESION")
    assert doing(office, printer, "print_page", number)().data["copy"] == 1
    assert doing(office, printer, "accept_print", number)().to_state == "IMPRESA"
