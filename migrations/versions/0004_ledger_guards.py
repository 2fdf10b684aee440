"""The ledger moves the booklets and keeps their turnover; what must never be false of it; what was posted before."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Kinds of movement: from which accounts, to which (workflow.ledger.KINDS; a test compares).
KINDS = {
    "INGRESO": ("SUPPLIER", "WAREHOUSE"),
    "TRASLADO_SALE": ("WAREHOUSE", "TRANSIT"),
    "TRASLADO_INGRESA": ("TRANSIT", "WAREHOUSE"),
    "SALIDA": ("WAREHOUSE", "HANDS"),
    "REINGRESO_SALIDA": ("HANDS", "WAREHOUSE"),
    "EGRESO_PERSONALIZACION": ("WAREHOUSE HANDS", "PRINTING"),
    "ENTREGA": ("PRINTING", "HOLDER"),
    "EGRESO_ANULACION": ("WAREHOUSE HANDS TRANSIT PRINTING HOLDER", "VOIDED OUTSIDE"),
    "REINGRESO_REACTIVACION": ("VOIDED OUTSIDE", "WAREHOUSE HANDS TRANSIT PRINTING HOLDER"),
    "DESTRUCCION": ("VOIDED", "DESTROYED"),
    "REVERSION": ("WAREHOUSE TRANSIT", "SUPPLIER WAREHOUSE"),
}
WITHOUT_DOCUMENT = "'EGRESO_PERSONALIZACION', 'ENTREGA', 'EGRESO_ANULACION', 'REINGRESO_REACTIVACION'"
PLACE = (
    "^(SUPPLIER|HOLDER|OUTSIDE|DESTROYED|(WAREHOUSE|VOIDED):[A-Z0-9_.-]+|PRINTING:[A-Z0-9]+"
    "|HANDS:[A-Z0-9_.-]+:[0-9]+|TRANSIT:[0-9]+)$"
)


def _any(column: str, accounts: str) -> str:
    return f"split_part({column}, ':', 1) in ({', '.join(repr(account) for account in accounts.split())})"


_KIND_RULE = "case kind {} else false end".format(
    " ".join(
        f"when '{kind}' then {_any('from_place', sources)} and {_any('to_place', targets)}"
        for kind, (sources, targets) in KINDS.items()
    )
)
_SERIALS = (
    "int8range(ascii(prefix)::bigint * 10000000 + first_serial,"
    " ascii(prefix)::bigint * 10000000 + first_serial + quantity)"
)
_STATE_RULE = """case state when 'NO_INGRESADA' then place = 'SUPPLIER'
    when 'NUEVA' then split_part(place, ':', 1) in ('WAREHOUSE', 'HANDS', 'TRANSIT')
    when 'ENTREGADA' then place = 'HOLDER'
    when 'ANULADA' then split_part(place, ':', 1) in ('VOIDED', 'OUTSIDE', 'DESTROYED')
    else split_part(place, ':', 1) = 'PRINTING' end"""
#: Conditions on a row: table, name, what holds.
CHECKS = (
    ("booklet", "booklet_state_is_known",
     "state in ('NO_INGRESADA', 'NUEVA', 'ASIGNADA', 'IMPRESA', 'ENTREGADA', 'ANULADA')"),
    ("booklet", "booklet_is_where_its_state_says", _STATE_RULE),
    ("booklet", "booklet_in_stock_has_a_warehouse", "place = 'SUPPLIER' or warehouse_code is not null"),
    ("stock_movement", "movement_kind_has_its_places", _KIND_RULE),
    ("stock_movement", "place_is_well_formed", f"to_place ~ '{PLACE}'"),
    ("stock_movement", "movement_has_its_document", f"(kind in ({WITHOUT_DOCUMENT})) = (document_id is null)"),
    ("stock_movement", "movement_has_its_case",
     "kind not in ('EGRESO_PERSONALIZACION', 'ENTREGA') or case_id is not null"),
    ("stock_movement", "movement_names_what_it_reverses",
     "(kind in ('REINGRESO_REACTIVACION', 'REVERSION')) = (reverses_id is not null)"),
    ("stock_movement", "void_says_why", "(kind = 'EGRESO_ANULACION') = (void_type_code is not null)"),
    ("stock_document", "document_kind_is_known",
     "kind in ('INGRESO', 'TRASLADO', 'SALIDA', 'DEVOLUCION', 'DESTRUCCION', 'REVERSION')"),
    ("stock_document", "document_state_is_known", "state in ('ABIERTO', 'POR_CONFIRMAR', 'CERRADO')"),
    ("stock_document", "signed_document_says_who", "(signed_at is null) = (signed_by_id is null)"),
    ("stock_document", "document_to_confirm_is_signed", "state <> 'POR_CONFIRMAR' or signed_at is not null"),
    ("stock_document", "receipt_has_a_category", "(kind = 'INGRESO') = (category_code is not null)"),
    ("stock_document", "transfer_goes_to_another_warehouse",
     "(kind = 'TRASLADO') = (to_warehouse_code is not null) and warehouse_code <> to_warehouse_code"),
    ("stock_document", "issue_names_its_printer", "(kind in ('SALIDA', 'DEVOLUCION')) = (printer_id is not null)"),
    ("stock_document", "reversal_names_what_it_reverses", "(kind = 'REVERSION') = (reverses_id is not null)"),
    ("stock_document", "two_people_sign",
     "kind not in ('SALIDA', 'DEVOLUCION', 'DESTRUCCION') or closed_at is null"
     " or (signed_by_id is not null and signed_by_id <> closed_by_id)"),
    ("stock_document", "printer_is_one_of_the_two",
     "kind <> 'SALIDA' or closed_at is null or printer_id in (signed_by_id, closed_by_id)"),
    ("stock_document", "only_a_transfer_is_received",
     "received_at is null or (kind = 'TRASLADO' and closed_at is not null)"),
)  # fmt: skip
#: What the checks above replace: table, name, what held before.
FORMER_CHECKS = (
    ("booklet", "booklet_state_is_known", "state in ('NUEVA', 'ASIGNADA', 'IMPRESA', 'ENTREGADA', 'ANULADA')"),
    ("booklet", "new_booklet_lies_in_a_warehouse", "(state = 'NUEVA') = (warehouse_code is not null)"),
    ("stock_movement", "receipt_comes_from_the_supplier", "(kind = 'INGRESO') = (from_place = 'SUPPLIER')"),
    ("stock_document", "document_kind_is_known", "kind in ('INGRESO', 'TRASLADO', 'SALIDA')"),
)
EXCLUSIONS = (
    f"alter table stock_line add constraint no_two_receipts_overlap exclude using gist ({_SERIALS} with &&)"
    " where (receives)",
    "alter table stock_line add constraint no_two_lines_of_a_document_overlap exclude using gist"
    f" (int4range(document_id, document_id, '[]') with &&, {_SERIALS} with &&)",
)

#: Ledger, booklets and turnover are one: a movement is posted, the rest follows in the same statement.
#: The planner is held to indexes: a plan made for a lot of 100,000 must not serve, cached, a single booklet.
LEDGER = """
create function move_booklets() returns trigger language plpgsql
    set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
    rows_posted bigint;
    rows_received bigint;
    rows_moved bigint;
    rows_told bigint := 0;
    wrong record;
    part record;
    side record;
