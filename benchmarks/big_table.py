"""Fills a database with as many invented cases as ten years bring, by set-based SQL, for benchmarks and plan tests.

Every row is what the product itself would have written, in bulk: while loading, triggers are off, and indexes and
foreign keys are away; they are made again afterwards, so that what was loaded is checked. The newest cases are the
open ones; Guatemala (GUA) has a queue of a twentieth of all cases to decide and of a fortieth to print: the traps of
SPEC's sizing, 100,000 and 50,000 of 2,000,000.

    python -m benchmarks.big_table --cases 2000000 --url postgresql+psycopg://postgres@127.0.0.1/big
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Engine, Float, Integer, Text, bindparam

from benchmarks.loading import Stage, command, load
from benchmarks.stock_steps import BOOKLETS, DOCUMENTS, MOVEMENTS, PEOPLE, TURNOVER

#: Places in a list are drawn with `floor(size * random() ^ SKEW)`: the first of 300 surnames stands on 3 % of the rows.
SKEW = 1.63
#: Booklets of one prefix: all that seven digits give in whole receipts of 100,000.
SERIES = 9_900_000
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
#: Largest first.
TABLES = (
    "case_event stock_movement passport_case personalisation applicant booklet enrollment former_case access_log"
    " stock_turnover stock_line stock_document stock_arrival stock_difference"
).split()

#: Narrow, so that what must be sorted is small. A site's booklets follow one another, as they were sent to it.
DRAWN = {
    "sites": """
        create unlogged table loading.place as
        select row_number() over (order by code <> 'GUA', code) - 1 as n, count(*) over () as places, code,
               case when prints then code else coalesce(prints_at_code, code) end as prints_at
          from site where active and enrols
    """,
    "cases drawn": """
        create unlogged table loading.drawn as
        select i, at, state, site, prints_at, serial, 'F' || lpad(serial::text, 7, '0') as booklet
          from (select i, at, state, p.code as site, p.prints_at, case when used
                       then row_number() over (partition by used order by p.prints_at, i) end as serial
                  from (select *, state in ('ENTREGADA', 'CORREGIDA', 'POST_IMPRESION', 'IMPRESA', 'EN_IMPRESION')
                               as used
                  from (select i, now() - interval '1 hour' - (:cases - i) * interval '32 seconds' as at,
                       case when i > :cases - :cases / 20 then 'ENROLADA'
                            when i > :cases - :cases / 20 - :cases / 40 then 'AUTORIZADA'
                            when i <= :cases * 0.88 then
                                 case i % 100 when 1 then 'RECHAZADA' when 2 then 'CORREGIDA' else 'ENTREGADA' end
                            else (array['ENTREGADA', 'ENROLADA', 'AUTORIZADA', 'POST_IMPRESION', 'IMPRESA',
                                        'VALIDACION_SECUNDARIA', 'EN_IMPRESION'])[1 + greatest(0, i % 13 - 6)] end
                            as state,
                       case when i > :cases - :cases / 20 - :cases / 40 then 0
                            else floor(power(random(), 1.5) * (select places from place limit 1)) end as place
                  from generate_series(1, :cases) i) g) d
                  join place p on p.n = d.place) n
         order by i
    """,
    "statistics of the cases drawn": "analyze drawn",
}

CASES = {
    "cases": """
        insert into passport_case (id, number, enrollment_id, state, site_code, print_site_code, mobile, station,
            operator, procedure_code, passport_type_code, validity_years, priority, enrolled_at, created_at,
            state_since, first_name, second_name, first_surname, second_surname, search_name, cui, birth_date, sex_code,
            identification_type_code, identification_number, payment_slip, previous_booklet, booklet_number)
        overriding system value
        select i, site || lpad(i::text, 9, '0'), 'BIG-' || i, state, site, prints_at, i % 50 = 0,
               site || '-E01', 'capturista', case when i % 10 = 0 then 'RENOVACION' else 'NUEVO' end, 'ORD', 5,
               case when i % 50 = 0 then 1 when i % 12 = 0 then 2 else 3 end, at, at, at + interval '3 hours',
               n1, n2, s1, s2, upper(s1 || ' ' || s2 || ' ' || n1 || ' ' || n2), cui,
               '19' || 50 + i % 50 || '-05-' || 10 + i % 19, case when i % 2 = 0 then 'F' else 'M' end, 'CUI', cui,
               (100000000 + i)::text, case when i % 10 = 0 then 'A' || i / 2 end, booklet
          from (select *, 60000000 + case when i % 10 = 0 then i / 2 else i end || '00101' as cui,
                       (:surnames)[1 + floor(power(random(), :skew) * cardinality(:surnames))::int] as s1,
                       (:surnames)[1 + floor(power(random(), :skew) * cardinality(:surnames))::int] as s2,
                       (:given)[1 + floor(power(random(), :skew) * cardinality(:given))::int] as n1,
                       (:given)[1 + floor(power(random(), :skew) * cardinality(:given))::int] as n2
                  from drawn) named
    """,
}
APPLICANTS = {
    "applicants": """
        insert into applicant (case_id, nationality_code, birth_country_code, birth_department_code,
            birth_municipality_code, marital_status_code, occupation_code, eye_colour_code, skin_tone_code,
            hair_colour_code, height_cm, address, guardians, payment)
        select i, 'GTM', 'GTM', '01', '0101', 'SOL', 'OC001', 'CAF', 'MOR', 'NEG', 160,
               '{"line": "Calle 1", "country": "GTM"}', '[]', '{"currency": "USD", "amount": "50.00"}'
          from drawn
    """,
}
#: Each case's follow one another.
EVENTS = {
    "events": """
        insert into case_event (case_id, event, transition, from_state, to_state, started_at, at, user_id, username,
            site_code, booklet_number, data)
        select c.i, s.event, s.transition, s.before, s.after, c.at, c.at + s.later, c.user_id, c.username, c.site,
               case when s.step > 3 then c.booklet end, '{}'
          from (select i, at, site, booklet, u.id as user_id, u.username,
                       case state when 'ENROLADA' then 1 when 'VALIDACION_SECUNDARIA' then 2 when 'RECHAZADA' then 2
                            when 'AUTORIZADA' then 3 when 'EN_IMPRESION' then 4 when 'IMPRESA' then 5
                            when 'POST_IMPRESION' then 6 else 7 end as steps
                  from drawn, (select id, username from ab_user order by id limit 1) u offset 0) c
         cross join lateral (
               select step, event, transition, before, after, step * interval '30 min' as later
                 from (values (1, 'RECEPCION', 'receive', null, 'ENROLADA'),
                              (2, 'REVISION', 'take', 'ENROLADA', 'ENROLADA'),
                              (3, 'AUTORIZACION', 'authorise', 'ENROLADA', 'AUTORIZADA'),
                              (4, 'IMPRESION', 'assign_booklet', 'AUTORIZADA', 'EN_IMPRESION'),
                              (5, 'IMPRESION_ACEPTADA', 'accept_print', 'EN_IMPRESION', 'IMPRESA'),
                              (6, 'DOCUCHECK', 'accept_quality', 'IMPRESA', 'POST_IMPRESION'),
                              (7, 'ENTREGA', 'deliver', 'POST_IMPRESION', 'ENTREGADA'))
                      v(step, event, transition, before, after)
                where step <= c.steps offset 0) s
    """,
}
PERSONALISATIONS = {
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
    """,
}

