"""Day closings: a warehouse counted at the end of the day, signed by one person, closed by another."""

import datetime as dt
from typing import Any

from flask import Response, abort, current_app, flash, jsonify, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import force_locale, gettext, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import utc_now
from models.catalogs import Warehouse
from models.clock import local_date
from models.closings import DayClosing
from models.text import N_
from printing.papers import draw
from security.errors import BadValue, DomainError
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.counter import status_of
from views.documents import number_of, version_seen
from views.frame import Page
from workflow.stock import closing_counts, closing_figures, closing_minutes, closing_reads, closings, document_lists
from workflow.stock.closing_counts import Counted
from workflow.stock.serials import read_runs, runs_text

READ, WRITE = closings.READ, Permission.CLOSE_DAYS
TITLES = {"COUNTED": N_("Counted numbers"), "MISSING": N_("Missing numbers"), "SURPLUS": N_("Surplus numbers")}


class ClosingView(Page):
    """Forms carry the version that the page showed, but for counting: counting a number twice changes nothing."""

    route_base = "/closings"
    default_view = "list"
    group = N_("Stock")
    screen = N_("Day closings")

    @expose("/")
    @needs(*READ)
    def list(self) -> ResponseReturnValue:
        """Closings under way, warehouses that wait for one today, closings done."""
        return self._list()

    @expose("/", methods=["POST"])
    @needs(WRITE)
    def start(self) -> ResponseReturnValue:
        """Begin to count a warehouse."""
        try:
            with transaction() as session:
                warehouse = request.form.get("warehouse", "")
                number = closings.start_closing(session, current_actor(), warehouse=warehouse, on=_day()).id
        except BadValue as refusal:
            return self._list(refusal)
        return redirect(url_for(".show", number=number), 303)

    @expose("/<int:number>")
    @needs(*READ)
    def show(self, number: int) -> ResponseReturnValue:
        """The closing: its figures, what differs, and what is to be done next."""
        return self._closing(number)

    @expose("/<int:number>/ranges/<kind>")
    @needs(*READ)
    def ranges(self, number: int, kind: str) -> ResponseReturnValue:
        """All counted, missing or surplus numbers, a page at a time."""
        if kind not in closing_reads.KINDS:
            abort(404)
        after = _after()
        with transaction() as session:
            row = closing_reads.row(session, number, current_actor())
            page = closing_reads.ranges(session, closings.find(session, number, current_actor()), kind, after)
        title, here = _(TITLES[kind]), url_for(".ranges", number=number, kind=kind)
        return self.page(
            "closings/ranges.html", title, (_name(number), url_for(".show", number=number)), (title, None),
            closing=row, kind=kind, page=page, first_url=here if after else None, may_write=current_actor().may(WRITE),
            next_url=f"{here}?after={page.following.first_number}" if page.following else None,
        )  # fmt: skip

    @expose("/<int:number>/count", methods=["POST"])
    @needs(WRITE)
    def count(self, number: int) -> ResponseReturnValue:
        """Count what was typed or scanned. The page's script asks for JSON and goes on scanning."""
        scripted = request.accept_mimetypes.best == "application/json"
        try:
            with transaction() as session:
                closing = closings.find(session, number, current_actor())
                done = closing_counts.add_count(
                    session, closing, current_actor(), numbers=request.form.get("numbers", "")
                )
        except DomainError as refusal:
            if scripted:
                return jsonify(kind="danger", text=_say(refusal)), refusal.status
            if refusal.field is None:
                raise
            return self._closing(number, refusal)
        kind = "success" if done.changed and not done.already else "warning"
        if scripted:
            return jsonify(kind=kind, text=_told(done))
        return self.back(_told(done), kind, url_for(".show", number=number))

    @expose("/<int:number>/take-off", methods=["POST"])
    @needs(WRITE)
    def take_off(self, number: int) -> ResponseReturnValue:
        """Count numbers no longer."""
        with transaction() as session:
            done = closing_counts.take_off(
                session, closings.find(session, number, current_actor()), current_actor(),
                numbers=request.form.get("numbers", ""), version=version_seen(),
            )  # fmt: skip
        if done.already:
            flash(_("Not counted anyway: %(ranges)s.", ranges=runs_text(done.already)), "warning")
        said = _("Taken off: %(ranges)s.", ranges=runs_text(done.changed)) if done.changed else None
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/sign", methods=["POST"])
    @needs(WRITE)
    def sign(self, number: int) -> ResponseReturnValue:
        """The first person signs; a difference without a reason is refused at its field."""
        try:
            with transaction() as session:
                closing = closings.find(session, number, current_actor())
                reason = request.form.get("reason", "")
                closings.sign_closing(session, closing, current_actor(), reason=reason, version=version_seen())
        except BadValue as refusal:
            return self._closing(number, refusal)
        said = _("Day closing %(number)s is signed; a second person closes it.", number=number)
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/give-back", methods=["POST"])
    @needs(WRITE)
    def give_back(self, number: int) -> ResponseReturnValue:
        """Let it be counted again."""
        with transaction() as session:
            closing = closings.find(session, number, current_actor())
            closings.give_back(session, closing, current_actor(), version=version_seen())
        said = _("Day closing %(number)s is being counted again.", number=number)
        return self.back(said, url=url_for(".show", number=number))

    @expose("/<int:number>/close", methods=["POST"])
    @needs(WRITE)
    def close(self, number: int) -> ResponseReturnValue:
        """The second person closes it, for good."""
        try:
            with transaction() as session:
                closing = closings.find(session, number, current_actor())
                alone = "alone" in request.form
                closings.close_closing(session, closing, current_actor(), alone=alone, version=version_seen())
        except BadValue as refusal:
            return self._closing(number, refusal)
        return self.back(_("Day closing %(number)s was closed.", number=number), url=url_for(".show", number=number))

    @expose("/<int:number>/delete", methods=["POST"])
    @needs(WRITE)
    def delete(self, number: int) -> ResponseReturnValue:
        """Delete a closing that is being counted."""
        with transaction() as session:
            closing = closings.find(session, number, current_actor())
            closings.drop_closing(session, closing, current_actor(), version=version_seen())
        return self.back(_("Day closing %(number)s was deleted.", number=number))

    @expose("/<int:number>/minutes")
    @needs(*READ)
    def minutes(self, number: int) -> ResponseReturnValue:
        """The minutes as a PDF, in Spanish whoever asks."""
        with transaction() as session, force_locale("es"):
            paper = closing_minutes.closing_minutes(session, number, current_actor(), gettext)
        answer = Response(draw(paper), mimetype="application/pdf")
        answer.headers["Content-Disposition"] = f'inline; filename="cierre-{number}.pdf"'
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    def _list(self, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor, today = current_actor(), local_date(utc_now())
        before, chosen = number_of(request.args.get("before")), request.args.get("warehouse") or None
        with transaction() as session:
            pending = closing_reads.pending(session, actor)
            closed, following = closing_reads.closed(session, actor, warehouse=chosen, before=before)
            places = document_lists.warehouses(session, actor)
            waiting = closing_reads.not_closed(session, actor, today)
        page = self.page(
            "closings/list.html", _("Day closings"), pending=pending, closed=closed, following=following,
            paged=before is not None, chosen=chosen, warehouses=[(place.code, place.name) for place in places],
            waiting=waiting, today=today, may_write=actor.may(WRITE), refusal=refusal,
            typed=request.form or {"warehouse": actor.warehouse_code},
        )  # fmt: skip
        return make_response(page, status_of(refusal))

    def _closing(self, number: int, refusal: DomainError | None = None) -> ResponseReturnValue:
        actor = current_actor()
        with transaction() as session:
            closing = closings.find(session, number, actor)
            row, values = closing_reads.row(session, number, actor), _read(session, closing)
        page = self.page(
            "closings/closing.html", _name(number), (_name(number), None), closing=row,
            own=row.signed_by_id == actor.user_id, may_write=actor.may(WRITE), refusal=refusal, typed=request.form,
            **values,
        )  # fmt: skip
        return make_response(page, status_of(refusal))


def _read(session: Session, closing: DayClosing) -> dict[str, Any]:
    """What the page of a closing shows besides its head."""
    figures = closing_figures.figures(session, closing)
    ranges, booklets = closing_reads.counted(session, closing)
    place = session.get_one(Warehouse, closing.warehouse_code)
    return {
        "figures": figures,
        "differences": closing_reads.differences(session, closing, figures),
        "counted": closing_figures.numbers(session, closing, "COUNTED", closing_reads.COUNTED_SHOWN),
        "counted_ranges": ranges,
        "counted_booklets": booklets,
        "mode": closings.two_people(session, place),
    }


def _name(number: int) -> str:
    return str(_("Day closing %(number)s", number=number))


def _told(done: Counted) -> str:
    """What an entry of the count did, in a sentence or two."""
    said = []
    if done.changed:
        said.append(
            ngettext("%(num)d booklet counted: %(ranges)s.", "%(num)d booklets counted: %(ranges)s.",
                     done.booklets, ranges=runs_text(done.changed))
        )  # fmt: skip
    if done.already:
        said.append(_("Counted already: %(ranges)s.", ranges=runs_text(done.already)))
    return " ".join(said)


def _say(refusal: DomainError) -> str:
    return str(current_app.jinja_env.globals["say"](refusal))  # type: ignore[operator]


def _day() -> dt.date:
    try:
        return dt.date.fromisoformat(request.form.get("on", "").strip())
    except ValueError:
        raise BadValue(N_("This is not a date."), field="on") from None


def _after() -> Any:
    """The range that the page before ended with; 400 for what is no number."""
    text = request.args.get("after")
    try:
        return read_runs(text)[0] if text else None
    except (BadValue, IndexError):
        abort(400)


VIEWS = (ClosingView,)
