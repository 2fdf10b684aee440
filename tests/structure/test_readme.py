"""README tells the truth: its paths exist, its commands run, its recipe of a transition works."""

import re
from pathlib import Path

import pytest

from app import reference
from app.cli import main
from models.cases import Event, State
from security.permissions import Permission
from tests.build import make_case
from workflow import machine

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_and_folder_it_names_exists():
    named = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"`([a-z_/]+/[a-z_./]*)`", README)
    assert len(named) > 12
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_it_names_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_command_it_names_exists():
    assert set(re.findall(r"pasaportes ([a-z][a-z-]+)", README)) <= set(main.commands)


@pytest.fixture
def recipe():
    """The recipe of a transition, followed."""

    @machine.transition(
        "T99",
        from_states=(State.RECHAZADA,),
        to_state=State.ENROLADA,
        permission=Permission.CORRECT_CASES,
        label="Open again",
        event=Event.REVISION,
        module="CORRECCION",
    )
    def open_again(act: machine.Act) -> None:
        """Take a rejection back."""
        act.data.update(taken_back=True)

    yield "open_again"
    del machine.TRANSITIONS["open_again"]


def test_a_transition_is_one_function_and_the_rest_follows(app, db, recipe, login, token, as_user):
    case = make_case(db, State.RECHAZADA)
    db.commit()
    number = case.number
    assert f"/cases/{number}/{recipe}" in login("jpgu").get(f"/cases/{number}/").text
    with app.test_request_context():
        assert f"T99 {recipe}" in reference.pages(app)["states.md"]
    document = app.test_client().get("/api/v1/openapi.json", headers=token("admadm")).get_json()
    assert f"/api/v1/cases/{{number}}/{recipe}" in document["paths"]
    answer = app.test_client().post(f"/api/v1/cases/{number}/{recipe}", headers=token("jpgu"), json={})
    assert answer.get_json()["state"] == State.ENROLADA
