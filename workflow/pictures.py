"""Pictures of an enrolment: proof that the bytes are what they claim to be, and their forms for page and screen.

All are decoded to the end, apart, by `workflow.picture_process`, from where only pixels come back: Pillow is here to
write pictures, never to read them.
"""

import binascii
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from models.text import N_
from printing.pictures import is_printable, signature_of
from security.errors import BadValue
from workflow import picture_process
from workflow.picture_decoder import MAX_PIXELS, MAX_PIXELS_JPEG2000, MAX_SIDE, segments
from workflow.picture_process import Answer, Fault, Question, Raster, Want

MAX_BYTES = 2 * 1024 * 1024
MAX_JPEG_SCANS = 100
MAX_BASE64 = (MAX_BYTES + 2) // 3 * 4
#: Width and height in pixels of what lists show.
BOX = (96, 120)

WSQ, JPEG2000 = "image/wsq", "image/jp2"
_SYNONYMS = {"image/x-wsq": WSQ}
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
MOVES = N_("The picture has several images that follow each other; one is wanted.")
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
    """A picture decoded to the end: media type (`image/wsq` for both its names), width and height in pixels, SHA-256.

    `raster` has its pixels where they were wanted.
    """

    media_type: str
    width: int
    height: int
    sha256: str
    raster: Raster | None = field(default=None, repr=False)


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


def check_pictures(
    pictures: Sequence[tuple[bytes, PictureClaim]], wants: Sequence[Want] | None = None
) -> list[Picture | BadPicture]:
    """As `check_picture`, for all pictures of an enrolment, which share a process: a verdict for each.

    `wants` says of each whether its pixels are wanted too; of none, when it is not given.
    """
    questions = [
        Question(data, _plain(claim.media_type), want)
        for (data, claim), want in zip(pictures, wants or [Want.SIZE] * len(pictures), strict=True)
    ]
    answers = decode_apart(questions)
    return [_verdict(data, claim, answer) for (data, claim), answer in zip(pictures, answers, strict=True)]


def decode_apart(questions: Sequence[Question]) -> list[Answer | BadPicture]:
    """Each file decoded, or why not; in one process, in ten seconds."""
    refusals = [_refusal_unread(question.data, question.media_type) for question in questions]
    asked = [question for question, refusal in zip(questions, refusals, strict=True) if refusal is None]
    answers = iter(picture_process.decode(asked))
    return [refusal or _told(next(answers), question) for question, refusal in zip(questions, refusals, strict=True)]


def is_whole(data: bytes, media_type: str) -> bool:
    """Whether a JPEG or PNG can be decoded, whatever is behind its end; BadPicture when it has too many pixels."""
    if too_many_scans(data, media_type):
        return False
    [answer] = picture_process.decode([Question(data, media_type, Want.SIZE, (256, 256))])
    if answer is Fault.TOO_LARGE:
        raise BadPicture(TOO_LARGE, side=MAX_SIDE, pixels=MAX_PIXELS)
    return isinstance(answer, Answer)


def want_for_page(kind: str, data: bytes, media_type: str) -> Want:
    """What the page needs of a picture besides the proof: pixels where it is not printed byte for byte."""
    if kind == "PORTRAIT":
        return Want.UNLESS_PLAIN if media_type == "image/jpeg" and _is_baseline(data) else Want.PIXELS
    return Want.PIXELS if kind == "SIGNATURE" else Want.SIZE


def printable_portrait(data: bytes, media_type: str) -> bytes:
    """The portrait as JPEG for the page: unchanged if it is baseline, RGB or grey, and upright; else transcoded.

    A transcoded one has no metadata. BadPicture when it cannot be decoded.
    """
    want = want_for_page("PORTRAIT", data, media_type)
    raster = _one(Question(data, _plain(media_type), want)).raster
    return as_jpeg(raster, quality=92) if raster else data


def printable_signature(data: bytes, media_type: str) -> bytes | None:
    """The signature as the page wants it, None when it has no ink; raises BadPicture or `PageError`."""
    if is_printable(data):
        return data
    raster = _one(Question(data, _plain(media_type), Want.PIXELS)).raster
    return ink(raster) if raster else None


