"""Files of reports: asked for, awaited, taken, asked for again as of then; and the schedules that ask by themselves."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, jsonify, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import force_locale, gettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import SessionLocal
from models.report_runs import PERIOD_LABELS, RUN_LABELS, ReportRun, RunFormat, RunState
from models.text import N_
from reports import execution, presenting, reading, runs, schedules
from reports.asking import ask, question
from reports.catalogue import EVERY, report_called
from reports.declaration import Asked
from reports.making import Limits, Press, make
from reports.names import read_names
from reports.presenting import Translate
from reports.runs import number_of
from security.actor import Actor
from security.errors import BadValue, NotFound
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Page
from views.report_forms import READERS, asked_format, asked_moment, language, number_below, refuse_lacking, typed_for
from workflow.thumbnails import thumbnails

#: A PDF with pictures of more cases than this is made in the background: each is decoded the first time.
PICTURES_AT_ONCE = 60
MEDIA = {
    RunFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    RunFormat.PDF: "application/pdf",
}


class FileView(Page):
    """The files of reports, by their numbers."""

    route_base = "/reports/files"
    default_view = "list"
    group = N_("Reports")
    screen = N_("My reports")

    @expose("/")
    @needs(*READERS)
    def list(self) -> ResponseReturnValue:
        """The files that the actor asked for and his schedules; another's by its number."""
        actor, before = current_actor(), request.args.get("before", "")
        asked_for = request.args.get("number", "").strip()[:24]
        if asked_for:
            return redirect(url_for(".show", number=asked_for.upper()))
        keys = [key for key, report in EVERY.items() if actor.may(report.permission)]
        with transaction() as session:
            found = runs.of_user(session, actor, number_below(before), reports=keys)
            planned = schedules.of_owner(session, actor)
        more = url_for(".list", before=found[-1].id) if len(found) == runs.PAGE else None
        return self.page(
            "reports/files.html", _("My reports"), found=found, planned=planned, first=before, more=more, **_words()
        )

    @expose("/<key>", methods=["POST"])
    @needs(*READERS)
    def make(self, key: str) -> ResponseReturnValue:
        """Ask for the file of a report: made at once when it is short, else in the background."""
        report, actor = report_called(key), current_actor()
        typed, kind = typed_for(report, request.form), asked_format(request.form.get("format", ""))
        with transaction() as session:
            moment = asked_moment(session, request.form.get("at", ""))
            asked = ask(report, actor, typed, moment)
            refuse_lacking(asked)
            now = _short(session, asked, kind, actor)
            run = runs.ask(
                session, actor, report=report.key, format=kind, filters=asked.settled, as_of=moment,
                language=language(),
            )  # fmt: skip
            _start(session, run, now=now)
        return redirect(url_for(".file" if now else ".show", number=number_of(run)), 303)

    @expose("/<number>")
    @needs(*READERS)
    def show(self, number: str) -> ResponseReturnValue:
        """A file: how far it is, its number and hash, what was asked; to take it or to make it again."""
        actor = current_actor()
        with transaction() as session:
            run = _seen(session, number, actor)
            report = report_called(run.report)
            names = read_names(session, presenting.lists_of(report) | {"site", "user"})
            asked = question(report, run.filters, None if run.sites is None else tuple(run.sites), run.as_of)
            facts = presenting.filter_facts(asked, names, _)
            first = session.get(ReportRun, run.repeats_id) if run.repeats_id else None
        return self.page(
            "reports/file.html", number_of(run), (number_of(run), None), run=run, report=report, facts=facts,
            first=first, who=names["user"].get(run.requested_by_id, ""), mine=run.requested_by_id == actor.user_id,
            has_file=runs.has_file(run), failure=_failure(run), **_words(),
        )  # fmt: skip

    @expose("/<number>/state")
    @needs(*READERS)
    def state(self, number: str) -> ResponseReturnValue:
        """How far a file is, for the page that waits for it."""
        with transaction() as session:
            run = _seen(session, number, current_actor())
        ended = run.state not in (RunState.QUEUED, RunState.RUNNING)
        text = _("%(done)s of %(total)s lines", done=f"{run.lines_done:,}", total=f"{run.lines_total or 0:,}")
        return jsonify(
            state=run.state, label=_(RUN_LABELS[RunState(run.state)]), ended=ended, done=run.lines_done,
            total=run.lines_total, text=text if run.lines_total else "",
        )  # fmt: skip

    @expose("/<number>/file")
    @needs(*READERS)
    def file(self, number: str) -> ResponseReturnValue:
        """The file itself, a piece in memory at a time; taking it is logged."""
        actor = current_actor()
        with transaction() as session:
            run = _seen(session, number, actor)
            if not runs.has_file(run):
                raise NotFound(N_("The file of report %(number)s is no longer kept."), number=number_of(run))
            log_look(session, actor, "report.file", None, run=number_of(run), report=run.report)
            session.flush()
            size, name, media = run.file_size, run.file_name, MEDIA[RunFormat(run.format)]
        response = Response(stream_with_context(_pieces(run)), mimetype=media)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Content-Length"] = str(size)
        return response

    @expose("/<number>/cancel", methods=["POST"])
    @needs(*READERS)
    def cancel(self, number: str) -> ResponseReturnValue:
        """Give up a file that is not made yet; only who asked for it."""
        actor = current_actor()
        with transaction() as session:
            run = _seen(session, number, actor)
            _refuse_others(run, actor)
            runs.cancel(session, run)
        return self.back(_("Report %(number)s is being cancelled.", number=number_of(run)))

    @expose("/<number>/again", methods=["POST"])
    @needs(*READERS)
    def again(self, number: str) -> ResponseReturnValue:
        """Make the same report of the same moment once more: an equal hash proves that nothing was changed since."""
        actor = current_actor()
        with transaction() as session:
            first = _seen(session, number, actor)
            wanted = asked_format(request.form.get("format") or first.format)
            sites = None if first.sites is None else tuple(first.sites)
            asked = question(report_called(first.report), first.filters, sites, first.as_of)
            now = _short(session, asked, wanted, actor)
            run = runs.ask_again(session, actor, first, format=wanted, language=language())
            _start(session, run, now=now)
        return redirect(url_for(".show", number=number_of(run)), 303)

    @expose("/schedules/<int:schedule_id>/<act>", methods=["POST"])
    @needs(*READERS)
    def switch(self, schedule_id: int, act: str) -> ResponseReturnValue:
        """Stop or resume a schedule of one's own."""
        acts = {"off": schedules.switch_off, "on": schedules.switch_on}
        if act not in acts:
            raise NotFound(N_("There is no act called %(name)s."), name=act[:20])
        with transaction() as session:
            acts[act](session, current_actor(), schedule_id)
        return self.back(_("The schedule was stopped.") if act == "off" else _("The schedule goes on."))


