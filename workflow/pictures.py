"""Pictures of an enrolment: proof that the bytes are what they claim to be, and their forms for page and screen.

All are decoded to the end, within limits of bytes and pixels that are checked before: JPEG and PNG here by Pillow, WSQ
and JPEG 2000 apart, by `workflow.wsq_process`.
"""

import binascii
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageOps

from models.text import N_
from security.errors import BadValue
from workflow import wsq_process

MAX_BYTES = 2 * 1024 * 1024
MAX_SIDE = 6000
MAX_PIXELS = 25_000_000
MAX_PIXELS_JPEG2000 = 4_000_000  # its decoder takes 40 bytes a pixel
MAX_JPEG_SCANS = 100
MAX_BASE64 = (MAX_BYTES + 2) // 3 * 4

WSQ, JPEG2000 = "image/wsq", "image/jp2"
_APART = (WSQ, JPEG2000)
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SYNONYMS = {"image/x-wsq": WSQ}
_FORMATS = {"image/jpeg": "JPEG", JPEG2000: "JPEG2000", "image/png": "PNG"}
_BEGINS = {
    "image/jpeg": b"\xff\xd8\xff",
    JPEG2000: b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    "image/png": b"\x89PNG\r\n\x1a\n",
    WSQ: b"\xff\xa0\xff",
}
_ENDS = {"image/jpeg": b"\xff\xd9", "image/png": b"\x00\x00\x00\x00IEND\xaeB`\x82", WSQ: b"\xff\xa1"}

UNKNOWN_TYPE = N_("Pictures of this media type are not taken.")
NOT_BASE64 = N_("The picture is not base64 with padding and without line breaks.")
TOO_MANY_BYTES = N_("The picture has more than %(limit)s bytes.")
TOO_LARGE = N_("The picture may have from 1 to %(side)s pixels a side and at most %(pixels)s in all.")
OTHER_TYPE = N_("The picture is not of the media type %(media_type)s.")
OTHER_SIZE = N_("The picture is %(width)s × %(height)s pixels, not what is claimed.")
CUT_OFF = N_("The picture does not end as a whole file does.")
DAMAGED = N_("The picture cannot be decoded to the end.")


class BadPicture(BadValue):
    """A picture that is refused: the fact as English `message_id` with its `params`; no personal data in either."""


@dataclass(frozen=True)
class PictureClaim:
    """What a station says a picture is: media type, and width and height in pixels where it says so."""

    media_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Picture:
    """A picture decoded to the end: media type (`image/wsq` for both its names), pixels, SHA-256 of the file."""

    media_type: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Raster:
    """A picture decoded apart: one, three or four bytes a pixel, rows from the top; none if only the size was asked."""

    width: int
    height: int
    pixels: bytes


def decode_base64(text: object) -> bytes:
    """The bytes of RFC 4648 §4 base64, padded, without line breaks; BadPicture otherwise, or above 2 MiB."""
    if not isinstance(text, str) or not text or len(text) % 4 or "=" in text[:-2]:
        raise BadPicture(NOT_BASE64)
    if len(text) > MAX_BASE64:
        raise BadPicture(TOO_MANY_BYTES, limit=MAX_BYTES)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise BadPicture(NOT_BASE64) from None


def check_picture(data: bytes, claim: PictureClaim) -> Picture:
    """The picture, if its bytes are what the claim says and can be decoded to the end; BadPicture otherwise."""
    [verdict] = check_pictures([(data, claim)])
    if isinstance(verdict, BadPicture):
        raise verdict
    return verdict


def check_pictures(pictures: Sequence[tuple[bytes, PictureClaim]]) -> list[Picture | BadPicture]:
    """As `check_picture`, for all pictures of an enrolment, whose fingerprints share a process: a verdict for each."""
    apart = [(data, _plain(claim.media_type)) for data, claim in pictures if _plain(claim.media_type) in _APART]
    rasters = iter(decode_apart(apart, pixels=False))
    return [_verdict(data, claim, rasters) for data, claim in pictures]


def decode_apart(files: Sequence[tuple[bytes, str]], *, pixels: bool = True) -> list[Raster | BadPicture]:
    """Each WSQ or JPEG 2000 file, given with its media type, decoded, or why not; in one process, in ten seconds."""
    refusals = [_refusal_unread(data, media_type) for data, media_type in files]
    sound = [data for (data, _), refusal in zip(files, refusals, strict=True) if refusal is None]
    decoded = wsq_process.decode(sound, pixels=pixels)
    return [refusal or _raster(next(decoded, None)) for refusal in refusals]


def printable_portrait(data: bytes, media_type: str) -> bytes:
    """The portrait as JPEG for the page: unchanged if it is baseline, RGB or grey, and upright; else transcoded.

    A transcoded one has no metadata. BadPicture when it cannot be decoded.
    """
    if media_type == "image/jpeg" and _is_printable(data):
        return data
    return _jpeg(_shown(data, media_type), quality=92)


def as_png(data: bytes, media_type: str) -> bytes:
    """The picture as PNG, which every browser shows; a PNG unchanged. BadPicture when it cannot be decoded."""
    if media_type == "image/png":
        return data
    picture = _shown(data, media_type)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def thumbnail(data: bytes, media_type: str, box: tuple[int, int] = (96, 120)) -> bytes:
    """The picture as JPEG that fits into `box` (width, height in pixels), its proportions kept, on white ground."""
    picture = _shown(data, media_type, box)
    picture.thumbnail(box)
    return _jpeg(picture, quality=80)


