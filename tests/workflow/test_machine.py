"""The state machine through its own interface: what may happen, to whom it is refused, and what it leaves behind."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, CasePicture, CaseRequirement, PassportCase, State
from models.catalogs import Site
from models.control import ControlSetting
from models.stock import StockMovement
from security.actor import Actor, load_actor
from security.errors import BadValue, DomainError, HeldByAnother, NotAllowed, NotFound, Refused, Unavailable, WrongState
from security.permissions import Permission
from security.scope import acting_as
from tests.build import make_booklets, make_case
from tests.enrolment_bodies import cui
from workflow.machine import HOLD_LASTS, TRANSITIONS, Asked, available, perform

LOOKS = {"portrait_ok": "1", "signature_ok": "1", "text_ok": "1"}
COLLECTED = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
CHANGE = {"changes": {"first_name": "Mariseli"}, "comment": "Así consta en el DPI"}
TWO_PEOPLE = ("correct", "correct_issued", "void_booklet")
#: Who takes a case from one state to the next, and how.
LIFE = (
    (State.AUTORIZADA, "supervisor", "authorise", {}),
    (State.EN_IMPRESION, "impres", "assign_booklet", {}),
    (State.IMPRESA, "impres", "accept_print", {}),
    (State.POST_IMPRESION, "concal", "accept_quality", LOOKS),
    (State.ENTREGADA, "entrega", "deliver", COLLECTED),
)


class Office:
    """A test's hands: acts by user name, blank booklets, and cases brought to a state as the office would."""

    def __init__(self, db: Session) -> None:
        self.db = db
        self.serials = itertools.count(5_100_001)

    def actor(self, username: str) -> Actor:
        found = load_actor(self.db, username=username)
        assert found is not None
        return found

    def does(
        self, who: str | Actor, act: str, case: PassportCase, *, asked: str | None = "jusa", **values: Any
    ) -> CaseEvent:
        """The act as `who`; when it is refused nothing of it is left, as at the edges.

        What needs two people was `asked` for by another; None when he does it alone.
        """
        actor = self.actor(who) if isinstance(who, str) else who
        first = self.actor(asked) if asked and act in TWO_PEOPLE else None
        with acting_as(actor), self.db.begin_nested():
            return perform(
                self.db, act, case.number, actor, first and Asked(first.user_id, first.username), **values
            )  # fmt: skip

    def booklet(self, **where: str) -> str:
        return make_booklets(self.db, next(self.serials), 1, **where)[0]

    def case_in(self, state: State, **changes: Any) -> PassportCase:
        """A case that came to `state` through everything before it."""
        if state in (State.ENROLADA, State.VALIDACION_SECUNDARIA, State.AUTORIZADA):
            return make_case(self.db, state, **changes)
        case = make_case(self.db, **changes)
        if state == State.RECHAZADA:
            self.does("supervisor", "reject", case, reason="R01")
        elif state == State.CORREGIDA:
            self.bring(case, State.ENTREGADA)
            self.does("jpgu", "correct_issued", case, **CHANGE)
        else:
            self.bring(case, state)
        return case

    def bring(self, case: PassportCase, state: State) -> None:
        """Let the cast carry `case` on until it is in `state`."""
        names = [step[0] for step in LIFE]
        start = names.index(case.state) + 1 if case.state in names else 0
        for _state, who, act, values in LIFE[start : names.index(state) + 1]:
            if act == "assign_booklet":
                values = {"booklet": self.booklet()}
            if act == "accept_quality":
                values = {**values, **self.scans(case)}
            self.does(who, act, case, **values)

    def scans(self, case: PassportCase) -> dict[str, str]:
        """What the readers type for the case's printed booklet."""
        use = self.use(case)
        return {"booklet": use.booklet_number, "mrz": f"{use.mrz_line_1}\n{use.mrz_line_2}", "seal": use.seal_text}

    def use(self, case: PassportCase) -> Personalisation:
        """The case's latest use of a booklet."""
        uses = select(Personalisation).where(Personalisation.case_id == case.id).order_by(Personalisation.id.desc())
        return self.db.scalars(uses).first()  # type: ignore[return-value]

    def events(self, case: PassportCase) -> list[CaseEvent]:
        return list(self.db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)))

    def moves(self, booklet: str) -> list[tuple[str, str]]:
        rows = select(StockMovement).where(StockMovement.booklet_number == booklet).order_by(StockMovement.id)
        return [(row.from_place, row.to_place) for row in self.db.scalars(rows)]


