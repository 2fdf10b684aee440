"""The programming interface: cases and their transitions as JSON for bearer tokens, and the page that describes it."""

import datetime as dt
import json
from functools import partial, wraps
from importlib.metadata import version
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.api import BaseApi
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session

from models.base import AnyRow
from models.cases import FINDING_LABELS, Applicant, CaseEvent, PassportCase, State
from models.text import N_
from security.actor import Actor
from security.errors import BadValue
from security.permissions import Permission
from views import openapi
from views.access import View, api_needs, current_actor, needs, transaction
from views.frame import Page
from workflow import counters, enquiries, personalisation, quality
from workflow.controls import DECLARED
from workflow.json_body import parse_json
from workflow.machine import available, perform

REFUSALS = {control.name: control.refusal for control in DECLARED}
#: Columns of the case that are about the person; the rest is about the application.
PERSON = (
    "first_name second_name other_names first_surname second_surname married_surname cui birth_date sex_code "
    "identification_type_code identification_number"
).split()


class CaseApi(BaseApi):  # type: ignore[misc]
    """`/api/v1/cases`. Errors become application/problem+json in app.errors."""

    route_base = "/api/v1/cases"
    include_route_methods = {"find", "read", "page", "scan", "perform"}  # noqa: RUF012

    @expose("", methods=["GET"])
    @api_needs(Permission.READ_CASES)
    def find(self) -> ResponseReturnValue:
        """The case of an enrolment or number, without the person's data."""
        wanted = {name: request.args[name] for name in ("enrollment", "number") if request.args.get(name)}
        if not wanted:
            raise BadValue(N_("Say which case: enrollment or number."), field="enrollment")
        with transaction() as session:
            case = enquiries.find_case(session, current_actor(), **wanted)
            return jsonify(cases=[summary(case)] if case else [])

    @expose("/<number>", methods=["GET"])
    @api_needs(Permission.READ_CASES)
    def read(self, number: str) -> ResponseReturnValue:
        """Everything about a case; the look is logged."""
        with transaction() as session:
            case = enquiries.case_by_number(session, number, current_actor(), "api")
            return jsonify(whole(session, case, current_actor()))

    @expose("/<number>/page.pdf", methods=["GET"])
    @api_needs(Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE, Permission.RESUME_PRINTS)
    def page(self, number: str) -> ResponseReturnValue:
        """The data page of a case in printing."""
        with transaction() as session:
            return Response(personalisation.page_to_print(session, number, current_actor()), mimetype="application/pdf")

    @expose("/<number>/scans", methods=["POST"])
    @api_needs(Permission.CHECK_QUALITY)
    def scan(self, number: str) -> ResponseReturnValue:
        """One reading at quality control, and its verdict."""
        raw = body().get("raw")
        if not isinstance(raw, str) or not raw:
            raise BadValue(N_("This is missing."), field="raw")
        with transaction() as session:
            found = quality.scan_case(session, number, raw, current_actor())
            return jsonify(kind=found.kind, passed=found.passed, verdict=found.verdict, at=utc(found.at))

    @expose("/<number>/<transition>", methods=["POST"])
    @api_needs()
    def perform(self, number: str, transition: str) -> ResponseReturnValue:
        """Any transition of the machine; it asks for its own permission."""
        values = body()
        with transaction() as session:
            event = perform(session, transition, number, current_actor(), **values)
            return jsonify(outcome(number, event))


def body() -> dict[str, Any]:
    """The JSON object that was sent; none is an empty one. Raises `BadValue`."""
    raw = request.get_data()
    values = parse_json(raw) if raw.strip() else {}
    if not isinstance(values, dict):
        raise BadValue(N_("The body must be a JSON object."), field="$")
    return values


def utc(instant: dt.datetime | None) -> str | None:
    """`instant` in ISO 8601, in UTC."""
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if instant else None


def summary(case: PassportCase) -> dict[str, Any]:
    """A case without its person."""
    return {
        "number": case.number, "enrollment": case.enrollment_id, "state": case.state,
        "state_since": utc(case.state_since), "site": case.site_code, "print_site": case.print_site_code,
        "procedure": case.procedure_code, "passport_type": case.passport_type_code, "created_at": utc(case.created_at),
    }  # fmt: skip


