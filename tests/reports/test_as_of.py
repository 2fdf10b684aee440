"""A report is of a moment, held to the sites of who asks, and the same read page by page or whole."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, inspect, text
from sqlalchemy.orm import Session

from models.base import make_engine
from models.cases import PassportCase
from reports import charting, presenting, reading
from reports.asking import READING, ask, horizon, question
from reports.catalogue import REPORTS
from reports.declaration import Asked
from reports.filters import Exact, SiteChoice
from reports.names import read_names
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed
from tests.build import make_case
from tests.reports.office import DAY, HOLDER, MARCH, Office, filed, local, open_office, paged, whole
from workflow.stock.serials import Run

#: What each report is asked, where it is not the days of March.
ASKED: dict[str, tuple[dict[str, str], ...]] = {
    "stock_on_hand": ({}, {"on": "2026-03-02"}, {"on": "2026-03-01"}),
    "booklet_ledger": tuple({"booklet": f"F500000{last}"} for last in range(1, 10)),
    "prints_by_day": ({"month": "2026-03"},),
    "payment_slips": (MARCH, {}, {"slips_from": "0000000000", "slips_to": "9999999999"}),
    "issued": (MARCH, {"booklets_from": "F0000000", "booklets_to": "F9999999"}, {"enrolled_first": "2026-03-02"}),
    "voided_ranges": (MARCH, {"booklets_from": "F0000000", "booklets_to": "F9999999"}, {"printed_first": "2026-03-02"}),
}


Reader = Callable[[Session, Asked], list[tuple[Any, ...]]]


@pytest.fixture
def office(db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    return open_office(db, as_user, monkeypatch, tmp_path / "keys")


def questions(report: str) -> tuple[dict[str, str], ...]:
    return ASKED.get(report, (MARCH,))


def told(office: Office, report: str, as_of: dt.datetime, read: Reader) -> list[Any]:
    """All that a report says: lines and drawings."""
    said: list[Any] = []
    for typed in questions(report):
        asked = office.asked(report, as_of=as_of, **typed)
        names = read_names(office.db, presenting.lists_of(asked.report))
        said += [read(office.db, asked), charting.charts(office.db, asked, names, str)]
    return said


# As of a moment.


def test_what_was_read_once_is_read_again_as_of_then_whatever_was_done_since(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name corrected twice, a passport delivered, one corrected, voids and their undoing, stock moved and reversed.

    At first it is read page by page, three lines on each, as well as whole.
    """
    monkeypatch.setattr(reading, "PAGE", 3)
    receipt = office.draft_receipt("produccion", "CENTRAL", Run("F", 7_000_001, 10))
    office.close_receipt("produccion", receipt)
    kept = office.draft_receipt("produccion", "CENTRAL", Run("F", 8_000_001, 10))
    office.close_receipt("produccion", kept)
    first, waits, mistaken, corrected, delivered, replaced, new, blank, unused = office.stock(9)
    office.at("2026-03-02 09:00:00")
    slip = iter(f"01{n:08d}" for n in range(100))
    arriving = office.transfer("CENTRAL", "PROD-GUA", 8_000_001, 5)
    recalled = office.transfer("CENTRAL", "PROD-LAX", 8_000_006, 5)
    captured, refused = office.case(), office.rejected()
    printing = office.assigned(first, payment_slip=next(slip))
    ready = office.checked(waits, payment_slip=next(slip))
    voided = office.printed(mistaken, payment_slip=next(slip))
    wrong = office.delivered(corrected, payment_slip=next(slip))
    holder = office.delivered(delivered, payment_slip=next(slip))
    office.delivered(replaced, payment_slip=next(slip))
    office.void(voided)
    office.void_blank("produccion", blank, "ERR")
    then = office.at("2026-03-02 12:00:00")
    before = {report: told(office, report, then, whole) for report in REPORTS}

    office.at("2026-03-02 12:00:00.000001")
    for name in ("Mariseli", "Marisol"):
        office.does("jpgu", "correct", captured, changes={"first_name": name}, comment="Así consta en el DPI")
    office.does("jpgu", "correct", captured, changes={"married_surname": "Paz"}, comment="Así consta en el DPI")
    office.does("supervisor", "authorise", captured)
    office.does("impres", "accept_print", printing)
    office.does("entrega", "deliver", ready, **HOLDER)
    office.void(printing)
    office.void(holder, "JUD")
    office.reactivate(voided, mistaken)
    office.reactivate_blank("admadm", blank)
    office.printed(unused, office.corrected(wrong, first_name="Mariseli"))
    office.delivered(new, procedure_code="REPOSICION", previous_booklet=replaced, payment_slip=next(slip))
    office.rejected()
    office.receives(arriving, 8_000_001, 5)
    office.recall("jpgu", recalled.id)
    office.reverse("jpgu", receipt)
    after = {report: told(office, report, then, filed) for report in REPORTS}
    assert {report for report in REPORTS if after[report] != before[report]} == set()
    now = {report: told(office, report, office.now, filed) for report in REPORTS}
    assert {report for report in REPORTS if now[report] == before[report]} == set(), "each has something new by now"
    assert refused.number == before["rejected"][0][0][1], "and had something then"