@pytest.fixture
def office(db: Session) -> Office:
    return Office(db)


@pytest.fixture
def almighty(office: Office) -> Iterator[Actor]:
    """Somebody with every permission at every site, who has done nothing yet."""
    actor = replace(office.actor("admadm"), permissions=frozenset(Permission), sites=None)
    with acting_as(actor):
        yield actor


# What is refused, whatever the case.


@pytest.mark.parametrize("state", State)
def test_from_any_other_state_a_transition_is_refused(office: Office, almighty: Actor, state: State) -> None:
    case = office.case_in(state)
    last = office.events(case)[-1]
    for name, move in TRANSITIONS.items():
        if state not in move.from_states:
            with pytest.raises(WrongState) as refused:
                office.does(almighty, name, case)
            assert refused.value.params["user"] == last.username, name
            assert refused.value.params["at"] == last.at
            assert case.number in str(refused.value)
    assert (case.state, office.events(case)[-1].id) == (state, last.id)


@pytest.mark.parametrize("name", TRANSITIONS)
def test_without_its_permission_a_transition_is_refused(office: Office, almighty: Actor, name: str) -> None:
    move = TRANSITIONS[name]
    case = office.case_in(move.from_states[0])
    with pytest.raises(NotAllowed):
        office.does(replace(almighty, permissions=almighty.permissions - {move.permission}), name, case)


@pytest.mark.parametrize("name", TRANSITIONS)
def test_at_another_site_the_case_does_not_exist(office: Office, almighty: Actor, name: str) -> None:
    case = office.case_in(TRANSITIONS[name].from_states[0])
    with pytest.raises(NotFound):
        office.does(replace(almighty, sites=frozenset({"LWF"})), name, case)


@pytest.mark.parametrize("state", State)
def test_what_is_offered_is_what_is_not_refused_for_state_or_permission(
    office: Office, almighty: Actor, state: State
) -> None:
    case = office.case_in(state)
    offered = {move.name for move in available(case, almighty)}
    for name in TRANSITIONS:
        assert outcome(office, almighty, name, case) is (name in offered), name


def outcome(office: Office, actor: Actor, name: str, case: PassportCase) -> bool:
    """Whether `actor` came past permission and state; what he did is undone."""
    with office.db.begin_nested() as undo:
        try:
            office.does(actor, name, case)
        except (WrongState, NotAllowed):
            return False
        except DomainError:
            return True
        finally:
            undo.rollback()
    return True


def test_an_unknown_act_or_case_is_not_found(office: Office, almighty: Actor) -> None:
    case = make_case(office.db)
    with pytest.raises(NotFound):
        office.does(almighty, "explode", case)
    with pytest.raises(NotFound):
        perform(office.db, "authorise", "GUA999999999", almighty)


def test_a_field_that_is_not_declared_is_refused_by_name(office: Office) -> None:
    with pytest.raises(BadValue) as refused:
        office.does("supervisor", "authorise", make_case(office.db), session="x")
    assert refused.value.field == "session"


def test_a_case_that_somebody_took_is_his_for_half_an_hour(office: Office) -> None:
    case = make_case(office.db)
    case.held_by_id, case.held_at = office.actor("supersu").user_id, utc_now()
    office.db.flush()
    with pytest.raises(HeldByAnother) as refused:
        office.does("supervisor", "authorise", case)
    assert refused.value.params["user"] == "supersu"
    case.held_at = utc_now() - HOLD_LASTS - dt.timedelta(seconds=1)
    office.db.flush()
    office.does("supervisor", "authorise", case)
    assert (case.held_by_id, case.held_at) == (None, None)


