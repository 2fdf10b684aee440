"""What needs two people: asked for by one, approved by another, and never when the case has changed meanwhile."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest
from models.booklets import Booklet
from models.cases import PassportCase, State
from models.control import ControlSetting
from security.errors import BadValue, DomainError, NotAllowed, NotFound, Refused, WrongState
from security.scope import acting_as
from tests.build import make_case
from tests.workflow.test_machine import Office
from workflow import evidence, requests, second_person
from workflow.machine import perform
from workflow.second_person import Requester

APPLICANT = Requester("APPLICANT")
RIGHT = {"changes": {"first_name": "Mariseli", "height_cm": 158}, "reason": "C01", "comment": "Así consta en el DPI"}
JUDGE = {"void_type": "JUD", "comment": "Orden judicial 12-2026"}


class Desk(Office):
    """An office whose people ask and decide."""

    def asks(
        self, who: str, act: str, case: PassportCase, values: dict[str, Any], requester: Requester | None = APPLICANT,
        files: list[str] | None = None,
    ) -> AmendmentRequest:  # fmt: skip
        actor = self.actor(who)
        with acting_as(actor), self.db.begin_nested():
            if files is None and act != "void_booklet":
                files = [str(evidence.keep(self.db, actor, case, "dpi.pdf", PDF).id)]
            return second_person.ask(
                self.db, act, case.number, actor, values, requester=requester, files=files or []
            )  # fmt: skip

    def decides(self, who: str, how: Callable[..., Any], request: AmendmentRequest, *said: str) -> Any:
        actor = self.actor(who)
        with acting_as(actor), self.db.begin_nested():
            return how(self.db, request.id, actor, *said)

    def sets(self, control: str, mode: str, site: str = "*") -> None:
        self.db.merge(ControlSetting(control=control, site_code=site, mode=mode))
        self.db.flush()


@pytest.fixture
def desk(db: Session) -> Desk:
    return Desk(db)


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "beige").save(stream, kind)
    return stream.getvalue()


def pdf() -> bytes:
    from printing.papers import Paper, draw

    return draw(Paper("Constancia", ("Registro",), (), ("Consta lo que consta.",)))


PDF = pdf()


# Asking and approving.


def test_a_correction_is_done_when_a_second_person_approves_it_and_its_event_names_both(desk: Desk) -> None:
    case = make_case(desk.db)
    request = desk.asks("jpgu", "correct", case, RIGHT)
    assert (request.state, case.first_name, request.before) == (
        "PENDING", "Marisela", {"first_name": "Marisela", "height_cm": 160},
    )  # fmt: skip
    assert request.zones["after"][0].startswith("P<GTMTZUNUX<BARRONDO<<MARISELI")
    assert (request.requester_name, request.requester_identification) == (case.full_name, "6000000080101")
    event = desk.decides("jusa", second_person.approve, request, "Visto")
    assert (case.first_name, case.applicant.height_cm) == ("Mariseli", 158)
    assert (event.username, event.data["asked"], event.reason_code) == (
        "jusa", {"by_id": desk.actor("jpgu").user_id, "by": "jpgu", "request": request.id}, "C01",
    )  # fmt: skip
    assert (request.state, request.event_id, request.decision) == ("APPROVED", event.id, "Visto")


def test_a_correction_after_printing_makes_the_new_case_when_it_is_approved(desk: Desk) -> None:
    case = desk.case_in(State.ENTREGADA)
    request = desk.asks("jpgu", "correct_issued", case, RIGHT)
    assert desk.db.get_one(Booklet, str(case.booklet_number)).state == "ENTREGADA"
    event = desk.decides("jusa", second_person.approve, request)
    found = select(PassportCase).where(PassportCase.number == event.data["new_case"])
    new = desk.db.scalars(found.execution_options(every_site=True)).one()
    assert (case.state, new.first_name, new.parent_id, event.data["reason"]) == (
        "CORREGIDA",
        "Mariseli",
        case.id,
        "C01",
    )
    assert desk.events(new)[0].data["asked"]["by"] == "jpgu"


def test_one_person_cannot_decide_what_he_asked_for(desk: Desk) -> None:
    request = desk.asks("jpgu", "correct", make_case(desk.db), RIGHT)
    for how, said in ((second_person.approve, ""), (second_person.refuse, "No")):
        with pytest.raises(Refused, match="two people"):
            desk.decides("jpgu", how, request, said)
    assert request.state == "PENDING"


def test_nor_does_the_database_let_him(desk: Desk) -> None:
    request = desk.asks("jpgu", "correct", make_case(desk.db), RIGHT)
    with pytest.raises(DBAPIError, match="request_is_decided_by_a_second_person"), desk.db.begin_nested():
        desk.db.execute(
            text("update amendment_request set state = 'REFUSED', decision = 'x', decided_at = now(),"
                 " decided_by_id = requested_by_id where id = :id"), {"id": request.id},
        )  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    ["update amendment_request set comment = 'x'", "update amendment_request set decision = 'x'",
     "update amendment_request set state = 'PENDING', decided_at = null, decided_by_id = null, event_id = null",
     "delete from amendment_request", "delete from request_evidence", "delete from evidence",
     "update evidence set name = 'x'", "update evidence set data = 'x'"],
)  # fmt: skip
def test_what_was_decided_and_its_evidence_stay_as_they_are(desk: Desk, statement: str) -> None:
    request = desk.asks("jpgu", "correct", make_case(desk.db), RIGHT)
    desk.decides("jusa", second_person.approve, request)
    with pytest.raises(DBAPIError) as refused, desk.db.begin_nested():
        desk.db.execute(text(statement))
    assert refused.value.orig.sqlstate in ("23001", "23503")  # type: ignore[union-attr]


def test_a_request_is_refused_with_a_reason_and_withdrawn_by_who_made_it(desk: Desk) -> None:
    case = make_case(desk.db)
    request = desk.asks("jpgu", "correct", case, RIGHT)
    with pytest.raises(BadValue):
        desk.decides("jusa", second_person.refuse, request, " ")
    with pytest.raises(Refused, match="jpgu"):
        desk.decides("jusa", second_person.withdraw, request)
    desk.decides("jusa", second_person.refuse, request, "El DPI dice otra cosa")
    again = desk.asks("jpgu", "correct", case, RIGHT)
    desk.decides("jpgu", second_person.withdraw, again)
    assert (request.state, again.state, case.first_name) == ("REFUSED", "WITHDRAWN", "Marisela")
    with pytest.raises(WrongState) as late:
        desk.decides("jusa", second_person.approve, again)
    assert late.value.params["user"] == "jpgu"


def test_while_one_request_waits_the_next_is_told_who_asked_what_when(desk: Desk) -> None:
    case = make_case(desk.db)
    first = desk.asks("jpgu", "correct", case, RIGHT)
    with pytest.raises(WrongState) as refused:
        desk.asks("jusa", "correct", case, {**RIGHT, "changes": {"first_name": "María"}})
    told = refused.value.params
    assert (told["user"], told["at"], told["request"]) == ("jpgu", first.requested_at, first.id)


# A case that changed.


def test_a_case_that_left_its_state_is_not_corrected(desk: Desk) -> None:
    case = make_case(desk.db)
    request = desk.asks("jpgu", "correct", case, RIGHT)
    desk.does("supervisor", "authorise", case)
    with pytest.raises(WrongState) as refused:
        desk.decides("jusa", second_person.approve, request)
    assert (refused.value.params["expected"], refused.value.params["state"]) == ("ENROLADA", "AUTORIZADA")
    assert (request.state, case.first_name) == ("PENDING", "Marisela")


def test_a_datum_that_changed_refuses_the_approval_and_asking_anew_lets_the_request_lapse(desk: Desk) -> None:
    case = make_case(desk.db)
    request = desk.asks("jpgu", "correct", case, RIGHT)
    case.applicant.height_cm = 170
    desk.db.flush()
    with pytest.raises(WrongState) as refused:
        desk.decides("jusa", second_person.approve, request)
    assert (refused.value.params["expected"], refused.value.params["state"]) == ("160", "170")
    with acting_as(desk.actor("jusa")):
        seen = requests.whole(desk.db, request.id, desk.actor("jusa"))
    assert [(one.label, one.before, one.after) for one in seen.differences] == [("Height in cm", "160", "170")]
    anew = desk.asks("jusa", "correct", case, RIGHT, files=[str(file.id) for file in seen.files])
    assert (request.state, anew.before["height_cm"]) == ("LAPSED", 170)
    desk.decides("jpgu", second_person.approve, anew)
    assert case.applicant.height_cm == 158


def test_a_passport_reported_stolen_meanwhile_is_not_corrected(desk: Desk) -> None:
    case = desk.case_in(State.ENTREGADA)
    request = desk.asks("jpgu", "correct_issued", case, RIGHT)
    desk.does("produccion", "void_booklet", case, asked=None, void_type="ROB", comment="Denuncia 55")
    with pytest.raises(WrongState) as refused:
        desk.decides("jusa", second_person.approve, request)
    assert (refused.value.params["expected"], refused.value.params["state"]) == ("ENTREGADA", "ANULADA")
    with pytest.raises(BadValue):
        desk.asks("jpgu", "correct_issued", case, RIGHT)


# Who may, and what is asked for.


def test_neither_who_asked_nor_who_approved_authorises_the_corrected_case(desk: Desk) -> None:
    from dataclasses import replace

    from security.permissions import Permission

    case = make_case(desk.db)
    desk.decides("jusa", second_person.approve, desk.asks("jpgu", "correct", case, RIGHT))
    for who in ("jpgu", "jusa"):
        actor = desk.actor(who)
        with pytest.raises(Refused, match="capture and authorise"):
            desk.does(
                replace(actor, permissions=actor.permissions | {Permission.AUTHORISE_CASES}), "authorise", case
            )  # fmt: skip


def test_the_act_itself_is_refused_to_one_person_whatever_door_he_takes(desk: Desk) -> None:
    actor = desk.actor("admadm")
    with acting_as(actor):
        for state, act, values in (
            (State.ENROLADA, "correct", RIGHT), (State.ENTREGADA, "correct_issued", RIGHT),
            (State.ENTREGADA, "void_booklet", JUDGE),
        ):  # fmt: skip
            with pytest.raises(Refused, match="two people"):
                perform(desk.db, act, desk.case_in(state).number, actor, **values)


def test_who_may_not_correct_neither_asks_nor_decides_nor_looks(desk: Desk) -> None:
    case = make_case(desk.db)
    with pytest.raises(NotAllowed):
        desk.asks("supervisor", "correct", case, RIGHT, files=[])
    request = desk.asks("jpgu", "correct", case, RIGHT)
    for how in (second_person.approve, second_person.withdraw, requests.find):
        with pytest.raises(NotAllowed):
            desk.decides("produccion", how, request)


def test_at_another_site_there_is_no_such_request(desk: Desk) -> None:
    from dataclasses import replace

    request = desk.asks("jpgu", "correct", make_case(desk.db), RIGHT)
    elsewhere = replace(desk.actor("jusa"), sites=frozenset({"LWF"}))
    with acting_as(elsewhere):
        assert requests.waiting(desk.db, requests.CORRECTIONS) == []
        for how in (second_person.approve, requests.find):
            with pytest.raises(NotFound):
                how(desk.db, request.id, elsewhere)
        number = requests.evidence.of_request(desk.db, request.id)[0].id
        with pytest.raises(NotFound):
            evidence.read(desk.db, elsewhere, number)


@pytest.mark.parametrize(
    ("changed", "requester", "field"),
    [({"reason": ""}, APPLICANT, "reason"), ({"reason": "R01"}, APPLICANT, "reason"), ({"comment": " "}, APPLICANT,
     "comment"), ({}, None, "requester_kind"), ({}, Requester("KING"), "requester_kind"),
     ({}, Requester("GUARDIAN", "", "1"), "requester_name"), ({}, Requester("GUARDIAN", "Ana", ""),
     "requester_identification"), ({}, Requester("GUARDIAN", "x" * 121, "1"), "requester_name"),
     ({"changes": {"first_name": "Marisela"}}, APPLICANT, "changes"), ({"changes": {"state": "X"}}, APPLICANT,
     "changes"), ({"changes": {"sex_code": "Z"}}, APPLICANT, "changes")],
)  # fmt: skip
def test_a_request_that_could_not_be_carried_out_is_not_made(
    desk: Desk, changed: dict[str, Any], requester: Requester | None, field: str
) -> None:
    case = make_case(desk.db)
    with pytest.raises(BadValue) as refused:
        desk.asks("jpgu", "correct", case, {**RIGHT, **changed}, requester)
    assert refused.value.field == field
    assert requests.waiting_on(desk.db, case.id) is None


def test_his_own_case_nobody_asks_to_correct(desk: Desk) -> None:
    from dataclasses import replace

    case, actor = make_case(desk.db), replace(desk.actor("jpgu"), cui="6000000080101")
    with acting_as(actor), pytest.raises(Refused, match="own case"):
        second_person.ask(desk.db, "correct", case.number, actor, RIGHT, requester=APPLICANT)


# The control, by site.


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_where_the_control_allows_it_one_person_corrects_at_once(desk: Desk, mode: str) -> None:
    case = make_case(desk.db)
    desk.sets("correction_two_people", mode, "GUA")
    request = desk.asks("jpgu", "correct", case, RIGHT)
    assert (request.state, request.alone, case.first_name) == ("APPROVED", True, "Mariseli")
    assert desk.events(case)[-1].data.get("warnings") == (["correction_two_people"] if mode == "warn" else None)


@pytest.mark.parametrize("void_type", ["ROB", "HUR", "EXT"])
def test_a_report_of_loss_or_theft_blocks_the_passport_at_once(desk: Desk, void_type: str) -> None:
    case = desk.case_in(State.ENTREGADA)
    values = {"void_type": void_type, "comment": "Denuncia 55"}
    with acting_as(desk.actor("produccion")):
        assert not second_person.needs_second(desk.db, "void_booklet", case.number, desk.actor("produccion"), values)
    desk.does("produccion", "void_booklet", case, asked=None, **values)
    assert desk.db.get_one(Booklet, str(case.booklet_number)).state == "ANULADA"


def test_any_other_void_of_a_delivered_passport_waits_for_a_second_person(desk: Desk) -> None:
    case = desk.case_in(State.ENTREGADA)
    request = desk.asks("produccion", "void_booklet", case, JUDGE, None)
    booklet = desk.db.get_one(Booklet, str(case.booklet_number))
    assert (request.state, booklet.state, request.booklet_state) == ("PENDING", "ENTREGADA", "ENTREGADA")
    desk.decides("jpgu", second_person.approve, request)
    assert (booklet.state, booklet.void_type_code) == ("ANULADA", "JUD")
    for who in ("produccion", "jpgu"):
        actor = desk.actor(who)
        with acting_as(actor), pytest.raises(DomainError):
            second_person.perform(
                desk.db, "reactivate_booklet", case.number, actor, booklet=booklet.number, comment="No era"
            )  # fmt: skip
    desk.does("admadm", "reactivate_booklet", case, booklet=booklet.number, comment="No era")
    assert booklet.state == "ENTREGADA"


def test_a_void_before_delivery_needs_nobody_else(desk: Desk) -> None:
    case = desk.case_in(State.POST_IMPRESION)
    desk.does("produccion", "void_booklet", case, asked=None, void_type="NRC", comment="Nadie lo reclamó")
    assert case.state == "AUTORIZADA"


# Evidence.


@pytest.mark.parametrize(
    ("data", "kind"),
    [(PDF, "application/pdf"), (picture("JPEG"), "image/jpeg"), (picture("PNG"), "image/png"),
     (picture("GIF"), None), (PDF[:-40], None), (picture("JPEG")[:300], None), (b"", None), (b"%PDF-1.4\n%%EOF", None),
     (b"<html><script>alert(1)</script>", None), (b"MZ\x90\x00", None), (b"\x89PNG\r\n\x1a\n" + b"0" * 50, None),
     (b"%PDF-1.7\nstartxref\n3\n%%EOF\n", None)],
)  # fmt: skip
def test_a_file_is_what_its_content_says(data: bytes, kind: str | None) -> None:
    assert evidence.kind_of(data) == kind


def test_a_file_that_is_too_large_or_of_another_kind_is_named_and_not_kept(desk: Desk) -> None:
    actor, case = desk.actor("jpgu"), make_case(desk.db)
    for name, data in (("grande.pdf", b"%PDF-1.4" + b"0" * evidence.MAX_BYTES), ("nota.txt", b"hola")):
        with pytest.raises(BadValue) as refused:
            evidence.keep(desk.db, actor, case, name, data)
        assert refused.value.params["name"] == name


def test_evidence_is_wanted_unless_the_control_is_off(desk: Desk) -> None:
    case = make_case(desk.db)
    with pytest.raises(Refused, match="evidence") as refused:
        desk.asks("jpgu", "correct", case, RIGHT, files=[])
    assert refused.value.field == "evidence"
    desk.sets("correction_evidence", "off")
    assert desk.asks("jpgu", "correct", case, RIGHT, files=[]).state == "PENDING"


def test_only_his_own_files_of_that_case_go_with_a_request(desk: Desk) -> None:
    case, other = make_case(desk.db), make_case(desk.db)
    files = [
        str(evidence.keep(desk.db, desk.actor(who), where, "dpi.png", picture()).id)
        for who, where in (("jusa", case), ("jpgu", other))
    ]
    with pytest.raises(Refused, match="evidence"):
        desk.asks("jpgu", "correct", case, RIGHT, files=[*files, "x", "9" * 30])
    four = [str(evidence.keep(desk.db, desk.actor("jpgu"), case, f"{n}.png", picture()).id) for n in range(4)]
    with pytest.raises(BadValue) as refused:
        desk.asks("jpgu", "correct", case, RIGHT, files=four)
    assert refused.value.field == "evidence"


def test_a_draft_is_seen_by_its_owner_alone_and_goes_after_a_day(desk: Desk) -> None:
    case, owner = make_case(desk.db), desk.actor("jpgu")
    draft = evidence.keep(desk.db, owner, case, "dpi.png", picture())
    with acting_as(owner):
        assert evidence.read(desk.db, owner, draft.id)[0].data == picture()
    with acting_as(desk.actor("jusa")) as another, pytest.raises(NotFound):
        evidence.read(desk.db, another, draft.id)
    sent = desk.asks("jpgu", "correct", case, RIGHT, files=[str(draft.id)])
    left = evidence.keep(desk.db, owner, case, "otra.png", picture())
    desk.db.execute(text("alter table evidence disable trigger evidence_is_never_changed"))
    desk.db.execute(text("update evidence set uploaded_at = uploaded_at - interval '2 days'"))
    desk.db.execute(text("alter table evidence enable trigger evidence_is_never_changed"))
    evidence.keep(desk.db, owner, case, "nueva.png", picture())
    kept = set(desk.db.execute(text("select id from evidence")).scalars())
    assert draft.id in kept
    assert left.id not in kept
    assert [file.id for file in evidence.of_request(desk.db, sent.id)] == [draft.id]
    with acting_as(desk.actor("jusa")) as another:
        assert evidence.read(desk.db, another, draft.id)[0].name == "dpi.png"
