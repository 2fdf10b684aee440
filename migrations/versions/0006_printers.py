"""Printers of the sites with their offsets, and the numbers of trays."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "printer",
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("offset_x", sa.Numeric(precision=4, scale=2), server_default="0", nullable=False),
        sa.Column("offset_y", sa.Numeric(precision=4, scale=2), server_default="0", nullable=False),
        sa.Column("rotation", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("abs(offset_x) <= 10 and abs(offset_y) <= 10", name="printer_offset_is_small"),
        sa.CheckConstraint("rotation in (0, 180)", name="printer_turns_by_half"),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_printer_site_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_printer")),
    )
    op.create_index("ix_printer_site_code", "printer", ["site_code"], unique=False)
    op.execute(
        "create trigger printer_keeps_its_codes before update of code on printer for each row "
        "when (old.code is distinct from new.code) execute function refuse_new_code()"
    )
    op.execute(
        "create trigger printer_is_never_deleted before delete on printer for each row execute function refuse_change()"
    )
    op.execute("create sequence tray_serial")


def downgrade() -> None:
    op.execute("drop sequence tray_serial")
    op.drop_index("ix_printer_site_code", table_name="printer")
    op.drop_table("printer")
