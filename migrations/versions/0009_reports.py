"""What reports read by: indexes for each by site and time, the voids of the ledger; thumbnails made once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AUTHORISING = "event in ('AUTORIZACION', 'ACEPTACION_SECUNDARIA', 'CREADO_POR_CORRECCION', 'CREADO_POR_PRORROGA')"
#: Index, table, columns, and which rows it holds.
INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_passport_case_created", "passport_case", ["site_code", "created_at", "id"], None),
    ("ix_passport_case_enrolled", "passport_case", ["enrolled_at", "id"], None),
    ("ix_passport_case_previous", "passport_case", ["previous_booklet"], "procedure_code = 'REPOSICION'"),
    ("ix_case_event_authorised", "case_event", ["site_code", "at", "id"], _AUTHORISING),
    ("ix_case_event_rejected", "case_event", ["site_code", "at", "id"], "event = 'RECHAZO'"),
    ("ix_personalisation_assigned", "personalisation", ["site_code", "assigned_at", "id"], None),
    ("ix_personalisation_printed", "personalisation", ["site_code", "printed_at", "id"], "printed_at is not null"),
    ("ix_personalisation_delivered", "personalisation", ["site_code", "delivered_at", "id"],
     "delivered_at is not null"),
    ("ix_stock_document_closed", "stock_document", ["kind", "closed_at", "id"], "closed_at is not null"),
    ("ix_stock_movement_voids", "stock_movement", ["at", "id"], "kind = 'EGRESO_ANULACION'"),
    ("ix_stock_movement_undone", "stock_movement", ["at"], "kind = 'REINGRESO_REACTIVACION'"),
)  # fmt: skip


def upgrade() -> None:
    for name, table, columns, which in INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(which) if which else None)
    # Movements are written in the order of time: a few kilobytes tell which pages hold a day of 60 million.
    op.create_index("ix_stock_movement_at", "stock_movement", ["at"], postgresql_using="brin")
    op.create_table(
        "thumbnail",
        sa.Column("picture_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["picture_id"], ["picture.id"], name=op.f("fk_thumbnail_picture_id")),
        sa.PrimaryKeyConstraint("picture_id", name=op.f("pk_thumbnail")),
    )


def downgrade() -> None:
    op.drop_table("thumbnail")
    op.drop_index("ix_stock_movement_at", "stock_movement")
    for name, table, _columns, _which in reversed(INDEXES):
        op.drop_index(name, table)
