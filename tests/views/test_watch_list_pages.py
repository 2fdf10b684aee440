"""The pages of the watch lists: a file is looked at before it is loaded, and entries are for who may see them."""

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.base import utc_now
from models.cases import CaseFinding, State
from models.watch_lists import WatchListEntry, WatchListLoad
from tests.build import make_case, make_entry

Login = Callable[[str], FlaskClient]
HEAD = "reference,surnames,given_names,birth_date,cui,document_number,reason,valid_from,valid_until"


def upload(client: FlaskClient, *lines: str, **form: str) -> TestResponse:
    content = "\n".join([HEAD, *lines]).encode()
    data = {"list_type": "OCA", "source": "mp", "file": (io.BytesIO(content), "órdenes.csv")} | form
    return client.post("/watch-lists/", data=data, content_type="multipart/form-data")


def test_a_file_is_previewed_confirmed_and_withdrawn(db: Session, login: Login) -> None:
    client = login("admadm")
    preview = upload(client, "O-1,Tzoc,Nola,1990-05-17,,,Orden 1,,", ",Caal,Ana,,,,,,")
    assert preview.status_code == 303
    page = client.get(preview.location).text
    assert "Todavía no ha cambiado nada" in page
    assert "órdenes.csv" in page
    assert not db.scalars(select(WatchListEntry)).all()
    assert client.post(f"{preview.location}/confirm").status_code == 303
    assert len(db.scalars(select(WatchListEntry)).all()) == 2
    assert "MP" in client.get("/watch-lists/").text
    again = upload(client, ",Caal,Ana,,,,,,")
    assert "Sin cambio" in client.get(again.location).text
    assert client.post(f"{again.location}/discard").status_code == 303
    assert client.get(again.location).status_code == 404
    assert client.post(f"{preview.location}/withdraw").status_code == 303
    assert not db.scalars(select(WatchListEntry)).all()
    assert "Retirada" in client.get(preview.location).text


def test_each_fault_of_a_file_is_named_and_nothing_is_kept(db: Session, login: Login) -> None:
    answer = upload(login("admadm"), ",Tzoc,Nola,1990-99,,,,,", ",,,,12,,,,")
    assert answer.status_code == 400
    assert "Línea 2: birth_date: AAAA" in answer.text
    assert "Línea 3: cui: trece dígitos." in answer.text
    assert 'value="mp"' in answer.text, "what was typed comes back"
    assert not db.scalars(select(WatchListLoad)).all()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"list_type": "XYZ"}, "No hay tipo de lista activo"),
        ({"source": "a/b"}, "Letras mayúsculas"),
        ({"file": ""}, "Elija un archivo"),
    ],
)
def test_a_form_that_lacks_something_says_what(login: Login, form: dict[str, str], words: str) -> None:
    answer = upload(login("admadm"), ",Tzoc,Nola,,,,,,", **form)
    assert answer.status_code == 400
    assert words in answer.text


def test_what_somebody_loaded_meanwhile_is_not_loaded_twice(login: Login) -> None:
    client = login("admadm")
    place = upload(client, ",Tzoc,Nola,,,,,,").location
    client.post(f"{place}/confirm")
    said = client.post(f"{place}/confirm", headers={"Referer": f"http://localhost{place}"}, follow_redirects=True)
    assert "Mientras tanto alguien" in said.text


@pytest.mark.parametrize(
    ("username", "reads"), [("supersu", True), ("jpgu", False), ("supervisor", False), ("impres", False)]
)
def test_entries_are_for_who_may_see_them(db: Session, login: Login, username: str, reads: bool) -> None:
    entry = make_entry(surnames="Tzoc", given_names="Nola", reason="Orden de captura 123", reference="O-1")
    db.add(entry)
    db.commit()
    client = login(username)
    for path in ("/watch-lists/", "/watch-lists/entries?q=tzoc", f"/watch-lists/entries/{entry.id}"):
        assert client.get(path).status_code == (200 if reads else 403), path
    for path in ("/watch-lists/", "/watch-lists/1/confirm", "/watch-lists/1/withdraw", "/watch-lists/1/discard"):
        assert client.post(path).status_code == 403
    if reads:
        assert "Tzoc, Nola" in client.get("/watch-lists/entries?q=soc nola").text
        assert "Orden de captura 123" in client.get(f"/watch-lists/entries/{entry.id}").text
        assert "Nadie con ese CUI" in client.get("/watch-lists/entries?q=nadie asi").text


def test_a_finding_names_list_and_grade_and_leads_who_may_to_the_entry(db: Session, login: Login) -> None:
    entry = make_entry(surnames="Tzoc", given_names="Nola", reason="Secreto del juzgado", reference="O-1")
    case = make_case(db, State.VALIDACION_SECUNDARIA)
    db.add(entry)
    db.flush()
    hit = {"entry": entry.id, "list": "OCA", "name": "Orden de captura", "grade": "SIMILAR", "reference": "O-1"}
    db.add(
        CaseFinding(case_id=case.id, code="WATCH_LIST", fields=["name"], detail={"lists": [hit]}, found_at=utc_now())
    )
    db.commit()
    for username, leads in (("supersu", True), ("consultas", False)):
        page = login(username).get(f"/cases/{case.number}/").text
        assert "Nombre parecido, la fecha de nacimiento concuerda" in page
        assert (f"/watch-lists/entries/{entry.id}" in page) is leads
        assert "Secreto del juzgado" not in page
