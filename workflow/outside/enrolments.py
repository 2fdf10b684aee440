"""Whom an enrolment is about, known before it becomes a case: the person of whom the services are asked."""

import re

from sqlalchemy.orm import Session

from models.enrolments import Enrollment
from security.actor import Actor
from workflow import intake
from workflow.json_body import BadEnrolment, merge_patch
from workflow.outside.mapping import Person

CUI = r"[0-9]{13}"


def person_to_ask(
    session: Session, actor: Actor, enrollment_id: str, raw: bytes | None = None, *, how: str = "finalize"
) -> Person | None:
    """The person of whom the services are to be asked before `how` (create, update, patch, finalize) makes the case.

    None when it will make none, for it will be refused or is finalized: then nobody need be asked.
    """
    known = session.get(Enrollment, enrollment_id) if re.fullmatch(intake.ENROLLMENT_ID, enrollment_id) else None
    if (known is None) != (how == "create") or (known is not None and known.status == "FINALIZED"):
        return None
    try:
        body = known.body if raw is None and known is not None else intake.own_body(enrollment_id, raw or b"")
    except BadEnrolment:
        return None
    body = merge_patch(known.body, body) if how == "patch" and known is not None else body
    biographic, request, context = (
        part if isinstance(part := body.get(name), dict) else {}
        for name in ("biographicData", "requestData", "contextualData")
    )
    person = Person.of(biographic, request)
    return person if re.fullmatch(CUI, person.cui) and actor.sees(str(context.get("site"))) else None
