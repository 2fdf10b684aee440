"""Watch lists: what is loaded, files loaded with a preview first, and the entries for who may see them."""

from typing import Any

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.text import N_
from models.watch_lists import WatchListLoad
from security.errors import DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.frame import Page
from views.queues import asked
from workflow.labels import usernames
from workflow.watch_lists import entries, loading
from workflow.watch_lists.rows import COLUMNS

READ, LOAD = Permission.READ_WATCH_LISTS, Permission.LOAD_WATCH_LISTS
SHOWN = 20


class WatchListView(Page):
    """A file changes nothing until it was confirmed on the page that says what it will change."""

    route_base = "/watch-lists"
    default_view = "list"
    group = N_("Security")
    screen = N_("Watch lists")

    @expose("/")
    @needs(READ, LOAD)
    def list(self) -> ResponseReturnValue:
        """The lists there are, files that wait for confirmation, files of before."""
        return self._list()

    @expose("/", methods=["POST"])
    @needs(LOAD)
    def upload(self) -> ResponseReturnValue:
        """Take a file and show what it would change; one with faults is refused, line by line."""
        sent = request.files.get("file")
        list_type, source = (request.form.get(name, "").strip() for name in ("list_type", "source"))
        try:
            with transaction() as session:
                load = loading.prepare(
                    session, current_actor(), sent.read() if sent else b"", (sent.filename if sent else "") or "",
                    list_type=list_type, source=source.upper(),
                )  # fmt: skip
                number = load.id
        except DomainError as refusal:
            return self._list(refusal)
        return self.back(url=url_for(".show", number=number))

    @expose("/<int:number>")
    @needs(READ, LOAD)
    def show(self, number: int) -> ResponseReturnValue:
        """A file: what it changes or changed."""
        with transaction() as session:
            load = loading.load_called(session, number)
            shown = _read(session, [load])
            sample = loading.sample(load)
        title = _("File %(number)s", number=number)
        return self._page("load", title, (title, None), load=load, sample=sample, **shown)

    @expose("/<int:number>/confirm", methods=["POST"])
    @needs(LOAD)
    def confirm(self, number: int) -> ResponseReturnValue:
        """Load a file that was looked at."""
        with transaction() as session:
            load = loading.confirm(session, current_actor(), number)
        said = ngettext("The list has %(num)d entry now.", "The list has %(num)d entries now.", load.entries)
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/discard", methods=["POST"])
    @needs(LOAD)
    def discard(self, number: int) -> ResponseReturnValue:
        """Forget a file that was not loaded."""
        with transaction() as session:
            loading.discard(session, current_actor(), number)
        return self.back(_("The file was discarded."))

    @expose("/<int:number>/withdraw", methods=["POST"])
    @needs(LOAD)
    def withdraw(self, number: int) -> ResponseReturnValue:
        """Take the whole list away."""
        with transaction() as session:
            loading.withdraw(session, current_actor(), number)
        return self.back(_("The list was withdrawn."), url=url_for(".show", number=number))

    @expose("/entries")
    @needs(READ)
    def entries(self) -> ResponseReturnValue:
        """Entries by CUI, document or names."""
        typed = asked("q")
        with transaction() as session:
            found = entries.find(session, current_actor(), typed) if typed else []
        title = _("Entries of the lists")
        return self._page("entries", title, (title, None), typed=typed, found=found, most=entries.MOST)

    @expose("/entries/<int:number>")
    @needs(READ)
    def entry(self, number: int) -> ResponseReturnValue:
        """One entry, as a finding names it."""
        with transaction() as session:
            row = entries.entry(session, current_actor(), number)
        title = _("Entry %(number)s", number=number)
        return self._page("entry", title, (title, None), row=row)

    def _list(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            current, waiting = loading.loads(session, ["CURRENT"], 500), loading.loads(session, ["PREPARED"], SHOWN)
            former = loading.loads(session, ["REPLACED", "WITHDRAWN"], SHOWN)
            shown = _read(session, [*current, *waiting, *former])
            types = entries.list_types(session)
        faults = refusal.faults if isinstance(refusal, loading.BadFile) else []
        page = self._page(
            "list", _(str(self.screen)), current=current, waiting=waiting, former=former, types=types,
            typed=request.form, refusal=refusal, faults=faults, most_faults=loading.MOST_FAULTS,
            columns=", ".join(COLUMNS), **shown,
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _page(self, template: str, title: str, *more: Any, **values: Any) -> ResponseReturnValue:
        actor = current_actor()
        may = {"may_load": actor.may(LOAD), "may_read": actor.may(READ)}
        return self.page(f"watch_lists/{template}.html", title, *more, **may, **values)


def _read(session: Session, loads: "list[WatchListLoad]") -> dict[str, Any]:
    """Names for the codes and people of loads."""
    people = [each for load in loads for each in (load.prepared_by_id, load.loaded_by_id, load.ended_by_id)]
    return {"users": usernames(session, people), "type_names": dict(entries.list_types(session, every=True))}


VIEWS = (WatchListView,)
