"""Requests made at random from OSIA's own description of the enrolment interface: never a fault, errors as it says.

The description lies beside the project, as the samples do; the product itself does not read it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from sqlalchemy.orm import Session

OPERATIONS = (
    "POST /v1/enrollments/{enrollmentId}", "GET /v1/enrollments/{enrollmentId}", "PUT /v1/enrollments/{enrollmentId}",
    "PATCH /v1/enrollments/{enrollmentId}", "DELETE /v1/enrollments/{enrollmentId}",
    "PUT /v1/enrollments/{enrollmentId}/finalize", "POST /v1/enrollments",
    "POST /v1/enrollments/{enrollmentId}/buffer", "GET /v1/enrollments/{enrollmentId}/buffer/{bufferId}",
)  # fmt: skip
TRIES = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    text = (Path(__file__).parent.parent.parent / "shared" / "osia" / "enrollment.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    document["servers"] = [{"url": "/osia/enrollment"}]
    return document


def test_every_operation_of_the_standard_is_tried(described: dict[str, Any]) -> None:
    verbs = ("get", "put", "post", "delete", "patch")
    there = {f"{verb.upper()} {path}" for path, item in described["paths"].items() for verb in item if verb in verbs}
    assert there == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_enrolment_interface_answers_whatever_is_sent(
    app: Flask, db: Session, token: Callable[[str], dict[str, str]], described: dict[str, Any], operation: str
) -> None:
    schema = schemathesis.openapi.from_dict(described)
    schema.app = app
    method, path = operation.split(" ", 1)
    headers = token("estacion")
    codes = {int(code) for code in described["paths"][path][method.lower()]["responses"] if code.isdigit()}

    @TRIES
    @given(case=schema[path][method].as_strategy())
    def answers(case: Any) -> None:
        answer = case.call_and_validate(headers=headers, checks=(not_a_server_error,))
        assert answer.status_code in codes, (answer.status_code, answer.text)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"code", "message"}

    answers()
