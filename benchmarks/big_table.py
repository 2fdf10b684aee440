"""Fills a database with as many invented cases as ten years bring, by set-based SQL, for benchmarks and plan tests.

Every row is what the product itself would have written, in bulk: while loading, triggers are off, and indexes and
foreign keys are away; they are made again afterwards, so that what was loaded is checked. The newest cases are the
open ones; Guatemala (GUA) has a queue of a twentieth of all cases to decide and of a fortieth to print: the traps of
SPEC's sizing, 100,000 and 50,000 of 2,000,000.

    python -m benchmarks.big_table --cases 2000000 --url postgresql+psycopg://postgres@127.0.0.1/big
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Connection, Engine, Float, Text, bindparam, text

from app.migrating import migrate
from models.base import make_engine

#: Places in a list are drawn with `floor(size * random() ^ SKEW)`: the first of 300 surnames stands on 3 % of the rows.
SKEW = 1.63
COMMON = (
    "Garcia Lopez Perez Hernandez Gonzalez Rodriguez Martinez Ramirez Morales Gomez Diaz Vasquez Cruz Mendez Castillo "
    "Reyes Ruiz Flores Ortiz Mendoza Chavez Aguilar Juarez Estrada Lemus Barrios Orozco Escobar Cardona Barillas "
    "Monzon Mazariegos Pineda Marroquin Sandoval Solis Lorenzana Maldonado Miranda Navas Ochoa Ovalle Paiz Palma "
    "Paredes Pinto Rivera Robles Rosales Salazar Samayoa Santizo Soto Tobar Trujillo Valenzuela Vielman Villagran"
).split()
SURNAMES = COMMON + [
    start + end
    for start in "Aj Bala Caxa Chu Ixba Jolo Kane Moro Poce Quie Saba Tuba Tzoc Xico Yax Zape Coro Siqui Tele".split()
    for end in "baj caj quel lic mol noj pop rax sic tum vix xol yat".split()
]
GIVEN = (
    "Jose Maria Juan Luis Carlos Ana Rosa Jorge Mario Pedro Marta Miguel Carmen Francisco Juana Manuel Silvia Antonio "
    "Sandra Rafael Claudia Fernando Karla Roberto Patricia Ricardo Veronica Eduardo Gloria Oscar Mirna Victor Elena "
    "Hector Lucia Julio Sofia Cesar Gabriela Raul Andrea Sergio Paola Marco Monica Edgar Brenda Byron Wendy Walter "
    "Heidy Selvin Ingrid Mynor Evelyn Otto Yesenia Erick Marisol Estuardo Marleny Rolando Floridalma Gerardo Aracely "
    "Rodrigo Delmy Diego Glenda Andres Vilma Mateo Irma Santiago Olga Gabriel Lidia Daniel Noemi David Esperanza "
    "Samuel Dolores Isaac Mercedes Josue Concepcion Elias Catarina Abner Tomasa Marvin Petrona Elmer Micaela Nery "
    "Manuela Wilmer Magdalena Wilson Isabel Henry Teresa Kevin Beatriz Brandon Josefina Cristian Alejandra Pablo "
    "Valeria Ramiro Ximena Ruben Camila Tomas Abigail Saul Jimena Domingo Renata Efrain Emilia Gaspar Dulce Melchor"
).split()
TABLES = (
    "passport_case applicant case_event booklet personalisation stock_document stock_line stock_movement former_case "
    "enrollment access_log"
).split()

#: One case in four is also known to the former system, in four was sent as an enrolment, in two was looked at lately.
STEPS = {
    "sites": """
        create temporary table place on commit drop as
        select row_number() over (order by code <> 'GUA', code) - 1 as n, count(*) over () as places, code,
               case when prints then code else coalesce(prints_at_code, code) end as prints_at
          from site where active and enrols
    """,
    "cases": """
        insert into passport_case (id, number, enrollment_id, state, site_code, print_site_code, mobile, station,
            operator, procedure_code, passport_type_code, validity_years, priority, enrolled_at, created_at,
            state_since, first_name, second_name, first_surname, second_surname, search_name, cui, birth_date, sex_code,
            identification_type_code, identification_number, payment_slip, booklet_number)
        overriding system value
        select i, p.code || lpad(i::text, 9, '0'), 'BIG-' || i, state, p.code, p.prints_at, i % 50 = 0,
               p.code || '-E01', 'capturista', case when i % 10 = 0 then 'RENOVACION' else 'NUEVO' end, 'ORD', 5,
               case when i % 50 = 0 then 1 when i % 12 = 0 then 2 else 3 end, at, at, at + interval '3 hours',
               n1, n2, s1, s2, upper(s1 || ' ' || s2 || ' ' || n1 || ' ' || n2), person || '00101',
               '19' || 50 + i % 50 || '-05-' || 10 + i % 19, case when i % 2 = 0 then 'F' else 'M' end, 'CUI',
               person || '00101', (100000000 + i)::text,
               case when state in ('ENTREGADA', 'CORREGIDA', 'POST_IMPRESION', 'IMPRESA', 'EN_IMPRESION')
                    then 'F' || lpad(i::text, 7, '0') end
          from (select i, now() - interval '1 hour' - (:cases - i) * interval '32 seconds' as at,
                       60000000 + case when i % 10 = 0 then i / 2 else i end as person,
                       case when i > :cases - :cases / 20 then 'ENROLADA'
                            when i > :cases - :cases / 20 - :cases / 40 then 'AUTORIZADA'
                            when i <= :cases * 0.88 then
                                 case i % 100 when 1 then 'RECHAZADA' when 2 then 'CORREGIDA' else 'ENTREGADA' end
                            else (array['ENTREGADA', 'ENROLADA', 'AUTORIZADA', 'POST_IMPRESION', 'IMPRESA',
                                        'VALIDACION_SECUNDARIA', 'EN_IMPRESION'])[1 + greatest(0, i % 13 - 6)] end
                            as state,
                       case when i > :cases - :cases / 20 - :cases / 40 then 0
                            else floor(power(random(), 1.5) * (select places from place limit 1)) end as place,
                       (:surnames)[1 + floor(power(random(), :skew) * cardinality(:surnames))::int] as s1,
                       (:surnames)[1 + floor(power(random(), :skew) * cardinality(:surnames))::int] as s2,
                       (:given)[1 + floor(power(random(), :skew) * cardinality(:given))::int] as n1,
                       (:given)[1 + floor(power(random(), :skew) * cardinality(:given))::int] as n2
                  from generate_series(1, :cases) i) made
          join place p on p.n = made.place
         order by i
    """,
    "applicants": """
        insert into applicant (case_id, nationality_code, birth_country_code, birth_department_code,
            birth_municipality_code, marital_status_code, occupation_code, eye_colour_code, skin_tone_code,
            hair_colour_code, height_cm, address, guardians, payment)
        select id, 'GTM', 'GTM', '01', '0101', 'SOL', 'OC001', 'CAF', 'MOR', 'NEG', 160,
               '{"line": "Calle 1", "country": "GTM"}', '[]', '{"currency": "USD", "amount": "50.00"}'
          from passport_case
    """,
    "events": """
        insert into case_event (case_id, event, transition, from_state, to_state, started_at, at, user_id, username,
            site_code, booklet_number, data)
        select c.id, s.event, s.transition, s.before, s.after, c.created_at, c.created_at + s.step * interval '30 min',
               u.id, u.username, c.site_code, case when s.step > 3 then c.booklet_number end, '{}'
          from passport_case c
          join (values (1, 'RECEPCION', 'receive', null, 'ENROLADA'),
                       (2, 'REVISION', 'take', 'ENROLADA', 'ENROLADA'),
                       (3, 'AUTORIZACION', 'authorise', 'ENROLADA', 'AUTORIZADA'),
                       (4, 'IMPRESION', 'assign_booklet', 'AUTORIZADA', 'EN_IMPRESION'),
                       (5, 'IMPRESION_ACEPTADA', 'accept_print', 'EN_IMPRESION', 'IMPRESA'),
                       (6, 'ENTREGA', 'deliver', 'POST_IMPRESION', 'ENTREGADA'))
               s (step, event, transition, before, after)
            on s.step <= case c.state when 'ENROLADA' then 1 when 'VALIDACION_SECUNDARIA' then 2 when 'RECHAZADA' then 2
                         when 'AUTORIZADA' then 3 when 'EN_IMPRESION' then 4 when 'ENTREGADA' then 6 else 5 end,
               (select id, username from ab_user order by id limit 1) u
         order by c.id, s.step
    """,
    "booklets": """
        insert into booklet (number, category_code, state, warehouse_code, case_id, site_code, state_since,
            void_type_code, issued_on, expires_on)
        select 'F' || lpad(i::text, 7, '0'), 'ORDINARIA', state,
               case when state = 'NUEVA' then case when i % 4 = 0 then 'PROD-GUA' else 'CENTRAL' end end,
               case when state <> 'NUEVA' then made.id end, case when state <> 'NUEVA' then print_site_code end, now(),
               case when state = 'ANULADA' then (select min(code) from void_type) end, made.day,
               (made.day + interval '5 years')::date
          from (select i, c.id, c.print_site_code, c.created_at::date as day,
                       case when c.booklet_number is null then 'NUEVA' when c.state = 'EN_IMPRESION' then 'ASIGNADA'
                            when c.state in ('IMPRESA', 'POST_IMPRESION') then 'IMPRESA'
                            when c.state = 'CORREGIDA' then 'ANULADA' else 'ENTREGADA' end as state
                  from generate_series(1, :cases * 5 / 4) i
                  left join passport_case c on c.id = i) made
         order by i
    """,
    "personalisations": """
        insert into personalisation (case_id, booklet_number, site_code, assigned_by_id, assigned_at, issued_on,
            expires_on, mrz_line_1, mrz_line_2, seal_text, copies, printed_by_id, printed_at, checked_by_id,
            checked_at, delivered_by_id, delivered_at, voided_at)
        select c.id, c.booklet_number, c.print_site_code, u.id, c.created_at, c.created_at::date,
               (c.created_at + interval '5 years')::date, rpad('P<GTM' || c.first_surname, 44, '<'),
               rpad(c.booklet_number || '<0GTM', 44, '<'), 'GT1.' || md5(c.number) || md5(c.cui), 1, u.id, c.created_at,
               case when c.state in ('ENTREGADA', 'CORREGIDA', 'POST_IMPRESION') then u.id end,
               case when c.state in ('ENTREGADA', 'CORREGIDA', 'POST_IMPRESION') then c.created_at end,
               case when c.state in ('ENTREGADA', 'CORREGIDA') then u.id end,
               case when c.state in ('ENTREGADA', 'CORREGIDA') then c.state_since end,
               case when c.state = 'CORREGIDA' then c.state_since end
          from passport_case c, (select min(id) as id from ab_user) u
         where c.booklet_number is not null
         order by c.id
    """,
    "receipts": """
        with made as (
            insert into stock_document (id, kind, state, category_code, document_on, warehouse_code, created_by_id,
                created_at, closed_by_id, closed_at, version)
            overriding system value
            select 3000 + n, 'INGRESO', 'CERRADO', 'ORDINARIA', current_date, 'CENTRAL', u.id, now(), u.id, now(), 1
              from generate_series(0, (:cases * 5 / 4 - 1) / 100000) n, (select min(id) as id from ab_user) u
            returning id)
        insert into stock_line (document_id, category_code, prefix, first_serial, quantity)
        select id, 'ORDINARIA', 'F', (id - 3000) * 100000 + 1, least(100000, :cases * 5 / 4 - (id - 3000) * 100000)
          from made
    """,
    "stock movements": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select b.number, m.kind, m.source, m.target, now(), u.id, m.document, m.case_id
          from booklet b, (select min(id) as id from ab_user) u,
               lateral (values (1, 'INGRESO', 'SUPPLIER', 'WAREHOUSE:' || coalesce(b.warehouse_code, 'CENTRAL'),
                                3000 + (substr(b.number, 2)::int - 1) / 100000, null::bigint),
                               (2, 'EGRESO_PERSONALIZACION', 'WAREHOUSE:CENTRAL', 'PRINTING:' || b.site_code,
                                null, b.case_id))
               m (step, kind, source, target, document, case_id)
         where m.step = 1 or b.case_id is not null
         order by b.number, m.step
    """,
    "former cases": """
        insert into former_case (number, first_surname, second_surname, first_name, second_name, search_name, cui,
            birth_date, sex_code, booklet_number, passport_type_code, issued_on, expires_on, state, source, source_row)
        select 'H' || id, first_surname, second_surname, first_name, second_name, search_name, cui, birth_date,
               sex_code, 'A' || id, 'ORD', date '2015-01-01', date '2020-01-01', 'ENTREGADO', 'benchmark', id
          from passport_case where id % 4 = 0 order by id
    """,
    "enrolments": """
        insert into enrollment (id, status, body, site_code, created_by_id, created_at, updated_at, finalized_at,
            case_id)
        select enrollment_id, 'FINALIZED', jsonb_build_object(
                   'biographicData', jsonb_build_object('firstName', first_name, 'secondName', second_name,
                       'firstSurname', first_surname, 'secondSurname', second_surname, 'cui', cui,
                       'dateOfBirth', birth_date, 'gender', sex_code),
                   'requestData', jsonb_build_object('procedure', procedure_code, 'passportType', passport_type_code,
                       'paymentSlip', jsonb_build_object('number', payment_slip))),
               site_code, u.id, created_at, created_at, created_at, c.id
          from passport_case c, (select min(id) as id from ab_user) u where c.id % 4 = 1 order by c.id
    """,
    "looks": """
        insert into access_log (at, user_id, case_number, screen)
        select c.created_at, u.id, c.number, 'case'
          from passport_case c, (select min(id) as id from ab_user) u where c.id % 2 = 0 order by c.id
    """,
    "sequences": """
        select setval(pg_get_serial_sequence('passport_case', 'id'), :cases), setval('case_serial', :cases),
               setval(pg_get_serial_sequence('stock_document', 'id'), (select max(id) from stock_document))
    """,
}


