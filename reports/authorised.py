"""21 Autorizados: the cases whose passport was authorised, by day (M:L1023)."""

from models.cases import AUTHORISING, State
from models.text import N_
from reports.decisions import decisions
from reports.declaration import ChartOf, Shape
from security.permissions import Permission

REPORT = decisions(
    number=21,
    permission=Permission.REPORT_AUTHORISED,
    about=N_(
        "The cases whose passport was authorised on those days: by supervision, by secondary validation, or by the "
        "correction or extension that made the case."
    ),
    source="M:L1023",
    icon="hand-thumbs-up",
    events=AUTHORISING,
    decided_as=State.AUTORIZADA,
    heading=N_("Authorised"),
    charts=(ChartOf(N_("Authorised by day"), Shape.BARS, "day", series="event"),),
)
