"""Prórroga: whether a passport can be extended, in words, and the new case that is made of it (module 57; M:L1229)."""

from typing import Any

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.cases import CaseEvent
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views import acts
from views.access import current_actor, needs, transaction
from views.case_file import read_file
from views.counter import status_of
from views.frame import Page
from workflow import extensions, finding
from workflow.labels import read_labels
from workflow.machine import TRANSITIONS

EXTEND = Permission.EXTEND_PASSPORTS
MOVE = TRANSITIONS[extensions.extend.__name__]


class ExtensionView(Page):
    """Module 57."""

    route_base = "/extensions"
    default_view = "start"
    group = N_("Security")
    screen = N_("Passport extension")

    @expose("/")
    @needs(EXTEND)
    def start(self) -> ResponseReturnValue:
        """The box for case, booklet or CUI."""
        return self._start()

    @expose("/", methods=["POST"])
    @needs(EXTEND)
    def find(self) -> ResponseReturnValue:
        """One passport opens its page; several are listed, each with what can be done."""
        typed = request.form.get("raw", "").strip()
        with transaction() as session:
            cases = finding.cases_by_number(session, current_actor(), typed)
            found = [extensions.verdict(session, case) for case in cases] if len(cases) > 1 else []
            labels = read_labels(session)
        if len(cases) == 1:
            return redirect(url_for(".show", number=cases[0].number), 303)
        none = None if found else BadValue(N_("No case at your sites has the number “%(typed)s”."), field="raw",
                                           typed=typed[:40])  # fmt: skip
        return self._start(none, found=found, labels=labels)

    @expose("/<number>")
    @needs(EXTEND)
    def show(self, number: str) -> ResponseReturnValue:
        """Whether and why; what the new case will carry."""
        return self._passport(number)

    @expose("/<number>", methods=["POST"])
    @needs(EXTEND)
    def extend(self, number: str) -> ResponseReturnValue:
        """Make the new case, and go to it."""
        outcome = acts.attempt(number, MOVE)
        if isinstance(outcome, CaseEvent):
            acts.tell(number, outcome)
            return redirect(url_for("CaseView.show", number=outcome.data["new_case"]), 303)
        return self._passport(number, outcome)

    def _start(self, refusal: DomainError | None = None, **values: Any) -> ResponseReturnValue:
        shown = {"found": [], "labels": None, **values}
        page = self.page(
            "extensions/start.html", _("Passport extension"), refusal=refusal, raw=request.form.get("raw", ""), **shown
        )
        return make_response(page, status_of(refusal))

    def _passport(self, number: str, refusal: acts.Refusal | None = None) -> ResponseReturnValue:
        with transaction() as session:
            file = read_file(session, number, current_actor(), "extension")
            verdict = extensions.verdict(session, file.case)
            form = acts.form_of(session, MOVE, file.case, refusal)
        opens = extensions.opens_on(verdict.use.expires_on) if verdict.use else None
        title = _("Extension of %(number)s", number=number)
        page = self.page(
            "extensions/passport.html", title, (file.case.number, None), wide=True,
            file=file, case=file.case, labels=file.labels, verdict=verdict, opens=opens, form=form,
        )  # fmt: skip
        return make_response(page, status_of(refusal.error if refusal else None))


VIEWS = (ExtensionView,)
