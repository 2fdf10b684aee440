"""Times the files of a report against the plain way to write each, and how the memory of a workbook grows.

`xlsx` is a workbook of 100,000 lines of 12 columns by `reports.xlsx`, divided by xlsxwriter's constant memory fed cell
by cell, each with the method of its type: the medians of both. They write to a file and read the same query from a
server-side cursor; that is counted too. Ours is timed before and after each of the plain way, which takes long.
`memory` is how much more memory a process takes at its most with a million lines than with ten thousand, in units of
60 MiB. `pdf` is that of `benchmarks.report_pdf_table`.

    python -m benchmarks.report_files [xlsx memory pdf] [--rows 100000] [--most 1000000] [--rounds 1]

The query makes its rows of nothing (`generate_series`); it runs on the server of --url or DATABASE_URL, or else on the
product's embedded server in a temporary folder. The last line is JSON with the ratios.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter

from app.database_server import ensure_database, stop_database
from app.settings import Settings
from models.clock import local
from reports.document import Document, Heading, Kind, Value
from reports.xlsx import write

TARGETS = {"xlsx": 0.35, "pdf": 1.5, "memory": 1.0}
ROOM = 60.0  # MiB
FEW = 10_000  # lines, to which the memory of the most is compared
BATCH = 2000  # rows fetched at a time
Rows = Iterator[tuple[Value, ...]]

COLUMNS = (
    Heading("Caso", Kind.CODE, 13),
    Heading("Apellidos", Kind.TEXT, 26),
    Heading("Nombres", Kind.TEXT, 26),
    Heading("CUI", Kind.CODE, 14),
    Heading("Sede", Kind.TEXT, 24),
    Heading("Estado", Kind.TEXT, 14),
    Heading("Libreta", Kind.CODE, 10),
    Heading("Impresiones", Kind.INTEGER, 11),
    Heading("Minutos", Kind.INTEGER, 11),
    Heading("Nacimiento", Kind.DATE, 11),
    Heading("Enrolado", Kind.MOMENT, 20),
    Heading("Entregado", Kind.MOMENT, 20),
)
QUERY = """
    select 'GUA' || lpad(i::text, 9, '0'),
           (array['García López', 'Ajú Xitumul', 'Hernández Pérez', 'de León Muñoz'])[1 + i %% 4] || ' ' || i %% 977,
           (array['María José', 'Juan Carlos', 'Ana Lucía', 'Óscar', 'Dulce María & Luz'])[1 + i %% 5],
           (1000000000000 + i * 7919::bigint)::text,
           (array['Guatemala', 'Quetzaltenango', 'Los Ángeles, California'])[1 + i %% 3],
           (array['Enrolada', 'Autorizada', 'Impresa', 'Entregada', 'Rechazada'])[1 + i %% 5],
           case when i %% 5 > 1 then 'F' || lpad(i::text, 7, '0') end,
           1 + i %% 3,
           i * 37::bigint %% 100000,
           date '1950-01-01' + i %% 25000,
           timestamptz '2016-01-04 14:00:00+00' + i * interval '31 seconds',
           case when i %% 5 = 3 then timestamptz '2016-01-14 15:30:00+00' + i * interval '31.5 seconds' end
      from generate_series(1, %s) i
"""


@contextlib.contextmanager
def server(url: str | None) -> Iterator[str]:
    """What psycopg connects to: the server of `url`, or an embedded one that is gone afterwards."""
    with contextlib.ExitStack() as stack:
        if url is None:
            home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            settings = Settings.from_environment({"PASAPORTES_HOME": home, "PASAPORTES_DEMO": "1"})
            url = ensure_database(settings)
            stack.callback(stop_database, settings)
        yield url.replace("+psycopg", "", 1)


@contextlib.contextmanager
def lines(url: str, rows: int) -> Iterator[Rows]:
    """The rows of the query as a server-side cursor gives them."""
    with psycopg.connect(url) as connection, connection.cursor(name="lines") as cursor:
        cursor.itersize = BATCH
        cursor.execute(QUERY, (rows,))
        yield iter(cursor)


def ours(rows: Rows, count: int, path: Path) -> None:
    """The workbook by the product."""
    document = Document(
        title="Casos", number="CASOS-1", office="IGM", facts=(), notes=(), columns=COLUMNS, rows=rows, count=count
    )
    with path.open("w+b") as target:
        write(document, target)


def plain(rows: Rows, _count: int, path: Path) -> None:
    """The same lines by xlsxwriter alone."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        writers = [_plain_cell(book, sheet, column.kind) for column in COLUMNS]
        for at, column in enumerate(COLUMNS):
            sheet.write_string(0, at, column.title)
        for row, values in enumerate(rows, 1):
            for at, (value, cell) in enumerate(zip(values, writers, strict=True)):
                if value is not None:
                    cell(row, at, value)


