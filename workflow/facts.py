"""What the automatic checks look at, and what they find."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from models.cases import Finding
from workflow.registry import CivilRegistry
from workflow.watch_lists.hits import WatchLists


@dataclass(frozen=True)
class Facts:
    """What the checks look at: the complete enrolment `body`, whoever knows people, and the rest of the world."""

    session: Session
    body: dict[str, Any]
    at: dt.datetime
    registry: CivilRegistry | None
    lists: WatchLists | None = None

    @property
    def person(self) -> dict[str, Any]:
        return self.body["biographicData"]  # type: ignore[no-any-return]

    @property
    def request(self) -> dict[str, Any]:
        return self.body["requestData"]  # type: ignore[no-any-return]

    @property
    def cui(self) -> str:
        return str(self.person["cui"])

    @property
    def slip(self) -> str:
        return str(self.request["paymentSlip"]["number"])

    @property
    def passport_type(self) -> str:
        return str(self.request["passportType"])

    @property
    def on(self) -> dt.date:
        """The day of capture on the site's own clock."""
        return self.at.date()

    @property
    def previous(self) -> dict[str, Any]:
        return self.request.get("previousPassport", {})  # type: ignore[no-any-return]

    @property
    def documents(self) -> list[str]:
        """Numbers of documents that the person shows or names."""
        numbers = (self.person.get("identificationNumber"), self.previous.get("bookletNumber"))
        return [number for number in numbers if number]

    @cached_property
    def surnames(self) -> str:
        return words(self.person, "firstSurname", "secondSurname", "marriedSurname")

    @cached_property
    def given_names(self) -> str:
        return words(self.person, "firstName", "secondName", "otherNames")


@dataclass(frozen=True)
class Found:
    """One finding: `fields` do not agree, `detail` says of each what was captured and what is known.

    One that does not refer only marks the case, which goes on.
    """

    code: Finding
    fields: list[str] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)
    refers: bool = True


def words(person: dict[str, Any], *names: str) -> str:
    """The members of `person` that are there, in that order, in one text."""
    return " ".join(person[name] for name in names if name in person)
