"""Faces that are clearly drawings: a light background, clothes, a head, its features and the signs of age."""

import random
from functools import lru_cache

from PIL import Image, ImageChops

from app.demo import clothes, wardrobe
from app.demo.canvas import SCALE, Canvas, Colour, Point, darker, lighter, mirrored, mix, smooth
from app.demo.looks import Face, Look

WIDTH, HEIGHT = 413, 531

_SKIN: dict[str, Colour] = {
    "BLA": (240, 206, 180), "TRI": (219, 173, 134), "MOC": (207, 157, 118), "MOR": (186, 133, 96),
    "MOO": (156, 106, 75), "NEG": (116, 78, 58), "AMA": (229, 190, 146),
}  # fmt: skip
_HAIR: dict[str, Colour] = {
    "NEG": (32, 27, 28), "CAF": (74, 48, 34), "CAS": (96, 62, 40), "CSO": (58, 38, 29), "CSC": (138, 94, 58),
    "RUB": (205, 165, 98), "PEL": (150, 74, 40), "GRI": (140, 138, 138), "CAN": (214, 212, 208),
    "TEN": (122, 54, 44), "SIN": (92, 80, 74),
}  # fmt: skip
_EYES: dict[str, Colour] = {
    "CAF": (92, 56, 32), "CAO": (58, 36, 24), "CAC": (130, 86, 48), "NEG": (36, 26, 22), "MIE": (160, 112, 50),
    "AVE": (124, 104, 60), "VER": (86, 118, 80), "AZU": (84, 118, 150), "GRI": (112, 124, 130),
}  # fmt: skip
_GROUNDS: tuple[tuple[Colour, Colour], ...] = (
    ((246, 247, 248), (220, 223, 228)),
    ((243, 245, 247), (212, 219, 224)),
    ((248, 247, 244), (226, 223, 218)),
)


def _measures(look: Look, rng: random.Random) -> Face:
    child = look.age < 12
    feminine = look.sex == "F" or (look.sex == "X" and rng.random() < 0.5)
    vary = rng.uniform
    return Face(
        half_width=vary(98, 104) if child else vary(90, 98) if feminine else vary(93, 102),
        jaw=vary(0.86, 0.94) if child else vary(0.8, 0.92) if feminine else vary(0.92, 1.08),
        chin=vary(126, 136) if child else vary(140, 150) if feminine else vary(146, 156),
        eye_y=vary(12, 17) if child else vary(-6, 2),
        eye_x=vary(42, 45) if child else vary(39, 43),
        eye_size=vary(1.12, 1.25) if child else vary(1.0, 1.14) if feminine else vary(0.9, 1.02),
        brow=vary(3.0, 4.0) if child else vary(3.4, 5.0) if feminine else vary(5.6, 8.0),
        nose_y=vary(52, 56) if child else vary(50, 58),
        mouth_y=vary(80, 85) if child else vary(88, 95),
        mouth=vary(22, 26) if child else vary(28, 33),
        smile=vary(3, 7),
        skin=mix(_SKIN.get(look.skin_tone, _SKIN["MOC"]), (rng.randrange(150, 230), 150, 110), vary(0, 0.12)),
        hair=_HAIR.get(look.hair_color, _HAIR["CAF"]),
        iris=_EYES.get(look.eye_color, _EYES["CAF"]),
        feminine=feminine,
        age=look.age,
    )


