"""Times the pages by which things are found: ours, the same SQL bare, and stock Flask-AppBuilder, on the same rows.

Ours is the product. Bare is a WSGI callable that sends the statements of our page through psycopg and shows their rows
as plain tables (`benchmarks.bare_page`). FAB is plain ModelViews on the same tables (`benchmarks.stock_fab`). Each is
behind gunicorn as the product starts it, all three at once, and asked in turns, page by page: by one client, then by
eight. Each page has several addresses, of different cases. Users are logged in; our log of looks is written in ours and
in bare. A page of FAB that lasts longer than --patience is given up: its figures are then bounds, marked with ">".

    python -m benchmarks.enquiries [--cases 20000] [--seconds 1.5] [--pages queue case]
        [--url postgresql+psycopg://postgres@127.0.0.1/big]

--url is a database that `benchmarks.big_table` filled; without it one of --cases is made on an embedded server of its
own. The last line is JSON: `<page>` is the median of ours divided by that of bare, with one client;
`<page>_throughput_vs_bare` (or `_vs_fab`) and `<page>_p95_vs_fab` are ours divided by theirs, with eight.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app import create_app
from app.serving import TIMEOUT_SECONDS, serve
from app.settings import Settings
from benchmarks import stock_fab
from benchmarks.bare_page import bare_site, recorded
from benchmarks.big_table import fill
from benchmarks.http_load import Site, Timing, ask
from benchmarks.stock_lot import fresh_database
from models.base import SessionLocal, make_engine
from models.base import session as scoped
from models.users import Role, User
from models.users import Site as Office
from security.sessions import open_session

ADDRESSES = 6
EIGHT = 8
ROUNDS = 2
WAYS = ("ours", "bare", "fab")
#: At most so much of bare's time, and so many statements; at least so many times the throughput, at most so much p95.
TIME_VS_BARE, STATEMENTS, THROUGHPUT_VS_FAB, THROUGHPUT_VS_BARE, P95_VS_FAB = 3.0, 12, 8.0, 0.25, 0.25
processes = multiprocessing.get_context("fork")
Statements = list[tuple[str, Any]]


@dataclass(frozen=True)
class Enquiry:
    """A page: the profile that asks for it, and its addresses here and in stock FAB."""

    profile: str
    ours: Sequence[str]
    fab: Sequence[str]


@dataclass(frozen=True)
class Measured:
    """What was found of one page, by way."""

    statements: float
    alone: dict[str, Timing]
    eight: dict[str, Timing]


def enquiries(cases: Sequence[dict[str, Any]]) -> dict[str, Enquiry]:
    """The pages, with addresses of `cases`, delivered ones."""

    def each(pattern: str) -> list[str]:
        return [pattern.format(**{name: quote_plus(str(value)) for name, value in case.items()}) for case in cases]

    names = "/caseview/list/?_flt_2_search_name="
    return {
        "queue": Enquiry("SUPERVISOR", ["/queues/supervision/GUA/"], ["/queueview/list/"]),
        "case": Enquiry("CONCAL", each("/cases/{number}/"), each("/caseview/show/{id}")),
        "search": Enquiry("CONCAL", ["/enquiries/search/?first_surname=garcia"], [f"{names}GARCIA"]),
        "search_rare": Enquiry(
            "CONCAL", each("/enquiries/search/?first_surname={first_surname}&first_name={first_name}"),
            each(names + "{search_name}"),
        ),
        "box_names": Enquiry("CONCAL", each("/find?q={search_name}"), each(names + "{search_name}")),
        "box_number": Enquiry("CONCAL", each("/find?q={number}"), each("/caseview/list/?_flt_3_number={number}")),
        "booklet": Enquiry("ADMADM", each("/booklets/{booklet_number}"), each("/bookletview/show/{booklet_number}")),
    }  # fmt: skip


def some_cases(engine: Engine) -> list[dict[str, Any]]:
    """Delivered cases, far from one another."""
    query = text(
        "select id, number, booklet_number, cui, search_name, first_surname, first_name from passport_case"
        " where id >= :first and state = 'ENTREGADA' and site_code = 'GUA' order by id limit 1"
    )
    with engine.connect() as connection:
        last = connection.scalar(text("select max(id) from passport_case"))
        return [
            dict(connection.execute(query, {"first": 1 + last * part // (2 * ADDRESSES)}).mappings().one())
            for part in range(ADDRESSES)
        ]


# Who asks.
def sit_down(app: Flask, engine: Engine, profile: str) -> str:
    """The cookie of a user of that profile at Guatemala's site, made if he is not there, logged in."""
    with Session(engine) as session:
        name = f"bench.{profile.lower()}"
        user = session.scalars(select(User).where(User.username == name)).first()
        if user is None:
            session.execute(text("update ab_role set second_factor = false"))
            user = User(
                username=name, first_name="Medida", last_name=profile, email=f"{name}@example.org", active=True,
                must_change_password=False, sites=[session.get_one(Office, "GUA")],
                roles=list(session.scalars(select(Role).where(Role.name == profile))),
            )  # fmt: skip
            session.add(user)
            session.flush()
        key = open_session(session, user.id, "web", app.config["SESSION_LASTING"], label="Benchmark")
        user_id = user.id
        session.commit()
    client = app.test_client()
    with client.session_transaction() as kept:
        kept.update(_user_id=str(user_id), _fresh=True, sid=key, locale="es")
    cookie = client.get_cookie("pasaportes")
    if cookie is None:
        raise AssertionError("the session has no cookie")
    return f"pasaportes={cookie.value}"