def test_the_event_says_since_when_the_user_had_the_case(office: Office) -> None:
    case = make_case(office.db)
    taken = utc_now() - dt.timedelta(minutes=4)
    case.held_by_id, case.held_at = office.actor("supervisor").user_id, taken
    office.db.flush()
    assert office.does("supervisor", "authorise", case).started_at == taken


# Supervision and secondary validation.


def test_a_rejection_needs_a_reason_of_its_kind_and_screen(office: Office) -> None:
    for reason in (None, "", "A01", "R06", "R99X"):
        with pytest.raises(BadValue) as refused:
            office.does("supervisor", "reject", make_case(office.db), reason=reason)
        assert refused.value.field == "reason"
    with pytest.raises(BadValue) as silent:
        office.does("supervisor", "reject", make_case(office.db), reason="R99")
    assert silent.value.field == "comment"
    event = office.does("supervisor", "reject", make_case(office.db), reason="R99", comment="Otra cosa")
    assert (event.to_state, event.reason_code, event.comment) == ("RECHAZADA", "R99", "Otra cosa")


def test_findings_are_resolved_one_by_one_before_the_case_is_accepted(office: Office) -> None:
    from models.cases import CaseFinding

    case = office.case_in(State.VALIDACION_SECUNDARIA)
    for code in ("WATCH_LIST", "CUI_BIRTH_PLACE"):
        office.db.add(CaseFinding(case_id=case.id, code=code, fields=[], detail={}, found_at=utc_now()))
    office.db.flush()
    given = {"reason": "A04", "resolutions": {"WATCH_LIST": "Homónimo"}}
    with pytest.raises(BadValue):
        office.does("supersu", "accept_secondary", case, **given)
    office.db.refresh(case)
    given["resolutions"] = {"WATCH_LIST": "Homónimo", "CUI_BIRTH_PLACE": "Municipio nuevo"}
    event = office.does("supersu", "accept_secondary", case, comment="Revisado", **given)
    assert event.data["resolutions"] == given["resolutions"]
    assert {(found.code, found.resolution) for found in case.findings} == set(given["resolutions"].items())  # type: ignore[attr-defined]
    assert {found.resolved_by_id for found in case.findings} == {office.actor("supersu").user_id}


def test_a_referred_case_waits_in_secondary_validation(office: Office) -> None:
    case = make_case(office.db)
    assert (
        office.does("supervisor", "refer", case, comment="La foto no parece suya").to_state == "VALIDACION_SECUNDARIA"
    )
    event = office.does("supersu", "reject_secondary", case, reason="R06", comment="Consta la defunción")
    assert (event.event, event.to_state) == ("RECHAZO", "RECHAZADA")


# The whole life.


