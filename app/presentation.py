"""What every template may use: the menu, who is logged in, labels of states, times as people here read them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, request
from flask_babel import format_timedelta, get_locale, gettext
from flask_login import current_user
from markupsafe import Markup

from app import rendering
from app.menu import MENU, Item
from app.rendering import address, icon, translated
from models.booklets import BOOKLET_LABELS
from models.cases import EVENT_LABELS, FINDING_LABELS, STATE_LABELS
from models.clock import local
from security.actor import Actor
from security.permissions import Permission
from security.scope import acting
from views.frame import Crumb, account_links
from workflow.finding import BOX
from workflow.viewer import LABELS as PICTURES

STATE_ICONS = {
    "ENROLADA": "inbox-fill", "VALIDACION_SECUNDARIA": "exclamation-diamond-fill", "AUTORIZADA": "hand-thumbs-up",
    "RECHAZADA": "x-octagon-fill", "EN_IMPRESION": "printer-fill", "IMPRESA": "passport-fill",
    "POST_IMPRESION": "box-seam", "ENTREGADA": "person-check-fill", "CORREGIDA": "arrow-repeat",
}  # fmt: skip
BOOKLET_ICONS = {
    "NUEVA": "square", "ASIGNADA": "link-45deg", "IMPRESA": "passport-fill", "ENTREGADA": "person-check-fill",
    "ANULADA": "slash-circle-fill",
}  # fmt: skip
_STATES: dict[Any, str] = {**BOOKLET_LABELS, **STATE_LABELS}


@dataclass(frozen=True)
class ShownItem:
    """A menu item as the template draws it."""

    number: int | None
    label: str
    icon: str
    url: str
    #: The value of aria-current: "page" at the module's first page, "true" deeper in it, "" elsewhere.
    current: str


@dataclass(frozen=True)
class ShownGroup:
    key: str
    label: str
    icon: str
    items: tuple[ShownItem, ...]

    @property
    def current(self) -> bool:
        return any(item.current for item in self.items)


@dataclass(frozen=True)
class Who:
    """Who is logged in, for the top bar."""

    name: str
    username: str
    site_label: str
    profiles: tuple[str, ...]
    #: Whether the box in the header finds anything for him.
    finds: bool


@dataclass(frozen=True)
class SessionLife:
    """Seconds until the session ends: left alone (`idle`), and at the latest (`ends`)."""

    idle: int
    ends: int


def install(app: Flask) -> None:
    """Give the templates their globals and filters."""
    rendering.install(app)
    app.jinja_env.globals.update(
        account=account_links,
        menu=menu,
        menu_place=menu_place,
        state_label=state_label,
        badge_of_state=state_badge,
        badge_of_booklet=booklet_badge,
        state_icons=STATE_ICONS,
        day_of_birth=day_of_birth,
        booklet_label=booklet_label,
        event_label=event_label,
        finding_label=finding_label,
        picture_labels=PICTURES,
        local_time=local_time,
        local_date=local_date,
        elapsed=elapsed,
        lasting=lasting,
        N_=lambda text: text,
    )
    app.jinja_env.filters.update(local_time=local_time, local_date=local_date, elapsed=elapsed)
    app.jinja_env.add_extension("jinja2.ext.do")
    app.context_processor(context)


def context() -> dict[str, Any]:
    """Names that depend on the request."""
    languages = [(code, entry["name"]) for code, entry in current_app.config["LANGUAGES"].items()]
    settings = current_app.extensions["settings"]
    return {
        "who": who(), "languages": languages, "locale": str(get_locale()), "demo": settings.demo, "actor": actor(),
        "session_life": session_life(),
    }  # fmt: skip


def actor() -> Actor | None:
    """The actor of the request, if somebody is logged in."""
    return acting() if current_user.is_authenticated else None


def session_life() -> SessionLife | None:
    """How long the session of the request lives from now."""
    somebody = actor()
    if somebody is None or somebody.session is None:
        return None
    lifetime: dt.timedelta = current_app.config["PERMANENT_SESSION_LIFETIME"]
    left = somebody.session.expires_at - dt.datetime.now(dt.UTC)
    return SessionLife(int(lifetime.total_seconds()), max(0, int(left.total_seconds())))


def who() -> Who | None:
    if actor() is None:
        return None
    somebody: Actor = current_user.actor
    sites = gettext("Every site") if somebody.sites is None else ", ".join(sorted(somebody.sites))
    return Who(somebody.name, somebody.username, sites, somebody.profiles, somebody.may(*BOX))


@dataclass(frozen=True)
class Place:
    """On what the menu depends: what the actor may do, and the item that the page lies under, or is itself."""

    permissions: frozenset[Permission]
    here: Item | None
    is_page: bool


def menu_place(crumbs: Sequence[Crumb] = ()) -> Place:
    """The place of the page that is drawn: under the item its address lies under, else its breadcrumbs."""
    somebody = actor()
    permissions: frozenset[Permission] = somebody.permissions if somebody else frozenset()
    here = _current([item for group in MENU for item in _allowed(group.items, permissions)], crumbs)
    return Place(permissions, here, here is not None and request.script_root + request.path == _url(here))


def menu(place: Place) -> list[ShownGroup]:
    """The groups and items that may be used at `place`, its own marked."""
    groups = []
    for group in MENU:
        items = tuple(_shown(item, place) for item in _allowed(group.items, place.permissions))
        if items:
            groups.append(ShownGroup(group.key, translated(group.label), group.icon, items))
    return groups


def _allowed(items: Sequence[Item], permissions: frozenset[Permission]) -> list[Item]:
    return [item for item in items if not permissions.isdisjoint(item.permissions)]


def _current(items: Sequence[Item], crumbs: Sequence[Crumb]) -> Item | None:
    """The item of the page that is drawn: by its address, else by the nearest breadcrumb that lies under one."""
    addresses = [request.script_root + request.path, *(url for _label, url in reversed(crumbs) if url)]
    for place in addresses:
        for item in items:
            if place.startswith(_roots(item, request.script_root)):
                return item
    return None


@lru_cache(maxsize=256)
def _roots(item: Item, _root: str) -> tuple[str, ...]:
    """What the addresses of a module begin with."""
    return (_url(item), address("QueueView.sites", key=item.queue)) if item.queue else (_url(item),)


def _url(item: Item) -> str:
    values: dict[str, Any] = dict(item.values)
    return address(item.endpoint, **values)


def _shown(item: Item, place: Place) -> ShownItem:
    current = "" if item is not place.here else "page" if place.is_page else "true"
    return ShownItem(item.number, translated(item.label), item.icon, _url(item), current)


@lru_cache(maxsize=512)
def _badge(css: str, drawn: Markup, label: str) -> Markup:
    return Markup('<span class="badge-state {}">{}<span>{}</span></span>').format(css, drawn, label)


def state_badge(code: str, label: str | None = None) -> Markup:
    """A case state: its colour, its shape and its translated name, the same everywhere."""
    return _badge(f"state-{code}", icon(STATE_ICONS.get(code, "circle")), label or state_label(code))


def booklet_badge(code: str, label: str | None = None) -> Markup:
    """A booklet's state, likewise."""
    return _badge(f"booklet-{code}", icon(BOOKLET_ICONS.get(code, "circle")), label or booklet_label(code))


