"""Sessions that can be ended, former passwords, places a user is known at, second factors; passwords have an age."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
GUARDS = """
-- What a session is never changes, and one that has ended stays ended.
create function refuse_change_of_session() returns trigger language plpgsql as $$
begin
    if old.ended_at is not null
       or (old.key_hash, old.user_id, old.kind, old.started_at, old.expires_at)
          is distinct from (new.key_hash, new.user_id, new.kind, new.started_at, new.expires_at) then
        raise exception 'session % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger session_stays_as_it_is before update on user_session
    for each row execute function refuse_change_of_session();

-- A time step of an authenticator is used once: the clock of codes never goes back.
create function refuse_used_step() returns trigger language plpgsql as $$
begin
    if new.sealed_secret = old.sealed_secret and new.last_step <= old.last_step then
        raise exception 'step % of user % was used', new.last_step, old.user_id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger step_is_used_once before update on second_factor
    for each row execute function refuse_used_step();

create function refuse_used_code() returns trigger language plpgsql as $$
begin
    if old.used_at is not null or new.code_hash <> old.code_hash then
        raise exception 'recovery code % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger recovery_code_is_used_once before update on recovery_code
    for each row execute function refuse_used_code();
"""


def upgrade() -> None:
    op.execute("update ab_user set password_changed_at = now() where password_changed_at is null")
    op.alter_column("ab_user", "password_changed_at", nullable=False, server_default=NOW)
    op.add_column("ab_role", sa.Column("second_factor", sa.Boolean(), server_default="false", nullable=False))
    _sessions()
    _passwords_and_places()
    _second_factors()
    op.execute(GUARDS)


def _sessions() -> None:
    op.create_table(
        "user_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("issued_by_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(10), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind in ('web', 'token', 'station')", name="session_kind_is_known"),
        sa.CheckConstraint("ended_why in ('logout', 'owner', 'admin')", name="session_end_is_known"),
        sa.CheckConstraint(
            "(ended_at is null) = (ended_why is null) and (ended_at is null) = (ended_by_id is null)",
            name="session_ended_by_somebody_for_a_reason",
        ),
        sa.CheckConstraint("expires_at > started_at", name="session_expires_after_it_starts"),
        sa.CheckConstraint(
            "(kind = 'station') = (issued_by_id is not null)", name="station_token_is_issued_by_somebody"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_user_session_user_id")),
        sa.ForeignKeyConstraint(["issued_by_id"], ["ab_user.id"], name=op.f("fk_user_session_issued_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["ab_user.id"], name=op.f("fk_user_session_ended_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_user_session_key_hash")),
    )
    for column in ("user_id", "issued_by_id", "ended_by_id"):
        op.create_index(op.f(f"ix_user_session_{column}"), "user_session", [column])
    live = sa.text("kind <> 'web' and ended_at is null")
    op.create_index("ix_user_session_tokens", "user_session", ["id"], postgresql_where=live)


def _passwords_and_places() -> None:
    op.create_table(
        "former_password",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("password", sa.String(256), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_former_password_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_password")),
    )
    op.create_index(op.f("ix_former_password_user_id"), "former_password", ["user_id"])
    op.create_table(
        "login_source",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(45), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failures >= 0", name="failures_are_counted"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_login_source_user_id")),
        sa.PrimaryKeyConstraint("user_id", "network", name=op.f("pk_login_source")),
    )


def _second_factors() -> None:
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed_secret", sa.String(300), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_second_factor_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["second_factor.user_id"], name=op.f("fk_recovery_code_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"])


def downgrade() -> None:
    for table in ("recovery_code", "second_factor", "login_source", "former_password", "user_session"):
        op.drop_table(table)
    for function in ("refuse_change_of_session", "refuse_used_step", "refuse_used_code"):
        op.execute(f"drop function {function}()")
    op.drop_column("ab_role", "second_factor")
    op.alter_column("ab_user", "password_changed_at", nullable=True, server_default=None)
