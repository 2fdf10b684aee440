"""Loads big tables by set-based SQL: triggers off, indexes and foreign keys away meanwhile and made again afterwards.

They are made again, not only switched on, so that what was loaded is checked.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Engine, text

from app.migrating import migrate
from models.base import make_engine

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


def load(
    engine: Engine,
    tables: Sequence[str],
    steps: Mapping[str, str],
    values: Sequence[BindParameter[Any]],
    say: Callable[[str], None] = print,
) -> None:
    """Run `steps`, named statements, in one transaction that writes to `tables`, then vacuum and analyse.

    Needs the tables' owner and an empty `passport_case` and `booklet`; ValueError when they are not empty. `values`
    are handed to the statements that name them. The same each time but for the clock.
    """
    with engine.begin() as connection:
        if connection.scalar(text("select exists (select from passport_case) or exists (select from booklet)")):
            raise ValueError("this database has cases or booklets already")
        for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '128MB'"):
            connection.execute(text(f"set local {setting}"))
        connection.execute(text("select setseed(0.5)"))
        again = _stripped(connection, tables)
        for name, statement in steps.items():
            _timed(connection, name, statement, say, values)
        for name, definition in again:
            _timed(connection, name, definition, say)
        _switch_triggers(connection, tables, "enable")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _timed(connection, "statistics", "vacuum analyze", say)


def _stripped(connection: Connection, tables: Sequence[str]) -> list[tuple[str, str]]:
    """Take triggers, foreign keys and indexes off `tables`; returns names and statements that make the latter again."""
    _switch_triggers(connection, tables, "disable")
    given = {"tables": list(tables)}
    indexes = [(name, definition) for name, definition in connection.execute(text(_INDEXES), given)]
    keys = [tuple(row) for row in connection.execute(text(_FOREIGN_KEYS), given)]
    for table, name, _definition in keys:
        connection.execute(text(f"alter table {table} drop constraint {name}"))
    for name, _definition in indexes:
        connection.execute(text(f"drop index {name}"))
    return [*indexes, *((name, f"alter table {table} add constraint {name} {rule}") for table, name, rule in keys)]


def _switch_triggers(connection: Connection, tables: Sequence[str], how: str) -> None:
    for table in tables:
        connection.execute(text(f"alter table {table} {how} trigger user"))


def _timed(
    connection: Connection,
    name: str,
    statement: str,
    say: Callable[[str], None],
    values: Sequence[BindParameter[Any]] = (),
) -> None:
    start = time.perf_counter()
    prepared = text(statement.replace("::", "\\:\\:"))
    rows = connection.execute(prepared.bindparams(*(value for value in values if f":{value.key}" in statement)))
    counted = f"{rows.rowcount:>12,}" if rows.rowcount > 0 and not rows.returns_rows else " " * 12
    say(f"{name:<40}{counted}{time.perf_counter() - start:9.1f} s")


def command(doc: str | None, option: str, default: int, fill: Callable[[Engine, int], None]) -> None:
    """The command line of a loader: how many (`--<option>`), and into which database; it is migrated first."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: $DATABASE_URL")
    options = parser.parse_args()
    if not options.url:
        parser.error("say which database: --url or DATABASE_URL")
    engine = make_engine(options.url)
    migrate(engine)
    start = time.perf_counter()
    fill(engine, getattr(options, option))
    print(f"{'in all':<52}{time.perf_counter() - start:9.1f} s")
