"""Acts that one person asks for and another approves: corrections, and the void of a delivered passport (SPEC 5).

Which acts these are, the controls say (`two_people` in workflow.controls). A request keeps what is asked for beside
what was there; approving it performs the transition itself, in the same transaction, so that whatever refuses the act
refuses the approval. Always case first, then request: two at once never wait for each other in a circle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models.amendments import REQUEST_LABELS, REQUESTER_LABELS, AmendmentRequest, Evidence, RequestState
from models.base import utc_now
from models.cases import CaseEvent, PassportCase
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, Refused, WrongState
from workflow import evidence, previews, requests
from workflow.amendments import AS_CORRECTED
from workflow.booklets import lock_booklet, refuse_void_type
from workflow.controls import Rule, keep_controls, mode, second_person
from workflow.machine import TRANSITIONS, Act, Asked, lock_case, perform, prepare
from workflow.requests import CORRECTIONS, username

LONGEST_DECISION = 500
EVIDENCED = Rule(
    name="correction_evidence",
    label=N_("A correction is asked for with the document that proves it"),
    refusal=N_("Control “evidence”: attach the document that proves what is right (PDF, JPEG or PNG)."),
)


@dataclass(frozen=True)
class Requester:
    """Who asks the office for a correction; `kind` is one of REQUESTER_LABELS."""

    kind: str
    name: str = ""
    identification: str = ""


def needs_second(session: Session, name: str, number: str, actor: Actor, values: Mapping[str, Any]) -> bool:
    """Whether `actor` can only ask for this act; raises where even that would be refused."""
    return second_person(prepare(session, name, number, actor, values)) is not None


def draft(
    session: Session,
    name: str,
    number: str,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    requester: Requester | None = None,
    files: Sequence[str] = (),
) -> tuple[AmendmentRequest, list[Evidence]]:
    """The request that `ask` would make, and its evidence; nothing is written. Raises what `ask` would raise."""
    act = prepare(session, name, number, actor, values)
    waiting = requests.waiting_on(session, act.case.id)
    if waiting is not None and not requests.differences(session, waiting, act.case):
        raise WrongState(
            N_("%(user)s asked for “%(label)s” on case %(number)s at %(at)s: request No. %(request)s is not decided."),
            user=username(session, waiting.requested_by_id), label=TRANSITIONS[waiting.kind].label,
            number=number, at=waiting.requested_at, request=waiting.id,
        )  # fmt: skip
    keep_controls(act, asking=True)
    request = _drafted(act, values, requester)
    attached = evidence.drafts(session, actor, act.case, files)
    if name in CORRECTIONS:
        _want_evidence(act, attached)
    return request, attached


def ask(
    session: Session,
    name: str,
    number: str,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    requester: Requester | None = None,
    files: Sequence[str] = (),
) -> AmendmentRequest:
    """Ask for the act `name` on a case; where the control asks for no second person it is carried out at once, alone.

    `files`: ids of kept evidence. Raises what the act would raise, and `WrongState` while another request waits, saying
    who asked for what and when; one that the case has left behind lapses.
    """
    request, attached = draft(session, name, number, actor, values, requester=requester, files=files)
    case = lock_case(session, number)
    left_behind = requests.waiting_on(session, case.id)
    if left_behind is not None:
        _close(left_behind, RequestState.LAPSED, actor, None)
        session.flush()
    if not needs_second(session, name, number, actor, values):
        event = perform(session, name, number, actor, **_values_of(request))
        _close(request, RequestState.APPROVED, actor, None, event)
        request.alone = True
    session.add(request)
    session.flush()
    evidence.attach(session, request.id, attached)
    return request


def _want_evidence(act: Act, files: Sequence[Evidence]) -> None:
    if len(files) > evidence.AT_MOST:
        raise BadValue(evidence.TOO_MANY, field="evidence", most=evidence.AT_MOST)
    if not files and mode(act.session, EVIDENCED, act.case.site_code) == "enforce":
        raise Refused(EVIDENCED.refusal, field="evidence")


def _drafted(act: Act, values: Mapping[str, Any], requester: Requester | None) -> AmendmentRequest:
    """The request with all that it is about, checked as the act itself would; not yet added."""
    case = act.case
    request = AmendmentRequest(
        kind=act.transition.name, case_id=case.id, from_state=case.state, booklet_number=case.booklet_number,
        comment=act.values["comment"], requested_by_id=act.actor.user_id, requested_at=act.at,
        state=RequestState.PENDING, proposed={}, before={}, zones={},
    )  # fmt: skip
    if act.transition.name in CORRECTIONS:
        _fill_correction(request, act, values, requester)
    else:
        request.reason_code = act.values["void_type"]
    if case.booklet_number is not None:
        booklet = lock_booklet(act.session, case.booklet_number)
        refuse_void_type(act.session, booklet, act.values.get("void_type", AS_CORRECTED))
        request.booklet_state = booklet.state
    return request


def _fill_correction(
    request: AmendmentRequest, act: Act, values: Mapping[str, Any], requester: Requester | None
) -> None:
    found = previews.preview_correction(act.session, act.transition, act.case, act.actor, values)
    changed = {name: pair for name, pair in found.changes.items() if pair[0] != pair[1]}
    if not changed:
        raise BadValue(N_("Nothing would change: correct at least one datum."), field="changes")
    if not act.values["reason"]:
        raise BadValue(N_("Say the reason."), field="reason")
    request.before = {name: before for name, (before, _after) in changed.items()}
    request.proposed = {name: after for name, (_before, after) in changed.items()}
    request.zones = {"before": found.before.mrz_lines, "after": found.after.mrz_lines}
    request.reason_code = act.values["reason"]
    _say_requester(request, act, requester or Requester(""))


def _say_requester(request: AmendmentRequest, act: Act, requester: Requester) -> None:
    """Who asked: the applicant and the office are known, anybody else says his name and document."""
    known = {
        "APPLICANT": (act.case.full_name, act.case.identification_number),
        "INTERNAL": (act.actor.name, act.actor.username),
    }.get(requester.kind, ("", ""))
    if requester.kind not in REQUESTER_LABELS:
        raise BadValue(N_("Say who asks for the correction."), field="requester_kind")
    given = (requester.name.strip() or known[0], requester.identification.strip() or known[1])
    asked = (
        ("requester_name", N_("Name of who asks"), given[0], 120),
        ("requester_identification", N_("His identification document"), given[1], 40),
    )
    for field, label, text, most in asked:
        if not text or len(text) > most or not text.isprintable():
            raise BadValue(
                N_("%(label)s: write it, in at most %(most)s characters."), field=field, label=label, most=most
            )
    request.requester_kind, (request.requester_name, request.requester_identification) = requester.kind, given


def approve(session: Session, number: int, actor: Actor, comment: str = "") -> CaseEvent:
    """Carry out what was asked for, as a second person; its event names both. Raises what the act would raise.

    `WrongState` when somebody decided before, or when the case changed since the request, saying what.
    """
    request, case = _open(session, number, actor)
    _refuse_own(session, request, actor)
    requests.refuse_if_changed(session, request, case)
    asked = Asked(request.requested_by_id, username(session, request.requested_by_id), request.id)
    event = perform(session, request.kind, case.number, actor, asked, **_values_of(request))
    _close(request, RequestState.APPROVED, actor, _said(comment), event)
    session.flush()
    return event


def refuse(session: Session, number: int, actor: Actor, comment: str) -> AmendmentRequest:
    """Decide, as a second person, that it is not done; says why."""
    request, _case = _open(session, number, actor)
    _refuse_own(session, request, actor)
    why = _said(comment)
    if why is None:
        raise BadValue(N_("Say why it is refused."), field="decision")
    _close(request, RequestState.REFUSED, actor, why)
    session.flush()
    return request


def withdraw(session: Session, number: int, actor: Actor) -> AmendmentRequest:
    """Take a request back; only who asked does."""
    request, _case = _open(session, number, actor)
    if request.requested_by_id != actor.user_id:
        raise Refused(
            N_("Only %(user)s, who asked, withdraws request No. %(number)s; you can refuse it."),
            user=username(session, request.requested_by_id), number=number,
        )  # fmt: skip
    _close(request, RequestState.WITHDRAWN, actor, None)
    session.flush()
    return request


def _open(session: Session, number: int, actor: Actor) -> tuple[AmendmentRequest, PassportCase]:
    """The request, still waiting, and its case, both locked; `WrongState` tells who decided it."""
    _request, case = requests.find(session, number, actor)
    case = lock_case(session, case.number)
    request = session.get_one(AmendmentRequest, number, with_for_update=True, populate_existing=True)
    if request.state != RequestState.PENDING:
        raise WrongState(
            N_("Request No. %(number)s is decided: %(user)s recorded “%(label)s” at %(at)s."),
            number=number, user=username(session, request.decided_by_id), label=REQUEST_LABELS[request.state],
            at=request.decided_at,
        )  # fmt: skip
    return request, case


def _refuse_own(session: Session, request: AmendmentRequest, actor: Actor) -> None:
    if request.requested_by_id == actor.user_id:
        raise Refused(
            N_("Control “two people”: you asked for this yourself at %(at)s; somebody else who may do it decides it."),
            at=request.requested_at,
        )


def _values_of(request: AmendmentRequest) -> dict[str, Any]:
    """The values of the transition that a request asks for."""
    if request.kind in CORRECTIONS:
        return {"changes": request.proposed, "reason": request.reason_code, "comment": request.comment}
    return {"void_type": request.reason_code, "comment": request.comment}


def _close(
    request: AmendmentRequest, state: RequestState, actor: Actor, said: str | None, event: CaseEvent | None = None
) -> None:
    request.state, request.decision = state, said
    request.decided_by_id, request.decided_at = actor.user_id, utc_now()
    request.event_id = event.id if event else None


def _said(comment: str) -> str | None:
    text = comment.strip()
    if len(text) > LONGEST_DECISION or "\x00" in text:
        raise BadValue(N_("%(label)s is too long."), field="decision", label=N_("Comment"))
    return text or None
