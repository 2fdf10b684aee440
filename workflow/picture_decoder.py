"""The far end of `workflow.picture_process`: a script that decodes hostile files, each in a fork of its own.

Damaged WSQ files kill their decoder, a JPEG 2000 of 100 bytes can ask for 3 GB, a PNG of a few kilobytes unfolds to 25
million pixels; limits are only for a process. It runs isolated and without the site's packages (`python -I -S`: 12 ms
to start), so it imports nothing of ours and little else; Pillow, 60 ms, only when a file needs it. A crash costs that
file only, and no file sees memory that another spoilt. What goes back is sizes and pixels, never bytes of the file.

Input and output are rows of frames: four bytes of length, big endian, then the content. In goes one QUESTION with its
file a frame; out comes one ANSWER a frame, with pixels if they were wanted: one or three bytes each (grey, RGB), row by
row from the top, upright, on white; or a FAULT in one byte; or nothing when the fork crashed or ran out of its limits.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import struct
import sys

TYPE_CHECKING = False  # `typing` would cost 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, BinaryIO

    Size = tuple[int, int]

CPU_SECONDS = 3
"""Of one file."""
MEMORY_BYTES = 512 * 1024 * 1024
MAX_SIDE = 6000
MAX_PIXELS = 25_000_000
MAX_PIXELS_JPEG2000 = 4_000_000  # its decoder takes 40 bytes a pixel

KINDS = ("image/jpeg", "image/png", "image/jp2", "image/wsq")
_FORMATS = ("JPEG", "PNG", "JPEG2000")
JPEG2000, WSQ = 2, 3
SIZE, UNLESS_PLAIN, PIXELS = range(3)
"""What is wanted of a file; plain is one in grey or RGB that its file holds upright."""
TOO_LARGE, MOVES = b"\1", b"\2"
"""Faults of a file that have a name of their own."""
QUESTION = struct.Struct(">BBHH")  # place in KINDS, what is wanted, width and height of the box to fit into, or zeros
ANSWER = struct.Struct(">HHHHB")  # width, height of the file; width, height of its pixels, bytes of each, or zeros
MAX_ANSWER = ANSWER.size + 3 * MAX_PIXELS


class TooLarge(Exception):
    """More pixels than are decoded."""


class Moving(Exception):
    """Several images in one file."""


def main(folders: str) -> None:
    """Answer every frame of standard input. `folders` hold the decoders' packages."""
    sys.path.extend(folders.split(os.pathsep))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who ignores it hands that on, and then nobody hears how forks end
    limit_resources()
    for question in frames(sys.stdin.buffer):
        kind, want, *box = QUESTION.unpack_from(question)
        prepare(kind, *box)
        sys.stdout.buffer.write(framed(answered_in_a_fork(answer, kind, want, (*box,), question[QUESTION.size :])))
        sys.stdout.buffer.flush()


def limit_resources() -> None:
    """Limits for this process and, each counting anew, for its forks; those are limited in time besides."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def prepare(kind: int, width: int, height: int) -> None:
    """Import, before the fork, what a file of this kind needs."""
    if kind == WSQ:
        import _wsq  # type: ignore[import-not-found]  # noqa: F401
    if kind != WSQ or width or height:
        from PIL import Image, ImageOps  # noqa: F401

        Image.preinit()
    if kind == JPEG2000:
        from PIL import Jpeg2KImagePlugin  # noqa: F401


def answered_in_a_fork(answerer: Callable[..., bytes], *question: Any) -> bytes:
    """What `answerer` says to `question`; empty when the fork crashed, ran out of its limits or refused the file."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_exit(answerer, question, sender)
    os.close(sender)
    with open(receiver, "rb") as stream:
        said = stream.read(MAX_ANSWER)
    _, status = os.waitpid(child, 0)
    return said if status == 0 else b""


def _answer_and_exit(answerer: Callable[..., bytes], question: tuple[Any, ...], sender: int) -> None:
    """Decode in the fork and leave without any cleaning up, which spoilt memory might not survive."""
    code = 1
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        said = answerer(*question)
        with open(sender, "wb") as stream:
            stream.write(said)
        code = 0
    finally:
        os._exit(code)


