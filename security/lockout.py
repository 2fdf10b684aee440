"""Lock-outs: guessing is slowed down, and nobody can lock another out from where that user works.

Each try is counted before it is judged, under a lock of the account's row, so that tries at once cannot outrun the
count; one that turns out right is taken back. Failures are counted by account and network, and each network waits for
its own. Networks from which the user has not got in lately, the strangers, have a second count together, for whoever
guesses from many at once. A known network never waits for strangers.
"""

import datetime as dt
import ipaddress
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

#: After this many failures from one network it waits, twice as long each further time, up to the longest wait.
TRIES = 5
#: After this many from strangers together, they all do.
STRANGERS_TRIES = 20
FIRST_WAIT = dt.timedelta(minutes=1)
LONGEST_WAIT = dt.timedelta(minutes=15)
#: A network is known for so long after the user got in from there.
KNOWN_FOR = dt.timedelta(days=90)
#: What did not fail for so long begins to be counted anew.
QUIET = dt.timedelta(days=1)

_HOLD = text("select 1 from ab_user where id = :user for no key update")
_TRY_HERE = text(
    """
    insert into login_source as s (user_id, network, failures, failed_at) values (:user, :network, 1, now())
    on conflict (user_id, network) do update
       set (failures, failed_at, locked_until) = (
           select n, now(),
                  case when n >= :tries then now() + least(power(2, least(n - :tries, 16)) * :first, :longest) end
             from (select case when s.failed_at < now() - :quiet then 1 else s.failures + 1 end as n) as counted)
     where s.locked_until is null or s.locked_until <= now()
    returning coalesce(known_at > now() - :known_for, false)
    """
)
_COUNT = text("update ab_user set fail_login_count = coalesce(fail_login_count, 0) + 1 where id = :user returning id")
_COUNT_STRANGER = text(
    """
    update ab_user
       set (fail_login_count, locked_until) = (
           select n, case when n >= :tries then now() + least(power(2, least(n - :tries, 16)) * :first, :longest) end
             from (select coalesce(fail_login_count, 0) + 1 as n) as counted)
     where id = :user and (locked_until is null or locked_until <= now())
    returning id
    """
)
_TAKE_BACK_HERE = text(
    "update login_source set failures = greatest(failures - 1, 0), locked_until = null"
    " where user_id = :user and network = :network returning coalesce(known_at > now() - :known_for, false)"
)
_TAKE_BACK = text(
    "update ab_user set fail_login_count = greatest(fail_login_count - 1, 0),"
    " locked_until = case when :known then locked_until end where id = :user"
)
_GOT_IN_HERE = text(
    """
    insert into login_source (user_id, network, known_at) values (:user, :network, now())
    on conflict (user_id, network) do update set failures = 0, locked_until = null, known_at = now()
    """
)
_GOT_IN = text(
    "update ab_user set fail_login_count = 0, locked_until = null, last_login = now(),"
    " login_count = coalesce(login_count, 0) + 1 where id = :user"
)
_FORGET = text(
    "delete from login_source where user_id = :user and failed_at < now() - :quiet"
    " and not coalesce(known_at > now() - :known_for, false)"
)
_UNLOCK = (
    text("update ab_user set fail_login_count = 0, locked_until = null where id = :user"),
    text("update login_source set failures = 0, locked_until = null where user_id = :user"),
)


def network_of(address: str | None) -> str:
    """What an address counts as: an IPv4 address itself, an IPv6 address its /64, which one subscriber has."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "-"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def _place(user_id: int, address: str | None) -> dict[str, Any]:
    times = {"first": FIRST_WAIT, "longest": LONGEST_WAIT, "quiet": QUIET, "known_for": KNOWN_FOR}
    return {"user": user_id, "network": network_of(address), **times}


def may_try(session: Session, user_id: int, address: str | None) -> bool:
    """Count a try as a failure until it is taken back; False, and uncounted, while the user waits there.

    Commit before judging the try.
    """
    place = _place(user_id, address)
    session.execute(_HOLD, place)
    known = session.execute(_TRY_HERE, {**place, "tries": TRIES}).scalar()
    count = _COUNT if known else _COUNT_STRANGER
    counted = known is not None and session.execute(count, {**place, "tries": STRANGERS_TRIES}).scalar() is not None
    if not counted:
        session.rollback()
    return counted


def take_back(session: Session, user_id: int, address: str | None) -> None:
    """The try that was counted was right."""
    place = _place(user_id, address)
    session.execute(_HOLD, place)
    known = session.execute(_TAKE_BACK_HERE, place).scalar()
    session.execute(_TAKE_BACK, {**place, "known": bool(known)})


def got_in(session: Session, user_id: int, address: str | None) -> None:
    """The user has logged in: nothing counts against him, and the network is known."""
    for statement in (_GOT_IN, _GOT_IN_HERE, _FORGET):
        session.execute(statement, _place(user_id, address))


def unlock(session: Session, user_id: int) -> None:
    """Let a user try again from everywhere."""
    for statement in _UNLOCK:
        session.execute(statement, {"user": user_id})
