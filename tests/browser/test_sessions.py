"""A session that ends while somebody types: what was typed comes back after logging in, to the same user only."""

from playwright.sync_api import expect
from sqlalchemy import text

from models.cases import State
from tests.build import make_case


def end_sessions(records, username):
    """End the sessions of a user on the server, as an idle hour does."""
    records.execute(
        text("update ab_user set session_epoch = md5(random()::text) where username = :name"), {"name": username}
    )
    records.commit()


def log_in(page, username):
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", f"secreto-{username}")
    page.click("main button[type=submit]")


def test_what_was_typed_when_the_session_ended_comes_back_to_the_same_user(office, desk, records):
    place = desk("admadm")
    page = place.go("/tokens/")
    for owner in ("admadm", "jpgu"):
        page.fill("input[name=name]", "GUA-E07")
        page.fill("input[name=days]", "45")
        end_sessions(records, "admadm")
        page.click("main form.form-row button[type=submit]")
        expect(page.locator("main")).to_contain_text("Su sesión había terminado")
        log_in(page, owner)
        page.wait_for_url("**/tokens/")
        if owner == "admadm":
            expect(page.locator("input[name=name]")).to_have_value("GUA-E07")
            expect(page.locator("input[name=days]")).to_have_value("45")
            expect(page.locator("main .alert[role=status]")).to_be_visible()
            place.look("session-restored")
    kept = page.evaluate("Object.entries(sessionStorage).flat().join(' ')")
    assert "GUA-E07" not in kept, "another user has logged in: nothing is left for anybody"


def test_passwords_are_never_kept(office, desk, records):
    page = desk("impres").go("/account/password/form")
    for name in ("current", "password", "confirmation"):
        page.fill(f"input[name={name}]", "Muy-secreta-2026")
    end_sessions(records, "impres")
    page.click("main form.fab-form button[type=submit]")
    expect(page.locator("main")).to_contain_text("Su sesión había terminado")
    assert "secreta" not in page.evaluate("Object.entries(sessionStorage).flat().join(' ')")


def test_one_is_warned_before_the_session_ends_and_goes_on_or_signs_in_again(office, desk, records):
    case = make_case(records, State.ENROLADA, first_surname="Tubac", cui="6000000320101")
    records.commit()
    place = desk("supervisor")
    place.page.clock.install()
    page = place.go(f"/cases/{case.number}/review")
    page.clock.run_for(28 * 60_000 + 5_000)
    warning = page.locator("#session-dialog")
    expect(warning).to_be_visible()
    place.look("session-warning")
    page.click("[data-go-on]")
    expect(warning).to_be_hidden()
    end_sessions(records, "supervisor")
    page.clock.run_for(28 * 60_000 + 5_000)
    page.click("[data-go-on]")
    expect(warning).to_contain_text("Su sesión terminó")
    place.look("session-over")
    page.click("[data-sign-in]")
    expect(page.locator("input[name=password]")).to_be_visible()
    place.faults.clear()  # the browser notes the redirect that told of the end