def _plain_cell(book: Any, sheet: Any, kind: Kind) -> Callable[[int, int, Any], Any]:
    form = {Kind.INTEGER: "#,##0", Kind.DATE: "dd/mm/yyyy", Kind.MOMENT: "dd/mm/yyyy hh:mm:ss"}.get(kind, "@")
    style = book.add_format({"num_format": form})
    if kind is Kind.INTEGER:
        return lambda row, at, value: sheet.write_number(row, at, value, style)
    if kind is Kind.DATE:
        return lambda row, at, value: sheet.write_datetime(row, at, value, style)
    if kind is Kind.MOMENT:
        return lambda row, at, value: sheet.write_datetime(row, at, local(value).replace(tzinfo=None), style)
    return lambda row, at, value: sheet.write_string(row, at, value, style)


def measure_xlsx(url: str, rows: int, rounds: int) -> float:
    """Our share of the seconds of the plain way; a small file of each, not counted, comes first."""
    ways = {"ours": ours, "plain": plain}
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, f"{name}.xlsx") for name in ways}
        for name, way in ways.items():
            _seconds(way, url, 1000, paths[name])
        order = ["ours", *["plain", "ours"] * rounds]
        found = [(name, _seconds(ways[name], url, rows, paths[name])) for name in order]
        sizes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
    seconds = {name: [took for each, took in found if each == name] for name in ways}
    print(f"{rows:,} lines of {len(COLUMNS)} columns")
    for name, took in seconds.items():
        print(f"{name:<6} from {min(took):6.2f} to {max(took):6.2f} s, {len(took)} times   {sizes[name]:5.1f} MB")
    return statistics.median(seconds["ours"]) / statistics.median(seconds["plain"])


def _seconds(way: Callable[[Rows, int, Path], None], url: str, rows: int, path: Path) -> float:
    start = time.perf_counter()
    with lines(url, rows) as found:
        way(found, rows, path)
    return time.perf_counter() - start


def measure_memory(url: str, most: int) -> float:
    """How much the peak grows from FEW lines to `most`, in units of ROOM; each is a process of its own."""
    peaks = [_peak_of_a_process(url, rows) for rows in (FEW, most)]
    print(f"memory at its most: {peaks[0]:.1f} MiB for {FEW:,} lines, {peaks[1]:.1f} MiB for {most:,}")
    return (peaks[1] - peaks[0]) / ROOM


def _peak_of_a_process(url: str, rows: int) -> float:
    command = [sys.executable, "-m", "benchmarks.report_files", "--peak", str(rows), "--url", url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  this module
    return float(done.stdout)


def peak(url: str, rows: int) -> float:
    """MiB that this process had at its most, having written a workbook of `rows` lines.

    Of /proc: what getrusage says starts with the memory of the process that started this one.
    """
    with tempfile.TemporaryDirectory() as folder, lines(url, rows) as found:
        ours(found, rows, Path(folder, "ours.xlsx"))
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure_pdf() -> float:
    """Our share of the time of drawing the same table directly."""
    from benchmarks.report_pdf_table import measure

    return measure()


def ratios(parts: Sequence[str], url: str, options: argparse.Namespace) -> dict[str, float]:
    """The ratios of the `parts`."""
    ways: dict[str, Callable[[], float]] = {
        "xlsx": lambda: measure_xlsx(url, options.rows, options.rounds),
        "memory": lambda: measure_memory(url, options.most),
        "pdf": measure_pdf,
    }
    return {part: ways[part]() for part in ways if part in parts}


def report(found: dict[str, float]) -> str:
    """What was found beside what it may be, and the JSON as its last line."""
    table = [f"{name} = {ratio:.3f} (at most {TARGETS[name]})" for name, ratio in found.items()]
    rounded = {name: round(ratio, 4) for name, ratio in found.items()}
    return "\n".join([*table, json.dumps({"benchmark": "report_files", "ratios": rounded})])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: $DATABASE_URL")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.rows, options.most, options.rounds) < 1 or not set(options.parts) <= set(TARGETS):
        parser.error("at least one row and one round; parts are " + ", ".join(TARGETS))
    with server(options.url or None) as url:
        if options.peak is not None:
            print(peak(url, options.peak))
        else:
            print(report(ratios(options.parts or list(TARGETS), url, options)))


if __name__ == "__main__":
    main()
