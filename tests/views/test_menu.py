"""The menu marks the module of the page that is drawn, also on the pages of one case."""

import re

import pytest
from sqlalchemy.orm import Session

from models.cases import State
from tests.build import make_case

MARKED = re.compile(
    r'aria-current="(?:page|true)"><span>[^<]*</span><span class="menu-number" aria-hidden="true">(\d+)<'
)


def marked(page: str) -> list[str]:
    return MARKED.findall(page)


@pytest.mark.parametrize(
    ("username", "state", "path", "module"),
    [
        ("supervisor", State.ENROLADA, "/cases/{}/review", "1"),
        ("supersu", State.VALIDACION_SECUNDARIA, "/cases/{}/review", "7"),
        ("supervisor", State.ENROLADA, "/cases/{}/", "11"),
        ("impres", State.AUTORIZADA, "/printing/{}", "2"),
    ],
)
def test_a_page_of_a_case_marks_its_module(db: Session, login, username, state, path, module) -> None:
    case = make_case(db, state)
    db.commit()
    assert marked(login(username).get(path.format(case.number)).text) == [module]


@pytest.mark.parametrize(
    ("username", "path", "module"),
    [
        ("supervisor", "/queues/supervision/GUA/", "1"), ("impres", "/queues/in-printing/GUA/", "6"),
        ("concal", "/queues/quality/GUA/", "4"), ("entrega", "/queues/delivery/GUA/", "3"),
        ("entrega", "/delivery/", "3"),
        ("admadm", "/catalogs/country/add", "33"), ("admadm", "/users/list/", "50"),
    ],
)  # fmt: skip
def test_a_page_of_a_module_marks_it_alone(login, username, path, module) -> None:
    assert marked(login(username).get(path).text) == [module]


def test_the_home_page_marks_nothing_and_offers_what_the_profile_does(login) -> None:
    page = login("admadm").get("/").text
    assert marked(page) == []
    assert {'href="/users/list/"', 'href="/catalogs/country/list/"', 'href="/api/"'} <= set(
        re.findall(r'href="[^"]*"', page)
    )


def test_the_interface_is_offered_to_who_may_read_about_it_only(login) -> None:
    assert 'href="/api/"' not in login("impres").get("/").text
