"""Outside services as they really are: over HTTP from a simulator in a process of its own, well and ill."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3
from flask import Flask
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from app.registry_simulator import BEHAVIOUR, ROOT
from models.base import SessionLocal, make_engine, utc_now
from models.base import session as scoped
from models.cases import CaseEvent, PassportCase
from models.enrolments import RegistryPerson
from models.services import Outcome, Service, ServiceCall, ServiceHealth, ServiceParameters, ServiceWait, WhenDown
from security import sealed
from security.actor import load_actor
from security.scope import acting_as, set_acting
from tests.cookies import bearer
from tests.enrolment_bodies import cui, enrolment, raw
from workflow import registry
from workflow.outside import consulting, conversation, waiting
from workflow.outside.conversation import converse
from workflow.outside.mapping import Person
from workflow.outside.parameters import Parameters, read

PROJECT = Path(__file__).parent.parent.parent
KEY = "a-secret-key-for-the-house-of-services-0123456789"
FIRST = 60_200_001
CASES = text("update service_wait set next_at = now() - interval '1 second'")


@dataclass
class House:
    """A database of its own, and the simulator that runs beside it."""

    engine: Engine
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    serials: Iterator[int] = field(default_factory=lambda: iter(range(FIRST, FIRST + 10_000, 20)))

    def start(self) -> None:
        """Start the simulator and wait until it has written where it is."""
        before = self.parameters().url
        command = [sys.executable, "-m", "app.cli", "registry-simulator", "--parent", str(os.getpid())]
        self.process = subprocess.Popen(command, env=self.environment, cwd=PROJECT)
        self.until(lambda: self.parameters().url != before)

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(10) == 0

    def until(self, condition: Callable[[], Any], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    def parameters(self, service: Service = Service.CIVIL_REGISTRY) -> Parameters:
        with Session(self.engine) as session:
            return read(session, service)

    def set(self, service: Service = Service.CIVIL_REGISTRY, **values: Any) -> None:
        with Session(self.engine) as session, session.begin():
            session.execute(update(ServiceParameters).where(ServiceParameters.service == service).values(**values))

    def behaves(self, behaviour: str, **more: Any) -> None:
        said = self.parameters()
        root = str(said.url).partition(ROOT)[0]
        headers = {"Authorization": f"Bearer {said.secret}"}
        answer = urllib3.request("POST", root + BEHAVIOUR, json={"behaviour": behaviour, **more}, headers=headers)
        assert answer.status == 200

    def health(self) -> ServiceHealth:
        with Session(self.engine) as session:
            return session.get_one(ServiceHealth, Service.CIVIL_REGISTRY)

    def over_the_pause(self) -> None:
        """The breaker's pause has passed."""
        with Session(self.engine) as session, session.begin():
            past = ServiceHealth.retry_at - text("interval '1 hour'")
            session.execute(update(ServiceHealth).where(ServiceHealth.retry_at.is_not(None)).values(retry_at=past))

    def person(self, **changes: str) -> Person:
        """Somebody whom the registry knows; `changes` to what it has of him."""
        serial = next(self.serials)
        data = {"firstName": "Nola", "firstSurname": "Tzoc", "secondSurname": "Chub", "dateOfBirth": "1990-05-17"}
        with Session(self.engine) as session, session.begin():
            session.add(RegistryPerson(cui=cui(serial), data=data | {"gender": "F"} | changes))
        return Person(cui(serial))

    def due(self) -> None:
        """Every case that waits may be asked about now."""
        with Session(self.engine) as session, session.begin():
            session.execute(CASES)

    def calls(self, case: PassportCase | None = None) -> list[ServiceCall]:
        with Session(self.engine) as session:
            query = select(ServiceCall).order_by(ServiceCall.id)
            return list(session.scalars(query.where(ServiceCall.case_id == case.id) if case else query))


