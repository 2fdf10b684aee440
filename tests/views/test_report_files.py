"""Files of reports: made at once or by a worker, taken by who may, kept a while, made again as of then, scheduled."""

import datetime as dt
import io
import multiprocessing
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app.jobs import work
from app.settings import Settings
from models.base import SessionLocal, make_engine, utc_now
from models.base import session as scoped
from models.cases import State
from models.clock import local_date
from models.report_runs import ReportRun, ReportSchedule, RunState
from models.users import AccessLog, Site, User
from reports import execution, queue, runs, schedules
from reports.making import Press, make
from security.actor import Actor, load_actor
from security.errors import DomainError
from security.permissions import Permission
from tests.build import make_case
from tests.cookies import sit_down
from tests.reports.test_every_report import Everywhere, ask, local_head, run_called
from tests.views.test_report_pages import field, take_away, user_id
from views import report_files
from workflow.thumbnails import thumbnails

Login = Callable[[str], FlaskClient]
Allow = Callable[..., None]
TODAY = local_date(utc_now())
processes = multiprocessing.get_context("fork")


@pytest.fixture
def allow(app: Flask) -> Iterator[Allow]:
    """Call with settings of reports: they hold for the test."""
    before = app.extensions["settings"]

    def change(**settings: int) -> None:
        app.extensions["settings"] = replace(app.extensions["settings"], **settings)

    yield change
    app.extensions["settings"] = before


@pytest.fixture
def cases(db: Session) -> list[str]:
    """Three cases at GUA that were received today."""
    made = [make_case(db).number for _case in range(3)]
    db.commit()
    return made


# Made at once.


@pytest.mark.parametrize(("format", "media"), [*report_files.MEDIA.items()])
def test_a_short_file_is_made_at_once_and_taken_under_its_number(
    db: Session, login: Login, cases: list[str], format: str, media: str
) -> None:
    client = login("jpgu")
    asked = client.post("/reports/files/received", data={"format": format})
    number = asked.location.split("/")[3]
    assert (asked.status_code, asked.location) == (303, f"/reports/files/{number}/file")
    answer = client.get(asked.location)
    assert (answer.status_code, answer.mimetype) == (200, media)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="received-{number}.{format}"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    run = run_called(db, number)
    assert (run.state, run.lines, run.sites, run.attempt) == (RunState.DONE, 3, None, 1)
    assert not jobs(db), "no worker needs to know"
    page = client.get(f"/reports/files/{number}").text
    for said in (number, run.sha256, "Listo", "Recibidos", f"{TODAY:%d/%m/%Y}", "jpgu"):
        assert str(said) in page
    assert f'href="{asked.location}"' in page


def test_makings_and_takings_are_logged(db: Session, login: Login, cases: list[str]) -> None:
    client = login("jpgu")
    number = made(client, "received", "pdf", site="GUA")
    client.get(f"/reports/files/{number}/file")
    login("admadm").get(f"/reports/files/{number}/file")
    made(client, "prints_by_day", "xlsx")
    looks = db.scalars(select(AccessLog).order_by(AccessLog.id)).all()
    filters = {"first": f"{TODAY}", "last": f"{TODAY}", "site": "GUA"}
    assert [(look.screen, look.user_id, look.detail) for look in looks] == [
        ("report:received", user_id(db, "jpgu"), {"run": number, "format": "pdf", "lines": 3, "filters": filters}),
        ("report.file", user_id(db, "jpgu"), {"run": number, "report": "received"}),
        ("report.file", user_id(db, "admadm"), {"run": number, "report": "received"}),
    ]


def test_a_file_is_in_the_language_of_the_page_and_the_same_in_any(login: Login, cases: list[str]) -> None:
    client = login("jpgu")
    first = made(client, "received", "xlsx")
    client.get("/lang/en")
    again = client.post(f"/reports/files/{first}/again", data={"format": "xlsx"}).location.split("/")[-1]
    assert [sheet(client, number).cell(1, 2).value for number in (first, again)] == ["Caso", "Case"]
    assert "hash for hash" in client.get(f"/reports/files/{again}").text


