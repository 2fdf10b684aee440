"""The labels of shipments: who sends, to whom, the case number to scan; each print is noted."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.cases import PassportCase
from models.catalogs import Country, Courier, Site
from models.shipments import Shipment
from models.text import N_
from printing.geometry import PageError
from printing.postal_labels import PostalLabel, draw_labels
from security.actor import Actor
from security.errors import BadValue, Refused
from security.looks import log_look
from workflow import shipments
from workflow.pages import AUTHORITY, press
from workflow.postal_address import address_of

#: Labels in one PDF.
AT_MOST = 100


def print_labels(session: Session, numbers: list[int], actor: Actor, *, sheet: bool = False) -> bytes:
    """The labels of live shipments as a PDF, one on a page of 4 x 6 inches or four on a Letter sheet. Noted, logged."""
    if not numbers:
        raise BadValue(N_("Choose at least one shipment."), field="shipments")
    if len(numbers) > AT_MOST:
        raise BadValue(N_("At most %(most)s labels are printed at once."), field="shipments", most=AT_MOST)
    found = shipments.labels(session, numbers, actor)
    labels = []
    for shipment in found:
        case = session.get_one(PassportCase, shipment.case_id)
        log_look(session, actor, "label", case.number, shipment=shipment.id)
        labels.append(_label(session, shipment, case))
    try:
        return draw_labels(labels, sheet=sheet, marked="DEMOSTRACIÓN" if press().specimen else "")
    except PageError:
        raise Refused(N_("An address does not fit on its label: shorten it.")) from None


def _label(session: Session, shipment: Shipment, case: PassportCase) -> PostalLabel:
    address, site = address_of(shipment), session.get_one(Site, case.print_site_code)
    place = f"{address.city} {address.us_state} {address.zip_code}"
    lines = (address.recipient, address.line_1, address.line_2, place, "USA")
    courier = session.get(Courier, shipment.courier_code) if shipment.courier_code else None
    return PostalLabel(
        sender=(AUTHORITY, *_sender(session, site)),
        recipient=tuple(line.upper() for line in lines if line),
        reference=case.number,
        courier=courier.name if courier else "",
        phone=address.phone,
    )


def _sender(session: Session, site: Site) -> tuple[str, str]:
    """The site that sends, and its address; its city and country where none is kept."""
    country = session.scalars(select(Country.name).where(Country.code == site.country_code)).one()
    return site.name, site.return_address or ", ".join(filter(None, (site.city, site.region, country)))
