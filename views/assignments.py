"""The profiles and sites of a user, and what he holds at one site or for a time (module 50)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField

from models.base import session as database
from models.base import utc_now
from models.catalogs import Site
from models.clock import local_date
from models.text import N_
from models.users import Role, User
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from views.user_fields import role_label, site_label
from views.widgets import CheckList
from workflow import assignments, users, whole_life


class AssignmentForm(DynamicForm):  # type: ignore[misc]
    """The profiles and sites of one user."""

    profiles = SelectMultipleField(lazy_gettext("Profiles"), coerce=int, widget=CheckList())
    sites = SelectMultipleField(lazy_gettext("Sites"), widget=CheckList())

    def offer(self, user: User, *, filled: bool) -> "AssignmentForm":
        """What is active, and what the user has although it is not; `filled` with what he has."""
        mine = [role.id for role in user.roles], [site.code for site in user.sites]
        roles = database.scalars(select(Role).where(or_(Role.active, Role.id.in_(mine[0]))).order_by(Role.title))
        sites = database.scalars(select(Site).where(or_(Site.active, Site.code.in_(mine[1]))).order_by(Site.name))
        self.profiles.choices = [(role.id, role_label(role)) for role in roles]
        self.sites.choices = [(site.code, site_label(site)) for site in sites]
        if filled:
            self.profiles.data, self.sites.data = mine
        return self


class AssignmentView(Page):
    """`/users/<id>/assignments`."""

    route_base = "/users"
    default_view = "show"
    group, screen = N_("Security"), N_("Users")

    def home_url(self) -> str:
        return url_for("UserView.list")

    @expose("/<int:pk>/assignments", methods=["GET"])
    @needs(Permission.EDIT_USERS)
    def show(self, pk: int) -> ResponseReturnValue:
        """What a user holds, where and until when."""
        with transaction() as session:
            return self._page(session, pk)

    @expose("/<int:pk>/assignments", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def assign(self, pk: int) -> ResponseReturnValue:
        """Change what he holds at each of his sites; what lets him carry a case alone once that was read."""
        with transaction() as session:
            user = users.account(session, current_actor(), pk)
            form = AssignmentForm().offer(user, filled=False)
            if not form.validate():
                return self._page(session, pk, form=form)
            chosen = {"profiles": form.profiles.data or [], "sites": form.sites.data or []}
            if _would_carry(whole_life.with_general(session, pk, **chosen), pk):
                return self._page(session, pk, form=form, alone="general")
            users.assign(session, current_actor(), pk, **chosen)
            said = _("The profiles and sites of %(user)s were changed.", user=user.username)
        return self.back(said)

    @expose("/<int:pk>/assignments/give", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def give(self, pk: int) -> ResponseReturnValue:
        """Let him hold a profile at a site, or for a time."""
        form = request.form
        try:
            with transaction() as session:
                profile, site = _number(form.get("profile")), form.get("site") or None
                office = whole_life.with_assignment(session, pk, profile, site)
                assignments.give(
                    session, current_actor(), pk, profile=profile, site=site,
                    valid_from=_day(form, "valid_from") or local_date(utc_now()),
                    valid_until=_day(form, "valid_until"), reason=form.get("reason", ""),
                )  # fmt: skip
                if _would_carry(office, pk):
                    session.rollback()
                    return self._page(session, pk, alone="give", typed=form)
        except BadValue as refusal:
            return self._page(database(), pk, refusal=refusal, typed=form)
        return self.back(_("The assignment was given."), url=url_for(".show", pk=pk))

    @expose("/<int:pk>/assignments/<int:assignment>/<act>", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def change(self, pk: int, assignment: int, act: str) -> ResponseReturnValue:
        """End an assignment now, or let it end on another day."""
        acts = {"end": self._end, "prolong": self._prolong}
        with transaction() as session:
            said = acts[act](session, assignment) if act in acts else None
        return self.back(said, url=url_for(".show", pk=pk))

    @staticmethod
    def _end(session: Session, assignment: int) -> str:
        assignments.end(session, current_actor(), assignment)
        return str(_("The assignment was ended."))

    @staticmethod
    def _prolong(session: Session, assignment: int) -> str:
        until = _day(request.form, "valid_until")
        assignments.prolong(session, current_actor(), assignment, valid_until=until)
        return str(_("The assignment ends on another day now."))

    def _page(
        self, session: Session, pk: int, *, form: Any = None, alone: str | None = None,
        refusal: DomainError | None = None, typed: Mapping[str, str] | None = None,
    ) -> ResponseReturnValue:  # fmt: skip
        user = users.account(session, current_actor(), pk)
        form = form or AssignmentForm(formdata=None).offer(user, filled=True)
        today, found = local_date(utc_now()), assignments.of_user(session, pk)
        title = _("Profiles and sites of %(user)s", user=user.username)
        page = self.page(
            "users/assignments.html", title, (title, None), user=user, form=form, alone=alone, refusal=refusal,
            typed=typed or {}, today=today, back=self.home_url(), own=pk == current_actor().user_id,
            current=[one for one in found if not assignments.is_over(one, today)],
            past=[one for one in found if assignments.is_over(one, today)],
            ends_soon=lambda one: assignments.ends_soon(one, today),
            profiles=[(role.id, role_label(role)) for role in _active(session, Role, Role.title)],
            sites=[(site.code, site_label(site)) for site in _active(session, Site, Site.name)],
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _active(session: Session, kind: Any, order: Any) -> list[Any]:
    return list(session.scalars(select(kind).where(kind.active).order_by(order)))


def _would_carry(office: whole_life.Office, user_id: int) -> bool:
    """Whether the change makes him able to carry a case alone, and nobody said that he knows."""
    return "aware" not in request.form and any(person.user_id == user_id for person in office.newly())


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _day(form: Mapping[str, str], name: str) -> dt.date | None:
    typed = form.get(name, "").strip()
    try:
        return dt.date.fromisoformat(typed) if typed else None
    except ValueError:
        raise BadValue(N_("This is not a date."), field=name) from None


VIEWS = (AssignmentView,)
