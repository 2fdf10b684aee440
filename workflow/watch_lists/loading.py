"""Loading a watch list from a file in the place of its former version: whole or not at all, in one transaction.

The file's rows are copied into a temporary table and compared with the entries of the same source: what is no longer
there goes, what is new comes, what stays keeps its number. A list of a million of which a thousand changed writes a
thousand. Cut off at any point nothing has changed, and the same file is loaded again.
"""

import codecs
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session, undefer

from models.base import utc_now
from models.catalogs import ListType
from models.text import N_
from models.watch_lists import WatchListEntry, WatchListLoad
from security.actor import Actor
from security.errors import BadValue, DomainError, NotAllowed, NotFound, WrongState
from security.permissions import Permission
from workflow.watch_lists.rows import Fault, Row, read

MOST_FAULTS = 100
#: A file that was prepared and never confirmed is forgotten after this long.
FORGOTTEN = dt.timedelta(days=1)
SOURCE = r"[A-Z0-9][A-Z0-9_-]{0,39}"
_COLUMNS = (
    "row_hash", "reference", "surnames", "given_names", "search_name", "name_key", "sound_words", "birth_date", "cui",
    "document_number", "note", "valid_from", "valid_until",
)  # fmt: skip
_STAGE = "watch_list_stage"
_NAMES = ", ".join(_COLUMNS)
_MAKE = f"create temp table {_STAGE} on commit drop as select {_NAMES} from watch_list_entry with no data"  # noqa: S608
_OF = "e.list_type_code = cast(:type as varchar) and e.source = cast(:source as varchar)"
_GONE = f"{_OF} and not exists (select from {_STAGE} s where s.row_hash = e.row_hash)"
_NEW = f"not exists (select from watch_list_entry e where {_OF} and e.row_hash = s.row_hash)"


class BadFile(DomainError):
    """Lines that are no entries; nothing was loaded."""

    status = 400

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(N_("The file has lines that cannot be taken. Nothing was loaded."), field="file")
        self.faults = faults


@dataclass(frozen=True)
class Difference:
    """What a file makes of its list."""

    entries: int
    added: int
    removed: int


def load_file(session: Session, actor: Actor, path: Path, *, list_type: str, source: str) -> WatchListLoad:
    """Load the file at `path`, or do nothing when it is in force already. NotAllowed, BadValue, BadFile.

    The caller commits.
    """
    _check(session, actor, list_type, source)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        load = _new(actor, list_type, source, path.name, digest)
        current = _current(session, load)
        if current is not None and current.sha256 == digest:
            return current
        file.seek(0)
        stage(session, file)
    return _replace(session, actor, load)


def prepare(
    session: Session, actor: Actor, content: bytes, file_name: str, *, list_type: str, source: str
) -> WatchListLoad:
    """Keep a file that is without fault until somebody who saw the preview confirms it. As `load_file` otherwise."""
    _check(session, actor, list_type, source)
    old = WatchListLoad.prepared_at < utc_now() - FORGOTTEN
    session.execute(delete(WatchListLoad).where(WatchListLoad.state == "PREPARED", old))
    if not content:
        raise BadValue(N_("Choose a file."), field="file")
    stage(session, io.BytesIO(content))
    load = _new(actor, list_type, source, file_name, hashlib.sha256(content).hexdigest())
    difference = _difference(session, load)
    load.entries, load.added, load.removed = difference.entries, difference.added, difference.removed
    load.content = content
    session.add(load)
    session.flush()
    return load


def confirm(session: Session, actor: Actor, number: int) -> WatchListLoad:
    """Load a prepared file. NotAllowed, NotFound, WrongState when it was loaded or is gone."""
    load = _locked(session, actor, number, "PREPARED")
    stage(session, io.BytesIO(load.content or b""))
    return _replace(session, actor, load)


def discard(session: Session, actor: Actor, number: int) -> None:
    """Forget a prepared file."""
    session.delete(_locked(session, actor, number, "PREPARED"))
    session.flush()


def withdraw(session: Session, actor: Actor, number: int) -> WatchListLoad:
    """Take a whole list away; the record of its load stays."""
    load = _locked(session, actor, number, "CURRENT")
    _alone(session, load)
    of = (WatchListEntry.list_type_code == load.list_type_code, WatchListEntry.source == load.source)
    session.execute(delete(WatchListEntry).where(*of))
    load.state, load.ended_at, load.ended_by_id = "WITHDRAWN", utc_now(), actor.user_id
    session.flush()
    return load


def _check(session: Session, actor: Actor, list_type: str, source: str) -> None:
    if not actor.may(Permission.LOAD_WATCH_LISTS):
        raise NotAllowed()
    kind = session.get(ListType, list_type)
    if kind is None or not kind.active:
        raise BadValue(N_("There is no active list type %(code)s."), field="list_type", code=list_type[:16])
    if not re.fullmatch(SOURCE, source):
        raise BadValue(N_("Capital letters, digits, hyphen and underscore; at most 40."), field="source")


def _new(actor: Actor, list_type: str, source: str, file_name: str, digest: str) -> WatchListLoad:
    return WatchListLoad(
        list_type_code=list_type, source=source, file_name=file_name[-120:] or "-", sha256=digest, state="PREPARED",
        entries=0, added=0, removed=0, prepared_at=utc_now(), prepared_by_id=actor.user_id,
    )  # fmt: skip


