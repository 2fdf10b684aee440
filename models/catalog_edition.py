"""The edition of the catalogs: renewed by the database with any change of one, so that their names may be kept."""

import uuid

from sqlalchemy import CheckConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class CatalogEdition(Base):
    """One row. `edition` is random: a number would come again after a change that was rolled back."""

    __tablename__ = "catalog_edition"
    __table_args__ = (CheckConstraint("single", name="catalog_edition_is_one"),)

    single: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    edition: Mapped[uuid.UUID]
