"""Second inspections: drawn by chance up to a cap, done by a second person, and no delivery before."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine, utc_now
from models.booklets import Booklet, Personalisation, QualityScan
from models.cases import CaseEvent, PassportCase, State
from models.inspections import InspectionSetting, SecondInspection
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.together import at_once
from tests.views.desk import WELL, act, again, checked, printed, use_of
from workflow import inspections, quality
from workflow.machine import available, perform

COLLECTED = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}


def set_rate(db: Session, rate: str = "100", cap: str = "5", site: str = "*") -> None:
    actor = load_actor(db, username="admadm")
    assert actor is not None
    inspections.set_rate(db, actor, site, rate, cap)
    db.commit()


def scans(db: Session, case: PassportCase) -> dict[str, str]:
    use = use_of(db, case)
    return {"booklet": use.booklet_number, "mrz": f"{use.mrz_line_1}\n{use.mrz_line_2}", "seal": use.seal_text}


def drawn_of(db: Session, case: PassportCase) -> SecondInspection | None:
    uses = select(Personalisation.id).where(Personalisation.case_id == case.id)
    query = select(SecondInspection).where(SecondInspection.personalisation_id.in_(uses))
    return db.scalars(query.execution_options(populate_existing=True)).first()


def second(db: Session) -> Actor:
    """Somebody else at quality control."""
    actor = load_actor(db, username="consultas")
    assert actor is not None
    return replace(actor, permissions=actor.permissions | {Permission.CHECK_QUALITY}, sites=frozenset({"GUA"}))


def does(db: Session, actor: Actor, name: str, case: PassportCase, **values: Any) -> CaseEvent:
    with acting_as(actor), db.begin_nested():
        return perform(db, name, case.number, actor, **values)


@pytest.fixture
def case(db: Session) -> PassportCase:
    """A drawn case."""
    set_rate(db)
    return checked(db)


# The draw.


def test_nothing_is_drawn_where_nothing_is_set(db: Session) -> None:
    assert drawn_of(db, checked(db)) is None


@pytest.mark.parametrize(("rate", "cap"), [("0", "100"), ("100", "0")])
def test_nothing_is_drawn_at_a_rate_or_a_cap_of_nought(db: Session, rate: str, cap: str) -> None:
    set_rate(db, rate, cap)
    assert drawn_of(db, checked(db)) is None


def test_a_draw_is_written_down_with_the_rate_and_the_cap_that_held(db: Session, case: PassportCase) -> None:
    drawn = drawn_of(db, case)
    assert drawn is not None
    assert (drawn.rate, drawn.monthly_cap, drawn.number, drawn.result) == (Decimal(100), 5, 1, None)
    assert drawn.first_user_id == use_of(db, case).checked_by_id
    event = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id.desc())).first()
    assert event is not None
    assert event.data["second_inspection"] == 1
    assert again(db, case).state == State.POST_IMPRESION


def test_a_site_of_its_own_setting_is_drawn_by_that(db: Session) -> None:
    set_rate(db)
    set_rate(db, "0", "5", site="GUA")
    assert drawn_of(db, checked(db)) is None
    set_rate(db, "", "", site="GUA")
    assert drawn_of(db, checked(db, 5_000_002, cui="6000000180101")) is not None


def test_no_more_are_drawn_in_a_month_than_the_cap(db: Session) -> None:
    set_rate(db, cap="2")
    cases = [checked(db, 5_000_001 + n, cui=f"60000{n:04d}0101") for n in range(4)]
    assert [drawn_of(db, case) is not None for case in cases] == [True, True, False, False]


def test_chance_draws_about_the_rate(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the ten thousand tickets those below the rate are hit, no more and no less."""
    set_rate(db, "12.5", "100000")
    tickets = iter((1249, 1250))
    monkeypatch.setattr("workflow.inspections.secrets.randbelow", lambda most: next(tickets) if most == 10_000 else -1)
    assert drawn_of(db, checked(db)) is not None
    assert drawn_of(db, checked(db, 5_000_002, cui="6000000180101")) is None


# Delivery.


def test_a_drawn_booklet_is_not_delivered_and_it_is_said_why(db: Session, case: PassportCase) -> None:
    with pytest.raises(Unavailable) as refused:
        act(db, "entrega", "deliver", case.number, **COLLECTED)
    assert refused.value.params["user"] == "concal"
    assert "second inspection" in str(refused.value)
    db.rollback()
    assert again(db, case).state == State.POST_IMPRESION


