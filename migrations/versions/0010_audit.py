"""The trail: changes of users, profiles, catalogs and controls logged by triggers; each line of the logs in a chain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LANES = 64
LOGS = {
    "case_event": (
        "r.id, r.case_id, r.event, r.transition, r.from_state, r.to_state, r.started_at at time zone 'UTC', "
        "r.at at time zone 'UTC', r.user_id, r.username, r.site_code, r.address, r.booklet_number, r.reason_code, "
        "r.comment, r.data"
    ),
    "access_log": "r.id, r.at at time zone 'UTC', r.user_id, r.case_number, r.screen, r.address, r.detail",
    "change_log": (
        "r.id, r.at at time zone 'UTC', r.user_id, r.username, r.address, r.screen, r.subject, r.key, r.act, "
        "r.before, r.after"
    ),
}
CATALOGS = (
    "country", "decision_reason", "department", "eye_colour", "hair_colour", "identification_type", "list_type",
    "marital_status", "municipality", "occupation", "passport_type", "printer", "procedure", "requirement", "sex",
    "site", "skin_tone", "stock_category", "stock_movement_type", "transfer_route", "void_type", "warehouse",
)  # fmt: skip
_COUNTERS = "last_login,login_count,fail_login_count,locked_until,session_epoch,changed_on,changed_by_fk"
#: Table, the columns of its key, those hidden, those that change by the mere use of it.
AUDITED = (
    *((table, "code", "", "") for table in CATALOGS),
    ("ab_user", "id", "password", _COUNTERS),
    ("ab_role", "id", "", ""),
    ("ab_user_role", "user_id", "", "id"),
    ("user_site", "user_id", "", ""),
    ("ab_permission_view_role", "role_id", "", "id"),
    ("control_setting", "control,site_code", "", ""),
    ("inspection_setting", "site_code", "", ""),
    ("seal_key", "ref", "", ""),
    ("report_schedule", "id", "", ""),
    ("stock_document", "id", "", "version"),
    ("day_closing", "id", "", ""),
)

LINK = """
create function audit_link() returns trigger language plpgsql as $$
declare
    mine bytea;
    own smallint := pg_backend_pid() % {lanes};
    free smallint;
begin
    mine := {digest};
    -- The lane that this connection tries first is its own as a rule; whoever finds it taken takes any that is free,
    -- and waits only when all are taken.
    select lane into free from audit_lane where lane = own for update skip locked;
    if free is null then
        select lane into free from audit_lane order by (lane - own + {lanes}) % {lanes} limit 1 for update skip locked;
    end if;
    with head as (
        update audit_lane
           set seq = seq + 1,
               hash = sha256(hash || convert_to(format('%s %s %s', seq + 1, tg_table_name, new.id), 'UTF8') || mine)
         where lane = coalesce(free, own)
        returning lane, seq, hash
    )
    insert into audit_link (lane, seq, log, row_id, digest, hash)
    select lane, seq, tg_table_name, new.id, mine, hash from head;
    return null;
end $$;
"""

CHANGE = """
create function audit_change() returns trigger language plpgsql as $$
declare
    keys text[] := string_to_array(tg_argv[0], ',');
    hidden text[] := string_to_array(tg_argv[1], ',');
    unlogged text[] := string_to_array(tg_argv[2], ',');
    was jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    is_ jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    who jsonb := nullif(current_setting('audit.actor', true), '')::jsonb;
    what jsonb := case when tg_op = 'DELETE' then was else is_ end;
    before jsonb;
    after jsonb;
begin
    select jsonb_object_agg(name, was -> name) filter (where was ? name),
           jsonb_object_agg(name, is_ -> name) filter (where is_ ? name)
      into before, after
      from (select jsonb_object_keys(was || is_)) as columns(name)
     where coalesce(was -> name, 'null') is distinct from coalesce(is_ -> name, 'null') and name <> all (unlogged);
    if before is null and after is null then
        return null;
    end if;
    if tg_table_name = 'ab_permission_view_role' then
        what := what || jsonb_build_object('permission', (
            select p.name || ' ' || v.name from ab_permission_view pv
              join ab_permission p on p.id = pv.permission_id join ab_view_menu v on v.id = pv.view_menu_id
             where pv.id = (what ->> 'permission_view_id')::int));
    elsif tg_table_name = 'ab_user_role' then
        what := what || jsonb_build_object('profile', (select name from ab_role where id = (what ->> 'role_id')::int));
    end if;
    if tg_table_name in ('ab_permission_view_role', 'ab_user_role') then
        before := case when before is not null then what - unlogged end;
        after := case when after is not null then what - unlogged end;
    end if;
    -- Of what is secret only that it changed.
    select coalesce(before || jsonb_object_agg(name, '***') filter (where before ? name), before),
           coalesce(after || jsonb_object_agg(name, '***') filter (where after ? name), after)
      into before, after
      from unnest(hidden) name;
    insert into change_log (at, user_id, username, address, screen, subject, key, act, before, after)
    values (clock_timestamp(), (who ->> 'id')::int, coalesce(who ->> 'name', session_user), (who ->> 'address')::inet,
            who ->> 'screen', tg_table_name,
            left((select string_agg(what ->> name, '/' order by n) from unnest(keys) with ordinality k(name, n)), 160),
            tg_op, before, after);
    return null;