#: All booklets were received and sent before the first case: one in five is left, a quarter of those in Guatemala.
#: A series gives 9,900,000 numbers, whole receipts; only blanks are of a second one. Transfers are numbered by two
#: thousands of booklets and by warehouse: both only grow.
PLAN = {
    "plan of the booklets": """
        create unlogged table loading.planned as
        select prefix || lpad(serial::text, 7, '0') as number, prefix, serial, category,
               'CENTRAL' as received_in, 3000 + (n - 1) / 100000 as receipt, warehouse,
               case when warehouse <> 'CENTRAL' then 10000 + n / 2000 + place end as transfer,
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
          from (select *, (n - 1) % :series + 1 as serial,
                       (array['F', 'S'])[1 + (n - 1) / :series] as prefix,
                       (array['ORDINARIA', 'OFICIAL'])[1 + (n - 1) / :series] as category
                  from (select serial::int as n, w.code as warehouse, w.place, prints_at as site, i as case_id, state,
                               at as created_at, at + interval '3 hours' as state_since
                          from drawn join (select *, dense_rank() over (order by site_code)::int as place
                                             from warehouse) w on w.site_code = prints_at
                         where serial is not null
                        union all
                        select n, case when n - used <= (:booklets - used) / 4 then 'PROD-GUA' else 'CENTRAL' end,
                               1000, null, null, 'BLANK', null, null
                          from (select count(serial)::int as used from drawn) c,
                               generate_series(used + 1, :booklets) n
                         order by n) a) b,
               (select min(at) as first from drawn) f
    """,
    "statistics of the plan": "analyze planned",
}

