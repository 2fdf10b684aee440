"""Tables of the stock ledger: turnover, arrivals, differences, day closings; documents of every kind."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_turnover",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("span", sa.String(length=5), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("turnover_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("put", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("span in ('DAY', 'MONTH')", name="turnover_span_is_known"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_turnover")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_stock_turnover_span",
        "stock_turnover",
        ["span", "account", "turnover_on", "owner", "category_code", "kind"],
        unique=False,
    )
    op.create_table(
        "day_closing",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("warehouse_code", sa.String(length=16), nullable=False),
        sa.Column("closing_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by_id", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("warned", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'CERRADO') = (closed_at is not null)", name="closed_closing_says_when"),
        sa.CheckConstraint("state = 'ABIERTO' or signed_at is not null", name="closing_is_signed_first"),
        sa.CheckConstraint("state in ('ABIERTO', 'POR_CONFIRMAR', 'CERRADO')", name="closing_state_is_known"),
        sa.CheckConstraint("(closed_at is null) = (closed_by_id is null)", name="closed_closing_says_who"),
        sa.CheckConstraint("(signed_at is null) = (signed_by_id is null)", name="signed_closing_says_who"),
        sa.CheckConstraint("closed_by_id <> signed_by_id or warned", name="closing_alone_was_warned_about"),
        sa.ForeignKeyConstraint(["closed_by_id"], ["ab_user.id"], name=op.f("fk_day_closing_closed_by_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_day_closing_created_by_id")),
        sa.ForeignKeyConstraint(["signed_by_id"], ["ab_user.id"], name=op.f("fk_day_closing_signed_by_id")),
        sa.ForeignKeyConstraint(["warehouse_code"], ["warehouse.code"], name=op.f("fk_day_closing_warehouse_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_closing")),
    )
    op.create_index("ix_day_closing_warehouse_code", "day_closing", ["warehouse_code", "id"], unique=False)
    op.create_index(
        "uq_day_closing_open",
        "day_closing",
        ["warehouse_code"],
        unique=True,
        postgresql_where=sa.text("state <> 'CERRADO'"),
    )
    op.create_table(
        "transfer_route",
        sa.Column("from_warehouse_code", sa.String(length=16), nullable=False),
        sa.Column("to_warehouse_code", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("from_warehouse_code <> to_warehouse_code", name="route_goes_somewhere"),
        sa.ForeignKeyConstraint(
            ["from_warehouse_code"], ["warehouse.code"], name=op.f("fk_transfer_route_from_warehouse_code")
        ),
        sa.ForeignKeyConstraint(
            ["to_warehouse_code"], ["warehouse.code"], name=op.f("fk_transfer_route_to_warehouse_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_transfer_route")),
    )
    op.create_index(
        "uq_transfer_route_pair", "transfer_route", ["from_warehouse_code", "to_warehouse_code"], unique=True
    )
    op.create_table(
        "closing_line",
        sa.Column("closing_id", sa.Integer(), nullable=False),
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("printed", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("surplus", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("expected - missing + surplus = counted", name="closing_explains_its_count"),
        sa.CheckConstraint("opening + received - sent - printed - voided = expected", name="closing_adds_up"),
        sa.ForeignKeyConstraint(["category_code"], ["stock_category.code"], name=op.f("fk_closing_line_category_code")),
        sa.ForeignKeyConstraint(["closing_id"], ["day_closing.id"], name=op.f("fk_closing_line_closing_id")),
        sa.PrimaryKeyConstraint("closing_id", "category_code", name=op.f("pk_closing_line")),
    )
    op.create_table(
        "closing_range",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("closing_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("prefix", sa.String(length=1), nullable=False),
        sa.Column("first_serial", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int4range(closing_id, closing_id, '[]')"), "&&"),
            (
                sa.text(
                    "int8range(ascii(prefix)::bigint * 10000000 + first_serial,"
                    " ascii(prefix)::bigint * 10000000 + first_serial + quantity)"
                ),
                "&&",
            ),
            where=sa.text("kind = 'COUNTED'"),
            using="gist",
            name="nothing_is_counted_twice",
        ),
        sa.CheckConstraint("kind in ('COUNTED', 'MISSING', 'SURPLUS')", name="range_kind_is_known"),
        sa.CheckConstraint("prefix in ('F', 'S', 'D')", name="range_prefix_is_known"),
        sa.CheckConstraint("first_serial >= 0 and first_serial + quantity <= 10000000", name="range_fits_seven_digits"),
        sa.CheckConstraint("quantity > 0", name="range_has_booklets"),
        sa.ForeignKeyConstraint(["closing_id"], ["day_closing.id"], name=op.f("fk_closing_range_closing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing_range")),
    )
    op.create_index(
        "ix_closing_range_kind", "closing_range", ["closing_id", "kind", "prefix", "first_serial"], unique=False
    )
    op.create_table(
        "stock_arrival",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.CheckConstraint("received >= 0", name="arrival_counts"),
        sa.ForeignKeyConstraint(["document_id"], ["stock_document.id"], name=op.f("fk_stock_arrival_document_id")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_stock_arrival_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_arrival")),
    )
    op.create_index("uq_stock_arrival_number", "stock_arrival", ["document_id", "number"], unique=True)
    op.create_table(
        "stock_difference",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("arrival_id", sa.BigInteger(), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('MISSING', 'SURPLUS', 'DAMAGED')", name="difference_kind_is_known"),
        sa.ForeignKeyConstraint(["arrival_id"], ["stock_arrival.id"], name=op.f("fk_stock_difference_arrival_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_difference")),
    )
    op.create_index(op.f("ix_stock_difference_booklet_number"), "stock_difference", ["booklet_number"], unique=False)
    op.create_index(
        "uq_stock_difference_booklet_number", "stock_difference", ["arrival_id", "booklet_number", "kind"], unique=True
    )
    op.add_column("booklet", sa.Column("place", sa.String(length=40), server_default="SUPPLIER", nullable=False))
    op.drop_index(op.f("ix_booklet_new"), table_name="booklet", postgresql_where="((state)::text = 'NUEVA'::text)")
    op.create_index(
        "ix_booklet_new",
        "booklet",
        ["place", "category_code", "number"],
        unique=False,
        postgresql_where=sa.text("state = 'NUEVA'"),
    )
    op.create_index(
        "ix_booklet_voided", "booklet", ["place", "number"], unique=False, postgresql_where=sa.text("state = 'ANULADA'")
    )
    op.add_column("site", sa.Column("shift_issue", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("stock_document", sa.Column("to_warehouse_code", sa.String(length=16), nullable=True))
    op.add_column("stock_document", sa.Column("printer_id", sa.Integer(), nullable=True))
    op.add_column("stock_document", sa.Column("reverses_id", sa.Integer(), nullable=True))
    op.add_column("stock_document", sa.Column("signed_by_id", sa.Integer(), nullable=True))
    op.add_column("stock_document", sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("stock_document", sa.Column("at_once", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("stock_document", sa.Column("received_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column(
        "stock_document",
        "state",
        existing_type=sa.VARCHAR(length=12),
        type_=sa.String(length=16),
        existing_nullable=False,
    )
    op.alter_column("stock_document", "category_code", existing_type=sa.VARCHAR(length=16), nullable=True)
    op.create_index(
        "ix_stock_document_in_transit",
        "stock_document",
        ["id"],
        unique=False,
        postgresql_where=sa.text("kind = 'TRASLADO' and state = 'CERRADO' and received_at is null"),
    )
    op.create_index("ix_stock_document_kind", "stock_document", ["kind", "id"], unique=False)
    op.create_index(
        "uq_stock_document_reverses_id",
        "stock_document",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )
    op.create_foreign_key(op.f("fk_stock_document_signed_by_id"), "stock_document", "ab_user", ["signed_by_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_stock_document_to_warehouse_code"), "stock_document", "warehouse", ["to_warehouse_code"], ["code"]
    )
    op.create_foreign_key(op.f("fk_stock_document_printer_id"), "stock_document", "ab_user", ["printer_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_stock_document_reverses_id"), "stock_document", "stock_document", ["reverses_id"], ["id"]
    )
    op.add_column("stock_line", sa.Column("receives", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("stock_movement", sa.Column("void_type_code", sa.String(length=16), nullable=True))
    op.add_column("stock_movement", sa.Column("remarks", sa.Text(), nullable=True))
    op.alter_column(
        "stock_movement",
        "from_place",
        existing_type=sa.VARCHAR(length=32),
        type_=sa.String(length=40),
        existing_nullable=False,
    )
    op.alter_column(
        "stock_movement",
        "to_place",
        existing_type=sa.VARCHAR(length=32),
        type_=sa.String(length=40),
        existing_nullable=False,
    )
    op.drop_index(
        op.f("uq_stock_movement_first"),
        table_name="stock_movement",
        postgresql_where="((from_place)::text = 'SUPPLIER'::text)",
    )
    op.drop_constraint(op.f("uq_stock_movement_reverses_id"), "stock_movement", type_="unique")
    op.create_index(
        "uq_stock_movement_reverses_id",
        "stock_movement",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )
    op.create_foreign_key(
        op.f("fk_stock_movement_void_type_code"), "stock_movement", "void_type", ["void_type_code"], ["code"]
    )
    op.add_column("warehouse", sa.Column("target_days", sa.SmallInteger(), server_default="20", nullable=False))


def downgrade() -> None:
    op.drop_column("warehouse", "target_days")
    op.drop_constraint(op.f("fk_stock_movement_void_type_code"), "stock_movement", type_="foreignkey")
    op.drop_index(
        "uq_stock_movement_reverses_id",
        table_name="stock_movement",
        postgresql_where=sa.text("reverses_id is not null"),
    )
    op.create_unique_constraint(
        op.f("uq_stock_movement_reverses_id"), "stock_movement", ["reverses_id"], postgresql_nulls_not_distinct=False
    )
    op.create_index(
        op.f("uq_stock_movement_first"),
        "stock_movement",
        ["booklet_number"],
        unique=True,
        postgresql_where="((from_place)::text = 'SUPPLIER'::text)",
    )
    op.alter_column(
        "stock_movement",
        "to_place",
        existing_type=sa.String(length=40),
        type_=sa.VARCHAR(length=32),
        existing_nullable=False,
    )
    op.alter_column(
        "stock_movement",
        "from_place",
        existing_type=sa.String(length=40),
        type_=sa.VARCHAR(length=32),
        existing_nullable=False,
    )
    op.drop_column("stock_movement", "remarks")
    op.drop_column("stock_movement", "void_type_code")
    op.drop_column("stock_line", "receives")
    op.drop_constraint(op.f("fk_stock_document_reverses_id"), "stock_document", type_="foreignkey")
    op.drop_constraint(op.f("fk_stock_document_printer_id"), "stock_document", type_="foreignkey")
    op.drop_constraint(op.f("fk_stock_document_to_warehouse_code"), "stock_document", type_="foreignkey")
    op.drop_constraint(op.f("fk_stock_document_signed_by_id"), "stock_document", type_="foreignkey")
    op.drop_index(
        "uq_stock_document_reverses_id",
        table_name="stock_document",
        postgresql_where=sa.text("reverses_id is not null"),
    )
    op.drop_index("ix_stock_document_kind", table_name="stock_document")
    op.drop_index(
        "ix_stock_document_in_transit",
        table_name="stock_document",
        postgresql_where=sa.text("kind = 'TRASLADO' and state = 'CERRADO' and received_at is null"),
    )
    op.alter_column("stock_document", "category_code", existing_type=sa.VARCHAR(length=16), nullable=False)
    op.alter_column(
        "stock_document",
        "state",
        existing_type=sa.String(length=16),
        type_=sa.VARCHAR(length=12),
        existing_nullable=False,
    )
    op.drop_column("stock_document", "received_at")
    op.drop_column("stock_document", "at_once")
    op.drop_column("stock_document", "signed_at")
    op.drop_column("stock_document", "signed_by_id")
    op.drop_column("stock_document", "reverses_id")
    op.drop_column("stock_document", "printer_id")
    op.drop_column("stock_document", "to_warehouse_code")
    op.drop_column("site", "shift_issue")
    op.drop_index("ix_booklet_voided", table_name="booklet", postgresql_where=sa.text("state = 'ANULADA'"))
    op.drop_index("ix_booklet_new", table_name="booklet", postgresql_where=sa.text("state = 'NUEVA'"))
    op.create_index(
        op.f("ix_booklet_new"),
        "booklet",
        ["warehouse_code", "category_code", "number"],
        unique=False,
        postgresql_where="((state)::text = 'NUEVA'::text)",
    )
    op.drop_column("booklet", "place")
    op.drop_index("uq_stock_difference_booklet_number", table_name="stock_difference")
    op.drop_index(op.f("ix_stock_difference_booklet_number"), table_name="stock_difference")
    op.drop_table("stock_difference")
    op.drop_index("uq_stock_arrival_number", table_name="stock_arrival")
    op.drop_table("stock_arrival")
    op.drop_index("ix_closing_range_kind", table_name="closing_range")
    op.drop_table("closing_range")
    op.drop_table("closing_line")
    op.drop_index("uq_transfer_route_pair", table_name="transfer_route")
    op.drop_table("transfer_route")
    op.drop_index("uq_day_closing_open", table_name="day_closing", postgresql_where=sa.text("state <> 'CERRADO'"))
    op.drop_index("ix_day_closing_warehouse_code", table_name="day_closing")
    op.drop_table("day_closing")
    op.drop_index("ix_stock_turnover_span", table_name="stock_turnover")
    op.drop_table("stock_turnover")
