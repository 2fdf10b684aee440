"""Users from a spreadsheet: what each row would do is told, hostile files are refused, all is done or nothing."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash
from werkzeug.test import TestResponse

from models.users import User
from security.actor import Actor
from security.errors import BadValue, WrongState
from workflow import spreadsheets, user_import

Login = Callable[[str], FlaskClient]
HEADINGS = ["usuario", "nombres", "apellidos", "correo", "cui", "mesa", "bodega", "perfiles", "sedes"]
NEW = ["m.tzunux", "Marisela", "Tzunux", "m.tzunux@example.org", "6000000080101", "M-3", "PROD-GUA", "IMPRES", "GUA"]


def csv_of(*rows: Sequence[str], separator: str = ";") -> bytes:
    quoted = (separator.join(f'"{cell}"' for cell in row) for row in (HEADINGS, *rows))
    return "\n".join(quoted).encode()


def xlsx_of(*rows: Sequence[Any]) -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADINGS, *rows):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(target)
    return target.getvalue()


def send(client: FlaskClient, data: bytes, name: str = "usuarios.xlsx") -> TestResponse:
    return client.post("/users/import/", data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")


def hidden(page: str) -> dict[str, str]:
    import html

    return {name: html.unescape(value) for name, value in re.findall(r'name="(rows|digest)" value="([^"]*)"', page)}


def user(db: Session, username: str) -> User | None:
    query = select(User).where(User.username == username).execution_options(populate_existing=True)
    return db.scalars(query).first()


@pytest.mark.parametrize("data", [xlsx_of(NEW), csv_of(NEW), csv_of(NEW, separator=",")], ids=["xlsx", ";", ","])
def test_a_file_is_shown_first_and_then_imported(data: bytes, login: Login, db: Session) -> None:
    client = login("admadm")
    page = send(client, data)
    assert page.status_code == 200
    assert "Por crear" in page.text
    assert user(db, "m.tzunux") is None
    done = client.post("/users/import/confirm", data={**hidden(page.text), "as": "page"})
    shown = re.search(r'<code class="one-time"[^>]*>([^<]+)</code>', done.text)
    assert shown
    made = user(db, "m.tzunux")
    assert made is not None
    assert check_password_hash(str(made.password), shown[1])
    assert made.must_change_password
    assert made.warehouse_code == "PROD-GUA"
    assert [role.name for role in made.roles] == ["IMPRES"]
    assert [site.code for site in made.sites] == ["GUA"]
    again = client.post("/users/import/confirm", data={**hidden(page.text), "as": "page"})
    assert again.status_code == 409, "by now it would do something else"


def test_the_passwords_may_be_taken_as_a_file(login: Login) -> None:
    client = login("admadm")
    sent = hidden(send(client, xlsx_of(NEW)).text)
    answer = client.post("/users/import/confirm", data={**sent, "as": "csv"})
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "m.tzunux" in answer.text


def test_a_known_user_is_changed_and_what_changes_is_told(login: Login, db: Session) -> None:
    client, target = login("admadm"), user(db, "impres")
    assert target is not None
    kept = target.password
    row = ["impres", "Otro", "Prueba", "impres@example.org", "", "", "", "IMPRES;ENTREGA", "GUA"]
    page = send(client, xlsx_of(row))
    assert "<ins>Otro</ins>" in page.text
    assert "ENTREGA;IMPRES" in page.text
    assert client.post("/users/import/confirm", data=hidden(page.text)).status_code == 200
    changed = user(db, "impres")
    assert changed is not None
    assert changed.first_name == "Otro"
    assert {role.name for role in changed.roles} == {"IMPRES", "ENTREGA"}
    assert changed.password == kept


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, "Mal Nombre", "Letras minúsculas"),
        (1, "", "Falta: nombres"),
        (3, "sin arroba", "no es una dirección de correo"),
        (3, "concal@example.org", "concal"),
        (4, "123", "13 dígitos"),
        (5, "x" * 11, "Demasiado largo: mesa"),
        (6, "PROD-PET", "no es de una de las sedes"),
        (6, "NADA", "bodega activa"),
        (7, "NADA", "perfil activo"),
        (8, "NADA", "sede activa"),
        (0, "admadm", "su propia cuenta"),
        (0, "sistema", "su propia cuenta"),
    ],
)
def test_a_row_that_cannot_be_says_why_and_nothing_is_imported(
    place: int, value: str, said: str, login: Login, db: Session
) -> None:
    client, bad = login("admadm"), [*NEW]
    bad[place] = value
    good = ["otra", "Otra", "Persona", "otra@example.org", "", "", "", "", ""]
    page = send(client, xlsx_of(bad, good))
    assert said in page.text
    assert "Rechazad" in page.text
    assert not hidden(page.text)
    assert user(db, "otra") is None


def test_what_is_twice_in_the_file_is_refused(db: Session, as_user: Callable[[str], Actor]) -> None:
    rows = [dict(zip(user_import.COLUMNS, NEW, strict=True)) for _time in range(2)]
    plan = user_import.plan(db, as_user("admadm"), rows)
    assert plan.count("refused") == 2
    with pytest.raises(WrongState):
        user_import.carry_out(db, as_user("admadm"), rows, plan.digest)


def test_who_could_carry_a_case_alone_is_named_and_must_be_confirmed(login: Login, db: Session) -> None:
    client, row = login("admadm"), [*NEW]
    row[7] = "IMPRES;SUPERVISOR;CONCAL;ENTREGA"
    page = send(client, xlsx_of(row))
    assert "Marisela Tzunux (m.tzunux)" in page.text
    asked = client.post("/users/import/confirm", data=hidden(page.text))
    assert 'name="aware"' in asked.text
    assert user(db, "m.tzunux") is None
    client.post("/users/import/confirm", data={**hidden(page.text), "aware": "y"})
    assert user(db, "m.tzunux") is not None


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * (spreadsheets.UNPACKED + 1))
    return target.getvalue()


def without_sheet() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as parts:
        parts.writestr("a.txt", "x")
    return target.getvalue()


def laughing() -> bytes:
    """A workbook whose sheet asks for entities within entities."""
    source, target = zipfile.ZipFile(io.BytesIO(xlsx_of(NEW))), io.BytesIO()
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><worksheet><v>&e9;</v></worksheet>'
    with zipfile.ZipFile(target, "w") as parts:
        for name in source.namelist():
            parts.writestr(name, sheet if name.endswith("sheet1.xml") else source.read(name))
    return target.getvalue()


HOSTILE = {
    "a bomb": bomb(), "no sheet": without_sheet(), "entities": laughing(), "not a zip": b"PK\x03\x04" + b"x" * 99,
    "pdf": b"%PDF-1.7\x00\x01", "large": b"a;b\n" * 300_000, "empty": b"  ", "formula": xlsx_of(["=1+1", *NEW[1:]]),
    "command": csv_of(["@SUM(A1)", *NEW[1:]]), "long": csv_of(["a" * 500, *NEW[1:]]),
    "headings": b"usuario;nombres\na;b",
    "no rows": csv_of(), "too many": csv_of(*([NEW] * 501)), "twice": b"usuario;user\na;b",
    "picture": b"\x89PNG\r\n\x1a\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_none_is_refused_in_words(name: str, login: Login) -> None:
    answer = send(login("admadm"), HOSTILE[name], "x.xlsx")
    assert answer.status_code == 400
    assert 'class="field-error"' in answer.text


def test_no_file_is_told(login: Login) -> None:
    assert login("admadm").post("/users/import/", data={}).status_code == 400


@pytest.mark.parametrize("rows", ["", "[]", "{", '[{"username": "x"}]', "[1]", "null"])
def test_rows_that_no_preview_gave_are_refused(rows: str, login: Login) -> None:
    assert login("admadm").post("/users/import/confirm", data={"rows": rows}).status_code == 400


def test_the_template_is_read_back(login: Login) -> None:
    answer = login("admadm").get("/users/import/template")
    (row,) = user_import.rows_of(spreadsheets.read(answer.data, rows=9))
    assert row["profiles"] == "IMPRES;ENTREGA"
    with pytest.raises(BadValue):
        spreadsheets.read(answer.data, rows=1)


def test_only_who_edits_users_imports(login: Login) -> None:
    client = login("jpgu")
    assert client.get("/users/import/").status_code == 403
    assert send(client, xlsx_of(NEW)).status_code == 403
    assert client.post("/users/import/confirm", data={}).status_code == 403
