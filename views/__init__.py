"""HTTP in and out: pages, forms and interfaces. No SQL, no rule; what may happen is asked of `workflow`."""

from importlib import import_module
from importlib.util import find_spec

from flask_appbuilder import AppBuilder
from flask_appbuilder.api import BaseApi

#: Modules with a tuple `VIEWS` of their view and interface classes, in the order of the menu.
MODULES = (
    "queues cases pictures personalisation quality delivery receipts enquiries catalogs users profiles account api osia"
).split()


def register(appbuilder: AppBuilder) -> None:
    """Add every view; each module says which are its own."""
    for name in MODULES:
        if not find_spec(f"views.{name}"):  # while they are being written
            continue
        for view in getattr(import_module(f"views.{name}"), "VIEWS", ()):
            add = appbuilder.add_api if issubclass(view, BaseApi) else appbuilder.add_view_no_menu
            add(view)
