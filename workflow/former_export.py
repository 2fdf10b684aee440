"""Reading an export of the former system, file to records: its encoding, separator and header, lines and their cells.

Lines are read one by one with their place in bytes, so that an import that was cut off goes on there; a broken one
costs itself alone.
"""

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from workflow.former_mapping import FormerMapping
from workflow.persons import normalised

#: Bytes of a line, and lines of a record whose cells hold line ends; what is longer is broken.
LONGEST, MOST_LINES = 1 << 20, 50
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
#: Encodings to try one after the other, line by line, for what the whole file was found to be.
_TRIED = {"cp1252": ("cp1252", "latin-1"), "mixed": ("utf-8", "cp1252", "latin-1")}
_LINE_ENDS = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}


class NotAnExport(Exception):
    """The file is not what the mapping says; the message says what is missing."""


@dataclass(frozen=True)
class Export:
    """A file that the mapping fits. `head`: the bytes up to the first row; `columns`: place of each field's column."""

    path: Path
    sha256: str
    size: int
    encodings: tuple[str, ...]
    separator: str
    head: bytes
    header: list[str]
    columns: dict[str, int]

    @property
    def name(self) -> str:
        """The file's name as it is kept."""
        return self.path.name[:120]


@dataclass(frozen=True)
class Record:
    """A row as it stands in the file, from `line` on; `cells` is None when it is broken, then `fault` says how."""

    line: int
    raw: bytes
    cells: list[str] | None
    fault: str = ""
    #: The encoding it was read in, when that is not the file's own.
    encoding: str | None = None
    #: How many lines it has.
    lines: int = 1


def examine(path: Path, mapping: FormerMapping) -> Export:
    """Encoding, separator and header of a file. Raises `NotAnExport`."""
    sha256, encodings = _identified(path, mapping.encoding)
    with path.open("rb") as file:
        head = _line(file, encodings[0])
    start = next((bom for bom, encoding in _BOMS.items() if encoding == encodings[0] and head.startswith(bom)), b"")
    try:
        text = _decoded(head[len(start) :], encodings)[0].strip()
    except UnicodeDecodeError as error:
        raise NotAnExport(f"{path.name}: the header is not {encodings[0]}") from error
    separator = mapping.separator or max(";,\t|", key=text.count)
    header = [name.strip() for name in (_cells(text, separator) or text.split(separator))]
    columns = _columns(path.name, header, mapping)
    return Export(path, sha256, path.stat().st_size, encodings, separator, head, header, columns)


def _columns(file_name: str, header: list[str], mapping: FormerMapping) -> dict[str, int]:
    names = [normalised(name) for name in header]
    missing = [
        f"{column} (columns.{field})" for field, column in mapping.columns.items() if normalised(column) not in names
    ]
    if missing:
        raise NotAnExport(
            f"{file_name}: the header has no column {', '.join(missing)}; it has {', '.join(header)[:400]}"
        )
    double = [column for column in mapping.columns.values() if names.count(normalised(column)) > 1]
    if double:
        raise NotAnExport(f"{file_name}: the header has the column {', '.join(double)} twice")
    return {field: names.index(normalised(column)) for field, column in mapping.columns.items()}


def _identified(path: Path, encoding: str) -> tuple[str, tuple[str, ...]]:
    """The SHA-256 of the file, and its encodings, read once."""
    digest, utf8, other = hashlib.sha256(), False, False
    with path.open("rb") as file:
        mark = next((name for bom, name in _BOMS.items() if file.peek(4).startswith(bom)), None)
        for line in iter(lambda: file.readline(LONGEST), b""):
            digest.update(line)
            if not line.isascii() and not (utf8 and other):
                utf8, other = (True, other) if _is_utf8(line) else (utf8, True)
    if encoding == "auto":
        encoding = mark if mark and mark != "utf-8" else ("mixed" if utf8 else "cp1252") if other else "utf-8"
    return digest.hexdigest(), _TRIED.get(encoding, (encoding,))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def records(export: Export, at: int, line: int) -> Iterator[Record]:
    """The records from the byte `at` on, which begins `line`; blank ones are passed over, but counted as lines."""
    with export.path.open("rb") as file:
        file.seek(at)
        while raw := _line(file, export.encodings[0]):
            record = _record(export, file, raw, line)
            yield record
            line += record.lines


def _line(file: BinaryIO, encoding: str) -> bytes:
    """The next line with its end; a part of it when it is longer than LONGEST."""
    raw = file.readline(LONGEST)
    end = _LINE_ENDS.get(encoding)
    while end and raw and not (len(raw) % 2 == 0 and raw.endswith(end)) and len(raw) <= LONGEST:
        more = file.read(1) if len(raw) % 2 else file.readline(LONGEST)
        if not more:
            break
        raw += more
    return raw


def _record(export: Export, file: BinaryIO, raw: bytes, line: int) -> Record:
    try:
        text, encoding = _decoded(raw, export.encodings)
    except UnicodeDecodeError:
        return Record(line, raw, None, f"is not {export.encodings[0]}")
    width = len(export.header)
    cells = _cells(text, export.separator)
    if cells is not None and len(cells) == width and "\0" not in text:
        return Record(line, raw, cells, encoding=encoding)
    if '"' in text and (whole := _longer(export, file, raw)):
        return replace(whole, line=line, encoding=encoding)
    if "\0" in text:
        return Record(line, raw, None, "has a NUL")
    return Record(
        line, raw, None, f"has {len(cells)} columns, not {width}" if cells else "has a quote that is not closed"
    )


def _longer(export: Export, file: BinaryIO, raw: bytes) -> Record | None:
    """The record that begins with `raw` and goes on in the following lines; else the file stays where it was."""
    place = file.tell()
    for lines in range(2, MOST_LINES + 1):
        more = _line(file, export.encodings[0])
        raw += more
        if not more or len(raw) > LONGEST:
            break
        try:
            text = _decoded(raw, export.encodings)[0]
        except UnicodeDecodeError:
            break
        cells = _cells(text, export.separator)
        if cells is not None:
            if len(cells) == len(export.header) and "\0" not in text:
                return Record(0, raw, cells, lines=lines)
            break
    file.seek(place)
    return None


def _decoded(raw: bytes, encodings: tuple[str, ...]) -> tuple[str, str | None]:
    """The text, and its encoding when it is not the first. Raises `UnicodeDecodeError`."""
    for encoding in encodings[:-1]:
        try:
            return raw.decode(encoding), None if encoding == encodings[0] else encoding
        except UnicodeDecodeError:
            continue
    return raw.decode(encodings[-1]), None if len(encodings) == 1 else encodings[-1]


def _cells(text: str, separator: str) -> list[str] | None:
    """The cells of a record; None when its quotes are not right, so far."""
    if '"' not in text:
        return text.rstrip("\r\n").split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error:
        return None
