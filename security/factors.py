"""The second factor: codes of an authenticator (TOTP, RFC 6238), and codes on paper for when it is lost."""

import hashlib
import hmac
import secrets
import time

import pyotp
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from models.sessions import RecoveryCode, SecondFactor
from security.sealed import CannotUnseal, seal, unseal

ISSUER = "Pasaportes"
STEP_SECONDS = 30
DIGITS = 6
#: How far the clocks of telephone and server may be apart, in steps.
DRIFT = 1
RECOVERY_CODES = 10
#: Without those that are mistaken for one another on paper.
_LEGIBLE = "abcdefghijkmnpqrstuvwxyz23456789"

_USE_STEP = text(
    "update second_factor set last_step = :step where user_id = :user and last_step < :step returning user_id"
)
_USE_CODE = text(
    "update recovery_code set used_at = now() where user_id = :user and code_hash = :hash and used_at is null"
    " returning id"
)


def new_secret() -> str:
    """A random secret of 160 bits, in base 32."""
    return pyotp.random_base32()


def address_of(secret: str, username: str) -> str:
    """The `otpauth://` address that authenticators read as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def is_enrolled(session: Session, user_id: int) -> bool:
    """Whether the user has a second factor."""
    return session.scalar(select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)) is not None


def step_of(secret: str, code: str) -> int | None:
    """The time step whose code this is, now or `DRIFT` steps before or after."""
    totp, now = pyotp.TOTP(secret), int(time.time()) // STEP_SECONDS
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS), code):
            return step
    return None


def enrol(session: Session, user_id: int, secret: str, code: str) -> list[str] | None:
    """Keep `secret` as the user's, in the place of any other, if `code` is of it; returns the recovery codes."""
    step = step_of(secret, _tidy(code))
    if step is None:
        return None
    remove(session, user_id)
    session.add(SecondFactor(user_id=user_id, sealed_secret=seal(secret), last_step=step))
    session.flush()
    return renew_codes(session, user_id)


def remove(session: Session, user_id: int) -> bool:
    """Take the second factor and its recovery codes away; False when there was none."""
    gone = session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def renew_codes(session: Session, user_id: int) -> list[str]:
    """New recovery codes of 10 legible characters (50 bits); those from before no longer count."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    letters = ["".join(secrets.choice(_LEGIBLE) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.add_all([RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in letters])
    session.flush()
    return [f"{code[:5]}-{code[5:]}" for code in letters]


def codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes are unused."""
    unused = select(RecoveryCode.id).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return len(session.scalars(unused).all())


def use_code(session: Session, user_id: int, code: str) -> str | None:
    """What `code` was: "authenticator", "recovery", or None. Each works once, also when sent twice at once."""
    given = _tidy(code)
    if len(given) == DIGITS and given.isdigit():
        return "authenticator" if _use_step(session, user_id, given) else None
    used = session.execute(_USE_CODE, {"user": user_id, "hash": _hash(given)}).scalar()
    return "recovery" if used is not None else None


def _use_step(session: Session, user_id: int, code: str) -> bool:
    sealed = session.scalar(select(SecondFactor.sealed_secret).where(SecondFactor.user_id == user_id))
    try:
        step = step_of(unseal(sealed), code) if sealed else None
    except CannotUnseal:
        return False
    return step is not None and session.execute(_USE_STEP, {"user": user_id, "step": step}).scalar() is not None


def _tidy(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isascii() and letter.isalnum())[:40]


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
