"""Post-Impresión: the passport is found by booklet or names and handed over, recording who collected it (M:L643)."""

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.cases import PassportCase, State
from models.text import N_
from security.errors import DomainError, Unavailable
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import CounterPage, attempt, offered, shots, status_of
from workflow import counters, delivery, queues, scanning
from workflow.labels import read_labels

QUEUE = queues.queue_called("delivery")
FIELDS = ("collector", "collector_name", "document_type", "document_number", "comment")


class DeliveryView(CounterPage):
    """Module 3."""

    route_base = "/delivery"
    default_view = "start"
    screen = N_("Post-printing")
    queue_key = "delivery"

    @expose("/")
    @needs(Permission.DELIVER)
    def start(self) -> ResponseReturnValue:
        """The box for booklet or names, and where passports wait."""
        return self._start()

    @expose("/", methods=["POST"])
    @needs(Permission.DELIVER)
    def find(self) -> ResponseReturnValue:
        """A scanned booklet or MRZ opens its case; anything else is names, which so stay in no address."""
        typed, actor = request.form.get("raw", "").strip(), current_actor()
        found: list[PassportCase] | None = None
        try:
            with transaction() as session:
                if scanning.booklet_in(typed):
                    number = scanning.find_scanned(session, QUEUE, typed, actor).number
                    return redirect(url_for(".case", number=number), 303)
                found = scanning.find_named(session, QUEUE, typed, actor)
                log_look(session, actor, "delivery", None, cases=[case.number for case in found])
        except Unavailable as refusal:
            return self._start(refusal)
        return self._start(found=found)

    @expose("/<number>")
    @needs(Permission.DELIVER)
    def case(self, number: str) -> ResponseReturnValue:
        """The passport and who collects it; once delivered, the receipt."""
        return self._shown(number)

    @expose("/<number>/deliver", methods=["POST"])
    @needs(Permission.DELIVER)
    def deliver(self, number: str) -> ResponseReturnValue:
        """Hand it over."""
        refusal = attempt("deliver", number, {name: request.form.get(name, "") for name in FIELDS})
        return self._shown(number, refusal) if refusal else redirect(url_for(".case", number=number), 303)

    def _start(
        self, refusal: DomainError | None = None, found: list[PassportCase] | None = None
    ) -> ResponseReturnValue:
        with transaction() as session:
            counts = [count for count in queues.site_counts(session, QUEUE, current_actor()) if count.count]
            labels = read_labels(session)
        page = self.page(
            "delivery/start.html",
            _("Delivery of passports"),
            counts=counts,
            cap=queues.COUNT_CAP,
            found=found,
            labels=labels,
            limit=queues.PAGE,
            refusal=refusal,
            raw=request.form.get("raw", ""),
        )
        return make_response(page, status_of(refusal))

    def _shown(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            work = counters.open_case(session, number, current_actor(), "delivery")
            pictures = shots(session, work.case)
        case, queue = work.case, queues.queue_called("delivery")
        page = self.page(
            "delivery/case.html",
            _("Delivery of case %(number)s", number=number),
            crumbs=self.trail(queue, case, work.labels.of(case, "site_code")),
            work=work,
            case=case,
            waiting=case.state == State.POST_IMPRESION and "deliver" in offered(case),
            collectors=[(value, _(label)) for value, label in delivery.COLLECTORS],
            documents=[(value, _(label)) for value, label in delivery.DOCUMENTS],
            shots=pictures,
            refusal=refusal,
            typed=request.form,
        )
        return make_response(page, status_of(refusal))


VIEWS = (DeliveryView,)
