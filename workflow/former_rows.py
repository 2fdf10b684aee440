"""Of each record of an export what is to be kept, by the mapping, and what is odd about it."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from models.enrolments import FormerCase
from workflow.former_export import Export, Record
from workflow.former_mapping import NAMES, FormerMapping
from workflow.persons import PartialDate, normalised

CASE = re.compile(r"[A-Z0-9-]{3,20}")
CUI = re.compile(r"[0-9]{13}")
#: What became of an odd datum or row.
KEPT_AS_IS, LEFT_EMPTY, NOT_IMPORTED, IMPORTED = "kept as it is", "left empty", "not imported", "imported"
#: Characters of the columns that hold what the export says, whatever that is.
LIMITS: dict[str, int] = {
    name: FormerCase.__table__.c[name].type.length  # type: ignore[attr-defined]
    for name in (*NAMES, "identification_type_code", "identification_number", "booklet_number", "site_label", "state")
}
#: How many different dates and names are remembered; most rows repeat them.
REMEMBERED = 50_000


class Odd(NamedTuple):
    """Something odd: the field it is about (ours), what, the value, and what became of it."""

    field: str
    what: str
    value: str
    became: str


@dataclass(frozen=True)
class Row:
    """One row as it is to be kept (columns of `former_case`), and what was odd about it; None when it cannot be."""

    source: str
    record: Record
    case: str
    values: dict[str, Any] | None
    odd: list[Odd]

    @property
    def number(self) -> int:
        """The line of the file where it begins."""
        return self.record.line


def reader(export: Export, mapping: FormerMapping) -> Callable[[Record], Row | None]:
    """What reads the records of `export`; it makes None of a blank one."""
    return _Reader(export, mapping).row


class _Reader:
    def __init__(self, export: Export, mapping: FormerMapping) -> None:
        self.export, self.mapping = export, mapping
        self.columns, self.defaults = export.columns, mapping.defaults
        self.date = lru_cache(REMEMBERED)(mapping.date)
        self.normalised = lru_cache(REMEMBERED)(normalised)

    def row(self, record: Record) -> Row | None:
        if record.cells is None:
            return self._lost(record, "", "row", record.fault) if record.raw.strip(b"\r\n\0") else None
        if not any(cell.strip() for cell in record.cells):
            return None
        odd = [Odd("row", "read in another encoding", record.encoding, IMPORTED)] if record.encoding else []
        return self._row(record, record.cells, odd)

    def _row(self, record: Record, cells: list[str], odd: list[Odd]) -> Row:
        case = re.sub(r"\s", "", cells[self.columns["case"]]).upper()
        if not CASE.fullmatch(case):
            return self._lost(record, case[:20], "case", "no case number")
        cell = {field: cells[place] for field, place in self.columns.items()}
        for field, default in self.defaults.items():
            if not cell.get(field, "").strip():
                cell[field] = default
        values: dict[str, Any] = {
            "number": case, "source": self.export.name, "source_row": record.line, "source_cells": cells,
            **self._names(cell, odd), **self._identification(cell, odd), **self._passport(cell, odd),
        }  # fmt: skip
        too_long = [name for name, limit in LIMITS.items() if len(values.get(name) or "") > limit]
        if too_long:
            return self._lost(record, case, ", ".join(too_long), "too long")
        return Row(self.export.name, record, case, values, odd)

    def _names(self, cell: dict[str, str], odd: list[Odd]) -> dict[str, Any]:
        names = {name: text if (text := cell.get(name, "")).strip() else None for name in NAMES}
        if names["first_surname"] is None:
            odd.append(Odd("first_surname", "no first surname", "", LEFT_EMPTY))
            names["first_surname"] = ""
        return {**names, "search_name": self._search_name(names), "sex_code": self._code("sex", cell, odd)}

    def _search_name(self, names: dict[str, str | None]) -> str:
        """As `persons.search_name`, word by word: names repeat, and a blank stands between them in any case."""
        return " ".join(filter(None, (self.normalised(name) for name in names.values() if name)))

    def _identification(self, cell: dict[str, str], odd: list[Odd]) -> dict[str, Any]:
        kind, number = self._code("identification_type", cell, odd), cell.get("identification_number", "").strip()
        found = {"identification_type_code": kind, "identification_number": number or None, "cui": None}
        if kind == "CUI":
            digits = re.sub(r"[\s-]", "", number)
            if CUI.fullmatch(digits):
                found.update(cui=digits, identification_number=digits)
            else:
                odd.append(Odd("identification_number", "is no CUI", number, KEPT_AS_IS))
        return found | {"birth_date": self._birth(cell.get("birth_date", ""), odd)}

    def _passport(self, cell: dict[str, str], odd: list[Odd]) -> dict[str, Any]:
        booklet = re.sub(r"\s", "", cell.get("booklet", "")).upper()
        return {
            "booklet_number": booklet or None, "passport_type_code": self._code("passport_type", cell, odd),
            "issued_on": self._day("issued_on", cell, odd), "expires_on": self._day("expires_on", cell, odd),
            "site_code": self._code("site", cell, odd), "site_label": cell.get("site") or None,
            "state": self._code("state", cell, odd) or "",
        }  # fmt: skip

    def _code(self, field: str, cell: dict[str, str], odd: list[Odd]) -> str | None:
        if field not in cell:
            return None
        label = cell[field]
        code = self.mapping.codes.get(field, {}).get(self.normalised(label))
        if code is None and (label.strip() or field in ("site", "state", "passport_type")):
            kept = field in _KEPT
            odd.append(Odd(field, "is not in the mapping", label, KEPT_AS_IS if kept else LEFT_EMPTY))
            return _KEPT[field](label) if kept else None
        return code

    def _birth(self, text: str, odd: list[Odd]) -> str | None:
        date = self._date("birth_date", text, odd)
        return str(date) if date else None

    def _day(self, field: str, cell: dict[str, str], odd: list[Odd]) -> dt.date | None:
        text = cell.get(field, "")
        date = self._date(field, text, odd)
        if date and date.day is None:
            odd.append(Odd(field, "day is not known", text, LEFT_EMPTY))
            return None
        return date.earliest() if date else None

    def _date(self, field: str, text: str, odd: list[Odd]) -> PartialDate | None:
        try:
            return self.date(field, text)
        except ValueError:
            odd.append(Odd(field, "there is no such date", text, LEFT_EMPTY))
            return None

    def _lost(self, record: Record, case: str, field: str, what: str) -> Row:
        cells = [_text(record, self.export.encodings[0])] if record.cells is None else record.cells
        shown = " | ".join(cells).strip().replace("\0", "?")[:400]
        return Row(self.export.name, record, case, None, [Odd(field, what, shown, NOT_IMPORTED)])


def _text(record: Record, encoding: str) -> str:
    return record.raw.decode(encoding, "replace")


#: Codes that are kept as the export has them when the mapping does not know them; a site's stays in `site_label`.
_KEPT: dict[str, Callable[[str], str | None]] = {
    "state": lambda label: label.strip().upper(),
    "identification_type": lambda label: label.strip().upper(),
    "site": lambda _label: None,
}