def test_the_database_too_holds_the_delivery_back(db: Session, case: PassportCase) -> None:
    delivered = "update personalisation set delivered_at = now(), delivered_by_id = checked_by_id where case_id = :case"
    with pytest.raises(DBAPIError, match="waits for its second inspection"), db.begin_nested():
        db.execute(text(delivered), {"case": case.id})
    does(db, second(db), "pass_inspection", case, **scans(db, case), **WELL)
    db.execute(text(delivered), {"case": case.id})


def test_a_passed_booklet_is_delivered(db: Session, case: PassportCase) -> None:
    event = does(db, second(db), "pass_inspection", case, **scans(db, case), **WELL)
    assert (event.event, event.from_state, event.to_state) == ("DOCUCHECK", "POST_IMPRESION", "POST_IMPRESION")
    drawn = drawn_of(db, case)
    assert drawn is not None
    assert (drawn.result, drawn.second_user_id) == ("PASSED", second(db).user_id)
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    assert again(db, case).state == State.ENTREGADA


# The second person.


def test_who_accepted_the_booklet_does_not_inspect_it(db: Session, case: PassportCase) -> None:
    for name, values in (("pass_inspection", {**scans(db, case), **WELL}), ("refuse_inspection", {"comment": "x"})):
        with pytest.raises(Refused):
            act(db, "concal", name, case.number, **values)
        db.rollback()


def test_who_printed_the_booklet_does_not_inspect_it(db: Session, case: PassportCase) -> None:
    printer = load_actor(db, username="impres")
    assert printer is not None
    printer = replace(printer, permissions=printer.permissions | {Permission.CHECK_QUALITY})
    with pytest.raises(Refused):
        does(db, printer, "pass_inspection", case, **scans(db, case), **WELL)


def test_everything_is_read_anew_by_the_second_person(db: Session, case: PassportCase) -> None:
    read = scans(db, case)
    for missing in read:
        with pytest.raises(BadValue) as refused:
            does(db, second(db), "pass_inspection", case, **{k: v for k, v in read.items() if k != missing}, **WELL)
        assert refused.value.field == missing
    for look in WELL:
        with pytest.raises(BadValue) as refused:
            does(db, second(db), "pass_inspection", case, **read, **{k: v for k, v in WELL.items() if k != look})
        assert refused.value.field == look


def test_scans_made_before_count_when_the_second_person_made_them(db: Session, case: PassportCase) -> None:
    actor = second(db)
    with acting_as(actor):
        for raw in scans(db, case).values():
            assert quality.scan_case(db, case.number, raw, actor).passed
    assert does(db, actor, "pass_inspection", case, **WELL).data["scans"].keys() == {"booklet", "mrz", "seal"}


def test_a_refused_inspection_voids_the_booklet_and_sends_the_case_back(db: Session, case: PassportCase) -> None:
    booklet = str(case.booklet_number)
    event = does(db, second(db), "refuse_inspection", case, comment="Retrato corrido")
    assert (event.event, event.to_state, event.comment) == (
        "CONTROL_CALIDAD_RECHAZADO",
        "AUTORIZADA",
        "Retrato corrido",
    )
    found = db.get_one(Booklet, booklet)
    assert (found.state, found.void_type_code, again(db, case).booklet_number) == ("ANULADA", "CCA", None)
    drawn = drawn_of(db, case)
    assert drawn is not None
    assert (drawn.result, drawn.reason) == ("REFUSED", "Retrato corrido")


def test_a_booklet_that_was_refused_by_mistake_is_inspected_again(db: Session, case: PassportCase) -> None:
    booklet = str(case.booklet_number)
    does(db, second(db), "refuse_inspection", case, comment="Retrato corrido")
    db.commit()
    act(db, "admadm", "reactivate_booklet", case.number, booklet=booklet, comment="Era otra")
    assert again(db, case).state == State.POST_IMPRESION
    with pytest.raises(Unavailable):
        act(db, "entrega", "deliver", case.number, **COLLECTED)
    db.rollback()
    does(db, second(db), "pass_inspection", case, **scans(db, case), **WELL)
    db.commit()
    act(db, "entrega", "deliver", case.number, **COLLECTED)


def test_without_a_draw_there_is_nothing_to_inspect(db: Session) -> None:
    case = checked(db)
    assert "pass_inspection" not in {move.name for move in available(case, second(db))}
    for name in ("pass_inspection", "refuse_inspection"):
        with pytest.raises(WrongState):
            does(db, second(db), name, case, comment="x")


