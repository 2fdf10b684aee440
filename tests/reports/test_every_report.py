"""Every report there is, empty and with lines, on screen, as workbook and as PDF: the same lines, totals and hash.

The office works before and after a moment: a report of that moment is the same whenever it is asked for.
"""

import datetime as dt
import functools
import io
import itertools
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl.workbook import Workbook
from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from models.base import SessionLocal, utc_now
from models.base import session as scoped
from models.cases import PassportCase, State
from models.clock import local_date
from models.report_runs import ReportRun
from models.users import Role, Site, User
from reports import execution, runs
from reports.asking import horizon
from reports.catalogue import REPORTS
from reports.declaration import Kind, Report
from reports.making import Press, make
from security.actor import Actor, load_actor
from tests.build import make_booklets, make_case
from tests.pages import catalogue
from tests.printing.invented import run as program
from tests.views.counting import statements
from tests.workflow import ledger_world
from tests.workflow.test_machine import Office
from workflow.stock.serials import Run
from workflow.thumbnails import thumbnails

Login = Callable[[str], FlaskClient]
FORMATS = ("xlsx", "pdf")
EVERY = pytest.mark.parametrize("key", REPORTS)
#: Before the office was there.
NEVER = {"first": "2001-01-01", "last": "2001-01-02", "month": "2001-01", "on": "2001-01-02", "booklet": "F0000001"}
MOMENT = r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d"
NUMBER = r"\b([A-Z0-9]{3}\d{9}|[FSD]\d{7})\b"
#: What lines of the other site name.
FAR = r"PET\d|PETÉN|Petén"
DATED = (Kind.DATE, Kind.MOMENT)
#: Kinds whose values are never broken into lines.
WHOLE = (*DATED, Kind.CODE, Kind.INTEGER)


# The same in all three.


@EVERY
def test_a_report_without_lines_says_so_on_screen_and_is_a_whole_file_in_each_format(
    db: Session, login: Login, key: str
) -> None:
    asked = ask(db, login("jpgu"), key, NEVER)
    assert (asked.lines, asked.count) == ([], 0)
    assert "No hay líneas con estos filtros." in asked.page
    sheet = asked.workbook["Datos"]
    totals = [cell.value for cell in sheet[2]] if asked.totalled else []
    assert [number for number in totals if number not in (None, "Total")] == [0] * len(asked.totalled)
    assert sheet.max_row == (2 if asked.totalled else 1)
    assert on_paper(asked, []) == ["0"] * len(asked.totalled)


@EVERY
def test_lines_and_totals_are_the_same_on_screen_in_the_workbook_and_on_paper(asked: "AskedFor") -> None:
    head, *rows = asked.workbook["Datos"].iter_rows(values_only=True)
    totals = [number for number in rows.pop() if isinstance(number, int)] if asked.totalled else []
    assert list(head) == asked.titles
    written = [[said(value, column.kind) for value, column in zip(row, asked.columns, strict=True)] for row in rows]
    assert written, "the office did nothing that this report shows"
    assert written == asked.lines
    assert len(written) == asked.count
    assert totals == [sum(row[at] for row in rows) for at in asked.totalled]
    assert asked.totals == [f"{number:,}" for number in totals]
    assert on_paper(asked, written) == asked.totals


@EVERY
def test_both_files_say_filters_user_times_lines_number_and_the_hash_of_the_same_data(asked: "AskedFor") -> None:
    about = {row[0]: row[1] for row in asked.workbook.worksheets[0].iter_rows(values_only=True)}
    first_page, hashes = asked.text.split("\f")[0], re.findall(r"SHA-256 de los datos +([0-9a-f]{64})", asked.text)
    assert [about["SHA-256 de los datos"]] == hashes
    assert asked.registered == {(len(asked.lines), hashes[0])}
    assert len(asked.lines) in about.values()
    assert re.search(rf"Líneas.* {len(asked.lines)}\n", first_page)
    assert (about["Datos al"], about["Solicitado por"]) == (asked.as_of, "jpgu · Jefe Pasaportes Guatemala Prueba")
    assert re.fullmatch(MOMENT, about["Solicitado el"])
    for fact in (*asked.given, "Datos al", "Solicitado por"):
        assert re.search(rf"{fact} +{re.escape(about[fact])}", first_page), fact
    assert asked.numbers["xlsx"] in about
    assert asked.numbers["pdf"] in first_page


