"""What is asked of a report: its filters read, the sites it is held to, the moment it is of.

A report is of a moment: whatever was written later is left out, so that its pages, its totals and its files agree with
each other, and the same question answers the same years later. The moment is the latest before which nothing can be
written any more: transactions at work write with times after their beginning (the clocks of application and database
are taken to agree), so it is the beginning of the oldest of them, or now.
"""

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.clock import local_date
from models.text import N_
from reports.declaration import Asked, Report
from reports.filters import Days, SiteChoice, Span, Typed
from security.actor import Actor
from security.errors import BadValue, NotAllowed

#: What transactions that only read a report call themselves, for the horizon not to wait for them.
READING = "pasaportes report"
#: A transaction that wrote nothing for so long only reads.
_READER_AFTER = "60 seconds"
_HORIZON = text(
    f"""
    select least(statement_timestamp(), min(xact_start)) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
       and application_name <> '{READING}'
       and (backend_xid is not null or xact_start > clock_timestamp() - interval '{_READER_AFTER}')
    """  # noqa: S608
)


def horizon(session: Session) -> dt.datetime:
    """The latest moment of which all that was written is there to be read."""
    session.execute(text("select pg_stat_clear_snapshot()"))  # or what the transaction once saw would be seen again
    moment: dt.datetime = session.execute(_HORIZON).scalar_one()
    return moment


def ask(report: Report, actor: Actor, typed: Typed, as_of: dt.datetime) -> Asked:
    """The question that `typed` puts to `report`; raises `NotAllowed`, or `BadValue` naming the field."""
    if not actor.may(report.permission):
        raise NotAllowed()
    held = actor.by(report.permission).sites
    sites = None if held is None else tuple(sorted(held))
    return question(report, typed, sites, as_of)


def question(report: Report, typed: Typed, sites: tuple[str, ...] | None, as_of: dt.datetime) -> Asked:
    """The question for whoever sees `sites`: of a run in the register, of a person whom `ask` let in."""
    if sites is not None and not report.sites:
        raise NotAllowed(N_("This report is for who sees every site."))
    today = local_date(as_of)
    values = {each.name: each.read(typed, today) for each in report.filters}
    chosen = next((each for each in report.filters if isinstance(each, SiteChoice) and values[each.name]), None)
    if chosen and sites is not None and values[chosen.name] not in sites:
        raise BadValue(N_("You do not see that site."), field=chosen.name)
    return Asked(report, _given_way(report, typed, values), sites, as_of)


def _given_way(report: Report, typed: Typed, values: dict[str, Any]) -> dict[str, Any]:
    """Days that stand by default give way when something else narrows the report."""
    others = {each.name for each in report.filters if isinstance(each, Days | Span) and values[each.name] is not None}
    for each in report.filters:
        if isinstance(each, Days) and each.gives_way and others - {each.name}:
            typed_here = any(typed.get(name, "").strip() for name in each.fields)
            values = values if typed_here else values | {each.name: None}
    return values
