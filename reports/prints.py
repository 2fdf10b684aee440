"""27 Impresiones Detalladas: the prints that stand, none voided, by date, at all sites (M:L1040)."""

from typing import Any

from sqlalchemy import Select

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, MARK, NAME, PASSPORT_TYPE, PROCEDURE, SITE, SLIP, USE_VOIDED
from reports.declaration import Asked, Column, Kind, Order, Report
from reports.filters import Choice, Days, SiteChoice
from reports.issues import USER, prints
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return prints(asked).where(~USE_VOIDED)


REPORT = Report(
    number=27,
    permission=Permission.REPORT_PRINTS,
    about=N_("The booklets printed on those days that were not voided, at all sites."),
    source="M:L1040",
    icon="list-check",
    columns=(
        Column("at", N_("Printed"), Kind.MOMENT, 18),
        BOOKLET,
        CASE,
        NAME,
        SITE,
        PROCEDURE,
        PASSPORT_TYPE,
        SLIP,
        USER,
        MARK,
    ),
    filters=(
        Days("days", N_("Printed"), P.printed_at),
        SiteChoice("site", N_("Site")),
        Choice("type", N_("Passport type"), C.passport_type_code, "passport_type"),
        Choice("user", N_("Printed by"), P.printed_by_id, "user"),
    ),
    lines=_lines,
    sites=(P.site_code,),
    order=lambda asked: Order(P.printed_at, P.id),
)
