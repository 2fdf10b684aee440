"""Pictures and their viewer: permitted and logged at each look, kept by the browser alone, decoded once."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.cases import CasePicture, PassportCase, Picture
from models.enrolments import FormerCase
from models.pictures import ShownPicture, Thumbnail
from models.users import AccessLog
from security.actor import system_actor
from security.scope import acting_as
from tests.build import make_case
from workflow import picture_process, thumbnails

Login = Callable[[str], FlaskClient]


@pytest.fixture
def case(db: Session) -> PassportCase:
    case = make_case(db)
    db.commit()
    return case


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each conversation with the decoder had."""
    calls: list[int] = []
    decode = picture_process.decode

    def counted(questions: Any) -> Any:
        if questions:
            calls.append(len(questions))
        return decode(questions)

    monkeypatch.setattr(picture_process, "decode", counted)
    return calls


def looks(db: Session, case: PassportCase) -> list[tuple[str, Any]]:
    query = select(AccessLog.screen, AccessLog.detail).where(AccessLog.case_number == case.number)
    return [tuple(row) for row in db.execute(query.order_by(AccessLog.id))]


def put(db: Session, case: PassportCase, kind: str, image_format: str) -> Picture:
    import wsq  # noqa: F401  (registers the format)

    stream = io.BytesIO()
    picture = Image.linear_gradient("L").resize((200, 256))
    picture.save(stream, image_format)
    data, media_type = stream.getvalue(), {"WSQ": "image/wsq", "JPEG2000": "image/jp2"}[image_format]
    kept = Picture(media_type=media_type, width=200, height=256, sha256=hashlib.sha256(data).digest(), data=data)
    db.add(kept)
    db.flush()
    db.add(CasePicture(case_id=case.id, kind=kind, picture_id=kept.id))
    db.commit()
    return kept


# ---- private, revalidated, logged


@pytest.mark.parametrize("form", ["", "/thumbnail"])
def test_a_picture_is_asked_for_again_each_time_and_answered_without_its_bytes(
    db: Session, login: Login, case: PassportCase, decoded: list[int], form: str
) -> None:
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/PORTRAIT{form}"
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in first.headers["Vary"]
    assert not first.headers["ETag"].startswith("W/")
    before = len(decoded)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, no-cache"
    assert len(decoded) == before
    assert looks(db, case) == [("thumbnail" if form else "picture", {"kind": "PORTRAIT"})] * 2


def test_the_tag_of_another_form_or_another_picture_is_not_taken(login: Login, case: PassportCase) -> None:
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/PORTRAIT"
    for other in (f"{path}/thumbnail", f"/cases/{case.number}/pictures/SIGNATURE"):
        tag = client.get(other).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("form", ["", "/thumbnail"])
def test_who_has_a_tag_but_not_the_permission_or_the_site_is_refused(
    db: Session, login: Login, case: PassportCase, form: str
) -> None:
    far = make_case(db, site_code="QTZ")
    db.commit()
    for number, name, status in ((case.number, "atenc", 403), (far.number, "supervisor", 404)):
        path = f"/cases/{number}/pictures/PORTRAIT{form}"
        tag = login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT{form}").headers["ETag"]
        for value in (tag, "*"):
            assert login(name).get(path, headers={"If-None-Match": value}).status_code == status


def test_a_saved_picture_is_called_after_its_case_and_what_it_is(db: Session, login: Login, case: PassportCase) -> None:
    put(db, case, "RIGHT_INDEX", "WSQ")
    client = login("supervisor")
    names = [client.get(f"/cases/{case.number}/pictures/{path}").headers["Content-Disposition"]
             for path in ("RIGHT_INDEX", "PORTRAIT/thumbnail")]  # fmt: skip
    assert names == [f'inline; filename="{case.number}-indice-derecho.png"',
                     f'inline; filename="{case.number}-fotografia-miniatura.jpg"']  # fmt: skip


# ---- decoded once


@pytest.mark.parametrize(("image_format", "as_type"), [("WSQ", "image/png"), ("JPEG2000", "image/jpeg")])
def test_what_browsers_do_not_show_is_transcoded_once(
    db: Session, login: Login, case: PassportCase, decoded: list[int], image_format: str, as_type: str
) -> None:
    put(db, case, "RIGHT_INDEX", image_format)
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/RIGHT_INDEX"
    answers = [client.get(path) for _ in range(3)]
    assert {answer.mimetype for answer in answers} == {as_type}
    assert Image.open(io.BytesIO(answers[2].data)).size == (200, 256)
    assert len({answer.data for answer in answers}) == 1
    assert decoded == [1]


def test_what_browsers_show_is_not_decoded(login: Login, case: PassportCase, decoded: list[int]) -> None:
    login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT")
    assert decoded == []


def test_the_thumbnails_of_a_report_share_a_process(db: Session, case: PassportCase, decoded: list[int]) -> None:
    put(db, case, "LEFT_INDEX", "WSQ")
    for _ in range(2):
        with acting_as(system_actor(db)):
            [found] = thumbnails.thumbnails(db, [case.number])
        assert None not in found
    assert decoded == [3]


