"""Requests made at random from the interface's own description: never a fault, and always an answer it describes."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from models.cases import State
from tests.build import make_case
from views import openapi

KEPT = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
)  # fmt: skip
TRIES = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)  # fmt: skip


OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in openapi.operations()}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_interface_answers_whatever_is_sent_as_it_says(
    app: Flask, db: Session, token: Callable[[str], dict[str, str]], operation: str
) -> None:
    described = schemathesis.openapi.from_dict(openapi.document("0"))
    described.app = app
    method, path = operation.split(" ", 1)
    headers = {} if path == openapi.LOGIN else token("admadm")
    number = make_case(db, State.ENROLADA).number
    db.commit()

    @TRIES
    @given(case=described[path][method].as_strategy(), real=booleans())
    def answers(case: Any, real: bool) -> None:
        if real and "number" in case.path_parameters:
            case.path_parameters["number"] = number
        case.call_and_validate(headers=headers, checks=KEPT)

    answers()
