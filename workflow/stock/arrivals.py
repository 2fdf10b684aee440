"""Transfers received: by range, scan or all, in parts, with differences; what did not come; the manifest's code."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.arrivals import Difference, StockArrival
from models.base import utc_now
from models.booklets import Booklet, BookletState
from models.stock import Account, DocumentState, StockDocument, StockMovement
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import BadValue, Refused, Unavailable, WrongState
from security.permissions import Permission
from workflow.scanning import booklet_in
from workflow.stock import documents, ledger
from workflow.stock.holdings import joined
from workflow.stock.run_sets import common, size, without
from workflow.stock.serials import Run, runs_text
from workflow.stock.transfer_lists import runs_in_transit, runs_received

RECEIVE = Permission.CONFIRM_TRANSFERS
#: Numbers that are not of the transfer, in one confirmation; more come of a mistyped range.
SURPLUS_AT_MOST = 1000


@dataclass(frozen=True)
class Received:
    """What one confirmation did: its number, booklets received, differences recorded, numbers that had come before."""

    number: int
    booklets: int
    surplus: int
    damaged: int
    again: list[Run]


def receive(
    session: Session,
    document: StockDocument,
    actor: Actor,
    *,
    runs: Sequence[Run] = (),
    everything: bool = False,
    damaged: Sequence[Run] = (),
    remarks: str | None = None,
) -> Received:
    """Confirm that booklets of a transfer arrived: `runs` and `damaged`, and `everything` still in transit.

    Numbers that are not in transit on it are recorded as surplus and not moved; those that it brought before are told
    in `again` and not recorded. Damaged ones enter the warehouse as new and are recorded: they must be voided there.
    `WrongState` when nothing is in transit any more, `Unavailable` when all the numbers were received before.
    """
    remarks = documents.free_text("remarks", remarks, 2000)
    inside = _open_for(session, document, actor)
    broken = _damaged(damaged, inside)
    given = joined([*(inside if everything else ()), *runs, *broken])
    if not given:
        raise BadValue(N_("Scan or type at least one booklet."), field="numbers")
    surplus, again = _outside(session, document, without(given, inside))
    entering = common(given, inside)
    if not entering and not surplus:
        raise _received_before(session, document, again)
    arrival = _arrival(session, document, actor, size(entering), remarks)
    if entering:
        ledger.post_runs(
            session, actor, "TRASLADO_INGRESA", entering, document=document, at=arrival.at,
            source=ledger.transit_place(document.id), target=ledger.warehouse_place(str(document.to_warehouse_code)),
        )  # fmt: skip
    _record(session, arrival, Difference.DAMAGED, broken)
    _record(session, arrival, Difference.SURPLUS, surplus)
    settle(session, document.id)
    return Received(arrival.number, arrival.received, size(surplus), size(broken), again)


def declare_missing(session: Session, document: StockDocument, actor: Actor, *, remarks: str) -> StockArrival:
    """Record that what is still in transit did not come, number by number; it stays there until found or voided.

    `Refused` when all of it was declared before.
    """
    words = documents.free_text("remarks", remarks, 2000)
    inside = _open_for(session, document, actor)
    if words is None:
        raise BadValue(N_("Say what was found and what was done about it."), field="remarks")
    rest = without(inside, [Run(*row) for row in session.execute(_DECLARED, {"document": document.id})])
    if not rest:
        raise Refused(N_("All that is in transit on transfer %(number)s was declared missing."), number=document.id)
    arrival = _arrival(session, document, actor, 0, words)
    _record(session, arrival, Difference.MISSING, rest)
    return arrival


def settle(session: Session, document_id: int) -> None:
    """Note on a transfer when nothing of it is in transit any more: for whoever takes booklets out of transit.

    Locks the document. Who locks a booklet in transit too locks the document first (`hold`), as a receiver does.
    """
    document = hold(session, document_id)
    if (
        document.received_at is None
        and document.state == DocumentState.CERRADO
        and not _any_in_transit(session, document)
    ):
        document.received_at = utc_now()
        session.flush()


def hold(session: Session, document_id: int) -> StockDocument:
    """The document, locked until the transaction ends: nobody receives it meanwhile."""
    session.flush()
    return session.get_one(StockDocument, document_id, with_for_update=True, populate_existing=True)


def nothing_left(session: Session, document: StockDocument) -> WrongState:
    """That nothing is in transit, and who ended it when."""
    last = session.execute(
        select(User.username, StockArrival.at)
        .join(User, User.id == StockArrival.user_id)
        .where(StockArrival.document_id == document.id).order_by(StockArrival.number.desc()).limit(1)
    ).first()  # fmt: skip
    if last is None:
        return WrongState(N_("Nothing of transfer %(number)s is in transit."), number=document.id)
    return WrongState(
        N_("Nothing of transfer %(number)s is in transit any more: %(user)s confirmed it last at %(at)s."),
        number=document.id, user=last.username, at=last.at,
    )  # fmt: skip


def expected(session: Session, document: StockDocument, actor: Actor) -> list[Run]:
    """What is in transit on the transfer, for who may receive it; raises what keeps `actor` from it."""
    documents.allow_at(session, actor, str(document.to_warehouse_code), RECEIVE)
    if document.closed_by_id == actor.user_id:
        raise Refused(N_("You sent this transfer: another person must receive it."))
    inside = runs_in_transit(session, document.id)
    if not inside:
        raise nothing_left(session, document)
    return inside


def _open_for(session: Session, document: StockDocument, actor: Actor) -> list[Run]:
    """Lock the transfer for its receiver; what is in transit on it."""
    documents.lock(session, document, None, DocumentState.CERRADO)
    return expected(session, document, actor)


def _damaged(runs: Sequence[Run], inside: Sequence[Run]) -> list[Run]:
    broken = joined(runs)
    strange = without(broken, inside)
    if strange:
        raise BadValue(
            N_("These are not in transit on this transfer: %(ranges)s."), field="damaged", ranges=runs_text(strange)
        )
    return broken


def _outside(session: Session, document: StockDocument, runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """`runs` that are not in transit, in what is surplus and what came before."""
    if not runs:
        return [], []
    before = runs_received(session, document.id)
    surplus = without(runs, before)
    if size(surplus) > SURPLUS_AT_MOST:
        raise BadValue(
            N_("%(count)s of these numbers are not of this transfer (%(ranges)s): check what was typed."),
            field="numbers", count=size(surplus), ranges=runs_text(surplus, 3),
        )  # fmt: skip
    return surplus, common(runs, before)


def _received_before(session: Session, document: StockDocument, again: Sequence[Run]) -> Unavailable:
    who = session.execute(
        select(User.username, StockMovement.at)
        .join(User, User.id == StockMovement.user_id)
        .where(StockMovement.document_id == document.id, StockMovement.kind == "TRASLADO_INGRESA")
        .where(StockMovement.booklet_number == again[0].first_number)
    ).one()
    return Unavailable(
        N_("These were received before: %(ranges)s. %(user)s confirmed it at %(at)s."),
        field="numbers", ranges=runs_text(again), user=who.username, at=who.at,
    )  # fmt: skip


def _arrival(
    session: Session, document: StockDocument, actor: Actor, received: int, remarks: str | None
) -> StockArrival:
    last = session.scalar(select(func.max(StockArrival.number)).where(StockArrival.document_id == document.id))
    arrival = StockArrival(
        document_id=document.id, number=(last or 0) + 1, at=utc_now(), user_id=actor.user_id, received=received,
        remarks=remarks,
    )  # fmt: skip
    session.add(arrival)
    session.flush()
    return arrival


_RECORD = text(
    """
    insert into stock_difference (arrival_id, booklet_number, kind)
    select :arrival, r.prefix || lpad(n::text, 7, '0'), :kind
      from unnest(cast(:prefixes as varchar[]), cast(:firsts as int[]), cast(:quantities as int[]))
               r(prefix, first, quantity), generate_series(r.first, r.first + r.quantity - 1) n
    """.replace("::", "\\:\\:")
)
_DECLARED = text(
    """
    select left(f.booklet_number, 1), substr(f.booklet_number, 2)::int, 1
      from stock_difference f join stock_arrival a on a.id = f.arrival_id
     where a.document_id = :document and f.kind = 'MISSING' order by f.booklet_number
    """.replace("::", "\\:\\:")
)


def _record(session: Session, arrival: StockArrival, kind: Difference, runs: Sequence[Run]) -> None:
    values = {
        "prefixes": [run.prefix for run in runs],
        "firsts": [run.first for run in runs],
        "quantities": [run.quantity for run in runs],
    }
    if runs:
        session.execute(_RECORD, {**values, "arrival": arrival.id, "kind": kind})


def _any_in_transit(session: Session, document: StockDocument) -> bool:
    here = select(Booklet.number).where(
        Booklet.state == BookletState.NUEVA, Booklet.place == ledger.transit_place(document.id)
    )
    return session.execute(here.limit(1)).first() is not None


# The manifest's 2D code: which transfer, how many booklets, and which by a digest of their ranges.
@dataclass(frozen=True)
class Manifest:
    """What the code on a manifest says."""

    number: int
    booklets: int
    digest: str


#: A reader with a foreign keyboard layout types something else for `;`, and Caps Lock turns the letters.
_MANIFEST = re.compile(r"T([0-9]{1,9})[^0-9A-Z]([0-9]{1,9})[^0-9A-Z]([0-9A-F]{16})")


def manifest_code(document: StockDocument) -> str:
    """The text of the 2D code of the transfer's manifest: `T<id>;<booklets>;<16 hex of SHA-256 over its ranges>`."""
    runs = joined(documents.runs(document))
    ranges = ",".join(f"{run.first_number}+{run.quantity}" for run in runs)
    return f"T{document.id};{size(runs)};{hashlib.sha256(ranges.encode()).hexdigest()[:16]}"


