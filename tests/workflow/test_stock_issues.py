"""Booklets issued to a printer and returned: two people, two counts; which booklets he may then use for a case."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.cases import CaseEvent, PassportCase, State
from models.catalogs import Site
from models.stock import DocumentState, StockDocument, StockMovement
from models.users import User
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from security.scope import acting_as, set_acting
from tests.build import make_booklets, make_case
from tests.views.desk import act, in_printing, printed
from workflow.machine import perform
from workflow.stock import documents, holdings, issues, ledger, on_hand, transfers
from workflow.stock.printers import printers
from workflow.stock.serials import Run, read_runs

TODAY = dt.date(2026, 11, 20)
GUA = "PROD-GUA"


def who(db: Session, username: str) -> Actor:
    actor = load_actor(db, username=username)
    assert actor is not None
    return actor


@pytest.fixture
def keeper(db: Session) -> Actor:
    """A keeper of Guatemala's warehouse alone."""
    return replace(who(db, "produccion"), sites=frozenset({"GUA"}))


@pytest.fixture
def printer(db: Session) -> Actor:
    """A printer who may print and nothing else."""
    return replace(who(db, "impres"), permissions=frozenset({Permission.PRINT_BOOKLETS}))


def draft(db: Session, keeper: Actor, printer: str | int = "impres", **head: Any) -> StockDocument:
    return issues.draft_issue(db, keeper, **{"on": TODAY, "warehouse": GUA, "printer": printer} | head)


def issued(db: Session, keeper: Actor, printer: Actor, runs: str) -> StockDocument:
    """A closed issue."""
    document = draft(db, keeper, printer.username)
    counted = issues.add_runs(db, document, keeper, read_runs(runs))
    issues.sign(db, document, keeper)
    issues.confirm(db, document, printer, counted=counted)
    return document


def place(db: Session, number: str) -> str:
    return db.scalars(select(Booklet.place).where(Booklet.number == number)).one()


def hands(printer: Actor) -> str:
    return f"HANDS:{GUA}:{printer.user_id}"


# Issue and return.


def test_an_issue_signed_by_the_keeper_and_counted_by_the_printer_puts_booklets_into_his_hands(
    db: Session, keeper: Actor, printer: Actor
) -> None:
    numbers = make_booklets(db, count=10)
    document = draft(db, keeper)
    assert issues.add_runs(db, document, keeper, read_runs("F5000001-F5000003, F5000007")) == 4
    issues.sign(db, document, keeper)
    assert place(db, numbers[0]) == f"WAREHOUSE:{GUA}", "nothing moves before the second count"
    assert issues.confirm(db, document, printer, counted=4) == 4
    assert document.state == DocumentState.CERRADO
    assert (document.signed_by_id, document.closed_by_id) == (keeper.user_id, printer.user_id)
    assert [number for number in numbers if place(db, number) == hands(printer)] == [
        "F5000001", "F5000002", "F5000003", "F5000007",
    ]  # fmt: skip
    moves = db.scalars(select(StockMovement).where(StockMovement.document_id == document.id)).all()
    assert {(move.kind, move.user_id, move.at) for move in moves} == {("SALIDA", printer.user_id, document.closed_at)}


def test_a_return_brings_everything_back_whoever_of_the_two_prepared_it(
    db: Session, keeper: Actor, printer: Actor
) -> None:
    numbers = make_booklets(db, count=6)
    issued(db, keeper, printer, "F5000001-F5000006")
    mine = issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer=printer.user_id)
    issues.add_runs(db, mine, printer, [Run("F", 5_000_002, 2)])
    issues.sign(db, mine, printer)
    rest = issues.draft_return(db, keeper, on=TODAY, warehouse=GUA, printer="impres")
    assert issues.add_everything(db, rest, keeper) == 4, "not those on the other open return"
    assert documents.runs(rest) == [Run("F", 5_000_001, 1), Run("F", 5_000_004, 3)]
    assert issues.add_everything(db, rest, keeper) == 0
    issues.sign(db, rest, keeper)
    assert issues.confirm(db, mine, keeper, counted=2) == 2
    assert issues.confirm(db, rest, printer, counted=4) == 4
    assert {place(db, number) for number in numbers} == {f"WAREHOUSE:{GUA}"}
    kinds = select(StockMovement.kind).where(StockMovement.document_id.in_([mine.id, rest.id]))
    assert set(db.scalars(kinds)) == {"REINGRESO_SALIDA"}