@lru_cache(maxsize=len(_GROUNDS))
def _ground(number: int) -> Image.Image:
    """A light wall, slightly darker below; at drawing size."""
    light, dark = _GROUNDS[number]
    slope = Image.linear_gradient("L").rotate(-12, resample=Image.Resampling.BILINEAR, fillcolor=128)
    slope = slope.crop((30, 30, 226, 226)).resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", slope.size, dark), Image.new("RGB", slope.size, light), slope)


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    """Faint noise, so that the picture compresses like a photograph."""
    noise = Image.frombytes("L", (WIDTH, HEIGHT), random.Random(1).randbytes(WIDTH * HEIGHT))  # noqa: S311  no secret
    noise = noise.point([level * 7 // 256 for level in range(256)])
    return Image.merge("RGB", (noise, noise, noise))


def _outline(face: Face) -> list[Point]:
    wide, jaw, chin = face.half_width, face.jaw, face.chin
    right: list[Point] = [
        (0, -150), (wide * 0.55, -138), (wide * 0.9, -90), (wide, -18), (wide * 0.95, 42),
        (wide * 0.74 * jaw + 4, chin * 0.69), (wide * 0.42 * jaw, chin * 0.93), (0, chin),
    ]  # fmt: skip
    return smooth(mirrored(right))


def _head(canvas: Canvas, face: Face) -> None:
    skin = face.skin
    for side in (-1, 1):
        canvas.oval(side * (face.half_width - 1), face.eye_y + 12, 12, 25, darker(skin, 0.1))
        canvas.oval(side * (face.half_width + 1), face.eye_y + 13, 5, 15, darker(skin, 0.22))
    canvas.polygon(_outline(face), skin)
    canvas.glow(-26, -60, 80, 74, lighter(skin, 0.5), 0.45)
    canvas.glow(62, 30, 46, 120, darker(skin, 0.5), 0.2)
    for side in (-1, 1):
        canvas.glow(side * 54, face.nose_y + 4, 40, 36, mix(skin, (214, 84, 72), 0.6), 0.4)
        canvas.glow(side * face.eye_x, face.eye_y - 4, 38, 26, darker(skin, 0.4), 0.22)


def _eye(canvas: Canvas, face: Face, side: int) -> None:
    x, y, size = side * face.eye_x, face.eye_y, face.eye_size
    wide, high = 18.5 * size, 9.2 * size
    inner, outer = (x - side * wide, y + 2.5), (x + side * wide, y - 0.5)
    lid: list[Point] = [inner, (x - side * wide * 0.45, y - high * 0.78), (x + side * wide * 0.25, y - high), outer]
    floor: list[Point] = [
        outer,
        (x + side * wide * 0.4, y + high * 0.66),
        (x - side * wide * 0.3, y + high * 0.72),
        inner,
    ]
    upper, lower = smooth(lid, closed=False), smooth(floor, closed=False)
    canvas.polygon([*upper, *lower], (248, 246, 243))
    canvas.oval(x, y - 0.8, 8.3 * size, 8.3 * size, darker(face.iris, 0.45))
    canvas.oval(x, y - 0.8, 7.3 * size, 7.3 * size, face.iris)
    canvas.oval(x, y - 0.8, 3.7 * size, 3.7 * size, (16, 12, 12))
    canvas.oval(x - 2.8, y - 4, 2.1 * size, 2.1 * size, (255, 255, 255))
    canvas.line(lid, darker(face.skin, 0.82), 2.8 if face.feminine else 2.1)
    canvas.line(floor, darker(face.skin, 0.3), 1)
    canvas.line([(px, py - 6 * size) for px, py in lid[:3]], darker(face.skin, 0.28), 1.2)
    if face.feminine and face.age >= 14:
        canvas.line([outer, (outer[0] + side * 4, outer[1] - 3.5)], darker(face.skin, 0.82), 1.6)


def _brow(canvas: Canvas, face: Face, side: int) -> None:
    x, y, thick = side * face.eye_x, face.eye_y - 23 * face.eye_size, face.brow
    colour = mix(darker(face.hair, 0.25), face.skin, 0.3 if face.age < 12 or face.feminine else 0.14)
    canvas.blob(
        [
            (x - side * 20, y + 4), (x - side * 19, y + 4 - thick), (x + side * 4, y - thick * 0.9 - 2.5),
            (x + side * 26, y + 4), (x + side * 4, y + 0.4),
        ],
        colour,
    )  # fmt: skip


def _nose(canvas: Canvas, face: Face) -> None:
    y, skin = face.nose_y, face.skin
    wide = 12 if face.age < 12 else 14 if face.feminine else 17
    canvas.glow(9, y - 22, 12, 40, darker(skin, 0.5), 0.26)
    canvas.glow(-3, y - 10, 9, 34, lighter(skin, 0.6), 0.4)
    canvas.glow(0, y + 5, 24, 12, darker(skin, 0.5), 0.24)
    for side in (-1, 1):
        canvas.oval(side * wide * 0.46, y + 2.5, 3.6, 2.1, darker(skin, 0.55))
        canvas.line(
            [(side * wide * 0.86, y - 7), (side * wide, y), (side * wide * 0.72, y + 4)], darker(skin, 0.3), 1.6
        )


def _mouth(canvas: Canvas, face: Face) -> None:
    y, wide, up = face.mouth_y, face.mouth, face.smile
    rosy = mix(face.skin, (186, 62, 66), 0.55 if face.feminine and face.age >= 14 else 0.36)
    full = 10 if face.feminine else 8
    seam: list[Point] = [
        (-wide, y - up),
        (-wide * 0.5, y - up * 0.1),
        (0, y + 1),
        (wide * 0.5, y - up * 0.1),
        (wide, y - up),
    ]
    bow: list[Point] = [
        (wide * 0.5, y - full * 0.68),
        (8, y - full * 0.86),
        (0, y - full * 0.55),
        (-8, y - full * 0.86),
    ]
    canvas.glow(0, y + full + 8, 28, 9, darker(face.skin, 0.5), 0.3)
    canvas.polygon(smooth([*seam, *bow, (-wide * 0.5, y - full * 0.68)]), darker(rosy, 0.12))
    canvas.polygon(
        smooth([*seam, (wide * 0.5, y + full * 0.75), (0, y + full * 1.1), (-wide * 0.5, y + full * 0.75)]), rosy
    )
    canvas.glow(-2, y + full * 0.55, 13, 4.5, lighter(rosy, 0.6), 0.5)
    canvas.line(seam, darker(rosy, 0.55), 1.8)
    for side in (-1, 1):
        canvas.line([(side * wide, y - up), (side * (wide + 2.5), y - up - 2)], darker(face.skin, 0.34), 1.5)


def _age_lines(canvas: Canvas, face: Face) -> None:
    """From 45 on; the deeper the older."""
    tint = darker(face.skin, min(0.3, 0.08 + (face.age - 45) * 0.006))
    for side in (-1, 1):
        fold: list[Point] = [(side * 22, face.nose_y + 3), (side * 35, face.nose_y + 20), (side * 39, face.mouth_y + 2)]
        canvas.line(fold, tint, 1.6)
        x, y = side * (face.eye_x - 2), face.eye_y + 15
        canvas.line([(x - 13, y - 2), (x, y + 3), (x + 13, y - 2)], tint, 1.3)
        for tilt in (-5, 0, 5) if face.age > 55 else ():
            far = side * (face.eye_x + 33)
            canvas.line(
                [(side * (face.eye_x + 23), face.eye_y + tilt * 0.4), (far, face.eye_y + tilt * 1.5)], tint, 1.2
            )
    for row in (-74, -62) if face.age > 60 else ():
        canvas.line([(-40, row + 2), (-14, row - 2), (14, row), (40, row + 2)], tint, 1.3)


def portrait(look: Look, seed: str) -> Image.Image:
    """The drawn portrait, RGB, 413 x 531 pixels (35 x 45 mm at 300 dpi); the same look and seed draw the same."""
    rng = random.Random(seed)  # noqa: S311  a drawing, not a secret
    face = _measures(look, rng)
    canvas = Canvas(_ground(rng.randrange(len(_GROUNDS))).copy(), (WIDTH / 2 + rng.uniform(-3, 3), 260), 1.12)
    style = wardrobe.choose(rng, face.feminine, look)
    wardrobe.hair_behind(canvas, face, style)
    clothes.body(canvas, face, style)
    _head(canvas, face)
    for side in (-1, 1):
        _eye(canvas, face, side)
        _brow(canvas, face, side)
    _nose(canvas, face)
    wardrobe.beard(canvas, face, style)
    _mouth(canvas, face)
    if face.age >= 45:
        _age_lines(canvas, face)
    wardrobe.hair_above(canvas, face, style)
    picture = canvas.image.reduce(SCALE)
    return ImageChops.subtract(picture, _grain())
