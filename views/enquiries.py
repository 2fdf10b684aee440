"""Consultas: a case by its number, cases by number or names, and the header's box that finds anything."""

from functools import partial
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.booklets import Booklet
from models.cases import PassportCase
from models.enrolments import FormerCase
from models.stock import StockDocument
from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.booklets import DOCUMENT_VIEWS
from views.case_acts import quick_acts
from views.frame import Page
from views.queues import asked, plain
from workflow import enquiries, finding
from workflow.labels import read_labels
from workflow.name_search import Found
from workflow.typed import read


class EnquiryView(Page):
    """Modules 11, 12 and 15, and the box."""

    route_base = ""
    default_view = "search"
    group = N_("Enquiries")

    @expose("/enquiries/case/")
    @needs(Permission.READ_CASES)
    def case(self) -> ResponseReturnValue:
        """Caso: a case by its number (M:L928)."""
        typed = asked("number")
        with transaction() as session:
            cases = finding.cases_by_number(session, current_actor(), typed) if typed else []
            shown = _shown(session, cases)
        if len(cases) == 1:
            return redirect(url_for("CaseView.show", number=cases[0].number))
        return self._page("case", _("Case"), typed=typed, cases=cases, **shown)

    @expose("/enquiries/people/")
    @needs(Permission.SEARCH_CASES)
    def people(self) -> ResponseReturnValue:
        """Búsqueda: people with their pictures, by a number or by names in any order (M:L975)."""
        typed = asked("q")
        with transaction() as session:
            found = _by_anything(session, typed) if typed else Found()
            shown = _shown(session, [*found.exact, *found.alike])
        return self._page("people", _("Search of people"), typed=typed, cases=found.exact, alike=found.alike, **shown)

    @expose("/enquiries/search/")
    @needs(Permission.SEARCH_CASES)
    def search(self) -> ResponseReturnValue:
        """Consulta Caso: by case or by any of the four names, with pictures (M:L1001)."""
        number = asked("number")
        names = {name: asked(name) for name in finding.NAMES}
        typed = number or " ".join(filter(None, names.values()))
        with transaction() as session:
            if number:
                found = Found(finding.cases_by_number(session, current_actor(), number))
            else:
                found = finding.cases_by_names(session, current_actor(), names)
            shown = _shown(session, [*found.exact, *found.alike])
        shown |= {"typed": typed, "number": number, "names": names}
        return self._page("search", _("Case enquiry"), cases=found.exact, alike=found.alike, **shown)

    @expose("/find")
    @needs(*finding.BOX)
    def find(self) -> ResponseReturnValue:
        """What the box in the header asked for, at an address that can be gone back to."""
        return self._find(asked("q"))

    @expose("/find", methods=["POST"])
    @needs(*finding.BOX)
    def read(self) -> ResponseReturnValue:
        """The box itself: what was read off a document is in no address, for it holds a person's data."""
        text = plain(request.form.get("q", ""))
        if not text or read(text).scanned:
            return self._find(text)
        return redirect(url_for(".find", q=text), 303)

    def _find(self, text: str) -> ResponseReturnValue:
        typed = read(text)
        with transaction() as session:
            found = finding.anything(session, current_actor(), typed)
            shown = _shown(session, [*found.cases, *found.alike], [*found.former, *found.former_alike])
        if found.only is not None and typed.number:
            return redirect(address_of(found.only), 303 if request.method == "POST" else 302)
        return self._page("found", _("Found"), typed=text, reading=typed, found=found, address_of=address_of, **shown)

    def _page(self, template: str, title: str, **values: object) -> ResponseReturnValue:
        crumbs = [(_(str(self.group)), None), (title, None)]
        return self.page(
            f"enquiries/{template}.html", title, crumbs=crumbs, most=enquiries.FOUND_AT_MOST,
            sees_images=current_actor().may(Permission.SEE_IMAGES),
            images_of=partial(enquiries.sees_images, current_actor()), wide=template != "case",
            acts_on=partial(quick_acts, actor=current_actor()), **values,
        )  # fmt: skip


def address_of(thing: PassportCase | Booklet | StockDocument | FormerCase) -> str:
    """Where a thing that was found is opened."""
    if isinstance(thing, PassportCase):
        return url_for("CaseView.show", number=thing.number)
    if isinstance(thing, Booklet):
        return url_for("BookletView.show", number=thing.number)
    if isinstance(thing, FormerCase):
        return url_for("FormerView.show", number=thing.number)
    return url_for(f"{DOCUMENT_VIEWS[thing.kind]}.show", number=thing.id)


def _by_anything(session: Session, typed: str) -> Found:
    actor = current_actor()
    if read(typed).number:
        return Found(finding.cases_by_number(session, actor, typed))
    return finding.cases_of_people(session, actor, read(typed).names)


def _shown(session: Session, cases: list[PassportCase], former: list[FormerCase] | None = None) -> dict[str, Any]:
    """What a list of cases shows besides them: words for their codes, and which pictures there are."""
    labels = read_labels(session)
    seen = [case for case in cases if enquiries.sees_images(current_actor(), case)]
    return {"labels": labels, "kinds": enquiries.picture_kinds(session, seen)}


VIEWS = (EnquiryView,)
