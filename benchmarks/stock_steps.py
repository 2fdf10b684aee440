"""The stock of a big table: documents, booklets, movements and turnover, by set-based SQL, from a table `planned`.

`planned` has a row for each booklet that ever was received: what it is, which documents moved it, when, and its fate.
Everything written follows from it, so that documents, ledger, booklets and turnover agree (`pasaportes verify-stock`).

    number, prefix, serial, category      the booklet
    received_in, receipt, received_at     the warehouse, document and time of its receipt
    warehouse, transfer, sent_at          where it was transferred to, by which document (none: it stayed), when
    arrived_at                            when the receiver confirmed it
    issue, issued_at                      the document that issued it to a printer (none: never)
    site, case_id, assigned_at            the site that printed it and for which case (none: a blank)
    delivered_at, void_type, voided_at    when it was handed over; why and when it was voided
    destruction, destroyed_at             the document that destroyed it (none: it was not)
    fate                                  TRANSIT HANDS BLANK ASSIGNED PRINTED DELIVERED SPOILED DESTROYED OUT
"""

#: Two people count: `one` writes and sends, `other` receives and closes.
PEOPLE = {
    "people": """
        insert into ab_user (first_name, last_name, username, email, active, must_change_password)
        select name, 'Inventado', lower(name), lower(name) || '@example.org', false, false
          from (values ('Bodega1'), ('Bodega2')) v(name) on conflict do nothing
    """,
    "who": """
        create unlogged table loading.who as
        select (select id from ab_user where username = 'bodega1') as one,
               (select id from ab_user where username = 'bodega2') as other
    """,
}

DOCUMENTS = {
    "documents": """
        insert into stock_document (id, kind, state, category_code, document_on, reference, warehouse_code,
            to_warehouse_code, printer_id, created_by_id, created_at, signed_by_id, signed_at, closed_by_id, closed_at,
            at_once, received_at, version)
        overriding system value
        select receipt, 'INGRESO', 'CERRADO', min(category), min(received_at)::date, 'Lote', min(received_in),
               null, null::int, one, min(received_at), null::int, null::timestamptz, one, min(received_at), false,
               null::timestamptz, 1
          from planned, who group by receipt, one
        union all
        select transfer, 'TRASLADO', 'CERRADO', null, min(sent_at)::date, null, min(received_in), min(warehouse),
               null, one, min(sent_at), null, null, one, min(sent_at), false,
               case when not bool_or(fate = 'TRANSIT') then min(arrived_at) end, 1
          from planned, who where transfer is not null group by transfer, one
        union all
        select issue, 'SALIDA', 'CERRADO', null, min(issued_at)::date, null, min(warehouse), null, other, one,
               min(issued_at), one, min(issued_at), other, min(issued_at), false, null, 1
          from planned, who where issue is not null group by issue, one, other
        union all
        select destruction, 'DESTRUCCION', 'CERRADO', null, min(destroyed_at)::date, null, min(warehouse), null, null,
               one, min(destroyed_at), one, min(destroyed_at), other, min(destroyed_at), false, null, 1
          from planned, who where destruction is not null group by destruction, one, other
    """,
    "arrivals": """
        insert into stock_arrival (document_id, number, at, user_id, received)
        select transfer, 1, min(arrived_at), other, count(*)
          from planned, who where transfer is not null and fate <> 'TRANSIT' group by transfer, other order by transfer
    """,
    "lines": """
        insert into stock_line (document_id, category_code, prefix, first_serial, quantity, receives)
        select document, min(category), prefix, min(serial), count(*), receives
          from (select m.document, m.receives, p.category, p.prefix, p.serial,
                       p.serial - row_number() over (partition by m.document, p.prefix order by p.serial) as run
                  from planned p,
                       lateral (values (receipt, true), (transfer, false), (issue, false), (destruction, false))
                           m(document, receives)
                 where m.document is not null) s
         group by document, receives, prefix, run order by document, min(serial)
    """,
}

