"""Prórroga: a new case from a passport that expired or soon will; the old expiry is never edited (SPEC 2; M:L1229)."""

import calendar
import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet, Personalisation
from models.cases import Event, PassportCase, State
from models.catalogs import VoidType
from models.clock import local_date
from models.text import N_
from security.errors import DomainError, Refused, Unavailable
from security.permissions import Permission
from workflow import succession
from workflow.amendments import REASON
from workflow.booklets import LOST_OR_STOLEN, live_personalisation
from workflow.machine import Act, transition, wrong_state

_months = 6


def configure(months: int) -> None:
    """Say once, at start, in how many of its last months a passport may be extended (SPEC 2)."""
    global _months
    _months = months


def opens_on(expires_on: dt.date) -> dt.date:
    """The first day on which a passport that expires then may be extended."""
    year, month = divmod(expires_on.year * 12 + expires_on.month - 1 - _months, 12)
    return dt.date(year, month + 1, min(expires_on.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Verdict:
    """Whether the passport of `case` can be extended now: `refusal` says why not; `use` is None once it was voided."""

    case: PassportCase
    use: Personalisation | None
    refusal: DomainError | None


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
    """Make a new case from a passport that expired or soon will, with its data and pictures."""
    _extendable(act.session, act.case, act.at)
    act.comment = comment
    act.data.update(new_case=succession.make_case(act, "PRORROGA", Event.CREADO_POR_PRORROGA).number)


def verdict(session: Session, case: PassportCase) -> Verdict:
    """What `extend` would say of `case` now, for who may extend."""
    use = live_personalisation(session, case.booklet_number) if case.booklet_number else None
    if case.state != State.ENTREGADA:
        return Verdict(case, use, wrong_state(session, case))
    try:
        _extendable(session, case, utc_now())
    except DomainError as refusal:
        return Verdict(case, use, refusal)
    return Verdict(case, use, None)


def _extendable(session: Session, case: PassportCase, now: dt.datetime) -> None:
    use = live_personalisation(session, str(case.booklet_number))
    if use is None:
        raise _voided(session, str(case.booklet_number))
    if local_date(now) < opens_on(use.expires_on):
        raise Refused(
            N_("The passport is valid until %(until)s: it can be extended from %(first)s on (last %(months)s months)."),
            until=f"{use.expires_on:%d/%m/%Y}", first=f"{opens_on(use.expires_on):%d/%m/%Y}", months=_months,
        )  # fmt: skip
    _refuse_second(session, case)


def _voided(session: Session, number: str) -> Unavailable:
    booklet = session.get_one(Booklet, number)
    kind = session.get(VoidType, booklet.void_type_code) if booklet.void_type_code else None
    lost = N_("Passport %(number)s was reported lost or stolen (%(kind)s): enrol a replacement.")
    void = N_("Passport %(number)s was voided (%(kind)s): enrol a new application.")
    said = lost if kind is not None and kind.code in LOST_OR_STOLEN else void
    return Unavailable(said, number=number, kind=kind.name if kind else booklet.state)


def _refuse_second(session: Session, case: PassportCase) -> None:
    """Raise `Unavailable` while an extension of `case` stands, at whatever site; a rejected one is over."""
    other = session.scalars(
        select(PassportCase.number)
        .where(PassportCase.parent_id == case.id, PassportCase.procedure_code == "PRORROGA")
        .where(PassportCase.state.not_in([State.RECHAZADA, State.CORREGIDA]))
        .execution_options(every_site=True)
    ).first()
    if other is not None:
        raise Unavailable(N_("Case %(number)s extends this passport already."), number=other)
