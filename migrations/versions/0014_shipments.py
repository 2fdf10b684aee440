"""Lost and stolen documents listed for SLTD by the ledger itself; passports posted to the USA; their couriers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

#: Reasons of a void that say that the booklet is gone (workflow.booklets.GONE; a test compares).
GONE = "'ROB', 'HUR', 'EXT', 'EXB'"
#: The type of document: as its page says it, else as a passport of its category would.
DOCUMENT_TYPE = """coalesce(
    (select rtrim(left(u.mrz_line_1, 2), '<') from personalisation u
      where u.booklet_number = p.booklet_number and u.printed_at is not null order by u.id desc limit 1),
    (select rtrim(min(t.document_code), '<') from booklet b join passport_type t on t.category_code = b.category_code
      where b.number = p.booklet_number), 'P')"""

#: What was voided as gone before there was the list, and not brought back.
LISTED_BEFORE = f"""
insert into lost_document (booklet_number, movement_id, document_type, issuing_country, status, lost_on, listed_at)
select p.booklet_number, p.id, {DOCUMENT_TYPE}, 'GTM',
       case when p.void_type_code in ('ROB', 'HUR') then 'STOLEN' else 'LOST' end,
       (p.at at time zone 'America/Guatemala')::date, now()
  from stock_movement p
 where p.kind = 'EGRESO_ANULACION' and p.void_type_code in ({GONE})
   and not exists (select from stock_movement r where r.reverses_id = p.id)
 order by p.id
"""  # noqa: S608

LIST = f"""
-- Whatever act voids a booklet as gone lists it; whatever act brings it back withdraws it. Who knows more than the
-- reason tells it to the transaction (workflow.loss_facts): the report, how and when and where it was lost.
create function list_lost_documents() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    facts jsonb := nullif(current_setting('pasaportes.loss', true), '')::jsonb;
begin
    if exists (select from posted where kind = 'EGRESO_ANULACION') then
        insert into lost_document (booklet_number, movement_id, report_id, document_type, issuing_country, status,
                                   country_code, lost_on, listed_at)
        select l.booklet_number, l.id, (facts->>'report')::int, l.document_type, 'GTM', l.status,
               coalesce(facts->>'country', case l.status when 'STOLEN_BLANK' then 'GTM' end),
               coalesce((facts->>'on')::date, (l.at at time zone 'America/Guatemala')::date), l.at
          from (select p.booklet_number, p.id, p.at, {DOCUMENT_TYPE} as document_type,
                       case when coalesce(facts->>'kind', '') <> 'STOLEN' and p.void_type_code not in ('ROB', 'HUR')
                            then 'LOST'
                            when exists (select from personalisation u where u.booklet_number = p.booklet_number
                                            and u.printed_at is not null) then 'STOLEN'
                            else 'STOLEN_BLANK' end as status
                  from posted p
                 where p.kind = 'EGRESO_ANULACION' and p.void_type_code in ({GONE}) order by p.id) l;
    end if;
    if exists (select from posted where kind = 'REINGRESO_REACTIVACION') then
        update lost_document d set withdrawn_at = p.at, withdrawal_id = p.id
          from posted p where p.kind = 'REINGRESO_REACTIVACION' and d.movement_id = p.reverses_id;
    end if;
    return null;
end $$;
create trigger lost_documents_are_listed after insert on stock_movement
    referencing new table as posted for each statement execute function list_lost_documents();

create trigger lost_document_is_the_ledgers before insert on lost_document for each row
    when (pg_trigger_depth() = 0) execute function refuse_change();
create trigger lost_document_is_withdrawn_by_the_ledger before update on lost_document for each row
    when (pg_trigger_depth() = 0 and old.withdrawal_id is distinct from new.withdrawal_id)
    execute function refuse_change();
-- The facts stay; what was sent was sent once.
create function keep_lost_document() returns trigger language plpgsql as $$
declare
    later text[] := array['export_id', 'withdrawn_at', 'withdrawal_id', 'withdrawal_export_id'];
begin
    if to_jsonb(old) - later <> to_jsonb(new) - later
       or (old.export_id is not null and new.export_id is distinct from old.export_id)
       or (old.withdrawal_id is not null and new.withdrawal_id is distinct from old.withdrawal_id)
       or (old.withdrawal_export_id is not null and new.withdrawal_export_id is distinct from old.withdrawal_export_id)
       or (old.export_id is null and new.export_id is not null and old.withdrawn_at is not null) then
        raise exception 'lost document % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger lost_document_keeps_its_facts before update on lost_document
    for each row execute function keep_lost_document();

