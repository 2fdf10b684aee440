"""Pictures as small as lists and reports show them: decoded once, then kept."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, undefer

from models.cases import CasePicture, PassportCase, Picture, Thumbnail
from workflow import pictures

#: What a report shows of a case, in this order; of the fingers the first that there is.
SHOWN = (("PORTRAIT",), ("SIGNATURE",), ("RIGHT_INDEX", "LEFT_INDEX", "RIGHT_THUMB", "LEFT_THUMB"))
_KINDS = tuple(kind for kinds in SHOWN for kind in kinds)


def thumbnail(session: Session, picture_id: int) -> bytes:
    """The picture as a small JPEG. Raises `pictures.BadPicture` when it cannot be decoded."""
    kept = session.scalars(select(Thumbnail.data).where(Thumbnail.picture_id == picture_id)).one_or_none()
    return kept if kept is not None else _made(session, picture_id)


def _made(session: Session, picture_id: int) -> bytes:
    picture = session.get_one(Picture, picture_id, options=[undefer(Picture.data)])
    data = pictures.thumbnail(picture.data, picture.media_type)
    # Another request may make the same one at the same time.
    session.execute(insert(Thumbnail).values(picture_id=picture_id, data=data).on_conflict_do_nothing())
    return data


def thumbnails(session: Session, numbers: Sequence[str]) -> list[tuple[bytes | None, ...]]:
    """For each case, in the order of `numbers`, its pictures SHOWN; None where it has none that can be shown."""
    query = (
        select(PassportCase.number, CasePicture.kind, CasePicture.picture_id)
        .join(CasePicture, CasePicture.case_id == PassportCase.id)
        .where(PassportCase.number.in_(set(numbers)), CasePicture.kind.in_(_KINDS))
        .where(CasePicture.picture_id.is_not(None))
    )
    found: dict[tuple[str, str], Any] = {(number, kind): picture for number, kind, picture in session.execute(query)}
    kept = select(Thumbnail.picture_id, Thumbnail.data).where(Thumbnail.picture_id.in_(found.values()))
    small: dict[int, bytes | None] = {picture: data for picture, data in session.execute(kept)}
    for picture in set(found.values()) - small.keys():
        small[picture] = _shown(session, picture)
    return [tuple(_first(found, small, number, kinds) for kinds in SHOWN) for number in numbers]


def kinds_of(session: Session, numbers: Sequence[str]) -> dict[str, tuple[str | None, ...]]:
    """For each case the kinds of its pictures SHOWN, for addresses; None where it has none."""
    query = (
        select(PassportCase.number, CasePicture.kind)
        .join(CasePicture, CasePicture.case_id == PassportCase.id)
        .where(PassportCase.number.in_(set(numbers)), CasePicture.kind.in_(_KINDS))
        .where(CasePicture.picture_id.is_not(None))
    )
    found = {(number, kind) for number, kind in session.execute(query)}
    return {
        number: tuple(next((kind for kind in kinds if (number, kind) in found), None) for kinds in SHOWN)
        for number in numbers
    }


def _first(
    found: dict[tuple[str, str], Any], small: dict[int, bytes | None], number: str, kinds: Sequence[str]
) -> bytes | None:
    return next((small[found[number, kind]] for kind in kinds if (number, kind) in found), None)


def _shown(session: Session, picture_id: int) -> bytes | None:
    try:
        return thumbnail(session, picture_id)
    except pictures.BadPicture:
        return None
