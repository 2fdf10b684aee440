"""The couriers in use, and what is a tracking number of each."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalogs import Courier
from models.text import N_
from security.errors import BadValue

LONGEST = 60


def in_use(session: Session) -> list[Courier]:
    """Those that may be chosen, by name."""
    return list(session.scalars(select(Courier).where(Courier.active).order_by(Courier.name)))


def read_tracking(session: Session, courier: str, typed: str) -> tuple[str, str]:
    """The courier's code and the tracking number in what was typed or scanned off his label.

    `courier` blank: whichever pattern fits, when only one does. `BadValue` names the field that cannot be taken.
    """
    text = re.sub(r"[\s-]", "", typed).upper()[: LONGEST + 1]
    if not text:
        raise BadValue(N_("This is missing."), field="tracking")
    every = in_use(session)
    asked = [entry for entry in every if entry.code == courier] if courier else every
    if not asked:
        raise BadValue(N_("%(value)s is not one of the choices."), field="courier", value=courier[:16])
    found = [(entry.code, number) for entry in asked if (number := _number(entry, text))]
    if not found:
        raise BadValue(
            N_("“%(text)s” is no tracking number of %(courier)s."),
            field="tracking", text=text[:40], courier=", ".join(entry.name for entry in asked),
        )  # fmt: skip
    if len(found) > 1:
        raise BadValue(N_("Several couriers have such numbers: choose the courier."), field="courier")
    return found[0]


def _number(courier: Courier, text: str) -> str | None:
    """The tracking number that the pattern finds; labels carry more around it."""
    match = re.fullmatch(courier.tracking_pattern, text) if len(text) <= LONGEST else None
    if match is None:
        return None
    number = next((group for group in match.groups() if group), match[0])
    return number if len(number) <= 40 else None


def tracking_url(courier: Courier | None, number: str | None) -> str | None:
    """The courier's page about that number, if he has one."""
    return courier.tracking_url.replace("{number}", number) if courier and courier.tracking_url and number else None
