"""Flask-AppBuilder's security manager, answering every question from one actor read in one statement per request.

Flask-AppBuilder asks the database once per permission, menu item and button; here the actor is loaded when the
session cookie or the token is read, and everything else is answered from him.
"""

import datetime as dt
from dataclasses import replace
from typing import Any

from flask import current_app, g, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import UserMixin
from sqlalchemy import select
from werkzeug.security import check_password_hash

from models.base import session as db
from models.base import utc_now
from models.users import User
from security import factors, lockout
from security.actor import SYSTEM_USERNAME, Actor, LiveSession, load_actor
from security.errors import BadValue
from security.looks import log_event
from security.passwords import REMEMBERED, REUSED, expiry, hash_password, is_reused, set_password
from security.permissions import BY_PAIR
from security.scope import acting, set_acting
from security.sessions import SEEN_EVERY, hash_of, label_of, mark_seen, open_session

#: Pages that need no permission but being somebody.
OWN_ACCOUNT = frozenset({"UserInfoEditView", "ResetMyPasswordView"})
#: The cookie may be this much newer than what its row says of when it was seen.
_GRACE = 2 * SEEN_EVERY


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
        """The account of the session cookie; None when he was disabled, or the session was ended or is over."""
        return self._account(int(pk), session.get("sid"))

    def load_user_jwt(self, _header: dict[str, Any], claims: dict[str, Any]) -> Account | None:
        """The account of a bearer token, unless it was disabled or the token was ended."""
        account = self._account(int(claims["sub"]), claims.get("sid"))
        if account is not None:
            g.user = account
        return account

    def _account(self, user_id: int, key: Any) -> Account | None:
        actor = load_actor(db(), user_id=user_id, key_hash=hash_of(key)) if isinstance(key, str) else None
        if actor is None or not actor.active or actor.session is None or _is_idle(actor.session):
            return None
        if utc_now() - actor.session.seen_at > SEEN_EVERY:
            mark_seen(db(), actor.session.id, request.remote_addr)
            db.commit()
        actor = _as_due(actor).at(request.remote_addr, request.endpoint)
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
        """The user whose name and password these are. Unknown, disabled, locked and wrong all answer alike.

        He has not logged in yet: that is `enter`, after his second factor if he has one.
        """
        name = (username or "").strip().lower()
        known = None if "\0" in name else db.scalars(select(User).where(User.username == name)).first()
        return known if self.knows_password(known, password) else None

    def knows_password(self, user: User | None, password: str) -> bool:
        """Whether this is the user's password. A wrong one counts as a failure; who has to wait knows none."""
        counted = user or db.scalars(select(User).where(User.username == SYSTEM_USERNAME)).one()
        may_try = self._may_try(counted.id)
        kept = user.password if user is not None and user.active and may_try else None
        right = check_password_hash(kept or current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"], password or "")
        return self._judge(counted.id, may_try, right=bool(kept) and right)

    def knows_code(self, user_id: int, code: str) -> bool:
        """Whether this is a code of the user's second factor, which is then used up. A wrong one counts likewise."""
        may_try = self._may_try(user_id)
        used = factors.use_code(db(), user_id, code) if may_try else None
        if used == "recovery":
            log_event(db(), user_id, "factor.recovery", request.remote_addr, left=factors.codes_left(db(), user_id))
        return self._judge(user_id, may_try, right=used is not None)

    def _may_try(self, user_id: int) -> bool:
        may_try = lockout.may_try(db(), user_id, request.remote_addr)
        db.commit()
        return may_try

    def _judge(self, user_id: int, may_try: bool, *, right: bool) -> bool:
        """Every answer writes about as much, so that a stop-watch does not tell which names exist."""
        if right:
            lockout.take_back(db(), user_id, request.remote_addr)
        else:
            log_event(db(), user_id, "session.failed" if may_try else "session.locked", request.remote_addr)
        db.commit()
        return right

    def enter(self, user: User, kind: str = "web", *, lasting: dt.timedelta | None = None) -> str:
        """The user has proved who he is: open a session of `kind`. Returns its key, for the cookie or the token."""
        lockout.got_in(db(), user.id, request.remote_addr)
        key = open_session(
            db(), user.id, kind, lasting or current_app.config["SESSION_LASTING"],
            label=label_of(request.headers.get("User-Agent", "")), address=request.remote_addr,
        )  # fmt: skip
        log_event(db(), user.id, "session.login", request.remote_addr, kind=kind)
        db.commit()
        return key

    def reset_password(self, userid: int, password: str) -> None:
        """Set a password; all other sessions and tokens end; set by another, it must be changed at the next log-in.

        Raises `BadValue` for one that was used before.
        """
        actor = acting()
        own = actor is not None and actor.user_id == int(userid)
        if is_reused(db(), int(userid), password):
            raise BadValue(REUSED, field="password", count=REMEMBERED)
        kept = hash_password(password, current_app.config["FAB_PASSWORD_HASH_METHOD"])
        this = actor.session.id if own and actor and actor.session else None
        set_password(db(), int(userid), kept, must_change=not own, but=this)
        log_event(db(), int(userid), "password.changed", request.remote_addr if request else None)
        db.commit()


def _is_idle(used: LiveSession) -> bool:
    """Whether a session of the browser was left alone for too long."""
    idle = utc_now() - used.seen_at
    return used.kind == "web" and idle > current_app.config["PERMANENT_SESSION_LIFETIME"] + _GRACE


def must_renew(must_change: bool, changed_at: dt.datetime | None) -> bool:
    """Whether a password was set by another or has expired."""
    expires = expiry(changed_at, current_app.config["PASSWORD_DAYS"]) if changed_at else None
    return must_change or (expires is not None and expires <= utc_now())


def _as_due(actor: Actor) -> Actor:
    """The actor with what he has to do first. A station's token was issued to it: it neither chooses nor proves."""
    if actor.session is not None and actor.session.kind == "station":
        return replace(actor, must_change_password=False, lacks_factor=False)
    return replace(actor, must_change_password=must_renew(actor.must_change_password, actor.password_changed_at))
