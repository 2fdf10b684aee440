"""Times transitions with the chain over the logs against the same without it, one user alone and eight at once.

A transition is what the web edge does for a button: read the actor, `workflow.machine.perform` an authorisation, log
the look at the case, commit; its log lines are written in both ways. With the chain each line is hashed and tied by the
database (`audit_link`); without it those triggers are disabled. Rounds alternate which of the two begins. Eight at once
are eight processes, each with its own connection and cases of its own; what counts is the time until all are done.

    python -m benchmarks.audit_cost [--transitions 96] [--rounds 6] [--url postgresql+psycopg://postgres@127.0.0.1/x]

The database is made for the run and dropped, on the server of --url or DATABASE_URL, or else on the product's embedded
server in a temporary folder. The last line is JSON: `single` and `eight` are medians of on divided by medians of off.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from benchmarks.big_table import fill
from benchmarks.stock_lot import fresh_database
from models.audit import LOGS
from models.base import make_engine
from models.cases import PassportCase, State
from security import chain
from security.actor import Actor, load_actor, system_actor
from security.looks import log_look
from security.scope import acting_as
from workflow import machine

TARGET = 1.10
EIGHT = 8
processes = multiprocessing.get_context("fork")


def transitions(engine: Engine, numbers: list[str]) -> None:
    """Authorise the cases `numbers`, each in a transaction of its own."""
    for number in numbers:
        with Session(engine) as session:
            actor = _somebody(session)
            with acting_as(actor):
                machine.perform(session, "authorise", number, actor)
                log_look(session, actor, "case", number)
                session.commit()


def _somebody(session: Session) -> Actor:
    """One who may do everything everywhere, and captured no case."""
    user = load_actor(session, username="bodega1")
    if user is None:
        raise LookupError("the big table has its people no more")
    return replace(system_actor(session), user_id=user.user_id, username=user.username)


def _worker(url: str, numbers: list[str], gate: Barrier) -> None:
    engine = make_engine(url)
    transitions(engine, numbers[:1])  # connects, and plans the statements
    gate.wait()
    transitions(engine, numbers[1:])
    engine.dispose()


def alone(engine: Engine, numbers: list[str]) -> float:
    """Seconds of one user's transitions on the cases `numbers`; the first is not counted."""
    transitions(engine, numbers[:1])
    start = time.perf_counter()
    transitions(engine, numbers[1:])
    return time.perf_counter() - start


def together(engine: Engine, numbers: list[str]) -> float:
    """Seconds until eight users who begin together have done their parts of `numbers`; the first of each counts not."""
    gate = processes.Barrier(EIGHT + 1)
    url = engine.url.render_as_string(hide_password=False)
    parts = [(url, numbers[at::EIGHT], gate) for at in range(EIGHT)]
    workers: list[Any] = [processes.Process(target=_worker, args=part) for part in parts]
    for worker in workers:
        worker.start()
    gate.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise AssertionError("a worker failed")
    return time.perf_counter() - start


def _switch(engine: Engine, how: str) -> None:
    with engine.begin() as connection:
        for log in LOGS:
            connection.execute(text(f"alter table {log} {how} trigger {log}_is_chained"))


def measure(engine: Engine, count: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds by number of users, way and round, after one round of each that is not counted."""
    with Session(engine) as session:
        waiting = select(PassportCase.number).where(PassportCase.state == State.ENROLADA).order_by(PassportCase.id)
        numbers = list(session.scalars(waiting.execution_options(every_site=True)))
    ways = {"single": (alone, count + 1), "eight": (together, count + EIGHT)}
    seconds: dict[str, dict[str, list[float]]] = {name: {"on": [], "off": []} for name in ways}
    for turn in range(rounds + 1):
        for name, (way, each) in ways.items():
            for how in ("on", "off") if turn % 2 else ("off", "on"):
                mine, numbers = numbers[:each], numbers[each:]
                if len(mine) < each:
                    raise AssertionError("there are too few cases")
                _switch(engine, "enable" if how == "on" else "disable")
                took = way(engine, mine)
                if turn:
                    seconds[name][how].append(took)
    _switch(engine, "enable")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transitions", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"))
    options = parser.parse_args()
    needed = (options.rounds + 1) * 2 * (2 * options.transitions + EIGHT + 1)
    with fresh_database(options.url) as engine:
        fill(engine, needed * 20, say=lambda line: None)
        seconds = measure(engine, options.transitions, options.rounds)
        with Session(engine) as session:
            tied = chain.counted(session)
            lanes = session.execute(text("select count(*) from audit_lane where seq > 0")).scalar_one()
    ratios = {}
    for name, ways in seconds.items():
        on, off = (statistics.median(ways[how]) for how in ("on", "off"))
        ratios[name] = round(on / off, 3)
        each = 1000 / options.transitions
        print(f"{name}: on {on * each:.2f} ms a transition, off {off * each:.2f} ms; ratio {ratios[name]} (≤ {TARGET})")
    print(f"{tied} lines were tied, in {lanes} chains")
    print(json.dumps({"benchmark": "audit_cost", "ratios": ratios}))


if __name__ == "__main__":
    main()
