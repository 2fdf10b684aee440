"""The register of report runs with their files, schedules, and the queue of jobs that makes them."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- What was asked stays; how it ended stays; only the file goes, once. A run made again is of the same.
create function refuse_false_run() returns trigger language plpgsql as $$
declare
    progress constant text[] := array['state', 'attempt', 'lines_total', 'lines_done', 'started_at', 'finished_at',
        'lines', 'sha256', 'file_name', 'file_size', 'failure', 'failure_params', 'cancel_requested_at', 'expires_at',
        'removed_at'];
begin
    if tg_op = 'INSERT' then
        if new.state <> 'QUEUED' then
            raise exception 'a run begins in the queue, not %', new.state
                using errcode = 'check_violation', constraint = 'run_begins_in_the_queue';
        end if;
        if new.repeats_id is not null and not exists (
                select from report_run r where r.id = new.repeats_id and r.report = new.report
                   and r.filters = new.filters and r.as_of = new.as_of and r.sites is not distinct from new.sites) then
            raise exception 'run % asked something else', new.repeats_id
                using errcode = 'check_violation', constraint = 'run_made_again_is_of_the_same';
        end if;
        return new;
    end if;
    if to_jsonb(old) - progress <> to_jsonb(new) - progress then
        raise exception 'run % stays as it was asked', old.id using errcode = 'restrict_violation';
    end if;
    if old.finished_at is not null
       and (old.removed_at is not null or to_jsonb(old) - 'removed_at' <> to_jsonb(new) - 'removed_at') then
        raise exception 'run % stays as it ended', old.id using errcode = 'restrict_violation';
    end if;
    if new.attempt < old.attempt or (new.state = 'QUEUED' and old.state <> 'QUEUED') then
        raise exception 'run % goes forward only', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Looked at when the transaction ends: the file of a run that is done is whole, and no other run has one.
create function refuse_broken_file() returns trigger language plpgsql as $$
declare
    run report_run;
    pieces bigint;
    size bigint;
    last integer;
    broken boolean;
begin
    if tg_table_name = 'report_run' then
        run.id := new.id;
    else
        run.id := new.run_id;
    end if;
    select * into run from report_run r where r.id = run.id;
    select count(*), coalesce(sum(octet_length(c.data)), 0), coalesce(max(c.position), -1) into pieces, size, last
      from report_chunk c where c.run_id = run.id;
    broken := case when run.state = 'DONE' and run.removed_at is null
                   then size <> run.file_size or pieces <> last + 1 or pieces <> (run.file_size + 1048575) / 1048576
                   else pieces > 0 end;
    if broken then
        raise exception 'the file of run % is not whole', run.id
            using errcode = 'check_violation', constraint = 'run_and_its_file_agree';
    end if;
    return null;
end $$;

create function refuse_changed_file() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' or exists (select from report_run r
                                    where r.id = old.run_id and r.state = 'DONE' and r.removed_at is null) then
        raise exception 'the file of run % stays as it was made', old.run_id using errcode = 'restrict_violation';
    end if;
    return old;
end $$;

create trigger report_run_is_true before insert or update on report_run
    for each row execute function refuse_false_run();
create trigger report_run_is_never_deleted before delete on report_run
    for each row execute function refuse_change();
create trigger report_run_is_never_emptied before truncate on report_run
    for each statement execute function refuse_change();
create trigger report_chunk_stays before update or delete on report_chunk
    for each row execute function refuse_changed_file();
create trigger report_chunk_is_never_emptied before truncate on report_chunk
    for each statement execute function refuse_change();
create constraint trigger report_run_has_its_file after update of state, removed_at on report_run
    deferrable initially deferred for each row when (new.state = 'DONE') execute function refuse_broken_file();
create constraint trigger report_chunk_has_its_run after insert on report_chunk
    deferrable initially deferred for each row execute function refuse_broken_file();
"""

#: Functions first: one returns a row of a table, and triggers go with them.
DROP_QUEUE = """
do $$
declare
    made regprocedure;
begin
    for made in select p.oid from pg_proc p
                 where p.pronamespace = current_schema()::regnamespace and starts_with(p.proname, 'procrastinate_') loop
        execute format('drop function %s cascade', made);
    end loop;
end $$;
drop table procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers;
drop type procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
"""


