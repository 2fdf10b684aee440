"""What generated forms ask of a value; an empty one is left to whether the field is required."""

import re
from collections.abc import Callable, Collection
from typing import Any

from flask_babel import gettext as _
from wtforms.validators import StopValidation

Check = Callable[[Any, Any], None]


def matches(pattern: str, message: str) -> Check:
    """The whole text matches `pattern`; `message` is a message id."""
    compiled = re.compile(pattern)

    def check(_form: Any, field: Any) -> None:
        if field.data and not compiled.fullmatch(str(field.data)):
            raise StopValidation(_(message))

    return check


def made_of(parts: Collection[str], message: str) -> Check:
    """A list of known parts with semicolons between; `message` gets %(part)s, the unknown one, and %(parts)s."""

    def check(_form: Any, field: Any) -> None:
        for part in (field.data or "").split(";") if field.data else ():
            if part not in parts:
                raise StopValidation(_(message, part=part or ";", parts=", ".join(parts)))

    return check


def between(low: int, high: int, message: str) -> Check:
    """A number from `low` to `high`."""

    def check(_form: Any, field: Any) -> None:
        if field.data is not None and not low <= field.data <= high:
            raise StopValidation(_(message, low=low, high=high))

    return check


def compiles(_form: Any, field: Any) -> None:
    """The text is a regular expression."""
    try:
        re.compile(field.data or "")
    except re.error as error:
        raise StopValidation(_("This is not a pattern: %(why)s.", why=str(error))) from None