@pytest.fixture(scope="module")
def running(
    fresh_database: Callable[[str], str], app: Flask, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    engine = make_engine(fresh_database("services"), pool_size=8)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PASAPORTES_")} | {
        "PASAPORTES_HOME": str(tmp_path_factory.mktemp("services")), "PASAPORTES_DEMO": "1",
        "PASAPORTES_SECRET_KEY": KEY, "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "PYTHONPATH": str(PROJECT),
    }  # fmt: skip
    before = dict(SessionLocal.kw)
    sealed.configure(KEY)
    house = House(engine, environment)
    house.start()
    yield house
    house.stop()
    engine.dispose()
    sealed.configure(app.config["SECRET_KEY"])
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture
def house(running: House) -> Iterator[House]:
    """The simulator answers, the breaker is closed, one second for an answer, and nothing of it is left behind."""
    before = dict(SessionLocal.kw)
    scoped.remove()
    SessionLocal.configure(bind=running.engine)
    registry.configure("service")
    with Session(running.engine) as session, session.begin():
        session.execute(text("delete from service_wait"))
        session.execute(update(ServiceHealth).values(failures=0, opened_at=None, retry_at=None))
        session.execute(
            update(ServiceParameters).values(
                timeout_seconds=1, retries=1, breaker_failures=5, breaker_seconds=60, when_down="WAIT", enabled=True
            )
        )
    running.behaves("answers")
    yield running
    registry.configure("off")
    set_acting(None)
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "PAUSE", 0.01)


# What the simulator does, and what we make of it


def test_the_answer_is_the_registrys_record(house: House) -> None:
    person = house.person(maritalStatus="SOL")
    answer = consulting.ask(Service.CIVIL_REGISTRY, person)
    assert answer.call
    assert (answer.call.reply.outcome, answer.call.reply.status, answer.call.reply.attempts) == ("ANSWERED", 200, 1)
    record = answer.look_up(person.cui)
    assert record
    assert (record.firstName, record.dateOfBirth, record.maritalStatus) == ("Nola", "1990-05-17", "SOL")


@pytest.mark.parametrize(("behaviour", "field", "value"), [
    ("differs", "firstSurname", "Otrapellido"), ("deceased", "deceasedOn", "2020-02-29"),
])  # fmt: skip
def test_what_the_registry_says_otherwise_arrives(house: House, behaviour: str, field: str, value: str) -> None:
    person = house.person()
    house.behaves(behaviour, cui=person.cui)
    answer = consulting.ask(Service.CIVIL_REGISTRY, person)
    assert getattr(answer.look_up(person.cui), field) == value


def test_somebody_unknown_is_an_answer_too(house: House) -> None:
    answer = consulting.ask(Service.CIVIL_REGISTRY, Person(cui(FIRST + 19)))
    assert answer.known
    assert answer.look_up(answer.cui) is None
    assert answer.call
    assert answer.call.reply.outcome == Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("behaviour", "outcome", "attempts"),
    [("fails", "FAILED", 2), ("drops", "UNREACHABLE", 2), ("half", "UNREACHABLE", 2), ("garbled", "BAD_ANSWER", 1)],
)
def test_each_fault_has_its_name_and_passing_ones_are_tried_again(
    house: House, pauses: None, behaviour: str, outcome: str, attempts: int
) -> None:
    house.behaves(behaviour)
    answer = consulting.ask(Service.CIVIL_REGISTRY, house.person())
    assert answer.call
    assert not answer.known
    assert (answer.call.reply.outcome, answer.call.reply.attempts) == (outcome, attempts)
    assert answer.call.reply.body is None or outcome == "BAD_ANSWER"
    with pytest.raises(registry.RegistryDown):
        answer.look_up(answer.cui)


def test_a_slow_service_is_waited_for_no_longer_than_was_set(house: House, pauses: None) -> None:
    house.behaves("slow", seconds=4)
    begun = time.monotonic()
    answer = consulting.ask(Service.CIVIL_REGISTRY, house.person())
    assert 1.0 <= time.monotonic() - begun < 1.8, "one attempt of a second: who was slow is not asked at once again"
    assert answer.call
    assert (answer.call.reply.outcome, answer.call.reply.attempts) == (Outcome.TIMED_OUT, 1)


