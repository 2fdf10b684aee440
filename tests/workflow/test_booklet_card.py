"""A booklet's card: its ledger as the manual prints it, where it is in words, its cases and who may read of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import State
from models.clock import local_date
from models.users import AccessLog
from security.actor import Actor, load_actor
from security.errors import NotAllowed, NotFound
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from tests.views.desk import act, checked, in_printing
from workflow.stock import arrivals, blanks, booklet_card, transfers
from workflow.stock.booklet_card import Card
from workflow.stock.places import Words

NUMBER = "F5000001"
CENTRAL, GUA = "CENTRAL DE PASAPORTES", "PRODUCCIÓN | CENTRO DE IMPRESIÓN GUATEMALA"


@pytest.fixture
def keeper(as_user: Callable[[str], Actor]) -> Actor:
    return as_user("produccion")


def said(words: Words) -> str:
    return words.message_id % words.params


def lines(card: Card) -> list[tuple[Any, ...]]:
    """Operation, place, in, out, balance, as the card's rows have them."""
    return [
        (entry.kind, said(row.place), row.came, row.went, entry.balance) for entry in card.entries for row in entry.rows
    ]


def sent_to_guatemala(db: Session, keeper: Actor) -> int:
    """A transfer of three booklets from the central warehouse, sent."""
    make_booklets(db, warehouse="CENTRAL")
    sent = transfers.draft_transfer(
        db, keeper, on=local_date(utc_now()), from_warehouse="CENTRAL", to_warehouse="PROD-GUA"
    )
    transfers.add_line(db, sent, keeper, category="ORDINARIA", prefix="F", first=5_000_001, quantity=3)
    transfers.send(db, sent, keeper)
    return sent.id


def test_the_ledger_is_told_as_in_the_manual(db: Session, keeper: Actor) -> None:
    """M:L990: received at the central warehouse, sent, received in Guatemala; the balance stays 1 on the way."""
    number = sent_to_guatemala(db, keeper)
    card = booklet_card.card(db, NUMBER, keeper)
    transit = f"In transit on transfer No. {number}"
    assert said(card.place) == transit
    receiver = load_actor(db, username="admadm")
    assert receiver is not None
    arrivals.receive(db, transfers.documents.find(db, number, receiver, "TRASLADO"), receiver, everything=True)
    card = booklet_card.card(db, NUMBER, keeper)
    assert lines(card) == [
        ("INGRESO", CENTRAL, 1, 0, 1),
        ("TRASLADO_SALE", CENTRAL, 0, 1, 1),
        ("TRASLADO_SALE", transit, 1, 0, 1),
        ("TRASLADO_INGRESA", transit, 0, 1, 1),
        ("TRASLADO_INGRESA", GUA, 1, 0, 1),
    ]
    assert [entry.document for entry in card.entries[1:]] == [number, number]
    assert [entry.username for entry in card.entries] == ["sistema", "produccion", "admadm"]
    assert said(card.place) == GUA


def test_in_less_out_is_the_balance_after_every_movement(db: Session, keeper: Actor) -> None:
    act(db, "produccion", "void_booklet", checked(db).number, void_type="NRC", comment="No vino")
    card = booklet_card.card(db, NUMBER, keeper)
    stock = 0
    for entry in card.entries:
        stock += sum(row.came - row.went for row in entry.rows)
        assert stock == entry.balance
    assert [line[0] for line in lines(card)] == ["INGRESO", "EGRESO_PERSONALIZACION", "EGRESO_ANULACION"]
    assert lines(card)[1:] == [
        ("EGRESO_PERSONALIZACION", GUA, 0, 1, 0),
        ("EGRESO_ANULACION", f"Voided, in the custody of {GUA}", 0, 0, 0),
    ]


def test_a_case_is_told_with_its_steps_its_void_and_why(db: Session, keeper: Actor) -> None:
    case = checked(db)
    act(db, "produccion", "void_booklet", case.number, void_type="NRC", comment="No vino nunca")
    (use,) = booklet_card.card(db, NUMBER, keeper).uses
    assert (use.case_number, use.opens_case, use.holder) == (case.number, True, case.full_name)
    people = [step.username for step in (use.assigned, use.printed, use.checked, use.voided) if step]
    assert people == ["impres", "impres", "concal", "produccion"]
    assert (use.delivered, use.void_type, use.comment) == (None, "Pasaporte no reclamado", "No vino nunca")


