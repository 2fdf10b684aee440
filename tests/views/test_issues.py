"""Salidas on screen: issue, count, return, destruction; each person sees what is his to do."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.stock import DocumentState, StockDocument, StockLine
from models.users import Role, User
from security.actor import load_actor
from security.permissions import Permission
from tests.build import make_booklets
from tests.printing.invented import run
from tests.views.counting import statements
from tests.views.desk import hidden
from workflow.booklets import lock_booklet
from workflow.stock import ledger

Login = Callable[[str], FlaskClient]
GUA = "PROD-GUA"


@pytest.fixture
def keeper(login: Login) -> FlaskClient:
    return login("produccion")


@pytest.fixture
def printer(db: Session, login: Login) -> FlaskClient:
    """A printer whose profile holds the right to print and nothing else."""
    role = db.scalars(select(Role).where(Role.name == "IMPRES")).one()
    act, screen = Permission.PRINT_BOOKLETS.value.pair
    role.permissions = [
        pair for pair in role.permissions if (pair.permission.name, pair.view_menu.name) == (act, screen)
    ]
    assert len(role.permissions) == 1
    db.commit()
    return login("impres")


@pytest.fixture
def booklets(db: Session) -> list[str]:
    numbers = make_booklets(db, count=8)
    db.commit()
    return numbers


def user_id(db: Session, username: str) -> int:
    return db.scalars(select(User.id).where(User.username == username)).one()


def new(client: FlaskClient, kind: str, **head: str | int) -> str:
    """The address of a new draft."""
    data = {"on": "2026-11-20", "warehouse": GUA, "reference": "Turno 1", "remarks": ""} | head
    answer = client.post(f"/{kind}/new", data=data)
    assert answer.status_code == 303, answer.text
    return answer.location


def send(client: FlaskClient, url: str, path: str, follow: bool = True, **data: str | int) -> str:
    """Post to a document's page with the version it shows; the page one comes to."""
    version = hidden(client.get(url).text, "version")
    answer = client.post(
        f"{url}/{path}", data={"version": version, **data}, headers={"Referer": f"http://localhost{url}"}
    )
    return client.get(answer.location).text if answer.status_code == 303 else answer.text


def signed(db: Session, keeper: FlaskClient, numbers: str = "F5000001-F5000003") -> str:
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    send(keeper, url, "lines", numbers=numbers)
    send(keeper, url, "close")
    return url


def issued(db: Session, keeper: FlaskClient, printer: FlaskClient) -> str:
    url = signed(db, keeper)
    send(printer, url, "confirm", counted="3")
    return url


def document(db: Session, url: str) -> StockDocument:
    query = select(StockDocument).where(StockDocument.id == int(url.rsplit("/", 1)[1]))
    return db.scalars(query.execution_options(populate_existing=True)).one()


def places(db: Session) -> list[str]:
    return list(db.scalars(select(Booklet.place).order_by(Booklet.number)))


def test_an_issue_goes_from_the_keepers_draft_to_the_printers_count(
    db: Session, keeper: FlaskClient, printer: FlaskClient, booklets: list[str]
) -> None:
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    page = send(keeper, url, "lines", numbers="f5000001-F5000002\nF5000004")
    assert page.count('<b class="code">F') == 3
    page = send(keeper, url, "lines", category="ORDINARIA", quantity="2")
    assert all(f">{number}</b>" in page for number in ("F5000003", "F5000005"))
    assert f'action="{url}/close"' in page
    page = send(keeper, url, "close")
    assert document(db, url).state == DocumentState.POR_CONFIRMAR
    assert "/lines" not in page
    assert "/confirm" not in page, "who signed does not count"
    assert f'href="{url}"' in printer.get("/issues/").text
    page = printer.get(url).text
    assert 'name="counted"' in page
    assert "F5000001" in page
    assert "data-confirm=" in page
    page = send(printer, url, "confirm", counted="5")
    assert f'href="{url}/minutes.pdf"' in page
    assert document(db, url).state == DocumentState.CERRADO
    hands = f"HANDS:{GUA}:{user_id(db, 'impres')}"
    assert places(db) == [hands] * 5 + [f"WAREHOUSE:{GUA}"] * 3