@pytest.mark.parametrize("counted", [0, 3, 5, 10**9])
def test_a_wrong_count_is_refused_without_telling_the_right_one(
    db: Session, keeper: Actor, printer: Actor, counted: int
) -> None:
    make_booklets(db, count=4)
    document = draft(db, keeper)
    issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 4)])
    issues.sign(db, document, keeper)
    with pytest.raises(BadValue) as refusal:
        issues.confirm(db, document, printer, counted=counted)
    assert refusal.value.field == "counted"
    assert "4" not in str(refusal.value)
    assert document.state == DocumentState.POR_CONFIRMAR
    issues.give_back(db, document, printer)
    assert (document.state, document.signed_by_id) == (DocumentState.ABIERTO, None)
    issues.drop_line(db, document, document.lines[0].id, keeper)
    assert document.lines == []


def test_the_two_are_the_printer_and_somebody_else(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    document = draft(db, keeper)
    issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 4)])
    other_keeper, other_printer = who(db, "jpgu"), who(db, "impdep")
    with pytest.raises(NotAllowed):
        issues.sign(db, document, printer)
    issues.sign(db, document, keeper)
    for somebody, error in ((keeper, Refused), (other_keeper, Refused), (other_printer, NotAllowed)):
        assert not issues.may_confirm(db, document, somebody)
        with pytest.raises(error):
            issues.confirm(db, document, somebody, counted=4)
    with pytest.raises(NotAllowed):
        issues.give_back(db, document, other_printer)
    assert issues.may_confirm(db, document, printer)


def test_a_printer_who_keeps_the_warehouse_too_does_not_count_for_both(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=4)
    both = replace(who(db, "impres"), permissions=keeper.permissions | {Permission.PRINT_BOOKLETS})
    document = draft(db, both)
    issues.add_runs(db, document, both, [Run("F", 5_000_001, 4)])
    issues.sign(db, document, both)
    with pytest.raises(Refused):
        issues.confirm(db, document, both, counted=4)
    assert issues.confirm(db, document, keeper, counted=4) == 4


@pytest.mark.parametrize(
    ("signer", "closer", "rule"),
    [
        ("impres", "impres", "two_people_sign"),
        ("produccion", "jpgu", "printer_is_one_of_the_two"),
        (None, "impres", "two_people_sign"),
    ],
)
def test_the_database_knows_the_two_people_as_well(
    db: Session, keeper: Actor, signer: str | None, closer: str, rule: str
) -> None:
    document = draft(db, keeper)
    signed = {"by": who(db, signer).user_id if signer else None, "at": "2026-11-20T12:00Z" if signer else None}
    with pytest.raises(IntegrityError, match=rule):
        db.execute(
            text(
                "update stock_document set state = 'CERRADO', signed_by_id = :by, signed_at = :at,"
                " closed_by_id = :closer, closed_at = '2026-11-20T13:00Z' where id = :id"
            ),
            {**signed, "closer": who(db, closer).user_id, "id": document.id},
        )


def test_the_database_lets_no_issue_reach_other_hands(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    document = issued(db, keeper, printer, "F5000001")
    with pytest.raises(IntegrityError, match="does not allow"):
        ledger.post_runs(
            db, keeper, "SALIDA", [Run("F", 5_000_002, 1)], document=document,
            source=f"WAREHOUSE:{GUA}", target=hands(who(db, "impdep")), at=document.closed_at,
        )  # fmt: skip


# Lines.


def test_ranges_that_are_not_in_the_warehouse_are_refused_whole(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=10)
    make_booklets(db, 5_000_011, 5, warehouse="PROD-GU9")
    issued(db, keeper, printer, "F5000004-F5000005")
    document = draft(db, keeper)
    with pytest.raises(Unavailable) as refusal:
        issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 20)])
    assert refusal.value.params["ranges"] == "F5000004–F5000005, F5000011–F5000020"
    assert refusal.value.field == "numbers"
    assert document.lines == []


