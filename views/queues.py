"""The queues of Monitoreo: sites with their counts, a site's queue, the next case dealt, cases taken and given back."""

import datetime as dt

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.cases import PassportCase, State
from models.catalogs import Site
from models.services import WAIT_LABELS
from models.text import N_
from security.looks import log_look
from security.permissions import Permission
from views.access import current_actor, needs, transaction
from views.frame import Crumb, Page
from workflow import queues
from workflow.labels import Labels, read_labels
from workflow.outside import waiting
from workflow.outside.waiting import DECIDABLE
from workflow.queues import Position, Queue, SiteCount
from workflow.typed import number_in

#: The page on which a case of each queue is worked.
ENDPOINTS = {
    "supervision": "CaseView.review",
    "secondary": "CaseView.review",
    "printing": "PrintingView.case",
    "mobile-printing": "PrintingView.case",
    "in-printing": "PrintingView.case",
    "quality": "QualityView.case",
    "delivery": "DeliveryView.case",
}
#: The first page of a queue whose cases are found by scanning; the others start with their sites.
STARTS = {"quality": "QualityView.start", "delivery": "DeliveryView.start"}
#: States in which a case has a booklet, which its queue shows.
WITH_BOOKLET = (State.EN_IMPRESION, State.IMPRESA, State.POST_IMPRESION)
WORKERS = tuple(dict.fromkeys(queue.permission for queue in queues.QUEUES.values()))


def endpoint_of(key: str) -> str:
    """The endpoint of the page on which a case of that queue is worked; its value is `number`."""
    return ENDPOINTS[key]


class QueueView(Page):
    """Modules 1, 2, 3, 5, 6 and 7, and the list of 4."""

    route_base = "/queues"
    default_view = "sites"
    group = N_("Monitoring")

    @expose("/<key>/")
    @needs(*WORKERS)
    def sites(self, key: str) -> ResponseReturnValue:
        """Where cases wait; who has a single site goes straight to its queue."""
        queue = queues.queue_called(key)
        with transaction() as session:
            counts = queues.site_counts(session, queue, current_actor())
        only = single_site(counts)
        if only and "all" not in request.args:
            return redirect(url_for(".queue", key=key, site=only))
        waiting = [count for count in counts if count.count]
        idle = [count for count in counts if not count.count]
        return self._page("sites", queue, waiting=waiting, idle=idle, cap=queues.COUNT_CAP)

    @expose("/<key>/<site>/")
    @needs(*WORKERS)
    def queue(self, key: str, site: str) -> ResponseReturnValue:
        """The cases that wait at a site, in the order they are worked."""
        queue, actor = queues.queue_called(key), current_actor()
        with transaction() as session:
            place = queues.site_called(session, queue, site, actor)
            cases, following = queues.page(session, queue, site, actor, after=position(request.args.get("after")))
            values = rows(session, queue, cases, place)
        here = url_for(".queue", key=key, site=site)
        return self._page(
            "queue", queue, (place.name, None), site=place, first_url=here if "after" in request.args else None,
            next_url=f"{here}?after={token(following)}" if following else None, **values,
        )  # fmt: skip

    @expose("/<key>/find")
    @needs(*WORKERS)
    def find(self, key: str) -> ResponseReturnValue:
        """Cases of a queue by booklet or by names, whatever their site."""
        queue, typed = queues.queue_called(key), asked("q")
        number = number_in(typed)
        by = {"booklet": number} if number else {"words": typed}
        with transaction() as session:
            cases = queues.find_in_queue(session, queue, current_actor(), **by)
            values = rows(session, queue, cases, None)
        return self._page("queue", queue, (_("Search"), None), site=None, typed=typed, **values)

    @expose("/<key>/<site>/next", methods=["POST"])
    @needs(*WORKERS)
    def deal(self, key: str, site: str) -> ResponseReturnValue:
        """Siguiente caso: the oldest by priority is taken for who asks, and opened."""
        return deal_next(queues.queue_called(key), site)

    @expose("/<key>/<site>/take", methods=["POST"])
    @needs(*WORKERS)
    def take(self, key: str, site: str) -> ResponseReturnValue:
        """The traffic light: the case is taken for who asks, and opened."""
        queue = queues.queue_called(key)
        with transaction() as session:
            case = queues.take(session, queue, request.form.get("number", ""), current_actor())
        return redirect(url_for(endpoint_of(key), number=case.number), 303)

    @expose("/<key>/<site>/give-back", methods=["POST"])
    @needs(*WORKERS)
    def give_back(self, key: str, site: str) -> ResponseReturnValue:
        """Let go of a case that one had taken."""
        queues.queue_called(key)
        number = request.form.get("number", "")
        with transaction() as session:
            queues.give_back(session, number, current_actor())
        flash(_("Case %(number)s waits again for anybody.", number=number), "success")
        return redirect(url_for(".queue", key=key, site=site), 303)

    def _page(self, template: str, queue: Queue, *more: Crumb, **values: object) -> ResponseReturnValue:
        label = _(queue.label)
        title = f"{label}: {more[-1][0]}" if more else label
        crumbs = [(_(str(self.group)), None), (label, start_of(queue) if more else None), *more]
        values.update(queue=queue, worked_at=endpoint_of(queue.key), wide=True)
        return self.page(f"queues/{template}.html", title, crumbs=crumbs, **values)


