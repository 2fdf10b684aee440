"""The edition of the catalogs, renewed with any change of one."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CATALOGS = (
    "country marital_status occupation eye_colour skin_tone hair_colour sex identification_type stock_category"
    " passport_type department municipality site decision_reason list_type stock_movement_type warehouse"
    " transfer_route printer courier void_type procedure requirement"
).split()
FUNCTION = """
create function renew_catalog_edition() returns trigger language plpgsql as $$
begin
    update catalog_edition set edition = gen_random_uuid();
    return null;
end $$
"""
TRIGGER = """
create trigger {0}_renews_edition after insert or update or delete or truncate on {0}
    for each statement execute function renew_catalog_edition()
"""


def upgrade() -> None:
    op.create_table(
        "catalog_edition",
        sa.Column("single", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("edition", sa.Uuid(), nullable=False),
        sa.CheckConstraint("single", name="catalog_edition_is_one"),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_catalog_edition")),
    )
    op.execute("insert into catalog_edition (edition) values (gen_random_uuid())")
    op.execute(FUNCTION)
    for table in CATALOGS:
        op.execute(TRIGGER.format(table))


def downgrade() -> None:
    for table in CATALOGS:
        op.execute(f"drop trigger {table}_renews_edition on {table}")
    op.execute("drop function renew_catalog_edition()")
    op.drop_table("catalog_edition")