#: Indexes that are no constraint's, and what makes them.
_INDEXES = """
    select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
     where i.indrelid = any(cast(:tables as regclass[]))
       and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype <> 'f') order by 1
""".replace("::", "\\:\\:")
_FOREIGN_KEYS = """
    select c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) from pg_constraint c
     where c.conrelid = any(cast(:tables as regclass[])) and c.contype = 'f' order by 1, 2
""".replace("::", "\\:\\:")


def fill(engine: Engine, cases: int, say: Callable[[str], None] = print) -> None:
    """Load `cases` cases (at most 7,000,000: booklets have seven digits) and their rows into a migrated database.

    Needs the tables' owner and an empty `passport_case`; ValueError when it is not empty. The same but for the clock.
    """
    if not 1000 <= cases <= 7_000_000:
        raise ValueError("from 1,000 to 7,000,000 cases")
    with engine.begin() as connection:
        if connection.scalar(text("select exists (select from passport_case)")):
            raise ValueError("this database has cases already")
        for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '128MB'"):
            connection.execute(text(f"set local {setting}"))
        connection.execute(text("select setseed(0.5)"))
        again = _stripped(connection)
        for name, statement in STEPS.items():
            _timed(connection, name, statement, say, _values(cases))
        for name, definition in again:
            _timed(connection, name, definition, say)
        _switch_triggers(connection, "enable")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _timed(connection, "statistics", "vacuum analyze", say)


