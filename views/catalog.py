"""A catalog in a few lines: what all of them do over FAB's generated views. Nothing in them is ever deleted."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_appbuilder.actions import ActionItem, action
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from wtforms import SelectField
from wtforms.validators import InputRequired, StopValidation

from models.base import session as database
from models.text import N_
from views.access import transaction
from views.base import AdminView
from views.checks import Check, matches
from views.widgets import catalog_entries, target_of

CODE = matches(r"[A-Z0-9][A-Z0-9_.-]*", N_("Capital letters, digits, hyphen, point and underscore only."))


class CatalogView(AdminView):
    """A catalog: `model` (string key `code`, `name`, `active`) and the `columns` it shows.

    class CountryView(CatalogView):
        model = Country
        columns = ("code", "name", "alpha2", "mrz_code", "active")
    """

    model: ClassVar[Any]
    columns: ClassVar[tuple[str, ...]]
    #: Those of `columns` the list shows; all when empty.
    listed: ClassVar[tuple[str, ...]] = ()
    #: What a column's value must be, besides its type and length.
    checks: ClassVar[dict[str, list[Check]]] = {}
    #: Columns that hold one of a few fixed words, chosen from a list: word -> message id.
    words: ClassVar[dict[str, dict[str, str]]] = {}
    group = N_("Catalogs")
    class_permission_name = "Catalogs"
    base_order = ("code", "asc")
    word_columns = ("code", "name")
    method_permission_name: dict[str, str] = {  # noqa: RUF012
        **AdminView.method_permission_name, "deactivate": "edit", "reactivate": "edit",
    }  # fmt: skip

    def __init__(self, **options: Any) -> None:
        table, columns = self.model.__table__, list(self.columns)
        self.list_columns = list(self.listed or columns)
        self.show_columns = self.search_columns = columns
        self.add_columns = [name for name in columns if name != "active"]
        self.edit_columns = [name for name in self.add_columns if name != "code"]
        self.route_base = self.route_base or f"/catalogs/{table.name.replace('_', '-')}"
        self.screen = self.screen or self.model.label_plural
        self.validators_columns = {**self.checks, "code": [*self.checks.get("code", [CODE]), self._code_is_free]}
        fields = {name: self._choice(name) for name in self.words}
        self.add_form_extra_fields = self.edit_form_extra_fields = self.search_form_extra_fields = fields
        self.formatters_columns = {name: self._entry_name(name) for name in columns if table.c[name].foreign_keys}
        self.formatters_columns |= {name: self._word(name) for name in self.words}
        super().__init__(**options)

    def _entry_name(self, column: str) -> Callable[[str | None], str]:
        """Shows the other catalog's name for its code."""

        def shown(code: str | None) -> str:
            known = catalog_entries(database, target_of(self.datamodel, column))
            return known[code][0] if code in known else code or "—"

        return shown

    def _word(self, column: str) -> Callable[[str | None], str]:
        return lambda word: _(self.words[column].get(word or "", word or "—"))

    def _choice(self, column: str) -> Any:
        return SelectField(
            lazy_gettext(self.model.__table__.c[column].info["label"]),
            choices=lambda: [("", ""), *((word, _(text)) for word, text in self.words[column].items())],
            validators=[InputRequired(), *self.checks.get(column, [])],
        )

    def _code_is_free(self, _form: Any, field: Any) -> None:
        taken = database.get(self.model, field.data) if field.data else None
        if taken is not None:
            raise StopValidation(_("The code %(code)s already exists: %(name)s.", code=taken.code, name=taken.name))

    def fixed(self, pk: Any) -> list[tuple[str, Any]]:
        return [(self.label_columns["code"], pk)]

    def row_actions(self, row: dict[str, Any]) -> list[ActionItem]:
        return [self.actions["deactivate" if row.get("active", True) else "reactivate"]]

    def _get_show_widget(self, pk: Any, item: Any, *rest: Any, **options: Any) -> dict[str, Any]:
        options["actions"] = {act.name: act for act in self.row_actions({"active": item.active})}
        return super()._get_show_widget(pk, item, *rest, **options)

    @action(
        "deactivate",
        lazy_gettext("Deactivate"),
        lazy_gettext("It will no longer be offered; what already uses it keeps it."),
        "slash-circle",
    )
    def deactivate(self, rows: Any) -> ResponseReturnValue:
        """Stop offering the rows."""
        return self._set_active(rows, active=False)

    @action(
        "reactivate", lazy_gettext("Reactivate"), lazy_gettext("It will be offered again."), "arrow-counterclockwise"
    )
    def reactivate(self, rows: Any) -> ResponseReturnValue:
        """Offer the rows again."""
        return self._set_active(rows, active=True)

    def _set_active(self, rows: Any, *, active: bool) -> ResponseReturnValue:
        chosen = rows if isinstance(rows, list) else [rows]
        with transaction():
            for row in chosen:
                row.active = active
        flash(ngettext("%(num)s entry changed.", "%(num)s entries changed.", len(chosen)), "success")
        return redirect(self.home_url(), 303)
