"""Parámetros WS (module 53): how the outside services are reached, how they fare, and a test of each."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.services import OUTCOME_LABELS, SERVICE_LABELS, Service, ServiceHealth, ServiceParameters, WhenDown
from models.text import N_
from security.errors import BadValue, DomainError
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.documents import number_of, version_seen
from views.frame import Page
from workflow.labels import usernames
from workflow.outside import consulting, parameters, waiting
from workflow.outside.consulting import Answer
from workflow.outside.mapping import Person
from workflow.watch_lists.hits import GRADE_LABELS

WHEN_DOWN = {
    WhenDown.WAIT: N_("The case waits in secondary validation and goes on by itself when the service has answered"),
    WhenDown.GO_ON: N_("The case goes on to supervision, marked; the service is asked again meanwhile"),
}
TEXTS = ("url", "client_id", "secret", "when_down")


class ServiceView(Page):
    """The secret goes in by this page and never comes out."""

    route_base = "/services"
    default_view = "list"
    group = N_("Security")
    screen = N_("Web service parameters")

    @expose("/")
    @needs(Permission.SET_SERVICES)
    def list(self) -> ResponseReturnValue:
        """The services and how they fare."""
        with transaction() as session:
            rows = [self._row(session, service) for service in Service]
        return self.page("services/list.html", _(str(self.screen)), rows=rows, **_labels())

    @expose("/<name>")
    @needs(Permission.SET_SERVICES)
    def show(self, name: str) -> ResponseReturnValue:
        """The parameters of one service, as a form, and its test."""
        return self._form(name)

    @expose("/<name>", methods=["POST"])
    @needs(Permission.SET_SERVICES)
    def change(self, name: str) -> ResponseReturnValue:
        """Set the parameters."""
        try:
            with transaction() as session:
                parameters.change(session, current_actor(), name, _values(), version=version_seen())
        except DomainError as refusal:
            if refusal.status == 404:
                raise
            return self._form(name, refusal)
        return self.back(_("The parameters were changed."), url=url_for(".show", name=name))

    @expose("/<name>/test", methods=["POST"])
    @needs(Permission.SET_SERVICES)
    def test(self, name: str) -> ResponseReturnValue:
        """Ask the service about a CUI now, whatever its breaker says, and show what happened."""
        with transaction() as session:
            service, cui = parameters.found(session, name).service, request.form.get("cui", "").strip()
        if not re.fullmatch(r"[0-9]{13}", cui):
            return self._form(name, BadValue(N_("This is no CUI: thirteen digits."), field="cui"))
        answer = consulting.ask(Service(service), Person(cui), even_if_open=True)
        with transaction() as session:
            actor = current_actor()
            consulting.keep(session, actor, answer, None)
            log_look(session, actor, f"service:{name}", None, cui=cui)
        return self._form(name, answer=answer)

    def _row(self, session: Session, service: Service) -> dict[str, Any]:
        row, health = (
            parameters.found(session, service),
            session.get_one(ServiceHealth, service, populate_existing=True),
        )
        return {"service": row, "health": health, "waiting": waiting.how_many_wait(session, service)}

    def _form(
        self, name: str, refusal: DomainError | None = None, answer: Answer | None = None
    ) -> ResponseReturnValue | Response:
        with transaction() as session:
            row = parameters.found(session, name)
            shown = self._row(session, row.service)
            tests = consulting.latest_tests(session, row.service)
            users = usernames(session, [row.changed_by_id, *(test.user_id for test in tests)])
        typed = request.form if refusal and refusal.field != "cui" else _kept(row)
        title = _(SERVICE_LABELS[row.service])
        page = self.page(
            "services/form.html", title, (title, None), typed=typed, refusal=refusal, answer=answer, tests=tests,
            users=users, limits=parameters.LIMITS, cui=request.form.get("cui", ""), **shown, **_labels(),
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _labels() -> dict[str, Any]:
    return {
        "services": SERVICE_LABELS, "outcomes": OUTCOME_LABELS, "modes": WHEN_DOWN, "grades": GRADE_LABELS,
        "cap": 10_000,
    }  # fmt: skip


def _kept(row: ServiceParameters) -> Mapping[str, Any]:
    """What the form shows of the parameters: all but the secret."""
    names = ("url", "client_id", "when_down", *parameters.LIMITS, "version")
    return {name: getattr(row, name) for name in names} | ({"enabled": "y"} if row.enabled else {})


def _values() -> dict[str, Any]:
    """The form as `parameters.change` takes it; what is no number is refused there, by name."""
    numbers = {name: number_of(request.form.get(name, "").strip()) for name in parameters.LIMITS}
    texts = {name: request.form.get(name, "").strip() for name in TEXTS}
    return {**texts, **numbers, "enabled": "enabled" in request.form}


VIEWS = (ServiceView,)