def test_a_void_undone_and_done_again_stands_as_it_did_at_each_moment(office: Office) -> None:
    (booklet,) = office.stock(1)
    moments = [office.at("2026-03-02 09:00:00")]
    case = office.printed(booklet)
    for hour in ("10", "11", "12", "13"):
        moments.append(office.at(f"2026-03-02 {hour}:00:00"))
        if hour in ("10", "12"):
            office.void(case)
        else:
            office.reactivate(case, booklet)
    states = [(False, 1, 0), (True, 0, 1), (False, 1, 0), (True, 0, 1), (False, 1, 0)]
    for moment, (voided, standing, voids) in zip(moments, states, strict=True):
        assert office.lines("printed", "voided", as_of=moment, **DAY) == [voided]
        assert len(office.lines("prints", "booklet", as_of=moment, **DAY)) == standing
        assert len(office.lines("voided", "booklet", as_of=moment, **DAY)) == voids
        assert office.lines("prints_by_day", "voided", "standing", as_of=moment, month="2026-03") == [(voids, standing)]


def test_a_passport_type_corrected_later_is_still_that_of_then(office: Office) -> None:
    then = office.at("2026-03-02 09:00:00")
    case = office.case()
    before = office.lines("received", "case", "type", **DAY)
    assert before == [(case.number, "ORD")]
    office.at("2026-03-02 10:00:00")
    office.does("jpgu", "correct", case, changes={"passport_type_code": "OFI"}, comment="Lo dice el acuerdo")
    assert office.lines("received", "case", "type", **DAY) == [(case.number, "OFI")]
    assert office.lines("received", "case", "type", as_of=then, **DAY) == before


def test_a_print_accepted_after_a_void_was_undone_was_none_then(office: Office) -> None:
    (booklet,) = office.stock(1)
    then = office.at("2026-03-02 09:00:00")
    case = office.assigned(booklet)
    office.void(case)
    before = office.lines("voided_ranges", "booklet", "printed", **DAY)
    assert before == [(booklet, None)]
    office.at("2026-03-02 10:00:00")
    office.reactivate(case, booklet)
    office.does("impres", "accept_print", case)
    assert office.lines("voided_ranges", "booklet", "printed", as_of=then, **DAY) == before
    assert office.lines("voided_ranges", "booklet", as_of=then, printed_first="2026-03-02") == []


def test_a_blank_taken_back_and_sent_elsewhere_was_voided_where_it_lay(office: Office) -> None:
    (blank,) = office.stock(1)
    then = office.at("2026-03-02 09:00:00")
    office.void_blank("produccion", blank, "ERR")
    before = office.lines("voided", "booklet", "warehouse", **DAY)
    assert before == [(blank, "PROD-GUA")]
    assert office.lines("voided", "booklet", site="GUA", **DAY) == [blank]
    office.at("2026-03-02 10:00:00")
    office.reactivate_blank("admadm", blank)
    office.receives(office.transfer("PROD-GUA", "PROD-LAX", 5_000_001, 1), 5_000_001, 1)
    assert office.lines("voided", "booklet", "warehouse", as_of=then, **DAY) == before
    assert office.lines("voided", "booklet", site="GUA", as_of=then, **DAY) == [blank]


