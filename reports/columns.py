"""Columns and values that several reports share, so that a case is called and marked the same in all of them."""

from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, and_, bindparam, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from models.booklets import Personalisation as P
from models.cases import CaseEvent as E
from models.cases import Event, State
from models.cases import PassportCase as C
from models.stock import StockMovement
from models.text import N_
from reports.declaration import Column, Kind

CASE = Column("case", N_("Case"), Kind.CODE, 13, opens="case")
NAME = Column("name", N_("Full name"), Kind.TEXT, 34)
BOOKLET = Column("booklet", N_("Booklet"), Kind.CODE, 10, opens="booklet")
SLIP = Column("slip", N_("Payment slip"), Kind.CODE, 13)
SITE = Column("site", N_("Site"), Kind.TEXT, 26, names="site")
PROCEDURE = Column("procedure", N_("Procedure"), Kind.TEXT, 14, names="procedure")
PASSPORT_TYPE = Column("type", N_("Passport type"), Kind.TEXT, 16, names="passport_type")
MARKS = {
    "CORRECTED": N_("Corrected case"),
    "CORRECTION": N_("By correction"),
    "BOTH": N_("By correction, corrected"),
    "EXTENSION": N_("By extension"),
}
MARK = Column("mark", N_("Mark"), Kind.TEXT, 16, labels=MARKS)
CATEGORY = Column("category", N_("Category"), Kind.TEXT, 18, names="category")
WAREHOUSE = Column("warehouse", N_("Warehouse"), Kind.TEXT, 30, names="warehouse")
VOID_TYPE = Column("void_type", N_("Void type"), Kind.TEXT, 22, names="void_type")

#: The moment a report is of, given when its statements are executed: what depends on it alone is built once.
AS_OF_NAME = "report_as_of"
AS_OF = bindparam(AS_OF_NAME, type_=DateTime(timezone=True))
REACTIVATION = "REINGRESO_REACTIVACION"
NAMED = ("first_surname", "second_surname", "married_surname", "first_name", "second_name", "other_names")


def told(document: Any) -> ColumnElement[str]:
    """A JSON document as a person reads it: `name: value; …`."""
    each = func.jsonb_each_text(document).table_valued("key", "value").lateral()
    entry = each.c.key + ": " + func.coalesce(each.c.value, "—")
    said = func.string_agg(entry, aggregate_order_by(literal("; "), each.c.key))
    return select(said).select_from(each).scalar_subquery()


def lines_of(*values: Any) -> Select[Any]:
    """A select of values of any types, each labelled with its column's key."""
    return select(*values)


def _corrections(*values: Any) -> Select[Any]:
    """The later corrections of data in the same case; of a recent moment there are few, and they are read once."""
    return lines_of(*values).where(E.event == Event.CORRECCION, E.at > AS_OF, E.transition == "correct")


def as_it_was(part: str) -> ColumnElement[Any]:
    """A column of the case before the first later correction of it; the log keeps what was there."""
    mine = (E.case_id == C.id, E.data["before"].has_key(part))
    before = _corrections(E.data["before"][part].astext).where(*mine).order_by(E.id).limit(1).correlate(C)
    touched = _corrections(E.id).where(*mine).correlate(C).exists()
    corrected = C.id.in_(_corrections(E.case_id))
    return case((and_(corrected, touched), before.scalar_subquery()), else_=getattr(C, part))


#: Surnames first, as the queues list people; as they were at the moment asked for, before later corrections.
FULL_NAME: ColumnElement[str] = func.concat_ws(" ", *map(as_it_was, NAMED))


def _marked() -> ColumnElement[Any]:
    corrected = and_(C.state == State.CORREGIDA, C.state_since <= AS_OF)
    return case(
        (and_(corrected, C.procedure_code == "CORRECCION"), "BOTH"),
        (corrected, "CORRECTED"),
        (C.procedure_code == "CORRECCION", "CORRECTION"),
        (C.procedure_code == "PRORROGA", "EXTENSION"),
    )


#: Whether the case was made by a correction or an extension, and whether it was itself corrected by then.
MARKED = _marked()


def _voided() -> ColumnElement[bool]:
    undone, undoing = aliased(StockMovement), aliased(StockMovement)
    voided_at = select(undone.at).where(undone.id == undoing.reverses_id).limit(1).correlate(undoing).scalar_subquery()
    later = select(undoing.booklet_number).where(undoing.kind == REACTIVATION, undoing.at > AS_OF, voided_at <= AS_OF)
    over = and_(P.voided_at.is_not(None), P.voided_at <= AS_OF)
    return or_(over, P.booklet_number.in_(later))


#: Whether the use `P` of a booklet was over by then: voided, and the void not undone by then. A use that is taken up
#: again forgets when it was voided; the ledger does not: its later reactivations are few.
USE_VOIDED = _voided()
