"""The process in which WSQ fingerprints and JPEG 2000 portraits are decoded, apart from the server: both ends of it.

Damaged WSQ files kill the decoder, and a JPEG 2000 of 100 bytes can ask for 3 GB (precincts, tiles); limits are only
for a process. The far end is this file run as a script, isolated and without the site's packages (`python -I -S`: 15 ms
to start), so it imports nothing of ours and little else. Input and output are rows of frames: four bytes of length,
big endian, then the content. In goes one file a frame; out comes one answer a frame: width and height (four bytes
each) and, if asked for, the pixels; or nothing when the file cannot be decoded.

Each file is decoded in a fork of its own: a crash costs that file only, and no file sees memory that another spoilt.
"""

from __future__ import annotations

import io
import os
import resource
import sys

TYPE_CHECKING = False  # `typing` would double the start of the far end
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    Decoder = Callable[[bytes], tuple[int, int, bytes]]

CPU_SECONDS = 3
"""Of one file."""
WALL_SECONDS = 10.0
"""Of all files of one call."""
MEMORY_BYTES = 512 * 1024 * 1024


def decode(files: Sequence[bytes], *, pixels: bool) -> Iterator[tuple[int, int, bytes] | None]:
    """Width, height and pixels (empty unless asked for) of each file, or None when it cannot be decoded.

    A fingerprint has one byte a pixel, a portrait one, three or four (grey, RGB, RGBA), row by row from the top.
    Fewer answers than files when time is up. RuntimeError when the process does not work, whatever the files.
    """
    if not files:
        return iter(())
    return answers(io.BytesIO(converse(start(pixels), b"".join(map(framed, files)))))


def start(pixels: bool) -> subprocess.Popen[bytes]:
    """The far end, without environment: what hostile bytes may take over must not know our secrets."""
    import subprocess  # here, because the far end would lose 8 ms on it
    from importlib.util import find_spec

    origins = [spec.origin for spec in map(find_spec, ("_wsq", "PIL")) if spec and spec.origin]
    if len(origins) < 2:
        raise RuntimeError("the packages wsq and pillow are not both installed")
    folders = os.pathsep.join([os.path.dirname(origins[0]), os.path.dirname(os.path.dirname(origins[1]))])
    command = [sys.executable, "-I", "-S", __file__, folders, "pixels" if pixels else "size"]
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, env={}, cwd="/", start_new_session=True)  # noqa: S603


def converse(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """All output for this input, or what there is of it when time is up; then the process and its fork are killed."""
    import signal
    import subprocess

    try:
        output, _ = process.communicate(question, timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]
    if process.returncode != 0:
        raise RuntimeError(f"the WSQ process ended with code {process.returncode}")
    return output


def answers(stream: BinaryIO) -> Iterator[tuple[int, int, bytes] | None]:
    """The answers in an output of the far end; one that was cut off is none."""
    for answer in frames(stream):
        yield (int.from_bytes(answer[:4], "big"), int.from_bytes(answer[4:8], "big"), answer[8:]) if answer else None


def framed(content: bytes) -> bytes:
    """One frame."""
    return len(content).to_bytes(4, "big") + content


def frames(stream: BinaryIO) -> Iterator[bytes]:
    """The contents of the whole frames up to the end of the stream."""
    while head := stream.read(4):
        length = int.from_bytes(head, "big")
        content = stream.read(length)
        if len(content) == length:
            yield content


def main(folders: str, pixels: bool) -> None:
    """The far end: answer every frame of standard input. `folders` hold the decoders' packages."""
    sys.path.extend(folders.split(os.pathsep))
    limit_resources()
    for data in frames(sys.stdin.buffer):
        decoder = wsq_decoder() if data.startswith(b"\xff\xa0") else jpeg2000_decoder()
        sys.stdout.buffer.write(framed(decoded_in_a_fork(decoder, data, pixels)))
        sys.stdout.buffer.flush()


def wsq_decoder() -> Decoder:
    """The decoder of the package wsq, 1 ms to import."""
    import _wsq  # type: ignore[import-not-found]

    def decoder(data: bytes) -> tuple[int, int, bytes]:
        grey, width, height, _ = _wsq.decompress(data)
        if len(grey) != width * height:
            raise ValueError("size")
        return width, height, grey

    return decoder


def jpeg2000_decoder() -> Decoder:
    """The decoder of Pillow, 40 ms to import and so only for a portrait that needs it."""
    from PIL import Image

    def decoder(data: bytes) -> tuple[int, int, bytes]:
        with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as picture:
            grey, plain = picture.mode == "L" or picture.mode.startswith("I"), picture.mode in ("RGB", "YCbCr", "CMYK")
            shown = picture.convert("L" if grey else "RGB" if plain else "RGBA")
            return *shown.size, shown.tobytes()

    return decoder


def limit_resources() -> None:
    """Limits for this process and, each counting anew, for its forks."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def decoded_in_a_fork(decoder: Decoder, data: bytes, pixels: bool) -> bytes:
    """The answer for one file; empty when the fork crashed, ran out of its limits or refused the file."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        answer_and_exit(decoder, data, pixels, sender)
    os.close(sender)
    with open(receiver, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return answer if status == 0 else b""


def answer_and_exit(decoder: Decoder, data: bytes, pixels: bool, sender: int) -> None:
    """Decode in the fork and leave without any cleaning up, which spoilt memory might not survive."""
    code = 1
    try:
        width, height, shown = decoder(data)
        with open(sender, "wb") as stream:
            stream.write(width.to_bytes(4, "big") + height.to_bytes(4, "big") + (shown if pixels else b""))
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "pixels")
