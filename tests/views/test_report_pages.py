"""Reports on screen: who sees which, filters, pages, orders, totals, pictures, what is logged, what takes too long."""

import base64
import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import html5lib
import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import CasePicture, PassportCase, State
from models.clock import local_date
from models.pictures import Thumbnail
from models.users import AccessLog, Role
from reports import reading
from reports.catalogue import REPORTS
from security.permissions import Permission
from security.roles import BY_CODE
from tests.build import CAST, make_booklets, make_case
from tests.reports.test_every_report import Everywhere, local_head, shown
from tests.views.counting import statements

Login = Callable[[str], FlaskClient]
TODAY = local_date(utc_now())
EVERY = pytest.mark.parametrize("key", REPORTS)
#: A number that a page of a report about one thing needs.
ONE = "booklet=F5000001"


# Who sees which.


@EVERY
def test_a_report_asks_for_its_own_permission_on_screen_for_files_and_for_schedules(login: Login, key: str) -> None:
    permission = REPORTS[key].permission
    allowed, refused = (
        next(name for name, profile in CAST.items() if (permission in profile.permissions) is may and reads(name))
        for may in (True, False)
    )
    assert login(allowed).get(f"/reports/{key}/?{ONE}").status_code == 200
    for name in (refused, "atenc"):
        client, form = login(name), {"format": "xlsx", "period": "DAY"}
        assert client.get(f"/reports/{key}/?{ONE}").status_code == 403, name
        assert client.post(f"/reports/files/{key}", data=form).status_code == 403, name
        assert client.post(f"/reports/{key}/schedule", data=form).status_code == 403, name


def reads(name: str) -> bool:
    """Whether a user of the cast may see some report."""
    return any(report.permission in CAST[name].permissions for report in REPORTS.values())


@pytest.mark.parametrize("name", ["jpgu", "supervisor", "impres", "entrega", "financiero", "atenc"])
def test_the_menu_and_the_list_show_exactly_the_reports_one_may_see(login: Login, name: str) -> None:
    expected = [key for key, report in REPORTS.items() if report.permission in BY_CODE[name.upper()].permissions]
    client = login(name)
    nav = client.get("/").text.split("<main", 1)[0]
    assert re.findall(r'href="/reports/(\w+)/"', nav) == [*expected, *(["files"] if expected else [])]
    answer = client.get("/reports/")
    assert answer.status_code == (200 if expected else 403)
    if expected:
        assert re.findall(r'href="/reports/(\w+)/"', answer.text.split("<main", 1)[1])[-len(expected) :] == expected


def test_what_is_no_report_is_not_found(login: Login) -> None:
    client = login("jpgu")
    assert client.get("/reports/nada/").status_code == 404
    assert client.post("/reports/files/nada", data={"format": "xlsx"}).status_code == 404
    assert client.post("/reports/nada/schedule").status_code == 404


# Filters.