def test_a_case_goes_through_the_whole_office(office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    use = office.use(case)
    booklet = office.db.get_one(Booklet, use.booklet_number)
    assert [(event.event, event.from_state, event.to_state, event.username) for event in office.events(case)] == [
        ("RECEPCION", None, "ENROLADA", "sistema"),
        ("AUTORIZACION", "ENROLADA", "AUTORIZADA", "supervisor"),
        ("IMPRESION", "AUTORIZADA", "EN_IMPRESION", "impres"),
        ("IMPRESION_ACEPTADA", "EN_IMPRESION", "IMPRESA", "impres"),
        ("DOCUCHECK", "IMPRESA", "POST_IMPRESION", "concal"),
        ("ENTREGA", "POST_IMPRESION", "ENTREGADA", "entrega"),
    ]
    assert [event.booklet_number for event in office.events(case)][2:] == [booklet.number] * 4
    assert (booklet.state, booklet.case_id, booklet.place) == ("ENTREGADA", case.id, "HOLDER")
    assert (booklet.issued_on, booklet.expires_on) == (use.issued_on, use.expires_on)
    assert office.moves(booklet.number) == [
        ("SUPPLIER", "WAREHOUSE:PROD-GUA"),
        ("WAREHOUSE:PROD-GUA", "PRINTING:GUA"),
        ("PRINTING:GUA", "HOLDER"),
    ]
    assert use.collected == {
        "collector": "HOLDER", "name": "Marisela Odilia Tzunux Barrondo", "document_type": "DPI",
        "document_number": "6000000080101",
    }  # fmt: skip
    did = {name: office.actor(name).user_id for name in ("impres", "concal", "entrega")}
    assert (use.assigned_by_id, use.printed_by_id) == (did["impres"], did["impres"])
    assert (use.checked_by_id, use.delivered_by_id) == (did["concal"], did["entrega"])


def test_a_case_of_a_mobile_station_is_printed_by_its_own_act(office: Office, almighty: Actor) -> None:
    case = office.case_in(State.AUTORIZADA, mobile=True)
    with pytest.raises(WrongState):
        office.does(almighty, "assign_booklet", case, booklet=office.booklet())
    assert office.does(almighty, "assign_booklet_mobile", case, booklet=office.booklet()).to_state == "EN_IMPRESION"
    with pytest.raises(WrongState):
        office.does(almighty, "assign_booklet_mobile", office.case_in(State.AUTORIZADA), booklet=office.booklet())


def test_printing_again_counts_copies_of_the_same_page(office: Office) -> None:
    case = office.case_in(State.EN_IMPRESION)
    sums = [office.does("impres", "print_page", case).data for _copy in range(2)]
    assert [data["copy"] for data in sums] == [1, 2]
    assert {data["page_sha256"] for data in sums} == {office.use(case).page_sha256}
    assert case.state == "EN_IMPRESION"


# Booklets.


def test_only_a_new_booklet_of_the_category_in_the_sites_warehouse_is_assigned(office: Office) -> None:
    used = office.case_in(State.EN_IMPRESION)
    case = office.case_in(State.AUTORIZADA)
    for number, error in (
        (used.booklet_number, Unavailable),
        (office.booklet(category="OFICIAL"), Unavailable),
        (office.booklet(warehouse="PROD-LWF"), Unavailable),
        ("F9999999", NotFound),
        ("X0000001", BadValue),
        ("", BadValue),
    ):
        with pytest.raises(error) as refused:
            office.does("impres", "assign_booklet", case, booklet=number)
        assert refused.value.field == "booklet" or refused.value.params["field"] == "booklet", number
    assert (case.state, case.booklet_number) == ("AUTORIZADA", None)
    with pytest.raises(Unavailable) as taken:
        office.does("impres", "assign_booklet", case, booklet=used.booklet_number)
    assert (taken.value.params["user"], taken.value.params["event"]) == ("impres", "IMPRESION")


@pytest.mark.parametrize(
    ("state", "who", "act", "values", "reason"),
    [
        (State.EN_IMPRESION, "impres", "refuse_print", {}, "IMP"),
        (State.EN_IMPRESION, "impres", "refuse_print", {"void_type": "DEF", "comment": "Hoja rota"}, "DEF"),
        (State.IMPRESA, "concal", "refuse_quality", {"comment": "Foto movida"}, "CCA"),
    ],
)
def test_a_refused_print_voids_its_booklet_and_the_case_waits_for_another(
    office: Office, state: State, who: str, act: str, values: dict[str, str], reason: str
) -> None:
    case = office.case_in(state)
    number = str(case.booklet_number)
    event = office.does(who, act, case, **values)
    booklet = office.db.get_one(Booklet, number)
    assert (case.state, case.booklet_number) == ("AUTORIZADA", None)
    assert (event.booklet_number, event.reason_code, event.to_state) == (number, reason, "AUTORIZADA")
    assert (booklet.state, booklet.void_type_code, booklet.place) == ("ANULADA", reason, "VOIDED:PROD-GUA")
    assert office.moves(number)[-1] == ("PRINTING:GUA", "VOIDED:PROD-GUA")
    assert office.use(case).voided_at == event.at
    office.bring(case, State.ENTREGADA)
    assert case.booklet_number != number


def test_a_void_type_of_another_screen_does_not_refuse_a_print(office: Office) -> None:
    with pytest.raises(BadValue) as refused:
        office.does("impres", "refuse_print", office.case_in(State.EN_IMPRESION), void_type="ROB")
    assert refused.value.field == "void_type"


# Quality control.


@pytest.mark.parametrize("kind", ["booklet", "mrz", "seal"])
def test_quality_needs_every_scan_to_agree(office: Office, kind: str) -> None:
    case = office.case_in(State.IMPRESA)
    scans = office.scans(case)
    for wrong in ({**scans, kind: ""}, {**scans, kind: "F0000000"}):
        with pytest.raises(BadValue) as refused:
            office.does("concal", "accept_quality", case, **LOOKS, **wrong)
        assert refused.value.field == kind
    assert office.does("concal", "accept_quality", case, **LOOKS, **scans).to_state == "POST_IMPRESION"


@pytest.mark.parametrize("look", LOOKS)
def test_quality_needs_every_look_confirmed(office: Office, look: str) -> None:
    case = office.case_in(State.IMPRESA)
    with pytest.raises(BadValue) as refused:
        office.does("concal", "accept_quality", case, **{**LOOKS, look: ""}, **office.scans(case))
    assert refused.value.field == look


def test_the_scans_of_another_booklet_do_not_pass(office: Office) -> None:
    case, other = office.case_in(State.IMPRESA), office.case_in(State.IMPRESA)
    with pytest.raises(BadValue) as refused:
        office.does("concal", "accept_quality", case, **LOOKS, **office.scans(other))
    assert refused.value.field == "booklet"


# Void and reactivate.


@pytest.mark.parametrize(
    ("state", "after", "void_type"),
    [
        (State.EN_IMPRESION, State.AUTORIZADA, "ERR"),
        (State.IMPRESA, State.AUTORIZADA, "ERR"),
        (State.POST_IMPRESION, State.AUTORIZADA, "NRC"),
        (State.ENTREGADA, State.ENTREGADA, "JUD"),
    ],
)
def test_a_void_that_was_a_mistake_is_undone_by_a_second_person(
    office: Office, state: State, after: State, void_type: str
) -> None:
    case = office.case_in(state)
    number, before = str(case.booklet_number), office.db.get_one(Booklet, str(case.booklet_number)).state
    event = office.does("produccion", "void_booklet", case, void_type=void_type, comment="Se anuló")
    booklet = office.db.get_one(Booklet, number)
    assert (event.from_state, event.to_state, case.state) == (state, after, after)
    assert (booklet.state, event.data["booklet_was"]) == ("ANULADA", before)
    admin = office.actor("admadm")
    voider = replace(admin, user_id=office.actor("produccion").user_id)
    with pytest.raises(Refused):
        office.does(voider, "reactivate_booklet", case, booklet=number, comment="Me equivoqué")
    undone = office.does(admin, "reactivate_booklet", case, booklet=number, comment="Anulada por error")
    assert (case.state, case.booklet_number, booklet.state, booklet.void_type_code) == (state, number, before, None)
    assert (undone.event, undone.to_state) == ("REACTIVACION", state)
    was = "HOLDER" if state == State.ENTREGADA else "PRINTING:GUA"
    kept = "OUTSIDE" if state == State.ENTREGADA else "VOIDED:PROD-GUA"
    assert office.moves(number)[-2:] == [(was, kept), (kept, was)]
    assert office.use(case).voided_at is None
    if state != State.ENTREGADA:
        office.bring(case, State.ENTREGADA)


def test_a_theft_is_not_undone(office: Office) -> None:
    case = office.case_in(State.ENTREGADA)
    office.does("produccion", "void_booklet", case, void_type="ROB", comment="Denuncia 123")
    with pytest.raises(BadValue):
        office.does("admadm", "reactivate_booklet", case, booklet=case.booklet_number, comment="Apareció")


def test_a_booklet_is_not_reactivated_once_the_case_has_another_or_for_another_case(office: Office) -> None:
    case = office.case_in(State.EN_IMPRESION)
    number = str(case.booklet_number)
    office.does("produccion", "void_booklet", case, void_type="ERR", comment="Error")
    with pytest.raises(Unavailable):
        office.does("admadm", "reactivate_booklet", office.case_in(State.AUTORIZADA), booklet=number, comment="A este")
    office.bring(case, State.ENTREGADA)
    with pytest.raises(Unavailable):
        office.does("admadm", "reactivate_booklet", case, booklet=number, comment="Tarde")


def test_a_void_type_must_fit_the_state_of_the_booklet(office: Office) -> None:
    with pytest.raises(BadValue) as refused:
        office.does("produccion", "void_booklet", office.case_in(State.EN_IMPRESION), void_type="ROB", comment="No")
    assert refused.value.field == "void_type"
    delivered = office.case_in(State.ENTREGADA)
    office.does("produccion", "void_booklet", delivered, void_type="EXT", comment="Lo perdió")
    with pytest.raises(BadValue):
        office.does("produccion", "void_booklet", delivered, void_type="EXT", comment="Otra vez")


# Corrections and extensions.


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"validity_years": 7}, "validity_years"), ({"validity_years": 200}, "validity_years"),
     ({"first_name": "A\nB"}, "first_name"), ({"first_name": "\u202eAna"}, "first_name"),
     ({"first_surname": "<b>X</b>"}, "first_surname"), ({"birth_date": "2099-01-01"}, "birth_date"),
     ({"cui": "6000000000101"}, "cui"), ({"email": "nobody"}, "email"), ({"height_cm": 299}, "height_cm"),
     ({"passport_type_code": "DIP", "validity_years": 10}, "validity_years"),
     ({"birth_department_code": "02"}, "birth_municipality_code")],
)  # fmt: skip
def test_a_correction_cannot_write_what_no_enrolment_may_have(
    office: Office, changes: dict[str, object], name: str
) -> None:
    with pytest.raises(BadValue) as refused:
        office.does("jpgu", "correct", make_case(office.db), changes=changes, comment="No")
    assert (refused.value.field, refused.value.params["name"]) == ("changes", name)


