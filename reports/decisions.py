"""What the reports of decisions on cases (21, 22) share: lines of the log, one for each decision."""

from typing import Any

from sqlalchemy import Select

from models.cases import EVENT_LABELS, Event, State
from models.cases import CaseEvent as E
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import CASE, FULL_NAME, MARK, MARKED, NAME, PASSPORT_TYPE, PROCEDURE, SITE, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Order, Report, day_of
from reports.filters import Choice, Days, SiteChoice
from security.permissions import Permission


def decisions(
    *,
    number: int,
    permission: Permission,
    about: str,
    source: str,
    icon: str,
    events: tuple[Event, ...],
    decided_as: State,
    heading: str,
    charts: tuple[ChartOf, ...],
    more: tuple[Column, ...] = (),
) -> Report:
    """A report of the decisions that the log records as `events`, at the site that captured the case.

    `decided_as`: an extension is in the log of the old case too, which it does not decide.
    """

    def lines(asked: Asked) -> Select[Any]:
        return (
            lines_of(
                E.at.label("at"),
                C.number.label("case"),
                FULL_NAME.label("name"),
                E.site_code.label("site"),
                C.procedure_code.label("procedure"),
                C.passport_type_code.label("type"),
                E.event.label("event"),
                E.reason_code.label("reason"),
                E.comment.label("comment"),
                E.user_id.label("user"),
                MARKED.label("mark"),
                day_of(E.at).label("day"),
            )
            .join(C, C.id == E.case_id)
            .where(E.event.in_(events), E.to_state == decided_as, E.at <= asked.as_of)
        )

    several = len(events) > 1
    decided = (Column("event", N_("Decision"), Kind.TEXT, 22, labels=EVENT_LABELS),) if several else ()
    return Report(
        number=number,
        permission=permission,
        about=about,
        source=source,
        icon=icon,
        columns=(
            Column("at", heading, Kind.MOMENT, 18),
            CASE,
            NAME,
            SITE,
            PROCEDURE,
            PASSPORT_TYPE,
            *decided,
            Column("reason", N_("Reason"), Kind.TEXT, 26, names="reason"),
            *more,
            Column("user", N_("Decided by"), Kind.TEXT, 14, names="user"),
            MARK,
        ),
        filters=(
            Days("days", heading, E.at),
            SiteChoice("site", N_("Site")),
            Choice("reason", N_("Reason"), E.reason_code, "reason"),
        ),
        lines=lines,
        sites=(E.site_code,),
        order=lambda asked: Order(E.at, E.id),
        pictures=True,
        charts=charts,
    )
