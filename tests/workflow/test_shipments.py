"""A passport goes by mail: prepared, sent, received, come back or lost; delivered by nobody else meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine
from models.booklets import Booklet, BookletState
from models.cases import PassportCase, State
from models.control import ControlSetting
from models.lost_documents import LossReport, LostDocument
from models.shipments import Shipment, ShipmentEvent, ShipmentState
from models.users import AccessLog
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.scope import acting_as, set_acting
from tests.build import make_case
from tests.together import at_once
from tests.views.desk import act, again, checked, printed, use_of
from tests.workflow.ledger_world import COLLECTED
from workflow import couriers, shipment_labels, shipment_lists, shipments
from workflow.machine import perform
from workflow.postal_address import given_address
from workflow.shipments import Loss
from workflow.stock import losses
from workflow.stock.serials import Run

ASKED = {
    "address1": "4890 Old Quarry Road", "address2": "Apt 38", "city": "Houston", "state": "TX", "postalCode": "77081",
    "country": "USA", "phone": "+1 713 555 0166",
}  # fmt: skip
HOUSTON = {
    "recipient": "Marisela Odilia Tzunux Barrondo", "line_1": "4890 Old Quarry Road", "line_2": "Apt 38",
    "city": "Houston", "us_state": "TX", "zip_code": "77081", "phone": "+1 713 555 0166",
}  # fmt: skip
USPS = "9400111899223817576194"
LOSS = Loss("LOST", "2026-02-01", "", "El correo no lo encuentra")


def consular(db: Session, serial: int = 5_000_001) -> PassportCase:
    """A passport of Atlanta, printed in Guatemala, that waits to be posted."""
    case = checked(db, serial, site_code="ATL")
    case.applicant.delivery_address = ASKED
    db.commit()
    return case


@pytest.fixture
def case(db: Session) -> PassportCase:
    return consular(db)


@pytest.fixture
def clerk(as_user: Callable[[str], Actor], case: PassportCase) -> Actor:
    """Of ENTREGA, at the site that holds the booklet."""
    return as_user("entrega")


@pytest.fixture
def prepared(db: Session, case: PassportCase, clerk: Actor) -> Shipment:
    return shipments.prepare(db, case.number, clerk, HOUSTON)


@pytest.fixture
def sent(db: Session, prepared: Shipment, clerk: Actor) -> Shipment:
    return shipments.send(db, prepared.id, clerk, prepared.version, courier="", tracking=USPS)


def acts(db: Session, shipment: Shipment) -> list[str]:
    db.flush()
    query = select(ShipmentEvent.act).where(ShipmentEvent.shipment_id == shipment.id).order_by(ShipmentEvent.id)
    return list(db.scalars(query))


def confirmed(db: Session, shipment: Shipment, actor: Actor, **changes: Any) -> Shipment:
    given = {"collector": "HOLDER", "collector_name": None, "comment": None} | changes
    return shipments.confirm(db, shipment.id, actor, shipment.version, **given)


# The address.


def test_the_address_of_the_enrolment_is_offered_with_its_holder_as_recipient(case: PassportCase) -> None:
    assert given_address(case).parts() == HOUSTON


def test_a_correction_keeps_before_and_after(db: Session, prepared: Shipment, clerk: Actor) -> None:
    typed = {**HOUSTON, "line_2": "", "zip_code": "77081 4410"}
    shipments.correct_address(db, prepared.id, clerk, prepared.version, typed)
    event = db.scalars(select(ShipmentEvent).order_by(ShipmentEvent.id.desc())).first()
    assert event is not None
    assert event.data == {
        "before": {"line_2": "Apt 38", "zip_code": "77081"}, "after": {"line_2": "", "zip_code": "77081-4410"}
    }  # fmt: skip


def test_what_is_corrected_while_preparing_is_kept_too(db: Session, case: PassportCase, clerk: Actor) -> None:
    shipments.prepare(db, case.number, clerk, {**HOUSTON, "city": "Pasadena"})
    assert db.scalars(select(ShipmentEvent.data)).one() == {
        "before": {"city": "Houston"},
        "after": {"city": "Pasadena"},
    }


@pytest.mark.parametrize(
    ("part", "value"),
    [("us_state", "XX"), ("us_state", ""), ("zip_code", "7708"), ("zip_code", "77081-44"), ("zip_code", "7708A"),
     ("recipient", " "), ("line_1", "x" * 81), ("city", ""), ("phone", "llame a Ana")],
)  # fmt: skip
def test_a_part_that_cannot_be_taken_is_named(
    db: Session, case: PassportCase, clerk: Actor, part: str, value: str
) -> None:
    with pytest.raises(BadValue) as refusal:
        shipments.prepare(db, case.number, clerk, {**HOUSTON, part: value})
    assert refusal.value.field == part


# Prepared and sent.


def test_a_passport_is_prepared_once(db: Session, case: PassportCase, prepared: Shipment, clerk: Actor) -> None:
    assert (prepared.state, prepared.booklet_number, prepared.site_code) == ("PREPARED", "F5000001", "ATL")
    with pytest.raises(Refused, match=str(prepared.id)):
        shipments.prepare(db, case.number, clerk, HOUSTON)


def test_one_that_quality_control_has_not_passed_is_not_prepared(db: Session, as_user: Callable[[str], Actor]) -> None:
    case = printed(db, site_code="ATL")
    with pytest.raises(WrongState):
        shipments.prepare(db, case.number, as_user("entrega"), HOUSTON)


def test_only_the_site_that_holds_the_booklet_posts_it(db: Session, case: PassportCase, clerk: Actor) -> None:
    abroad = replace(clerk, sites=frozenset({"ATL"}))
    with acting_as(abroad), pytest.raises(Refused):
        shipments.prepare(db, case.number, abroad, HOUSTON)
    stranger = replace(clerk, sites=frozenset({"PET"}))
    with acting_as(stranger), pytest.raises(NotFound):
        shipments.prepare(db, case.number, stranger, HOUSTON)


def test_nobody_posts_his_own_passport(db: Session, case: PassportCase, clerk: Actor) -> None:
    with pytest.raises(Refused):
        shipments.prepare(db, case.number, replace(clerk, cui=case.cui), HOUSTON)


def test_each_act_asks_for_its_permission(db: Session, prepared: Shipment, as_user: Callable[[str], Actor]) -> None:
    printer = as_user("impres")
    for attempt in (
        lambda: shipments.correct_address(db, prepared.id, printer, None, HOUSTON),
        lambda: shipments.send(db, prepared.id, printer, None, courier="", tracking=USPS),
        lambda: shipments.labels(db, [prepared.id], printer),
        lambda: shipment_lists.shipment_called(db, printer, prepared.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()


@pytest.mark.parametrize(
    ("typed", "courier", "found"),
    [
        (USPS, "", ("USPS", USPS)), (f"420 77081 {USPS}", "", ("USPS", USPS)),
        ("RA123456789US", "", ("USPS", "RA123456789US")),
        ("1z999aa10123456784", "", ("UPS", "1Z999AA10123456784")), ("1234 5678 9012", "", ("FEDEX", "123456789012")),
        ("1" * 22 + "123456789012", "FEDEX", ("FEDEX", "123456789012")), ("1234567890", "DHL", ("DHL", "1234567890")),
    ],
)  # fmt: skip
def test_a_tracking_number_tells_its_courier(db: Session, typed: str, courier: str, found: tuple[str, str]) -> None:
    assert couriers.read_tracking(db, courier, typed) == found


@pytest.mark.parametrize(("typed", "courier", "field"), [
    ("", "", "tracking"), ("XYZ", "", "tracking"), (USPS, "UPS", "tracking"), (USPS, "CORREOS", "courier"),
    ("9" * 70, "", "tracking"),
])  # fmt: skip
def test_what_is_no_tracking_number_is_told(db: Session, typed: str, courier: str, field: str) -> None:
    with pytest.raises(BadValue) as refusal:
        couriers.read_tracking(db, courier, typed)
    assert refusal.value.field == field


def test_sending_notes_courier_number_who_and_when_and_the_case_still_waits(
    db: Session, case: PassportCase, sent: Shipment, clerk: Actor
) -> None:
    assert (sent.state, sent.courier_code, sent.tracking_number) == (ShipmentState.SENT, "USPS", USPS)
    assert (sent.sent_by_id, again(db, case).state) == (clerk.user_id, State.POST_IMPRESION)
    assert acts(db, sent) == ["PREPARED", "SENT"]


def test_a_tracking_number_is_on_one_shipment(db: Session, sent: Shipment, clerk: Actor) -> None:
    set_acting(clerk)
    other = shipments.prepare(db, consular(db, 5_000_002).number, clerk, HOUSTON)
    with pytest.raises(Unavailable) as refusal:
        shipments.send(db, other.id, clerk, None, courier="USPS", tracking=USPS)
    assert refusal.value.field == "tracking"


def test_who_saw_an_older_version_reads_what_was_done_since(db: Session, prepared: Shipment, clerk: Actor) -> None:
    seen = prepared.version
    shipments.correct_address(db, prepared.id, clerk, seen, {**HOUSTON, "city": "Katy"})
    with pytest.raises(WrongState, match="entrega recorded “Address corrected”"):
        shipments.send(db, prepared.id, clerk, seen, courier="", tracking=USPS)


# While it is on its way.


def test_nobody_delivers_voids_or_corrects_it_another_way(db: Session, case: PassportCase, prepared: Shipment) -> None:
    for control in ("correction_two_people", "correction_evidence"):  # which would refuse it before
        db.add(ControlSetting(control=control, site_code="*", mode="off"))
    db.commit()
    for who, name, values in (
        ("entrega", "deliver", COLLECTED), ("jpgu", "void_booklet", {"void_type": "DEF", "comment": "x"}),
        ("jpgu", "correct_issued", {"changes": {"first_name": "Ana"}, "comment": "x"}),
    ):  # fmt: skip
        with pytest.raises(Refused, match="goes by mail"):
            act(db, who, name, case.number, **values)


def test_the_database_refuses_it_too(db: Session, case: PassportCase, prepared: Shipment) -> None:
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError, match="live shipment"), db.begin_nested():
        db.execute(text("update personalisation set voided_at = now() where case_id = :id"), {"id": case.id})


@pytest.mark.parametrize(
    "statement",
    [
        "update shipment set state = 'DELIVERED', sent_at = now(), sent_by_id = prepared_by_id, ended_at = now(),"
        " ended_by_id = prepared_by_id, courier_code = 'USPS', tracking_number = '9'",
        "update shipment set zip_code = '7708'", "update shipment set us_state = 'tx'", "delete from shipment",
        "update shipment_event set act = 'SENT'", "delete from shipment_event",
        "update shipment set case_id = case_id + 1",
        "insert into shipment (case_id, booklet_number, site_code, state, recipient, line_1, city, us_state, zip_code,"
        " labels, prepared_by_id, prepared_at, version) select case_id, booklet_number, site_code, 'PREPARED', 'a',"
        " 'b', 'c', 'TX', '77081', 0, prepared_by_id, now(), 1 from shipment",
    ],
)  # fmt: skip
def test_what_must_never_be_false_of_a_shipment_is_refused(db: Session, prepared: Shipment, statement: str) -> None:
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text(statement))


def test_a_sent_address_is_final(db: Session, sent: Shipment, clerk: Actor) -> None:
    with pytest.raises(WrongState):
        shipments.correct_address(db, sent.id, clerk, None, HOUSTON)
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text("update shipment set city = 'Katy'"))


# How it ends.


def test_the_case_is_delivered_when_the_courier_has_delivered(
    db: Session, case: PassportCase, sent: Shipment, clerk: Actor
) -> None:
    confirmed(db, sent, clerk)
    assert (sent.state, again(db, case).state) == (ShipmentState.DELIVERED, State.ENTREGADA)
    assert db.get_one(Booklet, "F5000001", populate_existing=True).state == BookletState.ENTREGADA
    assert use_of(db, case).collected == {
        "collector": "HOLDER", "name": "Marisela Odilia Tzunux Barrondo", "document_type": "COURIER",
        "document_number": USPS,
    }  # fmt: skip


def test_who_received_it_in_the_holders_place_is_named(db: Session, sent: Shipment, clerk: Actor) -> None:
    with pytest.raises(BadValue) as refusal:
        confirmed(db, sent, clerk, collector="PROXY")
    assert refusal.value.field == "collector_name"


def test_who_does_not_deliver_does_not_confirm(db: Session, sent: Shipment, as_user: Callable[[str], Actor]) -> None:
    with pytest.raises(NotAllowed):
        confirmed(db, sent, as_user("mre"))


def test_one_that_came_back_waits_at_the_counter_and_may_go_out_again(
    db: Session, case: PassportCase, sent: Shipment, clerk: Actor
) -> None:
    shipments.take_back(db, sent.id, clerk, sent.version, remarks="Dirección insuficiente")
    assert (sent.state, again(db, case).state) == (ShipmentState.RETURNED, State.POST_IMPRESION)
    assert shipments.prepare(db, case.number, clerk, {**HOUSTON, "city": "Katy"}).id != sent.id


def test_a_prepared_one_that_is_given_up_is_delivered_over_the_counter(
    db: Session, case: PassportCase, prepared: Shipment, clerk: Actor
) -> None:
    with pytest.raises(BadValue):
        shipments.cancel(db, prepared.id, clerk, prepared.version, remarks=" ")
    shipments.cancel(db, prepared.id, clerk, prepared.version, remarks="Vino por él")
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    assert again(db, case).state == State.ENTREGADA


def test_one_lost_in_the_mail_is_void_listed_and_printed_anew(
    db: Session, case: PassportCase, sent: Shipment, as_user: Callable[[str], Actor]
) -> None:
    head = as_user("jpgu")
    shipments.lose(db, sent.id, head, sent.version, LOSS)
    entry = db.scalars(select(LostDocument)).one()
    assert (entry.booklet_number, entry.status, entry.country_code) == ("F5000001", "LOST", "USA")
    assert db.get_one(LossReport, entry.report_id).place == "Houston, TX"
    assert (sent.state, again(db, case).state) == (ShipmentState.LOST, State.AUTORIZADA)


def test_a_booklet_in_the_mail_is_reported_at_its_shipment(
    db: Session, sent: Shipment, as_user: Callable[[str], Actor]
) -> None:
    with pytest.raises(Refused, match="goes by mail"):
        losses.report(
            db, as_user("jpgu"), [Run("F", 5_000_001, 1)], kind="LOST", lost_on="2026-02-01", country="USA", place="",
            police_reference="", remarks="x",
        )  # fmt: skip


# Lists, looks and labels.


def test_the_lists_show_what_waits_and_where_each_is(db: Session, case: PassportCase, clerk: Actor) -> None:
    assert [one.number for one in shipment_lists.waiting(db, clerk, "ATL")[0]] == [case.number]
    prepared = shipments.prepare(db, case.number, clerk, HOUSTON)
    assert shipment_lists.waiting(db, clerk, "ATL")[0] == []
    lines, following = shipment_lists.shipments(db, clerk, [ShipmentState.PREPARED], site="ATL")
    assert ([line.shipment.id for line in lines], following) == ([prepared.id], None)
    stranger = replace(clerk, sites=frozenset({"PET"}))
    with acting_as(stranger):
        assert shipment_lists.shipments(db, stranger, [ShipmentState.PREPARED])[0] == []
        with pytest.raises(NotFound):
            shipment_lists.shipment_called(db, stranger, prepared.id)


def test_a_case_without_an_address_does_not_wait_for_the_mail(db: Session, as_user: Callable[[str], Actor]) -> None:
    checked(db, site_code="ATL")
    assert shipment_lists.waiting(db, as_user("entrega"), "ATL")[0] == []


@pytest.mark.parametrize("raw", ["F5000001", "{number}", "{mrz}"])
def test_a_booklet_its_zone_or_its_label_finds_the_shipment(
    db: Session, case: PassportCase, prepared: Shipment, clerk: Actor, raw: str
) -> None:
    use = use_of(db, case)
    typed = raw.format(number=case.number, mrz=f"{use.mrz_line_1}\n{use.mrz_line_2}")
    assert shipment_lists.scanned(db, clerk, typed) == (case, prepared)
    with pytest.raises(Unavailable):
        shipment_lists.scanned(db, clerk, "F9999999")


def test_looks_and_labels_leave_a_trace(db: Session, case: PassportCase, prepared: Shipment, clerk: Actor) -> None:
    shipment_lists.shipment_called(db, clerk, prepared.id)
    assert shipment_labels.print_labels(db, [prepared.id], clerk).startswith(b"%PDF")
    db.flush()
    screens = select(AccessLog.screen).where(AccessLog.case_number == case.number).order_by(AccessLog.id)
    assert list(db.scalars(screens))[-2:] == ["shipment", "label"]
    assert (prepared.labels, acts(db, prepared)[-1]) == (1, "LABEL")


def test_too_many_labels_or_none_are_refused(db: Session, clerk: Actor) -> None:
    for numbers in ([], list(range(101))):
        with pytest.raises(BadValue):
            shipment_labels.print_labels(db, numbers, clerk)


# Two people at once.


@pytest.fixture(scope="module")
def world(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("shipments"), pool_size=4)
    yield engine
    engine.dispose()


def doing(world: Engine, actor: Actor, what: Callable[[Session], Any]) -> Callable[[], Any]:
    def do() -> Any:
        with acting_as(actor), Session(world, expire_on_commit=False) as session, session.begin():
            return what(session)

    return do


def test_of_two_who_prepare_and_of_two_who_send_one_wins(world: Engine) -> None:
    with Session(world) as session:
        people = [load_actor(session, username=name) for name in ("entrega", "jpgu")]
        number = consular(session).number
        session.commit()
    first, second = (person for person in people if person)
    made = at_once(*(
        doing(world, person, lambda s, person=person: shipments.prepare(s, number, person, HOUSTON).id)
        for person in (first, second)
    ))  # fmt: skip
    (shipment,) = [result for result in made if isinstance(result, int)]
    assert sorted(type(result).__name__ for result in made) == ["Refused", "int"]
    posted = at_once(*(
        doing(world, person, lambda s, person=person: shipments.send(
            s, shipment, person, None, courier="", tracking=USPS).id)
        for person in (first, second)
    ))  # fmt: skip
    (loser,) = [result for result in posted if isinstance(result, DomainError)]
    assert loser.params.get("label") == "On its way", loser


def test_of_who_delivers_over_the_counter_and_who_prepares_one_wins(world: Engine) -> None:
    with Session(world) as session:
        clerk = load_actor(session, username="entrega")
        number = consular(session, 5_000_100).number
        session.commit()
    assert clerk is not None
    delivered, made = at_once(
        doing(world, clerk, lambda s: perform(s, "deliver", number, clerk, **COLLECTED)),
        doing(world, clerk, lambda s: shipments.prepare(s, number, clerk, HOUSTON).id),
    )
    assert isinstance(delivered, DomainError) != isinstance(made, DomainError)


def test_a_passport_is_not_posted_before_it_is_printed(db: Session, as_user: Callable[[str], Actor]) -> None:
    with pytest.raises(WrongState):
        shipments.prepare(db, make_case(db, site_code="ATL").number, as_user("entrega"), HOUSTON)