def test_a_service_that_is_not_there_is_unreachable(house: House, pauses: None) -> None:
    reply = converse(replace(house.parameters(), url="http://127.0.0.1:9/x"), {})
    assert reply.outcome == Outcome.UNREACHABLE


def test_a_wrong_secret_is_refused_and_not_tried_again(house: House) -> None:
    reply = converse(replace(house.parameters(), secret="other"), {})
    assert (reply.outcome, reply.status, reply.attempts) == (Outcome.REFUSED, 401, 1)


def test_the_watch_list_service_answers_likewise(house: House) -> None:
    person = house.person()
    assert consulting.ask(Service.WATCH_LISTS, person).search(person.cui) == []
    house.behaves("listed", cui=person.cui)
    [hit] = consulting.ask(Service.WATCH_LISTS, person).search(person.cui)
    assert (hit.list_type, hit.grade, hit.entry, hit.source) == ("INT", "EXACT", None, "SERVICE")


def test_the_simulator_never_starts_outside_a_demonstration(house: House) -> None:
    real = house.environment | {"PASAPORTES_DEMO": "0", "PASAPORTES_RATELIMIT_STORAGE": "memory://"}
    command = [sys.executable, "-m", "app.cli", "registry-simulator"]
    ran = subprocess.run(command, env=real, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "only runs in a demonstration" in ran.stderr


# Hostile and broken servers


class Strange(BaseHTTPRequestHandler):
    """Answers as the path says."""

    seen: list[str] = []

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        good = json.dumps({"found": False}).encode()
        status, headers, body = {
            "/moved": (302, {"Location": "/stolen"}, b""),
            "/huge": (200, {}, b'{"x": "' + b"a" * 20_000 + b'"}'),
            "/page": (200, {"Content-Type": "text/html"}, good),
            "/list": (200, {}, b"[]"),
            "/nul": (200, {}, b'{"found": true, "x": "\\u0000"}'),
            "/other": (200, {}, b'{"found": true, "person": {"cui": "1"}}'),
            "/drip": (200, {}, b""),
        }.get(self.path, (200, {}, good))
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        for _byte in range(40 if self.path == "/drip" else 0):
            self.wfile.write(b" ")
            time.sleep(0.1)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def strange() -> Iterator[Callable[[str], Parameters]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def at(path: str) -> Parameters:
        url = f"http://127.0.0.1:{server.server_port}{path}"
        return Parameters(Service.CIVIL_REGISTRY, url, None, "hush", 1, 0, 5, 30, WhenDown.WAIT, True)

    yield at
    server.shutdown()


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("/fine", "NOT_FOUND"), ("/moved", "REFUSED"), ("/huge", "BAD_ANSWER"), ("/page", "BAD_ANSWER"),
        ("/list", "BAD_ANSWER"), ("/nul", "BAD_ANSWER"), ("/other", "BAD_ANSWER"), ("/drip", "TIMED_OUT"),
    ],
)  # fmt: skip
def test_nothing_but_what_was_agreed_is_taken(strange: Callable[[str], Parameters], path: str, outcome: str) -> None:
    begun = time.monotonic()
    answer = consulting._asked(strange(path), Person(cui(FIRST)))
    assert answer.call
    assert answer.call.reply.outcome == outcome
    assert "/stolen" not in Strange.seen
    assert time.monotonic() - begun < 2.0


# The circuit breaker


def test_the_breaker_opens_lets_one_try_and_closes(house: House, pauses: None) -> None:
    house.set(breaker_failures=2, retries=0)
    house.behaves("fails")
    person = house.person()

    def outcome() -> str:
        answer = consulting.ask(Service.CIVIL_REGISTRY, person)
        assert answer.call
        return answer.call.reply.outcome

    assert [outcome() for _ in range(4)] == ["FAILED", "FAILED", "BREAKER_OPEN", "BREAKER_OPEN"]
    assert house.health().opened_at is not None
    house.over_the_pause()
    assert (outcome(), outcome()) == ("FAILED", "BREAKER_OPEN"), "half open: one try, and open again"
    house.behaves("slow", seconds=0.5)
    house.over_the_pause()
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: outcome(), range(4))) == ["ANSWERED", *["BREAKER_OPEN"] * 3]
    assert (outcome(), house.health().retry_at, house.health().failures) == ("ANSWERED", None, 0)


