"""T01 and T02: a complete enrolment becomes a case; what the checks find refers it to secondary validation."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import (
    Applicant,
    CaseEvent,
    CaseFinding,
    CasePicture,
    CaseRequirement,
    Event,
    Finding,
    PassportCase,
    Picture,
    State,
)
from models.clock import local_date
from models.text import N_
from printing.geometry import PageError
from printing.pictures import signature_size
from security.actor import Actor, system_actor
from security.scope import acting_as
from workflow import amendments, cases, checks, loss_facts, pictures
from workflow.booklets import LOST_OR_STOLEN
from workflow.checks import Facts, Found
from workflow.enrolment_codes import BY_CUI, Entries
from workflow.enrolment_form import BadEnrolment, moment
from workflow.enrolment_pictures import Shot, items, kind_of
from workflow.machine import TRANSITIONS, Act, perform
from workflow.numbering import next_case_number
from workflow.outside import consulting, waiting
from workflow.outside.consulting import Consulted
from workflow.outside.mapping import Person
from workflow.persons import search_name

OTHER_SITE = N_("The case number does not begin with the site %(site)s.")
CANNOT_BE_KEPT = N_("A value of this enrolment is larger than can be kept.")
UNPRINTABLE_SIGNATURE = N_("The signature cannot be printed: %(reason)s")
NUMBER_TAKEN = N_("The case number %(number)s is taken.")
#: What an item says besides its picture, its type and where the picture was.
_NOT_KEPT = ("image", "imageRef", "biometricType", "biometricSubType")


@dataclass(frozen=True)
class Complete:
    """An enrolment that passed everything it could be refused for."""

    enrollment_id: str
    body: dict[str, Any]
    entries: Entries
    shots: list[Shot]
    transaction_id: str | None = None
    consulted: Consulted | None = None

    @property
    def site(self) -> str:
        return str(self.body["contextualData"]["site"])

    @property
    def printing_site(self) -> str:
        """As `Site.printing_site`, from the entry that was read with all other codes."""
        site = self.entries.of("sedes", self.site)
        return self.site if site["prints"] else site["prints_at_code"] or self.site


def receive(session: Session, enrolment: Complete, actor: Actor) -> PassportCase:
    """Make the case, with its findings, and refer it when there are any that do. The caller commits.

    What the services did not say before is asked later, by a worker.

    BadEnrolment when the station's case number is not its own or taken.
    """
    now = utc_now()
    request = enrolment.body["requestData"]
    checks.lock_out_rivals(session, enrolment.body["biographicData"]["cui"], request["paymentSlip"]["number"])
    at = moment(enrolment.body["contextualData"]["enrollmentDate"])
    person = Person.of(enrolment.body["biographicData"], request)
    known = enrolment.consulted
    asked = known.about(person) if known else consulting.unasked(session, person)
    found = checks.find(Facts(session, enrolment.body, at, asked.registry, asked.lists))
    case = _case(session, enrolment, at, now)
    case.findings = [CaseFinding(code=one.code, fields=one.fields, detail=one.detail, found_at=now) for one in found]
    _insert(session, case, enrolment)
    session.add(_event(case, enrolment, actor, now))
    session.flush()
    for answer in asked.answers.values():
        consulting.keep(session, actor, answer, case.id)
        waiting.enlist(session, case, answer)
    if request.get("replacementReason") in LOST_OR_STOLEN:
        _void_lost(session, case, actor, now, request["replacementReason"], found)
    if any(one.refers for one in found):
        _refer(session, case, found)
    return case


def _case(session: Session, enrolment: Complete, at: dt.datetime, now: dt.datetime) -> PassportCase:
    person, context, request = (enrolment.body[name] for name in ("biographicData", "contextualData", "requestData"))
    case = PassportCase(
        number=_number(session, enrolment), enrollment_id=enrolment.enrollment_id, state=State.ENROLADA,
        site_code=enrolment.site, print_site_code=enrolment.printing_site,
        mobile=context["stationKind"] == "MOBILE", desk=context.get("desk"), station=context["station"],
        operator=context["operator"], procedure_code=request["procedure"], passport_type_code=request["passportType"],
        validity_years=request["validityYears"], priority=request.get("priority", 3), enrolled_at=at, created_at=now,
        state_since=now, first_name=person.get("firstName"), second_name=person.get("secondName"),
        other_names=person.get("otherNames"), first_surname=person["firstSurname"],
        second_surname=person.get("secondSurname"), married_surname=person.get("marriedSurname"), cui=person["cui"],
        birth_date=person["dateOfBirth"], sex_code=person["gender"],
        identification_type_code=person["identificationType"],
        identification_number=person["cui" if person["identificationType"] in BY_CUI else "identificationNumber"],
        payment_slip=request["paymentSlip"]["number"],
        previous_booklet=request.get("previousPassport", {}).get("bookletNumber"),
    )  # fmt: skip
    case.search_name = search_name(case.surnames, case.given_names)
    case.applicant = _applicant(person, request)
    case.requirements = [
        CaseRequirement(requirement_code=paper["code"], presented=paper["presented"], note=paper.get("note"))
        for paper in request["requirements"]
    ]
    return case


def _number(session: Session, enrolment: Complete) -> str:
    number = enrolment.body["requestData"].get("caseNumber")
    if number is None:
        return next_case_number(session, enrolment.site)
    if not number.startswith(enrolment.site):
        raise BadEnrolment("$.requestData.caseNumber", OTHER_SITE, site=enrolment.site)
    return str(number)


def _applicant(person: dict[str, Any], request: dict[str, Any]) -> Applicant:
    return Applicant(
        nationality_code=person["nationality"], birth_country_code=person["birthCountry"],
        birth_department_code=person.get("birthDepartment"), birth_municipality_code=person.get("birthMunicipality"),
        birth_place=person.get("birthPlace"), marital_status_code=person["maritalStatus"],
        occupation_code=person["occupation"], eye_colour_code=person["eyeColor"], skin_tone_code=person["skinTone"],
        hair_colour_code=person["hairColor"], height_cm=person["heightCm"], address=person["address"],
        phone=person.get("phone"), email=person.get("email"), guardians=person.get("guardians", []),
        payment=request["paymentSlip"], previous_passport=request.get("previousPassport"),
        replacement_reason=request.get("replacementReason"), report=request.get("report"),
        delivery_address=request.get("deliveryAddress"),
    )  # fmt: skip


def _insert(session: Session, case: PassportCase, enrolment: Complete) -> None:
    """Write case and pictures; the unique number decides between stations that give the same.

    A value that the schema lets through and a column does not is the station's fault (400), not ours (5xx).
    """
    taken = {shot.position: _picture(shot.data, shot.proof) for shot in enrolment.shots}
    printed = {shot.position: _printed(shot, taken[shot.position]) for shot in enrolment.shots}
    session.add(case)
    session.add_all([picture for picture in (*taken.values(), *printed.values()) if picture])
    try:
        session.flush()
    except IntegrityError as error:
        if "uq_passport_case_number" in str(error.orig):
            raise BadEnrolment("$.requestData.caseNumber", NUMBER_TAKEN, number=case.number) from error
        raise
    except DataError as error:
        raise BadEnrolment("$", CANNOT_BE_KEPT) from error
    for position, item in enumerate(items(enrolment.body)):
        picture, copy = taken.get(position), printed.get(position)
        session.add(
            CasePicture(
                case_id=case.id, kind=kind_of(item), picture_id=picture.id if picture else None,
                print_picture_id=copy.id if copy else None, missing=None if picture else _reason(item),
                captured={name: value for name, value in item.items() if name not in _NOT_KEPT},
            )
        )  # fmt: skip


def _picture(data: bytes, proof: pictures.Picture) -> Picture:
    digest = bytes.fromhex(proof.sha256)
    return Picture(media_type=proof.media_type, width=proof.width, height=proof.height, sha256=digest, data=data)


def _printed(shot: Shot, picture: Picture) -> Picture | None:
    """The form in which the picture goes on the page, made here once: a portrait as JPEG, a signature as grey PNG.

    A portrait that is printed byte for byte has no pixels here; a signature without ink is not printed.
    """
    kind, raster = kind_of(shot.item), shot.proof.raster
    if kind == "PORTRAIT":
        ready = pictures.as_jpeg(raster, quality=92) if raster else None
        return _made(ready, "image/jpeg", raster.width, raster.height) if ready and raster else picture
    ready = _signature(shot) if kind == "SIGNATURE" else None
    return _made(ready, "image/png", *signature_size(ready)) if ready else None


def _made(data: bytes, media_type: str, width: int, height: int) -> Picture:
    digest = hashlib.sha256(data).digest()
    return Picture(media_type=media_type, width=width, height=height, sha256=digest, data=data)


def _signature(shot: Shot) -> bytes | None:
    try:
        return pictures.ink(shot.proof.raster) if shot.proof.raster else None
    except PageError as error:
        raise BadEnrolment(f"$.biometricData[{shot.position}]", UNPRINTABLE_SIGNATURE, reason=str(error)) from error


def _reason(item: dict[str, Any]) -> str:
    """Why there is no picture: BANDAGED, AMPUTATED, DAMAGED, or the operator's comment."""
    return str(item["missing"][0]["presence"] if "missing" in item else item["comment"])


