"""32 Emitidos por departamento: booklet, date, site, case and names, corrections and what they corrected (M:L1050)."""

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, MARK, NAME, PASSPORT_TYPE, SITE, SLIP
from reports.declaration import ChartOf, Column, Kind, Report, Shape
from reports.filters import Span
from reports.issues import AT, RANGES, VOIDED, by_range, prints
from security.permissions import Permission

DEPARTMENT = Column("department", N_("Department"), width=20, names="department")

REPORT = Report(
    number=32,
    permission=Permission.REPORT_ISSUED,
    about=N_(
        "The passports printed, by the department (abroad: the country) of the site that printed them. A case made "
        "by a correction and the case it corrected both stand in it, each marked."
    ),
    source="M:L1050",
    icon="geo-alt",
    columns=(
        DEPARTMENT,
        BOOKLET,
        AT,
        SITE,
        CASE,
        NAME,
        SLIP,
        PASSPORT_TYPE,
        VOIDED,
        MARK,
        Column("parent", N_("Of case"), Kind.CODE, 13, opens="case"),
    ),
    filters=(Span("cases", N_("Cases"), C.number, r"[A-Z0-9]{3}[0-9]{9}"), *RANGES),
    lines=prints,
    sites=(P.site_code,),
    order=by_range,
    charts=(ChartOf(N_("Issued by department"), Shape.LYING, "department"),),
)
