"""Random documents, cases and voids against a plain model: the office does what the model says, the ledger adds up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.cases import State
from security.errors import DomainError
from tests.build import make_case
from tests.workflow.ledger_world import CENTRAL, COLLECTED, FIRST, KEEPERS, PRINTERS, PROD, Office
from workflow.stock import stock_audit
from workflow.stock.serials import Run

SERIALS = 10
SUPPLIER = "SUPPLIER"
#: A run: its first booklet, how many at most, and how many times in eight it is any run instead of a fitting one.
Aim = tuple[int, int, int]
RUNS = st.tuples(st.integers(0, SERIALS - 1), st.integers(1, 5), st.integers(0, 7))
PICK = st.integers(0, 99)
WAREHOUSES, KEEPER, PRINTER = st.sampled_from((CENTRAL, PROD)), st.sampled_from(KEEPERS), st.sampled_from(PRINTERS)
SECOND = st.sampled_from(("jpgu", "admadm"))
#: What comes next for a case in each state.
STEPS = {
    State.AUTORIZADA: "_assign",
    State.EN_IMPRESION: "_accept_print",
    State.IMPRESA: "_accept_quality",
    State.POST_IMPRESION: "_deliver",
}


@dataclass
class Sheet:
    """What the model knows of a closed document."""

    number: int
    closer: str
    source: str
    target: str
    numbers: tuple[str, ...]
    undone: bool = False
    arrived: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)


@dataclass
class File:
    """What the model knows of a case: its booklet and what it was before each void that is its booklet's last event."""

    number: str
    state: State = State.AUTORIZADA
    booklet: str | None = None
    voided: dict[str, State] = field(default_factory=dict)


