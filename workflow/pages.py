"""The data page of a case: composed when its booklet is assigned, rendered from what was stored, examined at quality.

This is where the case's data meet `printing`, which knows neither case nor session. What is printed is stored first
(MRZ lines, text of the 2D code, the page's SHA-256), so that every copy is the same and quality control has its truth.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session, undefer

from models.base import utc_now
from models.booklets import BOOKLET_NUMBER, Personalisation
from models.cases import Applicant, CasePicture, PassportCase, Picture
from models.catalogs import Country, Department, Municipality, PassportType
from models.clock import local_date
from models.text import N_
from printing.comparison import compare_mrz, compare_seal, read_kind
from printing.fonts import FontMissing, PageFonts, Unprintable, load_fonts
from printing.geometry import PageError, PageGeometry
from printing.keys import KeyStore
from printing.layout import DEFAULT_GEOMETRY, PageData, render_batch
from printing.mrz import TravelDocument, document_code, td3
from printing.seal import PublicKey, sign
from printing.transliteration import DEFAULT_CHOICES, MrzChoices, MrzError
from security.errors import Unavailable, Unknown
from workflow import pictures, seal_keys
from workflow.persons import expiry

AUTHORITY = "INSTITUTO GUATEMALTECO DE MIGRACIÓN"
STATE = "GTM"
#: Stands for OCR-B on the specimens of a demonstration; no reader need read those.
STAND_IN = Path(str(files("reportlab") / "fonts" / "Vera.ttf"))


@dataclass(frozen=True)
class Press:
    """What printing needs besides the case: keys, the OCR-B font, whether pages are specimens, the State's choices."""

    keys: KeyStore
    ocrb_font: Path | None
    specimen: bool
    choices: MrzChoices = DEFAULT_CHOICES

    def fonts(self) -> PageFonts:
        """The fonts; `Unknown` when OCR-B is missing, saying what to install. A specimen makes do with another."""
        lacking = self.lacking_font()
        if lacking and not self.specimen:
            raise Unknown(N_("Nothing can be printed: %(reason)s"), reason=lacking)
        return self.text_fonts()

    def text_fonts(self) -> PageFonts:
        """The fonts of the visual zone, to know what they can write; also where OCR-B is missing."""
        return load_fonts(STAND_IN if self.lacking_font() else self.ocrb_font)

    def lacking_font(self) -> str:
        """What to install when OCR-B is missing; empty when it is there."""
        try:
            load_fonts(self.ocrb_font)
        except FontMissing as error:
            return str(error)
        return ""


_press: Press | None = None


def configure(keys: Path, *, ocrb_font: Path | None, specimen: bool, choices: MrzChoices = DEFAULT_CHOICES) -> None:
    """Say once, at start, where the signing keys and the OCR-B font are, and what the State chose for its MRZ."""
    global _press
    _press = Press(KeyStore(keys), ocrb_font, specimen, choices)


def press() -> Press:
    """The configured press."""
    if _press is None:
        raise LookupError("workflow.pages.configure has not been called")
    return _press


def compose(session: Session, case: PassportCase, use: Personalisation) -> None:
    """Fill `use` with dates, MRZ lines, 2D code and the page's SHA-256; `Unavailable` when it cannot be printed."""
    now = utc_now()
    use.issued_on = local_date(now)
    use.expires_on = expiry(use.issued_on, case.validity_years)
    try:
        lines = mrz_lines(session, case, use.booklet_number, use.issued_on, use.expires_on)
    except MrzError as error:
        raise Unavailable(N_("The MRZ of this case cannot be written: %(reason)s"), reason=str(error)) from error
    use.mrz_line_1, use.mrz_line_2 = lines
    key = seal_keys.signing_key(session, press().keys, now, use.issued_on, may_create=press().specimen)
    use.seal_key_ref = key.ref
    kind = _kind(session, case)
    use.seal_text = sign(key.private, key.ref, lines, use.booklet_number, kind, use.issued_on, country=STATE)
    use.page_sha256 = hashlib.sha256(render(session, case, use)).hexdigest()


def mrz_lines(
    session: Session, case: PassportCase, booklet: str, issued_on: dt.date, expires_on: dt.date
) -> tuple[str, str]:
    """Both lines of the case's MRZ with that booklet; raises `printing.mrz.MrzError`."""
    kind = session.get_one(PassportType, case.passport_type_code)
    country = session.get_one(Country, session.get_one(Applicant, case.id).nationality_code)
    return td3(
        TravelDocument(
            document_code=document_code(kind.document_code, kind.document_code_2028, issued_on),
            issuer=STATE,
            primary=case.surnames,
            secondary=case.given_names,
            number=booklet,
            nationality=country.mrz_code,
            birth=case.birth_date,
            sex=case.sex_code,
            expires=expires_on,
            personal_number=case.cui,
        ),
        press().choices,
    )


def _kind(session: Session, case: PassportCase) -> str:
    """The capital that tells ordinary, official, diplomatic passports: second letter of the code from 2028."""
    return session.get_one(PassportType, case.passport_type_code).document_code_2028[1].replace("<", "P")


