"""Bearer tokens: the answers when one is missing or bad, or its session has ended."""

from flask import Flask, Response
from flask_babel import gettext as _

from app.errors import problem


def install(app: Flask) -> None:
    """Teach the token manager of Flask-AppBuilder; call it after the AppBuilder was made."""
    tokens = app.appbuilder.sm.jwt_manager  # type: ignore[attr-defined]
    tokens.unauthorized_loader(lambda _why: refused(_("Send a bearer token: log in at /api/v1/security/login.")))
    tokens.invalid_token_loader(lambda _why: refused(_("This is not a token of ours, or it was changed.")))
    tokens.expired_token_loader(lambda *_token: refused(_("The token has expired: log in again.")))
    tokens.needs_fresh_token_loader(lambda *_token: refused(_("The token has expired: log in again.")))
    tokens.token_verification_failed_loader(
        lambda *_token: refused(_("This is not a token of ours, or it was changed."))
    )
    for ended in (tokens.revoked_token_loader, tokens.user_lookup_error_loader):
        ended(lambda *_token: refused(_("The account was disabled, or this token was ended: log in again.")))


def refused(detail: str) -> Response:
    """401, with the header that says what is wanted."""
    response = problem(401, "NotAuthenticated", detail)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
