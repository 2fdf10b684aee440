"""Puts permissions and profiles into Flask-AppBuilder's tables, and the system's own account; never takes away."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.users import FabPermission, PermissionView, Role, User, ViewMenu
from security.actor import SYSTEM_USERNAME
from security.permissions import Permission
from security.roles import BY_CODE, SECOND_FACTOR, Profile

_GRANT = text("insert into ab_permission_view_role (permission_view_id, role_id) values (:pair, :role)")


def seed_security(session: Session, *, unusable_password: str) -> None:
    """Permissions as declared; profiles that are not there yet, with their first permissions; the system's account.

    A permission that the database did not know is given to the profiles declared with it, those that exist included:
    nobody can have taken it away yet. Whatever else an administrator changed stays.
    """
    known = set(session.scalars(select(PermissionView.id)))
    pairs = {permission: _pair(session, permission) for permission in Permission}
    for profile in BY_CODE.values():
        _profile(session, profile, pairs, known)
    if session.scalars(select(User.id).where(User.username == SYSTEM_USERNAME)).first() is None:
        session.add(
            User(
                username=SYSTEM_USERNAME,
                first_name="Sistema",
                last_name="Pasaportes",
                active=False,
                email=f"{SYSTEM_USERNAME}@localhost",
                password=unusable_password,
            )
        )
    session.flush()


def _pair(session: Session, permission: Permission) -> Any:
    act, screen = permission.value.pair
    ids = []
    for table, name in ((FabPermission, act), (ViewMenu, screen)):
        session.execute(insert(table).values(name=name).on_conflict_do_nothing())
        ids.append(session.scalars(select(table.id).where(table.name == name)).one())
    session.execute(insert(PermissionView).values(permission_id=ids[0], view_menu_id=ids[1]).on_conflict_do_nothing())
    return session.scalars(
        select(PermissionView.id).where(PermissionView.permission_id == ids[0], PermissionView.view_menu_id == ids[1])
    ).one()


def _profile(session: Session, profile: Profile, pairs: dict[Permission, Any], known: set[int]) -> None:
    """The profile with its permissions; one that exists is given those alone that are not among `known`."""
    role = session.scalars(select(Role).where(Role.name == profile.code)).first()
    if role is None:
        role = Role(name=profile.code, title=profile.name, second_factor=profile.code in SECOND_FACTOR)
        known = set()
        session.add(role)
        session.flush()
    for pair in {pairs[permission] for permission in profile.permissions} - known:
        session.execute(_GRANT, {"pair": pair, "role": role.id})
