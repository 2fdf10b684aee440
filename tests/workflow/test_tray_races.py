"""Trays on real connections: two printers at once never share a case or a booklet; a fault leaves nothing half done."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from models.base import make_engine
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, Event, PassportCase, State
from security.actor import Actor, load_actor
from security.errors import BadValue, HeldByAnother, NotFound, Unavailable, WrongState
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.together import at_once
from workflow import trays
from workflow.queues import QUEUES
from workflow.trays import Line, Wanted

QUEUE = QUEUES["printing"]
PRINTERS = ("impres", "impdep")
LONG_AGO = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    """A database of this module's own: what is committed here nobody else sees."""
    engine = make_engine(fresh_database("trays"), pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def stock(office: Engine) -> Iterator[Callable[..., list[str]]]:
    """Call with a first serial, a number of booklets and one of cases; afterwards no case of it waits any more."""

    def fill(serial: int, booklets: int, cases: int) -> list[str]:
        with Session(office) as session:
            numbers = [make_case(session, State.AUTORIZADA).number for _number in range(cases)]
            if booklets:
                make_booklets(session, serial, booklets)
            session.commit()
        return numbers

    yield fill
    with Session(office) as session:
        session.execute(
            update(PassportCase).where(PassportCase.state == State.AUTORIZADA).values(state=State.ENROLADA)
        )  # fmt: skip
        session.commit()


def called(office: Engine, username: str) -> Actor:
    with Session(office) as session:
        actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def edge(office: Engine) -> Callable[[], AbstractContextManager[Session]]:
    """A request's transaction: a connection of its own, committed when the block ends well."""

    @contextmanager
    def begin() -> Iterator[Session]:
        with Session(office, expire_on_commit=False) as session, session.begin():
            yield session

    return begin


def taken(office: Engine, actor: Actor, count: int, first: str) -> list[Line]:
    begin = edge(office)
    with acting_as(actor):
        with begin() as session:
            trays.take(session, QUEUE, "GUA", actor, category="ORDINARIA", count=count)
        with begin() as session:
            return trays.proposed(session, QUEUE, "GUA", actor, first=first)


def as_wanted(found: list[Line]) -> list[Wanted]:
    return [Wanted(line.case.number, str(line.seen), line.booklet) for line in found]


def printed(office: Engine, actor: Actor, found: list[Line]) -> tuple[int, list[trays.Outcome]]:
    with acting_as(actor):
        return trays.print_tray(edge(office), QUEUE, "GUA", as_wanted(found), actor, None)


def booklet_of(office: Engine, number: str) -> str | None:
    with Session(office) as session:
        wanted = select(PassportCase.booklet_number).where(PassportCase.number == number)
        return session.scalars(wanted.execution_options(every_site=True)).one()


@pytest.mark.parametrize("turn", range(4))
def test_two_who_take_trays_at_once_never_share_a_case(
    office: Engine, stock: Callable[..., list[str]], turn: int
) -> None:
    waiting = stock(0, 0, 12)
    actors = [called(office, name) for name in PRINTERS]
    both = at_once(*(lambda actor=actor: taken(office, actor, 8, "") for actor in actors))
    numbers = [[line.case.number for line in found] for found in both]
    assert not set(numbers[0]) & set(numbers[1])
    assert all(found == sorted(found) for found in numbers), "each in the order of the queue"
    again = [[line.case.number for line in taken(office, actor, 8, "")] for actor in actors]
    assert set(again[0]) | set(again[1]) == set(waiting), "who got few because the other was taking, gets more now"


@pytest.mark.parametrize("turn", range(4))
def test_two_who_print_with_the_same_stack_at_once_never_share_a_booklet(
    office: Engine, stock: Callable[..., list[str]], turn: int
) -> None:
    serial = 5_400_001 + 100 * turn
    first = f"F{serial}"
    stock(serial, 10, 10)
    actors = [called(office, name) for name in PRINTERS]
    lists = [taken(office, actor, 5, first) for actor in actors]
    assert [line.booklet for line in lists[0]] == [line.booklet for line in lists[1]]
    results = at_once(
        *(lambda a=a, found=found: printed(office, a, found) for a, found in zip(actors, lists, strict=True))
    )
    outcomes = [one for _number, found in results for one in found]
    won, lost = [one for one in outcomes if not one.refusal], [one for one in outcomes if one.refusal]
    assert sorted(one.booklet for one in won) == sorted(line.booklet for line in lists[0])
    assert len(lost) == 5
    for one in lost:
        assert isinstance(one.refusal, Unavailable)
        assert one.refusal.params["user"] in PRINTERS, "told who has it"
    for one in won:
        assert booklet_of(office, one.case) == one.booklet
    for one in lost:
        assert booklet_of(office, one.case) is None
    with Session(office) as session:
        uses = select(Personalisation.booklet_number, func.count()).where(Personalisation.booklet_number >= first)
        counts = dict(session.execute(uses.group_by(Personalisation.booklet_number)).all())
        states = select(Booklet.state, func.count()).where(Booklet.number.between(first, f"F{serial + 9}"))
        assert set(counts.values()) == {1}
        assert dict(session.execute(states.group_by(Booklet.state)).all()) == {"ASIGNADA": 5, "NUEVA": 5}


def test_a_fault_in_the_middle_leaves_each_case_whole(office: Engine, stock: Callable[..., list[str]]) -> None:
    """The cases before it are in the tray; those behind it are still taken, with their booklets new."""
    stock(5_500_001, 4, 4)
    actor, transactions = called(office, "impres"), iter(range(100))
    found = taken(office, actor, 4, "F5500001")

    @contextmanager
    def failing() -> Iterator[Session]:
        with edge(office)() as session:
            yield session
            if next(transactions) == 3:  # the number of the tray, two cases, and the third before its commit
                raise ConnectionError("the server was switched off")

    with acting_as(actor), pytest.raises(ConnectionError):
        trays.print_tray(failing, QUEUE, "GUA", as_wanted(found), actor, None)
    with acting_as(actor), edge(office)() as session:
        (tray,) = [one for one in trays.open_trays(session, QUEUE, "GUA", actor) if one.first == "F5500001"]
        lines = trays.tray_lines(session, QUEUE, "GUA", tray.number, actor)
        left = trays.proposed(session, QUEUE, "GUA", actor, first="F5500001")
        with pytest.raises(NotFound):
            trays.document(session, QUEUE, "GUA", tray.number, actor)
    assert [(line.booklet, line.copies) for line in lines] == [("F5500001", 0), ("F5500002", 0)]
    assert [line.booklet for line in left] == ["F5500003", "F5500004"]
    with acting_as(actor):
        assert not any(one.refusal for one in trays.send(edge(office), tray.number, as_wanted(lines), actor, None))
        with edge(office)() as session:
            pdf, cases = trays.document(session, QUEUE, "GUA", tray.number, actor)
    assert pdf.startswith(b"%PDF")
    assert cases == [line.case.number for line in lines]


def test_a_case_that_another_took_is_not_printed(office: Engine, stock: Callable[..., list[str]]) -> None:
    (number,) = stock(5_510_001, 2, 1)
    one, other = (called(office, name) for name in PRINTERS)
    taken(office, one, 1, "F5510001")
    with acting_as(other):
        (outcome,) = trays.print_tray(
            edge(office), QUEUE, "GUA", [Wanted(number, "", "F5510001")], other, None
        )[1]  # fmt: skip
    assert isinstance(outcome.refusal, HeldByAnother)
    assert outcome.refusal.params["user"] == "impres"


def test_a_list_that_is_no_longer_true_is_refused_case_by_case(office: Engine, stock: Callable[..., list[str]]) -> None:
    """Half an hour later somebody else took the cases over and printed one of them."""
    stock(5_520_001, 4, 2)
    one, other = (called(office, name) for name in PRINTERS)
    old = taken(office, one, 2, "F5520001")
    with Session(office) as session:
        session.execute(update(PassportCase).where(PassportCase.held_by_id == one.user_id).values(held_at=LONG_AGO))
        session.commit()
    new = taken(office, other, 2, "F5520001")
    assert [line.case.number for line in new] == [line.case.number for line in old]
    printed(office, other, new[:1])
    outcomes = printed(office, one, old)[1]
    assert [type(outcome.refusal) for outcome in outcomes] == [WrongState, WrongState]
    assert {outcome.refusal.params["user"] for outcome in outcomes if outcome.refusal} == {"impdep"}


def test_a_tray_has_a_number_of_its_own_and_its_events_carry_it(
    office: Engine, stock: Callable[..., list[str]]
) -> None:
    stock(5_530_001, 4, 4)
    actor = called(office, "impres")
    numbers = [printed(office, actor, taken(office, actor, 2, first))[0] for first in ("F5530001", "F5530003")]
    assert numbers[0] < numbers[1]
    with Session(office) as session:
        for number, booklets in zip(numbers, (("F5530001", "F5530002"), ("F5530003", "F5530004")), strict=True):
            events = session.execute(
                select(CaseEvent.event, CaseEvent.booklet_number)
                .where(CaseEvent.data["tray"].astext == str(number)).order_by(CaseEvent.id)
            ).all()  # fmt: skip
            acts = (Event.IMPRESION, Event.IMPRESION_GENERADA)
            assert [tuple(row) for row in events] == [(event, booklet) for event in acts for booklet in booklets]


@pytest.mark.parametrize(("text", "count"), [("", 10), ("1", 1), ("50", 50)])
def test_a_tray_has_ten_cases_unless_another_number_is_asked(text: str, count: int) -> None:
    assert trays.count_asked(text) == count


@pytest.mark.parametrize("text", ["0", "51", "-1", "1.5", "diez", "٣", "1000000"])
def test_a_number_that_no_tray_can_have_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refusal:
        trays.count_asked(text)
    assert refusal.value.field == "count"
