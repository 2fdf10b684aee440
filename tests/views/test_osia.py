"""OSIA's nine operations answer as its description says, and hostile bodies leave nothing behind."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.base import session as scoped
from models.cases import CaseEvent, PassportCase, Picture
from models.enrolments import Enrollment, EnrollmentBuffer
from models.users import AccessLog, User
from tests.enrolment_bodies import base64_of, enrolment, jpeg, png, raw
from workflow import registry

ROOT = "/osia/enrollment/v1/enrollments"
Call = Callable[..., TestResponse]
OPERATIONS = [
    ("POST", "/e1"), ("GET", "/e1"), ("PUT", "/e1"), ("PATCH", "/e1"), ("DELETE", "/e1"), ("PUT", "/e1/finalize"),
    ("POST", ""), ("POST", "/e1/buffer"), ("GET", "/e1/buffer/b"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_registry() -> Iterator[None]:
    registry.configure("off")
    yield
    registry.configure("off")


@pytest.fixture
def call(app: Flask, db: Session, token: Callable[[str], dict[str, str]]) -> Call:
    """One request of the station `estacion`, or of who `as_` says."""

    def send(method: str, path: str = "", body: Any = None, *, as_: str | None = "estacion", transaction: str = "t1",
             query: str = "", **options: Any) -> TestResponse:  # fmt: skip
        headers = {**(token(as_) if as_ else {}), **options.pop("headers", {})}
        scoped.commit()  # making the token reads the account in a session of its own
        db.commit()
        data = body if isinstance(body, bytes | None) else raw(body)
        address = f"{ROOT}{path}?{f'transactionId={transaction}' if transaction else ''}{query}"
        options.setdefault("content_type", "application/json")
        return app.test_client().open(address, method=method, data=data, headers=headers, **options)

    return send


def counts(db: Session) -> list[int]:
    tables = (Enrollment, EnrollmentBuffer, PassportCase, CaseEvent, Picture)
    return [db.scalars(select(func.count()).select_from(table.__table__)).one() for table in tables]


def is_error(answer: TestResponse, status: int, *words: str) -> bool:
    """Whether the answer has that status and OSIA's Error body, whose message has the words."""
    body = answer.get_json()
    return (
        answer.status_code == status
        and set(body) == {"code", "message"}
        and body["code"] == status
        and all(word in body["message"] for word in words)
    )


# The nine operations


def test_the_life_of_an_enrolment(call: Call) -> None:
    body = enrolment()
    assert call("POST", "/e1", {}).status_code == 204
    assert call("GET", "/e1").get_json() == {"enrollmentId": "e1", "status": "IN_PROGRESS"}
    assert call("PUT", "/e1", body).status_code == 204
    assert call("PATCH", "/e1", {"biographicData": {"heightCm": 150}}).status_code == 204
    finalized = call("PUT", "/e1/finalize")
    assert (finalized.status_code, finalized.data) == (204, b"")
    assert call("PUT", "/e1/finalize").status_code == 204
    shown = call("GET", "/e1").get_json()
    assert (shown["status"], shown["biographicData"]["heightCm"]) == ("FINALIZED", 150)
    assert shown["biometricData"] == body["biometricData"]
    assert is_error(call("PUT", "/e1", body), 403)
    assert is_error(call("PATCH", "/e1", {}), 403)
    assert is_error(call("DELETE", "/e1"), 403)
    assert is_error(call("POST", "/e1", body), 409)
    assert is_error(call("POST", "/e1", body, query="&finalize=true"), 409)


def test_create_and_finalize_in_one_request(call: Call, db: Session) -> None:
    assert call("POST", "/e1", enrolment(), query="&finalize=true").status_code == 204
    assert db.scalars(select(func.count()).select_from(PassportCase.__table__)).one() == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_may_finalize(call: Call, method: str) -> None:
    call("POST", "/e1", {})
    assert call(method, "/e1", enrolment(), query="&finalize=true").status_code == 204
    assert call("GET", "/e1").get_json()["status"] == "FINALIZED"


