"""Pictures are what they claim or are refused, whatever the bytes; a killed decoder kills nothing else; limits hold."""

import base64
import functools
import io
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import _wsq
import pytest
from PIL import Image, ImageDraw

from workflow import picture_decoder, picture_process
from workflow.picture_process import Answer, Question, Want
from workflow.pictures import (
    BadPicture,
    Picture,
    PictureClaim,
    as_png,
    check_picture,
    check_pictures,
    decode_apart,
    decode_base64,
    printable_portrait,
    thumbnail,
)

SAMPLES = sorted((Path(__file__).parents[2].parent / "shared/samples/enrolments").glob("*.json"))
TYPES = ["image/jpeg", "image/jp2", "image/png", "image/wsq"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_picture_of_the_samples_is_what_it_claims(path):
    items = [item for item in json.loads(path.read_text("utf-8"))["biometricData"] if "image" in item]
    claims = [PictureClaim(item["mimeType"], item["width"], item["height"]) for item in items]
    files = [decode_base64(item["image"]) for item in items]
    verdicts = check_pictures(list(zip(files, claims, strict=True)))
    assert [(found.width, found.height) for found in verdicts] == [(claim.width, claim.height) for claim in claims]


@pytest.mark.parametrize("media_type", TYPES)
def test_a_sound_picture_tells_its_type_size_and_hash(media_type):
    found = check_picture(sound(media_type), PictureClaim(media_type, 160, 200))
    assert (found.media_type, found.width, found.height, len(found.sha256)) == (media_type, 160, 200, 64)


def test_both_names_of_wsq_are_one():
    assert check_picture(sound("image/wsq"), PictureClaim("image/x-wsq")).media_type == "image/wsq"


@pytest.mark.parametrize("media_type", TYPES)
def test_another_width_or_height_than_claimed_is_refused(media_type):
    for claim in (PictureClaim(media_type, 161, 200), PictureClaim(media_type, None, 201)):
        assert "160 × 200" in refusal(sound(media_type), claim)


@pytest.mark.parametrize("claimed", [*TYPES, "image/gif", "text/html", ""])
@pytest.mark.parametrize("media_type", TYPES)
def test_bytes_of_another_type_than_claimed_are_refused(media_type, claimed):
    if claimed != media_type:
        assert "media type" in refusal(sound(media_type), PictureClaim(claimed))


@pytest.mark.parametrize("media_type", TYPES)
def test_a_picture_cut_off_anywhere_is_refused(media_type):
    whole = sound(media_type)
    lengths = [*range(0, 60, 7), *(len(whole) * part // 12 for part in range(1, 12)), len(whole) - 2, len(whole) - 1]
    verdicts = check_pictures([(whole[:length], PictureClaim(media_type)) for length in lengths])
    assert all(isinstance(verdict, BadPicture) for verdict in verdicts)


@pytest.mark.parametrize("media_type", ["image/jp2", "image/png"])
def test_a_picture_with_its_middle_cut_out_is_refused_though_it_ends_well(media_type):
    whole = sound(media_type)
    third = len(whole) // 3
    cut = [whole[:place] + whole[-end:] for place in (third, 2 * third) for end in (2, 12)]
    verdicts = check_pictures([(data, PictureClaim(media_type)) for data in cut])
    assert all(isinstance(verdict, BadPicture) for verdict in verdicts)


@pytest.mark.parametrize("media_type", TYPES)
def test_mutated_pictures_are_decoded_or_refused_and_harm_nothing(media_type):
    chance = random.Random(media_type)
    mutants = [mutated(sound(media_type), chance, head) for head in (None, 200) for _ in range(30)]
    verdicts = check_pictures([(mutant, PictureClaim(media_type)) for mutant in mutants])
    assert {type(verdict) for verdict in verdicts} <= {Picture, BadPicture}
    assert any(isinstance(verdict, BadPicture) for verdict in verdicts)
    assert check_picture(sound(media_type), PictureClaim(media_type)).width == 160


@pytest.mark.parametrize("media_type", TYPES)
def test_mutated_pictures_do_not_break_their_forms_for_page_and_screen(media_type):
    chance = random.Random(media_type)
    for mutant in [mutated(sound(media_type), chance) for _ in range(12)]:
        for form in (as_png, thumbnail, *([printable_portrait] if media_type in ("image/jpeg", "image/jp2") else [])):
            try:
                answer = form(mutant, media_type)
            except BadPicture as refused:
                answer = str(refused)
            assert answer


def test_a_file_that_kills_the_decoder_costs_only_itself():
    chance = random.Random(7)
    files = [sound("image/wsq")]
    for _ in range(20):
        files += [mutated(sound("image/wsq"), chance, head=400), sound("image/wsq")]
    decoded = decode_apart([pixels_of(file) for file in files])
    assert [type(answer) for answer in decoded[::2]] == [Answer] * 21
    assert {answer.raster.pixels for answer in decoded[::2]} == {decoded[0].raster.pixels}


def test_the_fork_of_a_crashing_decoder_answers_nothing():
    def crash():
        os.kill(os.getpid(), signal.SIGKILL)

    def refuse():
        raise ValueError("not as many pixels as width times height")

    assert picture_decoder.answered_in_a_fork(crash) == b""
    assert picture_decoder.answered_in_a_fork(refuse) == b""
    assert picture_decoder.answered_in_a_fork(lambda data: data, b"ab") == b"ab"


def test_a_decoder_that_never_ends_or_takes_all_memory_is_ended_by_its_limits():
    code = (
        f"import runpy; names = runpy.run_path({picture_decoder.__file__!r})\n"
        "names['limit_resources'].__globals__['CPU_SECONDS'] = 1\n"
        "names['limit_resources']()\n"
        "def forever():\n    while True: pass\n"
        "def greedy(): return bytes(2 ** 30)\n"
        "print([names['answered_in_a_fork'](do) for do in (forever, greedy)])"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stdout == "[b'', b'']\n"
    assert time.monotonic() - begun < 10


def test_when_time_is_up_the_process_is_killed_and_what_is_not_answered_is_refused(monkeypatch):
    monkeypatch.setattr(picture_process, "WALL_SECONDS", 0.001)
    begun = time.monotonic()
    decoded = decode_apart([pixels_of(blank_wsq(3000, 3000))] * 14)
    assert isinstance(decoded[-1], BadPicture)
    assert time.monotonic() - begun < 3


def test_a_decoding_process_that_does_not_work_is_not_blamed_on_the_picture(monkeypatch):
    picture_process.end()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError):
        decode_apart([pixels_of(sound("image/wsq"))])


def test_the_decoding_process_knows_no_secret_and_imports_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    process = picture_process.start()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    process.kill()
    process.communicate()
    assert b"hush" not in environment
    source = Path(picture_decoder.__file__).read_text("utf-8")
    assert not re.search(r"^\s*(from|import) (models|workflow|security|app|flask)\b", source, re.MULTILINE)


def test_absurd_sizes_are_refused_before_a_pixel_is_decoded():
    begun = time.monotonic()
    for data, media_type in [
        (png_of(30_000, 30_000), "image/png"),
        (png_of(6000, 6000), "image/png"),
        (png_of(6001, 10), "image/png"),
        (jpeg_of(65_000, 65_000), "image/jpeg"),
        (wsq_of(60_000, 60_000), "image/wsq"),
        (wsq_of(0, 0), "image/wsq"),
        (jp2_of(5000, 5000), "image/jp2"),
    ]:
        assert "at most" in refusal(data, PictureClaim(media_type))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("precinct", [0x00, 0x11, 0x22])
def test_a_jpeg_2000_that_asks_for_gigabytes_is_ended_by_its_limits(precinct):
    """Precincts of a few pixels each: in a process without limits, 3 GB and ten seconds for 400 bytes."""
    begun = time.monotonic()
    assert "decoded" in refusal(jp2_of_precincts(1990, 1990, precinct), PictureClaim("image/jp2"))
    assert time.monotonic() - begun < 6


def test_a_jpeg_2000_of_65025_tiles_is_ended_by_its_limits():
    begun = time.monotonic()
    assert "decoded" in refusal(jp2_of(255, 255, tile=1), PictureClaim("image/jp2"))
    assert time.monotonic() - begun < 6


def test_a_jpeg_2000_of_four_million_pixels_is_within_the_limits():
    noise = Image.effect_noise((2000, 2000), 90).convert("RGB")
    data = saved(noise, "JPEG2000", quality_mode="rates", quality_layers=[7])
    assert 1_500_000 < len(data) < 2_097_152
    assert check_picture(data, PictureClaim("image/jp2")).width == 2000
    assert Image.open(io.BytesIO(printable_portrait(data, "image/jp2"))).size == (2000, 2000)


def test_a_png_bomb_within_the_limits_of_size_is_decoded_soon():
    begun = time.monotonic()
    assert check_picture(png_of(5000, 5000), PictureClaim("image/png")).width == 5000
    assert time.monotonic() - begun < 4


def test_a_png_bomb_in_its_text_is_refused_or_decoded_within_its_memory():
    text = b"zTXt" + b"a\0\0" + zlib.compress(bytes(200_000_000), 9)
    whole = sound("image/png")
    data = whole[:33] + struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text)) + whole[33:]
    assert refusal(data, PictureClaim("image/png"))


def test_a_file_of_more_than_two_mebibytes_is_refused():
    whole = sound("image/png")
    assert "bytes" in refusal(whole + bytes(2 * 1024 * 1024), PictureClaim("image/png"))


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once():
    begun = time.monotonic()
    whole = encoded("JPEG", progressive=True)
    scan = whole.rindex(b"\xff\xda")
    assert refusal(whole[:-2] + whole[scan:-2] * 200 + whole[-2:], PictureClaim("image/jpeg"))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize(
    "stowaway", [b"<script>alert(1)</script>", b"PK\x05\x06" + bytes(18) + b"x", b"%PDF-1.4\n%%EOF"]
)
def test_a_picture_with_something_else_before_or_behind_it_is_refused(media_type, stowaway):
    assert refusal(stowaway + sound(media_type), PictureClaim(media_type))
    assert refusal(sound(media_type) + stowaway, PictureClaim(media_type))


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"\xff" * 64, b"GIF89a" + bytes(64), b"<svg/>"])
def test_what_is_no_picture_is_refused(media_type, data):
    assert refusal(data, PictureClaim(media_type))


