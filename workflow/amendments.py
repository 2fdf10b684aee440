"""What changes a passport after the fact: void, reactivate, correct, extend (SPEC 2; M:L1217-L1229)."""

from typing import Any

from sqlalchemy import select

from models.booklets import Booklet, Personalisation
from models.booklets import BookletState as B
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import VoidType
from models.stock import Account
from models.text import N_
from security.errors import BadValue, Refused, Unavailable
from security.permissions import Permission
from workflow import succession
from workflow.booklets import live_personalisation, lock_booklet, post, set_state, void
from workflow.fields import Field, Kind
from workflow.machine import TRANSITIONS, Act, lock_case, record, transition
from workflow.stock import ledger

REASON = Field("comment", N_("Reason"), Kind.COMMENT)
VOID_TYPE = Field("void_type", N_("Void type"), Kind.VOID_TYPE, among=(("modules", "ANULAR_LIBRETA"),))
#: Reasons of a replacement that void the former booklet at once; the others do so at delivery.
LOST_OR_STOLEN = frozenset({"ROB", "HUR", "EXT"})


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
    undone = _last_void(act, booklet)
    use = act.session.scalars(
        select(Personalisation)
        .where(Personalisation.booklet_number == booklet, Personalisation.case_id == act.case.id)
        .order_by(Personalisation.id.desc())
    ).first()
    if found.state != B.ANULADA or undone is None or use is None:
        raise Unavailable(N_("Booklet %(number)s was not voided on this case."), field="booklet", number=booklet)
    _refuse_reactivation(act, found, undone)
    use.voided_at = None
    entry = ledger.last_movement(act.session, booklet)
    post(act, found, "REINGRESO_REACTIVACION", entry.from_place, reverses=entry)
    set_state(act, found, B(undone.data["booklet_was"]))
    act.case.booklet_number, act.comment = booklet, comment
    act.to_state = State(str(undone.from_state))


def _last_void(act: Act, booklet: str) -> CaseEvent | None:
    last = act.session.scalars(
        select(CaseEvent)
        .where(CaseEvent.case_id == act.case.id, CaseEvent.booklet_number == booklet)
        .order_by(CaseEvent.id.desc())
        .limit(1)
    ).first()
    return last if last is not None and "booklet_was" in last.data else None


def _refuse_reactivation(act: Act, booklet: Booklet, undone: CaseEvent) -> None:
    if booklet.place == Account.DESTROYED:
        raise Unavailable(
            N_("Booklet %(number)s was destroyed: it cannot come back."), field="booklet", number=booklet.number
        )
    if not act.session.get_one(VoidType, booklet.void_type_code).reversible:
        raise BadValue(
            N_("A booklet voided as %(code)s cannot be reactivated."), field="booklet", code=booklet.void_type_code
        )
    if act.case.booklet_number not in (None, booklet.number):
        raise Unavailable(
            N_("The case already has booklet %(number)s."), field="booklet", number=act.case.booklet_number
        )
    if undone.user_id == act.actor.user_id:
        raise Refused(N_("Who voided a booklet cannot reactivate it: a second person must."))


@transition(
    "T19",
    from_states=(State.ENROLADA,),
    to_state=None,
    permission=Permission.CORRECT_CASES,
    label=N_("Correct data"),
    event=Event.CORRECCION,
    module="CORRECCION",
    fields=(Field("changes", N_("Corrected data"), Kind.DATA), REASON),
)
def correct(act: Act, *, changes: dict[str, Any], comment: str) -> None:
    """Correct the data of a case before printing; what was there before stays in the log."""
    act.comment = comment
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
    fields=(Field("changes", N_("Corrected data"), Kind.DATA), REASON),
    booklet=(None, B.ANULADA),
    confirm=N_("Correct this case? Its booklet is voided and a new case is made."),
    danger=True,
)
def correct_issued(act: Act, *, changes: dict[str, Any], comment: str) -> None:
    """Correct a printed passport: its booklet is voided, the case ends as CORREGIDA, a linked new case is made."""
    void(act, lock_booklet(act.session, str(act.case.booklet_number)), "COR")
    act.comment = comment
    successor = succession.make_case(act, "CORRECCION", Event.CREADO_POR_CORRECCION)
    act.data.update(succession.apply_changes(act.session, successor, changes), new_case=successor.number)


@transition(
    from_states=(State.ENTREGADA,),
    to_state=None,
    permission=Permission.EXTEND_PASSPORTS,
    label=N_("Extend"),
    event=Event.CREADO_POR_PRORROGA,
    module="PRORROGA",
    fields=(REASON,),
    confirm=N_("Extend this passport? A new case is made with its data and pictures."),
)
def extend(act: Act, *, comment: str) -> None:
    """Make a new case from a passport that expired or soon will; the old expiry is never edited (M:L1229)."""
    use = live_personalisation(act.session, str(act.case.booklet_number))
    if use is None:
        raise Unavailable(N_("The booklet of case %(number)s was voided."), number=act.case.number)
    succession.refuse_early_extension(use.expires_on, act.at)
    succession.refuse_second_extension(act.session, act.case)
    act.comment = comment
    act.data.update(new_case=succession.make_case(act, "PRORROGA", Event.CREADO_POR_PRORROGA).number)


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
