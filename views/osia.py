"""OSIA's Enrollment interface 1.3.0 for capture stations, under `/osia/enrollment`: nine operations, bearer tokens.

Status codes and bodies are those of the standard's own description; every error has its Error body, whose message
begins with the place of the fault.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.api import BaseApi
from flask_babel import gettext as _

from models.base import session as database
from models.text import N_
from security.errors import DomainError
from security.permissions import Permission
from views.access import api_needs, current_actor, transaction
from workflow import enrolment_search, intake
from workflow.enrolment_form import MISSING, BadEnrolment
from workflow.outside import consulting
from workflow.outside.consulting import Consulted
from workflow.outside.enrolments import person_to_ask

DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_OFFSET = 100, 1000, 10_000_000
NOT_A_FLAG = N_("This must be true or false.")
NOT_A_NUMBER = N_("This must be a whole number from %(low)s to %(high)s.")
BAD_TRANSACTION = N_("This is longer than 200 characters, or has a control character.")
ONE = "/enrollments/<enrollment_id>"


class EnrollmentApi(BaseApi):  # type: ignore[misc]
    """`/osia/enrollment/v1`."""

    route_base = "/osia/enrollment/v1"
    include_route_methods = {  # noqa: RUF012
        "create", "read", "update", "patch", "remove", "finalize", "find", "create_buffer", "read_buffer",
    }  # fmt: skip

    def create_blueprint(self, *args: Any, **options: Any) -> Blueprint:
        """FAB's blueprint, whose refusals name the place of the fault."""
        blueprint: Blueprint = super().create_blueprint(*args, **options)
        blueprint.register_error_handler(DomainError, refused)
        return blueprint

    @expose(ONE, methods=["POST"])
    @api_needs(Permission.ENROLL_WRITE)
    def create(self, enrollment_id: str) -> ResponseReturnValue:
        """createEnrollment."""
        return write(intake.create, enrollment_id)

    @expose(ONE, methods=["GET"])
    @api_needs(Permission.ENROLL_READ)
    def read(self, enrollment_id: str) -> ResponseReturnValue:
        """readEnrollment."""
        transaction_id()
        names = [name for value in request.args.getlist("attributes") for name in value.split(",") if name]
        with transaction() as session:
            shown = intake.read(session, current_actor(), enrollment_id)
        return jsonify(enrolment_search.choose(shown, names) if names else shown)

    @expose(ONE, methods=["PUT"])
    @api_needs(Permission.ENROLL_WRITE)
    def update(self, enrollment_id: str) -> ResponseReturnValue:
        """updateEnrollment."""
        return write(intake.update, enrollment_id)

    @expose(ONE, methods=["PATCH"])
    @api_needs(Permission.ENROLL_WRITE)
    def patch(self, enrollment_id: str) -> ResponseReturnValue:
        """partialUpdateEnrollment."""
        return write(intake.patch, enrollment_id)

    @expose(ONE, methods=["DELETE"])
    @api_needs(Permission.ENROLL_WRITE)
    def remove(self, enrollment_id: str) -> ResponseReturnValue:
        """deleteEnrollment."""
        transaction_id()
        with transaction() as session:
            intake.remove(session, current_actor(), enrollment_id)
        return "", 204

    @expose(f"{ONE}/finalize", methods=["PUT"])
    @api_needs(Permission.ENROLL_WRITE)
    def finalize(self, enrollment_id: str) -> ResponseReturnValue:
        """finalizeEnrollment."""
        transaction_of, consulted = transaction_id(), consult(enrollment_id, None, "finalize")
        with transaction() as session:
            intake.finalize(session, current_actor(), enrollment_id, transaction=transaction_of, consulted=consulted)
        return "", 204

    @expose("/enrollments", methods=["POST"])
    @api_needs(Permission.ENROLL_READ)
    def find(self) -> ResponseReturnValue:
        """findEnrollments."""
        transaction_id()
        offset, limit = number("offset", 0, 0, LARGEST_OFFSET), number("limit", DEFAULT_LIMIT, 1, LARGEST_LIMIT)
        raw, root = request.get_data(), request.base_url
        with transaction() as session:
            found = enrolment_search.find(session, current_actor(), raw, offset=offset, limit=limit, root=root)
        return jsonify(found)

    @expose(f"{ONE}/buffer", methods=["POST"])
    @api_needs(Permission.ENROLL_BUFFER_WRITE)
    def create_buffer(self, enrollment_id: str) -> ResponseReturnValue:
        """createBuffer."""
        transaction_id()
        data, media_type, digest = request.get_data(), request.content_type, request.headers.get("Digest")
        with transaction() as session:
            buffer_id = intake.create_buffer(session, current_actor(), enrollment_id, data, media_type, digest)
        return jsonify(bufferId=buffer_id), 201

    @expose(f"{ONE}/buffer/<buffer_id>", methods=["GET"])
    @api_needs(Permission.ENROLL_BUFFER_READ)
    def read_buffer(self, enrollment_id: str, buffer_id: str) -> ResponseReturnValue:
        """readBuffer."""
        transaction_id()
        with transaction() as session:
            data, media_type = intake.read_buffer(session, current_actor(), enrollment_id, buffer_id)
        return Response(data, content_type=media_type, headers={"Digest": intake.digest_of(data)})


def write(operation: Callable[..., object], enrollment_id: str) -> ResponseReturnValue:
    """Create, update or patch with the body that was sent, and finalize if asked for."""
    given, finalize, raw = transaction_id(), flag("finalize"), request.get_data()
    consulted = consult(enrollment_id, raw, operation.__name__) if finalize else None
    with transaction() as session:
        operation(
            session, current_actor(), enrollment_id, raw, finalize=finalize, transaction=given, consulted=consulted
        )
    return "", 204


def consult(enrollment_id: str, raw: bytes | None, how: str) -> Consulted | None:
    """What the outside services say of the person, asked between two transactions; None when nobody need be asked."""
    with transaction() as session:
        person = person_to_ask(session, current_actor(), enrollment_id, raw, how=how)
    return consulting.consult(person) if person else None


def refused(error: DomainError) -> ResponseReturnValue:
    """OSIA's Error body: the place of the fault, if there is one, and what it is."""
    database.rollback()
    message = _(error.message_id, **error.params)
    answer = jsonify(code=error.status, message=f"{error.field}: {message}" if error.field else message)
    return answer, error.status


def transaction_id() -> str:
    """The station's own number of this exchange, which the standard makes mandatory."""
    given = request.args.get("transactionId", "").strip()
    if not given:
        raise BadEnrolment("transactionId", MISSING)
    if len(given) > 200 or re.search(r"[\x00-\x1f\x7f]", given):
        raise BadEnrolment("transactionId", BAD_TRANSACTION)
    return given


def flag(name: str) -> bool:
    """A query parameter that is true or false; false when it is not there."""
    given = request.args.get(name, "false")
    if given not in ("true", "false"):
        raise BadEnrolment(name, NOT_A_FLAG)
    return given == "true"


def number(name: str, default: int, low: int, high: int) -> int:
    """A query parameter that is a whole number from `low` to `high`."""
    given = request.args.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", given) or not low <= int(given) <= high:
        raise BadEnrolment(name, NOT_A_NUMBER, low=low, high=high)
    return int(given)


VIEWS = (EnrollmentApi,)
