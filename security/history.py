"""The history of a thing out of the log of changes: what was before and after, by whom, newest first."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models.audit import ACTS, ChangeLog

SHOWN = 50


@dataclass(frozen=True)
class Difference:
    """A column that a change changed; None: it had no value."""

    column: str
    before: object
    after: object


@dataclass(frozen=True)
class Change:
    """A change and its differences."""

    line: ChangeLog

    @property
    def act(self) -> str:
        """What was done, a message id."""
        return ACTS[self.line.act]

    @property
    def differences(self) -> list[Difference]:
        before, after = self.line.before or {}, self.line.after or {}
        return [Difference(name, before.get(name), after.get(name)) for name in sorted(before | after)]


def changes_of(session: Session, *things: tuple[str, str]) -> list[Change]:
    """The last SHOWN changes of `things`, each a table and a key (ending in `%`: all that begin so)."""
    held = [(ChangeLog.subject == subject) & _key(key) for subject, key in things]
    newest = select(ChangeLog).where(or_(*held)).order_by(ChangeLog.id.desc()).limit(SHOWN)
    return [Change(line) for line in session.scalars(newest)]


def _key(key: str) -> ColumnElement[bool]:
    if key.endswith("%"):
        return ChangeLog.key.startswith(key[:-1], autoescape=True)
    return ChangeLog.key == key
