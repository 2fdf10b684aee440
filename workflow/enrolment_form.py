"""The form of an enrolment: proof of a body against `intake.schema.json`.

`jsonschema` finds what is wrong; here it is said in one sentence and one JSON path, without repeating what was sent.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]

from models.text import N_
from workflow.json_body import (
    BadEnrolment,
    Place,
    check_storable,
    json_path,
    merge_patch,
    moment,
    normalise,
    parse_json,
)

__all__ = ["BadEnrolment", "merge_patch", "moment", "normalise", "parse_json"]  # read from here as well

Pattern = tuple[str | None, ...]
"""Where something may be in a body: keys, and None for every item of a list."""
Sentence = tuple[str, dict[str, object]]
"""A message id and its parameters."""

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("intake.schema.json").read_text("utf-8"))

ENCRYPTED = N_("Encrypted enrolments are not taken.")
NO_TEMPLATES = N_("Only pictures are taken, no templates.")
MISSING = N_("This is missing.")
UNKNOWN = N_("This member is not known.")
NOT_HERE = N_("This may not be given here.")
OTHER_DEPARTMENT = N_("This municipality is not in the department given.")
BAD_NAME = N_("This is not a name: letters, blanks, hyphens, full stops and apostrophes, a letter first.")
CONTROL_SIGN = N_("This text has a control character.")
BAD_FORM = N_("This does not have its form: %(form)s.")
NO_PICTURE = N_("This needs a picture, or the reason why there is none.")
ONE_PICTURE = N_("Either the picture or the address of its buffer, not both.")
EXACTLY_ONE = N_("Exactly one item %(item)s is needed.")
EXACTLY_ONE_PICTURE = N_("Exactly one item %(item)s with a picture is needed.")
WRONG = N_("This is not as the schema says.")

_TYPES = {
    "object": N_("This must be an object."),
    "array": N_("This must be a list."),
    "string": N_("This must be text."),
    "integer": N_("This must be a whole number."),
    "boolean": N_("This must be true or false."),
}
_FORMATS = {
    "date": N_("This is no date of the calendar as YYYY-MM-DD."),
    "date-time": N_("This is no date and time with offset as RFC 3339 has it."),
    "email": N_("This is no e-mail address."),
    "uri-reference": N_("This is no address of a buffer."),
}
_LIMITS = {
    "minLength": N_("This text is shorter than %(limit)s."),
    "maxLength": N_("This text is longer than %(limit)s."),
    "minimum": N_("This number is below %(limit)s."),
    "maximum": N_("This number is above %(limit)s."),
    "minItems": N_("This list has fewer items than %(limit)s."),
    "maxItems": N_("This list has more items than %(limit)s."),
    "maxProperties": N_("This object has more members than %(limit)s."),
}
_ALLOWED = N_("This must be one of: %(values)s.")
_BIRTH = N_("This is no date of birth: YYYY-MM-DD, or YYYY-MM or YYYY when the rest is unknown.")


def check_draft(body: object) -> None:
    """Refuse an enrolment in progress, nothing of it mandatory, for its form: BadEnrolment with the first fault."""
    check_storable(body)
    if isinstance(body, dict) and "encryption" in body:
        raise BadEnrolment("$.encryption", ENCRYPTED)
    _raise_first(_DRAFT, body)
    _check_municipalities(body)


def check_complete(body: object) -> None:
    """As `check_draft`, for an enrolment that is to be finalized, of which nothing mandatory may be missing."""
    check_draft(body)
    _raise_first(_COMPLETE, body)


def coded_values(body: object) -> Iterator[tuple[str, str, str]]:
    """JSON path, catalogue (`paises`, …) and code of each member with a code list; `check_draft` has passed `body`."""
    for pattern, catalogue in _CODED:
        for place, value in _at(body, pattern, ()):
            yield json_path(place), catalogue, value


def _raise_first(validator: Any, body: object) -> None:
    """BadEnrolment for the first fault in the body's order, those that depend on another member after all others."""
    faults = [(_is_conditional(error), *_fault(error)) for error in validator.iter_errors(body)]
    if faults:
        _, place, message, params = min(faults, key=lambda fault: (fault[0], _position(body, fault[1])))
        raise BadEnrolment(json_path(place), message, **params)


def _is_conditional(error: ValidationError) -> bool:
    return not {"then", "else"}.isdisjoint(error.absolute_schema_path)


def _position(body: Any, place: Place) -> tuple[float, ...]:
    """Sorts places as they come in the body: what is missing after what is there, an object after its members."""
    position: list[float] = []
    for step in place:
        if isinstance(step, int):
            position.append(step)
        else:
            position.append(list(body).index(step) if step in body else math.inf)
        body = body[step] if position[-1] < math.inf else {}
    return (*position, math.inf)


def _fault(error: ValidationError) -> tuple[Place, str, dict[str, object]]:
    """Where the fault is, what is said of it, and the parameters of that."""
    place = tuple(error.absolute_path)
    if error.validator in _MEMBERS:
        name, message = _MEMBERS[error.validator](error)
        return (*place, name), message, {}
    if error.validator in _LIMITS:
        return place, _LIMITS[error.validator], {"limit": error.validator_value}
    return place, *_SENTENCES.get(error.validator, lambda error: (WRONG, {}))(error)


def _missing(error: ValidationError) -> tuple[str, str]:
    return next(name for name in error.validator_value if name not in error.instance), MISSING


