"""Profiles held at one site, or for a time: given with a reason, ended at any moment, never erased (module 50).

What a user holds at every one of his sites without an end stays Flask-AppBuilder's own; see `models.accounts`.
"""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from models.accounts import UserAssignment
from models.base import utc_now
from models.catalogs import Site
from models.clock import local_date
from models.text import N_
from models.users import Role
from security.actor import Actor
from security.errors import BadValue, NotFound, WrongState
from workflow.users import account_of_another, stamp

#: An assignment that ends within so many days is marked.
SOON = dt.timedelta(days=7)
SHOWN_AT_MOST = 100
LONGEST_REASON = 200
LATEST = dt.date(2100, 1, 1)


def of_user(session: Session, user_id: int) -> Sequence[UserAssignment]:
    """The assignments of a user that hold or will hold, then those of the past; at most SHOWN_AT_MOST."""
    query = select(UserAssignment).where(UserAssignment.user_id == user_id)
    query = query.options(joinedload(UserAssignment.given_by)).limit(SHOWN_AT_MOST)
    return session.scalars(
        query.order_by(UserAssignment.ended_at.isnot(None), UserAssignment.valid_until.desc().nulls_first())
    ).all()


def is_over(assignment: UserAssignment, today: dt.date) -> bool:
    """Whether it holds no more and will not again."""
    return assignment.ended_at is not None or (assignment.valid_until is not None and assignment.valid_until < today)


def ends_soon(assignment: UserAssignment, today: dt.date) -> bool:
    """Whether it holds or will hold, and ends within SOON."""
    until = assignment.valid_until
    return not is_over(assignment, today) and until is not None and until - today <= SOON


def ending_soon(session: Session) -> Sequence[UserAssignment]:
    """The assignments of everybody that end within SOON, the first to end first; at most SHOWN_AT_MOST."""
    today = local_date(utc_now())
    query = select(UserAssignment).where(
        UserAssignment.ended_at.is_(None), UserAssignment.valid_until.between(today, today + SOON)
    )
    return session.scalars(query.order_by(UserAssignment.valid_until, UserAssignment.id).limit(SHOWN_AT_MOST)).all()


def give(
    session: Session,
    actor: Actor,
    user_id: int,
    *,
    profile: int,
    site: str | None,
    valid_from: dt.date,
    valid_until: dt.date | None,
    reason: str,
) -> UserAssignment:
    """Let another hold `profile` (id) at `site` (None: at each of his) from a day to a day (None: until it is ended).

    `BadValue` names the field; two of the same at once are refused, saying which days the other has.
    """
    user = account_of_another(session, actor, user_id)
    role = session.get(Role, profile)
    if role is None or not role.active:
        raise BadValue(N_("A profile or site that was chosen cannot be given."), field="profile")
    _refuse_site(session, site, valid_until)
    _refuse_days(valid_from, valid_until)
    given = UserAssignment(
        user_id=user.id, role_id=role.id, site_code=site, valid_from=valid_from, valid_until=valid_until,
        reason=_reason(reason), given_by_id=actor.user_id, given_at=utc_now(),
    )  # fmt: skip
    _refuse_twice(session, given)
    try:
        with session.begin_nested():
            session.add(given)
    except IntegrityError as clash:
        raise BadValue(N_("Somebody gave this profile for these days just now."), field="profile") from clash
    stamp(user, actor)
    return given


def prolong(session: Session, actor: Actor, assignment_id: int, *, valid_until: dt.date | None) -> UserAssignment:
    """Let an assignment that is not over end on another day, today at the earliest (None: until it is ended)."""
    found = _current(session, actor, assignment_id)
    _refuse_days(max(found.valid_from, local_date(utc_now())), valid_until)
    _refuse_site(session, found.site_code, valid_until)
    found.valid_until = valid_until
    _refuse_twice(session, found)
    session.flush()
    return found


def end(session: Session, actor: Actor, assignment_id: int) -> UserAssignment:
    """End an assignment now: it gives nothing from this moment."""
    found = _current(session, actor, assignment_id)
    found.ended_at, found.ended_by_id = utc_now(), actor.user_id
    session.flush()
    return found


def _current(session: Session, actor: Actor, assignment_id: int) -> UserAssignment:
    found = session.get(UserAssignment, assignment_id, with_for_update={"of": UserAssignment})
    if found is None:
        raise NotFound(N_("There is no such assignment."))
    stamp(account_of_another(session, actor, found.user_id), actor)
    if is_over(found, local_date(utc_now())):
        raise WrongState(N_("This assignment is over: give another one."))
    return found


def _refuse_site(session: Session, site: str | None, valid_until: dt.date | None) -> None:
    if site is None:
        if valid_until is None:
            raise BadValue(N_("At every site and without an end, mark it among the profiles above."), field="site")
        return
    place = session.get(Site, site)
    if place is None or not place.active:
        raise BadValue(N_("A profile or site that was chosen cannot be given."), field="site")


def _refuse_days(first: dt.date, last: dt.date | None) -> None:
    if not dt.date(2000, 1, 1) <= first <= LATEST:
        raise BadValue(N_("This is not a date."), field="valid_from")
    if last is not None and last < max(first, local_date(utc_now())):
        raise BadValue(N_("It cannot end before it starts, nor in the past."), field="valid_until")
    if last is not None and last > LATEST:
        raise BadValue(N_("This is not a date."), field="valid_until")


def _reason(typed: str) -> str:
    reason = " ".join(typed.replace("\x00", "").split())
    if not reason:
        raise BadValue(N_("This is missing."), field="reason")
    if len(reason) > LONGEST_REASON:
        raise BadValue(
            N_("This is longer than %(longest)s characters."), field="reason", longest=LONGEST_REASON
        )  # fmt: skip
    return reason


def _refuse_twice(session: Session, wanted: UserAssignment) -> None:
    """Say which assignment has some of the days; the database excludes it besides."""
    query = select(UserAssignment).where(
        UserAssignment.user_id == wanted.user_id,
        UserAssignment.role_id == wanted.role_id,
        UserAssignment.site_code.is_not_distinct_from(wanted.site_code),
        UserAssignment.ended_at.is_(None),
        UserAssignment.valid_from <= (wanted.valid_until or dt.date.max),
        or_(UserAssignment.valid_until.is_(None), UserAssignment.valid_until >= wanted.valid_from),
    )
    with session.no_autoflush:
        other = session.scalars(query.where(UserAssignment.id != wanted.id) if wanted.id else query).first()
    if other is not None:
        raise BadValue(
            N_("The user has this profile there from %(first)s to %(last)s already: change or end that one."),
            field="profile", first=f"{other.valid_from:%d/%m/%Y}",
            last=f"{other.valid_until:%d/%m/%Y}" if other.valid_until else "…",
        )  # fmt: skip
