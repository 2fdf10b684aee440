"""Existencia on screen: now and at a past date, what runs low, the transfer proposed, a warehouse's ranges."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from models.users import Site, User
from tests.build import make_booklets
from tests.views.counting import statements
from tests.workflow.test_on_hand import worked

Login = Callable[[str], FlaskClient]
TODAY = local_date(utc_now())


@pytest.fixture
def client(login: Login) -> FlaskClient:
    return login("produccion")


def cells(page: str, warehouse: str) -> list[str]:
    """The figures of the first row of a warehouse."""
    (row,) = re.findall(rf'<tr><td><a href="/stock/on-hand/{warehouse}">.*?</tr>', page, re.DOTALL)[:1]
    return re.findall(r'<td class="num">(?:<b>)?(\d+)', row)


def test_the_stock_now_is_shown_by_warehouse_and_category_with_totals(db: Session, client: FlaskClient) -> None:
    make_booklets(db, count=7)
    make_booklets(db, 6_000_001, 4, warehouse="CENTRAL")
    db.commit()
    page = client.get("/stock/on-hand/").text
    assert cells(page, "PROD-GUA") == ["7", "0", "7", "0", "0"]
    assert cells(page, "CENTRAL") == ["4", "0", "4", "0", "0"]
    totals = page.split("</table>")[1]
    assert re.findall(r'<td class="num">(?:<b>)?(\d+)', totals) == ["11", "0", "11", "0", "0"]
    assert 'href="/stock/on-hand/PROD-PET"' in page, "empty warehouses are named too"


def test_a_past_day_is_chosen_in_a_date_field(db: Session, client: FlaskClient) -> None:
    worked(db, 0, put=40, kind="INGRESO", days_ago=3)
    worked(db, 10, days_ago=1)
    db.commit()
    day = (TODAY - dt.timedelta(days=2)).isoformat()
    page = client.get(f"/stock/on-hand/?on={day}").text
    assert f'value="{day}"' in page
    assert f'max="{TODAY.isoformat()}"' in page
    assert cells(page, "PROD-GUA")[0] == "40"
    assert cells(client.get("/stock/on-hand/").text, "PROD-GUA")[0] == "30"


@pytest.mark.parametrize("typed", ["ayer", "2026-13-01", (TODAY + dt.timedelta(days=2)).isoformat()])
def test_a_day_that_cannot_be_is_told_at_its_field(client: FlaskClient, typed: str) -> None:
    answer = client.get(f"/stock/on-hand/?on={typed}")
    assert answer.status_code == 400
    assert 'id="f-on-error"' in answer.text
    assert f'value="{typed}"' in answer.text


def test_little_stock_is_marked_in_words_and_a_transfer_is_proposed(db: Session, client: FlaskClient) -> None:
    make_booklets(db, count=900, warehouse="CENTRAL")
    worked(db, 20, put=80)
    db.commit()
    page = client.get("/stock/on-hand/").text
    row = page.split('href="/stock/on-hand/PROD-GUA"')[1].split("</tr>")[0]
    assert "mark-danger" in row
    assert "exclamation-triangle-fill" in row
    assert "350" in row, "20 a day for 20 days less 60, in packs of 50"
    link = "/transfers/new?from=CENTRAL&amp;to=PROD-GUA&amp;category=ORDINARIA&amp;quantity=350"
    assert link in row


def test_only_who_may_send_is_offered_to_prepare_the_transfer(db: Session, login: Login) -> None:
    make_booklets(db, count=900, warehouse="CENTRAL")
    worked(db, 20, put=80)
    db.commit()
    page = login("reporte").get("/stock/on-hand/").text
    assert "350" in page
    assert "/transfers/new" not in page
    assert "/transfers/new" not in login("impres").get("/stock/on-hand/PROD-GUA").text


def test_who_has_sites_sees_the_warehouses_of_those(db: Session, login: Login) -> None:
    make_booklets(db, count=3)
    make_booklets(db, 6_000_001, 4, warehouse="CENTRAL")
    db.commit()
    page = login("impres").get("/stock/on-hand/").text
    assert cells(page, "PROD-GUA")[0] == "3"
    assert "/stock/on-hand/CENTRAL" not in page
    assert login("impres").get("/stock/on-hand/CENTRAL").status_code == 404
    assert login("entrega").get("/stock/on-hand/").status_code == 403


def test_a_site_without_booklets_says_so(db: Session, login: Login) -> None:
    user = db.scalars(select(User).where(User.username == "impdep")).one()
    user.sites = [db.get_one(Site, "PET")]
    db.commit()
    page = login("impdep").get("/stock/on-hand/").text
    assert 'class="empty"' in page
    assert login("impdep").get("/stock/on-hand/PROD-PET").status_code == 200


def test_a_warehouse_lists_its_ranges_and_links_the_booklets(db: Session, login: Login, client: FlaskClient) -> None:
    make_booklets(db, count=3)
    make_booklets(db, 5_000_011, 2)
    db.commit()
    page = client.get("/stock/on-hand/PROD-GUA").text
    assert 'href="/booklets/F5000001"' in page
    assert "F5000003" in page
    assert "F5000012" in page
    assert "/booklets/" not in login("reporte").get("/stock/on-hand/PROD-GUA").text
    assert client.get("/stock/on-hand/NADA").status_code == 404


def test_many_ranges_are_paged(db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.stock.warehouse_stock.RUNS_PAGE", 2)
    for start in range(3):
        make_booklets(db, 5_000_001 + 10 * start, 2)
    db.commit()
    page = client.get("/stock/on-hand/PROD-GUA").text
    assert "F5000021" not in page
    following = re.search(r'href="([^"]*after=F5000012[^"]*)"', page)
    assert following
    page = client.get(following[1].replace("&amp;", "&")).text
    assert "F5000021" in page
    assert "F5000011" not in page


def test_the_page_costs_the_same_for_more_warehouses(db: Session, client: FlaskClient, connection: Connection) -> None:
    def asked() -> int:
        client.get("/stock/on-hand/")
        with statements(connection) as seen:
            client.get("/stock/on-hand/")
        return len(seen)

    make_booklets(db)
    db.commit()
    few = asked()
    for place, code in enumerate(("PROD-PET", "PROD-QTZ")):
        make_booklets(db, 6_000_001 + 10 * place, 3, warehouse=code)
    db.commit()
    assert asked() == few <= 8
