"""Turns what went wrong into what a person or a program can read: a page, or problem+json (RFC 9457)."""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_limiter import RateLimitExceeded
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError
from werkzeug.exceptions import HTTPException, TooManyRequests

from app.presentation import event_label, local_time, state_label
from models.base import session
from models.text import N_
from security.errors import DomainError
from views.access import to_log_in

log = logging.getLogger(__name__)
API_PREFIX = "/api/"
OSIA_PREFIX = "/osia/"
#: Constraint names of the database whose breach has a plain meaning.
CONFLICT_STATES = ("23505", "23P01", "40001", "40P01", "55P03", "23001", "23514")


def install(app: Flask) -> None:
    """Register the handlers, and `say` for pages that show a refusal at its field."""
    app.jinja_env.globals["say"] = say
    app.register_error_handler(DomainError, domain_error)
    app.register_error_handler(CSRFError, csrf_error)
    app.register_error_handler(DBAPIError, database_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def say(error: DomainError) -> str:
    """The message of `error` in the language of the request."""
    return str(gettext(error.message_id, **{name: _shown(name, value) for name, value in error.params.items()}))


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return local_time(value)
    if name in ("state", "expected"):
        return state_label(value)
    if name == "event":
        return event_label(value)
    if name in ("label", "refusal"):
        return gettext(value)
    return value


def wants_json() -> bool:
    """Whether a program is asking."""
    return request.path.startswith((API_PREFIX, OSIA_PREFIX))


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """An answer of media type application/problem+json; under /osia the error body of that standard."""
    if request.path.startswith(OSIA_PREFIX):
        response = jsonify({"code": status, "message": detail})
    else:
        response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
        response.content_type = "application/problem+json"
    response.status_code = status
    return response


def domain_error(error: DomainError) -> ResponseReturnValue:
    """A rule said no: a message on the page the user came from, or a problem."""
    session.rollback()
    if wants_json():
        more: Mapping[str, Any] = {"field": error.field} if error.field else {}
        return problem(error.status, error.fact, say(error), **more)
    came_from = urlsplit(request.referrer or "")
    if request.method == "POST" and came_from.netloc == request.host and error.status != 403:
        flash(say(error), "danger")
        return redirect(str(request.referrer))
    return page(error.status, say(error))


def csrf_error(_error: CSRFError) -> ResponseReturnValue:
    """A form without its token: mostly one of a session that is over, whose user is asked to log in again."""
    logging_in = request.endpoint in ("AuthDBView.login", "AuthDBView.code")
    if not logging_in and not current_user.is_authenticated:
        return to_log_in()
    return page(400, gettext("The form had expired. Go back, reload the page and send it again."))


def database_error(error: DBAPIError) -> ResponseReturnValue:
    """A constraint refused what the code let through, or the database is away; nothing was kept."""
    session.rollback()
    if isinstance(error, DataError):  # NUL in an address, a number beyond its column
        return _fail(400, gettext(MESSAGES[400]))
    state = getattr(error.orig, "sqlstate", None) or ""
    log.exception("database error %s", state)
    if state in CONFLICT_STATES:
        return _fail(409, gettext("Somebody changed this at the same time. Look at it again and repeat."))
    return _fail(503, gettext("The database does not answer. Nothing was saved; try again in a moment."))


def http_error(error: HTTPException) -> ResponseReturnValue:
    session.rollback()
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    if isinstance(error, TooManyRequests):
        return _wait(error)
    return _fail(error.code or 500, gettext(MESSAGES.get(error.code or 500, error.name)))


def _wait(error: TooManyRequests) -> ResponseReturnValue:
    """429 with the seconds to wait: those of our own limits, or the whole period of Flask-Limiter's."""
    seconds = error.retry_after if isinstance(error.retry_after, int) else 60
    if isinstance(error, RateLimitExceeded):
        seconds = error.limit.limit.get_expiry()
    answer = make_response(_fail(429, gettext("Too many requests. Try again in %(seconds)s seconds.", seconds=seconds)))
    answer.headers["Retry-After"] = str(seconds)
    return answer


def unexpected(error: Exception) -> ResponseReturnValue:
    session.rollback()
    log.exception("unexpected error at %s", request.path)
    del error
    return _fail(500, gettext("Something went wrong here. Nothing was saved; if it happens again, report the time."))


def _fail(status: int, message: str) -> ResponseReturnValue:
    return problem(status, message, message) if wants_json() else page(status, message)


def page(status: int, message: str) -> ResponseReturnValue:
    """The error page."""
    return render_template("error.html", code=status, message=message), status


MESSAGES = {
    400: N_("The request cannot be understood."),
    401: N_("Log in first."),
    403: N_("You do not have the permission for this."),
    404: N_("There is nothing here."),
    405: N_("This address does not take that method."),
    413: N_("What was sent is too large."),
    415: N_("What was sent is not of a kind that is taken here."),
}
