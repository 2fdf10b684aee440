"""`pasaportes import-history`: killed in the middle it goes on, two at once are told apart, faults are one line."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.settings import Settings
from models.base import make_engine
from models.enrolments import FormerCase, FormerImport
from tests.workflow.test_former_system import HEADER, changed

ROOT = Path(__file__).parent.parent.parent
ROWS = 3000
#: The command, in small batches, and slow between them, so that it can be caught in the middle.
PROGRAM = """
import sys, time
from workflow import former_import
from app.cli import main
former_import.BATCH, take = 50, former_import.take
def slow(*given):
    time.sleep({pause})
    return take(*given)
former_import.take = slow
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def history_url(fresh_database: Callable[[str], str], app: Flask) -> str:
    return fresh_database("history")


@pytest.fixture(scope="module")
def engine(history_url: str) -> Iterator[Engine]:
    engine = make_engine(history_url)
    yield engine
    engine.dispose()


@pytest.fixture
def start(history_url: str, tmp_path: Path, settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    begun: list[subprocess.Popen[str]] = []

    def started(*given: str, pause: float = 0.0) -> subprocess.Popen[str]:
        environ = os.environ | {
            "PASAPORTES_HOME": str(settings.home), "DATABASE_URL": history_url, "PASAPORTES_DEMO": "1",
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        command = [
            sys.executable,
            "-c",
            PROGRAM.format(pause=pause),
            "import-history",
            "--reports",
            str(tmp_path),
            *given,
        ]
        begun.append(
            subprocess.Popen(
                command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return begun[-1]

    yield started
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


def export(path: Path, prefix: str, rows: int = ROWS) -> Path:
    lines = [changed(CASO=f"{prefix}{n:06d}", LIBRETA="", SEXO="q" if n % 7 == 0 else "F") for n in range(rows)]
    path.write_text("\n".join([HEADER, *lines, ""]), "utf-8")
    return path


def done(engine: Engine, name: str) -> int:
    with Session(engine) as session:
        return session.scalars(select(FormerImport.rows).where(FormerImport.file_name == name)).first() or 0


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def test_killed_twice_it_imports_every_row_once_and_reports_each_once(
    engine: Engine, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    path, reached = export(tmp_path / "k.csv", "KI"), 0
    for _kill in range(2):
        process = start(str(path), pause=0.05)
        wait_until(lambda before=reached: done(engine, "k.csv") > before + 200)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        reached = done(engine, "k.csv")
        assert reached < ROWS
    said, _none = start(str(path)).communicate(timeout=60)
    assert f"goes on after {reached} rows" in said
    assert f"{ROWS} rows: {ROWS} cases imported" in said
    with Session(engine) as session:
        kept = select(func.count()).select_from(FormerCase).where(FormerCase.source == "k.csv")
        assert session.scalars(kept).one() == ROWS
    (report,) = tmp_path.glob("*-k.report.csv")
    with report.open(encoding="utf-8-sig", newline="") as file:
        lines = [line["row"] for line in csv.DictReader(file)]
    assert lines == [str(n + 2) for n in range(0, ROWS, 7)]


def test_of_two_at_once_the_second_is_told_who_is_at_it(
    engine: Engine, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    first = start(str(export(tmp_path / "one.csv", "ON")), pause=0.5)
    wait_until(lambda: done(engine, "one.csv") > 0)
    second = start(str(export(tmp_path / "two.csv", "TW", 10)))
    said, _none = second.communicate(timeout=60)
    assert second.returncode == 1
    with Session(engine) as session:
        run = session.scalars(select(FormerImport).where(FormerImport.file_name == "one.csv")).one()
    assert (
        f"Another import is running: one.csv, begun by {run.started_by} at {run.started_at:%Y-%m-%d %H:%M} UTC" in said
    )
    assert done(engine, "two.csv") == 0
    first.kill()


def test_a_bad_mapping_and_a_file_that_is_no_export_are_said_without_a_traceback(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    mapping = tmp_path / "bad.toml"
    mapping.write_text('dates = []\n[columns]\nx = "Y"\n', "utf-8")
    said, _none = start(str(export(tmp_path / "a.csv", "XA", 1)), "--mapping", str(mapping)).communicate(timeout=60)
    assert said.startswith("Error: bad.toml cannot be used:\n  columns.x: is not known")
    (tmp_path / "b.csv").write_text("a;b\n", "utf-8")
    said, _none = start(str(tmp_path / "b.csv")).communicate(timeout=60)
    assert said.startswith("Error: b.csv: the header has no column CASO (columns.case)")
