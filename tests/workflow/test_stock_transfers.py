"""Transfers: sent, in transit, received in parts with their differences; nothing moves twice, nothing is forgotten."""

import datetime as dt
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from zxingcpp import read_barcodes

from models.arrivals import Difference, StockArrival, StockDifference
from models.base import make_engine, utc_now
from models.booklets import Booklet, BookletState
from models.cases import State
from models.catalogs import TransferRoute
from models.stock import DocumentState, StockDocument, StockMovement
from security.actor import Actor, load_actor, system_actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, Unavailable, WrongState
from tests.build import make_booklets, make_case
from workflow.booklets import lock_booklet
from workflow.machine import perform
from workflow.stock import arrivals, documents, ledger, receipts, stock_papers, transfer_lists, transfers
from workflow.stock.holdings import joined
from workflow.stock.run_sets import common, size, without
from workflow.stock.serials import Run, read_runs

TODAY = dt.date(2026, 11, 20)
FIRST = 5_000_001


@pytest.fixture
def sender(as_user: Callable[[str], Actor]) -> Actor:
    """Sends from any warehouse."""
    return as_user("produccion")


@pytest.fixture
def receiver(db: Session) -> Actor:
    """A printer of Guatemala, who may confirm what arrives there."""
    return somebody(db, "impres")


@pytest.fixture
def draft(db: Session, sender: Actor) -> StockDocument:
    make_booklets(db, FIRST, 20, warehouse="CENTRAL")
    return new(db, sender)


@pytest.fixture
def sent(db: Session, sender: Actor, draft: StockDocument) -> StockDocument:
    """Ten booklets on their way from the central warehouse to Guatemala."""
    line(db, draft, sender, FIRST, 10)
    transfers.send(db, draft, sender)
    return draft


def somebody(db: Session, username: str) -> Actor:
    actor = load_actor(db, username=username)
    assert actor is not None
    return actor


def new(db: Session, actor: Actor, *, source: str = "CENTRAL", target: str = "PROD-GUA", **more: Any) -> StockDocument:
    return transfers.draft_transfer(db, actor, on=TODAY, from_warehouse=source, to_warehouse=target, **more)


def line(db: Session, document: StockDocument, actor: Actor, first: int, quantity: int, **more: Any) -> None:
    values = {"category": "ORDINARIA", "prefix": "F"} | more
    transfers.add_line(db, document, actor, first=first, quantity=quantity, **values)


def open_route(db: Session) -> None:
    """From the central warehouse to Guatemala transfers are received at once."""
    pair = {"from_warehouse_code": "CENTRAL", "to_warehouse_code": "PROD-GUA"}
    route = db.scalars(select(TransferRoute).filter_by(**pair)).first()
    if route is None:
        route = TransferRoute(code="C-GUA", name="Central a Guatemala", **pair)
        db.add(route)
    route.active = True
    db.flush()


def places(db: Session) -> dict[str, int]:
    """How many booklets are at each place."""
    return dict(db.execute(select(Booklet.place, func.count()).group_by(Booklet.place)).all())  # type: ignore[arg-type]


def recorded(db: Session) -> set[tuple[str, str]]:
    return {(kind, number) for kind, number in db.execute(select(StockDifference.kind, StockDifference.booklet_number))}


def test_a_sent_booklet_leaves_its_warehouse_and_is_in_transit(db: Session, sent: StockDocument) -> None:
    assert sent.state == DocumentState.CERRADO
    assert sent.received_at is None
    assert places(db) == {"WAREHOUSE:CENTRAL": 10, f"TRANSIT:{sent.id}": 10}


