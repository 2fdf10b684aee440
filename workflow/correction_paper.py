"""The paper of a correction (M:L1217): what changes, who asked, why, who approved; the MRZ before and after."""

import datetime as dt
from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from models.amendments import REQUEST_LABELS, REQUESTER_LABELS, RequestState
from models.clock import local
from models.text import N_
from models.users import User
from printing.papers import Column, Paper, Signature, Table
from security.actor import Actor
from security.errors import NotFound
from workflow import requests
from workflow.machine import TRANSITIONS
from workflow.pages import AUTHORITY
from workflow.requests import CORRECTIONS, RequestFile

Say = Callable[..., str]


def correction_paper(session: Session, number: int, actor: Actor, say: Say) -> Paper:
    """The paper of a request for a correction, in the words that `say` gives for message ids.

    It says across every page what became of the request unless it was approved. Who calls logs the look.
    """
    whole = requests.whole(session, number, actor)
    if whole.request.kind not in CORRECTIONS:
        raise NotFound(N_("Request No. %(number)s is not for a correction."), number=number)
    state = whole.request.state
    return Paper(
        title=say(N_("Correction No. %(number)s"), number=number),
        office=(AUTHORITY, f"{whole.labels.of(whole.case, 'site_code')} · {whole.case.site_code}"),
        facts=tuple(_facts(whole, say)),
        blocks=tuple(_blocks(whole, say)),
        signatures=tuple(_signatures(session, whole, say)),
        footer=say(N_("Correction No. %(number)s · case %(case)s"), number=number, case=whole.case.number),
        page_words=say(N_("Page %(page)s of %(pages)s"), page="%(page)s", pages="%(pages)s"),
        marked=None if state == RequestState.APPROVED else say(REQUEST_LABELS[state]),
    )


def _facts(whole: RequestFile, say: Say) -> Iterator[tuple[str, str]]:
    request, case, event = whole.request, whole.case, whole.event
    yield say(N_("Case")), case.number
    yield say(N_("Applicant")), case.full_name
    yield say(N_("Kind of correction")), say(TRANSITIONS[request.kind].label)
    yield say(N_("Booklet")), (event.booklet_number if event else request.booklet_number) or "—"
    yield say(N_("New case")), (event.data.get("new_case") if event else None) or "—"
    yield say(N_("State of the request")), say(REQUEST_LABELS[request.state])
    yield say(N_("Who asks for it")), say(REQUESTER_LABELS[str(request.requester_kind)])
    yield say(N_("Name and document")), f"{request.requester_name} · {request.requester_identification}"
    yield say(N_("Asked for by")), f"{whole.asked_by} · {_time(request.requested_at)}"
    yield _decided(whole, say)


def _decided(whole: RequestFile, say: Say) -> tuple[str, str]:
    request = whole.request
    said = f"{whole.decided_by} · {_time(request.decided_at)}" if request.decided_at else "—"
    approved = request.state in (RequestState.APPROVED, RequestState.PENDING)
    return say(N_("Approved by") if approved else N_("Decided by")), said


def _blocks(whole: RequestFile, say: Say) -> Iterator[Table | str]:
    request = whole.request
    yield Table(
        columns=(Column(say(N_("Datum")), 50), Column(say(N_("Before"))), Column(say(N_("After")))),
        rows=[(say(one.label), one.before or "—", one.after or "—") for one in whole.changes],
        title=say(N_("What changes")),
    )
    yield Table(
        columns=(Column(say(N_("Line")), 30), Column(say(N_("Machine-readable zone")))),
        rows=[
            (f"{say(side)}, {place}", line)
            for side, name in ((N_("Before"), "before"), (N_("After"), "after"))
            for place, line in enumerate(request.zones.get(name) or ("—",), 1)
        ],
        title=say(N_("MRZ as previewed when it was asked for; the booklet number is not known yet")),
    )
    if whole.files:
        yield Table(
            columns=(Column(say(N_("File")), 60), Column("SHA-256")),
            rows=[(file.name, file.sha256.hex()) for file in whole.files],
            title=say(N_("Evidence")),
        )
    yield say(N_("Reason: %(reason)s"), reason=f"{request.reason_code} · {whole.reason}. {request.comment}")
    if request.decision:
        yield say(N_("Decision: %(words)s"), words=request.decision)
    if request.alone:
        yield say(N_("Attention: one person, %(user)s, corrected alone. No second person approved."),
                  user=whole.asked_by)  # fmt: skip


def _signatures(session: Session, whole: RequestFile, say: Say) -> Iterator[Signature]:
    request = whole.request
    asked = f"{whole.asked_by} · {_time(request.requested_at)}"
    yield Signature(say(N_("Asked for the correction")), _name(session, request.requested_by_id), asked)
    if request.alone or request.state not in (RequestState.APPROVED, RequestState.PENDING):
        return
    name = _name(session, request.decided_by_id) if request.decided_by_id else None
    yield Signature(say(N_("Approved the correction")), name, _decided(whole, say)[1] if name else None)


def _name(session: Session, user: int) -> str:
    found = session.get_one(User, user)
    return f"{found.first_name} {found.last_name}"


def _time(instant: dt.datetime | None) -> str:
    return local(instant).strftime("%d/%m/%Y %H:%M:%S") if instant else "—"
