"""Existencia: stock per warehouse and category, now or at a past date, and one warehouse's booklets as ranges."""

import datetime as dt
from typing import Any

from flask import current_app, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _

from models.base import utc_now
from models.clock import local_date
from models.text import N_
from security.errors import BadValue
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow.stock import on_hand, warehouse_stock
from workflow.stock.documents import acts_at
from workflow.stock.on_hand import OnHand
from workflow.stock.warehouse_stock import Lot


class OnHandView(Page):
    """What there is, for how long it lasts and what to send where: what follows from the figures of report 16."""

    route_base = "/stock/on-hand"
    default_view = "list"
    group = N_("Stock")
    screen = N_("Stock and supply")

    @expose("/")
    @needs(Permission.READ_STOCK)
    def list(self) -> ResponseReturnValue:
        """Every warehouse of the actor's sites."""
        typed, today = request.args.get("on", "").strip(), local_date(utc_now())
        day, refusal = None, None
        try:
            day = asked_day(typed, today)
        except BadValue as wrong:
            refusal = wrong
        with transaction() as session:
            stock = on_hand.on_hand(session, current_actor(), day)
        page = self.page(
            "on_hand/list.html", _("Stock on hand"), stock=stock, past=day is not None, typed=typed, today=today,
            now=utc_now(), refusal=refusal, transfer_url=transfer_url, work_days=on_hand.WORK_DAYS,
            low_days=on_hand.LOW_DAYS, pack=on_hand.PACK,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    @expose("/<code>")
    @needs(Permission.READ_STOCK)
    def warehouse(self, code: str) -> ResponseReturnValue:
        """One warehouse now: its figures, and its booklets as ranges."""
        asked = {name: request.args.get(name, "")[:40] for name in ("place", "category", "after")}
        with transaction() as session:
            found = warehouse_stock.warehouse_stock(session, current_actor(), code, **asked)

        def more_url(lot: Lot) -> str:
            return url_for(
                ".warehouse", code=code, place=lot.place, category=lot.category_code, after=lot.following
            )  # fmt: skip

        return self.page(
            "on_hand/warehouse.html", found.warehouse.name, (found.warehouse.name, None), found=found,
            paged=bool(asked["after"]), more_url=more_url, transfer_url=transfer_url, now=utc_now(),
            opens_booklets=current_actor().may(Permission.READ_BOOKLETS), work_days=on_hand.WORK_DAYS,
            low_days=on_hand.LOW_DAYS, most=warehouse_stock.READ_AT_MOST,
        )  # fmt: skip


def asked_day(typed: str, today: dt.date) -> dt.date | None:
    """The past day that was typed; None for today and when nothing was. Raises `BadValue`."""
    if not typed:
        return None
    try:
        day = dt.date.fromisoformat(typed)
    except ValueError:
        raise BadValue(N_("This is not a date."), field="on") from None
    if day > today:
        raise BadValue(N_("This day is still to come."), field="on")
    return day if day < today else None


def transfer_url(row: OnHand) -> str | None:
    """Where the proposed transfer is prepared; None for who may not, or does not act at the warehouse that sends."""
    actor, proposal = current_actor(), row.proposal
    if proposal is None or "TransferView.new" not in current_app.view_functions:
        return None
    if not acts_at(actor, proposal.source, Permission.TRANSFER_STOCK):
        return None
    values: dict[str, Any] = {"from": proposal.source.code, "to": row.warehouse.code, "category": row.category.code}
    return url_for("TransferView.new", **values, quantity=proposal.quantity)


VIEWS = (OnHandView,)
