"""The values a transition takes: declared once, and from the declaration the form, the JSON schema and the check."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.base import AnyRow, read_rows
from models.booklets import BOOKLET_NUMBER
from models.catalogs import Catalog, DecisionReason, VoidType
from models.text import N_
from security.errors import BadValue


class Kind(StrEnum):
    """What a field holds, and so how it is asked for."""

    TEXT = "text"
    COMMENT = "comment"
    BOOKLET = "booklet"
    REASON = "reason"
    VOID_TYPE = "void_type"
    CHOICE = "choice"
    FLAG = "flag"
    SCAN = "scan"
    DATA = "data"


@dataclass(frozen=True)
class Field:
    """One value. `among` narrows a catalog (column values) or lists the choices as (value, message id)."""

    name: str
    label: str
    kind: Kind
    required: bool = True
    among: tuple[tuple[str, str], ...] = ()
    max_length: int = 500


def clean(session: Session, fields: tuple[Field, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` checked against `fields`: every field present, blanks as None. Raises `BadValue` naming the field."""
    known = {field.name for field in fields}
    for name in values:
        if name not in known:
            raise BadValue(N_("There is no field called %(name)s here."), field=name, name=name)
    return {field.name: _cleaned(session, field, values.get(field.name)) for field in fields}


def _cleaned(session: Session, field: Field, value: Any) -> Any:
    if field.kind is Kind.FLAG:
        return _flag(field, value)
    if field.kind is Kind.DATA:
        return _data(field, value)
    if value is not None and not isinstance(value, str):
        raise BadValue(N_("%(label)s must be text."), field=field.name, label=field.label)
    text = value if field.kind is Kind.SCAN else (value or "").strip()
    if not text:
        if field.required:
            raise BadValue(N_("%(label)s is missing."), field=field.name, label=field.label)
        return None
    if len(text) > field.max_length or "\x00" in text:
        raise BadValue(N_("%(label)s is too long."), field=field.name, label=field.label)
    return _CHECKS.get(field.kind, _free)(session, field, text)


def _flag(field: Field, value: Any) -> bool:
    flag = value in (True, "true", "1", "on", "y")
    if field.required and not flag:
        raise BadValue(N_("Confirm: %(label)s."), field=field.name, label=field.label)
    return flag


def _data(field: Field, value: Any) -> dict[str, Any]:
    if value is None and not field.required:
        return {}
    if not isinstance(value, dict) or (field.required and not value):
        raise BadValue(N_("%(label)s is missing."), field=field.name, label=field.label)
    return value


def _free(_session: Session, _field: Field, text: str) -> str:
    return text


def _booklet(_session: Session, field: Field, text: str) -> str:
    number = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(BOOKLET_NUMBER, number):
        raise BadValue(
            N_("%(value)s is not a booklet number: F, S or D and seven digits."), field=field.name, value=text[:20]
        )
    return number


def _choice(_session: Session, field: Field, text: str) -> str:
    if text not in {value for value, _label in field.among}:
        raise BadValue(N_("%(value)s is not one of the choices."), field=field.name, value=text[:40])
    return text


def _entry(catalog: type[Catalog]) -> Any:
    def check(session: Session, field: Field, text: str) -> str:
        entry = session.get(catalog, text)
        if entry is None or not entry.active or not offered(field, entry):
            raise BadValue(N_("%(value)s is not one of the choices."), field=field.name, value=text[:40])
        return text

    return check


def offered(field: Field, entry: Catalog | AnyRow, **more: str) -> bool:
    """Whether `entry` is among what `field` offers: each pair names a column and the values it may hold."""
    return all(
        not set(allowed.split(";")).isdisjoint(str(getattr(entry, column)).split(";"))
        for column, allowed in (*field.among, *more.items())
    )


def choices(session: Session, field: Field, **more: str) -> list[tuple[str, str]]:
    """What a list for `field` shows: (value, label). Catalog labels are data, choice labels message ids.

    `more` narrows a catalog further, column by column.
    """
    catalog = CATALOG_OF.get(field.kind)
    if catalog is None:
        return list(field.among)
    entries = read_rows(session, _active(catalog))
    return [(entry.code, f"{entry.code} · {entry.name}") for entry in entries if offered(field, entry, **more)]


@cache
def _active(catalog: type[Catalog]) -> Select[Any]:
    table: Any = catalog.__table__
    return select(table).where(table.c.active).order_by(table.c.code)


CATALOG_OF: dict[Kind, type[Catalog]] = {Kind.REASON: DecisionReason, Kind.VOID_TYPE: VoidType}
_CHECKS = {
    Kind.BOOKLET: _booklet,
    Kind.CHOICE: _choice,
    Kind.REASON: _entry(DecisionReason),
    Kind.VOID_TYPE: _entry(VoidType),
}