def test_the_receiver_confirms_in_parts_until_nothing_is_in_transit(
    db: Session, sent: StockDocument, receiver: Actor
) -> None:
    first = arrivals.receive(db, sent, receiver, runs=read_runs("F5000001-F5000004, F5000006"))
    assert (first.number, first.booklets, first.surplus) == (1, 5, 0)
    assert places(db) == {"WAREHOUSE:CENTRAL": 10, f"TRANSIT:{sent.id}": 5, "WAREHOUSE:PROD-GUA": 5}
    assert sent.received_at is None
    rest = arrivals.receive(db, sent, receiver, everything=True, remarks="Caja 2")
    assert (rest.number, rest.booklets) == (2, 5)
    assert sent.received_at is not None
    assert places(db) == {"WAREHOUSE:CENTRAL": 10, "WAREHOUSE:PROD-GUA": 10}
    assert [str(run) for run in transfer_lists.runs_received(db, sent.id)] == ["F5000001–F5000010"]
    made = transfer_lists.arrivals(db, sent.id)
    assert [(arrival.number, arrival.user, arrival.received, arrival.remarks) for arrival in made] == [
        (1, "impres", 5, None), (2, "impres", 5, "Caja 2"),
    ]  # fmt: skip
    by_first = transfer_lists.runs_received(db, sent.id, made[0].at)
    assert [str(run) for run in by_first] == ["F5000001–F5000004", "F5000006"]
    with pytest.raises(WrongState) as refusal:
        arrivals.receive(db, sent, receiver, everything=True)
    assert refusal.value.params["user"] == "impres"


def test_surplus_and_damaged_numbers_are_recorded_one_by_one(db: Session, sent: StockDocument, receiver: Actor) -> None:
    elsewhere = make_booklets(db, 7_000_001, 1, warehouse="PROD-PET")
    arrivals.receive(
        db, sent, receiver,
        runs=read_runs("F5000001-F5000003 F7000001 F9999999 F5000015"), damaged=read_runs("F5000002 F5000004"),
    )  # fmt: skip
    assert recorded(db) == {
        ("SURPLUS", elsewhere[0]), ("SURPLUS", "F9999999"), ("SURPLUS", "F5000015"),
        ("DAMAGED", "F5000002"), ("DAMAGED", "F5000004"),
    }  # fmt: skip
    assert places(db)["WAREHOUSE:PROD-GUA"] == 4
    assert places(db)["WAREHOUSE:PROD-PET"] == 1, "a surplus booklet is not moved"
    known = {row.number: row.was_at for row in transfer_lists.differences(db, sent.id, 1)}
    assert known == {
        "F7000001": "WAREHOUSE:PROD-PET", "F9999999": None, "F5000015": "WAREHOUSE:CENTRAL",
        "F5000002": f"TRANSIT:{sent.id}", "F5000004": f"TRANSIT:{sent.id}",
    }  # fmt: skip


def test_a_confirmation_of_surplus_alone_is_an_arrival_too(db: Session, sent: StockDocument, receiver: Actor) -> None:
    done = arrivals.receive(db, sent, receiver, runs=[Run("F", 9_000_000, 3)])
    assert (done.booklets, done.surplus) == (0, 3)
    assert places(db)[f"TRANSIT:{sent.id}"] == 10


def test_a_mistyped_range_is_no_surplus(db: Session, sent: StockDocument, receiver: Actor) -> None:
    with pytest.raises(BadValue) as refusal:
        arrivals.receive(db, sent, receiver, runs=read_runs("F0000000-F9999999"))
    assert refusal.value.params["count"] == 10_000_000 - 10
    assert places(db)[f"TRANSIT:{sent.id}"] == 10
    assert recorded(db) == set()


def test_what_did_not_come_stays_in_transit_and_may_be_found(db: Session, sent: StockDocument, receiver: Actor) -> None:
    arrivals.receive(db, sent, receiver, runs=[Run("F", FIRST, 8)])
    with pytest.raises(BadValue):
        arrivals.declare_missing(db, sent, receiver, remarks=" ")
    declared = arrivals.declare_missing(db, sent, receiver, remarks="La caja venía abierta")
    assert (declared.number, declared.received) == (2, 0)
    assert recorded(db) == {("MISSING", "F5000009"), ("MISSING", "F5000010")}
    (waiting,) = transfer_lists.waiting(db, receiver)
    assert (waiting.left, waiting.missing, waiting.days, waiting.late) == (2, 2, 0, False)
    with pytest.raises(Refused):
        arrivals.declare_missing(db, sent, receiver, remarks="Otra vez")
    arrivals.receive(db, sent, receiver, runs=[Run("F", FIRST + 8, 1)])
    assert sent.received_at is None
    arrivals.receive(db, sent, receiver, everything=True)
    assert sent.received_at is not None
    assert transfer_lists.waiting(db, receiver) == []
    assert [(row.kind, row.is_at) for row in transfer_lists.differences(db, sent.id)] == [
        (Difference.MISSING, "WAREHOUSE:PROD-GUA")
    ] * 2


