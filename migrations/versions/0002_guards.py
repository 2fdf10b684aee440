"""What must never be false: append-only tables, fixed codes, immutable pictures, ledger continuity, the case serial."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("case_event", "stock_movement", "access_log", "quality_scan", "picture")
CATALOGS = (
    "country marital_status occupation eye_colour skin_tone hair_colour sex identification_type stock_category "
    "passport_type department municipality site decision_reason list_type stock_movement_type warehouse void_type "
    "procedure requirement"
).split()
STATES = (
    "'ENROLADA', 'VALIDACION_SECUNDARIA', 'AUTORIZADA', 'RECHAZADA', 'EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION', "
    "'ENTREGADA', 'CORREGIDA'"
)

FUNCTIONS = """
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create function refuse_new_code() returns trigger language plpgsql as $$
begin
    raise exception 'a code never changes: %', old.code using errcode = 'restrict_violation';
end $$;

-- A booklet leaves the place where its last movement put it; only its first movement comes from the supplier.
create function refuse_broken_ledger() returns trigger language plpgsql as $$
declare
    place text;
begin
    perform 1 from booklet where number = new.booklet_number for update;
    select m.to_place into place from stock_movement m
     where m.booklet_number = new.booklet_number order by m.id desc limit 1;
    if coalesce(place, 'SUPPLIER') <> new.from_place then
        raise exception 'booklet % is at %, not at %',
            new.booklet_number, coalesce(place, 'SUPPLIER'), new.from_place
            using errcode = 'check_violation', constraint = 'movement_starts_where_the_booklet_is';
    end if;
    return new;
end $$;

-- A closed stock document and its lines stay as they are.
create function refuse_change_when_closed() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'stock_document' then
        if old.state = 'CERRADO' then
            raise exception 'document % is closed', old.id using errcode = 'restrict_violation';
        end if;
    elsif exists (select 1 from stock_document d
                   where d.id in (old.document_id, new.document_id) and d.state = 'CERRADO') then
        raise exception 'document % or % is closed', old.document_id, new.document_id
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;

create function refuse_change_of_record() returns trigger language plpgsql as $$
begin
    raise exception '% % stays as it is', tg_table_name, tg_argv[0] using errcode = 'restrict_violation';
end $$;

-- Looked at when the transaction ends, for case and booklet change one after the other.
create function refuse_stray_booklet() returns trigger language plpgsql as $$
declare
    subject bigint;
    stray text;
begin
    if tg_table_name = 'passport_case' then
        subject := new.id;
    else
        select c.id into subject from passport_case c where c.booklet_number = new.number and c.state <> 'CORREGIDA';
    end if;
    select c.number into stray from passport_case c left join booklet b on b.number = c.booklet_number
     where c.id = subject and c.state in ('EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION', 'ENTREGADA')
       and not coalesce(b.case_id = c.id and case c.state
                        when 'EN_IMPRESION' then b.state = 'ASIGNADA'
                        when 'ENTREGADA' then b.state in ('ENTREGADA', 'ANULADA')
                        else b.state = 'IMPRESA' end, false);
    if found then
        raise exception 'case % and its booklet do not agree', stray
            using errcode = 'check_violation', constraint = 'case_and_booklet_agree';
    end if;
    return null;
end $$;

create function refuse_misplaced_booklet() returns trigger language plpgsql as $$
declare
    place text;
begin
    select m.to_place into place from stock_movement m
     where m.booklet_number = new.number order by m.id desc limit 1;
    if exists (select 1 from booklet b where b.number = new.number and
               case when b.state = 'NUEVA' then place is distinct from 'WAREHOUSE:' || b.warehouse_code
                    else place like 'WAREHOUSE:%' end) then
        raise exception 'the ledger has booklet % at %', new.number, place
            using errcode = 'check_violation', constraint = 'booklet_is_where_its_ledger_says';
    end if;
    return null;
