"""The public keys of the signed 2D code with their validity; their private halves are never in the database."""

import datetime as dt

from sqlalchemy import CheckConstraint, Date, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SealKey(Base):
    """One key that ever signed. A row stays for good as it is, but for `valid_until`, which is set once: its rotation.

    `ref`, which the code carries, is the beginning of the SHA-256 of the public key. Both days are included.
    """

    __tablename__ = "seal_key"

    ref: Mapped[str] = mapped_column(String(10), primary_key=True)
    public_pem: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_until: Mapped[dt.date | None] = mapped_column(Date)
    created_at: Mapped[dt.datetime]

    __table_args__ = (
        CheckConstraint(
            r"ref = left(encode(sha256(decode(regexp_replace(public_pem, '-----[A-Z ]+-----|\s', '', 'g'), 'base64')),"
            " 'hex'), 10)",
            name="seal_key_ref_is_of_its_key",
        ),
        CheckConstraint("valid_until >= valid_from", name="seal_key_ends_after_it_begins"),
    )
