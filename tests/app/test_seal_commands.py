"""The commands about the signed 2D code: keys made, rotated and published; a code proved with public keys alone."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import zxingcpp
from click.testing import CliRunner, Result
from flask import Flask
from PIL import Image
from sqlalchemy import text

from app import seal_commands
from models.base import SessionLocal, make_engine, session
from printing.keys import KeyStore, published
from printing.mrz import TravelDocument, td3
from printing.seal import sign

BEFORE = datetime(2026, 11, 19, 18, 0, tzinfo=UTC)
HOLDER = TravelDocument(
    document_code="P<", issuer="GTM", primary="Coy Tzul", secondary="Ana Lucía", number="F6000001", nationality="GTM",
    birth="1987-09", sex="F", expires=date(2031, 11, 19), personal_number="6000001190101",
)  # fmt: skip
VERIFY = [sys.executable, "-c", "from app.seal_commands import verify_seal; verify_seal()"]


@pytest.fixture(autouse=True)
def binding() -> Iterator[None]:
    """The commands bind the session to their own database; put it back."""
    session.remove()
    before = dict(SessionLocal.kw)
    yield
    session.remove()
    SessionLocal.kw.clear()
    SessionLocal.kw.update(before)


@pytest.fixture(scope="module")
def url(fresh_database: Callable[[str], str], app: Flask) -> str:
    return fresh_database("sealkeys")


@pytest.fixture
def home(tmp_path: Path, url: str) -> Iterator[Path]:
    """A home without keys, and a database that never saw one."""
    yield tmp_path / "home"
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("alter table seal_key disable trigger user"))
        connection.execute(text("delete from seal_key"))
        connection.execute(text("alter table seal_key enable trigger user"))
    engine.dispose()


@pytest.fixture
def keys(home: Path, url: str) -> Callable[..., Result]:
    environ = {"PASAPORTES_HOME": str(home), "DATABASE_URL": url, "PASAPORTES_DEMO": "", "PASAPORTES_SECRET_KEY": ""}
    return lambda *command: CliRunner().invoke(seal_commands.keys, [str(part) for part in command], env=environ)


def refusal(result: Result) -> str:
    """The one line with which a command refuses."""
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    return result.output


def test_keys_are_created_listed_and_rotated(keys: Callable[..., Result], home: Path) -> None:
    first = keys("create").output.split()[0]
    assert refusal(keys("create")) == f"Error: {first} signs already; rotate to make its successor\n"
    result = keys("rotate")
    assert (result.exit_code, result.output.count("\n")) == (0, 2)
    second = result.output.split()[0]
    lines = keys("list").output.splitlines()
    assert len(lines) == 3
    state = {line.split()[0]: line.split(maxsplit=3)[2:] for line in lines[1:]}
    assert state[second] == ["-", "signs, private key here"]
    assert state[first][1] == "ended, private key here"
    assert date.fromisoformat(state[first][0])
    assert {mode_of(file) for file in (home / "keys").glob("*.key.pem")} == {0o600}


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.mark.parametrize("command", ["list", "rotate", "publish"])
def test_a_missing_folder_is_one_line(keys: Callable[..., Result], tmp_path: Path, command: str) -> None:
    result = keys(command, *([tmp_path / "public.json"] if command == "publish" else []))
    assert result.exit_code == 1
    assert "There is no folder" in result.output.splitlines()[-1]
    assert not (tmp_path / "public.json").exists()


@pytest.mark.parametrize("command", ["list", "rotate", "publish"])
def test_a_private_key_open_to_others_is_refused_by_name(
    keys: Callable[..., Result], home: Path, tmp_path: Path, command: str
) -> None:
    ref = keys("create").output.split()[0]
    (home / "keys" / f"{ref}.key.pem").chmod(0o644)
    result = keys(command, *([tmp_path / "public.json"] if command == "publish" else []))
    assert result.exit_code == 1
    assert f"{ref}.key.pem has mode 0644" in result.output.splitlines()[-1]
    assert "chmod 600" in result.output.splitlines()[-1]
    assert len(list((home / "keys").glob("*.json"))) == 1


def test_of_two_commands_at_once_one_creates_the_key(home: Path, url: str) -> None:
    environ = {"PASAPORTES_HOME": str(home), "DATABASE_URL": url}
    command = [sys.executable, "-c", "from app.seal_commands import keys; keys()", "create"]

    def created(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)

    with ThreadPoolExecutor(2) as pool:
        one, other = sorted(pool.map(created, range(2)), key=lambda process: process.returncode)
    assert (one.returncode, other.returncode) == (0, 1), one.stderr + other.stderr
    (ref,) = KeyStore(home / "keys").public_keys()
    assert one.stdout == f"{ref} signs from now on.\n"
    assert f"Error: {ref} signs already" in other.stderr


def test_a_lost_folder_is_replaced_only_when_said_and_its_key_ends(keys: Callable[..., Result], home: Path) -> None:
    lost = keys("create").output.split()[0]
    (home / "keys").rename(home / "mislaid")
    assert f"{lost} signs" in refusal(keys("create"))
    assert not (home / "keys").exists()
    made = keys("create", "--replace").output.split()[0]
    lines = {line.split()[0]: line for line in keys("list").output.splitlines()}
    assert "ended, no private key here" in lines[lost]
    assert "signs, private key here" in lines[made]


def test_published_keys_lie_outside_the_folder_and_hold_every_key(
    keys: Callable[..., Result], home: Path, tmp_path: Path
) -> None:
    refs = [keys(command).output.split()[0] for command in ("create", "rotate", "rotate")]
    assert "name another folder" in refusal(keys("publish", home / "keys" / "public.json"))
    assert keys("publish", tmp_path / "public.json").output == f"3 public keys in {tmp_path / 'public.json'}\n"
    content = (tmp_path / "public.json").read_text()
    assert all(ref in content for ref in refs)
    assert "PRIVATE" not in content
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["public.json"]


# The verifier.


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    store = KeyStore(tmp_path / "keys")
    store.create(BEFORE)
    return store


@pytest.fixture
def seal(store: KeyStore) -> str:
    return signed(store, date(2026, 11, 20))


def signed(store: KeyStore, day: date) -> str:
    key = store.current()
    return sign(key.private, key.ref, td3(HOLDER), "F6000001", "P", day)


@pytest.fixture
def public(store: KeyStore, seal: str, tmp_path: Path) -> Path:
    """What a verifier is given: one file, made after a rotation."""
    store.rotate(datetime(2027, 6, 1, 12, 0, tzinfo=UTC))
    file = tmp_path / "given" / "public.json"
    file.parent.mkdir()
    file.write_text(published(store.public_keys().values()))
    return file


def verified(*arguments: str | Path, stdin: str = "") -> Result:
    environ = {"PASAPORTES_HOME": "/nonexistent", "DATABASE_URL": "nonsense"}
    given = [str(argument) for argument in arguments]
    return CliRunner().invoke(seal_commands.verify_seal, given, input=stdin, env=environ)


def test_the_public_file_alone_proves_a_code_in_an_empty_environment(seal: str, public: Path) -> None:
    for place in (public, public.parent):
        done = subprocess.run(
            [*VERIFY, "--keys", place.name if place == public else ".", "-"], cwd=public.parent, env={},
            input=f"{seal}\r\n", capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1] == "VALID"
    assert [file.name for file in public.parent.iterdir()] == ["public.json"]


def test_a_genuine_code_is_said_in_full(seal: str, public: Path, store: KeyStore) -> None:
    result = verified("--keys", public, seal)
    assert result.exit_code == 0
    rows = dict(line.split(maxsplit=1) for line in result.output.splitlines()[:-1] if "Personal" not in line)
    old = next(ref for ref, key in store.public_keys().items() if key.valid_until)
    assert rows == {
        "Document": "P GTM", "Name": "COY TZUL, ANA LUCIA", "Number": "F6000001", "Nationality": "GTM",
        "Born": "87-09-XX (two digits of the year)", "Sex": "F", "Expires": "2031-11-19", "Booklet": "F6000001",
        "Kind": "P", "Signed": "2026-11-20 for GTM", "Key": f"{old}, signs from 2026-11-19 until 2027-06-02",
    }  # fmt: skip
    assert "Personal number  6000001190101" in result.output


def test_an_altered_code_is_refused_with_the_reason(seal: str, public: Path) -> None:
    result = verified("--keys", public, seal[:-20] + ("A" if seal[-20] != "A" else "B") + seal[-19:])
    assert result.exit_code == 1
    assert result.output.startswith("NOT PROVED, the code claims:\n")
    assert result.output.splitlines()[-1].startswith("NOT VALID: The signature is false")


def test_a_key_that_is_not_listed_is_told_from_a_false_signature(public: Path, tmp_path: Path) -> None:
    stranger = KeyStore(tmp_path / "strange")
    stranger.create(BEFORE)
    result = verified("--keys", public, signed(stranger, date(2026, 11, 20)))
    assert result.exit_code == 1
    assert "not known here" in result.output.splitlines()[-1]


def test_a_code_signed_after_its_key_ended_is_refused(store: KeyStore, tmp_path: Path) -> None:
    late = signed(store, date(2027, 6, 3))
    store.rotate(datetime(2027, 6, 1, 12, 0, tzinfo=UTC))
    result = verified("--keys", store.path, late)
    assert result.exit_code == 1
    assert "its key was not valid" in result.output.splitlines()[-1]


@pytest.mark.parametrize("given", ["", "hello", "RDB1B", "á\x1b[31m"])
def test_what_is_no_code_is_not_valid(public: Path, given: str) -> None:
    result = verified("--keys", public, stdin=given)
    assert result.exit_code == 1
    assert result.output.startswith("NOT VALID: ")
    assert "\x1b" not in result.output


def test_without_keys_there_is_no_verdict(seal: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("missing.json", "empty"):
        result = verified("--keys", tmp_path / place, seal)
        assert (result.exit_code, result.output.count("\n")) == (2, 1)
        assert place in result.output
    assert verified(seal).exit_code == 2  # the home of this machine has none
    assert not Path("/nonexistent").exists()


def picture(folder: Path, *codes: str, form: str = "png") -> Path:
    """A picture with these codes side by side."""
    sheet = Image.new("L", (20 + 320 * max(len(codes), 1), 340), 255)
    for place, code in enumerate(codes):
        symbol = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.DataMatrix, eci="-1")
        sheet.paste(Image.fromarray(symbol.to_image(scale=5)), (20 + 320 * place, 20))
    file = folder / f"scan.{form}"
    sheet.save(file)
    return file


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_the_code_of_a_picture_is_read_and_proved(seal: str, public: Path, tmp_path: Path, form: str) -> None:
    result = verified("--keys", public, "--image", picture(tmp_path, seal, form=form))
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "VALID"), result.output


def test_a_picture_without_one_code_gives_no_verdict(seal: str, public: Path, tmp_path: Path) -> None:
    other = seal[:-1] + ("A" if seal[-1] != "A" else "E")
    for codes, words in (((), "no signed code"), (("hello",), "no signed code"), ((seal, other), "2 signed codes")):
        result = verified("--keys", public, "--image", picture(tmp_path, *codes))
        assert (result.exit_code, words in result.output) == (2, True), result.output
    (tmp_path / "scan.png").write_bytes(b"%PDF-1.7 none")
    result = verified("--keys", public, "--image", tmp_path / "scan.png")
    assert (result.exit_code, "is no picture" in result.output) == (2, True)
    assert verified("--keys", public, "--image", tmp_path / "scan.png", seal).exit_code == 2
