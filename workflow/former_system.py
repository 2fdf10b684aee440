"""The cases of the former system: told apart from what is there, and kept; nothing is lost without a remark.

A case is known by its number. A row that comes again changes nothing, so that an import that was cut off, or is done
twice, goes on where it was.
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.enrolments import FormerCase
from workflow.former_export import NAMES, SITES, Row
from workflow.persons import normalised

#: What makes two rows the same case, however they are typed.
_SAME = (
    "search_name first_surname second_surname married_surname first_name second_name identification_type_code "
    "identification_number cui birth_date sex_code booklet_number passport_type_code issued_on expires_on site_code "
    "state"
).split()

_USUAL_LABELS = {code: label for label, code in reversed(SITES.items())}


@dataclass(frozen=True)
class Remark:
    """Something odd in a row: where, which case, and what became of it."""

    source: str
    row: int
    case: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.row}: {self.case or '(no case number)'}: {self.text}"


@dataclass
class Outcome:
    """What became of the rows of some files."""

    rows: int = 0
    imported: int = 0
    there_already: int = 0
    repeated: int = 0
    in_both: int = 0
    not_imported: int = 0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Count what another part of the import did."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            mine.update(theirs) if isinstance(mine, Counter) else setattr(self, each.name, mine + theirs)


def keep(session: Session, source: str, rows: list[Row]) -> tuple[Outcome, list[Remark]]:
    """Put the rows of one batch into `former_case`; what came of them, and a remark for everything odd."""
    outcome, remarks = Outcome(rows=len(rows)), []
    known = _known(session, [row.case for row in rows])
    shared = _booklets(session, rows)
    new = []
    for row in rows:
        remarks += [Remark(source, row.number, row.case, text) for text in row.odd]
        if row.values is None:
            outcome.not_imported += 1
            continue
        if row.case in known:
            _count_again(known[row.case], row, source, outcome, remarks)
            continue
        known[row.case] = row.values
        new.append(row.values)
        _note_label(row.values, outcome)
        remarks += _shared(source, row, shared)
    if new:
        session.execute(insert(FormerCase), new)
    outcome.imported = len(new)
    return outcome, remarks


def _known(session: Session, numbers: list[str]) -> dict[str, dict[str, Any]]:
    columns = FormerCase.__table__.c
    there = select(*columns).where(columns.number.in_(numbers))
    return {row["number"]: dict(row) for row in session.execute(there).mappings()}


def _booklets(session: Session, rows: list[Row]) -> dict[str, str]:
    """Booklets of these rows that a case already has: number and case."""
    wanted = {row.values["booklet_number"] for row in rows if row.values} - {None}
    there = select(FormerCase.booklet_number, FormerCase.number).where(FormerCase.booklet_number.in_(wanted))
    return {str(booklet): case for booklet, case in session.execute(there)}


def _shared(source: str, row: Row, shared: dict[str, str]) -> list[Remark]:
    booklet = row.values["booklet_number"] if row.values else None
    if booklet is None:
        return []
    other = shared.setdefault(booklet, row.case)
    if other == row.case:
        return []
    return [Remark(source, row.number, row.case, f"booklet {booklet} stands on case {other} too: both are kept")]


def _count_again(known: dict[str, Any], row: Row, source: str, outcome: Outcome, remarks: list[Remark]) -> None:
    """A case that is there: the same row of an earlier run, a repetition, or another content under its number."""
    values = row.values or {}
    if (known["source"], known["source_row"]) == (source, row.number):
        outcome.there_already += 1
        return
    first = f"{known['source']}:{known['source_row']}"
    differing = [name for name in _SAME if _comparable(name, known[name]) != _comparable(name, values[name])]
    if differing:
        outcome.not_imported += 1
        said = ", ".join(f"{name} {known[name]!s} / {values[name]!s}" for name in differing)
        remarks.append(Remark(source, row.number, row.case, f"other data than {first}: not imported: {said}"))
        return
    if known["source"] == source:
        outcome.repeated += 1
        remarks.append(Remark(source, row.number, row.case, f"repeats {first}"))
    else:
        outcome.in_both += 1
        remarks.append(Remark(source, row.number, row.case, f"is the same case as {first}, exported again"))


def _comparable(name: str, value: Any) -> Any:
    return normalised(value or "") if name in NAMES else value


def _note_label(values: dict[str, Any], outcome: Outcome) -> None:
    if values["site_code"] and values["site_label"] != _USUAL_LABELS[values["site_code"]]:
        outcome.labels[values["site_label"], values["site_code"]] += 1
