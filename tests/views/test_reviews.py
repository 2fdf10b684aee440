"""Periodic reviews of who has access: opened, decided, signed by password, immutable, printed; what is due is told."""

import datetime as dt
import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.accounts import AccessReview, AccessReviewLine
from models.users import User
from security.actor import Actor
from security.errors import BadValue, NotFound, Refused, WrongState
from workflow import reviews

Login = Callable[[str], FlaskClient]
AsUser = Callable[[str], Actor]


def user(db: Session, username: str) -> User:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).one()


def line(review: AccessReview, username: str) -> AccessReviewLine:
    return next(one for one in review.lines if one.username == username)


def all_kept(review: AccessReview, but: str) -> dict[int, tuple[str, str]]:
    return {one.id: ("KEEP", "") for one in review.lines if one.username != but}


@pytest.fixture
def review(db: Session, as_user: AsUser) -> AccessReview:
    """Of GUA, everybody kept but `impres`, who is to be disabled; decided by two."""
    first, second = as_user("admadm"), as_user("jpgu")
    opened = reviews.open_review(db, first, "GUA")
    reviews.decide(db, first, opened.id, all_kept(opened, "admadm"))
    reviews.decide(db, first, opened.id, {line(opened, "impres").id: ("DISABLE", "Ya no labora")})
    reviews.decide(db, second, opened.id, {line(opened, "admadm").id: ("KEEP", "")})
    db.commit()
    return opened


def test_a_review_holds_every_active_account_of_the_site_as_it_stands(db: Session, as_user: AsUser) -> None:
    user(db, "concal").active = False
    db.flush()
    opened = reviews.open_review(db, as_user("admadm"), "GUA")
    names = {one.username for one in opened.lines}
    assert "impres" in names
    assert not names & {"concal", "sistema"}
    assert reviews.places(line(opened, "impres")) == [("Impresor", "GUA", None)]
    pet = reviews.open_review(db, as_user("admadm"), "PET")
    assert {one.username for one in pet.lines} == {"estacion"}
    with pytest.raises(WrongState):
        reviews.open_review(db, as_user("admadm"), "GUA")


def test_nobody_decides_about_himself_and_a_refusal_says_why(db: Session, as_user: AsUser) -> None:
    admin = as_user("admadm")
    opened = reviews.open_review(db, admin, "GUA")
    with pytest.raises(Refused):
        reviews.decide(db, admin, opened.id, {line(opened, "admadm").id: ("KEEP", "")})
    with pytest.raises(BadValue) as refusal:
        reviews.decide(db, admin, opened.id, {line(opened, "impres").id: ("DISABLE", " ")})
    assert refusal.value.field == f"remark-{line(opened, 'impres').id}"
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text("update access_review_line set decision = 'KEEP', decided_by_id = user_id, decided_at = now()"))


def test_it_is_signed_only_when_all_is_decided(db: Session, as_user: AsUser) -> None:
    admin = as_user("admadm")
    opened = reviews.open_review(db, admin, "GUA")
    reviews.decide(db, admin, opened.id, all_kept(opened, "admadm"))
    with pytest.raises(WrongState) as refusal:
        reviews.sign(db, admin, opened.id)
    assert "admadm" in str(refusal.value)


def test_the_signature_asks_for_the_password_and_closes_at_once(
    login: Login, db: Session, review: AccessReview
) -> None:
    client, his, number = login("admadm"), login("impres"), review.id
    page = client.get(f"/reviews/{number}")
    assert "Ya no labora" in page.text
    wrong = client.post(f"/reviews/{number}", data={"sign": "y", "password": "otra"})
    assert wrong.status_code == 400
    assert user(db, "impres").active
    assert client.post(f"/reviews/{number}", data={"sign": "y", "password": "secreto-admadm"}).status_code == 303
    assert not user(db, "impres").active
    assert his.get("/account/data/form").status_code == 302
    signed = client.get(f"/reviews/{number}").text
    assert 'name="sign"' not in signed
    assert client.post(f"/reviews/{number}/drop").status_code == 409


def test_a_signed_review_never_changes(db: Session, as_user: AsUser, review: AccessReview) -> None:
    reviews.sign(db, as_user("admadm"), review.id)
    for statement in (
        "update access_review set opened_at = now()", "delete from access_review",
        "update access_review_line set remark = 'otra'", "delete from access_review_line",
        "insert into access_review_line (review_id, user_id, username, name, access)"
        " select review_id, 1, 'x', 'x', '[]' from access_review_line limit 1",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), db.begin_nested():
            db.execute(text(statement))
    with pytest.raises(WrongState):
        reviews.decide(db, as_user("jpgu"), review.id, {})


def test_the_last_administrator_is_not_closed_by_a_review(db: Session, as_user: AsUser) -> None:
    head = as_user("jpgu")
    opened = reviews.open_review(db, head, "GUA")
    reviews.decide(db, as_user("admadm"), opened.id, all_kept(opened, "admadm"))
    reviews.decide(db, head, opened.id, {line(opened, "admadm").id: ("DISABLE", "Prueba")})
    with pytest.raises(Refused):
        reviews.sign(db, head, opened.id)


def test_what_is_due_is_told_until_it_is_signed(db: Session, as_user: AsUser, review: AccessReview) -> None:
    admin = as_user("admadm")
    assert "GUA" in {due.code for due in reviews.overdue(db, admin)}
    reviews.sign(db, admin, review.id)
    assert "GUA" not in {due.code for due in reviews.overdue(db, admin)}
    db.execute(text("alter table access_review disable trigger signed_review_stays"))
    review.signed_at = review.signed_at - dt.timedelta(days=91) if review.signed_at else None
    db.flush()
    assert "GUA" in {due.code for due in reviews.overdue(db, admin)}


def test_a_review_is_a_paper_and_a_draft_says_so(login: Login, db: Session, review: AccessReview) -> None:
    client = login("admadm")
    draft = client.get(f"/reviews/{review.id}/paper")
    assert draft.mimetype == "application/pdf"
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(draft.data)).pages)
    assert "Ya no labora" in words
    assert "Se deshabilita" in words


def test_pages_open_list_and_drop(login: Login, db: Session) -> None:
    client = login("jpgu")
    assert client.post("/reviews/", data={"site": "GUA"}).status_code == 303
    page = client.get("/reviews/")
    number = re.search(r'/reviews/(\d+)"', page.text)
    assert number
    assert client.get(f"/reviews/{number[1]}").status_code == 200
    entry = db.scalars(select(AccessReviewLine).where(AccessReviewLine.username == "impres")).one()
    sent = {f"decision-{entry.id}": "CHANGE", f"remark-{entry.id}": ""}
    refused = client.post(f"/reviews/{number[1]}", data=sent)
    assert refused.status_code == 400
    assert 'value="CHANGE" selected' in refused.text
    sent[f"remark-{entry.id}"] = "Pasa a Petén"
    assert client.post(f"/reviews/{number[1]}", data=sent).status_code == 303
    assert client.post(f"/reviews/{number[1]}/drop").status_code == 303
    assert client.get(f"/reviews/{number[1]}").status_code == 404
    assert login("concal").get("/reviews/").status_code == 403


def test_a_review_of_another_site_is_not_there(db: Session, as_user: AsUser, review: AccessReview) -> None:
    head = as_user("jpgu")
    elsewhere = Actor(head.user_id, "x", "x", head.permissions, frozenset({"PET"}))
    with pytest.raises(NotFound):
        reviews.find(db, elsewhere, review.id)
    assert list(reviews.recent(db, elsewhere)) == []
    assert not reviews.reviews_all(elsewhere)
