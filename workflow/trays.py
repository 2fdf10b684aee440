"""A tray: the next cases of a printing queue, each with the next booklet of a stack, printed as one document.

A tray is not stored: it is a number in the events of its cases (assignment and prints). So nothing can be lost, whoever
closes what and when: the tray is the cases that are EN_IMPRESION with that number, and those not yet assigned are still
held by the one who took them. Taking steps over what others hold, so that two who take at once never share a case; a
booklet belongs to who assigns it first. Each act on a case is a transaction of its own, begun by the edge (`Begin`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Sequence as Serial
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.base import Base, utc_now
from models.booklets import Booklet, BookletState, Personalisation
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import PassportType, Site, StockCategory
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, DomainError, NotFound
from security.looks import log_look
from workflow import pages, queues, stations
from workflow.counters import unless_changed
from workflow.machine import HOLD_LASTS, perform
from workflow.queues import Queue
from workflow.stock.on_hand import offered_booklets

#: How many cases a tray has when nobody says how many, and at most.
USUAL, MOST = 10, 50
#: The queues whose cases are printed in trays, and the act that gives a case its booklet.
ASSIGN = {"printing": "assign_booklet", "mobile-printing": "assign_booklet_mobile"}
TRAY_SERIAL = Serial("tray_serial", start=1, metadata=Base.metadata)

Begin = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class Wanted:
    """A case of the list that was shown: its number, the last event shown, the booklet it is to get."""

    case: str
    seen: str
    booklet: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one case: refused, and why, or done, with the warnings that were noted."""

    case: str
    booklet: str
    refusal: DomainError | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A case of a tray or about to be: `seen` is its last event, `booklet` the one it has or is offered."""

    case: PassportCase
    seen: int
    booklet: str = ""
    copies: int = 0


@dataclass(frozen=True)
class Open:
    """A tray of which some cases are still in printing."""

    number: int
    cases: int
    first: str
    last: str


def queue_of_trays(key: str) -> Queue:
    """The printing queue of that key; `NotFound` for others."""
    if key not in ASSIGN:
        raise NotFound(N_("There is no queue called %(name)s."), name=key[:40])
    return queues.queue_called(key)


def count_asked(text: str) -> int:
    """The number of cases that was typed, blank for the usual; `BadValue` beyond 1 to MOST."""
    count = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0 if text else USUAL
    if not 1 <= count <= MOST:
        raise BadValue(N_("A tray has from 1 to %(most)s cases."), field="count", most=MOST)
    return count


def take(session: Session, queue: Queue, site: str, actor: Actor, *, category: str, count: int) -> list[PassportCase]:
    """Hold the next free cases of a category for `actor`, so many with those he holds already. The caller commits."""
    queues.site_called(session, queue, site, actor)
    held = [line.case for line in _held(session, queue, site, actor)]
    free = or_(PassportCase.held_by_id.is_(None), PassportCase.held_at <= utc_now() - HOLD_LASTS)
    types = select(PassportType.code).where(PassportType.category_code == category)
    query = select(PassportCase).where(
        *_waiting(queue, site), free, PassportCase.passport_type_code.in_(types)
    ).order_by(*_ORDER).limit(max(count - len(held), 0))  # fmt: skip
    found = list(session.scalars(query.with_for_update(skip_locked=True, key_share=True)))
    return held + [queues.take(session, queue, case.number, actor) for case in found]


_ORDER = (PassportCase.priority, PassportCase.enrolled_at, PassportCase.id)
_SEEN = (
    select(func.max(CaseEvent.id)).where(CaseEvent.case_id == PassportCase.id).correlate(PassportCase).scalar_subquery()
)


def _waiting(queue: Queue, site: str) -> list[Any]:
    mobile = queue.key == "mobile-printing"
    return [PassportCase.state == queue.state, PassportCase.mobile.is_(mobile), PassportCase.site_code == site]


def _held(session: Session, queue: Queue, site: str, actor: Actor) -> list[Line]:
    query = select(PassportCase, _SEEN).where(
        *_waiting(queue, site), PassportCase.held_by_id == actor.user_id, PassportCase.held_at > utc_now() - HOLD_LASTS
    )
    return [Line(case, seen) for case, seen in session.execute(query.order_by(*_ORDER))]


def proposed(session: Session, queue: Queue, site: str, actor: Actor, *, first: str = "") -> list[Line]:
    """The cases that `actor` took, in the order of the queue, each with the next booklet of his stack from `first` on.

    Blank where the stack has no more; the list is the operator's to change before he prints.
    """
    place = queues.site_called(session, queue, site, actor)
    held = _held(session, queue, site, actor)
    categories = {code: kind for code, kind in session.execute(select(PassportType.code, PassportType.category_code))}
    kinds = [categories[line.case.passport_type_code] for line in held]
    stacks = {kind: _stack(session, place, kind, actor, first, kinds.count(kind)) for kind in set(kinds)}
    pairs = zip(held, kinds, strict=True)
    return [Line(line.case, line.seen, next(stacks[kind], "")) for line, kind in pairs]


def _stack(session: Session, site: Site, category: str, actor: Actor, first: str, count: int) -> Iterator[str]:
    prefix = session.get_one(StockCategory, category).prefix
    first = first if first.startswith(prefix) else ""
    found = offered_booklets(session, site.printing_site, category, actor, count, first=first)
    top = session.get(Booklet, first)
    named = {first} if top is not None and top.state == BookletState.NUEVA else set()
    return iter(sorted({*found, *named})[:count])


def category_of(session: Session, first: str) -> str:
    """The category of the booklet on top of the stack; `BadValue` when there is no such booklet."""
    booklet = session.get(Booklet, first)
    if booklet is None:
        raise BadValue(N_("There is no booklet %(number)s in stock."), field="booklet", number=first[:20])
    return booklet.category_code


def print_tray(
    begin: Begin, queue: Queue, site: str, wanted: Sequence[Wanted], actor: Actor, printer: str | None
) -> tuple[int, list[Outcome]]:
    """Assign and print each case of the list that has a booklet; the new tray's number, and what became of each.

    Raises before anything is assigned when nothing can be printed: no printer was chosen, or the font is missing.
    """
    with begin() as session:
        place = queues.site_called(session, queue, site, actor)
        stations.printer_for(session, place.printing_site, printer)
        pages.press().fonts()
        number = int(session.execute(select(TRAY_SERIAL.next_value())).scalar_one())
    filled = [line for line in wanted if line.booklet.strip()][:MOST]
    assign, tray = ASSIGN[queue.key], str(number)
    given = [_tried(begin, assign, line, actor, booklet=line.booklet, tray=tray) for line in filled]
    done = [Wanted(one.case, "", one.booklet) for one in given if one.refusal is None]
    sent = send(begin, number, done, actor, printer)
    return number, given + [one for one in sent if one.refusal or one.warnings]


def send(begin: Begin, tray: int, wanted: Iterable[Wanted], actor: Actor, printer: str | None) -> list[Outcome]:
    """Record that the pages of these cases go to the printer, the first time or again."""
    values = {"printer": printer, "tray": str(tray)}
    return [_tried(begin, "print_page", line, actor, **values) for line in wanted]


def accept(begin: Begin, wanted: Iterable[Wanted], actor: Actor) -> list[Outcome]:
    """Accept the prints of these cases."""
    return [_tried(begin, "accept_print", line, actor) for line in wanted]


def refuse(begin: Begin, line: Wanted, actor: Actor, reason: Mapping[str, str]) -> Outcome:
    """Refuse the print of one case; `reason` holds `void_type` and `comment`."""
    return _tried(begin, "refuse_print", line, actor, **reason)


def _tried(begin: Begin, act: str, line: Wanted, actor: Actor, **values: Any) -> Outcome:
    """One act on one case in a transaction of its own; nothing of it is left when it is refused."""
    try:
        with begin() as session:
            unless_changed(session, line.case, line.seen)
            event = perform(session, act, line.case, actor, **values)
            return Outcome(line.case, event.booklet_number or "", None, tuple(event.data.get("warnings", ())))
    except DomainError as refusal:
        return Outcome(line.case, line.booklet, refusal)


def open_trays(session: Session, queue: Queue, site: str, actor: Actor) -> list[Open]:
    """The trays that `actor` began at a site and of which something is still in printing, oldest first."""
    queues.site_called(session, queue, site, actor)
    trays: dict[int, list[str]] = {}
    for case, data, user_id, _seen in _in_trays(session, queue, site):
        if user_id == actor.user_id:
            trays.setdefault(int(data["tray"]), []).append(str(case.booklet_number))
    return [Open(number, len(booklets), booklets[0], booklets[-1]) for number, booklets in sorted(trays.items())]


def tray_lines(session: Session, queue: Queue, site: str, number: int, actor: Actor) -> list[Line]:
    """The cases of a tray that are still in printing, in the order they were printed; whoever prints may ask."""
    queues.site_called(session, queue, site, actor)
    found = [row for row in _in_trays(session, queue, site) if row[1]["tray"] == str(number)]
    uses = _uses(session, [case for case, *_rest in found])
    return [Line(case, seen, str(case.booklet_number), uses[case.id].copies) for case, _data, _user, seen in found]


def _in_trays(session: Session, queue: Queue, site: str) -> list[tuple[PassportCase, dict[str, Any], int, int]]:
    """Cases in printing at a site whose booklet was assigned in a tray: that event's data, who, the last event."""
    assigned = (
        select(CaseEvent.id, CaseEvent.data, CaseEvent.user_id)
        .where(CaseEvent.case_id == PassportCase.id, CaseEvent.event == Event.IMPRESION)
        .order_by(CaseEvent.id.desc()).limit(1).correlate(PassportCase).lateral()
    )  # fmt: skip
    query = (
        select(PassportCase, assigned.c.data, assigned.c.user_id, _SEEN)
        .join(assigned, assigned.c.data.has_key("tray"))
        .where(*_waiting(queue, site)[1:], PassportCase.state == State.EN_IMPRESION)
    )
    rows = session.execute(query.order_by(assigned.c.id))
    return [(case, data, user_id, seen) for case, data, user_id, seen in rows]


