"""Who is logged in where: one's own sessions and tokens, another's for who may edit users, and tokens for stations."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.sessions import UserSession
from models.text import N_
from models.users import User
from security.actor import SYSTEM_USERNAME, Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused
from security.looks import log_event
from security.permissions import Permission
from security.roles import STATION, STATION_PROFILE
from security.sessions import end_every, end_session, open_session

PAGE = 50
LONGEST_NAME = 60
LONGEST_TOKEN_DAYS = 730


@dataclass(frozen=True)
class LiveToken:
    """A token that lives, whose it is, and who issued it (None: got with a password)."""

    token: UserSession
    owner: User
    issuer: User | None


def _live(kinds: Collection[str]) -> Select[UserSession]:
    """What has not ended or expired, and whose account's sessions were not ended all at once."""
    same_epoch = and_(User.id == UserSession.user_id, User.session_epoch == UserSession.epoch)
    query = select(UserSession).join(User, same_epoch)
    alive = UserSession.ended_at.is_(None), UserSession.expires_at > utc_now(), User.active.is_(True)
    return query.where(UserSession.kind.in_(kinds), *alive)


def _of(session: Session, user_id: int, idle: dt.timedelta) -> list[UserSession]:
    used = or_(UserSession.kind != "web", UserSession.seen_at > utc_now() - idle)
    query = _live(("web", "token", "station")).where(UserSession.user_id == user_id, used)
    return list(session.scalars(query.order_by(UserSession.seen_at.desc(), UserSession.id.desc())))


def mine(session: Session, actor: Actor, idle: dt.timedelta) -> list[UserSession]:
    """The actor's own sessions and tokens, the latest used first; `idle`: how long a browser's lives unused."""
    return _of(session, actor.user_id, idle)


def of_user(session: Session, actor: Actor, user_id: int, idle: dt.timedelta) -> tuple[User, list[UserSession]]:
    """Another's, for who may edit users."""
    user = _editable(session, actor, user_id)
    return user, _of(session, user.id, idle)


def _editable(session: Session, actor: Actor, user_id: int) -> User:
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    user = session.get(User, user_id)
    if user is None or user.username == SYSTEM_USERNAME:
        raise NotFound(N_("There is no such user."))
    return user


def end(session: Session, actor: Actor, session_id: int) -> UserSession:
    """End one session or token: one's own, or anybody's for who may edit users."""
    found = session.get(UserSession, session_id)
    own = found is not None and found.user_id == actor.user_id
    if found is None or not (own or actor.may(Permission.EDIT_USERS)):
        raise NotFound(N_("There is no such session."))
    if actor.session is not None and actor.session.id == found.id:
        raise Refused(N_("This is the session you are in: sign out to end it."))
    if not end_session(session, found.id, "owner" if own else "admin", actor.user_id):
        raise Refused(N_("This session had ended already."))
    what = "session.ended" if found.kind == "web" else "token.revoked"
    log_event(session, found.user_id, what, actor.address, by=actor.user_id, row=found.id, kind=found.kind)
    return found


def end_others(session: Session, actor: Actor) -> None:
    """End all of one's own sessions and tokens but this one."""
    end_every(session, actor.user_id, but=actor.session.id if actor.session else None)
    log_event(session, actor.user_id, "session.ended_all", actor.address, by=actor.user_id)


def end_all_of(session: Session, actor: Actor, user_id: int) -> User:
    """End all sessions and tokens of another."""
    user = _editable(session, actor, user_id)
    if user.id == actor.user_id:
        raise Refused(N_("Nobody does this to his own account: ask another administrator."))
    end_every(session, user.id)
    log_event(session, user.id, "session.ended_all", actor.address, by=actor.user_id)
    return user


def log_out(session: Session, actor: Actor) -> None:
    """End the session the actor is in."""
    if actor.session is not None and end_session(session, actor.session.id, "logout", actor.user_id):
        log_event(session, actor.user_id, "session.logout", actor.address)


# ---- tokens


def live_tokens(session: Session, actor: Actor, before: int | None = None) -> list[LiveToken]:
    """At most PAGE tokens that live, the latest first, those with an id below `before`."""
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    query = _live(("token", "station")).where(UserSession.kind != "web")
    if before is not None:
        query = query.where(UserSession.id < before)
    found = list(session.scalars(query.order_by(UserSession.id.desc()).limit(PAGE)))
    people = {one.user_id for one in found} | {one.issued_by_id for one in found if one.issued_by_id}
    known = {user.id: user for user in session.scalars(select(User).where(User.id.in_(people)))}
    return [LiveToken(one, known[one.user_id], known.get(one.issued_by_id or 0)) for one in found]


def stations(session: Session) -> list[User]:
    """The accounts that hold the profile of a capture station."""
    holds = User.roles.any(name=STATION_PROFILE.code)
    return list(session.scalars(select(User).where(User.active.is_(True), holds).order_by(User.username)))


def issue(session: Session, actor: Actor, username: str, name: str, days: str) -> tuple[User, str, dt.timedelta]:
    """A named token for a station's account: the account, the key that the token carries, and how long it lasts.

    Only accounts that may nothing but what stations do are issued one: nobody gets a token to act as a person.
    """
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    label = " ".join(name.split())
    if not 1 <= len(label) <= LONGEST_NAME:
        raise BadValue(N_("From 1 to %(most)s characters."), field="name", most=LONGEST_NAME)
    if not (days.isascii() and days.isdigit() and 1 <= int(days[:6]) <= LONGEST_TOKEN_DAYS):
        raise BadValue(N_("A whole number of days from 1 to %(most)s."), field="days", most=LONGEST_TOKEN_DAYS)
    station = load_actor(session, username=username)
    if station is None or not station.active or not station.permissions or not station.permissions <= STATION:
        raise BadValue(N_("This account is no capture station."), field="account")
    lasting = dt.timedelta(days=int(days))
    key = open_session(session, station.user_id, "station", lasting, label=label, issued_by=actor.user_id)
    log_event(session, station.user_id, "token.issued", actor.address, by=actor.user_id, name=label, days=int(days))
    return session.get_one(User, station.user_id), key, lasting
