"""One's own account: Cambio Clave (module 52; M:L1196-L1204) and own data, and what one has to do before all else."""

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security import views as framework
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, StopValidation

from models.base import session as database
from models.text import N_
from models.users import User
from security.manager import must_renew
from security.passwords import REMEMBERED, REUSED, RULES, check_password_rules, is_reused
from security.scope import acting
from views.access import current_actor, transaction
from views.checks import matches
from views.frame import GuardedFrame
from workflow import users

EMAIL = matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", N_("An address such as name@example.org."))


def _tidy(value: str | None) -> str:
    return (value or "").strip()


# ---- own password


def demand_strength(password: str) -> None:
    """FAB_PASSWORD_COMPLEXITY_VALIDATOR: refuse a password that breaks a rule, saying which."""
    actor = acting()
    broken = check_password_rules(password, actor.username if actor else "")
    if broken:
        raise PasswordComplexityValidationError(_("It lacks: %(rules)s.", rules="; ".join(_(rule) for rule in broken)))


def _keeps_the_rules(_form: Any, field: Any) -> None:
    try:
        demand_strength(field.data)
    except PasswordComplexityValidationError as error:
        raise StopValidation(str(error)) from None


def _is_new(form: Any, field: Any) -> None:
    if field.data == form.current.data:
        raise StopValidation(_("The new password is the present one."))


class OwnPasswordForm(DynamicForm):  # type: ignore[misc]
    """The present password and the new one twice."""

    current = PasswordField(
        lazy_gettext("Present password"), [InputRequired()], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(
        lazy_gettext("New password"), [InputRequired(), _keeps_the_rules, _is_new],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
    confirmation = PasswordField(
        lazy_gettext("New password again"),
        [InputRequired(), EqualTo("password", lazy_gettext("It is not the same as the new password."))],
        render_kw={"autocomplete": "new-password"},
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """The present password is tried last, and a wrong one counts like a failed log-in.

        Only who knows it is told whether the new one is among the former ones.
        """
        if not super().validate(extra_validators):
            return False
        manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
        owner = current_actor().user_id
        if not manager.knows_password(database.get(User, owner), self.current.data):
            self.current.errors = [_("It is not right, or the account has to wait.")]
        elif is_reused(database(), owner, str(self.password.data)):
            self.password.errors = [_(REUSED, count=REMEMBERED)]
        else:
            return True
        return False


class _OwnPage(GuardedFrame):
    """A form of Flask-AppBuilder about oneself, in our frame."""

    form_title: Any
    form_template = "account/form.html"
    hints: tuple[str, ...] = ()

    def render_template(self, template: str, **values: Any) -> ResponseReturnValue:
        """Add breadcrumbs, and what the page explains."""
        values |= {"crumbs": self.crumbs((str(self.form_title), None)), "hints": self.hints}
        values["must_change"] = current_actor().must_change_password
        values["expired"] = values["must_change"] and must_renew(False, current_actor().password_changed_at)
        return super().render_template(template, **values)  # type: ignore[misc, no-any-return]


class PasswordView(_OwnPage, framework.ResetMyPasswordView):  # type: ignore[misc]
    """Cambio Clave."""

    route_base = "/account/password"
    class_permission_name = "ResetMyPasswordView"
    group = N_("Security")
    form = OwnPasswordForm
    form_title = lazy_gettext("Change my password")
    hints = tuple(words for words, _keeps in RULES)

    def form_post(self, form: Any) -> ResponseReturnValue:
        """Set it; the other sessions and the tokens of this user end."""
        self.appbuilder.sm.reset_password(current_actor().user_id, form.password.data)
        flash(_("The password was changed. Your other sessions have ended."), "success")
        return redirect(self.appbuilder.get_url_for_index, 303)


# ---- own data


def _is_nobody_elses(_form: Any, field: Any) -> None:
    owner = database.scalars(select(User.id).where(User.email == field.data)).first()
    if owner not in (None, current_actor().user_id):
        raise StopValidation(_("Another user has this address."))


class OwnDataForm(DynamicForm):  # type: ignore[misc]
    """Name and e-mail address."""

    first_name = StringField(
        lazy_gettext("First name"), [InputRequired(), Length(max=64)], [_tidy], render_kw={"autocomplete": "given-name"}
    )
    last_name = StringField(
        lazy_gettext("Last name"), [InputRequired(), Length(max=64)], [_tidy], render_kw={"autocomplete": "family-name"}
    )
    email = StringField(
        lazy_gettext("E-mail"), [InputRequired(), Length(max=320), EMAIL, _is_nobody_elses], [_tidy],
        render_kw={"autocomplete": "email"},
    )  # fmt: skip


class OwnDataView(_OwnPage, framework.UserInfoEditView):  # type: ignore[misc]
    """Mis datos."""

    route_base = "/account/data"
    class_permission_name = "UserInfoEditView"
    form = OwnDataForm
    form_title = lazy_gettext("My data")

    def form_post(self, form: Any) -> ResponseReturnValue:
        """Keep them."""
        names = ("first_name", "last_name", "email")
        with transaction() as db:
            users.edit_own(db, current_actor(), **{name: form[name].data for name in names})
        flash(_("Your data were changed."), "success")
        return redirect(url_for(f"{self.endpoint}.this_form_get"), 303)


# ---- what comes first

#: Views that anybody reaches who still has something to do.
_FIRST = frozenset({"AuthDBView", "PasswordView", "LocaleView"})


def demand_what_is_due() -> ResponseReturnValue | None:
    """Before a page: a password set by another, or expired, is changed, and a second factor set up, before all else.

    Tokens: `api_needs`.
    """
    endpoint = request.endpoint or ""
    if endpoint.endswith("static") or endpoint.partition(".")[0] in _FIRST:
        return None
    if request.path.startswith(("/api/v1/", "/osia/")) or not current_user.is_authenticated:
        return None
    actor = current_actor()
    if actor.must_change_password:
        return redirect(url_for("PasswordView.this_form_get"))
    if actor.lacks_factor and not endpoint.startswith("SecondFactorView."):
        return redirect(url_for("SecondFactorView.index"))
    return None
