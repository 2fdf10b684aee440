"""Names for codes and people: what a page shows of catalogs and users.

A page has codes of a dozen catalogs. Asking each for its few names takes PostgreSQL longer to plan than to answer, so a
process keeps them all, and every page asks which edition is in force: `catalog_edition`, which the database renews with
any change of a catalog.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import TextClause, inspect, literal, select, text, union_all
from sqlalchemy.orm import Session

from models.base import Base, read_rows
from models.catalogs import CATALOGS, Catalog
from models.users import User

_USERS: Any = User.__table__
#: The kind under which labels hold user names.
USER = "ab_user"
#: A query of three texts (kind, code, name), and its parameters.
Also = tuple[str, dict[str, Any]]
Names = Mapping[tuple[str, str], str]
_BY_TABLE: Mapping[str, type[Catalog]] = {catalog.__tablename__: catalog for catalog in CATALOGS}
_EDITION = "select '', '', edition::text from catalog_edition"
_PEOPLE = "select 'ab_user', id::text, username from ab_user where id = any(:people)"


@dataclass(frozen=True)
class Labels:
    """Names by table and code: `catalogs` are all there are, `others` those that were asked for."""

    catalogs: Names
    others: Names

    def name(self, table: str, code: str | None) -> str | None:
        """The name of a catalog's entry; the code itself when there is none, None for none."""
        return None if code is None else self.catalogs.get((table, code), code)

    def user(self, user_id: int | None) -> str | None:
        """The user name of one of the people that were asked for; ? for another, None for none."""
        return None if user_id is None else self.others.get((USER, str(user_id)), "?")

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


def read_labels(session: Session, people: Iterable[int | None] = (), *also: Also) -> Labels:
    """The names of all catalogs, the user names of `people` (ids), and what `also` find.

    One statement; one more where a catalog has changed since this process last read them all.
    """
    asked: dict[str, Any] = {"people": sorted({each for each in people if each is not None})}
    for _query, values in also:
        asked |= values
    rows = read_rows(session, _asked(tuple(query for query, _values in also)), asked)
    found = {(kind, code): name for kind, code, name in rows}
    return Labels(_catalogs(session, found.pop(("", ""))), found)


@cache
def _asked(also: tuple[str, ...]) -> TextClause:
    """Written once, for building it costs more than asking it."""
    return text(" union all ".join([_EDITION, _PEOPLE, *also]).replace("::", "\\:\\:"))


#: The edition that was read last, and its names; the names of the catalogs are few thousand.
_read: tuple[str, Names] = ("", {})


def _catalogs(session: Session, edition: str) -> Names:
    """The names of every catalog's codes, read again when another edition is in force."""
    global _read
    known, names = _read
    if known != edition:
        each = "select '{0}', code, name from {0}"
        rows = read_rows(session, text(" union all ".join(each.format(table) for table in _BY_TABLE)))
        names = {(table, code): name for table, code, name in rows}
        _read = edition, names
    return names


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