def start_of(queue: Queue) -> str:
    """The address of the queue's first page."""
    return url_for(STARTS[queue.key]) if queue.key in STARTS else url_for("QueueView.sites", key=queue.key, all=1)


def single_site(counts: list[SiteCount]) -> str | None:
    """The code of the only site there is to go to: the actor's own, unless cases wait for him elsewhere."""
    if len(counts) == 1:
        return counts[0].code
    own = current_actor().sites
    if own is None or len(own) != 1 or any(count.count for count in counts if count.code not in own):
        return None
    return next(iter(own))


def rows(session: Session, queue: Queue, cases: list[PassportCase], site: Site | None) -> dict[str, object]:
    """What the list of a queue shows besides the cases; the look is logged."""
    actor = current_actor()
    detail = {"site": site.code} if site else {}
    log_look(session, actor, f"queue:{queue.key}", None, **detail, cases=[case.number for case in cases])
    labels: Labels = read_labels(session, [case.held_by_id for case in cases if queues.is_held(case)])
    return {
        "cases": cases,
        "labels": labels,
        "is_held": queues.is_held,
        "with_booklet": queue.state in WITH_BOOKLET,
        "waits": waiting.waits_of(session, [case.id for case in cases]) if queue.state in DECIDABLE else {},
        "wait_labels": WAIT_LABELS,
        "by_names": queue.permission is Permission.DELIVER or "q" in request.args,
    }


def deal_next(queue: Queue, site: str) -> ResponseReturnValue:
    """Take the next case of a site's queue and open it; back to the queue when none is free."""
    with transaction() as session:
        queues.site_called(session, queue, site, current_actor())
        case = queues.deal_next(session, queue, site, current_actor())
    if case is not None:
        return redirect(url_for(endpoint_of(queue.key), number=case.number), 303)
    flash(_("No case is free here."), "info")
    return redirect(url_for("QueueView.queue", key=queue.key, site=site), 303)


def asked(name: str) -> str:
    """What was typed or scanned into the field `name` of a search; 400 for control characters, which no key types."""
    return plain(request.args.get(name, ""))


def plain(text: str) -> str:
    """`text` without blanks at its ends; 400 for control characters, which no key types."""
    text = text.strip()
    if not text.translate({9: None, 10: None, 13: None}).isprintable():
        abort(400)
    return text


def token(place: Position) -> str:
    """The address's way of saying where a page starts; it holds nothing of the person."""
    return f"{place.priority}_{place.enrolled_at.timestamp():.6f}_{place.id}"


def position(text: str | None) -> Position | None:
    """What `token` said; 400 for anything else."""
    if text is None:
        return None
    try:
        priority, instant, number = text.split("_")
        return Position(int(priority), dt.datetime.fromtimestamp(float(instant), dt.UTC), int(number))
    except (ValueError, OverflowError):
        abort(400)


VIEWS = (QueueView,)