def read_manifest(raw: str) -> Manifest:
    """What was scanned off a manifest; `BadValue` when it is something else."""
    found = _MANIFEST.fullmatch("".join(raw.split()).upper())
    if found is None:
        raise BadValue(N_("This is not the code of a manifest."), field="manifest")
    return Manifest(int(found[1]), int(found[2]), found[3].lower())


def transfer_scanned(session: Session, raw: str) -> int:
    """The number of the transfer that was scanned: off its manifest, or off a booklet that is in transit on it."""
    number = booklet_in(raw)
    if number is None:
        return read_manifest(raw).number
    booklet = session.get(Booklet, number)
    if booklet is None or ledger.account_of(booklet.place) != Account.TRANSIT:
        raise Unavailable(N_("Booklet %(number)s is not in transit."), field="manifest", number=number)
    return int(ledger.owner_of(booklet.place))


def check_manifest(document: StockDocument, raw: str) -> Manifest:
    """Read a manifest and make sure that it is of this transfer, as it was closed; `Unavailable` otherwise."""
    paper = read_manifest(raw)
    if paper.number != document.id:
        raise Unavailable(
            N_("This manifest is of transfer %(other)s, not of %(number)s."),
            field="manifest", other=paper.number, number=document.id,
        )  # fmt: skip
    if paper != read_manifest(manifest_code(document)):
        raise Unavailable(
            N_("This manifest does not say what transfer %(number)s sent: count every booklet."),
            field="manifest", number=document.id,
        )  # fmt: skip
    return paper
