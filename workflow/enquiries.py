"""Reading cases for a person: by number, by names, with log, booklets and pictures; each look is logged."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload, undefer
from sqlalchemy.sql.base import ExecutableOption

from models.booklets import BOOKLET_NUMBER, Booklet, Personalisation
from models.cases import CASE_NUMBER, CaseEvent, CasePicture, PassportCase, Picture
from models.enrolments import FormerCase
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow.name_search import newest
from workflow.persons import search_name

FOUND_AT_MOST = 50
#: The names that module 15 asks for (M:L1003).
NAMES = ("first_name", "second_name", "first_surname", "second_surname")
_MRZ_LINE_2 = re.compile(r"\b([FSD][0-9]{7})<[0-9][A-Z<]{3}[0-9<]{6}[0-9][MFX<][0-9]{7}")


@dataclass(frozen=True)
class BookletLine:
    """A booklet that a case has or had (M:L967)."""

    number: str
    state: str
    created_at: dt.datetime
    created_by_id: int
    updated_at: dt.datetime
    issued_on: dt.date
    expires_on: dt.date
    void_type: str | None


def case_by_number(session: Session, number: str, actor: Actor, screen: str) -> PassportCase:
    """The case with applicant, findings and requirements; the look is logged. Raises `NotFound`."""
    whole = (PassportCase.applicant, PassportCase.findings, PassportCase.requirements)
    case = case_seen(session, number, actor, *(selectinload(part) for part in whole))
    log_look(session, actor, screen, case.number)
    return case


def case_seen(session: Session, number: str, actor: Actor, *options: ExecutableOption) -> PassportCase:
    """The case of that number among those `actor` sees, or `NotFound`; who calls logs what was looked at."""
    if not actor.may(Permission.READ_CASES):
        raise NotAllowed()
    case = session.scalars(select(PassportCase).where(PassportCase.number == number).options(*options)).first()
    if case is None or not actor.may_at(Permission.READ_CASES, case.site_code, case.print_site_code):
        raise NotFound(N_("There is no case %(number)s at your sites."), number=number)
    return case


def find_case(
    session: Session, actor: Actor, *, number: str | None = None, enrollment: str | None = None
) -> PassportCase | None:
    """The case of that number, of that enrolment, or of both; None when the actor sees none."""
    if not actor.may(Permission.READ_CASES):
        raise NotAllowed()
    wanted = [PassportCase.number == number] if number is not None else []
    if enrollment is not None:
        wanted.append(PassportCase.enrollment_id == enrollment)
    found = session.scalars(select(PassportCase).where(*wanted).limit(1)).first() if wanted else None
    seen = found is not None and actor.may_at(Permission.READ_CASES, found.site_code, found.print_site_code)
    return found if seen else None


def events(session: Session, case: PassportCase) -> list[CaseEvent]:
    """The case's log, oldest first."""
    return list(session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)))


def booklets(session: Session, case: PassportCase) -> list[BookletLine]:
    """The booklets the case has or had, oldest first."""
    rows = session.execute(
        select(Personalisation, Booklet)
        .join(Booklet, Booklet.number == Personalisation.booklet_number)
        .where(Personalisation.case_id == case.id)
        .order_by(Personalisation.id)
    )
    return [
        BookletLine(
            use.booklet_number,
            booklet.state,
            use.assigned_at,
            use.assigned_by_id,
            booklet.state_since,
            use.issued_on,
            use.expires_on,
            booklet.void_type_code,
        )
        for use, booklet in rows
    ]


def pictures(session: Session, case: PassportCase) -> list[CasePicture]:
    """What pictures the case has, without their bytes."""
    return list(session.scalars(select(CasePicture).where(CasePicture.case_id == case.id).order_by(CasePicture.kind)))


def sees_images(actor: Actor, case: PassportCase) -> bool:
    """Whether `actor` may see the pictures of the case."""
    return actor.may_at(Permission.SEE_IMAGES, case.site_code, case.print_site_code)


def picture_bytes(session: Session, case: PassportCase, kind: str, actor: Actor) -> Picture:
    """The picture of that kind with its bytes; needs SEE_IMAGES."""
    return session.get_one(Picture, picture_id(session, case, kind, actor), options=[undefer(Picture.data)])


def picture_id(session: Session, case: PassportCase, kind: str, actor: Actor) -> int:
    """Which picture of that kind the case has; needs SEE_IMAGES. Raises `NotFound`."""
    if not sees_images(actor, case):
        raise NotAllowed()
    wanted = select(CasePicture.picture_id).where(CasePicture.case_id == case.id, CasePicture.kind == kind)
    found = session.scalars(wanted).first()
    if found is None:
        raise NotFound(N_("Case %(number)s has no such picture."), number=case.number)
    return found