def test_a_missing_booklet_voided_as_lost_ends_the_transfer(db: Session, sent: StockDocument, receiver: Actor) -> None:
    arrivals.receive(db, sent, receiver, runs=[Run("F", FIRST, 9)])
    arrivals.settle(db, sent.id)
    assert sent.received_at is None
    arrivals.hold(db, sent.id)
    system = system_actor(db)
    ledger.post(db, system, "EGRESO_ANULACION", lock_booklet(db, "F5000010"), "OUTSIDE", void_type="EXB")
    arrivals.settle(db, sent.id)
    assert sent.received_at is not None
    assert transfer_lists.waiting(db, receiver) == []
    booklet, void = lock_booklet(db, "F5000010"), ledger.last_movement(db, "F5000010")
    ledger.post(db, system, "REINGRESO_REACTIVACION", booklet, void.from_place, reverses=void)
    (waiting,) = transfer_lists.waiting(db, receiver)
    assert (waiting.document.number, waiting.left) == (sent.id, 1), "found after all, it waits to be received"
    arrivals.receive(db, sent, receiver, everything=True)
    assert transfer_lists.waiting(db, receiver) == []


def test_a_long_transit_is_marked(db: Session, sent: StockDocument, receiver: Actor, monkeypatch: Any) -> None:
    later = utc_now() + dt.timedelta(days=4)
    monkeypatch.setattr(transfer_lists, "utc_now", lambda: later)
    (waiting,) = transfer_lists.waiting(db, receiver)
    assert (waiting.days, waiting.late) == (4, True)


def test_who_sent_does_not_receive(db: Session, sent: StockDocument, sender: Actor) -> None:
    with pytest.raises(Refused):
        arrivals.receive(db, sent, sender, everything=True)
    with pytest.raises(Refused):
        arrivals.declare_missing(db, sent, sender, remarks="No vino")


def test_the_database_refuses_a_receiver_who_sent(db: Session, sent: StockDocument, sender: Actor) -> None:
    with pytest.raises(IntegrityError, match="does not allow TRASLADO_INGRESA"), db.begin_nested():
        ledger.post_runs(
            db, sender, "TRASLADO_INGRESA", [Run("F", FIRST, 1)], document=sent, at=utc_now(),
            source=ledger.transit_place(sent.id), target="WAREHOUSE:PROD-GUA",
        )  # fmt: skip
    assert places(db)[f"TRANSIT:{sent.id}"] == 10


def test_arrivals_and_differences_are_kept_for_good(db: Session, sent: StockDocument, receiver: Actor) -> None:
    arrivals.receive(db, sent, receiver, runs=read_runs("F5000001 F9999999"))
    for change in (update(StockArrival).values(received=9), update(StockDifference).values(kind="MISSING")):
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(change)


def test_only_the_receiving_warehouse_confirms(db: Session, sent: StockDocument, as_user: Any) -> None:
    elsewhere = somebody(db, "impdep")
    stranger = at_site(elsewhere, "PET")
    with pytest.raises(NotFound):
        documents.find(db, sent.id, stranger, sent.kind)
    with pytest.raises(NotAllowed):
        arrivals.receive(db, sent, stranger, everything=True)
    with pytest.raises(NotAllowed):
        arrivals.receive(db, sent, as_user("reporte"), everything=True)
    assert transfer_lists.waiting(db, stranger) == []


def at_site(actor: Actor, site: str) -> Actor:
    return replace(actor, sites=frozenset({site}))


