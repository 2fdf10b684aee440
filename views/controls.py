"""Controles: how strictly each is kept, in general and at which sites otherwise; its history below (SPEC 5)."""

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from models.text import N_
from security.errors import DomainError, NotAllowed, NotFound
from security.history import changes_of
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import control_settings
from workflow.control_settings import EVERYWHERE
from workflow.controls import MODES

MODE, WAS = "mode-", "was-"


class ControlView(Page):
    """The controls of SPEC 5, for administrators."""

    route_base = "/controls"
    default_view = "list"
    group = N_("Security")
    screen = N_("Controls")

    @expose("/")
    @needs(Permission.READ_CONTROLS)
    def list(self) -> ResponseReturnValue:
        """All controls and how each is kept."""
        with transaction() as session:
            found = control_settings.settings(session, current_actor())
        return self.page("controls/list.html", _("Controls"), found=found, modes=MODES)

    @expose("/<control>")
    @needs(Permission.READ_CONTROLS)
    def show(self, control: str) -> ResponseReturnValue:
        """One control, by site."""
        return self._show(control)

    @expose("/<control>", methods=["POST"])
    @needs(Permission.EDIT_CONTROLS)
    def save(self, control: str) -> ResponseReturnValue:
        """Keep it otherwise from now on; a refused form comes back as it was filled in."""
        form = request.form
        wanted = {name.removeprefix(MODE): mode for name, mode in form.items() if name.startswith(MODE)}
        was = {name.removeprefix(WAS): mode for name, mode in form.items() if name.startswith(WAS)}
        try:
            with transaction() as session:
                actor, reason = current_actor(), form.get("reason", "")
                changed = control_settings.change(session, actor, control, wanted, reason, was=was)
        except (NotAllowed, NotFound):
            raise
        except DomainError as refusal:
            return self._show(control, refusal)
        told = ngettext("%(num)s setting was changed.", "%(num)s settings were changed.", changed)
        return self.back(told, url=url_for(".show", control=control))

    def _show(self, control: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            actor = current_actor()
            found = control_settings.setting(session, actor, control)
            places = [(EVERYWHERE, _("In general")), *control_settings.sites(session)]
            history = changes_of(session, ("control_setting", f"{control}/%"))
        typed = request.form if refusal else {}
        page = self.page(
            "controls/show.html", _(found.rule.label), (_(found.rule.label), None), found=found, places=places,
            modes=MODES, typed=typed, refusal=refusal, history=history, may_edit=actor.may(Permission.EDIT_CONTROLS),
        )  # fmt: skip
        return make_response(page, status_of(refusal))


VIEWS = (ControlView,)
