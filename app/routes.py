"""What each address asks of who calls it, read from the views: for the reference, and to prove none is forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_appbuilder.const import PERMISSION_PREFIX

from security.manager import OWN_ACCOUNT
from security.permissions import BY_PAIR, Permission

#: Addresses that ask for nothing, and why that is right.
OPEN = {
    "static": "style and scripts",
    "appbuilder.static": "style and scripts",
    "bootstrap.static": "style and scripts",
    "AuthDBView.login": "logging in",
    "AuthDBView.code": "logging in, second step: asks for the first",
    "AuthDBView.logout": "logging out",
    "LocaleView.index": "changing the language",
    "UtilView.back": "going back in one's own history",
    "SecurityApi.login": "logging in",
    "SecurityApi.refresh": "asks for a refresh token",
}
#: Methods of generated lists that check the permission of the action they are asked for.
CHECKED_INSIDE = frozenset({"action", "action_post"})


class Undeclared(LookupError):
    """A route says nothing about who may call it."""


@dataclass(frozen=True)
class Route:
    """One address. `permissions`: one of them is needed; None: open to anybody; empty: anybody who is logged in.

    `closed`: it asks for a permission of the framework that nobody can be given.
    """

    path: str
    methods: tuple[str, ...]
    endpoint: str
    permissions: tuple[Permission, ...] | None
    closed: bool = False


def routes(app: Flask) -> Iterator[Route]:
    """Every route of `app`, by address; raises `Undeclared`."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        methods = tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        yield _route(rule.rule, methods, rule.endpoint, app.view_functions[rule.endpoint])


def _route(path: str, methods: tuple[str, ...], endpoint: str, function: Any) -> Route:
    if endpoint in OPEN:
        return Route(path, methods, endpoint, None)
    if hasattr(function, "permissions"):
        return Route(path, methods, endpoint, function.permissions)
    if hasattr(function, "permissions_of"):
        return Route(path, methods, endpoint, getattr(function.__self__, function.permissions_of))
    pairs = _pairs(endpoint, function)
    permissions = tuple(dict.fromkeys(BY_PAIR[pair] for pair in pairs if pair in BY_PAIR))
    own = all(screen in OWN_ACCOUNT for _act, screen in pairs)
    return Route(path, methods, endpoint, permissions, closed=not permissions and not (pairs and own))


def _pairs(endpoint: str, function: Any) -> list[tuple[str, str]]:
    """Flask-AppBuilder's pairs of permission and view that let one in."""
    view = getattr(function, "__self__", None)
    if view is None:
        raise Undeclared(endpoint)
    if hasattr(function, "_permission_name"):
        name = (view.method_permission_name or {}).get(function.__name__) or function._permission_name
        return [(PERMISSION_PREFIX + name, view.class_permission_name)]
    if function.__name__ in CHECKED_INSIDE and hasattr(view, "actions"):
        return [(view.get_action_permission_name(name), view.class_permission_name) for name in view.actions]
    raise Undeclared(endpoint)