create function keep_loss_report() returns trigger language plpgsql as $$
begin
    if old.confirmed_at is not null or to_jsonb(old) - 'confirmed_at' - 'confirmed_by_id'
       <> to_jsonb(new) - 'confirmed_at' - 'confirmed_by_id' then
        raise exception 'loss report % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger loss_report_keeps_its_facts before update on loss_report
    for each row execute function keep_loss_report();
"""  # noqa: S608

POST = """
create function keep_shipment_in_order() returns trigger language plpgsql as $$
declare
    later text[] := array['state', 'ended_at', 'ended_by_id', 'version'];
begin
    if tg_op = 'INSERT' then
        perform from passport_case c where c.id = new.case_id and c.state = 'POST_IMPRESION'
            and c.booklet_number = new.booklet_number and new.state = 'PREPARED';
        if not found then
            raise exception 'case % does not wait for delivery with booklet %', new.case_id, new.booklet_number
                using errcode = 'check_violation', constraint = 'shipment_is_of_a_passport_that_waits';
        end if;
        return new;
    end if;
    if (old.case_id, old.booklet_number, old.site_code, old.prepared_by_id, old.prepared_at)
       <> (new.case_id, new.booklet_number, new.site_code, new.prepared_by_id, new.prepared_at)
       or (old.state <> 'PREPARED' and to_jsonb(old) - later <> to_jsonb(new) - later)
       or old.state in ('DELIVERED', 'RETURNED', 'LOST', 'CANCELLED') then
        raise exception 'shipment % stays as it is', old.id using errcode = 'restrict_violation';
    end if;
    if old.state <> new.state and (old.state, new.state) not in (('PREPARED', 'SENT'), ('PREPARED', 'CANCELLED'),
       ('SENT', 'DELIVERED'), ('SENT', 'RETURNED'), ('SENT', 'LOST')) then
        raise exception 'shipment % does not go from % to %', old.id, old.state, new.state
            using errcode = 'check_violation', constraint = 'shipment_goes_forward';
    end if;
    return new;
end $$;
create trigger shipment_keeps_its_order before insert or update on shipment
    for each row execute function keep_shipment_in_order();

create function refuse_end_while_posted() returns trigger language plpgsql as $$
begin
    if exists (select from shipment s where s.case_id = new.case_id and s.state in ('PREPARED', 'SENT')) then
        raise exception 'booklet % has a live shipment', new.booklet_number
            using errcode = 'check_violation', constraint = 'no_passport_ends_while_it_is_posted';
    end if;
    return new;
end $$;
create trigger no_passport_ends_while_it_is_posted before update on personalisation for each row
    when ((old.delivered_at is null and new.delivered_at is not null)
          or (old.voided_at is null and new.voided_at is not null)) execute function refuse_end_while_posted();
