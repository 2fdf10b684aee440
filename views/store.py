"""The data layer and the filters under FAB's generated lists, in our version.

FAB's own show SQL and personal data in error messages, count every row of a table on each page and turn a wrong value
in a filter into an error 500.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import abort
from flask_appbuilder.models.filters import BaseFilter, Filters
from flask_appbuilder.models.sqla.filters import (
    FilterRelationManyToManyEqual,
    FilterRelationOneToManyEqual,
    SQLAFilterConverter,
    get_field_setup_query,
)
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import String, and_, func, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from models.text import N_

#: Lists say "more than" this many instead of counting on.
COUNT_CAP = 10_000

_ACCENTED, _PLAIN = "áàäâéèëêíìïîóòöôúùüûñ", "aaaaeeeeiiiioooouuuun"
#: What the database refused, by SQLSTATE.
REFUSALS = {
    "23505": N_("Another record already has that value."),
    "23503": N_("%(code)s is in use: deactivate it instead."),
    "23502": N_("A required field is missing."),
    "23514": N_("A value is outside what is allowed."),
}


class RowRefused(Exception):
    """A row could not be written; the message is for the user and holds no data but the row's key."""


def folded(column: Any) -> Any:
    """The SQL expression of `column` in lower case without accents."""
    return func.translate(func.lower(column), _ACCENTED, _PLAIN)


def fold(text: str) -> str:
    """`text` in lower case without accents, as `folded` does it in SQL."""
    return text.lower().translate(str.maketrans(_ACCENTED, _PLAIN))


# ---- the data layer


class Store(SQLAInterface):  # type: ignore[misc]
    """FAB's data layer with a capped count, eager relations and errors told without SQL or personal data."""

    #: Names of relations that a list shows, loaded in one statement each.
    eager: tuple[str, ...] = ()

    def query(
        self, filters: Filters | None = None, order_column: str = "", order_direction: str = "",
        page: int | None = None, page_size: int | None = None, *_rest: Any, **_more: Any,
    ) -> tuple[int, list[Any]]:  # fmt: skip
        """The number of rows, at most `COUNT_CAP` + 1, and the rows of `page`."""
        whole = self.session.query(self.obj)
        rows = self.apply_all(whole, filters, order_column, order_direction, page, page_size)
        rows = rows.options(*(selectinload(getattr(self.obj, name)) for name in self.eager))
        if page_size is None:
            everything = rows.all()
            return len(everything), everything
        keys = self.apply_filters(whole, filters).with_entities(self.get_pk()).limit(COUNT_CAP + 1).subquery()
        return self.session.scalar(select(func.count()).select_from(keys)) or 0, rows.all()

    def add(self, item: Any, commit: bool = True) -> None:
        """Insert and commit, or `RowRefused`."""
        self.session.add(item)
        self._finish(item, commit)

    def edit(self, item: Any, commit: bool = True) -> None:
        """Update and commit, or `RowRefused`."""
        self.session.merge(item)
        self._finish(item, commit)

    def delete(self, item: Any, commit: bool = True) -> None:
        """Delete and commit, or `RowRefused`."""
        self.session.delete(item)
        self._finish(item, commit)

    def _finish(self, item: Any, commit: bool) -> None:
        key = self.get_pk_value(item)
        try:
            self.session.flush()
            if commit:
                self.session.commit()
        except DBAPIError as error:
            self.session.rollback()
            raise RowRefused(explain(error, key)) from None


def explain(error: DBAPIError, key: Any) -> str:
    """The user's words for what the database refused about the row `key`."""
    message = REFUSALS.get(getattr(error.orig, "sqlstate", None) or "")
    broken = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    if broken.startswith("pk_"):
        return str(_("The code %(code)s already exists.", code=key))
    return str(_(message, code=key) if message else _("The database did not accept it. Nothing was saved."))


# ---- filters


