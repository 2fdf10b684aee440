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
#: The kind under which labels hold user names.
USER = "ab_user"
#: A query of `read_names`, and its parameters, which no catalog is called.
Also = tuple[str, dict[str, Any]]
_BY_TABLE: Mapping[str, type[Catalog]] = {catalog.__tablename__: catalog for catalog in CATALOGS}


@dataclass(frozen=True)
class Labels:
    """Names of catalog entries, by table and code."""

    names: Mapping[tuple[str, str], str]

    def name(self, table: str, code: str | None) -> str | None:
        """The name of an entry; the code itself when it was not read, None for none."""
        return None if code is None else self.names.get((table, code), code)

    def user(self, user_id: int | None) -> str | None:
        """The user name of one of the `people` that were read; ? for another, None for none."""
        return None if user_id is None else self.names.get((USER, str(user_id)), "?")

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
    return read_names(session, rows, more)


def read_names(
    session: Session,
    rows: Iterable[Base | None],
    more: Mapping[str, Iterable[str | None]],
    *also: Also,
) -> Labels:
    """As `read_labels`, with what `also` find: queries of three texts (kind, code, name), and their parameters."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for column, table in coded_columns(type(row)) if row is not None else ():
            if getattr(row, column) is not None:
                wanted[table].add(getattr(row, column))
    for table, codes in more.items():
        wanted[table].update(code for code in codes if code is not None)
    asked: dict[str, Any] = {name: sorted(wanted[name]) for name in sorted(wanted) if wanted[name]}
    if not asked and not also:
        return Labels({})
    names = _names_in(tuple(asked), tuple(query for query, _values in also))
    for _query, values in also:
        asked |= values
    return Labels({(table, code): name for table, code, name in session.execute(names, asked)})


def people(ids: Iterable[int | None]) -> Also:
    """For `read_names`: the user names of `ids`, under the kind USER and the id as text."""
    wanted = sorted({each for each in ids if each is not None})
    return "select 'ab_user', id::text, username from ab_user where id = any(:people)", {"people": wanted}


@cache
def _names_in(tables: tuple[str, ...], also: tuple[str, ...]) -> TextClause:
    """The names of codes of `tables`, each a parameter; written once, for building it costs more than asking it."""
    each = "select '{0}', code, name from {0} where code = any(:{0})"
    parts = [each.format(_BY_TABLE[name].__tablename__) for name in tables]
    return text(" union all ".join([*parts, *also]).replace("::", "\\:\\:"))


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