def test_base64_is_read_strictly():
    assert decode_base64("AAEC") == b"\0\1\2"
    assert decode_base64("AAE=") == b"\0\1"
    for text in [
        "",
        "AAE",
        "AA E",
        "AAEC\n",
        "\nAAEC",
        "AAE=AAE=",
        "AA-_",
        "====",
        "AAEC=",
        "AAEC====",
        "AAA==AAE",
        "ÄÄÄÄ",
        None,
        7,
        ["AAEC"],
    ]:
        with pytest.raises(BadPicture):
            decode_base64(text)


def test_base64_of_exactly_two_mebibytes_is_read_and_more_is_not():
    assert len(decode_base64(base64.b64encode(bytes(2 * 1024 * 1024)).decode())) == 2 * 1024 * 1024
    with pytest.raises(BadPicture):
        decode_base64(base64.b64encode(bytes(2 * 1024 * 1024 + 3)).decode())


def test_a_baseline_jpeg_is_printed_byte_for_byte():
    for mode in ("RGB", "L"):
        data = encoded("JPEG", mode)
        assert printable_portrait(data, "image/jpeg") is data


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (lambda: encoded("JPEG2000"), "image/jp2"),
        (lambda: encoded("JPEG2000", "RGBA"), "image/jp2"),
        (lambda: encoded("JPEG", progressive=True), "image/jpeg"),
        (lambda: encoded("JPEG", "CMYK"), "image/jpeg"),
    ],
)
def test_other_portraits_become_baseline_jpeg_of_the_same_look(data, media_type):
    printed = printable_portrait(data(), media_type)
    with Image.open(io.BytesIO(printed)) as portrait:
        assert (portrait.format, portrait.mode, portrait.size) == ("JPEG", "RGB", (160, 200))
        assert "progressive" not in portrait.info
        red, green, blue = portrait.getpixel((80, 100))
        assert red > 150 > 100 > green
        assert blue < 100
    assert printable_portrait(printed, "image/jpeg") is printed


