"""The keys of the 2D code in the database: what was signed verifies for good, and what is not listed never does."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet, BookletState
from models.cases import PassportCase, State
from models.clock import local_date
from models.seals import SealKey
from printing.keys import KeyStore, last_day, pem_of
from printing.seal import SealError, SealFact, sign, verify
from security.errors import Unavailable
from tests.build import make_booklets, make_case
from tests.views.desk import act, checked, in_printing, printed, use_of
from workflow import pages, seal_keys


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    """An empty key folder of this test, from which the office's press signs."""
    store = KeyStore(tmp_path / "keys")
    monkeypatch.setattr(pages, "_press", pages.Press(store, None, specimen=False))
    monkeypatch.setattr(pages.Press, "lacking_font", lambda press: "")
    monkeypatch.setattr(pages, "load_fonts", lambda font, real=pages.load_fonts: real(pages.STAND_IN))
    return store


def rotate(db: Session, store: KeyStore) -> str:
    ref = store.rotate(utc_now()).ref
    seal_keys.enter(db, store.public_keys().values())
    db.commit()
    return ref


def read(db: Session, case: PassportCase, seal: str) -> tuple[bool, str]:
    """Whether quality control takes `seal` for the case's, and the cause."""
    _kind, passed, verdict = pages.examine(use_of(db, case), seal, "seal")
    return passed, verdict["cause"]


def test_the_key_that_signed_a_page_is_in_the_database_with_it(db: Session, store: KeyStore) -> None:
    use = use_of(db, in_printing(db))
    key = db.get_one(SealKey, use.seal_key_ref)
    assert key.ref == store.current().ref == verify(use.seal_text, seal_keys.known(db)).ref
    assert (key.public_pem, key.valid_until) == (pem_of(store.public_keys()[key.ref]), None)
    assert "PRIVATE" not in key.public_pem
    assert seal_keys.known(db) == store.public_keys()


def test_a_booklet_signed_before_a_rotation_passes_quality_control_after_it(db: Session, store: KeyStore) -> None:
    case = printed(db)
    old, new = use_of(db, case).seal_key_ref, rotate(db, store)
    store.destroy_private(str(old))
    assert read(db, case, use_of(db, case).seal_text) == (True, "NONE")
    assert use_of(db, checked(db, 5_000_002)).seal_key_ref == new != old
    entered = db.get_one(SealKey, old, populate_existing=True)
    assert entered.valid_until == last_day(utc_now())


def test_quality_control_trusts_the_database_and_no_folder(db: Session, store: KeyStore, tmp_path: Path) -> None:
    case = printed(db)
    use = use_of(db, case)
    stranger = KeyStore(tmp_path / "strange").ensure()
    lines = (use.mrz_line_1, use.mrz_line_2)
    forged = sign(stranger.private, stranger.ref, lines, use.booklet_number, "P", use.issued_on)
    for file in (tmp_path / "strange").glob("*.json"):
        (store.path / file.name).write_bytes(file.read_bytes())
    assert stranger.ref in store.public_keys()
    assert read(db, case, forged) == (False, "UNKNOWN_CERTIFICATE")
    for file in store.path.glob("*"):
        file.unlink()
    assert read(db, case, use.seal_text) == (True, "NONE")


def test_a_code_signed_with_an_ended_key_is_refused(db: Session, store: KeyStore) -> None:
    case = printed(db)
    use, old = use_of(db, case), store.current()
    rotate(db, store)
    after = last_day(utc_now()) + dt.timedelta(days=1)
    late = sign(old.private, old.ref, (use.mrz_line_1, use.mrz_line_2), use.booklet_number, "P", after)
    assert read(db, case, late) == (False, "OUTSIDE_VALIDITY")


def test_nothing_is_signed_with_a_key_that_the_database_knows_as_ended(db: Session, store: KeyStore) -> None:
    in_printing(db)
    ended = local_date(utc_now()) - dt.timedelta(days=1)
    first = dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    db.execute(text("alter table seal_key disable trigger user"))
    db.execute(text("update seal_key set valid_from = :first, valid_until = :day"), {"first": first, "day": ended})
    db.execute(text("alter table seal_key enable trigger user"))
    db.commit()
    make_booklets(db, 5_000_002, 1)
    case = make_case(db, State.AUTORIZADA)
    db.commit()
    with pytest.raises(Unavailable, match="may not sign on"):
        act(db, "impres", "assign_booklet", case.number, booklet="F5000002")
    db.rollback()
    assert db.get_one(Booklet, "F5000002", populate_existing=True).state == BookletState.NUEVA