def answer(kind: int, want: int, box: Size, data: bytes) -> bytes:
    """The answer for one file, or its fault; whatever else a decoder raises is the file's fault too."""
    try:
        size, picture = (_print if kind == WSQ else _picture)(kind, want, box, data)
    except TooLarge:
        return TOO_LARGE
    except Moving:
        return MOVES
    if picture is None:
        return ANSWER.pack(*size, 0, 0, 0)
    (width, height), pixels = picture
    return ANSWER.pack(*size, width, height, len(pixels) // (width * height)) + pixels


def _print(_kind: int, want: int, box: Size, data: bytes) -> tuple[Size, tuple[Size, bytes] | None]:
    """A fingerprint, by the decoder of the package wsq."""
    import _wsq

    size = wsq_frame(data)
    _check_size(*size, MAX_PIXELS)
    grey, width, height, _ = _wsq.decompress(data)
    if (width, height) != size or len(grey) != width * height:
        raise ValueError("size")
    if want == SIZE:
        return size, None
    return size, _fitted(size, grey, box) if any(box) else (size, grey)


def _fitted(size: Size, grey: bytes, box: Size) -> tuple[Size, bytes]:
    from PIL import Image

    picture = Image.frombytes("L", size, grey)
    picture.thumbnail(box)
    return picture.size, picture.tobytes()


def _picture(kind: int, want: int, box: Size, data: bytes) -> tuple[Size, tuple[Size, bytes] | None]:
    """Any other picture, by Pillow."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # ours are lower, and looked at before a pixel is decoded
    with Image.open(io.BytesIO(data), formats=[_FORMATS[kind]]) as picture:
        size = picture.size
        _check_size(*size, MAX_PIXELS_JPEG2000 if kind == JPEG2000 else MAX_PIXELS)
        if picture.format == "PNG" and getattr(picture, "is_animated", False):
            raise Moving
        if any(box):  # a JPEG is decoded only as finely as the box needs
            picture.draft(None, (2 * max(box), 2 * max(box)))
        picture.load()
        if want == SIZE or (want == UNLESS_PLAIN and _is_plain(picture)):
            return size, None
        shown = _flat(picture)
        if any(box):
            shown.thumbnail(box)
        return size, (shown.size, shown.tobytes())


def _check_size(width: int, height: int, most: int) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= most):
        raise TooLarge


def _is_plain(picture: Any) -> bool:
    return picture.mode in ("RGB", "L") and picture.getexif().get(0x0112, 1) == 1


def _flat(picture: Any) -> Any:
    """The picture upright in grey or RGB, on white where it is transparent."""
    from PIL import Image, ImageOps

    if picture.getexif().get(0x0112, 1) != 1:
        picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        return ground
    return picture.convert("L" if picture.mode in ("1", "L") or picture.mode.startswith("I") else "RGB")


def wsq_frame(data: bytes) -> Size:
    """Width and height in the frame header of a WSQ file (FBI IAFIS-IC-0110: start, tables and comments, frame)."""
    for marker, at in segments(data):
        if marker == 0xA2 and at + 10 <= len(data):
            return int.from_bytes(data[at + 8 : at + 10], "big"), int.from_bytes(data[at + 6 : at + 8], "big")
    raise ValueError("no frame")


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and position of each segment of a JPEG or WSQ file, from its start to the first coded data."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        yield data[at + 1], at
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def framed(content: bytes) -> bytes:
    """One frame."""
    return len(content).to_bytes(4, "big") + content


def frames(stream: BinaryIO) -> Iterator[bytes]:
    """The contents of the whole frames up to the end of the stream; one that was cut off is none."""
    while head := stream.read(4):
        length = int.from_bytes(head, "big")
        content = stream.read(length)
        if len(content) == length:
            yield content


if __name__ == "__main__":
    main(sys.argv[1])
