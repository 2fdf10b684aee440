"""Perfiles (module 51; M:L1169-L1194): list, create, edit, close, and what each allows in words."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.actions import ActionItem, action
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.views import RoleModelView
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import select
from wtforms import SelectMultipleField
from wtforms.validators import InputRequired, StopValidation

from models.base import session as database
from models.text import N_
from models.users import Role
from security.permissions import SCREEN_LABELS, WHOLE_LIFE, Permission
from views.access import current_actor, needs, transaction
from views.base import AdminView
from views.checks import matches
from views.widgets import PermissionSets
from workflow import profiles, whole_life


def _in_words(permission: Permission) -> tuple[str, str]:
    return _(SCREEN_LABELS[permission.screen]), _(permission.label)


def _permission_choices() -> list[Any]:
    return [(permission.name, permission) for permission in Permission]


class PermissionForm(DynamicForm):  # type: ignore[misc]
    """What a profile allows."""

    permissions = SelectMultipleField(
        lazy_gettext("Permissions"), choices=_permission_choices, widget=PermissionSets(_in_words)
    )

    def chosen(self) -> frozenset[Permission]:
        """The permissions marked."""
        return frozenset(Permission[name] for name in self.permissions.data or ())


def _name_is_free(_form: Any, field: Any) -> None:
    taken = database.scalars(select(Role).where(Role.name == field.data)).first()
    if taken is not None:
        raise StopValidation(_("The profile %(code)s already exists: %(name)s.", code=taken.name, name=taken.title))


def _holders(profile_id: int) -> Markup:
    """How many hold the profile, and a mark when it would do for a case's whole life; both read once per request."""
    if "profile_holders" not in g:
        g.profile_holders = profiles.holders(database())
        g.whole_life_profiles = profiles.whole_life_profiles(database())
    count = Markup("<span>{}</span>").format(g.profile_holders.get(profile_id, 0))
    if profile_id not in g.whole_life_profiles:
        return count
    return count + Markup(' <span class="mark mark-warning">{}</span>').format(_("Whole life of a case"))


