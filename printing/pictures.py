"""Portrait, signature and 2D code as PDF objects and drawing operators, with as little work as possible.

The portrait's JPEG bytes and the prepared signature's PNG rows go into the file as they are; decoding them would cost
more than the rest of the page.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import zxingcpp
from PIL import Image, UnidentifiedImageError

from printing.geometry import Box, PageError
from printing.pdf import PdfDocument, Picture, number

MAX_SIGNATURE_PIXELS = 4_000_000
_SPACES = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK/Decode[1 0 1 0 1 0 1 0]"}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BLACK = re.compile(rb"\0+")
_CHUNK = 8  # modules of a row of the code that are drawn by one look into a table
_INK = 232  # a darker pixel of a signature is ink, a lighter one paper
_PNG, _HEADER = b"\x89PNG\r\n\x1a\n", b"\0\0\0\rIHDR"
_GREY = b"\x08\0\0\0\0"  # of eight bits, not interlaced
_MARK = b"Comment\0ink alone"  # of a signature made ready for the page
_IS_INK = [255] * _INK + [0] * (256 - _INK)


def add_portrait(pdf: PdfDocument, jpeg: bytes) -> Picture:
    """Embed JPEG bytes unread; PageError when they are not a JPEG of one, three or four components."""
    width, height, components = _jpeg_frame(jpeg)
    entries = f"/Width {width}/Height {height}/BitsPerComponent 8/Filter/DCTDecode/ColorSpace{_SPACES[components]}"
    return Picture(pdf.add_stream(f"/Type/XObject/Subtype/Image{entries}", jpeg), width, height)


def _jpeg_frame(jpeg: bytes) -> tuple[int, int, int]:
    """Width, height and components from the frame header (ITU-T T.81, B.2.2)."""
    at = 2 if jpeg.startswith(b"\xff\xd8\xff") else len(jpeg)
    while at + 10 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in _FRAMES:
            height, width = (int.from_bytes(jpeg[at + place : at + place + 2], "big") for place in (5, 7))
            if width and height and jpeg[at + 4] == 8 and jpeg[at + 9] in _SPACES:
                return width, height, jpeg[at + 9]
            break
        at += 1 if jpeg[at + 1] == 0xFF else 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise PageError("the portrait is not a JPEG that can be printed")


def printable_signature(image: bytes) -> bytes | None:
    """A PNG or JPEG as the page wants it: grey ink on white, cut to the ink, a PNG that `add_signature` embeds unread.

    None when there is no ink, PageError if it cannot be read. Made again from its own result it is the same.
    """
    if is_printable(image):
        return image
    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as opened:
            return signature_of(opened)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise PageError(f"the signature cannot be read: {error}") from error


def signature_of(image: Image.Image) -> bytes | None:
    """As `printable_signature`, of a picture that is open, or of pixels; what comes from outside is read elsewhere."""
    if image.width * image.height > MAX_SIGNATURE_PIXELS:
        raise PageError(f"a signature of {image.width} x {image.height} pixels is too large")
    grey = _flattened(image)
    ink = grey.point(_IS_INK).getbbox()
    return _marked_png(grey.crop(ink)) if ink else None


def add_signature(pdf: PdfDocument, image: bytes) -> Picture | None:
    """Embed a signature in the form of `printable_signature`, which is made first of any other; errors as there."""
    png = printable_signature(image)
    if png is None:
        return None
    width, height = signature_size(png)
    data = b"".join(content for name, content in _chunks(png) if name == b"IDAT")
    entries = (
        f"/Width {width}/Height {height}/BitsPerComponent 8/ColorSpace/DeviceGray"
        f"/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns {width}>>"
    )
    return Picture(pdf.add_stream(f"/Type/XObject/Subtype/Image{entries}", data), width, height)


def signature_size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels of a signature in the form of `printable_signature`."""
    width, height = struct.unpack_from(">II", png, 16)
    return width, height


def is_printable(image: bytes) -> bool:
    """Whether a signature is in the form of `printable_signature`: a PNG of `_marked_png`, by its first bytes."""
    return image[:16] == _PNG + _HEADER and image[24:29] == _GREY and image[37 : 41 + len(_MARK)] == b"tEXt" + _MARK


def _marked_png(grey: Image.Image) -> bytes:
    """Written here, not by Pillow, which tries filters for each row: this takes a tenth of the time."""
    rows = grey.tobytes()
    unfiltered = b"".join(b"\0" + rows[at : at + grey.width] for at in range(0, len(rows), grey.width))
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)  # for ink on paper smaller than the default, and faster
    data = packer.compress(unfiltered) + packer.flush()
    header = struct.pack(">II", *grey.size) + _GREY
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"tEXt", _MARK) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk (ISO 15948, 5.3)."""
    at = 8
    while at < len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length


def _flattened(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.point(_greys(image), "L") if image.mode == "P" else image.convert("L")
    image = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    image = image.crop(image.getbbox())  # to what is not wholly transparent
    paper = Image.new("L", image.size, "white")
    paper.paste(image.convert("L"), mask=image.getchannel("A"))
    return paper


def _greys(image: Image.Image) -> list[int]:
    """The grey (ITU-R 601-2) of each of 256 entries of a palette: a sixth of the work of converting every pixel."""
    colours = image.getpalette() or []
    greys = [(299 * r + 587 * g + 114 * b) // 1000 for r, g, b in zip(*[iter(colours)] * 3, strict=True)]
    return greys + [0] * (256 - len(greys))


@lru_cache(maxsize=256)
def data_matrix(text: str) -> tuple[int, bytes]:
    """A DataMatrix (ECC 200) of an ASCII text: modules a side, then one byte a module, 0 for black, top row first."""
    if not re.fullmatch(r"[ -~]+", text):
        raise PageError("the text of the code is not plain ASCII")
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, eci="-1")
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)  # has the buffer protocol, its stub does not say so
    rows, columns = image.shape
    if rows != columns:
        raise PageError(f"a code of {columns} x {rows} modules does not fit the page")
    return rows, memoryview(image).tobytes()


def code_path(modules: int, pixels: bytes, box: Box) -> str:
    """Operators that fill the code as one path of rectangles, so that no seams show."""
    rows = (_row(pixels[at : at + modules], modules - 1 - at // modules) for at in range(0, modules * modules, modules))
    scale = f"{box.width / modules:.6f}"
    return f"q 0 g {scale} 0 0 {scale} {number(box.x)} {number(box.y)} cm {''.join(rows)}f Q"


def _row(pixels: bytes, y: int) -> str:
    starts = range(0, len(pixels), _CHUNK)
    return "".join(map(_runs, [pixels[at : at + _CHUNK] for at in starts], starts)).replace("y", str(y))


@lru_cache(maxsize=18 * 256)  # all there are: the largest code has 144 modules a side
def _runs(chunk: bytes, at: int) -> str:
    """A rectangle for each run of black in a part of a row that begins at module `at`; its place upwards is `y`."""
    spans = (run.span() for run in _BLACK.finditer(chunk))
    return "".join(f"{at + start} y {end - start} 1 re " for start, end in spans)