@EVERY
def test_a_workbook_is_typed_and_framed_and_has_no_formula(asked: "AskedFor") -> None:
    sheet = asked.workbook["Datos"]
    last = sheet.cell(1, len(asked.columns)).column_letter
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:{last}{1 + len(asked.lines)}")
    groups = list(sheet.column_dimensions.values())
    widths = {at: group.width for group in groups for at in range(group.min, group.max + 1)}
    for at, column in enumerate(asked.columns, 1):
        cells = [sheet.cell(row, at) for row in range(2, 2 + len(asked.lines))]
        wanted = {Kind.INTEGER: "n", Kind.DATE: "d", Kind.MOMENT: "d"}.get(column.kind, "s")
        assert {cell.data_type for cell in cells if cell.value is not None} <= {wanted}, column.key
        assert widths[at] >= column.width
    with zipfile.ZipFile(io.BytesIO(asked.files["xlsx"])) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not [name for name in sheets if re.search(rb"<f[ >/]", parts.read(name))]


@EVERY
def test_a_pdf_has_letter_pages_each_with_its_head_and_its_number_of_all(asked: "AskedFor") -> None:
    size = re.search(r"Page size: +([\d.]+) x ([\d.]+)", program("pdfinfo", "-", stdin=asked.files["pdf"]).decode())
    assert size
    assert sorted(map(float, size.groups())) == [612, 792]
    pages = asked.text.split("\f")[:-1]
    for at, page in enumerate(pages, 1):
        head = page.split("\n", 3)
        assert head[0 if at > 1 else 2].startswith(asked.title)
        foot = rf"{asked.numbers['pdf']} · {re.escape(asked.title)} +Página {at} de {len(pages)}"
        assert re.fullmatch(foot, page.rstrip().splitlines()[-1].strip())


@pytest.mark.parametrize("key", ["received"])
def test_files_speak_of_lines_and_of_a_report_not_of_details_and_a_complaint(asked: "AskedFor") -> None:
    about = asked.workbook.worksheets[0]
    assert about.title == "Reporte"
    assert len([row[0].value for row in about.iter_rows() if "Líneas" in str(row[0].value)]) == 1, "said once"
    assert asked.text.count("Líneas") == 1


# As of then.


@EVERY
def test_a_report_of_a_moment_is_the_same_after_whatever_came_later(
    db: Session, at_work: "Work", asked: "AskedFor", key: str
) -> None:
    """Everything was delivered, voided, reactivated, corrected, received, reversed or destroyed since."""
    first = run_called(db, at_work.national[key])
    assert asked.registered == {(first.lines, first.sha256)}


@EVERY
def test_who_sees_one_site_gets_its_lines_alone_in_all_three_and_the_same_as_then(
    db: Session, login: Login, at_work: "Work", asked: "AskedFor", key: str
) -> None:
    first = run_called(db, at_work.local[key])
    mine = ask(db, login("jefe"), key, at_work.of_then)
    assert mine.registered == {(first.lines, first.sha256)}
    assert mine.lines
    others = [line for line in asked.lines if line not in mine.lines]
    assert all(re.search(f"{FAR}|CENTRAL", " ".join(line)) for line in others)
    assert others or key == "booklet_ledger"
    cells = [str(cell) for row in mine.workbook["Datos"].iter_rows(values_only=True) for cell in row]
    assert not re.search(FAR, "\n".join([*cells, *map(" ".join, mine.lines), mine.text]))


@EVERY
def test_a_page_asks_few_statements_of_the_database(asked: "AskedFor") -> None:
    assert len(asked.statements) <= 12, "\n".join(asked.statements)


