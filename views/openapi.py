"""The description of the programming interface, made from the declared transitions: an OpenAPI 3.1 document.

Flask-AppBuilder writes such a document from docstrings in YAML, which nobody checks against the code; here operations
are data, the document and the page both come from them, and the tests hold the answers against the document.
"""

from dataclasses import dataclass
from typing import Any

from models.booklets import BOOKLET_NUMBER, BookletState
from models.cases import CASE_NUMBER, Event, Finding, State
from models.text import N_
from security.permissions import Permission
from workflow.fields import CATALOG_OF, Field, Kind
from workflow.machine import TRANSITIONS, Transition

Schema = dict[str, Any]
BASE = "/api/v1"
LOGIN = "/api/v1/security/login"
PROBLEMS = {
    400: N_("A value is missing or cannot be taken: “field” names it."),
    401: N_("The token is missing, bad or has expired."),
    403: N_("The account does not have the permission."),
    404: N_("There is no such thing at the sites of the account."),
    409: N_("A rule says no: state, control, booklet, or somebody was faster. “title” is the fact, “detail” says it."),
    503: N_("The database does not answer; nothing was saved."),
}


@dataclass(frozen=True)
class Operation:
    """One method on one path. `permissions` empty: anybody; several: one of them is enough."""

    name: str
    method: str
    path: str
    label: str
    description: str
    permissions: tuple[Permission, ...]
    answer: Schema
    problems: tuple[int, ...]
    body: Schema | None = None
    fields: tuple[Field, ...] = ()
    parameters: tuple[Schema, ...] = ()
    media_type: str = "application/json"

    @property
    def example(self) -> dict[str, Any]:
        """A body that is complete, with invented values."""
        return {field.name: _example(field) for field in self.fields if field.required}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Schema], *, required: tuple[str, ...] | None = None, **more: Any) -> Schema:
    names = list(properties if required is None else required)
    return {"type": "object", "properties": properties, "required": names, **more}


def _query(name: str, description: str) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}


NUMBER = {"name": "number", "in": "path", "required": True, "description": "Case number, e.g. GUA000000001.",
          "schema": {"type": "string", "pattern": CASE_NUMBER}}  # fmt: skip
BOOKLET = {"name": "number", "in": "path", "required": True, "description": "Booklet number, e.g. F0000001.",
           "schema": {"type": "string", "pattern": BOOKLET_NUMBER}}  # fmt: skip
RAW = Field("raw", N_("What the scanner typed"), Kind.SCAN, max_length=2000)
READ = (Permission.READ_CASES,)
ON_A_CASE = (401, 403, 404, 503)


def operations() -> list[Operation]:
    """Every operation of the interface: logging in, reading, and one per transition."""
    return [_login(), *_reading(), *(_transition(move) for move in TRANSITIONS.values())]


def _login() -> Operation:
    body = _object({"username": {"type": "string"}, "password": {"type": "string"}, "provider": {"const": "db"}})
    body["properties"]["refresh"] = {"type": "boolean", "description": "Answer with a refresh token too."}
    answer = _object(
        {"access_token": {"type": "string"}, "refresh_token": {"type": "string"}}, required=("access_token",)
    )
    asked = (Field("username", N_("User"), Kind.TEXT), Field("password", N_("Password"), Kind.TEXT),
             Field("provider", N_("Provider"), Kind.CHOICE, among=(("db", N_("Database")),)))  # fmt: skip
    return Operation("login", "POST", LOGIN, N_("Log in"), "Change user name and password for a token of one hour.", (),
                     answer, (), body=body, fields=asked)  # fmt: skip


