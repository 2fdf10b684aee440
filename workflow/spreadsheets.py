"""The first sheet of a workbook (XLSX) or a CSV file as rows of text, from files that nobody trusts.

A workbook is a zip: what it says it holds is looked at before anything is unpacked, and it is read row by row.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from xlsxwriter import Workbook

from models.text import N_
from security.errors import BadValue

#: Bytes of a file, bytes of a workbook unpacked, files in it, rows with a heading, columns, characters of a cell.
LARGEST, UNPACKED, PARTS, COLUMNS, LONGEST = 1_000_000, 20_000_000, 200, 40, 400
_NO_SHEET = N_("This is no workbook (XLSX) and no CSV file that can be read.")


def read(data: bytes, *, rows: int) -> list[list[str]]:
    """The rows of the file, each with its cells trimmed, blank ones left out; at most `rows`.

    `BadValue` on `file`, in words, for whatever is too large, is no such file, or holds formulas.
    """
    if len(data) > LARGEST:
        raise _refused(N_("The file is larger than %(most)s kB."), most=LARGEST // 1000)
    found: list[list[str]] = []
    for number, cells in enumerate(_workbook(data) if data[:2] == b"PK" else _csv(data), 1):
        if len(found) == rows or number > rows * 4:
            raise _refused(N_("The file has more than %(most)s rows."), most=rows)
        row = _trimmed(cells, number)
        if row:
            found.append(row)
    return found


def write(table: Iterable[Iterable[str]], widths: int = 18) -> bytes:
    """A workbook of one sheet whose cells are all text, `widths` characters wide; the first row is bold."""
    target = io.BytesIO()
    with Workbook(target, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}) as book:
        sheet, as_text = book.add_worksheet(), book.add_format({"num_format": "@"})
        heading = book.add_format({"bold": True, "num_format": "@"})
        sheet.set_column(0, COLUMNS, widths, as_text)
        for number, row in enumerate(table):
            sheet.write_row(number, 0, row, as_text if number else heading)
    return target.getvalue()


def _trimmed(cells: Iterable[object], number: int) -> list[str]:
    row = ["" if cell is None else str(cell).strip() for cell in cells][:COLUMNS]
    for text in row:
        if text.startswith(("=", "@")):
            raise _refused(N_("Row %(row)s holds a formula: paste the values."), row=number)
        if len(text) > LONGEST or "\x00" in text:
            raise _refused(N_("Row %(row)s holds a cell that is too long."), row=number)
    return row if any(row) else []


def _csv(data: bytes) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    head = text.partition("\n")[0]
    if "\x00" in text or not head.strip():
        raise _refused(_NO_SHEET)
    separator = max(";,\t", key=head.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error as error:
        raise _refused(_NO_SHEET) from error


def _workbook(data: bytes) -> Iterator[tuple[object, ...]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            entries = parts.infolist()
        if len(entries) > PARTS or sum(entry.file_size for entry in entries) > UNPACKED:
            raise _refused(N_("The workbook is too large when it is unpacked."))
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            yield from book.worksheets[0].iter_rows(values_only=True, max_col=COLUMNS)
        finally:
            book.close()
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, IndexError, ValueError, OSError) as error:
        if isinstance(error, BadValue):
            raise
        raise _refused(_NO_SHEET) from error


def _refused(message: str, **params: object) -> BadValue:
    return BadValue(message, field="file", **params)
