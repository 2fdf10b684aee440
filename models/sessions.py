"""How users prove who they are: sessions and tokens, former passwords, places known, second factors."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigId


class UserSession(Base):
    """A session of the browser, a pair of tokens got with a password, or a token issued to a station.

    Of the random key that the cookie or the token carries only the SHA-256 is kept. It lives while it has not ended or
    expired and its epoch is still its user's. Ended, it stays so: the database refuses to open it again.
    """

    __tablename__ = "user_session"

    id: Mapped[BigId]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    epoch: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(8))
    label: Mapped[str] = mapped_column(String(80))
    address: Mapped[str | None] = mapped_column(INET)
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    started_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    #: To the minute: written at most once in that time.
    seen_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    ended_why: Mapped[str | None] = mapped_column(String(10))
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)

    __table_args__ = (
        CheckConstraint("kind in ('web', 'token', 'station')", name="session_kind_is_known"),
        CheckConstraint("ended_why in ('logout', 'owner', 'admin')", name="session_end_is_known"),
        CheckConstraint(
            "(ended_at is null) = (ended_why is null) and (ended_at is null) = (ended_by_id is null)",
            name="session_ended_by_somebody_for_a_reason",
        ),
        CheckConstraint("expires_at > started_at", name="session_expires_after_it_starts"),
        CheckConstraint("(kind = 'station') = (issued_by_id is not null)", name="station_token_is_issued_by_somebody"),
        Index("ix_user_session_tokens", "id", postgresql_where=text("kind <> 'web' and ended_at is null")),
    )


class FormerPassword(Base):
    """The hash of a password that its user chose once; the latest few are kept, so that none is chosen again."""

    __tablename__ = "former_password"

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    password: Mapped[str] = mapped_column(String(256))
    replaced_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class LoginSource(Base):
    """A network from which somebody tried to log in as a user: failures there, and when the user last got in."""

    __tablename__ = "login_source"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    #: An IPv4 address, or the /64 of an IPv6 one.
    network: Mapped[str] = mapped_column(String(45), primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    failed_at: Mapped[dt.datetime | None]
    locked_until: Mapped[dt.datetime | None]
    known_at: Mapped[dt.datetime | None]

    __table_args__ = (CheckConstraint("failures >= 0", name="failures_are_counted"),)


class SecondFactor(Base):
    """The secret of a user's authenticator (TOTP, RFC 6238), sealed, and the last time step whose code was used."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True, autoincrement=False)
    sealed_secret: Mapped[str] = mapped_column(String(300))
    enrolled_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    last_step: Mapped[int]


class RecoveryCode(Base):
    """The SHA-256 of a code that stands in once for the authenticator."""

    __tablename__ = "recovery_code"

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("second_factor.user_id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[dt.datetime | None]
