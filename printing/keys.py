"""The signing keys of the 2D code: private halves in files of their own, public halves with validity beside them.

Outside the database, so that neither a copy of it nor a backup can sign. A key stays in the list of public keys for
good: booklets signed with it must verify for the ten years they are valid.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

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
        """Make a new key that signs from `now` (aware) on; the key that signed so far stays valid for that day."""
        with self._lock():
            return self._create(_aware(now))

    rotate = create

    def ensure(self, now: datetime | None = None) -> SigningKey:
        """The current key; makes the first when there is none."""
        with self._lock():
            ref = self._current_ref()
            return self._load(ref) if ref else self._create(_aware(now or datetime.now(UTC)))

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
            self._write_public(replace(old, valid_until=(now + _AHEAD).date()))
        return key

    def _current_ref(self) -> str | None:
        open_keys = [key for key in self.public_keys().values() if key.valid_until is None]
        return max(open_keys, key=lambda key: key.valid_from).ref if open_keys else None

    def _load(self, ref: str) -> SigningKey:
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
        content = {
            "ref": key.ref,
            "valid_from": key.valid_from.isoformat(),
            "valid_until": key.valid_until.isoformat() if key.valid_until else None,
            "public_key": _pem(key.key).decode("ascii"),
        }
        file = self.path / f"{key.ref}{_PUBLIC}"
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
        draft.replace(file)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _refuse_readable_by_others(file: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KeyStoreError(f"{file} has mode {mode:04o}: group or world may use it; chmod 600 it, or create a new key")


def _read_public(file: Path) -> PublicKey:
    try:
        content = json.loads(file.read_text(encoding="ascii"))
        until = content["valid_until"]
        key = serialization.load_pem_public_key(content["public_key"].encode("ascii"))
        dates = date.fromisoformat(content["valid_from"]), date.fromisoformat(until) if until else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyStoreError(f"{file} is no public key with validity: {error!r}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not content.get("ref") == file.stem == _reference(key):
        raise KeyStoreError(f"{file} does not hold the public key of {file.stem}")
    return PublicKey(file.stem, key, *dates)


def _reference(key: ec.EllipticCurvePublicKey) -> str:
    """Ten hexadecimal digits, the beginning of the SHA-256 of the public key in DER."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:10]


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("now must carry its time zone")
    return now.astimezone(UTC)
