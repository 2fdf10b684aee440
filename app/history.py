"""The command that imports exports of the former system (Histórico): checked whole, batch by batch, gone on with."""

import getpass
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from app import console
from models.base import session as database
from models.enrolments import FormerImport
from workflow import former_export, former_import, former_mapping
from workflow.former_export import Export
from workflow.former_mapping import FormerMapping
from workflow.former_report import ReportFiles
from workflow.former_system import Shelf

PLACE = click.Path(exists=True, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
#: Seconds between two lines of progress.
EVERY = 2.0

Say = Callable[[str], object]


def import_history(
    places: Iterable[Path],
    folder: Path,
    mapping: Path = former_mapping.DEFAULT,
    *,
    updates: bool = False,
    check: bool = False,
    say: Say = print,
) -> list[FormerImport]:
    """Import exports of the former system: files, or folders whose `*.csv` are taken by name.

    Reports and rejected rows are put into `folder`. `updates`: cases that changed are replaced; `check`: nothing is
    written into the database. Mapping and headers are checked before a row is read: raises `BadMapping`,
    `NotAnExport`; `ImportRunning` when another import runs.
    """
    known = former_mapping.known_codes(database())
    read = former_mapping.read_mapping(mapping, known)
    exports = [former_export.examine(path, read) for path in _files(places)]
    database.rollback()
    with former_import.alone(database()):
        try:
            return [
                _import(export, read, folder.absolute(), number, updates=updates, check=check, say=say)
                for number, export in enumerate(exports, 1)
            ]
        finally:
            database.rollback()


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(place.glob("*.csv")) if place.is_dir() else [place]


def _import(
    export: Export, mapping: FormerMapping, folder: Path, number: int, *, updates: bool, check: bool, say: Say
) -> FormerImport:
    by = f"{getpass.getuser()}@{socket.gethostname()}"
    if check:
        run = former_import.new(export, mapping, updates=updates, folder=folder, by=by)
        run.id = -number
    else:
        run = former_import.begun(database(), export, mapping, updates=updates, folder=folder, by=by)
        database.commit()
    if run.finished_at is not None:
        say(
            f"{export.name}: imported already at {run.finished_at:%Y-%m-%d %H:%M} UTC, begun by {run.started_by}: "
            "nothing to do."
        )
        return run
    if run.rows:
        say(f"{export.name}: goes on after {run.rows} rows, at line {run.next_line}.")
    with former_import.files(run, export, check=check) as report:
        _all_batches(run, export, mapping, report, check=check, say=say)
    for line in summary(run, report, check=check):
        say(line)
    return run


def _all_batches(
    run: FormerImport, export: Export, mapping: FormerMapping, report: ReportFiles, *, check: bool, say: Say
) -> None:
    shelf = Shelf(database(), run.id, updates=run.updates, trial=check)
    shelf.lay_out()
    began_at, before, said_at = time.monotonic(), run.rows, time.monotonic()
    for batch in former_import.batches(run, export, mapping):
        former_import.take(shelf, run, batch, report)
        if not check:
            database.commit()
        now = time.monotonic()
        if now - said_at >= EVERY:
            said_at, speed = now, (run.rows - before) / (now - began_at)
            say(f"{export.name}: {run.rows} rows, {run.next_byte * 100 // export.size} %, {speed:.0f} rows a second")
    former_import.finish(run)
    if not check:
        database.commit()


def summary(run: FormerImport, report: ReportFiles, *, check: bool) -> Iterator[str]:
    """What an import did, in lines."""
    yield (
        f"{run.file_name}: {run.rows} rows: {run.imported} cases imported, {run.updated} replaced, "
        f"{run.there_already} there already, {run.repeated} repeated, {run.in_both} again in another file, "
        f"{run.not_imported} not imported."
    )
    yield f"  Report: {report.report}"
    if run.not_imported:
        yield f"  Rows not imported, to be mended and given again: {report.rejects}"
    if check:
        yield "  This was a check: nothing was written into the database."


@click.command("import-history")
@click.argument("places", nargs=-1, required=True, type=PLACE, metavar="FILE…")
@click.option("--mapping", type=FILE, default=former_mapping.DEFAULT, help="TOML or JSON; else the usual export's.")
@click.option("--update", is_flag=True, help="Replace cases that an earlier import brought with other data.")
@click.option("--check", is_flag=True, help="Only report what would happen; nothing is written into the database.")
@click.option("--reports", type=FOLDER, help="Folder for reports and rejected rows; else `imports` in the home.")
def history(places: tuple[Path, ...], mapping: Path, update: bool, check: bool, reports: Path | None) -> None:
    """Import exports of the former system: files, or folders of CSV files. Cut off, it goes on where it was."""
    settings = console.settings_or_exit()
    console.database(settings)
    folder = reports or settings.home / "imports"
    try:
        import_history(places, folder, mapping, updates=update, check=check, say=click.echo)
    except (former_mapping.BadMapping, former_export.NotAnExport, former_import.ImportRunning) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from error


COMMANDS = (history,)
