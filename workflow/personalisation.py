"""Printing: a booklet is assigned, its page printed, the print accepted or refused (modules 2, 5, 6; M:L587-L639)."""

import hashlib
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import BookletState as B
from models.booklets import Personalisation
from models.cases import CaseEvent, Event, PassportCase, State
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotAllowed, Unavailable
from security.permissions import Permission
from workflow import enquiries, pages, stations
from workflow.booklets import live_personalisation, own_booklet, personalisation_of, post, set_state, take_new, void
from workflow.fields import Field, Kind
from workflow.machine import Act, transition, wrong_state
from workflow.stock.ledger import printing_place

BOOKLET = Field("booklet", N_("Booklet number"), Kind.BOOKLET)
COMMENT = Field("comment", N_("Comment"), Kind.COMMENT, required=False)
#: The batch of pages that were printed together, by its number (workflow.trays).
TRAY = Field("tray", N_("Tray"), Kind.TEXT, required=False, max_length=12)
PRINTER = Field("printer", N_("Printer"), Kind.TEXT, required=False, max_length=16)


def _assign(act: Act, number: str, tray: str | None) -> None:
    booklet = take_new(act, number)
    use = Personalisation(
        case_id=act.case.id,
        booklet_number=number,
        site_code=act.case.print_site_code,
        assigned_by_id=act.actor.user_id,
        assigned_at=act.at,
    )
    pages.compose(act.session, act.case, use)
    post(act, booklet, "EGRESO_PERSONALIZACION", printing_place(use.site_code))
    booklet.issued_on, booklet.expires_on = use.issued_on, use.expires_on
    act.case.booklet_number = number
    act.session.add(use)
    act.data.update(page_sha256=use.page_sha256, **_in_tray(tray))


def _in_tray(tray: str | None) -> dict[str, str]:
    if tray is not None and not (tray.isascii() and tray.isdecimal()):
        raise BadValue(N_("%(value)s is no number of a tray."), field="tray", value=tray)
    return {} if tray is None else {"tray": str(int(tray))}


def _is_mobile(case: PassportCase) -> bool:
    return case.mobile


def _is_fixed(case: PassportCase) -> bool:
    return not case.mobile


_ASSIGNMENT: dict[str, Any] = {
    "from_states": (State.AUTORIZADA,),
    "to_state": State.EN_IMPRESION,
    "label": N_("Assign booklet and print"),
    "event": Event.IMPRESION,
    "fields": (BOOKLET, TRAY),
    "booklet": (B.NUEVA, B.ASIGNADA),
}


@transition("T07", permission=Permission.PRINT_BOOKLETS, module="PRE_IMPRESION", applies=_is_fixed, **_ASSIGNMENT)
def assign_booklet(act: Act, *, booklet: str, tray: str | None) -> None:
    """Give a case its booklet; the page is composed at once, so that what cannot be printed takes no booklet."""
    _assign(act, booklet, tray)


@transition("T08", permission=Permission.PRINT_MOBILE, module="PRE_IMPRESION_MOVIL", applies=_is_mobile, **_ASSIGNMENT)
def assign_booklet_mobile(act: Act, *, booklet: str, tray: str | None) -> None:
    """The same for a case captured by a mobile station."""
    _assign(act, booklet, tray)


@transition(
    "T11",
    from_states=(State.EN_IMPRESION,),
    to_state=None,
    permission=Permission.RESUME_PRINTS,
    label=N_("Print page"),
    event=Event.IMPRESION_GENERADA,
    module="EN_IMPRESION",
    fields=(PRINTER, TRAY),
    booklet=(B.ASIGNADA, B.ASIGNADA),
)
def print_page(act: Act, *, printer: str | None, tray: str | None) -> None:
    """Record that the data page is sent to a printer of its site, the first time or again, with the same booklet.

    `page_sha256` is of the page in its true position, `sent_sha256` of the PDF as this printer gets it, alone.
    """
    booklet = own_booklet(act, B.ASIGNADA)
    use = personalisation_of(act)
    settings = stations.settings_of(stations.printer_for(act.session, use.site_code, printer))
    sent = pages.render(act.session, act.case, use, stations.geometry_printed(settings))
    use.copies += 1
    act.booklet_number = booklet.number
    hashes = {"page_sha256": use.page_sha256, "sent_sha256": hashlib.sha256(sent).hexdigest()}
    act.data.update(copy=use.copies, **hashes, **settings, **_in_tray(tray))


@transition(
    "T09",
    from_states=(State.EN_IMPRESION,),
    to_state=State.IMPRESA,
    permission=Permission.PRINT_BOOKLETS,
    label=N_("Accept print"),
    event=Event.IMPRESION_ACEPTADA,
    module="PRE_IMPRESION",
    booklet=(B.ASIGNADA, B.IMPRESA),
)
def accept_print(act: Act) -> None:
    """The page came out well: the booklet goes to quality control."""
    set_state(act, own_booklet(act, B.ASIGNADA), B.IMPRESA)
    use = personalisation_of(act)
    use.printed_by_id, use.printed_at = act.actor.user_id, act.at


@transition(
    "T10",
    from_states=(State.EN_IMPRESION,),
    to_state=State.AUTORIZADA,
    permission=Permission.PRINT_BOOKLETS,
    label=N_("Refuse print"),
    event=Event.IMPRESION_RECHAZADA,
    module="PRE_IMPRESION",
    fields=(
        Field("void_type", N_("Void type"), Kind.VOID_TYPE, required=False, among=(("modules", "PRE_IMPRESION"),)),
        COMMENT,
    ),
    booklet=(B.ASIGNADA, B.ANULADA),
    confirm=N_("Refuse this print? Its booklet is voided and the case goes back to the print queue."),
    danger=True,
)
def refuse_print(act: Act, *, void_type: str | None, comment: str | None) -> None:
    """The page came out badly: the booklet is voided by itself, the case waits for another (M:L639)."""
    void(act, own_booklet(act, B.ASIGNADA), void_type or "IMP")
    act.comment = comment
    act.case.booklet_number = None


def page_to_print(session: Session, number: str, actor: Actor) -> bytes:
    """The PDF of the data page of a case in printing, for those who print; the look is logged."""
    prints = (Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE, Permission.RESUME_PRINTS)
    if not actor.may(*prints):
        raise NotAllowed()
    case = enquiries.case_by_number(session, number, actor.by(*prints), "page")
    if case.state != State.EN_IMPRESION:
        raise wrong_state(session, case)
    return page_of(session, case)


def page_of(session: Session, case: PassportCase) -> bytes:
    """The PDF of the case's data page: what was last sent to a printer, byte for byte; else in its true position."""
    use = live_personalisation(session, str(case.booklet_number))
    if use is None:
        raise Unavailable(N_("Case %(number)s has no booklet."), number=case.number)
    return pages.render(session, case, use, stations.geometry_printed(_last_print(session, case)))


def _last_print(session: Session, case: PassportCase) -> dict[str, Any]:
    """What the event of the last print of the case's present booklet says; nothing before it was printed."""
    query = select(CaseEvent.data).where(
        CaseEvent.case_id == case.id,
        CaseEvent.event == Event.IMPRESION_GENERADA,
        CaseEvent.booklet_number == case.booklet_number,
    )
    return session.scalars(query.order_by(CaseEvent.id.desc()).limit(1)).first() or {}
