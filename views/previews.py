"""The preview of a page for who authorises a case; the two sides of a correction for who asks for it."""

import base64
from dataclasses import dataclass
from itertools import groupby

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import PassportCase
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.cases import waiting_in
from views.frame import Crumb, Page
from workflow import enquiries, previews
from workflow.previews import Correction, Preview

Run = tuple[str, bool]


@dataclass(frozen=True)
class Side:
    """A preview, alone or as one side of two: its MRZ lines in runs, True where they differ from the other side."""

    shown: Preview
    lines: list[list[Run]]
    picture: str | None = None


class PreviewView(Page):
    """What the page of a case would be."""

    route_base = "/cases"
    default_view = "show"

    @expose("/<number>/preview")
    @needs(Permission.READ_CASES)
    def show(self, number: str) -> ResponseReturnValue:
        """MRZ lines, fields and page; the panel of the review takes its content from here (static/previews.js)."""
        with transaction() as session:
            case, shown = _preview(session, number, "preview")
        crumbs = [*_crumbs_to(case), (_("Page preview"), None)]
        title = _("Page preview of %(number)s", number=case.number)
        picture = url_for(".picture", number=case.number) if shown.printable else None
        side = Side(shown, _unmarked(shown), picture)
        return self.page("previews/show.html", title, crumbs=crumbs, case=case, side=side)

    @expose("/<number>/preview.svg")
    @needs(Permission.READ_CASES)
    def picture(self, number: str) -> ResponseReturnValue:
        """The page for the screen; without the pictures for who may not see them."""
        with transaction() as session:
            _case, shown = _preview(session, number, "preview.svg")
        return _answer(previews.as_svg(shown), "image/svg+xml")

    @expose("/<number>/preview.pdf")
    @needs(Permission.READ_CASES)
    def document(self, number: str) -> ResponseReturnValue:
        """The page at true size, a specimen."""
        with transaction() as session:
            case, shown = _preview(session, number, "preview.pdf")
        answer = _answer(previews.as_pdf(shown), "application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="{case.number}-preview.pdf"'
        return answer


def _preview(session: Session, number: str, screen: str) -> tuple[PassportCase, Preview]:
    """A case that the actor sees, and its preview; the look is logged."""
    actor = current_actor()
    case = enquiries.case_seen(session, number.upper(), actor)
    log_look(session, actor, screen, case.number)
    return case, previews.preview(session, case, images=enquiries.sees_images(actor, case))


def _crumbs_to(case: PassportCase) -> list[Crumb]:
    return [*waiting_in(case), (case.number, url_for("CaseView.show", number=case.number))]


def sides(found: Correction) -> tuple[Side, Side]:
    """Before and after, each marked where it differs from the other."""
    before, after = found.before, found.after
    pairs = list(zip(before.mrz_lines or (), after.mrz_lines or (), strict=False))
    return (
        Side(before, [runs(old, new) for old, new in pairs] or _unmarked(before), picture_of(before)),
        Side(after, [runs(new, old) for old, new in pairs] or _unmarked(after), picture_of(after)),
    )


def runs(line: str, other: str) -> list[Run]:
    """`line` in runs of characters that are as in `other`, False, and that are not, True."""
    marked = groupby(zip(line, other, strict=True), key=lambda pair: pair[0] != pair[1])
    return [("".join(sign for sign, _other in pairs), differs) for differs, pairs in marked]


def _unmarked(shown: Preview) -> list[list[Run]]:
    return [[(line, False)] for line in shown.mrz_lines or ()]


def picture_of(shown: Preview) -> str | None:
    """The page as a data URI, for a page that has no address; None when it cannot be printed."""
    if not shown.printable:
        return None
    return "data:image/svg+xml;base64," + base64.b64encode(previews.as_svg(shown).encode()).decode()


def _answer(body: str | bytes, media_type: str) -> Response:
    answer = Response(body, mimetype=media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


VIEWS = (PreviewView,)
