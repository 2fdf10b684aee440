"""Day closings: what should be there against what was counted, frozen at once, signed by one, closed by another."""

import datetime as dt
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from models.base import make_engine, utc_now
from models.booklets import Booklet, BookletState
from models.cases import State
from models.clock import local_date
from models.closings import ClosingLine, ClosingRange, DayClosing
from models.control import ControlSetting
from models.stock import DocumentState
from printing.papers import draw
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, WrongState
from tests.build import make_booklets, make_case
from workflow.machine import perform
from workflow.stock import closing_counts, closing_figures, closing_minutes, closing_reads, closings, ledger, receipts
from workflow.stock.closing_figures import Figures
from workflow.stock.serials import Run, runs_text

WAREHOUSE = "PROD-GUA"


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("jpgu")


@pytest.fixture
def other(db: Session, keeper: Actor) -> Actor:
    found = load_actor(db, username="produccion")
    assert found is not None
    return found


def begun(db: Session, actor: Actor, warehouse: str = WAREHOUSE) -> DayClosing:
    return closings.start_closing(db, actor, warehouse=warehouse, on=local_date(utc_now()))


def count(db: Session, closing: DayClosing, actor: Actor, numbers: str) -> str:
    done = closing_counts.add_count(db, closing, actor, numbers=numbers)
    return f"{runs_text(done.changed)}|{runs_text(done.already)}"


def ordinary(db: Session, closing: DayClosing) -> Figures:
    return next(each for each in closing_figures.figures(db, closing) if each.category_code == "ORDINARIA")


def told(figures: Figures) -> tuple[int, ...]:
    """Opening, received, sent, printed, voided, expected, counted, missing, surplus."""
    return (
        figures.opening, figures.received, figures.sent, figures.printed, figures.voided, figures.expected,
        figures.counted, figures.missing, figures.surplus,
    )  # fmt: skip


def there(db: Session) -> int:
    """The ordinary blanks of the warehouse as the booklets themselves have it."""
    blanks = select(func.count()).where(
        Booklet.state == BookletState.NUEVA, Booklet.category_code == "ORDINARIA",
        Booklet.place.like(f"WAREHOUSE:{WAREHOUSE}") | Booklet.place.like(f"HANDS:{WAREHOUSE}:%"),
    )  # fmt: skip
    return int(db.execute(blanks).scalar_one())


def counted_runs(db: Session, closing: DayClosing) -> str:
    return runs_text(closing_figures.numbers(db, closing, "COUNTED", 100))


def signed(db: Session, actor: Actor, numbers: str, reason: str = "") -> DayClosing:
    closing = begun(db, actor)
    count(db, closing, actor, numbers)
    closings.sign_closing(db, closing, actor, reason=reason)
    return closing


# The figures.


def test_the_figures_add_up_over_a_days_work_and_the_next_day_opens_with_them(
    db: Session, keeper: Actor, other: Actor, as_user: Callable[[str], Actor]
) -> None:
    make_booklets(db, 5_000_001, 20)
    printer = as_user("impres")
    for number in ("F5000001", "F5000002"):
        perform(db, "assign_booklet", make_case(db, State.AUTORIZADA).number, printer, booklet=number)
    lost = db.get_one(Booklet, "F5000020")
    ledger.post(db, keeper, "EGRESO_ANULACION", lost, ledger.voided_place(WAREHOUSE), void_type="DAB")
    first = begun(db, keeper)
    count(db, first, keeper, "F5000003-F5000019")
    assert told(ordinary(db, first)) == (0, 20, 0, 2, 1, 17, 17, 0, 0)
    assert there(db) == 17
    closings.sign_closing(db, first, keeper)
    closings.close_closing(db, first, other)

    make_booklets(db, 5_000_101, 5)
    entry = ledger.last_movement(db, "F5000020")
    ledger.post(db, keeper, "REINGRESO_REACTIVACION", lost, entry.from_place, reverses=entry)
    perform(db, "assign_booklet", make_case(db, State.AUTORIZADA).number, printer, booklet="F5000003")
    second = begun(db, keeper)
    count(db, second, keeper, "F5000004-F5000020 F5000101+5")
    assert told(ordinary(db, second)) == (17, 6, 0, 1, 0, 22, 22, 0, 0)
    assert there(db) == 22
    assert [line.opening for line in frozen(db, first)] == [0]