def test_a_portrait_taken_sideways_is_printed_upright_without_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Kamara"
    printed = printable_portrait(encoded("JPEG", exif=exif.tobytes(), comment=b"secret"), "image/jpeg")
    with Image.open(io.BytesIO(printed)) as portrait:
        assert portrait.size == (200, 160)
        assert not portrait.getexif()
    assert b"Kamara" not in printed
    assert b"secret" not in printed


def test_a_fingerprint_is_shown_as_png_with_its_pixels():
    [decoded] = decode_apart([pixels_of(sound("image/wsq"))])
    with Image.open(io.BytesIO(as_png(sound("image/wsq"), "image/x-wsq"))) as shown:
        assert (shown.format, shown.mode, shown.size, shown.tobytes()) == (
            "PNG",
            "L",
            (160, 200),
            decoded.raster.pixels,
        )


def test_only_the_dimensions_of_a_fingerprint_come_back_when_only_they_are_asked_for():
    assert decode_apart([Question(sound("image/wsq"), "image/wsq")]) == [Answer(160, 200, None)]


@pytest.mark.parametrize("media_type", TYPES)
def test_thumbnails_fit_their_box_and_keep_their_proportions(media_type):
    with Image.open(io.BytesIO(thumbnail(sound(media_type), media_type, (40, 100)))) as small:
        assert (small.format, small.size) == ("JPEG", (40, 50))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_signature_of_any_kind_of_png_has_a_thumbnail_on_white(mode):
    picture = Image.new("RGBA", (300, 100), (0, 0, 0, 0) if mode in ("LA", "RGBA") else "white")
    ImageDraw.Draw(picture).line((50, 50, 250, 50), "black", 9)
    if mode == "I;16":
        picture = picture.convert("L").convert("I").point(lambda value: value * 257)
    picture = picture.convert(mode)
    with Image.open(io.BytesIO(thumbnail(saved(picture, "PNG"), "image/png"))) as small:
        grey = small.convert("L")
        assert grey.getpixel((2, 2)) > 240
        assert grey.getpixel((48, 16)) < 90


