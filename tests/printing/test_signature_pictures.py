"""A signature made ready for the page at intake prints as the one it was made of."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from printing.geometry import PageError
from printing.layout import PageData, render
from printing.pictures import printable_signature


def _signature(mode: str, form: str = "PNG") -> bytes:
    image = Image.new("RGBA", (300, 100), (255, 255, 255, 0) if mode in ("LA", "RGBA") else "white")
    ImageDraw.Draw(image).line((20, 80, 150, 20, 280, 80), fill=(20, 30, 90, 255), width=6)
    target = io.BytesIO()
    (image.convert("RGB").quantize(16) if mode == "P" else image.convert(mode)).save(target, form)
    return target.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_a_ready_signature_is_grey_and_cut_to_the_ink(mode: str):
    ready = printable_signature(_signature(mode))
    assert ready
    with Image.open(io.BytesIO(ready)) as image:
        image.load()
        assert image.mode == "L"
        assert image.size[0] == pytest.approx(264, abs=4)
        assert image.getextrema()[0] < 60
        assert image.getpixel((0, 0)) > 232


@pytest.mark.parametrize("original", [_signature("P"), _signature("RGBA"), _signature("L", "JPEG")])
def test_a_page_is_the_same_whether_its_signature_was_made_ready_before_or_not(page: PageData, original: bytes):
    ready = printable_signature(original)
    assert ready != original
    assert render(replace(page, signature=ready)) == render(replace(page, signature=original))
    assert ready
    assert printable_signature(ready) == ready


def test_without_ink_there_is_nothing_to_print():
    blank = io.BytesIO()
    Image.new("RGBA", (300, 100), (0, 0, 0, 0)).save(blank, "PNG")
    assert printable_signature(blank.getvalue()) is None


def test_what_is_no_picture_is_refused():
    with pytest.raises(PageError):
        printable_signature(_signature("L")[:80])
