"""Brings the database to the present: migrations, permissions, profiles, catalogs; safe to run twice or at once."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from models.base import Base
from models.seeding import seed_catalogs
from security.seeding import seed_security

#: Two processes that migrate, or load the demonstration, at once wait for each other on these advisory locks.
MIGRATING, LOADING = 7201, 7202


@contextmanager
def alone(engine: Engine, lock: int) -> Iterator[Connection]:
    """Run the block while no other process holds `lock`; the connection that holds it may be used in the block."""
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": lock})
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": lock})
            connection.commit()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Upgrade to `revision` and seed what is missing."""
    with alone(engine, MIGRATING) as connection:
        command.upgrade(configuration(connection), revision)
        with Session(bind=connection) as session:
            seed_catalogs(session)
            seed_security(session, unusable_password=secrets.token_urlsafe(32))
            session.commit()


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to `revision`; for tests and emergencies."""
    with engine.connect() as connection:
        command.downgrade(configuration(connection), revision)
        connection.commit()


def differences(engine: Engine) -> list[object]:
    """What the models say and the migrated database does not; empty when they agree."""
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    return [change for change in found if "procrastinate" not in repr(change)]


def revision(engine: Engine) -> str | None:
    """The revision the database is at."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


class OldDatabase(Exception):
    """The database lacks migrations that this code needs."""


def refuse_old(engine: Engine) -> None:
    """Raise `OldDatabase`, saying what to run, unless the database is at this code's revision."""
    with engine.connect() as connection:
        head = ScriptDirectory.from_config(configuration(connection)).get_current_head()
    found = revision(engine)
    if found != head:
        raise OldDatabase(f"The database is at revision {found}, this code needs {head}: run `pasaportes migrate`.")


def write_revision(engine: Engine, message: str) -> None:
    """A new migration, numbered after the last, from the differences between models and database."""
    with engine.connect() as connection:
        config = configuration(connection)
        last = ScriptDirectory.from_config(config).get_current_head() or "0000"
        command.revision(config, message, autogenerate=True, rev_id=f"{int(last) + 1:04d}")
