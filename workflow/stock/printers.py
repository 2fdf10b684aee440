"""The printers: to whom booklets may be issued."""

from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from models.text import N_
from security.actor import Actor, load_actor
from security.errors import BadValue
from security.permissions import Permission

#: Who fills booklets in.
PRINTS = (Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE)


@dataclass(frozen=True)
class Printer:
    """A user to whom booklets may be issued."""

    user_id: int
    username: str
    name: str


def printer_named(session: Session, printer: str | int, *, returns: bool = False) -> Actor:
    """The active user of that name or id who prints; `BadValue` naming the field otherwise.

    `returns`: whoever holds booklets must be able to give them back, whatever became of his account.
    """
    name = str(printer).strip()
    found = load_actor(session, username=name)
    if found is None and name.isascii() and name.isdecimal() and len(name) < 10:
        found = load_actor(session, user_id=int(name))
    if found is None or not (returns or (found.active and found.may(*PRINTS))):
        raise BadValue(N_("%(value)s is not one of the choices."), field="printer", value=name[:64])
    return found


_PRINTERS = text(
    """
    select u.id, u.username, u.first_name || ' ' || u.last_name
      from ab_user u
     where u.active and exists (
        select from held_permission h
         where h.user_id = u.id and h.act || ' ' || h.screen = any(:prints)
           and (cast(:sites as varchar[]) is null or h.site_code = any(:sites) or (h.site_code is null and (
                exists (select from user_site s where s.user_id = u.id and s.site_code = any(:sites))
                or exists (select from held_permission e where e.user_id = u.id and e.site_code is null
                              and e.act || ' ' || e.screen = any(:everywhere))))))
     order by u.username
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("prints", "everywhere", "sites")))


def printers(session: Session, actor: Actor) -> list[Printer]:
    """The active users who print at one of the sites of `actor`, by user name."""
    prints, everywhere = (
        [" ".join(permission.value.pair) for permission in pair] for pair in (PRINTS, (Permission.SEE_EVERY_SITE,))
    )
    sites = None if actor.sites is None else sorted(actor.sites)
    rows = session.execute(_PRINTERS, {"prints": prints, "everywhere": everywhere, "sites": sites})
    return [Printer(*row) for row in rows]
