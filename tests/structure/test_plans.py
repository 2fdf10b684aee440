"""On big tables every page reads by an index: its statements are caught, and no plan reads a big table whole."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from app.database_server import create_database, drop_database
from app.migrating import migrate
from benchmarks.big_table import fill
from models.base import SessionLocal, make_engine, utc_now
from models.base import session as scoped
from models.cases import PassportCase
from reports.catalogue import REPORTS
from security.actor import load_actor
from security.scope import set_acting
from tests.build import make_cast
from tests.cookies import bearer, sit_down
from workflow import checks, former_enquiries, former_passports, name_hits
from workflow.name_search import find, find_former, find_in_place

CASES = 20_000
BIG = (
    "passport_case case_event booklet access_log personalisation stock_movement stock_line stock_turnover former_case "
    "enrollment applicant name_word"
).split()


@dataclass
class Recorder:
    """The SELECTs sent to `engine` since the last `clear`, with their parameters."""

    engine: Engine
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if re.match(r"\s*(select|with)\b", statement, re.IGNORECASE):
            self.sent.append((statement, parameters))

    def scans(self) -> list[str]:
        """Each plan that reads one of BIG from end to end, even when every other way is made cheap."""
        assert self.sent, "nothing was asked of the database"
        with self.engine.connect() as connection:
            connection.execute(text("set local enable_seqscan = off"))
            for way in ("mergejoin", "hashjoin"):  # of whole indexes: pays on tables as small as these
                connection.execute(text(f"set local enable_{way} = off"))
            found = [line for sent in self.sent for line in self._scans(connection, *sent)]
            connection.rollback()
        return found

    def _scans(self, connection: Any, statement: str, parameters: Any) -> Iterator[str]:
        (plan,) = connection.exec_driver_sql(f"explain (format json) {statement}", parameters).one()
        for node in nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]):
            if node.get("Relation Name") in BIG and reads_all(node):
                yield f"{node['Node Type']} of {node['Relation Name']} in {statement}"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def reads_all(node: dict[str, Any]) -> bool:
    """A sequential scan, or an index read from end to end to filter its rows; reading the first of an order is none."""
    whole_index = node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or (whole_index and "Filter" in node)


@pytest.fixture(scope="module")
def big(server_url: str) -> Iterator[Engine]:
    """A database of its own with CASES cases and all that belongs to them."""
    name = f"pasaportes_plans_{os.getpid()}"
    engine = make_engine(create_database(server_url, name))
    migrate(engine)
    with Session(engine) as session:
        make_cast(session)
        session.flush()
        for statement in LOCAL_HEAD:
            session.execute(text(statement))
        session.commit()
    fill(engine, CASES, say=lambda _line: None)
    yield engine
    engine.dispose()
    drop_database(server_url, name)


@pytest.fixture
def asked(app: Flask, big: Engine) -> Iterator[Recorder]:
    """What the code under test asks of `big`."""
    before, recorder = dict(SessionLocal.kw), Recorder(big)
    scoped.remove()
    SessionLocal.configure(bind=big)
    event.listen(big, "before_cursor_execute", recorder.note)
    yield recorder
    event.remove(big, "before_cursor_execute", recorder.note)
    set_acting(None)
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


def a_case(engine: Engine, state: str) -> dict[str, Any]:
    """Some case of Guatemala in that state."""
    query = text("select * from passport_case where state = :state and site_code = 'GUA' order by id limit 1")
    with engine.connect() as connection:
        return dict(connection.execute(query, {"state": state}).mappings().one())


Request = tuple[str, str, str, dict[str, Any]]
Known = dict[str, dict[str, Any]]


def get(user: str, path: str) -> Callable[[Known], Request]:
    return lambda known: (user, "GET", path.format(**known), {})


def post(user: str, path: str, **form: str) -> Callable[[Known], Request]:
    return lambda known: (user, "POST", path, {"data": {name: value.format(**known) for name, value in form.items()}})


#: More than there are cases in a day; the screens of reports count no further than to their cap.
YEAR = "first=2026-01-01&last=2026-12-31&month=2026-11&on=2026-11-01"
#: A head of department of one site: no profile of the manual sees all reports and few sites.
LOCAL_HEAD = (
    "insert into ab_role (id, name, title) values (9001, 'LOCAL', 'Jefe local')",
    "insert into ab_permission_view_role (id, permission_view_id, role_id)"
    " select 900000 + g.id, g.permission_view_id, 9001 from ab_permission_view_role g"
    " join ab_role r on r.id = g.role_id join ab_permission_view pv on pv.id = g.permission_view_id"
    " join ab_permission p on p.id = pv.permission_id where r.name = 'JPGU' and p.name <> 'can_every_site'",
    "insert into ab_user (id, username, first_name, last_name, email, active, must_change_password)"
    " values (9001, 'gua', 'Jefe', 'Local', 'gua@example.org', true, false)",
    "insert into ab_user_role (id, user_id, role_id) values (9001, 9001, 9001)",
    "insert into user_site (user_id, site_code) values (9001, 'GUA')",
)
QUEUES = {
    "supervision": "supervisor", "printing": "impres", "delivery": "entrega", "quality": "concal",
    "mobile-printing": "impres", "in-printing": "impres", "secondary": "supusa",
}  # fmt: skip
#: How many statements a page may take.
MOST = 12
PAGES: dict[str, Callable[[Known], Request]] = {
    **{f"sites of {key}": get(user, f"/queues/{key}/?all=1") for key, user in QUEUES.items()},
    **{f"queue of {key}": get(user, f"/queues/{key}/GUA/") for key, user in QUEUES.items()},
    **{f"names in {key}": get(user, f"/queues/{key}/find?q=garcia") for key, user in QUEUES.items()},
    **{f"two names in {key}": get(user, f"/queues/{key}/find?q=garcia+lopez") for key, user in QUEUES.items()},
    "home": get("supersu", "/"),
    "sites, seen nationally": get("supersu", "/queues/supervision/?all=1"),
    "next page": get("supervisor", "/queues/supervision/GUA/?after=3_1700000000.000000_1"),
    "deal": post("supervisor", "/queues/supervision/GUA/next"),
    "booklet in a queue": get("entrega", "/queues/delivery/find?q={POST_IMPRESION[booklet_number]}"),
    "case page": get("supervisor", "/cases/{ENTREGADA[number]}/"),
    "review": get("supersu", "/cases/{ENROLADA[number]}/review"),
    "search a common surname": get("supersu", "/enquiries/search/?first_surname=garcia"),
    "search two names": get("supersu", "/enquiries/search/?first_surname=garcia&first_name=jose"),
    "search nobody": get("concal", "/enquiries/search/?first_surname=zzzz"),
    "find names": get("concal", "/find?q=garcia+lopez"),
    "find nobody": get("supersu", "/find?q=zzzz"),
    "find a case": get("concal", "/find?q={ENTREGADA[number]}"),
    "find a booklet": get("concal", "/find?q={ENTREGADA[booklet_number]}"),
    "find a CUI": get("concal", "/find?q={ENTREGADA[cui]}"),
    "find a slip": get("concal", "/find?q={ENTREGADA[payment_slip]}"),
    "find an MRZ": get("concal", "/find?q={ENTREGADA[booklet_number]}%3C0GTM9001011F3001019"),
    "find a stock document": get("admadm", "/find?q=3000"),
    "find a scanned zone": post("concal", "/find", q="{ENTREGADA[booklet_number]}0GTM9001011F3001019"),
    "find a zone of elsewhere": post("concal", "/find", q="ZZ00000010GTM9001011F3001019{ENTREGADA[cui]}<00"),
    "find by who sees everything": get("jpgu", "/find?q={ENTREGADA[cui]}"),
    "find names by who sees everything": get("jpgu", "/find?q=garcia+lopez"),
    "people by names": get("supervisor", "/enquiries/people/?q=garcia"),
    "people by a number": get("supervisor", "/enquiries/people/?q={ENTREGADA[cui]}"),
    "applicant": get("supervisor", "/cases/{ENTREGADA[number]}/applicant"),
    "booklet card": get("jpgu", "/booklets/{ENTREGADA[booklet_number]}"),
    "former cases by names": get("consultas", "/former/?names=garcia+jose"),
    "former cases of nobody": get("consultas", "/former/?names=zzzz"),
    "former cases by number": get("consultas", "/former/?number=A4"),
    "former cases by CUI": get("consultas", "/former/?number={ENTREGADA[cui]}"),
    "a former case": get("consultas", "/former/H4"),
    "printing page": get("impres", "/printing/{AUTORIZADA[number]}"),
    "page in printing": get("impres", "/printing/{EN_IMPRESION[number]}"),
    "quality start": get("concal", "/quality/"),
    "quality page": get("concal", "/quality/{IMPRESA[number]}"),
    "delivery start": get("entrega", "/delivery/"),
    "delivery by booklet": post("entrega", "/delivery/", raw="{POST_IMPRESION[booklet_number]}"),
    "delivery by name": post("entrega", "/delivery/", raw="garcia jose"),
    "receipts": get("admadm", "/receipts/"),
    "a receipt": get("admadm", "/receipts/3000?from=20000"),
    "a catalog": get("admadm", "/catalogs/site/list/"),
    **{f"report {key}": get("jpgu", f"/reports/{key}/") for key in REPORTS},
    **{f"report {key} of a site": get("gua", f"/reports/{key}/") for key in REPORTS},
    **{f"report {key} of a year": get("jpgu", f"/reports/{key}/?{YEAR}") for key in REPORTS},
    "the ledger of a booklet": get("jpgu", "/reports/booklet_ledger/?booklet={ENTREGADA[booklet_number]}"),
    "slips by range": get("jpgu", "/reports/payment_slips/?slips_from=100000100&slips_to=100000900"),
    "booklets by range": get("jpgu", "/reports/issued/?booklets_from=F0000100&booklets_to=F0000900"),
    "cases by range": get("jpgu", "/reports/issued/?cases_from=GUA000000100&cases_to=GUA000000900"),
    "voids by range": get("jpgu", "/reports/voided_ranges/?booklets_from=F0000100&booklets_to=F0000900"),
    "voids by slips": get("jpgu", "/reports/voided_ranges/?slips_from=100000100&slips_to=100000900"),
    "prints of an enrolment day": get("jpgu", "/reports/issued/?enrolled_first=2026-11-01&enrolled_last=2026-11-02"),
    "my reports": get("jpgu", "/reports/files/"),
    "passports to be posted": get("entrega", "/shipments/?site=GUA"),
    "shipments that ended": get("jpgu", "/shipments/?tab=ended"),
    "shipments on their way": get("entrega", "/shipments/?tab=sent&site=GUA"),
    "a passport to post": get("entrega", "/shipments/cases/{POST_IMPRESION[number]}"),
    "a label scanned": post("entrega", "/shipments/", raw="{POST_IMPRESION[number]}"),
    "a booklet scanned to post": post("entrega", "/shipments/", raw="{POST_IMPRESION[booklet_number]}"),
    "lost documents": get("jpgu", "/lost-documents/?stage=TO_SEND&first=2026-01-01"),
    "a loss reported": post(
        "jpgu", "/lost-documents/new", numbers="{ENTREGADA[booklet_number]}", kind="LOST", lost_on="2026-01-01",
        country="GTM", remarks="x",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def known(big: Engine) -> Known:
    return {
        state: a_case(big, state)
        for state in ("ENROLADA", "AUTORIZADA", "EN_IMPRESION", "IMPRESA", "POST_IMPRESION", "ENTREGADA")
    }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_big_tables_by_an_index(app: Flask, asked: Recorder, known: Known, page: str) -> None:
    user, method, path, values = PAGES[page](known)
    with Session(asked.engine) as session:
        actor = load_actor(session, username=user)
    assert actor is not None
    with Session(asked.engine) as session:
        client = sit_down(app.test_client(), session, actor)
    asked.sent.clear()
    answer = client.open(path, method=method, **values)
    assert answer.status_code in (200, 302, 303), answer.text
    assert asked.scans() == []
    if method == "GET":
        assert len(asked.sent) <= MOST, [statement for statement, _values in asked.sent]


INTERFACE: dict[str, tuple[str, str, str, Any]] = {
    "a case": ("concal", "GET", "/api/v1/cases/{ENTREGADA[number]}", None),
    "the case of an enrolment": ("concal", "GET", "/api/v1/cases?enrollment={ENTREGADA[enrollment_id]}", None),
    "enrolments by a name": (
        "estacion", "POST", "/osia/enrollment/v1/enrollments?transactionId=t1",
        [{"attributeName": "firstSurname", "operator": "=", "value": "Teleyat"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", INTERFACE)
def test_the_interface_reads_big_tables_by_an_index(app: Flask, asked: Recorder, known: Known, call: str) -> None:
    user, method, path, body = INTERFACE[call]
    with Session(asked.engine) as session:
        actor = load_actor(session, username=user)
    assert actor is not None
    with Session(asked.engine) as session:
        headers = bearer(app, session, actor)
    asked.sent.clear()
    answer = app.test_client().open(path.format(**known), method=method, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert asked.scans() == []


def test_the_checks_at_intake_read_big_tables_by_an_index(asked: Recorder, known: Known) -> None:
    case = known["ENTREGADA"]
    person = {"cui": case["cui"], "firstSurname": "Garcia", "firstName": "Jose"}
    request = {
        "passportType": "ORD", "procedure": "RENOVACION", "paymentSlip": {"number": case["payment_slip"]},
        "previousPassport": {"bookletNumber": case["booklet_number"]},
    }  # fmt: skip
    facts = checks.Facts(scoped(), {"biographicData": person, "requestData": request}, utc_now(), None)
    asked.sent.clear()
    for check in (checks.renewal_mismatch, checks.valid_passport, checks.duplicate_case, checks.payment_used):
        check(facts)
    list(former_passports.holders(scoped(), "A4", person))
    assert len(asked.sent) >= 6
    assert asked.scans() == []


#: Names that are common, rare, misspelt, begun, nobody's; and how they are looked for: as usual, and each harder way.
NAMES = "garcia|garcia lopez jose|yaxyat|gracia|bazques|m g|ma garcia|teleyat petrona|telelat petrono|zzzz".split("|")
WAYS = {"as usual": {}, "by the index": {"RECENT": -1}, "walking": {"RECENT": -1, "FEW": 0, "SORTED": 20}}


@pytest.mark.parametrize("way", WAYS)
def test_names_are_found_by_an_index(asked: Recorder, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    for setting, value in WAYS[way].items():
        monkeypatch.setattr(name_hits, setting, value)
    for username in ("jpgu", "gua"):
        actor = load_actor(scoped(), username=username)
        assert actor is not None
        set_acting(actor)
        asked.sent.clear()
        for names in NAMES:
            find(scoped(), actor, names, most=50)
        find_in_place(scoped(), actor, {PassportCase.first_surname: "gracia", PassportCase.first_name: "j"}, most=50)
        assert asked.scans() == []
    asked.sent.clear()
    assert all(find_former(scoped(), names, most=50) for names in NAMES)


def test_a_booklet_of_the_former_system_is_found_by_an_index(asked: Recorder) -> None:
    actor = load_actor(scoped(), username="consultas")
    assert actor is not None
    asked.sent.clear()
    assert former_enquiries.with_booklet(scoped(), actor, "A400")
    assert asked.scans() == []


def test_a_plan_that_reads_everything_is_seen(asked: Recorder) -> None:
    for query in (
        "select number from passport_case where operator = 'nobody'",
        "select id from case_event where comment = 'nothing' order by id desc limit 5",
    ):
        asked.sent.clear()
        scoped.execute(text(query))
        assert len(asked.scans()) == 1
