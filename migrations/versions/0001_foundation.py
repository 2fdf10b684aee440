"""Foundation: cases, booklets, stock, catalogs, users"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_group")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_group_name")),
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_permission_name")),
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_register_user")),
        sa.UniqueConstraint("email", name=op.f("uq_ab_register_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_ab_register_user_username")),
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=80), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_role")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_role_name")),
    )
    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("fail_login_count", sa.Integer(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.Integer(), nullable=True),
        sa.Column("changed_by_fk", sa.Integer(), nullable=True),
        sa.Column("cui", sa.String(length=13), nullable=True),
        sa.Column("desk", sa.String(length=10), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_epoch", sa.String(length=32), server_default=sa.text("md5(random()::text)"), nullable=False),
        sa.ForeignKeyConstraint(["changed_by_fk"], ["ab_user.id"], name=op.f("fk_ab_user_changed_by_fk")),
        sa.ForeignKeyConstraint(["created_by_fk"], ["ab_user.id"], name=op.f("fk_ab_user_created_by_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user")),
        sa.UniqueConstraint("email", name=op.f("uq_ab_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_ab_user_username")),
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_view_menu")),
        sa.UniqueConstraint("name", name=op.f("uq_ab_view_menu_name")),
    )
    op.create_table(
        "control_setting",
        sa.Column("control", sa.String(length=32), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.CheckConstraint("mode in ('enforce', 'warn', 'off')", name="control_mode_is_known"),
        sa.PrimaryKeyConstraint("control", "site_code", name=op.f("pk_control_setting")),
    )
    op.create_table(
        "country",
        sa.Column("alpha2", sa.String(length=2), nullable=True),
        sa.Column("mrz_code", sa.String(length=3), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_country")),
    )
    op.create_table(
        "decision_reason",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("scope", sa.String(length=24), nullable=False),
        sa.Column("needs_comment", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_decision_reason")),
    )
    op.create_table(
        "department",
        sa.Column("iso_code", sa.String(length=6), nullable=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_department")),
    )
    op.create_table(
        "eye_colour",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_eye_colour")),
    )
    op.create_table(
        "former_case",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("first_surname", sa.String(length=80), nullable=False),
        sa.Column("second_surname", sa.String(length=80), nullable=True),
        sa.Column("married_surname", sa.String(length=80), nullable=True),
        sa.Column("first_name", sa.String(length=80), nullable=True),
        sa.Column("second_name", sa.String(length=80), nullable=True),
        sa.Column("search_name", sa.Text(), nullable=False),
        sa.Column("identification_type_code", sa.String(length=16), nullable=True),
        sa.Column("identification_number", sa.String(length=30), nullable=True),
        sa.Column("cui", sa.String(length=13), nullable=True),
        sa.Column("birth_date", sa.String(length=10), nullable=True),
        sa.Column("sex_code", sa.String(length=1), nullable=True),
        sa.Column("booklet_number", sa.String(length=20), nullable=True),
        sa.Column("passport_type_code", sa.String(length=16), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("site_code", sa.String(length=16), nullable=True),
        sa.Column("site_label", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("source_row", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_former_case")),
    )
    op.create_index("ix_former_case_booklet_number", "former_case", ["booklet_number"], unique=False)
    op.create_index(
        "ix_former_case_cui", "former_case", ["cui"], unique=False, postgresql_where=sa.text("cui is not null")
    )
    op.create_index(
        "ix_former_case_search_name",
        "former_case",
        [sa.literal_column("to_tsvector('simple', search_name)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "hair_colour",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_hair_colour")),
    )
    op.create_table(
        "identification_type",
        sa.Column("pattern", sa.String(length=60), nullable=True),
        sa.Column("asks_registry", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_identification_type")),
    )
    op.create_table(
        "list_type",
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("issuer", sa.String(length=60), nullable=True),
        sa.Column("effect", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_list_type")),
    )
    op.create_table(
        "marital_status",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_marital_status")),
    )
    op.create_table(
        "occupation",
        sa.Column("major_group", sa.String(length=2), nullable=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_occupation")),
    )
    op.create_table(
        "picture",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("media_type", sa.String(length=16), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False),
        sa.Column("height", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
    )
    op.create_table(
        "procedure",
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("needs_previous", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_procedure")),
    )
    op.create_table(
        "registry_person",
        sa.Column("cui", sa.String(length=13), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("cui", name=op.f("pk_registry_person")),
    )
    op.create_table(
        "requirement",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_requirement")),
    )
    op.create_table(
        "sex",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sex")),
    )
    op.create_table(
        "skin_tone",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_skin_tone")),
    )
    op.create_table(
        "stock_category",
        sa.Column("prefix", sa.String(length=1), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_stock_category")),
        sa.UniqueConstraint("prefix", name=op.f("uq_stock_category_prefix")),
    )
    op.create_table(
        "stock_movement_type",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("sign", sa.SmallInteger(), nullable=False),
        sa.Column("document", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_stock_movement_type")),
    )
    op.create_table(
        "void_type",
        sa.Column("modules", sa.String(length=60), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("booklet_states", sa.String(length=60), nullable=False),
        sa.Column("reversible", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_void_type")),
    )
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_ab_api_key_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_api_key")),
        sa.UniqueConstraint("lookup_hash", name=op.f("uq_ab_api_key_lookup_hash")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ab_api_key_uuid")),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"], unique=False)
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"], unique=False)
    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ab_group.id"], name=op.f("fk_ab_group_role_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], name=op.f("fk_ab_group_role_role_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_group_role")),
        sa.UniqueConstraint("group_id", "role_id", name=op.f("uq_ab_group_role_group_id_role_id")),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"], unique=False)
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"], unique=False)
    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"], ["ab_permission.id"], name=op.f("fk_ab_permission_view_permission_id")
        ),
        sa.ForeignKeyConstraint(["view_menu_id"], ["ab_view_menu.id"], name=op.f("fk_ab_permission_view_view_menu_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission_view")),
        sa.UniqueConstraint(
            "permission_id", "view_menu_id", name=op.f("uq_ab_permission_view_permission_id_view_menu_id")
        ),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"], unique=False)
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"], unique=False)
    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"], ["ab_group.id"], name=op.f("fk_ab_user_group_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_ab_user_group_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user_group")),
        sa.UniqueConstraint("user_id", "group_id", name=op.f("uq_ab_user_group_user_id_group_id")),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"], unique=False)
    op.create_index("idx_user_id", "ab_user_group", ["user_id"], unique=False)
    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], name=op.f("fk_ab_user_role_role_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_ab_user_role_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_user_role")),
        sa.UniqueConstraint("user_id", "role_id", name=op.f("uq_ab_user_role_user_id_role_id")),
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("case_number", sa.String(length=20), nullable=True),
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_access_log_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_case_number"), "access_log", ["case_number"], unique=False)
    op.create_table(
        "municipality",
        sa.Column("department_code", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["department_code"], ["department.code"], name=op.f("fk_municipality_department_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_municipality")),
    )
    op.create_index(op.f("ix_municipality_department_code"), "municipality", ["department_code"], unique=False)
    op.create_table(
        "passport_type",
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("document_code", sa.String(length=2), nullable=False),
        sa.Column("document_code_2028", sa.String(length=2), nullable=False),
        sa.Column("minimum_age", sa.SmallInteger(), nullable=True),
        sa.Column("maximum_age", sa.SmallInteger(), nullable=True),
        sa.Column("validities", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"], ["stock_category.code"], name=op.f("fk_passport_type_category_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_passport_type")),
    )
    op.create_table(
        "site",
        sa.Column("country_code", sa.String(length=16), nullable=False),
        sa.Column("region", sa.String(length=60), nullable=True),
        sa.Column("city", sa.String(length=60), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("enrols", sa.Boolean(), nullable=False),
        sa.Column("prints", sa.Boolean(), nullable=False),
        sa.Column("delivers", sa.Boolean(), nullable=False),
        sa.Column("prints_at_code", sa.String(length=16), nullable=True),
        sa.Column("only_dealt", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["country_code"], ["country.code"], name=op.f("fk_site_country_code")),
        sa.ForeignKeyConstraint(["prints_at_code"], ["site.code"], name=op.f("fk_site_prints_at_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_site")),
    )
    op.create_table(
        "watch_list_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("list_type_code", sa.String(length=16), nullable=False),
        sa.Column("search_name", sa.Text(), nullable=True),
        sa.Column("cui", sa.String(length=13), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("search_name is not null or cui is not null", name="entry_names_somebody"),
        sa.ForeignKeyConstraint(
            ["list_type_code"], ["list_type.code"], name=op.f("fk_watch_list_entry_list_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_list_entry")),
    )
    op.create_index(
        "ix_watch_list_entry_cui", "watch_list_entry", ["cui"], unique=False, postgresql_where=sa.text("active")
    )
    op.create_index(
        "ix_watch_list_entry_search_name",
        "watch_list_entry",
        ["search_name"],
        unique=False,
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["permission_view_id"],
            ["ab_permission_view.id"],
            name=op.f("fk_ab_permission_view_role_permission_view_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["ab_role.id"], name=op.f("fk_ab_permission_view_role_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_permission_view_role")),
        sa.UniqueConstraint(
            "permission_view_id", "role_id", name=op.f("uq_ab_permission_view_role_permission_view_id_role_id")
        ),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"], unique=False)
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"], unique=False)
    op.create_table(
        "passport_case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("enrollment_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("print_site_code", sa.String(length=16), nullable=False),
        sa.Column("mobile", sa.Boolean(), nullable=False),
        sa.Column("desk", sa.String(length=10), nullable=True),
        sa.Column("station", sa.String(length=20), nullable=False),
        sa.Column("operator", sa.String(length=40), nullable=False),
        sa.Column("procedure_code", sa.String(length=16), nullable=False),
        sa.Column("passport_type_code", sa.String(length=16), nullable=False),
        sa.Column("validity_years", sa.SmallInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=True),
        sa.Column("second_name", sa.String(length=60), nullable=True),
        sa.Column("other_names", sa.String(length=60), nullable=True),
        sa.Column("first_surname", sa.String(length=60), nullable=False),
        sa.Column("second_surname", sa.String(length=60), nullable=True),
        sa.Column("married_surname", sa.String(length=60), nullable=True),
        sa.Column("search_name", sa.Text(), nullable=False),
        sa.Column("cui", sa.String(length=13), nullable=False),
        sa.Column("birth_date", sa.String(length=10), nullable=False),
        sa.Column("sex_code", sa.String(length=16), nullable=False),
        sa.Column("identification_type_code", sa.String(length=16), nullable=False),
        sa.Column("identification_number", sa.String(length=20), nullable=False),
        sa.Column("payment_slip", sa.String(length=20), nullable=True),
        sa.Column("previous_booklet", sa.String(length=20), nullable=True),
        sa.Column("booklet_number", sa.String(length=8), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("held_by_id", sa.Integer(), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cui ~ '^[0-9]{13}$'", name="cui_has_thirteen_digits"),
        sa.CheckConstraint("number ~ '^[A-Z0-9]{3}[0-9]{9}$'", name="case_number_has_its_form"),
        sa.CheckConstraint(
            "state in ('ENROLADA', 'VALIDACION_SECUNDARIA', 'AUTORIZADA', 'RECHAZADA', 'EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION', 'ENTREGADA', 'CORREGIDA')",
            name="case_state_is_known",
        ),
        sa.CheckConstraint(
            "state not in ('ENROLADA', 'VALIDACION_SECUNDARIA', 'AUTORIZADA', 'RECHAZADA') or booklet_number is null",
            name="case_before_printing_has_no_booklet",
        ),
        sa.CheckConstraint(
            "state not in ('EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION') or booklet_number is not null",
            name="case_in_printing_has_a_booklet",
        ),
        sa.CheckConstraint("(held_by_id is null) = (held_at is null)", name="held_by_somebody_since_a_time"),
        sa.CheckConstraint("priority between 1 and 3", name="priority_is_1_to_3"),
        sa.ForeignKeyConstraint(
            ["booklet_number"], ["booklet.number"], name=op.f("fk_passport_case_booklet_number"), use_alter=True
        ),
        sa.ForeignKeyConstraint(["held_by_id"], ["ab_user.id"], name=op.f("fk_passport_case_held_by_id")),
        sa.ForeignKeyConstraint(
            ["identification_type_code"],
            ["identification_type.code"],
            name=op.f("fk_passport_case_identification_type_code"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["passport_case.id"], name=op.f("fk_passport_case_parent_id")),
        sa.ForeignKeyConstraint(
            ["passport_type_code"], ["passport_type.code"], name=op.f("fk_passport_case_passport_type_code")
        ),
        sa.ForeignKeyConstraint(["print_site_code"], ["site.code"], name=op.f("fk_passport_case_print_site_code")),
        sa.ForeignKeyConstraint(["procedure_code"], ["procedure.code"], name=op.f("fk_passport_case_procedure_code")),
        sa.ForeignKeyConstraint(["sex_code"], ["sex.code"], name=op.f("fk_passport_case_sex_code")),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_passport_case_site_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passport_case")),
        sa.UniqueConstraint("enrollment_id", name=op.f("uq_passport_case_enrollment_id")),
        sa.UniqueConstraint("number", name=op.f("uq_passport_case_number")),
    )
    op.create_index("ix_passport_case_cui", "passport_case", ["cui", "passport_type_code"], unique=False)
    op.create_index(
        "ix_passport_case_held_by_id",
        "passport_case",
        ["held_by_id"],
        unique=False,
        postgresql_where=sa.text("held_by_id is not null"),
    )
    op.create_index(
        "ix_passport_case_parent_id",
        "passport_case",
        ["parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id is not null"),
    )
    op.create_index("ix_passport_case_payment_slip", "passport_case", ["payment_slip"], unique=False)
    op.create_index(
        "ix_passport_case_print_queue",
        "passport_case",
        ["site_code", "mobile", "priority", "enrolled_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'AUTORIZADA'"),
    )
    op.create_index(
        "ix_passport_case_queue",
        "passport_case",
        ["state", "site_code", "priority", "enrolled_at", "id"],
        unique=False,
        postgresql_where=sa.text("state not in ('CORREGIDA', 'ENTREGADA', 'RECHAZADA')"),
    )
    words = "(array_to_tsvector(array['@' || site_code, '@' || print_site_code]) || to_tsvector('simple', search_name))"
    op.create_index(
        "ix_passport_case_search_words", "passport_case", [sa.literal_column(words)], postgresql_using="gin"
    )
    op.create_index(
        "ix_passport_case_open_words",
        "passport_case",
        [sa.literal_column(words.replace("print_site_code]", "print_site_code, '@' || state]"))],
        postgresql_using="gin",
        postgresql_where=sa.text("state not in ('CORREGIDA', 'ENTREGADA', 'RECHAZADA')"),
    )
    op.create_index(
        "uq_passport_case_booklet",
        "passport_case",
        ["booklet_number"],
        unique=True,
        postgresql_where=sa.text("state <> 'CORREGIDA'"),
    )
    op.create_table(
        "user_site",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_user_site_site_code")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_user_site_user_id")),
        sa.PrimaryKeyConstraint("user_id", "site_code", name=op.f("pk_user_site")),
    )
    op.create_table(
        "warehouse",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=True),
        sa.Column("takes_receipts", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_warehouse_site_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_warehouse")),
    )
    op.create_table(
        "applicant",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("nationality_code", sa.String(length=16), nullable=False),
        sa.Column("birth_country_code", sa.String(length=16), nullable=False),
        sa.Column("birth_department_code", sa.String(length=16), nullable=True),
        sa.Column("birth_municipality_code", sa.String(length=16), nullable=True),
        sa.Column("birth_place", sa.String(length=60), nullable=True),
        sa.Column("marital_status_code", sa.String(length=16), nullable=False),
        sa.Column("occupation_code", sa.String(length=16), nullable=False),
        sa.Column("eye_colour_code", sa.String(length=16), nullable=False),
        sa.Column("skin_tone_code", sa.String(length=16), nullable=False),
        sa.Column("hair_colour_code", sa.String(length=16), nullable=False),
        sa.Column("height_cm", sa.SmallInteger(), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=True),
        sa.Column("email", sa.String(length=120), nullable=True),
        sa.Column("guardians", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payment", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous_passport", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("replacement_reason", sa.String(length=16), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("delivery_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["birth_country_code"], ["country.code"], name=op.f("fk_applicant_birth_country_code")),
        sa.ForeignKeyConstraint(
            ["birth_department_code"], ["department.code"], name=op.f("fk_applicant_birth_department_code")
        ),
        sa.ForeignKeyConstraint(
            ["birth_municipality_code"], ["municipality.code"], name=op.f("fk_applicant_birth_municipality_code")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_applicant_case_id")),
        sa.ForeignKeyConstraint(["eye_colour_code"], ["eye_colour.code"], name=op.f("fk_applicant_eye_colour_code")),
        sa.ForeignKeyConstraint(["hair_colour_code"], ["hair_colour.code"], name=op.f("fk_applicant_hair_colour_code")),
        sa.ForeignKeyConstraint(
            ["marital_status_code"], ["marital_status.code"], name=op.f("fk_applicant_marital_status_code")
        ),
        sa.ForeignKeyConstraint(["nationality_code"], ["country.code"], name=op.f("fk_applicant_nationality_code")),
        sa.ForeignKeyConstraint(["occupation_code"], ["occupation.code"], name=op.f("fk_applicant_occupation_code")),
        sa.ForeignKeyConstraint(
            ["replacement_reason"], ["void_type.code"], name=op.f("fk_applicant_replacement_reason")
        ),
        sa.ForeignKeyConstraint(["skin_tone_code"], ["skin_tone.code"], name=op.f("fk_applicant_skin_tone_code")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_applicant")),
    )
    op.create_table(
        "booklet",
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("warehouse_code", sa.String(length=16), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("site_code", sa.String(length=16), nullable=True),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("void_type_code", sa.String(length=16), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(state = 'ANULADA') = (void_type_code is not null)", name="voided_booklet_says_why"),
        sa.CheckConstraint("(state = 'NUEVA') = (warehouse_code is not null)", name="new_booklet_lies_in_a_warehouse"),
        sa.CheckConstraint("number ~ '^[FSD][0-9]{7}$'", name="booklet_number_has_its_form"),
        sa.CheckConstraint(
            "state in ('NUEVA', 'ASIGNADA', 'IMPRESA', 'ENTREGADA', 'ANULADA')", name="booklet_state_is_known"
        ),
        sa.CheckConstraint(
            "state not in ('ASIGNADA', 'IMPRESA', 'ENTREGADA') or case_id is not null",
            name="used_booklet_belongs_to_a_case",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_booklet_case_id")),
        sa.ForeignKeyConstraint(["category_code"], ["stock_category.code"], name=op.f("fk_booklet_category_code")),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_booklet_site_code")),
        sa.ForeignKeyConstraint(["void_type_code"], ["void_type.code"], name=op.f("fk_booklet_void_type_code")),
        sa.ForeignKeyConstraint(["warehouse_code"], ["warehouse.code"], name=op.f("fk_booklet_warehouse_code")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_booklet")),
    )
    op.create_index(
        "ix_booklet_case_id", "booklet", ["case_id"], unique=False, postgresql_where=sa.text("case_id is not null")
    )
    op.create_index(
        "ix_booklet_new",
        "booklet",
        ["warehouse_code", "category_code", "number"],
        unique=False,
        postgresql_where=sa.text("state = 'NUEVA'"),
    )
    op.create_index(
        "uq_booklet_live_case",
        "booklet",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("state in ('ASIGNADA', 'IMPRESA', 'ENTREGADA')"),
    )
    op.create_table(
        "case_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("transition", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("booklet_number", sa.String(length=8), nullable=True),
        sa.Column("reason_code", sa.String(length=16), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_case_event_case_id")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_case_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
    )
    op.create_index("ix_case_event_at", "case_event", ["event", "at"], unique=False)
    op.create_index("ix_case_event_case_id", "case_event", ["case_id", "id"], unique=False)
    op.create_table(
        "case_finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(resolved_at is null) = (resolution is null) and (resolved_at is null) = (resolved_by_id is null)",
            name="finding_is_resolved_by_somebody_with_a_reason",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_case_finding_case_id")),
        sa.ForeignKeyConstraint(["resolved_by_id"], ["ab_user.id"], name=op.f("fk_case_finding_resolved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_finding")),
    )
    op.create_index(op.f("ix_case_finding_case_id"), "case_finding", ["case_id"], unique=False)
    op.create_table(
        "case_picture",
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("picture_id", sa.BigInteger(), nullable=True),
        sa.Column("print_picture_id", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.String(length=200), nullable=True),
        sa.Column("captured", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("(picture_id is null) = (missing is not null)", name="picture_is_there_or_says_why_not"),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_case_picture_case_id")),
        sa.ForeignKeyConstraint(["picture_id"], ["picture.id"], name=op.f("fk_case_picture_picture_id")),
        sa.ForeignKeyConstraint(["print_picture_id"], ["picture.id"], name=op.f("fk_case_picture_print_picture_id")),
        sa.PrimaryKeyConstraint("case_id", "kind", name=op.f("pk_case_picture")),
    )
    op.create_table(
        "case_requirement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("requirement_code", sa.String(length=16), nullable=False),
        sa.Column("presented", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_case_requirement_case_id")),
        sa.ForeignKeyConstraint(
            ["requirement_code"], ["requirement.code"], name=op.f("fk_case_requirement_requirement_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_requirement")),
    )
    op.create_index(op.f("ix_case_requirement_case_id"), "case_requirement", ["case_id"], unique=False)
    op.create_table(
        "enrollment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status = 'FINALIZED') = (case_id is not null)", name="finalized_enrollment_made_a_case"),
        sa.CheckConstraint("status in ('IN_PROGRESS', 'FINALIZED')", name="enrollment_status_is_known"),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_enrollment_case_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_enrollment_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint("case_id", name=op.f("uq_enrollment_case_id")),
    )
    op.create_index(
        "ix_enrollment_body",
        "enrollment",
        ["body"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"body": "jsonb_path_ops"},
    )
    op.create_index("ix_enrollment_created_at", "enrollment", ["created_at", "id"], unique=False)
    op.create_table(
        "stock_document",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=2001), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("warehouse_code", sa.String(length=16), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'CERRADO') = (closed_at is not null)", name="closed_document_says_when"),
        sa.CheckConstraint("kind in ('INGRESO', 'TRASLADO', 'SALIDA')", name="document_kind_is_known"),
        sa.ForeignKeyConstraint(
            ["category_code"], ["stock_category.code"], name=op.f("fk_stock_document_category_code")
        ),
        sa.ForeignKeyConstraint(["closed_by_id"], ["ab_user.id"], name=op.f("fk_stock_document_closed_by_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["ab_user.id"], name=op.f("fk_stock_document_created_by_id")),
        sa.ForeignKeyConstraint(["warehouse_code"], ["warehouse.code"], name=op.f("fk_stock_document_warehouse_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_document")),
    )
    op.create_index("ix_stock_document_state", "stock_document", ["kind", "state", "id"], unique=False)
    op.create_table(
        "enrollment_buffer",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("enrollment_id", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollment.id"], name=op.f("fk_enrollment_buffer_enrollment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment_buffer")),
    )
    op.create_index(op.f("ix_enrollment_buffer_enrollment_id"), "enrollment_buffer", ["enrollment_id"], unique=False)
    op.create_table(
        "personalisation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("mrz_line_1", sa.String(length=44), nullable=False),
        sa.Column("mrz_line_2", sa.String(length=44), nullable=False),
        sa.Column("seal_text", sa.Text(), nullable=False),
        sa.Column("page_sha256", sa.String(length=64), nullable=True),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("printed_by_id", sa.Integer(), nullable=True),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_by_id", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("delivered_by_id", sa.Integer(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["ab_user.id"], name=op.f("fk_personalisation_assigned_by_id")),
        sa.ForeignKeyConstraint(["booklet_number"], ["booklet.number"], name=op.f("fk_personalisation_booklet_number")),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_personalisation_case_id")),
        sa.ForeignKeyConstraint(["checked_by_id"], ["ab_user.id"], name=op.f("fk_personalisation_checked_by_id")),
        sa.ForeignKeyConstraint(["delivered_by_id"], ["ab_user.id"], name=op.f("fk_personalisation_delivered_by_id")),
        sa.ForeignKeyConstraint(["printed_by_id"], ["ab_user.id"], name=op.f("fk_personalisation_printed_by_id")),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_personalisation_site_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personalisation")),
    )
    op.create_index("ix_personalisation_booklet_number", "personalisation", ["booklet_number"], unique=False)
    op.create_index("ix_personalisation_case_id", "personalisation", ["case_id", "id"], unique=False)
    op.create_index(
        "uq_personalisation_live_booklet",
        "personalisation",
        ["booklet_number"],
        unique=True,
        postgresql_where=sa.text("voided_at is null"),
    )
    op.create_index(
        "uq_personalisation_live_case",
        "personalisation",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("voided_at is null"),
    )
    op.create_table(
        "stock_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("category_code", sa.String(length=16), nullable=False),
        sa.Column("prefix", sa.String(length=1), nullable=False),
        sa.Column("first_serial", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("prefix in ('F', 'S', 'D')", name="prefix_is_known"),
        sa.CheckConstraint("first_serial >= 0 and first_serial + quantity <= 10000000", name="line_fits_seven_digits"),
        sa.CheckConstraint("quantity > 0", name="line_has_booklets"),
        sa.ForeignKeyConstraint(["category_code"], ["stock_category.code"], name=op.f("fk_stock_line_category_code")),
        sa.ForeignKeyConstraint(["document_id"], ["stock_document.id"], name=op.f("fk_stock_line_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_line")),
    )
    op.create_index(op.f("ix_stock_line_document_id"), "stock_line", ["document_id"], unique=False)
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("from_place", sa.String(length=32), nullable=False),
        sa.Column("to_place", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("from_place <> to_place", name="movement_goes_somewhere"),
        sa.ForeignKeyConstraint(["booklet_number"], ["booklet.number"], name=op.f("fk_stock_movement_booklet_number")),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_stock_movement_case_id")),
        sa.ForeignKeyConstraint(["document_id"], ["stock_document.id"], name=op.f("fk_stock_movement_document_id")),
        sa.ForeignKeyConstraint(["kind"], ["stock_movement_type.code"], name=op.f("fk_stock_movement_kind")),
        sa.ForeignKeyConstraint(["reverses_id"], ["stock_movement.id"], name=op.f("fk_stock_movement_reverses_id")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_stock_movement_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_stock_movement_reverses_id")),
    )
    op.create_index("ix_stock_movement_booklet_number", "stock_movement", ["booklet_number", "id"], unique=False)
    op.create_index(
        "ix_stock_movement_document_id",
        "stock_movement",
        ["document_id"],
        unique=False,
        postgresql_where=sa.text("document_id is not null"),
    )
    op.create_index(
        "uq_stock_movement_first",
        "stock_movement",
        ["booklet_number"],
        unique=True,
        postgresql_where=sa.text("from_place = 'SUPPLIER'"),
    )
    op.create_table(
        "quality_scan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("personalisation_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("verdict", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["personalisation_id"], ["personalisation.id"], name=op.f("fk_quality_scan_personalisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_quality_scan_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_scan")),
    )
    op.create_index(op.f("ix_quality_scan_personalisation_id"), "quality_scan", ["personalisation_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_quality_scan_personalisation_id"), table_name="quality_scan")
    op.drop_table("quality_scan")
    op.drop_index(
        "uq_stock_movement_first", table_name="stock_movement", postgresql_where=sa.text("from_place = 'SUPPLIER'")
    )
    op.drop_index(
        "ix_stock_movement_document_id",
        table_name="stock_movement",
        postgresql_where=sa.text("document_id is not null"),
    )
    op.drop_index("ix_stock_movement_booklet_number", table_name="stock_movement")
    op.drop_table("stock_movement")
    op.drop_index(op.f("ix_stock_line_document_id"), table_name="stock_line")
    op.drop_table("stock_line")
    op.drop_index(
        "uq_personalisation_live_case", table_name="personalisation", postgresql_where=sa.text("voided_at is null")
    )
    op.drop_index(
        "uq_personalisation_live_booklet", table_name="personalisation", postgresql_where=sa.text("voided_at is null")
    )
    op.drop_index("ix_personalisation_case_id", table_name="personalisation")
    op.drop_index("ix_personalisation_booklet_number", table_name="personalisation")
    op.drop_table("personalisation")
    op.drop_index(op.f("ix_enrollment_buffer_enrollment_id"), table_name="enrollment_buffer")
    op.drop_table("enrollment_buffer")
    op.drop_index("ix_stock_document_state", table_name="stock_document")
    op.drop_table("stock_document")
    op.drop_index("ix_enrollment_created_at", table_name="enrollment")
    op.drop_index(
        "ix_enrollment_body", table_name="enrollment", postgresql_using="gin", postgresql_ops={"body": "jsonb_path_ops"}
    )
    op.drop_table("enrollment")
    op.drop_index(op.f("ix_case_requirement_case_id"), table_name="case_requirement")
    op.drop_table("case_requirement")
    op.drop_table("case_picture")
    op.drop_index(op.f("ix_case_finding_case_id"), table_name="case_finding")
    op.drop_table("case_finding")
    op.drop_index("ix_case_event_case_id", table_name="case_event")
    op.drop_index("ix_case_event_at", table_name="case_event")
    op.drop_table("case_event")
    op.drop_index(
        "uq_booklet_live_case",
        table_name="booklet",
        postgresql_where=sa.text("state in ('ASIGNADA', 'IMPRESA', 'ENTREGADA')"),
    )
    op.drop_index("ix_booklet_new", table_name="booklet", postgresql_where=sa.text("state = 'NUEVA'"))
    op.drop_index("ix_booklet_case_id", table_name="booklet", postgresql_where=sa.text("case_id is not null"))
    op.drop_table("booklet")
    op.drop_table("applicant")
    op.drop_table("warehouse")
    op.drop_table("user_site")
    op.drop_index(
        "uq_passport_case_booklet", table_name="passport_case", postgresql_where=sa.text("state <> 'CORREGIDA'")
    )
    op.drop_index("ix_passport_case_open_words", table_name="passport_case")
    op.drop_index("ix_passport_case_search_words", table_name="passport_case")
    op.drop_index("ix_passport_case_queue", table_name="passport_case")
    op.drop_index("ix_passport_case_print_queue", table_name="passport_case")
    op.drop_index("ix_passport_case_payment_slip", table_name="passport_case")
    op.drop_index(
        "ix_passport_case_parent_id", table_name="passport_case", postgresql_where=sa.text("parent_id is not null")
    )
    op.drop_index(
        "ix_passport_case_held_by_id", table_name="passport_case", postgresql_where=sa.text("held_by_id is not null")
    )
    op.drop_index("ix_passport_case_cui", table_name="passport_case")
    op.drop_table("passport_case")
    op.drop_index("idx_role_id", table_name="ab_permission_view_role")
    op.drop_index("idx_permission_view_id", table_name="ab_permission_view_role")
    op.drop_table("ab_permission_view_role")
    op.drop_index("ix_watch_list_entry_search_name", table_name="watch_list_entry", postgresql_where=sa.text("active"))
    op.drop_index("ix_watch_list_entry_cui", table_name="watch_list_entry", postgresql_where=sa.text("active"))
    op.drop_table("watch_list_entry")
    op.drop_table("site")
    op.drop_table("passport_type")
    op.drop_index(op.f("ix_municipality_department_code"), table_name="municipality")
    op.drop_table("municipality")
    op.drop_index(op.f("ix_access_log_case_number"), table_name="access_log")
    op.drop_table("access_log")
    op.drop_table("ab_user_role")
    op.drop_index("idx_user_id", table_name="ab_user_group")
    op.drop_index("idx_user_group_id", table_name="ab_user_group")
    op.drop_table("ab_user_group")
    op.drop_index("idx_view_menu_id", table_name="ab_permission_view")
    op.drop_index("idx_permission_id", table_name="ab_permission_view")
    op.drop_table("ab_permission_view")
    op.drop_index("idx_group_role_id", table_name="ab_group_role")
    op.drop_index("idx_group_id", table_name="ab_group_role")
    op.drop_table("ab_group_role")
    op.drop_index("idx_api_key_user_id", table_name="ab_api_key")
    op.drop_index("idx_api_key_prefix", table_name="ab_api_key")
    op.drop_index("idx_api_key_lookup_hash", table_name="ab_api_key")
    op.drop_table("ab_api_key")
    op.drop_table("void_type")
    op.drop_table("stock_movement_type")
    op.drop_table("stock_category")
    op.drop_table("skin_tone")
    op.drop_table("sex")
    op.drop_table("requirement")
    op.drop_table("registry_person")
    op.drop_table("procedure")
    op.drop_table("picture")
    op.drop_table("occupation")
    op.drop_table("marital_status")
    op.drop_table("list_type")
    op.drop_table("identification_type")
    op.drop_table("hair_colour")
    op.drop_index("ix_former_case_search_name", table_name="former_case", postgresql_using="gin")
    op.drop_index("ix_former_case_cui", table_name="former_case", postgresql_where=sa.text("cui is not null"))
    op.drop_index("ix_former_case_booklet_number", table_name="former_case")
    op.drop_table("former_case")
    op.drop_table("eye_colour")
    op.drop_table("department")
    op.drop_table("decision_reason")
    op.drop_table("country")
    op.drop_table("control_setting")
    op.drop_table("ab_view_menu")
    op.drop_table("ab_user")
    op.drop_table("ab_role")
    op.drop_table("ab_register_user")
    op.drop_table("ab_permission")
    op.drop_table("ab_group")
