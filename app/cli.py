"""The console command `pasaportes`: serve, migrate, load, look after; each command commits its own work."""

import os
import sys

import click
from sqlalchemy.engine import Engine

from app import create_app, migrating
from app.database_server import ensure_database, stop_database
from app.serving import serve as serve_forever
from app.settings import SettingError, Settings
from models.base import SessionLocal, make_engine


def settings_or_exit(*, demo: bool = False) -> Settings:
    """The settings of the environment; what is wrong with them is said in one line."""
    environ = {**os.environ, "PASAPORTES_DEMO": "1"} if demo else os.environ
    try:
        settings = Settings.from_environment(environ)
        settings.refuse_unsafe()
    except SettingError as error:
        raise click.ClickException(str(error)) from error
    return settings


def database(settings: Settings) -> Engine:
    """The engine of the database of `settings`, started when it is the embedded one, and the session bound to it."""
    engine = make_engine(ensure_database(settings))
    SessionLocal.configure(bind=engine)
    return engine


@click.group()
def main() -> None:
    """Passport back office."""


@main.command()
def migrate() -> None:
    """Bring the database to the present: tables, permissions, profiles, catalogs."""
    engine = database(settings_or_exit())
    migrating.migrate(engine)
    click.echo(f"The database is at revision {migrating.revision(engine)}.")


@main.command()
def serve() -> None:
    """Serve the back office over HTTP."""
    run(settings_or_exit())


def run(settings: Settings) -> None:
    """Serve with `settings` until told to stop."""
    engine = database(settings)
    migrating.refuse_old(engine)
    engine.dispose()
    serve_forever(settings, lambda: create_app(settings), on_fork=forget_connections)


def forget_connections() -> None:
    """In a forked worker: let go of connections that belong to the parent."""
    SessionLocal.kw["bind"].dispose(close=False)


@main.command()
def stop() -> None:
    """Stop the embedded database."""
    click.echo("Stopped." if stop_database(settings_or_exit()) else "It was not running.")


if __name__ == "__main__":
    sys.exit(main())
