"""Times the data page of a booklet against the same page drawn with reportlab in the plain way, in CPU time.

Both ways are the whole chain of a case: both MRZ lines from its names, the signed 2D code, the PDF with portrait and
signature. `page` is a document of one page. `batch` is one document of all the pages, per page; the plain way there
is what it does, a document for each, so its figure is the same as that of `page`. Every page of a round is another
holder, and every round has other booklet numbers, so that no 2D code is drawn twice: only what a process keeps between
pages in the office too, fonts above all, is kept here. Fonts and the signing key are loaded before.

    python -m benchmarks.booklet_page [--pages 100] [--rounds 6] [--write FOLDER]

Pictures are of the demonstration, and both ways get the same: portraits of 413 x 531 pixels, JPEG of quality 85, grainy
to different degrees and so of 27 to 90 kB; signatures in the form that is made for the page once, at intake, by
`printing.pictures.printable_signature`: PNG, grey, cut to the ink. That costs reportlab less than the 600 x 200 colours
or alpha that a station sends, so the comparison is the harder one for us. The ways alternate page by page. --write
leaves a page of each way in a folder, to look at. The last line is JSON with the ratios, ours divided by plain, of the
medians.
"""

import argparse
import io
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from app.demo.drawings import portrait_file, signature_file
from app.demo.looks import Look
from app.demo.people import CuiIssuer, Person, age, make_person
from app.demo.places import SITES
from benchmarks.plain_page import draw_plain
from printing.fonts import load_fonts
from printing.layout import PageData, render, render_batch
from printing.mrz import TravelDocument, td3
from printing.pictures import printable_signature
from printing.seal import sign

TARGETS = {"page": (9.0, 1 / 3), "batch": (2.5, 1 / 10)}  # milliseconds a page, ratio
ISSUED, EXPIRES = date(2026, 11, 20), date(2031, 11, 19)
LONG_SURNAMES = "Quiñónez Xitumul viuda de Échigoyen-Marroquín"
LONG_GIVEN_NAMES = "María Guadalupe de los Ángeles Concepción"
BIRTH_PLACES = (
    "GUATEMALA", "SAN ANDRÉS SEMETABAJ, SOLOLÁ", "SANTA CATARINA IXTAHUACÁN, SOLOLÁ", "FLORES, PETÉN",
    "CONCEPCIÓN CHIQUIRICHAPA, QUETZALTENANGO", "LOS ÁNGELES, CALIFORNIA, ESTADOS UNIDOS DE AMÉRICA",
)  # fmt: skip
KEY, KEY_REF = ec.generate_private_key(ec.SECP256R1()), "0123456789"


@dataclass(frozen=True)
class Holder:
    """What is known of somebody before a booklet is assigned."""

    surnames: str
    given_names: str
    birth: str
    sex: str
    cui: str
    birth_place: str
    portrait: bytes
    signature: bytes | None


def holders(pages: int) -> list[Holder]:
    """Invented people, the same each time; one of ten has a name too long for the MRZ."""
    rng, issue_cui = random.Random(4), CuiIssuer()  # noqa: S311  drawings and names, no secret
    people = (make_person(rng, issue_cui, rng.choice(SITES), ISSUED, 7, 80) for _ in range(pages))
    return [_holder(rng, person, place) for place, person in enumerate(people)]


def _holder(rng: random.Random, person: Person, place: int) -> Holder:
    name = person.name
    surnames = (name.first_surname, name.second_surname, name.married_surname)
    given_names = (name.first_name, name.second_name, name.other_names)
    return Holder(
        surnames=LONG_SURNAMES if place % 10 == 9 else " ".join(filter(None, surnames)),
        given_names=LONG_GIVEN_NAMES if place % 10 == 9 else " ".join(filter(None, given_names)),
        birth=person.birth_text,
        sex=person.sex,
        cui=person.cui,
        birth_place=rng.choice(BIRTH_PLACES),
        portrait=_portrait(person, grain=place % 8 / 40),
        signature=printable_signature(signature_file(person.cui).content),
    )


