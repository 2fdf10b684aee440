"""What of enrolments is shown and found: chosen members (`attributes`) and expressions on them (OSIA findEnrollments).

Expressions become SQL on the stored JSON with every name and value a parameter. Equality is written as containment, so
that an index on the body can answer it.
"""

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.enrolments import Enrollment
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed
from security.looks import log_look
from security.permissions import Permission
from workflow.enrolment_form import SCHEMA, BadEnrolment, parse_json
from workflow.enrolment_pictures import with_references

MOST_EXPRESSIONS = 20
OPERATORS = ("<", ">", "=", ">=", "<=", "!=")
NOT_EXPRESSIONS = N_("This must be a list of at most %(limit)s expressions.")
NOT_AN_EXPRESSION = N_("An expression has attributeName, operator and value, and nothing else.")
NO_SUCH_ATTRIBUTE = N_("An enrolment has no attribute %(name)s.")
NO_SUCH_OPERATOR = N_("This must be one of: %(values)s.")
BAD_COMPARISON = N_("This value can only be compared with = and !=.")
NOT_A_VALUE = N_("This must be text, a number, true or false.")

_ATTRIBUTE = re.compile(r"(\$\.)?([A-Za-z][A-Za-z0-9_]{0,59}(\.[A-Za-z0-9_]{1,60}){0,6})")
_OWN = {"enrollmentId": Enrollment.id, "status": Enrollment.status}
#: Objects whose members may be named without saying where they are.
_OBJECTS = ("biographicData", "requestData", "contextualData")
_TOP = frozenset(SCHEMA["$defs"]["draft"]["properties"])


def choose(shown: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Identifier, status and of the rest what `names` say: members, dotted paths, or members of the fixed objects.

    A name that the enrolment does not have adds nothing.
    """
    chosen = {name: shown[name] for name in _OWN}
    for name in names:
        path = _path(name)
        if path is not None:
            _copy(shown, chosen, path)
    return chosen


def _copy(source: dict[str, Any], target: dict[str, Any], path: tuple[str, ...]) -> None:
    for step in path[:-1]:
        inner = source.get(step)
        if not isinstance(inner, dict):
            return
        source, target = inner, target.setdefault(step, {})
    if path[-1] in source:
        target[path[-1]] = source[path[-1]]


def find(session: Session, actor: Actor, raw: bytes, *, offset: int, limit: int, root: str) -> list[dict[str, Any]]:
    """Enrolments of the actor's sites for which every expression of the JSON text `raw` holds, oldest first.

    Pictures are given by their address, which begins with `root`. BadEnrolment, NotAllowed; the look is logged.
    """
    if not actor.may(Permission.ENROLL_READ):
        raise NotAllowed()
    actor = actor.by(Permission.ENROLL_READ)
    conditions = _conditions(parse_json(raw) if raw.strip() else [])
    query = select(Enrollment).where(*conditions, *_sites(actor)).order_by(Enrollment.created_at, Enrollment.id)
    found = session.scalars(query.offset(offset).limit(limit)).all()
    log_look(session, actor, "osia", None, found=[enrolment.id for enrolment in found[:50]], count=len(found))
    return [
        {**with_references(enrolment, root), "enrollmentId": enrolment.id, "status": enrolment.status}
        for enrolment in found
    ]


def _sites(actor: Actor) -> list[ColumnElement[bool]]:
    if actor.sites is None:
        return []
    own = and_(Enrollment.site_code.is_(None), Enrollment.created_by_id == actor.user_id)
    return [or_(Enrollment.site_code.in_(sorted(actor.sites)), own)]


def _conditions(expressions: Any) -> list[ColumnElement[bool]]:
    if not isinstance(expressions, list) or len(expressions) > MOST_EXPRESSIONS:
        raise BadEnrolment("$", NOT_EXPRESSIONS, limit=MOST_EXPRESSIONS)
    return [_condition(f"$[{position}]", expression) for position, expression in enumerate(expressions)]


def _condition(place: str, expression: Any) -> ColumnElement[bool]:
    if not isinstance(expression, dict) or set(expression) != {"attributeName", "operator", "value"}:
        raise BadEnrolment(place, NOT_AN_EXPRESSION)
    name, operator, value = expression["attributeName"], expression["operator"], expression["value"]
    if operator not in OPERATORS:
        raise BadEnrolment(f"{place}.operator", NO_SUCH_OPERATOR, values=" ".join(OPERATORS))
    if not isinstance(value, str | int | float):
        raise BadEnrolment(f"{place}.value", NOT_A_VALUE)
    path = _path(name) if isinstance(name, str) else None
    if path is None:
        raise BadEnrolment(f"{place}.attributeName", NO_SUCH_ATTRIBUTE, name=str(name)[:60])
    if isinstance(value, bool) and operator not in ("=", "!="):
        raise BadEnrolment(f"{place}.operator", BAD_COMPARISON)
    return _compared(path, operator, unicodedata.normalize("NFC", value) if isinstance(value, str) else value)


def _path(name: str) -> tuple[str, ...] | None:
    """The way to an attribute from the root of the body; None when there can be none of that name."""
    match = _ATTRIBUTE.fullmatch(name)
    if match is None:
        return None
    steps = tuple(match[2].split("."))
    if steps[0] in _TOP:
        return steps
    for part in _OBJECTS:
        if steps[0] in SCHEMA["$defs"][part]["properties"]:
            return (part, *steps)
    return None


def _compared(path: tuple[str, ...], operator: str, value: str | float) -> ColumnElement[bool]:
    if path[0] in _OWN:
        return _OWN[path[0]].op(operator, is_comparison=True)(str(value))
    if operator == "=" and not any(step.isdigit() for step in path):
        return Enrollment.body.contains(_nested(path, value))
    member = Enrollment.body[path]
    if isinstance(value, str):
        is_text = func.jsonb_typeof(member) == "string"
        return and_(is_text, member.astext.collate("C").op(operator, is_comparison=True)(value))
    is_same_kind = func.jsonb_typeof(member) == ("boolean" if isinstance(value, bool) else "number")
    return and_(is_same_kind, member.op(operator, is_comparison=True)(literal(value, JSONB)))


def _nested(path: tuple[str, ...], value: str | float) -> dict[str, Any]:
    for step in reversed(path[1:]):
        value = {step: value}  # type: ignore[assignment]
    return {path[0]: value}
