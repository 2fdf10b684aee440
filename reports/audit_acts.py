"""Acts on cases: the log of all cases as auditors read it, across sites."""

from typing import Any

from sqlalchemy import Select, Text, cast

from models.cases import EVENT_LABELS, STATE_LABELS
from models.cases import CaseEvent as E
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import BOOKLET, CASE, SITE, lines_of, told
from reports.declaration import Asked, Column, Kind, Order, Report
from reports.filters import Choice, Days, Span
from security.permissions import Permission


def _lines(asked: Asked) -> Select[Any]:
    return (
        lines_of(
            E.at.label("at"),
            E.username.label("user"),
            E.event.label("event"),
            C.number.label("case"),
            E.booklet_number.label("booklet"),
            E.site_code.label("site"),
            cast(E.address, Text).label("address"),
            E.from_state.label("from_state"),
            E.to_state.label("to_state"),
            E.reason_code.label("reason"),
            E.comment.label("comment"),
            told(E.data).label("data"),
        )
        .join(C, C.id == E.case_id)
        .where(E.at <= asked.as_of)
    )


REPORT = Report(
    number=None,
    permission=Permission.AUDIT_ACTS,
    about=N_("Every act on a case, as its log has it: who, when, from where, what, why."),
    source="SPEC 5",
    icon="clipboard2-data",
    columns=(
        Column("at", N_("When"), Kind.MOMENT, 18),
        Column("user", N_("User"), width=14),
        Column("event", N_("Act"), width=24, labels=EVENT_LABELS),
        CASE,
        BOOKLET,
        SITE,
        Column("address", N_("From address"), Kind.CODE, 16),
        Column("from_state", N_("State before"), width=18, labels=STATE_LABELS),
        Column("to_state", N_("State after"), width=18, labels=STATE_LABELS),
        Column("reason", N_("Reason"), width=20, names="reason"),
        Column("comment", N_("Comment"), width=30),
        Column("data", N_("Data"), width=50),
    ),
    filters=(
        Days("days", N_("When"), E.at, gives_way=True),
        Choice("user", N_("User"), E.user_id, names="user"),
        Choice("event", N_("Act"), E.event, labels={event.value: label for event, label in EVENT_LABELS.items()}),
        Choice("site", N_("Site"), E.site_code, names="site"),
        Span("cases", N_("Case"), C.number),
    ),
    lines=_lines,
    sites=(),
    order=lambda asked: Order(E.at, E.id, by_site=False),
)