def frozen(db: Session, closing: DayClosing) -> list[ClosingLine]:
    query = select(ClosingLine).where(ClosingLine.closing_id == closing.id, ClosingLine.category_code == "ORDINARIA")
    return list(db.scalars(query))


def test_a_receipt_reversed_went_out_and_hands_are_of_the_warehouse(db: Session, keeper: Actor, other: Actor) -> None:
    from models.stock import DocumentKind, StockDocument

    make_booklets(db, 5_000_001, 10)
    receipt = receipts.draft_receipt(
        db, keeper, category="ORDINARIA", on=local_date(utc_now()), warehouse=WAREHOUSE, reference="Lote 2"
    )
    receipts.add_line(db, receipt, keeper, category="ORDINARIA", prefix="F", first=6_000_001, quantity=4)
    receipts.close_receipt(db, receipt, keeper)
    receipts.reverse_receipt(db, receipt, as_reverser(db), remarks="Se cargó dos veces")
    issue = StockDocument(
        kind=DocumentKind.SALIDA, on=local_date(utc_now()), warehouse_code=WAREHOUSE, printer_id=other.user_id,
        created_by_id=keeper.user_id, created_at=utc_now(), state=DocumentState.CERRADO, signed_by_id=keeper.user_id,
        signed_at=utc_now(), closed_by_id=other.user_id, closed_at=utc_now(),
    )  # fmt: skip
    db.add(issue)
    db.flush()
    ledger.post_runs(
        db, keeper, "SALIDA", [Run("F", 5_000_001, 3)], document=issue, at=utc_now(),
        source=ledger.warehouse_place(WAREHOUSE), target=ledger.hands_place(WAREHOUSE, other.user_id),
    )  # fmt: skip
    closing = begun(db, keeper)
    count(db, closing, keeper, "F5000001+10")
    assert told(ordinary(db, closing)) == (0, 14, 4, 0, 0, 10, 10, 0, 0)
    assert there(db) == 10


def as_reverser(db: Session) -> Actor:
    found = load_actor(db, username="jusa")
    assert found is not None
    return found


def test_what_is_missing_and_what_is_surplus_is_named_as_ranges_with_what_the_ledger_says(
    db: Session, keeper: Actor
) -> None:
    make_booklets(db, 5_000_001, 20)
    make_booklets(db, 5_100_001, 5, warehouse="PROD-GU9")
    closing = begun(db, keeper)
    count(db, closing, keeper, "F5000001-F5000004, F5000008+11\nF5100002-F5100003 F9000001")
    figures = ordinary(db, closing)
    assert told(figures)[5:] == (20, 18, 5, 3)
    assert runs_text(figures.missing_runs) == "F5000005–F5000007, F5000019–F5000020"
    assert runs_text(figures.surplus_runs) == "F5100002–F5100003, F9000001"

    def ledger_says() -> list[tuple[str, str | None]]:
        shown = closing_reads.differences(db, closing, closing_figures.figures(db, closing))
        return [(str(found.run), found.place) for found in shown.surplus]

    expected = [("F5100002–F5100003", "WAREHOUSE:PROD-GU9"), ("F9000001", None)]
    assert ledger_says() == expected
    closings.sign_closing(db, closing, keeper, reason="Faltó una caja")
    assert ordinary(db, closing) == figures, "what is frozen is what was shown"
    perform_void(db, keeper, "F5100002")
    assert ledger_says() == expected, "the minutes tell what was so when it was signed"


def perform_void(db: Session, actor: Actor, number: str) -> None:
    ledger.post(
        db, actor, "EGRESO_ANULACION", db.get_one(Booklet, number), ledger.voided_place("PROD-GU9"), void_type="DAB"
    )


def test_more_ranges_than_are_shown_are_said_to_go_on_and_are_read_page_by_page(
    db: Session, keeper: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_reads, "RANGES_PAGE", 5)
    make_booklets(db, 5_000_001, 25)
    closing = begun(db, keeper)
    count(db, closing, keeper, " ".join(f"F{serial}" for serial in range(5_000_002, 5_000_025, 2)))
    for _state in ("counted", "signed"):
        shown = closing_reads.differences(db, closing, closing_figures.figures(db, closing))
        assert (len(shown.missing), shown.more_missing, shown.more_surplus) == (10, True, False)
        pages, after = [], None
        while True:
            page = closing_reads.ranges(db, closing, "MISSING", after)
            pages.append([str(found.run) for found in page.found])
            after = page.following
            if after is None:
                break
        assert [len(page) for page in pages] == [5, 5, 3]
        assert [number for page in pages for number in page] == [
            f"F{serial}" for serial in range(5_000_001, 5_000_026, 2)
        ]
        if closing.state == DocumentState.ABIERTO:
            closings.sign_closing(db, closing, keeper, reason="Cuento a saltos")


