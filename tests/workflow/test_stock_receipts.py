"""Receipts of booklets: ranges that do not overlap, closed once and for good, read in pieces."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState
from models.stock import DocumentKind, DocumentState, StockDocument, StockLine, StockMovement
from security.actor import Actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Unavailable, WrongState
from tests.build import make_booklets
from workflow.stock import document_lists, documents, on_hand, receipts

TODAY = dt.date(2026, 11, 20)
KIND, WRITE = DocumentKind.INGRESO, receipts.WRITE


@pytest.fixture
def actor(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("produccion")


@pytest.fixture
def draft(db: Session, actor: Actor) -> StockDocument:
    return receipts.draft_receipt(db, actor, category="ORDINARIA", on=TODAY, warehouse="CENTRAL", reference="Lote 1")


def line(db: Session, document: StockDocument, actor: Actor, first: int, quantity: int, **more: Any) -> StockLine:
    values = {"category": "ORDINARIA", "prefix": "F"} | more
    return receipts.add_line(db, document, actor, first=first, quantity=quantity, **values)


def test_closing_makes_every_booklet_new_in_the_warehouse_with_its_entry(
    db: Session, actor: Actor, draft: StockDocument
) -> None:
    line(db, draft, actor, 3_000_400, 5)
    line(db, draft, actor, 7, 2, category="OFICIAL", prefix="S")
    assert receipts.close_receipt(db, draft, actor) == 7
    booklets = db.scalars(select(Booklet).order_by(Booklet.number)).all()
    assert [booklet.number for booklet in booklets] == [*(f"F300040{n}" for n in range(5)), "S0000007", "S0000008"]
    assert {booklet.state for booklet in booklets} == {BookletState.NUEVA}
    assert {booklet.warehouse_code for booklet in booklets} == {"CENTRAL"}
    moves = db.scalars(select(StockMovement)).all()
    assert {(move.from_place, move.to_place, move.document_id) for move in moves} == {
        ("SUPPLIER", "WAREHOUSE:CENTRAL", draft.id)
    }
    assert len(moves) == 7


@pytest.mark.parametrize(
    ("first", "quantity", "said"),
    [
        (5_000_003, 1, "F5000003"),
        (4_999_990, 100, "F5000001–F5000005"),
        (5_000_005, 10, "F5000005"),
        (4_999_000, 5_000, "F5000001–F5000005, F5000201–F5000202, F5001000–F5001009"),
    ],
)
def test_a_line_that_overlaps_is_refused_whole_naming_the_ranges(
    db: Session, actor: Actor, draft: StockDocument, first: int, quantity: int, said: str
) -> None:
    make_booklets(db, 5_000_001, 5)
    make_booklets(db, 5_000_201, 2, warehouse="CENTRAL")
    other = receipts.draft_receipt(db, actor, category="ORDINARIA", on=TODAY, warehouse="CENTRAL")
    line(db, other, actor, 5_001_000, 10)
    with pytest.raises(Unavailable) as refusal:
        line(db, draft, actor, first, quantity)
    assert refusal.value.params["ranges"] == said
    assert refusal.value.field == "first"
    assert document_lists.lines(db, draft.id) == []


def test_more_clashes_than_can_be_named_are_said_to_go_on(db: Session, actor: Actor, draft: StockDocument) -> None:
    for serial in range(6_000_000, 6_000_030, 2):
        make_booklets(db, serial, 1)
    with pytest.raises(Unavailable) as refusal:
        line(db, draft, actor, 6_000_000, 40)
    assert refusal.value.params["ranges"].endswith("F6000018, …")


def test_the_same_serial_of_another_prefix_does_not_clash(db: Session, actor: Actor, draft: StockDocument) -> None:
    make_booklets(db, 5_000_001, 5)
    assert line(db, draft, actor, 5_000_001, 5, category="OFICIAL", prefix="s").first_number == "S5000001"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first": 9_999_999, "quantity": 2}, "quantity"),
        ({"first": 1, "quantity": 0}, "quantity"),
        ({"first": 1, "quantity": 5, "prefix": "S"}, "prefix"),
        ({"first": 1, "quantity": 5, "category": "OTRA"}, "prefix"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    db: Session, actor: Actor, draft: StockDocument, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadValue) as refusal:
        line(db, draft, actor, **values)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [({"warehouse": "NADA"}, "warehouse"), ({"category": "NADA"}, "category"), ({"reference": "x" * 81}, "reference"),
     ({"remarks": "x" * 2001}, "remarks")],
)  # fmt: skip
def test_a_head_that_cannot_be_is_refused(db: Session, actor: Actor, change: dict[str, str], field: str) -> None:
    values = {"category": "ORDINARIA", "warehouse": "CENTRAL"} | change
    with pytest.raises(BadValue) as refusal:
        receipts.draft_receipt(db, actor, on=TODAY, **values)  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_a_closed_receipt_says_who_closed_it_and_never_changes(db: Session, actor: Actor, draft: StockDocument) -> None:
    line(db, draft, actor, 3_000_400, 5)
    receipts.close_receipt(db, draft, actor)
    acts: list[Callable[[], Any]] = [
        lambda: receipts.close_receipt(db, draft, actor),
        lambda: line(db, draft, actor, 1, 1),
        lambda: documents.drop_line(db, draft, draft.lines[0].id, actor, WRITE),
        lambda: documents.drop_draft(db, draft, actor, WRITE),
        lambda: receipts.draft_receipt(db, actor, category="OFICIAL", on=TODAY, warehouse="CENTRAL", document=draft),
    ]
    for act in acts:
        with pytest.raises(WrongState) as refusal:
            act()
        assert refusal.value.params["user"] == "produccion"
    assert db.scalar(select(func.count()).select_from(Booklet)) == 5


def test_an_empty_receipt_does_not_close(db: Session, actor: Actor, draft: StockDocument) -> None:
    with pytest.raises(BadValue):
        receipts.close_receipt(db, draft, actor)


def test_who_looks_at_an_older_version_changes_nothing(db: Session, actor: Actor, draft: StockDocument) -> None:
    seen = draft.version
    first = line(db, draft, actor, 3_000_400, 5, version=seen)
    assert draft.version > seen
    acts: list[Callable[[], Any]] = [
        lambda: receipts.close_receipt(db, draft, actor, version=seen),
        lambda: line(db, draft, actor, 1, 1, version=seen),
        lambda: documents.drop_line(db, draft, first.id, actor, WRITE, version=seen),
        lambda: documents.drop_draft(db, draft, actor, WRITE, version=seen),
    ]
    for act in acts:
        with pytest.raises(WrongState):
            act()
    assert draft.state == DocumentState.ABIERTO
    documents.drop_line(db, draft, first.id, actor, WRITE, version=draft.version)
    assert document_lists.lines(db, draft.id) == []


def test_a_line_or_document_that_is_not_there_is_said_to_be_missing(
    db: Session, actor: Actor, draft: StockDocument
) -> None:
    for act in (
        lambda: documents.drop_line(db, draft, 999_999, actor, WRITE),
        lambda: document_lists.row(db, 2**40, actor, KIND),
        lambda: documents.find(db, 2**40, actor, KIND),
        lambda: document_lists.row(db, 1, actor, KIND),
    ):
        with pytest.raises(NotFound):
            act()
    documents.drop_draft(db, draft, actor, WRITE)
    with pytest.raises(NotFound):
        document_lists.row(db, draft.id, actor, KIND)


def test_who_only_reads_stock_changes_none(db: Session, draft: StockDocument, as_user: Callable[[str], Actor]) -> None:
    reader = as_user("reporte")
    assert document_lists.row(db, draft.id, reader, KIND).booklets == 0
    with pytest.raises(NotAllowed):
        line(db, draft, reader, 1, 1)
    with pytest.raises(NotAllowed):
        receipts.close_receipt(db, draft, reader)
    with pytest.raises(NotAllowed):
        document_lists.pending(db, as_user("concal"), KIND)


def test_lists_name_what_receipts_refer_to_and_page_by_number(
    db: Session, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_lists, "CLOSED_PAGE", 2)
    numbers = []
    for place in range(3):
        document = receipts.draft_receipt(db, actor, category="ORDINARIA", on=TODAY, warehouse="PROD-GUA")
        line(db, document, actor, 1000 * place, 3)
        receipts.close_receipt(db, document, actor)
        numbers.append(document.id)
    page, following = document_lists.closed(db, actor, KIND)
    assert [found.number for found in page] == numbers[:0:-1]
    assert (page[0].booklets, page[0].closed_by, page[0].category) == (3, "produccion", "Libreta Ordinaria")
    assert page[0].warehouse.startswith("PRODUCCIÓN")
    rest, end = document_lists.closed(db, actor, KIND, before=following)
    assert ([found.number for found in rest], end) == ([numbers[0]], None)
    assert document_lists.pending(db, actor, KIND) == []


def test_the_booklets_of_a_document_are_listed_in_pieces_across_lines(
    db: Session, actor: Actor, draft: StockDocument
) -> None:
    line(db, draft, actor, 10, 3)
    line(db, draft, actor, 5_000_000, 100_000)
    lines = document_lists.lines(db, draft.id)
    assert [(each.position, each.number) for each in document_lists.listed(lines, 2, 4)] == [
        (2, "F0000011"), (3, "F0000012"), (4, "F5000000"), (5, "F5000001"),
    ]  # fmt: skip
    assert [each.number for each in document_lists.listed(lines, 100_002)] == ["F5099998", "F5099999"]
    assert [*document_lists.listed(lines, 100_004)] == []


def test_offered_booklets_are_the_lowest_of_the_sites_warehouse(db: Session, as_user: Callable[[str], Actor]) -> None:
    make_booklets(db, 5_000_010, 3)
    make_booklets(db, 5_000_001, 3, warehouse="PROD-GU9")
    make_booklets(db, 1, 1, category="OFICIAL")
    assert on_hand.offered_booklets(db, "GUA", "ORDINARIA", as_user("impres"), 2) == ["F5000010", "F5000011"]


def test_two_drafts_at_once_never_hold_the_same_number(engine: Any) -> None:
    """Two real connections add the same range to two documents: exactly one does, the other reads which numbers."""
    from security.actor import load_actor

    with Session(engine, expire_on_commit=False) as session:
        who = load_actor(session, username="produccion")
        assert who is not None
        documents = [
            receipts.draft_receipt(session, who, category="ORDINARIA", on=TODAY, warehouse="CENTRAL").id
            for _document in range(2)
        ]
        session.commit()
    barrier, outcomes = threading.Barrier(2), []

    def add(number: int) -> None:
        with Session(engine) as session:
            document = session.get_one(StockDocument, number)
            barrier.wait(10)
            try:
                line(session, document, who, 8_000_000, 50)
                session.commit()
                outcomes.append("")
            except DomainError as refusal:
                outcomes.append(str(refusal))

    threads = [threading.Thread(target=add, args=(number,)) for number in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    try:
        assert sorted(outcomes) == ["", "These numbers exist already: F8000000–F8000049."]
    finally:
        with Session(engine) as session:
            for number in documents:
                session.delete(session.get_one(StockDocument, number))
            session.commit()
