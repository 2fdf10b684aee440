"""What heads read and set of quality control: the rates of refusal, and how many booklets are inspected again."""

import datetime as dt

from flask import make_response, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import inspections, quality_rates
from workflow.inspections import SiteSetting
from workflow.quality_rates import Grouping, Rates


class QualityRatesView(Page):
    """Refused of the printed, by printer, site, day and batch."""

    route_base = "/quality/rates"
    default_view = "list"
    group = N_("Monitoring")
    screen = N_("Refusal rates")

    @expose("/")
    @needs(*quality_rates.READERS)
    def list(self) -> ResponseReturnValue:
        """The rates of some days, at every site of the actor or one of them."""
        typed = {name: request.args.get(name, "").strip()[:20] for name in ("first", "last", "site")}
        found, refusal, actor = None, None, current_actor()
        with transaction() as session:
            sites = quality_rates.sites(session, actor)
            try:
                found = quality_rates.rates(session, actor, **typed)
            except BadValue as wrong:
                refusal = wrong
        page = self.page(
            "quality/rates.html",
            _("Refusal rates"),
            found=found,
            groupings=_headed(found) if found else [],
            typed=typed,
            sites=sites,
            refusal=refusal,
            day_of=dt.date.fromisoformat,
            most_days=quality_rates.DAYS_AT_MOST,
            sets_rates=actor.may(Permission.EDIT_CATALOGS),
            checks=actor.may(Permission.CHECK_QUALITY),
        )
        return make_response(page, status_of(refusal))


def _headed(found: Rates) -> list[tuple[str, str, str, Grouping]]:
    """Each grouping with its key, its title and the heading of its first column."""
    return [
        ("sites", _("By site"), _("Site"), found.sites),
        ("printers", _("By who printed"), _("Printed by"), found.printers),
        ("days", _("By day"), _("Day"), found.days),
        ("batches", _("By batch of booklets"), _("Booklets"), found.batches),
    ]


class InspectionSettingView(Page):
    """How many accepted booklets each site has inspected again."""

    route_base = "/quality/inspections"
    default_view = "list"
    group = N_("Monitoring")
    screen = N_("Second inspections")

    @expose("/")
    @needs(Permission.EDIT_CATALOGS)
    def list(self) -> ResponseReturnValue:
        """Every printing site with what holds there."""
        return self._list()

    @expose("/", methods=["POST"])
    @needs(Permission.EDIT_CATALOGS)
    def save(self) -> ResponseReturnValue:
        """Set rate and cap of one site, or of all that have none of their own."""
        sent = {name: request.form.get(name, "")[:40] for name in ("site", "rate", "monthly_cap")}
        try:
            with transaction() as session:
                inspections.set_rate(session, current_actor(), **sent)
        except BadValue as refusal:
            return self._list(refusal)
        return self.back(_("The second inspections were set."))

    def _list(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            general, sites = inspections.settings(session, current_actor())
        asked = request.values.get("site", "") or inspections.EVERYWHERE
        chosen = next((site for site in sites if site.code == asked), general)
        page = self.page(
            "quality/inspections.html",
            _("Second inspections"),
            general=general,
            sites=sites,
            chosen=chosen,
            typed=request.form if refusal else _typed(chosen),
            refusal=refusal,
        )
        return make_response(page, status_of(refusal))


def _typed(chosen: SiteSetting) -> dict[str, str]:
    if not chosen.own:
        return {"rate": "", "monthly_cap": ""}
    return {"rate": f"{chosen.rate:f}", "monthly_cap": str(chosen.monthly_cap)}
