"""Enrolments as OSIA has them: created, read, changed, deleted, found, finalized, and their buffers (SPEC 4).

What is refused, is refused before anything is written, or with everything rolled back by the edge; the caller commits.
The order of the checks is the one of the intake profile: form, what is mandatory, codes, pictures, identity.
"""

import base64
import hashlib
import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import utc_now
from models.cases import PassportCase
from models.enrolments import Enrollment
from models.text import N_
from security.actor import Actor
from security.errors import DomainError, NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow import enrolment_form, enrolment_pictures, reception
from workflow.enrolment_codes import check_codes
from workflow.enrolment_form import BadEnrolment
from workflow.outside.consulting import Consulted

ENROLLMENT_ID = r"[A-Za-z0-9._-]{1,64}"
BUFFER_ID = r"[0-9a-f-]{1,64}"
MEDIA_TYPE = r"(application|image)/[A-Za-z0-9][A-Za-z0-9.+_-]{0,60}"
NOT_AN_OBJECT = N_("This must be an object.")
OTHER_ID = N_("This is not the identifier in the address.")
BAD_ID = N_("An identifier has from 1 to 64 letters, digits, full stops, hyphens and underscores.")
NOT_YOURS = N_("This account does not enrol for the site %(site)s.")
NOT_CREATED_HERE = N_("This enrolment was created by another account.")
CLOSED = N_("The enrolment %(id)s is finalized: it cannot be changed any more.")
BAD_DIGEST = N_("The content does not have this digest.")
EMPTY = N_("There is no content.")
BAD_MEDIA_TYPE = N_("A buffer is of media type application/… or image/….")
#: Members that OSIA has the server say; in a request they are ignored.
READ_ONLY = ("enrollmentId", "status")
#: Algorithms of RFC 3230 and its registry; others are left unread, as it allows.
DIGESTS = {"SHA": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512", "MD5": "md5"}


class AlreadyEnrolled(DomainError):
    """The identifier is taken."""


def create(
    session: Session, actor: Actor, enrollment_id: str, raw: bytes, *, finalize: bool = False,
    transaction: str | None = None, consulted: Consulted | None = None,
) -> Enrollment:  # fmt: skip
    """A new enrolment from the JSON text `raw`, finalized in the same breath if asked for.

    BadEnrolment, AlreadyEnrolled, NotAllowed.
    """
    if not actor.may(Permission.ENROLL_WRITE):
        raise NotAllowed()
    _check_id(enrollment_id)
    body = own_body(enrollment_id, raw)
    checked = _checked(
        session, actor, enrollment_id, body, fresh=True, finalize=finalize, transaction=transaction, consulted=consulted
    )
    now = utc_now()
    row = {
        "id": enrollment_id, "status": "IN_PROGRESS", "body": checked.body, "site_code": _site(checked.body),
        "created_by_id": actor.user_id, "created_at": now, "updated_at": now,
    }  # fmt: skip
    added = insert(Enrollment).values(row).on_conflict_do_nothing().returning(Enrollment)
    enrolment = session.scalars(added).first()
    if enrolment is None:
        raise AlreadyEnrolled(N_("The identifier %(id)s is taken."), id=enrollment_id)
    return _settle(session, actor, enrolment, checked, finalize=finalize)


def update(
    session: Session, actor: Actor, enrollment_id: str, raw: bytes, *, finalize: bool = False,
    transaction: str | None = None, consulted: Consulted | None = None,
) -> Enrollment:  # fmt: skip
    """The enrolment with another body. BadEnrolment, NotFound, NotAllowed (also when it is finalized)."""
    enrolment = _open(session, actor, enrollment_id)
    body = own_body(enrollment_id, raw)
    return _replace(
        session, actor, enrolment, body, fresh=True, finalize=finalize, transaction=transaction, consulted=consulted
    )


def patch(
    session: Session, actor: Actor, enrollment_id: str, raw: bytes, *, finalize: bool = False,
    transaction: str | None = None, consulted: Consulted | None = None,
) -> Enrollment:  # fmt: skip
    """The enrolment after a JSON merge patch (RFC 7396). BadEnrolment, NotFound, NotAllowed."""
    enrolment = _open(session, actor, enrollment_id)
    changes = own_body(enrollment_id, raw)
    body = enrolment_form.merge_patch(enrolment.body, changes)
    fresh = "biometricData" in changes
    return _replace(
        session, actor, enrolment, body, fresh=fresh, finalize=finalize, transaction=transaction, consulted=consulted
    )


def finalize(
    session: Session, actor: Actor, enrollment_id: str, *, transaction: str | None = None,
    consulted: Consulted | None = None,
) -> Enrollment:  # fmt: skip
    """Make the enrolment's case; done a second time it makes nothing. BadEnrolment, NotFound, NotAllowed."""
    enrolment = _found(session, actor, enrollment_id, Permission.ENROLL_WRITE, lock=True)
    if enrolment.status == "FINALIZED":
        return enrolment
    body = enrolment.body
    checked = _checked(
        session, actor, enrollment_id, body, fresh=False, finalize=True, transaction=transaction, consulted=consulted
    )
    return _settle(session, actor, enrolment, checked, finalize=True)


def remove(session: Session, actor: Actor, enrollment_id: str) -> None:
    """Delete an enrolment in progress with its buffers. NotFound, NotAllowed."""
    session.delete(_open(session, actor, enrollment_id))
    session.flush()


def read(session: Session, actor: Actor, enrollment_id: str) -> dict[str, Any]:
    """The enrolment as OSIA shows it, pictures included; the look is logged. NotFound, NotAllowed."""
    enrolment = _found(session, actor, enrollment_id, Permission.ENROLL_READ)
    number = session.scalars(
        select(PassportCase.number).where(PassportCase.id == enrolment.case_id).execution_options(every_site=True)
    ).first()
    log_look(session, actor, "osia", number, enrollment=enrolment.id)
    body = enrolment_pictures.put_back(session, enrolment)
    return {**body, "enrollmentId": enrolment.id, "status": enrolment.status}


def create_buffer(
    session: Session, actor: Actor, enrollment_id: str, data: bytes, media_type: str | None, digest: str | None
) -> str:
    """Keep `data` for an enrolment in progress; returns the buffer's id. BadEnrolment, NotFound, NotAllowed."""
    enrolment = _open(session, actor, enrollment_id, Permission.ENROLL_BUFFER_WRITE)
    if media_type is None or not re.fullmatch(MEDIA_TYPE, media_type):
        raise BadEnrolment("Content-Type", BAD_MEDIA_TYPE)
    if not data:
        raise BadEnrolment("$", EMPTY)
    _check_digest(data, digest)
    buffer = enrolment_pictures.new_buffer(enrolment.id, data, media_type)
    session.add(buffer)
    session.flush()
    return buffer.id


def read_buffer(session: Session, actor: Actor, enrollment_id: str, buffer_id: str) -> tuple[bytes, str]:
    """Bytes and media type of a buffer, or by its SHA-256 of a picture; the look is logged. NotFound, NotAllowed."""
    enrolment = _found(session, actor, enrollment_id, Permission.ENROLL_BUFFER_READ)
    known = re.fullmatch(BUFFER_ID, buffer_id)
    content = enrolment_pictures.buffer_content(session, enrolment, buffer_id) if known else None
    if content is None:
        raise NotFound(enrolment_pictures.NO_BUFFER)
    log_look(session, actor, "osia", None, enrollment=enrolment.id, buffer=buffer_id)
    return content


def digest_of(data: bytes) -> str:
    """The Digest header of RFC 3230 for `data`."""
    found = {name: base64.b64encode(hashlib.new(DIGESTS[name], data).digest()) for name in ("SHA-256", "SHA")}
    return ",".join(f"{name}={digest.decode()}" for name, digest in found.items())


def _check_digest(data: bytes, header: str | None) -> None:
    for part in (header or "").split(","):
        name, sign, value = part.strip().partition("=")
        if header is not None and not (name and sign):
            raise BadEnrolment("Digest", BAD_DIGEST)
        if name.upper() in DIGESTS and _decoded(value) != hashlib.new(DIGESTS[name.upper()], data).digest():
            raise BadEnrolment("Digest", BAD_DIGEST)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _check_id(enrollment_id: str) -> None:
    if not re.fullmatch(ENROLLMENT_ID, enrollment_id):
        raise BadEnrolment("$.enrollmentId", BAD_ID)


def own_body(enrollment_id: str, raw: bytes) -> dict[str, Any]:
    """The JSON object `raw`, its text in NFC; BadEnrolment when it is none, or says that it is another enrolment."""
    body = enrolment_form.normalise(enrolment_form.parse_json(raw))
    if not isinstance(body, dict):
        raise BadEnrolment("$", NOT_AN_OBJECT)
    if body.get("enrollmentId") not in (None, enrollment_id):
        raise BadEnrolment("$.enrollmentId", OTHER_ID)
    return body


def _site(body: dict[str, Any]) -> str | None:
    return body.get("contextualData", {}).get("site")  # type: ignore[no-any-return]


def _checked(
    session: Session, actor: Actor, enrollment_id: str, body: dict[str, Any], *, fresh: bool, finalize: bool,
    transaction: str | None, consulted: Consulted | None,
) -> reception.Complete:  # fmt: skip
    """Everything an enrolment can be refused for; its pictures are out of the body that is returned.

    `fresh` when the pictures of `body` were sent just now.
    """
    (enrolment_form.check_complete if finalize else enrolment_form.check_draft)(body)
    entries = check_codes(session, body)
    site = _site(body)
    if site is not None and not actor.may_at(Permission.ENROLL_WRITE, site):
        raise NotAllowed(NOT_YOURS, site=site)
    prove = enrolment_pictures.check_complete if finalize else enrolment_pictures.check_draft
    body = {name: value for name, value in body.items() if name not in READ_ONLY}
    shots = prove(session, enrollment_id, body, fresh=fresh)
    body = enrolment_pictures.take_out(body, shots)
    return reception.Complete(enrollment_id, body, entries, shots, transaction, consulted)


def _replace(
    session: Session, actor: Actor, enrolment: Enrollment, body: dict[str, Any], *, fresh: bool, finalize: bool,
    transaction: str | None, consulted: Consulted | None,
) -> Enrollment:  # fmt: skip
    """Put `body` in the place of the enrolment's; `fresh` when its pictures are not those that are kept."""
    checked = _checked(
        session, actor, enrolment.id, body, fresh=fresh, finalize=finalize, transaction=transaction, consulted=consulted
    )
    if fresh:
        enrolment_pictures.drop_inline(session, enrolment.id)
    enrolment.body, enrolment.site_code, enrolment.updated_at = checked.body, _site(checked.body), utc_now()
    return _settle(session, actor, enrolment, checked, finalize=finalize)


def _settle(
    session: Session, actor: Actor, enrolment: Enrollment, checked: reception.Complete, *, finalize: bool
) -> Enrollment:
    """Keep the pictures with the enrolment, or make its case of them."""
    if not finalize:
        enrolment_pictures.keep(session, enrolment.id, checked.shots)
    else:
        case = reception.receive(session, checked, actor)
        enrolment.case_id, enrolment.status, enrolment.finalized_at = case.id, "FINALIZED", case.created_at
        enrolment_pictures.drop_copies(session, enrolment.id, checked.body)
    session.flush()
    return enrolment


def _found(
    session: Session, actor: Actor, enrollment_id: str, permission: Permission, *, lock: bool = False
) -> Enrollment:
    """The enrolment, if it is of a site of the actor's, or of his own making while it says no site."""
    if not actor.may(permission):
        raise NotAllowed()
    _check_id(enrollment_id)
    query = select(Enrollment).where(Enrollment.id == enrollment_id).execution_options(populate_existing=True)
    enrolment = session.scalars(query.with_for_update() if lock else query).first()
    if enrolment is None:
        raise NotFound(N_("There is no enrolment %(id)s."), id=enrollment_id)
    if enrolment.site_code is not None and not actor.may_at(permission, enrolment.site_code):
        raise NotAllowed(NOT_YOURS, site=enrolment.site_code)
    if enrolment.site_code is None and actor.sites is not None and enrolment.created_by_id != actor.user_id:
        raise NotAllowed(NOT_CREATED_HERE)
    return enrolment


def _open(
    session: Session, actor: Actor, enrollment_id: str, permission: Permission = Permission.ENROLL_WRITE
) -> Enrollment:
    """The enrolment, locked, and still in progress."""
    enrolment = _found(session, actor, enrollment_id, permission, lock=True)
    if enrolment.status == "FINALIZED":
        raise NotAllowed(CLOSED, id=enrollment_id)
    return enrolment
