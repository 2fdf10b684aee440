"""Controls are kept as an administrator says, in general and by site; refusals name control and who can."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models.audit import ChangeLog
from models.base import make_engine
from models.control import ControlSetting
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, NotAllowed, Refused, WrongState
from tests.build import make_case
from tests.together import at_once
from workflow import control_settings, machine
from workflow.controls import RULES

Login = Callable[[str], FlaskClient]
Become = Callable[[str], Actor]


def modes(db: Session, control: str) -> dict[str, str]:
    rows = db.scalars(select(ControlSetting).where(ControlSetting.control == control))
    return {row.site_code: row.mode for row in rows}


def test_every_control_of_the_specification_is_declared_with_words_and_a_default() -> None:
    assert {
        "own_case", "captured_not_authorised", "printer_not_quality", "whole_life", "holder_delivers",
        "day_closing_two_people",
    } <= set(RULES)  # fmt: skip
    assert all(rule.label and rule.refusal and rule.default in ("enforce", "warn", "off") for rule in RULES.values())


def test_a_site_keeps_a_control_otherwise_and_goes_back_to_what_holds_in_general(db: Session, as_user: Become) -> None:
    admin = as_user("admadm")
    changed = control_settings.change(
        db, admin, "own_case", {"*": "warn", "GUA": "off", "AUR": ""}, "Prueba", was={"*": "", "GUA": "", "AUR": ""}
    )
    assert (changed, modes(db, "own_case")) == (2, {"*": "warn", "GUA": "off"})
    found = control_settings.setting(db, admin, "own_case")
    assert (found.general, found.exceptions) == ("warn", {"GUA": "off"})
    control_settings.change(db, admin, "own_case", {"*": "", "GUA": ""}, "Fin", was={"*": "warn", "GUA": "off"})
    assert modes(db, "own_case") == {}
    lines = db.scalars(select(ChangeLog).where(ChangeLog.subject == "control_setting").order_by(ChangeLog.id)).all()
    here = [(line.username, line.act) for line in lines if line.key == "own_case/GUA"]
    assert here == [("admadm", "INSERT"), ("admadm", "UPDATE"), ("admadm", "DELETE")]
    assert {(line.after or line.before or {}).get("reason") for line in lines} == {"Prueba", "Fin"}


def test_a_change_needs_a_reason_known_words_and_the_permission(db: Session, as_user: Become) -> None:
    admin = as_user("admadm")
    with pytest.raises(BadValue) as error:
        control_settings.change(db, admin, "own_case", {"*": "off"}, " ", was={})
    assert error.value.field == "reason"
    for wanted in ({"*": "no"}, {"XXX": "off"}):
        with pytest.raises(BadValue):
            control_settings.change(db, admin, "own_case", wanted, "x", was={})
    with pytest.raises(NotAllowed):
        control_settings.change(db, as_user("auditor"), "own_case", {"*": "off"}, "x", was={})
    assert modes(db, "own_case") == {}


def test_of_two_administrators_at_once_one_is_told_that_the_other_changed_it(
    fresh_database: Callable[[str], str],
) -> None:
    engine: Engine = make_engine(fresh_database("controls"))

    def change(mode: str) -> None:
        with Session(engine) as session:
            actor = load_actor(session, username="admadm")
            assert actor is not None
            control_settings.change(session, actor, "own_case", {"*": mode}, "x", was={"*": ""})
            session.commit()

    results = at_once(lambda: change("warn"), lambda: change("off"))
    engine.dispose()
    assert sorted(isinstance(result, WrongState) for result in results) == [False, True]
    assert [result for result in results if not isinstance(result, DomainError)] == [None]


def test_a_refusal_says_which_control_and_which_profiles_can(db: Session, as_user: Become) -> None:
    case = make_case(db, operator="supervisor")
    with pytest.raises(Refused) as error:
        machine.perform(db, "authorise", case.number, as_user("supervisor"))
    assert error.value.params["refusal"] == RULES["captured_not_authorised"].refusal
    assert (
        error.value.params["who"].startswith("Administrador, Supervisor, Supervisor USA")
        or "Super Supervisor" in error.value.params["who"]
    )


def test_the_page_changes_a_control_and_a_refused_form_keeps_what_was_chosen(db: Session, login: Login) -> None:
    client = login("admadm")
    assert "Nadie" in client.get("/controls/").text
    refused = client.post("/controls/own_case", data={"mode-*": "warn", "was-*": "", "reason": ""})
    assert refused.status_code == 400
    assert "Indique el motivo" in refused.text
    assert '<option value="warn" selected>' in refused.text
    done = client.post("/controls/own_case", data={"mode-*": "warn", "was-*": "", "reason": "Por dotación"})
    assert done.status_code == 303
    page = client.get("/controls/own_case").text
    assert "Por dotación" in page
    assert modes(db, "own_case") == {"*": "warn"}
    late = client.post("/controls/own_case", data={"mode-*": "off", "was-*": "", "reason": "Tarde"})
    assert late.status_code == 409
    assert "Alguien cambió este control" in late.text


def test_who_only_reads_controls_gets_no_form(login: Login) -> None:
    client = login("auditor")
    assert "<select" not in client.get("/controls/own_case").text
    assert client.post("/controls/own_case", data={"mode-*": "off"}).status_code == 403
    assert login("jpgu").get("/controls/").status_code == 403
    assert client.get("/controls/none").status_code == 404