def ink(raster: Raster) -> bytes | None:
    """The signature of these pixels as the page wants it, None when there is no ink; `PageError` when too large."""
    return signature_of(_image(raster))


def as_png(data: bytes, media_type: str) -> bytes:
    """The picture as PNG, which every browser shows; a PNG unchanged. BadPicture when it cannot be decoded."""
    if media_type == "image/png":
        return data
    buffer = io.BytesIO()
    _image(_raster(data, media_type)).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def thumbnail(data: bytes, media_type: str, box: tuple[int, int] = BOX) -> bytes:
    """The picture as JPEG that fits into `box` (width, height in pixels), its proportions kept, on white ground."""
    [made] = thumbnails([(data, media_type)], box)
    if isinstance(made, BadPicture):
        raise made
    return made


def thumbnails(files: Sequence[tuple[bytes, str]], box: tuple[int, int] = BOX) -> list[bytes | BadPicture]:
    """As `thumbnail`, for several files with their media types, which share a process: why not where it cannot be."""
    answers = decode_apart([Question(data, _plain(media_type), Want.PIXELS, box) for data, media_type in files])
    return [
        as_jpeg(answer.raster, quality=80) if isinstance(answer, Answer) and answer.raster else _refusal(answer)
        for answer in answers
    ]


def as_jpeg(raster: Raster, quality: int) -> bytes:
    """Baseline JPEG of these pixels, without metadata."""
    buffer = io.BytesIO()
    _image(raster).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _verdict(data: bytes, claim: PictureClaim, answer: Answer | BadPicture) -> Picture | BadPicture:
    if isinstance(answer, BadPicture):
        return answer
    if claim.width not in (None, answer.width) or claim.height not in (None, answer.height):
        return BadPicture(OTHER_SIZE, width=answer.width, height=answer.height)
    digest = hashlib.sha256(data).hexdigest()
    return Picture(_plain(claim.media_type), answer.width, answer.height, digest, answer.raster)


def _one(question: Question) -> Answer:
    [answer] = decode_apart([question])
    if isinstance(answer, BadPicture):
        raise answer
    return answer


def _raster(data: bytes, media_type: str) -> Raster:
    raster = _one(Question(data, _plain(media_type), Want.PIXELS)).raster
    if raster is None:
        raise BadPicture(DAMAGED)
    return raster


def _refusal(answer: Answer | BadPicture) -> BadPicture:
    return answer if isinstance(answer, BadPicture) else BadPicture(DAMAGED)


def _told(answer: Answer | Fault, question: Question) -> Answer | BadPicture:
    """The answer, or its fault in words."""
    if isinstance(answer, Answer):
        return answer
    if answer is Fault.TOO_LARGE:
        most = MAX_PIXELS_JPEG2000 if question.media_type == JPEG2000 else MAX_PIXELS
        return BadPicture(TOO_LARGE, side=MAX_SIDE, pixels=most)
    return BadPicture(MOVES if answer is Fault.MOVES else DAMAGED)


def _image(raster: Raster) -> Image.Image:
    return Image.frombytes(raster.mode, (raster.width, raster.height), raster.pixels)


def _plain(media_type: str) -> str:
    return _SYNONYMS.get(media_type, media_type)


def too_many_scans(data: bytes, media_type: str) -> bool:
    """Scans cost nothing in bytes and a whole pass each over the picture: thousands hold a decoder for minutes."""
    return media_type == "image/jpeg" and data.count(b"\xff\xda") > MAX_JPEG_SCANS


def _refusal_unread(data: bytes, media_type: str) -> BadPicture | None:
    """Why a file is not even given to the decoder, if so."""
    try:
        _check_form(data, media_type)
    except BadPicture as refusal:
        return refusal
    return None


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
    if too_many_scans(data, media_type):
        raise BadPicture(DAMAGED)


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


def _is_baseline(data: bytes) -> bool:
    """True for a baseline JPEG, whose first frame header is SOF0 (ITU T.81 annex B)."""
    frames = (kind for kind, _ in segments(data) if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC))
    return next(frames, None) == 0xC0
