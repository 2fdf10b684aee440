"""Reviews of who has access: open one, decide on each account, sign it with one's password, print it."""

from typing import Any

from flask import Response, current_app, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from models.accounts import DECISION_LABELS, Decision
from models.base import session as database
from models.text import N_
from models.users import User
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import review_papers, reviews


class ReviewView(Page):
    """`/reviews/`."""

    route_base = "/reviews"
    default_view = "list"
    group, screen = N_("Security"), N_("Access reviews")

    @expose("/")
    @needs(Permission.REVIEW_ACCESS)
    def list(self) -> ResponseReturnValue:
        """What is due, what is open and what was signed."""
        actor = current_actor()
        with transaction() as session:
            found, due, sites = (
                reviews.recent(session, actor), reviews.overdue(session, actor), reviews.sites(session, actor)
            )  # fmt: skip
        names = {site.code: site.name for site in sites}
        return self.page(
            "reviews/list.html", _("Access reviews"), found=found, due=due, names=names,
            every=reviews.reviews_all(actor), days=reviews.DUE_AFTER.days,
        )  # fmt: skip

    @expose("/", methods=["POST"])
    @needs(Permission.REVIEW_ACCESS)
    def start(self) -> ResponseReturnValue:
        """Take the accounts of a site, or of all, as they stand."""
        with transaction() as session:
            number = reviews.open_review(session, current_actor(), request.form.get("site") or None).id
        return self.back(url=url_for(".show", number=number))

    @expose("/<int:number>")
    @needs(Permission.REVIEW_ACCESS)
    def show(self, number: int) -> ResponseReturnValue:
        """The accounts and what was decided about each."""
        return self._review(number)

    @expose("/<int:number>", methods=["POST"])
    @needs(Permission.REVIEW_ACCESS)
    def decide(self, number: int) -> ResponseReturnValue:
        """Keep the decisions; with the password, sign."""
        signing = "sign" in request.form
        try:
            with transaction() as session:
                if signing:  # first: a wrong password is counted, and that commits
                    _know_the_password()
                reviews.decide(session, current_actor(), number, _decisions())
                if signing:
                    reviews.sign(session, current_actor(), number)
        except BadValue as refusal:
            return self._review(number, refusal)
        if not signing:
            return self.back(_("The decisions were kept."), url=url_for(".show", number=number))
        return self.back(_("The review was signed; what it disables is closed."), url=url_for(".show", number=number))

    @expose("/<int:number>/drop", methods=["POST"])
    @needs(Permission.REVIEW_ACCESS)
    def drop(self, number: int) -> ResponseReturnValue:
        """Give up a review that nobody signed."""
        with transaction() as session:
            reviews.drop(session, current_actor(), number)
        return self.back(_("The review was dropped."))

    @expose("/<int:number>/paper")
    @needs(Permission.REVIEW_ACCESS)
    def paper(self, number: int) -> ResponseReturnValue:
        """The review as a PDF."""
        with transaction() as session:
            data = review_papers.review_paper(session, reviews.find(session, current_actor(), number))
        answer = Response(data, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="revision-{number}.pdf"'
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    def _review(self, number: int, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            review = reviews.find(session, actor, number)
            sites = {site.code: site.name for site in reviews.sites(session, actor)}
        title = _("Review %(number)s", number=number)
        left = sum(line.decision is None for line in review.lines)
        page = self.page(
            "reviews/review.html", title, (title, None), review=review, me=actor.user_id, places=reviews.places,
            day_of=reviews.day_of,
            site=sites.get(review.site_code or "", review.site_code) or _("Every site"), refusal=refusal,
            typed=request.form, choices=[(str(key), _(text)) for key, text in DECISION_LABELS.items()],
            left=ngettext("%(num)d account is not decided.", "%(num)d accounts are not decided.", left),
            disables=sum(line.decision == Decision.DISABLE for line in review.lines),
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _decisions() -> dict[int, tuple[str, str]]:
    """What was sent, by line."""
    found: dict[int, tuple[str, str]] = {}
    for name, value in request.form.items():
        key = name.removeprefix("decision-")
        if key != name and key.isascii() and key.isdecimal() and len(key) < 18:
            found[int(key)] = value, request.form.get(f"remark-{key}", "")
    return found


def _know_the_password() -> None:
    """Raise `BadValue` unless the actor's own password was typed; a wrong one counts as a failed log-in."""
    manager: Any = current_app.appbuilder.sm  # type: ignore[attr-defined]
    mine = database.get(User, current_actor().user_id)
    if not manager.knows_password(mine, request.form.get("password", "")):
        raise BadValue(N_("It is not right, or the account has to wait."), field="password")


VIEWS = (ReviewView,)