# The count.


def test_scans_are_kept_as_ranges_and_what_was_counted_is_told_and_changes_nothing(db: Session, keeper: Actor) -> None:
    closing = begun(db, keeper)
    for serial in [*range(5_000_001, 5_000_101, 2), *range(5_000_002, 5_000_101, 2)]:
        assert count(db, closing, keeper, f"f{serial}") == f"F{serial}|"
    assert counted_runs(db, closing) == "F5000001–F5000100"
    version = closing.version
    assert count(db, closing, keeper, "F5000050") == "|F5000050"
    assert closing.version == version
    assert count(db, closing, keeper, "F5000090-F5000110 S0000001") == "F5000101–F5000110, S0000001|F5000090–F5000100"
    assert counted_runs(db, closing) == "F5000001–F5000110, S0000001"
    assert count(db, closing, keeper, "F5000120 F5000120 F5000119-F5000121") == "F5000119–F5000121|"


def test_numbers_are_taken_off_the_count(db: Session, keeper: Actor) -> None:
    closing = begun(db, keeper)
    count(db, closing, keeper, "F5000001-F5000100 F5000200")
    done = closing_counts.take_off(db, closing, keeper, numbers="F5000050 F5000099-F5000201", version=closing.version)
    assert (runs_text(done.changed), done.booklets) == ("F5000050, F5000099–F5000100, F5000200", 4)
    assert runs_text(done.already) == "F5000101–F5000199, F5000201"
    assert counted_runs(db, closing) == "F5000001–F5000049, F5000051–F5000098"


@pytest.mark.parametrize(
    "typed", ["", "  ", "X5000001", "F500001", "F5000009-F5000001", "F5000001-S5000002", "F1" * 30_000]
)
def test_what_is_no_number_is_refused_at_its_field(db: Session, keeper: Actor, typed: str) -> None:
    closing = begun(db, keeper)
    with pytest.raises(BadValue) as refusal:
        count(db, closing, keeper, typed)
    assert refusal.value.field == "numbers"


# Who, when, in which order.


def test_a_difference_needs_a_reason(db: Session, keeper: Actor) -> None:
    make_booklets(db, 5_000_001, 3)
    closing = begun(db, keeper)
    count(db, closing, keeper, "F5000001-F5000002")
    for reason in ("", "  "):
        with pytest.raises(BadValue) as refusal:
            closings.sign_closing(db, closing, keeper, reason=reason)
        assert refusal.value.field == "reason"
    assert closing.state == DocumentState.ABIERTO
    closings.sign_closing(db, closing, keeper, reason="Se busca F5000003")
    assert (closing.state, closing.reason) == (DocumentState.POR_CONFIRMAR, "Se busca F5000003")


def test_a_warehouse_has_one_closing_at_a_time_and_who_began_it_is_told(
    db: Session, keeper: Actor, other: Actor
) -> None:
    closing = begun(db, keeper)
    with pytest.raises(WrongState) as refusal:
        begun(db, other)
    assert (refusal.value.params["number"], refusal.value.params["user"]) == (closing.id, "jpgu")
    assert begun(db, other, "PROD-GU9").warehouse_code == "PROD-GU9"
    closings.drop_closing(db, closing, keeper, version=closing.version)
    assert begun(db, other).id != closing.id


def test_a_day_to_come_and_one_before_the_last_are_refused(db: Session, keeper: Actor, other: Actor) -> None:
    today = local_date(utc_now())
    closings.close_closing(db, signed(db, keeper, "F5000001", "Sobra"), other)
    for day in (today + dt.timedelta(days=1), today - dt.timedelta(days=1)):
        with pytest.raises(BadValue) as refusal:
            closings.start_closing(db, keeper, warehouse=WAREHOUSE, on=day)
        assert refusal.value.field == "on"


def set_mode(db: Session, mode: str, site: str = "GUA") -> None:
    db.add(ControlSetting(control=closings.TWO_PEOPLE.name, site_code=site, mode=mode))
    db.flush()


