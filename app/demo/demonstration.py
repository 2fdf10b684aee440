"""Loads the demonstration step by step; every step may have been done before, and then does nothing."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import func, select

from app import history, loading
from app.demo import accounts, mail, office, stockroom
from app.demo.enrolments import DemoEnrolment, make_enrolments
from app.demo.people import REGISTRY_COLUMNS
from app.demo.requests import FORMER_COLUMNS
from app.settings import Settings
from models.base import session, utc_now
from models.clock import local_date
from models.enrolments import Enrollment
from security.actor import system_actor
from security.scope import acting_as
from workflow import registry
from workflow.watch_lists import loading as watch_lists

SEED = 2026
ENROLMENTS = 120
WATCH_LIST = Path(__file__).parent / "watch_list.csv"
KNOWN_TO_THE_REGISTRY = Path(__file__).parent / "registry.csv"

Say = Callable[[str], None]


def load(settings: Settings, say: Say) -> None:
    """Users, booklets, the former system, the registry, enrolments and some days of work; says what it does."""
    users, password = accounts.make_users(session(), settings.demo_password)
    session.commit()
    actor = system_actor(session())
    registry.configure("simulator")  # its server is started with the web server, when all this is there
    with acting_as(actor):
        stockroom.stock_up(session(), actor)
        registry.load(session(), KNOWN_TO_THE_REGISTRY)
        watch_lists.load_file(session(), actor, WATCH_LIST, list_type="OBS", source="DEMOSTRACION")
        session.commit()
    known, begun_at = session.execute(select(func.count(), func.min(Enrollment.created_at))).one()
    if known < ENROLMENTS:  # also when a first load was cut off: the same day makes the same people
        say(f"Loading {ENROLMENTS} invented enrolments …")
        _enrol(list(make_enrolments(SEED, ENROLMENTS, today=local_date(begun_at or utc_now()))))
        moved = office.work(session(), SEED)
        posted = mail.send_some(session())
        say(f"{moved} of them went on from there, {posted} passports by mail.")
    session.remove()
    registry.configure(settings.registry)
    _print_users(users, password, say)


def _enrol(enrolments: list[DemoEnrolment]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _write(place / "former.csv", FORMER_COLUMNS, (row for one in enrolments for row in one.former_rows))
        _write(place / "registry.csv", REGISTRY_COLUMNS, (row for one in enrolments for row in one.registry_rows))
        for one in enrolments:
            (place / f"{one.enrollment_id}.json").write_text(json.dumps(one.body, ensure_ascii=False), encoding="utf-8")
        registry.load(session(), place / "registry.csv")
        session.commit()
        history.import_history([place / "former.csv"], place / "imports", say=lambda _line: None)
        refused = [line for line, done in loading.enrol_folder(place, loading.station(None)) if not done]
        if refused:
            raise RuntimeError("the demonstration's own enrolments were refused:\n" + "\n".join(refused))


def _write(path: Path, columns: Iterable[str], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tuple(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _print_users(users: list[accounts.DemoUser], password: str | None, say: Say) -> None:
    say(f"\n{'user':<12}{'profile':<42}sites")
    for user in users:
        say(f"{user.username:<12}{user.profile:<42}{user.sites}")
    if password:
        say(f"\nPassword of all of them, shown this once: {password}")
    else:
        say("\nTheir password was shown when they were made; PASAPORTES_DEMO_PASSWORD=… sets another.")
