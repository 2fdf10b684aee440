"""Pre-Impresión, Pre-Impresión Móvil and En-Impresión: booklet, data page, print accepted or refused, on one page."""

from flask import Response, flash, make_response, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.cases import PassportCase, State
from models.catalogs import Printer
from models.text import N_
from security.errors import DomainError, WrongState
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import CounterPage, attempt, offered, shots, status_of
from workflow import counters, fields, pages, personalisation, queues, stations
from workflow.machine import TRANSITIONS, wrong_state

PRINTERS = (Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE, Permission.RESUME_PRINTS)
VOID_TYPE = TRANSITIONS["refuse_print"].fields[0]
#: States of a case on whose page the printers are shown.
WITH_PRINTERS = {State.AUTORIZADA, State.EN_IMPRESION}


class PrintingView(CounterPage):
    """Modules 2, 5 and 6 (M:L587-L639, M:L698, M:L704): three steps on one case."""

    route_base = "/printing"
    queue_key = "printing"

    @expose("/<number>")
    @needs(*PRINTERS)
    def case(self, number: str) -> ResponseReturnValue:
        """The case with the step that comes next."""
        return self._shown(number)

    @expose("/<number>/assign", methods=["POST"])
    @needs(Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE)
    def assign(self, number: str) -> ResponseReturnValue:
        """Step 1: the booklet, typed, scanned or taken from those offered."""
        values = {"booklet": request.form.get("booklet", "")}
        name = "assign_booklet_mobile" if request.form.get("mobile") else "assign_booklet"
        refusal = attempt(name, number, values)
        return self._shown(number, refusal) if refusal else redirect(url_for(".case", number=number), 303)

    @expose("/<number>/print", methods=["POST"])
    @needs(Permission.RESUME_PRINTS)
    def send(self, number: str) -> ResponseReturnValue:
        """Step 2, and again for a case that got stuck: the copy is recorded and the page opens."""
        refusal = attempt("print_page", number, {"printer": chosen_printer()})
        return self._shown(number, refusal) if refusal else redirect(url_for(".case", number=number), 303)

    @expose("/<number>/page.pdf")
    @needs(*PRINTERS)
    def data_page(self, number: str) -> ResponseReturnValue:
        """The data page; only while the case is in printing, and once its copy was recorded."""
        with transaction() as session:
            work = counters.open_case(session, number, current_actor(), "page.pdf")
            if work.case.state != State.EN_IMPRESION or work.use is None:
                raise wrong_state(session, work.case)
            if work.use.copies == 0:
                raise WrongState(N_("Press “Print” first, so that the copy is recorded."))
            page = personalisation.page_of(session, work.case)
        return shown_pdf(page, number)

    @expose("/printers/<code>/test.pdf")
    @needs(Permission.PRINT_BOOKLETS)
    def test_page(self, code: str) -> ResponseReturnValue:
        """The page from which a printer's offsets are read."""
        with transaction() as session:
            page = stations.test_page(session, code, current_actor())
        return shown_pdf(page, f"prueba-{code}")

    @expose("/<number>/accept", methods=["POST"])
    @needs(Permission.PRINT_BOOKLETS)
    def accept(self, number: str) -> ResponseReturnValue:
        """Step 3: the print is good; the next case of the queue opens."""
        attempt("accept_print", number)
        return self._onwards(number)

    @expose("/<number>/refuse", methods=["POST"])
    @needs(Permission.PRINT_BOOKLETS)
    def refuse(self, number: str) -> ResponseReturnValue:
        """Step 3: the print is bad; the booklet is voided and the case waits for another."""
        values = {name: request.form.get(name, "") for name in ("void_type", "comment")}
        refusal = attempt("refuse_print", number, values)
        return self._shown(number, refusal) if refusal else redirect(url_for(".case", number=number), 303)

    def _shown(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            work = counters.open_case(session, number, actor, "printing")
            case, acts = work.case, offered(work.case)
            booklets = counters.booklets_for(session, case, actor) if case.state == State.AUTORIZADA else []
            void_types = fields.choices(session, VOID_TYPE) if "refuse_print" in acts else []
            pictures = shots(session, case)
            printers = stations.printers_at(session, case.print_site_code) if case.state in WITH_PRINTERS else []
        stuck = work.left_by_another(actor)
        queue = (
            self.queue_for(case) if stuck or case.state != State.EN_IMPRESION else queues.queue_called(_queue_key(case))
        )
        page = self.page(
            "printing/case.html",
            _("Printing of case %(number)s", number=number),
            crumbs=self.trail(queue, case, work.labels.of(case, "site_code")),
            work=work,
            case=case,
            acts=acts,
            step=_step(work),
            stuck=stuck,
            queue=queue,
            booklets=booklets,
            void_types=void_types,
            **at_the_printer(printers),
            shots=pictures,
            refusal=refusal,
            typed=request.form,
        )
        return make_response(page, status_of(refusal))

    def _onwards(self, number: str) -> ResponseReturnValue:
        with transaction() as session:
            case = counters.open_case(session, number, current_actor(), "printing").case
            queue = queues.queue_called(_queue_key(case))
            following = counters.next_case(session, queue, case, current_actor())
        if following is not None:
            flash(_("This is the next case: %(number)s.", number=following.number), "info")
            return redirect(url_for(".case", number=following.number), 303)
        flash(_("No other case waits at this site."), "info")
        return redirect(_queue_url(queue, case), 303)


def chosen_printer() -> str | None:
    """The printer named in the form that was sent, kept for the next page; None where there is no choice."""
    code = request.form.get("printer")
    if code:
        cookie["printer"] = code[:16]
    return code


def at_the_printer(printers: list[Printer]) -> dict[str, object]:
    """What a page says of the printers of its site, the one this station uses, and what printing lacks."""
    return {
        "printers": printers,
        "printer": cookie.get("printer"),
        "lacking": pages.press().lacking_font(),
        "sees_catalogs": current_actor().may(Permission.READ_CATALOGS),
        "tests_printers": current_actor().may(Permission.PRINT_BOOKLETS),
    }


def shown_pdf(page: bytes, name: str) -> Response:
    """A PDF that the browser shows and keeps nowhere."""
    answer = Response(page, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _queue_key(case: PassportCase) -> str:
    """Where the one who accepted a print goes on: with the stuck cases, if this was one."""
    if "stuck" in request.form and current_actor().may(Permission.RESUME_PRINTS):
        return "in-printing"
    return "mobile-printing" if case.mobile else "printing"


def _queue_url(queue: queues.Queue, case: PassportCase) -> str:
    return url_for("QueueView.queue", key=queue.key, site=case.site_code)


def _step(work: counters.Work) -> int:
    """The step that comes next, 1 to 3; 4 when the print was accepted, 0 before the case is authorised."""
    if work.case.state == State.EN_IMPRESION and work.use is not None:
        return 3 if work.use.copies else 2
    return {State.AUTORIZADA: 1, State.IMPRESA: 4, State.POST_IMPRESION: 4, State.ENTREGADA: 4}.get(work.case.state, 0)


VIEWS = (PrintingView,)
