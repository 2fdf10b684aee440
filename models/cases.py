"""A case, its applicant, and everything that is written about it: events, findings, requirements, pictures.

`passport_case` holds what queues need and stays narrow; the applicant's other data stand in a row of their own.
"""

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.pictures import CasePicture, Picture, ShownPicture, Thumbnail
from models.states import EVENT_LABELS, FINDING_LABELS, STATE_LABELS, TERMINAL, Event, Finding, State

__all__ = [
    "AUTHORISING",
    "CASE_NUMBER",
    "EVENT_LABELS",
    "FINDING_LABELS",
    "STATE_LABELS",
    "TERMINAL",
    "Applicant",
    "CaseEvent",
    "CaseFinding",
    "CasePicture",
    "CaseRequirement",
    "Event",
    "Finding",
    "PassportCase",
    "Picture",
    "ShownPicture",
    "State",
    "Thumbnail",
]

CASE_NUMBER = r"^[A-Z0-9]{3}[0-9]{9}$"
#: What makes a case an authorised one.
AUTHORISING = (Event.AUTORIZACION, Event.ACEPTACION_SECUNDARIA, Event.CREADO_POR_CORRECCION, Event.CREADO_POR_PRORROGA)


def _among(events: tuple[Event, ...]) -> str:
    return f"event in ({', '.join(repr(event.value) for event in events)})"


_states = ", ".join(f"'{state}'" for state in State)
_terminal = ", ".join(f"'{state}'" for state in sorted(TERMINAL))
#: A case that waits for somebody; the queues' indexes hold no others, so that they do not grow with the years.
_waits = text(f"state not in ({_terminal})")
#: What names are searched in: their words, and the two sites, so that who sees few sites does not read everybody's.
_words = "(array_to_tsvector(array['@' || site_code, '@' || print_site_code]) || to_tsvector('simple', search_name))"
#: The same for the queues, with the state: a queue is a small part of those who bear a common name.
_open_words = _words.replace("print_site_code]", "print_site_code, '@' || state]")


NAME_PARTS = ("first_surname", "second_surname", "married_surname", "first_name", "second_name", "other_names")


def full_name_of(cases: Any) -> ColumnElement[str]:
    """`PassportCase.full_name` as a column, of the table `cases`."""
    return func.concat_ws(" ", *(func.nullif(cases.c[part], "") for part in NAME_PARTS))


