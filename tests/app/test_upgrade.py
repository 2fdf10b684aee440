"""A database of the former ledger is brought to the present one: every booklet at its place, nothing wrong."""

import os
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.database_server import create_database, drop_database
from app.migrating import configuration, migrate
from models.base import make_engine
from workflow.stock import stock_audit

#: What the former ledger wrote: a receipt of five; one assigned, one delivered, one voided, one voided and reactivated.
FORMER = """
insert into ab_user (first_name, last_name, username, email, active) values ('A', 'B', 'sistema', 'a@b', true);
insert into country (code, name, mrz_code) values ('GTM', 'Guatemala', 'GTM');
insert into site (code, name, country_code, kind, enrols, prints, delivers)
    values ('GUA', 'Central', 'GTM', 'central', true, true, true);
insert into procedure (code, name, needs_previous) values ('NUEVO', 'Nuevo', false);
insert into sex (code, name) values ('F', 'F');
insert into identification_type (code, name, asks_registry) values ('CUI', 'CUI', true);
insert into stock_category (code, name, prefix) values ('ORDINARIA', 'Ordinaria', 'F');
insert into passport_type (code, name, category_code, document_code, document_code_2028, validities, issuer)
    values ('ORD', 'Ordinario', 'ORDINARIA', 'P<', 'PP', '5', 'IGM');
insert into warehouse (code, name, kind, site_code, takes_receipts)
    values ('PROD-GUA', 'Producción', 'PRODUCCION', 'GUA', true);
insert into stock_movement_type (code, name, sign, document) select c, c, 0, 'CASO'
    from unnest(array['INGRESO', 'EGRESO_PERSONALIZACION', 'EGRESO_ANULACION', 'REINGRESO_REACTIVACION']) c;
insert into void_type (code, name, modules, automatic, booklet_states, reversible)
    select c, c, 'PRE_IMPRESION', true, 'ASIGNADA', true from unnest(array['IMP', 'ERR']) c;
insert into stock_document (id, kind, state, category_code, document_on, warehouse_code, created_by_id, created_at,
    version) overriding system value
    select 2001, 'INGRESO', 'ABIERTO', 'ORDINARIA', date '2026-01-05', 'PROD-GUA', id, now(), 1 from ab_user;
insert into stock_line (document_id, category_code, prefix, first_serial, quantity)
    values (2001, 'ORDINARIA', 'F', 5000001, 5);
update stock_document set state = 'CERRADO', closed_at = now(), closed_by_id = created_by_id;
alter table passport_case disable trigger user;
alter table booklet disable trigger user;
alter table stock_movement disable trigger user;
alter table personalisation disable trigger user;
insert into passport_case (id, number, state, site_code, print_site_code, created_at, state_since,
    station, operator, procedure_code, passport_type_code, validity_years, priority, enrolled_at, first_name,
    first_surname, search_name, cui, birth_date, sex_code, identification_type_code, identification_number, mobile)
    overriding system value
    select n, 'GUA00000000' || n, 'AUTORIZADA', 'GUA', 'GUA', now(), now(), 'E1', 'x', 'NUEVO', 'ORD', 5, 3, now(),
           'Nola', 'Tzoc', 'nola tzoc', '6000000080101', '1990-01-01', 'F', 'CUI', '6000000080101', false
      from generate_series(1, 4) n;
insert into booklet (number, category_code, state, warehouse_code, case_id, site_code, state_since, void_type_code)
    values ('F5000001', 'ORDINARIA', 'NUEVA', 'PROD-GUA', null, null, now(), null),
           ('F5000002', 'ORDINARIA', 'ASIGNADA', null, 1, 'GUA', now(), null),
           ('F5000003', 'ORDINARIA', 'ENTREGADA', null, 2, 'GUA', now(), null),
           ('F5000004', 'ORDINARIA', 'ANULADA', null, 3, 'GUA', now(), 'IMP'),
           ('F5000005', 'ORDINARIA', 'ASIGNADA', null, 4, 'GUA', now(), null);
update passport_case c set booklet_number = b.booklet, state = b.state
    from (values (1, 'EN_IMPRESION', 'F5000002'), (2, 'ENTREGADA', 'F5000003'), (4, 'EN_IMPRESION', 'F5000005'))
         b(id, state, booklet) where b.id = c.id;
insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, case_id)
    select m.booklet, m.kind, m.a, m.b, timestamptz '2026-01-05 12:00+00' + m.n * interval '1 day', u.id,
           case m.kind when 'INGRESO' then 2001 end, m.case_id
      from ab_user u, (values
           (1, 'F5000001', 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', null),
           (2, 'F5000002', 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', null),
           (3, 'F5000003', 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', null),
           (4, 'F5000004', 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', null),
           (5, 'F5000005', 'INGRESO', 'SUPPLIER', 'WAREHOUSE:PROD-GUA', null),
           (6, 'F5000002', 'EGRESO_PERSONALIZACION', 'WAREHOUSE:PROD-GUA', 'PRINTING:GUA', 1),
           (7, 'F5000003', 'EGRESO_PERSONALIZACION', 'WAREHOUSE:PROD-GUA', 'PRINTING:GUA', 2),
           (8, 'F5000004', 'EGRESO_PERSONALIZACION', 'WAREHOUSE:PROD-GUA', 'PRINTING:GUA', 3),
           (9, 'F5000005', 'EGRESO_PERSONALIZACION', 'WAREHOUSE:PROD-GUA', 'PRINTING:GUA', 4),
           (10, 'F5000004', 'EGRESO_ANULACION', 'PRINTING:GUA', 'VOIDED', 3),
           (11, 'F5000005', 'EGRESO_ANULACION', 'PRINTING:GUA', 'VOIDED', 4),
           (12, 'F5000005', 'REINGRESO_REACTIVACION', 'VOIDED', 'PRINTING:GUA', 4)) m(n, booklet, kind, a, b, case_id)
     order by m.n;
insert into personalisation (case_id, booklet_number, site_code, assigned_by_id, assigned_at, issued_on, expires_on,
    mrz_line_1, mrz_line_2, seal_text, copies, printed_by_id, printed_at, checked_by_id, checked_at, delivered_by_id,
    delivered_at, voided_at)
    select p.case_id, p.booklet, 'GUA', u.id, now(), date '2026-01-10', date '2031-01-09', '', '', '', 1,
           case when p.delivered then u.id end, case when p.delivered then now() end,
           case when p.delivered then u.id end, case when p.delivered then now() end,
           case when p.delivered then u.id end, case when p.delivered then now() end, case when p.voided then now() end
      from ab_user u, (values (1, 'F5000002', false, false), (2, 'F5000003', true, false), (3, 'F5000004', false, true),
                              (4, 'F5000005', false, false)) p(case_id, booklet, delivered, voided);
alter table passport_case enable trigger user;
alter table booklet enable trigger user;
alter table stock_movement enable trigger user;
alter table personalisation enable trigger user;
"""


