"""The forms of FAB's generated views: plain HTML inputs, catalog codes, check lists and the permissions of a profile.

FAB's own fields would draw Bootstrap 3 date pickers and require every boolean to be marked.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import g
from flask_appbuilder import ModelView
from flask_appbuilder.fields import QuerySelectField, QuerySelectMultipleField
from flask_appbuilder.forms import GeneralModelConverter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import select
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.widgets import Select

from views.store import fold


def _tidy(value: str | None) -> str | None:
    return (value or "").strip() or None


class CodeField(SelectField):
    """A column that holds the code of another catalog's entry: offers the active ones and the present one."""

    def __init__(self, label: str, session: Any, target: Any, required: bool, **options: Any) -> None:
        super().__init__(label, coerce=lambda value: value or None, validate_choice=True, **options)
        self.session, self.target, self.required = session, target, required
        self._found: list[tuple[str, str]] | None = None

    def iter_choices(self) -> Iterator[tuple[Any, str, bool, dict[str, Any]]]:
        if not self.required or not self.data:
            yield "", "", not self.data, {}
        for code, name in self._entries():
            yield code, f"{name} ({code})", code == self.data, {}

    def has_groups(self) -> bool:
        return False

    def pre_validate(self, form: Any) -> None:
        if self.data and self.data not in dict(self._entries()):
            raise validators.ValidationError(_("Not a valid choice"))

    def _entries(self) -> list[tuple[str, str]]:
        if self._found is None:
            known = catalog_entries(self.session, self.target).items()
            self._found = [(code, name) for code, (name, active) in known if active or code == self.data]
        return self._found


def catalog_entries(session: Any, target: Any) -> dict[str, tuple[str, bool]]:
    """Name and state of the catalog `target`'s entries by code, in the order of names; read once per request."""
    read: dict[Any, dict[str, tuple[str, bool]]] = g.setdefault("catalog_entries", {})
    if target not in read:
        rows = session.execute(select(target.code, target.name, target.active))
        read[target] = {code: (name, active) for code, name, active in sorted(rows, key=lambda row: fold(row.name))}
    return read[target]


def _is_free(datamodel: SQLAInterface, column: str) -> Callable[[Any, Any], None]:
    """Nobody else has the value; FAB's own check neither says who nor in the user's language."""

    def check(form: Any, field: Any) -> None:
        same = select(datamodel.obj).where(getattr(datamodel.obj, column) == field.data)
        taken = datamodel.session.scalars(same).first()
        if taken is not None and datamodel.get_pk_value(taken) != getattr(form, "_id", None):
            raise validators.StopValidation(
                _("The code %(code)s already exists: %(name)s.", code=field.data, name=str(taken))
            )

    return check


class FormMaker(GeneralModelConverter):  # type: ignore[misc]
    """Forms of a model with plain HTML inputs: the browser's date picker, no placeholder, booleans may be unmarked."""

    FIELDS = (
        ("is_text", TextAreaField),
        ("is_string", StringField),
        ("is_integer", IntegerField),
        ("is_numeric", DecimalField),
        ("is_float", DecimalField),
        ("is_date", DateField),
        ("is_datetime", DateTimeLocalField),
    )

    def _convert_simple(self, name: str, label: str, description: str, checks: list[Any], props: dict[str, Any]) -> Any:
        props[name] = self._simple(name, label, [*checks], {"description": description, "default": self._default(name)})
        return props

    def _simple(self, name: str, label: str, checks: list[Any], options: dict[str, Any]) -> Any:
        model = self.datamodel
        if model.is_boolean(name):
            return BooleanField(label, **options)
        required = not model.is_nullable(name)
        needed = validators.DataRequired if model.is_string(name) else validators.InputRequired
        checks.append(needed() if required else validators.Optional())
        checks += [_is_free(model, name)] if model.is_unique(name) else []
        if model.is_fk(name):
            return CodeField(label, model.session, target_of(model, name), required, validators=checks, **options)
        longest = model.get_max_length(name)
        checks += [validators.Length(max=longest)] if longest != -1 else []
        kind = next(field for test, field in self.FIELDS if getattr(model, test)(name))
        if issubclass(kind, StringField):
            options["filters"] = [_tidy]
        return kind(label, validators=checks, **options)

    def _default(self, name: str) -> Any:
        return self.datamodel.get_col_default(name)

    def _convert_many_to_one(self, col_name: str, *rest: Any) -> Any:
        props = super()._convert_many_to_one(col_name, *rest)
        return self._redraw(props, col_name, QuerySelectField, Select())

    def _convert_many_to_many(self, col_name: str, *rest: Any) -> Any:
        props = super()._convert_many_to_many(col_name, *rest)
        return self._redraw(props, col_name, QuerySelectMultipleField, CheckList())

    @staticmethod
    def _redraw(props: dict[str, Any], name: str, kind: type, widget: Any) -> dict[str, Any]:
        unbound = props[name]
        props[name] = kind(*unbound.args, **{**unbound.kwargs, "widget": widget})
        return props