def test_only_the_sending_warehouse_writes_the_draft(db: Session, draft: StockDocument, sender: Actor) -> None:
    line(db, draft, sender, FIRST, 1)
    guatemala = at_site(sender, "GUA")
    acts: list[Callable[[], Any]] = [
        lambda: line(db, draft, guatemala, FIRST + 5, 1),
        lambda: transfers.send(db, draft, guatemala),
        lambda: transfers.drop_draft(db, draft, guatemala),
        lambda: transfers.drop_line(db, draft, draft.lines[0].id, guatemala),
        lambda: new(db, guatemala, source="PROD-GUA", target="CENTRAL", document=draft),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(BadValue) as refusal:
        new(db, guatemala)
    assert refusal.value.field == "from_warehouse"


def test_between_a_pair_with_a_route_all_is_received_at_once(db: Session, draft: StockDocument, sender: Actor) -> None:
    open_route(db)
    line(db, draft, sender, FIRST, 3)
    transfers.send(db, draft, sender)
    assert draft.at_once
    assert draft.received_at is not None
    assert places(db) == {"WAREHOUSE:CENTRAL": 17, "WAREHOUSE:PROD-GUA": 3}
    moves = db.scalars(select(StockMovement.kind).where(StockMovement.document_id == draft.id)).all()
    assert sorted(moves) == ["TRASLADO_INGRESA"] * 3 + ["TRASLADO_SALE"] * 3
    back = new(db, sender, source="PROD-GUA", target="CENTRAL")
    line(db, back, sender, FIRST, 1)
    transfers.send(db, back, sender)
    assert not back.at_once, "the way back is another pair"


def test_a_head_that_cannot_be_is_refused(db: Session, sender: Actor, draft: StockDocument) -> None:
    for change, field in (({"target": "CENTRAL"}, "to_warehouse"), ({"source": "NADA"}, "from_warehouse")):
        with pytest.raises(BadValue) as refusal:
            new(db, sender, **change)
        assert refusal.value.field == field
    line(db, draft, sender, FIRST, 1)
    with pytest.raises(BadValue) as refusal:
        new(db, sender, source="PROD-GUA", target="PROD-PET", document=draft, version=draft.version)
    assert refusal.value.field == "from_warehouse"
    new(db, sender, target="PROD-PET", document=draft, version=draft.version, reference="Caja 7")
    assert (draft.to_warehouse_code, draft.reference) == ("PROD-PET", "Caja 7")


def test_a_line_names_what_is_not_in_the_warehouse_and_where_it_is(
    db: Session, sent: StockDocument, sender: Actor, receiver: Actor
) -> None:
    make_booklets(db, 6_000_001, 3, warehouse="PROD-PET")
    (own,) = make_booklets(db, 6_500_001, 1)
    case = make_case(db, State.AUTORIZADA)
    perform(db, "assign_booklet", case.number, receiver, booklet=own)
    draft = new(db, sender)
    said = {}
    for first, quantity in ((FIRST, 12), (6_000_001, 3), (6_500_001, 1), (9_000_000, 2)):
        with pytest.raises(Unavailable) as refusal:
            line(db, draft, sender, first, quantity)
        said[first] = str(refusal.value)
    start = "Not in this warehouse: "
    assert said == {
        FIRST: f"{start}F5000001–F5000010. Booklet F5000001 is in transit on transfer {sent.id}.",
        6_000_001: f"{start}F6000001–F6000003. Booklet F6000001 is at PROD-PET.",
        6_500_001: f"{start}F6500001. Booklet F6500001 is ASIGNADA.",
        9_000_000: f"{start}F9000000–F9000001. Booklet F9000000 does not exist in stock.",
    }
    assert draft.lines == []


def test_a_booklet_promised_to_an_open_document_is_not_promised_again(
    db: Session, draft: StockDocument, sender: Actor
) -> None:
    line(db, draft, sender, FIRST, 5)
    other = new(db, sender, target="PROD-PET")
    with pytest.raises(Unavailable) as refusal:
        line(db, other, sender, FIRST + 3, 5)
    assert (refusal.value.params["document"], refusal.value.params["ranges"]) == (draft.id, "F5000004–F5000005")
    transfers.drop_draft(db, draft, sender)
    line(db, other, sender, FIRST + 3, 5)


def test_a_quantity_takes_the_lowest_free_booklets_as_runs(db: Session, draft: StockDocument, sender: Actor) -> None:
    other = new(db, sender, target="PROD-PET")
    line(db, other, sender, FIRST + 2, 3)
    made = transfers.add_quantity(db, draft, sender, category="ORDINARIA", quantity=6)
    assert [(each.first_number, each.quantity) for each in made] == [("F5000001", 2), ("F5000006", 4)]
    with pytest.raises(Unavailable) as refusal:
        transfers.add_quantity(db, draft, sender, category="ORDINARIA", quantity=12)
    assert refusal.value.params["count"] == 11
    transfers.add_quantity(db, draft, sender, category="ORDINARIA", quantity=11)
    assert transfers.send(db, draft, sender) == 17


def test_a_booklet_in_transit_cannot_be_used_nor_sent_again(
    db: Session, sent: StockDocument, sender: Actor, receiver: Actor
) -> None:
    case = make_case(db, State.AUTORIZADA)
    with pytest.raises(Unavailable, match="in transit on transfer"):
        perform(db, "assign_booklet", case.number, receiver, booklet="F5000001")
    again = new(db, sender, target="PROD-PET")
    with pytest.raises(Unavailable, match="in transit on transfer"):
        line(db, again, sender, FIRST, 1)
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(update(Booklet).where(Booklet.number == "F5000001").values(place="WAREHOUSE:PROD-GUA"))
    arrivals.receive(db, sent, receiver, everything=True)
    perform(db, "assign_booklet", case.number, receiver, booklet="F5000001")


def test_a_booklet_taken_since_stops_the_sending_whole(db: Session, draft: StockDocument, sender: Actor) -> None:
    line(db, draft, sender, FIRST, 5)
    ledger.post(
        db, system_actor(db), "EGRESO_ANULACION", lock_booklet(db, "F5000003"), "VOIDED:CENTRAL", void_type="EXB"
    )
    with pytest.raises(Unavailable) as refusal, db.begin_nested():
        transfers.send(db, draft, sender)
    assert (refusal.value.params["ranges"], refusal.value.params["state"]) == ("F5000003", BookletState.ANULADA)
    db.refresh(draft)
    assert draft.state == DocumentState.ABIERTO


def test_a_recall_brings_back_what_is_still_in_transit(
    db: Session, sent: StockDocument, sender: Actor, receiver: Actor
) -> None:
    arrivals.receive(db, sent, receiver, runs=[Run("F", FIRST, 4)])
    head = somebody(db, "jpgu")
    with pytest.raises(NotAllowed):
        transfers.recall(db, sent, sender, remarks="Error")
    with pytest.raises(BadValue):
        transfers.recall(db, sent, head, remarks="")
    reversal = transfers.recall(db, sent, head, remarks="Iba a Petén")
    assert reversal.reverses_id == sent.id
    assert places(db) == {"WAREHOUSE:CENTRAL": 16, "WAREHOUSE:PROD-GUA": 4}
    assert sent.received_at is not None
    moves = db.scalars(select(StockMovement).where(StockMovement.document_id == reversal.id)).all()
    assert {move.kind for move in moves} == {"REVERSION"}
    assert all(move.reverses_id for move in moves)
    with pytest.raises(WrongState):
        transfers.recall(db, sent, head, remarks="Otra vez")


def test_who_sent_does_not_recall(db: Session, draft: StockDocument) -> None:
    head = somebody(db, "jpgu")
    line(db, draft, head, FIRST, 1)
    transfers.send(db, draft, head)
    with pytest.raises(Refused):
        transfers.recall(db, draft, head, remarks="Error")


def test_the_code_of_a_manifest_says_what_was_sent(db: Session, sent: StockDocument) -> None:
    code = arrivals.manifest_code(sent)
    assert code.startswith(f"T{sent.id};10;")
    assert arrivals.read_manifest(code).booklets == 10
    for typed in (code, code.upper(), code.replace(";", "ñ"), f" {code}\r\n"):
        assert arrivals.check_manifest(sent, typed).number == sent.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda code: code[:-1] + ("0" if code[-1] != "0" else "1"), Unavailable),
        (lambda code: code.replace(";10;", ";11;"), Unavailable),
        (lambda code: "T1" + code[1:], Unavailable),
        (lambda code: code[:-1], BadValue),
        (lambda code: "F5000001", BadValue),
        (lambda code: "", BadValue),
    ],
)
def test_an_altered_manifest_is_refused(
    db: Session, sent: StockDocument, change: Callable[[str], str], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        arrivals.check_manifest(sent, change(arrivals.manifest_code(sent)))


def test_a_manifest_does_not_depend_on_how_lines_were_typed(db: Session, draft: StockDocument, sender: Actor) -> None:
    line(db, draft, sender, FIRST + 5, 5)
    line(db, draft, sender, FIRST, 5)
    apart = arrivals.manifest_code(draft)
    for each in [*draft.lines]:
        transfers.drop_line(db, draft, each.id, sender)
    line(db, draft, sender, FIRST, 10)
    assert arrivals.manifest_code(draft) == apart


numbers = st.lists(st.builds(Run, st.sampled_from("FS"), st.integers(0, 40), st.integers(1, 9)), max_size=8)


@settings(max_examples=200, deadline=None)
@given(numbers, numbers)
def test_ranges_are_added_and_taken_away_like_sets(one: list[Run], other: list[Run]) -> None:
    left, right = joined(one), joined(other)
    these, those = ({number for run in runs for number in run.numbers()} for runs in (left, right))
    for runs, expected in ((common(left, right), these & those), (without(left, right), these - those)):
        assert [number for run in runs for number in run.numbers()] == sorted(expected)
        assert size(runs) == len(expected)
        assert joined(runs) == runs


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database of this module's own, for what commits."""
    engine = make_engine(fresh_database("transfers"))
    yield engine
    engine.dispose()


def on_the_road(office: Engine, first: int, quantity: int) -> int:
    """The number of a committed transfer in transit to Guatemala."""
    with Session(office) as db:
        make_booklets(db, first, quantity, warehouse="CENTRAL")
        sender = somebody(db, "produccion")
        document = new(db, sender)
        line(db, document, sender, first, quantity)
        transfers.send(db, document, sender)
        db.commit()
        return document.id


def at_once(acts: list[Callable[[], None]]) -> list[str]:
    """Run `acts` together, each on its own connection; what each was told, empty when it was done."""
    barrier, told = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        barrier.wait(10)
        try:
            act()
            told.append("")
        except DomainError as refusal:
            told.append(str(refusal))

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(told)


def test_two_who_confirm_the_same_range_at_once_receive_it_once(office: Engine) -> None:
    for round_ in range(5):
        first = 5_000_001 + 1000 * round_
        number = on_the_road(office, first, 50)

        def confirm(username: str, number: int = number, first: int = first) -> None:
            with Session(office) as db:
                document = db.get_one(StockDocument, number)
                arrivals.receive(db, document, somebody(db, username), runs=[Run("F", first, 40)])
                db.commit()

        told = at_once([lambda: confirm("impres"), lambda: confirm("jpgu")])
        assert told[0] == ""
        assert told[1].startswith(f"These were received before: F{first}–F{first + 39}. ")
        with Session(office) as db:
            entered = select(func.count()).where(StockMovement.document_id == number)
            assert db.scalar(entered.where(StockMovement.kind == "TRASLADO_INGRESA")) == 40
            assert db.scalar(select(func.count()).where(StockArrival.document_id == number)) == 1
            assert size(transfer_lists.runs_in_transit(db, number)) == 10


def test_a_recall_and_a_receipt_at_once_share_no_booklet(office: Engine) -> None:
    number = on_the_road(office, 6_000_001, 30)

    def receive() -> None:
        with Session(office) as db:
            document = db.get_one(StockDocument, number)
            arrivals.receive(db, document, somebody(db, "impres"), everything=True)
            db.commit()

    def recall() -> None:
        with Session(office) as db:
            transfers.recall(db, db.get_one(StockDocument, number), somebody(db, "jpgu"), remarks="Error")
            db.commit()

    told = at_once([receive, recall])
    assert told[0] == ""
    assert told[1].startswith(f"Nothing of transfer {number} is in transit")
    with Session(office) as db:
        assert transfer_lists.runs_in_transit(db, number) == []
        after = select(StockMovement.kind, func.count()).where(
            StockMovement.kind.in_(("TRASLADO_INGRESA", "REVERSION"))
        )
        mine = after.where(StockMovement.booklet_number.between("F6000001", "F6000030")).group_by(StockMovement.kind)
        assert [count for _kind, count in db.execute(mine)] == [30]


def test_ten_thousand_booklets_go_and_come_in_seconds(office: Engine) -> None:
    began = utc_now()
    number = on_the_road(office, 8_000_000, 10_000)
    with Session(office) as db:
        document = db.get_one(StockDocument, number)
        done = arrivals.receive(db, document, somebody(db, "impres"), everything=True)
        db.commit()
    assert done.booklets == 10_000
    assert utc_now() - began < dt.timedelta(seconds=30)


def test_a_receipt_that_was_sent_on_is_not_reversed(db: Session, sent: StockDocument) -> None:
    receipt = db.scalars(select(StockDocument).where(StockDocument.kind == "INGRESO")).one()
    with pytest.raises(Unavailable):
        receipts.reverse_receipt(db, receipt, somebody(db, "jpgu"), remarks="Error")


def read(pdf: bytes) -> str:
    """The text of a paper, blanks and lines made one."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def test_the_manifest_names_ranges_totals_and_who_signs(db: Session, draft: StockDocument, sender: Actor) -> None:
    make_booklets(db, 1, 3, warehouse="CENTRAL", category="OFICIAL")
    line(db, draft, sender, FIRST, 10)
    line(db, draft, sender, FIRST + 12, 2)
    line(db, draft, sender, 1, 3, category="OFICIAL", prefix="S")
    with pytest.raises(WrongState):
        stock_papers.manifest(db, draft)
    transfers.send(db, draft, sender)
    text = read(stock_papers.manifest(db, draft))
    for said in (
        f"Manifiesto del traslado No. {draft.id}", "CENTRAL DE PASAPORTES",
        "PRODUCCIÓN | CENTRO DE IMPRESIÓN GUATEMALA",
        "Libreta Ordinaria", "1 F5000001 F5000010 10", "2 F5000013 F5000014 2", "Total 12", "Libreta Oficial",
        "1 S0000001 S0000003 3", "Total 3", "Entrega", "Transporta", "Recibe", "Control de Producción Prueba",
    ):  # fmt: skip
        assert said in text


def test_the_printed_code_of_a_manifest_is_read_back(db: Session, sent: StockDocument, tmp_path: Path) -> None:
    paper = tmp_path / "manifest.pdf"
    paper.write_bytes(stock_papers.manifest(db, sent))
    subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", paper, tmp_path / "page"], check=True)
    (code,) = read_barcodes(Image.open(tmp_path / "page.png"))
    assert arrivals.check_manifest(sent, code.text).booklets == 10


def test_the_minutes_of_an_arrival_name_every_difference(db: Session, sent: StockDocument, receiver: Actor) -> None:
    make_booklets(db, 7_000_001, 1, warehouse="PROD-PET")
    surplus = read_runs("F5000001-F5000006 F7000001 F9999999")
    arrivals.receive(db, sent, receiver, runs=surplus, damaged=read_runs("F5000002"), remarks="Caja mojada")
    arrivals.declare_missing(db, sent, receiver, remarks="La caja 2 no vino")
    first, second = (read(stock_papers.arrival_minutes(db, sent, number)) for number in (1, 2))
    for said in (
        f"Acta de recepción No. {sent.id}-1", "F5000001 F5000006 6", "F5000002 Dañada",
        "F7000001 Sobrante En bodega PROD-PET",
        "F9999999 Sobrante No existe en inventario", "Caja mojada", "Impresor Prueba", "Control de Producción Prueba",
    ):  # fmt: skip
        assert said in first
    assert all(f"F500000{n} Faltante En tránsito, traslado No. {sent.id}" in second for n in (7, 8, 9))
    assert "F5000010 Faltante" in second
    assert "no se recibió ninguna libreta" in second
    arrivals.receive(db, sent, receiver, everything=True)
    assert read(stock_papers.arrival_minutes(db, sent, 1)) == first, "minutes say what was so then"
    with pytest.raises(NotFound):
        stock_papers.arrival_minutes(db, sent, 9)
