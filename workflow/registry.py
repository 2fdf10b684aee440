"""The civil registry (RENAP): the port, what is known of a person, and the people of the simulator.

RENAP's interface is not published (SPEC 7); the port is what the checks need of it. Who stands behind it is said once
at start: the service of the parameters (workflow.outside), the simulator's table in this process, or nobody.
"""

import csv
import re
from collections.abc import Iterator
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
    """The registry does not answer now; the finding REGISTRY_UNAVAILABLE says so on the case.

    `goes_on` when the case goes on all the same, marked by the finding.
    """

    def __init__(self, *, goes_on: bool = False) -> None:
        super().__init__()
        self.goes_on = goes_on


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


#: Who answers: the services that the parameters say, the simulator's table in this very process, or nobody.
KINDS = ("service", "simulator", "off")
_kind = "off"


def configure(kind: str) -> None:
    """Say once, at start, who answers, one of KINDS; ValueError for anything else."""
    global _kind
    if kind not in KINDS:
        raise ValueError(kind)
    _kind = kind


def configured() -> str:
    """What was configured."""
    return _kind


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
