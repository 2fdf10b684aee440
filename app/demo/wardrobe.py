"""What goes with a drawn face: the choice of hair and clothes, and the drawing of hair and beard."""

import random

from PIL import Image

from app.demo.canvas import Canvas, Colour, Point, darker, lighter, mirrored, mix, smooth
from app.demo.looks import Face, Look, Style

_CLOTH: tuple[Colour, ...] = (
    (52, 74, 110), (112, 44, 56), (58, 92, 80), (86, 62, 104), (60, 64, 72), (150, 96, 62), (66, 116, 138),
    (176, 128, 74), (120, 128, 88), (38, 52, 66), (150, 74, 96), (96, 110, 128),
)  # fmt: skip
_BRIGHT: tuple[Colour, ...] = (
    (200, 40, 62), (240, 170, 40), (40, 120, 90), (120, 52, 140), (30, 96, 168), (236, 96, 52), (244, 222, 200),
)  # fmt: skip
_SUITS: tuple[Colour, ...] = ((38, 44, 58), (52, 54, 58), (30, 40, 70), (66, 58, 54))

_SKULL: list[Point] = [(0, -176), (52, -166), (92, -124), (110, -62)]


def _hair_style(rng: random.Random, feminine: bool, look: Look) -> str:
    if look.age < 2:
        return "wisp"
    if not feminine:
        bald = look.hair_color == "SIN" or (look.age > 50 and rng.random() < 0.25)
        return "bald" if bald else rng.choice(("short", "short", "quiff", "crop"))
    if look.traditional and rng.random() < 0.6:
        return "braids"
    if look.age > 62:
        return rng.choice(("bob", "bun", "bun"))
    return rng.choice(("long", "long", "bob", "bun", "braids" if look.age < 14 else "wavy", "fringe"))


def _clothes(rng: random.Random, feminine: bool, look: Look) -> str:
    if look.formal:
        return "suit"
    if feminine and look.traditional:
        return "huipil"
    if look.age < 12:
        return rng.choice(("tee", "stripes", "collar"))
    return rng.choice(
        ("vee", "tee", "blouse", "collar") if feminine else ("collar", "collar", "collar", "tee", "tee", "vee", "suit")
    )


def _beard(rng: random.Random, feminine: bool, age: int) -> str:
    if feminine or age < 20:
        return ""
    return rng.choices(("", "moustache", "stubble", "full"), (60, 16, 16, 8))[0]


def choose(rng: random.Random, feminine: bool, look: Look) -> Style:
    """Hair and clothes that go with sex, age and occasion."""
    return Style(
        hair=_hair_style(rng, feminine, look),
        parting=rng.choice((-34, 30, 0, 38)) * rng.uniform(0.8, 1.1),
        clothes=(clothes := _clothes(rng, feminine, look)),
        cloth=rng.choice(_SUITS if clothes == "suit" else _CLOTH),
        trims=tuple(rng.sample(_BRIGHT, 4)),
        beard=_beard(rng, feminine, look.age),
        earrings=feminine and look.age > 1 and rng.random() < 0.6,
        seed=rng.randrange(1 << 30),
    )


