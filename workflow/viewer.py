"""What the viewer shows: a case's pictures in order, why one is missing, and which cases may stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.base import AnyRow
from models.cases import PassportCase
from models.text import N_
from security.actor import Actor
from security.errors import NotFound
from workflow import enquiries, whole_case

#: The pictures a case may have, in the order in which they are shown.
LABELS = {
    "PORTRAIT": N_("Portrait"),
    "SIGNATURE": N_("Signature"),
    "RIGHT_THUMB": N_("Right thumb"),
    "RIGHT_INDEX": N_("Right index"),
    "RIGHT_MIDDLE": N_("Right middle finger"),
    "RIGHT_RING": N_("Right ring finger"),
    "RIGHT_LITTLE": N_("Right little finger"),
    "LEFT_THUMB": N_("Left thumb"),
    "LEFT_INDEX": N_("Left index"),
    "LEFT_MIDDLE": N_("Left middle finger"),
    "LEFT_RING": N_("Left ring finger"),
    "LEFT_LITTLE": N_("Left little finger"),
}
_ALWAYS = ("PORTRAIT", "SIGNATURE", "RIGHT_INDEX", "LEFT_INDEX")


@dataclass(frozen=True)
class Shot:
    """A picture of a case, or its place: `missing` says why there is none, when the station said so."""

    kind: str
    there: bool = False
    missing: str | None = None

    @property
    def label(self) -> str:
        """Message id of what it is a picture of."""
        return LABELS.get(self.kind, self.kind)


def shots(session: Session, case: PassportCase | AnyRow) -> list[Shot]:
    """Every picture of the case, and every place where one is expected, in the order of LABELS."""
    found = {each.kind: Shot(each.kind, each.picture_id is not None, each.missing)
             for each in enquiries.pictures(session, case)}  # fmt: skip
    order = [kind for kind in LABELS if kind in found or kind in _ALWAYS]
    return [found.get(kind, Shot(kind)) for kind in [*order, *sorted(found.keys() - LABELS.keys())]]


def chosen(case: PassportCase, shown: Sequence[Shot], kind: str | None) -> Shot:
    """The picture of that kind, without one the first; raises `NotFound` for a kind that the case has no place for."""
    for shot in shown:
        if kind in (None, shot.kind):
            return shot
    raise NotFound(N_("Case %(number)s has no such picture."), number=case.number)


def comparable(session: Session, case: PassportCase, actor: Actor) -> list[AnyRow]:
    """Other cases of the person, by CUI or by descent, whose pictures the actor may see; newest first."""
    kin = whole_case.kin(session, case)
    related = [*kin.earlier, *kin.lineage]
    seen = {other.id: other for other in related if enquiries.sees_images(actor, other)}
    return [seen[number] for number in sorted(seen, reverse=True)]


def beside(others: Sequence[AnyRow], number: str | None) -> AnyRow | None:
    """The case of that number among `others`; None without a number. Raises `NotFound` for any other case."""
    if not number:
        return None
    for other in others:
        if other.number == number:
            return other
    raise NotFound(
        N_("Case %(number)s is not of the same person, or its pictures are not shown to you."), number=number
    )
