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
                   where d.id = coalesce(old.document_id, new.document_id) and d.state = 'CERRADO') then
        raise exception 'document % is closed', coalesce(old.document_id, new.document_id)
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
"""


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
    for table in ("picture", "enrollment_buffer"):
        op.execute(f"alter table {table} alter column data set storage external")


def downgrade() -> None:
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
    for function in ("refuse_change", "refuse_new_code", "refuse_broken_ledger", "refuse_change_when_closed"):
        op.execute(f"drop function {function}()")
    op.execute("drop sequence case_serial")
