"""What changes a passport after the fact: void, reactivate, correct (SPEC 2; M:L1217-L1225)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet, Personalisation
from models.booklets import BookletState as B
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import VoidType
from models.stock import Account
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, Refused, Unavailable
from security.permissions import Permission
from workflow import succession
from workflow.booklets import lock_booklet, post, set_state, void
from workflow.fields import Field, Kind
from workflow.machine import TRANSITIONS, Act, lock_case, record, transition
from workflow.stock import ledger

CHANGES = Field("changes", N_("Corrected data"), Kind.DATA)
REASON = Field("comment", N_("Reason"), Kind.COMMENT)
EXPLANATION = Field("comment", N_("Explanation"), Kind.COMMENT)
CORRECTION_REASON = Field("reason", N_("Reason of the correction"), Kind.REASON, False, (("kind", "CORRECCION"),))
VOID_TYPE = Field("void_type", N_("Void type"), Kind.VOID_TYPE, among=(("modules", "ANULAR_LIBRETA"),))
#: The void type of a booklet whose passport is corrected.
AS_CORRECTED = "COR"


@transition(
    "T15",
    "T16",
    "T17",
    "T18",
    from_states=(State.EN_IMPRESION, State.IMPRESA, State.POST_IMPRESION, State.ENTREGADA),
    to_state=None,
    permission=Permission.VOID_BOOKLETS,
    label=N_("Void booklet"),
    event=Event.ANULACION,
    module="ANULAR_LIBRETA",
    fields=(VOID_TYPE, REASON),
    booklet=(None, B.ANULADA),
    ends={state: State.AUTORIZADA for state in (State.EN_IMPRESION, State.IMPRESA, State.POST_IMPRESION)},
    confirm=N_("Void the booklet of this case?"),
    danger=True,
    applies=lambda case: case.booklet_number is not None,
)
def void_booklet(act: Act, *, void_type: str, comment: str) -> None:
    """Make the case's booklet unusable; a case that was not delivered goes back to the print queue."""
    act.comment = comment
    _void_of_case(act, void_type)


def _void_of_case(act: Act, void_type: str) -> None:
    void(act, lock_booklet(act.session, str(act.case.booklet_number)), void_type)
    if act.case.state != State.ENTREGADA:
        act.case.booklet_number = None
        act.to_state = State.AUTORIZADA


@transition(
    "T24",
    from_states=(State.AUTORIZADA, State.ENTREGADA),
    to_state=None,
    permission=Permission.REACTIVATE_BOOKLETS,
    label=N_("Reactivate booklet"),
    event=Event.REACTIVACION,
    module="ANULAR_LIBRETA",
    fields=(Field("booklet", N_("Booklet number"), Kind.BOOKLET), REASON),
    booklet=(B.ANULADA, None),
    confirm=N_("Reactivate this booklet? Case and booklet return to where they were before it was voided."),
)
def reactivate_booklet(act: Act, *, booklet: str, comment: str) -> None:
    """Undo a mistaken void: booklet and case return to the state they had; another person than who voided it."""
    found = lock_booklet(act.session, booklet)
    use, undone = reactivation(act.session, act.case, found, act.actor)
    use.voided_at = None
    entry = ledger.last_movement(act.session, booklet)
    post(act, found, "REINGRESO_REACTIVACION", entry.from_place, reverses=entry)
    set_state(act, found, B(undone.data["booklet_was"]))
    act.case.booklet_number, act.comment = booklet, comment
    act.to_state = State(str(undone.from_state))


def reactivation(
    session: Session, case: PassportCase, booklet: Booklet, actor: Actor
) -> tuple[Personalisation, CaseEvent]:
    """The use and the void that `actor` undoes when he reactivates `booklet` on `case`; a `DomainError` if he may not.

    Never a booklet that was printed for another case or destroyed, and never one whose void he did or asked for.
    """
    undone = _last_void(session, case, booklet.number)
    use = session.scalars(
        select(Personalisation)
        .where(Personalisation.booklet_number == booklet.number, Personalisation.case_id == case.id)
        .order_by(Personalisation.id.desc())
    ).first()
    if booklet.state != B.ANULADA or undone is None or use is None:
        raise Unavailable(N_("Booklet %(number)s was not voided on this case."), field="booklet", number=booklet.number)
    _refuse_reactivation(session, case, booklet)
    if actor.user_id in (undone.user_id, undone.data.get("asked", {}).get("by_id")):
        raise Refused(N_("Who voided a booklet cannot reactivate it: a second person must."))
    return use, undone