def test_a_draft_can_be_deleted(call: Call) -> None:
    call("POST", "/e1", enrolment())
    assert call("DELETE", "/e1").status_code == 204
    assert is_error(call("GET", "/e1"), 404, "e1")


def test_nothing_is_known_of_an_unknown_enrolment(call: Call) -> None:
    for method, path in [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("PUT", "/finalize"),
                         ("POST", "/buffer"), ("GET", "/buffer/x")]:  # fmt: skip
        assert is_error(call(method, f"/unknown{path}", {} if method != "GET" else None), 404)


def test_a_buffer_comes_back_as_it_was_sent(call: Call) -> None:
    call("POST", "/e1", {})
    digest = base64.b64encode(hashlib.sha1(png()).digest()).decode()
    made = call("POST", "/e1/buffer", png(), content_type="image/png", headers={"Digest": f"SHA={digest}"})
    assert made.status_code == 201
    assert set(made.get_json()) == {"bufferId"}
    read = call("GET", f"/e1/buffer/{made.get_json()['bufferId']}")
    assert (read.status_code, read.content_type, read.data) == (200, "image/png", png())
    assert f"SHA={digest}" in read.headers["Digest"]
    for other in ("another", "a%00b", "x" * 300, "0" * 64):
        assert is_error(call("GET", f"/e1/buffer/{other}"), 404)


@pytest.mark.parametrize("digest", ["SHA=thvDyvhfIqlvFe+A9MYgxAfm1q5=", "SHA-256=AAAA", "nonsense", "SHA-512=é"])
def test_a_buffer_with_another_digest_is_refused(call: Call, db: Session, digest: str) -> None:
    call("POST", "/e1", {})
    answer = call("POST", "/e1/buffer", png(), content_type="image/png", headers={"Digest": digest})
    assert is_error(answer, 400, "Digest")
    assert counts(db)[1] == 0


@pytest.mark.parametrize("media_type", ["text/html", "", "image/", "multipart/form-data; boundary=x"])
def test_only_images_and_application_data_are_buffers(call: Call, media_type: str) -> None:
    call("POST", "/e1", {})
    assert is_error(call("POST", "/e1/buffer", png(), content_type=media_type), 400, "Content-Type")


def test_chosen_attributes_are_read_alone(call: Call) -> None:
    call("POST", "/e1", enrolment())
    wanted = "&attributes=firstName&attributes=requestData.paymentSlip.number,surname"
    shown = call("GET", "/e1", query=wanted).get_json()
    assert shown == {
        "enrollmentId": "e1", "status": "IN_PROGRESS", "biographicData": {"firstName": "Nola"},
        "requestData": {"paymentSlip": {"number": "60000001"}},
    }  # fmt: skip


# Who may


def test_without_a_token_nothing_is_done(call: Call) -> None:
    for method, path in OPERATIONS:
        answer = call(method, path, {} if method != "GET" else None, as_=None)
        assert is_error(answer, 401)
    assert is_error(call("GET", "/e1", as_=None, headers={"Authorization": "Bearer x.y.z"}), 401)


def test_an_account_without_the_scope_is_refused(call: Call) -> None:
    for method, path in OPERATIONS:
        assert is_error(call(method, path, {} if method != "GET" else None, as_="supervisor"), 403)


def test_a_station_acts_for_its_own_sites_only(call: Call, db: Session) -> None:
    call("POST", "/e1", enrolment())
    call("POST", "/e2", enrolment(contextualData__site="GU9"))
    user = db.scalars(select(User).where(User.username == "estacion")).one()
    user.sites = [site for site in user.sites if site.code == "GU9"]
    assert is_error(call("GET", "/e1"), 403, "GUA")
    assert is_error(call("PUT", "/e1/finalize"), 403, "GUA")
    assert is_error(call("POST", "/e3", enrolment()), 403, "GUA")
    assert is_error(call("PATCH", "/e2", {"contextualData": {"site": "GUA"}}), 403, "GUA")
    assert [one["enrollmentId"] for one in call("POST", "", []).get_json()] == ["e2"]


