"""A page goes to a printer of its site: moved by its offsets, recorded with its hash, the same bytes again."""

import hashlib
import io
from decimal import Decimal

import pytest
from pypdf import PdfReader
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import Printer
from security.actor import load_actor
from security.errors import BadValue, NotAllowed, NotFound
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.views.desk import act, in_printing, use_of
from workflow import pages, personalisation, stations


def printer(db: Session, code: str = "GUA-2", site: str = "GUA", **settings) -> Printer:
    made = Printer(code=code, name="Impresora de prueba", site_code=site, **settings)
    db.add(made)
    db.commit()
    return made


def prints(db: Session, case: PassportCase) -> list[CaseEvent]:
    query = select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.event == Event.IMPRESION_GENERADA)
    return list(db.scalars(query.order_by(CaseEvent.id)))


def shown(db: Session, case: PassportCase) -> bytes:
    """The page as the one who prints it gets it."""
    actor = load_actor(db, username="impres")
    assert actor is not None
    with acting_as(actor):
        return personalisation.page_to_print(db, case.number, actor)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_only_printer_of_a_site_is_taken_without_asking(db: Session) -> None:
    case = in_printing(db)
    act(db, "impres", "print_page", case.number)
    assert prints(db, case)[0].data["printer"] == "GUA-1"


def test_of_several_printers_one_must_be_chosen(db: Session) -> None:
    printer(db)
    case = in_printing(db)
    with pytest.raises(BadValue) as refusal:
        act(db, "impres", "print_page", case.number)
    assert refusal.value.field == "printer"
    db.rollback()
    act(db, "impres", "print_page", case.number, printer="GUA-2")
    assert prints(db, case)[0].data["printer"] == "GUA-2"
    assert use_of(db, case).copies == 1


@pytest.mark.parametrize("code", ["PET-1", "GUA-8", "nada"])
def test_a_printer_of_another_site_or_none_is_refused(db: Session, code: str) -> None:
    case = in_printing(db)
    with pytest.raises(BadValue):
        act(db, "impres", "print_page", case.number, printer=code)


def test_a_printer_out_of_use_is_not_offered(db: Session) -> None:
    printer(db, active=False)
    assert [one.code for one in stations.printers_at(db, "GUA")] == ["GUA-1"]


def test_a_site_without_printers_prints_in_the_true_position(db: Session) -> None:
    db.execute(update(Printer).where(Printer.site_code == "GUA").values(active=False))
    case = in_printing(db)
    act(db, "impres", "print_page", case.number)
    (event,) = prints(db, case)
    assert "printer" not in event.data
    assert event.data["sent_sha256"] == event.data["page_sha256"] == use_of(db, case).page_sha256


def test_what_is_sent_is_moved_and_what_is_stored_is_the_true_position(db: Session) -> None:
    printer(db, offset_x=Decimal("1.25"), offset_y=Decimal("-0.5"), rotation=180)
    case = in_printing(db)
    act(db, "impres", "print_page", case.number, printer="GUA-2")
    (event,), use, sent = prints(db, case), use_of(db, case), shown(db, case)
    assert event.data["sent_sha256"] == sha256(sent)
    assert event.data["page_sha256"] == use.page_sha256 == sha256(pages.render(db, case, use))
    assert event.data["sent_sha256"] != use.page_sha256
    assert event.data["moved"] == {"right": 1.25, "up": -0.5, "turned": 180}
    matrix = PdfReader(io.BytesIO(sent)).pages[0].get_contents().get_data().split(b"\n")[0]
    assert matrix == b"-2.83464567 0 0 -2.83464567 357.874 248.0315 cm"  # (125 + 1.25, 88 - 0.5) mm in points


def test_the_same_page_on_the_same_printer_is_the_same_bytes(db: Session) -> None:
    printer(db, offset_x=Decimal("2"))
    case = in_printing(db)
    for code in ("GUA-2", "GUA-1", "GUA-2"):
        act(db, "impres", "print_page", case.number, printer=code)
    first, other, again = (event.data["sent_sha256"] for event in prints(db, case))
    assert first == again != other
    assert first == sha256(shown(db, case))


def test_a_copy_can_be_shown_as_it_was_sent_after_the_printer_was_adjusted(db: Session) -> None:
    mine = printer(db, offset_x=Decimal("2"))
    case = in_printing(db)
    act(db, "impres", "print_page", case.number, printer="GUA-2")
    mine.offset_x = Decimal("-3")
    db.commit()
    assert sha256(shown(db, case)) == prints(db, case)[0].data["sent_sha256"]
    act(db, "impres", "print_page", case.number, printer="GUA-2")
    assert sha256(shown(db, case)) == prints(db, case)[1].data["sent_sha256"] != prints(db, case)[0].data["sent_sha256"]


def test_a_case_goes_to_the_printers_of_the_site_that_prints_for_it(db: Session) -> None:
    (booklet,) = make_booklets(db, 5_000_050, 1)
    case = make_case(db, State.AUTORIZADA, site_code="AUR")
    act(db, "impres", "assign_booklet", case.number, booklet=booklet)
    act(db, "impres", "print_page", case.number)
    assert case.print_site_code == "GUA"
    assert prints(db, case)[0].data["printer"] == "GUA-1"


@pytest.mark.parametrize("wrong", [{"offset_x": 10.5}, {"offset_y": -11}, {"rotation": 90}])
def test_the_database_refuses_settings_that_the_page_cannot_have(db: Session, wrong: dict[str, float]) -> None:
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(insert(Printer).values(code="GUA-3", name="Impresora", site_code="GUA", **wrong))


def test_a_test_page_is_for_who_prints_at_the_printers_site(db: Session) -> None:
    def asked(username: str, code: str) -> bytes:
        actor = load_actor(db, username=username)
        assert actor is not None
        return stations.test_page(db, code, actor)

    assert asked("impres", "GUA-1").startswith(b"%PDF")
    with pytest.raises(NotFound):
        asked("impres", "LAX-1")
    with pytest.raises(NotFound):
        asked("impres", "NADA")
    with pytest.raises(NotAllowed):
        asked("entrega", "GUA-1")


def test_a_printed_page_needs_its_booklet_still(db: Session) -> None:
    case = in_printing(db)
    act(db, "impres", "print_page", case.number)
    act(db, "impres", "refuse_print", case.number)
    (second,) = make_booklets(db, 5_000_090, 1)
    act(db, "impres", "assign_booklet", case.number, booklet=second)
    assert sha256(shown(db, case)) == use_of(db, case).page_sha256, "the first booklet's print says nothing of this one"
