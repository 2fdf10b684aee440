"""The cases of the former system: told apart from what is there, and kept; nothing is lost without a remark.

A case is known by its number. A row that says again what is there changes nothing. One that says something else is
another version of the case: it is refused with both data, unless changes were asked for and the version that is there
came by an earlier import; within one import nobody can say which of two versions is the later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, cast

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, MetaData, String, Table, any_, literal, select, text, update
from sqlalchemy.orm import Session

from models.enrolments import FormerCase
from workflow.former_mapping import NAMES
from workflow.former_rows import IMPORTED, NOT_IMPORTED, Row
from workflow.persons import normalised

#: What makes two rows the same case, however they are typed.
_SAME = (
    "search_name first_surname second_surname married_surname first_name second_name identification_type_code "
    "identification_number cui birth_date sex_code booklet_number passport_type_code issued_on expires_on site_code "
    "state"
).split()

_CASES = cast(Table, FormerCase.__table__)
_COLUMNS = [column.key for column in _CASES.columns]
#: Where a check keeps what it would have kept; as long as its transaction.
_TRIAL = _CASES.to_metadata(MetaData(), name="former_case_trial")


@dataclass(frozen=True)
class Remark:
    """Something odd in a row: where, which case and field, what, the value, and what became of it."""

    source: str
    row: int
    case: str
    field: str
    what: str
    value: str
    became: str

    def __str__(self) -> str:
        said = f"{self.what}: {self.value!r}" if self.value else self.what
        return f"{self.source}:{self.row}: {self.case or '(no case number)'}: {self.field} {said}: {self.became}"


@dataclass
class Outcome:
    """What became of some rows, and those of them that were not imported."""

    rows: int = 0
    imported: int = 0
    updated: int = 0
    there_already: int = 0
    repeated: int = 0
    in_both: int = 0
    not_imported: int = 0
    rejected: list[Row] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


#: The names of the counts; `rows` is the sum of the others.
COUNTS = tuple(each.name for each in fields(Outcome) if each.type is int)


class Shelf:
    """Where the rows of one import are put: `former_case`, or for a trial a table that its transaction forgets."""

    def __init__(self, session: Session, import_id: int, *, updates: bool, trial: bool = False) -> None:
        self.session, self.import_id, self.updates, self.trial = session, import_id, updates, trial

    def lay_out(self) -> None:
        """Make the table of a trial, if this is one and the transaction has none."""
        if self.trial:
            self.session.execute(
                text(f"create temporary table if not exists {_TRIAL.name} (like former_case) on commit drop")
            )
            for column in ("number", "booklet_number"):
                self.session.execute(text(f"create index if not exists trial_{column} on {_TRIAL.name} ({column})"))

    def keep(self, rows: list[Row]) -> Outcome:
        """Put the rows of one batch; what became of them."""
        outcome = Outcome(rows=len(rows))
        known = self._known([row.case for row in rows if row.values])
        shared = self._booklets(rows)
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for row in rows:
            outcome.remarks += (_remark(row, *odd) for odd in row.odd)
            if row.values is None:
                _reject(outcome, row)
                continue
            values = row.values | {"import_id": self.import_id}
            if row.case in known:
                if not self._again(known[row.case], row, outcome):
                    continue
                changed.append(values)
            else:
                new.append(values)
            known[row.case] = values
            outcome.remarks += _shared(row, shared)
        self._put(new, changed)
        outcome.imported, outcome.updated = len(new), len(changed)
        return outcome

    @property
    def _tables(self) -> tuple[Table, ...]:
        return (_CASES, _TRIAL) if self.trial else (_CASES,)

    def _known(self, numbers: list[str]) -> dict[str, dict[str, Any]]:
        """Cases that are there, by number; of a trial's own those rather than the real ones."""
        found: dict[str, dict[str, Any]] = {}
        for table in self._tables:
            there = select(table).where(table.c.number == _any(numbers))
            found |= {row["number"]: dict(row) for row in self.session.execute(there).mappings()}
        return found

    def _booklets(self, rows: list[Row]) -> dict[str, str]:
        """Booklets of these rows that a case already has: number and case."""
        wanted = {row.values["booklet_number"] for row in rows if row.values} - {None}
        found: dict[str, str] = {}
        for table in self._tables:
            there = select(table.c.booklet_number, table.c.number).where(table.c.booklet_number == _any(sorted(wanted)))
            found |= {booklet: case for booklet, case in self.session.execute(there)}
        return found

    def _again(self, known: dict[str, Any], row: Row, outcome: Outcome) -> bool:
        """A case that is there: whether it is to be replaced; counted and remarked upon when not, and when so."""
        values, first = row.values or {}, f"{known['source']}:{known['source_row']}"
        differing = [name for name in _SAME if _comparable(name, known[name]) != _comparable(name, values[name])]
        mine = known["import_id"] == self.import_id
        if differing and self.updates and not mine:
            outcome.remarks += (
                _remark(
                    row, name, f"was otherwise in {first}", f"{_said(known[name])} → {_said(values[name])}", "replaced"
                )
                for name in differing
            )
            return True
        if differing:
            said = "; ".join(f"{name} {_said(known[name])} / {_said(values[name])}" for name in differing)
            outcome.remarks.append(_remark(row, "case", f"has other data than {first}", said, NOT_IMPORTED))
            _reject(outcome, row)
        elif mine:
            outcome.repeated += 1
            outcome.remarks.append(_remark(row, "case", f"repeats {first}", "", "counted as repeated"))
        elif known["source"] == values["source"]:
            outcome.there_already += 1
        else:
            outcome.in_both += 1
            outcome.remarks.append(_remark(row, "case", f"is the same as {first}", "", "counted as exported again"))
        return False

    def _put(self, new: list[dict[str, Any]], changed: list[dict[str, Any]]) -> None:
        if self.trial:
            _copy(self.session, _TRIAL, new + changed)
            return
        _copy(self.session, _CASES, new)
        if changed:
            self.session.execute(update(FormerCase), changed)


def _any(values: list[str]) -> Any:
    return any_(literal(values, ARRAY(String)))


def _copy(session: Session, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Rows by COPY, which takes a third of the time of INSERT."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table.name), columns)
    cursor: Any = session.connection().connection.cursor()
    with cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([Jsonb(row[name]) if name == "source_cells" else row.get(name) for name in _COLUMNS])


def _remark(row: Row, field_name: str, what: str, value: str, became: str) -> Remark:
    return Remark(row.source, row.number, row.case, field_name, what, value, became)


def _reject(outcome: Outcome, row: Row) -> None:
    outcome.not_imported += 1
    outcome.rejected.append(row)


def _shared(row: Row, shared: dict[str, str]) -> list[Remark]:
    booklet = row.values["booklet_number"] if row.values else None
    if booklet is None:
        return []
    other = shared.setdefault(booklet, row.case)
    if other == row.case:
        return []
    return [_remark(row, "booklet_number", f"stands on case {other} too", booklet, IMPORTED)]


def _comparable(name: str, value: Any) -> Any:
    return normalised(value or "") if name in NAMES else value


def _said(value: Any) -> str:
    return "(nothing)" if value in (None, "") else str(value)