def test_a_booklet_is_on_one_open_document_of_the_warehouse(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=10)
    first, second = draft(db, keeper), draft(db, keeper, "impdep")
    issues.add_runs(db, first, keeper, [Run("F", 5_000_003, 3)])
    with pytest.raises(Unavailable) as refusal:
        issues.add_runs(db, second, keeper, [Run("F", 5_000_001, 4)])
    assert refusal.value.params == {"document": first.id, "ranges": "F5000003–F5000004"}
    with pytest.raises(Unavailable, match="on this document already: F5000005"):
        issues.add_runs(db, first, keeper, [Run("F", 5_000_005, 2)])
    issues.drop_draft(db, first, keeper)
    assert issues.add_runs(db, second, keeper, [Run("F", 5_000_001, 4)]) == 4


def test_an_issue_and_a_transfer_do_not_promise_the_same_booklet(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=4)
    sender = who(db, "produccion")
    transfer = transfers.draft_transfer(db, sender, on=TODAY, from_warehouse=GUA, to_warehouse="PROD-GU9")
    transfers.add_line(db, transfer, sender, category="ORDINARIA", prefix="F", first=5_000_001, quantity=2)
    document = draft(db, keeper)
    with pytest.raises(Unavailable) as refusal:
        issues.add_runs(db, document, keeper, [Run("F", 5_000_002, 2)])
    assert refusal.value.params["document"] == transfer.id
    assert issues.add_lowest(db, document, keeper, category="ORDINARIA", quantity=2) == 2
    assert documents.runs(document) == [Run("F", 5_000_003, 2)]


def test_scans_that_overlap_each_other_count_once(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=10)
    document = draft(db, keeper)
    assert issues.add_runs(db, document, keeper, read_runs("F5000002 F5000001-F5000003 f5000004 F5000004")) == 4
    assert documents.runs(document) == [Run("F", 5_000_001, 4)]
    with pytest.raises(BadValue):
        issues.add_runs(db, document, keeper, [])


def test_a_quantity_takes_the_lowest_free_booklets_of_the_category_as_runs(
    db: Session, keeper: Actor, printer: Actor
) -> None:
    make_booklets(db, count=4)
    make_booklets(db, 5_000_011, 5)
    make_booklets(db, 1, 3, category="OFICIAL")
    issued(db, keeper, printer, "F5000002")
    other = draft(db, keeper)
    issues.add_runs(db, other, keeper, [Run("F", 5_000_012, 1)])
    document = draft(db, keeper)
    assert issues.add_lowest(db, document, keeper, category="ORDINARIA", quantity=5) == 5
    assert documents.runs(document) == [
        Run("F", 5_000_001, 1), Run("F", 5_000_003, 2), Run("F", 5_000_011, 1), Run("F", 5_000_013, 1),
    ]  # fmt: skip
    assert issues.add_lowest(db, document, keeper, category="OFICIAL", quantity=1) == 1
    assert document.lines[-1].category_code == "OFICIAL"
    with pytest.raises(Unavailable) as refusal:
        issues.add_lowest(db, document, keeper, category="ORDINARIA", quantity=3)
    assert (refusal.value.field, refusal.value.params["count"]) == ("quantity", 2)


def test_a_hundred_thousand_booklets_are_issued_as_one_line(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, 5_000_001, 100_000)
    document = draft(db, keeper)
    assert issues.add_lowest(db, document, keeper, category="ORDINARIA", quantity=99_999) == 99_999
    assert len(document.lines) == 1
    issues.sign(db, document, keeper)
    assert issues.confirm(db, document, printer, counted=99_999) == 99_999
    (held,) = holdings.who_holds_what(db, printer)
    assert held.run == Run("F", 5_000_001, 99_999)


def test_booklets_used_since_the_draft_are_named_when_it_is_signed_or_counted(
    db: Session, keeper: Actor, printer: Actor
) -> None:
    numbers = make_booklets(db, count=4)
    first, second = draft(db, keeper), draft(db, keeper)
    issues.add_runs(db, first, keeper, [Run("F", 5_000_001, 2)])
    issues.add_runs(db, second, keeper, [Run("F", 5_000_003, 2)])
    issues.sign(db, second, keeper)
    for number in (numbers[1], numbers[3]):
        act(db, "impres", "assign_booklet", make_case(db, State.AUTORIZADA).number, booklet=number)
    with pytest.raises(Unavailable, match="F5000002"):
        issues.sign(db, first, keeper)
    with pytest.raises(Unavailable, match="F5000004"), db.begin_nested():
        issues.confirm(db, second, printer, counted=2)
    db.refresh(second)
    assert second.state == DocumentState.POR_CONFIRMAR
    assert place(db, numbers[2]) == f"WAREHOUSE:{GUA}"


