"""The pictures of an enrolment: taken out of its body, proved, kept apart, and put back when it is read.

In the stored body `image` holds the SHA-256 of the picture instead of its base64. The bytes stand in
`enrollment_buffer` until the enrolment is finalized and in `picture` from then on, never in both.
"""

import base64
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, undefer

from models.base import utc_now
from models.cases import CasePicture, Picture
from models.enrolments import Enrollment, EnrollmentBuffer
from models.text import N_
from workflow import pictures
from workflow.enrolment_form import BadEnrolment
from workflow.picture_process import Want
from workflow.pictures import BadPicture, PictureClaim

NO_BUFFER = N_("This enrolment has no such buffer.")
TWICE = N_("There is another item of this type.")
#: No base64 has a colon: what a station sends can never be taken for this.
KEPT = "sha256:"


@dataclass(frozen=True)
class Shot:
    """A picture of the item at `position` of biometricData: its bytes, and what they proved to be."""

    position: int
    item: dict[str, Any]
    data: bytes
    proof: pictures.Picture


@dataclass(frozen=True)
class _Claimed:
    position: int
    member: str
    data: bytes
    claim: PictureClaim


def kind_of(item: dict[str, Any]) -> str:
    """PORTRAIT, SIGNATURE, or which finger."""
    return str(item.get("biometricSubType") or item["biometricType"])


