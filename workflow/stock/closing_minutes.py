"""The minutes of a day closing: figures by category, what was missing, surplus and counted, the reason, who signed."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy.orm import Session

from models.clock import local
from models.closings import DayClosing
from models.stock import DocumentState
from models.text import N_
from printing.papers import Column, Paper, Signature, Table
from security.actor import Actor
from security.errors import WrongState
from workflow.pages import AUTHORITY
from workflow.stock import closing_figures, closing_reads, closings
from workflow.stock.closing_figures import Figures
from workflow.stock.closing_reads import ClosingRow
from workflow.stock.serials import Run

#: Ranges of each kind that are printed; what goes beyond is on the screen, and said to be.
PRINTED_RANGES = 9_000
#: Ranges beside each other on the paper.
ABREAST = 3
#: Millimetres of the columns of figures, opening to surplus; the category has the rest.
WIDTHS = (13.6, 18.1, 17.0, 17.4, 17.5, 19.3, 17.7, 17.8, 19.1)
Say = Callable[..., str]


def closing_minutes(session: Session, number: int, actor: Actor, say: Say) -> Paper:
    """The minutes of a closing that is signed or closed, in the words that `say` gives for message ids."""
    closing = closings.find(session, number, actor)
    if closing.state == DocumentState.ABIERTO:
        raise WrongState(
            N_("Day closing %(number)s is being counted: it has minutes once it is signed."), number=number
        )
    row = closing_reads.row(session, number, actor)
    figures = closing_figures.figures(session, closing)
    return Paper(
        title=say(N_("Minutes of day closing %(number)s"), number=number),
        office=(AUTHORITY, f"{row.warehouse} · {row.warehouse_code}"),
        facts=tuple(_facts(row, say)),
        blocks=(_figures(figures, say), *_numbers(session, closing, row, say), *_words(row, say)),
        signatures=_signatures(row, say),
        footer=say(N_("Day closing %(number)s · %(day)s"), number=number, day=_day(row.on)),
        page_words=say(N_("Page %(page)s of %(pages)s"), page="%(page)s", pages="%(pages)s"),
        marked=None if row.closed_at else say(N_("Not closed")),
    )


def _day(day: dt.date) -> str:
    return day.strftime("%d/%m/%Y")


def _time(instant: dt.datetime | None) -> str:
    return local(instant).strftime("%d/%m/%Y %H:%M:%S") if instant else "—"


def _facts(row: ClosingRow, say: Say) -> Iterator[tuple[str, str]]:
    yield say(N_("Warehouse")), row.warehouse
    yield say(N_("Day")), _day(row.on)
    yield say(N_("Started")), f"{row.created_by} · {_time(row.created_at)}"
    yield say(N_("Figures as of")), _time(row.signed_at)
    yield say(N_("Signed")), f"{row.signed_by} · {_time(row.signed_at)}"
    yield say(N_("Closed")), f"{row.closed_by} · {_time(row.closed_at)}" if row.closed_at else "—"


def _figures(figures: Sequence[Figures], say: Say) -> Table:
    names = (
        N_("Opening balance"), N_("Booklets received"), N_("Booklets sent"), N_("Booklets printed"),
        N_("Booklets voided"), N_("Booklets expected"), N_("Booklets counted"), N_("Booklets missing"),
        N_("Booklets surplus"),
    )  # fmt: skip
    rows = [
        (each.opening, each.received, each.sent, each.printed, each.voided, each.expected, each.counted, each.missing,
         each.surplus)
        for each in figures
    ]  # fmt: skip
    totals = [sum(column) for column in zip(*rows, strict=True)] or [0] * len(names)
    return Table(
        columns=(
            Column(say(N_("Category"))),
            *(Column(say(name), width, numeric=True) for name, width in zip(names, WIDTHS, strict=True)),
        ),
        rows=[
            (each.category, *(str(value) for value in values)) for each, values in zip(figures, rows, strict=True)
        ],
        title=say(N_("Blank booklets: opening + received - sent - printed - voided = expected")),
        totals=(say(N_("Total")), *(str(value) for value in totals)),
    )  # fmt: skip


def _numbers(session: Session, closing: DayClosing, row: ClosingRow, say: Say) -> Iterator[Table | str]:
    """Tables of missing, surplus and counted ranges, or a sentence where there are none."""
    for kind, title, none in (
        ("MISSING", N_("Missing: in the ledger, not counted"), N_("No booklet is missing.")),
        ("SURPLUS", N_("Surplus: counted, not in the ledger of this warehouse"), N_("No booklet is surplus.")),
        ("COUNTED", N_("Counted numbers"), N_("No booklet was counted.")),
    ):
        runs = closing_figures.numbers(session, closing, kind, PRINTED_RANGES + 1)
        if not runs:
            yield say(none)
            continue
        shown = runs[:PRINTED_RANGES]
        yield _surplus(session, row, shown, say(title), say) if kind == "SURPLUS" else _ranges(shown, say(title), say)
        if len(runs) > PRINTED_RANGES:
            yield say(N_("There are more ranges than %(most)s: the screen shows them all."), most=PRINTED_RANGES)


def _ranges(runs: Sequence[Run], title: str, say: Say) -> Table:
    cells = [cell for run in runs for cell in (str(run), str(run.quantity))]
    cells += [""] * (-len(cells) % (2 * ABREAST))
    pair = (Column(say(N_("Numbers"))), Column(say(N_("Booklets")), 18, numeric=True))
    rows = [tuple(cells[at : at + 2 * ABREAST]) for at in range(0, len(cells), 2 * ABREAST)]
    return Table(columns=pair * ABREAST, rows=rows, title=title)


def _surplus(session: Session, row: ClosingRow, runs: Sequence[Run], title: str, say: Say) -> Table:
    found = closing_figures.whereabouts(session, runs, PRINTED_RANGES, row.signed_at)
    columns = (Column(say(N_("Numbers")), 50), Column(say(N_("Booklets")), 18, numeric=True),
               Column(say(N_("According to the ledger"))))  # fmt: skip
    rows = [
        (str(each.run), str(each.run.quantity), " · ".join(filter(None, (say(each.label), each.owner))))
        for each in found
    ]
    return Table(columns=columns, rows=rows, title=title)


def _words(row: ClosingRow, say: Say) -> Iterator[str]:
    if row.reason:
        yield say(N_("Reason: %(reason)s"), reason=row.reason)
    if row.balanced:
        yield say(N_("What was counted is what should be there."))
    if row.warned:
        yield say(N_("Attention: one person, %(user)s, signed and closed alone. No second person counted."),
                  user=row.closed_by)  # fmt: skip


def _signatures(row: ClosingRow, say: Say) -> tuple[Signature, ...]:
    first = Signature(say(N_("Counted and signed")), row.signed_name, f"{row.signed_by} · {_time(row.signed_at)}")
    if row.warned:
        return (first,)
    if row.closed_at is None:
        return first, Signature(say(N_("Confirmed and closed")), None)
    return first, Signature(
        say(N_("Confirmed and closed")), row.closed_name, f"{row.closed_by} · {_time(row.closed_at)}"
    )
