"""Post-Impresión: the passport is found, handed over, and the receipt says to whom."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models.booklets import Booklet, BookletState
from models.cases import PassportCase, State
from tests.views.desk import act, again, checked, hidden, printed, use_of

Login = Callable[[str], FlaskClient]
HOLDER = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}


@pytest.fixture
def case(db: Session) -> PassportCase:
    """A case whose passport waits for its holder, its booklet F5000001."""
    return checked(db)


def test_a_scanned_booklet_or_zone_opens_its_case(db: Session, login: Login, case: PassportCase) -> None:
    use = use_of(db, case)
    client = login("entrega")
    for raw in ("F5000001", f"{use.mrz_line_1}\n{use.mrz_line_2}"):
        assert client.post("/delivery/", data={"raw": raw}).location == f"/delivery/{case.number}"


@pytest.mark.parametrize("names", ["tzun", "Marisela Tzunux", "BARRÓN od", "tzunux'); drop"])
def test_beginnings_of_names_list_who_waits(db: Session, login: Login, case: PassportCase, names: str) -> None:
    answer = login("entrega").post("/delivery/", data={"raw": names})
    assert answer.status_code == 200
    found = f'href="/delivery/{case.number}"' in answer.text
    assert found is ("drop" not in names)
    assert "F5000001" in answer.text or "drop" in names


def test_a_passport_that_does_not_wait_is_refused_with_the_reason(db: Session, login: Login) -> None:
    case = printed(db)
    answer = login("entrega").post("/delivery/", data={"raw": "F5000001"})
    assert answer.status_code == 409
    error = answer.text.split('id="f-raw-error"')[1].split("</p>")[0]
    assert case.number in error
    assert "no espera" in error


def test_the_start_counts_what_waits_by_site(db: Session, login: Login, case: PassportCase) -> None:
    assert 'href="/queues/delivery/GUA/"' in login("entrega").get("/delivery/").text


def test_a_passport_is_handed_to_its_holder_and_the_receipt_says_so(
    db: Session, login: Login, case: PassportCase
) -> None:
    client = login("entrega")
    page = client.get(f"/delivery/{case.number}").text
    assert "data-confirm=" in page
    assert f"/cases/{case.number}/pictures/PORTRAIT" in page
    answer = client.post(f"/delivery/{case.number}/deliver", data=HOLDER, follow_redirects=True)
    assert "Constancia de entrega" in answer.text
    assert "Marisela Odilia Tzunux Barrondo" in answer.text
    assert "6000000080101" in answer.text
    assert "<dd>entrega</dd>" in answer.text
    assert again(db, case).state == State.ENTREGADA
    assert db.get_one(Booklet, "F5000001").state == BookletState.ENTREGADA
    assert use_of(db, case).collected == {
        "collector": "HOLDER", "name": "Marisela Odilia Tzunux Barrondo", "document_type": "DPI",
        "document_number": "6000000080101",
    }  # fmt: skip


def test_a_proxy_without_a_name_is_refused_and_nothing_typed_is_lost(
    db: Session, login: Login, case: PassportCase
) -> None:
    typed = {"collector": "PROXY", "document_type": "PASSPORT", "document_number": "X-77", "comment": "Con mandato"}
    answer = login("entrega").post(f"/delivery/{case.number}/deliver", data=typed)
    assert answer.status_code == 400
    assert 'id="f-collector_name-error"' in answer.text
    assert 'value="PROXY" checked' in answer.text
    assert '<option value="PASSPORT" selected>' in answer.text
    assert 'value="X-77"' in answer.text
    assert "Con mandato" in answer.text
    assert again(db, case).state == State.POST_IMPRESION


@pytest.mark.parametrize(
    ("change", "field"),
    [({"document_number": ""}, "document_number"), ({"collector": "FRIEND"}, "collector"),
     ({"document_number": "9" * 41}, "document_number"), ({"document_type": "X"}, "document_type")],
)  # fmt: skip
def test_a_value_that_cannot_be_taken_is_named(
    db: Session, login: Login, case: PassportCase, change: dict[str, str], field: str
) -> None:
    answer = login("entrega").post(f"/delivery/{case.number}/deliver", data={**HOLDER, **change})
    assert answer.status_code == 400
    assert f'id="f-{field}-error"' in answer.text


def test_a_second_click_reads_what_the_first_did(db: Session, login: Login, case: PassportCase) -> None:
    client = login("entrega")
    seen = hidden(client.get(f"/delivery/{case.number}").text, "seen")
    act(db, "entrega", "deliver", case.number, **HOLDER)
    answer = client.post(f"/delivery/{case.number}/deliver", data={**HOLDER, "seen": seen})
    assert answer.status_code == 409
    assert "entrega" in answer.text


def test_a_case_not_yet_checked_has_no_form(db: Session, login: Login) -> None:
    case = printed(db)
    page = login("entrega").get(f"/delivery/{case.number}").text
    assert 'name="collector"' not in page
    assert "state-IMPRESA" in page


def test_others_do_not_deliver(db: Session, login: Login, case: PassportCase) -> None:
    client = login("impres")
    assert client.get(f"/delivery/{case.number}").status_code == 403
    assert client.post(f"/delivery/{case.number}/deliver", data=HOLDER).status_code == 403