def test_a_corrected_cui_is_the_number_of_the_document_too(office: Office) -> None:
    case = make_case(office.db)
    office.does("jpgu", "correct", case, changes={"cui": cui(60000123)}, comment="Lo dice el DPI")
    assert case.identification_number == case.cui == cui(60000123)


def test_findings_are_accepted_with_the_comment_alone(office: Office) -> None:
    case = office.case_in(State.VALIDACION_SECUNDARIA)
    office.does("supersu", "accept_secondary", case, reason="A02", comment="Visto el DPI")
    assert case.state == "AUTORIZADA"


def test_a_correction_before_printing_keeps_what_was_there(office: Office) -> None:
    case = make_case(office.db)
    changes = {"first_name": "Mariseli", "height_cm": 161}
    event = office.does("jpgu", "correct", case, changes=changes, comment="Lo dice el DPI")
    assert event.data["before"] == {"first_name": "Marisela", "height_cm": 160}
    assert (event.data["after"], event.data["asked"]["by"], event.username) == (changes, "jusa", "jpgu")
    assert (case.state, case.first_name, case.applicant.height_cm) == ("ENROLADA", "Mariseli", 161)
    assert "MARISELI" in case.search_name.upper()
    for wrong in (
        {"state": "ENTREGADA"},
        {"number": "X"},
        {},
        {"height_cm": "alta"},
        {"first_name": ["x"]},
        {"cui": None},
    ):
        with pytest.raises(BadValue) as refused:
            office.does("jpgu", "correct", case, changes=wrong, comment="No")
        assert refused.value.field == "changes"


