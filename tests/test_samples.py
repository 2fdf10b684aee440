"""The sample enrolments have the outcomes that their README states, whichever way they are sent."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.history import import_history
from app.loading import enrol_folder, station
from models.base import SessionLocal
from models.base import session as scoped
from models.cases import CaseEvent, CaseFinding, CasePicture, PassportCase, Picture
from models.enrolments import Enrollment, EnrollmentBuffer
from tests.cookies import bearer
from workflow import registry

ROW = re.compile(r"^\| `(?P<id>[^`]+)\.json` \| .* \| (?P<state>[A-Z_]+) \| (?P<findings>[^|]+) \|$", re.MULTILINE)
CODE = re.compile(r"(?P<optional>\[)?(?P<code>[A-Z_]{5,})\]?(?: \((?P<fields>[^)]*)\))?")


def stated(readme: str) -> dict[str, tuple[str, dict[str, list[str] | None], set[str]]]:
    """Of each enrolment: state, findings with the fields that are named, findings that may come besides."""
    table = {}
    for row in ROW.finditer(readme):
        found = list(CODE.finditer(row["findings"]))
        due = {one["code"]: one["fields"] and one["fields"].split(", ") for one in found if not one["optional"]}
        table[row["id"]] = (row["state"], due, {one["code"] for one in found if one["optional"]})
    return table


@pytest.fixture(scope="module")
def everything(app: Flask, engine, module_samples: Path, tmp_path_factory) -> Iterator[Session]:  # type: ignore[no-untyped-def]
    """History imported, registry loaded, all samples enrolled; taken back when the module is done."""
    before = dict(SessionLocal.kw)
    with engine.connect() as connection:
        outer = connection.begin()
        scoped.remove()
        SessionLocal.configure(bind=connection, join_transaction_mode="create_savepoint")
        registry.configure("simulator")
        import_history([module_samples / "former_system"], tmp_path_factory.mktemp("imports"))
        registry.load(scoped(), module_samples / "registry" / "registry.csv")
        scoped.commit()
        lines = list(enrol_folder(module_samples / "enrolments", station(None)))
        assert all(enrolled for _line, enrolled in lines), lines
        yield scoped()
        scoped.remove()
        outer.rollback()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture(scope="module")
def module_samples() -> Path:
    return Path(__file__).parent.parent.parent / "shared" / "samples"


@pytest.fixture(scope="module")
def table(module_samples: Path) -> dict[str, tuple[str, dict[str, list[str] | None], set[str]]]:
    found = stated((module_samples / "enrolments" / "README.md").read_text("utf-8"))
    assert len(found) == 40
    return found


def case_of(session: Session, enrollment_id: str) -> PassportCase:
    query = select(PassportCase).where(PassportCase.enrollment_id == enrollment_id)
    return session.scalars(query.execution_options(every_site=True)).one()


def test_every_sample_has_the_state_and_findings_of_its_readme(everything: Session, table) -> None:  # type: ignore[no-untyped-def]
    wrong = {}
    for enrollment_id, (state, due, optional) in table.items():
        case = case_of(everything, enrollment_id)
        found = {finding.code: finding.fields for finding in case.findings}
        named = {code: fields for code, fields in due.items() if fields}
        same_fields = all(sorted(found.get(code, [])) == sorted(fields) for code, fields in named.items())
        if case.state != state or not due.keys() <= found.keys() <= due.keys() | optional or not same_fields:
            wrong[enrollment_id] = (case.state, found, "instead of", state, due)
    assert wrong == {}


def test_cases_with_findings_were_referred_by_the_system(everything: Session, table) -> None:  # type: ignore[no-untyped-def]
    for enrollment_id, (_state, due, _optional) in table.items():
        log = everything.scalars(
            select(CaseEvent).where(CaseEvent.case_id == case_of(everything, enrollment_id).id).order_by(CaseEvent.id)
        ).all()
        assert [event.event for event in log] == ["RECEPCION", *(["INCONSISTENCIA"] if due else [])]
        assert [event.username for event in log][1:] == (["sistema"] if due else [])
        assert log[0].username == "estacion"


def test_station_numbers_are_kept_and_others_are_given(everything: Session) -> None:
    assert case_of(everything, "20261103-GUA-E03-0812").number == "GUA002310001"
    assert re.fullmatch(r"NYC\d{9}", case_of(everything, "20261106-NYC-E03-1245").number)


def test_mobile_cases_and_sites_that_do_not_print_know_where_they_are_printed(everything: Session) -> None:
    assert case_of(everything, "20261107-MOV-E90-0930").mobile
    elsewhere = case_of(everything, "20261109-MIA-E01-1010")
    assert (elsewhere.site_code, elsewhere.print_site_code, elsewhere.mobile) == ("MIA", "GUA", False)


def test_the_jpeg_2000_portrait_is_transcoded_once_for_printing(everything: Session) -> None:
    case = case_of(everything, "20261106-NYC-E03-1245")
    kept = everything.get_one(CasePicture, (case.id, "PORTRAIT"))
    pictures = [everything.get_one(Picture, key) for key in (kept.picture_id, kept.print_picture_id)]
    assert [picture.media_type for picture in pictures] == ["image/jp2", "image/jpeg"]


def test_missing_fingers_and_signatures_say_why(everything: Session) -> None:
    baby = case_of(everything, "20261113-PET-E01-0940")
    kept = everything.scalars(select(CasePicture).where(CasePicture.case_id == baby.id)).all()
    assert {one.kind for one in kept if one.missing} == {"SIGNATURE", "RIGHT_INDEX", "LEFT_INDEX"}
    amputated = everything.get_one(CasePicture, (case_of(everything, "20261112-QTZ-E02-0855").id, "RIGHT_INDEX"))
    assert amputated.missing == "AMPUTATED"


def test_no_picture_is_kept_twice(everything: Session) -> None:
    assert everything.scalars(select(func.count()).select_from(EnrollmentBuffer)).one() == 0
    shared = func.count().label("times")
    portraits = select(CasePicture.picture_id, shared).where(CasePicture.picture_id.is_not(None))
    assert not everything.execute(portraits.group_by(CasePicture.picture_id).having(shared > 1)).all()


def test_what_is_read_is_what_was_sent(everything: Session, module_samples: Path) -> None:
    from workflow.enrolment_form import normalise
    from workflow.enrolment_pictures import put_back

    for enrolment in everything.scalars(select(Enrollment)).all():
        sent = normalise(json.loads((module_samples / "enrolments" / f"{enrolment.id}.json").read_text("utf-8")))
        assert put_back(everything, enrolment) == {k: v for k, v in sent.items() if k not in ("enrollmentId", "status")}


def test_sent_again_they_make_nothing_new(everything: Session, module_samples: Path) -> None:
    def counts() -> list[int]:
        tables = (PassportCase, CaseEvent, CaseFinding, Picture, Enrollment)
        return [everything.scalars(select(func.count()).select_from(table.__table__)).one() for table in tables]

    before = counts()
    lines = [line for line, enrolled in enrol_folder(module_samples / "enrolments", station(None)) if enrolled]
    assert len(lines) == 40
    assert all(line.endswith(" (already enrolled)") for line in lines)
    assert lines[0] == "20261103-GUA-E03-0812 GUA002310001 ENROLADA - (already enrolled)"
    assert counts() == before


def test_by_osia_the_second_time_is_a_conflict(
    everything: Session, app: Flask, module_samples: Path, module_token: Callable[[], dict[str, str]]
) -> None:
    raw = (module_samples / "enrolments" / "20261103-GUA-E03-0812.json").read_bytes()
    headers = module_token()
    everything.commit()
    address = "/osia/enrollment/v1/enrollments/20261103-GUA-E03-0812?transactionId=t1&finalize=true"
    answer = app.test_client().post(address, data=raw, headers=headers, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (409, 409)


@pytest.fixture
def module_token(app: Flask, everything: Session) -> Callable[[], dict[str, str]]:
    def header() -> dict[str, str]:
        actor = station(None)
        return bearer(app, everything, actor)

    return header