def test_an_answer_in_between_starts_the_count_anew(house: House, pauses: None) -> None:
    house.set(breaker_failures=2, retries=0)
    for behaviour in ("fails", "answers", "fails", "unknown", "fails"):
        house.behaves(behaviour)
        consulting.ask(Service.CIVIL_REGISTRY, house.person())
    assert house.health().retry_at is None


# Intake


@dataclass
class Station:
    """Sends enrolments to the web application, whose session is the house's."""

    house: House
    app: Flask
    headers: dict[str, str]

    def send(self, person: Person, **changes: Any) -> PassportCase:
        """Create and finalize; the case."""
        serial = int(person.cui[:8])
        body = enrolment(serial, biographicData__cui=person.cui, **changes)
        path = f"/osia/enrollment/v1/enrollments/e{person.cui}?transactionId=t&finalize=true"
        answer = self.app.test_client().post(
            path, data=raw(body), headers=self.headers, content_type="application/json"
        )
        assert answer.status_code == 204, answer.text
        return self.case(person)

    def case(self, person: Person) -> PassportCase:
        with Session(self.house.engine, expire_on_commit=False) as session:
            query = select(PassportCase).where(PassportCase.cui == person.cui).order_by(PassportCase.id)
            case = session.scalars(query.execution_options(every_site=True)).first()
            assert case is not None
            assert isinstance(case.findings, list)
            return case

    def log(self, case: PassportCase) -> list[tuple[str, str, str]]:
        with Session(self.house.engine) as session:
            rows = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id))
            return [(row.event, row.transition, row.to_state) for row in rows][1:]


@pytest.fixture
def station(house: House, app: Flask) -> Station:
    with Session(house.engine) as session:
        actor = load_actor(session, username="estacion")
        assert actor is not None
        header = bearer(app, session, actor)
        session.commit()
    return Station(house, app, header)


def codes(case: PassportCase) -> list[str]:
    return [finding.code for finding in case.findings if finding.resolved_at is None]


def test_intake_asks_and_keeps_question_and_answer_with_the_case(house: House, station: Station) -> None:
    person = house.person()
    case = station.send(person)
    assert (case.state, codes(case)) == ("ENROLADA", [])
    asked = {call.service: call for call in house.calls(case)}
    assert asked["CIVIL_REGISTRY"].request == {"cui": person.cui}
    assert asked["CIVIL_REGISTRY"].answer
    assert asked["CIVIL_REGISTRY"].answer["person"]["firstName"] == "Nola"
    assert asked["WATCH_LISTS"].answer == {"hits": []}
    with Session(house.engine) as session:
        assert session.get(ServiceWait, (case.id, "CIVIL_REGISTRY")) is None


def test_what_the_services_say_refers_the_case(house: House, station: Station) -> None:
    person = house.person(dateOfBirth="1991-05-17")
    house.behaves("listed", cui=person.cui)
    case = station.send(person)
    assert (case.state, codes(case)) == ("VALIDACION_SECUNDARIA", ["REGISTRY_MISMATCH", "WATCH_LIST"])


def test_no_transaction_is_open_while_a_service_is_asked(house: House, station: Station) -> None:
    """Seen from another connection during a slow answer: nobody is idle in a transaction or waits for a lock."""
    house.set(Service.WATCH_LISTS, enabled=False)
    house.set(timeout_seconds=5, retries=0)
    house.behaves("slow", seconds=1.5)
    seen: list[list[Any]] = []
    over = threading.Event()

    def watch() -> None:
        query = text(
            "select pid, state, query from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and state <> 'idle'"
        )
        with house.engine.connect() as connection:
            time.sleep(0.7)
            while not over.wait(0.1) and len(seen) < 5:
                seen.append(list(connection.execute(query)))
                connection.rollback()

    watching = threading.Thread(target=watch)
    watching.start()
    case = station.send(house.person())
    over.set()
    watching.join()
    assert len(seen) == 5
    assert seen == [[]] * 5
    assert codes(case) == []