@pytest.mark.parametrize("state", [State.POST_IMPRESION, State.ENTREGADA])
def test_a_correction_after_printing_ends_the_case_and_makes_a_linked_one(office: Office, state: State) -> None:
    old = office.case_in(state)
    number = str(old.booklet_number)
    office.db.add(CaseRequirement(case_id=old.id, requirement_code=_requirement(office.db), presented=True))
    event = office.does("jpgu", "correct_issued", old, **CHANGE)
    new = office.db.scalars(
        select(PassportCase).where(PassportCase.number == event.data["new_case"]).execution_options(every_site=True)
    ).one()
    booklet = office.db.get_one(Booklet, number)
    assert (old.state, booklet.state, booklet.void_type_code) == ("CORREGIDA", "ANULADA", "COR")
    assert (new.state, new.parent_id, new.procedure_code, new.first_name) == (
        "AUTORIZADA",
        old.id,
        "CORRECCION",
        "Mariseli",
    )
    assert old.first_name == "Marisela"
    assert event.data["before"] == {"first_name": "Marisela"}
    assert [(first.event, first.from_state, first.to_state) for first in office.events(new)] == [
        ("CREADO_POR_CORRECCION", None, "AUTORIZADA")
    ]
    pictures = select(CasePicture.picture_id).order_by(CasePicture.kind)
    assert list(office.db.scalars(pictures.where(CasePicture.case_id == new.id))) == list(
        office.db.scalars(pictures.where(CasePicture.case_id == old.id))
    )
    office.bring(new, State.ENTREGADA)