class OfficeAndModel(RuleBasedStateMachine):
    """The same acts on both; they must be done and refused alike, and leave every booklet at the same place."""

    engine: Engine

    @initialize()
    def begin(self) -> None:
        self.connection = self.engine.connect()
        self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        self.office = Office(self.session)
        self.place: dict[str, str] = {}
        self.last: dict[str, object] = {}
        self.receipts: list[Sheet] = []
        self.transfers: list[Sheet] = []
        self.drafts: dict[int, tuple[str, Run]] = {}
        self.cases = [File(make_case(self.session, State.AUTORIZADA).number) for _number in range(2)]
        self.receive(who="produccion", warehouse=PROD, aim=(0, 6, 7))

    def teardown(self) -> None:
        if hasattr(self, "session"):
            try:
                assert stock_audit.audit(self.session) == []
            finally:
                self.session.close()
                self.connection.close()

    @invariant()
    def every_booklet_is_where_the_model_has_it(self) -> None:
        if hasattr(self, "session"):
            assert self.office.places() == {n: place for n, place in self.place.items() if place != SUPPLIER}

    # How an act is tried and its booklets chosen, and what the model asks.

    def tried(self, expected: bool, act: Callable[..., Any], *values: Any) -> Any:
        """The outcome of the act, which must be done when `expected` and refused otherwise; nothing then is left."""
        outcome: Any = None
        refusal: DomainError | None = None
        try:
            with self.session.begin_nested():
                outcome = act(*values)
        except DomainError as error:
            self.session.expire_all()
            refusal = error
        assert expected == (refusal is None), f"{act.__name__}{values}: {refusal or 'done'}"
        return outcome

    def aimed(self, aim: Aim, *places: str) -> Run:
        """Seven times in eight a run that lies at one of `places`, when there is one."""
        first, most, stray = aim
        fitting = [n for n in range(SERIALS) if self._at(n) in places]
        if not fitting or not stray:
            return Run("F", FIRST + first, min(most, SERIALS - first))
        start = fitting[first % len(fitting)]
        quantity = next(n for n in range(1, most + 1) if n == most or self._at(start + n) != self._at(start))
        return Run("F", FIRST + start, quantity)

    def _at(self, index: int) -> str | None:
        return self.place.get(f"F{FIRST + index:07d}", SUPPLIER) if index < SERIALS else None

    def one(self, aim: Aim, *places: str) -> str:
        return self.aimed(aim, *places).first_number

    def every(self, account: str) -> list[str]:
        return [place for place in self.place.values() if place.startswith(account)]

    def all_at(self, run: Run, place: str) -> bool:
        return all(self.place.get(number, SUPPLIER) == place for number in run.numbers())

    def move(self, numbers: Any, place: str, why: object) -> None:
        for number in numbers:
            self.place[number], self.last[number] = place, why

    def hands(self, printer: str) -> str:
        return f"HANDS:{PROD}:{self.office.actor(printer).user_id}"

    def in_transit(self, sheet: Sheet) -> list[str]:
        return [number for number in sheet.numbers if self.place[number] == f"TRANSIT:{sheet.number}"]

    # Documents.

    def _free(self, run: Run) -> bool:
        drafted = {number for _who, draft in self.drafts.values() for number in draft.numbers()}
        return self.all_at(run, SUPPLIER) and drafted.isdisjoint(run.numbers())

    @rule(who=KEEPER, warehouse=WAREHOUSES, aim=RUNS)
    def receive(self, who: str, warehouse: str, aim: Aim) -> None:
        run = self.aimed(aim, SUPPLIER)
        note = self.tried(self._free(run), self.office.receive, who, warehouse, run)
        if note:
            sheet = Sheet(note[1], who, SUPPLIER, f"WAREHOUSE:{warehouse}", tuple(run.numbers()))
            self.receipts.append(sheet)
            self.move(sheet.numbers, sheet.target, sheet.number)

    @rule(who=KEEPER, warehouse=WAREHOUSES, aim=RUNS)
    def draft(self, who: str, warehouse: str, aim: Aim) -> None:
        run = self.aimed(aim, SUPPLIER)
        number = self.tried(self._free(run), self.office.draft_receipt, who, warehouse, run)
        if number:
            self.drafts[number] = warehouse, run

    @precondition(lambda self: self.drafts)
    @rule(who=KEEPER, pick=PICK, close=st.booleans())
    def end_draft(self, who: str, pick: int, close: bool) -> None:
        number = sorted(self.drafts)[pick % len(self.drafts)]
        warehouse, run = self.drafts.pop(number)
        if not close:
            return self.office.drop(number)
        assert self.tried(True, self.office.close_receipt, who, number)[2] == run.quantity
        self.receipts.append(Sheet(number, who, SUPPLIER, f"WAREHOUSE:{warehouse}", tuple(run.numbers())))
        return self.move(run.numbers(), f"WAREHOUSE:{warehouse}", number)

    @precondition(lambda self: self.receipts)
    @rule(who=SECOND, pick=PICK)
    def reverse(self, who: str, pick: int) -> None:
        sheet = self.receipts[pick % len(self.receipts)]
        may = who != sheet.closer and not sheet.undone and all(self.last[n] == sheet.number for n in sheet.numbers)
        note = self.tried(may, self.office.reverse, who, sheet.number)
        if note:
            sheet.undone = True
            self.move(sheet.numbers, SUPPLIER, note[1])

    @precondition(lambda self: self.every("WAREHOUSE"))
    @rule(who=KEEPER, source=WAREHOUSES, aim=RUNS)
    def send(self, who: str, source: str, aim: Aim) -> None:
        run = self.aimed(aim, f"WAREHOUSE:{source}")
        target = CENTRAL if source == PROD else PROD
        note = self.tried(self.all_at(run, f"WAREHOUSE:{source}"), self.office.send, who, source, target, run)
        if note:
            place = f"TRANSIT:{note[1]}"
            sheet = Sheet(note[1], who, f"WAREHOUSE:{source}", f"WAREHOUSE:{target}", tuple(run.numbers()))
            self.transfers.append(sheet)
            self.move(sheet.numbers, place, sheet.number)

    def chosen_transfer(self, pick: int) -> Sheet:
        """Mostly one with booklets in transit."""
        waiting = [sheet for sheet in self.transfers if self.in_transit(sheet)]
        among = self.transfers if pick > 85 else waiting
        return among[pick % len(among)]

    @precondition(lambda self: self.every("TRANSIT"))
    @rule(who=KEEPER, pick=PICK, aim=RUNS)
    def arrive(self, who: str, pick: int, aim: Aim) -> None:
        sheet = self.chosen_transfer(pick)
        inside, run = self.in_transit(sheet), self.aimed(aim, f"TRANSIT:{sheet.number}")
        came = [number for number in run.numbers() if number in inside]
        surplus = set(run.numbers()) - set(inside) - sheet.arrived
        may = who != sheet.closer and bool(inside) and bool(came or surplus)
        note = self.tried(may, self.office.arrive, who, sheet.number, run)
        if note:
            assert note[2] == len(came)
            sheet.arrived.update(came)
            self.move(came, sheet.target, "arrived")

    @precondition(lambda self: self.every("TRANSIT"))
    @rule(who=KEEPER, pick=PICK)
    def miss(self, who: str, pick: int) -> None:
        sheet = self.chosen_transfer(pick)
        rest = set(self.in_transit(sheet))
        self.tried(who != sheet.closer and bool(rest - sheet.missing), self.office.miss, who, sheet.number)
        if who != sheet.closer:
            sheet.missing |= rest

    @precondition(lambda self: self.every("TRANSIT"))
    @rule(who=SECOND, pick=PICK)
    def recall(self, who: str, pick: int) -> None:
        sheet = self.chosen_transfer(pick)
        inside = self.in_transit(sheet)
        may = who != sheet.closer and not sheet.undone and all(self.last[number] == sheet.number for number in inside)
        note = self.tried(may and bool(inside), self.office.recall, who, sheet.number)
        if note:
            assert note[2] == len(inside)
            sheet.undone = True
            self.move(inside, sheet.source, note[1])

    @precondition(lambda self: self.every("WAREHOUSE"))
    @rule(keeper=KEEPER, printer=PRINTER, aim=RUNS)
    def issue(self, keeper: str, printer: str, aim: Aim) -> None:
        run = self.aimed(aim, f"WAREHOUSE:{PROD}")
        if self.tried(self.all_at(run, f"WAREHOUSE:{PROD}"), self.office.issue, keeper, printer, run):
            self.move(run.numbers(), self.hands(printer), "issued")

    @precondition(lambda self: self.every("HANDS"))
    @rule(keeper=KEEPER, printer=PRINTER, aim=RUNS)
    def take_back(self, keeper: str, printer: str, aim: Aim) -> None:
        run = self.aimed(aim, self.hands(printer))
        if self.tried(self.all_at(run, self.hands(printer)), self.office.take_back, keeper, printer, run):
            self.move(run.numbers(), f"WAREHOUSE:{PROD}", "returned")

    @precondition(lambda self: self.every("VOIDED"))
    @rule(two=st.permutations(KEEPERS), warehouse=WAREHOUSES, aim=RUNS)
    def destroy(self, two: list[str], warehouse: str, aim: Aim) -> None:
        run = self.aimed(aim, f"VOIDED:{warehouse}")
        if self.tried(self.all_at(run, f"VOIDED:{warehouse}"), self.office.destroy, *two, warehouse, run):
            self.move(run.numbers(), "DESTROYED", "destroyed")

    # Blanks.

    @rule(who=KEEPER, aim=RUNS, void_type=st.sampled_from(("DAB", "EXB")))
    def void_blank(self, who: str, aim: Aim, void_type: str) -> None:
        number = self.one(aim, *self.every("WAREHOUSE"), *self.every("HANDS"), *self.every("TRANSIT"))
        account, _, owner = self.place.get(number, SUPPLIER).partition(":")
        sheet = next((sheet for sheet in self.transfers if account == "TRANSIT" and owner == str(sheet.number)), None)
        may = account in ("WAREHOUSE", "HANDS") or (sheet is not None and number in sheet.missing)
        if self.tried(may, self.office.void_blank, who, number, void_type):
            was = self.place[number]
            holder = (sheet.source if sheet else was).split(":")[1]
            lost = void_type == "EXB"
            self.move([number], "OUTSIDE" if lost else f"VOIDED:{holder}", ("EXB" if lost else "blank", was))

    @precondition(lambda self: self.every("VOIDED"))
    @rule(aim=RUNS)
    def reactivate_blank(self, aim: Aim) -> None:
        number = self.one(aim, *self.every("VOIDED"))
        why = self.last.get(number)
        may = isinstance(why, tuple) and why[0] == "blank"
        if self.tried(may, self.office.reactivate_blank, "admadm", number):
            assert isinstance(why, tuple)
            self.move([number], why[1], "reactivated")

    # Cases.

    @precondition(lambda self: len(self.cases) < 6)
    @rule()
    def another_case(self) -> None:
        self.cases.append(File(make_case(self.session, State.AUTORIZADA).number))

    @rule(pick=PICK, step=st.sampled_from((*STEPS, *[None] * 9)), often=st.integers(1, 4), printer=PRINTER, aim=RUNS)
    def carry_on(self, pick: int, step: State | None, often: int, printer: str, aim: Aim) -> None:
        """The next steps of a case, or one that is not next."""
        case = self.cases[pick % len(self.cases)]
        for _time in range(1 if step else often):
            getattr(self, STEPS.get(step or case.state, "_assign"))(case, printer, aim)

    def _assign(self, case: File, printer: str, aim: Aim) -> None:
        number = self.one(aim, f"WAREHOUSE:{PROD}", self.hands(printer))
        there = self.place.get(number) in (f"WAREHOUSE:{PROD}", self.hands(printer))
        if self.tried(case.state == State.AUTORIZADA and there, self.office.assign, printer, case.number, number):
            case.state, case.booklet = State.EN_IMPRESION, number
            self.move([number], "PRINTING:GUA", case.number)

    def _accept_print(self, case: File, printer: str, _aim: Aim) -> None:
        if self.tried(case.state == State.EN_IMPRESION, self.office.act, printer, "accept_print", case.number):
            case.state = State.IMPRESA

    def _accept_quality(self, case: File, _printer: str, _aim: Aim) -> None:
        if self.tried(case.state == State.IMPRESA, self.office.accept_quality, case.number, case.booklet or ""):
            case.state = State.POST_IMPRESION

    def _deliver(self, case: File, _printer: str, _aim: Aim) -> None:
        may = case.state == State.POST_IMPRESION
        if self.tried(may, lambda: self.office.act("entrega", "deliver", case.number, **COLLECTED)):
            case.state = State.ENTREGADA
            self.move([case.booklet], "HOLDER", case.number)

    @precondition(lambda self: self.every("PRINTING") or self.every("HOLDER"))
    @rule(pick=PICK, how=st.sampled_from(("refuse_print", "refuse_quality", "void")))
    def void(self, pick: int, how: str) -> None:
        among = [case for case in self.cases if case.booklet] if pick > 10 else self.cases
        case = among[pick % len(among)]
        live = case.booklet is not None and self.place[case.booklet] in ("PRINTING:GUA", "HOLDER")
        if how == "refuse_print":
            may = case.state == State.EN_IMPRESION
            done = self.tried(may, self.office.act, "impres", how, case.number)
        elif how == "refuse_quality":
            may = case.state == State.IMPRESA
            done = self.tried(may, lambda: self.office.act("concal", how, case.number, comment="Manchada"))
        else:
            done = self.tried(
                live, self.office.void_case, case.number, "JUD" if case.state == State.ENTREGADA else "ERR"
            )
        if done:
            self._voided(case, str(case.booklet))

    def _voided(self, case: File, number: str) -> None:
        case.voided[number] = case.state
        if case.state == State.ENTREGADA:
            return self.move([number], "OUTSIDE", case.number)
        case.state, case.booklet = State.AUTORIZADA, None
        return self.move([number], f"VOIDED:{PROD}", case.number)

    @precondition(lambda self: any(case.voided for case in self.cases))
    @rule(pick=PICK, aim=RUNS)
    def reactivate_case(self, pick: int, aim: Aim) -> None:
        among = [case for case in self.cases if case.voided] if pick > 10 else self.cases
        case, number = among[pick % len(among)], self.one(aim, *self.every("VOIDED"), *self.every("OUTSIDE"))
        if pick > 10 and case.voided:
            number = min(case.voided)
        may = number in case.voided and self.place[number] != "DESTROYED" and case.booklet in (None, number)
        if self.tried(may, self.office.reactivate_case, case.number, number):
            case.state, case.booklet = case.voided.pop(number), number
            self.move([number], "HOLDER" if case.state == State.ENTREGADA else "PRINTING:GUA", case.number)


def test_whatever_the_office_does_the_ledger_agrees_with_a_plain_model(engine: Engine, app: Flask) -> None:
    OfficeAndModel.engine = engine
    run_state_machine_as_test(
        OfficeAndModel,
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, database=None,
            # A failure is printed step by step as it was found: making it smaller takes minutes.
            phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