def _event(case: PassportCase, enrolment: Complete, actor: Actor, now: dt.datetime) -> CaseEvent:
    return CaseEvent(
        case_id=case.id, event=Event.RECEPCION, transition="receive", from_state=None, to_state=State.ENROLADA,
        started_at=now, at=now, user_id=actor.user_id,
        username=actor.username, site_code=case.site_code, address=actor.address,
        data={
            "enrollment": enrolment.enrollment_id, "transaction": enrolment.transaction_id, "station": case.station,
            "operator": case.operator,
        },
    )  # fmt: skip


def _void_lost(
    session: Session, case: PassportCase, actor: Actor, now: dt.datetime, reason: str, found: list[Found]
) -> None:
    """Void the lost booklet at once, unless it is another person's: then whoever decides the case does."""
    if any(one.code is Finding.RENEWAL_MISMATCH and "cui" in one.fields for one in found):
        return
    reported = dt.date.fromisoformat(case.applicant.report["date"]) if case.applicant.report else None
    with loss_facts.known(session, on=min(reported, local_date(now)) if reported else None):
        amendments.void_former(Act(session, TRANSITIONS[amendments.void_booklet.__name__], case, actor, now), reason)


def _refer(session: Session, case: PassportCase, found: list[Found]) -> None:
    system = system_actor(session)
    with acting_as(system):
        perform(session, cases.refer.__name__, case.number, system, comment=", ".join(one.code for one in found))