# Plumbing: a report in its three forms.


@dataclass(frozen=True)
class AskedFor:
    """A report on screen, and its files of the same moment by their formats."""

    report: Report
    page: str
    #: By format; of the runs in the register, how many lines they have and their hash.
    files: dict[str, bytes]
    numbers: dict[str, str]
    registered: set[tuple[int | None, str | None]]
    statements: list[str]

    @property
    def columns(self) -> Sequence[Any]:
        return self.report.columns

    @property
    def title(self) -> str:
        return spanish(self.report.title)

    @property
    def titles(self) -> list[str]:
        return [spanish(column.label) for column in self.columns]

    @property
    def totalled(self) -> list[int]:
        """The places of the columns that have a total."""
        return [at for at, column in enumerate(self.columns) if column.total]

    @property
    def given(self) -> list[str]:
        """The filters that the page shows as given."""
        sent = hidden(self.page)
        return [spanish(each.label) for each in self.report.filters if any(sent.get(name) for name in each.fields)]

    @functools.cached_property
    def table(self) -> Element | None:
        return next((one for one in parsed(self.page).iter("table") if "report-table" in one.get("class", "")), None)

    @property
    def lines(self) -> list[list[str]]:
        rows = self.table.findall("tbody/tr") if self.table is not None else []
        return [[shown(cell) for cell in row.findall("td")][-len(self.columns) :] for row in rows]

    @property
    def totals(self) -> list[str]:
        cells = self.table.findall("tfoot/tr/td") if self.table is not None else []
        return [text for text in map(shown, cells) if text]

    @property
    def count(self) -> int:
        return int(re.findall(r"(\d+) líneas? · ", self.page)[0])

    @property
    def as_of(self) -> str:
        return str(re.findall(rf"datos al ({MOMENT})", self.page)[0])

    @functools.cached_property
    def workbook(self) -> Workbook:
        return openpyxl.load_workbook(io.BytesIO(self.files["xlsx"]))

    @functools.cached_property
    def text(self) -> str:
        """The PDF as it is laid out, a form feed after each page."""
        return program("pdftotext", "-layout", "-", "-", stdin=self.files["pdf"]).decode()


@pytest.fixture
def asked(db: Session, login: Login, at_work: "Work", key: str) -> AskedFor:
    """The report `key` of the moment in the middle of the work, asked for once, after all of it."""
    if key not in at_work.asked:
        at_work.asked[key] = ask(db, login("jpgu"), key, at_work.of_then)
    return at_work.asked[key]


def ask(db: Session, client: FlaskClient, key: str, typed: dict[str, str]) -> AskedFor:
    """The report on screen and as files, asked for as the page's buttons do."""
    with statements(db.connection()) as seen:
        page = client.get(f"/reports/{key}/", query_string=typed).text
    answers = {
        format: client.post(f"/reports/files/{key}", data={**hidden(page), "format": format}) for format in FORMATS
    }
    assert {answer.status_code for answer in answers.values()} == {303}
    numbers = {format: answer.location.split("/")[3] for format, answer in answers.items()}
    files = {format: client.get(answer.location).data for format, answer in answers.items()}
    made_ones = [run_called(db, number) for number in numbers.values()]
    return AskedFor(REPORTS[key], page, files, numbers, {(run.lines, run.sha256) for run in made_ones}, seen)


def hidden(page: str) -> dict[str, str]:
    """What the first button for a file sends."""
    (form, *_others) = [one for one in parsed(page).iter("form") if "/reports/files/" in one.get("action", "")]
    return {one.get("name", ""): one.get("value", "") for one in form.iter("input") if one.get("type") == "hidden"}


@functools.lru_cache(maxsize=4)
def parsed(page: str) -> Element:
    return html5lib.parse(page, namespaceHTMLElements=False)


def shown(cell: Element) -> str:
    """The text of a cell; of a site its name."""
    site = cell.find("abbr")
    return " ".join((site.get("title", "") if site is not None else "".join(cell.itertext())).split())


