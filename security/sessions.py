"""Sessions and tokens as rows: opened with a random key, seen now and then, ended one by one or all at once."""

import datetime as dt
import hashlib
import re
import secrets

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.sessions import UserSession
from models.users import User

#: Between two times that a session is written down as seen.
SEEN_EVERY = dt.timedelta(minutes=1)
#: What was over for this long is forgotten when its user next logs in; the access log remembers.
FORGOTTEN_AFTER = dt.timedelta(days=30)

_FORGET = text(
    "delete from user_session where user_id = :user and greatest(least(expires_at, ended_at), seen_at) < :before"
)
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def hash_of(key: str) -> bytes:
    """What is kept of a session's key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def open_session(
    session: Session, user_id: int, kind: str, lasting: dt.timedelta, *,
    label: str = "", address: str | None = None, issued_by: int | None = None,
) -> str:  # fmt: skip
    """Begin a session of `kind` (web, token, station) that lives at most `lasting`; returns its key, told only now."""
    now, key = utc_now(), secrets.token_urlsafe(32)
    session.execute(_FORGET, {"user": user_id, "before": now - FORGOTTEN_AFTER})
    session.add(
        UserSession(
            key_hash=hash_of(key), user_id=user_id, kind=kind, label=label[:80], address=address,
            epoch=select(User.session_epoch).where(User.id == user_id).scalar_subquery(),
            started_at=now, seen_at=now, expires_at=now + lasting, issued_by_id=issued_by,
        )
    )  # fmt: skip
    session.flush()
    return key


def mark_seen(session: Session, session_id: int, address: str | None) -> None:
    """Write down that a session is used now; of two requests at once one does."""
    seen = update(UserSession).where(UserSession.id == session_id, UserSession.seen_at < utc_now() - SEEN_EVERY)
    seen = seen.where(UserSession.ended_at.is_(None))
    session.execute(seen.values(seen_at=utc_now(), address=address).execution_options(synchronize_session=False))


def end_session(session: Session, session_id: int, why: str, by: int) -> bool:
    """End one session: `why` is logout, owner or admin. False when it had ended before."""
    ended = update(UserSession).where(UserSession.id == session_id, UserSession.ended_at.is_(None))
    values = {"ended_at": func.now(), "ended_why": why, "ended_by_id": by}
    changed = session.execute(ended.values(**values).execution_options(synchronize_session=False))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def new_epoch() -> str:
    """The mark that an account's sessions and tokens carry; a new one ends them all."""
    return secrets.token_hex(16)


def end_every(session: Session, user_id: int, *, but: int | None = None) -> None:
    """End every session and token of a user at once, but for the one whose id is `but`."""
    epoch = new_epoch()
    session.execute(update(User).where(User.id == user_id).values(session_epoch=epoch))
    if but is not None:
        kept = update(UserSession).where(UserSession.id == but, UserSession.user_id == user_id)
        kept = kept.where(UserSession.ended_at.is_(None))
        session.execute(kept.values(epoch=epoch).execution_options(synchronize_session=False))


def label_of(agent: str) -> str:
    """A browser and its system as people call them, or the beginning of what a program says it is."""
    browser = next((f"{name} {found[1]}" for word, name in _BROWSERS if (found := _version(word, agent))), None)
    if browser is None:
        return re.sub(r"[^ -~]", "", agent)[:40]
    system = next((name for word, name in _SYSTEMS if word in agent), None)
    return f"{browser} · {system}" if system else browser


def _version(word: str, agent: str) -> re.Match[str] | None:
    return re.search(rf"{word}\w*/(\d+)", agent)