def items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The biometric items of a body."""
    return body.get("biometricData", [])  # type: ignore[no-any-return]


def check_draft(session: Session, enrollment_id: str, body: dict[str, Any], *, fresh: bool) -> list[Shot]:
    """The pictures that came inline, proved; buffers that are named must be there. BadEnrolment otherwise.

    `fresh` when the items are as a station sent them, so that none of them can mean a picture that is kept.
    """
    wanted = _references(enrollment_id, body)
    if wanted:
        mine = select(EnrollmentBuffer.id).where(EnrollmentBuffer.enrollment_id == enrollment_id)
        _found(wanted, {name: b"" for name in session.scalars(mine.where(EnrollmentBuffer.id.in_(wanted.values())))})
    return _proved(body, _inline(body, fresh=fresh))


def check_complete(session: Session, enrollment_id: str, body: dict[str, Any], *, fresh: bool) -> list[Shot]:
    """Every picture of a body that is to be finalized, and what the page needs, proved in one go; errors as above."""
    seen = set()
    for position, item in enumerate(items(body)):
        if kind_of(item) in seen:
            raise BadEnrolment(f"$.biometricData[{position}]", TWICE)
        seen.add(kind_of(item))
    claimed = [*_inline(body, fresh=fresh), *_stored(session, enrollment_id, body)]
    return _proved(body, sorted(claimed, key=lambda one: one.position), for_page=True)


def take_out(body: dict[str, Any], shots: Iterable[Shot]) -> dict[str, Any]:
    """`body` with the hash of each inline picture in its place."""
    hashes = {shot.position: KEPT + shot.proof.sha256 for shot in shots}
    kept = [
        {**item, "image": hashes[position]} if position in hashes and "image" in item else item
        for position, item in enumerate(items(body))
    ]
    return {**body, "biometricData": kept} if "biometricData" in body else body


def keep(session: Session, enrollment_id: str, shots: Iterable[Shot]) -> None:
    """Keep inline pictures of an enrolment in progress as buffers."""
    for shot in shots:
        buffer = new_buffer(enrollment_id, shot.data, shot.item["mimeType"])
        buffer.inline = True
        session.add(buffer)


def new_buffer(enrollment_id: str, data: bytes, media_type: str) -> EnrollmentBuffer:
    """A buffer with an id that nobody guesses."""
    return EnrollmentBuffer(
        id=str(uuid.uuid4()), enrollment_id=enrollment_id, media_type=media_type, data=data,
        sha256=hashlib.sha256(data).digest(), created_at=utc_now(),
    )  # fmt: skip


def drop_inline(session: Session, enrollment_id: str) -> None:
    """Forget the inline pictures of an enrolment whose body no longer holds them."""
    session.execute(
        delete(EnrollmentBuffer).where(EnrollmentBuffer.enrollment_id == enrollment_id, EnrollmentBuffer.inline)
    )


def drop_copies(session: Session, enrollment_id: str, body: dict[str, Any]) -> None:
    """After the case has the pictures: forget inline ones, and the bytes of buffers that became pictures."""
    drop_inline(session, enrollment_id)
    named = _references(enrollment_id, body)
    if named:
        mine = update(EnrollmentBuffer).where(EnrollmentBuffer.enrollment_id == enrollment_id)
        session.execute(mine.where(EnrollmentBuffer.id.in_(named.values())).values(data=b""))


def put_back(session: Session, enrolment: Enrollment) -> dict[str, Any]:
    """The body as it was sent, pictures included."""
    body = enrolment.body
    if not any(_hash_of(item) for item in items(body)):
        return body
    bytes_of = {picture.sha256.hex(): picture.data for picture in _kept(session, enrolment)}
    filled = [
        {**item, "image": base64.b64encode(bytes_of[digest]).decode()} if (digest := _hash_of(item)) else item
        for item in items(body)
    ]
    return {**body, "biometricData": filled}


def with_references(enrolment: Enrollment, root: str) -> dict[str, Any]:
    """The body with the address of each picture instead of its bytes; `root` is the address of all enrolments."""
    shown = []
    for item in items(enrolment.body):
        if digest := _hash_of(item):
            item = {name: value for name, value in item.items() if name != "image"}
            item["imageRef"] = f"{root}/{enrolment.id}/buffer/{digest}"
        shown.append(item)
    return {**enrolment.body, "biometricData": shown} if shown else enrolment.body


def buffer_content(session: Session, enrolment: Enrollment, buffer_id: str) -> tuple[bytes, str] | None:
    """Bytes and media type of a buffer, by its id or, of a picture, by its SHA-256 in hexadecimal."""
    buffer = session.scalars(
        select(EnrollmentBuffer)
        .where(EnrollmentBuffer.enrollment_id == enrolment.id, EnrollmentBuffer.id == buffer_id)
        .options(undefer(EnrollmentBuffer.data))
    ).first()
    if buffer is not None and buffer.data:
        return buffer.data, buffer.media_type
    digest = buffer.sha256.hex() if buffer is not None else buffer_id
    for picture in _kept(session, enrolment):
        if picture.sha256.hex() == digest:
            return picture.data, buffer.media_type if buffer is not None else picture.media_type
    return None


def _kept(session: Session, enrolment: Enrollment) -> Iterator[EnrollmentBuffer | Picture]:
    if enrolment.case_id is None:
        mine = EnrollmentBuffer.enrollment_id == enrolment.id
        yield from session.scalars(
            select(EnrollmentBuffer).where(mine, EnrollmentBuffer.inline).options(undefer(EnrollmentBuffer.data))
        )
        return
    yield from session.scalars(
        select(Picture)
        .join(CasePicture, CasePicture.picture_id == Picture.id)
        .where(CasePicture.case_id == enrolment.case_id)
        .options(undefer(Picture.data))
    )


def _hash_of(item: dict[str, Any]) -> str | None:
    image = item.get("image", "")
    return image.removeprefix(KEPT) if image.startswith(KEPT) else None


def _claim(item: dict[str, Any]) -> PictureClaim:
    return PictureClaim(item["mimeType"], item.get("width"), item.get("height"))


def _inline(body: dict[str, Any], *, fresh: bool) -> list[_Claimed]:
    """Pictures that came in base64."""
    found = []
    for position, item in enumerate(items(body)):
        if "image" in item and (fresh or _hash_of(item) is None):
            try:
                data = pictures.decode_base64(item["image"])
            except BadPicture as refusal:
                raise _refused(position, "image", refusal) from None
            found.append(_Claimed(position, "image", data, _claim(item)))
    return found


def _stored(session: Session, enrollment_id: str, body: dict[str, Any]) -> list[_Claimed]:
    """Pictures in buffers: those named, and those that came inline before."""
    hashes = {position: digest for position, item in enumerate(items(body)) if (digest := _hash_of(item))}
    named = _references(enrollment_id, body)
    if not hashes and not named:
        return []
    buffers = session.scalars(
        select(EnrollmentBuffer)
        .where(EnrollmentBuffer.enrollment_id == enrollment_id)
        .options(undefer(EnrollmentBuffer.data))
    ).all()
    by_hash = {buffer.sha256.hex(): buffer.data for buffer in buffers if buffer.inline}
    by_name = _found(named, {buffer.id: buffer.data for buffer in buffers})
    kept = [_Claimed(at, "image", by_hash[digest], _claim(items(body)[at])) for at, digest in hashes.items()]
    return kept + [_Claimed(at, "imageRef", data, _claim(items(body)[at])) for at, data in by_name.items()]


def _found(named: dict[int, str], buffers: dict[str, bytes]) -> dict[int, bytes]:
    for position, name in named.items():
        if name not in buffers:
            raise BadEnrolment(f"$.biometricData[{position}].imageRef", NO_BUFFER)
    return {position: buffers[name] for position, name in named.items()}


def _references(enrollment_id: str, body: dict[str, Any]) -> dict[int, str]:
    """Position and buffer id of each item that names a buffer, which must be one of this enrolment."""
    named = {}
    for position, item in enumerate(items(body)):
        if "imageRef" not in item:
            continue
        try:
            steps = urlsplit(item["imageRef"]).path.split("/")
        except ValueError:
            steps = []
        if len(steps) > 1 and steps[-3:-1] != [enrollment_id, "buffer"]:
            raise BadEnrolment(f"$.biometricData[{position}].imageRef", NO_BUFFER)
        named[position] = steps[-1] if steps else ""
    return named


def _proved(body: dict[str, Any], claimed: list[_Claimed], *, for_page: bool = False) -> list[Shot]:
    """All pictures proved in one go, with the pixels that the page is made of when they are `for_page`."""
    kinds = [kind_of(items(body)[one.position]) for one in claimed]
    wants = [
        pictures.want_for_page(kind, one.data, one.claim.media_type) if for_page else Want.SIZE
        for kind, one in zip(kinds, claimed, strict=True)
    ]
    verdicts = pictures.check_pictures([(one.data, one.claim) for one in claimed], wants)
    shots = []
    for one, verdict in zip(claimed, verdicts, strict=True):
        if isinstance(verdict, BadPicture):
            raise _refused(one.position, one.member, verdict)
        shots.append(Shot(one.position, items(body)[one.position], one.data, verdict))
    return shots


def _refused(position: int, member: str, refusal: BadPicture) -> BadEnrolment:
    return BadEnrolment(f"$.biometricData[{position}].{member}", refusal.message_id, **refusal.params)
