"""Invented people: name, CUI, birth, features and civil status, all of one piece."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.demo import names, places
from app.demo.names import FullName
from app.demo.places import Site

REGISTRY_COLUMNS = (
    "cui", "firstName", "secondName", "otherNames", "firstSurname", "secondSurname", "marriedSurname",
    "dateOfBirth", "gender",
    "maritalStatus", "birthCountry", "birthMunicipality", "deceasedOn",
)  # fmt: skip

_ADULT_WORK = """OC002 OC003 OC003 OC004 OC005 OC005 OC005 OC008 OC010 OC011 OC012 OC017 OC019 OC020 OC021 OC021
OC021 OC023 OC026 OC027 OC029 OC033 OC034 OC035 OC038 OC039 OC039 OC039 OC040 OC041 OC043 OC044
OC052 OC056 OC057 OC060 OC063 OC068 OC071 OC072 OC076 OC087 OC090 OC091 OC092 OC102"""
_ABROAD_WORK = """OC020 OC024 OC024 OC025 OC059 OC065 OC070 OC071 OC071 OC079 OC093 OC093 OC094 OC094 OC004 OC021"""


@dataclass(frozen=True)
class Person:
    """One invented person; `precision` says what is known of the birth: day, month or year.

    For a birth abroad `municipality` is where it is registered and `birth_place` the city, otherwise empty.
    """

    name: FullName
    sex: str
    birth: date
    precision: str
    cui: str
    birth_country: str
    municipality: str
    birth_place: str
    eye_color: str
    skin_tone: str
    hair_color: str
    height_cm: int
    marital_status: str
    occupation: str
    mayan: bool

    @property
    def birth_text(self) -> str:
        """The date of birth with the precision that is known."""
        return self.birth.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]

    def registry_row(self) -> dict[str, str]:
        """What the civil registry knows of the person."""
        name = self.name
        municipality = self.municipality if self.birth_country == "GTM" else ""
        values = (
            self.cui, name.first_name, name.second_name, name.other_names, name.first_surname, name.second_surname,
            name.married_surname, self.birth_text, self.sex, self.marital_status, self.birth_country, municipality, "",
        )  # fmt: skip
        return dict(zip(REGISTRY_COLUMNS, values, strict=True))


def age(birth: date, day: date) -> int:
    """Whole years lived on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def years_before(day: date, years: int) -> date:
    """The same calendar day years earlier; 28 February for the 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def check_digit(serial: str) -> int:
    """Check digit of the eight digits of a CUI: the sum of 2·d1 … 9·d8 modulo 11; 10 is never issued."""
    return sum(weight * int(digit) for weight, digit in enumerate(serial, start=2)) % 11


class CuiIssuer:
    """Gives CUIs of serials 60000000 to 69999999, each once, with the right check digit."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, rng: random.Random, municipality: str) -> str:
        while True:
            serial = f"6{rng.randrange(10_000_000):07d}"
            digit = check_digit(serial)
            if digit < 10 and serial not in self._given:
                self._given.add(serial)
                return f"{serial}{digit}{municipality}"


def birth_for(rng: random.Random, day: date, youngest: int, oldest: int) -> date:
    """A birth that makes the person at least `youngest` and less than `oldest` years old on the day."""
    first, last = years_before(day, oldest) + timedelta(days=1), years_before(day, youngest)
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def _precision(rng: random.Random, years: int) -> str:
    if years < 62:
        return "day"
    return rng.choices(("day", "month", "year"), (86, 8, 6))[0]


def _marital_status(rng: random.Random, years: int) -> str:
    if years < 18:
        return "SOL"
    weights = (70, 18, 12, 0, 0) if years < 28 else (24, 52, 14, 6, 4) if years < 60 else (12, 54, 6, 8, 20)
    return rng.choices(("SOL", "CAS", "UNI", "DIV", "VIU"), weights)[0]


def _occupation(rng: random.Random, years: int, site: Site) -> str:
    if years < 18:
        return "OC106" if years < 5 else "OC045"
    if years > 66:
        return rng.choice(("OC061", "OC061", "OC003", "OC005", "OC021"))
    if years < 24 and rng.random() < 0.45:
        return "OC045"
    return rng.choice((_ABROAD_WORK if site.in_usa else _ADULT_WORK).split())


