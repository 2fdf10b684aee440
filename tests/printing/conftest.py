"""What the tests of the booklet page share: an invented holder, a key store in a temporary directory, sample images."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PIL import Image

from printing.keys import KeyStore
from printing.layout import PageData
from printing.mrz import TravelDocument, td3
from printing.seal import sign

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "enrolments"
SIGNED_ON = date(2026, 11, 20)
BOOKLET = "F0012345"


HOLDER = TravelDocument(
    document_code="P<",
    issuer="GTM",
    primary="Muñoz B'atz'anil",
    secondary="Íngrid Noemí",
    number=BOOKLET,
    nationality="GTM",
    birth="1987-09",
    sex="F",
    expires=date(2031, 11, 19),
    personal_number="6000001190101",
)


@pytest.fixture(scope="session")
def lines() -> tuple[str, str]:
    """The zone of an invented holder."""
    return td3(HOLDER)


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    """A key store whose first key signs from 19 November 2026."""
    store = KeyStore(tmp_path / "keys")
    store.create(datetime(2026, 11, 19, 18, 0, tzinfo=UTC))
    return store


@pytest.fixture
def seal(store: KeyStore, lines: tuple[str, str]) -> str:
    """A genuine 2D code of the invented holder."""
    key = store.current()
    return sign(key.private, key.ref, lines, BOOKLET, "P", SIGNED_ON)


@pytest.fixture
def page(lines: tuple[str, str], seal: str) -> PageData:
    """A whole page with the portrait and signature of a sample enrolment."""
    images = sample_images("20261103-GUA-E05-0930")
    return PageData(
        number=BOOKLET,
        surnames="MUÑOZ B'ATZ'ANIL",
        given_names="ÍNGRID NOEMÍ",
        nationality="GUATEMALTECA / GUATEMALAN",
        birth="1987-09",
        personal_number="6000 00119 0101",
        sex="F",
        birth_place="SAN ANDRÉS SEMETABAJ, SOLOLÁ",
        issued_on=SIGNED_ON,
        authority="INSTITUTO GUATEMALTECO DE MIGRACIÓN",
        expires_on=date(2031, 11, 19),
        portrait=images["FACE"],
        signature=images["SIGNATURE"],
        mrz_lines=lines,
        seal=seal,
    )


@pytest.fixture
def rasterised(tmp_path: Path) -> Callable[..., Image.Image]:
    """Turn a PDF's first page into a grey image."""

    def rasterise(pdf: bytes, dpi: int = 300) -> Image.Image:
        source, target = tmp_path / "page.pdf", tmp_path / "page"
        source.write_bytes(pdf)
        run("pdftoppm", "-r", str(dpi), "-gray", "-singlefile", str(source), str(target))
        with Image.open(target.with_suffix(".pgm")) as image:
            return image.convert("L")

    return rasterise


def sample_images(enrolment: str) -> dict[str, bytes]:
    """Portrait and signature of a sample enrolment by biometric type."""
    content = json.loads((SAMPLES / f"{enrolment}.json").read_text(encoding="utf-8"))
    return {part["biometricType"]: base64.b64decode(part["image"]) for part in content["biometricData"]}


def run(program: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    """The output of a program of poppler-utils."""
    found = shutil.which(program)
    assert found, f"{program} is missing: apt-get install poppler-utils"
    return subprocess.run([found, *arguments], input=stdin, capture_output=True, check=True).stdout