def spanish(text: str) -> str:
    message = catalogue().get(text)
    assert message is not None, text
    return str(message.string)


def said(value: Any, kind: Kind) -> str:
    """A value of the workbook as the screen says it, where what is not marked is not said."""
    if value is None or (kind is Kind.FLAG and value == "No"):
        return ""
    if isinstance(value, dt.datetime):
        return f"{value:%d/%m/%Y}" if kind is Kind.DATE else f"{value:%d/%m/%Y %H:%M:%S}"
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split())


def on_paper(asked: AskedFor, lines: list[list[str]]) -> list[str]:
    """Find each of `lines` in the PDF, in their order and no other; returns its totals."""
    text, place = asked.text, asked.text.index("Solicitado el")
    for line in lines:
        whole = [value for value, column in zip(line, asked.columns, strict=True) if value and column.kind in WHOLE]
        found = re.compile(r"\b[^\n]*".join(map(re.escape, whole))).search(text, place)
        assert found, whole
        place = found.end()
    rest = text[place:]
    assert not re.findall(NUMBER, rest.replace(asked.numbers["pdf"], "")), "a line more"
    total = re.search(r"\n *Total +([\d, ]+)\n", rest)
    return total[1].split() if total else []


# Plumbing: the office, at work before and after a moment.


@dataclass(frozen=True)
class Work:
    """What was asked of the moment in the middle of the work: filters, the numbers of the runs made then, by report."""

    of_then: dict[str, str]
    national: dict[str, str]
    local: dict[str, str]
    asked: dict[str, AskedFor]


class Everywhere(Office):
    """The cast, who may act at every site, at work at one."""

    def __init__(self, db: Session, site: str = "GUA", first: int = 5_100_001) -> None:
        super().__init__(db)
        self.site, self.serials = site, itertools.count(first)

    def actor(self, username: str) -> Actor:
        return replace(super().actor(username), sites=None)

    def booklet(self, **where: str) -> str:
        return super().booklet(**{"warehouse": f"PROD-{self.site}"} | where)

    def case_in(self, state: State, **changes: Any) -> PassportCase:
        return super().case_in(state, **{"site_code": self.site} | changes)

    def lost(self) -> PassportCase:
        """A case whose passport was stolen; it is being replaced."""
        case = self.case_in(State.ENTREGADA)
        make_case(self.db, site_code=self.site, procedure_code="REPOSICION", previous_booklet=case.booklet_number)
        self.does("produccion", "void_booklet", case, void_type="ROB", comment="Denunció el robo")
        return case