def _requirement(db: Session) -> str:
    from models.catalogs import Requirement

    return db.scalars(select(Requirement.code)).first() or ""


def wait_until_it_expires(db: Session, use: Personalisation, on: dt.date) -> None:
    """As if the passport had been made long ago: the database itself refuses to change its dates."""
    with pytest.raises(DBAPIError), db.begin_nested():
        db.execute(text("update personalisation set expires_on = :on where id = :id"), {"on": on, "id": use.id})
    db.execute(text("alter table personalisation disable trigger personalisation_is_proof_on_update"))
    use.expires_on = on
    db.flush()
    db.execute(text("alter table personalisation enable trigger personalisation_is_proof_on_update"))


def test_a_passport_is_extended_in_its_last_six_months_only(office: Office) -> None:
    old = office.case_in(State.ENTREGADA)
    with pytest.raises(Refused):
        office.does("supersu", "extend", old, comment="Viaja pronto")
    use, today = office.use(old), utc_now().date()
    wait_until_it_expires(office.db, use, today + dt.timedelta(days=180))
    event = office.does("supersu", "extend", old, comment="Viaja pronto")
    with pytest.raises(Unavailable):
        office.does("supersu", "extend", old, comment="Otra vez")
    new = office.db.scalars(
        select(PassportCase).where(PassportCase.number == event.data["new_case"]).execution_options(every_site=True)
    ).one()
    assert (old.state, use.expires_on) == ("ENTREGADA", today + dt.timedelta(days=180))
    assert (new.state, new.procedure_code, new.parent_id) == ("AUTORIZADA", "PRORROGA", old.id)
    assert new.previous_booklet == old.booklet_number
    former = office.db.get_one(Booklet, str(old.booklet_number))
    office.bring(new, State.POST_IMPRESION)
    assert former.state == "ENTREGADA"
    office.bring(new, State.ENTREGADA)
    assert (former.state, former.void_type_code) == ("ANULADA", "REN")
    assert office.events(old)[-1].event == "ANULACION"


def test_a_replaced_passport_is_voided_when_the_new_one_is_delivered_at_whatever_site_it_is(office: Office) -> None:
    old = office.case_in(State.ENTREGADA)
    office.db.execute(
        update(PassportCase).where(PassportCase.id == old.id).values(site_code="LWF", print_site_code="LWF")
    )
    new = office.case_in(State.ENTREGADA, procedure_code="REPOSICION", previous_booklet=old.booklet_number)
    former = office.db.get_one(Booklet, str(old.booklet_number))
    assert (new.state, former.state, former.void_type_code) == ("ENTREGADA", "ANULADA", "REP")


# Controls.


