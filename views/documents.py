"""What the pages of all stock documents share: lists, head, lines, booklets, draft and closing; a kind adds its own."""

import datetime as dt
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import utc_now
from models.clock import local_date
from models.stock import DocumentKind, StockDocument, StockLine
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs_its, transaction
from views.counter import status_of
from views.frame import Page
from workflow.stock import document_lists, documents
from workflow.stock.document_lists import DocumentRow


class DocumentView(Page):
    """Documents of `kinds`. Forms carry the version that the page showed; who looks at an older one changes nothing.

    A view of one kind names its permissions and template folder and says how a head is drafted, a line added and the
    document closed. Its templates extend those of `documents/`.
    """

    default_view = "list"
    group = N_("Stock")
    kinds: ClassVar[tuple[DocumentKind, ...]]
    #: One of these reads, one of these writes.
    readers: ClassVar[tuple[Permission, ...]] = (Permission.READ_STOCK,)
    writers: ClassVar[tuple[Permission, ...]]
    folder: ClassVar[str]
    #: What the head's form asks besides `on`, by name; and what a line's form asks.
    head_fields: ClassVar[tuple[str, ...]]
    line_fields: ClassVar[tuple[str, ...]] = ("category", "prefix", "first", "quantity")
    new_title: ClassVar[str]

    @abstractmethod
    def draft(
        self, session: Session, document: StockDocument | None, version: int | None, **head: Any
    ) -> StockDocument:
        """Start a document, or change the head of an open one."""

    @abstractmethod
    def line(
        self, session: Session, document: StockDocument, version: int | None, **values: Any
    ) -> Sequence[StockLine]:
        """Put what the line's form says on the document; returns the lines made."""

    @abstractmethod
    def finish(self, session: Session, document: StockDocument, version: int | None) -> str:
        """What the button "Close document" does; returns the sentence that tells it."""

    def first_head(self) -> dict[str, str]:
        """What the form of a new head shows at first, besides today."""
        return {}

    def head_of(self, row: DocumentRow) -> dict[str, Any]:
        """What the head's form shows for an open document, besides date, reference and remarks."""
        return {}

    def head_choices(self, session: Session) -> dict[str, Any]:
        """What the head's form offers, for the template."""
        return {}

    def more(self, session: Session, row: DocumentRow) -> dict[str, Any]:
        """What the document's page shows besides head, lines and booklets, for the template."""
        return {}

    def list_more(self, session: Session) -> dict[str, Any]:
        """What the list shows besides pending and closed documents, for the template."""
        return {}

    @expose("/")
    @needs_its("readers")
    def list(self) -> ResponseReturnValue:
        """Documents that are pending, and those closed lately."""
        before = number_of(request.args.get("before"))
        with transaction() as session:
            pending = document_lists.pending(session, current_actor(), *self.kinds)
            closed, following = document_lists.closed(session, current_actor(), *self.kinds, before=before)
            more = self.list_more(session)
        return self._page(
            "list",
            _(self.screen),
            pending=pending,
            closed=closed,
            following=following,
            paged=before is not None,
            **more,
        )

    @expose("/new")
    @needs_its("writers")
    def new(self) -> ResponseReturnValue:
        """The head of a new document."""
        kept = current_actor().warehouse_code or ""
        today = local_date(utc_now()).isoformat()
        given = {name: value for name, value in self.first_head().items() if value}
        return self._head({"on": today, "warehouse": kept, **given})

    @expose("/new", methods=["POST"])
    @needs_its("writers")
    def create(self) -> ResponseReturnValue:
        """Start the document."""
        try:
            with transaction() as session:
                number = self.draft(session, None, None, **self._head_values()).id
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._head(request.form, refusal=refusal)
        return redirect(url_for(".show", number=number), 303)

    @expose("/<int:number>")
    @needs_its("readers")
    def show(self, number: int) -> ResponseReturnValue:
        """The document: head, lines, booklets."""
        return self.document_page(number)

    @expose("/<int:number>/edit")
    @needs_its("writers")
    def edit(self, number: int) -> ResponseReturnValue:
        """The head of an open document."""
        with transaction() as session:
            row = document_lists.row(session, number, current_actor(), *self.kinds)
        if not row.is_open:
            return redirect(url_for(".show", number=number))
        values = {"on": row.on.isoformat(), "reference": row.reference or "", "remarks": row.remarks or ""}
        return self._head({**values, "version": str(row.version), **self.head_of(row)}, number)

    @expose("/<int:number>/edit", methods=["POST"])
    @needs_its("writers")
    def change(self, number: int) -> ResponseReturnValue:
        """Change the head."""
        try:
            with transaction() as session:
                self.draft(session, self.found(session, number), version_seen(), **self._head_values())
        except BadValue as refusal:
            return self._head(request.form, number, refusal)
        return self.back(_("Document %(number)s was changed.", number=number), url=url_for(".show", number=number))

    @expose("/<int:number>/lines", methods=["POST"])
    @needs_its("writers")
    def add_line(self, number: int) -> ResponseReturnValue:
        """Add booklets; a refusal is told at its field, with what was typed."""
        try:
            with transaction() as session:
                made = self.line(session, self.found(session, number), version_seen(), **self._line_values())
                added = ", ".join(f"{line.first_number}–{line.last_number}" for line in made[:10])
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self.document_page(number, refusal)
        return self.back(_("Added: %(ranges)s.", ranges=added), url=url_for(".show", number=number))

    @expose("/<int:number>/lines/<int:line>/drop", methods=["POST"])
    @needs_its("writers")
    def drop_line(self, number: int, line: int) -> ResponseReturnValue:
        """Take a range off."""
        with transaction() as session:
            document = self.found(session, number)
            documents.drop_line(session, document, line, current_actor(), *self.writers, version=version_seen())
        return self.back(_("The line was taken off."), url=url_for(".show", number=number))

    @expose("/<int:number>/delete", methods=["POST"])
    @needs_its("writers")
    def delete(self, number: int) -> ResponseReturnValue:
        """Delete a draft."""
        with transaction() as session:
            document = self.found(session, number)
            documents.drop_draft(session, document, current_actor(), *self.writers, version=version_seen())
        return self.back(_("Draft %(number)s was deleted.", number=number))

    @expose("/<int:number>/close", methods=["POST"])
    @needs_its("writers")
    def close(self, number: int) -> ResponseReturnValue:
        """Cierre: what the document says is so, for good."""
        with transaction() as session:
            said = self.finish(session, self.found(session, number), version_seen())
        return self.back(said, url=url_for(".show", number=number))

    def found(self, session: Session, number: int) -> StockDocument:
        """The document of that number and one of our kinds, or `NotFound`."""
        return documents.find(session, number, current_actor(), *self.kinds)

    def document_page(self, number: int, refusal: DomainError | None = None, **values: Any) -> ResponseReturnValue:
        """The document's page; `refusal` is told at its field, with what was typed."""
        start = max(1, number_of(request.args.get("from")) or 1)
        with transaction() as session:
            row = document_lists.row(session, number, current_actor(), *self.kinds)
            lines, categories = document_lists.lines(session, number), document_lists.categories(session)
            more = self.more(session, row)
        title = _("Document No. %(number)s", number=number)
        shown = [*document_lists.listed(lines, start)]
        page = self._page(
            "document", title, (title, None), document=row, lines=lines, shown=shown,
            size=document_lists.BOOKLETS_PAGE, start=start, categories=categories, refusal=refusal,
            typed=request.form, **{**more, **values},
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _head(
        self, typed: Mapping[str, Any], number: int | None = None, refusal: DomainError | None = None
    ) -> ResponseReturnValue:
        with transaction() as session:
            choices = self.head_choices(session)
        title = _(self.new_title) if number is None else _("Head of document %(number)s", number=number)
        page = self._page("form", title, (title, None), typed=typed, number=number, refusal=refusal, **choices)
        return make_response(page, status_of(refusal))

    def _page(self, template: str, title: str, *more: Any, **values: Any) -> ResponseReturnValue:
        may_write = current_actor().may(*self.writers)
        return self.page(f"{self.folder}/{template}.html", title, *more, may_write=may_write, **values)

    def _head_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in self.head_fields}
        try:
            return {"on": dt.date.fromisoformat(request.form.get("on", "").strip()), **values}
        except ValueError:
            raise BadValue(N_("This is not a date."), field="on") from None

    def _line_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {name: request.form.get(name, "").strip() for name in self.line_fields}
        for name in ("first", "quantity"):
            if name in values:
                number = number_of(values[name])
                if number is None:
                    raise BadValue(N_("Type a number, digits alone."), field=name)
                values[name] = number
        return values


def number_of(text: str | None) -> int | None:
    """`text` as a whole number of at most nine digits; None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else None


def version_seen() -> int:
    """The version that the page had shown; 400 without one."""
    version = number_of(request.form.get("version"))
    return abort(400) if version is None else version
