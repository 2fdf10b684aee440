"""Parámetros WS: the parameters go in, the secret never comes out, and a test shows what happened."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import registry_simulator
from models.base import utc_now
from models.cases import CaseFinding, State
from models.enrolments import RegistryPerson
from models.services import Service, ServiceCall, ServiceHealth, ServiceParameters, ServiceWait
from models.users import AccessLog
from security import sealed
from security.actor import system_actor
from tests.build import make_case
from tests.enrolment_bodies import cui

Login = Callable[[str], FlaskClient]
PAGE = "/services/CIVIL_REGISTRY"
SECRET = "clave-muy-secreta-del-registro"
FORM = {
    "version": "1", "url": "https://renap.example/v1", "client_id": "igm", "secret": SECRET, "timeout_seconds": "3",
    "retries": "1", "breaker_failures": "5", "breaker_seconds": "30", "when_down": "WAIT", "enabled": "y",
}  # fmt: skip
PERSON = cui(60_300_001)


def row(db: Session) -> ServiceParameters:
    return db.get_one(ServiceParameters, Service.CIVIL_REGISTRY, populate_existing=True)


@pytest.fixture
def saved(db: Session, login: Login) -> FlaskClient:
    """An administrator's client, who has saved FORM."""
    client = login("admadm")
    assert client.post(PAGE, data=FORM).status_code == 303
    return client


@pytest.mark.parametrize("username", ["jpgu", "supersu", "supervisor"])
def test_only_administrators_come_here(login: Login, username: str) -> None:
    client = login(username)
    assert [client.get(path).status_code for path in ("/services/", PAGE)] == [403, 403]
    assert client.post(PAGE, data=FORM).status_code == 403
    assert client.post(f"{PAGE}/test", data={"cui": PERSON}).status_code == 403


def test_the_secret_is_kept_sealed_and_never_shown(db: Session, saved: FlaskClient) -> None:
    kept = row(db)
    assert (kept.url, kept.client_id, kept.enabled, kept.version) == ("https://renap.example/v1", "igm", True, 2)
    assert kept.sealed_secret
    assert SECRET not in kept.sealed_secret
    assert sealed.unseal(kept.sealed_secret) == SECRET
    for path in ("/services/", PAGE):
        page = saved.get(path).text
        assert SECRET not in page
        assert kept.sealed_secret not in page
    assert "Hay una clave secreta guardada" in saved.get(PAGE).text


def test_a_refused_form_comes_back_filled_in_but_for_the_secret(db: Session, saved: FlaskClient) -> None:
    answer = saved.post(
        PAGE, data=FORM | {"version": "2", "secret": "otra-clave-escrita", "retries": "9", "client_id": "nuevo"}
    )
    assert answer.status_code == 400
    assert 'value="nuevo"' in answer.text
    assert "otra-clave-escrita" not in answer.text
    assert "Un número de 0 a 3." in answer.text
    assert row(db).version == 2


def test_an_empty_secret_keeps_the_one_there_is(db: Session, saved: FlaskClient) -> None:
    assert saved.post(PAGE, data=FORM | {"version": "2", "secret": "", "retries": "0"}).status_code == 303
    kept = row(db)
    assert kept.sealed_secret
    assert (sealed.unseal(kept.sealed_secret), kept.retries) == (SECRET, 0)


@pytest.mark.parametrize("url", ["https://other.example/v1", "https://renap.example:444/v1"])
def test_the_kept_secret_never_goes_to_another_host(db: Session, saved: FlaskClient, url: str) -> None:
    answer = saved.post(PAGE, data=FORM | {"version": "2", "secret": "", "url": url})
    assert answer.status_code == 400
    assert "escriba de nuevo la clave secreta" in answer.text
    assert saved.post(PAGE, data=FORM | {"version": "2", "url": ""}).status_code == 400
    assert row(db).url == "https://renap.example/v1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://renap.example/", "renap.example", "https://", "http://renap.example/v1", "https://u:p@renap.example/",
        "https://renap.example/?clave=1", "https://renap.example/#x", "https://renap.example/a b", "file:///etc/passwd",
        "https://renap.example:x/", "https://[::1/", f"https://renap.example/{'a' * 300}",
    ],
)  # fmt: skip
def test_only_a_plain_address_over_tls_is_taken(db: Session, login: Login, url: str) -> None:
    assert login("admadm").post(PAGE, data=FORM | {"url": url}).status_code == 400
    assert row(db).url is None


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout_seconds": "15"}, {"timeout_seconds": "0"}, {"timeout_seconds": "x"}, {"breaker_seconds": ""},
        {"when_down": "NEVER"}, {"url": ""}, {"secret": ""}, {"secret": "clave con ñ"},
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(db: Session, login: Login, changes: dict[str, str]) -> None:
    assert login("admadm").post(PAGE, data=FORM | changes).status_code == 400
    assert row(db).version == 1


