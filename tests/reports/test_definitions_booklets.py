"""The definitions of the reports of booklets: voided, printed, counted by day, by ranges, replaced, issued (26-32)."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.cases import PassportCase
from reports.asking import question
from reports.catalogue import REPORTS
from reports.reading import Counted
from security.actor import Actor
from security.errors import BadValue
from tests.reports.office import DAY, MARCH, Office, filed, local, open_office
from workflow.stock.serials import Run

BEFORE, BEGIN, END, AFTER = (
    "2026-03-01 23:59:59.999999", "2026-03-02 00:00:00", "2026-03-02 23:59:59.999999", "2026-03-03 00:00:00"
)  # fmt: skip
NAME = "Tzunux Barrondo Marisela Odilia"
CORRECTED = "Tzunux Barrondo Mariseli Odilia"
OF_VOIDS = ("voided", "voided_ranges")


@pytest.fixture
def office(db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    return open_office(db, as_user, monkeypatch, tmp_path / "keys")


# 26 Libretas Anuladas.


def test_voided_tells_each_booklet_of_a_case_or_of_none_with_its_reason(office: Office) -> None:
    first, second, blank, *_rest = office.stock(4)
    office.stock(1, 1, warehouse="PROD-LAX", category="OFICIAL")
    office.at("2026-03-02 09:00:00")
    delivered, refused = office.delivered(first), office.assigned(second)
    office.at("2026-03-02 10:00:00")
    office.void_blank("produccion", blank, "DAB")
    office.does("impres", "refuse_print", refused)
    office.at("2026-03-03 11:00:00")
    office.void(delivered, "JUD")
    office.void_blank("jpgu", "S0000001", "EXB")
    ten, by = local("2026-03-02 10:00:00"), office.user("produccion")
    columns = ("at", "booklet", "category", "void_type", "case", "name", "warehouse", "user", "remarks", "mark")
    every = [
        (ten, blank, "ORDINARIA", "DAB", None, None, "PROD-GUA", by, "Dañada", None),
        (ten, second, "ORDINARIA", "IMP", refused.number, NAME, "PROD-GUA", office.user("impres"), None, None),
        (office.now, first, "ORDINARIA", "JUD", delivered.number, NAME, "PROD-GUA", by, "Se anuló", None),
        (office.now, "S0000001", "OFICIAL", "EXB", None, None, "PROD-LAX", office.user("jpgu"), "Dañada", None),
    ]
    assert office.lines("voided", *columns) == every, "without days, those of the last seven"
    assert office.lines("voided", *columns, **DAY) == every[:2]
    assert office.lines("voided", *columns, first="2026-03-03") == every[2:]
    assert office.lines("voided", "booklet", void_type="DAB", **MARCH) == [blank]
    assert office.lines("voided", "booklet", site="LAX", **MARCH) == ["S0000001"]
    assert office.lines("voided", "booklet", site="GUA", void_type="EXB", **MARCH) == []
    office.destroy("produccion", "jpgu", "PROD-GUA", Run("F", 5_000_003, 1))
    assert office.lines("voided", *columns, **DAY) == every[:2], "destroyed it is voided all the same"


@pytest.mark.parametrize("report", OF_VOIDS)
def test_a_day_of_voids_goes_from_midnight_to_midnight_in_guatemala(office: Office, report: str) -> None:
    booklets = office.stock(4)
    for moment, booklet in zip((BEFORE, BEGIN, END, AFTER), booklets, strict=True):
        office.at(moment)
        office.void_blank("produccion", booklet, "ERR")
    assert office.lines(report, "booklet", **DAY) == booklets[1:3]


@pytest.mark.parametrize("report", OF_VOIDS)
def test_a_booklet_voided_by_mistake_and_reactivated_is_gone_until_it_is_voided_again(
    office: Office, report: str
) -> None:
    """M:L1038: "muestra libretas que fueron anuladas por error y no se gestiona correctamente su reactivación"."""
    first, blank = office.stock(2)
    office.at("2026-03-02 09:00:00")
    case = office.printed(first)
    office.void(case)
    office.void_blank("produccion", blank, "ERR")
    mistake = office.now
    assert office.lines(report, "booklet", **DAY) == [first, blank]
    office.at("2026-03-02 10:00:00")
    office.reactivate(case, first)
    office.reactivate_blank("admadm", blank)
    assert office.lines(report, "booklet", **DAY) == []
    office.at("2026-03-02 11:00:00")
    office.void(case, "DEF")
    office.void_blank("produccion", blank, "DAB")
    assert office.lines(report, "at", "booklet", "void_type", **DAY) == [
        (office.now, first, "DEF"), (office.now, blank, "DAB"),
    ]  # fmt: skip
    assert office.lines(report, "at", "booklet", as_of=mistake, **DAY) == [(mistake, first), (mistake, blank)]


# 27 Impresiones Detalladas.


def test_detailed_prints_are_those_that_stand(office: Office) -> None:
    """Of four booklets one was refused, one voided, one voided by mistake and reactivated (M:L1040, M:L1038)."""
    refused, voided, back, stands = office.stock(4)
    office.at("2026-03-02 09:00:00")
    case = office.assigned(refused, payment_slip="0912345678", procedure_code="RENOVACION")
    office.does("impres", "refuse_print", case)
    other, mistaken = office.printed(voided), office.checked(back)
    office.void(other)
    office.void(mistaken, "NRC")
    office.at("2026-03-02 10:00:00")
    office.printed(stands, case, who="impdep")
    assert office.lines("prints", "booklet", **DAY) == [stands]
    office.reactivate(mistaken, back)
    nine = local("2026-03-02 09:00:00")
    columns = ("at", "booklet", "case", "name", "site", "procedure", "type", "slip", "user", "mark")
    assert office.lines("prints", *columns, **DAY) == [
        (nine, back, mistaken.number, NAME, "GUA", "NUEVO", "ORD", None, office.user("impres"), None),
        (office.now, stands, case.number, NAME, "GUA", "RENOVACION", "ORD", "0912345678", office.user("impdep"), None),
    ]
    assert office.lines("prints", "booklet", user=str(office.user("impdep")), **DAY) == [stands]
    office.void(mistaken, "NRC")
    assert office.lines("prints", "booklet", **DAY) == [stands]


def test_detailed_prints_have_all_sites_and_are_narrowed_by_site_and_type(office: Office) -> None:
    (here,), (there,) = office.stock(1), office.stock(1, 6_000_001, warehouse="PROD-LAX")
    office.at(BEGIN)
    office.printed(there, site_code="LAX")
    office.at(END)
    office.printed(here, site_code="MIA", passport_type_code="ORM")
    office.at(AFTER)
    assert office.lines("prints", "booklet", "site", **DAY) == [(there, "LAX"), (here, "GUA")]
    assert office.lines("prints", "booklet", site="LAX", **DAY) == [there]
    assert office.lines("prints", "booklet", type="ORM", **DAY) == [here]
    assert office.lines("prints", "booklet", first="2026-03-03") == []


# 28 Impresiones Resumidas.


def test_summarised_prints_are_counted_by_day_site_and_printer(office: Office) -> None:
    """Two in Guatemala by one printer and one by another, one in Los Angeles; two of them voided, one taken back."""
    booklets, (there,) = office.stock(6), office.stock(1, 6_000_001, warehouse="PROD-LAX")
    office.at(BEFORE)
    last_month = {"month": "2026-02"}
    office.printed(booklets[0])
    office.at(BEGIN)
    voided, mistaken = office.printed(booklets[1]), office.printed(booklets[2])
    office.printed(booklets[3], who="impdep")
    office.printed(there, site_code="LAX")
    office.at("2026-03-31 23:59:59.999999")
    office.printed(booklets[4])
    office.void(voided)
    office.void(mistaken)
    office.reactivate(mistaken, booklets[2])
    office.at("2026-04-01 00:00:00")
    office.printed(booklets[5])
    impres, impdep = office.user("impres"), office.user("impdep")
    march, columns = {"month": "2026-03"}, ("day", "site", "user", "printed", "voided", "standing")
    first, second, last = dt.date(2026, 3, 1), dt.date(2026, 3, 2), dt.date(2026, 3, 31)
    assert office.lines("prints_by_day", *columns, **march) == [
        (first, "GUA", impres, 1, 0, 1),
        (second, "GUA", impres, 2, 1, 1),
        (second, "GUA", impdep, 1, 0, 1),
        (second, "LAX", impres, 1, 0, 1),
        (last, "GUA", impres, 1, 0, 1),
    ]
    assert office.counted("prints_by_day", **march) == Counted(5, {"printed": 6, "voided": 1, "standing": 5})
    assert office.lines("prints_by_day", "day", "printed") == [(dt.date(2026, 4, 1), 1)], "without a month, this one"
    assert office.lines("prints_by_day", "printed", **last_month) == []
    assert office.lines("prints_by_day", "day", "printed", site="LAX", **march) == [(second, 1)]
    assert office.lines("prints_by_day", "day", "printed", user=str(impdep), **march) == [(second, 1)]
    assert office.lines("prints_by_day", "printed", "voided", sites=("LAX",), **march) == [(1, 0)]
    _agrees_with_the_details(office, march)


def _agrees_with_the_details(office: Office, month: dict[str, str]) -> None:
    totals = office.counted("prints_by_day", **month).totals
    assert totals["printed"] == office.counted("printed", **MARCH).lines == 6
    assert totals["standing"] == office.counted("prints", **MARCH).lines == 5


# 29, 30, 32: many ranges.


def archive(office: Office) -> dict[str, PassportCase]:
    """Four printed cases on three days, at two printing sites, by their booklets."""
    first, second, third = office.stock(3)
    (there,) = office.stock(1, 6_000_001, warehouse="PROD-LAX")
    made: dict[str, PassportCase] = {}

    def prints(moment: str, booklet: str, enrolled: str, slip: str | None, **changes: Any) -> None:
        office.at(moment)
        made[booklet] = office.printed(booklet, enrolled_at=local(enrolled), payment_slip=slip, **changes)

    prints("2026-03-02 23:59:59.999999", first, "2026-02-10 00:00:00", "0100000001")
    prints("2026-03-03 00:00:00", third, "2026-02-11 09:00:00", "0100000003", site_code="MIA", passport_type_code="ORM")
    prints("2026-03-03 12:00:00", there, "2026-02-12 00:00:00", "0100000002", site_code="LAX")
    prints("2026-03-04 08:00:00", second, "2026-02-10 23:59:59.999999", None)
    return made


A, B, C, D = "F5000001", "F5000003", "F6000001", "F5000002"
#: What is asked, and the booklets of the archive that are found, in order.
FOUND: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({}, [D]),
    ({"first": "2026-03-03"}, [B, C]),
    ({"first": "2026-03-02", "last": "2026-03-04"}, [A, B, C, D]),
    ({"booklets_from": "f5000001", "booklets_to": "F5000003"}, [A, D, B]),
    ({"booklets_from": "F5000003"}, [B]),
    ({"booklets_from": "F5000001", "booklets_to": "F5000003", "first": "2026-03-03", "last": "2026-03-04"}, [D, B]),
    ({"slips_from": "0100000002", "slips_to": "0100000003"}, [C, B]),
    ({"slips_from": "0100000001"}, [A]),
    ({"slips_from": "0100000001", "slips_to": "0100000003", "type": "ORM"}, [B]),
    ({"enrolled_first": "2026-02-10"}, [A, D]),
    ({"enrolled_first": "2026-02-11", "enrolled_last": "2026-02-12"}, [B, C]),
    ({"enrolled_first": "2026-02-10", "first": "2026-03-04"}, [D]),
    ({"site": "LAX", "first": "2026-03-01", "last": "2026-03-31"}, [C]),
    ({"captured": "MIA", "first": "2026-03-01", "last": "2026-03-31"}, [B]),
    ({"site": "MIA", "first": "2026-03-01", "last": "2026-03-31"}, []),
    ({"type": "OFI", "first": "2026-03-01", "last": "2026-03-31"}, []),
    ({"booklets_from": "F5000004", "booklets_to": "F5999999"}, []),
)


def test_slips_and_issued_are_found_by_each_range_and_come_in_its_order(office: Office) -> None:
    cases = archive(office)
    for typed, booklets in FOUND:
        assert office.lines("payment_slips", "booklet", **typed) == booklets, typed
        assert [line[1] for line in filed(office.db, office.asked("issued", **typed))] == booklets, typed
    home = {"cases_from": cases[A].number, "cases_to": cases[D].number}
    assert office.lines("issued", "booklet", **home) == [A, D]
    assert office.lines("issued", "booklet", cases_from=cases[C].number) == [C]


def test_slips_and_issued_tell_slip_booklet_case_site_and_names(office: Office) -> None:
    cases = archive(office)
    columns = ("slip", "booklet", "case", "site", "name", "type", "at", "voided", "mark")
    march, night, noon = MARCH, local("2026-03-03 00:00:00"), local("2026-03-03 12:00:00")
    office.void(cases[C])
    assert office.lines("payment_slips", *columns, **march)[1:3] == [
        ("0100000003", B, cases[B].number, "GUA", NAME, "ORM", night, False, None),
        ("0100000002", C, cases[C].number, "LAX", NAME, "ORD", noon, True, None),
    ]
    columns = ("department", "booklet", "at", "site", "case", "name", "slip", "type", "voided", "mark", "parent")
    assert office.lines("issued", *columns, **march)[2] == (
        "LAX", C, noon, "LAX", cases[C].number, NAME, "0100000002", "ORD", True, None, None,
    )  # fmt: skip
    departments = [line[0] for line in office.shown("issued", **march)]
    assert departments == ["GUATEMALA", "GUATEMALA", "Estados Unidos", "GUATEMALA"]


def test_voided_ranges_are_found_by_each_range_and_come_in_its_order(office: Office) -> None:
    cases = archive(office)
    (blank,) = office.stock(1, 5_000_009)
    for booklet, void_type in ((B, "ERR"), (A, "DEF"), (C, "ERR")):
        office.at(f"2026-03-05 1{booklet[1]}:00:00" if booklet != A else "2026-03-05 15:30:00")
        office.void(cases[booklet], void_type)
    office.at("2026-03-06 09:00:00")
    office.void_blank("produccion", blank, "ERR")
    found: tuple[tuple[dict[str, str], list[str]], ...] = (
        ({}, [B, A, C, blank]),
        ({"first": "2026-03-06"}, [blank]),
        ({"booklets_from": "F5000001", "booklets_to": "F5999999"}, [A, B, blank]),
        ({"slips_from": "0100000001", "slips_to": "0100000009"}, [A, C, B]),
        ({"printed_first": "2026-03-03"}, [B, C]),
        ({"printed_first": "2026-03-02", "printed_last": "2026-03-03", "void_type": "ERR"}, [B, C]),
        ({"enrolled_first": "2026-02-10"}, [A]),
        ({"void_type": "DEF"}, [A]),
        ({"site": "LAX"}, [C]),
        ({"site": "PET"}, []),
    )
    for typed, booklets in found:
        assert office.lines("voided_ranges", "booklet", **typed) == booklets, typed
    columns = ("at", "booklet", "void_type", "case", "warehouse", "slip", "printed", "enrolled", "mark")
    assert office.lines("voided_ranges", *columns)[2:] == [
        (local("2026-03-05 16:00:00"), C, "ERR", cases[C].number, "PROD-LAX", "0100000002",
         local("2026-03-03 12:00:00"), local("2026-02-12 00:00:00"), None),
        (office.now, blank, "ERR", None, "PROD-GUA", None, None, None, None),
    ]  # fmt: skip


def test_days_by_default_give_way_to_a_range(office: Office) -> None:
    """A year later, what was voided and printed then is found by its number, and not without one."""
    cases = archive(office)
    office.void(cases[A])
    office.at("2027-03-04 09:00:00")
    for report in ("payment_slips", "issued", "voided_ranges"):
        assert office.lines(report, "booklet") == [], report
        assert office.lines(report, "booklet", booklets_from=A) == [A], report
        assert office.lines(report, "booklet", slips_from="0100000001") == [A], report
        assert office.lines(report, "booklet", booklets_from=A, first="2027-03-01", last="2027-03-04") == [], report


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"booklets_from": "F5000002", "booklets_to": "F5000001"}, "booklets_to"),
     ({"booklets_from": "5000001"}, "booklets_from"), ({"booklets_to": "F5000001"}, "booklets_from"),
     ({"slips_from": "0100000001", "slips_to": "09"}, "slips_to"), ({"slips_from": "01%"}, "slips_from"),
     ({"first": "2026-03-02", "last": "2026-03-01"}, "first"), ({"last": "2026-02-30"}, "last"),
     ({"enrolled_first": "hoy"}, "enrolled_first"), ({"cases_from": "GUA1"}, "cases_from"), ({"type": "%"}, "type")],
)  # fmt: skip
def test_a_range_that_is_none_is_refused_by_its_field(typed: dict[str, str], field: str) -> None:
    with pytest.raises(BadValue) as refused:
        question(REPORTS["issued"], typed, None, local(BEGIN))
    assert refused.value.field == field


# Corrections.


def test_the_corrected_case_and_the_one_made_by_the_correction_stand_in_every_report_marked(office: Office) -> None:
    """M:L1050: "No muestra los casos generados por Corrección, pero sigue mostrando el caso que se corrigió"."""
    first, second = office.stock(2)
    office.at("2026-03-02 09:00:00")
    old = office.delivered(first, payment_slip="0100000001")
    new = office.corrected(old, first_name="Mariseli")
    office.printed(second, new)
    both = [(old.number, first, NAME, "CORRECTED"), (new.number, second, CORRECTED, "CORRECTION")]
    for report in ("issued", "payment_slips", "printed", "personalised"):
        assert office.lines(report, "case", "booklet", "name", "mark", **DAY) == both, report
        assert office.lines(report, "voided", **DAY) == [True, False], report
    assert office.lines("issued", "case", "parent", **DAY) == [(old.number, None), (new.number, old.number)]
    assert office.shown("issued", **DAY)[1][9:] == ("By correction", old.number)
    assert office.lines("prints", "case", "booklet", "name", "mark", **DAY) == both[1:], "only what stands"
    for report in OF_VOIDS:
        assert office.lines(report, "case", "booklet", "name", "mark", **DAY) == both[:1]
        assert office.lines(report, "void_type", **DAY) == ["COR"]


# 31 Reposiciones.


def test_replaced_are_the_booklets_voided_at_delivery_or_lost_and_asked_for_again(office: Office) -> None:
    """M:L1048: "Muestra libretas anuladas por reposición. No utilizada." """
    worn, lost, gone, asked, renewed, by_hand, new, newer = office.stock(8)
    office.at("2026-03-02 09:00:00")
    old = {booklet: office.delivered(booklet) for booklet in (worn, lost, gone, asked, renewed, by_hand)}
    office.at("2026-03-02 10:00:00")
    replacing = office.delivered(new, procedure_code="REPOSICION", previous_booklet=worn)
    office.at("2026-03-02 11:00:00")
    for booklet, void_type in ((lost, "EXT"), (gone, "EXT"), (asked, "ROB"), (by_hand, "REP")):
        office.void(old[booklet], void_type)
    office.delivered(newer, procedure_code="RENOVACION", previous_booklet=renewed)
    office.at("2026-03-02 12:00:00")
    waiting = office.case(procedure_code="REPOSICION", previous_booklet=lost)
    office.rejected(procedure_code="REPOSICION", previous_booklet=asked)
    ten, eleven, by = local("2026-03-02 10:00:00"), local("2026-03-02 11:00:00"), office.user("produccion")
    columns = ("at", "booklet", "category", "void_type", "case", "name", "warehouse", "user", "new_case", "asked_for")
    assert office.lines("replacements", *columns, **DAY) == [
        (ten, worn, "ORDINARIA", "REP", old[worn].number, NAME, "PROD-GUA", office.user("entrega"), replacing.number,
         ten),
        (eleven, lost, "ORDINARIA", "EXT", old[lost].number, NAME, "PROD-GUA", by, waiting.number, office.now),
        (eleven, by_hand, "ORDINARIA", "REP", old[by_hand].number, NAME, "PROD-GUA", by, None, None),
    ]  # fmt: skip
    assert office.lines("replacements", "booklet", void_type="EXT", **DAY) == [lost]
    assert office.lines("replacements", "booklet", site="LAX", **DAY) == []
    assert office.lines("replacements", "booklet") == [worn, lost, by_hand]
    assert office.lines("replacements", "booklet", first="2026-03-03") == []
    assert office.lines("voided", "booklet", void_type="REN", **DAY) == [renewed]
    again = office.case(procedure_code="REPOSICION", previous_booklet=asked)
    assert office.lines("replacements", "booklet", "new_case", void_type="ROB", **DAY) == [(asked, again.number)]
