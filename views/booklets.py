"""Libreta: a booklet's card by its number (module 13; M:L982-L992), and the booklet voided or brought back from it."""

import dataclasses
import datetime as dt
from typing import Any

from flask import current_app, jsonify, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.api import BaseApi
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.amendments import AmendmentRequest
from models.stock import DocumentKind
from models.text import N_
from security.errors import BadValue, DomainError, NotFound
from security.permissions import Permission
from views.access import api_needs, current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from workflow import former_enquiries, scanning, voids
from workflow.booklets import GONE
from workflow.stock import blanks, booklet_card, serials
from workflow.stock.booklet_card import Card, Entry
from workflow.stock.places import Words

#: The view that shows each kind of document; a reversal has no page of its own.
DOCUMENT_VIEWS = {
    DocumentKind.INGRESO: "ReceiptView",
    DocumentKind.TRASLADO: "TransferView",
    DocumentKind.SALIDA: "IssueView",
    DocumentKind.DEVOLUCION: "ReturnView",
    DocumentKind.DESTRUCCION: "DestructionView",
}


class BookletView(Page):
    """Module 13."""

    route_base = "/booklets"
    default_view = "start"
    group = N_("Enquiries")
    screen = N_("Booklet")

    @expose("/")
    @needs(Permission.READ_BOOKLETS)
    def start(self) -> ResponseReturnValue:
        """The box for a booklet."""
        return self._start("")

    @expose("/", methods=["POST"])
    @needs(Permission.READ_BOOKLETS)
    def find(self) -> ResponseReturnValue:
        """A number or an MRZ, typed or scanned, opens the card; an MRZ so stays in no address."""
        typed = request.form.get("raw", "").strip()
        number = scanning.booklet_in(typed)
        if number is None:
            return self._start(typed, BadValue(N_("Neither a booklet number nor an MRZ was read."), field="raw"))
        return redirect(url_for(".show", number=number), 303)

    @expose("/<number>")
    @needs(Permission.READ_BOOKLETS)
    def show(self, number: str) -> ResponseReturnValue:
        """The card."""
        return self._card(number)

    @expose("/<number>/void", methods=["POST"])
    @needs(Permission.VOID_BOOKLETS)
    def void(self, number: str) -> ResponseReturnValue:
        """Void the booklet, blank or used; of a delivered passport it may have to be asked for."""
        try:
            with transaction() as session:
                void_type, why = request.form.get("void_type", ""), request.form.get("remarks", "")
                done = voids.void(session, current_actor(), number, void_type=void_type, comment=why)
        except BadValue as refusal:
            return self._card(number, refusal)
        if isinstance(done, AmendmentRequest):
            said = _("Request No. %(number)s waits for a second person.", number=done.id)
            return self.back(said, url=url_for("RequestView.show", number=done.id))
        return self.back(_("Booklet %(number)s was voided.", number=number), url=url_for(".show", number=number))

    @expose("/<number>/reactivate", methods=["POST"])
    @needs(Permission.REACTIVATE_BOOKLETS)
    def reactivate(self, number: str) -> ResponseReturnValue:
        """Bring back a booklet that was voided by mistake."""
        try:
            with transaction() as session:
                voids.reactivate(session, current_actor(), number, comment=request.form.get("remarks", ""))
        except BadValue as refusal:
            return self._card(number, refusal)
        return self.back(_("Booklet %(number)s was reactivated.", number=number), url=url_for(".show", number=number))

    @expose("/void")
    @needs(Permission.VOID_BOOKLETS)
    def several(self) -> ResponseReturnValue:
        """The form to void a damaged pack."""
        return self._several()

    @expose("/void", methods=["POST"])
    @needs(Permission.VOID_BOOKLETS)
    def void_several(self) -> ResponseReturnValue:
        """Void all of them, or none."""
        form = request.form
        try:
            runs = serials.read_runs(form.get("numbers", ""))
            with transaction() as session:
                count = blanks.void_blanks(
                    session, current_actor(), runs, void_type=form.get("void_type", ""), remarks=form.get("remarks", "")
                )
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._several(refusal)
        said = ngettext(
            "%(num)d booklet was voided: %(ranges)s.", "%(num)d booklets were voided: %(ranges)s.", count,
            ranges=serials.runs_text(runs),
        )  # fmt: skip
        return self.back(said, url=url_for(".several"))

    def _start(self, typed: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        may_void, former = current_actor().may(Permission.VOID_BOOKLETS), []
        if refusal is not None:
            with transaction() as session:
                former = former_enquiries.with_booklet(session, current_actor(), typed)
        page = self.page(
            "booklets/start.html",
            _("Booklet"),
            typed=typed,
            refusal=refusal,
            may_void=may_void,
            former=former,
            opens_former=current_actor().may(Permission.SEARCH_FORMER),
        )
        return make_response(page, 404 if isinstance(refusal, NotFound) else status_of(refusal))

    def _card(self, number: str, refusal: DomainError | None = None) -> ResponseReturnValue:
        after = _number(request.args.get("after"))
        try:
            with transaction() as session:
                card = booklet_card.card(session, number, current_actor(), after=after)
                offer = voids.offer(session, card, current_actor())
        except NotFound as unknown:
            return self._start(number, unknown)
        title = _("Booklet %(number)s", number=card.number)
        page = self.page(
            "booklets/card.html", title, (card.number, None), card=card, paged=after > 0, document_view=document_view,
            offer=offer, refusal=refusal, typed=request.form,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _several(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            kinds = _void_types(session)
        title = _("Void several booklets")
        page = self.page(
            "booklets/void.html", title, (title, None), void_types=kinds, typed=request.form, refusal=refusal,
            most=blanks.AT_MOST,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _void_types(session: Session) -> list[tuple[str, str]]:
    """Those offered for a blank; one that is gone is reported lost instead (views.lost_documents)."""
    return [(kind.code, kind.name) for kind in blanks.void_types(session) if kind.code not in GONE]


def document_view(entry: Entry) -> str | None:
    """The page of a movement's document; None when there is none or this actor may not open it."""
    page = f"{DOCUMENT_VIEWS[entry.document_kind]}.show" if entry.document_kind in DOCUMENT_VIEWS else ""
    return page if entry.opens_document and page in current_app.view_functions else None


def _number(text: str | None) -> int:
    """`text` as a number of at most 18 digits; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 18 else 0


class BookletApi(BaseApi):  # type: ignore[misc]
    """`/api/v1/booklets`."""

    route_base = "/api/v1/booklets"
    include_route_methods = {"read"}  # noqa: RUF012

    @expose("/<number>", methods=["GET"])
    @api_needs(Permission.READ_BOOKLETS)
    def read(self, number: str) -> ResponseReturnValue:
        """The card of a booklet; a look at a case is logged where its holder is named."""
        after = _number(request.args.get("after"))
        with transaction() as session:
            card = booklet_card.card(session, number, current_actor(), after=after, screen="api")
        return jsonify(whole(card))


def whole(card: Card) -> dict[str, Any]:
    """The card for programs: places as codes and in words, times in UTC; `next` is the `after` of the next page."""
    return {
        "number": card.number, "category": card.category, "state": card.state, "state_since": _plain(card.state_since),
        "place": card.place_code, "place_label": said(card.place), "warehouse": card.warehouse,
        "void_type": card.void_type, "cases": [_use(use) for use in card.uses],
        "movements": [_movement(entry) for entry in card.entries], "next": card.following,
    }  # fmt: skip


def _use(use: booklet_card.Use) -> dict[str, Any]:
    steps = {name: _plain(getattr(use, name)) for name in ("assigned", "printed", "checked", "delivered", "voided")}
    return {
        "case": use.case_number, "holder": use.holder, "site": use.site, **steps, "void_type": use.void_type,
        "comment": use.comment,
    }  # fmt: skip


def _movement(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id, "at": _plain(entry.at), "kind": entry.kind, "label": _(entry.label), "user": entry.username,
        "document": entry.document, "case": entry.case_number, "void_type": entry.void_type, "remarks": entry.remarks,
        "reverses": entry.undone_id, "balance": entry.balance, "from": said(entry.source), "to": said(entry.target),
        "rows": [{"place": said(row.place), "in": row.came, "out": row.went} for row in entry.rows],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, booklet_card.Step):
        return {name: _plain(part) for name, part in dataclasses.asdict(value).items()}
    return value


def said(words: Words) -> str:
    """`words` in the language of the request."""
    return str(_(words.message_id, **words.params))


VIEWS = (BookletView, BookletApi)
