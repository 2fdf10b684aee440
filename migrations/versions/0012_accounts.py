"""Profiles by site and for a time, a user's warehouse, signed reviews of who has access; no account is erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

#: A range of texts, for an exclusion constraint to compare codes: the extension btree_gist is not everywhere.
CODE_RANGE = "create type code_range as range (subtype = text)"
NEVER_TWICE = """
alter table user_assignment add constraint user_assignment_never_twice exclude using gist (
    int4range(user_id, user_id, '[]') with &&,
    int4range(role_id, role_id, '[]') with &&,
    code_range(coalesce(site_code, ''), coalesce(site_code, ''), '[]') with &&,
    daterange(valid_from, valid_until, '[]') with &&
) where (ended_at is null)
"""
#: The profiles a user holds now. `site_code` null: at every one of his sites.
HELD_PROFILE = """
create view held_profile as
select user_id, role_id, null::varchar(16) as site_code from ab_user_role
union all
select user_id, role_id, site_code from user_assignment
 where ended_at is null and (now() at time zone 'America/Guatemala')::date between valid_from
       and coalesce(valid_until, 'infinity'::date)
"""
#: What a user may do now, by Flask-AppBuilder's pair of names; `site_code` as above.
HELD_PERMISSION = """
create view held_permission as
select h.user_id, h.site_code, h.role_id, p.name as act, v.name as screen
  from held_profile h
  join ab_role r on r.id = h.role_id and r.active
  join ab_permission_view_role pr on pr.role_id = r.id
  join ab_permission_view pv on pv.id = pr.permission_view_id
  join ab_permission p on p.id = pv.permission_id
  join ab_view_menu v on v.id = pv.view_menu_id
"""
FUNCTIONS = """
-- Of an assignment only its last day and its end may change; an end is for good.
create function refuse_change_of_assignment() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.ended_at is not null
       or (new.user_id, new.role_id, new.valid_from, new.reason, new.given_by_id, new.given_at)
          is distinct from (old.user_id, old.role_id, old.valid_from, old.reason, old.given_by_id, old.given_at)
       or new.site_code is distinct from old.site_code then
        raise exception 'assignment % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- A signed review and its lines stay as they are.
create function refuse_change_of_review() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'access_review' then
        if old.signed_at is not null then
            raise exception 'review % is signed', old.id using errcode = 'restrict_violation';
        end if;
    elsif exists (select 1 from access_review r
                   where r.id in (old.review_id, new.review_id) and r.signed_at is not null) then
        raise exception 'review % is signed', coalesce(old.review_id, new.review_id)
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
"""
TRIGGERS = """
create trigger never_erased before delete on ab_user for each row execute function refuse_change();
create trigger never_emptied before truncate on ab_user for each statement execute function refuse_change();
create trigger assignment_stays before update or delete on user_assignment
   for each row execute function refuse_change_of_assignment();
create trigger assignment_never_emptied before truncate on user_assignment
   for each statement execute function refuse_change();
create trigger signed_review_stays before update or delete on access_review
   for each row execute function refuse_change_of_review();
create trigger signed_review_never_emptied before truncate on access_review
   for each statement execute function refuse_change();
create trigger signed_review_line_stays before insert or update or delete on access_review_line
   for each row execute function refuse_change_of_review();
"""


def upgrade() -> None:
    op.add_column("ab_user", sa.Column("warehouse_code", sa.String(16), nullable=True))
    op.create_foreign_key(op.f("fk_ab_user_warehouse_code"), "ab_user", "warehouse", ["warehouse_code"], ["code"])
    op.create_index(op.f("ix_ab_user_warehouse_code"), "ab_user", ["warehouse_code"])
    op.execute(CODE_RANGE)
    _user_assignment()
    op.execute(NEVER_TWICE)
    op.execute(HELD_PROFILE)
    op.execute(HELD_PERMISSION)
    _access_review()
    _access_review_line()
    op.execute(FUNCTIONS)
    op.execute(TRIGGERS)


def _user_assignment() -> None:
    op.create_table(
        "user_assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("site_code", sa.String(16), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("valid_until >= valid_from", name="assignment_ends_after_it_starts"),
        sa.CheckConstraint("(ended_at is null) = (ended_by_id is null)", name="assignment_ended_by_somebody"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_user_assignment_user_id")),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], name=op.f("fk_user_assignment_role_id")),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_user_assignment_site_code")),
        sa.ForeignKeyConstraint(["given_by_id"], ["ab_user.id"], name=op.f("fk_user_assignment_given_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["ab_user.id"], name=op.f("fk_user_assignment_ended_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_assignment")),
    )
    for column in ("user_id", "role_id", "site_code", "given_by_id", "ended_by_id"):
        op.create_index(op.f(f"ix_user_assignment_{column}"), "user_assignment", [column])


def _access_review() -> None:
    op.create_table(
        "access_review",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("site_code", sa.String(16), nullable=True),
        sa.Column("opened_by_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by_id", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(signed_at is null) = (signed_by_id is null)", name="review_signed_by_somebody"),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_access_review_site_code")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["ab_user.id"], name=op.f("fk_access_review_opened_by_id")),
        sa.ForeignKeyConstraint(["signed_by_id"], ["ab_user.id"], name=op.f("fk_access_review_signed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_review")),
    )
    for column in ("site_code", "opened_by_id", "signed_by_id"):
        op.create_index(op.f(f"ix_access_review_{column}"), "access_review", [column])
    op.create_index(
        "uq_access_review_open", "access_review", [sa.text("coalesce(site_code, '')")], unique=True,
        postgresql_where=sa.text("signed_at is null"),
    )  # fmt: skip


def _access_review_line() -> None:
    op.create_table(
        "access_review_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(128), nullable=False),
        sa.Column("name", sa.String(130), nullable=False),
        sa.Column("access", JSONB(), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("decision", sa.String(8), nullable=True),
        sa.Column("remark", sa.String(200), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("decision in ('KEEP', 'DISABLE', 'CHANGE')", name="review_line_decision_is_known"),
        sa.CheckConstraint(
            "(decision is null) = (decided_by_id is null) and (decision is null) = (decided_at is null)",
            name="review_line_decided_by_somebody",
        ),
        sa.CheckConstraint("decided_by_id <> user_id", name="review_line_nobody_reviews_himself"),
        sa.CheckConstraint(
            "decision = 'KEEP' or decision is null or remark is not null",
            name="review_line_says_why",
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["access_review.id"], name=op.f("fk_access_review_line_review_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_access_review_line_user_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["ab_user.id"], name=op.f("fk_access_review_line_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_review_line")),
        sa.UniqueConstraint("review_id", "user_id", name=op.f("uq_access_review_line_review_id_user_id")),
    )
    for column in ("user_id", "decided_by_id"):
        op.create_index(op.f(f"ix_access_review_line_{column}"), "access_review_line", [column])


def downgrade() -> None:
    op.execute("drop trigger never_erased on ab_user; drop trigger never_emptied on ab_user")
    for table in ("access_review_line", "access_review"):
        op.drop_table(table)
    op.execute("drop view held_permission; drop view held_profile")
    op.drop_table("user_assignment")
    op.execute("drop function refuse_change_of_assignment(); drop function refuse_change_of_review()")
    op.execute("drop type code_range")
    op.drop_constraint(op.f("fk_ab_user_warehouse_code"), "ab_user")
    op.drop_index(op.f("ix_ab_user_warehouse_code"), "ab_user")
    op.drop_column("ab_user", "warehouse_code")
