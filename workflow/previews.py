"""The page and both MRZ lines as printed today: shown before a case is authorised, and before a correction is saved.

A preview is made by what prints (`workflow.pages`) and leaves nothing behind: no key, no booklet, nothing stored. Its
booklet number has only zeros, the word specimen lies under it, and its 2D code says that it is none.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from PIL import Image
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Personalisation
from models.cases import Applicant, PassportCase
from models.catalogs import PassportType, StockCategory
from models.clock import local_date
from models.text import N_
from printing.geometry import SLOTS, PageError, PageGeometry, Slot
from printing.layout import PageData
from printing.layout import render as render_page
from printing.mrz import NAME_LENGTH, MrzError, transliterate
from printing.pdf import PdfDocument
from printing.pictures import add_portrait, add_signature
from printing.svg import page_svg
from security.actor import Actor
from security.errors import NotAllowed, Unavailable
from workflow import enquiries, machine, pages, printable
from workflow.fields import clean
from workflow.machine import Transition
from workflow.persons import expiry
from workflow.succession import CORRECTABLE, apply_changes

SERIAL = "0000000"
#: Stands in the 2D code; of the length of a genuine one (250), so that the code has its true size.
NO_SEAL = "VISTA PREVIA SIN VALIDEZ " * 10
NAMES = ("first_surname", "second_surname", "married_surname", "first_name", "second_name", "other_names")


@dataclass(frozen=True)
class Remark:
    """What to know of a field before it is printed. `label`, `message_id`: message ids; `grave`: no page like this."""

    label: str
    message_id: str
    params: Mapping[str, Any] = field(default_factory=dict)
    grave: bool = False


@dataclass(frozen=True)
class Preview:
    """A page as it would be printed today; `mrz_lines` is None when they cannot be written."""

    page: PageData
    mrz_lines: tuple[str, str] | None
    remarks: tuple[Remark, ...]

    @property
    def printable(self) -> bool:
        """Whether a page can be drawn of this."""
        return not any(remark.grave for remark in self.remarks)

    @property
    def fields(self) -> list[tuple[Slot, str]]:
        """The visual zone as text, in the order of the page."""
        return [(slot, self.page.value(slot)) for slot in SLOTS]


@dataclass(frozen=True)
class Correction:
    """A correction that is not saved: the page without and with it, and `changes` (column: value before, after)."""

    before: Preview
    after: Preview
    changes: Mapping[str, tuple[Any, Any]]
    new_case: bool


def preview(
    session: Session, case: PassportCase, changes: Mapping[str, Any] | None = None, *, images: bool = True
) -> Preview:
    """The page of `case`, with `changes` (as a correction takes them) if given; without `images`, grey fields.

    Raises `BadValue` for what a correction would not take. The case stays as it is.
    """
    with changed(session, case, changes or {}):
        return _preview(session, case, images=images)


def preview_correction(
    session: Session, move: Transition, case: PassportCase, actor: Actor, values: Mapping[str, Any]
) -> Correction:
    """What `move` with `values` would lead to; a `DomainError` where carrying it out would be refused for them."""
    images = enquiries.sees_images(actor, case)
    if not machine.may_here(actor, move, case):
        raise NotAllowed()
    machine.refuse_if_held(session, case, actor)
    if case.state not in move.from_states:
        raise machine.wrong_state(session, case)
    given = clean(session, move.fields, values)["changes"]
    before = preview(session, case, images=images)
    with changed(session, case, given) as done:
        after = _preview(session, case, images=images)
    pairs = {name: (done["before"][name], value) for name, value in done["after"].items()}
    return Correction(before, after, pairs, new_case=move.to_state is not None)


@contextmanager
def changed(session: Session, case: PassportCase, changes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`case` with `changes` while the block lasts, in memory only; gives what was before and is after."""
    if not changes:
        yield {"before": {}, "after": {}}
        return
    session.flush()
    with session.no_autoflush:
        try:
            yield apply_changes(session, case, dict(changes))
        finally:
            session.refresh(case)
            session.refresh(session.get_one(Applicant, case.id))