def test_when_the_registry_is_down_the_case_waits_and_moves_on_by_itself(
    house: House, station: Station, pauses: None
) -> None:
    house.behaves("fails")
    person = house.person()
    case = station.send(person)
    assert (case.state, codes(case)) == ("VALIDACION_SECUNDARIA", ["REGISTRY_UNAVAILABLE", "WATCH_LIST_UNAVAILABLE"])
    house.due()
    assert waiting.ask_again(5.0) == 0
    assert station.case(person).state == "VALIDACION_SECUNDARIA"
    house.behaves("answers")
    house.due()
    assert waiting.ask_again(5.0) == 2
    after = station.case(person)
    assert (after.state, codes(after)) == ("ENROLADA", [])
    assert {finding.resolution for finding in after.findings} == {waiting.ANSWERED_LATER}
    assert station.log(case) == [
        ("INCONSISTENCIA", "refer", "VALIDACION_SECUNDARIA"),
        ("REVISION", "hear", "VALIDACION_SECUNDARIA"),
        ("REVISION", "hear", "VALIDACION_SECUNDARIA"),
        ("REVISION", "return_to_supervision", "ENROLADA"),
    ]
    assert [call.outcome for call in house.calls(case) if call.service == "CIVIL_REGISTRY"] == [
        "FAILED",
        "FAILED",
        "ANSWERED",
    ]


def test_a_late_answer_that_says_otherwise_leaves_the_case_to_people(
    house: House, station: Station, pauses: None
) -> None:
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    person = house.person(firstName="Ana")
    station.send(person)
    house.behaves("answers")
    house.due()
    waiting.ask_again(5.0)
    case = station.case(person)
    assert (case.state, codes(case)) == ("VALIDACION_SECUNDARIA", ["REGISTRY_MISMATCH"])


@pytest.mark.parametrize(("name", "state", "left"), [
    ("Nola", "ENROLADA", []), ("Ana", "VALIDACION_SECUNDARIA", ["REGISTRY_MISMATCH"]),
])  # fmt: skip
def test_by_setting_the_case_goes_on_marked_and_is_asked_about_all_the_same(
    house: House, station: Station, pauses: None, name: str, state: str, left: list[str]
) -> None:
    house.set(when_down="GO_ON")
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("drops")
    person = house.person(firstName=name)
    case = station.send(person)
    assert (case.state, codes(case)) == ("ENROLADA", ["REGISTRY_UNAVAILABLE"])
    house.behaves("answers")
    house.due()
    assert waiting.ask_again(5.0) == 1
    after = station.case(person)
    assert (after.state, codes(after)) == (state, left)


def test_two_workers_move_each_case_on_exactly_once(house: House, station: Station, pauses: None) -> None:
    house.set(breaker_failures=50, retries=0)
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    people = [house.person() for _ in range(6)]
    for person in people:
        station.send(person)
    house.behaves("answers")
    house.due()
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(waiting.ask_again, [5.0, 5.0])) == 6
    for person in people:
        case = station.case(person)
        assert [move for _event, move, _state in station.log(case)] == ["refer", "hear", "return_to_supervision"]
        assert [call.outcome for call in house.calls(case)] == ["FAILED", "ANSWERED"]


def test_an_answer_that_comes_twice_is_heard_once(house: House, station: Station, pauses: None) -> None:
    """A worker so slow that its claim ran out, and another that took the case meanwhile."""
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    person = house.person()
    case = station.send(person)
    house.behaves("answers")
    house.due()
    claimed = waiting._claim(Service.CIVIL_REGISTRY)
    assert claimed
    answer = consulting.ask(Service.CIVIL_REGISTRY, claimed.person)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: waiting._settled(claimed, answer), range(2))) == [False, True]
    assert [move for _event, move, _state in station.log(case)] == ["refer", "hear", "return_to_supervision"]


