"""What is asked for and paid: procedure, type, fee, requirements, guardians, and the former passport it follows."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from app.demo import names, people, places
from app.demo.flaws import OF_MINORS, OF_RENEWALS, Flaw
from app.demo.people import CuiIssuer, Person
from app.demo.places import Site
from workflow.persons import expiry

FORMER_COLUMNS = (
    "CASO", "APELLIDO1", "APELLIDO2", "APELLIDO_CASADA", "NOMBRE1", "NOMBRE2", "TIPO_IDENT", "NUM_IDENT",
    "FECHA_NAC", "SEXO",
    "LIBRETA", "TIPO_PASAPORTE", "FECHA_EMISION", "FECHA_VENCE", "SEDE", "ESTADO",
)  # fmt: skip

Body = dict[str, Any]


@dataclass(frozen=True)
class Application:
    """What somebody comes for, and of what age such people are (`oldest` not included)."""

    procedure: str
    passport_type: str
    validity_years: int
    youngest: int
    oldest: int

    @property
    def is_for_minor(self) -> bool:
        """Guardians must consent."""
        return self.passport_type == "ORM"


class Numbers:
    """Numbers that may be given once only: payment slips, former booklets (F4…) and former cases (…9…)."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def once(self, rng: random.Random, prefix: str, digits: int) -> str:
        """The prefix and that many digits, as never given before."""
        while True:
            number = f"{prefix}{rng.randrange(10**digits):0{digits}d}"
            if number not in self._given:
                self._given.add(number)
                return number


def _minor(rng: random.Random, site: Site, flaw: Flaw | None) -> Application:
    weights = (78, 19, 0 if site.is_consulate else 3)
    procedure = "NUEVO" if flaw else rng.choices(("NUEVO", "RENOVACION", "REPOSICION"), weights)[0]
    youngest = {"NUEVO": 0, "RENOVACION": 8, "REPOSICION": 6}[procedure]
    if flaw:
        youngest = 2
    return Application(procedure, "ORM", 5, youngest, 18)


def _adult(rng: random.Random, site: Site, flaw: Flaw | None) -> Application:
    weights = (45, 55, 0) if site.is_consulate else (47, 45, 8)
    procedure = rng.choices(("NUEVO", "RENOVACION", "REPOSICION"), weights)[0]
    if flaw:
        procedure = "RENOVACION" if flaw in OF_RENEWALS else "NUEVO"
    oldest = rng.choices((30, 45, 62, 88), (36, 34, 18, 12))[0]
    youngest = {30: 18, 45: 30, 62: 45, 88: 62}[oldest]
    if flaw is Flaw.VALID_PASSPORT or procedure == "REPOSICION":
        youngest, oldest = max(youngest, 23), max(oldest, 40)
    return Application(procedure, "ORD", rng.choices((5, 10), (46, 54))[0], youngest, oldest)


def choose(rng: random.Random, site: Site, flaw: Flaw | None) -> Application:
    """An application as that site gets them; one on which the flaw can show."""
    if flaw in OF_MINORS:
        return _minor(rng, site, flaw)
    kind = rng.random()
    if flaw is None and site.code == "GUA" and kind < 0.034:
        return Application("NUEVO", "OFI" if kind < 0.022 else "DIP", 5, 26, 64)
    if flaw is None and kind > (0.88 if site.is_consulate else 0.82):
        return _minor(rng, site, None)
    return _adult(rng, site, flaw)


def fee(application: Application, site: Site) -> str:
    """Amount in US dollars, of the catalogue of fees."""
    code = {"ORD": f"ORD{application.validity_years}", "ORM": "ORM5"}.get(
        application.passport_type, application.passport_type
    )
    if application.procedure == "REPOSICION":
        code = "REP"
    row = next(row for row in places.seed_rows("tarifas") if row["code"] == code)
    return row["usd_consular"] if site.is_consulate and row["usd_consular"] else row["usd_nacional"]


def payment_slip(rng: random.Random, numbers: Numbers, application: Application, site: Site, day: date) -> Body:
    """A slip paid some days before; consulates give no CGC correlative."""
    slip: Body = {"number": numbers.once(rng, "6", 8)}
    if not site.is_consulate:
        slip["cgcNumber"] = f"{rng.randrange(10**7, 10**8)}"
    paid_on = day - timedelta(days=rng.randrange(1, 45))
    return slip | {"amount": fee(application, site), "currency": "USD", "paidOn": paid_on.isoformat()}


def requirements(procedure: str, group: str, applying: Iterable[str] = ()) -> list[Body]:
    """The mandatory requirements of the group; of those that depend on a condition, the ones that apply."""
    wanted = set(applying)
    rows = [row for row in places.seed_rows("requisitos") if (row["tramite"], row["poblacion"]) == (procedure, group)]
    codes = [row["code"] for row in rows if not row["condicion"] or row["code"] in wanted]
    return [{"code": code, "presented": True} for code in codes]


