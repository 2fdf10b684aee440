"""The office at work in March 2026, its clock set by hand: what the tests of reports put in, and how they read it back.

Everything is done by the product's own acts, so that cases, booklets, log and ledger agree as they do in life.
"""

import datetime as dt
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import models.base
from models.booklets import Personalisation
from models.cases import CaseEvent, PassportCase, State
from models.clock import GUATEMALA
from models.stock import StockDocument
from printing.keys import KeyStore
from reports import reading, ties
from reports.asking import question
from reports.catalogue import REPORTS
from reports.declaration import Asked, Column
from reports.names import read_names
from reports.presenting import Presenter, lists_of
from reports.reading import Counted
from security.actor import Actor, load_actor
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.workflow import ledger_world
from workflow import pages
from workflow.machine import Asked as AskedBy
from workflow.machine import perform
from workflow.stock.serials import Run

LOOKS = {"portrait_ok": "1", "signature_ok": "1", "text_ok": "1"}
HOLDER = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
DAY = {"first": "2026-03-02", "last": "2026-03-02"}
MARCH = {"first": "2026-03-01", "last": "2026-03-31"}
BecomesUser = Callable[[str], Actor]


def local(text: str) -> dt.datetime:
    """A time on the clock of Guatemala, as the database gives it back."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=GUATEMALA).astimezone(dt.UTC)


def number(serial: int, prefix: str = "F") -> str:
    return f"{prefix}{serial:07d}"


class Clock:
    """The clock of everybody at work."""

    def __init__(self) -> None:
        self.now = local("2026-03-01 08:00:00")

    def __call__(self) -> dt.datetime:
        return self.now


class Office(ledger_world.Office):
    """The cast at work at every site, at the time that `at` set last."""

    def __init__(self, db: Session, clock: Clock) -> None:
        super().__init__(db)
        self.db, self.clock = db, clock

    def actor(self, username: str) -> Actor:
        """The user of the cast, who may act at every site."""
        if username not in self.people:
            found = load_actor(self.db, username=username)
            assert found is not None
            self.people[username] = replace(found, sites=None)
        return self.people[username]

    def at(self, text: str) -> dt.datetime:
        """Set the clock, which never goes back."""
        assert local(text) >= self.clock.now, f"{text} is past"
        self.clock.now = local(text)
        return self.clock.now

    @property
    def now(self) -> dt.datetime:
        return self.clock.now

    def user(self, username: str) -> int:
        return self.actor(username).user_id

    # Cases.

    def does(self, who: str, act: str, case: PassportCase, **values: Any) -> CaseEvent:
        first = self.actor("jusa")  # who asked for what two people do
        with acting_as(self.actor(who)):
            return perform(
                self.db, act, case.number, self.actor(who), AskedBy(first.user_id, first.username), **values
            )  # fmt: skip

    def stock(self, count: int, first: int = 5_000_001, *, warehouse: str = "PROD-GUA", **more: Any) -> list[str]:
        """Booklets received by the system itself."""
        return make_booklets(self.db, first, count, warehouse=warehouse, **more)

    def case(self, **changes: Any) -> PassportCase:
        return make_case(self.db, **{"enrolled_at": self.now} | changes)

    def assigned(self, booklet: str, case: PassportCase | None = None, *, who: str = "impres", **changes: Any) -> Any:
        """A case, new unless given, authorised and with its booklet in the printer."""
        case = case or self.case(**changes)
        if case.state == State.ENROLADA:
            self.does("supervisor", "authorise", case)
        self.does(who, "assign_booklet", case, booklet=booklet)
        return case

    def printed(self, booklet: str, case: PassportCase | None = None, *, who: str = "impres", **changes: Any) -> Any:
        case = self.assigned(booklet, case, who=who, **changes)
        self.does(who, "accept_print", case)
        return case

    def checked(self, booklet: str, case: PassportCase | None = None, **changes: Any) -> Any:
        case = self.printed(booklet, case, **changes)
        use = self.db.scalars(select(Personalisation).where(Personalisation.booklet_number == booklet)).one()
        scans = {"booklet": booklet, "mrz": f"{use.mrz_line_1}\n{use.mrz_line_2}", "seal": use.seal_text}
        self.does("concal", "accept_quality", case, **LOOKS, **scans)
        return case

    def delivered(self, booklet: str, case: PassportCase | None = None, **changes: Any) -> Any:
        case = self.checked(booklet, case, **changes)
        self.does("entrega", "deliver", case, **HOLDER)
        return case

    def rejected(self, reason: str = "R01", comment: str = "", **changes: Any) -> PassportCase:
        case = self.case(**changes)
        self.does("supervisor", "reject", case, reason=reason, comment=comment)
        return case

    def void(self, case: PassportCase, void_type: str = "ERR") -> None:
        self.does("produccion", "void_booklet", case, void_type=void_type, comment="Se anuló")

    def reactivate(self, case: PassportCase, booklet: str) -> None:
        self.does("admadm", "reactivate_booklet", case, booklet=booklet, comment="Anulada por error")

    def corrected(self, case: PassportCase, **changes: Any) -> PassportCase:
        """The case that a correction after printing makes of `case`."""
        event = self.does("jpgu", "correct_issued", case, changes=changes, comment="Así consta en el DPI")
        return self.made_by(event)

    def extended(self, case: PassportCase) -> PassportCase:
        return self.made_by(self.does("supersu", "extend", case, comment="Viaja pronto"))

    def made_by(self, event: CaseEvent) -> PassportCase:
        made = select(PassportCase).where(PassportCase.number == event.data["new_case"])
        return self.db.scalars(made.execution_options(every_site=True)).one()

    # Stock.

    def transfer(self, source: str, target: str, first: int, quantity: int) -> StockDocument:
        """A transfer sent and not yet received."""
        return self.document(self.send("produccion", source, target, Run("F", first, quantity))[1])

    def receives(self, transfer: StockDocument, first: int, quantity: int) -> None:
        self.arrive("admadm", transfer.id, Run("F", first, quantity))

    # Reading.

    def asked(
        self, report: str, *, as_of: dt.datetime | None = None, sites: tuple[str, ...] | None = None, **typed: str
    ) -> Asked:
        return question(REPORTS[report], typed, sites, as_of or self.now)

    def lines(self, report: str, *columns: str, **typed: Any) -> list[Any]:
        """The values `columns` of each line of the pages in order; the value itself where it is one column."""
        rows = paged(self.db, self.asked(report, **typed))
        values = [tuple(getattr(row, key) for key in columns) for row in rows]
        return values if len(columns) > 1 else [value for (value,) in values]

    def shown(self, report: str, **typed: Any) -> list[tuple[Any, ...]]:
        """The lines as a person reads them."""
        asked = self.asked(report, **typed)
        presenter = Presenter(asked.report, read_names(self.db, lists_of(asked.report)), lambda text: text)
        pick = presenter.picker(asked.report.lines(asked).selected_columns.keys())
        return [presenter.shown(pick(row)) for row in reading.every_line(self.db, asked)]

    def counted(self, report: str, **typed: Any) -> Counted:
        return reading.count(self.db, self.asked(report, **typed))

    def tied(self, report: str, **typed: Any) -> ties.Tied | None:
        asked = self.asked(report, **typed)
        return ties.tied(self.db, asked, reading.count(self.db, asked))


def paged(db: Session, asked: Asked, **order: Any) -> list[Any]:
    """The lines of all pages, one after the other; they are as many as each page says, with its totals."""
    rows, after = [], ""
    while True:
        page = reading.page(db, asked, after=after, **order)
        rows += page.rows
        if page.following is None:
            totals = {column.key: sum(getattr(row, column.key) for row in rows) for column in _summed(asked)}
            assert page.counted.capped or page.counted == Counted(len(rows), totals)
            return rows
        after = page.following


def _summed(asked: Asked) -> list[Column]:
    return [column for column in asked.report.columns if column.total]


def filed(db: Session, asked: Asked) -> list[tuple[Any, ...]]:
    """Every value of every line, as a file has them."""
    return _values(asked, reading.every_line(db, asked))


def whole(db: Session, asked: Asked) -> list[tuple[Any, ...]]:
    """The same, which the pages have too."""
    lines = filed(db, asked)
    assert _values(asked, paged(db, asked)) == lines
    return lines


def _values(asked: Asked, rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, column.key) for column in asked.report.columns) for row in rows]


def open_office(db: Session, become: BecomesUser, monkeypatch: pytest.MonkeyPatch, keys: Path) -> Office:
    """The office on the first of March, with a folder of keys of that time; who reads sees every site."""
    clock, real = Clock(), models.base.utc_now
    for module in list(sys.modules.values()):
        if vars(module).get("utc_now") is real:
            monkeypatch.setattr(module, "utc_now", clock)
    monkeypatch.setattr(pages, "_press", replace(pages.press(), keys=KeyStore(keys)))
    become("jpgu")
    return Office(db, clock)
