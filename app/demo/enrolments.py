"""Enrolments of invented people, as bodies of the OSIA Enrolment interface in the profile of the intake."""

import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from app.demo import flaws, people, places, requests
from app.demo.agenda import Slot, operator_of, slots
from app.demo.captures import biometric_data
from app.demo.flaws import Flaw
from app.demo.people import CuiIssuer, Person
from app.demo.places import City, Site
from app.demo.requests import Application, Body, Numbers


@dataclass(frozen=True)
class DemoEnrolment:
    """One enrolment, and what must be known elsewhere for it to come out as `expected`.

    `registry_rows` and `former_rows` have the columns of the files of the civil registry and of the former system.
    `expected` are the codes of the findings that it must raise, `may_also` those that may come besides. `follows` is
    the identifier of an earlier enrolment whose case must still be open (DUPLICATE_CASE) or not refused (PAYMENT_USED).
    """

    enrollment_id: str
    body: dict[str, Any]
    registry_rows: tuple[dict[str, str], ...]
    former_rows: tuple[dict[str, str], ...] = ()
    expected: tuple[str, ...] = ()
    may_also: tuple[str, ...] = ()
    follows: str | None = None


@dataclass(frozen=True)
class _Earlier:
    enrollment_id: str
    person: Person
    application: Application
    slip_number: str


@dataclass
class _Office:
    """What one run has given out and seen so far."""

    issue_cui: CuiIssuer = field(default_factory=CuiIssuer)
    numbers: Numbers = field(default_factory=Numbers)
    earlier: deque[_Earlier] = field(default_factory=lambda: deque(maxlen=60))

    def take_earlier(self, flaw: Flaw | None) -> _Earlier | None:
        """A clean enrolment that this flaw can follow, each at most once; None when there is none yet."""
        for known in self.earlier if flaw in flaws.FOLLOWING else ():
            if flaw is not Flaw.DUPLICATE or (known.application.procedure, known.application.passport_type) == (
                "NUEVO",
                "ORD",
            ):
                self.earlier.remove(known)
                return known
        return None


def _biographic(rng: random.Random, person: Person, site: Site, city: City | None) -> Body:
    name = person.name
    parts = {
        "firstName": name.first_name, "secondName": name.second_name, "otherNames": name.other_names,
        "firstSurname": name.first_surname, "secondSurname": name.second_surname,
        "marriedSurname": name.married_surname,
    }  # fmt: skip
    data: Body = {key: part for key, part in parts.items() if part}
    data |= {"dateOfBirth": person.birth_text, "gender": person.sex, "nationality": "GTM", "identificationType": "CUI"}
    data |= {"cui": person.cui, "birthCountry": person.birth_country}
    if person.birth_country == "GTM":
        data |= {"birthDepartment": person.municipality[:2], "birthMunicipality": person.municipality}
    else:
        data["birthPlace"] = person.birth_place
    data |= {"maritalStatus": person.marital_status, "occupation": person.occupation, "eyeColor": person.eye_color}
    data |= {"skinTone": person.skin_tone, "hairColor": person.hair_color, "heightCm": person.height_cm}
    data |= {"address": _home(rng, person, site, city), "phone": places.phone(rng, city)}
    if rng.random() < 0.45:
        data["email"] = f"solicitante.{person.cui[:8]}@example.org"
    return data


def _home(rng: random.Random, person: Person, site: Site, city: City | None) -> Body:
    if city is not None:
        return {"line": places.home_abroad(rng, city), "country": "USA" if site.in_usa else "ESP"}
    born_there = person.birth_country == "GTM" and rng.random() < 0.6
    code = person.municipality if born_there else places.pick_municipality(rng, site.departments)
    return {"line": places.home_line(rng), "department": code[:2], "municipality": code, "country": "GTM"}


def _identification(rng: random.Random, person: Person, application: Application, site: Site, previous: str) -> Body:
    if application.is_for_minor:
        return {"identificationType": rng.choices(("CNA", "CME"), (80, 20))[0]}
    shown = rng.random()
    if site.is_consulate and previous and shown < 0.2:
        return {"identificationType": "PAS", "identificationNumber": previous}
    if site.is_consulate and shown > 0.82:
        return {"identificationType": "TIC", "identificationNumber": f"{site.code}-{rng.randrange(10**6):06d}"}
    return {}