def _hair(rng: random.Random, years: int, sex: str) -> str:
    if years > 52 and rng.random() < (years - 45) / 30:
        codes, weights = ("GRI", "CAN", "TEN", "SIN"), (50, 30, 12 if sex == "F" else 2, 0 if sex == "F" else 18)
    else:
        codes, weights = ("NEG", "CAF", "CSO", "CAS"), (60, 16, 14, 10)
    return rng.choices(codes, weights)[0]


def _height(rng: random.Random, years: int, sex: str) -> int:
    tall = rng.randrange(156, 181) if sex == "M" else rng.randrange(144, 168)
    if years >= 17:
        return tall
    return (
        min(tall, 52 + rng.randrange(26)) if years == 0 else min(tall, 72 + round(6.1 * years) + rng.randrange(-5, 6))
    )


def _name(rng: random.Random, sex: str, years: int, status: str, *, mayan: bool) -> FullName:
    if years >= 18 and rng.random() < 0.007:
        return names.single_name(rng, mayan=mayan)
    name = names.name_of(rng, sex, mayan=mayan)
    if sex == "F" and status in ("CAS", "VIU") and rng.random() < 0.55:
        return names.married(rng, name, widow=status == "VIU", mayan=mayan)
    return name


def _origin(rng: random.Random, site: Site, years: int) -> tuple[str, str, str]:
    """Country, municipality (of registration, for a birth abroad) and place of birth."""
    abroad = 0.55 if site.in_usa and years < 18 else 0.006
    if rng.random() < abroad:
        country, place = places.birthplace_abroad(rng, site)
        return country, "0101", place
    return "GTM", places.pick_municipality(rng, site.departments), ""


def make_person(rng: random.Random, issue_cui: CuiIssuer, site: Site, day: date, youngest: int, oldest: int) -> Person:
    """Somebody of an age from `youngest` to below `oldest` on the day, as comes to that site."""
    birth = birth_for(rng, day, youngest, oldest)
    years = age(birth, day)
    sex = rng.choices(("M", "F", "X"), (497, 500, 3 if years >= 18 else 0))[0]
    country, municipality, place = _origin(rng, site, years)
    mayan = rng.random() < (0.66 if municipality[:2] in places.MAYAN_DEPARTMENTS else 0.14)
    status = _marital_status(rng, years)
    return Person(
        name=_name(rng, sex, years, status, mayan=mayan),
        sex=sex,
        birth=birth,
        precision=_precision(rng, years),
        cui=issue_cui(rng, municipality),
        birth_country=country,
        municipality=municipality,
        birth_place=place,
        eye_color=rng.choices(("CAF", "CAO", "NEG", "CAC", "MIE", "AVE", "VER", "AZU"), (42, 26, 14, 8, 4, 3, 2, 1))[0],
        skin_tone=rng.choices(("MOR", "MOC", "TRI", "BLA", "MOO", "NEG"), (30, 28, 22, 11, 7, 2))[0],
        hair_color=_hair(rng, years, sex),
        height_cm=_height(rng, years, sex),
        marital_status=status,
        occupation=_occupation(rng, years, site),
        mayan=mayan,
    )


def with_two_part_name(rng: random.Random, person: Person) -> Person:
    """The same person without third names and never with a single name: what the former system could hold."""
    name = person.name
    if not name.first_name:
        first, second, _ = names.given_names(rng, person.sex, mayan=person.mayan)
        name = replace(name, first_name=first, second_name=second)
    return replace(person, name=replace(name, other_names=""))


def child_of(child: Person, father: FullName | None, mother: FullName) -> Person:
    """The child with the surnames that its parents give it."""
    if father is None:
        surnames = (mother.first_surname, mother.second_surname)
    else:
        surnames = (father.first_surname, mother.first_surname)
    return replace(child, name=replace(child.name, first_surname=surnames[0], second_surname=surnames[1]))
