"""The page of refusal rates and the settings of second inspections: who opens them, what they show and take."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models.inspections import InspectionSetting
from tests.views.desk import act, in_printing, printed

Login = Callable[[str], FlaskClient]


@pytest.fixture
def work(db: Session) -> None:
    printed(db)
    case = in_printing(db, 5_000_002, cui="6000000180101")
    act(db, "impres", "refuse_print", case.number)
    db.commit()


@pytest.mark.usefixtures("work")
def test_the_rates_show_counts_with_their_denominators(login: Login) -> None:
    page = login("concal").get("/quality/rates/").text
    for key in ("sites", "printers", "days", "batches"):
        table = page.split(f'id="by-{key}"')[1].split("</table>")[0]
        total = re.findall(r"<td class=\"num\">(.*?)</td>", table.split("<tfoot>")[1])
        assert total == ["2", "1", "0", "1", "<b>50.0 %</b>"]
    assert "F5000000-F5000999" in page


def test_no_prints_are_no_rate(login: Login) -> None:
    page = login("jpgu").get("/quality/rates/?first=2020-01-01&last=2020-01-02").text
    assert "by-sites" not in page
    assert 'class="empty"' in page


@pytest.mark.parametrize("query", ["first=2026-01-01&last=2026-12-31", "first=x", "last=2026-02-31"])
def test_wrong_days_are_refused_at_their_field(login: Login, query: str) -> None:
    answer = login("concal").get(f"/quality/rates/?{query}")
    assert answer.status_code == 400
    assert 'class="field-error"' in answer.text


def test_who_may_read_the_rates(login: Login) -> None:
    for name, status in {"concal": 200, "jpgu": 200, "produccion": 200, "impres": 403, "entrega": 403}.items():
        assert login(name).get("/quality/rates/").status_code == status, name
    assert 'href="/quality/rates/"' in login("concal").get("/quality/").text


def test_an_administrator_sets_the_rate_of_a_site_and_of_all(db: Session, login: Login) -> None:
    client = login("admadm")
    assert 'href="/quality/inspections/"' in client.get("/quality/rates/").text
    client.post("/quality/inspections/", data={"site": "*", "rate": "1", "monthly_cap": "30"})
    answer = client.post("/quality/inspections/", data={"site": "GUA", "rate": "2,5", "monthly_cap": "100"})
    assert answer.location == "/quality/inspections/"
    page = client.get("/quality/inspections/?site=GUA").text
    assert re.search(r'name="rate" value="2.5"', page)
    assert '<td class="num">2.5 %</td><td class="num">100</td><td class="num">0</td>' in page
    assert '<td class="num">1 %</td><td class="num">30</td>' in page
    client.post("/quality/inspections/", data={"site": "GUA", "rate": "", "monthly_cap": ""})
    assert db.get(InspectionSetting, "GUA") is None


def test_a_wrong_rate_is_refused_at_its_field_and_stays_typed(login: Login) -> None:
    answer = login("admadm").post("/quality/inspections/", data={"site": "GUA", "rate": "250", "monthly_cap": "3"})
    assert answer.status_code == 400
    assert 'id="f-rate-error"' in answer.text
    assert 'value="250"' in answer.text
    assert 'name="site" value="GUA"' in answer.text


def test_others_do_not_set_rates(login: Login) -> None:
    for name in ("concal", "jpgu"):
        assert login(name).get("/quality/inspections/").status_code == 403
        assert login(name).post("/quality/inspections/", data={"site": "*"}).status_code == 403