def state_label(code: str | None) -> str:
    """The name of a case's or a booklet's state."""
    return translated(_STATES[code]) if code in _STATES else str(code or "")


def booklet_label(code: str) -> str:
    return translated(dict[Any, str](BOOKLET_LABELS).get(code, code))


def event_label(code: str) -> str:
    return translated(dict[Any, str](EVENT_LABELS).get(code, code))


def finding_label(code: str) -> str:
    return translated(dict[Any, str](FINDING_LABELS).get(code, code))


def local_time(instant: dt.datetime | None) -> str:
    """`instant` on the clock of Guatemala, day first as people here write it."""
    return local(instant).strftime("%d/%m/%Y %H:%M:%S") if instant else ""


@lru_cache(maxsize=4096)
def day_of_birth(text: str | None) -> str:
    """A date of birth, YYYY, YYYY-MM or YYYY-MM-DD, day first; XX for what is unknown."""
    if not text:
        return ""
    year, month, day = (*text.split("-"), "00", "00")[:3]
    return f"{'XX' if day == '00' else day}/{'XX' if month == '00' else month}/{year}"


def local_date(day: dt.date | dt.datetime | None) -> str:
    """A day, day first."""
    if isinstance(day, dt.datetime):
        day = local(day).date()
    return day.strftime("%d/%m/%Y") if day else ""


def lasting(time: dt.timedelta) -> str:
    """How long, in the largest unit."""
    return _spelt_rounded(int(time.total_seconds()))


def elapsed(since: dt.datetime | None) -> str:
    """How long ago, in the largest unit."""
    if since is None:
        return ""
    return _spelt_rounded(int((dt.datetime.now(dt.UTC) - since).total_seconds()))


def _spelt_rounded(seconds: int) -> str:
    return _spelt(str(get_locale()), seconds if abs(seconds) < 3600 else seconds // 60 * 60)


@lru_cache(maxsize=4096)
def _spelt(_locale: str, seconds: int) -> str:
    return str(format_timedelta(dt.timedelta(seconds=seconds)))
