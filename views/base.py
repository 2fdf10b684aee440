"""What our generated views have in common over Flask-AppBuilder: lists made safe. Catalogs: views.catalog.

FAB keeps search filters on one object per view (with threads a user saw another's), lets actions skip the view's
filters, loses the typed form on a database error and obeys any page size; the obvious alternative, patching its
classes, breaks at each release, so everything is overridden here once.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.actions import ActionItem
from flask_appbuilder.models.filters import Filters
from flask_appbuilder.urltools import get_filter_args, get_order_args, get_page_args, get_page_size_args

from models.base import session as database
from security.history import changes_of
from security.trail import SUBJECTS
from views.frame import AccountLinks, Crumb, GuardedFrame, Page, account_links
from views.store import COUNT_CAP, RowRefused, Store, Words
from views.widgets import FormedView

__all__ = ["AccountLinks", "AdminView", "Crumb", "Page", "RowRefused", "account_links"]

PAGE_SIZES = (25, 50, 100)


class AdminView(GuardedFrame, FormedView):
    """FAB's generated list, show, add and edit, made safe. Mix it in before FAB's security views too.

    `search_columns` is required. Permissions collapse to can_read and can_edit on `class_permission_name`.
    """

    base_order: ClassVar[tuple[str, str] | None] = None
    eager: ClassVar[tuple[str, ...]] = ()
    #: The column that names a row and leads to it; the list's first when None.
    name_column: ClassVar[str | None] = None
    #: Tables besides its own whose changes are told on the page of a row, logged under the row's key.
    history_of: ClassVar[tuple[str, ...]] = ()
    #: Columns the one-line search looks in; empty hides it.
    word_columns: ClassVar[tuple[str, ...]] = ()
    include_route_methods: set[str] = {"list", "show", "add", "edit", "action", "action_post"}  # noqa: RUF012
    method_permission_name: dict[str, str] = {  # noqa: RUF012
        "list": "read", "show": "read", "add": "edit", "edit": "edit",
    }  # fmt: skip

    def __init__(self, **options: Any) -> None:
        if not self.search_columns:
            raise TypeError(f"{type(self).__name__} must declare search_columns")
        self.method_permission_name = dict(self.method_permission_name)
        self._lend_store()
        super().__init__(**options)

    def _lend_store(self) -> None:
        model = self.datamodel.obj if self.datamodel else self.model
        self.datamodel = Store(model, database)
        self.datamodel.eager = self.eager

    def get_uninit_inner_views(self) -> list[Any]:
        """No lists inside the show page: FAB would run them all, unfiltered."""
        return []

    # Filters: one copy per request.
    @property
    def _filters(self) -> Filters:
        mine: dict[int, Filters] = g.setdefault("list_filters", {})
        if id(self) not in mine:
            mine[id(self)] = copy(self._filters_model)
            mine[id(self)].clear_filters()
        return mine[id(self)]

    @_filters.setter
    def _filters(self, filters: Filters) -> None:
        self._filters_model = filters

    def render_template(self, template: str, **values: Any) -> ResponseReturnValue:
        """Add the breadcrumbs to whatever FAB renders."""
        if request.endpoint == f"{self.endpoint}.show":
            values["title"] = f"{values['title']}: {g.shown_name}"
        here = request.endpoint == f"{self.endpoint}.list"
        values.setdefault("crumbs", self.crumbs() if here else self.crumbs((values.get("title", ""), None)))
        return super().render_template(template, **values)  # type: ignore[no-any-return]

    def _list(self, **options: Any) -> dict[str, Any]:
        order, direction = self._order()
        page, size = self._place()
        filters = self._filters
        self._read_filters(filters)
        widgets = self._get_list_widget(
            filters=filters, order_column=order, order_direction=direction, page=page, page_size=size, **options
        )
        return self._get_search_widget(form=self.search_form.refresh(), widgets=widgets)

    def _read_filters(self, filters: Filters) -> None:
        try:
            get_filter_args(filters)
        except IndexError:
            abort(400)
        words = request.args.get("q", "").strip()
        if words and self.word_columns:
            filters._add_filter(Words(",".join(self.word_columns), self.datamodel), words)

    def _order(self) -> tuple[str, str]:
        column, direction = get_order_args().get(type(self).__name__) or self.base_order or ("", "")
        if column and column not in self.order_columns:
            abort(400)
        return column, direction

    def _place(self) -> tuple[int, int]:
        name = type(self).__name__
        try:
            page, size = get_page_args().get(name) or 0, get_page_size_args().get(name) or self.page_size
        except ValueError:
            abort(400)
        size = min(max(size, PAGE_SIZES[0]), PAGE_SIZES[-1])
        return min(max(page, 0), COUNT_CAP // size), size

    def _get_list_widget(self, **options: Any) -> dict[str, Any]:
        widgets = super()._get_list_widget(**options)
        shown = widgets["list"].template_args
        rows = list(shown["value_columns"])
        if options.get("page") and not rows:
            return self._get_list_widget(**{**options, "page": 0})
        acts = {key: self._allowed(row) for key, row in zip(shown["pks"], rows, strict=True)}
        shown.update(value_columns=rows, row_actions=acts, caption=self.list_title, name_column=self.name_column)
        return widgets  # type: ignore[no-any-return]

    def row_actions(self, row: dict[str, Any]) -> list[ActionItem]:
        """The actions offered on one row of the list, by its shown values."""
        return []

    def _allowed(self, row: dict[str, Any]) -> list[ActionItem]:
        return [act for act in self.row_actions(row) if self._may(act.name)]

    def _may(self, name: str) -> bool:
        held = self.appbuilder.sm.has_access(self.get_action_permission_name(name), self.class_permission_name)
        return bool(held)

    def _get_search_widget(self, **options: Any) -> dict[str, Any]:
        widgets = super()._get_search_widget(**options)
        widgets["search"].template_args["quick_search"] = bool(self.word_columns)
        return widgets  # type: ignore[no-any-return]

    # Writing: a refused row comes back with what was typed.
    def _add(self) -> dict[str, Any] | None:
        form = self.add_form.refresh()
        if request.method == "POST" and form.validate() and self._write(form, self.datamodel.obj(), created=True):
            return None
        return self._with_links(self._get_add_widget(form=form), "add")

    def _edit(self, pk: Any) -> dict[str, Any] | None:
        item = self._mine(pk)
        form = self.edit_form.refresh(obj=item)
        form._id = self.datamodel.get_pk_value(item)
        if request.method == "POST":
            if form.validate() and self._write(form, item, created=False):
                return None
        else:
            self.prefill_form(form, form._id)
        widgets = self._with_links(self._get_edit_widget(form=form), "edit")
        widgets["edit"].template_args["fixed"] = self.fixed(form._id)
        return widgets

    def _write(self, form: Any, item: Any, *, created: bool) -> bool:
        before, store, after, message = (
            (self.pre_add, self.datamodel.add, self.post_add, self.add_row_message) if created
            else (self.pre_update, self.datamodel.edit, self.post_update, self.edit_row_message)
        )  # fmt: skip
        try:
            self.process_form(form, created)
            form.populate_obj(item)
            before(item)
            store(item)
            after(item)
        except RowRefused as refusal:
            database.rollback()
            flash(str(refusal), "danger")
            return False
        flash(message, "success")
        return True

    def fixed(self, pk: Any) -> list[tuple[str, Any]]:
        """What the edit form shows but does not change: (label, value)."""
        return []

    def _with_links(self, widgets: dict[str, Any], name: str) -> dict[str, Any]:
        widgets[name].template_args["back_url"] = self.home_url()
        return widgets

    def _get_show_widget(self, pk: Any, item: Any, *rest: Any, **options: Any) -> dict[str, Any]:
        g.shown_name = str(item)
        widgets = super()._get_show_widget(pk, item, *rest, **options)
        tables = (item.__tablename__, *self.history_of)
        shown = widgets["show"].template_args
        shown["history"] = changes_of(database(), *((table, str(pk)) for table in tables))
        shown["subjects"] = SUBJECTS if self.history_of else None
        return self._with_links(widgets, "show") if "list" in self.include_route_methods else widgets

    def post_add_redirect(self) -> ResponseReturnValue:
        return redirect(self.home_url(), 303)

    post_edit_redirect = post_add_redirect

    # Actions: POST only, known, allowed, on rows this user may see.
    def _mine(self, pk: Any) -> Any:
        return self.datamodel.get(pk, self._base_filters) or abort(404)

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> ResponseReturnValue:
        """One action on one row."""
        return self._act(name, lambda: self._mine(pk))

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> ResponseReturnValue:
        """One action on the marked rows."""
        name, marked = request.form.get("action", ""), request.form.getlist("rowid")
        if name in self.actions and not self.actions[name].multiple:
            abort(404)
        return self._act(name, lambda: [self._mine(pk) for pk in marked])

    def _act(self, name: str, rows: Callable[[], Any]) -> ResponseReturnValue:
        if name not in self.actions:
            abort(404)
        if not self._may(name):
            abort(403)
        return self.actions[name].func(rows())  # type: ignore[no-any-return]
