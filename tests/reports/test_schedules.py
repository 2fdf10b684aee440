"""Schedules leave one file a period, as their owner and with what he may see then, whatever happens meanwhile."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine, utc_now
from models.clock import local_date
from models.report_runs import Period, ReportRun, ReportSchedule
from models.users import User
from reports import schedules
from security.actor import Actor, load_actor
from security.errors import NotFound
from tests.together import at_once

TODAY = local_date(utc_now())
FRIDAY = dt.date(2026, 11, 27)


def allowed(_actor: Actor, report: str) -> bool:
    return report != "forbidden"


def actor_of(session: Session, username: str = "supervisor") -> Actor:
    actor = load_actor(session, username=username)
    assert actor is not None
    return actor


def planned(session: Session, period: Period = Period.DAY, **changes: Any) -> ReportSchedule:
    """A schedule that was planned 40 days ago, so that each kind is due."""
    values: dict[str, Any] = {
        "report": "voided", "format": "xlsx", "filters": {"site": "GUA"}, "language": "es",
        "today": TODAY - dt.timedelta(days=40),
    }  # fmt: skip
    return schedules.plan(session, actor_of(session), period=period, **values | changes)


def runs_of(session: Session, schedule_id: int) -> list[ReportRun]:
    return list(session.scalars(select(ReportRun).where(ReportRun.schedule_id == schedule_id)))


def jobs(session: Session) -> int:
    return int(session.execute(text("select count(*) from procrastinate_jobs")).scalar_one())


@pytest.mark.parametrize(
    ("period", "today", "due_on", "first", "last", "following"),
    [
        (Period.DAY, FRIDAY, "2026-11-27", "2026-11-26", "2026-11-26", "2026-11-28"),
        (Period.WEEK, FRIDAY, "2026-11-23", "2026-11-16", "2026-11-22", "2026-11-30"),
        (Period.WEEK, dt.date(2026, 11, 30), "2026-11-30", "2026-11-23", "2026-11-29", "2026-12-07"),
        (Period.WEEK, dt.date(2027, 1, 3), "2026-12-28", "2026-12-21", "2026-12-27", "2027-01-04"),
        (Period.MONTH, FRIDAY, "2026-11-01", "2026-10-01", "2026-10-31", "2026-12-01"),
        (Period.MONTH, dt.date(2028, 3, 1), "2028-03-01", "2028-02-01", "2028-02-29", "2028-04-01"),
        (Period.MONTH, dt.date(2026, 1, 31), "2026-01-01", "2025-12-01", "2025-12-31", "2026-02-01"),
    ],
)
def test_a_period_is_asked_about_when_it_has_ended(
    period: Period, today: dt.date, due_on: str, first: str, last: str, following: str
) -> None:
    due = schedules.latest_due(period, today)
    assert due.isoformat() == due_on
    assert [day.isoformat() for day in schedules.days_before(period, due)] == [first, last]
    assert schedules.next_due(period, today).isoformat() == following


def test_a_schedule_runs_first_when_the_period_at_hand_has_ended_and_keeps_no_days(db: Session) -> None:
    typed = {"site": "GUA", "first": "2026-11-01", "last": "2026-11-02"}
    schedule = planned(db, Period.WEEK, filters=typed, today=FRIDAY)
    assert (schedule.next_on, schedule.filters, schedule.active) == (dt.date(2026, 11, 30), {"site": "GUA"}, True)
    assert schedules.due(db, dt.date(2026, 11, 29)) == []
    assert schedules.due(db, dt.date(2026, 11, 30)) == [schedule.id]


@pytest.mark.parametrize("period", Period)
def test_a_due_schedule_asks_for_the_last_period_as_its_owner_and_enqueues_it(db: Session, period: Period) -> None:
    schedule = planned(db, period)
    before = jobs(db)
    run = schedules.run_due(db, schedule.id, TODAY, allowed)
    assert run is not None
    first, last = schedules.days_before(period, schedules.latest_due(period, TODAY))
    assert run.filters == {"site": "GUA", "first": first.isoformat(), "last": last.isoformat()}
    assert (run.report, run.format, run.language, run.sites) == ("voided", "xlsx", "es", ["GUA"])
    assert (run.requested_by_id, run.due_on) == (schedule.owner_id, schedules.latest_due(period, TODAY))
    assert (schedule.last_run_id, schedule.next_on) == (run.id, schedules.next_due(period, TODAY))
    assert jobs(db) == before + 1
    assert schedules.run_due(db, schedule.id, TODAY, allowed) is None


def test_of_the_periods_missed_in_an_outage_only_the_latest_is_made(db: Session) -> None:
    schedule = planned(db)
    schedules.run_due(db, schedule.id, TODAY, allowed)
    assert schedules.due(db, TODAY) == []
    assert [run.due_on for run in runs_of(db, schedule.id)] == [TODAY]


def test_a_day_is_not_reported_while_something_of_it_is_still_being_written(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = planned(db)
    monkeypatch.setattr(schedules, "horizon", lambda _session: utc_now() - dt.timedelta(days=1))
    assert schedules.run_due(db, schedule.id, TODAY, allowed) is None
    monkeypatch.undo()
    assert schedules.run_due(db, schedule.id, TODAY, allowed) is not None


def test_a_schedule_whose_owner_was_disabled_or_lost_the_permission_is_switched_off_saying_so(db: Session) -> None:
    forbidden, disabled = planned(db, report="forbidden"), planned(db)
    assert schedules.run_due(db, forbidden.id, TODAY, allowed) is None
    db.get_one(User, disabled.owner_id).active = False
    db.flush()
    assert schedules.run_due(db, disabled.id, TODAY, allowed) is None
    assert (forbidden.active, forbidden.last_failure) == (False, schedules.NOT_ALLOWED)
    assert (disabled.active, disabled.last_failure) == (False, schedules.DISABLED)
    assert schedules.due(db, TODAY) == []
    assert runs_of(db, forbidden.id) + runs_of(db, disabled.id) == []


def test_an_owner_gets_no_site_by_a_schedule_that_was_taken_from_him(db: Session) -> None:
    schedule = planned(db)
    db.execute(text("delete from user_site where user_id = :user"), {"user": schedule.owner_id})
    run = schedules.run_due(db, schedule.id, TODAY, allowed)
    assert run is not None
    assert run.sites == []


def test_only_its_owner_switches_a_schedule_off_and_on_and_what_was_missed_is_not_made(db: Session) -> None:
    schedule, owner = planned(db), actor_of(db)
    with pytest.raises(NotFound):
        schedules.switch_off(db, actor_of(db, "admadm"), schedule.id)
    schedules.switch_off(db, owner, schedule.id)
    assert schedules.due(db, TODAY) == []
    schedules.switch_on(db, owner, schedule.id, TODAY)
    assert (schedule.active, schedule.next_on) == (True, TODAY + dt.timedelta(days=1))
    assert [one.id for one in schedules.of_owner(db, owner)] == [schedule.id]
    assert schedules.of_owner(db, actor_of(db, "admadm")) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("period = 'YEAR'", "schedule_period_is_known"),
        ("format = 'ods'", "schedule_format_is_known"),
        ("period = 'WEEK', next_on = '2026-11-27'", "schedule_runs_when_its_period_has_ended"),
        ("period = 'MONTH', next_on = '2026-11-27'", "schedule_runs_when_its_period_has_ended"),
        ("last_failure = 'x'", "schedule_that_failed_is_off"),
        ("last_run_id = 99999999", "fk_report_schedule_last_run_id"),
    ],
)
def test_the_database_refuses_a_false_schedule(db: Session, change: str, name: str) -> None:
    schedule = planned(db)
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(f"update report_schedule set {change} where id = {schedule.id}"))
    assert error.value.orig.diag.constraint_name == name  # type: ignore[union-attr]


# Two workers at once.


@pytest.fixture(scope="module")
def planning(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("schedules"), pool_size=8)
    yield engine
    engine.dispose()


def test_workers_that_run_a_schedule_at_once_leave_one_file(planning: Engine) -> None:
    with Session(planning) as session, session.begin():
        ids = [planned(session, period).id for period in Period for _copy in range(4)]

    def housekeeper() -> int:
        asked = 0
        for schedule_id in ids:
            with Session(planning) as session, session.begin():
                asked += schedules.run_due(session, schedule_id, TODAY, allowed) is not None
        return asked

    assert sum(at_once(*[housekeeper] * 4)) == len(ids)
    with Session(planning) as session:
        assert [len(runs_of(session, schedule_id)) for schedule_id in ids] == [1] * len(ids)
        assert jobs(session) == len(ids)


def test_a_worker_that_is_killed_between_file_and_next_day_leaves_the_schedule_as_it_was(planning: Engine) -> None:
    with Session(planning) as session, session.begin():
        schedule_id = planned(session).id
    with Session(planning) as session:
        assert schedules.run_due(session, schedule_id, TODAY, allowed) is not None
        session.execute(text("select 1"))
        session.connection().invalidate()  # as the server sees it when the worker dies
        session.rollback()
    with Session(planning) as session, session.begin():
        assert runs_of(session, schedule_id) == []
        assert schedules.run_due(session, schedule_id, TODAY, allowed) is not None
        assert len(runs_of(session, schedule_id)) == 1


def test_even_a_worker_that_looked_before_the_other_committed_asks_for_nothing_twice(planning: Engine) -> None:
    """The second one has found the schedule due and asks while the first has not committed: it passes it by."""
    with Session(planning) as session, session.begin():
        schedule_id = planned(session).id
    with Session(planning) as first:
        assert schedules.run_due(first, schedule_id, TODAY, allowed) is not None
        with Session(planning) as second, second.begin():
            assert schedules.due(second, TODAY) == [schedule_id]
            assert schedules.run_due(second, schedule_id, TODAY, allowed) is None
        first.commit()
    with Session(planning) as session:
        (run,) = runs_of(session, schedule_id)
        with pytest.raises(DBAPIError) as error:
            session.execute(
                text(
                    "insert into report_run (report, format, filters, language, requested_by_id, requested_at, as_of,"
                    " state, attempt, lines_done, schedule_id, due_on) select report, format, filters, language,"
                    " requested_by_id, requested_at, as_of, 'QUEUED', 0, 0, schedule_id, due_on from report_run"
                    f" where id = {run.id}"
                )
            )
        assert error.value.orig.diag.constraint_name == "uq_report_run_schedule_id_due_on"  # type: ignore[union-attr]
