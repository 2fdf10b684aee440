"""What the tests of the booklet page share: an invented holder, a key store in a temporary directory, sample images."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PIL import Image

from printing.keys import KeyStore
from printing.layout import PageData
from printing.mrz import td3
from printing.seal import sign
from tests.printing.invented import BOOKLET, HOLDER, SIGNED_ON, run, sample_images


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
