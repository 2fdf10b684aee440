"""What every console command begins with: the settings of the environment and the database they name."""

import os

import click
from sqlalchemy.engine import Engine

from app.database_place import DatabaseServerError
from app.database_server import ensure_database
from app.settings import SettingError, Settings
from models.base import SessionLocal, make_engine
from security import sealed
from workflow import pages, registry


def settings_or_exit(*, demo: bool = False, serving: bool = False) -> Settings:
    """The settings of the environment; what is wrong with them is said in one line."""
    environ = {**os.environ, "PASAPORTES_DEMO": "1"} if demo else os.environ
    try:
        settings = Settings.from_environment(environ)
        if serving:
            settings.refuse_unsafe()
    except SettingError as error:
        raise click.ClickException(str(error)) from error
    return settings


def database(settings: Settings) -> Engine:
    """The engine of the database of `settings`, started when it is the embedded one, and the session bound to it."""
    try:
        engine = make_engine(ensure_database(settings))
    except DatabaseServerError as error:
        raise click.ClickException(str(error)) from error
    SessionLocal.configure(bind=engine)
    sealed.configure(settings.secret_key)
    registry.configure(settings.registry)
    pages.configure(
        settings.home / "keys",
        ocrb_font=settings.ocrb_font,
        specimen=settings.demo,
        choices=settings.mrz_choices,
    )
    return engine
