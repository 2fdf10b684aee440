"""A data page for the screen: the PDF of `printing.layout` as SVG, operator by operator, so that both show the same.

Browsers show an SVG as a picture wherever an `img` may stand; a PDF needs a viewer, which a content policy, a telephone
or a reader may lack. Glyphs become outlines, so the screen needs no font. Knows the operators that our pages are made
of and no others.
"""

import base64
import io
import re
import threading
import zlib
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

from fontTools.pens.svgPathPen import SVGPathPen  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from PIL import Image

from printing.fonts import PageFonts
from printing.pdf import number

_reading = threading.Lock()


def page_svg(pdf: bytes, fonts: PageFonts) -> str:
    """The first page of a PDF that `layout.render` made with `fonts`; ValueError for any other file."""
    objects = _objects(pdf)
    page = next((body for body in objects if body.startswith(b"<</Type/Page/")), b"")
    box = re.search(rb"/MediaBox\[0 0 ([\d.]+) ([\d.]+)\]", page)
    content = re.search(rb"/Contents (\d+) 0 R", page)
    if box is None or content is None:
        raise ValueError("this is no page of ours")
    width, height = (edge.decode() for edge in box.groups())
    pictures = {name: objects[int(at) - 1] for name, at in re.findall(rb"(/P\d+) (\d+) 0 R", page)}
    drawing = _Drawing(fonts, {name.decode(): _picture(body) for name, body in pictures.items()})
    drawing.run(zlib.decompress(_stream(objects[int(content[1]) - 1])).decode("ascii"))
    defined = "".join(f'<path id="{name}" d="{path}"/>' for name, path in drawing.glyphs.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><defs>{defined}</defs>'
        f'<rect width="100%" height="100%" fill="#fff"/><g transform="matrix(1 0 0 -1 0 {height})">'
        f"{''.join(drawing.parts)}</g></svg>"
    )


def _objects(pdf: bytes) -> list[bytes]:
    """The bodies of all objects, by their places in the table at the end of the file."""
    found = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)
    if found is None:
        raise ValueError("this is no file of ours")
    table = int(found[1])
    places = [int(line[:10]) for line in pdf[table:].splitlines() if line.endswith(b" n ")]
    return [pdf[start:end].split(b" obj\n", 1)[1] for start, end in pairwise((*places, table))]


def _stream(body: bytes) -> bytes:
    entries, data = body.split(b">>stream\n", 1)
    return data[: int(entries.rsplit(b"/Length ", 1)[1])]


def _picture(body: bytes) -> str:
    """An image object as a data URI: JPEG as it is, grey pixels as PNG."""
    data, media_type = _stream(body), "image/jpeg"
    if b"/FlateDecode" in body.split(b"stream\n", 1)[0]:
        width, height = (int(re.findall(rb"/%b (\d+)" % side, body)[0]) for side in (b"Width", b"Height"))
        buffer = io.BytesIO()
        Image.frombytes("L", (width, height), zlib.decompress(data)).save(buffer, "PNG")
        data, media_type = buffer.getvalue(), "image/png"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@lru_cache(maxsize=8)
def _font(program: bytes) -> Any:
    return TTFont(io.BytesIO(zlib.decompress(program)))


@lru_cache(maxsize=4096)
def _outline(program: bytes, glyph: int) -> tuple[str, int]:
    """Path and advance of a glyph, in units of the font."""
    with _reading:
        font = _font(program)
        glyphs, name = font.getGlyphSet(), font.getGlyphName(glyph)
        pen = SVGPathPen(glyphs)
        glyphs[name].draw(pen)
        return pen.getCommands(), font["hmtx"][name][0]


