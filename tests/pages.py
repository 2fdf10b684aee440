"""What every page that a test fetches must be: one title, one heading, valid HTML, labelled inputs, no English."""

import functools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PO = Path(__file__).parent.parent / "translations" / "es" / "LC_MESSAGES" / "messages.po"
ENGLISH = re.compile(r"\W(the|and|with|of|is) ")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]")
SPACES = re.compile(r"\s+")
#: Controls that need no label: they show nothing, or their own text.
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}
#: Whose text is code or data for scripts, not words.
CODE = {"script", "style", "code", "pre", "svg"}
WORDED = {"title", "placeholder", "alt", "aria-label"}
#: Attributes that our scripts show: confirmations, and the words of the template `words` in base.html.
SCRIPTED = {"data-confirm", "data-confirm-label", "data-restored", "data-discard", "data-no-match", "data-working"} | {
    "data-choose", "data-none-selected", "data-default", "data-range-wrong", "data-failed",
}  # fmt: skip


class CheckedClient(FlaskClient):
    """A client that fails the test when a page it fetches is not as pages must be."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if (response.status_code == 200 or response.status_code >= 400) and response.mimetype == "text/html":
            found = faults(response.get_data(as_text=True))
            assert not found, f"{response.request.method} {response.request.full_path} " + "\n  ".join(["", *found])
        return response


@functools.lru_cache(maxsize=256)
def faults(html: str) -> tuple[str, ...]:
    """What is wrong with a page, in words that lead to the place."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    root = parser.parse(html)
    elements = list(root.iter())
    found = [*_invalid(html, parser.errors), *_outline(elements), *_repeated_ids(elements), *_nameless(root, elements)]
    if root.get("lang") == "es":
        found += _english(words(root))
    return tuple(found)


def _invalid(html: str, errors: list[Any]) -> Iterator[str]:
    lines = html.split("\n") if errors else []
    for (line, column), code, _values in errors:
        text = lines[line - 1] if line <= len(lines) else ""
        yield f"invalid HTML, {code}: …{text[max(column - 90, 0) : column + 10]}…"


def _outline(elements: list[Element]) -> Iterator[str]:
    titles = [element for element in elements if element.tag == "title" and (element.text or "").strip(" ·\n")]
    headings = [" ".join(element.itertext()).strip() for element in elements if element.tag == "h1"]
    if len(titles) != 1:
        yield f"{len(titles)} titles"
    if len(headings) != 1 or not headings[0]:
        yield f"not one heading h1 but {headings}"


def _repeated_ids(elements: list[Element]) -> Iterator[str]:
    counts = Counter(element.get("id") for element in elements if element.get("id") is not None)
    return (f"the id {name!r} is there {count} times" for name, count in counts.items() if count > 1 or not name)


def _nameless(root: Element, elements: list[Element]) -> Iterator[str]:
    ids = {element.get("id") for element in elements}
    labelled = {e.get("for") for e in elements if e.tag == "label" and "".join(e.itertext()).strip()}
    wrapped = {inner for e in elements if e.tag == "label" and not e.get("for") for inner in e.iter()}
    for element in elements:
        if element.tag in ("input", "select", "textarea"):
            named = element.get("type") in UNLABELLED or element.get("id") in labelled or element in wrapped
        elif element.tag == "button" or (element.tag == "a" and element.get("href")):
            named = bool("".join(element.itertext()).strip() or element.findall(".//img[@alt]"))
        else:
            continue
        pointed = (element.get("aria-labelledby") or "").split()
        if not named and not (element.get("aria-label") or "").strip() and not (pointed and ids.issuperset(pointed)):
            yield f"no label: <{element.tag} {' '.join(f'{k}={v!r}' for k, v in element.items())}>"


def words(element: Element) -> Iterator[str]:
    """The texts of a page that a person reads or hears, and those its scripts show."""
    if not isinstance(element.tag, str) or element.tag in CODE or element.get("lang") == "en":
        return
    for text in (element.text, *(value for name, value in element.items() if name in WORDED or name in SCRIPTED)):
        if text and not text.isspace():
            yield SPACES.sub(" ", text.strip())
    for child in element:
        yield from words(child)
        if child.tail and not child.tail.isspace():
            yield SPACES.sub(" ", child.tail.strip())


def _english(texts: Iterator[str]) -> Iterator[str]:
    shown = "\n".join(f" {text} " for text in dict.fromkeys(texts))
    for message in untranslated():
        if message in shown:
            yield f"English: {_around(shown, shown.index(message))}"
    for match in ENGLISH.finditer(shown):
        yield f"English: {_around(shown, match.start(1))}"


def _around(shown: str, place: int) -> str:
    start = shown.rfind("\n", 0, place) + 1
    end = shown.find("\n", place)
    return repr(shown[start : end if end >= 0 else None][:160].strip())


@functools.cache
def catalogue() -> Catalog:
    """The Spanish catalogue as its file says it."""
    with PO.open("rb") as file:
        return read_po(file, locale="es")


@functools.cache
def untranslated() -> tuple[str, ...]:
    """The longest plain part of each English text of more than twelve characters that Spanish says in another way."""
    texts = {text for message in catalogue() if message.id for text in _pair(message.id)}
    spanish = "\n".join(text for message in catalogue() if message.id for text in _pair(message.string))
    parts = {max(PLACEHOLDER.split(text), key=len).strip() for text in texts}
    return tuple(sorted(part for part in parts if len(part) > 12 and part not in spanish))


def _pair(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)
