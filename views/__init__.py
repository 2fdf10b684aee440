"""HTTP in and out: pages, forms and interfaces. No SQL, no rule; what may happen is asked of `workflow`."""

from importlib import import_module

from flask_appbuilder import AppBuilder
from flask_appbuilder.api import BaseApi

#: Modules with a tuple `VIEWS` of their view and interface classes, in the order of the menu. Not those of accounts,
#: users and profiles: Flask-AppBuilder adds them itself, by `views.security`.
MODULES = (
    "queues cases previews pictures personalisation trays quality delivery receipts issues transfers closings "
    "enquiries booklets former lost_documents shipments reports stock_on_hand catalogs assignments reviews user_import "
    "services controls watch_lists tokens sessions second_factor corrections amendments voids extensions api osia"
).split()


def register(appbuilder: AppBuilder) -> None:
    """Add every view; each module says which are its own."""
    for name in MODULES:
        for view in import_module(f"views.{name}").VIEWS:
            add = appbuilder.add_api if issubclass(view, BaseApi) else appbuilder.add_view_no_menu
            add(view)