def test_what_cannot_be_asked_is_refused_and_leaves_nothing(db: Session, login: Login, cases: list[str]) -> None:
    client = login("jpgu")
    first = made(client, "received", "xlsx")
    assert client.post("/reports/files/received", data={"format": "doc"}).status_code == 400
    assert client.post("/reports/files/received", data={"format": "pdf", "first": "ayer"}).status_code == 400
    assert client.post(f"/reports/files/{first}/again", data={"format": "doc"}).status_code == 400
    assert len(db.scalars(select(ReportRun)).all()) == 1


def test_a_report_about_one_thing_is_made_of_none_without_its_number(db: Session, login: Login) -> None:
    client, form = login("jpgu"), {"format": "pdf", "period": "DAY"}
    assert client.post("/reports/files/booklet_ledger", data=form).status_code == 400
    assert client.post("/reports/booklet_ledger/schedule", data=form).status_code == 400
    assert not db.scalars(select(ReportRun)).all()


def test_hostile_texts_stay_texts_in_file_and_page(db: Session, login: Login) -> None:
    names = ["=cmd|' /C calc'!A0", "+SUM(1)", "-2+3", "@x", '"><script>alert(1)</script>', "O'Hara"]
    for name in names:
        make_case(db, first_surname=name, second_surname=None, first_name=None, second_name=None, payment_slip="=1+1")
    office = Everywhere(db)
    office.does("supervisor", "reject", make_case(db, site_code="AUR"), reason="R01", comment='=HYPERLINK("x")')
    db.commit()
    client = login("jpgu")
    asked, rejected = ask(db, client, "received", {"site": "GUA"}), ask(db, client, "rejected", {})
    assert [line[2] for line in asked.lines] == names
    cells = [asked.workbook["Datos"].cell(row, column) for row in range(2, 2 + len(names)) for column in (3, 7)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells] == [text for name in names for text in (name, "=1+1")]
    comment = rejected.workbook["Datos"].cell(2, 1 + rejected.titles.index("Comentario"))
    assert (comment.value, comment.data_type) == ('=HYPERLINK("x")', "s")
    for one in (asked, rejected):
        with zipfile.ZipFile(io.BytesIO(one.files["xlsx"])) as parts:
            sheets = [name for name in parts.namelist() if "/sheet" in name]
            assert not [name for name in sheets if re.search(rb"<f[ >/]", parts.read(name))]


def test_a_pdf_shows_pictures_up_to_the_stated_number_of_lines_and_only_to_who_may_see_them(
    db: Session, login: Login, cases: list[str], allow: Allow
) -> None:
    def pictures(name: str) -> int:
        client = login(name)
        data = client.get(f"/reports/files/{made(client, 'received', 'pdf')}/file").data
        return sum(len(page.images) for page in PdfReader(io.BytesIO(data)).pages)

    assert pictures("jpgu") > 0
    allow(report_picture_lines=2)
    assert pictures("jpgu") == 0
    allow(report_picture_lines=3)
    assert pictures("supervisor") > 0
    take_away(db, "SUPERVISOR", Permission.SEE_IMAGES)
    assert pictures("supervisor") == 0


# Made by a worker.


def test_a_long_one_waits_for_a_worker_and_its_page_says_how_far_it_is(
    app: Flask, db: Session, login: Login, cases: list[str], allow: Allow
) -> None:
    allow(report_long_lines=2)
    client = login("jpgu")
    answer = client.post("/reports/files/received", data={"format": "xlsx"})
    number = answer.location.split("/")[-1]
    assert answer.location == f"/reports/files/{number}"
    assert jobs(db) == [f"report_run:{runs.run_called(number)}"]
    page = client.get(answer.location).text
    assert f'data-report-state="/reports/files/{number}/state"' in page
    assert "En espera" in page
    assert "<progress" in page
    assert client.get(f"/reports/files/{number}/file").status_code == 404
    state = client.get(f"/reports/files/{number}/state").get_json()
    assert state | {"label": ""} == {
        "state": "QUEUED", "label": "", "ended": False, "done": 0, "total": None, "text": "",
    }  # fmt: skip
    assert number in client.get("/reports/files/").text
    finish(client, db, number)
    state = client.get(f"/reports/files/{number}/state").get_json()
    assert (state["state"], state["ended"], state["text"]) == ("DONE", True, "3 de 3 líneas")
    page = client.get(answer.location).text
    assert "data-report-state" not in page
    assert [sheet(client, number).cell(row, 2).value for row in (2, 3, 4)] == cases
    assert f"/reports/files/{number}/file" in client.get("/reports/files/").text


