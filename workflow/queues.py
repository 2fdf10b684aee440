"""The work queues of Monitoreo: counts by site, pages by key, the next case dealt, cases taken and given back.

A queue is read by its index in the order it is worked: priority, then time of enrolment. Counts stop at a cap, so
that a queue of 100,000 costs no more than one of 1,000; the cap is said on the screen.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import Site
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, NotFound, Refused, WrongState
from security.permissions import Permission
from security.scope import visible
from workflow.machine import HOLD_LASTS, lock_case, refuse_if_held, wrong_state
from workflow.name_search import waiting

COUNT_CAP = 1000
PAGE = 50


@dataclass(frozen=True)
class Queue:
    """One screen of Monitoreo. `mobile` None: both kinds of station."""

    key: str
    module: int
    label: str
    state: State
    permission: Permission
    mobile: bool | None = None
    dealt: bool = False


QUEUES = {
    queue.key: queue
    for queue in (
        Queue("supervision", 1, N_("Supervision"), State.ENROLADA, Permission.AUTHORISE_CASES, dealt=True),
        Queue("printing", 2, N_("Pre-printing"), State.AUTORIZADA, Permission.PRINT_BOOKLETS, mobile=False),
        Queue("delivery", 3, N_("Post-printing"), State.POST_IMPRESION, Permission.DELIVER),
        Queue("quality", 4, N_("Quality control"), State.IMPRESA, Permission.CHECK_QUALITY),
        Queue("mobile-printing", 5, N_("Mobile pre-printing"), State.AUTORIZADA, Permission.PRINT_MOBILE, mobile=True),
        Queue("in-printing", 6, N_("In printing"), State.EN_IMPRESION, Permission.RESUME_PRINTS),
        Queue(
            "secondary",
            7,
            N_("Secondary validation"),
            State.VALIDACION_SECUNDARIA,
            Permission.DECIDE_SECONDARY,
            dealt=True,
        ),
    )
}


@dataclass(frozen=True)
class SiteCount:
    """How many cases wait at a site. `count` above COUNT_CAP means more than that; `oldest` is a sample's oldest."""

    code: str
    name: str
    count: int
    oldest: dt.datetime | None

    @property
    def capped(self) -> bool:
        return self.count > COUNT_CAP


@dataclass(frozen=True)
class Position:
    """Where a page of a queue starts: after this case."""

    priority: int
    enrolled_at: dt.datetime
    id: int


def may_work(queue: Queue, actor: Actor) -> Actor:
    """`actor`, seeing only the sites where he works on `queue`; raises `NotAllowed` when there is none."""
    if not actor.may(queue.permission):
        raise NotAllowed()
    return actor.by(queue.permission)


def site_counts(session: Session, queue: Queue, actor: Actor) -> list[SiteCount]:
    """The sites `actor` sees, with what waits there; busiest first."""
    actor = may_work(queue, actor)
    inner = select(PassportCase.enrolled_at).where(*_waiting(queue), PassportCase.site_code == Site.code)
    some = inner.limit(COUNT_CAP + 1).correlate(Site).subquery()
    counted = select(func.count().label("n"), func.min(some.c.enrolled_at).label("oldest")).select_from(some).lateral()
    rows = session.execute(
        select(Site.code, Site.name, counted.c.n, counted.c.oldest)
        .join(counted, true())
        .where(Site.active, *sites_of(actor))
        .order_by(counted.c.n.desc(), Site.name)
    )
    return [SiteCount(*row) for row in rows]


def sites_of(actor: Actor) -> list[ColumnElement[bool]]:
    """The conditions on `Site` that `actor` is held to: his own and those that his print for."""
    if actor.sites is None:
        return []
    sites = sorted(actor.sites)
    return [or_(Site.code.in_(sites), and_(Site.prints.is_(False), Site.prints_at_code.in_(sites)))]


def _here(actor: Actor) -> list[ColumnElement[bool]]:
    """What `actor` sees, where a permission holds at some of his sites only; else row scope says it already."""
    condition = visible(actor) if actor.held_at is not None else None
    return [] if condition is None else [condition]


def _waiting(queue: Queue) -> list[ColumnElement[bool]]:
    conditions = [PassportCase.state == queue.state]
    return conditions if queue.mobile is None else [*conditions, PassportCase.mobile.is_(queue.mobile)]


def page(
    session: Session, queue: Queue, site: str, actor: Actor, *, after: Position | None = None
) -> tuple[list[PassportCase], Position | None]:
    """Up to PAGE cases waiting at `site`, in working order, and where the next page starts, if there is one."""
    actor = may_work(queue, actor)
    key = (PassportCase.priority, PassportCase.enrolled_at, PassportCase.id)
    query = select(PassportCase).where(*_waiting(queue), *_here(actor), PassportCase.site_code == site)
    query = query.order_by(*key).limit(PAGE + 1)
    if after is not None:
        query = query.where(tuple_(*key) > (after.priority, after.enrolled_at, after.id))
    cases = list(session.scalars(query))
    if len(cases) <= PAGE:
        return cases, None
    last = cases[PAGE - 1]
    return cases[:PAGE], Position(last.priority, last.enrolled_at, last.id)


def find_in_queue(
    session: Session, queue: Queue, actor: Actor, *, words: str = "", booklet: str = ""
) -> list[PassportCase]:
    """Cases of the queue by booklet or by beginnings of names, at most PAGE."""
    actor = may_work(queue, actor)
    query = select(PassportCase).where(*_waiting(queue), *_here(actor)).limit(PAGE)
    if booklet:
        query = query.where(PassportCase.booklet_number == booklet)
    named = waiting(words, actor, queue.state)
    if named is not None:
        query = query.where(named)
    return list(session.scalars(query)) if booklet or named is not None else []


def deal_next(session: Session, queue: Queue, site: str, actor: Actor) -> PassportCase | None:
    """Take the oldest free case by priority for `actor` (ICAO 9303-2 App. D); None when nothing waits.

    Rows that others are taking at this moment are stepped over, so that two never get the same. The caller commits.
    """
    actor = may_work(queue, actor)
    mine = session.scalars(
        select(PassportCase).where(
            *_waiting(queue),
            *_here(actor),
            PassportCase.site_code == site,
            PassportCase.held_by_id == actor.user_id,
            PassportCase.held_at > utc_now() - HOLD_LASTS,
        )
    ).first()
    if mine is not None:
        return mine
    free = or_(PassportCase.held_by_id.is_(None), PassportCase.held_at <= utc_now() - HOLD_LASTS)
    case = session.scalars(
        select(PassportCase)
        .where(*_waiting(queue), *_here(actor), PassportCase.site_code == site, free)
        .order_by(PassportCase.priority, PassportCase.enrolled_at, PassportCase.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    ).first()
    if case is not None:
        _hold(session, case, actor)
    return case


def take(session: Session, queue: Queue, number: str, actor: Actor) -> PassportCase:
    """Take the case `number` for `actor`, unless somebody works on it or its site only deals. The caller commits."""
    actor = may_work(queue, actor)
    case = lock_case(session, number)
    if not actor.sees(case.site_code, case.print_site_code):
        raise NotAllowed()
    if case.state != queue.state:
        raise wrong_state(session, case)
    refuse_if_held(session, case, actor)
    if case.held_by_id != actor.user_id:
        if queue.dealt and session.get_one(Site, case.site_code).only_dealt:
            raise Refused(N_("At this site cases are dealt in order: press “Next case”."))
        _hold(session, case, actor)
    return case


def give_back(session: Session, number: str, actor: Actor) -> PassportCase:
    """Let go of a case that `actor` had taken."""
    case = lock_case(session, number)
    if case.held_by_id != actor.user_id:
        raise WrongState(N_("You have not taken case %(number)s."), number=number)
    case.held_by_id = case.held_at = None
    return case


def _hold(session: Session, case: PassportCase, actor: Actor) -> None:
    case.held_by_id, case.held_at = actor.user_id, utc_now()
    session.add(
        CaseEvent(
            case_id=case.id,
            event=Event.REVISION,
            transition="take",
            from_state=case.state,
            to_state=case.state,
            started_at=case.held_at,
            at=case.held_at,
            user_id=actor.user_id,
            username=actor.username,
            site_code=case.site_code,
            address=actor.address,
        )
    )
    session.flush()


def queue_called(key: str) -> Queue:
    """The queue of that key, or `NotFound`."""
    if key not in QUEUES:
        raise NotFound(N_("There is no queue called %(name)s."), name=key)
    return QUEUES[key]


def site_called(session: Session, queue: Queue, code: str, actor: Actor) -> Site:
    """The site of that code, if `actor` works on `queue` there; `NotFound` otherwise."""
    actor = may_work(queue, actor)
    site = session.get(Site, code)
    theirs = site is not None and (actor.sees(code) or (not site.prints and actor.sees(site.prints_at_code or "")))
    if site is None or not theirs:
        raise NotFound(N_("There is no site %(code)s among yours."), code=code[:16])
    return site


def queue_of(state: State, actor: Actor, *, mobile: bool = False) -> Queue | None:
    """The queue on which `actor` works cases in that state, if there is one."""
    for queue in QUEUES.values():
        if queue.state == state and queue.mobile in (None, mobile) and actor.may(queue.permission):
            return queue
    return None


def is_held(case: PassportCase) -> bool:
    """Whether somebody has taken the case and still holds it."""
    return case.held_at is not None and utc_now() - case.held_at <= HOLD_LASTS
