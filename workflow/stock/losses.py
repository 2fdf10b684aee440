"""Booklets reported lost or stolen: blocked everywhere at once, whatever they are; confirmed later; found again.

A report voids blanks as a lot, wherever they lie, and booklets of cases on their cases, all or none. What is voided as
gone lists itself for SLTD (migration 0014), here with the facts of the report (docs/decisions/0018).
"""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet, BookletState
from models.cases import PassportCase
from models.catalogs import Country, Warehouse
from models.clock import local_date
from models.lost_documents import LossKind, LossReport
from models.stock import Account, StockDocument
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from workflow import loss_facts
from workflow.booklets import moved
from workflow.machine import perform
from workflow.stock import arrivals, blank_lots, ledger
from workflow.stock.blanks import reason
from workflow.stock.documents import allow, concerns, free_text, sees
from workflow.stock.holdings import joined
from workflow.stock.run_sets import size, without
from workflow.stock.serials import Run, runs_of, runs_text

#: Booklets in one report: two lots of the largest kind.
AT_MOST = 200_000
#: Of these, booklets of cases, which are voided one by one.
USED_AT_MOST = 200
_USED = (BookletState.ASIGNADA, BookletState.IMPRESA, BookletState.ENTREGADA)


def report(
    session: Session,
    actor: Actor,
    runs: Sequence[Run],
    *,
    kind: str,
    lost_on: str,
    country: str,
    place: str,
    police_reference: str,
    remarks: str,
) -> LossReport:
    """Block every booklet of `runs` at once and list it; all or none.

    `lost_on` is YYYY-MM-DD. `Unavailable` names the ranges that are not where `actor` acts or are void already, and
    of the first of them who did what to it when.
    """
    allow(actor, Permission.VOID_BOOKLETS)
    lost = joined(runs)
    _refuse_size(lost)
    made = LossReport(
        kind=_kind(kind), lost_on=_day(lost_on), country_code=_country(session, country),
        place=free_text("place", place, 120), police_reference=free_text("police_reference", police_reference, 60),
        remarks=reason(remarks), booklets=size(lost), reported_by_id=actor.user_id, reported_at=utc_now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    with loss_facts.known(session, kind=made.kind, on=made.lost_on, country=made.country_code, report=made.id):
        used = _void_used(session, actor, lost, made)
        _void_blanks(session, actor, without(lost, used), made)
    return made


def confirm(session: Session, actor: Actor, number: int) -> LossReport:
    """A second person confirms a report."""
    allow(actor, Permission.VOID_BOOKLETS)
    made = session.get(LossReport, number, with_for_update=True, populate_existing=True) if number < 2**31 else None
    if made is None:
        raise NotFound(N_("There is no loss report %(number)s."), number=number)
    if made.confirmed_at is not None:
        raise WrongState(
            N_("Loss report %(number)s was confirmed by %(user)s at %(at)s."),
            number=number, user=session.get_one(User, made.confirmed_by_id).username, at=made.confirmed_at,
        )  # fmt: skip
    if made.reported_by_id == actor.user_id:
        raise Refused(N_("You reported this loss: a second person must confirm it."))
    made.confirmed_by_id, made.confirmed_at = actor.user_id, utc_now()
    session.flush()
    return made


def bring_back(session: Session, actor: Actor, runs: Sequence[Run], *, remarks: str) -> int:
    """Blanks that were reported lost and found again are back where they were, and withdrawn from the list; how many.

    By another person than who reported them; all or none. Passports once reported stay void, as SLTD expects.
    """
    allow(actor, Permission.REACTIVATE_BOOKLETS)
    found, why = joined(runs), reason(remarks)
    _refuse_size(found)
    own = [place.code for place in session.scalars(select(Warehouse)) if sees(actor, place)]
    wrong = blank_lots.not_lost(session, found, own)
    if not wrong and blank_lots.bring_back(session, actor, found, own, remarks=why, at=utc_now()) == size(found):
        return size(found)
    if not wrong:
        raise Refused(N_("Who reported a booklet lost cannot bring it back: a second person must."))
    raise Unavailable(
        N_("Nothing was changed. These are no blanks that were reported lost at your sites: %(ranges)s."),
        field="numbers", ranges=runs_text(wrong),
    )  # fmt: skip


def countries(session: Session) -> list[Country]:
    """The countries in use."""
    return list(session.scalars(select(Country).where(Country.active).order_by(Country.name)))


def _refuse_size(runs: Sequence[Run]) -> None:
    if not runs:
        raise BadValue(N_("This is missing."), field="numbers")
    if size(runs) > AT_MOST:
        raise BadValue(
            N_("These are %(count)s booklets: at most %(most)s are taken at once."),
            field="numbers", count=size(runs), most=AT_MOST,
        )  # fmt: skip


def _kind(text: str) -> LossKind:
    if text not in set(LossKind):
        raise BadValue(N_("%(value)s is not one of the choices."), field="kind", value=text[:16])
    return LossKind(text)


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise BadValue(N_("This is not a date."), field="lost_on") from None
    if day > local_date(utc_now()) or day.year < 1990:
        raise BadValue(N_("The day of the loss is past, or today."), field="lost_on")
    return day


def _country(session: Session, code: str) -> str:
    country = session.get(Country, code)
    if country is None or not country.active:
        raise BadValue(N_("%(value)s is not one of the choices."), field="country", value=code[:16])
    return country.code


def _void_used(session: Session, actor: Actor, runs: Sequence[Run], made: LossReport) -> list[Run]:
    """Void the booklets of cases that are among `runs`, each on its case; which they are."""
    found = [pair for run in runs for pair in _used(session, run)]
    if len(found) > USED_AT_MOST:
        raise BadValue(
            N_("More than %(most)s of these booklets belong to cases: report those apart, fewer at once."),
            field="numbers", most=USED_AT_MOST,
        )  # fmt: skip
    stolen = made.kind == LossKind.STOLEN
    for number, state, case in sorted(found, key=lambda pair: pair[2]):
        handed_over = "ROB" if stolen else "EXT"
        void_type = handed_over if state == BookletState.ENTREGADA else "EXB"
        perform(session, "void_booklet", case, actor, void_type=void_type, comment=made.remarks[:500])
        _refuse_another(session, number)
    return runs_of(number for number, _state, _case in found)


def _used(session: Session, run: Run) -> list[tuple[str, BookletState, str]]:
    """Number, state and case of the booklets of `run` that are used, of cases the actor sees; one more than allowed."""
    query = (
        select(Booklet.number, Booklet.state, PassportCase.number)
        .join(PassportCase, PassportCase.id == Booklet.case_id)
        .where(Booklet.number.between(run.first_number, run.last_number), Booklet.state.in_(_USED))
        .limit(USED_AT_MOST + 1)
    )
    return [(number, state, case) for number, state, case in session.execute(query)]


def _refuse_another(session: Session, number: str) -> None:
    """Refuse when the case had got another booklet meanwhile, and that one was voided."""
    booklet = session.get_one(Booklet, number, populate_existing=True)
    if booklet.state != BookletState.ANULADA:
        raise moved(session, booklet)


def _void_blanks(session: Session, actor: Actor, runs: Sequence[Run], made: LossReport) -> None:
    if not runs:
        return
    # A receiver, too, takes the document before the booklets.
    for transfer in _transfers(blank_lots.places_of(session, runs)):
        arrivals.hold(session, transfer)
    places = [place for place in blank_lots.places_of(session, runs) if _acts_at(session, actor, place)]
    if blank_lots.lock(session, runs, places) < size(runs):
        raise _not_there(session, blank_lots.others(session, runs, places))
    blank_lots.void(session, actor, runs, places, void_type="EXB", remarks=made.remarks, at=made.reported_at)
    for transfer in _transfers(places):
        arrivals.settle(session, transfer)


def _transfers(places: Sequence[str]) -> list[int]:
    return sorted(int(ledger.owner_of(place)) for place in places if ledger.account_of(place) == Account.TRANSIT)


def _acts_at(session: Session, actor: Actor, place: str) -> bool:
    if ledger.account_of(place) == Account.TRANSIT:
        return concerns(session, session.get_one(StockDocument, int(ledger.owner_of(place))), actor)
    return sees(actor, session.get_one(Warehouse, ledger.owner_of(place)))


def _not_there(session: Session, wrong: Sequence[Run]) -> Unavailable:
    booklet = session.get(Booklet, wrong[0].first_number, populate_existing=True) if wrong else None
    if booklet is None:
        return Unavailable(
            N_("Nothing was blocked. These are no booklets of your sites: %(ranges)s."),
            field="numbers", ranges=runs_text(wrong),
        )  # fmt: skip
    last = ledger.last_movement(session, booklet.number)
    return Unavailable(
        N_("Nothing was blocked, because of %(ranges)s. Booklet %(number)s is %(state)s: %(user)s posted “%(label)s” "
           "at %(at)s."),
        field="numbers", ranges=runs_text(wrong), number=booklet.number, state=booklet.state,
        user=session.get_one(User, last.user_id).username, label=ledger.KINDS[last.kind].label, at=last.at,
    )  # fmt: skip
