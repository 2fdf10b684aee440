"""Commands that look after the trail: the proof that no line of the logs was altered, removed or inserted."""

import json
from itertools import chain as one_after_another
from itertools import islice
from pathlib import Path

import click

from app.loading import opened
from models.base import session as database
from security import chain

SHOWN = 100
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("verify-log")
@click.option("--keep", type=_FILE, help="Write the heads of the chains here; keep the file away from this server.")
@click.option("--against", type=_FILE, help="Compare with heads that were kept before.")
def verify_log(keep: Path | None, against: Path | None) -> None:
    """Prove the logs: recompute every chain; name each line altered, removed or inserted, and exit with 1."""
    opened()
    kept = _read(against) if against else {}
    # Everything is read as of one moment, whatever is written meanwhile.
    database.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    session = database()
    lines, heads = chain.counted(session), chain.heads(session)
    found = one_after_another(chain.lost_heads(session, kept), chain.faults(session))
    shown = [str(fault) for fault in islice(found, SHOWN)]
    more = sum(1 for _fault in found)
    database.rollback()
    if shown:
        click.echo("\n".join(shown))
        if more:
            click.echo(f"... and {more} more")
        click.echo(f"{lines} lines: {len(shown) + more} faults")
        raise SystemExit(1)
    click.echo(f"{lines} lines: nothing wrong")
    if keep:
        keep.write_text(json.dumps({lane: list(head) for lane, head in heads.items()}) + "\n")


def _read(path: Path) -> dict[int, tuple[int, str]]:
    try:
        return {int(lane): (int(seq), str(hash)) for lane, (seq, hash) in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise click.ClickException(f"{path} has no heads that were kept: {error}") from error


COMMANDS = (verify_log,)
