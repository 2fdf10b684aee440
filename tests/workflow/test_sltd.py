"""The list for SLTD leaves in batches: five fields, each entry once, the same file however often it is taken."""

import csv
import io
from collections.abc import Callable
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import make_engine
from models.lost_documents import LostDocument
from models.users import AccessLog
from security.actor import Actor, load_actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, Unavailable
from security.scope import acting_as
from tests.build import make_booklets
from tests.together import at_once
from tests.views.desk import act, checked
from tests.workflow.ledger_world import COLLECTED
from workflow import sltd, sltd_batches
from workflow.stock import losses
from workflow.stock.serials import Run

FACTS = {
    "kind": "STOLEN", "lost_on": "2026-01-05", "country": "HND", "place": "", "police_reference": "", "remarks": "Robo"
}  # fmt: skip


@pytest.fixture
def head(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("jpgu")


@pytest.fixture
def box(db: Session, head: Actor) -> int:
    """Three blanks stolen; the number of the report."""
    make_booklets(db)
    return losses.report(db, head, [Run("F", 5_000_001, 3)], **FACTS).id


def lines(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def listed(db: Session, actor: Actor, **filters: str) -> tuple[list[sltd.Entry], int | None]:
    return sltd.entries(db, actor, sltd.Filters(**filters))


def taken(db: Session, actor: Actor, batch: int, part: str = "additions", kind: str = "csv") -> bytes:
    return sltd_batches.file_of(db, actor, batch, part, kind)[1]


def test_a_file_has_the_five_fields_and_no_person(db: Session, head: Actor) -> None:
    case = checked(db)
    act(db, "entrega", "deliver", case.number, **COLLECTED)
    act(db, "jpgu", "void_booklet", case.number, void_type="EXT", comment="Denuncia")
    make_booklets(db, 5_000_002, 1)
    losses.report(db, head, [Run("F", 5_000_002, 1)], **FACTS)
    data = taken(db, head, sltd_batches.make_batch(db, head).id)
    assert data.startswith(b"document_number,document_type,issuing_country,status,country_of_theft\r\n")
    assert lines(data)[1:] == [["F5000001", "P", "GTM", "LOST", ""], ["F5000002", "P", "GTM", "STOLEN_BLANK", "HND"]]
    assert case.cui.encode() not in data
    assert b"Tzunux" not in data


def test_the_same_batch_is_taken_again_identical_in_both_formats(db: Session, head: Actor, box: int) -> None:
    batch = sltd_batches.make_batch(db, head)
    first = {kind: taken(db, head, batch.id, kind=kind) for kind in sltd_batches.FORMATS}
    losses.report(db, head, [Run("F", int(make_booklets(db, 5_000_009, 1)[0][1:]), 1)], **FACTS)
    sltd_batches.make_batch(db, head)
    assert {kind: taken(db, head, batch.id, kind=kind) for kind in sltd_batches.FORMATS} == first
    with ZipFile(io.BytesIO(first["xlsx"])) as book:
        assert b"F5000003" in book.read("xl/sharedStrings.xml")


def test_an_entry_is_sent_once_and_without_any_there_is_no_batch(db: Session, head: Actor, box: int) -> None:
    assert sltd_batches.to_send(db) == (3, 0)
    batch = sltd_batches.make_batch(db, head)
    assert (batch.additions, batch.deletions, sltd_batches.to_send(db)) == (3, 0, (0, 0))
    with pytest.raises(Refused):
        sltd_batches.make_batch(db, head)


def test_a_withdrawal_of_what_was_sent_goes_into_the_next_batch_as_a_deletion(
    db: Session, head: Actor, box: int, as_user: Callable[[str], Actor]
) -> None:
    admin = as_user("admadm")
    first = sltd_batches.make_batch(db, head)
    losses.bring_back(db, admin, [Run("F", 5_000_002, 1)], remarks="Apareció")
    second = sltd_batches.make_batch(db, head)
    assert (second.additions, second.deletions) == (0, 1)
    assert lines(taken(db, head, second.id, "deletions"))[1:] == [["F5000002", "P", "GTM", "STOLEN_BLANK", "HND"]]
    assert lines(taken(db, head, second.id))[1:] == []
    assert len(lines(taken(db, head, first.id))) == 4, "what was sent stays in its batch"


def test_what_is_withdrawn_before_it_was_sent_is_never_sent(
    db: Session, head: Actor, box: int, as_user: Callable[[str], Actor]
) -> None:
    losses.bring_back(db, as_user("admadm"), [Run("F", 5_000_001, 3)], remarks="Apareció")
    assert sltd_batches.to_send(db) == (0, 0)


def test_a_batch_whose_entries_changed_past_the_product_is_not_given_out(db: Session, head: Actor, box: int) -> None:
    batch = sltd_batches.make_batch(db, head)
    db.execute(text("alter table lost_document disable trigger user"))
    db.execute(text("update lost_document set status = 'LOST' where booklet_number = 'F5000001'"))
    with pytest.raises(Unavailable, match="not those that were sent"):
        taken(db, head, batch.id)


def test_exports_are_for_who_may_and_leave_a_trace(
    db: Session, head: Actor, box: int, as_user: Callable[[str], Actor]
) -> None:
    keeper = as_user("produccion")
    assert sltd.entries(db, keeper)[0]
    with pytest.raises(NotAllowed):
        sltd_batches.make_batch(db, keeper)
    batch = sltd_batches.make_batch(db, head)
    with pytest.raises(NotAllowed):
        taken(db, keeper, batch.id)
    taken(db, head, batch.id)
    db.flush()
    screens = select(AccessLog.screen, AccessLog.detail).where(AccessLog.screen.like("sltd%")).order_by(AccessLog.id)
    assert [(screen, detail["batch"]) for screen, detail in db.execute(screens)] == [
        ("sltd_export", batch.id), ("sltd_file", batch.id)
    ]  # fmt: skip


@pytest.mark.parametrize(("part", "kind"), [("everything", "csv"), ("additions", "pdf")])
def test_no_other_file_is_there(db: Session, head: Actor, box: int, part: str, kind: str) -> None:
    batch = sltd_batches.make_batch(db, head)
    for number in (batch.id, 2**40):
        with pytest.raises(NotFound):
            sltd_batches.file_of(db, head, number, part, kind)


@pytest.mark.parametrize("statement", ["update sltd_export set additions = 9", "delete from sltd_export",
                                       "update lost_document set export_id = null"])  # fmt: skip
def test_a_batch_stays_as_it_was_sent(db: Session, head: Actor, box: int, statement: str) -> None:
    sltd_batches.make_batch(db, head)
    db.execute(text("set constraints all immediate"))
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text(statement))


def test_the_list_is_filtered_and_goes_on_by_key(db: Session, head: Actor, as_user: Callable[[str], Actor]) -> None:
    make_booklets(db, count=60)
    losses.report(db, head, [Run("F", 5_000_001, 55)], **FACTS)
    losses.report(db, head, [Run("F", 5_000_056, 5)], **{**FACTS, "kind": "LOST", "lost_on": "2026-02-01"})
    page, following = sltd.entries(db, head)
    rest, end = sltd.entries(db, head, before=following)
    assert (len(page), len(rest), end) == (50, 10, None)
    assert len(listed(db, head, status="LOST")[0]) == 5
    assert len(listed(db, head, first="2026-01-06")[0]) == 5
    losses.bring_back(db, as_user("admadm"), [Run("F", 5_000_056, 1)], remarks="Apareció")
    sltd_batches.make_batch(db, head)
    losses.bring_back(db, as_user("admadm"), [Run("F", 5_000_057, 1)], remarks="Apareció")
    found = {stage: len(listed(db, head, stage=stage, status="LOST")[0]) for stage in sltd.Stage}
    assert found == {"TO_SEND": 0, "SENT": 3, "TO_DELETE": 1, "WITHDRAWN": 2}
    for wrong in ({"stage": "X"}, {"status": "X"}, {"first": "X"}):
        with pytest.raises(BadValue):
            listed(db, head, **wrong)


def test_of_two_exporters_at_once_one_takes_all_and_the_other_nothing(
    fresh_database: Callable[[str], str], app: Flask
) -> None:
    engine = make_engine(fresh_database("sltd"), pool_size=4)
    with Session(engine) as session:
        people = [load_actor(session, username=name) for name in ("jpgu", "admadm")]
        make_booklets(session, count=300)
        assert people[0]
        with acting_as(people[0]):
            losses.report(session, people[0], [Run("F", 5_000_001, 300)], **FACTS)
        session.commit()

    def export(actor: Actor) -> Callable[[], int]:
        def do() -> int:
            with acting_as(actor), Session(engine) as session, session.begin():
                return sltd_batches.make_batch(session, actor).additions

        return do

    results = at_once(*(export(person) for person in people if person))
    assert sorted(map(str, results)) == ["300", "Nothing is to be sent: every entry is in a batch already."]
    with Session(engine) as session:
        assert len(set(session.scalars(select(LostDocument.export_id)))) == 1
    engine.dispose()