def _consent(rng: random.Random, site: Site, day: date) -> Body:
    code = rng.choices(
        ("MANDATO", "AUTCONS", "DEFPROG"), (70 if site.is_consulate else 50, 0 if site.is_consulate else 36, 14)
    )[0]
    year = day.year
    number = {"MANDATO": f"EP-{year}-{rng.randrange(10**6):06d}", "AUTCONS": f"CONS-{rng.randrange(10**5):05d}-{year}",
              "DEFPROG": f"DEF-{rng.randrange(10**7):07d}"}[code]  # fmt: skip
    return {"code": code, "number": number, "date": (day - timedelta(days=rng.randrange(10, 150))).isoformat()}


def _guardian(rng: random.Random, issue_cui: CuiIssuer, relation: str, name: names.FullName, municipality: str) -> Body:
    return {"relation": relation, "name": str(name), "cui": issue_cui(rng, municipality), "present": True}


def family(
    rng: random.Random,
    issue_cui: CuiIssuer,
    child: Person,
    application: Application,
    site: Site,
    day: date,
    flaw: Flaw | None,
) -> tuple[Person, list[Body], str]:
    """The child with its parents' surnames, its guardians, and the group of requirements."""
    father, mother = (names.name_of(rng, sex, mayan=child.mayan) for sex in ("M", "F"))
    kinds = ("both", "absent", "mother", "court")
    kind = rng.choices(kinds, (74, 16, 7, 3) if application.procedure == "NUEVO" else (80, 20, 0, 0))[0]
    if application.procedure == "REPOSICION" or flaw is Flaw.NO_GUARDIAN:
        kind = "both"
    if flaw is Flaw.ABSENT_PARENT:
        kind = "absent"
    child = people.child_of(child, None if kind == "mother" else father, mother)
    if kind == "court":
        return child, [_guardian(rng, issue_cui, "GUARDIAN", father, child.municipality)], "MENOR_TERCERO"
    parents = [_guardian(rng, issue_cui, "MOTHER", mother, child.municipality)]
    if kind != "mother":
        parents.append(_guardian(rng, issue_cui, "FATHER", father, child.municipality))
    if kind == "absent":
        parents[-1]["present"] = False
        if flaw is None:
            parents[-1]["consentDocument"] = _consent(rng, site, day)
    group = "MENOR_AMBOS_PADRES" if kind == "both" else "MENOR_UN_PADRE"
    return (
        child,
        [] if flaw is Flaw.NO_GUARDIAN else parents,
        "MENOR" if application.procedure == "REPOSICION" else group,
    )


def former_dates(rng: random.Random, day: date, *, still_valid: bool) -> tuple[date, date]:
    """Issue and last day of a former passport: to be renewed soon or long expired, or with years before it."""
    if still_valid:
        issued = day - timedelta(days=rng.randrange(90, 1400))
        return issued, expiry(issued, 10 if issued >= date(2022, 6, 1) and rng.random() < 0.5 else 5)
    expires = day + timedelta(days=rng.randrange(-700, 170))
    return people.years_before(expires, 5), expires


def _former_birth(person: Person) -> str:
    """The date of birth with 00 for what is unknown."""
    return (person.birth_text + "-00-00")[:10]


def former_row(
    rng: random.Random, numbers: Numbers, person: Person, site: Site, issued: date, expires: date
) -> dict[str, str]:
    """The person's passport as a row of the former system's export, typed as that one did."""
    name = person.name
    typed = rng.choices((str.upper, str.title, str.lower), (84, 10, 6))[0]
    kind = "ORDINARIO MENOR" if people.age(person.birth, issued) < 18 else "ORDINARIO"
    values = (
        numbers.once(rng, f"{site.former_prefix}9", 7),
        *(typed(part) for part in (name.first_surname, name.second_surname, name.married_surname)),
        *(typed(part) for part in (name.first_name, name.second_name)),
        "CUI", person.cui, _former_birth(person), person.sex,
        numbers.once(rng, "F4", 6), kind, issued.isoformat(), expires.isoformat(), site.former_label, "ENTREGADO",
    )  # fmt: skip
    return dict(zip(FORMER_COLUMNS, values, strict=True))


def previous_passport(row: dict[str, str]) -> Body:
    """How an enrolment names the passport of that row."""
    return {
        "bookletNumber": row["LIBRETA"], "caseNumber": row["CASO"], "issuedOn": row["FECHA_EMISION"],
        "expiresOn": row["FECHA_VENCE"],
    }  # fmt: skip


def loss(rng: random.Random, day: date) -> Body:
    """Reason of a replacement, with the report of a loss or theft."""
    reason = rng.choices(("ROB", "HUR", "EXT", "DET"), (30, 20, 34, 16))[0]
    if reason == "DET":
        return {"replacementReason": reason}
    authority = rng.choice(("PNC", "PNC", "MP"))
    number = f"{authority}-0101-{day.year}-{rng.randrange(10**6):06d}"
    reported = day - timedelta(days=rng.randrange(1, 20))
    return {
        "replacementReason": reason,
        "report": {"number": number, "authority": authority, "date": reported.isoformat()},
    }
