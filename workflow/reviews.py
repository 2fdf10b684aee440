"""Periodic reviews of who has access: a snapshot of the accounts, a decision on each, one signature that applies them.

A signed review is proof: the database refuses to change it. Nobody decides about himself.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from models.accounts import AccessReview, AccessReviewLine, Decision
from models.base import utc_now
from models.catalogs import Site
from models.clock import local
from models.text import N_
from models.users import User, user_site
from security.actor import SYSTEM_USERNAME, Actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, WrongState
from security.permissions import Permission
from workflow.users import close

REVIEW = Permission.REVIEW_ACCESS
#: A site whose last signed review is older is due.
DUE_AFTER = dt.timedelta(days=90)
LISTED_AT_MOST = 100
LONGEST_REMARK = 200
#: The active accounts of a site (null: all), each with what it holds or will hold.
_SNAPSHOT = text(
    """
    select u.id, u.username, u.first_name || ' ' || u.last_name as name, u.last_login,
           coalesce((select array_agg(s.site_code order by s.site_code) from user_site s where s.user_id = u.id), '{}')
               as sites,
           coalesce((select jsonb_agg(jsonb_build_object('profile', r.name, 'title', r.title, 'site', h.site_code,
                            'until', h.valid_until) order by r.title, h.site_code nulls first)
                       from (select role_id, null::varchar as site_code, null::date as valid_until
                               from ab_user_role where user_id = u.id
                             union all
                             select role_id, site_code, valid_until from user_assignment
                              where user_id = u.id and ended_at is null
                                and coalesce(valid_until, 'infinity') >= (now() at time zone 'America/Guatemala')::date
                            ) h join ab_role r on r.id = h.role_id), '[]') as held
      from ab_user u
     where u.active and u.username <> :system and (cast(:site as varchar) is null
           or exists (select from user_site s where s.user_id = u.id and s.site_code = :site)
           or exists (select from user_assignment a where a.user_id = u.id and a.site_code = :site
                         and a.ended_at is null
                         and coalesce(a.valid_until, 'infinity') >= (now() at time zone 'America/Guatemala')::date))
     order by u.username
    """
)


@dataclass(frozen=True)
class Due:
    """A site whose accounts nobody reviewed for too long; `signed_at` of the last signed review that covers it."""

    code: str
    name: str
    signed_at: dt.datetime | None


def open_review(session: Session, actor: Actor, site: str | None) -> AccessReview:
    """Begin a review of a site's accounts (None: of all), as they stand now; refused while another is open."""
    _allow(actor, site)
    if site is not None and session.get(Site, site) is None:
        raise BadValue(N_("%(value)s is not one of the choices."), field="site", value=site[:16])
    review = AccessReview(site_code=site, opened_by_id=actor.user_id, opened_at=utc_now())
    try:
        with session.begin_nested():
            session.add(review)
    except IntegrityError as clash:
        raise WrongState(N_("A review of these accounts is open already.")) from clash
    for row in session.execute(_SNAPSHOT, {"site": site, "system": SYSTEM_USERNAME}).mappings():
        access = [{**held, "sites": row["sites"] if held["site"] is None else [held["site"]]} for held in row["held"]]
        review.lines.append(
            AccessReviewLine(
                user_id=row["id"], username=row["username"], name=row["name"], last_login=row["last_login"],
                access=access,
            )
        )  # fmt: skip
    session.flush()
    return review


def find(session: Session, actor: Actor, review_id: int, *, lock: bool = False) -> AccessReview:
    """The review with its lines, if `actor` may review its site; `NotFound` otherwise."""
    if not actor.may(REVIEW):
        raise NotAllowed()
    query = select(AccessReview).where(AccessReview.id == review_id)
    query = query.options(selectinload(AccessReview.lines).selectinload(AccessReviewLine.decided_by))
    query = query.execution_options(populate_existing=True)
    found = session.scalars(query.with_for_update(of=AccessReview) if lock else query).first()
    if found is None or not _reviews(actor, found.site_code):
        raise NotFound(N_("There is no such review."))
    return found


def recent(session: Session, actor: Actor) -> Sequence[AccessReview]:
    """The reviews that `actor` may see: those open first, then the latest signed; at most LISTED_AT_MOST."""
    if not actor.may(REVIEW):
        raise NotAllowed()
    query = select(AccessReview).options(selectinload(AccessReview.opened_by), selectinload(AccessReview.signed_by))
    held = actor.by(REVIEW).sites
    if held is not None:
        query = query.where(AccessReview.site_code.in_(sorted(held)))
    order = (AccessReview.signed_at.isnot(None), AccessReview.id.desc())
    return session.scalars(query.order_by(*order).limit(LISTED_AT_MOST)).all()


def decide(session: Session, actor: Actor, review_id: int, decisions: Mapping[int, tuple[str, str]]) -> AccessReview:
    """Write decisions (by line's id: decision or '' for none, remark) of an open review; one's own line is refused.

    A line that stays as it was keeps who decided it.
    """
    review = _open(session, actor, review_id)
    for line in review.lines:
        if line.id in decisions:
            _decide(line, actor, *decisions[line.id])
    session.flush()
    return review


