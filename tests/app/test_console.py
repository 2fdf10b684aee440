"""The console says in one line what an operator can mend, and two commands at once wait for each other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from app import cli, migrating
from app.settings import DEMONSTRATION
from models.base import SessionLocal, make_engine, session
from models.users import User

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def binding():
    """Commands bind the session to their own database; put it back."""
    session.remove()
    before = dict(SessionLocal.kw)
    yield
    session.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


def said(home: Path, *command: str, url: str = NOWHERE) -> Result:
    environ = {"PASAPORTES_HOME": str(home), "DATABASE_URL": url, "PASAPORTES_DEMO": "", "PASAPORTES_SECRET_KEY": ""}
    return CliRunner().invoke(cli.main, command, env=environ)


@pytest.mark.parametrize("command", ["migrate", "demo"])
def test_a_database_that_does_not_answer_is_one_line_that_names_the_setting(tmp_path: Path, command: str) -> None:
    result = said(tmp_path, command)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "DATABASE_URL" in result.output


def test_a_demonstration_that_failed_leaves_a_home_that_refuses_to_serve_unsafely(tmp_path: Path) -> None:
    assert said(tmp_path, "demo").exit_code == 1
    assert not (tmp_path / DEMONSTRATION).exists()
    result = said(tmp_path, "serve")
    assert result.exit_code == 1
    assert "PASAPORTES_SECRET_KEY" in result.output


def test_a_database_that_was_never_migrated_is_said_with_what_to_run(tmp_path: Path, server_url: str) -> None:
    result = said(tmp_path, "enrol", str(tmp_path), url=server_url)
    assert result.exit_code == 1
    assert "pasaportes migrate" in result.output


def test_what_runs_alone_waits_for_the_other(engine: Engine) -> None:
    order: list[str] = []

    def second() -> None:
        with migrating.alone(engine, migrating.LOADING):
            order.append("second")

    waits = text("select count(*) from pg_locks where locktype = 'advisory' and objid = :lock and not granted")
    with ThreadPoolExecutor(1) as pool:
        with migrating.alone(engine, migrating.LOADING) as connection:
            waiting = pool.submit(second)
            while not connection.execute(waits, {"lock": migrating.LOADING}).scalar_one():
                assert not waiting.done()
            order.append("first")
        waiting.result(timeout=10)
    assert order == ["first", "second"]


def test_an_office_gets_its_first_administrator_from_the_console(tmp_path: Path, fresh_database, app) -> None:
    url = fresh_database("console")
    result = said(tmp_path, "administrator", "directora", url=url)
    assert result.exit_code == 0, result.output
    password = result.output.split()[-1]
    again = said(tmp_path, "administrator", "directora", url=url).output.split()[-1]
    engine = make_engine(url)
    with Session(engine) as records:
        account = records.scalars(select(User).where(User.username == "directora")).one()
        assert not check_password_hash(account.password, password)
        assert check_password_hash(account.password, again)
        assert account.must_change_password
        assert [profile.name for profile in account.roles] == ["ADMADM"]
    engine.dispose()
    refused = said(tmp_path, "administrator", "sistema", url=url)
    assert refused.exit_code == 1
