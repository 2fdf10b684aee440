"""The ledger of booklets: the kinds of movement, declared once, and the one writer of movements (docs/decisions/0010).

A movement takes a booklet out of one place and puts it into another. The database keeps the same rules again: it
refuses a movement from where the booklet is not, moves the booklet (`place`, `state`, `warehouse_code`) and adds to the
day's turnover. So what is posted here needs no second step, and nothing moves a booklet without being posted.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.base import utc_now
from models.booklets import Booklet
from models.stock import Account as A
from models.stock import DocumentKind as D
from models.stock import StockDocument, StockMovement
from models.text import N_
from security.actor import Actor
from security.errors import NotAllowed, Unavailable
from security.permissions import Permission as P
from workflow.stock.serials import Run, runs_text

BLANK = (A.WAREHOUSE, A.HANDS, A.TRANSIT)


@dataclass(frozen=True)
class Kind:
    """A kind of movement: from which accounts to which, on which documents (none: no document), by whom.

    `permissions`: one of them is asked; none: the act that posts it asks. `case`: it belongs to a case. `reverses`: it
    undoes a movement and names it; its places are that one's, swapped.
    """

    code: str
    label: str
    sources: tuple[A, ...]
    targets: tuple[A, ...]
    permissions: tuple[P, ...] = ()
    documents: tuple[D, ...] = ()
    case: bool = False
    reverses: bool = False


KINDS = {
    kind.code: kind
    for kind in (
        Kind("INGRESO", N_("Receipt"), (A.SUPPLIER,), (A.WAREHOUSE,), (P.RECEIVE_STOCK,), (D.INGRESO,)),
        Kind("TRASLADO_SALE", N_("Transfer: out"), (A.WAREHOUSE,), (A.TRANSIT,), (P.TRANSFER_STOCK,), (D.TRASLADO,)),
        Kind(
            "TRASLADO_INGRESA", N_("Transfer: in"), (A.TRANSIT,), (A.WAREHOUSE,),
            (P.CONFIRM_TRANSFERS, P.TRANSFER_STOCK), (D.TRASLADO,),
        ),
        Kind("SALIDA", N_("Issue to a printer"), (A.WAREHOUSE,), (A.HANDS,),
             (P.ISSUE_STOCK, P.PRINT_BOOKLETS, P.PRINT_MOBILE), (D.SALIDA,)),
        Kind("REINGRESO_SALIDA", N_("Return from a printer"), (A.HANDS,), (A.WAREHOUSE,),
             (P.ISSUE_STOCK, P.PRINT_BOOKLETS, P.PRINT_MOBILE), (D.DEVOLUCION,)),
        Kind("EGRESO_PERSONALIZACION", N_("Issue for personalisation"), (A.WAREHOUSE, A.HANDS), (A.PRINTING,),
             case=True),
        Kind("ENTREGA", N_("Handed to the holder"), (A.PRINTING,), (A.HOLDER,), case=True),
        Kind("EGRESO_ANULACION", N_("Void"), (*BLANK, A.PRINTING, A.HOLDER), (A.VOIDED, A.OUTSIDE)),
        Kind("REINGRESO_REACTIVACION", N_("Reactivation"), (A.VOIDED, A.OUTSIDE), (*BLANK, A.PRINTING, A.HOLDER),
             reverses=True),
        Kind("DESTRUCCION", N_("Destruction"), (A.VOIDED,), (A.DESTROYED,), (P.DESTROY_BOOKLETS,), (D.DESTRUCCION,)),
        Kind("REVERSION", N_("Reversal"), (A.WAREHOUSE, A.TRANSIT), (A.SUPPLIER, A.WAREHOUSE), (P.REVERSE_STOCK,),
             (D.REVERSION,), reverses=True),
    )
}  # fmt: skip


def warehouse_place(warehouse: str) -> str:
    return f"{A.WAREHOUSE}:{warehouse}"


def hands_place(warehouse: str, printer_id: int) -> str:
    """Where the blanks are that `warehouse` issued to a printer."""
    return f"{A.HANDS}:{warehouse}:{printer_id}"


def transit_place(document_id: int) -> str:
    return f"{A.TRANSIT}:{document_id}"


def printing_place(site: str) -> str:
    return f"{A.PRINTING}:{site}"


def voided_place(warehouse: str) -> str:
    return f"{A.VOIDED}:{warehouse}"


def account_of(place: str) -> A:
    return A(place.partition(":")[0])


def owner_of(place: str) -> str:
    """The warehouse, site or document of a place; blank where it has none."""
    return place.partition(":")[2].partition(":")[0]


def post(
    session: Session,
    actor: Actor,
    kind: str,
    booklet: Booklet,
    target: str,
    *,
    at: dt.datetime | None = None,
    case_id: int | None = None,
    document: StockDocument | None = None,
    reverses: StockMovement | None = None,
    void_type: str | None = None,
    remarks: str | None = None,
) -> StockMovement:
    """Move one booklet, already locked, from where it is to `target`; `booklet` tells the new state afterwards."""
    _declared(actor, kind, booklet.place, target)
    movement = StockMovement(
        booklet_number=booklet.number,
        kind=kind,
        from_place=booklet.place,
        to_place=target,
        # Who waited for the booklet began before the one he waited for: its ledger goes forward all the same.
        at=max(at or utc_now(), booklet.state_since),
        user_id=actor.user_id,
        case_id=case_id,
        document_id=document.id if document else None,
        reverses_id=reverses.id if reverses else None,
        void_type_code=void_type,
        remarks=remarks,
    )
    session.flush()
    session.add(movement)
    session.flush()
    session.refresh(booklet)
    return movement


def post_each(
    session: Session,
    actor: Actor,
    kind: str,
    moves: Sequence[tuple[Booklet, str]],
    *,
    at: dt.datetime,
    void_type: str | None = None,
    remarks: str | None = None,
) -> None:
    """Move booklets, already locked, each to its place, without case or document; one statement for a thousand."""
    for booklet, target in moves:
        _declared(actor, kind, booklet.place, target)
    session.flush()
    session.add_all(
        StockMovement(
            booklet_number=booklet.number, kind=kind, from_place=booklet.place, to_place=target, at=at,
            user_id=actor.user_id, void_type_code=void_type, remarks=remarks,
        )
        for booklet, target in moves
    )  # fmt: skip
    session.flush()
    for booklet, _target in moves:
        session.expire(booklet)


def last_movement(session: Session, number: str) -> StockMovement:
    """The last entry of the booklet's ledger; every booklet in stock has one."""
    query = select(StockMovement).where(StockMovement.booklet_number == number)
    return session.scalars(query.order_by(StockMovement.id.desc()).limit(1)).one()