def _priority(rng: random.Random, years: int) -> Body:
    luck = rng.random()
    if luck < 0.015:
        return {"priority": 1}
    if years >= 65 or years < 1 or luck < 0.05:
        return {"priority": 2}
    return {"priority": 3} if luck < 0.2 else {}


def _delivery(rng: random.Random, site: Site, city: City | None, guardians: list[Body]) -> Body:
    """Where to post the passport: asked for by most, at a consulate in the USA."""
    if not site.in_usa or city is None or rng.random() > 0.75:
        return {}
    address: Body = {
        "address1": places.street_usa(rng),
        "city": city[0],
        "state": city[1],
        "postalCode": city[2],
        "country": "USA",
    }
    if rng.random() < 0.4:
        address["address2"] = f"Apt {rng.randrange(1, 60)}"
    present = [guardian["name"] for guardian in guardians if guardian["present"]]
    if present:
        address["recipient"] = present[0]
    return {"deliveryAddress": address | {"phone": places.phone(rng, city)}}


def _contextual(rng: random.Random, slot: Slot) -> Body:
    data: Body = {
        "enrollmentDate": slot.when.isoformat(), "site": slot.site.code, "station": slot.station,
        "stationKind": "MOBILE" if slot.site.is_mobile else "FIXED", "operator": operator_of(slot.station),
    }  # fmt: skip
    if slot.site.code in ("GUA", "GU9", "QTZ"):
        data["desk"] = f"M{rng.randrange(1, 7)}"
    return data


def _applying(guardians: list[Body], person: Person, request: Body) -> list[str]:
    """Codes of the conditional requirements that apply here."""
    codes = ["DPIPAD", "RESJUD"]
    codes += ["ART144"] if person.birth_country != "GTM" else []
    codes += ["CARTA", "PASDET"] if request.get("replacementReason") == "DET" else ["DENUNCIA"]
    return codes + [guardian["consentDocument"]["code"] for guardian in guardians if "consentDocument" in guardian]


def _adult_group(application: Application, site: Site) -> str:
    special = {"OFI": "OFICIAL", "DIP": "DIPLOMATICO"}.get(application.passport_type)
    return special or ("CONSULAR_ADULTO" if site.is_consulate else "ADULTO")


