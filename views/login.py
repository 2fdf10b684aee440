"""Logging in and out: the name and password, the code of a second factor, and tokens for programs."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, flash, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security import api as framework_api
from flask_appbuilder.security import views as framework
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_jwt_extended import (
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    jwt_required,
)
from flask_login import current_user, login_user, logout_user
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from models.base import session as database
from models.base import utc_now
from models.text import N_
from models.users import User
from security.actor import load_actor
from security.errors import BadValue, DomainError, NotAllowed
from security.factors import is_enrolled
from security.manager import must_renew
from security.passwords import NOTICE, expiry
from security.scope import acting
from views.access import MUST_CHANGE, MUST_ENROL, public, transaction
from workflow import sessions

#: One answer for an unknown user, a wrong password, a disabled and a locked account.
WRONG = N_("The user or the password is not right, or the account has to wait.")
WRONG_CODE = N_("The code is not right, was used already, or the account has to wait.")
NEEDS_CODE = N_("This account has a second factor: send its code as otp.")
#: For so long after the password the code may follow.
HALF_WAY = dt.timedelta(minutes=5)


class CodeForm(DynamicForm):  # type: ignore[misc]
    """A code of the second factor."""

    code = StringField(
        lazy_gettext("Code"), [InputRequired(), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "none", "autofocus": True},
    )  # fmt: skip


class AuthDBView(framework.AuthDBView):  # type: ignore[misc]
    """Name and password; whatever is wrong, the answer is the same. The framework links to it by this name."""

    @expose("/login/", methods=["GET", "POST"])
    @public
    @no_cache
    def login(self) -> ResponseReturnValue:
        """The log-in page; after it the code, if the user has a second factor, and the page one came from."""
        if current_user.is_authenticated:
            return redirect(self._next())
        form = LoginForm_db()
        if not form.validate_on_submit():
            return self._page(form), 400 if form.errors else 200
        user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
        if user is None:
            flash(_(WRONG), "danger")
            return self._page(form), 401
        if is_enrolled(database(), user.id):
            session["half"] = {"user": user.id, "epoch": user.session_epoch, "at": utc_now().isoformat()}
            return redirect(url_for(".code", next=request.args.get("next") or None), 303)
        return self._enter(user)

    @expose("/login/code", methods=["GET", "POST"])
    @public
    @no_cache
    def code(self) -> ResponseReturnValue:
        """The second step: until it is done nobody is logged in, and after a while it starts again at the password."""
        user = _half_way()
        if user is None:
            return redirect(self.appbuilder.get_url_for_login)
        form = CodeForm()
        status = 200
        if form.validate_on_submit():
            if self.appbuilder.sm.knows_code(user.id, form.code.data):
                return self._enter(user)
            form.code.errors, status = [_(WRONG_CODE)], 401
        elif form.errors:
            status = 400
        page = self.render_template("account/code.html", title=_("Second factor"), form=form)
        return page, status

    @expose("/logout/", methods=["GET", "POST"])
    @public
    def logout(self) -> ResponseReturnValue:
        """End this session, when posted; a mere link does nothing."""
        if request.method == "POST":
            actor = acting() if current_user.is_authenticated else None
            if actor is not None:
                with transaction() as db:
                    sessions.log_out(db, actor)
            locale = session.get("locale")
            logout_user()
            session.clear()
            session["locale"] = locale
            return redirect(self.appbuilder.get_url_for_login, 303)
        return redirect(self.appbuilder.get_url_for_index)

    def _enter(self, user: User) -> ResponseReturnValue:
        for name in ("csrf_token", "half", "factor", "page_history"):
            session.pop(name, None)
        session["sid"], session.permanent = self.appbuilder.sm.enter(user), True
        login_user(user, remember=False)
        _announce_expiry(user)
        return redirect(self._next(), 303)

    def _page(self, form: Any) -> str:
        form.username.data = (form.username.data or "").replace("\x00", "")  # no page can show a NUL
        return str(self.render_template(self.login_template, title=_("Sign in"), form=form))

    def _next(self) -> str:
        return local_path(request.args.get("next", "")) or str(self.appbuilder.get_url_for_index)


def _half_way() -> User | None:
    """Who has given his password a while ago and not yet his code; nobody when it was changed since."""
    half = session.get("half")
    if half is None or utc_now() - dt.datetime.fromisoformat(half["at"]) > HALF_WAY:
        session.pop("half", None)
        return None
    user = database.get(User, half["user"])
    return user if user is not None and user.active and user.session_epoch == half["epoch"] else None


def _announce_expiry(user: User) -> None:
    expires = expiry(user.password_changed_at, current_app.config["PASSWORD_DAYS"])
    left = expires - utc_now() if expires else None
    if left is not None and dt.timedelta(0) < left < NOTICE:
        days = left.days
        told = ngettext(
            "Your password expires in %(num)d day: change it before, in the menu of your account.",
            "Your password expires in %(num)d days: change it before, in the menu of your account.",
            days,
        )
        flash(told if days else _("Your password expires today: change it in the menu of your account."), "warning")


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


# ---- tokens


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
                    otp: {type: string, description: A code of the second factor of an account that has one}
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
              description: Wrong, unknown, disabled or locked, or without the code of its second factor
            403:
              description: The password must be changed first, or a second factor set up
        """
        body = request.get_json(silent=True)
        names = ("username", "password")
        if not isinstance(body, dict) or not all(_is_text(body.get(name)) for name in names):
            raise BadValue(N_("Send username and password as a JSON object."), field="username")
        manager = self.appbuilder.sm
        user = manager.auth_user_db(body["username"], body["password"])
        if user is None:
            raise NotAuthenticated(WRONG)
        self._demand_code(user, body.get("otp"))
        _demand_what_is_due(user)
        renewable = body.get("refresh") is True
        lasting = current_app.config["JWT_REFRESH_TOKEN_EXPIRES" if renewable else "JWT_ACCESS_TOKEN_EXPIRES"]
        claims = {"sid": manager.enter(user, "token", lasting=lasting)}
        tokens = {"access_token": create_access_token(str(user.id), fresh=True, additional_claims=claims)}
        if renewable:
            tokens["refresh_token"] = create_refresh_token(str(user.id), additional_claims=claims)
        return jsonify(tokens)

    @expose("/refresh", methods=["POST"])
    @jwt_required(refresh=True)
    def refresh(self) -> ResponseReturnValue:
        """Get another bearer token for one that renews it; both end with the same session
        ---
        post:
          responses:
            200:
              description: The token
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token: {type: string}
            401:
              description: Not such a token, or it has ended
        """
        claims = {"sid": get_jwt()["sid"]}
        return jsonify(access_token=create_access_token(get_jwt_identity(), fresh=False, additional_claims=claims))

    def _demand_code(self, user: User, code: Any) -> None:
        if not is_enrolled(database(), user.id):
            return
        if not _is_text(code) or not code:
            raise NotAuthenticated(NEEDS_CODE, field="otp")
        if not self.appbuilder.sm.knows_code(user.id, code):
            raise NotAuthenticated(WRONG_CODE, field="otp")


def _demand_what_is_due(user: User) -> None:
    actor = load_actor(database(), user_id=user.id)
    if must_renew(user.must_change_password, user.password_changed_at):
        raise NotAllowed(MUST_CHANGE)
    if actor is not None and actor.lacks_factor:
        raise NotAllowed(MUST_ENROL)
