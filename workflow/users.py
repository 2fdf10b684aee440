"""Usuarios: what may happen to an account (module 50; M:L1133-L1167). None is ever erased.

Flask-AppBuilder lets whoever edits users give himself any profile and set anybody's password unasked; the rules that
forbid it are here, so that every door keeps them.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.catalogs import Site, Warehouse
from models.text import N_
from models.users import Role, User
from security import factors
from security.actor import SYSTEM_USERNAME, Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused
from security.looks import log_event
from security.passwords import hash_password, one_time_password, set_password
from security.permissions import Permission
from security.sessions import end_every, new_epoch

ADMINISTRATOR = "ADMADM"
USERNAME = r"^[a-z0-9._-]{2,40}$"
_ADMINISTRATORS = 7203
#: Whether somebody is left who may change both users and profiles.
_SOMEBODY_LEFT = text(
    """
    select exists (
        select from ab_user u
         where u.active and :needed = (
            select count(distinct (p.name, v.name))
              from ab_user_role ur
              join ab_role r on r.id = ur.role_id and r.active
              join ab_permission_view_role pr on pr.role_id = r.id
              join ab_permission_view pv on pv.id = pr.permission_view_id
              join ab_permission p on p.id = pv.permission_id
              join ab_view_menu v on v.id = pv.view_menu_id
             where ur.user_id = u.id and p.name = 'can_edit' and v.name in ('Users', 'Profiles')))
    """
)


def keep_an_administrator(session: Session) -> None:
    """`Refused` when the changes made so far would leave nobody who may change users and profiles.

    Two administrators who disable each other at once pass here one after the other.
    """
    session.flush()
    session.execute(select(func.pg_advisory_xact_lock(_ADMINISTRATORS)))
    if not session.scalar(_SOMEBODY_LEFT, {"needed": 2}):
        raise Refused(N_("Nobody would be left who may change users and profiles."))


def account(session: Session, actor: Actor, user_id: int) -> User:
    """The account to be changed, locked; `NotFound` for the system's own."""
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    user = session.get(User, user_id, with_for_update={"of": User})
    if user is None or user.username == SYSTEM_USERNAME:
        raise NotFound(N_("There is no such user."))
    return user


def account_of_another(session: Session, actor: Actor, user_id: int) -> User:
    user = account(session, actor, user_id)
    if user.id == actor.user_id:
        raise Refused(N_("Nobody does this to his own account: ask another administrator."))
    return user


def stamp(user: User, actor: Actor) -> None:
    """Write on the account who changed it, and when."""
    user.changed_on = utc_now().replace(tzinfo=None)
    user.changed_by_fk = actor.user_id


def prepare(user: User, actor: Actor, hash_method: str) -> str:
    """Make an account ready to be kept: its one-time password, which is returned, and who made it."""
    if not actor.may(Permission.EDIT_USERS):
        raise NotAllowed()
    password = one_time_password(user.username)
    user.password, user.must_change_password = hash_password(password, hash_method), True
    user.active, user.session_epoch, user.created_by_fk = True, new_epoch(), actor.user_id
    stamp(user, actor)
    user.created_on = user.changed_on
    return password


def renew_password(session: Session, actor: Actor, user_id: int, hash_method: str) -> tuple[User, str]:
    """Give another's account a one-time password; his sessions and tokens end and he is no longer locked."""
    user = account_of_another(session, actor, user_id)
    password = one_time_password(user.username)
    set_password(session, user.id, hash_password(password, hash_method), must_change=True)
    log_event(session, user.id, "password.reset", actor.address, by=actor.user_id)
    stamp(user, actor)
    return user, password


def reset_second_factor(session: Session, actor: Actor, user_id: int) -> User:
    """Take away the second factor of another who lost it, and end his sessions; his profile may ask for a new one."""
    user = account_of_another(session, actor, user_id)
    if not factors.remove(session, user.id):
        raise Refused(N_("%(user)s has no second factor."), user=user.username)
    end_every(session, user.id)
    log_event(session, user.id, "factor.reset", actor.address, by=actor.user_id)
    stamp(user, actor)
    return user