# Heads, versions, sites.


@pytest.mark.parametrize("value", ["concal", "nobody", "", "999999999", "produccion", "sistema"])
def test_an_issue_goes_to_somebody_who_prints(db: Session, keeper: Actor, value: str) -> None:
    with pytest.raises(BadValue) as refusal:
        draft(db, keeper, value)
    assert refusal.value.field == "printer"


def test_an_issue_goes_to_an_active_printer_of_the_warehouses_site(db: Session, keeper: Actor, printer: Actor) -> None:
    national = who(db, "produccion")
    with pytest.raises(BadValue, match="impres does not work at the site") as refusal:
        draft(db, national, warehouse="PROD-GU9")
    assert refusal.value.field == "printer"
    assert draft(db, keeper, printer.user_id).printer_id == printer.user_id
    db.get_one(User, printer.user_id).active = False
    db.flush()
    with pytest.raises(BadValue):
        draft(db, keeper)


def test_keepers_act_only_at_warehouses_of_their_sites(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    with pytest.raises(BadValue) as refusal:
        draft(db, keeper, warehouse="PROD-GU9")
    assert refusal.value.field == "warehouse"
    document = draft(db, keeper)
    elsewhere = replace(keeper, sites=frozenset({"GU9"}))
    acts: list[Callable[[], Any]] = [
        lambda: issues.add_runs(db, document, elsewhere, [Run("F", 5_000_001, 1)]),
        lambda: issues.add_lowest(db, document, elsewhere, category="ORDINARIA", quantity=1),
        lambda: issues.sign(db, document, elsewhere),
        lambda: issues.drop_draft(db, document, elsewhere),
        lambda: issues.drop_line(db, document, 1, elsewhere),
        lambda: issues.draft_issue(
            db, replace(elsewhere, sites=frozenset({"GU9"})), on=TODAY, warehouse=GUA, printer="impres",
            document=document,
        ),
    ]  # fmt: skip
    for attempt in acts:
        with pytest.raises((NotAllowed, BadValue)):
            attempt()
    with pytest.raises(NotFound):
        documents.find(db, document.id, elsewhere, *issues.KINDS)
    assert documents.find(db, document.id, printer, *issues.KINDS) is document, "he is named on it"
    with pytest.raises(NotAllowed):
        draft(db, printer)


def test_what_a_disabled_printer_left_behind_two_keepers_count_back(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=3)
    issued(db, keeper, printer, "F5000001-F5000002")
    db.get_one(User, printer.user_id).active = False
    left = issues.draft_return(db, keeper, on=TODAY, warehouse=GUA, printer="impres", remarks="Ya no labora")
    assert issues.add_everything(db, left, keeper) == 2
    issues.sign(db, left, keeper)
    with pytest.raises(Refused):
        issues.confirm(db, left, keeper, counted=2)
    assert issues.confirm(db, left, who(db, "jpgu"), counted=2) == 2
    assert place(db, "F5000001") == "WAREHOUSE:PROD-GUA"
    with pytest.raises(BadValue):
        draft(db, keeper)


def test_a_printer_prepares_only_his_own_return_and_only_of_what_he_holds(
    db: Session, keeper: Actor, printer: Actor
) -> None:
    make_booklets(db, count=4)
    with pytest.raises(BadValue, match="impres holds no booklets"):
        issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer="impres")
    issued(db, keeper, printer, "F5000001")
    issued(db, keeper, who(db, "impdep"), "F5000002")
    with pytest.raises(NotAllowed):
        issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer="impdep")
    mine = issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer="impres")
    with pytest.raises(Unavailable, match="F5000002"):
        issues.add_runs(db, mine, printer, [Run("F", 5_000_001, 2)])
    other = replace(who(db, "impdep"), permissions=printer.permissions)
    with pytest.raises(NotAllowed):
        issues.add_everything(db, mine, other)


def test_the_head_of_a_draft_with_lines_keeps_the_place_they_lie_at(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    national = who(db, "produccion")
    document = draft(db, keeper)
    issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 1)])
    draft(db, national, "impdep", document=document, version=document.version, remarks="Turno 2")
    assert (document.printer_id, document.remarks) == (who(db, "impdep").user_id, "Turno 2")
    everywhere = db.scalars(select(User).where(User.username == "impdep")).one()
    everywhere.sites.append(db.get_one(Site, "GU9"))
    db.flush()
    with pytest.raises(BadValue, match="lie elsewhere") as refusal:
        draft(db, national, "impdep", warehouse="PROD-GU9", document=document)
    assert refusal.value.field == "warehouse"
    with pytest.raises(WrongState, match="not a return"):
        issues.add_everything(db, document, keeper)


