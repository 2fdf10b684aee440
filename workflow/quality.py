"""Control Calidad: three scans prove the booklet, then it is accepted or refused (module 4; M:L675-L690)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import BookletState as B
from models.booklets import Personalisation, QualityScan
from models.cases import Event, PassportCase, State
from models.inspections import InspectionResult, SecondInspection
from models.text import N_
from printing.comparison import NO_MAP, SPANISH_HOST_MAP, read_kind
from printing.messages import SEAL_LABELS
from printing.seal import SealError, verify
from security.actor import Actor
from security.errors import BadValue, NotAllowed, Unavailable
from security.permissions import Permission
from workflow import enquiries, inspections, pages, queues, scanning, seal_keys
from workflow.booklets import live_personalisation, own_booklet, personalisation_of, void
from workflow.fields import Field, Kind
from workflow.machine import Act, transition, wrong_state

SCANS = (("booklet", N_("Booklet number")), ("mrz", N_("Machine-readable zone")), ("seal", N_("2D code")))
LOOKS = (
    ("portrait_ok", N_("The portrait is the applicant's and well printed")),
    ("signature_ok", N_("The signature is well printed")),
    ("text_ok", N_("The visual zone is complete and readable")),
)
SCAN_LIMIT = 2000
#: What a reader may declare that it types, by the name that its station keeps.
READER_MAPS: Mapping[str, Mapping[str, str]] = {"plain": NO_MAP, "us-on-spanish": SPANISH_HOST_MAP}
_SCANS = tuple(Field(name, label, Kind.SCAN, required=False, max_length=SCAN_LIMIT) for name, label in SCANS)
_LOOKS = tuple(Field(name, label, Kind.FLAG) for name, label in LOOKS)
_AROUND = "\r\n\t\x02\x03 "


def scan(
    session: Session, use: Personalisation, raw: str, actor: Actor, kind: str | None = None, reader: str = "plain"
) -> QualityScan:
    """Compare what the scanner typed with what was printed; keep raw and normalised text with the verdict, return them.

    `kind` None: the scan tells by itself whether it is the booklet, the MRZ or the 2D code. `reader` is a key of
    READER_MAPS, which only an MRZ goes through. Never raises on garbage.
    """
    if not actor.may(Permission.CHECK_QUALITY):
        raise NotAllowed()
    # Of what a database cannot hold, a sign stays that no scan may have; what is too long is judged before it is cut.
    legible = raw.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    kind = kind or read_kind(legible)
    declared = READER_MAPS.get(reader, NO_MAP) if kind == "mrz" else NO_MAP
    typed = legible.translate({ord(sign): mapped for sign, mapped in declared.items()})
    kind, passed, verdict = pages.examine(use, typed, kind)
    verdict["normalised"] = _normalised(typed, verdict)
    if typed != legible:
        verdict["reader"] = reader
    entry = QualityScan(
        personalisation_id=use.id,
        user_id=actor.user_id,
        at=utc_now(),
        kind=kind,
        raw=legible[:SCAN_LIMIT],
        passed=passed,
        verdict=verdict,
    )
    session.add(entry)
    session.flush()
    return entry


def _normalised(typed: str, verdict: Mapping[str, Any]) -> list[str]:
    """The rows that were compared, without what a reader puts around and between them."""
    read = verdict.get("read", typed[:SCAN_LIMIT].strip(_AROUND))
    return [read] if isinstance(read, str) else list(read)


def find_scanned(session: Session, raw: str, actor: Actor) -> PassportCase:
    """The case that waits for quality control or a second inspection and whose booklet, MRZ or 2D code was scanned.

    Raises `BadValue` when nothing of the kind was read, `Unavailable` when the booklet does not wait here.
    """
    number = _sealed_booklet(session, raw) if read_kind(raw[:SCAN_LIMIT]) == "seal" else raw
    try:
        return scanning.find_scanned(session, queues.queue_called("quality"), number, actor)
    except Unavailable:
        drawn = inspections.waiting(session, actor, str(scanning.booklet_in(number)))
        if not drawn:
            raise
        return drawn[0].case


def _sealed_booklet(session: Session, raw: str) -> str:
    try:
        return verify(raw[:SCAN_LIMIT].strip(_AROUND), seal_keys.known(session)).booklet
    except SealError as error:
        raise BadValue(SEAL_LABELS[error.fact], field="raw") from error


def scan_case(session: Session, number: str, raw: str, actor: Actor, reader: str = "plain") -> QualityScan:
    """Like `scan`, for the booklet of the case `number`, which must wait for quality control or a second inspection.

    The look is logged.
    """
    if not actor.may(Permission.CHECK_QUALITY):
        raise NotAllowed()
    case = enquiries.case_by_number(session, number, actor.by(Permission.CHECK_QUALITY), "scan")
    use = live_personalisation(session, str(case.booklet_number))
    if use is None or not (case.state == State.IMPRESA or _waits_again(case)):
        raise wrong_state(session, case)
    return scan(session, use, raw, actor, reader=reader)


def _waits_again(case: PassportCase) -> bool:
    return case.state == State.POST_IMPRESION and inspections.waits(case)


def latest_scans(
    session: Session, use: Personalisation, drawn: SecondInspection | None = None, actor: Actor | None = None
) -> dict[str, QualityScan]:
    """The last scan of each kind for this printed booklet; for an inspection, those that `actor` made for it."""
    query = select(QualityScan).where(QualityScan.personalisation_id == use.id).order_by(QualityScan.id)
    if drawn is not None and actor is not None:
        since = drawn.at or drawn.drawn_at
        query = query.where(QualityScan.user_id == actor.user_id, QualityScan.at > since)
    return {entry.kind: entry for entry in session.scalars(query)}


@transition(
    "T12",
    from_states=(State.IMPRESA,),
    to_state=State.POST_IMPRESION,
    permission=Permission.CHECK_QUALITY,
    label=N_("Accept quality"),
    event=Event.DOCUCHECK,
    module="CONTROL_CALIDAD",
    fields=(*_SCANS, *_LOOKS),
    booklet=(B.IMPRESA, B.IMPRESA),
)
def accept_quality(act: Act, *, portrait_ok: bool, signature_ok: bool, text_ok: bool, **scans: str | None) -> None:
    """Pass the booklet on to delivery: its number, its MRZ and its 2D code were read and agree, and it looks well.

    Scans given here count; those not given must have been read before at this booklet.
    """
    own_booklet(act, B.IMPRESA)
    use = personalisation_of(act)
    act.data.update(scans=_agreeing(act, use, scans))
    use.checked_by_id, use.checked_at = act.actor.user_id, act.at
    inspections.draw(act, use)


def _agreeing(
    act: Act, use: Personalisation, scans: Mapping[str, str | None], drawn: SecondInspection | None = None
) -> dict[str, int]:
    """The scans by which booklet, MRZ and 2D code agree, with those given now; `BadValue` naming what lacks."""
    for kind, raw in scans.items():
        if raw:
            scan(act.session, use, raw, act.actor, kind)
    seen = latest_scans(act.session, use, drawn, act.actor)
    for kind, label in SCANS:
        _require(seen.get(kind), kind, label)
    return {kind: seen[kind].id for kind, _label in SCANS}


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


@transition(
    "T25",
    from_states=(State.POST_IMPRESION,),
    to_state=State.AUTORIZADA,
    permission=Permission.CHECK_QUALITY,
    label=N_("Refuse second inspection"),
    event=Event.CONTROL_CALIDAD_RECHAZADO,
    module="CONTROL_CALIDAD",
    fields=(Field("comment", N_("Reason"), Kind.COMMENT),),
    booklet=(B.IMPRESA, B.ANULADA),
    confirm=N_("Refuse this booklet? It is voided and the case goes back to the print queue."),
    danger=True,
    applies=inspections.waits,
)
def refuse_inspection(act: Act, *, comment: str) -> None:
    """The second person finds a fault in a booklet that was drawn: it is voided and the case waits for another."""
    _use, drawn = inspections.to_inspect(act)
    void(act, own_booklet(act, B.IMPRESA), "CCA")
    inspections.conclude(act, drawn, InspectionResult.REFUSED, comment)
    act.comment = comment
    act.case.booklet_number = None


@transition(
    "T26",
    from_states=(State.POST_IMPRESION,),
    to_state=None,
    permission=Permission.CHECK_QUALITY,
    label=N_("Pass second inspection"),
    event=Event.DOCUCHECK,
    module="CONTROL_CALIDAD",
    fields=(*_SCANS, *_LOOKS),
    booklet=(B.IMPRESA, B.IMPRESA),
    applies=inspections.waits,
)
def pass_inspection(act: Act, *, portrait_ok: bool, signature_ok: bool, text_ok: bool, **scans: str | None) -> None:
    """The second person has read and looked at everything anew, and it is well: the booklet may be delivered."""
    own_booklet(act, B.IMPRESA)
    use, drawn = inspections.to_inspect(act)
    act.data.update(second_inspection=drawn.number, scans=_agreeing(act, use, scans, drawn))
    inspections.conclude(act, drawn, InspectionResult.PASSED, None)


def verdicts(
    session: Session, use: Personalisation, drawn: SecondInspection | None = None, actor: Actor | None = None
) -> dict[str, dict[str, Any]]:
    """The verdict of the last scan of each kind, for the screen."""
    return {
        kind: {"passed": entry.passed, "at": entry.at, **entry.verdict}
        for kind, entry in latest_scans(session, use, drawn, actor).items()
    }
