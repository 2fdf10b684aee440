"""Who is at the door: the actor of a request, the permission a route asks for, and the transaction it runs in."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_jwt_extended import verify_jwt_in_request
from flask_login import current_user
from sqlalchemy.orm import Session

from models.base import session
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed
from security.permissions import Permission
from security.scope import acting, set_acting

View = Callable[..., ResponseReturnValue]
MUST_CHANGE = N_("The password was set by an administrator or has expired: change it on the web page first.")
MUST_ENROL = N_("This account needs a second factor: sign in on the web page and set it up first.")


def current_actor() -> Actor:
    """Who asks; 401 when nobody does."""
    actor = acting()
    if actor is None:  # whoever came with a token is not taken for the owner of a cookie
        current_user.is_authenticated  # noqa: B018  (reads the cookie)
        actor = acting()
    if actor is None:
        abort(401)
    return actor


def _act_by(actor: Actor, permissions: tuple[Permission, ...]) -> None:
    """Go on only with one of `permissions`, and seeing only the sites where it holds."""
    if not actor.may(*permissions):
        abort(403)
    set_acting(actor.by(*permissions))


def to_log_in() -> ResponseReturnValue:
    """To the log-in page, and after it back to where one wanted to go: for a form that was sent, to its page."""
    builder = current_app.appbuilder  # type: ignore[attr-defined]
    if request.method == "GET":
        return redirect(builder.get_url_for_login_with(request.full_path.rstrip("?")))
    flash(_("Your session had ended. Sign in again: what you typed is kept in this browser and is filled in."), "info")
    return redirect(builder.get_url_for_login_with(_sent_from() or builder.get_url_for_index))


def _sent_from() -> str:
    """The path of the page whose form was sent, if it is one of ours."""
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host:
        return ""
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def needs(*permissions: Permission) -> Callable[[View], View]:
    """The page asks for one of `permissions`; nobody is sent to log in, the wrong one gets 403."""

    def guard(view: View) -> View:
        @functools.wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return to_log_in()
            if permissions:
                _act_by(current_actor(), permissions)
            return view(*args, **kwargs)

        wrapped.permissions = permissions  # type: ignore[attr-defined]
        return wrapped

    return guard


def needs_its(name: str) -> Callable[[View], View]:
    """Like `needs`, for a page that several views share: the permissions are the view's own attribute `name`."""

    def guard(view: View) -> View:
        @functools.wraps(view)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> ResponseReturnValue:
            if not current_user.is_authenticated:
                return to_log_in()
            _act_by(current_actor(), getattr(self, name))
            return view(self, *args, **kwargs)

        wrapped.permissions_of = name  # type: ignore[attr-defined]
        return wrapped

    return guard


def api_needs(*permissions: Permission) -> Callable[[View], View]:
    """The interface asks for a bearer token whose account holds one of `permissions` (none: any account)."""

    def guard(view: View) -> View:
        @functools.wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            verify_jwt_in_request()
            actor = acting()
            if actor is None:
                abort(401)
            if actor.must_change_password:
                raise NotAllowed(MUST_CHANGE)
            if actor.lacks_factor:
                raise NotAllowed(MUST_ENROL)
            if permissions:
                _act_by(actor, permissions)
            return view(*args, **kwargs)

        wrapped.permissions = permissions  # type: ignore[attr-defined]
        return wrapped

    return guard


def takes(most: int) -> Callable[[View], View]:
    """The route takes a body of at most `most` bytes from who is logged in, whatever the general limit is."""

    def mark(view: View) -> View:
        view.largest = most  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """The route is open to anybody, on purpose."""
    view.permissions = None  # type: ignore[attr-defined]
    return view


@contextmanager
def transaction() -> Iterator[Session]:
    """The session of this request; committed when the block ends well, rolled back when it does not."""
    try:
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise
