"""All that belongs to one case and is of one line each, and its kin, read in two statements for its page."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Select, and_, any_, bindparam, func, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import String

from models.amendments import AmendmentRequest, RequestState
from models.base import AnyRow, read_rows
from models.cases import CaseFinding, CaseRequirement, PassportCase, full_name_of
from models.catalogs import Site
from models.services import Service, ServiceWait
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from security.scope import acting
from workflow.machine import TRANSITIONS, Transition

#: Other cases of the person that a page shows.
EARLIER = 10
#: The columns of `Pending`.
PENDING = ("id", "kind", "requested_by_id", "requested_at")
_cases: Any = PassportCase.__table__
_papers: Any = CaseRequirement.__table__
_required = select(_papers).where(_papers.c.case_id == bindparam("case_id")).order_by(_papers.c.id)


@dataclass(frozen=True)
class Pending:
    """A request that waits for a second person: what a case's page says of it."""

    id: int
    kind: str
    requested_by_id: int
    requested_at: dt.datetime

    @property
    def move(self) -> Transition:
        return TRANSITIONS[self.kind]


@dataclass(frozen=True)
class Whole:
    """A case with its applicant, findings and requirements; the request and services it waits for.

    `only_dealt`: whether its site deals cases in order.
    """

    case: PassportCase
    only_dealt: bool
    requirements: Sequence[AnyRow]
    request: Pending | None
    waits: list[Service]


@dataclass(frozen=True)
class Kin:
    """The cases a case was made from and those made from it, however far, oldest first; others of the same CUI.

    Each has the columns of `PassportCase`, and `full_name`.
    """

    lineage: list[AnyRow]
    earlier: list[AnyRow]


def read(session: Session, number: str, actor: Actor, screen: str) -> Whole:
    """The case of that number among those `actor` sees; the look is logged. Raises `NotFound`."""
    if not actor.may(Permission.READ_CASES):
        raise NotAllowed()
    row = session.execute(_whole(), {"number": number}).first()
    scope = acting()
    if (
        row is None
        or scope is None
        or not scope.sees(row[0].site_code, row[0].print_site_code)
        or (not actor.may_at(Permission.READ_CASES, row[0].site_code, row[0].print_site_code))
    ):
        raise NotFound(N_("There is no case %(number)s at your sites."), number=number)
    case, only_dealt, services, *request = row
    set_committed_value(case, "findings", list(session.scalars(_findings(), {"case_id": case.id})))
    requirements = read_rows(session, _required, {"case_id": case.id})
    log_look(session, actor, screen, case.number)
    pending = Pending(*request) if request[0] is not None else None
    return Whole(case, only_dealt, requirements, pending, [Service(service) for service in services])


@cache
def _whole() -> Select[*tuple[Any, ...]]:
    """The statement of `read`, made once: making it costs more than asking it."""
    waits = select(ServiceWait.service).where(ServiceWait.case_id == PassportCase.id).order_by(ServiceWait.service)
    waits_for = func.coalesce(func.array(waits.scalar_subquery(), type_=ARRAY(String)), array([], type_=String))
    pending = and_(AmendmentRequest.case_id == PassportCase.id, AmendmentRequest.state == RequestState.PENDING)
    return (
        select(PassportCase, Site.only_dealt, waits_for, *(getattr(AmendmentRequest, name) for name in PENDING))
        .join(Site, Site.code == PassportCase.site_code)
        .outerjoin(AmendmentRequest, pending)
        .where(PassportCase.number == bindparam("number"))
        .options(joinedload(PassportCase.applicant))
        .execution_options(every_site=True)
    )


@cache
def _findings() -> Select[CaseFinding]:
    """As the relation has them; `selectinload` makes its statement anew each time."""
    return select(CaseFinding).where(CaseFinding.case_id == bindparam("case_id")).order_by(CaseFinding.id)


def kin(session: Session, case: PassportCase) -> Kin:
    """The cases that belong together with `case`, of those that the actor at work sees, in one statement."""
    actor = acting()
    sites = [] if actor is None else None if actor.sites is None else sorted(actor.sites)
    rows = sorted(read_rows(session, _kin(), {"id": case.id, "cui": case.cui, "sites": sites}), key=lambda row: row.id)
    return Kin([row for row in rows if row.own], [row for row in reversed(rows) if not row.own][:EARLIER])


@cache
def _kin() -> Select[Any]:
    number, sites = bindparam("id", type_=BigInteger), bindparam("sites", type_=ARRAY(String))
    start = select(_cases.c.id, _cases.c.parent_id).where(_cases.c.id == number)
    up, down = start.cte("up", recursive=True), start.cte("down", recursive=True)
    both = select(_cases.c.id, _cases.c.parent_id)
    up = up.union(both.join(up, _cases.c.id == up.c.parent_id))
    down = down.union(both.join(down, _cases.c.parent_id == down.c.id))
    same = select(_cases.c.id).where(_cases.c.cui == bindparam("cui")).order_by(_cases.c.id.desc()).limit(EARLIER + 1)
    every = union(select(up.c.id), select(down.c.id), same.subquery().select()).subquery()
    own = _cases.c.id.in_(union(select(up.c.id), select(down.c.id)))
    seen = or_(sites.is_(None), _cases.c.site_code == any_(sites), _cases.c.print_site_code == any_(sites))
    return select(_cases, own.label("own"), full_name_of(_cases).label("full_name")).where(
        _cases.c.id.in_(select(every.c.id)), _cases.c.id != number, seen
    )