@pytest.fixture
def former(server_url: str) -> Iterator[Engine]:
    """A database at revision 0002 with what its ledger wrote."""
    name = f"pasaportes_upgrade_{os.getpid()}"
    engine = make_engine(create_database(server_url, name))
    try:
        with engine.connect() as connection:
            command.upgrade(configuration(connection), "0002")
            connection.commit()
            for statement in FORMER.split(";\n"):
                if statement.strip():
                    connection.execute(text(statement))
            connection.commit()
        yield engine
    finally:
        engine.dispose()
        drop_database(server_url, name)


def test_the_former_ledger_is_carried_over_and_nothing_is_wrong(former: Engine) -> None:
    migrate(former)
    with Session(former) as session:
        assert stock_audit.audit(session) == []
        places = session.execute(text("select number, state || ' ' || place from booklet order by number"))
        assert dict(tuple(row) for row in places) == {
            "F5000001": "NUEVA WAREHOUSE:PROD-GUA", "F5000002": "ASIGNADA PRINTING:GUA", "F5000003": "ENTREGADA HOLDER",
            "F5000004": "ANULADA VOIDED:PROD-GUA", "F5000005": "ASIGNADA PRINTING:GUA",
        }  # fmt: skip
        undone = "select v.kind from stock_movement r join stock_movement v on v.id = r.reverses_id"
        assert session.execute(text(undone)).scalars().all() == ["EGRESO_ANULACION"]
