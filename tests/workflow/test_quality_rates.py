"""Refusal rates: what counts, on which day, under whose name, and from which batch of booklets."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import State
from models.catalogs import Site
from models.clock import local_date
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed
from security.permissions import Permission
from tests.build import make_booklets, make_case
from tests.views.desk import act, checked, in_printing, printed
from workflow import quality_rates
from workflow.quality_rates import Grouping, Rate


@pytest.fixture
def head(db: Session) -> Actor:
    actor = load_actor(db, username="jpgu")
    assert actor is not None
    return actor


def figures(rate: Rate) -> tuple[int, int, int]:
    return rate.printed, rate.at_print, rate.at_quality


def by_label(grouping: Grouping) -> dict[str, tuple[int, int, int]]:
    return {rate.label: figures(rate) for rate in grouping.rates}


def refuse_at_print(db: Session, serial: int, cui: str) -> None:
    case = in_printing(db, serial, cui=cui)
    act(db, "impres", "refuse_print", case.number)


def refuse_at_quality(db: Session, serial: int, cui: str) -> None:
    case = printed(db, serial, cui=cui)
    act(db, "concal", "refuse_quality", case.number, comment="Rayada")


@pytest.fixture
def work(db: Session) -> None:
    """Of six booklets two are printed well, one is refused at the printer, one at quality, two do not count."""
    printed(db, 5_000_998)
    checked(db, 5_000_999, cui="6000000180101")
    refuse_at_print(db, 5_001_000, "6000000260101")
    refuse_at_quality(db, 5_001_001, "6000000340101")
    in_printing(db, 5_000_001, cui="6000000420101")
    case = in_printing(db, 5_000_002, cui="6000000500101")
    act(db, "admadm", "void_booklet", case.number, void_type="DEF", comment="Hoja doblada")


@pytest.mark.usefixtures("work")
def test_refused_of_printed_is_counted_by_all_four_headings(db: Session, head: Actor) -> None:
    found = quality_rates.rates(db, head)
    assert figures(found.total) == (4, 1, 1)
    assert found.total.percentage == 50
    assert [(rate.key, figures(rate)) for rate in found.sites.rates] == [("GUA", (4, 1, 1))]
    assert found.sites.rates[0].label == db.get_one(Site, "GUA").name
    (who,) = found.printers.rates
    assert who.label.startswith("impres · ")
    assert figures(who) == (4, 1, 1)
    assert by_label(found.days) == {local_date(utc_now()).isoformat(): (4, 1, 1)}
    assert sorted((rate.label, figures(rate)) for rate in found.batches.rates) == [
        ("F5000000-F5000999", (1, 0, 0)),
        ("F5000000-F5000999", (1, 0, 0)),
        ("F5001000-F5001999", (1, 0, 1)),
        ("F5001000-F5001999", (1, 1, 0)),
    ], "each booklet came with a receipt of its own"


@pytest.mark.usefixtures("work")
def test_each_grouping_adds_up_to_the_total(db: Session, head: Actor) -> None:
    found = quality_rates.rates(db, head)
    for grouping in (found.sites, found.printers, found.days, found.batches):
        sums = [sum(column) for column in zip(*(figures(rate) for rate in grouping.rates), strict=True)]
        assert tuple(sums) == figures(found.total)


def test_a_batch_is_a_thousand_numbers_of_one_receipt(db: Session, head: Actor) -> None:
    (first, second_) = make_booklets(db, 5_010_000, 2)
    third = make_booklets(db, 5_010_002, 1)[0]
    for booklet, cui in ((first, "6000000180101"), (second_, "6000000260101"), (third, "6000000340101")):
        case = make_case(db, State.AUTORIZADA, cui=cui)
        act(db, "impres", "assign_booklet", case.number, booklet=booklet)
        act(db, "impres", "accept_print", case.number)
    found = quality_rates.rates(db, head).batches
    assert sorted((rate.label, rate.printed) for rate in found.rates) == [
        ("F5010000-F5010999", 1),
        ("F5010000-F5010999", 2),
    ]
    lines = db.execute(text("select first_serial, document_id from stock_line where receives"))
    documents = {serial: document for serial, document in lines}
    assert {rate.key: rate.printed for rate in found.rates} == {
        str(documents[5_010_000]): 2,
        str(documents[5_010_002]): 1,
    }


def test_a_print_counts_on_its_day_in_guatemala(db: Session, head: Actor) -> None:
    printed(db)
    db.execute(text("update personalisation set printed_at = '2026-03-02 05:59:59+00'"))

    def of(day: str) -> int:
        return quality_rates.rates(db, head, first=day, last=day).total.printed

    assert (of("2026-03-01"), of("2026-03-02")) == (1, 0)
    db.execute(text("update personalisation set printed_at = '2026-03-02 06:00:00+00'"))
    assert (of("2026-03-01"), of("2026-03-02")) == (0, 1)


@pytest.mark.usefixtures("work")
def test_only_the_sites_one_sees_are_counted(db: Session, head: Actor) -> None:
    there = replace(head, sites=frozenset({"LWF"}))
    assert quality_rates.rates(db, there).total.printed == 0
    assert quality_rates.rates(db, there, site="GUA").total.printed == 0
    assert quality_rates.rates(db, replace(head, sites=frozenset({"GUA"}))).total.printed == 4
    assert quality_rates.rates(db, head, site="LWF").total.percentage is None


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [("2026-01-02", "2026-01-01", "first"), ("2026-01-01", "2026-04-03", "first"), ("x", "", "first"),
     ("", "2026-02-30", "last"), ("", "9999-12-31", "last"), ("0001-01-01", "", "first")],
)  # fmt: skip
def test_days_that_are_none_or_too_many_are_refused_at_their_field(
    db: Session, head: Actor, first: str, last: str, field: str
) -> None:
    with pytest.raises(BadValue) as refused:
        quality_rates.rates(db, head, first=first, last=last)
    assert refused.value.field == field


def test_ninety_two_days_are_counted(db: Session, head: Actor) -> None:
    found = quality_rates.rates(db, head, first="2026-01-01", last="2026-04-02")
    assert found.last - found.first == dt.timedelta(days=91)


def test_heads_and_quality_control_read_them_and_printers_do_not(db: Session) -> None:
    for name in ("concal", "jpgu", "admadm", "produccion"):
        actor = load_actor(db, username=name)
        assert actor is not None
        quality_rates.rates(db, actor)
    printer = load_actor(db, username="impres")
    assert printer is not None
    assert not printer.may(Permission.VOID_BOOKLETS)
    with pytest.raises(NotAllowed):
        quality_rates.rates(db, printer)
