"""Flask-AppBuilder's security manager, answering every question from one actor read in one statement per request.

Flask-AppBuilder asks the database once per permission, menu item and button; here the actor is loaded when the
session cookie or the token is read, and everything else is answered from him.
"""

import datetime as dt
import hmac
from typing import Any

from flask import current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import UserMixin, user_logged_in
from sqlalchemy import func, select, text, update
from werkzeug.security import check_password_hash

from models.base import session as db
from models.base import utc_now
from models.users import User
from security.actor import SYSTEM_USERNAME, Actor, load_actor
from security.passwords import hash_password, set_password
from security.permissions import BY_PAIR
from security.scope import acting, set_acting

#: After this many wrong passwords an account waits, twice as long each further time, up to the longest wait.
TRIES = 5
FIRST_WAIT = dt.timedelta(minutes=1)
LONGEST_WAIT = dt.timedelta(minutes=15)
#: Whoever logs in is asked again after this time, however busy he was.
LONGEST_SESSION = dt.timedelta(hours=12)
#: Pages that need no permission but being somebody.
OWN_ACCOUNT = frozenset({"UserInfoEditView", "ResetMyPasswordView"})

_NEXT_WAIT = text(
    f"case when coalesce(fail_login_count, 0) + 1 >= {TRIES} then now() + least("
    f"power(2, least(coalesce(fail_login_count, 0) + 1 - {TRIES}, 16)) * interval '{FIRST_WAIT}', "
    f"interval '{LONGEST_WAIT}') end"
)


class Account(UserMixin):  # type: ignore[misc]
    """The user of a request as Flask-Login and Flask-AppBuilder see him; made from the actor, not from a table."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id = actor.user_id
        self.username = actor.username
        self.first_name, _, self.last_name = actor.name.partition(" ")
        self.email = ""
        self.roles: list[Any] = []
        self.groups: list[Any] = []

    @property
    def is_active(self) -> bool:
        return self.actor.active

    def get_full_name(self) -> str:
        return self.actor.name


class Manager(SecurityManager):  # type: ignore[misc]
    """Who is asking, what he may, and how he proves it."""

    # Who is asking.
    def load_user(self, pk: int | str) -> Account | None:
        """The account of the session cookie; None when he was disabled, his sessions were ended, or this one is old."""
        return self._account(int(pk), session.get("epoch")) if _is_recent(session.get("since")) else None

    def load_user_jwt(self, _header: dict[str, Any], claims: dict[str, Any]) -> Account | None:
        """The account of a bearer token, unless it was disabled or its tokens were ended."""
        account = self._account(int(claims["sub"]), claims.get("epoch"))
        if account is not None:
            g.user = account
        return account

    def _account(self, user_id: int, epoch: str | None) -> Account | None:
        actor = load_actor(db(), user_id=user_id)
        if actor is None or not actor.active or epoch is None or not hmac.compare_digest(epoch, actor.session_epoch):
            return None
        actor = actor.at(request.remote_addr, request.endpoint)
        set_acting(actor)
        return Account(actor)

    # What he may.
    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the actor at work holds Flask-AppBuilder's pair."""
        return self._held(permission_name, view_name)

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return self._held(permission_name, view_name)

    def _held(self, permission_name: str, view_name: str) -> bool:
        self.current_user  # noqa: B018  (reads cookie or token)
        actor = acting()
        if actor is None:
            return False
        permission = BY_PAIR.get((permission_name, view_name))
        return view_name in OWN_ACCOUNT or (permission is not None and actor.may(permission))

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing that asks for a permission is public."""
        return False

    def _get_user_permission_view_menus(self, user: Any, permission_name: str, view_menus_name: list[str]) -> set[str]:
        return {name for name in view_menus_name if self._held(permission_name, name)}

    # How he proves it.
    def auth_user_db(self, username: str, password: str) -> User | None:
        """The user whose name and password these are. Unknown, disabled, locked and wrong all answer alike."""
        name = (username or "").strip().lower()
        known = None if "\0" in name else db.scalars(select(User).where(User.username == name)).first()
        if not self.knows_password(known, password) or known is None:
            return None
        self.update_user_auth_stat(known, success=True)
        return known

    def knows_password(self, user: User | None, password: str) -> bool:
        """Whether this is the user's password. A wrong one counts as a failure; a locked account knows none."""
        kept = None if user is None or not user.active or _is_locked(user) else user.password
        right = check_password_hash(kept or current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], password or "")
        if not kept:
            _take_as_long_as_a_failure()
        elif not right:
            self.update_user_auth_stat(user, success=False)
        return bool(kept) and right

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:
        """Count log-ins and failures in the database itself, so that no failure is lost to a race."""
        values: dict[str, Any] = {
            "fail_login_count": 0, "locked_until": None, "last_login": func.now(),
            "login_count": func.coalesce(User.login_count, 0) + 1,
        } if success else {
            "fail_login_count": func.coalesce(User.fail_login_count, 0) + 1, "locked_until": _NEXT_WAIT,
        }  # fmt: skip
        db.execute(update(User).where(User.id == user.id).values(**values))
        db.commit()
        (self.on_user_login if success else self.on_user_login_failed)(user)

    def reset_password(self, userid: int, password: str) -> None:
        """Set a password; all other sessions and tokens end; set by another, it must be changed at the next log-in."""
        actor = acting()
        own = actor is not None and actor.user_id == int(userid)
        kept = hash_password(password, current_app.config["FAB_PASSWORD_HASH_METHOD"])
        epoch = set_password(db(), int(userid), kept, must_change=not own)
        db.commit()
        if own and request:
            session["epoch"] = epoch


def _is_recent(since: str | None) -> bool:
    return since is not None and utc_now() - dt.datetime.fromisoformat(since) < LONGEST_SESSION


def _is_locked(user: User) -> bool:
    return user.locked_until is not None and user.locked_until > utc_now()


def _take_as_long_as_a_failure() -> None:
    """Write as much as counting a failure does, so that a stop-watch does not tell which names exist."""
    db.execute(update(User).where(User.username == SYSTEM_USERNAME).values(fail_login_count=0))
    db.commit()


@user_logged_in.connect  # type: ignore[untyped-decorator]
def _remember_epoch(_app: Any, user: Any, **_: Any) -> None:
    session["epoch"] = user.session_epoch if isinstance(user, User) else user.actor.session_epoch
    session["since"] = utc_now().isoformat()
    session.permanent = True
