"""What we add to Flask-AppBuilder's user: identity, sites, and the state of his password and sessions."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask_appbuilder.security.sqla.models import Permission as FabPermission
from flask_appbuilder.security.sqla.models import PermissionView, Role, ViewMenu
from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, String, Table, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigId
from models.catalogs import Site

__all__ = ["AccessLog", "FabPermission", "PermissionView", "Role", "Site", "User", "ViewMenu", "user_site"]

user_site = Table(
    "user_site",
    Base.metadata,
    Column("user_id", ForeignKey("ab_user.id"), primary_key=True),
    Column("site_code", ForeignKey("site.code"), primary_key=True),
)

# Columns go onto Flask-AppBuilder's mapped class itself: a subclass would be a second identity of the same row.
FabUser.cui = mapped_column("cui", String(13), nullable=True)
FabUser.desk = mapped_column("desk", String(10), nullable=True)
FabUser.warehouse_code = mapped_column("warehouse_code", ForeignKey("warehouse.code"), nullable=True, index=True)
FabUser.must_change_password = mapped_column(
    "must_change_password", Boolean, default=True, server_default="true", nullable=False
)
FabUser.password_changed_at = mapped_column(
    "password_changed_at", DateTime(timezone=True), server_default=text("now()"), nullable=False
)
FabUser.locked_until = mapped_column("locked_until", DateTime(timezone=True), nullable=True)
FabUser.session_epoch = mapped_column(
    "session_epoch", String(32), server_default=text("md5(random()::text)"), nullable=False
)
FabUser.sites = relationship(Site, secondary=user_site, order_by=Site.code)

Role.title = mapped_column("title", String(80), nullable=False, server_default="")
Role.active = mapped_column("active", Boolean, nullable=False, server_default="true", default=True)
#: Whoever has the profile logs in with a second factor.
Role.second_factor = mapped_column("second_factor", Boolean, nullable=False, server_default="false", default=False)

if TYPE_CHECKING:

    class User(FabUser):  # type: ignore[misc]
        id: Mapped[int]
        username: Mapped[str]
        first_name: Mapped[str]
        last_name: Mapped[str]
        email: Mapped[str]
        password: Mapped[str | None]
        active: Mapped[bool | None]
        login_count: Mapped[int | None]
        fail_login_count: Mapped[int | None]
        last_login: Mapped[dt.datetime | None]
        created_on: Mapped[dt.datetime | None]
        changed_on: Mapped[dt.datetime | None]
        created_by_fk: Mapped[int | None]
        changed_by_fk: Mapped[int | None]
        cui: Mapped[str | None]
        desk: Mapped[str | None]
        warehouse_code: Mapped[str | None]
        must_change_password: Mapped[bool]
        password_changed_at: Mapped[dt.datetime]
        locked_until: Mapped[dt.datetime | None]
        session_epoch: Mapped[str]
        roles: Mapped[list[Any]]
        sites: Mapped[list[Site]]
else:
    User = FabUser


class AccessLog(Base):
    """One look at a person's data: who, whose, which screen. Append-only: the database refuses update and delete."""

    __tablename__ = "access_log"

    id: Mapped[BigId]
    at: Mapped[dt.datetime]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    case_number: Mapped[str | None] = mapped_column(String(20), index=True)
    screen: Mapped[str] = mapped_column(String(40))
    address: Mapped[str | None] = mapped_column(INET)
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (Index("ix_access_log_at", "at", "id"),)
