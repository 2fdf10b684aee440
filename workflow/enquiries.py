"""Reading cases for a person: by number, by names, with log, booklets and pictures; each look is logged."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload, undefer
from sqlalchemy.sql.base import ExecutableOption

from models.base import AnyRow, read_rows
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, CasePicture, PassportCase, Picture
from models.enrolments import FormerCase
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission

#: How many of a kind an enquiry shows.
FOUND_AT_MOST = 50


_log, _shots, _uses, _stock, _former = (
    cast(Any, entity).__table__ for entity in (CaseEvent, CasePicture, Personalisation, Booklet, FormerCase)
)
#: Made once: making a statement costs more than asking it.
_events = select(_log).where(_log.c.case_id == bindparam("case_id")).order_by(_log.c.id)
_pictures = select(_shots).where(_shots.c.case_id == bindparam("case_id")).order_by(_shots.c.kind)
#: The columns of a `BookletLine`, in its order.
_booklets = (
    select(
        _uses.c.booklet_number, _stock.c.state, _uses.c.assigned_at, _uses.c.assigned_by_id, _stock.c.state_since,
        _uses.c.issued_on, _uses.c.expires_on, _stock.c.void_type_code,
    )
    .join(_stock, _stock.c.number == _uses.c.booklet_number)
    .where(_uses.c.case_id == bindparam("case_id")).order_by(_uses.c.id)
)  # fmt: skip
_former_passports = (
    select(_former)
    .where(or_(_former.c.cui == bindparam("cui"), _former.c.booklet_number == bindparam("booklet")))
    .order_by(_former.c.issued_on.desc())
    .limit(10)
)


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
    lists = [selectinload(part) for part in (PassportCase.findings, PassportCase.requirements)]
    case = case_seen(session, number, actor, joinedload(PassportCase.applicant), *lists)
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


def events(session: Session, case: PassportCase) -> Sequence[AnyRow]:
    """The case's log, oldest first: the columns of `CaseEvent`."""
    return read_rows(session, _events, {"case_id": case.id})


def booklets(session: Session, case: PassportCase) -> list[BookletLine]:
    """The booklets the case has or had, oldest first."""
    return [BookletLine(*row) for row in read_rows(session, _booklets, {"case_id": case.id})]


def pictures(session: Session, case: PassportCase | AnyRow) -> Sequence[AnyRow]:
    """What pictures the case has: the columns of `CasePicture`, no bytes."""
    return read_rows(session, _pictures, {"case_id": case.id})


def picture_kinds(session: Session, cases: Sequence[PassportCase]) -> dict[int, list[str]]:
    """By the case's id, the kinds of the pictures that each of `cases` has."""
    found: dict[int, list[str]] = {}
    if cases:
        there = CasePicture.case_id.in_([case.id for case in cases]) & CasePicture.picture_id.is_not(None)
        query = select(CasePicture.case_id, CasePicture.kind).where(there).order_by(CasePicture.kind)
        for case_id, kind in session.execute(query):
            found.setdefault(case_id, []).append(kind)
    return found


def sees_images(actor: Actor, case: PassportCase | AnyRow) -> bool:
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


def former_passports(session: Session, case: PassportCase) -> Sequence[AnyRow]:
    """The person's passports of the former system, by the booklet named and by CUI: the columns of `FormerCase`."""
    return read_rows(session, _former_passports, {"cui": case.cui, "booklet": case.previous_booklet})