def _portrait(person: Person, grain: float) -> bytes:
    look = Look(person.sex, age(person.birth, ISSUED), person.skin_tone, person.hair_color, person.eye_color)
    with Image.open(io.BytesIO(portrait_file(look, person.cui).content)) as picture:
        noise = Image.effect_noise(picture.size, 60).convert("RGB")
        target = io.BytesIO()
        Image.blend(picture, noise, grain).save(target, "JPEG", quality=85)
    return target.getvalue()


def composed(holder: Holder, number: str) -> PageData:
    """The chain up to the page: MRZ from the names, signed 2D code."""
    document = TravelDocument(
        "P<", "GTM", holder.surnames, holder.given_names, number, "GTM", holder.birth, holder.sex, EXPIRES, holder.cui
    )
    lines = td3(document)
    return PageData(
        number=number,
        surnames=holder.surnames.upper(),
        given_names=holder.given_names.upper(),
        nationality="GUATEMALTECA / GUATEMALAN",
        birth=holder.birth,
        personal_number=holder.cui,
        sex=holder.sex,
        birth_place=holder.birth_place,
        issued_on=ISSUED,
        authority="INSTITUTO GUATEMALTECO DE MIGRACIÓN",
        expires_on=EXPIRES,
        portrait=holder.portrait,
        signature=holder.signature,
        mrz_lines=lines,
        seal=sign(KEY, KEY_REF, lines, number, "P", ISSUED),
    )


def ours(holder: Holder, number: str) -> bytes:
    """One page by the product, in a document of its own."""
    return render(composed(holder, number))


def plain(holder: Holder, number: str) -> bytes:
    """One page in the plain way."""
    return draw_plain(composed(holder, number))


def batch(people: Sequence[Holder], numbers: Iterator[str]) -> bytes:
    """One page for each by the product, in one document."""
    return render_batch([composed(holder, number) for holder, number in zip(people, numbers, strict=False)])


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def measure(people: Sequence[Holder], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of CPU a page, by way; a round that is not counted comes first."""
    numbers = (f"F{serial:07}" for serial in count())
    times: dict[str, list[float]] = {"ours": [], "plain": [], "batch": []}
    _round(people[:5], numbers)
    for _ in range(rounds):
        for way, found in _round(people, numbers).items():
            times[way] += found
    return times


def _round(people: Sequence[Holder], numbers: Iterator[str]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    ways = {"ours": ours, "plain": plain}
    for place, holder in enumerate(people):
        for way in sorted(ways, reverse=place % 2 == 1):
            number = next(numbers)
            times[way].append(_milliseconds(lambda: ways[way](holder, number)))  # noqa: B023  called at once
    return times | {"batch": [_milliseconds(lambda: batch(people, numbers)) / len(people)]}


def report(times: dict[str, list[float]], pages: int) -> str:
    """The table, and the JSON as its last line."""
    middle = {way: statistics.median(found) for way, found in times.items()}
    ratios = {"page": middle["ours"] / middle["plain"], "batch": middle["batch"] / middle["plain"]}
    titles = {"ours": "ours, a document each", "batch": f"ours, {pages} in a document", "plain": "plain reportlab"}
    lines = [f"{'milliseconds of CPU a page':<28}{'median':>8}{'p95':>8}{'measured':>10}"]
    for way, title in titles.items():
        high = sorted(times[way])[int(0.95 * (len(times[way]) - 1))]
        lines.append(f"{title:<28}{middle[way]:8.2f}{high:8.2f}{len(times[way]):10}")
    for name, way in (("page", "ours"), ("batch", "batch")):
        limit, share = TARGETS[name]
        lines.append(
            f"{name}: {middle[way]:.2f} ms (at most {limit}), {ratios[name]:.3f} of the plain way (at most {share:.3f})"
        )
    rounded = {name: round(ratio, 4) for name, ratio in ratios.items()}
    return "\n".join([*lines, json.dumps({"benchmark": "booklet_page", "ratios": rounded})])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--write", type=Path, help="folder for one page of each way")
    options = parser.parse_args()
    if options.pages < 1 or options.rounds < 1:
        parser.error("at least one page and one round")
    load_fonts()
    people = holders(options.pages)
    if options.write:
        (options.write / "ours.pdf").write_bytes(ours(people[-1], "F9999998"))
        (options.write / "plain.pdf").write_bytes(plain(people[-1], "F9999999"))
    print(report(measure(people, options.rounds), options.pages))


if __name__ == "__main__":
    main()