def _decide(line: AccessReviewLine, actor: Actor, decision: str, remark: str) -> None:
    said = " ".join(remark.replace("\x00", "").split()) or None
    if (decision or None, said) == (line.decision, line.remark):
        return
    if line.user_id == actor.user_id:
        raise Refused(N_("Nobody reviews his own account: another reviewer must decide about it."))
    if decision and decision not in list(Decision):
        raise BadValue(N_("%(value)s is not one of the choices."), field=f"decision-{line.id}", value=decision[:16])
    if decision in (Decision.DISABLE, Decision.CHANGE) and said is None:
        raise BadValue(N_("Say why."), field=f"remark-{line.id}")
    if said is not None and len(said) > LONGEST_REMARK:
        raise BadValue(
            N_("This is longer than %(longest)s characters."), field=f"remark-{line.id}", longest=LONGEST_REMARK
        )  # fmt: skip
    line.decision, line.remark = decision or None, said
    line.decided_by_id, line.decided_at = (actor.user_id, utc_now()) if decision else (None, None)


def sign(session: Session, actor: Actor, review_id: int) -> AccessReview:
    """Sign a review of which every line is decided: it closes what is to be disabled, and is proof from then on.

    Whoever calls has made sure that the person at the keyboard knows the actor's password.
    """
    review = _open(session, actor, review_id)
    missing = [line.username for line in review.lines if line.decision is None]
    if missing:
        raise WrongState(
            N_("Not decided yet: %(users)s."), users=", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        )
    ids = [line.user_id for line in review.lines if line.decision == Decision.DISABLE]
    if actor.user_id in ids:
        raise Refused(N_("The review disables your own account: another reviewer must sign it."))
    accounts = session.scalars(
        select(User).where(User.id.in_(ids), User.active.is_(True)).order_by(User.id).with_for_update(of=User)
    ).all()
    close(session, actor, accounts)
    review.signed_by_id, review.signed_at = actor.user_id, utc_now()
    session.flush()
    return review


def drop(session: Session, actor: Actor, review_id: int) -> None:
    """Give up a review that nobody signed."""
    session.delete(_open(session, actor, review_id))
    session.flush()


def overdue(session: Session, actor: Actor) -> list[Due]:
    """The sites with accounts, of those that `actor` reviews, whose last signed review is older than DUE_AFTER."""
    covering = or_(AccessReview.site_code == Site.code, AccessReview.site_code.is_(None))
    signed = select(func.max(AccessReview.signed_at)).where(covering).correlate(Site).scalar_subquery()
    used = select(user_site.c.site_code).join(User, User.id == user_site.c.user_id).where(User.active.is_(True))
    query = select(Site.code, Site.name, signed).where(
        Site.active, Site.code.in_(used), func.coalesce(signed, dt.datetime.min.replace(tzinfo=dt.UTC)) < _due()
    )
    held = actor.by(REVIEW).sites
    if held is not None:
        query = query.where(Site.code.in_(sorted(held)))
    return [Due(*row) for row in session.execute(query.order_by(Site.name))]


def sites(session: Session, actor: Actor) -> list[Site]:
    """The sites in use whose accounts `actor` may review, by name."""
    held = actor.by(REVIEW).sites
    found = session.scalars(select(Site).where(Site.active).order_by(Site.name))
    return [site for site in found if held is None or site.code in held]


def reviews_all(actor: Actor) -> bool:
    """Whether `actor` may review the accounts of every site at once."""
    return _reviews(actor, None)


def places(line: AccessReviewLine) -> list[tuple[str, str, Any]]:
    """What the account held: profile, its sites in short, last day (ISO date or None)."""
    shown = []
    for held in line.access:
        codes = held["sites"]
        short = ", ".join(codes) if len(codes) <= 6 else f"{', '.join(codes[:6])} … ({len(codes)})"
        shown.append((held["title"] or held["profile"], short or "—", held["until"]))
    return shown


def day_of(last_login: dt.datetime | None) -> str | None:
    """The day in Guatemala of a last log-in, which Flask-AppBuilder keeps in UTC without saying so."""
    return f"{local(last_login.replace(tzinfo=dt.UTC)):%d/%m/%Y}" if last_login else None


def _due() -> dt.datetime:
    return utc_now() - DUE_AFTER


def _reviews(actor: Actor, site: str | None) -> bool:
    return actor.covers(REVIEW, None if site is None else [site])


def _allow(actor: Actor, site: str | None) -> None:
    if not _reviews(actor, site):
        raise NotAllowed()


def _open(session: Session, actor: Actor, review_id: int) -> AccessReview:
    review = find(session, actor, review_id, lock=True)
    if review.signed_at is not None:
        signer = session.get_one(User, review.signed_by_id)
        raise WrongState(
            N_("This review is signed: %(user)s signed it at %(at)s."), user=signer.username, at=review.signed_at
        )
    return review
