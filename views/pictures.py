"""Pictures of a case for the screen: shown to who may see them, each look logged, kept by no cache."""

from flask import Response
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from sqlalchemy.orm import Session

from models.cases import PassportCase, Picture
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Page
from workflow import enquiries, pictures, thumbnails

#: What browsers show as it is.
SHOWABLE = ("image/jpeg", "image/png")
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


class PictureView(Page):
    """Portrait, signature and fingerprints."""

    route_base = "/cases"
    default_view = "show"

    @expose("/<number>/pictures/<kind>")
    @needs(Permission.SEE_IMAGES)
    def show(self, number: str, kind: str) -> ResponseReturnValue:
        """A picture in full size; WSQ as PNG and JPEG 2000 as JPEG, which browsers know."""
        with transaction() as session:
            case = self._looked_at(session, number, kind, "picture")
            data, media_type = shown(enquiries.picture_bytes(session, case, kind, current_actor()))
        return answer(data, media_type, f"{number}-{kind}")

    @expose("/<number>/pictures/<kind>/thumbnail")
    @needs(Permission.SEE_IMAGES)
    def thumbnail(self, number: str, kind: str) -> ResponseReturnValue:
        """A picture as small as lists show it."""
        with transaction() as session:
            case = self._looked_at(session, number, kind, "thumbnail")
            data = thumbnails.thumbnail(session, enquiries.picture_id(session, case, kind, current_actor()))
        return answer(data, "image/jpeg", f"{number}-{kind}-96")

    def _looked_at(self, session: Session, number: str, kind: str, screen: str) -> PassportCase:
        """The case, once the look at its picture is written down."""
        case = enquiries.case_seen(session, number, current_actor())
        log_look(session, current_actor(), screen, case.number, kind=kind)
        return case


def shown(picture: Picture) -> tuple[bytes, str]:
    """Bytes and media type of `picture` for a browser."""
    if picture.media_type in SHOWABLE:
        return picture.data, picture.media_type
    if picture.media_type == pictures.JPEG2000:
        return pictures.printable_portrait(picture.data, picture.media_type), "image/jpeg"
    return pictures.as_png(picture.data, picture.media_type), "image/png"


def answer(data: bytes, media_type: str, name: str) -> Response:
    """A picture as an answer of its own."""
    response = Response(data, mimetype=media_type)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{name}.{SUFFIXES[media_type]}"'
    return response


VIEWS = (PictureView,)
