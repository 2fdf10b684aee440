"""Lost or stolen documents on the screen: reported, listed, filtered, sent in batches, confirmed, found again."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState
from models.lost_documents import LossReport, SltdExport
from tests.build import make_booklets

Login = Callable[[str], FlaskClient]
FORM = {
    "numbers": "F5000001-F5000010", "kind": "STOLEN", "lost_on": "2026-01-05", "country": "HND", "place": "Km 52",
    "police_reference": "PNC-77", "remarks": "Asalto al camión",
}  # fmt: skip


@pytest.fixture
def box(db: Session) -> None:
    make_booklets(db, count=12)
    db.commit()


def reported(db: Session, login: Login, **changes: str) -> int:
    answer = login("jpgu").post("/lost-documents/new", data={**FORM, **changes})
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def state(db: Session, number: str) -> BookletState:
    return db.get_one(Booklet, number, populate_existing=True).state


def test_a_box_is_reported_confirmed_and_partly_found_again(db: Session, login: Login, box: None) -> None:
    number = reported(db, login)
    page = login("jpgu").get(f"/lost-documents/reports/{number}").text
    assert "F5000001–F5000010" in page
    assert "/confirm" not in page, "who reported it does not confirm it"
    second = login("admadm")
    assert f"/lost-documents/reports/{number}/confirm" in second.get(f"/lost-documents/reports/{number}").text
    assert second.post(f"/lost-documents/reports/{number}/confirm").status_code == 303
    assert db.get_one(LossReport, number, populate_existing=True).confirmed_at
    answer = second.post("/lost-documents/found", data={"numbers": "F5000001", "remarks": "Apareció"})
    assert answer.status_code == 303
    assert (state(db, "F5000001"), state(db, "F5000002")) == (BookletState.NUEVA, BookletState.ANULADA)
    assert second.post(f"/lost-documents/reports/{number}/confirm").status_code == 409
    assert "<td>Confirm" not in second.get("/lost-documents/reports").text


def test_a_refused_report_keeps_what_was_typed_and_says_why(db: Session, login: Login, box: None) -> None:
    client = login("jpgu")
    answer = client.post("/lost-documents/new", data={**FORM, "numbers": "F5000001-F5000020"})
    assert answer.status_code == 409
    assert "F5000013–F5000020" in answer.text.split('id="f-numbers-error"')[1].split("</p>")[0]
    assert "Asalto al camión" in answer.text
    assert 'value="STOLEN" checked' in answer.text
    assert state(db, "F5000001") == BookletState.NUEVA
    for change, field in (({"lost_on": "2999-01-01"}, "lost_on"), ({"numbers": "X"}, "numbers")):
        answer = client.post("/lost-documents/new", data={**FORM, **change})
        assert (answer.status_code, f'id="f-{field}-error"' in answer.text) == (400, True)


def test_the_list_is_filtered_and_a_wrong_filter_is_told(db: Session, login: Login, box: None) -> None:
    reported(db, login)
    client = login("produccion")
    assert client.get("/lost-documents/?stage=TO_SEND&status=STOLEN_BLANK").text.count('href="/booklets/F50000') == 10
    assert "F5000001" not in client.get("/lost-documents/?stage=SENT").text
    assert "F5000001" not in client.get("/lost-documents/?first=2026-01-06").text
    assert client.get("/lost-documents/?first=ayer").status_code == 400


def test_a_batch_is_made_and_its_files_taken(db: Session, login: Login, box: None) -> None:
    reported(db, login)
    client = login("jpgu")
    assert "Formar lote" in client.get("/lost-documents/").text
    assert client.post("/lost-documents/exports").status_code == 303
    batch = db.scalars(select(SltdExport)).one()
    taken = client.get(f"/lost-documents/exports/{batch.id}/additions.csv")
    assert taken.headers["Content-Disposition"] == f'attachment; filename="SLTD-GTM-{batch.id:06d}-additions.csv"'
    assert taken.data.splitlines()[1] == b"F5000001,P,GTM,STOLEN_BLANK,HND"
    assert client.get(f"/lost-documents/exports/{batch.id}/additions.xlsx").data[:2] == b"PK"
    assert client.get(f"/lost-documents/exports/{batch.id}/people.csv").status_code == 404
    assert f"/exports/{batch.id}/additions.csv" in client.get("/lost-documents/exports").text
    assert client.post("/lost-documents/exports").status_code == 409, "nothing is left to send"


def test_who_reads_does_not_export_and_others_do_not_read(db: Session, login: Login, box: None) -> None:
    reader = login("produccion")
    assert "Formar lote" not in reader.get("/lost-documents/").text
    assert reader.post("/lost-documents/exports").status_code == 403
    assert reader.get("/lost-documents/exports/1/additions.csv").status_code == 403
    assert login("entrega").get("/lost-documents/").status_code == 403
    assert login("impres").post("/lost-documents/new", data=FORM).status_code == 403
    assert login("produccion").post("/lost-documents/found", data=FORM).status_code == 403


def test_the_card_of_a_blank_leads_to_the_report_and_offers_no_void_as_lost(
    db: Session, login: Login, box: None
) -> None:
    page = login("jpgu").get("/booklets/F5000001").text
    assert "/lost-documents/new?numbers=F5000001" in page
    assert '"EXB"' not in page
    assert ">F5000001</textarea>" in login("jpgu").get("/lost-documents/new?numbers=F5000001").text