class FormedView(ModelView):  # type: ignore[misc]
    """The words and forms of a generated view: labels from the columns' `info`, titles from the model's `label`."""

    datamodel: Any
    label_columns: Any
    list_title: Any
    add_title: Any
    edit_title: Any
    show_title: Any
    add_form: Any
    edit_form: Any
    search_form: Any
    route_base: Any
    #: One entry's name as a message id; the model's `label` when None.
    singular: str | None = None

    def _gen_labels_columns(self, list_columns: Iterable[str]) -> None:
        for name in list_columns:
            source = self.datamodel.list_columns.get(name, self.datamodel.list_properties.get(name))
            label = getattr(source, "info", {}).get("label")
            if label and name not in self.label_columns:
                self.label_columns[name] = lazy_gettext(label)
        super()._gen_labels_columns(list_columns)

    def _init_titles(self) -> None:
        singular, screen = self.singular or getattr(self.datamodel.obj, "label", None), getattr(self, "screen", None)
        if screen:
            self.list_title = lazy_gettext(screen)
        if singular:
            what = lazy_gettext(singular)
            self.add_title = self.add_title or lazy_gettext("Add: %(what)s", what=what)
            self.edit_title = self.edit_title or lazy_gettext("Edit: %(what)s", what=what)
            self.show_title = self.show_title or what
        super()._init_titles()

    def _init_forms(self) -> None:
        make = FormMaker(self.datamodel).create_form
        shared = (self.label_columns,)
        described = (self.description_columns, self.validators_columns)
        self.search_form = self.search_form or make(
            *shared, self.search_columns, None, None, self.search_form_extra_fields, self.search_form_query_rel_fields
        )
        self.add_form = self.add_form or make(
            *shared, self.add_columns, *described, self.add_form_extra_fields, self.add_form_query_rel_fields
        )
        self.edit_form = self.edit_form or make(
            *shared, self.edit_columns, *described, self.edit_form_extra_fields, self.edit_form_query_rel_fields
        )


def target_of(datamodel: SQLAInterface, column: str) -> Any:
    """The mapped class whose key the foreign key `column` holds."""
    table = next(iter(datamodel.list_columns[column].foreign_keys)).column.table
    return next(mapper.class_ for mapper in datamodel.obj.registry.mappers if mapper.local_table is table)


class CheckList:
    """A multiple choice as check boxes, with a box to narrow a long list."""

    is_group = True

    def __call__(self, field: Any, **_options: Any) -> Markup:
        choices = list(field.iter_choices())
        boxes = Markup("").join(_box(field, number, *choice[:3]) for number, choice in enumerate(choices))
        tools = narrowing_box(field.id) if len(choices) > 12 else Markup("")
        return tools + Markup('<div class="checklist" id="{}">{}</div>').format(field.id, boxes)


class PermissionSets:
    """The permissions of a profile: one fieldset per screen, each act in words.

    `describe` gives (screen, act) in the user's language for one of the field's objects; those it answers None for
    are FAB's own and come last, folded, so that saving never drops them.
    """

    is_group = True

    def __init__(self, describe: Callable[[Any], tuple[str, str] | None]) -> None:
        self.describe = describe

    def __call__(self, field: Any, **_options: Any) -> Markup:
        known: list[tuple[tuple[str, str], Markup]] = []
        other = Markup("")
        for number, (value, label, marked, *_more) in enumerate(field.iter_choices()):
            words = self.describe(label)
            box = _box(field, number, value, words[1] if words else label, marked)
            if words:
                known.append((words, box))
            else:
                other += box
        known.sort(key=itemgetter(0))
        sets = Markup("").join(_set(screen, group) for screen, group in groupby(known, key=lambda row: row[0][0]))
        listed = Markup('<div class="permission-sets" id="{}">{}</div>').format(field.id, sets)
        return narrowing_box(field.id) + listed + (_folded(other) if other else Markup(""))


def _folded(boxes: Markup) -> Markup:
    return Markup(
        '<details class="filters"><summary>{}</summary><div class="filter-form checklist">{}</div></details>'
    ).format(_("Permissions of the framework"), boxes)


def narrowing_box(target: str) -> Markup:
    """The input that narrows the check list with the id `target` (forms.js)."""
    return Markup(
        '<div class="checklist-tools"><input type="search" class="form-control" autocomplete="off" data-narrow="{}"'
        ' aria-label="{}" placeholder="{}"></div>'
    ).format(target, _("Narrow the list"), _("Narrow the list"))


def _set(screen: str, rows: Iterable[tuple[Any, Markup]]) -> Markup:
    return Markup('<fieldset class="permission-set"><legend>{}</legend>{}</fieldset>').format(
        screen, Markup("").join(box for _words, box in rows)
    )


def _box(field: Any, number: int, value: Any, label: Any, marked: bool) -> Markup:
    key = f"{field.id}-{number}"
    return Markup(
        '<div class="check"><input class="form-check-input" type="checkbox" id="{}" name="{}" value="{}"{}>'
        '<label class="form-check-label" for="{}">{}</label></div>'
    ).format(key, field.name, value, Markup(" checked") if marked else "", key, label)
