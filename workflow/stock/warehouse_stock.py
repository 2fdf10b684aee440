"""What lies in one warehouse now, as runs: its own blanks, those in each printer's hands, the voided in its custody."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.catalogs import Warehouse
from models.text import N_
from security.actor import Actor
from security.errors import NotFound
from security.permissions import Permission
from workflow.stock.documents import allow, sees
from workflow.stock.on_hand import OnHand, on_hand
from workflow.stock.places import Words, read_places
from workflow.stock.serials import Run

#: Runs of a lot shown at once, and booklets of it read for them: half a million would take a second.
RUNS_PAGE, READ_AT_MOST = 100, 200_000


@dataclass(frozen=True)
class Lot:
    """Booklets of a category at one place, as runs. `following`: after which number there may be more."""

    place: str
    words: Words
    category_code: str
    category: str
    runs: tuple[Run, ...]
    following: str | None

    @property
    def quantity(self) -> int:
        """How many booklets the runs hold."""
        return sum(run.quantity for run in self.runs)


@dataclass(frozen=True)
class WarehouseStock:
    """A warehouse's stock now: its figures by category, and its booklets as runs by place and category."""

    warehouse: Warehouse
    rows: tuple[OnHand, ...]
    lots: tuple[Lot, ...]


#: Numbering the booklets needs no sort, since the index has them in order; reading stops after :most of them.
_RUNS = """
    select min(n) as first, count(*) as quantity, count(*) over () as runs, sum(count(*)) over () as booklets
      from (select n, n - row_number() over (order by number) as g
              from (select b.number, cast(substr(b.number, 2) as int) as n from booklet b
                     where {which} and b.number > :after order by b.number limit :most) b) t
     group by g order by 1 limit :page
"""
_BY_PLACE = """
    with place (place) as (
        select 'WAREHOUSE:' || :code
        union all
        select h.place from ab_user u cross join lateral (select 'HANDS:' || :code || ':' || u.id as place) h
         where exists (select from booklet b where b.state = 'NUEVA' and b.place = h.place))
    select p.place, c.name, c.code, c.prefix, r.*
      from place p cross join stock_category c cross join lateral ({blanks}) r
     where :place in ('', p.place) and :category in ('', c.code)
    union all
    select 'VOIDED:' || :code, c.name, c.code, c.prefix, r.*
      from stock_category c cross join lateral ({voided}) r
     where :place in ('', 'VOIDED:' || :code) and :category in ('', c.code)
"""
_BLANKS = _RUNS.format(which="b.state = 'NUEVA' and b.place = p.place and b.category_code = c.code")
_VOIDED = _RUNS.format(
    which="b.state = 'ANULADA' and b.place = 'VOIDED:' || :code and b.number between c.prefix and c.prefix || '9999999'"
)
_LOTS = text(_BY_PLACE.format(blanks=_BLANKS, voided=_VOIDED))


def warehouse_stock(
    session: Session, actor: Actor, code: str, *, place: str = "", category: str = "", after: str = ""
) -> WarehouseStock:
    """The stock of one warehouse now; `NotFound` unless `actor` sees it.

    `place`, `category` and `after` ask for more of one lot. At most READ_AT_MOST booklets of a lot are read at once: a
    run that goes on beyond them is cut there and goes on with the next page.
    """
    actor = allow(actor, Permission.READ_STOCK)
    warehouse = session.get(Warehouse, code)
    if warehouse is None or not sees(actor, warehouse):
        raise NotFound(N_("There is no warehouse %(code)s at your sites."), code=code[:16])
    rows = tuple(row for row in on_hand(session, actor).rows if row.warehouse is warehouse)
    values = {"code": code, "place": place, "category": category, "after": after, "most": READ_AT_MOST}
    return WarehouseStock(warehouse, rows, _lots(session, values | {"page": RUNS_PAGE}))


def _lots(session: Session, values: Mapping[str, object]) -> tuple[Lot, ...]:
    found: dict[tuple[str, str], list[Run]] = {}
    more: dict[tuple[str, str], bool] = {}
    names: dict[str, str] = {}
    for place, name, code, prefix, first, quantity, runs, booklets in session.execute(_LOTS, values):
        found.setdefault((place, code), []).append(Run(prefix, first, quantity))
        more[place, code] = runs > RUNS_PAGE or booklets == READ_AT_MOST
        names[code] = name
    words = read_places(session, {place for place, _code in found})
    return tuple(
        Lot(place, words[place], code, names[code], tuple(runs), runs[-1].last_number if more[place, code] else None)
        for (place, code), runs in found.items()
    )
