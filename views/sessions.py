"""Mis sesiones: where one is logged in, and ending that; another's for who may edit users."""

import datetime as dt

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Page
from workflow import sessions

KINDS = {"web": N_("Browser"), "token": N_("Program"), "station": N_("Capture station")}


def _idle() -> dt.timedelta:
    lifetime: dt.timedelta = current_app.config["PERMANENT_SESSION_LIFETIME"]
    return lifetime


class SessionView(Page):
    """Sessions and tokens as rows that can be ended."""

    route_base = "/account/sessions"
    screen = N_("My sessions")

    @expose("/")
    @needs()
    def index(self) -> ResponseReturnValue:
        """One's own."""
        actor = current_actor()
        with transaction() as session:
            found = sessions.mine(session, actor, _idle())
        this = actor.session.id if actor.session else None
        return self.page("account/sessions.html", _("My sessions"), found=found, this=this, owner=None, kinds=KINDS)

    @expose("/<int:session_id>/end", methods=["POST"])
    @needs()
    def end(self, session_id: int) -> ResponseReturnValue:
        """End one: one's own, or another's for who may edit users."""
        actor = current_actor()
        with transaction() as session:
            ended = sessions.end(session, actor, session_id)
        own = ended.user_id == actor.user_id
        return self.back(_("The session was ended."), url=None if own else url_for(".of", user_id=ended.user_id))

    @expose("/end-others", methods=["POST"])
    @needs()
    def end_others(self) -> ResponseReturnValue:
        """End all of one's own but this one."""
        with transaction() as session:
            sessions.end_others(session, current_actor())
        return self.back(_("Your other sessions and tokens have ended."))

    @expose("/alive")
    @needs()
    def alive(self) -> ResponseReturnValue:
        """Go on working: answers 204, and the cookie is renewed."""
        return "", 204

    @expose("/of/<int:user_id>/")
    @needs(Permission.EDIT_USERS)
    def of(self, user_id: int) -> ResponseReturnValue:
        """Another's."""
        with transaction() as session:
            owner, found = sessions.of_user(session, current_actor(), user_id, _idle())
        title = _("Sessions of %(user)s", user=owner.username)
        crumbs = [(_("Security"), None), (_("Users"), url_for("UserView.list")), (title, None)]
        return self.page(
            "account/sessions.html", title, found=found, this=None, owner=owner, kinds=KINDS, crumbs=crumbs
        )

    @expose("/of/<int:user_id>/end", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def end_all_of(self, user_id: int) -> ResponseReturnValue:
        """End all of another's."""
        with transaction() as session:
            user = sessions.end_all_of(session, current_actor(), user_id)
        flash(_("The sessions and tokens of %(user)s have ended.", user=user.username), "success")
        return redirect(url_for(".of", user_id=user_id), 303)


VIEWS = (SessionView,)