def _last_void(session: Session, case: PassportCase, booklet: str) -> CaseEvent | None:
    last = session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.booklet_number == booklet)
        .order_by(CaseEvent.id.desc())
        .limit(1)
    ).first()
    return last if last is not None and "booklet_was" in last.data else None


def _refuse_reactivation(session: Session, case: PassportCase, booklet: Booklet) -> None:
    if booklet.place == Account.DESTROYED:
        raise Unavailable(
            N_("Booklet %(number)s was destroyed: it cannot come back."), field="booklet", number=booklet.number
        )
    if not session.get_one(VoidType, booklet.void_type_code).reversible:
        raise BadValue(
            N_("A booklet voided as %(code)s cannot be reactivated."), field="booklet", code=booklet.void_type_code
        )
    if case.booklet_number not in (None, booklet.number):
        raise Unavailable(N_("The case already has booklet %(number)s."), field="booklet", number=case.booklet_number)


@transition(
    "T19",
    from_states=(State.ENROLADA,),
    to_state=None,
    permission=Permission.CORRECT_CASES,
    label=N_("Correct data"),
    event=Event.CORRECCION,
    module="CORRECCION",
    fields=(CHANGES, CORRECTION_REASON, EXPLANATION),
)
def correct(act: Act, *, changes: dict[str, Any], reason: str | None, comment: str) -> None:
    """Correct the data of a case before printing; what was there before stays in the log."""
    act.reason_code, act.comment = reason, comment
    act.data.update(succession.apply_changes(act.session, act.case, changes))


@transition(
    "T20",
    "T21",
    from_states=(State.POST_IMPRESION, State.ENTREGADA),
    to_state=State.CORREGIDA,
    permission=Permission.CORRECT_CASES,
    label=N_("Correct with a new case"),
    event=Event.CORRECCION,
    module="CORRECCION",
    fields=(CHANGES, CORRECTION_REASON, EXPLANATION),
    booklet=(None, B.ANULADA),
    confirm=N_("Correct this case? Its booklet is voided and a new case is made."),
    danger=True,
)
def correct_issued(act: Act, *, changes: dict[str, Any], reason: str | None, comment: str) -> None:
    """Correct a printed passport: its booklet is voided, the case ends as CORREGIDA, a linked new case is made."""
    void(act, lock_booklet(act.session, str(act.case.booklet_number)), AS_CORRECTED)
    act.comment = comment
    act.data.update({"reason": reason} if reason else {})
    successor = succession.make_case(act, "CORRECCION", Event.CREADO_POR_CORRECCION)
    act.data.update(succession.apply_changes(act.session, successor, changes), new_case=successor.number)


def end_former_passport(act: Act) -> None:
    """When the new passport is handed over, void the one it follows, if we issued it and nobody did before."""
    void_type = {"RENOVACION": "REN", "REPOSICION": "REP", "PRORROGA": "REN"}.get(act.case.procedure_code)
    if void_type:
        void_former(act, void_type)


def void_former(act: Act, void_type: str) -> None:
    """Void the delivered booklet that `act.case` follows, with an event on the case it belongs to."""
    number = act.case.previous_booklet
    former = act.session.scalars(
        select(PassportCase.number)
        .join(Booklet, Booklet.case_id == PassportCase.id)
        .where(Booklet.number == number, Booklet.state == B.ENTREGADA)
        .execution_options(every_site=True)
    ).first()
    if number is None or former is None:
        return
    case = lock_case(act.session, former, every_site=True)
    other = Act(act.session, TRANSITIONS["void_booklet"], case, act.actor, act.at, booklet_number=number)
    other.comment = f"{act.case.procedure_code} {act.case.number}"
    _void_of_case(other, void_type)
    record(other)