def test_by_default_one_person_closes_alone_only_when_he_says_so_again(db: Session, keeper: Actor) -> None:
    make_booklets(db, 5_000_001, 3)
    closing = signed(db, keeper, "F5000001-F5000003")
    with pytest.raises(BadValue) as refusal:
        closings.close_closing(db, closing, keeper)
    assert refusal.value.field == "alone"
    closings.close_closing(db, closing, keeper, alone=True)
    assert (closing.state, closing.warned) == (DocumentState.CERRADO, True)


def test_where_it_is_enforced_a_second_person_closes(db: Session, keeper: Actor, other: Actor) -> None:
    set_mode(db, "off", "*")
    set_mode(db, "enforce")
    closing = signed(db, keeper, "F5000001", "Sobra")
    with pytest.raises(Refused):
        closings.close_closing(db, closing, keeper, alone=True)
    closings.close_closing(db, closing, other)
    assert (closing.closed_by_id, closing.warned) == (other.user_id, False)


def test_where_it_is_off_one_person_closes_and_nothing_is_asked(db: Session, keeper: Actor) -> None:
    set_mode(db, "off", "*")
    closing = signed(db, keeper, "F5000001", "Sobra")
    closings.close_closing(db, closing, keeper)
    assert closing.state == DocumentState.CERRADO


def test_what_is_given_back_is_counted_again_and_its_figures_are_gone(db: Session, keeper: Actor, other: Actor) -> None:
    make_booklets(db, 5_000_001, 3)
    closing = signed(db, keeper, "F5000001 F9000001", "Faltan dos")
    for act in (
        lambda: count(db, closing, keeper, "F5000002"),
        lambda: closings.sign_closing(db, closing, other, reason="x"),
        lambda: closings.drop_closing(db, closing, other),
    ):
        with pytest.raises(WrongState) as refusal:
            act()
        assert refusal.value.params["user"] == "jpgu"
    closings.give_back(db, closing, other, version=closing.version)
    assert (closing.state, closing.signed_by_id, closing.reason) == (DocumentState.ABIERTO, None, "Faltan dos")
    assert frozen(db, closing) == []
    assert set(db.scalars(select(ClosingRange.kind))) == {"COUNTED"}
    count(db, closing, other, "F5000002-F5000003")
    closing_counts.take_off(db, closing, other, numbers="F9000001")
    assert all(each.balanced for each in closings.sign_closing(db, closing, other))
    closings.close_closing(db, closing, keeper)


def test_a_closed_day_never_changes(db: Session, keeper: Actor, other: Actor) -> None:
    closing = signed(db, keeper, "F5000001", "Sobra")
    closings.close_closing(db, closing, other)
    for act in (
        lambda: count(db, closing, keeper, "F5000002"),
        lambda: closings.give_back(db, closing, keeper),
        lambda: closings.close_closing(db, closing, keeper, alone=True),
    ):
        with pytest.raises(WrongState) as refusal:
            act()
        assert refusal.value.params["user"] == "produccion"
    for statement in (
        "update day_closing set reason = 'otra'", "delete from day_closing", "update closing_line set counted = 0",
        "delete from closing_line", "update closing_range set quantity = 2", "delete from closing_range",
        "insert into closing_range (closing_id, kind, prefix, first_serial, quantity)"
        f" values ({closing.id}, 'COUNTED', 'F', 1, 1)",
    ):  # fmt: skip
        with pytest.raises(DBAPIError) as error, db.begin_nested():
            db.execute(text(statement))
        assert error.value.orig.sqlstate == "23001", statement  # type: ignore[union-attr]


def test_one_person_alone_without_a_warning_is_refused_by_the_database(db: Session, keeper: Actor) -> None:
    closing = signed(db, keeper, "F5000001", "Sobra")
    with pytest.raises(IntegrityError, match="closing_alone_was_warned_about"), db.begin_nested():
        db.execute(
            text("update day_closing set state = 'CERRADO', closed_at = now(), closed_by_id = :id where id = :closing"),
            {"id": keeper.user_id, "closing": closing.id},
        )


