"""The benchmark of enquiries runs from end to end on a small table; its figures are judged elsewhere."""

import json
import os

import pytest

from app.database_server import create_database, drop_database
from app.migrating import migrate
from benchmarks.big_table import fill
from benchmarks.enquiries import WAYS, ratios, report, run
from models.base import SessionLocal, make_engine
from models.base import session as scoped

PAGES = ("queue", "box_number")


@pytest.fixture
def filled_url(server_url):
    name = f"pasaportes_enquiries_{os.getpid()}"
    url = create_database(server_url, name)
    engine = make_engine(url)
    migrate(engine)
    fill(engine, 1500, say=lambda line: None)
    before = dict(SessionLocal.kw)
    yield engine, url
    scoped.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)
    engine.dispose()
    drop_database(server_url, name)


def test_pages_are_measured_in_each_way_and_compared(filled_url) -> None:
    found = run(*filled_url, seconds=0.02, patience=20.0, only=PAGES)
    assert found.keys() == set(PAGES)
    for page in found.values():
        assert 1 <= page.statements <= 25
        for timings in (page.alone, page.eight):
            assert timings.keys() == set(WAYS)
            assert all(0 < timing.quantile(0.95) < 20.0 for timing in timings.values())
    last = json.loads(report(found, 20.0).splitlines()[-1])
    assert last == {"benchmark": "enquiries", "ratios": ratios(found)}
    assert {"queue", "queue_throughput_vs_fab", "queue_throughput_vs_bare", "queue_p95_vs_fab"} <= last["ratios"].keys()
