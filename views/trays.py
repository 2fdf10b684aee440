"""Trays: the next cases of a printing queue with a stack of booklets, one document, one list to accept or refuse."""

import hashlib
from collections.abc import Iterable
from itertools import zip_longest

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_babel import ngettext

from models.text import N_
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.acts import REFUSALS
from views.frame import Crumb, Page
from views.personalisation import VOID_TYPE, at_the_printer, chosen_printer, shown_pdf
from views.queues import start_of
from workflow import fields, stations, trays
from workflow.queues import Queue, site_called
from workflow.trays import Outcome, Wanted
from workflow.typed import number_in

PRINTS = (Permission.PRINT_BOOKLETS, Permission.PRINT_MOBILE)


class TrayView(Page):
    """Batches of modules 2 and 5: cases are taken, shown with their booklets, printed together, then checked off."""

    route_base = "/trays"
    default_view = "start"
    group = N_("Monitoring")

    @expose("/<key>/<site>/")
    @needs(*PRINTS)
    def start(self, key: str, site: str) -> ResponseReturnValue:
        """The user's open trays at a site; the cases he took with their booklets, or the question how many."""
        return self._started(key, site, request.args.get("first", ""))

    @expose("/<key>/<site>/take", methods=["POST"])
    @needs(*PRINTS)
    def take(self, key: str, site: str) -> ResponseReturnValue:
        """Take the next cases; the list with a booklet for each is shown before anything is printed."""
        queue = trays.queue_of_trays(key)
        typed = request.form.get("booklet", "")
        first = number_in(typed) or typed
        count = trays.count_asked(request.form.get("count", "").strip())
        with transaction() as session:
            kind = trays.category_of(session, first)
            cases = trays.take(session, queue, site, current_actor(), category=kind, count=count)
        if not cases:
            flash(_("No case is free here."), "info")
        return redirect(url_for(".start", key=key, site=site, first=first), 303)

    @expose("/<key>/<site>/give-back", methods=["POST"])
    @needs(*PRINTS)
    def give_back(self, key: str, site: str) -> ResponseReturnValue:
        """Let go of the cases that were taken and not printed."""
        with transaction() as session:
            count = trays.give_back(session, trays.queue_of_trays(key), site, current_actor())
        flash(ngettext("%(num)s case waits again.", "%(num)s cases wait again.", count), "success")
        return redirect(url_for("QueueView.queue", key=key, site=site), 303)

    @expose("/<key>/<site>/print", methods=["POST"])
    @needs(*PRINTS)
    def print(self, key: str, site: str) -> ResponseReturnValue:
        """Assign and print what the list says, each case for itself; then the tray."""
        queue = trays.queue_of_trays(key)
        number, outcomes = trays.print_tray(transaction, queue, site, _wanted(), current_actor(), chosen_printer())
        if not any(one.refusal is None for one in outcomes):
            return self._started(key, site, request.form.get("first", ""), outcomes)
        return self._onwards(key, site, number, outcomes)

    @expose("/<key>/<site>/<int:number>")
    @needs(*PRINTS)
    def tray(self, key: str, site: str, number: int) -> ResponseReturnValue:
        """What of a tray is still in printing: its pages, and the list on which each print is accepted or refused."""
        return self._shown(key, site, number)

    @expose("/<key>/<site>/<int:number>/pages.pdf")
    @needs(*PRINTS)
    def document(self, key: str, site: str, number: int) -> ResponseReturnValue:
        """The pages in one document, in the order of the tray; the look keeps its hash."""
        actor = current_actor()
        with transaction() as session:
            pdf, cases = trays.document(session, trays.queue_of_trays(key), site, number, actor)
            digest = hashlib.sha256(pdf).hexdigest()
            log_look(session, actor, "tray.pdf", None, tray=number, sha256=digest, cases=cases)
        return shown_pdf(pdf, f"{site}-{number}")

    @expose("/<key>/<site>/<int:number>/print", methods=["POST"])
    @needs(Permission.RESUME_PRINTS)
    def again(self, key: str, site: str, number: int) -> ResponseReturnValue:
        """Send all pages that are left to the printer again."""
        trays.queue_of_trays(key)
        outcomes = trays.send(transaction, number, _wanted(), current_actor(), chosen_printer())
        return self._onwards(key, site, number, outcomes)

    @expose("/<key>/<site>/<int:number>/accept", methods=["POST"])
    @needs(Permission.PRINT_BOOKLETS)
    def accept(self, key: str, site: str, number: int) -> ResponseReturnValue:
        """One print is good, or all that are left."""
        trays.queue_of_trays(key)
        return self._onwards(key, site, number, trays.accept(transaction, _wanted(), current_actor()))

    @expose("/<key>/<site>/<int:number>/refuse", methods=["POST"])
    @needs(Permission.PRINT_BOOKLETS)
    def refuse(self, key: str, site: str, number: int) -> ResponseReturnValue:
        """One print is bad: its booklet is voided and the case waits for another."""
        trays.queue_of_trays(key)
        reason = {name: request.form.get(name, "") for name in ("void_type", "comment")}
        wanted = _wanted()[:1] or abort(400)
        return self._onwards(key, site, number, [trays.refuse(transaction, wanted[0], current_actor(), reason)])

    def _started(self, key: str, site: str, first: str, outcomes: Iterable[Outcome] = ()) -> ResponseReturnValue:
        queue, actor = trays.queue_of_trays(key), current_actor()
        with transaction() as session:
            place = site_called(session, queue, site, actor)
            lines = trays.proposed(session, queue, site, actor, first=number_in(first) or "")
            opened = trays.open_trays(session, queue, site, actor)
            printers = stations.printers_at(session, place.printing_site)
            trays.log_looks(session, actor, f"tray:{queue.key}", lines, site=site)
        return self.page(
            "trays/start.html", _("Trays"), crumbs=_trail(queue, site, place.name, (_("Trays"), None)), queue=queue,
            site=place, lines=lines, opened=opened, outcomes=_told(outcomes), first=first, usual=trays.USUAL,
            most=trays.MOST, refusal=None, **at_the_printer(printers),
        )  # fmt: skip

    def _onwards(self, key: str, site: str, number: int, outcomes: list[Outcome]) -> ResponseReturnValue:
        """To the tray; without going there first when there is something to tell, for which a cookie has no room."""
        done = sum(one.refusal is None for one in outcomes)
        if done == len(outcomes) and not any(one.warnings for one in outcomes):
            flash(ngettext("%(num)s case done.", "%(num)s cases done.", done), "success")
            return redirect(url_for(".tray", key=key, site=site, number=number), 303)
        return self._shown(key, site, number, outcomes)

    def _shown(self, key: str, site: str, number: int, outcomes: Iterable[Outcome] = ()) -> ResponseReturnValue:
        queue, actor = trays.queue_of_trays(key), current_actor()
        with transaction() as session:
            place = site_called(session, queue, site, actor)
            lines = trays.tray_lines(session, queue, site, number, actor)
            printers = stations.printers_at(session, place.printing_site)
            void_types = fields.choices(session, VOID_TYPE)
            trays.log_looks(session, actor, "tray", lines, tray=number)
        title = _("Tray %(number)s", number=number)
        crumbs = _trail(queue, site, place.name, (_("Trays"), url_for(".start", key=key, site=site)), (title, None))
        return self.page(
            "trays/tray.html", title, crumbs=crumbs, queue=queue, site=place, number=number, lines=lines,
            outcomes=_told(outcomes), void_types=void_types, refusal=None, resumes=actor.may(Permission.RESUME_PRINTS),
            **at_the_printer(printers),
        )  # fmt: skip


def _wanted() -> list[Wanted]:
    """The lines of the list that was sent; 400 when they are not lines."""
    cases, seen, booklets = (request.form.getlist(name) for name in ("case", "seen", "booklet"))
    if len(cases) != len(seen) or len(booklets) not in (0, len(cases)) or len(cases) > trays.MOST:
        abort(400)
    return [Wanted(*line) for line in zip_longest(cases, seen, booklets, fillvalue="")]


def _told(outcomes: Iterable[Outcome]) -> list[tuple[Outcome, list[str]]]:
    """What the page tells: refusals and warnings, these in words."""
    words = ((one, [_(REFUSALS[name]) for name in one.warnings]) for one in outcomes)
    return [(one, warnings) for one, warnings in words if one.refusal or warnings]


def _trail(queue: Queue, site: str, name: str, *more: Crumb) -> list[Crumb]:
    here = url_for("QueueView.queue", key=queue.key, site=site)
    return [(_("Monitoring"), None), (_(queue.label), start_of(queue)), (name, here), *more]


VIEWS = (TrayView,)
