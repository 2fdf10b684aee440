"""Every page of the menu, light and dark, on the office's screen and on a phone: no fault that axe or Chromium sees."""

import pytest
from playwright.sync_api import expect

from app.menu import MENU
from tests.browser.conftest import PHONE
from tests.build import make_booklets, make_case

WORKERS = ("admadm", "supervisor", "supersu", "impres", "concal", "entrega", "estacion")


@pytest.fixture(scope="module")
def some_cases(office):
    """A few cases, so that lists are not empty."""
    from sqlalchemy.orm import Session

    from models.cases import State
    from security.actor import system_actor
    from security.scope import acting_as

    with Session(office.engine) as session, acting_as(system_actor(session)):
        for serial, state in enumerate((State.ENROLADA, State.AUTORIZADA, State.VALIDACION_SECUNDARIA)):
            make_case(session, state, cui=f"60000{serial:03d}80101", first_surname=("Yac", "Sotoj", "Coc")[serial])
        make_booklets(session, 6_200_001, 2)
        session.commit()


def addresses(desk) -> list[str]:
    """The links of the menu as this user has it."""
    return desk.page.eval_on_selector_all("nav a[href]", "links => links.map(a => a.getAttribute('href'))")


def unlike(links: list[str]) -> list[str]:
    """The links but for most of those that one template draws: catalogs and reports, of which every fourth is left."""
    families = [[link for link in links if link.startswith(start)] for start in ("/catalogs/", "/reports/")]
    alike = {link for family in families for place, link in enumerate(family) if place % 4}
    return [link for link in links if link not in alike]


@pytest.mark.parametrize(("scheme", "viewport"), [("light", None), ("dark", PHONE)], ids=["desk, light", "phone, dark"])
@pytest.mark.parametrize("username", WORKERS)
def test_every_page_of_the_menu_is_without_fault(desk, some_cases, username, scheme, viewport):
    place = desk(username, scheme=scheme, **({"viewport": viewport} if viewport else {}))
    place.look(f"home-{username}-{scheme}")
    links = sorted({link for link in addresses(place) if link.startswith("/") and "/lang/" not in link})
    assert links or username == "estacion"
    for link in unlike(links) if viewport else links:
        place.go(link)
        expect(place.page.locator("h1")).to_have_count(1)
        place.look(f"menu-{username}-{scheme}-{link.strip('/').replace('/', '-')}")


def test_the_menu_has_what_the_office_has_built():
    assert [group.key for group in MENU] == ["monitoring", "stock", "enquiries", "reports", "catalogs", "security"]


def test_the_language_can_be_switched_and_stays(desk):
    place = desk("supervisor")
    expect(place.page.locator("html")).to_have_attribute("lang", "es")
    place.go("/lang/en")
    place.go("/queues/supervision/?all=1")
    expect(place.page.locator("html")).to_have_attribute("lang", "en")
    expect(place.page.locator("h1")).to_contain_text("Supervision")


def test_a_queue_is_worked_by_keyboard_alone(desk, some_cases):
    place = desk("supervisor")
    page = place.go("/queues/supervision/GUA/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".decision")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
