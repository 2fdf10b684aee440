"""What a counter (printing, quality control, delivery) has before it: one case, its booklet, what was done with it.

The state alone does not tell whether a page is still true: a refused print and a new booklet bring a case back to the
same state, and who still looks at the first booklet would accept the second. So a page carries the number of the last
event that it showed, and an act on anything newer is refused, saying who did what.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.base import AnyRow, utc_now
from models.booklets import Booklet, Personalisation
from models.cases import CaseEvent, Event, PassportCase, State
from models.catalogs import PassportType
from security.actor import Actor
from workflow import enquiries
from workflow.booklets import live_personalisation
from workflow.labels import Labels, read_labels
from workflow.machine import HOLD_LASTS, lock_case, wrong_state
from workflow.queues import Position, Queue, page
from workflow.stock.on_hand import offered_booklets


@dataclass(frozen=True)
class Work:
    """A case as a counter shows it, with the names of what it refers to."""

    case: PassportCase
    labels: Labels
    events: Sequence[AnyRow]
    booklet: Booklet | None
    use: Personalisation | None

    @property
    def seen(self) -> int:
        """The number of the last event shown; the page's forms carry it."""
        return self.events[-1].id if self.events else 0

    @property
    def assigned(self) -> AnyRow | None:
        """Who gave the case its booklet, when."""
        return self._last(Event.IMPRESION)

    @property
    def printed(self) -> AnyRow | None:
        """Who last sent the page of this booklet to the printer, when."""
        entry = self._last(Event.IMPRESION_GENERADA)
        return entry if entry and self.assigned and entry.id > self.assigned.id else None

    @property
    def delivered(self) -> AnyRow | None:
        """Who handed the passport over, when."""
        return self._last(Event.ENTREGA)

    def _last(self, event: Event) -> AnyRow | None:
        return next((entry for entry in reversed(self.events) if entry.event == event), None)

    def left_by_another(self, actor: Actor, now: dt.datetime | None = None) -> bool:
        """Whether the case is stuck in printing: begun by somebody else, or too long ago to be at his printer still."""
        begun = self.assigned
        if self.case.state != State.EN_IMPRESION or begun is None:
            return False
        return bool(begun.user_id != actor.user_id or (now or utc_now()) - begun.at > HOLD_LASTS)


def open_case(session: Session, number: str, actor: Actor, screen: str) -> Work:
    """The case `number` for the counter `screen`; the look is logged. Raises `NotFound`."""
    case = enquiries.case_by_number(session, number, actor, screen)
    booklet = case.booklet_number
    return Work(
        case=case,
        labels=read_labels(session),
        events=enquiries.events(session, case),
        booklet=session.get(Booklet, booklet) if booklet else None,
        use=live_personalisation(session, booklet) if booklet else None,
    )


def unless_changed(session: Session, number: str, seen: str | None) -> PassportCase:
    """Lock the case `number`; `WrongState` when anything happened to it after the event `seen`. Blank: not asked."""
    case = lock_case(session, number)
    last = session.execute(select(func.max(CaseEvent.id)).where(CaseEvent.case_id == case.id)).scalar_one()
    if seen and seen != str(last):
        raise wrong_state(session, case)
    return case


def booklets_for(session: Session, case: PassportCase, actor: Actor) -> list[str]:
    """The next new booklets that `actor` could give to `case`, at its printing site, lowest first."""
    category = session.get_one(PassportType, case.passport_type_code).category_code
    return offered_booklets(session, case.print_site_code, category, actor)


def next_case(session: Session, queue: Queue, done: PassportCase, actor: Actor) -> PassportCase | None:
    """The case to do after `done` at its site: a more urgent one, else the one behind it, else the first.

    Not simply the first: then all who work on a queue would be sent to the same case.
    """
    if not actor.may_at(queue.permission, done.site_code, done.print_site_code):
        return None
    first = page(session, queue, done.site_code, actor)[0][:1]
    if first and first[0].priority < done.priority:
        return first[0]
    behind = page(session, queue, done.site_code, actor, after=Position(done.priority, done.enrolled_at, done.id))[0]
    return next(iter(behind or first), None)
