"""Names find the newest cases, whichever way they are looked for: among the newest, sorted, or walked."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.cases import PassportCase, State
from security.actor import Actor
from tests.build import make_case
from workflow import name_hits
from workflow.name_search import find
from workflow.queues import QUEUES, find_in_queue

#: How many of the newest are looked at first, and how many hits are sorted: so each way is taken.
WAYS = {"among the newest": (3000, 10), "sorted": (-1, 10), "walked": (-1, 0)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    recent, most = WAYS[request.param]
    monkeypatch.setattr(name_hits, "RECENT", recent)
    monkeypatch.setattr(name_hits, "SORTED", most)


def named(db: Session, surname: str, **changes: object) -> PassportCase:
    return make_case(db, first_surname=surname, second_surname=None, **changes)


@pytest.mark.usefixtures("way")
def test_the_newest_are_found_first(db: Session, as_user: Callable[[str], Actor]) -> None:
    cases = [named(db, "Quexel") for _ in range(4)]
    assert find(db, as_user("supersu"), "quexel", most=2).exact == [cases[3], cases[2]]
    assert find(db, as_user("supersu"), "quex mari", most=9).exact == cases[::-1]


@pytest.mark.usefixtures("way")
def test_nobody_sees_the_cases_of_other_sites(db: Session, as_user: Callable[[str], Actor]) -> None:
    here, printed_here, elsewhere = (named(db, "Quexel", site_code=site) for site in ("GUA", "ATL", "QTZ"))
    assert find(db, as_user("supervisor"), "quexel", most=9).exact == [printed_here, here]
    assert find(db, as_user("supersu"), "quexel", most=1).exact == [elsewhere]


def test_those_of_the_very_name_go_before_those_of_longer_ones(
    db: Session, as_user: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_hits, "RECENT", -1)
    very, longer = named(db, "Quex"), named(db, "Quexel")
    assert find(db, as_user("supersu"), "quex", most=1).exact == [very]
    assert find(db, as_user("supersu"), "quex", most=2).exact == [longer, very]


@pytest.mark.parametrize("typed", ["", "'", "& | !", "@GUA", "@", "zzzz"])
def test_what_names_nobody_finds_nobody(db: Session, as_user: Callable[[str], Actor], typed: str) -> None:
    named(db, "Quexel")
    assert find(db, as_user("supersu"), typed, most=9).exact == []


def test_a_queue_finds_those_who_wait_in_it(db: Session, as_user: Callable[[str], Actor]) -> None:
    waits = named(db, "Quexel", state=State.ENROLADA)
    named(db, "Quexel", state=State.AUTORIZADA)
    assert find_in_queue(db, QUEUES["supervision"], as_user("supervisor"), words="quexel") == [waits]
