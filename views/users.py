"""Usuarios (module 50; M:L1133-L1167): list, create, edit, disable, profiles and sites, one-time passwords."""

from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.actions import ActionItem, action
from flask_appbuilder.fields import QuerySelectMultipleField
from flask_appbuilder.models.sqla.filters import FilterNotEqual
from flask_appbuilder.security.views import UserDBModelView
from flask_appbuilder.widgets import ListWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from wtforms import SelectField

from models.base import session as database
from models.base import utc_now
from models.clock import local_date
from models.text import N_
from security.actor import SYSTEM_USERNAME
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.account import EMAIL
from views.base import AdminView
from views.checks import matches
from views.user_fields import (
    UNUSED,
    UserFilters,
    active_profiles,
    active_sites,
    is_free,
    is_offered,
    role_label,
    site_label,
    state_mark,
    time_or_dash,
    warehouse_fits,
)
from views.widgets import CheckList
from workflow import assignments, reviews, users, whole_life

LABELS = {
    "active": N_("State"), "username": N_("User"), "first_name": N_("First name"), "last_name": N_("Last name"),
    "email": N_("E-mail"), "cui": N_("CUI"), "desk": N_("Desk"), "roles": N_("Profiles"), "sites": N_("Sites"),
    "warehouse_code": N_("Warehouse"),
    "changed_on": N_("Updated"), "created_on": N_("Created"), "last_login": N_("Last log-in"),
    "fail_login_count": N_("Failed log-ins since"), "locked_until": N_("Locked until"),
    "password_changed_at": N_("Password set"), "must_change_password": N_("Must change the password"),
}  # fmt: skip


class CountedList(ListWidget):  # type: ignore[misc]
    """The list with how many there are at its end, as in the manual (M:L1165)."""

    template = "users/table.html"


