"""Neck, shoulders and clothes of a drawn portrait."""

from PIL import Image

from app.demo.canvas import Canvas, Point, darker, lighter, mix, smooth
from app.demo.looks import Face, Style


def body(canvas: Canvas, face: Face, style: Style) -> None:
    """Neck, shoulders and what they wear."""
    child = face.age < 12
    neck, reach = (34, 132) if child else (42, 160) if face.feminine else (53, 184)
    shoulders: list[Point] = [(neck + 4, 168), (reach * 0.62, 192), (reach, 222), (reach + 16, 290), (reach + 16, 300)]
    outline = [*smooth(shoulders, closed=False), *smooth([(-x, y) for x, y in reversed(shoulders)], closed=False)]
    canvas.polygon([(-neck, 80), (neck, 80), (neck + 3, 190), (-neck - 3, 190)], darker(face.skin, 0.1))
    canvas.glow(0, face.chin + 6, neck + 26, 42, darker(face.skin, 0.6), 0.5)
    canvas.polygon(outline, style.cloth)
    canvas.glow(-reach * 0.5, 220, 90, 50, lighter(style.cloth, 0.4), 0.3)
    plain = canvas.image.copy()
    _WEAR[style.clothes](canvas, face, style, neck)
    if style.clothes in ("stripes", "huipil"):
        cut = canvas.sibling(Image.new("L", plain.size, 0))
        cut.polygon(outline, 255)
        cut.polygon([(-neck - 6, 80), (neck + 6, 80), (neck + 6, 196), (-neck - 6, 196)], 255)
        canvas.image.paste(plain, mask=cut.image.point(lambda level: 255 - level))
    for side in (-1, 1):
        canvas.line(
            [(side * reach * 0.86, 300), (side * reach * 0.8, 262), (side * reach * 0.72, 240)],
            darker(style.cloth, 0.25),
            1.6,
        )


def _opening(canvas: Canvas, face: Face, neck: float, depth: float) -> None:
    """The skin that a neckline leaves free."""
    canvas.polygon(
        smooth(
            [
                (-neck - 3, 164),
                (-neck * 0.55, 170 + depth * 0.75),
                (0, 172 + depth),
                (neck * 0.55, 170 + depth * 0.75),
                (neck + 3, 164),
            ]
        ),
        darker(face.skin, 0.07),
    )


def _tee(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    _opening(canvas, face, neck, 14)
    rim: list[Point] = [(-neck - 4, 166), (-neck * 0.6, 184), (0, 190), (neck * 0.6, 184), (neck + 4, 166)]
    canvas.line(rim, darker(style.cloth, 0.28), 5)


def _stripes(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    for row in range(3):
        y = 216 + row * 24
        canvas.line([(-150, y + 8), (-60, y), (60, y), (150, y + 8)], style.trims[0], 9)
    _tee(canvas, face, style, neck)


def _vee(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    canvas.polygon([(-neck - 4, 164), (0, 232), (neck + 4, 164)], darker(face.skin, 0.07))
    canvas.line([(-neck - 5, 164), (-neck / 2, 198), (0, 232)], darker(style.cloth, 0.28), 5)
    canvas.line([(neck + 5, 164), (neck / 2, 198), (0, 232)], darker(style.cloth, 0.28), 5)


def _blouse(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    _opening(canvas, face, neck, 34)
    for at in range(-5, 6):
        x = at * neck / 5
        canvas.oval(x, 206 - abs(at) ** 1.6 * 2.9, 6.5, 6.5, lighter(style.cloth, 0.45))


def _collar(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    canvas.polygon([(-neck, 160), (0, 208), (neck, 160)], darker(face.skin, 0.07))
    shade = lighter(style.cloth, 0.16)
    for side in (-1, 1):
        canvas.polygon([(side * (neck - 2), 152), (side * (neck + 16), 176), (side * 34, 222), (0, 206)], shade)
        canvas.line([(side * (neck + 16), 176), (side * 34, 222), (0, 206)], darker(style.cloth, 0.3), 1.4)
    canvas.line([(0, 208), (1, 250), (0, 300)], darker(style.cloth, 0.3), 1.6)
    for y in (232, 262):
        canvas.oval(6, y, 3, 3, lighter(style.cloth, 0.55))


def _suit(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    canvas.polygon([(-neck - 2, 160), (-8, 290), (8, 290), (neck + 2, 160)], (240, 241, 243))
    if face.feminine:
        canvas.polygon([(-neck * 0.8, 160), (0, 226), (neck * 0.8, 160)], darker(face.skin, 0.07))
    else:
        tie = mix(style.trims[0], (40, 30, 50), 0.35)
        canvas.polygon([(-9, 190), (9, 190), (5, 208), (14, 290), (-14, 290), (-5, 208)], tie)
        for side in (-1, 1):
            canvas.polygon([(side * neck, 152), (side * (neck + 8), 176), (side * 26, 214), (0, 192)], (252, 252, 253))
    for side in (-1, 1):
        lapel: list[Point] = [
            (side * (neck + 3), 158),
            (side * (neck + 30), 208),
            (side * (neck + 12), 216),
            (side * 8, 292),
        ]
        canvas.polygon([*lapel, (side * 6, 292), (side * (neck * 0.6), 212)], lighter(style.cloth, 0.09))
        canvas.line(lapel[1:], darker(style.cloth, 0.4), 1.5)


def _huipil(canvas: Canvas, face: Face, style: Style, neck: float) -> None:
    for row in range(5):
        y, tint = 196 + row * 20, style.trims[row % 4]
        zigzag: list[Point] = [(x, y + (5 if (x // 12) % 2 else -5)) for x in range(-168, 169, 12)]
        inside = [(x, dy) for x, dy in zigzag if abs(x) < 88 + row * 22]
        canvas.line(inside, tint, 6)
        canvas.line([(x, dy + 8) for x, dy in inside], lighter(tint, 0.5), 2)
    _opening(canvas, face, neck, 20)
    rim: list[Point] = [(-neck - 4, 166), (-neck * 0.6, 188), (0, 196), (neck * 0.6, 188), (neck + 4, 166)]
    canvas.line(rim, style.trims[1], 7)
    canvas.line(rim, style.trims[2], 2)


_WEAR = {
    "tee": _tee, "stripes": _stripes, "vee": _vee, "blouse": _blouse, "collar": _collar, "suit": _suit,
    "huipil": _huipil,
}  # fmt: skip
