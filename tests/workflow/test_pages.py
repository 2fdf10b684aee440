"""What the office prints with when the font of the MRZ is missing."""

from pathlib import Path

import pytest

from printing.fonts import FontMissing
from printing.keys import KeyStore
from security.errors import Unknown
from workflow import pages


@pytest.fixture
def without_ocrb(monkeypatch):
    """A machine on which OCR-B was never installed."""
    real = pages.load_fonts

    def load(font: Path | None = None):
        if font != pages.STAND_IN:
            raise FontMissing("apt-get install fonts-ocr-b")
        return real(font)

    monkeypatch.setattr(pages, "load_fonts", load)


def test_an_office_prints_nothing_without_its_font_and_says_what_to_install(tmp_path, without_ocrb):
    press = pages.Press(KeyStore(tmp_path), None, specimen=False)
    with pytest.raises(Unknown) as refusal:
        press.fonts()
    assert "fonts-ocr-b" in str(refusal.value)


def test_a_demonstration_prints_specimens_with_another_font(tmp_path, without_ocrb):
    press = pages.Press(KeyStore(tmp_path), None, specimen=True)
    assert press.lacking_font()
    assert "Vera" in press.fonts().mrz.name
