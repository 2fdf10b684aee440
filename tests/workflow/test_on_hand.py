"""Existencia: figures now and at a past date, days of stock from real work, transfers proposed, booklets as runs."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import State
from models.catalogs import Warehouse
from models.clock import local_date
from security.actor import Actor, load_actor
from security.errors import NotAllowed, NotFound
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from tests.views.desk import act
from workflow.stock import arrivals, blanks, documents, on_hand, transfers, warehouse_stock
from workflow.stock.on_hand import Figures, OnHand, Stock
from workflow.stock.serials import Run

TODAY = local_date(utc_now())


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("produccion")


def row(stock: Stock, warehouse: str = "PROD-GUA", category: str = "ORDINARIA") -> OnHand:
    (found,) = (row for row in stock.rows if (row.warehouse.code, row.category.code) == (warehouse, category))
    return found


def worked(db: Session, taken: int, *, days_ago: int = 0, warehouse: str = "PROD-GUA", **more: Any) -> None:
    """As if `taken` blanks of the warehouse had been personalised on a day: the turnover alone."""
    values = {"on": TODAY - dt.timedelta(days=days_ago), "taken": taken, "owner": warehouse, "account": "WAREHOUSE"}
    values |= {"category": "ORDINARIA", "kind": "EGRESO_PERSONALIZACION", "put": 0} | more
    db.execute(text("alter table stock_turnover disable trigger user"))
    db.execute(
        text(
            "insert into stock_turnover (span, account, owner, category_code, turnover_on, kind, put, taken)"
            " select span, :account, :owner, :category, date_trunc(span, cast(:on as date)), :kind, :put, :taken"
            " from (values ('DAY'), ('MONTH')) s(span)"
        ),
        values,
    )
    db.execute(text("alter table stock_turnover enable trigger user"))


def sent(db: Session, keeper: Actor, quantity: int, first: int = 5_000_001) -> int:
    document = transfers.draft_transfer(db, keeper, on=TODAY, from_warehouse="CENTRAL", to_warehouse="PROD-GUA")
    transfers.add_line(
        db, document, keeper, category="ORDINARIA", prefix="F", first=first, quantity=quantity
    )  # fmt: skip
    transfers.send(db, document, keeper)
    return document.id


def test_a_booklet_is_counted_where_it_is(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=100, warehouse="CENTRAL")
    number = sent(db, keeper, 20)
    stock = on_hand.on_hand(db, keeper)
    assert row(stock, "CENTRAL").figures == Figures(lying=80)
    assert row(stock).figures == Figures(in_transit=20)
    receiver = load_actor(db, username="admadm")
    assert receiver is not None
    document = documents.find(db, number, receiver, "TRASLADO")  # type: ignore[arg-type]
    arrivals.receive(db, document, receiver, runs=[Run("F", 5_000_001, 15)])
    blanks.void_blanks(db, keeper, [Run("F", 5_000_001, 2)], void_type="DAB", remarks="Caja mojada")
    act(db, "impres", "assign_booklet", make_case(db, State.AUTORIZADA).number, booklet="F5000003")
    stock = on_hand.on_hand(db, keeper)
    assert row(stock).figures == Figures(lying=12, voided=2, in_transit=5)
    assert row(stock).daily == 1
    (total,) = stock.totals.values()
    assert total == Figures(lying=92, voided=2, in_transit=5)


def test_blanks_are_those_in_the_warehouse_and_in_hands(db: Session, keeper: Actor) -> None:
    worked(db, 0, put=10, kind="INGRESO")
    worked(db, 0, put=4, kind="SALIDA", account="HANDS")
    assert row(on_hand.on_hand(db, keeper)).figures.blanks == 14


def test_a_past_day_is_told_as_it_ended(db: Session, keeper: Actor) -> None:
    worked(db, 0, put=100, kind="INGRESO", days_ago=10)
    worked(db, 30, days_ago=5)
    worked(db, 1, put=0, days_ago=0)

    def lying(days_ago: int) -> int:
        stock = on_hand.on_hand(db, keeper, TODAY - dt.timedelta(days=days_ago))
        return row(stock).figures.lying if stock.rows else 0

    assert [lying(days) for days in (11, 10, 6, 5, 1, 0, -30)] == [0, 100, 100, 70, 70, 69, 69]
    assert on_hand.on_hand(db, keeper, TODAY - dt.timedelta(days=5)).on == TODAY - dt.timedelta(days=5)


def test_what_travelled_on_a_past_day_is_told_of_its_receiver(db: Session, keeper: Actor) -> None:
    """Sent three days ago, partly received yesterday, the rest today."""
    make_booklets(db, count=10, warehouse="CENTRAL")
    number = sent(db, keeper, 5)
    receiver = load_actor(db, username="admadm")
    assert receiver is not None
    document = documents.find(db, number, receiver, "TRASLADO")  # type: ignore[arg-type]
    arrivals.receive(db, document, receiver, runs=[Run("F", 5_000_001, 2)])
    shift(db, number, "TRASLADO_SALE", 3)
    shift(db, number, "TRASLADO_INGRESA", 1)
    arrivals.receive(db, document, receiver, everything=True)

    def travelling(days_ago: int) -> int:
        stock = on_hand.on_hand(db, keeper, TODAY - dt.timedelta(days=days_ago))
        return sum(row.figures.in_transit for row in stock.rows if row.warehouse.code == "PROD-GUA")

    assert [travelling(days) for days in (4, 3, 2, 1, 0)] == [0, 5, 5, 3, 0]


def shift(db: Session, number: int, kind: str, days: int) -> None:
    """As if it had happened so many days ago."""
    db.flush()
    db.execute(text("set constraints all immediate"))  # no table with something still to check is altered
    ago = {"number": number, "kind": kind, "days": dt.timedelta(days=days)}
    for table in ("stock_movement", "stock_document"):
        db.execute(text(f"alter table {table} disable trigger user"))
    db.execute(text("update stock_movement set at = at - :days where document_id = :number and kind = :kind"), ago)
    if kind == "TRASLADO_SALE":
        db.execute(text("update stock_document set closed_at = closed_at - :days where id = :number"), ago)
    for table in ("stock_movement", "stock_document"):
        db.execute(text(f"alter table {table} enable trigger user"))
    db.expire_all()


def test_days_left_come_from_the_last_thirty_days_with_work(db: Session, keeper: Actor) -> None:
    worked(db, 0, put=2000, kind="INGRESO", days_ago=100)
    for day in range(40):
        worked(db, 10 if day < 30 else 1000, days_ago=2 * day, put=1000 if day >= 30 else 0)
    found = row(on_hand.on_hand(db, keeper))
    assert found.daily == 10, "days without work and days before the thirty do not count"
    assert found.days_left == found.figures.blanks // 10 == 170


def test_work_out_of_printers_hands_counts_as_well(db: Session, keeper: Actor) -> None:
    worked(db, 0, put=100, kind="INGRESO")
    worked(db, 6, days_ago=1)
    worked(db, 4, days_ago=1, account="HANDS", put=4)
    assert row(on_hand.on_hand(db, keeper)).daily == 10


def test_a_category_seldom_used_lasts_by_the_days_the_warehouse_worked(db: Session, keeper: Actor) -> None:
    worked(db, 0, put=100, kind="INGRESO", category="DIPLOMATICA")
    for day in range(20):
        worked(db, 50, days_ago=day, put=50)
    worked(db, 1, days_ago=3, category="DIPLOMATICA")
    assert row(on_hand.on_hand(db, keeper), category="DIPLOMATICA").daily == pytest.approx(1 / 20)


def test_stock_that_nobody_uses_has_no_days_and_no_mark(db: Session, keeper: Actor) -> None:
    make_booklets(db)
    found = row(on_hand.on_hand(db, keeper))
    assert (found.daily, found.days_left, found.low, found.proposal) == (None, None, False, None)


@pytest.mark.parametrize(("blanks_there", "low"), [(49, True), (50, False), (0, True)])
def test_less_than_five_days_is_low(db: Session, keeper: Actor, blanks_there: int, low: bool) -> None:
    worked(db, 10, put=blanks_there + 10)
    assert row(on_hand.on_hand(db, keeper)).low is low


def test_a_transfer_is_proposed_to_reach_the_target_in_whole_packs(db: Session, keeper: Actor) -> None:
    """20 a day for 20 days are 400; 115 there and 30 on the way leave 255: six packs of 50."""
    make_booklets(db, count=1030, warehouse="CENTRAL")
    sent(db, keeper, 30)
    worked(db, 20, put=135)
    found = row(on_hand.on_hand(db, keeper)).proposal
    assert found is not None
    assert (found.source.code, found.quantity) == ("CENTRAL", 300)
    db.get_one(Warehouse, "PROD-GUA").target_days = 7
    assert row(on_hand.on_hand(db, keeper)).proposal is None, "7 days are 140, and 145 are there or on the way"


def test_the_most_urgent_is_served_first_while_the_central_warehouse_has_booklets(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=130, warehouse="CENTRAL")
    worked(db, 5, put=45)
    worked(db, 5, put=15, warehouse="PROD-PET")
    stock = on_hand.on_hand(db, keeper)
    quantities = {found.warehouse.code: found.proposal.quantity for found in stock.rows if found.proposal}
    assert quantities == {"PROD-PET": 100, "PROD-GUA": 30}
    assert row(stock, "CENTRAL").proposal is None


def test_nothing_is_proposed_of_another_category_or_of_the_past(db: Session, keeper: Actor) -> None:
    make_booklets(db, 1, 500, warehouse="CENTRAL", category="OFICIAL")
    worked(db, 5, put=15, days_ago=1)
    assert row(on_hand.on_hand(db, keeper)).proposal is None
    make_booklets(db, 1, 500, warehouse="CENTRAL")
    assert row(on_hand.on_hand(db, keeper)).proposal is not None
    assert row(on_hand.on_hand(db, keeper, TODAY - dt.timedelta(days=1))).proposal is None


def test_everybody_sees_the_warehouses_of_his_sites(
    db: Session, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    make_booklets(db)
    make_booklets(db, 6_000_001, 3, warehouse="CENTRAL")
    make_booklets(db, 7_000_001, 3, warehouse="PROD-PET")
    local = replace(keeper, sites=frozenset({"GUA"}))
    stock = on_hand.on_hand(db, local)
    assert {found.warehouse.code for found in stock.rows} == {"PROD-GUA"}
    assert stock.empty == ()
    assert sum(total.lying for total in stock.totals.values()) == 3
    assert "PROD-QTZ" in {place.code for place in on_hand.on_hand(db, keeper).empty}
    with pytest.raises(NotFound):
        warehouse_stock.warehouse_stock(db, local, "PROD-PET")
    with pytest.raises(NotFound):
        warehouse_stock.warehouse_stock(db, local, "NADA")
    with pytest.raises(NotAllowed):
        on_hand.on_hand(db, as_user("entrega"))


def test_more_warehouses_cost_no_more_statements(db: Session, keeper: Actor, connection: Connection) -> None:
    def asked() -> int:
        db.commit()
        with statements(connection) as seen:
            on_hand.on_hand(db, keeper)
        return len(seen)

    make_booklets(db)
    few = asked()
    for place, code in enumerate(("PROD-PET", "PROD-QTZ", "CENTRAL")):
        make_booklets(db, 6_000_001 + 10 * place, 3, warehouse=code)
        worked(db, 1, put=10, warehouse=code)
    assert asked() == few == 5


def lots(found: warehouse_stock.WarehouseStock) -> dict[tuple[str, str], list[str]]:
    return {(lot.place, lot.category_code): [str(run) for run in lot.runs] for lot in found.lots}


def test_a_warehouse_tells_its_booklets_as_ranges_by_place_and_category(db: Session, keeper: Actor) -> None:
    make_booklets(db, count=10)
    make_booklets(db, 5_000_021, 5)
    make_booklets(db, 1, 2, category="OFICIAL")
    make_booklets(db, 9_000_001, 3, warehouse="CENTRAL")
    blanks.void_blanks(db, keeper, [Run("F", 5_000_004, 2), Run("S", 1, 1)], void_type="DAB", remarks="Fuego")
    found = warehouse_stock.warehouse_stock(db, keeper, "PROD-GUA")
    assert lots(found) == {
        ("WAREHOUSE:PROD-GUA", "ORDINARIA"): ["F5000001–F5000003", "F5000006–F5000010", "F5000021–F5000025"],
        ("WAREHOUSE:PROD-GUA", "OFICIAL"): ["S0000002"],
        ("VOIDED:PROD-GUA", "ORDINARIA"): ["F5000004–F5000005"],
        ("VOIDED:PROD-GUA", "OFICIAL"): ["S0000001"],
    }
    assert {found.category.code: found.figures.lying for found in found.rows} == {"ORDINARIA": 13, "OFICIAL": 1}
    assert all(lot.following is None for lot in found.lots)


def test_what_is_in_hands_is_told_of_each_printer(db: Session, keeper: Actor) -> None:
    from tests.workflow.test_blanks import issue

    make_booklets(db, count=5)
    place = issue(db, "F5000002")
    found = warehouse_stock.warehouse_stock(db, keeper, "PROD-GUA")
    assert lots(found)[place, "ORDINARIA"] == ["F5000002"]
    (words,) = (lot.words for lot in found.lots if lot.place == place)
    assert words.params["user"] == "impres"


def test_many_ranges_come_in_pages(db: Session, keeper: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_stock, "RUNS_PAGE", 2)
    for start in range(5):
        make_booklets(db, 5_000_001 + 10 * start, 3)
    place, pages, after = "WAREHOUSE:PROD-GUA", [], ""
    while True:
        found = warehouse_stock.warehouse_stock(
            db, keeper, "PROD-GUA", place=place, category="ORDINARIA", after=after
        )  # fmt: skip
        (lot,) = found.lots
        pages.append([str(run) for run in lot.runs])
        if lot.following is None:
            break
        after = lot.following
    assert [len(page) for page in pages] == [2, 2, 1]
    assert pages[2] == ["F5000041–F5000043"]


def test_a_range_longer_than_what_is_read_goes_on_with_the_next_page(
    db: Session, keeper: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_stock, "READ_AT_MOST", 7)
    make_booklets(db, count=10)
    (lot,) = warehouse_stock.warehouse_stock(db, keeper, "PROD-GUA").lots
    assert ([str(run) for run in lot.runs], lot.following) == (["F5000001–F5000007"], "F5000007")
    (rest,) = warehouse_stock.warehouse_stock(
        db, keeper, "PROD-GUA", place=lot.place, category=lot.category_code, after=lot.following or ""
    ).lots
    assert ([str(run) for run in rest.runs], rest.following) == (["F5000008–F5000010"], None)
