"""Dirección USA: a passport is prepared for the mail, handed to the courier, received, or comes back (module 54).

A shipment stands beside its case, which waits for delivery until the courier says that the passport was received: only
then it is delivered, by the same act as over the counter. While a shipment is live, nobody delivers or voids that
passport another way (docs/decisions/0018).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import BookletState
from models.cases import PassportCase, State
from models.shipments import ACT_LABELS, LIVE, Act, Shipment, ShipmentEvent, ShipmentState
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from workflow import couriers, machine
from workflow.controls import keep_controls
from workflow.delivery import BY_COURIER
from workflow.inspections import refuse_uninspected
from workflow.machine import TRANSITIONS, lock_case, perform, wrong_state
from workflow.postal_address import address_of, given_address, read_address, write_address
from workflow.stock import losses
from workflow.stock.documents import free_text
from workflow.stock.serials import Run

PREPARE, SEND = Permission.PREPARE_SHIPMENTS, Permission.SEND_SHIPMENTS
#: What a booklet becomes by an act that ends its passport, which must not happen while it is on its way.
_ENDED = (BookletState.ENTREGADA, BookletState.ANULADA)


@dataclass(frozen=True)
class Loss:
    """What is known of a passport that was lost in the mail, as `losses.report` takes it."""

    kind: str
    lost_on: str
    police_reference: str
    remarks: str


def prepare(session: Session, number: str, actor: Actor, values: Mapping[str, Any]) -> Shipment:
    """Prepare the passport of the case `number` for the mail, with the address in `values`.

    Asks what a delivery asks: quality control, the holding site, the controls on who. `BadValue` names a wrong part.
    """
    allow(actor, PREPARE)
    case = lock_case(session, number)
    if case.state != State.POST_IMPRESION:
        raise wrong_state(session, case)
    _refuse_as_delivery(session, case, actor)
    refuse_posted(session, case)
    address, given, now = read_address(values), given_address(case), utc_now()
    made = Shipment(
        case_id=case.id, booklet_number=str(case.booklet_number), site_code=case.site_code, labels=0,
        state=ShipmentState.PREPARED, prepared_by_id=actor.user_id, prepared_at=now,
    )  # fmt: skip
    write_address(made, address)
    session.add(made)
    session.flush()
    _note(session, made, actor, Act.PREPARED, given.changes(address) if given != address else {})
    return made


def correct_address(
    session: Session, number: int, actor: Actor, version: int | None, values: Mapping[str, Any]
) -> Shipment:
    """Correct the address of a prepared shipment; what was there before stays in its log."""
    allow(actor, PREPARE)
    shipment, _case = _open(session, number, actor, version, ShipmentState.PREPARED)
    before, address = address_of(shipment), read_address(values)
    if before != address:
        write_address(shipment, address)
        _note(session, shipment, actor, Act.ADDRESS, before.changes(address))
    return shipment


def send(session: Session, number: int, actor: Actor, version: int | None, *, courier: str, tracking: str) -> Shipment:
    """Hand a prepared shipment to the courier, under the tracking number typed or scanned off his label."""
    allow(actor, SEND)
    shipment, case = _open(session, number, actor, version, ShipmentState.PREPARED)
    _refuse_as_delivery(session, case, actor)
    carrier, tracking_number = couriers.read_tracking(session, courier, tracking)
    taken = session.scalars(
        select(Shipment).where(Shipment.courier_code == carrier, Shipment.tracking_number == tracking_number)
    ).first()
    if taken is not None:
        raise _tracking_taken(tracking_number)
    shipment.courier_code, shipment.tracking_number = carrier, tracking_number
    shipment.state, shipment.sent_by_id, shipment.sent_at = ShipmentState.SENT, actor.user_id, utc_now()
    try:
        _note(session, shipment, actor, Act.SENT, {"courier": carrier, "tracking": tracking_number})
    except IntegrityError as error:
        if "uq_shipment_tracking_number" in str(error.orig):
            raise _tracking_taken(tracking_number) from error
        raise
    return shipment


def confirm(
    session: Session, number: int, actor: Actor, version: int | None, *, collector: str, collector_name: str | None,
    comment: str | None,
) -> Shipment:  # fmt: skip
    """The courier handed the passport over: the case is delivered now, with his proof as the document shown."""
    allow(actor, SEND)
    shipment, case = _open(session, number, actor, version, ShipmentState.SENT)
    _end(session, shipment, actor, Act.DELIVERED, {"collector": collector, "name": collector_name})
    perform(
        session, "deliver", case.number, actor, collector=collector, collector_name=collector_name, comment=comment,
        document_type=BY_COURIER, document_number=str(shipment.tracking_number),
    )  # fmt: skip
    return shipment


def take_back(session: Session, number: int, actor: Actor, version: int | None, *, remarks: str) -> Shipment:
    """A shipment came back: its passport waits at the counter again, or for another address."""
    allow(actor, SEND)
    shipment, _case = _open(session, number, actor, version, ShipmentState.SENT)
    _end(session, shipment, actor, Act.RETURNED, {"remarks": _reason(remarks)})
    return shipment


def cancel(session: Session, number: int, actor: Actor, version: int | None, *, remarks: str) -> Shipment:
    """A prepared shipment is not sent after all."""
    allow(actor, PREPARE)
    shipment, _case = _open(session, number, actor, version, ShipmentState.PREPARED)
    _end(session, shipment, actor, Act.CANCELLED, {"remarks": _reason(remarks)})
    return shipment


def lose(session: Session, number: int, actor: Actor, version: int | None, loss: Loss) -> Shipment:
    """A shipment was lost in the mail: its passport is reported and void at once, its case is printed anew."""
    allow(actor, SEND)
    shipment, _case = _open(session, number, actor, version, ShipmentState.SENT)
    _end(session, shipment, actor, Act.LOST, {"kind": loss.kind, "remarks": _reason(loss.remarks)})
    booklet = shipment.booklet_number
    losses.report(
        session, actor, [Run(booklet[0], int(booklet[1:]), 1)], kind=loss.kind, lost_on=loss.lost_on, country="USA",
        place=f"{shipment.city}, {shipment.us_state}", police_reference=loss.police_reference, remarks=loss.remarks,
    )  # fmt: skip
    return shipment


def labels(session: Session, numbers: list[int], actor: Actor) -> list[Shipment]:
    """The shipments whose labels are printed now, each noted in its log; `WrongState` for one that is not live."""
    allow(actor, PREPARE)
    found = []
    for number in sorted(set(numbers)):
        shipment, _case = _open(session, number, actor, None, *LIVE)
        shipment.labels += 1
        _note(session, shipment, actor, Act.LABEL, {"copy": shipment.labels})
        found.append(shipment)
    return found


def live_shipment(session: Session, case: PassportCase) -> Shipment | None:
    """The shipment of `case` that is prepared or on its way."""
    return session.scalars(select(Shipment).where(Shipment.case_id == case.id, Shipment.state.in_(LIVE))).first()


def refuse_posted(session: Session, case: PassportCase) -> None:
    """Raise `Refused` while the passport of `case` is prepared for the mail or on its way."""
    live = live_shipment(session, case)
    if live is not None:
        raise Refused(
            N_("The passport of case %(number)s goes by mail (shipment %(shipment)s): end that first, in USA address."),
            number=case.number, shipment=live.id,
        )  # fmt: skip


def _refuse_ending(act: machine.Act) -> None:
    if act.transition.booklet[1] in _ENDED and act.case.state == State.POST_IMPRESION:
        refuse_posted(act.session, act.case)


machine.CONTROLS.append(_refuse_ending)


def allow(actor: Actor, permission: Permission) -> None:
    """Raise `NotAllowed` unless `actor` holds `permission`."""
    if not actor.may(permission):
        raise NotAllowed()


def _refuse_as_delivery(session: Session, case: PassportCase, actor: Actor) -> None:
    """Posting a passport asks what handing it over asks, of who may post."""
    posting = replace(TRANSITIONS["deliver"], permission=SEND)
    act = machine.Act(session, posting, case, actor, utc_now(), booklet_number=case.booklet_number)
    keep_controls(act)
    refuse_uninspected(act)


def _open(
    session: Session, number: int, actor: Actor, version: int | None, *states: ShipmentState
) -> tuple[Shipment, PassportCase]:
    """Case and shipment, locked in this order; raises unless it is in one of `states` and still at `version`."""
    query = select(Shipment, PassportCase.number).join(PassportCase, PassportCase.id == Shipment.case_id)
    row = session.execute(query.where(Shipment.id == number)).first() if number < 2**31 else None
    if row is None:
        raise NotFound(N_("There is no shipment %(number)s at your sites."), number=number)
    found, case = row[0], lock_case(session, row[1])
    session.refresh(found, with_for_update=True)
    if found.state not in states or (version is not None and found.version != version):
        raise _changed(session, found)
    return found, case


def _changed(session: Session, shipment: Shipment) -> WrongState:
    query = select(ShipmentEvent, User.username).join(User, User.id == ShipmentEvent.user_id)
    last = session.execute(
        query.where(ShipmentEvent.shipment_id == shipment.id).order_by(ShipmentEvent.id.desc()).limit(1)
    ).one()
    return WrongState(
        N_("Shipment %(number)s has changed: %(user)s recorded “%(label)s” at %(at)s."),
        number=shipment.id, user=last.username, label=ACT_LABELS[last.ShipmentEvent.act], at=last.ShipmentEvent.at,
    )  # fmt: skip


def _tracking_taken(tracking: str) -> Unavailable:
    return Unavailable(
        N_("The tracking number %(tracking)s is on another shipment."), field="tracking", tracking=tracking
    )


def _reason(remarks: str) -> str:
    text = free_text("remarks", remarks, 500)
    if text is None:
        raise BadValue(N_("This is missing."), field="remarks")
    return text


def _end(session: Session, shipment: Shipment, actor: Actor, act: Act, data: dict[str, Any]) -> None:
    shipment.state = ShipmentState(act.value)
    shipment.ended_by_id, shipment.ended_at = actor.user_id, utc_now()
    _note(session, shipment, actor, act, data)


def _note(session: Session, shipment: Shipment, actor: Actor, act: Act, data: dict[str, Any]) -> None:
    session.flush()
    session.add(
        ShipmentEvent(
            shipment_id=shipment.id, act=act, at=utc_now(), user_id=actor.user_id, address=actor.address, data=data
        )
    )
    session.flush()
