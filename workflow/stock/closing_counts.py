"""Counting for a day closing: numbers entered by ranges or scans, kept as ranges, and taken off again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from models.closings import DayClosing
from models.stock import DocumentState
from models.text import N_
from security.actor import Actor
from security.errors import BadValue
from workflow.stock.closing_figures import runs_in, statement
from workflow.stock.closings import lock, may_close, touch
from workflow.stock.serials import Run, read_runs

#: Characters of one entry; a box scanned number by number is 9,000 for 1,000 booklets.
LONGEST = 40_000


@dataclass(frozen=True)
class Counted:
    """What an entry did: the numbers it added or took off, and those that were so already."""

    changed: tuple[Run, ...]
    already: tuple[Run, ...]

    @property
    def booklets(self) -> int:
        return sum(run.quantity for run in self.changed)


_TYPED = """
    typed as (
        select prefix, range_agg(int4range(first, first + quantity)) as numbers
          from unnest(:prefixes::varchar[], :firsts::int[], :quantities::int[]) t(prefix, first, quantity) group by 1)
"""
_COMPARE = statement(
    f"""
    with {_TYPED},
    known as (
        select prefix, range_agg(int4range(first_serial, first_serial + quantity)) as numbers
          from closing_range where closing_id = :closing and kind = 'COUNTED' group by 1)
    select t.prefix, t.numbers - coalesce(k.numbers, '{{}}'), t.numbers * coalesce(k.numbers, '{{}}'), c.code
      from typed t left join known k using (prefix) left join stock_category c using (prefix) order by 1
    """  # noqa: S608
)


def _changing(sign: str) -> TextClause:
    """Replace the ranges that the typed ones touch by what they make together with these (+) or without them (-)."""
    return statement(
        f"""
        with {_TYPED},
        touched as (
            delete from closing_range r using typed t
             where r.closing_id = :closing and r.kind = 'COUNTED' and r.prefix = t.prefix
               and int4range(r.first_serial - 1, r.first_serial + r.quantity + 1) && t.numbers
            returning r.prefix, int4range(r.first_serial, r.first_serial + r.quantity) as part),
        kept as (select prefix, range_agg(part) as numbers from touched group by 1)
        insert into closing_range (closing_id, kind, prefix, first_serial, quantity)
        select :closing, 'COUNTED', prefix, lower(r), upper(r) - lower(r)
          from (select t.prefix, coalesce(k.numbers, '{{}}') {sign} t.numbers as numbers
                  from typed t left join kept k using (prefix)) n, unnest(n.numbers) r
        """  # noqa: S608
    )


_ADD, _TAKE_OFF = _changing("+"), _changing("-")


def add_count(
    session: Session, closing: DayClosing, actor: Actor, *, numbers: str, version: int | None = None
) -> Counted:
    """Count `numbers` (ranges and single ones) as there; what was counted already is told and changes nothing.

    Counting twice changes nothing and so needs no `version`: two people may count at once.
    """
    may_close(actor)
    runs = _read(numbers)
    lock(session, closing, version, DocumentState.ABIERTO)
    fresh, again = _compare(session, closing, runs)
    if fresh:
        session.execute(_ADD, _arrays(closing, runs))
        touch(session, closing)
    return Counted(tuple(fresh), tuple(again))


def take_off(
    session: Session, closing: DayClosing, actor: Actor, *, numbers: str, version: int | None = None
) -> Counted:
    """Count `numbers` no longer; those that were not counted are told and change nothing."""
    may_close(actor)
    runs = _read(numbers)
    lock(session, closing, version, DocumentState.ABIERTO)
    uncounted, counted = _compare(session, closing, runs)
    if counted:
        session.execute(_TAKE_OFF, _arrays(closing, runs))
        touch(session, closing)
    return Counted(tuple(counted), tuple(uncounted))


def _read(numbers: str) -> list[Run]:
    if len(numbers) > LONGEST:
        raise BadValue(N_("This is longer than %(longest)s characters."), field="numbers", longest=LONGEST)
    runs = read_runs(numbers.replace("\x00", ""))
    if not runs:
        raise BadValue(N_("Type or scan a booklet number or a range."), field="numbers")
    return runs


def _compare(session: Session, closing: DayClosing, runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """The numbers of `runs` that were not counted yet, and those that were."""
    fresh: list[Run] = []
    again: list[Run] = []
    for prefix, new, known, category in session.execute(_COMPARE, _arrays(closing, runs)):
        if category is None:
            raise BadValue(N_("No category of booklets has the prefix %(prefix)s."), field="numbers", prefix=prefix)
        fresh += runs_in(prefix, new)
        again += runs_in(prefix, known)
    return fresh, again


def _arrays(closing: DayClosing, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "closing": closing.id,
        "prefixes": [run.prefix for run in runs],
        "firsts": [run.first for run in runs],
        "quantities": [run.quantity for run in runs],
    }