class ProfileView(AdminView, RoleModelView):  # type: ignore[misc]
    """The profiles; none is erased."""

    route_base = "/profiles"
    group, screen, singular = N_("Security"), N_("Profiles"), N_("Profile")
    class_permission_name = "Profiles"
    method_permission_name = {  # noqa: RUF012
        **AdminView.method_permission_name, "allow": "edit", "deactivate": "edit", "reactivate": "edit",
    }  # fmt: skip
    include_route_methods = {  # noqa: RUF012
        "list", "show", "add", "edit", "action", "action_post", "permissions", "set_permissions",
    }  # fmt: skip
    list_widget, show_widget = ListWidget, ShowWidget
    base_order = ("title", "asc")
    name_column = "title"
    history_of = ("ab_permission_view_role",)
    word_columns = ("title", "name")
    label_columns = {  # noqa: RUF012
        "title": lazy_gettext("Description"), "name": lazy_gettext("Abbreviation"), "active": lazy_gettext("Active"),
        "second_factor": lazy_gettext("Second factor"), "id": lazy_gettext("Active users"),
    }  # fmt: skip
    list_columns = show_columns = ["title", "name", "active", "second_factor", "id"]  # noqa: RUF012
    order_columns = search_columns = ["title", "name", "active", "second_factor"]  # noqa: RUF012
    edit_columns = ["title", "second_factor"]  # noqa: RUF012
    add_columns = ["title", "name", "second_factor"]  # noqa: RUF012
    description_columns = {  # noqa: RUF012
        "second_factor": lazy_gettext("Whoever has this profile logs in with a code of his telephone besides."),
    }
    validators_columns = {  # noqa: RUF012
        "title": [InputRequired()],
        "name": [
            matches(profiles.ABBREVIATION, N_("Capital letters, digits, hyphen and underscore; 2 to 20.")),
            _name_is_free,
        ],
    }
    formatters_columns = {"id": _holders}  # noqa: RUF012
    # Flask-AppBuilder's own button; ours are below.
    copy_role = None

    def fixed(self, pk: Any) -> list[tuple[str, Any]]:
        return [(_("Abbreviation"), self._mine(pk).name)]

    def row_actions(self, row: dict[str, Any]) -> list[ActionItem]:
        return [self.actions["allow"], self.actions["deactivate" if row.get("active", True) else "reactivate"]]

    def _get_show_widget(self, pk: Any, item: Any, *rest: Any, **options: Any) -> dict[str, Any]:
        options["actions"] = {act.name: act for act in self.row_actions({"active": item.active})}
        return super()._get_show_widget(pk, item, *rest, **options)

    def post_add_redirect(self) -> ResponseReturnValue:
        target = url_for(".permissions", pk=g.created.id) if "created" in g else self.home_url()
        return redirect(target, 303)

    def post_add(self, item: Any) -> None:
        g.created = item

    @action("allow", lazy_gettext("Permissions"), "", "list-check", multiple=False)
    def allow(self, profile: Any) -> ResponseReturnValue:
        """Go and change what it allows."""
        return redirect(url_for(".permissions", pk=profile.id), 303)

    @action(
        "deactivate", lazy_gettext("Deactivate"),
        lazy_gettext("It will allow nothing and no longer be offered; who has it keeps it."), "slash-circle",
        multiple=False,
    )  # fmt: skip
    def deactivate(self, profile: Any) -> ResponseReturnValue:
        """Close it."""
        return self._set_active(profile, active=False)

    @action(
        "reactivate", lazy_gettext("Reactivate"), lazy_gettext("Whoever has it may act by it again."),
        "arrow-counterclockwise", multiple=False,
    )  # fmt: skip
    def reactivate(self, profile: Any) -> ResponseReturnValue:
        """Open it again."""
        return self._set_active(profile, active=True)

    def _set_active(self, profile: Any, *, active: bool) -> ResponseReturnValue:
        with transaction() as session:
            profiles.set_active(session, current_actor(), profile.id, active=active)
        flash(_("The profile %(name)s was changed.", name=profile.title or profile.name), "success")
        return redirect(self.home_url(), 303)

    @expose("/<int:pk>/permissions", methods=["GET"])
    @needs(Permission.READ_PROFILES)
    def permissions(self, pk: int) -> ResponseReturnValue:
        """What a profile allows, screen by screen."""
        held = profiles.held(database(), current_actor(), pk)
        form = PermissionForm(permissions=[permission.name for permission in held.permissions])
        return self._permissions(held, form, held.permissions)

    def _permissions(self, held: profiles.Held, form: Any, shown: frozenset[Permission]) -> ResponseReturnValue:
        whole = [_in_words(permission) for permission in Permission if permission in WHOLE_LIFE]
        return self.render_template(
            "profiles/permissions.html", held=held, form=form, back=self.home_url(), whole_life=whole,
            title=_("Permissions of %(profile)s", profile=held.profile.title or held.profile.name),
            alone=profiles.carries_alone(shown), may_edit=current_actor().may(Permission.EDIT_PROFILES),
            shown=sorted(_in_words(permission) for permission in shown),
        )  # fmt: skip

    @expose("/<int:pk>/permissions", methods=["POST"])
    @needs(Permission.EDIT_PROFILES)
    def set_permissions(self, pk: int) -> ResponseReturnValue:
        """Say what would change and whom it lets carry a whole case; change it once that was confirmed."""
        held, form = profiles.held(database(), current_actor(), pk), PermissionForm()
        if not form.validate() or "edit" in request.form:
            return self._permissions(held, form, held.permissions if form.errors else form.chosen())
        effect = profiles.effect(database(), current_actor(), pk, form.chosen())
        alone = bool(effect.newly) or (profiles.carries_alone(form.chosen()) and bool(effect.added))
        if request.form.get("seen") != effect.seen or (alone and "aware" not in request.form):
            return self._confirm(held, form.chosen(), effect, alone=alone)
        with transaction() as session:
            profiles.set_permissions(session, current_actor(), pk, form.chosen())
        flash(_("The permissions of %(profile)s were changed.", profile=held.profile.title), "success")
        return redirect(self.home_url(), 303)

    def _confirm(
        self, held: profiles.Held, wanted: frozenset[Permission], effect: profiles.Effect, *, alone: bool
    ) -> ResponseReturnValue:
        name = held.profile.title or held.profile.name
        return self.render_template(
            "profiles/confirm.html", held=held, effect=effect, alone=alone, shown=whole_life.SHOWN,
            back=self.home_url(),
            title=_("Confirm the permissions of %(profile)s", profile=name),
            wanted=[permission.name for permission in Permission if permission in wanted],
            by_itself=profiles.carries_alone(wanted), changed=request.form.get("seen", effect.seen) != effect.seen,
            added=[_in_words(permission) for permission in effect.added],
            removed=[_in_words(permission) for permission in effect.removed],
        )  # fmt: skip
