"""A package imports only what is below it, modules stay small, and the rules run without the web."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from models.base import make_engine
from tests.build import make_case

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("app", "views", "reports", "workflow", "security", "printing", "models")
MODULES = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST = 300


def test_a_package_imports_only_what_is_below_it() -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_short_and_says_what_lives_in_it(module: Path) -> None:
    source = (ROOT / module).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST
    assert not source.strip() or ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("package", ["reports", "workflow", "printing", "models"])
def test_no_module_of_the_rules_imports_the_web(package: str) -> None:
    allowed = {"flask_appbuilder"} if package == "models" else set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.split(".")[0] for name in names}
            assert not {top for top in tops if top.startswith("flask")} - allowed, path


def test_a_transition_runs_in_a_process_that_has_no_application(
    fresh_database: Callable[[str], str], app: Flask
) -> None:
    url = fresh_database("layers")
    engine = make_engine(url)
    with Session(engine) as session:
        number = make_case(session, site_code="ZAC").number
        session.commit()
    program = """
import importlib, pkgutil, sys
from sqlalchemy.orm import Session
import workflow
from models.base import make_engine
for module in pkgutil.iter_modules(workflow.__path__):
    importlib.import_module(f"workflow.{module.name}")
from flask import has_app_context
from security.actor import system_actor
from security.scope import acting_as
from workflow.machine import perform
url, number = sys.argv[1:]
with Session(make_engine(url)) as session, acting_as(system_actor(session)) as actor:
    event = perform(session, "reject", number, actor, reason="R01")
    session.commit()
    print(event.to_state, has_app_context(), any(name == "app" or name.startswith("app.") for name in sys.modules))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, url, number], cwd=ROOT, capture_output=True, text=True, check=False
    )
    engine.dispose()
    assert ran.stdout.split() == ["RECHAZADA", "False", "False"], ran.stderr


def test_nothing_in_the_product_names_what_is_outside_it() -> None:
    for path in (*MODULES, *(p.relative_to(ROOT) for p in (ROOT / "migrations").rglob("*.py"))):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert "/shared" not in source, path
        assert str(ROOT) not in source, path
