"""The pages of a case: all about it, its applicant, the decision, and the form of any transition."""

from collections.abc import Mapping
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.base import AnyRow
from models.cases import CaseEvent, PassportCase, State
from models.text import N_
from security.permissions import Permission
from views import acts
from views.access import current_actor, needs, transaction
from views.case_acts import DECIDING, buttons, own_page
from views.case_file import CaseFile, read_applicant, read_file
from views.frame import Page
from views.queues import deal_next
from workflow import comparing, queues
from workflow.machine import TRANSITIONS, Transition

ACTORS = tuple(dict.fromkeys(move.permission for move in TRANSITIONS.values()))


class CaseView(Page):
    """What is known of a case and what may be done with it."""

    route_base = "/cases"
    default_view = "show"

    @expose("/<number>/")
    @needs(Permission.READ_CASES)
    def show(self, number: str) -> ResponseReturnValue:
        """All about a case (module 11; M:L928-L970)."""
        with transaction() as session:
            found = read_file(session, number.upper(), current_actor(), "case")
        return self._page("show", found, _("Case %(number)s", number=found.case.number), buttons=buttons(found))

    @expose("/<number>/applicant")
    @needs(Permission.READ_CASES)
    def applicant(self, number: str) -> ResponseReturnValue:
        """The magnifier: the applicant's data and portrait."""
        with transaction() as session:
            found = read_applicant(session, number.upper(), current_actor())
        return self._page("applicant", found, _("Applicant of %(number)s", number=found.case.number))

    @expose("/<number>/review")
    @needs(Permission.AUTHORISE_CASES, Permission.DECIDE_SECONDARY)
    def review(self, number: str) -> ResponseReturnValue:
        """The traffic light: everything needed to decide, and the decision."""
        return self._review(number.upper())

    @expose("/<number>/<transition>")
    @needs(*ACTORS)
    def form(self, number: str, transition: str) -> ResponseReturnValue:
        """The form of any transition; one with a page of its own is carried out there."""
        move = acts.transition_called(transition)
        own = own_page(number.upper(), move)
        return redirect(own) if own else self._form(number.upper(), move)

    @expose("/<number>/<transition>", methods=["POST"])
    @needs(*ACTORS)
    def perform(self, number: str, transition: str) -> ResponseReturnValue:
        """Any button of any page of a case; when it is refused, its page comes back with what was typed."""
        move = acts.transition_called(transition)
        own = own_page(number.upper(), move)
        if own:
            return redirect(own, 303)
        outcome = acts.attempt(number, move)
        if isinstance(outcome, CaseEvent):
            acts.tell(number, outcome)
            return self._onward(number, outcome)
        reviewing = request.form.get("from") == "review"
        page = self._review(number, outcome) if reviewing else self._form(number, move, outcome)
        return page, outcome.error.status  # type: ignore[return-value]

    def _onward(self, number: str, event: CaseEvent) -> ResponseReturnValue:
        queue = queues.queue_of(event.from_state, current_actor()) if event.from_state else None
        if request.form.get("then") == "next" and queue is not None and queue.dealt:
            return deal_next(queue, event.site_code)
        return redirect(acts.local_path(request.form.get("next")) or url_for(".show", number=number), 303)

    def _review(self, number: str, refusal: acts.Refusal | None = None) -> ResponseReturnValue:
        with transaction() as session:
            found = read_file(session, number, current_actor(), "review")
            blocked = blocking(found)
            moves = [] if blocked else [move for move in found.acts if move.module in DECIDING]
            forms = [acts.form_of(session, move, found.case, refusal) for move in moves]
        return self._page(
            "review", found, _("Review of %(number)s", number=number), forms=forms, blocked=blocked, refusal=refusal,
            queue=queues.queue_of(found.case.state, current_actor()), beside=beside(found),
            lost=lost_words(refusal.typed) if refusal and refusal.move not in moves else [],
            onward=acts.local_path(request.form.get("next")),
        )  # fmt: skip

    def _form(self, number: str, move: Transition, refusal: acts.Refusal | None = None) -> ResponseReturnValue:
        with transaction() as session:
            found = read_file(session, number, current_actor(), "case")
            form = acts.form_of(session, move, found.case, refusal)
        onward = acts.local_path(request.values.get("next"))
        return self._page("act", found, _(move.label), form=form, possible=move in found.acts, onward=onward)

    def _page(self, template: str, found: CaseFile, title: str, **values: Any) -> ResponseReturnValue:
        """A page of a case; its breadcrumbs lead to the queue in which the case waits for this user, if it does."""
        case, names = found.case, {"applicant": _("Applicant"), "review": _("Review"), "act": title}
        own = [(names[template], None)] if template in names else []
        where = enquiry() if template == "show" else waiting_in(case)
        crumbs = [*where, (case.number, url_for(".show", number=case.number) if own else None), *own]
        values.update(file=found, case=case, labels=found.labels, comparing=comparing)
        return self.page(f"cases/{template}.html", title, crumbs=crumbs, wide=True, **values)


def waiting_in(case: PassportCase) -> list[tuple[str, str | None]]:
    """Breadcrumbs to the queue in which `case` waits for the actor; to the enquiry when it waits in none."""
    queue = queues.queue_of(case.state, current_actor(), mobile=case.mobile)
    if queue is None:
        return enquiry()
    return [(_("Monitoring"), None), (_(queue.label), url_for("QueueView.queue", key=queue.key, site=case.site_code))]


def enquiry() -> list[tuple[str, str | None]]:
    """Breadcrumbs to module 11."""
    return [(_("Enquiries"), None), (_("Case"), url_for("EnquiryView.case"))]


def blocking(found: CaseFile) -> str | None:
    """Why the actor may not decide now, as a message id; None when he may."""
    if found.held and not found.mine:
        return N_("Somebody else is working on this case.")
    waits = found.case.state in (State.ENROLADA, State.VALIDACION_SECUNDARIA)
    if waits and found.only_dealt and not found.mine:
        return N_("At this site cases are dealt in order: press “Next case”.")
    return None


def beside(found: CaseFile) -> list[tuple[AnyRow, list[comparing.Line]]]:
    """Each former passport and earlier case, beside the captured data."""
    others = [*found.former, *found.earlier]
    return [(other, comparing.side_by_side(found.case, other)) for other in others]


def lost_words(typed: Mapping[str, str]) -> list[str]:
    """What had been typed into a form that can no longer be sent."""
    kept = ("comment", acts.RESOLUTION)
    return [text for name, text in typed.items() if name.startswith(kept) and text.strip()]


VIEWS = (CaseView,)
