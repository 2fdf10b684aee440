"""How users' profiles and sites are named, what their forms check, and how their list is asked who is unused."""

import datetime as dt
from typing import Any

from flask import abort
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import format_datetime, lazy_gettext
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_, select
from wtforms.validators import StopValidation

from models.base import session as database
from models.base import utc_now
from models.catalogs import Site, Warehouse
from models.text import N_
from models.users import Role, User
from views.store import FilterTable
from workflow import users

#: How long an account was not used, as the list is asked: days or never.
UNUSED = (
    ("45", N_("More than 45 days ago, or never")),
    ("90", N_("More than 90 days ago, or never")),
    ("never", N_("Never")),
)


def role_label(role: Any) -> str:
    return f"{role.title} ({role.name})" if role.title else str(role.name)


def site_label(site: Site) -> str:
    return f"{site.name} ({site.code})"


def state_mark(active: bool | None) -> Markup:
    kind, text = ("success", _("Active")) if active else ("danger", _("Disabled"))
    return Markup('<span class="mark mark-{}">{}</span>').format(kind, text)


def time_or_dash(time: Any) -> str:
    return format_datetime(time, "dd/MM/yyyy HH:mm") if time else "—"


def active_profiles() -> list[Any]:
    return list(database.scalars(select(Role).where(Role.active).order_by(Role.title)))


def active_sites() -> list[Site]:
    return list(database.scalars(select(Site).where(Site.active).order_by(Site.name)))


def is_free(column: str, message: str) -> Any:
    """The check that no other user has the value; `message` says who has."""

    def check(form: Any, field: Any) -> None:
        query = select(User).where(getattr(User, column) == field.data, User.id != getattr(form, "_id", 0))
        taken = database.scalars(query).first() if field.data else None
        if taken is not None:
            raise StopValidation(_(message, value=field.data, name=taken.get_full_name(), user=taken.username))

    return check


def is_offered(_form: Any, field: Any) -> None:
    """The framework's field forgets to refuse unknown values when none is known."""
    if field.data is None or field._invalid_formdata:
        raise StopValidation(_("A profile or site that was chosen cannot be given."))


def warehouse_fits(form: Any, field: Any) -> None:
    """The warehouse is of one of the sites marked in the form, or of those the user has."""
    if not field.data:
        return
    if "sites" in form:
        place = database.get(Warehouse, field.data)
        fits = place is not None and place.site_code in {site.code for site in form.sites.data or ()}
    else:
        fits = users.works_at(database(), database.get_one(User, form._id), field.data)
    if not fits:
        raise StopValidation(_("The warehouse is not of one of the user's sites."))


class UnusedFor(BaseFilter):  # type: ignore[misc]
    """Accounts whose last log-in is older than so many days, or that never logged in."""

    name = lazy_gettext("Unused")

    def apply(self, query: Any, value: Any) -> Any:
        if value not in dict(UNUSED):
            abort(400)
        never = self.model.last_login.is_(None)
        if value == "never":
            return query.filter(never)
        since = utc_now().replace(tzinfo=None) - dt.timedelta(days=int(value))
        return query.filter(or_(never, self.model.last_login < since))


class UserFilters(FilterTable):
    """Of the last log-in one asks how long ago it is."""

    def convert(self, col_name: str) -> list[BaseFilter]:
        return [UnusedFor(col_name, self.datamodel)] if col_name == "last_login" else super().convert(col_name)
