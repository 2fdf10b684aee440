"""The verdicts of quality control as a person reads them: what agrees, what differs, where, and the likely cause."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask_babel import gettext as _

from models.booklets import Personalisation
from models.text import N_
from printing.messages import CAUSE_LABELS, FIELD_LABELS, SEAL_LABELS
from printing.mrz import FIELDS
from workflow.quality import SCANS

#: Causes of which `printing` has no words, since they are of the booklet number or of no known kind of scan.
OWN_CAUSES = {
    "OTHER_NUMBER": N_("This is the number of another booklet"),
    "UNKNOWN": N_("What was read is neither booklet number, MRZ nor 2D code"),
}


@dataclass(frozen=True)
class Check:
    """One of the three checks. `status`: pending, agrees, differs, or failed (the read, not the booklet).

    `mapped`: what was read went through the keyboard map of the station's reader.
    """

    kind: str
    label: str
    status: str
    at: dt.datetime | None
    cause: str
    mapped: bool = False


@dataclass(frozen=True)
class Run:
    """Characters that stand together in a row and are all right or all wrong."""

    text: str
    wrong: bool


@dataclass(frozen=True)
class Row:
    """One row of the MRZ: as it should be, as it was read, and the places that differ, marked by `^`."""

    number: int
    expected: tuple[Run, ...]
    read: tuple[Run, ...]
    marks: str


@dataclass(frozen=True)
class FieldDifference:
    """A field with wrong characters: its name, its columns, its text as it should be and as it was read."""

    label: str
    line: int
    columns: str
    expected: tuple[Run, ...]
    read: tuple[Run, ...]


@dataclass(frozen=True)
class LastScan:
    """What the last scan said; `rows` and `fields` when there are characters to compare, `was_read` when not."""

    label: str
    status: str
    cause: str
    rows: tuple[Row, ...]
    fields: tuple[FieldDifference, ...]
    failing_digits: tuple[str, ...]
    was_read: tuple[str, ...]
    expected: str


def checks(verdicts: Mapping[str, Mapping[str, Any]]) -> list[Check]:
    """The three checks in their order, with the last verdict of each."""
    found = []
    for kind, label in SCANS:
        verdict = verdicts.get(kind)
        cause = "" if verdict is None or verdict["passed"] else _cause(kind, verdict)
        at, mapped = (verdict["at"], "reader" in verdict) if verdict else (None, False)
        found.append(Check(kind, _(label), _status(verdict), at, cause, mapped))
    return found


def last_scan(use: Personalisation | None, verdicts: Mapping[str, Mapping[str, Any]]) -> LastScan | None:
    """The scan that was read last, of whatever kind; None before the first."""
    if use is None or not verdicts:
        return None
    kind, verdict = max(verdicts.items(), key=lambda pair: pair[1]["at"])
    differences = verdict.get("differences") or []
    expected = (use.mrz_line_1, use.mrz_line_2)
    return LastScan(
        label=_(dict(SCANS).get(kind, N_("Unknown scan"))),
        status=_status(verdict),
        cause=_cause(kind, verdict),
        rows=_rows(expected, differences) if differences else (),
        fields=_fields(expected, differences),
        failing_digits=tuple(_(FIELD_LABELS[f"{name}_digit" if f"{name}_digit" in FIELD_LABELS else name])
                             for name in verdict.get("failing_digits", ())),
        was_read=_was_read(kind, verdict),
        expected=str(verdict["expected"]) if kind == "booklet" else "",
    )  # fmt: skip


def _status(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return "pending"
    if verdict["passed"]:
        return "agrees"
    return "differs" if verdict.get("readable", True) else "failed"


def _cause(kind: str, verdict: Mapping[str, Any]) -> str:
    key = verdict.get("cause", "UNKNOWN")
    if kind == "booklet" and key == "OTHER_BOOKLET":
        key = "OTHER_NUMBER"
    words: Mapping[str, str] = {**CAUSE_LABELS, **SEAL_LABELS} if kind == "seal" else {**SEAL_LABELS, **CAUSE_LABELS}
    return str(_({**words, **OWN_CAUSES}.get(key, key)))


def _was_read(kind: str, verdict: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "seal":
        return (str(verdict["detail"]),) if verdict.get("cause") == "OTHER_BOOKLET" else ()
    read = verdict.get("read", ())
    return (read,) if isinstance(read, str) else tuple(read) if not verdict.get("readable", True) else ()


def _rows(expected: tuple[str, str], differences: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    rows = []
    for number, text in enumerate(expected, start=1):
        read = _with(text, differences, number)
        marks = "".join("^" if good != bad else " " for good, bad in zip(text, read, strict=True))
        rows.append(Row(number, _runs(text, read), _runs(read, text), marks))
    return tuple(rows)


def _with(text: str, differences: Sequence[Mapping[str, Any]], line: int) -> str:
    """Row `line` as it was read: `text` with its wrong characters put in."""
    signs = list(text)
    for difference in differences:
        if difference["line"] == line:
            # A reader may type anything; what cannot be drawn takes one place all the same.
            read = str(difference["read"])
            signs[difference["column"] - 1] = read if len(read) == 1 and read.isprintable() else "�"
    return "".join(signs)


def _fields(expected: tuple[str, str], differences: Sequence[Mapping[str, Any]]) -> tuple[FieldDifference, ...]:
    wrong = {difference["field"]: str(difference["line"]) for difference in differences}
    found = []
    for field in FIELDS:
        if field.name not in wrong:
            continue
        good = field.of(expected)
        read = _with(expected[field.line - 1], differences, field.line)[field.first - 1 : field.last]
        columns = f"{field.first}–{field.last}" if field.last > field.first else str(field.first)
        found.append(
            FieldDifference(_(FIELD_LABELS[field.name]), field.line, columns, _runs(good, read), _runs(read, good))
        )
    return tuple(found)


def _runs(text: str, other: str) -> tuple[Run, ...]:
    pairs = groupby(zip(text, other, strict=True), key=lambda pair: pair[0] != pair[1])
    return tuple(Run("".join(sign for sign, _other in group), wrong) for wrong, group in pairs)