def test_looks_are_logged(call: Call, db: Session) -> None:
    call("POST", "/e1", enrolment(), query="&finalize=true")
    call("GET", "/e1")
    call("POST", "", [])
    looks = db.scalars(select(AccessLog).order_by(AccessLog.id)).all()
    assert [look.detail for look in looks] == [{"enrollment": "e1"}, {"found": ["e1"], "count": 1}]
    assert looks[0].case_number


# Parameters


@pytest.mark.parametrize("transaction", ["", "%20", "x" * 201, "a%00b"])
def test_the_transaction_is_mandatory(call: Call, transaction: str) -> None:
    call("POST", "/e1", {})
    for method, path in OPERATIONS:
        answer = call(method, path, {} if method != "GET" else None, transaction=transaction)
        assert is_error(answer, 400, "transactionId")


@pytest.mark.parametrize("query", "offset=-1 offset=x offset=99999999 limit=0 limit=1001 limit=1.5 limit=".split())
def test_paging_has_bounds(call: Call, query: str) -> None:
    assert is_error(call("POST", "", [], query=f"&{query}"), 400, query.partition("=")[0])


def test_finalize_is_true_or_false(call: Call) -> None:
    assert is_error(call("POST", "/e1", {}, query="&finalize=perhaps"), 400, "finalize")


@pytest.mark.parametrize("name", ["a b", "x" * 65, "é", "a%00b", "%2e%2e%20"])
def test_an_identifier_has_its_form(call: Call, name: str) -> None:
    assert is_error(call("POST", f"/{name}", {}), 400, "$.enrollmentId")


# Finding


def people(call: Call) -> None:
    for serial, name, height in [(60000001, "Ana", 150), (60000021, "Élmer", 160), (60000041, "Zoé", 170)]:
        body = enrolment(serial, biographicData__firstName=name, biographicData__heightCm=height)
        assert call("POST", f"/p-{name[0]}".replace("É", "E"), body).status_code == 204


@pytest.mark.parametrize(
    ("expressions", "found"),
    [
        ([("firstName", "=", "Élmer")], ["p-E"]),
        ([("biographicData.firstName", "=", "E\u0301lmer")], ["p-E"]),
        ([("$.biographicData.firstName", "!=", "Ana")], ["p-E", "p-Z"]),
        ([("heightCm", ">", 150)], ["p-E", "p-Z"]),
        ([("heightCm", ">=", 150), ("heightCm", "<", 170)], ["p-A", "p-E"]),
        ([("heightCm", "=", 150.0)], ["p-A"]),
        ([("heightCm", "<", "200")], []),
        ([("requestData.requirements.0.presented", "=", True)], ["p-A", "p-E", "p-Z"]),
        ([("dateOfBirth", "<", "1990-12-31")], ["p-A", "p-E", "p-Z"]),
        ([("status", "=", "FINALIZED")], []),
        ([("enrollmentId", "=", "p-Z")], ["p-Z"]),
        ([("paymentSlip.number", "=", "60000041")], ["p-Z"]),
        ([("firstName", "=", "' or 1=1 --")], []),
        ([], ["p-A", "p-E", "p-Z"]),
    ],
)
def test_enrolments_are_found_by_expressions(call: Call, expressions: list[Any], found: list[str]) -> None:
    people(call)
    sent = [dict(zip(("attributeName", "operator", "value"), one, strict=True)) for one in expressions]
    answer = call("POST", "", sent)
    assert answer.status_code == 200
    assert [one["enrollmentId"] for one in answer.get_json()] == found


def test_what_is_found_comes_in_pages_with_the_addresses_of_its_pictures(call: Call, app: Flask) -> None:
    people(call)
    [second] = call("POST", "", [], query="&offset=1&limit=1").get_json()
    assert second["enrollmentId"] == "p-E"
    portrait = second["biometricData"][0]
    assert "image" not in portrait
    path = portrait["imageRef"].partition(ROOT)[2]
    read = call("GET", path)
    assert (read.content_type, read.data) == ("image/jpeg", jpeg())


