"""The circuit breaker of a service: a row that every process reads, so that all stop asking, and one tries again.

Closed while `retry_at` is null. Before that moment nobody asks; after it the first to move it on may try once, and the
others go on waiting. pybreaker was weighed: its state is one process's own, or in Redis.
"""

import datetime as dt

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.services import LONGEST_SECONDS, Outcome, Service, ServiceHealth
from workflow.outside.parameters import Parameters

WORKING = frozenset({Outcome.ANSWERED, Outcome.NOT_FOUND})
#: After so long another may try: whoever tried first is gone.
_TRIAL = dt.timedelta(seconds=LONGEST_SECONDS + 10)
#: A question that the service does not take says nothing of its health.
_ABOUT_THE_QUESTION = (400, 422)


def admits(session: Session, service: Service) -> bool:
    """Whether the service may be asked now; True for one caller alone when an open breaker is due to be tried."""
    retry_at = session.scalar(select(ServiceHealth.retry_at).where(ServiceHealth.service == service))
    if retry_at is None:
        return True
    now = utc_now()
    if retry_at > now:
        return False
    mine = (ServiceHealth.service == service, ServiceHealth.retry_at == retry_at)
    taken = update(ServiceHealth).where(*mine).values(retry_at=now + _TRIAL).returning(ServiceHealth.service)
    return session.execute(taken).first() is not None


def note(session: Session, parameters: Parameters, outcome: Outcome, status: int | None = None) -> None:
    """Write down how a call went: an answer closes the breaker, a failure too many opens it."""
    if outcome in (Outcome.BREAKER_OPEN, Outcome.MISCONFIGURED):
        return
    now, row = utc_now(), ServiceHealth.service == parameters.service
    if outcome in WORKING or (outcome == Outcome.REFUSED and status in _ABOUT_THE_QUESTION):
        # Once a minute is enough to say that it works: many answers at once need not queue at one row.
        ill = (ServiceHealth.failures > 0) | ServiceHealth.retry_at.is_not(None)
        stale = func.coalesce(ServiceHealth.answered_at < now - dt.timedelta(minutes=1), True)
        healthy = {"failures": 0, "opened_at": None, "retry_at": None, "answered_at": now, "outcome": outcome}
        session.execute(update(ServiceHealth).where(row, ill | stale).values(healthy))
        return
    failed = update(ServiceHealth).where(row).values(
        failures=func.least(ServiceHealth.failures + 1, 30_000), failed_at=now, outcome=outcome
    ).returning(ServiceHealth.failures)  # fmt: skip
    if session.execute(failed).scalar_one() >= parameters.breaker_failures:
        again = now + dt.timedelta(seconds=parameters.breaker_seconds)
        opened = {"opened_at": func.coalesce(ServiceHealth.opened_at, now), "retry_at": again}
        session.execute(update(ServiceHealth).where(row).values(opened))
