"""The server's half of the page frame: the account menu's links, breadcrumbs, our own pages' base."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import BaseView
from flask_appbuilder.urltools import Stack
from flask_babel import gettext as _
from flask_login import current_user

from security.permissions import Permission
from security.scope import acting
from views.access import to_log_in

Crumb = tuple[str, str | None]


@dataclass(frozen=True)
class AccountLinks:
    """Where the account menu leads; None where this user has no such page."""

    sign_in: str
    sign_out: str
    password: str | None
    profile: str | None
    sessions: str | None
    second_factor: str | None
    interface: str | None


def account_links() -> AccountLinks:
    """The links of the account menu, whatever the security manager's views are called. Jinja global `account`."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return _account_links(app, request.script_root, _may_read_interface())


@lru_cache(maxsize=64)
def _account_links(app: Flask, _root: str, interface: bool) -> AccountLinks:
    builder = app.appbuilder  # type: ignore[attr-defined]
    manager = builder.sm
    return AccountLinks(
        sign_in=builder.get_url_for_login,
        sign_out=builder.get_url_for_logout,
        password=_link(manager.resetmypasswordview.__name__ + ".this_form_get"),
        profile=_link(manager.userinfoeditview.__name__ + ".this_form_get"),
        sessions=_link("SessionView.index"),
        second_factor=_link("SecondFactorView.index"),
        interface=_link("ApiDocView.index") if interface else None,
    )


def _may_read_interface() -> bool:
    somebody = acting()
    return somebody is not None and somebody.may(Permission.READ_API_DOCS)


def _link(endpoint: str) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None


class Frame:
    """What every page of ours shares: its place in the menu and a history without search values."""

    #: The menu group and the name of the screen, as message ids; they make the breadcrumbs.
    group: str | None = None
    screen: str | None = None

    def update_redirect(self) -> None:
        """Remember where we were for FAB's own redirects: the path alone, since the cookie is readable."""
        history = Stack(session.get("page_history", []))
        history.push(request.path)
        session["page_history"] = history.to_json()

    def crumbs(self, *more: Crumb) -> list[Crumb]:
        """Breadcrumbs: group, screen, then `more`; the last one is the page itself."""
        trail: list[Crumb] = [(_(self.group), None)] if self.group else []
        return [*trail, *([(_(self.screen), self.home_url() if more else None)] if self.screen else []), *more]

    def home_url(self) -> str:
        """The address of this view's first page."""
        return url_for(f"{self.endpoint}.{self.default_view}")  # type: ignore[attr-defined]


class GuardedFrame(Frame):
    """The frame of FAB's own views, whose doors are guarded by FAB."""

    def create_blueprint(self, *args: Any, **options: Any) -> Any:
        """Whoever is not logged in is asked to; FAB would tell him besides that access is denied."""
        blueprint = super().create_blueprint(*args, **options)  # type: ignore[misc]
        blueprint.before_request(lambda: None if current_user.is_authenticated else to_log_in())
        return blueprint


class Page(Frame, BaseView):  # type: ignore[misc]
    """A screen with a flow of its own: `@expose`d methods that return `self.page(template, …)`."""

    default_view = "index"

    def page(self, template: str, title: str, *more: Crumb, **values: Any) -> ResponseReturnValue:
        """Render `template` with `title`, breadcrumbs and `values`."""
        crumbs = values.pop("crumbs", None) or self.crumbs(*more)
        return self.render_template(template, title=title, crumbs=crumbs, **values)  # type: ignore[no-any-return]

    def back(self, message: str | None = None, kind: str = "success", url: str | None = None) -> ResponseReturnValue:
        """After a POST: say `message` and go to `url` (this view's first page)."""
        if message:
            flash(message, kind)
        return redirect(url or self.home_url(), 303)
