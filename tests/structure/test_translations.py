"""The Spanish catalogue says everything the sources say, and the office's own words where it has them."""

import csv
import functools
import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo, write_mo

from app.menu import MENU
from models.booklets import BOOKLET_LABELS
from models.cases import EVENT_LABELS, STATE_LABELS
from models.seeding import rows
from tests.pages import catalogue

ROOT = Path(__file__).parent.parent.parent
#: What marks a text besides the functions Babel knows, as in the Makefile.
MARKS = DEFAULT_KEYWORDS | {"_l": None, "lazy_gettext": None, "N_": None}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
Message = str | tuple[str, ...]


@functools.cache
def marked() -> frozenset[Message]:
    """Every text that the sources mark, as `make i18n` finds it."""
    with (ROOT / "translations" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    return frozenset(found[2] for found in extract_from_dir(ROOT, methods, options, MARKS) if found[2])


def entries() -> dict[Message, Message]:
    return {_key(entry.id): _key(entry.string) for entry in catalogue() if entry.id}


def _key(text: str | list[str] | tuple[str, ...]) -> Message:
    return text if isinstance(text, str) else tuple(text)


def forms(text: Message) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def test_every_text_of_the_sources_is_in_the_catalogue() -> None:
    assert sorted(map(str, marked() - entries().keys())) == [], "run `make i18n` and translate"


def test_the_catalogue_has_nothing_the_sources_no_longer_say() -> None:
    assert sorted(map(str, entries().keys() - marked())) == []
    assert not catalogue().obsolete


def test_every_text_is_translated() -> None:
    assert [text for text, spanish in entries().items() if not all(forms(spanish))] == []
    assert [entry.id for entry in catalogue() if entry.id and entry.fuzzy] == []


def test_plurals_have_both_forms() -> None:
    assert [text for text, spanish in entries().items() if len(forms(text)) != len(forms(spanish))] == []


def test_placeholders_are_kept() -> None:
    for text, spanish in entries().items():
        wanted = sorted(PLACEHOLDER.findall(forms(text)[-1]))
        for form in forms(spanish):
            assert sorted(PLACEHOLDER.findall(form)) == wanted, text


def test_blanks_and_stops_at_the_ends_are_kept() -> None:
    for text, spanish in entries().items():
        for form in forms(spanish):
            assert form == form.strip(), text
            assert form.endswith((".", ":", "?", "…")) == forms(text)[0].endswith((".", ":", "?", "…")), (text, form)
            assert form.count("¿") == form.count("?"), (text, form)


def test_the_catalogue_compiles() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue())
    compiled.seek(0)
    assert read_mo(compiled).get("Next case").string == "Siguiente caso"


def test_nobody_is_asked_to_register_where_he_signs_in() -> None:
    assert entries()["Sign In"] == "Iniciar sesión"


def test_the_menu_has_the_words_of_the_manual() -> None:
    with Path(__file__).with_name("menu_modulos.csv").open(encoding="utf-8", newline="") as file:
        names = {int(row["orden"]): row["name"] for row in csv.DictReader(file)}
    shown = {item.number: entries()[item.label] for group in MENU for item in group.items if item.number}
    assert shown == {number: names[number] for number in shown}


@pytest.mark.parametrize(
    ("file", "labels"),
    [("estados_caso", STATE_LABELS), ("estados_libreta", BOOKLET_LABELS), ("eventos_bitacora", EVENT_LABELS)],
)
def test_states_and_events_have_their_names(file: str, labels: dict[str, str]) -> None:
    for row in rows(file):
        name, shown = row["name"], entries()[labels[row["code"]]]
        assert shown in (name, re.split(r" [(/]| a un caso", name)[0]), row["code"]
