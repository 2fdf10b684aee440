"""Reading a machine readable zone back: a verdict for every field and every check digit, never an exception."""

import re
from dataclasses import dataclass
from datetime import date

from printing.mrz import COMPOSITE, FIELDS, LINE_LENGTH, Field, MrzError, check_digit

_ALPHABET = re.compile(r"[A-Z0-9<]*")
_NAME = re.compile(r"[A-Z]+(<[A-Z]+)*(<<[A-Z]+(<[A-Z]+)*)?<*")
_BIRTH = re.compile(r"[0-9]{6}|[0-9]{4}<<|[0-9]{2}<<<<|<<<<[0-9]{2}|<<[0-9]{4}|[0-9]{2}<<[0-9]{2}|<<[0-9]{2}<<|<{6}")
_PATTERNS = {
    "document_code": re.compile(r"P[A-Z<]"),
    "issuer": re.compile(r"[A-Z]{3}|[A-Z]{2}<|[A-Z]<<"),
    "name": _NAME,
    "number": re.compile(r"[A-Z0-9]{1,9}<*"),
    "nationality": re.compile(r"[A-Z]{3}|[A-Z]{2}<|[A-Z]<<"),
    "birth": _BIRTH,
    "sex": re.compile(r"[MF<]"),
    "expiry": re.compile(r"[0-9]{6}"),
    "personal_number_digit": re.compile(r"[0-9<]"),
}
_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True)
class FieldReading:
    """One field as read; `problem` is empty, `CHARACTERS` (not of the alphabet), `FORM` or `DATE`."""

    field: Field
    value: str
    problem: str

    @property
    def ok(self) -> bool:
        """The value can stand in this field."""
        return not self.problem


@dataclass(frozen=True)
class DigitReading:
    """One check digit: `name` of its field, what is `printed` and what is `computed` (empty if it cannot be)."""

    name: str
    printed: str
    computed: str
    ok: bool


@dataclass(frozen=True)
class MrzReading:
    """A zone as read. `well_sized` is false when the lines are not 44 characters each; then nothing else is judged."""

    lines: tuple[str, str]
    well_sized: bool
    fields: tuple[FieldReading, ...]
    digits: tuple[DigitReading, ...]

    @property
    def ok(self) -> bool:
        """Size, every field and every check digit are right."""
        return self.well_sized and all(field.ok for field in self.fields) and not self.failing_digits

    @property
    def failing_digits(self) -> tuple[str, ...]:
        """Names of the check digits that do not agree."""
        return tuple(digit.name for digit in self.digits if not digit.ok)

    @property
    def names(self) -> tuple[str, str]:
        """Primary and secondary identifier with blanks between their parts."""
        primary, _, secondary = self.value("name").rstrip("<").partition("<<")
        return primary.replace("<", " "), secondary.replace("<", " ").strip()

    def value(self, name: str) -> str:
        """The characters of a field; empty when the lines have the wrong size."""
        return next((field.value for field in self.fields if field.field.name == name), "")


def parse(line1: str, line2: str) -> MrzReading:
    """Judge two lines of a TD3 zone field by field (Doc 9303-4 section 4.2); any text is answered."""
    lines = (line1, line2)
    if any(len(line) != LINE_LENGTH for line in lines):
        return MrzReading(lines, False, (), ())
    fields = tuple(FieldReading(field, field.of(lines), _problem(field, field.of(lines))) for field in FIELDS)
    protected = [_digit(field.digit, field.of(lines), lines) for field in FIELDS if field.digit]
    composite = _digit("composite_digit", "".join(line2[part] for part in COMPOSITE), lines)
    return MrzReading(lines, True, fields, (*protected, composite))


def _problem(field: Field, value: str) -> str:
    if not _ALPHABET.fullmatch(value):
        return "CHARACTERS"
    pattern = _DIGIT if field.name.endswith("_digit") and field.name not in _PATTERNS else _PATTERNS.get(field.name)
    if pattern and not pattern.fullmatch(value):
        return "FORM"
    return "DATE" if field.name in ("birth", "expiry") and not _can_be_date(value) else ""


def _can_be_date(value: str) -> bool:
    """Month and day exist; 29 February passes, as two digits do not tell the century."""
    month, day = (int(part) if part.isdecimal() else 1 for part in (value[2:4], value[4:6]))
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


def _digit(name: str, protected: str, lines: tuple[str, str]) -> DigitReading:
    printed = next(field for field in FIELDS if field.name == name).of(lines)
    try:
        computed = check_digit(protected)
    except MrzError:
        return DigitReading(name, printed, "", False)
    empty_optional = name == "personal_number_digit" and not protected.strip("<") and printed == "<"
    return DigitReading(name, printed, computed, printed == computed or empty_optional)
