"""The database is what the models say, its migrations go both ways, and it refuses what must never happen."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.database_server import create_database, drop_database
from app.migrating import differences, downgrade, migrate
from models.base import make_engine, utc_now
from models.booklets import Personalisation, QualityScan
from models.cases import State
from models.catalogs import CATALOGS
from models.services import Service, ServiceCall
from models.users import AccessLog, User
from tests.build import make_booklets, make_case

APPEND_ONLY = ("case_event", "stock_movement", "access_log", "change_log", "quality_scan", "picture", "service_call")


@pytest.fixture
def scratch(server_url: str) -> Iterator[Engine]:
    name = f"pasaportes_scratch_{os.getpid()}"
    engine = make_engine(create_database(server_url, name))
    yield engine
    engine.dispose()
    drop_database(server_url, name)


def test_the_migrated_database_is_what_the_models_say(engine: Engine) -> None:
    assert differences(engine) == []


def test_the_migrations_go_down_to_nothing_and_up_again(scratch: Engine) -> None:
    migrate(scratch)
    downgrade(scratch, "base")
    assert set(inspect(scratch).get_table_names()) <= {"alembic_version"}
    assert not inspect(scratch).get_sequence_names()
    migrate(scratch)
    migrate(scratch)
    assert differences(scratch) == []


@pytest.fixture
def written(db: Session) -> Session:
    """A session with a row in every append-only table."""
    case = make_case(db)
    (number,) = make_booklets(db, count=1)
    user = db.query(User.id).order_by(User.id).limit(1).scalar()
    now = utc_now()
    use = Personalisation(
        case_id=case.id, booklet_number=number, site_code="GUA", assigned_by_id=user, assigned_at=now,
        issued_on=now.date(), expires_on=now.date(), mrz_line_1="P", mrz_line_2="F", seal_text="-",
    )  # fmt: skip
    db.add_all([use, AccessLog(at=now, user_id=user, case_number=case.number, screen="test")])
    db.flush()
    db.add(
        QualityScan(personalisation_id=use.id, user_id=user, at=now, kind="mrz", raw="x", passed=False, verdict={})
    )  # fmt: skip
    db.add(
        ServiceCall(
            service=Service.CIVIL_REGISTRY, asked_at=now, took_ms=1, outcome="FAILED", attempts=1, request={},
            user_id=user,
        )
    )  # fmt: skip
    db.flush()
    return db


def refused(db: Session, statement: str) -> bool:
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
    db.execute(text("set constraints all deferred"))
    return error.value.orig.sqlstate == "23001"  # type: ignore[union-attr]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_an_append_only_table_refuses_update_delete_and_truncate(written: Session, table: str) -> None:
    assert written.execute(text(f"select count(*) from {table}")).scalar_one()
    assert refused(written, f"update {table} set id = default")
    assert refused(written, f"delete from {table}")
    assert refused(written, f"truncate {table} cascade")


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.__tablename__)
def test_the_code_of_a_catalog_never_changes_and_no_entry_is_deleted(db: Session, catalog: type) -> None:
    table = catalog.__tablename__  # type: ignore[attr-defined]
    assert refused(db, f"update {table} set code = code || '9'")
    assert refused(db, f"delete from {table}")


def test_a_ledger_entry_starts_where_the_booklet_is(db: Session) -> None:
    (number,) = make_booklets(db, count=1)
    for place, kind in (("WAREHOUSE:PROD-LWF", "SALIDA"), ("SUPPLIER", "INGRESO"), ("SUPPLIER", "SALIDA")):
        with pytest.raises(DBAPIError), db.begin_nested():
            db.execute(
                text(
                    "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id)"
                    " select :number, :kind, :place, 'VOIDED', now(), min(id) from ab_user"
                ),
                {"number": number, "kind": kind, "place": place},
            )


def breach(db: Session, statement: str) -> str:
    """The name of the constraint, or the SQLSTATE, with which the database refuses `statement`."""
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
    db.execute(text("set constraints all deferred"))
    return error.value.orig.diag.constraint_name or error.value.orig.sqlstate  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("update passport_case set booklet_number = 'F5000001', state = 'EN_IMPRESION'", "case_and_booklet_agree"),
        ("update passport_case set state = 'ENTREGADA'", "delivered_case_has_a_booklet"),
        ("update passport_case set number = 'GUA999999999'", "23001"),
        ("update booklet set warehouse_code = 'PROD-CHI'", "booklet_is_where_its_ledger_says"),
        ("update booklet set place = 'HOLDER'", "booklet_is_where_its_ledger_says"),
        ("update personalisation set expires_on = '2099-01-01'", "23001"),
        ("update personalisation set mrz_line_2 = 'X'", "23001"),
        ("delete from personalisation", "23001"),
        ("update personalisation set delivered_at = now(), delivered_by_id = assigned_by_id",
         "no_delivery_without_quality_control"),
        ("update personalisation set printed_at = now()", "printed_by_somebody_at_a_time"),
        ("insert into case_event (case_id, event, transition, to_state, started_at, at, user_id, username, site_code,"
         " data) select min(id), 'X', 'x', 'NOWHERE', now(), now(), 1, 'x', 'GUA', '{}' from passport_case",
         "event_states_are_known"),
        ("delete from case_picture", "23001"),
    ],
)  # fmt: skip
def test_what_must_never_be_false_is_refused_by_the_database(written: Session, statement: str, name: str) -> None:
    assert breach(written, statement) == name


def test_a_case_that_a_new_one_replaced_stays_so(db: Session) -> None:
    make_case(db, State.CORREGIDA)
    assert breach(db, "update passport_case set state = 'ENROLADA'") == "23001"


def test_a_finalized_enrolment_stays_as_it_was_received(db: Session) -> None:
    case = make_case(db)
    row = "insert into enrollment (id, status, body, created_by_id, created_at, updated_at, finalized_at, case_id)"
    user = "(select min(id) from ab_user)"
    db.execute(text(f"{row} select 'e1', 'FINALIZED', '{{}}', {user}, now(), now(), now(), {case.id}"))
    for statement in ("update enrollment set body = '[]'", "delete from enrollment"):
        assert breach(db, statement) == "23001"


def test_no_line_is_moved_into_a_closed_document(db: Session) -> None:
    document = (
        "insert into stock_document (kind, state, category_code, document_on, warehouse_code, created_by_id,"
        " created_at, closed_by_id, closed_at, version) select 'INGRESO', '{}', 'ORDINARIA', now(), 'PROD-GUA',"
        " min(id), now(), {}, {}, 1 from ab_user returning id"
    )
    closed = db.execute(text(document.format("CERRADO", "min(id)", "now()"))).scalar_one()
    draft = db.execute(text(document.format("ABIERTO", "null", "null"))).scalar_one()
    db.execute(
        text(
            "insert into stock_line (document_id, category_code, prefix, first_serial, quantity)"
            f" values ({draft}, 'ORDINARIA', 'F', 1, 1)"
        )
    )
    assert breach(db, f"update stock_line set document_id = {closed}") == "23001"
