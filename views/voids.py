"""Anular Libreta: the booklet is scanned, its card offers the void or its counterpart; requests of voids (M:L1225)."""

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.corrections import listing
from views.counter import status_of
from views.frame import Page
from workflow import finding, requests, scanning


class VoidView(Page):
    """Module 56."""

    route_base = "/voids"
    default_view = "start"
    group = N_("Security")
    screen = N_("Void booklet")

    @expose("/")
    @needs(Permission.VOID_BOOKLETS)
    def start(self) -> ResponseReturnValue:
        """The box for a booklet, and the requests: those that wait, those decided lately."""
        return self._start()

    @expose("/", methods=["POST"])
    @needs(Permission.VOID_BOOKLETS)
    def find(self) -> ResponseReturnValue:
        """A booklet number or an MRZ opens the booklet's card; a case number the card of its booklet."""
        typed = request.form.get("raw", "").strip()
        number = scanning.booklet_in(typed)
        if number is None:
            with transaction() as session:
                found = finding.cases_by_number(session, current_actor(), typed)
            number = next((case.booklet_number for case in found if case.booklet_number), None)
        if number is None:
            return self._start(BadValue(N_("Neither a booklet number nor an MRZ was read."), field="raw"))
        return redirect(url_for("BookletView.show", number=number, _anchor="void"), 303)

    def _start(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        page = self.page(
            "voids/start.html", _("Void booklet"), refusal=refusal, raw=request.form.get("raw", ""),
            reads=current_actor().may(Permission.READ_BOOKLETS), **listing(requests.VOIDS),
        )  # fmt: skip
        return make_response(page, status_of(refusal))


VIEWS = (VoidView,)
