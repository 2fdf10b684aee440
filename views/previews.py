"""The preview of a page: for who authorises a case; of a correction before it is saved, before and after together."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import PassportCase
from models.text import N_
from security.errors import DomainError, NotFound
from security.looks import log_look
from security.permissions import Permission
from views import acts
from views.access import current_actor, needs, transaction
from views.case_file import read_file
from views.cases import waiting_in
from views.frame import Crumb, Page
from workflow import counters, enquiries, previews
from workflow.machine import Transition
from workflow.previews import Correction, Preview

Run = tuple[str, bool]


@dataclass(frozen=True)
class Side:
    """A preview, alone or as one side of two: its MRZ lines in runs, True where they differ from the other side."""

    shown: Preview
    lines: list[list[Run]]
    picture: str | None = None


@dataclass(frozen=True)
class ChangedDatum:
    """A datum that a correction changes, in words."""

    label: str
    before: str
    after: str


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

    @expose("/<number>/<transition>/preview")
    @needs(Permission.CORRECT_CASES)
    def again(self, number: str, transition: str) -> ResponseReturnValue:
        """A preview of a correction that is opened anew has lost what was typed: back to the form."""
        return redirect(url_for("CaseView.form", number=number, transition=_correcting(transition).name))

    @expose("/<number>/<transition>/preview", methods=["POST"])
    @needs(Permission.CORRECT_CASES)
    def correction(self, number: str, transition: str) -> ResponseReturnValue:
        """A correction as typed, before it is saved; when it would be refused, its form with what was typed."""
        move = _correcting(transition)
        found: Correction | DomainError
        try:
            with transaction() as session:
                case = counters.unless_changed(session, number, request.form.get("seen"))
                values = acts.values_of(move, request.form)
                found = previews.preview_correction(session, move, case, current_actor(), values)
        except DomainError as error:
            if error.field is None and error.status in (403, 404):
                raise
            found = error
        return self._correction(number, move, found)

    def _correction(self, number: str, move: Transition, found: Correction | DomainError) -> ResponseReturnValue:
        error = found if isinstance(found, DomainError) else None
        refusal = acts.Refusal(move, request.form, error) if error else None
        with transaction() as session:
            file = read_file(session, number, current_actor(), "correction")
            form = acts.form_of(session, move, file.case, refusal)
        values: dict[str, Any] = {}
        if not isinstance(found, DomainError):
            form = _retyped(form)
            values = {"changes": _in_words(form, found), "sides": sides(found), "correction": found}
            values |= {"typed": [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]}
        crumbs = [*_crumbs_to(file.case), (_(move.label), None)]
        page = self.page(
            "cases/act.html" if error else "previews/correction.html", _(move.label), crumbs=crumbs, wide=True,
            file=file, case=file.case, labels=file.labels, form=form, possible=move in file.acts,
            onward=acts.local_path(request.form.get("next")), **values,
        )  # fmt: skip
        return make_response(page, error.status if error else 200)


def _preview(session: Session, number: str, screen: str) -> tuple[PassportCase, Preview]:
    """A case that the actor sees, and its preview; the look is logged."""
    actor = current_actor()
    case = enquiries.case_seen(session, number.upper(), actor)
    log_look(session, actor, screen, case.number)
    return case, previews.preview(session, case, images=enquiries.sees_images(actor, case))


def _crumbs_to(case: PassportCase) -> list[Crumb]:
    return [*waiting_in(case), (case.number, url_for("CaseView.show", number=case.number))]


def _correcting(transition: str) -> Transition:
    move = acts.transition_called(transition)
    if move.permission is not Permission.CORRECT_CASES:
        raise NotFound(N_("There is no act called %(name)s."), name=transition[:40])
    return move


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


def _retyped(form: acts.ActForm) -> acts.ActForm:
    """The form with what was typed, which nothing refused."""
    sent = request.form
    return replace(
        form,
        inputs=[replace(each, value=sent.get(each.field.name, "")) for each in form.inputs],
        changes=[replace(each, value=sent.get(acts.CHANGE + each.column, each.value)) for each in form.changes],
        typed=sent,
    )


def _in_words(form: acts.ActForm, found: Correction) -> list[ChangedDatum]:
    inputs = {each.column: each for each in form.changes}
    return [
        ChangedDatum(inputs[column].label, *(_word(inputs[column].options, value) for value in pair))
        for column, pair in found.changes.items()
    ]


def _word(options: Iterable[tuple[str, str]] | None, value: Any) -> str:
    code = "" if value is None else str(value)
    return dict(options or ()).get(code, code)


def _answer(body: str | bytes, media_type: str) -> Response:
    answer = Response(body, mimetype=media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


VIEWS = (PreviewView,)