def make_administrator(session: Session, username: str) -> str:
    """The account `username` with the administrator's profile, made if it is missing; returns its one-time password.

    For the console of an office that has no administrator yet, or whose only one forgot his password or lost his second
    factor, which is taken away.
    """
    if not re.fullmatch(USERNAME, username) or username == SYSTEM_USERNAME:
        raise BadValue(N_("A user name has 2 to 40 of a-z, 0-9, full stop, hyphen and underscore."), field="username")
    user = session.scalars(select(User).where(User.username == username)).first()
    if user is None:
        user = User(username=username, first_name=username, last_name="-", email=f"{username}@localhost", active=True)
        session.add(user)
    profile = session.scalars(select(Role).where(Role.name == ADMINISTRATOR)).one()
    if profile not in user.roles:
        user.roles.append(profile)
    user.active = True
    session.flush()
    password = one_time_password(username)
    set_password(session, user.id, hash_password(password), must_change=True)
    factors.remove(session, user.id)
    log_event(session, user.id, "password.reset", None, console=True)
    return password


def disable(session: Session, actor: Actor, user_id: int) -> User:
    """Close an account; its sessions and tokens end at once."""
    user = account_of_another(session, actor, user_id)
    close(session, actor, [user])
    return user


def disable_many(session: Session, actor: Actor, user_ids: Collection[int]) -> list[User]:
    """Close the accounts of others that are open, all or none; returns them."""
    found = [account_of_another(session, actor, user_id) for user_id in sorted(set(user_ids))]
    chosen = [user for user in found if user.active]
    close(session, actor, chosen)
    return chosen


def close(session: Session, actor: Actor, accounts: Iterable[User]) -> None:
    """Close locked accounts; `Refused` when nobody would be left who may change users and profiles."""
    for user in accounts:
        user.active, user.session_epoch = False, new_epoch()
        log_event(session, user.id, "session.ended_all", actor.address, by=actor.user_id)
        stamp(user, actor)
    keep_an_administrator(session)


def enable(session: Session, actor: Actor, user_id: int) -> User:
    """Open an account again; what had been open stays ended."""
    user = account_of_another(session, actor, user_id)
    user.active, user.session_epoch = True, new_epoch()
    stamp(user, actor)
    return user


def assign(session: Session, actor: Actor, user_id: int, *, profiles: Collection[int], sites: Collection[str]) -> User:
    """Give another's account exactly these profiles (ids) and sites (codes); inactive ones only if he has them now."""
    user = account_of_another(session, actor, user_id)
    user.roles = _chosen(list(session.scalars(select(Role))), user.roles, set(profiles), "id")
    user.sites = _chosen(list(session.scalars(select(Site))), user.sites, set(sites), "code")
    session.flush()
    if not works_at(session, user, user.warehouse_code):
        user.warehouse_code = None
    stamp(user, actor)
    keep_an_administrator(session)
    return user


def _chosen(offered: list[Any], held: list[Any], wanted: set[Any], key: str) -> list[Any]:
    chosen = [one for one in offered if getattr(one, key) in wanted]
    closed = [one for one in chosen if not one.active and one not in held]
    if len(chosen) != len(wanted) or closed:
        raise BadValue(N_("A profile or site that was chosen cannot be given."))
    return chosen


def works_at(session: Session, user: User, warehouse: str | None) -> bool:
    """Whether the warehouse (a code; None: none) is of a site of the user as he was stored."""
    actor, place = load_actor(session, user_id=user.id), session.get(Warehouse, warehouse) if warehouse else None
    sites = actor.sites if actor else frozenset()
    return not warehouse or sites is None or (place is not None and place.site_code in sites)


def edit_own(session: Session, actor: Actor, *, first_name: str, last_name: str, email: str) -> None:
    """Change one's own name and e-mail address."""
    user = session.get_one(User, actor.user_id)
    user.first_name, user.last_name, user.email = first_name, last_name, email
    stamp(user, actor)