def test_what_waits_is_listed_until_it_is_inspected_or_voided(db: Session, case: PassportCase) -> None:
    other = checked(db, 5_000_002, cui="6000000180101")
    actor = second(db)
    with acting_as(actor):
        assert [entry.case.id for entry in inspections.waiting(db, actor)] == [case.id, other.id]
        assert inspections.waiting(db, replace(actor, sites=frozenset({"LWF"}))) == []
    act(db, "admadm", "void_booklet", case.number, void_type="DEF", comment="Hoja doblada")
    does(db, actor, "pass_inspection", other, **scans(db, other), **WELL)
    with acting_as(actor):
        assert inspections.waiting(db, actor) == []


# What the database refuses.


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("delete from second_inspection", "23001"),
        ("truncate second_inspection", "23001"),
        ("update second_inspection set rate = 1", "23001"),
        ("update second_inspection set drawn_at = now(), result = 'PASSED', at = now(),"
         " second_user_id = (select min(id) from ab_user)", "23001"),
        ("update second_inspection set result = 'PASSED', at = now(), second_user_id = first_user_id",
         "second_inspection_needs_a_second_person"),
        ("update second_inspection s set result = 'PASSED', at = now(), second_user_id = p.printed_by_id"
         " from personalisation p where p.id = s.personalisation_id", "the_printer_does_not_inspect"),
        ("update second_inspection set result = 'REFUSED', at = now(),"
         " second_user_id = (select min(id) from ab_user)", "refused_inspection_says_why"),
        ("insert into second_inspection (personalisation_id, site_code, month, number, rate, monthly_cap, drawn_at,"
         " first_user_id) select personalisation_id, site_code, month, monthly_cap + 1, rate, monthly_cap, now(),"
         " first_user_id from second_inspection", "no_more_draws_than_the_cap"),
        ("insert into second_inspection (personalisation_id, site_code, month, number, rate, monthly_cap, drawn_at,"
         " first_user_id) select personalisation_id, site_code, month, 2, rate, monthly_cap, now(), 1"
         " from second_inspection", "only_an_accepted_booklet_is_drawn"),
    ],
)  # fmt: skip
def test_what_must_never_be_false_of_an_inspection_is_refused_by_the_database(
    db: Session, case: PassportCase, statement: str, name: str
) -> None:
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
    assert name in (error.value.orig.diag.constraint_name, error.value.orig.sqlstate)  # type: ignore[union-attr]


def test_what_passed_stays_passed(db: Session, case: PassportCase) -> None:
    does(db, second(db), "pass_inspection", case, **scans(db, case), **WELL)
    with pytest.raises(DBAPIError, match="stays as it is"), db.begin_nested():
        db.execute(text("update second_inspection set result = 'REFUSED', reason = 'x'"))


# Settings.


@pytest.mark.parametrize(
    ("rate", "cap", "field"),
    [("101", "5", "rate"), ("-1", "5", "rate"), ("x", "5", "rate"), ("NaN", "5", "rate"), ("1.234", "5", "rate"),
     ("", "5", "rate"), ("5", "", "monthly_cap"), ("5", "-1", "monthly_cap"), ("5", "٣", "monthly_cap"),
     ("5", "9999999", "monthly_cap")],
)  # fmt: skip
def test_a_rate_or_cap_that_is_none_is_refused_at_its_field(db: Session, rate: str, cap: str, field: str) -> None:
    with pytest.raises(BadValue) as refused:
        set_rate(db, rate, cap)
    assert refused.value.field == field


def test_only_who_changes_catalogs_sets_rates_and_only_of_sites_that_print(db: Session) -> None:
    with pytest.raises(NotAllowed):
        inspections.set_rate(db, second(db), "*", "5", "5")
    with pytest.raises(NotFound):
        set_rate(db, site="XXX")
    set_rate(db, "2,5", "30", site="GUA")
    setting = db.get_one(InspectionSetting, "GUA")
    assert (setting.rate, setting.monthly_cap, setting.changed_at <= utc_now()) == (Decimal("2.5"), 30, True)


# What a scan keeps.


def test_a_scan_keeps_raw_and_normalised_text_user_and_verdict(db: Session) -> None:
    case = printed(db)
    actor = load_actor(db, username="concal")
    assert actor is not None
    read = scans(db, case)
    raws = {"booklet": " f5000001\r\n", "mrz": f"\x02{read['mrz']}\r\n\x03", "seal": f"{read['seal']}\r\n"}
    with acting_as(actor):
        for kind, raw in raws.items():
            entry = quality.scan_case(db, case.number, raw, actor)
            assert (entry.kind, entry.raw, entry.user_id, entry.passed) == (kind, raw, actor.user_id, True)
            assert "\n".join(entry.verdict["normalised"]) == read[kind]


