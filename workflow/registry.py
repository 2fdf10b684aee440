"""The civil registry (RENAP): a port, and the simulator that answers from our own table.

RENAP's interface is not published (SPEC 7); the port is what the checks need of it, so that the real adapter can come
later without a change elsewhere.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Protocol, Self

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.enrolments import RegistryPerson
from models.text import N_
from security.errors import BadValue

BATCH = 1000


class RegistryDown(Exception):
    """The registry does not answer now; the finding REGISTRY_UNAVAILABLE says so on the case."""


@dataclass(frozen=True)
class RegistryRecord:
    """What the registry says of a CUI; empty text for what it does not have.

    Members are named as in `intake.schema.json`, which findings carry; names, codes and partial dates
    (YYYY, YYYY-MM, YYYY-MM-DD) have its forms.
    """

    cui: str
    firstName: str = ""
    secondName: str = ""
    otherNames: str = ""
    firstSurname: str = ""
    secondSurname: str = ""
    marriedSurname: str = ""
    dateOfBirth: str = ""
    gender: str = ""
    maritalStatus: str = ""
    birthCountry: str = ""
    birthMunicipality: str = ""
    deceasedOn: str = ""

    @classmethod
    def of(cls, cui: str, data: dict[str, str]) -> Self:
        """From a row of the simulator's table, whatever else it holds."""
        return cls(cui=cui, **{name: data[name] for name in COLUMNS if name != "cui" and name in data})


COLUMNS = tuple(field.name for field in fields(RegistryRecord))


class CivilRegistry(Protocol):
    """Whoever knows the people of the country."""

    def look_up(self, cui: str) -> RegistryRecord | None:
        """The person of that CUI, or None when there is none; raises `RegistryDown`."""


class SimulatedRegistry:
    """Answers from the table `registry_person`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def look_up(self, cui: str) -> RegistryRecord | None:
        data = self.session.scalars(select(RegistryPerson.data).where(RegistryPerson.cui == cui)).first()
        return None if data is None else RegistryRecord.of(cui, data)


KINDS: dict[str, Callable[[Session], CivilRegistry] | None] = {"simulator": SimulatedRegistry, "off": None}
_kind = "off"


def configure(kind: str) -> None:
    """Say once, at start, who answers: `simulator`, or `off` for nobody; KeyError for anything else."""
    global _kind
    KINDS[kind]
    _kind = kind


def registry(session: Session) -> CivilRegistry | None:
    """The configured registry, or None when the check is off."""
    make = KINDS[_kind]
    return make(session) if make else None


def load(session: Session, path: Path) -> int:
    """Put the people of a CSV file (UTF-8, header of COLUMNS) into the simulator, over what it had of them.

    Returns how many rows were read; `BadValue` naming the line that is wrong, and then nothing is to be kept.
    """
    count = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = _people(csv.DictReader(file))
        while batch := dict(islice(rows, BATCH)):
            values = [{"cui": cui, "data": data} for cui, data in batch.items()]
            added = insert(RegistryPerson)
            added = added.on_conflict_do_update(index_elements=["cui"], set_={"data": added.excluded.data})
            session.execute(added, values)
            count += len(batch)
    return count


def _people(rows: "csv.DictReader[str]") -> Iterator[tuple[str, dict[str, str]]]:
    if "cui" not in (rows.fieldnames or ()):
        raise BadValue(N_("The file has no column %(name)s."), field="line 1", name="cui")
    for row in rows:
        cui = (row["cui"] or "").strip()
        if not re.fullmatch(r"[0-9]{13}", cui):
            raise BadValue(N_("This is no CUI: thirteen digits."), field=f"line {rows.line_num}")
        yield cui, {name: row[name].strip() for name in COLUMNS if name != "cui" and row.get(name)}
