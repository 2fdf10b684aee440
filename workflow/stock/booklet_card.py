"""Libreta: a booklet's card. Where it is in words, its ledger as the manual prints it, its cases (M:L982-L992)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, true
from sqlalchemy.orm import Session

from models.base import AnyRow, read_rows
from models.booklets import Booklet, BookletState, Personalisation
from models.cases import CaseEvent, PassportCase, full_name_of
from models.catalogs import VoidType, Warehouse
from models.stock import Account, DocumentKind, StockDocument, StockMovement
from models.text import N_
from security.actor import Actor
from security.errors import NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow.labels import Labels, read_labels
from workflow.stock.documents import acts_for, allow
from workflow.stock.ledger import BLANK, KINDS, account_of
from workflow.stock.places import Words, holders, in_words

#: Movements shown at once.
PAGE = 50
#: What is done with the booklet for a case, one after the other.
STEPS = ("assigned", "printed", "checked", "delivered")
#: The columns of `UsedFor`, but for the name.
OF_A_CASE = ("id", "number", "state", "site_code", "print_site_code", "booklet_number")
MOVEMENT = "id at kind from_place to_place user_id void_type_code remarks document_id reverses_id".split()


@dataclass(frozen=True)
class Row:
    """One side of a movement, as a line of the card: what came into a place, or went out of it."""

    place: Words
    came: int
    went: int


@dataclass(frozen=True)
class Entry:
    """A movement of the booklet. `balance` is that of our stock after it: 1 in a warehouse, in hands, in transit.

    `document` and `case_number` are links where the actor may open them (`opens_document`, `opens_case`); `remarks`
    of a case are blank for who may not.
    """

    id: int
    at: dt.datetime
    kind: str
    label: str
    username: str
    document: int | None
    document_kind: DocumentKind | None
    opens_document: bool
    case_number: str | None
    opens_case: bool
    void_type: str | None
    remarks: str | None
    undone_id: int | None
    undone: str | None
    undone_at: dt.datetime | None
    source: Words
    target: Words
    balance: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Step:
    """Who did something with the booklet, and when."""

    at: dt.datetime
    username: str


@dataclass(frozen=True)
class Use:
    """One personalisation of the booklet. `holder` and `comment` are blank for who does not see the case."""

    case_number: str
    opens_case: bool
    holder: str | None
    site: str
    assigned: Step
    printed: Step | None
    checked: Step | None
    delivered: Step | None
    voided: Step | None
    void_type: str | None
    comment: str | None


@dataclass(frozen=True)
class UsedFor:
    """The case of a use: what tells who sees it, and what may be done with it."""

    id: int
    number: str
    state: str
    site_code: str
    print_site_code: str
    booklet_number: str | None
    full_name: str


@dataclass(frozen=True)
class Card:
    """All of a booklet. `following`: after which movement the next page starts; `voidable`, `reactivable`: by him.

    `case`: that of its last use; `case_id`: of the case it belongs to now.
    """

    number: str
    category: str
    state: BookletState
    state_since: dt.datetime
    place: Words
    place_code: str
    warehouse: str | None
    void_type: str | None
    uses: tuple[Use, ...]
    entries: tuple[Entry, ...]
    following: int | None
    voidable: bool
    reactivable: bool
    case_id: int | None
    case: UsedFor | None


def card(session: Session, number: str, actor: Actor, *, after: int = 0, screen: str = "booklet") -> Card:
    """The card of booklet `number` with up to PAGE movements later than the one `after`; `NotFound`.

    Three statements, and one more where holders are named: a look at a case, and logged as that.
    """
    allow(actor, Permission.READ_BOOKLETS)
    heads = read_rows(session, _heads, {"number": number})
    if not heads:
        raise NotFound(N_("There is no booklet %(number)s in stock."), number=number[:20], field="raw")
    booklet = heads[0]
    found = [row._mapping for row in read_rows(session, _movements, {"number": number, "after": after})]
    rows = found[:PAGE]
    labels = read_labels(session, _people(booklet, heads, rows))
    uses = tuple(_use(head, labels, actor) for head in heads if head.case_0 is not None)
    for case_number in sorted({use.case_number for use in uses if use.holder}):
        log_look(session, actor, screen, case_number, booklet=number)
    return Card(
        booklet.number, labels.name("stock_category", booklet.category_code) or "", BookletState(booklet.state),
        booklet.state_since, in_words(booklet.place, labels), booklet.place,
        labels.name("warehouse", booklet.warehouse_code), labels.name("void_type", booklet.void_type_code), uses,
        tuple(_entry(row, labels, actor) for row in rows), rows[-1]["id"] if len(found) > PAGE else None,
        voidable=booklet.state == BookletState.NUEVA and _acts(booklet, actor, Permission.VOID_BOOKLETS),
        reactivable=_reactivable(booklet) and _acts(booklet, actor, Permission.REACTIVATE_BOOKLETS),
        case_id=booklet.case_id, case=_case(heads[-1]) if uses else None,
    )  # fmt: skip


def _acts(booklet: AnyRow, actor: Actor, permission: Permission) -> bool:
    return booklet.warehouse_code is not None and acts_for(actor, booklet.warehouse_site, permission)


def _reactivable(booklet: AnyRow) -> bool:
    """Whether it was voided as a blank, for a reason that can be undone, and is still there."""
    return bool(booklet.reversible) and booklet.case_id is None and booklet.place != Account.DESTROYED


def _people(booklet: AnyRow, heads: Iterable[AnyRow], rows: Iterable[Mapping[Any, Any]]) -> Iterator[int | None]:
    yield from holders([booklet.place])
    for head in heads:
        yield from (getattr(head, f"{step}_by_id") for step in STEPS)
        yield head.voider
    for row in rows:
        yield row["user_id"]
        yield from holders((row["from_place"], row["to_place"]))


def _table(entity: Any) -> Any:
    return entity.__table__


def _head() -> Any:
    """The booklet, once for each of its uses, with the case of each."""
    stock, uses, cases, moves = (_table(each) for each in (Booklet, Personalisation, PassportCase, StockMovement))
    warehouses, kinds = _table(Warehouse), _table(VoidType)
    void = (
        select(moves.c.at, moves.c.user_id, moves.c.void_type_code)
        .where(moves.c.booklet_number == uses.c.booklet_number, moves.c.case_id == uses.c.case_id)
        .where(moves.c.kind == "EGRESO_ANULACION", uses.c.voided_at.is_not(None))
        .order_by(moves.c.id.desc()).limit(1).correlate(uses).lateral("void")
    )  # fmt: skip
    of_case = [*(cases.c[key] for key in OF_A_CASE), full_name_of(cases)]
    return (
        select(
            stock, warehouses.c.site_code.label("warehouse_site"), kinds.c.reversible,
            uses.c.site_code.label("used_at"),
            *(uses.c[f"{step}_{said}"] for step in STEPS for said in ("at", "by_id")),
            *(column.label(f"case_{place}") for place, column in enumerate(of_case)),
            void.c.at.label("voided_at"), void.c.user_id.label("voider"), void.c.void_type_code.label("ended"),
            _comment(uses.c.case_id, uses.c.booklet_number, void.c.at).label("comment"),
        )
        .outerjoin(warehouses, warehouses.c.code == stock.c.warehouse_code)
        .outerjoin(kinds, kinds.c.code == stock.c.void_type_code)
        .outerjoin(uses, uses.c.booklet_number == stock.c.number)
        .outerjoin(cases, cases.c.id == uses.c.case_id)
        .outerjoin(void, true())
        .where(stock.c.number == bindparam("number")).order_by(uses.c.id)
    )  # fmt: skip


def _case(head: AnyRow) -> UsedFor:
    return UsedFor(*(head._mapping[f"case_{place}"] for place in range(len(OF_A_CASE) + 1)))


def _comment(case_id: Any, booklet: Any, at: Any) -> ColumnElement[str | None]:
    """What was typed on the case at the act that posted a movement."""
    log = _table(CaseEvent)
    said = select(log.c.comment).where(log.c.case_id == case_id, log.c.at == at, log.c.booklet_number == booklet)
    return said.order_by(log.c.id.desc()).limit(1).scalar_subquery()


def _use(head: AnyRow, labels: Labels, actor: Actor) -> Use:
    case, said = _case(head), {step: getattr(head, f"{step}_at") for step in STEPS}
    seen = _sees_case(actor, case.site_code, case.print_site_code)
    steps = {step: _step(at, getattr(head, f"{step}_by_id"), labels) for step, at in said.items()}
    return Use(
        case.number, seen, case.full_name if seen else None, labels.name("site", head.used_at) or "", **steps,
        voided=_step(head.voided_at, head.voider, labels), void_type=labels.name("void_type", head.ended),
        comment=head.comment if seen else None,
    )  # fmt: skip


def _step(at: dt.datetime | None, user_id: int | None, labels: Labels) -> Any:
    return Step(at, labels.user(user_id) or "?") if at else None


def _sees_case(actor: Actor, *sites: str | None) -> bool:
    return actor.may_at(Permission.READ_CASES, *(site for site in sites if site))


def _ledger() -> Any:
    """The statement of the movements with what they name."""
    moves, papers, cases, warehouses = (
        _table(each) for each in (StockMovement, StockDocument, PassportCase, Warehouse)
    )
    sender, receiver, undone = warehouses.alias(), warehouses.alias(), moves.alias()
    return (
        select(
            *(moves.c[name] for name in MOVEMENT), papers.c.kind.label("document_kind"), papers.c.printer_id,
            sender.c.site_code.label("sender"), receiver.c.site_code.label("receiver"),
            cases.c.number.label("case_number"), cases.c.site_code.label("site"),
            cases.c.print_site_code.label("print_site"),
            _comment(moves.c.case_id, moves.c.booklet_number, moves.c.at).label("comment"),
            undone.c.kind.label("undone"), undone.c.at.label("undone_at"),
        )
        .outerjoin(papers, papers.c.id == moves.c.document_id)
        .outerjoin(sender, sender.c.code == papers.c.warehouse_code)
        .outerjoin(receiver, receiver.c.code == papers.c.to_warehouse_code)
        .outerjoin(cases, cases.c.id == moves.c.case_id)
        .outerjoin(undone, undone.c.id == moves.c.reverses_id)
        .where(moves.c.booklet_number == bindparam("number"), moves.c.id > bindparam("after"))
        .order_by(moves.c.id).limit(PAGE + 1)
    )  # fmt: skip


_heads, _movements = _head(), _ledger()


def _entry(row: Mapping[Any, Any], labels: Labels, actor: Actor) -> Entry:
    source, target = row["from_place"], row["to_place"]
    places = {place: in_words(place, labels) for place in (source, target)}
    seen = row["case_number"] is not None and _sees_case(actor, row["site"], row["print_site"])
    return Entry(
        row["id"], row["at"], row["kind"], KINDS[row["kind"]].label, labels.user(row["user_id"]) or "?",
        row["document_id"], row["document_kind"], _opens_document(row, actor),
        row["case_number"], seen, labels.name("void_type", row["void_type_code"]),
        row["remarks"] or (row["comment"] if seen else None),
        row["reverses_id"], KINDS[row["undone"]].label if row["undone"] else None, row["undone_at"],
        places[source], places[target], int(account_of(target) in BLANK), tuple(_rows(source, target, places)),
    )  # fmt: skip


def _rows(source: str, target: str, places: Mapping[str, Words]) -> Iterator[Row]:
    """The place it left and the place it entered, as far as they are our stock; else where it is now."""
    left, entered = account_of(source) in BLANK, account_of(target) in BLANK
    if left:
        yield Row(places[source], came=0, went=1)
    if entered or not left:
        yield Row(places[target], came=int(entered), went=0)


def _opens_document(row: Mapping[Any, Any], actor: Actor) -> bool:
    if row["document_id"] is None:
        return False
    sites = [site for site in (row["sender"], row["receiver"]) if site]
    return actor.may_at(Permission.READ_STOCK, *sites) or row["printer_id"] == actor.user_id
