"""Entradas: receipts of booklets, drafted, given lines, closed for good (module 8; M:L758-L836)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import abort, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from models.base import utc_now
from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import receipts, stock
from workflow.clock import local_date
from workflow.errors import BadValue, DomainError

HEAD = ("category", "on", "reference", "warehouse", "remarks")
LINE = ("category", "prefix", "first", "quantity")


class ReceiptView(Page):
    """Module 8. Forms carry the version that the page showed; who looks at an older one changes nothing."""

    route_base = "/receipts"
    default_view = "list"
    group = N_("Stock")
    screen = N_("Receipts")

    @expose("/")
    @needs(Permission.READ_STOCK)
    def list(self) -> ResponseReturnValue:
        """Receipts that are open, and those closed lately."""
        before = _number(request.args.get("before"))
        with transaction() as session:
            pending = receipts.open_receipts(session, current_actor())
            closed, following = receipts.closed_receipts(session, current_actor(), before=before)
        return self._page(
            "list",
            _("Receipts of booklets"),
            pending=pending,
            closed=closed,
            following=following,
            paged=before is not None,
        )

    @expose("/new")
    @needs(Permission.RECEIVE_STOCK)
    def new(self) -> ResponseReturnValue:
        """The head of a new receipt."""
        today = local_date(utc_now()).isoformat()
        return self._head({"on": today, "warehouse": receipts.CENTRAL})

    @expose("/new", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def create(self) -> ResponseReturnValue:
        """Start the receipt."""
        try:
            with transaction() as session:
                number = stock.draft_receipt(session, current_actor(), **_head_values()).id
        except BadValue as refusal:
            return self._head(request.form, refusal=refusal)
        return redirect(url_for(".show", number=number), 303)

    @expose("/<int:number>")
    @needs(Permission.READ_STOCK)
    def show(self, number: int) -> ResponseReturnValue:
        """The document: head, lines, booklets."""
        return self._document(number)

    @expose("/<int:number>/edit")
    @needs(Permission.RECEIVE_STOCK)
    def edit(self, number: int) -> ResponseReturnValue:
        """The head of an open receipt."""
        with transaction() as session:
            found = receipts.receipt(session, number, current_actor())
        if not found.is_open:
            return redirect(url_for(".show", number=number))
        values = {"category": found.category_code, "on": found.on.isoformat(), "warehouse": found.warehouse_code}
        values |= {"reference": found.reference or "", "remarks": found.remarks or "", "version": str(found.version)}
        return self._head(values, number)

    @expose("/<int:number>/edit", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def change(self, number: int) -> ResponseReturnValue:
        """Change the head."""
        try:
            with transaction() as session:
                document = stock.receipt(session, number, current_actor())
                stock.draft_receipt(session, current_actor(), **_head_values(), document=document, version=_version())
        except BadValue as refusal:
            return self._head(request.form, number, refusal)
        return self.back(_("Document %(number)s was changed.", number=number), url=url_for(".show", number=number))

    @expose("/<int:number>/lines", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def add_line(self, number: int) -> ResponseReturnValue:
        """Add a range of booklets; a clash is told at its field, with what was typed."""
        try:
            with transaction() as session:
                document = stock.receipt(session, number, current_actor())
                line = stock.add_line(session, document, current_actor(), **_line_values(), version=_version())
                added = _("Added: %(first)s–%(last)s.", first=line.first_number, last=line.last_number)
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._document(number, refusal)
        return self.back(added, url=url_for(".show", number=number))

    @expose("/<int:number>/lines/<int:line>/drop", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def drop_line(self, number: int, line: int) -> ResponseReturnValue:
        """Take a range off."""
        with transaction() as session:
            document = stock.receipt(session, number, current_actor())
            stock.drop_line(session, document, line, current_actor(), version=_version())
        return self.back(_("The line was taken off."), url=url_for(".show", number=number))

    @expose("/<int:number>/delete", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def delete(self, number: int) -> ResponseReturnValue:
        """Delete a draft."""
        with transaction() as session:
            document = stock.receipt(session, number, current_actor())
            stock.drop_receipt(session, document, current_actor(), version=_version())
        return self.back(_("Draft %(number)s was deleted.", number=number))

    @expose("/<int:number>/close", methods=["POST"])
    @needs(Permission.RECEIVE_STOCK)
    def close(self, number: int) -> ResponseReturnValue:
        """Cierre: the booklets are in stock, for good."""
        with transaction() as session:
            document = stock.receipt(session, number, current_actor())
            made = stock.close_receipt(session, document, current_actor(), version=_version())
        said = ngettext(
            "Document %(number)s was closed with %(num)d booklet.",
            "Document %(number)s was closed with %(num)d booklets.",
            made,
            number=number,
        )
        return self.back(said, url=url_for(".show", number=number))

    def _head(
        self, typed: Mapping[str, Any], number: int | None = None, refusal: DomainError | None = None
    ) -> ResponseReturnValue:
        with transaction() as session:
            categories, places = receipts.categories(session), receipts.warehouses(session)
        title = _("New receipt") if number is None else _("Head of document %(number)s", number=number)
        page = self._page(
            "form", title, (title, None), typed=typed, number=number, refusal=refusal,
            categories=[(entry.code, entry.name) for entry in categories],
            warehouses=[(place.code, place.name) for place in places],
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _document(self, number: int, refusal: DomainError | None = None) -> ResponseReturnValue:
        start = max(1, _number(request.args.get("from")) or 1)
        with transaction() as session:
            found = receipts.receipt(session, number, current_actor())
            lines, categories = receipts.lines(session, number), receipts.categories(session)
        title = _("Document No. %(number)s", number=number)
        shown = [*receipts.listed(lines, start)]
        page = self._page(
            "document", title, (title, None), receipt=found, lines=lines, shown=shown, size=receipts.BOOKLETS_PAGE,
            start=start, categories=categories, refusal=refusal, typed=request.form,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _page(self, template: str, title: str, *more: Any, **values: Any) -> ResponseReturnValue:
        may_write = current_actor().may(Permission.RECEIVE_STOCK)
        return self.page(f"receipts/{template}.html", title, *more, may_write=may_write, **values)


def _head_values() -> dict[str, Any]:
    values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in HEAD}
    try:
        values["on"] = dt.date.fromisoformat(values["on"])
    except ValueError:
        raise BadValue(N_("This is not a date."), field="on") from None
    return values


def _line_values() -> dict[str, Any]:
    values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in LINE}
    for name in ("first", "quantity"):
        number = _number(values[name])
        if number is None:
            raise BadValue(N_("Type a number, digits alone."), field=name)
        values[name] = number
    return values


def _number(text: str | None) -> int | None:
    """`text` as a whole number of at most nine digits; None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _version() -> int:
    """The version that the page had shown; 400 without one."""
    version = _number(request.form.get("version"))
    return abort(400) if version is None else version


VIEWS = (ReceiptView,)