"""
APPEND_ONLY = ("sltd_export", "shipment_event")
NEVER_DELETED = ("loss_report", "lost_document", "shipment", "courier")
FUNCTIONS = (
    "list_lost_documents", "keep_lost_document", "keep_loss_report", "keep_shipment_in_order",
    "refuse_end_while_posted",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "courier",
        sa.Column("tracking_pattern", sa.String(length=120), nullable=False),
        sa.Column("tracking_url", sa.String(length=200), nullable=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_courier")),
    )
    op.create_table(
        "loss_report",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("lost_on", sa.Date(), nullable=False),
        sa.Column("country_code", sa.String(length=16), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=True),
        sa.Column("police_reference", sa.String(length=60), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("booklets", sa.Integer(), nullable=False),
        sa.Column("reported_by_id", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('LOST', 'STOLEN')", name="loss_kind_is_known"),
        sa.CheckConstraint(
            "(confirmed_at is null) = (confirmed_by_id is null)", name="confirmed_by_somebody_at_a_time"
        ),
        sa.CheckConstraint("booklets > 0", name="loss_report_has_booklets"),
        sa.CheckConstraint("confirmed_by_id <> reported_by_id", name="a_second_person_confirms_a_loss"),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["ab_user.id"], name=op.f("fk_loss_report_confirmed_by_id")),
        sa.ForeignKeyConstraint(["country_code"], ["country.code"], name=op.f("fk_loss_report_country_code")),
        sa.ForeignKeyConstraint(["reported_by_id"], ["ab_user.id"], name=op.f("fk_loss_report_reported_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loss_report")),
    )
    op.create_table(
        "sltd_export",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("additions", sa.Integer(), nullable=False),
        sa.Column("deletions", sa.Integer(), nullable=False),
        sa.Column("additions_sha256", sa.String(length=64), nullable=False),
        sa.Column("deletions_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("additions + deletions > 0", name="export_has_entries"),
        sa.ForeignKeyConstraint(["made_by_id"], ["ab_user.id"], name=op.f("fk_sltd_export_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sltd_export")),
    )
    op.create_table(
        "shipment",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=False),
        sa.Column("site_code", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("recipient", sa.String(length=120), nullable=False),
        sa.Column("line_1", sa.String(length=80), nullable=False),
        sa.Column("line_2", sa.String(length=80), nullable=True),
        sa.Column("city", sa.String(length=60), nullable=False),
        sa.Column("us_state", sa.String(length=2), nullable=False),
        sa.Column("zip_code", sa.String(length=10), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=True),
        sa.Column("courier_code", sa.String(length=16), nullable=True),
        sa.Column("tracking_number", sa.String(length=40), nullable=True),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("prepared_by_id", sa.Integer(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(ended_at is null) = (state in ('PREPARED', 'SENT'))", name="ended_shipment_says_when"),
        sa.CheckConstraint("(sent_at is null) = (state in ('PREPARED', 'CANCELLED'))", name="sent_shipment_says_when"),
        sa.CheckConstraint(
            "state in ('PREPARED', 'SENT', 'DELIVERED', 'RETURNED', 'LOST', 'CANCELLED')",
            name="shipment_state_is_known",
        ),
        sa.CheckConstraint(
            "trim(recipient) <> '' and trim(line_1) <> '' and trim(city) <> ''", name="address_is_whole"
        ),
        sa.CheckConstraint("us_state ~ '^[A-Z]{2}$'", name="us_state_has_two_letters"),
        sa.CheckConstraint("zip_code ~ '^[0-9]{5}(-[0-9]{4})?$'", name="zip_code_has_its_form"),
        sa.CheckConstraint("(ended_at is null) = (ended_by_id is null)", name="ended_shipment_says_who"),
        sa.CheckConstraint(
            "(sent_at is null) = (sent_by_id is null)"
            " and (sent_at is null or (courier_code is not null and tracking_number is not null))",
            name="sent_shipment_says_who_by_what",
        ),
        sa.ForeignKeyConstraint(["booklet_number"], ["booklet.number"], name=op.f("fk_shipment_booklet_number")),
        sa.ForeignKeyConstraint(["case_id"], ["passport_case.id"], name=op.f("fk_shipment_case_id")),
        sa.ForeignKeyConstraint(["courier_code"], ["courier.code"], name=op.f("fk_shipment_courier_code")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["ab_user.id"], name=op.f("fk_shipment_ended_by_id")),
        sa.ForeignKeyConstraint(["prepared_by_id"], ["ab_user.id"], name=op.f("fk_shipment_prepared_by_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["ab_user.id"], name=op.f("fk_shipment_sent_by_id")),
        sa.ForeignKeyConstraint(["site_code"], ["site.code"], name=op.f("fk_shipment_site_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
    )
    op.create_index(op.f("ix_shipment_booklet_number"), "shipment", ["booklet_number"], unique=False)
    op.create_index("ix_shipment_case_id", "shipment", ["case_id", "id"], unique=False)
    op.create_index("ix_shipment_site_code", "shipment", ["site_code", "state", "id"], unique=False)
    op.create_index("ix_shipment_state", "shipment", ["state", "id"], unique=False)
    op.create_index(
        "uq_shipment_live",
        "shipment",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("state in ('PREPARED', 'SENT')"),
    )
    op.create_index(
        "uq_shipment_tracking_number",
        "shipment",
        ["courier_code", "tracking_number"],
        unique=True,
        postgresql_where=sa.text("tracking_number is not null"),
    )
    op.create_table(
        "lost_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("booklet_number", sa.String(length=8), nullable=False),
        sa.Column("movement_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=True),
        sa.Column("document_type", sa.String(length=2), nullable=False),
        sa.Column("issuing_country", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("country_code", sa.String(length=16), nullable=True),
        sa.Column("lost_on", sa.Date(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("export_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawal_export_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("status <> 'STOLEN_BLANK' or country_code is not null", name="stolen_blank_says_where"),
        sa.CheckConstraint("status in ('LOST', 'STOLEN', 'STOLEN_BLANK')", name="lost_status_is_known"),
        sa.CheckConstraint("(withdrawn_at is null) = (withdrawal_id is null)", name="withdrawn_by_a_reactivation"),
        sa.CheckConstraint(
            "withdrawal_export_id is null or (withdrawn_at is not null and export_id is not null"
            " and withdrawal_export_id <> export_id)",
            name="only_what_was_sent_is_deleted",
        ),
        sa.ForeignKeyConstraint(["booklet_number"], ["booklet.number"], name=op.f("fk_lost_document_booklet_number")),
        sa.ForeignKeyConstraint(["country_code"], ["country.code"], name=op.f("fk_lost_document_country_code")),
        sa.ForeignKeyConstraint(["export_id"], ["sltd_export.id"], name=op.f("fk_lost_document_export_id")),
        sa.ForeignKeyConstraint(["movement_id"], ["stock_movement.id"], name=op.f("fk_lost_document_movement_id")),
        sa.ForeignKeyConstraint(["report_id"], ["loss_report.id"], name=op.f("fk_lost_document_report_id")),
        sa.ForeignKeyConstraint(
            ["withdrawal_export_id"], ["sltd_export.id"], name=op.f("fk_lost_document_withdrawal_export_id")
        ),
        sa.ForeignKeyConstraint(["withdrawal_id"], ["stock_movement.id"], name=op.f("fk_lost_document_withdrawal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_document")),
    )
    op.create_index(
        "ix_lost_document_export_id",
        "lost_document",
        ["export_id", "booklet_number"],
        unique=False,
        postgresql_where=sa.text("export_id is not null"),
    )
    op.create_index("ix_lost_document_lost_on", "lost_document", ["lost_on", "id"], unique=False)
    op.create_index("ix_lost_document_report_id", "lost_document", ["report_id", "booklet_number"], unique=False)
    op.create_index(
        "ix_lost_document_to_delete",
        "lost_document",
        ["id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at is not null and export_id is not null and withdrawal_export_id is null"),
    )
    op.create_index(
        "ix_lost_document_to_send",
        "lost_document",
        ["id"],
        unique=False,
        postgresql_where=sa.text("export_id is null and withdrawn_at is null"),
    )
    op.create_index(
        "ix_lost_document_withdrawal_export_id",
        "lost_document",
        ["withdrawal_export_id", "booklet_number"],
        unique=False,
    )
    op.create_index(
        "ix_lost_document_withdrawn",
        "lost_document",
        ["id"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at is not null"),
    )
    op.create_index("uq_lost_document_movement_id", "lost_document", ["movement_id"], unique=True)
    op.create_index(
        "uq_lost_document_standing",
        "lost_document",
        ["booklet_number"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "shipment_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shipment_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "act in ('PREPARED', 'ADDRESS', 'LABEL', 'SENT', 'DELIVERED', 'RETURNED', 'LOST', 'CANCELLED')",
            name="shipment_act_is_known",
        ),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_event_shipment_id")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_shipment_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_event")),
    )
    op.create_index("ix_shipment_event_shipment_id", "shipment_event", ["shipment_id", "id"], unique=False)
    op.add_column("site", sa.Column("return_address", sa.String(length=200), nullable=True))
    for statement in (LISTED_BEFORE, LIST, POST):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_is_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
    for table in NEVER_DELETED:
        op.execute(
            f"create trigger {table}_is_never_deleted before delete on {table} "
            "for each row execute function refuse_change()"
        )
    for table in (*APPEND_ONLY, *NEVER_DELETED):
        op.execute(
            f"create trigger {table}_is_never_emptied before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(
        "create trigger courier_keeps_its_codes before update of code on courier for each row "
        "when (old.code is distinct from new.code) execute function refuse_new_code()"
    )


def downgrade() -> None:
    op.execute("drop trigger lost_documents_are_listed on stock_movement")
    op.execute("drop trigger no_passport_ends_while_it_is_posted on personalisation")
    for table in ("shipment_event", "shipment", "lost_document", "sltd_export", "loss_report", "courier"):
        op.drop_table(table)
    op.drop_column("site", "return_address")
    for function in FUNCTIONS:
        op.execute(f"drop function {function}()")