begin
    select count(*) into rows_posted from posted;
    if rows_posted = 0 then
        return null;
    end if;
    -- A receipt makes its booklets, all those of its lines at once; numbers that went back to the supplier come again.
    insert into booklet as b (number, category_code, state, place, warehouse_code, state_since)
    select l.prefix || lpad(n::text, 7, '0'), l.category_code, 'NUEVA', p.to_place, split_part(p.to_place, ':', 2), p.at
      from (select distinct document_id, to_place, at from posted where kind = 'INGRESO') p
      join stock_line l on l.document_id = p.document_id,
           generate_series(l.first_serial, l.first_serial + l.quantity - 1) n
        on conflict (number) do update
       set state = excluded.state, place = excluded.place, warehouse_code = excluded.warehouse_code,
           state_since = excluded.state_since
     where b.place = 'SUPPLIER';
    get diagnostics rows_received = row_count;
    -- Planned anew each time: a plan made for one booklet must not serve a lot of 100,000.
    execute $sql$
    update booklet b
       set place = p.to_place, state_since = p.at, case_id = coalesce(p.case_id, b.case_id),
           state = case split_part(p.to_place, ':', 1)
               when 'SUPPLIER' then 'NO_INGRESADA' when 'WAREHOUSE' then 'NUEVA' when 'HANDS' then 'NUEVA'
               when 'TRANSIT' then 'NUEVA' when 'PRINTING' then 'ASIGNADA' when 'HOLDER' then 'ENTREGADA'
               else 'ANULADA' end,
           warehouse_code = case when split_part(p.to_place, ':', 1) in ('WAREHOUSE', 'HANDS', 'VOIDED')
               then split_part(p.to_place, ':', 2) else b.warehouse_code end,
           site_code = case when split_part(p.to_place, ':', 1) = 'PRINTING'
               then split_part(p.to_place, ':', 2) else b.site_code end,
           void_type_code = case when split_part(p.to_place, ':', 1) in ('VOIDED', 'OUTSIDE', 'DESTROYED')
               then coalesce(p.void_type_code, b.void_type_code) end
      from posted p where p.kind <> 'INGRESO' and b.number = p.booklet_number and b.place = p.from_place
    $sql$;
    get diagnostics rows_moved = row_count;
    if rows_moved + rows_received <> rows_posted then
        if exists (select from posted where kind = 'INGRESO') then
            raise exception 'a receipt brings in the booklets of its lines, all of them and no other'
                using errcode = 'check_violation', constraint = 'receipt_brings_in_its_lines';
        end if;
        select p.booklet_number, p.from_place, b.place into wrong
          from posted p left join booklet b on b.number = p.booklet_number
         where b.place is distinct from p.to_place limit 1;
        raise exception 'booklet % is at %, not at %', wrong.booklet_number, wrong.place, wrong.from_place
            using errcode = 'check_violation', constraint = 'movement_starts_where_the_booklet_is';
    end if;

    select p.booklet_number into wrong
      from (select * from posted where reverses_id is not null) p join stock_movement r on r.id = p.reverses_id
     where r.booklet_number <> p.booklet_number or r.from_place <> p.to_place or r.to_place <> p.from_place
        or r.id <> (select max(m.id) from stock_movement m where m.booklet_number = p.booklet_number and m.id <> p.id)
        or (p.kind = 'REINGRESO_REACTIVACION' and r.kind <> 'EGRESO_ANULACION')
        or (p.kind = 'REVERSION' and r.document_id is distinct from
            (select d.reverses_id from stock_document d where d.id = p.document_id))
     limit 1;
    if found then
        raise exception 'booklet %: only its last movement is reversed, back to where it came from',
            wrong.booklet_number using errcode = 'check_violation', constraint = 'reversal_undoes_the_last_movement';
    end if;

    for part in execute $sql$
        select p.kind, p.document_id, p.user_id, p.from_place, p.to_place, b.category_code,
               (p.at at time zone 'America/Guatemala')::date as day, count(*) as booklets
          from posted p join booklet b on b.number = p.booklet_number and b.place = p.to_place
           and (p.kind <> 'INGRESO' or b.state_since = p.at)
         group by 1, 2, 3, 4, 5, 6, 7
        $sql$
    loop
        rows_told := rows_told + part.booklets;
        perform from stock_document d where d.id = part.document_id and d.state = 'CERRADO' and case part.kind
            when 'INGRESO' then d.kind = 'INGRESO' and part.to_place = 'WAREHOUSE:' || d.warehouse_code
            when 'TRASLADO_SALE' then d.kind = 'TRASLADO' and part.from_place = 'WAREHOUSE:' || d.warehouse_code
                 and part.to_place = 'TRANSIT:' || d.id
            when 'TRASLADO_INGRESA' then d.kind = 'TRASLADO' and part.from_place = 'TRANSIT:' || d.id
                 and part.to_place = 'WAREHOUSE:' || d.to_warehouse_code
                 and (d.at_once or part.user_id <> d.closed_by_id)
            when 'SALIDA' then d.kind = 'SALIDA' and part.from_place = 'WAREHOUSE:' || d.warehouse_code
                 and part.to_place = 'HANDS:' || d.warehouse_code || ':' || d.printer_id
            when 'REINGRESO_SALIDA' then d.kind = 'DEVOLUCION' and part.to_place = 'WAREHOUSE:' || d.warehouse_code
                 and part.from_place = 'HANDS:' || d.warehouse_code || ':' || d.printer_id
            when 'DESTRUCCION' then d.kind = 'DESTRUCCION' and part.from_place = 'VOIDED:' || d.warehouse_code
            else d.kind = 'REVERSION' end;
        if part.document_id is not null and not found then
            raise exception 'document % does not allow %', part.document_id, part.kind
                using errcode = 'check_violation', constraint = 'movement_follows_its_document';
        end if;
        for side in
            select split_part(s.place, ':', 1) as account,
                   case when s.place like 'TRANSIT:%' then '' else split_part(s.place, ':', 2) end as owner,
                   g.span, date_trunc(g.span, part.day)::date as turnover_on, s.put, s.taken
              from (values (part.from_place, 0, part.booklets), (part.to_place, part.booklets, 0)) s(place, put, taken)
              cross join (values ('DAY'), ('MONTH')) g(span)
        loop
            -- A day closing waits for those who post at its warehouse, and they for it.
            if side.account in ('WAREHOUSE', 'HANDS', 'VOIDED') then
                perform pg_advisory_xact_lock_shared(7301, hashtext(side.owner));
            end if;
            -- A row that another transaction holds is not waited for: this one writes its own.
            update stock_turnover t set put = t.put + side.put, taken = t.taken + side.taken
             where t.id = (select s.id from stock_turnover s
                            where s.span = side.span and s.account = side.account
                              and s.turnover_on = side.turnover_on and s.owner = side.owner
                              and s.category_code = part.category_code and s.kind = part.kind
                            limit 1 for update skip locked);
            if not found then
                insert into stock_turnover (span, account, owner, category_code, turnover_on, kind, put, taken)
                values (side.span, side.account, side.owner, part.category_code, side.turnover_on, part.kind, side.put,
                        side.taken);
            end if;
        end loop;
    end loop;
    if rows_told <> rows_posted then
        raise exception 'a receipt brings in the booklets of its lines, all of them and no other'
            using errcode = 'check_violation', constraint = 'receipt_brings_in_its_lines';
    end if;
    return null;
