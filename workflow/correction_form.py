"""What a correction may write: as strict as the form of an enrolment, from which the case was made."""

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from models.cases import Applicant, PassportCase
from models.catalogs import PassportType
from models.clock import local_date
from models.text import N_
from security.errors import BadValue
from workflow import printable
from workflow.enrolment_codes import BY_CUI, NO_SUCH_VALIDITY
from workflow.enrolment_form import OTHER_DEPARTMENT, BadEnrolment, check_draft
from workflow.persons import PartialDate, cui_check_digit_ok

#: The member of an enrolment that a column was made from, where that is not the column's name.
_MEMBERS = {
    "birth_date": "dateOfBirth", "sex_code": "gender", "eye_colour_code": "eyeColor", "hair_colour_code": "hairColor",
}  # fmt: skip
_OF_THE_REQUEST = frozenset({"passport_type_code", "validity_years"})
_NAMES = frozenset({"first_name", "second_name", "other_names", "first_surname", "second_surname", "married_surname"})
_BIRTH_PLACE = frozenset({"birth_place", "birth_country_code", "birth_department_code", "birth_municipality_code"})


def check_form(column: str, label: str, value: Any) -> None:
    """Raise `BadValue` unless an enrolment could have `value` where `column` was read from."""
    head, *rest = column.removesuffix("_code").split("_")
    member = _MEMBERS.get(column) or head + "".join(word.capitalize() for word in rest)
    try:
        check_draft({"requestData" if column in _OF_THE_REQUEST else "biographicData": {member: value}})
    except BadEnrolment as fault:
        raise _wrong(column, label, fault.message, **fault.params) from None
    if column == "cui" and not cui_check_digit_ok(value):
        raise _wrong(column, label, N_("The check digit of this CUI is wrong."))
    if column in _NAMES:
        _refuse(column, label, printable.in_name(value))
    if column == "birth_place":
        _refuse(column, label, printable.in_text(value))


def keep_together(session: Session, case: PassportCase, applicant: Applicant, changed: Collection[str]) -> None:
    """After `changed` was written: raise `BadValue` when what belongs together does not agree; a CUI is its own proof.

    Columns that were not changed are not looked at again: what the station sent stays as it was.
    """
    if _OF_THE_REQUEST & set(changed):
        _check_validity(session, case)
    if "birth_date" in changed and PartialDate.parse(case.birth_date).earliest() > local_date(case.enrolled_at):
        raise _wrong("birth_date", N_("Date of birth"), N_("Nobody is born after he was enrolled."))
    municipality, department = applicant.birth_municipality_code, applicant.birth_department_code
    moved = {"birth_department_code", "birth_municipality_code"} & set(changed)
    if moved and municipality and not municipality.startswith(department or municipality):
        raise _wrong("birth_municipality_code", N_("Municipality of birth"), OTHER_DEPARTMENT)
    _check_page(session, case, applicant, changed)
    if case.identification_type_code in BY_CUI:
        case.identification_number = case.cui


def _check_page(session: Session, case: PassportCase, applicant: Applicant, changed: Collection[str]) -> None:
    """What is printed of more than one column, of which one was changed, can be printed."""
    if names := _NAMES & set(changed):
        _refuse(min(names), N_("Name"), printable.in_names(case.surnames, case.given_names))
    if "nationality_code" in changed:
        _refuse("nationality_code", N_("Nationality"), printable.in_nationality(session, applicant))
    if places := _BIRTH_PLACE & set(changed):
        _refuse(min(places), N_("Place of birth"), printable.in_birth_place(session, applicant))


def _refuse(column: str, label: str, obstacle: printable.Obstacle | None) -> None:
    if obstacle:
        raise _wrong(column, label, obstacle.message, **obstacle.params)


def _check_validity(session: Session, case: PassportCase) -> None:
    kind = session.get_one(PassportType, case.passport_type_code)
    possible = kind.validities.split(";")
    if str(case.validity_years) not in possible:
        label, said = N_("Validity in years"), {"type": kind.code, "years": ", ".join(possible)}
        raise _wrong("validity_years", label, NO_SUCH_VALIDITY, **said)


def _wrong(column: str, label: str, message: str, **params: Any) -> BadValue:
    return BadValue(message, **{**params, "field": "changes", "name": column, "label": label})
