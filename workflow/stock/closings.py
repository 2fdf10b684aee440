"""Day closings of a warehouse: started, counted (`closing_counts`), signed by one person, closed by another.

Signing freezes figures and differences in a moment in which nothing moves at the warehouse: it takes exclusively the
advisory lock that every movement there shares (migrations 0004). What moves later belongs to the next closing.
"""

import datetime as dt

from sqlalchemy import select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from models.base import utc_now
from models.catalogs import Warehouse
from models.clock import local_date
from models.closings import DayClosing
from models.stock import DocumentState
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotFound, WrongState
from security.permissions import Permission
from workflow.controls import Rule, mode, refuse
from workflow.stock import closing_figures, documents

READ = (Permission.READ_STOCK, Permission.CLOSE_DAYS)
LONGEST_REASON = 2000


TWO_PEOPLE = Rule(
    name="day_closing_two_people",
    label=N_("The day of a warehouse is closed by another person than who signed it"),
    refusal=N_("Control “two people”: you signed this day closing; a second person must close it."),
    default="warn",
)


def two_people(session: Session, place: Warehouse) -> str:
    """`enforce`, `warn` or `off`: whether somebody may close at `place` what he signed himself."""
    return mode(session, TWO_PEOPLE, place.site_code or "*")


def may_close(actor: Actor) -> Actor:
    """`actor`, seeing only the sites whose days he may count and close; raises `NotAllowed` when there is none."""
    return documents.allow(actor, Permission.CLOSE_DAYS)


def start_closing(session: Session, actor: Actor, *, warehouse: str, on: dt.date) -> DayClosing:
    """Begin to count a warehouse for the day `on`; refused while another closing of it is open, saying whose."""
    actor = may_close(actor)
    place = documents.warehouse_named(session, warehouse, actor)
    documents.one_at_a_time(session, f"day_closing {place.code}")
    last = session.scalars(
        select(DayClosing).where(DayClosing.warehouse_code == place.code).order_by(DayClosing.id.desc()).limit(1)
    ).first()
    if last is not None and last.state != DocumentState.CERRADO:
        raise WrongState(
            N_("Day closing %(number)s of %(warehouse)s is still open: %(user)s started it at %(at)s."),
            number=last.id, warehouse=place.name, user=documents.username(session, last.created_by_id),
            at=last.created_at,
        )  # fmt: skip
    _refuse_day(on, last)
    closing = DayClosing(warehouse_code=place.code, on=on, created_by_id=actor.user_id, created_at=utc_now())
    session.add(closing)
    session.flush()
    return closing


def _refuse_day(on: dt.date, last: DayClosing | None) -> None:
    if on > local_date(utc_now()):
        raise BadValue(N_("This day has not come yet."), field="on")
    if last is not None and on < last.on:
        raise BadValue(N_("A later day was closed already: %(day)s."), field="on", day=last.on.strftime("%d/%m/%Y"))


def find(session: Session, number: int, actor: Actor) -> DayClosing:
    """The closing of that number at a warehouse `actor` may act at; `NotFound` otherwise."""
    documents.allow(actor, *READ)
    # The column is a 32-bit integer; an address may hold any.
    found = session.get(DayClosing, number) if number < 2**31 else None
    if found is None or not documents.sees(actor, session.get_one(Warehouse, found.warehouse_code)):
        raise NotFound(N_("There is no day closing %(number)s here."), number=number)
    return found


def lock(session: Session, closing: DayClosing, version: int | None, state: DocumentState) -> None:
    """Lock the closing until the transaction ends; raise unless it is in `state` and still at `version` (None: any)."""
    number = closing.id
    try:
        session.refresh(closing, with_for_update=True)
    except InvalidRequestError as gone:
        raise NotFound(N_("There is no day closing %(number)s here."), number=number) from gone
    if closing.state != state:
        raise _other_state(session, closing)
    if version is not None and closing.version != version:
        raise WrongState(
            N_("Day closing %(number)s was changed meanwhile: look at it again and repeat."), number=number
        )