def test_a_stations_map_applies_to_the_zone_alone_and_is_kept(db: Session) -> None:
    case = printed(db)
    actor = load_actor(db, username="concal")
    assert actor is not None
    raw = scans(db, case)["mrz"].replace("<", ";")
    with acting_as(actor):
        plain = quality.scan_case(db, case.number, raw, actor)
        mapped = quality.scan_case(db, case.number, raw, actor, "us-on-spanish")
    assert (plain.passed, plain.verdict["cause"]) == (False, "KEYBOARD_LAYOUT")
    assert (mapped.passed, mapped.raw, mapped.verdict["reader"]) == (True, raw, "us-on-spanish")
    wrong = raw.replace("900517", "9O0517", 1)
    with acting_as(actor):
        assert quality.scan_case(db, case.number, wrong, actor, "us-on-spanish").verdict["cause"] == "O_ZERO"


@pytest.mark.parametrize(
    "raw", ["\x00", "\ud800", "\ud800F5000001", "P<GTM\ud83d" + "<" * 80, "RDB1B\udfff", "\x1d", "é" * 3000]
)
def test_no_garbage_breaks_a_scan_or_passes(db: Session, raw: str) -> None:
    case = printed(db)
    actor = load_actor(db, username="concal")
    assert actor is not None
    with acting_as(actor):
        assert not quality.scan_case(db, case.number, raw, actor).passed
    assert db.scalars(select(QualityScan.passed)).all() == [False]


# Two connections.


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("inspections"), pool_size=10)
    yield engine
    engine.dispose()


def actor_called(office: Engine, username: str) -> Actor:
    with Session(office) as session:
        actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def committed_print(office: Engine, serial: int) -> tuple[str, dict[str, str]]:
    printer = actor_called(office, "impres")
    with acting_as(printer), Session(office) as session:
        (booklet,) = make_booklets(session, serial, 1)
        case = make_case(session, State.AUTORIZADA, cui=f"6{serial}60101"[:13].ljust(13, "1"))
        for name, values in (("assign_booklet", {"booklet": booklet}), ("print_page", {}), ("accept_print", {})):
            perform(session, name, case.number, printer, **values)
        read = scans(session, case)
        session.commit()
        return case.number, read


def doing(office: Engine, actor: Actor, name: str, number: str, **values: Any) -> Callable[[], CaseEvent]:
    def do() -> CaseEvent:
        with acting_as(actor), Session(office, expire_on_commit=False) as session, session.begin():
            return perform(session, name, number, actor, **values)

    return do


def test_accepts_at_once_draw_no_more_than_the_cap(office: Engine) -> None:
    head, checker = actor_called(office, "admadm"), actor_called(office, "concal")
    with Session(office) as session, session.begin():
        inspections.set_rate(session, head, "*", "100", "3")
    prints = [committed_print(office, 5_200_001 + n) for n in range(8)]
    results = at_once(*(doing(office, checker, "accept_quality", case, **read, **WELL) for case, read in prints))
    assert all(isinstance(result, CaseEvent) for result in results), results
    with Session(office) as session:
        numbers = session.scalars(select(SecondInspection.number).order_by(SecondInspection.number)).all()
    assert numbers == [1, 2, 3]
    assert sorted(result.data.get("second_inspection", 0) for result in results) == [0] * 5 + [1, 2, 3]


def test_of_a_pass_and_a_refusal_at_once_one_wins_and_the_other_is_told(office: Engine) -> None:
    head, checker = actor_called(office, "admadm"), actor_called(office, "concal")
    with Session(office) as session, session.begin():
        inspections.set_rate(session, head, "*", "100", "1000")
    with Session(office) as session:
        other = second(session)
    number, read = committed_print(office, 5_200_100)
    doing(office, checker, "accept_quality", number, **read, **WELL)()
    third = replace(head, permissions=head.permissions | {Permission.CHECK_QUALITY})
    results = at_once(
        doing(office, other, "pass_inspection", number, **read, **WELL),
        doing(office, third, "refuse_inspection", number, comment="Rayada"),
    )
    won = [result for result in results if isinstance(result, CaseEvent)]
    lost = [result for result in results if isinstance(result, WrongState)]
    assert (len(won), len(lost)) == (1, 1), results
    with Session(office) as session:
        (drawn,) = session.scalars(select(SecondInspection).where(SecondInspection.second_user_id.is_not(None)))
        assert drawn.result == ("PASSED" if won[0].transition == "pass_inspection" else "REFUSED")


def test_a_month_is_guatemalas(db: Session, case: PassportCase) -> None:
    drawn = drawn_of(db, case)
    assert drawn is not None
    local = drawn.drawn_at.astimezone(dt.timezone(dt.timedelta(hours=-6)))
    assert drawn.month == local.date().replace(day=1)
