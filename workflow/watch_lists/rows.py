"""The rows of a watch list's file: CSV in UTF-8, comma or semicolon, a header of COLUMNS in any order."""

import csv
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.text import N_
from workflow.persons import PartialDate, search_name
from workflow.watch_lists.sounds import key_of, sound_words, sounds

#: The header's names and the greatest lengths.
COLUMNS = {
    "reference": 40, "surnames": 120, "given_names": 120, "birth_date": 10, "cui": 13, "document_number": 30,
    "reason": 1000, "valid_from": 10, "valid_until": 10,
}  # fmt: skip
#: A file without these has nobody in it.
NAMING = frozenset({"surnames", "given_names", "cui", "document_number"})


@dataclass(frozen=True)
class Fault:
    """Why a line is no entry; `message` is a message id."""

    line: int
    message: str
    params: Mapping[str, Any] = field(default_factory=dict)


Row = dict[str, Any]
"""A line as it is written into `watch_list_entry`, but for its list."""


def read(lines: Iterable[str]) -> Iterator[Row | Fault]:
    """Each line that is an entry, or what is wrong with it; a fault of line 1 ends it."""
    lines = iter(lines)
    head = next(lines, "")
    separator = ";" if head.count(";") > head.count(",") else ","
    names = [name.strip().lower() for name in next(csv.reader([head], delimiter=separator), [])]
    unknown = sorted(set(names) - COLUMNS.keys())
    if unknown or not NAMING & set(names) or len(names) != len(set(names)):
        known = ", ".join(COLUMNS)
        yield Fault(1, N_("The first line must name the columns, each once, of these: %(names)s."), {"names": known})
        return
    reader = csv.reader(lines, delimiter=separator)
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield _row(reader.line_num + 1, names, values)
    except csv.Error:
        yield Fault(reader.line_num + 1, N_("This line cannot be read."))


def _row(line: int, names: list[str], values: list[str]) -> Row | Fault:
    if len(values) != len(names):
        message = N_("This line has %(n)s values; the first line names %(columns)s.")
        return Fault(line, message, {"n": len(values), "columns": len(names)})
    given = {name: value.strip() for name, value in zip(names, values, strict=True)}
    for name, text in given.items():
        if len(text) > COLUMNS[name] or not text.isprintable():
            message = N_("%(column)s: at most %(n)s signs, and no control characters.")
            return Fault(line, message, {"column": name, "n": COLUMNS[name]})
    for check in (_birth, _cui, _validity, _somebody):
        if (fault := check(line, given)) is not None:
            return fault
    return _entry(given)


def _birth(line: int, given: dict[str, str]) -> Fault | None:
    try:
        if given.get("birth_date"):
            PartialDate.parse(given["birth_date"])
    except ValueError:
        return Fault(line, N_("birth_date: YYYY, YYYY-MM or YYYY-MM-DD."))
    return None


def _cui(line: int, given: dict[str, str]) -> Fault | None:
    wrong = given.get("cui") and not re.fullmatch(r"[0-9]{13}", given["cui"])
    return Fault(line, N_("cui: thirteen digits.")) if wrong else None


def _validity(line: int, given: dict[str, str]) -> Fault | None:
    try:
        days = [dt.date.fromisoformat(given.get(name) or end) for name, end in _ENDS.items()]
    except ValueError:
        return Fault(line, N_("valid_from, valid_until: YYYY-MM-DD."))
    return Fault(line, N_("valid_until is before valid_from.")) if days[0] > days[1] else None


_ENDS = {"valid_from": "0001-01-01", "valid_until": "9999-12-31"}


def _somebody(line: int, given: dict[str, str]) -> Fault | None:
    if given.get("cui") or given.get("document_number"):
        return None
    words = sounds(given.get("surnames"), given.get("given_names"))
    if len(words) < 2:
        return Fault(line, N_("An entry needs a CUI, a document or a name of two words."))
    return None


def _entry(given: dict[str, str]) -> Row:
    text = {name: given.get(name) or None for name in COLUMNS}
    name = search_name(text["surnames"], text["given_names"]) or None
    content = "\0".join(given.get(column, "") for column in COLUMNS)
    return {
        "row_hash": hashlib.blake2b(content.encode(), digest_size=16).digest(),
        "reference": text["reference"], "surnames": text["surnames"], "given_names": text["given_names"],
        "search_name": name, "name_key": key_of(name) if name else None,
        "sound_words": sound_words(text["birth_date"], name) if name else None, "birth_date": text["birth_date"],
        "cui": text["cui"], "document_number": text["document_number"], "note": text["reason"],
        "valid_from": text["valid_from"], "valid_until": text["valid_until"],
    }  # fmt: skip
