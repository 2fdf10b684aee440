"""The public keys of the signed 2D code, and which of them signed each page."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REF_IS_OF_ITS_KEY = (
    r"ref = left(encode(sha256(decode(regexp_replace(public_pem, '-----[A-Z ]+-----|\s', '', 'g'), 'base64')),"
    " 'hex'), 10)"
)
#: Changes that never happen, by name: the table, the act, and when it is one.
NEVER = {
    "seal_key_ends_once": (
        "seal_key", "update", "(old.ref, old.public_pem, old.valid_from, old.created_at) is distinct from "
        "(new.ref, new.public_pem, new.valid_from, new.created_at) or (old.valid_until is not null "
        "and old.valid_until is distinct from new.valid_until)"
    ),
    "seal_key_is_never_deleted": ("seal_key", "delete", "true"),
    "personalisation_keeps_its_key": (
        "personalisation", "update", "old.seal_key_ref is distinct from new.seal_key_ref"
    ),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "seal_key",
        sa.Column("ref", sa.String(length=10), nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(REF_IS_OF_ITS_KEY, name="seal_key_ref_is_of_its_key"),
        sa.CheckConstraint("valid_until >= valid_from", name="seal_key_ends_after_it_begins"),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_seal_key")),
    )
    # Null on pages of before: the code itself names their key.
    op.add_column("personalisation", sa.Column("seal_key_ref", sa.String(length=10), nullable=True))
    op.create_foreign_key(
        op.f("fk_personalisation_seal_key_ref"), "personalisation", "seal_key", ["seal_key_ref"], ["ref"]
    )
    for name, (table, act, when) in NEVER.items():
        op.execute(
            f"create trigger {name} before {act} on {table} for each row when ({when}) "
            f"execute function refuse_change_of_record('on {act}')"
        )
    op.execute(
        "create trigger seal_key_is_never_emptied before truncate on seal_key "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    op.execute("drop trigger personalisation_keeps_its_key on personalisation")
    op.drop_constraint(op.f("fk_personalisation_seal_key_ref"), "personalisation")
    op.drop_column("personalisation", "seal_key_ref")
    op.drop_table("seal_key")
