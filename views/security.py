"""Flask-AppBuilder's security manager with our pages: what it registers, and nothing else of its own.

Its stock pages let whoever may reset a password reset anybody's, and bring groups and charts this office does not use.
"""

from flask import g
from flask.typing import ResponseReturnValue
from flask_login import current_user

from security.manager import Manager
from views.account import OwnDataView, PasswordView, demand_what_is_due
from views.login import AuthDBView, SecurityApi
from views.profiles import ProfileView
from views.users import UserView


class WebManager(Manager):
    """The manager of the web application."""

    authdbview = AuthDBView
    userdbmodelview = UserView
    rolemodelview = ProfileView
    resetmypasswordview = PasswordView
    userinfoeditview = OwnDataView
    security_api = SecurityApi
    userstatschartview = None

    def register_views(self) -> None:
        """Log-in, tokens, one's own account, users and profiles; log-ins limited by address but in a demonstration."""
        builder = self.appbuilder
        token_api = builder.add_api(self.security_api)
        self.auth_view = builder.add_view_no_menu(self.authdbview())
        if self.is_auth_limited:
            for view in (token_api, self.auth_view):
                self.limiter.limit(self.auth_rate_limit, methods=["POST"])(view.blueprint)
        builder.add_view_no_menu(self.userinfoeditview())
        builder.add_view_no_menu(self.resetmypasswordview())
        self.user_view = builder.add_view_no_menu(self.userdbmodelview)
        builder.add_view_no_menu(self.rolemodelview)

    @staticmethod
    def before_request() -> ResponseReturnValue | None:
        """Before every request: who asks, and what he has to do before he goes on."""
        g.user = current_user
        return demand_what_is_due()