def test_who_looks_at_an_older_version_changes_nothing(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    document = draft(db, keeper)
    seen = document.version
    issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 1)], version=seen)
    assert document.version > seen
    acts: list[Callable[[], Any]] = [
        lambda: issues.add_runs(db, document, keeper, [Run("F", 5_000_002, 1)], version=seen),
        lambda: issues.add_lowest(db, document, keeper, category="ORDINARIA", quantity=1, version=seen),
        lambda: issues.drop_line(db, document, document.lines[0].id, keeper, version=seen),
        lambda: issues.drop_draft(db, document, keeper, version=seen),
        lambda: issues.sign(db, document, keeper, version=seen),
        lambda: draft(db, keeper, document=document, version=seen),
    ]
    for attempt in acts:
        with pytest.raises(WrongState):
            attempt()
    issues.sign(db, document, keeper, version=document.version)
    signed = document.version
    issues.give_back(db, document, keeper, version=signed)
    issues.sign(db, document, keeper)
    with pytest.raises(WrongState):
        issues.confirm(db, document, printer, counted=1, version=signed)
    with pytest.raises(WrongState, match="waits for the second person"):
        issues.drop_line(db, document, document.lines[0].id, keeper)
    issues.confirm(db, document, printer, counted=1, version=document.version)
    with pytest.raises(WrongState, match="impres closed it"):
        issues.confirm(db, document, printer, counted=1)


def test_an_empty_issue_is_not_signed(db: Session, keeper: Actor) -> None:
    with pytest.raises(BadValue):
        issues.sign(db, draft(db, keeper), keeper)


# Who holds what; what waits for whom.


def test_who_holds_what_names_runs_since_when_and_the_document(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=10)
    other = who(db, "impdep")
    first, second = issued(db, keeper, printer, "F5000001-F5000003"), issued(db, keeper, printer, "F5000004-F5000005")
    issued(db, keeper, other, "F5000010")
    assert [(entry.printer, entry.run, entry.document) for entry in holdings.who_holds_what(db, keeper)] == [
        ("impdep", Run("F", 5_000_010, 1), first.id + 2),
        ("impres", Run("F", 5_000_001, 3), first.id),
        ("impres", Run("F", 5_000_004, 2), second.id),
    ]
    (one, two) = holdings.who_holds_what(db, printer)
    assert (one.since, one.warehouse_code, one.name) == (first.closed_at, GUA, "Impresor Prueba")
    assert two.category_code == "ORDINARIA"
    assert holdings.who_holds_what(db, replace(keeper, sites=frozenset({"GU9"}))) == []
    with pytest.raises(NotAllowed):
        holdings.who_holds_what(db, who(db, "concal"))
    reader = replace(who(db, "impres"), sites=frozenset({"GU9"}))
    assert holdings.who_holds_what(db, reader) == [one, two], "his own wherever he works now"


def test_a_document_waits_for_the_one_of_the_two_who_has_not_signed(db: Session, keeper: Actor, printer: Actor) -> None:
    make_booklets(db, count=4)
    document = draft(db, keeper)
    issues.add_runs(db, document, keeper, [Run("F", 5_000_001, 1)])
    assert issues.to_confirm(db, printer) == []
    issues.sign(db, document, keeper)
    assert [row.number for row in issues.to_confirm(db, printer)] == [document.id]
    assert issues.to_confirm(db, keeper) == []
    assert issues.to_confirm(db, who(db, "impdep")) == []
    issues.confirm(db, document, printer, counted=1)
    back = issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer="impres")
    issues.add_everything(db, back, printer)
    issues.sign(db, back, printer)
    assert issues.to_confirm(db, printer) == []
    assert [row.number for row in issues.to_confirm(db, keeper)] == [back.id]
    assert issues.to_confirm(db, replace(keeper, sites=frozenset({"GU9"}))) == []


