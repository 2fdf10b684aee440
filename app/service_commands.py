"""Commands of the outside services and the watch lists: the simulator, what it is told to do, lists from files."""

import threading
from pathlib import Path
from urllib.parse import urlsplit

import click
import urllib3

from app import console, jobs, registry_simulator
from app.loading import FILE, station
from app.registry_simulator import BEHAVIOUR, ROOT, Behaviour
from models.base import session as database
from models.services import Service
from security.actor import system_actor
from security.errors import DomainError
from security.scope import acting_as
from workflow.outside import parameters
from workflow.watch_lists import loading


@click.command("registry-simulator")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of 127.0.0.1; 0 takes any free one.")
@click.option("--parent", type=int, hidden=True, help="End when this process has ended.")
def simulator(port: int, parent: int | None) -> None:
    """Serve the simulated civil registry and watch lists; only in a demonstration."""
    settings = console.settings_or_exit(serving=True)
    if not settings.demo:
        raise click.ClickException("The simulator answers with invented people: it only runs in a demonstration.")
    console.database(settings)
    if parent is not None:
        threading.Thread(target=jobs.end_with, args=(parent, 1.0), daemon=True).start()
    registry_simulator.serve(port)


@click.command("registry-behave")
@click.argument("behaviour", type=click.Choice([str(one) for one in Behaviour]))
@click.option("--cui", help="Only for this CUI; else for everybody, and what was said of single ones is forgotten.")
@click.option("--seconds", type=float, default=30.0, help="How long a slow answer takes.")
def behave(behaviour: str, cui: str | None, seconds: float) -> None:
    """Tell the running simulator how to behave."""
    console.database(console.settings_or_exit())
    said = parameters.read(database(), Service.CIVIL_REGISTRY)
    database.rollback()
    address = urlsplit(said.url or "")
    if not address.path.startswith(ROOT) or not said.secret:
        raise click.ClickException("The parameters of the civil registry do not name the simulator.")
    told = {"behaviour": behaviour, "seconds": seconds, **({"cui": cui} if cui else {})}
    headers = {"Authorization": f"Bearer {said.secret}"}
    place = f"{address.scheme}://{address.netloc}{BEHAVIOUR}"
    try:
        answer = urllib3.request("POST", place, json=told, headers=headers, retries=False, timeout=5.0)
    except urllib3.exceptions.HTTPError as error:
        raise click.ClickException("The simulator does not answer; is the demonstration being served?") from error
    if answer.status != 200:
        raise click.ClickException(f"The simulator answered {answer.status}.")
    click.echo(f"The simulator {behaviour}{f' for {cui}' if cui else ''}.")


@click.command("load-watch-list")
@click.argument("file", type=FILE)
@click.option("--type", "list_type", required=True, help="Code of the list's type (catalog 45).")
@click.option("--source", help="Name of the list among those of its type; else INICIAL.", default="INICIAL")
@click.option("--as", "username", help="Account in whose name it is loaded; else the system's.")
def load_watch_list(file: Path, list_type: str, source: str, username: str | None) -> None:
    """Load a watch list from a CSV file in the place of the former version of the same source, whole or not at all."""
    console.database(console.settings_or_exit())
    try:
        actor = station(username) if username else system_actor(database())
        with acting_as(actor):
            done = loading.load_file(database(), actor, file, list_type=list_type, source=source)
        database.commit()
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    except loading.BadFile as refusal:
        database.rollback()
        lines = [f"line {fault.line}: {fault.message % fault.params}" for fault in refusal.faults]
        raise click.ClickException("\n".join([f"{file.name}: nothing was loaded.", *lines])) from refusal
    except DomainError as refusal:
        database.rollback()
        raise click.ClickException(f"{file.name}: {refusal}") from refusal
    except BaseException:
        database.rollback()
        raise
    click.echo(f"{done.entries} entries: {done.added} new, {done.removed} removed.")


COMMANDS = (simulator, behave, load_watch_list)
