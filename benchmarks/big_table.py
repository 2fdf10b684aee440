"""Fills a database with as many invented cases as ten years bring, by set-based SQL, for benchmarks and plan tests.

Every row is what the product itself would have written, in bulk: while loading, triggers are off, and indexes and
foreign keys are away; they are made again afterwards, so that what was loaded is checked. The newest cases are the
open ones; Guatemala (GUA) has a queue of a twentieth of all cases to decide and of a fortieth to print: the traps of
SPEC's sizing, 100,000 and 50,000 of 2,000,000.

    python -m benchmarks.big_table --cases 2000000 --url postgresql+psycopg://postgres@127.0.0.1/big
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Engine, Float, Text, bindparam

from benchmarks.loading import command, load
from benchmarks.stock_steps import BOOKLETS, DOCUMENTS, MOVEMENTS, PEOPLE, STOCK_TABLES, TURNOVER

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
TABLES = ["passport_case", "applicant", "case_event", "former_case", "enrollment", "access_log", *STOCK_TABLES]

#: A site's booklets follow one another, as they were sent to it.
CASES = {
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
               case when used
                    then 'F' || lpad((row_number() over (partition by used order by p.prints_at, i))::text, 7, '0') end
          from (select *, state in ('ENTREGADA', 'CORREGIDA', 'POST_IMPRESION', 'IMPRESA', 'EN_IMPRESION') as used
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
                  from generate_series(1, :cases) i) drawn) made
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
}

#: All booklets were received and sent before the first case: one in five is left, a quarter of those in Guatemala.
PLAN = {
    "plan of the booklets": """
        create temporary table planned on commit drop as
        select 'F' || lpad(serial::text, 7, '0') as number, 'F' as prefix, serial, 'ORDINARIA' as category,
               'CENTRAL' as received_in, 3000 + (serial - 1) / 100000 as receipt, warehouse,
               case when warehouse <> 'CENTRAL'
                    then 10000 + dense_rank() over (order by warehouse, serial / 2000) end as transfer,
               first - interval '20 days' as received_at,
               case when warehouse <> 'CENTRAL' then first - interval '15 days' end as sent_at,
               case when warehouse <> 'CENTRAL' then first - interval '14 days' end as arrived_at,
               null::int as issue, null::timestamptz as issued_at, site, case_id, created_at as assigned_at,
               case when state in ('ENTREGADA', 'CORREGIDA') then state_since end as delivered_at,
               case when state = 'CORREGIDA' then 'COR' end as void_type,
               case when state = 'CORREGIDA' then state_since end as voided_at, null::int as destruction,
               null::timestamptz as destroyed_at,
               case state when 'ENTREGADA' then 'DELIVERED' when 'CORREGIDA' then 'OUT' when 'EN_IMPRESION'
                    then 'ASSIGNED' when 'BLANK' then 'BLANK' else 'PRINTED' end as fate
          from (select substr(c.booklet_number, 2)::int as serial, w.code as warehouse, c.print_site_code as site,
                       c.id as case_id, c.state, c.created_at, c.state_since
                  from passport_case c join warehouse w on w.site_code = c.print_site_code
                 where c.booklet_number is not null
                union all
                select n, case when n - used <= (:cases * 5 / 4 - used) / 4 then 'PROD-GUA' else 'CENTRAL' end, null,
                       null, 'BLANK', null, null
                  from (select count(booklet_number) as used from passport_case) c,
                       generate_series(used + 1, :cases * 5 / 4) n) b,
               (select min(created_at) as first from passport_case) f
    """,
}

#: One case in four is also known to the former system, in four was sent as an enrolment, in two was looked at lately.
ELSEWHERE = {
    "former cases": """
        insert into former_case (number, first_surname, second_surname, first_name, second_name, search_name, cui,
            birth_date, sex_code, booklet_number, passport_type_code, issued_on, expires_on, state, source, source_row)
        select 'H' || id, first_surname, second_surname, first_name, second_name, search_name, cui, birth_date,
               sex_code, 'A' || id, 'ORD', date '2015-01-01', date '2020-01-01', 'ENTREGADO', 'benchmark', id
          from passport_case where id % 4 = 0 order by id
    """,
    "words of names": """
        insert into name_word (word)
        select distinct lexeme
          from (select unnest(string_to_array(search_name, ' ')) as part from passport_case
                union select unnest(string_to_array(search_name, ' ')) from former_case) parts,
               unnest(tsvector_to_array(to_tsvector('simple', part))) lexeme
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
        select setval(pg_get_serial_sequence('passport_case', 'id'), :cases), setval('case_serial', :cases)
    """,
}

STEPS = PEOPLE | CASES | PLAN | BOOKLETS | DOCUMENTS | MOVEMENTS | TURNOVER | ELSEWHERE


def fill(engine: Engine, cases: int, say: Callable[[str], None] = print) -> None:
    """Load `cases` cases (at most 7,000,000: booklets have seven digits) and their rows into a migrated database.

    Needs the tables' owner; ValueError when there are cases or booklets already. The same but for the clock.
    """
    if not 1000 <= cases <= 7_000_000:
        raise ValueError("from 1,000 to 7,000,000 cases")
    load(engine, TABLES, STEPS, _values(cases), say)


def _values(cases: int) -> tuple[BindParameter[Any], ...]:
    return (
        bindparam("cases", cases, BigInteger),
        bindparam("skew", SKEW, Float),
        bindparam("surnames", SURNAMES, ARRAY(Text)),
        bindparam("given", GIVEN, ARRAY(Text)),
    )


if __name__ == "__main__":
    command(__doc__, "cases", 20_000, fill)