end $$;
"""

#: Lines that were there before the chain: tied in the order in which they were written, in the first lane.
BACKFILL = """
do $$
declare
    line record;
    head bytea := decode(repeat('00', 32), 'hex');
    n bigint := 0;
begin
    for line in {lines} loop
        n := n + 1;
        head := sha256(head || convert_to(format('%s %s %s', n, line.log, line.id), 'UTF8') || line.digest);
        insert into audit_link (lane, seq, log, row_id, digest, hash)
        values (0, n, line.log, line.id, line.digest, head);
    end loop;
    update audit_lane set seq = n, hash = head where lane = 0;
end $$;
"""


def _digest(log: str) -> str:
    return f"sha256(convert_to(jsonb_build_array('{log}', {LOGS[log]})::text, 'UTF8'))"


def upgrade() -> None:
    _tables()
    for log in LOGS:
        body = LINK.format(lanes=LANES, digest=_digest(log).replace("r.", "new."))
        op.execute(sa.text(body.replace("function audit_link()", f"function audit_link_{log}()").replace(":=", r"\:=")))
    op.execute(sa.text(CHANGE.replace(":", r"\:")))
    lanes = f"select n, 0, decode(repeat('00', 32), 'hex') from generate_series(0, {LANES - 1}) n"  # noqa: S608
    op.execute(f"insert into audit_lane {lanes}")
    before = [log for log in LOGS if log != "change_log"]
    lines = " union all ".join(
        f"select '{log}' as log, r.id, {_digest(log)} as digest from {log} r"  # noqa: S608
        for log in before
    )
    op.execute(sa.text(BACKFILL.format(lines=f"{lines} order by 1, 2").replace(":", r"\:")))
    for log in LOGS:
        op.execute(
            f"create trigger {log}_is_chained after insert on {log} for each row execute function audit_link_{log}()"
        )
    for table in ("change_log", "audit_link"):
        _only_appended(table)
    op.execute(
        "create trigger audit_lane_is_never_deleted before delete on audit_lane "
        "for each row execute function refuse_change()"
    )
    for table, *words in AUDITED:
        quoted = ", ".join(f"'{word}'" for word in words)
        op.execute(
            f"create trigger {table}_is_audited after insert or update or delete on {table} "
            f"for each row execute function audit_change({quoted})"
        )
    op.add_column("control_setting", sa.Column("reason", sa.String(200), nullable=True))
    op.create_index("ix_access_log_at", "access_log", ["at", "id"])
    op.create_index("ix_case_event_moment", "case_event", ["at", "id"])


def _tables() -> None:
    op.create_table(
        "change_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(128), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("screen", sa.String(80), nullable=True),
        sa.Column("subject", sa.String(63), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("act", sa.String(6), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("act in ('INSERT', 'UPDATE', 'DELETE')", name="act_is_known"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_change_log_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_log")),
    )
    op.create_index("ix_change_log_at", "change_log", ["at", "id"])
    op.create_index("ix_change_log_subject", "change_log", ["subject", "key", "id"])
    op.create_table(
        "audit_link",
        sa.Column("lane", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log", sa.String(16), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq", name=op.f("pk_audit_link")),
    )
    op.create_table(
        "audit_lane",
        sa.Column("lane", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_audit_lane")),
        postgresql_with={"fillfactor": "10"},
    )


def _only_appended(table: str) -> None:
    op.execute(
        f"create trigger {table}_is_append_only before update or delete on {table} "
        "for each row execute function refuse_change()"
    )
    op.execute(
        f"create trigger {table}_is_never_emptied before truncate on {table} "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    op.drop_column("control_setting", "reason")
    op.drop_index("ix_case_event_moment", "case_event")
    op.drop_index("ix_access_log_at", "access_log")
    for table, *_words in AUDITED:
        op.execute(f"drop trigger {table}_is_audited on {table}")
    for log in LOGS:
        op.execute(f"drop trigger {log}_is_chained on {log}")
        op.execute(f"drop function audit_link_{log}()")
    for table in ("audit_lane", "audit_link", "change_log"):
        op.drop_table(table)
    op.execute("drop function audit_change()")
