"""Who holds which profile where and until when, and the signed reviews of it.

`ab_user_role` has the profiles a user holds at every one of his sites, without an end; a `UserAssignment` is for one
site, or for a time. The view `held_profile` of the database joins both as they stand today.
"""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.text import N_
from models.users import Role, User


class UserAssignment(Base):
    """A profile held at one site (None: each of the user's sites) from a day to a day, both included, Guatemala's."""

    __tablename__ = "user_assignment"

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id"), index=True)
    site_code: Mapped[str | None] = mapped_column(ForeignKey("site.code"), index=True)
    valid_from: Mapped[dt.date]
    valid_until: Mapped[dt.date | None]
    reason: Mapped[str] = mapped_column(String(200))
    given_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    given_at: Mapped[dt.datetime]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    ended_at: Mapped[dt.datetime | None]
    role: Mapped[Any] = relationship(Role, lazy="joined")
    user: Mapped[Any] = relationship(User, foreign_keys=[user_id])
    given_by: Mapped[Any] = relationship(User, foreign_keys=[given_by_id])

    # The database besides excludes two at once of the same user, profile and site (migration 0012).
    __table_args__ = (
        CheckConstraint("valid_until >= valid_from", name="assignment_ends_after_it_starts"),
        CheckConstraint("(ended_at is null) = (ended_by_id is null)", name="assignment_ended_by_somebody"),
    )


class Decision(StrEnum):
    """What a review says of an account."""

    KEEP = "KEEP"
    DISABLE = "DISABLE"
    CHANGE = "CHANGE"


DECISION_LABELS = {
    Decision.KEEP: N_("Keep as it is"),
    Decision.DISABLE: N_("Disable the account"),
    Decision.CHANGE: N_("Keep, but change its access"),
}


class AccessReview(Base):
    """A look at every active account of a site (None: of all), signed by one person; unchangeable then."""

    __tablename__ = "access_review"

    id: Mapped[BigId]
    site_code: Mapped[str | None] = mapped_column(ForeignKey("site.code"), index=True)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    opened_at: Mapped[dt.datetime]
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    signed_at: Mapped[dt.datetime | None]
    lines: Mapped[list["AccessReviewLine"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="AccessReviewLine.username"
    )
    opened_by: Mapped[Any] = relationship(User, foreign_keys=[opened_by_id])
    signed_by: Mapped[Any] = relationship(User, foreign_keys=[signed_by_id])

    __table_args__ = (
        CheckConstraint("(signed_at is null) = (signed_by_id is null)", name="review_signed_by_somebody"),
        Index(
            "uq_access_review_open", text("coalesce(site_code, '')"), unique=True,
            postgresql_where=text("signed_at is null"),
        ),
    )  # fmt: skip


class AccessReviewLine(Base):
    """One account as it stood when the review was opened, and what was decided about it.

    `access` is a list of objects: profile and title, site (None: every one of his), until (ISO date or None).
    """

    __tablename__ = "access_review_line"

    id: Mapped[BigId]
    review_id: Mapped[int] = mapped_column(ForeignKey("access_review.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    username: Mapped[str] = mapped_column(String(128))
    name: Mapped[str] = mapped_column(String(130))
    access: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    last_login: Mapped[dt.datetime | None] = mapped_column(DateTime)
    decision: Mapped[str | None] = mapped_column(String(8))
    remark: Mapped[str | None] = mapped_column(String(200))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[Any] = relationship(User, foreign_keys=[decided_by_id])

    __table_args__ = (
        UniqueConstraint("review_id", "user_id"),
        CheckConstraint("decision in ('KEEP', 'DISABLE', 'CHANGE')", name="review_line_decision_is_known"),
        CheckConstraint(
            "(decision is null) = (decided_by_id is null) and (decision is null) = (decided_at is null)",
            name="review_line_decided_by_somebody",
        ),
        CheckConstraint("decided_by_id <> user_id", name="review_line_nobody_reviews_himself"),
        CheckConstraint("decision = 'KEEP' or decision is null or remark is not null", name="review_line_says_why"),
    )
