"""The signing keys of the 2D code: private halves in files of their own, public halves with validity beside them.

Outside the database, so that neither a copy of it nor a backup can sign. A key stays in the list of public keys for
good: booklets signed with it must verify for the ten years they are valid. Who only verifies gets one file with all
public keys (`published`, `read_public_keys`).
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from printing.seal import PublicKey

_PRIVATE = ".key.pem"
_PUBLIC = ".json"
# Validity is in days of an office whose zone is not known here: the earliest and the latest day it can be anywhere.
_BEHIND, _AHEAD = timedelta(hours=12), timedelta(hours=14)


class KeyStoreError(RuntimeError):
    """The key directory cannot be used as it is; the text names the file and what to do."""


@dataclass(frozen=True)
class SigningKey:
    """The private key with the reference under which its public half is listed."""

    ref: str
    private: ec.EllipticCurvePrivateKey


class KeyStore:
    """A directory of keys: `<ref>.json` with PEM and validity, `<ref>.key.pem` (mode 0600) while it may sign.

    A directory with the public files alone is enough to verify. Two processes may use one directory at once.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def create(self, now: datetime) -> SigningKey:
        """Make the first key, which signs from `now` (aware) on; KeyStoreError when a key signs already."""
        with self._lock():
            ref = self._current_ref()
            if ref:
                raise KeyStoreError(f"{ref} signs already; rotate to make its successor")
            return self._create(_aware(now))

    def rotate(self, now: datetime) -> SigningKey:
        """Make the successor of the key that signs, which stays valid for that day; it may have lost its private half.

        KeyStoreError when there is none, or its file may be read by others.
        """
        with self._lock():
            ref = self._current_ref()
            if ref is None:
                raise KeyStoreError(f"{self.path} has no signing key; create one")
            if self._private_file(ref).exists():
                self._load(ref)
            return self._create(_aware(now))

    def ensure(self, now: datetime | None = None) -> SigningKey:
        """The current key; makes the first when there is none."""
        if self._current_ref() is None:
            with self._lock():
                if self._current_ref() is None:
                    return self._create(_aware(now or datetime.now(UTC)))
        return self.current()

    def check(self) -> None:
        """KeyStoreError when the folder is missing, or when it or a private key in it is open to others."""
        if not self.path.is_dir():
            raise KeyStoreError(f"There is no folder {self.path}; create a key, or restore the folder")
        self._refuse_writable_by_others()
        for file in sorted(self.path.glob(f"*{_PRIVATE}")):
            _refuse_readable_by_others(file, file.stat())

    def may_sign(self, ref: str) -> bool:
        """The private half of that key is here."""
        return self._private_file(ref).exists()

    def current(self) -> SigningKey:
        """The key that signs now; KeyStoreError when there is none or its file may be read by others."""
        ref = self._current_ref()
        if ref is None:
            raise KeyStoreError(f"{self.path} has no signing key; create one")
        return self._load(ref)

    def public_keys(self) -> Mapping[str, PublicKey]:
        """Every key that ever signed, by reference."""
        files = sorted(self.path.glob(f"*{_PUBLIC}"))
        return {key.ref: key for key in map(_read_public, files)}

    def destroy_private(self, ref: str) -> None:
        """Erase the private half of a key that no longer signs; booklets signed with it still verify."""
        with self._lock():
            if ref == self._current_ref():
                raise KeyStoreError(f"{ref} signs now; create its successor first")
            self._private_file(ref).unlink(missing_ok=True)

    def _create(self, now: datetime) -> SigningKey:
        private = ec.generate_private_key(ec.SECP256R1())
        key = SigningKey(_reference(private.public_key()), private)
        former = [old for old in self.public_keys().values() if old.valid_until is None]
        self._write_private(key)
        self._write_public(PublicKey(key.ref, private.public_key(), (now - _BEHIND).date()))
        # Last, so that a crash leaves two keys that may sign rather than none.
        for old in former:
            self._write_public(replace(old, valid_until=last_day(now)))
        return key

    def _current_ref(self) -> str | None:
        open_keys = [key for key in self.public_keys().values() if key.valid_until is None]
        return max(open_keys, key=lambda key: key.valid_from).ref if open_keys else None

    def _load(self, ref: str) -> SigningKey:
        self._refuse_writable_by_others()
        file = self._private_file(ref)
        try:
            with file.open("rb") as opened:
                _refuse_readable_by_others(file, os.fstat(opened.fileno()))
                private = serialization.load_pem_private_key(opened.read(), password=None)
        except FileNotFoundError:
            raise KeyStoreError(f"{file} is missing; restore it or create a new key") from None
        except ValueError as error:
            raise KeyStoreError(f"{file} is no private key: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey) or _reference(private.public_key()) != ref:
            raise KeyStoreError(f"{file} is not the private key of {ref}")
        return SigningKey(ref, private)

    def _private_file(self, ref: str) -> Path:
        return self.path / f"{ref}{_PRIVATE}"

    def _write_private(self, key: SigningKey) -> None:
        pem = key.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(self._private_file(key.ref), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(pem)
            file.flush()
            os.fsync(descriptor)

    def _write_public(self, key: PublicKey) -> None:
        file = self.path / f"{key.ref}{_PUBLIC}"
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(_content(key), indent=2) + "\n", encoding="ascii")
        draft.replace(file)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_writable_by_others()
        with (self.path / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _refuse_writable_by_others(self) -> None:
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
        except FileNotFoundError:
            return
        if mode & 0o022:
            raise KeyStoreError(f"{self.path} has mode {mode:04o}: others may put their keys there; chmod 700 it")


def _refuse_readable_by_others(file: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KeyStoreError(f"{file} has mode {mode:04o}: group or world may use it; chmod 600 it, then rotate")


def last_day(now: datetime) -> date:
    """The last day on which a key signed that ends at `now` (aware): what it is in any office by then."""
    return (_aware(now) + _AHEAD).date()


def read_public_keys(place: Path) -> Mapping[str, PublicKey]:
    """The public keys of a published file, of the file of one key, or of a folder of such files.

    KeyStoreError naming the file that is none, or the folder without any. No private key is looked at.
    """
    files = sorted(place.glob(f"*{_PUBLIC}")) if place.is_dir() else [place]
    found = [key for file in files for key in _read_published(file)]
    # A folder may still hold what was published before a rotation: the end of a key is never unsaid.
    keys = {key.ref: key for key in sorted(found, key=lambda key: key.valid_until is not None)}
    if not keys:
        raise KeyStoreError(f"{place} holds no public keys")
    return keys


def published(keys: Iterable[PublicKey]) -> str:
    """The public keys with their validity as one JSON document, for those who verify."""
    return json.dumps({"seal_keys": [_content(key) for key in keys]}, indent=2) + "\n"


def pem_of(key: PublicKey) -> str:
    """The public key as PEM (SubjectPublicKeyInfo)."""
    encoded = key.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode("ascii")


def public_key(ref: str, pem: str, valid_from: date, valid_until: date | None) -> PublicKey:
    """The key of a PEM; ValueError unless it is an elliptic curve key with that reference."""
    return PublicKey(ref, _loaded(ref, pem), valid_from, valid_until)


@lru_cache(maxsize=64)
def _loaded(ref: str, pem: str) -> ec.EllipticCurvePublicKey:
    key = serialization.load_pem_public_key(pem.encode("ascii"))
    if not isinstance(key, ec.EllipticCurvePublicKey) or _reference(key) != ref:
        raise ValueError(f"not the public key of {ref}")
    return key


def _content(key: PublicKey) -> dict[str, str | None]:
    return {
        "ref": key.ref,
        "valid_from": key.valid_from.isoformat(),
        "valid_until": key.valid_until.isoformat() if key.valid_until else None,
        "public_key": pem_of(key),
    }


def _read_public(file: Path) -> PublicKey:
    (key,) = _read_published(file) or (None,)
    if key is None or key.ref != file.stem:
        raise KeyStoreError(f"{file} does not hold the public key of {file.stem}")
    return key


def _read_published(file: Path) -> list[PublicKey]:
    try:
        content = json.loads(file.read_text(encoding="ascii"))
        return [_from_content(each) for each in content.get("seal_keys", [content])]
    except FileNotFoundError:
        raise KeyStoreError(f"There is no {file}") from None
    except OSError as error:
        raise KeyStoreError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm, RecursionError) as error:
        raise KeyStoreError(f"{file} is no public key with validity: {error!r}") from error


def _from_content(content: dict[str, Any]) -> PublicKey:
    until = content["valid_until"]
    dates = date.fromisoformat(content["valid_from"]), date.fromisoformat(until) if until else None
    return public_key(content["ref"], content["public_key"], *dates)


def _reference(key: ec.EllipticCurvePublicKey) -> str:
    """Ten hexadecimal digits, the beginning of the SHA-256 of the public key in DER."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:10]


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("now must carry its time zone")
    return now.astimezone(UTC)
