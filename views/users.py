"""Usuarios (module 50; M:L1133-L1167): list, create, edit, disable, profiles and sites, one-time passwords."""

from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.actions import ActionItem, action
from flask_appbuilder.fields import QuerySelectMultipleField
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.sqla.filters import FilterNotEqual
from flask_appbuilder.security.views import UserDBModelView
from flask_babel import format_datetime, lazy_gettext
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_, select
from wtforms import SelectMultipleField
from wtforms.validators import StopValidation

from models.base import session as database
from models.catalogs import Site
from models.text import N_
from models.users import Role, User
from security.actor import SYSTEM_USERNAME
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.account import EMAIL
from views.base import AdminView
from views.checks import matches
from views.widgets import CheckList
from workflow import users

LABELS = {
    "active": N_("State"), "username": N_("User"), "first_name": N_("First name"), "last_name": N_("Last name"),
    "email": N_("E-mail"), "cui": N_("CUI"), "desk": N_("Desk"), "roles": N_("Profiles"), "sites": N_("Sites"),
    "changed_on": N_("Updated"), "created_on": N_("Created"), "last_login": N_("Last log-in"),
    "fail_login_count": N_("Failed log-ins since"), "locked_until": N_("Locked until"),
    "password_changed_at": N_("Password set"), "must_change_password": N_("Must change the password"),
}  # fmt: skip


def role_label(role: Any) -> str:
    return f"{role.title} ({role.name})" if role.title else str(role.name)


def site_label(site: Site) -> str:
    return f"{site.name} ({site.code})"


def _state(active: bool | None) -> Markup:
    kind, text = ("success", _("Active")) if active else ("danger", _("Disabled"))
    return Markup('<span class="mark mark-{}">{}</span>').format(kind, text)


def _utc(time: Any) -> str:
    return format_datetime(time, "dd/MM/yyyy HH:mm") if time else "—"


def _is_free(column: str, message: str) -> Any:
    def check(form: Any, field: Any) -> None:
        query = select(User).where(getattr(User, column) == field.data, User.id != getattr(form, "_id", 0))
        taken = database.scalars(query).first() if field.data else None
        if taken is not None:
            raise StopValidation(_(message, value=field.data, name=taken.get_full_name(), user=taken.username))

    return check


def _is_offered(_form: Any, field: Any) -> None:
    """The framework's field forgets to refuse unknown values when none is known."""
    if field.data is None or field._invalid_formdata:
        raise StopValidation(_("A profile or site that was chosen cannot be given."))


def _active_profiles() -> list[Any]:
    return list(database.scalars(select(Role).where(Role.active).order_by(Role.title)))


def _active_sites() -> list[Site]:
    return list(database.scalars(select(Site).where(Site.active).order_by(Site.name)))


class AssignmentForm(DynamicForm):  # type: ignore[misc]
    """The profiles and sites of one user."""

    profiles = SelectMultipleField(lazy_gettext("Profiles"), coerce=int, widget=CheckList())
    sites = SelectMultipleField(lazy_gettext("Sites"), widget=CheckList())

    def offer(self, user: User) -> "AssignmentForm":
        """What is active, and what the user has although it is not."""
        mine = [role.id for role in user.roles], [site.code for site in user.sites]
        roles = database.scalars(select(Role).where(or_(Role.active, Role.id.in_(mine[0]))).order_by(Role.title))
        sites = database.scalars(select(Site).where(or_(Site.active, Site.code.in_(mine[1]))).order_by(Site.name))
        self.profiles.choices = [(role.id, role_label(role)) for role in roles]
        self.sites.choices = [(site.code, site_label(site)) for site in sites]
        if request.method == "GET":
            self.profiles.data, self.sites.data = mine
        return self


