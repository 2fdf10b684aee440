"""Commands that load: enrolments of a folder, the people of the simulated registry."""

from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy import select

from app import console
from models.base import session as database
from models.cases import PassportCase
from models.enrolments import Enrollment
from security.actor import Actor, load_actor, system_actor
from security.errors import DomainError
from security.scope import acting_as
from workflow import intake, registry
from workflow.outside import consulting
from workflow.outside.enrolments import person_to_ask

STATION = "estacion"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def station(username: str | None) -> Actor:
    """The account that enrols: the one named, else the capture station's, else the system's. Raises `LookupError`."""
    actor = load_actor(database(), username=username or STATION)
    if username is not None and (actor is None or not actor.active):
        raise LookupError(f"there is no account {username!r}, or it is disabled")
    return actor if actor is not None and actor.active else system_actor(database())


def enrol_folder(folder: Path, actor: Actor) -> Iterator[tuple[str, bool]]:
    """Enrol every `*.json` of a folder, sorted by name, each in a transaction of its own.

    Yields one line for each, and whether it is a case now.
    """
    for path in sorted(folder.glob("*.json"), key=lambda path: path.name):
        if not path.is_file():
            continue
        yield _enrolled(path, actor)


def _enrolled(path: Path, actor: Actor) -> tuple[str, bool]:
    raw = path.read_bytes()
    try:
        with acting_as(actor):
            person = person_to_ask(database(), actor, path.stem, raw, how="create")
            database.commit()  # no transaction is open while services are asked
            consulted = consulting.consult(person) if person else None
            made = intake.create(
                database(), actor, path.stem, raw, finalize=True, transaction=path.name, consulted=consulted
            )
            line = described(made)
            database.commit()
            return line, True
    except intake.AlreadyEnrolled as refusal:
        database.rollback()
        there = database.get(Enrollment, path.stem)
        if there is not None and there.case_id is not None:
            return f"{described(there)} (already enrolled)", True
        return f"{path.stem} - REFUSED $: {refusal}", False
    except DomainError as refusal:
        database.rollback()
        return f"{path.stem} - REFUSED {_said(refusal)}", False
    except Exception:
        database.rollback()
        raise


def _said(refusal: DomainError) -> str:
    message = refusal.message_id % refusal.params if refusal.params else refusal.message_id
    return f"{refusal.field or '$'}: {message}"


def described(enrolment: Enrollment) -> str:
    """`<id> <case number> <state> <findings>` of a finalized enrolment."""
    found = select(PassportCase).where(PassportCase.id == enrolment.case_id).execution_options(every_site=True)
    case = database.scalars(found).one()
    findings = ",".join(finding.code for finding in case.findings) or "-"
    return f"{enrolment.id} {case.number} {case.state} {findings}"


def opened() -> None:
    """Make database and registry ready, by the settings of the environment."""
    console.database(console.settings_or_exit())


@click.command("enrol")
@click.argument("folder", type=FOLDER)
@click.option("--as", "username", help="Account that sends them; else `estacion`, else the system's.")
def enrol(folder: Path, username: str | None) -> None:
    """Enrol the files of a folder, one line each."""
    opened()
    try:
        actor = station(username)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    refused = 0
    for line, enrolled in enrol_folder(folder, actor):
        click.echo(line)
        refused += not enrolled
    if refused:
        raise SystemExit(1)


@click.command("registry-load")
@click.argument("file", type=FILE)
def registry_load(file: Path) -> None:
    """Load the people whom the simulated civil registry knows."""
    opened()
    try:
        count = registry.load(database(), file)
        database.commit()
    except (DomainError, UnicodeDecodeError) as error:
        database.rollback()
        said = _said(error) if isinstance(error, DomainError) else "not UTF-8"
        raise click.ClickException(f"{file.name}: {said}") from error
    click.echo(f"{count} people loaded.")


COMMANDS = (enrol, registry_load)
