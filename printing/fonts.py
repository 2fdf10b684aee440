"""Fonts of the data page: found, converted and cut down once per process, then embedded as prepared bytes.

OCR-B comes from Debian (fonts-ocr-b) or a setting; the visual zone uses the Vera faces that come with reportlab. All
glyphs a page may need are embedded as they are, so that nothing depends on the fonts of a viewer or printer.
"""

import io
import os
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

from printing.font_conversion import cut_down
from printing.pdf import PdfDocument

OCRB_SETTING = "PASAPORTES_OCRB_FONT"
TEXT_SETTING = "PASAPORTES_PAGE_FONT"
BOLD_SETTING = "PASAPORTES_PAGE_FONT_BOLD"
DEBIAN_OCRB = Path("/usr/share/fonts/opentype/ocr-b/OCRB.otf")
MRZ_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
LATIN = (range(0x20, 0x7F), range(0xA1, 0x250), range(0x1E00, 0x1F00), range(0x2010, 0x2027), (0x20AC,))
_TYPOGRAPHIC = {ord(sign): "’" for sign in "ʼꞌꞋʹʾˈ′´`"} | {ord("ʻ"): "‘"}


class FontMissing(RuntimeError):
    """A font file is not there or cannot be read; the text says what to install or set."""


class Unprintable(ValueError):
    """A text has characters that the page's font lacks; `characters` are they."""

    def __init__(self, characters: str, text: str) -> None:
        self.characters = characters
        named = ", ".join(f"{sign!r} (U+{ord(sign):04X})" for sign in characters)
        super().__init__(f"the font of the page lacks {named} of {text!r}; {TEXT_SETTING} may name another font")


@dataclass(frozen=True, eq=False)
class EmbeddedFont:
    """A prepared font. Widths and heights are parts of the size (1.0 = one em); streams are deflated already."""

    name: str
    program: bytes
    length: int
    glyphs: Mapping[str, int]
    hexadecimal: Mapping[str, str]
    advances: Mapping[str, float]
    cap_height: float
    descriptor: str
    widths: str
    unicode_map: bytes

    def width(self, text: str) -> float:
        """Width of a text at size 1."""
        return sum(map(self.advances.__getitem__, text))

    def missing(self, text: str) -> str:
        """The characters of a text without a glyph, each once, in order."""
        lacking = set(text) - self.glyphs.keys()
        return "".join(dict.fromkeys(filter(lacking.__contains__, text))) if lacking else ""

    def codes(self, text: str) -> str:
        """The text as the hexadecimal glyph numbers of a PDF string."""
        return "".join(map(self.hexadecimal.__getitem__, text))

    def add_to(self, pdf: PdfDocument) -> int:
        """Embed in a document; return the number of the font object."""
        program = pdf.add_stream(f"/Filter/FlateDecode/Length1 {self.length}", self.program)
        descriptor = pdf.add(f"<<{self.descriptor}/FontFile2 {program} 0 R>>")
        descendant = pdf.add(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{self.name}/CIDToGIDMap/Identity/DW 0/W[{self.widths}]"
            f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor {descriptor} 0 R>>"
        )
        unicode_map = pdf.add_stream("/Filter/FlateDecode", self.unicode_map)
        return pdf.add(
            f"<</Type/Font/Subtype/Type0/BaseFont/{self.name}/Encoding/Identity-H"
            f"/DescendantFonts[{descendant} 0 R]/ToUnicode {unicode_map} 0 R>>"
        )


@dataclass(frozen=True, eq=False)
class PageFonts:
    """The three faces of a page: OCR-B for the zone, text and bold for the rest. Only the same object is equal."""

    mrz: EmbeddedFont
    text: EmbeddedFont
    bold: EmbeddedFont

    def printable(self, text: str) -> str:
        """The text composed, with single blanks and the font's apostrophe; Unprintable if a character has no glyph."""
        composed = " ".join(unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC).split())
        missing = self.text.missing(composed) or self.bold.missing(composed)
        if missing:
            raise Unprintable(missing, text)
        return composed


