"""Pictures in the form that browsers show, made once."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shown_picture",
        sa.Column("picture_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["picture_id"], ["picture.id"], name=op.f("fk_shown_picture_picture_id")),
        sa.PrimaryKeyConstraint("picture_id", name=op.f("pk_shown_picture")),
    )


def downgrade() -> None:
    op.drop_table("shown_picture")
