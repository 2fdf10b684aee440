"""18 Impresos: the prints that were accepted, by day; each once, those in the USA too (M:L1017)."""

from typing import Any

from sqlalchemy import Select

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, FULL_NAME, MARK, MARKED, NAME, PASSPORT_TYPE, SITE, USE_VOIDED, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, day_of
from reports.filters import Choice, Days, SiteChoice
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return (
        lines_of(
            P.printed_at.label("at"),
            C.number.label("case"),
            P.booklet_number.label("booklet"),
            FULL_NAME.label("name"),
            P.site_code.label("site"),
            C.passport_type_code.label("type"),
            P.printed_by_id.label("user"),
            USE_VOIDED.label("voided"),
            MARKED.label("mark"),
            day_of(P.printed_at).label("day"),
        )
        .join(C, C.id == P.case_id)
        .where(P.printed_at.is_not(None), P.printed_at <= asked.as_of)
    )


REPORT = Report(
    number=18,
    permission=Permission.REPORT_PRINTED,
    about=N_(
        "The prints that were accepted on those days, at every site. A line is one print: a case stands twice only "
        "when it was printed twice, in two booklets. What was voided since is marked."
    ),
    source="M:L1017",
    icon="printer-fill",
    columns=(
        Column("at", N_("Printed"), Kind.MOMENT, 18),
        CASE,
        BOOKLET,
        NAME,
        SITE,
        PASSPORT_TYPE,
        Column("user", N_("Printed by"), Kind.TEXT, 14, names="user"),
        Column("voided", N_("Voided"), Kind.FLAG, 9),
        MARK,
    ),
    filters=(
        Days("days", N_("Printed"), P.printed_at),
        SiteChoice("site", N_("Site")),
        Choice("type", N_("Passport type"), C.passport_type_code, "passport_type"),
    ),
    lines=_lines,
    sites=(P.site_code,),
    order=lambda asked: Order(P.printed_at, P.id),
    pictures=True,
    charts=(ChartOf(N_("Printed by day"), Shape.BARS, "day"),),
)