def test_many_pictures_are_left_to_a_worker_too(
    db: Session, login: Login, cases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "PICTURES_AT_ONCE", 2)
    client = login("jpgu")
    assert client.post("/reports/files/received", data={"format": "xlsx"}).location.endswith("/file")
    waiting = client.post("/reports/files/received", data={"format": "pdf"}).location
    assert not waiting.endswith("/file")
    finish(client, db, waiting.split("/")[-1])
    assert client.get(f"{waiting}/file").data.startswith(b"%PDF")


def test_who_asked_may_give_it_up_and_ask_again(db: Session, login: Login, cases: list[str], allow: Allow) -> None:
    allow(report_long_lines=2)
    client = login("jpgu")
    number = made(client, "received", "xlsx")
    assert login("admadm").post(f"/reports/files/{number}/cancel").status_code == 404
    assert "/cancel" not in login("admadm").get(f"/reports/files/{number}").text
    page = client.post(f"/reports/files/{number}/cancel", follow_redirects=True).text
    assert "Cancelado" in page
    assert run_called(db, number).state == RunState.CANCELLED
    assert client.post(f"/reports/files/{number}/cancel").status_code == 409, "it has ended"
    page = client.get(f"/reports/files/{number}").text
    assert "Intentar de nuevo" in page
    again = client.post(f"/reports/files/{number}/again").location.split("/")[-1]
    assert run_called(db, again).repeats_id == runs.run_called(number)


def test_a_pdf_of_too_many_lines_is_refused_kindly(db: Session, login: Login, cases: list[str], allow: Allow) -> None:
    allow(report_pdf_lines=2)
    client, words = login("jpgu"), "Un PDF tiene a lo sumo 2 líneas y este tendría 3"
    page = client.post(
        "/reports/files/received", data={"format": "pdf"}, headers={"Referer": "http://localhost/reports/received/"}
    )
    assert page.location == "http://localhost/reports/received/"
    assert words in client.get("/reports/received/").text
    assert not db.scalars(select(ReportRun)).all()
    allow(report_long_lines=2)
    number = made(client, "received", "pdf")
    finish(client, db, number)
    assert run_called(db, number).state == RunState.FAILED
    page = client.get(f"/reports/files/{number}").text
    assert words in page
    assert "Intentar de nuevo" in page
    assert made(client, "received", "xlsx")


