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
from models.catalogs import CATALOGS
from models.users import AccessLog, User
from tests.build import make_booklets, make_case

APPEND_ONLY = ("case_event", "stock_movement", "access_log", "quality_scan", "picture")


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
    db.flush()
    return db


def refused(db: Session, statement: str) -> bool:
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
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