BAD_EXPRESSIONS: list[Any] = [
    {}, "x", [1], [{}], [{"attributeName": "firstName", "operator": "="}],
    [{"attributeName": "firstName", "operator": "=", "value": "x", "more": 1}],
    [{"attributeName": "firstName", "operator": "like", "value": "x"}],
    [{"attributeName": "firstName", "operator": ["="], "value": "x"}],
    [{"attributeName": "firstName", "operator": "=", "value": None}],
    [{"attributeName": "firstName", "operator": "=", "value": {"a": 1}}],
    [{"attributeName": "firstName", "operator": "<", "value": True}],
    [{"attributeName": "firstName') or true --", "operator": "=", "value": "x"}],
    [{"attributeName": "a.b.c.d.e.f.g.h.i", "operator": "=", "value": "x"}],
    [{"attributeName": "nickname", "operator": "=", "value": "x"}],
    [{"attributeName": 7, "operator": "=", "value": "x"}],
    [{"attributeName": "firstName", "operator": "=", "value": "\u0000"}],
    [{"attributeName": "heightCm", "operator": "=", "value": 1e300}],
    [{"attributeName": "firstName", "operator": "=", "value": "x"}] * 21,
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_EXPRESSIONS, ids=range(len(BAD_EXPRESSIONS)))
def test_bad_expressions_are_refused(call: Call, body: Any) -> None:
    assert is_error(call("POST", "", raw(body)), 400, "$")


# Hostile bodies

PORTRAIT = enrolment()["biometricData"][0]
WSQ = {
    "biometricType": "FINGER", "biometricSubType": "RIGHT_INDEX", "width": 320, "height": 400,
    "mimeType": "image/wsq", "compression": "WSQ", "resolution": 500,
    "image": base64_of(b"\xff\xa0\xff\xa2" + bytes(600) + b"\xff\xa1"),
}  # fmt: skip


def _with_image(data: bytes, **more: Any) -> bytes:
    return raw(enrolment(biometricData__0=PORTRAIT | {"image": base64_of(data)} | more))


def _png_header(width: int, height: int) -> bytes:
    return png()[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png()[24:]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "$"),
    "no json": (b"<enrollment/>", "$"),
    "cut off": (raw(enrolment())[:-2], "$"),
    "latin-1": ('{"enrollmentType": "é"}'.encode("latin-1"), "$"),
    "utf-16": ("{}".encode("utf-16"), "$"),
    "not a number": (b'{"enrollmentFlags": {"a": NaN}}', "$"),
    "a list": (b"[]", "$"),
    "null": (b"null", "$"),
    "deep": (b'{"enrollmentFlags":{"a":' + b"[" * 3000 + b"]" * 3000 + b"}}", "$"),
    "wide": (raw({"enrollmentFlags": {"a": list(range(6000))}}), "$"),
    "a nul": (b'{"enrollmentFlags": {"a": "\\u0000"}}', "$.enrollmentFlags.a"),
    "half a surrogate": (b'{"enrollmentFlags": {"a": "\\ud800"}}', "$.enrollmentFlags.a"),
    "a huge number": (b'{"enrollmentFlags": {"a": 1e400}}', "$.enrollmentFlags.a"),
    "an unknown member": (raw(enrolment(nickname="x")), "$.nickname"),
    "a wrong type": (raw(enrolment(biographicData__heightCm="tall")), "$.biographicData.heightCm"),
    "markup as a name": (raw(enrolment(biographicData__firstName="<script>")), "$.biographicData.firstName"),
    "a code of no catalog": (raw(enrolment(biographicData__maritalStatus="ZZZ")), "$.biographicData.maritalStatus"),
    "a site of no catalog": (raw(enrolment(contextualData__site="ZZZ")), "$.contextualData.site"),
    "an impossible day": (raw(enrolment(biographicData__dateOfBirth="1990-02-30")), "$.biographicData.dateOfBirth"),
    "an absurd year": (raw(enrolment(contextualData__enrollmentDate="0001-01-01T00:00:00+14:00")),
                       "$.contextualData.enrollmentDate"),
    "a cyrillic name": (raw(enrolment(biographicData__firstName="Анна")), "$.biographicData.firstName"),
    "encryption": (raw(enrolment(encryption={"type": "JWE", "scope": "$"})), "$.encryption"),
    "a template": (raw(enrolment(biometricData__0__template="AAAA")), "$.biometricData[0].template"),
    "no base64": (raw(enrolment(biometricData__0__image="@@@@")), "$.biometricData[0].image"),
    "a picture cut off": (_with_image(jpeg()[:-200]), "$.biometricData[0].image"),
    "a picture of another type": (_with_image(png()), "$.biometricData[0].image"),
    "another size than claimed": (_with_image(jpeg(), width=414), "$.biometricData[0].image"),
    "a picture that is a page": (_with_image(b"<html>" + bytes(500)), "$.biometricData[0].image"),
    "an enormous png": (raw(enrolment(biometricData__2__image=base64_of(_png_header(60000, 60000)))),
                        "$.biometricData[2].image"),
    "nonsense as wsq": (raw(enrolment(biometricData__2=WSQ)), "$.biometricData[2].image"),
    "the hash of a picture": (raw(enrolment(biometricData__0__image="sha256:" + "0" * 64)), "$.biometricData[0].image"),
    "a buffer of nobody": (raw(enrolment(biometricData__1={"biometricType": "SIGNATURE", "mimeType": "image/png",
                                                           "imageRef": "../../../etc/passwd"})),
                           "$.biometricData[1].imageRef"),
}  # fmt: skip


