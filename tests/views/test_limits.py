"""Rate limits, security headers, and the token that every form carries, in an application as it is outside tests."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from limits.errors import StorageError
from sqlalchemy.orm import Session

from app import create_app, limits
from app.headers import FEATURES
from app.settings import Settings
from models.base import SessionLocal
from security.actor import load_actor
from tests.cookies import bearer, sit_down


@pytest.fixture
def strict(settings: Settings, database_url: str, db: Session) -> Flask:
    """Forms carry tokens; searches, files and calls are limited to few."""
    bound = dict(SessionLocal.kw)
    app = create_app(
        settings, database_url=database_url, TESTING=True, RATELIMIT_ENABLED=True, API_RATE="4 per minute",
        SEARCH_RATE="3 per minute", EXPORT_RATE="2 per hour", FAB_PASSWORD_HASH_METHOD="pbkdf2:sha256:1",
    )  # fmt: skip
    SessionLocal.kw.update(bound)
    return app


@pytest.fixture
def at_desk(strict: Flask, db: Session) -> Callable:
    def sit(username: str):
        actor = load_actor(db, username=username)
        assert actor is not None
        return sit_down(strict.test_client(), db, actor)

    return sit


def test_searches_are_limited_by_user_and_the_page_says_for_how_long(at_desk: Callable) -> None:
    client, other = at_desk("supervisor"), at_desk("supersu")
    paths = ["/enquiries/search/?q=Coc", "/enquiries/case/", "/booklets/F0000001", "/enquiries/search/?q=Yac"]
    statuses = [client.get(path).status_code for path in paths]
    assert statuses[3] == 429
    assert 429 not in statuses[:3]
    refused = client.get("/enquiries/search/")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert "Demasiadas solicitudes" in refused.text
    assert client.get("/").status_code == 200, "the rest of the work goes on"
    assert other.get(paths[0]).status_code == 200


def test_files_are_limited_apart_from_searches(at_desk: Callable) -> None:
    client = at_desk("jpgu")
    for _ in range(2):
        assert client.get("/reports/files/R999/file").status_code != 429
    refused = client.get("/reports/files/R999/file")
    assert refused.status_code == 429
    assert 60 < int(refused.headers["Retry-After"]) <= 3600
    assert client.get("/reports/files/R999/state").status_code != 429, "a page that waits for a file asks every second"
    assert client.get("/enquiries/search/").status_code == 200


def test_the_interfaces_are_limited_together_by_account(strict: Flask, db: Session) -> None:
    station, other = (load_actor(db, username=name) for name in ("estacion", "supervisor"))
    assert station
    assert other
    header, client = bearer(strict, db, station), strict.test_client()
    osia = "/osia/enrollment/v1/enrollments/none?transactionId=t"
    statuses = [client.get(path, headers=header).status_code for path in (osia, "/api/v1/cases?number=X") * 2]
    assert 429 not in statuses
    refused = client.get("/api/v1/cases?number=X", headers=header)
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert set(client.get(osia, headers=header).json) == {"code", "message"}, "the standard's own body"
    assert client.get("/api/v1/cases?number=X", headers=bearer(strict, db, station)).status_code == 429, "same account"
    assert client.get("/api/v1/cases?number=X", headers=bearer(strict, db, other)).status_code != 429


def test_a_forged_token_uses_up_nobodys_share_but_that_of_its_address(strict: Flask, db: Session) -> None:
    actor = load_actor(db, username="supervisor")
    assert actor is not None
    header, client = bearer(strict, db, actor), strict.test_client()
    forged = {"Authorization": header["Authorization"][:-4] + "AAAA"}
    statuses = [client.get("/api/v1/cases?number=X", headers=forged).status_code for _ in range(5)]
    assert statuses == [401] * 4 + [429]
    assert client.get("/api/v1/cases?number=X", headers=header).status_code not in (401, 429)


def test_when_the_storage_is_away_nothing_is_refused(
    strict: Flask, at_desk: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = at_desk("supervisor")

    def fail(*_args: object, **_options: object) -> bool:
        raise StorageError(ConnectionError("away"))

    monkeypatch.setattr(strict.appbuilder.sm.limiter.limiter, "hit", fail)
    assert [client.get("/enquiries/search/").status_code for _ in range(5)] == [200] * 5


def test_what_is_limited_is_there(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEARCHES", frozenset({"Nowhere.search"}))
    with pytest.raises(LookupError, match=r"Nowhere\.search"):
        limits.install(app)


# ---- headers


HEADERS = {
    "Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin", "X-Frame-Options": "SAMEORIGIN", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin", "X-Permitted-Cross-Domain-Policies": "none",
    "Permissions-Policy": "camera=()", "Cache-Control": "no-store",
}  # fmt: skip


@pytest.mark.parametrize("path", ["/login/", "/nowhere", "/api/v1/cases", "/osia/enrollment/v1/enrollments/x", "/"])
def test_every_answer_says_what_a_browser_must_not_do(app: Flask, db: Session, path: str) -> None:
    answer = app.test_client().get(path)
    for name, part in HEADERS.items():
        assert part in answer.headers[name], name
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    assert all(f"{feature}=()" in answer.headers["Permissions-Policy"] for feature in FEATURES)
    assert "X-Powered-By" not in answer.headers


def test_https_is_asked_for_again(app: Flask, db: Session) -> None:
    plain, safe = (app.test_client().get("/login/", base_url=f"{scheme}://localhost") for scheme in ("http", "https"))
    assert "Strict-Transport-Security" not in plain.headers
    assert "max-age=31536000" in safe.headers["Strict-Transport-Security"]


# ---- forms


def test_nothing_that_a_cookie_lets_in_is_posted_without_the_forms_token(strict: Flask, at_desk: Callable) -> None:
    client = at_desk("admadm")
    posted = 0
    for rule in strict.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.rule.startswith(("/api/v1/", "/osia/")):
            continue
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        path = re.sub(r"<[^>]+>", "X", path)
        answer = client.post(path)
        assert answer.status_code == 400, rule.rule
        assert "El formulario venció" in answer.text, rule.rule
        posted += 1
    assert posted > 60


def test_what_takes_no_forms_token_takes_no_cookie_either(strict: Flask, at_desk: Callable) -> None:
    """The interfaces are exempt from the forms' token; a cookie must open none of their writes."""
    client = at_desk("admadm")
    strict.config["API_RATE"] = "1000 per minute"
    for rule in strict.url_map.iter_rules():
        writes = (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        if not rule.rule.startswith(("/api/v1/", "/osia/")) or rule.endpoint == "SecurityApi.login":
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in writes:
            assert client.open(path, method=method).status_code in (400, 401), (method, rule.rule)


def test_a_form_sent_after_the_session_ended_leads_to_logging_in_and_back(strict: Flask, at_desk: Callable) -> None:
    client = at_desk("supervisor")
    client.delete_cookie("pasaportes")
    origin = {"Referer": "http://localhost/cases/GUA000000001/review?x=1"}
    answer = client.post("/cases/GUA000000001/authorise", headers=origin)
    assert answer.location == "/login/?next=/cases/GUA000000001/review?x%3D1"
    assert "volverá a aparecer" in client.get(answer.location).text
    assert client.post("/logout/", headers=origin).location.startswith("/login/"), "nothing is left to sign out of"
    elsewhere = client.post("/cases/GUA000000001/authorise", headers={"Referer": "http://evil.example/x"})
    assert elsewhere.location == "/login/?next=/"
