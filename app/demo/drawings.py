"""The pictures of an enrolment as files: portrait (JPEG, JPEG 2000), signature (PNG) and fingerprints (WSQ, PNG)."""

import io
import math
import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import wsq  # type: ignore[import-untyped]  # noqa: F401  registers the WSQ format with Pillow
from PIL import Image, ImageChops, ImageDraw, ImageMath

from app.demo.looks import Look
from app.demo.portraits import portrait

SIGNATURE_SIZE = (600, 200)
FINGERPRINT_SIZE = (320, 400)
FINGERPRINT_POOL = 24

_INKS = ((26, 38, 110), (18, 24, 72), (20, 20, 26), (12, 44, 92), (34, 34, 60))
_COARSE = 4
_PERIOD = 9.2


@dataclass(frozen=True)
class Drawing:
    """One encoded picture with what the enrolment says of it; sizes in pixels, resolution in dots per inch."""

    content: bytes
    width: int
    height: int
    bit_depth: int
    media_type: str
    compression: str
    resolution: int


def _random(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311  a drawing, not a secret


def _encoded(picture: Image.Image, image_format: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, image_format, **options)
    return out.getvalue()


def portrait_file(look: Look, seed: str, *, jpeg2000: bool = False) -> Drawing:
    """The portrait as JPEG, or as JPEG 2000 (JP2)."""
    picture = portrait(look, seed)
    width, height = picture.size
    if jpeg2000:
        content = _encoded(picture, "JPEG2000", quality_mode="rates", quality_layers=[22], irreversible=True)
        return Drawing(content, width, height, 24, "image/jp2", "JPEG2000", 300)
    content = _encoded(picture, "JPEG", quality=86, dpi=(300, 300))
    return Drawing(content, width, height, 24, "image/jpeg", "JPEG", 300)


def _bezier(points: list[tuple[float, float]], steps: int = 14) -> list[tuple[float, float]]:
    """A cubic Bezier arc as a polyline; four control points."""
    found = []
    for step in range(steps + 1):
        t = step / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        found.append(
            (sum(w * p[0] for w, p in zip(weights, points, strict=True)),
             sum(w * p[1] for w, p in zip(weights, points, strict=True)))
        )  # fmt: skip
    return found


def _scribble(rng: random.Random, letters: int) -> list[tuple[float, float]]:
    """Joined loops of varied height, first the tall ones, as a hand in a hurry writes."""
    x, slant = rng.uniform(50, 80), rng.uniform(8, 26)
    step = min(64.0, 400 / letters)
    pen = [(x, 128.0)]
    for letter in range(letters):
        tall = rng.uniform(70, 96) if letter == 0 or rng.random() < 0.28 else rng.uniform(20, 38)
        deep = rng.uniform(34, 52) if rng.random() < 0.14 else rng.uniform(-3, 4)
        wide = step * rng.uniform(0.7, 1.25)
        top = (x + wide * 0.5 + slant, 128 - tall)
        pen += _bezier([pen[-1], (x + wide * 0.7, 124), (top[0] + wide * 0.3, top[1] - 8), top])
        low = (x + wide * 0.62, 128 + deep)
        pen += _bezier([top, (top[0] - wide * 0.5, top[1] + 8), (low[0] - wide * 0.35, low[1] - 6), low])
        x += wide
        pen += _bezier([low, (low[0] + wide * 0.12, low[1] + 6), (x - wide * 0.1, 130), (x, 126 + rng.uniform(-4, 4))])
    return pen


def _flourish(rng: random.Random, end: tuple[float, float]) -> list[tuple[float, float]]:
    """A sweep back under the name."""
    left = rng.uniform(60, 130)
    sweep = _bezier([end, (end[0] + 90, 96), (end[0] + 40, 160), (left, 168)], 26)
    if rng.random() < 0.5:
        sweep += _bezier([sweep[-1], (left - 30, 174), (left + 60, 158), (end[0] - rng.uniform(0, 60), 160)], 26)
    return sweep


def _stroke(draw: ImageDraw.ImageDraw, pen: list[tuple[float, float]], thick: float) -> None:
    """Thinner upwards than downwards, as a pen is."""
    for (x0, y0), (x1, y1) in pairwise(pen):
        fall = (y1 - y0) / (math.hypot(x1 - x0, y1 - y0) or 1)
        width = thick * (1 + 0.34 * fall)
        draw.line((x0 * 2, y0 * 2, x1 * 2, y1 * 2), fill=0, width=max(2, round(width * 2)))
        reach = width * 0.96
        draw.ellipse((x1 * 2 - reach, y1 * 2 - reach, x1 * 2 + reach, y1 * 2 + reach), fill=0)


def signature_file(seed: str, *, letters: int = 7) -> Drawing:
    """A signature: Bezier loops in ink, PNG of 16 colours (4 bits), 600 x 200 pixels."""
    rng = _random(seed)
    width, height = SIGNATURE_SIZE
    sheet = Image.new("L", (width * 2, height * 2), 255)
    pen = _scribble(rng, letters)
    if rng.random() < 0.7:
        pen += _flourish(rng, pen[-1])
    _stroke(ImageDraw.Draw(sheet), pen, rng.uniform(2.0, 3.4))
    ink = rng.choice(_INKS)
    page = sheet.reduce(2).point([level >> 4 for level in range(256)])
    page.putpalette([round(c + (255 - c) * step / 15) for step in range(16) for c in ink])
    content = _encoded(page, "PNG", bits=4, optimize=False, compress_level=6, dpi=(300, 300))
    return Drawing(content, width, height, 4, "image/png", "PNG", 300)


def _ridge_distance(kind: str, rng: random.Random) -> list[float]:
    """For each coarse pixel the distance, in ridges, along a field whose level lines are the ridges."""
    columns, rows = FINGERPRINT_SIZE[0] // _COARSE + 1, FINGERPRINT_SIZE[1] // _COARSE + 1
    core_x, core_y, lean = (
        160 + rng.uniform(-18, 18),
        185 + rng.uniform(-16, 16),
        rng.choice((-1, 1)) * rng.uniform(0.35, 0.6),
    )
    squeeze, wave, turn = rng.uniform(0.84, 1.0), rng.uniform(3, 6), rng.uniform(0, 6.28)
    field = []
    for row in range(rows):
        for column in range(columns):
            x, y = column * _COARSE - core_x, row * _COARSE - core_y
            level = _level(kind, x, y, lean, squeeze)
            bend = wave * math.sin(y / 46 + turn) * math.cos(x / 58) * min(1.0, abs(level) / 40)
            field.append((level + bend) / _PERIOD)
    return field


def _level(kind: str, x: float, y: float, lean: float, squeeze: float) -> float:
    """Distance in pixels from the core: from its point (whorl), from a ray that leaves it (loop); height (arch)."""
    if kind == "arch":
        return -y + 62 * math.exp(-(x * x) / 9000 - (y * y) / 26000)
    if kind == "whorl":
        return math.hypot(x / squeeze, y * 0.9)
    across, down = lean / math.hypot(lean, 0.87), 0.87 / math.hypot(lean, 0.87)
    along = max(0.0, x * across + y * down)
    return math.hypot(x - along * across, y - along * down)


@lru_cache(maxsize=1)
def _turn() -> Image.Image:
    """The angle round the middle as a grey level (256 = a whole turn); twice the size of a fingerprint."""
    width, height = FINGERPRINT_SIZE
    factor = 128 / math.pi
    rows = (bytes(int(math.atan2(y, x) * factor) & 255 for x in range(-width, width)) for y in range(-height, height))
    return Image.frombytes("L", (2 * width, 2 * height), b"".join(rows))


def _phase(kind: str, rng: random.Random) -> Image.Image:
    """Ridge phase modulo 256, with minutiae: each is a point round which the phase gains one turn."""
    width, height = FINGERPRINT_SIZE
    coarse = Image.new("F", (width // _COARSE + 1, height // _COARSE + 1))
    coarse.putdata([256 * (64 + value) for value in _ridge_distance(kind, rng)])
    fine = coarse.resize((width, height), Image.Resampling.BICUBIC)
    phase: Image.Image = ImageMath.lambda_eval(lambda a: a["convert"](a["convert"](a["p"], "I") % 256, "L"), p=fine)
    for _ in range(rng.randrange(16, 26)):
        x, y = rng.randrange(40, width - 40), rng.randrange(50, height - 50)
        swirl = _turn().crop((width - x, height - y, 2 * width - x, 2 * height - y))
        phase = ImageChops.add_modulo(phase, swirl if rng.random() < 0.5 else ImageChops.invert(swirl))
    return phase


def _pressed(ridges: Image.Image, rng: random.Random) -> Image.Image:
    """The ridges as a finger leaves them: an oval with a soft rim, uneven pressure, speckles."""
    width, height = ridges.size
    rim = Image.new("L", (width // 4, height // 4), 0)
    inset = (3 + rng.random() * 2, 2 + rng.random() * 3)
    ImageDraw.Draw(rim).ellipse((inset[0], inset[1], width / 4 - inset[0], height / 4 - inset[1]), fill=255)
    patches = Image.frombytes("L", (10, 12), rng.randbytes(120)).resize(rim.size, Image.Resampling.BICUBIC)
    rim = ImageChops.multiply(rim, patches.point([150 + level * 105 // 255 for level in range(256)]))
    rim = rim.resize((width // 16, height // 16), Image.Resampling.BOX).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    speckles = Image.frombytes("L", (160, 200), rng.randbytes(32000)).resize((width, height), Image.Resampling.BILINEAR)
    rough = ImageChops.lighter(ridges, speckles.point([0 if level < 205 else level - 60 for level in range(256)]))
    return Image.composite(rough, Image.new("L", (width, height), 244), rim)


def fingerprint(number: int) -> Image.Image:
    """Drawing of a fingerprint, 8-bit grey, 320 x 400 pixels (500 dpi); the number chooses the pattern."""
    rng = _random(f"finger {number}")
    kind = ("loop", "whorl", "loop", "loop", "whorl", "arch")[number % 6]
    wave = [round(146 - 92 * math.tanh(1.7 * math.cos(level * math.pi / 128))) for level in range(256)]
    return _pressed(_phase(kind, rng).point(wave), rng)


@lru_cache(maxsize=2 * FINGERPRINT_POOL)
def fingerprint_file(number: int, *, png: bool = False) -> Drawing:
    """A fingerprint of the pool (number modulo its size) as WSQ, or as PNG."""
    picture = fingerprint(number % FINGERPRINT_POOL)
    width, height = picture.size
    if png:
        return Drawing(_encoded(picture, "PNG", dpi=(500, 500)), width, height, 8, "image/png", "PNG", 500)
    return Drawing(_encoded(picture, "WSQ"), width, height, 8, "image/wsq", "WSQ", 500)