def test_an_office_whose_key_folder_is_lost_is_told_and_makes_no_key_by_itself(db: Session, store: KeyStore) -> None:
    in_printing(db)
    store.path.rename(store.path.with_name("mislaid"))
    with pytest.raises(Unavailable, match="no signing key; create one"):
        in_printing(db, 5_000_002)
    db.rollback()
    assert not store.path.exists()


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_nothing_is_signed_with_a_key_that_others_may_read(db: Session, store: KeyStore, mode: int) -> None:
    in_printing(db)
    next(store.path.glob("*.key.pem")).chmod(mode)
    with pytest.raises(Unavailable, match=f"mode {mode:04o}.*chmod 600"):
        in_printing(db, 5_000_002)


def test_a_rotation_that_did_not_reach_the_database_gets_there_with_the_next_page(db: Session, store: KeyStore) -> None:
    old = use_of(db, in_printing(db)).seal_key_ref
    new = store.rotate(utc_now()).ref
    assert use_of(db, in_printing(db, 5_000_002)).seal_key_ref == new
    assert seal_keys.known(db) == store.public_keys()
    assert seal_keys.known(db)[str(old)].valid_until is not None


def test_a_page_that_is_not_kept_leaves_no_key_in_the_database(db: Session, store: KeyStore) -> None:
    with db.begin_nested() as nested:
        seal_keys.signing_key(db, store, utc_now(), local_date(utc_now()), may_create=False)
        assert len(seal_keys.known(db)) == 1
        nested.rollback()
    assert not seal_keys.known(db)


def test_the_scan_of_every_changed_character_is_refused(db: Session, store: KeyStore) -> None:
    seal, keys = use_of(db, in_printing(db)).seal_text, seal_keys.known(db)
    assert verify(seal, keys)
    for place, genuine in enumerate(seal):
        for character in {"A", "7", "Z", "0", "<", genuine.lower(), "ABCDEFGH"[place % 8]} - {genuine}:
            with pytest.raises(SealError):
                verify(seal[:place] + character + seal[place + 1 :], keys)


def test_a_code_of_a_forger_says_what_it_claims_without_being_accepted(db: Session, store: KeyStore) -> None:
    use = use_of(db, in_printing(db))
    stranger = KeyStore(store.path.with_name("strange")).ensure()
    lines = (use.mrz_line_1, use.mrz_line_2)
    pretended = sign(stranger.private, store.current().ref, lines, use.booklet_number, "P", use.issued_on)
    with pytest.raises(SealError) as refused:
        verify(pretended, seal_keys.known(db))
    assert refused.value.fact is SealFact.SIGNATURE
    assert refused.value.contents is not None
    assert refused.value.contents.mrz_lines == lines


# What the database refuses whoever asks.


def refused(db: Session, statement: str) -> str:
    with pytest.raises(DBAPIError) as error, db.begin_nested():
        db.execute(text(statement))
    return error.value.orig.diag.constraint_name or error.value.orig.sqlstate  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("delete from seal_key", "23001"),
        ("truncate seal_key cascade", "23001"),
        ("update seal_key set ref = '0123456789'", "23001"),
        ("update seal_key set valid_from = valid_from - 1", "23001"),
        ("update seal_key set public_pem = public_pem || ' '", "23001"),
        ("update seal_key set created_at = now() - interval '1 day'", "23001"),
        ("update seal_key set valid_until = valid_from - 1", "seal_key_ends_after_it_begins"),
        ("insert into seal_key select '0123456789', public_pem, valid_from, null, now() from seal_key",
         "seal_key_ref_is_of_its_key"),
        ("update personalisation set seal_key_ref = null", "23001"),
    ],
)  # fmt: skip
def test_a_key_stays_as_it_is(db: Session, store: KeyStore, statement: str, name: str) -> None:
    in_printing(db)
    assert refused(db, statement) == name


def test_the_end_of_a_key_is_set_once(db: Session, store: KeyStore) -> None:
    in_printing(db)
    db.execute(text("update seal_key set valid_until = valid_from + 30"))
    for end in ("null", "valid_from + 31", "valid_from + 29"):
        assert refused(db, f"update seal_key set valid_until = {end}") == "23001"


def test_a_page_names_a_key_that_is_there(db: Session, store: KeyStore) -> None:
    in_printing(db)
    db.execute(text("alter table personalisation disable trigger personalisation_keeps_its_key"))
    unknown = "update personalisation set seal_key_ref = '0123456789'"
    assert refused(db, unknown) == "fk_personalisation_seal_key_ref"
