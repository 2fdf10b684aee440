"""Reading cases for a person: by number, by names, with log, booklets and pictures; each look is logged."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload, undefer

from models.base import utc_now
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, CasePicture, PassportCase, Picture
from models.enrolments import FormerCase
from models.text import N_
from models.users import AccessLog
from security.actor import Actor
from security.permissions import Permission
from workflow.errors import NotAllowed, NotFound
from workflow.persons import search_name

FOUND_AT_MOST = 50


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
    if not actor.may(Permission.READ_CASES):
        raise NotAllowed()
    case = session.scalars(
        select(PassportCase)
        .where(PassportCase.number == number)
        .options(
            selectinload(PassportCase.applicant),
            selectinload(PassportCase.findings),
            selectinload(PassportCase.requirements),
        )
    ).first()
    if case is None:
        raise NotFound(N_("There is no case %(number)s at your sites."), number=number)
    log_look(session, actor, screen, case.number)
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
    return session.scalars(select(PassportCase).where(*wanted).limit(1)).first() if wanted else None


def log_look(session: Session, actor: Actor, screen: str, number: str | None, **detail: Any) -> None:
    """Write down that `actor` looked at a person's data; the edge commits it with the request."""
    session.add(
        AccessLog(
            at=utc_now(),
            user_id=actor.user_id,
            case_number=number,
            screen=screen,
            address=actor.address,
            detail=detail or None,
        )
    )


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
    ).tuples()
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


def picture_bytes(session: Session, case: PassportCase, kind: str, actor: Actor) -> Picture:
    """The picture of that kind with its bytes; needs SEE_IMAGES."""
    if not actor.may(Permission.SEE_IMAGES):
        raise NotAllowed()
    picture = session.scalars(
        select(Picture)
        .join(CasePicture, CasePicture.picture_id == Picture.id)
        .where(CasePicture.case_id == case.id, CasePicture.kind == kind)
        .options(undefer(Picture.data))
    ).first()
    if picture is None:
        raise NotFound(N_("Case %(number)s has no such picture."), number=case.number)
    return picture


def find_cases(session: Session, actor: Actor, names: str) -> list[PassportCase]:
    """Cases whose names begin with each of the words of `names`, newest first, at most FOUND_AT_MOST."""
    if not actor.may(Permission.SEARCH_CASES):
        raise NotAllowed()
    words = search_name(names).split()
    if not words:
        return []
    query = select(PassportCase).order_by(PassportCase.id.desc()).limit(FOUND_AT_MOST)
    wanted = " & ".join(f"'{word}':*" for word in words)
    matches = func.to_tsvector("simple", PassportCase.search_name).op("@@")(func.to_tsquery("simple", wanted))
    return list(session.scalars(query.where(matches)))


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
