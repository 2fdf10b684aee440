"""Access tokens: those that live, with their last use; revoking one, and issuing one to a capture station."""

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_jwt_extended import create_access_token

from models.base import utc_now
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from views.sessions import KINDS
from workflow import sessions


class TokenView(Page):
    """The tokens of programs and stations."""

    route_base = "/tokens"
    default_view = "list"
    group = N_("Security")
    screen = N_("Access tokens")

    @expose("/")
    @needs(Permission.EDIT_USERS)
    def list(self) -> ResponseReturnValue:
        """Those that live, the latest first."""
        return self._list()

    @expose("/", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def issue(self) -> ResponseReturnValue:
        """Issue one; this answer is the only page that ever shows it."""
        sent = {name: request.form.get(key, "")[:200] for name, key in
                (("username", "account"), ("name", "name"), ("days", "days"))}  # fmt: skip
        try:
            with transaction() as session:
                station, key, lasting = sessions.issue(session, current_actor(), **sent)
        except BadValue as refusal:
            return self._list(refusal)
        token = create_access_token(str(station.id), additional_claims={"sid": key}, expires_delta=lasting)
        title = _("Token of %(user)s", user=station.username)
        return self.page(
            "tokens/issued.html", title, (title, None), station=station, name=" ".join(sent["name"].split()),
            token=token, expires=utc_now() + lasting,
        )  # fmt: skip

    @expose("/<int:session_id>/revoke", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def revoke(self, session_id: int) -> ResponseReturnValue:
        """End one at once."""
        with transaction() as session:
            sessions.end(session, current_actor(), session_id)
        return self.back(_("The token was revoked: it opens nothing any more."))

    def _list(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        asked = request.args.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
        with transaction() as session:
            found = sessions.live_tokens(session, current_actor(), before)
            stations = sessions.stations(session)
        page = self.page(
            "tokens/list.html", _("Access tokens"), found=found, stations=stations, kinds=KINDS, refusal=refusal,
            typed=request.form if refusal else {"days": "365"}, first=url_for(".list") if before else None,
            more=url_for(".list", before=found[-1].token.id) if len(found) == sessions.PAGE else None,
            longest_name=sessions.LONGEST_NAME, longest_days=sessions.LONGEST_TOKEN_DAYS,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


VIEWS = (TokenView,)
