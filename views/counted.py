"""The pages of stock documents that two people count: one signs, another one types his count and closes (module 9)."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, ClassVar

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.stock import DocumentKind, DocumentState, StockDocument, StockLine
from models.text import N_
from security.errors import BadValue
from security.permissions import Permission
from views.access import current_actor, needs_its, transaction
from views.documents import DocumentView, number_of, version_seen
from workflow.stock import destruction, document_lists, draft_lines, issue_papers, issues
from workflow.stock.document_lists import DocumentRow
from workflow.stock.printers import PRINTS
from workflow.stock.serials import read_runs

PEOPLE = (issues.KEEP, *PRINTS)
READERS = (Permission.READ_STOCK, *PRINTS)
#: The pages of module 9: address, label, who reads them.
PAGES = (
    ("IssueView.list", N_("Issues"), READERS),
    ("ReturnView.list", N_("Returns"), READERS),
    ("IssueView.hands", N_("Who holds what"), READERS),
    ("DestructionView.list", N_("Destructions"), (Permission.READ_STOCK,)),
)
VIEW_OF = {
    DocumentKind.SALIDA: "IssueView",
    DocumentKind.DEVOLUCION: "ReturnView",
    DocumentKind.DESTRUCCION: "DestructionView",
}


class CountedView(DocumentView):
    """A document that one person signs and another one counts and closes; `acts` is the module that does it."""

    group = N_("Stock")
    folder = "issues"
    #: Who may be one of the two.
    people: ClassVar[tuple[Permission, ...]]
    #: Who keeps what the documents are of.
    keeps: ClassVar[Permission]
    acts: ClassVar[ModuleType]
    line_fields = ("numbers",)

    @expose("/<int:number>/lines/<int:line>/drop", methods=["POST"])
    @needs_its("writers")
    def drop_line(self, number: int, line: int) -> ResponseReturnValue:
        """Take a range off."""
        with transaction() as session:
            self.acts.drop_line(session, self.found(session, number), line, current_actor(), version=version_seen())
        return self.back(_("The line was taken off."), url=url_for(".show", number=number))

    @expose("/<int:number>/delete", methods=["POST"])
    @needs_its("writers")
    def delete(self, number: int) -> ResponseReturnValue:
        """Delete a draft."""
        with transaction() as session:
            self.acts.drop_draft(session, self.found(session, number), current_actor(), version=version_seen())
        return self.back(_("Draft %(number)s was deleted.", number=number))

    @expose("/<int:number>/confirm", methods=["POST"])
    @needs_its("people")
    def confirm(self, number: int) -> ResponseReturnValue:
        """The second person typed his count; one that differs is told at its field."""
        try:
            with transaction() as session:
                counted = number_of(request.form.get("counted", "").strip())
                if counted is None:
                    raise BadValue(N_("Type a number, digits alone."), field="counted")
                moved = self.acts.confirm(
                    session, self.found(session, number), current_actor(), counted=counted, version=version_seen()
                )
        except BadValue as refusal:
            return self.document_page(number, refusal)
        said = ngettext(
            "Document %(number)s was closed with %(num)d booklet.",
            "Document %(number)s was closed with %(num)d booklets.",
            moved,
            number=number,
        )
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/give-back", methods=["POST"])
    @needs_its("people")
    def give_back(self, number: int) -> ResponseReturnValue:
        """The signed document is a draft again."""
        with transaction() as session:
            self.acts.give_back(session, self.found(session, number), current_actor(), version=version_seen())
        return self.back(_("Document %(number)s is a draft again.", number=number), url=url_for(".show", number=number))

    @expose("/<int:number>/minutes.pdf")
    @needs_its("readers")
    def minutes(self, number: int) -> ResponseReturnValue:
        """The minutes of a closed document."""
        with transaction() as session:
            self.found(session, number)
            answer = Response(issue_papers.minutes(session, number, current_actor()), mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="{number}.pdf"'
        return answer

    def line(
        self, session: Session, document: StockDocument, version: int | None, **values: Any
    ) -> Sequence[StockLine]:
        before = {line.id for line in document.lines}
        self.add(session, document, version, **values)
        return [line for line in document.lines if line.id not in before]

    def add(self, session: Session, document: StockDocument, version: int | None, **values: Any) -> int:
        """Put booklets on the draft as the form says."""
        added: int = self.acts.add_runs(
            session, document, current_actor(), read_runs(values["numbers"]), version=version
        )
        return added

    def finish(self, session: Session, document: StockDocument, version: int | None) -> str:
        self.acts.sign(session, document, current_actor(), version=version)
        return str(_("You signed document %(number)s. Now the second person counts and closes it.", number=document.id))

    def more(self, session: Session, row: DocumentRow) -> dict[str, Any]:
        actor, signed = current_actor(), row.state == DocumentState.POR_CONFIRMAR
        writes = self.acts.writes(session, row, actor)
        return {
            "may_write": writes,
            "counts": self.acts.may_confirm(session, row, actor),
            "gives_back": signed and (writes or row.printer_id == actor.user_id),
            "most_lines": draft_lines.MOST_LINES,
        }

    def list_more(self, session: Session) -> dict[str, Any]:
        actor = current_actor()
        kept = document_lists.warehouses(session, actor) if actor.may(self.keeps) else []
        return {
            "tabs": tabs(),
            "waiting": [(VIEW_OF[row.kind], row) for row in _waiting(session)],
            "kept": {place.code for place in kept},
            "me": actor.user_id,
        }

    def _page(self, template: str, title: str, *more: Any, **values: Any) -> ResponseReturnValue:
        values.setdefault("may_write", current_actor().may(*self.writers))
        return self.page(f"{self.folder}/{template}.html", title, *more, kind=self.kinds[0], **values)


def tabs() -> list[tuple[str, str, bool, None]]:
    """The pages of module 9 that the actor may open, for `ui.link_tabs`."""
    return [
        (_(label), url_for(page), request.endpoint == page, None)
        for page, label, readers in PAGES
        if current_actor().may(*readers)
    ]


def _waiting(session: Session) -> list[DocumentRow]:
    """The signed documents that wait for the actor's count."""
    actor = current_actor()
    found = issues.to_confirm(session, actor)
    return found + (destruction.to_confirm(session, actor) if actor.may(destruction.WRITE) else [])


def booklets_added(booklets: int) -> str:
    """What is said after booklets were put on a draft."""
    if not booklets:
        return str(_("There was nothing more to add."))
    return str(ngettext("%(num)d booklet was added.", "%(num)d booklets were added.", booklets))
