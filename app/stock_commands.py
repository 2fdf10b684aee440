"""Commands that look after the stock: the proof of the ledger."""

from itertools import islice

import click

from app.loading import opened
from models.base import session as database
from workflow.stock import stock_audit

SHOWN = 100


@click.command("verify-stock")
def verify_stock() -> None:
    """Recompute every balance of the stock from its ledger; exit with 1 when something is wrong."""
    opened()
    # All checks look at the same moment, however long they take and whatever is posted meanwhile.
    database.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    booklets, movements = stock_audit.counted(database())
    found = stock_audit.faults(database())
    shown = [str(fault) for fault in islice(found, SHOWN)]
    more = sum(1 for _fault in found)
    database.rollback()
    if not shown:
        click.echo(f"{booklets} booklets, {movements} movements: nothing wrong")
        return
    click.echo("\n".join(shown))
    if more:
        click.echo(f"... and {more} more")
    click.echo(f"{booklets} booklets, {movements} movements: {len(shown) + more} faults")
    raise SystemExit(1)


COMMANDS = (verify_stock,)