class UserView(AdminView, UserDBModelView):  # type: ignore[misc]
    """The users of the office; the system's own account is not among them."""

    route_base = "/users"
    group, screen, singular = N_("Security"), N_("Users"), N_("User")
    class_permission_name = "Users"
    method_permission_name = {  # noqa: RUF012
        **AdminView.method_permission_name, "disable": "edit", "enable": "edit", "profiles": "edit", "renew": "edit",
        "sessions": "edit", "factor": "edit",
    }  # fmt: skip
    include_route_methods = {  # noqa: RUF012
        "list", "show", "add", "edit", "action", "action_post", "assignments", "assign",
    }  # fmt: skip
    base_filters = [["username", FilterNotEqual, SYSTEM_USERNAME]]  # noqa: RUF012
    base_order = ("username", "asc")
    name_column = "username"
    history_of = ("ab_user_role", "user_site")
    eager = ("roles",)
    word_columns = ("username", "first_name", "last_name", "email")
    label_columns = {name: lazy_gettext(text) for name, text in LABELS.items()}  # noqa: RUF012
    list_columns = ["active", "username", "first_name", "last_name", "roles", "changed_on"]  # noqa: RUF012
    order_columns = ["active", "username", "first_name", "last_name", "changed_on"]  # noqa: RUF012
    search_columns = ["username", "first_name", "last_name", "email", "cui", "desk", "active", "roles", "sites"]  # noqa: RUF012
    show_fieldsets = [  # noqa: RUF012
        (lazy_gettext("User"), {"fields": ["username", "active", "first_name", "last_name", "email", "cui", "desk"]}),
        (lazy_gettext("Profiles and sites"), {"fields": ["roles", "sites"]}),
        (lazy_gettext("Log-in"), {"fields": [
            "last_login", "fail_login_count", "locked_until", "password_changed_at", "must_change_password",
            "created_on", "changed_on",
        ]}),
    ]  # fmt: skip
    show_columns = [name for _title, part in show_fieldsets for name in part["fields"]]  # noqa: RUF012
    edit_columns = ["first_name", "last_name", "email", "cui", "desk"]  # noqa: RUF012
    add_columns = ["username", *edit_columns, "roles", "sites"]  # noqa: RUF012
    description_columns = {  # noqa: RUF012
        "username": lazy_gettext("Small letters, digits, point, hyphen and underscore; 2 to 40."),
        "cui": lazy_gettext("13 digits. With it nobody can act on his own case."),
        "sites": lazy_gettext("A profile that sees every site needs none."),
    }
    validators_columns = {  # noqa: RUF012
        "username": [
            matches(users.USERNAME, N_("Small letters, digits, point, hyphen and underscore; 2 to 40.")),
            _is_free("username", N_("The user %(value)s already exists: %(name)s.")),
        ],
        "email": [EMAIL, _is_free("email", N_("Another user has this address: %(user)s."))],
        "cui": [
            matches(r"[0-9]{13}", N_("13 digits.")), _is_free("cui", N_("Another user has this CUI: %(user)s.")),
        ],
    }  # fmt: skip
    add_form_extra_fields = {  # noqa: RUF012
        "roles": QuerySelectMultipleField(
            lazy_gettext("Profiles"), [_is_offered], query_func=_active_profiles, get_pk_func=lambda role: role.id,
            get_label=role_label, widget=CheckList(),
        ),
        "sites": QuerySelectMultipleField(
            lazy_gettext("Sites"), [_is_offered], query_func=_active_sites, get_pk_func=lambda site: site.code,
            get_label=site_label, widget=CheckList(), description=description_columns["sites"],
        ),
    }  # fmt: skip
    formatters_columns = {  # noqa: RUF012
        "active": _state, "changed_on": _utc, "created_on": _utc, "last_login": _utc,
    }  # fmt: skip
    # Flask-AppBuilder's own buttons; ours are below.
    resetmypassword = resetpasswords = userinfoedit = None

    def fixed(self, pk: Any) -> list[tuple[str, Any]]:
        return [(_("User"), self._mine(pk).username)]

    def pre_add(self, item: Any) -> None:
        g.one_time = users.prepare(item, current_actor(), current_app.config["FAB_PASSWORD_HASH_METHOD"])
        g.created = item

    def pre_update(self, item: Any) -> None:
        users.stamp(users.account(database(), current_actor(), item.id), current_actor())

    def post_add_redirect(self) -> ResponseReturnValue:
        return self._tell_once(g.created, g.one_time) if "one_time" in g else super().post_add_redirect()

    def _tell_once(self, user: Any, password: str) -> ResponseReturnValue:
        """The only page that ever shows it: nothing keeps it, so a reload shows it no more."""
        title = _("One-time password of %(user)s", user=user.username)
        return self.render_template("users/one_time.html", title=title, user=user, password=password)

    def row_actions(self, row: dict[str, Any]) -> list[ActionItem]:
        if row.get("username") == current_actor().username:
            return []
        names = ("profiles", "renew", "disable") if row.get("active") else ("profiles", "enable")
        return [self.actions[name] for name in names]

    def _get_show_widget(self, pk: Any, item: Any, *rest: Any, **options: Any) -> dict[str, Any]:
        offered = self.row_actions({"username": item.username, "active": item.active})
        if offered:
            offered += [self.actions["sessions"], self.actions["factor"]]
        options["actions"] = {act.name: act for act in offered}
        return super()._get_show_widget(pk, item, *rest, **options)

    @action("profiles", lazy_gettext("Profiles and sites"), "", "person-badge", multiple=False)
    def profiles(self, user: Any) -> ResponseReturnValue:
        """Go and change them."""
        return redirect(url_for(".assignments", pk=user.id), 303)

    @action(
        "renew", lazy_gettext("New password"),
        lazy_gettext("A password to be used once is made. The open sessions of this user end."), "key", multiple=False,
    )  # fmt: skip
    def renew(self, user: Any) -> ResponseReturnValue:
        """A one-time password, shown on this answer and never again."""
        with transaction() as session:
            method = current_app.config["FAB_PASSWORD_HASH_METHOD"]
            user, password = users.renew_password(session, current_actor(), user.id, method)
        return self._tell_once(user, password)

    @action("sessions", lazy_gettext("Sessions and tokens"), "", "display", multiple=False)
    def sessions(self, user: Any) -> ResponseReturnValue:
        """Go and see where he is logged in."""
        return redirect(url_for("SessionView.of", user_id=user.id), 303)

    @action(
        "factor", lazy_gettext("Reset second factor"),
        lazy_gettext("For who lost telephone and recovery codes. The open sessions of this user end."), "phone",
        multiple=False,
    )  # fmt: skip
    def factor(self, user: Any) -> ResponseReturnValue:
        """Take it away; his profile may ask for a new one at the next log-in."""
        with transaction() as session:
            users.reset_second_factor(session, current_actor(), user.id)
        flash(_("The second factor of %(user)s was taken away.", user=user.username), "success")
        return redirect(self.home_url(), 303)

    @action(
        "disable", lazy_gettext("Disable"), lazy_gettext("The user can no longer log in; open sessions end at once."),
        "slash-circle", multiple=False,
    )  # fmt: skip
    def disable(self, user: Any) -> ResponseReturnValue:
        """Close the account."""
        with transaction() as session:
            users.disable(session, current_actor(), user.id)
        flash(_("%(user)s is disabled and logged out.", user=user.username), "success")
        return redirect(self.home_url(), 303)

    @action(
        "enable", lazy_gettext("Enable"), lazy_gettext("The user can log in again."), "arrow-counterclockwise",
        multiple=False,
    )  # fmt: skip
    def enable(self, user: Any) -> ResponseReturnValue:
        """Open the account again."""
        with transaction() as session:
            users.enable(session, current_actor(), user.id)
        flash(_("%(user)s can log in again.", user=user.username), "success")
        return redirect(self.home_url(), 303)

    @expose("/<int:pk>/assignments", methods=["GET"])
    @needs(Permission.EDIT_USERS)
    def assignments(self, pk: int) -> ResponseReturnValue:
        """The profiles and sites of a user."""
        user = self._mine(pk)
        return self._assignments(user, AssignmentForm().offer(user))

    def _assignments(self, user: Any, form: Any) -> ResponseReturnValue:
        title = _("Profiles and sites of %(user)s", user=user.username)
        return self.render_template("users/assignments.html", title=title, user=user, form=form, back=self.home_url())

    @expose("/<int:pk>/assignments", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def assign(self, pk: int) -> ResponseReturnValue:
        """Change them."""
        user = self._mine(pk)
        form = AssignmentForm().offer(user)
        if not form.validate():
            return self._assignments(user, form)
        with transaction() as session:
            chosen = {"profiles": form.profiles.data or [], "sites": form.sites.data or []}
            users.assign(session, current_actor(), pk, **chosen)
        flash(_("The profiles and sites of %(user)s were changed.", user=user.username), "success")
        return redirect(self.home_url(), 303)