def _other_state(session: Session, closing: DayClosing) -> WrongState:
    if closing.state == DocumentState.CERRADO:
        return WrongState(
            N_("Day closing %(number)s is closed: %(user)s closed it at %(at)s."),
            number=closing.id, user=documents.username(session, closing.closed_by_id), at=closing.closed_at,
        )  # fmt: skip
    if closing.state == DocumentState.POR_CONFIRMAR:
        return WrongState(
            N_("Day closing %(number)s is signed by %(user)s since %(at)s and waits for the second person."),
            number=closing.id, user=documents.username(session, closing.signed_by_id), at=closing.signed_at,
        )  # fmt: skip
    return WrongState(N_("Day closing %(number)s is being counted."), number=closing.id)


def touch(session: Session, closing: DayClosing) -> None:
    """Count a change of what was counted as a change of the closing, so that its version tells of it."""
    flag_modified(closing, "state")
    session.flush()


def drop_closing(session: Session, closing: DayClosing, actor: Actor, *, version: int | None = None) -> None:
    """Delete a closing that is being counted."""
    may_close(actor)
    lock(session, closing, version, DocumentState.ABIERTO)
    session.execute(text("delete from closing_range where closing_id = :closing"), {"closing": closing.id})
    session.delete(closing)
    session.flush()


def sign_closing(
    session: Session, closing: DayClosing, actor: Actor, *, reason: str = "", version: int | None = None
) -> list[closing_figures.Figures]:
    """The first person says that this was counted: figures and differences are frozen as of now, and returned.

    `BadValue` at `reason` when numbers are missing or surplus and none is given.
    """
    may_close(actor)
    lock(session, closing, version, DocumentState.ABIERTO)
    # Whoever posts at the warehouse has committed, or waits; only statements after this one see all of the former.
    session.execute(
        text("select pg_advisory_xact_lock(7301, hashtext(:warehouse))"), {"warehouse": closing.warehouse_code}
    )
    figures = closing_figures.figures(session, closing)
    closing.reason = documents.free_text("reason", reason, LONGEST_REASON)
    if closing.reason is None and not all(each.balanced for each in figures):
        raise BadValue(N_("What was counted is not what should be there: say why."), field="reason")
    closing_figures.freeze(session, closing)
    closing.state, closing.signed_by_id, closing.signed_at = DocumentState.POR_CONFIRMAR, actor.user_id, utc_now()
    session.flush()
    return figures


def give_back(session: Session, closing: DayClosing, actor: Actor, *, version: int | None = None) -> None:
    """Make a signed closing one that is being counted; signature, figures and differences go, the reason stays."""
    may_close(actor)
    lock(session, closing, version, DocumentState.POR_CONFIRMAR)
    closing.state, closing.signed_by_id, closing.signed_at = DocumentState.ABIERTO, None, None
    session.flush()
    closing_figures.thaw(session, closing)
    session.expire(closing, ["lines", "counts"])


def close_closing(
    session: Session, closing: DayClosing, actor: Actor, *, alone: bool = False, version: int | None = None
) -> None:
    """The second person confirms what the first signed: closed for good.

    Who signed may close it `alone` where the control says so; then it is `warned`, which its minutes tell.
    """
    may_close(actor)
    lock(session, closing, version, DocumentState.POR_CONFIRMAR)
    if closing.signed_by_id == actor.user_id:
        _alone(session, two_people(session, session.get_one(Warehouse, closing.warehouse_code)), confirmed=alone)
        closing.warned = True
    closing.state, closing.closed_by_id, closing.closed_at = DocumentState.CERRADO, actor.user_id, utc_now()
    session.flush()


def _alone(session: Session, mode: str, *, confirmed: bool) -> None:
    if mode == "enforce":
        refuse(session, TWO_PEOPLE, Permission.CLOSE_DAYS)
    if mode == "warn" and not confirmed:
        raise BadValue(N_("You signed this day closing yourself: confirm that you close it alone."), field="alone")
