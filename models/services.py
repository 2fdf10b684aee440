"""Services outside the house: how each is reached and how it fares, what was asked and answered, which cases wait."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.text import N_

#: Most seconds a station may have to wait for one service: the attempts together.
LONGEST_SECONDS = 20


class Service(StrEnum):
    """A service that is asked about the person of an enrolment."""

    CIVIL_REGISTRY = "CIVIL_REGISTRY"
    WATCH_LISTS = "WATCH_LISTS"


SERVICE_LABELS = {
    Service.CIVIL_REGISTRY: N_("Civil registry (RENAP)"),
    Service.WATCH_LISTS: N_("Watch-list service"),
}


#: What a case is doing while a service has not answered.
WAIT_LABELS = {
    Service.CIVIL_REGISTRY: N_("Waits for the civil registry"),
    Service.WATCH_LISTS: N_("Waits for the watch-list service"),
}


class WhenDown(StrEnum):
    """What becomes of a case for which a service did not answer."""

    WAIT = "WAIT"
    GO_ON = "GO_ON"


class Outcome(StrEnum):
    """How a call ended. All but the first two mean that nothing is known of the person."""

    ANSWERED = "ANSWERED"
    NOT_FOUND = "NOT_FOUND"
    REFUSED = "REFUSED"
    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"
    FAILED = "FAILED"
    BAD_ANSWER = "BAD_ANSWER"
    BREAKER_OPEN = "BREAKER_OPEN"
    MISCONFIGURED = "MISCONFIGURED"


OUTCOME_LABELS = {
    Outcome.ANSWERED: N_("Answered"),
    Outcome.NOT_FOUND: N_("Answered: nothing known of the person"),
    Outcome.REFUSED: N_("The service refused the question or the credentials"),
    Outcome.TIMED_OUT: N_("No answer within the time-out"),
    Outcome.UNREACHABLE: N_("The service cannot be reached"),
    Outcome.FAILED: N_("The service reported a fault of its own"),
    Outcome.BAD_ANSWER: N_("The answer could not be understood"),
    Outcome.BREAKER_OPEN: N_("Not asked: the circuit breaker is open"),
    Outcome.MISCONFIGURED: N_("Not asked: address or secret must be entered again"),
}


def _among(column: str, words: type[StrEnum]) -> str:
    return f"{column} in ({', '.join(repr(str(word)) for word in words)})"


class ServiceParameters(Base):
    """How a service is reached (module 53). The secret is sealed (security.sealed) and never shown."""

    __tablename__ = "service_parameters"

    service: Mapped[Service] = mapped_column(String(16), primary_key=True)
    url: Mapped[str | None] = mapped_column(String(300))
    client_id: Mapped[str | None] = mapped_column(String(80))
    sealed_secret: Mapped[str | None] = mapped_column(Text)
    timeout_seconds: Mapped[int] = mapped_column(SmallInteger, server_default="3", default=3)
    retries: Mapped[int] = mapped_column(SmallInteger, server_default="1", default=1)
    breaker_failures: Mapped[int] = mapped_column(SmallInteger, server_default="5", default=5)
    breaker_seconds: Mapped[int] = mapped_column(SmallInteger, server_default="30", default=30)
    when_down: Mapped[WhenDown] = mapped_column(String(8), server_default="WAIT", default=WhenDown.WAIT)
    enabled: Mapped[bool] = mapped_column(server_default="false", default=False)
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    changed_at: Mapped[dt.datetime | None]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    __table_args__ = (
        CheckConstraint(_among("service", Service), name="service_is_known"),
        CheckConstraint(_among("when_down", WhenDown), name="when_down_is_known"),
        CheckConstraint("url ~ '^https?://'", name="service_is_asked_over_http"),
        CheckConstraint(
            "not enabled or (url is not null and sealed_secret is not null)", name="enabled_service_can_be_asked"
        ),
        CheckConstraint(
            f"timeout_seconds >= 1 and retries >= 0 and timeout_seconds * (retries + 1) <= {LONGEST_SECONDS}",
            name="no_station_waits_too_long",
        ),
        CheckConstraint("breaker_failures >= 1 and breaker_seconds >= 1", name="breaker_opens_and_closes"),
    )


class ServiceHealth(Base):
    """The circuit breaker of a service, shared by every process: closed while `retry_at` is null."""

    __tablename__ = "service_health"

    service: Mapped[Service] = mapped_column(ForeignKey("service_parameters.service"), primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    opened_at: Mapped[dt.datetime | None]
    retry_at: Mapped[dt.datetime | None]
    answered_at: Mapped[dt.datetime | None]
    failed_at: Mapped[dt.datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(String(16))

    __table_args__ = (
        CheckConstraint(_among("outcome", Outcome), name="health_outcome_is_known"),
        CheckConstraint("(opened_at is null) = (retry_at is null)", name="open_breaker_is_tried_again"),
    )


class ServiceCall(Base):
    """What was asked about the person of a case, and the answer. Append-only; without case for a test of the service.

    `request` never holds credentials.
    """

    __tablename__ = "service_call"

    id: Mapped[BigId]
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    service: Mapped[Service] = mapped_column(String(16))
    asked_at: Mapped[dt.datetime]
    took_ms: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(String(16))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger)
    request: Mapped[dict[str, Any]]
    answer: Mapped[dict[str, Any] | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))

    __table_args__ = (
        CheckConstraint(_among("service", Service), name="call_service_is_known"),
        CheckConstraint(_among("outcome", Outcome), name="call_outcome_is_known"),
        CheckConstraint(
            "octet_length(request::text) <= 4096 and octet_length(answer::text) <= 65536", name="call_is_bounded"
        ),
        Index("ix_service_call_case_id", "case_id", "id", postgresql_where=text("case_id is not null")),
        Index("ix_service_call_tests", "service", "id", postgresql_where=text("case_id is null")),
    )


class ServiceWait(Base):
    """A case for which a service is asked again, at `next_at` at the earliest."""

    __tablename__ = "service_wait"

    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), primary_key=True)
    service: Mapped[Service] = mapped_column(String(16), primary_key=True)
    since: Mapped[dt.datetime]
    next_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)

    __table_args__ = (
        CheckConstraint(_among("service", Service), name="wait_service_is_known"),
        Index("ix_service_wait_next", "service", "next_at", "case_id"),
    )