end $$;

create trigger booklets_follow_their_ledger after insert on stock_movement
    referencing new table as posted for each statement execute function move_booklets();

create function refuse_move_without_entry() returns trigger language plpgsql as $$
begin
    raise exception 'booklet % moves by its ledger alone', new.number
        using errcode = 'check_violation', constraint = 'booklet_is_where_its_ledger_says';
end $$;
create trigger booklet_moves_by_its_ledger before update on booklet for each row
    when (pg_trigger_depth() = 0 and (old.place is distinct from new.place
          or old.warehouse_code is distinct from new.warehouse_code)) execute function refuse_move_without_entry();
create trigger booklet_begins_at_the_supplier before insert on booklet for each row
    when (pg_trigger_depth() = 0 and new.place <> 'SUPPLIER') execute function refuse_move_without_entry();
create trigger booklet_keeps_its_category before update on booklet for each row
    when (old.category_code <> new.category_code) execute function refuse_change_of_record('category');

-- A few rows are written again and again.
alter table stock_turnover set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
create trigger stock_turnover_is_the_ledgers before insert or update or delete on stock_turnover for each row
    when (pg_trigger_depth() = 0) execute function refuse_change();
"""

CLOSED = """
-- A closed document stays as it is, but for the moment its receiver confirmed the last of it; and so do its lines, but
-- for the numbers that a reversal set free.
create or replace function refuse_change_when_closed() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'stock_document' then
        if old.state = 'CERRADO' and (tg_op = 'DELETE' or old.received_at is not null
           or to_jsonb(old) - 'received_at' - 'version' <> to_jsonb(new) - 'received_at' - 'version') then
            raise exception 'document % is closed', old.id using errcode = 'restrict_violation';
        end if;
    elsif tg_op = 'UPDATE' and to_jsonb(old) - 'receives' = to_jsonb(new) - 'receives' and not new.receives
          and exists (select 1 from stock_document d where d.reverses_id = old.document_id) then
        return new;
    elsif exists (select 1 from stock_document d
                   where d.id in (old.document_id, new.document_id) and d.state <> 'ABIERTO') then
        raise exception 'document % or % is closed', old.document_id, new.document_id
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;