#: One case in four is also known to the former system, in four was sent as an enrolment, in two was looked at lately.
FORMER = {
    "former cases": """
        insert into former_case (number, first_surname, second_surname, first_name, second_name, search_name, cui,
            birth_date, sex_code, booklet_number, passport_type_code, issued_on, expires_on, state, source, source_row)
        select 'H' || id, first_surname, second_surname, first_name, second_name, search_name, cui, birth_date,
               sex_code, 'A' || id, 'ORD', date '2015-01-01', date '2020-01-01', 'ENTREGADO', 'benchmark', id
          from passport_case where id % 4 = 0
    """,
}
ENROLMENTS = {
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
          from passport_case c, (select min(id) as id from ab_user) u where c.id % 4 = 1
    """,
}
WORDS = {
    "words of names": """
        insert into name_word (word)
        select distinct lexeme
          from (select distinct unnest(string_to_array(search_name, ' ')) as part from passport_case) parts,
               unnest(tsvector_to_array(to_tsvector('simple', part))) as lexeme
    """,
}
LOOKS = {
    "looks": """
        insert into access_log (at, user_id, case_number, screen)
        select at, u.id, site || lpad(i::text, 9, '0'), 'case'
          from drawn, (select min(id) as id from ab_user) u where i % 2 = 0
    """,
}
SEQUENCES = {
    "sequences": """
        select setval(pg_get_serial_sequence('passport_case', 'id'), :cases), setval('case_serial', :cases)
    """,
}

#: What reads names comes after the cases; lanes that take long are first.
STAGES: tuple[Stage, ...] = (
    [PEOPLE | DRAWN],
    [EVENTS, PLAN | BOOKLETS | DOCUMENTS, CASES],
    [MOVEMENTS | TURNOVER, PERSONALISATIONS, APPLICANTS, ENROLMENTS, FORMER, WORDS, LOOKS, SEQUENCES],
)


def fill(engine: Engine, cases: int, say: Callable[[str], None] = print) -> None:
    """Load `cases` cases (at most 10,000,000: booklets have seven digits) and their rows into a migrated database.

    Needs the tables' owner; ValueError when there are cases or booklets already. The same but for the clock.
    """
    if not 1000 <= cases <= 10_000_000:
        raise ValueError("from 1,000 to 10,000,000 cases")
    load(engine, TABLES, STAGES, _values(cases), say)


def _values(cases: int) -> tuple[BindParameter[Any], ...]:
    return (
        bindparam("cases", cases, BigInteger),
        bindparam("booklets", cases * 6 // 5, Integer),
        bindparam("series", SERIES, Integer),
        bindparam("skew", SKEW, Float),
        bindparam("surnames", SURNAMES, ARRAY(Text)),
        bindparam("given", GIVEN, ARRAY(Text)),
    )


if __name__ == "__main__":
    command(__doc__, "cases", 20_000, fill)
