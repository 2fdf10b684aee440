"""What is alike and what differs between the data of a case and another record of the same person, field by field.

Names are compared as everywhere: capitals, no accents, Ñ as N, apostrophes dropped. What the other record does not
hold is no difference. It shows; the findings, made at intake, decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import AnyRow
from models.cases import CaseFinding, PassportCase
from models.enrolments import FormerCase
from models.text import N_
from workflow.persons import PartialDate, normalised

#: Labels of the data that checks and corrections name: intake's members and our columns.
FIELD_LABELS = {
    "firstName": N_("First given name"),
    "secondName": N_("Second given name"),
    "otherNames": N_("Other given names"),
    "firstSurname": N_("First surname"),
    "secondSurname": N_("Second surname"),
    "marriedSurname": N_("Married surname"),
    "dateOfBirth": N_("Date of birth"),
    "gender": N_("Sex"),
    "cui": N_("CUI"),
    "birthDepartment": N_("Department of birth"),
    "birthMunicipality": N_("Municipality of birth"),
    "birthCountry": N_("Country of birth"),
    "birthPlace": N_("Place of birth"),
    "nationality": N_("Nationality"),
    "maritalStatus": N_("Marital status"),
    "identificationType": N_("Identification type"),
    "identificationNumber": N_("Identification number"),
    "passportType": N_("Passport type"),
    "paymentSlip": N_("Payment slip"),
    "previousPassport": N_("Former passport"),
    "bookletNumber": N_("Booklet number"),
    "guardians": N_("Guardians"),
    "deceasedOn": N_("Date of death"),
    "expiresOn": N_("Expires on"),
    "caseNumber": N_("Case number"),
    "name": N_("Name"),
}
#: Data that are codes, and the catalog that names them.
CODED = {
    "gender": "sex",
    "birthDepartment": "department",
    "birthMunicipality": "municipality",
    "birthCountry": "country",
    "maritalStatus": "marital_status",
    "identificationType": "identification_type",
    "passportType": "passport_type",
}
#: Data that are dates.
DATES = frozenset({"dateOfBirth", "deceasedOn", "expiresOn"})
_COMPARED = (
    ("firstName", "first_name"),
    ("secondName", "second_name"),
    ("firstSurname", "first_surname"),
    ("secondSurname", "second_surname"),
    ("marriedSurname", "married_surname"),
    ("dateOfBirth", "birth_date"),
    ("gender", "sex_code"),
    ("cui", "cui"),
    ("identificationType", "identification_type_code"),
    ("identificationNumber", "identification_number"),
    ("passportType", "passport_type_code"),
)
#: These may change from one passport to the next without anybody wondering.
_NO_DIFFERENCE = frozenset({"identificationType", "identificationNumber", "passportType"})


@dataclass(frozen=True)
class Line:
    """One datum, as captured now and as the other record has it; texts as stored, None where one has nothing."""

    field: str
    captured: str | None
    known: str | None
    differs: bool

    @property
    def label(self) -> str:
        """The message id of the field's name; the name itself for one nobody declared."""
        return FIELD_LABELS.get(self.field, self.field)


def side_by_side(case: PassportCase, other: AnyRow | FormerCase | PassportCase) -> list[Line]:
    """The person's data in the case and in another record."""
    return [_line(field, getattr(case, column), getattr(other, column, None)) for field, column in _COMPARED]


def _line(field: str, captured: str | None, known: str | None) -> Line:
    differs = bool(known) and field not in _NO_DIFFERENCE and _plain(field, captured) != _plain(field, known)
    return Line(field, captured or None, known or None, differs)


def _plain(field: str, text: str | None) -> object:
    if not text:
        return None
    if field == "dateOfBirth":
        return known_date(text) or text
    return normalised(text)


def known_date(text: str) -> PartialDate | None:
    """The date, partial or whole, in either system's form; None when it is no date."""
    for parse in (PartialDate.parse, PartialDate.parse_former):
        try:
            return parse(text)
        except ValueError:
            continue
    return None


def of_finding(finding: CaseFinding) -> list[Line]:
    """The pairs of captured and known that a check wrote into a finding's detail (workflow.checks)."""
    pairs = {name: pair for name, pair in finding.detail.items() if isinstance(pair, Mapping) and "captured" in pair}
    return [Line(name, _text(pair["captured"]), _text(pair.get("known")), True) for name, pair in pairs.items()]


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)
