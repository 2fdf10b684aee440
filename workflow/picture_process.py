"""Pictures are decoded apart from the server: the process in which that happens, started, bounded and ended from here.

No byte that came from outside meets a decoder in the server. `workflow.picture_decoder` is run as a process of its own
without environment, limited in processor time, memory and files, and killed when time is up; what it answers is taken
for sizes and pixels and nothing else. Few run at once, whatever is sent: who waits too long is told to come again.
"""

import atexit
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, IntEnum
from importlib.util import find_spec
from typing import BinaryIO, cast

from models.text import N_
from security.errors import Unknown
from workflow import picture_decoder as decoder

WALL_SECONDS = 10.0
"""Of all files of one call."""
AT_ONCE = max(2, os.cpu_count() or 1)
"""Processes of one server, its workers together; one a worker."""
WAIT_SECONDS = 3.0
"""For one's turn."""
BUSY = N_("Too many pictures are being decoded at this moment. Try again in a few seconds.")


class Want(IntEnum):
    """What is wanted of a file besides the proof that it can be decoded to the end."""

    SIZE = decoder.SIZE
    UNLESS_PLAIN = decoder.UNLESS_PLAIN
    """The pixels, unless the file itself is in grey or RGB and upright."""
    PIXELS = decoder.PIXELS


class Fault(Enum):
    """Why a file was not decoded."""

    TOO_LARGE = decoder.TOO_LARGE
    MOVES = decoder.MOVES
    DAMAGED = b""


@dataclass(frozen=True)
class Question:
    """A file of a media type among `picture_decoder.KINDS`; `box` (width, height) is what its pixels must fit into."""

    data: bytes
    media_type: str
    want: Want = Want.SIZE
    box: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Raster:
    """Pixels: one or three bytes each (grey, RGB), row by row from the top, upright, on white."""

    width: int
    height: int
    pixels: bytes

    @property
    def mode(self) -> str:
        """As Pillow calls it."""
        return "RGB" if len(self.pixels) == 3 * self.width * self.height else "L"


@dataclass(frozen=True)
class Answer:
    """Width and height that the file says, and its pixels where they were wanted."""

    width: int
    height: int
    raster: Raster | None


def decode(questions: Sequence[Question]) -> list[Answer | Fault]:
    """An answer for each file; those that time did not suffice for are damaged.

    `Unknown` (503) when no turn is free in time; RuntimeError when the process does not work, whatever the files.
    """
    if not questions:
        return []
    with turn():
        return _far_end().decode(questions)


class FarEnd:
    """The process, kept from one call to the next: Pillow takes longer to import than most pictures to decode.

    It ends when this process does, and is not used again when a file of a call crashed, ran into its limits or lasted
    too long: a fork that hostile bytes took over must find nobody else's pictures.
    """

    def __init__(self) -> None:
        self.owner, self.process, self.sound = os.getpid(), start(), True
        self._stdin, self._stdout = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)

    def decode(self, questions: Sequence[Question]) -> list[Answer | Fault]:
        """As the function of that name."""
        self.sound = False  # until all is said: an answer that nobody waited for must never be taken for the next
        until = time.monotonic() + WALL_SECONDS
        alarm = threading.Timer(WALL_SECONDS, self.kill)
        alarm.start()
        try:
            said = [self._said(question, until) for question in questions]
        finally:
            alarm.cancel()
        self.sound = b"" not in said
        return list(map(_answer, said))

    def _said(self, question: Question, until: float) -> bytes:
        """One question and its answer at a time, so that neither end waits for the other to read."""
        try:
            self._stdin.write(_frame(question))
            self._stdin.flush()
            return next(decoder.frames(self._stdout))
        except (OSError, StopIteration):
            if time.monotonic() < until:
                raise RuntimeError(f"the picture process ended with code {self.process.poll()}") from None
            return b""

    def kill(self) -> None:
        """End it and its fork."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Let go of it: what reads nothing more ends by itself."""
        if self.owner == os.getpid():
            self.kill()
            self.process.wait()
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()


_kept: list[FarEnd] = []


def _far_end() -> FarEnd:
    """The one of this process, started when there is none that is sound; a fork's own is not its parent's."""
    if _kept and not (_kept[0].sound and _kept[0].owner == os.getpid() and _kept[0].process.poll() is None):
        end()
    if not _kept:
        _kept.append(FarEnd())
    return _kept[0]


@atexit.register
def end() -> None:
    """End the process of this one; the next file starts another."""
    while _kept:
        _kept.pop().end()


def start() -> subprocess.Popen[bytes]:
    """The far end, without environment: what hostile bytes may take over must not know our secrets."""
    origins = [spec.origin for spec in map(find_spec, ("_wsq", "PIL")) if spec and spec.origin]
    if len(origins) < 2:
        raise RuntimeError("the packages wsq and pillow are not both installed")
    folders = os.pathsep.join([os.path.dirname(origins[0]), os.path.dirname(os.path.dirname(origins[1]))])
    command = [sys.executable, "-I", "-S", decoder.__file__, folders]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, env={}, cwd="/", start_new_session=True)  # noqa: S603


def _frame(question: Question) -> bytes:
    kind = decoder.KINDS.index(question.media_type)
    return decoder.framed(decoder.QUESTION.pack(kind, question.want, *question.box) + question.data)


def _answer(said: bytes) -> Answer | Fault:
    """What the far end said, if it adds up: hostile bytes may have taken it over."""
    if len(said) < decoder.ANSWER.size:
        return Fault(said) if said in (decoder.TOO_LARGE, decoder.MOVES) else Fault.DAMAGED
    width, height, across, down, depth = decoder.ANSWER.unpack_from(said)
    pixels = said[decoder.ANSWER.size :]
    if depth not in (0, 1, 3) or len(pixels) != across * down * depth:
        return Fault.DAMAGED
    return Answer(width, height, Raster(across, down, pixels) if pixels else None)


# A byte of this file is a turn. Workers are forked after it was opened, so that all of a server share it, and a lock
# ends with its owner, however that ends; a semaphore would lose the turn of a worker that was killed.
_turns = tempfile.TemporaryFile()  # noqa: SIM115
_mine = threading.Lock()  # locks of a file are between processes only


@contextmanager
def turn() -> Iterator[None]:
    """One of the places AT_ONCE, for the block; `Unknown` when none is free in time."""
    until = time.monotonic() + WAIT_SECONDS
    if not _mine.acquire(timeout=WAIT_SECONDS):
        raise Unknown(BUSY)
    try:
        place = _place(until)
        try:
            yield
        finally:
            fcntl.lockf(_turns, fcntl.LOCK_UN, 1, place)
    finally:
        _mine.release()


def _place(until: float) -> int:
    while True:
        for place in range(AT_ONCE):
            try:
                fcntl.lockf(_turns, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:
                continue
            return place
        if time.monotonic() >= until:
            raise Unknown(BUSY)
        time.sleep(0.02)
