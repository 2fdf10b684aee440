"""Trays on screen: cases taken, a stack of booklets, one document, a list to accept or refuse; and their printers."""

import hashlib
import io
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.cli import say_missing_font
from models.booklets import Booklet, BookletState
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import Printer
from models.users import AccessLog
from printing.fonts import FontMissing
from printing.keys import KeyStore
from tests.build import make_booklets, make_case
from tests.views.counting import statements
from tests.views.desk import act, again, in_printing, use_of
from workflow import pages

Login = Callable[[str], FlaskClient]
HERE = "/trays/printing/GUA"


@pytest.fixture
def waiting(db: Session) -> list[PassportCase]:
    """Four authorised cases in the order of the queue, and six booklets."""
    make_booklets(db, 5_000_001, 6)
    cases = [make_case(db, State.AUTORIZADA) for _number in range(4)]
    db.commit()
    return cases


def take(client: FlaskClient, booklet: str = "F5000001", count: int = 10, where: str = HERE) -> str:
    return client.post(f"{where}/take", data={"booklet": booklet, "count": count}, follow_redirects=True).text


def lines(page: str) -> list[tuple[str, str, str]]:
    """Each line of a list that is about to be printed: case, last event shown, booklet."""
    pattern = (
        r'name="case" value="(\w+)"><input type="hidden" name="seen" value="(\d+)">.*?name="booklet" value="(\w*)"'
    )
    return re.findall(pattern, page, re.DOTALL)


def sent(rows: list[tuple[str, str, str]], **more: str) -> dict[str, object]:
    """The form of those lines."""
    cases, seen, booklets = (list(column) for column in zip(*rows, strict=True))
    return {"case": cases, "seen": seen, "booklet": booklets, **more}


def print_tray(client: FlaskClient, count: int = 10, first: str = "F5000001") -> str:
    """Take cases, print them as proposed; the address of the tray."""
    answer = client.post(f"{HERE}/print", data=sent(lines(take(client, first, count))))
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def checks(page: str) -> list[tuple[str, str]]:
    """Each line of a tray's list by which one print is accepted: case, last event shown."""
    forms = re.findall(r'<form class="inline-form"[^>]*/accept">(.*?)</form>', page, re.DOTALL)
    return [
        re.findall(r'name="case" value="(\w+)"><input type="hidden" name="seen" value="(\d+)"', f)[0] for f in forms
    ]


def states(db: Session, cases: list[PassportCase]) -> list[str]:
    return [again(db, case).state for case in cases]