def test_of_two_who_change_the_second_is_told_who_was_first(db: Session, saved: FlaskClient, login: Login) -> None:
    answer = saved.post(PAGE, data=FORM | {"client_id": "tarde"})
    assert answer.status_code == 409
    assert "admadm cambió estos parámetros" in answer.text
    assert row(db).client_id == "igm"


def test_an_unknown_service_is_not_there(login: Login) -> None:
    client = login("admadm")
    assert client.get("/services/NADIE").status_code == 404
    assert client.post("/services/NADIE", data=FORM).status_code == 404
    assert client.post("/services/NADIE/test", data={"cui": PERSON}).status_code == 404


# The test


@pytest.fixture
def simulator(db: Session) -> Iterator[str]:
    """A simulator in a thread; its secret. It answers while the request that asks it holds no transaction."""
    server, root, secret = registry_simulator.listen()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    kept = row(db)
    kept.url, kept.sealed_secret, kept.enabled = root + registry_simulator.REGISTRY, sealed.seal(secret), True
    known = {"firstName": "Nola", "firstSurname": "Tzoc", "dateOfBirth": "1990-05-17", "gender": "F"}
    db.add(RegistryPerson(cui=PERSON, data=known))
    db.commit()
    yield secret
    server.shutdown()
    server.server_close()


def test_a_test_shows_what_the_service_answered_and_is_written_down(db: Session, login: Login, simulator: str) -> None:
    page = login("admadm").post(f"{PAGE}/test", data={"cui": PERSON}).text
    assert re.search(r"Respondió</span>\s+[0-9.]+ s · 1 intento · HTTP 200", page)
    assert "Nola" in page
    assert "17" in page
    assert simulator not in page
    [call] = db.scalars(select(ServiceCall))
    assert (call.case_id, call.outcome, call.request) == (None, "ANSWERED", {"cui": PERSON})
    look = db.scalars(select(AccessLog).where(AccessLog.screen == "service:CIVIL_REGISTRY")).one()
    assert look.detail == {"cui": PERSON}


def test_a_test_asks_even_while_the_breaker_is_open_and_closes_it(db: Session, login: Login, simulator: str) -> None:
    health = db.get_one(ServiceHealth, Service.CIVIL_REGISTRY)
    health.failures, health.opened_at, health.retry_at = 9, utc_now(), utc_now().replace(year=2090)
    db.commit()
    client = login("admadm")
    assert "se intenta de nuevo el" in client.get(PAGE).text
    page = client.post(f"{PAGE}/test", data={"cui": PERSON}).text
    assert "Cerrado</span>" in page


def test_a_secret_that_cannot_be_read_any_more_is_to_be_entered_again(
    db: Session, login: Login, simulator: str
) -> None:
    row(db).sealed_secret = "sealed with another key"
    db.commit()
    page = login("admadm").post(f"{PAGE}/test", data={"cui": PERSON}).text
    assert "hay que ingresar de nuevo la dirección o la clave secreta" in page


def test_a_test_needs_a_cui(login: Login) -> None:
    answer = login("admadm").post(f"{PAGE}/test", data={"cui": "12"})
    assert answer.status_code == 400
    assert "No es un CUI" in answer.text
    assert 'value="12"' in answer.text


# Cases


def test_a_case_that_waits_says_so_in_the_queue_and_on_its_page(db: Session, login: Login) -> None:
    case = make_case(db, State.VALIDACION_SECUNDARIA)
    now = utc_now()
    db.add(CaseFinding(case_id=case.id, code="REGISTRY_UNAVAILABLE", found_at=now))
    db.add(ServiceWait(case_id=case.id, service=Service.CIVIL_REGISTRY, since=now, next_at=now))
    system = system_actor(db)
    db.add(
        ServiceCall(
            case_id=case.id, service="CIVIL_REGISTRY", asked_at=now, took_ms=1034, outcome="TIMED_OUT", attempts=2,
            request={"cui": case.cui}, user_id=system.user_id,
        )
    )  # fmt: skip
    db.commit()
    client = login("supersu")
    assert "Espera al registro civil" in client.get("/queues/secondary/GUA/").text
    page = client.get(f"/cases/{case.number}/").text
    assert "Espera al registro civil" in page
    assert "Sin respuesta dentro del tiempo límite" in page
    assert "1.03 s" in page
