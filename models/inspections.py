"""Second inspections: how many of the accepted booklets each site has looked at again, and those that were drawn."""

import datetime as dt
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId
from models.text import N_


class InspectionResult(StrEnum):
    """How a second inspection ended; none while it is open."""

    PASSED = "PASSED"
    REFUSED = "REFUSED"


INSPECTION_LABELS = {
    InspectionResult.PASSED: N_("Passed"),
    InspectionResult.REFUSED: N_("Refused"),
}


class InspectionSetting(Base):
    """The `rate`, in per cent, and the most draws a month at one printing site or (`*`) at each. No row: none."""

    __tablename__ = "inspection_setting"

    site_code: Mapped[str] = mapped_column(String(16), primary_key=True, default="*")
    rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    monthly_cap: Mapped[int] = mapped_column(Integer)
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    changed_at: Mapped[dt.datetime]

    __table_args__ = (
        CheckConstraint("rate between 0 and 100", name="inspection_rate_is_a_percentage"),
        CheckConstraint("monthly_cap >= 0", name="inspection_cap_is_a_count"),
    )


class SecondInspection(Base):
    """A booklet that was drawn when quality control accepted it: nobody delivers it before a second person passed it.

    `number` counts the draws of a site in a month (`month` is its first day, in Guatemala) up to `monthly_cap`, the
    cap of that moment. The database takes a result only from somebody other than who accepted and who printed it,
    keeps what was drawn and what passed, and holds the delivery back until then.
    """

    __tablename__ = "second_inspection"

    id: Mapped[BigId]
    personalisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("personalisation.id"))
    site_code: Mapped[str] = mapped_column(ForeignKey("site.code"))
    month: Mapped[dt.date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(Integer)
    rate: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    monthly_cap: Mapped[int] = mapped_column(Integer)
    drawn_at: Mapped[dt.datetime]
    first_user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    second_user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    result: Mapped[InspectionResult | None] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[dt.datetime | None]

    __table_args__ = (
        CheckConstraint("result in ('PASSED', 'REFUSED')", name="inspection_result_is_known"),
        CheckConstraint("number between 1 and monthly_cap", name="no_more_draws_than_the_cap"),
        CheckConstraint("extract(day from month) = 1", name="draws_are_counted_by_month"),
        CheckConstraint(
            "(result is null) = (second_user_id is null) and (result is null) = (at is null)",
            name="inspected_by_somebody_at_a_time",
        ),
        CheckConstraint("second_user_id <> first_user_id", name="second_inspection_needs_a_second_person"),
        CheckConstraint("result <> 'REFUSED' or reason is not null", name="refused_inspection_says_why"),
        Index("uq_second_inspection_personalisation_id", "personalisation_id", unique=True),
        Index("uq_second_inspection_number", "site_code", "month", "number", unique=True),
        Index(
            "ix_second_inspection_open",
            "site_code",
            "drawn_at",
            postgresql_where=text("result is distinct from 'PASSED'"),
        ),
    )