@lru_cache(maxsize=4)
def load_fonts(ocrb: Path | None = None, text: Path | None = None, bold: Path | None = None) -> PageFonts:
    """The fonts of the page; FontMissing when one cannot be had. Call it at start-up, it takes 0.2 s the first time.

    What is not given comes from the settings in the environment, then from Debian (OCR-B) and reportlab (Vera). A text
    font without a bold one serves for both.
    """
    plain = text or _setting(TEXT_SETTING)
    strong = bold or _setting(BOLD_SETTING) or plain
    latin = "".join(chr(code) for block in LATIN for code in block)
    fonts = PageFonts(
        _prepared(ocrb or _setting(OCRB_SETTING) or DEBIAN_OCRB, OCRB_SETTING, MRZ_CHARACTERS),
        _prepared(plain or _bundled("Vera.ttf"), TEXT_SETTING, latin),
        _prepared(strong or _bundled("VeraBd.ttf"), BOLD_SETTING, latin),
    )
    if lacking := fonts.mrz.missing(MRZ_CHARACTERS):
        raise FontMissing(f"the font of the machine readable zone lacks {lacking}; {_advice(OCRB_SETTING)}")
    return fonts


def _bundled(name: str) -> Path:
    return Path(str(files("reportlab") / "fonts" / name))


def _setting(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _advice(setting: str) -> str:
    install = "apt-get install fonts-ocr-b, or " if setting == OCRB_SETTING else ""
    return f"{install}set {setting} to the path of a TrueType or OpenType font"


def _prepared(source: Path, setting: str, characters: str) -> EmbeddedFont:
    try:
        return _embedded(cut_down(source.read_bytes(), characters))
    except OSError as error:
        raise FontMissing(f"{source}: {error.strerror}; {_advice(setting)}") from error
    except (TTLibError, KeyError, TypeError) as error:
        raise FontMissing(f"{source} is no usable font ({error!r}); {_advice(setting)}") from error


def _embedded(program: bytes) -> EmbeddedFont:
    font = TTFont(io.BytesIO(program))
    unit = font["head"].unitsPerEm
    numbers = {chr(code): font.getGlyphID(name) for code, name in font.getBestCmap().items()}
    advances = {chr(code): font["hmtx"][name][0] / unit for code, name in font.getBestCmap().items()}
    name = "".join(sign for sign in font["name"].getDebugName(6) or "Page" if sign.isalnum() or sign == "-")
    tag = "".join(chr(65 + byte % 26) for byte in sha256(program).digest()[:6])
    cap_height = font["glyf"][font.getBestCmap()[ord("H")]].yMax / unit
    return EmbeddedFont(
        name=f"{tag}+{name}",
        program=zlib.compress(program, 9),
        length=len(program),
        glyphs=numbers,
        hexadecimal={character: f"{glyph:04X}" for character, glyph in numbers.items()},
        advances=advances,
        cap_height=cap_height,
        descriptor=_descriptor(font, f"{tag}+{name}", cap_height),
        widths=_widths(numbers, advances),
        unicode_map=zlib.compress(_unicode_map(numbers), 9),
    )


def _descriptor(font: TTFont, name: str, cap_height: float) -> str:
    head, unit = font["head"], font["head"].unitsPerEm
    box = " ".join(str(round(edge * 1000 / unit)) for edge in (head.xMin, head.yMin, head.xMax, head.yMax))
    ascent, descent = (round(edge * 1000 / unit) for edge in (font["hhea"].ascent, font["hhea"].descent))
    return (
        f"/Type/FontDescriptor/FontName/{name}/Flags 4/ItalicAngle 0/StemV 80/FontBBox[{box}]"
        f"/Ascent {ascent}/Descent {descent}/CapHeight {round(cap_height * 1000)}"
    )


def _widths(glyphs: Mapping[str, int], advances: Mapping[str, float]) -> str:
    by_glyph = {glyph: advances[character] for character, glyph in glyphs.items()}
    return "".join(f"{glyph}[{round(1000 * advance)}]" for glyph, advance in sorted(by_glyph.items()))


def _unicode_map(glyphs: Mapping[str, int]) -> bytes:
    """The CMap by which a reader of the PDF gets characters back from glyph numbers."""
    lines = [f"<{glyph:04X}><{character.encode('utf-16-be').hex()}>" for character, glyph in glyphs.items()]
    blocks = (lines[at : at + 100] for at in range(0, len(lines), 100))
    body = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
    return (
        "/CIDInit/ProcSet findresource begin 12 dict begin begincmap/CMapName/P def/CMapType 2 def\n"
        f"1 begincodespacerange<0000><FFFF>endcodespacerange\n{body}endcmap end end"
    ).encode("ascii")