def whole(session: Session, case: PassportCase, actor: Actor) -> dict[str, Any]:
    """A case with its person, its papers, its booklets and its log."""
    return {
        **summary(case), "mobile": case.mobile, "station": case.station, "operator": case.operator, "desk": case.desk,
        "validity_years": case.validity_years, "priority": case.priority, "enrolled_at": utc(case.enrolled_at),
        "payment_slip": case.payment_slip, "previous_booklet": case.previous_booklet, "booklet": case.booklet_number,
        "person": person(case),
        "findings": [
            {
                "code": found.code, "label": _(FINDING_LABELS[found.code]), "fields": found.fields,
                "detail": found.detail, "found_at": utc(found.found_at), "resolution": found.resolution,
                "resolved_at": utc(found.resolved_at),
            }
            for found in case.findings
        ],
        "requirements": [
            {"code": paper.requirement_code, "presented": paper.presented, "note": paper.note}
            for paper in case.requirements
        ],
        "booklets": [
            {
                "number": line.number, "state": line.state, "issued_on": line.issued_on.isoformat(),
                "expires_on": line.expires_on.isoformat(), "void_type": line.void_type,
            }
            for line in enquiries.booklets(session, case)
        ],
        "next_booklets": next_booklets(session, case, actor),
        "events": [logged(event) for event in enquiries.events(session, case)],
        "transitions": [move.name for move in available(case, actor)],
    }  # fmt: skip


def next_booklets(session: Session, case: PassportCase, actor: Actor) -> list[str]:
    """What `assign_booklet` may be given, for who may assign and while the case waits for it."""
    assigns = actor.by(Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE).sees(case.site_code, case.print_site_code)
    return counters.booklets_for(session, case, actor) if assigns and case.state == State.AUTORIZADA else []


def person(case: PassportCase) -> dict[str, Any]:
    """The applicant as captured."""
    columns = Applicant.__table__.columns.keys()
    captured = {name: getattr(case.applicant, name) for name in columns if name != "case_id"}
    return {name.removesuffix("_code"): value for name, value in
            ({name: getattr(case, name) for name in PERSON} | captured).items()}  # fmt: skip


def logged(event: CaseEvent | AnyRow) -> dict[str, Any]:
    """One line of the log."""
    return {
        "event": event.event, "transition": event.transition, "from": event.from_state, "to": event.to_state,
        "at": utc(event.at), "user": event.username, "site": event.site_code, "booklet": event.booklet_number,
        "reason": event.reason_code, "comment": event.comment,
    }  # fmt: skip


def outcome(number: str, event: CaseEvent) -> dict[str, Any]:
    """What a transition led to."""
    warnings = [_(REFUSALS[name]) for name in event.data.get("warnings", ())]
    return {
        "number": number, "state": event.to_state, "event": logged(event), "warnings": warnings,
        "new_case": event.data.get("new_case"),
    }  # fmt: skip


def readers(view: View) -> View:
    """The description may be read with a token or, in the browser, with the session."""
    token, cookie = api_needs(Permission.READ_API_DOCS)(view), needs(Permission.READ_API_DOCS)(view)

    @wraps(token)
    def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        return (cookie if current_user.is_authenticated else token)(*args, **kwargs)

    return wrapped


class ApiDocView(Page):
    """`/api/`: the interface for people, and `/api/v1/openapi.json` for programs."""

    route_base = "/api"
    screen = N_("Programming interface")

    @expose("/")
    @needs(Permission.READ_API_DOCS)
    def index(self) -> ResponseReturnValue:
        """Every operation with its permission, fields, answers and an example."""
        root = request.url_root.rstrip("/")
        return self.page(
            "api/index.html", _("Programming interface"), operations=openapi.operations(), problems=openapi.PROBLEMS,
            root=root, describe=openapi.schema_of, dumps=partial(json.dumps, ensure_ascii=False),
        )  # fmt: skip

    @expose("/v1/openapi.json")
    @readers
    def schema(self) -> ResponseReturnValue:
        """The OpenAPI document."""
        return jsonify(openapi.document(version("pasaportes")))


VIEWS = (CaseApi, ApiDocView)
