"""Supervision and secondary validation: refer, authorise, reject (SPEC 3, modules 1 and 7; M:L560, M:L733)."""

from typing import Any

from models.cases import CaseFinding, Event, PassportCase, State
from models.catalogs import DecisionReason
from models.text import N_
from security.errors import BadValue
from security.permissions import Permission
from workflow.fields import Field, Kind
from workflow.machine import Act, transition

COMMENT = Field("comment", N_("Comment"), Kind.COMMENT, required=False)
REASONED = Field("comment", N_("Reason"), Kind.COMMENT)
#: What is meant when an authorisation gives no reason: all requirements met.
ALL_IN_ORDER = "A01"


def _reason(kind: str, scope: str, *, required: bool = True) -> Field:
    return Field("reason", N_("Reason"), Kind.REASON, required, (("kind", kind), ("scope", f"{scope};AMBOS")))


def _decide(act: Act, reason: str, comment: str | None) -> None:
    entry = act.session.get_one(DecisionReason, reason)
    if entry.needs_comment and not comment:
        raise BadValue(N_("The reason %(code)s needs a comment."), field="comment", code=reason)
    act.reason_code, act.comment = reason, comment


@transition(
    "T03",
    from_states=(State.ENROLADA,),
    to_state=State.AUTORIZADA,
    permission=Permission.AUTHORISE_CASES,
    label=N_("Authorise"),
    event=Event.AUTORIZACION,
    module="SUPERVISION",
    fields=(_reason("AUTORIZACION", "SUPERVISION", required=False), COMMENT),
    confirm=N_("Authorise the passport of this case?"),
)
def authorise(act: Act, *, reason: str | None, comment: str | None) -> None:
    """Allow the passport to be made."""
    _decide(act, reason or ALL_IN_ORDER, comment)


@transition(
    "T04",
    from_states=(State.ENROLADA,),
    to_state=State.RECHAZADA,
    permission=Permission.AUTHORISE_CASES,
    label=N_("Reject"),
    event=Event.RECHAZO,
    module="SUPERVISION",
    fields=(_reason("RECHAZO", "SUPERVISION"), COMMENT),
    confirm=N_("Reject this case for good? It cannot be undone."),
    danger=True,
)
def reject(act: Act, *, reason: str, comment: str | None) -> None:
    """End the case; the reason is coded."""
    _decide(act, reason, comment)


@transition(
    "T02",
    from_states=(State.ENROLADA,),
    to_state=State.VALIDACION_SECUNDARIA,
    permission=Permission.AUTHORISE_CASES,
    label=N_("Refer to secondary validation"),
    event=Event.INCONSISTENCIA,
    module="SUPERVISION",
    fields=(REASONED,),
)
def refer(act: Act, *, comment: str) -> None:
    """Send a case with an inconsistency to secondary validation; the system does so itself for findings."""
    act.comment = comment


@transition(
    "T05",
    from_states=(State.VALIDACION_SECUNDARIA,),
    to_state=State.AUTORIZADA,
    permission=Permission.DECIDE_SECONDARY,
    label=N_("Accept"),
    event=Event.ACEPTACION_SECUNDARIA,
    module="VALIDACION_SECUNDARIA",
    fields=(
        _reason("AUTORIZACION", "VALIDACION_SECUNDARIA"),
        COMMENT,
        Field("resolutions", N_("Resolution of each finding"), Kind.DATA, required=False),
    ),
    confirm=N_("Accept this case with its findings and authorise the passport?"),
)
def accept_secondary(act: Act, *, reason: str, comment: str | None, resolutions: dict[str, Any]) -> None:
    """Authorise a case with findings, each resolved: `resolutions` maps a finding's code or id to the reason why;
    where it says nothing, the comment stands for it."""
    _decide(act, reason, comment)
    for finding in act.case.findings:
        if finding.resolved_at is None:
            _resolve(act, finding, resolutions.get(str(finding.id)) or resolutions.get(finding.code) or comment)


def _resolve(act: Act, finding: CaseFinding, resolution: Any) -> None:
    if not isinstance(resolution, str) or not resolution.strip():
        raise BadValue(N_("Say how the finding %(code)s was resolved."), field="resolutions", code=finding.code)
    finding.resolution = resolution.strip()
    finding.resolved_at, finding.resolved_by_id = act.at, act.actor.user_id
    act.data.setdefault("resolutions", {})[finding.code] = finding.resolution


@transition(
    "T06",
    from_states=(State.VALIDACION_SECUNDARIA,),
    to_state=State.RECHAZADA,
    permission=Permission.DECIDE_SECONDARY,
    label=N_("Reject"),
    event=Event.RECHAZO,
    module="VALIDACION_SECUNDARIA",
    fields=(_reason("RECHAZO", "VALIDACION_SECUNDARIA"), COMMENT),
    confirm=N_("Reject this case for good? It cannot be undone."),
    danger=True,
)
def reject_secondary(act: Act, *, reason: str, comment: str | None) -> None:
    """End a case with findings."""
    _decide(act, reason, comment)


def all_resolved(case: PassportCase) -> bool:
    """Whether there was a finding on the case, and nothing of it is left to resolve."""
    return bool(case.findings) and all(finding.resolved_at for finding in case.findings)


@transition(
    from_states=(State.VALIDACION_SECUNDARIA,),
    to_state=State.ENROLADA,
    permission=Permission.DECIDE_SECONDARY,
    label=N_("Return to supervision"),
    event=Event.REVISION,
    module="VALIDACION_SECUNDARIA",
    confirm=N_("Return this case to supervision? Every finding on it is resolved."),
    applies=all_resolved,
)
def return_to_supervision(act: Act) -> None:
    """Send back a case whose findings are all resolved; the system does so when a late answer resolves the last."""
