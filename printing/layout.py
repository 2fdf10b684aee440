"""The data page: what stands on it, and its PDF at true size, the same bytes whenever it is printed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from printing.drawing import BLACK, INK, LABEL, PALE, Line, Sheet, fitted, written
from printing.fonts import EmbeddedFont, PageFonts, load_fonts
from printing.geometry import SIGNATURE_LABEL, SLOTS, PageError, PageGeometry, Slot
from printing.mrz import LINE_LENGTH
from printing.pdf import PdfDocument
from printing.pictures import add_portrait, add_signature, code_path, data_matrix

MONTHS = ("ENE", "FEB", "MAR", "ABR", "MAYO", "JUN", "JUL", "AGO", "SEPT", "OCT", "NOV", "DIC")
DEFAULT_GEOMETRY = PageGeometry()
_LABEL_SIZE, _VALUE_DROP, _BELOW_LABEL = 1.5, 3.3, 0.8


@dataclass(frozen=True)
class PageData:
    """Everything on one page, as it is to be printed.

    `birth`: ISO with what is known, `YYYY[-MM[-DD]]` or empty; `portrait`: JPEG; `signature`: PNG or JPEG, None for a
    holder who does not sign; `mrz_lines`: two of 44; `seal`: the text of the 2D code.
    """

    number: str
    surnames: str
    given_names: str
    nationality: str
    birth: str
    personal_number: str
    sex: str
    birth_place: str
    issued_on: date
    authority: str
    expires_on: date
    portrait: bytes
    signature: bytes | None
    mrz_lines: tuple[str, str]
    seal: str
    type_code: str = "P"
    country: str = "GTM"
    state: str = "REPÚBLICA DE GUATEMALA"
    document: str = "PASAPORTE / PASSPORT"

    def value(self, slot: Slot) -> str:
        """The text of a field of the visual zone."""
        value = getattr(self, slot.name)
        if isinstance(value, date):
            return page_date(value.isoformat())
        return page_date(value) if slot.name == "birth" else str(value)


def page_date(partial: str) -> str:
    """`1974-11-05` as `05 NOV 1974`; what is not known is XX (Doc 9303-3 section 3.1)."""
    year, month, day = [*filter(None, partial.split("-")), "", "", ""][:3]
    return f"{day or 'XX'} {MONTHS[int(month) - 1] if month else 'XX'} {year or 'XXXX'}"


def render(
    page: PageData,
    geometry: PageGeometry = DEFAULT_GEOMETRY,
    fonts: PageFonts | None = None,
    *,
    specimen: bool = False,
) -> bytes:
    """The page as a PDF. PageError for data that cannot be printed, Unprintable for a letter the font lacks."""
    return render_batch([page], geometry, fonts, specimen=specimen)


def render_batch(
    pages: Sequence[PageData],
    geometry: PageGeometry = DEFAULT_GEOMETRY,
    fonts: PageFonts | None = None,
    *,
    specimen: bool = False,
) -> bytes:
    """One document with a page for each; errors as `render`, and nothing is printed of the others."""
    if not pages:
        raise PageError("a batch has at least one page")
    faces = fonts or load_fonts()
    pdf = PdfDocument(pages[0].document)
    resources = embed_fonts(pdf, faces)
    for page in pages:
        sheet = Sheet(pdf, geometry, faces)
        _draw_page(sheet, page, specimen=specimen)
        sheet.finish(resources)
    return pdf.finish()


def embed_fonts(pdf: PdfDocument, fonts: PageFonts) -> dict[str, int]:
    """Put the faces into a document, once for all its pages."""
    return {face: getattr(fonts, face).add_to(pdf) for face in ("mrz", "text", "bold")}


def _draw_page(sheet: Sheet, page: PageData, *, specimen: bool) -> None:
    if specimen:
        _draw_specimen(sheet)
    sheet.draw(_form(sheet.fonts, sheet.geometry, page.state, page.document))
    for slot in SLOTS:
        sheet.draw(_value(sheet.fonts, slot, page.value(slot)))
    sheet.picture(add_portrait(sheet.pdf, page.portrait), sheet.geometry.portrait)
    signature = add_signature(sheet.pdf, page.signature) if page.signature else None
    if signature:
        sheet.picture(signature, sheet.geometry.signature)
    modules, pixels = data_matrix(page.seal)
    sheet.draw(code_path(modules, pixels, sheet.geometry.code(modules)))
    draw_mrz(sheet, page.mrz_lines)


@lru_cache(maxsize=16)
def _form(fonts: PageFonts, geometry: PageGeometry, state: str, document: str) -> str:
    """Header and labels, drawn once for all pages that have the same."""
    sheet = Sheet(PdfDocument(document), geometry, fonts)
    _draw_header(sheet, fonts.printable(state), fonts.printable(document))
    for slot in SLOTS:
        sheet.text(slot.x, slot.top, _label(fonts, slot.label, slot.width), "text", LABEL)
    box = geometry.signature
    sheet.text(box.x, box.top + 1.15, _label(fonts, SIGNATURE_LABEL, box.width), "text", LABEL)
    return sheet.drawn()


def _draw_header(sheet: Sheet, state: str, document: str) -> None:
    left, right = sheet.geometry.portrait.x, sheet.geometry.code_right
    sheet.text(left, 82.2, Line(state, 3.4, 1.0), "bold")
    sheet.text(right - sheet.fonts.bold.width(document) * 2.7, 82.2, Line(document, 2.7, 1.0), "bold", LABEL)
    sheet.line((left, 80.4), (right, 80.4), 0.25)


@lru_cache(maxsize=512)
def _value(fonts: PageFonts, slot: Slot, value: str) -> str:
    """A field's value; half of the fields say the same on most pages of a tray."""
    face = "bold" if slot.strong else "text"
    font: EmbeddedFont = getattr(fonts, face)
    text = fonts.printable(value)
    if not text:
        return ""
    lines = fitted(text, font, slot.width)
    size = lines[0].size
    first = slot.top - (_VALUE_DROP if len(lines) == 1 else _BELOW_LABEL + font.cap_height * size)
    places = (first - place * size * 1.08 for place in range(len(lines)))
    return "\n".join(written(fonts, slot.x, y, line, face, INK) for y, line in zip(places, lines, strict=True))


def _label(fonts: PageFonts, label: str, width: float) -> Line:
    natural = fonts.text.width(label) * _LABEL_SIZE
    return Line(label, _LABEL_SIZE, min(1.0, width / natural))


def draw_mrz(sheet: Sheet, lines: tuple[str, str]) -> None:
    """Both rows in OCR-B, one cell for each character, capitals centred on the centre lines."""
    font, geometry = sheet.fonts.mrz, sheet.geometry
    size = geometry.mrz_pitch / font.width("<")
    for text, centre in zip(lines, geometry.mrz_centres, strict=True):
        if len(text) != LINE_LENGTH or font.missing(text):
            raise PageError(f"{text!r} is no row of a machine readable zone")
        sheet.text(geometry.mrz_left, centre - font.cap_height * size / 2, Line(text, size, 1.0), "mrz", BLACK)


def _draw_specimen(sheet: Sheet) -> None:
    """A pale word across the fields, below everything else; the zone and the portrait stay clear."""
    word, size = "ESPÉCIMEN", 12.0
    place = f"BT {PALE} /bold {size} Tf 100 Tz 0.94 0.342 -0.342 0.94 45 29 Tm"
    sheet.draw(f"{place} <{sheet.fonts.bold.codes(word)}> Tj ET")
