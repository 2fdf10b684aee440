"""What stands in the cells of a report on paper: values in words, pictures."""

import datetime as dt
import io

from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from models.clock import local
from reports.document import Kind, Value, Words

PICTURE = (16 * mm, 14 * mm)  # width and height of a picture's place


def said(value: Value, kind: Kind, words: Words) -> str:
    """A value as it is read in Guatemala; a text in any column stays a text, as of a date that is known in part."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return words.yes if value else words.no
    if isinstance(value, int):
        return f"{value:,}" if kind is Kind.INTEGER else str(value)
    if isinstance(value, dt.datetime):
        value = local(value)
        return f"{value:%d/%m/%Y}" if kind is Kind.DATE else f"{value:%d/%m/%Y %H:%M:%S}"
    return f"{value:%d/%m/%Y}"


class _Jpeg(ImageReader):
    """A JPEG that is embedded as it is; reportlab would decode it, and use the pixels only to name it."""

    _dataA = None

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._bytes = data

    def getRGBData(self) -> bytes:
        """What tells this picture from others."""
        return self._bytes


def draw_picture(canvas: Canvas, data: bytes, x: float, y: float) -> None:
    """Draw a JPEG in the middle of its place, whose lower left corner is given; a crossed box if it is not one."""
    width, height = PICTURE
    try:
        picture = _Jpeg(data)
    except OSError:
        picture = None
    if picture is not None and picture.jpeg_fh() is not None:  # type: ignore[func-returns-value]
        canvas.drawImage(picture, x, y, width, height, preserveAspectRatio=True)
        return
    canvas.setStrokeGray(0.6)
    canvas.setLineWidth(0.4)
    canvas.rect(x, y, width, height)
    canvas.lines([(x, y, x + width, y + height), (x, y + height, x + width, y)])
