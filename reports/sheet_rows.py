"""Lines of a report as XML of a worksheet (ECMA-376 part 1, 18.3.1), some hundred at a time.

xlsxwriter keeps every cell or, in its constant memory, takes a call and several checks for each; here a column is
written at once by the function of its kind. Text is in the line itself (`inlineStr`): a table of shared strings would
have to be kept until the end. Text is never a formula, whatever it starts with.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import islice
from typing import IO

from models.clock import GUATEMALA, local
from reports.document import Kind, Value, Words

LONGEST = 32_767  # UTF-16 units: what a cell of Excel holds
DAY, MOMENT = "%d/%m/%Y", "%d/%m/%Y %H:%M:%S"
_TOGETHER = 500  # lines: more takes memory and is no faster
_EXACT = 10**15  # Excel keeps 15 digits of a number
_DAY_ZERO = dt.date(1899, 12, 30).toordinal()
_DAY_1970 = dt.date(1970, 1, 1).toordinal() - _DAY_ZERO
_FIRST_DAY = 61  # 1 March 1900: before it Excel counts a 29 February that never was, and nothing before that year

#: Text that needs no look at each character; the underscore is left out for `_x0041_`, see `_element`.
_PLAIN = re.compile(rf"(?! )[ -%'-;=?-^`-~\xa1-\ud7ff]{{0,{LONGEST // 2}}}(?<! )").fullmatch
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_LINE_END = re.compile("\r\n?")
_LIKE_AN_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_NOTHING = "/>"

Content = Callable[[Value], str]  # of a cell: what follows its place and its style


@dataclass(frozen=True)
class Cells:
    """A column of a sheet: its letters, the number of its style in `styles.xml`, how its values are written."""

    letters: str
    style: str
    content: Content

    def written(self, values: Sequence[Value], first: int) -> list[str]:
        """The cells of `values`, of which the first stands in the row numbered `first`."""
        start, middle, content = f'<c r="{self.letters}', f'" s="{self.style}"', self.content
        return [
            f"{start}{row}{middle}{_NOTHING if value is None else content(value)}"
            for row, value in enumerate(values, first)
        ]


def write_rows(part: IO[bytes], columns: Sequence[Cells], rows: Iterator[Sequence[Value]], first: int) -> int:
    """Write `rows` into a part of a workbook, as rows from number `first` on; returns how many they were.

    Raises ValueError when a row has not a value for each column, TypeError for a value that is none of `Value`.
    """
    at = first
    while together := list(islice(rows, _TOGETHER)):
        values = zip(*together, strict=True)
        cells = [column.written(each, at) for column, each in zip(columns, values, strict=True)]
        lines = [f'<row r="{row}">{"".join(line)}</row>' for row, line in enumerate(zip(*cells, strict=True), at)]
        part.write("".join(lines).encode())
        at += len(together)
    return at - first


def content_of(kind: Kind, words: Words) -> Content:
    """How values of `kind` are written; a text in any column stays a text, as of a date that is known in part."""
    if kind is Kind.FLAG:
        yes, no = _inline(words.yes), _inline(words.no)
        return lambda value: yes if value is True else no if value is False else _text(value)
    return _CONTENTS.get(kind, _text)


def printable(text: str) -> str:
    """`text` as a cell can hold it: without characters that XML forbids, line ends as one character, not too long."""
    text = _UNWRITABLE.sub("\ufffd", _LINE_END.sub("\n", text))
    if 2 * len(text) <= LONGEST:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST:
        return text
    return units[: 2 * (LONGEST - 1)].decode("utf-16-le", "ignore") + "…"


def _text(value: Value) -> str:
    text = value if isinstance(value, str) else _said(value)
    return _inline(text) if text else _NOTHING


def _integer(value: Value) -> str:
    if type(value) is int and -_EXACT < value < _EXACT:
        return f"><v>{value}</v></c>"
    return _text(value)


def _date(value: Value) -> str:
    if type(value) is dt.date and (day := value.toordinal() - _DAY_ZERO) >= _FIRST_DAY:
        return f"><v>{day}</v></c>"
    return _text(value)


def _moment(value: Value) -> str:
    if type(value) is dt.datetime and value.tzinfo is not None:
        second = value.timestamp() // 1
        days = (second + _ahead(second // 3600)) / 86400 + _DAY_1970
        if days >= _FIRST_DAY:
            return f"><v>{days}</v></c>"
    return _text(value)


_CONTENTS: dict[Kind, Content] = {Kind.INTEGER: _integer, Kind.DATE: _date, Kind.MOMENT: _moment}


@lru_cache(16_384)
def _ahead(hour: float) -> float:
    """Seconds that the clock of Guatemala is ahead of UTC in an hour since 1970; it was only ever set at a full one."""
    return (dt.datetime.fromtimestamp(hour * 3600, GUATEMALA).utcoffset() or dt.timedelta()).total_seconds()


def _said(value: Value) -> str:
    """What a column cannot hold as what it is: days before Excel's first, numbers that it would round."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return local(value).strftime(MOMENT)
    if type(value) is dt.date:
        return value.strftime(DAY)
    if type(value) is int:
        return str(value)
    raise TypeError(f"no cell holds a {type(value).__name__} here")


def _inline(text: str) -> str:
    return f' t="inlineStr"><is>{f"<t>{text}</t>" if _PLAIN(text) else _element(text)}</is></c>'


def _element(text: str) -> str:
    """Any text; what looks like Excel's own way to write a character, as `_x0041_` does, is told from it."""
    marked = _LIKE_AN_ESCAPE.sub("_x005F_", printable(text))
    return f'<t xml:space="preserve">{escape(marked, quote=False)}</t>'