-- The figures and numbers of a day closing change only while it is counted.
create function refuse_change_when_signed() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'day_closing' then
        if tg_op <> 'INSERT' and old.state = 'CERRADO' then
            raise exception 'day closing % is closed', old.id using errcode = 'restrict_violation';
        end if;
        if tg_op = 'INSERT' and new.state <> 'ABIERTO' then
            raise exception 'a day closing begins with its count'
                using errcode = 'check_violation', constraint = 'closing_begins_with_its_count';
        end if;
        if tg_op = 'UPDATE' and new.state <> 'ABIERTO' and coalesce(trim(new.reason), '') = '' and exists (
               select from closing_line l where l.closing_id = new.id and (l.missing > 0 or l.surplus > 0)) then
            raise exception 'day closing % does not balance and says no reason', new.id
                using errcode = 'check_violation', constraint = 'unbalanced_closing_says_why';
        end if;
        if tg_op = 'UPDATE' and new.state <> 'ABIERTO'
           and not exists (select from closing_line l where l.closing_id = new.id) then
            raise exception 'day closing % has no figures', new.id
                using errcode = 'check_violation', constraint = 'signed_closing_has_figures';
        end if;
    elsif exists (select 1 from day_closing c
                   where c.id in (old.closing_id, new.closing_id) and c.state <> 'ABIERTO') then
        raise exception 'day closing % is signed', coalesce(new.closing_id, old.closing_id)
            using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
