"""The programming interface: the same permissions, sites, rules and log as the screens, as JSON and problems."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Personalisation
from models.cases import CaseFinding, CaseRequirement, PassportCase, State
from models.control import ControlSetting
from models.users import AccessLog, User
from security.actor import load_actor
from tests.build import make_booklets, make_case
from tests.cookies import bearer
from views import openapi
from workflow.machine import TRANSITIONS

Header = dict[str, str]
PAST_QUALITY = {"portrait_ok": True, "signature_ok": True, "text_ok": True}


@pytest.fixture
def client(app: Any, db: Session) -> FlaskClient:
    return app.test_client()  # type: ignore[no-any-return]


@pytest.fixture
def case(db: Session) -> str:
    return committed(db, make_case(db, enrollment_id="9f5f4b2e-0000-4000-8000-000000000001"))


@pytest.fixture
def call(client: FlaskClient, token: Callable[[str], Header]) -> Callable[..., Any]:
    """POST as a user; the answer must be of the documented form."""

    def post(user: str, number: str, act: str, body: Any = None, status: int = 200) -> Any:
        answer = client.post(f"/api/v1/cases/{number}/{act}", json=body, headers=token(user))
        assert answer.status_code == status, answer.text
        return conforming("Outcome" if act != "scans" else "Scan", answer) if status == 200 else problem(answer)

    return post


def committed(db: Session, case: PassportCase) -> str:
    number = case.number
    db.commit()
    return number


def conforming(schema: str, answer: Any) -> Any:
    document = openapi.document("0")
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    Draft202012Validator(wanted).validate(answer.json)
    return answer.json


def problem(answer: Any) -> Any:
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    return conforming("Problem", answer)


def test_a_case_is_read_whole_and_the_look_is_logged(
    db: Session, client: FlaskClient, token: Callable[[str], Header], case: str
) -> None:
    row = db.scalars(select(PassportCase).where(PassportCase.number == case).execution_options(every_site=True)).one()
    db.add(CaseFinding(case_id=row.id, code="WATCH_LIST", fields=["cui"], detail={"list": "ARR"}, found_at=utc_now()))
    db.add(CaseRequirement(case_id=row.id, requirement_code=some_requirement(db), presented=True))
    db.commit()
    read = conforming("Case", client.get(f"/api/v1/cases/{case}", headers=token("supervisor")))
    assert (read["number"], read["state"], read["site"]) == (case, "ENROLADA", "GUA")
    assert read["enrollment"] == "9f5f4b2e-0000-4000-8000-000000000001"
    assert read["person"]["first_surname"] == "Tzunux"
    assert read["person"]["cui"] == "6000000080101"
    assert read["person"]["nationality"] == "GTM"
    assert [(found["code"], found["fields"], found["resolution"]) for found in read["findings"]] == [
        ("WATCH_LIST", ["cui"], None)
    ]
    assert read["requirements"][0]["presented"] is True
    assert [(event["event"], event["from"], event["to"]) for event in read["events"]] == [
        ("RECEPCION", None, "ENROLADA")
    ]
    assert dt.datetime.fromisoformat(read["events"][0]["at"]).utcoffset() == dt.timedelta(0)
    assert set(read["transitions"]) == {"refer", "authorise", "reject"}
    assert db.scalar(select(func.count()).where(AccessLog.case_number == case, AccessLog.screen == "api")) == 1


def test_who_prints_reads_which_booklets_a_case_can_be_given(
    db: Session, client: FlaskClient, token: Callable[[str], Header]
) -> None:
    first, second = make_booklets(db, first=1, count=2)
    waiting, later = make_case(db, State.AUTORIZADA), make_case(db)
    db.commit()

    def offered(number: str, who: str) -> list[str]:
        offers = conforming("Case", client.get(f"/api/v1/cases/{number}", headers=token(who)))["next_booklets"]
        return list(offers)

    assert offered(waiting.number, "impres")[:2] == [first, second]
    assert offered(waiting.number, "supervisor") == offered(later.number, "impres") == []


def some_requirement(db: Session) -> str:
    from models.catalogs import Requirement

    return db.scalars(select(Requirement.code)).first() or ""


def test_a_case_is_found_by_its_enrolment_or_number(
    client: FlaskClient, token: Callable[[str], Header], case: str
) -> None:
    def found(query: str) -> list[str]:
        answer = client.get(f"/api/v1/cases?{query}", headers=token("supervisor"))
        return [entry["number"] for entry in conforming_list(answer)]

    assert found("enrollment=9f5f4b2e-0000-4000-8000-000000000001") == [case]
    assert found(f"number={case}") == [case]
    assert found("enrollment=another") == []
    assert found(f"number={case}&enrollment=another") == []


def conforming_list(answer: Any) -> Any:
    for entry in answer.json["cases"]:
        wanted = {"$ref": "#/components/schemas/Summary", "components": openapi.document("0")["components"]}
        Draft202012Validator(wanted).validate(entry)
    return answer.json["cases"]


def test_a_search_without_a_filter_is_refused(client: FlaskClient, token: Callable[[str], Header]) -> None:
    answer = client.get("/api/v1/cases", headers=token("supervisor"))
    assert answer.status_code == 400
    assert problem(answer)["field"] == "enrollment"


def test_cases_of_other_sites_do_not_exist(db: Session, client: FlaskClient, token: Callable[[str], Header]) -> None:
    number = committed(db, make_case(db, site_code="LWF"))
    for path in (f"/{number}", f"/{number}/page.pdf"):
        assert client.get(f"/api/v1/cases{path}", headers=token("impres")).status_code == 404
    assert client.get(f"/api/v1/cases?number={number}", headers=token("supervisor")).json == {"cases": []}
    refused = client.post(f"/api/v1/cases/{number}/authorise", headers=token("supervisor"))
    assert problem(refused)["title"] == "NotFound"
    assert refused.status_code == 404
    assert client.get(f"/api/v1/cases/{number}", headers=token("supersu")).status_code == 200


def test_a_transition_answers_with_state_event_and_warnings(db: Session, call: Callable[..., Any], case: str) -> None:
    done = call("supervisor", case, "authorise")
    assert done["number"] == case
    assert done["state"] == "AUTORIZADA"
    assert done["warnings"] == []
    assert done["event"]["event"] == "AUTORIZACION"
    assert (done["event"]["from"], done["event"]["to"], done["event"]["user"]) == (
        "ENROLADA",
        "AUTORIZADA",
        "supervisor",
    )
    assert done["event"]["reason"] == "A01"


def test_a_control_that_only_warns_is_told(db: Session, call: Callable[..., Any]) -> None:
    number = committed(db, make_case(db, operator="supervisor"))
    assert call("supervisor", number, "authorise", status=409)["title"] == "Refused"
    db.add(ControlSetting(control="captured_not_authorised", site_code="*", mode="warn"))
    db.commit()
    assert len(call("supervisor", number, "authorise")["warnings"]) == 1


def test_a_loser_reads_who_did_what(call: Callable[..., Any], case: str) -> None:
    call("supervisor", case, "reject", {"reason": "R01", "comment": "No es legible"})
    lost = call("supersu", case, "authorise", status=409)
    assert lost["title"] == "WrongState"
    assert "supervisor" in lost["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "reason"), ({"reason": "A01"}, "reason"), ({"reason": 7}, "reason"), ({"reason": "R01", "x": 1}, "x")],
)
def test_a_bad_value_names_its_field(call: Callable[..., Any], case: str, body: Any, field: str) -> None:
    assert call("supervisor", case, "reject", body, status=400)["field"] == field


@pytest.mark.parametrize("name", ["number", "session", "name", "actor", "act", "self", "from_states"])
def test_a_field_named_like_a_variable_of_ours_is_only_an_unknown_field(
    call: Callable[..., Any], case: str, name: str
) -> None:
    assert call("supervisor", case, "authorise", {name: "x"}, status=400)["field"] == name


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'"text"', b"7", b"null", b"reason=R01", b"\xff", b'{"a": NaN}', b"[" * 9999]
)
def test_a_body_that_is_no_json_object_is_refused(
    client: FlaskClient, token: Callable[[str], Header], case: str, raw: bytes
) -> None:
    answer = client.post(f"/api/v1/cases/{case}/authorise", data=raw, headers=token("supervisor"))
    assert answer.status_code == 400
    assert problem(answer)["title"] in ("BadValue", "BadEnrolment")


def test_an_act_that_does_not_exist_is_not_found(call: Callable[..., Any], case: str) -> None:
    assert call("admadm", case, "explode", status=404)["title"] == "NotFound"


def test_odd_addresses_do_no_harm(client: FlaskClient, token: Callable[[str], Header]) -> None:
    for number, status in (("GUA", 404), ("%00", 400), ("GUA%00000001", 400), ("%F0%9F%9B%82", 404), ("x" * 3000, 404)):
        answer = client.get(f"/api/v1/cases/{number}", headers=token("supervisor"))
        assert answer.status_code == status, number
        problem(answer)
    assert client.get("/api/v1/cases?enrollment=%00", headers=token("supervisor")).status_code == 400


def test_reading_needs_its_permission_and_every_transition_its_own(
    client: FlaskClient, token: Callable[[str], Header], case: str
) -> None:
    station = token("estacion")
    for path in ("", f"/{case}", f"/{case}/page.pdf"):
        assert client.get(f"/api/v1/cases{path}", headers=station).status_code == 403, path
    for act in (*TRANSITIONS, "scans"):
        answer = client.post(f"/api/v1/cases/{case}/{act}", json={"raw": "x"}, headers=station)
        assert answer.status_code == 403, act
        problem(answer)


@pytest.mark.parametrize(
    "path", ["cases?number=GUA000000001", "cases/GUA000000001", "cases/GUA000000001/page.pdf", "openapi.json"]
)
@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer a.b.c", "Basic YTph", "Bearer"])
def test_without_a_token_of_ours_nothing_is_answered(client: FlaskClient, path: str, header: str | None) -> None:
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert problem(answer)["title"] == "NotAuthenticated"


def test_a_token_ends_by_time_and_with_its_account(
    app: Any, db: Session, client: FlaskClient, token: Callable[[str], Header], case: str
) -> None:
    good = token("supervisor")
    actor = load_actor(db, username="supervisor")
    assert actor is not None
    old = bearer(app, db, actor, expires_delta=dt.timedelta(seconds=-1))
    assert client.get(f"/api/v1/cases/{case}", headers=good).status_code == 200
    expired = client.get(f"/api/v1/cases/{case}", headers=old)
    assert expired.status_code == 401
    assert problem(expired)["title"] == "NotAuthenticated"
    db.execute(update(User).where(User.username == "supervisor").values(session_epoch="another"))
    db.commit()
    ended = client.get(f"/api/v1/cases/{case}", headers=good)
    assert ended.status_code == 401
    problem(ended)


def test_a_session_cookie_is_no_token(login: Callable[[str], FlaskClient], case: str) -> None:
    assert login("supervisor").post(f"/api/v1/cases/{case}/authorise").status_code == 401


def test_logging_in_gives_a_token_that_works(client: FlaskClient, case: str) -> None:
    asked = {"username": "supervisor", "password": "secreto-supervisor", "provider": "db", "refresh": True}
    given = client.post("/api/v1/security/login", json=asked).json
    header = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get(f"/api/v1/cases/{case}", headers=header).status_code == 200
    renewed = client.post("/api/v1/security/refresh", headers={"Authorization": f"Bearer {given['refresh_token']}"})
    header = {"Authorization": f"Bearer {renewed.json['access_token']}"}
    assert client.get(f"/api/v1/cases/{case}", headers=header).status_code == 200
    wrong = client.post("/api/v1/security/login", json={**asked, "password": "otra"})
    assert wrong.status_code == 401


def test_a_whole_life_goes_through_the_interface(
    db: Session, client: FlaskClient, token: Callable[[str], Header], call: Callable[..., Any], case: str
) -> None:
    first, second = make_booklets(db, count=2)
    db.commit()
    page = f"/api/v1/cases/{case}/page.pdf"
    assert call("supervisor", case, "authorise")["state"] == "AUTORIZADA"
    assert client.get(page, headers=token("impres")).status_code == 409
    assert call("impres", case, "assign_booklet", {"booklet": first.lower()})["event"]["booklet"] == first
    pdf = client.get(page, headers=token("impres"))
    assert (pdf.status_code, pdf.content_type) == (200, "application/pdf")
    assert pdf.data.startswith(b"%PDF-")
    assert call("impres", case, "refuse_print", {"comment": "Manchada"})["state"] == "AUTORIZADA"
    taken = call("impres", case, "assign_booklet", {"booklet": first}, status=409)
    assert (taken["title"], taken["field"]) == ("Unavailable", "booklet")
    call("impres", case, "assign_booklet", {"booklet": second})
    call("impres", case, "print_page")
    assert call("impres", case, "accept_print")["state"] == "IMPRESA"
    use = db.scalars(select(Personalisation).where(Personalisation.booklet_number == second)).one()
    mrz = f"{use.mrz_line_1}\n{use.mrz_line_2}"
    wrong = call("concal", case, "scans", {"raw": mrz.replace("TZUNUX", "TZUNUS")})
    assert (wrong["kind"], wrong["passed"]) == ("mrz", False)
    assert call("concal", case, "accept_quality", PAST_QUALITY, status=400)["field"] == "booklet"
    for kind, raw in (("booklet", second), ("mrz", mrz), ("seal", use.seal_text)):
        read = call("concal", case, "scans", {"raw": raw})
        assert (read["kind"], read["passed"]) == (kind, True), read
    assert call("concal", case, "accept_quality", PAST_QUALITY)["state"] == "POST_IMPRESION"
    collected = {"collector": "HOLDER", "document_type": "DPI", "document_number": "6000000080101"}
    assert call("entrega", case, "deliver", collected)["state"] == "ENTREGADA"
    read = conforming("Case", client.get(f"/api/v1/cases/{case}", headers=token("consultas")))
    assert [(line["number"], line["state"], line["void_type"]) for line in read["booklets"]] == [
        (first, "ANULADA", "IMP"), (second, "ENTREGADA", None),
    ]  # fmt: skip
    assert [event["transition"] for event in read["events"]] == [
        "receive", "authorise", "assign_booklet", "refuse_print", "assign_booklet", "print_page", "accept_print",
        "accept_quality", "deliver",
    ]  # fmt: skip
    assert read["transitions"] == []


@pytest.mark.parametrize("body", [None, {}, {"raw": ""}, {"raw": 7}, {"raw": None}])
def test_a_scan_must_be_text(call: Callable[..., Any], case: str, body: Any) -> None:
    assert call("concal", case, "scans", body, status=400)["field"] == "raw"


def test_a_case_that_is_not_printed_is_not_scanned(call: Callable[..., Any], case: str) -> None:
    assert call("concal", case, "scans", {"raw": "F0000001"}, status=409)["title"] == "WrongState"


def test_a_refused_act_leaves_nothing_behind(db: Session, call: Callable[..., Any]) -> None:
    number = committed(db, make_case(db, State.AUTORIZADA))
    (booklet,) = make_booklets(db, count=1, warehouse="PROD-LWF")
    db.commit()
    assert call("impres", number, "assign_booklet", {"booklet": booklet}, status=409)["field"] == "booklet"
    case = db.scalars(
        select(PassportCase).where(PassportCase.number == number).execution_options(every_site=True)
    ).one()
    assert (case.state, case.booklet_number) == ("AUTORIZADA", None)


# The description.


def test_the_description_is_a_sound_openapi_document() -> None:
    document = openapi.document("1.2.3")
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == "1.2.3"
    identifiers = [operation["operationId"] for _path, _method, operation in described(document)]
    assert len(identifiers) == len(set(identifiers))
    for path, _method, operation in described(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
        assert names == {part.strip("{}") for part in path.split("/") if part.startswith("{")}, path
        assert operation["summary"]
        assert operation["description"]
        assert "200" in operation["responses"]
        assert {tag["name"] for tag in document["tags"]} >= set(operation["tags"])
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in references(document):
        resolve(document, reference)


def described(document: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, what) for path, item in document["paths"].items() for method, what in item.items()]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []


def resolve(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_every_described_operation_is_routed_and_every_transition_described(app: Any) -> None:
    routes = app.url_map.bind("localhost")
    for path, method, operation in described(openapi.document("0")):
        concrete = path.replace("{number}", "GUA000000001")
        assert routes.match(concrete, method=method.upper()), operation["operationId"]
    assert set(TRANSITIONS) <= {operation.name for operation in openapi.operations()}


def test_a_described_body_takes_the_example_and_refuses_what_the_machine_refuses() -> None:
    for operation in openapi.operations():
        if operation.body is None:
            continue
        schema = Draft202012Validator(operation.body)
        assert schema.is_valid(operation.example), operation.name
        if operation.name in TRANSITIONS:
            assert not schema.is_valid({**operation.example, "no_such_field": "x"})
            for field in operation.fields:
                missing = {name: value for name, value in operation.example.items() if name != field.name}
                assert schema.is_valid(missing) is not field.required, (operation.name, field.name)


def test_the_description_is_served_to_accounts_that_may_read_it(
    client: FlaskClient, token: Callable[[str], Header], login: Callable[[str], FlaskClient]
) -> None:
    served = client.get("/api/v1/openapi.json", headers=token("estacion"))
    assert served.json["paths"]["/api/v1/cases/{number}/authorise"]["post"]["operationId"] == "authorise"
    assert client.get("/api/v1/openapi.json", headers=token("entrega")).status_code == 403
    assert login("admadm").get("/api/v1/openapi.json").status_code == 200
    assert login("entrega").get("/api/v1/openapi.json").status_code == 403


def test_people_read_every_operation_on_a_page(login: Callable[[str], FlaskClient], client: FlaskClient) -> None:
    page = login("admadm").get("/api/")
    assert page.status_code == 200
    for operation in openapi.operations():
        assert f'id="{operation.name}"' in page.text
        assert all(permission.name in page.text for permission in operation.permissions)
    assert 'href="/api/v1/openapi.json"' in page.text
    assert login("entrega").get("/api/").status_code == 403
    assert client.get("/api/").status_code == 302
