"""16 Existencia: the booklets in each warehouse, by category, now or at any past moment (M:L1013).

Whole days are summed from the turnover that the database keeps, the begun day from its movements; what travels is read
from the transfers that had not arrived. So the same question answers the same years later.
"""

from typing import Any

from sqlalchemy import Date as DateType
from sqlalchemy import DateTime, Integer, Select, String, bindparam, column, text

from models.catalogs import StockCategory, Warehouse
from models.clock import local_date
from models.text import N_
from reports.columns import CATEGORY, WAREHOUSE, lines_of
from reports.declaration import Asked, ChartOf, Column, Kind, Report, Shape, Tie
from reports.filters import Choice, OnDay, midnight
from security.permissions import Permission

_STOCK = text(
    """
    select owner as warehouse, category_code as category,
           coalesce(sum(n) filter (where account = 'WAREHOUSE'), 0)::int as lying,
           coalesce(sum(n) filter (where account = 'HANDS'), 0)::int as hands,
           coalesce(sum(n) filter (where account in ('WAREHOUSE', 'HANDS')), 0)::int as blanks,
           coalesce(sum(n) filter (where account = 'VOIDED'), 0)::int as voided,
           coalesce(sum(n) filter (where account = 'TRANSIT'), 0)::int as transit
      from (select account, owner, category_code, put - taken as n from stock_turnover
             where span = 'MONTH' and turnover_on < date_trunc('month', cast(:day as date))
               and account in ('WAREHOUSE', 'HANDS', 'VOIDED')
            union all
            select account, owner, category_code, put - taken from stock_turnover
             where span = 'DAY' and turnover_on >= date_trunc('month', cast(:day as date)) and turnover_on < :day
               and account in ('WAREHOUSE', 'HANDS', 'VOIDED')
            union all
            select split_part(s.place, ':', 1), split_part(s.place, ':', 2), c.code, s.n
              from stock_movement m
              cross join lateral (values (m.to_place, 1), (m.from_place, -1)) s (place, n)
              join stock_category c on c.prefix = left(m.booklet_number, 1)
             where m.at >= :midnight and m.at <= :moment and s.place ~ '^(WAREHOUSE|HANDS|VOIDED):'
            union all
            select 'TRANSIT', d.to_warehouse_code, c.code, m.n
              from stock_document d
              cross join lateral (
                   select left(m.booklet_number, 1) as prefix, count(*) as n from stock_movement m
                    where m.document_id = d.id and m.kind = 'TRASLADO_SALE'
                      and not exists (select from stock_movement n
                                       where n.booklet_number = m.booklet_number and n.id > m.id and n.at <= :moment)
                    group by 1) m
              join stock_category c on c.prefix = m.prefix
             where d.kind = 'TRASLADO' and d.closed_at <= :moment
               and (d.received_at is null or d.received_at > :moment)) t
     group by owner, category_code
    having sum(abs(n)) > 0
    """
)


_MOMENT = DateTime(timezone=True)


def _lines(asked: Asked) -> Select[Any]:
    moment = asked.moment
    day = local_date(moment)
    bound = _STOCK.bindparams(
        bindparam("day", day, DateType()),
        bindparam("midnight", midnight(day), _MOMENT),
        bindparam("moment", moment, _MOMENT),
    )
    figures = [column(name, Integer) for name in ("lying", "hands", "blanks", "voided", "transit")]
    stock = bound.columns(column("warehouse", String), column("category", String), *figures).subquery("stock")
    return (
        lines_of(stock, Warehouse.name.label("place"), StockCategory.prefix.label("prefix"))
        .join(Warehouse, Warehouse.code == stock.c.warehouse)
        .join(StockCategory, StockCategory.code == stock.c.category)
        .where(stock.c.lying + stock.c.hands + stock.c.voided + stock.c.transit != 0)
    )


REPORT = Report(
    number=16,
    permission=Permission.REPORT_STOCK_ON_HAND,
    about=N_(
        "The booklets of each warehouse by category, now or at the end of a past day: blanks in the warehouse and in "
        "its printers' hands, voided ones in its custody, and what was on the way to it. The sums are those of the "
        "ledger."
    ),
    source="M:L1013",
    icon="boxes",
    columns=(
        WAREHOUSE,
        CATEGORY,
        Column("lying", N_("In the warehouse"), Kind.INTEGER, 14, total=True),
        Column("hands", N_("In hands"), Kind.INTEGER, 14, total=True),
        Column("blanks", N_("Blanks"), Kind.INTEGER, 14, total=True),
        Column("voided", N_("Voided in custody"), Kind.INTEGER, 14, total=True),
        Column("transit", N_("In transit"), Kind.INTEGER, 14, total=True),
    ),
    filters=(
        OnDay("on", N_("At the end of the day")),
        Choice("warehouse", N_("Warehouse"), Warehouse.code, "warehouse"),
        Choice("category", N_("Category"), StockCategory.code, "category"),
    ),
    lines=_lines,
    sites=(Warehouse.site_code,),
    sorted_by=("place", "prefix"),
    tie=Tie("", values=("blanks", "voided", "transit")),
    charts=(ChartOf(N_("Blanks by warehouse"), Shape.LYING, "warehouse", series="category", value="blanks"),),
)