def _values(cases: int) -> tuple[BindParameter[Any], ...]:
    return (
        bindparam("cases", cases, BigInteger),
        bindparam("skew", SKEW, Float),
        bindparam("surnames", SURNAMES, ARRAY(Text)),
        bindparam("given", GIVEN, ARRAY(Text)),
    )


def _stripped(connection: Connection) -> list[tuple[str, str]]:
    """Take triggers, foreign keys and indexes off TABLES; returns names and statements that make the latter again."""
    _switch_triggers(connection, "disable")
    indexes = [(name, definition) for name, definition in connection.execute(text(_INDEXES), {"tables": TABLES})]
    keys = [tuple(row) for row in connection.execute(text(_FOREIGN_KEYS), {"tables": TABLES})]
    for table, name, _definition in keys:
        connection.execute(text(f"alter table {table} drop constraint {name}"))
    for name, _definition in indexes:
        connection.execute(text(f"drop index {name}"))
    return [*indexes, *((name, f"alter table {table} add constraint {name} {rule}") for table, name, rule in keys)]


def _switch_triggers(connection: Connection, how: str) -> None:
    for table in TABLES:
        connection.execute(text(f"alter table {table} {how} trigger user"))


def _timed(
    connection: Connection,
    name: str,
    statement: str,
    say: Callable[[str], None],
    values: tuple[BindParameter[Any], ...] = (),
) -> None:
    start = time.perf_counter()
    prepared = text(statement.replace("::", "\\:\\:"))
    rows = connection.execute(prepared.bindparams(*(value for value in values if f":{value.key}" in statement)))
    counted = f"{rows.rowcount:>12,}" if rows.rowcount > 0 and not rows.returns_rows else " " * 12
    say(f"{name:<40}{counted}{time.perf_counter() - start:9.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: $DATABASE_URL")
    options = parser.parse_args()
    if not options.url:
        parser.error("say which database: --url or DATABASE_URL")
    engine = make_engine(options.url)
    migrate(engine)
    fill(engine, options.cases)


if __name__ == "__main__":
    main()
