"""The actor: who acts, what he may do and which sites he sees, read in one statement."""

from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from security.permissions import BY_PAIR, Permission

#: The account in whose name the system itself acts (automatic findings, cases made by corrections).
SYSTEM_USERNAME = "sistema"

_WHO = text(
    """
    select u.id, u.username, u.first_name || ' ' || u.last_name as name, u.active, u.cui, u.desk, u.session_epoch,
           u.must_change_password, u.password_changed_at,
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
     where u.id = :id or u.username = :username
    """
)


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
    session_epoch: str = ""

    def may(self, *permissions: Permission) -> bool:
        """Whether he has one of `permissions`."""
        return not self.permissions.isdisjoint(permissions)

    def sees(self, *sites: str) -> bool:
        """Whether one of `sites` is his."""
        return self.sites is None or not self.sites.isdisjoint(sites)

    def at(self, address: str | None, screen: str | None = None) -> "Actor":
        """The same actor, acting from the IP address `address` on `screen`."""
        return replace(self, address=address, screen=screen)


def load_actor(session: Session, *, user_id: int | None = None, username: str | None = None) -> Actor | None:
    """The actor for a user id or name, or None. One statement."""
    row = session.execute(_WHO, {"id": user_id, "username": username}).mappings().first()
    if row is None:
        return None
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
        session_epoch=row["session_epoch"],
    )


def system_actor(session: Session) -> Actor:
    """The system itself: every permission, every site. Only for commands, workers and automatic steps."""
    actor = load_actor(session, username=SYSTEM_USERNAME)
    if actor is None:
        raise LookupError(f"the account {SYSTEM_USERNAME!r} is missing: run `pasaportes migrate`")
    return replace(actor, permissions=frozenset(Permission), sites=None)
