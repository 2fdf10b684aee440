"""Libreta: a booklet's card. Where it is in words, its ledger as the manual prints it, its cases (M:L982-L992)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, cast, literal, select, true, union_all
from sqlalchemy.orm import Session, aliased

from models.booklets import Booklet, BookletState, Personalisation
from models.cases import CaseEvent, PassportCase
from models.catalogs import Site, StockCategory, VoidType, Warehouse
from models.stock import ACCOUNT_LABELS, Account, DocumentKind, StockDocument, StockMovement
from models.text import N_
from models.users import User
from security.actor import Actor
from security.errors import NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow.stock.documents import acts_at, allow
from workflow.stock.ledger import BLANK, KINDS, account_of, owner_of

#: Movements shown at once.
PAGE = 50
#: Made once: an alias made anew costs more than the statement it stands in.
_OF_A_USE: Any = (*(aliased(User) for _user in range(5)), aliased(VoidType))
_OF_A_MOVEMENT: Any = (aliased(Warehouse), aliased(Warehouse), aliased(StockMovement))
MOVEMENT = "id at kind from_place to_place remarks document_id reverses_id".split()
#: The name of a warehouse needs no translation; what has no parameters is said as everywhere.
PLACE_WORDS = {
    **ACCOUNT_LABELS,
    Account.WAREHOUSE: "%(warehouse)s",
    Account.HANDS: N_("%(warehouse)s, in the hands of %(user)s"),
    Account.TRANSIT: N_("In transit on transfer No. %(document)s"),
    Account.PRINTING: N_("Personalised, at %(site)s"),
    Account.VOIDED: N_("Voided, in the custody of %(warehouse)s"),
}


@dataclass(frozen=True)
class Words:
    """A text for people: an English message to translate, and its parameters."""

    message_id: str
    params: Mapping[str, str]


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
class Card:
    """All of a booklet. `following`: after which movement the next page starts; `voidable`, `reactivable`: by him."""

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


def card(session: Session, number: str, actor: Actor, *, after: int = 0, screen: str = "booklet") -> Card:
    """The card of booklet `number` with up to PAGE movements later than the one `after`; `NotFound`.

    Three statements, and one more where holders are named: a look at a case, and logged as that.
    """
    allow(actor, Permission.READ_BOOKLETS)
    heads = session.execute(_head(), {"number": number}).all()
    if not heads:
        raise NotFound(N_("There is no booklet %(number)s in stock."), number=number[:20], field="raw")
    booklet, warehouse, category, void = heads[0][:4]
    rows = (found := session.execute(_movements(), {"number": number, "after": after}).mappings().all())[:PAGE]
    places = read_places(session, {booklet.place, *(row[side] for row in rows for side in ("from_place", "to_place"))})
    uses = tuple(_use(head, actor) for head in heads if head.Personalisation is not None)
    for case_number in sorted({use.case_number for use in uses if use.holder}):
        log_look(session, actor, screen, case_number, booklet=number)
    return Card(
        booklet.number, category, booklet.state, booklet.state_since, places[booklet.place], booklet.place,
        warehouse.name if warehouse else None, void.name if void else None, uses,
        tuple(_entry(row, places, actor) for row in rows), rows[-1]["id"] if len(found) > PAGE else None,
        voidable=booklet.state == BookletState.NUEVA and acts_at(actor, warehouse, Permission.VOID_BOOKLETS),
        reactivable=_reactivable(booklet, void) and acts_at(actor, warehouse, Permission.REACTIVATE_BOOKLETS),
    )  # fmt: skip


def _reactivable(booklet: Booklet, void: VoidType | None) -> bool:
    """Whether it was voided as a blank, for a reason that can be undone, and is still there."""
    return void is not None and void.reversible and booklet.case_id is None and booklet.place != Account.DESTROYED


def read_places(session: Session, places: Iterable[str]) -> dict[str, Words]:
    """Each of `places` in words; one statement, whatever they are."""
    wanted = set(places)
    owners = {owner for place in wanted if (owner := owner_of(place))}
    users = {place.rpartition(":")[2] for place in wanted if account_of(place) == Account.HANDS}
    rows = session.execute(
        union_all(
            select(literal("warehouse"), Warehouse.code, Warehouse.name).where(Warehouse.code.in_(owners)),
            select(literal("site"), Site.code, Site.name).where(Site.code.in_(owners)),
            select(literal("user"), cast(User.id, String), User.username).where(User.id.in_(map(int, users))),
        )
    )
    names = {(kind, code): name for kind, code, name in rows}
    return {place: _words(place, names) for place in wanted}


def _words(place: str, names: Mapping[tuple[str, str], str]) -> Words:
    account, owner, user = account_of(place), owner_of(place), place.rpartition(":")[2]
    given = {
        "warehouse": names.get(("warehouse", owner), owner),
        "site": names.get(("site", owner), owner),
        "user": names.get(("user", user), user),
        "document": owner,
    }
    return Words(PLACE_WORDS[account], {name: given[name] for name in given if f"%({name})s" in PLACE_WORDS[account]})


@cache
def _head() -> Any:
    """The booklet with its names, once for each of its uses; made once, as that costs more than asking it."""
    assigner, printer, checker, deliverer, voider, ended = _OF_A_USE
    void = (
        select(StockMovement.at, StockMovement.user_id, StockMovement.void_type_code)
        .where(StockMovement.booklet_number == Personalisation.booklet_number)
        .where(StockMovement.case_id == Personalisation.case_id, StockMovement.kind == "EGRESO_ANULACION")
        .where(Personalisation.voided_at.is_not(None))
        .order_by(StockMovement.id.desc()).limit(1).correlate(Personalisation).lateral("void")
    )  # fmt: skip
    comment = _comment(Personalisation.case_id, Personalisation.booklet_number, void.c.at)
    return (
        select(
            Booklet, Warehouse, StockCategory.name, VoidType, Personalisation, PassportCase,
            Site.name.label("site"), assigner.username.label("assigner"), printer.username.label("printer"),
            checker.username.label("checker"), deliverer.username.label("deliverer"), void.c.at.label("voided_at"),
            voider.username.label("voider"), ended.name.label("ended"), comment.label("comment"),
        )
        .join(StockCategory, StockCategory.code == Booklet.category_code)
        .outerjoin(Warehouse, Warehouse.code == Booklet.warehouse_code)
        .outerjoin(VoidType, VoidType.code == Booklet.void_type_code)
        .outerjoin(Personalisation, Personalisation.booklet_number == Booklet.number)
        .outerjoin(PassportCase, PassportCase.id == Personalisation.case_id)
        .outerjoin(Site, Site.code == Personalisation.site_code)
        .outerjoin(assigner, assigner.id == Personalisation.assigned_by_id)
        .outerjoin(printer, printer.id == Personalisation.printed_by_id)
        .outerjoin(checker, checker.id == Personalisation.checked_by_id)
        .outerjoin(deliverer, deliverer.id == Personalisation.delivered_by_id)
        .outerjoin(void, true())
        .outerjoin(voider, voider.id == void.c.user_id)
        .outerjoin(ended, ended.code == void.c.void_type_code)
        .where(Booklet.number == bindparam("number")).order_by(Personalisation.id)
        .execution_options(every_site=True)
    )  # fmt: skip


def _comment(case_id: Any, booklet: Any, at: Any) -> ColumnElement[str | None]:
    """What was typed on the case at the act that posted a movement."""
    said = select(CaseEvent.comment).where(CaseEvent.case_id == case_id, CaseEvent.at == at)
    said = said.where(CaseEvent.booklet_number == booklet).order_by(CaseEvent.id.desc()).limit(1)
    return said.scalar_subquery()


def _use(head: Any, actor: Actor) -> Use:
    use, case = head.Personalisation, head.PassportCase
    seen = _sees_case(actor, case.site_code, case.print_site_code)
    return Use(
        case.number, seen, case.full_name if seen else None, head.site,
        Step(use.assigned_at, head.assigner), _step(use.printed_at, head.printer),
        _step(use.checked_at, head.checker), _step(use.delivered_at, head.deliverer),
        _step(head.voided_at, head.voider), head.ended, head.comment if seen else None,
    )  # fmt: skip


def _step(at: dt.datetime | None, username: str | None) -> Step | None:
    return Step(at, username or "?") if at else None


def _sees_case(actor: Actor, *sites: str | None) -> bool:
    return actor.may_at(Permission.READ_CASES, *(site for site in sites if site))


@cache
def _movements() -> Any:
    sender, receiver, undone = _OF_A_MOVEMENT
    comment = _comment(StockMovement.case_id, StockMovement.booklet_number, StockMovement.at)
    return (
        select(
            *(getattr(StockMovement, name) for name in MOVEMENT), User.username, VoidType.name.label("void_type"),
            StockDocument.kind.label("document_kind"), StockDocument.printer_id, sender.site_code.label("sender"),
            receiver.site_code.label("receiver"), PassportCase.number.label("case_number"),
            PassportCase.site_code.label("site"), PassportCase.print_site_code.label("print_site"),
            comment.label("comment"), undone.kind.label("undone"), undone.at.label("undone_at"),
        )
        .join(User, User.id == StockMovement.user_id)
        .outerjoin(VoidType, VoidType.code == StockMovement.void_type_code)
        .outerjoin(StockDocument, StockDocument.id == StockMovement.document_id)
        .outerjoin(sender, sender.code == StockDocument.warehouse_code)
        .outerjoin(receiver, receiver.code == StockDocument.to_warehouse_code)
        .outerjoin(PassportCase, PassportCase.id == StockMovement.case_id)
        .outerjoin(undone, undone.id == StockMovement.reverses_id)
        .where(StockMovement.booklet_number == bindparam("number"), StockMovement.id > bindparam("after"))
        .order_by(StockMovement.id).limit(PAGE + 1).execution_options(every_site=True)
    )  # fmt: skip


def _entry(row: Mapping[Any, Any], places: Mapping[str, Words], actor: Actor) -> Entry:
    source, target = row["from_place"], row["to_place"]
    seen = row["case_number"] is not None and _sees_case(actor, row["site"], row["print_site"])
    return Entry(
        row["id"], row["at"], row["kind"], KINDS[row["kind"]].label, row["username"],
        row["document_id"], row["document_kind"], _opens_document(row, actor),
        row["case_number"], seen, row["void_type"], row["remarks"] or (row["comment"] if seen else None),
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