WRONG = {
    "no day": ("received", "first=ayer", "first", "ayer"),
    "a day that is not": ("received", "first=2026-11-01&last=2026-02-30", "last", "2026-02-30"),
    "days the wrong way round": ("received", "first=2026-11-02&last=2026-11-01", "first", "2026-11-02"),
    "no month": ("prints_by_day", "month=13/2026", "month", "13/2026"),
    "a day to come": ("stock_on_hand", f"on={TODAY + dt.timedelta(days=3)}", "on", f"{TODAY + dt.timedelta(days=3)}"),
    "no booklet": ("booklet_ledger", "booklet=X12", "booklet", "X12"),
    "no range": ("issued", "booklets_from=F1&booklets_to=F0000002", "booklets_from", "F1"),
    "a range the wrong way round": (
        "issued", "booklets_from=F0000002&booklets_to=F0000001", "booklets_to", "F0000001",
    ),
    "other days": ("issued", "enrolled_first=hoy", "enrolled_first", "hoy"),
    "no user": ("prints", "user=nadie&first=2026-11-01", "first", "2026-11-01"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_at_its_field_and_all_stays_typed(login: Login, case: str) -> None:
    key, query, field, kept = WRONG[case]
    answer = login("jpgu").get(f"/reports/{key}/?{query}")
    assert answer.status_code == 400
    wrong = "user" if case == "no user" else field
    assert f'id="f-{wrong}-error"' in answer.text
    assert re.search(rf'<input [^>]*name="{field}" value="{kept}"', answer.text)
    assert "/reports/files/" + key not in answer.text, "there is nothing of it to be had as a file"


@pytest.mark.parametrize(
    "query",
    [
        "at=ayer", "at=0001-01-01T00:00:00%2B00:00", "at=9999-12-31T23:59:59-23:00", "after=x", "after=%C3%B1",
        *(
            "after=" + base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")
            for token in (
                {}, [], [1], [1, 2, 3], ["2026-11-01", "x"], ["2026-11-01T00:00:00+00:00", None],
                ["2026-11-01T00:00:00+00:00", float("inf")], ["2026-11-01T00:00:00+00:00", [1]], [None, 1],
            )
        ),
        "sort=case&after=WzAsMV0", "sort=case&after=Wy0xXQ", "sort=case&after=Wzk5OTk5OTk5XQ",
    ],
)  # fmt: skip
def test_an_address_that_was_tampered_with_is_a_page_that_does_not_exist(login: Login, query: str) -> None:
    answer = login("jpgu").get(f"/reports/received/?{query}")
    assert answer.status_code in (200, 400) if query.startswith("at=") else answer.status_code == 400
    assert "Excepc" not in answer.text


def test_a_moment_still_to_come_is_now(db: Session, login: Login) -> None:
    soon = (utc_now() + dt.timedelta(days=400)).isoformat().replace("+", "%2B")
    page = login("jpgu").get(f"/reports/received/?at={soon}").text
    assert dt.datetime.fromisoformat(field(page, "at")) <= utc_now()


def test_a_report_about_one_thing_waits_for_its_number(db: Session, login: Login) -> None:
    (booklet,) = make_booklets(db, count=1)
    db.commit()
    client = login("jpgu")
    page = client.get("/reports/booklet_ledger/").text
    assert 'name="booklet"' in page
    assert 'name="format"' not in page
    assert lines(client.get(f"/reports/booklet_ledger/?booklet={booklet.lower()}").text, 1)[0][0].startswith("Ingreso")


# Pages and orders.


@pytest.mark.parametrize("order", ["", "&sort=case", "&sort=case&down=1", "&sort=name"])
def test_every_line_comes_once_over_pages_that_keep_filters_and_moment(
    db: Session, login: Login, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    cases = [make_case(db, first_surname=name) for name in ("Coc", "Ajú", "Xol", "Batz", "Yac", "Tum", "Och", "Ic")]
    make_case(db, procedure_code="RENOVACION")
    db.commit()
    client, found, names = login("jpgu"), [], []
    url, moment = f"/reports/received/?first={TODAY}&last={TODAY}&site=GUA&procedure=NUEVO{order}", ""
    while url:
        page = client.get(url).text
        assert field(page, "at") == (moment or field(page, "at"))
        moment = field(page, "at")
        found += [line[0] for line in lines(page, 1)]
        names += [line[0].split()[0] for line in lines(page, 2)]
        assert "8 líneas" in page
        make_case(db, first_surname="Tarde")
        db.commit()
        url = link(page, "next")
        assert not url or {"first", "last", "site", "procedure", "at"} <= set(re.findall(r"[?&](\w+)=", url))
    expected = [case.number for case in cases]
    if "name" in order:
        assert sorted(found) == expected
        assert names == [row[0].split()[0] for row in ordered(db, expected)]
    else:
        assert found == (expected[::-1] if "down" in order else expected)
    assert 'href="' + url_of(page, "Primera página") in page


def ordered(db: Session, numbers: list[str]) -> list[Any]:
    """Surnames as the database sorts them."""
    query = select(PassportCase.first_surname).where(PassportCase.number.in_(numbers))
    named = query.order_by(text("first_surname || ' ' || second_surname"))
    return list(db.execute(named.execution_options(every_site=True)))


def test_columns_with_an_order_are_sorted_either_way_by_their_heads(db: Session, login: Login) -> None:
    for _case in range(3):
        make_case(db)
    db.commit()
    client = login("jpgu")
    page = client.get("/reports/received/").text
    sorts = dict(re.findall(r'<a class="sort" href="([^"]+)">([^<]+)<', page))
    assert set(sorts.values()) == {"Recibido", "Caso", "Nombre completo", "Boleta", "Enrolada"}, "no codes of lists"
    assert "aria-sort" not in page
    up = next(url for url, title in sorts.items() if title == "Caso").replace("&amp;", "&")
    page = client.get(up).text
    assert re.findall(r'aria-sort="(\w+)">\s*<a class="sort" href="[^"]*">(\w+)', page) == [("ascending", "Caso")]
    down = next(url for url, title in re.findall(r'href="([^"]+)">([^<]+)<svg', page) if title == "Caso")
    page = client.get(down.replace("&amp;", "&")).text
    assert re.findall(r'aria-sort="(\w+)"', page) == ["descending"]
    numbers = [line[0] for line in lines(page, 1)]
    assert numbers == sorted(numbers, reverse=True)


def test_totals_are_of_all_lines_whatever_the_page_shows(
    db: Session, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    for start in range(3):
        make_booklets(db, 5_000_001 + 100 * start, 10 + start)
    db.commit()
    page = login("jpgu").get("/reports/stock_receipts/").text
    assert len(lines(page, 0)) == 2
    foot = page.split("<tfoot>")[1].split("</tfoot>")[0]
    assert re.findall(r"<b>([\d,]+)</b>", foot) == ["33"]
    assert '<th scope="row">Total</th>' in foot


def test_more_lines_than_are_counted_are_said_to_be_more_and_come_in_their_own_order(
    db: Session, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "COUNT_CAP", 2)
    monkeypatch.setattr(reading, "PAGE", 2)
    make_booklets(db, count=3)
    cases = [make_case(db).number for _case in range(3)]
    db.commit()
    client = login("jpgu")
    page = client.get("/reports/received/?sort=case&down=1").text
    assert "Más de 2 líneas" in page
    assert "Hay demasiadas líneas para ordenarlas así" in page
    assert 'class="sort"' not in page
    assert "chart" not in page.split('class="table-wrap"')[0].split("<main")[1]
    assert [line[0] for line in lines(page, 1) + lines(client.get(link(page, "next")).text, 1)] == cases


# Pictures.


def test_pictures_are_lazy_small_logged_and_made_once(db: Session, login: Login, connection: Connection) -> None:
    case = make_case(db)
    db.commit()
    client = login("jpgu")
    page = client.get("/reports/received/").text
    images = re.findall(r"<img ([^>]*report-picture[^>]*)>", page)
    assert len(images) == 2, "portrait and signature; there is no fingerprint"
    assert all('loading="lazy"' in image and f"{case.number}" in image and 'alt="' in image for image in images)
    urls = [re.findall(r'src="([^"]+)"', image)[0] for image in images]
    for url in urls:
        answer = client.get(url)
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        assert len(answer.data) < 10_000
        with statements(connection) as seen:
            assert client.get(url).data == answer.data
        assert not [statement for statement in seen if "picture.data" in statement], "decoded again"
    looks = db.scalars(select(AccessLog).where(AccessLog.screen == "thumbnail").order_by(AccessLog.id)).all()
    assert [(look.case_number, look.detail["kind"]) for look in looks] == [
        (case.number, kind) for kind in ("PORTRAIT", "PORTRAIT", "SIGNATURE", "SIGNATURE")
    ]
    pictures = select(CasePicture.picture_id).where(CasePicture.case_id == case.id)
    assert set(db.scalars(select(Thumbnail.picture_id))) == set(db.scalars(pictures))


def test_who_may_not_see_images_gets_none(db: Session, login: Login) -> None:
    case, far = make_case(db), make_case(db, site_code="PET")
    take_away(db, "SUPERVISOR", Permission.SEE_IMAGES)
    local_head(db)
    page = login("supervisor").get("/reports/received/").text
    assert lines(page, 1)[0][0] == case.number
    assert "report-picture" not in page
    where = "/cases/{}/pictures/PORTRAIT/thumbnail"
    assert login("supervisor").get(where.format(case.number)).status_code == 403
    assert login("jefe").get(where.format(case.number)).status_code == 200
    assert login("jefe").get(where.format(far.number)).status_code == 404


# What is logged and what is not seen.


def test_a_look_at_people_is_logged_with_filters_and_cases(db: Session, login: Login) -> None:
    cases = [make_case(db).number for _case in range(2)]
    db.commit()
    client, days = login("jpgu"), {"first": f"{TODAY}", "last": f"{TODAY}"}
    client.get("/reports/received/?site=GUA")
    look = db.scalars(select(AccessLog).where(AccessLog.screen == "report:received")).one()
    assert (look.user_id, look.case_number, str(look.address)) == (user_id(db, "jpgu"), None, "127.0.0.1")
    assert look.detail == {"filters": {**days, "site": "GUA"}, "cases": cases}
    client.get("/reports/prints_by_day/")
    client.get("/reports/received/?first=ayer")
    assert len(db.scalars(select(AccessLog)).all()) == 1, "figures name nobody, and a refusal shows nobody"


def test_links_lead_where_one_may_go_and_only_there(db: Session, login: Login) -> None:
    office = Everywhere(db)
    case = office.case_in(State.EN_IMPRESION)
    booklet = str(case.booklet_number)
    office.does("produccion", "void_booklet", case, void_type="ERR", comment="Salió mal")
    db.commit()
    client = login("jpgu")
    page = client.get("/reports/voided/").text
    for url in (f"/cases/{case.number}/", f"/booklets/{booklet}"):
        assert f'href="{url}"' in page
        assert client.get(url).status_code == 200
    page = login("reporte").get("/reports/voided/").text
    assert booklet in page
    assert 'href="/cases/' not in page
    assert 'href="/booklets/' not in page


def test_the_reason_that_a_void_was_given_stands_in_the_report(db: Session, login: Login) -> None:
    office = Everywhere(db)
    office.does("produccion", "void_booklet", office.case_in(State.IMPRESA), void_type="ERR", comment="Salió mal")
    db.commit()
    assert "Salió mal" in lines(login("jpgu").get("/reports/voided/").text, 0)[0]


def test_a_site_that_is_not_ones_own_is_refused_and_not_offered(db: Session, login: Login) -> None:
    local_head(db)
    client = login("jefe")
    page = client.get("/reports/received/?site=PET")
    assert page.status_code == 400
    assert 'id="f-site-error"' in page.text
    assert client.post("/reports/files/received", data={"format": "xlsx", "site": "PET"}).status_code == 400
    assert client.post("/reports/received/schedule", data={"period": "DAY", "site": "PET"}).status_code == 400
    for key, report in REPORTS.items():
        if any(each.name == "site" for each in report.filters):
            options = client.get(f"/reports/{key}/").text.split('name="site"')[1].split("</select>")[0]
            assert re.findall(r'<option value="(\w+)"', options) == ["GUA"], key
            assert client.get(f"/reports/{key}/?site=PET").status_code == 400, key


# How long it takes.


def test_a_page_asks_the_same_number_of_statements_whatever_it_shows(
    db: Session, login: Login, connection: Connection
) -> None:
    """With pictures, names, charts, a total tied to the ledger and a log entry."""
    office, client = Everywhere(db), login("jpgu")

    def asked() -> int:
        db.commit()
        client.get("/reports/delivered/")
        with statements(connection) as seen:
            page = client.get("/reports/delivered/").text
        assert "Cuadra con el libro de libretas" in page
        return len(seen)

    office.case_in(State.ENTREGADA)
    few = asked()
    for _case in range(3):
        office.case_in(State.ENTREGADA)
    assert asked() == few <= 12


def test_a_page_that_takes_too_long_says_so_and_leaves_the_form(
    db: Session, login: Login, monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    make_case(db)
    db.commit()
    client, count = login("jpgu"), reading.count

    def slowly(session: Session, *args: Any, **kwargs: Any) -> Any:
        session.execute(text("select pg_sleep(5)"))
        return count(session, *args, **kwargs)

    monkeypatch.setattr(reading, "PAGE_TIMEOUT", 50)
    monkeypatch.setattr(reading, "count", slowly)
    answer = client.get(f"/reports/received/?first={TODAY}&last={TODAY}")
    assert answer.status_code == 400
    assert "Esto tarda demasiado en pantalla" in answer.text
    assert f'name="first" value="{TODAY}"' in answer.text
    assert 'action="/reports/files/received"' in answer.text, "what it advises can be done"
    asked_for = client.post("/reports/files/received", data={"format": "xlsx"})
    assert re.fullmatch(r"/reports/files/R\d{8}", asked_for.location), "made by a worker, not while the browser waits"
    assert "Esto tarda demasiado en pantalla" in client.get("/reports/prints_by_day/").text, "it has no field of days"
    monkeypatch.setattr(reading, "count", count)
    assert len(lines(client.get("/reports/received/").text, 0)) == 1
    assert connection.execute(text("show statement_timeout")).scalar_one() == "0"


# Plumbing.


def lines(page: str, at: int) -> list[list[str]]:
    """The cells of each line from the column `at` on, pictures not counted."""
    root = html5lib.parse(page, namespaceHTMLElements=False)
    tables = [one for one in root.iter("table") if "report-table" in one.get("class", "")]
    rows = [row for table in tables for row in table.findall("tbody/tr")]
    cells = [[one for one in row.findall("td") if "report-pictures" not in one.get("class", "")] for row in rows]
    return [[shown(one) for one in row[at:]] for row in cells]


def field(page: str, name: str) -> str:
    """What the buttons for files send under that name."""
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)[0]


def link(page: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    return found[1].replace("&amp;", "&") if found else ""


def url_of(page: str, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>(?:<svg.*?</svg>)?{words}', page)
    assert found, words
    return found[1]


def user_id(db: Session, username: str) -> int:
    return int(db.execute(text("select id from ab_user where username = :name"), {"name": username}).scalar_one())


def take_away(db: Session, profile: str, permission: Permission) -> None:
    """A profile loses a permission."""
    role = db.scalars(select(Role).where(Role.name == profile)).one()
    name, view = permission.value.pair
    role.permissions = [
        pair for pair in role.permissions if (pair.permission.name, pair.view_menu.name) != (name, view)
    ]
    db.commit()
