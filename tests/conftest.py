"""One migrated database for the run; every test in a transaction that is rolled back; a fixed cast of users."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app import create_app
from app.database_server import create_database, drop_database, ensure_database
from app.migrating import migrate
from app.settings import Settings
from models.base import SessionLocal, make_engine, utc_now
from models.base import session as scoped
from models.clock import local_date
from security import sealed
from security.actor import Actor, load_actor
from security.scope import acting_as
from tests.build import CAST, make_cast
from tests.cookies import bearer, sit_down
from tests.pages import PO, CheckedClient, catalogue

COLLECTED = local_date(utc_now())


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    environ = {"PASAPORTES_HOME": str(home), "PASAPORTES_DEMO": "1", "PASAPORTES_PORT": "0"}
    environ |= {k: v for k, v in os.environ.items() if k in ("DATABASE_URL", "PASAPORTES_OCRB_FONT")}
    return Settings.from_environment(environ)


@pytest.fixture(scope="session")
def server_url(settings: Settings) -> str:
    """A server on which the tests may create databases of their own."""
    return ensure_database(settings, throwaway=True)


@pytest.fixture(scope="session")
def fresh_database(server_url: str) -> Iterator[Callable[[str], str]]:
    """Call with a purpose for a migrated database with the cast: for what commits, which an append-only log keeps."""
    made: list[str] = []

    def make(purpose: str) -> str:
        made.append(f"pasaportes_{purpose}_{os.getpid()}")
        url = create_database(server_url, made[-1])
        engine = make_engine(url)
        migrate(engine)
        with Session(engine) as session:
            make_cast(session)
            session.commit()
        engine.dispose()
        return url

    yield make
    for name in made:
        drop_database(server_url, name)


@pytest.fixture(scope="session")
def database_url(fresh_database: Callable[[str], str]) -> str:
    return fresh_database("test")


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def spanish() -> None:
    """The Spanish texts compiled, also when the tests are run without `make`."""
    compiled = PO.with_suffix(".mo")
    if not compiled.exists() or compiled.stat().st_mtime < PO.stat().st_mtime:
        scratch = compiled.with_suffix(f".{os.getpid()}.mo")
        with scratch.open("wb") as file:
            write_mo(file, catalogue())
        scratch.replace(compiled)


@pytest.fixture(scope="session")
def app(settings: Settings, database_url: str, spanish: None) -> Flask:
    app = create_app(
        settings,
        database_url=database_url,
        TESTING=True,
        WTF_CSRF_ENABLED=False,
        FAB_PASSWORD_HASH_METHOD="pbkdf2:sha256:1",
        RATELIMIT_ENABLED=False,
    )
    app.test_client_class = CheckedClient
    return app


@pytest.fixture(autouse=True)
def day_of_the_test(request: pytest.FixtureRequest) -> None:
    """A module's TODAY, if it was the day of its collection, is the day in Guatemala on which its test runs."""
    if getattr(request.module, "TODAY", dt.date.min) >= COLLECTED:
        request.module.TODAY = local_date(utc_now())


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back; commits of the code under test become savepoints."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def db(app: Flask, connection: Connection) -> Iterator[Session]:
    """The session of the code under test, bound to `connection`. Commit before a client calls: each request ends it."""
    before = dict(SessionLocal.kw)
    scoped.remove()
    sealed.configure(app.extensions["settings"].secret_key)  # a command run in this process may have had another key
    SessionLocal.configure(bind=connection, join_transaction_mode="create_savepoint")
    yield scoped()
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture
def as_user(db: Session) -> Iterator[Callable[[str], Actor]]:
    """Call with a user name of the cast: he acts from then on, and is returned."""
    from security.scope import set_acting

    def become(username: str) -> Actor:
        actor = load_actor(db, username=username)
        assert actor is not None, f"{username} is not in the cast: {sorted(CAST)}"
        set_acting(actor)
        return actor

    yield become
    set_acting(None)


@pytest.fixture
def login(app: Flask, db: Session) -> Callable[[str], FlaskClient]:
    """A client logged in as a user of the cast without hashing a password; it checks each page it fetches."""

    def logged_in(username: str) -> FlaskClient:
        actor = load_actor(db, username=username)
        assert actor is not None, f"{username} is not in the cast: {sorted(CAST)}"
        return sit_down(app.test_client(), db, actor)

    return logged_in


@pytest.fixture
def token(app: Flask, db: Session) -> Callable[[str], dict[str, str]]:
    """The Authorization header of a user of the cast."""

    def header(username: str) -> dict[str, str]:
        actor = load_actor(db, username=username)
        assert actor is not None
        return bearer(app, db, actor)

    return header


@pytest.fixture
def samples() -> Path:
    """The folder of sample enrolments, former system and registry, beside the project."""
    folder = Path(__file__).parent.parent.parent / "shared" / "samples"
    assert folder.is_dir(), f"the samples are not at {folder}"
    return folder


__all__ = ["acting_as"]