def typed(datamodel: SQLAInterface, column: str, value: str) -> Any:
    """`value` as the type of `column`; a value that does not fit is a 400."""
    kind = datamodel.list_columns[column].type.python_type if column in datamodel.list_columns else str
    readers: dict[type, Callable[[str], Any]] = {
        int: int, Decimal: Decimal, float: float, bool: lambda text: {"y": True, "n": False}[text],
        dt.date: dt.date.fromisoformat, dt.datetime: dt.datetime.fromisoformat,
    }  # fmt: skip
    try:
        return readers.get(kind, str)(value)
    except (ValueError, KeyError, InvalidOperation):
        abort(400)


class _Compare(BaseFilter, ABC):  # type: ignore[misc]
    @abstractmethod
    def compare(self, field: Any, value: Any) -> Any:
        """The condition on `field` that `value` asks for."""

    def apply(self, query: Any, value: Any) -> Any:
        if value == "":
            return query
        query, field = get_field_setup_query(query, self.model, self.column_name)
        return query.filter(self.compare(field, typed(self.datamodel, self.column_name, str(value))))


class Contains(_Compare):
    """Text anywhere, whatever its case and accents."""

    name = lazy_gettext("Contains")

    def compare(self, field: Any, value: Any) -> Any:
        return folded(field).contains(fold(value), autoescape=True)


class Begins(_Compare):
    """Text at the start, whatever its case and accents."""

    name = lazy_gettext("Starts with")

    def compare(self, field: Any, value: Any) -> Any:
        return folded(field).startswith(fold(value), autoescape=True)


class Equals(_Compare):
    """The very value."""

    name = lazy_gettext("Equal to")

    def compare(self, field: Any, value: Any) -> Any:
        return field == value


class AtLeast(_Compare):
    """That value or above, that day or after."""

    name = lazy_gettext("From")

    def compare(self, field: Any, value: Any) -> Any:
        return field >= value


class AtMost(_Compare):
    """That value or below, that day or before."""

    name = lazy_gettext("Up to")

    def compare(self, field: Any, value: Any) -> Any:
        return field <= value


class Words(BaseFilter):  # type: ignore[misc]
    """The search box over a list: every word in some text column. `column_name` holds the columns, comma-separated."""

    name = lazy_gettext("Search")

    def apply(self, query: Any, value: Any) -> Any:
        columns = [folded(getattr(self.model, name)) for name in self.column_name.split(",")]
        words = [fold(word) for word in str(value).split()]
        return query.filter(and_(*(or_(*(c.contains(word, autoescape=True) for c in columns)) for word in words)))


class FilterTable(SQLAFilterConverter):  # type: ignore[misc]
    """Which filters each kind of column has; the first one is what a list offers by itself."""

    conversion_table = (
        ("is_relation_many_to_one", [FilterRelationOneToManyEqual]),
        ("is_relation_one_to_one", [FilterRelationOneToManyEqual]),
        ("is_relation_many_to_many", [FilterRelationManyToManyEqual]),
        ("is_fk", [Equals]),
        ("is_boolean", [Equals]),
        ("is_text", [Contains, Begins]),
        ("is_string", [Contains, Begins, Equals]),
        ("is_integer", [Equals, AtLeast, AtMost]),
        ("is_numeric", [Equals, AtLeast, AtMost]),
        ("is_float", [Equals, AtLeast, AtMost]),
        ("is_date", [Equals, AtLeast, AtMost]),
        ("is_datetime", [AtLeast, AtMost]),
    )

    def convert(self, col_name: str) -> list[BaseFilter]:
        for test, kinds in self.conversion_table:
            if getattr(self.datamodel, test)(col_name):
                return [kind(col_name, self.datamodel) for kind in kinds]
        return []


Store.filter_converter_class = FilterTable


def text_columns(datamodel: SQLAInterface, columns: Iterable[str]) -> list[str]:
    """Those of `columns` that hold text."""
    return [name for name in columns if isinstance(getattr(datamodel.list_columns.get(name), "type", None), String)]
