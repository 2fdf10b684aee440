"""Printing: a booklet is assigned, its page printed, the print accepted or refused (modules 2, 5, 6; M:L587-L639)."""

from typing import Any

from sqlalchemy.orm import Session

from models.booklets import BookletState as B
from models.booklets import Personalisation
from models.cases import Event, PassportCase, State
from models.text import N_
from security.actor import Actor
from security.permissions import Permission
from workflow import enquiries, pages
from workflow.booklets import live_personalisation, own_booklet, personalisation_of, post, set_state, take_new, void
from workflow.errors import NotAllowed, Unavailable
from workflow.fields import Field, Kind
from workflow.ledger import printing_place
from workflow.machine import Act, transition, wrong_state

BOOKLET = Field("booklet", N_("Booklet number"), Kind.BOOKLET)
COMMENT = Field("comment", N_("Comment"), Kind.COMMENT, required=False)


def _assign(act: Act, number: str) -> None:
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
    act.data.update(page_sha256=use.page_sha256)


def _is_mobile(case: PassportCase) -> bool:
    return case.mobile


def _is_fixed(case: PassportCase) -> bool:
    return not case.mobile


_ASSIGNMENT: dict[str, Any] = {
    "from_states": (State.AUTORIZADA,),
    "to_state": State.EN_IMPRESION,
    "label": N_("Assign booklet and print"),
    "event": Event.IMPRESION,
    "fields": (BOOKLET,),
    "booklet": (B.NUEVA, B.ASIGNADA),
}


@transition("T07", permission=Permission.PRINT_BOOKLETS, module="PRE_IMPRESION", applies=_is_fixed, **_ASSIGNMENT)
def assign_booklet(act: Act, *, booklet: str) -> None:
    """Give a case its booklet; the page is composed at once, so that what cannot be printed takes no booklet."""
    _assign(act, booklet)


@transition("T08", permission=Permission.PRINT_MOBILE, module="PRE_IMPRESION_MOVIL", applies=_is_mobile, **_ASSIGNMENT)
def assign_booklet_mobile(act: Act, *, booklet: str) -> None:
    """The same for a case captured by a mobile station."""
    _assign(act, booklet)


@transition(
    "T11",
    from_states=(State.EN_IMPRESION,),
    to_state=None,
    permission=Permission.RESUME_PRINTS,
    label=N_("Print page"),
    event=Event.IMPRESION_GENERADA,
    module="EN_IMPRESION",
    booklet=(B.ASIGNADA, B.ASIGNADA),
)
def print_page(act: Act) -> None:
    """Record that the data page is sent to the printer, the first time or again, with the same booklet."""
    booklet = own_booklet(act, B.ASIGNADA)
    use = personalisation_of(act)
    use.copies += 1
    act.booklet_number = booklet.number
    act.data.update(copy=use.copies, page_sha256=use.page_sha256)


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
    if not actor.may(Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE, Permission.RESUME_PRINTS):
        raise NotAllowed()
    case = enquiries.case_by_number(session, number, actor, "page")
    if case.state != State.EN_IMPRESION:
        raise wrong_state(session, case)
    return page_of(session, case)


def page_of(session: Session, case: PassportCase) -> bytes:
    """The PDF of the case's data page, byte for byte what was composed when its booklet was assigned."""
    use = live_personalisation(session, str(case.booklet_number))
    if use is None:
        raise Unavailable(N_("Case %(number)s has no booklet."), number=case.number)
    return pages.render(session, case, use)
