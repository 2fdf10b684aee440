"""What every page asks for hundreds of times, made cheap: translations, addresses, icons, and calls from templates.

The usual ways cost more than all the rest of a page: Flask-Babel looks for the locale at each text, Jinja copies its
context for it inside loops, and Werkzeug goes through its rules for each address (docs/decisions/0024). Here each text
is translated once a process and language, and each address is built once with marks in the place of its values.
"""

import re
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import get_domain, get_locale
from jinja2.environment import Template, TemplateModule
from jinja2.runtime import Context, Macro
from markupsafe import Markup
from werkzeug.routing import BuildError

_PLAIN = (FunctionType, BuiltinFunctionType, MethodType)
#: Values that stand in an address as they are.
_SAFE = re.compile(r"[A-Za-z0-9_.-]+")
_MARK = "zq{}qz"

#: Pieces of pages that are kept, a few thousand characters each.
KEPT_AT_MOST = 1000
_parts_kept: dict[Hashable, Markup] = {}
_patterns: dict[tuple[Any, ...], tuple[str, ...] | None] = {}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What holds for all of a page that is drawn: the language's code, and what addresses in it depend on."""

    language: str
    url_map: Any
    root: str
    blueprint: str | None


#: The page that is drawn; None outside a page.
_drawn: ContextVar[Drawn | None] = ContextVar("drawn", default=None)


def install(app: Flask) -> None:
    """Give the templates the quick ways instead of the usual ones."""
    app.jinja_env.context_class, app.jinja_env.template_class = PageContext, PageTemplate
    app.jinja_env.globals.update(_=translated, gettext=translated, url_for=address)
    app.jinja_env.globals.update(svg_icon=icon, drawn_once=drawn_once)
    app.context_processor(_begin_page)
    app.teardown_request(_end_page)


def _begin_page() -> dict[str, Any]:
    """Before each page, what holds for all of it, looked up once."""
    _drawn.set(Drawn(_language(), current_app.url_map, request.script_root, request.blueprint) if request else None)
    return {}


def _end_page(_error: BaseException | None) -> None:
    _drawn.set(None)


def _language() -> str:
    """The code of the language; no two of ours differ only in their country."""
    locale = get_locale()
    return locale.language if locale else ""


class PageTemplate(Template):
    """Jinja's template; what is imported without context is made once, whatever the globals of the page: all are alike.

    The original compares them at each import.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class PageContext(Context):
    """Jinja's context, calling macros and plain functions without asking what they want to be given."""

    def call(__self, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        kind = type(__obj)
        if kind is Macro:
            args = (__self.eval_ctx, *args)
        elif kind not in _PLAIN or hasattr(__obj, "jinja_pass_arg"):
            return super().call(__obj, *args, **kwargs)
        if kwargs:
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
        return __obj(*args, **kwargs)


def translated(message: str, /, **values: Any) -> Markup:
    """The text of `message` in the language of the request, `values` escaped in their places. Jinja's `_`."""
    page = _drawn.get()
    language = page.language if page else _language()
    return _sentence(language, message) % values if values else _plain_sentence(language, message)


@lru_cache(maxsize=8192)
def _sentence(_language: str, message: str) -> Markup:
    return Markup(get_domain().gettext(message))  # noqa: S704  (our own catalog, as Jinja's extension takes it)


@lru_cache(maxsize=8192)
def _plain_sentence(language: str, message: str) -> Markup:
    return _sentence(language, message) % {}


def address(endpoint: str, **values: Any) -> str:
    """Flask's `url_for`; an address of plain values is put together from its parts."""
    page = _drawn.get()
    if page is None:
        return url_for(endpoint, **values)
    given = []
    for name, value in values.items():
        text = str(value) if type(value) is int else value
        if type(text) is not str or not _SAFE.fullmatch(text) or name[0] == "_":
            return url_for(endpoint, **values)
        given.append(text)
    view = page.blueprint if endpoint[0] == "." else None
    key = (page.url_map, page.root, view, endpoint, *values)
    try:
        parts = _patterns[key]
    except KeyError:
        parts = _patterns[key] = _parts(endpoint, *values)
    if parts is None:
        return url_for(endpoint, **values)
    if len(parts) == 1:
        return parts[0]
    return "".join([given[int(part)] if place % 2 else part for place, part in enumerate(parts)])


def _parts(endpoint: str, *names: str) -> tuple[str, ...] | None:
    """An address as text, number of a value, text, … ; None when its rule takes no plain text for each of them once."""
    try:
        marks: dict[str, Any] = {name: _MARK.format(number) for number, name in enumerate(names)}
        made = url_for(endpoint, **marks)
    except (BuildError, ValueError):
        return None
    parts = tuple(re.split(_MARK.format(r"(\d+)"), made))
    return parts if sorted(parts[1::2], key=int) == [str(number) for number in range(len(names))] else None


def drawn_once(part: str, *depends: Hashable, caller: Callable[[], Markup]) -> Markup:
    """For `call`: what the block draws, once a process for each language and whatever else it `depends` on.

    Only for what is the same for everybody who agrees in these: no name, no value of a form, no token.
    """
    page = _drawn.get()
    if page is None:
        return caller()
    key = (page.url_map, page.language, page.root, part, *depends)
    drawn = _parts_kept.get(key)
    if drawn is None:
        if len(_parts_kept) >= KEPT_AT_MOST:
            _parts_kept.clear()
        drawn = _parts_kept[key] = caller()
    return drawn


def icon(name: str, label: str | None = None, **attributes: str) -> Markup:
    """An icon of static/icons.svg (Bootstrap Icons names), decorative unless `label` is given; `class` may be added."""
    page = _drawn.get()
    return _icon(page.root if page else request.script_root, name, label, attributes.get("class", ""))


@lru_cache(maxsize=1024)
def _icon(_root: str, name: str, label: str | None, css: str) -> Markup:
    file = url_for("static", filename="icons.svg")
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    drawn = '<svg class="icon {}" {} focusable="false"><use href="{}#{}"></use></svg>'
    return Markup(drawn).format(css, role, file, name)  # noqa: S704  (a literal)
