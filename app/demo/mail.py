"""Passports by mail and a stolen pack in the demonstration: some wait, some are prepared, some are on their way."""

from dataclasses import replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.demo.office import ACTS, WHO
from models.base import utc_now
from models.cases import Applicant, PassportCase, State
from models.catalogs import Site
from models.clock import local_date
from security.actor import Actor, load_actor
from security.scope import acting_as
from workflow import shipments
from workflow.postal_address import given_address
from workflow.stock import losses
from workflow.stock.serials import Run

#: Blanks of the central warehouse, above all that the stock room has given out.
STOLEN = Run("F", 5_030_001, 20)
HEAD = "jpgu"
#: Of the passports of consulates in the USA that are to be posted: so many are made, prepared, sent.
MADE, PREPARED, SENT = 7, 4, 2


def send_some(session: Session) -> int:
    """Make and post passports of consulates, and report a pack that was stolen; returns how many were posted."""
    _report_theft(session)
    numbers = list(session.scalars(_asked_for().limit(MADE).execution_options(every_site=True)))
    for place, number in enumerate(numbers):
        for step in ("assign", "print", "check"):
            actor = _abroad(session, WHO[step])
            with acting_as(actor):
                ACTS[step](session, session.scalars(_called(number)).one(), actor)
        if place < PREPARED:
            _post(session, number, sent=f"94001118992238175761{place:02d}" if place < SENT else "")
        session.commit()
    return min(len(numbers), PREPARED)


def _report_theft(session: Session) -> None:
    head = _abroad(session, HEAD)
    with acting_as(head):
        losses.report(
            session, head, [STOLEN], kind="STOLEN", lost_on=local_date(utc_now()).isoformat(), country="GTM",
            place="Ruta al Atlántico, km 52", police_reference="PNC-1187", remarks="Asalto al vehículo que las llevaba",
        )  # fmt: skip
    session.commit()


def _asked_for() -> Select[str]:
    """The numbers of authorised cases of the USA whose holders gave an address."""
    return (
        select(PassportCase.number)
        .join(Applicant, Applicant.case_id == PassportCase.id)
        .join(Site, Site.code == PassportCase.site_code)
        .where(PassportCase.state == State.AUTORIZADA, Site.country_code == "USA")
        .where(func.jsonb_typeof(Applicant.delivery_address) == "object")
        .order_by(PassportCase.id)
    )


def _called(number: str) -> Select[PassportCase]:
    return select(PassportCase).where(PassportCase.number == number)


def _abroad(session: Session, username: str) -> Actor:
    """The user as if he worked at the consulates too."""
    actor = load_actor(session, username=username)
    if actor is None:
        raise LookupError(username)
    return replace(actor.at("127.0.0.1"), sites=None)


def _post(session: Session, number: str, *, sent: str) -> None:
    clerk = _abroad(session, "entrega")
    with acting_as(clerk):
        address = given_address(session.scalars(_called(number)).one()).parts()
        shipment = shipments.prepare(session, number, clerk, address)
        if sent:
            shipments.send(session, shipment.id, clerk, None, courier="USPS", tracking=sent)
