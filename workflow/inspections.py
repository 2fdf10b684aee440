"""Second inspections: accepted booklets drawn by chance, at a rate and up to a cap a month, and what waits for one.

The draw is the server's and is written down with the rate and the cap that held; nobody can foresee or repeat it. The
cap is kept under an advisory lock of the site, taken only by those whom chance has hit; unique numbers prove it.
"""

import datetime as dt
import secrets
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, object_session

from models.base import utc_now
from models.booklets import Personalisation
from models.cases import PassportCase
from models.catalogs import Site
from models.clock import local_date
from models.inspections import InspectionResult, InspectionSetting, SecondInspection
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, Unavailable
from security.permissions import Permission
from workflow.booklets import personalisation_of
from workflow.machine import Act

EVERYWHERE = "*"
WAITING_AT_MOST = 100
LARGEST_CAP = 100_000
_LOCK = 7302
#: Draws are made in hundredths of a per cent.
_TICKETS = 10_000


@dataclass(frozen=True)
class Waiting:
    """A drawn booklet that waits for its second inspection; `first` is who accepted it."""

    case: PassportCase
    booklet_number: str
    site_code: str
    drawn_at: dt.datetime
    first: str
    refused: bool


@dataclass(frozen=True)
class SiteSetting:
    """What holds at a printing site: its rate (per cent) and cap, whether they are its `own`, the month's draws."""

    code: str
    name: str
    rate: Decimal
    monthly_cap: int
    own: bool
    drawn: int


def draw(act: Act, use: Personalisation) -> SecondInspection | None:
    """Let chance say whether this booklet, accepted just now, is inspected again; the draw is written down."""
    session, setting = act.session, _setting(act.session, use.site_code)
    if setting is None or secrets.randbelow(_TICKETS) >= setting.rate * _TICKETS / 100:
        return None
    session.execute(
        text("select pg_advisory_xact_lock(:lock, hashtext(:site))"), {"lock": _LOCK, "site": use.site_code}
    )
    month = local_date(act.at).replace(day=1)
    number = _drawn(session, use.site_code, month) + 1
    if number > setting.monthly_cap:
        return None
    session.flush()
    drawn = SecondInspection(
        personalisation_id=use.id,
        site_code=use.site_code,
        month=month,
        number=number,
        rate=setting.rate,
        monthly_cap=setting.monthly_cap,
        drawn_at=act.at,
        first_user_id=act.actor.user_id,
    )
    session.add(drawn)
    session.flush()
    act.data.update(second_inspection=number)
    return drawn


def _setting(session: Session, site: str) -> InspectionSetting | None:
    return session.get(InspectionSetting, site) or session.get(InspectionSetting, EVERYWHERE)


def _drawn(session: Session, site: str, month: dt.date) -> int:
    numbers = select(func.max(SecondInspection.number)).where(
        SecondInspection.site_code == site, SecondInspection.month == month
    )
    return session.scalar(numbers) or 0


def inspection_of(session: Session, use: Personalisation) -> SecondInspection | None:
    """The inspection that this use of a booklet was drawn for and has not passed."""
    return session.scalars(
        select(SecondInspection).where(
            SecondInspection.personalisation_id == use.id,
            SecondInspection.result.is_distinct_from(InspectionResult.PASSED),
        )
    ).first()


def waits(case: PassportCase) -> bool:
    """Whether the booklet of `case` was drawn and has not passed its second inspection."""
    session = object_session(case)
    if session is None or case.booklet_number is None:
        return False
    drawn = (
        select(SecondInspection.id)
        .join(Personalisation, Personalisation.id == SecondInspection.personalisation_id)
        .where(
            Personalisation.case_id == case.id,
            Personalisation.voided_at.is_(None),
            SecondInspection.result.is_distinct_from(InspectionResult.PASSED),
        )
    )
    return session.scalar(drawn) is not None


def is_drawn(session: Session, number: str) -> bool:
    """Whether the booklet of the case `number`, among those the actor sees, waits for a second inspection."""
    case = session.scalars(select(PassportCase).where(PassportCase.number == number)).first()
    return case is not None and waits(case)


def refuse_uninspected(act: Act) -> None:
    """Raise `Unavailable` while the booklet of the case waits for its second inspection."""
    drawn = inspection_of(act.session, personalisation_of(act))
    if drawn is None:
        return
    first = act.session.get(User, drawn.first_user_id)
    raise Unavailable(
        N_(
            "Booklet %(number)s was drawn at %(at)s for a second inspection, which it has not passed: somebody at "
            "quality control other than %(user)s must inspect it first."
        ),
        number=str(act.case.booklet_number),
        at=drawn.drawn_at,
        user=first.username if first else "?",
    )


def to_inspect(act: Act) -> tuple[Personalisation, SecondInspection]:
    """The live use and its open inspection; `Refused` for who accepted the booklet or printed it."""
    use = personalisation_of(act)
    drawn = inspection_of(act.session, use)
    if drawn is None:
        raise Unavailable(N_("Booklet %(number)s waits for no second inspection."), number=use.booklet_number)
    if hindrance(use, drawn, act.actor):
        raise Refused(hindrance(use, drawn, act.actor))
    return use, drawn


