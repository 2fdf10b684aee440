"""What the services are asked and how their answers read: the only place that knows the form of their JSON.

RENAP's interface is not published (SPEC 7). Until it is, this is ours, and the simulator's:

civil registry   {"cui"} -> {"found": false} or {"found": true, "person": {members of RegistryRecord}}
watch lists      {"cui", "surnames", "givenNames", "dateOfBirth", "documents"} ->
                 {"hits": [{"list", "name", "reference", "grade"}]}

That nothing is known is said in the body: a 404 may as well mean that the address is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.services import Service
from workflow.persons import PartialDate
from workflow.registry import COLUMNS, RegistryRecord
from workflow.watch_lists.hits import Grade, Hit

LONGEST_TEXT = 120
MOST_HITS = 50
_DATES = ("dateOfBirth", "deceasedOn")


class BadAnswer(ValueError):
    """It is JSON, but not what was agreed."""


@dataclass(frozen=True)
class Person:
    """Whom the services are asked about; texts as captured."""

    cui: str
    surnames: str = ""
    given_names: str = ""
    birth_date: str = ""
    documents: tuple[str, ...] = ()

    @classmethod
    def of(cls, biographic: dict[str, Any], request: dict[str, Any]) -> "Person":
        """From the members of an enrolment; whatever is no text is left out."""

        def words(*names: str) -> str:
            return " ".join(value for name in names if isinstance(value := biographic.get(name), str))

        previous = request.get("previousPassport")
        numbers = [
            biographic.get("identificationNumber"),
            previous.get("bookletNumber") if isinstance(previous, dict) else None,
        ]
        return cls(
            words("cui"), words("firstSurname", "secondSurname", "marriedSurname"),
            words("firstName", "secondName", "otherNames"), words("dateOfBirth"),
            tuple(number for number in numbers if isinstance(number, str) and number),
        )  # fmt: skip


def registry_question(person: Person) -> dict[str, Any]:
    """Only the CUI leaves the house."""
    return {"cui": person.cui}


def registry_answer(person: Person, body: dict[str, Any]) -> RegistryRecord | None:
    """The record of the person that was asked for, None when there is none; BadAnswer."""
    if body.get("found") is False:
        return None
    known = body.get("person")
    if body.get("found") is not True or not isinstance(known, dict) or known.get("cui") != person.cui:
        raise BadAnswer("neither found nor not found")
    data = {name: _text(known.get(name, "")) for name in COLUMNS}
    for name in _DATES:
        _date(data[name])
    if not data["dateOfBirth"] or data["gender"] not in ("M", "F", "X"):
        raise BadAnswer("no date of birth, or no sex")
    return RegistryRecord.of(person.cui, data)


def lists_question(person: Person) -> dict[str, Any]:
    """All that a list may name the person by."""
    return {
        "cui": person.cui, "surnames": person.surnames, "givenNames": person.given_names,
        "dateOfBirth": person.birth_date, "documents": list(person.documents),
    }  # fmt: skip


def lists_answer(_person: Person, body: dict[str, Any]) -> list[Hit]:
    """What is said to be on a list; BadAnswer."""
    hits = body.get("hits")
    if not isinstance(hits, list) or len(hits) > MOST_HITS or not all(isinstance(hit, dict) for hit in hits):
        raise BadAnswer("no list of hits")
    return [_hit(hit) for hit in hits]


def _hit(hit: dict[str, Any]) -> Hit:
    code, name, grade = (_text(hit.get(member, "")) for member in ("list", "name", "grade"))
    if not code or grade not in set(Grade):
        raise BadAnswer("a hit without list or grade")
    fields = ("cui",) if grade == Grade.EXACT else ("name",)
    return Hit(None, code[:16], name or code, Grade(grade), fields, _text(hit.get("reference", "")) or None, "SERVICE")


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadAnswer("not a short text")
    return value.strip()


def _date(text: str) -> None:
    if text:
        try:
            PartialDate.parse(text)
        except ValueError as error:
            raise BadAnswer("not a date") from error


@dataclass(frozen=True)
class Mapping:
    """How one service is asked and understood."""

    question: Callable[[Person], dict[str, Any]]
    answer: Callable[[Person, dict[str, Any]], RegistryRecord | list[Hit] | None]


MAPPINGS = {
    Service.CIVIL_REGISTRY: Mapping(registry_question, registry_answer),
    Service.WATCH_LISTS: Mapping(lists_question, lists_answer),
}
