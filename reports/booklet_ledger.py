"""25 Inv. Consultas: the receipts, transfers and other movements of one booklet, with its balance (M:L1031)."""

from typing import Any

from sqlalchemy import Integer, Select, String, and_, case, cast, func, literal, or_, select, union_all

from models.booklets import Booklet as B
from models.catalogs import Warehouse as W
from models.stock import ACCOUNT_LABELS, Account
from models.stock import StockMovement as M
from models.text import N_
from reports.columns import WAREHOUSE, lines_of
from reports.declaration import Asked, Column, Kind, Report
from reports.filters import Exact
from security.permissions import Permission

#: What is ours to account for; beyond it a booklet is personalised, delivered, voided or gone.
_OURS = (Account.WAREHOUSE, Account.HANDS, Account.TRANSIT)
#: Places that belong to a warehouse.
_HELD = (Account.WAREHOUSE, Account.HANDS, Account.VOIDED)


def _lines(asked: Asked) -> Select[Any]:
    """Both sides of each movement that lie in our stock; a movement that touches none stands once, with no figures."""
    number = asked.values.get("booklet") or ""
    moved = select(M).where(M.booklet_number == number, M.at <= asked.as_of).subquery("moved")
    source, target = (func.split_part(place, ":", 1) for place in (moved.c.from_place, moved.c.to_place))
    outside = and_(source.not_in(_OURS), target.not_in(_OURS))
    out = select(moved, literal(1).label("side"), moved.c.from_place.label("place"), literal(0).label("came"),
                 literal(1).label("went")).where(source.in_(_OURS))  # fmt: skip
    into = select(moved, literal(2), moved.c.to_place, case((outside, 0), else_=1), literal(0)).where(
        or_(target.in_(_OURS), outside)
    )
    sides = union_all(out, into).subquery("sides")
    last = select(func.split_part(M.to_place, ":", 2)).where(
        M.booklet_number == number, M.at <= asked.as_of, func.split_part(M.to_place, ":", 1).in_(_HELD)
    )
    held = last.order_by(M.id.desc()).limit(1).scalar_subquery()
    account, owner = (func.split_part(sides.c.place, ":", part) for part in (1, 2))
    balance = func.sum(sides.c.came - sides.c.went).over(order_by=(sides.c.id, sides.c.side))
    return (
        lines_of(
            sides.c.id.label("id"),
            sides.c.side.label("side"),
            sides.c.at.label("at"),
            sides.c.kind.label("movement"),
            sides.c.document_id.label("document"),
            sides.c.user_id.label("user"),
            account.label("account"),
            case((account.in_(_HELD), owner)).label("warehouse"),
            cast(sides.c.came, Integer).label("came"),
            cast(sides.c.went, Integer).label("went"),
            cast(balance, Integer).label("balance"),
            cast(sides.c.remarks, String).label("remarks"),
        )
        .join(B, B.number == sides.c.booklet_number)
        .outerjoin(W, W.code == held)
    )


REPORT = Report(
    number=25,
    permission=Permission.REPORT_BOOKLET_LEDGER,
    about=N_(
        "Every movement of one booklet, as its ledger has it: what came into our stock, what left it, the balance "
        "after each."
    ),
    source="M:L1031",
    icon="passport",
    columns=(
        Column("at", N_("Date"), Kind.MOMENT, 18),
        Column("movement", N_("Operation"), width=30, names="movement"),
        Column("document", N_("Document"), Kind.CODE, 11),
        Column("user", N_("User"), width=14, names="user"),
        Column("account", N_("Place"), width=22, labels={str(key): label for key, label in ACCOUNT_LABELS.items()}),
        WAREHOUSE,
        Column("came", N_("Came in"), Kind.INTEGER, 8, total=True),
        Column("went", N_("Went out"), Kind.INTEGER, 8, total=True),
        Column("balance", N_("Balance"), Kind.INTEGER, 8),
        Column("remarks", N_("Remarks"), width=24),
    ),
    filters=(Exact("booklet", N_("Booklet number")),),
    lines=_lines,
    sites=(W.site_code,),
    sorted_by=("id", "side"),
)