class UserView(AdminView, UserDBModelView):  # type: ignore[misc]
    """The users of the office; the system's own account is not among them."""

    route_base = "/users"
    group, screen, singular = N_("Security"), N_("Users"), N_("User")
    class_permission_name = "Users"
    method_permission_name = {  # noqa: RUF012
        **AdminView.method_permission_name, "disable": "edit", "disable_many": "edit", "enable": "edit",
        "profiles": "edit", "renew": "edit", "sessions": "edit", "factor": "edit",
    }  # fmt: skip
    include_route_methods = {  # noqa: RUF012
        "list", "show", "add", "edit", "action", "action_post", "close_many",
    }  # fmt: skip
    base_filters = [["username", FilterNotEqual, SYSTEM_USERNAME]]  # noqa: RUF012
    base_order = ("username", "asc")
    list_widget, list_template, show_template = CountedList, "users/list.html", "users/show.html"
    name_column = "username"
    history_of = ("ab_user_role", "user_site", "user_assignment", "second_factor")
    eager = ("roles",)
    word_columns = ("username", "first_name", "last_name", "email")
    label_columns = {name: lazy_gettext(text) for name, text in LABELS.items()}  # noqa: RUF012
    list_columns = ["active", "username", "first_name", "last_name", "roles", "changed_on"]  # noqa: RUF012
    order_columns = ["active", "username", "first_name", "last_name", "changed_on"]  # noqa: RUF012
    search_columns = [  # noqa: RUF012
        "username", "first_name", "last_name", "email", "cui", "desk", "active", "roles", "sites", "last_login",
    ]  # fmt: skip
    show_fieldsets = [  # noqa: RUF012
        (lazy_gettext("User"), {"fields": ["username", "active", "first_name", "last_name", "email", "cui", "desk",
                                              "warehouse_code"]}),
        (lazy_gettext("Profiles and sites"), {"fields": ["roles", "sites"]}),
        (lazy_gettext("Log-in"), {"fields": [
            "last_login", "fail_login_count", "locked_until", "password_changed_at", "must_change_password",
            "created_on", "changed_on",
        ]}),
    ]  # fmt: skip
    show_columns = [name for _title, part in show_fieldsets for name in part["fields"]]  # noqa: RUF012
    edit_columns = ["first_name", "last_name", "email", "cui", "desk", "warehouse_code"]  # noqa: RUF012
    add_columns = ["username", *edit_columns, "roles", "sites"]  # noqa: RUF012
    description_columns = {  # noqa: RUF012
        "username": lazy_gettext("Small letters, digits, point, hyphen and underscore; 2 to 40."),
        "cui": lazy_gettext("13 digits. With it nobody can act on his own case."),
        "sites": lazy_gettext("A profile that sees every site needs none."),
        "warehouse_code": lazy_gettext("Of one of the user's sites: stock documents begin with it."),
    }
    search_form_extra_fields = {  # noqa: RUF012
        "last_login": SelectField(
            lazy_gettext("Last log-in"), choices=[(key, lazy_gettext(text)) for key, text in UNUSED]
        )
    }
    validators_columns = {  # noqa: RUF012
        "warehouse_code": [warehouse_fits],
        "username": [
            matches(users.USERNAME, N_("Small letters, digits, point, hyphen and underscore; 2 to 40.")),
            is_free("username", N_("The user %(value)s already exists: %(name)s.")),
        ],
        "email": [EMAIL, is_free("email", N_("Another user has this address: %(user)s."))],
        "cui": [
            matches(r"[0-9]{13}", N_("13 digits.")), is_free("cui", N_("Another user has this CUI: %(user)s.")),
        ],
    }  # fmt: skip
    add_form_extra_fields = {  # noqa: RUF012
        "roles": QuerySelectMultipleField(
            lazy_gettext("Profiles"), [is_offered], query_func=active_profiles, get_pk_func=lambda role: role.id,
            get_label=role_label, widget=CheckList(),
        ),
        "sites": QuerySelectMultipleField(
            lazy_gettext("Sites"), [is_offered], query_func=active_sites, get_pk_func=lambda site: site.code,
            get_label=site_label, widget=CheckList(), description=description_columns["sites"],
        ),
    }  # fmt: skip
    formatters_columns = {  # noqa: RUF012
        "active": state_mark, "changed_on": time_or_dash, "created_on": time_or_dash, "last_login": time_or_dash,
    }  # fmt: skip
    # Flask-AppBuilder's own buttons; ours are below.
    resetmypassword = resetpasswords = userinfoedit = None

    def _lend_store(self) -> None:
        super()._lend_store()
        self.datamodel.filter_converter_class = UserFilters

    def fixed(self, pk: Any) -> list[tuple[str, Any]]:
        return [(_("User"), self._mine(pk).username)]

    def pre_add(self, item: Any) -> None:
        g.one_time = users.prepare(item, current_actor(), current_app.config["FAB_PASSWORD_HASH_METHOD"])
        g.created = item

    def post_add(self, item: Any) -> None:
        office = whole_life.read(database())
        g.alone = any(person.user_id == item.id for person in office.carriers())

    def pre_update(self, item: Any) -> None:
        users.stamp(users.account(database(), current_actor(), item.id), current_actor())

    def post_add_redirect(self) -> ResponseReturnValue:
        return self._tell_once(g.created, g.one_time) if "one_time" in g else super().post_add_redirect()

    def _tell_once(self, user: Any, password: str) -> ResponseReturnValue:
        """The only page that ever shows it: nothing keeps it, so a reload shows it no more."""
        title = _("One-time password of %(user)s", user=user.username)
        return self.render_template(
            "users/one_time.html", title=title, user=user, password=password, alone=g.get("alone")
        )

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
        return redirect(url_for("AssignmentView.show", pk=user.id), 303)

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

    @action("disable_many", lazy_gettext("Disable those marked"), "", "slash-circle", single=False)
    def disable_many(self, marked: list[Any]) -> ResponseReturnValue:
        """The question before many accounts are closed."""
        return self._many([user for user in marked if user.active and user.id != current_actor().user_id])

    def _many(self, chosen: list[Any]) -> ResponseReturnValue:
        title = _("Disable accounts")
        return self.render_template(
            "users/disable_many.html", title=title, chosen=chosen, day_of=reviews.day_of, back=self.home_url()
        )

    @expose("/disable", methods=["POST"])
    @needs(Permission.EDIT_USERS)
    def close_many(self) -> ResponseReturnValue:
        """Close those that were asked about, all or none."""
        chosen = [
            int(key) for key in request.form.getlist("user") if key.isascii() and key.isdecimal() and len(key) < 10
        ]
        with transaction() as session:
            done = users.disable_many(session, current_actor(), chosen)
        names = ", ".join(user.username for user in done[:10]) + (" …" if len(done) > 10 else "")
        said = ngettext("%(num)d account was disabled: %(names)s", "%(num)d accounts were disabled: %(names)s",
                        len(done), names=names)  # fmt: skip
        flash(said, "success")
        return redirect(self.home_url(), 303)

    def render_template(self, template: str, **values: Any) -> ResponseReturnValue:
        """Over the list: reviews that are due, assignments that end soon. Under a user: his assignments."""
        if request.endpoint == f"{self.endpoint}.list":
            actor = current_actor()
            values["overdue"] = reviews.overdue(database(), actor) if actor.may(Permission.REVIEW_ACCESS) else None
            values["ending"] = assignments.ending_soon(database()) if actor.may(Permission.EDIT_USERS) else []
            values["overdue_days"] = reviews.DUE_AFTER.days
        elif request.endpoint == f"{self.endpoint}.show":
            today, pk = local_date(utc_now()), int(values["pk"])
            found = assignments.of_user(database(), pk)
            values["given"] = [one for one in found if not assignments.is_over(one, today)]
        return super().render_template(template, **values)