def _verdict(data: bytes, claim: PictureClaim, rasters: Iterator[Raster | BadPicture]) -> Picture | BadPicture:
    media_type = _plain(claim.media_type)
    try:
        width, height = _size(next(rasters)) if media_type in _APART else _decoded_size(data, media_type)
        _compare(claim, width, height)
    except BadPicture as refusal:
        return refusal
    return Picture(media_type, width, height, hashlib.sha256(data).hexdigest())


def _plain(media_type: str) -> str:
    return _SYNONYMS.get(media_type, media_type)


def _size(raster: Raster | BadPicture) -> tuple[int, int]:
    if isinstance(raster, BadPicture):
        raise raster
    return raster.width, raster.height


def _compare(claim: PictureClaim, width: int, height: int) -> None:
    if claim.width not in (None, width) or claim.height not in (None, height):
        raise BadPicture(OTHER_SIZE, width=width, height=height)


def _check_form(data: bytes, media_type: str) -> None:
    """What can be told without decoding: size of the file, its first and its last bytes."""
    if media_type not in _BEGINS:
        raise BadPicture(UNKNOWN_TYPE)
    if len(data) > MAX_BYTES:
        raise BadPicture(TOO_MANY_BYTES, limit=MAX_BYTES)
    if not data.startswith(_BEGINS[media_type]):
        raise BadPicture(OTHER_TYPE, media_type=media_type)
    if not (_ends_as_jp2(data) if media_type == JPEG2000 else data.rstrip(b"\0").endswith(_ENDS[media_type])):
        raise BadPicture(CUT_OFF)
    # Scans cost nothing in bytes and a whole pass each over the picture: thousands of them hold a decoder for minutes.
    if media_type == "image/jpeg" and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise BadPicture(DAMAGED)


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= most):
        raise BadPicture(TOO_LARGE, side=MAX_SIDE, pixels=most)


def _ends_as_jp2(data: bytes) -> bool:
    """True when the boxes fill the file and the code stream ends with its end marker (ISO 15444-1 annexes A and I)."""
    at, whole = 0, False
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        if length < 8:
            return False
        if data[at + 4 : at + 8] == b"jp2c":
            whole = data[at : at + length].endswith(b"\xff\xd9")
        at += length
    return whole and at == len(data)


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever a decoder raises is the picture's fault; hostile files make Pillow raise nearly anything."""
    try:
        yield
    except BadPicture:
        raise
    except Image.DecompressionBombError:
        raise BadPicture(TOO_LARGE, side=MAX_SIDE, pixels=MAX_PIXELS) from None
    except Exception:
        raise BadPicture(DAMAGED) from None


def _opened(data: bytes, media_type: str) -> Image.Image:
    """The picture with only its header read, judged by its form and size."""
    _check_form(data, media_type)
    with _decoding():
        picture = Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]])
    _check_size(*picture.size, MAX_PIXELS_JPEG2000 if media_type == JPEG2000 else MAX_PIXELS)
    return picture


def _decoded_size(data: bytes, media_type: str) -> tuple[int, int]:
    with _opened(data, media_type) as picture, _decoding():
        picture.load()
        return picture.size


def _refusal_unread(data: bytes, media_type: str) -> BadPicture | None:
    """Why a file is not even given to the decoder apart, if so."""
    try:
        if media_type == JPEG2000:
            _opened(data, media_type).close()
        else:
            _check_form(data, media_type)
            _check_size(*_wsq_frame(data))
    except BadPicture as refusal:
        return refusal
    return None


def _raster(answer: tuple[int, int, bytes] | None) -> Raster | BadPicture:
    return Raster(*answer) if answer else BadPicture(DAMAGED)


def _wsq_frame(data: bytes) -> tuple[int, int]:
    """Width and height in the frame header of a WSQ file (FBI IAFIS-IC-0110: start, tables and comments, frame)."""
    for marker, at in _segments(data):
        if marker == 0xA2 and at + 10 <= len(data):
            return int.from_bytes(data[at + 8 : at + 10], "big"), int.from_bytes(data[at + 6 : at + 8], "big")
    raise BadPicture(DAMAGED)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and position of each segment of a JPEG or WSQ file, from its start to the first coded data."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        yield data[at + 1], at
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _shown(data: bytes, media_type: str, box: tuple[int, int] | None = None) -> Image.Image:
    """The picture upright, opaque, in grey or RGB; a JPEG decoded only as finely as a thumbnail of `box` needs."""
    if _plain(media_type) in _APART:
        [raster] = decode_apart([(data, _plain(media_type))])
        if isinstance(raster, BadPicture):
            raise raster
        mode = _MODES[len(raster.pixels) // (raster.width * raster.height)]
        return _flat(Image.frombytes(mode, (raster.width, raster.height), raster.pixels))
    with _opened(data, media_type) as picture, _decoding():
        if box:
            picture.draft(None, (2 * max(box), 2 * max(box)))
        return _flat(ImageOps.exif_transpose(picture))


def _flat(picture: Image.Image) -> Image.Image:
    """The picture in grey or RGB, on white where it is transparent, and without metadata."""
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture.convert("RGBA"))
        picture = ground
    flat = picture.convert("L" if picture.mode in ("1", "L", "LA") or picture.mode.startswith("I") else "RGB")
    flat.info.clear()
    return flat


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _is_printable(data: bytes) -> bool:
    """True for a baseline JPEG, whose first frame header is SOF0 (ITU T.81 annex B), in RGB or grey, and upright."""
    with _opened(data, "image/jpeg") as picture, _decoding():
        frames = (kind for kind, _ in _segments(data) if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC))
        upright = picture.getexif().get(0x0112, 1) == 1
        return bool(upright and picture.mode in ("RGB", "L") and next(frames, None) == 0xC0)
