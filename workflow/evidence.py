"""Evidence of a correction: what a file is, proven by its content; kept at once, so that a refused form loses none.

Files come from people and are never opened here but to be judged; they are handed out as downloads only.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session, undefer

from models.amendments import Evidence, RequestEvidence
from models.base import utc_now
from models.cases import PassportCase
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow import enquiries
from workflow.pictures import BadPicture, is_whole

MAX_BYTES = 5 * 1024 * 1024
AT_MOST = 3
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
_LONGEST_NAME = 120
_PDF_HEAD = re.compile(rb"%PDF-[12]\.[0-9]")
_PDF_TAIL = re.compile(rb"startxref\s+([0-9]{1,8})\s+%%EOF\s*\Z")
_PDF_TABLE = re.compile(rb"\s*(xref\s|[0-9]+ [0-9]+ obj\b)")

NOT_TAKEN = N_("“%(name)s” is not a whole PDF, JPEG or PNG file: scan or save it anew in one of these kinds.")
TOO_BIG = N_("“%(name)s” has more than %(most)s MB: scan it with a lower resolution.")
TOO_MANY = N_("At most %(most)s files are kept with a correction: take one off first.")


def kind_of(data: bytes) -> str | None:
    """The media type of a file by its content, when it is whole and of a kind that is taken; None otherwise."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg" if _decodes(data, "image/jpeg") else None
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png" if _decodes(data, "image/png") else None
    return "application/pdf" if _is_pdf(data) else None


def _decodes(data: bytes, media_type: str) -> bool:
    try:
        return is_whole(data, media_type)
    except BadPicture as refusal:
        raise BadValue(refusal.message_id, field="evidence", **refusal.params) from None


def _is_pdf(data: bytes) -> bool:
    """Whether the file begins as a PDF and its end leads to a table of its objects (ISO 32000-1, 7.5)."""
    end = _PDF_TAIL.search(data, max(len(data) - 1024, 0))
    return bool(end and _PDF_HEAD.match(data) and _PDF_TABLE.match(data, int(end.group(1))))


def keep(session: Session, actor: Actor, case: PassportCase, name: str, data: bytes) -> Evidence:
    """Keep a file for a request that is being written; `BadValue` when it is not of a kind that is taken.

    What nobody sent with a request goes a day later, when its owner keeps the next file.
    """
    _may(actor)
    shown = "".join(sign for sign in name if sign.isprintable())[-_LONGEST_NAME:].strip() or "?"
    if len(data) > MAX_BYTES:
        raise BadValue(TOO_BIG, field="evidence", name=shown, most=MAX_BYTES // 1024 // 1024)
    media_type = kind_of(data)
    if media_type is None:
        raise BadValue(NOT_TAKEN, field="evidence", name=shown)
    _forget_drafts(session, actor)
    kept = Evidence(
        case_id=case.id, name=shown, media_type=media_type, size=len(data), sha256=hashlib.sha256(data).digest(),
        data=data, uploaded_by_id=actor.user_id, uploaded_at=utc_now(),
    )  # fmt: skip
    session.add(kept)
    session.flush()
    return kept


def _forget_drafts(session: Session, actor: Actor) -> None:
    sent = exists().where(RequestEvidence.evidence_id == Evidence.id)
    old = Evidence.uploaded_at < func.now() - func.make_interval(0, 0, 0, 1)
    session.execute(delete(Evidence).where(Evidence.uploaded_by_id == actor.user_id, old, ~sent))


def drafts(session: Session, actor: Actor, case: PassportCase, ids: Iterable[str]) -> list[Evidence]:
    """Those of `ids` that a request of `actor` on `case` may name: his own, or those of an earlier request on it."""
    wanted = [int(text) for text in dict.fromkeys(ids) if text.isascii() and text.isdecimal() and len(text) < 19]
    sent = exists().where(RequestEvidence.evidence_id == Evidence.id)
    query = select(Evidence).where(Evidence.id.in_(wanted), Evidence.case_id == case.id)
    mine = or_(Evidence.uploaded_by_id == actor.user_id, sent)
    return list(session.scalars(query.where(mine).order_by(Evidence.id)))


def of_request(session: Session, request: int) -> list[Evidence]:
    """What a request names, without the bytes."""
    query = select(Evidence).join(RequestEvidence, RequestEvidence.evidence_id == Evidence.id)
    return list(session.scalars(query.where(RequestEvidence.request_id == request).order_by(Evidence.id)))


def attach(session: Session, request: int, files: Sequence[Evidence]) -> None:
    """Name `files` in a request."""
    session.add_all(RequestEvidence(request_id=request, evidence_id=file.id) for file in files)
    session.flush()


def read(session: Session, actor: Actor, number: int) -> tuple[Evidence, PassportCase]:
    """A file with its bytes and its case, for who may correct cases and sees this one; the look is logged.

    A file that no request names is there for who sent it only.
    """
    _may(actor)
    found = session.get(Evidence, number, options=[undefer(Evidence.data)])
    case = None
    if found is not None and (found.uploaded_by_id == actor.user_id or _is_sent(session, found)):
        case = session.scalars(select(PassportCase).where(PassportCase.id == found.case_id)).first()
    if found is None or case is None:
        raise NotFound(N_("There is no such file at your sites."))
    seen = enquiries.case_seen(session, case.number, actor)
    log_look(session, actor, "evidence", seen.number, evidence=found.id)
    return found, seen


def _is_sent(session: Session, file: Evidence) -> bool:
    return bool(session.scalar(select(exists().where(RequestEvidence.evidence_id == file.id))))


def _may(actor: Actor) -> None:
    if not actor.may(Permission.CORRECT_CASES):
        raise NotAllowed()