def _reading() -> list[Operation]:
    filters = (_query("enrollment", "Identifier of the enrolment the case was made from."),
               _query("number", "Case number."))  # fmt: skip
    printers = (Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE, Permission.RESUME_PRINTS)
    return [
        Operation("find_cases", "GET", f"{BASE}/cases", N_("Find a case"),
                  "The case made from an enrolment, or with a number: a list of none or one. A filter is needed.", READ,
                  _object({"cases": {"type": "array", "items": _ref("Summary"), "maxItems": 1}}),
                  (400, 401, 403, 503), parameters=filters),
        Operation("read_case", "GET", f"{BASE}/cases/{{number}}", N_("Read a case"),
                  "State, data, findings, papers, booklets, log, and what this account may try now. The look is logged",
                  READ, _ref("Case"), ON_A_CASE, parameters=(NUMBER,)),
        Operation("read_page", "GET", f"{BASE}/cases/{{number}}/page.pdf", N_("Get the data page"),
                  "The data page of a case in printing, as PDF. It records nothing but the look: print_page does.",
                  printers,
                  {"type": "string", "contentMediaType": "application/pdf"}, (*ON_A_CASE, 409), parameters=(NUMBER,),
                  media_type="application/pdf"),
        Operation("scan", "POST", f"{BASE}/cases/{{number}}/scans", N_("Scan a booklet"),
                  "One reading at quality control, as the scanner typed it; it tells by itself what it is.",
                  (Permission.CHECK_QUALITY,), _ref("Scan"), (400, *ON_A_CASE, 409), body=_body((RAW,)), fields=(RAW,),
                  parameters=(NUMBER,)),
        Operation("read_booklet", "GET", f"{BASE}/booklets/{{number}}", N_("Read a booklet"),
                  "Where a booklet is, its ledger, its cases. Who may see the case reads its holder; that is logged.",
                  (Permission.READ_BOOKLETS,), _ref("BookletCard"), ON_A_CASE,
                  parameters=(BOOKLET, _query("after", "Where the next page of movements starts."))),
    ]  # fmt: skip


def _transition(move: Transition) -> Operation:
    description = " ".join((move.body.__doc__ or "").split())
    moves = ", ".join(f"{state} to {move.end_of(state)}" for state in move.from_states)
    return Operation(
        move.name, "POST", f"{BASE}/cases/{{number}}/{move.name}", move.label, f"{description} From {moves}.",
        (move.permission,), _ref("Outcome"), (400, *ON_A_CASE, 409), body=_body(move.fields), fields=move.fields,
        parameters=(NUMBER,),
    )  # fmt: skip


def _body(fields: tuple[Field, ...]) -> Schema:
    required = tuple(field.name for field in fields if field.required)
    return _object({field.name: schema_of(field) for field in fields}, required=required, additionalProperties=False)


def schema_of(field: Field) -> Schema:
    """The JSON schema of one field; a catalog's codes are data, so they are named, not listed."""
    schema: Schema = {"description": field.label}
    if field.kind is Kind.FLAG:
        return schema | ({"const": True} if field.required else {"type": "boolean"})
    if field.kind is Kind.DATA:
        return schema | {"type": "object"}
    schema |= {"type": "string" if field.required else ["string", "null"], "maxLength": field.max_length}
    if field.kind is Kind.CHOICE:
        schema["enum"] = [value for value, _label in field.among] + ([] if field.required else [None])
    elif field.kind is Kind.BOOKLET:
        schema["pattern"] = BOOKLET_NUMBER
    elif field.kind in CATALOG_OF:
        table = CATALOG_OF[field.kind].__tablename__
        narrowed = " and ".join(f"{column} in {allowed.split(';')}" for column, allowed in field.among)
        schema["description"] = f"{field.label}: a code of the catalog {table} where {narrowed}"
    return schema


EXAMPLES: dict[Kind, Any] = {
    Kind.BOOKLET: "F0000001", Kind.FLAG: True, Kind.DATA: {"first_name": "MARIA"}, Kind.VOID_TYPE: "ROB",
    Kind.SCAN: "F0000001",
}  # fmt: skip


def _example(field: Field) -> Any:
    if field.kind is Kind.CHOICE:
        return field.among[0][0]
    if field.kind is Kind.REASON:
        return "R01" if ("kind", "RECHAZO") in field.among else "A01"
    return EXAMPLES.get(field.kind, "…")


def document(version: str) -> Schema:
    """The whole OpenAPI document."""
    paths: dict[str, dict[str, Schema]] = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Passport Back Office", "version": version,
            "description": "Cases and their transitions. Enrolment stations use another interface, OSIA Enrollment v1, "
            "under /osia/enrollment. Times are ISO 8601 in UTC. Errors are application/problem+json (RFC 9457).",
        },
        "tags": [{"name": "session"}, {"name": "cases"}, {"name": "transitions"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {f"Problem{status}": _problem(words) for status, words in PROBLEMS.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"token": []}],
    }  # fmt: skip


