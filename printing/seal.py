"""The signed 2D code of the data page: it carries both MRZ lines and the booklet number under the State's signature.

Text, not bytes, because a code reader that types like a keyboard cannot carry bytes. No biometric hash: paper cannot
reproduce one. `RDB1B` and Base32 of

    country C40 | 01 | certificate ref, 5 | date of signature, 4
    61 | length | 08: MRZ in C40, 60 | 85: booklet number in C40 | 86: kind, 1
    7F | length | signature r and s, 64

ECDSA over everything before 7F, with P-256 and SHA-256: 153 bytes, 250 characters for a booklet number of eight.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from printing.mrz import LINE_LENGTH
from printing.seal_coding import Malformed, pack_date, pack_text, pack_value, unpack_date, unpack_text, unpack_values

PREFIX = "RDB1B"
SHORTEST, LONGEST = 240, 256
_ECDSA_P256_SHA256 = b"\x01"
_MESSAGES, _MRZ, _BOOKLET, _KIND, _SIGNATURE = 0x61, 0x08, 0x85, 0x86, 0x7F
_HEADER_LENGTH, _SIGNATURE_LENGTH, _SCALAR_LENGTH = 12, 66, 32
_BASE32 = re.compile(r"[A-Z2-7]+")


class SealFact(StrEnum):
    """Why a code is not accepted; the words are in `messages.SEAL_LABELS`."""

    NOT_A_SEAL = "NOT_A_SEAL"
    LENGTH = "LENGTH"
    ENCODING = "ENCODING"
    STRUCTURE = "STRUCTURE"
    UNKNOWN_CERTIFICATE = "UNKNOWN_CERTIFICATE"
    OUTSIDE_VALIDITY = "OUTSIDE_VALIDITY"
    SIGNATURE = "SIGNATURE"


class SealError(ValueError):
    """A code that is not accepted; `fact` is the reason, the text adds the detail, `contents` what it claims."""

    def __init__(self, fact: SealFact, detail: str, contents: "SealContents | None" = None) -> None:
        self.fact = fact
        self.contents = contents
        super().__init__(f"{fact}: {detail}")


@dataclass(frozen=True)
class PublicKey:
    """A certificate's public key; it signs from `valid_from` to `valid_until`, both included (None: until further)."""

    ref: str
    key: ec.EllipticCurvePublicKey
    valid_from: date
    valid_until: date | None = None

    def signs_on(self, day: date) -> bool:
        """The key may sign on that day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True)
class SealContents:
    """What a genuine code says; `kind` is a capital, as the second letter of the document code (P, O, D, E)."""

    country: str
    ref: str
    signed_on: date
    mrz_lines: tuple[str, str]
    booklet: str
    kind: str


def sign(
    key: ec.EllipticCurvePrivateKey,
    ref: str,
    mrz_lines: tuple[str, str],
    booklet: str,
    kind: str,
    signed_on: date,
    *,
    country: str = "GTM",
) -> str:
    """The text of the code; `ref` is ten hexadecimal digits.

    ValueError (Malformed for characters) when lines, booklet number, kind or reference have another shape.
    """
    if [len(line) for line in mrz_lines] != [LINE_LENGTH] * 2:
        raise ValueError("a zone has two lines of 44 characters")
    if not re.fullmatch(r"[0-9a-f]{10}", ref) or not re.fullmatch(r"[A-Z]", kind):
        raise ValueError(f"ref is ten hexadecimal digits and kind a capital, not {ref!r} and {kind!r}")
    signed = _signed_part(SealContents(country, ref, signed_on, mrz_lines, booklet, kind))
    r, s = decode_dss_signature(key.sign(signed, _algorithm()))
    raw = r.to_bytes(_SCALAR_LENGTH, "big") + s.to_bytes(_SCALAR_LENGTH, "big")
    text = PREFIX + base64.b32encode(signed + pack_value(_SIGNATURE, raw)).decode().rstrip("=")
    if not SHORTEST <= len(text) <= LONGEST:
        raise ValueError(f"a booklet number of {len(booklet)} characters makes a code of {len(text)}")
    return text


def _signed_part(contents: SealContents) -> bytes:
    header = pack_text(contents.country) + _ECDSA_P256_SHA256 + bytes.fromhex(contents.ref)
    messages = pack_value(_MRZ, pack_text("".join(contents.mrz_lines)))
    messages += pack_value(_BOOKLET, pack_text(contents.booklet)) + pack_value(_KIND, contents.kind.encode("ascii"))
    return header + pack_date(contents.signed_on) + pack_value(_MESSAGES, messages)


@lru_cache
def _algorithm() -> ec.ECDSA:
    """Deterministic (RFC 6979) where the library can, so that printing a page again gives the same code."""
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashes.SHA256())


def verify(text: str, public_keys: Mapping[str, PublicKey]) -> SealContents:
    """What the code says if form, certificate, signature and validity are right; else SealError with the fact."""
    raw = _decoded(text)
    signed, signature = raw[:-_SIGNATURE_LENGTH], raw[-_SIGNATURE_LENGTH:]
    try:
        contents = _contents(signed)
        (scalars,) = unpack_values(signature, (_SIGNATURE,))
    except (Malformed, UnicodeDecodeError) as error:
        raise SealError(SealFact.STRUCTURE, str(error)) from error
    if _signed_part(contents) != signed:
        raise SealError(SealFact.STRUCTURE, "content is not in its only form")
    certificate = public_keys.get(contents.ref)
    if certificate is None:
        raise SealError(SealFact.UNKNOWN_CERTIFICATE, contents.ref, contents)
    if not _is_signed(certificate, scalars, signed):
        raise SealError(SealFact.SIGNATURE, f"does not verify with {certificate.ref}", contents)
    if not certificate.signs_on(contents.signed_on):
        raise SealError(SealFact.OUTSIDE_VALIDITY, f"{contents.ref} did not sign on {contents.signed_on}", contents)
    return contents


def _decoded(text: str) -> bytes:
    if not text.startswith(PREFIX):
        raise SealError(SealFact.NOT_A_SEAL, f"does not begin with {PREFIX}")
    if not SHORTEST <= len(text) <= LONGEST:
        raise SealError(SealFact.LENGTH, f"{len(text)} characters")
    body = text.removeprefix(PREFIX)
    if not _BASE32.fullmatch(body):
        raise SealError(SealFact.ENCODING, "characters outside A-Z and 2-7")
    try:
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
    except binascii.Error as error:
        raise SealError(SealFact.ENCODING, str(error)) from error
    # The decoder ignores the bits after the last byte; another character there would be another text for these bytes.
    if base64.b32encode(raw).decode().rstrip("=") != body:
        raise SealError(SealFact.ENCODING, "bits after the last byte")
    return raw


def _contents(signed: bytes) -> SealContents:
    header = signed[:_HEADER_LENGTH]
    (messages,) = unpack_values(signed[_HEADER_LENGTH:], (_MESSAGES,))
    mrz, booklet, kind = unpack_values(messages, (_MRZ, _BOOKLET, _KIND))
    if header[2:3] != _ECDSA_P256_SHA256:
        raise Malformed("another signature algorithm")
    if not re.fullmatch(rb"[A-Z]", kind):
        raise Malformed("kind is no capital")
    zone = unpack_text(mrz)
    if len(zone) != 2 * LINE_LENGTH:
        raise Malformed(f"a zone of {len(zone)} characters")
    return SealContents(
        country=unpack_text(header[:2]),
        ref=header[3:8].hex(),
        signed_on=unpack_date(header[8:]),
        mrz_lines=(zone[:LINE_LENGTH], zone[LINE_LENGTH:]),
        booklet=unpack_text(booklet),
        kind=kind.decode("ascii"),
    )


def _is_signed(certificate: PublicKey, scalars: bytes, signed: bytes) -> bool:
    if len(scalars) != 2 * _SCALAR_LENGTH:
        raise SealError(SealFact.STRUCTURE, f"a signature of {len(scalars)} bytes")
    r, s = (int.from_bytes(part, "big") for part in (scalars[:_SCALAR_LENGTH], scalars[_SCALAR_LENGTH:]))
    try:
        certificate.key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
