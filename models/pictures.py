"""The pictures of cases: bytes that never change, the smaller and shown forms made of them, which case has which."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, BigId


class Picture(Base):
    """The bytes of a picture, immutable, never loaded with anything else."""

    __tablename__ = "picture"

    id: Mapped[BigId]
    media_type: Mapped[str] = mapped_column(String(16))
    width: Mapped[int] = mapped_column(SmallInteger)
    height: Mapped[int] = mapped_column(SmallInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    data: Mapped[bytes] = deferred(mapped_column(LargeBinary), raiseload=True)


class Thumbnail(Base):
    """A picture as small as lists show it, JPEG, made once."""

    __tablename__ = "thumbnail"

    picture_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("picture.id"), primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ShownPicture(Base):
    """A picture in a form that browsers show, where its own is none of those, made once; may be emptied at any time."""

    __tablename__ = "shown_picture"

    picture_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("picture.id"), primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class CasePicture(Base):
    """Which picture a case has for what: PORTRAIT, SIGNATURE, or a finger of OSIA's BiometricSubType."""

    __tablename__ = "case_picture"

    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("passport_case.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    picture_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("picture.id"))
    print_picture_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("picture.id"))
    missing: Mapped[str | None] = mapped_column(String(200))
    captured: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (
        CheckConstraint("(picture_id is null) = (missing is not null)", name="picture_is_there_or_says_why_not"),
    )