class PassportCase(Base):
    """One application of one person for one passport."""

    __tablename__ = "passport_case"

    id: Mapped[BigId]
    number: Mapped[str] = mapped_column(String(12), unique=True)
    enrollment_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    state: Mapped[State] = mapped_column(String(24))
    site_code: Mapped[str] = mapped_column(ForeignKey("site.code"))
    print_site_code: Mapped[str] = mapped_column(ForeignKey("site.code"))
    mobile: Mapped[bool] = mapped_column(default=False)
    desk: Mapped[str | None] = mapped_column(String(10))
    station: Mapped[str] = mapped_column(String(20))
    operator: Mapped[str] = mapped_column(String(40))
    procedure_code: Mapped[str] = mapped_column(ForeignKey("procedure.code"))
    passport_type_code: Mapped[str] = mapped_column(ForeignKey("passport_type.code"))
    validity_years: Mapped[int] = mapped_column(SmallInteger)
    priority: Mapped[int] = mapped_column(SmallInteger, default=3)
    enrolled_at: Mapped[dt.datetime]
    created_at: Mapped[dt.datetime]
    state_since: Mapped[dt.datetime]
    first_name: Mapped[str | None] = mapped_column(String(60))
    second_name: Mapped[str | None] = mapped_column(String(60))
    other_names: Mapped[str | None] = mapped_column(String(60))
    first_surname: Mapped[str] = mapped_column(String(60))
    second_surname: Mapped[str | None] = mapped_column(String(60))
    married_surname: Mapped[str | None] = mapped_column(String(60))
    search_name: Mapped[str] = mapped_column(Text)
    cui: Mapped[str] = mapped_column(String(13))
    birth_date: Mapped[str] = mapped_column(String(10))
    sex_code: Mapped[str] = mapped_column(ForeignKey("sex.code"))
    identification_type_code: Mapped[str] = mapped_column(ForeignKey("identification_type.code"))
    identification_number: Mapped[str] = mapped_column(String(20))
    payment_slip: Mapped[str | None] = mapped_column(String(20))
    previous_booklet: Mapped[str | None] = mapped_column(String(20))
    booklet_number: Mapped[str | None] = mapped_column(ForeignKey("booklet.number", use_alter=True))
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    held_at: Mapped[dt.datetime | None]

    applicant: Mapped["Applicant"] = relationship(back_populates="case", lazy="select")
    findings: Mapped[list["CaseFinding"]] = relationship(order_by="CaseFinding.id", lazy="select")
    requirements: Mapped[list["CaseRequirement"]] = relationship(order_by="CaseRequirement.id", lazy="select")

    __table_args__ = (
        CheckConstraint(f"state in ({_states})", name="case_state_is_known"),
        CheckConstraint(f"number ~ '{CASE_NUMBER}'", name="case_number_has_its_form"),
        CheckConstraint("cui ~ '^[0-9]{13}$'", name="cui_has_thirteen_digits"),
        CheckConstraint("priority between 1 and 3", name="priority_is_1_to_3"),
        CheckConstraint("(held_by_id is null) = (held_at is null)", name="held_by_somebody_since_a_time"),
        CheckConstraint(
            "state not in ('EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION') or booklet_number is not null",
            name="case_in_printing_has_a_booklet",
        ),
        CheckConstraint(
            "state not in ('ENROLADA', 'VALIDACION_SECUNDARIA', 'AUTORIZADA', 'RECHAZADA') or booklet_number is null",
            name="case_before_printing_has_no_booklet",
        ),
        CheckConstraint("state <> 'ENTREGADA' or booklet_number is not null", name="delivered_case_has_a_booklet"),
        Index("ix_passport_case_queue", "state", "site_code", "priority", "enrolled_at", "id", postgresql_where=_waits),
        Index(
            "ix_passport_case_print_queue",
            "site_code",
            "mobile",
            "priority",
            "enrolled_at",
            "id",
            postgresql_where=text(f"state = '{State.AUTORIZADA}'"),
        ),
        Index("ix_passport_case_created", "site_code", "created_at", "id"),
        Index("ix_passport_case_enrolled", "enrolled_at", "id"),
        Index("ix_passport_case_previous", "previous_booklet", postgresql_where=text("previous_booklet is not null")),
        Index("ix_passport_case_cui", "cui", "passport_type_code"),
        Index("ix_passport_case_payment_slip", "payment_slip"),
        Index("ix_passport_case_parent_id", "parent_id", postgresql_where=text("parent_id is not null")),
        Index("ix_passport_case_held_by_id", "held_by_id", postgresql_where=text("held_by_id is not null")),
        Index("uq_passport_case_booklet", "booklet_number", unique=True, postgresql_where=text("state <> 'CORREGIDA'")),
        Index("ix_passport_case_search_words", text(_words), postgresql_using="gin"),
        Index("ix_passport_case_open_words", text(_open_words), postgresql_using="gin", postgresql_where=_waits),
    )

    @property
    def surnames(self) -> str:
        """Surnames as captured, the married one last."""
        return " ".join(filter(None, (self.first_surname, self.second_surname, self.married_surname)))

    @property
    def given_names(self) -> str:
        """Given names as captured; empty for a person with a single name."""
        return " ".join(filter(None, (self.first_name, self.second_name, self.other_names)))

    @property
    def full_name(self) -> str:
        """Surnames first, as the queues list people (M:L573)."""
        return " ".join(filter(None, (self.surnames, self.given_names)))

    @property
    def over(self) -> bool:
        return self.state in TERMINAL


