"""The ledger under many hands: processes that act at once and are killed, lots in opposite order, a full turnover."""

import itertools
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from app.settings import Settings
from models.base import make_engine, utc_now
from models.cases import State
from models.stock import DocumentKind, StockDocument
from security.actor import Actor, load_actor, system_actor
from security.errors import Unavailable
from tests.build import make_booklets, make_case
from tests.workflow.ledger_world import FIRST, PROD, TODAY, Office
from workflow.stock import documents, ledger, stock_audit
from workflow.stock.serials import Run

NOTE = re.compile(r"([A-Z_]+) ([0-9]+) ([0-9]+)")
ROOT = Path(__file__).parent.parent.parent
WORKERS, SERIALS = 6, 24
#: How long the crowd works: until so many acts were committed, but not for ever on a slow machine.
ENOUGH, LONGEST = 150, 25.0
#: What may happen to a worker besides a refusal: its backend was terminated, or its connection is gone.
EXPECTED_ERRORS = {"57P01", "None"}


@pytest.fixture(scope="module")
def kills_url(fresh_database: Callable[[str], str]) -> str:
    return fresh_database("kills")


@pytest.fixture(scope="module")
def stock(kills_url: str, app: Flask) -> Iterator[Engine]:
    engine = make_engine(kills_url, pool_size=12)
    yield engine
    engine.dispose()


class Crowd:
    """Worker processes and what they noted."""

    def __init__(self, url: str, settings: Settings, folder: Path) -> None:
        self.folder, self.seeds = folder, itertools.count(random.randrange(10**6))
        arguments = [url, str(settings.home / "keys"), str(settings.ocrb_font or ""), str(SERIALS), str(folder)]
        program = [sys.executable, "-m", "tests.workflow.ledger_world", *arguments]
        self.parent = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.alive: list[int] = []

    def start(self) -> None:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(f"{next(self.seeds)}\n")
        self.parent.stdin.flush()
        self.alive.append(int(self.parent.stdout.readline()))

    def kill_one(self) -> None:
        os.kill(self.alive.pop(random.randrange(len(self.alive))), signal.SIGKILL)

    def lines(self) -> list[str]:
        return [line for log in self.folder.glob("*.log") for line in log.read_text().split("\n") if line]

    def committed(self) -> int:
        return sum(1 for line in self.lines() if NOTE.fullmatch(line))

    def end(self) -> None:
        """All stop after the act they are at; one that waits for ever fails here."""
        (self.folder / "stop").touch()
        self.parent.communicate(timeout=30)
        assert self.parent.returncode == 0


def terminate_somebody(stock: Engine) -> None:
    with stock.begin() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and application_name = 'worker' order by random() limit 1"
            )
        )


