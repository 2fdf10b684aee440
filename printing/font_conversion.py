"""A font file cut down to the characters a page can need, as TrueType without hinting."""

import io
from collections.abc import Iterable

from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.cu2quPen import Cu2QuPen  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]


def cut_down(original: bytes, characters: Iterable[str]) -> bytes:
    """TrueType with these characters alone, without hinting; OpenType's cubic outlines become quadratic."""
    font = TTFont(io.BytesIO(original), recalcTimestamp=False)
    options = Options(hinting=False, glyph_names=False, notdef_outline=True, layout_features=[], name_IDs=[6])
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB"]
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)
    if "CFF " in font:
        _to_quadratic(font)
    result = io.BytesIO()
    font.save(result)
    return result.getvalue()


def _to_quadratic(font: TTFont) -> None:
    outlines, glyphs = font.getGlyphSet(), {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(None)
        outlines[name].draw(Cu2QuPen(pen, max_err=font["head"].unitsPerEm / 2000, reverse_direction=True))
        glyphs[name] = pen.glyph()
    metrics = {name: font["hmtx"][name][0] for name in glyphs}
    del font["CFF "], font["maxp"]
    builder = FontBuilder(font=font)
    builder.isTTF = True
    font.sfntVersion = "\0\1\0\0"
    builder.setupMaxp()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (width, glyphs[name].xMin) for name, width in metrics.items()})
    builder.setupPost(keepGlyphNames=False)
