"""Loads big tables by set-based SQL, in two connections at once; checks are away meanwhile and made again afterwards.

Triggers are off; indexes, keys and constraints are dropped and made again, not only switched on, so that what was
loaded is checked. Each table is filled by one transaction that begins by emptying it: a server with `wal_level=minimal`
then writes it once only, without log. The obvious way, everything in one transaction, uses one processor of several.
The price of two: when a step fails the database is left without its constraints, and must be dropped.
"""

import argparse
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Connection, Engine, exists, select, text
from sqlalchemy import table as table_of

from app.migrating import migrate
from models.base import make_engine

#: Named statements that run one after the other, in one transaction.
Lane = Mapping[str, str]
#: Lanes that run at once, in any order: none reads what another writes.
Stage = Sequence[Lane]

AT_ONCE = 2
#: Where the tables lie that steps make for one another: `create unlogged table loading.<name>`.
DRAFTS = "loading"
_SETTINGS = (
    f"search_path = public, {DRAFTS}", "synchronous_commit = off", "maintenance_work_mem = '1GB'", "work_mem = '256MB'",
    "max_parallel_maintenance_workers = 0",
)  # fmt: skip

#: Largest table first, so that neither connection is left with a long one at the end.
_INDEXES = """
    select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
     where i.indrelid = any(cast(:tables as regclass[]))
       and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype = 'x')
     order by array_position(cast(:tables as regclass[]), i.indrelid::regclass), 1
""".replace("::", "\\:\\:")
#: A key is made of its index, which takes no time.
_KEYS = """
    select c.conrelid::regclass::text, c.conname,
           case c.contype when 'p' then 'primary key using index ' || c.conname
                when 'u' then 'unique using index ' || c.conname else pg_get_constraintdef(c.oid) end
      from pg_constraint c where c.conrelid = any(cast(:tables as regclass[])) and c.contype in ('p', 'u', 'x')
     order by 1, 2
""".replace("::", "\\:\\:")
_FOREIGN_KEYS = """
    select c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) from pg_constraint c
     where c.contype = 'f' and (c.conrelid = any(cast(:tables as regclass[]))
                                or c.confrelid = any(cast(:tables as regclass[]))) order by 1, 2
""".replace("::", "\\:\\:")


class Loader:
    """Fills `tables` of one database; they are named largest first."""

    def __init__(self, engine: Engine, tables: Sequence[str], say: Callable[[str], None]) -> None:
        self._engine, self._tables, self._say = engine, tables, say
        self._given = {"tables": list(tables)}
        self._saying = threading.Lock()

    def strip(self) -> None:
        """Take triggers, keys, constraints and indexes off; ValueError when a table has rows."""
        with self._engine.begin() as connection:
            for table in self._tables:
                if connection.scalar(select(exists(select(1).select_from(table_of(table))))):
                    raise ValueError(f"this database has rows in {table} already")
            self._indexes = [tuple(row) for row in connection.execute(text(_INDEXES), self._given)]
            self._keys = [tuple(row) for row in connection.execute(text(_KEYS), self._given)]
            self._foreign = [tuple(row) for row in connection.execute(text(_FOREIGN_KEYS), self._given)]
            self._switch_triggers(connection, "disable")
            for table, name, _rule in (*self._foreign, *self._keys):
                connection.execute(text(f"alter table {table} drop constraint {name}"))
            kept = {name for _table, name, _rule in self._keys}
            for name, _definition in self._indexes:
                if name not in kept:
                    connection.execute(text(f"drop index {name}"))
            connection.execute(text(f"create schema {DRAFTS}"))

    def run(self, stage: Stage, values: Sequence[BindParameter[Any]]) -> None:
        """Run the lanes of a stage, and wait for all."""
        self._at_once(partial(self._lane, lane, values) for lane in stage)

    def restore(self) -> None:
        """Make again what `strip` took off, which checks every row; vacuum and analyse."""
        with self._engine.begin() as connection:
            connection.execute(text(f"drop schema {DRAFTS} cascade"))
        self._at_once(partial(self._lane, {name: definition}) for name, definition in self._indexes)
        with self._engine.begin() as connection:
            for table, name, rule in self._keys:
                connection.execute(text(f"alter table {table} add constraint {name} {rule}"))
            for table, name, rule in self._foreign:
                connection.execute(text(f"alter table {table} add constraint {name} {rule} not valid"))
            self._switch_triggers(connection, "enable")
        of_table: dict[str, list[str]] = defaultdict(list)
        for table, name, _rule in self._foreign:
            of_table[table].append(name)
        others = [table for table in of_table if table not in self._tables]
        self._at_once(partial(self._check, table, of_table[table]) for table in (*self._tables, *others))

    def _check(self, table: str, foreign_keys: Sequence[str]) -> None:
        """Statistics first: they tell how to compare."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            self._timed(connection, f"statistics of {table}", f"vacuum analyze {table}")
        self._lane({name: f"alter table {table} validate constraint {name}" for name in foreign_keys})

    def _lane(self, lane: Lane, values: Sequence[BindParameter[Any]] = ()) -> None:
        with self._engine.begin() as connection:
            for setting in _SETTINGS:
                connection.execute(text(f"set local {setting}"))
            connection.execute(text("select setseed(0.5)"))
            written = set(re.findall(r"insert into (\w+)", " ".join(lane.values()))) & set(self._tables)
            if written:
                connection.execute(text(f"truncate {', '.join(sorted(written))}"))
            for name, statement in lane.items():
                self._timed(connection, name, statement, values)

    def _timed(
        self, connection: Connection, name: str, statement: str, values: Sequence[BindParameter[Any]] = ()
    ) -> None:
        start = time.perf_counter()
        prepared = text(statement.replace("::", "\\:\\:"))
        rows = connection.execute(prepared.bindparams(*(value for value in values if f":{value.key}" in statement)))
        counted = f"{rows.rowcount:>12,}" if rows.rowcount > 0 and not rows.returns_rows else " " * 12
        with self._saying:
            self._say(f"{name:<40}{counted}{time.perf_counter() - start:9.1f} s")

    def _switch_triggers(self, connection: Connection, how: str) -> None:
        for table in self._tables:
            connection.execute(text(f"alter table {table} {how} trigger user"))

    @staticmethod
    def _at_once(tasks: Iterable[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for task in [pool.submit(task) for task in tasks]:
                task.result()


def load(
    engine: Engine,
    tables: Sequence[str],
    stages: Sequence[Stage],
    values: Sequence[BindParameter[Any]],
    say: Callable[[str], None] = print,
) -> None:
    """Run `stages`, which write to `tables` (largest first), then make again what checks them, vacuum and analyse.

    Needs the tables' owner and empty tables; ValueError when they are not empty. `values` are handed to the statements
    that name them. The same each time but for the clock. After any other error the database must be dropped.
    """
    loader = Loader(engine, tables, say)
    loader.strip()
    for stage in stages:
        loader.run(stage, values)
    loader.restore()


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
