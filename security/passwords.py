"""What a password must be, how it is kept, and the ones made to be used once."""

import datetime as dt
import re
import secrets
from collections.abc import Callable

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from models.base import utc_now
from models.sessions import FormerPassword
from models.text import N_
from models.users import User
from security.lockout import unlock
from security.sessions import end_every

HASH_METHOD = "scrypt:65536:8:1"
#: The hash of nobody's password, as dear to check as a true one: so an unknown name takes as long as a known one.
FAKE_HASH = (
    "scrypt:65536:8:1$D60aDy8um7Tml8ST$e02d7d913a5d1ae2696fc358c7f8cc2008bb5b0633b89d981d19fcec370b22d6a24d45f131aeeb9a"
    "ff3c0d7633ccdf0cc789b629f1133bb8a3682d5e43c5c943"
)
SHORTEST = 10
#: So many passwords that a user chose before are not chosen again, besides the present one.
REMEMBERED = 5
#: A password that expires says so at log-in for so long before.
NOTICE = dt.timedelta(days=10)
REUSED = N_("You used this password before. Choose one that is not among your last %(count)s.")
_SHORTEST_NAME_LOOKED_FOR = 4
#: Without those that are mistaken for one another on paper or over the telephone.
_LEGIBLE = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"

Rule = Callable[[str, str], bool]
_KEEP_FORMER = text(
    "insert into former_password (user_id, password)"
    " select id, password from ab_user where id = :user and password is not null and not must_change_password"
)
_FORGET_OLDER = text(
    "delete from former_password where user_id = :user and id not in"
    " (select id from former_password where user_id = :user order by id desc limit :count)"
)


def _leaves_the_name_out(password: str, username: str) -> bool:
    return len(username) < _SHORTEST_NAME_LOOKED_FOR or username.lower() not in password.lower()


#: Each rule's words (message ids), and whether a password keeps it for a user name.
RULES: tuple[tuple[str, Rule], ...] = (
    (N_("At least 10 characters"), lambda password, _name: len(password) >= SHORTEST),
    (N_("A capital letter"), lambda password, _name: any(letter.isupper() for letter in password)),
    (N_("A small letter"), lambda password, _name: any(letter.islower() for letter in password)),
    (N_("A digit"), lambda password, _name: re.search(r"[0-9]", password) is not None),
    (N_("Without the user name in it"), _leaves_the_name_out),
)


def check_password_rules(password: str, username: str) -> list[str]:
    """The message ids of the rules that `password` breaks; empty when it will do."""
    return [words for words, keeps in RULES if not keeps(password, username)]


def one_time_password(username: str = "") -> str:
    """A random password of 12 legible characters in three groups (69 bits) that keeps the rules."""
    while True:
        password = "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(3))
        if not check_password_rules(password, username):
            return password


def hash_password(password: str, method: str = HASH_METHOD) -> str:
    """What is kept of `password`."""
    return generate_password_hash(password, method)


def is_reused(session: Session, user_id: int, password: str) -> bool:
    """Whether this is the user's present password or one of those he chose lately. Slow: it hashes for each."""
    former = select(FormerPassword.password).where(FormerPassword.user_id == user_id)
    hashes = [session.scalar(select(User.password).where(User.id == user_id)), *session.scalars(former)]
    return any(kept is not None and check_password_hash(kept, password) for kept in hashes)


def expiry(changed_at: dt.datetime, days: int) -> dt.datetime | None:
    """When a password set at `changed_at` expires if one lasts `days`; None for never (0 days)."""
    return changed_at + dt.timedelta(days=days) if days else None


def set_password(
    session: Session, user_id: int, password_hash: str, *, must_change: bool, but: int | None = None
) -> None:
    """Keep a password, and the one before among the former; the account is no longer locked.

    Every session and token of the account ends, but for the one session whose id is `but`.
    """
    session.execute(_KEEP_FORMER, {"user": user_id})
    session.execute(_FORGET_OLDER, {"user": user_id, "count": REMEMBERED})
    session.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            password=password_hash, must_change_password=must_change, password_changed_at=func.now(),
            changed_on=utc_now().replace(tzinfo=None),
        )
    )  # fmt: skip
    unlock(session, user_id)
    end_every(session, user_id, but=but)
