"""Names for codes and people: what a page shows of catalogs and users, read once for the whole page."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, String, cast, inspect, literal, select, union_all
from sqlalchemy.orm import Session

from models.base import Base
from models.catalogs import CATALOGS, Catalog
from models.users import User

_USERS: Any = User.__table__
#: The kind under which labels hold user names.
USER = "ab_user"
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
        return self.name(dict(coded_columns(type(row)))[column], getattr(row, column))


@cache
def coded_columns(model: type[Base]) -> tuple[tuple[str, str], ...]:
    """The attributes of `model` that hold a catalog's code, each with the catalog's table."""
    return tuple(
        (attribute.key, key.column.table.name)
        for attribute in inspect(model).column_attrs
        for key in attribute.columns[0].foreign_keys
        if key.column.table.name in _BY_TABLE
    )


def read_labels(session: Session, rows: Iterable[Base | None], **more: Iterable[str | None]) -> Labels:
    """Names of every code that `rows` hold, and of the codes of further tables, in one statement."""
    return read_names(session, rows, more)


def read_names(
    session: Session,
    rows: Iterable[Base | None],
    more: Mapping[str, Iterable[str | None]],
    *also: Select[Any],
) -> Labels:
    """As `read_labels`, with what `also`, queries of three texts (kind, code, name), find."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for column, table in coded_columns(type(row)) if row is not None else ():
            if getattr(row, column) is not None:
                wanted[table].add(getattr(row, column))
    for table, codes in more.items():
        wanted[table].update(code for code in codes if code is not None)
    parts = [_entries(table, sorted(codes)) for table, codes in wanted.items() if codes] + list(also)
    found = session.execute(union_all(*parts)) if parts else ()
    return Labels({(table, code): name for table, code, name in found})


def _entries(name: str, codes: list[str]) -> Select[Any]:
    table: Any = _BY_TABLE[name].__table__
    return select(literal(name), table.c.code, table.c.name).where(table.c.code.in_(codes))


def people(ids: Iterable[int | None]) -> Select[Any]:
    """For `read_names`: the user names of `ids`, under the kind USER and the id as text."""
    wanted = {each for each in ids if each is not None}
    return select(literal(USER), cast(_USERS.c.id, String), _USERS.c.username).where(_USERS.c.id.in_(wanted))


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
