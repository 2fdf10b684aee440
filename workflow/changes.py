"""What a correction changes, in words: labels of the data, names for codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.cases import Applicant, PassportCase
from workflow.labels import Labels, coded_columns
from workflow.succession import CORRECTABLE, CORRECTABLE_APPLICANT

_TABLES = dict(coded_columns(PassportCase) + coded_columns(Applicant))
_LABELS = CORRECTABLE | CORRECTABLE_APPLICANT
_ORDER = {name: place for place, name in enumerate(_LABELS)}


@dataclass(frozen=True)
class Change:
    """One datum that a correction changes: label as message id, and what it was and is to be, in words."""

    label: str
    before: str | None
    after: str | None


def label_of(column: str) -> str:
    """The message id of a datum that may be corrected."""
    return _LABELS.get(column, column)


def in_words(labels: Labels, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Each datum of `after` with what it was `before`, in the order of the form (the database keeps none)."""
    return [
        Change(label_of(name), word(labels, name, before.get(name)), word(labels, name, after[name]))
        for name in ordered(after)
    ]


def ordered(values: Mapping[str, Any]) -> list[str]:
    """The columns of `values` in the order of the form."""
    return sorted(values, key=lambda name: _ORDER.get(name, len(_ORDER)))


def word(labels: Labels, column: str, value: object) -> str | None:
    """A value of `column` in words; None for none."""
    if value is None:
        return None
    table = _TABLES.get(column)
    return labels.name(table, str(value)) if table else str(value)
