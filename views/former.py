"""Histórico: the cases of the former system by case, booklet, CUI or names, and one of them (module 14; M:L994)."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Page
from views.queues import asked
from workflow import former_enquiries
from workflow.enquiries import FOUND_AT_MOST
from workflow.labels import read_labels


class FormerView(Page):
    """Module 14."""

    route_base = "/former"
    default_view = "search"
    group = N_("Enquiries")
    screen = N_("Former cases")

    @expose("/")
    @needs(Permission.SEARCH_FORMER)
    def search(self) -> ResponseReturnValue:
        """Cases of the former system; a number that names one opens it."""
        number, names = asked("number"), asked("names")
        with transaction() as session:
            found = former_enquiries.find(session, current_actor(), number=number, names=names)
            labels = read_labels(session)
        if number and len(found.exact) == 1:
            return redirect(url_for(".show", number=found.exact[0].number))
        return self.page(
            "former/search.html", _("Former cases"), number=number, names=names, typed=number or names, found=found,
            labels=labels, most=FOUND_AT_MOST,
        )  # fmt: skip

    @expose("/<number>")
    @needs(Permission.SEARCH_FORMER)
    def show(self, number: str) -> ResponseReturnValue:
        """All that is known of a case of the former system."""
        with transaction() as session:
            file = former_enquiries.read(session, number, current_actor())
        title = _("Former case %(number)s", number=file.case.number)
        return self.page("former/show.html", title, (file.case.number, None), file=file, labels=file.labels)


VIEWS = (FormerView,)
