"""The actor: who acts, what he may do and which sites he sees, read in one statement."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import read_rows
from security.permissions import BY_PAIR, OFFICE_WIDE, Permission

#: The account in whose name the system itself acts (automatic findings, cases made by corrections).
SYSTEM_USERNAME = "sistema"

_WHO = """
    select u.id, u.username, u.first_name || ' ' || u.last_name as name, u.active, u.cui, u.desk, u.warehouse_code,
           u.must_change_password, u.password_changed_at,
           x.id as session_id, x.kind as session_kind, x.seen_at as session_seen_at,
           x.expires_at as session_expires_at,
           not exists (select from second_factor f where f.user_id = u.id) and exists (
               select from held_profile h join ab_role r on r.id = h.role_id
                where h.user_id = u.id and r.active and r.second_factor) as lacks_factor,
           (select coalesce(array_agg(s.site_code order by s.site_code), '{}')
              from user_site s where s.user_id = u.id) as sites,
           (select coalesce(array_agg(distinct r.name), '{}')
              from held_profile h join ab_role r on r.id = h.role_id
             where h.user_id = u.id and r.active) as profiles,
           (select coalesce(array_agg(distinct coalesce(h.site_code, '*') || ' ' || h.act || ' ' || h.screen), '{}')
              from held_permission h where h.user_id = u.id) as grants
      from ab_user u
      left join user_session x on x.key_hash = :key and x.user_id = u.id and x.epoch = u.session_epoch
                              and x.ended_at is null and x.expires_at > now()
"""
#: Two statements rather than one with `or`: of that one PostgreSQL keeps no plan, and planning costs more than asking.
_WHO_BY_ID, _WHO_BY_NAME = (text(f"{_WHO} where {rule} = :who") for rule in ("u.id", "u.username"))
Sites = frozenset[str] | None


@dataclass(frozen=True)
class LiveSession:
    """The session or token by which an actor acts; `seen_at`: when that was last written down."""

    id: int
    kind: str
    seen_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True)
class Actor:
    """Somebody acting now. `sites`, what he sees, is None for every site.

    `permissions` are those he holds anywhere; what acts on a thing of a site asks `may_at`, or acts `by` a permission.
    """

    user_id: int
    username: str
    name: str
    permissions: frozenset[Permission]
    sites: frozenset[str] | None
    profiles: tuple[str, ...] = ()
    cui: str | None = None
    desk: str | None = None
    warehouse_code: str | None = None
    address: str | None = None
    screen: str | None = None
    active: bool = True
    must_change_password: bool = False
    password_changed_at: dt.datetime | None = None
    #: One of his profiles asks for a second factor, and he has none.
    lacks_factor: bool = False
    session: LiveSession | None = None
    #: Where each permission holds, when some hold only at some of his sites; None: each at all of `sites`.
    held_at: Mapping[Permission, Sites] | None = field(default=None, hash=False)

    def may(self, *permissions: Permission) -> bool:
        """Whether he has one of `permissions`, anywhere."""
        return not self.permissions.isdisjoint(permissions)

    def sites_for(self, *permissions: Permission) -> Sites:
        """The sites where he has one of `permissions`; None for every site."""
        held = self.permissions.intersection(permissions)
        if self.held_at is None:
            return self.sites if held else frozenset()
        return _joined(self.held_at[permission] for permission in held)

    def may_at(self, permission: Permission, *sites: str) -> bool:
        """Whether he has `permission` at one of `sites`."""
        return permission in self.permissions and self.by(permission).sees(*sites)

    def by(self, *permissions: Permission) -> "Actor":
        """The same actor, seeing of what he sees only the sites where he has one of `permissions`."""
        if self.held_at is None and self.may(*permissions):
            return self
        return replace(self, sites=_common(self.sites, self.sites_for(*permissions)))

    def covers(self, permission: Permission, sites: Iterable[str] | None) -> bool:
        """Whether he has `permission` at each of `sites` (None: at every site)."""
        held = self.by(permission).sites
        return permission in self.permissions and (held is None or (sites is not None and held.issuperset(sites)))

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
    query, who = (_WHO_BY_ID, user_id) if username is None else (_WHO_BY_NAME, username)
    found = read_rows(session, query, {"who": who, "key": key_hash})
    if not found:
        return None
    row = found[0]._mapping
    live = (row[f"session_{name}"] for name in ("id", "kind", "seen_at", "expires_at"))
    general, local = _grants(row["grants"])
    own = None if Permission.SEE_EVERY_SITE in general else frozenset(row["sites"])
    return Actor(
        user_id=row["id"],
        username=row["username"],
        name=row["name"],
        permissions=general.union(local),
        sites=_joined([own, *local.values()]),
        held_at=_held_at(general, own, local) if local else None,
        profiles=tuple(row["profiles"]),
        cui=row["cui"],
        desk=row["desk"],
        warehouse_code=row["warehouse_code"],
        active=bool(row["active"]),
        must_change_password=row["must_change_password"],
        password_changed_at=row["password_changed_at"],
        lacks_factor=row["lacks_factor"],
        session=LiveSession(*live) if row["session_id"] else None,
    )


def _grants(lines: Iterable[str]) -> tuple[frozenset[Permission], dict[Permission, frozenset[str]]]:
    """From lines of site (* for each of his) and pair: what holds at each of his sites, and what at which alone."""
    found: dict[Permission, set[str]] = {}
    for line in lines:
        site, act, screen = line.split(" ", 2)
        permission = BY_PAIR.get((act, screen))
        if permission and (site == "*" or permission not in OFFICE_WIDE):
            found.setdefault(permission, set()).add(site)
    local = {permission: frozenset(sites - {"*"}) for permission, sites in found.items() if sites != {"*"}}
    return frozenset(permission for permission, sites in found.items() if "*" in sites), local


def _held_at(
    general: frozenset[Permission], own: Sites, local: Mapping[Permission, frozenset[str]]
) -> dict[Permission, Sites]:
    none: Sites = frozenset()
    return {
        permission: _joined([own if permission in general else none, local.get(permission, none)])
        for permission in general | local.keys()
    }


def _joined(parts: Iterable[Sites]) -> Sites:
    every = list(parts)
    return None if None in every else frozenset().union(*(part for part in every if part))


def _common(one: Sites, other: Sites) -> Sites:
    return other if one is None else one if other is None else one & other


def system_actor(session: Session) -> Actor:
    """The system itself: every permission, every site. Only for commands, workers and automatic steps."""
    actor = load_actor(session, username=SYSTEM_USERNAME)
    if actor is None:
        raise LookupError(f"the account {SYSTEM_USERNAME!r} is missing: run `pasaportes migrate`")
    return replace(actor, permissions=frozenset(Permission), sites=None, held_at=None)
