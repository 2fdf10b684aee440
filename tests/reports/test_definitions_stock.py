"""The definitions of the reports of stock: on hand at any day, receipts, transfers, a booklet's ledger (16, 23-25)."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.catalogs import TransferRoute
from models.stock import StockDocument
from reports.asking import question
from reports.catalogue import REPORTS
from reports.reading import Counted
from reports.ties import Tied
from security.actor import Actor
from security.errors import BadValue
from tests.reports.office import DAY, MARCH, Office, local, open_office
from workflow.stock import on_hand, receipts, transfers
from workflow.stock.serials import Run

BEFORE, BEGIN, END, AFTER = (
    "2026-03-01 23:59:59.999999", "2026-03-02 00:00:00", "2026-03-02 23:59:59.999999", "2026-03-03 00:00:00"
)  # fmt: skip


@pytest.fixture
def office(db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    return open_office(db, as_user, monkeypatch, tmp_path / "keys")


# 16 Existencia.

CENTRAL, GUATEMALA, OFFICIAL = ("CENTRAL", "ORDINARIA"), ("PROD-GUA", "ORDINARIA"), ("PROD-GUA", "OFICIAL")
Figures = tuple[int, int, int, int, int]


def a_week(office: Office) -> dict[str, dict[tuple[str, str], Figures]]:
    """Six days of stock; by day, what each warehouse had in the end: lying, in hands, blanks, voided, on its way."""
    told: dict[str, dict[tuple[str, str], Figures]] = {"2026-02-28": {}}
    office.receive("produccion", "CENTRAL", Run("F", 5_000_001, 20))
    told["2026-03-01"] = {CENTRAL: (20, 0, 20, 0, 0)}

    office.at("2026-03-02 09:00:00")
    office.stock(5, 1, category="OFICIAL")
    transfer = office.transfer("CENTRAL", "PROD-GUA", 5_000_001, 10)
    told["2026-03-02"] = {CENTRAL: (10, 0, 10, 0, 0), OFFICIAL: (5, 0, 5, 0, 0), GUATEMALA: (0, 0, 0, 0, 10)}

    office.at("2026-03-03 09:00:00")
    office.receives(transfer, 5_000_001, 6)
    told["2026-03-03"] = told["2026-03-02"] | {GUATEMALA: (6, 0, 6, 0, 4)}

    office.at("2026-03-04 09:00:00")
    office.issue("produccion", "impres", Run("F", 5_000_001, 3))
    office.assigned("F5000001")  # out of his hands
    office.delivered("F5000005")  # out of the warehouse
    office.void_blank("produccion", "F5000004", "DAB")
    office.receives(transfer, 5_000_007, 2)
    told["2026-03-04"] = told["2026-03-02"] | {GUATEMALA: (3, 2, 5, 1, 2)}

    office.at("2026-03-05 09:00:00")
    office.take_back("produccion", "impres", Run("F", 5_000_002, 1))
    office.miss("admadm", transfer.id)
    office.void_blank("produccion", "F5000009", "EXB")  # lost on the way, it is in nobody's custody
    office.recall("jpgu", transfer.id)  # the tenth goes back
    office.reactivate_blank("admadm", "F5000004")
    told["2026-03-05"] = told["2026-03-02"] | {CENTRAL: (11, 0, 11, 0, 0), GUATEMALA: (5, 1, 6, 0, 0)}

    office.at("2026-03-06 09:00:00")
    office.void_blank("produccion", "S0000001", "DAB")
    office.destroy("produccion", "jpgu", "PROD-GUA", Run("S", 1, 1))
    office.void_blank("produccion", "F5000011", "DEF")
    told["2026-03-06"] = told["2026-03-05"] | {OFFICIAL: (4, 0, 4, 0, 0), CENTRAL: (10, 0, 10, 1, 0)}
    return told


def stock_of(office: Office, **typed: object) -> dict[tuple[str, str], Figures]:
    columns = ("warehouse", "category", "lying", "hands", "blanks", "voided", "transit")
    return {line[:2]: line[2:] for line in office.lines("stock_on_hand", *columns, **typed)}


def test_stock_is_told_as_it_was_at_the_end_of_any_day_at_any_moment_and_as_it_is_now(office: Office) -> None:
    told = a_week(office)
    for day, figures in told.items():
        assert stock_of(office, on=day) == figures, day
    assert stock_of(office) == told["2026-03-06"]
    assert stock_of(office, as_of=local("2026-03-04 08:59:59")) == told["2026-03-03"]
    assert stock_of(office, as_of=local("2026-03-04 08:59:59"), on="2026-03-04") == told["2026-03-03"]
    assert stock_of(office, as_of=local("2026-03-04 09:00:00")) == told["2026-03-04"]
    office.clock.now = local("2026-04-20 09:00:00")  # the days are whole months by now
    for day, figures in told.items():
        assert stock_of(office, on=day) == figures, day
    assert stock_of(office) == told["2026-03-06"]


def test_stock_is_what_the_screen_of_the_stock_keeper_says(office: Office) -> None:
    told = a_week(office)
    for day in told:
        screen = on_hand.on_hand(office.db, office.actor("produccion"), dt.date.fromisoformat(day))
        figures = {
            (row.warehouse.code, row.category.code): (
                row.figures.lying, row.figures.in_hands, row.figures.blanks, row.figures.voided, row.figures.in_transit
            )
            for row in screen.rows
            if row.figures != on_hand.Figures()
        }  # fmt: skip
        assert stock_of(office, on=day) == figures, day


def test_stock_comes_by_warehouse_and_category_with_its_totals_and_is_narrowed_by_either(office: Office) -> None:
    a_week(office)
    assert office.lines("stock_on_hand", "warehouse", "category") == [
        ("CENTRAL", "ORDINARIA"), ("PROD-GUA", "ORDINARIA"), ("PROD-GUA", "OFICIAL"),
    ]  # fmt: skip
    assert office.counted("stock_on_hand", on="2026-03-04") == Counted(
        3, {"lying": 10 + 3 + 5, "hands": 2, "blanks": 10 + 5 + 5, "voided": 1, "transit": 2}
    )
    assert stock_of(office, warehouse="CENTRAL", on="2026-03-04") == {CENTRAL: (10, 0, 10, 0, 0)}
    assert stock_of(office, category="OFICIAL", on="2026-03-04") == {OFFICIAL: (5, 0, 5, 0, 0)}
    assert stock_of(office, warehouse="PROD-LAX") == {}
    assert set(stock_of(office, sites=("GUA",))) == {GUATEMALA, OFFICIAL}
    assert stock_of(office, sites=("LAX",)) == {}


def test_stock_is_what_came_from_the_supplier_less_what_left_us_on_any_day(office: Office) -> None:
    a_week(office)
    there = {"2026-02-28": 0, "2026-03-01": 20, "2026-03-03": 25, "2026-03-04": 23, "2026-03-06": 21}
    for day, booklets in there.items():
        assert office.tied("stock_on_hand", on=day) == Tied(booklets, booklets), day
    office.clock.now = local("2026-04-20 09:00:00")
    assert office.tied("stock_on_hand") == Tied(21, 21)
    assert office.tied("stock_on_hand", warehouse="CENTRAL") is None
    assert office.tied("stock_on_hand", sites=("GUA",)) is None
    office.db.execute(text("set constraints all immediate"))
    office.db.execute(text("alter table stock_turnover disable trigger user"))
    office.db.execute(text("update stock_turnover set put = put - 1 where account = 'WAREHOUSE' and owner = 'CENTRAL'"))
    office.db.execute(text("alter table stock_turnover enable trigger user"))
    seen = office.tied("stock_on_hand")
    assert seen is not None
    assert not seen.holds


def test_stock_of_a_day_to_come_is_refused(office: Office) -> None:
    office.at(END)
    with pytest.raises(BadValue) as refused:
        question(REPORTS["stock_on_hand"], {"on": "2026-03-03"}, None, office.now)
    assert refused.value.field == "on"
    assert stock_of(office, on="2026-03-02") == {}


# 23 Inv. Ingresos.


def receipt(office: Office, warehouse: str, *runs: Run, who: str = "produccion", **head: str) -> StockDocument:
    """A receipt closed now, of official booklets if its numbers are theirs."""
    category = "ORDINARIA" if runs[0].prefix == "F" else "OFICIAL"
    actor, on = office.actor(who), dt.date(2026, 2, 27)
    document = receipts.draft_receipt(office.db, actor, category=category, on=on, warehouse=warehouse, **head)
    for run in runs:
        receipts.add_line(office.db, document, actor, category=category, prefix=run.prefix, first=run.first,
                          quantity=run.quantity)  # fmt: skip
    receipts.close_receipt(office.db, document, actor)
    return document


def test_receipts_have_a_line_for_each_range_and_say_what_was_reversed(office: Office) -> None:
    office.at(BEFORE)
    receipt(office, "CENTRAL", Run("F", 4_000_001, 7))
    nine = office.at("2026-03-02 09:00:00")
    one = receipt(office, "CENTRAL", Run("F", 5_000_001, 100), Run("F", 5_000_201, 50), reference="Factura A-17")
    other = receipt(office, "PROD-LAX", Run("S", 1, 1), who="jpgu")
    office.draft_receipt("produccion", "CENTRAL", Run("F", 8_000_001, 1))  # a draft is none yet
    office.at("2026-03-03 09:00:00")
    reversal = office.reverse("jpgu", one.id)[1]
    first, day, by, head = local(BEFORE), dt.date(2026, 2, 27), office.user("produccion"), office.user("jpgu")
    columns = ("at", "document", "on", "reference", "warehouse", "category", "first", "last", "quantity", "user",
               "reversal")  # fmt: skip
    second = [
        (nine, one.id, day, "Factura A-17", "CENTRAL", "ORDINARIA", "F5000001", "F5000100", 100, by, reversal),
        (nine, one.id, day, "Factura A-17", "CENTRAL", "ORDINARIA", "F5000201", "F5000250", 50, by, reversal),
        (nine, other.id, day, None, "PROD-LAX", "OFICIAL", "S0000001", "S0000001", 1, head, None),
    ]
    assert office.lines("stock_receipts", *columns, **DAY) == second
    assert office.lines("stock_receipts", *columns)[1:] == second, "without days, those of the last thirty-one"
    assert office.lines("stock_receipts", "at", "first")[0] == (first, "F4000001")
    assert office.counted("stock_receipts", **MARCH) == Counted(4, {"quantity": 158})
    assert office.lines("stock_receipts", "first", warehouse="PROD-LAX", **DAY) == ["S0000001"]
    assert office.lines("stock_receipts", "first", warehouse="PROD-GUA", **DAY) == []
    assert office.lines("stock_receipts", "reversal", as_of=nine, **DAY) == [None, None, None]
    assert office.lines("stock_receipts", "first", first="2026-03-03") == [], "a reversal is no receipt"
    _agrees_with_the_ledger(office)


def _agrees_with_the_ledger(office: Office) -> None:
    assert office.tied("stock_receipts", **DAY) == Tied(151, 151)
    assert office.tied("stock_receipts", **MARCH) == Tied(158, 158)
    assert office.tied("stock_receipts", warehouse="CENTRAL", **DAY) == Tied(150, 150)
    assert office.tied("stock_receipts", first="2026-03-03") == Tied(0, 0)
    assert office.tied("stock_receipts", as_of=local("2026-03-02 08:59:59"), **DAY) == Tied(0, 0)
    assert office.tied("stock_receipts", sites=("GUA",), **DAY) is None, "the ledger's warehouses are nobody's"


def test_receipts_and_transfers_that_the_ledger_does_not_have_are_seen(office: Office) -> None:
    receipt(office, "CENTRAL", Run("F", 5_000_001, 10))
    office.transfer("CENTRAL", "PROD-GUA", 5_000_001, 4)
    office.at(BEGIN)
    yesterday = {"first": "2026-03-01"}
    assert (office.tied("stock_receipts", **yesterday), office.tied("stock_transfers", **yesterday)) == (
        Tied(10, 10), Tied(4, 4),
    )  # fmt: skip
    office.db.execute(text("set constraints all immediate"))
    office.db.execute(text("alter table stock_turnover disable trigger user"))
    office.db.execute(text("update stock_turnover set put = put - 1 where kind = 'INGRESO'"))
    office.db.execute(text("update stock_turnover set taken = taken + 2 where kind = 'TRASLADO_SALE'"))
    office.db.execute(text("alter table stock_turnover enable trigger user"))
    received, sent = office.tied("stock_receipts", **yesterday), office.tied("stock_transfers", **yesterday)
    assert (received, sent) == (Tied(10, 9), Tied(4, 6))
    assert received is not None
    assert not received.holds


@pytest.mark.parametrize("report", ["stock_receipts", "stock_transfers"])
def test_a_day_of_documents_goes_from_midnight_to_midnight_in_guatemala(office: Office, report: str) -> None:
    """By the moment of closing, whatever the date that was written on it."""
    made = []
    for serial, moment in zip((4_000_001, 5_000_001, 6_000_001, 7_000_001), (BEFORE, BEGIN, END, AFTER), strict=True):
        office.at(moment)
        receipt(office, "CENTRAL", Run("F", serial, 1))
        office.transfer("CENTRAL", "PROD-GUA", serial, 1)
        made.append(f"F{serial}")
    assert office.lines(report, "first", **DAY) == made[1:3]
    assert office.tied(report, **DAY) == Tied(2, 2)


# 24 Inv. Traslados.


def test_transfers_say_how_far_they_are(office: Office) -> None:
    receipt(office, "CENTRAL", Run("F", 5_000_001, 100))
    receipt(office, "PROD-LAX", Run("F", 6_000_001, 10))
    nine = office.at("2026-03-02 09:00:00")
    received = office.transfer("CENTRAL", "PROD-GUA", 5_000_001, 10)
    travels = office.transfer("CENTRAL", "PROD-LAX", 5_000_011, 20)
    recalled = office.transfer("PROD-LAX", "CENTRAL", 6_000_001, 5)
    draft = transfers.draft_transfer(office.db, office.actor("jpgu"), on=dt.date(2026, 3, 2),
                                     from_warehouse="CENTRAL", to_warehouse="PROD-PET")  # fmt: skip
    assert office.lines("stock_transfers", "state", **DAY) == ["TRANSIT"] * 3
    ten = office.at("2026-03-02 10:00:00")
    office.receives(received, 5_000_001, 10)
    office.receives(travels, 5_000_011, 19)
    office.recall("jpgu", recalled.id)
    by, columns = office.user("produccion"), ("at", "document", "reference", "source", "target", "category", "first",
                                              "last", "quantity", "user", "state")  # fmt: skip
    assert office.lines("stock_transfers", *columns, **DAY) == [
        (nine, received.id, None, "CENTRAL", "PROD-GUA", "ORDINARIA", "F5000001", "F5000010", 10, by, "RECEIVED"),
        (nine, travels.id, None, "CENTRAL", "PROD-LAX", "ORDINARIA", "F5000011", "F5000030", 20, by, "TRANSIT"),
        (nine, recalled.id, None, "PROD-LAX", "CENTRAL", "ORDINARIA", "F6000001", "F6000005", 5, by, "REVERSED"),
    ]
    assert office.lines("stock_transfers", "received", **DAY)[:2] == [ten, None]
    assert office.lines("stock_transfers", "state", "received", as_of=nine, **DAY) == [("TRANSIT", None)] * 3
    assert draft.id not in office.lines("stock_transfers", "document", **MARCH)
    office.receives(travels, 5_000_030, 1)
    assert office.lines("stock_transfers", "state", **DAY) == ["RECEIVED", "RECEIVED", "REVERSED"]


def test_transfers_are_narrowed_by_either_warehouse_and_agree_with_the_ledger(office: Office) -> None:
    receipt(office, "CENTRAL", Run("F", 5_000_001, 100))
    receipt(office, "PROD-LAX", Run("F", 6_000_001, 10))
    office.at("2026-03-02 09:00:00")
    office.db.get_one(TransferRoute, "CENTRAL-GUA").active = True
    office.transfer("CENTRAL", "PROD-GUA", 5_000_001, 10)
    office.transfer("CENTRAL", "PROD-LAX", 5_000_011, 20)
    office.transfer("PROD-LAX", "PROD-PET", 6_000_001, 5)
    firsts = ["F5000001", "F5000011", "F6000001"]
    assert office.lines("stock_transfers", "first") == firsts
    assert office.lines("stock_transfers", "state", "received", **DAY)[:2] == [
        ("RECEIVED", office.now), ("TRANSIT", None)
    ], "by its route the first was received at once"  # fmt: skip
    for warehouse, found in (
        ("CENTRAL", firsts[:2]),
        ("PROD-LAX", firsts[1:]),
        ("PROD-PET", firsts[2:]),
        ("PROD-QTZ", []),
    ):
        assert office.lines("stock_transfers", "first", warehouse=warehouse, **DAY) == found
    assert office.lines("stock_transfers", "first", sites=("LAX",), **DAY) == firsts[1:], "sent or received"
    assert office.counted("stock_transfers", **DAY) == Counted(3, {"quantity": 35})
    assert office.tied("stock_transfers", **DAY) == Tied(35, 35)
    office.at("2026-03-05 09:00:00")
    assert office.tied("stock_transfers", **DAY) == Tied(35, 35)
    assert office.tied("stock_transfers", **MARCH) == Tied(35, 35)
    assert office.tied("stock_transfers", warehouse="CENTRAL", **DAY) is None


# 25 Inv. Consultas.


def test_the_ledger_of_a_booklet_tells_each_movement_with_its_balance(office: Office) -> None:
    office.receive("produccion", "CENTRAL", Run("F", 5_000_001, 3))
    office.at("2026-03-02 09:00:00")
    transfer = office.transfer("CENTRAL", "PROD-GUA", 5_000_001, 3)
    office.at("2026-03-02 10:00:00")
    office.receives(transfer, 5_000_001, 3)
    issue = office.issue("produccion", "impres", Run("F", 5_000_001, 1))[1]
    office.at("2026-03-02 11:00:00")
    case = office.delivered("F5000001")
    office.void(case, "JUD")
    office.reactivate(case, "F5000001")
    nine, ten, eleven = (local(f"2026-03-02 {hour}:00:00") for hour in ("09", "10", "11"))
    columns = ("at", "movement", "document", "account", "warehouse", "came", "went", "balance")
    assert office.lines("booklet_ledger", *columns, booklet="f5000001")[1:] == [
        (nine, "TRASLADO_SALE", transfer.id, "WAREHOUSE", "CENTRAL", 0, 1, 0),
        (nine, "TRASLADO_SALE", transfer.id, "TRANSIT", None, 1, 0, 1),
        (ten, "TRASLADO_INGRESA", transfer.id, "TRANSIT", None, 0, 1, 0),
        (ten, "TRASLADO_INGRESA", transfer.id, "WAREHOUSE", "PROD-GUA", 1, 0, 1),
        (ten, "SALIDA", issue, "WAREHOUSE", "PROD-GUA", 0, 1, 0),
        (ten, "SALIDA", issue, "HANDS", "PROD-GUA", 1, 0, 1),
        (eleven, "EGRESO_PERSONALIZACION", None, "HANDS", "PROD-GUA", 0, 1, 0),
        (eleven, "ENTREGA", None, "HOLDER", None, 0, 0, 0),
        (eleven, "EGRESO_ANULACION", None, "OUTSIDE", None, 0, 0, 0),
        (eleven, "REINGRESO_REACTIVACION", None, "HOLDER", None, 0, 0, 0),
    ]
    first = office.lines("booklet_ledger", *columns, booklet="F5000001")[0]
    assert (first[1], *first[3:]) == ("INGRESO", "WAREHOUSE", "CENTRAL", 1, 0, 1)
    assert office.counted("booklet_ledger", booklet="F5000001") == Counted(11, {"came": 4, "went": 4})
    who = office.lines("booklet_ledger", "user", booklet="F5000001")
    assert [who[at] for at in (1, 3, 5, 7, 8, 9)] == [
        office.user(name) for name in ("produccion", "admadm", "impres", "impres", "entrega", "produccion")
    ]
    assert office.lines("booklet_ledger", "balance", booklet="F5000001", as_of=nine) == [1, 0, 1]


def test_a_blank_voided_and_taken_back_leaves_our_stock_and_comes_again(office: Office) -> None:
    office.stock(2)
    office.at("2026-03-02 09:00:00")
    office.void_blank("produccion", "F5000002", "DAB")
    office.reactivate_blank("admadm", "F5000002")
    columns = ("movement", "account", "warehouse", "came", "went", "balance", "remarks")
    assert office.lines("booklet_ledger", *columns, booklet="F5000002") == [
        ("INGRESO", "WAREHOUSE", "PROD-GUA", 1, 0, 1, None),
        ("EGRESO_ANULACION", "WAREHOUSE", "PROD-GUA", 0, 1, 0, "Dañada"),
        ("REINGRESO_REACTIVACION", "WAREHOUSE", "PROD-GUA", 1, 0, 1, "No era"),
    ]


def test_a_ledger_is_of_one_booklet_that_exists_and_that_the_reader_sees(office: Office) -> None:
    office.stock(1)
    office.stock(1, 6_000_001, warehouse="PROD-LAX")
    for booklet in ("", "F5000002"):
        assert office.lines("booklet_ledger", "movement", booklet=booklet) == []
    assert office.lines("booklet_ledger", "movement", booklet="F5000001", sites=("GUA",)) == ["INGRESO"]
    assert office.lines("booklet_ledger", "movement", booklet="F6000001", sites=("GUA",)) == []
    for wrong in ("X5000001", "F500000", "F5000001' or 1=1"):
        with pytest.raises(BadValue) as refused:
            office.lines("booklet_ledger", "movement", booklet=wrong)
        assert refused.value.field == "booklet"
