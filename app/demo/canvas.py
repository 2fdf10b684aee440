"""A small drawing surface: smooth shapes and soft patches on a Pillow image kept at twice its final size.

Drawing at twice the size and halving it at the end is the cheapest antialiasing Pillow offers.
"""

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

SCALE = 2


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour `share` (0 to 1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float) -> Colour:
    """The colour moved `share` of the way to a warm black."""
    return mix(colour, (24, 12, 8), share)


def lighter(colour: Colour, share: float) -> Colour:
    """The colour moved `share` of the way to white."""
    return mix(colour, (255, 255, 255), share)


def _between(a: Point, b: Point, c: Point, d: Point, steps: int) -> list[Point]:
    """Points of a Catmull-Rom arc from b towards c, b included, c not."""
    found = []
    for step in range(steps):
        t = step / steps
        weights = (-t + 2 * t * t - t**3, 2 - 5 * t * t + 3 * t**3, t + 4 * t * t - 3 * t**3, t**3 - t * t)
        x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) / 2 for axis in (0, 1))
        found.append((x, y))
    return found


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 8) -> list[Point]:
    """A curve through all the points (Catmull-Rom), as a polyline of `steps` points for each piece."""
    count = len(points)
    curve: list[Point] = []
    for at in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(at + shift) % count] for shift in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(at + shift, 0), count - 1)] for shift in (-1, 0, 1, 2))
        curve += _between(a, b, c, d, steps)
    return curve if closed else [*curve, points[-1]]


def mirrored(right: Sequence[Point]) -> list[Point]:
    """A symmetric outline from its right half, listed from the axis (x = 0) round to the axis."""
    return [*right, *((-x, y) for x, y in reversed(right) if x)]


@lru_cache(maxsize=1)
def _patch() -> Image.Image:
    """Opaque in the middle, nothing at the rim: the mask of every soft patch."""
    fade = Image.radial_gradient("L")
    return fade.point([round(255 * max(0.0, 1 - level / 180) ** 1.5) for level in range(256)])


class Canvas:
    """Draws round an origin (in final pixels), magnified by `zoom`, on an image SCALE times too large."""

    def __init__(self, image: Image.Image, origin: Point = (0, 0), zoom: float = 1) -> None:
        self.image = image
        self.origin = origin
        self.zoom = zoom
        self._draw = ImageDraw.Draw(image)

    @property
    def _factor(self) -> float:
        return self.zoom * SCALE

    def _to_pixels(self, points: Sequence[Point]) -> list[Point]:
        left, top, factor = self.origin[0] * SCALE, self.origin[1] * SCALE, self._factor
        return [(x * factor + left, y * factor + top) for x, y in points]

    def sibling(self, image: Image.Image) -> "Canvas":
        """A canvas with the same measures on another image."""
        return Canvas(image, self.origin, self.zoom)

    def polygon(self, points: Sequence[Point], fill: Colour | int) -> None:
        """A filled outline."""
        self._draw.polygon(self._to_pixels(points), fill=fill)

    def blob(self, points: Sequence[Point], fill: Colour | int) -> None:
        """A filled outline, rounded through its points."""
        self.polygon(smooth(points), fill)

    def oval(self, x: float, y: float, half_width: float, half_height: float, fill: Colour | int) -> None:
        """A filled ellipse about its centre."""
        (left, top), (right, bottom) = self._to_pixels(
            [(x - half_width, y - half_height), (x + half_width, y + half_height)]
        )
        self._draw.ellipse((left, top, right, bottom), fill=fill)

    def line(self, points: Sequence[Point], fill: Colour | int, width: float) -> None:
        """An open curve through the points, `width` pixels thick, with round ends."""
        curve = self._to_pixels(smooth(points, closed=False))
        self._draw.line(curve, fill=fill, width=round(width * self._factor), joint="curve")
        reach = width * self._factor / 2
        for x, y in (curve[0], curve[-1]) if width >= 2 else ():
            self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill)

    def glow(self, x: float, y: float, half_width: float, half_height: float, fill: Colour, strength: float) -> None:
        """A soft patch of colour; strength 0 to 1 at its middle."""
        size = (round(2 * half_width * self._factor), round(2 * half_height * self._factor))
        mask = _patch().resize(size).point([round(level * strength) for level in range(256)])
        ((left, top),) = self._to_pixels([(x - half_width, y - half_height)])
        self.image.paste(fill, (round(left), round(top), round(left) + size[0], round(top) + size[1]), mask)
