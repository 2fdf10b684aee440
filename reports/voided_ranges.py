"""29 Reporte Libretas Anuladas: by ranges of booklets and slips, days of print and enrolment, type, site (M:L1044)."""

from typing import Any

from sqlalchemy import Select

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.catalogs import Warehouse as W
from models.stock import StockMovement as M
from models.text import N_
from reports.columns import MARK, SLIP
from reports.declaration import Asked, Column, Kind, Order, Report
from reports.filters import Days, SiteChoice, Span
from reports.voids import BOOKLETS, COLUMNS, TYPE, by_void, voids
from security.permissions import Permission


def _order(asked: Asked) -> Order:
    """By what narrows the report: so that the index that finds its lines gives them in order."""
    drivers = {
        "booklets": M.booklet_number,
        "slips": C.payment_slip,
        "printed": P.printed_at,
        "enrolled": C.enrolled_at,
    }
    for name, column in drivers.items():
        if asked.values.get(name) is not None:
            return Order(column, M.id, by_site=False)
    return by_void(asked)


def _lines(asked: Asked) -> Select[Any]:
    lines = voids(asked)
    return lines if asked.values.get("printed") is None else lines.where(P.printed_at <= asked.as_of)


REPORT = Report(
    number=29,
    permission=Permission.REPORT_VOIDED_RANGES,
    about=N_(
        "The voided booklets within ranges of booklets and payment slips, by the days on which they were printed, "
        "enrolled or voided. A booklet that was reactivated is not among them."
    ),
    source="M:L1044",
    icon="slash-circle-fill",
    columns=(
        *COLUMNS,
        SLIP,
        Column("printed", N_("Printed"), Kind.MOMENT, 18),
        Column("enrolled", N_("Enrolled"), Kind.MOMENT, 18),
        MARK,
    ),
    filters=(
        BOOKLETS,
        Span("slips", N_("Payment slips"), C.payment_slip),
        Days("printed", N_("Printed"), P.printed_at, default=None),
        Days("enrolled", N_("Enrolled"), C.enrolled_at, default=None),
        Days("days", N_("Voided"), M.at, default=31, gives_way=True),
        TYPE,
        SiteChoice("site", N_("Site")),
    ),
    lines=_lines,
    sites=(W.site_code,),
    order=_order,
)