def find_cases(session: Session, actor: Actor, names: str) -> list[PassportCase]:
    """Cases whose names begin with each of the words of `names`, newest first, at most FOUND_AT_MOST; logged."""
    return _found(session, actor, names, {"names": names})


def find_by_names(session: Session, actor: Actor, names: Mapping[str, str]) -> list[PassportCase]:
    """Cases by beginnings of any of the four NAMES, each in its own place; as `find_cases` otherwise."""
    given = {column: words for column in NAMES if (words := search_name(names.get(column)))}
    columns = {column: _plain(getattr(PassportCase, column)) for column in given}
    in_place = [columns[column].startswith(words, autoescape=True) for column, words in given.items()]
    return _found(session, actor, " ".join(given.values()), dict(given), *in_place)


def _found(
    session: Session, actor: Actor, names: str, asked: dict[str, Any], *conditions: ColumnElement[bool]
) -> list[PassportCase]:
    if not actor.may(Permission.SEARCH_CASES):
        raise NotAllowed()
    found = newest(session, actor.by(Permission.SEARCH_CASES), names, *conditions, most=FOUND_AT_MOST)
    log_look(session, actor, "search", None, asked=asked, cases=[case.number for case in found])
    return found


def _plain(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """A name column as `persons.normalised` has it, for the signs that names here have."""
    return func.translate(func.upper(column), "ÁÀÂÄÉÈÊËÍÌÎÏÓÒÔÖÚÙÛÜÑÇ-‐'’‘ʼ", "AAAAEEEEIIIIOOOOUUUUNC  ")


def find_by_number(session: Session, actor: Actor, number: str) -> list[PassportCase]:
    """Cases that `number` names: case, booklet (voided ones too), CUI or payment slip; newest first; logged.

    A machine-readable zone or its second line stands for the booklet number in it (Doc 9303-4 section 4.2.2).
    """
    if not actor.may(Permission.SEARCH_CASES, Permission.READ_CASES):
        raise NotAllowed()
    text = number_in(number)
    if text is None:
        return []
    used = select(Personalisation.case_id).where(Personalisation.booklet_number == text)
    which = or_(*(condition for form, condition in (
        (CASE_NUMBER, PassportCase.number == text),
        (BOOKLET_NUMBER, PassportCase.id.in_(used)),
        (r"[0-9]{13}", PassportCase.cui == text),
        (r"[0-9]{1,20}", PassportCase.payment_slip == text),
    ) if re.fullmatch(form, text)))  # fmt: skip
    query = select(PassportCase).where(which).order_by(PassportCase.id.desc()).limit(FOUND_AT_MOST)
    mine = actor.by(Permission.SEARCH_CASES, Permission.READ_CASES)
    found = [case for case in session.scalars(query) if mine.sees(case.site_code, case.print_site_code)]
    log_look(session, actor, "find", None, asked=text, cases=[case.number for case in found])
    return found


def number_in(typed: str) -> str | None:
    """The case, booklet, CUI or payment slip number in what was typed or read; None when it has none."""
    zone = _MRZ_LINE_2.search(typed.upper())
    if zone:
        return zone.group(1)
    text = re.sub(r"[\s-]", "", typed).upper()
    return text if any(re.fullmatch(form, text) for form in (CASE_NUMBER, BOOKLET_NUMBER, r"[0-9]{1,20}")) else None


def relatives(session: Session, case: PassportCase) -> list[PassportCase]:
    """The case this one was made from and those made from it, oldest first."""
    related = PassportCase.parent_id == case.id
    if case.parent_id is not None:
        related = related | (PassportCase.id == case.parent_id)
    return list(session.scalars(select(PassportCase).where(related).order_by(PassportCase.id)))


def former_passports(session: Session, case: PassportCase) -> list[FormerCase]:
    """The person's passports of the former system: by the booklet named and by CUI."""
    wanted = FormerCase.cui == case.cui
    if case.previous_booklet:
        wanted = wanted | (FormerCase.booklet_number == case.previous_booklet)
    return list(session.scalars(select(FormerCase).where(wanted).order_by(FormerCase.issued_on.desc()).limit(10)))


def earlier_cases(session: Session, case: PassportCase) -> list[PassportCase]:
    """Other cases of the same CUI in this system, newest first."""
    same = select(PassportCase).where(PassportCase.cui == case.cui, PassportCase.id != case.id)
    return list(session.scalars(same.order_by(PassportCase.id.desc()).limit(10)))
