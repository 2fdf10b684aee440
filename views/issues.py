"""Salidas: booklets issued to printers, returned by them, destroyed; two people count each (module 9; M:L837)."""

import datetime as dt
from types import ModuleType
from typing import Any, ClassVar

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.stock import DocumentKind, StockDocument
from models.text import N_
from security.errors import BadValue, DomainError
from views.access import current_actor, needs, transaction
from views.counted import PEOPLE, READERS, CountedView, booklets_added, tabs
from views.documents import number_of, version_seen
from workflow.stock import destruction, document_lists, documents, holdings, issues
from workflow.stock.document_lists import DocumentRow
from workflow.stock.printers import printers


class IssueView(CountedView):
    """Module 9: issues to the printer of the shift; and what each printer still holds."""

    route_base = "/issues"
    screen = N_("Issues")
    kinds = (DocumentKind.SALIDA,)
    acts: ClassVar[ModuleType] = issues
    keeps = issues.KEEP
    readers = READERS
    writers = (issues.KEEP,)
    people = PEOPLE
    head_fields = ("warehouse", "printer", "reference", "remarks")
    new_title = N_("New issue")

    def head_choices(self, session: Session) -> dict[str, Any]:
        actor = current_actor()
        return {
            "warehouses": [(place.code, place.name) for place in document_lists.warehouses(session, actor)],
            "printers": [(one.user_id, f"{one.username} · {one.name}") for one in printers(session, actor)],
        }

    def first_head(self) -> dict[str, str]:
        return {name: request.args.get(name, "") for name in ("warehouse", "printer")}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        return {"warehouse": row.warehouse_code, "printer": row.printer_id}

    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        return issues.draft_issue(session, current_actor(), **head, document=document, version=version)

    def add(self, session: Session, document: StockDocument, version: int | None, **values: Any) -> int:
        if "numbers" in values:
            return super().add(session, document, version, **values)
        return issues.add_lowest(session, document, current_actor(), **values, version=version)

    def _line_values(self) -> dict[str, Any]:
        if "quantity" not in request.form:
            return super()._line_values()
        quantity = number_of(request.form["quantity"].strip())
        if quantity is None:
            raise BadValue(N_("Type a number, digits alone."), field="quantity")
        return {"category": request.form.get("category", ""), "quantity": quantity}

    @expose("/hands")
    @needs(*READERS)
    def hands(self) -> ResponseReturnValue:
        """Who still holds what, at the end of the shift."""
        with transaction() as session:
            held = holdings.who_holds_what(session, current_actor())
        title = _("Who holds what")
        may_return = current_actor().may(*PEOPLE)
        return self.page(
            "issues/hands.html", title, (title, None), held=held, tabs=tabs(), may_return=may_return,
            me=current_actor().user_id, keeps=current_actor().may(issues.KEEP),
        )  # fmt: skip


class ReturnView(CountedView):
    """Module 9: returns from printers, prepared by the printer himself or by a keeper."""

    route_base = "/returns"
    screen = N_("Returns")
    kinds = (DocumentKind.DEVOLUCION,)
    acts: ClassVar[ModuleType] = issues
    keeps = issues.KEEP
    readers = READERS
    writers = PEOPLE
    people = PEOPLE
    head_fields = ("warehouse", "printer", "reference", "remarks")
    new_title = N_("New return")

    def head_choices(self, session: Session) -> dict[str, Any]:
        actor = current_actor()
        held = holdings.who_holds_what(session, actor)
        mine = [entry for entry in held if actor.may(issues.KEEP) or entry.printer_id == actor.user_id]
        return {
            "warehouses": sorted({(entry.warehouse_code, entry.warehouse) for entry in mine}),
            "printers": sorted({(entry.printer_id, f"{entry.printer} · {entry.name}") for entry in mine}),
        }

    def first_head(self) -> dict[str, str]:
        own = "" if current_actor().may(issues.KEEP) else str(current_actor().user_id)
        return {"warehouse": request.args.get("warehouse", ""), "printer": request.args.get("printer", own)}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        return {"warehouse": row.warehouse_code, "printer": row.printer_id}

    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        return issues.draft_return(session, current_actor(), **head, document=document, version=version)

    @expose("/<int:number>/everything", methods=["POST"])
    @needs(*PEOPLE)
    def everything(self, number: int) -> ResponseReturnValue:
        """Put all that the printer still holds on the return."""
        with transaction() as session:
            document = documents.find(session, number, current_actor(), *self.kinds)
            added = issues.add_everything(session, document, current_actor(), version=version_seen())
        return self.back(booklets_added(added), url=url_for(".show", number=number))


class DestructionView(CountedView):
    """Module 9: destruction of voided booklets, with minutes."""

    route_base = "/destructions"
    screen = N_("Destructions")
    kinds = (DocumentKind.DESTRUCCION,)
    acts: ClassVar[ModuleType] = destruction
    keeps = destruction.WRITE
    writers = (destruction.WRITE,)
    people = (destruction.WRITE,)
    head_fields = ("warehouse", "reference", "remarks")
    new_title = N_("New destruction")

    def head_choices(self, session: Session) -> dict[str, Any]:
        places = document_lists.warehouses(session, current_actor())
        return {"warehouses": [(place.code, place.name) for place in places]}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        return {"warehouse": row.warehouse_code}

    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        return destruction.draft_destruction(session, current_actor(), **head, document=document, version=version)

    def more(self, session: Session, row: DocumentRow) -> dict[str, Any]:
        more = super().more(session, row)
        if row.is_open and more["may_write"]:
            entries = holdings.in_custody(session, row.warehouse_code)
            more["custody"] = [(entry, holdings.first_numbers(session, row.warehouse_code, entry)) for entry in entries]
        return more

    @expose("/<int:number>/voided", methods=["POST"])
    @needs(destruction.WRITE)
    def voided(self, number: int) -> ResponseReturnValue:
        """Put all voided booklets in custody on the document, or those of one kind or voided up to a day."""
        try:
            with transaction() as session:
                added = destruction.add_voided(
                    session, self.found(session, number), current_actor(), version=version_seen(),
                    void_type=request.form.get("void_type") or None, until=_day(request.form.get("until", "").strip()),
                )  # fmt: skip
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self.document_page(number, refusal)
        return self.back(booklets_added(added), url=url_for(".show", number=number))


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise BadValue(N_("This is not a date."), field="until") from None


VIEWS = (IssueView, ReturnView, DestructionView)
