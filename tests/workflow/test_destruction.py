"""Destruction: only voided booklets in custody, by two people, by numbered minutes; what is destroyed never returns."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import make_engine, utc_now
from models.booklets import Booklet, BookletState
from models.cases import State
from models.stock import DocumentState, StockDocument, StockMovement
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from security.scope import acting_as, set_acting
from tests.build import make_booklets, make_case
from tests.printing.invented import run
from tests.views.desk import act
from workflow.booklets import lock_booklet
from workflow.machine import perform
from workflow.stock import destruction, documents, holdings, issue_papers, issues, ledger
from workflow.stock.serials import Run

TODAY = dt.date(2026, 11, 20)
GUA = "PROD-GUA"


def who(db: Session, username: str) -> Actor:
    actor = load_actor(db, username=username)
    assert actor is not None
    return actor


@pytest.fixture
def first(db: Session) -> Actor:
    return replace(who(db, "produccion"), sites=frozenset({"GUA"}))


@pytest.fixture
def second(db: Session) -> Actor:
    return replace(who(db, "jpgu"), sites=frozenset({"GUA"}))


def voided(
    db: Session, numbers: list[str], void_type: str = "DAB", *, at: dt.datetime | None = None, warehouse: str = GUA
) -> None:
    """New booklets of a warehouse found damaged: voided, in its custody."""
    actor = who(db, "produccion")
    for number in numbers:
        booklet = lock_booklet(db, number)
        booklet.state_since = at or booklet.state_since  # as if it had been received then: a ledger goes forward
        ledger.post(
            db, actor, "EGRESO_ANULACION", booklet, ledger.voided_place(warehouse), void_type=void_type, at=at
        )  # fmt: skip


def voided_on_a_case(db: Session, number: str) -> str:
    """A booklet whose print was refused; the number of its case."""
    case = make_case(db, State.AUTORIZADA)
    act(db, "impres", "assign_booklet", case.number, booklet=number)
    act(db, "impres", "refuse_print", case.number)
    return case.number


def draft(db: Session, actor: Actor, **head: Any) -> StockDocument:
    return destruction.draft_destruction(db, actor, **{"on": TODAY, "warehouse": GUA} | head)


def destroyed(db: Session, first: Actor, second: Actor, *runs: Run) -> StockDocument:
    document = draft(db, first, reference="Orden 12")
    counted = destruction.add_runs(db, document, first, list(runs))
    destruction.sign(db, document, first)
    destruction.confirm(db, document, second, counted=counted)
    return document


def places(db: Session, numbers: list[str]) -> set[str]:
    return set(db.scalars(select(Booklet.place).where(Booklet.number.in_(numbers))))


def test_voided_booklets_signed_by_one_and_counted_by_another_are_destroyed(
    db: Session, first: Actor, second: Actor
) -> None:
    numbers = make_booklets(db, count=5)
    voided(db, numbers[:3])
    document = draft(db, first)
    assert destruction.add_runs(db, document, first, [Run("F", 5_000_001, 3)]) == 3
    destruction.sign(db, document, first)
    assert places(db, numbers[:3]) == {f"VOIDED:{GUA}"}
    assert destruction.confirm(db, document, second, counted=3) == 3
    assert places(db, numbers[:3]) == {"DESTROYED"}
    assert places(db, numbers[3:]) == {f"WAREHOUSE:{GUA}"}
    moves = db.scalars(select(StockMovement).where(StockMovement.document_id == document.id)).all()
    assert {(move.kind, move.user_id, move.at) for move in moves} == {
        ("DESTRUCCION", second.user_id, document.closed_at)
    }
    booklet = db.get_one(Booklet, numbers[0], populate_existing=True)
    assert (booklet.state, booklet.void_type_code) == (BookletState.ANULADA, "DAB")


def test_only_voided_booklets_in_this_custody_are_destroyed(db: Session, first: Actor) -> None:
    numbers = make_booklets(db, count=6)
    make_booklets(db, 5_000_007, 2, warehouse="PROD-GU9")
    voided(db, numbers[1:3])
    voided(db, ["F5000007"], warehouse="PROD-GU9")
    document = draft(db, first)
    with pytest.raises(Unavailable) as refusal:
        destruction.add_runs(db, document, first, [Run("F", 5_000_001, 8)])
    assert refusal.value.params["ranges"] == "F5000001, F5000004–F5000008"
    assert refusal.value.field == "numbers"
    assert document.lines == []


def test_all_in_custody_or_of_one_kind_or_age_is_put_on_the_document(db: Session, first: Actor) -> None:
    numbers = make_booklets(db, count=8)
    old = utc_now() - dt.timedelta(days=40)
    voided(db, numbers[:3], "DAB", at=old)
    voided(db, numbers[3:5], "DEF")
    voided(db, numbers[6:7], "DAB")
    document, other = draft(db, first), draft(db, first)
    month_ago = (utc_now() - dt.timedelta(days=30)).date()
    assert destruction.add_voided(db, document, first, void_type="DAB", until=month_ago) == 3
    assert documents.runs(document) == [Run("F", 5_000_001, 3)]
    assert destruction.add_voided(db, other, first, void_type="DEF") == 2
    assert destruction.add_voided(db, document, first) == 1, "neither its own nor those of the other"
    assert documents.runs(document)[-1] == Run("F", 5_000_007, 1)
    assert destruction.add_voided(db, document, first) == 0
    with pytest.raises(BadValue):
        destruction.add_voided(db, document, first, void_type="NADA")
    with pytest.raises(BadValue):
        destruction.add_voided(db, document, first, until=dt.date.max)


def test_what_is_in_custody_is_told_by_kind_and_age(db: Session) -> None:
    numbers = make_booklets(db, count=8)
    old = utc_now() - dt.timedelta(days=40)
    voided(db, numbers[:3], "DAB", at=old)
    voided(db, numbers[3:5], "DEF")
    voided(db, numbers[6:7], "DAB")
    damaged, faulty = holdings.in_custody(db, GUA)
    assert (damaged.void_type_code, damaged.void_type, damaged.booklets) == ("DAB", "Daño en bodega o traslado", 4)
    assert damaged.oldest == old < faulty.oldest
    assert (faulty.void_type_code, faulty.booklets) == ("DEF", 2)
    assert [entry.booklets for entry in holdings.in_custody(db, GUA, (utc_now() - dt.timedelta(days=30)).date())] == [3]
    assert holdings.in_custody(db, "PROD-GU9") == []


def test_more_runs_than_a_document_takes_at_once_come_in_turns(
    db: Session, first: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.stock.draft_lines.MOST_LINES", 2)
    numbers = make_booklets(db, count=9)
    voided(db, numbers[::2])
    document = draft(db, first)
    assert [destruction.add_voided(db, document, first) for _turn in range(4)] == [2, 2, 1, 0]


def test_two_people_count_and_a_wrong_count_is_not_told(db: Session, first: Actor, second: Actor) -> None:
    voided(db, make_booklets(db, count=3))
    document = draft(db, first)
    destruction.add_voided(db, document, first)
    destruction.sign(db, document, first)
    with pytest.raises(Refused):
        destruction.confirm(db, document, first, counted=3)
    with pytest.raises(BadValue) as refusal:
        destruction.confirm(db, document, second, counted=2)
    assert refusal.value.field == "counted"
    assert "3" not in str(refusal.value)
    assert [row.number for row in destruction.to_confirm(db, second)] == [document.id]
    assert destruction.to_confirm(db, first) == []
    destruction.give_back(db, document, second)
    assert document.state == DocumentState.ABIERTO


@pytest.mark.parametrize("signer", [None, "produccion"])
def test_the_database_refuses_one_person(db: Session, first: Actor, signer: str | None) -> None:
    document = draft(db, first)
    signed = {"by": first.user_id if signer else None, "at": "2026-11-20T12:00Z" if signer else None}
    with pytest.raises(IntegrityError, match="two_people_sign"):
        db.execute(
            text(
                "update stock_document set state = 'CERRADO', signed_by_id = :by, signed_at = :at,"
                " closed_by_id = :me, closed_at = '2026-11-20T13:00Z' where id = :id"
            ),
            {**signed, "me": first.user_id, "id": document.id},
        )


def test_only_who_destroys_at_the_warehouse_does(db: Session, first: Actor, second: Actor) -> None:
    voided(db, make_booklets(db, count=3))
    document = draft(db, first)
    destruction.add_voided(db, document, first)
    elsewhere = replace(second, sites=frozenset({"GU9"}))
    reader = replace(second, permissions=frozenset({Permission.READ_STOCK}))
    acts: list[Callable[[Actor], Any]] = [
        lambda actor: draft(db, actor),
        lambda actor: draft(db, actor, document=document, warehouse="PROD-GU9"),
        lambda actor: destruction.add_voided(db, document, actor),
        lambda actor: destruction.drop_line(db, document, document.lines[0].id, actor),
        lambda actor: destruction.drop_draft(db, document, actor),
        lambda actor: destruction.sign(db, document, actor),
        lambda actor: destruction.confirm(db, document, actor, counted=3),
        lambda actor: destruction.give_back(db, document, actor),
    ]
    for somebody in (elsewhere, reader):
        for attempt in acts:
            with pytest.raises((NotAllowed, BadValue)):
                attempt(somebody)
    with pytest.raises(NotFound):
        documents.find(db, document.id, elsewhere, destruction.KIND)
    with pytest.raises(BadValue, match="lie elsewhere"):
        draft(db, who(db, "produccion"), document=document, warehouse="PROD-GU9")


def test_who_looks_at_an_older_version_destroys_nothing(db: Session, first: Actor, second: Actor) -> None:
    voided(db, make_booklets(db, count=3))
    document = draft(db, first)
    seen = document.version
    destruction.add_voided(db, document, first, version=seen)
    acts: list[Callable[[], Any]] = [
        lambda: destruction.add_voided(db, document, first, version=seen),
        lambda: destruction.add_runs(db, document, first, [Run("F", 5_000_001, 1)], version=seen),
        lambda: destruction.drop_line(db, document, document.lines[0].id, first, version=seen),
        lambda: destruction.drop_draft(db, document, first, version=seen),
        lambda: destruction.sign(db, document, first, version=seen),
    ]
    for attempt in acts:
        with pytest.raises(WrongState):
            attempt()
    destruction.sign(db, document, first, version=document.version)
    with pytest.raises(WrongState):
        destruction.confirm(db, document, second, counted=3, version=seen)


def test_what_was_reactivated_since_is_named(db: Session, first: Actor, second: Actor) -> None:
    make_booklets(db, count=2)
    voided_on_a_case(db, "F5000001")
    case = voided_on_a_case(db, "F5000002")
    document = draft(db, first)
    destruction.add_voided(db, document, first)
    destruction.sign(db, document, first)
    act(db, "admadm", "reactivate_booklet", case, booklet="F5000002", comment="Salió bien")
    with pytest.raises(Unavailable, match="F5000002"), db.begin_nested():
        destruction.confirm(db, document, second, counted=2)
    assert places(db, ["F5000001"]) == {f"VOIDED:{GUA}"}


# For good.


def test_a_destroyed_booklet_is_never_reactivated(db: Session, first: Actor, second: Actor) -> None:
    make_booklets(db, count=1)
    case = voided_on_a_case(db, "F5000001")
    destroyed(db, first, second, Run("F", 5_000_001, 1))
    actor = who(db, "admadm")
    with acting_as(actor), pytest.raises(Unavailable, match="was destroyed: it cannot come back"):
        perform(db, "reactivate_booklet", case, actor, booklet="F5000001", comment="Por error")
    assert places(db, ["F5000001"]) == {"DESTROYED"}


def test_no_movement_leads_out_of_destruction_or_into_it_without_minutes(
    db: Session, first: Actor, second: Actor
) -> None:
    numbers = make_booklets(db, count=2)
    voided(db, numbers)
    document = destroyed(db, first, second, Run("F", 5_000_001, 1))
    for kind in ledger.KINDS.values():
        assert "DESTROYED" not in kind.sources
        assert ("DESTROYED" in kind.targets) == (kind.code == "DESTRUCCION")
    values = {"at": utc_now(), "user": first.user_id, "entry": ledger.last_movement(db, "F5000001").id}
    into = "insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, reverses_id) values "
    for entry in (
        f"('F5000001', 'REINGRESO_REACTIVACION', 'DESTROYED', 'VOIDED:{GUA}', :at, :user, :entry)",
        f"('F5000002', 'DESTRUCCION', 'VOIDED:{GUA}', 'DESTROYED', :at, :user, null)",
    ):
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(text(into + entry), values)
    with pytest.raises(Unavailable, match="F5000001"):
        destruction.add_runs(db, draft(db, first), first, [Run("F", 5_000_001, 1)])
    with pytest.raises(WrongState, match="jpgu closed it"):
        destruction.give_back(db, document, first)


def test_of_two_who_close_the_minutes_at_once_one_does(fresh_database: Callable[[str], str]) -> None:
    set_acting(None)
    office: Engine = make_engine(fresh_database("destruction"))
    with Session(office, expire_on_commit=False) as session:
        seconds = [who(session, name) for name in ("jpgu", "jusa")]
        voided(session, make_booklets(session, count=4))
        document = draft(session, who(session, "produccion"))
        destruction.add_voided(session, document, who(session, "produccion"))
        destruction.sign(session, document, who(session, "produccion"))
        number = document.id
        session.commit()
    gate, told = threading.Barrier(2), []

    def confirm(actor: Actor) -> None:
        with Session(office) as session:
            found = documents.find(session, number, actor, destruction.KIND)
            gate.wait(10)
            try:
                told.append(destruction.confirm(session, found, actor, counted=4))
                session.commit()
            except DomainError as refusal:
                told.append(refusal)

    threads = [threading.Thread(target=confirm, args=(actor,)) for actor in seconds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    try:
        assert [result for result in told if isinstance(result, int)] == [4]
        assert [type(result) for result in told if not isinstance(result, int)] == [WrongState]
        with Session(office) as session:
            moves = select(func.count()).select_from(StockMovement).where(StockMovement.document_id == number)
            assert session.scalar(moves) == 4
    finally:
        office.dispose()


# The papers.


def words(pdf: bytes) -> str:
    return " ".join(run("pdftotext", "-layout", "-", "-", stdin=pdf).decode().split())


def test_the_minutes_name_every_booklet_its_void_and_its_case_and_the_two_people(
    db: Session, first: Actor, second: Actor
) -> None:
    numbers = make_booklets(db, count=9)
    voided(db, numbers[:3])
    case = voided_on_a_case(db, "F5000004")
    voided(db, numbers[5:7], "DEF")
    document = destroyed(db, first, second, Run("F", 5_000_001, 4), Run("F", 5_000_006, 2))
    pdf = issue_papers.minutes(db, document.id, first)
    read = words(pdf)
    assert f"Acta de destrucción No. {document.id}" in read
    assert "1 F5000001 F5000003 3 Daño en bodega o traslado" in read
    assert "2 F5000004 F5000004 1 Error de impresión (impresión rechazada) " + case in read
    assert "3 F5000006 F5000007 2 Defecto de fábrica" in read
    assert "Total 6" in read
    assert "Control de Producción Prueba" in read
    assert "Jefe Pasaportes Guatemala Prueba" in read
    assert "Responsable de la destrucción" in read
    assert "Testigo de la destrucción" in read
    assert "Orden 12" in read
    db.expire_all()
    assert issue_papers.minutes(db, document.id, second) == pdf, "a copy is the same, byte for byte"


def test_slips_of_issue_and_return_say_who_gives_and_who_takes(db: Session, first: Actor) -> None:
    printer = who(db, "impres")
    make_booklets(db, count=5)
    issue = issues.draft_issue(db, first, on=TODAY, warehouse=GUA, printer="impres", remarks="Turno <matutino> & más")
    issues.add_runs(db, issue, first, [Run("F", 5_000_001, 3), Run("F", 5_000_005, 1)])
    with pytest.raises(WrongState):
        issue_papers.minutes(db, issue.id, first)
    issues.sign(db, issue, first)
    with pytest.raises(WrongState):
        issue_papers.minutes(db, issue.id, printer)
    issues.confirm(db, issue, printer, counted=4)
    read = words(issue_papers.minutes(db, issue.id, printer))
    assert f"Acta de entrega de libretas No. {issue.id}" in read
    assert "1 ORDINARIA F5000001 F5000003 3" in read
    assert "2 ORDINARIA F5000005 F5000005 1" in read
    assert "Entrega, encargado de bodega Recibe, impresor" in read
    assert "Turno <matutino> & más" in read
    assert "Impresor Prueba" in read
    back = issues.draft_return(db, printer, on=TODAY, warehouse=GUA, printer="impres")
    issues.add_everything(db, back, printer)
    issues.sign(db, back, printer)
    issues.confirm(db, back, first, counted=4)
    read = words(issue_papers.minutes(db, back.id, first))
    assert f"Acta de devolución de libretas No. {back.id}" in read
    assert "Entrega, impresor Recibe, encargado de bodega" in read


def test_minutes_are_of_ones_own_warehouses(db: Session, first: Actor, second: Actor) -> None:
    voided(db, make_booklets(db, count=1))
    document = destroyed(db, first, second, Run("F", 5_000_001, 1))
    with pytest.raises(NotFound):
        issue_papers.minutes(db, document.id, replace(first, sites=frozenset({"GU9"})))
    with pytest.raises(NotAllowed):
        issue_papers.minutes(db, document.id, who(db, "concal"))
