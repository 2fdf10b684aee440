"""Who is at the door: the actor of a request, the permission a route asks for, and the transaction it runs in."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import abort, current_app, redirect, request
from flask.typing import ResponseReturnValue
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
MUST_CHANGE = N_("An administrator set this password: sign in on the web page and change it first.")


def current_actor() -> Actor:
    """Who asks; 401 when nobody does."""
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
    """To the log-in page, and after it back to where one wanted to go."""
    builder = current_app.appbuilder  # type: ignore[attr-defined]
    return redirect(builder.get_url_for_login_with(request.full_path.rstrip("?")))


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
            if permissions:
                _act_by(actor, permissions)
            return view(*args, **kwargs)

        wrapped.permissions = permissions  # type: ignore[attr-defined]
        return wrapped

    return guard


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