def render(
    session: Session, case: PassportCase, use: Personalisation, geometry: PageGeometry = DEFAULT_GEOMETRY
) -> bytes:
    """The page as a PDF, from what was stored, in its true position or as a printer needs it; always the same bytes."""
    return render_tray(session, [(case, use)], geometry)


def render_tray(
    session: Session, uses: Sequence[tuple[PassportCase, Personalisation]], geometry: PageGeometry = DEFAULT_GEOMETRY
) -> bytes:
    """One PDF with the pages of several cases, in this order; errors and bytes as `render`."""
    data = [page_data(session, case, use) for case, use in uses]
    try:
        return render_batch(data, geometry, press().fonts(), specimen=press().specimen)
    except (PageError, Unprintable) as error:
        raise Unavailable(N_("The page of this case cannot be printed: %(reason)s"), reason=str(error)) from error


def page_data(session: Session, case: PassportCase, use: Personalisation) -> PageData:
    """Everything on the page of `case`, with the number, dates, lines and code of `use`, which need not be stored."""
    applicant = session.get_one(Applicant, case.id)
    return PageData(
        number=use.booklet_number,
        surnames=case.surnames.upper(),
        given_names=case.given_names.upper(),
        nationality=nationality(session, applicant),
        birth=case.birth_date,
        personal_number=case.cui,
        sex=case.sex_code,
        birth_place=birth_place(session, applicant),
        issued_on=use.issued_on,
        authority=AUTHORITY,
        expires_on=use.expires_on,
        portrait=portrait.data if (portrait := _picture(session, case, "PORTRAIT")) else b"",
        signature=_signature(session, case),
        mrz_lines=(use.mrz_line_1, use.mrz_line_2),
        seal=use.seal_text,
        type_code=use.mrz_line_1[:2].rstrip("<"),
    )


def nationality(session: Session, applicant: Applicant) -> str:
    """The nationality as it is printed."""
    if applicant.nationality_code == STATE:
        return "GUATEMALTECA / GUATEMALAN"
    return session.get_one(Country, applicant.nationality_code).name.upper()


def birth_place(session: Session, applicant: Applicant) -> str:
    """The place of birth as it is printed: municipality and department, or what is known and the country."""
    if applicant.birth_municipality_code and applicant.birth_department_code:
        municipality = session.get_one(Municipality, applicant.birth_municipality_code).name
        department = session.get_one(Department, applicant.birth_department_code).name
        return (municipality if municipality == department else f"{municipality}, {department}").upper()
    country = session.get_one(Country, applicant.birth_country_code).name
    return ", ".join(filter(None, (applicant.birth_place, country))).upper()


def _signature(session: Session, case: PassportCase) -> bytes | None:
    """The signature in the form that is printed unread; none that cannot be read, which says so when it is printed."""
    picture = _picture(session, case, "SIGNATURE")
    try:
        return pictures.printable_signature(picture.data, picture.media_type) if picture else None
    except (pictures.BadPicture, PageError):
        return b""


def _picture(session: Session, case: PassportCase, kind: str) -> Picture | None:
    return session.scalars(
        select(Picture)
        .join(CasePicture, CasePicture.print_picture_id == Picture.id)
        .where(CasePicture.case_id == case.id, CasePicture.kind == kind)
        .options(undefer(Picture.data))
    ).first()


def _public_keys(use: Personalisation) -> Mapping[str, PublicKey]:
    """The keys of the database `use` is from; a folder of keys proves nothing here."""
    session = object_session(use)
    return seal_keys.known(session) if session else {}


def examine(use: Personalisation, raw: str, kind: str | None) -> tuple[str, bool, dict[str, Any]]:
    """Compare one scan with what was printed: its kind, whether it agrees, and the verdict as plain data."""
    kind = kind or read_kind(raw)
    expected = (use.mrz_line_1, use.mrz_line_2)
    if kind == "mrz":
        zone = compare_mrz(raw, expected)
        return (
            kind,
            zone.ok,
            {
                "readable": zone.readable,
                "cause": str(zone.cause),
                "failing_digits": list(zone.failing_digits),
                "differences": [asdict(difference) for difference in zone.differences],
                "read": list(zone.normalised),
                "expected": list(expected),
            },
        )
    if kind == "seal":
        seal = compare_seal(raw, expected, use.booklet_number, _public_keys(use))
        return (
            kind,
            seal.ok,
            {
                "cause": str(seal.cause),
                "detail": seal.detail,
                "differences": [asdict(difference) for difference in seal.differences],
            },
        )
    # What is not ASCII is left as it is: the capital of ſ is S.
    number = re.sub(r"[ \r\n\t\x02\x03-]", "", raw).upper() if raw.isascii() else raw
    agrees = bool(re.fullmatch(BOOKLET_NUMBER, number)) and number == use.booklet_number
    read = number[:20]
    if kind != "booklet":
        return "unknown", False, {"read": read, "cause": "UNKNOWN"}
    return kind, agrees, {"read": read, "expected": use.booklet_number, "cause": "NONE" if agrees else "OTHER_BOOKLET"}
