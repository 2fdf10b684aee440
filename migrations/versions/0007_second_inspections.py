"""Second inspections by chance: their settings, what was drawn, no delivery before; prints by the day they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- What is drawn was accepted just now and is not delivered; what was drawn stays, and what passed stays passed. A
-- refusal may be followed by another result: a booklet refused by mistake comes back and is inspected again.
create function refuse_false_inspection() returns trigger language plpgsql as $$
declare
    use personalisation;
begin
    select * into use from personalisation p where p.id = new.personalisation_id;
    if tg_op = 'INSERT' then
        if new.result is not null or use.checked_by_id is distinct from new.first_user_id
           or use.delivered_at is not null or use.voided_at is not null then
            raise exception 'personalisation % cannot be drawn', new.personalisation_id
                using errcode = 'check_violation', constraint = 'only_an_accepted_booklet_is_drawn';
        end if;
        return new;
    end if;
    if old.result = 'PASSED' or new.result is null
       or to_jsonb(old) - 'second_user_id' - 'result' - 'reason' - 'at'
          <> to_jsonb(new) - 'second_user_id' - 'result' - 'reason' - 'at' then
        raise exception 'second inspection % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    if new.second_user_id in (use.printed_by_id, use.assigned_by_id) then
        raise exception 'user % printed the booklet of inspection %', new.second_user_id, old.id
            using errcode = 'check_violation', constraint = 'the_printer_does_not_inspect';
    end if;
    return new;
end $$;

create function refuse_delivery_before_inspection() returns trigger language plpgsql as $$
begin
    if exists (select from second_inspection s
                where s.personalisation_id = new.id and s.result is distinct from 'PASSED') then
        raise exception 'booklet % waits for its second inspection', new.booklet_number
            using errcode = 'check_violation', constraint = 'no_delivery_while_an_inspection_is_open';
    end if;
    return new;
end $$;

create trigger second_inspection_is_true before insert or update on second_inspection
    for each row execute function refuse_false_inspection();
create trigger second_inspection_is_never_deleted before delete on second_inspection
    for each row execute function refuse_change();
create trigger second_inspection_is_never_emptied before truncate on second_inspection
    for each statement execute function refuse_change();
create trigger no_delivery_while_an_inspection_is_open before update on personalisation for each row
    when (old.delivered_at is null and new.delivered_at is not null)
    execute function refuse_delivery_before_inspection();
"""


def upgrade() -> None:
    op.create_table(
        "inspection_setting",
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("rate", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("monthly_cap", sa.Integer(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate between 0 and 100", name="inspection_rate_is_a_percentage"),
        sa.CheckConstraint("monthly_cap >= 0", name="inspection_cap_is_a_count"),
        sa.ForeignKeyConstraint(["changed_by_id"], ["ab_user.id"], name=op.f("fk_inspection_setting_changed_by_id")),
        sa.PrimaryKeyConstraint("site_code", name=op.f("pk_inspection_setting")),
    )
    op.create_table(
        "second_inspection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("personalisation_id", sa.BigInteger(), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("monthly_cap", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_user_id", sa.Integer(), nullable=False),
        sa.Column("second_user_id", sa.Integer(), nullable=True),
        sa.Column("result", sa.String(length=8), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("result in ('PASSED', 'REFUSED')", name="inspection_result_is_known"),
        sa.CheckConstraint("number between 1 and monthly_cap", name="no_more_draws_than_the_cap"),
        sa.CheckConstraint("extract(day from month) = 1", name="draws_are_counted_by_month"),
        sa.CheckConstraint(
            "(result is null) = (second_user_id is null) and (result is null) = (at is null)",
            name="inspected_by_somebody_at_a_time",
        ),
        sa.CheckConstraint("second_user_id <> first_user_id", name="second_inspection_needs_a_second_person"),
        sa.CheckConstraint("result <> 'REFUSED' or reason is not null", name="refused_inspection_says_why"),
        sa.ForeignKeyConstraint(
            ["personalisation_id"], ["personalisation.id"], name=op.f("fk_second_inspection_personalisation_id")
        ),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_second_inspection_site_code")),
        sa.ForeignKeyConstraint(["first_user_id"], ["ab_user.id"], name=op.f("fk_second_inspection_first_user_id")),
        sa.ForeignKeyConstraint(["second_user_id"], ["ab_user.id"], name=op.f("fk_second_inspection_second_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_inspection")),
    )
    op.create_index("uq_second_inspection_personalisation_id", "second_inspection", ["personalisation_id"], unique=True)
    op.create_index("uq_second_inspection_number", "second_inspection", ["site_code", "month", "number"], unique=True)
    op.create_index(
        "ix_second_inspection_open",
        "second_inspection",
        ["site_code", "drawn_at"],
        unique=False,
        postgresql_where=sa.text("result is distinct from 'PASSED'"),
    )
    op.create_index(
        "ix_personalisation_ended",
        "personalisation",
        [sa.text("coalesce(printed_at, voided_at)")],
        unique=False,
        postgresql_where=sa.text("coalesce(printed_at, voided_at) is not null"),
    )
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute("drop trigger no_delivery_while_an_inspection_is_open on personalisation")
    op.drop_index("ix_personalisation_ended", "personalisation")
    op.drop_table("second_inspection")
    op.drop_table("inspection_setting")
    op.execute("drop function refuse_false_inspection()")
    op.execute("drop function refuse_delivery_before_inspection()")
