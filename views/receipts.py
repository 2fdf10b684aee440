"""Entradas: receipts of booklets, drafted, given lines, closed for good (module 8; M:L758-L836)."""

from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.stock import DocumentKind, StockDocument, StockLine
from models.text import N_
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.documents import DocumentView
from workflow.machine import required
from workflow.stock import document_lists, documents, receipts
from workflow.stock.document_lists import DocumentRow


class ReceiptView(DocumentView):
    """Module 8."""

    route_base = "/receipts"
    screen = N_("Receipts")
    kinds = (DocumentKind.INGRESO,)
    writers = (receipts.WRITE,)
    folder = "receipts"
    head_fields = ("category", "reference", "warehouse", "remarks")
    new_title = N_("New receipt")

    def first_head(self) -> dict[str, str]:
        return {"warehouse": document_lists.CENTRAL}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        return {"category": row.category_code, "warehouse": row.warehouse_code}

    def head_choices(self, session: Session) -> dict[str, Any]:
        return {
            "categories": [(entry.code, entry.name) for entry in document_lists.categories(session)],
            "warehouses": [(place.code, place.name) for place in document_lists.warehouses(session, current_actor())],
        }

    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        return receipts.draft_receipt(session, current_actor(), **head, document=document, version=version)

    def line(
        self, session: Session, document: StockDocument, version: int | None, **values: Any
    ) -> Sequence[StockLine]:
        return [receipts.add_line(session, document, current_actor(), **values, version=version)]

    def finish(self, session: Session, document: StockDocument, version: int | None) -> str:
        made = receipts.close_receipt(session, document, current_actor(), version=version)
        return str(
            ngettext(
                "Document %(number)s was closed with %(num)d booklet.",
                "Document %(number)s was closed with %(num)d booklets.",
                made,
                number=document.id,
            )
        )

    def more(self, session: Session, row: DocumentRow) -> dict[str, Any]:
        actor = current_actor()
        reversible = not row.is_open and row.reversed_by is None and row.closed_by_id != actor.user_id
        return {"may_reverse": reversible and actor.may(Permission.REVERSE_STOCK)}

    @expose("/<int:number>/reverse", methods=["POST"])
    @needs(Permission.REVERSE_STOCK)
    def reverse(self, number: int) -> ResponseReturnValue:
        """Undo a receipt that was closed by mistake."""
        with transaction() as session:
            document = documents.find(session, number, current_actor(), *self.kinds)
            remarks = required(request.form.get("remarks", "").strip(), "remarks")
            reversal = receipts.reverse_receipt(session, document, current_actor(), remarks=remarks).id
        said = _("Document %(number)s was reversed by document %(reversal)s.", number=number, reversal=reversal)
        return self.back(said, url=url_for(".show", number=number))


VIEWS = (ReceiptView,)
