"""Requests that a second person decides, their evidence; what was decided stays as it is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- A request is made waiting, or carried out at once where the control asks for no second person; it is decided once;
-- what was asked for never changes. What is proposed is told with what was there before.
create function refuse_false_request() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if not (new.state = 'PENDING' or new.alone) then
            raise exception 'a request starts by waiting'
                using errcode = 'check_violation', constraint = 'request_starts_by_waiting';
        end if;
        if exists (select from jsonb_object_keys(new.proposed) name where not new.before ? name)
           or exists (select from jsonb_object_keys(new.before) name where not new.proposed ? name) then
            raise exception 'before and proposed are not about the same data'
                using errcode = 'check_violation', constraint = 'request_says_what_was_before';
        end if;
        return new;
    end if;
    if old.state <> 'PENDING' or new.state = 'PENDING'
       or to_jsonb(old) - 'state' - 'decided_by_id' - 'decided_at' - 'decision' - 'event_id'
          <> to_jsonb(new) - 'state' - 'decided_by_id' - 'decided_at' - 'decision' - 'event_id' then
        raise exception 'request % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Evidence is added before its request is decided, not afterwards, and is about the same case.
create function refuse_strange_evidence() returns trigger language plpgsql as $$
begin
    if not exists (select from amendment_request r join evidence e on e.case_id = r.case_id
                    where r.id = new.request_id and e.id = new.evidence_id
                      and (r.state = 'PENDING' or r.alone)) then
        raise exception 'evidence % is not for request %', new.evidence_id, new.request_id
            using errcode = 'check_violation', constraint = 'evidence_is_of_the_same_case';
    end if;
    return new;
end $$;

create trigger amendment_request_is_true before insert or update on amendment_request
    for each row execute function refuse_false_request();
create trigger amendment_request_is_never_deleted before delete on amendment_request
    for each row execute function refuse_change();
create trigger amendment_request_is_never_emptied before truncate on amendment_request
    for each statement execute function refuse_change();
create trigger evidence_is_never_changed before update on evidence
    for each row execute function refuse_change();
create trigger evidence_is_never_emptied before truncate on evidence
    for each statement execute function refuse_change();
create trigger request_evidence_is_true before insert on request_evidence
    for each row execute function refuse_strange_evidence();
create trigger request_evidence_is_append_only before update or delete on request_evidence
    for each row execute function refuse_change();
create trigger request_evidence_is_never_emptied before truncate on request_evidence
    for each statement execute function refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "amendment_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=True),
        sa.Column("booklet_state", sa.String(length=12), nullable=True),
        sa.Column("proposed", postgresql.JSONB(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("zones", postgresql.JSONB(), nullable=False),
        sa.Column("requester_kind", sa.String(length=12), nullable=True),
        sa.Column("requester_name", sa.String(length=120), nullable=True),
        sa.Column("requester_identification", sa.String(length=40), nullable=True),
        sa.Column("reason_code", sa.String(length=16), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("alone", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind in ('correct', 'correct_issued', 'void_booklet')", name="request_kind_is_known"),
        sa.CheckConstraint(
            "state in ('PENDING', 'APPROVED', 'REFUSED', 'WITHDRAWN', 'LAPSED')", name="request_state_is_known"
        ),
        sa.CheckConstraint("requester_kind in ('APPLICANT', 'GUARDIAN', 'INTERNAL')", name="requester_is_known"),
        sa.CheckConstraint(
            "jsonb_typeof(proposed) = 'object' and (kind = 'void_booklet') = (proposed = '{}')",
            name="correction_proposes_something",
        ),
        sa.CheckConstraint(
            "(requester_kind is null) = (requester_name is null)"
            " and (requester_kind is null) = (requester_identification is null)"
            " and (kind = 'void_booklet' or requester_kind is not null)",
            name="correction_says_who_asked",
        ),
        sa.CheckConstraint("(booklet_number is null) = (booklet_state is null)", name="booklet_was_in_a_state"),
        sa.CheckConstraint(
            "(state = 'PENDING') = (decided_at is null) and (decided_at is null) = (decided_by_id is null)",
            name="request_is_decided_by_somebody_at_a_time",
        ),
        sa.CheckConstraint("(state = 'APPROVED') = (event_id is not null)", name="approved_request_was_carried_out"),
        sa.CheckConstraint(
            "state not in ('APPROVED', 'REFUSED') or decided_by_id <> requested_by_id or alone",
            name="request_is_decided_by_a_second_person",
        ),
        sa.CheckConstraint("state <> 'WITHDRAWN' or decided_by_id = requested_by_id", name="who_asked_withdraws"),
        sa.CheckConstraint("state <> 'REFUSED' or decision is not null", name="refused_request_says_why"),
        sa.CheckConstraint("not alone or state = 'APPROVED'", name="done_alone_is_done"),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_amendment_request_case_id")),
        sa.ForeignKeyConstraint(
            ["booklet_number"], ["booklet.number"], name=op.f("fk_amendment_request_booklet_number")
        ),
        sa.ForeignKeyConstraint(["requested_by_id"], ["ab_user.id"], name=op.f("fk_amendment_request_requested_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["ab_user.id"], name=op.f("fk_amendment_request_decided_by_id")),
        sa.ForeignKeyConstraint(["event_id"], ["case_event.id"], name=op.f("fk_amendment_request_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment_request")),
    )
    op.create_index(
        "uq_amendment_request_pending",
        "amendment_request",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index("ix_amendment_request_case_id", "amendment_request", ["case_id", "id"])
    op.create_index("ix_amendment_request_kind", "amendment_request", ["kind", "id"])
    op.create_index(
        "ix_amendment_request_booklet_number",
        "amendment_request",
        ["booklet_number"],
        postgresql_where=sa.text("booklet_number is not null"),
    )
    op.create_index(
        "ix_amendment_request_event_id",
        "amendment_request",
        ["event_id"],
        postgresql_where=sa.text("event_id is not null"),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=24), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "media_type in ('application/pdf', 'image/jpeg', 'image/png')", name="evidence_kind_is_known"
        ),
        sa.CheckConstraint("size = length(data) and size between 1 and 5242880", name="evidence_has_at_most_five_mib"),
        sa.CheckConstraint("sha256 = sha256(data)", name="evidence_is_what_was_sent"),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_evidence_case_id")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["ab_user.id"], name=op.f("fk_evidence_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(op.f("ix_evidence_case_id"), "evidence", ["case_id"])
    op.create_index("ix_evidence_uploaded", "evidence", ["uploaded_by_id", "uploaded_at"])
    op.create_table(
        "request_evidence",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["amendment_request.id"], name=op.f("fk_request_evidence_request_id")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_request_evidence_evidence_id")),
        sa.PrimaryKeyConstraint("request_id", "evidence_id", name=op.f("pk_request_evidence")),
    )
    op.create_index(op.f("ix_request_evidence_evidence_id"), "request_evidence", ["evidence_id"])
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.drop_table("request_evidence")
    op.drop_table("evidence")
    op.drop_table("amendment_request")
    op.execute("drop function refuse_false_request()")
    op.execute("drop function refuse_strange_evidence()")