class _Applicant:
    """Puts one enrolment together: who, what for, what is wrong, and what others know of it."""

    def __init__(
        self, rng: random.Random, office: _Office, slot: Slot, flaw: Flaw | None, earlier: _Earlier | None
    ) -> None:
        self.rng, self.office, self.slot, self.flaw, self.earlier = rng, office, slot, flaw, earlier
        self.site, self.day = slot.site, slot.when.date()
        again = earlier if flaw is Flaw.DUPLICATE else None
        self.application = again.application if again else requests.choose(rng, self.site, flaw)
        self.guardians: list[Body] = []
        self.group = _adult_group(self.application, self.site)
        self.person = again.person if again else self._somebody()
        self.city = rng.choice(self.site.cities) if self.site.is_consulate else None
        self.former_rows: tuple[dict[str, str], ...] = ()

    def _somebody(self) -> Person:
        rng, wanted = self.rng, self.application
        person = people.make_person(rng, self.office.issue_cui, self.site, self.day, wanted.youngest, wanted.oldest)
        while self.flaw and not flaws.fits(person):
            person = people.make_person(rng, self.office.issue_cui, self.site, self.day, wanted.youngest, wanted.oldest)
        if wanted.procedure != "NUEVO" or self.flaw is Flaw.VALID_PASSPORT:
            person = people.with_two_part_name(rng, person)
        if wanted.passport_type in ("OFI", "DIP"):
            person = replace(
                person, occupation="OC031" if wanted.passport_type == "DIP" else rng.choice(("OC040", "OC049"))
            )
        if wanted.is_for_minor:
            person, self.guardians, self.group = requests.family(
                rng, self.office.issue_cui, person, wanted, self.site, self.day, self.flaw
            )
        return flaws.moved(rng, person) if self.flaw is Flaw.BIRTH_PLACE else person

    def _former(self) -> Body:
        """Puts the former passport into the former system, and says how the enrolment names it."""
        follows = self.application.procedure != "NUEVO"
        if not follows and self.flaw is not Flaw.VALID_PASSPORT:
            return {}
        rng, flaw = self.rng, self.flaw
        still_valid = self.application.procedure == "REPOSICION" or flaw is Flaw.VALID_PASSPORT
        issued, expires = requests.former_dates(rng, self.day, still_valid=still_valid)
        holder = flaws.former_person(rng, self.person, flaw)
        if flaw is Flaw.FORMER_OF_ANOTHER:
            other = people.make_person(rng, self.office.issue_cui, self.site, self.day, 30, 60)
            holder = people.with_two_part_name(rng, other)
        row = requests.former_row(rng, self.office.numbers, holder, self.site, issued, expires)
        self.former_rows = () if flaw is Flaw.FORMER_UNKNOWN else (row,)
        return {"previousPassport": requests.previous_passport(row)} if follows else {}

    def _request(self, years: int) -> Body:
        rng, wanted = self.rng, self.application
        request: Body = {
            "procedure": wanted.procedure, "passportType": wanted.passport_type,
            "validityYears": wanted.validity_years,
        }  # fmt: skip
        slip = requests.payment_slip(rng, self.office.numbers, wanted, self.site, self.day)
        if self.earlier and self.flaw in flaws.OF_PAYMENT:
            slip["number"] = self.earlier.slip_number
        request |= _priority(rng, years) | {"paymentSlip": slip} | self._former()
        if wanted.procedure == "REPOSICION":
            request |= requests.loss(rng, self.day)
        applying = _applying(self.guardians, self.person, request)
        request["requirements"] = requests.requirements(wanted.procedure, self.group, applying)
        return request | _delivery(rng, self.site, self.city, self.guardians)

    def enrolment(self) -> DemoEnrolment:
        """The whole, drawings included; remembered as something later ones can follow when nothing is wrong with it."""
        rng, slot = self.rng, self.slot
        years = people.age(self.person.birth, self.day)
        shown = flaws.captured(rng, self.person, self.flaw)
        request = self._request(years)
        biographic = _biographic(rng, shown, self.site, self.city)
        previous = request.get("previousPassport", {}).get("bookletNumber", "")
        biographic |= _identification(rng, shown, self.application, self.site, previous)
        if self.guardians:
            biographic["guardians"] = self.guardians
        formal = self.application.passport_type in ("OFI", "DIP")
        body = {
            "enrollmentType": "PASSPORT",
            "requestData": request,
            "contextualData": _contextual(rng, slot),
            "biographicData": biographic,
            "biometricData": biometric_data(rng, self.person, years, slot.when, formal=formal),
        }
        if self.flaw is None:
            number = request["paymentSlip"]["number"]
            known = _Earlier(slot.enrollment_id, self.person, self.application, number)
            self.office.earlier.append(known)
        return DemoEnrolment(
            enrollment_id=slot.enrollment_id,
            body=body,
            registry_rows=() if self.flaw is Flaw.DUPLICATE else flaws.registry_rows(rng, self.person, self.flaw),
            former_rows=self.former_rows,
            expected=self.flaw.findings if self.flaw else (),
            may_also=("REGISTRY_MISMATCH",) if self.flaw in flaws.OF_CHECK_DIGIT else (),
            follows=self.earlier.enrollment_id if self.earlier else None,
        )


def make_enrolments(seed: int, count: int, *, today: date) -> Iterator[DemoEnrolment]:
    """Yields enrolments in the order of their time, all before today; the same arguments give the same ones.

    About 12 % must raise findings, see `flaws`.
    """
    rng = random.Random(f"demo {seed}")  # noqa: S311  invented data, not a secret
    office, plan, postponed = _Office(), flaws.schedule(rng, count), deque[Flaw]()
    for number, slot in enumerate(slots(rng, count, today)):
        flaw = plan.get(number) or (postponed.popleft() if postponed else None)
        earlier = office.take_earlier(flaw)
        if flaw in flaws.FOLLOWING and earlier is None:
            postponed.append(flaw)
            flaw = None
        yield _Applicant(rng, office, slot, flaw, earlier).enrolment()


def write_folder(path: Path, seed: int, count: int, today: date) -> list[DemoEnrolment]:
    """Writes each body as `<enrollmentId>.json` into the folder, made if need be; gives back what was written."""
    path.mkdir(parents=True, exist_ok=True)
    written = list(make_enrolments(seed, count, today=today))
    for enrolment in written:
        text = json.dumps(enrolment.body, ensure_ascii=False, indent=1)
        (path / f"{enrolment.enrollment_id}.json").write_text(text + "\n", encoding="utf-8")
    return written
