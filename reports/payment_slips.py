"""30 Por número de boleta: slip, booklet, case, site and names, by many ranges (M:L1046)."""

from models.booklets import Personalisation as P
from models.text import N_
from reports.columns import BOOKLET, CASE, MARK, NAME, PASSPORT_TYPE, SITE, SLIP
from reports.declaration import Report
from reports.issues import AT, RANGES, VOIDED, by_range, prints
from security.permissions import Permission

REPORT = Report(
    number=30,
    permission=Permission.REPORT_SLIPS,
    about=N_(
        "The printed booklets by the payment slip of their case. Corrected cases and those made by a correction both "
        "stand in it, marked."
    ),
    source="M:L1046",
    icon="receipt",
    columns=(SLIP, BOOKLET, CASE, SITE, NAME, PASSPORT_TYPE, AT, VOIDED, MARK),
    filters=RANGES,
    lines=prints,
    sites=(P.site_code,),
    order=by_range,
)
