"""The JSON that stations send: reading it strictly, normalising, merging; nothing of it need be an enrolment.

What cannot be kept (PostgreSQL: NUL, half surrogates) or is absurd (depth, size, numbers that other readers of JSON
round) is refused here, wherever it stands, so that no later code meets it.
"""

import json
import re
import unicodedata
from datetime import datetime
from typing import Any, NoReturn

from models.text import N_
from security.errors import BadValue

MAX_DEPTH = 40
MAX_VALUES = 5000
"""Members and items of a body; an enrolment has about 150."""
MAX_NUMBER = 2**53 - 1
"""Beyond it other readers of JSON round (RFC 7493 §2.2)."""

NOT_JSON = N_("The body is not JSON in UTF-8.")
TOO_DEEP = N_("The body is nested too deeply.")
TOO_MANY = N_("The body has too many values.")
BAD_NUMBER = N_("This number is too large, or none at all.")
BAD_TEXT = N_("This text has a sign that cannot be kept: NUL, or half of a surrogate pair.")

Place = tuple[str | int, ...]
"""Where something is in a body: keys and positions from the root."""


class BadEnrolment(BadValue):
    """An enrolment that is refused (400): `path` is the JSON path of the fault; `message_id` and `params` say it."""

    def __init__(self, path: str, message_id: str, **params: object) -> None:
        super().__init__(message_id, field=path, **params)
        self.path = path
        self.message = message_id

    def __str__(self) -> str:
        return f"{self.path}: {super().__str__()}"


def parse_json(raw: bytes) -> Any:
    """The value of the JSON text `raw`; BadEnrolment if it is not JSON in UTF-8, or by `check_storable`."""
    try:
        body = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadEnrolment("$", NOT_JSON) from None
    check_storable(body)
    return body


def normalise(body: Any) -> Any:
    """A copy with all text in NFC, keys too, and integral numbers as int (1.0 is an integer in JSON Schema)."""
    match body:
        case str():
            return unicodedata.normalize("NFC", body)
        case dict():
            return {normalise(key): normalise(value) for key, value in body.items()}
        case list():
            return [normalise(value) for value in body]
        case float() if body.is_integer() and abs(body) <= MAX_NUMBER:
            return int(body)
    return body


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` after the JSON merge patch of RFC 7396; neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_path(place: Place) -> str:
    """`$.biometricData[0].image`; keys that are no plain words in brackets and at most 40 characters, escaped."""
    return "$" + "".join(_step(step) for step in place)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,39}", step) else f"[{json.dumps(step[:40])}]"


def moment(text: str) -> datetime:
    """The moment that an RFC 3339 text means, its offset kept; ValueError otherwise, or outside 1900 to 2199."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", text.upper()):
        raise ValueError("not RFC 3339")
    found = datetime.fromisoformat(text.upper())
    if not 1900 <= found.year <= 2199:
        raise ValueError("absurd year")
    return found


def check_storable(body: object) -> None:
    """Refuse what cannot be kept, or is absurd, anywhere in `body`: BadEnrolment for the first such thing."""
    pending: list[tuple[Place, object]] = [((), body)]
    count = 0
    while pending:
        place, value = pending.pop()
        count += 1
        if len(place) > MAX_DEPTH:
            raise BadEnrolment("$", TOO_DEEP)
        if count + len(pending) > MAX_VALUES:
            raise BadEnrolment("$", TOO_MANY)
        _check_scalar(place, value)
        pending += reversed(_members(place, value))


def _members(place: Place, value: object) -> list[tuple[Place, object]]:
    if isinstance(value, dict):
        for key in value:
            _check_scalar(place, key)
        return [((*place, key), member) for key, member in value.items()]
    if isinstance(value, list):
        return [((*place, position), item) for position, item in enumerate(value)]
    return []


def _check_scalar(place: Place, value: object) -> None:
    if isinstance(value, str) and re.search("[\0\ud800-\udfff]", value):
        raise BadEnrolment(json_path(place), BAD_TEXT)
    if isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        raise BadEnrolment(json_path(place), BAD_NUMBER)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