def _missing_dependent(error: ValidationError) -> tuple[str, str]:
    needed = (name for key, names in error.validator_value.items() if key in error.instance for name in names)
    return next(name for name in needed if name not in error.instance), MISSING


def _unknown(error: ValidationError) -> tuple[str, str]:
    return next(name for name in error.instance if name not in error.schema["properties"]), UNKNOWN


_MEMBERS = {"required": _missing, "dependentRequired": _missing_dependent, "additionalProperties": _unknown}
"""Faults of an object that are told of one of its members."""


def _allowed(error: ValidationError) -> Sentence:
    values = error.validator_value if error.validator == "enum" else [error.validator_value]
    return _ALLOWED, {"values": ", ".join(map(str, values))}


def _pattern_fault(error: ValidationError) -> Sentence:
    pattern = error.validator_value
    if "\u0300" in pattern:
        return BAD_NAME, {}
    return (CONTROL_SIGN, {}) if pattern.startswith("^[^") else (BAD_FORM, {"form": pattern})


def _excluded(error: ValidationError) -> Sentence:
    if "required" in error.validator_value:
        return ONE_PICTURE, {}
    name = error.absolute_path[-1]
    return ENCRYPTED if name == "encryption" else NO_TEMPLATES if name.startswith("template") else NOT_HERE, {}


def _number_of(error: ValidationError) -> Sentence:
    wanted = error.schema["contains"]
    item = (wanted["properties"].get("biometricSubType") or wanted["properties"]["biometricType"])["const"]
    return EXACTLY_ONE_PICTURE if "anyOf" in wanted else EXACTLY_ONE, {"item": item}


_SENTENCES = {
    "type": lambda error: (_TYPES[error.validator_value], {}),
    "format": lambda error: (_FORMATS[error.validator_value], {}),
    "anyOf": lambda error: (_BIRTH if "pattern" in error.validator_value[0] else NO_PICTURE, {}),
    "const": _allowed,
    "enum": _allowed,
    "pattern": _pattern_fault,
    "not": _excluded,
    "contains": _number_of,
    "minContains": _number_of,
    "maxContains": _number_of,
}
"""What is said of a fault, by the keyword of the schema."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # In JSON Schema (ECMA 262) the closing $ is the end; in Python it would let a line break pass.
    return re.compile(pattern.removesuffix("$") + r"\Z")


def _pattern(validator: Any, pattern: str, instance: object, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError("pattern")


def _for_text(check: Callable[[str], object]) -> Callable[[object], bool]:
    """A format says nothing of what is no text; `check` raises ValueError for text that has not the format."""

    def is_format(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    return is_format


def _full(pattern: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise ValueError(pattern)

    return check


def _format_checker() -> FormatChecker:
    formats = {
        "date": date.fromisoformat,  # the schema's pattern keeps out its other notations
        "date-time": moment,
        "email": _full(r"[^@\s\"<>()\[\],;:\\]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}"),
        "uri-reference": _full(r"[!-~]+"),
    }
    checker = FormatChecker(formats=())
    for name, check in formats.items():
        checker.checks(name, raises=ValueError)(_for_text(check))
    return checker


def _validator(anchor: str) -> Any:
    schema = _spelt_out({**SCHEMA, "allOf": [{"$ref": anchor}]})
    return extend(Draft202012Validator, {"pattern": _pattern})(schema, format_checker=_format_checker())


def _spelt_out(schema: Any) -> Any:
    """The schema with `{"not": {}}` for each member that is `false`, of which jsonschema does not tell the name."""
    if isinstance(schema, list):
        return [_spelt_out(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    spelt = {key: _spelt_out(part) for key, part in schema.items()}
    if isinstance(members := spelt.get("properties"), dict):
        spelt["properties"] = {name: {"not": {}} if part is False else part for name, part in members.items()}
    return spelt


def _coded_members(schema: dict[str, Any], pattern: Pattern) -> Iterator[tuple[Pattern, str]]:
    """Each member of the schema that has a code list, with the catalogue's name."""
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] | schema if "$ref" in schema else schema
    if "x-codeList" in schema:
        yield pattern, schema["x-codeList"].partition(".csv#")[0]
    for name, member in schema.get("properties", {}).items():
        yield from _coded_members(member, (*pattern, name))
    if "items" in schema:
        yield from _coded_members(schema["items"], (*pattern, None))


def _at(body: Any, pattern: Pattern, place: Place) -> Iterator[tuple[Place, Any]]:
    """Every value in `body` that `pattern` leads to, and its place."""
    if not pattern:
        yield place, body
        return
    step, rest = pattern[0], pattern[1:]
    if step is None:
        for position, item in enumerate(body):
            yield from _at(item, rest, (*place, position))
    elif step in body:
        yield from _at(body[step], rest, (*place, step))


def _check_municipalities(body: Any) -> None:
    """The first two digits of a municipality are its department, which a schema cannot say."""
    for place, department, municipality in _MUNICIPALITIES:
        [(_, members)] = list(_at(body, place, ())) or [((), {})]
        within = members.get(department, "")
        if not members.get(municipality, within).startswith(within):
            raise BadEnrolment(json_path((*place, municipality)), OTHER_DEPARTMENT)


_MUNICIPALITIES: list[tuple[tuple[str, ...], str, str]] = [
    (("biographicData",), "birthDepartment", "birthMunicipality"),
    (("biographicData", "address"), "department", "municipality"),
]
_DRAFT = _validator("#draft")
_COMPLETE = _validator("#complete")
_CODED = list(_coded_members(SCHEMA["$defs"]["draft"], ()))
