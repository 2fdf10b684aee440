"""22 Rechazados: the cases that were rejected, by day, with the reason; really those (M:L1025)."""

from models.cases import Event, State
from models.text import N_
from reports.decisions import decisions
from reports.declaration import ChartOf, Column, Shape
from security.permissions import Permission

REPORT = decisions(
    number=22,
    permission=Permission.REPORT_REJECTED,
    about=N_("The cases that were rejected on those days, by whom and why."),
    source="M:L1025",
    icon="x-octagon-fill",
    events=(Event.RECHAZO,),
    decided_as=State.RECHAZADA,
    heading=N_("Rejected"),
    more=(Column("comment", N_("Comment"), width=34),),
    charts=(
        ChartOf(N_("Rejected by reason"), Shape.LYING, "reason"),
        ChartOf(N_("Rejected by day"), Shape.BARS, "day"),
    ),
)
