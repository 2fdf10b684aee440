"""A report as a thing to be rendered: its texts, its columns, its lines as they come, its totals and drawings.

Everything here is already in the reader's language, codes already are names; a renderer (`reports.xlsx`, `reports.pdf`)
knows neither database nor permission.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

#: What a cell may hold: text, whole number, day, aware time, yes or no, nothing.
Value = str | int | dt.date | dt.datetime | bool | None
Fact = tuple[str, str]


class Kind(StrEnum):
    """What a column holds, which decides how it is written, aligned and typed."""

    TEXT = "text"
    CODE = "code"  # numbers of things: cases, booklets; text, never a quantity
    INTEGER = "integer"
    DATE = "date"
    MOMENT = "moment"  # an aware time, shown on the clock of Guatemala
    FLAG = "flag"


@dataclass(frozen=True)
class Heading:
    """A column: its title, what it holds, how wide (in characters of the body text), its total where it has one."""

    title: str
    kind: Kind = Kind.TEXT
    width: int = 14
    total: int | None = None


class Shape(StrEnum):
    """How a chart is drawn: bars, bars that lie (for long names), a line over days; bars of several series stack."""

    BARS = "bars"
    LYING = "lying"
    LINE = "line"


@dataclass(frozen=True)
class Series:
    """One name and a number for each category of the chart, in their order."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """Numbers people would rather look at; the same drawing on screen, in PDF and, native, in the workbook."""

    title: str
    shape: Shape
    categories: tuple[str, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Words:
    """The few words that renderers add themselves; `page` has %(page)s and %(pages)s."""

    yes: str = "Sí"
    no: str = "No"
    total: str = "Total"
    lines: str = "Líneas"
    nothing: str = "Sin datos"
    page: str = "Página %(page)s de %(pages)s"
    about_sheet: str = "Reporte"
    data_sheet: str = "Datos"
    chart_sheet: str = "Gráfica"
    language: str = "es-GT"


@dataclass(frozen=True)
class Document:
    """A report ready to be written to a file.

    `rows` is read once, in order, and holds as many values as there are columns. `count` is how many there will be.
    `facts` (filters, who, when, as of) and `notes` (definition, what ties) stand before the lines. `closing` is called
    when all lines were read and gives what can be said only then (the hash). `pictures`, where given, is called with
    the position of a row (from 0) and gives JPEG thumbnails, None where there is none; only PDFs ask.
    """

    title: str
    number: str
    office: str
    facts: Sequence[Fact]
    notes: Sequence[str]
    columns: tuple[Heading, ...]
    rows: Iterator[tuple[Value, ...]]
    count: int
    charts: tuple[Chart, ...] = ()
    closing: Callable[[], Sequence[Fact]] = tuple
    picture_titles: tuple[str, ...] = ()
    pictures: Callable[[int], Sequence[bytes | None]] | None = None
    words: Words = field(default_factory=Words)

    @property
    def totalled(self) -> bool:
        """Whether some column has a total."""
        return any(column.total is not None for column in self.columns)