def test_the_ledger_of_a_booklet_sent_elsewhere_is_still_seen_as_of_then(office: Office) -> None:
    then = office.now
    office.stock(1)
    before = office.lines("booklet_ledger", "movement", booklet="F5000001", sites=("GUA",))
    assert before == ["INGRESO"]
    office.at("2026-03-02 10:00:00")
    office.receives(office.transfer("PROD-GUA", "PROD-LAX", 5_000_001, 1), 5_000_001, 1)
    assert office.lines("booklet_ledger", "movement", booklet="F5000001", sites=("GUA",), as_of=then) == before


def test_a_replacement_rejected_later_was_asked_for_then(office: Office) -> None:
    (lost,) = office.stock(1)
    then = office.at("2026-03-02 09:00:00")
    office.void(office.delivered(lost), "EXT")
    case = office.case(procedure_code="REPOSICION", previous_booklet=lost)
    before = office.lines("replacements", "booklet", "new_case", **DAY)
    assert before == [(lost, case.number)]
    office.at("2026-03-02 10:00:00")
    office.does("supervisor", "reject", case, reason="R01")
    assert office.lines("replacements", "booklet", **DAY) == []
    assert office.lines("replacements", "booklet", "new_case", as_of=then, **DAY) == before


# The latest moment of which everything is there.


