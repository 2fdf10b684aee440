"""Reading the export of the former system: encoding, separator, and of each row what is to be kept and what is odd."""

import codecs
import csv
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalogs import PassportType
from models.enrolments import FormerCase
from workflow.persons import PartialDate, normalised, search_name

BATCH = 5000
COLUMNS = (
    "CASO APELLIDO1 APELLIDO2 APELLIDO_CASADA NOMBRE1 NOMBRE2 TIPO_IDENT NUM_IDENT FECHA_NAC SEXO LIBRETA "
    "TIPO_PASAPORTE FECHA_EMISION FECHA_VENCE SEDE ESTADO"
).split()
STATES = frozenset({"ENTREGADO", "IMPRESO", "ANULADO", "RECHAZADO"})
#: Labels of sites in the export, normalised, and the codes of ours.
SITES = {
    "CENTRAL": "GUA", "GUATEMALA": "GUA", "EL PETEN": "PET", "PETEN": "PET", "QUETZALTENANGO": "QTZ",
    "LOS ANGELES": "LAX", "HOUSTON": "HOU", "NEW YORK": "NYC", "MIAMI": "MIA", "PHOENIX": "PHX",
    "SAN FRANCISCO": "SFO", "WASHINGTON": "WAS",
}  # fmt: skip
#: Columns of `former_case` that are parts of a name, and of the export.
NAMES = {
    "first_surname": "APELLIDO1", "second_surname": "APELLIDO2", "married_surname": "APELLIDO_CASADA",
    "first_name": "NOMBRE1", "second_name": "NOMBRE2",
}  # fmt: skip


class NotAnExport(Exception):
    """The file has no header of the former system; the message says what is missing."""


@dataclass(frozen=True)
class Row:
    """One row as it is to be kept (columns of `former_case`), and what was odd about it; None when it cannot be."""

    number: int
    case: str
    values: dict[str, Any] | None
    odd: tuple[str, ...]


def passport_types(session: Session) -> dict[str, str]:
    """Codes of passport types by their normalised names."""
    entries = session.execute(select(PassportType.code, PassportType.name))
    return {normalised(name): code for code, name in entries}


def batches(path: Path, types: dict[str, str]) -> Iterator[list[Row]]:
    """The rows of an export in parts of BATCH; encoding and separator are found out. Raises `NotAnExport`."""
    with path.open(encoding=encoding_of(path), newline="", errors="strict") as file:
        header = file.readline()
        separator = max(";,\t|", key=header.count)
        names = [name.strip().strip('"').upper() for name in header.strip().split(separator)]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise NotAnExport(f"{path.name}: the header has no column {', '.join(missing)}")
        rows = _rows(csv.reader(file, delimiter=separator), names, path.name, types)
        while batch := list(islice(rows, BATCH)):
            yield batch


def encoding_of(path: Path) -> str:
    """UTF-8 when the whole file is, Latin-1 otherwise."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while part := file.read(1 << 20):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8-sig"


def _rows(reader: Any, names: list[str], source: str, types: dict[str, str]) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(reader.line_num + 1, "", None, (f"cannot be read ({error}): not imported",))
            continue
        if cells:
            yield _row(cells, names, source, reader.line_num + 1, types)


def _row(cells: list[str], names: list[str], source: str, number: int, types: dict[str, str]) -> Row:
    if len(cells) != len(names) or any("\0" in cell for cell in cells):
        return Row(number, "", None, (f"not {len(names)} columns, or a NUL: not imported: {_shown(cells)}",))
    cell = dict(zip(names, cells, strict=True))
    case, odd = re.sub(r"\s", "", cell["CASO"]).upper(), list[str]()
    values: dict[str, Any] = {"number": case, "source": source, "source_row": number}
    values |= _person(cell, odd) | _passport(cell, types, odd)
    if not re.fullmatch(r"[A-Z0-9-]{3,20}", case):
        return Row(number, case[:20], None, (f"no case number: not imported: {_shown(cells)}",))
    too_long = [name for name, limit in _LIMITS.items() if len(values.get(name) or "") > limit]
    if too_long:
        return Row(number, case, None, (f"too long: {', '.join(too_long)}: not imported: {_shown(cells)}",))
    return Row(number, case, values, tuple(odd))


def _shown(cells: list[str]) -> str:
    return " | ".join(cells).replace("\0", "?")[:400]


_LIMITS = {
    column.key: column.type.length  # type: ignore[attr-defined]
    for column in FormerCase.__table__.columns
    if getattr(column.type, "length", None)
}


def _person(cell: dict[str, str], odd: list[str]) -> dict[str, Any]:
    names = {name: cell[column] if cell[column].strip() else None for name, column in NAMES.items()}
    if names["first_surname"] is None:
        odd.append("no first surname")
        names["first_surname"] = ""
    sex = cell["SEXO"].strip().upper() or None
    if sex not in ("M", "F", "X", None):
        odd.append(f"sex {sex[:10]!r} is not known: left empty")
        sex = None
    found = {**names, "search_name": search_name(*names.values()), "sex_code": sex}
    return found | {"birth_date": _birth(cell["FECHA_NAC"], odd), **_identification(cell, odd)}


def _birth(text: str, odd: list[str]) -> str | None:
    try:
        date = PartialDate.parse_former(text)
    except ValueError:
        odd.append(f"date of birth {text.strip()[:20]!r} does not exist: left empty")
        return None
    return str(date) if date else None


def _identification(cell: dict[str, str], odd: list[str]) -> dict[str, str | None]:
    kind, number = cell["TIPO_IDENT"].strip().upper() or None, cell["NUM_IDENT"].strip() or None
    found = {"identification_type_code": kind, "identification_number": number, "cui": None}
    if kind == "CUI":
        found["cui"] = found["identification_number"] = re.sub(r"\s", "", number or "")
        if not re.fullmatch(r"[0-9]{13}", str(found["cui"])):
            odd.append(f"{(number or '')[:30]!r} is no CUI: kept as it is, not as a CUI")
            found.update(cui=None, identification_number=number)
    return found


def _passport(cell: dict[str, str], types: dict[str, str], odd: list[str]) -> dict[str, Any]:
    label, kind, state = cell["SEDE"], cell["TIPO_PASAPORTE"], cell["ESTADO"].strip().upper()
    site, passport_type = SITES.get(normalised(label)), types.get(normalised(kind))
    if site is None:
        odd.append(f"site {label[:40]!r} is not known: kept as it is")
    if passport_type is None:
        odd.append(f"passport type {kind[:40]!r} is not known: left empty")
    if state not in STATES:
        odd.append(f"state {state[:12]!r} is not known: kept as it is")
    return {
        "booklet_number": re.sub(r"\s", "", cell["LIBRETA"]).upper() or None, "passport_type_code": passport_type,
        "issued_on": _day(cell["FECHA_EMISION"], "date of issue", odd),
        "expires_on": _day(cell["FECHA_VENCE"], "date of expiry", odd),
        "site_code": site, "site_label": label or None, "state": state,
    }  # fmt: skip


def _day(text: str, name: str, odd: list[str]) -> dt.date | None:
    try:
        date = PartialDate.parse_former(text)
    except ValueError:
        date = None
    if text.strip() and (date is None or date.day is None):
        odd.append(f"{name} {text.strip()[:20]!r} does not exist: left empty")
    return date.earliest() if date and date.day else None
