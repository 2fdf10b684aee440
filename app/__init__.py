"""The application: wires everything together; nobody imports it but commands and tests."""

import datetime as dt
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request, session
from flask_appbuilder import AppBuilder
from flask_appbuilder.menu import Menu
from flask_babel import get_locale
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import views
from app import errors, headers, limits, presentation, tokens
from app.database_server import ensure_database
from app.settings import Settings
from models.base import SessionLocal, make_engine
from models.base import session as db
from security import sealed
from security.passwords import FAKE_HASH, HASH_METHOD
from security.scope import set_acting
from views.account import demand_strength
from views.home import HomeView
from views.security import WebManager
from workflow import extensions, pages, registry
from workflow.outside import conversation

ROOT = Path(__file__).parent
LANGUAGES = {"es": {"flag": "gt", "name": "Español"}, "en": {"flag": "us", "name": "English"}}


def create_app(settings: Settings, *, database_url: str | None = None, **overrides: Any) -> Flask:
    """The application for `settings`; touches no database, so it may be made before the server forks."""
    settings.refuse_unsafe()
    app = Flask("app", root_path=str(ROOT))
    app.config.update(configuration(settings), **overrides)
    app.extensions["settings"] = settings
    SessionLocal.configure(bind=make_engine(database_url or ensure_database(settings), pool_size=2, max_overflow=3))
    sealed.configure(settings.secret_key)
    registry.configure(settings.registry)
    extensions.configure(settings.extension_months)
    conversation.configure(settings.service_ca)
    pages.configure(
        settings.home / "keys",
        ocrb_font=settings.ocrb_font,
        specimen=settings.demo,
        choices=settings.mrz_choices,
    )
    app.before_request(start_closed)
    app.teardown_request(end_session)
    CSRFProtect(app)
    Bootstrap5(app)
    errors.install(app)
    headers.install(app)
    with app.app_context():
        appbuilder = AppBuilder(
            app,
            db,
            security_manager_class=WebManager,
            base_template="appbuilder/baselayout.html",
            menu=Menu(reverse=False),
            indexview=HomeView,
        )
        views.register(appbuilder)
        presentation.install(app)
        tokens.install(app)
        limits.install(app)
    if settings.trusted_hosts:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def configuration(settings: Settings) -> dict[str, Any]:
    """Flask's and Flask-AppBuilder's configuration."""
    return {
        "APP_NAME": "Pasaportes",
        "SECRET_KEY": settings.secret_key,
        "DEBUG": settings.debug,
        "MAX_CONTENT_LENGTH": settings.max_body,
        "TRUSTED_HOSTS": list(settings.trusted_hosts) or None,
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(minutes=settings.session_minutes),
        "SESSION_LASTING": dt.timedelta(hours=settings.session_hours),
        "PASSWORD_DAYS": settings.password_days,
        "SESSION_COOKIE_NAME": "pasaportes",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.cookie_secure,
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_DEFAULT_LOCALE": "es",
        "BABEL_DEFAULT_TIMEZONE": "America/Guatemala",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT.parent / "translations"),
        "BOOTSTRAP_SERVE_LOCAL": True,
        "LANGUAGES": LANGUAGES,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        "FAB_PASSWORD_COMPLEXITY_ENABLED": True,
        "FAB_PASSWORD_COMPLEXITY_VALIDATOR": demand_strength,
        "FAB_PASSWORD_HASH_METHOD": HASH_METHOD,
        "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": FAKE_HASH,
        "AUTH_TYPE": 1,
        "AUTH_RATE_LIMITED": not settings.demo,
        "AUTH_RATE_LIMIT": settings.login_rate,
        "API_RATE": settings.api_rate,
        "SEARCH_RATE": settings.search_rate,
        "EXPORT_RATE": settings.export_rate,
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": settings.ratelimit_url,
        "RATELIMIT_STORAGE_OPTIONS": {"wrap_exceptions": True},
        "RATELIMIT_SWALLOW_ERRORS": True,
        "JWT_ACCESS_TOKEN_EXPIRES": dt.timedelta(hours=1),
        "JWT_ERROR_MESSAGE_KEY": "message",
    }


def start_closed() -> None:
    """Begin a request as nobody, in a language that exists, with the size that its route takes."""
    set_acting(None)
    largest = getattr(current_app.view_functions.get(request.endpoint or ""), "largest", None)
    if largest is not None and "_user_id" in session:
        request.max_content_length = largest
    if session.get("locale") not in LANGUAGES:
        session["locale"] = "es"
    request.environ.setdefault("pasaportes.locale", str(get_locale()))


def end_session(_error: BaseException | None) -> None:
    """Give the connection back and forget who acted."""
    set_acting(None)
    db.remove()