@pytest.fixture(scope="module")
def elsewhere(fresh_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database in which nobody else works, so that the horizon waits for nobody."""
    engine = make_engine(fresh_database("horizon"))
    yield engine
    engine.dispose()


def moment(engine: Engine) -> dt.datetime:
    with Session(engine) as session:
        return horizon(session)


def begun(session: Session) -> dt.datetime:
    """When the transaction of `session` began."""
    return session.execute(text("select now()")).scalar_one()  # type: ignore[no-any-return]


def test_the_horizon_is_not_after_the_beginning_of_what_is_being_written(elsewhere: Engine) -> None:
    with Session(elsewhere) as free, Session(elsewhere) as writer:
        assert begun(free) <= moment(elsewhere), "who asks, alone, is not held up"
        free.rollback()
        start = begun(writer)
        make_case(writer)
        assert moment(elsewhere) == start
        assert moment(elsewhere) == start, "as long as it is open"
        writer.commit()
        assert moment(elsewhere) > start


def test_the_horizon_waits_for_who_may_yet_write_but_not_for_readers_of_reports(elsewhere: Engine) -> None:
    with Session(elsewhere) as other:
        start = begun(other)
        assert moment(elsewhere) == start
        other.execute(text(f"set local application_name = '{READING}'"))
        assert moment(elsewhere) > start
        other.rollback()
        start = begun(other)
        assert moment(elsewhere) == start, "its next transaction is no reader's"


def test_the_horizon_is_looked_for_anew_each_time_in_one_transaction(elsewhere: Engine) -> None:
    with Session(elsewhere) as asker, Session(elsewhere) as writer:
        horizon(asker)
        start = begun(writer)
        make_case(writer)
        assert horizon(asker) <= start


# Who sees what.


def at_three_sites(office: Office) -> None:
    """Every report has lines of Guatemala, of Los Angeles and of no site."""
    receivers = {"GUA": 5_000_001, "LAX": 6_000_001}
    office.stock(3, 7_000_001, warehouse="CENTRAL")
    office.stock(3, 8_000_001, warehouse="PROD-PET")
    office.at("2026-03-02 09:00:00")
    for site, first in receivers.items():
        one, other, blank, new = office.stock(4, first, warehouse=f"PROD-{site}")
        office.transfer("PROD-PET", f"PROD-{site}", {"GUA": 8_000_001, "LAX": 8_000_002}[site], 1)
        office.void(office.delivered(one, site_code=site), "REP")
        office.delivered(other, site_code=site, payment_slip="0100000001")
        office.printed(new, site_code=site)
        office.void_blank("produccion", blank, "ERR")
        office.rejected(site_code=site)
    office.void_blank("produccion", "F7000001", "ERR")


def belongs(report: str, row: Any) -> bool:
    """Whether a line is of Guatemala, by hand."""
    if report in ("stock_on_hand", "stock_receipts", "stock_transfers"):
        return "PROD-GUA" in (getattr(row, name, None) for name in ("warehouse", "source", "target"))
    return bool(row.site == "GUA")


def test_who_sees_one_site_sees_of_every_report_the_lines_of_that_site(
    office: Office, as_user: Callable[[str], Actor]
) -> None:
    at_three_sites(office)
    asked = {key: questions(key)[0] for key in REPORTS if key != "booklet_ledger"}
    every = {key: list(reading.every_line(office.db, office.asked(key, **typed))) for key, typed in asked.items()}
    as_user("impres")
    for key, typed in asked.items():
        columns = [column.key for column in REPORTS[key].columns]
        own = [tuple(getattr(row, name) for name in columns) for row in every[key] if belongs(key, row)]
        assert 0 < len(own) < len(every[key]), key
        assert office.lines(key, *columns, sites=("GUA",), **typed) == own, key
        assert office.counted(key, sites=(), **typed).lines == 0, key
    assert office.lines("booklet_ledger", "movement", booklet="F5000001", sites=("GUA",)) != []
    assert office.lines("booklet_ledger", "movement", booklet="F6000001", sites=("GUA",)) == []


def test_a_line_is_the_same_whoever_reads_it(office: Office, as_user: Callable[[str], Actor]) -> None:
    """A run of Guatemala's that a head of everywhere makes again must prove the same, for its hash is of its lines.

    Here a passport of Guatemala was lost and is asked for again in Los Angeles.
    """
    (lost,) = office.stock(1)
    office.at("2026-03-02 09:00:00")
    office.void(office.delivered(lost), "EXT")
    new = office.case(site_code="LAX", procedure_code="REPOSICION", previous_booklet=lost)
    for reader in ("jpgu", "impres"):
        as_user(reader)
        seen = office.lines("replacements", "booklet", "new_case", sites=("GUA",), **DAY)
        assert seen == [(lost, new.number)], reader


@pytest.mark.parametrize(
    "key", [key for key, report in REPORTS.items() if any(f.name == "site" for f in report.filters)]
)
def test_another_site_is_refused_by_name(key: str) -> None:
    for mine in ({"site": "GUA"}, {}):
        question(REPORTS[key], mine, ("GUA", "PET"), local("2026-03-02 12:00:00"))
    with pytest.raises(BadValue) as refused:
        question(REPORTS[key], {"site": "LAX"}, ("GUA", "PET"), local("2026-03-02 12:00:00"))
    assert refused.value.field == "site"


@pytest.mark.parametrize("key", REPORTS)
def test_a_report_is_asked_by_who_may_see_it_and_held_to_his_sites(db: Session, key: str) -> None:
    report, now = REPORTS[key], local("2026-03-02 12:00:00")
    stranger, head = load_actor(db, username="atenc"), load_actor(db, username="jpgu")
    assert stranger is not None
    assert head is not None
    with pytest.raises(NotAllowed):
        ask(report, stranger, {}, now)
    assert ask(report, head, {}, now).sites is None
    local_head = replace(head, sites=frozenset({"PET", "GUA"}))
    assert ask(report, local_head, {}, now).sites == ("GUA", "PET")
    chosen = any(isinstance(each, SiteChoice) for each in report.filters)
    assert ask(report, local_head, {"site": "PET"}, now).held_to == (("PET",) if chosen else ("GUA", "PET"))


# Nothing, and much.


@pytest.mark.parametrize("key", REPORTS)
def test_a_report_without_lines_is_empty_in_every_way(office: Office, key: str) -> None:
    given = {"booklet": "F5000001"} if any(isinstance(each, Exact) for each in REPORTS[key].filters) else {}
    asked = office.asked(key, **given)
    assert whole(office.db, asked) == []
    assert charting.charts(office.db, asked, {}, str) == ()


@pytest.fixture
def many(office: Office, monkeypatch: pytest.MonkeyPatch) -> tuple[Office, list[str]]:
    """130 cases received at two sites in three moments, by their numbers in order; twenty stand on a page."""
    monkeypatch.setattr(reading, "PAGE", 20)
    office.at("2026-03-02 09:00:00")
    model = office.case(created_at=local("2026-03-01 09:00:00"))
    kept = {column.key: getattr(model, column.key) for column in inspect(PassportCase).column_attrs}
    del kept["id"]
    times = [office.now + dt.timedelta(minutes=n) for n in range(3)]
    rows = [
        kept | {"number": f"{site}{900_000_000 + n}", "site_code": site, "created_at": times[n % 3],
                "first_name": f"N{n * 37 % 130:03d}"}
        for n in range(130)
        for site in (("GUA", "LAX")[n // 2 % 2],)
    ]  # fmt: skip
    office.db.execute(insert(PassportCase), rows)
    office.at("2026-03-02 10:00:00")
    order = sorted(range(130), key=lambda n: (rows[n]["created_at"], n))
    return office, [str(rows[n]["number"]) for n in order]


def numbers(rows: list[Any]) -> list[str]:
    return [row.case for row in rows]


def test_pages_have_each_line_once_in_order_though_times_are_equal(many: tuple[Office, list[str]]) -> None:
    office, order = many
    asked = office.asked("received", **DAY)
    assert numbers(paged(office.db, asked)) == order
    assert [row.case for row in reading.every_line(office.db, asked, batch=9)] == order
    here = [number for number in order if number.startswith("GUA")]
    assert numbers(paged(office.db, office.asked("received", site="GUA", **DAY))) == here
    assert numbers(paged(office.db, office.asked("received", sites=("GUA", "PET"), **DAY))) == here


def test_pages_sorted_by_a_column_have_each_line_once_too(many: tuple[Office, list[str]]) -> None:
    office, order = many
    asked = office.asked("received", **DAY)
    assert numbers(paged(office.db, asked, sort="case")) == sorted(order)
    assert numbers(paged(office.db, asked, sort="case", descending=True)) == sorted(order, reverse=True)
    names = [row.name for row in paged(office.db, asked, sort="name")]
    assert names == [f"Tzunux Barrondo N{n:03d} Odilia" for n in range(130)]
    equal = paged(office.db, asked, sort="slip", descending=True)
    assert numbers(equal) == order, "what is equal stays in the natural order"
    page = reading.page(office.db, asked, sort="site")
    assert (page.sort, numbers(list(page.rows))) == ("", order[:20]), "codes are not sorted by, their names are shown"


def test_too_many_lines_are_not_counted_whole_nor_sorted(
    many: tuple[Office, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, order = many
    asked = office.asked("received", **DAY)
    for cap, capped in ((129, True), (130, False)):
        monkeypatch.setattr(reading, "COUNT_CAP", cap)
        page = reading.page(office.db, asked, sort="case", descending=True)
        assert (page.counted.lines, page.counted.capped, page.unsorted) == (cap, capped, capped)
        assert numbers(list(page.rows)) == (order if capped else sorted(order, reverse=True))[:20]
    monkeypatch.setattr(reading, "COUNT_CAP", 50)
    assert numbers(paged(office.db, asked)) == order, "all the same, page by page"


def token(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


NINE = "2026-03-02T09:00:00+00:00"
UNGIVEN = {
    "no base64": "%%%", "no letters": "ñ", "no JSON": "x", "no list": "bnVsbA", "nothing": token(),
    "three values": token(1, 2, 3), "no time": token("yesterday", 1), "no key": token(NINE, "x"),
    "null": token(NINE, None), "list": token(NINE, [1]), "both null": token(None, None), "huge": token(NINE, 10**30),
    "infinite": token(NINE, float("inf")),
}  # fmt: skip


@pytest.mark.parametrize("after", UNGIVEN.values(), ids=UNGIVEN)
def test_a_page_that_nobody_gave_does_not_exist(office: Office, after: str) -> None:
    asked = office.asked("received", **DAY)
    with pytest.raises(BadValue) as refused:
        reading.page(office.db, asked, after=after)
    assert refused.value.field == "after"


@pytest.mark.parametrize(
    "after", ["x", token(), token("7"), token(-1), token(7.5), token(10**9), token(None), token(7, 7)]
)
def test_a_sorted_page_that_nobody_gave_does_not_exist(office: Office, after: str) -> None:
    for asked, sort in ((office.asked("received", **DAY), "case"), (office.asked("stock_on_hand"), "")):
        with pytest.raises(BadValue) as refused:
            reading.page(office.db, asked, after=after, sort=sort)
        assert refused.value.field == "after"


def test_a_page_by_numbers_that_nobody_gave_does_not_exist(office: Office) -> None:
    asked = office.asked("issued", booklets_from="F5000001", booklets_to="F5999999")
    with pytest.raises(BadValue):
        reading.page(office.db, asked, after=token("F5000001\x00", 1))