def test_a_booklet_voided_and_brought_back_says_which_entry_was_undone(
    db: Session, keeper: Actor, as_user: Callable[[str], Actor]
) -> None:
    make_booklets(db)
    entry = blanks.void_blank(db, keeper, NUMBER, void_type="DAB", remarks="Caja mojada")
    admin = as_user("admadm")
    card = booklet_card.card(db, NUMBER, admin)
    assert (card.voidable, card.reactivable, card.void_type) == (False, True, "Daño en bodega o traslado")
    assert (card.entries[-1].void_type, card.entries[-1].remarks) == ("Daño en bodega o traslado", "Caja mojada")
    blanks.reactivate_blank(db, admin, NUMBER, remarks="Estaba seca")
    card = booklet_card.card(db, NUMBER, admin)
    last = card.entries[-1]
    assert (last.undone, last.undone_id, last.undone_at) == ("Void", entry.id, entry.at)
    assert (last.remarks, last.balance) == ("Estaba seca", 1)
    assert (card.voidable, card.reactivable) == (True, False)


def test_a_case_of_another_site_is_named_without_its_person(db: Session, as_user: Callable[[str], Actor]) -> None:
    case = in_printing(db)
    reader = replace(as_user("impres"), sites=frozenset({"PET"}))
    card = booklet_card.card(db, NUMBER, reader)
    (use,) = card.uses
    assert (use.case_number, use.opens_case, use.holder, use.comment) == (case.number, False, None, None)
    assert (card.entries[-1].case_number, card.entries[-1].opens_case) == (case.number, False)
    assert db.scalars(select(AccessLog)).all() == [], "no person's data was looked at"


def test_the_holder_is_named_only_to_who_reads_cases_and_the_look_is_logged(
    db: Session, as_user: Callable[[str], Actor]
) -> None:
    case = in_printing(db)
    reader = as_user("impres")
    blind = replace(reader, permissions=frozenset(p for p in reader.permissions if p.name == "READ_BOOKLETS"))
    assert booklet_card.card(db, NUMBER, blind).uses[0].holder is None
    assert db.scalars(select(AccessLog)).all() == []
    assert booklet_card.card(db, NUMBER, reader).uses[0].holder == case.full_name
    (look,) = db.scalars(select(AccessLog)).all()
    assert (look.case_number, look.screen, look.user_id) == (case.number, "booklet", reader.user_id)
    assert look.detail == {"booklet": NUMBER}


def test_a_booklet_without_a_case_is_looked_at_without_a_log(db: Session, keeper: Actor) -> None:
    make_booklets(db)
    assert booklet_card.card(db, NUMBER, keeper).uses == ()
    db.flush()
    assert db.scalars(select(AccessLog)).all() == []


def test_an_unknown_booklet_and_who_may_not_read(db: Session, as_user: Callable[[str], Actor]) -> None:
    with pytest.raises(NotFound):
        booklet_card.card(db, NUMBER, as_user("produccion"))
    with pytest.raises(NotAllowed):
        booklet_card.card(db, NUMBER, as_user("entrega"))


def test_only_who_may_void_at_that_warehouse_is_offered_it(db: Session, as_user: Callable[[str], Actor]) -> None:
    make_booklets(db)
    keeper = as_user("produccion")
    assert booklet_card.card(db, NUMBER, keeper).voidable
    assert not booklet_card.card(db, NUMBER, replace(keeper, sites=frozenset({"PET"}))).voidable
    assert not booklet_card.card(db, NUMBER, as_user("impres")).voidable


def voided_often(db: Session, times: int, *, make: bool = True) -> None:
    if make:
        make_booklets(db)
    keeper, admin = (load_actor(db, username=name) for name in ("produccion", "admadm"))
    assert keeper is not None
    assert admin is not None
    for turn in range(times):
        blanks.void_blank(db, keeper, NUMBER, void_type="DAB", remarks=f"Vez {turn}")
        blanks.reactivate_blank(db, admin, NUMBER, remarks=f"Vez {turn}")


def test_long_ledgers_are_read_in_pages(db: Session, keeper: Actor) -> None:
    voided_often(db, 30)
    first = booklet_card.card(db, NUMBER, keeper)
    assert len(first.entries) == booklet_card.PAGE
    assert first.following == first.entries[-1].id
    second = booklet_card.card(db, NUMBER, keeper, after=first.following or 0)
    assert len(second.entries) == 61 - booklet_card.PAGE
    assert second.following is None
    assert second.entries[0].id > first.entries[-1].id


def test_a_long_card_costs_no_more_statements_than_a_short_one(
    db: Session, keeper: Actor, connection: Connection
) -> None:
    def read() -> int:
        db.commit()
        db.expunge_all()
        with statements(connection) as sent:
            booklet_card.card(db, NUMBER, keeper)
            db.commit()
        return len(sent)

    voided_often(db, 2)
    few = read()
    voided_often(db, 20, make=False)
    assert read() == few == 3
    act(db, "impres", "assign_booklet", make_case(db, State.AUTORIZADA).number, booklet=NUMBER)
    assert read() == 4, "the look is logged"
