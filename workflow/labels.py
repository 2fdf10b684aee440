"""Names for codes and people: what a page shows of catalogs and users, read once for the whole page."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import TextClause, inspect, literal, select, text, union_all
from sqlalchemy.orm import Session

from models.base import Base
from models.catalogs import CATALOGS, Catalog
from models.users import User

_USERS: Any = User.__table__
_BY_TABLE: Mapping[str, type[Catalog]] = {catalog.__tablename__: catalog for catalog in CATALOGS}


@dataclass(frozen=True)
class Labels:
    """Names of catalog entries, by table and code."""

    names: Mapping[tuple[str, str], str]

    def name(self, table: str, code: str | None) -> str | None:
        """The name of an entry; the code itself when it was not read, None for none."""
        return None if code is None else self.names.get((table, code), code)

    def of(self, row: Base, column: str) -> str | None:
        """The name behind the code that `row` holds in `column`."""
        return self.name(_tables_of(type(row))[column], getattr(row, column))


@cache
def coded_columns(model: type[Base]) -> tuple[tuple[str, str], ...]:
    """The attributes of `model` that hold a catalog's code, each with the catalog's table."""
    return tuple(
        (attribute.key, key.column.table.name)
        for attribute in inspect(model).column_attrs
        for key in attribute.columns[0].foreign_keys
        if key.column.table.name in _BY_TABLE
    )


@cache
def _tables_of(model: type[Base]) -> Mapping[str, str]:
    return dict(coded_columns(model))


def read_labels(session: Session, rows: Iterable[Base | None], **more: Iterable[str | None]) -> Labels:
    """Names of every code that `rows` hold, and of the codes of further tables, in one statement."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for column, table in coded_columns(type(row)) if row is not None else ():
            if getattr(row, column) is not None:
                wanted[table].add(getattr(row, column))
    for table, codes in more.items():
        wanted[table].update(code for code in codes if code is not None)
    return Labels(_read(session, wanted))


def _read(session: Session, wanted: Mapping[str, set[str]]) -> dict[tuple[str, str], str]:
    asked = {name: sorted(wanted[name]) for name in sorted(wanted) if wanted[name]}
    if not asked:
        return {}
    return {(table, code): name for table, code, name in session.execute(_names_in(*asked), asked)}


@cache
def _names_in(*tables: str) -> TextClause:
    """The names of codes of `tables`, each a parameter; written once, for building it costs more than asking it."""
    each = "select '{0}', code, name from {0} where code = any(:{0})"
    return text(" union all ".join(each.format(_BY_TABLE[name].__tablename__) for name in tables))


def entries(session: Session, *tables: str) -> dict[str, list[tuple[str, str]]]:
    """The active entries of catalogs as (code, name), in the order of their names, in one statement."""
    parts = []
    for name in tables:
        table: Any = _BY_TABLE[name].__table__
        parts.append(select(literal(name).label("table"), table.c.code, table.c.name).where(table.c.active))
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in tables}
    for table, code, name in session.execute(union_all(*parts).order_by("name")):
        found[table].append((code, name))
    return found


def usernames(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """User names by id; no statement when there are none to read."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    rows = session.execute(select(_USERS.c.id, _USERS.c.username).where(_USERS.c.id.in_(wanted)))
    return {row.id: row.username for row in rows}
