"""A request that waits for a second person: what it is about, its evidence, and what becomes of it."""

from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import force_locale, gettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.amendments import RequestState
from printing.papers import draw
from security.errors import BadValue, DomainError
from security.looks import log_look
from security.permissions import Permission
from views import acts
from views.access import current_actor, needs, transaction
from views.corrections import crumbs_to
from views.counter import status_of
from views.frame import Page
from views.previews import Side, sides
from workflow import evidence, previews, requests, second_person
from workflow.correction_paper import correction_paper
from workflow.requests import RequestFile

DECIDE = (Permission.CORRECT_CASES, Permission.VOID_BOOKLETS)


class RequestView(Page):
    """Requests of modules 55 and 56; each asks for the permission of what it is about."""

    route_base = "/amendments"
    default_view = "show"

    @expose("/<int:number>")
    @needs(*DECIDE)
    def show(self, number: int) -> ResponseReturnValue:
        """All about a request, and what may be done with it."""
        return self._request(number)

    @expose("/<int:number>/approve", methods=["POST"])
    @needs(*DECIDE)
    def approve(self, number: int) -> ResponseReturnValue:
        """Carry it out, as a second person."""
        try:
            with transaction() as session:
                event = second_person.approve(session, number, current_actor(), request.form.get("decision", ""))
                case = requests.find(session, number, current_actor())[1].number
        except DomainError as refusal:
            if refusal.status in (403, 404):
                raise
            return self._request(number, refusal)
        acts.tell(case, event)
        return redirect(url_for(".show", number=number), 303)

    @expose("/<int:number>/refuse", methods=["POST"])
    @needs(*DECIDE)
    def refuse(self, number: int) -> ResponseReturnValue:
        """Decide that it is not done, saying why."""
        try:
            with transaction() as session:
                second_person.refuse(session, number, current_actor(), request.form.get("decision", ""))
        except BadValue as refusal:
            return self._request(number, refusal)
        return self.back(_("Request No. %(number)s was refused.", number=number), url=url_for(".show", number=number))

    @expose("/<int:number>/withdraw", methods=["POST"])
    @needs(*DECIDE)
    def withdraw(self, number: int) -> ResponseReturnValue:
        """Take it back."""
        with transaction() as session:
            second_person.withdraw(session, number, current_actor())
        return self.back(
            _("Request No. %(number)s was withdrawn.", number=number), url=url_for(".show", number=number)
        )  # fmt: skip

    @expose("/<int:number>/paper")
    @needs(Permission.CORRECT_CASES)
    def paper(self, number: int) -> ResponseReturnValue:
        """The paper of a correction as a PDF, in Spanish whoever asks."""
        with transaction() as session, force_locale("es"):
            actor = current_actor()
            paper = correction_paper(session, number, actor, gettext)
            case = requests.find(session, number, actor)[1]
            log_look(session, actor, "correction_paper", case.number, request=number)
        return private(Response(draw(paper), mimetype="application/pdf"), f'inline; filename="correccion-{number}.pdf"')

    @expose("/evidence/<int:number>")
    @needs(Permission.CORRECT_CASES)
    def evidence(self, number: int) -> ResponseReturnValue:
        """A file as it was sent, as a download that no browser runs."""
        with transaction() as session:
            file, case = evidence.read(session, current_actor(), number)
        name = f"{case.number}-evidencia-{file.id}.{evidence.SUFFIXES[file.media_type]}"
        answer = private(Response(file.data, mimetype=file.media_type), f'attachment; filename="{name}"')
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer

    def _request(self, number: int, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            whole = requests.whole(session, number, actor)
            log_look(session, actor, "amendment", whole.case.number, request=number)
            shown = _sides(session, whole)
        correction = whole.request.kind in requests.CORRECTIONS
        title = _("Request No. %(number)s", number=number)
        crumbs = crumbs_to(requests.CORRECTIONS if correction else requests.VOIDS)
        page = self.page(
            "amendments/request.html", title, crumbs=[*crumbs, (title, None)], wide=True, file=whole,
            request_=whole.request, case=whole.case, correction=correction,
            own=whole.request.requested_by_id == actor.user_id, pending=whole.request.state == RequestState.PENDING,
            refusal=refusal, said=request.form.get("decision", ""), sides=shown,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _sides(session: Session, whole: RequestFile) -> tuple[Side, Side] | None:
    """The page before and after a correction that waits, while it could be carried out; None otherwise."""
    asked, actor = whole.request, current_actor()
    if asked.state != RequestState.PENDING or not whole.changes or whole.differences:
        return None
    values = {"changes": asked.proposed, "reason": asked.reason_code, "comment": asked.comment}
    try:
        return sides(previews.preview_correction(session, whole.move, whole.case, actor, values))
    except DomainError:
        return None


def private(answer: Response, disposition: str) -> Response:
    """The answer with headers for what no cache keeps and no browser guesses at."""
    answer.headers["Content-Disposition"] = disposition
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


VIEWS = (RequestView,)
