"""How strictly a control is kept, by site (SPEC 5)."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class ControlSetting(Base):
    """`enforce`, `warn` or `off` for one control, at one site or (`*`) everywhere. No row: the control's default.

    `reason` is that of the last change, for the log of changes.
    """

    __tablename__ = "control_setting"

    control: Mapped[str] = mapped_column(String(32), primary_key=True)
    site_code: Mapped[str] = mapped_column(String(16), primary_key=True, default="*")
    mode: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (CheckConstraint("mode in ('enforce', 'warn', 'off')", name="control_mode_is_known"),)
