"""What a person is told when something may not happen. Names are facts; the edges turn them into pages and answers."""

from collections.abc import Mapping
from typing import Any

from models.text import N_


class DomainError(Exception):
    """Something may not happen. `message_id` is English, translated at the edge with `params`."""

    status = 409

    def __init__(self, message_id: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(message_id % params if params else message_id)
        self.message_id = message_id
        self.params: Mapping[str, Any] = params
        self.field = field

    @property
    def fact(self) -> str:
        """The machine-readable name of what was wrong."""
        return type(self).__name__


class NotAllowed(DomainError):
    """The actor lacks the permission."""

    status = 403

    def __init__(self, message_id: str = N_("You do not have the permission for this."), **params: Any) -> None:
        super().__init__(message_id, **params)


class NotFound(DomainError):
    """There is no such thing among what the actor sees."""

    status = 404


class BadValue(DomainError):
    """A value that was given cannot be taken; `field` names it."""

    status = 400


class WrongState(DomainError):
    """The thing is not in the state this needs; says who did what, when."""


class HeldByAnother(DomainError):
    """Somebody else is working on the case now."""


class Refused(DomainError):
    """A control of SPEC 5 refuses; says which and who can."""


class Unavailable(DomainError):
    """The booklet, document or number cannot be used for this."""


class Unknown(DomainError):
    """A service that is needed does not answer."""

    status = 503
