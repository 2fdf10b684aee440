"""What was typed into a box or read by a scanner: a number, a machine-readable zone, a 2D code, or names."""

import re
from dataclasses import dataclass

from models.booklets import BOOKLET_NUMBER
from models.cases import CASE_NUMBER
from printing.seal import PREFIX, SealError, verify

#: What a line typed by a person may be of; a scan is longer, and is looked at before.
LONGEST = 400
_LINE_1 = re.compile(r"P[A-Z<][A-Z<]{3}([A-Z<]{39})")
#: As far as the expiry and its check digit, or to its end (Doc 9303-4 section 4.2.2): number, personal number.
_LINE_2 = re.compile(r"([A-Z0-9<]{9})[0-9<][A-Z<]{3}[0-9<]{6}[0-9][MFX<][0-9]{7}(?:([A-Z0-9<]{14})[0-9<]{2})?")
_MANIFEST = re.compile(r"T([0-9]{1,9});[0-9]+;[0-9A-F]{16}")
_NUMBERS = (CASE_NUMBER, BOOKLET_NUMBER, r"[0-9]{1,20}")
#: A case or passport of the former system: letters, digits and hyphens in one word that has a digit.
_FORMER = re.compile(r"(?=.*[0-9])[A-Z0-9-]{2,20}")


@dataclass(frozen=True)
class Typed:
    """What `text` can be. At most one of `number`, `names` and `unreadable` is set; none for an empty text.

    `number`: of a case, booklet, payment slip, stock document, passport or case of the former system, or a CUI.
    `cui`: the CUI that the number is, or that stands in the zone beside it. `scanned`: read off a document, and so kept
    out of addresses. `unreadable`: a 2D code that is not whole.
    """

    text: str
    number: str | None = None
    cui: str | None = None
    document: int | None = None
    names: str = ""
    scanned: bool = False
    unreadable: bool = False


def read(text: str) -> Typed:
    """What `text` is; never raises. Blanks and hyphens inside numbers do not matter, nor do capitals."""
    run = "".join(text.split()).upper()
    if run.startswith(PREFIX):
        return _seal(text, run)
    zone = _zone(text, run)
    if zone:
        return zone
    if manifest := _MANIFEST.fullmatch(run):
        return Typed(text, number=manifest[1], document=int(manifest[1]))
    number = plain_number(text) or _former_number(text, run)
    if number:
        digits = number if number.isdecimal() else ""
        return Typed(
            text, number=number, cui=number if len(digits) == 13 else None,
            document=int(digits) if 0 < len(digits) <= 9 else None,
        )  # fmt: skip
    return Typed(text, names=text[:LONGEST].strip())


def plain_number(text: str) -> str | None:
    """The case, booklet, CUI or payment slip number that `text` is; None for anything else."""
    number = re.sub(r"[\s-]", "", text).upper()
    known = number.isascii() and any(re.fullmatch(form, number) for form in _NUMBERS)
    return number if known else None


def number_in(text: str) -> str | None:
    """The number in what was typed or read: as `plain_number`, or that of the booklet in a machine-readable zone."""
    found = read(text)
    return found.number if found.scanned else plain_number(text)


def _former_number(text: str, run: str) -> str | None:
    return run if len(text.split()) == 1 and run.isascii() and _FORMER.fullmatch(run) else None


def _seal(text: str, run: str) -> Typed:
    """The booklet that a 2D code claims; whether the code is genuine is proved at quality control, not here."""
    try:
        contents = verify(run, {})
    except SealError as error:
        if error.contents is None:
            return Typed(text, scanned=True, unreadable=True)
        contents = error.contents
    return Typed(text, number=contents.booklet, cui=_cui(contents.mrz_lines[1][28:42]), scanned=True)


def _zone(text: str, run: str) -> Typed | None:
    """Both lines of a zone, run together or not, or one of them. A wrong keyboard layout types `;` for `<`."""
    run = run.replace(";", "<")
    if first := _LINE_1.fullmatch(run[:44]):
        second = _LINE_2.fullmatch(run[44:])
        if len(run) > 44 and not second:
            return None
        return _booklet(text, second) if second else Typed(text, names=_names(first[1]), scanned=True)
    second = _LINE_2.fullmatch(run)
    return _booklet(text, second) if second else None


def _booklet(text: str, line: re.Match[str]) -> Typed:
    return Typed(text, number=line[1].rstrip("<"), cui=_cui(line[2] or ""), scanned=True)


def _names(field: str) -> str:
    return " ".join(field.replace("<", " ").split())


def _cui(field: str) -> str | None:
    number = field.rstrip("<")
    return number if re.fullmatch(r"[0-9]{13}", number) else None
