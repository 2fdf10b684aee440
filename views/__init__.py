"""HTTP in and out: pages, forms and interfaces. No SQL, no rule; what may happen is asked of `workflow`."""

from flask_appbuilder import AppBuilder


def register(appbuilder: AppBuilder) -> None:
    """Add every view; each module says which are its own."""
    from importlib import import_module

    for name in MODULES:
        for view in import_module(f"views.{name}").VIEWS:
            appbuilder.add_view_no_menu(view) if not hasattr(view, "apispec_parameter_schemas") else appbuilder.add_api(
                view
            )


#: Modules with a tuple `VIEWS` of view and API classes.
MODULES: tuple[str, ...] = ()
