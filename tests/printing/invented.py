"""An invented holder, the images of sample enrolments, and the programs that look at a page from outside."""

import base64
import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

from printing.mrz import TravelDocument

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


def sample_images(enrolment: str) -> dict[str, bytes]:
    """Portrait and signature of a sample enrolment by biometric type."""
    content = json.loads((SAMPLES / f"{enrolment}.json").read_text(encoding="utf-8"))
    return {part["biometricType"]: base64.b64decode(part["image"]) for part in content["biometricData"]}


def run(program: str, *arguments: str, stdin: bytes | None = None) -> bytes:
    """The output of a program of poppler-utils."""
    found = shutil.which(program)
    assert found, f"{program} is missing: apt-get install poppler-utils"
    return subprocess.run([found, *arguments], input=stdin, capture_output=True, check=True).stdout
