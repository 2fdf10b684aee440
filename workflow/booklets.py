"""What happens to one booklet: found and locked, assigned, printed, delivered, voided, with its ledger entries.

Always called with the case already locked: case first, then booklet, so that two acts never wait for each other.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState, Personalisation
from models.cases import CaseEvent
from models.catalogs import PassportType, Site, VoidType, Warehouse
from models.stock import Account, StockMovement
from models.text import N_
from models.users import User
from security.errors import BadValue, NotFound, Unavailable
from workflow.machine import Act
from workflow.stock import ledger

#: Reasons of a report by the holder; as those of a replacement they void the former booklet at once.
LOST_OR_STOLEN = frozenset({"ROB", "HUR", "EXT"})
#: Reasons of a void that say that the booklet is not in our custody.
GONE = LOST_OR_STOLEN | {"EXB"}


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
    _refuse_elsewhere(act, booklet)
    return booklet


def _refuse_elsewhere(act: Act, booklet: Booklet) -> None:
    """Raise `Unavailable` unless `booklet` lies where this actor may take it for this case."""
    session, site = act.session, act.case.print_site_code
    warehouse = session.get_one(Warehouse, booklet.warehouse_code)
    account = ledger.account_of(booklet.place)
    if account == Account.TRANSIT:
        raise _elsewhere(
            N_("Booklet %(number)s is in transit on transfer %(document)s: its warehouse must confirm it first."),
            booklet,
            document=ledger.owner_of(booklet.place),
        )
    if warehouse.site_code != site:
        raise _elsewhere(
            N_("Booklet %(number)s lies in %(warehouse)s, not in the warehouse of %(site)s."),
            booklet,
            warehouse=warehouse.name,
            site=site,
        )
    own = ledger.hands_place(warehouse.code, act.actor.user_id)
    if account == Account.HANDS and booklet.place != own:
        holder = session.get(User, int(booklet.place.rpartition(":")[2]))
        raise _elsewhere(
            N_("Booklet %(number)s was issued to %(user)s."), booklet, user=holder.username if holder else "?"
        )
    if account == Account.WAREHOUSE and session.get_one(Site, site).shift_issue:
        raise _elsewhere(
            N_("Booklet %(number)s is in the warehouse, not in your hands: ask for it to be issued to you."), booklet
        )


def _elsewhere(message: str, booklet: Booklet, **params: str) -> Unavailable:
    return Unavailable(message, field="booklet", number=booklet.number, **params)


def _taken(session: Session, booklet: Booklet) -> Unavailable:
    last = session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == booklet.case_id, CaseEvent.booklet_number == booklet.number)
        .order_by(CaseEvent.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return moved(session, booklet)
    return Unavailable(
        N_("Booklet %(number)s is %(state)s: %(user)s recorded “%(event)s” at %(at)s."),
        field="booklet",
        number=booklet.number,
        state=booklet.state,
        user=last.username,
        event=last.event,
        at=last.at,
    )


def moved(session: Session, booklet: Booklet) -> Unavailable:
    """What to tell who finds `booklet` used: who moved it last, how and when."""
    last = ledger.last_movement(session, booklet.number)
    mover = session.get(User, last.user_id)
    return Unavailable(
        N_("Booklet %(number)s is %(state)s: %(user)s posted “%(label)s” at %(at)s."),
        field="booklet",
        number=booklet.number,
        state=booklet.state,
        user=mover.username if mover else "?",
        label=ledger.KINDS[last.kind].label,
        at=last.at,
    )


def post(
    act: Act, booklet: Booklet, kind: str, target: str, *, reverses: StockMovement | None = None, void_type: str = ""
) -> None:
    """Move `booklet` to the place `target` as part of this act; the ledger gives it its new state."""
    ledger.post(
        act.session,
        act.actor,
        kind,
        booklet,
        target,
        at=act.at,
        case_id=act.case.id,
        reverses=reverses,
        void_type=void_type or None,
    )
    act.booklet_number = booklet.number


def set_state(act: Act, booklet: Booklet, state: BookletState) -> None:
    booklet.state, booklet.state_since = state, act.at
    act.booklet_number = booklet.number


def void(act: Act, booklet: Booklet, void_type: str, *, expected: BookletState | None = None) -> None:
    """Make `booklet` unusable for the reason `void_type`; its personalisation, if any, ends too."""
    refuse_void_type(act.session, booklet, void_type)
    if expected and booklet.state != expected:
        raise _no_void(booklet, void_type)
    act.data.update(booklet_was=booklet.state, void_type=void_type)
    act.reason_code = void_type
    post(act, booklet, "EGRESO_ANULACION", void_place(booklet, void_type), void_type=void_type)
    live = live_personalisation(act.session, booklet.number)
    if live is not None:
        live.voided_at = act.at


def refuse_void_type(session: Session, booklet: Booklet, void_type: str) -> None:
    """Raise `BadValue` unless a booklet in the state of `booklet` can be voided for the reason `void_type`."""
    if booklet.state not in session.get_one(VoidType, void_type).booklet_states.split(";"):
        raise _no_void(booklet, void_type)


def _no_void(booklet: Booklet, void_type: str) -> BadValue:
    return BadValue(
        N_("The void type %(code)s does not apply to a booklet that is %(state)s."),
        field="void_type",
        code=void_type,
        state=booklet.state,
    )


def void_place(booklet: Booklet, void_type: str) -> str:
    """Where a void puts `booklet`: into the custody of its warehouse, unless its holder has it or it is gone."""
    if void_type in GONE or ledger.account_of(booklet.place) == Account.HOLDER:
        return Account.OUTSIDE
    return ledger.voided_place(str(booklet.warehouse_code))


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
