"""What is wrong with some enrolments by construction, and which findings that must raise."""

import random
from dataclasses import replace
from enum import Enum

from app.demo import names, places
from app.demo.people import Person


class Flaw(Enum):
    """One way in which an enrolment goes to secondary validation; the value lists its findings."""

    REGISTRY_BIRTH = "REGISTRY_MISMATCH", "dateOfBirth"
    REGISTRY_NAME = "REGISTRY_MISMATCH", "firstSurname"
    REGISTRY_UNKNOWN = "REGISTRY_MISMATCH", "unknown"
    CHECK_DIGIT = "CUI_CHECK_DIGIT", ""
    BIRTH_PLACE = "CUI_BIRTH_PLACE", ""
    NO_GUARDIAN = "MINOR_CONSENT", "none"
    ABSENT_PARENT = "MINOR_CONSENT", "absent"
    PAYMENT = "PAYMENT_USED", ""
    DUPLICATE = "DUPLICATE_CASE", ""
    FORMER_DIFFERS = "RENEWAL_MISMATCH", "fields"
    FORMER_UNKNOWN = "RENEWAL_MISMATCH", "unknown"
    FORMER_OF_ANOTHER = "RENEWAL_MISMATCH", "another"
    VALID_PASSPORT = "VALID_PASSPORT", ""
    DIGIT_AND_PAYMENT = "CUI_CHECK_DIGIT PAYMENT_USED", ""

    @property
    def findings(self) -> tuple[str, ...]:
        """Codes that must be raised."""
        return tuple(self.value[0].split())


OF_MINORS = frozenset((Flaw.NO_GUARDIAN, Flaw.ABSENT_PARENT))
OF_RENEWALS = frozenset((Flaw.FORMER_DIFFERS, Flaw.FORMER_UNKNOWN, Flaw.FORMER_OF_ANOTHER))
OF_PAYMENT = frozenset((Flaw.PAYMENT, Flaw.DIGIT_AND_PAYMENT))
OF_CHECK_DIGIT = frozenset((Flaw.CHECK_DIGIT, Flaw.DIGIT_AND_PAYMENT))
FOLLOWING = OF_PAYMENT | {Flaw.DUPLICATE}

BLOCK = 120
_FIRST = 8


def schedule(rng: random.Random, count: int) -> dict[int, Flaw]:
    """Which enrolment has which flaw: every flaw once in each block of 120, so 12 %, never among the first few."""
    plan: dict[int, Flaw] = {}
    for start in range(0, count, BLOCK):
        places_in_block = rng.sample(range(_FIRST, BLOCK), len(Flaw))
        plan |= {start + at: flaw for at, flaw in zip(places_in_block, Flaw, strict=True) if start + at < count}
    return plan


def fits(person: Person) -> bool:
    """Whether a flaw shows on this person: born in Guatemala on a known day, with all parts of a name."""
    return person.birth_country == "GTM" and person.precision == "day" and bool(person.name.first_name)


def registry_rows(rng: random.Random, person: Person, flaw: Flaw | None) -> tuple[dict[str, str], ...]:
    """What the registry holds: the person, somebody slightly different, or nobody."""
    row = person.registry_row()
    if flaw is Flaw.REGISTRY_UNKNOWN:
        return ()
    if flaw is Flaw.REGISTRY_BIRTH:
        row["dateOfBirth"] = _other_birth(person)
    if flaw is Flaw.REGISTRY_NAME:
        row["firstSurname"] = other_surname(rng, row["firstSurname"])
    return (row,)


def _other_birth(person: Person) -> str:
    """Day and month exchanged, the commonest typing mistake, or else a day of the month that differs."""
    birth = person.birth
    if birth.day <= 12 and birth.day != birth.month:
        return birth.replace(month=birth.day, day=birth.month).isoformat()
    return birth.replace(day=birth.day - 1 if birth.day > 1 else 11).isoformat()


def other_surname(rng: random.Random, surname: str) -> str:
    """Any other surname."""
    return rng.choice([other for other in names.SURNAMES if other != surname])


def captured(rng: random.Random, person: Person, flaw: Flaw | None) -> Person:
    """The person as the station captured it: with another check digit when that is the flaw."""
    if flaw not in OF_CHECK_DIGIT:
        return person
    wrong = (int(person.cui[8]) + rng.randrange(1, 10)) % 10
    return replace(person, cui=f"{person.cui[:8]}{wrong}{person.cui[9:]}")


def moved(rng: random.Random, person: Person) -> Person:
    """The person born in another department than the CUI says."""
    others = [code for code in places.departments() if code != person.municipality[:2]]
    return replace(person, municipality=rng.choice(places.municipalities(rng.choice(others))))


def former_person(rng: random.Random, person: Person, flaw: Flaw | None) -> Person:
    """Whom the former system has on the booklet, when that is the same person typed differently."""
    if flaw is not Flaw.FORMER_DIFFERS:
        return person
    name = replace(person.name, second_surname=other_surname(rng, person.name.second_surname))
    return replace(
        person, name=name, birth=person.birth.replace(year=person.birth.year - 1, day=min(person.birth.day, 28))
    )
