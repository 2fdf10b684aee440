"""The actor: who acts, what he may do and which sites he sees, read in one statement."""

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from security.permissions import BY_PAIR, Permission

#: The account in whose name the system itself acts (automatic findings, cases made by corrections).
SYSTEM_USERNAME = "sistema"

_WHO = text(
    """
    select u.id, u.username, u.first_name || ' ' || u.last_name as name, u.active, u.cui, u.desk,
           u.must_change_password, u.password_changed_at,
           x.id as session_id, x.kind as session_kind, x.seen_at as session_seen_at,
           x.expires_at as session_expires_at,
           not exists (select from second_factor f where f.user_id = u.id) and exists (
               select from ab_user_role ur join ab_role r on r.id = ur.role_id
                where ur.user_id = u.id and r.active and r.second_factor) as lacks_factor,
           (select coalesce(array_agg(s.site_code order by s.site_code), '{}')
              from user_site s where s.user_id = u.id) as sites,
           (select coalesce(array_agg(r.name order by r.name), '{}')
              from ab_user_role ur join ab_role r on r.id = ur.role_id
             where ur.user_id = u.id and r.active) as profiles,
           (select coalesce(array_agg(distinct p.name || ' ' || v.name), '{}')
              from ab_user_role ur
              join ab_role r on r.id = ur.role_id and r.active
              join ab_permission_view_role pr on pr.role_id = r.id
              join ab_permission_view pv on pv.id = pr.permission_view_id
              join ab_permission p on p.id = pv.permission_id
              join ab_view_menu v on v.id = pv.view_menu_id
             where ur.user_id = u.id) as pairs
      from ab_user u
      left join user_session x on x.key_hash = :key and x.user_id = u.id and x.epoch = u.session_epoch
                              and x.ended_at is null and x.expires_at > now()
     where u.id = :id or u.username = :username
    """
)


@dataclass(frozen=True)
class LiveSession:
    """The session or token by which an actor acts; `seen_at`: when that was last written down."""

    id: int
    kind: str
    seen_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True)
class Actor:
    """Somebody acting now. `sites` is None for every site."""

    user_id: int
    username: str
    name: str
    permissions: frozenset[Permission]
    sites: frozenset[str] | None
    profiles: tuple[str, ...] = ()
    cui: str | None = None
    desk: str | None = None
    address: str | None = None
    screen: str | None = None
    active: bool = True
    must_change_password: bool = False
    password_changed_at: dt.datetime | None = None
    #: One of his profiles asks for a second factor, and he has none.
    lacks_factor: bool = False
    session: LiveSession | None = None

    def may(self, *permissions: Permission) -> bool:
        """Whether he has one of `permissions`."""
        return not self.permissions.isdisjoint(permissions)

    def sees(self, *sites: str) -> bool:
        """Whether one of `sites` is his."""
        return self.sites is None or not self.sites.isdisjoint(sites)

    def at(self, address: str | None, screen: str | None = None) -> "Actor":
        """The same actor, acting from the IP address `address` on `screen`."""
        return replace(self, address=address, screen=screen)


def load_actor(
    session: Session, *, user_id: int | None = None, username: str | None = None, key_hash: bytes | None = None
) -> Actor | None:
    """The actor for a user id or name, or None. One statement.

    With `key_hash`, that of a session's key, the actor's `session` is that session, if it is his and lives.
    """
    row = session.execute(_WHO, {"id": user_id, "username": username, "key": key_hash}).mappings().first()
    if row is None:
        return None
    live = (row[f"session_{name}"] for name in ("id", "kind", "seen_at", "expires_at"))
    pairs = (tuple(pair.split(" ", 1)) for pair in row["pairs"])
    permissions = frozenset(BY_PAIR[pair] for pair in pairs if pair in BY_PAIR)
    return Actor(
        user_id=row["id"],
        username=row["username"],
        name=row["name"],
        permissions=permissions,
        sites=None if Permission.SEE_EVERY_SITE in permissions else frozenset(row["sites"]),
        profiles=tuple(row["profiles"]),
        cui=row["cui"],
        desk=row["desk"],
        active=bool(row["active"]),
        must_change_password=row["must_change_password"],
        password_changed_at=row["password_changed_at"],
        lacks_factor=row["lacks_factor"],
        session=LiveSession(*live) if row["session_id"] else None,
    )


def system_actor(session: Session) -> Actor:
    """The system itself: every permission, every site. Only for commands, workers and automatic steps."""
    actor = load_actor(session, username=SYSTEM_USERNAME)
    if actor is None:
        raise LookupError(f"the account {SYSTEM_USERNAME!r} is missing: run `pasaportes migrate`")
    return replace(actor, permissions=frozenset(Permission), sites=None)