def _uses(session: Session, cases: Iterable[PassportCase]) -> dict[int, Personalisation]:
    ids = [case.id for case in cases]
    query = select(Personalisation).where(Personalisation.case_id.in_(ids), Personalisation.voided_at.is_(None))
    return {use.case_id: use for use in session.scalars(query)}


def document(session: Session, queue: Queue, site: str, number: int, actor: Actor) -> tuple[bytes, list[str]]:
    """One PDF with the pages of a tray that were sent to the printer, moved as they were sent, and their cases."""
    lines = [line for line in tray_lines(session, queue, site, number, actor) if line.copies]
    if not lines:
        raise NotFound(N_("Nothing of tray %(number)s is in printing."), number=number)
    uses = _uses(session, [line.case for line in lines])
    geometry = stations.geometry_printed(_last_sent(session, [line.case.id for line in lines], number))
    pdf = pages.render_tray(session, [(line.case, uses[line.case.id]) for line in lines], geometry)
    return pdf, [line.case.number for line in lines]


def _last_sent(session: Session, ids: Sequence[int], number: int) -> Mapping[str, Any]:
    query = select(CaseEvent.data).where(
        CaseEvent.case_id.in_(ids),
        CaseEvent.event == Event.IMPRESION_GENERADA,
        CaseEvent.data["tray"].astext == str(number),
    )
    return session.scalars(query.order_by(CaseEvent.id.desc()).limit(1)).first() or {}


def give_back(session: Session, queue: Queue, site: str, actor: Actor) -> int:
    """Let go of every case that `actor` took here and did not print; how many."""
    held = _held(session, queue, site, actor)
    for line in held:
        queues.give_back(session, line.case.number, actor)
    return len(held)


def log_looks(session: Session, actor: Actor, screen: str, lines: Sequence[Line], **detail: Any) -> None:
    """Write down that `actor` looked at the cases of a list."""
    if lines:
        log_look(session, actor, screen, None, **detail, cases=[line.case.number for line in lines])
