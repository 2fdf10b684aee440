"""Names for the codes that reports hold: read in one statement for a page, a file or a form."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from models.catalogs import (
    Country,
    DecisionReason,
    PassportType,
    Procedure,
    Site,
    StockCategory,
    StockMovementType,
    VoidType,
    Warehouse,
)
from models.users import User

Names = Mapping[str, Mapping[Any, str]]
#: A site's department; abroad, its country.
_DEPARTMENT = case((Site.country_code == "GTM", func.coalesce(Site.region, Site.name)), else_=Country.name)


def _catalog(entity: Any) -> Select[Any]:
    return _pair(entity.code, entity.name)


def _pair(code: Any, name: Any) -> Select[Any]:
    pair: tuple[Any, ...] = (cast(code, String), cast(name, String))
    return select(*pair)


#: Each list: code (as text) and name.
LISTS: dict[str, Select[Any]] = {
    "site": _catalog(Site),
    "department": _pair(Site.code, _DEPARTMENT).join(Country, Country.code == Site.country_code),
    "warehouse": _catalog(Warehouse),
    "category": _catalog(StockCategory),
    "void_type": _catalog(VoidType),
    "passport_type": _catalog(PassportType),
    "procedure": _catalog(Procedure),
    "reason": _catalog(DecisionReason),
    "movement": _catalog(StockMovementType),
    "user": _pair(User.id, User.username),
}
_NUMBERED = frozenset({"user"})


def read_names(session: Session, wanted: Iterable[str]) -> Names:
    """The names of each list in `wanted`, by code (by id for users), in the order of names."""
    keys = sorted(set(wanted) - {""})
    found: dict[str, dict[Any, str]] = {key: {} for key in keys}
    if not keys:
        return found
    lists = [select(literal(key).label("list"), *LISTS[key].subquery().c) for key in keys]
    for key, code, name in session.execute(union_all(*lists) if len(lists) > 1 else lists[0]):
        found[key][int(code) if key in _NUMBERED else code] = name
    return {key: dict(sorted(names.items(), key=lambda entry: entry[1])) for key, names in found.items()}
