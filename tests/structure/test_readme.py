"""README tells the truth: its paths exist, its commands run, its recipes work: a transition, a movement, a report."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app import reference
from app.cli import main
from app.database_server import create_database, drop_database
from models.cases import Event, State
from models.catalogs import StockMovementType
from models.stock import Account, Span, StockTurnover
from security.actor import system_actor
from security.permissions import Permission
from tests.build import make_booklets, make_case
from workflow import machine
from workflow.booklets import lock_booklet
from workflow.stock import ledger

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_and_folder_it_names_exists():
    named = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([a-z_/]+/[a-z_./]*)`", README)
    assert len(named) > 12
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_it_names_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_command_it_names_exists():
    assert set(re.findall(r"pasaportes ([a-z][a-z-]+)", README)) <= set(main.commands)


@pytest.fixture
def recipe():
    """The recipe of a transition, followed."""

    @machine.transition(
        "T99",
        from_states=(State.RECHAZADA,),
        to_state=State.ENROLADA,
        permission=Permission.CORRECT_CASES,
        label="Open again",
        event=Event.REVISION,
        module="CORRECCION",
    )
    def open_again(act: machine.Act) -> None:
        """Take a rejection back."""
        act.data.update(taken_back=True)

    yield "open_again"
    del machine.TRANSITIONS["open_again"]


def test_a_transition_is_one_function_and_the_rest_follows(app, db, recipe, login, token, as_user):
    case = make_case(db, State.RECHAZADA)
    db.commit()
    number = case.number
    assert f"/cases/{number}/{recipe}" in login("jpgu").get(f"/cases/{number}/").text
    with app.test_request_context():
        assert f"T99 {recipe}" in reference.pages(app)["states.md"]
    document = app.test_client().get("/api/v1/openapi.json", headers=token("admadm")).get_json()
    assert f"/api/v1/cases/{{number}}/{recipe}" in document["paths"]
    answer = app.test_client().post(f"/api/v1/cases/{number}/{recipe}", headers=token("jpgu"), json={})
    assert answer.get_json()["state"] == State.ENROLADA


@pytest.fixture
def found_again(db):
    """The recipe of a movement, followed: a booklet voided as lost turned up and goes into custody."""
    kind = ledger.Kind("HALLAZGO", "Found again", (Account.OUTSIDE,), (Account.VOIDED,))
    ledger.KINDS[kind.code] = kind
    db.add(StockMovementType(code=kind.code, name="Hallazgo", sign=0, document="HALLAZGO"))
    db.flush()
    check = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'movement_kind_has_its_places'"
    rule = db.execute(text(check)).scalar_one().replace(
        "ELSE false", "WHEN 'HALLAZGO' THEN from_place = 'OUTSIDE' and to_place like 'VOIDED:%' ELSE false"
    )  # fmt: skip
    db.execute(text("alter table stock_movement drop constraint movement_kind_has_its_places"))
    db.execute(text("alter table stock_movement drop constraint movement_has_its_document"))
    db.execute(
        text(f"alter table stock_movement add constraint movement_kind_has_its_places {rule}".replace(":", "\\:"))
    )
    yield kind.code
    del ledger.KINDS[kind.code]


def test_a_movement_is_one_entry_and_booklet_and_stock_follow(db, found_again):
    system = system_actor(db)
    (number,) = make_booklets(db, count=1)
    booklet = lock_booklet(db, number)
    ledger.post(db, system, "EGRESO_ANULACION", booklet, Account.OUTSIDE, void_type="EXB")
    ledger.post(db, system, found_again, booklet, ledger.voided_place("PROD-GUA"))
    assert (booklet.state, booklet.place, booklet.void_type_code) == ("ANULADA", "VOIDED:PROD-GUA", "EXB")
    turnover = select(StockTurnover.put).where(
        StockTurnover.span == Span.DAY, StockTurnover.account == Account.VOIDED, StockTurnover.kind == found_again
    )
    assert db.scalars(turnover).all() == [1]
    assert found_again in reference.movements_page()


#: The one entry and the one file of a new report.
ENTRY = '    REPORT_LONGEST = Grant("longest", "Reports", N_("Longest waiting"))\n'
FILE = '''"""The cases that wait to be authorised, the longest first."""

from sqlalchemy import select

from models.cases import PassportCase as C
from models.cases import State
from reports.declaration import Column, Kind, Order, Report
from reports.filters import SiteChoice
from security.permissions import Permission

REPORT = Report(
    number=None,
    permission=Permission.REPORT_LONGEST,
    about="The cases that wait to be authorised.",
    source="SPEC 3",
    icon="clock",
    columns=(Column("at", "Since", Kind.MOMENT, 18), Column("case", "Case", Kind.CODE, 13, opens="case")),
    filters=(SiteChoice("site", "Site"),),
    lines=lambda asked: select(C.state_since.label("at"), C.number.label("case")).where(
        C.state == State.ENROLADA, C.state_since <= asked.as_of
    ),
    sites=(C.site_code,),
    order=lambda asked: Order(C.state_since, C.id),
)
'''
FOLLOWED = """
import io, sys
from pathlib import Path
import openpyxl
from sqlalchemy.orm import Session
from app import create_app, reference
from app.migrating import migrate
from app.settings import Settings
from models.base import make_engine
from security.actor import load_actor
from tests.build import make_case, make_cast
from tests.cookies import sit_down
url, home = sys.argv[1:]
engine = make_engine(url)
migrate(engine)
with Session(engine) as session:
    make_cast(session)
    session.flush()
    number = make_case(session).number
    session.commit()
    actor = load_actor(session, username="jpgu")
settings = Settings(home=Path(home), demo=True, secret_key="x" * 8 + "recipe-of-a-report-0123456789")
app = create_app(settings, database_url=url, WTF_CSRF_ENABLED=False)
with Session(engine) as session:
    client = sit_down(app.test_client(), session, actor, locale="en")
page = client.get("/reports/longest/")
assert page.status_code == 200 and number in page.text and "Longest waiting" in client.get("/").text, page.text
made = client.post("/reports/files/longest", data={"format": "xlsx"}, follow_redirects=True)
book = openpyxl.load_workbook(io.BytesIO(made.data))
assert [row[1].value for row in book[book.sheetnames[1]].iter_rows(min_row=2)] == [number]
made = client.post("/reports/files/longest", data={"format": "pdf"}, follow_redirects=True)
assert made.data.startswith(b"%PDF-"), made.data[:200]
with app.test_request_context():
    assert "Longest waiting" in reference.pages(app)["reports.md"]
print("followed")
"""


def test_a_report_is_one_entry_and_one_file_and_the_rest_follows(tmp_path, server_url):
    for folder in "app views models reports security workflow printing translations migrations tests".split():
        ignored = shutil.ignore_patterns("__pycache__", "artifacts", "browser")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    permissions = tmp_path / "security" / "permissions.py"
    words = permissions.read_text(encoding="utf-8")
    last = '    REPORT_ISSUED = Grant("issued", "Reports", N_("Issued by department"))\n'
    assert last in words
    permissions.write_text(words.replace(last, last + ENTRY), encoding="utf-8")
    (tmp_path / "reports" / "longest.py").write_text(FILE, encoding="utf-8")
    name = f"pasaportes_recipe_{os.getpid()}"
    url = create_database(server_url, name)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", FOLLOWED, url, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
    finally:
        drop_database(server_url, name)
    assert ran.stdout == "followed\n", ran.stderr
