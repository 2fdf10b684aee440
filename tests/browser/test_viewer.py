"""The viewer at its desk: keys, wheel and mouse, two cases in step, without scripts too, without fault."""

import hashlib
import io

from PIL import Image
from playwright.sync_api import Page, expect

from models.cases import CasePicture, Picture
from tests.browser.conftest import PHONE
from tests.build import make_case


def transforms(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-frame] img", "all => all.map((one) => one.style.transform)")


def scale(page: Page) -> int:
    return int(page.locator("[data-scale]").inner_text().split()[0])


def two_cases(records) -> tuple[str, str]:
    import wsq  # noqa: F401  (registers the format)

    numbers = []
    for _ in range(2):
        case = make_case(records, cui="6000000240101")
        stream = io.BytesIO()
        Image.effect_noise((320, 400), 90).save(stream, "WSQ")
        data = stream.getvalue()
        picture = Picture(
            media_type="image/wsq", width=320, height=400, sha256=hashlib.sha256(data).digest(), data=data
        )
        records.add(picture)
        records.flush()
        records.add(CasePicture(case_id=case.id, kind="RIGHT_INDEX", picture_id=picture.id))
        numbers.append(case.number)
    records.commit()
    return numbers[0], numbers[1]


def test_two_cases_are_compared_in_step(desk, records):
    old, new = two_cases(records)
    place = desk("supersu")
    page = place.go(f"/cases/{new}/pictures/")
    expect(page.locator("[data-frame] img")).to_have_js_property("complete", True)
    place.look("viewer")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/pictures/?kind=SIGNATURE")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/pictures/?kind=RIGHT_INDEX")
    page.select_option("#f-beside", old)
    page.wait_for_url(f"**beside={old}**")
    expect(page.locator("[data-frame] img")).to_have_count(2)
    page.wait_for_function(
        "[...document.querySelectorAll('[data-frame] img')].every((one) => one.naturalWidth === 320)"
    )
    whole = scale(page)
    for key in ("+", "+", "+", "+"):
        page.keyboard.press(key)
    assert scale(page) > 2 * whole
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("r")
    one, other = transforms(page)
    assert one == other
    assert "rotate(90deg)" in one
    assert "translate(0px" not in one
    assert "kind=RIGHT_INDEX" in page.url
    page.keyboard.press("1")
    assert scale(page) == 100
    place.look("viewer-two")
    page.keyboard.press("0")
    assert "translate(0px, 0px)" in transforms(page)[0]
    page.keyboard.press("PageDown")
    page.wait_for_url(f"**kind=LEFT_INDEX&beside={old}")
    expect(page.locator(".viewer-none")).to_have_count(2)


def test_wheel_and_mouse_zoom_and_move(desk, records):
    number = make_case(records).number
    records.commit()
    page = desk("supersu").go(f"/cases/{number}/pictures/")
    expect(page.locator("[data-scale]")).not_to_have_text("100 %")
    whole, frame = scale(page), page.locator("[data-frame]").bounding_box()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + 40)
    for _ in range(8):
        page.mouse.wheel(0, -100)
    page.wait_for_function(f"parseInt(document.querySelector('[data-scale]').textContent) > {3 * whole}")
    before = transforms(page)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + 20, steps=4)
    page.mouse.up()
    assert transforms(page) != before
    page.click("[data-act=fit]")
    assert scale(page) == whole


def test_on_a_telephone_and_without_scripts_it_is_there_too(desk, office, chromium, records):
    old, new = two_cases(records)
    place = desk("supersu", viewport=PHONE, scheme="dark")
    place.go(f"/cases/{new}/pictures/?kind=RIGHT_INDEX&beside={old}")
    place.look("viewer-phone")
    context = chromium.new_context(java_script_enabled=False, storage_state=place.context.storage_state())
    page = context.new_page()
    page.goto(f"{office.url}/cases/{new}/pictures/?kind=RIGHT_INDEX&beside={old}")
    expect(page.locator("[data-frame] img")).to_have_count(2)
    expect(page.locator("[data-act=in]")).to_be_hidden()
    page.select_option("#f-beside", "")
    page.click(".viewer-beside button")
    expect(page.locator("[data-frame] img")).to_have_count(1)
    context.close()
