"""One's own second factor: set up, renewed, taken off the telephone; each leaves a trace."""

from sqlalchemy.orm import Session

from models.sessions import SecondFactor
from models.text import N_
from security import factors
from security.actor import Actor
from security.errors import Refused
from security.looks import log_event
from security.sessions import end_every


def mine(session: Session, actor: Actor) -> tuple[SecondFactor, int] | None:
    """The actor's second factor and how many recovery codes are left, or None."""
    found = session.get(SecondFactor, actor.user_id)
    return (found, factors.codes_left(session, actor.user_id)) if found is not None else None


def enrol(session: Session, actor: Actor, secret: str, code: str) -> list[str] | None:
    """Set up `secret` if `code` is of it: returns the recovery codes, and ends the sessions begun without it."""
    if factors.is_enrolled(session, actor.user_id):
        raise Refused(N_("You have a second factor. Take it away before you set up another."))
    codes = factors.enrol(session, actor.user_id, secret, code)
    if codes is not None:
        end_every(session, actor.user_id, but=actor.session.id if actor.session else None)
        log_event(session, actor.user_id, "factor.enrolled", actor.address)
    return codes


def renew_codes(session: Session, actor: Actor) -> list[str]:
    """New recovery codes, for who has just shown a code."""
    if not factors.is_enrolled(session, actor.user_id):
        raise Refused(N_("You have no second factor."))
    log_event(session, actor.user_id, "factor.codes_renewed", actor.address)
    return factors.renew_codes(session, actor.user_id)


def remove(session: Session, actor: Actor) -> None:
    """Take it away, for who has just shown a code."""
    if not factors.remove(session, actor.user_id):
        raise Refused(N_("You have no second factor."))
    log_event(session, actor.user_id, "factor.removed", actor.address)
