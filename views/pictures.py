"""Pictures of a case: shown to who may see them, each look logged; the viewer, with another case beside.

A browser may keep a picture for its user and must ask each time whether it may show it: so each look passes here, is
permitted anew and written down, and costs neither bytes nor decoding when the picture is the one that it has.
"""

import unicodedata

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import AnyRow
from models.cases import PassportCase, Picture
from models.text import N_
from security.errors import NotAllowed
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.cases import waiting_in
from views.frame import Page
from workflow import enquiries, thumbnails, viewer

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}
#: Of the forms that are made here; another number makes browsers fetch them anew.
_EDITION = 1
#: Message ids of why a finger was not taken.
REASONS = {"AMPUTATED": N_("Amputated"), "BANDAGED": N_("Bandaged"), "DAMAGED": N_("Damaged")}


class PictureView(Page):
    """Portrait, signature and fingerprints."""

    route_base = "/cases"
    default_view = "show"

    @expose("/<number>/pictures/")
    @needs(Permission.SEE_IMAGES)
    def viewer(self, number: str) -> ResponseReturnValue:
        """One picture large, the others as thumbnails; another case of the person beside it if asked for."""
        actor = current_actor()
        with transaction() as session:
            case = enquiries.case_seen(session, number.upper(), actor)
            if not enquiries.sees_images(actor, case):
                raise NotAllowed()
            others = viewer.comparable(session, case, actor)
            other = viewer.beside(others, request.args.get("beside"))
            log_look(session, actor, "viewer", case.number, **({"beside": other.number} if other else {}))
            shots = viewer.shots(session, case)
            at = shots.index(viewer.chosen(case, shots, request.args.get("kind")))
            opposite = viewer.shots(session, other) if other else []
            former = enquiries.former_passports(session, case)
        crumbs = [*waiting_in(case), (case.number, url_for("CaseView.show", number=case.number)), (_("Pictures"), None)]
        sides: list[tuple[AnyRow | PassportCase, viewer.Shot]] = [(case, shots[at])]
        if other:
            sides.append(
                (other, next((each for each in opposite if each.kind == shots[at].kind), viewer.Shot(shots[at].kind)))
            )
        return self.page(
            "pictures/viewer.html", _("Pictures of %(number)s", number=case.number), crumbs=crumbs, case=case,
            shots=shots, shot=shots[at], before=shots[at - 1], after=shots[(at + 1) % len(shots)], sides=sides,
            others=others, other=other, former=former, reasons=REASONS,
        )  # fmt: skip

    @expose("/<number>/pictures/<kind>")
    @needs(Permission.SEE_IMAGES)
    def show(self, number: str, kind: str) -> ResponseReturnValue:
        """A picture in full size; WSQ as PNG and JPEG 2000 as JPEG, which browsers know."""
        with transaction() as session:
            case, picture = _looked_at(session, number, kind, "picture")
            tag = _tag(picture, "shown")
            data = None if _has(tag) else thumbnails.shown(session, picture)
            media_type = thumbnails.SHOWN_AS[picture.media_type]
        return _answer(tag, data, media_type, file_name(case, kind, media_type))

    @expose("/<number>/pictures/<kind>/thumbnail")
    @needs(Permission.SEE_IMAGES)
    def thumbnail(self, number: str, kind: str) -> ResponseReturnValue:
        """A picture as small as lists show it."""
        with transaction() as session:
            case, picture = _looked_at(session, number, kind, "thumbnail")
            tag = _tag(picture, "small")
            data = None if _has(tag) else thumbnails.thumbnail(session, picture.id)
        return _answer(tag, data, "image/jpeg", file_name(case, kind, "image/jpeg", _("thumbnail")))


def _looked_at(session: Session, number: str, kind: str, screen: str) -> tuple[PassportCase, Picture]:
    """The case and the facts of its picture, without the bytes, once the look at it is written down."""
    actor = current_actor()
    case = enquiries.case_seen(session, number, actor)
    picture = session.get_one(Picture, enquiries.picture_id(session, case, kind, actor))
    log_look(session, actor, screen, case.number, kind=kind)
    return case, picture


def _tag(picture: Picture, form: str) -> str:
    """A strong entity tag (RFC 9110, 8.8.3): of these bytes in this form, whatever case they are of."""
    return f"{picture.sha256.hex()[:40]}-{form}-{_EDITION}"


def _has(tag: str) -> bool:
    """Whether the browser says that it has what `tag` names."""
    return request.if_none_match.contains(tag)


def file_name(case: PassportCase, kind: str, media_type: str, *more: str) -> str:
    """What a saved picture is called: number and what it is, in the reader's language and plain ASCII."""
    words = " ".join([_(viewer.LABELS.get(kind, kind)), *more])
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return f"{case.number}-{'-'.join(plain.split())}.{SUFFIXES[media_type]}"


def _answer(tag: str, data: bytes | None, media_type: str, name: str) -> Response:
    """The picture, or without data that the browser's own is good (304)."""
    response = Response(data or b"", 200 if data is not None else 304, mimetype=media_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


VIEWS = (PictureView,)