def _described(operation: Operation) -> Schema:
    allowed = " or ".join(permission.name for permission in operation.permissions)
    problems = {str(status): _ref_problem(status) for status in sorted(operation.problems)}
    described: Schema = {
        "operationId": operation.name, "summary": operation.label, "tags": [_tag(operation)],
        "description": operation.description + (f" Needs the permission {allowed}." if allowed else ""),
        "responses": {
            "200": {"description": "Done.", "content": {operation.media_type: {"schema": operation.answer}}},
            **problems,
        },
    }  # fmt: skip
    if not operation.permissions:
        described["security"] = []
        described["responses"]["401"] = {"description": "User name or password is wrong."}
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.body is not None:
        needed = bool(operation.body["required"])
        described["requestBody"] = {"required": needed, "content": {"application/json": {"schema": operation.body}}}
    return described


def _ref_problem(status: int) -> Schema:
    return {"$ref": f"#/components/responses/Problem{status}"}


def _tag(operation: Operation) -> str:
    return "transitions" if operation.name in TRANSITIONS else "cases" if operation.permissions else "session"


def _problem(words: str) -> Schema:
    return {"description": words, "content": {"application/problem+json": {"schema": _ref("Problem")}}}


TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time"}
DATE: Schema = {"type": "string", "format": "date"}
STATE: Schema = {"type": "string", "enum": list(State)}
SUMMARY = {"number": TEXT, "enrollment": MAYBE, "state": STATE, "state_since": TIME, "site": TEXT, "print_site": TEXT,
           "procedure": TEXT, "passport_type": TEXT, "created_at": TIME}  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    "Problem": _object(
        {"type": TEXT, "title": {**TEXT, "description": "The fact, for programs."}, "status": {"type": "integer"},
         "detail": {**TEXT, "description": "What happened, for people."}, "field": TEXT},
        required=("type", "title", "status", "detail"),
    ),
    "Summary": _object(SUMMARY),
    "Finding": _object(
        {"code": {"type": "string", "enum": list(Finding)}, "label": TEXT, "fields": {"type": "array", "items": TEXT},
         "detail": {"type": "object"}, "found_at": TIME, "resolution": MAYBE, "resolved_at": MAYBE},
    ),
    "Requirement": _object({"code": TEXT, "presented": {"type": "boolean"}, "note": MAYBE}),
    "Booklet": _object(
        {"number": TEXT, "state": {"type": "string", "enum": list(BookletState)}, "issued_on": DATE, "expires_on": DATE,
         "void_type": MAYBE},
    ),
    "BookletCard": _object(
        {"number": TEXT, "category": TEXT, "state": {"type": "string", "enum": list(BookletState)}, "state_since": TIME,
         "place": TEXT, "place_label": TEXT, "warehouse": MAYBE, "void_type": MAYBE,
         "cases": {"type": "array", "items": {"type": "object"}},
         "movements": {"type": "array", "items": {"type": "object"}},
         "next": {"type": ["integer", "null"], "description": "`after` of the next page of movements."}},
    ),
    "Event": _object(
        {"event": {"type": "string", "enum": list(Event)}, "transition": TEXT,
         "from": {"type": ["string", "null"], "enum": [*State, None]}, "to": STATE, "at": TIME, "user": TEXT,
         "site": TEXT, "booklet": MAYBE, "reason": MAYBE, "comment": MAYBE},
    ),
    "Case": _object(
        {**SUMMARY, "mobile": {"type": "boolean"}, "station": TEXT, "operator": TEXT, "desk": MAYBE,
         "validity_years": {"type": "integer"}, "priority": {"type": "integer"}, "enrolled_at": TIME,
         "payment_slip": MAYBE, "previous_booklet": MAYBE, "booklet": MAYBE,
         "person": {"type": "object", "description": "The applicant's data, by column name."},
         "findings": {"type": "array", "items": _ref("Finding")},
         "requirements": {"type": "array", "items": _ref("Requirement")},
         "booklets": {"type": "array", "items": _ref("Booklet")},
         "next_booklets": {"type": "array", "items": {"type": "string", "pattern": BOOKLET_NUMBER}, "description":
                           "What assign_booklet may be given: for who may assign, while the case is AUTORIZADA."},
         "events": {"type": "array", "items": _ref("Event")},
         "transitions": {"type": "array", "items": TEXT, "description": "What this account may try now."}},
    ),
    "Outcome": _object(
        {"number": TEXT, "state": STATE, "event": _ref("Event"), "new_case": MAYBE,
         "warnings": {"type": "array", "items": TEXT, "description": "Controls that were broken and only warn."}},
    ),
    "Scan": _object(
        {"kind": TEXT, "passed": {"type": "boolean"}, "verdict": {"type": "object"}, "at": TIME},
    ),
}  # fmt: skip
