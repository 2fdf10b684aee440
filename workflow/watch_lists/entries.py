"""Looking at the entries of the lists: by CUI, document or names; each look is logged."""

import re

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.catalogs import ListType
from models.text import N_
from models.watch_lists import WatchListEntry
from security.actor import Actor
from security.errors import NotAllowed, NotFound
from security.looks import log_look
from security.permissions import Permission
from workflow.watch_lists.searching import SIMPLE, SOUND_WORDS
from workflow.watch_lists.sounds import sounds

MOST = 50


def find(session: Session, actor: Actor, typed: str) -> list[tuple[WatchListEntry, str]]:
    """Entries with the names of their lists, at most MOST: of that CUI or document, or whose names sound like it."""
    if not actor.may(Permission.READ_WATCH_LISTS):
        raise NotAllowed()
    meant = _meant(typed)
    query = select(WatchListEntry, ListType.name).join(ListType, ListType.code == WatchListEntry.list_type_code)
    found: list[tuple[WatchListEntry, str]] = []
    if meant is not None:
        rows = session.execute(query.where(meant).order_by(WatchListEntry.id).limit(MOST))
        found = [(row[0], row[1]) for row in rows]
    log_look(session, actor, "watch-lists", None, asked=typed[:120], entries=[row.id for row, _name in found])
    return found


def _meant(typed: str) -> ColumnElement[bool] | None:
    number = typed.upper().replace(" ", "")
    if re.search(r"[0-9]", number):
        return or_(WatchListEntry.cui == number, WatchListEntry.document_number == number)
    words = " & ".join(sounds(typed))
    return SOUND_WORDS.op("@@", is_comparison=True)(func.to_tsquery(SIMPLE, words)) if words else None


def entry(session: Session, actor: Actor, number: int) -> tuple[WatchListEntry, str]:
    """The entry of that number with the name of its list; NotFound when a later file no longer has it."""
    if not actor.may(Permission.READ_WATCH_LISTS):
        raise NotAllowed()
    query = select(WatchListEntry, ListType.name).join(ListType, ListType.code == WatchListEntry.list_type_code)
    row = session.execute(query.where(WatchListEntry.id == number)).first()
    log_look(session, actor, "watch-lists", None, entries=[number])
    if row is None:
        raise NotFound(N_("This entry is on its list no more."))
    return row[0], row[1]


def list_types(session: Session, *, every: bool = False) -> list[tuple[str, str]]:
    """Code and name of the active list types, or of all."""
    query = select(ListType.code, ListType.name).order_by(ListType.name)
    return [(row[0], row[1]) for row in session.execute(query if every else query.where(ListType.active))]
