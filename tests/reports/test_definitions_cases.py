"""The definitions of the reports of cases: received, printed, delivered, personalised, authorised, rejected (17-22)."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.cases import State
from reports.ties import Tied
from security.actor import Actor
from tests.build import make_case
from tests.reports.office import DAY, HOLDER, Office, local, number, open_office

BEFORE, BEGIN, END, AFTER = (
    "2026-03-01 23:59:59.999999", "2026-03-02 00:00:00", "2026-03-02 23:59:59.999999", "2026-03-03 00:00:00"
)  # fmt: skip
NAMED = "Tzunux Barrondo {} Odilia"


@pytest.fixture
def office(db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    return open_office(db, as_user, monkeypatch, tmp_path / "keys")


# Days.


def test_a_day_goes_from_midnight_to_midnight_in_guatemala(office: Office) -> None:
    lived, refused = [], []
    for moment, booklet in zip((BEFORE, BEGIN, END, AFTER), office.stock(4), strict=True):
        office.at(moment)
        lived.append(office.delivered(booklet).number)
        refused.append(office.rejected().number)
    for report in ("authorised", "personalised", "printed", "delivered"):
        assert office.lines(report, "case", **DAY) == lived[1:3], report
        assert office.lines(report, "case", first="2026-03-03") == lived[3:], "one day alone is that day"
        assert office.lines(report, "case", first="2026-03-01", last="2026-03-02") == lived[:3]
    assert office.lines("rejected", "case", **DAY) == refused[1:3]
    assert office.lines("received", "case", **DAY) == [lived[1], refused[1], lived[2], refused[2]]
    first, *_others, last = office.lines("received", "at", **DAY)
    assert first == dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)
    assert last == dt.datetime(2026, 3, 3, 5, 59, 59, 999999, dt.UTC)


def test_without_days_a_report_is_of_the_day_on_which_it_is_asked(office: Office) -> None:
    office.at(END)
    yesterday = office.case()
    office.at(AFTER)
    today = office.case()
    assert office.lines("received", "case") == [today.number]
    assert office.lines("received", "case", as_of=local(END)) == [yesterday.number]


def test_lines_come_by_their_time_whatever_their_sites_and_equal_times_as_they_were_written(office: Office) -> None:
    office.at("2026-03-02 09:00:00")
    second = [office.case(site_code=site).number for site in ("PET", "GUA", "LAX", "GUA")]
    first = office.case(site_code="ZAC", created_at=local("2026-03-02 08:00:00")).number
    assert office.lines("received", "case", **DAY) == [first, *second]


# 17 Recibidos.


def test_received_are_the_cases_made_on_the_day_with_what_they_are(office: Office) -> None:
    enrolled, made = local("2026-02-27 16:30:00"), office.at("2026-03-02 08:15:00")
    one = office.case(enrolled_at=enrolled, payment_slip="0912345678", passport_type_code="ORM")
    office.at("2026-03-02 08:20:00")
    make_case(office.db, State.VALIDACION_SECUNDARIA, enrolled_at=enrolled, first_name=None, second_surname=None,
              married_surname="Paz", other_names="Inés", procedure_code="RENOVACION", site_code="LAX")  # fmt: skip
    columns = ("at", "name", "site", "procedure", "type", "slip", "enrolled", "mark")
    assert office.lines("received", "case", *columns, **DAY)[0] == (
        one.number, made, NAMED.format("Marisela"), "GUA", "NUEVO", "ORM", "0912345678", enrolled, None,
    )  # fmt: skip
    assert office.lines("received", *columns, **DAY)[1] == (
        office.now, "Tzunux Paz Odilia Inés", "LAX", "RENOVACION", "ORD", None, enrolled, None,
    )  # fmt: skip


def test_received_are_narrowed_by_site_and_by_procedure(office: Office) -> None:
    office.at("2026-03-02 09:00:00")
    here, _elsewhere = office.case(), office.case(site_code="PET")
    renewal = office.case(procedure_code="RENOVACION")
    assert office.lines("received", "case", site="GUA", **DAY) == [here.number, renewal.number]
    assert office.lines("received", "case", procedure="RENOVACION", **DAY) == [renewal.number]
    assert office.lines("received", "case", procedure="RENOVACION", site="PET", **DAY) == []


def test_received_and_authorised_have_the_corrected_case_and_the_one_made_by_the_correction(office: Office) -> None:
    """M:L1050: "No muestra los casos generados por Corrección, pero sigue mostrando el caso que se corrigió"."""
    office.at("2026-03-02 09:00:00")
    old = office.delivered(*office.stock(1))
    office.at("2026-03-02 10:00:00")
    new = office.corrected(old, first_name="Mariseli")
    assert office.lines("received", "case", "name", "procedure", "mark", **DAY) == [
        (old.number, NAMED.format("Marisela"), "NUEVO", "CORRECTED"),
        (new.number, NAMED.format("Mariseli"), "CORRECCION", "CORRECTION"),
    ]
    assert office.lines("authorised", "case", "event", "mark", **DAY) == [
        (old.number, "AUTORIZACION", "CORRECTED"),
        (new.number, "CREADO_POR_CORRECCION", "CORRECTION"),
    ]


def test_a_correction_that_is_corrected_itself_is_marked_as_both(office: Office) -> None:
    first, second = office.stock(2)
    office.at("2026-03-02 09:00:00")
    old = office.delivered(first)
    new = office.corrected(old, first_name="Mariseli")
    newest = office.corrected(office.delivered(second, new), first_name="Marisol")
    assert office.lines("received", "case", "mark", **DAY) == [
        (old.number, "CORRECTED"), (new.number, "BOTH"), (newest.number, "CORRECTION"),
    ]  # fmt: skip


# 18 Impresos.


def test_a_case_printed_for_the_usa_stands_once(office: Office) -> None:
    """M:L1017: "Duplica Registros de USA". Enrolled in Miami and printed in Guatemala; enrolled and printed in LA."""
    (here,), (there,) = office.stock(1), office.stock(1, 6_000_001, warehouse="PROD-LAX")
    office.at("2026-03-02 09:00:00")
    miami = office.delivered(here, site_code="MIA")
    office.at("2026-03-02 10:00:00")
    los_angeles = office.delivered(there, site_code="LAX", passport_type_code="ORM")
    columns = ("at", "case", "booklet", "name", "site", "type", "user", "voided", "mark")
    assert office.lines("printed", *columns, **DAY) == [
        (local("2026-03-02 09:00:00"), miami.number, here, NAMED.format("Marisela"), "GUA", "ORD",
         office.user("impres"), False, None),
        (office.now, los_angeles.number, there, NAMED.format("Marisela"), "LAX", "ORM", office.user("impres"), False,
         None),
    ]  # fmt: skip
    assert office.lines("printed", "case", site="GUA", **DAY) == [miami.number]
    assert office.lines("printed", "case", site="LAX", **DAY) == [los_angeles.number]
    assert office.lines("printed", "case", site="MIA", **DAY) == [], "Miami prints nothing"
    assert office.lines("printed", "case", type="ORM", **DAY) == [los_angeles.number]


def test_a_print_is_one_that_was_accepted_and_a_voided_one_stays_marked(office: Office) -> None:
    refused, checked, stands, waiting = office.stock(4)
    office.at("2026-03-02 09:00:00")
    case = office.assigned(refused)
    office.does("impres", "refuse_print", case)
    office.printed(checked, case, who="impdep")
    office.does("concal", "refuse_quality", case, comment="Foto movida")
    office.printed(stands, case)
    office.assigned(waiting)
    assert office.lines("printed", "case", "booklet", "user", "voided", **DAY) == [
        (case.number, checked, office.user("impdep"), True),
        (case.number, stands, office.user("impres"), False),
    ]


def test_printed_is_by_the_day_of_the_acceptance_not_of_the_assignment(office: Office) -> None:
    (booklet,) = office.stock(1)
    office.at(BEFORE)
    case = office.assigned(booklet)
    office.at(BEGIN)
    office.does("impres", "accept_print", case)
    assert office.lines("printed", "booklet", **DAY) == [booklet]
    assert office.lines("personalised", "booklet", **DAY) == []
    assert office.lines("personalised", "booklet", first="2026-03-01") == [booklet]


# 19 Entregados.


def test_delivered_says_to_whom_and_by_whom(office: Office) -> None:
    first, second, waits = office.stock(3)
    office.at("2026-03-02 15:00:00")
    one, other = office.checked(first), office.checked(second, passport_type_code="ORM")
    office.checked(waits)
    office.does("entrega", "deliver", one, **HOLDER)
    office.at("2026-03-02 15:10:00")
    office.does("entrega", "deliver", other, **HOLDER | {"collector": "PARENT", "collector_name": "Elvira Tzunux"})
    by = office.user("entrega")
    columns = ("at", "case", "booklet", "name", "site", "type", "collector", "collected_by", "user", "mark")
    assert office.lines("delivered", *columns, **DAY) == [
        (local("2026-03-02 15:00:00"), one.number, first, NAMED.format("Marisela"), "GUA", "ORD", "HOLDER",
         "Marisela Odilia Tzunux Barrondo", by, None),
        (office.now, other.number, second, NAMED.format("Marisela"), "GUA", "ORM", "PARENT", "Elvira Tzunux", by, None),
    ]  # fmt: skip
    assert office.shown("delivered", **DAY)[1][6] == "Father, mother or guardian"
    assert office.lines("delivered", "booklet", site="PET", **DAY) == []


def test_a_passport_corrected_or_voided_since_was_delivered_all_the_same(office: Office) -> None:
    first, second = office.stock(2)
    office.at("2026-03-02 09:00:00")
    corrected, voided = office.delivered(first), office.delivered(second)
    office.corrected(corrected, first_name="Mariseli")
    office.void(voided, "JUD")
    assert office.lines("delivered", "booklet", "mark", **DAY) == [(first, "CORRECTED"), (second, None)]


# 20 Personalizados.


def test_personalised_has_every_site_those_of_the_usa_included(office: Office) -> None:
    """M:L1021: "solo muestra Guate y departamentales"."""
    here, miami = office.stock(2)
    sites = {"PET": 6_000_001, "LAX": 7_000_001, "MAD": 8_000_001}
    office.at("2026-03-02 09:00:00")
    for site, first in sites.items():
        office.stock(1, first, warehouse=f"PROD-{site}")
        office.assigned(number(first), site_code=site)
    office.at("2026-03-02 10:00:00")
    office.assigned(here)
    office.printed(miami, site_code="MIA")
    by = office.user("impres")
    assert office.lines("personalised", "booklet", "site", "captured", "user", "voided", **DAY) == [
        ("F6000001", "PET", "PET", by, False),
        ("F7000001", "LAX", "LAX", by, False),
        ("F8000001", "MAD", "MAD", by, False),
        (here, "GUA", "GUA", by, False),
        (miami, "GUA", "MIA", by, False),
    ]
    assert office.lines("personalised", "booklet", site="LAX", **DAY) == ["F7000001"]


def test_personalised_is_every_booklet_given_to_a_case_whatever_became_of_the_print(office: Office) -> None:
    refused, voided, stands = office.stock(3)
    office.at("2026-03-02 09:00:00")
    case = office.assigned(refused)
    office.does("impres", "refuse_print", case)
    office.delivered(stands, case)
    other = office.assigned(voided)
    office.void(other)
    columns = ("at", "case", "booklet", "name", "type", "voided", "mark")
    assert office.lines("personalised", *columns, **DAY) == [
        (office.now, case.number, refused, NAMED.format("Marisela"), "ORD", True, None),
        (office.now, case.number, stands, NAMED.format("Marisela"), "ORD", False, None),
        (office.now, other.number, voided, NAMED.format("Marisela"), "ORD", True, None),
    ]
    office.reactivate(other, voided)
    assert office.lines("personalised", "booklet", "voided", **DAY)[2] == (voided, False)


# 21 Autorizados.


def test_authorised_tells_who_decided_and_how(office: Office) -> None:
    office.at("2026-03-02 09:00:00")
    plain, urgent = office.case(), office.case(procedure_code="RENOVACION", passport_type_code="ORM")
    found = make_case(office.db, State.VALIDACION_SECUNDARIA, site_code="LAX")
    office.rejected()
    office.does("supervisor", "authorise", plain)
    office.does("supervisor", "authorise", urgent, reason="A07", comment="Tratamiento médico")
    office.at("2026-03-02 09:30:00")
    office.does("supersu", "accept_secondary", found, reason="A04", comment="Homónimo")
    columns = ("case", "name", "site", "procedure", "type", "event", "reason", "user", "mark")
    name, nine = NAMED.format("Marisela"), local("2026-03-02 09:00:00")
    assert office.lines("authorised", "at", *columns, **DAY) == [
        (nine, plain.number, name, "GUA", "NUEVO", "ORD", "AUTORIZACION", "A01", office.user("supervisor"), None),
        (nine, urgent.number, name, "GUA", "RENOVACION", "ORM", "AUTORIZACION", "A07", office.user("supervisor"), None),
        (office.now, found.number, name, "LAX", "NUEVO", "ORD", "ACEPTACION_SECUNDARIA", "A04",
         office.user("supersu"), None),
    ]  # fmt: skip
    assert office.lines("authorised", "case", reason="A07", **DAY) == [urgent.number]
    assert office.lines("authorised", "case", site="LAX", **DAY) == [found.number]


def test_a_case_captured_in_miami_is_authorised_at_miami(office: Office) -> None:
    office.at("2026-03-02 09:00:00")
    office.does("supervisor", "authorise", office.case(site_code="MIA"))
    assert office.lines("authorised", "site", **DAY) == ["MIA"]


def test_an_extension_authorises_the_case_that_it_makes_and_not_the_extended_one(office: Office) -> None:
    """The passport of the former case was authorised years ago; its log too says that an extension was made of it."""
    office.clock.now = local("2021-06-15 08:00:00")
    (booklet,) = office.stock(1)
    old = office.delivered(booklet)
    office.at("2026-03-02 09:00:00")
    new = office.extended(old)
    assert office.lines("received", "case", "procedure", "mark", **DAY) == [(new.number, "PRORROGA", "EXTENSION")]
    assert office.lines("authorised", "case", "event", "mark", **DAY) == [
        (new.number, "CREADO_POR_PRORROGA", "EXTENSION")
    ]


# 22 Rechazados.


def test_rejected_has_rejected_cases_alone_with_who_and_why(office: Office) -> None:
    """M:L1025: "Muestra solicitudes Autorizadas por día"."""
    office.at("2026-03-02 09:00:00")
    authorised = office.case()
    office.does("supervisor", "authorise", authorised)
    photo = office.rejected("R01")
    other = office.rejected("R99", "Otra cosa", site_code="LAX", procedure_code="RENOVACION", passport_type_code="ORM")
    found = make_case(office.db, State.VALIDACION_SECUNDARIA)
    office.at("2026-03-02 11:00:00")
    office.does("supersu", "reject_secondary", found, reason="R06", comment="Consta la defunción")
    name, nine, by = NAMED.format("Marisela"), local("2026-03-02 09:00:00"), office.user("supervisor")
    columns = ("at", "case", "name", "site", "procedure", "type", "reason", "comment", "user", "mark")
    assert office.lines("rejected", *columns, **DAY) == [
        (nine, photo.number, name, "GUA", "NUEVO", "ORD", "R01", None, by, None),
        (nine, other.number, name, "LAX", "RENOVACION", "ORM", "R99", "Otra cosa", by, None),
        (office.now, found.number, name, "GUA", "NUEVO", "ORD", "R06", "Consta la defunción", office.user("supersu"),
         None),
    ]  # fmt: skip
    assert office.lines("authorised", "case", **DAY) == [authorised.number]
    assert office.lines("rejected", "case", reason="R01", **DAY) == [photo.number]
    assert office.lines("rejected", "case", site="LAX", **DAY) == [other.number]
    assert office.shown("rejected", **DAY)[0][6] == "Fotografía no cumple norma OACI"


# The ledger.


def test_delivered_and_personalised_agree_with_the_ledger(office: Office) -> None:
    """Three personalised on the first and one delivered; on the second two in Guatemala, one in Los Angeles."""
    booklets, (there,) = office.stock(5), office.stock(1, 6_000_001, warehouse="PROD-LAX")
    yesterday = {"first": "2026-03-01"}
    office.at(BEFORE)
    waiting = [office.checked(booklets[0]), office.checked(booklets[1])]
    office.delivered(booklets[2])
    office.at(BEGIN)
    office.does("entrega", "deliver", waiting[0], **HOLDER)
    office.void(waiting[1], "NRC")
    office.assigned(booklets[3])
    office.delivered(there, site_code="LAX")
    office.at("2026-03-02 12:00:00")
    office.assigned(booklets[4])
    for _both in range(2):  # on the day itself, and once it is a whole one
        assert office.tied("personalised", **yesterday) == Tied(3, 3)
        assert office.tied("personalised", **DAY) == Tied(3, 3)
        assert office.tied("personalised", first="2026-03-01", last="2026-03-02") == Tied(6, 6)
        assert office.tied("personalised", site="GUA", **DAY) == Tied(2, 2)
        assert office.tied("personalised", sites=("LAX", "PET"), **DAY) == Tied(1, 1)
        assert office.tied("delivered", **yesterday) == Tied(1, 1)
        assert office.tied("delivered", **DAY) == Tied(2, 2)
        assert office.tied("delivered", site="LAX", **DAY) == Tied(1, 1)
        office.clock.now = local("2026-03-05 09:00:00")
    noon = local("2026-03-02 11:59:59")
    assert office.tied("personalised", as_of=noon, **DAY) == Tied(2, 2), "as of before the last one"


def test_what_does_not_agree_with_the_ledger_is_seen(office: Office) -> None:
    (booklet,) = office.stock(1)
    office.at("2026-03-02 09:00:00")
    office.delivered(booklet)
    office.at("2026-03-03 09:00:00")
    office.db.execute(text("set constraints all immediate"))
    office.db.execute(text("alter table stock_turnover disable trigger user"))
    office.db.execute(text("update stock_turnover set put = put + 1 where kind = 'EGRESO_PERSONALIZACION'"))
    office.db.execute(text("alter table stock_turnover enable trigger user"))
    for report, holds in (("personalised", False), ("delivered", True)):
        tied = office.tied(report, **DAY)
        assert tied is not None
        assert (tied.said, tied.holds) == (1, holds), report


def test_a_report_that_no_ledger_knows_is_not_held_against_it(office: Office) -> None:
    assert office.tied("printed", **DAY) is None
    assert office.tied("received", **DAY) is None