def press() -> Press:
    """What makes files in this process."""
    settings = current_app.extensions["settings"]
    limits = Limits(settings.report_pdf_lines, settings.report_picture_lines)
    return Press(SessionLocal.kw["bind"], language_of, thumbnails, limits)


def language_of(code: str) -> Translate:
    """The words of a language, whatever that of the request."""

    def translate(message_id: str) -> str:
        with force_locale(code):
            return str(gettext(message_id))

    return translate


def _short(session: Session, asked: Asked, kind: str, actor: Actor) -> bool:
    """Whether a file is made at once: it has few lines, found soon. Nothing may have been written yet."""
    settings = current_app.extensions["settings"]
    try:
        with reading.in_time(session):
            lines = reading.count(session, asked, cap=settings.report_long_lines)
    except BadValue:
        return False
    pictured = kind == RunFormat.PDF and asked.report.pictures and actor.covers(Permission.SEE_IMAGES, asked.held_to)
    decoding = pictured and PICTURES_AT_ONCE < lines.lines <= settings.report_picture_lines
    return not lines.capped and not decoding


def _start(session: Session, run: ReportRun, *, now: bool) -> None:
    """Make a file now, or leave it to the workers."""
    if not now:
        return runs.enqueue(session, run)
    machine = press()
    execution.make_now(session, run, lambda run, target, noted: make(machine, run, target, noted), kept=kept())


def kept() -> dt.timedelta:
    """How long files are kept."""
    return dt.timedelta(days=current_app.extensions["settings"].report_days)


def _pieces(run: ReportRun) -> Iterator[bytes]:
    """The file, read while it is sent, after the request's own session was given back."""
    with SessionLocal() as session:
        yield from runs.chunks(session, run)


def _seen(session: Session, number: str, actor: Actor) -> ReportRun:
    run_id = runs.run_called(number)
    if run_id is None:
        raise NotFound(N_("There is no report %(number)s."), number=number[:24])
    return runs.run_seen(session, actor, run_id, may)


def may(actor: Actor, key: str) -> bool:
    """Whether `actor` may see the report of that name."""
    return key in EVERY and actor.may(EVERY[key].permission)


def _refuse_others(run: ReportRun, actor: Actor) -> None:
    if run.requested_by_id != actor.user_id:
        raise NotFound(N_("There is no report %(number)s."), number=number_of(run))


def _failure(run: ReportRun) -> str:
    return _(run.failure, **(run.failure_params or {})) if run.failure else ""


def _words() -> dict[str, Any]:
    titles = {key: _(report.title) for key, report in EVERY.items()}
    states = {str(state): _(label) for state, label in RUN_LABELS.items()}
    periods = {str(period): _(label) for period, label in PERIOD_LABELS.items()}
    return {"titles": titles, "states": states, "periods": periods, "number_of": number_of, "has": runs.has_file}
