"""How a service is reached (module 53, Parámetros WS): read, and changed by who may; the secret goes in, never out."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.base import utc_now
from models.services import LONGEST_SECONDS, Service, ServiceHealth, ServiceParameters, WhenDown
from models.text import N_
from models.users import User
from security import sealed
from security.actor import Actor
from security.errors import BadValue, NotAllowed, NotFound, Refused, WrongState
from security.permissions import Permission

BAD_URL = N_("An address such as https://registry.example/v1/people: no user, password, query or fragment in it.")
IN_THE_CLEAR = N_("The secret would travel in the clear: the address must begin with https://.")
SECRET_AGAIN = N_("For another address type the secret again: the one that is kept goes only to its own.")
#: The whole numbers of the form and what they may be.
LIMITS = {"timeout_seconds": (1, 20), "retries": (0, 3), "breaker_failures": (1, 50), "breaker_seconds": (1, 3600)}


@dataclass(frozen=True)
class Parameters:
    """What is needed to ask a service. `secret` is None when there is none, or none that can be read."""

    service: Service
    url: str | None
    client_id: str | None
    secret: str | None = field(repr=False)
    timeout_seconds: int
    retries: int
    breaker_failures: int
    breaker_seconds: int
    when_down: WhenDown
    enabled: bool

    @property
    def goes_on(self) -> bool:
        """Whether a case goes on, marked, when the service does not answer."""
        return self.when_down == WhenDown.GO_ON


def read(session: Session, service: Service) -> Parameters:
    """The parameters with the secret in the clear: for asking, not for showing."""
    row = session.get_one(ServiceParameters, service, populate_existing=True)
    return Parameters(
        service, row.url, row.client_id, _unsealed(row.sealed_secret), row.timeout_seconds, row.retries,
        row.breaker_failures, row.breaker_seconds, WhenDown(row.when_down), row.enabled,
    )  # fmt: skip


def _unsealed(text: str | None) -> str | None:
    try:
        return sealed.unseal(text) if text else None
    except (sealed.CannotUnseal, LookupError):
        return None


def found(session: Session, name: str) -> ServiceParameters:
    """The row of the service called `name`, for showing; NotFound."""
    if name not in set(Service):
        raise NotFound(N_("There is no service called %(name)s."), name=name)
    return session.get_one(ServiceParameters, Service(name))


def change(session: Session, actor: Actor, name: str, values: Mapping[str, Any], *, version: int) -> ServiceParameters:
    """Set the parameters as the form says; an empty `secret` keeps the one there is. The breaker is closed.

    `values`: url, client_id, secret, when_down (texts), the numbers of LIMITS, enabled. BadValue names the field;
    WrongState when somebody changed them after `version`.
    """
    if not actor.may(Permission.SET_SERVICES):
        raise NotAllowed()
    row = found(session, name)
    session.refresh(row, with_for_update=True)
    if row.version != version:
        raise _changed_meanwhile(session, row)
    url, secret = _checked_url(values["url"]), values["secret"]
    _check_together(row, url, secret, enabled=values["enabled"])
    _set_limits(row, values)
    if values["when_down"] not in set(WhenDown):
        raise BadValue(N_("Choose one of the list."), field="when_down")
    row.url, row.client_id, row.when_down = url, values["client_id"] or None, WhenDown(values["when_down"])
    row.enabled = values["enabled"]
    if secret:
        row.sealed_secret = _sealed(secret)
    row.version += 1
    row.changed_at, row.changed_by_id = utc_now(), actor.user_id
    _close_breaker(session, row.service)
    session.flush()
    return row


def _check_together(row: ServiceParameters, url: str | None, secret: str, *, enabled: bool) -> None:
    """The kept secret goes to no other place than it was given for; an enabled service has address and secret."""
    if url and row.sealed_secret and not secret and _place(url) != _place(row.url):
        raise BadValue(SECRET_AGAIN, field="secret")
    for name, there in (("url", url), ("secret", secret or row.sealed_secret)):
        if enabled and not there:
            raise BadValue(N_("This is missing."), field=name)


def _set_limits(row: ServiceParameters, values: Mapping[str, Any]) -> None:
    for column, (low, high) in LIMITS.items():
        setattr(row, column, _number(values, column, low, high))
    if row.timeout_seconds * (row.retries + 1) > LONGEST_SECONDS:
        message = N_("A station would wait too long: time-out times attempts may be %(seconds)s seconds at most.")
        raise BadValue(message, field="timeout_seconds", seconds=LONGEST_SECONDS)


def _changed_meanwhile(session: Session, row: ServiceParameters) -> WrongState:
    user = session.get(User, row.changed_by_id) if row.changed_by_id else None
    message = N_("%(user)s changed these parameters at %(at)s. Look at them again before you change them.")
    return WrongState(message, user=user.username if user else "?", at=row.changed_at)


def _sealed(secret: str) -> str:
    if not secret.isprintable() or not secret.isascii() or len(secret) > 500:
        raise BadValue(N_("A secret has at most 500 signs, without accents or control characters."), field="secret")
    try:
        return sealed.seal(secret)
    except LookupError:
        raise Refused(N_("Nothing can be sealed: PASAPORTES_SECRET_KEY is missing.")) from None


def _number(values: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = values[name]
    if not isinstance(value, int) or not low <= value <= high:
        raise BadValue(N_("A number from %(low)s to %(high)s."), field=name, low=low, high=high)
    return value


def _checked_url(text: str) -> str | None:
    """`text` as it is kept, None for nothing; BadValue unless it is a plain address, over TLS beyond this machine."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain or not text.isprintable() or " " in text or "@" in parts.netloc or "?" in text or "#" in text:
        raise BadValue(BAD_URL, field="url")
    if len(text) > 300:
        raise BadValue(N_("At most %(n)s signs."), field="url", n=300)
    if parts.scheme == "http" and not _is_this_machine(parts):
        raise BadValue(IN_THE_CLEAR, field="url")
    return text


def _is_this_machine(parts: SplitResult) -> bool:
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _place(url: str | None) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port


def use_simulator(session: Session, addresses: Mapping[Service, str], secret: str, *, mark: str) -> None:
    """Ask the simulator that a demonstration has just started; what an administrator set otherwise is left alone.

    `mark`: how the path of a simulator's address begins.
    """
    for service, url in addresses.items():
        row = session.get_one(ServiceParameters, service, with_for_update=True)
        fresh = row.url is None
        if fresh or urlsplit(row.url or "").path.startswith(mark):
            row.url, row.sealed_secret, row.enabled = url, _sealed(secret), row.enabled or fresh
            row.version += 1
            _close_breaker(session, service)


def _close_breaker(session: Session, service: Service) -> None:
    closed = {"failures": 0, "opened_at": None, "retry_at": None}
    session.execute(update(ServiceHealth).where(ServiceHealth.service == service).values(closed))


def asked(session: Session) -> list[Service]:
    """The services that are enabled, in their order."""
    enabled = set(session.scalars(select(ServiceParameters.service).where(ServiceParameters.enabled)))
    return [service for service in Service if service in enabled]
