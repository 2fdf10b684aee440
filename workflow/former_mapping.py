"""The mapping of an export of the former system: which column is what, how dates are written, which code is ours.

A TOML or JSON file, checked whole before a row is read; `former_system.toml` is the one for the export as it came.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalogs import IdentificationType, PassportType, Sex, Site
from workflow.persons import PartialDate, normalised

DEFAULT = Path(__file__).with_name("former_system.toml")

NAMES = ("first_surname", "second_surname", "married_surname", "first_name", "second_name")
DATES = ("birth_date", "issued_on", "expires_on")
CODED = ("identification_type", "sex", "passport_type", "site", "state")
FIELDS = ("case", *NAMES, "identification_number", "booklet", *DATES, *CODED)
#: Fields that must have a column; `state` may have a default instead.
NEEDED = ("case", "first_surname")
#: States of the former system, which are not those of a case of ours.
STATES = frozenset({"ENTREGADO", "IMPRESO", "ANULADO", "RECHAZADO"})
#: What a mapping may call an encoding, and its name in Python; `auto` finds it out.
ENCODINGS = {
    "auto": "auto", "utf-8": "utf-8", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "windows-1252": "cp1252", "latin-1": "latin-1",
}  # fmt: skip
SECTIONS: dict[str, type] = {
    "name": str, "encoding": str, "separator": str, "dates": list, "two_digit_years": dict, "columns": dict,
    "defaults": dict, "codes": dict,
}  # fmt: skip

_TOKENS = {
    "YYYY": "(?P<year>[0-9]{4})", "YY": "(?P<short>[0-9]{2})", "DD": "(?P<day>[0-9]{2})", "D": "(?P<day>[0-9]{1,2})",
    "MM": "(?P<month>[0-9]{2})", "M": "(?P<month>[0-9]{1,2})",
}  # fmt: skip
_TOKEN = re.compile("YYYY|YY|DD|D|MM|M")


class BadMapping(Exception):
    """The mapping cannot be used; `faults` says of each fault where it stands and what is wrong."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__(f"{name} cannot be used:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class DateFormat:
    """A way to write dates, like DD/MM/YYYY; parts that are zero are unknown."""

    text: str
    pattern: re.Pattern[str]

    def read(self, text: str, first_year: int) -> PartialDate | None:
        """The date; None when it is written otherwise. ValueError for one that never was.

        A year of two digits is that of the hundred years from `first_year`.
        """
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        part = {name: int(digits) for name, digits in match.groupdict().items()}
        year = part["year"] if "year" in part else first_year + (part["short"] - first_year) % 100
        return PartialDate(year, part.get("month") or None, part.get("day") or None)


@dataclass(frozen=True)
class FormerMapping:
    """A mapping that was found good. `codes` are by normalised labels; `sha256` is that of its file."""

    name: str
    sha256: str
    encoding: str
    separator: str | None
    dates: tuple[DateFormat, ...]
    first_years: Mapping[str, int]
    columns: Mapping[str, str]
    defaults: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]

    def date(self, field: str, text: str) -> PartialDate | None:
        """The date written in `text`; None for none. ValueError for any other text and for a date that never was."""
        text = text.strip()
        if not text:
            return None
        for each in self.dates:
            found = each.read(text, self.first_years.get(field, 0))
            if found is not None:
                return found
        raise ValueError(f"written in none of the ways {', '.join(each.text for each in self.dates)}")


def known_codes(session: Session) -> dict[str, frozenset[str]]:
    """The codes that each coded field may have."""
    catalogs = {"identification_type": IdentificationType, "sex": Sex, "passport_type": PassportType, "site": Site}
    found = {field: frozenset(session.scalars(select(table.code))) for field, table in catalogs.items()}
    return found | {"state": STATES}


