"""Times the PDF of a long report against the same table drawn with reportlab's canvas in the direct way, in CPU time.

Direct is what one would write for this table alone: a `drawString` per cell in the same font at fixed places, a head
and a page number for each page, `showPage`. It gets its texts ready made and knows that they fit, so what ours takes
beyond it is the price of values that come typed and one by one, texts that are measured, broken and checked for letters
that the font lacks, rows as high as they need, numbers on the right, totals, and pages that know how many they are.

    python -m benchmarks.report_pdf_table [--rows 5000] [--rounds 7] [--write FOLDER]

Rows are ten columns as the reports of prints have them: two thirds of the texts come again, as sites, people and days
do, the numbers of cases and booklets do not. Rounds alternate which of the two begins. --write leaves both files in a
folder, to look at. The last line is JSON; the ratio is the median of ours divided by the median of direct.
"""

import argparse
import datetime as dt
import gc
import io
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from reportlab.lib.pagesizes import LETTER, landscape
from reportlab.pdfgen.canvas import Canvas

from printing.paper_sheet import TEXT
from reports.document import Document, Heading, Kind, Value, Words
from reports.pdf import write
from reports.pdf_cells import said

TARGET = 1.5
MARGIN, SIZE, PITCH = 40.0, 7.5, 13.0  # points, of the direct way
COLUMNS = (
    Heading("Caso", Kind.CODE, 13),
    Heading("Libreta", Kind.CODE, 9),
    Heading("Boleta", Kind.CODE, 10),
    Heading("Apellidos", Kind.TEXT, 22),
    Heading("Nombres", Kind.TEXT, 22),
    Heading("Sede", Kind.TEXT, 20),
    Heading("Impresa", Kind.MOMENT, 19),
    Heading("Vence", Kind.DATE, 10),
    Heading("Corrección", Kind.FLAG, 8),
    Heading("Minutos", Kind.INTEGER, 8),
)
SURNAMES = ("García Pérez", "Muñoz Ixcoy", "Xitumul Sánchez", "Güitz Ramírez", "Sic Tzunún", "López y López")
GIVEN_NAMES = ("María José", "Ángel Eduardo", "Íngrid Noemí", "Juan Carlos", "Ana Lucía", "Óscar René")
SITES = ("Guatemala, sede central", "Quetzaltenango", "Huehuetenango", "Nueva York", "Los Ángeles", "Petén")

Row = tuple[Value, ...]


def lines(count: int) -> list[Row]:
    """The rows of the report, the same in every run."""
    chance = random.Random(2026)  # noqa: S311  nothing is kept secret with it
    began = dt.datetime(2026, 11, 3, 14, 0, tzinfo=dt.UTC)
    return [
        (
            f"2026-{at:07}",
            f"F{4_000_000 + 3 * at:07}",
            str(60_000_000 + 7 * at),
            chance.choice(SURNAMES),
            chance.choice(GIVEN_NAMES),
            chance.choice(SITES),
            began + dt.timedelta(seconds=41 * at),
            dt.date(2031, 11, 2) + dt.timedelta(days=at // 700),
            at % 40 == 0,
            chance.randrange(2500),
        )
        for at in range(count)
    ]


def ours(rows: Sequence[Row], target: BinaryIO) -> None:
    """The table by the product."""
    total = sum(minutes for *_, minutes in rows if isinstance(minutes, int))
    document = Document(
        title="Impresiones detalladas",
        number="R27-2026-000341",
        office="Instituto Guatemalteco de Migración",
        facts=(("Del", "03/11/2026"), ("Al", "04/11/2026")),
        notes=(),
        columns=(*COLUMNS[:-1], replace(COLUMNS[-1], total=total)),
        rows=iter(rows),
        count=len(rows),
    )
    write(document, target)


def direct(texts: Sequence[Sequence[str]], target: BinaryIO) -> None:
    """The table as one would draw it at once."""
    width, height = landscape(LETTER)
    canvas = Canvas(target, pagesize=(width, height), invariant=1)
    total = sum(column.width for column in COLUMNS)
    places = [MARGIN + (width - 2 * MARGIN) * sum(c.width for c in COLUMNS[:at]) / total for at in range(len(COLUMNS))]
    fitting = int((height - 2 * MARGIN) / PITCH) - 2
    for page, first in enumerate(range(0, len(texts), fitting), start=1):
        canvas.setFont(TEXT, SIZE)
        for place, column in zip(places, COLUMNS, strict=True):
            canvas.drawString(place, height - MARGIN, column.title)
        for at, row in enumerate(texts[first : first + fitting], start=1):
            for place, text in zip(places, row, strict=True):
                canvas.drawString(place, height - MARGIN - at * PITCH, text)
        canvas.drawRightString(width - MARGIN, MARGIN, f"Página {page}")
        canvas.showPage()
    canvas.save()


def _seconds(work: Callable[[], None]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def texts_of(rows: Sequence[Row]) -> list[list[str]]:
    """What the cells say, made ready for the direct way."""
    words = Words()
    return [[said(value, column.kind, words) for value, column in zip(row, COLUMNS, strict=True)] for row in rows]


def times(rows: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU of each way; a round of a few rows, which is not counted, comes first."""
    values = lines(rows)
    texts = texts_of(values)
    ways: list[tuple[str, Callable[[], None]]] = [
        ("ours", lambda: ours(values, io.BytesIO())),
        ("direct", lambda: direct(texts, io.BytesIO())),
    ]
    ours(values[:20], io.BytesIO())
    direct(texts[:20], io.BytesIO())
    found: dict[str, list[float]] = {name: [] for name, _ in ways}
    for place in range(rounds):
        for name, way in ways if place % 2 else reversed(ways):
            found[name].append(_seconds(way))
    return found


def ratio(found: dict[str, list[float]]) -> float:
    return statistics.median(found["ours"]) / statistics.median(found["direct"])


def measure(rows: int = 5000) -> float:
    """How many times the direct way's CPU time ours takes."""
    return ratio(times(rows, rounds=3))


def _write_both(rows: int, folder: Path) -> None:
    values = lines(rows)
    with (folder / "ours.pdf").open("wb") as target:
        ours(values, target)
    with (folder / "direct.pdf").open("wb") as target:
        direct(texts_of(values), target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=Path, help="folder for one file of each way")
    options = parser.parse_args()
    if options.rows < 1 or options.rounds < 1:
        parser.error("at least one row and one round")
    if options.write:
        _write_both(options.rows, options.write)
    found = times(options.rows, options.rounds)
    for name, seconds in found.items():
        print(
            f"{name:<8}{statistics.median(seconds):7.3f} s of CPU (least {min(seconds):.3f}, most {max(seconds):.3f})"
        )
    print(f"ours takes {ratio(found):.3f} of the direct way for {options.rows} rows (at most {TARGET})")
    print(json.dumps({"benchmark": "report_pdf_table", "ratios": {"pdf": round(ratio(found), 4)}}))


if __name__ == "__main__":
    main()