def _locked(session: Session, actor: Actor, number: int, state: str) -> WatchListLoad:
    if not actor.may(Permission.LOAD_WATCH_LISTS):
        raise NotAllowed()
    query = select(WatchListLoad).where(WatchListLoad.id == number).with_for_update()
    load = session.scalars(
        query.options(undefer(WatchListLoad.content)).execution_options(populate_existing=True)
    ).first()
    if load is None:
        raise NotFound(N_("There is no such file, or it was discarded. Load it again."))
    if load.state != state:
        raise WrongState(N_("Somebody has loaded, replaced or withdrawn this file meanwhile."))
    return load


def stage(session: Session, file: IO[bytes]) -> int:
    """Copy the rows of `file` where they can be compared; how many. BadFile with the first MOST_FAULTS faults."""
    session.execute(text(f"drop table if exists pg_temp.{_STAGE}"))
    session.execute(text(_MAKE))
    faults: list[Fault] = []
    count = 0
    with _cursor(session) as cursor, cursor.copy(f"copy pg_temp.{_STAGE} ({_NAMES}) from stdin") as copy:
        for row in _decoded(file):
            if isinstance(row, Fault):
                faults.append(row)
                if len(faults) >= MOST_FAULTS:
                    break
            elif not faults:
                copy.write_row([row[name] for name in _COLUMNS])
                count += 1
    if faults:
        raise BadFile(faults)
    # A line that stands twice is one entry.
    session.execute(text(f"delete from {_STAGE} a using {_STAGE} b where a.row_hash = b.row_hash and a.ctid > b.ctid"))  # noqa: S608
    session.execute(text(f"create unique index on {_STAGE} (row_hash)"))
    session.execute(text(f"analyze {_STAGE}"))
    return count


def _cursor(session: Session) -> Any:
    """A cursor on the session's own connection, in its transaction: only there can be copied."""
    connection: Any = session.connection().connection.driver_connection
    return connection.cursor()


def _decoded(file: IO[bytes]) -> Iterator[Row | Fault]:
    lines = codecs.getreader("utf-8-sig")(file)
    try:
        yield from read(lines)
    except UnicodeDecodeError:
        yield Fault(1, N_("The file is not UTF-8: save it as CSV UTF-8."))


def sample(load: WatchListLoad, most: int = 10) -> list[Row]:
    """The first rows of a prepared file, whose content was read with it."""
    rows = _decoded(io.BytesIO(load.content or b""))
    return [row for row in islice(rows, most) if not isinstance(row, Fault)]


def _difference(session: Session, load: WatchListLoad) -> Difference:
    of = {"type": load.list_type_code, "source": load.source}
    counts = [
        session.execute(text(query), of).scalar_one()
        for query in (
            f"select count(*) from {_STAGE}",  # noqa: S608
            f"select count(*) from {_STAGE} s where {_NEW}",  # noqa: S608
            f"select count(*) from watch_list_entry e where {_GONE}",  # noqa: S608
        )
    ]
    return Difference(*counts)


def _alone(session: Session, load: WatchListLoad) -> None:
    """Nobody else loads this list until the transaction ends."""
    key = f"watch_list {load.list_type_code} {load.source}"
    session.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


def _replace(session: Session, actor: Actor, load: WatchListLoad) -> WatchListLoad:
    """Make the list what the staged rows say."""
    _alone(session, load)
    difference, now = _difference(session, load), utc_now()
    load.entries, load.added, load.removed = difference.entries, difference.added, difference.removed
    current = _current(session, load)
    if current is not None:
        current.state, current.ended_at, current.ended_by_id = "REPLACED", now, actor.user_id
        session.flush()
    load.state, load.content, load.loaded_at, load.loaded_by_id = "CURRENT", None, now, actor.user_id
    session.add(load)
    session.flush()
    of = {"type": load.list_type_code, "source": load.source}
    session.execute(text(f"delete from watch_list_entry e where {_GONE}"), of)  # noqa: S608
    session.execute(
        text(
            f"insert into watch_list_entry (list_type_code, source, load_id, {_NAMES})"  # noqa: S608
            f" select cast(:type as varchar), cast(:source as varchar), :load, {_NAMES} from {_STAGE} s where {_NEW}"
        ),
        of | {"load": load.id},
    )
    return load


def _current(session: Session, load: WatchListLoad) -> WatchListLoad | None:
    of = (WatchListLoad.list_type_code == load.list_type_code, WatchListLoad.source == load.source)
    return session.scalars(select(WatchListLoad).where(*of, WatchListLoad.state == "CURRENT")).first()


def loads(session: Session, states: Iterable[str], most: int) -> list[WatchListLoad]:
    """Loads in these states, the newest first."""
    query = select(WatchListLoad).where(WatchListLoad.state.in_(list(states)))
    return list(session.scalars(query.order_by(WatchListLoad.id.desc()).limit(most)))


def load_called(session: Session, number: int) -> WatchListLoad:
    """The load of that number with what it keeps of its file, or NotFound."""
    load = session.get(WatchListLoad, number, options=[undefer(WatchListLoad.content)])
    if load is None:
        raise NotFound(N_("There is no such file, or it was discarded. Load it again."))
    return load
