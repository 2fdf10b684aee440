"""What happens to one booklet: found and locked, assigned, printed, delivered, voided, with its ledger entries.

Always called with the case already locked: case first, then booklet, so that two acts never wait for each other.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState, Personalisation, StockMovement
from models.cases import CaseEvent
from models.catalogs import PassportType, VoidType, Warehouse
from models.text import N_
from workflow.errors import BadValue, NotFound, Unavailable
from workflow.machine import Act


def lock_booklet(session: Session, number: str) -> Booklet:
    """The booklet, locked until the transaction ends."""
    booklet = session.scalars(
        select(Booklet).where(Booklet.number == number).with_for_update().execution_options(populate_existing=True)
    ).first()
    if booklet is None:
        raise NotFound(N_("There is no booklet %(number)s in stock."), number=number, field="booklet")
    return booklet


def own_booklet(act: Act, expected: BookletState) -> Booklet:
    """The booklet of the case being acted on, locked and in the state `expected`."""
    booklet = lock_booklet(act.session, str(act.case.booklet_number))
    if booklet.state != expected or booklet.case_id != act.case.id:
        raise Unavailable(
            N_("Booklet %(number)s is %(state)s, not %(expected)s."),
            number=booklet.number,
            state=booklet.state,
            expected=expected,
        )
    return booklet


def take_new(act: Act, number: str) -> Booklet:
    """Lock booklet `number` and refuse it unless it is NUEVA, of the case's category, in its site's warehouse."""
    booklet = lock_booklet(act.session, number)
    if booklet.state != BookletState.NUEVA:
        raise _taken(act.session, booklet)
    wanted = act.session.get_one(PassportType, act.case.passport_type_code).category_code
    if booklet.category_code != wanted:
        raise Unavailable(
            N_("Booklet %(number)s is of category %(category)s; this case needs %(wanted)s."),
            field="booklet",
            number=number,
            category=booklet.category_code,
            wanted=wanted,
        )
    warehouse = act.session.get_one(Warehouse, booklet.warehouse_code)
    if warehouse.site_code != act.case.print_site_code:
        raise Unavailable(
            N_("Booklet %(number)s lies in %(warehouse)s, not in the warehouse of %(site)s."),
            field="booklet",
            number=number,
            warehouse=warehouse.name,
            site=act.case.print_site_code,
        )
    return booklet


def _taken(session: Session, booklet: Booklet) -> Unavailable:
    last = session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == booklet.case_id, CaseEvent.booklet_number == booklet.number)
        .order_by(CaseEvent.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return Unavailable(
            N_("Booklet %(number)s is not new: it is %(state)s."),
            field="booklet",
            number=booklet.number,
            state=booklet.state,
        )
    return Unavailable(
        N_("Booklet %(number)s is %(state)s: %(user)s recorded “%(event)s” at %(at)s."),
        field="booklet",
        number=booklet.number,
        state=booklet.state,
        user=last.username,
        event=last.event,
        at=last.at,
    )


def move(act: Act, booklet: Booklet, kind: str, out_of: str, into: str, **more: Any) -> None:
    """Write one ledger entry for `booklet`."""
    act.session.add(
        StockMovement(
            booklet_number=booklet.number,
            kind=kind,
            from_place=out_of,
            to_place=into,
            at=act.at,
            user_id=act.actor.user_id,
            case_id=act.case.id,
            **more,
        )
    )


def set_state(act: Act, booklet: Booklet, state: BookletState) -> None:
    booklet.state, booklet.state_since = state, act.at
    act.booklet_number = booklet.number


def void(act: Act, booklet: Booklet, void_type: str, *, expected: BookletState | None = None) -> None:
    """Make `booklet` unusable for the reason `void_type`; its personalisation, if any, ends too."""
    entry = act.session.get_one(VoidType, void_type)
    if booklet.state not in entry.booklet_states.split(";") or (expected and booklet.state != expected):
        raise BadValue(
            N_("The void type %(code)s does not apply to a booklet that is %(state)s."),
            field="void_type",
            code=void_type,
            state=booklet.state,
        )
    place = place_of(booklet)
    move(act, booklet, "EGRESO_ANULACION", place, "VOIDED")
    booklet.warehouse_code, booklet.void_type_code = None, void_type
    act.data.update(booklet_was=booklet.state, void_type=void_type)
    act.reason_code = void_type
    set_state(act, booklet, BookletState.ANULADA)
    live = live_personalisation(act.session, booklet.number)
    if live is not None:
        live.voided_at = act.at


def place_of(booklet: Booklet) -> str:
    """The ledger's name for where `booklet` is. It left stock when it was assigned: delivery moves nothing."""
    if booklet.state == BookletState.NUEVA:
        return f"WAREHOUSE:{booklet.warehouse_code}"
    return "VOIDED" if booklet.state == BookletState.ANULADA else f"PRINTING:{booklet.site_code}"


def live_personalisation(session: Session, number: str) -> Personalisation | None:
    """The use of booklet `number` that has not been voided."""
    return session.scalars(
        select(Personalisation).where(Personalisation.booklet_number == number, Personalisation.voided_at.is_(None))
    ).first()


def personalisation_of(act: Act) -> Personalisation:
    """The live personalisation of the case being acted on."""
    found = live_personalisation(act.session, str(act.case.booklet_number))
    if found is None:
        raise Unavailable(N_("Case %(number)s has no booklet."), number=act.case.number)
    return found
