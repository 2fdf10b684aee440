"""Control Calidad: three scans, a character-by-character comparison and three looks, on one page (M:L675-L690)."""

from dataclasses import dataclass

from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import State
from models.inspections import SecondInspection
from models.text import N_
from security.errors import BadValue, DomainError, Unavailable
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import CounterPage, attempt, offered, shots, status_of
from views.quality_rates import InspectionSettingView, QualityRatesView
from views.verdicts import checks, last_scan
from workflow import counters, inspections, quality, quality_rates, queues
from workflow.counters import Work

LOOKS = tuple(name for name, _label in quality.LOOKS)
QUEUE = queues.queue_called("quality")
#: What the reader of this computer types: it belongs to the station, not to who sits there.
READER_COOKIE = "reader"
READERS = (
    ("plain", N_("The same sign")),
    ("us-on-spanish", N_("A semicolon: reader set for a US keyboard, computer for a Spanish one")),
)
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Stage:
    """What the case waits for here: its first control, or a second inspection (`drawn`), and why he cannot do it."""

    waiting: bool
    drawn: SecondInspection | None
    hindrance: str


def reader() -> str:
    """What the reader of this station was declared to type, a key of `quality.READER_MAPS`."""
    declared = request.cookies.get(READER_COOKIE, "")
    return declared if declared in quality.READER_MAPS else "plain"


class QualityView(CounterPage):
    """Module 4."""

    route_base = "/quality"
    default_view = "start"
    screen = N_("Quality control")
    queue_key = "quality"

    @expose("/")
    @needs(Permission.CHECK_QUALITY)
    def start(self) -> ResponseReturnValue:
        """The box for the first scan, and where printed booklets wait."""
        return self._start()

    @expose("/", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def find(self) -> ResponseReturnValue:
        """A booklet number, MRZ or 2D code was read: it counts as that check, and its case opens."""
        raw, actor = request.form.get("raw", ""), current_actor()
        try:
            with transaction() as session:
                number = quality.find_scanned(session, raw, actor).number
                quality.scan_case(session, number, raw, actor, reader())
        except (BadValue, Unavailable) as refusal:
            return self._start(refusal)
        return redirect(url_for(".case", number=number), 303)

    @expose("/<number>")
    @needs(Permission.CHECK_QUALITY)
    def case(self, number: str) -> ResponseReturnValue:
        """The checks of one printed booklet."""
        return self._shown(number)

    @expose("/<number>/scan", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def scan(self, number: str) -> ResponseReturnValue:
        """Something was read; it tells by itself which check it is. What was ticked stays ticked."""
        raw = request.form.get("raw", "")
        if raw.strip():
            with transaction() as session:
                quality.scan_case(session, number, raw, current_actor(), reader())
        ticked = [name for name in LOOKS if name in request.form]
        return redirect(url_for(".case", number=number, looks=ticked), 303)

    @expose("/<number>/accept", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def accept(self, number: str) -> ResponseReturnValue:
        """All three agree and it looks well: on to delivery."""
        values = {name: request.form.get(name) for name in LOOKS}
        refusal = attempt("accept_quality", number, values)
        if refusal:
            return self._shown(number, refusal)
        _tell_if_drawn(number)
        return self.back()

    @expose("/<number>/refuse", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def refuse(self, number: str) -> ResponseReturnValue:
        """The booklet is voided and the case returns to the print queue."""
        values = {"comment": request.form.get("comment", "")}
        refusal = attempt("refuse_quality", number, values)
        return self._shown(number, refusal) if refusal else self.back()

    @expose("/<number>/inspection/pass", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def pass_inspection(self, number: str) -> ResponseReturnValue:
        """A second person finds a drawn booklet well: it may be delivered."""
        refusal = attempt("pass_inspection", number, {name: request.form.get(name) for name in LOOKS})
        return self._shown(number, refusal) if refusal else self.back()

    @expose("/<number>/inspection/refuse", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def refuse_inspection(self, number: str) -> ResponseReturnValue:
        """A second person finds a fault: the booklet is voided and the case returns to the print queue."""
        refusal = attempt("refuse_inspection", number, {"comment": request.form.get("comment", "")})
        return self._shown(number, refusal) if refusal else self.back()

    @expose("/reader", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def set_reader(self) -> ResponseReturnValue:
        """Declare what the reader of this station types; kept in its browser."""
        declared = request.form.get("reader", "")
        answer = make_response(self.back(_("The reader of this station was set."), "success"))
        answer.set_cookie(
            READER_COOKIE,
            declared if declared in quality.READER_MAPS else "plain",
            max_age=_YEAR,
            path=url_for(".start"),
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return answer

    def _start(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            counts = [count for count in queues.site_counts(session, QUEUE, actor) if count.count]
            drawn = inspections.waiting(session, actor)
        page = self.page(
            "quality/start.html",
            _("Quality control"),
            counts=counts,
            cap=queues.COUNT_CAP,
            drawn=drawn,
            most=inspections.WAITING_AT_MOST,
            readers=READERS,
            reader=reader(),
            sees_rates=actor.may(*quality_rates.READERS),
            refusal=refusal,
            raw=request.form.get("raw", ""),
        )
        return make_response(page, status_of(refusal))

    def _shown(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            work = counters.open_case(session, number, actor, "quality")
            stage = _stage(session, work)
            verdicts = quality.verdicts(session, work.use, stage.drawn, actor) if work.use else {}
            pictures = shots(session, work.case)
        listed, queue = checks(verdicts), self.queue_for(work.case)
        page = self.page(
            "quality/case.html",
            _("Quality control of case %(number)s", number=number),
            crumbs=self.trail(queue, work.case, work.labels.of(work.case, "site_code")),
            work=work,
            case=work.case,
            waiting=stage.waiting,
            drawn=stage.drawn,
            hindrance=stage.hindrance,
            accept_url=url_for(".pass_inspection" if stage.drawn else ".accept", number=number),
            refuse_url=url_for(".refuse_inspection" if stage.drawn else ".refuse", number=number),
            checks=listed,
            last=last_scan(work.use, verdicts),
            all_agree=all(check.status == "agrees" for check in listed),
            looks=quality.LOOKS,
            ticked=request.form if refusal else request.args.getlist("looks"),
            queue=queue,
            shots=pictures,
            refusal=refusal,
            comment=request.form.get("comment", ""),
        )
        return make_response(page, status_of(refusal))


def _stage(session: Session, work: Work) -> Stage:
    actor, use, may = current_actor(), work.use, offered(work.case)
    if use is not None and "pass_inspection" in may:
        drawn = inspections.inspection_of(session, use)
        return Stage(True, drawn, inspections.hindrance(use, drawn, actor) if drawn else "")
    waiting = work.case.state == State.IMPRESA and "accept_quality" in may
    printed_it = use is not None and actor.user_id in (use.printed_by_id, use.assigned_by_id)
    hindrance = N_("You printed this booklet; somebody else must check it.") if printed_it and waiting else ""
    return Stage(waiting, None, hindrance)


def _tell_if_drawn(number: str) -> None:
    with transaction() as session:
        drawn = inspections.is_drawn(session, number)
    if drawn:
        flash(
            _("Case %(number)s was drawn for a second inspection: put its booklet aside for another person.",
              number=number),
            "warning",
        )  # fmt: skip


VIEWS = (QualityView, QualityRatesView, InspectionSettingView)
