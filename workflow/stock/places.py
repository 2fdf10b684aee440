"""Places of booklets in words: the warehouse, whose hands, the transfer or the site."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.stock import ACCOUNT_LABELS, Account
from models.text import N_
from workflow.labels import Labels, read_labels
from workflow.stock.ledger import account_of, owner_of

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


def read_places(session: Session, places: Iterable[str]) -> dict[str, Words]:
    """Each of `places` in words."""
    wanted = set(places)
    labels = read_labels(session, holders(wanted))
    return {place: in_words(place, labels) for place in wanted}


def holders(places: Iterable[str]) -> Iterator[int]:
    """The ids of the users in whose hands `places` are, for `read_labels`."""
    return (_user(place) for place in places if account_of(place) == Account.HANDS)


def in_words(place: str, labels: Labels) -> Words:
    """`place` in words; `labels` have its `holders`."""
    account, owner = account_of(place), owner_of(place)
    message = PLACE_WORDS[account]
    given: dict[str, str | None] = {"document": owner}
    given |= {table: labels.name(table, owner) for table in ("warehouse", "site")}
    if account == Account.HANDS:
        given["user"] = labels.user(_user(place))
    return Words(message, {name: value for name, value in given.items() if value and f"%({name})s" in message})


def _user(place: str) -> int:
    return int(place.rpartition(":")[2])