def test_who_looks_at_an_older_version_changes_nothing(db: Session, keeper: Actor, other: Actor) -> None:
    closing = begun(db, keeper)
    seen = closing.version
    count(db, closing, keeper, "F5000001")
    assert closing.version > seen
    for act in (
        lambda: closing_counts.add_count(db, closing, keeper, numbers="F5000002", version=seen),
        lambda: closing_counts.take_off(db, closing, keeper, numbers="F5000001", version=seen),
        lambda: closings.sign_closing(db, closing, keeper, reason="x", version=seen),
        lambda: closings.drop_closing(db, closing, keeper, version=seen),
    ):
        with pytest.raises(WrongState):
            act()
    closings.sign_closing(db, closing, keeper, reason="x", version=closing.version)
    seen = closing.version
    closings.give_back(db, closing, keeper, version=seen)
    closings.sign_closing(db, closing, keeper, reason="x")
    with pytest.raises(WrongState):
        closings.close_closing(db, closing, other, version=seen)


def test_another_sites_warehouse_is_neither_closed_nor_seen(
    db: Session, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    elsewhere = begun(db, keeper, "PROD-ZAC")
    printer = as_user("impres")
    for warehouse in ("PROD-ZAC", "CENTRAL", "NADA"):
        with pytest.raises(BadValue) as refusal:
            begun(db, printer, warehouse)
        assert refusal.value.field == "warehouse"
    for number in (elsewhere.id, 2**40):
        with pytest.raises(NotFound):
            closings.find(db, number, printer)
    assert closing_reads.pending(db, printer) == []
    assert [place.code for place in closing_reads.not_closed(db, printer, local_date(utc_now()))] == [WAREHOUSE]
    assert begun(db, printer).warehouse_code == WAREHOUSE
    assert closing_reads.not_closed(db, printer, local_date(utc_now())) == []


def test_who_only_reads_stock_closes_nothing(db: Session, keeper: Actor, as_user: Callable[[str], Actor]) -> None:
    closing = begun(db, keeper)
    reader = as_user("reporte")
    assert closing_reads.row(db, closing.id, reader).warehouse_code == WAREHOUSE
    acts: list[Callable[[], Any]] = [
        lambda: begun(db, reader, "PROD-GU9"),
        lambda: count(db, closing, reader, "F5000001"),
        lambda: closing_counts.take_off(db, closing, reader, numbers="F5000001"),
        lambda: closings.sign_closing(db, closing, reader),
        lambda: closings.give_back(db, closing, reader),
        lambda: closings.close_closing(db, closing, reader),
        lambda: closings.drop_closing(db, closing, reader),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    with pytest.raises(NotAllowed):
        closing_reads.pending(db, as_user("concal"))


def test_closed_days_are_listed_by_warehouse_and_paged_by_number(
    db: Session, keeper: Actor, other: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_reads, "CLOSED_PAGE", 2)
    numbers = []
    for place in range(3):
        closing = signed(db, keeper, f"F500000{place}", "Sobra")
        closings.close_closing(db, closing, other)
        numbers.append(closing.id)
    page, following = closing_reads.closed(db, keeper, warehouse=WAREHOUSE)
    assert [row.number for row in page] == numbers[:0:-1]
    assert (page[0].signed_by, page[0].closed_by, page[0].surplus, page[0].balanced) == ("jpgu", "produccion", 1, False)
    rest, end = closing_reads.closed(db, keeper, before=following)
    assert ([row.number for row in rest], end) == ([numbers[0]], None)
    assert closing_reads.closed(db, keeper, warehouse="PROD-GU9") == ([], None)


# The minutes.


def words_of(db: Session, closing: DayClosing, actor: Actor) -> str:
    def say(message: str, **params: Any) -> str:
        return message % params if params else message

    paper = closing_minutes.closing_minutes(db, closing.id, actor, say)
    pages = PdfReader(io.BytesIO(draw(paper))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_minutes_tell_figures_numbers_reason_and_people(db: Session, keeper: Actor, other: Actor) -> None:
    make_booklets(db, 5_000_001, 20)
    closing = begun(db, keeper)
    with pytest.raises(WrongState):
        words_of(db, closing, keeper)
    count(db, closing, keeper, "F5000001-F5000009 F5000012-F5000020 F9000001")
    closings.sign_closing(db, closing, keeper, reason="Dos libretas en el taller")
    assert "Not closed" in words_of(db, closing, keeper)
    closings.close_closing(db, closing, other)
    said = words_of(db, closing, keeper)
    for wanted in (
        f"Minutes of day closing {closing.id}", "F5000001–F5000009", "F5000010–F5000011", "F9000001",
        closing_figures.UNKNOWN, "Dos libretas en el taller", "0 20 0 0 0 20 19 2 1", keeper.name, other.name,
    ):  # fmt: skip
        assert wanted in said, wanted
    assert "Not closed" not in said
    assert "Attention" not in said


def test_the_minutes_of_a_day_that_one_person_closed_say_so(db: Session, keeper: Actor) -> None:
    closing = signed(db, keeper, "F5000001", "Sobra")
    closings.close_closing(db, closing, keeper, alone=True)
    assert "one person, jpgu, signed and closed alone" in words_of(db, closing, keeper)


# Two at once.


@pytest.fixture(scope="module")
def office(fresh_database: Callable[[str], str], app: Flask) -> Iterator[Engine]:
    engine = make_engine(fresh_database("closings"), pool_size=5)
    yield engine
    engine.dispose()


def waiting(office: Engine) -> bool:
    """Whether somebody waits for an advisory lock of the ledger."""
    with office.connect() as connection:
        locks = "select count(*) from pg_locks where locktype = 'advisory' and classid = 7301 and not granted"
        return bool(connection.execute(text(locks)).scalar_one())


def until(office: Engine) -> None:
    for _turn in range(200):
        if waiting(office):
            return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits")


def received(session: Session, actor: Actor, first: int) -> None:
    receipt = receipts.draft_receipt(
        session, actor, category="ORDINARIA", on=local_date(utc_now()), warehouse=WAREHOUSE, reference="Lote"
    )
    receipts.add_line(session, receipt, actor, category="ORDINARIA", prefix="F", first=first, quantity=5)
    receipts.close_receipt(session, receipt, actor)


def test_what_moves_while_a_day_is_signed_waits_and_belongs_to_the_next(office: Engine) -> None:
    with Session(office) as session:
        keeper, other = load_actor(session, username="jpgu"), load_actor(session, username="produccion")
        assert keeper is not None
        assert other is not None
        make_booklets(session, 5_000_001, 10)
        number = begun(session, keeper).id
        count(session, session.get_one(DayClosing, number), keeper, "F5000001+10")
        session.commit()

    def move() -> None:
        with Session(office) as mover, mover.begin():
            received(mover, other, 5_000_101)

    thread = threading.Thread(target=move)
    with Session(office) as signer:
        closings.sign_closing(signer, signer.get_one(DayClosing, number), keeper)
        thread.start()
        until(office)
        signer.commit()
    thread.join(30)
    assert not thread.is_alive()
    with Session(office) as session:
        first = session.get_one(DayClosing, number)
        assert told(ordinary(session, first)) == (0, 10, 0, 0, 0, 10, 10, 0, 0)
        closings.close_closing(session, first, other)
        second = begun(session, keeper)
        assert told(ordinary(session, second)) == (10, 5, 0, 0, 0, 15, 0, 15, 0)
        closings.drop_closing(session, second, keeper)
        session.commit()


def test_who_signs_waits_for_what_is_being_moved_and_counts_it(office: Engine) -> None:
    with Session(office) as session:
        keeper = load_actor(session, username="jpgu")
        assert keeper is not None
        closing = begun(session, keeper, WAREHOUSE)
        number, before = closing.id, ordinary(session, closing).expected
        session.commit()
    outcome: list[Figures] = []

    def sign() -> None:
        with Session(office) as signer, signer.begin():
            figures = closings.sign_closing(signer, signer.get_one(DayClosing, number), keeper, reason="Sin contar")
            outcome.extend(each for each in figures if each.category_code == "ORDINARIA")

    thread = threading.Thread(target=sign)
    with Session(office) as mover:
        received(mover, keeper, 5_000_201)
        thread.start()
        until(office)
        mover.commit()
    thread.join(30)
    assert [figures.expected for figures in outcome] == [before + 5]


def test_of_two_who_begin_at_once_one_is_told_of_the_other(office: Engine) -> None:
    with Session(office) as session:
        actors = [load_actor(session, username=name) for name in ("jpgu", "produccion")]
    gate, outcomes = threading.Barrier(2), []

    def begin(actor: Actor) -> None:
        with Session(office) as session:
            gate.wait(10)
            try:
                begun(session, actor, "PROD-GU9")
                session.commit()
                outcomes.append("begun")
            except WrongState as refusal:
                outcomes.append(str(refusal.params["user"]))

    threads = [threading.Thread(target=begin, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert "begun" in outcomes
    assert len({*outcomes} & {"jpgu", "produccion"}) == 1