def test_printers_are_those_of_the_keepers_sites(db: Session, keeper: Actor) -> None:
    assert [one.username for one in printers(db, keeper)] == ["impdep", "impres"]
    assert [one.username for one in printers(db, replace(keeper, sites=frozenset({"GU9"})))] == []
    assert len(printers(db, replace(keeper, sites=None))) == 2


# Which booklet a printer may use for a case.


@pytest.fixture
def shift_issue(db: Session) -> None:
    db.get_one(Site, "GUA").shift_issue = True
    db.flush()


def assign(db: Session, actor: Actor, number: str) -> CaseEvent:
    with acting_as(actor):
        return perform(db, "assign_booklet", make_case(db, State.AUTORIZADA).number, actor, booklet=number)


@pytest.mark.usefixtures("shift_issue")
def test_with_shift_issue_only_booklets_in_his_hands_are_assigned_and_offered(db: Session, keeper: Actor) -> None:
    mine, hers = who(db, "impres"), who(db, "impdep")
    make_booklets(db, count=4)
    issued(db, keeper, mine, "F5000002-F5000003")
    issued(db, keeper, hers, "F5000004")
    assert on_hand.offered_booklets(db, "GUA", "ORDINARIA", mine) == ["F5000002", "F5000003"]
    with pytest.raises(Unavailable, match="in the warehouse, not in your hands"):
        assign(db, mine, "F5000001")
    with pytest.raises(Unavailable, match="was issued to impdep"):
        assign(db, mine, "F5000004")
    assign(db, mine, "F5000003")
    assert place(db, "F5000003") == "PRINTING:GUA"


def test_without_shift_issue_the_warehouses_and_his_own_are_assigned_and_nobody_elses(
    db: Session, keeper: Actor
) -> None:
    mine, hers = who(db, "impres"), who(db, "impdep")
    make_booklets(db, count=5)
    issued(db, keeper, mine, "F5000003")
    issued(db, keeper, hers, "F5000004")
    assert on_hand.offered_booklets(db, "GUA", "ORDINARIA", mine) == ["F5000003", "F5000001", "F5000002", "F5000005"]
    with pytest.raises(Unavailable, match="was issued to impdep"):
        assign(db, mine, "F5000004")
    for number in ("F5000001", "F5000003"):
        assign(db, mine, number)
        assert place(db, number) == "PRINTING:GUA"


@pytest.mark.parametrize("on", [True, False])
def test_a_booklet_in_transit_of_another_category_or_another_site_is_never_assigned(
    db: Session, keeper: Actor, on: bool
) -> None:
    db.get_one(Site, "GUA").shift_issue = on
    mine, sender = who(db, "impres"), who(db, "produccion")
    make_booklets(db, count=2)
    make_booklets(db, 5_000_101, 1, warehouse="PROD-GU9")
    make_booklets(db, 1, 1, category="OFICIAL")
    issued(db, keeper, mine, "S0000001")
    transfer = transfers.draft_transfer(db, sender, on=TODAY, from_warehouse="PROD-GU9", to_warehouse=GUA)
    transfers.add_line(db, transfer, sender, category="ORDINARIA", prefix="F", first=5_000_101, quantity=1)
    with pytest.raises(Unavailable, match="not in the warehouse of GUA"):
        assign(db, mine, "F5000101")
    transfers.send(db, transfer, sender)
    with pytest.raises(Unavailable, match=f"in transit on transfer {transfer.id}"):
        assign(db, mine, "F5000101")
    with pytest.raises(Unavailable, match="is of category OFICIAL"):
        assign(db, mine, "S0000001")
    with pytest.raises(NotFound):
        assign(db, mine, "F9999999")


# Case and ledger in one transaction.


def both(db: Session, case: PassportCase, number: str) -> tuple[list[str], list[str]]:
    """What the case's log and the booklet's ledger say."""
    log = select(CaseEvent.event).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)
    moves = select(StockMovement.kind).where(StockMovement.booklet_number == number).order_by(StockMovement.id)
    return [str(event) for event in db.scalars(log)], list(db.scalars(moves))


ACTS: list[tuple[str, str, str, dict[str, str], str, str]] = [
    ("in_printing", "impres", "refuse_print", {}, "IMPRESION_RECHAZADA", "EGRESO_ANULACION"),
    ("printed", "concal", "refuse_quality", {"comment": "Mancha"}, "CONTROL_CALIDAD_RECHAZADO", "EGRESO_ANULACION"),
    ("in_printing", "produccion", "void_booklet", {"void_type": "DEF", "comment": "Rota"}, "ANULACION",
     "EGRESO_ANULACION"),
    ("voided", "admadm", "reactivate_booklet", {"comment": "Por error"}, "REACTIVACION", "REINGRESO_REACTIVACION"),
]  # fmt: skip


