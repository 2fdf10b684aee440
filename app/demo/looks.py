"""What a drawn person looks like: asked for, measured, dressed."""

from dataclasses import dataclass

from app.demo.canvas import Colour


@dataclass(frozen=True)
class Look:
    """What the drawing shows: codes of the catalogues, age in years, and two kinds of clothes."""

    sex: str
    age: int
    skin_tone: str
    hair_color: str
    eye_color: str
    formal: bool = False
    traditional: bool = False


@dataclass(frozen=True)
class Face:
    """Measures of one head, in pixels from its middle, and its colours."""

    half_width: float
    jaw: float
    chin: float
    eye_y: float
    eye_x: float
    eye_size: float
    brow: float
    nose_y: float
    mouth_y: float
    mouth: float
    smile: float
    skin: Colour
    hair: Colour
    iris: Colour
    feminine: bool
    age: int


@dataclass(frozen=True)
class Style:
    """One person's hair and clothes."""

    hair: str
    parting: float
    clothes: str
    cloth: Colour
    trims: tuple[Colour, ...]
    beard: str
    earrings: bool
    seed: int