def _own_case(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    return replace(office.actor("supervisor"), cui="6000000080101"), "authorise", make_case(office.db), {}


def _captured(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    return office.actor("supervisor"), "authorise", make_case(office.db, operator="supervisor"), {}


def _corrected(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    case = make_case(office.db)
    office.does("jpgu", "correct", case, **CHANGE)
    head = office.actor("jpgu")
    return replace(head, permissions=head.permissions | {Permission.AUTHORISE_CASES}), "authorise", case, {}


def _printed(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    case = office.case_in(State.IMPRESA)
    printer = office.actor("impres")
    scans = {**LOOKS, **office.scans(case)}
    return replace(printer, permissions=printer.permissions | {Permission.CHECK_QUALITY}), "accept_quality", case, scans


def _whole_life(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    everybody = replace(office.actor("admadm"), permissions=frozenset(Permission))
    case = make_case(office.db)
    office.db.add(ControlSetting(control="printer_not_quality", site_code="*", mode="off"))
    office.does(everybody, "authorise", case)
    office.does(everybody, "assign_booklet", case, booklet=office.booklet())
    office.does(everybody, "accept_print", case)
    office.does(everybody, "accept_quality", case, **LOOKS, **office.scans(case))
    return everybody, "deliver", case, COLLECTED


def _elsewhere(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    case = office.case_in(State.POST_IMPRESION)
    case.site_code = "LWF"
    office.db.flush()
    return replace(office.actor("entrega"), sites=frozenset({"LWF"})), "deliver", case, COLLECTED


def _picked(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    office.db.execute(update(Site).where(Site.code == "GUA").values(only_dealt=True))
    office.db.expire_all()
    return office.actor("supervisor"), "authorise", make_case(office.db), {}


def _corrected_alone(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    return office.actor("jpgu"), "correct", make_case(office.db), {**CHANGE, "asked": None}


def _voided_alone(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    values = {"void_type": "JUD", "comment": "Orden judicial", "asked": None}
    return office.actor("produccion"), "void_booklet", office.case_in(State.ENTREGADA), values


def _asked_for(office: Office) -> tuple[Actor, str, PassportCase, dict[str, Any]]:
    case = make_case(office.db)
    office.does("jpgu", "correct", case, **CHANGE)
    asker = office.actor("jusa")
    return replace(asker, permissions=asker.permissions | {Permission.AUTHORISE_CASES}), "authorise", case, {}


BREACHES = {
    "own_case": _own_case,
    "captured_not_authorised": _captured,
    "captured_not_authorised (corrected)": _corrected,
    "captured_not_authorised (asked for a correction)": _asked_for,
    "correction_two_people": _corrected_alone,
    "delivered_void_two_people": _voided_alone,
    "printer_not_quality": _printed,
    "whole_life": _whole_life,
    "holder_delivers": _elsewhere,
    "only_dealt": _picked,
}
Breach = Callable[[Office], tuple[Actor, str, PassportCase, dict[str, Any]]]


def test_every_control_is_broken_here_on_purpose() -> None:
    from workflow.controls import DECLARED

    assert {control.name for control in DECLARED} == {name.split()[0] for name in BREACHES}


@pytest.mark.parametrize(("name", "breach"), BREACHES.items(), ids=BREACHES)
def test_a_control_refuses_warns_or_is_silent_as_it_is_set(office: Office, name: str, breach: Breach) -> None:
    control = name.split()[0]
    actor, act, case, values = breach(office)
    with pytest.raises(Refused):
        office.does(actor, act, case, **values)
    site = case.site_code
    office.db.add(ControlSetting(control=control, site_code="*", mode="off"))
    office.db.add(ControlSetting(control=control, site_code=site, mode="enforce"))
    office.db.flush()
    with pytest.raises(Refused):
        office.does(actor, act, case, **values)
    office.db.get_one(ControlSetting, (control, site)).mode = "warn"
    with office.db.begin_nested() as undo:
        assert office.does(actor, act, case, **values).data["warnings"] == [control]
        undo.rollback()
    office.db.expire_all()
    office.db.get_one(ControlSetting, (control, site)).mode = "off"
    assert "warnings" not in office.does(actor, act, case, **values).data