create trigger day_closing_stays_closed before insert or update or delete on day_closing
    for each row execute function refuse_change_when_signed();
create trigger closing_line_stays_signed before insert or update or delete on closing_line
    for each row execute function refuse_change_when_signed();
create trigger closing_range_stays_signed before insert or update or delete on closing_range
    for each row execute function refuse_change_when_signed();
"""

#: Movements as the ledger was kept until now, brought to its new places.
POSTED_BEFORE = """
alter table stock_movement disable trigger user;
insert into stock_movement_type (code, name, active, sign, document) values
    ('ENTREGA', 'Entrega al titular', true, 0, 'CASO') on conflict do nothing;
update stock_line l set receives = true from stock_document d where d.id = l.document_id and d.kind = 'INGRESO';
update stock_document set category_code = null where kind <> 'INGRESO';
update stock_movement m set to_place = v.place, void_type_code = coalesce(v.void_type_code, 'ERR')
  from (select v.id, coalesce(b.void_type_code, e.reason_code) as void_type_code,
               case when p.delivered_at is null then 'VOIDED:' || split_part(f.to_place, ':', 2)
                    else 'OUTSIDE' end as place
          from stock_movement v
          join booklet b on b.number = v.booklet_number
          join stock_movement f on f.booklet_number = v.booklet_number and f.kind = 'INGRESO'
          left join lateral (select delivered_at from personalisation p where p.booklet_number = v.booklet_number
                              order by p.id desc limit 1) p on true
          left join lateral (select reason_code from case_event e where e.case_id = v.case_id
                              and e.booklet_number = v.booklet_number and e.data ? 'booklet_was'
                              order by e.id desc limit 1) e on true
         where v.kind = 'EGRESO_ANULACION') v
 where v.id = m.id;
update stock_movement m set from_place = v.to_place, reverses_id = v.id
  from stock_movement r join lateral (select id, to_place from stock_movement v
        where v.booklet_number = r.booklet_number and v.id < r.id order by v.id desc limit 1) v on true
 where r.kind = 'REINGRESO_REACTIVACION' and m.id = r.id;
insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, case_id)
select b.number, 'ENTREGA', m.to_place, 'HOLDER', p.delivered_at, p.delivered_by_id, p.case_id
  from booklet b
  join personalisation p on p.booklet_number = b.number and p.voided_at is null and p.delivered_at is not null
  join lateral (select to_place from stock_movement m where m.booklet_number = b.number order by m.id desc limit 1) m
    on true
 where b.state = 'ENTREGADA' order by p.delivered_at;
update booklet b set place = m.to_place, warehouse_code = coalesce(b.warehouse_code, split_part(f.to_place, ':', 2))
  from stock_movement f, stock_movement m
 where f.booklet_number = b.number and f.kind = 'INGRESO' and m.booklet_number = b.number
   and m.id = (select max(l.id) from stock_movement l where l.booklet_number = b.number);
insert into stock_turnover (span, account, owner, category_code, turnover_on, kind, put, taken)
select g.span, split_part(s.place, ':', 1),
       case when split_part(s.place, ':', 1) = 'TRANSIT' then '' else split_part(s.place, ':', 2) end,
       b.category_code, date_trunc(g.span, s.at at time zone 'America/Guatemala')::date, s.kind, sum(s.put),
       sum(s.taken)
  from (select booklet_number, kind, at, from_place as place, 0 as put, 1 as taken from stock_movement
        union all select booklet_number, kind, at, to_place, 1, 0 from stock_movement) s
  join booklet b on b.number = s.booklet_number
 cross join (values ('DAY'), ('MONTH')) g(span)
 group by 1, 2, 3, 4, 5, 6;
