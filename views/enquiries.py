"""Consultas: a case by its number, cases by names, and the header's box that finds whatever is typed or scanned."""

from functools import partial

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.cases import PassportCase
from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Page
from views.queues import asked
from workflow import enquiries
from workflow.labels import Labels, read_labels


class EnquiryView(Page):
    """Modules 11 and 15."""

    route_base = ""
    default_view = "search"
    group = N_("Enquiries")

    @expose("/enquiries/case/")
    @needs(Permission.READ_CASES)
    def case(self) -> ResponseReturnValue:
        """Caso: a case by its number (M:L928)."""
        typed = asked("number")
        with transaction() as session:
            cases = enquiries.find_by_number(session, current_actor(), typed) if typed else []
            labels = read_labels(session, cases)
        if len(cases) == 1:
            return redirect(url_for("CaseView.show", number=cases[0].number))
        return self._page("case", _("Case"), typed=typed, cases=cases, labels=labels)

    @expose("/enquiries/search/")
    @needs(Permission.SEARCH_CASES)
    def search(self) -> ResponseReturnValue:
        """Consulta Caso: by case or by any of the four names, with pictures (M:L1001)."""
        number = asked("number")
        names = {name: asked(name) for name in enquiries.NAMES}
        typed = number or " ".join(filter(None, names.values()))
        with transaction() as session:
            if number:
                cases = enquiries.find_by_number(session, current_actor(), number)
            else:
                cases = enquiries.find_by_names(session, current_actor(), names)
            labels = read_labels(session, cases)
        shown = {"typed": typed, "number": number, "names": names}
        return self._page("search", _("Case enquiry"), cases=cases, labels=labels, **shown)

    @expose("/find")
    @needs(Permission.READ_CASES, Permission.SEARCH_CASES)
    def find(self) -> ResponseReturnValue:
        """The box in the header: a case, a booklet, a CUI, a payment slip, a machine-readable zone, or names."""
        typed = asked("q")
        cases, labels = self._found(typed)
        if len(cases) == 1 and enquiries.number_in(typed):
            return redirect(url_for("CaseView.show", number=cases[0].number))
        return self._page("found", _("Found"), typed=typed, cases=cases, labels=labels)

    def _found(self, typed: str) -> tuple[list[PassportCase], Labels]:
        actor = current_actor()
        with transaction() as session:
            if enquiries.number_in(typed):
                cases = enquiries.find_by_number(session, actor, typed)
            else:
                cases = enquiries.find_cases(session, actor, typed) if actor.may(Permission.SEARCH_CASES) else []
            return cases, read_labels(session, cases)

    def _page(self, template: str, title: str, **values: object) -> ResponseReturnValue:
        crumbs = [(_(str(self.group)), None), (title, None)]
        return self.page(
            f"enquiries/{template}.html", title, crumbs=crumbs, most=enquiries.FOUND_AT_MOST,
            sees_images=current_actor().may(Permission.SEE_IMAGES),
            images_of=partial(enquiries.sees_images, current_actor()), **values,
        )  # fmt: skip


VIEWS = (EnquiryView,)
