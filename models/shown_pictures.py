"""Forms of pictures that were made once, for lists and browsers; all can be made anew."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

import models.cases  # noqa: F401  (the table of pictures)
from models.base import Base


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
