"""Control Calidad: three scans prove the booklet, then it is accepted or refused (module 4; M:L675-L690)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import BookletState as B
from models.booklets import Personalisation, QualityScan
from models.cases import Event, State
from models.text import N_
from security.actor import Actor
from security.permissions import Permission
from workflow import enquiries, pages
from workflow.booklets import live_personalisation, own_booklet, personalisation_of, void
from workflow.errors import BadValue, NotAllowed
from workflow.fields import Field, Kind
from workflow.machine import Act, transition, wrong_state

SCANS = (("booklet", N_("Booklet number")), ("mrz", N_("Machine-readable zone")), ("seal", N_("2D code")))
LOOKS = (
    ("portrait_ok", N_("The portrait is the applicant's and well printed")),
    ("signature_ok", N_("The signature is well printed")),
    ("text_ok", N_("The visual zone is complete and readable")),
)
SCAN_LIMIT = 2000


def scan(session: Session, use: Personalisation, raw: str, actor: Actor, kind: str | None = None) -> QualityScan:
    """Compare what the scanner typed with what was printed, keep raw text and verdict, and return them.

    `kind` None: the scan tells by itself whether it is the booklet, the MRZ or the 2D code. Never raises on garbage.
    """
    if not actor.may(Permission.CHECK_QUALITY):
        raise NotAllowed()
    raw = raw.replace("\x00", "")[:SCAN_LIMIT]
    kind, passed, verdict = pages.examine(use, raw, kind)
    entry = QualityScan(
        personalisation_id=use.id,
        user_id=actor.user_id,
        at=utc_now(),
        kind=kind,
        raw=raw,
        passed=passed,
        verdict=verdict,
    )
    session.add(entry)
    session.flush()
    return entry


def scan_case(session: Session, number: str, raw: str, actor: Actor) -> QualityScan:
    """Like `scan`, for the booklet of the case `number`, which must wait for quality control; the look is logged."""
    if not actor.may(Permission.CHECK_QUALITY):
        raise NotAllowed()
    case = enquiries.case_by_number(session, number, actor, "scan")
    use = live_personalisation(session, str(case.booklet_number))
    if case.state != State.IMPRESA or use is None:
        raise wrong_state(session, case)
    return scan(session, use, raw, actor)


def latest_scans(session: Session, use: Personalisation) -> dict[str, QualityScan]:
    """The last scan of each kind for this printed booklet."""
    scans = session.scalars(
        select(QualityScan).where(QualityScan.personalisation_id == use.id).order_by(QualityScan.id)
    )
    return {entry.kind: entry for entry in scans}


@transition(
    "T12",
    from_states=(State.IMPRESA,),
    to_state=State.POST_IMPRESION,
    permission=Permission.CHECK_QUALITY,
    label=N_("Accept quality"),
    event=Event.DOCUCHECK,
    module="CONTROL_CALIDAD",
    fields=(
        *(Field(name, label, Kind.SCAN, required=False, max_length=SCAN_LIMIT) for name, label in SCANS),
        *(Field(name, label, Kind.FLAG) for name, label in LOOKS),
    ),
    booklet=(B.IMPRESA, B.IMPRESA),
)
def accept_quality(act: Act, *, portrait_ok: bool, signature_ok: bool, text_ok: bool, **scans: str | None) -> None:
    """Pass the booklet on to delivery: its number, its MRZ and its 2D code were read and agree, and it looks well.

    Scans given here count; those not given must have been read before at this booklet.
    """
    own_booklet(act, B.IMPRESA)
    use = personalisation_of(act)
    for kind, raw in scans.items():
        if raw:
            scan(act.session, use, raw, act.actor, kind)
    seen = latest_scans(act.session, use)
    for kind, label in SCANS:
        _require(seen.get(kind), kind, label)
    use.checked_by_id, use.checked_at = act.actor.user_id, act.at
    act.data.update(scans={kind: seen[kind].id for kind, _label in SCANS})


def _require(entry: QualityScan | None, kind: str, label: str) -> None:
    if entry is None:
        raise BadValue(N_("%(label)s has not been read yet."), field=kind, label=label)
    if not entry.passed:
        raise BadValue(N_("%(label)s does not agree with what was printed."), field=kind, label=label)


@transition(
    "T13",
    from_states=(State.IMPRESA,),
    to_state=State.AUTORIZADA,
    permission=Permission.CHECK_QUALITY,
    label=N_("Refuse quality"),
    event=Event.CONTROL_CALIDAD_RECHAZADO,
    module="CONTROL_CALIDAD",
    fields=(Field("comment", N_("Reason"), Kind.COMMENT),),
    booklet=(B.IMPRESA, B.ANULADA),
    confirm=N_("Refuse this booklet? It is voided and the case goes back to the print queue."),
    danger=True,
)
def refuse_quality(act: Act, *, comment: str) -> None:
    """The booklet does not pass: it is voided and the case waits for another."""
    void(act, own_booklet(act, B.IMPRESA), "CCA")
    act.comment = comment
    act.case.booklet_number = None


def verdicts(session: Session, use: Personalisation) -> dict[str, dict[str, Any]]:
    """The verdict of the last scan of each kind, for the screen."""
    return {
        kind: {"passed": entry.passed, "at": entry.at, **entry.verdict}
        for kind, entry in latest_scans(session, use).items()
    }
