"""Where things stand on the data page, in millimetres from its lower left corner (Doc 9303-4, figure 3)."""

from dataclasses import dataclass


class PageError(ValueError):
    """A page that cannot be printed as asked."""


@dataclass(frozen=True)
class Box:
    """A rectangle: lower left corner, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    def fitted(self, width: float, height: float) -> "Box":
        """The largest box of this ratio inside, centred."""
        scale = min(self.width / width, self.height / height)
        inner = (width * scale, height * scale)
        return Box(self.x + (self.width - inner[0]) / 2, self.y + (self.height - inner[1]) / 2, *inner)

    def is_within(self, other: "Box") -> bool:
        """Nothing of this box is outside of the other."""
        return self.x >= other.x and self.y >= other.y and self.right <= other.right and self.top <= other.top

    def touches(self, other: "Box") -> bool:
        """The boxes have a point in common."""
        return self.x <= other.right and other.x <= self.right and self.y <= other.top and other.y <= self.top


@dataclass(frozen=True)
class PageGeometry:
    """Geometry of a page and its printer; PageError for what Doc 9303-4 does not allow.

    `mrz_left`: left edge of the first of 44 cells; `mrz_centres`: centre lines of both rows above the lower edge;
    `code_module`: 4 dots of a 300 dpi printer, 8 of 600 dpi. `offset_x`, `offset_y` (right and up) and `rotation` (0 or
    180 degrees) are the printer's: they move and turn the whole page.
    """

    width: float = 125.0
    height: float = 88.0
    mrz_height: float = 23.2
    mrz_left: float = 6.0
    mrz_pitch: float = 2.54
    mrz_centres: tuple[float, float] = (15.75, 9.40)
    portrait: Box = Box(4.5, 25.0, 34.0, 43.72)
    signature: Box = Box(68.0, 25.0, 34.0, 9.1)
    code_right: float = 120.5
    code_bottom: float = 25.0
    code_module: float = 25.4 * 4 / 300
    offset_x: float = 0.0
    offset_y: float = 0.0
    rotation: int = 0

    def __post_init__(self) -> None:
        if self.rotation not in (0, 180):
            raise PageError(f"rotation is 0 or 180, not {self.rotation}")
        if max(abs(self.offset_x), abs(self.offset_y)) > 10:
            raise PageError("a printer's offset is at most 10 mm")
        if not (26 <= self.portrait.width <= 35 and 32 <= self.portrait.height <= 45 and self.portrait.x >= 2):
            raise PageError("the portrait is 26 x 32 to 35 x 45 mm and 2 mm or more from the left edge")
        for box in (self.portrait, self.signature):
            if not box.is_within(self.visual_zone):
                raise PageError(f"{box} leaves the visual zone {self.visual_zone}")
        if not 5.0 <= self.mrz_left <= 7.0:
            raise PageError("the first character of the zone is 6.0 ± 1.0 mm from the left edge")

    @property
    def visual_zone(self) -> Box:
        """Everything above the machine readable zone."""
        return Box(0, self.mrz_height, self.width, self.height - self.mrz_height)

    def code(self, modules: int) -> Box:
        """Where a square code of so many modules a side stands."""
        side = modules * self.code_module
        return Box(self.code_right - side, self.code_bottom, side, side)


@dataclass(frozen=True)
class Slot:
    """A field of the visual zone: label, its baseline `top`, width for the value, which stands below."""

    name: str
    label: str
    x: float
    top: float
    width: float
    strong: bool = False


_ROWS = (77.2, 69.0, 62.25, 55.5, 48.75, 42.0, 35.25)
_LEFT, _MIDDLE, _RIGHT = 42.0, 68.0, 84.0
SLOTS = (
    Slot("type_code", "Tipo / Type", _LEFT, _ROWS[0], 24.0),
    Slot("country", "Código / Code", _MIDDLE, _ROWS[0], 14.0),
    Slot("number", "Pasaporte No. / Passport No.", _RIGHT, _ROWS[0], 36.5, strong=True),
    Slot("surnames", "Apellidos / Surnames", _LEFT, _ROWS[1], 78.5, strong=True),
    Slot("given_names", "Nombres / Given names", _LEFT, _ROWS[2], 78.5, strong=True),
    Slot("nationality", "Nacionalidad / Nationality", _LEFT, _ROWS[3], 40.0),
    Slot("personal_number", "CUI / Personal No.", _RIGHT, _ROWS[3], 36.5),
    Slot("birth", "Fecha de nacimiento / Date of birth", _LEFT, _ROWS[4], 25.0),
    Slot("sex", "Sexo / Sex", _MIDDLE, _ROWS[4], 14.0),
    Slot("birth_place", "Lugar de nacimiento / Place of birth", _RIGHT, _ROWS[4], 36.5),
    Slot("issued_on", "Fecha de emisión / Date of issue", _LEFT, _ROWS[5], 25.0),
    Slot("authority", "Autoridad / Authority", _MIDDLE, _ROWS[5], 34.0),
    Slot("expires_on", "Fecha de vencimiento / Date of expiry", _LEFT, _ROWS[6], 25.0),
)
SIGNATURE_LABEL = "Firma del titular / Holder's signature"
