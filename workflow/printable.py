"""What of a person cannot stand on the passport page: found at intake and refused in a correction, not at the printer.

A name needs letters for the machine readable zone; all that is printed needs glyphs of the page's font and must fit.
"""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.cases import Applicant
from models.catalogs import Country
from models.text import N_
from printing.drawing import DoesNotFit, fitted
from printing.fonts import Unprintable
from printing.geometry import SLOTS
from printing.mrz import EmptyName, Untransliterable, name_field, transliterate
from workflow import pages

NOT_IN_MRZ = N_("%(signs)s cannot be written in the machine readable zone.")
NO_LETTER = N_("No letter is left of the name for the machine readable zone.")
NO_GLYPH = N_("The font of the page has no %(signs)s.")
TOO_LONG = N_("This is too long for its place on the page.")
NO_CODE = N_("The country %(code)s has no code for the machine readable zone.")
_SLOTS = {slot.name: slot for slot in SLOTS}


@dataclass(frozen=True)
class Obstacle:
    """Why something cannot be printed: a message id and what stands in it."""

    message: str
    params: dict[str, str]


def in_name(text: str) -> Obstacle | None:
    """What keeps a part of a name, from being written, in the zone or with the font of the page."""
    try:
        if not transliterate(text, pages.press().choices):
            return Obstacle(NO_LETTER, {})
    except Untransliterable as error:
        return Obstacle(NOT_IN_MRZ, {"signs": error.character})
    return in_text(text)


def in_text(text: str) -> Obstacle | None:
    """The characters of `text` that the page's font lacks."""
    try:
        pages.press().text_fonts().printable(text.upper())
    except Unprintable as error:
        return Obstacle(NO_GLYPH, {"signs": " ".join(error.characters)})
    return None


def in_names(surnames: str, given_names: str) -> Obstacle | None:
    """What keeps the whole name from being written in the zone or from fitting its two fields of the page."""
    try:
        name_field(surnames, given_names, pages.press().choices)
    except EmptyName:
        return Obstacle(NO_LETTER, {})
    except Untransliterable as error:
        return Obstacle(NOT_IN_MRZ, {"signs": error.character})
    return _in_slot("surnames", surnames) or _in_slot("given_names", given_names)


def in_nationality(session: Session, applicant: Applicant) -> Obstacle | None:
    """What keeps the nationality from being printed: no code for the zone, or a name that does not fit."""
    if not re.fullmatch(r"[A-Z]{1,3}", session.get_one(Country, applicant.nationality_code).mrz_code):
        return Obstacle(NO_CODE, {"code": applicant.nationality_code})
    return _in_slot("nationality", pages.nationality(session, applicant))


def in_birth_place(session: Session, applicant: Applicant) -> Obstacle | None:
    """What keeps the place of birth from being printed."""
    return _in_slot("birth_place", pages.birth_place(session, applicant))


def _in_slot(name: str, text: str) -> Obstacle | None:
    fonts, slot = pages.press().text_fonts(), _SLOTS[name]
    obstacle = in_text(text)
    printed = "" if obstacle else fonts.printable(text.upper())
    try:
        if printed:
            fitted(printed, fonts.bold if slot.strong else fonts.text, slot.width)
    except DoesNotFit:
        return Obstacle(TOO_LONG, {})
    return obstacle
