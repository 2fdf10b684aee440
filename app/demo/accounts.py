"""One user per profile, and a capture station; their names are the profiles' codes in lower case."""

import secrets
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from models.base import utc_now
from models.catalogs import Site
from models.users import Role, User
from security.passwords import hash_password
from security.roles import BY_CODE, STATION_PROFILE, Profile

HOME_SITE = "GUA"


@dataclass(frozen=True)
class DemoUser:
    """A line of the list that is printed."""

    username: str
    profile: str
    sites: str


def make_users(session: Session, wanted: str | None) -> tuple[list[DemoUser], str | None]:
    """Make the users that are missing; all have one password.

    Returns the users, and the password when it was set now: `wanted`, or one made at random the first time.
    """
    existing = {user.username: user for user in session.scalars(select(User).where(User.username.in_(_names())))}
    keep = len(existing) == len(BY_CODE) and (wanted is None or _has(existing, wanted))
    if not existing:  # whoever shows the product has no telephone at hand; what was switched later stays
        session.execute(update(Role).values(second_factor=False))
    password = None if keep else wanted or secrets.token_urlsafe(9)
    hashed = hash_password(password) if password else None
    every = list(session.scalars(select(Site).where(Site.active).order_by(Site.code)))
    for profile in BY_CODE.values():
        user = existing.get(profile.code.lower()) or _user(session, profile, every)
        if hashed:
            user.password, user.password_changed_at = hashed, utc_now()
    session.flush()
    return [_line(profile) for profile in BY_CODE.values()], password


def _names() -> list[str]:
    return [code.lower() for code in BY_CODE]


def _has(users: dict[str, User], password: str) -> bool:
    hashes = {user.password for user in users.values()}
    return all(check_password_hash(str(hashed), password) for hashed in hashes)


def _user(session: Session, profile: Profile, every: list[Site]) -> User:
    name = profile.code.lower()
    user = User(
        username=name,
        first_name=profile.name,
        last_name="Demostración",
        email=f"{name}@example.org",
        active=True,
        must_change_password=False,
        roles=[session.scalars(select(Role).where(Role.name == profile.code)).one()],
        sites=every if profile is STATION_PROFILE else [site for site in every if site.code == HOME_SITE],
    )
    session.add(user)
    return user


def _line(profile: Profile) -> DemoUser:
    everywhere = profile.national or profile is STATION_PROFILE
    return DemoUser(profile.code.lower(), profile.name, "todas" if everywhere else HOME_SITE)
