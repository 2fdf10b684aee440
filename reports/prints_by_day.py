"""28 Impresiones Resumidas: how many prints in a month, by day, site and user (M:L1042)."""

from typing import Any

from sqlalchemy import Integer, Select, cast, func

from models.booklets import Personalisation as P
from models.text import N_
from reports.columns import SITE, USE_VOIDED, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Report, Shape, day_of
from reports.filters import Choice, Month, SiteChoice
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    day = day_of(P.printed_at)
    over = func.count().filter(USE_VOIDED)
    return (
        lines_of(
            day.label("day"),
            P.site_code.label("site"),
            P.printed_by_id.label("user"),
            cast(func.count(), Integer).label("printed"),
            cast(over, Integer).label("voided"),
            cast(func.count() - over, Integer).label("standing"),
        )
        .where(P.printed_at.is_not(None), P.printed_at <= asked.as_of)
        .group_by(day, P.site_code, P.printed_by_id)
    )


REPORT = Report(
    number=28,
    permission=Permission.REPORT_PRINTS_BY_DAY,
    about=N_(
        "How many prints were accepted in the month, by day, site and printer; how many of those booklets were voided "
        "since, and how many stand."
    ),
    source="M:L1042",
    icon="bar-chart",
    columns=(
        Column("day", N_("Day"), Kind.DATE, 11),
        SITE,
        Column("user", N_("Printed by"), Kind.TEXT, 16, names="user"),
        Column("printed", N_("Number of prints"), Kind.INTEGER, 11, total=True),
        Column("voided", N_("Voided"), Kind.INTEGER, 11, total=True),
        Column("standing", N_("Standing"), Kind.INTEGER, 11, total=True),
    ),
    filters=(
        Month("month", N_("Month"), P.printed_at),
        SiteChoice("site", N_("Site")),
        Choice("user", N_("Printed by"), P.printed_by_id, "user"),
    ),
    lines=_lines,
    sites=(P.site_code,),
    sorted_by=("day", "site", "user"),
    charts=(
        ChartOf(N_("Prints by day"), Shape.BARS, "day", value="printed"),
        ChartOf(N_("Prints by site"), Shape.LYING, "site", value="printed"),
    ),
)
