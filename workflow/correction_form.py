"""What a correction may write: as strict as the form of an enrolment, from which the case was made."""

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from models.cases import Applicant, PassportCase
from models.catalogs import PassportType
from models.text import N_
from workflow.clock import local_date
from workflow.enrolment_codes import BY_CUI, NO_SUCH_VALIDITY
from workflow.enrolment_form import OTHER_DEPARTMENT, BadEnrolment, check_draft
from workflow.errors import BadValue
from workflow.persons import PartialDate, cui_check_digit_ok

#: The member of an enrolment that a column was made from, where that is not the column's name.
_MEMBERS = {
    "birth_date": "dateOfBirth", "sex_code": "gender", "eye_colour_code": "eyeColor", "hair_colour_code": "hairColor",
}  # fmt: skip
_OF_THE_REQUEST = frozenset({"passport_type_code", "validity_years"})


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
    if case.identification_type_code in BY_CUI:
        case.identification_number = case.cui


def _check_validity(session: Session, case: PassportCase) -> None:
    kind = session.get_one(PassportType, case.passport_type_code)
    possible = kind.validities.split(";")
    if str(case.validity_years) not in possible:
        label, said = N_("Validity in years"), {"type": kind.code, "years": ", ".join(possible)}
        raise _wrong("validity_years", label, NO_SUCH_VALIDITY, **said)


def _wrong(column: str, label: str, message: str, **params: Any) -> BadValue:
    return BadValue(message, **{**params, "field": "changes", "name": column, "label": label})