end $$;
"""

#: What was written once and is proof: table, columns that never change (none: nothing does), rows it is about.
PROOF = (
    ("case_finding", "case_id code fields detail found_at", ""),
    ("case_requirement", "", ""),
    ("case_picture", "", ""),
    ("passport_case", "number enrollment_id created_at", ""),
    ("personalisation", "case_id booklet_number site_code assigned_by_id assigned_at issued_on expires_on "
     "mrz_line_1 mrz_line_2 seal_text page_sha256", ""),
    ("enrollment", "", "old.status = 'FINALIZED'"),
)  # fmt: skip
#: Conditions on a row: table, name, what holds.
CHECKS = (
    ("personalisation", "printed_by_somebody_at_a_time", "(printed_at is null) = (printed_by_id is null)"),
    ("personalisation", "checked_by_somebody_at_a_time", "(checked_at is null) = (checked_by_id is null)"),
    ("personalisation", "delivered_by_somebody_at_a_time", "(delivered_at is null) = (delivered_by_id is null)"),
    ("personalisation", "no_quality_control_before_the_print", "checked_at is null or printed_at is not null"),
    ("personalisation", "no_delivery_without_quality_control", "delivered_at is null or checked_at is not null"),
    ("stock_document", "closed_document_says_who", "(closed_at is null) = (closed_by_id is null)"),
    ("case_event", "event_states_are_known", f"to_state in ({STATES}) and from_state in ({STATES})"),
    ("passport_case", "delivered_case_has_a_booklet", "state <> 'ENTREGADA' or booklet_number is not null"),
)  # fmt: skip
#: Changes that never happen, by name: table, and when a change is one.
NEVER = {
    "corrected_case_stays_corrected": ("passport_case", "old.state = 'CORREGIDA' and new.state <> old.state"),
    "booklet_keeps_its_dates": (
        "booklet", "(old.issued_on, old.expires_on) is distinct from (new.issued_on, new.expires_on) "
        "and old.issued_on is not null"
    ),
}  # fmt: skip
#: Looked at when the transaction ends.
AGREEMENTS = {
    "case_agrees_with_its_booklet": (
        "insert or update of state, booklet_number on passport_case", "new.booklet_number is not null",
        "refuse_stray_booklet"
    ),
    "booklet_agrees_with_its_case": (
        "update of state, case_id on booklet", "new.case_id is not null or old.case_id is not null",
        "refuse_stray_booklet"
    ),
    "booklet_is_where_its_ledger_says": (
        "update of state, warehouse_code on booklet", "true", "refuse_misplaced_booklet"
    ),
}  # fmt: skip


def upgrade() -> None:
    op.execute("create sequence case_serial")
    op.create_foreign_key("fk_passport_case_booklet_number", "passport_case", "booklet", ["booklet_number"], ["number"])
    op.execute(FUNCTIONS)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_is_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
        op.execute(
            f"create trigger {table}_is_never_emptied before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    for table in CATALOGS:
        op.execute(
            f"create trigger {table}_keeps_its_codes before update of code on {table} for each row "
            "when (old.code is distinct from new.code) execute function refuse_new_code()"
        )
        op.execute(
            f"create trigger {table}_is_never_deleted before delete on {table} "
            "for each row execute function refuse_change()"
        )
    op.execute(
        "create trigger stock_movement_is_continuous before insert on stock_movement "
        "for each row when (new.kind <> 'INGRESO') execute function refuse_broken_ledger()"
    )
    op.execute(
        "alter table stock_movement add constraint receipt_comes_from_the_supplier "
        "check ((kind = 'INGRESO') = (from_place = 'SUPPLIER'))"
    )
    for table in ("stock_document", "stock_line"):
        when = "update or delete" if table == "stock_document" else "insert or update or delete"
        op.execute(
            f"create trigger {table}_stays_closed before {when} on {table} "
            "for each row execute function refuse_change_when_closed()"
        )
    _protect_proof()
    for table in ("picture", "enrollment_buffer"):
        op.execute(f"alter table {table} alter column data set storage external")


def _protect_proof() -> None:
    for table, name, condition in CHECKS:
        op.create_check_constraint(name, table, condition)
    for table, columns, which in PROOF:
        changed = " or ".join(f"old.{name} is distinct from new.{name}" for name in columns.split())
        for act, when in (("update", changed), ("delete", "")):
            met = " and ".join(f"({condition})" for condition in (when, which) if condition)
            op.execute(
                f"create trigger {table}_is_proof_on_{act} before {act} on {table} for each row "
                f"{f'when ({met}) ' if met else ''}execute function refuse_change_of_record('on {act}')"
            )
    for name, (table, when) in NEVER.items():
        op.execute(
            f"create trigger {name} before update on {table} for each row when ({when}) "
            f"execute function refuse_change_of_record('{name}')"
        )
    for name, (event, when, function) in AGREEMENTS.items():
        op.execute(
            f"create constraint trigger {name} after {event} deferrable initially deferred "
            f"for each row when ({when}) execute function {function}()"
        )


def _unprotect_proof() -> None:
    for table, name, _condition in CHECKS:
        op.drop_constraint(name, table)
    for name, (event, _when, _function) in AGREEMENTS.items():
        op.execute(f"drop trigger {name} on {event.rpartition(' ')[2]}")
    for name, (table, _condition) in NEVER.items():
        op.execute(f"drop trigger {name} on {table}")
    for table, _columns, _which in PROOF:
        op.execute(f"drop trigger {table}_is_proof_on_update on {table}")
        op.execute(f"drop trigger {table}_is_proof_on_delete on {table}")


def downgrade() -> None:
    _unprotect_proof()
    for table in ("stock_document", "stock_line"):
        op.execute(f"drop trigger {table}_stays_closed on {table}")
    op.execute("alter table stock_movement drop constraint receipt_comes_from_the_supplier")
    op.drop_constraint("fk_passport_case_booklet_number", "passport_case")
    op.execute("drop trigger stock_movement_is_continuous on stock_movement")
    for table in CATALOGS:
        op.execute(f"drop trigger {table}_keeps_its_codes on {table}")
        op.execute(f"drop trigger {table}_is_never_deleted on {table}")
    for table in APPEND_ONLY:
        op.execute(f"drop trigger {table}_is_append_only on {table}")
        op.execute(f"drop trigger {table}_is_never_emptied on {table}")
    for function in (
        "refuse_change", "refuse_new_code", "refuse_broken_ledger", "refuse_change_when_closed",
        "refuse_change_of_record", "refuse_stray_booklet", "refuse_misplaced_booklet",
    ):  # fmt: skip
        op.execute(f"drop function {function}()")
    op.execute("drop sequence case_serial")