def test_two_who_ask_at_once_have_it_made_once(
    fresh_database: Callable[[str], str], decoded: list[int], two_at_once: Any
) -> None:
    engine, wsq, jpeg = two_at_once

    def ask(_turn: int) -> None:
        with Session(engine) as session:
            thumbnails.thumbnail(session, jpeg)
            thumbnails.shown(session, session.get_one(Picture, wsq))
            session.commit()

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert decoded == [1, 1]
    with Session(engine) as session:
        assert [session.scalar(select(func.count()).select_from(t)) for t in (Thumbnail, ShownPicture)] == [1, 1]


@pytest.fixture
def two_at_once(fresh_database: Callable[[str], str]) -> Iterator[tuple[Engine, int, int]]:
    """A database of its own with a WSQ and a JPEG."""
    import wsq  # noqa: F401

    from models.base import make_engine

    engine, ids = make_engine(fresh_database("pictures")), []
    with Session(engine) as session:
        for image_format, media_type in (("WSQ", "image/wsq"), ("JPEG", "image/jpeg")):
            stream = io.BytesIO()
            Image.linear_gradient("L").save(stream, image_format)
            data = stream.getvalue()
            digest = hashlib.sha256(data).digest()
            picture = Picture(media_type=media_type, width=256, height=256, sha256=digest, data=data)
            session.add(picture)
            session.flush()
            ids.append(picture.id)
        session.commit()
    yield engine, ids[0], ids[1]
    engine.dispose()


def test_when_too_many_are_decoded_the_rest_is_told_to_come_again(
    db: Session, login: Login, case: PassportCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_process, "WAIT_SECONDS", 0.05)
    with picture_process.turn():
        answer = login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT/thumbnail")
    assert answer.status_code == 503
    assert "decodificando demasiadas imágenes" in answer.text
    assert login("supervisor").get(f"/cases/{case.number}/pictures/PORTRAIT/thumbnail").status_code == 200


# ---- the viewer


def test_the_viewer_shows_the_pictures_in_order_and_says_why_one_is_missing(
    db: Session, login: Login, case: PassportCase
) -> None:
    put(db, case, "LEFT_THUMB", "WSQ")
    db.add(CasePicture(case_id=case.id, kind="RIGHT_INDEX", missing="AMPUTATED"))
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/pictures/").text
    strip = page[page.index("viewer-strip") :]
    labels = ["Fotografía", "Firma", "Índice derecho: Amputado", "Pulgar izquierdo", "Índice izquierdo: No se tomó"]
    places = [strip.index(label) for label in labels]
    assert places == sorted(places)
    assert f'src="/cases/{case.number}/pictures/PORTRAIT"' in page
    assert looks(db, case) == [("viewer", None)]
    missing = login("supervisor").get(f"/cases/{case.number}/pictures/?kind=RIGHT_INDEX").text
    assert "Índice derecho: Amputado</p>" in missing


def test_the_viewer_steps_through_the_pictures_around_the_corner(login: Login, case: PassportCase) -> None:
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/"
    first = client.get(path).text
    assert f'href="{path}?kind=SIGNATURE" rel="next"' in first
    assert f'href="{path}?kind=LEFT_INDEX" rel="prev"' in first
    assert client.get(f"{path}?kind=RIGHT_FOOT").status_code == 404


def test_another_case_of_the_person_stands_beside_and_steps_with_it(
    db: Session, login: Login, case: PassportCase
) -> None:
    old = make_case(db)
    db.commit()
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/"
    assert f'<option value="{old.number}">' in client.get(path).text
    page = client.get(f"{path}?beside={old.number}&kind=SIGNATURE").text
    for number in (case.number, old.number):
        assert f'src="/cases/{number}/pictures/SIGNATURE"' in page
    assert f"kind=RIGHT_INDEX&amp;beside={old.number}" in page
    assert looks(db, case)[-1] == ("viewer", {"beside": old.number})


def test_a_case_of_another_person_or_another_site_does_not_stand_beside(
    db: Session, login: Login, case: PassportCase
) -> None:
    other, far = make_case(db, cui="6000000160101"), make_case(db, site_code="QTZ")
    db.commit()
    client, path = login("supervisor"), f"/cases/{case.number}/pictures/"
    for number in (other.number, far.number, case.number, "GUA999999999"):
        assert number == case.number or number not in client.get(path).text
        assert client.get(f"{path}?beside={number}").status_code == 404


def test_a_passport_of_the_former_system_is_said_to_have_no_pictures(
    db: Session, login: Login, case: PassportCase
) -> None:
    db.add(FormerCase(number="F1", first_surname="TZUL", search_name="TZUL", cui=case.cui, booklet_number="A123456",
                      state="ENTREGADO", source="prueba.csv", source_row=1))  # fmt: skip
    db.commit()
    page = login("supervisor").get(f"/cases/{case.number}/pictures/").text
    assert "A123456" in page
    assert "no guardó imágenes" in page


def test_the_viewer_is_for_who_may_see_pictures_of_this_site(db: Session, login: Login, case: PassportCase) -> None:
    far = make_case(db, site_code="QTZ")
    db.commit()
    assert login("atenc").get(f"/cases/{case.number}/pictures/").status_code == 403
    assert login("supervisor").get(f"/cases/{far.number}/pictures/").status_code == 404
    assert looks(db, case) == looks(db, far) == []


def test_the_pictures_of_a_case_lead_to_the_viewer(db: Session, login: Login, case: PassportCase) -> None:
    page = login("supervisor").get(f"/cases/{case.number}/").text
    assert f'href="/cases/{case.number}/pictures/?kind=SIGNATURE"' in page
    assert f'href="/cases/{case.number}/pictures/"' in page
