"""The ledger recomputed: every balance, place, document, reversal and assignment, from the movements alone.

The database keeps all this true as it is written; here it is proved again, without the triggers, from what is stored.
Each check is one statement, so that it sees one moment; it sorts and hashes on disk, so that sixty million movements
need no more memory than sixty.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.booklets import PLACE_OF_STATE
from workflow.stock.ledger import KINDS

#: What the checks read: movements with their day in Guatemala, and each one's two sides by account and owner.
READ = """
    with entry as (select m.*, (at at time zone 'America/Guatemala')::date as day from stock_movement m),
    side as (
        select booklet_number, kind, (at at time zone 'America/Guatemala')::date as day, place, put, taken,
               split_part(place, ':', 1) as account,
               case when place like 'TRANSIT:%' then '' else split_part(place, ':', 2) end as owner
          from (select booklet_number, kind, at, to_place as place, 1 as put, 0 as taken from stock_movement
                union all select booklet_number, kind, at, from_place, 0, 1 from stock_movement) s)
"""


@dataclass(frozen=True)
class Fault:
    """Something that is not as the ledger says: what, of which booklet, place, document or case, on which day."""

    what: str
    of: str
    on: dt.date | None
    expected: str
    found: str

    def __str__(self) -> str:
        day = f" on {self.on.isoformat()}" if self.on else ""
        return f"{self.what}: {self.of}{day}: expected {self.expected}, found {self.found}"


#: Each check: the fault it names, and a query of `of`, day, expected, found.
CHECKS: dict[str, str] = {}

CHECKS["A movement does not start where the last one ended"] = """
    select booklet_number, day, ended, from_place
      from (select booklet_number, day, from_place,
                   coalesce(lag(to_place) over (partition by booklet_number order by id), 'SUPPLIER') as ended
              from entry) m
     where from_place <> ended
"""
CHECKS["A kind of movement does not lead there"] = """
    select kind, null, 'a declared pair', source || ' to ' || target || ', ' || count(*)
      from (select kind, split_part(from_place, ':', 1) as source, split_part(to_place, ':', 1) as target
              from stock_movement) m
     where (kind, source, target) not in (select * from unnest(
               cast(:kinds as text[]), cast(:sources as text[]), cast(:targets as text[])))
     group by kind, source, target
"""
CHECKS["A booklet is in more or less than one place"] = """
    select booklet_number || ' at ' || place, null, '0 or 1', sum(put - taken)::text
      from side group by booklet_number, place
    having sum(put - taken) not between case place when 'SUPPLIER' then -1 else 0 end
                                    and case place when 'SUPPLIER' then 0 else 1 end
"""
CHECKS["A booklet is not as its ledger has it"] = """
    select number, null, told, state || ' ' || said
      from (select booklet_number as number, place, concat_ws(' ', place, warehouse,
                   case when place ~ '^(VOIDED|OUTSIDE|DESTROYED)' then void_type end, 'case ' || case_id) as told
              from (select booklet_number, (array_agg(to_place order by id desc))[1] as place,
                           (array_agg(split_part(to_place, ':', 2) order by id desc)
                               filter (where to_place ~ '^(WAREHOUSE|HANDS|VOIDED):'))[1] as warehouse,
                           (array_agg(void_type_code order by id desc)
                               filter (where void_type_code is not null))[1] as void_type,
                           (array_agg(case_id order by id desc) filter (where case_id is not null))[1] as case_id
                      from stock_movement group by booklet_number
                    union all
                    select number, 'SUPPLIER', null, null, null from booklet b
                     where not exists (select from stock_movement m where m.booklet_number = b.number)) m) l
      join (select number, state, concat_ws(' ', place, warehouse_code, void_type_code, 'case ' || case_id) as said
              from booklet) b using (number)
     where told <> said or not (PLACE_OF_STATE)
""".replace("PLACE_OF_STATE", PLACE_OF_STATE)
CHECKS["The turnover of a day is not what was moved"] = """
    select concat_ws(' ', account, nullif(owner, ''), category_code, kind), day,
           '+' || coalesce(m.put, 0) || ' -' || coalesce(m.taken, 0),
           '+' || coalesce(t.put, 0) || ' -' || coalesce(t.taken, 0)
      from (select account, owner, category_code, kind, day, sum(put) as put, sum(taken) as taken
              from side join booklet on number = booklet_number group by 1, 2, 3, 4, 5) m
      full join (select account::text, owner::text, category_code, kind, turnover_on as day,
                        sum(put) as put, sum(taken) as taken
                   from stock_turnover where span = 'DAY' group by 1, 2, 3, 4, 5) t
           using (account, owner, category_code, kind, day)
     where (m.put, m.taken) is distinct from (t.put, t.taken)
