"""The console command `pasaportes`: serve, migrate, load, look after; each command commits its own work."""

import sys
from typing import Any

import click
from limits.errors import ConfigurationError
from sqlalchemy.exc import DBAPIError, OperationalError

from app import (
    create_app,
    history,
    jobs,
    loading,
    log_commands,
    migrating,
    reference,
    seal_commands,
    service_commands,
    stock_commands,
)
from app.console import database, settings_or_exit
from app.database_server import stop_database
from app.demo import demonstration
from app.serving import serve as serve_forever
from app.settings import DEMONSTRATION, Settings
from app.worker_keeper import companions_of
from models.base import SessionLocal, session
from security.errors import DomainError
from workflow import pages, users

#: SQLSTATEs of a database without this code's migrations: no such table, no such column.
LACKING = ("42P01", "42703")


class Console(click.Group):
    """The commands; what an operator can mend, outside this program, is said in one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise click.ClickException(f"PASAPORTES_RATELIMIT_STORAGE cannot be used: {error}.") from error
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state in LACKING:
                raise click.ClickException(
                    "The database lacks tables of this code: run `pasaportes migrate`."
                ) from error
            if not isinstance(error, OperationalError):
                raise
            why = str(error.orig).partition("\n")[0]
            raise click.ClickException(f"The database does not answer; look at DATABASE_URL. {why}") from error


@click.group(cls=Console)
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
    run(settings_or_exit(serving=True))


def run(settings: Settings) -> None:
    """Serve with `settings`, workers beside the server, until told to stop."""
    _refuse_old(settings)
    say_missing_font()
    serve_forever(
        settings, lambda: create_app(settings), on_fork=forget_connections, companion=companions_of(settings)
    )  # fmt: skip


def _refuse_old(settings: Settings) -> None:
    """Start the database when it is the embedded one, and refuse one that lacks migrations."""
    engine = database(settings)
    try:
        migrating.refuse_old(engine)
    except migrating.OldDatabase as error:
        raise click.ClickException(str(error)) from error
    engine.dispose()


@main.command()
@click.option("--parent", type=int, hidden=True, help="End when this process has ended.")
def work(parent: int | None) -> None:
    """Make the reports that were asked for, and run their schedules, until told to stop."""
    settings = settings_or_exit(serving=True)
    _refuse_old(settings)
    jobs.work(settings, parent=parent)


def say_missing_font() -> None:
    """At start, not at the first print: say when pages cannot be printed, and what to install."""
    press = pages.press()
    lacking = press.lacking_font()
    if lacking:
        means = "Specimens will have another font in the MRZ" if press.specimen else "No booklet can be printed"
        click.echo(f"{means}, OCR-B is missing: {lacking}", err=True)


def forget_connections() -> None:
    """In a forked worker: let go of connections that belong to the parent."""
    SessionLocal.kw["bind"].dispose(close=False)


@main.command()
@click.option("--serve", "then_serve", is_flag=True, help="Serve it afterwards.")
def demo(then_serve: bool) -> None:
    """Load the demonstration: invented people, one user per profile; done twice it loads nothing twice."""
    settings = settings_or_exit(demo=True)
    engine = database(settings)
    migrating.migrate(engine)
    with migrating.alone(engine, migrating.LOADING):
        demonstration.load(settings, click.echo)
    (settings.home / DEMONSTRATION).touch()  # not before: whoever failed here must not serve unsafely from then on
    if then_serve:
        click.echo(f"\nhttp://{settings.bind}:{settings.port}/\n")
        run(settings)


@main.command()
@click.argument("username")
def administrator(username: str) -> None:
    """Make an administrator, or give one a new one-time password."""
    database(settings_or_exit())
    try:
        password = users.make_administrator(session(), username)
    except DomainError as error:
        raise click.ClickException(error.message_id % error.params) from error
    session.commit()
    click.echo(f"One-time password of {username}, to be changed at the first log-in: {password}")


@main.command()
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration for what the models say and the database lacks (for developers)."""
    migrating.write_revision(database(settings_or_exit()), message)


@main.command()
def stop() -> None:
    """Stop the embedded database."""
    click.echo("Stopped." if stop_database(settings_or_exit()) else "It was not running.")


GROUPS = (loading, history, stock_commands, seal_commands, service_commands, log_commands)
for command in (*(command for group in GROUPS for command in group.COMMANDS), reference.reference):
    main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