def test_a_wrong_count_is_told_at_its_field_and_the_page_never_says_the_right_one(
    db: Session, keeper: FlaskClient, printer: FlaskClient, booklets: list[str]
) -> None:
    url = signed(db, keeper)
    for page in (printer.get(url).text, send(printer, url, "confirm", counted="7")):
        main = page.split("<main", 1)[1]
        assert not re.search(r">\s*3\s*<", main), "neither quantity nor total"
    assert 'id="f-counted-error"' in page
    assert 'value="7"' in page
    page = send(printer, url, "confirm", counted="tres")
    assert 'id="f-counted-error"' in page
    assert document(db, url).state == DocumentState.POR_CONFIRMAR
    listed = printer.get("/issues/").text.split("<main", 1)[1]
    assert not re.search(r'class="num">3<', listed)
    send(printer, url, "give-back")
    assert document(db, url).state == DocumentState.ABIERTO
    assert f'action="{url}/lines"' in keeper.get(url).text


def test_a_printer_without_the_right_to_read_stock_sees_his_own_documents_alone(
    db: Session, login: Login, keeper: FlaskClient, printer: FlaskClient, booklets: list[str]
) -> None:
    mine = signed(db, keeper)
    other = new(keeper, "issues", printer=user_id(db, "impdep"))
    page = printer.get("/issues/").text
    assert f'href="{mine}"' in page
    assert f'href="{other}"' not in page
    assert "/issues/new" not in page
    assert "/destructions/" not in page
    assert printer.get(other).status_code == 404
    assert printer.get("/issues/new").status_code == 403
    assert printer.get("/destructions/").status_code == 403
    assert printer.get("/issues/hands").status_code == 200
    assert login("concal").get("/issues/").status_code == 403
    reader = login("reporte")
    page = reader.get(mine).text
    assert "/give-back" not in page
    assert reader.post(f"{mine}/confirm", data={"version": "1", "counted": "3"}).status_code == 403


def test_what_is_not_there_is_told_at_the_field_and_nothing_typed_is_lost(
    db: Session, keeper: FlaskClient, booklets: list[str]
) -> None:
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    for typed, told in (("F5000007-F5000012", "F5000009–F5000012"), ("HOLA", "HOLA"), ("", "")):
        page = send(keeper, url, "lines", numbers=typed)
        assert told in page.split('id="f-numbers-error"')[1].split("</p>")[0]
        assert f">{typed}</textarea>" in page
    page = send(keeper, url, "lines", category="ORDINARIA", quantity="9")
    assert "8" in page.split('id="f-quantity-error"')[1].split("</p>")[0]
    page = send(keeper, url, "lines", category="ORDINARIA", quantity="mil")
    assert 'id="f-quantity-error"' in page
    assert db.scalars(select(StockLine.id).where(StockLine.document_id == document(db, url).id)).all() == []


def test_a_head_that_is_refused_keeps_what_was_typed(db: Session, keeper: FlaskClient) -> None:
    head = {"on": "2026-11-20", "warehouse": "PROD-GU9", "printer": user_id(db, "impres"), "reference": "Turno 3"}
    answer = keeper.post("/issues/new", data=head)
    assert answer.status_code == 400
    assert 'id="f-printer-error"' in answer.text
    assert 'value="Turno 3"' in answer.text
    assert '<option value="PROD-GU9" selected>' in answer.text
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    page = keeper.get(f"{url}/edit").text
    assert f'<option value="{user_id(db, "impres")}" selected>' in page
    data = {**head, "warehouse": GUA, "version": hidden(page, "version")}
    assert keeper.post(f"{url}/edit", data=data).location == url
    assert document(db, url).reference == "Turno 3"


def test_lines_and_drafts_are_taken_off(db: Session, keeper: FlaskClient, booklets: list[str]) -> None:
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    page = send(keeper, url, "lines", numbers="F5000001 F5000003")
    (first, _second) = re.findall(rf'action="({url}/lines/\d+/drop)"', page)
    page = send(keeper, url, first.removeprefix(url + "/"))
    assert re.findall(r'<b class="code">(F\d+)</b>', page) == ["F5000003"]
    version = hidden(keeper.get(url).text, "version")
    assert keeper.post(f"{url}/delete", data={"version": version}).location == "/issues/"
    assert keeper.get(url).status_code == 404


