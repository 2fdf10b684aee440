"""The office at work on few booklets: every act that moves one, by the product's own functions; and as a process.

Run as a program it does random acts until told to stop, each committed, and notes those that were.
"""

import datetime as dt
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm import Session

from models.base import make_engine
from models.booklets import Booklet, Personalisation
from models.stock import DocumentState, StockDocument
from security.actor import Actor, load_actor
from security.errors import DomainError
from security.permissions import Permission
from security.scope import acting_as
from workflow import pages
from workflow.machine import Asked, perform
from workflow.stock import arrivals, blanks, destruction, documents, issues, receipts, transfers
from workflow.stock.serials import Run

TODAY = dt.date(2026, 11, 20)
FIRST = 9_000_001
CENTRAL, PROD = "CENTRAL", "PROD-GUA"
KEEPERS, PRINTERS = ("produccion", "jpgu"), ("impres", "impdep")
LOOKS = {"portrait_ok": "1", "signature_ok": "1", "text_ok": "1"}
COLLECTED = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
#: Lines of kinds of movement with their document and how many booklets they moved, or of events of cases.
Note = tuple[str, int, int]


class Office:
    """One person after the other at one session. `pause` is called where the office would commit half-way."""

    def __init__(self, session: Session, pause: Callable[[], None] = lambda: None) -> None:
        self.session, self.pause = session, pause
        self.people: dict[str, Actor] = {}

    def actor(self, username: str) -> Actor:
        if username not in self.people:
            found = load_actor(self.session, username=username)
            assert found is not None
            self.people[username] = found
        return self.people[username]

    def document(self, number: int) -> StockDocument:
        return self.session.get_one(StockDocument, number)

    # Documents.

    def draft_receipt(self, who: str, warehouse: str, run: Run) -> int:
        session, actor = self.session, self.actor(who)
        document = receipts.draft_receipt(session, actor, category="ORDINARIA", on=TODAY, warehouse=warehouse)
        receipts.add_line(
            session, document, actor, category="ORDINARIA", prefix=run.prefix, first=run.first, quantity=run.quantity
        )
        return document.id

    def close_receipt(self, who: str, number: int) -> Note:
        return "INGRESO", number, receipts.close_receipt(self.session, self.document(number), self.actor(who))

    def receive(self, who: str, warehouse: str, run: Run) -> Note:
        number = self.draft_receipt(who, warehouse, run)
        self.pause()
        return self.close_receipt(who, number)

    def reverse(self, who: str, number: int) -> Note:
        document = self.document(number)
        reversal = receipts.reverse_receipt(self.session, document, self.actor(who), remarks="Por error")
        return "REVERSION", reversal.id, sum(run.quantity for run in documents.runs(document))

    def send(self, who: str, source: str, target: str, run: Run) -> Note:
        session, actor = self.session, self.actor(who)
        document = transfers.draft_transfer(session, actor, on=TODAY, from_warehouse=source, to_warehouse=target)
        transfers.add_line(
            session, document, actor, category="ORDINARIA", prefix=run.prefix, first=run.first, quantity=run.quantity
        )
        self.pause()
        return "TRASLADO_SALE", document.id, transfers.send(session, document, actor)

    def arrive(self, who: str, number: int, run: Run) -> Note:
        received = arrivals.receive(self.session, self.document(number), self.actor(who), runs=[run])
        return "TRASLADO_INGRESA", number, received.booklets

    def miss(self, who: str, number: int) -> None:
        arrivals.declare_missing(self.session, self.document(number), self.actor(who), remarks="No vino")

    def recall(self, who: str, number: int) -> Note:
        reversal = transfers.recall(self.session, self.document(number), self.actor(who), remarks="Por error")
        return "REVERSION", reversal.id, self.moved(reversal.id)

    def issue(self, keeper: str, printer: str, run: Run) -> Note:
        session, actor = self.session, self.actor(keeper)
        document = issues.draft_issue(session, actor, on=TODAY, warehouse=PROD, printer=printer)
        issues.add_runs(session, document, actor, [run])
        issues.sign(session, document, actor)
        self.pause()
        return "SALIDA", document.id, issues.confirm(session, document, self.actor(printer), counted=run.quantity)

    def take_back(self, keeper: str, printer: str, run: Run) -> Note:
        session, actor = self.session, self.actor(printer)
        document = issues.draft_return(session, actor, on=TODAY, warehouse=PROD, printer=printer)
        issues.add_runs(session, document, actor, [run])
        issues.sign(session, document, actor)
        self.pause()
        back = issues.confirm(session, document, self.actor(keeper), counted=run.quantity)
        return "REINGRESO_SALIDA", document.id, back

    def destroy(self, first: str, second: str, warehouse: str, run: Run) -> Note:
        session, actor = self.session, self.actor(first)
        document = destruction.draft_destruction(session, actor, on=TODAY, warehouse=warehouse)
        destruction.add_runs(session, document, actor, [run])
        destruction.sign(session, document, actor)
        self.pause()
        done = destruction.confirm(session, document, self.actor(second), counted=run.quantity)
        return "DESTRUCCION", document.id, done

    def drop(self, number: int) -> None:
        """Let go of a document that somebody left half done."""
        document, system = self.document(number), replace(self.actor("admadm"), permissions=frozenset(Permission))
        if document.state == DocumentState.POR_CONFIRMAR:
            documents.give_back(self.session, document)
        documents.drop_draft(self.session, document, system, Permission.RECEIVE_STOCK)

    def moved(self, document: int) -> int:
        query = text("select count(*) from stock_movement where document_id = :number")
        return int(self.session.execute(query, {"number": document}).scalar_one())

    # One booklet.

    def void_blank(self, who: str, number: str, void_type: str) -> Note:
        entry = blanks.void_blank(self.session, self.actor(who), number, void_type=void_type, remarks="Dañada")
        return "MOVEMENT", entry.id, 1

    def reactivate_blank(self, who: str, number: str) -> Note:
        return "MOVEMENT", blanks.reactivate_blank(self.session, self.actor(who), number, remarks="No era").id, 1

    # Cases.

    def act(self, who: str, act: str, case: str, **values: str) -> Note:
        actor, first = self.actor(who), self.actor("jusa")
        asked = Asked(first.user_id, first.username) if act == "void_booklet" else None
        with acting_as(actor):
            return "EVENT", perform(self.session, act, case, actor, asked, **values).id, 1

    def assign(self, printer: str, case: str, number: str) -> Note:
        return self.act(printer, "assign_booklet", case, booklet=number)

    def accept_quality(self, case: str, booklet: str) -> Note:
        use = self.session.scalars(
            select(Personalisation).where(
                Personalisation.booklet_number == booklet, Personalisation.voided_at.is_(None)
            )
        ).first()
        read = {"booklet": booklet, "mrz": f"{use.mrz_line_1}\n{use.mrz_line_2}", "seal": use.seal_text} if use else {}
        return self.act("concal", "accept_quality", case, **LOOKS, **read)

    def void_case(self, case: str, void_type: str) -> Note:
        return self.act("jpgu", "void_booklet", case, void_type=void_type, comment="Por error")

    def reactivate_case(self, case: str, number: str) -> Note:
        return self.act("admadm", "reactivate_booklet", case, booklet=number, comment="No era")

    def places(self) -> dict[str, str]:
        """Where the booklets are, but those at the supplier."""
        rows = self.session.execute(select(Booklet.number, Booklet.place).where(Booklet.place != "SUPPLIER"))
        return {number: place for number, place in rows}


