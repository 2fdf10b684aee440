"""Lines whose booklets exist: only those that are there and on no other open document; and the second person's count.

Who adds says the place where the booklets lie: a warehouse, a printer's hands, the custody of voided booklets.
"""

from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.stock import StockDocument, StockLine
from models.text import N_
from security.errors import BadValue, Unavailable
from workflow.stock import documents, holdings, ledger
from workflow.stock.holdings import Held
from workflow.stock.run_sets import size
from workflow.stock.serials import Run, runs_text

#: Lines that one addition may bring: more than a page or the minutes could show to any use.
MOST_LINES = 1000


def one_document_at_a_time(session: Session, document: StockDocument) -> None:
    """Two documents of a warehouse at once would not see each other's lines; transfers wait here too."""
    documents.one_at_a_time(session, f"stock_line out of {document.warehouse_code}")


def add(session: Session, document: StockDocument, place: str, wanted: Sequence[Run]) -> int:
    """Put the runs `wanted` on the locked draft; returns how many booklets. Refused whole, naming the ranges, when
    some are on this or another open document of the warehouse or do not lie at `place`.
    """
    runs = holdings.joined(wanted)
    if not runs or len(runs) > MOST_LINES:
        raise BadValue(N_("Type or scan booklet numbers or ranges."), field="numbers")
    one_document_at_a_time(session, document)
    own = [part for run in runs for part in documents.overlap(run, documents.runs(document))]
    if own:
        raise _taken(N_("These numbers are on this document already: %(ranges)s."), own)
    refuse_gone(session, runs, place)
    _refuse_spoken_for(session, document, runs)
    return append(session, document, [entry for run in runs for entry in _at(session, place, run)])


def _at(session: Session, place: str, run: Run) -> list[Held]:
    if ledger.account_of(place) == "VOIDED":
        return holdings.voided(session, ledger.owner_of(place), within=run)
    return holdings.blanks(session, place, within=run)


def refuse_gone(session: Session, runs: Sequence[Run], place: str) -> None:
    """Raise `Unavailable` naming the ranges of `runs` that do not lie at `place`."""
    gone = ledger.astray(session, runs, place)
    if gone:
        raise _taken(N_("These booklets are not there: %(ranges)s."), gone)


def _refuse_spoken_for(session: Session, document: StockDocument, runs: Sequence[Run]) -> None:
    for number, other in holdings.spoken_for(session, document.warehouse_code, document.id):
        shared = documents.overlap(other, runs)
        if shared:
            raise Unavailable(
                N_("These booklets are on document %(document)s, which is open: %(ranges)s."),
                field="numbers", document=number, ranges=runs_text(shared),
            )  # fmt: skip


def _taken(message: str, runs: Sequence[Run]) -> Unavailable:
    return Unavailable(message, field="numbers", ranges=runs_text(runs))


def add_lowest(session: Session, document: StockDocument, place: str, category: str, quantity: int) -> list[Held]:
    """Put the lowest `quantity` free booklets of a category that lie at `place` on the locked draft, as their runs."""
    kind = documents.category_named(session, category)
    if quantity < 1:
        raise BadValue(N_("Type a number, digits alone."), field="quantity")
    one_document_at_a_time(session, document)
    # Those that other open documents took may all be among the lowest.
    taken = size(run for _number, run in holdings.spoken_for(session, document.warehouse_code))
    there = holdings.blanks(session, place, category=kind.code, count=quantity + taken)
    chosen = holdings.first_of(free(session, document, there), quantity)
    found = size(entry.run for entry in chosen)
    if found < quantity:
        raise Unavailable(N_("Only %(count)s booklets are free there."), field="quantity", count=found)
    if len(chosen) > MOST_LINES:
        raise Unavailable(N_("These booklets lie in too many pieces: take fewer at once."), field="quantity")
    append(session, document, chosen)
    return chosen


def free(session: Session, document: StockDocument, held: Sequence[Held]) -> list[Held]:
    """What of `held` is on no open document of the warehouse, `document` among them."""
    return holdings.without(held, [run for _number, run in holdings.spoken_for(session, document.warehouse_code)])


def append(session: Session, document: StockDocument, held: Sequence[Held]) -> int:
    """Put `held` on the locked draft, set-based; returns how many booklets."""
    rows = [
        {"document_id": document.id, "category_code": entry.category_code, "prefix": entry.run.prefix,
         "first": entry.run.first, "quantity": entry.run.quantity}
        for entry in held
    ]  # fmt: skip
    if rows:
        session.execute(insert(StockLine), rows)
        session.expire(document, ["lines"])
        documents.touch(session, document)
    return sum(entry.run.quantity for entry in held)


def refuse_wrong_count(document: StockDocument, counted: int) -> None:
    """Raise `BadValue` unless the second person counted what is on the document; the right number is not told."""
    if counted != sum(line.quantity for line in document.lines):
        raise BadValue(
            N_("Your count differs from the document: count again, or give the document back."), field="counted"
        )
