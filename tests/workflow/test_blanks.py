"""Blanks voided one by one or a pack at a time, brought back by a second person, and wanted by two at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.base import make_engine, utc_now
from models.booklets import Booklet, BookletState
from models.cases import CaseEvent, State
from models.catalogs import VoidType
from models.clock import local_date
from models.stock import Span, StockDocument, StockMovement, StockTurnover
from models.users import User
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, Unavailable
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.together import at_once
from workflow.machine import perform
from workflow.stock import arrivals, blanks, documents, ledger, transfers
from workflow.stock.serials import Run, read_runs

ROUNDS = 10


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("produccion")


@pytest.fixture
def other(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("admadm")


def booklet(db: Session, number: str) -> Booklet:
    return db.get_one(Booklet, number, populate_existing=True)


def void(db: Session, actor: Actor, number: str, void_type: str = "DAB") -> StockMovement:
    return blanks.void_blank(db, actor, number, void_type=void_type, remarks="Caja mojada")


def test_a_damaged_blank_goes_into_the_custody_of_its_warehouse(db: Session, keeper: Actor) -> None:
    (number, *_rest) = make_booklets(db)
    entry = void(db, keeper, number)
    assert (entry.kind, entry.from_place, entry.to_place) == (
        "EGRESO_ANULACION", "WAREHOUSE:PROD-GUA", "VOIDED:PROD-GUA"
    )  # fmt: skip
    assert (entry.void_type_code, entry.remarks, entry.case_id, entry.document_id) == ("DAB", "Caja mojada", None, None)
    assert (booklet(db, number).state, booklet(db, number).void_type_code) == (BookletState.ANULADA, "DAB")


def test_a_lost_blank_is_out_of_our_custody(db: Session, keeper: Actor) -> None:
    (number, *_rest) = make_booklets(db)
    void(db, keeper, number, "EXB")
    assert booklet(db, number).place == "OUTSIDE"


def test_the_void_types_offered_are_those_that_apply_to_a_blank(db: Session) -> None:
    assert {entry.code for entry in blanks.void_types(db)} == {"DEF", "EXB", "DAB", "PRU", "ERR"}
    db.get_one(VoidType, "PRU").active = False
    assert "PRU" not in {entry.code for entry in blanks.void_types(db)}


@pytest.mark.parametrize("void_type", ["ROB", "CCA", "XXX", ""])
def test_another_void_type_is_refused(db: Session, keeper: Actor, void_type: str) -> None:
    (number, *_rest) = make_booklets(db)
    with pytest.raises(BadValue) as refusal:
        void(db, keeper, number, void_type)
    assert refusal.value.field == "void_type"
    assert booklet(db, number).state == BookletState.NUEVA


@pytest.mark.parametrize("remarks", ["", "  \x00 ", "x" * 2001])
def test_a_void_needs_its_reason(db: Session, keeper: Actor, remarks: str) -> None:
    (number, *_rest) = make_booklets(db)
    with pytest.raises(BadValue) as refusal:
        blanks.void_blank(db, keeper, number, void_type="DAB", remarks=remarks)
    assert refusal.value.field == "remarks"


def test_who_may_not_void_or_does_not_act_there_is_refused(db: Session, as_user: Callable[[str], Actor]) -> None:
    (here, *_rest) = make_booklets(db)
    (there, *_rest) = make_booklets(db, 6_000_001, 1, warehouse="PROD-PET")
    with pytest.raises(NotAllowed):
        void(db, as_user("impres"), here)
    local = Actor(
        as_user("produccion").user_id, "produccion", "", as_user("produccion").permissions, frozenset({"GUA"})
    )
    with pytest.raises(Unavailable, match="PETÉN"):
        void(db, local, there)
    assert void(db, local, here)


def test_an_unknown_number_is_told(db: Session, keeper: Actor) -> None:
    with pytest.raises(NotFound):
        void(db, keeper, "F9999999")


def test_a_blank_that_was_voided_before_says_by_whom_and_how(
    db: Session, keeper: Actor, other: Actor, as_user: Callable[[str], Actor]
) -> None:
    (number, *_rest) = make_booklets(db)
    void(db, keeper, number)
    with pytest.raises(Unavailable) as refusal:
        void(db, other, number)
    assert refusal.value.params["user"] == "produccion"
    assert refusal.value.params["label"] == "Void"
    with pytest.raises(Unavailable, match="produccion"):
        assign(db, number, as_user("impres"))


def assign(db: Session, number: str, printer: Actor) -> str:
    """A case of GUA gets the booklet; the number of the case."""
    case = make_case(db, State.AUTORIZADA).number
    with acting_as(printer):
        perform(db, "assign_booklet", case, printer, booklet=number)
    return case


def test_a_booklet_of_a_case_is_not_voided_here(db: Session, other: Actor, as_user: Callable[[str], Actor]) -> None:
    (number, *_rest) = make_booklets(db)
    assign(db, number, as_user("impres"))
    with pytest.raises(Unavailable) as refusal:
        void(db, other, number)
    assert refusal.value.params["user"] == "impres"
    assert booklet(db, number).state == BookletState.ASIGNADA


def test_a_second_person_brings_a_blank_back_to_where_it_was(db: Session, keeper: Actor, other: Actor) -> None:
    (number, *_rest) = make_booklets(db)
    entry = void(db, keeper, number)
    with pytest.raises(Refused):
        blanks.reactivate_blank(db, replace(keeper, permissions=other.permissions), number, remarks="Era otra caja")
    undone = blanks.reactivate_blank(db, other, number, remarks="Era otra caja")
    assert (undone.kind, undone.reverses_id, undone.to_place) == (
        "REINGRESO_REACTIVACION", entry.id, "WAREHOUSE:PROD-GUA"
    )  # fmt: skip
    assert (booklet(db, number).state, booklet(db, number).void_type_code) == (BookletState.NUEVA, None)
    with pytest.raises(Unavailable, match="Reactivation"):
        blanks.reactivate_blank(db, other, number, remarks="Otra vez")


def test_a_blank_in_a_printers_hands_comes_back_into_them(db: Session, keeper: Actor, other: Actor) -> None:
    (number, *_rest) = make_booklets(db)
    place = issue(db, number)
    void(db, keeper, number)
    assert booklet(db, number).place == "VOIDED:PROD-GUA"
    blanks.reactivate_blank(db, other, number, remarks="Estaba bien")
    assert booklet(db, number).place == place


def issue(db: Session, number: str) -> str:
    """Into the hands of `impres`, by a document that two people signed."""
    people = {name: db.scalars(select(User.id).where(User.username == name)).one() for name in ("impres", "admadm")}
    now = utc_now()
    document = StockDocument(
        kind="SALIDA", state="CERRADO", on=local_date(now), warehouse_code="PROD-GUA", printer_id=people["impres"],
        created_by_id=people["admadm"], created_at=now, signed_by_id=people["admadm"], signed_at=now,
        closed_by_id=people["impres"], closed_at=now,
    )  # fmt: skip
    db.add(document)
    db.flush()
    keeper = load_actor(db, username="admadm")
    assert keeper is not None
    place = ledger.hands_place("PROD-GUA", people["impres"])
    ledger.post(db, keeper, "SALIDA", booklet(db, number), place, document=document)
    return place


def test_a_reason_that_cannot_be_undone_is_not(db: Session, keeper: Actor, other: Actor) -> None:
    numbers = make_booklets(db)
    void(db, keeper, numbers[0], "PRU")
    with pytest.raises(BadValue, match="PRU"):
        blanks.reactivate_blank(db, other, numbers[0], remarks="No")


def test_a_blank_that_was_never_voided_or_is_destroyed_is_not_reactivated(
    db: Session, keeper: Actor, other: Actor
) -> None:
    numbers = make_booklets(db)
    with pytest.raises(Unavailable, match="Receipt"):
        blanks.reactivate_blank(db, other, numbers[0], remarks="No")
    void(db, keeper, numbers[1])
    destroy(db, numbers[1])
    with pytest.raises(Unavailable, match="destroyed"):
        blanks.reactivate_blank(db, other, numbers[1], remarks="No")
    assert booklet(db, numbers[1]).place == "DESTROYED"


def destroy(db: Session, number: str) -> None:
    keeper, other = (load_actor(db, username=name) for name in ("produccion", "admadm"))
    assert keeper is not None
    assert other is not None
    now = utc_now()
    minutes = StockDocument(
        kind="DESTRUCCION", state="CERRADO", on=local_date(now), warehouse_code="PROD-GUA",
        created_by_id=keeper.user_id, created_at=now, signed_by_id=keeper.user_id, signed_at=now,
        closed_by_id=other.user_id, closed_at=now,
    )  # fmt: skip
    db.add(minutes)
    db.flush()
    ledger.post(db, other, "DESTRUCCION", booklet(db, number), "DESTROYED", document=minutes)


def test_a_booklet_voided_on_a_case_is_reactivated_there(
    db: Session, keeper: Actor, other: Actor, as_user: Callable[[str], Actor]
) -> None:
    (number, *_rest) = make_booklets(db)
    case = assign(db, number, as_user("impres"))
    with acting_as(keeper):
        perform(db, "void_booklet", case, keeper, void_type="DEF", comment="Rota")
    with pytest.raises(Unavailable, match="on a case"):
        blanks.reactivate_blank(db, other, number, remarks="No")


def test_a_damaged_pack_is_voided_whole(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=120)
    typed = read_runs("F5000001-F5000100, F5000050-F5000110")
    assert blanks.void_blanks(db, keeper, typed, void_type="DAB", remarks="Inundación") == 110
    states = dict(db.execute(select(Booklet.state, func.count()).group_by(Booklet.state)).all())
    assert states == {BookletState.ANULADA: 110, BookletState.NUEVA: 10}
    taken = select(func.sum(StockTurnover.taken)).where(
        StockTurnover.span == Span.DAY, StockTurnover.kind == "EGRESO_ANULACION"
    )
    assert db.scalar(taken.where(StockTurnover.account == "WAREHOUSE", StockTurnover.owner == "PROD-GUA")) == 110


def test_a_pack_with_one_that_cannot_be_voided_is_left_as_it_is(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=20)
    void(db, keeper, "F5000003")
    void(db, keeper, "F5000007")
    void(db, keeper, "F5000008")
    with pytest.raises(Unavailable) as refusal:
        blanks.void_blanks(db, keeper, [Run("F", 5_000_001, 25)], void_type="DAB", remarks="Inundación")
    assert refusal.value.field == "numbers"
    assert refusal.value.params["ranges"] == "F5000003, F5000007–F5000008, F5000021–F5000025"
    assert db.scalar(select(func.count()).where(Booklet.state == BookletState.ANULADA)) == 3


def test_a_pack_in_two_places_goes_into_the_custody_of_each(db: Session, keeper: Actor) -> None:
    make_booklets(db, 5_000_001, 2)
    make_booklets(db, 5_000_003, 2, warehouse="CENTRAL")
    assert blanks.void_blanks(db, keeper, [Run("F", 5_000_001, 4)], void_type="DAB", remarks="Fuego") == 4
    assert [booklet(db, f"F500000{n}").place for n in range(1, 5)] == ["VOIDED:PROD-GUA"] * 2 + ["VOIDED:CENTRAL"] * 2


@pytest.mark.parametrize("typed", ["", "F0000001+1001", "F0000001+600, S0000001+401", "F0000000+9999999"])
def test_too_many_or_none_are_refused(db: Session, keeper: Actor, typed: str) -> None:
    with pytest.raises(BadValue) as refusal:
        blanks.void_blanks(db, keeper, read_runs(typed), void_type="DAB", remarks="Inundación")
    assert refusal.value.field == "numbers"


def in_transit(db: Session, keeper: Actor, count: int = 2) -> StockDocument:
    make_booklets(db, 5_000_001, count, warehouse="CENTRAL")
    sent = transfers.draft_transfer(
        db, keeper, on=local_date(utc_now()), from_warehouse="CENTRAL", to_warehouse="PROD-GUA"
    )  # fmt: skip
    transfers.add_line(db, sent, keeper, category="ORDINARIA", prefix="F", first=5_000_001, quantity=count)
    transfers.send(db, sent, keeper)
    return sent


def test_a_blank_in_transit_is_voided_only_when_its_receiver_missed_it(
    db: Session, keeper: Actor, other: Actor
) -> None:
    sent = in_transit(db, keeper)
    with pytest.raises(Unavailable, match="in transit"):
        void(db, keeper, "F5000001", "EXB")
    with pytest.raises(Unavailable):
        blanks.void_blanks(db, keeper, [Run("F", 5_000_001, 2)], void_type="EXB", remarks="Robo")
    arrivals.receive(db, sent, other, runs=[Run("F", 5_000_001, 1)])
    arrivals.declare_missing(db, sent, other, remarks="Falta una")
    void(db, keeper, "F5000002", "EXB")
    assert booklet(db, "F5000002").place == "OUTSIDE"
    assert documents.find(db, sent.id, keeper, sent.kind).received_at is not None, "nothing of it travels any more"


# Two people at once, each on his own connection.


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("blanks"), pool_size=10)
    yield engine
    engine.dispose()


def named(office: Engine, username: str) -> Actor:
    with Session(office) as session:
        actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def doing(office: Engine, actor: Actor, act: Callable[[Session], Any]) -> Callable[[], Any]:
    def do() -> Any:
        with acting_as(actor), Session(office, expire_on_commit=False) as session, session.begin():
            return act(session)

    return do


@pytest.mark.parametrize("lot", [False, True])
def test_of_who_assigns_and_who_voids_a_booklet_one_wins_and_the_other_reads_who(office: Engine, lot: bool) -> None:
    printer, keeper = named(office, "impres"), named(office, "produccion")
    for turn in range(ROUNDS):
        serial = 5_000_001 + turn + (1000 if lot else 0)
        with Session(office) as session:
            (number,) = make_booklets(session, serial, 1)
            case = make_case(session, State.AUTORIZADA).number
            session.commit()

        def void_it(session: Session, number: str = number, serial: int = serial) -> Any:
            if lot:
                return blanks.void_blanks(session, keeper, [Run("F", serial, 1)], void_type="DAB", remarks="Rota")
            return blanks.void_blank(session, keeper, number, void_type="DAB", remarks="Rota")

        def assign_it(session: Session, number: str = number, case: str = case) -> CaseEvent:
            return perform(session, "assign_booklet", case, printer, booklet=number)

        assigned, voided = at_once(doing(office, printer, assign_it), doing(office, keeper, void_it))
        with Session(office) as session:
            state = session.get_one(Booklet, number).state
            moves = session.scalars(select(StockMovement.kind).where(StockMovement.booklet_number == number)).all()
        assert len(moves) == 2
        if isinstance(voided, DomainError):
            assert state == BookletState.ASIGNADA
            assert voided.params["ranges" if lot else "user"] == (number if lot else "impres")
        else:
            assert isinstance(assigned, Unavailable)
            assert (state, assigned.params["user"]) == (BookletState.ANULADA, "produccion")


def test_two_packs_that_share_booklets_never_wait_for_each_other_for_ever(office: Engine) -> None:
    keeper = named(office, "produccion")
    with Session(office) as session:
        make_booklets(session, 6_000_001, 300)
        session.commit()
    pair = [[Run("F", 6_000_001, 200)], [Run("F", 6_000_101, 200)]]
    results = at_once(
        *(
            doing(office, keeper, lambda session, runs=runs: blanks.void_blanks(
                session, keeper, runs, void_type="DAB", remarks="Fuego"))
            for runs in pair
        )
    )  # fmt: skip
    assert sorted(type(result).__name__ for result in results) == ["Unavailable", "int"]
    with Session(office) as session:
        assert session.scalar(
            select(func.count()).where(Booklet.state == BookletState.ANULADA, Booklet.number >= "F6000001")
        ) == 200  # fmt: skip
