"""Looks at people's data are written down: who, whose, on which screen; so is what happens to accounts."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.base import utc_now
from models.text import N_
from models.users import AccessLog
from security.actor import Actor

#: What the log calls a screen, before a colon and a part of it, and what people call it.
SCREENS = {
    "case": N_("Case"),
    "review": N_("Review of a case"),
    "correction": N_("Correction of a case"),
    "preview": N_("Page preview"),
    "preview.svg": N_("Picture of a page preview"),
    "preview.pdf": N_("Page preview as PDF"),
    "applicant": N_("Applicant of a case"),
    "picture": N_("Picture of a case"),
    "thumbnail": N_("Thumbnail of a picture"),
    "viewer": N_("Picture viewer"),
    "queue": N_("Queue"),
    "search": N_("Search of cases"),
    "find": N_("Search by number or in a queue"),
    "delivery": N_("Delivery"),
    "booklet": N_("Booklet"),
    "former": N_("Former case"),
    "scan": N_("Scan at quality control"),
    "page": N_("Data page"),
    "amendment": N_("Request of a correction or void"),
    "extension": N_("Extension of a passport"),
    "evidence": N_("Evidence of a request"),
    "shipment": N_("Shipment"),
    "label": N_("Postal label"),
    "tray.pdf": N_("Printed tray"),
    "report": N_("Report on screen"),
    "report.file": N_("File of a report"),
    "osia": N_("Enrolment interface"),
    "api": N_("Programming interface"),
}


#: Nothing waits for its number, and a page need not be flushed for it.
_looks: Any = AccessLog.__table__
_LOOK = insert(_looks).inline()


def log_look(session: Session, actor: Actor, screen: str, number: str | None, **detail: Any) -> None:
    """Write down that `actor` looked at a person's data; the edge commits it with the request."""
    look = {"case_number": number, "screen": screen, "address": actor.address, "detail": detail or None}
    session.connection().execute(_LOOK, {"at": utc_now(), "user_id": actor.user_id, **look})


def log_event(session: Session, user_id: int, screen: str, address: str | None, **detail: Any) -> None:
    """Write down what happened to the account `user_id` (`session.…`, `factor.…`, `token.…`, `password.…`).

    Never give it a password, a code, or a name that was typed and is not known.
    """
    session.add(AccessLog(at=utc_now(), user_id=user_id, screen=screen, address=address, detail=detail or None))