def test_the_list_gives_each_case_the_next_booklet_of_the_stack(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    page = take(login("impres"), "F5000003", 3)
    expected = [(case.number, f"F500000{n}") for n, case in zip((3, 4, 5), waiting, strict=False)]
    assert [(case, booklet) for case, _seen, booklet in lines(page)] == expected
    assert states(db, waiting) == [State.AUTORIZADA] * 4, "nothing is assigned before it is confirmed"


def test_a_tray_is_printed_in_one_document_in_its_order(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    where = print_tray(client)
    pdf = client.get(f"{where}/pages.pdf")
    assert pdf.headers["Cache-Control"] == "private, no-store"
    pages_text = [page.extract_text() for page in PdfReader(io.BytesIO(pdf.data)).pages]
    assert len(pages_text) == 4
    for number, case in enumerate(waiting):
        assert again(db, case).state == State.EN_IMPRESION
        assert again(db, case).booklet_number == f"F500000{number + 1}"
        assert use_of(db, case).mrz_line_2 in pages_text[number]
        assert use_of(db, case).copies == 1
    look = db.scalars(select(AccessLog).where(AccessLog.screen == "tray.pdf")).one()
    assert look.detail["sha256"] == hashlib.sha256(pdf.data).hexdigest()
    assert client.get(f"{where}/pages.pdf").data == pdf.data


def test_every_event_of_a_tray_carries_its_number(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    first, second = print_tray(client, 2), print_tray(client, 2, "F5000005")
    numbers = [where.rpartition("/")[2] for where in (first, second)]
    for case, number in zip(waiting, (numbers[0], numbers[0], numbers[1], numbers[1]), strict=True):
        events = db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)).all()
        data = [event.data for event in events if event.event in (Event.IMPRESION, Event.IMPRESION_GENERADA)]
        assert [entry["tray"] for entry in data] == [number, number]
    assert numbers[0] != numbers[1]


def test_a_changed_number_is_the_one_assigned_and_an_empty_one_leaves_its_case_out(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    client = login("impres")
    rows = lines(take(client))
    rows[1] = (*rows[1][:2], "f5000006")
    rows[2] = (*rows[2][:2], "")
    client.post(f"{HERE}/print", data=sent(rows))
    assert [again(db, case).booklet_number for case in waiting] == ["F5000001", "F5000006", None, "F5000004"]
    assert lines(client.get(f"{HERE}/").text)[0][0] == waiting[2].number, "it waits for the next tray"


def test_what_fails_is_told_by_case_and_the_rest_goes_on(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    other = make_case(db, State.AUTORIZADA, site_code="AUR")
    db.commit()
    client = login("impres")
    rows = lines(take(client))
    act(db, "impdep", "assign_booklet", other.number, booklet="F5000002")
    answer = client.post(f"{HERE}/print", data=sent(rows))
    assert answer.status_code == 200
    told = answer.text.split('class="alert alert-warning"')[1].split("</ul>")[0]
    assert waiting[1].number in told
    assert "F5000002" in told
    assert "impdep" in told
    assert waiting[0].number not in told
    assert states(db, waiting) == ["EN_IMPRESION", "AUTORIZADA", "EN_IMPRESION", "EN_IMPRESION"]


def test_one_number_twice_in_the_list_is_assigned_once(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    rows = [(case, seen, "F5000001") for case, seen, _booklet in lines(take(client, count=2))]
    assert client.post(f"{HERE}/print", data=sent(rows)).status_code == 200
    assert states(db, waiting[:2]) == ["EN_IMPRESION", "AUTORIZADA"]


def test_when_nothing_can_be_assigned_the_list_stands_with_the_reasons(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    client = login("impres")
    rows = [(case, seen, "F9999999") for case, seen, _booklet in lines(take(client, count=1))]
    page = client.post(f"{HERE}/print", data=sent(rows)).text
    assert "No existe la libreta F9999999" in page
    assert [row[0] for row in lines(page)] == [waiting[0].number]


def test_a_tray_sent_twice_is_printed_once(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    form = sent(lines(take(client)))
    client.post(f"{HERE}/print", data=form)
    assert client.post(f"{HERE}/print", data=form).status_code == 200
    assert [use_of(db, case).copies for case in waiting] == [1, 1, 1, 1]


def test_all_good_accepts_every_print_that_is_left(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    where = print_tray(client)
    rows = checks(client.get(where).text)
    assert [case for case, _seen in rows] == [case.number for case in waiting]
    answer = client.post(f"{where}/accept", data={"case": [c for c, _s in rows], "seen": [s for _c, s in rows]})
    assert answer.location == where
    assert states(db, waiting) == ["IMPRESA"] * 4
    assert checks(client.get(where).text) == []
    assert client.get(f"{where}/pages.pdf").status_code == 404


def test_good_ones_are_accepted_with_one_key_and_a_bad_one_refused_with_its_reason(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    client = login("impres")
    where = print_tray(client)
    page = client.get(where).text
    assert page.count(" autofocus") == 1, "the cursor stands on the next print"
    (first, seen), (second, second_seen) = checks(page)[:2]
    page = client.post(f"{where}/accept", data={"case": first, "seen": seen}, follow_redirects=True).text
    assert [case for case, _seen in checks(page)] == [case.number for case in waiting[1:]]
    reason = {"void_type": "IMP", "comment": "Manchada"}
    client.post(f"{where}/refuse", data={"case": second, "seen": second_seen, **reason})
    assert states(db, waiting) == ["IMPRESA", "AUTORIZADA", "EN_IMPRESION", "EN_IMPRESION"]
    assert db.get_one(Booklet, "F5000002").state == BookletState.ANULADA
    last = db.scalars(select(CaseEvent).where(CaseEvent.booklet_number == "F5000002").order_by(CaseEvent.id.desc()))
    assert last.first().comment == "Manchada"


def test_a_print_that_somebody_else_decided_meanwhile_is_told(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    client = login("impres")
    where = print_tray(client)
    rows = checks(client.get(where).text)
    act(db, "impdep", "refuse_print", waiting[0].number)
    answer = client.post(f"{where}/accept", data={"case": [c for c, _s in rows], "seen": [s for _c, s in rows]})
    assert answer.status_code == 200
    assert "impdep" in answer.text.split('class="alert alert-warning"')[1].split("</ul>")[0]
    assert states(db, waiting) == ["AUTORIZADA", "IMPRESA", "IMPRESA", "IMPRESA"]


def test_nothing_is_lost_when_the_browser_closes(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    take(login("impres"), count=2)
    assert len(lines(login("impres").get(f"{HERE}/").text)) == 2, "taken and not printed"
    where = print_tray(login("impres"), count=2)
    page = login("impres").get(f"{HERE}/").text
    assert f'href="{where}"' in page
    assert len(checks(login("impres").get(where).text)) == 2
    assert len(checks(login("impdep").get(where).text)) == 2, "who takes the shift over may go on"


def test_a_case_assigned_but_not_sent_is_printed_from_the_tray(
    db: Session, login: Login, waiting: list[PassportCase]
) -> None:
    """As after a fault between the two."""
    act(db, "impres", "assign_booklet", waiting[0].number, booklet="F5000001", tray="77")
    client = login("impres")
    page = client.get(f"{HERE}/77").text
    assert checks(page) == []
    assert client.get(f"{HERE}/77/pages.pdf").status_code == 404
    rows = re.findall(r'name="case" value="(\w+)"><input type="hidden" name="seen" value="(\d+)"', page)
    client.post(f"{HERE}/77/print", data={"case": rows[0][0], "seen": rows[0][1]})
    assert len(checks(client.get(f"{HERE}/77").text)) == 1


def test_cases_that_were_taken_can_be_given_back(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    client = login("impres")
    take(client)
    assert login("impdep").get(f"/printing/{waiting[0].number}").status_code == 200
    client.post(f"{HERE}/give-back")
    assert [again(db, case).held_by_id for case in waiting] == [None] * 4
    assert lines(client.get(f"{HERE}/").text) == []


def test_a_tray_takes_only_what_its_booklets_are_for(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    make_booklets(db, 5_000_001, 3, category="OFICIAL")
    official = make_case(db, State.AUTORIZADA, passport_type_code="OFI")
    db.commit()
    assert [row[0] for row in lines(take(login("impres"), "S5000002"))] == [official.number]
    assert len(lines(take(login("impdep")))) == 4


def test_mobile_cases_have_trays_of_their_own(db: Session, login: Login, waiting: list[PassportCase]) -> None:
    mobile = make_case(db, State.AUTORIZADA, mobile=True)
    db.commit()
    client = login("impres")
    rows = lines(take(client, where="/trays/mobile-printing/GUA"))
    assert [row[0] for row in rows] == [mobile.number]
    where = client.post("/trays/mobile-printing/GUA/print", data=sent(rows)).location
    assert len(checks(client.get(where).text)) == 1
    assert lines(client.get(f"{HERE}/").text) == []


@pytest.mark.parametrize(("count", "booklet"), [(0, "F5000001"), (51, "F5000001"), ("x", "F5000001"), (3, "F9999999")])
def test_too_many_cases_or_an_unknown_booklet_is_refused(
    db: Session, login: Login, waiting: list[PassportCase], count: object, booklet: str
) -> None:
    answer = login("impres").post(f"{HERE}/take", data={"booklet": booklet, "count": count})
    assert answer.status_code == 400
    assert [again(db, case).held_by_id for case in waiting] == [None] * 4


@pytest.mark.parametrize("form", [{"case": "X"}, {"case": ["A", "B"], "seen": ["1", "2"], "booklet": "F1"}])
def test_a_list_that_is_none_is_refused(login: Login, form: dict[str, object]) -> None:
    assert login("impres").post(f"{HERE}/print", data=form).status_code == 400


def test_others_have_no_trays(login: Login) -> None:
    for method, path in (("get", "/"), ("post", "/take"), ("post", "/print"), ("get", "/1"), ("post", "/1/accept")):
        assert getattr(login("entrega"), method)(f"{HERE}{path}").status_code == 403
    assert login("impres").get("/trays/printing/LAX/").status_code == 404
    assert login("impres").get("/trays/quality/GUA/").status_code == 404


def test_the_queue_leads_to_its_trays(login: Login, waiting: list[PassportCase]) -> None:
    assert 'href="/trays/printing/GUA/"' in login("impres").get("/queues/printing/GUA/").text


def test_the_pages_of_a_tray_ask_little_of_the_database(
    login: Login, waiting: list[PassportCase], connection: Connection
) -> None:
    client = login("impres")
    where = print_tray(client)
    client.get(where)
    with statements(connection) as asked:
        client.get(where)
        client.get(f"{HERE}/")
    assert len(asked) <= 30, "\n".join(asked)


# ---- printers


@pytest.fixture
def second_printer(db: Session) -> Printer:
    made = Printer(code="GUA-2", name="Impresora junto a la puerta", site_code="GUA", offset_x=Decimal("1.5"))
    db.add(made)
    db.commit()
    return made


def test_who_has_one_printer_is_not_asked(db: Session, login: Login) -> None:
    page = login("impres").get(f"/printing/{in_printing(db).number}").text
    assert 'name="printer"' not in page
    assert "/printing/printers/GUA-1/test.pdf" in page


def test_the_choice_of_a_printer_is_kept(db: Session, login: Login, second_printer: Printer) -> None:
    first, second = in_printing(db), in_printing(db, 5_000_002)
    client = login("impres")
    assert 'name="printer"' in client.get(f"/printing/{first.number}").text
    client.post(f"/printing/{first.number}/print", data={"printer": "GUA-2"})
    event = db.scalars(select(CaseEvent).where(CaseEvent.event == Event.IMPRESION_GENERADA)).one()
    assert event.data["printer"] == "GUA-2"
    pdf = client.get(f"/printing/{first.number}/page.pdf").data
    assert hashlib.sha256(pdf).hexdigest() == event.data["sent_sha256"]
    assert '<option value="GUA-2" selected>' in client.get(f"/printing/{second.number}").text


def test_printing_without_the_choice_says_so_at_its_field(db: Session, login: Login, second_printer: Printer) -> None:
    case = in_printing(db)
    answer = login("impres").post(f"/printing/{case.number}/print")
    assert answer.status_code == 400
    assert 'id="f-printer-error"' in answer.text
    assert use_of(db, case).copies == 0


def test_a_tray_without_a_printer_assigns_nothing(
    db: Session, login: Login, waiting: list[PassportCase], second_printer: Printer
) -> None:
    client = login("impres")
    rows = lines(take(client))
    assert client.post(f"{HERE}/print", data=sent(rows)).status_code == 400
    assert states(db, waiting) == ["AUTORIZADA"] * 4
    where = client.post(f"{HERE}/print", data=sent(rows, printer="GUA-2")).location
    matrix = PdfReader(io.BytesIO(client.get(f"{where}/pages.pdf").data)).pages[3].get_contents().get_data()[:60]
    assert b"4.252 0 cm" in matrix, "1.5 mm to the right, in points"


def test_a_test_page_comes_with_the_printers_name(login: Login, second_printer: Printer) -> None:
    answer = login("impres").get("/printing/printers/GUA-2/test.pdf")
    assert answer.mimetype == "application/pdf"
    text = PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert "GUA-2 · Impresora junto a la puerta" in text
    assert "derecha 1.5 mm" in text
    assert login("entrega").get("/printing/printers/GUA-2/test.pdf").status_code == 403
    assert login("impres").get("/printing/printers/LAX-1/test.pdf").status_code == 404


def test_a_missing_font_is_said_before_a_booklet_is_assigned(
    db: Session, login: Login, waiting: list[PassportCase], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pages.load_fonts

    def load(font: Path | None = None) -> object:
        if font != pages.STAND_IN:
            raise FontMissing("/no/OCRB.otf: No such file or directory; apt-get install fonts-ocr-b")
        return real(font)

    client = login("impres")
    assert "fonts-ocr-b" not in client.get(f"/printing/{waiting[0].number}").text
    monkeypatch.setattr(pages, "load_fonts", load)
    for path in (f"/printing/{waiting[0].number}", f"{HERE}/"):
        assert "fonts-ocr-b" in client.get(path).text


@pytest.mark.parametrize(
    ("specimen", "means"), [(False, "No booklet can be printed"), (True, "Specimens will have another font")]
)
def test_the_server_says_at_its_start_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], specimen: bool, means: str
) -> None:
    press = pages.Press(KeyStore(tmp_path), tmp_path / "OCRB.otf", specimen)
    monkeypatch.setattr(pages, "_press", press)
    say_missing_font()
    told = capsys.readouterr().err
    assert means in told
    assert "apt-get install fonts-ocr-b, or set PASAPORTES_OCRB_FONT" in told
    monkeypatch.setattr(pages, "_press", pages.Press(KeyStore(tmp_path), None, specimen))
    say_missing_font()
    assert capsys.readouterr().err == "", "nothing is said where the font is"
