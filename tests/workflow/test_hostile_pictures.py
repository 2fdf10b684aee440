"""Hostile files neither crash nor hang a worker: they are refused or decoded in time, and the server answers others."""

import http.client
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.serving import serve
from app.settings import Settings
from security.errors import Unknown
from tests.workflow import hostile
from workflow import picture_process
from workflow.pictures import BadPicture, Picture, PictureClaim, check_picture

FILES = list(hostile.files())
#: CPU of one file and what starts around it, on a machine that has others to serve.
SOON = 12.0
#: Where Pillow may read a file: the far end, and what prints and seals, to which nothing comes from outside unproved.
READERS = {"workflow/picture_decoder.py", "printing/pictures.py", "app/seal_commands.py"}


@pytest.mark.parametrize(("name", "data", "media_type", "taken"), FILES, ids=[file[0] for file in FILES])
def test_a_hostile_file_is_refused_or_decoded_in_time(
    name: str, data: bytes, media_type: str, taken: bool | None
) -> None:
    begun = time.monotonic()
    try:
        found: Any = check_picture(data, PictureClaim(media_type))
    except BadPicture as refusal:
        found = refusal
    assert taken in (None, isinstance(found, Picture))
    assert time.monotonic() - begun < SOON


def test_nothing_else_reads_picture_files() -> None:
    root = Path(__file__).parents[2]
    packages = ("app", "views", "reports", "workflow", "security", "printing", "models")
    reading = {
        str(path.relative_to(root))
        for package in packages
        for path in (root / package).rglob("*.py")
        if "Image.open(" in path.read_text("utf-8") and "demo" not in path.parts
    }
    assert reading <= READERS


def test_a_far_end_that_lies_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    lies = [b"\1\2\3", b"\0" * 8 + b"\3" + b"x", picture_process.decoder.ANSWER.pack(9, 9, 60_000, 60_000, 3) + b"xyz"]
    for lie in lies:
        monkeypatch.setattr(picture_process.FarEnd, "_said", lambda *_asked, lie=lie: lie)
        with pytest.raises(BadPicture):
            check_picture(hostile.png(9, 9), PictureClaim("image/png"))


def test_a_process_in_which_a_file_died_is_not_used_again() -> None:
    def far_end() -> int:
        assert isinstance(check_picture(hostile.png(9, 9), PictureClaim("image/png")), Picture)
        return picture_process._kept[0].process.pid

    first = far_end()
    assert far_end() == first
    with pytest.raises(BadPicture):
        check_picture(hostile.jp2(255, 255, 1), PictureClaim("image/jp2"))
    assert far_end() != first


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    said = picture_process.FarEnd._said

    def interrupted(end: Any, question: Any, until: float) -> bytes:
        end._stdin.write(picture_process._frame(question))
        end._stdin.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(picture_process.FarEnd, "_said", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_picture(hostile.png(9, 9), PictureClaim("image/png"))
    monkeypatch.setattr(picture_process.FarEnd, "_said", said)
    assert check_picture(hostile.png(5, 7), PictureClaim("image/png")).width == 5


def test_who_waits_too_long_for_a_turn_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_process, "WAIT_SECONDS", 0.2)
    refused: list[Unknown] = []

    def ask() -> None:
        try:
            with picture_process.turn():
                pass
        except Unknown as refusal:
            refused.append(refusal)

    with picture_process.turn():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(5)
    assert [refusal.status for refusal in refused] == [503]
    ask()
    assert len(refused) == 1


def test_all_workers_of_a_server_together_have_so_many_turns(server: int) -> None:
    with ThreadPoolExecutor(3) as people:
        answers = [future.result() for future in [people.submit(ask, server, "/hold") for _ in range(3)]]
    assert sorted(answers) == ["busy", "held", "held"]


def test_a_server_under_hostile_files_answers_others_and_loses_no_worker(server: int) -> None:
    files = [(data, media_type) for _name, data, media_type, _taken in FILES]
    before = {ask(server, "/") for _ in range(60)}
    waits = []
    with ThreadPoolExecutor(6) as people:
        answers = [people.submit(ask, server, f"/{media_type}", data) for data, media_type in files]
        while not all(answer.done() for answer in answers):
            begun = time.monotonic()
            ask(server, "/")
            waits.append(time.monotonic() - begun)
            time.sleep(0.05)
    assert {answer.result() for answer in answers} <= {"taken", "refused", "busy"}
    assert max(waits, default=0) < 2 * SOON
    assert {ask(server, "/") for _ in range(60)} <= before, "a worker died and another took its place"


# Plumbing


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of three workers, of which two may have pictures decoded; its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(port,))
    process.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            ask(port, "/")
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.join(20)


def _serve(port: int) -> None:
    picture_process.AT_ONCE, picture_process.WAIT_SECONDS = 2, 0.5
    serve(Settings(port=port, workers=3), lambda: application, on_fork=lambda: None)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says which worker it is, holds a turn for a while, or checks what it is sent."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
    path = environ["PATH_INFO"].removeprefix("/")
    try:
        if path == "hold":
            with picture_process.turn():
                time.sleep(1.5)
            return [b"held"]
        if path:
            check_picture(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])), PictureClaim(path))
            return [b"taken"]
    except Unknown:
        return [b"busy"]
    except BadPicture:
        return [b"refused"]
    return [str(os.getpid()).encode()]


def ask(port: int, path: str, data: bytes = b"") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, data)
    return connection.getresponse().read().decode()
