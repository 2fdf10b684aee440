"""Address labels of passports sent by mail: one on a sheet of 4 x 6 inches, or four on a Letter sheet.

Outside stand the sender, the recipient and the case number, which the counter scans; never a CUI or booklet number.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zxingcpp
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas

from printing.geometry import PageError
from printing.paper_sheet import BOLD, TEXT, cut, printable, width_of, wrapped

ALONE = (4 * inch, 6 * inch)
_MARGIN, _PAD = 0.22 * inch, 0.14 * inch
_GREY, _RULE = 0.38, 0.55
_LARGEST, _SMALLEST = 17.0, 10.5  # of the recipient's lines, in points
_BAR_HEIGHT, _QUIET = 0.62 * inch, 10  # the quiet zone of Code 128, in modules


@dataclass(frozen=True)
class PostalLabel:
    """What stands on one label, line by line; `reference` is scanned, `courier` and `phone` may be blank."""

    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    reference: str
    courier: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Words:
    """The few words printed on a label, in the reader's language."""

    sender: str = "FROM / REMITE"
    recipient: str = "TO / PARA"
    phone: str = "TEL."
    notice: str = "DO NOT BEND / NO DOBLAR"


def draw_labels(labels: Sequence[PostalLabel], *, sheet: bool = False, marked: str = "") -> bytes:
    """A PDF with each label on a page of its own, or four to a Letter sheet; `marked` is a word across each.

    PageError for a reference that makes no code or an address that does not fit.
    """
    target = io.BytesIO()
    size = LETTER if sheet else ALONE
    canvas = Canvas(target, size, invariant=1, initialFontName=TEXT, lang="es-GT")  # type: ignore[arg-type]
    canvas.setTitle("Etiquetas de envío")
    canvas.setViewerPreference("PrintScaling", "None")
    for at, label in enumerate(labels):
        if sheet and at and at % 4 == 0:
            canvas.showPage()
        if sheet:
            _label(canvas, label, ((at % 4 % 2) * LETTER[0] / 2, LETTER[1] / 2 * (1 - at % 4 // 2)), _QUARTER, marked)
        else:
            _label(canvas, label, (0, 0), ALONE, marked)
            canvas.showPage()
    if sheet:
        canvas.showPage()
    canvas.save()
    return target.getvalue()


_QUARTER = (LETTER[0] / 2, LETTER[1] / 2)


def _label(
    canvas: Canvas, label: PostalLabel, corner: tuple[float, float], size: tuple[float, float], marked: str
) -> None:
    """Draw a label of `size` whose lower left is at `corner`; from the top: sender, recipient, code."""
    canvas.saveState()
    canvas.translate(*corner)
    left, right, top = _MARGIN, size[0] - _MARGIN, size[1] - _MARGIN
    if marked:
        _mark(canvas, printable(marked), size)
    canvas.setLineWidth(1)
    canvas.setStrokeGray(0)
    canvas.rect(left, _MARGIN, right - left, top - _MARGIN)
    inner = (left + _PAD, right - _PAD)
    below = _sender(canvas, label, inner, top - _PAD)
    code_top = _MARGIN + _PAD + _BAR_HEIGHT + 26
    canvas.line(left, below, right, below)
    canvas.line(left, code_top, right, code_top)
    _recipient(canvas, label, inner, below - _PAD, code_top + _PAD)
    _code(canvas, label.reference, inner, _MARGIN + _PAD)
    canvas.restoreState()


def _mark(canvas: Canvas, word: str, size: tuple[float, float]) -> None:
    canvas.saveState()
    canvas.setFillGray(0.9)
    canvas.translate(size[0] / 2, size[1] / 2)
    canvas.rotate(50)
    points = min(60.0, 0.9 * size[1] / max(width_of(word, 1, BOLD), 0.1))
    canvas.setFont(BOLD, points)
    canvas.drawCentredString(0, -points / 3, word)
    canvas.restoreState()


def _sender(canvas: Canvas, label: PostalLabel, inner: tuple[float, float], top: float) -> float:
    """Draw the sender from `top` down; where the rule below goes."""
    words, baseline = Words(), top - 6
    canvas.setFont(TEXT, 6.2)
    canvas.setFillGray(_GREY)
    canvas.drawString(inner[0], baseline, words.sender)
    canvas.drawRightString(inner[1], baseline, words.notice)
    canvas.setFillGray(0)
    for at, line in enumerate(label.sender):
        for piece in wrapped(line, inner[1] - inner[0], 8, BOLD if at == 0 else TEXT):
            baseline -= 10.5
            canvas.setFont(BOLD if at == 0 else TEXT, 8)
            canvas.drawString(inner[0], baseline, piece)
    return baseline - 8


def _recipient(canvas: Canvas, label: PostalLabel, inner: tuple[float, float], top: float, bottom: float) -> None:
    """Draw the recipient as large as fits between `top` and `bottom`; PageError when not even small print does."""
    words = Words()
    canvas.setFont(TEXT, 6.2)
    canvas.setFillGray(_GREY)
    canvas.drawString(inner[0], top - 6, words.recipient)
    foot = "  ·  ".join(filter(None, (label.courier, f"{words.phone} {label.phone}" if label.phone else "")))
    canvas.setFont(TEXT, 8)
    canvas.drawString(inner[0], bottom, cut(foot, inner[1] - inner[0], 8))
    canvas.setFillGray(0)
    size, lines = _fitted(label.recipient, inner[1] - inner[0], top - 12 - bottom - 12)
    baseline = top - 12
    for face, line in lines:
        baseline -= 1.28 * size
        canvas.setFont(face, size)
        canvas.drawString(inner[0], baseline, line)


def _fitted(lines: Sequence[str], width: float, height: float) -> tuple[float, list[tuple[str, str]]]:
    """The largest size at which the lines, broken where they must, fit; and the lines with their faces."""
    size = _LARGEST
    while size >= _SMALLEST:
        faces = [BOLD, *[TEXT] * (len(lines) - 1)]
        broken = [
            (face, piece) for face, line in zip(faces, lines, strict=True) for piece in wrapped(line, width, size, face)
        ]
        if len(broken) * 1.28 * size <= height:
            return size, broken
        size -= 0.5
    raise PageError("the address does not fit on the label")


def _code(canvas: Canvas, reference: str, inner: tuple[float, float], bottom: float) -> None:
    """Draw the reference as Code 128, and below it for the eye; a QR code beside it for cameras."""
    side = _BAR_HEIGHT + 12
    bars, square = (
        _modules(reference, zxingcpp.BarcodeFormat.Code128),
        _modules(reference, zxingcpp.BarcodeFormat.QRCode),
    )
    width = inner[1] - inner[0] - side - 6
    step = width / (len(bars[0]) + 2 * _QUIET)
    canvas.setFillGray(0)
    _fill(canvas, bars[:1], (inner[0] + _QUIET * step, bottom + 16), step, _BAR_HEIGHT)
    canvas.setFont(BOLD, 11)
    canvas.drawCentredString(inner[0] + width / 2, bottom + 3, printable(reference))
    _fill(canvas, square, (inner[1] - side, bottom + 4), side / len(square), side / len(square))


def _modules(text: str, form: Any) -> list[list[bool]]:
    """The code as rows of modules, dark ones true, without a quiet zone."""
    try:
        symbol = zxingcpp.create_barcode(text, form)
    except ValueError as error:
        raise PageError(f"{text!r} makes no code: {error}") from error
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False, add_hrt=False)
    rows, columns = image.shape[:2]
    pixels = memoryview(image).tobytes()
    return [[pixels[row * columns + column] == 0 for column in range(columns)] for row in range(rows)]


def _fill(canvas: Canvas, rows: list[list[bool]], corner: tuple[float, float], step: float, height: float) -> None:
    """Fill one path with a rectangle for each run of dark modules, so that no seams show."""
    path, (x, y) = canvas.beginPath(), corner
    for at, row in enumerate(rows):
        start = None
        for column, dark in enumerate([*row, False]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                path.rect(x + start * step, y + (len(rows) - 1 - at) * height, (column - start) * step, height)
                start = None
    canvas.drawPath(path, stroke=0, fill=1)