def read_mapping(path: Path, known: Mapping[str, frozenset[str]]) -> FormerMapping:
    """The mapping in a file; `known`: codes by field. Raises `BadMapping` with every fault that is there."""
    raw = path.read_bytes()
    try:
        document = json.loads(raw, object_pairs_hook=_once) if path.suffix == ".json" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise BadMapping(path.name, [str(error)]) from error
    faults = list(_shape(document)) or list(_faults(document, known))
    if faults:
        raise BadMapping(path.name, faults)
    separator = document.get("separator", "auto")
    return FormerMapping(
        name=document.get("name", path.stem)[:120],
        sha256=hashlib.sha256(raw).hexdigest(),
        encoding=ENCODINGS[document.get("encoding", "auto")],
        separator=None if separator == "auto" else separator,
        dates=tuple(_date_format(text) for text in document["dates"]),
        first_years=document.get("two_digit_years", {}),
        columns=document["columns"],
        defaults=document.get("defaults", {}),
        codes={
            field: {normalised(label): code for label, code in labels.items()}
            for field, labels in document.get("codes", {}).items()
        },
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a name stands twice in one group: {', '.join(name for name, _value in pairs)}")
    return found


def _shape(document: Any) -> Iterator[str]:
    """Faults in the form: what is of another kind than it must be, or is not known."""
    if not isinstance(document, dict):
        yield "it is no group of settings"
        return
    for key, value in document.items():
        if key not in SECTIONS:
            yield f"{key}: is not known; there are {', '.join(SECTIONS)}"
        elif not isinstance(value, SECTIONS[key]):
            yield f"{key}: must be a {'group' if SECTIONS[key] is dict else SECTIONS[key].__name__}"
        elif isinstance(value, dict):
            yield from _fields(key, value)
    for key in ("columns", "dates"):
        if key not in document:
            yield f"{key}: is missing"


def _fields(section: str, values: dict[str, Any]) -> Iterator[str]:
    allowed, kind = {"two_digit_years": (DATES, int), "codes": (CODED, dict)}.get(section, (FIELDS, str))
    for field, value in values.items():
        place = f"{section}.{field}"
        if field not in allowed:
            yield f"{place}: is not known; there are {', '.join(allowed)}"
        elif not isinstance(value, kind):
            yield f"{place}: must be a {'group' if kind is dict else kind.__name__}"
        elif isinstance(value, dict):
            yield from (f'{place}."{label}": must be a code' for label, code in value.items() if type(code) is not str)


def _faults(document: dict[str, Any], known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Faults in what is said, of a document whose form is right."""
    if document.get("encoding", "auto") not in ENCODINGS:
        yield f"encoding: {document['encoding']!r} is not known; there are {', '.join(ENCODINGS)}"
    separator = document.get("separator", "auto")
    if separator != "auto" and (len(separator) != 1 or separator in '"\r\n'):
        yield f"separator: {separator!r} is not one sign"
    yield from _columns(document["columns"], document.get("defaults", {}))
    yield from _dates(document)
    for field, labels in document.get("codes", {}).items():
        yield from _codes(field, labels, known[field])
    yield from _defaults(document)


def _columns(columns: dict[str, str], defaults: dict[str, str]) -> Iterator[str]:
    for field in NEEDED:
        if field not in columns:
            yield f"columns.{field}: is missing"
    if "state" not in columns and "state" not in defaults:
        yield "columns.state: is missing, and defaults.state too"
    of_column: dict[str, str] = {}
    for field, column in columns.items():
        if not column.strip():
            yield f"columns.{field}: names no column"
        elif of_column.setdefault(normalised(column), field) != field:
            yield f"columns.{field}: column {column!r} is {of_column[normalised(column)]} already"


def _dates(document: dict[str, Any]) -> Iterator[str]:
    shapes: dict[str, str] = {}
    for number, text in enumerate(document["dates"], 1):
        place = f"dates, entry {number}"
        try:
            shape = re.sub(r"\?P<(day|month)>|1,", "", _date_format(text).pattern.pattern)
        except ValueError as error:
            yield f"{place}: {text!r} {error}"
            continue
        if shapes.setdefault(shape, text) != text:
            yield f"{place}: {text!r} cannot be told from {shapes[shape]!r}"
        if "(?P<short>" in shape:
            for field in sorted(document["columns"].keys() & set(DATES) - document.get("two_digit_years", {}).keys()):
                yield f"two_digit_years.{field}: is missing: {text!r} has years of two digits"
    for field, year in document.get("two_digit_years", {}).items():
        if not 1800 <= year <= 2100:
            yield f"two_digit_years.{field}: {year} is not between 1800 and 2100"


def _date_format(text: Any) -> DateFormat:
    """Raises ValueError, saying what is wrong with it."""
    if not isinstance(text, str):
        raise ValueError("is no text")
    signs = _TOKEN.findall(text)
    rest = _TOKEN.split(text)
    if any(any(sign.isalpha() and sign != "T" for sign in part) for part in rest):
        raise ValueError(f"has signs besides {', '.join(_TOKENS)}")
    kinds = [sign[0] for sign in signs]
    if sorted(set(kinds)) != sorted(kinds) or "Y" not in kinds or ("D" in kinds and "M" not in kinds):
        raise ValueError("must have a year, and a day only with its month, each once")
    pattern = "".join(re.escape(part) + _TOKENS.get(sign, "") for part, sign in zip(rest, [*signs, ""], strict=True))
    return DateFormat(text, re.compile(pattern))


def _codes(field: str, labels: dict[str, str], known: frozenset[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for label, code in labels.items():
        if code not in known:
            yield f'codes.{field}."{label}": there is no {field} {code!r}; there are {", ".join(sorted(known))}'
        if seen.setdefault(normalised(label), code) != code:
            yield f'codes.{field}."{label}": is {seen[normalised(label)]!r} already, written otherwise'


def _defaults(document: dict[str, Any]) -> Iterator[str]:
    """A default is written as a cell of the export would be."""
    codes, formats = document.get("codes", {}), document["dates"]
    for field, text in document.get("defaults", {}).items():
        place = f"defaults.{field}"
        if field == "case":
            yield f"{place}: cases are told apart by it"
        elif field in CODED and normalised(text) not in {normalised(label) for label in codes.get(field, {})}:
            yield f"{place}: {text!r} is not in codes.{field}"
        elif field in DATES and not _is_date(text, formats, document.get("two_digit_years", {}).get(field, 0)):
            yield f"{place}: {text!r} is no date"


def _is_date(text: str, formats: list[Any], first_year: int) -> bool:
    try:
        return any(_date_format(each).read(text, first_year) for each in formats)
    except ValueError:
        return False