def test_who_holds_what_leads_to_the_return_of_everything(
    db: Session, keeper: FlaskClient, printer: FlaskClient, booklets: list[str]
) -> None:
    url = issued(db, keeper, printer)
    page = printer.get("/issues/hands").text
    assert "F5000001" in page
    assert f'href="{url}"' in page
    assert "impres" in keeper.get("/issues/hands").text
    found = re.search(r'href="(/returns/new\?[^"]*)"', page)
    assert found
    form = printer.get(found[1].replace("&amp;", "&")).text
    assert f'<option value="{GUA}" selected>' in form
    assert f'<option value="{user_id(db, "impres")}" selected>' in form
    back = new(printer, "returns", printer=user_id(db, "impres"))
    assert f'action="{back}/delete"' in printer.get("/returns/").text
    page = send(printer, back, "everything")
    assert page.count('<b class="code">F') == 3
    send(printer, back, "close")
    assert f'href="{back}"' in keeper.get("/issues/").text, "it waits for him, whatever page he opens"
    page = send(keeper, back, "confirm", counted="3")
    assert document(db, back).state == DocumentState.CERRADO
    assert set(places(db)) == {f"WAREHOUSE:{GUA}"}
    assert "F5000001" not in keeper.get("/issues/hands").text


def test_voided_booklets_in_custody_are_offered_by_kind_and_destroyed_by_two(
    db: Session, login: Login, keeper: FlaskClient, booklets: list[str]
) -> None:
    actor = load_actor(db, username="produccion")
    assert actor is not None
    for number, kind in zip(booklets[:4], ("DAB", "DAB", "DEF", "DEF"), strict=True):
        booklet = lock_booklet(db, number)
        ledger.post(db, actor, "EGRESO_ANULACION", booklet, ledger.voided_place(GUA), void_type=kind)
    db.commit()
    url = new(keeper, "destructions")
    page = keeper.get(url).text
    assert "Defecto de fábrica" in page
    page = send(keeper, url, "voided", void_type="DAB")
    assert re.findall(r'<b class="code">(F\d+)</b>', page) == booklets[:2]
    before = (dt.date.today() - dt.timedelta(days=2)).isoformat()
    assert send(keeper, url, "voided", until=before).count('<b class="code">F') == 2
    assert 'id="f-until-error"' in send(keeper, url, "voided", until="ayer")
    assert send(keeper, url, "voided").count('<b class="code">F') == 4
    assert 'id="f-numbers-error"' in send(keeper, url, "lines", numbers=booklets[5])
    send(keeper, url, "close")
    other = login("jpgu")
    page = send(other, url, "confirm", counted="4")
    assert set(places(db)[:4]) == {"DESTROYED"}
    answer = other.get(f"{url}/minutes.pdf")
    assert answer.mimetype == "application/pdf"
    read = " ".join(run("pdftotext", "-layout", "-", "-", stdin=answer.data).decode().split())
    assert f"Acta de destrucción No. {url.rsplit('/', 1)[1]}" in read
    assert "F5000001 F5000002 2 Daño en bodega o traslado" in read
    assert f'href="{url}/minutes.pdf"' in other.get("/destructions/").text


def test_minutes_wait_for_both_people(
    db: Session, keeper: FlaskClient, printer: FlaskClient, booklets: list[str]
) -> None:
    url = signed(db, keeper)
    assert keeper.get(f"{url}/minutes.pdf").status_code == 409
    send(printer, url, "confirm", counted="3")
    assert printer.get(f"{url}/minutes.pdf").data.startswith(b"%PDF")
    assert keeper.get(url.replace("issues", "returns") + "/minutes.pdf").status_code == 404


def test_an_older_page_changes_nothing(db: Session, keeper: FlaskClient, booklets: list[str]) -> None:
    url = new(keeper, "issues", printer=user_id(db, "impres"))
    seen = hidden(keeper.get(url).text, "version")
    send(keeper, url, "lines", numbers="F5000001")
    for path in ("close", "delete", "lines"):
        data = {"version": seen, "numbers": "F5000002"}
        assert keeper.post(f"{url}/{path}", data=data).status_code == 409
    assert keeper.post(f"{url}/close").status_code == 400
    assert document(db, url).state == DocumentState.ABIERTO


def test_long_lists_cost_no_more_statements_than_short_ones(
    db: Session, keeper: FlaskClient, booklets: list[str], connection: Connection
) -> None:
    signed(db, keeper, "F5000001")
    keeper.get("/issues/")
    with statements(connection) as few:
        keeper.get("/issues/")
    for serial in range(2, 6):
        signed(db, keeper, f"F500000{serial}")
    with statements(connection) as many:
        keeper.get("/issues/")
    assert len(many) == len(few)