alter table stock_movement enable trigger user;
"""

#: What the ledger was guarded by before.
FORMER = """
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
create trigger stock_movement_is_continuous before insert on stock_movement
    for each row when (new.kind <> 'INGRESO') execute function refuse_broken_ledger();

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
create constraint trigger booklet_is_where_its_ledger_says after update of state, warehouse_code on booklet
    deferrable initially deferred for each row when (true) execute function refuse_misplaced_booklet();

create or replace function refuse_change_when_closed() returns trigger language plpgsql as $$
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
"""
#: The former ledger knew neither places of its own for what is voided or delivered nor the new kinds.
IRREVERSIBLE = """
do $$ begin
    if exists (select from stock_movement) then
        raise exception 'movements were posted to the new places: restore a backup instead';
    end if;
end $$;
"""
APPEND_ONLY = ("stock_arrival", "stock_difference")


def upgrade() -> None:
    op.execute("drop trigger stock_movement_is_continuous on stock_movement")
    op.execute("drop trigger booklet_is_where_its_ledger_says on booklet")
    op.execute("drop function refuse_broken_ledger()")
    op.execute("drop function refuse_misplaced_booklet()")
    for table, name, _condition in FORMER_CHECKS:
        op.execute(f"alter table {table} drop constraint {name}")
    for table in ("stock_document", "stock_line"):
        op.execute(f"alter table {table} disable trigger user")
    op.execute(POSTED_BEFORE)
    for table in ("stock_document", "stock_line"):
        op.execute(f"alter table {table} enable trigger user")
    # What the rows changed so far still owe: a table with pending trigger events cannot be altered.
    op.execute("set constraints all immediate")
    for table, name, condition in CHECKS:
        op.create_check_constraint(name, table, condition)
    # The booklet of a receipt's movement is made after it, in the same statement.
    op.drop_constraint("fk_stock_movement_booklet_number", "stock_movement", type_="foreignkey")
    op.create_foreign_key(
        "fk_stock_movement_booklet_number", "stock_movement", "booklet", ["booklet_number"], ["number"],
        deferrable=True, initially="DEFERRED",
    )  # fmt: skip
    for statement in (*EXCLUSIONS, LEDGER, CLOSED):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_is_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
    for table in (*APPEND_ONLY, "stock_turnover"):
        op.execute(
            f"create trigger {table}_is_never_emptied before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(
        "create trigger transfer_route_keeps_its_codes before update of code on transfer_route for each row "
        "when (old.code is distinct from new.code) execute function refuse_new_code()"
    )
    op.execute(
        "create trigger transfer_route_is_never_deleted before delete on transfer_route "
        "for each row execute function refuse_change()"
    )


def downgrade() -> None:
    op.execute(IRREVERSIBLE)
    for trigger, table in (
        ("booklets_follow_their_ledger", "stock_movement"), ("booklet_moves_by_its_ledger", "booklet"),
        ("booklet_begins_at_the_supplier", "booklet"), ("booklet_keeps_its_category", "booklet"),
    ):  # fmt: skip
        op.execute(f"drop trigger {trigger} on {table}")
    for table in ("day_closing", "closing_line", "closing_range"):
        op.execute(f"drop trigger {table}_stays_{'closed' if table == 'day_closing' else 'signed'} on {table}")
    for function in ("move_booklets", "refuse_move_without_entry", "refuse_change_when_signed"):
        op.execute(f"drop function {function}()")
    for name in ("no_two_receipts_overlap", "no_two_lines_of_a_document_overlap"):
        op.execute(f"alter table stock_line drop constraint {name}")
    op.drop_constraint("fk_stock_movement_booklet_number", "stock_movement", type_="foreignkey")
    op.create_foreign_key(
        "fk_stock_movement_booklet_number", "stock_movement", "booklet", ["booklet_number"], ["number"]
    )  # fmt: skip
    for table, name, _condition in CHECKS:
        op.execute(f"alter table {table} drop constraint {name}")
    op.execute(FORMER)
    for table, name, condition in FORMER_CHECKS:
        op.create_check_constraint(name, table, condition)
