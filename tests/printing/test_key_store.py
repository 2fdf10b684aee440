"""Signing keys: made once, refused when others may read them, verifiable for good."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from printing.keys import KeyStore, KeyStoreError, published, read_public_keys
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


def test_a_second_first_key_is_refused_and_so_is_the_rotation_of_none(store: KeyStore, tmp_path: Path):
    with pytest.raises(KeyStoreError, match="signs already; rotate"):
        store.create(LATER)
    with pytest.raises(KeyStoreError, match="no signing key; create one"):
        KeyStore(tmp_path / "empty").rotate(LATER)
    assert len(store.public_keys()) == 1


def test_a_key_whose_private_half_was_lost_can_be_rotated(store: KeyStore, seal: str):
    lost = store.current().ref
    (store.path / f"{lost}.key.pem").unlink()
    assert store.rotate(LATER).ref == store.current().ref != lost
    assert verify(seal, store.public_keys()).ref == lost


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_in_which_others_may_write_is_refused(store: KeyStore, mode: int):
    store.path.chmod(mode)
    for use in (store.current, store.check, store.ensure, lambda: store.rotate(LATER)):
        with pytest.raises(KeyStoreError, match=f"mode {mode:04o}.*chmod 700"):
            use()


def test_a_check_finds_every_private_file_that_is_open_to_others(store: KeyStore, tmp_path: Path):
    old = store.current().ref
    store.rotate(LATER)
    store.check()
    (store.path / f"{old}.key.pem").chmod(0o644)
    with pytest.raises(KeyStoreError, match=f"{old}.key.pem has mode 0644"):
        store.check()
    with pytest.raises(KeyStoreError, match="no folder"):
        KeyStore(tmp_path / "nowhere").check()


CREATE = """
import sys
from datetime import datetime, UTC
from printing.keys import KeyStore, KeyStoreError
print("ready", flush=True)
sys.stdin.readline()
try:
    print(KeyStore(sys.argv[1]).create(datetime.now(UTC)).ref)
except KeyStoreError as error:
    print("refused", error)
"""


def test_of_two_processes_that_create_at_once_one_makes_the_key(tmp_path: Path):
    folder = tmp_path / "keys"
    command = [sys.executable, "-c", CREATE, str(folder)]
    pair = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in pair:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0].strip() for process in pair)
    (ref,) = KeyStore(folder).public_keys()
    assert said == sorted([ref, f"refused {ref} signs already; rotate to make its successor"])
    assert KeyStore(folder).current().ref == ref


def test_published_keys_verify_and_hold_nothing_private(store: KeyStore, seal: str, tmp_path: Path):
    store.rotate(LATER)
    file = tmp_path / "public.json"
    file.write_text(published(store.public_keys().values()))
    assert read_public_keys(file) == store.public_keys()
    assert verify(seal, read_public_keys(file)).booklet == "F0012345"
    assert "PRIVATE" not in file.read_text()


def test_a_folder_of_published_files_never_forgets_that_a_key_ended(store: KeyStore, tmp_path: Path):
    folder = tmp_path / "verifier"
    folder.mkdir()
    (folder / "z-before.json").write_text(published(store.public_keys().values()))
    old = store.current().ref
    store.rotate(LATER)
    (folder / "a-after.json").write_text(published(store.public_keys().values()))
    assert read_public_keys(folder) == store.public_keys()
    assert read_public_keys(folder)[old].valid_until == date(2027, 6, 2)


@pytest.mark.parametrize(
    "content", ["", "[]", "7", '{"seal_keys": 7}', '{"seal_keys": [{}]}', '{"seal_keys": []}', "é"]
)
def test_a_published_file_that_is_none_is_refused_by_name(tmp_path: Path, content: str):
    file = tmp_path / "public.json"
    file.write_text(content)
    for place in (file, tmp_path):
        with pytest.raises(KeyStoreError, match=r"public\.json|holds no public keys"):
            read_public_keys(place)
    with pytest.raises(KeyStoreError, match="There is no"):
        read_public_keys(tmp_path / "other.json")


def test_a_published_key_under_another_reference_is_refused(store: KeyStore, tmp_path: Path):
    file = tmp_path / "public.json"
    file.write_text(published(store.public_keys().values()).replace(store.current().ref, "0123456789"))
    with pytest.raises(KeyStoreError, match="not the public key of 0123456789"):
        read_public_keys(file)
