"""A case made from another: by correction or by extension, with its person's data and pictures."""

import datetime as dt
from typing import Any

from sqlalchemy import insert, inspect, select
from sqlalchemy.orm import Session

from models.cases import Applicant, CaseEvent, CasePicture, CaseRequirement, Event, PassportCase, State
from models.text import N_
from workflow.clock import local_date
from workflow.errors import BadValue, Refused
from workflow.machine import Act
from workflow.numbering import next_case_number
from workflow.persons import PartialDate, search_name

#: A passport may be extended once no more than this is left (SPEC 2).
EXTENSION_WINDOW = dt.timedelta(days=183)
CORRECTABLE = (
    "first_name second_name other_names first_surname second_surname married_surname birth_date sex_code cui "
    "passport_type_code validity_years"
).split()
CORRECTABLE_APPLICANT = (
    "nationality_code birth_country_code birth_department_code birth_municipality_code birth_place "
    "marital_status_code occupation_code eye_colour_code skin_tone_code hair_colour_code height_cm phone email"
).split()
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
            data={"from_case": act.case.number},
        )
    )


def apply_changes(session: Session, case: PassportCase, changes: dict[str, Any]) -> dict[str, Any]:
    """Write `changes` (column: value) into case and applicant; returns what was there before and is now."""
    session.flush()
    applicant = session.get_one(Applicant, case.id)
    before: dict[str, Any] = {}
    for name, value in changes.items():
        target = case if name in CORRECTABLE else applicant if name in CORRECTABLE_APPLICANT else None
        if target is None:
            raise BadValue(N_("%(name)s cannot be corrected."), field="changes", name=name[:40])
        before[name] = getattr(target, name)
        setattr(target, name, _checked(name, value))
    case.search_name = search_name(case.surnames, case.given_names)
    return {"before": before, "after": dict(changes)}


def _checked(name: str, value: Any) -> Any:
    if value is None and name not in ("first_surname", "cui", "birth_date", "sex_code"):
        return None
    if name in ("height_cm", "validity_years"):
        if not isinstance(value, int):
            raise BadValue(N_("%(name)s must be a whole number."), field="changes", name=name)
        return value
    if not isinstance(value, str) or not value.strip() or len(value) > 120:
        raise BadValue(N_("%(name)s must be text."), field="changes", name=name)
    if name == "birth_date":
        return str(PartialDate.parse(value))
    return value.strip()


def refuse_early_extension(expires_on: dt.date, now: dt.datetime) -> None:
    """Raise `Refused` while more than six months of validity are left."""
    if expires_on - local_date(now) > EXTENSION_WINDOW:
        raise Refused(
            N_("The passport is valid until %(date)s: it can be extended in its last six months."), date=expires_on
        )