@pytest.mark.parametrize("finalize", ["true", "false"])
@pytest.mark.parametrize(("body", "path"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_refused_and_nothing_is_kept(
    call: Call, db: Session, body: bytes, path: str, finalize: str
) -> None:
    before = counts(db)
    answer = call("POST", "/e1", body, query=f"&finalize={finalize}")
    assert is_error(answer, 400, f"{path}: "), answer.data[:300]
    assert counts(db) == before


def test_a_missing_member_matters_only_when_finalized(call: Call, db: Session) -> None:
    body = enrolment()
    del body["biographicData"]["cui"]
    assert is_error(call("POST", "/e1", body, query="&finalize=true"), 400, "$.biographicData.cui: ")
    assert counts(db)[0] == 0
    assert call("POST", "/e1", body).status_code == 204
    assert is_error(call("PUT", "/e1/finalize"), 400, "$.biographicData.cui: ")
    assert call("GET", "/e1").get_json()["status"] == "IN_PROGRESS"


def test_a_body_over_the_limit_is_refused(call: Call, db: Session) -> None:
    answer = call("POST", "/e1", b'{"enrollmentFlags": {"a": "' + b"x" * (4 << 20) + b'"}}')
    assert is_error(answer, 413)
    assert counts(db)[0] == 0


def test_a_value_that_no_column_holds_is_refused(call: Call, db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflow import reception

    monkeypatch.setattr(reception, "next_case_number", lambda *_parts: "GUA" + "0" * 10)
    assert is_error(call("POST", "/e1", enrolment(), query="&finalize=true"), 400, "$: ")
    assert counts(db)[0] == 0


def test_no_refusal_repeats_what_was_sent(call: Call) -> None:
    answer = call("POST", "/e1", enrolment(biographicData__firstName="Secreta7"))
    assert is_error(answer, 400)
    assert "Secreta7" not in answer.text


def test_a_station_logs_in_and_enrols(app: Flask, db: Session) -> None:
    db.commit()
    client: FlaskClient = app.test_client()
    login = {"username": "estacion", "password": "secreto-estacion", "provider": "db"}
    token = client.post("/api/v1/security/login", json=login).get_json()["access_token"]
    answer = client.post(
        f"{ROOT}/e1?transactionId=1&finalize=true", data=json.dumps(enrolment()),
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert answer.status_code == 204
