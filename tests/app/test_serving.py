"""The web server: the port it takes, how it ends, what a fork lets go of."""

import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.serving import CannotServe, listen, serve
from app.settings import Settings

processes = multiprocessing.get_context("fork")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_request_under_way_is_answered_when_the_server_is_told_to_stop(server, how):
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(get(server.port, "/slow")))
    asking.start()
    time.sleep(0.4)
    for process in (server.pid, *server.workers()):  # a terminal sends Ctrl-C to all of them
        os.kill(process, how)
    asking.join(10)
    server.process.join(10)
    assert answers == ["done"]
    assert server.process.exitcode == 0


def test_every_worker_is_told_that_it_is_a_fork(server):
    assert len(server.workers()) == 2
    assert server.pid not in server.workers()


def test_workers_whose_master_was_killed_give_the_port_back(server):
    workers = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    server.process.join()
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    listen(Settings(port=server.port)).close()


def test_a_taken_port_is_named_with_what_to_set():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotServe, match=f"^Port {port} of 127.0.0.1 is taken .* PASAPORTES_PORT"):
            listen(Settings(port=port))


def test_a_taken_port_ends_the_process_before_the_application_is_built(capsys):
    def never() -> None:
        raise AssertionError("built")

    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SystemExit) as end:
        serve(Settings(port=other.getsockname()[1]), never, on_fork=never)
    assert end.value.code == 1
    assert "PASAPORTES_PORT" in capsys.readouterr().err


def test_an_address_of_another_machine_is_named_with_what_to_set():
    with pytest.raises(CannotServe, match=r"^Cannot listen on 192\.0\.2\.1: .* PASAPORTES_BIND"):
        listen(Settings(bind="192.0.2.1", port=0))


# Plumbing


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process = processes.Process(target=self._serve)
        self.process.start()
        self.pid = self.process.pid
        deadline = time.monotonic() + 20
        while len(self.workers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert get(self.port, "/") == "done"

    def _serve(self) -> None:
        def forked() -> None:
            (self.folder / str(os.getpid())).write_text("")

        serve(Settings(port=self.port, workers=2), lambda: application, on_fork=forked)

    def workers(self) -> list[int]:
        return [int(path.name) for path in self.folder.iterdir()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    if server.process.is_alive():
        server.process.terminate()
    server.process.join(10)


def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
