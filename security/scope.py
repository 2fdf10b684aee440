"""Which rows the actor at work may see: one hook on the session, closed unless somebody is acting.

The alternative, a filter in every query, is forgotten once; Flask-AppBuilder's `base_filters` do not reach its actions
and related lists. Core statements on tables are not covered: they name the sites themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Executable, event, false, or_
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from models.cases import PassportCase
from security.actor import Actor

_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def acting() -> Actor | None:
    """Who acts now in this thread or task, if anybody."""
    return _actor.get()


def set_acting(actor: Actor | None) -> None:
    """Say who acts from now on; None closes everything. For the web edge; others use `acting_as`."""
    _actor.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Act as `actor` inside the block."""
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)


def visible(actor: Actor | None) -> ColumnElement[bool] | None:
    """The condition on `PassportCase` that `actor` is held to; None when he sees every site."""
    if actor is None:
        return false()
    return None if actor.sites is None else _at(actor.sites)


@lru_cache(maxsize=256)
def _at(sites: frozenset[str]) -> ColumnElement[bool]:
    codes = sorted(sites)
    return or_(PassportCase.site_code.in_(codes), PassportCase.print_site_code.in_(codes))


@lru_cache(maxsize=256)
def _held_to(sites: frozenset[str] | None) -> ExecutableOption:
    """The option that holds a statement to the cases of `sites`, made once for each set of them; None: to no case."""
    condition = false() if sites is None else _at(sites)
    return with_loader_criteria(PassportCase, condition, include_aliases=True)


@event.listens_for(Session, "do_orm_execute")
def _only_visible_rows(execution: ORMExecuteState) -> Any:
    if not execution.is_select or execution.is_column_load or execution.execution_options.get("every_site"):
        return
    actor = _actor.get()
    if actor is None or actor.sites is not None:
        execution.statement = _held(execution.statement, None if actor is None else actor.sites)


#: By a statement and the sites it was held to, as long as it lives: one that is made once is held once.
_held_statements: WeakKeyDictionary[Executable, dict[frozenset[str] | None, Executable]] = WeakKeyDictionary()


def _held(statement: Executable, sites: frozenset[str] | None) -> Executable:
    by_sites = _held_statements.setdefault(statement, {})
    if sites not in by_sites:
        by_sites[sites] = statement.options(_held_to(sites))
    return by_sites[sites]