@pytest.fixture(scope="module")
def house(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    """A database of its own in which the office has worked."""
    engine = make_engine(fresh_database("files"), pool_size=8)
    with Session(engine) as session:
        office = Everywhere(session)
        office.case_in(State.ENTREGADA)
        office.case_in(State.RECHAZADA)
        session.commit()
    yield engine
    engine.dispose()


def test_a_worker_makes_what_was_asked_on_the_page(app: Flask, house: Engine, settings: Settings, allow: Allow) -> None:
    allow(report_long_lines=1)
    url = house.url.render_as_string(hide_password=False)

    def program() -> None:
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        work(replace(settings, database_url=url))

    worker = processes.Process(target=program)
    worker.start()
    try:
        with at_door(app, house, "jpgu") as client:
            at = field(client.get("/reports/received/").text, "at")
            numbers = [made(client, "received", format, at=at) for format in ("xlsx", "pdf")]
            deadline = time.monotonic() + 30
            while not all(client.get(f"/reports/files/{one}/state").get_json()["ended"] for one in numbers):
                assert time.monotonic() < deadline, "waited in vain"
                time.sleep(0.1)
            first, second = (client.get(f"/reports/files/{number}/file").data for number in numbers)
            hashes = {hash_on(client.get(f"/reports/files/{number}").text) for number in numbers}
    finally:
        worker.kill()
        worker.join(10)
    assert openpyxl.load_workbook(io.BytesIO(first))["Datos"].max_row == 3
    assert second.startswith(b"%PDF")
    assert len(hashes) == 1


def test_a_report_sees_one_snapshot(house: Engine) -> None:
    """A case of before, committed while the lines are being read, is in none of them: count, lines, charts agree."""

    def late(done: int, _total: int | None) -> None:
        with Session(house) as session:
            make_case(session, created_at=before)
            session.commit()

    before = utc_now()
    with Session(house, expire_on_commit=False) as session:
        actor = load_actor(session, username="jpgu")
        assert actor is not None
        run = runs.ask(session, actor, report="received", format="xlsx", filters={}, as_of=utc_now(), language="es")
        session.commit()
    target = io.BytesIO()
    assert make(Press(house, lambda _code: str, thumbnails), run, target, late).lines == 2
    book = openpyxl.load_workbook(target)
    assert book["Data"].max_row == 3
    assert [row[1] for row in book["Chart"].iter_rows(min_row=3, max_col=2, values_only=True)] == [2]


# Who may take it, and for how long.

ROUTES = (("GET", ""), ("GET", "/state"), ("GET", "/file"), ("POST", "/again"))


@pytest.mark.parametrize(
    ("asker", "reader", "status"),
    [
        ("jpgu", "mre", 200),  # he has the permission, at every site
        ("jpgu", "supervisor", 404),  # he has it at one
        ("supervisor", "jpgu", 200),
        ("supervisor", "supusa", 200),  # of the same site
        ("jpgu", "financiero", 404),  # he has other reports
        ("jpgu", "atenc", 403),  # he has none
    ],
)
def test_a_file_is_for_who_asked_and_who_may_see_all_of_it(
    login: Login, cases: list[str], asker: str, reader: str, status: int
) -> None:
    number, client = made(login(asker), "received", "xlsx"), login(reader)
    for method, route in ROUTES:
        answer = client.open(f"/reports/files/{number}{route}", method=method, buffered=True)
        assert answer.status_code == (303 if status == 200 and method == "POST" else status), route
    assert number not in client.get("/reports/files/").text, "the list is of one's own"


def test_what_was_taken_from_a_user_takes_his_old_files(db: Session, login: Login, cases: list[str]) -> None:
    client = login("supervisor")
    number = made(client, "received", "xlsx")
    user = db.scalars(select(User).where(User.username == "supervisor")).one()
    here, user.sites = user.sites, [db.get_one(Site, "PET")]
    db.commit()
    gone(client, number)
    user = db.scalars(select(User).where(User.username == "supervisor")).one()
    user.sites = [db.merge(site) for site in here]
    db.commit()
    assert client.get(f"/reports/files/{number}/file").status_code == 200
    take_away(db, "SUPERVISOR", Permission.REPORT_RECEIVED)
    gone(client, number)


def gone(client: FlaskClient, number: str) -> None:
    for method, route in ROUTES:
        assert client.open(f"/reports/files/{number}{route}", method=method).status_code == 404, route
    assert number not in client.get("/reports/files/").text


def test_an_expired_file_is_gone_and_its_page_stays(db: Session, login: Login, cases: list[str], allow: Allow) -> None:
    allow(report_days=0)
    client = login("jpgu")
    number = made(client, "received", "xlsx")
    assert client.get(f"/reports/files/{number}/file").status_code == 404
    page = client.get(f"/reports/files/{number}").text
    assert f"/reports/files/{number}/file" not in page
    assert "Ya no se conserva" in page
    assert hash_on(page) == run_called(db, number).sha256
    assert "Ya no se conserva" in client.get("/reports/files/").text
    allow(report_days=1)
    again = client.post(f"/reports/files/{number}/again").location
    assert client.get(f"{again}/file").status_code == 200


def test_the_list_is_paged_and_finds_a_number(login: Login, cases: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PAGE", 2)
    client = login("jpgu")
    assert "Todavía no" in client.get("/reports/files/").text
    numbers = [made(client, "prints_by_day", "xlsx") for _run in range(3)]
    page = client.get("/reports/files/").text
    assert re.findall(r'<td class="code"><a href="/reports/files/(\w+)"', page) == numbers[:0:-1]
    following = re.findall(r'href="([^"]+)" rel="next"', page)
    page = client.get(following[0]).text
    assert re.findall(r'<td class="code"><a href="/reports/files/(\w+)"', page) == numbers[:1]
    assert client.get(f"/reports/files/?number=+{numbers[0].lower()}").location == f"/reports/files/{numbers[0]}"
    for nobody in ("R00000000", "R1", "12", "R99999999999999999", "../x"):
        assert client.get(client.get("/reports/files/", query_string={"number": nobody}).location).status_code == 404
    assert client.get("/reports/files/?before=" + "9" * 5000).status_code in (200, 400)


# As of then.


def test_made_again_as_of_then_the_hash_is_the_same_whatever_was_done_since(db: Session, login: Login) -> None:
    office, client = Everywhere(db), login("jpgu")
    waiting, printed = office.case_in(State.POST_IMPRESION), office.case_in(State.IMPRESA)
    db.commit()
    then = {key: made(client, key, "xlsx") for key in ("printed", "delivered", "voided")}
    office.bring(waiting, State.ENTREGADA)
    office.does("produccion", "void_booklet", printed, void_type="ERR", comment="Salió doblada")
    db.commit()
    now = {key: made(client, key, "xlsx") for key in then}
    assert [run_called(db, number).lines for number in then.values()] == [2, 0, 0]
    assert [run_called(db, number).lines for number in now.values()] == [2, 1, 1]
    for key, first in then.items():
        page = client.post(f"/reports/files/{first}/again", data={"format": "pdf"}, follow_redirects=True).text
        assert f"Los datos son los mismos que los de {first}" in page
        assert hash_on(page) == run_called(db, first).sha256 != run_called(db, now[key]).sha256
        number = re.findall(r'href="/reports/files/(\w+)/file"', page)[0]
        data = client.get(f"/reports/files/{number}/file").data
        assert first in PdfReader(io.BytesIO(data)).pages[0].extract_text(), "it names what it repeats"


def test_data_that_were_changed_behind_the_office_are_told(db: Session, login: Login, cases: list[str]) -> None:
    client = login("jpgu")
    number = made(client, "received", "xlsx")
    db.execute(text("update passport_case set procedure_code = 'RENOVACION' where number = :n"), {"n": cases[0]})
    db.commit()
    page = client.post(f"/reports/files/{number}/again", follow_redirects=True).text
    assert f"Los datos NO son los mismos que los de {number}" in page


def test_who_sees_every_site_makes_the_report_of_who_sees_one_just_as_it_was(db: Session, login: Login) -> None:
    """A passport of this site was stolen, and is replaced at another."""
    lost = Everywhere(db).lost()
    make_case(db, site_code="PET", procedure_code="REPOSICION", previous_booklet=lost.booklet_number)
    local_head(db)
    first = made(login("jefe"), "replacements", "xlsx")
    page = login("jpgu").post(f"/reports/files/{first}/again", follow_redirects=True).text
    assert f"Los datos son los mismos que los de {first}" in page


# Schedules.


def test_a_schedule_is_planned_from_the_page_listed_stopped_and_resumed(db: Session, login: Login) -> None:
    client = login("jpgu")
    page = client.get("/reports/received/?site=GUA").text
    assert 'action="/reports/received/schedule"' in page
    plan = {"period": "MONTH", "format": "pdf", "site": "GUA", "first": f"{TODAY}", "last": f"{TODAY}"}
    page = client.post("/reports/received/schedule", data=plan, follow_redirects=True).text
    planned = db.scalars(select(ReportSchedule)).one()
    assert (planned.report, planned.format, planned.period, planned.filters) == (
        "received", "pdf", "MONTH", {"site": "GUA"},
    )  # fmt: skip
    assert (planned.next_on.day, planned.next_on > TODAY) == (1, True)
    assert f"{planned.next_on:%d/%m/%Y}" in page
    for act, word in (("off", "Detenido"), ("off", "Detenido"), ("on", "Activo")):
        page = client.post(f"/reports/files/schedules/{planned.id}/{act}", follow_redirects=True).text
        assert word in page.split('class="section-title"')[-1].split("</table>")[0]
    other = login("admadm")
    assert other.post(f"/reports/files/schedules/{planned.id}/off").status_code == 404
    assert "/schedules/" not in other.get("/reports/files/").text
    assert client.post(f"/reports/files/schedules/{planned.id}/away").status_code == 404


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("received", lambda first, last: {"first": f"{first}", "last": f"{last}", "site": "GUA"}),
        ("prints_by_day", lambda first, last: {"month": f"{last:%Y-%m}", "site": "GUA"}),
        ("stock_on_hand", lambda first, last: {"on": f"{last}"}),
    ],
)
def test_what_a_schedule_asks_is_about_the_period_that_ended_and_waits_among_ones_own(
    db: Session, login: Login, key: str, expected: Callable[[dt.date, dt.date], dict[str, str]]
) -> None:
    client = login("jpgu")
    form = {"period": "DAY", "format": "xlsx", "site": "GUA", "month": "2024-02", "on": "2024-02-29"}
    client.post(f"/reports/{key}/schedule", data={**form, "first": "2024-02-01", "last": "2024-02-29"})
    planned = db.scalars(select(ReportSchedule)).one()
    planned.next_on = TODAY
    run = schedules.run_due(db, planned.id, TODAY, report_files.may)
    assert run is not None
    number, yesterday = runs.number_of(run), TODAY - dt.timedelta(days=1)
    assert run.filters == expected(yesterday, yesterday)
    db.commit()
    finish(client, db, number)
    assert number in client.get("/reports/files/").text
    page = client.get(f"/reports/files/{number}").text
    assert f"{yesterday:%d/%m/%Y}" in page or f"{yesterday:%m/%Y}" in page


