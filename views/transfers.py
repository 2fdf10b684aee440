"""Traslados: transfers drafted, sent, followed in transit, received with their differences (module 10; M:L840-L925)."""

from collections.abc import Sequence
from typing import Any

from flask import Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.arrivals import DIFFERENCE_LABELS
from models.catalogs import Warehouse
from models.stock import ACCOUNT_LABELS, DocumentKind, StockDocument, StockLine
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, needs_its, transaction
from views.counter import status_of
from views.documents import DocumentView, number_of
from workflow.stock import arrivals, document_lists, documents, ledger, stock_papers, transfer_lists, transfers
from workflow.stock.document_lists import DocumentRow
from workflow.stock.run_sets import size
from workflow.stock.serials import read_runs, runs_text

#: Differences and ranges shown on a page; the minutes have them all.
SHOWN = 100
#: Ranges that the page knows to tell of a scan at once whether it is of the transfer.
TOLD = 2000


class TransferView(DocumentView):
    """Module 10."""

    route_base = "/transfers"
    screen = N_("Transfers")
    kinds = (DocumentKind.TRASLADO,)
    writers = (transfers.WRITE,)
    folder = "transfers"
    head_fields = ("from_warehouse", "to_warehouse", "reference", "remarks", "category", "quantity")
    new_title = N_("New transfer")

    def first_head(self) -> dict[str, str]:
        asked = {name: request.args.get(key, "") for name, key in _ASKED.items()}
        sender = asked["from_warehouse"] or current_actor().warehouse_code or document_lists.CENTRAL
        return {**asked, "from_warehouse": sender}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        return {"from_warehouse": row.warehouse_code, "to_warehouse": row.to_warehouse_code}

    def head_choices(self, session: Session) -> dict[str, Any]:
        return {
            "categories": [(entry.code, entry.name) for entry in document_lists.categories(session)],
            "own": [(place.code, place.name) for place in document_lists.warehouses(session, current_actor())],
            "every": [(place.code, place.name) for place in document_lists.warehouses(session)],
        }

    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        category, quantity = head.pop("category"), head.pop("quantity")
        made = transfers.draft_transfer(session, current_actor(), **head, document=document, version=version)
        if document is None and quantity:
            booklets = number_of(quantity)
            if booklets is None:
                raise BadValue(N_("Type a number, digits alone."), field="quantity")
            transfers.add_quantity(session, made, current_actor(), category=category, quantity=booklets)
        return made

    def line(
        self, session: Session, document: StockDocument, version: int | None, **values: Any
    ) -> Sequence[StockLine]:
        return [transfers.add_line(session, document, current_actor(), **values, version=version)]

    def finish(self, session: Session, document: StockDocument, version: int | None) -> str:
        sent = transfers.send(session, document, current_actor(), version=version)
        if document.at_once:
            said = ngettext(
                "Transfer %(number)s was closed: %(num)d booklet is in the warehouse that receives.",
                "Transfer %(number)s was closed: %(num)d booklets are in the warehouse that receives.",
                sent,
                number=document.id,
            )
        else:
            said = ngettext(
                "Transfer %(number)s was sent: %(num)d booklet is in transit.",
                "Transfer %(number)s was sent: %(num)d booklets are in transit.",
                sent,
                number=document.id,
            )
        return str(said)

    def found(self, session: Session, number: int) -> StockDocument:
        """The transfer; a draft is only for who acts at the warehouse that sends."""
        document = super().found(session, number)
        if document.is_open:
            documents.allow_at(session, current_actor(), document.warehouse_code, transfers.WRITE)
        return document

    def list_more(self, session: Session) -> dict[str, Any]:
        places = {place.code for place in document_lists.warehouses(session, current_actor())}
        return {
            "waiting": transfer_lists.waiting(session, current_actor()),
            "places": places,
            "may_confirm": current_actor().may(arrivals.RECEIVE),
            "user_id": current_actor().user_id,
        }

    def more(self, session: Session, row: DocumentRow) -> dict[str, Any]:
        actor, start = current_actor(), max(1, number_of(request.args.get("from")) or 1)
        shown = [*document_lists.listed(document_lists.lines(session, row.number), start)]
        sender, receiver = (session.get_one(Warehouse, code) for code in (row.warehouse_code, row.to_warehouse_code))
        left = [] if row.is_open else transfer_lists.runs_in_transit(session, row.number)
        other = bool(left) and row.closed_by_id != actor.user_id
        return {
            "acts_here": documents.sees(actor.by(*self.writers), sender),
            "at_once": row.is_open
            and transfers.received_at_once(session, row.warehouse_code, str(row.to_warehouse_code)),
            "pairs": transfer_lists.pairs(session, row, shown),
            "left": size(left),
            "left_ranges": runs_text(left, SHOWN),
            "arrivals": [] if row.is_open else transfer_lists.arrivals(session, row.number),
            "differences": [] if row.is_open else transfer_lists.differences(session, row.number, limit=SHOWN),
            "may_receive": other and documents.acts_at(actor, receiver, arrivals.RECEIVE),
            "may_recall": other and documents.acts_at(actor, sender, Permission.REVERSE_STOCK),
            "sent_it": bool(left) and not other,
            "place_words": place_words,
            "difference_words": difference_words,
        }

    def _page(self, template: str, title: str, *more: Any, **values: Any) -> ResponseReturnValue:
        may_write = current_actor().may(*self.writers) and values.pop("acts_here", True)
        return self.page(f"{self.folder}/{template}.html", title, *more, may_write=may_write, **values)

    @expose("/find", methods=["POST"])
    @needs(arrivals.RECEIVE)
    def find(self) -> ResponseReturnValue:
        """A manifest or a booklet in transit was scanned: its transfer opens to be received."""
        raw = request.form.get("manifest", "").strip()
        with transaction() as session:
            number = arrivals.transfer_scanned(session, raw)
        manifest = raw if raw[:1] in "Tt" else None
        return redirect(url_for(".receiving", number=number, manifest=manifest), 303)

    @expose("/<int:number>/receive")
    @needs(arrivals.RECEIVE)
    def receiving(self, number: int) -> ResponseReturnValue:
        """What is to be received of a transfer; with a manifest scanned, whether it is of this transfer."""
        return self._receiving(number)

    @expose("/<int:number>/receive", methods=["POST"])
    @needs(arrivals.RECEIVE)
    def receive(self, number: int) -> ResponseReturnValue:
        """Confirm what arrived: what was scanned or typed, or everything."""
        form = request.form
        try:
            with transaction() as session:
                done = arrivals.receive(
                    session,
                    self.found(session, number),
                    current_actor(),
                    runs=read_runs(form.get("numbers", "")),
                    damaged=read_runs(form.get("damaged", ""), field="damaged"),
                    everything=form.get("what") == "everything",
                    remarks=form.get("remarks"),
                )
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._receiving(number, refusal)
        return self.back(_said(number, done), "warning" if done.again else "success", url_for(".show", number=number))

    @expose("/<int:number>/missing", methods=["POST"])
    @needs(arrivals.RECEIVE)
    def declare_missing(self, number: int) -> ResponseReturnValue:
        """Declare that the rest did not come."""
        with transaction() as session:
            document = self.found(session, number)
            made = arrivals.declare_missing(
                session, document, current_actor(), remarks=request.form.get("remarks", "")
            ).number
        said = _("The rest was declared missing: minutes %(number)s-%(arrival)s.", number=number, arrival=made)
        return self.back(said, "warning", url_for(".show", number=number))

    @expose("/<int:number>/recall", methods=["POST"])
    @needs(Permission.REVERSE_STOCK)
    def recall(self, number: int) -> ResponseReturnValue:
        """Bring back what is in transit of a transfer sent by mistake."""
        with transaction() as session:
            document = self.found(session, number)
            remarks = request.form.get("remarks", "")
            reversal = transfers.recall(session, document, current_actor(), remarks=remarks).id
        said = _("What was in transit came back by document %(reversal)s.", reversal=reversal)
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/manifest.pdf")
    @needs_its("readers")
    def manifest(self, number: int) -> ResponseReturnValue:
        """The manifest that travels with the booklets."""
        with transaction() as session:
            paper = stock_papers.manifest(session, self.found(session, number))
        return _pdf(paper, f"traslado-{number}")

    @expose("/<int:number>/arrivals/<int:arrival>.pdf")
    @needs_its("readers")
    def minutes(self, number: int, arrival: int) -> ResponseReturnValue:
        """The minutes of an arrival."""
        with transaction() as session:
            paper = stock_papers.arrival_minutes(session, self.found(session, number), arrival)
        return _pdf(paper, f"acta-{number}-{arrival}")

    def _receiving(self, number: int, refusal: DomainError | None = None) -> ResponseReturnValue:
        scanned, paper = request.args.get("manifest", "").strip(), None
        with transaction() as session:
            document = self.found(session, number)
            inside = arrivals.expected(session, document, current_actor())
            try:
                paper = arrivals.check_manifest(document, scanned) if scanned else None
            except DomainError as wrong:
                refusal = refusal or wrong
            row = document_lists.row(session, number, current_actor(), *self.kinds)
        title = _("Receive transfer %(number)s", number=number)
        trail = ((_("Document No. %(number)s", number=number), url_for(".show", number=number)), (title, None))
        runs = [[run.prefix, run.first, run.quantity] for run in inside] if len(inside) <= TOLD else None
        page = self._page(
            "receive", title, *trail, document=row, left=size(inside), ranges=[*map(str, inside[:SHOWN])],
            more_ranges=len(inside) > SHOWN, runs=runs, paper=paper, refusal=refusal, typed=request.form,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


#: What the address of a new transfer may say of its head (Existencia proposes transfers so).
_ASKED = {"from_warehouse": "from", "to_warehouse": "to", "category": "category", "quantity": "quantity"}


def place_words(place: str | None) -> str:
    """A place of the ledger in words; None: no booklet of that number is in stock."""
    if place is None:
        return str(_("Does not exist in stock"))
    owner = ledger.owner_of(place)
    return " ".join(filter(None, (_(ACCOUNT_LABELS[ledger.account_of(place)]), owner)))


def difference_words(kind: str) -> str:
    """The name of a kind of difference."""
    labels: dict[Any, str] = dict(DIFFERENCE_LABELS)
    return str(_(labels[kind]))


def _said(number: int, done: arrivals.Received) -> str:
    """What a confirmation did, in one or more sentences."""
    told = [
        ngettext(
            "Minutes %(number)s-%(arrival)s: %(num)d booklet received.",
            "Minutes %(number)s-%(arrival)s: %(num)d booklets received.",
            done.booklets, number=number, arrival=done.number,
        )
    ]  # fmt: skip
    if done.surplus:
        told.append(_("Surplus: %(count)s.", count=done.surplus))
    if done.damaged:
        told.append(_("Damaged: %(count)s; void them under Booklet.", count=done.damaged))
    if done.again:
        told.append(_("Received before, not counted again: %(ranges)s.", ranges=runs_text(done.again)))
    return " ".join(told)


def _pdf(paper: bytes, name: str) -> Response:
    answer = Response(paper, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


VIEWS = (TransferView,)
