"""What a reader types at a counter: the booklet number in it, and the case of a queue that the booklet belongs to."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.booklets import BOOKLET_NUMBER, Booklet
from models.cases import PassportCase
from models.text import N_
from security.actor import Actor
from security.errors import BadValue, Unavailable
from workflow.queues import Queue, find_in_queue
from workflow.typed import number_in


def booklet_in(raw: str) -> str | None:
    """The booklet number that `raw` is, or that stands in line 2 of the MRZ that `raw` is; None for anything else."""
    # A reader with US layout on a Spanish host types `;` for `<`; that is enough to find the case by.
    text = "".join(raw.split()).replace(";", "<")
    number = number_in(text[44:] if len(text) == 88 else text)
    return number if number and re.fullmatch(BOOKLET_NUMBER, number) else None


def find_scanned(session: Session, queue: Queue, raw: str, actor: Actor) -> PassportCase:
    """The case of `queue` whose booklet was scanned.

    Raises `BadValue` when nothing of the kind was read, `Unavailable` when the booklet is not in the queue.
    """
    number = booklet_in(raw)
    if number is None:
        raise BadValue(N_("Neither a booklet number nor an MRZ was read."), field="raw")
    found = find_in_queue(session, queue, actor, booklet=number)
    if found:
        return found[0]
    booklet = session.get(Booklet, number)
    if booklet is None:
        raise Unavailable(N_("There is no booklet %(number)s in stock."), field="raw", number=number)
    raise _not_there(session, booklet)


def _not_there(session: Session, booklet: Booklet) -> Unavailable:
    case = session.scalars(select(PassportCase).where(PassportCase.id == booklet.case_id)).first()
    if case is None:
        return Unavailable(
            N_("Booklet %(number)s is %(state)s and does not wait here at your sites."),
            field="raw",
            number=booklet.number,
            state=booklet.state,
        )
    return Unavailable(
        N_("Booklet %(number)s does not wait here: its case %(case)s is %(state)s."),
        field="raw",
        number=booklet.number,
        case=case.number,
        state=case.state,
    )


def find_named(session: Session, queue: Queue, names: str, actor: Actor) -> list[PassportCase]:
    """Cases of `queue` by beginnings of names, by name; none when nothing searchable was typed."""
    return sorted(find_in_queue(session, queue, actor, words=names), key=lambda case: (case.full_name, case.id))