def statements_of(app: Flask, engine: Engine, cookie: str, path: str) -> Statements:
    """What the page sends to the database, once it is warm."""
    for _ in range(2):
        with recorded(engine) as recorder:
            answer = app.test_client(use_cookies=False).get(path, headers={"Cookie": cookie})
        if answer.status_code not in (200, 302):
            raise AssertionError(f"{path} answers {answer.status}")
    scoped.remove()
    return recorder.sent


# The servers.
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(settings: Settings, application: Callable[..., Any], on_fork: Callable[[], None]) -> Iterator[int]:
    """The port of a server of `application`, started as the product is."""
    port = free_port()
    process = processes.Process(target=_serve, args=(replace(settings, port=port), application, on_fork))
    process.start()
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.join()


def _serve(settings: Settings, application: Callable[..., Any], on_fork: Callable[[], None]) -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  for as long as the process lives
    serve(settings, lambda: application, on_fork=on_fork)


@contextlib.contextmanager
def served_fab(settings: Settings, url: str, secret: str, patience: float) -> Iterator[int]:
    """The port of a server of stock FAB, in a process that knows no model of ours, with the same options."""
    stock_fab.prepare(url)
    port = free_port()
    factory = f"benchmarks.stock_fab:stock_fab({url!r}, {secret!r}, {patience!r}, 'ENROLADA', 'GUA')"
    options = {"bind": f"127.0.0.1:{port}", "workers": settings.workers, "timeout": TIMEOUT_SECONDS}
    flags = [f"--{name}={value}" for name, value in (options | {"worker-class": "sync", "log-level": "error"}).items()]
    shared = ["--worker-tmp-dir=/dev/shm"] if os.access("/dev/shm", os.W_OK) else []  # noqa: S108
    command = [sys.executable, "-m", "gunicorn", "--preload", *flags, *shared, factory]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _await(port)
        yield port
    finally:
        process.kill() if process.poll() is None and patience < 1 else process.terminate()
        process.wait()
        stock_fab.remove(url)


