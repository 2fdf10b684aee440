"""A case's log as a line of time: the states it was in, since when, how long, and who brought it there."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from models.base import AnyRow, utc_now
from models.cases import TERMINAL, State


@dataclass(frozen=True)
class Stage:
    """A state of a case from `since`, by `username`; `lasted`: until the next, or until now, None once it is over."""

    state: State
    since: dt.datetime
    username: str
    lasted: dt.timedelta | None
    current: bool


def stages(events: Sequence[AnyRow]) -> list[Stage]:
    """The stages of a log, oldest first; an event that leaves the state as it was begins none."""
    changes = [
        event for before, event in zip([None, *events], events, strict=False)
        if before is None or event.to_state != before.to_state
    ]  # fmt: skip
    ends = [change.at for change in changes[1:]]
    return [
        Stage(change.to_state, change.at, change.username, _lasted(change, end), current=end is None)
        for change, end in zip(changes, [*ends, None], strict=True)
    ]


def _lasted(change: AnyRow, end: dt.datetime | None) -> dt.timedelta | None:
    if end is None and change.to_state in TERMINAL:
        return None
    lasted: dt.timedelta = (end or utc_now()) - change.at
    return lasted
