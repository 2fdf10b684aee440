"""Signing keys: made once, refused when others may read them, verifiable for good."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from printing.keys import KeyStore, KeyStoreError
from printing.seal import SealError, sign, verify

LATER = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)


def test_the_private_file_is_for_its_owner_alone(store: KeyStore):
    private = next(store.path.glob("*.key.pem"))
    assert private.stat().st_mode & 0o777 == 0o600
    assert store.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_file_that_others_may_read_is_refused_by_name(store: KeyStore, mode: int):
    private = next(store.path.glob("*.key.pem"))
    private.chmod(mode)
    with pytest.raises(KeyStoreError, match=f"{private.name} has mode {mode:04o}.*chmod 600"):
        store.current()


def test_the_first_key_is_made_once_however_many_ask(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        refs = set(pool.map(lambda _: KeyStore(tmp_path / "keys").ensure().ref, range(16)))
    assert len(refs) == 1
    assert set(KeyStore(tmp_path / "keys").public_keys()) == refs


def test_a_booklet_signed_before_a_rotation_still_verifies(store: KeyStore, seal: str, lines: tuple[str, str]):
    old = store.current()
    new = store.rotate(LATER)
    assert new.ref != old.ref
    assert store.current().ref == new.ref
    assert verify(seal, store.public_keys()).ref == old.ref
    fresh = sign(new.private, new.ref, lines, "F0012346", "P", date(2027, 6, 2))
    assert verify(fresh, store.public_keys()).booklet == "F0012346"


def test_a_rotated_key_that_goes_on_signing_is_found_out(store: KeyStore, lines: tuple[str, str]):
    old = store.current()
    store.rotate(LATER)
    late = sign(old.private, old.ref, lines, "F0012346", "P", date(2027, 7, 1))
    with pytest.raises(SealError, match="OUTSIDE_VALIDITY"):
        verify(late, store.public_keys())


def test_the_public_files_alone_verify(store: KeyStore, seal: str):
    for private in store.path.glob("*.key.pem"):
        private.unlink()
    assert verify(seal, KeyStore(store.path).public_keys())
    with pytest.raises(KeyStoreError, match="is missing"):
        store.current()


def test_only_a_key_that_no_longer_signs_can_be_destroyed(store: KeyStore, seal: str):
    old = store.current().ref
    with pytest.raises(KeyStoreError, match="signs now"):
        store.destroy_private(old)
    store.rotate(LATER)
    store.destroy_private(old)
    assert [file.name for file in store.path.glob("*.key.pem")] == [f"{store.current().ref}.key.pem"]
    assert verify(seal, store.public_keys())


def test_a_key_is_valid_on_its_first_day_in_every_office(tmp_path: Path, lines: tuple[str, str]):
    store = KeyStore(tmp_path / "keys")
    key = store.create(datetime(2026, 11, 20, 3, 0, tzinfo=UTC))  # still the 19th in Guatemala
    seal = sign(key.private, key.ref, lines, "F0012345", "P", date(2026, 11, 19))
    assert verify(seal, store.public_keys())


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"ref": 1, "valid_from": 2, "valid_until": 3, "public_key": 4}'])
def test_a_damaged_public_file_is_refused_by_name(store: KeyStore, content: str):
    (store.path / "0123456789.json").write_text(content)
    with pytest.raises(KeyStoreError, match=r"0123456789\.json"):
        store.public_keys()


def test_an_empty_store_says_so(tmp_path: Path):
    with pytest.raises(KeyStoreError, match="no signing key"):
        KeyStore(tmp_path / "none").current()


def test_the_time_of_a_key_needs_its_zone(tmp_path: Path):
    with pytest.raises(ValueError, match="time zone"):
        KeyStore(tmp_path / "keys").create(datetime(2026, 11, 20, 3, 0))
