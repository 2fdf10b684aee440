"""Every address asks for something on purpose, and the menu leads to addresses that exist."""

from pathlib import Path

from flask import Flask, url_for

from app.menu import MENU
from app.routes import OPEN, Route, routes
from security.permissions import Permission
from security.roles import BY_CODE
from workflow.machine import TRANSITIONS
from workflow.queues import QUEUES

#: Open on purpose although the route is ours: none so far.
PUBLIC: frozenset[str] = frozenset()
SOURCES = [
    path
    for package in ("views", "reports", "workflow")
    for path in (Path(__file__).parent.parent.parent / package).rglob("*.py")
]


def found(app: Flask) -> list[Route]:
    return list(routes(app))


def test_every_route_declares_what_it_asks_for(app: Flask) -> None:
    assert len(found(app)) > 50


def test_nothing_is_open_but_what_is_listed(app: Flask) -> None:
    unasked = {route.endpoint for route in found(app) if route.permissions is None}
    assert unasked - OPEN.keys() == PUBLIC


def test_every_listed_open_endpoint_exists(app: Flask) -> None:
    assert set(OPEN) <= set(app.view_functions)


def test_the_interfaces_never_take_a_session_cookie(app: Flask) -> None:
    for route in found(app):
        if route.path.startswith(("/api/v1/cases", "/api/v1/booklets", "/osia/")):
            answer = app.test_client().open(route.path.replace("<", "").replace(">", ""), method=route.methods[0])
            assert answer.status_code == 401, route


def test_every_item_of_the_menu_leads_to_a_page_its_permission_opens(app: Flask) -> None:
    by_endpoint = {route.endpoint: route for route in found(app)}
    with app.test_request_context():
        for group in MENU:
            for item in group.items:
                assert url_for(item.endpoint, **dict(item.values))
                assert item.permission in (by_endpoint[item.endpoint].permissions or ()), item


def test_the_menu_keeps_the_order_of_the_manual() -> None:
    numbers = [item.number for group in MENU for item in group.items if item.number is not None]
    assert numbers == sorted(set(numbers))


def test_every_queue_is_in_the_menu() -> None:
    listed = {item.number: item.permission for group in MENU for item in group.items}
    assert {queue.module: queue.permission for queue in QUEUES.values()}.items() <= listed.items()


def test_every_permission_is_asked_for_somewhere(app: Flask) -> None:
    asked = {permission for route in found(app) for permission in route.permissions or ()}
    asked |= {move.permission for move in TRANSITIONS.values()} | {Permission.SEE_EVERY_SITE}
    sources = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    asked |= {permission for permission in Permission if f"Permission.{permission.name}" in sources}
    assert set(Permission) - asked == set()


def test_every_permission_is_given_to_a_profile() -> None:
    assert set().union(*(profile.permissions for profile in BY_CODE.values())) == set(Permission)


def test_a_permission_has_a_pair_of_its_own() -> None:
    pairs = [permission.value.pair for permission in Permission]
    assert len(pairs) == len(set(pairs))
