"""What the reports of printed booklets (27, 30, 32) share: a line for each, with its case; found by many ranges."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from models.booklets import Personalisation as P
from models.cases import PassportCase as C
from models.text import N_
from reports.columns import FULL_NAME, MARKED, USE_VOIDED, lines_of
from reports.declaration import Asked, Column, Kind, Order, day_of
from reports.filters import Choice, Days, SiteChoice, Span

USER = Column("user", N_("Printed by"), Kind.TEXT, 14, names="user")
AT = Column("at", N_("Printed"), Kind.MOMENT, 18)
VOIDED = Column("voided", N_("Voided"), Kind.FLAG, 9)
#: What narrows them: ranges first, since the first that is given finds the lines and orders them.
RANGES = (
    Span("booklets", N_("Booklets"), P.booklet_number, r"[FSD][0-9]{7}"),
    Span("slips", N_("Payment slips"), C.payment_slip),
    Days("days", N_("Printed"), P.printed_at, default=1, gives_way=True),
    Days("enrolled", N_("Enrolled"), C.enrolled_at, default=None),
    Choice("type", N_("Passport type"), C.passport_type_code, "passport_type"),
    SiteChoice("site", N_("Site")),
    Choice("captured", N_("Captured at"), C.site_code, "site"),
)
_DRIVERS = {"cases": C.number, "booklets": P.booklet_number, "slips": C.payment_slip}


def prints(asked: Asked) -> Select[Any]:
    """A line for each print that was accepted by then."""
    former = aliased(C)
    parent = select(former.number).where(former.id == C.parent_id).correlate(C).scalar_subquery()
    return (
        lines_of(
            P.printed_at.label("at"),
            P.booklet_number.label("booklet"),
            C.number.label("case"),
            FULL_NAME.label("name"),
            C.payment_slip.label("slip"),
            C.enrolled_at.label("enrolled"),
            P.site_code.label("site"),
            P.site_code.label("department"),
            C.site_code.label("captured"),
            C.procedure_code.label("procedure"),
            C.passport_type_code.label("type"),
            P.printed_by_id.label("user"),
            USE_VOIDED.label("voided"),
            MARKED.label("mark"),
            parent.label("parent"),
            day_of(P.printed_at).label("day"),
        )
        .join(C, C.id == P.case_id)
        .where(P.printed_at.is_not(None), P.printed_at <= asked.as_of)
    )


def by_range(asked: Asked) -> Order:
    """By the range that is given, whose index finds the lines in this order; else by the print."""
    for name, column in _DRIVERS.items():
        if asked.values.get(name) is not None:
            return Order(column, P.id, by_site=False)
    if asked.values.get("days") is None and asked.values.get("enrolled") is not None:
        return Order(C.enrolled_at, P.id, by_site=False)
    return Order(P.printed_at, P.id)
