"""20 Personalizados: the booklets that were given to a case and personalised, by day, at every site (M:L1021)."""

from typing import Any

from sqlalchemy import Select

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, FULL_NAME, MARK, MARKED, NAME, PASSPORT_TYPE, SITE, USE_VOIDED, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, Tie, day_of
from reports.filters import Days, SiteChoice
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return (
        lines_of(
            P.assigned_at.label("at"),
            C.number.label("case"),
            P.booklet_number.label("booklet"),
            FULL_NAME.label("name"),
            P.site_code.label("site"),
            C.site_code.label("captured"),
            C.passport_type_code.label("type"),
            P.assigned_by_id.label("user"),
            USE_VOIDED.label("voided"),
            MARKED.label("mark"),
            day_of(P.assigned_at).label("day"),
        )
        .join(C, C.id == P.case_id)
        .where(P.assigned_at <= asked.as_of)
    )


REPORT = Report(
    number=20,
    permission=Permission.REPORT_PERSONALISED,
    about=N_(
        "The booklets that were given to a case on those days and whose page was made, whatever became of the print, "
        "at every site, those of the USA included. It equals the booklets that the ledger issued for personalisation."
    ),
    source="M:L1021",
    icon="passport-fill",
    columns=(
        Column("at", N_("Personalised"), Kind.MOMENT, 18),
        CASE,
        BOOKLET,
        NAME,
        SITE,
        Column("captured", N_("Captured at"), Kind.TEXT, 22, names="site"),
        PASSPORT_TYPE,
        Column("user", N_("Personalised by"), Kind.TEXT, 14, names="user"),
        Column("voided", N_("Voided"), Kind.FLAG, 9),
        MARK,
    ),
    filters=(Days("days", N_("Personalised"), P.assigned_at), SiteChoice("site", N_("Site"))),
    lines=_lines,
    sites=(P.site_code,),
    order=lambda asked: Order(P.assigned_at, P.id),
    pictures=True,
    charts=(ChartOf(N_("Personalised by day"), Shape.BARS, "day"),),
    tie=Tie("EGRESO_PERSONALIZACION", "PRINTING", put=True, owner="site"),
)