"""
CHECKS["The turnover of a month is not that of its days"] = """
    select concat_ws(' ', account, nullif(owner, ''), category_code, kind), on_month,
           '+' || coalesce(d.put, 0) || ' -' || coalesce(d.taken, 0),
           '+' || coalesce(m.put, 0) || ' -' || coalesce(m.taken, 0)
      from (select account, owner, category_code, kind, date_trunc('month', turnover_on)::date as on_month,
                   sum(put) as put, sum(taken) as taken
              from stock_turnover where span = 'DAY' group by 1, 2, 3, 4, 5) d
      full join (select account, owner, category_code, kind, turnover_on as on_month, sum(put) as put,
                        sum(taken) as taken
                   from stock_turnover where span = 'MONTH' group by 1, 2, 3, 4, 5) m
           using (account, owner, category_code, kind, on_month)
     where (d.put, d.taken) is distinct from (m.put, m.taken)
"""
CHECKS["Receipts less issues are not the booklets on hand"] = """
    select concat_ws(' ', account, nullif(owner, ''), category_code), null,
           coalesce(t.n, 0)::text, coalesce(b.n, 0)::text
      from (select account::text, owner::text, category_code, sum(put - taken) as n
              from stock_turnover where span = 'MONTH' group by 1, 2, 3) t
      full join (select account, owner, category_code, sum(n) as n
                   from (select split_part(place, ':', 1) as account, category_code, 1 as n,
                                case when place like 'TRANSIT:%' then '' else split_part(place, ':', 2) end as owner
                           from booklet
                         union all select 'SUPPLIER', category_code, -1, '' from booklet) b
                  group by 1, 2, 3) b using (account, owner, category_code)
     where coalesce(t.n, 0) <> coalesce(b.n, 0)
"""
CHECKS["On a past day there was less than nothing on hand"] = """
    select concat_ws(' ', account, nullif(owner, ''), category_code), day, '0 or more', n::text
      from (select account, owner, category_code, turnover_on as day, sum(sum(put - taken)) over (
                       partition by account, owner, category_code order by turnover_on) as n
              from stock_turnover where span = 'DAY' and account <> 'SUPPLIER' group by 1, 2, 3, 4) t
     where n < 0
"""
CHECKS["A document did not move what its lines say"] = """
    select concat_ws(' ', d.kind, d.id, moved), d.document_on,
           case when d.state <> 'CERRADO' then 0 else coalesce(l.n, 0) end::text,
           concat_ws(' times ', coalesce(m.n, 0), case when m.n > m.booklets then 'the same' end)
      from (select document_id, kind as moved, count(*) as n, count(distinct booklet_number) as booklets
              from stock_movement where document_id is not null group by 1, 2) m
      full join (select d.id as document_id, k.moved from stock_document d
                   join (values ('INGRESO', 'INGRESO'), ('TRASLADO', 'TRASLADO_SALE'), ('SALIDA', 'SALIDA'),
                                ('DEVOLUCION', 'REINGRESO_SALIDA'), ('DESTRUCCION', 'DESTRUCCION'),
                                ('REVERSION', 'REVERSION')) k(kind, moved) on k.kind = d.kind) e
                using (document_id, moved)
      join stock_document d on d.id = document_id
      left join stock_document u on u.id = d.reverses_id
      left join (select document_id as id, sum(quantity) as n from stock_line group by 1) l
        on l.id = coalesce(u.id, d.id)
     where m.n > m.booklets or (d.kind, moved) not in (select * from unnest(
               cast(:documents as text[]), cast(:of_documents as text[])))
        or case when d.state <> 'CERRADO' then coalesce(m.n, 0) <> 0
                when moved = 'TRASLADO_INGRESA' or u.kind <> 'INGRESO' then coalesce(m.n, 0) > coalesce(l.n, 0)
                else coalesce(m.n, 0) <> coalesce(l.n, 0) end
"""
CHECKS["A movement is of no line of its document"] = """
    select number, day, 'a line of ' || kind || ' ' || document, 'none'
      from (select document, kind, number, day, is_line, max(last) over (partition by document order by
                       number collate "C", is_line desc rows unbounded preceding) as last
              from (select document_id as document, null as kind, prefix || lpad(first_serial::text, 7, '0') as number,
                           null::date as day, prefix || lpad((first_serial + quantity - 1)::text, 7, '0') as last,
                           true as is_line
                      from stock_line
                    union all
                    select coalesce(d.reverses_id, d.id), m.kind, m.booklet_number, m.day, null, false
                      from entry m join stock_document d on d.id = m.document_id) s) r
     where not is_line and (last is null or last collate "C" < number collate "C")
"""
CHECKS["A transfer's booklets in transit are not those sent less those arrived"] = """
    select 'TRASLADO ' || split_part(place, ':', 2), null, coalesce(s.n, 0)::text, coalesce(b.n, 0)::text
      from (select place, sum(put - taken) as n from side where place like 'TRANSIT:%' group by 1) s
      full join (select place::text, count(*) as n from booklet where place like 'TRANSIT:%' group by 1) b using (place)
     where coalesce(s.n, 0) <> coalesce(b.n, 0)
