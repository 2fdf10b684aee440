"""The declarations agree with the seed files they come from, and with each other."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.booklets import BOOKLET_LABELS, BookletState
from models.cases import EVENT_LABELS, FINDING_LABELS, STATE_LABELS, TERMINAL, Event, Finding, State
from models.catalogs import CATALOGS
from models.seeding import rows
from models.stock import DocumentState
from security.roles import AUDITOR_PROFILE, BY_CODE, STATION_PROFILE
from security.seeding import seed_security
from workflow.fields import Kind, choices
from workflow.machine import CREATIONS, TRANSITIONS

ROOT = Path(__file__).parent.parent.parent
#: What booklet a case has in each state; a transition that leaves it open means this one.
BOOKLET_AT = {
    "EN_IMPRESION": "ASIGNADA", "IMPRESA": "IMPRESA", "POST_IMPRESION": "IMPRESA", "ENTREGADA": "ENTREGADA",
}  # fmt: skip
#: Illegible in the manual's scan (docs/decisions/0004).
ILLEGIBLE = {"ILEG1", "ILEG2"}


def declared() -> list[tuple[str, str, str, str, str, str]]:
    """Each code with what it goes from and to, its module, and the booklet's states, as the seed file writes them."""
    found = [(made.code, "", str(made.to_state), "", "", "") for made in CREATIONS]
    for move in TRANSITIONS.values():
        for place, code in enumerate(move.codes):
            state = move.from_states[place]
            before = move.booklet[0] or (BOOKLET_AT[state] if move.booklet[1] else "")
            found.append((code, state, move.end_of(state), move.module, before, move.booklet[1] or ""))
    return found


def test_every_transition_of_the_seed_file_is_declared_once() -> None:
    assert sorted(line[0] for line in declared()) == [row["code"] for row in rows("transiciones")]


def test_a_transition_with_several_codes_has_one_for_each_state() -> None:
    for move in TRANSITIONS.values():
        assert len(move.codes) < 2 or len(move.codes) == len(move.from_states), move.name


def test_declared_transitions_move_case_and_booklet_as_the_seed_file_says() -> None:
    ours = {line[0]: line[1:] for line in declared()}
    for row in rows("transiciones"):
        code, created = row["code"], not row["estado_origen"]
        if code == "T24":  # from wherever it was voided, back to where it was
            assert ours[code][2:] == (row["modulo"], row["libreta_origen"], "")
            continue
        module = "" if created else row["modulo"]
        said = (row["estado_origen"], row["estado_destino"], module, row["libreta_origen"], row["libreta_destino"])
        assert ours[code] == said, code


def test_a_creation_is_made_by_a_transition_that_exists() -> None:
    for made in CREATIONS:
        assert made.by is None or TRANSITIONS[made.by]


def test_no_state_is_without_a_way_in_or_out() -> None:
    moves = [(state, move.end_of(state)) for move in TRANSITIONS.values() for state in move.from_states]
    assert {after for before, after in moves if before != after} | {made.to_state for made in CREATIONS} == set(State)
    assert {before for before, after in moves if before != after} >= set(State) - TERMINAL


@pytest.mark.parametrize(
    ("enum", "seed", "labels"),
    [
        (State, "estados_caso", STATE_LABELS),
        (BookletState, "estados_libreta", BOOKLET_LABELS),
        (Event, "eventos_bitacora", EVENT_LABELS),
        (Finding, None, FINDING_LABELS),
    ],
)
def test_an_enumeration_is_its_seed_file_and_has_words(
    enum: type[StrEnum], seed: str | None, labels: dict[str, str] | None
) -> None:
    assert seed is None or [str(member) for member in enum] == [row["code"] for row in rows(seed)]
    assert labels is None or list(labels) == list(enum)


def test_the_states_of_a_stock_document_are_those_of_the_seed_file_but_deleted() -> None:
    """A draft that was given up is not kept."""
    codes = [row["code"] for row in rows("estados_documento_inventario")]
    assert codes == [*(str(state) for state in DocumentState), "ELIMINADO"]


def test_the_states_that_end_a_case_are_those_of_the_seed_file() -> None:
    assert {row["code"] for row in rows("estados_caso") if row["terminal"] == "1"} == TERMINAL


def test_every_event_is_written_by_something() -> None:
    produced = {move.event for move in TRANSITIONS.values()} | {made.event for made in CREATIONS}
    sources = "".join(path.read_text() for path in (ROOT / "workflow").rglob("*.py"))
    assert produced | {event for event in Event if re.search(rf"\bEvent\.{event.name}\b", sources)} == set(Event)


def test_every_legible_profile_of_the_seed_file_is_declared() -> None:
    assert {row["code"] for row in rows("perfiles")} - ILLEGIBLE == BY_CODE.keys() - {
        AUDITOR_PROFILE.code,
        STATION_PROFILE.code,
    }


def test_every_catalog_has_the_entries_of_its_seed_file(db: Session) -> None:
    for catalog in CATALOGS:
        codes = {row["code"] for row in rows(catalog.seed[0])}
        assert codes, catalog.__tablename__
        assert set(db.execute(text(f"select code from {catalog.__tablename__}")).scalars()) >= codes


def test_every_list_of_choices_offers_something(db: Session) -> None:
    for move in TRANSITIONS.values():
        for field in move.fields:
            if field.kind in (Kind.CHOICE, Kind.REASON, Kind.VOID_TYPE):
                assert choices(db, field), (move.name, field.name)


def test_every_transition_asks_for_fields_its_function_takes() -> None:
    for move in TRANSITIONS.values():
        code = move.body.__code__
        taken = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        assert set(taken) <= {field.name for field in move.fields}, move.name
        open_ended = bool(code.co_flags & 0x08)
        assert open_ended or {field.name for field in move.fields} == set(taken), move.name
        assert move.body.__doc__, move.name


def granted(db: Session, profile: str) -> set[str]:
    query = text(
        "select p.name || ' ' || v.name from ab_role r join ab_permission_view_role g on g.role_id = r.id"
        " join ab_permission_view pv on pv.id = g.permission_view_id join ab_permission p on p.id = pv.permission_id"
        " join ab_view_menu v on v.id = pv.view_menu_id where r.name = :profile"
    )
    return set(db.execute(query, {"profile": profile}).scalars())


def test_a_new_permission_reaches_the_profiles_and_what_was_taken_away_stays_away(db: Session) -> None:
    of_pair = (
        "from ab_permission_view_role g using ab_permission_view pv, ab_permission p, ab_view_menu v"
        " where pv.id = g.permission_view_id and p.id = pv.permission_id and v.id = pv.view_menu_id"
        " and v.name = 'Stock' and p.name = :act"
    )
    for act in ("can_close_day", "can_receive"):
        db.execute(text(f"delete {of_pair}"), {"act": act})
    db.execute(
        text(
            "delete from ab_permission_view pv using ab_permission p where p.id = pv.permission_id"
            " and p.name = 'can_close_day'"
        )
    )
    seed_security(db, unusable_password="-")
    assert "can_close_day Stock" in granted(db, "IMPRES")
    assert "can_receive Stock" not in granted(db, "ADMADM")
