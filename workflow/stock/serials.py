"""Runs of consecutive booklet numbers: how people, papers and lots name them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.booklets import BOOKLET_NUMBER
from models.text import N_
from security.errors import BadValue

SERIALS = 10_000_000
#: `F5000001`, `F5000001-F5000100`, `F5000001-100` (up to the number that ends so) or `F5000001+100` (that many).
_RUN = re.compile(r"([FSD])([0-9]{7})(?:\s*[-–]\s*([FSD])?([0-9]{1,7})|\s*\+\s*([0-9]{1,8}))?")


@dataclass(frozen=True, order=True)
class Run:
    """`quantity` booklets from `prefix``first` on."""

    prefix: str
    first: int
    quantity: int

    @property
    def first_number(self) -> str:
        return f"{self.prefix}{self.first:07d}"

    @property
    def last_number(self) -> str:
        return f"{self.prefix}{self.first + self.quantity - 1:07d}"

    def numbers(self) -> Iterator[str]:
        """Every number of the run, lowest first."""
        return (f"{self.prefix}{serial:07d}" for serial in range(self.first, self.first + self.quantity))

    def __str__(self) -> str:
        return self.first_number if self.quantity == 1 else f"{self.first_number}–{self.last_number}"


def runs_of(numbers: Iterable[str]) -> list[Run]:
    """`numbers` as runs, lowest first; a number that comes twice counts once."""
    found: list[Run] = []
    for number in sorted(set(numbers)):
        prefix, serial = number[0], int(number[1:])
        last = found[-1] if found else None
        if last and last.prefix == prefix and last.first + last.quantity == serial:
            found[-1] = Run(prefix, last.first, last.quantity + 1)
        else:
            found.append(Run(prefix, serial, 1))
    return found


def runs_text(runs: Iterable[Run], limit: int = 10) -> str:
    """The first `limit` runs for a sentence; a closing `…` says that there are more."""
    shown = [str(run) for run in runs]
    return ", ".join(shown if len(shown) <= limit else [*shown[:limit], "…"])


def read_runs(text: str, *, field: str = "numbers") -> list[Run]:
    """What a person typed or scanned: runs separated by blanks, commas or lines. `BadValue` names what is none."""
    runs: list[Run] = []
    rest = text.upper().strip(" \t\r\n,;")
    while rest:
        found = _RUN.match(rest)
        if found is None or (found.end() < len(rest) and rest[found.end()] not in " \t\r\n,;"):
            raise BadValue(
                N_("“%(text)s” is not a booklet number or range (F5000001 or F5000001-F5000100)."),
                field=field,
                text=rest.split()[0][:24],
            )
        runs.append(_read(found, field))
        rest = rest[found.end() :].lstrip(" \t\r\n,;")
    return runs


def _read(found: re.Match[str], field: str) -> Run:
    prefix, first, other, last, more = found.groups()
    start = int(first)
    quantity = int(more) if more else int(first[: 7 - len(last)] + last) - start + 1 if last else 1
    if (other and other != prefix) or not 0 < quantity <= SERIALS - start:
        raise BadValue(N_("“%(text)s” is not a range: its end comes before its start."), field=field, text=found[0])
    return Run(prefix, start, quantity)


def is_booklet_number(text: str) -> bool:
    return re.fullmatch(BOOKLET_NUMBER, text) is not None
