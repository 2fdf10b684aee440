"""What a search of the lists finds, and the port of a service that searches lists of its own."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from models.text import N_


class Grade(StrEnum):
    """How surely an entry means the person, the surest first."""

    EXACT = "EXACT"
    NAME_AND_BIRTH = "NAME_AND_BIRTH"
    NAME = "NAME"
    SIMILAR = "SIMILAR"


GRADE_LABELS = {
    Grade.EXACT: N_("Same CUI or document"),
    Grade.NAME_AND_BIRTH: N_("Same name and date of birth"),
    Grade.NAME: N_("Same name, date of birth not known"),
    Grade.SIMILAR: N_("Similar name, date of birth fits"),
}


@dataclass(frozen=True)
class Hit:
    """An entry that may mean the person. `entry` is the number of one of ours; `source` SERVICE for one of others.

    `informs`: the list's type only informs, and refers nobody.
    """

    entry: int | None
    list_type: str
    name: str
    grade: Grade
    fields: tuple[str, ...]
    reference: str | None = None
    source: str | None = None
    informs: bool = False

    def detail(self) -> dict[str, Any]:
        """As the finding keeps it: a later version of the list does not change what was found."""
        return {
            "entry": self.entry, "list": self.list_type, "name": self.name, "grade": self.grade,
            "fields": list(self.fields), "reference": self.reference, "source": self.source,
        }  # fmt: skip


class ListsDown(Exception):
    """The watch-list service does not answer now; `goes_on` when the case goes on all the same."""

    def __init__(self, *, goes_on: bool = False) -> None:
        super().__init__()
        self.goes_on = goes_on


class WatchLists(Protocol):
    """Whoever keeps lists outside the house."""

    def search(self, cui: str) -> list[Hit]:
        """What is said of the person of that CUI; raises `ListsDown`."""