def hindrance(use: Personalisation, drawn: SecondInspection, actor: Actor) -> str:
    """Why `actor` cannot be the second person, as a message id; empty when he can."""
    if actor.user_id == drawn.first_user_id:
        return N_("You accepted this booklet; somebody else must inspect it.")
    if actor.user_id in (use.printed_by_id, use.assigned_by_id):
        return N_("You printed this booklet; somebody else must inspect it.")
    return ""


def conclude(act: Act, drawn: SecondInspection, result: InspectionResult, reason: str | None) -> None:
    """Write down how the inspection ended, and who says so."""
    drawn.second_user_id, drawn.at = act.actor.user_id, act.at
    drawn.result, drawn.reason = result, reason
    act.session.flush()


def waiting(session: Session, actor: Actor, booklet: str = "") -> list[Waiting]:
    """Drawn booklets of the actor's sites that wait, longest first, at most WAITING_AT_MOST; or only `booklet`."""
    if not actor.may(Permission.CHECK_QUALITY):
        raise NotAllowed()
    query = (
        select(PassportCase, Personalisation.booklet_number, SecondInspection, User.username)
        .join(Personalisation, Personalisation.id == SecondInspection.personalisation_id)
        .join(PassportCase, PassportCase.id == Personalisation.case_id)
        .join(User, User.id == SecondInspection.first_user_id)
        .where(
            SecondInspection.result.is_distinct_from(InspectionResult.PASSED),
            Personalisation.voided_at.is_(None),
        )
        .order_by(SecondInspection.drawn_at, SecondInspection.id)
        .limit(WAITING_AT_MOST)
    )
    if booklet:
        query = query.where(Personalisation.booklet_number == booklet)
    actor = actor.by(Permission.CHECK_QUALITY)
    if actor.sites is not None:
        query = query.where(SecondInspection.site_code.in_(sorted(actor.sites)))
    return [
        Waiting(case, booklet, drawn.site_code, drawn.drawn_at, first, drawn.result is not None)
        for case, booklet, drawn, first in session.execute(query)
    ]


def settings(session: Session, actor: Actor) -> tuple[SiteSetting, list[SiteSetting]]:
    """What holds where nothing else is set, and at each printing site, with this month's draws; by site name."""
    _may_set(actor)
    month = local_date(utc_now()).replace(day=1)
    counted = select(SecondInspection.site_code, func.max(SecondInspection.number)).where(
        SecondInspection.month == month
    )
    drawn = {code: number for code, number in session.execute(counted.group_by(SecondInspection.site_code))}
    found = {setting.site_code: setting for setting in session.scalars(select(InspectionSetting))}
    sites = session.execute(select(Site.code, Site.name).where(Site.active, Site.prints).order_by(Site.name))
    general = _shown(EVERYWHERE, "", found, drawn)
    return general, [_shown(code, name, found, drawn) for code, name in sites]


def _shown(code: str, name: str, found: dict[str, InspectionSetting], drawn: dict[str, int]) -> SiteSetting:
    setting = found.get(code) or found.get(EVERYWHERE)
    rate, cap = (setting.rate, setting.monthly_cap) if setting else (Decimal(0), 0)
    return SiteSetting(code, name, rate.normalize() + 0, cap, code in found, drawn.get(code, 0))


def set_rate(session: Session, actor: Actor, site: str, rate: str, monthly_cap: str) -> None:
    """Set what holds at `site`, or (`*`) where nothing else is set; both blank: the site follows the general setting.

    Raises `BadValue` naming the field, `NotFound` for a site that does not print. The caller commits.
    """
    _may_set(actor)
    prints = select(Site.code).where(Site.code == site, Site.active, Site.prints)
    if site != EVERYWHERE and session.scalar(prints) is None:
        raise NotFound(N_("There is no site %(code)s that prints."), code=site[:16])
    setting = session.get(InspectionSetting, site)
    if not rate.strip() and not monthly_cap.strip():
        if setting is not None:
            session.delete(setting)
        return
    share, cap = _percentage(rate), _count(monthly_cap)
    if setting is None:
        setting = InspectionSetting(site_code=site)
        session.add(setting)
    setting.rate, setting.monthly_cap = share, cap
    setting.changed_by_id, setting.changed_at = actor.user_id, utc_now()


def _may_set(actor: Actor) -> None:
    if not actor.may(Permission.EDIT_CATALOGS):
        raise NotAllowed()


def _percentage(typed: str) -> Decimal:
    try:
        rate = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        rate = Decimal(-1)
    if not rate.is_finite() or not 0 <= rate <= 100 or rate != round(rate, 2):
        raise BadValue(N_("The rate is a percentage from 0 to 100 with two decimals at most."), field="rate")
    return rate


def _count(typed: str) -> int:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 6 and int(digits) <= LARGEST_CAP):
        raise BadValue(N_("The cap is a whole number from 0 to %(most)s."), field="monthly_cap", most=LARGEST_CAP)
    return int(digits)
