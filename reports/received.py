"""17 Recibidos: the cases that were received, by the day on which they were made (M:L1015)."""

from typing import Any

from sqlalchemy import Select

from models.cases import PassportCase as C
from models.text import N_
from reports.columns import (
    CASE,
    FULL_NAME,
    MARK,
    MARKED,
    NAME,
    PASSPORT_TYPE,
    PROCEDURE,
    SITE,
    SLIP,
    as_it_was,
    lines_of,
)
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, Shape, day_of
from reports.filters import Choice, Days, SiteChoice
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return lines_of(
        C.created_at.label("at"),
        C.number.label("case"),
        FULL_NAME.label("name"),
        C.site_code.label("site"),
        C.procedure_code.label("procedure"),
        as_it_was("passport_type_code").label("type"),
        C.payment_slip.label("slip"),
        C.enrolled_at.label("enrolled"),
        MARKED.label("mark"),
        day_of(C.created_at).label("day"),
    ).where(C.created_at <= asked.as_of)


REPORT = Report(
    number=17,
    permission=Permission.REPORT_RECEIVED,
    about=N_(
        "The cases that came into the office on those days, by the moment of their creation; those made by a "
        "correction or an extension too, marked."
    ),
    source="M:L1015",
    icon="inbox-fill",
    columns=(
        Column("at", N_("Received"), Kind.MOMENT, 18),
        CASE,
        NAME,
        SITE,
        PROCEDURE,
        PASSPORT_TYPE,
        SLIP,
        Column("enrolled", N_("Enrolled"), Kind.MOMENT, 18),
        MARK,
    ),
    filters=(
        Days("days", N_("Received"), C.created_at),
        SiteChoice("site", N_("Site")),
        Choice("procedure", N_("Procedure"), C.procedure_code, "procedure"),
    ),
    lines=_lines,
    sites=(C.site_code,),
    order=lambda asked: Order(C.created_at, C.id),
    pictures=True,
    charts=(ChartOf(N_("Received by day"), Shape.BARS, "day"),),
)
