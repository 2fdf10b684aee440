"""26 Libretas Anuladas: the booklets voided on some days, by type; none that was taken up again (M:L1038)."""

from models.catalogs import Warehouse as W
from models.stock import StockMovement as M
from models.text import N_
from reports.columns import MARK
from reports.declaration import ChartOf, Column, Report, Shape
from reports.filters import Days, SiteChoice
from reports.voids import COLUMNS, TYPE, by_void, voids
from security.permissions import Permission

REPORT = Report(
    number=26,
    permission=Permission.REPORT_VOIDED,
    about=N_(
        "The booklets voided on those days, with their reason. A booklet voided by mistake and reactivated is not "
        "among them."
    ),
    source="M:L1038",
    icon="slash-circle-fill",
    columns=(*COLUMNS, Column("remarks", N_("Remarks"), width=26), MARK),
    filters=(
        Days("days", N_("Voided"), M.at, default=7),
        TYPE,
        SiteChoice("site", N_("Site")),
    ),
    lines=voids,
    sites=(W.site_code,),
    order=by_void,
    charts=(ChartOf(N_("Voided by type"), Shape.LYING, "void_type"),),
)
