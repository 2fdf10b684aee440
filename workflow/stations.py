"""Where pages are printed: the printers of a site, the one a page is for, what its page is moved by, its test page."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.catalogs import Printer
from models.clock import local_date
from models.text import N_
from printing.fonts import Unprintable
from printing.geometry import PageGeometry
from printing.rulers import render_rulers
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, Unavailable
from security.permissions import Permission
from workflow.pages import press


def printers_at(session: Session, site: str) -> list[Printer]:
    """The printers in use at a site, by code."""
    query = select(Printer).where(Printer.site_code == site, Printer.active).order_by(Printer.code)
    return list(session.scalars(query))


def printer_for(session: Session, site: str, code: str | None) -> Printer | None:
    """The printer of `site` that a page goes to: the one named, or the only one.

    None where the site has none: its pages are printed in their true position. Raises `BadValue` when several could be
    meant, or when the one named is not there.
    """
    there = printers_at(session, site)
    if not code and len(there) > 1:
        raise BadValue(N_("Choose the printer: %(site)s has several."), field="printer", site=site)
    found = there[:1] if not code else [printer for printer in there if printer.code == code]
    if code and not found:
        raise BadValue(N_("%(value)s is no printer of %(site)s."), field="printer", value=code[:16], site=site)
    return found[0] if found else None


def geometry_of(printer: Printer | None) -> PageGeometry:
    """The page as this printer needs it."""
    return geometry_printed(settings_of(printer))


def settings_of(printer: Printer | None) -> dict[str, Any]:
    """What the event of a print says of the printer: its code, and its settings at that moment."""
    if printer is None:
        return {}
    moved = {"right": float(printer.offset_x), "up": float(printer.offset_y), "turned": printer.rotation}
    return {"printer": printer.code, "moved": moved}


def geometry_printed(data: Mapping[str, Any]) -> PageGeometry:
    """The page as the print was made whose event holds `data` (`settings_of`), whatever the printer's settings now."""
    moved = data.get("moved") or {"right": 0.0, "up": 0.0, "turned": 0}
    return PageGeometry(offset_x=moved["right"], offset_y=moved["up"], rotation=moved["turned"])


def test_page(session: Session, code: str, actor: Actor) -> bytes:
    """The PDF from which an operator reads what the printer's offsets must be; made with its present ones."""
    if not actor.may(Permission.PRINT_BOOKLETS):
        raise NotAllowed()
    printer = session.get(Printer, code)
    if printer is None or not actor.may_at(Permission.PRINT_BOOKLETS, printer.site_code):
        raise NotFound(N_("There is no printer %(code)s at your sites."), code=code[:16])
    today = local_date(utc_now())
    try:
        return render_rulers(geometry_of(printer), press().fonts(), printer=f"{code} · {printer.name}", on=today)
    except Unprintable as error:
        raise Unavailable(
            N_("The test page cannot be printed: %(reason)s"), field="printer", reason=str(error)
        ) from error
