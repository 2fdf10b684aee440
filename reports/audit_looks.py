"""Looks at people's data, exports and log-ins: who saw whom, when, from where, on which screen."""

from typing import Any

from sqlalchemy import Select, Text, cast, func

from models.text import N_
from models.users import AccessLog as L
from models.users import User
from reports.columns import CASE, lines_of, told
from reports.declaration import Asked, Column, Kind, Order, Report
from reports.filters import Choice, Days, Span
from security.looks import SCREENS
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return (
        lines_of(
            L.at.label("at"),
            User.username.label("user"),
            func.split_part(L.screen, ":", 1).label("screen"),
            func.nullif(func.split_part(L.screen, ":", 2), "").label("part"),
            L.case_number.label("case"),
            cast(L.address, Text).label("address"),
            told(L.detail).label("detail"),
        )
        .join(User, User.id == L.user_id)
        .where(L.at <= asked.as_of)
    )


REPORT = Report(
    number=None,
    permission=Permission.AUDIT_LOOKS,
    about=N_("Every look at people's data, every file taken out and every log-in: who, whose, when, from where."),
    source="SPEC 5",
    icon="eye",
    columns=(
        Column("at", N_("When"), Kind.MOMENT, 18),
        Column("user", N_("User"), width=14),
        Column("screen", N_("Screen"), width=24, labels=SCREENS),
        Column("part", N_("Part"), width=18),
        CASE,
        Column("address", N_("From address"), Kind.CODE, 16),
        Column("detail", N_("Data"), width=50),
    ),
    filters=(
        Days("days", N_("When"), L.at, gives_way=True),
        Choice("user", N_("User"), L.user_id, names="user"),
        Choice("screen", N_("Screen"), func.split_part(L.screen, ":", 1), labels=SCREENS),
        Span("cases", N_("Case"), L.case_number),
    ),
    lines=_lines,
    sites=(),
    order=lambda asked: Order(L.at, L.id, by_site=False),
)