def ready(db: Session, state: str) -> PassportCase:
    if state == "printed":
        return printed(db)
    case = in_printing(db)
    if state == "voided":
        act(db, "produccion", "void_booklet", case.number, void_type="ERR", comment="Por error")
    return case


@pytest.mark.parametrize(("state", "username", "name", "values", "event", "kind"), ACTS, ids=[a[2] for a in ACTS])
def test_event_and_ledger_entry_of_an_act_are_both_there_or_neither(
    db: Session, state: str, username: str, name: str, values: dict[str, str], event: str, kind: str
) -> None:
    case = ready(db, state)
    if name == "reactivate_booklet":
        values = {**values, "booklet": "F5000001"}
    before, at = both(db, case, "F5000001"), place(db, "F5000001")
    actor = who(db, username)
    # The log refuses this address when the movement has been posted.
    with acting_as(actor), pytest.raises(DataError, match="INTO case_event"), db.begin_nested():
        perform(db, name, case.number, actor.at("no address"), **values)
    assert (both(db, case, "F5000001"), place(db, "F5000001")) == (before, at)
    with acting_as(actor):
        written = perform(db, name, case.number, actor, **values)
    assert both(db, case, "F5000001") == ([*before[0], event], [*before[1], kind])
    entry = ledger.last_movement(db, "F5000001")
    assert (entry.at, entry.case_id, entry.user_id) == (written.at, case.id, actor.user_id)


def test_a_booklet_voided_in_his_hands_comes_back_there(db: Session, keeper: Actor) -> None:
    """Assigned from his hands, voided while printing, reactivated: it is where it was, and ends in his hands never."""
    printer = who(db, "impres")
    make_booklets(db, count=2)
    issued(db, keeper, printer, "F5000001-F5000002")
    case = make_case(db, State.AUTORIZADA)
    act(db, "impres", "assign_booklet", case.number, booklet="F5000001")
    act(db, "produccion", "void_booklet", case.number, void_type="ERR", comment="Por error")
    assert place(db, "F5000001") == f"VOIDED:{GUA}"
    act(db, "admadm", "reactivate_booklet", case.number, booklet="F5000001", comment="No")
    assert place(db, "F5000001") == "PRINTING:GUA"
    assert [entry.run for entry in holdings.who_holds_what(db, printer)] == [Run("F", 5_000_002, 1)]


# Two at once, on connections of their own.


@pytest.fixture
def office(fresh_database: Callable[[str], str]) -> Any:
    from models.base import make_engine

    engine = make_engine(fresh_database("issues"))
    yield engine
    engine.dispose()


def test_of_two_who_confirm_a_return_at_once_one_does(office: Engine) -> None:
    set_acting(None)
    with Session(office, expire_on_commit=False) as session:
        keepers, printer = [who(session, name) for name in ("produccion", "jpgu")], who(session, "impres")
        make_booklets(session, count=5)
        issued(session, keepers[0], printer, "F5000001-F5000005")
        back = issues.draft_return(session, printer, on=TODAY, warehouse=GUA, printer="impres")
        issues.add_everything(session, back, printer)
        issues.sign(session, back, printer)
        number = back.id
        session.commit()
    gate, told = threading.Barrier(2), []

    def confirm(actor: Actor) -> None:
        with Session(office) as session:
            document = documents.find(session, number, actor, *issues.KINDS)
            gate.wait(10)
            try:
                told.append(issues.confirm(session, document, actor, counted=5))
                session.commit()
            except DomainError as refusal:
                told.append(refusal)

    threads = [threading.Thread(target=confirm, args=(keeper,)) for keeper in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (lost,) = [result for result in told if not isinstance(result, int)]
    assert [result for result in told if isinstance(result, int)] == [5]
    assert isinstance(lost, WrongState)
    with Session(office) as session:
        assert lost.params["user"] == documents.username(session, session.get_one(StockDocument, number).closed_by_id)
        moves = select(func.count()).select_from(StockMovement).where(StockMovement.document_id == number)
        assert session.scalar(moves) == 5
