"""31 Reposiciones: the booklets voided by replacement, with the case that replaces them (M:L1048)."""

from typing import Any

from sqlalchemy import Select, or_, select, true

from models.cases import PassportCase as C
from models.cases import State
from models.catalogs import Warehouse as W
from models.stock import StockMovement as M
from models.text import N_
from reports.columns import MARK
from reports.declaration import Asked, ChartOf, Column, Kind, Report, Shape
from reports.filters import Days, SiteChoice
from reports.voids import COLUMNS, TYPE, by_void, voids
from security.permissions import Permission

REPLACED = "REP"


def _lines(asked: Asked) -> Select[Any]:
    # The table, not the class: a replacing case at a site that the reader does not see counts too.
    new = C.__table__.alias()
    replacing = (
        select(new.c.number.label("number"), new.c.created_at.label("created_at"))
        .where(new.c.previous_booklet == M.booklet_number, new.c.procedure_code == "REPOSICION")
        .where(new.c.created_at <= asked.as_of, or_(new.c.state != State.RECHAZADA, new.c.state_since > asked.as_of))
        .order_by(new.c.id.desc())
        .limit(1)
        .correlate(M)
        .lateral("replacing")
    )
    lines = voids(asked, replacing.c.number.label("new_case"), replacing.c.created_at.label("asked_for"))
    return lines.outerjoin(replacing, true()).where(
        or_(M.void_type_code == REPLACED, replacing.c.number.is_not(None)), C.number.is_not(None)
    )


REPORT = Report(
    number=31,
    permission=Permission.REPORT_REPLACEMENTS,
    about=N_(
        "The passports voided because another replaces them: voided as Reposición, or as lost, stolen or damaged and "
        "asked for again. A booklet that was reactivated is not among them."
    ),
    source="M:L1048",
    icon="arrow-repeat",
    columns=(
        *COLUMNS,
        Column("new_case", N_("Replaced by case"), Kind.CODE, 13, opens="case"),
        Column("asked_for", N_("Asked for"), Kind.MOMENT, 18),
        MARK,
    ),
    filters=(
        Days("days", N_("Voided"), M.at, default=31),
        TYPE,
        SiteChoice("site", N_("Site")),
    ),
    lines=_lines,
    sites=(W.site_code,),
    order=by_void,
    charts=(ChartOf(N_("Replaced by type"), Shape.LYING, "void_type"),),
)