def test_a_case_that_somebody_works_on_is_not_moved_under_his_hands(
    house: House, station: Station, pauses: None
) -> None:
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    person = house.person()
    case = station.send(person)
    with Session(house.engine) as session, session.begin():
        supersu = load_actor(session, username="supersu")
        assert supersu
        held = {"held_by_id": supersu.user_id, "held_at": utc_now()}
        session.execute(update(PassportCase).where(PassportCase.id == case.id).values(**held))
    house.behaves("answers")
    house.due()
    assert waiting.ask_again(5.0) == 0
    assert station.case(person).state == "VALIDACION_SECUNDARIA"
    with Session(house.engine) as session:
        assert session.get(ServiceWait, (case.id, "CIVIL_REGISTRY")) is not None, "it waits on"


def test_a_case_that_was_decided_meanwhile_waits_no_longer(house: House, station: Station, pauses: None) -> None:
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    case = station.send(house.person())
    with Session(house.engine) as session, session.begin():
        supersu = load_actor(session, username="supersu")
        assert supersu
        from workflow.machine import perform

        with acting_as(supersu):
            perform(session, "reject_secondary", case.number, supersu, reason="R06", comment="Desistió")
    before = len(house.calls())
    house.due()
    waiting.ask_again(5.0)
    with Session(house.engine) as session:
        assert session.get(ServiceWait, (case.id, "CIVIL_REGISTRY")) is None
    assert len(house.calls()) == before, "nobody was asked"


def test_many_waiting_cases_make_no_stampede(house: House, station: Station, pauses: None) -> None:
    house.set(breaker_failures=3, retries=0)
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    for _ in range(6):
        station.send(house.person())
    assert house.health().retry_at is not None
    house.due()
    house.over_the_pause()
    before = len(house.calls())
    for _round in range(3):
        waiting.ask_again(5.0)
    assert len(house.calls()) - before == 1, "one case tried whether the service is back"
    with Session(house.engine) as session:
        due = select(ServiceWait.case_id).where(ServiceWait.next_at <= utc_now())
        assert len(session.scalars(due).all()) == 5, "the others kept their turn"


def test_a_worker_killed_in_the_middle_leaves_the_case_to_the_next(
    house: House, station: Station, pauses: None
) -> None:
    house.set(Service.WATCH_LISTS, enabled=False)
    house.behaves("fails")
    person = house.person()
    case = station.send(person)
    house.set(timeout_seconds=10)
    house.behaves("slow", seconds=8)
    house.due()
    program = (
        "from app import console; from workflow.outside import waiting;"
        "console.database(console.settings_or_exit()); waiting.ask_again(9.0)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], env=house.environment, cwd=PROJECT)
    with Session(house.engine) as session:
        house.until(lambda: session.scalar(select(ServiceWait.attempts).execution_options(populate_existing=True)) == 1)
        session.rollback()
    time.sleep(0.3)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert station.case(person).state == "VALIDACION_SECUNDARIA"
    house.behaves("answers")
    assert waiting.ask_again(2.0) == 0, "claimed by the dead for a while"
    house.due()
    assert waiting.ask_again(2.0) == 1
    assert [move for _event, move, _state in station.log(case)] == ["refer", "hear", "return_to_supervision"]


def test_an_enrolment_that_changed_meanwhile_counts_as_not_asked(house: House, station: Station) -> None:
    person, other = house.person(), house.person()
    consulted = consulting.consult(other)
    assert consulted.about(person).answers[Service.CIVIL_REGISTRY].known is False
    assert consulted.about(other) is consulted


def test_the_secret_is_in_no_row_log_or_error(
    house: House, station: Station, pauses: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = house.parameters().secret
    assert secret
    for behaviour in ("answers", "fails", "drops"):
        house.behaves(behaviour)
        station.send(house.person())
    house.behaves("answers")
    house.due()
    waiting.ask_again(5.0)
    assert secret not in repr(house.parameters())
    assert secret not in caplog.text
    with house.engine.connect() as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        for table in tables:
            rows = connection.execute(text(f"select 1 from {table} t where t::text like :secret limit 1"),
                                      {"secret": f"%{secret}%"}).all()  # fmt: skip
            assert not rows, table
