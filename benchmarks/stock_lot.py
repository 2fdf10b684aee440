"""Times receiving a lot of booklets in one line against one raw `INSERT … SELECT generate_series` of the same rows.

Ours is what a person waits for who closes a receipt: `workflow.stock.receipts.close_receipt` and the commit, in the
product's own role, with every check, trigger, foreign key and index. Raw is one transaction of two statements that
write the same rows as they end up, booklets and movements, and nothing else: into the same tables of the same database,
so with the same indexes, checks, foreign keys, sizes and bloat, but with the ledger's triggers disabled. That is the
least that a program can do that writes down 100,000 booklets and where each came from; what ours takes beyond it is the
price of a ledger that refuses what is wrong. Rounds alternate which of the two begins; before each the tables are
vacuumed.

    python -m benchmarks.stock_lot [--booklets 100000] [--rounds 5] [--url postgresql+psycopg://postgres@127.0.0.1/x]

The database is made for the run and dropped, on the server of --url or DATABASE_URL, or else on the product's embedded
server in a temporary folder. The last line is JSON: `lot` is the median of ours divided by the median of raw.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.database_server import create_database, drop_database, ensure_database, stop_database
from app.migrating import migrate
from app.settings import Settings
from models.base import make_engine, utc_now
from models.clock import local_date
from models.stock import StockDocument
from security.actor import system_actor
from workflow.stock import receipts
from workflow.stock.serials import SERIALS

TARGET = 2.0
WAREHOUSE, CATEGORY, PREFIX = "CENTRAL", "ORDINARIA", "F"

_RAW_BOOKLETS = text(
    """
    insert into booklet (number, category_code, state, place, warehouse_code, state_since)
    select 'F' || lpad(n\\:\\:text, 7, '0'), 'ORDINARIA', 'NUEVA', 'WAREHOUSE:CENTRAL', 'CENTRAL', :at
      from generate_series(cast(:first as int), cast(:last as int)) n
    """
)
_RAW_MOVEMENTS = text(
    """
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id)
    select 'F' || lpad(n\\:\\:text, 7, '0'), 'INGRESO', 'SUPPLIER', 'WAREHOUSE:CENTRAL', :at, :user, :document
      from generate_series(cast(:first as int), cast(:last as int)) n
    """
)
_TABLES = ("booklet", "stock_movement")


@contextlib.contextmanager
def fresh_database(url: str | None) -> Iterator[Engine]:
    """A migrated database on the server of `url`, or on an embedded one of its own; gone afterwards."""
    with contextlib.ExitStack() as stack:
        if url is None:
            home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            settings = Settings.from_environment({"PASAPORTES_HOME": home, "PASAPORTES_DEMO": "1"})
            url = ensure_database(settings)
            stack.callback(stop_database, settings)
        name = f"pasaportes_lot_{os.getpid()}"
        engine = make_engine(create_database(url, name))
        stack.callback(drop_database, url, name)
        stack.callback(engine.dispose)
        migrate(engine)
        yield engine


def draft(session: Session, first: int, booklets: int) -> StockDocument:
    """A receipt of one line, ready to be closed."""
    actor = system_actor(session)
    document = receipts.draft_receipt(
        session, actor, category=CATEGORY, on=local_date(utc_now()), warehouse=WAREHOUSE, reference="Lote"
    )
    receipts.add_line(
        session, document, actor, category=CATEGORY, prefix=PREFIX, first=first, quantity=booklets
    )  # fmt: skip
    session.commit()
    return document


def ours(engine: Engine, first: int, booklets: int) -> float:
    """Seconds of closing a receipt of `booklets` booklets and committing it; drafting it is not counted."""
    with Session(engine) as session:
        document = draft(session, first, booklets)
        actor = system_actor(session)
        start = time.perf_counter()
        made = receipts.close_receipt(session, document, actor)
        session.commit()
        seconds = time.perf_counter() - start
    if made != booklets:
        raise AssertionError(f"{made} booklets were received, not {booklets}")
    return seconds


def raw(engine: Engine, first: int, booklets: int) -> float:
    """Seconds of writing the same rows by two plain statements in one transaction."""
    with Session(engine) as session:
        document = draft(session, first, booklets)
        values = {
            "first": first, "last": first + booklets - 1, "at": utc_now(), "document": document.id,
            "user": system_actor(session).user_id,
        }  # fmt: skip
        _switch_triggers(session, "disable")
        start = time.perf_counter()
        session.execute(_RAW_BOOKLETS, values)
        session.execute(_RAW_MOVEMENTS, values)
        session.commit()
        seconds = time.perf_counter() - start
        _switch_triggers(session, "enable")
    return seconds


def _switch_triggers(session: Session, how: str) -> None:
    for table in _TABLES:
        session.execute(text(f"alter table {table} {how} trigger user"))
    session.commit()


def _settle(engine: Engine) -> None:
    """Leave no work of the last lot to be done, by autovacuum or by the next lot, while that is timed."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"vacuum analyze {', '.join(_TABLES)}, stock_turnover, stock_line, stock_document"))


def measure(engine: Engine, booklets: int, rounds: int) -> dict[str, list[float]]:
    """Seconds per round of each way, after one round of each that is not counted."""
    ways: dict[str, Callable[[Engine, int, int], float]] = {"ours": ours, "raw": raw}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    first = 0
    for turn in range(rounds + 1):
        for name in sorted(ways, reverse=turn % 2 == 1):
            _settle(engine)
            took = ways[name](engine, first, booklets)
            first += booklets
            if turn:
                seconds[name].append(took)
    return seconds


def report(seconds: dict[str, list[float]], booklets: int) -> str:
    """The table, and the JSON as its last line."""
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    lines = [f"{booklets:,} booklets in one line; {len(seconds['ours'])} rounds; seconds"]
    lines += [
        f"{name:<6} median {middle[name]:7.3f}   from {min(times):7.3f} to {max(times):7.3f}"
        for name, times in seconds.items()
    ]
    ratio = middle["ours"] / middle["raw"]
    lines.append(f"lot = ours / raw = {ratio:.2f} (at most {TARGET})")
    lines.append(json.dumps({"benchmark": "stock_lot", "ratios": {"lot": round(ratio, 3)}}))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--booklets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: $DATABASE_URL")
    options = parser.parse_args()
    if options.booklets < 1 or options.rounds < 1 or options.booklets * 2 * (options.rounds + 1) > SERIALS:
        parser.error("there are ten million numbers: fewer booklets or rounds")
    with fresh_database(options.url or None) as engine:
        print(report(measure(engine, options.booklets, options.rounds), options.booklets))


if __name__ == "__main__":
    main()
