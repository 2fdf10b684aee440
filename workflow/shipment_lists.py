"""Reading shipments: the passports that wait to be prepared at a site, the shipments by state, one with its log."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, selectinload

from models.cases import Applicant, PassportCase, State
from models.catalogs import Courier, Site
from models.shipments import LIVE, Act, Shipment, ShipmentEvent, ShipmentState
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotAllowed, NotFound, Unavailable
from security.looks import log_look
from workflow import scanning
from workflow.enquiries import case_seen
from workflow.queues import Position, sites_of
from workflow.shipments import PREPARE, SEND, live_shipment
from workflow.typed import number_in

PAGE = 50
ENDED = tuple(state for state in ShipmentState if state not in LIVE)


@dataclass(frozen=True)
class Line:
    """A shipment with the names of what it refers to."""

    shipment: Shipment
    case: PassportCase
    site: str
    courier: Courier | None
    prepared_by: str


@dataclass(frozen=True)
class Entry:
    """One thing done with a shipment, and by whom."""

    act: Act
    at: dt.datetime
    username: str
    data: dict[str, Any]


def allow(actor: Actor) -> None:
    """Raise `NotAllowed` unless `actor` prepares or sends shipments."""
    if not actor.may(PREPARE, SEND):
        raise NotAllowed()


def sites(session: Session, actor: Actor) -> list[Site]:
    """The sites whose passports `actor` may post, those in the USA first."""
    allow(actor)
    query = select(Site).where(Site.active, *sites_of(actor)).order_by(Site.country_code != "USA", Site.name)
    return list(session.scalars(query))


def waiting(
    session: Session, actor: Actor, site: str, after: Position | None = None
) -> tuple[list[PassportCase], Position | None]:
    """Up to PAGE cases of `site` whose passports wait to be posted, in working order; where the next page starts."""
    allow(actor)
    key = (PassportCase.priority, PassportCase.enrolled_at, PassportCase.id)
    posted = select(Shipment.id).where(Shipment.case_id == PassportCase.id, Shipment.state.in_(LIVE))
    query = (
        select(PassportCase)
        .join(Applicant, Applicant.case_id == PassportCase.id)
        .where(PassportCase.state == State.POST_IMPRESION, PassportCase.site_code == site)
        .where(func.jsonb_typeof(Applicant.delivery_address) == "object", ~posted.exists())
        .options(selectinload(PassportCase.applicant))
        .order_by(*key)
        .limit(PAGE + 1)
    )
    if after is not None:
        query = query.where(tuple_(*key) > (after.priority, after.enrolled_at, after.id))
    found = list(session.scalars(query))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], Position(last.priority, last.enrolled_at, last.id) if last else None


def shipments(
    session: Session, actor: Actor, states: Sequence[ShipmentState], *, site: str = "", before: int | None = None
) -> tuple[list[Line], int | None]:
    """Up to PAGE shipments in `states` (of a site), the latest first, numbered below `before`; and the next page's."""
    query = _lines(actor).where(Shipment.state.in_(states)).order_by(Shipment.id.desc()).limit(PAGE + 1)
    if site:
        query = query.where(Shipment.site_code == site)
    if before is not None:
        query = query.where(Shipment.id < before)
    found = [Line(*row) for row in session.execute(query)]
    return found[:PAGE], found[PAGE - 1].shipment.id if len(found) > PAGE else None


def shipment_called(session: Session, actor: Actor, number: int) -> Line:
    """The shipment of that number among those of the actor's sites, or `NotFound`; the look is logged."""
    row = session.execute(_lines(actor).where(Shipment.id == number)).first() if number < 2**31 else None
    if row is None:
        raise NotFound(N_("There is no shipment %(number)s at your sites."), number=number)
    line = Line(*row)
    log_look(session, actor, "shipment", line.case.number, shipment=number)
    return line


def log(session: Session, shipment: int) -> list[Entry]:
    """What was done with a shipment, oldest first."""
    query = (
        select(ShipmentEvent.act, ShipmentEvent.at, User.username, ShipmentEvent.data)
        .join(User, User.id == ShipmentEvent.user_id)
        .where(ShipmentEvent.shipment_id == shipment)
        .order_by(ShipmentEvent.id)
    )
    return [Entry(*row) for row in session.execute(query)]


def scanned(session: Session, actor: Actor, raw: str) -> tuple[PassportCase, Shipment | None]:
    """The case of the booklet or label that was scanned, and its live shipment; `Unavailable` when nothing fits."""
    allow(actor)
    booklet = scanning.booklet_in(raw)
    # Of the cases that a booklet had, a corrected one gave it up; the others' numbers are unique.
    which = PassportCase.booklet_number == booklet if booklet else PassportCase.number == (number_in(raw) or "")
    case = session.scalars(select(PassportCase).where(which, PassportCase.state != State.CORREGIDA)).first()
    if case is None:
        raise Unavailable(N_("No passport at your sites has this booklet or case number."), field="raw")
    return case, live_shipment(session, case)


def case_to_prepare(session: Session, actor: Actor, number: str) -> PassportCase:
    """The case whose passport is to be posted, with its applicant; the look is logged. `NotFound`."""
    allow(actor)
    case = case_seen(session, number, actor, selectinload(PassportCase.applicant))
    log_look(session, actor, "shipment", case.number)
    return case


def _lines(actor: Actor) -> Select[Any]:
    """Shipments with their cases, which keep them within the actor's sites."""
    allow(actor)
    columns: tuple[Any, ...] = (Shipment, PassportCase, Site.name, Courier, User.username)
    return (
        select(*columns)
        .join(PassportCase, PassportCase.id == Shipment.case_id)
        .join(Site, Site.code == Shipment.site_code)
        .outerjoin(Courier, Courier.code == Shipment.courier_code)
        .join(User, User.id == Shipment.prepared_by_id)
    )