def upgrade() -> None:
    _create_schedule()
    _create_run()
    op.create_table(
        "report_chunk",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("position >= 0", name="chunk_position_is_a_count"),
        sa.CheckConstraint("octet_length(data) between 1 and 1048576", name="chunk_is_no_longer_than_a_mebibyte"),
        sa.ForeignKeyConstraint(["run_id"], ["report_run.id"], name=op.f("fk_report_chunk_run_id")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_report_chunk")),
    )
    op.execute("alter table report_chunk alter column data set storage external")
    op.create_foreign_key(
        op.f("fk_report_schedule_last_run_id"), "report_schedule", "report_run", ["last_run_id"], ["id"]
    )
    op.execute(FUNCTIONS)
    _run_as_written(SchemaManager.get_schema())


def _create_schedule() -> None:
    op.create_table(
        "report_schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("report", sa.String(length=32), nullable=False),
        sa.Column("format", sa.String(length=4), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("period", sa.String(length=5), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=False),
        sa.Column("last_run_id", sa.BigInteger(), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.CheckConstraint("period in ('DAY', 'WEEK', 'MONTH')", name="schedule_period_is_known"),
        sa.CheckConstraint("format in ('xlsx', 'pdf')", name="schedule_format_is_known"),
        sa.CheckConstraint(
            "case period when 'WEEK' then extract(isodow from next_on) = 1"
            " when 'MONTH' then extract(day from next_on) = 1 else true end",
            name="schedule_runs_when_its_period_has_ended",
        ),
        sa.CheckConstraint("last_failure is null or not active", name="schedule_that_failed_is_off"),
        sa.ForeignKeyConstraint(["owner_id"], ["ab_user.id"], name=op.f("fk_report_schedule_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedule")),
    )
    op.create_index("ix_report_schedule_owner_id_id", "report_schedule", ["owner_id", "id"])
    op.create_index("ix_report_schedule_due", "report_schedule", ["next_on"], postgresql_where=sa.text("active"))


def _create_run() -> None:
    op.create_table(
        "report_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("report", sa.String(length=32), nullable=False),
        sa.Column("format", sa.String(length=4), nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sites", sa.ARRAY(sa.String(length=16)), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lines_total", sa.Integer(), nullable=True),
        sa.Column("lines_done", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.CHAR(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_params", postgresql.JSONB(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repeats_id", sa.BigInteger(), nullable=True),
        sa.Column("schedule_id", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        *_checks_of_run(),
        sa.ForeignKeyConstraint(["requested_by_id"], ["ab_user.id"], name=op.f("fk_report_run_requested_by_id")),
        sa.ForeignKeyConstraint(["repeats_id"], ["report_run.id"], name=op.f("fk_report_run_repeats_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["report_schedule.id"], name=op.f("fk_report_run_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_run")),
        sa.UniqueConstraint("schedule_id", "due_on", name=op.f("uq_report_run_schedule_id_due_on")),
    )
    op.create_index("ix_report_run_requested_by_id_id", "report_run", ["requested_by_id", "id"])
    op.create_index(
        "ix_report_run_open", "report_run", ["id"], postgresql_where=sa.text("state in ('QUEUED', 'RUNNING')")
    )
    op.create_index(
        "ix_report_run_expiring",
        "report_run",
        ["expires_at"],
        postgresql_where=sa.text("removed_at is null and expires_at is not null"),
    )


def _checks_of_run() -> list[sa.CheckConstraint]:
    checks = {
        "run_state_is_known": "state in ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')",
        "run_format_is_known": "format in ('xlsx', 'pdf')",
        "no_report_is_of_the_future": "as_of <= requested_at + interval '1 minute'",
        "run_has_its_file_when_done": "num_nonnulls(sha256, lines, file_name, file_size, expires_at)"
        " = case state when 'DONE' then 5 else 0 end",
        "ended_run_says_when": "(state in ('DONE', 'FAILED', 'CANCELLED')) = (finished_at is not null)",
        "failed_run_says_why": "(state = 'FAILED') = (failure is not null)"
        " and (failure is not null or failure_params is null)",
        "started_run_counts_its_attempts": "(attempt > 0) = (started_at is not null)"
        " and case state when 'QUEUED' then attempt = 0 when 'RUNNING' then attempt > 0"
        " when 'DONE' then attempt > 0 else true end",
        "run_hash_is_a_sha256": "sha256 ~ '^[0-9a-f]{64}$'",
        "run_counts_are_counts": "attempt >= 0 and lines >= 0 and lines_done >= 0 and lines_total >= 0"
        " and file_size > 0",
        "no_file_is_removed_before_it_expires": "removed_at >= expires_at",
        "removed_file_was_there": "removed_at is null or state = 'DONE'",
        "scheduled_run_has_its_day": "(schedule_id is null) = (due_on is null)",
    }
    return [sa.CheckConstraint(condition, name=name) for name, condition in checks.items()]


def _run_as_written(script: str) -> None:
    """Run SQL of another package's through the driver: it has colons and per cent signs that mean nothing here."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)


def downgrade() -> None:
    _run_as_written(DROP_QUEUE)
    op.drop_constraint(op.f("fk_report_schedule_last_run_id"), "report_schedule")
    for table in ("report_chunk", "report_run", "report_schedule"):
        op.drop_table(table)
    for function in ("refuse_changed_file", "refuse_broken_file", "refuse_false_run"):
        op.execute(f"drop function {function}()")