def _strands(canvas: Canvas, outline: list[Point], face: Face, style: Style, root: Point) -> None:
    """Fills the outline with hair colour and thin strands that run from the root."""
    rng = random.Random(style.seed)  # noqa: S311  a drawing, not a secret
    mask = canvas.sibling(Image.new("L", canvas.image.size, 0))
    mask.polygon(outline, 255)
    box = mask.image.getbbox() or (0, 0, 1, 1)
    layer = canvas.sibling(Image.new("RGB", canvas.image.size, face.hair))
    for at in range(46):
        x, y = outline[at * len(outline) // 46]
        tint = rng.choice((lighter(face.hair, 0.09), darker(face.hair, 0.24), lighter(face.hair, 0.06)))
        start = (root[0] + rng.uniform(-6, 6), root[1] + rng.uniform(-4, 4))
        bend = ((start[0] + x) / 2 + x * 0.16, (start[1] + y) / 2 - 14)
        layer.line([start, bend, (x, y)], tint, rng.uniform(1, 2.2))
    layer.glow(-34, -140, 62, 34, lighter(face.hair, 0.5), 0.3)
    canvas.image.paste(layer.image.crop(box), box[:2], mask.image.crop(box))


_BACKS: dict[str, list[Point]] = {
    "long": [(0, -176), (70, -160), (116, -90), (122, 10), (126, 110), (118, 190), (70, 215), (0, 215)],
    "fringe": [(0, -176), (70, -160), (116, -90), (120, 10), (122, 100), (112, 170), (60, 190), (0, 190)],
    "wavy": [(0, -178), (76, -162), (120, -92), (132, -20), (122, 40), (142, 100), (126, 160), (134, 214), (0, 220)],
    "bob": [(0, -176), (72, -162), (118, -92), (124, 0), (118, 80), (94, 112), (0, 112)],
}


def hair_behind(canvas: Canvas, face: Face, style: Style) -> None:
    """The part of the hair that neck and shoulders hide."""
    if style.hair in _BACKS:
        canvas.blob(mirrored(_BACKS[style.hair]), darker(face.hair, 0.22))
    if style.hair == "bun":
        canvas.oval(0, -176, 40, 30, darker(face.hair, 0.12))


def hair_above(canvas: Canvas, face: Face, style: Style) -> None:
    """The part of the hair over the forehead, with braids and earrings."""
    if style.hair == "wisp":
        for x in (-18, -6, 6, 18):
            canvas.line([(x, -146), (x * 1.6 + 6, -136), (x * 1.9, -118)], mix(face.hair, face.skin, 0.35), 2.4)
        canvas.glow(0, -124, 62, 24, face.hair, 0.5)
    elif style.hair == "bald":
        _sides(canvas, face)
    else:
        _strands(canvas, _cap(face, style), face, style, (style.parting, -158 if style.hair != "bun" else -186))
    for side in (-1, 1):
        if style.hair == "braids":
            _braid(canvas, face, style, side)
        if style.earrings:
            canvas.oval(side * (face.half_width + 2), face.eye_y + 42, 4, 4, (226, 190, 96))


def _cap(face: Face, style: Style) -> list[Point]:
    """Outline of the hair that covers the skull: round the outside, back along the hairline."""
    wide, part = face.half_width, style.parting
    outer = [(x * (wide / 100), y) for x, y in _SKULL]
    low, line = (-8, -104) if not face.feminine else (30, -100)
    if style.hair in ("long", "wavy", "bob"):
        low = 62
    rim: list[Point] = [(wide + 9, low * 0.4 - 10), (wide + 5, low), (wide - 5, low - 4), (wide * 0.93, -46)]
    right = [*outer, *rim]
    left = [(-x, y) for x, y in reversed(right[1:])]
    return smooth([*right, *_hairline(style, wide, part, line), *left])


def _hairline(style: Style, wide: float, part: float, line: float) -> list[Point]:
    """Along the forehead, from right to left."""
    if style.hair == "fringe":
        return [(wide * 0.7, -52), (wide * 0.25, -46), (-wide * 0.25, -46), (-wide * 0.7, -52)]
    if style.hair == "crop":
        return [(wide * 0.74, -94), (wide * 0.2, -108), (-wide * 0.2, -108), (-wide * 0.74, -94)]
    if style.hair == "quiff":
        return [(wide * 0.78, -92), (wide * 0.3, -122), (-wide * 0.2, -116), (-wide * 0.78, -92)]
    return [
        (wide * 0.72, line + 16),
        (part + 16, line - 18),
        (part, line - 30),
        (part - 18, line - 16),
        (-wide * 0.74, line + 18),
    ]


def _sides(canvas: Canvas, face: Face) -> None:
    """What is left of the hair of a bald man."""
    wide = face.half_width
    for side in (-1, 1):
        right = [
            (wide * 0.9, -104),
            (wide + 8, -66),
            (wide + 8, -20),
            (wide - 1, -4),
            (wide - 5, -30),
            (wide * 0.9, -70),
        ]
        canvas.blob([(side * x, y) for x, y in right], face.hair)


def _braid(canvas: Canvas, face: Face, style: Style, side: int) -> None:
    for step in range(11):
        y = 28 + step * 19
        tint = lighter(face.hair, 0.08) if step % 2 else darker(face.hair, 0.1)
        canvas.oval(side * (face.half_width + 12 + (3 if step % 2 else -3)), y, 14 - step * 0.3, 13, tint)
    canvas.oval(side * (face.half_width + 12), 28 + 11 * 19, 11, 8, style.trims[0])


def beard(canvas: Canvas, face: Face, style: Style) -> None:
    """Moustache, stubble or beard, under the mouth's drawing."""
    y, wide = face.mouth_y, face.mouth
    dark = mix(darker(face.hair, 0.1), face.skin, 0.12)
    if style.beard in ("stubble", "full"):
        canvas.glow(0, y + 14, 74, 62, face.hair, 0.32 if style.beard == "stubble" else 0.5)
    if style.beard == "full":
        low = face.chin
        ring: list[Point] = [
            (0, y + 16),
            (wide + 2, y + 6),
            (wide + 12, y - 14),
            (wide + 22, y + 8),
            (36, low - 8),
            (0, low + 5),
        ]
        canvas.blob(mirrored(ring), dark)
    if style.beard in ("moustache", "full"):
        canvas.blob(
            mirrored([(0, y - 17), (14, y - 20), (wide + 4, y - 7), (wide + 6, y + 1), (16, y - 9), (0, y - 10)]), dark
        )