@pytest.fixture(scope="module")
def aftermath(stock: Engine, kills_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the workers noted as committed, after some seconds of acts, kills and terminations."""
    with Session(stock) as session:
        for _case in range(8):
            make_case(session, State.AUTORIZADA)
        make_booklets(session, FIRST, SERIALS // 2)
        session.commit()
    separator = "&" if "?" in kills_url else "?"
    crowd = Crowd(f"{kills_url}{separator}application_name=worker", settings, tmp_path_factory.mktemp("crowd"))
    for _worker in range(WORKERS):
        crowd.start()
    until = time.monotonic() + LONGEST
    for turn in itertools.count():
        time.sleep(random.uniform(0.2, 0.8))
        if crowd.committed() > ENOUGH or time.monotonic() > until:
            break
        terminate_somebody(stock)
        if turn % 4 == 3:
            crowd.kill_one()
            crowd.start()
    crowd.end()
    return crowd.lines()


def test_after_kills_and_terminations_every_balance_is_right(stock: Engine, aftermath: list[str]) -> None:
    with Session(stock) as session:
        assert stock_audit.audit(session) == []
        assert stock_audit.counted(session)[1] > len([line for line in aftermath if NOTE.fullmatch(line)]) / 2


def test_nothing_that_was_committed_is_lost(stock: Engine, aftermath: list[str]) -> None:
    notes = [match.groups() for line in aftermath if (match := NOTE.fullmatch(line))]
    posted: Counter[tuple[str, int]] = Counter()
    for kind, number, count in notes:
        posted[kind, int(number)] += int(count)
    assert len({kind for kind, _number in posted}) > 5, posted
    with stock.connect() as connection:
        for (kind, number), count in posted.items():
            assert _found(connection, kind, number) >= count, (kind, number)


def _found(connection: Connection, kind: str, number: int) -> int:
    query = {
        "EVENT": "select count(*) from case_event where id = :number",
        "MOVEMENT": "select count(*) from stock_movement where id = :number",
    }.get(kind, "select count(*) from stock_movement where document_id = :number and kind = :kind")
    return int(connection.execute(text(query), {"number": number, "kind": kind}).scalar_one())


def test_nobody_waited_for_ever_nor_saw_an_error_that_is_no_refusal(aftermath: list[str]) -> None:
    errors = [line for line in aftermath if line.startswith("ERROR")]
    assert [line for line in errors if line.split()[1] not in EXPECTED_ERRORS] == []


def test_no_booklet_is_on_two_live_cases(stock: Engine, aftermath: list[str]) -> None:
    twice = text(
        "select booklet_number from passport_case where state in ('EN_IMPRESION', 'IMPRESA', 'POST_IMPRESION')"
        " group by 1 having count(*) > 1"
    )
    with stock.connect() as connection:
        assert connection.execute(twice).all() == []


# Many connections at one warehouse.


def system_of(stock: Engine) -> Actor:
    with Session(stock) as session:
        return system_actor(session)


def issue_of(session: Session, actor: Actor, printer: int, run: Run) -> StockDocument:
    """A closed issue of `run` to a printer, not posted yet."""
    document = documents.fill_head(
        session, None, DocumentKind.SALIDA, actor, None, on=TODAY, warehouse_code=PROD, printer_id=printer,
        signed_by_id=printer, signed_at=utc_now(),
    )  # fmt: skip
    documents.append(session, document, documents.new_line(
        session, document, category="ORDINARIA", prefix="F", first=run.first, quantity=run.quantity))  # fmt: skip
    documents.close(session, document, actor)
    return document


def post_issue(session: Session, actor: Actor, printer: int, run: Run, *, runs: list[Run] | None = None) -> None:
    document = issue_of(session, actor, printer, run)
    hands = ledger.hands_place(PROD, printer)
    ledger.post_runs(
        session, actor, "SALIDA", runs or [run], document=document, source=ledger.warehouse_place(PROD), target=hands,
        at=utc_now(),
    )  # fmt: skip


def printer_id(stock: Engine) -> int:
    with Session(stock) as session:
        found = load_actor(session, username="impres")
    assert found is not None
    return found.user_id


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    """The results of `acts`, or their errors, begun at once in threads of their own."""
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            results[place] = act()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=entry) for entry in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "somebody waits for ever"
    return results


def test_eight_who_post_at_one_warehouse_wait_for_none_and_the_sums_are_right(stock: Engine) -> None:
    actor, printer = system_of(stock), printer_id(stock)
    with Session(stock) as session:
        make_booklets(session, 9_100_001, 8)
        session.commit()
    posted = threading.Barrier(8)

    def post(place: int) -> Callable[[], None]:
        def act() -> None:
            with Session(stock) as session:
                session.execute(text("set local lock_timeout = '5s'"))
                post_issue(session, actor, printer, Run("F", 9_100_001 + place, 1))
                posted.wait(20)  # all have posted and none has committed: nobody can have waited for another
                session.commit()

        return act

    assert together([post(place) for place in range(8)]) == [None] * 8
    with Session(stock) as session:
        slots = text("select count(*), sum(put) from stock_turnover where account = 'HANDS' and kind = 'SALIDA'"
                     " and owner = :owner and span = 'DAY'")  # fmt: skip
        rows, put = session.execute(slots, {"owner": PROD}).one()
        moved = text("select count(*) from stock_movement where kind = 'SALIDA'")
        assert rows >= 8
        assert put == session.execute(moved).scalar_one()
        assert stock_audit.audit(session) == []


def test_lots_that_share_ranges_in_opposite_order_do_not_wait_for_each_other_for_ever(stock: Engine) -> None:
    actor, printer = system_of(stock), printer_id(stock)
    with Session(stock) as session:
        make_booklets(session, 9_200_001, 400)
        session.commit()
    whole, low, high = Run("F", 9_200_001, 400), Run("F", 9_200_001, 200), Run("F", 9_200_201, 200)

    def post(runs: list[Run]) -> Callable[[], None]:
        def act() -> None:
            with Session(stock) as session, session.begin():
                post_issue(session, actor, printer, whole, runs=runs)

        return act

    results = together([post([low, high]), post([high, low]), post([low, high]), post([high, low])])
    assert sorted(type(result).__name__ for result in results) == ["NoneType", *["Unavailable"] * 3]
    with Session(stock) as session:
        assert stock_audit.audit(session) == []


def test_a_booklet_taken_while_its_receipt_is_reversed_stops_the_reversal(stock: Engine) -> None:
    """The reversal has looked that all booklets are there; before it locks them, one is voided and committed."""
    with Session(stock) as session:
        make_booklets(session, 9_300_001, 3)
        number = session.execute(text("select max(id) from stock_document")).scalar_one()
        session.commit()
    taken: list[bool] = []

    def take(_c: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        if "'REVERSION', m.to_place" in statement and not taken:
            taken.append(True)
            with Session(stock) as other, other.begin():
                Office(other).void_blank("produccion", "F9300002", "DAB")

    event.listen(stock, "before_cursor_execute", take)
    try:
        with Session(stock) as session, pytest.raises(Unavailable):
            Office(session).reverse("admadm", number)
    finally:
        event.remove(stock, "before_cursor_execute", take)
    assert taken
    with Session(stock) as session:
        assert stock_audit.audit(session) == []
