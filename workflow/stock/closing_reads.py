"""Reading day closings: the lists, one with its names, warehouses that wait to be closed, numbers page by page."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session, aliased

from models.catalogs import Warehouse
from models.closings import ClosingLine, ClosingRange, DayClosing
from models.stock import DocumentState
from models.users import User
from security.actor import Actor
from workflow.stock import closing_figures, closings, document_lists, documents
from workflow.stock.closing_figures import Figures, Found
from workflow.stock.serials import Run

OPEN_AT_MOST = 200
CLOSED_PAGE = 50
#: Ranges on a page of their own; the surplus ones break into pieces by what the ledger says of them.
RANGES_PAGE, PIECES_AT_MOST = 100, 2000
#: Counted ranges on the page of a closing.
COUNTED_SHOWN = 50
KINDS = ("COUNTED", "MISSING", "SURPLUS")


@dataclass(frozen=True)
class ClosingRow:
    """A day closing with the names of what it refers to; its totals are those frozen, 0 before it is signed."""

    number: int
    version: int
    state: DocumentState
    on: dt.date
    warehouse_code: str
    warehouse: str
    site_code: str | None
    created_by: str
    created_at: dt.datetime
    signed_by_id: int | None
    signed_by: str | None
    signed_name: str | None
    signed_at: dt.datetime | None
    closed_by_id: int | None
    closed_by: str | None
    closed_name: str | None
    closed_at: dt.datetime | None
    reason: str | None
    warned: bool
    expected: int
    counted: int
    missing: int
    surplus: int

    @property
    def is_open(self) -> bool:
        return self.state == DocumentState.ABIERTO

    @property
    def is_signed(self) -> bool:
        return self.state == DocumentState.POR_CONFIRMAR

    @property
    def balanced(self) -> bool:
        return not self.missing and not self.surplus


@dataclass(frozen=True)
class Differences:
    """The first missing and surplus numbers of a closing, and whether there are more of them."""

    missing: tuple[Run, ...]
    more_missing: bool
    surplus: tuple[Found, ...]
    more_surplus: bool


@dataclass(frozen=True)
class RangesPage:
    """Ranges of a kind, where the next page starts (None: nowhere), and whether pieces of these were left out."""

    found: tuple[Found, ...]
    following: Run | None
    cut: bool = False


def pending(session: Session, actor: Actor) -> list[ClosingRow]:
    """Closings that are being counted or wait for the second person, newest first, at most OPEN_AT_MOST."""
    query = _closings(actor).where(DayClosing.state != DocumentState.CERRADO).limit(OPEN_AT_MOST)
    return [ClosingRow(*row) for row in session.execute(query)]


def closed(
    session: Session, actor: Actor, *, warehouse: str | None = None, before: int | None = None
) -> tuple[list[ClosingRow], int | None]:
    """Up to CLOSED_PAGE closed ones, newest first, numbered below `before`; and where the next page starts."""
    query = _closings(actor).where(DayClosing.state == DocumentState.CERRADO).limit(CLOSED_PAGE + 1)
    if warehouse:
        query = query.where(DayClosing.warehouse_code == warehouse)
    if before is not None:
        query = query.where(DayClosing.id < before)
    rows = [ClosingRow(*row) for row in session.execute(query)]
    return rows[:CLOSED_PAGE], rows[CLOSED_PAGE - 1].number if len(rows) > CLOSED_PAGE else None


def row(session: Session, number: int, actor: Actor) -> ClosingRow:
    """The closing of that number, or `NotFound`."""
    found = closings.find(session, number, actor)
    return ClosingRow(*session.execute(_closings(actor).where(DayClosing.id == found.id)).one())


def not_closed(session: Session, actor: Actor, on: dt.date) -> list[Warehouse]:
    """The warehouses that `actor` may act at and that have no closing of the day `on`, nor one that is open."""
    begun = set(
        session.scalars(
            select(DayClosing.warehouse_code).where((DayClosing.on == on) | (DayClosing.state != DocumentState.CERRADO))
        )
    )
    return [place for place in document_lists.warehouses(session, actor) if place.code not in begun]


def counted(session: Session, closing: DayClosing) -> tuple[int, int]:
    """How many ranges were counted, and how many booklets they are."""
    query = select(func.count(), func.coalesce(func.sum(ClosingRange.quantity), 0))
    ranges, booklets = session.execute(
        query.where(ClosingRange.closing_id == closing.id, ClosingRange.kind == "COUNTED")
    ).one()
    return ranges, booklets


def differences(session: Session, closing: DayClosing, figures: Sequence[Figures]) -> Differences:
    """What `figures` name as missing and surplus, with what the ledger says of the surplus."""
    shown = closing_figures.SHOWN
    surplus = [run for each in figures for run in each.surplus_runs[:shown]]
    found = closing_figures.whereabouts(session, surplus, RANGES_PAGE + 1, closing.signed_at)
    return Differences(
        tuple(run for each in figures for run in each.missing_runs[:shown]),
        any(len(each.missing_runs) > shown for each in figures),
        tuple(found[:RANGES_PAGE]),
        len(found) > RANGES_PAGE or any(len(each.surplus_runs) > shown for each in figures),
    )


def ranges(session: Session, closing: DayClosing, kind: str, after: Run | None = None) -> RangesPage:
    """A page of the ranges of `kind`, those of SURPLUS with what the ledger says of them."""
    runs = closing_figures.numbers(session, closing, kind, RANGES_PAGE + 1, after)
    page, following = runs[:RANGES_PAGE], runs[RANGES_PAGE - 1] if len(runs) > RANGES_PAGE else None
    if kind != "SURPLUS":
        return RangesPage(tuple(Found(run, None) for run in page), following)
    found = closing_figures.whereabouts(session, page, PIECES_AT_MOST + 1, closing.signed_at)
    return RangesPage(tuple(found[:PIECES_AT_MOST]), following, len(found) > PIECES_AT_MOST)


def _closings(actor: Actor) -> Select[Any]:
    actor = documents.allow(actor, *closings.READ)
    author, signer, closer = (aliased(User) for _user in range(3))
    columns: tuple[Any, ...] = (
        DayClosing.id, DayClosing.version, DayClosing.state, DayClosing.on,
        DayClosing.warehouse_code, Warehouse.name, Warehouse.site_code, author.username, DayClosing.created_at,
        DayClosing.signed_by_id, signer.username, _name(signer), DayClosing.signed_at,
        DayClosing.closed_by_id, closer.username, _name(closer), DayClosing.closed_at,
        DayClosing.reason, DayClosing.warned,
        *(_total(column) for column in (
            ClosingLine.expected, ClosingLine.counted, ClosingLine.missing, ClosingLine.surplus
        )),
    )  # fmt: skip
    return (
        select(*columns)
        .join(Warehouse, Warehouse.code == DayClosing.warehouse_code)
        .join(author, author.id == DayClosing.created_by_id)
        .outerjoin(signer, signer.id == DayClosing.signed_by_id)
        .outerjoin(closer, closer.id == DayClosing.closed_by_id)
        .where(_visible(actor))
        .order_by(DayClosing.id.desc())
    )


def _name(user: Any) -> Any:
    return user.first_name + " " + user.last_name


def _total(column: Any) -> Any:
    total = select(func.coalesce(func.sum(column), 0)).where(ClosingLine.closing_id == DayClosing.id)
    return total.scalar_subquery()


def _visible(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.sites is None else Warehouse.site_code.in_(sorted(actor.sites))