def as_pdf(shown: Preview) -> bytes:
    """The page as a PDF, a specimen; `Unavailable` with the remark for a page that cannot be printed."""
    for remark in shown.remarks:
        if remark.grave:
            raise Unavailable(remark.message_id, **remark.params)
    return render_page(shown.page, PageGeometry(), pages.press().text_fonts(), specimen=True)


def as_svg(shown: Preview) -> str:
    """The same page for the screen; raises as `as_pdf`."""
    return page_svg(as_pdf(shown), pages.press().text_fonts())


def _preview(session: Session, case: PassportCase, *, images: bool) -> Preview:
    today = local_date(utc_now())
    until = expiry(today, case.validity_years)
    use = Personalisation(
        booklet_number=_number(session, case), issued_on=today, expires_on=until, mrz_line_1="", mrz_line_2="",
        seal_text=NO_SEAL,
    )  # fmt: skip
    lines, remarks = None, [*_about_texts(session, case), *_about_birth(case)]
    try:
        lines = pages.mrz_lines(session, case, use.booklet_number, today, until)
        use.mrz_line_1, use.mrz_line_2 = lines
        remarks += _about_zone(lines, case)
    except MrzError as error:
        if not any(remark.grave for remark in remarks):
            said = {"reason": str(error)}
            remarks.append(Remark(N_("MRZ"), N_("It cannot be written: %(reason)s"), said, grave=True))
    page = pages.page_data(session, case, use)
    remarks += _about_pictures(page)
    if not images:
        page = replace(page, portrait=_stand_in(), signature=None)
    return Preview(page, lines, tuple(remarks))


def _number(session: Session, case: PassportCase) -> str:
    kind = session.get_one(PassportType, case.passport_type_code)
    return session.get_one(StockCategory, kind.category_code).prefix + SERIAL


@lru_cache(maxsize=1)
def _stand_in() -> bytes:
    """A grey field in place of a portrait that is not to be seen."""
    buffer = io.BytesIO()
    Image.new("L", (35, 45), 208).save(buffer, "JPEG")
    return buffer.getvalue()


def _about_texts(session: Session, case: PassportCase) -> Iterator[Remark]:
    applicant = session.get_one(Applicant, case.id)
    found = [(CORRECTABLE[name], printable.in_name(text)) for name in NAMES if (text := getattr(case, name))]
    if not any(obstacle for _label, obstacle in found):
        found.append((N_("Full name"), printable.in_names(case.surnames, case.given_names)))
    found.append((N_("Nationality"), printable.in_nationality(session, applicant)))
    found.append((N_("Place of birth"), printable.in_birth_place(session, applicant)))
    for label, obstacle in found:
        if obstacle:
            yield Remark(label, obstacle.message, obstacle.params, grave=True)


def _about_zone(lines: tuple[str, str], case: PassportCase) -> Iterator[Remark]:
    choices = pages.press().choices
    whole = "<<".join(filter(None, (transliterate(part, choices) for part in (case.surnames, case.given_names))))
    written = lines[0][-NAME_LENGTH:].rstrip("<")
    if written != whole:
        yield Remark(N_("Full name"), N_("The MRZ cannot hold the whole name: %(written)s"), {"written": written})


def _about_birth(case: PassportCase) -> Iterator[Remark]:
    unknown = {1: N_("Day and month are unknown: the page shows XX, the MRZ “<<”."),
               2: N_("The day is unknown: the page shows XX, the MRZ “<<”.")}  # fmt: skip
    if (known := len(case.birth_date.split("-"))) in unknown:
        yield Remark(N_("Date of birth"), unknown[known])


def _about_pictures(page: PageData) -> Iterator[Remark]:
    pdf = PdfDocument("")
    try:
        add_portrait(pdf, page.portrait)
    except PageError:
        yield Remark(N_("Portrait"), N_("There is none that can be printed."), grave=True)
    try:
        if page.signature is None or add_signature(pdf, page.signature) is None:
            yield Remark(N_("Signature"), N_("There is none: its place stays empty."))
    except PageError:
        yield Remark(N_("Signature"), N_("There is none that can be printed."), grave=True)