_RUNS = """
    unnest(cast(:prefixes as varchar[]), cast(:firsts as int[]), cast(:quantities as int[])) r(prefix, first, quantity)
"""
_OF_RUNS = """
    b.number between r.prefix || lpad(r.first::text, 7, '0')
                 and r.prefix || lpad((r.first + r.quantity - 1)::text, 7, '0')
"""
#: In the order of their numbers, so that two lots that share booklets wait for each other and never both.
_LOCK = text(
    f"""
    select count(*) from (
        select 1 from {_RUNS} join booklet b on {_OF_RUNS} where b.place = :source order by b.number for update of b) l
    """.replace("::", "\\:\\:")  # noqa: S608
)
_POST = text(
    f"""
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id)
    select r.prefix || lpad(n::text, 7, '0'), :kind, :source, :target, :at, :user, :document
      from {_RUNS}, generate_series(r.first, r.first + r.quantity - 1) n
    """.replace("::", "\\:\\:")  # noqa: S608
)
_ASTRAY = text(
    f"""
    with astray as (
        select r.prefix, n from {_RUNS}, generate_series(r.first, r.first + r.quantity - 1) n
         where not exists (select from booklet b where b.number = r.prefix || lpad(n::text, 7, '0')
                              and b.place = :source))
    select prefix, min(n), count(*)
      from (select prefix, n, n - row_number() over (partition by prefix order by n) g from astray) t
     group by prefix, g order by 1, 2 limit 11
    """.replace("::", "\\:\\:")  # noqa: S608
)


def post_runs(
    session: Session,
    actor: Actor,
    kind: str,
    runs: Sequence[Run],
    *,
    document: StockDocument,
    source: str,
    target: str,
    at: dt.datetime,
) -> int:
    """Move every booklet of `runs` from `source` to `target` on a document; returns how many.

    `document` is closed already in this transaction. Set-based: the same statements for one booklet as for 100,000.
    Raises `Unavailable` naming the ranges that are not at `source`; then nothing was moved.
    """
    _declared(actor, kind, source, target)
    session.flush()
    values = {**_arrays(runs), "source": source}
    quantity = sum(run.quantity for run in runs)
    # The booklets of a receipt are made by its movements.
    if kind != "INGRESO" and session.execute(_LOCK, values).scalar_one() != quantity:
        raise Unavailable(
            N_("These booklets are not there: %(ranges)s."),
            field="first",
            ranges=runs_text(astray(session, runs, source)),
        )
    values |= {"kind": kind, "target": target, "at": at, "user": actor.user_id, "document": document.id}
    session.execute(_POST, values)
    return quantity


def astray(session: Session, runs: Sequence[Run], place: str) -> list[Run]:
    """The runs of numbers in `runs` that are not at `place`, lowest first; eleven mean there may be more."""
    rows = session.execute(_ASTRAY, {**_arrays(runs), "source": place})
    return [Run(*row) for row in rows]


#: Each booklet is locked before its entry gets its number: nobody posts in between.
_REVERSE = text(
    """
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, document_id, reverses_id)
    select m.booklet_number, 'REVERSION', m.to_place, m.from_place, :at, :user, :document, m.id
      from stock_movement m join booklet b on b.number = m.booklet_number and b.place = m.to_place
     where m.document_id = :reversed and m.kind = :kind order by m.booklet_number for update of b
    """
)


def post_reversal(
    session: Session, actor: Actor, document: StockDocument, reversed_id: int, kind: str, at: dt.datetime
) -> int:
    """Undo the movements `kind` of document `reversed_id`, by entries that point to them.

    Returns how many. A booklet that moved on and came back is refused by the database: only a last movement is undone.
    """
    if not actor.may(*KINDS["REVERSION"].permissions):
        raise NotAllowed()
    session.flush()
    values = {"at": at, "user": actor.user_id, "document": document.id, "reversed": reversed_id, "kind": kind}
    done: int = session.execute(_REVERSE, values).rowcount  # type: ignore[attr-defined]
    return done


def _arrays(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "prefixes": [run.prefix for run in runs],
        "firsts": [run.first for run in runs],
        "quantities": [run.quantity for run in runs],
    }


def _declared(actor: Actor, kind: str, source: str, target: str) -> None:
    """Refuse what no kind declares: that is a mistake in the code, not of a person; and who may not post it."""
    declared = KINDS[kind]
    if account_of(source) not in declared.sources or account_of(target) not in declared.targets:
        raise ValueError(f"{kind} does not lead from {source} to {target}")
    if declared.permissions and not actor.may(*declared.permissions):
        raise NotAllowed()
