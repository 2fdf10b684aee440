"""A scan at quality control is judged as it was sent, kept in a form that the database can hold, and never raises."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Personalisation
from models.cases import State
from security.actor import Actor
from tests.build import make_booklets, make_case
from tests.printing.test_scans_malformed import FRAMING, spoilt
from workflow import pages, quality

BOOKLET = "F0000901"


@pytest.fixture
def use(db: Session, as_user: Callable[[str], Actor]) -> Personalisation:
    """A printed page of a case."""
    case = make_case(db, State.AUTORIZADA)
    make_booklets(db, int(BOOKLET[1:]), 1)
    made = Personalisation(
        case_id=case.id,
        booklet_number=BOOKLET,
        site_code="GUA",
        assigned_by_id=as_user("concal").user_id,
        assigned_at=utc_now(),
    )
    pages.compose(db, case, made)
    db.add(made)
    db.flush()
    return made


def test_the_true_scans_pass_in_any_order(db: Session, use: Personalisation, as_user: Callable[[str], Actor]) -> None:
    actor = as_user("concal")
    for raw, kind in ((use.seal_text, "seal"), (use.mrz_line_1 + use.mrz_line_2, "mrz"), (f"{BOOKLET}\r\n", "booklet")):
        entry = quality.scan(db, use, raw, actor)
        assert (entry.kind, entry.passed, entry.raw) == (kind, True, raw)


@pytest.mark.parametrize("behind", ["\x00", "\ud800", "\x1d", " " * 5000 + "X", "X" * 1_000_000, "ſ"])
@pytest.mark.parametrize("kind", [None, "booklet", "mrz", "seal"])
def test_what_follows_a_true_scan_spoils_it_and_is_kept_as_far_as_it_can_be(
    db: Session, use: Personalisation, as_user: Callable[[str], Actor], kind: str | None, behind: str
) -> None:
    for true in (BOOKLET, use.mrz_line_1 + use.mrz_line_2, use.seal_text):
        entry = quality.scan(db, use, true + behind, as_user("concal"), kind)
        assert not entry.passed, entry.kind
        assert entry.raw.startswith(true)
        assert len(entry.raw) <= quality.SCAN_LIMIT


def test_a_sign_within_a_number_is_not_passed_over(
    db: Session, use: Personalisation, as_user: Callable[[str], Actor]
) -> None:
    for sign in "\x00\x1d\x1e\x0b\x85\xa0\u2003\u200b\u00ad":
        assert not quality.scan(db, use, BOOKLET[:3] + sign + BOOKLET[3:], as_user("concal"), "booklet").passed, sign


def test_hundreds_of_spoilt_scans_are_stored_and_do_not_pass(
    db: Session, use: Personalisation, as_user: Callable[[str], Actor]
) -> None:
    chance, actor = random.Random(9), as_user("concal")
    for whole in (use.mrz_line_1 + use.mrz_line_2, use.seal_text, BOOKLET):
        for _ in range(150):
            raw = spoilt(whole, chance)
            if raw.translate(FRAMING).strip(" -").upper() not in (whole, use.mrz_line_1 + use.mrz_line_2, BOOKLET):
                assert not quality.scan(db, use, raw, actor).passed, raw
    db.expire_all()
