"""Requests that one person makes and another decides, of acts that change a passport after the fact; their evidence."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.states import State
from models.text import N_


class RequestState(StrEnum):
    """What became of a request. LAPSED: the case changed before it was decided, and somebody asked anew."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


REQUEST_LABELS = {
    RequestState.PENDING: N_("Waits for a second person"),
    RequestState.APPROVED: N_("Request approved"),
    RequestState.REFUSED: N_("Request refused"),
    RequestState.WITHDRAWN: N_("Request withdrawn"),
    RequestState.LAPSED: N_("Request lapsed"),
}
#: Who asks the office for a correction.
REQUESTER_LABELS = {
    "APPLICANT": N_("The applicant himself"),
    "GUARDIAN": N_("Father, mother, guardian or representative"),
    "INTERNAL": N_("The office itself"),
}
#: The transitions that are asked for and approved; the database knows no other.
KINDS = ("correct", "correct_issued", "void_booklet")


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(str(value)) for value in values)})"


class AmendmentRequest(Base):
    """An act that somebody asked for: `kind` is the name of the transition, the id the number that people read.

    `proposed` and `before` hold the same columns of case and applicant, as they are to be and as they were; both are
    empty for a void. `zones` holds the MRZ lines of the previews, {"before": [two lines] or null, "after": likewise}.
    `from_state`, `booklet_number` and `booklet_state` are what the case was then. `alone`: the control asked for no
    second person. The database keeps what was decided, and lets one request of a case wait at a time.
    """

    __tablename__ = "amendment_request"

    id: Mapped[BigId]
    kind: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    from_state: Mapped[State] = mapped_column(String(24))
    booklet_number: Mapped[str | None] = mapped_column(ForeignKey("booklet.number"))
    booklet_state: Mapped[str | None] = mapped_column(String(12))
    proposed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    zones: Mapped[dict[str, Any]] = mapped_column(default=dict)
    requester_kind: Mapped[str | None] = mapped_column(String(12))
    requester_name: Mapped[str | None] = mapped_column(String(120))
    requester_identification: Mapped[str | None] = mapped_column(String(40))
    reason_code: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str] = mapped_column(Text)
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    requested_at: Mapped[dt.datetime]
    state: Mapped[RequestState] = mapped_column(String(12), default=RequestState.PENDING)
    alone: Mapped[bool] = mapped_column(server_default="false", default=False)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    decided_at: Mapped[dt.datetime | None]
    decision: Mapped[str | None] = mapped_column(Text)
    event_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("case_event.id"))

    __table_args__ = (
        CheckConstraint(_among("kind", KINDS), name="request_kind_is_known"),
        CheckConstraint(_among("state", tuple(RequestState)), name="request_state_is_known"),
        CheckConstraint(_among("requester_kind", tuple(REQUESTER_LABELS)), name="requester_is_known"),
        CheckConstraint(
            "jsonb_typeof(proposed) = 'object' and (kind = 'void_booklet') = (proposed = '{}')",
            name="correction_proposes_something",
        ),
        CheckConstraint(
            "(requester_kind is null) = (requester_name is null)"
            " and (requester_kind is null) = (requester_identification is null)"
            " and (kind = 'void_booklet' or requester_kind is not null)",
            name="correction_says_who_asked",
        ),
        CheckConstraint("(booklet_number is null) = (booklet_state is null)", name="booklet_was_in_a_state"),
        CheckConstraint(
            "(state = 'PENDING') = (decided_at is null) and (decided_at is null) = (decided_by_id is null)",
            name="request_is_decided_by_somebody_at_a_time",
        ),
        CheckConstraint("(state = 'APPROVED') = (event_id is not null)", name="approved_request_was_carried_out"),
        CheckConstraint(
            "state not in ('APPROVED', 'REFUSED') or decided_by_id <> requested_by_id or alone",
            name="request_is_decided_by_a_second_person",
        ),
        CheckConstraint("state <> 'WITHDRAWN' or decided_by_id = requested_by_id", name="who_asked_withdraws"),
        CheckConstraint("state <> 'REFUSED' or decision is not null", name="refused_request_says_why"),
        CheckConstraint("not alone or state = 'APPROVED'", name="done_alone_is_done"),
        Index("uq_amendment_request_pending", "case_id", unique=True, postgresql_where=text("state = 'PENDING'")),
        Index("ix_amendment_request_case_id", "case_id", "id"),
        Index("ix_amendment_request_kind", "kind", "id"),
        Index(
            "ix_amendment_request_booklet_number",
            "booklet_number",
            postgresql_where=text("booklet_number is not null"),
        ),
        Index("ix_amendment_request_event_id", "event_id", postgresql_where=text("event_id is not null")),
    )


class Evidence(Base):
    """A file that proves why: PDF, JPEG or PNG, proven by its content. Never changed; what a request names stays."""

    __tablename__ = "evidence"

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(24))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    uploaded_at: Mapped[dt.datetime]

    __table_args__ = (
        CheckConstraint(
            _among("media_type", ("application/pdf", "image/jpeg", "image/png")), name="evidence_kind_is_known"
        ),
        CheckConstraint("size = length(data) and size between 1 and 5242880", name="evidence_has_at_most_five_mib"),
        CheckConstraint("sha256 = sha256(data)", name="evidence_is_what_was_sent"),
        Index("ix_evidence_uploaded", "uploaded_by_id", "uploaded_at"),
    )


class RequestEvidence(Base):
    """Which evidence a request names; append-only. A request made anew may name that of the former one."""

    __tablename__ = "request_evidence"

    request_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("amendment_request.id"), primary_key=True)
    evidence_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("evidence.id"), primary_key=True, index=True)
