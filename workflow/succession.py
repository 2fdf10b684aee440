"""A case made from another: by correction or by extension, with its person's data and pictures."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Column, Integer, insert, inspect, select
from sqlalchemy.orm import Session

from models.cases import Applicant, CaseEvent, CasePicture, CaseRequirement, Event, PassportCase, State
from models.text import N_
from security.errors import BadValue
from workflow.correction_form import check_form, keep_together
from workflow.json_body import normalise
from workflow.machine import Act
from workflow.numbering import next_case_number
from workflow.persons import PartialDate, search_name

#: What a correction may change: columns of the case and of the applicant, with their labels.
CORRECTABLE = {
    "first_name": N_("First given name"),
    "second_name": N_("Second given name"),
    "other_names": N_("Other given names"),
    "first_surname": N_("First surname"),
    "second_surname": N_("Second surname"),
    "married_surname": N_("Married surname"),
    "birth_date": N_("Date of birth"),
    "sex_code": N_("Sex"),
    "cui": N_("CUI"),
    "passport_type_code": N_("Passport type"),
    "validity_years": N_("Validity in years"),
}
CORRECTABLE_APPLICANT = {
    "nationality_code": N_("Nationality"),
    "birth_country_code": N_("Country of birth"),
    "birth_department_code": N_("Department of birth"),
    "birth_municipality_code": N_("Municipality of birth"),
    "birth_place": N_("Place of birth"),
    "marital_status_code": N_("Marital status"),
    "occupation_code": N_("Occupation"),
    "eye_colour_code": N_("Eye colour"),
    "skin_tone_code": N_("Skin tone"),
    "hair_colour_code": N_("Hair colour"),
    "height_cm": N_("Height in cm"),
    "phone": N_("Telephone"),
    "email": N_("E-mail"),
}
_OF_THE_OLD = {"id", "number", "enrollment_id", "state", "created_at", "state_since", "procedure_code"} | {
    "booklet_number",
    "previous_booklet",
    "parent_id",
    "held_by_id",
    "held_at",
    "payment_slip",
}


def make_case(act: Act, procedure: str, event: Event) -> PassportCase:
    """A new AUTORIZADA case with the person, data and pictures of `act.case`, linked to it."""
    old, session = act.case, act.session
    columns = {c.key: getattr(old, c.key) for c in inspect(PassportCase).column_attrs if c.key not in _OF_THE_OLD}
    case = PassportCase(
        **columns,
        number=next_case_number(session, old.site_code),
        state=State.AUTORIZADA,
        created_at=act.at,
        state_since=act.at,
        procedure_code=procedure,
        previous_booklet=act.booklet_number,
        parent_id=old.id,
    )
    session.add(case)
    session.flush()
    copied = {c.key: getattr(old.applicant, c.key) for c in inspect(Applicant).column_attrs if c.key != "case_id"}
    session.add(Applicant(case_id=case.id, **copied))
    for table, key in ((CasePicture, "case_id"), (CaseRequirement, "case_id")):
        _copy_rows(session, table, key, old.id, case.id)
    _first_event(act, case, event)
    return case


def _copy_rows(session: Session, table: Any, key: str, old: int, new: int) -> None:
    names = [c.key for c in table.__table__.columns if c.key not in (key, "id")]
    rows = select(*(table.__table__.c[name] for name in names)).where(table.__table__.c[key] == old)
    for row in session.execute(rows).mappings().all():
        session.execute(insert(table.__table__).values({**row, key: new}))


def _first_event(act: Act, case: PassportCase, event: Event) -> None:
    act.session.add(
        CaseEvent(
            case_id=case.id,
            event=event,
            transition=act.transition.name,
            from_state=None,
            to_state=case.state,
            started_at=act.at,
            at=act.at,
            user_id=act.actor.user_id,
            username=act.actor.username,
            site_code=case.site_code,
            address=act.actor.address,
            data={"from_case": act.case.number, **{name: act.data[name] for name in ("asked",) if name in act.data}},
        )
    )


def apply_changes(session: Session, case: PassportCase, changes: dict[str, Any]) -> dict[str, Any]:
    """Write `changes` (column: value) into case and applicant; returns what was there before and is now."""
    session.flush()
    applicant = session.get_one(Applicant, case.id)
    before: dict[str, Any] = {}
    changes = normalise(changes)
    for name, value in changes.items():
        if name not in CORRECTABLE and name not in CORRECTABLE_APPLICANT:
            raise BadValue(N_("%(name)s cannot be corrected."), field="changes", name=name[:40])
        target: PassportCase | Applicant = case if name in CORRECTABLE else applicant
        label = CORRECTABLE.get(name) or CORRECTABLE_APPLICANT[name]
        before[name] = getattr(target, name)
        column: Any = type(target).__table__.c[name]
        setattr(target, name, _checked(session, column, label, value))
    keep_together(session, case, applicant, changes)
    case.search_name = search_name(case.surnames, case.given_names)
    return {"before": before, "after": dict(changes)}


def value_of(session: Session, case: PassportCase, name: str) -> Any:
    """What a column that may be corrected holds now, as the database has it."""
    if name in CORRECTABLE:
        return getattr(case, name)
    applicant = select(Applicant).where(Applicant.case_id == case.id).execution_options(populate_existing=True)
    return getattr(session.scalars(applicant).one(), name)


def _checked(session: Session, column: Column[Any], label: str, value: Any) -> Any:
    """`value` as `column` takes it; `BadValue` naming it otherwise."""
    wrong = partial(BadValue, field="changes", name=column.key, label=label)
    if value is None and column.nullable:
        return None
    if isinstance(column.type, Integer):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 300:
            raise wrong(N_("%(label)s must be a whole number."))
        check_form(column.key, label, value)
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not text or "\x00" in text or len(text) > (column.type.length or 0):  # type: ignore[attr-defined]
        raise wrong(N_("%(label)s is missing or too long."))
    formed = _formed(session, column, text, wrong)
    check_form(column.key, label, formed)
    return formed


def _formed(session: Session, column: Column[Any], text: str, wrong: Callable[..., BadValue]) -> str:
    for key in column.foreign_keys:
        if session.execute(select(key.column).where(key.column == text, key.column.table.c.active)).first() is None:
            raise wrong(N_("%(value)s is not one of the choices."), value=text[:20])
    if column.key == "cui" and not re.fullmatch("[0-9]{13}", text):
        raise wrong(N_("A CUI has thirteen digits."))
    if column.key != "birth_date":
        return text
    try:
        return str(PartialDate.parse(text))
    except ValueError:
        raise wrong(N_("Write the date as YYYY-MM-DD, or YYYY-MM or YYYY when the rest is unknown.")) from None
