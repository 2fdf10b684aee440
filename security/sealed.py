"""Secrets that the product must be able to read again (second factors, keys of services), sealed for the database.

The key is derived from PASAPORTES_SECRET_KEY, which no table and no dump holds; whoever has only a copy of the database
has nothing. With another secret key what was sealed is lost, and has to be entered again.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"pasaportes sealed secrets 1"
_seals: list[Fernet] = []


class CannotUnseal(ValueError):
    """It was sealed with another secret key, or was changed."""


def configure(secret_key: str) -> None:
    """Seal from now on with a key derived from `secret_key` (HKDF, SHA-256); without one nothing is sealed or read."""
    _seals.clear()
    if not secret_key:
        return
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    _seals.append(Fernet(base64.urlsafe_b64encode(key)))


def seal(text: str) -> str:
    """`text` encrypted and authenticated (Fernet), as about 100 + 4/3 of its length ASCII characters."""
    return _seal().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that `seal` was given. Raises `CannotUnseal`."""
    try:
        return _seal().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotUnseal("sealed with another PASAPORTES_SECRET_KEY, or changed") from error


def _seal() -> Fernet:
    if not _seals:
        raise LookupError("nothing can be sealed: PASAPORTES_SECRET_KEY is missing")
    return _seals[0]