"""
CHECKS["A reversal does not mirror what it reverses"] = """
    select m.booklet_number, m.day,
           coalesce(r.booklet_number || ' back from ' || r.to_place || ' to ' || r.from_place, 'a movement to reverse'),
           m.kind || ' from ' || m.from_place || ' to ' || m.to_place
      from entry m
      left join stock_movement r on r.id = m.reverses_id
      left join stock_document d on d.id = m.document_id
     where (m.reverses_id is not null or m.kind in ('REVERSION', 'REINGRESO_REACTIVACION'))
       and (r.id is null or r.booklet_number <> m.booklet_number or r.from_place <> m.to_place
            or r.to_place <> m.from_place or r.id >= m.id
            or case m.kind when 'REVERSION' then r.document_id is distinct from d.reverses_id
                    else r.kind <> 'EGRESO_ANULACION' end
            or exists (select from stock_movement b where b.booklet_number = m.booklet_number
                                                      and b.id > r.id and b.id < m.id))
"""
CHECKS["A movement is reversed more than once"] = """
    select min(booklet_number), null, '1 reversal of movement ' || reverses_id, count(*)::text
      from stock_movement where reverses_id is not null group by reverses_id having count(*) > 1
"""
CHECKS["A booklet in use is not where its case is"] = """
    select b.number, null,
           coalesce(c.number || ' ' || c.state || ' ' || c.booklet_number || ' at ' || c.print_site_code, 'a case'),
           concat_ws(' ', b.state, b.place, 'used by ' || p.case_id)
      from booklet b
      left join passport_case c on c.id = b.case_id
      left join personalisation p on p.booklet_number = b.number and p.voided_at is null
     where b.state in ('ASIGNADA', 'IMPRESA', 'ENTREGADA')
       and (c.booklet_number is distinct from b.number or p.case_id is distinct from c.id
            or (b.state, c.state) not in (('ASIGNADA', 'EN_IMPRESION'), ('IMPRESA', 'IMPRESA'),
                                          ('IMPRESA', 'POST_IMPRESION'), ('ENTREGADA', 'ENTREGADA'))
            or b.place <> case b.state when 'ENTREGADA' then 'HOLDER' else 'PRINTING:' || c.print_site_code end)
"""
CHECKS["A case has no booklet in use"] = """
    select c.number, null, coalesce(c.booklet_number, 'a booklet'),
           coalesce(b.state || ' of case ' || b.case_id, 'none')
      from passport_case c left join booklet b on b.number = c.booklet_number
     where c.state in ('EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION')
       and (b.case_id is distinct from c.id or b.state not in ('ASIGNADA', 'IMPRESA'))
"""
CHECKS["A use has ended and says that it lasts"] = """
    select p.booklet_number, null, 'a booklet in use', b.state
      from personalisation p join booklet b on b.number = p.booklet_number
     where p.voided_at is null and b.state not in ('ASIGNADA', 'IMPRESA', 'ENTREGADA')
"""


def faults(session: Session, batch: int = 1000) -> Iterator[Fault]:
    """Everything that is not as the ledger says, check after check; no more than `batch` are held at a time."""
    # All rows of a check are fetched, and there is one check at a time: plan and remember accordingly.
    session.execute(text("set local cursor_tuple_fraction = 1"))
    session.execute(text("set local work_mem = '128MB'"))
    declared = _declared()
    for what, query in CHECKS.items():
        given = {name: values for name, values in declared.items() if f"(:{name} " in query}
        for row in session.execute(text(READ + query), given, execution_options={"yield_per": batch}):
            yield Fault(what, *row)


def audit(session: Session) -> list[Fault]:
    """All `faults`; none when every balance, place, document, reversal and assignment is as the movements say."""
    return list(faults(session))


def _declared() -> dict[str, list[str]]:
    """The declared kinds of movement, as the columns of two tables: kind, source, target; document, its kind."""
    pairs = [(kind.code, a, b) for kind in KINDS.values() for a in kind.sources for b in kind.targets]
    documents = [(document, kind.code) for kind in KINDS.values() for document in kind.documents]
    return {
        "kinds": [kind for kind, _source, _target in pairs],
        "sources": [str(source) for _kind, source, _target in pairs],
        "targets": [str(target) for _kind, _source, target in pairs],
        "documents": [str(document) for document, _kind in documents],
        "of_documents": [kind for _document, kind in documents],
    }


def counted(session: Session) -> tuple[int, int]:
    """How many booklets and how many movements there are."""
    booklets, movements = session.execute(
        text("select (select count(*) from booklet), (select count(*) from stock_movement)")
    ).one()
    return booklets, movements
