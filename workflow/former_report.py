"""The two files of an import: what was odd, row by row, for a spreadsheet; rejected rows as the export had them.

Each batch is on the disk before it is committed, and the committed lengths are kept, so that an import that goes on
cuts off what came after its last batch: no line stands there twice, none is missing.
"""

import codecs
import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Self

from workflow.former_system import Outcome, Remark

HEADER = ("file", "row", "case", "field", "what", "value", "what became of it")
#: What a spreadsheet would take for a formula when a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ReportFiles:
    """The report and the rejected rows of one import, open at the lengths that were committed (0, 0: new ones)."""

    def __init__(self, report: Path, rejects: Path, head: bytes, lengths: tuple[int, int]) -> None:
        self.report, self.rejects = report, rejects
        report.parent.mkdir(parents=True, exist_ok=True)
        self._report = _opened(report, codecs.BOM_UTF8 + _lines([HEADER]), lengths[0])
        self._rejects = _opened(rejects, head, lengths[1])

    def add(self, outcome: Outcome) -> None:
        """Write what came of a batch."""
        self._report.write(_lines(map(_cells, outcome.remarks)))
        self._rejects.writelines(row.record.raw for row in outcome.rejected)

    def kept(self) -> tuple[int, int]:
        """The lengths of both, when they are on the disk."""
        for file in (self._report, self._rejects):
            file.flush()
            os.fsync(file.fileno())
        return self._report.tell(), self._rejects.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._report.close()
        self._rejects.close()


def _opened(path: Path, head: bytes, length: int) -> BinaryIO:
    """The file cut to `length`; a new one with `head` where there is none of that length."""
    if length and path.is_file() and path.stat().st_size >= length:
        file = path.open("r+b")
        file.truncate(length)
        file.seek(length)
        return file
    file = path.open("w+b")
    file.write(head)
    return file


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n").writerows(rows)
    return target.getvalue().encode()


def _cells(remark: Remark) -> Iterable[object]:
    cells = (remark.source, remark.row, remark.case, remark.field, remark.what, remark.value, remark.became)
    return (f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells)
