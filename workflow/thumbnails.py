"""Pictures as lists, reports and browsers show them: decoded once, then kept."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, undefer

from models.cases import CasePicture, PassportCase, Picture
from models.pictures import ShownPicture, Thumbnail
from workflow import pictures

#: What a report shows of a case, in this order; of the fingers the first that there is.
SHOWN = (("PORTRAIT",), ("SIGNATURE",), ("RIGHT_INDEX", "LEFT_INDEX", "RIGHT_THUMB", "LEFT_THUMB"))
_KINDS = tuple(kind for kinds in SHOWN for kind in kinds)
#: In what a browser gets a picture: its own media type where browsers know it.
SHOWN_AS = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    pictures.JPEG2000: "image/jpeg",
    pictures.WSQ: "image/png",
}
#: Decoded by one process, whose time is bounded.
_AT_ONCE = 30

Kept = type[Thumbnail] | type[ShownPicture]


def thumbnail(session: Session, picture_id: int) -> bytes:
    """The picture as a small JPEG. Raises `pictures.BadPicture` when it cannot be decoded."""
    return _once(session, Thumbnail, picture_id, pictures.thumbnail)


def shown(session: Session, picture: Picture) -> bytes:
    """The picture in the form SHOWN_AS; raises as `thumbnail`."""
    if SHOWN_AS[picture.media_type] == picture.media_type:
        return _read(session, picture.id).data
    form = pictures.printable_portrait if picture.media_type == pictures.JPEG2000 else pictures.as_png
    return _once(session, ShownPicture, picture.id, form)


def _once(session: Session, table: Kept, picture_id: int, form: Callable[[bytes, str], bytes]) -> bytes:
    """What `table` keeps of the picture; made by `form` and kept when that is nothing: who asks meanwhile waits."""
    query = select(table.data).where(table.picture_id == picture_id)
    kept = session.scalars(query).one_or_none()
    if kept is None:
        name = func.hashtextextended(f"{table.__tablename__} {picture_id}", 0)
        session.execute(select(func.pg_advisory_xact_lock(name)))
        kept = session.scalars(query).one_or_none()
    if kept is None:
        picture = _read(session, picture_id)
        kept = form(picture.data, picture.media_type)
        _keep(session, table, picture_id, kept)
    return kept


def _read(session: Session, picture_id: int) -> Picture:
    options = [undefer(Picture.data)]
    return session.get_one(Picture, picture_id, options=options, populate_existing=True)


def _keep(session: Session, table: Kept, picture_id: int, data: bytes) -> None:
    session.execute(insert(table).values(picture_id=picture_id, data=data).on_conflict_do_nothing())


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
    lacking = sorted(set(found.values()) - small.keys())
    for at in range(0, len(lacking), _AT_ONCE):
        small |= _made(session, lacking[at : at + _AT_ONCE])
    return [tuple(_first(found, small, number, kinds) for kinds in SHOWN) for number in numbers]


def _made(session: Session, picture_ids: Sequence[int]) -> dict[int, bytes | None]:
    """The thumbnails of these pictures, kept too; None where one cannot be decoded."""
    query = select(Picture.id, Picture.data, Picture.media_type).where(Picture.id.in_(picture_ids)).order_by(Picture.id)
    rows = session.execute(query).all()
    made: dict[int, bytes | None] = {}
    for row, small in zip(rows, pictures.thumbnails([(row.data, row.media_type) for row in rows]), strict=True):
        made[row.id] = small if isinstance(small, bytes) else None
        if isinstance(small, bytes):
            _keep(session, Thumbnail, row.id, small)
    return made


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
