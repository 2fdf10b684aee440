"""Perfiles: what may happen to a profile (module 51; M:L1169-L1194). One that somebody holds is never erased."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.text import N_
from models.users import FabPermission, PermissionView, Role, ViewMenu
from security.actor import Actor
from security.errors import NotAllowed, NotFound, Refused
from security.permissions import BY_PAIR, WHOLE_LIFE, Permission
from workflow import whole_life
from workflow.users import keep_an_administrator

ABBREVIATION = r"^[A-Z0-9][A-Z0-9_-]{1,19}$"
_HOLDERS = text(
    "select h.role_id, count(distinct h.user_id) from held_profile h"
    " join ab_user u on u.id = h.user_id and u.active group by 1"
)
_HELD_BY = text("select 1 from held_profile where role_id = :role and user_id = :user")
_PAIRS = (
    select(PermissionView.id, FabPermission.name, ViewMenu.name)
    .join(FabPermission, PermissionView.permission_id == FabPermission.id)
    .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
)


@dataclass(frozen=True)
class Held:
    """A profile and its permissions, of those we declare, and how many active users hold it."""

    profile: Role
    permissions: frozenset[Permission]
    holders: int


def holders(session: Session) -> dict[int, int]:
    """How many active users hold each profile, by the profile's id; one statement."""
    return {role: count for role, count in session.execute(_HOLDERS)}


def whole_life_profiles(session: Session) -> set[int]:
    """The ids of the profiles that alone would let one person carry a case from start to end; one statement."""
    found: dict[int, set[Permission]] = {}
    held = select(Role.id, FabPermission.name, ViewMenu.name).select_from(Role).join(Role.permissions)
    held = held.join(FabPermission, PermissionView.permission_id == FabPermission.id)
    for role, act, screen in session.execute(held.join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)):
        if (act, screen) in BY_PAIR:
            found.setdefault(role, set()).add(BY_PAIR[act, screen])
    return {role for role, permissions in found.items() if permissions >= WHOLE_LIFE}


def held(session: Session, actor: Actor, profile_id: int) -> Held:
    """A profile with what it allows."""
    if not actor.may(Permission.READ_PROFILES):
        raise NotAllowed()
    profile = session.get(Role, profile_id)
    if profile is None:
        raise NotFound(N_("There is no such profile."))
    ids = {pair.id for pair in profile.permissions}
    known = frozenset(permission for key, permission in _declared(session).items() if key in ids)
    return Held(profile, known, holders(session).get(profile_id, 0))


@dataclass(frozen=True)
class Effect:
    """What a set of permissions would change: what is added and removed, whom it affects, whom it lets carry a case.

    `newly`: active users who, by all they hold, could carry one case from start to end and cannot now; `already`: who
    can now. `seen`: the present set, which a confirmation must still find.
    """

    added: tuple[Permission, ...]
    removed: tuple[Permission, ...]
    holders: list[whole_life.Person]
    newly: list[whole_life.Person]
    already: list[whole_life.Person]
    seen: str


def effect(session: Session, actor: Actor, profile_id: int, wanted: Collection[Permission]) -> Effect:
    """What letting the profile do exactly `wanted` would change; nothing is."""
    before = held(session, actor, profile_id)
    office = whole_life.with_profile(session, profile_id, wanted if before.profile.active else ())
    return Effect(
        tuple(permission for permission in Permission if permission in set(wanted) - before.permissions),
        tuple(permission for permission in Permission if permission in before.permissions - set(wanted)),
        office.holders(profile_id),
        office.newly(),
        office.already(),
        seen(before.permissions),
    )


def seen(permissions: Collection[Permission]) -> str:
    """A short mark of a set of permissions."""
    return hashlib.sha256(" ".join(sorted(one.name for one in permissions)).encode()).hexdigest()[:16]


def _declared(session: Session) -> dict[int, Permission]:
    return {key: BY_PAIR[act, screen] for key, act, screen in session.execute(_PAIRS) if (act, screen) in BY_PAIR}


def set_permissions(session: Session, actor: Actor, profile_id: int, wanted: Collection[Permission]) -> Role:
    """Let a profile do exactly `wanted`, of the permissions we declare; whoever holds it may do so at once."""
    profile = _changeable(session, actor, profile_id)
    declared = _declared(session)
    before = {declared[pair.id] for pair in profile.permissions if pair.id in declared}
    if not actor.permissions >= set(wanted) - before:
        _refuse_for_oneself(session, actor, profile)
    others = [pair for pair in profile.permissions if pair.id not in declared]
    chosen = [key for key, permission in declared.items() if permission in wanted]
    profile.permissions = [*others, *session.scalars(select(PermissionView).where(PermissionView.id.in_(chosen)))]
    keep_an_administrator(session)
    return profile


def set_active(session: Session, actor: Actor, profile_id: int, *, active: bool) -> Role:
    """Open or close a profile: closed, it allows nothing and is no longer offered; who holds it keeps it."""
    profile = _changeable(session, actor, profile_id)
    if active:
        _refuse_for_oneself(session, actor, profile)
    profile.active = active
    keep_an_administrator(session)
    return profile


def _changeable(session: Session, actor: Actor, profile_id: int) -> Role:
    if not actor.may(Permission.EDIT_PROFILES):
        raise NotAllowed()
    profile = session.get(Role, profile_id, with_for_update={"of": Role})
    if profile is None:
        raise NotFound(N_("There is no such profile."))
    return profile


def _refuse_for_oneself(session: Session, actor: Actor, profile: Role) -> None:
    if session.execute(_HELD_BY, {"role": profile.id, "user": actor.user_id}).first() is not None:
        raise Refused(N_("You hold this profile: another administrator must add to what it allows."))


def carries_alone(permissions: Collection[Permission]) -> bool:
    """Whether whoever has `permissions` could carry a case from authorisation to delivery alone."""
    return set(permissions) >= WHOLE_LIFE
