"""19 Entregados: the passports that were handed over, by day (M:L1019)."""

from typing import Any

from sqlalchemy import Select

from models.booklets import COLLECTOR_LABELS
from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, FULL_NAME, MARK, MARKED, NAME, PASSPORT_TYPE, SITE, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, Tie, day_of
from reports.filters import Days, SiteChoice
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return (
        lines_of(
            P.delivered_at.label("at"),
            C.number.label("case"),
            P.booklet_number.label("booklet"),
            FULL_NAME.label("name"),
            P.site_code.label("site"),
            C.passport_type_code.label("type"),
            P.collected["collector"].astext.label("collector"),
            P.collected["name"].astext.label("collected_by"),
            P.delivered_by_id.label("user"),
            MARKED.label("mark"),
            day_of(P.delivered_at).label("day"),
        )
        .join(C, C.id == P.case_id)
        .where(P.delivered_at.is_not(None), P.delivered_at <= asked.as_of)
    )


REPORT = Report(
    number=19,
    permission=Permission.REPORT_DELIVERED,
    about=N_(
        "The passports that were handed over on those days, and to whom. Cases corrected since stay in the report, "
        "marked."
    ),
    source="M:L1019",
    icon="person-check-fill",
    columns=(
        Column("at", N_("Delivered"), Kind.MOMENT, 18),
        CASE,
        BOOKLET,
        NAME,
        SITE,
        PASSPORT_TYPE,
        Column("collector", N_("Collected by"), Kind.TEXT, 14, labels=COLLECTOR_LABELS),
        Column("collected_by", N_("Name of who collected"), Kind.TEXT, 30),
        Column("user", N_("Delivered by"), Kind.TEXT, 14, names="user"),
        MARK,
    ),
    filters=(Days("days", N_("Delivered"), P.delivered_at), SiteChoice("site", N_("Site"))),
    lines=_lines,
    sites=(P.site_code,),
    order=lambda asked: Order(P.delivered_at, P.id),
    pictures=True,
    charts=(ChartOf(N_("Delivered by day"), Shape.BARS, "day"),),
    tie=Tie("ENTREGA", "PRINTING", put=False, owner="site"),
)
