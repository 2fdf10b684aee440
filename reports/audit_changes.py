"""Changes of users, profiles, catalogs, controls and documents: before and after, by whom."""

from typing import Any

from sqlalchemy import Select, Text, cast

from models.audit import ACTS
from models.audit import ChangeLog as L
from models.text import N_
from reports.columns import lines_of, told
from reports.declaration import Asked, Column, Kind, Order, Report
from reports.filters import Choice, Days, Literal
from security.permissions import Permission
from security.trail import SUBJECTS


def _lines(asked: Asked) -> Select[Any]:
    return lines_of(
        L.at.label("at"),
        L.username.label("user"),
        L.subject.label("subject"),
        L.key.label("key"),
        L.act.label("act"),
        told(L.before).label("before"),
        told(L.after).label("after"),
        L.screen.label("screen"),
        cast(L.address, Text).label("address"),
    ).where(L.at <= asked.as_of)


REPORT = Report(
    number=None,
    permission=Permission.AUDIT_CHANGES,
    about=N_(
        "Every change of users, profiles, catalogs, controls and stock documents: what was there before, what after. A "
        "user that is a role of the database did it past this program."
    ),
    source="SPEC 5",
    icon="clock-history",
    columns=(
        Column("at", N_("When"), Kind.MOMENT, 18),
        Column("user", N_("User"), width=14),
        Column("subject", N_("What"), width=22, labels=SUBJECTS),
        Column("key", N_("Which"), Kind.CODE, 18),
        Column("act", N_("Act"), width=12, labels=ACTS),
        Column("before", N_("Before"), width=44),
        Column("after", N_("After"), width=44),
        Column("screen", N_("Screen"), width=22),
        Column("address", N_("From address"), Kind.CODE, 16),
    ),
    filters=(
        Days("days", N_("When"), L.at, default=7),
        Choice("user", N_("User"), L.user_id, names="user"),
        Choice("subject", N_("What"), L.subject, labels=SUBJECTS),
        Literal("row", N_("Which"), L.key),
        Choice("act", N_("Act"), L.act, labels=ACTS),
    ),
    lines=_lines,
    sites=(),
    order=lambda asked: Order(L.at, L.id, by_site=False),
)
