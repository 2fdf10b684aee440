"""Lots of blanks taken out of stock or brought back: a few statements, the same for one booklet as for 100,000."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import String

from security.actor import Actor
from workflow.stock.serials import Run

_RUNS = """
    unnest(cast(:prefixes as varchar[]), cast(:firsts as int[]), cast(:quantities as int[])) r(prefix, first, quantity)
"""
_OF_RUNS = """
    b.number between r.prefix || lpad(r.first\\:\\:text, 7, '0')
                 and r.prefix || lpad((r.first + r.quantity - 1)\\:\\:text, 7, '0')
"""
_PLACES = text(
    f"select distinct b.place from {_RUNS} join booklet b on {_OF_RUNS} where b.state = 'NUEVA' order by 1"  # noqa: S608
)
#: In the order of their numbers, so that two lots that share booklets wait for each other and never both.
_LOCK = text(
    f"""
    select count(*) from (
        select 1 from {_RUNS} join booklet b on {_OF_RUNS}
         where b.state = 'NUEVA' and b.place = any(:places) order by b.number for update of b) l
    """  # noqa: S608
).bindparams(bindparam("places", type_=ARRAY(String)))
_VOID = text(
    f"""
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, void_type_code, remarks)
    select b.number, 'EGRESO_ANULACION', b.place, 'OUTSIDE', greatest(:at, b.state_since), :user, :void_type, :remarks
      from {_RUNS} join booklet b on {_OF_RUNS}
     where b.state = 'NUEVA' and b.place = any(:places) order by b.number
    """  # noqa: S608
).bindparams(bindparam("places", type_=ARRAY(String)))
_OTHERS = text(
    f"""
    with other as (
        select r.prefix, n from {_RUNS}, generate_series(r.first, r.first + r.quantity - 1) n
         where not exists (select from booklet b where b.number = r.prefix || lpad(n\\:\\:text, 7, '0')
                              and b.state = 'NUEVA' and b.place = any(:places)))
    select prefix, min(n), count(*)
      from (select prefix, n, n - row_number() over (partition by prefix order by n) g from other) t
     group by prefix, g order by 1, 2
    """  # noqa: S608
).bindparams(bindparam("places", type_=ARRAY(String)))
#: Each booklet is locked before its entry gets its number: nobody posts in between.
_BRING_BACK = text(
    f"""
    insert into stock_movement (booklet_number, kind, from_place, to_place, at, user_id, reverses_id, remarks)
    select m.booklet_number, 'REINGRESO_REACTIVACION', m.to_place, m.from_place, greatest(:at, b.state_since), :user,
           m.id, :remarks
      from {_RUNS} join booklet b on {_OF_RUNS}
      join lost_document d on d.booklet_number = b.number and d.withdrawn_at is null
      join stock_movement m on m.id = d.movement_id and m.to_place = b.place
     where b.state = 'ANULADA' and b.warehouse_code = any(:warehouses) and m.user_id <> :user
       and split_part(m.from_place, ':', 1) in ('WAREHOUSE', 'HANDS', 'TRANSIT')
     order by b.number for update of b
    """  # noqa: S608
).bindparams(bindparam("warehouses", type_=ARRAY(String)))
_NOT_LOST = text(
    f"""
    with other as (
        select r.prefix, n from {_RUNS}, generate_series(r.first, r.first + r.quantity - 1) n
         where not exists (
            select from booklet b join lost_document d on d.booklet_number = b.number and d.withdrawn_at is null
              join stock_movement m on m.id = d.movement_id and m.to_place = b.place
             where b.number = r.prefix || lpad(n\\:\\:text, 7, '0') and b.state = 'ANULADA'
               and b.warehouse_code = any(:warehouses)
               and split_part(m.from_place, ':', 1) in ('WAREHOUSE', 'HANDS', 'TRANSIT')))
    select prefix, min(n), count(*)
      from (select prefix, n, n - row_number() over (partition by prefix order by n) g from other) t
     group by prefix, g order by 1, 2
    """  # noqa: S608
).bindparams(bindparam("warehouses", type_=ARRAY(String)))


def places_of(session: Session, runs: Sequence[Run]) -> list[str]:
    """Where the blanks among `runs` are."""
    return list(session.scalars(_PLACES, _arrays(runs)))


def lock(session: Session, runs: Sequence[Run], places: Sequence[str]) -> int:
    """Lock the blanks of `runs` at `places` until the transaction ends; how many they are."""
    session.flush()
    return int(session.execute(_LOCK, {**_arrays(runs), "places": list(places)}).scalar_one())


def others(session: Session, runs: Sequence[Run], places: Sequence[str]) -> list[Run]:
    """The numbers among `runs` that are no blanks at `places`."""
    return [Run(*row) for row in session.execute(_OTHERS, {**_arrays(runs), "places": list(places)})]


def void(
    session: Session,
    actor: Actor,
    runs: Sequence[Run],
    places: Sequence[str],
    *,
    void_type: str,
    remarks: str,
    at: dt.datetime,
) -> int:
    """Post every blank of `runs` at `places`, already locked, out of our custody; how many they were."""
    values = {"at": at, "user": actor.user_id, "void_type": void_type, "remarks": remarks, "places": list(places)}
    return _changed(session, _VOID, {**_arrays(runs), **values})


def bring_back(
    session: Session, actor: Actor, runs: Sequence[Run], warehouses: Sequence[str], *, remarks: str, at: dt.datetime
) -> int:
    """Reverse the voids of the lost blanks of `runs` that another than `actor` posted; how many there were."""
    values = {"at": at, "user": actor.user_id, "remarks": remarks, "warehouses": list(warehouses)}
    return _changed(session, _BRING_BACK, {**_arrays(runs), **values})


def not_lost(session: Session, runs: Sequence[Run], warehouses: Sequence[str]) -> list[Run]:
    """The numbers among `runs` that are no lost blanks of `warehouses`."""
    return [Run(*row) for row in session.execute(_NOT_LOST, {**_arrays(runs), "warehouses": list(warehouses)})]


def _changed(session: Session, statement: Any, values: dict[str, Any]) -> int:
    session.flush()
    done: int = session.execute(statement, values).rowcount  # type: ignore[attr-defined]
    session.expire_all()
    return done


def _arrays(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "prefixes": [run.prefix for run in runs],
        "firsts": [run.first for run in runs],
        "quantities": [run.quantity for run in runs],
    }