@contextmanager
def bound(connection: Connection) -> Iterator[Session]:
    """A session, and those of the code under test, in the transaction of `connection`."""
    before = dict(SessionLocal.kw)
    scoped.remove()
    SessionLocal.configure(bind=connection, join_transaction_mode="create_savepoint")
    with SessionLocal() as session:
        yield session
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture(scope="module")
def worked(app: Flask, engine: Engine) -> Iterator[tuple[Connection, Work]]:
    """A connection on which the office has worked, in a transaction that is rolled back in the end."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with bound(connection) as session:
            done = work(session)
            session.commit()
        yield connection, done
        transaction.rollback()


@pytest.fixture
def connection(worked: tuple[Connection, Work]) -> Iterator[Connection]:
    """In place of the empty one: what a test does is undone to what the office did."""
    connection = worked[0]
    savepoint = connection.begin_nested()
    yield connection
    while connection.get_nested_transaction() is not None and savepoint.is_active:  # sessions that a test left open
        connection.get_nested_transaction().rollback()


@pytest.fixture
def at_work(db: Session, worked: tuple[Connection, Work]) -> Work:
    return worked[1]


def work(db: Session) -> Work:
    """Let the office work, make every report, for a national user and one of a site, and let it work on."""
    office, far, stock = Everywhere(db), Everywhere(db, "PET", 5_300_001), ledger_world.Office(db)
    kept, fixed = (office.case_in(State.ENTREGADA, payment_slip=f"10000000{n}") for n in range(2))
    waiting, enrolled = office.case_in(State.POST_IMPRESION, first_name="Ixchel"), office.case_in(State.ENROLADA)
    failed, _corrected = office.case_in(State.EN_IMPRESION), office.case_in(State.CORREGIDA)
    wrong = str(failed.booklet_number)
    office.does("produccion", "void_booklet", failed, void_type="ERR", comment="Salió doblada")
    make_booklets(db, 5_500_001, 10, warehouse="CENTRAL")
    _kind, receipt, _moved = stock.receive("produccion", "PROD-GUA", Run("F", 5_600_001, 3))
    _kind, transfer, _moved = stock.send("produccion", "CENTRAL", "PROD-GUA", Run("F", 5_500_001, 4))
    stock.send("produccion", "CENTRAL", "PROD-PET", Run("F", 5_500_005, 2))
    stock.void_blank("produccion", make_booklets(db, 5_500_101, 1)[0], "DAB")
    for place in (office, far):
        place.case_in(State.RECHAZADA)
        place.lost()
    far.case_in(State.ENTREGADA)

    local_head(db)
    today, as_of = local_date(utc_now()), horizon(db)
    days = {"first": f"{today - dt.timedelta(days=1)}", "last": f"{today + dt.timedelta(days=1)}"}
    of_then = {**days, "month": f"{today:%Y-%m}", "booklet": str(kept.booklet_number), "at": as_of.isoformat()}
    national, local = (
        {key: runs.number_of(make_now(db, name, key, of_then, as_of)) for key in REPORTS} for name in ("jpgu", "jefe")
    )

    office.bring(waiting, State.ENTREGADA)
    office.does("jpgu", "void_booklet", kept, void_type="JUD", comment="Orden del juzgado")
    office.does("admadm", "reactivate_booklet", failed, booklet=wrong, comment="No era esa")
    office.does("jpgu", "correct", enrolled, changes={"first_name": "Mariseli"}, comment="Así consta")
    office.does("jpgu", "correct_issued", fixed, changes={"first_name": "Mariseli"}, comment="Así consta")
    office.case_in(State.ENTREGADA)
    stock.arrive("admadm", transfer, Run("F", 5_500_001, 4))
    stock.reverse("admadm", receipt)
    stock.destroy("produccion", "jpgu", "PROD-GUA", Run("F", 5_500_101, 1))
    return Work(of_then, national, local, {})


def make_now(
    db: Session, username: str, key: str, typed: dict[str, str], as_of: dt.datetime | None = None
) -> ReportRun:
    """The workbook of a report for a user, of now unless said."""
    actor = load_actor(db, username=username)
    assert actor is not None
    fields = {name for each in REPORTS[key].filters for name in each.fields}
    run = runs.ask(
        db, actor, report=key, format="xlsx", filters={name: text for name, text in typed.items() if name in fields},
        as_of=as_of or horizon(db), language="es",
    )  # fmt: skip
    press = Press(SessionLocal.kw["bind"], lambda _code: str, thumbnails)
    execution.make_now(db, run, lambda run, target, noted: make(press, run, target, noted))
    db.commit()
    return run


def run_called(db: Session, number: str) -> ReportRun:
    return db.get_one(ReportRun, runs.run_called(number))


def local_head(db: Session, site: str = "GUA") -> User:
    """`jefe`, a head of department who sees one site: no profile of the manual has every report and few sites."""
    national, place = db.scalars(select(Role).where(Role.name == "JPGU")).one(), db.get_one(Site, site)
    profile = Role(name="LOCAL", title="Jefe local")
    db.add(profile)
    profile.permissions = [pair for pair in national.permissions if pair.permission.name != "can_every_site"]
    user = User(
        username="jefe", first_name="Jefe", last_name="Local", email="jefe@example.org", active=True,
        must_change_password=False, roles=[profile], sites=[place],
    )  # fmt: skip
    db.add(user)
    db.commit()
    return user