def test_a_fingerprint_is_checked_in_less_than_a_tenth_of_a_second_each():
    begun = time.monotonic()
    check_pictures([(sound("image/wsq"), PictureClaim("image/wsq"))] * 10)
    assert time.monotonic() - begun < 5


def pixels_of(data: bytes) -> Question:
    return Question(data, "image/wsq", Want.PIXELS)


def refusal(data: bytes, claim: PictureClaim) -> str:
    with pytest.raises(BadPicture) as found:
        check_picture(data, claim)
    return str(found.value)


def drawn(mode: str = "RGB") -> Image.Image:
    """A picture of 160 × 200 that does not compress to nothing, red in its middle."""
    picture = Image.new("RGB", (160, 200), (200, 200, 230))
    draw = ImageDraw.Draw(picture)
    for step in range(0, 200, 4):
        draw.arc((step // 2, step // 3, 160, 200), 0, 360, (step, 255 - step, 90))
    draw.ellipse((50, 60, 110, 140), (200, 40, 40))
    return picture.convert(mode)


def saved(picture: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def encoded(image_format: str, mode: str = "RGB", **options: object) -> bytes:
    return saved(drawn(mode), image_format, **options)


@functools.cache
def sound(media_type: str) -> bytes:
    if media_type == "image/wsq":
        return _wsq.compress(drawn("L").tobytes(), 200, 160, 0.75)
    return encoded({"image/jpeg": "JPEG", "image/jp2": "JPEG2000", "image/png": "PNG"}[media_type])


def mutated(data: bytes, chance: random.Random, head: int | None = None) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 20])):
        changed[chance.randrange(2, head or len(data) - 2)] = chance.randrange(256)
    return bytes(changed)


def blank_wsq(width: int, height: int) -> bytes:
    return _wsq.compress(bytes(range(200)) * (width * height // 200), height, width, 0.75)


def wsq_of(width: int, height: int) -> bytes:
    """A sound WSQ file whose frame header lies."""
    data = sound("image/wsq")
    at = data.index(b"\xff\xa2\x00\x11") + 6
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def jpeg_of(width: int, height: int) -> bytes:
    data = sound("image/jpeg")
    at = data.index(b"\xff\xc0\x00\x11") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def jp2_of(width: int, height: int, tile: int | None = None, data: bytes | None = None) -> bytes:
    """A sound JPEG 2000 whose headers (ihdr, SIZ) lie about its size and its tiles."""
    changed = bytearray(data or sound("image/jp2"))
    changed_header, siz = changed.index(b"ihdr") + 4, changed.index(b"\xff\x51") + 6
    changed[changed_header : changed_header + 8] = struct.pack(">II", height, width)
    changed[siz : siz + 32] = struct.pack(">8I", width, height, 0, 0, tile or width, tile or height, 0, 0)
    return bytes(changed)


def jp2_of_precincts(width: int, height: int, precinct: int) -> bytes:
    """A JPEG 2000 of one colour with precincts of that size (both exponents) at every resolution."""
    plain = saved(Image.new("RGB", (160, 200), "red"), "JPEG2000", precinct_size=(64, 64), codeblock_size=(4, 4))
    changed = bytearray(jp2_of(width, height, data=plain))
    cod = changed.index(b"\xff\x52")
    resolutions = changed[cod + 9] + 1
    changed[cod + 14 : cod + 14 + resolutions] = bytes([precinct]) * resolutions
    return bytes(changed)


def png_of(width: int, height: int) -> bytes:
    """A PNG of one colour, packed as tightly as deflate can."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = zlib.compress(bytes((width + 1) * min(height, 5000)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
