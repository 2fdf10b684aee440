"""Who could carry one case from start to end: by all the profiles each user holds, at the sites where he holds them.

Profiles and assignments are weighed as they would be after a change, before it is saved. A case is worked at its site
and at the one that prints for it; assignments of days to come count as if they held now.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.catalogs import Site
from security.permissions import BY_PAIR, WHOLE_LIFE, Permission

#: Names shown of those a change is about; the count says the rest.
SHOWN = 50
#: A profile (id) and the site it is held at, None: at each of the holder's.
Holding = tuple[int, str | None]
_COUNT = WHOLE_LIFE | {Permission.SEE_EVERY_SITE}
_GENERAL = text("select user_id, role_id from ab_user_role")
_ASSIGNED = text(
    """
    select user_id, role_id, site_code from user_assignment
     where ended_at is null and coalesce(valid_until, 'infinity') >= (now() at time zone 'America/Guatemala')::date
    """
)
_PROFILES = text(
    """
    select pr.role_id, p.name, v.name from ab_permission_view_role pr
      join ab_role r on r.id = pr.role_id and r.active
      join ab_permission_view pv on pv.id = pr.permission_view_id
      join ab_permission p on p.id = pv.permission_id
      join ab_view_menu v on v.id = pv.view_menu_id
    """
)
_USERS = text(
    """
    select u.id, u.username, u.first_name || ' ' || u.last_name as name,
           coalesce((select array_agg(s.site_code) from user_site s where s.user_id = u.id), '{}') as sites
      from ab_user u where u.active order by u.username
    """
)


@dataclass(frozen=True)
class Person:
    """An active user."""

    user_id: int
    username: str
    name: str


@dataclass
class Office:
    """Who holds what, of what matters here; changed freely, it asks what would be.

    By user: his `sites`, the profiles he holds at each of them (`general`), and his assignments. By profile: what it
    allows. `pairs`: each site with the one that prints for it.
    """

    people: list[Person]
    sites: dict[int, frozenset[str]]
    general: dict[int, set[int]]
    assigned: dict[int, set[Holding]]
    profiles: dict[int, frozenset[Permission]]
    pairs: tuple[tuple[str, str], ...]
    _before: frozenset[int] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        self._before = frozenset(person.user_id for person in self.carriers())

    def carriers(self) -> list[Person]:
        """Those who could carry one case from authorisation to delivery alone, by user name."""
        return [person for person in self.people if self._carries(person.user_id)]

    def newly(self) -> list[Person]:
        """Those who could and, when it was read, could not."""
        return [person for person in self.carriers() if person.user_id not in self._before]

    def already(self) -> list[Person]:
        """Those who could before the change and still can."""
        return [person for person in self.carriers() if person.user_id in self._before]

    def holders(self, profile: int) -> list[Person]:
        """Those who hold the profile, anywhere."""
        return [
            person for person in self.people if any(role == profile for role, _site in self._holdings(person.user_id))
        ]

    def _holdings(self, user_id: int) -> set[Holding]:
        general: set[Holding] = {(role, None) for role in self.general.get(user_id, ())}
        return general | self.assigned.get(user_id, set())

    def _carries(self, user_id: int) -> bool:
        where = self._where(user_id)
        if len(where) < len(WHOLE_LIFE):
            return False
        return any(all(sites is None or not sites.isdisjoint(pair) for sites in where.values()) for pair in self.pairs)

    def _where(self, user_id: int) -> dict[Permission, frozenset[str] | None]:
        """Where the user holds each permission of the whole life; None: everywhere."""
        held = [(site, self.profiles.get(role, frozenset())) for role, site in self._holdings(user_id)]
        national = any(site is None and Permission.SEE_EVERY_SITE in allowed for site, allowed in held)
        found: dict[Permission, frozenset[str] | None] = {}
        for permission in WHOLE_LIFE:
            parts = [site for site, allowed in held if permission in allowed]
            if None in parts and national:
                found[permission] = None
            elif parts:
                here = frozenset(site for site in parts if site is not None)
                found[permission] = here | (self.sites[user_id] if None in parts else frozenset())
        return found


def read(session: Session) -> Office:
    """The office as it stands; five statements."""
    people, sites = [], {}
    for user_id, username, name, own in session.execute(_USERS):
        people.append(Person(user_id, username, name))
        sites[user_id] = frozenset(own)
    general: dict[int, set[int]] = {}
    for user_id, role in session.execute(_GENERAL):
        general.setdefault(user_id, set()).add(role)
    assigned: dict[int, set[Holding]] = {}
    for user_id, role, site in session.execute(_ASSIGNED):
        assigned.setdefault(user_id, set()).add((role, site))
    return Office(people, sites, general, assigned, _profiles(session), _pairs(session))


def with_profile(session: Session, profile: int, permissions: Collection[Permission]) -> Office:
    """The office if `profile` allowed exactly `permissions`."""
    office = read(session)
    office.profiles[profile] = frozenset(permissions) & _COUNT
    return office


def with_assignment(session: Session, user_id: int, profile: int, site: str | None) -> Office:
    """The office if the user held `profile` at `site` besides what he holds."""
    office = read(session)
    office.assigned.setdefault(user_id, set()).add((profile, site))
    return office


def with_general(session: Session, user_id: int, profiles: Collection[int], sites: Collection[str]) -> Office:
    """The office if the user held exactly `profiles` at each of exactly `sites`, besides his assignments."""
    office = read(session)
    office.general[user_id], office.sites[user_id] = set(profiles), frozenset(sites)
    return office


def _profiles(session: Session) -> dict[int, frozenset[Permission]]:
    found: dict[int, set[Permission]] = {}
    for role, act, screen in session.execute(_PROFILES):
        permission = BY_PAIR.get((act, screen))
        if permission in _COUNT:
            found.setdefault(role, set()).add(permission)
    return {role: frozenset(permissions) for role, permissions in found.items()}


def _pairs(session: Session) -> tuple[tuple[str, str], ...]:
    """Each site with the one that prints for it: where one case is worked."""
    sites = session.scalars(select(Site).where(Site.active))
    return tuple((site.code, site.printing_site) for site in sites)
