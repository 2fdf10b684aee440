"""What the pages of reports read from addresses and forms: filters, moment, format, language."""

import datetime as dt
from collections.abc import Mapping

from flask import session as cookie
from sqlalchemy.orm import Session

from models.text import N_
from reports.asking import horizon
from reports.declaration import Asked, Report
from reports.filters import FIRST_DAY, Exact
from security.errors import BadValue
from security.permissions import REPORTS, TRAILS

#: Who may see some report; each asks for its own permission besides.
READERS = tuple(sorted(REPORTS | TRAILS, key=lambda permission: permission.name))


def typed_for(report: Report, args: Mapping[str, str]) -> dict[str, str]:
    """What was typed into the report's fields."""
    return {name: args.get(name, "").strip()[:60] for each in report.filters for name in each.fields}


def asked_moment(session: Session, typed: str) -> dt.datetime:
    """The moment a page is of: the one its first page had, never one still to come."""
    latest = horizon(session)
    if not typed:
        return latest
    try:
        moment = dt.datetime.fromisoformat(typed)
        return min(moment, latest) if moment.tzinfo and moment.year >= FIRST_DAY.year else latest
    except ValueError:
        raise BadValue(N_("This page does not exist any more."), field="at") from None


def asked_format(typed: str) -> str:
    if typed not in ("xlsx", "pdf"):
        raise BadValue(N_("%(value)s is not one of the choices."), field="format", value=typed[:10])
    return typed


def language() -> str:
    """The language of the page, for files made later."""
    return str(cookie.get("locale") or "es")


def refuse_lacking(asked: Asked) -> None:
    """Raise `BadValue` when a number that the report is about was not given."""
    for each in asked.report.filters:
        if isinstance(each, Exact) and asked.values[each.name] is None:
            raise BadValue(N_("This is missing."), field=each.name)


def number_below(typed: str) -> int | None:
    """The number that a list goes on below; None for what is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else None