class _Drawing:
    """Carries operators out; `parts` is what they drew, `glyphs` the outlines it refers to."""

    def __init__(self, fonts: PageFonts, pictures: dict[str, str]) -> None:
        self.fonts, self.pictures = fonts, pictures
        self.parts: list[str] = []
        self.glyphs: dict[str, str] = {}
        self._operands: list[str] = []
        self._path: list[str] = []
        self._open = [0]
        self._fill = self._stroke = "#000"
        self._width, self._matrix, self._squeeze = "1", "", 100.0
        self._face, self._size = "text", 1.0

    def run(self, content: str) -> None:
        """All operators of a content stream; ValueError for one that our pages do not use."""
        acts: dict[str, Callable[[], None]] = {
            "q": self._save, "Q": self._restore, "cm": self._move, "w": self._set_width, "g": self._set_fill,
            "rg": self._set_fill, "G": self._set_stroke, "RG": self._set_stroke, "m": self._start, "l": self._line,
            "re": self._rectangle, "S": self._draw_lines, "f": self._fill_path, "Do": self._show_picture,
            "BT": self._begin_text, "ET": self._begin_text, "Tf": self._set_font, "Tm": self._set_matrix,
            "Tz": self._set_squeeze, "Tj": self._show_text,
        }  # fmt: skip
        for word in content.split():
            if word[0] in "/<-.0123456789":
                self._operands.append(word)
            elif word in acts:
                acts[word]()
                self._operands.clear()
            else:
                raise ValueError(f"{word} is no operator of our pages")
        self._close(sum(self._open))

    def _save(self) -> None:
        self._open.append(0)

    def _restore(self) -> None:
        self._close(self._open.pop())

    def _close(self, groups: int) -> None:
        self.parts.append("</g>" * groups)

    def _move(self) -> None:
        self.parts.append(f'<g transform="matrix({" ".join(self._operands)})">')
        self._open[-1] += 1

    def _colour(self) -> str:
        shades = [round(float(part) * 255) for part in self._operands]
        return "#" + "".join(f"{shade:02x}" for shade in (shades * 3)[:3])

    def _set_fill(self) -> None:
        self._fill = self._colour()

    def _set_stroke(self) -> None:
        self._stroke = self._colour()

    def _set_width(self) -> None:
        (self._width,) = self._operands

    def _start(self) -> None:
        self._path.append("M" + " ".join(self._operands))

    def _line(self) -> None:
        self._path.append("L" + " ".join(self._operands))

    def _rectangle(self) -> None:
        x, y, width, height = self._operands
        self._path.append(f"M{x} {y}h{width}v{height}h-{width}z")

    def _draw_lines(self) -> None:
        self._add_path(f'fill="none" stroke="{self._stroke}" stroke-width="{self._width}"')

    def _fill_path(self) -> None:
        self._add_path(f'fill="{self._fill}"')

    def _add_path(self, paint: str) -> None:
        self.parts.append(f'<path {paint} d="{"".join(self._path)}"/>')
        self._path.clear()

    def _show_picture(self) -> None:
        href = self.pictures[self._operands[0]]
        upright = 'transform="matrix(1 0 0 -1 0 1)" preserveAspectRatio="none"'
        self.parts.append(f'<image width="1" height="1" {upright} href="{href}"/>')

    def _begin_text(self) -> None:
        self._matrix, self._squeeze = "1 0 0 1 0 0", 100.0

    def _set_font(self) -> None:
        self._face, self._size = self._operands[0].removeprefix("/"), float(self._operands[1])

    def _set_matrix(self) -> None:
        self._matrix = " ".join(self._operands)

    def _set_squeeze(self) -> None:
        self._squeeze = float(self._operands[0])

    def _show_text(self) -> None:
        codes = self._operands[0].strip("<>")
        program = getattr(self.fonts, self._face).program
        scale, at, uses = self._size / _font(program)["head"].unitsPerEm, 0, []
        for place in range(0, len(codes), 4):
            glyph = int(codes[place : place + 4], 16)
            path, advance = _outline(program, glyph)
            if path:
                name = f"{self._face[0]}{glyph}"
                self.glyphs[name] = path
                uses.append(f'<use href="#{name}" x="{at}"/>')
            at += advance
        size = f"scale({number(scale * self._squeeze / 100 * 1000)} {number(scale * 1000)}) scale(.001)"
        self.parts.append(f'<g fill="{self._fill}" transform="matrix({self._matrix}) {size}">{"".join(uses)}</g>')
