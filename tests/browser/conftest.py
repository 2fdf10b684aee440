"""A real server on a database of its own, and Chromium as the people of the office use it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.base import make_engine
from security.actor import system_actor
from security.scope import acting_as

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
ARTIFACTS = Path(__file__).parent.parent / "artifacts"
#: What axe must find nothing of: WCAG 2.2 at levels A and AA, and what it includes.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@dataclass
class Server:
    """The office under test: its address, its database, and how to stop and start it."""

    url: str
    engine: Engine
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default_factory=Path)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"], env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/login/", timeout=2)
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """As a power cut would: every process at once, without a word."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(30)


@pytest.fixture(scope="session")
def office(fresh_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    engine = make_engine(fresh_database("browser"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("office")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PASAPORTES_")} | {
        "PASAPORTES_HOME": str(home), "PASAPORTES_DEMO": "1", "PASAPORTES_PORT": str(port),
        "DATABASE_URL": engine.url.render_as_string(hide_password=False), "PASAPORTES_WORKERS": "2",
    }  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}", engine, environment, log=home / "log")
    server.start()
    yield server
    server.stop()
    engine.dispose()


@pytest.fixture
def records(office: Server) -> Iterator[Session]:
    """The office's database, seen whole; commit what you add."""
    with Session(office.engine) as session, acting_as(system_actor(session)):
        yield session


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert shutil.which(CHROMIUM), f"{CHROMIUM} is not there: install Debian's chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Desk:
    """A user at his desk: a page that watches for errors in script, markup, language and accessibility."""

    def __init__(self, office: Server, context: BrowserContext) -> None:
        self.office, self.context = office, context
        self.page: Page = context.new_page()
        self.page.set_default_timeout(8000)
        self.faults: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", self._watch)

    def _listen(self, line: ConsoleMessage) -> None:
        # Chromium also logs answers of 4xx: as pages they are what is tested, as anything else `_watch` sees them.
        if line.type == "error" and "the server responded with a status of" not in line.text:
            self.faults.append(line.text)

    def _watch(self, response: Response) -> None:
        if response.status >= (500 if response.request.resource_type == "document" else 400):
            self.faults.append(f"{response.status} {response.url}")

    def go(self, path: str) -> Page:
        self.page.goto(self.office.url + path)
        return self.page

    def log_in(self, username: str) -> "Desk":
        self.go("/login/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", f"secreto-{username}")
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self

    def look(self, name: str) -> None:
        """Check the page as it stands and keep a picture of it."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
        html5lib.HTMLParser(strict=True).parse(self._source())
        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": WCAG}})
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        width = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1], f"{name} is wider than the screen: {width}"
        assert not self.faults, self.faults

    def _source(self) -> str:
        return str(self.page.content())


@pytest.fixture
def desk(office: Server, chromium: Browser) -> Iterator[Callable[..., Desk]]:
    """Call with a user name to sit down at a desk, logged in; each desk is a browser of its own."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def sit(username: str | None = None, *, viewport: dict[str, int] = DESK, scheme: str = "light") -> Desk:
        context = chromium.new_context(viewport=viewport, color_scheme=scheme, locale="es-GT")  # type: ignore[arg-type]
        contexts.append(context)
        place = Desk(office, context)
        desks.append(place)
        return place.log_in(username) if username else place

    yield sit
    for context in contexts:
        context.close()
    faults = [fault for place in desks for fault in place.faults]
    assert not faults, faults
