"""Fonts of the page: what is missing is said before anything is printed."""

from pathlib import Path

import pytest

from printing.fonts import DEBIAN_OCRB, MRZ_CHARACTERS, FontMissing, Unprintable, load_fonts


def test_a_missing_ocr_b_says_what_to_install_or_set(tmp_path: Path):
    with pytest.raises(FontMissing, match="apt-get install fonts-ocr-b, or set PASAPORTES_OCRB_FONT"):
        load_fonts(ocrb=tmp_path / "none.otf")


def test_the_setting_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PASAPORTES_OCRB_FONT", str(tmp_path / "other.otf"))
    load_fonts.cache_clear()
    with pytest.raises(FontMissing, match=r"other\.otf"):
        load_fonts()
    load_fonts.cache_clear()


@pytest.mark.parametrize("content", [b"", b"OTTO", b"no font at all" * 100, DEBIAN_OCRB.read_bytes()[:5000]])
def test_a_damaged_font_is_refused_by_name(tmp_path: Path, content: bytes):
    (tmp_path / "broken.otf").write_bytes(content)
    with pytest.raises(FontMissing, match=r"broken\.otf"):
        load_fonts(ocrb=tmp_path / "broken.otf")


def test_every_character_of_the_zone_has_the_same_width():
    font = load_fonts().mrz
    assert {font.advances[character] for character in MRZ_CHARACTERS} == {0.723}


def test_apostrophes_and_accents_of_mayan_and_spanish_names_are_printed():
    assert load_fonts().printable("Tzʼokan  Qꞌuqum’ Mun\u0303oz Güitzal") == "Tz’okan Q’uqum’ Muñoz Güitzal"


def test_a_letter_without_glyph_is_an_error_that_names_it():
    with pytest.raises(Unprintable, match=r"U\+0416.*PASAPORTES_PAGE_FONT") as refused:
        load_fonts().printable("Жanna Ж")
    assert refused.value.characters == "Ж"
