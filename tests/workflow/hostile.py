"""Files made to crash, hang or fill what decodes them, each with the media type that it pretends to be."""

import io
import random
import struct
import zlib
from collections.abc import Iterable, Iterator

import _wsq
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def files() -> Iterator[tuple[str, bytes, str, bool | None]]:
    """Name, bytes, media type, and whether the file must be taken, must be refused, or may be either (None)."""
    zeros = b"a\0\0" + zlib.compress(bytes(200_000_000), 9)
    text = b"a\0\0" + zlib.compress(bytes(60_000), 9)
    yield "png of 900 million pixels", png(30_000, 30_000), "image/png", False
    yield "png of 25 million pixels in 30 kB", png(5000, 5000), "image/png", True
    yield "png with 200 MB of text in it", with_chunks([(b"zTXt", zeros)]), "image/png", False
    yield "png with 200 MB of profile in it", with_chunks([(b"iCCP", zeros)]), "image/png", False
    yield "png of a hundred thousand chunks", with_chunks([(b"tEXt", b"a\0b")] * 100_000), "image/png", True
    yield "png with text of 120 MB in chunks", with_chunks([(b"zTXt", text)] * 2000), "image/png", False
    yield "png that moves", moving(), "image/png", False
    yield "png cut off", png(300, 300)[:-20], "image/png", False
    yield "jpeg of two thousand scans", scans(2000), "image/jpeg", False
    yield "jpeg of eighty scans of 24 million pixels", scans(80, (4900, 4900)), "image/jpeg", None
    yield "jpeg of 4 thousand million pixels", lying_jpeg(), "image/jpeg", False
    yield "jpeg with a page behind it", saved("JPEG") + b"<script>alert(1)</script>", "image/jpeg", False
    yield "gif that says jpeg", b"GIF89a" + bytes(99), "image/jpeg", False
    yield "jpeg with its orientation in a loop", bad_exif(), "image/jpeg", True
    yield "jpeg 2000 of 65 thousand tiles", jp2(255, 255, 1), "image/jp2", False
    yield "jpeg 2000 with a tile of 4 thousand million pixels", jp2(160, 200, 65_535), "image/jp2", True
    yield "jpeg 2000 cut off", saved("JPEG2000")[:-40], "image/jp2", False
    for number, data in enumerate(deadly(), 1):
        yield f"wsq with spoilt tables {number}", data, "image/wsq", None


def saved(image_format: str, size: tuple[int, int] = (160, 200), **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(buffer, image_format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int) -> bytes:
    """Of one colour, packed as tightly as deflate can."""
    rows = zlib.compress(bytes((width + 1) * min(height, 5000)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_chunks(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    whole = png(200, 200)
    return whole[:33] + b"".join(chunk(kind, content) for kind, content in chunks) + whole[33:]


def moving() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (50, 50)).save(buffer, "PNG", save_all=True, append_images=[Image.new("L", (50, 50), 255)] * 20)
    return buffer.getvalue()


def scans(count: int, size: tuple[int, int] = (160, 200)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "grey").save(buffer, "JPEG", progressive=True)
    whole = buffer.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def lying_jpeg() -> bytes:
    whole = saved("JPEG")
    at = whole.index(b"\xff\xc0\x00\x11") + 5
    return whole[:at] + struct.pack(">HH", 65_000, 65_000) + whole[at + 4 :]


def bad_exif() -> bytes:
    """Its directory of tags says that it goes on where it begins."""
    tags = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 8)
    whole = saved("JPEG")
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + whole[2:]


def jp2(width: int, height: int, tile: int) -> bytes:
    changed = bytearray(saved("JPEG2000"))
    header, size = changed.index(b"ihdr") + 4, changed.index(b"\xff\x51") + 6
    changed[header : header + 8] = struct.pack(">II", height, width)
    changed[size : size + 32] = struct.pack(">8I", width, height, 0, 0, tile, tile, 0, 0)
    return bytes(changed)


def deadly() -> Iterator[bytes]:
    """WSQ files with spoilt tables: most would end a process that decodes them."""
    whole, chance = _wsq.compress(bytes(range(200)) * 200, 200, 200, 0.75), random.Random(7)
    for _ in range(4):
        spoilt = bytearray(whole)
        for _ in range(20):
            spoilt[chance.randrange(2, 400)] = chance.randrange(256)
        yield bytes(spoilt)
