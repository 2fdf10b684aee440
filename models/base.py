"""The declarative base, column types used everywhere, the clock and the session.

The base shares Flask-AppBuilder's registry and metadata, so that our tables may refer to its users and one Alembic
history owns them all; the session is a plain SQLAlchemy one, so that everything below the web runs without Flask
(docs/decisions/0002).
"""

import datetime as dt
import select
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import psycopg
from flask_appbuilder import Model
from sqlalchemy import BigInteger, DateTime, Executable, Identity, MetaData, Row, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, scoped_session, sessionmaker

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Model.metadata.naming_convention = NAMING

BigId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Model.registry.update_type_annotation_map(
    {dt.datetime: DateTime(timezone=True), dict[str, Any]: JSONB, list[dict[str, Any]]: JSONB, list[str]: JSONB}
)


class Base(DeclarativeBase):
    """Every table of ours; `metadata` holds Flask-AppBuilder's tables too."""

    registry = Model.registry
    metadata: ClassVar[MetaData] = Model.metadata


def utc_now() -> dt.datetime:
    """The one clock: an aware time in UTC."""
    return dt.datetime.now(dt.UTC)


#: What every connection is told. Every statement of a page is short: compiling it or calling workers costs more than it
#: saves; and the usual 4 MB do not hold the hits of a common name.
SETTINGS = ("timezone=UTC", "jit=off", "max_parallel_workers_per_gather=0", "work_mem=16MB")


#: A connection that was idle for so long is tried before it is used.
PAUSE_SECONDS = 30.0


def make_engine(url: str, **options: Any) -> Engine:
    """An engine for `url` (`postgresql+psycopg://…`); connections are checked before use."""
    options.setdefault("connect_args", {"options": " ".join(f"-c {setting}" for setting in SETTINGS)})
    engine = create_engine(url, **options)
    event.listen(engine, "checkout", _refuse_dead)
    event.listen(engine, "checkin", _note_time)
    return engine


def _refuse_dead(connection: Any, record: Any, _proxy: Any) -> None:
    """Replace a pool whose server went away.

    A server that goes away says so or hangs up, which the kernel knows at once; asking the server, as `pool_pre_ping`
    does, costs every request a round trip. It is asked after a pause too, for a firewall may have forgotten us.
    """
    idle = time.monotonic() - record.info.get("used_at", time.monotonic())
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)  # raises too, where it is known to be closed
        if poll.poll(0) or idle > PAUSE_SECONDS:
            connection.execute("")
            connection.rollback()
    except psycopg.OperationalError as error:
        raise InvalidatePoolError from error


def _note_time(_connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


#: The session of the thread at work. `SessionLocal.configure(bind=…)` is called once, at start.
SessionLocal = sessionmaker(autoflush=True, expire_on_commit=False)
session: scoped_session[Session] = scoped_session(SessionLocal)


#: A row of columns, read by their names.
AnyRow = Row[*tuple[Any, ...]]


def read_rows(session: Session, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
    """The rows of a Core statement on tables, by names of columns: for what is read only, at a third of the ORM's cost.

    What is pending is written first. No entity, and no hook: `security.scope` does not hold it to the actor's sites, so
    it may only read what belongs to something that was read for him.
    """
    session.flush()
    return session.connection().execute(statement, values).all()
