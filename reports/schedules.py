"""Schedules: reports that are asked for by themselves when a day, week or month has ended, once each, come what may."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from models.report_runs import Period, ReportRun, ReportSchedule
from models.text import N_
from reports import runs
from reports.asking import horizon
from reports.catalogue import REPORTS
from reports.runs import May
from security.actor import Actor, load_actor
from security.errors import NotFound

DISABLED = N_("It was switched off: the account of its owner is disabled.")
NOT_ALLOWED = N_("It was switched off: its owner may no longer see this report.")


def latest_due(period: Period, today: dt.date) -> dt.date:
    """The last day, up to `today`, on which a schedule of `period` runs: any, a Monday, the first of a month."""
    if period == Period.WEEK:
        return today - dt.timedelta(days=today.weekday())
    return today.replace(day=1) if period == Period.MONTH else today


def next_due(period: Period, today: dt.date) -> dt.date:
    """The first day after `today` on which a schedule of `period` runs."""
    longest = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 31}[Period(period)]
    return latest_due(period, latest_due(period, today) + dt.timedelta(days=longest))


def days_before(period: Period, due_on: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the period that ended before `due_on`."""
    last = due_on - dt.timedelta(days=1)
    return latest_due(period, last), last


def plan(
    session: Session, actor: Actor, *, report: str, format: str, filters: Mapping[str, str], period: Period,
    language: str, today: dt.date | None = None,
) -> ReportSchedule:  # fmt: skip
    """A schedule of `actor`'s that runs first when the period of `today` has ended; days in `filters` are left out."""
    schedule = ReportSchedule(
        report=report,
        format=format,
        filters={name: typed for name, typed in filters.items() if name not in _days(report, dt.date.min, dt.date.max)},
        period=period,
        owner_id=actor.user_id,
        language=language,
        created_at=utc_now(),
        next_on=next_due(period, today or local_date(utc_now())),
    )
    session.add(schedule)
    session.flush()
    return schedule


def _days(report: str, first: dt.date, last: dt.date) -> dict[str, str]:
    """Those days as the filters of the report, whatever it calls them: days, a month, the end of a day."""
    filters = REPORTS[report].filters if report in REPORTS else ()
    return {name: typed for each in filters for name, typed in each.of_period(first, last).items()}


def of_owner(session: Session, actor: Actor) -> Sequence[ReportSchedule]:
    """The schedules of `actor`, the latest first."""
    mine = select(ReportSchedule).where(ReportSchedule.owner_id == actor.user_id)
    return session.scalars(mine.order_by(ReportSchedule.id.desc())).all()


def schedule_of(session: Session, actor: Actor, schedule_id: int) -> ReportSchedule:
    """A schedule of `actor`'s, locked; raises `NotFound`."""
    mine = select(ReportSchedule).where(ReportSchedule.id == schedule_id, ReportSchedule.owner_id == actor.user_id)
    found = session.scalars(mine.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no such schedule."))
    return found


def switch_off(session: Session, actor: Actor, schedule_id: int) -> None:
    """Stop asking."""
    schedule_of(session, actor, schedule_id).active = False
    session.flush()


def switch_on(session: Session, actor: Actor, schedule_id: int, today: dt.date | None = None) -> None:
    """Ask again from the end of the present period on; what was missed meanwhile is not made up for."""
    schedule = schedule_of(session, actor, schedule_id)
    if not schedule.active:
        schedule.active, schedule.last_failure = True, None
        schedule.next_on = next_due(schedule.period, today or local_date(utc_now()))
    session.flush()


def due(session: Session, today: dt.date) -> list[int]:
    """The ids of the schedules that are to run."""
    ripe = select(ReportSchedule.id).where(ReportSchedule.active, ReportSchedule.next_on <= today)
    return list(session.scalars(ripe.order_by(ReportSchedule.next_on, ReportSchedule.id)))


def run_due(session: Session, schedule_id: int, today: dt.date, may: May) -> ReportRun | None:
    """Ask for the report of a schedule that is due and enqueue it; None when another did, or its owner may not.

    Of periods missed in an outage only the latest is made. The owner is loaded anew: what he lost since he planned it
    he does not get by it. While something begun before midnight is still being written, it is not due yet: None.
    """
    ripe = select(ReportSchedule).where(
        ReportSchedule.id == schedule_id, ReportSchedule.active, ReportSchedule.next_on <= today
    )
    locked = ripe.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    schedule = session.scalars(locked).one_or_none()
    if schedule is None:
        return None
    owner = load_actor(session, user_id=schedule.owner_id)
    if owner is None or not owner.active or not may(owner, schedule.report):
        disabled = owner is None or not owner.active
        schedule.active, schedule.last_failure = False, DISABLED if disabled else NOT_ALLOWED
        session.flush()
        return None
    as_of, due_on = horizon(session), latest_due(schedule.period, today)
    return _ask(session, schedule, owner, as_of, due_on) if local_date(as_of) >= due_on else None


def _ask(
    session: Session, schedule: ReportSchedule, owner: Actor, as_of: dt.datetime, due_on: dt.date
) -> ReportRun:  # fmt: skip
    first, last = days_before(schedule.period, due_on)
    run = runs.ask(
        session,
        owner,
        report=schedule.report,
        format=schedule.format,
        filters={**schedule.filters, **_days(schedule.report, first, last)},
        as_of=as_of,
        language=schedule.language,
        schedule=schedule,
        due_on=due_on,
    )
    runs.enqueue(session, run)
    schedule.next_on, schedule.last_run_id = next_due(schedule.period, due_on), run.id
    session.flush()
    return run