def _await(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("a server does not start")


# Measuring.
def measure(
    sites: dict[str, Site], paths: dict[str, Sequence[str]], seconds: float, patience: float
) -> tuple[dict[str, Timing], dict[str, Timing]]:
    """Timings of one page by way, with one client and with eight, after a round that is not counted."""
    alone, eight = ({way: Timing() for way in WAYS} for _ in range(2))
    for way in WAYS:
        ask(sites[way], paths[way], 2, 0.2, patience)
    for _ in range(ROUNDS):
        for clients, timings in ((1, alone), (EIGHT, eight)):
            for way in WAYS:
                timings[way].add(ask(sites[way], paths[way], clients, seconds / ROUNDS, patience))
    return alone, eight


def run(
    engine: Engine, url: str, *, seconds: float, patience: float, only: Collection[str] = ()
) -> dict[str, Measured]:
    """Measure every page, or those called `only`, on the filled database of `engine`."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        secret = secrets.token_urlsafe(32)
        settings = Settings(
            home=home, demo=True, secret_key=secret, search_rate="1000000 per minute", cookie_secure=False,
            registry="off", database_url=url,
        )  # fmt: skip
        app = create_app(settings)
        pages = enquiries(some_cases(engine))
        pages = {name: pages[name] for name in only or pages}
        ours = SessionLocal.kw["bind"]
        cookies = {profile: sit_down(app, engine, profile) for profile in {page.profile for page in pages.values()}}
        sent = {
            path: statements_of(app, ours, cookies[page.profile], path) for page in pages.values() for path in page.ours
        }
        ours.dispose()
        address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        ports = {
            "ours": stack.enter_context(served(settings, app, lambda: ours.dispose(close=False))),
            "bare": stack.enter_context(served(settings, bare_site(address, sent), lambda: None)),
            "fab": stack.enter_context(served_fab(settings, url, secret, patience)),
        }
        found = {}
        for name, page in pages.items():
            cookie = {"ours": cookies[page.profile], "bare": "", "fab": stock_fab.cookie(secret)}
            sites = {way: Site(ports[way], cookie[way]) for way in WAYS}
            paths = {"ours": page.ours, "bare": page.ours, "fab": page.fab}
            alone, eight = measure(sites, paths, seconds, patience)
            found[name] = Measured(sum(len(sent[path]) for path in page.ours) / len(page.ours), alone, eight)
        return found


# The report.
def ratios(found: dict[str, Measured]) -> dict[str, float]:
    """Ours divided by theirs."""
    made = {}
    for name, page in found.items():
        made[name] = page.alone["ours"].quantile(0.5) / page.alone["bare"].quantile(0.5)
        for other in ("bare", "fab"):
            made[f"{name}_throughput_vs_{other}"] = page.eight["ours"].throughput / page.eight[other].throughput
        made[f"{name}_p95_vs_fab"] = page.eight["ours"].quantile(0.95) / page.eight["fab"].quantile(0.95)
        made[f"{name}_statements"] = page.statements
    return {name: round(ratio, 4) for name, ratio in made.items()}


def report(found: dict[str, Measured], patience: float) -> str:
    """The table, and the JSON as its last line."""
    columns = f"{'1: median':>11}{'p95':>9}{'8: median':>11}{'p95':>9}{'a second':>10}{'statements':>12}"
    head = f"{'page':<12}{'way':<6}{columns}"
    lines = ["milliseconds, by one client and by eight", head]
    for name, page in found.items():
        for way in WAYS:
            alone, eight = page.alone[way], page.eight[way]
            times = [timing.quantile(share) for timing in (alone, eight) for share in (0.5, 0.95)]
            shown = [f"{'>' if seconds >= patience else ''}{seconds * 1000:.1f}" for seconds in times]
            count = f"{page.statements:12.1f}" if way == "ours" else ""
            lines.append(
                f"{name:<12}{way:<6}{shown[0]:>11}{shown[1]:>9}{shown[2]:>11}{shown[3]:>9}{eight.throughput:10.1f}{count}"
            )
    made = ratios(found)
    lines += [_judged(name, made) for name in found]
    return "\n".join([*lines, json.dumps({"benchmark": "enquiries", "ratios": made})])


def _judged(name: str, made: dict[str, float]) -> str:
    return (
        f"{name}: {made[name]:.2f} of bare (at most {TIME_VS_BARE:g}), {made[f'{name}_statements']:g} statements (at"
        f" most {STATEMENTS}), throughput {made[f'{name}_throughput_vs_bare']:.2f} of bare (at least"
        f" {THROUGHPUT_VS_BARE:g}) and {made[f'{name}_throughput_vs_fab']:.1f} of FAB (at least {THROUGHPUT_VS_FAB:g}),"
        f" p95 {made[f'{name}_p95_vs_fab']:.3f} of FAB (at most {P95_VS_FAB:g})"
    )


@contextlib.contextmanager
def filled(url: str | None, cases: int) -> Iterator[tuple[Engine, str]]:
    """A filled database and its URL: that of `url`, or one of `cases` cases that is gone afterwards."""
    if url:
        yield make_engine(url), url
        return
    with fresh_database(None) as engine:
        fill(engine, cases, say=lambda line: None)
        yield engine, engine.url.render_as_string(hide_password=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each page and way, with one client and with 8")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds after which a page of FAB is given up")
    parser.add_argument("--pages", nargs="*", default=(), help="only these")
    parser.add_argument("--url", help="a database that benchmarks.big_table filled")
    options = parser.parse_args()
    with filled(options.url, options.cases) as (engine, url):
        found = run(engine, url, seconds=options.seconds, patience=options.patience, only=options.pages)
    print(report(found, options.patience))


if __name__ == "__main__":
    main()