def test_what_cannot_be_scheduled_is_refused(db: Session, login: Login) -> None:
    client = login("jpgu")
    assert "schedule" not in client.get("/reports/booklet_ledger/?booklet=F5000001").text
    for key, form in {
        "received": {"period": "HOUR", "format": "xlsx"}, "voided": {"period": "DAY", "format": "doc"},
        "prints": {"period": "DAY", "format": "xlsx", "user": "x"},
        "booklet_ledger": {"period": "DAY", "format": "xlsx", "booklet": "F5000001"},
    }.items():  # fmt: skip
        assert client.post(f"/reports/{key}/schedule", data=form).status_code == 400, key
    assert not db.scalars(select(ReportSchedule)).all()


# Plumbing.


def made(client: FlaskClient, key: str, format: str, **typed: str) -> str:
    """The number of a file that was asked for."""
    answer = client.post(f"/reports/files/{key}", data={"format": format, **typed})
    assert answer.status_code == 303, answer.text
    return str(answer.location.split("/")[3])


def finish(client: FlaskClient, db: Session, number: str) -> None:
    """What a worker does, here in the transaction of the test."""
    run = run_called(db, number)
    with client.application.app_context():
        press = report_files.press()
        try:
            with db.begin_nested():
                execution.make_now(db, run, lambda run, target, noted: make(press, run, target, noted))
        except DomainError as refusal:
            runs.begin(db, run.id)
            runs.fail(db, run, refusal.message_id, refusal.params)
    db.commit()


def jobs(db: Session) -> list[str]:
    """The locks of the jobs that wait: which runs they are for."""
    query = text("select lock from procrastinate_jobs where task_name = :task order by id")
    return list(db.execute(query, {"task": queue.MAKE_REPORT}).scalars())


def sheet(client: FlaskClient, number: str) -> Any:
    """The lines of a workbook."""
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/reports/files/{number}/file").data))
    return book.worksheets[-1]


def hash_on(page: str) -> str:
    return re.findall(r"\b[0-9a-f]{64}\b", page)[0]


@contextmanager
def at_door(app: Flask, engine: Engine, username: str) -> Iterator[FlaskClient]:
    """A user at the door of the office whose database is `engine`."""
    before = dict(SessionLocal.kw)
    scoped.remove()
    SessionLocal.configure(bind=engine)
    actor = load_actor(scoped(), username=username)
    assert isinstance(actor, Actor)
    yield sit_down(app.test_client(), scoped(), actor)
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)