class Worker:
    """A process that takes a booklet at random and does with it what fits its place, as others do meanwhile."""

    def __init__(self, session: Session, seed: int, serials: int, log: Path) -> None:
        self.random, self.serials, self.session = random.Random(seed), serials, session
        self.office = Office(session, self.maybe_commit)
        self.log = log.open("a", buffering=1)

    def maybe_commit(self) -> None:
        if self.random.random() < 0.5:
            self.session.commit()

    def value(self, query: str, **values: object) -> Any:
        """A value of what there is, the first of a random order; `0` where there is none."""
        return self.session.execute(text(f"{query} order by random() limit 1"), values).scalar() or "0"

    def around(self, serial: int) -> Run:
        """The booklet and up to three that follow it."""
        return Run("F", serial, min(self.random.randint(1, 4), FIRST + self.serials - serial))

    def act(self) -> Note | None:
        serial = FIRST + self.random.randrange(self.serials)
        place = self.value("select place from booklet where number = :number", number=f"F{serial}")
        account, _, owner = ("SUPPLIER" if place == "0" else place).partition(":")
        if self.random.random() < 0.1:
            account = self.random.choice(list(self.acts(account, owner, serial)))
        if self.random.random() < 0.1:
            left = self.value("select id from stock_document where state <> 'CERRADO'")
            return self.office.drop(int(left)) if left != "0" else None
        return self.random.choice(self.acts(account, owner, serial)[account])()

    def acts(self, account: str, owner: str, serial: int) -> dict[str, list[Callable[[], Note | None]]]:
        """What fits a booklet in each account; what belongs to another is refused, as it should be."""
        office, run, number, pick = self.office, self.around(serial), f"F{serial}", self.random.choice
        keeper, second, printer = pick(KEEPERS), pick(("jpgu", "admadm")), pick(PRINTERS)
        here = owner.partition(":")[0] if account in ("WAREHOUSE", "HANDS", "VOIDED") else PROD
        there = CENTRAL if here == PROD else PROD
        transfer = int(owner) if owner.isdecimal() else 0
        waiting = self.value("select number from passport_case where state = 'AUTORIZADA'")
        case = self.value("select c.number from passport_case c join booklet b on b.case_id = c.id"
                          " where b.number = :number", number=number)  # fmt: skip
        receipt = self.value("select document_id from stock_movement where kind = 'INGRESO'"
                             " and booklet_number = :number", number=number)  # fmt: skip
        return {
            "SUPPLIER": [lambda: office.receive(keeper, pick((CENTRAL, PROD)), run)],
            "WAREHOUSE": [
                lambda: office.send(keeper, here, there, run),
                lambda: office.issue(keeper, printer, run),
                lambda: office.assign(printer, waiting, number),
                lambda: office.assign(printer, waiting, number),
                lambda: office.void_blank(keeper, number, "DAB"),
                lambda: office.reverse(second, int(receipt)),
            ],
            "HANDS": [
                lambda: office.take_back(keeper, printer, run),
                lambda: office.assign(printer, waiting, number),
                lambda: office.void_blank(keeper, number, "DAB"),
            ],
            "TRANSIT": [
                lambda: office.arrive(keeper, transfer, run),
                lambda: office.arrive(keeper, transfer, run),
                lambda: office.recall(second, transfer),
                lambda: office.miss(keeper, transfer),
                lambda: office.void_blank(keeper, number, "DAB"),
            ],
            "PRINTING": [
                lambda: office.act(printer, "accept_print", case),
                lambda: office.act(printer, "refuse_print", case),
                lambda: office.accept_quality(case, number),
                lambda: office.act("concal", "refuse_quality", case, comment="Manchada"),
                lambda: office.act("entrega", "deliver", case, **COLLECTED),
                lambda: office.void_case(case, "ERR"),
            ],
            "HOLDER": [lambda: office.void_case(case, "JUD")],
            "OUTSIDE": [lambda: office.reactivate_case(case, number)],
            "VOIDED": [
                lambda: office.reactivate_blank("admadm", number),
                lambda: office.reactivate_blank("admadm", number),
                lambda: office.reactivate_case(case, number),
                lambda: office.reactivate_case(case, number),
                lambda: office.destroy(*KEEPERS, here, self.around(serial)),
            ],
            "DESTROYED": [lambda: office.void_blank(keeper, number, "DAB")],
        }

    def work(self, stop: Path) -> None:
        """Acts until `stop` is there; a commit that was confirmed is noted, one that may have failed is not."""
        while not stop.exists():
            try:
                self.work_once()
            except DBAPIError as error:  # the connection went while the transaction was being given up
                self.fault(error)
                self.session.invalidate()

    def work_once(self) -> None:
        try:
            note = self.act()
            self.session.commit()
            if note is not None:
                self.log.write(" ".join(map(str, note)) + "\n")
        except (DomainError, NoResultFound) as refusal:
            self.session.rollback()
            self.log.write(f"REFUSED {type(refusal).__name__}\n")
        except DBAPIError as error:
            self.fault(error)
            self.session.rollback()

    def fault(self, error: DBAPIError) -> None:
        said = str(error.orig).replace("\n", " ")
        self.log.write(f"ERROR {getattr(error.orig, 'sqlstate', None)} {said}\n")


def work(url: str, seed: int, serials: int, folder: Path) -> None:
    """One worker, with a connection of its own."""
    with Session(make_engine(url), expire_on_commit=False) as session:
        worker = Worker(session, seed, serials, folder / f"{seed}-{os.getpid()}.log")
        try:
            worker.work(folder / "stop")
        except Exception:
            worker.log.write("ERROR Python " + traceback.format_exc()[-600:].replace("\n", " ") + "\n")


def main(url: str, keys: str, font: str, serials: str, folder: str) -> None:
    """For each seed read, a process of its own, which costs no imports; tells its number. Ends when all have."""
    pages.configure(Path(keys), ocrb_font=Path(font) if font else None, specimen=True)
    pages.press().fonts()  # prepared once; a worker would do it with a booklet locked
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who is killed leaves nothing behind
    for seed in sys.stdin:
        child = os.fork()
        if child == 0:
            work(url, int(seed), int(serials), Path(folder))
            os._exit(0)
        print(child, flush=True)
    with suppress(ChildProcessError):
        os.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
