"""A booklet reported lost or stolen is blocked at every door at once, and lists itself, whatever act voided it."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine
from models.booklets import Booklet, BookletState
from models.cases import State
from models.lost_documents import LossReport, LostDocument, LostStatus
from models.stock import StockDocument, StockMovement
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, Refused, Unavailable, WrongState
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.together import at_once
from tests.views.desk import act, again, checked, in_printing, printed
from tests.workflow.ledger_world import COLLECTED, Office
from workflow.booklets import GONE
from workflow.machine import perform
from workflow.stock import blanks, ledger, losses
from workflow.stock.on_hand import offered_booklets, on_hand
from workflow.stock.serials import Run

ROUNDS = 6
BOX = Run("F", 5_000_001, 10)
FACTS: dict[str, str] = {
    "kind": "STOLEN", "lost_on": "2026-01-05", "country": "HND", "place": "Ruta al Atlántico, km 52",
    "police_reference": "PNC-77-2026", "remarks": "Asalto al camión",
}  # fmt: skip


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("produccion")


@pytest.fixture
def office(db: Session, keeper: Actor) -> Office:
    return Office(db)


def report(db: Session, actor: Actor, *runs: Run, **changes: str) -> LossReport:
    with acting_as(actor):
        return losses.report(db, actor, runs or (BOX,), **{**FACTS, **changes})


def listed(db: Session, number: str) -> LostDocument:
    query = select(LostDocument).where(LostDocument.booklet_number == number).order_by(LostDocument.id.desc())
    return db.scalars(query.execution_options(populate_existing=True)).one()


def booklet(db: Session, number: str) -> Booklet:
    return db.get_one(Booklet, number, populate_existing=True)


def ordinary(db: Session, actor: Actor) -> int:
    return sum(row.figures.blanks for row in on_hand(db, actor).rows if row.category.code == "ORDINARIA")


# What a report does.


def test_a_stolen_box_is_blocked_and_listed_with_the_facts_of_the_report(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=12)
    made = report(db, keeper)
    assert (made.booklets, made.confirmed_at) == (10, None)
    assert booklet(db, "F5000001").place == "OUTSIDE"
    assert booklet(db, "F5000011").state == BookletState.NUEVA
    entry = listed(db, "F5000010")
    assert (entry.status, entry.document_type, entry.issuing_country, entry.country_code) == (
        LostStatus.STOLEN_BLANK, "P", "GTM", "HND"
    )  # fmt: skip
    assert (entry.lost_on.isoformat(), entry.report_id) == ("2026-01-05", made.id)
    assert db.scalar(select(func.count()).select_from(LostDocument)) == 10


def test_a_lost_blank_is_listed_as_lost(db: Session, keeper: Actor) -> None:
    make_booklets(db)
    report(db, keeper, Run("F", 5_000_001, 1), kind="LOST")
    assert listed(db, "F5000001").status == LostStatus.LOST


def test_the_codes_that_list_are_those_that_say_a_booklet_is_gone(db: Session) -> None:
    body = db.scalar(text("select prosrc from pg_proc where proname = 'list_lost_documents'"))
    assert body.split("void_type_code in (")[1].split(")")[0] == "'ROB', 'HUR', 'EXT', 'EXB'"
    assert {"ROB", "HUR", "EXT", "EXB"} == GONE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "MISLAID"}, "kind"), ({"lost_on": "2999-01-01"}, "lost_on"), ({"lost_on": "ayer"}, "lost_on"),
        ({"country": "ZZZ"}, "country"), ({"remarks": " "}, "remarks"), ({"place": "x" * 121}, "place"),
    ],
)  # fmt: skip
def test_a_fact_that_cannot_be_taken_is_named(db: Session, keeper: Actor, change: dict[str, str], field: str) -> None:
    make_booklets(db, count=10)
    with pytest.raises(BadValue) as refusal:
        report(db, keeper, **change)
    assert refusal.value.field == field


def test_who_may_not_void_reports_nothing(db: Session, as_user: Callable[[str], Actor]) -> None:
    make_booklets(db, count=10)
    with pytest.raises(NotAllowed):
        report(db, as_user("entrega"))


def test_another_sites_blanks_are_not_reported(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=10, warehouse="PROD-PET")
    with pytest.raises(Unavailable, match="Nothing was blocked"):
        report(db, replace(keeper, sites=frozenset({"GUA"})))
    assert booklet(db, "F5000001").state == BookletState.NUEVA


def test_numbers_that_are_void_already_or_do_not_exist_stop_the_report_and_are_named(
    db: Session, keeper: Actor
) -> None:
    make_booklets(db, count=5)
    blanks.void_blank(db, keeper, "F5000002", void_type="DAB", remarks="Mojada")
    with pytest.raises(Unavailable) as refusal:
        report(db, keeper)
    assert refusal.value.params["ranges"] == "F5000002, F5000006–F5000010"
    assert (refusal.value.params["user"], refusal.value.params["label"]) == ("produccion", "Void")
    with pytest.raises(Unavailable, match="no booklets"):
        report(db, keeper, Run("F", 9_999_990, 2))


# Every door, once a box is reported.


@pytest.fixture
def stolen(db: Session, keeper: Actor) -> LossReport:
    """F5000001 to F5000010 stolen from PROD-GUA, where F5000011 and F5000012 are left."""
    make_booklets(db, count=12)
    return report(db, keeper)


def test_it_cannot_be_assigned_nor_is_it_offered(
    db: Session, stolen: LossReport, as_user: Callable[[str], Actor]
) -> None:
    printer, case = as_user("impres"), make_case(db, State.AUTORIZADA)
    with pytest.raises(Unavailable, match="produccion"):
        perform(db, "assign_booklet", case.number, printer, booklet="F5000003")
    assert offered_booklets(db, "GUA", "ORDINARIA", printer)[0] == "F5000011"


def test_it_cannot_be_transferred_not_even_by_a_draft_made_before(db: Session, office: Office) -> None:
    make_booklets(db, count=12)
    before = Office(db, pause=lambda: report(db, office.actor("produccion")) and None)
    with pytest.raises(Unavailable, match="F5000001–F5000010"):
        before.send("produccion", "PROD-GUA", "PROD-PET", BOX)


def test_it_cannot_be_issued_nor_returned(db: Session, office: Office) -> None:
    make_booklets(db, count=12)
    before = Office(db, pause=lambda: report(db, office.actor("produccion")) and None)
    with pytest.raises(DomainError, match="F5000001"):
        before.issue("produccion", "impres", BOX)


def test_blanks_in_a_printers_hands_are_blocked_there(db: Session, office: Office) -> None:
    make_booklets(db, count=10)
    office.issue("jpgu", "impres", BOX)
    report(db, office.actor("produccion"))
    with pytest.raises(DomainError):
        office.take_back("jpgu", "impres", BOX)


def test_a_box_stolen_in_transit_is_blocked_at_once_and_cannot_be_received(db: Session, office: Office) -> None:
    make_booklets(db, 5_000_001, 20, warehouse="CENTRAL")
    _kind, number, _sent = office.send("jpgu", "CENTRAL", "PROD-GUA", Run("F", 5_000_001, 20))
    report(db, office.actor("produccion"))
    transfer = db.get_one(StockDocument, number, populate_existing=True)
    assert transfer.received_at is None, "ten are still on the way"
    assert office.arrive("produccion", number, Run("F", 5_000_001, 20))[2] == 10
    assert booklet(db, "F5000001").place == "OUTSIDE"
    assert db.get_one(StockDocument, number, populate_existing=True).received_at is not None


def test_the_last_of_a_transfer_stolen_ends_it(db: Session, office: Office) -> None:
    make_booklets(db, count=10, warehouse="CENTRAL")
    number = office.send("jpgu", "CENTRAL", "PROD-GUA", BOX)[1]
    report(db, office.actor("produccion"))
    assert db.get_one(StockDocument, number, populate_existing=True).received_at is not None
    with pytest.raises(WrongState):
        office.arrive("produccion", number, BOX)


def test_it_is_not_counted_as_on_hand(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=12)
    before = ordinary(db, keeper)
    report(db, keeper)
    assert before - ordinary(db, keeper) == 10


def test_it_is_received_into_stock_no_second_time(db: Session, office: Office, stolen: LossReport) -> None:
    with pytest.raises(DomainError):
        office.receive("produccion", "CENTRAL", BOX)


def test_a_booklet_in_printing_is_blocked_and_no_page_of_it_is_printed(db: Session, keeper: Actor) -> None:
    case = in_printing(db)
    report(db, keeper, Run("F", 5_000_001, 1))
    assert again(db, case).state == State.AUTORIZADA
    assert listed(db, "F5000001").status == LostStatus.STOLEN_BLANK, "no page of it was accepted"
    for name in ("print_page", "accept_print"):
        with pytest.raises(WrongState):
            act(db, "impres", name, case.number)


def test_a_printed_passport_is_blocked_before_it_is_checked_or_delivered(db: Session, keeper: Actor) -> None:
    case = checked(db)
    report(db, keeper, Run("F", 5_000_001, 1))
    assert (booklet(db, "F5000001").void_type_code, listed(db, "F5000001").status) == ("EXB", LostStatus.STOLEN)
    with pytest.raises(WrongState):
        act(db, "entrega", "deliver", case.number, **COLLECTED)


def test_a_delivered_passport_and_blanks_go_into_one_report(db: Session, keeper: Actor) -> None:
    case = checked(db)
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    make_booklets(db, 5_000_002, 9)
    made = report(db, keeper)
    assert booklet(db, "F5000001").void_type_code == "ROB"
    assert {listed(db, f"F50000{n:02d}").report_id for n in range(1, 11)} == {made.id}
    assert (listed(db, "F5000001").status, listed(db, "F5000002").status) == ("STOLEN", "STOLEN_BLANK")
    assert again(db, case).state == State.ENTREGADA


# Listed by whatever act.


@pytest.mark.parametrize(("void_type", "status"), [("ROB", "STOLEN"), ("HUR", "STOLEN"), ("EXT", "LOST")])
def test_a_delivered_booklet_voided_on_its_case_is_listed(db: Session, void_type: str, status: str) -> None:
    case = checked(db)
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    act(db, "jpgu", "void_booklet", case.number, void_type=void_type, comment="Denuncia")
    entry = listed(db, "F5000001")
    assert (entry.status, entry.report_id, entry.country_code) == (status, None, None)


def test_another_reason_lists_nothing(db: Session) -> None:
    case = printed(db)
    act(db, "jpgu", "void_booklet", case.number, void_type="DEF", comment="Rota")
    assert db.scalar(select(func.count()).select_from(LostDocument)) == 0


def test_a_void_past_the_product_is_listed_too(db: Session, keeper: Actor) -> None:
    (number, *_rest) = make_booklets(db)
    ledger.post(db, keeper, "EGRESO_ANULACION", booklet(db, number), "OUTSIDE", void_type="EXB")
    assert listed(db, number).status == LostStatus.LOST


def test_what_was_voided_as_gone_before_there_was_the_list_is_on_it(db: Session, keeper: Actor) -> None:
    make_booklets(db)
    for table, trigger in (
        ("stock_movement", "lost_documents_are_listed"), ("lost_document", "lost_document_is_the_ledgers")
    ):  # fmt: skip
        db.execute(text("set constraints all immediate"))
        db.execute(text(f"alter table {table} disable trigger {trigger}"))
    for number, void_type in (("F5000001", "EXB"), ("F5000002", "DAB")):
        blanks.void_blank(db, keeper, number, void_type=void_type, remarks="Antes")
    migration = importlib.import_module("migrations.versions.0014_shipments")
    db.execute(text(migration.LISTED_BEFORE))
    entry = db.scalars(select(LostDocument)).one()
    assert (entry.booklet_number, entry.status, entry.document_type) == ("F5000001", LostStatus.LOST, "P")


def test_the_facts_of_one_report_do_not_reach_the_next_void(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=11)
    report(db, keeper)
    blanks.void_blank(db, keeper, "F5000011", void_type="EXB", remarks="No aparece")
    assert (listed(db, "F5000011").report_id, listed(db, "F5000011").status) == (None, LostStatus.LOST)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into lost_document select * from lost_document",
        "update lost_document set lost_on = lost_on - 1", "update lost_document set status = 'LOST'",
        "update lost_document set withdrawn_at = now(), withdrawal_id = movement_id", "delete from lost_document",
        "truncate lost_document", "update loss_report set lost_on = lost_on - 1", "delete from loss_report",
        "update loss_report set confirmed_by_id = reported_by_id, confirmed_at = now()",
    ],
)  # fmt: skip
def test_the_list_and_the_reports_stay_as_they_are(db: Session, stolen: LossReport, statement: str) -> None:
    db.execute(text("set constraints all immediate"))
    if statement.startswith("insert"):
        columns = "booklet_number, movement_id, document_type, issuing_country, status, lost_on, listed_at"
        statement = f"insert into lost_document ({columns}) select {columns} from lost_document limit 1"
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text(statement))


# Confirmed, and found again.


def test_a_second_person_confirms_once(
    db: Session, stolen: LossReport, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    with pytest.raises(Refused):
        losses.confirm(db, keeper, stolen.id)
    assert losses.confirm(db, as_user("jpgu"), stolen.id).confirmed_at
    with pytest.raises(WrongState, match="jpgu"):
        losses.confirm(db, as_user("admadm"), stolen.id)


def test_a_box_found_again_is_back_where_it_was_by_a_second_person(
    db: Session, stolen: LossReport, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    found, admin = [Run("F", 5_000_001, 4)], as_user("admadm")
    with pytest.raises(Refused, match="second person"):
        losses.bring_back(db, replace(keeper, permissions=admin.permissions), found, remarks="Aparecieron")
    assert losses.bring_back(db, admin, found, remarks="Aparecieron") == 4
    assert booklet(db, "F5000001").place == "WAREHOUSE:PROD-GUA"
    assert listed(db, "F5000001").withdrawn_at is not None
    assert listed(db, "F5000005").withdrawn_at is None
    with pytest.raises(Unavailable, match="F5000001–F5000004"):
        losses.bring_back(db, admin, [Run("F", 5_000_001, 6)], remarks="Otra vez")


def test_a_passport_once_reported_stays_void(db: Session, keeper: Actor, as_user: Callable[[str], Actor]) -> None:
    case = checked(db)
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    report(db, keeper, Run("F", 5_000_001, 1))
    with pytest.raises(Unavailable):
        losses.bring_back(db, as_user("admadm"), [Run("F", 5_000_001, 1)], remarks="Apareció")


def test_what_was_found_and_is_lost_again_is_listed_again(
    db: Session, stolen: LossReport, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    losses.bring_back(db, as_user("admadm"), [BOX], remarks="Aparecieron")
    report(db, keeper, kind="LOST")
    states = db.execute(
        select(LostDocument.status, LostDocument.withdrawn_at.is_(None))
        .where(LostDocument.booklet_number == "F5000001").order_by(LostDocument.id)
    ).all()  # fmt: skip
    assert [tuple(row) for row in states] == [("STOLEN_BLANK", False), ("LOST", True)]


# Two people at once, each on his own connection; a lot of the largest kind.


@pytest.fixture(scope="module")
def world(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("losses"), pool_size=5)
    yield engine
    engine.dispose()


def named(world: Engine, username: str) -> Actor:
    with Session(world) as session:
        actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def doing(world: Engine, actor: Actor, what: Callable[[Session], Any]) -> Callable[[], Any]:
    def do() -> Any:
        with acting_as(actor), Session(world, expire_on_commit=False) as session, session.begin():
            return what(session)

    return do


def test_of_who_assigns_and_who_reports_a_booklet_exactly_one_wins(world: Engine) -> None:
    printer, keeper = named(world, "impres"), named(world, "produccion")
    for turn in range(ROUNDS):
        serial = 6_000_001 + 10 * turn
        with Session(world) as session:
            make_booklets(session, serial, 10)
            case = make_case(session, State.AUTORIZADA).number
            session.commit()
        number = f"F{serial + 4:07d}"
        assigned, reported = at_once(
            doing(world, printer, lambda s, case=case, number=number: perform(
                s, "assign_booklet", case, printer, booklet=number)),
            doing(world, keeper, lambda s, serial=serial: losses.report(
                s, keeper, [Run("F", serial, 10)], **FACTS)),
        )  # fmt: skip
        with Session(world) as session:
            state = session.get_one(Booklet, number).state
            entries = session.scalar(select(func.count()).where(LostDocument.booklet_number == number))
        if isinstance(reported, DomainError):
            assert (state, entries, reported.params["user"]) == (BookletState.ASIGNADA, 0, "impres")
        elif isinstance(assigned, DomainError):
            assert (state, entries, assigned.params["user"]) == (BookletState.ANULADA, 1, "produccion")
        else:  # assigned first, and then reported on its case
            assert (state, entries) == (BookletState.ANULADA, 1)


def test_two_reports_of_the_same_box_list_it_once(world: Engine) -> None:
    keeper = named(world, "produccion")
    with Session(world) as session:
        make_booklets(session, 6_500_001, 200)
        session.commit()
    one = doing(world, keeper, lambda s: losses.report(s, keeper, [Run("F", 6_500_001, 200)], **FACTS))
    results = at_once(one, one)
    assert sorted(isinstance(result, DomainError) for result in results) == [False, True]
    with Session(world) as session:
        assert (
            session.scalar(select(func.count()).where(LostDocument.booklet_number.between("F6500001", "F6500200")))
            == 200
        )


def test_twenty_thousand_blanks_are_one_lot(world: Engine) -> None:
    keeper, other = named(world, "produccion"), named(world, "admadm")
    lot = [Run("F", 7_000_001, 20_000)]
    with Session(world) as session:
        make_booklets(session, 7_000_001, 20_000, warehouse="CENTRAL")
        session.commit()
        begun = perf_counter()
        with acting_as(keeper):
            made = losses.report(session, keeper, lot, **FACTS)
        session.commit()
        taken = perf_counter() - begun
        assert session.scalar(select(func.count()).where(LostDocument.report_id == made.id)) == 20_000
        losses.bring_back(session, other, lot, remarks="Era otra bodega")
        session.commit()
        left = select(func.count()).where(LostDocument.report_id == made.id, LostDocument.withdrawn_at.is_(None))
        assert session.scalar(left) == 0
        last = session.scalars(select(StockMovement.kind).where(StockMovement.booklet_number == "F7020000")).all()
        assert last[-1] == "REINGRESO_REACTIVACION"
    assert taken < 60, f"{taken:.1f} s"