class Applicant(Base):
    """The person's data as captured, apart from what the case itself holds."""

    __tablename__ = "applicant"

    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), primary_key=True)
    nationality_code: Mapped[str] = mapped_column(ForeignKey("country.code"))
    birth_country_code: Mapped[str] = mapped_column(ForeignKey("country.code"))
    birth_department_code: Mapped[str | None] = mapped_column(ForeignKey("department.code"))
    birth_municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code"))
    birth_place: Mapped[str | None] = mapped_column(String(60))
    marital_status_code: Mapped[str] = mapped_column(ForeignKey("marital_status.code"))
    occupation_code: Mapped[str] = mapped_column(ForeignKey("occupation.code"))
    eye_colour_code: Mapped[str] = mapped_column(ForeignKey("eye_colour.code"))
    skin_tone_code: Mapped[str] = mapped_column(ForeignKey("skin_tone.code"))
    hair_colour_code: Mapped[str] = mapped_column(ForeignKey("hair_colour.code"))
    height_cm: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[dict[str, Any]]
    phone: Mapped[str | None] = mapped_column(String(24))
    email: Mapped[str | None] = mapped_column(String(120))
    guardians: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    payment: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_passport: Mapped[dict[str, Any] | None]
    replacement_reason: Mapped[str | None] = mapped_column(ForeignKey("void_type.code"))
    report: Mapped[dict[str, Any] | None]
    delivery_address: Mapped[dict[str, Any] | None]

    case: Mapped[PassportCase] = relationship(back_populates="applicant")


class CaseEvent(Base):
    """One line of a case's log (Bitácora). Append-only: the database refuses update and delete."""

    __tablename__ = "case_event"

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"))
    event: Mapped[Event] = mapped_column(String(32))
    transition: Mapped[str] = mapped_column(String(32))
    from_state: Mapped[State | None] = mapped_column(String(24))
    to_state: Mapped[State] = mapped_column(String(24))
    started_at: Mapped[dt.datetime]
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    username: Mapped[str] = mapped_column(String(128))
    site_code: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(INET)
    booklet_number: Mapped[str | None] = mapped_column(String(8))
    reason_code: Mapped[str | None] = mapped_column(String(16))
    comment: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (
        CheckConstraint(f"to_state in ({_states}) and from_state in ({_states})", name="event_states_are_known"),
        Index("ix_case_event_case_id", "case_id", "id"),
        Index("ix_case_event_at", "event", "at"),
        Index("ix_case_event_moment", "at", "id"),
        Index("ix_case_event_authorised", "site_code", "at", "id", postgresql_where=text(_among(AUTHORISING))),
        Index("ix_case_event_rejected", "site_code", "at", "id", postgresql_where=text("event = 'RECHAZO'")),
    )


class CaseFinding(Base):
    """One finding of a case: the fields it names, what was compared, and how it was resolved."""

    __tablename__ = "case_finding"

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), index=True)
    code: Mapped[Finding] = mapped_column(String(24))
    fields: Mapped[list[str]] = mapped_column(default=list)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    found_at: Mapped[dt.datetime]
    resolved_at: Mapped[dt.datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    resolution: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint(
            "(resolved_at is null) = (resolution is null) and (resolved_at is null) = (resolved_by_id is null)",
            name="finding_is_resolved_by_somebody_with_a_reason",
        ),
    )


class CaseRequirement(Base):
    """A paper or act of the procedure, and whether the station saw it."""

    __tablename__ = "case_requirement"

    id: Mapped[BigId]
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), index=True)
    requirement_code: Mapped[str] = mapped_column(ForeignKey("requirement.code"))
    presented: Mapped[bool]
    note: Mapped[str | None] = mapped_column(String(200))
