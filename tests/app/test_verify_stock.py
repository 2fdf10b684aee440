"""The command that proves the ledger: one line when nothing is wrong, the faults and a failure otherwise."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app import stock_commands
from models.base import SessionLocal, make_engine, session
from tests.build import make_booklets


@pytest.fixture(autouse=True)
def binding() -> Iterator[None]:
    """The command binds the session to its own database; put it back."""
    session.remove()
    before = dict(SessionLocal.kw)
    yield
    session.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture(scope="module")
def stock_url(fresh_database: Callable[[str], str], app: Flask) -> str:
    """A database of its own with 130 booklets."""
    url = fresh_database("verify")
    engine = make_engine(url)
    with Session(engine) as stock:
        make_booklets(stock, 5_000_001, 130)
        stock.commit()
    engine.dispose()
    return url


@pytest.fixture
def stock(stock_url: str) -> Iterator[Engine]:
    engine = make_engine(stock_url)
    yield engine
    engine.dispose()


def verified(home: Path, url: str) -> Result:
    environ = {"PASAPORTES_HOME": str(home), "DATABASE_URL": url, "PASAPORTES_DEMO": "", "PASAPORTES_SECRET_KEY": ""}
    return CliRunner().invoke(stock_commands.verify_stock, env=environ)


def broken(stock: Engine, statement: str) -> None:
    """Do what no trigger would let pass."""
    with stock.begin() as connection:
        connection.execute(text("alter table booklet disable trigger user"))
        connection.execute(text(statement))
        connection.execute(text("alter table booklet enable trigger user"))


def test_a_stock_without_a_fault_is_one_line(tmp_path: Path, stock_url: str) -> None:
    result = verified(tmp_path, stock_url)
    assert (result.exit_code, result.output) == (0, "130 booklets, 130 movements: nothing wrong\n")


def test_a_fault_is_named_and_the_command_fails(tmp_path: Path, stock: Engine, stock_url: str) -> None:
    move = "update booklet set place = 'WAREHOUSE:{0}', warehouse_code = '{0}' where number = 'F5000007'"
    broken(stock, move.format("CENTRAL"))
    try:
        result = verified(tmp_path, stock_url)
    finally:
        broken(stock, move.format("PROD-GUA"))
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[0] == (
        "A booklet is not as its ledger has it: F5000007: expected WAREHOUSE:PROD-GUA PROD-GUA,"
        " found NUEVA WAREHOUSE:CENTRAL CENTRAL"
    )
    assert any(line.startswith("Receipts less issues are not the booklets on hand: WAREHOUSE") for line in lines)
    assert lines[-1] == "130 booklets, 130 movements: 3 faults"


def test_of_many_faults_a_hundred_are_shown_and_the_rest_counted(tmp_path: Path, stock: Engine, stock_url: str) -> None:
    broken(stock, "update booklet set warehouse_code = 'CENTRAL'")
    try:
        lines = verified(tmp_path, stock_url).output.splitlines()
    finally:
        broken(stock, "update booklet set warehouse_code = 'PROD-GUA'")
    assert len(lines) == 102
    assert lines[-2:] == ["... and 30 more", "130 booklets, 130 movements: 130 faults"]
