"""One's own account: log-in and log-out, Cambio Clave (module 52; M:L1196-L1204), own data, and tokens for programs."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, flash, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security import api as framework_api
from flask_appbuilder.security import views as framework
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_jwt_extended import create_access_token, create_refresh_token
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, StopValidation

from models.base import session as database
from models.text import N_
from models.users import User
from security.errors import BadValue, DomainError, NotAllowed
from security.passwords import RULES, check_password_rules
from security.scope import acting
from views.access import MUST_CHANGE, current_actor, public, transaction
from views.checks import matches
from views.frame import GuardedFrame
from workflow import users

#: One answer for an unknown user, a wrong password, a disabled and a locked account.
WRONG = N_("The user or the password is not right, or the account has to wait.")
EMAIL = matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", N_("An address such as name@example.org."))


def _tidy(value: str | None) -> str:
    return (value or "").strip()


# ---- log-in


class AuthDBView(framework.AuthDBView):  # type: ignore[misc]
    """Name and password; whatever is wrong, the answer is the same. The framework links to it by this name."""

    @expose("/login/", methods=["GET", "POST"])
    @public
    @no_cache
    def login(self) -> ResponseReturnValue:
        """The log-in page; after it, the page one came from."""
        if current_user.is_authenticated:
            return redirect(self._next())
        form = LoginForm_db()
        if not form.validate_on_submit():
            return self._page(form), 400 if form.errors else 200
        user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
        if user is None:
            flash(_(WRONG), "danger")
            return self._page(form), 401
        session.pop("csrf_token", None)
        login_user(user, remember=False)
        return redirect(self._next(), 303)

    @expose("/logout/", methods=["GET", "POST"])
    @public
    def logout(self) -> ResponseReturnValue:
        """End this session, when posted; a mere link does nothing."""
        if request.method == "POST":
            locale = session.get("locale")
            logout_user()
            session.clear()
            session["locale"] = locale
            return redirect(self.appbuilder.get_url_for_login, 303)
        return redirect(self.appbuilder.get_url_for_index)

    def _page(self, form: Any) -> str:
        form.username.data = (form.username.data or "").replace("\x00", "")  # no page can show a NUL
        return str(self.render_template(self.login_template, title=_("Sign in"), form=form))

    def _next(self) -> str:
        return local_path(request.args.get("next", "")) or str(self.appbuilder.get_url_for_index)


def local_path(url: str) -> str:
    """The part of `url` on this server, empty when it leads elsewhere: nobody is sent away by a crafted link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("", "http", "https") or parts.netloc not in ("", request.host) or "\\" in url:
        return ""
    path = "/" + parts.path.lstrip("/")
    return (path + (f"?{parts.query}" if parts.query else "")) if url.isprintable() and parts.path else ""


class NotAuthenticated(DomainError):
    """Not the password of that user, or an account that may not log in now."""

    status = 401


def _is_text(value: Any) -> bool:
    """Whether it is text that the database could hold: no half of a surrogate pair, which JSON can write."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


class SecurityApi(framework_api.SecurityApi):  # type: ignore[misc]
    """`/api/v1/security`: bearer tokens, under the same conditions as the log-in page."""

    @expose("/login", methods=["POST"])
    @public
    def login(self) -> ResponseReturnValue:
        """Log in and get a bearer token, with `refresh` also one to renew it
        ---
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [username, password]
                  properties:
                    username: {type: string}
                    password: {type: string}
                    refresh: {type: boolean}
          responses:
            200:
              description: The tokens
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token: {type: string}
                      refresh_token: {type: string}
            400:
              description: Not such a body
            401:
              description: Wrong, unknown, disabled or locked
            403:
              description: The password must be changed first
        """
        body = request.get_json(silent=True)
        names = ("username", "password")
        if not isinstance(body, dict) or not all(_is_text(body.get(name)) for name in names):
            raise BadValue(N_("Send username and password as a JSON object."), field="username")
        user = self.appbuilder.sm.auth_user_db(body["username"], body["password"])
        if user is None:
            raise NotAuthenticated(WRONG)
        if user.must_change_password:
            raise NotAllowed(MUST_CHANGE)
        tokens = {"access_token": create_access_token(str(user.id), fresh=True)}
        if body.get("refresh") is True:
            tokens["refresh_token"] = create_refresh_token(str(user.id))
        return jsonify(tokens)


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
        """The present password is tried last, and a wrong one counts like a failed log-in."""
        if not super().validate(extra_validators):
            return False
        manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
        if manager.knows_password(database.get(User, current_actor().user_id), self.current.data):
            return True
        self.current.errors = [_("It is not right, or the account has to wait.")]
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


# ---- forced change


def demand_new_password() -> ResponseReturnValue | None:
    """Before a page: whoever has a password set by another changes it before anything else. Tokens: `api_needs`."""
    endpoint = request.endpoint or ""
    if endpoint.endswith("static") or endpoint.partition(".")[0] in {"AuthDBView", "PasswordView", "LocaleView"}:
        return None
    if request.path.startswith(("/api/", "/osia/")) or not current_user.is_authenticated:
        return None
    if not current_actor().must_change_password:
        return None
    return redirect(url_for("PasswordView.this_form_get"))
