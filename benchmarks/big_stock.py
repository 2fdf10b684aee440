"""Fills a database with ten years of booklets, 15 million and 60 million movements, by set-based SQL, to show plans.

Lots come to CENTRAL, and three in eight straight to Guatemala's warehouse (PROD-GUA); CENTRAL sends them on in
transfers of one to five hundredths of a lot to the 22 warehouses that print. A transfer is printed in its order over
three lots' time, so that every warehouse prints every day, of several categories; one booklet in a hundred is spoiled
in printing and destroyed the year after, another is lost by its holder. About a million are blank: eight lots of 150
in CENTRAL, two in the warehouses, of which some are on their way and some in a printer's hands. Each booklet that was
used has a case and a personalisation, in the last year an event too; of the rest of a case there is nothing here:
`benchmarks.big_table` brings that.

    python -m benchmarks.big_stock --booklets 15000000 --url postgresql+psycopg://postgres@127.0.0.1/big_stock
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Engine, Text, bindparam

from benchmarks.big_table import GIVEN, SURNAMES
from benchmarks.loading import Stage, command, load
from benchmarks.stock_steps import BOOKLETS, DOCUMENTS, MOVEMENTS, PEOPLE, TURNOVER

LOTS, LARGEST_LOT = 150, 100_000
#: Largest first.
TABLES = (
    "stock_movement passport_case personalisation booklet case_event stock_turnover stock_line stock_document"
    " stock_arrival stock_difference"
).split()

#: A lot's prefix is F four times in six: two thirds of 15 million are the ten million numbers that F has.
LOT = {
    "warehouses": """
        create unlogged table loading.printing as
        select row_number() over (order by code <> 'PROD-GUA', code) - 1 as n, count(*) over ()::int as places, code,
               site_code
          from warehouse where site_code is not null and active
    """,
    "lots": """
        create unlogged table loading.lot as
        select n, prefix, c.code as category, rank * :lot as first_serial, 3000 + n * 200 as receipt, use,
               case when use = 'USED' and n % 8 < 3 then 'PROD-GUA' else 'CENTRAL' end as received_in,
               prints_from, printed_in,
               case when use = 'CENTRAL' then now() - interval '60 days' + (n - :used) * interval '5 days'
                    else prints_from - interval '60 days' end as received_at
          from (select n, case n % 6 when 2 then 'S' when 5 then 'D' else 'F' end as prefix,
                       case n % 6 when 2 then n / 6 when 5 then n / 6 else n / 6 * 4 + n % 6 - n % 6 / 3 end as rank,
                       case when n < :used then 'USED' when n < :used + 2 then 'PROD' else 'CENTRAL' end as use,
                       now() - (:used + 2 - n) * interval '3650 days' / :used as prints_from,
                       3 * interval '3650 days' / :used as printed_in
                  from generate_series(0, :lots - 1) n) l
          join stock_category c using (prefix)
    """,
}

#: `i` counts the booklets, `o` those of a lot, `u` its hundredths, `part` its transfers, `share` how far through one.
PLAN = {
    "plan of the booklets": """
        create unlogged table loading.planned as
        select prefix || lpad(serial::text, 7, '0') as number, prefix, serial, category, received_in, receipt,
               received_at, warehouse, transfer, sent_at, sent_at + interval '2 days' as arrived_at,
               case when fate = 'HANDS' then transfer + 100 end as issue,
               case when fate = 'HANDS' then sent_at + interval '3 days' end as issued_at,
               case when use = 'USED' then site end as site,
               case when use = 'USED' then i + case when fate in ('SPOILED', 'DESTROYED') then 0 else 1 end end
                   as case_id,
               assigned_at,
               case when fate in ('DELIVERED', 'OUT') then assigned_at + interval '3 days' end as delivered_at,
               case fate when 'OUT' then 'EXT' when 'SPOILED' then 'IMP' when 'DESTROYED' then 'IMP' end as void_type,
               case when fate = 'OUT' then assigned_at + interval '30 days'
                    when fate in ('SPOILED', 'DESTROYED') then assigned_at + interval '1 hour' end as voided_at,
               case when fate = 'DESTROYED' then 100000 + year * 100 + place end as destruction,
               case when fate = 'DESTROYED' then destroyed_at end as destroyed_at, fate
          from (select *, case when use = 'CENTRAL' then 'BLANK'
                     when use = 'PROD' and n > :used and part >= 28 then 'TRANSIT'
                     when use = 'PROD' and n = :used and u % 15 = 14 and o * 500 / :lot % 5 = 0 then 'HANDS'
                     when use = 'PROD' then 'BLANK'
                     when i % 100 = 17 and destroyed_at < now() - interval '1 day' then 'DESTROYED'
                     when i % 100 = 17 and assigned_at < now() - interval '1 day' then 'SPOILED'
                     when assigned_at > now() - interval '6 hours' then 'ASSIGNED'
                     when assigned_at > now() - interval '3 days' then 'PRINTED'
                     when i % 100 = 3 and assigned_at < now() - interval '31 days' then 'OUT'
                     else 'DELIVERED' end as fate
          from (select s.*, p.n as place, coalesce(p.code, 'CENTRAL') as warehouse, p.site_code as site,
                       extract(year from assigned_at)::int as year,
                       (date_trunc('year', assigned_at) + interval '1 year 45 days') as destroyed_at
          from (select i, o, u, l.*, first_serial + o as serial, part,
                       case when received_in = 'CENTRAL' and use <> 'CENTRAL' then receipt + 1 + part end as transfer,
                       case when received_in <> 'CENTRAL' or use = 'CENTRAL' then null
                            when use = 'PROD' then now() - interval '20 days' + part * interval '12 hours'
                            else prints_from - interval '30 days' + part * interval '12 hours' end as sent_at,
                       case when use = 'USED' then prints_from + printed_in
                            * case when received_in = 'CENTRAL' then share else o::float / :lot end end as assigned_at,
                       case when use = 'CENTRAL' then null when received_in <> 'CENTRAL' then 0
                            else (l.n * 7 + part * 5) % (select places from printing limit 1) end as goes_to
          from (select i, i / :lot as n, o, u, u / 15 * 5 + k as part,
                       (o * 100::float / :lot - u / 15 * 15 - k * (k + 1) / 2) / (k + 1) as share
                  from (select *, case when u % 15 < 1 then 0 when u % 15 < 3 then 1 when u % 15 < 6 then 2
                                       when u % 15 < 10 then 3 else 4 end as k
                          from (select i, i % :lot as o, i % :lot * 100 / :lot as u
                                  from generate_series(0, :booklets - 1) i) g) g) c
          join lot l using (n)) s
          left join printing p on p.n = s.goes_to) d) f
    """,
    "plan's statistics": "analyze planned",
}

CASES = {
    "cases": """
        insert into passport_case (id, number, state, site_code, print_site_code, mobile, station, operator,
            procedure_code, passport_type_code, validity_years, priority, enrolled_at, created_at, state_since,
            first_name, second_name, first_surname, second_surname, search_name, cui, birth_date, sex_code,
            identification_type_code, identification_number, booklet_number)
        overriding system value
        select case_id, site || lpad(case_id::text, 9, '0'),
               case fate when 'ASSIGNED' then 'EN_IMPRESION' when 'PRINTED' then 'IMPRESA' else 'ENTREGADA' end, site,
               site, false, site || '-E01', 'capturista', 'NUEVO',
               case prefix when 'F' then 'ORD' when 'S' then 'OFI' else 'DIP' end, 5, 3, assigned_at, assigned_at,
               coalesce(delivered_at, assigned_at), n1, n2, s1, s2,
               upper(s1 || ' ' || s2 || ' ' || n1 || ' ' || n2), lpad((60000000 + case_id)::text, 8, '0') || '00101',
               '1980-05-17', 'F', 'CUI', lpad((60000000 + case_id)::text, 8, '0') || '00101', number
          from (select *, (:given)[1 + case_id % 120] as n1, (:given)[1 + case_id / 7 % 120] as n2,
                       (:surnames)[1 + case_id / 3 % 280] as s1, (:surnames)[1 + case_id / 11 % 280] as s2
                  from planned where case_id is not null and fate not in ('SPOILED', 'DESTROYED')) p
    """,
    "events": """
        insert into case_event (case_id, event, transition, from_state, to_state, started_at, at, user_id, username,
            site_code, booklet_number, data)
        select case_id, 'IMPRESION', 'assign_booklet', 'AUTORIZADA', 'EN_IMPRESION', assigned_at, assigned_at, one,
               'bodega1', site, number, '{}'
          from planned, who where assigned_at > now() - interval '1 year' and case_id is not null
    """,
    "personalisations": """
        insert into personalisation (case_id, booklet_number, site_code, assigned_by_id, assigned_at, issued_on,
            expires_on, mrz_line_1, mrz_line_2, seal_text, copies, printed_by_id, printed_at, checked_by_id,
            checked_at, delivered_by_id, delivered_at, voided_at)
        select case_id, number, site, one, assigned_at, assigned_at::date, (assigned_at + interval '5 years')::date,
               rpad('P<GTM', 44, '<'), rpad(number || '<0GTM', 44, '<'), 'GT1.' || md5(number), 1,
               case when fate <> 'ASSIGNED' then one end, case when fate <> 'ASSIGNED' then assigned_at end,
               case when delivered_at is not null then other end, delivered_at,
               case when delivered_at is not null then other end, delivered_at, voided_at
          from planned, who where case_id is not null
    """,
    "next case": """
        select setval(pg_get_serial_sequence('passport_case', 'id'), :booklets), setval('case_serial', :booklets)
    """,
}

STAGES: tuple[Stage, ...] = ([PEOPLE | LOT | PLAN], [MOVEMENTS, CASES, BOOKLETS | DOCUMENTS], [TURNOVER])


def fill(engine: Engine, booklets: int, say: Callable[[str], None] = print) -> None:
    """Load `booklets` booklets (15,000 to 15,000,000) with what moved them into a migrated database without any."""
    if not LOTS * 100 <= booklets <= LOTS * LARGEST_LOT:
        raise ValueError("from 15,000 to 15,000,000 booklets")
    lot = -(-booklets // LOTS)
    lots = -(-booklets // lot)
    numbers = {"booklets": booklets, "lot": lot, "lots": lots, "used": lots - 10}
    values: list[BindParameter[Any]] = [bindparam(name, value, BigInteger) for name, value in numbers.items()]
    values += [bindparam("surnames", SURNAMES, ARRAY(Text)), bindparam("given", GIVEN, ARRAY(Text))]
    load(engine, TABLES, STAGES, values, say)


if __name__ == "__main__":
    command(__doc__, "booklets", 20_000, fill)
