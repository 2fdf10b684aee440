"""What is known of passports issued before, here and by the former system: whose a booklet was, what a person holds.

Asked at intake, of every site's cases, by indexed columns only.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from models.booklets import Booklet, BookletState, Personalisation
from models.cases import Applicant, PassportCase, State
from models.enrolments import FormerCase
from workflow.booklets import LOST_OR_STOLEN
from workflow.persons import normalised


@dataclass(frozen=True)
class Holder:
    """Who was given a booklet: number of the case it was made by, and the person in the names of the intake schema.

    `person` lacks what the record has no place for; unknown dates and names are None.
    """

    case: str
    person: dict[str, str | None]


@dataclass(frozen=True)
class Passport:
    """A valid passport: number of its case, booklet, last day of validity."""

    case: str
    booklet: str
    expires_on: dt.date


def holders(session: Session, booklet: str, captured: dict[str, Any]) -> Iterator[Holder]:
    """Who was given `booklet`; in the former system two people may have been. `captured` is who says he was."""
    ours = (
        select(PassportCase).join(Personalisation, Personalisation.case_id == PassportCase.id)
        .where(Personalisation.booklet_number == booklet, Personalisation.delivered_at.is_not(None))
        .order_by(Personalisation.id.desc()).limit(1).execution_options(every_site=True)
    )  # fmt: skip
    for case in session.scalars(ours):
        yield Holder(case.number, _person(case) | {"otherNames": case.other_names})
    theirs = select(FormerCase).where(FormerCase.booklet_number == booklet).order_by(FormerCase.number)
    for former in session.scalars(theirs):
        yield Holder(former.number, _as_split(captured, _person(former)))


def _person(known: PassportCase | FormerCase) -> dict[str, str | None]:
    return {
        "firstName": known.first_name, "secondName": known.second_name, "firstSurname": known.first_surname,
        "secondSurname": known.second_surname, "marriedSurname": known.married_surname,
        "dateOfBirth": known.birth_date, "gender": known.sex_code, "cui": known.cui,
    }  # fmt: skip


def _as_split(captured: dict[str, Any], person: dict[str, str | None]) -> dict[str, str | None]:
    """`person` with his second names split as the captured ones are, when together they are the same.

    The former system had no third field: further given names stand with the second.
    """
    second, others = captured.get("secondName", ""), captured.get("otherNames", "")
    if others and normalised(f"{second} {others}") == normalised(person["secondName"] or ""):
        return person | {"secondName": second, "otherNames": others}
    return person | {"otherNames": None}


def valid_passport(session: Session, cui: str, passport_type: str, on: dt.date, *, but: str | None) -> Passport | None:
    """A delivered passport of that type that the person holds, valid on that day, other than booklet `but`."""
    for query in (_held_here(cui, passport_type, on), _held_from_former(cui, passport_type, on)):
        for row in session.execute(query.execution_options(every_site=True)):
            if row[1] != but:
                return Passport(*row)
    return None


def _held_here(cui: str, passport_type: str, on: dt.date) -> Select[*tuple[Any, ...]]:
    return (
        select(PassportCase.number, Booklet.number, Booklet.expires_on)
        .join(Booklet, and_(Booklet.case_id == PassportCase.id, Booklet.state == BookletState.ENTREGADA))
        .where(PassportCase.cui == cui, PassportCase.passport_type_code == passport_type, Booklet.expires_on >= on)
        .order_by(PassportCase.id)
    )


def _held_from_former(cui: str, passport_type: str, on: dt.date) -> Select[*tuple[Any, ...]]:
    """Not one that a passport of ours replaced, or that was reported lost or stolen here."""
    later = aliased(PassportCase)
    ended = (
        select(later.id).join(Applicant, Applicant.case_id == later.id)
        .where(
            later.cui == cui, later.previous_booklet == FormerCase.booklet_number,
            or_(
                later.state.in_((State.ENTREGADA, State.CORREGIDA)),
                Applicant.replacement_reason.in_(sorted(LOST_OR_STOLEN)),
            ),
        )
    )  # fmt: skip
    return (
        select(FormerCase.number, FormerCase.booklet_number, FormerCase.expires_on)
        .where(
            FormerCase.cui == cui, FormerCase.passport_type_code == passport_type, FormerCase.state == "ENTREGADO",
            FormerCase.expires_on >= on, ~ended.exists(),
        )
        .order_by(FormerCase.number)
    )  # fmt: skip
