"""Lost or stolen documents: the list for SLTD, its batches, the reports of losses and what was found again."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from models.base import utc_now
from models.clock import local_date
from models.lost_documents import KIND_LABELS, STATUS_LABELS
from models.text import N_
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.documents import number_of
from views.frame import Page
from workflow import sltd, sltd_batches
from workflow.sltd import Entry, Filters
from workflow.stock import losses
from workflow.stock.serials import read_runs, runs_of, runs_text

FACTS = ("kind", "lost_on", "country", "place", "police_reference", "remarks")
#: Ranges of a report that its page shows.
SHOWN = 40


class LostDocumentView(Page):
    """Not in the manual."""

    route_base = "/lost-documents"
    default_view = "list"
    group = N_("Stock")
    screen = N_("Lost or stolen documents")

    @expose("/")
    @needs(Permission.READ_LOST_DOCUMENTS)
    def list(self) -> ResponseReturnValue:
        """The list, filtered, the latest entries first."""
        typed = {name: request.args.get(name, "").strip()[:16] for name in Filters.__dataclass_fields__}
        before = number_of(request.args.get("before"))
        entries: tuple[list[Entry], int | None] = ([], None)
        refusal, actor = None, current_actor()
        with transaction() as session:
            waiting = sltd_batches.to_send(session)
            try:
                entries = sltd.entries(session, actor, Filters(**typed), before)
            except BadValue as wrong:
                refusal = wrong
        page = self._tab(
            "list", entries=entries[0], following=entries[1], paged=before is not None, typed=typed, refusal=refusal,
            waiting=waiting, stages=_said(sltd.STAGE_LABELS), statuses=_said(STATUS_LABELS),
            may_export=actor.may(Permission.EXPORT_LOST_DOCUMENTS), asked={k: v for k, v in typed.items() if v},
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    @expose("/exports", methods=["POST"])
    @needs(Permission.EXPORT_LOST_DOCUMENTS)
    def export(self) -> ResponseReturnValue:
        """Put all that is to be sent into a batch."""
        with transaction() as session:
            number = sltd_batches.make_batch(session, current_actor()).id
        return self.back(_("Batch %(number)s was made: take its files.", number=number), url=url_for(".exports"))

    @expose("/exports")
    @needs(Permission.READ_LOST_DOCUMENTS)
    def exports(self) -> ResponseReturnValue:
        """The batches."""
        before, actor = number_of(request.args.get("before")), current_actor()
        with transaction() as session:
            batches, following = sltd_batches.batches(session, actor, before)
        return self._tab(
            "exports", batches=batches, following=following, paged=before is not None, formats=sltd_batches.FORMATS,
            may_export=actor.may(Permission.EXPORT_LOST_DOCUMENTS),
        )  # fmt: skip

    @expose("/exports/<int:number>/<part>.<kind>")
    @needs(Permission.EXPORT_LOST_DOCUMENTS)
    def file(self, number: int, part: str, kind: str) -> ResponseReturnValue:
        """One file of a batch, the same whenever it is taken."""
        with transaction() as session:
            name, data = sltd_batches.file_of(session, current_actor(), number, part, kind)
        answer = Response(data, content_type=sltd_batches.FORMATS[kind])
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    @expose("/reports")
    @needs(Permission.READ_LOST_DOCUMENTS)
    def reports(self) -> ResponseReturnValue:
        """What was reported."""
        before = number_of(request.args.get("before"))
        with transaction() as session:
            rows, following = sltd.reports(session, current_actor(), before)
        return self._tab("reports", rows=rows, following=following, paged=before is not None, kinds=_words(KIND_LABELS))

    @expose("/reports/<int:number>")
    @needs(Permission.READ_LOST_DOCUMENTS)
    def report(self, number: int) -> ResponseReturnValue:
        """One report, with the booklets that are still lost."""
        actor = current_actor()
        with transaction() as session:
            row = sltd.report_called(session, actor, number)
            standing = runs_of(sltd.numbers_of(session, number, losses.AT_MOST))
        title = _("Loss report %(number)s", number=number)
        open_to_me = row.report.confirmed_at is None and row.report.reported_by_id != actor.user_id
        return self.page(
            "lost_documents/report.html", title, (_("Loss reports"), url_for(".reports")), (title, None), row=row,
            kinds=_words(KIND_LABELS), standing=sum(run.quantity for run in standing),
            ranges=runs_text(standing, SHOWN), may_confirm=open_to_me and actor.may(Permission.VOID_BOOKLETS),
            may_find=bool(standing) and actor.may(Permission.REACTIVATE_BOOKLETS),
        )  # fmt: skip

    @expose("/reports/<int:number>/confirm", methods=["POST"])
    @needs(Permission.VOID_BOOKLETS)
    def confirm(self, number: int) -> ResponseReturnValue:
        """The second person confirms."""
        with transaction() as session:
            losses.confirm(session, current_actor(), number)
        return self.back(
            _("Loss report %(number)s was confirmed.", number=number), url=url_for(".report", number=number)
        )

    @expose("/new")
    @needs(Permission.VOID_BOOKLETS)
    def new(self) -> ResponseReturnValue:
        """The form of a report."""
        asked = {name: request.args.get(name, "")[:200] for name in ("numbers", "kind")}
        return self._new({"lost_on": local_date(utc_now()).isoformat(), "country": "GTM", **asked})

    @expose("/new", methods=["POST"])
    @needs(Permission.VOID_BOOKLETS)
    def create(self) -> ResponseReturnValue:
        """Block them at once, all or none."""
        form = request.form
        try:
            runs = read_runs(form.get("numbers", ""))
            with transaction() as session:
                made = losses.report(
                    session, current_actor(), runs, **{name: form.get(name, "").strip() for name in FACTS}
                )
                number, count = made.id, made.booklets
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._new(form, refusal)
        said = ngettext(
            "%(num)d booklet was blocked by loss report %(number)s.",
            "%(num)d booklets were blocked by loss report %(number)s.", count, number=number,
        )  # fmt: skip
        may_read = current_actor().may(Permission.READ_LOST_DOCUMENTS)
        return self.back(said, url=url_for(".report", number=number) if may_read else url_for(".new"))

    @expose("/found")
    @needs(Permission.REACTIVATE_BOOKLETS)
    def finding(self) -> ResponseReturnValue:
        """The form for what was found again."""
        return self._finding({"numbers": request.args.get("numbers", "")[:200]})

    @expose("/found", methods=["POST"])
    @needs(Permission.REACTIVATE_BOOKLETS)
    def find(self) -> ResponseReturnValue:
        """Bring them back, all or none."""
        try:
            runs = read_runs(request.form.get("numbers", ""))
            with transaction() as session:
                count = losses.bring_back(session, current_actor(), runs, remarks=request.form.get("remarks", ""))
        except DomainError as refusal:
            if refusal.field is None:
                raise
            return self._finding(request.form, refusal)
        said = ngettext(
            "%(num)d booklet is back and withdrawn from the list.",
            "%(num)d booklets are back and withdrawn from the list.", count,
        )  # fmt: skip
        return self.back(said, url=url_for(".finding"))

    def _new(self, typed: Mapping[str, Any], refusal: DomainError | None = None) -> ResponseReturnValue:
        with transaction() as session:
            countries = [(country.code, country.name) for country in losses.countries(session)]
        title = _("Report a loss or theft")
        page = self.page(
            "lost_documents/new.html", title, (title, None), typed=typed, refusal=refusal, countries=countries,
            kinds=_said(KIND_LABELS), most=losses.AT_MOST, today=local_date(utc_now()).isoformat(),
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _finding(self, typed: Mapping[str, Any], refusal: DomainError | None = None) -> ResponseReturnValue:
        title = _("Found again")
        page = self.page("lost_documents/found.html", title, (title, None), typed=typed, refusal=refusal)
        return make_response(page, status_of(refusal))

    def _tab(self, name: str, **values: Any) -> ResponseReturnValue:
        actor = current_actor()
        tabs = [
            (_("Documents"), url_for(".list"), name == "list", None),
            (_("Loss reports"), url_for(".reports"), name == "reports", None),
            (_("Batches for INTERPOL"), url_for(".exports"), name == "exports", None),
        ]
        return self.page(
            f"lost_documents/{name}.html", _(self.screen), tabs=tabs, stage_words=_words(sltd.STAGE_LABELS),
            status_words=_words(STATUS_LABELS), may_report=actor.may(Permission.VOID_BOOKLETS),
            may_find=actor.may(Permission.REACTIVATE_BOOKLETS), **values,
        )  # fmt: skip


def _said(labels: Mapping[Any, str]) -> Any:
    """The words of `labels` as a list offers them."""
    return [(str(code), _(label)) for code, label in labels.items()]


def _words(labels: Mapping[Any, str]) -> dict[str, str]:
    return dict(_said(labels))


VIEWS = (LostDocumentView,)