BOOKLETS = {
    "booklets": """
        insert into booklet (number, category_code, state, place, warehouse_code, case_id, site_code, state_since,
            void_type_code, issued_on, expires_on)
        select number, category,
               case when fate in ('TRANSIT', 'HANDS', 'BLANK') then 'NUEVA' when fate = 'ASSIGNED' then 'ASIGNADA'
                    when fate = 'PRINTED' then 'IMPRESA' when fate = 'DELIVERED' then 'ENTREGADA' else 'ANULADA' end,
               case fate when 'TRANSIT' then 'TRANSIT:' || transfer
                    when 'HANDS' then 'HANDS:' || warehouse || ':' || other
                    when 'BLANK' then 'WAREHOUSE:' || warehouse when 'DELIVERED' then 'HOLDER'
                    when 'SPOILED' then 'VOIDED:' || warehouse when 'DESTROYED' then 'DESTROYED'
                    when 'OUT' then 'OUTSIDE' else 'PRINTING:' || site end,
               case when fate = 'TRANSIT' then received_in else warehouse end, case_id, site,
               greatest(received_at, sent_at, case when fate <> 'TRANSIT' then arrived_at end, issued_at, assigned_at,
                        delivered_at, voided_at, destroyed_at),
               void_type, assigned_at::date, (assigned_at + interval '5 years')::date
          from planned, who
    """,
}

#: In the order in which they happen to any booklet, so that its movements are numbered in that order.
MOVEMENTS = {
    "movements: receipts": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'INGRESO', 'SUPPLIER', 'WAREHOUSE:' || received_in, received_at, one, receipt, null
          from planned, who
    """,
    "movements: transfers, out": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'TRASLADO_SALE', 'WAREHOUSE:' || received_in, 'TRANSIT:' || transfer, sent_at, one, transfer,
               null
          from planned, who where transfer is not null
    """,
    "movements: transfers, in": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'TRASLADO_INGRESA', 'TRANSIT:' || transfer, 'WAREHOUSE:' || warehouse, arrived_at, other,
               transfer, null
          from planned, who where transfer is not null and fate <> 'TRANSIT'
    """,
    "movements: issues": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'SALIDA', 'WAREHOUSE:' || warehouse, 'HANDS:' || warehouse || ':' || other, issued_at, other,
               issue, null
          from planned, who where issue is not null
    """,
    "movements: personalisations": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'EGRESO_PERSONALIZACION', 'WAREHOUSE:' || warehouse, 'PRINTING:' || site, assigned_at, one, null,
               case_id
          from planned, who where case_id is not null
    """,
    "movements: deliveries": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'ENTREGA', 'PRINTING:' || site, 'HOLDER', delivered_at, one, null, case_id
          from planned, who where delivered_at is not null
    """,
    "movements: voids": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, case_id, void_type_code)
        select number, 'EGRESO_ANULACION', case fate when 'OUT' then 'HOLDER' else 'PRINTING:' || site end,
               case fate when 'OUT' then 'OUTSIDE' else 'VOIDED:' || warehouse end, voided_at, one, case_id, void_type
          from planned, who where voided_at is not null
    """,
    "movements: destructions": """
        insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
        select number, 'DESTRUCCION', 'VOIDED:' || warehouse, 'DESTROYED', destroyed_at, other, destruction, null
          from planned, who where destruction is not null
    """,
}

#: From the movements, not from the plan. The category is told by the prefix, which saves joining every booklet.
TURNOVER = {
    "turnover": """
        insert into stock_turnover (span, account, owner, category_code, turnover_on, kind, put, taken)
        select 'DAY', split_part(place, ':', 1),
               case when place like 'TRANSIT:%' then '' else split_part(place, ':', 2) end,
               c.code, day, kind, sum(put), sum(taken)
          from (select m.prefix, m.day, m.kind, s.place, s.put * m.booklets as put, s.taken * m.booklets as taken
                  from (select left(booklet_number, 1) as prefix, kind, from_place, to_place,
                               (at at time zone 'America/Guatemala')::date as day, count(*) as booklets
                          from stock_movement group by 1, 2, 3, 4, 5) m,
                       lateral (values (from_place, 0, 1), (to_place, 1, 0)) s(place, put, taken)) t
          join stock_category c using (prefix)
         group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
    """,
    "turnover of months": """
        insert into stock_turnover (span, account, owner, category_code, turnover_on, kind, put, taken)
        select 'MONTH', account, owner, category_code, date_trunc('month', turnover_on)::date, kind, sum(put),
               sum(taken)
          from stock_turnover where span = 'DAY' group by 2, 3, 4, 5, 6 order by 2, 3, 4, 5, 6
    """,
    "next document": """
        select setval(pg_get_serial_sequence('stock_document', 'id'), (select max(id) from stock_document))
    """,
}
