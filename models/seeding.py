"""Fills the catalogs from the files under models/seed; what an administrator changed since is left alone."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Integer, SmallInteger
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.catalogs import CATALOGS, Catalog, Site

FOLDER = Path(__file__).parent / "seed"
#: Who prints for a site that does not print itself: the mobile consulates at Lake Worth, everybody else centrally.
PRINTS_AT = {"MOU": "LWF"}


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of `models/seed/<name>.csv`."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def seed_catalogs(session: Session) -> None:
    """Insert every entry that is not there yet, in the order the references need."""
    for catalog in sorted(CATALOGS, key=lambda c: Catalog.metadata.sorted_tables.index(c.__table__)):  # type: ignore[arg-type]
        entries: dict[str, dict[str, Any]] = {}
        for row in rows(
            catalog.seed[0]
        ):  # a requirement stands once per procedure; its first words are the general ones
            entries.setdefault(row["code"], _entry(catalog, row))
        if entries:
            session.execute(insert(catalog).on_conflict_do_nothing(), list(entries.values()))
    for (code,) in session.query(Site.code).filter(Site.prints.is_(False), Site.prints_at_code.is_(None)):
        session.query(Site).filter_by(code=code).update({"prints_at_code": PRINTS_AT.get(code, "GUA")})


def _entry(catalog: type[Catalog], row: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"code": row["code"], "name": row["name"], "active": row.get("active", "1") == "1"}
    for column, source in catalog.seed[1].items():
        entry[column] = _typed(catalog.__table__.columns[column].type, row[source])
    return entry


def _typed(kind: Any, text: str) -> Any:
    if isinstance(kind, Boolean):
        return text == "1"
    if isinstance(kind, Integer | SmallInteger):
        return int(text) if text else None
    return text or None
