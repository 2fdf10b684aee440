"""Control Calidad: three scans, a character-by-character comparison and three looks, on one page (M:L675-L690)."""

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.cases import State
from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import CounterPage, attempt, offered, shots, status_of
from views.verdicts import checks, last_scan
from workflow import counters, quality, queues, scanning
from workflow.errors import BadValue, DomainError, Unavailable

LOOKS = tuple(name for name, _label in quality.LOOKS)
QUEUE = queues.queue_called("quality")


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
        """A booklet number or MRZ was read: it counts as that check, and its case opens."""
        raw, actor = request.form.get("raw", ""), current_actor()
        try:
            with transaction() as session:
                number = scanning.find_scanned(session, QUEUE, raw, actor).number
                quality.scan_case(session, number, raw, actor)
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
                quality.scan_case(session, number, raw, current_actor())
        ticked = [name for name in LOOKS if name in request.form]
        return redirect(url_for(".case", number=number, looks=ticked), 303)

    @expose("/<number>/accept", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def accept(self, number: str) -> ResponseReturnValue:
        """All three agree and it looks well: on to delivery."""
        values = {name: request.form.get(name) for name in LOOKS}
        refusal = attempt("accept_quality", number, values)
        return self._shown(number, refusal) if refusal else self.back()

    @expose("/<number>/refuse", methods=["POST"])
    @needs(Permission.CHECK_QUALITY)
    def refuse(self, number: str) -> ResponseReturnValue:
        """The booklet is voided and the case returns to the print queue."""
        values = {"comment": request.form.get("comment", "")}
        refusal = attempt("refuse_quality", number, values)
        return self._shown(number, refusal) if refusal else self.back()

    def _start(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            counts = [count for count in queues.site_counts(session, QUEUE, current_actor()) if count.count]
        page = self.page(
            "quality/start.html",
            _("Quality control"),
            counts=counts,
            cap=queues.COUNT_CAP,
            refusal=refusal,
            raw=request.form.get("raw", ""),
        )
        return make_response(page, status_of(refusal))

    def _shown(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            work = counters.open_case(session, number, actor, "quality")
            verdicts = quality.verdicts(session, work.use) if work.use else {}
            pictures = shots(session, work.case)
        listed, queue = checks(verdicts), self.queue_for(work.case)
        page = self.page(
            "quality/case.html",
            _("Quality control of case %(number)s", number=number),
            crumbs=self.trail(queue, work.case, work.labels.of(work.case, "site_code")),
            work=work,
            case=work.case,
            waiting=work.case.state == State.IMPRESA and "accept_quality" in offered(work.case),
            printed_by_me=work.use is not None and actor.user_id in (work.use.printed_by_id, work.use.assigned_by_id),
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


VIEWS = (QualityView,)
